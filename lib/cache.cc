// The public class over the engine: typed calls become ops, run under the executor.
#include <larder/cache.h>

#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/glob.h"
#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/core/run_once.h"
#include "lib/engine/short.h"
#include "lib/engine/stats.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/ops/keys.h"
#include "lib/ops/strings.h"

namespace larder::inline v0 {
namespace {

using keyspace::Db;
using keyspace::Entry;
using keyspace::Lookup;
using keyspace::StringSource;

constexpr ErrorText kNoMemoryForValue{absl::StatusCode::kResourceExhausted, "there is no memory for the value"};
constexpr const ErrorText& kNoMemoryForKeys = internal::kNoMemoryForResult;
constexpr ErrorText kBadTtl{absl::StatusCode::kInvalidArgument,
                            "SetOptions::ttl must be more than 0 and less than 100 million years"};
constexpr ErrorText kBadExpireAt{absl::StatusCode::kInvalidArgument,
                                 "SetOptions::expire_at must be after 1970 and a finite time"};
constexpr ErrorText kTransactionIsOver{
    absl::StatusCode::kFailedPrecondition,
    "a Transaction was used inside View, or after its function has returned, or in a fork of the process"};
constexpr ErrorText kNotInTransaction{absl::StatusCode::kFailedPrecondition,
                                      "ExecuteAsync runs later, so it may not be called of a Transaction"};
constexpr ErrorText kManyTtls{absl::StatusCode::kInvalidArgument,
                              "SetOptions: only one of ttl, expire_at and keep_ttl may be given"};
constexpr ErrorText kBadCondition{absl::StatusCode::kInvalidArgument,
                                  "SetOptions::condition must be kAlways, kMissing or kPresent"};
constexpr ErrorText kBadOffset{absl::StatusCode::kInvalidArgument, "SetRange: offset must not be negative"};
constexpr ErrorText kTtlTooLong{absl::StatusCode::kInvalidArgument, "Expire: the time is too far away"};
constexpr ErrorText kTimeTooFar{absl::StatusCode::kInvalidArgument, "ExpireAt: the time is too far away"};
constexpr ErrorText kNoSuchDb{absl::StatusCode::kOutOfRange, "there is no such database: see Options::databases"};
constexpr ErrorText kTickInCallback{absl::StatusCode::kFailedPrecondition, "Tick was called from a callback of this cache"};
constexpr ErrorText kNoMemoryForDb{absl::StatusCode::kResourceExhausted, "there is no memory for a database"};

absl::Status NoMemory(std::string_view text) { return base::MakeStatus(absl::StatusCode::kResourceExhausted, text); }

// A string's bytes on the way out: copied if they are few, else pinned.
void Hand(const ops::strings::Text& text, Bytes part, internal::Fetched* to) {
  if (char* place = to->Place(part.size()); place != nullptr) [[likely]] {
    base::CopyBytes(place, part);
    return;
  }
  LARDER_CHECK(text.block != nullptr);
  text.block->Ref();
  to->SetPinned(text.block, part);
}

bool HandTo(const ops::strings::Text& text, internal::FetchedList* to) {
  if (!text.found) return to->AddMissing();
  if (text.block == nullptr) return to->Add(text.bytes);
  if (!to->AddPinned(text.block, text.bytes)) return false;
  text.block->Ref();
  return true;
}

// A copy of a value that is too large for the arena, made before the executor is taken. nullptr: `block` has it.
[[gnu::cold, gnu::noinline]] const ErrorText* CopyToBlock(core::CacheCore& core, bool held, Bytes value,
                                                          core::Stay* stay, memory::BlockRef* block) {
  const uint64_t maxmemory = core.limits().maxmemory.load(std::memory_order_relaxed);
  if (value.size() > core.limits().bulk_bytes_max.load(std::memory_order_relaxed)) return &errors::kStringTooLong;
  if (maxmemory != 0 && value.size() > maxmemory) return &errors::kLargerThanMaxmemory;
  if (!held) {
    if (core.executor().InsideUser()) return core::CacheCore::RefusalOf(executor::Outcome::kReentrant);
    if (core.Forked()) return core::CacheCore::RefusalOf(executor::Outcome::kForked);
    if (!stay->Enter(core)) return core::CacheCore::RefusalOf(executor::Outcome::kClosed);
    core.MakeRoomAhead(value.size(), 0, stay);
  }
  memory::Heap& blocks = core.engine().keyspace().blocks();
  *block = memory::BlockRef::Adopt(blocks.New(value.size(), value.size()));
  keyspace::SourceSearch search;
  while (!*block && core.SearchRoom(&search, held)) {
    *block = memory::BlockRef::Adopt(blocks.New(value.size(), value.size()));
  }
  if (!*block) return core.Forked() ? core::CacheCore::RefusalOf(executor::Outcome::kForked) : &kNoMemoryForValue;
  base::CopyBytes((*block)->data(), value);
  return nullptr;
}

// A value as the op wants it.
class PreparedValue {
 public:
  explicit PreparedValue(Bytes value) : value_(value) {}
  // Why it cannot be had.
  const ErrorText* Prepare(core::CacheCore& core, bool held) {
    if (memory::Heap::NeedsHolder(value_.size())) [[likely]] return nullptr;
    large_.emplace();
    return CopyToBlock(core, held, value_, &large_->stay, &large_->block);
  }
  StringSource source() { return large_ && large_->block ? StringSource::Of(&large_->block) : StringSource::Of(value_); }
  keyspace::Growth Growth(Bytes key) const {
    return {.bytes = key.size() + value_.size(), .value_bytes = value_.size(),
            .counted = large_ && large_->block ? large_->block->footprint() : 0};
  }

