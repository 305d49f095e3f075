// The serial executor: everything that touches a cache's keys runs under it, one at a time, in one order that all
// threads agree on. It knows no keys, no sockets and no options. It is not a mutex: a thread that finds it busy leaves
// its request, and the holder may run it (executor.cc tells how, and why).
//
//   // Engine code, hot: one compare-and-swap each way.        // Engine code that may run on a stranger's thread:
//   if (executor.TryAcquire()) {                               status = ToStatus(executor.Run([&] {
//     value = table.Find(key);                                   value = table.Find(key);
//     executor.Release();                                      }));
//   } else { ... Run ... }
//
// Words. The *holder* is the thread that has the executor. *Engine-only* work is ours, without user code. The caller
// says whether it is *short*: any holder may run short work. *User code* (View, Atomically), and engine work that is
// not short, runs on its own thread only. A *tenure* is the work of a holder for others before it lets go: at most 64
// requests or 20 µs, and one slice of one batch. To *hand over* is to make a waiting thread the holder.
//
// Threads: any thread may call every method, unless its comment says otherwise.
// Order: waiting requests and batches are served first come, first served. A newcomer that finds the executor busy and
// nobody waiting tries again for up to 2 µs, and waits from then on. It may overtake a waiting thread only while that
// thread is being woken to become the holder, at most 64 times or for 20 µs. A loop whose batch has come to a command
// that is not short goes before all of them.
// Cost: 5 ns when it is free (two compare-and-swaps). When several threads want it all the time, one call of theirs
// ends every ~60 ns (the cores take that long to pass the cache lines on). Unless somebody waits, no clock is read and
// no system call made.
// Fork: in a forked child every call answers kForked at once. A Release by a thread that held the executor in the
// parent does nothing.
#ifndef LARDER_EXECUTOR_EXECUTOR_H_
#define LARDER_EXECUTOR_EXECUTOR_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include <larder/export.h>
#include "lib/base/check.h"
#include "lib/base/fork_page.h"
#include "lib/base/holder.h"
#include "lib/executor/futex.h"
#include "lib/executor/request.h"

namespace larder::inline v0::executor {

enum class Outcome {
  kRan,
  kClosed,     // it did not run: the executor was closed before its turn came
  kForked,     // it did not run: this process is a forked child
  kReentrant,  // it did not run: the caller is user code that runs under this executor on this thread
};

enum class Submit {
  kFinished,  // every command of the batch has run; the loop may refill it
  kQueued,    // the batch is the executor's until it calls Wake; do not touch it
  kClosed,    // the batch is the loop's again; the rest of it will not run
  kForked,    // likewise
};

class LARDER_API Executor {
 public:
  // The limits of one tenure.
  static constexpr int kRequestsMax = 64;
  static constexpr int64_t kTenureNsMax = 20'000;

  // For tests and injected faults; everybody else takes the defaults.
  struct Setup {
    bool wipe_on_fork = true;
    int64_t spin_ns = -1;  // how long a waiter spins before it sleeps; -1: 1.5 µs, on one processor 0
  };

  // Null if there is no memory.
  static std::unique_ptr<Executor> Create(const Setup& setup);
  static std::unique_ptr<Executor> Create() { return Create(Setup()); }

