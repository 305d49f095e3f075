// Internals of the executor: the ticket of a batch, and the state of one tenure. See executor.cc.
#ifndef LARDER_EXECUTOR_TENURE_H_
#define LARDER_EXECUTOR_TENURE_H_

#include <atomic>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/executor/executor.h"

namespace larder::inline v0::executor {

namespace internal {

enum TicketState : uint32_t {
  kIdle,           // the loop's
  kFinishedBatch,  // the loop's: another thread ran the last command, and the loop has not asked yet
  kQueued,         // in the queue
  kRunning,        // in a holder's tenure
  kRunningWaited,  // in a holder's tenure, and Cancel sleeps on `state`
  kAbandoned,      // in the queue, but the loop took the batch back: the holder that finds it frees it
};

struct Ticket : Node {
  explicit Ticket(Batch* b) : Node(Kind::kBatch), batch(b) {}

  static constexpr uint32_t kWakerWaited = 1u << 31;  // Cancel sleeps on `wakers`

  Batch* const batch;
  bool finished = false;            // the holder's, while kRunning
  bool next_is_long = false;        // the holder's, while kRunning; the loop's, while kIdle
  std::atomic<uint32_t> wakers{0};  // holders between publishing `state` and the return of Wake
};

inline uint64_t Load(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

// Only holders add, so no increment is lost.
inline void Add(std::atomic<uint64_t>& counter) { counter.store(Load(counter) + 1, std::memory_order_relaxed); }
inline void Raise(std::atomic<uint64_t>& counter, int64_t value) {
  if (static_cast<uint64_t>(value) > Load(counter)) {
    counter.store(static_cast<uint64_t>(value), std::memory_order_relaxed);
  }
}

}  // namespace internal

// One holder's work for others, and the threads and loops to wake when it has let go. It lives on after the executor
// was let go, so Finish touches nothing of the executor's.
struct Executor::Tenure {
  int64_t started_ns = MonotonicNs();
  int64_t now_ns = started_ns;
  int requests = 0;
  bool slice_run = false;
  int sleeper_count = 0;
  internal::Ticket* batches = nullptr;  // linked by `next`
  const std::atomic<uint32_t>* called = nullptr;  // the thread that is to have the executor next
  const std::atomic<uint32_t>* sleepers[kRequestsMax];

  bool Spent() const { return requests >= kRequestsMax || now_ns - started_ns >= kTenureNsMax; }

  // Ends the wait of `request`; the node is gone when this returns.
  void Publish(internal::Request& request, internal::RequestState how) {
    const std::atomic<uint32_t>* const address = &request.state;
    const uint32_t was = request.state.exchange(how, std::memory_order_acq_rel);
    LARDER_DCHECK(was <= internal::kCalled);
    if (was != internal::kSleeping) return;
    if (how == internal::kYouHold || sleeper_count == kRequestsMax) {
      FutexWakeOne(address);
    } else {
      sleepers[sleeper_count++] = address;
    }
  }

  void WakeLater(internal::Ticket& ticket) {
    ticket.next = batches;
    batches = &ticket;
  }

  void Finish() {
    if (called != nullptr) FutexWakeOne(called);
    called = nullptr;
    for (int i = 0; i < sleeper_count; ++i) FutexWakeOne(sleepers[i]);
    sleeper_count = 0;
    while (batches != nullptr) {
      internal::Ticket& ticket = *batches;
      batches = static_cast<internal::Ticket*>(ticket.next);
      GiveBack(ticket);
    }
  }

  static void GiveBack(internal::Ticket& ticket) {
    Batch* const batch = ticket.batch;
    // `wakers` is raised before the loop can see that the ticket is its own again, and so before the ticket can be
    // gone.
    ticket.wakers.fetch_add(1, std::memory_order_relaxed);
    const uint32_t now = ticket.finished ? internal::kFinishedBatch : internal::kIdle;
    const uint32_t was = ticket.state.exchange(now, std::memory_order_acq_rel);
    LARDER_DCHECK(was == internal::kRunning || was == internal::kRunningWaited);
    if (was == internal::kRunningWaited) FutexWakeAll(&ticket.state);
    batch->Wake();
    const std::atomic<uint32_t>* const address = &ticket.wakers;
    const uint32_t wakers = ticket.wakers.fetch_sub(1, std::memory_order_acq_rel);
    LARDER_DCHECK((wakers & ~internal::Ticket::kWakerWaited) != 0);
    if ((wakers & internal::Ticket::kWakerWaited) != 0) FutexWakeAll(address);
  }
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_TENURE_H_
