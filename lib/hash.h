// Hash: a handle on a hash, Redis's map from fields to values.
//
//   larder::Hash user(cache, "user:1");
//   absl::StatusOr<int64_t> set = user.Set({{"name", "Ada"}, {"city", "London"}});
//   absl::StatusOr<std::optional<std::string>> name = user.Get("name");
//   absl::StatusOr<int64_t> visits = user.Increment("visits");
//   for (const auto& [field, value] : user.Scan()) std::cout << field << '=' << value << '\n';
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key. There need be nothing at the key: a hash begins with its
// first field and ends with its last.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at the key.
// Costs: a call on one field is O(1) whatever the size of the hash; those that return all of it are not, and make others
// wait; Scan does not.
#ifndef LARDER_HASH_H_
#define LARDER_HASH_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/handle.h>
#include <larder/internal/hash_ops.h>

namespace larder::inline v0 {

class Hash : public internal::KeyHandle {
  using Pair = std::pair<std::string_view, std::string_view>;

 public:
  using Entry = std::pair<std::string, std::string>;

  Hash(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // HGET: the value of a field, or nullopt.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view field) const;
  // HMGET: the values of several, in their order.
  absl::StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const std::string_view> fields) const;
  absl::StatusOr<std::vector<std::optional<std::string>>> Get(std::initializer_list<std::string_view> fields) const {
    return Get(std::span(fields.begin(), fields.size()));
  }
  // HEXISTS, HSTRLEN (0 without the field), HLEN.
  absl::StatusOr<bool> Contains(std::string_view field) const;
  absl::StatusOr<int64_t> ValueSize(std::string_view field) const;
  absl::StatusOr<int64_t> Size() const;

  // HSET: whether the field is new; how many are. All of them are set, or none.
  absl::StatusOr<bool> Set(std::string_view field, std::string_view value) const;
  absl::StatusOr<int64_t> Set(std::span<const Pair> pairs) const;
  absl::StatusOr<int64_t> Set(std::initializer_list<Pair> pairs) const {
    return Set(std::span(pairs.begin(), pairs.size()));
  }
  // HSETNX: false if the field is there, and stays as it is.
  absl::StatusOr<bool> SetIfMissing(std::string_view field, std::string_view value) const;
  // HDEL: whether there was such a field; how many there were.
  absl::StatusOr<bool> Delete(std::string_view field) const;
  absl::StatusOr<int64_t> Delete(std::span<const std::string_view> fields) const;
  absl::StatusOr<int64_t> Delete(std::initializer_list<std::string_view> fields) const {
    return Delete(std::span(fields.begin(), fields.size()));
  }
  // HINCRBY, HINCRBYFLOAT: the new value. A missing field counts as 0. INVALID_ARGUMENT if the value is no number;
  // OUT_OF_RANGE if the sum cannot be held: the field stays as it was.
  absl::StatusOr<int64_t> Increment(std::string_view field, int64_t by = 1) const;
  absl::StatusOr<double> IncrementFloat(std::string_view field, double by) const;

  // HGETALL, HKEYS, HVALS.
  absl::StatusOr<std::vector<Entry>> Entries() const;
  absl::StatusOr<std::vector<std::string>> Fields() const;
  absl::StatusOr<std::vector<std::string>> Values() const;
  // HRANDFIELD WITHVALUES: up to `count` different ones, each of equal chance, in no order that means something.
  // OUT_OF_RANGE for a negative count.
  absl::StatusOr<std::vector<Entry>> Random(int64_t count) const;
  CollectionRange<Entry> Scan() const { return {target_, internal::kPinHash, key_}; }
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline absl::StatusOr<std::optional<std::string>> Hash::Get(std::string_view field) const {
  internal::Fetched fetched;
  return internal::OptionalStringOf(Run(internal::kHashGet, field, &fetched), fetched);
}
inline absl::StatusOr<std::vector<std::optional<std::string>>> Hash::Get(
    std::span<const std::string_view> fields) const {
  internal::FetchedList fetched;
  return internal::OptionalStringsOf(Run(internal::kHashGetSeveral, fields, &fetched), fetched);
}
inline absl::StatusOr<bool> Hash::Contains(std::string_view field) const {
  bool contains = false;
  return internal::ResultOf(Run(internal::kHashContains, field, &contains), contains);
}
inline absl::StatusOr<int64_t> Hash::ValueSize(std::string_view field) const {
  int64_t size = 0;
  return internal::ResultOf(Run(internal::kHashValueSize, field, &size), size);
}
inline absl::StatusOr<int64_t> Hash::Size() const {
  int64_t size = 0;
  return internal::ResultOf(Run(internal::kHashSize, &size), size);
}

inline absl::StatusOr<bool> Hash::Set(std::string_view field, std::string_view value) const {
  bool is_new = false;
  return internal::ResultOf(Run(internal::kHashSet, field, value, &is_new), is_new);
}
inline absl::StatusOr<int64_t> Hash::Set(std::span<const Pair> pairs) const {
  internal::Words words("HSET", key_);
  for (const auto& [field, value] : pairs) {
    words.Add(field);
    words.Add(value);
  }
  return RunWords(internal::kHashSetSeveral, words);
}
inline absl::StatusOr<bool> Hash::SetIfMissing(std::string_view field, std::string_view value) const {
  bool set = false;
  return internal::ResultOf(Run(internal::kHashSetIfMissing, field, value, &set), set);
}
inline absl::StatusOr<bool> Hash::Delete(std::string_view field) const {
  bool deleted = false;
  return internal::ResultOf(Run(internal::kHashDelete, field, &deleted), deleted);
}
inline absl::StatusOr<int64_t> Hash::Delete(std::span<const std::string_view> fields) const {
  internal::Words words("HDEL", key_);
  words.AddAll(fields);
  return RunWords(internal::kHashDeleteSeveral, words);
}
inline absl::StatusOr<int64_t> Hash::Increment(std::string_view field, int64_t by) const {
  int64_t value = 0;
  return internal::ResultOf(Run(internal::kHashIncrement, field, by, &value), value);
}
inline absl::StatusOr<double> Hash::IncrementFloat(std::string_view field, double by) const {
  double value = 0;
  return internal::ResultOf(Run(internal::kHashIncrementFloat, field, by, &value), value);
}

inline absl::StatusOr<std::vector<Hash::Entry>> Hash::Entries() const {
  internal::FetchedList fetched;
  return internal::PairsOf(Run(internal::kHashEntries, &fetched), fetched);
}
inline absl::StatusOr<std::vector<std::string>> Hash::Fields() const {
  internal::FetchedList fetched;
  return internal::StringsOf(Run(internal::kHashFields, &fetched), fetched);
}
inline absl::StatusOr<std::vector<std::string>> Hash::Values() const {
  internal::FetchedList fetched;
  return internal::StringsOf(Run(internal::kHashValues, &fetched), fetched);
}
inline absl::StatusOr<std::vector<Hash::Entry>> Hash::Random(int64_t count) const {
  internal::FetchedList fetched;
  return internal::PairsOf(Run(internal::kHashRandom, count, &fetched), fetched);
}

}  // namespace larder::inline v0

#endif  // LARDER_HASH_H_
