#include "lib/core/run_once.h"

#include "lib/base/buffer.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "lib/core/parked_thread.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/short.h"

namespace larder::inline v0::core {

absl::Status EmptyArgv() {
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, base::kEmptyArgv);
}

absl::Status NoMemoryToRun() { return base::NoMemory("there is no memory to run a command"); }

Ran RunCommand(CacheCore& core, engine::ClientState& client, std::span<const std::string_view> argv,
               resp::Output& output, bool at_once, keyspace::SourceSearch* search) {
  const uint64_t changes = core.engine().keyspace().effects().changes();
  resp::ReplyWriter reply(output, client.protocol);
  const int64_t ended =
      engine::Dispatch(core.engine(), client, argv, reply, core.clock().NowUs(), at_once, search);
  if (ended == engine::kWantsRoom) return Ran::kWantsRoom;
  if (client.waiter != nullptr) return Ran::kWaits;
  return core.engine().keyspace().effects().changes() != changes ? Ran::kChanged : Ran::kNothingChanged;
}

bool MayWait(CacheCore& core, std::span<const std::string_view> argv) {
  const engine::CommandRow* const row = core.engine().commands().Find(argv[0]);
  return row != nullptr && row->has(engine::kCmdWaits);
}

Ran RunOnce(CacheCore& core, engine::ClientState& client, int db, std::span<const std::string_view> argv,
            resp::Output& output, bool at_once, keyspace::SourceSearch* search) {
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
  engine::ClientState client;
  client.db = core.engine().keyspace().db(db);
  return client.db == nullptr || engine::IsShort(core.engine(), client, argv);
}

absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held) {
  return ExecuteOnce(core, db, argv, held, {.await = [](ParkedThread& thread) { return thread.Await(); }});
}

absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held,
                                  const WaitAs& wait) {
  if (argv.empty()) return EmptyArgv();
  resp::Output output;
  ReplyRoom room;
  if (!room.ok()) return NoMemoryToRun();
  if (held) {
    base::AssertHolder();
    engine::ClientState client;
    return ReplyFrom(output, room, RunOnce(core, client, db, argv, output, /*at_once=*/true) == Ran::kChanged);
  }
  engine::ClientState client;
  ParkedThread parked(core, client, output);
  if (wait.may_wait) client.wait_owner = &parked;
  Stay stay;
  core.MakeRoomAhead(argv, &stay);
  keyspace::SourceSearch search;
  Ran ran = Ran::kWantsRoom;
  while (ran == Ran::kWantsRoom) {
    const absl::Status status = core.Run(
        [&]() LARDER_REQUIRES_HOLDER {
          ran = RunOnce(core, client, db, argv, output, /*at_once=*/false, &search);
          if (ran == Ran::kWantsRoom || output.has_references()) (void)stay.Enter(core);
          if (ran == Ran::kWaits) [[unlikely]] parked.Begin(stay);
        },
        [&]() LARDER_REQUIRES_HOLDER { return IsShortOnce(core, db, argv); });
    if (!status.ok()) return status;
    if (ran == Ran::kWantsRoom && !stay.entered()) return CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  }
  if (ran == Ran::kWaits) {
    const absl::Status status = wait.await(parked);
    if (!status.ok()) return status;
  }
  return ReplyFrom(output, room, ran == Ran::kChanged || ran == Ran::kWaits);
}

absl::StatusOr<Reply> ReplyFrom(const resp::Output& output, ReplyRoom& room, bool changed) {
  absl::StatusOr<Reply> reply = Reply();
  base::Buffer flat;
  if (output.failed()) {
    reply = base::NoMemory(base::kNoMemoryForReply);
  } else if (!output.empty() && !output.has_references()) {
    reply = room.Make(output.view());
  } else if (!output.empty()) {
    if (output.AppendTo(flat)) reply = room.Make(flat.view());
    else reply = base::NoMemory(base::kNoMemoryForReply);
  }
  if (reply.ok() || !changed) return reply;
  // Whatever is wrong with the reply, the command has run.
  const bool no_memory = reply.status().code() == absl::StatusCode::kResourceExhausted;
  return base::MakeStatus(absl::StatusCode::kDataLoss,
                          no_memory ? "the command has run, but there is no memory for its reply"
                                    : "the command has run, but its reply is not whole");
}

}  // namespace larder::inline v0::core
