#include "lib/ops/hll_format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "lib/base/check.h"

namespace larder::inline v0::ops::hll {
namespace {

constexpr Bytes kMagic = "HYLL";
constexpr size_t kFormAt = 4;
constexpr size_t kCountAt = 8;
constexpr char kDenseForm = 0;
constexpr char kSparseForm = 1;

constexpr unsigned kShortZerosMax = 64;
constexpr unsigned kValueMax = 32;       // of a run in a sparse string
constexpr unsigned kValueLengthMax = 4;

constexpr size_t kRoomForRuns = 8;  // more than replacing a run can add

uint8_t ByteAt(Bytes text, size_t at) { return static_cast<uint8_t>(text[at]); }

uint64_t LoadLittle(const void* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

void StoreLittle(uint64_t word, void* to) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  std::memcpy(to, &word, sizeof(word));
}

// MurmurHash64A, by Austin Appleby, who has put it in the public domain, with the seed that Redis gives it.
uint64_t Hash(Bytes text) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr uint64_t kSeed = 0xadc83b19;
  uint64_t hash = kSeed ^ (text.size() * kMultiplier);
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word = LoadLittle(at) * kMultiplier;
    word ^= word >> 47;
    hash = (hash ^ (word * kMultiplier)) * kMultiplier;
  }
  if (left != 0) {
    char rest[8] = {};
    std::memcpy(rest, at, left);
    hash = (hash ^ LoadLittle(rest)) * kMultiplier;
  }
  hash = (hash ^ hash >> 47) * kMultiplier;
  return hash ^ hash >> 47;
}

// ---- Dense ----------------------------------------------------------------------------------------------------------

uint8_t DenseValue(Bytes text, uint32_t index) {
  const size_t bit = size_t{index} * 6;
  const size_t at = kHeaderBytes + bit / 8;
  unsigned two_bytes = ByteAt(text, at);
  if (at + 1 < text.size()) two_bytes |= static_cast<unsigned>(ByteAt(text, at + 1)) << 8;
  return two_bytes >> (bit % 8) & 63;
}

// Eight registers are six bytes, the lowest of `Eight`'s bits.
uint64_t LoadEight(const char* from) {
  uint32_t low;
  uint16_t high;
  std::memcpy(&low, from, sizeof(low));
  std::memcpy(&high, from + sizeof(low), sizeof(high));
  if constexpr (std::endian::native == std::endian::big) {
    low = __builtin_bswap32(low);
    high = __builtin_bswap16(high);
  }
  return low | static_cast<uint64_t>(high) << 32;
}

// The same with a byte for each: halves are moved apart, then quarters, then registers.
uint64_t SpreadEight(uint64_t eight) {
  eight = (eight & 0xffffff) | (eight & 0xffffff000000) << 8;
  eight = (eight & 0x00000fff00000fff) | (eight & 0x00fff00000fff000) << 4;
  return (eight & 0x003f003f003f003f) | (eight & 0x0fc00fc00fc00fc0) << 2;
}

// The larger of each byte. REQUIRES: all are below 128.
uint64_t LargerBytes(uint64_t a, uint64_t b) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  const uint64_t a_is = ((a | kHigh) - b) & kHigh;       // where a >= b
  const uint64_t mask = a_is | (a_is - (a_is >> 7));     // 0xff there
  return (a & mask) | (b & ~mask);
}

// ---- Sparse ---------------------------------------------------------------------------------------------------------

// The run that begins at `at`. One whose second byte is cut off has it as 0, and ends behind the string.
Run RunAt(Bytes text, size_t at) {
  const unsigned byte = ByteAt(text, at);
  if ((byte & 0x80) != 0) return {(byte & 3) + 1, static_cast<uint8_t>((byte >> 2 & 31) + 1), 1};
  if ((byte & 0x40) == 0) return {byte + 1, 0, 1};
  const unsigned second = at + 1 < text.size() ? ByteAt(text, at + 1) : 0;
  return {((byte & 63) << 8 | second) + 1, 0, 2};
}

