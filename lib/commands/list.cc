// Lists.
#include <algorithm>

#include "lib/commands/blocking_shapes.h"
#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/lists.h"

namespace larder::inline v0::commands {

using engine::kShortElements;
using keyspace::Collection;
using keyspace::Lookup;
namespace lists = ops::lists;
using lists::End;

namespace {

// ---- Pushing --------------------------------------------------------------------------------------------------------

Error Push(CommandContext& ctx, ArgReader args, ReplyWriter& reply, End end, bool only_if_there) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t size,
                          lists::Push(ctx.db(), key, end, args.rest(), only_if_there, args.argv()));
  reply.Int(size);
  return kOk;
}

Error LPush(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return Push(ctx, args, reply, End::kLeft, false);
}
Error RPush(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return Push(ctx, args, reply, End::kRight, false);
}
Error LPushX(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return Push(ctx, args, reply, End::kLeft, true);
}
Error RPushX(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return Push(ctx, args, reply, End::kRight, true);
}

Error LInsert(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const bool before = args.Take("BEFORE");
  if (!before && !args.Take("AFTER")) return errors::kSyntax;
  const Bytes pivot = args.Next();
  LARDER_ASSIGN_OR_RETURN(const int64_t size, lists::Insert(ctx.db(), key, before, pivot, args.Next()));
  reply.Int(size);
  return kOk;
}

// The key goes before the index, as in Redis.
Error LSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const keyspace::Place place, lists::Locate(ctx.db(), key));
  if (place == nullptr) return errors::kNoSuchKey;
  LARDER_ASSIGN_OR_RETURN(const int64_t index, args.Int());
  LARDER_RETURN_IF_ERROR(lists::Set(ctx.db(), key, place, index, args.Next()));
  reply.Ok();
  return kOk;
}

// ---- Reading --------------------------------------------------------------------------------------------------------

Error LLen(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(ctx.db(), args.Key()));
  reply.Int(static_cast<int64_t>(list.size()));
  return kOk;
}

Error LIndex(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const keyspace::Entry* const entry = ctx.db().Find(args.Key(), Lookup::kRead);
  if (entry == nullptr) {
    reply.Null();
    return kOk;
  }
  if (entry->type() != keyspace::Type::kList) return errors::kWrongType;
  LARDER_ASSIGN_OR_RETURN(const int64_t index, args.Int());
  const Collection list(entry, lists::kElements);
  size_t at = 0;
  if (lists::IndexOf(index, list.size(), &at)) {
    ReplyPart(list, list.At(at), 0, reply);
  } else {
    reply.Null();
  }
  return kOk;
}

Error LRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t start, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t stop, args.Int());
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(ctx.db(), key));
  const lists::Range range = lists::RangeOf(start, stop, list.size());
  reply.Array(range.count);
  list.ForRange(range.first, range.count, false, [&](const char* record) {
    ReplyPart(list, record, 0, reply);
    return !reply.output().failed();
  });
  return kOk;
}

// How many elements a list has, whoever asks; 0 if it is none.
size_t SizeUnchanged(CommandContext& ctx, Bytes key) {
  base::AssertHolder();  // who asks has the executor
  const keyspace::Entry* const entry = ctx.db().FindUnchanged(key);
  if (entry == nullptr || entry->type() != keyspace::Type::kList) return 0;
  return Collection(entry, lists::kElements).size();
}

// The range that argv[2] and argv[3] are, of a list that has so many elements. Empty if they are no numbers.
lists::Range RangeIn(std::span<const Bytes> argv, size_t size) {
  int64_t start = 0;
  int64_t stop = 0;
  if (argv.size() < 4 || !base::ParseInt64(argv[2], &start) || !base::ParseInt64(argv[3], &stop)) return {};
  return lists::RangeOf(start, stop, size);
}

bool RangeIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return argv.size() < 4 || RangeIn(argv, SizeUnchanged(ctx, argv[1])).count <= kShortElements;
}

