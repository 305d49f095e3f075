// Expiry codes: a point in time in 24 bits, for the metadata of a bucket.
//
//   code   23       19 18              0
//         │ exponent  │ mantissa        │  + 1;  0: none
//
// A code is a time after the *base* of its segment, rounded up: to the millisecond for 17 minutes, to 2 parts in a
// million beyond. Codes of one base compare as integers. The code of an element that expires in a day may be 0.1
// seconds late, never early: an element found by its code is due.
//
// Bases are multiples of 2^20 ms, and the steps of a code's time are powers of two. So the steps of a farther base are
// multiples of a nearer base's. When a time is coded for one base after another, the errors do not add up: the coarsest
// counts. (Beyond 34 years the steps are longer than 2^20 ms, and errors do add up.)
#ifndef LARDER_DS_EXPIRY_CODE_H_
#define LARDER_DS_EXPIRY_CODE_H_

#include <cstdint>

#include "lib/base/check.h"

namespace larder::inline v0::ds {

inline constexpr int kCodeMantissaBits = 19;
inline constexpr uint32_t kCodeMax = (uint32_t{1} << 24) - 1;
inline constexpr int kBaseShift = 20;
inline constexpr uint64_t kBaseStepMs = uint64_t{1} << kBaseShift;

namespace internal {
constexpr int CodeShift(uint64_t ms) {
  const int bits = ms == 0 ? 0 : 64 - __builtin_clzll(ms);
  return bits > kCodeMantissaBits + 1 ? bits - (kCodeMantissaBits + 1) : 0;
}
constexpr uint32_t CodeOfParts(int shift, uint64_t mantissa) {
  // A mantissa that was rounded up to the next power of two carries into the exponent, as it should.
  const uint64_t code = (static_cast<uint64_t>(shift) << kCodeMantissaBits) + mantissa + 1;
  return code < kCodeMax ? static_cast<uint32_t>(code) : kCodeMax;
}
}  // namespace internal

// The least code that stands for `ms` after the base or later. A time more than 2^50 ms away gets the last code.
constexpr uint32_t CodeUp(int64_t ms) {
  if (ms <= 0) return 1;
  const auto after = static_cast<uint64_t>(ms);
  const int shift = internal::CodeShift(after);
  return internal::CodeOfParts(shift, (after + (uint64_t{1} << shift) - 1) >> shift);
}

// The greatest code that stands for `ms` after the base or sooner; 0 if there is none.
constexpr uint32_t CodeDown(int64_t ms) {
  if (ms < 0) return 0;
  const auto after = static_cast<uint64_t>(ms);
  const int shift = internal::CodeShift(after);
  return internal::CodeOfParts(shift, after >> shift);
}

// The time of a code, in ms after the base. REQUIRES: code != 0.
constexpr int64_t MsOfCode(uint32_t code) {
  LARDER_DCHECK(code != 0 && code <= kCodeMax);
  const uint32_t raw = code - 1;
  if (raw >> (kCodeMantissaBits + 1) == 0) return raw;
  const int shift = static_cast<int>(raw >> kCodeMantissaBits) - 1;
  const int64_t mantissa = (raw & ((1u << kCodeMantissaBits) - 1)) | 1u << kCodeMantissaBits;
  return mantissa << shift;
}

static_assert(MsOfCode(CodeUp(0)) == 0 && MsOfCode(CodeUp((1 << 20) - 1)) == (1 << 20) - 1);
static_assert(MsOfCode(CodeUp((1 << 20) + 1)) == (1 << 20) + 2 && MsOfCode(CodeDown((1 << 20) + 1)) == 1 << 20);
static_assert(CodeUp(INT64_MAX) == kCodeMax && MsOfCode(kCodeMax) < int64_t{1} << 50);

// The code in a bucket's metadata: lib/ds/bucket.h.
inline constexpr int kCodeAt = 32;
constexpr uint32_t CodeIn(uint64_t metadata) { return static_cast<uint32_t>(metadata >> kCodeAt) & kCodeMax; }
constexpr uint64_t WithCode(uint64_t metadata, uint32_t code) {
  LARDER_DCHECK(code <= kCodeMax);
  return (metadata & ~(static_cast<uint64_t>(kCodeMax) << kCodeAt)) | static_cast<uint64_t>(code) << kCodeAt;
}

// 0 (none) is later than all others.
constexpr bool IsEarlier(uint32_t a, uint32_t b) { return a - 1 < b - 1; }
constexpr uint32_t EarlierCode(uint32_t a, uint32_t b) { return IsEarlier(a, b) ? a : b; }
static_assert(EarlierCode(0, 7) == 7 && EarlierCode(7, 0) == 7 && EarlierCode(0, 0) == 0 && EarlierCode(5, 7) == 5);

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_EXPIRY_CODE_H_
