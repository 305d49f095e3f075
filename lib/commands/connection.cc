// Who a client is and what it speaks: AUTH, HELLO, SELECT, RESET, QUIT; PING and ECHO.
#include "lib/commands/db_argument.h"
#include "lib/commands/families.h"
#include "lib/commands/family.h"
#include "lib/engine/short.h"
#include "lib/engine/stats.h"
#include "lib/engine/text.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kWrongPass{absl::StatusCode::kUnauthenticated,
                               "WRONGPASS invalid username-password pair or user is disabled."};
constexpr ErrorText kNoPassword{
    absl::StatusCode::kFailedPrecondition,
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration "
    "is correct?"};
constexpr ErrorText kBadProtocol{absl::StatusCode::kInvalidArgument,
                                 "ERR Protocol version is not an integer or out of range"};
constexpr ErrorText kNoProtocol{absl::StatusCode::kInvalidArgument, "NOPROTO unsupported protocol version"};
constexpr ErrorText kHelloNoAuth{
    absl::StatusCode::kUnauthenticated,
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option "
    "can be used to authenticate the client and select the RESP protocol version at the same time"};

// How many subscriptions one step of RESET ends.
constexpr size_t kSubscriptionsAtOnce = 256;

// How long it takes tells nothing but the length of what the client sent.
bool SamePassword(Bytes given, Bytes wanted) {
  unsigned differs = given.size() != wanted.size();
  for (size_t i = 0; i < given.size(); ++i) {
    const char other = i < wanted.size() ? wanted[i] : static_cast<char>(~given[i]);
    differs |= static_cast<unsigned char>(given[i] ^ other);
  }
  return differs == 0;
}

// There is one user, "default"; without requirepass any password is right.
Error Authenticate(CommandContext& ctx, Bytes user, Bytes password) {
  const Bytes wanted = ctx.engine().options().requirepass;
  if (user != "default" || (!wanted.empty() && !SamePassword(password, wanted))) return kWrongPass;
  ctx.client.authenticated = ctx.client.cuts_batch = true;
  return kOk;
}

Error Auth(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 2) return errors::kSyntax;
  Bytes user = "default";
  if (args.remaining() == 2) {
    user = args.Next();
  } else if (ctx.engine().options().requirepass.empty()) {
    return kNoPassword;
  }
  LARDER_RETURN_IF_ERROR(Authenticate(ctx, user, args.Next()));
  reply.Ok();
  return kOk;
}

Error Echo(CommandContext&, ArgReader args, ReplyWriter& reply) {
  reply.Bulk(args.Next());
  return kOk;
}

Error Ping(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.remaining() > 1) {
    reply.Error({"ERR wrong number of arguments for 'ping' command"});
    return kReplied;
  }
  if (ctx.client.subscriptions.any() && ctx.client.protocol == 2) {  // as a message would be
    reply.Array(2);
    reply.Bulk("pong");
    reply.Bulk(args.done() ? Bytes() : args.Next());
  } else if (args.done()) {
    reply.Simple("PONG");
  } else {
    reply.Bulk(args.Next());
  }
  return kOk;
}

// Options take effect one by one, as in Redis: a name set before a wrong password stays set.
Error HelloOptions(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  while (!args.done()) {
    const Bytes option = args.Next();
    if (args.remaining() >= 2 && base::EqualsIgnoreCase(option, "auth")) {
      const Bytes user = args.Next();
      LARDER_RETURN_IF_ERROR(Authenticate(ctx, user, args.Next()));
    } else if (args.remaining() >= 1 && base::EqualsIgnoreCase(option, "setname")) {
      LARDER_RETURN_IF_ERROR(SetName(ctx.client, args.Next()));
    } else {
      reply.Error({"ERR Syntax error in HELLO option '", UpToNul(option), "'"});
      return kReplied;
    }
  }
  return kOk;
}