 private:
  // In the cache from before the executor is taken until after it has been let go, when a block that was not wanted ends.
  struct Large {
    core::Stay stay;
    memory::BlockRef block;
  };
  Bytes value_;
  std::optional<Large> large_;
};

// What a call adds besides values: an entry.
keyspace::Growth EntryGrowth(Bytes key) { return {.bytes = key.size() + 64}; }

constexpr int64_t kExpiryMsMax = INT64_MAX / 2;

// False if the time cannot be an expiry.
bool ExpiryMsOf(absl::Time when, int64_t* ms) {
  *ms = absl::ToUnixMillis(when);
  return *ms > 0 && *ms <= kExpiryMsMax;
}

// The expiry of what is written with a ttl. Errors: before 1970.
Result<int64_t> ExpiryAfter(Db& db, int64_t ttl_ms) {
  const int64_t expiry_ms = db.keyspace().now_ms() + ttl_ms;
  if (expiry_ms <= 0) [[unlikely]] return errors::kClockBefore1970;
  return expiry_ms;
}

// What SetOptions asks for, with the relative ttl still to be made absolute by the executor's clock.
struct SetPlan {
  ops::strings::SetOptions options;
  int64_t ttl_ms = 0;

  Error Read(const SetOptions& from) {
    using Condition = ops::strings::SetOptions::Condition;
    options.keep_ttl = from.keep_ttl;
    switch (from.condition) {
      case SetOptions::If::kAlways: options.condition = Condition::kAlways; break;
      case SetOptions::If::kMissing: options.condition = Condition::kIfMissing; break;
      case SetOptions::If::kPresent: options.condition = Condition::kIfPresent; break;
      default: return kBadCondition;
    }
    const bool has_ttl = from.ttl != absl::InfiniteDuration();
    const bool has_time = from.expire_at != absl::InfiniteFuture();
    if (has_ttl + has_time + from.keep_ttl > 1) return kManyTtls;
    if (has_ttl) {
      ttl_ms = internal::TtlMs(from.ttl);
      if (ttl_ms < 1 || ttl_ms > kExpiryMsMax) return kBadTtl;
    }
    if (has_time && !ExpiryMsOf(from.expire_at, &options.expiry_ms)) return kBadExpireAt;
    return kOk;
  }
  Error Settle(Db& db) {
    if (ttl_ms == 0) return kOk;
    LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ExpiryAfter(db, ttl_ms));
    return kOk;
  }
};

// MONITOR's line of a typed call: the command that it is. Arguments by value, so that the hot path need not have them in
// memory.
template <class... Parts>
[[gnu::cold, gnu::noinline]] void Say(core::CacheCore& core, int db, Parts... parts) {
  engine::Monitors& monitors = core.engine().monitors();
  monitors.BeginLine(core.clock().NowUs(), db, engine::kOwnCaller);
  (monitors.Add(parts), ...);
  monitors.EndLine();
}

[[gnu::cold, gnu::noinline]] void SaySet(core::CacheCore& core, int db, Bytes key, Bytes value,
                                         const ops::strings::SetOptions& options, int64_t ttl_ms, bool get) {
  using Condition = ops::strings::SetOptions::Condition;
  engine::Monitors& monitors = core.engine().monitors();
  monitors.BeginLine(core.clock().NowUs(), db, engine::kOwnCaller);
  monitors.Add("SET");
  monitors.Add(key);
  monitors.Add(value);
  if (options.condition == Condition::kIfMissing) monitors.Add("NX");
  if (options.condition == Condition::kIfPresent) monitors.Add("XX");
  if (get) monitors.Add("GET");
  if (ttl_ms != 0) {
    monitors.Add("PX");
    monitors.Add(ttl_ms);
  } else if (options.expiry_ms > 0) {
    monitors.Add("PXAT");
    monitors.Add(options.expiry_ms);
  }
  if (options.keep_ttl) monitors.Add("KEEPTTL");
  monitors.EndLine();
}

}  // namespace

