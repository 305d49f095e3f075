// CLIENT: who is connected, and what to do about it.
//
// LIST and INFO are in client_list.cc, PAUSE and what is like it in client_pause.cc, each with its rows.
//
// Killing: the engine only marks a client; its owner, on its own thread, sees close_now and closes. From then on the
// client is neither listed nor killed again. A session of the host's own (kDirect) is killed by its ID only: a remote
// administrator who drops "all normal clients" means those that came through a listener.
#include <optional>

#include "lib/commands/client_shapes.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadKillId{absl::StatusCode::kInvalidArgument, "ERR client-id should be greater than 0"};
constexpr ErrorText kNoSuchClient{absl::StatusCode::kNotFound, "ERR No such client"};

// Of a killed client that has more, they end when it does. Many clients may be killed at once.
constexpr size_t kSubscriptionsAtOnce = 16;

// ---- Kill -----------------------------------------------------------------------------------------------------------

struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<Bytes> peer;
  std::optional<Bytes> local;
  bool skip_me = true;

  bool Fits(const ClientState& client) const {
    if (id.has_value() ? client.id != *id : client.kind == ClientKind::kDirect) return false;
    return (!type.has_value() || TypeOf(client) == *type) && (!peer.has_value() || client.peer() == *peer) &&
           (!local.has_value() || client.local() == *local);
  }
};

// Reads `option value` pairs.
Error ReadKillFilter(ArgReader args, KillFilter* filter, ReplyWriter& reply) {
  while (!args.done()) {
    if (args.remaining() == 1) return errors::kSyntax;
    if (args.Take("id")) {
      LARDER_ASSIGN_OR_RETURN(const int64_t id, args.Int(kBadKillId));
      if (id < 1) return kBadKillId;
      filter->id = static_cast<uint64_t>(id);
    } else if (args.Take("type")) {
      const Bytes word = args.Next();
      filter->type = ParseClientType(word);
      if (!filter->type.has_value()) return UnknownClientType(word, reply);
    } else if (args.Take("addr")) {
      filter->peer = args.Next();
    } else if (args.Take("laddr")) {
      filter->local = args.Next();
    } else if (args.Take("user")) {
      const Bytes user = args.Next();
      if (user != "default") {
        reply.Error({"ERR No such user '", UpToNul(user), "'"});
        return kReplied;
      }
    } else if (args.Take("skipme")) {
      const Bytes word = args.Next();
      filter->skip_me = base::EqualsIgnoreCase(word, "yes");
      if (!filter->skip_me && !base::EqualsIgnoreCase(word, "no")) return errors::kSyntax;
    } else {
      return errors::kSyntax;
    }
  }
  return kOk;
}

void Kill(CommandContext& ctx, ClientState& client) {
  if (&client == &ctx.client) {
    client.close_after_reply = true;
    return;
  }
  client.close_now.store(true, std::memory_order_release);
  ctx.engine().blocking().Cancel(client);  // it gets nothing more, from now on
  (void)ctx.engine().pubsub().RemoveSome(client, kSubscriptionsAtOnce);  // and PUBSUB counts it no longer
  if (client.io != nullptr) client.io->CloseSoon();
}

// How many clients it has killed.
int64_t KillAll(CommandContext& ctx, const KillFilter& filter) {
  const Clients& clients = ctx.engine().clients();
  int64_t killed = 0;
  const auto kill = [&](ClientState& client) {
    if (Gone(client) || !filter.Fits(client) || (filter.skip_me && &client == &ctx.client)) return;
    Kill(ctx, client);
    ++killed;
  };
  if (filter.id.has_value()) {
    if (ClientState* const client = clients.Find(*filter.id); client != nullptr) kill(*client);
    return killed;
  }
  ClientState* next = nullptr;
  for (ClientState* client = clients.first(); client != nullptr; client = next) {
    next = client->in_clients.next;
    kill(*client);
  }
  return killed;
}

Error ClientKill(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  KillFilter filter;
  if (args.remaining() == 1) {  // the old form: an address, and no mercy with oneself
    filter.peer = args.Next();
    filter.skip_me = false;
    if (KillAll(ctx, filter) == 0) return kNoSuchClient;
    reply.Ok();
    return kOk;
  }
  LARDER_RETURN_IF_ERROR(ReadKillFilter(args, &filter, reply));
  reply.Int(KillAll(ctx, filter));
  return kOk;
}

