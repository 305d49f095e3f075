// Consumer groups: XGROUP, and what is done with pending entries.
#include <algorithm>

#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/commands/stream_shapes.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"
#include "lib/ops/stream_groups.h"

namespace larder::inline v0::commands {
namespace {

namespace streams = ops::streams;
using streams::Space;
using streams::Stream;
using streams::StreamId;

constexpr ErrorText kKeyMissing{
    absl::StatusCode::kNotFound,
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
    "to create an empty stream automatically."};
constexpr ErrorText kEntriesReadNegative{absl::StatusCode::kInvalidArgument,
                                         "ERR value for ENTRIESREAD must be positive or -1"};

Error NoGroupAt(Bytes key, Bytes group, ReplyWriter& reply) {
  reply.Error({"NOGROUP No such key '", UpToNul(key), "' or consumer group '", UpToNul(group), "'"});
  return kReplied;
}
Error NoGroupOf(Bytes key, Bytes group, ReplyWriter& reply) {
  reply.Error({"NOGROUP No such consumer group '", UpToNul(group), "' for key name '", UpToNul(key), "'"});
  return kReplied;
}
Error UnknownForm(Bytes subcommand, ReplyWriter& reply) {
  reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(subcommand),
               "'. Try XGROUP HELP."});
  return kReplied;
}

// ---- XGROUP ---------------------------------------------------------------------------------------------------------

struct GroupOptions {
  bool make = false;
  int64_t entries_read = -1;
};

// The options behind the ID. Errors: kReplied, kEntriesReadNegative.
Error ParseGroupOptions(ArgReader& args, bool creates, GroupOptions* options, ReplyWriter& reply) {
  while (!args.done()) {
    const Bytes word = args.Next();
    if (creates && base::EqualsIgnoreCase(word, "mkstream")) {
      options->make = true;
    } else if (!args.done() && base::EqualsIgnoreCase(word, "entriesread")) {
      LARDER_ASSIGN_OR_RETURN(options->entries_read, args.Int());
      if (options->entries_read < -1) return kEntriesReadNegative;
    } else {
      return UnknownForm(args.argv()[1], reply);
    }
  }
  return kOk;
}

// Where XGROUP CREATE and SETID set a group: at an ID, or at the stream's last one.
struct GroupStart {
  StreamId id;
  bool last = false;
  const StreamId* get() const { return last ? nullptr : &id; }
};
// `ends`: "-" and "+" are IDs too.
Result<GroupStart> ParseGroupStart(Bytes text, bool ends) {
  GroupStart start;
  start.last = text == "$";
  if (ends && (text == "-" || text == "+")) {
    start.id = text == "-" ? streams::kMinId : streams::kMaxId;
  } else if (!start.last) {
    LARDER_ASSIGN_OR_RETURN(start.id, ParseStreamId(text, 0));
  }
  return start;
}

Error XGroupCreate(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes name = args.Next();
  const Bytes id = args.Next();
  GroupOptions options;
  LARDER_RETURN_IF_ERROR(ParseGroupOptions(args, /*creates=*/true, &options, reply));
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenForWrite(ctx, key));
  if (!stream.exists() && !options.make) return kKeyMissing;
  LARDER_ASSIGN_OR_RETURN(const GroupStart start, ParseGroupStart(id, /*ends=*/false));
  LARDER_RETURN_IF_ERROR(streams::CreateGroup(ctx.db(), key, name, start.get(), options.entries_read, args.argv()));
  reply.Ok();
  return kOk;
}

// The group of a stream that is there. Errors: kWrongType, kKeyMissing, kReplied.
Result<Space> FindGroupOf(CommandContext& ctx, Bytes key, Bytes name, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenForWrite(ctx, key));
  if (!stream.exists()) return kKeyMissing;
  Space group;
  if (!streams::FindGroup(stream.root(), name, &group)) return NoGroupOf(key, name, reply);
  return group;
}

