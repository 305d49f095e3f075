// The public class over the engine: typed calls become ops, run under the executor.
#include <larder/cache.h>

#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/glob.h"
#include "lib/commands/stats.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/keys.h"
#include "lib/ops/strings.h"
#include "lib/session/core.h"
#include "lib/session/direct_client.h"

namespace larder::inline v0 {
namespace {

using keyspace::Db;
using keyspace::Entry;
using keyspace::Lookup;
using keyspace::StringSource;

absl::Status ToStatus(Error error) {
  if (error.ok()) return absl::OkStatus();
  return absl::Status(error.text()->code, base::ToAbsl(error.text()->text));
}

absl::Status NoMemory(std::string_view text) { return absl::ResourceExhaustedError(base::ToAbsl(text)); }

// A string's bytes on the way out: copied if they are few, else pinned.
void Hand(const ops::strings::Text& text, Bytes part, internal::Fetched* to) {
  if (part.size() <= internal::Fetched::kRoomBytes) {
    base::CopyBytes(to->room(), part);
    to->SetRoom(part.size());
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

// A value as the op wants it; large ones are copied to a block here, before the executor is taken.
class PreparedValue {
 public:
  PreparedValue(memory::BlockSource& blocks, Bytes value) : value_(value) {
    if (value.size() <= memory::kInlineValueMax) return;
    block_ = memory::BlockRef::Adopt(blocks.New(value.size(), value.size()));
    if (block_) base::CopyBytes(block_->data(), value);
    failed_ = !block_;
  }
  bool failed() const { return failed_; }
  StringSource source() { return block_ ? StringSource::Of(&block_) : StringSource::Of(value_); }

 private:
  Bytes value_;
  memory::BlockRef block_;
  bool failed_ = false;
};

constexpr int64_t kExpiryMsMax = INT64_MAX / 2;

// False if the time cannot be an expiry.
bool ExpiryMsOf(absl::Time when, int64_t* ms) {
  *ms = absl::ToUnixMillis(when);
  return *ms > 0 && *ms <= kExpiryMsMax;
}

absl::Status BadTtl() {
  return absl::InvalidArgumentError("SetOptions::ttl must be at least 1 ms and less than 100 million years");
}

// What SetOptions asks for, with the relative ttl still to be made absolute by the executor's clock.
struct SetPlan {
  ops::strings::SetOptions options;
  int64_t ttl_ms = 0;

  absl::Status Read(const SetOptions& from) {
    using Condition = ops::strings::SetOptions::Condition;
    options.keep_ttl = from.keep_ttl;
    options.condition = from.condition == SetOptions::If::kMissing   ? Condition::kIfMissing
                        : from.condition == SetOptions::If::kPresent ? Condition::kIfPresent
                                                                     : Condition::kAlways;
    if (from.ttl.has_value() + from.expire_at.has_value() + from.keep_ttl > 1) {
      return absl::InvalidArgumentError("SetOptions: only one of ttl, expire_at and keep_ttl may be given");
    }
    if (from.ttl.has_value()) {
      ttl_ms = absl::ToInt64Milliseconds(*from.ttl);
      if (ttl_ms < 1 || ttl_ms > kExpiryMsMax) return BadTtl();
    }
    if (from.expire_at.has_value() && !ExpiryMsOf(*from.expire_at, &options.expiry_ms)) {
      return absl::InvalidArgumentError("SetOptions::expire_at must be after 1970 and a finite time");
    }
    return absl::OkStatus();
  }
  void Settle(Db& db) {
    if (ttl_ms != 0) options.expiry_ms = db.keyspace().now_ms() + ttl_ms;
  }
};

}  // namespace

// fn(Db&) -> Error, under the executor. `grows`: makes room for it first.
template <class F>
absl::Status Database::Run(F&& fn, bool grows) const {
  Error error;
  auto op = [&] {
    commands::Engine& engine = core_->engine();
    keyspace::Keyspace& keyspace = engine.keyspace();
    keyspace.BeginOp(0);
    ++engine.stats().typed_calls;
    if (grows && keyspace.config().maxmemory != 0 && !keyspace.MakeRoom()) {
      error = errors::kOutOfMemory;
      return;
    }
    error = fn(*keyspace.db(index_));
    if (grows) {
      keyspace.NotePeak();
      core_->NoteExpiries();
    }
  };
  if (held_) {
    op();
  } else if (absl::Status status = core_->Run(op); !status.ok()) {
    return status;
  }
  return ToStatus(error);
}

absl::Status Database::Fetch(std::string_view key, internal::Fetched* to) const {
  return Run([&](Db& db) -> Error {
    ops::strings::Digits digits;
    LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(db, key, digits));
    if (text.found) Hand(text, text.bytes, to);
    return kOk;
  });
}

absl::Status Database::FetchMany(std::span<const std::string_view> keys, internal::FetchedList* to) const {
  return Run([&](Db& db) -> Error {
    for (std::string_view key : keys) {
      ops::strings::Digits digits;
      const Result<ops::strings::Text> text = ops::strings::Read(db, key, digits);
      if (!HandTo(text.ok() ? *text : ops::strings::Text(), to)) return errors::kAllocationFailed;
    }
    return kOk;
  });
}

absl::Status Database::FetchRange(std::string_view key, int64_t first, int64_t last, internal::Fetched* to) const {
  return Run([&](Db& db) -> Error {
    ops::strings::Digits digits;
    LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(db, key, digits));
    Hand(text, ops::strings::SliceInclusive(text.bytes, first, last), to);
    return kOk;
  });
}

absl::Status Database::ViewInPlace(std::string_view key,
                                   absl::FunctionRef<void(std::optional<std::string_view>)> fn) const {
  if (!held_) {
    const executor::Outcome outcome = core_->executor().EnterUser();
    if (outcome != executor::Outcome::kRan) return session::CacheCore::OutcomeStatus(outcome);
  }
  keyspace::Keyspace& keyspace = core_->engine().keyspace();
  keyspace.BeginOp(0);
  ++core_->engine().stats().typed_calls;
  ops::strings::Digits digits;
  const Result<ops::strings::Text> text = ops::strings::Read(*keyspace.db(index_), key, digits);
  if (text.ok()) fn(text->found ? std::optional<std::string_view>(text->bytes) : std::nullopt);
  if (!held_) core_->executor().LeaveUser();
  return ToStatus(text.error());
}

absl::StatusOr<bool> Database::Set(std::string_view key, std::string_view value, const SetOptions& options) const {
  SetPlan plan;
  if (absl::Status status = plan.Read(options); !status.ok()) return status;
  PreparedValue prepared(core_->engine().keyspace().blocks(), value);
  if (prepared.failed()) return NoMemory("there is no memory for the value");
  bool done = false;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        plan.Settle(db);
        Entry* existing = db.Find(key, Lookup::kWrite);
        LARDER_ASSIGN_OR_RETURN(done, ops::strings::Set(db, key, existing, prepared.source(), plan.options));
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return done;
}

absl::StatusOr<bool> Database::SetAndFetch(std::string_view key, std::string_view value, const SetOptions& options,
                                           internal::Fetched* old_value) const {
  SetPlan plan;
  if (absl::Status status = plan.Read(options); !status.ok()) return status;
  PreparedValue prepared(core_->engine().keyspace().blocks(), value);
  if (prepared.failed()) return NoMemory("there is no memory for the value");
  bool done = false;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        plan.Settle(db);
        ops::strings::Digits digits;
        LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(db, key, digits));
        if (text.found) Hand(text, text.bytes, old_value);
        Entry* existing = db.Find(key, Lookup::kWrite);
        LARDER_ASSIGN_OR_RETURN(done, ops::strings::Set(db, key, existing, prepared.source(), plan.options));
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return done;
}

