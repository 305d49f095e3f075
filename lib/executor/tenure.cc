// The holder's tenure: serving waiting threads and batches, and passing the executor on. executor.cc has the rules.
#include "lib/executor/tenure.h"

namespace larder::inline v0::executor {

using internal::Kind;
using internal::Node;
using internal::Request;
using internal::Ticket;

using internal::Add;
using internal::Raise;

// --- The holder's tenure. ---

void Executor::ReleaseSlow() {
  if (pid_ != 0) {
    if (ProcessChanged()) return;
    uintptr_t held = kHeld | kChecked;  // nobody waits: this does what the inline Release does if fork wipes the page
    if (word_->compare_exchange_strong(held, kFree | kChecked, std::memory_order_release, std::memory_order_relaxed)) {
      return;
    }
  }
  Serve(nullptr);
}

// Moves the nodes that have joined to queue_. `word` becomes a value without a node. Returns false in a forked child.
bool Executor::TakePending(uintptr_t& word) {
  word = word_->load(std::memory_order_relaxed);
  Node* newest = nullptr;
  while ((word & ~kFlags) != 0) {
    const uintptr_t taken = (word & kFlags) | kQueue;
    if (word_->compare_exchange_weak(word, taken, std::memory_order_acquire, std::memory_order_relaxed)) {
      newest = reinterpret_cast<Node*>(word & ~kFlags);
      word = taken;
    }
  }
  if (word == 0) return false;
  LARDER_DCHECK((word & kHeld) != 0);
  Node* oldest = nullptr;
  while (newest != nullptr) {
    Node* const older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  while (oldest != nullptr) {
    Node* const newer = oldest->next;
    if (oldest->kind == Kind::kLoop) {
      PutFirst(*oldest);
    } else {
      Append(*oldest);
    }
    oldest = newer;
  }
  return true;
}

bool Executor::TryFree(uintptr_t word) {
  LARDER_DCHECK(queue_head_ == nullptr && (word & (kHeld | kClosing)) == kHeld);
  return word_->compare_exchange_strong(word, (word & kChecked) | kFree, std::memory_order_release,
                                        std::memory_order_relaxed);
}

// Serves the queue for one tenure, and lets go of the executor. `own` is a batch that this thread is in the middle of:
// with it the thread keeps the executor (kHolding), unless a waiting thread must have it; then `own` goes to the end of
// the queue.
Executor::Served Executor::Serve(Ticket* own) {
  if (ProcessChanged()) return Served::kForked;
  Tenure tenure;
  Add(counters_.tenures);
  for (;;) {
    uintptr_t word;
    if (!TakePending(word)) return Served::kForked;
    if ((word & kClosing) != 0) {
      CloseQueue(tenure);
      tenure.Finish();
      return Served::kClosed;
    }
    Node* const node = queue_head_;
    if (node == nullptr) {
      if (own != nullptr) {
        word_->fetch_and(~(kQueue | kHere), std::memory_order_relaxed);
        tenure.Finish();
        return Served::kHolding;
      }
      if (!TryFree(word)) continue;
      tenure.Finish();
      return Served::kLetGo;
    }
    if (node->kind == Kind::kEngine && !tenure.Spent()) {
      Request& request = *static_cast<Request*>(node);
      if (request.is_short == nullptr || request.is_short(request)) {
        RunRequest(tenure, request);
      } else {
        request.kind = Kind::kUser;
        Add(counters_.left_to_threads);
      }
      continue;
    }
    if (node->kind == Kind::kBatch && !tenure.slice_run) {
      RunQueuedSlice(tenure, *static_cast<Ticket*>(node), own == nullptr);
      continue;
    }
    // The tenure ends here, and the next waiting thread goes on. If there is none, only batches wait, and their loops
    // are woken.
    Request* const next = FirstRequest();
    const bool may_lend = next != nullptr && MayLend(tenure, *next, word);
    if (next != nullptr && !may_lend) {
      if (own != nullptr) Requeue(*own);
      HandOver(tenure, *next);
      tenure.Finish();
      return Served::kLetGo;
    }
    if (own != nullptr) {
      tenure.Finish();
      return Served::kHolding;
    }
    if (may_lend) {
      if (!TryLend(word)) continue;
      tenure.Finish();
      return Served::kLetGo;
    }
    WakeAllBatches(tenure);
  }
}

void Executor::RunRequest(Tenure& tenure, Request& request) {
  LARDER_DCHECK(queue_head_ == &request && request.kind == Kind::kEngine && request.run != nullptr);
  Prefetch();
  PopFront();
  request.run(request);
  tenure.Publish(request, internal::kDone);
  tenure.now_ns = MonotonicNs();
  ++tenure.requests;
  Add(counters_.ran_for_others);
  Raise(counters_.tenure_requests_max, tenure.requests);
  Raise(counters_.tenure_ns_max, tenure.now_ns - tenure.started_ns);
}

// Overlaps the cache misses of the next requests: runs one stage of all of them, then the next stage.
void Executor::Prefetch() {
  constexpr int kWindow = 16;
  constexpr int kStages = 3;
  if (prefetched_ > 0) {
    --prefetched_;
    return;
  }
  Request* window[kWindow];
  int count = 0;
  for (Node* node = queue_head_; node != nullptr && count < kWindow; node = node->next) {
    if (node->kind == Kind::kEngine) window[count++] = static_cast<Request*>(node);
  }
  prefetched_ = count - 1;
  if (count < 2) return;
  for (int stage = 0; stage < kStages; ++stage) {
    for (int i = 0; i < count; ++i) {
      if (window[i]->prefetch != nullptr) window[i]->prefetch(*window[i], stage);
    }
  }
}

// Whether newcomers may have the executor before the thread of `next`: only while that thread wakes from its sleep.
bool Executor::MayLend(Tenure& tenure, Request& next, uintptr_t word) {
  if ((word & kHere) != 0) return false;
  uint32_t state = next.state.load(std::memory_order_relaxed);
  if (state == internal::kSleeping) {
    if (tenure.called != nullptr)
      return false;  // `next` is a loop that came after this tenure had called another thread
    next.state.store(internal::kCalled, std::memory_order_release);  // only the holder changes a sleeper's state
    tenure.called = &next.state;
    called_ns_ = tenure.now_ns;
    lent_ = 0;
    return true;
  }
  if (state != internal::kCalled) return false;
  Add(counters_.lent);
  return ++lent_ <= kRequestsMax && tenure.now_ns - called_ns_ < kTenureNsMax;
}

bool Executor::TryLend(uintptr_t word) {
  LARDER_DCHECK(queue_head_ != nullptr && (word & (kHeld | kClosing | kHere)) == kHeld);
  return word_->compare_exchange_strong(word, (word & ~kHeld) | kFree | kQueue, std::memory_order_release,
                                        std::memory_order_relaxed);
}

// Clears the flags for the next holder: it has called no thread yet, and if nobody waits, its Release need not look and
// newcomers need not queue. (With kQueue left set, two threads of user code handed over to each other for ever: 1.9 M
// calls a second.)
void Executor::ForgetTheCalled() {
  const uintptr_t gone = kHere | (queue_head_ == nullptr ? kQueue : 0);
  word_->fetch_and(~gone, std::memory_order_relaxed);
}

// Makes the thread of `request` the holder. After this nothing of the executor is ours.
void Executor::HandOver(Tenure& tenure, Request& request) {
  LARDER_DCHECK(request.kind != Kind::kBatch);
  Unlink(request);
  Add(counters_.handed_over);
  prefetched_ = 0;
  ForgetTheCalled();
  tenure.Publish(request, internal::kYouHold);
}

void Executor::SendLoopsAway() {
  LARDER_DCHECK(InsideUser());
  base::AssertHolder();
  uintptr_t word;
  if (ProcessChanged() || !TakePending(word)) return;
  Tenure tenure;
  while (queue_head_ != nullptr && queue_head_->kind == Kind::kLoop) {
    tenure.Publish(*static_cast<Request*>(PopFront()), internal::kSentAway);
    prefetched_ = 0;
    ForgetTheCalled();  // the called thread may have been one of these
  }
  tenure.Finish();
}

// --- The queue, which belongs to the holder. ---

void Executor::Append(Node& node) {
  LARDER_DCHECK((queue_head_ == nullptr) == (queue_tail_ == nullptr));
  node.next = nullptr;
  (queue_tail_ != nullptr ? queue_tail_->next : queue_head_) = &node;
  queue_tail_ = &node;
}

// Puts the node in front, behind the loops that wait already.
void Executor::PutFirst(Node& node) {
  LARDER_DCHECK(node.kind == Kind::kLoop);
  Node** link = &queue_head_;
  while (*link != nullptr && (*link)->kind == Kind::kLoop) link = &(*link)->next;
  node.next = *link;
  *link = &node;
  if (node.next == nullptr) queue_tail_ = &node;
  prefetched_ = 0;
}

Node* Executor::PopFront() {
  Node* const node = queue_head_;
  LARDER_DCHECK(node != nullptr);
  queue_head_ = node->next;
  if (queue_head_ == nullptr) queue_tail_ = nullptr;
  return node;
}

// The oldest request of a waiting thread. It may stand behind batches, of which there are no more than loops.
Request* Executor::FirstRequest() const {
  Node* node = queue_head_;
  while (node != nullptr && node->kind == Kind::kBatch) node = node->next;
  return static_cast<Request*>(node);
}

void Executor::Unlink(Node& node) {
  Node* before = nullptr;
  for (Node* each = queue_head_; each != &node; each = each->next) {
    LARDER_DCHECK(each != nullptr);
    before = each;
  }
  (before != nullptr ? before->next : queue_head_) = node.next;
  if (queue_tail_ == &node) queue_tail_ = before;
}

// Takes all batches out of the queue, to be given back to their loops.
void Executor::WakeAllBatches(Tenure& tenure) {
  Node* node = queue_head_;
  queue_head_ = queue_tail_ = nullptr;
  while (node != nullptr) {
    Node* const next = node->next;
    if (node->kind != Kind::kBatch) {
      Append(*node);
    } else if (Ticket& ticket = static_cast<Ticket&>(*node); StartTicket(ticket)) {
      ReturnTicket(tenure, ticket, false);
    }
    node = next;
  }
}

}  // namespace larder::inline v0::executor
