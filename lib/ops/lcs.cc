#include "lib/ops/lcs.h"

#include <cstring>

#include "lib/keyspace/errors.h"

namespace larder::inline v0::ops {

Error Lcs::Compute(Bytes a, Bytes b, uint64_t bytes_max, bool length_only) {
  if (a.size() >= UINT32_MAX - 1 || b.size() >= UINT32_MAX - 1) return errors::kLcsTooLong;
  uint64_t redis_bytes = 0;
  if (__builtin_mul_overflow((uint64_t{a.size()} + 1) * sizeof(uint32_t), uint64_t{b.size()} + 1, &redis_bytes) ||
      redis_bytes > bytes_max) {
    return errors::kLcsTooLarge;
  }
  a_ = a;
  b_ = b;
  length_ = 0;
  if (a.empty() || b.empty()) return kOk;
  const size_t row_bytes = (b.size() + 1) * sizeof(uint32_t);
  const size_t bits_bytes = length_only ? 0 : (a.size() * b.size() + 7) / 8;
  row_.Clear();
  bits_.Clear();
  if (!row_.Reserve(row_bytes) || !bits_.Reserve(bits_bytes)) return errors::kAllocationFailed;
  // malloc's memory is aligned for any type.
  uint32_t* row = reinterpret_cast<uint32_t*>(row_.Extend(row_bytes));
  std::memset(row, 0, row_bytes);
  if (bits_bytes != 0) std::memset(bits_.Extend(bits_bytes), 0, bits_bytes);
  for (size_t i = 1; i <= a.size(); ++i) ComputeRow(i, row);
  length_ = row[b.size()];
  return kOk;
}

// row[j] on entry: the length for the prefixes i-1 and j; on return: for i and j.
void Lcs::ComputeRow(size_t i, uint32_t* row) {
  const char byte = a_[i - 1];
  uint8_t* bits = bits_.empty() ? nullptr : reinterpret_cast<uint8_t*>(bits_.data());
  uint32_t diagonal = 0;  // prefixes i-1 and j-1
  uint32_t left = 0;      // prefixes i and j-1
  size_t bit = (i - 1) * b_.size();
  for (size_t j = 1; j <= b_.size(); ++j, ++bit) {
    const uint32_t up = row[j];
    if (byte == b_[j - 1]) {
      left = diagonal + 1;
    } else if (up > left) {
      left = up;
      if (bits != nullptr) bits[bit / 8] = static_cast<uint8_t>(bits[bit / 8] | 1u << bit % 8);
    }
    row[j] = left;
    diagonal = up;
  }
}

bool Lcs::AIsLonger(size_t i, size_t j) const {
  const size_t bit = (i - 1) * b_.size() + (j - 1);
  return (static_cast<uint8_t>(bits_.data()[bit / 8]) >> bit % 8 & 1) != 0;
}

void Lcs::Walk(absl::FunctionRef<void(const Match&)> visit) const {
  size_t i = a_.size();
  size_t j = b_.size();
  LARDER_DCHECK(length_ == 0 || !bits_.empty());
  while (i > 0 && j > 0) {
    if (a_[i - 1] != b_[j - 1]) {
      AIsLonger(i, j) ? --i : --j;
      continue;
    }
    Match match;
    match.a_last = i - 1;
    match.b_last = j - 1;
    for (; i > 0 && j > 0 && a_[i - 1] == b_[j - 1]; --i) --j;
    match.a_first = i;
    match.b_first = j;
    visit(match);
  }
}

}  // namespace larder::inline v0::ops
