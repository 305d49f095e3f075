// Intersections, unions and differences of sets.
#include "lib/commands/families.h"
#include "lib/commands/set_reply.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/set_algebra.h"

namespace larder::inline v0::commands {

using ops::sets::Set;
namespace sets = ops::sets;

namespace {

// A set in a reply, whose size is known last.
class SetReply {
 public:
  explicit SetReply(ReplyWriter& reply) : reply_(reply), mark_(reply.BeginDeferred()) {}
  bool Add(const Set& set, const char* record) {
    ReplyMember(set, record, reply_);
    ++size_;
    return !reply_.output().failed();
  }
  void End() { reply_.EndDeferredSet(mark_, size_); }

 private:
  ReplyWriter& reply_;
  const size_t mark_;
  size_t size_ = 0;
};

Error SInter(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  sets::Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Open(ctx.db(), args.rest()));
  SetReply result(reply);
  sets::Intersect(sources.sets(), [&](const Set& set, const char* record) { return result.Add(set, record); });
  result.End();
  return kOk;
}

Error SUnion(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  sets::Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Open(ctx.db(), args.rest()));
  SetReply result(reply);
  LARDER_RETURN_IF_ERROR(sets::Unite(ctx.db(), sources.sets(), [&](const Set& set, const char* record) {
    return result.Add(set, record);
  }));
  result.End();
  return kOk;
}

Error SDiff(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  sets::Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Open(ctx.db(), args.rest()));
  SetReply result(reply);
  sets::Subtract(sources.sets(), [&](const Set& set, const char* record) { return result.Add(set, record); });
  result.End();
  return kOk;
}

// The keys behind the number of keys, which is the next argument. Errors: kNoKeysCounted, kTooManyKeysCounted.
Result<std::span<const Bytes>> CountedKeys(ArgReader& args) {
  LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int(errors::kNoKeysCounted));
  if (count < 1) return errors::kNoKeysCounted;
  if (static_cast<uint64_t>(count) > args.remaining()) return errors::kTooManyKeysCounted;
  const std::span<const Bytes> keys = args.rest().first(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) args.Key();
  return keys;
}

Error SInterCard(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const std::span<const Bytes> keys, CountedKeys(args));
  int64_t limit = 0;
  while (!args.done()) {
    if (!args.Take("limit") || args.done()) return errors::kSyntax;
    LARDER_ASSIGN_OR_RETURN(limit, args.Int(errors::kNegativeLimit));
    if (limit < 0) return errors::kNegativeLimit;
  }
  sets::Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Open(ctx.db(), keys));
  int64_t size = 0;
  sets::Intersect(sources.sets(), [&](const Set&, const char*) { return ++size != limit; });
  reply.Int(size);
  return kOk;
}

using StoreFn = Result<int64_t> (*)(keyspace::Db&, Bytes, std::span<const Bytes>, std::span<const Bytes>);

template <StoreFn kStore>
Error Store(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes to = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t size, kStore(ctx.db(), to, args.rest(), args.argv()));
  reply.Int(size);
  return kOk;
}

// ---- What they cost -------------------------------------------------------------------------------------------------

using CostFn = sets::AlgebraCosts (*)(keyspace::Db&, std::span<const Bytes>);

constexpr uint64_t kShortLookups = 4 * engine::kShortElements;

// `kFirst`: which argument is the first source.
template <CostFn kCosts, size_t kFirst>
bool LooksUpFew(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();  // who asks has the executor
  return argv.size() <= kFirst || kCosts(ctx.db(), argv.subspan(kFirst)).lookups <= kShortLookups;
}

bool CountsFew(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();
  ArgReader args(argv, 1);
  if (args.done()) return true;
  const Result<std::span<const Bytes>> keys = CountedKeys(args);
  return !keys.ok() || sets::CostsOfIntersection(ctx.db(), *keys).lookups <= kShortLookups;
}

template <CostFn kCosts>
void StoreGrowth(keyspace::Db* db, uint64_t, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() < 3 || db == nullptr) return;
  base::AssertHolder();  // who gives a database has the executor
  growth->bytes += kCosts(*db, argv.subspan(2)).result_bytes;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kUpdatedAndReadKeys[] = {OneKey(1, kKeyReadWrite | kKeyUpdate),
                                           KeyRange(2, -1, 1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kReplacedAndReadKeys[] = {OneKey(1, kKeyOverwrite | kKeyUpdate),
                                            KeyRange(2, -1, 1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kCountedKeys[] = {
    {.flags = kKeyReadOnly | kKeyAccess, .index = 1, .find = KeySpec::kKeyNum, .key_num = 0, .first_key = 1}};
constexpr ArgSpec kStoreArgs[] = {{.name = "destination", .type = ArgType::kKey, .key_spec = 0},
                                  {.name = "key", .type = ArgType::kKey, .key_spec = 1, .multiple = true}};
constexpr ArgSpec kCardArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
    {.name = "limit", .type = ArgType::kInteger, .token = "LIMIT", .optional = true}};

constexpr std::string_view kInterComplexity = "O(N*M), N = members of the smallest set, M = sets";
constexpr std::string_view kSumComplexity = "O(N), N = members of all sets, if the sets are few";

constexpr auto kRows = Rows({.group = Group::kSet, .categories = kAclSet}, {
    {.name = "sdiff", .run = SDiff, .arity = AtLeast(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKeys,
     .args = kKeysArgs, .summary = "The members of the first set that no other has.", .complexity = kSumComplexity,
     .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfDifference, 1>},
    {.name = "sdiffstore", .run = Store<sets::StoreDifference>, .arity = AtLeast(3), .flags = kGrows,
     .keys = kReplacedAndReadKeys, .args = kStoreArgs,
     .summary = "Stores the members of the first set that no other has.", .complexity = kSumComplexity,
     .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfDifference, 2>,
     .growth = StoreGrowth<sets::CostsOfDifference>},
    {.name = "sinter", .run = SInter, .arity = AtLeast(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKeys,
     .args = kKeysArgs, .summary = "The members that all sets have.", .complexity = kInterComplexity,
     .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfIntersection, 1>},
    {.name = "sintercard", .run = SInterCard, .arity = AtLeast(3), .flags = kReads | kCmdMovableKeys,
     .keys = kCountedKeys, .args = kCardArgs, .summary = "How many members all sets have.",
     .complexity = kInterComplexity, .since = "7.0.0", .is_short = CountsFew},
    {.name = "sinterstore", .run = Store<sets::StoreIntersection>, .arity = AtLeast(3), .flags = kGrows,
     .keys = kUpdatedAndReadKeys, .args = kStoreArgs, .summary = "Stores the members that all sets have.",
     .complexity = kInterComplexity, .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfIntersection, 2>,
     .growth = StoreGrowth<sets::CostsOfIntersection>},
    {.name = "sunion", .run = SUnion, .arity = AtLeast(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKeys,
     .args = kKeysArgs, .summary = "The members that any of the sets has.", .complexity = kSumComplexity,
     .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfUnion, 1>},
    {.name = "sunionstore", .run = Store<sets::StoreUnion>, .arity = AtLeast(3), .flags = kGrows,
     .keys = kReplacedAndReadKeys, .args = kStoreArgs, .summary = "Stores the members that any of the sets has.",
     .complexity = kSumComplexity, .since = "1.0.0", .is_short = LooksUpFew<sets::CostsOfUnion, 2>,
     .growth = StoreGrowth<sets::CostsOfUnion>},
});

}  // namespace

constinit const Family kSetAlgebraFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
