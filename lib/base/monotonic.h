// The machine's own clocks, to measure work. They are not the cache's time, which is its Clock's.
#ifndef LARDER_BASE_MONOTONIC_H_
#define LARDER_BASE_MONOTONIC_H_

#include <time.h>

#include <cstdint>

namespace larder::inline v0::base {

inline timespec ReadClock(clockid_t clock) {
  timespec now;
  ::clock_gettime(clock, &now);
  return now;
}

inline int64_t ReadClockNs(clockid_t clock) {
  const timespec now = ReadClock(clock);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

// It never goes back. It takes no system call: 22 ns.
inline int64_t MonotonicNs() { return ReadClockNs(CLOCK_MONOTONIC); }

// The CPU time of the calling thread. It takes a system call: 150 ns.
inline int64_t ThreadCpuNs() { return ReadClockNs(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_MONOTONIC_H_
