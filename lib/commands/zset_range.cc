// Ranges of sorted sets.
#include <utility>

#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/zset_reply.h"
#include "lib/engine/short.h"
#include "lib/ops/zset_algebra.h"
#include "lib/ops/zset_ranges.h"

namespace larder::inline v0::commands {

using keyspace::Collection;
using keyspace::Lookup;
namespace zsets = ops::zsets;
using zsets::Range;

namespace {

// What a command's name says of its range, and which options are left to it.
struct RangeGrammar {
  Range::By by = Range::kRank;
  bool reverse = false;
  bool any = false;          // BYSCORE, BYLEX, REV
  bool with_scores = false;  // WITHSCORES
};
constexpr RangeGrammar kAnyRange = {.any = true, .with_scores = true};
constexpr RangeGrammar kStoredRange = {.any = true};

struct ParsedRange {
  Range range;
  bool with_scores = false;
};

Error ParseRangeOptions(ArgReader& args, RangeGrammar grammar, ParsedRange* parsed) {
  Range& range = parsed->range;
  bool any_by = grammar.any;
  bool any_direction = grammar.any;
  while (!args.done()) {
    if (grammar.with_scores && args.Take("withscores")) {
      parsed->with_scores = true;
    } else if (args.remaining() >= 3 && args.Take("limit")) {
      LARDER_ASSIGN_OR_RETURN(range.limit.offset, args.Int());
      LARDER_ASSIGN_OR_RETURN(range.limit.count, args.Int());
    } else if (any_direction && args.Take("rev")) {
      range.reverse = true;
      any_direction = false;
    } else if (any_by && args.Take("bylex")) {
      range.by = Range::kMember;
      any_by = false;
    } else if (any_by && args.Take("byscore")) {
      range.by = Range::kScore;
      any_by = false;
    } else {
      return errors::kSyntax;
    }
  }
  if (range.limit.count != -1 && range.by == Range::kRank) return errors::kLimitOfRanks;
  if (parsed->with_scores && range.by == Range::kMember) return errors::kScoresByLex;
  return kOk;
}

Error ParseBounds(Bytes start, Bytes stop, Range* range) {
  if (range->reverse && range->by != Range::kRank) std::swap(start, stop);  // the greater comes first
  switch (range->by) {
    case Range::kRank:
      if (!base::ParseInt64(start, &range->start) || !base::ParseInt64(stop, &range->stop)) return errors::kNotInteger;
      return kOk;
    case Range::kScore: {
      LARDER_ASSIGN_OR_RETURN(range->scores, zsets::ParseScoreRange(start, stop));
      return kOk;
    }
    case Range::kMember: {
      LARDER_ASSIGN_OR_RETURN(range->members, zsets::ParseLexRange(start, stop));
      return kOk;
    }
  }
  return kOk;
}

// start stop [options]
Error ParseRange(ArgReader args, RangeGrammar grammar, ParsedRange* parsed) {
  parsed->range.by = grammar.by;
  parsed->range.reverse = grammar.reverse;
  const Bytes start = args.Next();
  const Bytes stop = args.Next();
  LARDER_RETURN_IF_ERROR(ParseRangeOptions(args, grammar, parsed));
  return ParseBounds(start, stop, &parsed->range);
}

// Whether the command that `argv` is picks few members. `key`: where that is; the range follows it.
bool PicksFew(CommandContext& ctx, std::span<const Bytes> argv, size_t key, RangeGrammar grammar) {
  base::AssertHolder();  // who asks has the executor
  if (argv.size() < key + 3) return true;
  const keyspace::Entry* const entry = ctx.db().FindUnchanged(argv[key]);
  if (entry == nullptr || entry->type() != keyspace::Type::kZset) return true;
  const zsets::Opened opened{Collection(entry, keyspace::kScoredMembers),
                             entry->encoding() == keyspace::Encoding::kListpack};
  if (opened.zset.size() <= kShortElements) return true;
  if (opened.is_listpack && opened.zset.tree() != nullptr) return false;  // by member it would be gone through
  ParsedRange parsed;
  if (!ParseRange(ArgReader(argv, key + 1), grammar, &parsed).ok()) return true;
  return zsets::Pick(opened, parsed.range).count <= kShortElements;
}

template <const RangeGrammar& grammar>
Error ReplyRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  ParsedRange parsed;
  LARDER_RETURN_IF_ERROR(ParseRange(args, grammar, &parsed));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kRead));
  const zsets::Picked picked = zsets::Pick(opened, parsed.range);
  MembersReply(opened.zset, parsed.with_scores, picked.count, reply).Add(picked);
  return kOk;
}

