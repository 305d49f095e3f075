// Pub/sub: see lib/engine/pubsub.h.
#include "lib/base/glob.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/engine/pubsub.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kNoConnection{absl::StatusCode::kFailedPrecondition,
                                  "ERR a subscriber needs a connection that can be sent messages: a listener's, or one "
                                  "of cache.NewConnection()"};

constexpr ErrorText kNotInExec{absl::StatusCode::kFailedPrecondition,
                               "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"};

// How many subscriptions a client is told to have: those to shard channels count for themselves.
size_t CountOf(const ClientState& client, ChannelKind kind) {
  const ClientSubscriptions& all = client.subscriptions;
  if (kind == ChannelKind::kShardChannel) return all.count(kind);
  return all.count(ChannelKind::kChannel) + all.count(ChannelKind::kPattern);
}

// One for each subscription that begins or ends.
void ReplyCount(CommandContext& ctx, Bytes name, size_t count, ReplyWriter& reply) {
  reply.Push(3);
  reply.Bulk(ctx.spec.name);
  reply.Bulk(name);
  reply.Int(static_cast<int64_t>(count));
}

// All of them or, without memory, none. CLIENT REPLY silences none of the replies, as in Redis. Of the three SSUBSCRIBE
// alone is refused within EXEC.
template <ChannelKind kKind>
Error Subscribe(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  if (client.io == nullptr) return kNoConnection;
  if (kKind == ChannelKind::kShardChannel && client.in_exec) return kNotInExec;
  if (!client.io->PreparePush()) return errors::kAllocationFailed;
  ctx.minded_reply_mode = true;
  PubSub& pubsub = ctx.engine().pubsub();
  const size_t before = client.subscriptions.count(kKind);
  while (!args.done()) {
    const Bytes name = args.Next();
    if (!pubsub.Subscribe(client, kKind, name)) {
      while (client.subscriptions.count(kKind) > before) pubsub.Remove(client.subscriptions.last(kKind));
      return errors::kAllocationFailed;
    }
    ReplyCount(ctx, name, CountOf(client, kKind), reply);
  }
  return kOk;
}

template <ChannelKind kKind>
Error Unsubscribe(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  ctx.minded_reply_mode = true;
  PubSub& pubsub = ctx.engine().pubsub();
  if (!args.done()) {
    while (!args.done()) {
      const Bytes name = args.Next();
      pubsub.Unsubscribe(client, kKind, name);
      ReplyCount(ctx, name, CountOf(client, kKind), reply);
    }
    return kOk;
  }
  if (client.subscriptions.count(kKind) == 0) {
    reply.Push(3);
    reply.Bulk(ctx.spec.name);
    reply.Null();
    reply.Int(static_cast<int64_t>(CountOf(client, kKind)));
  }
  while (Subscription* const first = client.subscriptions.first(kKind)) {
    ReplyCount(ctx, first->channel->name(), CountOf(client, kKind) - 1, reply);  // before the name is gone
    pubsub.Remove(first);
  }
  return kOk;
}

template <ChannelKind kKind>
Error Publish(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes channel = args.Next();
  reply.Int(ctx.engine().pubsub().Publish(kKind, channel, args.Next()));
  return kOk;
}

template <ChannelKind kKind>
bool PublishIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return ctx.engine().pubsub().CostOf(kKind, argv[1]) <= engine::kShortElements;
}

// ---- PUBSUB ---------------------------------------------------------------------------------------------------------

template <ChannelKind kKind>
Error ListChannels(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 1) {
    reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(args.argv()[1]).substr(0, 128),
                 "'. Try PUBSUB HELP."});
    return kReplied;
  }
  base::Buffer room;
  const bool all = args.done();
  const Bytes pattern = all ? Bytes() : base::GlobShortened(args.Next(), room);
  const size_t begin = reply.BeginDeferred();
  size_t count = 0;
  for (const Channel* each = ctx.engine().pubsub().channels(kKind).front(); each != nullptr && !reply.output().failed();
       each = each->in_kind.next) {
    if (!all && !engine::ChannelMatches(pattern, each->name())) continue;
    reply.Bulk(each->name());
    ++count;
  }
  reply.EndDeferredArray(begin, count);
  return kOk;
}

