// XINFO.
#include <algorithm>

#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/commands/stream_shapes.h"
#include "lib/engine/text.h"
#include "lib/ops/stream_groups.h"

namespace larder::inline v0::commands {
namespace {

namespace streams = ops::streams;
using streams::Space;
using streams::Stream;
using streams::StreamId;

// What both forms of XINFO STREAM begin with.
void ReplyStreamNumbers(const Stream& stream, ReplyWriter& reply) {
  const streams::StreamRoot& root = stream.root();
  reply.Bulk("length");
  reply.Int(static_cast<int64_t>(stream.length()));
  reply.Bulk("radix-tree-keys");
  reply.Int(static_cast<int64_t>(stream.nodes()));
  reply.Bulk("radix-tree-nodes");
  reply.Int(static_cast<int64_t>(stream.nodes() + 1));  // there is no radix tree: a root, and a leaf for each node
  reply.Bulk("last-generated-id");
  ReplyStreamId(root.last_id, reply);
  reply.Bulk("max-deleted-entry-id");
  ReplyStreamId(root.max_deleted, reply);
  reply.Bulk("entries-added");
  reply.Int(static_cast<int64_t>(root.entries_added));
  reply.Bulk("recorded-first-entry-id");
  ReplyStreamId(stream.first_id(), reply);
}

void ReplyRead(int64_t entries_read, ReplyWriter& reply) {
  reply.Bulk("entries-read");
  if (entries_read == -1) {
    reply.Null();
  } else {
    reply.Int(entries_read);
  }
}

void ReplyLag(const Stream& stream, const Space& group, ReplyWriter& reply) {
  reply.Bulk("lag");
  int64_t lag = 0;
  if (streams::LagOf(stream.root(), group, &lag)) {
    reply.Int(lag);
  } else {
    reply.Null();
  }
}

void ReplyEdgeEntry(const Stream& stream, bool last, ReplyWriter& reply) {
  if (stream.length() == 0) return reply.Null();
  stream.ForRange(last ? stream.length() - 1 : 0, 1, false, [&](const streams::EntryView& entry) {
    ReplyEntry(entry, reply);
    return false;
  });
}

// [id, consumer, delivered, deliveries], or without the consumer.
void ReplyPendingEntry(const Stream& stream, StreamId id, const streams::PendingInfo& info, bool with_consumer,
                       ReplyWriter& reply) {
  reply.Array(with_consumer ? 4 : 3);
  ReplyStreamId(id, reply);
  if (with_consumer) reply.Bulk(streams::NameOf(stream.root(), info.consumer));
  reply.Int(info.delivered_ms);
  reply.Int(static_cast<int64_t>(info.deliveries));
}

void ReplyFullConsumer(const Stream& stream, const Space& group, Bytes name, const Space& consumer, size_t count,
                       ReplyWriter& reply) {
  reply.Map(4);
  reply.Bulk("name");
  reply.Bulk(name);
  reply.Bulk("seen-time");
  reply.Int(consumer.info.seen_ms);
  reply.Bulk("pel-count");
  reply.Int(static_cast<int64_t>(consumer.info.pending));
  reply.Bulk("pending");
  size_t left = std::min(count, static_cast<size_t>(consumer.info.pending));
  reply.Array(left);
  if (left == 0) return;
  streams::ForOwned(stream.root(), consumer, streams::kMinId, [&](StreamId id) {
    streams::PendingInfo info;
    if (streams::FindPending(stream.root(), group, id, &info)) {
      ReplyPendingEntry(stream, id, info, /*with_consumer=*/false, reply);
    }
    return --left != 0 && !reply.output().failed();
  });
}

void ReplyFullGroup(const Stream& stream, Bytes name, const Space& group, size_t count, ReplyWriter& reply) {
  reply.Map(7);
  reply.Bulk("name");
  reply.Bulk(name);
  reply.Bulk("last-delivered-id");
  ReplyStreamId(group.info.last(), reply);
  ReplyRead(group.info.entries_read, reply);
  ReplyLag(stream, group, reply);
  reply.Bulk("pel-count");
  reply.Int(static_cast<int64_t>(group.info.pending));
  reply.Bulk("pending");
  size_t left = std::min(count, static_cast<size_t>(group.info.pending));
  reply.Array(left);
  if (left != 0) {
    for (streams::PendingWalk walk(stream.root(), group, streams::kMinId);
         left != 0 && !walk.done() && !reply.output().failed(); walk.Next(), --left) {
      ReplyPendingEntry(stream, walk.id(), walk.info(), /*with_consumer=*/true, reply);
    }
  }
  reply.Bulk("consumers");
  reply.Array(static_cast<size_t>(group.info.consumers));
  streams::ForConsumers(stream.root(), group, [&](Bytes consumer_name, const Space& consumer) {
    ReplyFullConsumer(stream, group, consumer_name, consumer, count, reply);
    return !reply.output().failed();
  });
}

void ReplyFull(const Stream& stream, size_t count, ReplyWriter& reply) {
  reply.Map(9);
  ReplyStreamNumbers(stream, reply);
  reply.Bulk("entries");
  ReplyEntries(stream, 0, std::min(count, stream.length()), false, reply);
  reply.Bulk("groups");
  reply.Array(streams::GroupCount(stream.root()));
  streams::ForGroups(stream.root(), [&](Bytes name, const Space& group) {
    ReplyFullGroup(stream, name, group, count, reply);
    return !reply.output().failed();
  });
}

// The stream, which has to be there. Errors: kWrongType, kNoSuchKey.
Result<Stream> OpenThere(CommandContext& ctx, Bytes key) {
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key));
  if (!stream.exists()) return errors::kNoSuchKey;
  return stream;
}

