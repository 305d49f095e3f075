// Unions, intersections and differences of sorted sets.
#include <algorithm>

#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/zset_reply.h"
#include "lib/engine/short.h"
#include "lib/ops/zset_algebra.h"

namespace larder::inline v0::commands {

using keyspace::Collection;
namespace zsets = ops::zsets;
using zsets::Aggregate;
using zsets::Algebra;

namespace {

struct Operands {
  zsets::Sources sources;
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  int64_t limit = 0;
};

// Which options a command has.
struct AlgebraGrammar {
  bool weighs = false;  // WEIGHTS, AGGREGATE
  bool replies = false;  // WITHSCORES
  bool counts = false;  // LIMIT
};

// numkeys key [key ...]
Error OpenKeys(CommandContext& ctx, ArgReader& args, zsets::Sources* sources, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int());
  if (count < 1) {
    reply.Error({"ERR at least 1 input key is needed for '", ctx.spec.name, "' command"});
    return kReplied;
  }
  if (static_cast<uint64_t>(count) > args.remaining()) return errors::kSyntax;
  const std::span<const Bytes> keys = args.rest().first(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) args.Key();
  return sources->Open(ctx.db(), keys);
}

Error ParseAggregate(ArgReader& args, Aggregate* aggregate) {
  if (args.Take("sum")) *aggregate = Aggregate::kSum;
  else if (args.Take("min")) *aggregate = Aggregate::kMin;
  else if (args.Take("max")) *aggregate = Aggregate::kMax;
  else return errors::kSyntax;
  return kOk;
}

Error ParseOperands(CommandContext& ctx, ArgReader& args, AlgebraGrammar grammar, Operands* operands,
                    ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(OpenKeys(ctx, args, &operands->sources, reply));
  const std::span<zsets::Source> sources = operands->sources.all();
  while (!args.done()) {
    if (grammar.weighs && args.remaining() > sources.size() && args.Take("weights")) {
      for (zsets::Source& source : sources) {
        if (!base::ParseDouble(args.Next(), &source.weight)) return errors::kWeightNotFloat;
      }
    } else if (grammar.weighs && args.remaining() >= 2 && args.Take("aggregate")) {
      LARDER_RETURN_IF_ERROR(ParseAggregate(args, &operands->aggregate));
    } else if (grammar.replies && args.Take("withscores")) {
      operands->with_scores = true;
    } else if (grammar.counts && args.remaining() >= 2 && args.Take("limit")) {
      LARDER_ASSIGN_OR_RETURN(operands->limit, args.Int(errors::kNegativeLimit));
      if (operands->limit < 0) return errors::kNegativeLimit;
    } else {
      return errors::kSyntax;
    }
  }
  return kOk;
}

constexpr bool Weighs(Algebra what) { return what != Algebra::kDifference; }

template <Algebra what>
Error ReplyCombined(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  Operands operands;
  LARDER_RETURN_IF_ERROR(ParseOperands(ctx, args, {.weighs = Weighs(what), .replies = true}, &operands, reply));
  const keyspace::Place nowhere;
  zsets::ZsetEdit made(ctx.db(), {}, nowhere, zsets::ZsetEdit::Anew::kSkiplist);  // and never commits
  LARDER_RETURN_IF_ERROR(zsets::Combine(what, operands.sources.all(), operands.aggregate, made));
  const Collection result = made.Read();
  MembersReply(result, operands.with_scores, result.size(), reply).Add({0, result.size(), false});
  return kOk;
}

template <Algebra what>
Error StoreCombined(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  constexpr Bytes kEvent = what == Algebra::kUnion          ? "zunionstore"
                           : what == Algebra::kIntersection ? "zinterstore"
                                                            : "zdiffstore";
  const Bytes key = args.Key();
  Operands operands;
  LARDER_RETURN_IF_ERROR(ParseOperands(ctx, args, {.weighs = Weighs(what)}, &operands, reply));
  LARDER_ASSIGN_OR_RETURN(const size_t stored,
                          zsets::StoreCombined(ctx.db(), key, what, operands.sources.all(), operands.aggregate,
                                               kEvent, args.argv()));
  reply.Int(static_cast<int64_t>(stored));
  return kOk;
}

Error ZInterCard(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  Operands operands;
  LARDER_RETURN_IF_ERROR(ParseOperands(ctx, args, {.counts = true}, &operands, reply));
  reply.Int(static_cast<int64_t>(
      zsets::CountCommon(operands.sources.all(), static_cast<size_t>(operands.limit))));
  return kOk;
}

// Whether all operands together are few. `at`: where their number is.
bool OperandsAreFew(CommandContext& ctx, std::span<const Bytes> argv, size_t at) {
  base::AssertHolder();  // who asks has the executor
  int64_t count = 0;
  if (argv.size() <= at || !base::ParseInt64(argv[at], &count) || count < 1) return true;
  const size_t keys = std::min(static_cast<size_t>(count), argv.size() - at - 1);
  size_t elements = 0;
  for (const Bytes key : argv.subspan(at + 1, keys)) {
    const keyspace::Entry* const entry = ctx.db().FindUnchanged(key);
    if (entry == nullptr) continue;
    elements += entry->storage() == keyspace::Entry::Storage::kStructure
                    ? entry->structure()->kind->Count(*entry->structure())
                    : 1;
  }
  return elements <= kShortElements;
}

bool CombinedIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return OperandsAreFew(ctx, argv, 1); }
bool StoreIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return OperandsAreFew(ctx, argv, 2); }

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kCountedKeys[] = {{.flags = kKeyReadOnly | kKeyAccess, .index = 1, .find = KeySpec::kKeyNum,
                                     .key_num = 0, .first_key = 1}};
