// Sorted sets, member by member. Ranges are in zset_range.cc, unions and their like in zset_algebra.cc.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <optional>

#include "lib/base/buffer.h"
#include "lib/commands/blocking_shapes.h"
#include "lib/commands/families.h"
#include "lib/commands/scan_options.h"
#include "lib/commands/shapes.h"
#include "lib/commands/zset_reply.h"
#include "lib/engine/short.h"
#include "lib/ops/sampling.h"
#include "lib/ops/zsets.h"

namespace larder::inline v0::commands {

using keyspace::Collection;
using keyspace::Lookup;
namespace zsets = ops::zsets;

namespace {

// ---- Adding and removing --------------------------------------------------------------------------------------------

struct AddOptions {
  zsets::AddRule rule;
  bool counts_changed = false;  // CH
  bool increments = false;      // INCR
};

AddOptions ParseAddOptions(ArgReader& args) {
  AddOptions options;
  while (!args.done()) {
    if (args.Take("nx")) options.rule.only_new = true;
    else if (args.Take("xx")) options.rule.only_old = true;
    else if (args.Take("gt")) options.rule.only_more = true;
    else if (args.Take("lt")) options.rule.only_less = true;
    else if (args.Take("ch")) options.counts_changed = true;
    else if (args.Take("incr")) options.increments = true;
    else break;
  }
  return options;
}

Error CheckAddOptions(const AddOptions& options, size_t words) {
  const zsets::AddRule& rule = options.rule;
  if (words == 0 || words % 2 != 0) return errors::kSyntax;
  if (rule.only_new && rule.only_old) return errors::kXxAndNx;
  if (rule.only_new + rule.only_more + rule.only_less > 1) return errors::kGtLtAndNx;
  if (options.increments && words > 2) return errors::kSeveralIncrements;
  return kOk;
}

void ReplyScoreOrNull(const std::optional<double>& score, ReplyWriter& reply) {
  if (score.has_value()) {
    reply.Double(*score);
  } else {
    reply.Null();
  }
}

Error IncrementMember(CommandContext& ctx, Bytes key, ArgReader args, zsets::AddRule rule, ReplyWriter& reply) {
  double by = 0;
  if (!base::ParseDouble(args.Next(), &by)) return errors::kNotFloat;
  LARDER_ASSIGN_OR_RETURN(const std::optional<double> score,
                          zsets::Increment(ctx.db(), key, args.Next(), by, rule, args.argv()));
  ReplyScoreOrNull(score, reply);
  return kOk;
}

Error ZAdd(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const AddOptions options = ParseAddOptions(args);
  LARDER_RETURN_IF_ERROR(CheckAddOptions(options, args.remaining()));
  if (options.increments) return IncrementMember(ctx, key, args, options.rule, reply);
  constexpr size_t kFew = 8;
  zsets::Scored few[kFew];
  const size_t count = args.remaining() / 2;
  base::Buffer room;
  zsets::Scored* members = few;
  if (count > kFew) {
    char* const bytes = room.Extend(count * sizeof(zsets::Scored));
    if (bytes == nullptr) return errors::kAllocationFailed;
    members = reinterpret_cast<zsets::Scored*>(bytes);
  }
  for (size_t i = 0; i < count; ++i) {
    double score = 0;
    if (!base::ParseDouble(args.Next(), &score)) return errors::kNotFloat;
    new (members + i) zsets::Scored{score, args.Next()};
  }
  LARDER_ASSIGN_OR_RETURN(const zsets::Added added,
                          zsets::Add(ctx.db(), key, {members, count}, options.rule, args.argv()));
  reply.Int(options.counts_changed ? added.added + added.changed : added.added);
  return kOk;
}

Error ZIncrBy(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  ArgReader options = args;
  ParseAddOptions(options);
  if (options.remaining() != args.remaining()) return errors::kSyntax;  // ZADD's options are none here, nor numbers
  return IncrementMember(ctx, key, args, {}, reply);
}

Error ZRem(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t removed, zsets::Remove(ctx.db(), key, args.rest(), args.argv()));
  reply.Int(removed);
  return kOk;
}

// ---- Asking for members ---------------------------------------------------------------------------------------------

Error ZCard(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  reply.Int(static_cast<int64_t>(zset.size()));
  return kOk;
}

std::optional<double> ScoreOfMember(const Collection& zset, Bytes member) {
  double score = 0;
  return zsets::Score(zset, member, &score) ? std::optional<double>(score) : std::nullopt;
}

Error ZScore(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  ReplyScoreOrNull(ScoreOfMember(zset, args.Next()), reply);
  return kOk;
}

Error ZMScore(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  reply.Array(args.remaining());
  while (!args.done() && !reply.output().failed()) ReplyScoreOrNull(ScoreOfMember(zset, args.Next()), reply);
  return kOk;
}

Error ReplyRank(CommandContext& ctx, ArgReader args, bool reverse, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  size_t rank = 0;
  if (zsets::Rank(zset, args.Next(), &rank)) {
    reply.Int(static_cast<int64_t>(reverse ? zset.size() - 1 - rank : rank));
  } else {
    reply.Null();
  }
  return kOk;
}

Error ZRank(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return ReplyRank(ctx, args, false, reply); }
Error ZRevRank(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return ReplyRank(ctx, args, true, reply); }

Error ZRandMember(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  base::Random& random = ctx.keyspace().random();
  if (args.done()) {
    LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), key));
    if (zset.empty()) {
      reply.Null();
    } else {
      ReplyPart(zset, zset.At(random.Below(zset.size())), 0, reply);
    }
    return kOk;
  }
  bool with_scores = false;
  LARDER_ASSIGN_OR_RETURN(const int64_t count, ParseRandomCount(args, "withscores", &with_scores));
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), key));
  if (count == 0 || zset.empty()) {
    reply.Array(0);
    return kOk;
  }
  LARDER_RETURN_IF_ERROR(CheckRandomCount(count));
  if (count < 0) {
    MembersReply members(zset, with_scores, static_cast<size_t>(-count), reply);
    for (int64_t i = count; i < 0; ++i) {
      if (!members.Add(zset.At(random.Below(zset.size())))) break;
    }
    return kOk;
  }
  const size_t most = std::min(static_cast<size_t>(count), zset.size());
  const size_t mark = reply.Mark();
  MembersReply members(zset, with_scores, most, reply);
  if (ops::SampleRecords(zset, most, random, [&](const char* record) { members.Add(record); })) return kOk;
  reply.Rewind(mark);
  return errors::kAllocationFailed;
}

