// CacheCore: the parts of one cache, wired together: executor, engine, delivery queue, background work.
//
// Cache (the public class), sessions and listeners hold a pointer to it; the Cache owns it.
//
// Background work is active expiry, eviction, freeing, compaction and the delivery of callbacks. Options::background
// tells who does it: a thread made on first need, the listener's loop (which calls BackgroundStep from a time event),
// or Tick.
//
// Threads: any thread may call every method, unless its comment says otherwise.
#ifndef LARDER_CORE_CORE_H_
#define LARDER_CORE_CORE_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/clock.h>
#include <larder/internal/error_text.h>
#include <larder/options.h>
#include <larder/stats.h>
#include "lib/base/bio.h"
#include "lib/base/holder.h"
#include "lib/core/async_queue.h"
#include "lib/core/closing.h"
#include "lib/core/flights.h"
#include "lib/core/limits.h"
#include "lib/core/listeners.h"
#include "lib/core/loop_pace.h"
#include "lib/core/parked_thread.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/engine.h"
#include "lib/executor/background.h"
#include "lib/executor/delivery.h"
#include "lib/executor/executor.h"

namespace larder::inline v0::core {

// The end of a client, which may have to wait for the cache's end. It owns everything of the client's that the engine
// knows, and is deleted when the engine does not know it any more.
class SessionEnd {
 public:
  virtual ~SessionEnd() = default;
  // Takes the client out of the engine. It is called once.
  virtual void End() LARDER_REQUIRES_HOLDER = 0;

 private:
  friend class CacheCore;
  SessionEnd* next_end_ = nullptr;
};

class LARDER_API CacheCore final : public engine::EngineHost {
 public:
  static absl::StatusOr<std::unique_ptr<CacheCore>> Create(const Options& options);
  ~CacheCore();

  executor::Executor& executor() { return *executor_; }
  // Whether this process is a forked child of the one that opened the cache. In a child no lock of the cache's may be
  // taken, no table walked and nothing destroyed: threads of the parent may have been in the middle of it. Before
  // anything else every call asks this, or takes the executor, which asks.
  bool Forked() const { return executor_->Forked(); }
  engine::Engine& engine() { return *engine_; }
  base::Bio& bio() { return *bio_; }
  executor::DeliveryQueue& delivery() { return delivery_; }
  AsyncQueue& async() { return async_; }
  LiveLimits& limits() { return limits_; }
  // How many of maxclients are taken, by clients of all listeners. Any thread may use it.
  std::atomic<uint32_t>& listener_clients() { return listener_clients_; }
  // A copy of the present options. Errors: CANCELLED, RESOURCE_EXHAUSTED...
  absl::StatusOr<std::unique_ptr<Options>> CopyOptions();
  // Lowers maxclients to `most`, because there are no more descriptors. Errors: CANCELLED, RESOURCE_EXHAUSTED.
  absl::Status LowerMaxclients(uint32_t most);
  // Whether somebody listens to MONITOR. Typed calls then make lines for it.
  bool monitored() const LARDER_REQUIRES_HOLDER { return read_reasons_.Has(engine::ReadReason::kMonitor); }
  Clock& clock() { return *clock_; }
  FlightTable& flights() { return flights_; }
  ParkedThreads& parked_threads() { return parked_threads_; }

  // Whether this thread may use a Transaction: it is inside Atomically's function with that serial number, and not
  // inside View within it. A Transaction that outlives that function gets the answer no, on any thread, in a later
  // Atomically and in a forked child too. The other methods here are for that thread, which holds the executor.
  bool MayTransact(uint64_t transaction) const {
    return transacting_.load(std::memory_order_relaxed) == ThisThread() && transaction == transaction_ &&
           !executor_->Forked();
  }
  // Returns the serial number, which is not 0.
  uint64_t BeginTransacting() {
    GoOnTransacting();
    return ++transaction_;
  }
  void EndTransacting() { PauseTransacting(); }
  void PauseTransacting() { transacting_.store(0, std::memory_order_relaxed); }
  void GoOnTransacting() { transacting_.store(ThisThread(), std::memory_order_relaxed); }
  Background background() const { return background_; }

