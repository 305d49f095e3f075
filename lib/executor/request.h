// The entries of the executor's queue: requests of waiting threads and batches of event loops.
//
// A request lives on the stack of the thread that waits for it. The holder that serves it may not touch it after the
// store of its final state: the waiter may have returned by then. A batch belongs to its loop. Its ticket, a small
// block of its own, is queued, so that a loop can take its batch back from the middle of a queue without waiting for
// the holder (Executor::Cancel).
#ifndef LARDER_EXECUTOR_REQUEST_H_
#define LARDER_EXECUTOR_REQUEST_H_

#include <atomic>
#include <cstdint>

#include <larder/export.h>
#include "lib/base/holder.h"

namespace larder::inline v0::executor {

class Executor;

// How much of a batch runs at a stretch: the first limit that is reached ends it.
struct SliceLimit {
  int commands_max = 64;
  int64_t ns_max = 20'000;
  // The holder is not the loop's own thread: the slice ends before a command that is not short.
  bool only_short = false;
};

namespace internal {

enum class Kind : uint8_t {
  kEngine,  // any holder may run it
  kUser,    // it has user code in it, or is not short: its own thread runs it
  kLoop,    // a loop's thread, whose batch has come to a command that is not short: it goes before all others
  kBatch,   // a Ticket
};

// A link in the queue. The low 6 bits of its address carry the lock word's flags.
struct alignas(64) Node {
  explicit Node(Kind k) : kind(k) {}
  Node* next = nullptr;
  Kind kind;
  std::atomic<uint32_t> state{0};  // RequestState or TicketState
};

enum RequestState : uint32_t {
  kWaiting = 0,   // its thread spins
  kSleeping = 1,  // its thread sleeps on `state`: whoever ends the wait has to wake it
  kCalled = 2,    // its thread is being woken to get the executor, which is lent to others until it is awake
  kDone = 3,      // the holder has run it
  kYouHold = 4,   // the waiter holds the executor now
  kRefused = 5,   // the executor was closed first
  kSentAway = 6,  // a loop that must not wait, see Executor::SendLoopsAway
};

struct Request : Node {
  explicit Request(Kind k) : Node(k) {}
  void (*run)(Request& self) = nullptr;
  void (*prefetch)(Request& self, int stage) = nullptr;  // or null
  bool (*is_short)(Request& self) = nullptr;             // null: it is short
};

struct Ticket;

}  // namespace internal

// A loop's work: many commands of many connections, with the buffers for their replies. The loop's thread owns it and
// calls Executor::SubmitBatch and Cancel; any holder of the executor may call RunSlice on its own thread.
class LARDER_API Batch {
 public:
  Batch() = default;
  virtual ~Batch();  // REQUIRES: it is finished, cancelled, or was never submitted
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Gets the memory that queueing needs; returns false if there is none. Call it before the first SubmitBatch and again
  // after a Cancel. It costs nothing if the memory is there already.
  bool Prepare();

  // Runs the next commands, up to `limit`. Returns true if none are left. It must run at least one, or batches never
  // end; but none with `only_short` if the next one is not short. It must not throw, wait, or touch thread-local state.
  virtual bool RunSlice(const SliceLimit& limit) LARDER_REQUIRES_HOLDER = 0;

  // After a slice with `only_short`: whether it has ended before a command that is not short. It must not throw, wait,
  // or touch thread-local state either.
  virtual bool NextIsLong() const LARDER_REQUIRES_HOLDER { return false; }

  // Tells the loop to call SubmitBatch again: the batch is finished, or nobody else wants the executor. It is called on
  // any thread, with the executor not held, and should do no more than write to an eventfd. It may be called once too
  // often.
  virtual void Wake() = 0;

 private:
  friend class Executor;
  internal::Ticket* ticket_ = nullptr;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_REQUEST_H_
