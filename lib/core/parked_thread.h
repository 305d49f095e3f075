// ParkedThread: a thread that waits, outside the executor, for the end of its command's wait (BLPOP and its like).
//
//   thread: Run(command) ── the client waits now ──► Await ── asleep, by the cache's clock ──► the reply
//   holder:                       WaitOver: takes the reply, puts the thread into the list of those to be woken
//
// Waking a thread is a system call, and one push may serve a thousand threads. So the holder wakes the first alone, and
// each that has woken wakes the next as it leaves: the list's first thread has always been woken already.
//
// Its time limit the thread sees itself, whoever does the cache's background work. A request to stop only wakes it: it
// takes its wait back itself, when its turn has come. If it was served before that, it returns the answer.
//
// Threads: Await and the constructor are the thread's, WaitOver the holder's, Stop anybody's.
#ifndef LARDER_CORE_PARKED_THREAD_H_
#define LARDER_CORE_PARKED_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "lib/base/holder.h"
#include "lib/base/intrusive_list.h"
#include "lib/core/closing.h"
#include "lib/engine/blocking.h"
#include "lib/engine/client.h"
#include "lib/resp/output.h"

namespace larder::inline v0::core {

class CacheCore;

class ParkedThread final : public engine::WaitOwner {
 public:
  // The answer will be put into `output`. All must outlive it.
  ParkedThread(CacheCore& core, engine::ClientState& client, resp::Output& output)
      : core_(core), client_(client), output_(output) {}
  ParkedThread(const ParkedThread&) = delete;
  ParkedThread& operator=(const ParkedThread&) = delete;

  // The client has begun to wait, in this hold. Enters `stay`, which must last until Await has returned: Close waits
  // for the thread to leave.
  void Begin(Stay& stay) LARDER_REQUIRES_HOLDER;
  // Returns when the wait is over. Errors: CANCELLED (Stop was called, or the cache is being closed),
  // FAILED_PRECONDITION (CLIENT KILL). REQUIRES: Begin was called.
  absl::Status Await();
  // Wakes the thread, so that it stops waiting. Needs neither the executor nor memory. REQUIRES: Await has not
  // returned.
  void Stop();

  void WaitOver(resp::Output* reply) override LARDER_REQUIRES_HOLDER;

 private:
  // Ends the wait without an answer. False if it is over, or the cache is being closed.
  bool TakeBack();

  CacheCore& core_;
  engine::ClientState& client_;
  resp::Output& output_;
  int64_t until_us_ = INT64_MAX;
  bool refused_ = false;  // the cache was being closed already
  std::condition_variable woken_;
  bool over_ = false;  // guarded by the list's mutex, as what follows
  bool answered_ = false;
  bool stop_requested_ = false;
  base::ListLinks<ParkedThread> links_;

  friend struct ParkedThreads;
};

// Those whose wait is over and who have not left yet, in the order in which they are to be woken. One a cache.
struct ParkedThreads {
  std::mutex mutex;  // held for some instructions; threads that sleep give it up
  base::IntrusiveList<ParkedThread, &ParkedThread::links_> woken;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_PARKED_THREAD_H_
