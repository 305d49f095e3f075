// The ops of the typed calls for keys of any type. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_KEY_OPS_H_
#define LARDER_INTERNAL_KEY_OPS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/time/time.h"
#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0 {

struct ScanOptions;

namespace internal {

// They tell how many keys there were, or are.
extern LARDER_API const TypedOp<std::span<const std::string_view>, int64_t*> kDelete;
extern LARDER_API const TypedOp<std::span<const std::string_view>, int64_t*> kExistsSeveral;
extern LARDER_API const TypedOp<bool*> kExists;

extern LARDER_API const TypedOp<absl::Duration, bool*> kExpire;
extern LARDER_API const TypedOp<absl::Time, bool*> kExpireAt;
extern LARDER_API const TypedOp<bool*> kPersist;
extern LARDER_API const TypedOp<std::optional<absl::Duration>*> kTtl;

// The cursor is the position of the walk: 0 at its beginning, and again at its end.
extern LARDER_API const TypedOp<uint64_t*, const ScanOptions*, FetchedList*> kScan;
extern LARDER_API const TypedOp<int64_t*> kSize;

}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_KEY_OPS_H_
