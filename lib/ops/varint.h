// Numbers of 7 bits a byte, the lowest first.
#ifndef LARDER_OPS_VARINT_H_
#define LARDER_OPS_VARINT_H_

#include <cstddef>
#include <cstdint>

namespace larder::inline v0::ops {

inline constexpr size_t kVarintBytesMax = 10;

constexpr size_t VarintBytes(uint64_t n) {
  size_t bytes = 1;
  for (; n >= 128; n >>= 7) ++bytes;
  return bytes;
}

inline char* WriteVarint(char* to, uint64_t n) {
  for (; n >= 128; n >>= 7) *to++ = static_cast<char>(n | 128);
  *to++ = static_cast<char>(n);
  return to;
}

inline const char* ReadVarint(const char* from, uint64_t* n) {
  *n = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(*from++);
    *n |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return from;
  }
}

}  // namespace larder::inline v0::ops

#endif  // LARDER_OPS_VARINT_H_
