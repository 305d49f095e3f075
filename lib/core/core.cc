#include "lib/core/core.h"

#include <sys/random.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/error_texts.h"
#include "lib/base/fixed_text.h"
#include "lib/base/numbers.h"
#include "lib/base/status.h"
#include "lib/commands/families.h"
#include "lib/options/border.h"

namespace larder::inline v0::core {
namespace {

// The part of an event loop's time that one round may take for work other than expiry (for which see LoopPace).
constexpr int64_t kLoopRoundNs = 500'000;
// Steps of compaction in one round: 5 steps of some 35 us, or 20 when there is much to do.
constexpr int kCompactSteps = 20;
// How many waits one step ends whose time is over.
constexpr size_t kTimeOutsAtOnce = 64;
// How long background jobs go on before the time is looked at.
constexpr int64_t kBioRoundNs = 200'000;

// The last millisecond that the clock, which counts microseconds, can reach.
constexpr int64_t kMsMax = (INT64_MAX - 1) / 1000;

constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t SeedFromSystem(Clock& clock) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != static_cast<ssize_t>(sizeof(seed)) || seed == 0) {
    seed = static_cast<uint64_t>(clock.NowUs()) * 0x9e3779b97f4a7c15ull ^ reinterpret_cast<uintptr_t>(&clock);
  }
  return seed;
}

absl::Status NoMemory() {
  return base::NoMemory(base::kNoMemoryForCache);
}