bool RandomIsShort(CommandContext&, std::span<const Bytes> argv) {
  int64_t count = 0;
  if (argv.size() < 3 || !base::ParseInt64(argv[2], &count)) return true;
  return count >= -static_cast<int64_t>(kShortElements) && count <= static_cast<int64_t>(kShortElements);
}

// A score as ZSCAN has it. Redis shows what a listpack has in it, and whole numbers up to 2^62 are integers there.
void ReplyScanned(double score, bool is_listpack, ReplyWriter& reply) {
  constexpr double kIntegerMax = 0x1p62;
  if (is_listpack && std::abs(score) <= kIntegerMax && score == std::floor(score)) {
    return reply.BulkInt(static_cast<int64_t>(score));
  }
  char digits[base::kDoubleChars];
  reply.Bulk(base::FormatDouble(score, digits));
}

Error ZScan(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  uint64_t cursor = 0;
  if (!ParseCursor(args.Next(), &cursor)) return errors::kInvalidCursor;
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kRead));
  ScanOptions options;
  base::Buffer room;
  if (!opened.zset.empty()) LARDER_RETURN_IF_ERROR(ParseScanOptions(args, /*of_keys=*/false, &options, room));
  // Only by their hashes can members be gone through while some come and go, or change their scores.
  const Collection zset = opened.is_listpack ? opened.zset : opened.zset.ByHash();
  return ReplyScan(
      zset, opened.is_listpack, cursor, options, 2,
      [&](const char* record, ReplyWriter& to) {
        ReplyPart(zset, record, 0, to);
        ReplyScanned(zsets::ScoreOf(zset, record), opened.is_listpack, to);
      },
      reply);
}

