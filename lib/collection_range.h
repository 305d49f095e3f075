// CollectionRange: the elements of one hash, list, set, sorted set or stream, for a range-based for.
//
//   larder::Hash user(cache, "user:1");
//   larder::CollectionRange fields = user.Scan();
//   for (const auto& [field, value] : fields) std::cout << field << '=' << value << '\n';
//   if (!fields.status().ok()) return fields.status();
//
// It shows the collection as it was when begin() was called, whatever happens to the key meanwhile: others may change
// it, delete it or overwrite it. This costs no copy: the walk and the writers share what has not changed, and what only
// the walk still needs counts as used memory until the range ends. Elements are fetched some at a time, so that others
// have their turn between.
//
// Order: a list's, a sorted set's and a stream's own; that of HGETALL and SMEMBERS for the others. Each element is seen
// once.
// Threads: one at a time. Ownership: a range must end before the cache does. It may outlive the Transaction from which
// it was made, and is FAILED_PRECONDITION from then on, as is one that was moved from.
// Errors: see status(), which tells why a walk ended early: those of every call, and FAILED_PRECONDITION if another type
// is at the key. A key that is missing is an empty range.
#ifndef LARDER_COLLECTION_RANGE_H_
#define LARDER_COLLECTION_RANGE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include <larder/internal/collection_walk.h>
#include <larder/internal/range_iterator.h>

namespace larder::inline v0 {

// A member of a sorted set, with its score.
struct ScoredMember {
  std::string member;
  double score = 0;

  friend bool operator==(const ScoredMember&, const ScoredMember&) = default;
};

namespace internal {

template <class Element>
inline constexpr int kPartsOf = 2;
template <>
inline constexpr int kPartsOf<std::string> = 1;

template <class Walk>
void MakeElement(const Walk& walk, std::string* element) {
  element->assign(walk.Part(0));
}
template <class Walk>
void MakeElement(const Walk& walk, std::pair<std::string, std::string>* element) {
  element->first.assign(walk.Part(0));
  element->second.assign(walk.Part(1));
}
template <class Walk>
void MakeElement(const Walk& walk, ScoredMember* element) {
  element->member.assign(walk.Part(0));
  element->score = FetchedScore(walk.Part(1));
}

}  // namespace internal

// Element: std::string, std::pair<std::string, std::string> (field and value), ScoredMember or StreamEntry.
template <class Element, class Walk = internal::CollectionWalk<internal::kPartsOf<Element>>>
class CollectionRange {
 public:
  using Iterator = internal::RangeIterator<CollectionRange, Element>;

  CollectionRange(const internal::Target& target, const internal::PinOp& pin, std::string_view key)
      : walk_(target, pin, key) {}
  explicit CollectionRange(Walk walk) : walk_(std::move(walk)) {}
  CollectionRange(CollectionRange&&) noexcept = default;
  CollectionRange& operator=(CollectionRange&&) noexcept = default;

  // Goes through the elements once; a second begin() goes on where the first stopped.
  Iterator begin() { return Next() ? Iterator(this) : Iterator(); }
  Iterator end() { return Iterator(); }
  // The reason why the walk ended early; OK if it did not.
  const absl::Status& status() const { return walk_.status(); }

 private:
  friend Iterator;
  const Element& current() const { return element_; }
  bool Next() {
    if (!walk_.Next()) return false;
    absl::Status made = internal::FillResult([&] { MakeElement(walk_, &element_); });
    if (made.ok()) return true;
    walk_.Fail(std::move(made));
    return false;
  }

  Walk walk_;
  Element element_;
};

}  // namespace larder::inline v0

#endif  // LARDER_COLLECTION_RANGE_H_