// What is counted is what a reply has, so that each is looked at once.
Error ParsePositionOptions(ArgReader& args, lists::PositionOptions* options, bool* counts) {
  while (!args.done()) {
    const bool has_more = args.remaining() > 1;
    if (has_more && args.Take("RANK")) {
      LARDER_ASSIGN_OR_RETURN(options->rank, args.Int());
      if (options->rank == 0) return errors::kZeroRank;
    } else if (has_more && args.Take("COUNT")) {
      LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int(errors::kNegativeCount));
      if (count < 0) return errors::kNegativeCount;
      options->count = static_cast<uint64_t>(count);
      *counts = true;
    } else if (has_more && args.Take("MAXLEN")) {
      LARDER_ASSIGN_OR_RETURN(const int64_t most, args.Int(errors::kNegativeMaxlen));
      if (most < 0) return errors::kNegativeMaxlen;
      options->compared_max = static_cast<uint64_t>(most);
    } else {
      return errors::kSyntax;
    }
  }
  if (options->rank == INT64_MIN) {  // Redis, which cannot negate it, starts at the last one and counts none
    options->rank = -1;
    if (*counts) options->count = 0;
  }
  return kOk;
}

Error LPos(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes element = args.Next();
  lists::PositionOptions options;
  bool counts = false;
  LARDER_RETURN_IF_ERROR(ParsePositionOptions(args, &options, &counts));
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(ctx.db(), key));
  size_t found = 0;
  const size_t mark = reply.BeginDeferred();
  lists::ForPositions(list, element, options, [&](size_t index) {
    ++found;
    reply.Int(static_cast<int64_t>(index));
    return !reply.output().failed();
  });
  if (counts) {
    reply.EndDeferredArray(mark, found);
  } else if (found == 0) {
    reply.Null();
  }
  return kOk;
}

// ---- Removing -------------------------------------------------------------------------------------------------------

Error LRem(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t removed, lists::Remove(ctx.db(), key, count, args.Next()));
  reply.Int(removed);
  return kOk;
}

Error LTrim(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t start, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t stop, args.Int());
  LARDER_RETURN_IF_ERROR(lists::Trim(ctx.db(), key, start, stop));
  reply.Ok();
  return kOk;
}

// Deleting all of it is: it is freed in steps.
bool TrimIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  if (argv.size() < 4) return true;
  const size_t size = SizeUnchanged(ctx, argv[1]);
  const size_t kept = RangeIn(argv, size).count;
  return kept == 0 || size - kept <= kShortElements;
}

// ---- Popping --------------------------------------------------------------------------------------------------------

// Replies before anything changes, and takes the reply back if the change fails.
class ReplyFirst {
 public:
  explicit ReplyFirst(ReplyWriter& reply) : reply_(reply), lost_(reply.output().failed()), mark_(reply.Mark()) {}

  // False without memory, and nothing is written. (In an EXEC whose reply is lost already there is none to have.)
  template <class Write>
  bool operator()(const Write& write) {
    write();
    if (lost_ || !reply_.output().failed()) return true;
    reply_.output().RewindFailed(mark_);
    return false;
  }
  // What is to be replied now that there was an error, or nothing to be popped.
  void TakeBack() {
    if (!lost_) reply_.Rewind(mark_);
  }

 private:
  ReplyWriter& reply_;
  const bool lost_;
  const size_t mark_;
};

void ReplyElements(const lists::Popped& popped, ReplyWriter& reply) {
  reply.Array(popped.count);
  popped.ForEach([&](const char* record) {
    ReplyPart(popped.list, record, 0, reply);
    return !reply.output().failed();
  });
}

void ReplyElement(const lists::Popped& popped, ReplyWriter& reply) {
  popped.ForEach([&](const char* record) {
    ReplyPart(popped.list, record, 0, reply);
    return false;
  });
}

Error Pop(CommandContext& ctx, ArgReader args, ReplyWriter& reply, End end) {
  const Bytes key = args.Key();
  if (args.remaining() > 1) return WrongArity(args, reply);
  const bool counts = !args.done();
  int64_t count = 1;
  if (counts) {
    LARDER_ASSIGN_OR_RETURN(count, args.Int(errors::kNotPositive));
    if (count < 0) return errors::kNotPositive;
  }
  ReplyFirst first(reply);
  const Result<bool> popped =
      lists::Pop(ctx.db(), key, end, static_cast<size_t>(count), [&](const lists::Popped& elements) {
        return first([&] { counts ? ReplyElements(elements, reply) : ReplyElement(elements, reply); });
      });
  if (!popped.ok()) {
    first.TakeBack();
    return popped.error();
  }
  if (!*popped) counts ? reply.NullArray() : reply.Null();
  return kOk;
}

