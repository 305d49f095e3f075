// LoopPace: how much of an event loop's time active expiry takes while more keys are due than one round can delete.
//
// As in Redis it is a quarter at active-expire-effort 1, and 2 % more for each point above that. Redis takes it in
// rounds of up to 25 ms; an event loop here is back at its sockets within a millisecond, and comes again 2 ms after a
// round has begun. What a round may take is a share of the time since the one before it began, so that a timer that is
// late makes up for it in the next round. Several loops, and Tick beside them, share one pace.
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
  static constexpr int64_t kShareMinNs = 100'000;  // a step or two, whatever came before
  static constexpr int64_t kShareMaxNs = 1'000'000;

  static constexpr int64_t PercentAt(int effort) { return 25 + 2 * (effort - 1); }

  // A round begins: so long it may go on expiring.
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