template <const RangeGrammar& grammar>
bool RangeIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return PicksFew(ctx, argv, 1, grammar);
}

Error ZRangeStore(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes to = args.Key();
  const Bytes from = args.Key();
  ParsedRange parsed;
  LARDER_RETURN_IF_ERROR(ParseRange(args, kStoredRange, &parsed));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), from, Lookup::kRead));
  LARDER_ASSIGN_OR_RETURN(const size_t stored, zsets::StoreRange(ctx.db(), to, opened, parsed.range, args.argv()));
  reply.Int(static_cast<int64_t>(stored));
  return kOk;
}

bool StoreIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return PicksFew(ctx, argv, 2, kStoredRange); }

constexpr RangeGrammar kRanks = {.by = Range::kRank, .with_scores = true};
constexpr RangeGrammar kRanksDown = {.by = Range::kRank, .reverse = true, .with_scores = true};
constexpr RangeGrammar kScores = {.by = Range::kScore, .with_scores = true};
constexpr RangeGrammar kScoresDown = {.by = Range::kScore, .reverse = true, .with_scores = true};
constexpr RangeGrammar kMembers = {.by = Range::kMember, .with_scores = true};
constexpr RangeGrammar kMembersDown = {.by = Range::kMember, .reverse = true, .with_scores = true};

// ---- Counting and removing ------------------------------------------------------------------------------------------

template <const RangeGrammar& grammar>
Error CountRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  ParsedRange parsed;
  LARDER_RETURN_IF_ERROR(ParseRange(args, grammar, &parsed));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kRead));
  reply.Int(static_cast<int64_t>(zsets::Pick(opened, parsed.range).count));
  return kOk;
}

Error RemoveRange(CommandContext& ctx, ArgReader args, RangeGrammar grammar, Bytes event, ReplyWriter& reply) {
  const Bytes key = args.Key();
  ParsedRange parsed;
  LARDER_RETURN_IF_ERROR(ParseRange(args, grammar, &parsed));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(ctx.db(), key, Lookup::kWrite));
  const zsets::Picked picked = zsets::Pick(opened, parsed.range);
  if (picked.count != 0) {
    LARDER_RETURN_IF_ERROR(zsets::RemoveRange(ctx.db(), key, picked.least(), picked.count, event, args.argv()));
  }
  reply.Int(static_cast<int64_t>(picked.count));
  return kOk;
}

