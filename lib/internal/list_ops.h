// The ops of the typed list calls. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_LIST_OPS_H_
#define LARDER_INTERNAL_LIST_OPS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

using WordSpan = std::span<const std::string_view>;

// The new length.
extern LARDER_API const TypedOp<std::string_view, int64_t*> kListPushFront;
extern LARDER_API const TypedOp<std::string_view, int64_t*> kListPushBack;
extern LARDER_API const TypedOp<std::string_view, int64_t*> kListPushFrontIfPresent;
extern LARDER_API const TypedOp<std::string_view, int64_t*> kListPushBackIfPresent;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kListPushFrontSeveral;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kListPushBackSeveral;

extern LARDER_API const TypedOp<Fetched*> kListPopFront;
extern LARDER_API const TypedOp<Fetched*> kListPopBack;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kListPopFrontSeveral;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kListPopBackSeveral;
// Destination; whether it is taken from the front, and put there.
extern LARDER_API const TypedOp<std::string_view, bool, bool, Fetched*> kListMove;

extern LARDER_API const TypedOp<int64_t*> kListSize;
extern LARDER_API const TypedOp<int64_t, Fetched*> kListAt;
extern LARDER_API const TypedOp<int64_t, int64_t, FetchedList*> kListRange;
// Element, rank, how many at most (0: all); the indices as the bytes of int64_t.
extern LARDER_API const TypedOp<std::string_view, int64_t, int64_t, FetchedList*> kListFind;

extern LARDER_API const TypedOp<int64_t, std::string_view> kListSet;
// Whether before; pivot, element; the new length, or -1.
extern LARDER_API const TypedOp<bool, std::string_view, std::string_view, int64_t*> kListInsert;
extern LARDER_API const TypedOp<int64_t, std::string_view, int64_t*> kListRemove;
extern LARDER_API const TypedOp<int64_t, int64_t> kListTrim;

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_LIST_OPS_H_