namespace {

// An op of so many keys: with more than a stranger can be asked to run, it runs on its own thread.
template <class F>
struct Many {
  F fn;
  size_t keys;
  Error operator()(Db& db) { return fn(db); }
  bool is_short(Db&) const { return keys <= engine::kShortElements; }
};
template <class F>
Many(F, size_t) -> Many<F>;

// One that may have to copy the string at a key, and adds so many bytes to it.
template <class F>
struct Edit {
  F fn;
  Bytes key;
  size_t bytes;
  Error operator()(Db& db) { return fn(db); }
  bool is_short(Db& db) const { return bytes <= engine::kShortBytes && db.BlockBytes(key) <= engine::kShortBytes; }
};
template <class F>
Edit(F, Bytes, size_t) -> Edit<F>;

template <class F>
concept SaysWhatItCosts = requires(const F& fn, Db& db) { fn.is_short(db); };

// `op`, which costs what `like` says, if that says anything.
template <class Op, class F>
struct CostsLike {
  Op op;
  const F& like;
  Error operator()(Db& db) { return op(db); }
  bool is_short(Db& db) const { return like.is_short(db); }
};
template <class Op, class F>
auto Like(const F& like, Op op) {
  if constexpr (SaysWhatItCosts<F>) {
    return CostsLike<Op, F>{std::move(op), like};
  } else {
    return op;
  }
}

}  // namespace

// fn(Db&) -> Error, under the executor; see Many and Edit for one that may be long. `first_key`: what is prefetched while
// the call waits for its turn.
template <class F>
Database::Refused Database::Run(F&& fn, Key first_key) const {
  Error error;
  auto op = [&] {
    db_->keyspace().BeginTypedOp();
    error = fn(*db_);
    core_->AfterOp(db_->keyspace());
  };
  executor::Executor& executor = core_->executor();
  if (held() ? core_->MayTransact(transaction_) : executor.TryAcquire()) [[likely]] {
    op();
    if (!held()) executor.Release();
    return error.text();
  }
  if (held()) return &kTransactionIsOver;
  const auto prefetch = [&](int stage) { db_->Prefetch(first_key, stage); };
  executor::Outcome outcome;
  if constexpr (SaysWhatItCosts<std::remove_reference_t<F>>) {
    outcome = executor.Run(op, prefetch, [&] { return fn.is_short(*db_); });
  } else {
    outcome = executor.Run(op, prefetch);
  }
  if (outcome != executor::Outcome::kRan) return core::CacheCore::RefusalOf(outcome);
  return error.text();
}

namespace {

// What RunGrowing knows between its holds. A Stay by hand, since a destructor would be in the way of writes that need none.
struct Growing {
  bool again = false;
  bool stays = false;
  keyspace::SourceSearch search;

  // Under the executor, when a write has failed with `error`: a step of the search for room, after which it is run again.
  [[gnu::cold, gnu::noinline]] Error Search(core::CacheCore& core, Error error) {
    if (error != errors::kAllocationFailed || !core.engine().keyspace().SearchRoom(&search)) return error;
    if (!stays && !core.closing().EnterStay()) return *core::CacheCore::RefusalOf(executor::Outcome::kClosed);
    stays = again = true;
    return error;
  }
};

}  // namespace

