// CLIENT LIST and CLIENT INFO: a line a client with the fields of 7.0 in their order. What a field cannot mean here
// (subscriptions that do not exist yet, a fixed reply buffer) has the value that says "none".
#include "lib/commands/client_command.h"
#include "lib/commands/family.h"
#include "lib/engine/client_line.h"
#include "lib/engine/text.h"
#include "lib/engine/transaction.h"

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
    const ClientState* const client = ctx.engine.clients().Find(static_cast<uint64_t>(id));
    if (client != nullptr && !Gone(*client)) WriteClient(*client, ctx.now_ms(), out);
  }
  return ReplyText(text, reply);
}

}  // namespace

std::optional<ClientType> ParseClientType(Bytes word) {
  if (base::EqualsIgnoreCase(word, "normal")) return ClientType::kNormal;
  if (base::EqualsIgnoreCase(word, "slave")) return ClientType::kReplica;
  if (base::EqualsIgnoreCase(word, "replica")) return ClientType::kReplica;
  if (base::EqualsIgnoreCase(word, "pubsub")) return ClientType::kPubsub;
  if (base::EqualsIgnoreCase(word, "master")) return ClientType::kMaster;
  return std::nullopt;
}

Error UnknownClientType(Bytes word, ReplyWriter& reply) {
  reply.Error({"ERR Unknown client type '", UpToNul(word), "'"});
  return kReplied;
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
  for (const ClientState* client = ctx.engine.clients().first(); client != nullptr && !text.failed();
       client = client->next) {
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

}  // namespace larder::inline v0::commands