Error LPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Pop(ctx, args, reply, End::kLeft); }
Error RPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Pop(ctx, args, reply, End::kRight); }

bool PopIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  int64_t count = 0;
  return argv.size() < 3 || !base::ParseInt64(argv[2], &count) || count <= static_cast<int64_t>(kShortElements) ||
         CollectionIsShort(ctx, argv);
}

bool TakeEnd(ArgReader& args, End* end) {
  if (args.Take("LEFT")) {
    *end = End::kLeft;
    return true;
  }
  *end = End::kRight;
  return args.Take("RIGHT");
}

// False, and nothing is replied, if there is no source.
Result<bool> Move(CommandContext& ctx, Bytes source, Bytes destination, End from, End to, ReplyWriter& reply)
    LARDER_REQUIRES_HOLDER {
  ReplyFirst first(reply);
  const Result<bool> moved =
      lists::Move(ctx.db(), source, destination, from, to, [&](const lists::Popped& element) {
        return first([&] { ReplyElement(element, reply); });
      });
  if (!moved.ok()) first.TakeBack();
  return moved;
}

// LMOVE's arguments, and those of its like.
struct MoveOptions {
  Bytes source;
  Bytes destination;
  End from = End::kRight;
  End to = End::kLeft;
};

Error ParseMove(ArgReader& args, bool with_ends, MoveOptions* options) {
  options->source = args.Key();
  options->destination = args.Key();
  if (with_ends && (!TakeEnd(args, &options->from) || !TakeEnd(args, &options->to))) return errors::kSyntax;
  return kOk;
}

Result<bool> Move(CommandContext& ctx, const MoveOptions& options, ReplyWriter& reply) LARDER_REQUIRES_HOLDER {
  return Move(ctx, options.source, options.destination, options.from, options.to, reply);
}

Error MoveOne(CommandContext& ctx, ArgReader args, bool with_ends, ReplyWriter& reply) {
  base::AssertHolder();
  MoveOptions options;
  LARDER_RETURN_IF_ERROR(ParseMove(args, with_ends, &options));
  LARDER_ASSIGN_OR_RETURN(const bool moved, Move(ctx, options, reply));
  if (!moved) reply.Null();
  return kOk;
}

Error LMove(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return MoveOne(ctx, args, true, reply); }
Error RPopLPush(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return MoveOne(ctx, args, false, reply); }

// What is moved is added too; it is not known which end it is until the options are read, so that the larger counts.
void MoveGrowth(keyspace::Db* db, uint64_t, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() < 3 || db == nullptr) return;
  base::AssertHolder();  // who gives a database has the executor
  const keyspace::Entry* const entry = db->FindUnchanged(argv[1]);
  if (entry == nullptr || entry->type() != keyspace::Type::kList) return;
  const Collection list(entry, lists::kElements);
  const size_t bytes = std::max(lists::ElementOf(list, list.At(0)).size(),
                                lists::ElementOf(list, list.At(list.size() - 1)).size());
  growth->bytes += bytes;
  growth->value_bytes = std::max(growth->value_bytes, bytes);
}

// The keys, of which the first that has elements is popped; the end; how many of them.
struct MultiPop {
  std::span<const Bytes> keys;
  End end = End::kLeft;
  int64_t count = 1;
};

Error ParseMultiPop(ArgReader& args, MultiPop* pop) {
  LARDER_ASSIGN_OR_RETURN(const int64_t keys, args.Int(errors::kNoKeysCounted));
  if (keys <= 0) return errors::kNoKeysCounted;
  if (keys >= static_cast<int64_t>(args.remaining())) return errors::kSyntax;
  pop->keys = args.rest().first(static_cast<size_t>(keys));
  for (int64_t i = 0; i < keys; ++i) args.Next();
  if (!TakeEnd(args, &pop->end)) return errors::kSyntax;
  if (args.done()) return kOk;
  if (args.remaining() < 2 || !args.Take("COUNT")) return errors::kSyntax;
  LARDER_ASSIGN_OR_RETURN(pop->count, args.Int(errors::kCountNotPositive));
  if (pop->count <= 0) return errors::kCountNotPositive;
  return args.done() ? kOk : Error(errors::kSyntax);
}

