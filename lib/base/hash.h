// HashBytes: the seeded 64-bit hash of keys and members.
//
// The construction of wyhash, final version 4 (Wang Yi, 2019-2022, released into the public domain under the
// Unlicense): words folded by 64x64->128 bit multiplication. Every output bit depends on every input bit, so the table
// may take its directory index from the top and its tags from anywhere. The seed comes from Options and makes
// collisions unpredictable to clients; it is not a MAC.
//
// Keys of up to 16 bytes are hashed inline: three multiplications, of which the seed's is done once a table.
//
// The value is for memory only: it may change between versions and never goes into a file or over a wire.
#ifndef LARDER_BASE_HASH_H_
#define LARDER_BASE_HASH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

namespace internal {

__extension__ using uint128 = unsigned __int128;

// wyhash's default secret: odd, 32 bits set each, pairwise 32 bits apart.
inline constexpr uint64_t kSecret[4] = {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u,
                                        0x4d5a2da51de1aa47u};

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

inline uint64_t Finish(uint64_t a, uint64_t b, uint64_t seed, size_t n) {
  const uint128 product = static_cast<uint128>(a ^ kSecret[1]) * (b ^ seed);
  return Mix(static_cast<uint64_t>(product) ^ kSecret[0] ^ n, static_cast<uint64_t>(product >> 64) ^ kSecret[1]);
}

}  // namespace internal

// A seed as the hash wants it, made once.
class HashSeed {
 public:
  constexpr HashSeed() = default;
  explicit HashSeed(uint64_t seed)
      : mixed_(seed ^ internal::Mix(seed ^ internal::kSecret[0], internal::kSecret[1])) {}
  uint64_t mixed() const { return mixed_; }

 private:
  uint64_t mixed_ = 0;
};

// Of more than 16 bytes.
uint64_t HashLongBytes(Bytes bytes, HashSeed seed);

inline uint64_t HashBytes(Bytes bytes, HashSeed seed) {
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
  return internal::Finish(a, b, seed.mixed(), n);
}

inline uint64_t HashBytes(Bytes bytes, uint64_t seed) { return HashBytes(bytes, HashSeed(seed)); }

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_HASH_H_
