#include "lib/core/callback_queue.h"

#include <memory>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/executor/delivery.h"

namespace larder::inline v0::core {

// It lies in its queue, and deleting it gives the place back.
class CallbackQueue::Told final : public executor::Delivery {
 public:
  explicit Told(CallbackQueue& queue) : queue_(queue) {}
  ~Told() override = default;
  void Deliver() override { queue_.Deliver(); }
  size_t callbacks() const override { return queue_.CountCallbacks(); }

  static void operator delete(Told* told, std::destroying_delete_t) {
    CallbackQueue& queue = told->queue_;
    told->~Told();
    queue.Delivered();
  }

 private:
  CallbackQueue& queue_;
};

// The subscriber leaves the engine.
class CallbackQueue::Ending final : public SessionEnd {
 public:
  explicit Ending(CallbackQueue& queue) : queue_(queue) {}
  ~Ending() override {
    if (ended_) queue_.Unref();
  }
  void End() override LARDER_REQUIRES_HOLDER {
    queue_.Leave();
    ended_ = true;
  }

 private:
  CallbackQueue& queue_;
  bool ended_ = false;
};

bool CallbackQueue::MakeEnding(CallbackQueue& queue) {
  queue.ending_.reset(new (std::nothrow) Ending(queue));
  if (queue.ending_ != nullptr) return true;
  queue.Unref();
  return false;
}

void CallbackQueue::ReleaseFunctions() {
  ReleaseUser();
  on_dropped_ = nullptr;
}

void CallbackQueue::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  LARDER_DCHECK(ready_ == nullptr && posted_.load(std::memory_order_relaxed) == nullptr);
  delete this;
}

// ---- The holder -----------------------------------------------------------------------------------------------------

bool CallbackQueue::Admit(size_t bytes) {
  if (closed_.load(std::memory_order_relaxed)) return false;
  const size_t waiting = bytes_.load(std::memory_order_relaxed);
  if (bytes <= bytes_max_ && waiting <= bytes_max_ - bytes) return true;
  Drop();
  return false;
}

void CallbackQueue::Drop() {
  if (closed_.load(std::memory_order_relaxed)) return;
  dropped_.fetch_add(1, std::memory_order_relaxed);
  if (closes_) closed_.store(true, std::memory_order_release);  // before the drainer may tell it
  untold_.fetch_add(1, std::memory_order_seq_cst);
  Schedule();
}

void CallbackQueue::Add(Item* item) {
  bytes_.fetch_add(item->counted, std::memory_order_relaxed);
  Item* newest = posted_.load(std::memory_order_relaxed);
  do {
    item->next = newest;
  } while (!posted_.compare_exchange_weak(newest, item, std::memory_order_seq_cst, std::memory_order_relaxed));
  Schedule();
}

// The drainer clears the flag, and then looks for work once more: either it sees what was pushed, or this sees the
// flag cleared.
void CallbackQueue::Schedule() {
  if (scheduled_.exchange(true, std::memory_order_seq_cst)) return;
  Ref();
  Post();
}

void CallbackQueue::Post() {
  static_assert(sizeof(Told) <= sizeof(told_));
  core_.delivery().Post(std::unique_ptr<executor::Delivery>(new (told_) Told(*this)));
}

// ---- The drainer ----------------------------------------------------------------------------------------------------

bool CallbackQueue::HasWork() const {
  return ready_ != nullptr || posted_.load(std::memory_order_seq_cst) != nullptr ||
         untold_.load(std::memory_order_seq_cst) != 0;
}

CallbackQueue::Item* CallbackQueue::Next() {
  if (ready_ == nullptr) {
    for (Item* newest = posted_.exchange(nullptr, std::memory_order_seq_cst); newest != nullptr;) {
      ready_ = std::exchange(newest, std::exchange(newest->next, ready_));
    }
  }
  Item* const item = ready_;
  if (item != nullptr) ready_ = item->next;
  return item;
}

void CallbackQueue::Free(Item* item) {
  bytes_.fetch_sub(item->counted, std::memory_order_relaxed);
  memory::Block* const block = item->block;
  Release(item);
  block->Unref();
}

// False if nobody wants callbacks any more.
bool CallbackQueue::BeginCall() {
  const std::lock_guard<std::mutex> lock(mutex_);
  running_ = !ended_;
  return running_;
}

void CallbackQueue::EndCall() {
  bool left_to_us = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_ = false;
    left_to_us = ended_ && !awaited_;
    returned_.notify_all();
  }
  if (left_to_us) ReleaseFunctions();
}

// What was dropped is told first; in a queue that was closed, last. That one is looked at before the items: what is
// added while nothing is dropped yet comes before it.
void CallbackQueue::RunCall() {
  Item* item = nullptr;
  uint64_t untold = untold_.load(std::memory_order_seq_cst);
  if (closes_ || untold == 0) item = Next();
  if (item != nullptr) untold = 0;
  if (untold != 0) untold = untold_.exchange(0, std::memory_order_seq_cst);
  if (item != nullptr) {
    Call(*item);
    if (!core_.Forked()) Free(item);
  } else if (untold != 0) {
    if (on_dropped_ != nullptr) on_dropped_(untold);
    if (closes_ && !core_.Forked()) Closed();
  }
}

void CallbackQueue::Deliver() {
  if (!BeginCall()) {
    while (Item* const item = Next()) Free(item);
    untold_.store(0, std::memory_order_relaxed);
    return;
  }
  RunCall();
  if (!core_.Forked()) EndCall();  // in a child of the callback's, the mutex may be another thread's
}

void CallbackQueue::Delivered() {
  if (core_.Forked()) return;
  scheduled_.store(false, std::memory_order_seq_cst);
  if (HasWork() && !scheduled_.exchange(true, std::memory_order_seq_cst)) return Post();
  Unref();
}

size_t CallbackQueue::CountCallbacks() const {
  size_t count = untold_.load(std::memory_order_relaxed) != 0 ? 1 : 0;
  for (const Item* list : {static_cast<const Item*>(ready_), static_cast<const Item*>(posted_.load())}) {
    for (const Item* each = list; each != nullptr; each = each->next) ++count;
  }
  return count;
}

// ---- The handle -----------------------------------------------------------------------------------------------------

void CallbackQueue::End() {
  Ref();  // the ending's
  core_.EndSession(std::move(ending_));
  bool runs = false;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    ended_ = true;
    runs = running_;
    if (runs && !core_.delivery().IsDrainer() && !core_.executor().InsideUser()) {
      awaited_ = true;
      returned_.wait(lock, [this] { return !running_; });
      runs = false;
    }
  }
  if (!runs) ReleaseFunctions();
  Unref();
}

}  // namespace larder::inline v0::core
