// Larder's own eviction in the simulator: the real Evictor over a table of buckets that stands in for the keyspace's.
//
// The table has 64-byte buckets of 7 places, about six sevenths full, a bucket that is full overflows into the next
// one, and buckets are in hash order: what the evictor can see of the real one. Capacity is counted in payload.
#ifndef LARDER_TESTS_BENCH_EVICTION_SAMPLED_H_
#define LARDER_TESTS_BENCH_EVICTION_SAMPLED_H_

#include <memory>

#include "lib/keyspace/evictor.h"
#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {

struct SampledStats {
  uint64_t evicted = 0;
  uint64_t visited = 0;
};

// `samples` is maxmemory-samples. `stats`, if given, is written when the policy goes.
std::unique_ptr<Policy> MakeSampled(keyspace::EvictionOrder order, size_t keys, uint64_t capacity, uint64_t seed,
                                    int samples = 5, SampledStats* stats = nullptr);

}  // namespace larder::bench::eviction

#endif  // LARDER_TESTS_BENCH_EVICTION_SAMPLED_H_
