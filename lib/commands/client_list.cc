// CLIENT LIST and CLIENT INFO: see lib/engine/client_line.h.
#include "lib/commands/client_shapes.h"
#include "lib/commands/families.h"
#include "lib/engine/client_line.h"
#include "lib/engine/text.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadListId{absl::StatusCode::kInvalidArgument, "ERR Invalid client ID"};

Error ReplyText(const base::Buffer& text, ReplyWriter& reply) {
  if (text.failed()) return errors::kAllocationFailed;
  reply.Verbatim("txt", text.view());
  return kOk;
}

// argv-mem: only the command that asks is running.
class RunningArguments {
 public:
  RunningArguments(ClientState& client, ArgReader args) : client_(client) {
    for (Bytes arg : args.argv()) client_.argv_bytes += arg.size();
  }
  ~RunningArguments() { client_.argv_bytes = 0; }
  RunningArguments(const RunningArguments&) = delete;
  RunningArguments& operator=(const RunningArguments&) = delete;

 private:
  ClientState& client_;
};

// CLIENT LIST ID id...: in the order asked for, an id twice if asked twice.
Error ListIds(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const RunningArguments running(ctx.client, args);
  base::Buffer text;
  TextWriter out(text);
  while (!args.done() && !text.failed()) {
    LARDER_ASSIGN_OR_RETURN(const int64_t id, args.Int(kBadListId));
    const ClientState* const client = ctx.engine().clients().Find(static_cast<uint64_t>(id));
    if (client != nullptr && !Gone(*client)) WriteClient(*client, ctx.now_ms(), out);
  }
  return ReplyText(text, reply);
}

Error ClientList(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  std::optional<ClientType> type;
  if (args.remaining() == 2 && args.Take("type")) {
    const Bytes word = args.Next();
    type = ParseClientType(word);
    if (!type.has_value()) return UnknownClientType(word, reply);
  } else if (args.remaining() >= 2 && args.Take("id")) {
    return ListIds(ctx, args, reply);
  } else if (!args.done()) {
    return errors::kSyntax;
  }
  const RunningArguments running(ctx.client, args);
  base::Buffer text;
  TextWriter out(text);
  for (const ClientState* client = ctx.engine().clients().first(); client != nullptr && !text.failed();
       client = client->in_clients.next) {
    if (Gone(*client) || (type.has_value() && TypeOf(*client) != *type)) continue;
    WriteClient(*client, ctx.now_ms(), out);
  }
  return ReplyText(text, reply);
}

Error ClientInfo(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const RunningArguments running(ctx.client, args);
  base::Buffer text;
  TextWriter out(text);
  WriteClient(ctx.client, ctx.now_ms(), out);
  return ReplyText(text, reply);
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr HistoryItem kListHistory[] = {
    {"2.8.12", "The field `id`."},
    {"5.0.0", "The option `TYPE`."},
    {"6.0.0", "The field `user`."},
    {"6.2.0", "The fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the option `ID`."},
    {"7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."},
    {"7.0.3", "The field `ssub`."}};
constexpr ArgSpec kListTypes[] = {{.name = "normal", .type = ArgType::kPureToken, .token = "NORMAL"},
                                  {.name = "master", .type = ArgType::kPureToken, .token = "MASTER"},
                                  {.name = "replica", .type = ArgType::kPureToken, .token = "REPLICA"},
                                  {.name = "pubsub", .type = ArgType::kPureToken, .token = "PUBSUB"}};
constexpr ArgSpec kListIds[] = {{.name = "client-id", .type = ArgType::kInteger, .multiple = true}};
constexpr ArgSpec kListArgs[] = {
    {.name = "normal_master_replica_pubsub", .type = ArgType::kOneOf, .token = "TYPE", .since = "5.0.0",
     .optional = true, .args = kListTypes},
    {.name = "id", .type = ArgType::kBlock, .token = "ID", .since = "6.2.0", .optional = true, .args = kListIds}};

constexpr auto kSubcommands = Rows({.group = Group::kConnection, .categories = kAclConnection}, {
    {.name = "info", .run = ClientInfo, .arity = Exactly(2), .flags = kShortClientFlags, .tips = kVaries,
     .summary = "What CLIENT LIST says of this client.", .complexity = "O(1)", .since = "6.2.0"},
    {.name = "list", .run = ClientList, .arity = AtLeast(2), .flags = kClientFlags | kCmdAdmin, .tips = kVaries,
     .args = kListArgs, .summary = "A line of facts for each client.",
     .complexity = "O(N), N = clients, or the ids asked for", .since = "2.4.0", .history = kListHistory},
});

}  // namespace

constinit const Family kClientListFamily = {.container = "client", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
