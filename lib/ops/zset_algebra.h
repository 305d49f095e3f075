// Unions, intersections and differences of sorted sets, and what is stored as a new one.
#ifndef LARDER_OPS_ZSET_ALGEBRA_H_
#define LARDER_OPS_ZSET_ALGEBRA_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/ops/set_value.h"
#include "lib/ops/zset_edit.h"
#include "lib/ops/zset_ranges.h"

namespace larder::inline v0::ops::zsets {

// What is at a key as an operand: a sorted set, or a set, whose members have the score 1.
struct Source {
  keyspace::Collection members;
  bool is_set = false;
  double weight = 1;

  size_t size() const { return members.size(); }
  // Visits the members and their scores until `visit` returns false. A member is valid until the next is visited.
  template <class Visit>
  void ForEach(Visit visit) const {
    const sets::Set set(members);
    members.ForEach([&](const char* record) {
      if (!is_set) return visit(MemberOf(members, record), ScoreOf(members, record));
      sets::Digits digits;
      return visit(set.TextAt(record, digits), 1.0);
    });
  }
  bool Find(Bytes member, double* score) const {
    if (size() == 0) return false;
    if (!is_set) return Score(members, member, score);
    *score = 1;
    return sets::Set(members).Has(member);
  }
};
// Errors: kWrongType.
Result<Source> OpenSource(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

// Operands in memory that can be refused.
class Sources {
 public:
  // Errors: kWrongType, kAllocationFailed.
  Error Open(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;
  std::span<Source> all() { return {reinterpret_cast<Source*>(room_.data()), room_.size() / sizeof(Source)}; }

 private:
  base::Buffer room_;
};

enum class Algebra : uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// Puts the result into `result`, which is empty. The sources change their order. Errors: kAllocationFailed.
Error Combine(Algebra what, std::span<Source> sources, Aggregate aggregate, ZsetEdit& result) LARDER_REQUIRES_HOLDER;
// How many members all have, or `limit` if there are more (0: no limit).
size_t CountCommon(std::span<Source> sources, size_t limit);

// ZUNIONSTORE and its like (`event`, or "del" if there is no result and something was there): how many there are.
Result<size_t> StoreCombined(keyspace::Db& db, Bytes key, Algebra what, std::span<Source> sources, Aggregate aggregate,
                             Bytes event, std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// ZRANGESTORE ("zrangestore", or "del").
Result<size_t> StoreRange(keyspace::Db& db, Bytes key, const Opened& from, const Range& range,
                          std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::zsets

#endif  // LARDER_OPS_ZSET_ALGEBRA_H_
