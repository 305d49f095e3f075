// CallbackQueue: what one subscriber in this process is still to be told, in the order in which it happened.
//
//   holder: Admit, Add ──► items ──► the delivery queue, one callback after the other: Call, on_dropped
//
// The holder that publishes never waits: what is past the bound, or finds no memory, is dropped and counted, or ends
// the queue (Options::on_overflow). The subscriber is told in the next callback how much was dropped.
//
// The queue has one Delivery, which is a part of it, so that posting it allocates nothing. It runs one callback and
// then posts itself again, so that all subscribers have their turns.
//
// An item lies in a memory::Block, which the holder makes and the drainer gives back. It counts as used memory.
//
// Lifetime: by references: one of the handle's, one while the Delivery is under way, and one of the end that takes the
// subscriber out of the engine. In a forked child all of them are leaked.
//
// Threads: the comments say who may call what. "The drainer" is the thread in DeliveryQueue::Drain, one at a time.
#ifndef LARDER_CORE_CALLBACK_QUEUE_H_
#define LARDER_CORE_CALLBACK_QUEUE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <larder/callbacks.h>
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/memory/block.h"

namespace larder::inline v0::core {

class CallbackQueue {
 public:
  // What a derived class puts at the front of an item's block.
  struct Item {
    Item* next = nullptr;
    memory::Block* block = nullptr;
    size_t counted = 0;  // against bytes_max
  };

  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;

  // --- The handle's side. Any thread. ---

  // The handle ends. When it returns, no callback is running and none will, and the user's functions are destroyed. The
  // exceptions: called from inside a callback, or from inside View or Atomically, it does not wait for one that is
  // running, and the functions live until that has returned. It is called once.
  void End();
  bool forked() const { return core_.Forked(); }
  // Nothing more comes: see OnOverflow::kClose.
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // How many were dropped so far.
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 protected:
  CallbackQueue(CacheCore& core, CallbackOptions options)
      : core_(core),
        bytes_max_(options.bytes_max),
        closes_(options.on_overflow == OnOverflow::kClose),
        on_dropped_(std::move(options.on_dropped)) {}
  virtual ~CallbackQueue() = default;  // REQUIRES: no items are left
  // A new queue, or nullptr without memory: for it, or for its end.
  template <class Queue>
  static Queue* Complete(Queue* made) {
    return made != nullptr && MakeEnding(*made) ? made : nullptr;
  }

  size_t bytes_max() const { return bytes_max_; }

  // --- The holder's side. ---

  // Leaves the engine: nothing is pushed any more.
  virtual void Leave() LARDER_REQUIRES_HOLDER = 0;

  // Whether there is room for so many bytes. If not, one more is dropped.
  bool Admit(size_t bytes) LARDER_REQUIRES_HOLDER;
  // One is dropped, because there is no memory for it.
  void Drop() LARDER_REQUIRES_HOLDER;
  // REQUIRES: Admit was asked for item->counted; the item's block is set.
  void Add(Item* item) LARDER_REQUIRES_HOLDER;

  // --- The drainer's side. The user's functions must not throw. ---

  virtual void Call(const Item& item) = 0;
  // The last callback of a queue that was closed has run: nothing more will be pushed.
  virtual void Closed() = 0;

  // --- Any thread, one at a time. ---

  // Gives back what the item refers to. Its block follows.
  virtual void Release(Item* item) = 0;
  // Destroys the user's function.
  virtual void ReleaseUser() = 0;

  CacheCore& core() const { return core_; }

 private:
  class Told;  // the Delivery
  class Ending;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();
  static bool MakeEnding(CallbackQueue& queue);
  void ReleaseFunctions();
  void Schedule();
  void Post();
  void Deliver();
  void Delivered();
  bool BeginCall();
  void EndCall();
  void RunCall();
  bool HasWork() const;
  Item* Next();
  void Free(Item* item);
  size_t CountCallbacks() const;

  CacheCore& core_;
  const size_t bytes_max_;
  const bool closes_;
  std::function<void(uint64_t)> on_dropped_;
  std::unique_ptr<SessionEnd> ending_;  // made ahead, so that no end can fail
  std::atomic<int> references_{1};
  std::atomic<Item*> posted_{nullptr};  // newest first
  std::atomic<size_t> bytes_{0};        // of all items that are not through
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> untold_{0};  // those of them that the subscriber was not told of
  std::atomic<bool> closed_{false};
  std::atomic<bool> scheduled_{false};  // the Delivery is under way

  Item* ready_ = nullptr;  // oldest first; by the drainer

  std::mutex mutex_;  // held for some instructions; guards all below
  std::condition_variable returned_;
  bool running_ = false;  // the drainer is in a callback
  bool ended_ = false;
  bool awaited_ = false;  // End waits for the callback's return, and destroys the user's functions itself

  alignas(std::max_align_t) char told_[64];
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_CALLBACK_QUEUE_H_