bool ZScanIsShort(CommandContext&, std::span<const Bytes> argv) { return ScanOptionsAreShort(argv, 3); }

// ---- Popping --------------------------------------------------------------------------------------------------------

// Replies so many from an end, and removes them. `command`: what the change is as a command.
Error PopSome(CommandContext& ctx, Bytes key, const Collection& zset, bool max, size_t count,
              MembersReply::Pairs pairs, std::span<const Bytes> command, ReplyWriter& reply) {
  const bool lost = reply.output().failed();
  const size_t mark = reply.Mark();
  const zsets::Picked picked{max ? zset.size() - 1 : 0, std::min(count, zset.size()), max};
  MembersReply(zset, true, picked.count, reply, pairs).Add(picked);
  if (!lost && reply.output().failed()) {  // and nothing has gone yet
    reply.output().RewindFailed(mark);
    return errors::kAllocationFailed;
  }
  return zsets::RemoveRange(ctx.db(), key, picked.least(), picked.count, max ? "zpopmax" : "zpopmin", command);
}

Error Pop(CommandContext& ctx, ArgReader args, bool max, ReplyWriter& reply) {
  const Bytes key = args.Key();
  if (args.remaining() > 1) return errors::kSyntax;
  int64_t count = 1;
  const auto pairs = args.done() ? MembersReply::Pairs::kFlat : MembersReply::Pairs::kByProtocol;
  if (!args.done()) {
    LARDER_ASSIGN_OR_RETURN(count, args.Int(errors::kNotPositive));
  }
  if (count < 0) return errors::kNotPositive;
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kWrite));
  if (opened.zset.empty() || count == 0) {
    reply.Array(0);
    return kOk;
  }
  const size_t mark = reply.Mark();
  const Error error = PopSome(ctx, key, opened.zset, max, static_cast<size_t>(count), pairs, args.argv(), reply);
  if (!error.ok()) reply.Rewind(mark);
  return error;
}

Error ZPopMin(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Pop(ctx, args, false, reply); }
Error ZPopMax(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Pop(ctx, args, true, reply); }

// What all pops are short or not by.
bool CountIsShort(std::span<const Bytes> argv, size_t at) {
  int64_t count = 0;
  return argv.size() <= at || !base::ParseInt64(argv[at], &count) || count <= static_cast<int64_t>(kShortElements);
}
bool PopIsShort(CommandContext&, std::span<const Bytes> argv) { return CountIsShort(argv, 2); }

struct MultiPop {
  std::span<const Bytes> keys;
  bool max = false;
  int64_t count = 1;
};

// numkeys key [key ...] MIN | MAX [COUNT count]
Error ParseMultiPop(ArgReader& args, MultiPop* pop) {
  LARDER_ASSIGN_OR_RETURN(const int64_t keys, args.Int(errors::kNoKeysCounted));
  if (keys < 1) return errors::kNoKeysCounted;
  if (static_cast<uint64_t>(keys) >= args.remaining()) return errors::kSyntax;
  pop->keys = args.rest().first(static_cast<size_t>(keys));
  for (int64_t i = 0; i < keys; ++i) args.Key();
  pop->max = args.Take("max");
  if (!pop->max && !args.Take("min")) return errors::kSyntax;
  for (bool counted = false; !args.done(); counted = true) {
    if (counted || args.remaining() < 2 || !args.Take("count")) return errors::kSyntax;
    LARDER_ASSIGN_OR_RETURN(pop->count, args.Int(errors::kCountNotPositive));
    if (pop->count < 1) return errors::kCountNotPositive;
  }
  return kOk;
}

