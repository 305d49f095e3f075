#include "lib/base/hash.h"

#include <cstddef>
#include <cstring>

namespace larder::inline v0::base {
namespace {

__extension__ using uint128 = unsigned __int128;

// wyhash's default secret: odd, 32 bits set each, pairwise 32 bits apart.
constexpr uint64_t kSecret[4] = {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u, 0x4d5a2da51de1aa47u};

uint64_t Mix(uint64_t a, uint64_t b) {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t Load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

uint64_t Load4(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}

// 1 to 3 bytes.
uint64_t Load3(const char* p, size_t n) {
  const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(p[i])); };
  return byte(0) << 16 | byte(n >> 1) << 8 | byte(n - 1);
}

}  // namespace

uint64_t HashBytes(Bytes bytes, uint64_t seed) {
  const char* p = bytes.data();
  const size_t n = bytes.size();
  seed ^= Mix(seed ^ kSecret[0], kSecret[1]);
  uint64_t a = 0;
  uint64_t b = 0;
  if (n <= 16) {
    if (n >= 4) {
      const size_t step = (n >> 3) << 2;
      a = Load4(p) << 32 | Load4(p + step);
      b = Load4(p + n - 4) << 32 | Load4(p + n - 4 - step);
    } else if (n > 0) {
      a = Load3(p, n);
    }
  } else {
    size_t left = n;
    if (left >= 48) {
      uint64_t second = seed;
      uint64_t third = seed;
      do {
        seed = Mix(Load8(p) ^ kSecret[1], Load8(p + 8) ^ seed);
        second = Mix(Load8(p + 16) ^ kSecret[2], Load8(p + 24) ^ second);
        third = Mix(Load8(p + 32) ^ kSecret[3], Load8(p + 40) ^ third);
        p += 48;
        left -= 48;
      } while (left >= 48);
      seed ^= second ^ third;
    }
    while (left > 16) {
      seed = Mix(Load8(p) ^ kSecret[1], Load8(p + 8) ^ seed);
      p += 16;
      left -= 16;
    }
    a = Load8(p + left - 16);  // may reach back into what was taken already
    b = Load8(p + left - 8);
  }
  const uint128 product = static_cast<uint128>(a ^ kSecret[1]) * (b ^ seed);
  return Mix(static_cast<uint64_t>(product) ^ kSecret[0] ^ n, static_cast<uint64_t>(product >> 64) ^ kSecret[1]);
}

}  // namespace larder::inline v0::base
