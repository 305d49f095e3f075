// Packed records: how the elements of a collection lie one behind the other.
//
//   record   a prefix of fixed size (a score, an ID, a few bits of a hash: see RecordFormat), then its parts
//   part     up to 127 bytes     [0nnnnnnn] bytes
//            up to 512 bytes     [10nnnnnn] [nnnnnnnn] bytes
//            longer              [11111111] the address of a memory::Block, of which the record owns one reference
//
// A hash's element is two parts, field and value; a list's or a set's is one. There is no padding and nothing behind a
// part, so that records are read from the front; whoever goes backwards goes through a leaf once (PackedOffsets).
//
// What is packed is either a whole small value, in its entry, or a leaf of a CountedTree. Only leaves have blocks.
#ifndef LARDER_DS_PACKED_H_
#define LARDER_DS_PACKED_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/ds/score_word.h"
#include "lib/memory/block.h"

namespace larder::inline v0::ds {

// How the records of a collection are made up, and how they follow each other. At most 256 prefix bytes and parts.
struct RecordFormat {
  enum class Order : uint8_t {
    kPosition,      // by place alone
    kSorted,        // by the prefix's first word, then its second if there is one, then the first part
    kNumbers,       // by the Numbers that the first part begins with
    kHashOfPart,    // by the hash of the first part, of which the prefix's one byte is a tag
    kHashInPrefix,  // by a hash of 32 bits, with which the prefix begins
  };
  uint8_t prefix = 0;
  uint8_t parts = 1;
  Order order = Order::kPosition;
  bool scores = false;  // kSorted: the first word is a score's, of which two are equal (score_word.h)
  bool borrows = false;  // the blocks of its parts are other records': neither counted nor freed

  // Whether a leaf's records are in no order: which leaf they are in says all.
  bool hashed() const { return order >= Order::kHashOfPart; }
  // Whether all records are of the prefix's size, so that any of them is reached at once.
  bool fixed_size() const { return parts == 0; }
  // Whether inner nodes know the first record of each child by a word of it.
  bool sorted() const { return order == Order::kSorted || order == Order::kNumbers; }
};

inline constexpr size_t kPartInlineMax = 512;
// What a part of a record takes at most, and is worth at least.
inline constexpr size_t kPartBytesMax = 2 + kPartInlineMax;
inline constexpr uint8_t kPartLong = 0x80;
inline constexpr uint8_t kPartBlock = 0xff;

// What a part of so many bytes takes in its record, its block not counted.
constexpr size_t PartBytes(size_t size) {
  if (size < kPartLong) return 1 + size;
  return size <= kPartInlineMax ? 2 + size : 1 + sizeof(memory::Block*);
}

// REQUIRES: text.size() <= kPartInlineMax. Returns where the next part begins.
inline char* WritePart(char* to, Bytes text) {
  LARDER_DCHECK(text.size() <= kPartInlineMax);
  if (text.size() < kPartLong) {
    *to++ = static_cast<char>(text.size());
  } else {
    *to++ = static_cast<char>(kPartLong | text.size() >> 8);
    *to++ = static_cast<char>(text.size() & 255);
  }
  base::CopyBytes(to, text);
  return to + text.size();
}

inline char* WritePart(char* to, memory::Block* block) {
  *to++ = static_cast<char>(kPartBlock);
  std::memcpy(to, &block, sizeof(block));
  return to + sizeof(block);
}

// The block of the part at `from`, nullptr if it has none.
inline memory::Block* PartBlock(const char* from) {
  if (static_cast<uint8_t>(*from) != kPartBlock) return nullptr;
  memory::Block* block;
  std::memcpy(&block, from + 1, sizeof(block));
  return block;
}

// Reads the part at `from`; returns where the next one begins.
inline const char* ReadPart(const char* from, Bytes* text) {
  const uint8_t first = static_cast<uint8_t>(*from);
  if (first < kPartLong) [[likely]] {
    *text = {from + 1, first};
    return from + 1 + first;
  }
  if (first == kPartBlock) {
    *text = PartBlock(from)->view();
    return from + 1 + sizeof(memory::Block*);
  }
  const size_t size = static_cast<size_t>(first & 63) << 8 | static_cast<uint8_t>(from[1]);
  *text = {from + 2, size};
  return from + 2 + size;
}

inline const char* SkipPart(const char* from) {
  const uint8_t first = static_cast<uint8_t>(*from);
  if (first < kPartLong) [[likely]] return from + 1 + first;
  if (first == kPartBlock) return from + 1 + sizeof(memory::Block*);
  return from + 2 + (static_cast<size_t>(first & 63) << 8 | static_cast<uint8_t>(from[1]));
}

// Where the record behind this one begins.
inline const char* SkipRecord(const char* record, RecordFormat format) {
  record += format.prefix;
  for (int i = 0; i < format.parts; ++i) record = SkipPart(record);
  return record;
}

// Part `i` of a record.
inline Bytes PartOf(const char* record, RecordFormat format, int i) {
  LARDER_DCHECK(i < format.parts);
  record += format.prefix;
  while (i-- > 0) record = SkipPart(record);
  Bytes text;
  ReadPart(record, &text);
  return text;
}

template <class T>
T PrefixOf(const char* record, size_t at = 0) {
  T value;
  std::memcpy(&value, record + at, sizeof(T));
  return value;
}

// Three numbers in as few bytes as they need: [2 bits: bytes of space][3: of major][3: of minor], then those bytes, the
// lowest first. A stream's ID is (0, milliseconds, sequence).
struct Numbers {
  uint64_t space = 0;  // below 2^32
  uint64_t major = 0;
  uint64_t minor = 0;