// The same for what may need memory, about as much as `growth` says: if there is none within maxmemory a slice is evicted
// first.
template <class F>
Database::Refused Database::RunGrowing(F&& fn, Key first_key, const keyspace::Growth& growth) const {
  Growing growing;
  auto op = Like(fn, [&](Db& db) -> Error {
    keyspace::Keyspace& keyspace = db.keyspace();
    if (keyspace.config().maxmemory != 0) [[unlikely]] {
      keyspace::Growth wanted = growth;
      wanted.at_once = held();
      LARDER_RETURN_IF_ERROR(keyspace.Admit(wanted));
    }
    Error error = fn(db);
    if (!error.ok()) [[unlikely]] {
      if (held()) error = keyspace.RetryWithRoom(error, [&] { return fn(db); });
      else error = growing.Search(*core_, error);
    }
    keyspace.NotePeak();
    return error;
  });
  for (;;) {  // others have their turn meanwhile
    const Refused refused = Run(op, first_key);
    if (!growing.again) [[likely]] {
      if (growing.stays) [[unlikely]] core_->closing().LeaveStay();
      return refused;
    }
    growing.again = false;
  }
}

namespace {

[[gnu::noinline]] const internal::Refusal* ReadOther(const Entry& entry, internal::Fetched* to) {
  if (entry.type() != keyspace::Type::kString) return &errors::kWrongType;
  ops::strings::Digits digits;
  const ops::strings::Text text = ops::strings::TextOf(entry, digits);
  Hand(text, text.bytes, to);
  return nullptr;
}

// Get's op, AfterOp included: the hot path of all hot paths, so it is one piece of code without a call but memcpy's.
// A reference to the pointer, so that a hit need not keep the pointer for the sake of a miss.
[[gnu::always_inline]] inline const internal::Refusal* ReadOne(core::CacheCore* const& core, Db& db, Bytes key,
                                                               uint64_t hash, internal::Fetched* to) {
  if (core->monitored()) [[unlikely]] Say(*core, db.index(), "GET", key);
  db.keyspace().BeginTypedOp();
  const Entry* entry = db.FindInline(key, hash, Lookup::kRead);
  if (entry == nullptr) {
    core->AfterOp();  // a key that has expired was deleted; a hit leaves nothing to anybody
    return nullptr;
  }
  if (entry->is_inline_string()) [[likely]] {
    const Bytes value = entry->inline_value();
    if (char* place = to->Place(value.size()); place != nullptr) [[likely]] {
      base::CopyBytes(place, value);
      return nullptr;
    }
  }
  return ReadOther(*entry, to);
}

}  // namespace

Database::Refused Database::Fetch(Key key, internal::Fetched* to) const {
  const uint64_t hash = db_->Hash(key);
  executor::Executor& executor = core_->executor();
  if (held() || !executor.TryAcquire()) [[unlikely]] return FetchInTurn(key, hash, to);
  const Refused refused = ReadOne(core_, *db_, key, hash, to);
  executor.Release();
  return refused;
}

// What Fetch does when the executor is not there for the taking: it is this thread's already, or somebody else's.
Database::Refused Database::FetchInTurn(Key key, uint64_t hash, internal::Fetched* to) const {
  if (held()) return core_->MayTransact(transaction_) ? ReadOne(core_, *db_, key, hash, to) : &kTransactionIsOver;
  Refused refused = nullptr;
  const executor::Outcome outcome =
      core_->executor().Run([&] { refused = ReadOne(core_, *db_, key, hash, to); },
                            [&](int stage) { db_->PrefetchHashed(hash, stage); });
  return outcome == executor::Outcome::kRan ? refused : core::CacheCore::RefusalOf(outcome);
}

Database::Refused Database::FetchMany(Keys keys, internal::FetchedList* to) const {
  return Run(
      Many{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "MGET", keys);
        auto window = keyspace::WindowOver(db, keys);
        for (size_t i = 0; i < keys.size(); ++i) {
          const Entry* entry = window.Find(i, Lookup::kRead);
          ops::strings::Digits digits;
          ops::strings::Text text;
          if (entry != nullptr && entry->type() == keyspace::Type::kString) text = ops::strings::TextOf(*entry, digits);
          if (!HandTo(text, to)) return kNoMemoryForKeys;
        }
        return kOk;
      }, keys.size()},
      keys.empty() ? Key() : keys[0]);
}

Database::Refused Database::FetchRange(Key key, int64_t first, int64_t last, internal::Fetched* to) const {
  return Run(
      [&](Db& db) -> Error {
        ops::strings::Digits digits;
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "GETRANGE", key, first, last);
        LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(db, key, digits));
        Hand(text, ops::strings::SliceInclusive(text.bytes, first, last), to);
        return kOk;
      },
      key);
}

