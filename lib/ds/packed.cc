#include "lib/ds/packed.h"

namespace larder::inline v0::ds {

const char* FindPart(const PackedRecords& records, RecordFormat format, Bytes text, size_t* index) {
  const char* record = records.begin;
  // Most parts are short: then the first byte is the size.
  const bool is_short = text.size() < kPartLong;
  for (size_t i = 0; i < records.count; ++i) {
    const char* const part = record + format.prefix;
    bool found;
    if (is_short) {
      found = static_cast<uint8_t>(*part) == text.size() && base::EqualBytes(part + 1, text.data(), text.size());
    } else {
      Bytes there;
      ReadPart(part, &there);
      found = there == text;
    }
    if (found) {
      *index = i;
      return record;
    }
    record = SkipRecord(record, format);
  }
  return nullptr;
}

namespace {

// How many bytes a size of 3 bits means, and the size for a number.
constexpr int kSizes[8] = {0, 1, 2, 3, 4, 5, 6, 8};

int SizeOf(uint64_t number) {
  const int bytes = number == 0 ? 0 : 8 - __builtin_clzll(number) / 8;
  return bytes > 6 ? 7 : bytes;
}

char* WriteLow(char* to, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i, number >>= 8) *to++ = static_cast<char>(number & 255);
  return to;
}

uint64_t ReadLow(const char* from, int bytes) {
  uint64_t number = 0;
  for (int i = bytes; i > 0; --i) number = number << 8 | static_cast<uint8_t>(from[i - 1]);
  return number;
}

}  // namespace

char* WriteNumbers(char* to, const Numbers& numbers) {
  LARDER_DCHECK(numbers.space <= UINT32_MAX);
  const int space = numbers.space == 0 ? 0 : numbers.space < 256 ? 1 : numbers.space < 65536 ? 2 : 3;
  const int major = SizeOf(numbers.major);
  const int minor = SizeOf(numbers.minor);
  *to++ = static_cast<char>(space << 6 | major << 3 | minor);
  to = WriteLow(to, numbers.space, space == 3 ? 4 : space);
  to = WriteLow(to, numbers.major, kSizes[major]);
  return WriteLow(to, numbers.minor, kSizes[minor]);
}

const char* ReadNumbers(const char* from, Numbers* numbers) {
  const uint8_t sizes = static_cast<uint8_t>(*from++);
  const int space = sizes >> 6 == 3 ? 4 : sizes >> 6;
  const int major = kSizes[sizes >> 3 & 7];
  const int minor = kSizes[sizes & 7];
  numbers->space = ReadLow(from, space);
  from += space;
  numbers->major = ReadLow(from, major);
  from += major;
  numbers->minor = ReadLow(from, minor);
  return from + minor;
}

int CompareRecord(const char* record, RecordFormat format, const SortedProbe& probe) {
  if (format.order == RecordFormat::Order::kNumbers) {
    const Numbers numbers = NumbersOf(record);
    if (numbers == probe.numbers) return 0;
    return numbers < probe.numbers ? -1 : 1;
  }
  const uint64_t first = FirstWord(record, format);
  if (first != probe.first) return first < probe.first ? -1 : 1;
  if (format.prefix >= 16) {
    const uint64_t second = PrefixOf<uint64_t>(record, 8);
    if (second != probe.second) return second < probe.second ? -1 : 1;
    return 0;
  }
  if (format.parts == 0) return 0;
  return PartOf(record, format, 0).compare(probe.part);
}

bool FindSorted(const PackedRecords& records, RecordFormat format, const SortedProbe& probe, const char** record,
                size_t* index) {
  if (format.fixed_size()) {
    size_t low = 0;
    for (size_t left = records.count; left != 0;) {
      const size_t half = left / 2;
      const bool goes = CompareRecord(RecordAt(records, format, low + half), format, probe) < 0;
      low += goes ? half + 1 : 0;
      left = goes ? left - half - 1 : half;
    }
    *record = RecordAt(records, format, low);
    *index = low;
    return low != records.count && CompareRecord(*record, format, probe) == 0;
  }
  const char* at = records.begin;
  size_t i = 0;
  int order = -1;
  for (; i < records.count; ++i, at = SkipRecord(at, format)) {
    order = CompareRecord(at, format, probe);
    if (order >= 0) break;
  }
  *record = at;
  *index = i;
  return order == 0;
}

const char* RecordAt(const PackedRecords& records, RecordFormat format, size_t index) {
  LARDER_DCHECK(index <= records.count);
  if (index == records.count) return records.end();
  if (format.fixed_size()) return records.begin + index * format.prefix;
  const char* record = records.begin;
  while (index-- > 0) record = SkipRecord(record, format);
  return record;
}

}  // namespace larder::inline v0::ds