// Pops from the sorted set at `key`, and replies its name and what was popped: one member and its score, or an array of
// up to `count` pairs. False, and nothing is replied, if there is no sorted set.
Result<bool> PopNamed(CommandContext& ctx, Bytes key, bool max, bool as_array, size_t count, ReplyWriter& reply)
    LARDER_REQUIRES_HOLDER {
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kWrite));
  if (opened.zset.empty()) return false;
  char digits[base::kIntChars];
  count = std::min(count, opened.zset.size());
  const Bytes command[] = {max ? "ZPOPMAX" : "ZPOPMIN", key, base::FormatUint64(count, digits)};
  const size_t mark = reply.Mark();
  const auto pairs = as_array ? MembersReply::Pairs::kNested : MembersReply::Pairs::kWithinReply;
  reply.Array(as_array ? 2 : 3);
  reply.Bulk(key);
  const Error error = PopSome(ctx, key, opened.zset, max, count, pairs, command, reply);
  if (error.ok()) return true;
  reply.Rewind(mark);
  return error;
}

Error ZMPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  MultiPop pop;
  LARDER_RETURN_IF_ERROR(ParseMultiPop(args, &pop));
  for (const Bytes key : pop.keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped,
                            PopNamed(ctx, key, pop.max, true, static_cast<size_t>(pop.count), reply));
    if (popped) return kOk;
  }
  reply.NullArray();
  return kOk;
}

bool MultiPopIsShort(CommandContext&, std::span<const Bytes> argv) {
  ArgReader args(argv, 1);
  MultiPop pop;
  return args.done() || !ParseMultiPop(args, &pop).ok() || pop.count <= static_cast<int64_t>(kShortElements);
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

// What BZPOPMIN and BZPOPMAX do with one of their keys, when they come and when it is ready.
template <bool kMax>
Error ServePop(CommandContext& ctx, std::span<const Bytes>, const ReadyKey& ready, ReplyWriter& reply, bool* served) {
  base::AssertHolder();
  LARDER_ASSIGN_OR_RETURN(*served, PopNamed(ctx, ready.key, kMax, false, 1, reply));
  return kOk;
}

template <bool kMax>
Error BlockingPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseSeconds(args.rest().back()));
  const std::span<const Bytes> keys = args.rest().first(args.remaining() - 1);
  for (const Bytes key : keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped, PopNamed(ctx, key, kMax, false, 1, reply));
    if (popped) return kOk;
  }
  if (engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(
        ctx, {.keys = keys, .serve = ServePop<kMax>, .type = keyspace::Type::kZset, .timeout_ms = timeout_ms});
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
  LARDER_ASSIGN_OR_RETURN(*served, PopNamed(ctx, ready.key, pop.max, true, static_cast<size_t>(pop.count), reply));
  return kOk;
}

// The time limit is looked at last, as in Redis.
Error BZMPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  base::AssertHolder();
  const Bytes timeout = args.Next();
  const std::span<const Bytes> argv = args.rest();
  MultiPop pop;
  LARDER_RETURN_IF_ERROR(ParseMultiPop(args, &pop));
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseSeconds(timeout));
  for (const Bytes key : pop.keys) {
    LARDER_ASSIGN_OR_RETURN(const bool popped,
                            PopNamed(ctx, key, pop.max, true, static_cast<size_t>(pop.count), reply));
    if (popped) return kOk;
  }
  if (engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(ctx, {.keys = pop.keys, .argv = argv, .serve = ServeMultiPop,
                                             .type = keyspace::Type::kZset, .timeout_ms = timeout_ms});
  }
  reply.NullArray();
  return kOk;
}

// BZMPOP's arguments after its time limit are ZMPOP's after its name.
bool BlockingMultiPopIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return MultiPopIsShort(ctx, argv.subspan(1));
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr KeySpec kPoppedKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
constexpr KeySpec kPoppedKeys[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyDelete, .index = 1,
                                    .find = KeySpec::kKeyNum, .key_num = 0, .first_key = 1}};
constexpr ArgSpec kMember = {.name = "member", .type = ArgType::kString};
constexpr ArgSpec kConditions[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                   {.name = "xx", .type = ArgType::kPureToken, .token = "XX"}};
constexpr ArgSpec kComparisons[] = {{.name = "gt", .type = ArgType::kPureToken, .token = "GT"},
                                    {.name = "lt", .type = ArgType::kPureToken, .token = "LT"}};
