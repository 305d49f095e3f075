// A request whose first word is POST or Host: is no command: some web page has a browser send it, and what follows in
// its body would be commands. Who sends one is closed, whatever state it is in. Nobody else can be meant, since there
// are no such commands, and looking costs only those whose command is unknown.
//
// The checks stand in the order in which Redis 7.0 makes them, since a command that is wrong in two ways must get the
// same one of the two answers: unknown, arity, authentication, not in MULTI, memory, then MULTI's queue.
#include "lib/engine/dispatch.h"

#include <algorithm>

#include "lib/base/check.h"
#include "lib/engine/client_policy.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::engine {
namespace {

// How much of an unknown command's name and arguments its error quotes.
constexpr size_t kQuotedMax = 128;

constexpr ErrorText kNoAuth{absl::StatusCode::kUnauthenticated, "NOAUTH Authentication required."};
constexpr ErrorText kNotInMulti{absl::StatusCode::kFailedPrecondition,
                                "ERR Command not allowed inside a transaction"};

// Redis takes a monitor for a kind of replica here.
constexpr ErrorText kNoKeysForMonitors{absl::StatusCode::kFailedPrecondition,
                                       "ERR Replica can't interact with the keyspace"};

constexpr ErrorText kNotProtected{
    absl::StatusCode::kPermissionDenied,
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
    "local "
    "connection, otherwise you need to set this option in the configuration file, and then restart the server."};

constexpr ErrorText kReadOnlyListener{absl::StatusCode::kPermissionDenied,
                                      "READONLY You can't write against a read only replica."};

// Direct calls are the program's own, and no browser's.
bool IsHttpAttack(const ClientState& client, Bytes name) {
  return client.kind != ClientKind::kDirect &&
         (base::EqualsIgnoreCase(name, "post") || base::EqualsIgnoreCase(name, "host:"));
}

bool ArityFits(const CommandSpec& spec, size_t argc) {
  return spec.arity >= 0 ? argc == static_cast<size_t>(spec.arity) : argc >= static_cast<size_t>(-spec.arity);
}

void UnknownCommand(std::span<const Bytes> argv, ReplyWriter& reply) {
  char quoted[kQuotedMax * 2];
  size_t size = 0;
  for (size_t i = 1; i < argv.size() && size < kQuotedMax; ++i) {
    const Bytes arg = argv[i].substr(0, kQuotedMax - size);
    quoted[size++] = '\'';
    // As C strings are printed: up to the first NUL.
    for (char c : arg.substr(0, arg.find('\0'))) quoted[size++] = c;
    quoted[size++] = '\'';
    quoted[size++] = ' ';
  }
  const Bytes name = argv[0].substr(0, kQuotedMax);
  reply.Error({"ERR unknown command '", name.substr(0, name.find('\0')), "', with args beginning with: ",
               Bytes(quoted, size)});
}

void UnknownSubcommand(const CommandSpec& container, Bytes name, ReplyWriter& reply) {
  char upper[32];
  size_t size = 0;
  for (char c : container.name) upper[size++] = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  name = name.substr(0, kQuotedMax);
  reply.Error({"ERR unknown subcommand '", name.substr(0, name.find('\0')), "'. Try ", Bytes(upper, size), " HELP."});
}

// The row that argv means, whether or not it has the right number of arguments (*fits). Else, and if it has not, the
// error is written.
const CommandRow* FindRow(const CommandTable& table, std::span<const Bytes> argv, bool* fits, ReplyWriter& reply) {
  const CommandRow* container = nullptr;
  const CommandRow* const row = table.FindFor(argv, &container);
  *fits = row != nullptr && ArityFits(*row->spec, argv.size());
  if (*fits) return row;
  char name[kFullNameMax];
  if (row != nullptr) {
    reply.Error({"ERR wrong number of arguments for '", FullName(*row, name), "' command"});
  } else if (container != nullptr) {
    UnknownSubcommand(*container->spec, argv[1], reply);
  } else {
    UnknownCommand(argv, reply);
  }
  return row;
}

bool DebugAllowed(const Options& options, const ClientState& client) {
  return options.enable_debug_command == ProtectedAction::kYes ||
         (options.enable_debug_command == ProtectedAction::kLocal && IsLocal(client));
}

enum class Verdict : uint8_t { kRun, kRejected, kHeld };

// Whether the client has to authenticate first.
bool IsStranger(const Engine& engine, const ClientState& client) LARDER_REQUIRES_HOLDER {
  return !client.authenticated && !engine.options().requirepass.empty();
}

// Whether CLIENT PAUSE holds the command. A write is held also when it would only be queued; EXEC if the queue writes.
bool IsHeld(Paused paused, const ClientState& client, const CommandSpec& spec) {
  if (paused == Paused::kAll) return true;
  constexpr uint32_t kWrites = kCmdWrite | kCmdMayReplicate | kCmdKeepsResult | kCmdPublishes;
  return (spec.flags & kWrites) != 0 || ((spec.flags & kCmdRunsQueue) != 0 && InMulti(client.transaction) &&
                                         (client.transaction->flags & kWrites) != 0);
}

// What of a command's arguments, of `bytes` in all, is in used_memory already: a block, and what came over a wire and
// is too much for a buffer of the pool's.
size_t CountedOf(const ClientState& client, size_t bytes) {
  size_t counted = 0;
  if (client.large_argument != nullptr && *client.large_argument) {
    counted = (*client.large_argument)->footprint();
    bytes -= std::min(bytes, (*client.large_argument)->size());
  }
  return client.kind != ClientKind::kDirect && bytes > keyspace::kSliceBytes ? counted + bytes : counted;
}

keyspace::Growth GrowthOf(const CommandSpec& spec, std::span<const Bytes> argv, uint64_t string_bytes_max,
                          const ClientState* client) {
  keyspace::Growth growth;
  for (size_t i = 1; i < argv.size(); ++i) {
    growth.bytes += argv[i].size();
    if (argv[i].size() > growth.value_bytes) growth.value_bytes = argv[i].size();
  }
  if (client != nullptr) growth.counted = CountedOf(*client, growth.bytes);
  if (spec.growth != nullptr) {
    // What is queued runs later, when something else may be there.
    keyspace::Db* const db = client != nullptr && !InMulti(client->transaction) ? client->db : nullptr;
    spec.growth(db, string_bytes_max, argv, &growth);
  }
  return growth;
}

// Whether the command is one that Redis refuses when memory is short: those that may need more of it, EXEC if it runs
// one of them, and, in MULTI, all but those that end it.
bool NeedsRoom(const ClientState& client, const CommandSpec& spec) {
  if ((spec.flags & kCmdDenyOom) != 0) return true;
  if (!InMulti(client.transaction)) return false;
  if ((spec.flags & kCmdRunsQueue) != 0) return (client.transaction->flags & kCmdDenyOom) != 0;
  return (spec.flags & kCmdEndsMulti) == 0;
}

// Whether there is memory for it; evicts a slice first where that is so but for what may go.
Error JudgeMemory(Engine& engine, const ClientState& client, const CommandSpec& spec, std::span<const Bytes> argv,
                  bool at_once) LARDER_REQUIRES_HOLDER {
  if (!NeedsRoom(client, spec)) return kOk;
  keyspace::Growth growth = GrowthOf(spec, argv, engine.keyspace().config().string_bytes_max, &client);
  if ((spec.flags & kCmdDenyOom) == 0) growth.value_bytes = 0;
  growth.at_once = at_once;
  return engine.keyspace().limit().Admit(growth);
}

// The parser holds what comes over a wire to this limit; a program's argv comes without one.
bool HasTooLong(std::span<const Bytes> argv, uint64_t bytes_max) {
  for (const Bytes arg : argv) {
    if (arg.size() > bytes_max) [[unlikely]] return true;
  }
  return false;
}

// What the listener's host has reserved, in the words of Redis's ACL and of its read-only replicas.
bool HostAllows(const ClientPolicy& policy, const CommandRow& row, ReplyWriter& reply) {
  if (policy.Refuses(row)) {
    char name[kFullNameMax];
    reply.Error({"NOPERM this user has no permissions to run the '", FullName(row, name), "' command"});
    return false;
  }
  if (!policy.read_only() || (row.spec->flags & (kCmdWrite | kCmdMayReplicate)) == 0) return true;
  reply.Error(kReadOnlyListener);
  return false;
}

// A subscriber that speaks RESP2 cannot tell a reply from a message, unless the reply is one that it knows. The error is
// written if the command is not one of those.
bool FitsSubscriber(const ClientState& client, const CommandRow& row, ReplyWriter& reply) {
  if (!client.subscriptions.any() || client.protocol > 2 || row.has(kCmdWhileSubscribed)) [[likely]] return true;
  char name[kFullNameMax];
  reply.Error({"ERR Can't execute '", FullName(row, name),
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"});
  return false;
}

// Whether the command may run now; the error is written if it may not.
Verdict Judge(Engine& engine, ClientState& client, const CommandRow& row, std::span<const Bytes> argv,
              ReplyWriter& reply, bool at_once) LARDER_REQUIRES_HOLDER {
  const CommandSpec& spec = *row.spec;
  if ((spec.flags & kCmdProtected) != 0 && !DebugAllowed(engine.options(), client)) {
    reply.Error(kNotProtected);
    return Verdict::kRejected;
  }
  if ((spec.flags & kCmdNoAuth) == 0 && IsStranger(engine, client)) {
    reply.Error(kNoAuth);
    return Verdict::kRejected;
  }
  if (client.one_shot && (spec.flags & kCmdNeedsSession) != 0) {
    reply.Error({"ERR '", spec.name, "' needs a session that lasts: call it on one made by cache.NewSession() or, if "
                 "messages follow, on a connection made by cache.NewConnection()"});
    return Verdict::kRejected;
  }
  if (client.kind == ClientKind::kDirect && HasTooLong(argv, engine.options().proto_max_bulk_len)) {
    reply.Error(errors::kStringTooLong);
    return Verdict::kRejected;
  }
  const bool in_multi = InMulti(client.transaction);
  if (in_multi && (spec.flags & kCmdNoMulti) != 0) {
    reply.Error(kNotInMulti);
    return Verdict::kRejected;
  }
  if (client.policy != nullptr && !HostAllows(*client.policy, row, reply)) return Verdict::kRejected;
  if (client.monitor) [[unlikely]] {
    if ((spec.flags & (kCmdWrite | kCmdReadOnly | kCmdMayReplicate)) == 0) return Verdict::kRun;  // and never held
    reply.Error(kNoKeysForMonitors);
    return Verdict::kRejected;
  }
  if (engine.pause().until_ms() != 0 && client.kind != ClientKind::kDirect) [[unlikely]] {
    const Paused paused = engine.pause().At(engine.keyspace().now_ms());
    // Nothing is evicted in a pause: not for these clients, whose writes would be the reason.
    if (paused != Paused::kNothing) {
      if (!FitsSubscriber(client, row, reply)) return Verdict::kRejected;
      return IsHeld(paused, client, spec) ? Verdict::kHeld : Verdict::kRun;
    }
    engine.EndPause();  // the first to see that its time is over lets the others go on
  }
  if (engine.keyspace().config().maxmemory != 0) {
    if (const Error error = JudgeMemory(engine, client, spec, argv, at_once); !error.ok()) {
      reply.Error(error);
      return Verdict::kRejected;
    }
  }
  return FitsSubscriber(client, row, reply) ? Verdict::kRun : Verdict::kRejected;
}

// After a refusal: a transaction that was being queued is broken, one that was to run (or was not even begun) is
// dropped and EXEC says why.
void AfterRejection(Engine& engine, ClientState& client, const CommandRow* row, ReplyWriter& reply, size_t mark)
    LARDER_REQUIRES_HOLDER {
  if (row != nullptr) ++engine.counters(*row).rejected;
  if (reply.output().failed()) {  // there was no memory for the error: its client is closed, or told so
    engine.CountError("OOM");
    if (InMulti(client.transaction)) client.transaction->broken = true;
    return;
  }
  const Bytes written = reply.output().bytes().view().substr(mark);
  Bytes text = written.substr(1, written.size() < 3 ? 0 : written.size() - 3);
  if (row == nullptr || !row->has(kCmdRunsQueue)) {
    engine.CountError(text.substr(0, text.find(' ')));
    if (InMulti(client.transaction)) client.transaction->broken = true;
    return;
  }
  engine.CountError("EXECABORT");
  if (text.substr(0, 4) == "ERR ") text.remove_prefix(4);
  char copy[256];
  const size_t size = text.size() < sizeof(copy) ? text.size() : sizeof(copy);
  base::CopyBytes(copy, text.substr(0, size));
  DropMultiState(engine, client);
  reply.Rewind(mark);
  reply.Error({"EXECABORT Transaction discarded because of: ", Bytes(copy, size)});
}

void Queue(ClientState& client, const CommandRow& row, std::span<const Bytes> argv, ReplyWriter& reply) {
  // One that can only abort is kept no longer, as CLIENT LIST's "multi" shows.
  const bool lost = client.transaction->broken || client.transaction->changed;
  if (lost || client.transaction->Queue(row, argv)) {
    reply.Queued();
    return;
  }
  client.transaction->broken = true;
  reply.Error(errors::kAllocationFailed);
}

// While a command runs: lets a client that is subscribed get messages within the reply.
class Replying {
 public:
  Replying(ClientState& client, ReplyWriter& reply)
      : client_(client), outer_(client.reply_in_progress), progress_{&reply, reply.Mark()} {
    if (client.subscriptions.any()) [[unlikely]] client.reply_in_progress = &progress_;
  }
  ~Replying() { client_.reply_in_progress = outer_; }
  Replying(const Replying&) = delete;
  Replying& operator=(const Replying&) = delete;

  // Where the command's own reply begins: behind the messages that have come before it.
  const size_t& mark() const { return progress_.mark; }

 private:
  ClientState& client_;
  ReplyInProgress* const outer_;  // EXEC's, which runs this one
  ReplyInProgress progress_;
};

}  // namespace

keyspace::Growth GrowthOf(const CommandTable& table, std::span<const Bytes> argv, uint64_t string_bytes_max,
                          const ClientState* client) {
  const CommandRow* row = table.Find(argv[0]);
  if (row == nullptr || !row->has(kCmdDenyOom)) return {};
  return GrowthOf(*row->spec, argv, string_bytes_max, client);
}

bool Call(Engine& engine, ClientState& client, const CommandRow& row, std::span<const Bytes> argv, ReplyWriter& reply,
          bool may_evict, keyspace::SourceSearch* search) {
  const CommandSpec& spec = *row.spec;
  CommandContext ctx{engine, client, spec};
  const Replying replying(client, reply);
  const size_t& mark = replying.mark();
  const size_t errors_before = reply.error_count();
  // What is done must not be left without an answer for want of memory: room for a short one first.
  const bool only_reads = (spec.flags & (kCmdReadOnly | kCmdKeepsResult)) == kCmdReadOnly;
  const bool lost_before = reply.output().failed();
  if (!only_reads && !lost_before && !reply.output().bytes().Reserve(kShortReplyBytes)) return true;
  const auto run = [&] { return spec.run(ctx, ArgReader(argv, row.container != nullptr ? 2 : 1), reply); };
  Error error = run();
  while (error == errors::kUnfinished) [[unlikely]] {
    reply.Rewind(mark);
    if (search != nullptr) return false;
    error = run();
  }
  // What writes and had no memory for it has changed nothing, and may be run again when others have made room.
  if (error == errors::kAllocationFailed && may_evict && (spec.flags & kCmdWrite) != 0) [[unlikely]] {
    if (search != nullptr && engine.keyspace().limit().SearchRoom(search)) {
      reply.Rewind(mark);
      return false;
    }
    if (search == nullptr) {
      error = engine.keyspace().limit().RetryWithRoom(error, [&] {
        reply.Rewind(mark);
        return run();
      });
    }
  }
  if (only_reads && !lost_before && reply.output().failed()) {
    reply.output().RewindFailed(mark);  // nothing has happened, so that there may still be room for saying so
    error = errors::kAllocationFailed;
  }
  // Afterwards: INFO does not count itself, and CONFIG RESETSTAT leaves itself counted.
  CommandCounters& counters = engine.counters(row);
  ++counters.calls;
  ++engine.stats().commands_processed;
  if (!error.ok() && !(error == kReplied)) {
    reply.Rewind(mark);
    reply.Error(error);
  }
  reply.set_protocol(client.protocol);  // HELLO and RESET change it
  if (reply.error_count() != errors_before && mark < reply.output().bytes().size()) {
    const Bytes written = reply.output().bytes().view().substr(mark);
    if (written[0] == '-') {
      ++counters.failed;
      engine.CountError(written.substr(1, written.find_first_of(" \r") - 1));
    }
  }
  if (client.reply_mode.silent() && !ctx.minded_reply_mode) reply.Rewind(mark);
  if (engine.monitors().any()) [[unlikely]] engine.monitors().Ran(client, spec, argv);
  return true;
}

int64_t Dispatch(Engine& engine, ClientState& client, std::span<const Bytes> argv, ReplyWriter& reply,
                 int64_t now_us, bool at_once, keyspace::SourceSearch* search) {
  LARDER_DCHECK(!argv.empty());
  engine.keyspace().BeginOp(now_us / 1000, &client);
  engine.keyspace().set_access_clock_ms(now_us / 1000);
  engine.SampleRates(now_us);
  client.last_interaction_ms = now_us / 1000;
  const size_t mark = reply.Mark();
  bool fits = false;
  const CommandRow* const row = FindRow(engine.commands(), argv, &fits, reply);
  if (row == nullptr && IsHttpAttack(client, argv[0])) {
    engine.LogHttpAttack();
    return kAttack;
  }
  client.last_command = row;
  const Verdict verdict = fits ? Judge(engine, client, *row, argv, reply, at_once) : Verdict::kRejected;
  if (verdict == Verdict::kHeld) {
    client.held.store(true, std::memory_order_relaxed);
    return kHeld;
  }
  if (verdict == Verdict::kRejected) {
    AfterRejection(engine, client, row, reply, mark);
    if (client.reply_mode.silent()) reply.Rewind(mark);
  } else if (InMulti(client.transaction) && !row->has(kCmdRunsInMulti)) {
    Queue(client, *row, argv, reply);
    if (client.reply_mode.silent()) reply.Rewind(mark);
  } else if (!Call(engine, client, *row, argv, reply, /*may_evict=*/true, search)) {
    return kWantsRoom;
  }
  client.reply_mode.CommandEnded();
  engine.keyspace().NotePeak();
  const int64_t ended_us = engine.clock().NowUs();
  if (row != nullptr && ended_us > now_us) {
    engine.counters(*row).usec += static_cast<uint64_t>(ended_us - now_us);
  }
  return ended_us;
}

}  // namespace larder::inline v0::engine