  bool operator==(const Numbers& other) const = default;
  bool operator<(const Numbers& other) const {
    if (space != other.space) return space < other.space;
    return major != other.major ? major < other.major : minor < other.minor;
  }
};
inline constexpr size_t kNumbersBytesMax = 1 + 4 + 8 + 8;

// Returns where the next byte goes.
char* WriteNumbers(char* to, const Numbers& numbers);
// Returns where they end.
const char* ReadNumbers(const char* from, Numbers* numbers);

// A word that is never less for greater numbers: 12 bits of space, 40 of major, 12 of minor, or all ones where one of
// them, and what follows it, does not fit. So most searches need no record.
constexpr uint64_t NumbersKey(const Numbers& numbers) {
  constexpr uint64_t kSpaceMax = (uint64_t{1} << 12) - 1;
  constexpr uint64_t kMajorMax = (uint64_t{1} << 40) - 1;
  constexpr uint64_t kMinorMax = (uint64_t{1} << 12) - 1;
  if (numbers.space >= kSpaceMax) return UINT64_MAX;
  if (numbers.major >= kMajorMax) return numbers.space << 52 | kMajorMax << 12 | kMinorMax;
  return numbers.space << 52 | numbers.major << 12 | (numbers.minor < kMinorMax ? numbers.minor : kMinorMax);
}

// The numbers of a record in that order.
inline Numbers NumbersOf(const char* record) {
  Bytes part;
  ReadPart(record, &part);
  Numbers numbers;
  ReadNumbers(part.data(), &numbers);
  return numbers;
}

// The word that sorted records are ordered by first: 2, 4 or 8 bytes of the prefix.
inline uint64_t FirstWord(const char* record, RecordFormat format) {
  if (format.order == RecordFormat::Order::kNumbers) return NumbersKey(NumbersOf(record));
  switch (format.prefix) {
    case 2: return PrefixOf<uint16_t>(record);
    case 4: return PrefixOf<uint32_t>(record);
    default: break;
  }
  const uint64_t word = PrefixOf<uint64_t>(record);
  return format.scores ? ComparedWord(word) : word;
}

// What sorted records are searched for: `first`, `second` if the prefix has two words, else `part` if there is one.
struct SortedProbe {
  uint64_t first = 0;
  uint64_t second = 0;
  Bytes part = {};
  Numbers numbers = {};  // kNumbers: see ProbeOf
};
inline SortedProbe ProbeOf(const Numbers& numbers) {
  return {.first = NumbersKey(numbers), .second = 0, .part = {}, .numbers = numbers};
}
// Less than 0 if the record is less than the probe, 0 if they are equal.
int CompareRecord(const char* record, RecordFormat format, const SortedProbe& probe);

// Some records that lie one behind the other.
struct PackedRecords {
  const char* begin = nullptr;
  size_t bytes = 0;
  size_t count = 0;

  const char* end() const { return begin + bytes; }
};

// Finds the record whose first part is `text`, by looking at each; nullptr if there is none. *index: which it is.
const char* FindPart(const PackedRecords& records, RecordFormat format, Bytes text, size_t* index);

// Finds the first record that is not less than the probe; the end if all are. Whether they are equal.
bool FindSorted(const PackedRecords& records, RecordFormat format, const SortedProbe& probe, const char** record,
                size_t* index);

// Where record `index` begins, or the end.
const char* RecordAt(const PackedRecords& records, RecordFormat format, size_t index);

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_PACKED_H_
