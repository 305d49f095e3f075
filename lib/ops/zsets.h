// What the sorted set commands and the typed calls do, once for both; see ops/strings.h for what all ops share.
// Sorted sets are opened and changed member by member here; ranges are in zset_ranges.h, unions and their like in
// zset_algebra.h. How they are labelled: zset_edit.h; how they are stored: keyspace/scored.h.
#ifndef LARDER_OPS_ZSETS_H_
#define LARDER_OPS_ZSETS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"

namespace larder::inline v0::ops::zsets {

// The sorted set at `key`, for reading; empty if there is none. Errors: kWrongType.
struct Opened {
  keyspace::Collection zset;
  bool is_listpack = true;
};
Result<Opened> OpenLabelled(keyspace::Db& db, Bytes key, keyspace::Lookup how) LARDER_REQUIRES_HOLDER;
Result<keyspace::Collection> Open(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

inline double ScoreOf(const keyspace::Collection& zset, const char* record) {
  return ds::ScoreOfWord(ds::PrefixOf<uint64_t>(record, zset.format().prefix - sizeof(uint64_t)));
}
inline Bytes MemberOf(const keyspace::Collection& zset, const char* record) { return zset.Part(record, 0); }
// False if there is no such member.
bool Score(const keyspace::Collection& zset, Bytes member, double* score);
bool Rank(const keyspace::Collection& zset, Bytes member, size_t* rank);

struct Scored {
  double score = 0;
  Bytes member;
};

// Which members ZADD leaves alone. REQUIRES: what Redis allows together.
struct AddRule {
  bool only_new = false;   // NX
  bool only_old = false;   // XX
  bool only_more = false;  // GT: an old one, unless its score becomes greater
  bool only_less = false;  // LT
};
struct Added {
  int64_t added = 0;
  int64_t changed = 0;  // of those that were there
};
// ZADD ("zadd"). REQUIRES: no score is NaN. `command`: the change as a command.
Result<Added> Add(keyspace::Db& db, Bytes key, std::span<const Scored> members, AddRule rule,
                  std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// ZINCRBY, ZADD INCR ("zincr"): the new score, or none if the rule leaves the member alone. Errors: kScoreNotNumber.
Result<std::optional<double>> Increment(keyspace::Db& db, Bytes key, Bytes member, double by, AddRule rule,
                                        std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// ZREM ("zrem", and "del" with the last member): how many there were.
Result<int64_t> Remove(keyspace::Db& db, Bytes key, std::span<const Bytes> members, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;
// Removes `count` members, at least one, from index `first` on (`event`, and "del" with the last member). REQUIRES: they
// are there.
Error RemoveRange(keyspace::Db& db, Bytes key, size_t first, size_t count, Bytes event, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::zsets

#endif  // LARDER_OPS_ZSETS_H_
