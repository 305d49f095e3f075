// The delivery queue: every callback that a cache owes its user (subscriptions, events, ExecuteAsync). They run in the
// order of posting, one at a time, on the thread that `background` names and never inside another caller's call.
//
// Post is meant for holders of the executor, so that the order of delivery is the executor's order. It allocates
// nothing, waits for nobody, and is one compare-and-swap unless the queue was empty. Drain is for the drainer: the
// cache's own thread, an event loop's timer, or the host's Tick.
//
// Closing cancels no delivery: the user was promised all that was posted. The thread that closes delivers the rest,
// once every other drainer is gone. A delivery about a command that did not run finds that out by itself.
#ifndef LARDER_EXECUTOR_DELIVERY_H_
#define LARDER_EXECUTOR_DELIVERY_H_

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>


namespace larder::inline v0::executor {

// One callback with its data. The poster makes it with new (std::nothrow).
class Delivery {
 public:
  Delivery() = default;
  virtual ~Delivery() = default;
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // The drainer calls it once, with the executor not held, and then deletes the object. It may call the cache, post and
  // drain (which does nothing then). It must not throw.
  virtual void Deliver() = 0;
  // How many callbacks of the user's it stands for, at this moment. REQUIRES: nobody posts or drains.
  virtual size_t callbacks() const { return 1; }

 private:
  friend class DeliveryQueue;
  Delivery* next_ = nullptr;
};

class DeliveryQueue {
 public:
  DeliveryQueue() = default;
  // REQUIRES: no call is in progress, and nothing is left; in a forked child, Abandon was called.
  ~DeliveryQueue();
  DeliveryQueue(const DeliveryQueue&) = delete;
  DeliveryQueue& operator=(const DeliveryQueue&) = delete;

  // `wake(arg)` tells the drainer that there is work: after a post into an empty queue, unless it is the drainer's own,
  // and after a Drain that left some. It is called on the poster's thread, possibly with the executor held, so it should
  // only signal. REQUIRES: it is set before the first Post, and valid as long as the queue.
  void SetWaker(void (*wake)(void* arg), void* arg);

  void Post(std::unique_ptr<Delivery> delivery);

  // Delivers until nothing is left or `keep_going()`, asked between two deliveries, is false; at least one if there is
  // one. Returns how many. Only one call drains at a time: if another thread, or a caller of this one, is draining, it
  // returns 0 at once.
  template <class KeepGoing>
  size_t Drain(KeepGoing&& keep_going) {
    return DrainWhile([](void* arg) -> bool { return (*static_cast<std::remove_reference_t<KeepGoing>*>(arg))(); },
                      const_cast<void*>(static_cast<const void*>(&keep_going)));
  }
  size_t Drain() {
    return DrainWhile([](void*) { return true; }, nullptr);
  }

  // Whether a Drain would find work. It is exact only when nobody posts or drains.
  bool HasWork() const;

  // Whether this thread is in a Drain, and so perhaps in a delivery.
  bool IsDrainer() const { return drainer_.load(std::memory_order_relaxed) == Self(); }
  // How many callbacks wait. REQUIRES: nobody posts or drains.
  size_t CountOwed() const;

  // For a forked child, where the drainer may not exist: forgets all that is queued.
  void Abandon();

 private:
  static uintptr_t Self() { return static_cast<uintptr_t>(pthread_self()); }

  size_t DrainWhile(bool (*keep_going)(void*), void* arg);
  bool TakeRole();
  void LeaveRole();
  size_t DeliverSome(bool (*keep_going)(void*), void* arg);
  Delivery* Next();
  void Append(Delivery* newest);
  bool HasPosted() const { return posted_.load(std::memory_order_seq_cst) != nullptr; }
  void Signal() const;

  std::atomic<Delivery*> posted_{nullptr};  // newest first
  std::atomic<bool> draining_{false};       // a thread is the drainer
  std::atomic<uintptr_t> drainer_{0};       // the thread
  std::atomic<bool> left_over_{false};      // ready_ was not empty when the last drainer left

  // Only the drainer uses these.
  Delivery* ready_ = nullptr;  // oldest first
  Delivery* ready_tail_ = nullptr;

  void (*wake_)(void* arg) = nullptr;
  void* wake_arg_ = nullptr;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_DELIVERY_H_
