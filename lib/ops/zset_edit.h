// ZsetEdit: a sorted set being changed, or made, with the label that Redis would give it. For the ops on sorted sets; what
// it does comes into effect with Commit (keyspace/collection.h).
//
// A sorted set begins as "listpack", up to zset-max-listpack-entries members of zset-max-listpack-value bytes each, then
// it is a "skiplist" for ever. A listpack has no -0: Redis writes whole scores as integers there.
#ifndef LARDER_OPS_ZSET_EDIT_H_
#define LARDER_OPS_ZSET_EDIT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/ds/score_word.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::zsets {

class ZsetEdit {
 public:
  // Of what is at `place`, a sorted set or nothing. `several`: as CollectionEdit has it.
  ZsetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, bool several) LARDER_REQUIRES_HOLDER;
  // A new one, without expiry, in the place of whatever is there. `packed`: it begins as "listpack".
  enum class Anew : uint8_t { kListpack, kSkiplist };
  ZsetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, Anew label) LARDER_REQUIRES_HOLDER;

  size_t size() const { return edit_.size(); }
  keyspace::Collection Read() const { return edit_.Read(); }
  bool is_listpack() const { return edit_.form().encoding == keyspace::Encoding::kListpack; }

  bool Find(Bytes member, double* score);
  // Another score for the member that was found last. `member` is no part of the sorted set.
  Error Rescore(Bytes member, double score) LARDER_REQUIRES_HOLDER;
  // A member that is not there.
  Error Insert(Bytes member, double score) LARDER_REQUIRES_HOLDER;
  Result<int64_t> EraseAll(std::span<const Bytes> members) LARDER_REQUIRES_HOLDER { return edit_.EraseAll(members); }
  Error EraseRange(size_t first, size_t count) LARDER_REQUIRES_HOLDER { return edit_.EraseRange(first, count); }
  Error EraseAt(size_t index) LARDER_REQUIRES_HOLDER {
    edit_.At(index, &spot_);
    return edit_.Erase(spot_);
  }

  // What has been made anew becomes a "listpack" if it is within the limits, whatever it has been.
  Error ShrinkLabel() LARDER_REQUIRES_HOLDER;
  Error Commit(const keyspace::Change& change) LARDER_REQUIRES_HOLDER;

 private:
  uint64_t WordOf(double score) const { return ds::ScoreWord(is_listpack() ? score + 0.0 : score); }

  const keyspace::KeyspaceConfig& config_;
  size_t longest_ = 0;        // of the members that were inserted
  bool minus_zero_ = false;   // one of them had this score
  keyspace::CollectionEdit edit_;
  keyspace::CollectionEdit::Spot spot_;
};

}  // namespace larder::inline v0::ops::zsets

#endif  // LARDER_OPS_ZSET_EDIT_H_
