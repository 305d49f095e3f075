// Bitmap: a handle on a string whose bits are addressed one by one.
//
//   larder::Bitmap seen(cache, "seen:2026-12-02");
//   absl::StatusOr<bool> before = seen.Set(user_id);
//   absl::StatusOr<int64_t> users = seen.Count();
//
// Bit 0 is the highest of the first byte, as in Redis. Bits behind the end are 0; writing one makes the string longer.
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if no string is at the key;
// INVALID_ARGUMENT for an offset below 0 or beyond proto_max_bulk_len.
#ifndef LARDER_BITMAP_H_
#define LARDER_BITMAP_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>
#include <larder/internal/string_ops.h>

namespace larder::inline v0 {

class Bitmap : public internal::KeyHandle {
  using Words = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;

 public:
  Bitmap(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // GETBIT; SETBIT: the bit that was there before.
  absl::StatusOr<bool> Get(int64_t offset) const {
    bool bit = false;
    return internal::ResultOf(Run(internal::kBitGet, offset, &bit), bit);
  }
  absl::StatusOr<bool> Set(int64_t offset, bool bit = true) const {
    bool before = false;
    return internal::ResultOf(Run(internal::kBitSet, offset, bit, &before), before);
  }
  // BITCOUNT: how many bits are set; of those from bit `first` to bit `last` (BIT; not bytes), both included, from the
  // end if negative.
  absl::StatusOr<int64_t> Count() const { return Count(0, -1); }
  absl::StatusOr<int64_t> Count(int64_t first, int64_t last) const {
    int64_t count = 0;
    return internal::ResultOf(Run(internal::kBitCount, first, last, &count), count);
  }
  // BITPOS: where the first such bit is, from `first` on. nullopt if there is no 1; there is always a 0, if only behind
  // the end. INVALID_ARGUMENT if `first` is negative.
  absl::StatusOr<std::optional<int64_t>> Find(bool bit, int64_t first = 0) const {
    std::optional<int64_t> position;
    return internal::ResultOf(Run(internal::kBitFind, bit, first, &position), position);
  }
  // BITOP: this key becomes the strings at `sources`, combined bit by bit; its size in bytes. INVALID_ARGUMENT without
  // sources.
  absl::StatusOr<int64_t> StoreAnd(Words sources) const { return Store("AND", sources); }
  absl::StatusOr<int64_t> StoreAnd(Listed sources) const { return StoreAnd(Words(sources)); }
  absl::StatusOr<int64_t> StoreOr(Words sources) const { return Store("OR", sources); }
  absl::StatusOr<int64_t> StoreOr(Listed sources) const { return StoreOr(Words(sources)); }
  absl::StatusOr<int64_t> StoreXor(Words sources) const { return Store("XOR", sources); }
  absl::StatusOr<int64_t> StoreXor(Listed sources) const { return StoreXor(Words(sources)); }
  absl::StatusOr<int64_t> StoreNot(std::string_view source) const { return Store("NOT", Words(&source, 1)); }

 private:
  absl::StatusOr<int64_t> Store(std::string_view operation, Words sources) const {
    internal::Words words("BITOP", operation);
    words.Add(key_);
    words.AddAll(sources);
    return internal::IntegerOf(internal::Execute(target_, words));
  }
};

}  // namespace larder::inline v0

#endif  // LARDER_BITMAP_H_
