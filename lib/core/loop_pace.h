// LoopPace: the share of an event loop's time for active expiry while more keys are due than one round can delete.
//
// As in Redis it is a quarter at active-expire-effort 1, and 2 % more for each point above that. Redis takes it in
// rounds of up to 25 ms. An event loop here is back at its sockets within a millisecond, and begins another round 2 ms
// after the last. A round may take a share of the time since the last one began, so after a late timer the next round
// makes up for it. Several loops, and Tick beside them, share one pace.
//
// Threads: any. Times are the monotonic clock's, in ns.
#ifndef LARDER_CORE_LOOP_PACE_H_
#define LARDER_CORE_LOOP_PACE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace larder::inline v0::core {

class LoopPace {
 public:
  static constexpr int64_t kPeriodMs = 2;
  static constexpr int64_t kShareMinNs = 100'000;  // one or two steps in any case
  static constexpr int64_t kShareMaxNs = 1'000'000;

  static constexpr int64_t PercentAt(int effort) { return 25 + 2 * (effort - 1); }

  // Begins a round. Returns how long it may expire keys.
  int64_t Begin(int64_t now_ns, int effort) {
    const int64_t before_ns = began_ns_.exchange(now_ns, std::memory_order_relaxed);
    const int64_t passed_ns = before_ns == 0 ? 0 : std::clamp<int64_t>(now_ns - before_ns, 0, kShareMaxNs * 100);
    return std::clamp(passed_ns * PercentAt(effort) / 100, kShareMinNs, kShareMaxNs);
  }

 private:
  std::atomic<int64_t> began_ns_{0};
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_LOOP_PACE_H_