Error Hello(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  int protocol = ctx.client.protocol;
  if (!args.done()) {
    LARDER_ASSIGN_OR_RETURN(const int64_t wanted, args.Int(kBadProtocol));
    if (wanted != 2 && wanted != 3) return kNoProtocol;
    protocol = static_cast<int>(wanted);
  }
  LARDER_RETURN_IF_ERROR(HelloOptions(ctx, args, reply));
  if (!ctx.client.authenticated) return kHelloNoAuth;
  ctx.client.protocol = static_cast<uint8_t>(protocol);
  reply.set_protocol(protocol);
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Int(protocol);
  reply.Bulk("id");
  reply.Int(static_cast<int64_t>(ctx.client.id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
  return kOk;
}

Error Quit(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ctx.client.close_after_reply = true;
  reply.Ok();
  return kOk;
}

bool ResetIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return ctx.client.subscriptions.total() <= engine::kShortElements && WatchesFew(ctx, argv);
}

// Everything as it was when the client came, but for CLIENT NO-EVICT. The first database exists always.
Error Reset(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  if (!ctx.engine().pubsub().RemoveSome(client, kSubscriptionsAtOnce)) return errors::kUnfinished;
  DropMultiState(ctx.engine(), client);
  ctx.engine().monitors().Remove(client);
  client.db = ctx.keyspace().db(0);
  client.protocol = client.kind == ClientKind::kDirect ? 3 : 2;
  client.name.Free();
  client.reply_mode.Reset();
  client.authenticated = client.kind == ClientKind::kDirect || ctx.engine().options().requirepass.empty();
  client.cuts_batch = true;
  reply.set_protocol(client.protocol);
  reply.Simple("RESET");
  return kOk;
}

Error Select(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(keyspace::Db* const db, ReadDb(ctx, args));
  ctx.client.db = db;
  reply.Ok();
  return kOk;
}

// Which of AUTH's arguments are passwords, for MONITOR.
ArgRange AuthSecrets(std::span<const Bytes> argv, size_t from) {
  return argv.size() <= 3 && from == 1 ? ArgRange{1, argv.size() - 1} : ArgRange{};
}

// The same for what stands behind HELLO's AUTH, as far as HELLO would read it.
ArgRange HelloSecrets(std::span<const Bytes> argv, size_t from) {
  if (argv.size() < 5 || (argv[1] != "2" && argv[1] != "3")) return {};
  for (size_t at = from < 2 ? 2 : from; at < argv.size(); at += 2) {
    if (argv.size() - at >= 3 && base::EqualsIgnoreCase(argv[at], "auth")) return {at + 1, 2};
    if (argv.size() - at < 2 || !base::EqualsIgnoreCase(argv[at], "setname")) break;
  }
  return {};
}

constexpr HistoryItem kAuthHistory[] = {{"6.0.0", "A username may come before the password."}};
constexpr ArgSpec kAuthArgs[] = {{.name = "username", .since = "6.0.0", .optional = true}, {.name = "password"}};

constexpr ArgSpec kEchoArgs[] = {{.name = "message"}};

constexpr HistoryItem kHelloHistory[] = {
    {"6.2.0", "`protover` may be left out; the protocol then stays as it is."}};
constexpr ArgSpec kHelloAuthArgs[] = {{.name = "username"}, {.name = "password"}};
constexpr ArgSpec kHelloBlock[] = {
    {.name = "protover", .type = ArgType::kInteger},
    {.name = "username_password", .type = ArgType::kBlock, .token = "AUTH", .optional = true, .args = kHelloAuthArgs},
    {.name = "clientname", .token = "SETNAME", .optional = true}};
constexpr ArgSpec kHelloArgs[] = {
    {.name = "arguments", .type = ArgType::kBlock, .optional = true, .args = kHelloBlock}};

constexpr std::string_view kPingTips[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
constexpr ArgSpec kPingArgs[] = {{.name = "message", .optional = true}};

constexpr ArgSpec kSelectArgs[] = {{.name = "index", .type = ArgType::kInteger}};

constexpr uint32_t kAnytime = kCmdLoading | kCmdStale | kCmdFast | kCmdShort;
constexpr uint32_t kBeforeAuth = kAnytime | kCmdNoscript | kCmdNoAuth | kCmdAllowBusy | kCmdNeedsSession;
// In any state that a client may be in.
constexpr uint32_t kInAnyState = kBeforeAuth | kCmdRunsInMulti | kCmdEndsMulti | kCmdWhileSubscribed;

constexpr auto kRows = Rows({.group = Group::kConnection, .categories = kAclConnection}, {
    {.name = "auth", .run = Auth, .arity = AtLeast(2), .flags = kBeforeAuth, .args = kAuthArgs,
     .summary = "Says who the client is, with a password.", .complexity = "O(N), N = length of the password",
     .since = "1.0.0", .history = kAuthHistory, .next_secrets = AuthSecrets},
    {.name = "echo", .run = Echo, .arity = Exactly(2), .flags = kAnytime, .args = kEchoArgs,
     .summary = "Replies what it was given.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "hello", .run = Hello, .arity = AtLeast(1), .flags = kBeforeAuth, .args = kHelloArgs,
     .summary = "Chooses the protocol, and may authenticate and name the client.", .complexity = "O(1)",
     .since = "6.0.0", .history = kHelloHistory, .next_secrets = HelloSecrets},
    {.name = "ping", .run = Ping, .arity = AtLeast(1), .flags = kCmdFast | kCmdShort | kCmdWhileSubscribed,
     .tips = kPingTips, .args = kPingArgs, .summary = "Replies PONG, or what it was given.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "quit", .run = Quit, .arity = AtLeast(1), .flags = kInAnyState,
     .summary = "Closes the connection after the reply.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "reset", .run = Reset, .arity = Exactly(1), .flags = kInAnyState,
     .summary = "Makes the connection as it was when it was new.", .complexity = "O(N), N = watched keys and subscriptions",
     .since = "6.2.0", .is_short = ResetIsShort},
    {.name = "select", .run = Select, .arity = Exactly(2), .flags = kAnytime | kCmdNeedsSession, .args = kSelectArgs,
     .summary = "Chooses the database that commands work on.", .complexity = "O(1)", .since = "1.0.0"},
});

}  // namespace

constinit const Family kConnectionFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