Database::Refused Database::ViewInPlace(Key key, absl::FunctionRef<void(std::optional<std::string_view>)> fn) const {
  if (!held()) {
    const executor::Outcome outcome = core_->executor().EnterUser();
    if (outcome != executor::Outcome::kRan) return core::CacheCore::RefusalOf(outcome);
  } else if (!core_->MayTransact(transaction_)) {
    return &kTransactionIsOver;
  }
  db_->keyspace().BeginTypedOp();
  if (core_->monitored()) [[unlikely]] Say(*core_, index_, "GET", key);
  ops::strings::Digits digits;
  const Result<ops::strings::Text> text = ops::strings::Read(*db_, key, digits);
  if (held()) core_->PauseTransacting();  // a change would be one to the bytes that fn sees
  if (text.ok()) fn(text->found ? std::optional<std::string_view>(text->bytes) : std::nullopt);
  if (held()) {
    core_->GoOnTransacting();
  } else {
    core_->AfterOp();
    core_->executor().LeaveUser();
  }
  return text.error().text();
}

Database::Refused Database::Put(Key key, std::string_view value, bool* done) const {
  PreparedValue prepared(value);
  if (Refused refused = prepared.Prepare(*core_, held()); refused != nullptr) return refused;
  return RunGrowing(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "SET", key, value);
        const keyspace::Place existing = db.Locate(key, Lookup::kWrite);
        LARDER_ASSIGN_OR_RETURN(
            *done, ops::strings::Set(db, key, existing, prepared.source(), ops::strings::SetOptions()));
        return kOk;
      },
      key, prepared.Growth(key));
}

Database::Refused Database::Put(Key key, std::string_view value, const SetOptions& options,
                                internal::Fetched* old_value, bool* done) const {
  SetPlan plan;
  if (const Error error = plan.Read(options); !error.ok()) return error.text();
  PreparedValue prepared(value);
  if (Refused refused = prepared.Prepare(*core_, held()); refused != nullptr) return refused;
  return RunGrowing(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] {
          SaySet(*core_, index_, key, value, plan.options, plan.ttl_ms, old_value != nullptr);
        }
        LARDER_RETURN_IF_ERROR(plan.Settle(db));
        if (old_value != nullptr) {
          ops::strings::Digits digits;
          LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(db, key, digits));
          if (text.found) Hand(text, text.bytes, old_value);
        }
        const keyspace::Place existing = db.Locate(key, Lookup::kWrite);
        LARDER_ASSIGN_OR_RETURN(*done, ops::strings::Set(db, key, existing, prepared.source(), plan.options));
        return kOk;
      },
      key, prepared.Growth(key));
}

Database::Refused Database::PutMany(std::span<const std::pair<std::string_view, std::string_view>> pairs) const {
  keyspace::Growth growth;
  for (const auto& [key, value] : pairs) {
    growth.bytes += key.size() + value.size();
    if (value.size() > growth.value_bytes) growth.value_bytes = value.size();
  }
  core::Stay stay;
  const bool refused = growth.value_bytes > core_->limits().maxmemory.load(std::memory_order_relaxed);
  if (!held() && !refused) core_->MakeRoomAhead(growth.bytes, 0, &stay);
  return RunGrowing(
      Many{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "MSET", pairs);
        return ops::strings::SetMany(db, pairs, /*if_none=*/false).error();
      }, pairs.size()},
      pairs.empty() ? Key() : pairs[0].first, growth);
}

Database::Refused Database::AddInteger(Key key, int64_t by, int64_t* value) const {
  return RunGrowing(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "INCRBY", key, by);
        LARDER_ASSIGN_OR_RETURN(*value, ops::strings::IncrementBy(db, key, by));
        return kOk;
      },
      key, EntryGrowth(key));
}

Database::Refused Database::AddFloat(Key key, double by, double* value) const {
  return RunGrowing(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "INCRBYFLOAT", key, by);
        ops::strings::FloatDigits digits;
        LARDER_ASSIGN_OR_RETURN(const Bytes text,
                                ops::strings::IncrementByFloat(db, key, static_cast<long double>(by), digits,
                                                                ops::strings::kDoubleMax));
        long double parsed = 0;
        LARDER_CHECK(base::ParseLongDouble(text, &parsed));
        *value = static_cast<double>(parsed);
        return kOk;
      },
      key, EntryGrowth(key));
}