// Pops from the list at `key`, and replies its name and what was popped: one element, or an array of up to `count`.
// False, and nothing is replied, if there is no list.
Result<bool> PopNamed(CommandContext& ctx, Bytes key, End end, bool as_array, size_t count, ReplyWriter& reply)
    LARDER_REQUIRES_HOLDER {
  ReplyFirst first(reply);
  const Result<bool> popped = lists::Pop(ctx.db(), key, end, count, [&](const lists::Popped& elements) {
    return first([&] {
      reply.Array(2);
      reply.Bulk(key);
      as_array ? ReplyElements(elements, reply) : ReplyElement(elements, reply);
    });
  });
  if (!popped.ok()) first.TakeBack();
  return popped;
}

Error LMPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  MultiPop pop;
  LARDER_RETURN_IF_ERROR(ParseMultiPop(args, &pop));
  for (const Bytes key : pop.keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped,
                            PopNamed(ctx, key, pop.end, true, static_cast<size_t>(pop.count), reply));
    if (popped) return kOk;
  }
  reply.NullArray();
  return kOk;
}

bool MultiPopIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  MultiPop pop;
  ArgReader args(argv, 1);
  if (argv.size() < 4 || !ParseMultiPop(args, &pop).ok() || pop.count <= static_cast<int64_t>(kShortElements)) {
    return true;
  }
  return std::all_of(pop.keys.begin(), pop.keys.end(),
                     [&](Bytes key) { return SizeUnchanged(ctx, key) <= kShortElements; });
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

// What BLPOP and BRPOP do with one of their keys, when they come and when it is ready.
template <End kEnd>
Error ServePop(CommandContext& ctx, std::span<const Bytes>, const ReadyKey& ready, ReplyWriter& reply, bool* served) {
  base::AssertHolder();
  LARDER_ASSIGN_OR_RETURN(*served, PopNamed(ctx, ready.key, kEnd, false, 1, reply));
  return kOk;
}

template <End kEnd>
Error BlockingPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseSeconds(args.rest().back()));
  const std::span<const Bytes> keys = args.rest().first(args.remaining() - 1);
  for (const Bytes key : keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped, PopNamed(ctx, key, kEnd, false, 1, reply));
    if (popped) return kOk;
  }
  if (engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(ctx, {.keys = keys, .serve = ServePop<kEnd>, .timeout_ms = timeout_ms});
  }
  reply.NullArray();
  return kOk;
}

// argv: what follows the time limit.
Error ServeMultiPop(CommandContext& ctx, std::span<const Bytes> argv, const ReadyKey& ready, ReplyWriter& reply,
                    bool* served) {
  base::AssertHolder();
  MultiPop pop;
  ArgReader args(argv, 0);
  LARDER_RETURN_IF_ERROR(ParseMultiPop(args, &pop));
  LARDER_ASSIGN_OR_RETURN(*served, PopNamed(ctx, ready.key, pop.end, true, static_cast<size_t>(pop.count), reply));
  return kOk;
}

// The time limit is looked at last, as in Redis.
Error BLMPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  const Bytes timeout = args.Next();
  const std::span<const Bytes> argv = args.rest();
  MultiPop pop;
  LARDER_RETURN_IF_ERROR(ParseMultiPop(args, &pop));
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseSeconds(timeout));
  for (const Bytes key : pop.keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped,
                            PopNamed(ctx, key, pop.end, true, static_cast<size_t>(pop.count), reply));
    if (popped) return kOk;
  }
  if (engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(
        ctx, {.keys = pop.keys, .argv = argv, .serve = ServeMultiPop, .timeout_ms = timeout_ms});
  }
  reply.NullArray();
  return kOk;
}

