#include "lib/core/loop_pace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace larder::core {
namespace {

constexpr int64_t kMs = 1'000'000;

// Rounds that always find more to do, on a loop whose timers are late by this much. Returns the share of time in
// percent.
double ShareOf(int effort, int64_t late_ns) {
  LoopPace pace;
  int64_t now_ns = 12345 * kMs;
  const int64_t began_ns = now_ns;
  int64_t spent_ns = 0;
  for (int round = 0; round < 10'000; ++round) {
    const int64_t start_ns = now_ns;
    const int64_t share_ns = pace.Begin(now_ns, effort);
    EXPECT_LE(share_ns, LoopPace::kShareMaxNs);
    spent_ns += share_ns;
    now_ns += share_ns;
    // The loop's timers are whole milliseconds, and it asks to be called again 2 ms after it began.
    const int64_t left_ns = start_ns + LoopPace::kPeriodMs * kMs - now_ns;
    now_ns += std::max<int64_t>((left_ns + kMs - 1) / kMs, 0) * kMs + late_ns;
  }
  return 100.0 * static_cast<double>(spent_ns) / static_cast<double>(now_ns - began_ns);
}

TEST(LoopPaceTest, AtEffortOneExpiryTakesAQuarterOfTheTime) {
  EXPECT_NEAR(ShareOf(1, 0), 25, 0.5);
  EXPECT_NEAR(ShareOf(1, 100'000), 25, 0.5);
  EXPECT_NEAR(ShareOf(1, 700'000), 25, 0.5) << "late timers are made up for";
}

TEST(LoopPaceTest, MoreEffortTakesMore) {
  double before = 0;
  for (int effort = 1; effort <= 10; ++effort) {
    const double share = ShareOf(effort, 50'000);
    EXPECT_GT(share, before) << effort;
    before = share;
  }
  EXPECT_LT(before, 45);
}

TEST(LoopPaceTest, ALoopThatHasBeenIdleIsNotHeldUpForIt) {
  LoopPace pace;
  EXPECT_EQ(pace.Begin(kMs, 1), LoopPace::kShareMinNs);
  EXPECT_EQ(pace.Begin(3'600'000 * kMs, 1), LoopPace::kShareMaxNs);
  EXPECT_EQ(pace.Begin(3'600'000 * kMs + 1, 1), LoopPace::kShareMinNs);
}

}  // namespace
}  // namespace larder::core