Database::Refused Database::AppendTo(Key key, std::string_view suffix, int64_t* length) const {
  core::Stay stay;
  if (!held()) core_->MakeRoomAhead(suffix.size(), 0, &stay);
  return RunGrowing(
      Edit{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "APPEND", key, suffix);
        LARDER_ASSIGN_OR_RETURN(*length, ops::strings::Append(db, key, suffix));
        return kOk;
      }, key, suffix.size()},
      key, {.bytes = key.size() + suffix.size(), .value_bytes = suffix.size()});
}

Database::Refused Database::Overwrite(Key key, int64_t offset, std::string_view bytes, int64_t* length) const {
  if (offset < 0) return &kBadOffset;
  const keyspace::Growth growth = ops::strings::GrowthOfSetRange(
      key, offset, bytes, core_->limits().bulk_bytes_max.load(std::memory_order_relaxed));
  const bool refused = growth.value_bytes > core_->limits().maxmemory.load(std::memory_order_relaxed);
  core::Stay stay;
  if (!held() && !refused) core_->MakeRoomAhead(growth.bytes, 0, &stay);
  return RunGrowing(
      Edit{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "SETRANGE", key, offset, bytes);
        LARDER_ASSIGN_OR_RETURN(*length, ops::strings::SetRange(db, key, offset, bytes));
        return kOk;
      }, key, static_cast<size_t>(offset) + bytes.size()},
      key, growth);
}

Database::Refused Database::Remove(Keys keys, int64_t* count) const {
  return Run(
      Many{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "DEL", keys);
        *count = ops::keys::Delete(db, keys);
        return kOk;
      }, keys.size()},
      keys.empty() ? Key() : keys[0]);
}

Database::Refused Database::Count(Keys keys, int64_t* count) const {
  return Run(
      Many{[&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "EXISTS", keys);
        *count = ops::keys::Count(db, keys, Lookup::kInspect);
        return kOk;
      }, keys.size()},
      keys.empty() ? Key() : keys[0]);
}

Database::Refused Database::ExpireIn(Key key, absl::Duration ttl, bool* done) const {
  if (ttl == absl::InfiniteDuration()) return ExpireNever(key, done);
  const int64_t ttl_ms = internal::TtlMs(ttl);
  if (ttl_ms > kExpiryMsMax) return &kTtlTooLong;
  return Run(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "PEXPIRE", key, ttl_ms);
        int64_t expiry_ms = 0;
        if (__builtin_add_overflow(db.keyspace().now_ms(), ttl_ms, &expiry_ms)) expiry_ms = INT64_MIN;
        LARDER_ASSIGN_OR_RETURN(*done, ops::keys::ExpireAt(db, key, expiry_ms));
        return kOk;
      },
      key);
}

Database::Refused Database::ExpireOn(Key key, absl::Time when, bool* done) const {
  if (when == absl::InfiniteFuture()) return ExpireNever(key, done);
  const int64_t expiry_ms = absl::ToUnixMillis(when);
  if (expiry_ms > kExpiryMsMax) return &kTimeTooFar;
  return Run(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "PEXPIREAT", key, expiry_ms);
        LARDER_ASSIGN_OR_RETURN(*done, ops::keys::ExpireAt(db, key, expiry_ms));
        return kOk;
      },
      key);
}

// PERSIST, but that it tells whether there is such a key.
Database::Refused Database::ExpireNever(Key key, bool* done) const {
  return Run(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "PERSIST", key);
        *done = db.Find(key, Lookup::kPeek) != nullptr;
        return ops::keys::Persist(db, key).error();
      },
      key);
}

Database::Refused Database::KeepForEver(Key key, bool* done) const {
  return Run(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "PERSIST", key);
        LARDER_ASSIGN_OR_RETURN(*done, ops::keys::Persist(db, key));
        return kOk;
      },
      key);
}

Database::Refused Database::TimeToLive(Key key, std::optional<absl::Duration>* ttl) const {
  int64_t ttl_ms = 0;
  const Refused refused = Run(
      [&](Db& db) -> Error {
        if (core_->monitored()) [[unlikely]] Say(*core_, index_, "PTTL", key);
        ttl_ms = ops::keys::TtlMs(db, key);
        return kOk;
      },
      key);
  if (refused == nullptr && ttl_ms != -2) {
    ttl->emplace(ttl_ms == -1 ? absl::InfiniteDuration() : absl::Milliseconds(ttl_ms));
  }
  return refused;
}

