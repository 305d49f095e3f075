#include "lib/ops/bit_words.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lib/base/check.h"

namespace larder::inline v0::ops::bits {
namespace {

// A register of any processor with vectors; compilers make two words of it elsewhere.
using Vector = uint64_t __attribute__((vector_size(16)));
static_assert(sizeof(Vector) == 16);

Vector LoadVector(const char* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof(vector));
  return vector;
}

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

Vector All(uint64_t word) { return Vector{word, word}; }

// ---- Counting -------------------------------------------------------------------------------------------------------

// The sums of the bits of each half.
Vector OnesOf(Vector v) {
  v = v - ((v >> 1) & All(0x5555555555555555));
  v = (v & All(0x3333333333333333)) + ((v >> 2) & All(0x3333333333333333));
  v = (v + (v >> 4)) & All(0x0f0f0f0f0f0f0f0f);
  v = v + (v >> 8);
  v = v + (v >> 16);
  v = v + (v >> 32);
  return v & All(0x7f);
}

uint64_t Sum(Vector v) { return v[0] + v[1]; }

uint64_t OnesOf(uint64_t word) { return OnesOf(Vector{word, 0})[0]; }

// Adds a and b to the bits that `low` counts; `high` has what is carried.
void AddWithCarry(Vector a, Vector b, Vector* low, Vector* high) {
  const Vector either = *low ^ a;
  *high = (*low & a) | (either & b);
  *low = either ^ b;
}

// Bit by bit, how many of the vectors seen so far have it: `ones` + 2 * `twos` + 4 * `fours` + 8 * `eights`, and what
// Add returns, 16.
struct BitSums {
  Vector ones = {}, twos = {}, fours = {}, eights = {};

  // Four vectors; returns what is carried beyond `fours`... as a bit of 4.
  Vector AddFour(const char* from) {
    Vector twos_a, twos_b, carried;
    AddWithCarry(LoadVector(from), LoadVector(from + 16), &ones, &twos_a);
    AddWithCarry(LoadVector(from + 32), LoadVector(from + 48), &ones, &twos_b);
    AddWithCarry(twos_a, twos_b, &twos, &carried);
    return carried;
  }
  Vector AddSixteen(const char* from) {
    Vector eights_a, eights_b, sixteens;
    Vector fours_a = AddFour(from);
    Vector fours_b = AddFour(from + 64);
    AddWithCarry(fours_a, fours_b, &fours, &eights_a);
    fours_a = AddFour(from + 128);
    fours_b = AddFour(from + 192);
    AddWithCarry(fours_a, fours_b, &fours, &eights_b);
    AddWithCarry(eights_a, eights_b, &eights, &sixteens);
    return sixteens;
  }
};

// ---- Finding --------------------------------------------------------------------------------------------------------

// Which bit of a word that is not 0 comes first in memory.
unsigned FirstBitOf(uint64_t word) {
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
  return static_cast<unsigned>(std::countl_zero(word));
}

// The first bit of `text` that differs from all of `word`'s, which are alike.
std::optional<uint64_t> FindOther(Bytes text, uint64_t word) {
  const char* const begin = text.data();
  size_t at = 0;
  for (; text.size() - at >= 64; at += 64) {
    const Vector same = All(word);
    const Vector other = ((LoadVector(begin + at) ^ same) | (LoadVector(begin + at + 16) ^ same)) |
                         ((LoadVector(begin + at + 32) ^ same) | (LoadVector(begin + at + 48) ^ same));
    if ((other[0] | other[1]) != 0) break;
  }
  for (; text.size() - at >= 8; at += 8) {
    const uint64_t other = LoadWord(begin + at) ^ word;
    if (other != 0) return at * 8 + FirstBitOf(other);
  }
  for (; at < text.size(); ++at) {
    const auto other = static_cast<uint8_t>(static_cast<uint8_t>(begin[at]) ^ static_cast<uint8_t>(word));
    if (other != 0) return at * 8 + static_cast<unsigned>(std::countl_zero(other));
  }
  return std::nullopt;
}

// ---- Combining ------------------------------------------------------------------------------------------------------

// Vectors, then bytes. `apply` takes two vectors, or two bytes.
template <class Apply>
void ForEachPair(char* __restrict to, Bytes from, Apply apply) {
  size_t at = 0;
  for (; from.size() - at >= 64; at += 64) {
    for (size_t i = at; i < at + 64; i += 16) {
      const Vector vector = apply(LoadVector(to + i), LoadVector(from.data() + i));
      std::memcpy(to + i, &vector, sizeof(vector));
    }
  }
  for (; at < from.size(); ++at) to[at] = static_cast<char>(apply(to[at], from[at]));
}

}  // namespace

