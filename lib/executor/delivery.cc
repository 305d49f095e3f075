// Only one thread drains at a time, and nothing that is posted while it leaves may be lost. So a poster that found
// posted_ empty signals, and the drainer looks at posted_ once more after it has given up its role. Another drainer may
// do the work in between. A drainer that was refused may go to sleep, since the one in its way looks again.
#include "lib/executor/delivery.h"

#include <utility>

#include "lib/base/check.h"

namespace larder::inline v0::executor {

DeliveryQueue::~DeliveryQueue() { LARDER_CHECK(!HasWork() && !draining_.load(std::memory_order_relaxed)); }

void DeliveryQueue::SetWaker(void (*wake)(void* arg), void* arg) {
  LARDER_DCHECK(!HasWork());
  wake_ = wake;
  wake_arg_ = arg;
}

void DeliveryQueue::Signal() const {
  if (wake_ != nullptr) wake_(wake_arg_);
}

bool DeliveryQueue::HasWork() const { return left_over_.load(std::memory_order_relaxed) || HasPosted(); }

void DeliveryQueue::Post(std::unique_ptr<Delivery> delivery) {
  LARDER_DCHECK(delivery != nullptr);
  Delivery* newest = posted_.load(std::memory_order_relaxed);
  do {
    delivery->next_ = newest;
  } while (!posted_.compare_exchange_weak(newest, delivery.get(), std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  (void)delivery.release();
  if (newest == nullptr && !IsDrainer()) Signal();  // the drainer looks again before it leaves
}

// --- The drainer's role. ---

bool DeliveryQueue::TakeRole() {
  if (draining_.exchange(true, std::memory_order_seq_cst)) return false;
  drainer_.store(Self(), std::memory_order_relaxed);
  return true;
}

void DeliveryQueue::LeaveRole() {
  LARDER_DCHECK(IsDrainer());
  left_over_.store(ready_ != nullptr, std::memory_order_relaxed);
  drainer_.store(0, std::memory_order_relaxed);
  draining_.store(false, std::memory_order_seq_cst);
}

size_t DeliveryQueue::DrainWhile(bool (*keep_going)(void*), void* arg) {
  size_t count = 0;
  for (;;) {
    if (!TakeRole()) return count;
    count += DeliverSome(keep_going, arg);
    const bool left_over = ready_ != nullptr;
    LeaveRole();
    if (!left_over && !HasPosted()) return count;
    if (left_over || !keep_going(arg)) {
      Signal();
      return count;
    }
  }
}

size_t DeliveryQueue::DeliverSome(bool (*keep_going)(void*), void* arg) {
  size_t count = 0;
  for (;;) {
    if (count != 0 && !keep_going(arg)) return count;
    const std::unique_ptr<Delivery> next(Next());
    if (next == nullptr) return count;
    next->Deliver();
    ++count;
  }
}

// Takes the oldest delivery out of the queue; null if there is none.
Delivery* DeliveryQueue::Next() {
  LARDER_DCHECK(IsDrainer());
  if (ready_ == nullptr && HasPosted()) Append(posted_.exchange(nullptr, std::memory_order_seq_cst));
  Delivery* const next = ready_;
  if (next != nullptr) {
    ready_ = next->next_;
    if (ready_ == nullptr) ready_tail_ = nullptr;
  }
  return next;
}

// Appends the posted deliveries to ready_ in reverse order, the oldest first.
void DeliveryQueue::Append(Delivery* newest) {
  Delivery* const tail = newest;
  Delivery* oldest = nullptr;
  while (newest != nullptr) {
    Delivery* const older = newest->next_;
    newest->next_ = oldest;
    oldest = newest;
    newest = older;
  }
  if (oldest == nullptr) return;
  (ready_tail_ != nullptr ? ready_tail_->next_ : ready_) = oldest;
  ready_tail_ = tail;
}

// --- The end. ---

size_t DeliveryQueue::CountOwed() const {
  size_t count = 0;
  for (const Delivery* list : {const_cast<const Delivery*>(ready_), const_cast<const Delivery*>(posted_.load())}) {
    for (const Delivery* each = list; each != nullptr; each = each->next_) count += each->callbacks();
  }
  return count;
}

void DeliveryQueue::Abandon() {
  posted_.store(nullptr, std::memory_order_relaxed);
  ready_ = ready_tail_ = nullptr;
  left_over_.store(false, std::memory_order_relaxed);
  drainer_.store(0, std::memory_order_relaxed);
  draining_.store(false, std::memory_order_relaxed);
}

}  // namespace larder::inline v0::executor