Error XGroupSetId(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes name = args.Next();
  const Bytes id = args.Next();
  GroupOptions options;
  LARDER_RETURN_IF_ERROR(ParseGroupOptions(args, /*creates=*/false, &options, reply));
  LARDER_RETURN_IF_ERROR(FindGroupOf(ctx, key, name, reply).error());
  LARDER_ASSIGN_OR_RETURN(const GroupStart start, ParseGroupStart(id, /*ends=*/true));
  LARDER_RETURN_IF_ERROR(streams::SetGroupId(ctx.db(), key, name, start.get(), options.entries_read, args.argv()));
  reply.Ok();
  return kOk;
}

Error XGroupDestroy(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenForWrite(ctx, key));
  if (!stream.exists()) return kKeyMissing;
  LARDER_ASSIGN_OR_RETURN(const bool destroyed, streams::DestroyGroup(ctx.db(), key, args.Next(), args.argv()));
  reply.Int(destroyed);
  return kOk;
}

Error XGroupCreateConsumer(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes group = args.Next();
  LARDER_RETURN_IF_ERROR(FindGroupOf(ctx, key, group, reply).error());
  LARDER_ASSIGN_OR_RETURN(const bool made,
                          streams::CreateConsumer(ctx.db(), key, group, args.Next(), args.argv()));
  reply.Int(made);
  return kOk;
}

Error XGroupDelConsumer(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes group = args.Next();
  LARDER_RETURN_IF_ERROR(FindGroupOf(ctx, key, group, reply).error());
  LARDER_ASSIGN_OR_RETURN(const int64_t pending,
                          streams::DeleteConsumer(ctx.db(), key, group, args.Next(), args.argv()));
  reply.Int(pending);
  return kOk;
}

Error XGroupHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  constexpr Bytes kLines[] = {
      "CREATE <key> <groupname> <id|$> [option]",
      "    Make a group that is given the entries behind an ID. Options are:",
      "    * MKSTREAM",
      "      Make an empty stream where nothing is.",
      "    * ENTRIESREAD entries_read",
      "      How many entries are up to that ID; for copies of a stream.",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Make a consumer of a group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Delete a consumer, with what is pending with it.",
      "DESTROY <key> <groupname>",
      "    Destroy a group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Set the ID behind which a group is given entries.",
  };
  WriteHelp(reply, "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

// ---- XACK, XPENDING -------------------------------------------------------------------------------------------------

Error XAck(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes name = args.Next();
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key));
  Space group;
  int64_t acknowledged = 0;
  if (stream.exists() && streams::FindGroup(stream.root(), name, &group)) {
    base::Buffer ids;
    LARDER_RETURN_IF_ERROR(ParseStreamIds(args.rest(), &ids));
    LARDER_ASSIGN_OR_RETURN(acknowledged,
                            streams::Acknowledge(ctx.db(), key, name, args.remaining(),
                                                 [&](size_t i) { return streams::IdIn(ids, i); }, args.argv()));
  }
  reply.Int(acknowledged);
  return kOk;
}

// How many entries are pending, from which ID to which, and with whom.
void ReplyPendingSummary(const Stream& stream, const Space& group, ReplyWriter& reply) {
  reply.Array(4);
  reply.Int(static_cast<int64_t>(group.info.pending));
  if (group.info.pending == 0) {
    reply.Null();
    reply.Null();
    reply.NullArray();
    return;
  }
  ReplyStreamId(streams::FirstPending(stream.root(), group), reply);
  ReplyStreamId(streams::LastPending(stream.root(), group), reply);
  const size_t mark = reply.BeginDeferred();
  size_t consumers = 0;
  streams::ForConsumers(stream.root(), group, [&](Bytes name, const Space& consumer) {
    if (consumer.info.pending == 0) return true;
    ++consumers;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInt(static_cast<int64_t>(consumer.info.pending));
    return !reply.output().failed();
  });
  reply.EndDeferredArray(mark, consumers);
}

struct PendingOptions {
  bool summary = false;
  int64_t idle_min_ms = 0;
  int64_t count = 0;
  StreamId start;
  StreamId end;
  bool of_consumer = false;
  Bytes consumer;
};

