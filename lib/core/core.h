// CacheCore: one cache's parts, wired: executor, engine, delivery queue, background work.
//
// Cache (the public class), sessions and listeners hold a pointer to it; the Cache owns it.
//
// Background work is active expiry, eviction, freeing, compaction and the delivery of callbacks. Who does it is
// Options::background: a thread made on first need, the listener's loop (which calls BackgroundStep from a time event),
// or Tick.
//
// Threads: every method, from any thread, where nothing else is said.
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
#include "lib/engine/dispatch.h"
#include "lib/engine/engine.h"
#include "lib/executor/background.h"
#include "lib/executor/delivery.h"
#include "lib/executor/executor.h"

namespace larder::inline v0::core {

// A client's end that may have to wait for the cache's: everything of the client's that the engine knows, to be deleted
// when it does not know it any more.
class SessionEnd {
 public:
  virtual ~SessionEnd() = default;
  // Takes it out of the engine. Called once.
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
  // Whether this process is a child of the one that opened the cache. Then no lock of the cache's may be taken, no
  // table walked and nothing destroyed: threads that are not here may have been at it. Every call looks here, or takes
  // the executor, which does, before anything else.
  bool Forked() const { return executor_->Forked(); }
  engine::Engine& engine() { return *engine_; }
  base::Bio& bio() { return *bio_; }
  executor::DeliveryQueue& delivery() { return delivery_; }
  AsyncQueue& async() { return async_; }
  LiveLimits& limits() { return limits_; }
  // How many of maxclients are taken, by clients of all its listeners. Any thread.
  std::atomic<uint32_t>& listener_clients() { return listener_clients_; }
  // The options as they are now. Errors: CANCELLED, RESOURCE_EXHAUSTED...
  absl::StatusOr<std::unique_ptr<Options>> CopyOptions();
  // Lowers maxclients to `most`, for want of descriptors. Errors: CANCELLED, RESOURCE_EXHAUSTED.
  absl::Status LowerMaxclients(uint32_t most);
  // Whether somebody listens to MONITOR: typed calls then say what they are.
  bool monitored() const LARDER_REQUIRES_HOLDER { return read_reasons_.Has(engine::ReadReason::kMonitor); }
  Clock& clock() { return *clock_; }
  FlightTable& flights() { return flights_; }

  // Whether this thread may use a Transaction: it is inside Atomically's function, the one with that serial number, and
  // not inside View within it. What outlives that function finds the answer no, on whatever thread, in a later
  // Atomically and in a forked child too. All else: by that thread, which holds the executor.
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
  // The same for what may be much: if is_short() says no, `fn` runs on this thread. See Executor::Run.
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

  // Ends a session, now or, if the cache is closed or about to be, when whoever closes it comes to it. Waits for nobody
  // who closes; from any thread, also inside user code and callbacks.
  void EndSession(std::unique_ptr<SessionEnd> end);

  // To be called at the end of every hold on the executor: does what ops of this hold have asked for, which
  // is to wake the background if there is work that it does not know of. One load and one compare if there is none.
  void AfterOp() LARDER_REQUIRES_HOLDER { AfterOp(engine_->keyspace()); }
  // The same for who has its keyspace at hand.
  void AfterOp(const keyspace::Keyspace& keyspace) LARDER_REQUIRES_HOLDER {
    if (keyspace.owed() != 0) [[unlikely]] TellBackground();
  }
  // False if there has to be a thread for it and the system refuses one; the next call tries again.
  bool WakeBackground();

  // Before a write of more than a slice's bytes is run (keyspace/room.h): evicts that much, if memory is over
  // maxmemory, in holds of its own, between which others have their turn. On the caller's thread; not an event loop's,
  // not inside Atomically. Cheap if there is nothing to do. `stay` is entered if it holds the executor, and lasts until
  // the write has run.
  void MakeRoomAhead(size_t bytes, size_t counted, Stay* stay) {
    if (bytes <= keyspace::kSliceBytes) [[likely]] return;
    if (limits_.maxmemory.load(std::memory_order_relaxed) != 0) MakeRoomInSlices(bytes, counted, stay);
  }
  void MakeRoomAhead(std::span<const std::string_view> argv, Stay* stay) {
    const uint64_t maxmemory = limits_.maxmemory.load(std::memory_order_relaxed);
    if (maxmemory == 0) [[likely]] return;
    const uint64_t string_bytes_max = limits_.bulk_bytes_max.load(std::memory_order_relaxed);
    const keyspace::Growth growth = engine::GrowthOf(engine_->commands(), argv, string_bytes_max, nullptr);
    if (growth.value_bytes <= maxmemory) MakeRoomAhead(growth.bytes, 0, stay);  // it will be refused otherwise
  }

  // MemoryLimit::SearchRoom for a block that is made without the executor, in a hold of its own unless `held`. REQUIRES:
  // held, or in a Stay.
  bool SearchRoom(keyspace::SourceSearch* search, bool held);

  void FillExecutorStats(ExecutorStats* to) const;

  // Does what is due, deliveries until `deadline_us` of the cache's clock; returns when it wants to be called again, in
  // us of that clock, INT64_MAX for "not until WakeBackground".
  int64_t BackgroundStep(int64_t deadline_us);

  // Clients have grown by what they sent: closes some if they are over maxmemory-clients. Waits for the executor, or,
  // for an event loop, does nothing while that is busy: some batch will look.
  void CheckClientsMemory();
  void TryCheckClientsMemory();
  // Before bytes are counted that a loop has moved. Likewise.
  void TrySampleRates();

  // For an event loop, which never waits: false if CLIENT PAUSE lasts, or the executor is busy.
  bool TryEndPause();

  // Refused (false) after Close has begun. A listener removes itself before it dies; that waits for a StopForClose
  // which runs on another thread.
  bool AddListener(ListenerHook* listener);
  void RemoveListener(ListenerHook* listener);

  // See Cache::Close.
  absl::Status Close(int64_t deadline_us);
  bool closed() const { return closing_->begun(); }
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
  [[gnu::cold]] void TellBackground() LARDER_REQUIRES_HOLDER;
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
  engine::ReadReasons read_reasons_ LARDER_GUARDED_BY_HOLDER;  // beside what every typed call loads
  std::unique_ptr<engine::Engine> engine_;
  std::atomic<uintptr_t> transacting_{0};  // only the thread that it names can find itself in it
  uint64_t transaction_ = 0;               // that of the newest; for that thread
  executor::DeliveryQueue delivery_;
  AsyncQueue async_{*this};
  executor::BackgroundThread thread_;
  LoopPace pace_;
  std::unique_ptr<Closing> closing_;  // a forked child leaks it: somebody may be waiting on it in the parent
  std::atomic<SessionEnd*> ends_{nullptr};  // newest first: what whoever closes has to run
  Listeners listeners_;
  base::Line late_listener_;  // that Close waited for in vain; the role's holder
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_CORE_H_
