// The longest common subsequence of two strings, as LCS replies it.
//
// Dynamic programming: a table of the lengths for all pairs of prefixes, then a walk back through it. Of the many
// subsequences of that length, the walk's rules pick the one that Redis picks: equal bytes are taken; otherwise it
// shortens `a` if that is strictly longer than shortening `b`, else `b`.
//
// Memory: the walk needs one bit a pair (which of the two was longer), and the table two rows, so 1/32 of a full table
// of 32-bit lengths. Redis keeps the full one and refuses what would be over proto-max-bulk-len; so do we, to refuse
// the same requests. Time is O(a * b), with the executor held, as in Redis.
#ifndef LARDER_OPS_LCS_H_
#define LARDER_OPS_LCS_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace larder::inline v0 {

namespace errors {
inline constexpr ErrorText kLcsNotStrings{absl::StatusCode::kFailedPrecondition,
                                          "ERR The specified keys must contain string values"};
inline constexpr ErrorText kLcsTooLong{absl::StatusCode::kOutOfRange, "ERR String too long for LCS"};
inline constexpr ErrorText kLcsTooLarge{
    absl::StatusCode::kResourceExhausted,
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"};
}  // namespace errors

namespace ops {

class Lcs {
 public:
  // A stretch that both strings have, positions inclusive.
  struct Match {
    size_t a_first = 0;
    size_t a_last = 0;
    size_t b_first = 0;
    size_t b_last = 0;
    size_t length() const { return a_last - a_first + 1; }
  };

  // The strings must outlive the object. `bytes_max` limits what Redis would need. Errors: kLcsTooLong, kLcsTooLarge,
  // kAllocationFailed. `length_only`: Walk will not be called.
  Error Compute(Bytes a, Bytes b, uint64_t bytes_max, bool length_only);

  size_t length() const { return length_; }
  // Visits the maximal stretches from the end of the strings to their beginning.
  void Walk(absl::FunctionRef<void(const Match&)> visit) const;

 private:
  void ComputeRow(size_t i, uint32_t* row);
  bool AIsLonger(size_t i, size_t j) const;

  Bytes a_;
  Bytes b_;
  size_t length_ = 0;
  base::Buffer row_;   // lengths for the prefixes of b with the current prefix of a
  base::Buffer bits_;  // bit (i-1) * |b| + (j-1): shortening a is strictly better there
};

}  // namespace ops
}  // namespace larder::inline v0

#endif  // LARDER_OPS_LCS_H_
