// Larder's evictor beside the exact policies on short traces. tests/bench/eviction:simulate prints the long ones.
#include <gtest/gtest.h>

#include <string>

#include "tests/bench/eviction/policy.h"
#include "tests/bench/eviction/sampled.h"
#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {
namespace {

using keyspace::EvictionOrder;

double HitPercent(const Trace& trace, Policy& policy) {
  size_t hits = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    const uint32_t key = trace.requests[i];
    hits += policy.Get({key, trace.payload(key), Trace::NowMs(i), SIZE_MAX}) && i >= trace.warmup;
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size() - trace.warmup);
}

TEST(SampledTest, EachOrderIsNearTheExactOneOfItsName) {
  for (const std::string_view name : {"zipf-0.8", "scan", "shift", "mixed"}) {
    const Trace trace = MakeTrace(name, 7, 150'000);
    SCOPED_TRACE(std::string(name) + ", seed 7");
    const size_t keys = trace.keys();
    const uint64_t capacity = trace.capacity_bytes;
    const std::unique_ptr<Policy> exact[] = {MakeLru(keys, capacity), MakeLfu(keys, capacity, 7),
                                             MakeS3Fifo(keys, capacity)};
    const EvictionOrder orders[] = {EvictionOrder::kLru, EvictionOrder::kLfu, EvictionOrder::kS3Fifo};
    for (size_t i = 0; i < 3; ++i) {
      const auto ours = MakeSampled(orders[i], keys, capacity, 7);
      EXPECT_GE(HitPercent(trace, *ours), HitPercent(trace, *exact[i]) - 1) << "policy " << i;
    }
  }
}

}  // namespace
}  // namespace larder::bench::eviction
