// The listeners of a cache, through the calls that the cache makes to them.
//
// Lifetime: a hook may be destroyed while others close the cache. Remove returns when no thread is inside a call of it.
// Threads: any thread may call every method. The comments of the hooks' calls tell theirs.
#ifndef LARDER_CORE_LISTENERS_H_
#define LARDER_CORE_LISTENERS_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include <larder/options.h>
#include "lib/base/fixed_text.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::core {

class ListenerHook {
 public:
  // Stops serving: nobody is read, answered or accepted any more, and neither a thread nor a loop of the listener's
  // will touch the cache. Returns false if that was not possible until `deadline_us` of the cache's clock; it may be
  // called again. Close calls it, on the closing threads, without the executor.
  virtual bool StopForClose(int64_t deadline_us) = 0;
  // It follows StopForClose: ends the sessions that were served (CacheCore::EndSession). It waits for the executor for
  // that, unless that is closed.
  virtual void EndForClose() = 0;
  // Its first address, for a message.
  virtual void AppendName(base::Line* to) const = 0;
  // There is background work for the loop (Background::kLoop). Any thread may call it, also under the executor.
  virtual void WakeForBackground() = 0;
  // EngineHost::Relisten in two steps, so that all listeners do it or none. The first does all that may fail, and
  // leaves in force what is in force. The second follows each first, also one that has failed: with `all` it puts the
  // prepared sockets and channels in force, which cannot fail; without, it drops them. Any thread may call them, both
  // in one hold on the executor.
  virtual absl::Status PrepareRelisten(const Options& changed, bool tls, engine::ListenerPart* failed) = 0;
  virtual void FinishRelisten(bool all) = 0;
  // How many of `wanted` clients the process has descriptors for. Any thread may call it.
  virtual uint32_t FittingClients(uint32_t wanted) const = 0;
  virtual std::string_view poller_name() const = 0;
  virtual int tcp_port() const = 0;

 protected:
  friend class Listeners;
  ~ListenerHook() = default;
  ListenerHook* next_hook_ = nullptr;
  int closers_ = 0;  // threads inside a call of the first two
};

class Listeners {
 public:
  // Returns false after StopAll has begun.
  bool Add(ListenerHook* listener);
  // Waits for closers that are inside a call of the hook. REQUIRES: the listener has stopped, or no closer waits for
  // that.
  void Remove(ListenerHook* listener);

  // Calls fn(ListenerHook&) for the first, or for all while it returns true.
  template <class F>
  void First(F&& fn) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (first_ != nullptr) fn(*first_);
  }
  template <class F>
  void ForEach(F&& fn) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (ListenerHook* listener = first_; listener != nullptr && fn(*listener); listener = listener->next_hook_) {
    }
  }

  // EngineHost::Relisten. If a listener cannot do it, returns its error, and all stay as they are.
  absl::Status Relisten(const Options& changed, bool tls, engine::ListenerPart* failed);

  // Returns false if one did not stop: `*late` has its name.
  bool StopAll(int64_t deadline_us, base::Line* late);
  void EndAll();

 private:
  template <class F>
  void Visit(F&& fn);

  mutable std::mutex mutex_;
  std::condition_variable left_;  // a closer has left a hook
  ListenerHook* first_ = nullptr;
  bool closing_ = false;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_LISTENERS_H_