// Makes the engine with the core's command families and the program's.
absl::StatusOr<std::unique_ptr<engine::Engine>> MakeEngine(std::unique_ptr<const Options> options, uint64_t seed,
                                                           CacheCore& core) {
  const std::span<const engine::Family* const> own = commands::CoreFamilies();
  const std::vector<const engine::Family*>& more = options->families;
  const size_t count = own.size() + more.size();
  const std::unique_ptr<const engine::Family*[]> all(new (std::nothrow) const engine::Family*[count]);
  if (all == nullptr) return NoMemory();
  std::copy(more.begin(), more.end(), std::copy(own.begin(), own.end(), all.get()));
  return engine::Engine::Create(std::move(options), {all.get(), count}, core.clock(), seed, core);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CacheCore>> CacheCore::Create(const Options& options) {
  if (absl::Status status = directives::CheckOptions(options); !status.ok()) return status;
  std::unique_ptr<Options> own = directives::OptionsInForce(options);
  std::unique_ptr<CacheCore> core(new (std::nothrow) CacheCore());
  if (own == nullptr || core == nullptr) return NoMemory();
  core->clock_ = options.clock != nullptr ? options.clock : RealClock();
  if (core->clock_ == nullptr) return NoMemory();
  core->background_ = options.background;
  // These callbacks may be called while the options change, so they move out of the options.
  core->log_ = std::move(own->log);
  core->on_shutdown_ = std::move(own->on_shutdown);
  core->limits_.Publish(options);
  core->closing_.reset(new (std::nothrow) Closing(*core->clock_));
  core->executor_ = executor::Executor::Create();
  core->bio_ = base::Bio::Create(
      options.background == Background::kThread,
      [](void* arg) { (void)static_cast<CacheCore*>(arg)->WakeBackground(); }, core.get());
  if (core->closing_ == nullptr || core->executor_ == nullptr || core->bio_ == nullptr) return NoMemory();
  core->executor_->SetClosedHook([](void* arg) { static_cast<Closing*>(arg)->HolderLeaves(); }, core->closing_.get());
  if (!core->thread_.Init(
          core->clock_,
          [](void* arg) {
            CacheCore* self = static_cast<CacheCore*>(arg);
            return self->BackgroundStep(INT64_MAX);
          },
          core.get(), [](void* arg) { static_cast<CacheCore*>(arg)->closing_->Notify(); })) {
    return NoMemory();
  }
  // The engine is the last part that can fail: the destructor closes a core that has an engine, which must be whole for
  // that.
  const uint64_t seed = options.seed != 0 ? options.seed : SeedFromSystem(*core->clock_);
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine = MakeEngine(std::move(own), seed, *core);
  if (!engine.ok()) return engine.status();
  core->engine_ = *std::move(engine);
  base::AssertHolder();  // no other thread knows the core yet
  core->flights_.Init(*core->executor_, core->engine_->keyspace().effects(),
                      core->engine_->keyspace().hash_seed());
  core->engine_->keyspace().blocks().set_bio(core->bio_);
  core->engine_->keyspace().blocks().set_fork_page(core->executor_->fork_page().Share());
  core->limits_.clients_memory_max.store(core->engine_->clients_memory_max(), std::memory_order_relaxed);
  core->delivery_.SetWaker([](void* arg) { (void)static_cast<CacheCore*>(arg)->WakeBackground(); }, core.get());
  if (core->engine_->keyspace().GoesByUse()) (void)core->WakeBackground();
  return core;
}

CacheCore::~CacheCore() {
  if (executor_ != nullptr && executor_->Forked()) {
    async_.Abandon();
    delivery_.Abandon();
    thread_.Abandon();
    bio_->Abandon();
    (void)closing_.release();
    return;
  }
  if (engine_ != nullptr) (void)Close(INT64_MAX);
  if (bio_ != nullptr) bio_->Unref();
}

const ErrorText* CacheCore::ErrorOf(executor::Outcome outcome) {
  static constexpr ErrorText kClosed{absl::StatusCode::kCancelled, base::kCacheIsClosed};
  static constexpr ErrorText kForked{absl::StatusCode::kFailedPrecondition,
                                     "this process is a fork of the one that opened the cache"};
  static constexpr ErrorText kReentrant{
      absl::StatusCode::kFailedPrecondition,
      "the cache was called from inside View or Atomically: use the Transaction instead"};
  switch (outcome) {
    case executor::Outcome::kRan: return nullptr;
    case executor::Outcome::kClosed: return &kClosed;
    case executor::Outcome::kForked: return &kForked;
    case executor::Outcome::kReentrant: return &kReentrant;
  }
  return &kClosed;
}

bool CacheCore::WakeBackground() {
  if (Forked()) return true;
  if (closed()) {  // a closer does it, and may be waiting for just this
    closing_->Notify();
    return true;
  }
  if (background_ == Background::kThread) return thread_.Wake();
  if (background_ == Background::kLoop) {
    listeners_.First([](ListenerHook& listener) { listener.WakeForBackground(); });
  }
  return true;
}

void CacheCore::DoWhatIsOwed() {
  keyspace::Keyspace& keyspace = engine_->keyspace();
  if ((keyspace.owed() & keyspace::kOwesWaiters) != 0) engine_->blocking().ServeReady();
  if (keyspace.owed() != 0 && WakeBackground()) keyspace.owed_work().Told();
}

// For an event loop's thread, which never waits for the executor: returns false if that is busy.
template <class F>
bool CacheCore::TryRun(F&& fn) {
  if (!executor_->TryAcquire()) return false;
  fn();
  AfterOp();
  executor_->Release();
  return true;
}

// Runs `fn` under the executor for background work. Returns false if the executor could not be had.
template <class F>
bool CacheCore::RunInBackground(F&& fn) {
  return background_ == Background::kLoop ? TryRun(fn) : Run(fn).ok();
}

// Takes one step of one kind of work. Returns true if there is more.
bool CacheCore::WorkStep(Work work) {
  keyspace::Keyspace& keyspace = engine_->keyspace();
  keyspace.BeginOp(0);
  keyspace.set_access_clock_ms(keyspace.now_ms());
  // Nothing is deleted in a pause.
  const bool paused = engine_->pause().At(keyspace.now_ms()) != engine::Paused::kNothing;
  switch (work) {
    case Work::kExpire: {
      const bool more = engine_->blocking().TimeOutSome(keyspace.now_ms(), kTimeOutsAtOnce);
      return (!paused && engine_->active_expire() && keyspace.ExpireDue()) || more;
    }
    case Work::kFree: return keyspace.garbage().FreeStep();
    case Work::kEvict: return !paused && keyspace.limit().EvictStep();
  }
  return false;
}

// Takes steps of expiry, freeing and eviction in turns, each in a hold of its own, until nothing is left of any; after
// the deadline one of each. An event loop, which has clients to serve, ends sooner. *cut: there is more. Returns false
// if the executor could not be had.
bool CacheCore::BackgroundRound(int64_t deadline_us, bool* cut) {
  const bool loop = background_ == Background::kLoop;
  const int64_t began_ns = executor::MonotonicNs();
  const int64_t expire_ns = !loop ? INT64_MAX : pace_.Begin(began_ns, limits_.active_expire_effort.load(kRelaxed));
  const int64_t end_ns = !loop ? INT64_MAX : began_ns + std::max(expire_ns, kLoopRoundNs);
  bool more[kWorks] = {true, true, true};
  int64_t expired_ns = 0;
  int steps = 0;
  for (int at = 0; more[0] || more[1] || more[2]; at = (at + 1) % kWorks) {
    if (!more[at]) continue;
    const Work work = static_cast<Work>(at);
    const int64_t step_ns = executor::MonotonicNs();
    const bool ran = RunInBackground([&]() LARDER_REQUIRES_HOLDER {
      more[at] = WorkStep(work);
      if (work != Work::kFree && engine_->keyspace().garbage().any()) more[static_cast<int>(Work::kFree)] = true;
    });
    if (!ran) return false;
    if (closed()) return false;
    const int64_t now_ns = executor::MonotonicNs();
    if (work == Work::kExpire && more[at] && (expired_ns += now_ns - step_ns) >= expire_ns) {
      more[at] = false;
      *cut = true;
    }
    if (++steps < kWorks || (now_ns < end_ns && !closing_->Late(deadline_us))) continue;
    *cut = *cut || more[0] || more[1] || more[2];
    break;
  }
  return true;
}

// Takes steps of compaction, each in a hold of its own. A round comes every millisecond, and has so few steps that
// others have the executor most of the time. Tick has its deadline instead. Returns false if the executor could not be
// had.
bool CacheCore::CompactRound(int64_t deadline_us) {
  const bool paced = background_ != Background::kTick;
  int left = kCompactSteps;
  for (bool more = true; more && left > 0;) {
    if (closing_->Late(deadline_us)) break;
    const bool ran = RunInBackground([&]() LARDER_REQUIRES_HOLDER {
      keyspace::Keyspace& keyspace = engine_->keyspace();
      more = keyspace.CompactStep();
      if (paced) left -= 4 / keyspace.CompactionUrgency();
    });
    if (!ran) return false;
  }
  return true;
}

// Runs background jobs if they have no threads of their own. Returns true if some are left.
bool CacheCore::RunJobs(int64_t deadline_us) {
  while (!closed() && bio_->Run(executor::MonotonicNs() + kBioRoundNs)) {
    if (background_ == Background::kLoop || closing_->Late(deadline_us)) return true;
  }
  return false;
}

// The time of the next round: when the soonest key is due, but no sooner than 1/hz seconds from now; when the time of a
// client that waits is over; sooner if there is something to evict or to free. `cut`: the round has left some of its
// work.
int64_t CacheCore::NextRoundMs(int64_t now_ms, bool cut) {
  keyspace::Keyspace& keyspace = engine_->keyspace();
  const bool paused = engine_->pause().At(now_ms) != engine::Paused::kNothing;
  // The next round comes at once; but an event loop looks at its sockets first.
  if ((keyspace.limit().owes_eviction() && !paused) || (cut && background_ != Background::kLoop)) return now_ms;
  if (keyspace.garbage().any() || keyspace.WantsCompaction()) return now_ms + 1;
  if (cut) return now_ms + LoopPace::kPeriodMs;
  int64_t due_ms = INT64_MAX;
  const int64_t soonest = keyspace.SoonestExpiryMs();
  if (soonest != INT64_MAX && engine_->active_expire()) {
    const int64_t round = now_ms + 1000 / limits_.hz.load(std::memory_order_relaxed);
    due_ms = std::max({soonest, round, engine_->pause().until_ms()});
  }
  // Under policies that go by use, the coarse clock must advance for typed calls, which read no clock.
  if (keyspace.GoesByUse() && due_ms > now_ms + 1000) due_ms = now_ms + 1000;
  due_ms = std::min(due_ms, std::max(engine_->soonest_timeout_ms(), now_ms));
  return due_ms > kMsMax ? INT64_MAX : due_ms;
}

int64_t CacheCore::BackgroundStep(int64_t deadline_us) {
  const int64_t began_ms = clock_->NowUs() / 1000;
  bool cut = false;
  // Compaction empties runs, and the round after it gives them back.
  bool ran = CompactRound(deadline_us);
  // This is asked between two callbacks. If one has forked, the child must run none of the others.
  const auto in_time = [&] { return !closed() && !Forked() && !closing_->Late(deadline_us); };
  bool jobs_left = false;
  bool again = true;
  while (again) {
    cut = false;
    ran = ran && BackgroundRound(deadline_us, &cut);
    jobs_left = RunJobs(deadline_us);
    (void)async_.RunWaiting(/*wait=*/background_ != Background::kLoop, in_time);
    // Tick does what callbacks have left, too: values that they let go of.
    again = delivery_.Drain(in_time) != 0 && background_ == Background::kTick && ran && in_time();
  }
  if (Forked()) return INT64_MAX;
  const int64_t now_ms = clock_->NowUs() / 1000;
  int64_t due_ms = now_ms + 1;
  // This comes last, so that it sees the work that callbacks have left.
  ran = ran && RunInBackground([&]() LARDER_REQUIRES_HOLDER {
    const int64_t next_ms = NextRoundMs(cut ? began_ms : now_ms, cut);
    if (!jobs_left) due_ms = next_ms;
    engine_->keyspace().owed_work().Clear();
  });
  if (!ran && closed()) return INT64_MAX;
  if (delivery_.HasWork()) due_ms = now_ms;
  else if (async_.HasWork()) due_ms = std::min(due_ms, now_ms + (background_ == Background::kLoop ? 1 : 0));
  if (due_ms == INT64_MAX) return INT64_MAX;
  return std::min(due_ms, kMsMax) * 1000;  // soon again if the executor was busy, but never past the clock's end
}

void CacheCore::MakeRoomInSlices(size_t bytes, size_t counted, Stay* stay) {
  if (!stay->Enter(*this)) return;  // the write itself will report it
  keyspace::Room room = keyspace::Room::kOver;
  uint64_t made = 0;
  while (room == keyspace::Room::kOver && made < bytes) {
    const absl::Status status = Run([&]() LARDER_REQUIRES_HOLDER {
      keyspace::Keyspace& keyspace = engine_->keyspace();
      const uint64_t before = keyspace.limit().room_made();
      room = keyspace.limit().MakeRoom({.bytes = bytes, .counted = counted});
      made += keyspace.limit().room_made() - before;
    });
    if (!status.ok()) return;  // the write itself will report it
  }
}

bool CacheCore::SearchRoom(keyspace::SourceSearch* search, bool held) {
  bool again = false;
  search->at_once = held;
  const auto step = [&]() LARDER_REQUIRES_HOLDER { again = engine_->keyspace().limit().SearchRoom(search); };
  if (held) {
    base::AssertHolder();
    step();
    return again;
  }
  return Run(step).ok() && again;
}

bool CacheCore::ClientsOverLimit() const {
  const uint64_t limit = limits_.clients_memory_max.load(std::memory_order_relaxed);
  return limit != 0 && engine_->clients_memory() > limit;
}

void CacheCore::CheckClientsMemory() {
  if (ClientsOverLimit()) [[unlikely]] (void)Run([this]() LARDER_REQUIRES_HOLDER { engine_->CheckClientsMemory(); });
}

void CacheCore::TryCheckClientsMemory() {
  if (ClientsOverLimit()) [[unlikely]] (void)TryRun([this]() LARDER_REQUIRES_HOLDER { engine_->CheckClientsMemory(); });
}

void CacheCore::TrySampleRates() {
  const int64_t now_us = clock_->NowUs();
  if (engine_->rates().Due(now_us)) (void)TryRun([&]() LARDER_REQUIRES_HOLDER { engine_->SampleRates(now_us); });
}

bool CacheCore::TryEndPause() {
  if (clock_->NowUs() / 1000 < engine_->pause().until_ms()) return false;
  bool over = false;
  const bool ran = TryRun([&]() LARDER_REQUIRES_HOLDER {
    over = engine_->pause().At(clock_->NowUs() / 1000) == engine::Paused::kNothing;
    if (over) engine_->EndPause();
  });
  return ran ? over : closed();
}

void CacheCore::FillExecutorStats(ExecutorStats* to) const {
  const executor::Executor::Stats from = executor_->stats();
  *to = {.tenures = from.tenures,
         .ran_for_others = from.ran_for_others,
         .handed_over = from.handed_over,
         .lent = from.lent,
         .slices = from.slices,
         .slices_for_loop = from.slices_for_loop,
         .loop_wakes = from.loop_wakes,
         .tenure_requests_max = from.tenure_requests_max,
         .tenure_ns_max = from.tenure_ns_max,
         .slice_ns_max = from.slice_ns_max};
}

void CacheCore::Log(LogLevel level, std::string_view line) {
  if (log_ == nullptr || level < limits_.log_level.load(std::memory_order_relaxed)) return;
  const internal::Visit visit(*this, internal::Visit::Within());  // so that a Close inside a callback is refused
  log_(level, line);
}

Error CacheCore::RequestShutdown(const ShutdownRequest& request, resp::ReplyWriter& reply) {
  if (on_shutdown_ == nullptr) {
    reply.Error({"ERR SHUTDOWN is refused: this cache is part of a program that did not allow it"});
    return kReplied;
  }
  const absl::Status status = on_shutdown_(request);
  if (status.ok()) return kOk;
  reply.Error({"ERR ", Bytes(status.message().data(), status.message().size())});
  return kReplied;
}

void CacheCore::OptionsChanged() {
  limits_.Publish(engine_->options());
  limits_.clients_memory_max.store(engine_->clients_memory_max(), std::memory_order_relaxed);
  (void)WakeBackground();
}

absl::StatusOr<std::unique_ptr<Options>> CacheCore::CopyOptions() {
  std::unique_ptr<Options> copy;
  absl::Status status = Run([&]() LARDER_REQUIRES_HOLDER { copy = directives::CopyOptions(engine_->options()); });
  if (!status.ok()) return status;
  if (copy == nullptr) return NoMemory();
  return copy;
}

absl::Status CacheCore::LowerMaxclients(uint32_t most) {
  bool done = true;
  const absl::Status status = Run([&]() LARDER_REQUIRES_HOLDER {
    if (engine_->options().maxclients <= most) return;
    std::unique_ptr<Options> lowered = directives::CopyOptions(engine_->options());
    done = lowered != nullptr;
    if (!done) return;
    lowered->maxclients = most;
    engine_->SetOptions(std::move(lowered));
  });
  return status.ok() && !done ? NoMemory() : status;
}

uint32_t CacheCore::FittingClients(uint32_t wanted) const {
  listeners_.ForEach([&](const ListenerHook& listener) {
    wanted = std::min(wanted, listener.FittingClients(wanted));
    return true;
  });
  return wanted;
}

absl::Status CacheCore::Relisten(const Options& changed, bool tls, engine::ListenerPart* failed) {
  absl::Status status = listeners_.Relisten(changed, tls, failed);
  if (!status.ok()) Log(LogLevel::kWarning, "Failed applying new configuration: nothing has changed.");
  return status;
}

std::string_view CacheCore::poller_name() const {
  std::string_view name;
  listeners_.First([&](const ListenerHook& listener) { name = listener.poller_name(); });
  return name;
}

int CacheCore::tcp_port() const {
  int port = 0;
  listeners_.First([&](const ListenerHook& listener) { port = listener.tcp_port(); });
  return port;
}

}  // namespace larder::inline v0::core
