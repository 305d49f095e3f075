#include "lib/session/direct_client.h"

#include "lib/base/status.h"
#include "lib/core/run_once.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::session {
namespace {

// The part of the output's memory that is kept between two commands.
constexpr size_t kKeptBytes = 4096;

const ErrorText& TooLong(bool changed) {
  static constexpr ErrorText kDone{absl::StatusCode::kDataLoss,
                                   "the command has run; its reply is longer than client-output-buffer-limit allows"};
  static constexpr ErrorText kUndone{absl::StatusCode::kResourceExhausted,
                                     "the reply is longer than client-output-buffer-limit allows"};
  return changed ? kDone : kUndone;
}

}  // namespace

DirectClient::~DirectClient() { delete client_.transaction; }

void DirectClient::End() {
  engine::DropMultiState(core_.engine(), client_);
  core_.engine().clients().Remove(&client_);
  const size_t counted = client_.direct_bytes.load(std::memory_order_relaxed);
  core_.engine().keyspace().extra_memory().fetch_sub(counted, std::memory_order_relaxed);
}

absl::Status DirectClient::Open() {
  client_.protocol = core::kDirectProtocol;
  client_.wait_owner = &parked_;
  client_.created_ms = client_.last_interaction_ms = core_.clock().NowUs() / 1000;
  return core_.Run([this]() LARDER_REQUIRES_HOLDER {
    client_.db = core_.engine().keyspace().db(0);
    core_.engine().clients().Add(&client_);
    Account();
  });
}

// MULTI's queue counts too, which maxmemory bounds as it does in Redis: a command that is sent while the limit is
// reached breaks the transaction.
void DirectClient::Account() {
  const size_t queue = client_.transaction != nullptr ? client_.transaction->memory() : 0;
  const size_t now = sizeof(DirectClient) + queue + output_.memory() + client_.names_memory();
  const size_t before = client_.direct_bytes.exchange(now, std::memory_order_relaxed);
  if (now != before) core_.engine().keyspace().extra_memory().fetch_add(now - before, std::memory_order_relaxed);
}

absl::StatusOr<Reply> DirectClient::Execute(std::span<const std::string_view> argv) {
  if (argv.empty()) return core::EmptyArgv();
  if (client_.close_after_reply || client_.close_now.load(std::memory_order_acquire)) {
    return base::MakeStatus(absl::StatusCode::kFailedPrecondition,
                            "the session has been closed by QUIT or CLIENT KILL");
  }
  core::ReplyRoom room;
  if (!room.ok()) return core::NoMemoryToRun();
  core::Stay stay;
  core_.MakeRoomAhead(argv, &stay);
  keyspace::SourceSearch search;
  core::Ran ran = core::Ran::kWantsRoom;
  uint64_t limit = 0;
  while (ran == core::Ran::kWantsRoom) {
    const absl::Status status = core_.Run(
        [&]() LARDER_REQUIRES_HOLDER {
          ran = core::RunCommand(core_, client_, argv, output_, /*at_once=*/false, &search);
          Account();
          limit = core_.limits().output_normal.hard.load(std::memory_order_relaxed);
          // A large reply is given back below, when the executor has been let go.
          if (ran == core::Ran::kWaits) [[unlikely]] parked_.Begin(stay);
          const bool is_large = output_.memory() > kKeptBytes || output_.has_references();
          if (ran == core::Ran::kWantsRoom || is_large) (void)stay.Enter(core_);
        },
        [&]() LARDER_REQUIRES_HOLDER { return IsShort(argv); });
    if (!status.ok()) return status;
    if (ran == core::Ran::kWantsRoom && !stay.entered()) {
      return core::CacheCore::OutcomeStatus(executor::Outcome::kClosed);
    }
  }
  if (ran == core::Ran::kWaits) {
    const absl::Status status = parked_.Await();
    if (!status.ok()) return status;
  }
  const bool changed = ran == core::Ran::kChanged || ran == core::Ran::kWaits;
  const bool too_long = limit != 0 && output_.size() > limit;
  absl::StatusOr<Reply> reply =
      too_long ? absl::StatusOr<Reply>(internal::StatusOf(TooLong(changed))) : core::ReplyFrom(output_, room, changed);
  output_.Clear(kKeptBytes);
  if (stay.entered()) Account();  // else nothing has changed, or the end of this session counts it
  return reply;
}

}  // namespace larder::inline v0::session
