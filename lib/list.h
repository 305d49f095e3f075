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
//
// Waiting. A Blocking call takes what is there, or waits until another call brings something:
//
//   std::stop_source stop;
//   std::thread worker([&cache, token = stop.get_token()] {
//     for (;;) {
//       auto job = larder::BlockingPopFront(cache, {"urgent", "jobs"}, absl::InfiniteDuration(), token);
//       if (!job.ok()) return;  // CANCELLED: stopped, or the cache is closed
//       if (job->has_value()) std::cout << (*job)->key << ": " << (*job)->element << '\n';
//     }
//   });
//
// Order: who has waited longest for a key is served first, after the whole call, EXEC or Atomically that brought
// something. Of several keys, the first that has something is taken from.
// Time: `timeout` is by the cache's clock, kept to 1 ms. When it is over, the result is nullopt. With none (0 or less),
// and inside Atomically, nothing is waited for: what is missing is nullopt at once.
// Stop: a stop request ends the wait with CANCELLED. Who requests it waits for nothing, and may do it anywhere, also
// inside Atomically. A call whose stop was requested before does nothing, and is CANCELLED.
// Nothing is lost: what was taken out for a call is returned by that call, also if its time was over, or its stop
// requested, before its thread woke. An error other than DATA_LOSS means that nothing was taken out.
// Errors: as every call; CANCELLED also when the cache is closed; ABORTED by CLIENT UNBLOCK with ERROR; DATA_LOSS if
// something was taken out, and there is no memory to return it.
// A call that waits holds up nobody. But a callback that waits holds up those that come after it.
#ifndef LARDER_LIST_H_
#define LARDER_LIST_H_

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/handle.h>
#include <larder/internal/list_ops.h>
#include <larder/internal/waiting.h>

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

  // BLPOP, BRPOP, BLMOVE: the same, and if there is none, waits for one: see above.
  using Popped = absl::StatusOr<std::optional<std::string>>;
  Popped BlockingPopFront(absl::Duration timeout, const std::stop_token& stop = {}) const;
  Popped BlockingPopBack(absl::Duration timeout, const std::stop_token& stop = {}) const;
  Popped BlockingMoveTo(std::string_view destination, End from, End to, absl::Duration timeout,
                        const std::stop_token& stop = {}) const;

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

// What was taken out of one of several lists.
struct PoppedElement {
  std::string key;  // the list's
  std::string element;

  friend bool operator==(const PoppedElement&, const PoppedElement&) = default;
};
struct PoppedElements {
  std::string key;
  std::vector<std::string> elements;  // in the order in which they went

  friend bool operator==(const PoppedElements&, const PoppedElements&) = default;
};

// BLPOP, BRPOP: an element of the first of these lists that has one. INVALID_ARGUMENT without keys.
absl::StatusOr<std::optional<PoppedElement>> BlockingPopFront(const Database& database, KeyList keys,
                                                              absl::Duration timeout, const std::stop_token& stop = {});
absl::StatusOr<std::optional<PoppedElement>> BlockingPopBack(const Database& database, KeyList keys,
                                                             absl::Duration timeout, const std::stop_token& stop = {});
// BLMPOP: up to `count` elements of the first that has any. INVALID_ARGUMENT also for a count below 1.
absl::StatusOr<std::optional<PoppedElements>> BlockingPopFront(const Database& database, KeyList keys, int64_t count,
                                                               absl::Duration timeout,
                                                               const std::stop_token& stop = {});
absl::StatusOr<std::optional<PoppedElements>> BlockingPopBack(const Database& database, KeyList keys, int64_t count,
                                                              absl::Duration timeout, const std::stop_token& stop = {});

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

namespace internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// The second part of [key, element].
inline absl::StatusOr<std::optional<std::string>> PoppedString(const absl::StatusOr<Reply>& reply, bool with_key) {
  return TakenOutOf<std::string>(reply, [with_key](const Reply& popped) {
    return std::string(with_key ? popped[1].string_view() : popped.string_view());
  });
}
inline absl::StatusOr<std::optional<PoppedElement>> BlockingPop(std::string_view name, const Database& database,
                                                                KeyList keys, absl::Duration timeout,
                                                                const std::stop_token& stop) {
  const absl::StatusOr<Reply> reply = ExecuteWaitingFor(name, TargetOf(database), keys, timeout, stop);
  return TakenOutOf<PoppedElement>(reply, [](const Reply& popped) {
    return PoppedElement{std::string(popped[0].string_view()), std::string(popped[1].string_view())};
  });
}
inline absl::StatusOr<std::optional<PoppedElements>> BlockingPop(std::string_view end, const Database& database,
                                                                 KeyList keys, int64_t count, absl::Duration timeout,
                                                                 const std::stop_token& stop) {
  const absl::StatusOr<Reply> reply = ExecuteWaitingFor("BLMPOP", end, TargetOf(database), keys, count, timeout, stop);
  return TakenOutOf<PoppedElements>(reply, [](const Reply& popped) {
    PoppedElements result{std::string(popped[0].string_view()), {}};
    result.elements.reserve(popped[1].size());
    for (const ReplyView element : popped[1]) result.elements.emplace_back(element.string_view());
    return result;
  });
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal

inline List::Popped List::BlockingPopFront(absl::Duration timeout, const std::stop_token& stop) const {
  const std::string_view key = key_;
  return internal::PoppedString(
      internal::ExecuteWaitingFor("BLPOP", target_, KeyList(&key, 1), timeout, stop), true);
}
inline List::Popped List::BlockingPopBack(absl::Duration timeout, const std::stop_token& stop) const {
  const std::string_view key = key_;
  return internal::PoppedString(
      internal::ExecuteWaitingFor("BRPOP", target_, KeyList(&key, 1), timeout, stop), true);
}
inline List::Popped List::BlockingMoveTo(std::string_view destination, End from, End to, absl::Duration timeout,
                                         const std::stop_token& stop) const {
  const internal::WaitLimit limit(timeout, internal::WaitLimit::Unit::kSeconds);
  internal::Words words("BLMOVE", key_);
  words.Add(destination);
  words.Add(from == End::kFront ? "LEFT" : "RIGHT");
  words.Add(to == End::kFront ? "LEFT" : "RIGHT");
  words.Add(limit.view());
  return internal::PoppedString(internal::ExecuteStoppable(target_, words, limit, stop), false);
}

inline absl::StatusOr<std::optional<PoppedElement>> BlockingPopFront(const Database& database, KeyList keys,
                                                                     absl::Duration timeout,
                                                                     const std::stop_token& stop) {
  return internal::BlockingPop("BLPOP", database, keys, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedElement>> BlockingPopBack(const Database& database, KeyList keys,
                                                                    absl::Duration timeout,
                                                                    const std::stop_token& stop) {
  return internal::BlockingPop("BRPOP", database, keys, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedElements>> BlockingPopFront(const Database& database, KeyList keys,
                                                                      int64_t count, absl::Duration timeout,
                                                                      const std::stop_token& stop) {
  return internal::BlockingPop("LEFT", database, keys, count, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedElements>> BlockingPopBack(const Database& database, KeyList keys,
                                                                     int64_t count, absl::Duration timeout,
                                                                     const std::stop_token& stop) {
  return internal::BlockingPop("RIGHT", database, keys, count, timeout, stop);
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
