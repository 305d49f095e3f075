// How fast keys that are due all at once go: by whoever does the background work, in steps, and without pause where
// nobody else waits for the thread.
#include <larder/cache.h>

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "lib/core/core.h"

namespace larder {
namespace {

constexpr int kKeys = 200'000;
constexpr size_t kExpireStep = 5;

class ExpiryPaceTest : public ::testing::Test {
 protected:
  void Open(Background background) {
    clock_ = std::make_shared<ManualClock>();
    cache_ = *Cache::Open({.clock = clock_, .seed = 42, .background = background});
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), "v", {.ttl = absl::Milliseconds(50)}).ok());
    }
  }
  // Without reading a key, which would delete it.
  uint64_t Left() { return cache_->Stats()->keys; }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(ExpiryPaceTest, TickDeletesAllThatIsDueInSteps) {
  Open(Background::kTick);
  clock_->Advance(absl::Seconds(1));
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(Left(), 0u);
  const StepStats step = cache_->Stats()->step[kExpireStep];
  EXPECT_GE(step.steps, uint64_t{kKeys / 320});
  EXPECT_LE(step.entries_max, 320u) << "256 visits, and the rest of the segment's batch";
}

TEST_F(ExpiryPaceTest, TickSaysThatItWantsToGoOnAtOnce) {
  Open(Background::kTick);
  clock_->Advance(absl::Seconds(1));
  const absl::StatusOr<absl::Time> next = cache_->Tick(absl::InfinitePast());
  ASSERT_TRUE(next.ok());
  EXPECT_GT(Left(), 0u);
  EXPECT_LE(*next, absl::FromUnixMicros(clock_->NowUs()));
}

TEST_F(ExpiryPaceTest, AThreadOfItsOwnDoesNotWaitForTheNextRound) {
  Open(Background::kThread);
  clock_->Advance(absl::Seconds(1));
  // The clock stands still: what needs another round would never go.
  while (Left() != 0) std::this_thread::yield();
}

// 1/hz seconds later, as it was, would be 24,000 keys a second.
TEST_F(ExpiryPaceTest, ALoopComesBackWithinTwoMillisecondsAsLongAsKeysAreDue) {
  Open(Background::kLoop);
  clock_->Advance(absl::Seconds(1));
  int rounds = 0;
  for (uint64_t left = Left(); left != 0; ++rounds) {
    const int64_t now_us = clock_->NowUs();
    const int64_t next_us = cache_->core().BackgroundStep(INT64_MAX);
    const uint64_t now = Left();
    ASSERT_LT(now, left) << rounds;
    left = now;
    if (left != 0) {
      ASSERT_LE(next_us, now_us + 2000);
    }
  }
  EXPECT_GT(rounds, 2) << "it has clients to serve in between";
}

}  // namespace
}  // namespace larder