uint64_t CountOnes(Bytes text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t count = 0;
  if (left >= 256) {
    BitSums sums;
    Vector sixteens = {};
    for (; left >= 256; at += 256, left -= 256) sixteens += OnesOf(sums.AddSixteen(at));
    count = 16 * Sum(sixteens) + 8 * Sum(OnesOf(sums.eights)) + 4 * Sum(OnesOf(sums.fours)) +
            2 * Sum(OnesOf(sums.twos)) + Sum(OnesOf(sums.ones));
  }
  Vector rest = {};
  for (; left >= 16; at += 16, left -= 16) rest += OnesOf(LoadVector(at));
  count += Sum(rest);
  for (; left >= 8; at += 8, left -= 8) count += OnesOf(LoadWord(at));
  uint64_t last = 0;
  if (left != 0) std::memcpy(&last, at, left);
  return count + OnesOf(last);
}

uint64_t CountOnes(Bytes text, uint64_t first, uint64_t last) {
  LARDER_DCHECK(first <= last && last < text.size() * 8);
  const uint64_t whole = CountOnes(text.substr(first / 8, last / 8 - first / 8 + 1));
  const uint64_t before = LoadBits(text, first / 8 * 8, 8) >> (8 - first % 8);
  const uint64_t after = LoadBits(text, last / 8 * 8, 8) & (0xffu >> (last % 8 + 1));
  return whole - OnesOf(before) - OnesOf(after);
}

std::optional<uint64_t> FindBit(Bytes text, bool bit, uint64_t first, uint64_t last) {
  LARDER_DCHECK(first <= last && last < text.size() * 8);
  const uint64_t others = bit ? 0 : ~uint64_t{0};
  uint64_t at = first;
  if (first % 8 != 0) {  // the rest of a byte
    const unsigned width = 8 - first % 8;
    const uint64_t found = (LoadBits(text, first, width) ^ others) << (64 - width);
    if (found != 0) at = first + static_cast<unsigned>(std::countl_zero(found));
    if (found != 0) return at <= last ? std::optional<uint64_t>(at) : std::nullopt;
    at += width;
    if (at > last) return std::nullopt;
  }
  const std::optional<uint64_t> found = FindOther(text.substr(at / 8, last / 8 - at / 8 + 1), others);
  if (!found.has_value() || at + *found > last) return std::nullopt;
  return at + *found;
}

void CombineInto(char* to, Operation operation, Bytes from) {
  switch (operation) {
    case Operation::kAnd: return ForEachPair(to, from, [](auto a, auto b) { return a & b; });
    case Operation::kOr: return ForEachPair(to, from, [](auto a, auto b) { return a | b; });
    case Operation::kXor: return ForEachPair(to, from, [](auto a, auto b) { return a ^ b; });
    case Operation::kNot: LARDER_CHECK(false);  // has one operand: InvertInto
  }
}

void InvertInto(char* to, Bytes from) {
  ForEachPair(to, from, [](auto, auto b) { return ~b; });
}

uint64_t LoadBits(Bytes text, uint64_t offset, unsigned width) {
  LARDER_DCHECK(width >= 1 && width <= 64);
  uint64_t value = 0;
  while (width != 0) {
    const unsigned skip = offset % 8;
    const unsigned taken = std::min(8 - skip, width);
    const uint64_t byte = offset / 8 < text.size() ? static_cast<uint8_t>(text[offset / 8]) : 0;
    value = value << taken | (byte >> (8 - skip - taken) & ((1u << taken) - 1));
    offset += taken;
    width -= taken;
  }
  return value;
}

void StoreBits(char* bytes, uint64_t offset, unsigned width, uint64_t value) {
  LARDER_DCHECK(width >= 1 && width <= 64);
  while (width != 0) {
    const unsigned skip = offset % 8;
    const unsigned taken = std::min(8 - skip, width);
    const unsigned shift = 8 - skip - taken;
    const unsigned mask = ((1u << taken) - 1) << shift;
    const unsigned part = static_cast<unsigned>(value >> (width - taken)) << shift & mask;
    const unsigned byte = static_cast<uint8_t>(bytes[offset / 8]);
    bytes[offset / 8] = static_cast<char>((byte & ~mask) | part);
    offset += taken;
    width -= taken;
  }
}

}  // namespace larder::inline v0::ops::bits
