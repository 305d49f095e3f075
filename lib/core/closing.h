// Closing: how far a cache has come on its way to its end, and who waits for whom.
//
// Anybody may close, several at once, and each has a deadline of his own. So the end is cut into stages, each of which
// can be left in the middle and gone on with by whoever closes next:
//
//   open ─► listeners ─► holder ─► calls ─► thread ─► callbacks ─► keys ─► jobs ─► closed
//
//   listeners   each is asked to stop, and has
//   holder      the executor refuses everybody, and who held it has let go
//   calls       nobody is in a loader, waits for one, or is in Tick or Listener::Start (Visit), nor in a call that works
//               on the cache between or after its holds on the executor (Stay)
//   thread      the background thread has ended
//   callbacks   what is owed is delivered, by whoever closes; nobody else is left to do it
//   keys        sessions that ended meanwhile are taken out of the engine; all keys are freed, a few at a time
//   jobs        background jobs (large values) are done and their threads gone
//   closed      nothing is left to do but to look for values that are still pinned
//
// Who is at work on a stage has *the role*, which is a flag: one at a time has it, the others wait until it is given
// back, the end is reached or their own time is up. Its holder gives it back when its own time is up, wherever it is.
//
// Invariants
// - The mutex is held for a few instructions only: never while anything of a stage is done, a callback runs, or a thread
//   is joined; what is waited for under it is the condition variable, by the cache's clock. So whoever announces
//   something (a visit's end, a thread's) waits for nobody.
// - The end of a session takes neither role nor mutex. What cannot run at once it leaves in a list (CacheCore::EndSession).
// - Whoever announces something is done with the cache when it gives the mutex back, or is joined, or holds the executor.
//
// Threads: every method, from any thread, where nothing else is said.
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

  // False once closing has begun. Leave must follow if not.
  bool Enter(internal::Visit& visit);
  void Leave(internal::Visit& visit);
  void EnterWithin(internal::Visit& visit);  // never refused
  // Whether this thread is inside such a call.
  bool IsVisitor();
  // The same for a call in which no code of the user's runs but a MemorySource's, so that nobody has to find out whose
  // it is: two compare-and-swaps. Stay calls them. Also under the executor, on a stranger's thread.
  bool EnterStay();
  void LeaveStay();

  // --- Those who close. ---

  void Begin();  // Nobody enters from now on. Idempotent.
  bool begun() const { return begun_.load(std::memory_order_acquire); }

  // Waits for the role. False if the time is up first.
  bool TakeRole(int64_t deadline_us);
  void GiveRole();

  // The role's holder goes on to the next stage.
  Stage stage() const { return stage_.load(std::memory_order_relaxed); }
  void Advance() { stage_.store(static_cast<Stage>(static_cast<uint8_t>(stage()) + 1), std::memory_order_relaxed); }

  // INT64_MAX never comes, not even where a clock has been set to its end.
  bool Late(int64_t deadline_us) { return deadline_us != INT64_MAX && clock_.NowUs() >= deadline_us; }
  bool AwaitVisitors(int64_t deadline_us) {
    return Await(deadline_us, [this] { return visits_ == nullptr && stays() == 0; });
  }
  bool AwaitHolder(int64_t deadline_us) {
    return Await(deadline_us, [this] { return holder_left_; });
  }
  // `done()` may only look, at what is followed by a Notify when it changes.
  template <class Done>
  bool Await(int64_t deadline_us, Done&& done) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!done()) {
      if (Late(deadline_us)) return false;
      clock_.WaitUntil(lock, changed_, deadline_us);
    }
    return true;
  }

  // --- What those who are waited for announce. ---

  void Notify() {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }
  void HolderLeaves() {
    const std::lock_guard<std::mutex> lock(mutex_);
    holder_left_ = true;
    changed_.notify_all();
  }

  // DEADLINE_EXCEEDED, with what is being waited for in this stage, and how many of it are left if that is known.
  static absl::Status Unfinished(Stage stage, std::optional<size_t> left);
  size_t visitors();

 private:
  static constexpr uint32_t kNoMoreStays = 1u << 31;  // once closing has begun
  void EnterLocked(internal::Visit& visit);
  uint32_t stays() const { return stays_.load(std::memory_order_acquire) & ~kNoMoreStays; }

  Clock& clock_;
  std::atomic<bool> begun_{false};
  std::atomic<uint32_t> stays_{0};  // how many there are, and kNoMoreStays
  std::atomic<Stage> stage_{Stage::kOpen};  // the role's holder writes
  std::mutex mutex_;
  std::condition_variable changed_;
  bool role_taken_ = false;  // all below guarded by mutex_
  bool holder_left_ = false;
  internal::Visit* visits_ = nullptr;
};

class CacheCore;

// A call that touches the cache between two holds on the executor, or after its last one. It enters before it lets go
// of the first, or before it has reached the cache at all: then it finds the cache whole, or is refused.
class Stay {
 public:
  Stay() = default;
  ~Stay() {
    if (core_ != nullptr) Leave();
  }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

  // False once closing has begun: then the cache may be gone as soon as the executor is let go. Idempotent.
  bool Enter(CacheCore& core);
  bool entered() const { return core_ != nullptr; }

 private:
  void Leave();
  CacheCore* core_ = nullptr;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_CLOSING_H_
