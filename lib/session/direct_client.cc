#include "lib/session/direct_client.h"


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

// Of a session's output, between two commands.
constexpr size_t kKeptBytes = 4096;

const ErrorText& TooLong(bool changed) {
  static constexpr ErrorText kDone{absl::StatusCode::kDataLoss,
                                   "the command has run; its reply is longer than client-output-buffer-limit allows"};
  static constexpr ErrorText kUndone{absl::StatusCode::kResourceExhausted,
                                     "the reply is longer than client-output-buffer-limit allows"};
  return changed ? kDone : kUndone;
}

Ran RunCommand(CacheCore& core, commands::ClientState& client, std::span<const std::string_view> argv,
               resp::Output& output, bool at_once, keyspace::SourceSearch* search) {
  const uint64_t changes = core.engine().keyspace().effects().changes();
  resp::ReplyWriter reply(output, client.protocol);
  const int64_t ended =
      commands::Dispatch(core.engine(), client, argv, reply, core.clock().NowUs(), at_once, search);
  if (ended == commands::kWantsRoom) return Ran::kWantsRoom;
  return core.engine().keyspace().effects().changes() != changes ? Ran::kChanged : Ran::kNothingChanged;
}

}  // namespace

DirectClient::~DirectClient() { delete client_.transaction; }

void DirectClient::End() {
  commands::DropTransaction(core_.engine(), client_);
  core_.engine().clients().Remove(&client_);
  core_.engine().keyspace().extra_memory().fetch_sub(client_.direct_bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

absl::Status DirectClient::Open() {
  client_.protocol = kDirectProtocol;
  client_.created_ms = client_.last_interaction_ms = core_.clock().NowUs() / 1000;
  return core_.Run([this] {
    client_.db = core_.engine().keyspace().db(0);
    core_.engine().clients().Add(&client_);
    Account();
  });
}

// With MULTI's queue, which maxmemory bounds as it does in Redis: what is sent while it is reached breaks the transaction.
void DirectClient::Account() {
  const size_t queue = client_.transaction != nullptr ? client_.transaction->memory() : 0;
  const size_t now = sizeof(DirectClient) + queue + output_.memory() + client_.names_memory();
  const size_t before = client_.direct_bytes.exchange(now, std::memory_order_relaxed);
  if (now != before) core_.engine().keyspace().extra_memory().fetch_add(now - before, std::memory_order_relaxed);
}

absl::StatusOr<Reply> DirectClient::Execute(std::span<const std::string_view> argv) {
  if (argv.empty()) return EmptyArgv();
  if (client_.close_after_reply || client_.close_now.load(std::memory_order_acquire)) {
    return base::MakeStatus(absl::StatusCode::kFailedPrecondition,
                            "the session has been closed by QUIT or CLIENT KILL");
  }
  ReplyRoom room;
  if (!room.ok()) return NoMemoryToRun();
  Stay stay;
  core_.MakeRoomAhead(argv, &stay);
  keyspace::SourceSearch search;
  Ran ran = Ran::kWantsRoom;
  uint64_t limit = 0;
  while (ran == Ran::kWantsRoom) {
    const absl::Status status = core_.Run(
        [&] {
          ran = RunCommand(core_, client_, argv, output_, /*at_once=*/false, &search);
          Account();
          limit = core_.limits().output_normal.hard.load(std::memory_order_relaxed);
          // A large reply is given back below, when the executor has been let go.
          if (ran == Ran::kWantsRoom || output_.memory() > kKeptBytes || output_.has_references()) (void)stay.Enter(core_);
        },
        [&] { return IsShort(argv); });
    if (!status.ok()) return status;
    if (ran == Ran::kWantsRoom && !stay.entered()) return CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  }
  const bool changed = ran == Ran::kChanged;
  const bool too_long = limit != 0 && output_.size() > limit;
  absl::StatusOr<Reply> reply =
      too_long ? absl::StatusOr<Reply>(internal::StatusOf(TooLong(changed))) : ReplyFrom(output_, room, changed);
  output_.Clear(kKeptBytes);
  if (stay.entered()) Account();  // else it is as it was, or whoever ends this session counts it
  return reply;
}

Ran RunOnce(CacheCore& core, int db, std::span<const std::string_view> argv, resp::Output& output, bool at_once,
            keyspace::SourceSearch* search) {
  commands::ClientState client;
  client.protocol = kDirectProtocol;
  client.one_shot = true;
  client.created_ms = client.last_interaction_ms = core.clock().NowUs() / 1000;
  client.db = core.engine().keyspace().db(db);
  if (client.db == nullptr) {
    output.bytes().MarkFailed();
    return Ran::kNothingChanged;
  }
  return RunCommand(core, client, argv, output, at_once, search);
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
  if (held) return ReplyFrom(output, room, RunOnce(core, db, argv, output, /*at_once=*/true) == Ran::kChanged);
  Stay stay;
  core.MakeRoomAhead(argv, &stay);
  keyspace::SourceSearch search;
  Ran ran = Ran::kWantsRoom;
  while (ran == Ran::kWantsRoom) {
    const absl::Status status = core.Run(
        [&] {
          ran = RunOnce(core, db, argv, output, /*at_once=*/false, &search);
          if (ran == Ran::kWantsRoom || output.has_references()) (void)stay.Enter(core);
        },
        [&] { return IsShortOnce(core, db, argv); });
    if (!status.ok()) return status;
    if (ran == Ran::kWantsRoom && !stay.entered()) return CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  }
  return ReplyFrom(output, room, ran == Ran::kChanged);
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
  if (reply.ok() || !changed) return reply;
  // Whatever is wrong with the reply, it was done.
  const bool no_memory = reply.status().code() == absl::StatusCode::kResourceExhausted;
  return base::MakeStatus(absl::StatusCode::kDataLoss,
                          no_memory ? "the command has run, but there is no memory for its reply"
                                    : "the command has run, but its reply is not whole");
}

}  // namespace larder::inline v0::session
