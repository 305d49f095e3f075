// CacheClock: a cache's clock as an event loop's.
#ifndef LARDER_NET_CACHE_CLOCK_H_
#define LARDER_NET_CACHE_CLOCK_H_

#include <algorithm>
#include <cstdint>

#include <larder/clock.h>
#include "net/ae/clock.h"

namespace larder::inline v0 {

// The cache's clock, if a program gave it one of its own, made never to go back. A loop cannot tell how fast that runs,
// so the listener keeps its timers short.
class CacheClock final : public ae::Clock {
 public:
  explicit CacheClock(larder::Clock& clock) : clock_(clock) {}
  int64_t NowUs() override {
    const int64_t now_us = std::clamp(clock_.NowUs(), -kEndUs, kEndUs);
    ahead_us_ = std::min(ahead_us_ + std::max<int64_t>(last_us_ - now_us, 0), 2 * kEndUs);
    last_us_ = now_us;
    return now_us + ahead_us_;
  }
  bool Manual() const override { return false; }

 private:
  // A clock may be set to the first or the last possible moment, and the loop adds to its time.
  static constexpr int64_t kEndUs = INT64_MAX / 8;

  larder::Clock& clock_;
  int64_t last_us_ = -kEndUs;
  int64_t ahead_us_ = 0;
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_CACHE_CLOCK_H_
