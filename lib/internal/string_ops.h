// The ops of the typed string calls. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_STRING_OPS_H_
#define LARDER_INTERNAL_STRING_OPS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0 {

struct SetOptions;

namespace internal {

using KeySpan = std::span<const std::string_view>;
using PairSpan = std::span<const std::pair<std::string_view, std::string_view>>;
using Viewer = absl::FunctionRef<void(std::optional<std::string_view>)>;

// Values up to this size are stored straight from the argument, under the executor. Larger ones are made ready before
// it is taken.
inline constexpr size_t kPlainValueBytesMax = size_t{8} << 10;

extern LARDER_API const TypedOp<Fetched*> kGet;
extern LARDER_API const TypedOp<KeySpan, FetchedList*> kGetSeveral;
extern LARDER_API const TypedOp<int64_t, int64_t, Fetched*> kGetRange;
extern LARDER_API const TypedOp<Viewer> kView;

// The result tells whether the value was set. kSet, and kSetLarge for larger values, have no options; kSetWith may
// have, and may want the old value.
extern LARDER_API const TypedOp<std::string_view, bool*> kSet;
extern LARDER_API const TypedOp<std::string_view, bool*> kSetLarge;
extern LARDER_API const TypedOp<std::string_view, const SetOptions*, Fetched*, bool*> kSetWith;
extern LARDER_API const TypedOp<PairSpan> kSetSeveral;

extern LARDER_API const TypedOp<int64_t, int64_t*> kIncrement;
extern LARDER_API const TypedOp<double, double*> kIncrementFloat;
extern LARDER_API const TypedOp<std::string_view, int64_t*> kAppend;
extern LARDER_API const TypedOp<int64_t, std::string_view, int64_t*> kSetRange;

extern LARDER_API const TypedOp<int64_t, bool*> kBitGet;
extern LARDER_API const TypedOp<int64_t, bool, bool*> kBitSet;  // the bit that was there before
extern LARDER_API const TypedOp<int64_t, int64_t, int64_t*> kBitCount;
extern LARDER_API const TypedOp<bool, int64_t, std::optional<int64_t>*> kBitFind;
// Elements, all of the command, and the target's core.
using HyperLogLogAddOp = TypedOp<KeySpan, const KeySpan*, core::CacheCore*, bool*>;
extern LARDER_API const HyperLogLogAddOp kHyperLogLogAdd;
extern LARDER_API const TypedOp<int64_t*> kHyperLogLogCount;

}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_STRING_OPS_H_
