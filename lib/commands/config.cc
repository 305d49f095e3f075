// CONFIG: the options in force, by directive. What a directive is and does is lib/options' business.
#include <memory>
#include <utility>

#include "lib/base/numbers.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/engine/client_policy.h"
#include "lib/options/border.h"

namespace larder::inline v0::commands {
namespace {

Error ConfigGet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const ClientPolicy* const policy = ctx.client.policy;
  const bool visited = directives::VisitConfig(
      ctx.engine().options(), policy != nullptr ? policy->place() : nullptr, args.rest(),
      [&](size_t count) { reply.Map(count); },
      [&](Bytes name, Bytes value) {
        reply.Bulk(name);
        reply.Bulk(value);
      });
  return visited ? kOk : Error(errors::kAllocationFailed);
}

// Has listeners do as `changed` says. False: they refuse, and so does the reply.
bool Relisten(CommandContext& ctx, const Options& changed, const directives::ListenerChange& change,
              ReplyWriter& reply) {
  if (change.sockets.empty() && change.tls.empty()) return true;
  const Options& before = ctx.engine().options();
  ListenerPart failed = ListenerPart::kPort;
  const absl::Status status = ctx.engine().host().Relisten(changed, !change.tls.empty(), &failed);
  if (status.ok()) return true;
  Bytes argument = change.tls.empty() ? Bytes("tls-port") : change.tls;
  Bytes reason = "Unable to update TLS configuration. Check server logs.";
  if (status.code() == absl::StatusCode::kUnimplemented) {
    reason = {status.message().data(), status.message().size()};
  } else if (failed != ListenerPart::kTls) {
    const bool plain = failed == ListenerPart::kPort;
    const bool moved = plain ? changed.port != before.port : changed.tls_port != before.tls_port;
    argument = !moved ? Bytes("bind") : plain ? Bytes("port") : Bytes("tls-port");
    reason = moved ? Bytes("Unable to listen on this port. Check server logs.")
                   : Bytes("Failed to bind to specified addresses.");
  }
  reply.Error({"ERR CONFIG SET failed (possibly related to argument '", argument, "') - ", reason});
  return false;
}

// Whether the process has descriptors for so many clients; if not, the reply says for how many.
bool FitsClients(CommandContext& ctx, uint32_t maxclients, ReplyWriter& reply) {
  if (maxclients <= ctx.engine().options().maxclients) return true;
  const uint32_t fitting = ctx.engine().host().FittingClients(maxclients);
  if (fitting >= maxclients) return true;
  char digits[base::kIntChars];
  reply.Error(
      {"ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to "
       "handle the specified number of clients, try with ",
       base::FormatUint64(fitting, digits)});
  return false;
}

Error ConfigSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() % 2 != 0) return errors::kSyntax;
  const Options& before = ctx.engine().options();
  std::unique_ptr<Options> changed;
  directives::ListenerChange listener;
  base::Buffer refusal;
  const ClientPolicy* const policy = ctx.client.policy;
  const auto keeps = [&](std::string_view name) { return policy != nullptr && policy->Keeps(name); };
  if (!directives::PrepareConfigSet(before, args.rest(), IsLocal(ctx.client), keeps, &changed, &listener, &refusal)) {
    return errors::kAllocationFailed;
  }
  if (changed == nullptr) {
    reply.Error({refusal.view()});
    return kReplied;
  }
  if (!FitsClients(ctx, changed->maxclients, reply)) return kReplied;
  if (!Relisten(ctx, *changed, listener, reply)) return kReplied;
  ctx.engine().SetOptions(std::move(changed));
  ctx.client.cuts_batch = true;
  reply.Ok();
  return kOk;
}

Error ConfigRewrite(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  base::Buffer refusal;
  const bool whole = directives::RewriteConfig(ctx.engine().options(), &refusal);
  if (!whole || !refusal.empty()) {
    ctx.engine().host().Log(LogLevel::kWarning, "CONFIG REWRITE has failed");
    if (!whole) return errors::kAllocationFailed;
    reply.Error({refusal.view()});
    return kReplied;
  }
  ctx.engine().host().Log(LogLevel::kNotice, "CONFIG REWRITE executed with success.");
  reply.Ok();
  return kOk;
}

Error ConfigResetStat(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ctx.engine().ResetStats();
  reply.Ok();
  return kOk;
}

constexpr Bytes kHelpFirst = "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
constexpr Bytes kHelp[] = {
    "GET <pattern> [<pattern> ...]",
    "    The directives whose names match a pattern, and their values.",
    "SET <directive> <value> [<directive> <value> ...]",
    "    Give directives new values: all of them, or none if one is refused.",
    "RESETSTAT",
    "    Start the counters of INFO again from 0.",
    "REWRITE",
    "    Write the values in force into the configuration file.",
};

Error ConfigHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  WriteHelp(reply, kHelpFirst, kHelp);
  return kOk;
}

constexpr HistoryItem kGetHistory[] = {{"7.0.0", "Takes several patterns."}};
constexpr ArgSpec kGetParameter[] = {{.name = "parameter"}};
constexpr ArgSpec kGetArgs[] = {
    {.name = "parameter", .type = ArgType::kBlock, .multiple = true, .args = kGetParameter}};

constexpr std::string_view kSetTips[] = {"request_policy:all_nodes", "response_policy:all_succeeded"};
constexpr HistoryItem kSetHistory[] = {{"7.0.0", "Takes several directives."}};
constexpr ArgSpec kSetPair[] = {{.name = "parameter"}, {.name = "value"}};
constexpr ArgSpec kSetArgs[] = {
    {.name = "parameter_value", .type = ArgType::kBlock, .multiple = true, .args = kSetPair}};

constexpr auto kSubcommands = Rows({.group = Group::kServer}, {
    {.name = "get", .run = ConfigGet, .arity = AtLeast(3), .flags = kAdmin, .args = kGetArgs,
     .summary = "The values of directives.", .complexity = "O(N), N = patterns", .since = "2.0.0",
     .history = kGetHistory},
    {.name = "help", .run = ConfigHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Tells what the subcommands do.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "resetstat", .run = ConfigResetStat, .arity = Exactly(2), .flags = kAdmin,
     .summary = "Starts the counters of INFO again from 0.", .complexity = "O(1)", .since = "2.0.0"},
    {.name = "rewrite", .run = ConfigRewrite, .arity = Exactly(2), .flags = kAdmin,
     .summary = "Writes the values in force into the configuration file.", .complexity = "O(1)", .since = "2.8.0"},
    {.name = "set", .run = ConfigSet, .arity = AtLeast(4), .flags = kAdmin, .tips = kSetTips, .args = kSetArgs,
     .summary = "Gives directives new values.", .complexity = "O(N), N = directives", .since = "2.0.0",
     .history = kSetHistory},
});

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "config", .arity = AtLeast(2), .summary = "Commands about the server's configuration.",
     .complexity = "That of the subcommand", .since = "2.0.0"},
});

}  // namespace

constinit const Family kConfigFamily = {.commands = kRows, .container = "config", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
