// CLIENT PAUSE and UNPAUSE; and the answers of UNBLOCK, CACHING, GETREDIR and TRACKINGINFO while there is no command
// that blocks and no tracking.
//
// What a pause holds is decided by dispatch.cc, request by request, under the executor. Whoever serves the client keeps
// its requests, and is told (ClientIo::Resume) when they may be worth another try: at UNPAUSE. That the time is over it
// must see itself, by Pause::until_ms.
#include "lib/commands/client_command.h"
#include "lib/commands/family.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadMode{absl::StatusCode::kInvalidArgument, "ERR CLIENT PAUSE mode must be WRITE or ALL"};
constexpr ErrorText kBadTimeout{absl::StatusCode::kInvalidArgument, "ERR timeout is not an integer or out of range"};
constexpr ErrorText kNegativeTimeout{absl::StatusCode::kInvalidArgument, "ERR timeout is negative"};
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

}  // namespace

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
  LARDER_ASSIGN_OR_RETURN(const int64_t for_ms, args.Int(kBadTimeout));
  if (for_ms < 0) return kNegativeTimeout;
  const int64_t now_ms = ctx.now_ms();
  // What is beyond all time lasts until UNPAUSE.
  const int64_t until_ms = for_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + for_ms;
  ctx.engine.pause().Extend(what, until_ms, now_ms);
  ctx.keyspace().HoldExpiry(ctx.engine.pause().until_ms());
  reply.Ok();
  return kOk;
}

Error ClientUnpause(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ctx.engine.EndPause();
  reply.Ok();
  return kOk;
}

// A client that CLIENT PAUSE holds is not blocked in a command. (Redis 7.0.15 ends in a panic when it is asked to
// unblock one.)
Error ClientUnblock(CommandContext&, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 2) return TooMany(args, reply);
  ArgReader reason = args;
  reason.Next();
  if (!reason.done() && !reason.Take("timeout") && !reason.Take("error")) return kBadReason;
  LARDER_ASSIGN_OR_RETURN(const int64_t id, args.Int());
  (void)id;
  reply.Int(0);
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

}  // namespace larder::inline v0::commands
