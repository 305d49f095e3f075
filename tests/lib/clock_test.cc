#include <larder/clock.h>

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace larder {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

TEST(ManualClockTest, StandsStillUntilAdvanced) {
  ManualClock clock(1000);
  EXPECT_EQ(clock.NowUs(), 1000);
  EXPECT_EQ(clock.NowUs(), 1000);
  clock.Advance(absl::Milliseconds(2));
  EXPECT_EQ(clock.NowUs(), 3000);
  clock.Advance(-absl::Milliseconds(1));
  EXPECT_EQ(clock.NowUs(), 2000);
  clock.Advance(absl::InfiniteDuration());
  EXPECT_EQ(clock.NowUs(), kNever);
  clock.Set(absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.NowUs(), 5'000'000);
}

TEST(ManualClockTest, DeadlineThatHasComeReturnsAtOnce) {
  ManualClock clock(1000);
  std::mutex mutex;
  std::condition_variable cv;
  std::unique_lock<std::mutex> lock(mutex);
  EXPECT_FALSE(clock.WaitUntil(lock, cv, 1000));
  EXPECT_TRUE(lock.owns_lock());
}

TEST(ManualClockTest, NeverDoesNotComeEvenAtTheClocksEnd) {
  ManualClock clock(1000);
  std::mutex mutex;
  std::condition_variable cv;
  bool notified = false;
  std::thread sleeper([&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (!notified) EXPECT_TRUE(clock.WaitUntil(lock, cv, kNever));
  });
  while (clock.waiters() < 1) std::this_thread::yield();
  clock.Set(absl::InfiniteFuture());
  EXPECT_EQ(clock.waiters(), 1);
  {
    std::lock_guard<std::mutex> lock(mutex);
    notified = true;
    cv.notify_all();
  }
  sleeper.join();
}

TEST(ManualClockTest, AdvanceWakesOnlyWhoIsDue) {
  ManualClock clock(0);
  std::mutex mutex;
  std::condition_variable cv;
  std::vector<int> woken(2, 0);
  auto sleeper = [&](int index, int64_t deadline_us) {
    std::unique_lock<std::mutex> lock(mutex);
    while (clock.WaitUntil(lock, cv, deadline_us)) {
    }
    woken[index] = 1;
  };
  std::thread early(sleeper, 0, 10);
  std::thread late(sleeper, 1, 20);
  while (clock.waiters() < 2) std::this_thread::yield();
  clock.SetUs(10);
  early.join();
  {
    std::lock_guard<std::mutex> lock(mutex);
    EXPECT_EQ(woken[0], 1);
    EXPECT_EQ(woken[1], 0);
  }
  clock.SetUs(20);
  late.join();
  EXPECT_EQ(woken[1], 1);
}

TEST(ManualClockTest, NotifyEndsAWaitBeforeItsDeadline) {
  ManualClock clock(0);
  std::mutex mutex;
  std::condition_variable cv;
  bool ready = false;
  bool timed_out = false;
  std::thread thread([&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (!ready && !timed_out) timed_out = !clock.WaitUntil(lock, cv, kNever);
  });
  while (clock.waiters() < 1) std::this_thread::yield();
  {
    std::lock_guard<std::mutex> lock(mutex);
    ready = true;
  }
  cv.notify_all();
  thread.join();
  EXPECT_FALSE(timed_out);
}

// The waiters never look at a flag: if one wake-up of the many thousands were lost, the test would hang.
TEST(ManualClockTest, NoWakeUpIsLostWhileTimeRaces) {
  ManualClock clock(0);
  constexpr int kThreads = 4;
  constexpr int64_t kEnd = 3000;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&clock, &done] {
      for (int64_t now = clock.NowUs(); now < kEnd; now = clock.NowUs()) {
        // A mutex and a condition variable of one round only: they are gone when WaitUntil has returned.
        std::mutex mutex;
        std::condition_variable cv;
        std::unique_lock<std::mutex> lock(mutex);
        while (clock.WaitUntil(lock, cv, now + 1)) {
        }
        EXPECT_GT(clock.NowUs(), now);
      }
      done++;
    });
  }
  while (clock.NowUs() < kEnd) clock.Advance(absl::Microseconds(1));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, kThreads);
}

TEST(RealClockTest, NowIsTheWallClock) {
  const int64_t before = absl::ToUnixMicros(absl::Now());
  const int64_t now = RealClock()->NowUs();
  EXPECT_GE(now, before);
  EXPECT_LE(now, absl::ToUnixMicros(absl::Now()));
}

TEST(RealClockTest, WaitEndsAtTheDeadlineAndNotBefore) {
  const std::shared_ptr<Clock> clock = RealClock();
  std::mutex mutex;
  std::condition_variable cv;
  std::unique_lock<std::mutex> lock(mutex);
  EXPECT_FALSE(clock->WaitUntil(lock, cv, clock->NowUs() - 1));
  const int64_t deadline_us = clock->NowUs() + 2000;
  while (clock->WaitUntil(lock, cv, deadline_us)) {
  }
  EXPECT_GE(clock->NowUs(), deadline_us);
}

TEST(RealClockTest, NeverIsADeadlineToo) {
  const std::shared_ptr<Clock> clock = RealClock();
  std::mutex mutex;
  std::condition_variable cv;
  bool ready = false;
  std::thread thread([&] {
    std::lock_guard<std::mutex> lock(mutex);
    ready = true;
    cv.notify_all();
  });
  std::unique_lock<std::mutex> lock(mutex);
  bool in_time = true;
  while (!ready && in_time) in_time = clock->WaitUntil(lock, cv, kNever);
  EXPECT_TRUE(in_time);
  lock.unlock();
  thread.join();
}

}  // namespace
}  // namespace larder