constexpr ArgSpec kScoreMember[] = {{.name = "score", .type = ArgType::kDouble}, kMember};
constexpr ArgSpec kAddArgs[] = {
    kKeyArg,
    {.name = "condition", .type = ArgType::kOneOf, .since = "3.0.2", .optional = true, .args = kConditions},
    {.name = "comparison", .type = ArgType::kOneOf, .since = "6.2.0", .optional = true, .args = kComparisons},
    {.name = "change", .type = ArgType::kPureToken, .token = "CH", .since = "3.0.2", .optional = true},
    {.name = "increment", .type = ArgType::kPureToken, .token = "INCR", .since = "3.0.2", .optional = true},
    {.name = "score_member", .type = ArgType::kBlock, .multiple = true, .args = kScoreMember}};
constexpr ArgSpec kIncrArgs[] = {kKeyArg, {.name = "increment", .type = ArgType::kInteger}, kMember};
constexpr ArgSpec kMemberArgs[] = {kKeyArg, kMember};
constexpr ArgSpec kMembersArgs[] = {kKeyArg, {.name = "member", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kPopArgs[] = {kKeyArg, {.name = "count", .type = ArgType::kInteger, .optional = true}};
constexpr ArgSpec kEnds[] = {{.name = "min", .type = ArgType::kPureToken, .token = "MIN"},
                             {.name = "max", .type = ArgType::kPureToken, .token = "MAX"}};
constexpr ArgSpec kMultiPopArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .args = kEnds},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr ArgSpec kBlockingMultiPopArgs[] = {
    kTimeoutArg,
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .args = kEnds},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr ArgSpec kRandomOptions[] = {
    {.name = "count", .type = ArgType::kInteger},
    {.name = "withscores", .type = ArgType::kPureToken, .token = "WITHSCORES", .optional = true}};
constexpr ArgSpec kRandomArgs[] = {
    kKeyArg, {.name = "options", .type = ArgType::kBlock, .optional = true, .args = kRandomOptions}};
constexpr ArgSpec kScanArgs[] = {
    kKeyArg,
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr HistoryItem kAddHistory[] = {{"2.4.0", "Several members in one call."},
                                       {"3.0.2", "`XX`, `NX`, `CH` and `INCR`."},
                                       {"6.2.0", "`GT` and `LT`."}};
constexpr HistoryItem kRemHistory[] = {{"2.4.0", "Several members in one call."}};

constexpr auto kRows = Rows({.group = Group::kSortedSet, .categories = kAclSortedSet}, {
    {.name = "bzmpop", .run = BZMPop, .arity = AtLeast(5), .flags = kWrites | kBlocks | kCmdMovableKeys,
     .keys = kAwaitedCountedKeys, .args = kBlockingMultiPopArgs,
     .summary = "ZMPOP that waits for a member if there is none.",
     .complexity = "O(K + M log N), K = keys, M = members popped, N = members", .since = "7.0.0",
     .is_short = BlockingMultiPopIsShort},
    {.name = "bzpopmax", .run = BlockingPop<true>, .arity = AtLeast(3), .flags = kFastWrites | kBlocksNoscript,
     .keys = kAwaitedKeys, .args = kAwaitArgs,
     .summary = "Removes the member with the highest score of the first sorted set that there is, or waits for one.",
     .complexity = "O(log N), N = members", .since = "5.0.0", .history = kTimeoutHistory},
    {.name = "bzpopmin", .run = BlockingPop<false>, .arity = AtLeast(3), .flags = kFastWrites | kBlocksNoscript,
     .keys = kAwaitedKeys, .args = kAwaitArgs,
     .summary = "Removes the member with the lowest score of the first sorted set that there is, or waits for one.",
     .complexity = "O(log N), N = members", .since = "5.0.0", .history = kTimeoutHistory},
    {.name = "zadd", .run = ZAdd, .arity = AtLeast(4), .flags = kFastGrows, .keys = kUpdatedKey, .args = kAddArgs,
     .summary = "Adds members with their scores to a sorted set, or changes their scores.",
     .complexity = "O(log N) a member, N = members there", .since = "1.2.0", .history = kAddHistory},
    {.name = "zcard", .run = ZCard, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many members a sorted set has.", .complexity = "O(1)", .since = "1.2.0"},
    {.name = "zincrby", .run = ZIncrBy, .arity = Exactly(4), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kIncrArgs, .summary = "Adds a number to the score of a member of a sorted set.",
     .complexity = "O(log N), N = members", .since = "1.2.0"},
    {.name = "zmpop", .run = ZMPop, .arity = AtLeast(4), .flags = kWrites, .keys = kPoppedKeys, .args = kMultiPopArgs,
     .summary = "Removes members from an end of the first of some sorted sets that has any, and returns them.",
     .complexity = "O(K + M log N), K = keys, M = members popped, N = members", .since = "7.0.0",
     .is_short = MultiPopIsShort},
    {.name = "zmscore", .run = ZMScore, .arity = AtLeast(3), .flags = kFastReads, .keys = kReadKey,
     .args = kMembersArgs, .summary = "The scores of members of a sorted set.", .complexity = "O(N), N = members asked",
     .since = "6.2.0"},
    {.name = "zpopmax", .run = ZPopMax, .arity = AtLeast(2), .flags = kFastWrites, .keys = kPoppedKey,
     .args = kPopArgs, .summary = "Removes the members with the highest scores, and returns them.",
     .complexity = "O(M log N), M = members popped, N = members", .since = "5.0.0", .is_short = PopIsShort},
    {.name = "zpopmin", .run = ZPopMin, .arity = AtLeast(2), .flags = kFastWrites, .keys = kPoppedKey,
     .args = kPopArgs, .summary = "Removes the members with the lowest scores, and returns them.",
     .complexity = "O(M log N), M = members popped, N = members", .since = "5.0.0", .is_short = PopIsShort},
    {.name = "zrandmember", .run = ZRandMember, .arity = AtLeast(2), .flags = kReads, .tips = kVaries,
     .keys = kReadKey, .args = kRandomArgs, .summary = "Members of a sorted set picked at random.",
     .complexity = "O(N), N = members returned", .since = "6.2.0", .is_short = RandomIsShort},
    {.name = "zrank", .run = ZRank, .arity = Exactly(3), .flags = kFastReads, .keys = kReadKey, .args = kMemberArgs,
     .summary = "How many members of a sorted set are before one of them.", .complexity = "O(log N), N = members",
     .since = "2.0.0"},
    {.name = "zrem", .run = ZRem, .arity = AtLeast(3), .flags = kFastWrites, .keys = kPrunedKey, .args = kMembersArgs,
     .summary = "Removes members of a sorted set; with its last member the set goes too.",
     .complexity = "O(M log N), M = members removed, N = members", .since = "1.2.0", .history = kRemHistory},
    {.name = "zrevrank", .run = ZRevRank, .arity = Exactly(3), .flags = kFastReads, .keys = kReadKey,
     .args = kMemberArgs, .summary = "How many members of a sorted set are behind one of them.",
     .complexity = "O(log N), N = members", .since = "2.0.0"},
    {.name = "zscan", .run = ZScan, .arity = AtLeast(3), .flags = kReads, .tips = kVaries, .keys = kReadKey,
     .args = kScanArgs, .summary = "Some members of a sorted set with their scores, and the cursor to go on from.",
     .complexity = "O(1) a call, O(N) for all N members.", .since = "2.8.0", .is_short = ZScanIsShort},
    {.name = "zscore", .run = ZScore, .arity = Exactly(3), .flags = kFastReads, .keys = kReadKey, .args = kMemberArgs,
     .summary = "The score of a member of a sorted set.", .complexity = "O(1)", .since = "1.2.0"},
});

}  // namespace

constinit const Family kZsetFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
