// The slow paths of the executor: what happens when two meet.
//
// The lock word holds flags and the newest waiting node; nodes form a list, newest first. Joining is one compare-and-swap
// that puts a node in front. The holder takes the whole list at once, turns it round and appends it to queue_, which is
// its own (and passes with the executor from holder to holder). Nobody ever takes one node out of the shared list, so
// there is no ABA: a word that reads the same is the same.
//
//     word  [ address of newest node | flags ]──► newest ──► ... ──► oldest        shared
//     queue_head_ ──► oldest ──► ... ──► queue_tail_                               the holder's
//
// Invariants
// - Free means that nobody waits: a holder lets go by a compare-and-swap on a word without a node, with queue_ empty. So a
//   newcomer that finds the executor free overtakes nobody.
// - While queue_ is not empty the word has kQueue, so that the next holder's inline Release fails and comes here.
// - A request's last store is `state`: from then on its stack frame may be gone. A wake-up sent after it to that address
//   finds nobody, or somebody else's futex, whose owner looks again as all users of futexes must.
// - A ticket's memory ends with its loop (idle), or with the holder who finds it abandoned; `wakers` keeps it, and the
//   batch, while a holder is still inside Batch::Wake.
// - The word reads `closed` only after the last holder is done with this object: Close may return, and the executor be
//   destroyed, at that moment.
//
// A turn ends by time or count, and then the first waiting *thread* goes on: it is handed the executor, which stays held.
// Sleeping threads whose requests were run in the turn are woken after the executor has passed on, since each wake-up is
// a system call of about a microsecond that everybody else would wait for.
//
// Refused: a mutex (the convoy: with each switch of holder a wake-up on the critical path); pure flat combining (its holder
// works for others without bound, worst waits are six times a mutex's); a ticket or MCS lock (the same wake-up for each
// request, and the loop would have to wait).
#include "lib/executor/executor.h"

#include <unistd.h>

#include <bit>
#include <new>

namespace larder::inline v0::executor {

using internal::Kind;
using internal::Node;
using internal::Request;
using internal::Ticket;

namespace internal {

enum TicketState : uint32_t {
  kIdle,           // the loop's
  kFinishedBatch,  // the loop's: a stranger ran the last command, and the loop has not asked yet
  kQueued,         // in the queue
  kRunning,        // in a holder's turn
  kRunningWaited,  // in a holder's turn, and Cancel sleeps on `state`
  kAbandoned,      // in the queue, but the loop took the batch back: whoever meets it frees it
};

struct Ticket : Node {
  explicit Ticket(Batch* b) : Node(Kind::kBatch), batch(b) {}

  static constexpr uint32_t kWakerWaited = 1u << 31;  // Cancel sleeps on `wakers`

  Batch* const batch;
  bool finished = false;            // the holder's, while kRunning
  std::atomic<uint32_t> wakers{0};  // holders between publishing `state` and the return of Wake
};

}  // namespace internal

namespace {

uint64_t Load(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

// Only holders count, so no increment is lost.
void Add(std::atomic<uint64_t>& counter) { counter.store(Load(counter) + 1, std::memory_order_relaxed); }
void Raise(std::atomic<uint64_t>& counter, int64_t value) {
  if (static_cast<uint64_t>(value) > Load(counter)) {
    counter.store(static_cast<uint64_t>(value), std::memory_order_relaxed);
  }
}

// The half of the word that has the flags, for the futex.
const std::atomic<uint32_t>* FlagHalf(const std::atomic<uintptr_t>* word) {
  static_assert(std::endian::native == std::endian::little && sizeof(*word) == 8, "the low half comes first");
  return reinterpret_cast<const std::atomic<uint32_t>*>(word);
}

void AwaitWakers(Ticket& ticket) {
  uint32_t wakers = ticket.wakers.load(std::memory_order_acquire);
  if (wakers == 0) return;
  wakers = ticket.wakers.fetch_or(Ticket::kWakerWaited, std::memory_order_acquire) | Ticket::kWakerWaited;
  while (wakers != Ticket::kWakerWaited) {
    FutexWait(ticket.wakers, wakers);
    wakers = ticket.wakers.load(std::memory_order_acquire);
  }
  ticket.wakers.store(0, std::memory_order_relaxed);
}

}  // namespace

// One holder's work for others, and whom to wake when it has let go. It outlives its hold on the executor, so Finish
// touches nothing of the executor's.
struct Executor::Turn {
  int64_t started_ns = MonotonicNs();
  int64_t now_ns = started_ns;
  int requests = 0;
  bool slice_run = false;
  int sleeper_count = 0;
  Ticket* batches = nullptr;  // linked by `next`
  const std::atomic<uint32_t>* sleepers[kRequestsMax];