// Writes runs of `length` registers of that value, if there are any; returns the end.
char* WriteRun(char* to, unsigned length, uint8_t value) {
  if (length == 0) return to;
  if (value != 0) {
    LARDER_DCHECK(value <= kValueMax && length <= kValueLengthMax);
    *to++ = static_cast<char>(0x80 | (value - 1) << 2 | (length - 1));
  } else if (length <= kShortZerosMax) {
    *to++ = static_cast<char>(length - 1);
  } else {
    *to++ = static_cast<char>(0x40 | (length - 1) >> 8);
    *to++ = static_cast<char>((length - 1) & 0xff);
  }
  return to;
}

// Where a register is in a sparse string.
struct Spot {
  bool found = false;
  RunStart at;      // the run
  RunStart before;  // the run before it, or itself if it is the first that was looked at
  Run run;
};

// `from`: no run behind the one that has it.
Spot FindRegister(Bytes text, uint32_t index, RunStart from = {}) {
  Spot spot;
  spot.at = spot.before = from;
  while (spot.at.byte < text.size()) {
    spot.run = RunAt(text, spot.at.byte);
    if (index < spot.at.index + spot.run.length) {
      spot.found = spot.at.byte + spot.run.bytes <= text.size();
      return spot;
    }
    spot.before = spot.at;
    spot.at.byte += spot.run.bytes;
    spot.at.index += spot.run.length;
  }
  return spot;
}

// ---- Estimates ------------------------------------------------------------------------------------------------------

// How many registers have each value.
using Histogram = uint32_t[64];

double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double sum = x, weight = 1.0;
  for (double before = -1.0; before != sum;) {
    before = sum;
    x *= x;
    sum += x * weight;
    weight += weight;
  }
  return sum;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double sum = 1.0 - x, weight = 1.0;
  for (double before = -1.0; before != sum;) {
    before = sum;
    x = std::sqrt(x);
    weight *= 0.5;
    sum -= (1.0 - x) * (1.0 - x) * weight;
  }
  return sum / 3.0;
}

int64_t EstimateOf(const Histogram& histogram) {
  constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
  constexpr auto kCount = static_cast<double>(kRegisters);
  double z = kCount * Tau((kCount - histogram[kRegisterMax]) / kCount);
  for (unsigned value = kRegisterMax - 1; value >= 1; --value) z = (z + histogram[value]) * 0.5;
  z += kCount * Sigma(histogram[0] / kCount);
  if (z == 0.0) return INT64_MIN;  // only of registers that no element can make: what Redis says then
  return std::llround(kAlpha * kCount * kCount / z);
}

}  // namespace

// ---- Strings --------------------------------------------------------------------------------------------------------

bool IsHyperLogLog(Bytes text) {
  if (text.size() < kHeaderBytes || !text.starts_with(kMagic)) return false;
  if (text[kFormAt] == kSparseForm) return true;
  return text[kFormAt] == kDenseForm && text.size() == kDenseBytes;
}

bool IsDense(Bytes text) { return text[kFormAt] == kDenseForm; }

std::optional<int64_t> KeptCount(Bytes text) {
  const uint64_t count = LoadLittle(text.data() + kCountAt);
  if (count >> 63 != 0) return std::nullopt;
  return static_cast<int64_t>(count);
}

void KeepCount(char* text, int64_t count) { StoreLittle(static_cast<uint64_t>(count), text + kCountAt); }

void MarkCountStale(char* text) { text[kCountAt + 7] = static_cast<char>(text[kCountAt + 7] | 0x80); }

void ForEachRun(Bytes text, absl::FunctionRef<void(const Run& run)> visit) {
  for (size_t at = kHeaderBytes; at < text.size();) {
    const Run run = RunAt(text, at);
    visit(run);
    at += run.bytes;
  }
}

// ---- Elements -------------------------------------------------------------------------------------------------------

