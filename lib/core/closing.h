// Closing: the stages of a cache's end, and the waiting of its closers.
//
// Any thread may close, several at once, each with a deadline of its own. So the end is cut into stages. A closer can
// leave each in the middle, and the next one goes on with it:
//
//   open ─► listeners ─► holder ─► calls ─► thread ─► callbacks ─► keys ─► jobs ─► closed
//
//   listeners   each is asked to stop, and has
//   holder      the executor refuses everybody, and its last holder has let go
//   calls       nobody is in a loader, waits for one, or is in Tick or Listener::Start (Visit), nor in a call that works
//               on the cache between or after its holds on the executor (Stay)
//   thread      the background thread has ended
//   callbacks   owed callbacks are delivered, by the closer; nobody else is left to do it
//   keys        sessions that ended meanwhile are taken out of the engine; all keys are freed, a few at a time
//   jobs        background jobs (large values) are done and their threads gone
//   closed      the only work left is to look for values that are still pinned
//
// The closer that works on a stage has *the role*, which is a flag. One closer at a time has it. The others wait until
// it is given back, the end is reached or their own time is up. The closer with the role gives it back when its own
// time is up, wherever it is.
//
// Invariants
// - The mutex is held for a few instructions only: never during the work of a stage, a callback or the joining of a
//   thread. Waits under it are on the condition variable, by the cache's clock. So an announcement (of the end of a
//   visit or of a thread) waits for nobody.
// - The end of a session takes neither role nor mutex. If it cannot run at once, it goes into a list
//   (CacheCore::EndSession).
// - A thread that announces something is done with the cache when it gives the mutex back, or is joined, or holds the
//   executor.
//
// Threads: any thread may call every method, unless its comment says otherwise.
#ifndef LARDER_CORE_CLOSING_H_
#define LARDER_CORE_CLOSING_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include <larder/clock.h>
#include <larder/internal/visit.h>

namespace larder::inline v0::core {

class Closing {
 public:
  enum class Stage : uint8_t { kOpen, kListeners, kHolder, kCalls, kThread, kCallbacks, kKeys, kJobs, kClosed };

  explicit Closing(Clock& clock) : clock_(clock) {}  // REQUIRES: the clock outlives it
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

  // --- Calls that Close waits for. ---

  // Returns false once closing has begun. If it returns true, Leave must follow.
  bool Enter(internal::Visit& visit);
  void Leave(internal::Visit& visit);
  void EnterWithin(internal::Visit& visit);  // never refused
  // Whether this thread is inside such a call.
  bool IsVisitor();
  // The same for a call in which no user code runs, except a MemorySource's, so nobody asks for its thread. They cost a
  // compare-and-swap each. Stay calls them, also under the executor on another thread than the caller's.
  bool EnterStay();
  void LeaveStay();

  // --- For closers. ---

  void Begin();  // Nobody enters from now on. It is idempotent.
  bool begun() const { return begun_.load(std::memory_order_acquire); }

  // Waits for the role. Returns false if the time is up first.
  bool TakeRole(int64_t deadline_us);
  void GiveRole();

  // The closer with the role goes on to the next stage.
  Stage stage() const { return stage_.load(std::memory_order_relaxed); }
  void Advance() { stage_.store(static_cast<Stage>(static_cast<uint8_t>(stage()) + 1), std::memory_order_relaxed); }

  // INT64_MAX never comes, not even if a clock has been set to its end.
  bool Late(int64_t deadline_us) { return deadline_us != INT64_MAX && clock_.NowUs() >= deadline_us; }
  bool AwaitVisitors(int64_t deadline_us) {
    return Await(deadline_us, [this] { return visits_ == nullptr && stays() == 0; });
  }
  bool AwaitHolder(int64_t deadline_us) {
    return Await(deadline_us, [this] { return holder_left_; });
  }
  // `done()` may only read, and a Notify must follow each change of what it reads.
  template <class Done>
  bool Await(int64_t deadline_us, Done&& done) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!done()) {
      if (Late(deadline_us)) return false;
      clock_.WaitUntil(lock, changed_, deadline_us);
    }
    return true;
  }

  // --- For the work that closers wait for. ---

  void Notify() {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }
  void HolderLeaves() {
    const std::lock_guard<std::mutex> lock(mutex_);
    holder_left_ = true;
    changed_.notify_all();
  }

  // DEADLINE_EXCEEDED. The message tells what the stage waits for, and how many are left if that is known.
  static absl::Status Unfinished(Stage stage, std::optional<size_t> left);
  size_t visitors();

 private:
  static constexpr uint32_t kNoMoreStays = 1u << 31;  // once closing has begun
  void EnterLocked(internal::Visit& visit);
  uint32_t stays() const { return stays_.load(std::memory_order_acquire) & ~kNoMoreStays; }

  Clock& clock_;
  std::atomic<bool> begun_{false};
  std::atomic<uint32_t> stays_{0};  // their number, and kNoMoreStays
  std::atomic<Stage> stage_{Stage::kOpen};  // written by the closer with the role
  std::mutex mutex_;
  std::condition_variable changed_;
  bool role_taken_ = false;  // mutex_ guards this and all below
  bool holder_left_ = false;
  internal::Visit* visits_ = nullptr;
};

class CacheCore;

// A call that touches the cache between two holds on the executor, or after its last one. It enters before it lets go
// of the first, or before it touches the cache at all. So it finds the cache whole, or is refused.
class Stay {
 public:
  Stay() = default;
  ~Stay() {
    if (core_ != nullptr) Leave();
  }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

  // Returns false once closing has begun: then the cache may be gone as soon as the executor is let go. It is
  // idempotent.
  bool Enter(CacheCore& core);
  bool entered() const { return core_ != nullptr; }

 private:
  void Leave();
  CacheCore* core_ = nullptr;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_CLOSING_H_
