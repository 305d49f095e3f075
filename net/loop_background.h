// LoopBackground: a cache's background work (active expiry, callbacks, freeing) on a listener's loop, for caches with
// Background::kLoop.
//
// Threads: any thread may call Wake. Everything else is for the loop's thread, or comes before the loop runs.
#ifndef LARDER_NET_LOOP_BACKGROUND_H_
#define LARDER_NET_LOOP_BACKGROUND_H_

#include <atomic>
#include <cstdint>

#include "lib/core/core.h"
#include "net/ae/ae.h"

namespace larder::inline v0 {

class LoopBackground {
 public:
  explicit LoopBackground(core::CacheCore& core) : core_(core) {}
  LoopBackground(const LoopBackground&) = delete;
  LoopBackground& operator=(const LoopBackground&) = delete;

  // Works after the events of each turn in which something is due. `own_clock`: the cache's clock is not the machine's.
  void Start(ae::EventLoop& loop, bool own_clock);
  // Takes everything out of the loop. It may be called without Start.
  void Stop();
  // There is work now. REQUIRES: Start was called.
  void Wake() {
    due_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }

 private:
  void Run();
  static int64_t OnTime(ae::EventLoop& loop, int64_t id, void* data);

  core::CacheCore& core_;
  ae::EventLoop* loop_ = nullptr;
  bool own_clock_ = false;
  ae::Hook hook_;
  int64_t time_event_ = 0;  // 0: none
  std::atomic<bool> due_{false};
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_LOOP_BACKGROUND_H_
