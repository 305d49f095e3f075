// The server family: databases as a whole, time, SHUTDOWN. CONFIG, INFO and DEBUG have files of their own.
#include "lib/commands/family.h"
#include "lib/commands/server_commands.h"

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

Result<int> DbIndex(ArgReader& args, const ErrorText& otherwise) {
  LARDER_ASSIGN_OR_RETURN(const int64_t index, args.Int(otherwise));
  if (index < INT32_MIN || index > INT32_MAX) return otherwise;
  return static_cast<int>(index);
}

Error SwapDb(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const int first, DbIndex(args, kBadFirstDb));
  LARDER_ASSIGN_OR_RETURN(const int second, DbIndex(args, kBadSecondDb));
  const int count = ctx.keyspace().config().databases;
  if (first < 0 || second < 0 || first >= count || second >= count) return errors::kDbOutOfRange;
  if (ctx.keyspace().db(first) == nullptr || ctx.keyspace().db(second) == nullptr) return errors::kAllocationFailed;
  ctx.keyspace().SwapDbs(first, second);
  reply.Ok();
  return kOk;
}

Error Time(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const int64_t now_us = ctx.engine.clock().NowUs();
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
  return ctx.engine.host().RequestShutdown(request, reply);
}

constexpr std::string_view kSumOfShards[] = {"request_policy:all_shards", "response_policy:agg_sum"};
constexpr std::string_view kAllShards[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr HistoryItem kFlushHistory[] = {{"4.0.0", "The mode `ASYNC`."}, {"6.2.0", "The mode `SYNC`."}};
constexpr ArgSpec kFlushModes[] = {{.name = "async", .type = ArgType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
                                   {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC", .since = "6.2.0"}};
constexpr ArgSpec kFlushArgs[] = {
    {.name = "async", .type = ArgType::kOneOf, .optional = true, .args = kFlushModes}};

constexpr HistoryItem kInfoHistory[] = {{"7.0.0", "Takes several sections."}};
constexpr ArgSpec kInfoArgs[] = {{.name = "section", .optional = true, .multiple = true}};

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

constexpr uint32_t kAdminAlways = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale;

constexpr CommandSpec kCommands[] = {
    {.name = "config", .arity = AtLeast(2), .subcommands = kConfigSubcommands,
     .summary = "Commands about the server's configuration.", .complexity = "That of the subcommand",
     .group = Group::kServer, .since = "2.0.0"},
    {.name = "dbsize", .run = DbSize, .arity = Exactly(1), .flags = kCmdReadOnly | kCmdFast | kCmdShort,
     .categories = kAclKeyspace, .tips = kSumOfShards, .summary = "How many keys the database has.",
     .complexity = "O(1)", .group = Group::kServer, .since = "1.0.0"},
    {.name = "debug", .run = Debug, .arity = AtLeast(2), .flags = kAdminAlways | kCmdProtected | kCmdSystem,
     .summary = "Commands for those who test the server.", .complexity = "That of the subcommand",
     .group = Group::kServer, .since = "1.0.0"},
    {.name = "flushall", .run = FlushAll, .arity = AtLeast(1), .flags = kCmdWrite,
     .categories = kAclKeyspace | kAclDangerous, .tips = kAllShards, .args = kFlushArgs,
     .summary = "Removes every key of every database.", .complexity = "O(N), N = keys", .group = Group::kServer,
     .since = "1.0.0", .history = kFlushHistory},
    {.name = "flushdb", .run = FlushDb, .arity = AtLeast(1), .flags = kCmdWrite,
     .categories = kAclKeyspace | kAclDangerous, .tips = kAllShards, .args = kFlushArgs,
     .summary = "Removes every key of the database.", .complexity = "O(N), N = keys of the database",
     .group = Group::kServer, .since = "1.0.0", .history = kFlushHistory},
    {.name = "info", .run = Info, .arity = AtLeast(1), .flags = kCmdLoading | kCmdStale,
     .categories = kAclDangerous, .tips = kInfoTips, .args = kInfoArgs,
     .summary = "Facts and counters of the server, by section.", .complexity = "O(1)", .group = Group::kServer,
     .since = "1.0.0", .history = kInfoHistory},
    {.name = "monitor", .run = Monitor, .arity = Exactly(1), .flags = kAdminAlways | kCmdNeedsSession,
     .summary = "Sends this client every command that runs from now on, as it runs.", .group = Group::kServer,
     .since = "1.0.0"},
    {.name = "shutdown", .run = Shutdown, .arity = AtLeast(1), .flags = kAdminAlways | kCmdNoMulti | kCmdAllowBusy,
     .args = kShutdownArgs, .summary = "Asks the program around the cache to end.", .complexity = "O(1)",
     .group = Group::kServer, .since = "1.0.0", .history = kShutdownHistory},
    {.name = "swapdb", .run = SwapDb, .arity = Exactly(3), .flags = kCmdWrite | kCmdFast,
     .categories = kAclKeyspace | kAclDangerous, .args = kSwapDbArgs,
     .summary = "Gives each of two databases the keys of the other.",
     .complexity = "O(N), N = watched keys of both", .group = Group::kServer, .since = "4.0.0"},
    {.name = "time", .run = Time, .arity = Exactly(1), .flags = kCmdLoading | kCmdStale | kCmdFast | kCmdShort,
     .tips = kVaries,
     .summary = "The time: seconds since the epoch, and microseconds.", .complexity = "O(1)",
     .group = Group::kServer, .since = "2.6.0"},
};

}  // namespace

std::span<const CommandSpec> ServerCommands() { return kCommands; }

}  // namespace larder::inline v0::commands
