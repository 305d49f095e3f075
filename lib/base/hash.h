// HashBytes: the seeded 64-bit hash of keys and members.
//
// It is the construction of wyhash, final version 4 (Wang Yi, 2019-2022, released into the public domain under the
// Unlicense): words folded by 64x64->128 bit multiplication. Every output bit depends on every input bit, so the table
// may take its directory index from the top and its tags from anywhere.
//
// Attackers may choose keys, so no constant of the mixing is public: all four are secrets, made from the cache's seed.
// A product is 0 if one factor is, and folds to all ones if one factor is all ones, whatever the other is. Everybody
// knows wyhash's own constants. A word that equals one of them (or its complement) makes such a factor, and then
// neither the seed nor the word beside it counts, so any number of keys have one hash. With public constants two of the
// three lanes of long keys can be made equal as well, and vanish when they are joined by exclusive or. With secrets,
// each word is combined with one before it is multiplied, so any of this takes a guess of 64 bits.
//
// SipHash makes the secrets from the seed, so they tell nothing of each other, of the seed, or of the generators that
// are seeded from it (DeriveSeed). The hash is not a MAC: an attacker who sees hashes (a SCAN cursor shows 48 bits of
// one) may learn more than one who sees none.
//
// Rejected: SipHash of the keys (a GET would cost 50 instructions more); secrets that change with time (SCAN's cursors
// are hashes, and stay valid); a mix that keeps its factors beside the product (2 instructions more, and equal lanes
// still vanish).
//
// Keys of up to 16 bytes are hashed inline, with two multiplications.
//
// Hashes are for memory only: they may change between versions, and never go into a file or over a wire.
#ifndef LARDER_BASE_HASH_H_
#define LARDER_BASE_HASH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

// One of many 64-bit values made from a seed. Some of them tell nothing of the others (SipHash-2-4, Aumasson and
// Bernstein, 2012, in the public domain).
uint64_t DeriveSeed(uint64_t seed, uint64_t which);

// The uses of a seed, for DeriveSeed's `which`. The hash takes kHashSecrets and the next three.
enum SeedUse : uint64_t { kHashSecrets = 0, kKeyspacePicks = 16, kEvictionPicks = 17, kRunId = 18 };

// The hash's secrets, made once a cache.
class HashSeed {
 public:
  explicit HashSeed(uint64_t seed) {
    for (uint64_t i = 0; i < 4; ++i) secrets_[i] = DeriveSeed(seed, kHashSecrets + i);
  }
  uint64_t secret(int i) const { return secrets_[i]; }

 private:
  uint64_t secrets_[4];
};

namespace internal {

__extension__ using uint128 = unsigned __int128;

inline uint64_t Mix(uint64_t a, uint64_t b) {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t Load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

inline uint64_t Load4(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}

// 1 to 3 bytes.
inline uint64_t Load3(const char* p, size_t n) {
  const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(p[i])); };
  return byte(0) << 16 | byte(n >> 1) << 8 | byte(n - 1);
}

// `state` is secret too.
inline uint64_t Finish(uint64_t a, uint64_t b, uint64_t state, const HashSeed& seed, size_t n) {
  const uint128 product = static_cast<uint128>(a ^ seed.secret(0)) * (b ^ state);
  return Mix(static_cast<uint64_t>(product) ^ seed.secret(2) ^ n,
             static_cast<uint64_t>(product >> 64) ^ seed.secret(3));
}

}  // namespace internal

// For more than 16 bytes.
uint64_t HashLongBytes(Bytes bytes, const HashSeed& seed);

inline uint64_t HashBytes(Bytes bytes, const HashSeed& seed) {
  using internal::Load4;
  const char* p = bytes.data();
  const size_t n = bytes.size();
  if (n > 16) return HashLongBytes(bytes, seed);
  uint64_t a = 0;
  uint64_t b = 0;
  if (n >= 4) {
    const size_t step = (n >> 3) << 2;
    a = Load4(p) << 32 | Load4(p + step);
    b = Load4(p + n - 4) << 32 | Load4(p + n - 4 - step);
  } else if (n > 0) {
    a = internal::Load3(p, n);
  }
  return internal::Finish(a, b, seed.secret(1), seed, n);
}

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_HASH_H_
