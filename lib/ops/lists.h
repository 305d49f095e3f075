// What the list commands and the typed list calls do, once for both; see ops/strings.h for what all ops share. They are
// what blocking forms do when there is something to pop.
//
// A list is a "quicklist" whatever its size. How it is stored follows from its bytes: lib/keyspace/collection.h.
#ifndef LARDER_OPS_LISTS_H_
#define LARDER_OPS_LISTS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"

namespace larder::inline v0::ops::lists {

inline constexpr ds::RecordFormat kElements{0, 1, ds::RecordFormat::Order::kPosition};

enum class End : uint8_t { kLeft, kRight };

// The list at `key`, for reading; empty if there is none. Errors: kWrongType.
Result<keyspace::Collection> Open(keyspace::Db& db, Bytes key, keyspace::Lookup how) LARDER_REQUIRES_HOLDER;
inline Result<keyspace::Collection> Open(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER {
  return Open(db, key, keyspace::Lookup::kRead);
}
// Where a list is, or would be, for Set. Errors: kWrongType.
Result<keyspace::Place> Locate(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;
inline Bytes ElementOf(const keyspace::Collection& list, const char* record) { return list.Part(record, 0); }

// An index as Redis counts them, from the end if negative. False if it is not in the list.
bool IndexOf(int64_t index, size_t size, size_t* at);
// The part of a list from `start` to `stop`, both included and as Redis counts them.
struct Range {
  size_t first = 0;
  size_t count = 0;
};
Range RangeOf(int64_t start, int64_t stop, size_t size);

// LPOS: visits the indices of what is equal, until `visit` returns false.
struct PositionOptions {
  int64_t rank = 1;    // not 0; below 0: from the end
  uint64_t count = 1;  // 0: all
  uint64_t compared_max = 0;  // 0: all
};
void ForPositions(const keyspace::Collection& list, Bytes element, const PositionOptions& options,
                  absl::FunctionRef<bool(size_t index)> visit);

// LPUSH, RPUSH ("lpush", "rpush"): one after another, to an end. `only_if_there`: LPUSHX, RPUSHX. The new length, 0 if
// there is no list. `command`: the change as a command.
Result<int64_t> Push(keyspace::Db& db, Bytes key, End end, std::span<const Bytes> elements, bool only_if_there,
                     std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

// What is about to be popped, in the order in which it is.
struct Popped {
  const keyspace::Collection& list;
  End end;
  size_t count;

  void ForEach(ds::CountedTree::Visit visit) const {
    const bool backwards = end == End::kRight;
    list.ForRange(backwards && !list.empty() ? list.size() - 1 : 0, count, backwards, visit);
  }
};
// Takes it before it goes. False without memory: then it stays.
using Take = absl::FunctionRef<bool(const Popped& popped)>;

// LPOP, RPOP ("lpop", "rpop", and "del" with the last element): up to `count` elements. False if there is no list.
Result<bool> Pop(keyspace::Db& db, Bytes key, End end, size_t count, Take take) LARDER_REQUIRES_HOLDER;

// LMOVE ("lpush" or "rpush" of the destination, then "lpop" or "rpop" of the source, and its "del"): one element from an
// end of one list to an end of another, or of the same. False if there is no source.
Result<bool> Move(keyspace::Db& db, Bytes source, Bytes destination, End from, End to, Take take)
    LARDER_REQUIRES_HOLDER;

// LSET ("lset") of what Locate has found just now. Errors: kIndexOutOfRange. REQUIRES: it has found a list.
Error Set(keyspace::Db& db, Bytes key, const keyspace::Place& place, int64_t index, Bytes element)
    LARDER_REQUIRES_HOLDER;
// LINSERT ("linsert"): beside the first element that is `pivot`. The new length; -1 without pivot, 0 without list.
Result<int64_t> Insert(keyspace::Db& db, Bytes key, bool before, Bytes pivot, Bytes element) LARDER_REQUIRES_HOLDER;
// LREM ("lrem", "del"): the first `count` elements that are `element`, the last if it is negative, all if it is 0. How
// many there were.
Result<int64_t> Remove(keyspace::Db& db, Bytes key, int64_t count, Bytes element) LARDER_REQUIRES_HOLDER;
// LTRIM ("ltrim", "del"), which is told of even if nothing goes.
Error Trim(keyspace::Db& db, Bytes key, int64_t start, int64_t stop) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::lists

#endif  // LARDER_OPS_LISTS_H_
