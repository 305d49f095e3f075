// The ops of the typed set calls. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_SET_OPS_H_
#define LARDER_INTERNAL_SET_OPS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

using WordSpan = std::span<const std::string_view>;

extern LARDER_API const TypedOp<std::string_view, bool*> kSetAdd;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kSetAddSeveral;
extern LARDER_API const TypedOp<std::string_view, bool*> kSetRemove;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kSetRemoveSeveral;
extern LARDER_API const TypedOp<std::string_view, bool*> kSetContains;
extern LARDER_API const TypedOp<WordSpan, FetchedList*> kSetContainsSeveral;  // found: it is there
extern LARDER_API const TypedOp<int64_t*> kSetSize;
extern LARDER_API const TypedOp<FetchedList*> kSetMembers;
extern LARDER_API const TypedOp<Fetched*> kSetPop;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kSetPopSeveral;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kSetRandom;
extern LARDER_API const TypedOp<std::string_view, std::string_view, bool*> kSetMove;  // destination, member

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_SET_OPS_H_