absl::Status Database::MSet(std::span<const std::pair<std::string_view, std::string_view>> pairs) const {
  return Run([&](Db& db) { return ops::strings::SetMany(db, pairs, /*if_none=*/false).error(); }, /*grows=*/true);
}

absl::StatusOr<int64_t> Database::Increment(std::string_view key, int64_t by) const {
  int64_t value = 0;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        LARDER_ASSIGN_OR_RETURN(value, ops::strings::IncrementBy(db, key, by));
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return value;
}

absl::StatusOr<double> Database::IncrementFloat(std::string_view key, double by) const {
  double value = 0;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        ops::strings::FloatDigits digits;
        LARDER_ASSIGN_OR_RETURN(const Bytes text,
                                ops::strings::IncrementByFloat(db, key, static_cast<long double>(by), digits));
        long double parsed = 0;
        LARDER_CHECK(base::ParseLongDouble(text, &parsed));
        value = static_cast<double>(parsed);
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return value;
}

absl::StatusOr<int64_t> Database::Append(std::string_view key, std::string_view suffix) const {
  int64_t length = 0;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        LARDER_ASSIGN_OR_RETURN(length, ops::strings::Append(db, key, suffix));
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return length;
}

absl::StatusOr<int64_t> Database::SetRange(std::string_view key, int64_t offset, std::string_view bytes) const {
  if (offset < 0) return absl::InvalidArgumentError("SetRange: offset must not be negative");
  int64_t length = 0;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        LARDER_ASSIGN_OR_RETURN(length, ops::strings::SetRange(db, key, offset, bytes));
        return kOk;
      },
      /*grows=*/true);
  if (!status.ok()) return status;
  return length;
}