template <bool kWithEnds>
Error ServeMove(CommandContext& ctx, std::span<const Bytes> argv, const ReadyKey&, ReplyWriter& reply, bool* served) {
  base::AssertHolder();
  MoveOptions options;
  ArgReader args(argv, 0);
  LARDER_RETURN_IF_ERROR(ParseMove(args, kWithEnds, &options));
  LARDER_ASSIGN_OR_RETURN(*served, Move(ctx, options, reply));
  return kOk;
}

template <bool kWithEnds>
Error BlockingMove(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  const std::span<const Bytes> argv = args.rest();
  MoveOptions options;
  LARDER_RETURN_IF_ERROR(ParseMove(args, kWithEnds, &options));
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseSeconds(args.Next()));
  LARDER_ASSIGN_OR_RETURN(const bool moved, Move(ctx, options, reply));
  if (moved) return kOk;
  if (engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(
        ctx, {.keys = argv.first(1), .argv = argv, .serve = ServeMove<kWithEnds>, .timeout_ms = timeout_ms});
  }
  reply.Null();
  return kOk;
}

// BLMPOP's arguments after its time limit are LMPOP's after its name.
bool BlockingMultiPopIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return MultiPopIsShort(ctx, argv.subspan(1));
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kInsertedKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr KeySpec kPoppedKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
constexpr KeySpec kMovedKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                  OneKey(2, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kCountedKeys[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyDelete, .index = 1,
                                     .find = KeySpec::kKeyNum, .key_num = 0, .first_key = 1}};
