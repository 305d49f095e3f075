// What time it is, for the event loop: microseconds that never go back, from a start that means nothing. There is no
// wall clock here: a loop that read one would stall or race whenever an administrator sets the date.
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

  // True when time moves only by somebody's hand. A loop then never sleeps "until" a time event: it sleeps until it is
  // woken, and whoever moves the time calls EventLoop::WakeUp.
  virtual bool Manual() const = 0;
};

class MonotonicClock final : public Clock {
 public:
  int64_t NowUs() override { return base::MonotonicNs() / 1'000; }
  bool Manual() const override { return false; }
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_CLOCK_H_
