// The slow paths of the executor: two threads want it at once.
//
// The lock word holds flags and the newest waiting node; nodes form a list, newest first. Joining is one
// compare-and-swap that puts a node in front. The holder takes the whole list at once, reverses it and appends it to
// queue_, which belongs to the holder (and passes with the executor from holder to holder). Nobody ever takes one node
// out of the shared list, so there is no ABA: a word that reads the same is the same.
//
//     word  [ address of newest node | flags ]──► newest ──► ... ──► oldest        shared
//     queue_head_ ──► oldest ──► ... ──► queue_tail_                               the holder's
//
// Invariants
// - If the executor is free and not lent, nobody waits: a holder lets go by a compare-and-swap on a word without a
//   node, with queue_ empty. So a newcomer that finds it free overtakes nobody.
// - While queue_ is not empty the word has kQueue, so that the next holder's inline Release fails and comes here.
// - The last store to a request is its `state`: after it the stack frame may be gone. A wake-up sent to that address
//   then finds nobody, or somebody else's futex, whose owner looks again as all users of futexes must.
// - The loop frees an idle ticket, and the holder that finds it frees an abandoned one. `wakers` keeps the ticket and
//   the batch alive while a holder is still inside Batch::Wake.
// - The word reads `closed` only after the last holder is done with this object. Close may return, and the executor be
//   destroyed, when queued_ is 0 too: a thread that was woken looks at the word once more before it sees that it was
//   served or refused.
//
// Before it joins, a newcomer that sees nobody waiting tries for a moment (TryForAMoment): engine work takes tens of
// nanoseconds, a node's way through the queue takes hundreds. It overtakes nobody by that, since it joins as soon as
// somebody else has. It is not overtaken for long either, since the moment is short and the queue is served in order.
// This gives a spin lock's throughput without its unbounded waits.
//
// A tenure ends by time or count, or at a request with user code. Then the first waiting *thread* goes on. If it spins,
// it is handed the executor, which stays held. If it sleeps, it takes microseconds to wake. If everybody had to wait
// for it, everybody would fall asleep, and every later switch would take as long (2 threads of user code: 0.5 M calls a
// second against 8 M of a mutex). So it is *called*, that is woken, and until it comes the executor is *lent*: the word
// is free with kQueue. Newcomers can take it (not by the inline path, so their Release comes here again). If the called
// thread finds the executor free, it takes it; else it sets kHere, and the present holder hands over. After 64 loans or
// 20 µs the executor is handed over to it even if it has not come.
//
// Work that is not short runs on its own thread. When the turn of a request that is not short comes, it is treated as
// one with user code, in its place. When the next command of a batch is not short, the batch goes back to its loop,
// which is woken; nobody waits for the loop until it comes. Then the loop waits as a thread does, in front of all
// others (kLoop), so for one request at most, becomes the holder and runs its batch itself. That is the one case in
// which a loop waits.
//
// Sleeping threads whose requests were run in the tenure are woken after the executor has passed on, since each wake-up
// is a system call of about a microsecond that everybody else would wait for.
//
// Rejected:
// - a mutex: the convoy, a wake-up on the critical path with each switch of holder;
// - pure flat combining: its holder works for others without bound, and the worst waits are six times a mutex's;
// - a ticket or MCS lock: the same wake-up for each request, and the loop would have to wait;
// - leaving a batch with such a command in the queue, calling its loop and lending the executor meanwhile: a hosted
//   loop may come after a second, and every thread behind the batch would have to be let past it.
#include "lib/executor/executor.h"

#include <unistd.h>

#include <bit>
#include <new>

#include "lib/executor/tenure.h"

