// GetOrLoad after its miss: the two holds on the executor in which a load uses the keyspace.
#include <larder/internal/flight.h>
#include "lib/base/check.h"
#include "lib/core/core.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/strings.h"
#include "lib/typed/expiry.h"
#include "lib/typed/fetch.h"
#include "lib/typed/op.h"
#include "lib/typed/set.h"
#include "lib/typed/value.h"

namespace larder::inline v0::typed {
namespace {

using core::CacheCore;
using internal::Load;
using keyspace::Lookup;

// The store of a loaded value. MONITOR shows it as a SET, if it takes place.
struct Store {
  CacheCore& core;
  int db_index;
  Load& load;
  PreparedValue value;
  SetPlan plan;
  bool detached = false;
};

void ShowStore(engine::Monitors& to, Bytes key, const Store* store) {
  ShowSet(to, key, store->value.bytes(), store->plan, /*get=*/false);
}
constexpr TypedOp<const Store*> kStoreShown = OpOf<const Store*>(
    {.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne, .show = By<ShowStore>});

Error StoreValue(const OpAt& at, Store* store) {
  keyspace::Db& db = at.db();
  if (!store->detached) {  // it runs once more after room has been made for it
    if (!store->load.Detach()) return kOk;
    store->detached = true;
    if (store->core.monitored()) [[unlikely]] ShowToMonitors(store->core, store->db_index, kStoreShown, at.key, store);
  }
  ops::strings::SetOptions options;
  if (store->plan.ttl_ms != 0) {
    LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ExpiryAfter(db, store->plan.ttl_ms));
  }
  const keyspace::Place existing = db.LocateHashed(at.key, at.hash, Lookup::kWrite);
  LARDER_DCHECK(existing == nullptr);  // the change that made it would have detached the flight
  return ops::strings::Set(db, at.key, existing, store->value.source(), options).error();
}
keyspace::Growth GrowthOfStore(CacheCore&, Bytes key, Store* store) { return store->value.Growth(key); }

constexpr TypedOp<Store*> kStore = OpOf<Store*>(
    {.name = "", .access = Access::kWrites, .keys = KeyCount::kOne, .hashes = true,
     .run = By<StoreValue>, .growth = By<GrowthOfStore>});

const ErrorText* StoreAttached(const Target& target, Bytes key, Bytes value, absl::Duration ttl, Load& load) {
  Store store{.core = *target.core, .db_index = target.index, .load = load, .value = PreparedValue(value), .plan = {}};
  if (ttl != absl::InfiniteDuration()) store.plan.ttl_ms = internal::TtlMs(ttl);
  if (const ErrorText* error = store.value.Prepare(store.core, target.held()); error != nullptr) return error;
  return GoOn(target, kStore, key, &store);
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

// This lookup is not counted: the caller's miss has been.
const ErrorText* Load::Begin(const Target& target, std::string_view key, Fetched* to) {
  core::CacheCore& core = *target.core;
  keyspace::Db& db = *target.db;
  const ErrorText* error = nullptr;
  Prepare(target.index, key);
  const uint64_t hash = db.Hash(key);
  const executor::Outcome outcome = core.executor().Run(
      [&]() LARDER_REQUIRES_HOLDER {
        db.keyspace().BeginOp(0);
        const keyspace::Entry* entry = db.FindHashed(key, hash, keyspace::Lookup::kWrite);
        error = entry != nullptr ? typed::FetchString(*entry, to).text() : Join(core.flights());
        core.AfterOp(db.keyspace());
      },
      [&](int stage) LARDER_REQUIRES_HOLDER { db.PrefetchHashed(hash, stage); });
  return outcome == executor::Outcome::kRan ? error : core::CacheCore::ErrorOf(outcome);
}

const ErrorText* Load::Store(const Target& target, std::string_view key, std::string_view value, absl::Duration ttl) {
  using core::CacheCore;
  static constexpr executor::Outcome kEnds[] = {executor::Outcome::kForked, executor::Outcome::kClosed};
  const ErrorText* error = nullptr;
  if (target.core->executor().Forked()) {
    error = CacheCore::ErrorOf(executor::Outcome::kForked);
  } else if (target.core->closed()) {
    error = CacheCore::ErrorOf(executor::Outcome::kClosed);
  } else if (attached()) {
    error = typed::StoreAttached(target, key, value, ttl, *this);
  }
  for (executor::Outcome end : kEnds) {
    if (error != CacheCore::ErrorOf(end)) continue;
    Finish(*error);
    return error;
  }
  // Whatever kept the value out of the cache, the waiting callers get it.
  if (error != nullptr) CountNotStored();
  Finish(absl::OkStatus(), value);
  return nullptr;
}

}  // namespace larder::inline v0::internal