absl::StatusOr<int64_t> Database::Delete(std::span<const std::string_view> keys) const {
  int64_t deleted = 0;
  absl::Status status = Run([&](Db& db) -> Error {
    for (std::string_view key : keys) deleted += ops::keys::Delete(db, key) ? 1 : 0;
    return kOk;
  });
  if (!status.ok()) return status;
  return deleted;
}

absl::StatusOr<bool> Database::Delete(std::string_view key) const {
  absl::StatusOr<int64_t> deleted = Delete(std::span<const std::string_view>(&key, 1));
  if (!deleted.ok()) return deleted.status();
  return *deleted != 0;
}

absl::StatusOr<int64_t> Database::Exists(std::span<const std::string_view> keys) const {
  int64_t found = 0;
  absl::Status status = Run([&](Db& db) -> Error {
    for (std::string_view key : keys) found += db.Find(key, Lookup::kRead) != nullptr ? 1 : 0;
    return kOk;
  });
  if (!status.ok()) return status;
  return found;
}

absl::StatusOr<bool> Database::Exists(std::string_view key) const {
  absl::StatusOr<int64_t> found = Exists(std::span<const std::string_view>(&key, 1));
  if (!found.ok()) return found.status();
  return *found != 0;
}

absl::StatusOr<bool> Database::Expire(std::string_view key, absl::Duration ttl) const {
  const int64_t ttl_ms = absl::ToInt64Milliseconds(ttl);
  if (ttl_ms > kExpiryMsMax) return absl::InvalidArgumentError("Expire: the time is too far away");
  bool done = false;
  absl::Status status = Run(
      [&](Db& db) -> Error {
        const int64_t now_ms = db.keyspace().now_ms();
        const int64_t expiry_ms = ttl_ms > -now_ms ? now_ms + ttl_ms : 0;
        LARDER_ASSIGN_OR_RETURN(done, ops::keys::ExpireAt(db, key, expiry_ms));
        core_->NoteExpiries();
        return kOk;
      });
  if (!status.ok()) return status;
  return done;
}

absl::StatusOr<bool> Database::ExpireAt(std::string_view key, absl::Time when) const {
  int64_t expiry_ms = absl::ToUnixMillis(when);
  if (expiry_ms > kExpiryMsMax) return absl::InvalidArgumentError("ExpireAt: the time is too far away");
  if (expiry_ms < 0) expiry_ms = 0;
  bool done = false;
  absl::Status status = Run([&](Db& db) -> Error {
    LARDER_ASSIGN_OR_RETURN(done, ops::keys::ExpireAt(db, key, expiry_ms));
    core_->NoteExpiries();
    return kOk;
  });
  if (!status.ok()) return status;
  return done;
}

absl::StatusOr<bool> Database::Persist(std::string_view key) const {
  bool done = false;
  absl::Status status = Run([&](Db& db) -> Error {
    LARDER_ASSIGN_OR_RETURN(done, ops::keys::Persist(db, key));
    return kOk;
  });
  if (!status.ok()) return status;
  return done;
}

absl::StatusOr<std::optional<absl::Duration>> Database::Ttl(std::string_view key) const {
  int64_t ttl_ms = 0;
  absl::Status status = Run([&](Db& db) -> Error {
    ttl_ms = ops::keys::TtlMs(db, key);
    return kOk;
  });
  if (!status.ok()) return status;
  if (ttl_ms == -2) return std::optional<absl::Duration>();
  return std::optional<absl::Duration>(ttl_ms == -1 ? absl::InfiniteDuration() : absl::Milliseconds(ttl_ms));
}

absl::Status Database::FetchKeys(uint64_t* cursor, const ScanOptions& options, internal::FetchedList* to) const {
  bool failed = false;
  absl::Status status = Run([&](Db& db) -> Error {
    const size_t want = options.batch == 0 ? 1 : options.batch;
    *cursor = db.Scan(*cursor, want, [&](Entry& entry) {
      if (!options.match.empty() && !base::GlobMatch(options.match, entry.key())) return;
      failed = failed || !to->Add(entry.key());
    });
    return failed ? Error(errors::kAllocationFailed) : kOk;
  });
  return status;
}

absl::StatusOr<int64_t> Database::Size() const {
  int64_t size = 0;
  absl::Status status = Run([&](Db& db) -> Error {
    size = static_cast<int64_t>(db.size());
    return kOk;
  });
  if (!status.ok()) return status;
  return size;
}

absl::StatusOr<Reply> Database::Execute(std::span<const std::string_view> argv) const {
  return session::ExecuteOnce(*core_, index_, argv, held_);
}

internal::FlightTable* Database::flights() const { return &core_->flights(); }

