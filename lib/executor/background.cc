#include "lib/executor/background.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/thread.h"

namespace larder::inline v0::executor {

struct BackgroundThread::State {
  std::shared_ptr<Clock> clock;
  Work work = nullptr;
  void* arg = nullptr;
  void (*ended)(void* arg) = nullptr;

  std::mutex mutex;
  std::condition_variable changed;
  bool started = false;  // `mutex` guards this and all below
  bool joined = false;
  bool stop = false;
  bool woken = false;
  pthread_t thread{};
  std::atomic<uint32_t> over{0};  // the work neither runs nor will run
};

void BackgroundThread::DeleteState::operator()(State* state) const { delete state; }

BackgroundThread::~BackgroundThread() {
  if (state_ == nullptr) return;
  const bool stopped = Stop();
  LARDER_CHECK(stopped);  // it was destroyed on its own thread
}

bool BackgroundThread::Init(std::shared_ptr<Clock> clock, Work work, void* arg, void (*ended)(void* arg)) {
  LARDER_CHECK(state_ == nullptr && clock != nullptr && work != nullptr);
  state_.reset(new (std::nothrow) State);
  if (state_ == nullptr) return false;
  state_->clock = std::move(clock);
  state_->work = work;
  state_->arg = arg;
  state_->ended = ended;
  return true;
}

bool BackgroundThread::started() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->started;
}

bool BackgroundThread::Wake() {
  State& state = *state_;
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (state.stop) return false;
    if (!state.started && !StartThread(state)) return false;
    if (state.woken) return true;
    state.woken = true;
  }
  state.changed.notify_one();
  return true;
}

bool BackgroundThread::StartThread(State& state) {
  LARDER_DCHECK(!state.started && !state.stop);
  state.started = base::StartThread("larder", &Main, &state, &state.thread) == 0;
  return state.started;
}

void* BackgroundThread::Main(void* arg) {
  State& state = *static_cast<State*>(arg);
  Loop(state);
  state.over.store(1, std::memory_order_release);
  FutexWakeAll(&state.over);
  if (state.ended != nullptr) state.ended(state.arg);  // Stop joins this thread, so `state` still exists
  return nullptr;
}

void BackgroundThread::Loop(State& state) {
  std::unique_lock<std::mutex> lock(state.mutex);
  while (!state.stop) {
    state.woken = false;
    lock.unlock();
    const int64_t deadline_us = state.work(state.arg);
    lock.lock();
    while (!state.stop && !state.woken && (deadline_us == kNever || state.clock->NowUs() < deadline_us)) {
      state.clock->WaitUntil(lock, state.changed, deadline_us);
    }
  }
}

void BackgroundThread::RequestStop() {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_one();
}

bool BackgroundThread::Over() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return !state_->started || state_->over.load(std::memory_order_acquire) != 0;
}

bool BackgroundThread::Stop(int64_t wait_ns_max) {
  RequestStop();
  State& state = *state_;
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (!state.started || state.joined) return true;
    if (pthread_equal(state.thread, pthread_self())) return false;
  }
  const int64_t end_ns = wait_ns_max < 0 ? 0 : MonotonicNs() + wait_ns_max;
  while (state.over.load(std::memory_order_acquire) == 0) {
    const int64_t left_ns = wait_ns_max < 0 ? kWaitForever : end_ns - MonotonicNs();
    if (wait_ns_max >= 0 && left_ns <= 0) return false;
    FutexWait(state.over, 0, left_ns);
  }
  pthread_join(state.thread, nullptr);
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.joined = true;
  return true;
}

}  // namespace larder::inline v0::executor
