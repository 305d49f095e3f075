// The listeners of a cache, as the cache knows them: who has to be told, asked and stopped.
//
// Lifetime: a hook may be destroyed while others close the cache: Remove returns when nobody is inside of a call of it.
// Threads: every method, from any thread; the hooks' own calls as it says there.
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
  // will touch the cache. False if that could not be had until `deadline_us` of the cache's clock; it may be called
  // again. Called by Close, on the closing threads, without the executor.
  virtual bool StopForClose(int64_t deadline_us) = 0;
  // After that: ends the sessions that were served (CacheCore::EndSession), for which it waits for the executor unless
  // that is closed.
  virtual void EndForClose() = 0;
  // Its first address, for a message.
  virtual void AppendName(base::Line* to) const = 0;
  // Background work is there to be done by the loop (Background::kLoop). Any thread, also under the executor.
  virtual void WakeForBackground() = 0;
  // EngineHost::Relisten in two steps, so that all listeners do it or none. The first does all that may fail, and what
  // is in force stays so. The second follows each first, also one that has failed: with `all` what was prepared is put
  // in force, which cannot fail; without it is dropped. Any thread, under the executor, nothing in between.
  virtual absl::Status PrepareRelisten(const Options& changed, bool tls, engine::ListenerPart* failed) = 0;
  virtual void FinishRelisten(bool all) = 0;
  // How many of `wanted` clients the process has descriptors for. Any thread.
  virtual uint32_t FittingClients(uint32_t wanted) const = 0;
  virtual std::string_view poller_name() const = 0;
  virtual int tcp_port() const = 0;

 protected:
  friend class Listeners;
  ~ListenerHook() = default;
  ListenerHook* next_hook_ = nullptr;
  int closers_ = 0;  // threads that are inside of a call of the first two
};

class Listeners {
 public:
  // False after StopAll has begun.
  bool Add(ListenerHook* listener);
  // Waits for closers that are inside of it: it must have stopped before, or nobody may be waiting for that.
  void Remove(ListenerHook* listener);

  // fn(ListenerHook&) for the first, or for all while it returns true.
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

  // EngineHost::Relisten. What the first that cannot do it says: then all stay as they are.
  absl::Status Relisten(const Options& changed, bool tls, engine::ListenerPart* failed);

  // False if one did not stop: `*late` has its name.
  bool StopAll(int64_t deadline_us, base::Line* late);
  void EndAll();

 private:
  template <class F>
  void Visit(F&& fn);

  mutable std::mutex mutex_;
  std::condition_variable left_;  // a closer has
  ListenerHook* first_ = nullptr;
  bool closing_ = false;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_LISTENERS_H_