// ---- Oneself --------------------------------------------------------------------------------------------------------

Error ClientId(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  reply.Int(static_cast<int64_t>(ctx.client.id));
  return kOk;
}

Error ClientGetName(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (ctx.client.name.empty()) {
    reply.Null();
  } else {
    reply.Bulk(ctx.client.name.view());
  }
  return kOk;
}

Error ClientSetName(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(SetName(ctx.client, args.Next()));
  reply.Ok();
  return kOk;
}

Error ClientNoEvict(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.Take("on")) {
    ctx.client.no_evict = true;
  } else if (args.Take("off")) {
    ctx.client.no_evict = false;
  } else {
    return errors::kSyntax;
  }
  ctx.engine().ForgetClientsMemory();
  reply.Ok();
  return kOk;
}

constexpr ErrorText kReplyOfCall{absl::StatusCode::kFailedPrecondition,
                                 "ERR CLIENT REPLY OFF and SKIP are for a connection: a call always returns its reply"};

// OFF and SKIP are silent themselves. They save a wire's bytes and a reader's work: a direct session has neither, and
// each of its calls returns one whole reply, EXEC's too.
Error ClientReply(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  if (args.Take("on")) {
    client.reply_mode.On();
    reply.Ok();
    return kOk;
  }
  const bool off = args.Take("off");
  if (!off && !args.Take("skip")) return errors::kSyntax;
  if (client.kind == ClientKind::kDirect) return kReplyOfCall;
  off ? client.reply_mode.Off() : client.reply_mode.Skip();
  return kOk;
}

constexpr Bytes kHelpFirst = "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
constexpr Bytes kHelp[] = {
    "CACHING (YES|NO)",
    "    Whether the keys of the next command are tracked, in the modes OPTIN and OPTOUT.",
    "GETREDIR",
    "    The number of the client that gets this one's notices of tracking.",
    "GETNAME",
    "    The name that this client has given itself.",
    "ID",
    "    The number of this client.",
    "INFO",
    "    This client's line of LIST.",
    "KILL <ip:port>",
    "    Disconnect the client with this address.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Disconnect all clients that fit every option:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      The client's address.",
    "    * ID <client-id>",
    "      Its number.",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      The address that it connected to.",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      What kind of client it is.",
    "    * USER <username>",
    "      The user that it is.",
    "    * SKIPME (YES|NO)",
    "      Whether to spare the client that asks (YES unless said otherwise).",
    "LIST [options ...]",
    "    A line for each client. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Only clients of this kind.",
    "    * ID <client-id> [<client-id> ...]",
    "      Only these.",
    "UNPAUSE",
    "    End the pause: what was held runs.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Hold the requests of all clients, or those that write, for so many milliseconds.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Have a command that waits return as if its time were over, or with an error.",
    "TRACKINGINFO",
    "    How keys are tracked for this client.",
    "NO-EVICT (ON|OFF)",
    "    Whether this client may be disconnected to save memory.",
    "REPLY (ON|OFF|SKIP)",
    "    Whether this client gets replies; SKIP: not to the next command.",
    "SETNAME <name>",
    "    Give this client a name.",
};

Error ClientHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  WriteHelp(reply, kHelpFirst, kHelp);
  return kOk;
}

constexpr HistoryItem kKillHistory[] = {{"2.8.12", "Takes options with values."},
                                        {"2.8.12", "The option `ID`."},
                                        {"3.2.0", "`TYPE` knows `master`."},
                                        {"5.0.0", "`TYPE` knows `replica`, the same as `slave`."},
                                        {"6.2.0", "The option `LADDR`."}};
constexpr ArgSpec kKillTypes[] = {{.name = "normal", .type = ArgType::kPureToken, .token = "NORMAL"},
                                  {.name = "master", .type = ArgType::kPureToken, .token = "MASTER", .since = "3.2.0"},
                                  {.name = "slave", .type = ArgType::kPureToken, .token = "SLAVE"},
                                  {.name = "replica", .type = ArgType::kPureToken, .token = "REPLICA",
                                   .since = "5.0.0"},
                                  {.name = "pubsub", .type = ArgType::kPureToken, .token = "PUBSUB"}};