namespace larder::inline v0::executor {

using internal::Add;
using internal::Kind;
using internal::Node;
using internal::Request;

namespace {

// The pauses of a newcomer between its looks at the word: their number doubles from the first to the last, 60 pauses in
// all, 1.8 us if one takes 30 ns. A look takes the word's cache line from the holder, and each change of holder moves
// the engine's lines from core to core, which takes several hundred ns. So the looks are few, and a thread that has the
// executor gets some calls done before the other has it. Two threads, GET/SET 90/10 of 1,000 keys, millions of calls a
// second beside a mutex's 2.8: no looks 2.6, 1 to 16 pauses 3.9, 4 to 32: 5.5, 8 to 64: 6.9.
constexpr int kFirstPauses = 4;
constexpr int kLastPauses = 32;

// The half of the word that has the flags, for the futex.
const std::atomic<uint32_t>* FlagHalf(const std::atomic<uintptr_t>* word) {
  static_assert(std::endian::native == std::endian::little && sizeof(*word) == 8, "the low half comes first");
  return reinterpret_cast<const std::atomic<uint32_t>*>(word);
}

}  // namespace

// --- Life. ---

std::unique_ptr<Executor> Executor::Create(const Setup& setup) {
  std::unique_ptr<Executor> executor(new (std::nothrow) Executor);
  if (executor == nullptr) return nullptr;
  executor->page_ = base::ForkPage::Create(setup.wipe_on_fork);
  if (executor->page_ == nullptr) return nullptr;
  uintptr_t word = kFree;
  if (!executor->page_->wiped()) {
    word |= kChecked;
    executor->pid_ = static_cast<int>(getpid());
  }
  executor->word_ = new (executor->page_->data()) std::atomic<uintptr_t>(word);
  // With one processor the holder cannot run while a waiter spins.
  executor->spin_ns_ = setup.spin_ns >= 0 ? setup.spin_ns : UsableProcessors() > 1 ? 1'500 : 0;
  return executor;
}

Executor::~Executor() {
  if (word_ == nullptr || Forked()) return;
  const bool closed = Close();
  LARDER_CHECK(closed);  // it was destroyed from inside its own user code
}

bool Executor::ProcessChanged() const { return pid_ != 0 && static_cast<int>(getpid()) != pid_; }

bool Executor::Close(int64_t wait_ns_max) {
  if (Forked()) return false;
  uintptr_t word = word_->load(std::memory_order_acquire);
  while ((word & kClosing) == 0) {
    LARDER_DCHECK((word & (kFree | kHeld)) != 0);
    const bool lent = (word & (kFree | kQueue)) == (kFree | kQueue);
    uintptr_t next = word | kClosing;
    if (lent) next = (next & ~kFree) | kHeld;  // we hold the executor to refuse waiting threads
    if ((word & kFree) != 0 && !lent) next &= ~kFree;
    if (!word_->compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    if (!lent) {
      word = next;
      break;
    }
    base::AssertHolder();
    Serve(nullptr);
    word = word_->load(std::memory_order_acquire);
    break;
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
  AwaitQueued();
  return true;
}

// Waits for the refused threads: nobody joins any more, and those in the queue are awake and only have to leave it.
void Executor::AwaitQueued() {
  uint32_t queued = queued_.load(std::memory_order_acquire);
  if ((queued & ~kCloserWaits) == 0) return;
  queued = queued_.fetch_or(kCloserWaits, std::memory_order_acq_rel) | kCloserWaits;
  while (queued != kCloserWaits) {
    FutexWait(queued_, queued);
    queued = queued_.load(std::memory_order_acquire);
  }
}

Executor::Stats Executor::stats() const {
  const Counters& c = counters_;
  using internal::Load;
  return Stats{.tenures = Load(c.tenures),
               .ran_for_others = Load(c.ran_for_others),
               .handed_over = Load(c.handed_over),
               .lent = Load(c.lent),
               .slices = Load(c.slices),
               .slices_for_loop = Load(c.slices_for_loop),
               .loop_wakes = Load(c.loop_wakes),
               .left_to_loops = Load(c.left_to_loops),
               .left_to_threads = Load(c.left_to_threads),
               .tenure_requests_max = Load(c.tenure_requests_max),
               .tenure_ns_max = Load(c.tenure_ns_max),
               .slice_ns_max = Load(c.slice_ns_max)};
}

// --- Joining and waiting. ---

// Takes the executor if it is free, else puts the node into the queue.
Executor::Joined Executor::Join(Node& node) {
  if (ProcessChanged()) return Joined::kForked;
  uintptr_t word = word_->load(std::memory_order_relaxed);
  for (;;) {
    if (word == 0) return Joined::kForked;
    // This comes first, so that user code that calls in gets kReentrant also while others close. A loop that polls
    // inside user code is no danger: it does not wait.
    if ((word & kHeld) != 0 && node.kind != Kind::kBatch && InsideUser()) return Joined::kReentrant;
    if ((word & kClosing) != 0) return Joined::kClosed;
    if ((word & kFree) != 0) {
      if (word_->compare_exchange_weak(word, (word & ~kFree) | kHeld, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return Joined::kAcquired;
      }
      continue;
    }
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
  for (;;) {
    // The state is kWaiting, or kCalled with kHere set. Both say that we are awake, and we are about to sleep.
    if (!request.state.compare_exchange_strong(state, internal::kSleeping, std::memory_order_acq_rel,
                                               std::memory_order_acquire)) {
      return state;
    }
    do {
      FutexWait(request.state, internal::kSleeping);
      state = request.state.load(std::memory_order_acquire);
    } while (state == internal::kSleeping);
    if (state != internal::kCalled) return state;
    if (Arrive(request)) return internal::kYouHold;
    const int64_t end_ns = MonotonicNs() + spin_ns_;
    do {
      state = request.state.load(std::memory_order_acquire);
      if (state != internal::kCalled) return state;
      SpinPause();
    } while (MonotonicNs() < end_ns);
  }
}

// This thread was called. Returns true if it has taken the executor by itself; else somebody hands it over, or has done
// so.
bool Executor::Arrive(Request& request) {
  uintptr_t word = word_->load(std::memory_order_relaxed);
  for (;;) {
    if (request.state.load(std::memory_order_acquire) != internal::kCalled) return false;  // served meanwhile
    if ((word & kFree) != 0) {
      if (word_->compare_exchange_weak(word, (word & ~kFree) | kHeld, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        break;
      }
    } else if ((word & kHeld) == 0 || (word & kClosing) != 0) {
      return false;  // we are about to be refused
    } else if (word_->compare_exchange_weak(word, word | kHere, std::memory_order_relaxed, std::memory_order_relaxed)) {
      // If we have been served since the look at `state`, kHere makes a holder hand over to another thread a little too
      // early.
      return false;
    }
  }
  base::AssertHolder();
  if (request.state.load(std::memory_order_acquire) != internal::kCalled) {
    Release();  // we have been served meanwhile, and this was a needless loan
    return false;
  }
  Unlink(request);
  prefetched_ = 0;
  ForgetTheCalled();
  Add(counters_.handed_over);
  return true;
}

// Tries for a moment to find the executor free, as long as nobody waits for it. Returns true if this thread is the
// holder.
bool Executor::TryForAMoment() {
  if (spin_ns_ == 0) return false;
  for (int pauses = kFirstPauses; pauses <= kLastPauses; pauses *= 2) {
    for (int i = 0; i < pauses; ++i) SpinPause();
    const uintptr_t word = word_->load(std::memory_order_relaxed);
    if (word == kFree) {
      if (TryAcquire()) return true;
    } else if (word != kHeld) {
      return false;  // somebody waits, or it is closing, or this is a forked child
    }
  }
  return false;
}

Outcome Executor::RunSlow(Request& request) {
  if (TryForAMoment()) {
    base::AssertHolder();
    if (request.run != nullptr) {
      request.run(request);
      Release();
    }
    return Outcome::kRan;
  }
  queued_.fetch_add(1, std::memory_order_relaxed);
  const Outcome outcome = RunQueued(request);
  // The subtraction is our last touch of the executor, so the wake-up may find nobody there.
  const std::atomic<uint32_t>* const address = &queued_;
  const uint32_t queued = queued_.fetch_sub(1, std::memory_order_release);
  LARDER_DCHECK((queued & ~kCloserWaits) != 0);
  if (queued == (kCloserWaits | 1)) FutexWakeAll(address);
  return outcome;
}

Outcome Executor::RunQueued(Request& request) {
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
      if (state == internal::kRefused || state == internal::kSentAway) return Outcome::kClosed;
      LARDER_CHECK(state == internal::kYouHold);
      break;
  }
  base::AssertHolder();
  if (request.run != nullptr) {
    request.run(request);
    Release();
  }
  return Outcome::kRan;
}

Outcome Executor::Acquire() {
  Request request(Kind::kUser);  // kUser also without user code: nobody else may run it
  return RunSlow(request);
}

// Refuses all waiting threads. Then the word says closed, and the executor may be gone.
void Executor::CloseQueue(Tenure& tenure) {
  WakeAllBatches(tenure);
  while (Request* const request = FirstRequest()) {
    Unlink(*request);
    tenure.Publish(*request, internal::kRefused);
  }
  LARDER_DCHECK(queue_head_ == nullptr);
  std::atomic<uintptr_t>* const word = word_;
  if (closed_hook_ != nullptr) closed_hook_(closed_arg_);
  // Newcomers see kClosing and do not join, and Close stores nothing more: the word is ours alone.
  word->store((pid_ != 0 ? kChecked : 0) | kClosing, std::memory_order_release);
  FutexWakeAll(FlagHalf(word));
}

}  // namespace larder::inline v0::executor
