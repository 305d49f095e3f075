// The event loops' batches. executor.cc has the rules.
#include <new>
#include <utility>

#include "lib/executor/tenure.h"

namespace larder::inline v0::executor {

using internal::Add;
using internal::Raise;
using internal::Request;
using internal::Ticket;

namespace {

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

// Keeps the loop from taking the batch of a queued ticket back. Returns false if it has done so already.
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

void Executor::ReturnTicket(Tenure& tenure, Ticket& ticket, bool finished) {
  ticket.finished = finished;
  Add(counters_.loop_wakes);
  tenure.WakeLater(ticket);
}

// Puts the holder's own batch at the end of the queue.
void Executor::Requeue(Ticket& ticket) {
  LARDER_DCHECK(ticket.state.load(std::memory_order_relaxed) == internal::kIdle);
  ticket.state.store(internal::kQueued, std::memory_order_release);
  Append(ticket);
  word_->fetch_or(kQueue, std::memory_order_relaxed);
}

// Runs one slice of the batch at the head of the queue. If commands are left and others wait, the batch goes to the
// end. If nobody waits and this holder is about to let go (`may_return`), or if the next command is not short, the
// batch goes back to its loop.
void Executor::RunQueuedSlice(Tenure& tenure, Ticket& ticket, bool may_return) {
  LARDER_DCHECK(queue_head_ == &ticket);
  PopFront();
  if (!StartTicket(ticket)) return;
  tenure.slice_run = true;
  const bool finished = TimedSlice(*ticket.batch, /*only_short=*/true);
  ticket.next_is_long = !finished && ticket.batch->NextIsLong();
  Add(counters_.slices_for_loop);
  tenure.now_ns = MonotonicNs();
  Raise(counters_.tenure_ns_max, tenure.now_ns - tenure.started_ns);
  const bool others = queue_head_ != nullptr || (word_->load(std::memory_order_relaxed) & ~kFlags) != 0;
  if (ticket.next_is_long) {
    Add(counters_.left_to_loops);
  } else if (!finished && (others || !may_return)) {
    uint32_t state = internal::kRunning;
    if (ticket.state.compare_exchange_strong(state, internal::kQueued, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
      Append(ticket);
      word_->fetch_or(kQueue, std::memory_order_relaxed);
      return;
    }
    LARDER_DCHECK(state == internal::kRunningWaited);  // its loop wants it back
  }
  ReturnTicket(tenure, ticket, finished);
}

bool Executor::TimedSlice(Batch& batch, bool only_short) {
  const int64_t started_ns = MonotonicNs();
  const bool finished = batch.RunSlice(SliceLimit{.only_short = only_short});
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
  Submit how;
  if (std::exchange(ticket.next_is_long, false) && !InsideUser() && AwaitHold(batch, &how)) return how;
  ticket.state.store(internal::kQueued, std::memory_order_relaxed);
  switch (Join(ticket)) {
    case Joined::kQueued:
      return Submit::kQueued;  // the ticket may be in any state by now
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

// Waits, before all others, to become the holder: this thread itself must run the next command. Returns false if it was
// sent away.
bool Executor::AwaitHold(Batch& batch, Submit* how) {
  Request request(internal::Kind::kLoop);
  switch (RunSlow(request)) {
    case Outcome::kRan:
      *how = RunOwnBatch(batch);
      return true;
    case Outcome::kForked:
      *how = Submit::kForked;
      return true;
    default:
      *how = Submit::kClosed;
      return request.state.load(std::memory_order_relaxed) != internal::kSentAway;
  }
}

// Runs all of the batch of a loop that is the holder, with others' requests between the slices.
Submit Executor::RunOwnBatch(Batch& batch) {
  base::AssertHolder();
  for (;;) {
    if (TimedSlice(batch, /*only_short=*/false)) {
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
  // A thread of the parent may have been in the middle of the ticket, so it is never touched again.
  if (Forked()) return;
  for (;;) {
    // This waits for Wakes of earlier rounds. None can begin while the ticket is queued, since only this thread queues
    // it anew.
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