Error ParsePendingOptions(ArgReader& args, PendingOptions* options) {
  constexpr size_t kMost = 6;
  options->summary = args.done();
  if (options->summary) return kOk;
  if (args.remaining() < 3 || args.remaining() > kMost) return errors::kSyntax;
  if (args.Take("idle")) {
    LARDER_ASSIGN_OR_RETURN(options->idle_min_ms, args.Int());
    if (args.remaining() < 3) return errors::kSyntax;
  }
  const Bytes start = args.Next();
  const Bytes end = args.Next();
  LARDER_ASSIGN_OR_RETURN(options->count, args.Int());
  LARDER_ASSIGN_OR_RETURN(options->start, ParseRangeStart(start));
  LARDER_ASSIGN_OR_RETURN(options->end, ParseRangeEnd(end));
  options->of_consumer = !args.done();
  if (options->of_consumer) options->consumer = args.Next();
  return kOk;
}

// One entry after another, as long as it is called with some.
class PendingReply {
 public:
  PendingReply(const PendingOptions& options, int64_t now_ms, ReplyWriter& reply)
      : options_(options), now_ms_(now_ms), left_(std::max<int64_t>(options.count, 0)), reply_(reply),
        mark_(reply.BeginDeferred()) {}
  bool full() const { return left_ == 0 || reply_.output().failed(); }
  void Add(StreamId id, Bytes consumer, const streams::PendingInfo& info) {
    const int64_t idle_ms = now_ms_ - info.delivered_ms;
    if (options_.idle_min_ms != 0 && idle_ms < options_.idle_min_ms) return;
    --left_;
    ++added_;
    reply_.Array(4);
    ReplyStreamId(id, reply_);
    reply_.Bulk(consumer);
    reply_.Int(std::max<int64_t>(idle_ms, 0));
    reply_.Int(static_cast<int64_t>(info.deliveries));
  }
  void End() { reply_.EndDeferredArray(mark_, added_); }

 private:
  const PendingOptions& options_;
  const int64_t now_ms_;
  int64_t left_;
  size_t added_ = 0;
  ReplyWriter& reply_;
  const size_t mark_;
};

Error XPending(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes name = args.Next();
  PendingOptions options;
  LARDER_RETURN_IF_ERROR(ParsePendingOptions(args, &options));
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key));
  Space group;
  if (!stream.exists() || !streams::FindGroup(stream.root(), name, &group)) return NoGroupAt(key, name, reply);
  if (options.summary) {
    ReplyPendingSummary(stream, group, reply);
    return kOk;
  }
  PendingReply to(options, ctx.keyspace().now_ms(), reply);
  Space consumer;
  if (options.of_consumer) {
    if (!to.full() && streams::FindConsumer(stream.root(), group, options.consumer, &consumer)) {
      streams::ForOwned(stream.root(), consumer, options.start, [&](StreamId id) {
        streams::PendingInfo info;
        if (id > options.end) return false;
        if (streams::FindPending(stream.root(), group, id, &info)) to.Add(id, options.consumer, info);
        return !to.full();
      });
    }
  } else {
    for (streams::PendingWalk walk(stream.root(), group, options.start);
         !to.full() && !walk.done() && walk.id() <= options.end; walk.Next()) {
      to.Add(walk.id(), streams::NameOf(stream.root(), walk.info().consumer), walk.info());
    }
  }
  to.End();
  return kOk;
}

bool PendingIsShort(CommandContext&, std::span<const Bytes> argv) {
  int64_t count = 0;
  if (argv.size() < 6) return true;  // all consumers are looked at, who are few
  const size_t at = base::EqualsIgnoreCase(argv[3], "idle") ? 7 : 5;
  return at == 5 && base::ParseInt64(argv[at], &count) && count <= static_cast<int64_t>(kShortElements);
}

// ---- XCLAIM, XAUTOCLAIM ---------------------------------------------------------------------------------------------

// Errors: kReplied.
Error ParseIdleMin(Bytes text, Bytes command, streams::Claim* claim, ReplyWriter& reply) {
  if (!base::ParseInt64(text, &claim->idle_min_ms)) {
    reply.Error({"ERR Invalid min-idle-time argument for ", command});
    return kReplied;
  }
  claim->idle_min_ms = std::max<int64_t>(claim->idle_min_ms, 0);
  return kOk;
}

// A number behind an option of XCLAIM. Errors: kReplied.
Result<int64_t> ParseClaimNumber(ArgReader& args, Bytes option, ReplyWriter& reply) {
  int64_t number = 0;
  if (base::ParseInt64(args.Next(), &number)) return number;
  reply.Error({"ERR Invalid ", option, " option argument for XCLAIM"});
  return kReplied;
}

