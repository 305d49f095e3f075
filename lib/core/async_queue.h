// AsyncQueue: ExecuteAsync's commands from the call to the callback.
//
//   call ──► executor free, nobody of this queue waits, the command is short ──► runs here ─────────► delivery queue
//       └──► else: argv is copied and waits ──► run by what Options::background names, first come first served ─┘
//
// ExecuteAsync never waits, so a command that cannot run at once waits without its caller. Commands of this queue run
// in the order of the calls: one that comes while others wait goes behind them, whatever the executor does. (Calls that
// wait themselves, Set or Execute, are not in this queue, and may run before its commands.) The background's own thread
// runs commands that are not short: a caller that was promised not to wait should not run them either.
//
// A command that waits (BLPOP) has run, as far as this queue is concerned: it waits in engine::Blocking, as a client of
// its own, and those behind it go on. When its wait is over its reply goes to the delivery queue.
//
// Memory. A call's memory counts from the call until its callback has returned: its copy of argv while it waits, then
// its reply. async-bytes-max bounds the sum; a call that would go over it is refused. A reply counts with all that it
// refers to, and may go over the bound, by one reply: it is made before its size is known. The same bytes, without
// values that are the cache's own, are in used_memory (Keyspace::extra_memory).
//
// Rejected: waiting for room (the header promises not to); dropping the oldest (its command may have run); a thread of
// its own for commands (Options::background names all threads).
//
// Threads: any thread may call Execute, HasWork and the counters. Any may call RunWaiting: one of its callers works,
// and the others are told that there is work. CancelWaiting comes when nothing runs under the executor any more.
#ifndef LARDER_CORE_ASYNC_QUEUE_H_
#define LARDER_CORE_ASYNC_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/reply.h>
#include "lib/base/error.h"

namespace larder::inline v0::core {

class CacheCore;

class AsyncQueue {
 public:
  using Callback = std::function<void(absl::StatusOr<Reply>)>;

  explicit AsyncQueue(CacheCore& core) : core_(core) {}
  ~AsyncQueue();  // REQUIRES: nothing waits; in a forked child, Abandon was called.
  AsyncQueue(const AsyncQueue&) = delete;
  AsyncQueue& operator=(const AsyncQueue&) = delete;

  // See Cache::ExecuteAsync.
  absl::Status Execute(int db, std::span<const std::string_view> argv, Callback callback);

  // Runs the commands that wait when it is called, each under the executor on its own, at least one, while
  // `keep_going()`, asked between two. `wait`: whether this thread may wait for the executor; an event loop's may not.
  // Returns true if commands are left.
  bool RunWaiting(bool wait, absl::FunctionRef<bool()> keep_going);
  bool HasWork() const { return waiting_.load(std::memory_order_seq_cst) != 0; }

  // The cache is closed: refuses later calls, and posts CANCELLED to the callbacks of those that wait.
  void CancelWaiting();
  // For a forked child: forgets everything.
  void Abandon();

  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // The bytes that async-bytes-max bounds.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  class Call;

  bool RunAtOnce(std::unique_ptr<Call>& call, std::span<const std::string_view> argv);
  // Takes the call, to run it or to put it in the queue; or says why not, and leaves it.
  const ErrorText* Submit(std::unique_ptr<Call>& call, std::span<const std::string_view> argv);
  bool Push(std::unique_ptr<Call>& call);
  Call* First();
  std::unique_ptr<Call> Pop();
  bool RunFirst(bool wait);

  CacheCore& core_;
  std::atomic<size_t> waiting_{0};  // callers raise it; it falls under the executor
  std::atomic<bool> running_{false};  // a thread is in RunWaiting
  std::atomic<uint64_t> bytes_{0};
  std::mutex mutex_;  // held for some instructions; guards all below
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  bool closed_ = false;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_ASYNC_QUEUE_H_