Error ZRemRangeByLex(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return RemoveRange(ctx, args, kMembers, "zremrangebylex", reply);
}
Error ZRemRangeByRank(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return RemoveRange(ctx, args, kRanks, "zremrangebyrank", reply);
}
Error ZRemRangeByScore(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return RemoveRange(ctx, args, kScores, "zremrangebyscore", reply);
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr KeySpec kStoredKeys[] = {OneKey(1, kKeyOverwrite | kKeyUpdate), OneKey(2, kKeyReadOnly | kKeyAccess)};

constexpr ArgSpec kBys[] = {{.name = "byscore", .type = ArgType::kPureToken, .token = "BYSCORE"},
                            {.name = "bylex", .type = ArgType::kPureToken, .token = "BYLEX"}};
constexpr ArgSpec kOffsetCount[] = {{.name = "offset", .type = ArgType::kInteger},
                                    {.name = "count", .type = ArgType::kInteger}};
constexpr ArgSpec kWithScores = {.name = "withscores", .type = ArgType::kPureToken, .token = "WITHSCORES",
                                 .optional = true};
constexpr ArgSpec kLimit = {.name = "offset_count", .type = ArgType::kBlock, .token = "LIMIT", .optional = true,
                            .args = kOffsetCount};
constexpr ArgSpec kRangeArgs[] = {
    kKeyArg,
    {.name = "start", .type = ArgType::kString},
    {.name = "stop", .type = ArgType::kString},
    {.name = "sortby", .type = ArgType::kOneOf, .since = "6.2.0", .optional = true, .args = kBys},
    {.name = "rev", .type = ArgType::kPureToken, .token = "REV", .since = "6.2.0", .optional = true},
    {.name = "offset_count", .type = ArgType::kBlock, .token = "LIMIT", .since = "6.2.0", .optional = true,
     .args = kOffsetCount},
    kWithScores};
constexpr ArgSpec kStoreArgs[] = {
    {.name = "dst", .type = ArgType::kKey, .key_spec = 0},
    {.name = "src", .type = ArgType::kKey, .key_spec = 1},
    {.name = "min", .type = ArgType::kString},
    {.name = "max", .type = ArgType::kString},
    {.name = "sortby", .type = ArgType::kOneOf, .optional = true, .args = kBys},
    {.name = "rev", .type = ArgType::kPureToken, .token = "REV", .optional = true},
    kLimit};
constexpr ArgSpec kMinScore = {.name = "min", .type = ArgType::kDouble};
constexpr ArgSpec kMaxScore = {.name = "max", .type = ArgType::kDouble};
constexpr ArgSpec kMinMember = {.name = "min", .type = ArgType::kString};
constexpr ArgSpec kMaxMember = {.name = "max", .type = ArgType::kString};
constexpr ArgSpec kStart = {.name = "start", .type = ArgType::kInteger};
constexpr ArgSpec kStop = {.name = "stop", .type = ArgType::kInteger};
constexpr ArgSpec kScoresArgs[] = {kKeyArg, kMinScore, kMaxScore};
constexpr ArgSpec kMembersArgs[] = {kKeyArg, kMinMember, kMaxMember};
constexpr ArgSpec kRanksArgs[] = {kKeyArg, kStart, kStop};
constexpr ArgSpec kRevRangeArgs[] = {kKeyArg, kStart, kStop, kWithScores};
constexpr ArgSpec kByScoreArgs[] = {
    kKeyArg, kMinScore, kMaxScore,
    {.name = "withscores", .type = ArgType::kPureToken, .token = "WITHSCORES", .since = "2.0.0", .optional = true},
    kLimit};
constexpr ArgSpec kRevByScoreArgs[] = {kKeyArg, kMaxScore, kMinScore, kWithScores, kLimit};
constexpr ArgSpec kByLexArgs[] = {kKeyArg, kMinMember, kMaxMember, kLimit};
constexpr ArgSpec kRevByLexArgs[] = {kKeyArg, kMaxMember, kMinMember, kLimit};
constexpr HistoryItem kRangeHistory[] = {{"6.2.0", "`REV`, `BYSCORE`, `BYLEX` and `LIMIT`."}};
constexpr HistoryItem kByScoreHistory[] = {{"2.0.0", "`WITHSCORES`."}};
constexpr HistoryItem kRevByScoreHistory[] = {{"2.1.6", "Bounds may be left out of the range."}};
constexpr std::string_view kRangeCost = "O(log N + M), N = members, M = members returned";
constexpr std::string_view kRemoveCost = "O(log N + M), N = members, M = members removed";

constexpr auto kRows = Rows({.group = Group::kSortedSet, .categories = kAclSortedSet}, {
    {.name = "zcount", .run = CountRange<kScores>, .arity = Exactly(4), .flags = kFastReads, .keys = kReadKey,
     .args = kScoresArgs, .summary = "How many members of a sorted set have scores in a range.",
     .complexity = "O(log N), N = members", .since = "2.0.0"},
    {.name = "zlexcount", .run = CountRange<kMembers>, .arity = Exactly(4), .flags = kFastReads, .keys = kReadKey,
     .args = kMembersArgs, .summary = "How many members of a sorted set, all of one score, are in a range.",
     .complexity = "O(log N), N = members", .since = "2.8.9", .is_short = RangeIsShort<kMembers>},
    {.name = "zrange", .run = ReplyRange<kAnyRange>, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey,
     .args = kRangeArgs, .summary = "A range of the members of a sorted set.", .complexity = kRangeCost,
     .since = "1.2.0", .history = kRangeHistory, .is_short = RangeIsShort<kAnyRange>},
    {.name = "zrangebylex", .run = ReplyRange<kMembers>, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey,
     .args = kByLexArgs, .summary = "Members of a sorted set, all of one score, that are in a range.",
     .complexity = kRangeCost, .since = "2.8.9", .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `BYLEX`",
     .is_short = RangeIsShort<kMembers>},
    {.name = "zrangebyscore", .run = ReplyRange<kScores>, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey,
     .args = kByScoreArgs, .summary = "Members of a sorted set with scores in a range.", .complexity = kRangeCost,
     .since = "1.0.5", .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `BYSCORE`",
     .history = kByScoreHistory, .is_short = RangeIsShort<kScores>},
    {.name = "zrangestore", .run = ZRangeStore, .arity = AtLeast(5), .flags = kGrows, .keys = kStoredKeys,
     .args = kStoreArgs, .summary = "Stores a range of the members of a sorted set as another one.",
     .complexity = "O(log N + M log M), N = members, M = members stored", .since = "6.2.0", .is_short = StoreIsShort},
    {.name = "zremrangebylex", .run = ZRemRangeByLex, .arity = Exactly(4), .flags = kWrites, .keys = kPrunedKey,
     .args = kMembersArgs, .summary = "Removes members of a sorted set, all of one score, that are in a range.",
     .complexity = kRemoveCost, .since = "2.8.9", .is_short = RangeIsShort<kMembers>},
    {.name = "zremrangebyrank", .run = ZRemRangeByRank, .arity = Exactly(4), .flags = kWrites, .keys = kPrunedKey,
     .args = kRanksArgs, .summary = "Removes members of a sorted set by their places in its order.",
     .complexity = kRemoveCost, .since = "2.0.0", .is_short = RangeIsShort<kRanks>},
    {.name = "zremrangebyscore", .run = ZRemRangeByScore, .arity = Exactly(4), .flags = kWrites, .keys = kPrunedKey,
     .args = kScoresArgs, .summary = "Removes members of a sorted set with scores in a range.",
     .complexity = kRemoveCost, .since = "1.2.0", .is_short = RangeIsShort<kScores>},
    {.name = "zrevrange", .run = ReplyRange<kRanksDown>, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey,
     .args = kRevRangeArgs, .summary = "Members of a sorted set by their places, from its end.",
     .complexity = kRangeCost, .since = "1.2.0", .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `REV`",
     .is_short = RangeIsShort<kRanksDown>},
    {.name = "zrevrangebylex", .run = ReplyRange<kMembersDown>, .arity = AtLeast(4), .flags = kReads,
     .keys = kReadKey, .args = kRevByLexArgs,
     .summary = "Members of a sorted set, all of one score, that are in a range, the last first.",
     .complexity = kRangeCost, .since = "2.8.9", .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with `REV` and `BYLEX`", .is_short = RangeIsShort<kMembersDown>},
    {.name = "zrevrangebyscore", .run = ReplyRange<kScoresDown>, .arity = AtLeast(4), .flags = kReads,
     .keys = kReadKey, .args = kRevByScoreArgs,
     .summary = "Members of a sorted set with scores in a range, the highest first.", .complexity = kRangeCost,
     .since = "2.2.0", .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `REV` and `BYSCORE`",
     .history = kRevByScoreHistory, .is_short = RangeIsShort<kScoresDown>},
});

}  // namespace

constinit const Family kZsetRangeFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
