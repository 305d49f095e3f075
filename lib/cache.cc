// Cache: its beginning, its end, and calls for it as a whole. The typed calls are in lib/typed.
#include <larder/cache.h>

#include <new>
#include <utility>

#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/engine/stats.h"
#include "lib/typed/op.h"

namespace larder::inline v0 {
namespace {

constexpr ErrorText kNoSuchDb{absl::StatusCode::kOutOfRange, "there is no such database: see Options::databases"};
constexpr ErrorText kNoMemoryForDb{absl::StatusCode::kResourceExhausted, "there is no memory for a database"};
constexpr ErrorText kTickInCallback{absl::StatusCode::kFailedPrecondition,
                                    "Tick was called from a callback of this cache"};

// Makes `target` the database of that index, of the same cache.
Error GoTo(int index, internal::Target* target) LARDER_REQUIRES_HOLDER {
  keyspace::Keyspace& keyspace = target->db->keyspace();
  if (index < 0 || index >= keyspace.config().databases) return kNoSuchDb;
  keyspace::Db* db = keyspace.db(index);
  if (db == nullptr) return kNoMemoryForDb;
  target->db = db;
  target->index = index;
  return kOk;
}

}  // namespace

Cache::Cache(std::unique_ptr<core::CacheCore> core)
    : Database({.core = core.get(), .db = core->engine().keyspace().db(0), .index = 0, .transaction = 0}) {
  (void)core.release();  // target_ owns it
}

Cache::~Cache() {
  // A forked child leaks all of it: threads of the parent may have been changing any of it.
  if (!target_.core->Forked()) delete target_.core;
}

absl::StatusOr<std::unique_ptr<Cache>> Cache::Open(const Options& options) {
  absl::StatusOr<std::unique_ptr<core::CacheCore>> core = core::CacheCore::Create(options);
  if (!core.ok()) return core.status();
  std::unique_ptr<Cache> cache(new (std::nothrow) Cache(*std::move(core)));
  if (cache == nullptr) {
    return base::NoMemory(base::kNoMemoryForCache);
  }
  return cache;
}

absl::Status Cache::Close(absl::Time deadline) {
  return target_.core->Close(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
}

absl::StatusOr<Database> Cache::Db(int index) const {
  internal::Target target = target_;
  Error error;
  const absl::Status status = target_.core->Run([&]() LARDER_REQUIRES_HOLDER {
    target_.db->keyspace().BeginTypedOp();
    error = GoTo(index, &target);
  });
  if (!status.ok()) return status;
  if (!error.ok()) return internal::StatusOf(error.text());
  return Database(target);
}

absl::StatusOr<Transaction> Transaction::Db(int index) const {
  if (!target_.core->MayTransact(target_.transaction)) return internal::StatusOf(typed::kTransactionIsOver);
  base::AssertHolder();
  internal::Target target = target_;
  if (const Error error = GoTo(index, &target); !error.ok()) return internal::StatusOf(error.text());
  return absl::StatusOr<Transaction>(absl::in_place, Pass(), target);
}

const internal::ErrorText* Cache::EnterUser(uint64_t* transaction) {
  const executor::Outcome outcome = target_.core->executor().EnterUser();
  if (outcome != executor::Outcome::kRan) return core::CacheCore::ErrorOf(outcome);
  base::AssertHolder();
  *transaction = target_.core->BeginTransacting();
  keyspace::Keyspace& keyspace = target_.db->keyspace();
  keyspace.BeginOp(0);
  (void)keyspace.limit().MakeRoom({});  // this evicts a slice; if nothing may be evicted, the writes inside are refused
  keyspace.effects().BeginGroup();
  return nullptr;
}

void Cache::LeaveUser() {
  base::AssertHolder();
  target_.db->keyspace().effects().EndGroup();
  target_.core->EndTransacting();
  target_.core->AfterOp();
  target_.core->executor().LeaveUser();
}

absl::StatusOr<std::unique_ptr<larder::Session>> Cache::NewSession() { return larder::Session::Create(*target_.core); }

absl::StatusOr<std::unique_ptr<RespConnection>> Cache::NewConnection() { return RespConnection::Create(*target_.core); }

absl::StatusOr<larder::Stats> Cache::Stats() const {
  larder::Stats stats;
  absl::Status status = target_.core->Run([&]() LARDER_REQUIRES_HOLDER {
    target_.core->engine().keyspace().BeginOp(0);
    stats = engine::StatsOf(target_.core->engine());
    target_.core->FillExecutorStats(&stats.executor);
  });
  if (!status.ok()) return status;
  return stats;
}

absl::StatusOr<absl::Time> Cache::Tick(absl::Time deadline) {
  if (target_.core->executor().InsideUser()) {
    return core::CacheCore::OutcomeStatus(executor::Outcome::kReentrant);
  }
  if (target_.core->delivery().IsDrainer()) return internal::StatusOf(kTickInCallback);
  const internal::Visit visit(*target_.core);
  if (visit.error() != nullptr) return internal::StatusOf(visit.error());
  const int64_t next_us =
      target_.core->BackgroundStep(deadline == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(deadline));
  if (target_.core->Forked()) return core::CacheCore::OutcomeStatus(executor::Outcome::kForked);  // fn forked
  return next_us == INT64_MAX ? absl::InfiniteFuture() : absl::FromUnixMicros(next_us);
}

}  // namespace larder::inline v0