Element ElementOf(Bytes text) {
  const uint64_t hash = Hash(text);
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << (64 - kIndexBits);
  return {static_cast<uint32_t>(hash % kRegisters), static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

Outcome WouldRaise(Bytes text, Element element) {
  if (IsDense(text)) return DenseValue(text, element.index) < element.count ? Outcome::kRaised : Outcome::kSame;
  if (element.count > kValueMax) return Outcome::kRaised;  // at any rate it becomes dense
  const Spot spot = FindRegister(text, element.index);
  if (!spot.found) return Outcome::kCorrupt;
  return spot.run.value < element.count ? Outcome::kRaised : Outcome::kSame;
}

Outcome RaiseDense(char* text, Element element) {
  if (DenseValue({text, kDenseBytes}, element.index) >= element.count) return Outcome::kSame;
  const size_t bit = size_t{element.index} * 6;
  const unsigned shift = bit % 8;
  for (unsigned byte = 0, done = 0; done < 6; ++byte) {
    char* const at = text + kHeaderBytes + bit / 8 + byte;
    const unsigned from = byte == 0 ? shift : 0;
    const unsigned width = std::min(8 - from, 6 - done);
    const unsigned mask = ((1u << width) - 1) << from;
    const unsigned part = static_cast<unsigned>(element.count) >> done << from & mask;
    *at = static_cast<char>((static_cast<uint8_t>(*at) & ~mask) | part);
    done += width;
  }
  return Outcome::kRaised;
}

// ---- All registers --------------------------------------------------------------------------------------------------

bool Registers::Merge(Bytes text) {
  if (IsDense(text)) {
    const char* from = text.data() + kHeaderBytes;
    for (size_t i = 0; i < kRegisters; i += 8, from += 6) {
      const uint64_t larger = LargerBytes(LoadLittle(values_ + i), SpreadEight(LoadEight(from)));
      StoreLittle(larger, values_ + i);
    }
    return true;
  }
  size_t index = 0;
  for (size_t at = kHeaderBytes; at < text.size();) {
    const Run run = RunAt(text, at);
    if (at + run.bytes > text.size() || run.length > kRegisters - index) return false;
    if (run.value != 0) {
      for (size_t i = index; i < index + run.length; ++i) values_[i] = std::max(values_[i], run.value);
    }
    index += run.length;
    at += run.bytes;
  }
  return index == kRegisters;
}

int64_t Registers::Estimate() const {
  Histogram histogram = {};
  for (const uint8_t value : values_) ++histogram[value];
  return EstimateOf(histogram);
}

void Registers::WriteDense(char* text) const {
  char* to = text + kHeaderBytes;
  for (size_t i = 0; i < kRegisters; i += 4) {
    unsigned all = 0;
    for (unsigned j = 0; j < 4; ++j) all |= static_cast<unsigned>(values_[i + j]) << (j * 6);
    for (unsigned j = 0; j < 3; ++j) *to++ = static_cast<char>(all >> (j * 8));
  }
}

std::optional<int64_t> Estimate(Bytes text) {
  if (IsDense(text)) {
    // Four histograms in turn: to count the same value twice in a row would mean to wait for the first.
    uint32_t counts[4][64] = {};
    const char* from = text.data() + kHeaderBytes;
    for (size_t i = 0; i < kRegisters; i += 8, from += 6) {
      const uint64_t eight = LoadEight(from);
      ++counts[0][eight & 63];
      ++counts[1][eight >> 6 & 63];
      ++counts[2][eight >> 12 & 63];
      ++counts[3][eight >> 18 & 63];
      ++counts[0][eight >> 24 & 63];
      ++counts[1][eight >> 30 & 63];
      ++counts[2][eight >> 36 & 63];
      ++counts[3][eight >> 42];
    }
    Histogram histogram;
    for (size_t value = 0; value < 64; ++value) {
      histogram[value] = counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
    }
    return EstimateOf(histogram);
  }
  Histogram histogram = {};
  size_t index = 0;
  for (size_t at = kHeaderBytes; at < text.size();) {
    const Run run = RunAt(text, at);
    if (at + run.bytes > text.size() || run.length > kRegisters - index) return std::nullopt;
    histogram[run.value] += run.length;
    index += run.length;
    at += run.bytes;
  }
  if (index != kRegisters) return std::nullopt;
  return EstimateOf(histogram);
}

// ---- A copy to work on ----------------------------------------------------------------------------------------------

bool Sketch::MakeEmpty() {
  char text[kHeaderBytes + 2] = {};
  base::CopyBytes(text, kMagic);
  text[kFormAt] = kSparseForm;
  MarkCountStale(text);
  WriteRun(text + kHeaderBytes, kRegisters, 0);
  return Load({text, sizeof(text)});
}

bool Sketch::Load(Bytes text) {
  buffer_.Clear();
  last_ = {};
  // At once all that it usually comes to need.
  return buffer_.Reserve(std::max(text.size() + kRoomForRuns, kDenseBytes)) && buffer_.Append(text);
}

Outcome Sketch::Raise(Element element, size_t sparse_bytes_max) {
  const Outcome outcome =
      IsDense(text()) ? RaiseDense(data(), element) : RaiseSparse(element, sparse_bytes_max);
  if (outcome == Outcome::kRaised) MarkCountStale(data());
  return outcome;
}

Outcome Sketch::RaiseAll(const Registers& registers, size_t sparse_bytes_max) {
  Outcome all = Outcome::kSame;
  for (uint32_t index = 0; index < kRegisters; ++index) {
    if (registers[index] == 0) continue;
    const Outcome outcome = Raise({index, registers[index]}, sparse_bytes_max);
    if (outcome == Outcome::kCorrupt || outcome == Outcome::kNoMemory) return outcome;
    if (outcome == Outcome::kRaised) all = outcome;
  }
  return all;
}

Outcome Sketch::MakeDense() {
  if (IsDense(text())) return Outcome::kSame;
  Registers registers;
  if (!registers.Merge(text())) return Outcome::kCorrupt;
  if (text().size() < kDenseBytes && buffer_.Extend(kDenseBytes - text().size()) == nullptr) return Outcome::kNoMemory;
  buffer_.Truncate(kDenseBytes);
  registers.WriteDense(data());
  data()[kFormAt] = kDenseForm;  // all else of the header stays, the kept count, too
  return Outcome::kRaised;
}

Outcome Sketch::MakeDenseAndRaise(Element element) {
  const Outcome outcome = MakeDense();
  return outcome == Outcome::kRaised ? RaiseDense(data(), element) : outcome;
}

// Puts a run of one register, with what remains before and after it, in the place of the run that has it, and joins what
// then follows each other.
Outcome Sketch::RaiseSparse(Element element, size_t sparse_bytes_max) {
  if (element.count > kValueMax) return MakeDenseAndRaise(element);
  // From where the last one was, unless that tells nothing of what is before the run.
  Spot spot = FindRegister(text(), element.index, element.index >= last_.index ? last_ : RunStart{});
  if (spot.at.byte == last_.byte) spot = FindRegister(text(), element.index);
  if (!spot.found) return Outcome::kCorrupt;
  if (spot.run.value >= element.count) return Outcome::kSame;

  char runs[kRoomForRuns];
  char* end = WriteRun(runs, element.index - spot.at.index, spot.run.value);
  end = WriteRun(end, 1, element.count);
  end = WriteRun(end, spot.at.index + spot.run.length - element.index - 1, spot.run.value);
  const Bytes replacement(runs, static_cast<size_t>(end - runs));

  const size_t size = text().size();
  const size_t replaced = spot.run.bytes;
  const size_t new_size = size - replaced + replacement.size();
  if (replacement.size() > replaced && new_size > sparse_bytes_max) return MakeDenseAndRaise(element);
  if (new_size > size && buffer_.Extend(new_size - size) == nullptr) return Outcome::kNoMemory;
  char* const at = data() + spot.at.byte;
  std::memmove(at + replacement.size(), at + replaced, size - spot.at.byte - replaced);
  base::CopyBytes(at, replacement);
  buffer_.Truncate(new_size);
  JoinRuns(spot.before.byte);
  last_ = spot.before;  // which begins where it began
  return Outcome::kRaised;
}

// Redis looks at so many runs, from the one before the new one on.
void Sketch::JoinRuns(size_t from) {
  size_t at = from;
  for (int looked = 0; looked < 5 && at < text().size(); ++looked) {
    const Run run = RunAt(text(), at);
    if (run.value != 0 && at + 1 < text().size()) {
      const Run next = RunAt(text(), at + 1);
      if (next.value == run.value && run.length + next.length <= kValueLengthMax) {
        WriteRun(data() + at, run.length + next.length, run.value);
        std::memmove(data() + at + 1, data() + at + 2, text().size() - at - 2);
        buffer_.Truncate(text().size() - 1);
        continue;  // it may be joined with the next one, too
      }
    }
    at += run.bytes;
  }
}

}  // namespace larder::inline v0::ops::hll
