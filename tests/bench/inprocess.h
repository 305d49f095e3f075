// A cache inside the process beside a map that a program could use instead. Figures are those of measure.h.
#ifndef LARDER_TESTS_BENCH_INPROCESS_H_
#define LARDER_TESTS_BENCH_INPROCESS_H_

#include <cstddef>
#include <cstdint>

#include "tests/bench/measure.h"

namespace larder::bench {

// CPU ns of one GET into a reused string, 1,000 keys, one thread: a BARE flat_hash_map, no lock, and a cache.
Compared GetHot(size_t value_bytes);

// CPU ns of one GET into a reused string, 1 M keys in random order, one thread: the map behind a mutex, and a cache.
struct Cold {
  Compared one_by_one;
  Compared batches_of_16;  // MGet, per key, against the same one by one of the map
};
Cold GetCold(size_t value_bytes);

// Threads that GET and SET 1,000 keys of 64 B as fast as they can: the map behind a mutex, and a cache.
struct Mixed {
  Compared ops_per_second;
  Compared cpu_ns;  // of one operation
};
Mixed GetAndSet(int threads, int set_percent);

// Resident bytes that a key takes over its key and value, 1 M keys of 16 B, each measured in a child process.
enum class Holder { kMap, kLarder };
double BytesOverPayload(Holder holder, size_t value_bytes, bool with_ttl);

// The CPU time of the writing thread for each SET of a new key, from an empty cache up, and the wall time beside it.
struct Growth {
  struct Figures {
    uint64_t p50_ns, p99_ns, p9999_ns, max_ns;
  };
  Figures cpu;
  Figures wall;
  uint64_t clock_ns;  // what reading the clocks adds to each of the CPU figures (median)
};
Growth Grow(Holder holder, size_t keys, size_t value_bytes);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_INPROCESS_H_