Database::Refused Database::FetchKeys(uint64_t* cursor, const ScanOptions& options,
                                      internal::FetchedList* to) const {
  bool failed = false;
  const size_t want = options.batch == 0 ? 1 : options.batch;
  return Run(Many{[&](Db& db) -> Error {
    if (core_->monitored()) [[unlikely]] {
      const int64_t from = static_cast<int64_t>(*cursor);
      const int64_t batch = static_cast<int64_t>(want);
      if (options.match.empty()) Say(*core_, index_, "SCAN", from, "COUNT", batch);
      else Say(*core_, index_, "SCAN", from, "MATCH", options.match, "COUNT", batch);
    }
    *cursor = db.Scan(*cursor, want, [&](Entry& entry) {
      if (failed || (!options.match.empty() && !base::GlobMatch(options.match, entry.key()))) return;
      failed = !to->Add(entry.key());
    });
    return failed ? Error(kNoMemoryForKeys) : kOk;
  }, want});
}

Database::Refused Database::CountAll(int64_t* count) const {
  return Run([&](Db& db) -> Error {
    if (core_->monitored()) [[unlikely]] Say(*core_, index_, "DBSIZE");
    *count = static_cast<int64_t>(db.size());
    return kOk;
  });
}

absl::StatusOr<Reply> Database::Execute(std::span<const std::string_view> argv) const {
  if (held() && !core_->MayTransact(transaction_)) return internal::StatusOf(kTransactionIsOver);
  return core::ExecuteOnce(*core_, index_, argv, held());
}

// Not counted again: the miss that brought the caller here has been.
Database::Refused Database::BeginLoad(Key key, internal::Fetched* to, internal::Load* load) const {
  Refused refused = nullptr;
  load->Prepare(index_, key);
  const uint64_t hash = db_->Hash(key);
  const executor::Outcome outcome = core_->executor().Run(
      [&] {
        db_->keyspace().BeginOp(0);
        const Entry* entry = db_->FindHashed(key, hash, Lookup::kWrite);
        refused = entry != nullptr ? ReadOther(*entry, to) : load->Join(core_->flights());
        core_->AfterOp(db_->keyspace());
      },
      [&](int stage) { db_->PrefetchHashed(hash, stage); });
  return outcome == executor::Outcome::kRan ? refused : core::CacheCore::RefusalOf(outcome);
}

Database::Refused Database::StoreLoaded(Key key, std::string_view value, absl::Duration ttl,
                                        internal::Load* load) const {
  using core::CacheCore;
  static constexpr executor::Outcome kEnds[] = {executor::Outcome::kForked, executor::Outcome::kClosed};
  Refused refused = nullptr;
  if (core_->executor().Forked()) {
    refused = CacheCore::RefusalOf(executor::Outcome::kForked);
  } else if (core_->closed()) {
    refused = CacheCore::RefusalOf(executor::Outcome::kClosed);
  } else if (load->attached()) {
    refused = StoreAttached(key, value, ttl, load);
  }
  for (executor::Outcome end : kEnds) {
    if (refused != CacheCore::RefusalOf(end)) continue;
    load->Finish(*refused);
    return refused;
  }
  // Whatever else kept it out of the cache, it is a value, and theirs who wait.
  if (refused != nullptr) load->CountNotStored();
  load->Finish(absl::OkStatus(), value);
  return nullptr;
}

Database::Refused Database::StoreAttached(Key key, std::string_view value, absl::Duration ttl,
                                          internal::Load* load) const {
  const int64_t ttl_ms = ttl == absl::InfiniteDuration() ? 0 : internal::TtlMs(ttl);
  PreparedValue prepared(value);
  if (Refused refused = prepared.Prepare(*core_, held()); refused != nullptr) return refused;
  bool detached = false;
  return RunGrowing(
      [&](Db& db) -> Error {
        // It may run again, when room has been made for it.
        if (!detached && !(detached = load->Detach())) return kOk;
        ops::strings::SetOptions options;
        if (core_->monitored()) [[unlikely]] SaySet(*core_, index_, key, value, options, ttl_ms, /*get=*/false);
        if (ttl_ms != 0) {
          LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ExpiryAfter(db, ttl_ms));
        }
        const keyspace::Place existing = db.Locate(key, Lookup::kWrite);
        LARDER_DCHECK(existing == nullptr);  // what made it would have detached
        return ops::strings::Set(db, key, existing, prepared.source(), options).error();
      },
      key, prepared.Growth(key));
}

