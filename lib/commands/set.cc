// Sets, one at a time. What makes one of several is in set_algebra.cc.
#include <algorithm>

#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/scan_options.h"
#include "lib/commands/set_reply.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/sampling.h"
#include "lib/ops/sets.h"

namespace larder::inline v0::commands {

using keyspace::Lookup;
using ops::sets::Set;
namespace sets = ops::sets;

namespace {

Error SAdd(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t added, sets::Add(ctx.db(), key, args.rest(), args.argv()));
  reply.Int(added);
  return kOk;
}

Error SRem(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t removed, sets::Remove(ctx.db(), key, args.rest(), args.argv()));
  reply.Int(removed);
  return kOk;
}

Error SMove(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes from = args.Key();
  const Bytes to = args.Key();
  LARDER_ASSIGN_OR_RETURN(const bool moved, sets::Move(ctx.db(), from, to, args.Next()));
  reply.Int(moved);
  return kOk;
}

Error SIsMember(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), args.Key()));
  reply.Int(set.Has(args.Next()));
  return kOk;
}

Error SMIsMember(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), args.Key()));
  reply.Array(args.remaining());
  while (!args.done() && !reply.output().failed()) reply.Int(set.Has(args.Next()));
  return kOk;
}

Error SCard(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), args.Key()));
  reply.Int(static_cast<int64_t>(set.size()));
  return kOk;
}

Error SMembers(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), args.Key()));
  reply.Set(set.size());
  set.records().ForEach([&](const char* record) {
    ReplyMember(set, record, reply);
    return !reply.output().failed();
  });
  return kOk;
}

// ---- Members at random ----------------------------------------------------------------------------------------------

Error SPop(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  if (args.remaining() > 1) return errors::kSyntax;
  const bool one = args.done();
  int64_t count = 1;
  if (!one) {
    LARDER_ASSIGN_OR_RETURN(count, args.Int(errors::kNotPositive));
    if (count < 0) return errors::kNotPositive;
  }
  const size_t mark = reply.Mark();
  size_t popped = 0;
  const Error error = sets::Pop(
      ctx.db(), key, static_cast<size_t>(count),
      [&](size_t members) {
        popped = members;
        if (!one) reply.Set(members);
        if (one && members == 0) reply.Null();
      },
      [&](const Set& set, const char* record) { ReplyMember(set, record, reply); });
  if (!error.ok()) {
    reply.Rewind(mark);
    return error;
  }
  // To Redis a count that takes all is a lookup, as SMEMBERS would be.
  if (!one && popped != 0 && ctx.db().FindUnchanged(key) == nullptr) ++ctx.keyspace().reads().holder().hits;
  return kOk;
}

Error RandomMembers(CommandContext& ctx, const Set& set, int64_t count, ReplyWriter& reply) {
  if (count == 0 || set.empty()) {
    reply.Array(0);
    return kOk;
  }
  LARDER_RETURN_IF_ERROR(CheckRandomCount(count));
  base::Random& random = ctx.keyspace().random();
  if (count < 0) {
    reply.Array(static_cast<size_t>(-count));
    for (int64_t i = count; i < 0 && !reply.output().failed(); ++i) {
      ReplyMember(set, set.records().At(random.Below(set.size())), reply);
    }
    return kOk;
  }
  const size_t most = std::min(static_cast<size_t>(count), set.size());
  const size_t mark = reply.Mark();
  reply.Array(most);
  const bool sampled =
      ops::SampleRecords(set.records(), most, random, [&](const char* record) { ReplyMember(set, record, reply); });
  if (sampled) return kOk;
  reply.Rewind(mark);
  return errors::kAllocationFailed;
}

Error SRandMember(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  if (args.remaining() > 1) return errors::kSyntax;
  if (!args.done()) {
    bool unused = false;
    LARDER_ASSIGN_OR_RETURN(const int64_t count, ParseRandomCount(args, {}, &unused));
    LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), key));
    return RandomMembers(ctx, set, count, reply);
  }
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), key));
  if (set.empty()) {
    reply.Null();
  } else {
    ReplyMember(set, set.records().At(ctx.keyspace().random().Below(set.size())), reply);
  }
  return kOk;
}

// For rows: few are picked, or there are not many.
bool PicksFew(CommandContext& ctx, std::span<const Bytes> argv) {
  constexpr int64_t kFew = engine::kShortElements;
  int64_t count = 0;
  if (argv.size() < 3 || !base::ParseInt64(argv[2], &count)) return true;
  return (count >= -kFew && count <= kFew) || (count > 0 && CollectionIsShort(ctx, argv));
}

// ---- SSCAN ----------------------------------------------------------------------------------------------------------

// Redis has integers packed, and answers with all of them.
void ReplyAllNumbers(const Set& set, const ScanOptions& options, ReplyWriter& reply) {
  reply.Array(2);
  reply.Bulk("0");
  const size_t mark = reply.BeginDeferred();
  size_t found = 0;
  set.records().ForEach([&](const char* record) {
    sets::Digits digits;
    const Bytes text = set.TextAt(record, digits);
    if (!options.Matches(text)) return true;
    reply.Bulk(text);
    ++found;
    return !reply.output().failed();
  });
  reply.EndDeferredArray(mark, found);
}