Error ParseClaimOptions(ArgReader& args, int64_t now_ms, streams::Claim* claim, ReplyWriter& reply) {
  while (!args.done()) {
    const Bytes word = args.Next();
    const bool more = !args.done();
    if (base::EqualsIgnoreCase(word, "force")) {
      claim->force = true;
    } else if (base::EqualsIgnoreCase(word, "justid")) {
      claim->just_id = true;
    } else if (more && base::EqualsIgnoreCase(word, "idle")) {
      LARDER_ASSIGN_OR_RETURN(const int64_t idle_ms, ParseClaimNumber(args, "IDLE", reply));
      if (__builtin_sub_overflow(now_ms, idle_ms, &claim->delivered_ms)) claim->delivered_ms = now_ms;
    } else if (more && base::EqualsIgnoreCase(word, "time")) {
      LARDER_ASSIGN_OR_RETURN(claim->delivered_ms, ParseClaimNumber(args, "TIME", reply));
    } else if (more && base::EqualsIgnoreCase(word, "retrycount")) {
      LARDER_ASSIGN_OR_RETURN(claim->deliveries, ParseClaimNumber(args, "RETRYCOUNT", reply));
    } else if (more && base::EqualsIgnoreCase(word, "lastid")) {
      LARDER_ASSIGN_OR_RETURN(claim->last_id, ParseStreamId(args.Next(), 0));
    } else {
      reply.Error({"ERR Unrecognized XCLAIM option '", UpToNul(word), "'"});
      return kReplied;
    }
  }
  if (claim->delivered_ms < 0 || claim->delivered_ms > now_ms) claim->delivered_ms = now_ms;
  return kOk;
}

// The entries of these IDs, or the IDs.
void ReplyClaimed(const Stream& stream, const base::Buffer& ids, bool just_id, ReplyWriter& reply) {
  reply.Array(streams::IdCount(ids));
  for (size_t i = 0; i < streams::IdCount(ids) && !reply.output().failed(); ++i) {
    const StreamId id = streams::IdIn(ids, i);
    just_id ? ReplyStreamId(id, reply) : ReplyEntryOrNull(stream, id, reply);
  }
}

Error XClaim(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  streams::Claim claim;
  claim.group = args.Next();
  claim.consumer = args.Next();
  LARDER_ASSIGN_OR_RETURN(const Stream before, streams::Open(ctx.db(), key));
  Space group;
  if (!before.exists() || !streams::FindGroup(before.root(), claim.group, &group)) {
    return NoGroupAt(key, claim.group, reply);
  }
  LARDER_RETURN_IF_ERROR(ParseIdleMin(args.Next(), "XCLAIM", &claim, reply));
  base::Buffer ids;
  size_t count = 0;
  while (!args.done() && ParseStreamId(args.Peek(), 0).ok()) {
    LARDER_RETURN_IF_ERROR(ParseStreamIds(args.rest().first(1), &ids));
    args.Next();
    ++count;
  }
  LARDER_RETURN_IF_ERROR(ParseClaimOptions(args, ctx.keyspace().now_ms(), &claim, reply));
  base::Buffer claimed;
  LARDER_RETURN_IF_ERROR(streams::ClaimSome(ctx.db(), key, claim, count,
                                            [&](size_t i) { return streams::IdIn(ids, i); }, args.argv(), &claimed));
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  ReplyClaimed(stream, claimed, claim.just_id, reply);
  return kOk;
}