constexpr ArgSpec kKillOptions[] = {
    {.name = "client-id", .type = ArgType::kInteger, .token = "ID", .since = "2.8.12", .optional = true},
    {.name = "normal_master_slave_pubsub", .type = ArgType::kOneOf, .token = "TYPE", .since = "2.8.12",
     .optional = true, .args = kKillTypes},
    {.name = "username", .token = "USER", .optional = true},
    {.name = "ip:port", .token = "ADDR", .optional = true},
    {.name = "ip:port", .token = "LADDR", .since = "6.2.0", .optional = true},
    {.name = "yes/no", .token = "SKIPME", .optional = true}};
constexpr ArgSpec kKillForms[] = {
    {.name = "ip:port", .deprecated_since = "2.8.12"},
    {.name = "new-format", .type = ArgType::kOneOf, .multiple = true, .args = kKillOptions}};
constexpr ArgSpec kKillArgs[] = {{.name = "filter", .type = ArgType::kOneOf, .args = kKillForms}};

constexpr ArgSpec kOnOff[] = {{.name = "on", .type = ArgType::kPureToken, .token = "ON"},
                              {.name = "off", .type = ArgType::kPureToken, .token = "OFF"}};
constexpr ArgSpec kNoEvictArgs[] = {{.name = "enabled", .type = ArgType::kOneOf, .args = kOnOff}};

constexpr ArgSpec kReplyModes[] = {{.name = "on", .type = ArgType::kPureToken, .token = "ON"},
                                   {.name = "off", .type = ArgType::kPureToken, .token = "OFF"},
                                   {.name = "skip", .type = ArgType::kPureToken, .token = "SKIP"}};
constexpr ArgSpec kReplyArgs[] = {{.name = "on_off_skip", .type = ArgType::kOneOf, .args = kReplyModes}};

constexpr ArgSpec kSetNameArgs[] = {{.name = "connection-name"}};

constexpr auto kSubcommands = Rows({.group = Group::kConnection, .categories = kAclConnection}, {
    {.name = "getname", .run = ClientGetName, .arity = Exactly(2), .flags = kShortClientFlags,
     .summary = "The name that this client has given itself.", .complexity = "O(1)", .since = "2.6.9"},
    {.name = "help", .run = ClientHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Tells what the subcommands do.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "id", .run = ClientId, .arity = Exactly(2), .flags = kShortClientFlags,
     .summary = "The number of this client, never given to another.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "kill", .run = ClientKill, .arity = AtLeast(3), .flags = kClientFlags | kCmdAdmin, .args = kKillArgs,
     .summary = "Disconnects clients.", .complexity = "O(N), N = clients; O(1) by ID", .since = "2.4.0",
     .history = kKillHistory},
    {.name = "no-evict", .run = ClientNoEvict, .arity = Exactly(3),
     .flags = kShortClientFlags | kCmdAdmin | kCmdNeedsSession, .args = kNoEvictArgs,
     .summary = "Whether this client may be disconnected to save memory.", .complexity = "O(1)", .since = "7.0.0"},
    {.name = "reply", .run = ClientReply, .arity = Exactly(3), .flags = kShortClientFlags | kCmdNeedsSession,
     .args = kReplyArgs, .summary = "Whether this client gets replies.", .complexity = "O(1)", .since = "3.2.0"},
    {.name = "setname", .run = ClientSetName, .arity = Exactly(3), .flags = kShortClientFlags | kCmdNeedsSession,
     .args = kSetNameArgs, .summary = "Gives this client a name, shown by CLIENT LIST.", .complexity = "O(1)",
     .since = "2.6.9"},
});

constexpr auto kRows = Rows({.group = Group::kConnection}, {
    {.name = "client", .arity = AtLeast(2), .summary = "Commands about clients and their connections.",
     .complexity = "That of the subcommand", .since = "2.4.0"},
});

}  // namespace

constinit const Family kClientFamily = {.commands = kRows, .container = "client", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
