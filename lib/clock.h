// The cache's time. The unit is everywhere microseconds since the Unix epoch.
//
// A cache asks only its Options::clock for the time and waits only through it, so a test that sets a ManualClock
// decides what "later" means and never sleeps. Two caches may share one clock.
//
// Threads: any threads may call any methods at once.
#ifndef LARDER_CLOCK_H_
#define LARDER_CLOCK_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/time/time.h"
#include <larder/export.h>

namespace larder::inline v0 {

// The virtual functions of these classes are all inline or pure on purpose. The core may be built without RTTI; a
// user's program that is built with it must find the type information of its base class in its own object files.
class LARDER_API Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual int64_t NowUs() = 0;

  // Waits on `cv`, giving up `lock` meanwhile, until somebody notifies it or NowUs() >= deadline_us. Returns false if
  // it ended because of the time, else true. It may also return true for no reason, as condition variables do, so the
  // caller must look at its own condition in a loop. The deadline INT64_MAX never comes.
  // REQUIRES: `lock` is held; `lock`'s mutex and `cv` live until the call returns.
  virtual bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) = 0;
};

// The machine's clock. NowUs is the wall clock; waits go by the monotonic clock. So if the wall clock is set back, a
// running wait still ends on time, and the caller's next look at the time sees the change. Null if there is no memory.
LARDER_API std::shared_ptr<Clock> RealClock();

// A clock that stands still until it is set. Advance and the setters return after they have woken every wait whose
// deadline has come. No wake-up is lost, even if the waiter is between looking at the time and going to sleep. REQUIRES
// (Advance, SetUs, Set): the caller holds no mutex that a WaitUntil on this clock was called with.
class LARDER_API ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t start_us = 1'700'000'000'000'000) : now_us_(start_us) {}
  ~ManualClock() override {}  // REQUIRES: nobody waits on it.

  int64_t NowUs() override { return now_us_.load(std::memory_order_acquire); }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) override {
    return Wait(lock, cv, deadline_us);
  }

  void Advance(absl::Duration by);  // Kept to 1 µs; a negative duration sets the clock back, as an administrator may.
  void SetUs(int64_t now_us);
  void Set(absl::Time now) { SetUs(absl::ToUnixMicros(now)); }

  // How many threads are inside WaitUntil at this moment with a deadline that has not come. With it a test can advance
  // the clock after the thread under test has gone to sleep.
  int waiters();

 private:
  struct Waiter;

  bool Wait(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us);
  void WakeDue(std::unique_lock<std::mutex>& held);

  std::atomic<int64_t> now_us_;
  std::mutex mutex_;                  // Guards the list and writes of now_us_. Not held while a waiter's is taken.
  std::condition_variable unpinned_;  // Signals that a waiter's pin was given back.
  Waiter* first_ = nullptr;           // Doubly linked through nodes on the waiters' stacks: nothing is allocated.
};

}  // namespace larder::inline v0

#endif  // LARDER_CLOCK_H_