Cache::Cache(std::unique_ptr<core::CacheCore> core)
    : Database(core.get(), core->engine().keyspace().db(0), 0, /*transaction=*/0) {
  (void)core.release();  // core_ has it
}

Cache::~Cache() {
  // In a forked child all of it is leaked: threads of the parent may have been changing any of it.
  if (!core_->Forked()) delete core_;
}

absl::StatusOr<std::unique_ptr<Cache>> Cache::Open(const Options& options) {
  absl::StatusOr<std::unique_ptr<core::CacheCore>> core = core::CacheCore::Create(options);
  if (!core.ok()) return core.status();
  std::unique_ptr<Cache> cache(new (std::nothrow) Cache(*std::move(core)));
  if (cache == nullptr) return NoMemory("there is no memory for a cache");
  return cache;
}

absl::Status Cache::Close(absl::Time deadline) {
  return core_->Close(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
}

absl::StatusOr<Database> Cache::Db(int index) const {
  keyspace::Db* db = nullptr;
  const Refused refused = Run([&](keyspace::Db& any) -> Error {
    keyspace::Keyspace& keyspace = any.keyspace();
    if (index < 0 || index >= keyspace.config().databases) return kNoSuchDb;
    db = keyspace.db(index);
    return db != nullptr ? kOk : Error(kNoMemoryForDb);
  });
  if (refused != nullptr) return internal::StatusOf(*refused);
  return Database(core_, db, index, /*transaction=*/0);
}

absl::StatusOr<Transaction> Transaction::Db(int index) const {
  if (!core_->MayTransact(transaction_)) return internal::StatusOf(kTransactionIsOver);
  keyspace::Keyspace& keyspace = db_->keyspace();
  if (index < 0 || index >= keyspace.config().databases) return internal::StatusOf(kNoSuchDb);
  keyspace::Db* db = keyspace.db(index);
  if (db == nullptr) return internal::StatusOf(kNoMemoryForDb);
  return absl::StatusOr<Transaction>(absl::in_place, Pass(), core_, db, index, transaction_);
}

absl::Status Database::ExecuteAsync(std::span<const std::string_view> argv, ReplyCallback callback) const {
  if (held()) return internal::StatusOf(kNotInTransaction);
  if (argv.empty()) {
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, "argv is empty: it needs at least a command's name");
  }
  if (callback == nullptr) {
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, "ExecuteAsync: there is no callback");
  }
  return core_->async().Execute(index_, argv, std::move(callback));
}

Database::Refused Cache::EnterUser(uint64_t* transaction) {
  const executor::Outcome outcome = core_->executor().EnterUser();
  if (outcome != executor::Outcome::kRan) return core::CacheCore::RefusalOf(outcome);
  *transaction = core_->BeginTransacting();
  keyspace::Keyspace& keyspace = db_->keyspace();
  keyspace.BeginOp(0);
  (void)keyspace.MakeRoom({});  // a slice; where nothing may be evicted, the writes inside are refused
  return nullptr;
}

void Cache::LeaveUser() {
  core_->EndTransacting();
  core_->AfterOp();
  core_->executor().LeaveUser();
}

absl::StatusOr<std::unique_ptr<larder::Session>> Cache::NewSession() { return larder::Session::Create(*core_); }

absl::StatusOr<std::unique_ptr<RespConnection>> Cache::NewConnection() { return RespConnection::Create(*core_); }

absl::StatusOr<larder::Stats> Cache::Stats() const {
  larder::Stats stats;
  absl::Status status = core_->Run([&] {
    core_->engine().keyspace().BeginOp(0);
    stats = engine::StatsOf(core_->engine());
    core_->FillExecutorStats(&stats.executor);
  });
  if (!status.ok()) return status;
  return stats;
}

absl::StatusOr<absl::Time> Cache::Tick(absl::Time deadline) {
  if (core_->executor().InsideUser()) {
    return core::CacheCore::OutcomeStatus(executor::Outcome::kReentrant);
  }
  if (core_->delivery().IsDrainer()) return internal::StatusOf(kTickInCallback);
  const internal::Visit visit(*core_);
  if (visit.refused() != nullptr) return internal::StatusOf(visit.refused());
  const int64_t next_us =
      core_->BackgroundStep(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
  if (core_->Forked()) return core::CacheCore::OutcomeStatus(executor::Outcome::kForked);  // by a callback
  return next_us == INT64_MAX ? absl::InfiniteFuture() : absl::FromUnixMicros(next_us);
}

}  // namespace larder::inline v0
