// The library beside the exact policies on short traces. tests/bench/eviction:simulate prints the long ones.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/bench/eviction/cache_replay.h"
#include "tests/bench/eviction/policy.h"
#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {
namespace {

double HitPercent(const Trace& trace, Policy& policy) {
  size_t hits = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    const uint32_t key = trace.requests[i];
    hits += policy.Get({key, trace.payload(key), Trace::NowMs(i), SIZE_MAX}) && i >= trace.warmup;
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size() - trace.warmup);
}

class CacheReplayTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  void ExpectNear(MaxmemoryPolicy policy, double exact) {
    const Replayed ours = ReplayThroughCache(trace_, policy);
    EXPECT_GE(ours.hit_percent, exact - 1);
    EXPECT_NEAR(ours.held, 1, 0.03);
  }

  const Trace trace_ = MakeTrace(GetParam(), 7, 100'000);
};

INSTANTIATE_TEST_SUITE_P(Traces, CacheReplayTest, ::testing::Values("zipf-0.8", "scan", "shift", "mixed"));

TEST_P(CacheReplayTest, LruIsNearTheExactOne) {
  const double exact = HitPercent(trace_, *MakeLru(trace_.keys(), trace_.capacity_bytes));
  ExpectNear(MaxmemoryPolicy::kAllkeysLru, exact);
  ExpectNear(MaxmemoryPolicy::kVolatileLru, exact);
}

TEST_P(CacheReplayTest, LfuIsNearTheExactOne) {
  const double exact = HitPercent(trace_, *MakeLfu(trace_.keys(), trace_.capacity_bytes, 7));
  ExpectNear(MaxmemoryPolicy::kAllkeysLfu, exact);
  ExpectNear(MaxmemoryPolicy::kVolatileLfu, exact);
}

TEST_P(CacheReplayTest, S3FifoIsNearTheExactOne) {
  const double exact = HitPercent(trace_, *MakeS3Fifo(trace_.keys(), trace_.capacity_bytes));
  ExpectNear(MaxmemoryPolicy::kAllkeysS3Fifo, exact);
  ExpectNear(MaxmemoryPolicy::kVolatileS3Fifo, exact);
}

}  // namespace
}  // namespace larder::bench::eviction
