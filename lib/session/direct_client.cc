#include "lib/session/direct_client.h"

#include <utility>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/status.h"
#include "lib/commands/dispatch.h"
#include "lib/commands/transaction.h"

namespace larder::inline v0::session {
namespace {

constexpr int kDirectProtocol = 3;

absl::Status EmptyArgv() {
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, "argv is empty: it needs at least a command's name");
}

absl::Status NoMemory(std::string_view text) {
  return base::MakeStatus(absl::StatusCode::kResourceExhausted, text);
}

absl::Status NoMemoryToRun() { return NoMemory("there is no memory to run a command"); }

// Never kAgain with kUnsliced.
Ran RunCommand(CacheCore& core, commands::ClientState& client, std::span<const std::string_view> argv,
               resp::Output& output, keyspace::Slicing slicing) {
  const uint64_t changes = core.engine().keyspace().effects().changes();
  resp::ReplyWriter reply(output, client.protocol);
  const int64_t ended_us = commands::Dispatch(core.engine(), client, argv, reply, core.clock().NowUs(), slicing);
  if (ended_us == commands::kAgain) return Ran::kAgain;
  return core.engine().keyspace().effects().changes() != changes ? Ran::kChanged : Ran::kUnchanged;
}

// Under the executor, as often as it takes.
absl::Status RunInTurns(CacheCore& core, bool* changed, absl::FunctionRef<Ran()> run,
                        absl::FunctionRef<bool()> is_short) {
  Ran ran = Ran::kAgain;
  while (ran == Ran::kAgain) {
    const absl::Status status = core.Run([&] { ran = run(); }, is_short);
    if (!status.ok()) return status;
  }
  *changed = ran == Ran::kChanged;
  return absl::OkStatus();
}

}  // namespace

DirectClient::~DirectClient() { delete client_.transaction; }

void DirectClient::End() {
  commands::DropTransaction(core_.engine(), client_);
  core_.engine().clients().Remove(&client_);
}

absl::Status DirectClient::Open() {
  client_.protocol = kDirectProtocol;
  client_.created_ms = client_.last_interaction_ms = core_.clock().NowUs() / 1000;
  return core_.Run([this] {
    client_.db = core_.engine().keyspace().db(0);
    core_.engine().clients().Add(&client_);
  });
}

absl::StatusOr<Reply> DirectClient::Execute(std::span<const std::string_view> argv) {
  if (argv.empty()) return EmptyArgv();
  if (client_.close_after_reply || client_.close_now.load(std::memory_order_acquire)) {
    return base::MakeStatus(absl::StatusCode::kFailedPrecondition,
                            "the session has been closed by QUIT or CLIENT KILL");
  }
  ReplyRoom room;
  if (!room.ok()) return NoMemoryToRun();
  output_.Clear(4096);
  bool changed = false;
  const absl::Status status =
      RunInTurns(core_, &changed, [&] { return RunCommand(core_, client_, argv, output_, keyspace::kOneSlice); },
                 [&] { return IsShort(argv); });
  if (!status.ok()) return status;
  return ReplyFrom(output_, room, changed);
}

Ran RunOnce(CacheCore& core, int db, std::span<const std::string_view> argv, resp::Output& output,
            keyspace::Slicing slicing) {
  commands::ClientState client;
  client.protocol = kDirectProtocol;
  client.one_shot = true;
  client.created_ms = client.last_interaction_ms = core.clock().NowUs() / 1000;
  client.db = core.engine().keyspace().db(db);
  if (client.db == nullptr) {
    output.bytes().MarkFailed();
    return Ran::kUnchanged;
  }
  return RunCommand(core, client, argv, output, slicing);
}

bool IsShortOnce(CacheCore& core, int db, std::span<const std::string_view> argv) {
  commands::ClientState client;
  client.db = core.engine().keyspace().db(db);
  return client.db == nullptr || commands::IsShort(core.engine(), client, argv);
}

absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held) {
  if (argv.empty()) return EmptyArgv();
  resp::Output output;
  ReplyRoom room;
  if (!room.ok()) return NoMemoryToRun();
  bool changed = false;
  if (held) {
    changed = RunOnce(core, db, argv, output, keyspace::kUnsliced) == Ran::kChanged;
  } else {
    const absl::Status status =
        RunInTurns(core, &changed, [&] { return RunOnce(core, db, argv, output, keyspace::kOneSlice); },
                   [&] { return IsShortOnce(core, db, argv); });
    if (!status.ok()) return status;
  }
  return ReplyFrom(output, room, changed);
}

absl::StatusOr<Reply> ReplyFrom(const resp::Output& output, ReplyRoom& room, bool changed) {
  absl::StatusOr<Reply> reply = Reply();
  base::Buffer flat;
  if (output.failed()) {
    reply = NoMemory("there is no memory for the reply");
  } else if (!output.empty() && !output.has_references()) {
    reply = room.Make(output.view());
  } else if (!output.empty()) {
    if (output.AppendTo(flat)) reply = room.Make(flat.view());
    else reply = NoMemory("there is no memory for the reply");
  }
  if (changed && reply.status().code() == absl::StatusCode::kResourceExhausted) {
    return base::MakeStatus(absl::StatusCode::kDataLoss, "the command has run, but there is no memory for its reply");
  }
  return reply;
}

}  // namespace larder::inline v0::session
