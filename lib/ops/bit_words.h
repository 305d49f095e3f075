// Bits of byte strings, many at a time: counting, finding, combining. Bit 0 is the highest of the first byte, as in
// SETBIT.
//
// Nothing here needs more than the processor that the compiler was told of: counting adds 16-byte vectors bit by bit
// (carry-save adders, after Harley and Seal) and so takes a population count only once every 256 bytes.
#ifndef LARDER_OPS_BIT_WORDS_H_
#define LARDER_OPS_BIT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"

namespace larder::inline v0::ops::bits {

// How many bits are set.
uint64_t CountOnes(Bytes text);
// The same from bit `first` to bit `last`, both included. REQUIRES: first <= last < text.size() * 8.
uint64_t CountOnes(Bytes text, uint64_t first, uint64_t last);

// The first bit from `first` to `last` that is `bit`. REQUIRES: first <= last < text.size() * 8.
std::optional<uint64_t> FindBit(Bytes text, bool bit, uint64_t first, uint64_t last);

enum class Operation : uint8_t { kAnd, kOr, kXor, kNot };

// Combines what is at `to` with `from`, byte by byte. `operation` is kAnd, kOr or kXor. The ranges may not overlap.
void CombineInto(char* to, Operation operation, Bytes from);
// Writes the complement of `from` to `to`. The same holds.
void InvertInto(char* to, Bytes from);

// The `width` bits from `offset` on as a number whose highest bit comes first; those behind the end are 0.
// REQUIRES: 1 <= width <= 64.
uint64_t LoadBits(Bytes text, uint64_t offset, unsigned width);
// Writes the lowest `width` bits of `value` there. REQUIRES: they are within what `bytes` points to.
void StoreBits(char* bytes, uint64_t offset, unsigned width, uint64_t value);

}  // namespace larder::inline v0::ops::bits

#endif  // LARDER_OPS_BIT_WORDS_H_