  // Runs engine-only `fn` under the executor, and AfterOp.
  template <class F>
  absl::Status Run(F&& fn) {
    const executor::Outcome outcome = executor_->Run([&]() LARDER_REQUIRES_HOLDER {
      fn();
      AfterOp();
    });
    if (outcome != executor::Outcome::kRan) [[unlikely]] return OutcomeStatus(outcome);
    return absl::OkStatus();
  }
  // The same for work that may be long: if is_short() says no, `fn` runs on this thread. See Executor::Run.
  template <class F, class S>
  absl::Status Run(F&& fn, S&& is_short) {
    const executor::Outcome outcome = executor_->Run(
        [&]() LARDER_REQUIRES_HOLDER {
          fn();
          AfterOp();
        },
        [](int) {}, is_short);
    if (outcome != executor::Outcome::kRan) [[unlikely]] return OutcomeStatus(outcome);
    return absl::OkStatus();
  }
  static absl::Status OutcomeStatus(executor::Outcome outcome) { return internal::StatusOf(ErrorOf(outcome)); }
  // Why a call did not run; nullptr if it did.
  static const ErrorText* ErrorOf(executor::Outcome outcome);

  // Ends a session now or, if the cache is closed or about to be, when a closer comes to it. It waits for no closer.
  // Any thread may call it, also inside user code and callbacks.
  void EndSession(std::unique_ptr<SessionEnd> end);

  // Call it at the end of every hold on the executor. It serves clients that wait for keys which this hold has brought.
  // If ops have left work that the background does not know of, it wakes the background. If there is neither, it costs
  // one load and one compare.
  void AfterOp() LARDER_REQUIRES_HOLDER { AfterOp(engine_->keyspace()); }
  // The same for callers that have the keyspace at hand.
  void AfterOp(const keyspace::Keyspace& keyspace) LARDER_REQUIRES_HOLDER {
    if (keyspace.owed() != 0) [[unlikely]] DoWhatIsOwed();
  }
  // Returns false if a thread is needed and the system refuses it; the next call tries again.
  bool WakeBackground();

  // For use before a write of more than a slice's bytes (keyspace/room.h): if memory is over maxmemory, evicts that
  // much in holds of its own, between which others have their turn. It works on the caller's thread, which must not be
  // an event loop's or inside Atomically. It is cheap if there is nothing to do. If it takes the executor, it enters
  // `stay`, which must last until the write has run.
  void MakeRoomAhead(size_t bytes, size_t counted, Stay* stay) {
    if (bytes <= keyspace::kSliceBytes) [[likely]] return;
    if (limits_.maxmemory.load(std::memory_order_relaxed) != 0) MakeRoomInSlices(bytes, counted, stay);
  }
  void MakeRoomAhead(std::span<const std::string_view> argv, Stay* stay) {
    const uint64_t maxmemory = limits_.maxmemory.load(std::memory_order_relaxed);
    if (maxmemory == 0) [[likely]] return;
    const uint64_t string_bytes_max = limits_.bulk_bytes_max.load(std::memory_order_relaxed);
    const keyspace::Growth growth = engine::GrowthOf(engine_->commands(), argv, string_bytes_max, nullptr);
    if (growth.value_bytes <= maxmemory) MakeRoomAhead(growth.bytes, 0, stay);  // a larger value will be refused
  }

  // MemoryLimit::SearchRoom for a block that is made without the executor. It takes the executor unless `held`.
  // REQUIRES: `held`, or the caller is in a Stay.
  bool SearchRoom(keyspace::SourceSearch* search, bool held);

  void FillExecutorStats(ExecutorStats* to) const;

  // Does the work that is due, and delivers until `deadline_us` of the cache's clock. Returns when it wants to be
  // called again, in us of that clock; INT64_MAX for "not until WakeBackground".
  int64_t BackgroundStep(int64_t deadline_us);

  // For use when clients have grown by their input: closes some if all together are over maxmemory-clients. The first
  // waits for the executor. The second, for an event loop, does nothing while the executor is busy: a later batch will
  // look.
  void CheckClientsMemory();
  void TryCheckClientsMemory();
  // A loop calls it before it counts bytes that it has moved. It does nothing while the executor is busy.
  void TrySampleRates();

  // For an event loop, which never waits. Returns false if CLIENT PAUSE lasts, or the executor is busy.
  bool TryEndPause();

  // AddListener returns false after Close has begun. A listener removes itself before it dies; this waits for a
  // StopForClose that runs on another thread.
  bool AddListener(ListenerHook* listener);
  void RemoveListener(ListenerHook* listener);

