// Random: a small seeded generator for picks (RANDOMKEY, eviction, tests). It is not for secrets.
//
// It is SplitMix64 (Sebastiano Vigna, 2015, public domain): 64 bits of state, full period 2^64. It passes BigCrush, and
// any seed is good, including 0. The seed comes from Options, so a run can be repeated.
//
// Threads: the owner guards it.
#ifndef LARDER_BASE_RANDOM_H_
#define LARDER_BASE_RANDOM_H_

#include <cstdint>

#include "lib/base/check.h"

namespace larder::inline v0::base {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, n), without bias (Lemire, "Fast random integer generation in an interval", 2019). REQUIRES: n > 0.
  uint64_t Below(uint64_t n);

  // Uniform in [0, 1), 53 bits.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_RANDOM_H_
