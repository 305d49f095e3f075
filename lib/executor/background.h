// The cache's own thread, if Options::background asks for one. It is made on first need, with all signals blocked, so
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

  // Does the work that is due. Returns the time, in microseconds of `clock`, at which it wants to run again without
  // being woken; kNever for none. It runs on the thread, one step at a time, and must not throw.
  using Work = int64_t (*)(void* arg);

  BackgroundThread() = default;
  // Stops. REQUIRES: the caller is not the thread itself; in a forked child, Abandon was called.
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  // Makes no thread yet. Returns false if there is no memory. `ended(arg)`, if any, is called on the thread as it ends:
  // from then on Stop waits for nothing. REQUIRES: it is called once, before everything else.
  bool Init(std::shared_ptr<Clock> clock, Work work, void* arg, void (*ended)(void* arg) = nullptr);

  // Makes the step run soon (again, if it is running), and makes the thread if there is none. Any thread may call it,
  // also with the executor held: it waits for nothing but the creation of the thread. Returns false after Stop, or if
  // the system refused the thread; the next Wake then tries again.
  bool Wake();

  // Whether the thread has been made.
  bool started() const;

  // Makes the current step the last. It waits for nothing; Stop has to follow.
  void RequestStop();
  // After RequestStop: whether no step runs any more, so that Stop waits for nothing.
  bool Over() const;

  // Makes the current step the last, waits for it for at most `wait_ns_max` of real time, and joins the thread. Returns
  // false if the time was up, or if the caller is the thread itself. The step is the last all the same, and somebody
  // has to call Stop again. It is idempotent. REQUIRES: one caller at a time.
  bool Stop(int64_t wait_ns_max = kWaitForever);

  // For a forked child, where the thread does not exist: forgets it, and leaks the memory that it may have been using.
  void Abandon() { (void)state_.release(); }

 private:
  struct State;
  struct DeleteState {
    void operator()(State* state) const;
  };

  static void* Main(void* arg);
  static void Loop(State& state);
  static bool StartThread(State& state);

  // It is on the heap because a forked child leaks it: to destroy a condition variable that a thread of the parent
  // waits on would never end.
  std::unique_ptr<State, DeleteState> state_;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_BACKGROUND_H_
