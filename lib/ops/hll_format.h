// A HyperLogLog as the string that Redis stores, byte for byte.
//
//   +0   "HYLL"
//   +4   form         1    0 dense, 1 sparse
//   +5   unused       3
//   +8   count        8    the last estimate, little endian; its highest bit says that it is stale
//   +16  dense:   16,384 registers of 6 bits, each byte filled from its lowest bit on: 12,288 bytes
//        sparse:  runs of equal registers, in order, 16,384 in all:
//                   00zzzzzz            z + 1 registers of 0
//                   01zzzzzz zzzzzzzz   z + 1 registers of 0, up to 16,384
//                   1vvvvvrr            r + 1 registers of v + 1, up to 32
//
// An element is hashed to 64 bits (MurmurHash64A). The lowest 14 say which register, the count of zeros above them what
// it is raised to. The estimate is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).
//
// Anybody may write such a string with SET or SETRANGE, so nothing here trusts one: what is no HyperLogLog at all is
// refused by IsHyperLogLog, and runs that are too few, too many or cut off by what reads them. As in Redis, adding an
// element looks no further than its register. (Into a last run that is cut off Redis writes, a byte behind the string;
// here it is corrupt.)
#ifndef LARDER_OPS_HLL_FORMAT_H_
#define LARDER_OPS_HLL_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

namespace larder::inline v0::ops::hll {

inline constexpr unsigned kIndexBits = 14;
inline constexpr size_t kRegisters = size_t{1} << kIndexBits;
inline constexpr unsigned kRegisterMax = 64 - kIndexBits + 1;  // that an element can raise one to
inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;
static_assert(kDenseBytes == 12304);

// ---- Strings --------------------------------------------------------------------------------------------------------

// Whether the header, and of a dense one the size, are right.
bool IsHyperLogLog(Bytes text);
// The rest is about such strings.
bool IsDense(Bytes text);
// The estimate that is kept in it, unless that is stale.
std::optional<int64_t> KeptCount(Bytes text);
void KeepCount(char* text, int64_t count);
void MarkCountStale(char* text);

// One run of a sparse string.
struct Run {
  unsigned length = 0;
  uint8_t value = 0;
  uint8_t bytes = 0;
};
// Where a run begins: its first byte, and its first register.
struct RunStart {
  size_t byte = kHeaderBytes;
  unsigned index = 0;
};
// Every run, be there too few or too many.
void ForEachRun(Bytes text, absl::FunctionRef<void(const Run& run)> visit);

// ---- Elements -------------------------------------------------------------------------------------------------------

struct Element {
  uint32_t index = 0;  // of its register
  uint8_t count = 0;   // what that is at least
};
Element ElementOf(Bytes text);

enum class Outcome : uint8_t { kSame, kRaised, kCorrupt, kNoMemory };

// Whether adding it would raise a register: kSame, kRaised or kCorrupt.
Outcome WouldRaise(Bytes text, Element element);
// Adds it to a dense string: kSame or kRaised.
Outcome RaiseDense(char* text, Element element);

// ---- All registers --------------------------------------------------------------------------------------------------

class Registers {
 public:
  // Raises each to what it is in `text`. False if that is corrupt; they mean nothing then.
  bool Merge(Bytes text);
  uint8_t operator[](size_t index) const { return values_[index]; }
  int64_t Estimate() const;
  // Writes them all into a dense string, whose header stays as it is.
  void WriteDense(char* text) const;

 private:
  uint8_t values_[kRegisters] = {};
};

// The estimate for one string; nullopt if it is corrupt.
std::optional<int64_t> Estimate(Bytes text);

// ---- A copy to work on ----------------------------------------------------------------------------------------------

class Sketch {
 public:
  // False without memory.
  bool MakeEmpty();
  bool Load(Bytes text);

  // Adds an element. A sparse string becomes dense when it would be longer than that, or cannot have the value.
  Outcome Raise(Element element, size_t sparse_bytes_max);
  // Raises each register to that.
  Outcome RaiseAll(const Registers& registers, size_t sparse_bytes_max);
  // kSame: it is dense already.
  Outcome MakeDense();

  Bytes text() const { return buffer_.view(); }
  char* data() { return buffer_.data(); }

 private:
  Outcome RaiseSparse(Element element, size_t sparse_bytes_max);
  Outcome MakeDenseAndRaise(Element element);
  void JoinRuns(size_t from);

  base::Buffer buffer_;
  RunStart last_;  // of a sparse one: a run near the register that was raised last
};

}  // namespace larder::inline v0::ops::hll

#endif  // LARDER_OPS_HLL_FORMAT_H_
