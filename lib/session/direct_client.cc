#include "lib/session/direct_client.h"

#include <utility>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/commands/dispatch.h"
#include "lib/commands/transaction.h"

namespace larder::inline v0::session {
namespace {

constexpr int kDirectProtocol = 3;

absl::Status EmptyArgv() { return absl::InvalidArgumentError("argv is empty: it needs at least a command's name"); }

// False if it has to be called again after others have had the executor; never with kUnsliced.
bool RunCommand(CacheCore& core, commands::ClientState& client, std::span<const std::string_view> argv,
                resp::Output& output, keyspace::Slicing slicing) {
  resp::ReplyWriter reply(output, client.protocol);
  const int64_t ended_us =
      commands::Dispatch(core.engine(), client, argv, reply, core.clock().NowUs(), slicing);
  core.NoteExpiries();
  return ended_us != commands::kAgain;
}

// Under the executor, as often as it takes.
absl::Status RunInTurns(CacheCore& core, absl::FunctionRef<bool()> run) {
  bool done = false;
  while (!done) {
    const absl::Status status = core.Run([&] { done = run(); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

DirectClient::~DirectClient() {
  if (!opened_) return;
  core_.RunEvenClosed([this] {
    commands::DropTransaction(core_.engine(), client_);
    core_.engine().clients().Remove(&client_);
  });
  delete client_.transaction;
}

absl::Status DirectClient::Open() {
  client_.protocol = kDirectProtocol;
  client_.created_ms = client_.last_interaction_ms = core_.clock().NowUs() / 1000;
  const absl::Status status = core_.Run([this] {
    client_.db = core_.engine().keyspace().db(0);
    core_.engine().clients().Add(&client_);
  });
  opened_ = status.ok();
  return status;
}

absl::StatusOr<Reply> DirectClient::Execute(std::span<const std::string_view> argv) {
  if (argv.empty()) return EmptyArgv();
  if (client_.close_after_reply || client_.close_now.load(std::memory_order_acquire)) {
    return absl::FailedPreconditionError("the session has been closed by QUIT or CLIENT KILL");
  }
  output_.Clear(4096);
  const absl::Status status =
      RunInTurns(core_, [&] { return RunCommand(core_, client_, argv, output_, keyspace::kOneSlice); });
  if (!status.ok()) return status;
  return ReplyFrom(output_);
}

bool RunOnce(CacheCore& core, int db, std::span<const std::string_view> argv, resp::Output& output,
             keyspace::Slicing slicing) {
  commands::ClientState client;
  client.protocol = kDirectProtocol;
  client.one_shot = true;
  client.created_ms = client.last_interaction_ms = core.clock().NowUs() / 1000;
  client.db = core.engine().keyspace().db(db);
  if (client.db == nullptr) {
    output.bytes().MarkFailed();
    return true;
  }
  return RunCommand(core, client, argv, output, slicing);
}

absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held) {
  if (argv.empty()) return EmptyArgv();
  resp::Output output;
  if (held) {
    RunOnce(core, db, argv, output, keyspace::kUnsliced);
  } else {
    const absl::Status status =
        RunInTurns(core, [&] { return RunOnce(core, db, argv, output, keyspace::kOneSlice); });
    if (!status.ok()) return status;
  }
  return ReplyFrom(output);
}

absl::StatusOr<Reply> ReplyFrom(const resp::Output& output) {
  if (output.failed()) return absl::ResourceExhaustedError("there is no memory for the reply");
  if (output.empty()) return Reply();
  if (!output.has_references()) {
    struct iovec piece;
    output.Iovecs(&piece, 1);
    return Reply::FromResp({static_cast<const char*>(piece.iov_base), piece.iov_len});
  }
  base::Buffer flat;
  if (!output.AppendTo(flat)) return absl::ResourceExhaustedError("there is no memory for the reply");
  return Reply::FromResp(flat.view());
}

}  // namespace larder::inline v0::session