template <ChannelKind kKind>
Error CountSubscribers(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  reply.Array(args.remaining() * 2);
  while (!args.done()) {
    const Bytes channel = args.Next();
    reply.Bulk(channel);
    reply.Int(static_cast<int64_t>(ctx.engine().pubsub().SubscribersOf(kKind, channel)));
  }
  return kOk;
}

Error CountPatterns(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  reply.Int(static_cast<int64_t>(ctx.engine().pubsub().count(ChannelKind::kPattern)));
  return kOk;
}

Error PubSubHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  static constexpr Bytes kLines[] = {
      "CHANNELS [<pattern>]",
      "    List the channels that have subscribers and, if it is given, match <pattern>.",
      "NUMPAT",
      "    Count the patterns that have subscribers.",
      "NUMSUB [<channel> ...]",
      "    Count the subscribers of each <channel>. Those of patterns are not among",
      "    them.",
      "SHARDCHANNELS [<pattern>]",
      "    List the shard channels that have subscribers and, if it is given, match",
      "    <pattern>.",
      "SHARDNUMSUB [<shardchannel> ...]",
      "    Count the subscribers of each <shardchannel>.",
  };
  WriteHelp(reply, "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr auto kChannel = ChannelKind::kChannel;
constexpr auto kPattern = ChannelKind::kPattern;
constexpr auto kShardChannel = ChannelKind::kShardChannel;

constexpr uint32_t kFlags = kCmdPubsub | kCmdLoading | kCmdStale;
constexpr uint32_t kSubscriber = kFlags | kCmdNoscript | kCmdWhileSubscribed | kCmdNeedsSession;
constexpr uint32_t kPublisher = kFlags | kCmdFast | kCmdPublishes | kCmdShort;

// Where a cluster would look for the slot.
constexpr KeySpec kShardKey[] = {OneKey(1, kKeyNotKey)};
constexpr KeySpec kShardKeys[] = {KeyRange(1, -1, 1, kKeyNotKey)};

constexpr ArgSpec kChannels[] = {{.name = "channel", .multiple = true}};
constexpr ArgSpec kSomeChannels[] = {{.name = "channel", .optional = true, .multiple = true}};
constexpr ArgSpec kShardChannels[] = {{.name = "shardchannel", .multiple = true}};
constexpr ArgSpec kSomeShardChannels[] = {{.name = "shardchannel", .optional = true, .multiple = true}};
constexpr ArgSpec kOnePattern[] = {{.name = "pattern", .type = ArgType::kPattern}};
constexpr ArgSpec kPatterns[] = {{.name = "pattern", .type = ArgType::kBlock, .multiple = true, .args = kOnePattern}};
constexpr ArgSpec kSomePatterns[] = {
    {.name = "pattern", .type = ArgType::kPattern, .optional = true, .multiple = true}};
constexpr ArgSpec kMaybePattern[] = {{.name = "pattern", .type = ArgType::kPattern, .optional = true}};
constexpr ArgSpec kMessage[] = {{.name = "channel"}, {.name = "message"}};
constexpr ArgSpec kShardMessage[] = {{.name = "shardchannel"}, {.name = "message"}};

constexpr auto kSubcommands = Rows({.group = Group::kPubsub}, {
    {.name = "channels", .run = ListChannels<kChannel>, .arity = AtLeast(2), .flags = kFlags, .args = kMaybePattern,
     .summary = "The channels that have subscribers.", .complexity = "O(N), N = channels", .since = "2.8.0"},
    {.name = "help", .run = PubSubHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "6.2.0"},
    {.name = "numpat", .run = CountPatterns, .arity = Exactly(2), .flags = kFlags | kCmdShort,
     .summary = "How many patterns have subscribers.", .complexity = "O(1)", .since = "2.8.0"},
    {.name = "numsub", .run = CountSubscribers<kChannel>, .arity = AtLeast(2), .flags = kFlags | kCmdShort,
     .args = kSomeChannels, .summary = "How many subscribers channels have.",
     .complexity = "O(N), N = channels asked for", .since = "2.8.0"},
    {.name = "shardchannels", .run = ListChannels<kShardChannel>, .arity = AtLeast(2), .flags = kFlags,
     .args = kMaybePattern, .summary = "The shard channels that have subscribers.",
     .complexity = "O(N), N = shard channels", .since = "7.0.0"},
    {.name = "shardnumsub", .run = CountSubscribers<kShardChannel>, .arity = AtLeast(2), .flags = kFlags | kCmdShort,
     .args = kSomeShardChannels, .summary = "How many subscribers shard channels have.",
     .complexity = "O(N), N = shard channels asked for", .since = "7.0.0"},
});

constexpr auto kRows = Rows({.group = Group::kPubsub}, {
    {.name = "psubscribe", .run = Subscribe<kPattern>, .arity = AtLeast(2), .flags = kSubscriber, .args = kPatterns,
     .summary = "Sends this client what is published in channels that match patterns.",
     .complexity = "O(N), N = patterns given", .since = "2.0.0"},
    {.name = "publish", .run = Publish<kChannel>, .arity = Exactly(3), .flags = kPublisher, .args = kMessage,
     .summary = "Sends a message to the subscribers of a channel.",
     .complexity = "O(N+M), N = the channel's subscribers, M = all patterns and the subscribers of those that match",
     .since = "2.0.0", .is_short = PublishIsShort<kChannel>},
    {.name = "pubsub", .arity = AtLeast(2), .summary = "Who listens to what; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "2.8.0"},
    {.name = "punsubscribe", .run = Unsubscribe<kPattern>, .arity = AtLeast(1), .flags = kSubscriber,
     .args = kSomePatterns, .summary = "Ends subscriptions to patterns: those given, or all.",
     .complexity = "O(N), N = subscriptions that end", .since = "2.0.0"},
    {.name = "spublish", .run = Publish<kShardChannel>, .arity = Exactly(3), .flags = kPublisher, .keys = kShardKey,
     .args = kShardMessage, .summary = "Sends a message to the subscribers of a shard channel.",
     .complexity = "O(N), N = the channel's subscribers", .since = "7.0.0", .is_short = PublishIsShort<kShardChannel>},
    {.name = "ssubscribe", .run = Subscribe<kShardChannel>, .arity = AtLeast(2), .flags = kSubscriber,
     .keys = kShardKeys, .args = kShardChannels,
     .summary = "Sends this client what is published in shard channels.", .complexity = "O(N), N = channels given",
     .since = "7.0.0"},
    {.name = "subscribe", .run = Subscribe<kChannel>, .arity = AtLeast(2), .flags = kSubscriber, .args = kChannels,
     .summary = "Sends this client what is published in channels.", .complexity = "O(N), N = channels given",
     .since = "2.0.0"},
    {.name = "sunsubscribe", .run = Unsubscribe<kShardChannel>, .arity = AtLeast(1), .flags = kSubscriber,
     .keys = kShardKeys, .args = kSomeShardChannels,
     .summary = "Ends subscriptions to shard channels: those given, or all.",
     .complexity = "O(N), N = subscriptions that end", .since = "7.0.0"},
    {.name = "unsubscribe", .run = Unsubscribe<kChannel>, .arity = AtLeast(1), .flags = kSubscriber,
     .args = kSomeChannels, .summary = "Ends subscriptions to channels: those given, or all.",
     .complexity = "O(N), N = subscriptions that end", .since = "2.0.0"},
});

}  // namespace

constinit const Family kPubSubFamily = {.commands = kRows, .container = "pubsub", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