  // Closes, without a limit of time, if nobody did. REQUIRES: no call is in progress, except in a forked child.
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes the executor if that takes no waiting. Returns false for any reason; Run and Acquire tell which.
  bool TryAcquire() LARDER_TRY_ACQUIRES_HOLDER {
    uintptr_t free = kFree;
    return word_->compare_exchange_strong(free, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }

  // Gives the executor back. Serves waiting requests first, for at most one tenure.
  void Release() LARDER_RELEASES_HOLDER LARDER_HOLDER_UNCHECKED {
    uintptr_t held = kHeld;
    if (!word_->compare_exchange_strong(held, kFree, std::memory_order_release, std::memory_order_relaxed)) {
      ReleaseSlow();
    }
  }

  // Runs engine-only `fn`, here or on the holder's thread, and returns when it has run. fn must not throw, wait, use
  // thread-local state or call back into this executor.
  template <class F>
  Outcome Run(F&& fn);

  // The same. If several requests wait, the holder first calls prefetch(0) of up to 16 of them, then prefetch(1), then
  // prefetch(2) of each, so that their cache misses overlap. prefetch is called with the executor held and must change
  // nothing.
  template <class F, class P>
  Outcome Run(F&& fn, P&& prefetch);

  // The same if is_short(); otherwise fn runs on this thread. is_short is called only by a holder that is about to run
  // fn for this thread, and must change nothing.
  template <class F, class P, class S>
  Outcome Run(F&& fn, P&& prefetch, S&& is_short);

  // Runs user code `fn` on this thread. fn must not throw (the public header catches in the user's own code).
  template <class F>
  Outcome RunUser(F&& fn);

  // The two halves of RunUser, for a public header that cannot include this one. If Enter returns kRan, Leave must
  // follow on the same thread.
  Outcome EnterUser() LARDER_HOLDER_UNCHECKED;
  void LeaveUser() LARDER_RELEASES_HOLDER;

  // Becomes the holder, for engine code that must run on its own thread. If it returns kRan, Release must follow.
  Outcome Acquire();

  // Whether this thread runs user code under this executor at this moment.
  bool InsideUser() const { return inside_.load(std::memory_order_relaxed) == Self(); }

  // Whether somebody waits. A holder with long engine work (eviction) should then let go and queue again.
  bool HasWaiters() const { return (word_->load(std::memory_order_relaxed) & ~kChecked) != kHeld; }

  // --- The event loop's calls: only the batch's own loop thread may make them. ---

  // Runs the batch if the executor is free (in slices, with waiting requests in between), else queues it. It does not
  // wait, with one exception: if another holder has come to a command that is not short, the call after its Wake waits
  // for its turn, which is the next one, and runs that command here. (Inside user code of this thread's it does not
  // wait: the batch is queued.) After kQueued the executor calls Wake, and then the loop calls again with the same
  // batch; until kFinished it must not change the batch. A batch that the executor has already stays there: kQueued.
  // REQUIRES: batch.Prepare() was true.
  Submit SubmitBatch(Batch& batch);

  // Takes the batch back, wherever it is. It waits at most for the batch's running slice (or Wake), never for the
  // executor. After this the executor does not touch the batch. A part of its commands may have run.
  void Cancel(Batch& batch);

  // For a holder whose user code waits for an event loop: loops that wait for their turn stop waiting, and their
  // batches are queued (kQueued). A loop may begin to wait right after this, so call it again until the loop has come.
  // REQUIRES: InsideUser().
  void SendLoopsAway();

  // --- The end. ---

  // Every later request gets kClosed, and so do those that are waiting. Then waits, at most `wait_ns_max`, until the
  // holder has let go. Returns true if it has, and all refused threads have left the queue: nothing runs under this
  // executor any more, and it may be destroyed. It is idempotent; all callers wait. Returns false when the time is up,
  // in a forked child, and for a caller that is itself inside user code here (later requests are refused nonetheless;
  // call it again from outside).
  bool Close(int64_t wait_ns_max = kWaitForever);
  // A holder that Close did not wait for calls `closed(arg)` as its last act before it lets go: after a few more
  // instructions of that thread another Close returns true. REQUIRES: it is set before anything runs.
  void SetClosedHook(void (*closed)(void* arg), void* arg) {
    closed_hook_ = closed;
    closed_arg_ = arg;
  }

  // Never null; for others that must recognise a forked child.
  base::ForkPage& fork_page() { return *page_; }

  bool Forked() const { return word_->load(std::memory_order_relaxed) == 0 || ProcessChanged(); }

  // These are counted on slow paths only: uncontended calls leave no trace.
  struct Stats {
    uint64_t tenures;               // times that a holder found somebody waiting when it let go
    uint64_t ran_for_others;      // engine-only requests run on another thread than their own
    uint64_t handed_over;         // waiting threads that were made the holder
    uint64_t lent;                // times a newcomer had the executor while such a thread was being woken
    uint64_t slices;              // of batches, on any thread
    uint64_t slices_for_loop;     // those not run by the batch's own loop
    uint64_t loop_wakes;          // calls of Batch::Wake
    uint64_t left_to_loops;       // of those, because the next command was not short
    uint64_t left_to_threads;     // engine-only requests that were not short: their own thread was handed the executor
    uint64_t tenure_requests_max;   // most requests in one tenure
    uint64_t tenure_ns_max;         // longest tenure
    uint64_t slice_ns_max;        // longest slice
  };
  Stats stats() const;

 private:
  friend class ExecutorPeer;  // for tests: sees who waits

  // The lock word: flags, and above them the address of the newest waiting node (its `next` is the one before it). A
  // forked child reads 0.
  static constexpr uintptr_t kFree = 1;
  static constexpr uintptr_t kHeld = 2;
  static constexpr uintptr_t kClosing = 4;  // with kHeld: the holder must close; alone: closed
  static constexpr uintptr_t kQueue = 8;    // queue_ is not empty: Release must look; with kFree: lent, see executor.cc
  static constexpr uintptr_t kChecked = 16;  // fork does not wipe the page: only slow paths, which call getpid
  static constexpr uintptr_t kHere = 32;     // the called thread is awake: hand over to it, lend no more
  static constexpr uintptr_t kFlags = 63;
  static_assert(alignof(internal::Node) == kFlags + 1);

  struct Tenure;
  enum class Joined { kAcquired, kQueued, kClosed, kForked, kReentrant };
  enum class Served { kHolding, kLetGo, kClosed, kForked };
  struct Counters;

  Executor() = default;

  template <class F, class P, class S>
  struct EngineRequest;
  template <class F, class P, class S>
  [[gnu::noinline]] Outcome RunBusy(F& fn, P* prefetch, S* is_short);

  static uintptr_t Self() { return static_cast<uintptr_t>(pthread_self()); }
  bool ProcessChanged() const;

  Outcome RunSlow(internal::Request& request);
  Outcome RunQueued(internal::Request& request);
  void AwaitQueued();
  bool TryForAMoment() LARDER_HOLDER_UNCHECKED;
  [[gnu::noinline]] void ReleaseSlow() LARDER_REQUIRES_HOLDER;
  Joined Join(internal::Node& node);
  uint32_t Await(internal::Request& request);
  bool Arrive(internal::Request& request);

  Served Serve(internal::Ticket* own) LARDER_REQUIRES_HOLDER;
  bool TakePending(uintptr_t& word) LARDER_REQUIRES_HOLDER;
  bool TryFree(uintptr_t word) LARDER_REQUIRES_HOLDER;
  bool MayLend(Tenure& tenure, internal::Request& next, uintptr_t word) LARDER_REQUIRES_HOLDER;
  bool TryLend(uintptr_t word) LARDER_REQUIRES_HOLDER;
  void RunRequest(Tenure& tenure, internal::Request& request) LARDER_REQUIRES_HOLDER;
  void HandOver(Tenure& tenure, internal::Request& request) LARDER_REQUIRES_HOLDER;
  void ForgetTheCalled() LARDER_REQUIRES_HOLDER;
  void CloseQueue(Tenure& tenure) LARDER_REQUIRES_HOLDER;
  void Prefetch() LARDER_REQUIRES_HOLDER;

  void Append(internal::Node& node) LARDER_REQUIRES_HOLDER;
  void PutFirst(internal::Node& node) LARDER_REQUIRES_HOLDER;
  internal::Node* PopFront() LARDER_REQUIRES_HOLDER;
  internal::Request* FirstRequest() const LARDER_REQUIRES_HOLDER;
  void Unlink(internal::Node& node) LARDER_REQUIRES_HOLDER;
  void WakeAllBatches(Tenure& tenure) LARDER_REQUIRES_HOLDER;

  static bool StartTicket(internal::Ticket& ticket);
  void ReturnTicket(Tenure& tenure, internal::Ticket& ticket, bool finished) LARDER_REQUIRES_HOLDER;
  void Requeue(internal::Ticket& ticket) LARDER_REQUIRES_HOLDER;
  void RunQueuedSlice(Tenure& tenure, internal::Ticket& ticket, bool may_return) LARDER_REQUIRES_HOLDER;
  bool TimedSlice(Batch& batch, bool only_short) LARDER_REQUIRES_HOLDER;
  Submit RunOwnBatch(Batch& batch);
  bool AwaitHold(Batch& batch, Submit* how);

  // The word is in a page of its own that a forked child finds zeroed. Everything else here belongs to the holder or
  // never changes.
  std::atomic<uintptr_t>* word_ = nullptr;
  // The thread that runs user code, 0 for none. Only that thread can find its own id here, so relaxed order is enough.
  std::atomic<uintptr_t> inside_{0};
  int64_t spin_ns_ = 0;
  int pid_ = 0;  // with kChecked, else 0

  // The holder's queue: nodes that it has taken from the word, oldest first.
  internal::Node* queue_head_ LARDER_GUARDED_BY_HOLDER = nullptr;
  internal::Node* queue_tail_ LARDER_GUARDED_BY_HOLDER = nullptr;
  int prefetched_ LARDER_GUARDED_BY_HOLDER = 0;     // nodes at the head that have been prefetched
  int lent_ LARDER_GUARDED_BY_HOLDER = 0;           // loans since the first request's thread was called
  int64_t called_ns_ LARDER_GUARDED_BY_HOLDER = 0;  // when that was

  // Written by the holder only, so a load and a store make an increment.
  struct Counters {
    std::atomic<uint64_t> tenures{0}, ran_for_others{0}, handed_over{0}, lent{0}, slices{0}, slices_for_loop{0},
        loop_wakes{0}, left_to_loops{0}, left_to_threads{0}, tenure_requests_max{0}, tenure_ns_max{0}, slice_ns_max{0};
  } counters_;

  // Threads that are in the queue, or about to be. Each touches this object for the last time when it leaves the queue,
  // also when it has been served or refused. It is on a cache line that the holder does not write.
  static constexpr uint32_t kCloserWaits = 1u << 31;  // Close sleeps on `queued_`
  alignas(64) std::atomic<uint32_t> queued_{0};
  void (*closed_hook_)(void* arg) = nullptr;
  void* closed_arg_ = nullptr;

  base::ForkPage::Ptr page_;
};

// --- Implementation of the templates. ---

template <class F, class P, class S>
struct Executor::EngineRequest : internal::Request {
  EngineRequest(F& f, P* p, S* s) : internal::Request(internal::Kind::kEngine), fn(f), ahead(p), cheap(s) {
    run = [](internal::Request& self) {
      base::AssertHolder();
      static_cast<EngineRequest&>(self).fn();
    };
    if constexpr (std::is_invocable_v<P&, int>) {
      prefetch = [](internal::Request& self, int stage) {
        base::AssertHolder();
        (*static_cast<EngineRequest&>(self).ahead)(stage);
      };
    }
    if constexpr (std::is_invocable_v<S&>) {
      is_short = [](internal::Request& self) -> bool {
        base::AssertHolder();
        return (*static_cast<EngineRequest&>(self).cheap)();
      };
    }
  }
  F& fn;
  P* ahead;
  S* cheap;
};

namespace internal {
struct Nothing {};
// A request without prefetch or is_short passes this.
inline Nothing* const kNothing = nullptr;
}  // namespace internal

// It is out of line, so that the free path pays neither for the request nor for its alignment on the stack.
template <class F, class P, class S>
Outcome Executor::RunBusy(F& fn, P* prefetch, S* is_short) {
  EngineRequest<F, P, S> request(fn, prefetch, is_short);
  return RunSlow(request);
}

template <class F>
Outcome Executor::Run(F&& fn) {
  if (TryAcquire()) [[likely]] {
    fn();
    Release();
    return Outcome::kRan;
  }
  return RunBusy(fn, internal::kNothing, internal::kNothing);
}

template <class F, class P>
Outcome Executor::Run(F&& fn, P&& prefetch) {
  if (TryAcquire()) [[likely]] {
    fn();
    Release();
    return Outcome::kRan;
  }
  return RunBusy(fn, &prefetch, internal::kNothing);
}

template <class F, class P, class S>
Outcome Executor::Run(F&& fn, P&& prefetch, S&& is_short) {
  if (TryAcquire()) [[likely]] {
    fn();
    Release();
    return Outcome::kRan;
  }
  return RunBusy(fn, &prefetch, &is_short);
}

template <class F>
Outcome Executor::RunUser(F&& fn) {
  const Outcome outcome = EnterUser();
  if (outcome != Outcome::kRan) return outcome;
  base::AssertHolder();
  fn();
  LeaveUser();
  return Outcome::kRan;
}

inline Outcome Executor::EnterUser() {
  if (!TryAcquire()) {
    const Outcome outcome = Acquire();
    if (outcome != Outcome::kRan) return outcome;
  }
  LARDER_DCHECK(inside_.load(std::memory_order_relaxed) == 0);
  inside_.store(Self(), std::memory_order_relaxed);
  return Outcome::kRan;
}

inline void Executor::LeaveUser() {
  LARDER_DCHECK(InsideUser());
  inside_.store(0, std::memory_order_relaxed);
  Release();
}

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_EXECUTOR_H_
