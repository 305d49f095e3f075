// Sort: the elements of a list, set or sorted set, in the order of numbers or bytes, their own or those of other keys.
//
//   absl::StatusOr<std::vector<std::optional<std::string>>> names =
//       larder::Sort(cache, "friends", {.by = "score:*", .descending = true, .count = 10, .get = {"name:*"}});
//
// Threads, errors: as cache.h says of every call. FAILED_PRECONDITION if another type is at the key; INVALID_ARGUMENT
// if an element, or what it is sorted by, is no number and `alpha` is not set.
// Costs: O(N + M log M), N elements of which M are returned; others wait meanwhile.
#ifndef LARDER_SORT_H_
#define LARDER_SORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>

namespace larder::inline v0 {

struct SortBy {
  std::string_view by = {};             // BY: a pattern of keys, in which '*' is the element; empty: the elements
  bool descending = false;              // DESC
  bool alpha = false;                   // ALPHA: by bytes, not as numbers
  int64_t offset = 0;                   // LIMIT
  int64_t count = -1;                   // -1: all
  std::vector<std::string_view> get = {};  // GET: patterns of what is returned for each element; "#" is itself
};

namespace internal {

inline void AddSortWords(const SortBy& options, std::string_view offset, std::string_view count, Words* words) {
  if (!options.by.empty()) {
    words->Add("BY");
    words->Add(options.by);
  }
  if (options.offset != 0 || options.count >= 0) {
    words->Add("LIMIT");
    words->Add(offset);
    words->Add(count);
  }
  for (const std::string_view pattern : options.get) {
    words->Add("GET");
    words->Add(pattern);
  }
  if (options.descending) words->Add("DESC");
  if (options.alpha) words->Add("ALPHA");
}

}  // namespace internal

// SORT_RO: with `get`, its patterns' values for each element in turn, of which some may be missing; else the elements.
inline absl::StatusOr<std::vector<std::optional<std::string>>> Sort(const Database& database, std::string_view key,
                                                                    const SortBy& options = {}) {
  const internal::Digits offset(options.offset), count(options.count);
  internal::Words words("SORT_RO", key);
  internal::AddSortWords(options, offset.view(), count.view(), &words);
  return internal::VectorOf<std::optional<std::string>>(
      internal::Execute(internal::TargetOf(database), words), [](ReplyView element) {
        return element.is_nil() ? std::optional<std::string>() : std::optional<std::string>(element.string_view());
      });
}

// SORT STORE: what Sort returns becomes a list at `destination`, where a missing value is an empty string; its length.
inline absl::StatusOr<int64_t> SortInto(const Database& database, std::string_view key, std::string_view destination,
                                        const SortBy& options = {}) {
  const internal::Digits offset(options.offset), count(options.count);
  internal::Words words("SORT", key);
  internal::AddSortWords(options, offset.view(), count.view(), &words);
  words.Add("STORE");
  words.Add(destination);
  return internal::IntegerOf(internal::Execute(internal::TargetOf(database), words));
}

}  // namespace larder::inline v0

#endif  // LARDER_SORT_H_
