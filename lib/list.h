// List: a handle on a list, Redis's sequence of strings: a deque, a queue, a stack, a log of the newest.
//
//   larder::List jobs(cache, "jobs");
//   absl::StatusOr<int64_t> length = jobs.PushBack("resize 17.png");
//   absl::StatusOr<std::optional<std::string>> job = jobs.PopFront();
//   absl::StatusOr<std::vector<std::string>> newest = jobs.Range(-10, -1);
//
// Indices count from 0 at the front, and from -1 at the back. The front is what Redis calls left.
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key. There need be nothing at the key: a list begins with its
// first element and ends with its last.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at the key.
// Costs: O(1) at the ends, O(log N) at an index, O(N) for Find, Insert and Remove, which compare.
#ifndef LARDER_LIST_H_
#define LARDER_LIST_H_

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/handle.h>
#include <larder/internal/list_ops.h>

namespace larder::inline v0 {

class List : public internal::KeyHandle {
  using Elements = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;

 public:
  enum class End : uint8_t { kFront, kBack };

  List(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // LPUSH, RPUSH: the new length. Several are pushed one after another: PushFront({"a", "b"}) makes b the first. All are
  // pushed, or none.
  absl::StatusOr<int64_t> PushFront(std::string_view element) const;
  absl::StatusOr<int64_t> PushBack(std::string_view element) const;
  absl::StatusOr<int64_t> PushFront(Elements elements) const;
  absl::StatusOr<int64_t> PushBack(Elements elements) const;
  absl::StatusOr<int64_t> PushFront(Listed elements) const { return PushFront(Elements(elements)); }
  absl::StatusOr<int64_t> PushBack(Listed elements) const { return PushBack(Elements(elements)); }
  // LPUSHX, RPUSHX: the new length, or 0, and nothing is pushed, if there is no list.
  absl::StatusOr<int64_t> PushFrontIfPresent(std::string_view element) const;
  absl::StatusOr<int64_t> PushBackIfPresent(std::string_view element) const;

  // LPOP, RPOP: the element, or nullopt if there is none; up to `count` of them, in the order in which they go.
  // OUT_OF_RANGE for a negative count; DATA_LOSS if they were taken out, and there is no memory to return them.
  absl::StatusOr<std::optional<std::string>> PopFront() const;
  absl::StatusOr<std::optional<std::string>> PopBack() const;
  absl::StatusOr<std::vector<std::string>> PopFront(int64_t count) const;
  absl::StatusOr<std::vector<std::string>> PopBack(int64_t count) const;
  // LMOVE: moves an element to another list of the same database, or within this one, and returns it; nullopt if there
  // is none.
  absl::StatusOr<std::optional<std::string>> MoveTo(std::string_view destination, End from, End to) const;

  // LLEN, LINDEX (nullopt out of range), LRANGE (both ends included; what is out of range is left out).
  absl::StatusOr<int64_t> Size() const;
  absl::StatusOr<std::optional<std::string>> At(int64_t index) const;
  absl::StatusOr<std::vector<std::string>> Range(int64_t first, int64_t last) const;
  // LPOS: the index of the first element that is equal; of the rank-th, from the back if the rank is negative.
  // INVALID_ARGUMENT for rank 0.
  absl::StatusOr<std::optional<int64_t>> Find(std::string_view element, int64_t rank = 1) const;
  // LPOS COUNT: the indices of up to `count` that are equal, of all if it is 0.
  absl::StatusOr<std::vector<int64_t>> FindAll(std::string_view element, int64_t count = 0) const;

  // LSET. OUT_OF_RANGE, or NOT_FOUND if there is no list.
  absl::Status Set(int64_t index, std::string_view element) const;
  // LINSERT: whether there is such a pivot.
  absl::StatusOr<bool> InsertBefore(std::string_view pivot, std::string_view element) const;
  absl::StatusOr<bool> InsertAfter(std::string_view pivot, std::string_view element) const;
  // LREM: removes what is equal: the first `count`, the last if it is negative, all if it is 0. How many there were.
  absl::StatusOr<int64_t> Remove(std::string_view element, int64_t count = 0) const;
  // LTRIM: keeps first..last, both included.
  absl::Status Trim(int64_t first, int64_t last) const;

  CollectionRange<std::string> Scan() const { return {target_, internal::kPinList, key_}; }

 private:
  using PushOp = internal::TypedOp<std::string_view, int64_t*>;
  using PushSeveralOp = internal::TypedOp<internal::WordSpan, const internal::WordSpan*, int64_t*>;
  absl::StatusOr<int64_t> Push(const PushOp& op, std::string_view element) const {
    int64_t length = 0;
    return internal::ResultOf(Run(op, element, &length), length);
  }
  absl::StatusOr<int64_t> Push(const PushSeveralOp& op, std::string_view name, Elements elements) const {
    if (elements.empty()) return Size();
    internal::Words words(name, key_);
    words.AddAll(elements);
    return RunWords(op, words);
  }
  absl::StatusOr<std::optional<std::string>> Pop(const internal::TypedOp<internal::Fetched*>& op) const {
    internal::Fetched fetched;
    const internal::ErrorText* const error = Run(op, &fetched);
    return internal::TakenOut(error == nullptr, internal::OptionalStringOf(error, fetched));
  }
  absl::StatusOr<std::vector<std::string>> Pop(const internal::TypedOp<int64_t, internal::FetchedList*>& op,
                                               int64_t count) const {
    internal::FetchedList fetched;
    const internal::ErrorText* const error = Run(op, count, &fetched);
    return internal::TakenOut(error == nullptr, internal::StringsOf(error, fetched));
  }
  absl::StatusOr<bool> Insert(bool before, std::string_view pivot, std::string_view element) const {
    int64_t length = 0;
    const internal::ErrorText* const error = Run(internal::kListInsert, before, pivot, element, &length);
    return internal::ResultOf(error, length > 0);
  }
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline absl::StatusOr<int64_t> List::PushFront(std::string_view element) const {
  return Push(internal::kListPushFront, element);
}
inline absl::StatusOr<int64_t> List::PushBack(std::string_view element) const {
  return Push(internal::kListPushBack, element);
}
inline absl::StatusOr<int64_t> List::PushFront(Elements elements) const {
  return Push(internal::kListPushFrontSeveral, "LPUSH", elements);
}
inline absl::StatusOr<int64_t> List::PushBack(Elements elements) const {
  return Push(internal::kListPushBackSeveral, "RPUSH", elements);
}
inline absl::StatusOr<int64_t> List::PushFrontIfPresent(std::string_view element) const {
  return Push(internal::kListPushFrontIfPresent, element);
}
inline absl::StatusOr<int64_t> List::PushBackIfPresent(std::string_view element) const {
  return Push(internal::kListPushBackIfPresent, element);
}

inline absl::StatusOr<std::optional<std::string>> List::PopFront() const { return Pop(internal::kListPopFront); }
inline absl::StatusOr<std::optional<std::string>> List::PopBack() const { return Pop(internal::kListPopBack); }
inline absl::StatusOr<std::vector<std::string>> List::PopFront(int64_t count) const {
  return Pop(internal::kListPopFrontSeveral, count);
}
inline absl::StatusOr<std::vector<std::string>> List::PopBack(int64_t count) const {
  return Pop(internal::kListPopBackSeveral, count);
}
inline absl::StatusOr<std::optional<std::string>> List::MoveTo(std::string_view destination, End from, End to) const {
  internal::Fetched fetched;
  const internal::ErrorText* const error =
      Run(internal::kListMove, destination, from == End::kFront, to == End::kFront, &fetched);
  return internal::TakenOut(error == nullptr, internal::OptionalStringOf(error, fetched));
}

inline absl::StatusOr<int64_t> List::Size() const {
  int64_t size = 0;
  return internal::ResultOf(Run(internal::kListSize, &size), size);
}
inline absl::StatusOr<std::optional<std::string>> List::At(int64_t index) const {
  internal::Fetched fetched;
  return internal::OptionalStringOf(Run(internal::kListAt, index, &fetched), fetched);
}
inline absl::StatusOr<std::vector<std::string>> List::Range(int64_t first, int64_t last) const {
  internal::FetchedList fetched;
  return internal::StringsOf(Run(internal::kListRange, first, last, &fetched), fetched);
}
inline absl::StatusOr<std::optional<int64_t>> List::Find(std::string_view element, int64_t rank) const {
  internal::FetchedList fetched;
  const internal::ErrorText* const error = Run(internal::kListFind, element, rank, 1, &fetched);
  std::optional<int64_t> index;
  if (fetched.size() != 0) index = internal::FetchedNumber<int64_t>(fetched.view(0));
  return internal::ResultOf(error, index);
}
inline absl::StatusOr<std::vector<int64_t>> List::FindAll(std::string_view element, int64_t count) const {
  internal::FetchedList fetched;
  const internal::ErrorText* const error = Run(internal::kListFind, element, 1, count, &fetched);
  return internal::NumbersOf<int64_t>(error, fetched);
}

inline absl::Status List::Set(int64_t index, std::string_view element) const {
  return internal::StatusOf(Run(internal::kListSet, index, element));
}
inline absl::StatusOr<bool> List::InsertBefore(std::string_view pivot, std::string_view element) const {
  return Insert(true, pivot, element);
}
inline absl::StatusOr<bool> List::InsertAfter(std::string_view pivot, std::string_view element) const {
  return Insert(false, pivot, element);
}
inline absl::StatusOr<int64_t> List::Remove(std::string_view element, int64_t count) const {
  int64_t removed = 0;
  return internal::ResultOf(Run(internal::kListRemove, count, element, &removed), removed);
}
inline absl::Status List::Trim(int64_t first, int64_t last) const {
  return internal::StatusOf(Run(internal::kListTrim, first, last));
}

}  // namespace larder::inline v0

#endif  // LARDER_LIST_H_
