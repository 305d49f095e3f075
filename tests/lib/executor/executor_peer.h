// What the executor's tests see of its inside, and the threads and latches that they are made of.
#ifndef LARDER_TESTS_LIB_EXECUTOR_EXECUTOR_PEER_H_
#define LARDER_TESTS_LIB_EXECUTOR_EXECUTOR_PEER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "lib/executor/executor.h"

namespace larder::inline v0::executor {

class ExecutorPeer {
 public:
  // What joined last and has not been taken by a holder yet; null for nobody.
  static const internal::Node* Newest(const Executor& executor) {
    return reinterpret_cast<const internal::Node*>(executor.word_->load() & ~Executor::kFlags);
  }
  // REQUIRES: the executor is held, and the holder does not let go meanwhile.
  static bool NewestSleeps(const Executor& executor) { return Newest(executor)->state.load() == internal::kSleeping; }
  // Queues a request for a thread that is not there; false if it took the executor. As if it slept already.
  static bool JoinAsleep(Executor& executor, internal::Request& request) {
    request.state = internal::kSleeping;
    return executor.Join(request) == Executor::Joined::kQueued;
  }
  // What a newcomer does before it waits; true if it became the holder.
  static bool TryForAMoment(Executor& executor) { return executor.TryForAMoment(); }
  static bool Closing(const Executor& executor) { return (executor.word_->load() & Executor::kClosing) != 0; }
};

// Spins, giving up the processor now and then: for conditions that another thread is about to make true. (On a busy
// machine a yield may cost milliseconds; the other thread often runs at this moment.)
template <class Condition>
void Await(Condition condition) {
  for (int spins = 1; !condition(); ++spins) {
    if (spins % 256 == 0) {
      std::this_thread::yield();
    } else {
      SpinPause();
    }
  }
}

// Threads that join the queue of `executor`, which the test holds, one after the other.
class Joiners {
 public:
  explicit Joiners(Executor& executor) : executor_(executor) {}
  ~Joiners() { JoinAll(); }

  // Starts a thread with `body`, and returns when its request is in the queue (asleep, with `sleeping`).
  template <class Body>
  void Start(Body body, bool sleeping = false) {
    const internal::Node* const before = ExecutorPeer::Newest(executor_);
    threads_.emplace_back(std::move(body));
    Await([&] { return ExecutorPeer::Newest(executor_) != before; });
    if (sleeping) Await([&] { return ExecutorPeer::NewestSleeps(executor_); });
  }

  std::thread::id id(size_t i) const { return threads_[i].get_id(); }

  void JoinAll() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  Executor& executor_;
  std::vector<std::thread> threads_;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_TESTS_LIB_EXECUTOR_EXECUTOR_PEER_H_
