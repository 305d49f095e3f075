// The work of a cache's end. closing.h explains the stages.
#include <optional>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/fixed_text.h"
#include "lib/base/numbers.h"
#include "lib/base/status.h"
#include "lib/core/core.h"

namespace larder::inline v0::core {
namespace {

using Stage = Closing::Stage;

constexpr ErrorText kInCallback{absl::StatusCode::kFailedPrecondition,
                                "Close was called from a callback of this cache: nothing has changed"};
constexpr ErrorText kInVisit{absl::StatusCode::kFailedPrecondition,
                             "Close was called from a loader or Options::log of this cache: nothing has changed"};
constexpr ErrorText kInUserCode{absl::StatusCode::kFailedPrecondition,
                                "Close was called from inside View or Atomically: nothing has changed"};

// How long background jobs go on before the time is looked at.
constexpr int64_t kJobsRoundNs = 200'000;

}  // namespace

// ---- Listeners ------------------------------------------------------------------------------------------------------

bool CacheCore::AddListener(ListenerHook* listener) {
  if (!listeners_.Add(listener)) return false;
  // There may be work from a time without a listener.
  if (background_ == Background::kLoop) listener->WakeForBackground();
  return true;
}

void CacheCore::RemoveListener(ListenerHook* listener) {
  listeners_.Remove(listener);
  // The background work of which the removed listener was told goes to the next one.
  if (background_ == Background::kLoop) listeners_.First([](ListenerHook& next) { next.WakeForBackground(); });
}

bool CacheCore::StopListeners(int64_t deadline_us) {
  late_listener_ = base::Line();
  return listeners_.StopAll(deadline_us, &late_listener_);
}

// The closer with the role may be waiting for the loop of this very thread, which nobody polls meanwhile. So this
// thread stops its own loop before it waits for the role. It asks all others to stop, and does not wait for them.
void CacheCore::StopOwnListeners() {
  base::Line nobody_asks;
  (void)listeners_.StopAll(INT64_MIN, &nobody_asks);
}

// ---- Ends of sessions -----------------------------------------------------------------------------------------------

void CacheCore::EndSession(std::unique_ptr<SessionEnd> end) {
  const executor::Outcome outcome = executor_->Run([&]() LARDER_REQUIRES_HOLDER {
    end->End();
    AfterOp();
  });
  switch (outcome) {
    case executor::Outcome::kRan:
    case executor::Outcome::kForked: return;
    case executor::Outcome::kReentrant:  // this thread holds the executor already
      base::AssertHolder();
      end->End();
      return;
    case executor::Outcome::kClosed: break;
  }
  SessionEnd* const left = end.release();
  left->next_end_ = ends_.load(std::memory_order_relaxed);
  while (!ends_.compare_exchange_weak(left->next_end_, left, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

// REQUIRES: the caller has the role. After the stage `holder` nothing runs under the executor any more, so the closer
// with the role may touch all that belongs to the holder, here and in later stages.
void CacheCore::RunEnds() {
  base::AssertHolder();
  SessionEnd* end = ends_.exchange(nullptr, std::memory_order_acquire);
  while (end != nullptr) {
    const std::unique_ptr<SessionEnd> done(std::exchange(end, end->next_end_));
    done->End();
  }
}

// ---- Stages ---------------------------------------------------------------------------------------------------------

bool CacheCore::CloseExecutor(int64_t deadline_us) {
  if (executor_->Close(0)) return true;
  if (!closing_->AwaitHolder(deadline_us)) return false;
  return executor_->Close();  // the holder has nothing to do but to let go
}

// Threads that are parked wait for no executor, so that they hear of it only here. Nobody begins to wait any more.
void CacheCore::EndWaits() {
  base::AssertHolder();
  engine_->blocking().CancelAll();
}

bool CacheCore::StopThread(int64_t deadline_us) {
  return closing_->Await(deadline_us, [this] { return thread_.Over(); }) && thread_.Stop();
}

bool CacheCore::DeliverAll(int64_t deadline_us) {
  async_.CancelWaiting();
  while (delivery_.HasWork()) {
    // It delivers at least one, so that closers without any time get on too. If a callback has forked, the child runs
    // none of the others.
    delivery_.Drain([&] { return !Forked() && !closing_->Late(deadline_us); });
    if (Forked()) return false;
    if (delivery_.HasWork() && closing_->Late(deadline_us)) return false;
  }
  return true;
}

bool CacheCore::EndKeys(int64_t deadline_us) {
  base::AssertHolder();
  RunEnds();  // callbacks may have given back pinned values
  while (engine_->keyspace().EndStep()) {
    if (closing_->Late(deadline_us)) return false;
  }
  return true;
}

bool CacheCore::FinishJobs(int64_t deadline_us) {
  while (!bio_->FinishSome(executor::MonotonicNs() + kJobsRoundNs)) {
    if (!closing_->Await(deadline_us, [this] { return bio_->ThreadsOver(); })) return false;
    if (closing_->Late(deadline_us)) return false;
  }
  base::AssertHolder();
  engine_->keyspace().blocks().CollectReturned();
  return true;
}

bool CacheCore::RunStage(int64_t deadline_us) {
  switch (closing_->stage()) {
    case Stage::kOpen: return true;
    case Stage::kListeners:
      if (StopListeners(deadline_us)) return true;
      (void)executor_->Close(0);  // nobody else should be served meanwhile
      return false;
    case Stage::kHolder:
      if (!CloseExecutor(deadline_us)) return false;
      EndWaits();
      listeners_.EndAll();  // the sessions that they served go to the list of ends
      return true;
    case Stage::kCalls: return closing_->AwaitVisitors(deadline_us);
    case Stage::kThread: return StopThread(deadline_us);
    case Stage::kCallbacks: return DeliverAll(deadline_us);
    case Stage::kKeys: return EndKeys(deadline_us);
    case Stage::kJobs: return FinishJobs(deadline_us);
    case Stage::kClosed: break;
  }
  return true;
}

// For the closer with the role, which can count what is left.
absl::Status CacheCore::Unfinished() {
  const Stage stage = closing_->stage();
  if (stage == Stage::kListeners) {
    const base::Line text("the listener at ", late_listener_,
                          " has not stopped: its loop is busy, or nobody polls it; ",
                          "the cache refuses every call, and Close may be called again");
    return base::MakeStatus(absl::StatusCode::kDeadlineExceeded, text.view());
  }
  std::optional<size_t> left;
  if (stage == Stage::kCalls) left = closing_->visitors();
  if (stage == Stage::kCallbacks) left = delivery_.CountOwed();
  if (stage == Stage::kKeys) {
    base::AssertHolder();
    const size_t keys = engine_->keyspace().size();
    if (keys != 0) left = keys;  // else they are on their way
  }
  return Closing::Unfinished(stage, left);
}

// ---- Close ----------------------------------------------------------------------------------------------------------

const ErrorText* CacheCore::MayNotClose() {
  if (executor_->Forked()) return ErrorOf(executor::Outcome::kForked);
  if (executor_->InsideUser()) return &kInUserCode;
  if (delivery_.IsDrainer()) return &kInCallback;
  if (closing_->IsVisitor()) return &kInVisit;
  return nullptr;
}

absl::Status CacheCore::Close(int64_t deadline_us) {
  if (const ErrorText* refusal = MayNotClose(); refusal != nullptr) return internal::StatusOf(*refusal);
  closing_->Begin();
  flights_.Close();
  thread_.RequestStop();
  StopOwnListeners();
  if (!closing_->TakeRole(deadline_us)) {
    (void)executor_->Close(0);  // the closer with the role may wait for a listener; nobody should be served meanwhile
    return Closing::Unfinished(closing_->stage(), std::nullopt);
  }
  absl::Status status;
  while (status.ok() && closing_->stage() != Stage::kClosed) {
    const bool done = RunStage(deadline_us);
    if (Forked()) return OutcomeStatus(executor::Outcome::kForked);  // a callback has forked
    if (done) {
      closing_->Advance();
    } else {
      status = Unfinished();
    }
  }
  // This is for ends that came after their stage.
  if (closing_->stage() > Stage::kHolder) RunEnds();
  if (status.ok()) status = PinsLeft();
  closing_->GiveRole();
  return status;
}

// Nobody can reach the keys any more. Values that are left when the keys are gone are pinned by somebody.
absl::Status CacheCore::PinsLeft() {
  base::AssertHolder();
  memory::Heap& blocks = engine_->keyspace().blocks();
  blocks.CollectReturned();
  const size_t pins = blocks.blocks();
  if (pins == 0) return absl::OkStatus();
  constexpr std::string_view kPinned = "the cache is closed; values still pinned: ";
  char digits[base::kIntChars];
  const Bytes count = base::FormatUint64(pins, digits);
  char text[kPinned.size() + base::kIntChars];
  base::CopyBytes(text, kPinned);
  base::CopyBytes(text + kPinned.size(), count);
  return base::MakeStatus(absl::StatusCode::kFailedPrecondition, {text, kPinned.size() + count.size()});
}

}  // namespace larder::inline v0::core