Error XAutoClaim(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  constexpr int64_t kCountMax = INT64_MAX / 16;  // as many IDs as Redis could have room for
  const Bytes key = args.Key();
  (void)ctx.db().Find(key, keyspace::Lookup::kRead);  // counted before anything is refused, as Redis does
  streams::Claim claim;
  claim.group = args.Next();
  claim.consumer = args.Next();
  LARDER_RETURN_IF_ERROR(ParseIdleMin(args.Next(), "XAUTOCLAIM", &claim, reply));
  LARDER_ASSIGN_OR_RETURN(const StreamId from, ParseRangeStart(args.Next()));
  int64_t count = 100;
  while (!args.done()) {
    const Bytes word = args.Next();
    if (!args.done() && base::EqualsIgnoreCase(word, "count")) {
      LARDER_ASSIGN_OR_RETURN(count, args.Int(kCountMustBePositive));
      if (count < 1 || count > kCountMax) return kCountMustBePositive;
    } else if (base::EqualsIgnoreCase(word, "justid")) {
      claim.just_id = true;
    } else {
      return errors::kSyntax;
    }
  }
  LARDER_ASSIGN_OR_RETURN(const Stream before, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  Space group;
  if (!before.exists() || !streams::FindGroup(before.root(), claim.group, &group)) {
    return NoGroupAt(key, claim.group, reply);
  }
  base::Buffer claimed, deleted;
  StreamId next;
  LARDER_RETURN_IF_ERROR(streams::ClaimIdle(ctx.db(), key, claim, from, static_cast<size_t>(count), args.argv(),
                                            &claimed, &deleted, &next));
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  reply.Array(3);
  ReplyStreamId(next, reply);
  ReplyClaimed(stream, claimed, claim.just_id, reply);
  ReplyClaimed(stream, deleted, /*just_id=*/true, reply);
  return kOk;
}

bool AutoClaimIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return StreamCountIsShort(ctx, argv, 6); }

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr KeySpec kSubUpdated[] = {OneKey(2, kKeyReadWrite | kKeyUpdate)};
constexpr KeySpec kSubInserted[] = {OneKey(2, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kSubPruned[] = {OneKey(2, kKeyReadWrite | kKeyDelete)};
constexpr ArgSpec kGroupName = {.name = "groupname", .type = ArgType::kString};
constexpr ArgSpec kConsumerName = {.name = "consumername", .type = ArgType::kString};
constexpr ArgSpec kGroupArg = {.name = "group", .type = ArgType::kString};
constexpr ArgSpec kConsumerArg = {.name = "consumer", .type = ArgType::kString};
constexpr ArgSpec kIdsArg = {.name = "id", .type = ArgType::kString, .multiple = true};
constexpr ArgSpec kGroupIds[] = {{.name = "id", .type = ArgType::kString},
                                 {.name = "new_id", .type = ArgType::kPureToken, .token = "$"}};
constexpr ArgSpec kGroupIdArg = {.name = "id", .type = ArgType::kOneOf, .args = kGroupIds};
constexpr ArgSpec kEntriesReadArg = {.name = "entries_read", .type = ArgType::kInteger, .token = "ENTRIESREAD",
                                     .optional = true};
constexpr ArgSpec kCreateArgs[] = {
    kKeyArg, kGroupName, kGroupIdArg,
    {.name = "mkstream", .type = ArgType::kPureToken, .token = "MKSTREAM", .optional = true}, kEntriesReadArg};
constexpr ArgSpec kSetIdArgs[] = {kKeyArg, kGroupName, kGroupIdArg, kEntriesReadArg};
constexpr ArgSpec kGroupArgs[] = {kKeyArg, kGroupName};
constexpr ArgSpec kConsumerArgs[] = {kKeyArg, kGroupName, kConsumerName};
constexpr ArgSpec kAckArgs[] = {kKeyArg, kGroupArg, kIdsArg};
constexpr ArgSpec kFilters[] = {
    {.name = "min-idle-time", .type = ArgType::kInteger, .token = "IDLE", .since = "6.2.0", .optional = true},
    {.name = "start", .type = ArgType::kString},
    {.name = "end", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger},
    {.name = "consumer", .type = ArgType::kString, .optional = true}};
constexpr ArgSpec kPendingArgs[] = {
    kKeyArg, kGroupArg, {.name = "filters", .type = ArgType::kBlock, .optional = true, .args = kFilters}};
constexpr ArgSpec kIdleMinArg = {.name = "min-idle-time", .type = ArgType::kString};
constexpr ArgSpec kJustIdArg = {.name = "justid", .type = ArgType::kPureToken, .token = "JUSTID", .optional = true};
constexpr ArgSpec kClaimArgs[] = {
    kKeyArg, kGroupArg, kConsumerArg, kIdleMinArg, kIdsArg,
    {.name = "ms", .type = ArgType::kInteger, .token = "IDLE", .optional = true},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "TIME", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "RETRYCOUNT", .optional = true},
    {.name = "force", .type = ArgType::kPureToken, .token = "FORCE", .optional = true},
    kJustIdArg,
    {.name = "id", .type = ArgType::kString, .token = "LASTID", .optional = true}};
constexpr ArgSpec kAutoClaimArgs[] = {
    kKeyArg, kGroupArg, kConsumerArg, kIdleMinArg,
    {.name = "start", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true},
    kJustIdArg};
constexpr HistoryItem kCreateHistory[] = {{"7.0.0", "ENTRIESREAD."}};
constexpr HistoryItem kPendingHistory[] = {{"6.2.0", "IDLE, and IDs that do not belong to the range."}};
constexpr HistoryItem kAutoClaimHistory[] = {{"7.0.0", "The IDs of deleted entries, which are pending no more."}};

constexpr auto kSubcommands = Rows({.group = Group::kStream, .categories = kAclStream}, {
    {.name = "create", .run = XGroupCreate, .arity = AtLeast(5), .flags = kGrows, .keys = kSubInserted,
     .args = kCreateArgs, .summary = "Makes a consumer group.", .complexity = "O(1)", .since = "5.0.0",
     .history = kCreateHistory},
    {.name = "createconsumer", .run = XGroupCreateConsumer, .arity = Exactly(5), .flags = kGrows,
     .keys = kSubInserted, .args = kConsumerArgs, .summary = "Makes a consumer of a group.", .complexity = "O(1)",
     .since = "6.2.0"},
    {.name = "delconsumer", .run = XGroupDelConsumer, .arity = Exactly(5), .flags = kWrites, .keys = kSubPruned,
     .args = kConsumerArgs, .summary = "Deletes a consumer of a group.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "destroy", .run = XGroupDestroy, .arity = Exactly(4), .flags = kWrites, .keys = kSubPruned,
     .args = kGroupArgs, .summary = "Destroys a consumer group.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "help", .run = XGroupHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "setid", .run = XGroupSetId, .arity = AtLeast(5), .flags = kWrites, .keys = kSubUpdated,
     .args = kSetIdArgs, .summary = "Sets the ID behind which a group is given entries.", .complexity = "O(1)",
     .since = "5.0.0", .history = kCreateHistory},
});

constexpr auto kRows = Rows({.group = Group::kStream, .categories = kAclStream}, {
    {.name = "xack", .run = XAck, .arity = AtLeast(4), .flags = kFastWrites, .keys = kUpdatedKey, .args = kAckArgs,
     .summary = "Entries that are pending in a group are no more.", .complexity = "O(log N) for each ID",
     .since = "5.0.0"},
    {.name = "xautoclaim", .run = XAutoClaim, .arity = AtLeast(6), .flags = kFastWrites, .tips = kVaries,
     .keys = kPrunedKey, .args = kAutoClaimArgs, .summary = "Gives a consumer what is pending for long with others.",
     .complexity = "O(COUNT)", .since = "6.2.0", .history = kAutoClaimHistory, .is_short = AutoClaimIsShort},
    {.name = "xclaim", .run = XClaim, .arity = AtLeast(6), .flags = kFastWrites, .tips = kVaries,
     .keys = kUpdatedKey, .args = kClaimArgs, .summary = "Gives a consumer entries that are pending with others.",
     .complexity = "O(log N) for each ID", .since = "5.0.0"},
    {.name = "xpending", .run = XPending, .arity = AtLeast(3), .flags = kReads, .tips = kVaries, .keys = kReadKey,
     .args = kPendingArgs, .summary = "What is pending in a consumer group.",
     .complexity = "O(M), M = entries returned or looked at; of the summary O(N), N = consumers", .since = "5.0.0",
     .history = kPendingHistory, .is_short = PendingIsShort},
});

constexpr auto kContainerRows = Rows({.group = Group::kStream}, {
    {.name = "xgroup", .arity = AtLeast(2), .summary = "Makes and ends consumer groups; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "5.0.0"},
});

}  // namespace

constinit const Family kStreamGroupFamily = {.commands = kRows};
constinit const Family kXGroupFamily = {.commands = kContainerRows, .container = "xgroup", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