constexpr ArgSpec kElement = {.name = "element", .type = ArgType::kString};
constexpr ArgSpec kCount = {.name = "count", .type = ArgType::kInteger};
constexpr ArgSpec kPushArgs[] = {kKeyArg, {.name = "element", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kPopArgs[] = {
    kKeyArg, {.name = "count", .type = ArgType::kInteger, .since = "6.2.0", .optional = true}};
constexpr ArgSpec kIndexArgs[] = {kKeyArg, {.name = "index", .type = ArgType::kInteger}};
constexpr ArgSpec kRangeArgs[] = {
    kKeyArg, {.name = "start", .type = ArgType::kInteger}, {.name = "stop", .type = ArgType::kInteger}};
constexpr ArgSpec kBeforeAfter[] = {{.name = "before", .type = ArgType::kPureToken, .token = "BEFORE"},
                                    {.name = "after", .type = ArgType::kPureToken, .token = "AFTER"}};
constexpr ArgSpec kInsertArgs[] = {kKeyArg,
                                   {.name = "where", .type = ArgType::kOneOf, .args = kBeforeAfter},
                                   {.name = "pivot", .type = ArgType::kString},
                                   kElement};
constexpr ArgSpec kSetArgs[] = {kKeyArg, {.name = "index", .type = ArgType::kInteger}, kElement};
constexpr ArgSpec kRemArgs[] = {kKeyArg, kCount, kElement};
constexpr ArgSpec kPosArgs[] = {
    kKeyArg, kElement,
    {.name = "rank", .type = ArgType::kInteger, .token = "RANK", .optional = true},
    {.name = "num-matches", .type = ArgType::kInteger, .token = "COUNT", .optional = true},
    {.name = "len", .type = ArgType::kInteger, .token = "MAXLEN", .optional = true}};
constexpr ArgSpec kEnds[] = {{.name = "left", .type = ArgType::kPureToken, .token = "LEFT"},
                             {.name = "right", .type = ArgType::kPureToken, .token = "RIGHT"}};
constexpr ArgSpec kSource = {.name = "source", .type = ArgType::kKey, .key_spec = 0};
constexpr ArgSpec kDestination = {.name = "destination", .type = ArgType::kKey, .key_spec = 1};
constexpr ArgSpec kMoveArgs[] = {kSource, kDestination,
                                 {.name = "wherefrom", .type = ArgType::kOneOf, .args = kEnds},
                                 {.name = "whereto", .type = ArgType::kOneOf, .args = kEnds}};
constexpr ArgSpec kRPopLPushArgs[] = {kSource, kDestination};
constexpr ArgSpec kMultiPopArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .args = kEnds},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr ArgSpec kBlockingMoveArgs[] = {kSource, kDestination,
                                         {.name = "wherefrom", .type = ArgType::kOneOf, .args = kEnds},
                                         {.name = "whereto", .type = ArgType::kOneOf, .args = kEnds},
                                         kTimeoutArg};
constexpr ArgSpec kBRPopLPushArgs[] = {kSource, kDestination, kTimeoutArg};
constexpr ArgSpec kBlockingMultiPopArgs[] = {
    kTimeoutArg,
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .args = kEnds},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr HistoryItem kPushHistory[] = {{"2.4.0", "Several elements in one call."}};
constexpr HistoryItem kPushXHistory[] = {{"4.0.0", "Several elements in one call."}};
constexpr HistoryItem kPopHistory[] = {{"6.2.0", "A count of elements."}};

constexpr auto kRows = Rows({.group = Group::kList, .categories = kAclList}, {
    {.name = "blmove", .run = BlockingMove<true>, .arity = Exactly(6), .flags = kGrows | kBlocksNoscript,
     .keys = kMovedKeys, .args = kBlockingMoveArgs,
     .summary = "LMOVE that waits for an element if there is none.", .complexity = "O(log N)", .since = "6.2.0",
     .growth = MoveGrowth},
    {.name = "blmpop", .run = BLMPop, .arity = AtLeast(5), .flags = kWrites | kBlocks | kCmdMovableKeys,
     .keys = kAwaitedCountedKeys, .args = kBlockingMultiPopArgs,
     .summary = "LMPOP that waits for an element if there is none.",
     .complexity = "O(N + M), N = keys, M = elements returned", .since = "7.0.0",
     .is_short = BlockingMultiPopIsShort},
    {.name = "blpop", .run = BlockingPop<End::kLeft>, .arity = AtLeast(3), .flags = kWrites | kBlocksNoscript,
     .keys = kAwaitedKeys, .args = kAwaitArgs,
     .summary = "Removes and returns the first element of the first list that there is, or waits for one.",
     .complexity = "O(N), N = keys", .since = "2.0.0", .history = kTimeoutHistory},
    {.name = "brpop", .run = BlockingPop<End::kRight>, .arity = AtLeast(3), .flags = kWrites | kBlocksNoscript,
     .keys = kAwaitedKeys, .args = kAwaitArgs,
     .summary = "Removes and returns the last element of the first list that there is, or waits for one.",
     .complexity = "O(N), N = keys", .since = "2.0.0", .history = kTimeoutHistory},
    {.name = "brpoplpush", .run = BlockingMove<false>, .arity = Exactly(4), .flags = kGrows | kBlocksNoscript,
     .keys = kMovedKeys, .args = kBRPopLPushArgs, .summary = "RPOPLPUSH that waits for an element if there is none.",
     .complexity = "O(log N)", .since = "2.2.0", .deprecated_since = "6.2.0",
     .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments", .history = kTimeoutHistory,
     .growth = MoveGrowth},
    {.name = "lindex", .run = LIndex, .arity = Exactly(3), .flags = kReads, .keys = kReadKey, .args = kIndexArgs,
     .summary = "The element of a list at an index, from the end if it is negative.",
     .complexity = "O(log N), N = elements of the list", .since = "1.0.0"},
    {.name = "linsert", .run = LInsert, .arity = Exactly(5), .flags = kGrows, .keys = kInsertedKey, .args = kInsertArgs,
     .summary = "Inserts an element into a list, beside another one.",
     .complexity = "O(N), N = elements before the other one", .since = "2.2.0", .is_short = CollectionIsShort},
    {.name = "llen", .run = LLen, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many elements a list has.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "lmove", .run = LMove, .arity = Exactly(5), .flags = kGrows, .keys = kMovedKeys, .args = kMoveArgs,
     .summary = "Moves an element from an end of a list to an end of another.", .complexity = "O(log N)",
     .since = "6.2.0", .growth = MoveGrowth},
    {.name = "lmpop", .run = LMPop, .arity = AtLeast(4), .flags = kWrites | kCmdMovableKeys, .keys = kCountedKeys,
     .args = kMultiPopArgs, .summary = "Removes and returns elements from an end of the first list that there is.",
     .complexity = "O(N + M), N = keys, M = elements returned", .since = "7.0.0", .is_short = MultiPopIsShort},
    {.name = "lpop", .run = LPop, .arity = AtLeast(2), .flags = kFastWrites, .keys = kPoppedKey, .args = kPopArgs,
     .summary = "Removes and returns the first elements of a list.", .complexity = "O(N), N = elements returned",
     .since = "1.0.0", .history = kPopHistory, .is_short = PopIsShort},
    {.name = "lpos", .run = LPos, .arity = AtLeast(3), .flags = kReads, .keys = kReadKey, .args = kPosArgs,
     .summary = "Where in a list an element is.", .complexity = "O(N), N = elements compared", .since = "6.0.6",
     .is_short = CollectionIsShort},
    {.name = "lpush", .run = LPush, .arity = AtLeast(3), .flags = kFastGrows, .keys = kInsertedKey, .args = kPushArgs,
     .summary = "Puts elements before the first one of a list.", .complexity = "O(N), N = elements added",
     .since = "1.0.0", .history = kPushHistory},
    {.name = "lpushx", .run = LPushX, .arity = AtLeast(3), .flags = kFastGrows, .keys = kInsertedKey, .args = kPushArgs,
     .summary = "Puts elements before the first one of a list that is there.",
     .complexity = "O(N), N = elements added", .since = "2.2.0", .history = kPushXHistory},
    {.name = "lrange", .run = LRange, .arity = Exactly(4), .flags = kReads, .keys = kReadKey, .args = kRangeArgs,
     .summary = "The elements of a list from one index to another.",
     .complexity = "O(log N + M), N = elements of the list, M = those returned", .since = "1.0.0",
     .is_short = RangeIsShort},
    {.name = "lrem", .run = LRem, .arity = Exactly(4), .flags = kWrites, .keys = kPrunedKey, .args = kRemArgs,
     .summary = "Removes some or all elements of a list that have this value.",
     .complexity = "O(N), N = elements of the list", .since = "1.0.0", .is_short = CollectionIsShort},
    {.name = "lset", .run = LSet, .arity = Exactly(4), .flags = kGrows, .keys = kUpdatedKey, .args = kSetArgs,
     .summary = "Gives the element of a list at an index another value.",
     .complexity = "O(log N), N = elements of the list", .since = "1.0.0"},
    {.name = "ltrim", .run = LTrim, .arity = Exactly(4), .flags = kWrites, .keys = kPrunedKey, .args = kRangeArgs,
     .summary = "Removes all elements of a list but those from one index to another.",
     .complexity = "O(N), N = elements removed", .since = "1.0.0", .is_short = TrimIsShort},
    {.name = "rpop", .run = RPop, .arity = AtLeast(2), .flags = kFastWrites, .keys = kPoppedKey, .args = kPopArgs,
     .summary = "Removes and returns the last elements of a list.", .complexity = "O(N), N = elements returned",
     .since = "1.0.0", .history = kPopHistory, .is_short = PopIsShort},
    {.name = "rpoplpush", .run = RPopLPush, .arity = Exactly(3), .flags = kGrows, .keys = kMovedKeys,
     .args = kRPopLPushArgs, .summary = "Moves the last element of a list to the front of another.",
     .complexity = "O(log N)", .since = "1.2.0", .deprecated_since = "6.2.0",
     .replaced_by = "`LMOVE` with `RIGHT` and `LEFT`", .growth = MoveGrowth},
    {.name = "rpush", .run = RPush, .arity = AtLeast(3), .flags = kFastGrows, .keys = kInsertedKey, .args = kPushArgs,
     .summary = "Puts elements behind the last one of a list.", .complexity = "O(N), N = elements added",
     .since = "1.0.0", .history = kPushHistory},
    {.name = "rpushx", .run = RPushX, .arity = AtLeast(3), .flags = kFastGrows, .keys = kInsertedKey, .args = kPushArgs,
     .summary = "Puts elements behind the last one of a list that is there.",
     .complexity = "O(N), N = elements added", .since = "2.2.0", .history = kPushXHistory},
});

}  // namespace

constinit const Family kListFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
