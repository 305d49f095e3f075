// How one drainer at a time is kept from losing what is posted while it leaves: a poster signals when it found posted_
// empty, and the drainer looks at posted_ once more after it has given up its role. Whoever drains between the two does
// the work; a drainer that was refused may go to sleep, since the one that refused it looks again.
//
// Closing follows the same rule with closed_: whoever has the drainer's role and sees it puts the mark into posted_ and
// cancels everything. The stores and loads of closed_ and draining_ are sequentially consistent for its sake: either
// Close gets the role, or the drainer sees closed_ before or after it gives the role up.
#include "lib/executor/delivery.h"

#include <utility>

#include "lib/base/check.h"

namespace larder::inline v0::executor {

DeliveryQueue::~DeliveryQueue() {
  const bool closed = Close();
  LARDER_CHECK(closed);  // destroyed from inside a delivery
}

void DeliveryQueue::SetWaker(void (*wake)(void* arg), void* arg) {
  wake_ = wake;
  wake_arg_ = arg;
}

void DeliveryQueue::Signal() const {
  if (wake_ != nullptr) wake_(wake_arg_);
}

bool DeliveryQueue::HasPosted() const {
  const Delivery* const newest = posted_.load(std::memory_order_seq_cst);
  return newest != nullptr && newest != ClosedMark();
}

bool DeliveryQueue::HasWork() const { return left_over_.load(std::memory_order_relaxed) || HasPosted(); }

bool DeliveryQueue::Post(std::unique_ptr<Delivery>&& delivery) {
  LARDER_DCHECK(delivery != nullptr);
  if (closed_.load(std::memory_order_relaxed)) return false;
  Delivery* newest = posted_.load(std::memory_order_relaxed);
  do {
    if (newest == ClosedMark()) return false;
    delivery->next_ = newest;
  } while (!posted_.compare_exchange_weak(newest, delivery.get(), std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  (void)delivery.release();
  if (newest == nullptr) Signal();
  return true;
}

// --- The drainer's role. ---

bool DeliveryQueue::TakeRole() {
  uint32_t nobody = 0;
  if (!draining_.compare_exchange_strong(nobody, 1, std::memory_order_seq_cst)) return false;
  drainer_.store(Self(), std::memory_order_relaxed);
  return true;
}

void DeliveryQueue::LeaveRole() {
  left_over_.store(ready_ != nullptr, std::memory_order_relaxed);
  drainer_.store(0, std::memory_order_relaxed);
  if (draining_.exchange(0, std::memory_order_seq_cst) == 2) FutexWakeAll(&draining_);
}

size_t DeliveryQueue::DrainWhile(bool (*keep_going)(void*), void* arg) {
  size_t count = 0;
  for (;;) {
    if (!TakeRole()) return count;
    count += DeliverSome(keep_going, arg);
    const bool left_over = ready_ != nullptr;
    LeaveRole();
    if (closed_.load(std::memory_order_seq_cst) && posted_.load(std::memory_order_seq_cst) != ClosedMark()) continue;
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
    if (closed_.load(std::memory_order_seq_cst)) return count + CancelAll();
    if (count != 0 && !keep_going(arg)) return count;
    const std::unique_ptr<Delivery> next(Next());
    if (next == nullptr) return count;
    next->Deliver(/*cancelled=*/false);
    ++count;
  }
}

size_t DeliveryQueue::CancelAll() {
  Delivery* const newest = posted_.exchange(ClosedMark(), std::memory_order_seq_cst);
  if (newest != ClosedMark()) Append(newest);
  size_t count = 0;
  while (ready_ != nullptr) {
    const std::unique_ptr<Delivery> next(Next());
    next->Deliver(/*cancelled=*/true);
    ++count;
  }
  return count;
}

// The oldest delivery, out of the queue; null if there is none.
Delivery* DeliveryQueue::Next() {
  if (ready_ == nullptr && HasPosted()) Append(posted_.exchange(nullptr, std::memory_order_seq_cst));
  Delivery* const next = ready_;
  if (next != nullptr) {
    ready_ = next->next_;
    if (ready_ == nullptr) ready_tail_ = nullptr;
  }
  return next;
}

// Appends what was posted to ready_, turned round.
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

bool DeliveryQueue::Close(int64_t wait_ns_max) {
  closed_.store(true, std::memory_order_seq_cst);
  if (drainer_.load(std::memory_order_relaxed) == Self()) return false;
  const int64_t end_ns = wait_ns_max < 0 ? 0 : MonotonicNs() + wait_ns_max;
  while (!TakeRole()) {
    int64_t left_ns = kWaitForever;
    if (wait_ns_max >= 0) {
      left_ns = end_ns - MonotonicNs();
      if (left_ns <= 0) return false;
    }
    uint32_t seen = 1;
    if (draining_.compare_exchange_strong(seen, 2, std::memory_order_seq_cst) || seen == 2) {
      FutexWait(draining_, 2, left_ns);
    }
  }
  CancelAll();
  LeaveRole();
  return true;
}

void DeliveryQueue::Abandon() {
  closed_.store(true, std::memory_order_relaxed);
  posted_.store(ClosedMark(), std::memory_order_relaxed);
  ready_ = ready_tail_ = nullptr;
  drainer_.store(0, std::memory_order_relaxed);
  draining_.store(0, std::memory_order_relaxed);
}

}  // namespace larder::inline v0::executor
