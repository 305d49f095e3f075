// Set: a handle on a set, Redis's collection of different strings.
//
//   larder::Set online(cache, "online");
//   absl::StatusOr<bool> is_new = online.Add("ada");
//   absl::StatusOr<bool> there = online.Contains("ada");
//   absl::StatusOr<std::vector<std::string>> both = online.Intersection({"friends:bob"});
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key. There need be nothing at the key: a set begins with its
// first member and ends with its last.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at a key.
// Costs: a call on one member is O(1) whatever the size of the set. Members returns all of it and makes others wait; Scan
// does not.
#ifndef LARDER_SET_H_
#define LARDER_SET_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>
#include <larder/internal/set_ops.h>

namespace larder::inline v0 {

class Set : public internal::KeyHandle {
  using Words = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;

 public:
  Set(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // SADD: whether the member is new; how many are. All are added, or none.
  absl::StatusOr<bool> Add(std::string_view member) const;
  absl::StatusOr<int64_t> Add(Words members) const;
  absl::StatusOr<int64_t> Add(Listed members) const { return Add(Words(members)); }
  // SREM: whether it was there; how many were.
  absl::StatusOr<bool> Remove(std::string_view member) const;
  absl::StatusOr<int64_t> Remove(Words members) const;
  absl::StatusOr<int64_t> Remove(Listed members) const { return Remove(Words(members)); }
  // SISMEMBER, SMISMEMBER (one answer for each, in their order), SCARD.
  absl::StatusOr<bool> Contains(std::string_view member) const;
  absl::StatusOr<std::vector<bool>> Contains(Words members) const;
  absl::StatusOr<std::vector<bool>> Contains(Listed members) const { return Contains(Words(members)); }
  absl::StatusOr<int64_t> Size() const;
  // SMEMBERS.
  absl::StatusOr<std::vector<std::string>> Members() const;
  // SPOP: takes out a member, or up to `count`, each of equal chance. nullopt if there is none. OUT_OF_RANGE for a
  // negative count; DATA_LOSS if they were taken out, and there is no memory to return them.
  absl::StatusOr<std::optional<std::string>> Pop() const;
  absl::StatusOr<std::vector<std::string>> Pop(int64_t count) const;
  // SRANDMEMBER: up to `count` different members, each of equal chance, which stay. OUT_OF_RANGE for a negative count.
  absl::StatusOr<std::vector<std::string>> Random(int64_t count) const;
  // SMOVE: moves a member to another set of the same database. False if it is not here.
  absl::StatusOr<bool> MoveTo(std::string_view destination, std::string_view member) const;

  // SUNION, SINTER, SDIFF of this set and those at other keys of the same database; how many members SINTER would return
  // (SINTERCARD), at most `limit` if that is not 0.
  absl::StatusOr<std::vector<std::string>> Union(Words others) const;
  absl::StatusOr<std::vector<std::string>> Union(Listed others) const { return Union(Words(others)); }
  absl::StatusOr<std::vector<std::string>> Intersection(Words others) const;
  absl::StatusOr<std::vector<std::string>> Intersection(Listed others) const { return Intersection(Words(others)); }
  absl::StatusOr<std::vector<std::string>> Difference(Words others) const;
  absl::StatusOr<std::vector<std::string>> Difference(Listed others) const { return Difference(Words(others)); }
  absl::StatusOr<int64_t> IntersectionSize(Words others, int64_t limit = 0) const;
  absl::StatusOr<int64_t> IntersectionSize(Listed others, int64_t limit = 0) const {
    return IntersectionSize(Words(others), limit);
  }
  // SUNIONSTORE, SINTERSTORE, SDIFFSTORE: this key becomes that of the sets at `sources`, whatever it was; its size.
  // INVALID_ARGUMENT without sources.
  absl::StatusOr<int64_t> StoreUnion(Words sources) const { return Store("SUNIONSTORE", sources); }
  absl::StatusOr<int64_t> StoreUnion(Listed sources) const { return StoreUnion(Words(sources)); }
  absl::StatusOr<int64_t> StoreIntersection(Words sources) const { return Store("SINTERSTORE", sources); }
  absl::StatusOr<int64_t> StoreIntersection(Listed sources) const { return StoreIntersection(Words(sources)); }
  absl::StatusOr<int64_t> StoreDifference(Words sources) const { return Store("SDIFFSTORE", sources); }
  absl::StatusOr<int64_t> StoreDifference(Listed sources) const { return StoreDifference(Words(sources)); }

  CollectionRange<std::string> Scan() const { return {target_, internal::kPinSet, key_}; }

 private:
  absl::StatusOr<std::vector<std::string>> Combined(std::string_view name, Words others) const {
    internal::Words words(name, key_);
    words.AddAll(others);
    return internal::StringsOf(internal::Execute(target_, words));
  }
  absl::StatusOr<int64_t> Store(std::string_view name, Words sources) const {
    internal::Words words(name, key_);
    words.AddAll(sources);
    return internal::IntegerOf(internal::Execute(target_, words));
  }
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline absl::StatusOr<bool> Set::Add(std::string_view member) const {
  bool is_new = false;
  return internal::ResultOf(Run(internal::kSetAdd, member, &is_new), is_new);
}
inline absl::StatusOr<int64_t> Set::Add(Words members) const {
  internal::Words words("SADD", key_);
  words.AddAll(members);
  return RunWords(internal::kSetAddSeveral, words);
}
inline absl::StatusOr<bool> Set::Remove(std::string_view member) const {
  bool removed = false;
  return internal::ResultOf(Run(internal::kSetRemove, member, &removed), removed);
}
inline absl::StatusOr<int64_t> Set::Remove(Words members) const {
  internal::Words words("SREM", key_);
  words.AddAll(members);
  return RunWords(internal::kSetRemoveSeveral, words);
}
inline absl::StatusOr<bool> Set::Contains(std::string_view member) const {
  bool contains = false;
  return internal::ResultOf(Run(internal::kSetContains, member, &contains), contains);
}
inline absl::StatusOr<std::vector<bool>> Set::Contains(Words members) const {
  internal::FetchedList fetched;
  const internal::ErrorText* const error = Run(internal::kSetContainsSeveral, members, &fetched);
  if (error != nullptr) return internal::StatusOf(*error);
  std::vector<bool> result;
  absl::Status filled = internal::FillResult([&] {
    for (size_t i = 0; i < fetched.size(); ++i) result.push_back(fetched.found(i));
  });
  if (!filled.ok()) return filled;
  return result;
}
inline absl::StatusOr<int64_t> Set::Size() const {
  int64_t size = 0;
  return internal::ResultOf(Run(internal::kSetSize, &size), size);
}
inline absl::StatusOr<std::vector<std::string>> Set::Members() const {
  internal::FetchedList fetched;
  return internal::StringsOf(Run(internal::kSetMembers, &fetched), fetched);
}
inline absl::StatusOr<std::optional<std::string>> Set::Pop() const {
  internal::Fetched fetched;
  const internal::ErrorText* const error = Run(internal::kSetPop, &fetched);
  return internal::TakenOut(error == nullptr, internal::OptionalStringOf(error, fetched));
}
inline absl::StatusOr<std::vector<std::string>> Set::Pop(int64_t count) const {
  internal::FetchedList fetched;
  const internal::ErrorText* const error = Run(internal::kSetPopSeveral, count, &fetched);
  return internal::TakenOut(error == nullptr, internal::StringsOf(error, fetched));
}
inline absl::StatusOr<std::vector<std::string>> Set::Random(int64_t count) const {
  internal::FetchedList fetched;
  return internal::StringsOf(Run(internal::kSetRandom, count, &fetched), fetched);
}
inline absl::StatusOr<bool> Set::MoveTo(std::string_view destination, std::string_view member) const {
  bool moved = false;
  return internal::ResultOf(Run(internal::kSetMove, destination, member, &moved), moved);
}

inline absl::StatusOr<std::vector<std::string>> Set::Union(Words others) const { return Combined("SUNION", others); }
inline absl::StatusOr<std::vector<std::string>> Set::Intersection(Words others) const {
  return Combined("SINTER", others);
}
inline absl::StatusOr<std::vector<std::string>> Set::Difference(Words others) const {
  return Combined("SDIFF", others);
}
inline absl::StatusOr<int64_t> Set::IntersectionSize(Words others, int64_t limit) const {
  const internal::Digits count(static_cast<int64_t>(others.size() + 1));
  const internal::Digits most(limit);
  internal::Words words("SINTERCARD", count.view());
  words.Add(key_);
  words.AddAll(others);
  words.Add("LIMIT");
  words.Add(most.view());
  return internal::IntegerOf(internal::Execute(target_, words));
}

}  // namespace larder::inline v0

#endif  // LARDER_SET_H_