Error SScan(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  uint64_t cursor = 0;
  if (!ParseCursor(args.Next(), &cursor)) return errors::kInvalidCursor;
  LARDER_ASSIGN_OR_RETURN(const Set set, sets::Open(ctx.db(), key));
  ScanOptions options;
  base::Buffer room;
  if (!set.empty()) LARDER_RETURN_IF_ERROR(ParseScanOptions(args, /*of_keys=*/false, &options, room));
  if (set.has_numbers()) {
    ReplyAllNumbers(set, options, reply);
    return kOk;
  }
  return ReplyScan(
      set.records(), /*all_at_once=*/false, cursor, options, 1,
      [&](const char* record, ReplyWriter& to) { ReplyMember(set, record, to); }, reply);
}

bool SScanIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();  // who asks has the executor
  if (!ScanOptionsAreShort(argv, 3)) return false;
  const keyspace::Entry* const entry = argv.size() < 2 ? nullptr : ctx.db().FindUnchanged(argv[1]);
  return entry == nullptr || entry->encoding() != keyspace::Encoding::kIntset || CollectionIsShort(ctx, argv);
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kInsertedKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr KeySpec kPoppedKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
constexpr KeySpec kMovedKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                  OneKey(2, kKeyReadWrite | kKeyInsert)};
constexpr ArgSpec kMember = {.name = "member", .type = ArgType::kString};
constexpr ArgSpec kMemberArgs[] = {kKeyArg, kMember};
constexpr ArgSpec kMembersArgs[] = {kKeyArg, {.name = "member", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kMoveArgs[] = {{.name = "source", .type = ArgType::kKey, .key_spec = 0},
                                 {.name = "destination", .type = ArgType::kKey, .key_spec = 1},
                                 kMember};
constexpr ArgSpec kPopArgs[] = {kKeyArg,
                                {.name = "count", .type = ArgType::kInteger, .since = "3.2.0", .optional = true}};
constexpr ArgSpec kRandomArgs[] = {kKeyArg,
                                   {.name = "count", .type = ArgType::kInteger, .since = "2.6.0", .optional = true}};
constexpr ArgSpec kScanArgs[] = {
    kKeyArg,
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr HistoryItem kSeveralHistory[] = {{"2.4.0", "Several members in one call."}};
constexpr HistoryItem kPopHistory[] = {{"3.2.0", "A count."}};
constexpr HistoryItem kRandomHistory[] = {{"2.6.0", "A count."}};

constexpr auto kRows = Rows({.group = Group::kSet, .categories = kAclSet}, {
    {.name = "sadd", .run = SAdd, .arity = AtLeast(3), .flags = kFastGrows, .keys = kInsertedKey,
     .args = kMembersArgs, .summary = "Adds members to a set.", .complexity = "O(N), N = members added",
     .since = "1.0.0", .history = kSeveralHistory},
    {.name = "scard", .run = SCard, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many members a set has.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "sismember", .run = SIsMember, .arity = Exactly(3), .flags = kFastReads, .keys = kExaminedKey,
     .args = kMemberArgs, .summary = "Whether a set has a member.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "smembers", .run = SMembers, .arity = Exactly(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKey,
     .args = kKeyArgs, .summary = "All members of a set.", .complexity = "O(N), N = members", .since = "1.0.0",
     .is_short = CollectionIsShort},
    {.name = "smismember", .run = SMIsMember, .arity = AtLeast(3), .flags = kFastReads, .keys = kReadKey,
     .args = kMembersArgs, .summary = "Of each of several members, whether a set has it.",
     .complexity = "O(N), N = members asked for", .since = "6.2.0"},
    {.name = "smove", .run = SMove, .arity = Exactly(4), .flags = kFastWrites, .keys = kMovedKeys, .args = kMoveArgs,
     .summary = "Moves a member from one set to another.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "spop", .run = SPop, .arity = AtLeast(2), .flags = kFastWrites, .tips = kVaries, .keys = kPoppedKey,
     .args = kPopArgs, .summary = "Takes members picked at random out of a set.",
     .complexity = "O(N), N = members taken out", .since = "1.0.0", .history = kPopHistory, .is_short = PicksFew},
    {.name = "srandmember", .run = SRandMember, .arity = AtLeast(2), .flags = kReads, .tips = kVaries,
     .keys = kReadKey, .args = kRandomArgs, .summary = "Members of a set picked at random.",
     .complexity = "O(N), N = members returned", .since = "1.0.0", .history = kRandomHistory, .is_short = PicksFew},
    {.name = "srem", .run = SRem, .arity = AtLeast(3), .flags = kFastWrites, .keys = kPrunedKey, .args = kMembersArgs,
     .summary = "Removes members from a set; with its last member the set goes too.",
     .complexity = "O(N), N = members to be removed", .since = "1.0.0", .history = kSeveralHistory},
    {.name = "sscan", .run = SScan, .arity = AtLeast(3), .flags = kReads, .tips = kVaries, .keys = kReadKey,
     .args = kScanArgs, .summary = "Some members of a set, and the cursor to go on from.",
     .complexity = "O(1) a call, O(N) for all N members.", .since = "2.8.0", .is_short = SScanIsShort},
});

}  // namespace

constinit const Family kSetFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
