// The thread of a cache's own, where Options::background names one: made on first need, with all signals blocked, so
// the host's handlers never run on it. It runs a step function whenever it is woken or the step's own deadline is due.
#ifndef LARDER_EXECUTOR_BACKGROUND_H_
#define LARDER_EXECUTOR_BACKGROUND_H_

#include <cstdint>
#include <memory>

#include <larder/clock.h>
#include "lib/executor/futex.h"

namespace larder::inline v0::executor {

class BackgroundThread {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  // Does what is due and returns the time, in microseconds of `clock`, at which it wants to run again without being
  // woken; kNever for none. Runs on the thread, one at a time; must not throw.
  using Work = int64_t (*)(void* arg);

  BackgroundThread() = default;
  // Stops. REQUIRES: not on the thread itself; in a forked child, Abandon was called.
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  // Makes no thread yet. False if there is no memory. `ended(arg)`, if any, is called on the thread as it ends: from
  // then on Stop waits for nothing. REQUIRES: called once, before everything else.
  bool Init(std::shared_ptr<Clock> clock, Work work, void* arg, void (*ended)(void* arg) = nullptr);

  // The step shall run soon (again, if it is running); makes the thread if there is none. From any thread, also with
  // the executor held: it waits for nobody but the system's thread creation. False if that was refused, when the next
  // Wake tries again, or after Stop.
  bool Wake();

  // Whether the thread has been made.
  bool started() const;

  // The current step is the last. Waits for nothing; Stop has to follow.
  void RequestStop();
  // After that: whether no step runs any more, so that Stop waits for nothing.
  bool Over() const;

  // The current step is the last; waits for it, at most `wait_ns_max` of real time, and joins. False if the time was
  // up, or if called on the thread itself: the step is the last all the same, and somebody has to call Stop again.
  // Idempotent. One caller at a time.
  bool Stop(int64_t wait_ns_max = kWaitForever);

  // In a forked child: forgets the thread, which is not here, and leaks what it may have been using.
  void Abandon() { (void)state_.release(); }

 private:
  struct State;
  struct DeleteState {
    void operator()(State* state) const;
  };

  static void* Main(void* arg);
  static void Loop(State& state);
  static bool StartThread(State& state);

  // On the heap, since destroying a condition variable that a thread of the parent waits on would never end.
  std::unique_ptr<State, DeleteState> state_;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_BACKGROUND_H_
