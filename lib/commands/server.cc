// Databases as a whole, time, SHUTDOWN. CONFIG, INFO, DEBUG and MONITOR have files of their own.
#include "lib/commands/db_argument.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadFirstDb{absl::StatusCode::kInvalidArgument, "ERR invalid first DB index"};
constexpr ErrorText kBadSecondDb{absl::StatusCode::kInvalidArgument, "ERR invalid second DB index"};
constexpr ErrorText kNoShutdown{absl::StatusCode::kFailedPrecondition, "ERR No shutdown in progress."};

Error DbSize(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  reply.Int(static_cast<int64_t>(ctx.db().size()));
  return kOk;
}

// ASYNC and SYNC differ in when memory is freed, which is not for the client to see: one answer for both.
Error CheckFlushMode(ArgReader args) {
  if (args.done() || args.Take("async") || args.Take("sync")) return args.done() ? kOk : Error(errors::kSyntax);
  return errors::kSyntax;
}

Error FlushAll(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(CheckFlushMode(args));
  ctx.keyspace().FlushAll();
  reply.Ok();
  return kOk;
}

Error FlushDb(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(CheckFlushMode(args));
  ctx.keyspace().FlushDb(ctx.db());
  reply.Ok();
  return kOk;
}

Error SwapDb(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const int first, ReadDbIndex(args, kBadFirstDb, kBadFirstDb));
  LARDER_ASSIGN_OR_RETURN(const int second, ReadDbIndex(args, kBadSecondDb, kBadSecondDb));
  LARDER_RETURN_IF_ERROR(DbAt(ctx, first).error());
  LARDER_RETURN_IF_ERROR(DbAt(ctx, second).error());
  ctx.keyspace().SwapDbs(first, second);
  reply.Ok();
  return kOk;
}

Error Time(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const int64_t now_us = ctx.engine().clock().NowUs();
  reply.Array(2);
  reply.BulkInt(now_us / 1'000'000);
  reply.BulkInt(now_us % 1'000'000);
  return kOk;
}

// A guest never ends its host: the host is asked, and answers the client only if it refuses.
Error Shutdown(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ShutdownRequest request;
  bool abort = false;
  while (!args.done()) {
    if (!request.save && args.Take("nosave")) {
      request.nosave = true;
    } else if (!request.nosave && args.Take("save")) {
      request.save = true;
    } else if (args.Take("now")) {
      request.now = true;
    } else if (args.Take("force")) {
      request.force = true;
    } else if (args.Take("abort")) {
      abort = true;
    } else {
      return errors::kSyntax;
    }
  }
  if (abort) {
    if (request.save || request.nosave || request.now || request.force) return errors::kSyntax;
    return kNoShutdown;  // what has been asked of the host cannot be taken back
  }
  return ctx.engine().host().RequestShutdown(request, reply);
}

constexpr std::string_view kSumOfAllShards[] = {"request_policy:all_shards", "response_policy:agg_sum"};
constexpr HistoryItem kFlushHistory[] = {{"4.0.0", "The mode `ASYNC`."}, {"6.2.0", "The mode `SYNC`."}};
constexpr ArgSpec kFlushModes[] = {{.name = "async", .type = ArgType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
                                   {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC", .since = "6.2.0"}};
constexpr ArgSpec kFlushArgs[] = {
    {.name = "async", .type = ArgType::kOneOf, .optional = true, .args = kFlushModes}};

constexpr HistoryItem kShutdownHistory[] = {{"7.0.0", "The words `NOW`, `FORCE` and `ABORT`."}};
constexpr ArgSpec kShutdownSave[] = {{.name = "nosave", .type = ArgType::kPureToken, .token = "NOSAVE"},
                                     {.name = "save", .type = ArgType::kPureToken, .token = "SAVE"}};
constexpr ArgSpec kShutdownArgs[] = {
    {.name = "nosave_save", .type = ArgType::kOneOf, .optional = true, .args = kShutdownSave},
    {.name = "now", .type = ArgType::kPureToken, .token = "NOW", .since = "7.0.0", .optional = true},
    {.name = "force", .type = ArgType::kPureToken, .token = "FORCE", .since = "7.0.0", .optional = true},
    {.name = "abort", .type = ArgType::kPureToken, .token = "ABORT", .since = "7.0.0", .optional = true}};

constexpr ArgSpec kSwapDbArgs[] = {{.name = "index1", .type = ArgType::kInteger},
                                   {.name = "index2", .type = ArgType::kInteger}};

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "dbsize", .run = DbSize, .arity = Exactly(1), .flags = kFastReads, .categories = kAclKeyspace,
     .tips = kSumOfAllShards, .summary = "How many keys the database has.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "flushall", .run = FlushAll, .arity = AtLeast(1), .flags = kCmdWrite,
     .categories = kAclKeyspace | kAclDangerous, .tips = kAllShards, .args = kFlushArgs,
     .summary = "Removes every key of every database.", .complexity = "O(N), N = keys", .since = "1.0.0",
     .history = kFlushHistory},
    {.name = "flushdb", .run = FlushDb, .arity = AtLeast(1), .flags = kCmdWrite,
     .categories = kAclKeyspace | kAclDangerous, .tips = kAllShards, .args = kFlushArgs,
     .summary = "Removes every key of the database.", .complexity = "O(N), N = keys of the database", .since = "1.0.0",
     .history = kFlushHistory},
    {.name = "shutdown", .run = Shutdown, .arity = AtLeast(1), .flags = kAdmin | kCmdNoMulti | kCmdAllowBusy,
     .args = kShutdownArgs, .summary = "Asks the program around the cache to end.", .complexity = "O(1)",
     .since = "1.0.0", .history = kShutdownHistory},
    {.name = "swapdb", .run = SwapDb, .arity = Exactly(3), .flags = kCmdWrite | kCmdFast,
     .categories = kAclKeyspace | kAclDangerous, .args = kSwapDbArgs,
     .summary = "Gives each of two databases the keys of the other.", .complexity = "O(N), N = watched keys of both",
     .since = "4.0.0"},
    {.name = "time", .run = Time, .arity = Exactly(1), .flags = kCmdLoading | kCmdStale | kCmdFast | kCmdShort,
     .tips = kVaries, .summary = "The time: seconds since the epoch, and microseconds.", .complexity = "O(1)",
     .since = "2.6.0"},
});

}  // namespace

constinit const Family kServerFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
