// The ops of SET and MSET.
#include "lib/typed/set.h"

#include <larder/cache.h>
#include <larder/internal/string_ops.h>
#include "lib/engine/short.h"
#include "lib/typed/expiry.h"
#include "lib/typed/fetch.h"
#include "lib/typed/op.h"
#include "lib/typed/value.h"

namespace larder::inline v0::typed {
namespace {

using internal::Fetched;
using internal::PairSpan;
using keyspace::Growth;
using keyspace::Lookup;
using Condition = ops::strings::SetOptions::Condition;

constexpr ErrorText kBadTtl{absl::StatusCode::kInvalidArgument,
                            "SetOptions::ttl must be more than 0 and less than 100 million years"};
constexpr ErrorText kBadExpireAt{absl::StatusCode::kInvalidArgument,
                                 "SetOptions::expire_at must be after 1970 and a finite time"};
constexpr ErrorText kManyTtls{absl::StatusCode::kInvalidArgument,
                              "SetOptions: only one of ttl, expire_at and keep_ttl may be given"};
constexpr ErrorText kBadCondition{absl::StatusCode::kInvalidArgument,
                                  "SetOptions::condition must be kAlways, kMissing or kPresent"};

// Blocks for kSet's values are made under the executor.
static_assert(memory::Heap::NeedsHolder(internal::kPlainValueBytesMax));

Error Set(const OpAt& at, Bytes value, bool* done) {
  const keyspace::Place existing = at.db().LocateHashed(at.key, at.hash, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(*done, ops::strings::Set(at.db(), at.key, existing, keyspace::StringSource::Of(value),
                                                   ops::strings::SetOptions()));
  return kOk;
}
Growth GrowthOfSet(core::CacheCore&, Bytes key, Bytes value, bool*) {
  return {.bytes = key.size() + value.size(), .value_bytes = value.size()};
}

// The same with a value that was made ready before.
Error SetReady(const OpAt& at, PreparedValue* value, bool* done) {
  const keyspace::Place existing = at.db().LocateHashed(at.key, at.hash, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(*done,
                          ops::strings::Set(at.db(), at.key, existing, value->source(), ops::strings::SetOptions()));
  return kOk;
}
Growth GrowthOfSetReady(core::CacheCore&, Bytes key, PreparedValue* value, bool*) { return value->Growth(key); }
void ShowSetReady(engine::Monitors& to, Bytes key, PreparedValue* value, bool*) {
  to.Add(key);
  to.Add(value->bytes());
}
constexpr TypedOp<PreparedValue*, bool*> kSetReady = OpOf<PreparedValue*, bool*>(
    {.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne, .hashes = true,
     .run = By<SetReady>, .growth = By<GrowthOfSetReady>, .show = By<ShowSetReady>});

const ErrorText* StartSetLarge(const Target& target, const OpRow&, Bytes key, Bytes value, bool* done) {
  PreparedValue prepared(value);
  if (const ErrorText* error = prepared.Prepare(*target.core, target.held()); error != nullptr) return error;
  return GoOn(target, kSetReady, key, &prepared, done);
}

Error ReadOptions(const SetOptions& from, SetPlan* plan) {
  plan->options.keep_ttl = from.keep_ttl;
  switch (from.condition) {
    case SetOptions::If::kAlways: plan->options.condition = Condition::kAlways; break;
    case SetOptions::If::kMissing: plan->options.condition = Condition::kIfMissing; break;
    case SetOptions::If::kPresent: plan->options.condition = Condition::kIfPresent; break;
    default: return kBadCondition;
  }
  const bool has_ttl = from.ttl != absl::InfiniteDuration();
  const bool has_time = from.expire_at != absl::InfiniteFuture();
  if (has_ttl + has_time + from.keep_ttl > 1) return kManyTtls;
  if (has_ttl) {
    plan->ttl_ms = internal::TtlMs(from.ttl);
    if (plan->ttl_ms < 1 || plan->ttl_ms > kExpiryMsMax) return kBadTtl;
  }
  if (has_time && !ExpiryMsOf(from.expire_at, &plan->options.expiry_ms)) return kBadExpireAt;
  return kOk;
}

// SET with all its options, after the work that needs no executor.
Error SetPrepared(const OpAt& at, PreparedValue* value, const SetPlan* plan, Fetched* old_value, bool* done) {
  ops::strings::SetOptions options = plan->options;
  if (plan->ttl_ms != 0) {
    LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ExpiryAfter(at.db(), plan->ttl_ms));
  }
  if (old_value != nullptr) {
    ops::strings::Digits digits;
    LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
    if (text.found) FetchPart(text, text.bytes, old_value);
  }
  const keyspace::Place existing = at.db().LocateHashed(at.key, at.hash, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(*done, ops::strings::Set(at.db(), at.key, existing, value->source(), options));
  return kOk;
}
Growth GrowthOfSetPrepared(core::CacheCore&, Bytes key, PreparedValue* value, const SetPlan*, Fetched*, bool*) {
  return value->Growth(key);
}
void ShowSetPrepared(engine::Monitors& to, Bytes key, PreparedValue* value, const SetPlan* plan, Fetched* old_value,
                    bool*) {
  ShowSet(to, key, value->bytes(), *plan, /*get=*/old_value != nullptr);
}

constexpr TypedOp<PreparedValue*, const SetPlan*, Fetched*, bool*> kSetPrepared =
    OpOf<PreparedValue*, const SetPlan*, Fetched*, bool*>(
        {.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne, .hashes = true,
         .run = By<SetPrepared>, .growth = By<GrowthOfSetPrepared>, .show = By<ShowSetPrepared>});

const ErrorText* StartSetWith(const Target& target, const OpRow&, Bytes key, Bytes value, const SetOptions* options,
                              Fetched* old_value, bool* done) {
  SetPlan plan;
  if (const Error error = ReadOptions(*options, &plan); !error.ok()) return error.text();
  PreparedValue prepared(value);
  if (const ErrorText* error = prepared.Prepare(*target.core, target.held()); error != nullptr) return error;
  return GoOn(target, kSetPrepared, key, &prepared, &plan, old_value, done);
}

Error SetSeveral(const OpAt& at, PairSpan pairs) {
  return ops::strings::SetMany(at.db(), pairs, /*if_none=*/false).error();
}
Growth GrowthOfSetSeveral(core::CacheCore&, Bytes, PairSpan pairs) {
  Growth growth;
  for (const auto& [key, value] : pairs) {
    growth.bytes += key.size() + value.size();
    if (value.size() > growth.value_bytes) growth.value_bytes = value.size();
  }
  return growth;
}
bool FewPairs(keyspace::Db&, Bytes, PairSpan pairs) { return pairs.size() <= engine::kShortElements; }

}  // namespace

void ShowSet(engine::Monitors& to, Bytes key, Bytes value, const SetPlan& plan, bool get) {
  to.Add(key);
  to.Add(value);
  if (plan.options.condition == Condition::kIfMissing) to.Add("NX");
  if (plan.options.condition == Condition::kIfPresent) to.Add("XX");
  if (get) to.Add("GET");
  if (plan.ttl_ms != 0) {
    to.Add("PX");
    to.Add(plan.ttl_ms);
  } else if (plan.options.expiry_ms > 0) {
    to.Add("PXAT");
    to.Add(plan.options.expiry_ms);
  }
  if (plan.options.keep_ttl) to.Add("KEEPTTL");
}

}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<Bytes, bool*> kSet = OpOf<Bytes, bool*>(
    {.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne, .hashes = true,
     .run = By<typed::Set>, .growth = By<typed::GrowthOfSet>});

constexpr TypedOp<Bytes, bool*> kSetLarge = OpOf<Bytes, bool*>(
    {.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne, .start = By<typed::StartSetLarge>});

constexpr TypedOp<Bytes, const SetOptions*, Fetched*, bool*> kSetWith =
    OpOf<Bytes, const SetOptions*, Fetched*, bool*>({.name = "SET", .access = Access::kWrites, .keys = KeyCount::kOne,
                                                     .start = By<typed::StartSetWith>});

constexpr TypedOp<PairSpan> kSetSeveral = OpOf<PairSpan>(
    {.name = "MSET", .access = Access::kWrites, .keys = KeyCount::kSeveral, .makes_room_ahead = true,
     .run = By<typed::SetSeveral>, .growth = By<typed::GrowthOfSetSeveral>, .is_short = By<typed::FewPairs>});

}  // namespace larder::inline v0::internal
