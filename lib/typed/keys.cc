// The ops of the typed calls for keys of any type.
#include "lib/ops/keys.h"

#include <larder/cache.h>
#include <larder/internal/key_ops.h>
#include "lib/base/glob.h"
#include "lib/engine/short.h"
#include "lib/keyspace/keyspace.h"
#include "lib/typed/expiry.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

using internal::FetchedList;
using keyspace::Lookup;
using KeySpan = std::span<const Bytes>;

constexpr ErrorText kTtlTooLong{absl::StatusCode::kInvalidArgument, "Expire: the time is too far away"};
constexpr ErrorText kTimeTooFar{absl::StatusCode::kInvalidArgument, "ExpireAt: the time is too far away"};

bool FewKeys(keyspace::Db&, Bytes, KeySpan keys, int64_t*) { return keys.size() <= engine::kShortElements; }

Error Delete(const OpAt& at, KeySpan keys, int64_t* count) {
  *count = ops::keys::Delete(at.db(), keys);
  return kOk;
}

Error ExistsSeveral(const OpAt& at, KeySpan keys, int64_t* count) {
  *count = ops::keys::Count(at.db(), keys, Lookup::kInspect);
  return kOk;
}

Error Exists(const OpAt& at, bool* exists) {
  *exists = at.db().FindHashed(at.key, at.hash, Lookup::kInspect) != nullptr;
  return kOk;
}

// ---- Expiry --------------------------------------------------------------------------------------------------------

Error ExpireInMs(const OpAt& at, int64_t ttl_ms, bool* done) {
  int64_t expiry_ms = 0;
  if (__builtin_add_overflow(at.db().keyspace().now_ms(), ttl_ms, &expiry_ms)) expiry_ms = INT64_MIN;
  LARDER_ASSIGN_OR_RETURN(*done, ops::keys::ExpireAt(at.db(), at.key, expiry_ms));
  return kOk;
}

Error ExpireAtMs(const OpAt& at, int64_t expiry_ms, bool* done) {
  LARDER_ASSIGN_OR_RETURN(*done, ops::keys::ExpireAt(at.db(), at.key, expiry_ms));
  return kOk;
}

// As PERSIST, but it tells whether there is such a key.
Error ExpireNever(const OpAt& at, bool* done) {
  *done = at.db().Find(at.key, Lookup::kPeek) != nullptr;
  return ops::keys::Persist(at.db(), at.key).error();
}

Error Persist(const OpAt& at, bool* done) {
  LARDER_ASSIGN_OR_RETURN(*done, ops::keys::Persist(at.db(), at.key));
  return kOk;
}

constexpr TypedOp<int64_t, bool*> kExpireInMs = OpOf<int64_t, bool*>(
    {.name = "PEXPIRE", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<ExpireInMs>});
constexpr TypedOp<int64_t, bool*> kExpireAtMs = OpOf<int64_t, bool*>(
    {.name = "PEXPIREAT", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<ExpireAtMs>});
constexpr TypedOp<bool*> kExpireNever = OpOf<bool*>(
    {.name = "PERSIST", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<ExpireNever>});

const ErrorText* StartExpire(const Target& target, const OpRow&, Bytes key, absl::Duration ttl, bool* done) {
  if (ttl == absl::InfiniteDuration()) return GoOn(target, kExpireNever, key, done);
  const int64_t ttl_ms = internal::TtlMs(ttl);
  if (ttl_ms > kExpiryMsMax) return &kTtlTooLong;
  return GoOn(target, kExpireInMs, key, ttl_ms, done);
}

const ErrorText* StartExpireAt(const Target& target, const OpRow&, Bytes key, absl::Time when, bool* done) {
  if (when == absl::InfiniteFuture()) return GoOn(target, kExpireNever, key, done);
  const int64_t expiry_ms = absl::ToUnixMillis(when);
  if (expiry_ms > kExpiryMsMax) return &kTimeTooFar;
  return GoOn(target, kExpireAtMs, key, expiry_ms, done);
}

