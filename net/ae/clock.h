// The event loop's clock: microseconds that never go back, counted from an arbitrary start. It is no wall clock: a loop
// that read one would stall or race whenever an administrator sets the date.
#ifndef LARDER_NET_AE_CLOCK_H_
#define LARDER_NET_AE_CLOCK_H_

#include <cstdint>

#include "lib/base/monotonic.h"

namespace larder::inline v0::ae {

// Threads: the loop's own.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual int64_t NowUs() = 0;

  // True if this clock moves only when it is set by hand. A loop then never sleeps "until" a time event: it sleeps
  // until it is woken, so whoever sets the clock calls EventLoop::WakeUp after that.
  virtual bool Manual() const = 0;
};

class MonotonicClock final : public Clock {
 public:
  int64_t NowUs() override { return base::MonotonicNs() / 1'000; }
  bool Manual() const override { return false; }
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_CLOCK_H_
