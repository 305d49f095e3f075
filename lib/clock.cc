// This is how ManualClock loses no wake-up.
//
// A waiter looks at the time and enters the list while it holds its own lock, and gives that lock up only by falling
// asleep. A thread that takes the same mutex afterwards and then notifies so finds the waiter asleep or gone. Advance
// therefore sets the time, picks each waiter that is due, takes that waiter's mutex and notifies.
//
// The clock's own mutex cannot be held while a waiter's is taken (waiters take them in the other order). So the waiter
// is pinned meanwhile: until the pin is back it may not leave WaitUntil, and its mutex and condition variable may not
// go away. Advance may be waiting for that very mutex, so a pinned waiter lets go of it and takes it again.
#include <larder/clock.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "lib/base/guarded.h"
#include "lib/base/monotonic.h"

namespace larder::inline v0 {
namespace {

constexpr int64_t kUsMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kUsMin = std::numeric_limits<int64_t>::min();

class SystemClock final : public Clock {
 public:
  int64_t NowUs() override {
    const timespec now = base::ReadClock(CLOCK_REALTIME);
    return static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  }

  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) override {
    const int64_t now_us = NowUs();
    if (deadline_us <= now_us && deadline_us != kUsMax) return false;
    // It waits for an hour at most, then looks at the wall clock again. This also keeps the sum below from overflowing.
    constexpr int64_t kLongestUs = 3'600'000'000;
    const int64_t wait_us = now_us < 0 ? kLongestUs : std::min(deadline_us - now_us, kLongestUs);
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(wait_us);
    if (cv.wait_until(lock, until) == std::cv_status::no_timeout) return true;
    return deadline_us == kUsMax || NowUs() < deadline_us;
  }
};

}  // namespace

std::shared_ptr<Clock> RealClock() {
  std::shared_ptr<Clock> clock;
  (void)base::Guarded([&] { clock = std::make_shared<SystemClock>(); });
  return clock;
}

struct ManualClock::Waiter {
  std::mutex* mutex;
  std::condition_variable* cv;
  int64_t deadline_us;
  int pins = 0;
  bool woken = false;
  Waiter* next = nullptr;
  Waiter* previous = nullptr;
};

void ManualClock::Advance(absl::Duration by) {
  std::unique_lock<std::mutex> held(mutex_);
  int64_t now_us;
  const int64_t by_us = absl::ToInt64Microseconds(by);
  if (__builtin_add_overflow(NowUs(), by_us, &now_us)) now_us = by_us > 0 ? kUsMax : kUsMin;
  now_us_.store(now_us, std::memory_order_release);
  WakeDue(held);
}

void ManualClock::SetUs(int64_t now_us) {
  std::unique_lock<std::mutex> held(mutex_);
  now_us_.store(now_us, std::memory_order_release);
  WakeDue(held);
}

int ManualClock::waiters() {
  std::unique_lock<std::mutex> held(mutex_);
  int count = 0;
  for (const Waiter* waiter = first_; waiter != nullptr; waiter = waiter->next) count += waiter->woken ? 0 : 1;
  return count;
}

// Wakes each due waiter once: the walk starts over at the head each time, and `woken` makes it pass over those.
void ManualClock::WakeDue(std::unique_lock<std::mutex>& held) {
  const int64_t now_us = NowUs();
  Waiter* waiter = first_;
  while (waiter != nullptr) {
    if (waiter->woken || waiter->deadline_us > now_us || waiter->deadline_us == kUsMax) {
      waiter = waiter->next;
      continue;
    }
    waiter->woken = true;
    waiter->pins++;
    held.unlock();
    {
      std::lock_guard<std::mutex> asleep(*waiter->mutex);
      waiter->cv->notify_all();
    }
    held.lock();
    waiter->pins--;
    unpinned_.notify_all();
    waiter = first_;
  }
}

bool ManualClock::Wait(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) {
  Waiter waiter{.mutex = lock.mutex(), .cv = &cv, .deadline_us = deadline_us};
  {
    std::unique_lock<std::mutex> held(mutex_);
    if (deadline_us != kUsMax && NowUs() >= deadline_us) return false;
    waiter.next = first_;
    if (first_ != nullptr) first_->previous = &waiter;
    first_ = &waiter;
  }
  cv.wait(lock);
  lock.unlock();
  {
    std::unique_lock<std::mutex> held(mutex_);
    unpinned_.wait(held, [&waiter] { return waiter.pins == 0; });
    (waiter.previous == nullptr ? first_ : waiter.previous->next) = waiter.next;
    if (waiter.next != nullptr) waiter.next->previous = waiter.previous;
  }
  lock.lock();
  return deadline_us == kUsMax || NowUs() < deadline_us;
}

}  // namespace larder::inline v0