constexpr KeySpec kStoredKeys[] = {OneKey(1, kKeyOverwrite | kKeyUpdate),
                                   {.flags = kKeyReadOnly | kKeyAccess, .index = 2, .find = KeySpec::kKeyNum,
                                    .key_num = 0, .first_key = 1}};
constexpr ArgSpec kNumKeys = {.name = "numkeys", .type = ArgType::kInteger};
constexpr ArgSpec kKeys = {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true};
constexpr ArgSpec kSourceKeys = {.name = "key", .type = ArgType::kKey, .key_spec = 1, .multiple = true};
constexpr ArgSpec kDestination = {.name = "destination", .type = ArgType::kKey, .key_spec = 0};
constexpr ArgSpec kAggregates[] = {{.name = "sum", .type = ArgType::kPureToken, .token = "SUM"},
                                   {.name = "min", .type = ArgType::kPureToken, .token = "MIN"},
                                   {.name = "max", .type = ArgType::kPureToken, .token = "MAX"}};
constexpr ArgSpec kWeights = {.name = "weight", .type = ArgType::kInteger, .token = "WEIGHTS", .optional = true,
                              .multiple = true};
constexpr ArgSpec kAggregate = {.name = "aggregate", .type = ArgType::kOneOf, .token = "AGGREGATE", .optional = true,
                                .args = kAggregates};
constexpr ArgSpec kWithScores = {.name = "withscores", .type = ArgType::kPureToken, .token = "WITHSCORES",
                                 .optional = true};
constexpr ArgSpec kWeighedArgs[] = {kNumKeys, kKeys, kWeights, kAggregate, kWithScores};
constexpr ArgSpec kStoreWeighedArgs[] = {kDestination, kNumKeys, kSourceKeys, kWeights, kAggregate};
constexpr ArgSpec kDiffArgs[] = {kNumKeys, kKeys, kWithScores};
constexpr ArgSpec kDiffStoreArgs[] = {kDestination, kNumKeys, kSourceKeys};
constexpr ArgSpec kInterCardArgs[] = {
    kNumKeys, kKeys, {.name = "limit", .type = ArgType::kInteger, .token = "LIMIT", .optional = true}};
constexpr std::string_view kUnionCost = "O(N log M), N = members of all, M = members of the result";
constexpr std::string_view kInterCost = "O(N K + M log M), N = members of the smallest, K = sorted sets, M = results";
constexpr std::string_view kDiffCost = "O(N K + M log M), N = members of the first, K = sorted sets, M = results";

constexpr auto kRows = Rows({.group = Group::kSortedSet, .categories = kAclSortedSet}, {
    {.name = "zdiff", .run = ReplyCombined<Algebra::kDifference>, .arity = AtLeast(3), .flags = kReads,
     .keys = kCountedKeys, .args = kDiffArgs, .summary = "Members of the first sorted set that are in no other.",
     .complexity = kDiffCost, .since = "6.2.0", .is_short = CombinedIsShort},
    {.name = "zdiffstore", .run = StoreCombined<Algebra::kDifference>, .arity = AtLeast(4), .flags = kGrows,
     .keys = kStoredKeys, .args = kDiffStoreArgs,
     .summary = "Stores the members of the first sorted set that are in no other.", .complexity = kDiffCost,
     .since = "6.2.0", .is_short = StoreIsShort},
    {.name = "zinter", .run = ReplyCombined<Algebra::kIntersection>, .arity = AtLeast(3), .flags = kReads,
     .keys = kCountedKeys, .args = kWeighedArgs, .summary = "Members that are in all of some sorted sets.",
     .complexity = kInterCost, .since = "6.2.0", .is_short = CombinedIsShort},
    {.name = "zintercard", .run = ZInterCard, .arity = AtLeast(3), .flags = kReads, .keys = kCountedKeys,
     .args = kInterCardArgs, .summary = "How many members are in all of some sorted sets.",
     .complexity = "O(N K), N = members of the smallest, K = sorted sets", .since = "7.0.0",
     .is_short = CombinedIsShort},
    {.name = "zinterstore", .run = StoreCombined<Algebra::kIntersection>, .arity = AtLeast(4), .flags = kGrows,
     .keys = kStoredKeys, .args = kStoreWeighedArgs, .summary = "Stores the members that are in all of some sorted sets.",
     .complexity = kInterCost, .since = "2.0.0", .is_short = StoreIsShort},
    {.name = "zunion", .run = ReplyCombined<Algebra::kUnion>, .arity = AtLeast(3), .flags = kReads,
     .keys = kCountedKeys, .args = kWeighedArgs, .summary = "Members that are in any of some sorted sets.",
     .complexity = kUnionCost, .since = "6.2.0", .is_short = CombinedIsShort},
    {.name = "zunionstore", .run = StoreCombined<Algebra::kUnion>, .arity = AtLeast(4), .flags = kGrows,
     .keys = kStoredKeys, .args = kStoreWeighedArgs, .summary = "Stores the members that are in any of some sorted sets.",
     .complexity = kUnionCost, .since = "2.0.0", .is_short = StoreIsShort},
});

}  // namespace

constinit const Family kZsetAlgebraFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
