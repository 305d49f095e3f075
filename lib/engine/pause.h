// Pause: CLIENT PAUSE's state. The sessions of listeners and in-memory RESP connections are held by it: a request that
// may not run yet stays where it is, and with it all that the client has sent after it. Execute, NewSession and typed
// calls are never held.
//
// While it lasts, no key expires actively and none is evicted for a held client, so that what the clients see does not
// change under their eyes. A key whose time has come is missing at once, as ever, but stays, and counts in DBSIZE,
// until the pause is over or a write that is not held comes to it (Keyspace::HoldExpiry).
#ifndef LARDER_ENGINE_PAUSE_H_
#define LARDER_ENGINE_PAUSE_H_

#include <atomic>
#include <cstdint>

#include "lib/base/holder.h"

namespace larder::inline v0::engine {

enum class Paused : uint8_t { kNothing, kWrites, kAll };

class Pause {
 public:
  // Pauses can only grow: while one lasts, the stricter kind and the later end hold, as in Redis.
  void Extend(Paused what, int64_t until_ms, int64_t now_ms) LARDER_REQUIRES_HOLDER {
    if (At(now_ms) == Paused::kNothing) End();
    if (what > what_) what_ = what;
    if (until_ms > this->until_ms()) until_ms_.store(until_ms, std::memory_order_relaxed);
  }
  void End() LARDER_REQUIRES_HOLDER {
    what_ = Paused::kNothing;
    until_ms_.store(0, std::memory_order_relaxed);
  }
  Paused At(int64_t now_ms) const LARDER_REQUIRES_HOLDER { return now_ms < until_ms() ? what_ : Paused::kNothing; }

  // Any thread: when it ends, or ended if nobody has noticed yet; 0 if there is none. What it says may be old news, so
  // that it serves to decide whether asking the executor is worth while.
  int64_t until_ms() const { return until_ms_.load(std::memory_order_relaxed); }

 private:
  Paused what_ LARDER_GUARDED_BY_HOLDER = Paused::kNothing;
  std::atomic<int64_t> until_ms_{0};
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_PAUSE_H_