  // See Cache::Close.
  absl::Status Close(int64_t deadline_us);
  bool closed() const { return closing_->begun(); }
  // Whether this thread closes, and delivers the last callbacks: then it is the only one that touches the cache.
  bool InLastCallbacks() const { return closing_->stage() == Closing::Stage::kCallbacks && delivery_.IsDrainer(); }
  Closing& closing() { return *closing_; }

  void Log(LogLevel level, std::string_view line) override;

  // EngineHost.
  Error RequestShutdown(const ShutdownRequest& request, resp::ReplyWriter& reply) override LARDER_REQUIRES_HOLDER;
  void OptionsChanged() override LARDER_REQUIRES_HOLDER;
  absl::Status Relisten(const Options& changed, bool tls, engine::ListenerPart* failed) override LARDER_REQUIRES_HOLDER;
  uint32_t FittingClients(uint32_t wanted) const override;
  void AddReadReason(engine::ReadReason reason) override LARDER_REQUIRES_HOLDER { read_reasons_.Add(reason); }
  void RemoveReadReason(engine::ReadReason reason) override LARDER_REQUIRES_HOLDER {
    read_reasons_.Remove(reason);
  }
  std::string_view poller_name() const override;
  int tcp_port() const override;
  void AddStats(Stats& stats) const override {
    FillExecutorStats(&stats.executor);
    stats.loads_not_stored = flights_.not_stored();
  }

 private:
  CacheCore() = default;
  static uintptr_t ThisThread() { return static_cast<uintptr_t>(pthread_self()); }
  [[gnu::cold]] void DoWhatIsOwed() LARDER_REQUIRES_HOLDER;
  template <class F>
  bool TryRun(F&& fn);
  template <class F>
  bool RunInBackground(F&& fn);
  bool ClientsOverLimit() const;
  void MakeRoomInSlices(size_t bytes, size_t counted, Stay* stay);
  // Kinds of background work.
  enum class Work : uint8_t { kExpire, kFree, kEvict };
  static constexpr int kWorks = 3;
  bool WorkStep(Work work) LARDER_REQUIRES_HOLDER;
  bool BackgroundRound(int64_t deadline_us, bool* cut);
  bool CompactRound(int64_t deadline_us);
  bool RunJobs(int64_t deadline_us);
  int64_t NextRoundMs(int64_t now_ms, bool cut) LARDER_REQUIRES_HOLDER;

  // core_close.cc.
  const ErrorText* MayNotClose();
  bool RunStage(int64_t deadline_us);
  bool StopListeners(int64_t deadline_us);
  void StopOwnListeners();
  bool CloseExecutor(int64_t deadline_us);
  void EndWaits();
  bool StopThread(int64_t deadline_us);
  bool DeliverAll(int64_t deadline_us);
  bool EndKeys(int64_t deadline_us);
  bool FinishJobs(int64_t deadline_us);
  absl::Status Unfinished();
  absl::Status PinsLeft();
  void RunEnds();

  std::shared_ptr<Clock> clock_;
  Background background_ = Background::kThread;
  std::function<void(LogLevel, std::string_view)> log_;
  std::function<absl::Status(const ShutdownRequest&)> on_shutdown_;
  LiveLimits limits_;
  std::atomic<uint32_t> listener_clients_{0};
  FlightTable flights_;
  base::Bio* bio_ = nullptr;  // one reference
  std::unique_ptr<executor::Executor> executor_;
  engine::ReadReasons read_reasons_ LARDER_GUARDED_BY_HOLDER;  // near the members that every typed call loads
  std::unique_ptr<engine::Engine> engine_;
  std::atomic<uintptr_t> transacting_{0};  // only that thread can find its own id here
  uint64_t transaction_ = 0;               // serial number of the newest; for that thread
  ParkedThreads parked_threads_;
  executor::DeliveryQueue delivery_;
  AsyncQueue async_{*this};
  executor::BackgroundThread thread_;
  LoopPace pace_;
  std::unique_ptr<Closing> closing_;  // a forked child leaks it: a thread of the parent may be waiting on it
  std::atomic<SessionEnd*> ends_{nullptr};  // newest first; closers run them
  Listeners listeners_;
  base::Line late_listener_;  // the listener for which Close waited in vain; for the closer with the role
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_CORE_H_
