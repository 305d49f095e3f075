// AsyncQueue: ExecuteAsync's commands from the call to the callback.
//
//   call ──► executor free, nobody of this queue waits, the command is short ──► runs here ─────────► delivery queue
//       └──► else: argv is copied and waits ──► run by what Options::background names, first come first served ─┘
//
// ExecuteAsync never waits, so a command that cannot run at once waits without its caller. Commands of this queue run
// in the order of the calls: one that comes while others wait is put behind them, whatever the executor does. (Calls
// that wait themselves, Set or Execute, do not stand in this queue, and may run before what stands in it.) What is not
// short is run by the background's own thread, since a caller that was promised not to wait should not run it either.
//
// Memory. What a call takes is counted from the call until its callback has returned: its copy of argv while it waits,
// then its reply. The sum is bounded by async-bytes-max; a call that would go over it is refused. A reply counts with
// all that it refers to, and may overshoot the bound, by one reply: it is there before anybody knows its size. The same
// bytes, without values that are the cache's own, are in used_memory (Keyspace::extra_memory).
//
// Rejected: to wait for room (the header promises not to); to drop the oldest (its command may have run); a thread for
// commands of its own (Options::background names all threads).
//
// Threads: Execute, HasWork and the counters, from any; RunWaiting too, of whose callers one works and the others are
// told that there is work; CancelWaiting when nothing runs under the executor any more.
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

  // Runs what was waiting when it was called, each command under the executor on its own, while `keep_going()`, asked
  // between two; at least one. `wait`: whether this thread may wait for the executor; an event loop's may not. True if
  // some are left.
  bool RunWaiting(bool wait, absl::FunctionRef<bool()> keep_going);
  bool HasWork() const { return waiting_.load(std::memory_order_seq_cst) != 0; }

  // The cache is closed: later calls are refused, and the callbacks of those that wait are owed CANCELLED.
  void CancelWaiting();
  // In a forked child: forgets everything.
  void Abandon();

  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // What is compared with async-bytes-max.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  class Call;

  bool RunAtOnce(std::unique_ptr<Call>& call, std::span<const std::string_view> argv);
  // Runs it or puts it in the queue, and takes it; or says why not, and leaves it.
  const ErrorText* Submit(std::unique_ptr<Call>& call, std::span<const std::string_view> argv);
  bool Push(std::unique_ptr<Call>& call);
  Call* First();
  std::unique_ptr<Call> Pop();
  bool RunFirst(bool wait);

  CacheCore& core_;
  std::atomic<size_t> waiting_{0};  // grows by callers, falls under the executor
  std::atomic<bool> running_{false};  // somebody is in RunWaiting
  std::atomic<uint64_t> bytes_{0};
  std::mutex mutex_;  // held for some instructions; guards all below
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  bool closed_ = false;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_ASYNC_QUEUE_H_
