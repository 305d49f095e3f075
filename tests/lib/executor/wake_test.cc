// Sleeping and waking, over and over. A lost wake-up shows as the test's time limit. Built twice: a few thousand rounds
// for the quick suite, and 100,000 for .ci/run, which take seconds alone but a minute on a machine with ten other jobs.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "lib/executor/executor.h"
#include "tests/lib/executor/executor_peer.h"

#ifndef LARDER_WAKE_ROUNDS
#define LARDER_WAKE_ROUNDS 2'000
#endif

namespace larder::executor {
namespace {

// Two threads that meet in every round: one lets go only when the other waits, which is spinning then, on its way to
// sleep or asleep, by chance, and is served by the first or handed the executor, in turns.
TEST(WakeTest, NoWakeUpIsLost) {
  for (const int64_t spin_ns : {int64_t{0}, int64_t{2'000}}) {
    const std::unique_ptr<Executor> executor = Executor::Create({.spin_ns = spin_ns});
    constexpr uint64_t kRounds = LARDER_WAKE_ROUNDS / 2;
    uint64_t count = 0;  // guarded by the executor
    std::atomic<bool> done{false};
    std::thread other([&] {
      for (uint64_t i = 0; !done; ++i) {
        const auto fn = [&] { ++count; };
        EXPECT_EQ(i % 2 == 0 ? executor->Run(fn) : executor->RunUser(fn), Outcome::kRan);
      }
    });
    // A round is over when the other has been served: while it is being woken, we may come in more than once.
    Executor::Stats stats{};
    while (stats.ran_for_others + stats.handed_over < kRounds) {
      EXPECT_EQ(executor->RunUser([&] { Await([&] { return executor->HasWaiters(); }); }), Outcome::kRan);
      stats = executor->stats();
    }
    done = true;
    other.join();
    EXPECT_GE(count, kRounds / 2);  // some rounds handed the executor back to us
  }
}

}  // namespace
}  // namespace larder::executor
