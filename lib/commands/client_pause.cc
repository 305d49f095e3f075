// CLIENT PAUSE, UNPAUSE and UNBLOCK; and the answers of CACHING, GETREDIR and TRACKINGINFO while there is no tracking.
//
// What a pause holds is decided by dispatch.cc, request by request, under the executor. Whoever serves the client keeps
// its requests, and is told (ClientIo::Resume) when they may be worth another try: at UNPAUSE. That the time is over it
// must see itself, by Pause::until_ms.
#include "lib/commands/client_shapes.h"
#include "lib/commands/families.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadMode{absl::StatusCode::kInvalidArgument, "ERR CLIENT PAUSE mode must be WRITE or ALL"};
constexpr ErrorText kBadReason{absl::StatusCode::kInvalidArgument,
                               "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"};
constexpr ErrorText kNotTracking{absl::StatusCode::kFailedPrecondition,
                                 "ERR CLIENT CACHING can be called only when the client is in tracking mode with "
                                 "OPTIN or OPTOUT mode enabled"};

// More arguments than the row's arity can tell are too many.
Error TooMany(ArgReader args, ReplyWriter& reply) {
  reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(args.argv()[1]).substr(0, 128),
               "'. Try CLIENT HELP."});
  return kReplied;
}

Error ClientPause(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 2) return TooMany(args, reply);
  ArgReader mode = args;
  mode.Next();
  Paused what = Paused::kAll;
  if (mode.Take("write")) {
    what = Paused::kWrites;
  } else if (!mode.done() && !mode.Take("all")) {
    return kBadMode;
  }
  LARDER_ASSIGN_OR_RETURN(const int64_t for_ms, args.Int(errors::kTimeoutNotInteger));
  if (for_ms < 0) return errors::kTimeoutNegative;
  const int64_t now_ms = ctx.now_ms();
  // What is beyond all time lasts until UNPAUSE.
  const int64_t until_ms = for_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + for_ms;
  ctx.engine().pause().Extend(what, until_ms, now_ms);
  ctx.keyspace().HoldExpiry(ctx.engine().pause().until_ms());
  reply.Ok();
  return kOk;
}

Error ClientUnpause(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ctx.engine().EndPause();
  reply.Ok();
  return kOk;
}

// A client that CLIENT PAUSE holds is not blocked in a command. (Redis 7.0.15 ends in a panic when it is asked to
// unblock one.)
Error ClientUnblock(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 2) return TooMany(args, reply);
  ArgReader reason = args;
  reason.Next();
  const bool with_error = reason.Take("error");
  if (!with_error && !reason.done() && !reason.Take("timeout")) return kBadReason;
  LARDER_ASSIGN_OR_RETURN(const int64_t id, args.Int());
  ClientState* const client = ctx.engine().clients().Find(static_cast<uint64_t>(id));
  const bool waits = client != nullptr && client->waiter != nullptr && !Gone(*client);
  if (waits) ctx.engine().blocking().Unblock(*client, with_error);
  // Redis counts the error that another client gets as a failure of this command, too.
  if (waits && with_error) ++ctx.engine().counters(*ctx.engine().commands().FindByFullName("client|unblock")).failed;
  reply.Int(waits);
  return kOk;
}

Error ClientCaching(CommandContext&, ArgReader, ReplyWriter&) { return kNotTracking; }

Error ClientGetRedir(CommandContext&, ArgReader, ReplyWriter& reply) {
  reply.Int(-1);
  return kOk;
}

Error ClientTrackingInfo(CommandContext&, ArgReader, ReplyWriter& reply) {
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(1);
  reply.Bulk("off");
  reply.Bulk("redirect");
  reply.Int(-1);
  reply.Bulk("prefixes");
  reply.Array(0);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr ArgSpec kYesNo[] = {{.name = "yes", .type = ArgType::kPureToken, .token = "YES"},
                              {.name = "no", .type = ArgType::kPureToken, .token = "NO"}};
constexpr ArgSpec kCachingArgs[] = {{.name = "mode", .type = ArgType::kOneOf, .args = kYesNo}};
constexpr HistoryItem kPauseHistory[] = {{"6.2.0", "The mode `WRITE`, and the word for a mode."}};
constexpr ArgSpec kPauseModes[] = {{.name = "write", .type = ArgType::kPureToken, .token = "WRITE"},
                                   {.name = "all", .type = ArgType::kPureToken, .token = "ALL"}};
constexpr ArgSpec kPauseArgs[] = {
    {.name = "timeout", .type = ArgType::kInteger},
    {.name = "mode", .type = ArgType::kOneOf, .since = "6.2.0", .optional = true, .args = kPauseModes}};
constexpr ArgSpec kUnblockReasons[] = {{.name = "timeout", .type = ArgType::kPureToken, .token = "TIMEOUT"},
                                       {.name = "error", .type = ArgType::kPureToken, .token = "ERROR"}};
constexpr ArgSpec kUnblockArgs[] = {
    {.name = "client-id", .type = ArgType::kInteger},
    {.name = "timeout_error", .type = ArgType::kOneOf, .optional = true, .args = kUnblockReasons}};

constexpr auto kSubcommands = Rows({.group = Group::kConnection, .categories = kAclConnection}, {
    {.name = "caching", .run = ClientCaching, .arity = Exactly(3), .flags = kShortClientFlags, .args = kCachingArgs,
     .summary = "Whether the keys of the next command are tracked.", .complexity = "O(1)", .since = "6.0.0"},
    {.name = "getredir", .run = ClientGetRedir, .arity = Exactly(2), .flags = kShortClientFlags,
     .summary = "The number of the client that gets this one's notices of tracking.", .complexity = "O(1)",
     .since = "6.0.0"},
    {.name = "pause", .run = ClientPause, .arity = AtLeast(3), .flags = kShortClientFlags | kCmdAdmin,
     .args = kPauseArgs, .summary = "Holds the requests of clients, all or those that write, for some time.",
     .complexity = "O(1)", .since = "2.9.50", .history = kPauseHistory},
    {.name = "trackinginfo", .run = ClientTrackingInfo, .arity = Exactly(2), .flags = kShortClientFlags,
     .summary = "How keys are tracked for this client.", .complexity = "O(1)", .since = "6.2.0"},
    {.name = "unblock", .run = ClientUnblock, .arity = AtLeast(3), .flags = kShortClientFlags | kCmdAdmin,
     .args = kUnblockArgs, .summary = "Has another client's command that waits return.", .complexity = "O(1)",
     .since = "5.0.0"},
    {.name = "unpause", .run = ClientUnpause, .arity = Exactly(2), .flags = kClientFlags | kCmdAdmin,
     .summary = "Ends CLIENT PAUSE: what was held runs.", .complexity = "O(N), N = clients", .since = "6.2.0"},
});

}  // namespace

constinit const Family kClientPauseFamily = {.container = "client", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
