// The sizes of an arena's blocks.
//
//     up to  128 bytes   every 8                   8, 16, 24 ... 128
//     up to 1024         8 steps a doubling        144, 160 ... 256, 288 ... 512, 576 ... 1024
//     up to 16 KB        what divides a run well   64 KB / k for falling k, in lines of 64 bytes: 1152 ... 13056, 16384
//     above              whole pages of 4 KB, from the source
//
// Most entries are small and of few sizes, so the small classes are close together: 88 bytes is a class. Above 1 KB a
// class that is not near a divisor of the run would lose the run's tail (19 blocks of 3328 bytes leave 2304). These
// classes lose at most 1088 bytes of 65536.
//
// Every class of 512 bytes or more is a multiple of 64, and blocks of a class that is a multiple of 64 are aligned to
// 64.
#ifndef LARDER_MEMORY_SIZE_CLASSES_H_
#define LARDER_MEMORY_SIZE_CLASSES_H_

#include <cstddef>
#include <cstdint>

namespace larder::inline v0::memory {

inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kRunBytes = size_t{64} << 10;
inline constexpr size_t kSmallMax = size_t{16} << 10;  // above: whole pages

struct SizeClasses {
  static constexpr size_t kStepsMax = 1024;
  static constexpr size_t kMax = 96;

  size_t count = 0;
  uint16_t bytes[kMax] = {};
  uint8_t of_words[kStepsMax / 8 + 1] = {};   // by size in words of 8, rounded up
  uint8_t of_lines[kSmallMax / 64 + 1] = {};  // by size in lines of 64, rounded up

  constexpr SizeClasses() {
    for (size_t size = 8; size <= 128; size += 8) Add(size);
    for (size_t base = 128; base < kStepsMax; base *= 2) {
      for (size_t i = 1; i <= 8; ++i) Add(base + i * base / 8);
    }
    constexpr size_t kDivisors[] = {56, 50, 46, 42, 39, 36, 34, 32, 30, 28, 26, 24, 23, 21, 20, 19, 18,
                                    17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4};
    for (size_t k : kDivisors) Add(kRunBytes / k / 64 * 64);
    for (size_t i = 0, c = 0; i <= kStepsMax / 8; ++i) {
      while (bytes[c] < i * 8) ++c;
      of_words[i] = static_cast<uint8_t>(c);
    }
    for (size_t i = 0, c = 0; i <= kSmallMax / 64; ++i) {
      while (bytes[c] < i * 64) ++c;
      of_lines[i] = static_cast<uint8_t>(c);
    }
  }

 private:
  constexpr void Add(size_t size) { bytes[count++] = static_cast<uint16_t>(size); }
};

inline constexpr SizeClasses kSizeClasses;
inline constexpr size_t kSizeClassCount = kSizeClasses.count;

// REQUIRES: size <= kSmallMax.
constexpr size_t SizeClassOf(size_t size) {
  return size <= SizeClasses::kStepsMax ? kSizeClasses.of_words[(size + 7) / 8]
                                        : kSizeClasses.of_lines[(size + 63) / 64];
}

// The room of a block for `size` bytes, which is also counted for it. SIZE_MAX if there is no such block.
constexpr size_t RoundUpToClass(size_t size) {
  if (size <= 128) return size == 0 ? 8 : (size + 7) & ~size_t{7};
  if (size <= SizeClasses::kStepsMax) {
    const int shift = 63 - __builtin_clzll(size - 1) - 3;  // eighths of the power of two below
    return (((size - 1) >> shift) + 1) << shift;
  }
  if (size <= kSmallMax) return kSizeClasses.bytes[kSizeClasses.of_lines[(size + 63) / 64]];
  return size > SIZE_MAX / 2 ? SIZE_MAX : (size + kPageBytes - 1) & ~(kPageBytes - 1);
}

static_assert(kSizeClasses.count == 16 + 24 + 31 && kSizeClasses.bytes[kSizeClasses.count - 1] == kSmallMax);
static_assert(RoundUpToClass(0) == 8 && RoundUpToClass(87) == 88 && RoundUpToClass(88) == 88);
static_assert(RoundUpToClass(129) == 144 && RoundUpToClass(257) == 288 && RoundUpToClass(1024) == 1024);
static_assert(RoundUpToClass(1025) == 1152 && RoundUpToClass(4097) == 4352 && RoundUpToClass(16384) == 16384);
static_assert(RoundUpToClass(16385) == 20480);

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_SIZE_CLASSES_H_
