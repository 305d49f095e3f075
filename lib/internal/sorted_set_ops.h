// The ops of the typed sorted set calls. Part of the public headers' machinery, not of the API. See typed.h.
#ifndef LARDER_INTERNAL_SORTED_SET_OPS_H_
#define LARDER_INTERNAL_SORTED_SET_OPS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

using WordSpan = std::span<const std::string_view>;

// Which members are added: bits.
enum AddRule : uint8_t { kAddAll = 0, kOnlyNew = 1, kOnlyOld = 2, kOnlyGreater = 4, kOnlyLess = 8 };
struct AddCounts {
  int64_t added = 0;
  int64_t changed = 0;
};
using ScoredSpan = std::span<const std::pair<std::string_view, double>>;
extern LARDER_API const TypedOp<double, std::string_view, uint8_t, AddCounts*> kSortedSetAdd;
extern LARDER_API const TypedOp<ScoredSpan, uint8_t, AddCounts*> kSortedSetAddSeveral;
extern LARDER_API const TypedOp<double, std::string_view, double*> kSortedSetIncrement;
extern LARDER_API const TypedOp<std::string_view, bool*> kSortedSetRemove;
extern LARDER_API const TypedOp<WordSpan, const WordSpan*, int64_t*> kSortedSetRemoveSeveral;

extern LARDER_API const TypedOp<std::string_view, std::optional<double>*> kSortedSetScore;
extern LARDER_API const TypedOp<std::string_view, std::optional<int64_t>*> kSortedSetRank;
extern LARDER_API const TypedOp<std::string_view, std::optional<int64_t>*> kSortedSetReverseRank;
extern LARDER_API const TypedOp<int64_t*> kSortedSetSize;

// A range, as ZRANGE has them.
struct SortedRange {
  enum class By : uint8_t { kRank, kScore, kMember } by = By::kRank;
  int64_t first = 0;  // ranks
  int64_t last = -1;
  double min = 0;  // scores
  double max = 0;
  bool without_min = false;  // scores and members
  bool without_max = false;
  std::optional<std::string_view> min_member = std::nullopt;  // nullopt: there is no such bound
  std::optional<std::string_view> max_member = std::nullopt;
  bool reverse = false;
  int64_t offset = 0;
  int64_t count = -1;
};
// Members and scores in turn; how many; how many were removed.
extern LARDER_API const TypedOp<const SortedRange*, FetchedList*> kSortedSetRange;
using RangeOp = TypedOp<const SortedRange*, int64_t*>;
extern LARDER_API const RangeOp kSortedSetCountScores;
extern LARDER_API const RangeOp kSortedSetCountMembers;
extern LARDER_API const RangeOp kSortedSetRemoveRanks;
extern LARDER_API const RangeOp kSortedSetRemoveScores;
extern LARDER_API const RangeOp kSortedSetRemoveMembers;
// Members and scores in turn.
extern LARDER_API const TypedOp<int64_t, FetchedList*> kSortedSetPopMin;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kSortedSetPopMax;
extern LARDER_API const TypedOp<int64_t, FetchedList*> kSortedSetRandom;

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_SORTED_SET_OPS_H_
