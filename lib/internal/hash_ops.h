// The ops of the typed hash calls. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_HASH_OPS_H_
#define LARDER_INTERNAL_HASH_OPS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

// Of several: the words behind the key in a command, and all of the command.
using WordSpan = std::span<const std::string_view>;

extern LARDER_API const TypedOp<std::string_view, Fetched*> kHashGet;
extern LARDER_API const TypedOp<WordSpan, FetchedList*> kHashGetSeveral;
extern LARDER_API const TypedOp<std::string_view, bool*> kHashContains;
extern LARDER_API const TypedOp<std::string_view, int64_t*> kHashValueSize;
extern LARDER_API const TypedOp<int64_t*> kHashSize;

extern LARDER_API const TypedOp<std::string_view, std::string_view, bool*> kHashSet;
extern LARDER_API const TypedOp<std::string_view, std::string_view, bool*> kHashSetIfMissing;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kHashSetSeveral;  // how many are new
extern LARDER_API const TypedOp<std::string_view, bool*> kHashDelete;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kHashDeleteSeveral;
extern LARDER_API const TypedOp<std::string_view, int64_t, int64_t*> kHashIncrement;
extern LARDER_API const TypedOp<std::string_view, double, double*> kHashIncrementFloat;

// Fields and values in turn; the fields, or the values, alone.
extern LARDER_API const TypedOp<FetchedList*> kHashEntries;
extern LARDER_API const TypedOp<FetchedList*> kHashFields;
extern LARDER_API const TypedOp<FetchedList*> kHashValues;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kHashRandom;

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_HASH_OPS_H_
