// Converts times of the typed calls to the engine's.
#ifndef LARDER_TYPED_EXPIRY_H_
#define LARDER_TYPED_EXPIRY_H_

#include <cstdint>

#include "absl/time/time.h"
#include "lib/base/error.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::typed {

inline constexpr int64_t kExpiryMsMax = INT64_MAX / 2;

// Returns false if the time cannot be an expiry.
inline bool ExpiryMsOf(absl::Time when, int64_t* ms) {
  *ms = absl::ToUnixMillis(when);
  return *ms > 0 && *ms <= kExpiryMsMax;
}

// The expiry of a value that is written with a ttl. Errors: it is before 1970.
inline Result<int64_t> ExpiryAfter(keyspace::Db& db, int64_t ttl_ms) LARDER_REQUIRES_HOLDER {
  const int64_t expiry_ms = db.keyspace().now_ms() + ttl_ms;
  if (expiry_ms <= 0) [[unlikely]] return errors::kClockBefore1970;
  return expiry_ms;
}

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_EXPIRY_H_
