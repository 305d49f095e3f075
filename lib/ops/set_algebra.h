// Intersections, unions and differences of sets, once for the commands and the typed calls; see ops/strings.h for what
// all ops share, and ops/set_value.h for what a set is.
//
// What is only read is not copied: each member of the one set that must be gone through is searched for in the others.
// Where that would be more than copying (a union of many), or the order of integers requires it, the result is made
// aside. What is stored is made aside in any case, and put in its place at once. A large set whose most members remain
// begins as a clone, which shares its nodes: a union with, or a difference of, few members costs what these few cost.
//
// A missing key is an empty set.
#ifndef LARDER_OPS_SET_ALGEBRA_H_
#define LARDER_OPS_SET_ALGEBRA_H_

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"
#include "lib/ops/set_value.h"

namespace larder::inline v0::ops::sets {

// The sets at some keys, for reading. Of no use after the next change.
class Sources {
 public:
  // Errors: kWrongType, kAllocationFailed.
  Error Open(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;

  std::span<Set> sets() { return {reinterpret_cast<Set*>(room_.data()), count_}; }

 private:
  base::Buffer room_;
  size_t count_ = 0;
};

// A member of a result: the record of one of the sets. False ends it.
using VisitMember = absl::FunctionRef<bool(const Set& set, const char* record)>;

// Each member that all sets have; in ascending order if the smallest of them is an intset. They may be in another order
// afterwards.
void Intersect(std::span<Set> sets, VisitMember visit);
// Each member that one of them has. Ascending if all are intsets, as is the result. Errors: kAllocationFailed, before
// anything has been visited.
Error Unite(keyspace::Db& db, std::span<Set> sets, VisitMember visit) LARDER_REQUIRES_HOLDER;
// Each member of the first that no other has; ascending if that is an intset. The others may be in another order
// afterwards.
void Subtract(std::span<Set> sets, VisitMember visit);

// SINTERSTORE ("sinterstore") and its like: how many members there are. If there are none, what was at `to` is deleted
// ("del"). `command`: the change as a command.
Result<int64_t> StoreIntersection(keyspace::Db& db, Bytes to, std::span<const Bytes> keys,
                                  std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
Result<int64_t> StoreUnion(keyspace::Db& db, Bytes to, std::span<const Bytes> keys,
                           std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
Result<int64_t> StoreDifference(keyspace::Db& db, Bytes to, std::span<const Bytes> keys,
                                std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

// What they may cost, by the sets as they are, expired or not.
struct AlgebraCosts {
  uint64_t lookups = 0;     // about
  size_t result_bytes = 0;  // at most, about
};
AlgebraCosts CostsOfIntersection(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;
AlgebraCosts CostsOfUnion(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;
AlgebraCosts CostsOfDifference(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::sets

#endif  // LARDER_OPS_SET_ALGEBRA_H_