Error XInfoStream(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  constexpr size_t kDefaultCount = 10;
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenThere(ctx, args.Key()));
  if (args.done()) {
    reply.Map(10);
    ReplyStreamNumbers(stream, reply);
    reply.Bulk("groups");
    reply.Int(static_cast<int64_t>(streams::GroupCount(stream.root())));
    reply.Bulk("first-entry");
    ReplyEdgeEntry(stream, /*last=*/false, reply);
    reply.Bulk("last-entry");
    ReplyEdgeEntry(stream, /*last=*/true, reply);
    return kOk;
  }
  size_t count = kDefaultCount;
  bool known = args.Take("full");
  if (known && !args.done()) {
    known = args.remaining() == 2 && args.Take("count");
    if (known) {
      LARDER_ASSIGN_OR_RETURN(const int64_t number, args.Int());
      count = number < 0 ? kDefaultCount : number == 0 ? SIZE_MAX : static_cast<size_t>(number);
    }
  }
  if (!known) {
    reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(args.argv()[1]),
                 "'. Try XINFO HELP."});
    return kReplied;
  }
  ReplyFull(stream, count, reply);
  return kOk;
}

Error XInfoGroups(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenThere(ctx, args.Key()));
  reply.Array(streams::GroupCount(stream.root()));
  streams::ForGroups(stream.root(), [&](Bytes name, const Space& group) {
    reply.Map(6);
    reply.Bulk("name");
    reply.Bulk(name);
    reply.Bulk("consumers");
    reply.Int(static_cast<int64_t>(group.info.consumers));
    reply.Bulk("pending");
    reply.Int(static_cast<int64_t>(group.info.pending));
    reply.Bulk("last-delivered-id");
    ReplyStreamId(group.info.last(), reply);
    ReplyRead(group.info.entries_read, reply);
    ReplyLag(stream, group, reply);
    return !reply.output().failed();
  });
  return kOk;
}

Error XInfoConsumers(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenThere(ctx, key));
  Space group;
  const Bytes group_name = args.Next();
  if (!streams::FindGroup(stream.root(), group_name, &group)) {
    reply.Error({"NOGROUP No such consumer group '", UpToNul(group_name), "' for key name '", UpToNul(key), "'"});
    return kReplied;
  }
  const int64_t now_ms = ctx.keyspace().now_ms();
  reply.Array(static_cast<size_t>(group.info.consumers));
  streams::ForConsumers(stream.root(), group, [&](Bytes name, const Space& consumer) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(name);
    reply.Bulk("pending");
    reply.Int(static_cast<int64_t>(consumer.info.pending));
    reply.Bulk("idle");
    reply.Int(std::max<int64_t>(now_ms - consumer.info.seen_ms, 0));
    return !reply.output().failed();
  });
  return kOk;
}

Error XInfoHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  constexpr Bytes kLines[] = {
      "CONSUMERS <key> <groupname>",
      "    Tell of the consumers of a group.",
      "GROUPS <key>",
      "    Tell of the consumer groups of a stream.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Tell of a stream; with FULL also its entries, groups and consumers.",
  };
  WriteHelp(reply, "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

// With FULL as many elements as the stream has.
bool StreamInfoIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return argv.size() <= 3 || CollectionIsShort(ctx, argv.subspan(1));
}
bool OfStreamIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return argv.empty() || CollectionIsShort(ctx, argv.subspan(1));
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kKey[] = {OneKey(2, kKeyReadOnly | kKeyAccess)};
constexpr ArgSpec kFullArgs[] = {{.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr ArgSpec kStreamArgs[] = {
    kKeyArg, {.name = "full", .type = ArgType::kBlock, .token = "FULL", .optional = true, .args = kFullArgs}};
constexpr ArgSpec kConsumersArgs[] = {kKeyArg, {.name = "groupname", .type = ArgType::kString}};
constexpr HistoryItem kGroupsHistory[] = {{"7.0.0", "entries-read and lag."}};
constexpr HistoryItem kStreamHistory[] = {
    {"6.0.0", "FULL."},
    {"7.0.0", "max-deleted-entry-id, entries-added, recorded-first-entry-id, entries-read and lag."}};

constexpr auto kSubcommands = Rows({.group = Group::kStream, .categories = kAclStream}, {
    {.name = "consumers", .run = XInfoConsumers, .arity = Exactly(4), .flags = kReads, .tips = kVaries, .keys = kKey,
     .args = kConsumersArgs, .summary = "The consumers of a group.", .complexity = "O(N), N = consumers",
     .since = "5.0.0", .is_short = OfStreamIsShort},
    {.name = "groups", .run = XInfoGroups, .arity = Exactly(3), .flags = kReads, .keys = kKey, .args = kKeyArgs,
     .summary = "The consumer groups of a stream.", .complexity = "O(N), N = groups", .since = "5.0.0",
     .history = kGroupsHistory, .is_short = OfStreamIsShort},
    {.name = "help", .run = XInfoHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "stream", .run = XInfoStream, .arity = AtLeast(3), .flags = kReads, .keys = kKey, .args = kStreamArgs,
     .summary = "What a stream is made of.", .complexity = "O(1), with FULL O(N), N = what is told", .since = "5.0.0",
     .history = kStreamHistory, .is_short = StreamInfoIsShort},
});

constexpr auto kRows = Rows({.group = Group::kStream}, {
    {.name = "xinfo", .arity = AtLeast(2), .summary = "Tells of streams and groups; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "5.0.0"},
});

}  // namespace

constinit const Family kStreamInfoFamily = {.commands = kRows, .container = "xinfo", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