Cache::Cache(std::unique_ptr<session::CacheCore> core) : Database(core.release(), 0, /*held=*/false) {}

Cache::~Cache() { delete core_; }

absl::StatusOr<std::unique_ptr<Cache>> Cache::Open(const Options& options) {
  absl::StatusOr<std::unique_ptr<session::CacheCore>> core = session::CacheCore::Create(options);
  if (!core.ok()) return core.status();
  std::unique_ptr<Cache> cache(new (std::nothrow) Cache(*std::move(core)));
  if (cache == nullptr) return NoMemory("there is no memory for a cache");
  return cache;
}

absl::Status Cache::Close(absl::Time deadline) {
  return core_->Close(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
}

absl::StatusOr<Database> Cache::Db(int index) const {
  bool in_range = false;
  keyspace::Db* db = nullptr;
  absl::Status status = core_->Run([&] {
    keyspace::Keyspace& keyspace = core_->engine().keyspace();
    in_range = index >= 0 && index < keyspace.config().databases;
    db = keyspace.db(index);
  });
  if (!status.ok()) return status;
  if (!in_range) return absl::OutOfRangeError("there is no such database: see Options::databases");
  if (db == nullptr) return NoMemory("there is no memory for a database");
  return Database(core_, index, /*held=*/false);
}

absl::StatusOr<Transaction> Transaction::Db(int index) const {
  keyspace::Keyspace& keyspace = core_->engine().keyspace();
  if (index < 0 || index >= keyspace.config().databases) {
    return absl::OutOfRangeError("there is no such database: see Options::databases");
  }
  if (keyspace.db(index) == nullptr) return NoMemory("there is no memory for a database");
  return Transaction(core_, index);
}

namespace {

// A reply on its way to its callback.
class AsyncReply final : public executor::Delivery {
 public:
  explicit AsyncReply(Cache::ReplyCallback callback) : callback_(std::move(callback)) {}
  resp::Output& output() { return output_; }
  void Deliver(bool cancelled) override {
    if (cancelled) {
      callback_(absl::CancelledError("the cache was closed before the reply was delivered"));
    } else {
      callback_(session::ReplyFrom(output_));
    }
  }

 private:
  Cache::ReplyCallback callback_;
  resp::Output output_;
};

}  // namespace

absl::Status Cache::ExecuteAsync(std::span<const std::string_view> argv, ReplyCallback callback) {
  if (argv.empty()) return absl::InvalidArgumentError("argv is empty: it needs at least a command's name");
  if (callback == nullptr) return absl::InvalidArgumentError("ExecuteAsync: there is no callback");
  std::unique_ptr<executor::Delivery> delivery;
  AsyncReply* reply = new (std::nothrow) AsyncReply(std::move(callback));
  if (reply == nullptr) return NoMemory("there is no memory for the command");
  delivery.reset(reply);
  bool posted = false;
  absl::Status status = core_->Run([&] {
    session::RunOnce(*core_, index_, argv, reply->output());
    posted = core_->delivery().Post(std::move(delivery));
  });
  if (!status.ok()) return status;
  if (!posted) return absl::CancelledError("the cache is closed");
  return absl::OkStatus();
}

absl::Status Cache::EnterUser() {
  absl::Status status = session::CacheCore::OutcomeStatus(core_->executor().EnterUser());
  if (!status.ok()) return status;
  keyspace::Keyspace& keyspace = core_->engine().keyspace();
  keyspace.BeginOp(0);
  keyspace.MakeRoom();  // what cannot be made is refused by the writes inside
  return status;
}

void Cache::LeaveUser() { core_->executor().LeaveUser(); }

absl::StatusOr<std::unique_ptr<larder::Session>> Cache::NewSession() { return larder::Session::Create(*core_); }

absl::StatusOr<std::unique_ptr<RespConnection>> Cache::NewConnection() { return RespConnection::Create(*core_); }

absl::StatusOr<larder::Stats> Cache::Stats() const {
  larder::Stats stats;
  absl::Status status = core_->Run([&] {
    core_->engine().keyspace().BeginOp(0);
    stats = commands::StatsOf(core_->engine());
  });
  if (!status.ok()) return status;
  core_->FillExecutorStats(&stats.executor);
  return stats;
}

absl::StatusOr<absl::Time> Cache::Tick(absl::Time deadline) {
  if (core_->executor().InsideUser()) {
    return session::CacheCore::OutcomeStatus(executor::Outcome::kReentrant);
  }
  if (core_->closed()) return session::CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  const int64_t next_us =
      core_->BackgroundStep(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
  return next_us == INT64_MAX ? absl::InfiniteFuture() : absl::FromUnixMicros(next_us);
}

}  // namespace larder::inline v0