  bool Spent() const { return requests >= kRequestsMax || now_ns - started_ns >= kTurnNsMax; }

  // Ends the wait of `request`; the node is gone when this returns.
  void Publish(Request& request, internal::RequestState how) {
    const std::atomic<uint32_t>* const address = &request.state;
    const uint32_t was = request.state.exchange(how, std::memory_order_acq_rel);
    LARDER_DCHECK(was == internal::kWaiting || was == internal::kSleeping);
    if (was != internal::kSleeping) return;
    if (how == internal::kYouHold || sleeper_count == kRequestsMax) {
      FutexWakeOne(address);
    } else {
      sleepers[sleeper_count++] = address;
    }
  }

  void WakeLater(Ticket& ticket) {
    ticket.next = batches;
    batches = &ticket;
  }

  void Finish() {
    for (int i = 0; i < sleeper_count; ++i) FutexWakeOne(sleepers[i]);
    sleeper_count = 0;
    while (batches != nullptr) {
      Ticket& ticket = *batches;
      batches = static_cast<Ticket*>(ticket.next);
      GiveBack(ticket);
    }
  }

  static void GiveBack(Ticket& ticket) {
    Batch* const batch = ticket.batch;
    // Counted before the loop can see that the ticket is its own again, and so before it can be gone.
    ticket.wakers.fetch_add(1, std::memory_order_relaxed);
    const uint32_t now = ticket.finished ? internal::kFinishedBatch : internal::kIdle;
    const uint32_t was = ticket.state.exchange(now, std::memory_order_acq_rel);
    LARDER_DCHECK(was == internal::kRunning || was == internal::kRunningWaited);
    if (was == internal::kRunningWaited) FutexWakeAll(&ticket.state);
    batch->Wake();
    const std::atomic<uint32_t>* const address = &ticket.wakers;
    const uint32_t wakers = ticket.wakers.fetch_sub(1, std::memory_order_acq_rel);
    if ((wakers & Ticket::kWakerWaited) != 0) FutexWakeAll(address);
  }
};

// --- Life. ---

std::unique_ptr<Executor> Executor::Create(const Setup& setup) {
  std::unique_ptr<Executor> executor(new (std::nothrow) Executor);
  if (executor == nullptr || !executor->page_.Map(setup.wipe_on_fork)) return nullptr;
  uintptr_t word = kFree;
  if (!executor->page_.wiped()) {
    word |= kChecked;
    executor->pid_ = static_cast<int>(getpid());
  }
  executor->word_ = new (executor->page_.data()) std::atomic<uintptr_t>(word);
  // On one processor the holder cannot run while a waiter spins.
  executor->spin_ns_ = setup.spin_ns >= 0 ? setup.spin_ns : UsableProcessors() > 1 ? 1'500 : 0;
  return executor;
}

Executor::~Executor() {
  if (word_ == nullptr || Forked()) return;
  const bool closed = Close();
  LARDER_CHECK(closed);  // destroyed from inside its own user code
}

bool Executor::ProcessChanged() const { return pid_ != 0 && static_cast<int>(getpid()) != pid_; }

bool Executor::Close(int64_t wait_ns_max) {
  if (Forked()) return false;
  uintptr_t word = word_->load(std::memory_order_acquire);
  while ((word & kClosing) == 0) {
    LARDER_DCHECK((word & (kFree | kHeld)) != 0);
    const uintptr_t next = (word & kFree) != 0 ? (word & kChecked) | kClosing : word | kClosing;
    if (word_->compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) word = next;
  }
  if ((word & kHeld) != 0 && InsideUser()) return false;
  const int64_t end_ns = wait_ns_max < 0 ? 0 : MonotonicNs() + wait_ns_max;
  while ((word & kHeld) != 0) {
    int64_t left_ns = kWaitForever;
    if (wait_ns_max >= 0) {
      left_ns = end_ns - MonotonicNs();
      if (left_ns <= 0) return false;
    }
    FutexWait(*FlagHalf(word_), static_cast<uint32_t>(word), left_ns);
    word = word_->load(std::memory_order_acquire);
  }
  return true;
}

Executor::Stats Executor::stats() const {
  const Counters& c = counters_;
  return Stats{.turns = Load(c.turns),
               .ran_for_others = Load(c.ran_for_others),
               .handed_over = Load(c.handed_over),
               .slices = Load(c.slices),
               .slices_for_loop = Load(c.slices_for_loop),
               .loop_wakes = Load(c.loop_wakes),
               .turn_requests_max = Load(c.turn_requests_max),
               .turn_ns_max = Load(c.turn_ns_max),
               .slice_ns_max = Load(c.slice_ns_max)};
}

// --- Joining and waiting. ---

// Takes the executor if it is free, else puts the node into the queue.
Executor::Joined Executor::Join(Node& node) {
  if (ProcessChanged()) return Joined::kForked;
  uintptr_t word = word_->load(std::memory_order_relaxed);
  for (;;) {
    if (word == 0) return Joined::kForked;
    if ((word & kClosing) != 0) return Joined::kClosed;
    if ((word & kFree) != 0) {
      if (word_->compare_exchange_weak(word, (word & kChecked) | kHeld, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return Joined::kAcquired;
      }
      continue;
    }
    // A loop that polls inside user code is no danger: it does not wait.
    if (node.kind != Kind::kBatch && InsideUser()) return Joined::kReentrant;
    node.next = reinterpret_cast<Node*>(word & ~kFlags);
    if (word_->compare_exchange_weak(word, (word & kFlags) | reinterpret_cast<uintptr_t>(&node),
                                     std::memory_order_release, std::memory_order_relaxed)) {
      return Joined::kQueued;
    }
  }
}

// Waits for the state that somebody else gives a queued request.
uint32_t Executor::Await(Request& request) {
  uint32_t state = internal::kWaiting;
  if (spin_ns_ > 0) {
    const int64_t end_ns = MonotonicNs() + spin_ns_;
    do {
      for (int i = 0; i < 4; ++i) {
        state = request.state.load(std::memory_order_acquire);
        if (state != internal::kWaiting) return state;
        SpinPause();
      }
    } while (MonotonicNs() < end_ns);
  }
  if (!request.state.compare_exchange_strong(state, internal::kSleeping, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
    return state;
  }
  do {
    FutexWait(request.state, internal::kSleeping);
    state = request.state.load(std::memory_order_acquire);
  } while (state == internal::kSleeping);
  return state;
}

Outcome Executor::RunSlow(Request& request) {
  switch (Join(request)) {
    case Joined::kClosed:
      return Outcome::kClosed;
    case Joined::kForked:
      return Outcome::kForked;
    case Joined::kReentrant:
      return Outcome::kReentrant;
    case Joined::kAcquired:
      break;
    case Joined::kQueued:
      const uint32_t state = Await(request);
      if (state == internal::kDone) return Outcome::kRan;
      if (state == internal::kRefused) return Outcome::kClosed;
      LARDER_CHECK(state == internal::kYouHold);
      break;
  }
  if (request.run != nullptr) {
    request.run(request);
    Release();
  }
  return Outcome::kRan;
}

Outcome Executor::Acquire() {
  Request request(Kind::kUser);  // whether or not there is user code: nobody else may run it
  return RunSlow(request);
}

// --- The holder's turn. ---

void Executor::ReleaseSlow() {
  if (pid_ != 0) {
    if (ProcessChanged()) return;
    if (TryFree(kHeld | kChecked)) return;
  }
  Serve(nullptr);
}

// Moves what has joined to queue_. `word` becomes a value without a node; false in a forked child.
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
    Append(*oldest);
    oldest = newer;
  }
  return true;
}

bool Executor::TryFree(uintptr_t word) {
  LARDER_DCHECK(queue_head_ == nullptr && (word & (kHeld | kClosing)) == kHeld);
  return word_->compare_exchange_strong(word, (word & kChecked) | kFree, std::memory_order_release,
                                        std::memory_order_relaxed);
}

// Serves whoever waits, for one turn, and lets go of the executor; or, with `own`, a batch that this thread is in the
// middle of: keeps it (kHolding), unless a waiting thread has to have it, and then `own` waits at the end of the queue.
Executor::Served Executor::Serve(Ticket* own) {
  if (ProcessChanged()) return Served::kForked;
  Turn turn;
  Add(counters_.turns);
  for (;;) {
    uintptr_t word;
    if (!TakePending(word)) return Served::kForked;
    if ((word & kClosing) != 0) {
      CloseQueue(turn);
      turn.Finish();
      return Served::kClosed;
    }
    Node* const node = queue_head_;
    if (node == nullptr) {
      if (own != nullptr) {
        word_->fetch_and(~kQueue, std::memory_order_relaxed);
        turn.Finish();
        return Served::kHolding;
      }
      if (!TryFree(word)) continue;
      turn.Finish();
      return Served::kLetGo;
    }
    if (node->kind == Kind::kEngine && !turn.Spent()) {
      RunRequest(turn, *static_cast<Request*>(node));
      continue;
    }
    if (node->kind == Kind::kBatch && !turn.slice_run) {
      RunQueuedSlice(turn, *static_cast<Ticket*>(node), own == nullptr);
      continue;
    }
    // The next waiting thread goes on from here. If there is none, only batches wait, and loops wait for nobody.
    if (Request* const next = PopFirstRequest(); next != nullptr) {
      if (own != nullptr) Requeue(*own);
      HandOver(turn, *next);
      turn.Finish();
      return Served::kLetGo;
    }
    if (own != nullptr) {
      turn.Finish();
      return Served::kHolding;
    }
    WakeAllBatches(turn);
  }
}

void Executor::RunRequest(Turn& turn, Request& request) {
  Prefetch();
  PopFront();
  request.run(request);
  turn.Publish(request, internal::kDone);
  turn.now_ns = MonotonicNs();
  ++turn.requests;
  Add(counters_.ran_for_others);
  Raise(counters_.turn_requests_max, turn.requests);
  Raise(counters_.turn_ns_max, turn.now_ns - turn.started_ns);
}

// Overlaps the cache misses of the next requests: each stage of all of them, then the next stage.
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

// Makes the thread behind `request` the holder. `request` is out of queue_; nothing here is ours afterwards.
void Executor::HandOver(Turn& turn, Request& request) {
  Add(counters_.handed_over);
  prefetched_ = 0;
  turn.Publish(request, internal::kYouHold);
}

// Everybody who waits is refused; then the word says closed, and the executor may be gone.
void Executor::CloseQueue(Turn& turn) {
  WakeAllBatches(turn);
  while (Request* const request = PopFirstRequest()) turn.Publish(*request, internal::kRefused);
  LARDER_DCHECK(queue_head_ == nullptr);
  std::atomic<uintptr_t>* const word = word_;
  // Whoever would join has seen kClosing, and Close stores nothing more: the word is ours alone.
  word->store((pid_ != 0 ? kChecked : 0) | kClosing, std::memory_order_release);
  FutexWakeAll(FlagHalf(word));
}

// --- The queue, which is the holder's. ---

void Executor::Append(Node& node) {
  node.next = nullptr;
  (queue_tail_ != nullptr ? queue_tail_->next : queue_head_) = &node;
  queue_tail_ = &node;
}

Node* Executor::PopFront() {
  Node* const node = queue_head_;
  LARDER_DCHECK(node != nullptr);
  queue_head_ = node->next;
  if (queue_head_ == nullptr) queue_tail_ = nullptr;
  return node;
}

// The oldest request of a waiting thread, from between the batches; there are as many of those as loops.
Request* Executor::PopFirstRequest() {
  Node* before = nullptr;
  for (Node* node = queue_head_; node != nullptr; before = node, node = node->next) {
    if (node->kind == Kind::kBatch) continue;
    (before != nullptr ? before->next : queue_head_) = node->next;
    if (queue_tail_ == node) queue_tail_ = before;
    return static_cast<Request*>(node);
  }
  return nullptr;
}

// Takes all batches out of the queue, to be given back to their loops.
void Executor::WakeAllBatches(Turn& turn) {
  Node* node = queue_head_;
  queue_head_ = queue_tail_ = nullptr;
  while (node != nullptr) {
    Node* const next = node->next;
    if (node->kind != Kind::kBatch) {
      Append(*node);
    } else if (Ticket& ticket = static_cast<Ticket&>(*node); StartTicket(ticket)) {
      ReturnTicket(turn, ticket, false);
    }
    node = next;
  }
}

// --- Batches. ---

// The ticket was met in the queue: keeps its loop from taking the batch back. False if that has happened already.
bool Executor::StartTicket(Ticket& ticket) {
  uint32_t state = internal::kQueued;
  if (ticket.state.compare_exchange_strong(state, internal::kRunning, std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
    return true;
  }
  LARDER_CHECK(state == internal::kAbandoned);
  delete &ticket;
  return false;
}

void Executor::ReturnTicket(Turn& turn, Ticket& ticket, bool finished) {
  ticket.finished = finished;
  Add(counters_.loop_wakes);
  turn.WakeLater(ticket);
}

// The holder's own batch goes behind those who wait already.
void Executor::Requeue(Ticket& ticket) {
  ticket.state.store(internal::kQueued, std::memory_order_release);
  Append(ticket);
  word_->fetch_or(kQueue, std::memory_order_relaxed);
}

// One slice of the batch at the head of the queue. If there is more of it and others wait, it goes to the end; if
// nobody does and this holder is about to let go (`may_return`), its loop goes on.
void Executor::RunQueuedSlice(Turn& turn, Ticket& ticket, bool may_return) {
  PopFront();
  if (!StartTicket(ticket)) return;
  turn.slice_run = true;
  const bool finished = TimedSlice(*ticket.batch);
  Add(counters_.slices_for_loop);
  turn.now_ns = MonotonicNs();
  Raise(counters_.turn_ns_max, turn.now_ns - turn.started_ns);
  const bool others = queue_head_ != nullptr || (word_->load(std::memory_order_relaxed) & ~kFlags) != 0;
  if (!finished && (others || !may_return)) {
    uint32_t state = internal::kRunning;
    if (ticket.state.compare_exchange_strong(state, internal::kQueued, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
      Append(ticket);
      word_->fetch_or(kQueue, std::memory_order_relaxed);
      return;
    }
    LARDER_DCHECK(state == internal::kRunningWaited);  // its loop wants it back
  }
  ReturnTicket(turn, ticket, finished);
}

bool Executor::TimedSlice(Batch& batch) {
  const int64_t started_ns = MonotonicNs();
  const bool finished = batch.RunSlice(SliceLimit{});
  Add(counters_.slices);
  Raise(counters_.slice_ns_max, MonotonicNs() - started_ns);
  return finished;
}

Submit Executor::SubmitBatch(Batch& batch) {
  LARDER_CHECK(batch.ticket_ != nullptr);
  if (Forked()) return Submit::kForked;
  Ticket& ticket = *batch.ticket_;
  switch (ticket.state.load(std::memory_order_acquire)) {
    case internal::kQueued:
    case internal::kRunning:
      return Submit::kQueued;
    case internal::kFinishedBatch:
      ticket.state.store(internal::kIdle, std::memory_order_relaxed);
      return Submit::kFinished;
    default:
      break;
  }
  ticket.state.store(internal::kQueued, std::memory_order_relaxed);
  switch (Join(ticket)) {
    case Joined::kQueued:
      return Submit::kQueued;  // the ticket may be anywhere by now
    case Joined::kAcquired:
      break;
    case Joined::kForked:
      ticket.state.store(internal::kIdle, std::memory_order_relaxed);
      return Submit::kForked;
    default:
      ticket.state.store(internal::kIdle, std::memory_order_relaxed);
      return Submit::kClosed;
  }
  ticket.state.store(internal::kIdle, std::memory_order_relaxed);
  return RunOwnBatch(batch);
}

// The loop is the holder: all of its batch, with others' requests between the slices.
Submit Executor::RunOwnBatch(Batch& batch) {
  for (;;) {
    if (TimedSlice(batch)) {
      Release();
      return Submit::kFinished;
    }
    if (!HasWaiters()) continue;
    switch (Serve(batch.ticket_)) {
      case Served::kHolding:
        break;
      case Served::kLetGo:
        return Submit::kQueued;
      case Served::kClosed:
        return Submit::kClosed;
      case Served::kForked:
        return Submit::kForked;
    }
  }
}

void Executor::Cancel(Batch& batch) {
  Ticket* const ticket = batch.ticket_;
  if (ticket == nullptr) return;
  batch.ticket_ = nullptr;
  // A thread that is not in this process may have been in the middle of it: left alone, for good.
  if (Forked()) return;
  for (;;) {
    // Wakes of earlier rounds. None can begin while the ticket is queued, since only this thread queues it anew.
    AwaitWakers(*ticket);
    uint32_t state = ticket->state.load(std::memory_order_acquire);
    if (state == internal::kIdle || state == internal::kFinishedBatch) break;
    if (state == internal::kQueued) {
      if (ticket->state.compare_exchange_strong(state, internal::kAbandoned, std::memory_order_acq_rel)) return;
      continue;
    }
    if (state == internal::kRunning &&
        !ticket->state.compare_exchange_strong(state, internal::kRunningWaited, std::memory_order_acq_rel)) {
      continue;
    }
    FutexWait(ticket->state, internal::kRunningWaited);
  }
  AwaitWakers(*ticket);
  delete ticket;
}

bool Batch::Prepare() {
  if (ticket_ == nullptr) ticket_ = new (std::nothrow) Ticket(this);
  return ticket_ != nullptr;
}

Batch::~Batch() {
  if (ticket_ == nullptr) return;
  const uint32_t state = ticket_->state.load(std::memory_order_acquire);
  LARDER_CHECK(state == internal::kIdle || state == internal::kFinishedBatch);
  LARDER_CHECK(ticket_->wakers.load(std::memory_order_acquire) == 0);
  delete ticket_;
}

}  // namespace larder::inline v0::executor
