#include "lib/core/parked_thread.h"

#include <larder/internal/waiting.h>
#include "lib/base/status.h"
#include "lib/core/core.h"

namespace larder::inline v0::core {

void ParkedThread::WaitOver(resp::Output* reply) {
  client_.waiting.store(false, std::memory_order_relaxed);
  ParkedThreads& all = core_.parked_threads();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (reply != nullptr) output_.Swap(*reply);
  answered_ = reply != nullptr;
  over_ = true;
  const bool first = all.woken.empty();
  all.woken.PushBack(*this);
  if (first) woken_.notify_one();
}

void ParkedThread::Begin(Stay& stay) {
  over_ = answered_ = stop_requested_ = false;  // nobody else knows of this wait yet
  refused_ = !stay.Enter(core_);
  if (refused_) return core_.engine().blocking().Forget(client_);
  const int64_t until_ms = client_.waiter->until_ms;
  until_us_ = until_ms > INT64_MAX / 1000 ? INT64_MAX : until_ms * 1000;
}

void ParkedThread::Stop() {
  if (core_.Forked()) return;  // this thread is the parent's
  const std::lock_guard<std::mutex> lock(core_.parked_threads().mutex);
  stop_requested_ = true;
  woken_.notify_one();
}

bool ParkedThread::TakeBack() {
  bool waited = false;
  // If it is refused, the cache is being closed, and a closer ends the wait.
  (void)core_.Run([&]() LARDER_REQUIRES_HOLDER {
    waited = client_.waiter != nullptr;
    core_.engine().blocking().Forget(client_);
  });
  return waited;
}

absl::Status ParkedThread::Await() {
  if (refused_) return CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  ParkedThreads& all = core_.parked_threads();
  std::unique_lock<std::mutex> lock(all.mutex);
  while (!over_) {
    if (stop_requested_) {
      stop_requested_ = false;
      lock.unlock();
      if (TakeBack()) return internal::StatusOf(internal::kWaitStopped);
      lock.lock();
      continue;
    }
    if (core_.clock().WaitUntil(lock, woken_, until_us_) || over_ || stop_requested_) continue;
    lock.unlock();
    const absl::Status status = core_.Run([&]() LARDER_REQUIRES_HOLDER {
      (void)core_.engine().blocking().TimeOutSome(core_.clock().NowUs() / 1000, SIZE_MAX);
    });
    lock.lock();
    if (!status.ok()) until_us_ = INT64_MAX;  // the cache is being closed, and a closer ends the wait
  }
  all.woken.Remove(*this);
  if (!all.woken.empty()) all.woken.front()->woken_.notify_one();
  lock.unlock();
  if (answered_) return absl::OkStatus();
  if (client_.close_now.load(std::memory_order_acquire)) {
    return base::MakeStatus(absl::StatusCode::kFailedPrecondition, "the session has been closed by CLIENT KILL");
  }
  return CacheCore::OutcomeStatus(executor::Outcome::kClosed);
}

}  // namespace larder::inline v0::core