Error Ttl(const OpAt& at, std::optional<absl::Duration>* ttl) {
  const int64_t ttl_ms = ops::keys::TtlMs(at.db(), at.key);
  if (ttl_ms != -2) ttl->emplace(ttl_ms == -1 ? absl::InfiniteDuration() : absl::Milliseconds(ttl_ms));
  return kOk;
}

// ---- Whole databases -----------------------------------------------------------------------------------------------

size_t BatchOf(const ScanOptions& options) { return options.batch == 0 ? 1 : options.batch; }

Error Scan(const OpAt& at, uint64_t* cursor, const ScanOptions* options, FetchedList* to) {
  bool failed = false;
  *cursor = at.db().Scan(*cursor, BatchOf(*options), [&](keyspace::Entry& entry) {
    if (failed || (!options->match.empty() && !base::GlobMatch(options->match, entry.key()))) return;
    failed = !to->Add(entry.key());
  });
  return failed ? Error(internal::kNoMemoryForResult) : kOk;
}
bool ScanIsShort(keyspace::Db&, Bytes, uint64_t*, const ScanOptions* options, FetchedList*) {
  return BatchOf(*options) <= engine::kShortElements;
}
void ShowScan(engine::Monitors& to, Bytes, uint64_t* cursor, const ScanOptions* options, FetchedList*) {
  to.Add(static_cast<int64_t>(*cursor));
  if (!options->match.empty()) {
    to.Add("MATCH");
    to.Add(options->match);
  }
  to.Add("COUNT");
  to.Add(static_cast<int64_t>(BatchOf(*options)));
}

Error Size(const OpAt& at, int64_t* size) {
  *size = static_cast<int64_t>(at.db().size());
  return kOk;
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::KeySpan;
using typed::OpOf;

constexpr TypedOp<KeySpan, int64_t*> kDelete = OpOf<KeySpan, int64_t*>(
    {.name = "DEL", .access = Access::kWrites, .keys = KeyCount::kSeveral,
     .run = By<typed::Delete>, .is_short = By<typed::FewKeys>});

constexpr TypedOp<KeySpan, int64_t*> kExistsSeveral = OpOf<KeySpan, int64_t*>(
    {.name = "EXISTS", .access = Access::kReads, .keys = KeyCount::kSeveral,
     .run = By<typed::ExistsSeveral>, .is_short = By<typed::FewKeys>});

constexpr TypedOp<bool*> kExists = OpOf<bool*>(
    {.name = "EXISTS", .access = Access::kReads, .keys = KeyCount::kOne, .hashes = true, .run = By<typed::Exists>});

constexpr TypedOp<absl::Duration, bool*> kExpire = OpOf<absl::Duration, bool*>(
    {.name = "PEXPIRE", .access = Access::kWrites, .keys = KeyCount::kOne, .start = By<typed::StartExpire>});

constexpr TypedOp<absl::Time, bool*> kExpireAt = OpOf<absl::Time, bool*>(
    {.name = "PEXPIREAT", .access = Access::kWrites, .keys = KeyCount::kOne, .start = By<typed::StartExpireAt>});

constexpr TypedOp<bool*> kPersist = OpOf<bool*>(
    {.name = "PERSIST", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::Persist>});

constexpr TypedOp<std::optional<absl::Duration>*> kTtl = OpOf<std::optional<absl::Duration>*>(
    {.name = "PTTL", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::Ttl>});

constexpr TypedOp<uint64_t*, const ScanOptions*, FetchedList*> kScan =
    OpOf<uint64_t*, const ScanOptions*, FetchedList*>(
        {.name = "SCAN", .access = Access::kReads, .keys = KeyCount::kNone,
         .run = By<typed::Scan>, .is_short = By<typed::ScanIsShort>, .show = By<typed::ShowScan>});

constexpr TypedOp<int64_t*> kSize = OpOf<int64_t*>(
    {.name = "DBSIZE", .access = Access::kReads, .keys = KeyCount::kNone, .run = By<typed::Size>});

}  // namespace larder::inline v0::internal
