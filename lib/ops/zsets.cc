#include "lib/ops/zsets.h"

#include <cmath>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/zset_edit.h"

namespace larder::inline v0::ops::zsets {
namespace {

using keyspace::Change;
using keyspace::Collection;
using keyspace::Db;
using keyspace::Encoding;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr keyspace::Event kThenDel[] = {{EventClass::kGeneric, "del"}};

Change ZsetChange(Bytes event, std::span<const Bytes> command) { return {EventClass::kZset, event, command}; }

Result<Place> LocateZset(Db& db, Bytes key) LARDER_REQUIRES_HOLDER {
  const Place place = db.Locate(key, Lookup::kWrite);
  if (place != nullptr && place->type() != Type::kZset) return errors::kWrongType;
  return place;
}

bool RuleAllows(AddRule rule, double old_score, double score) {
  return !rule.only_new && !(rule.only_more && score <= old_score) && !(rule.only_less && score >= old_score);
}

Error AddOne(ZsetEdit& zset, const Scored& one, AddRule rule, Added* added) LARDER_REQUIRES_HOLDER {
  double old_score = 0;
  if (!zset.Find(one.member, &old_score)) {
    if (rule.only_old) return kOk;
    LARDER_RETURN_IF_ERROR(zset.Insert(one.member, one.score));
    ++added->added;
    return kOk;
  }
  if (one.score == old_score || !RuleAllows(rule, old_score, one.score)) return kOk;
  LARDER_RETURN_IF_ERROR(zset.Rescore(one.member, one.score));
  ++added->changed;
  return kOk;
}

}  // namespace

Result<Opened> OpenLabelled(Db& db, Bytes key, Lookup how) {
  const keyspace::Entry* const entry = db.Find(key, how);
  if (entry != nullptr && entry->type() != Type::kZset) return errors::kWrongType;
  return Opened{Collection(entry, keyspace::kScoredMembers),
                entry == nullptr || entry->encoding() == Encoding::kListpack};
}

Result<Collection> Open(Db& db, Bytes key) {
  LARDER_ASSIGN_OR_RETURN(const Opened opened, OpenLabelled(db, key, Lookup::kRead));
  return opened.zset;
}

bool Score(const Collection& zset, Bytes member, double* score) {
  uint64_t word = 0;
  if (!zset.FindScore(member, &word)) return false;
  *score = ds::ScoreOfWord(word);
  return true;
}

bool Rank(const Collection& zset, Bytes member, size_t* rank) {
  uint64_t word = 0;
  if (!zset.FindScore(member, &word)) return false;
  *rank = zset.CountLess(keyspace::ScoredProbe(word, member));
  return true;
}

Result<Added> Add(Db& db, Bytes key, std::span<const Scored> members, AddRule rule, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateZset(db, key));
  Added added;
  if (place == nullptr && rule.only_old) return added;
  ZsetEdit zset(db, key, place, members.size() > 1);
  for (const Scored& one : members) LARDER_RETURN_IF_ERROR(AddOne(zset, one, rule, &added));
  if (added.added != 0 || added.changed != 0) LARDER_RETURN_IF_ERROR(zset.Commit(ZsetChange("zadd", command)));
  return added;
}

Result<std::optional<double>> Increment(Db& db, Bytes key, Bytes member, double by, AddRule rule,
                                        std::span<const Bytes> command) {
  using Sum = std::optional<double>;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateZset(db, key));
  if (place == nullptr && rule.only_old) return Sum();
  ZsetEdit zset(db, key, place, false);
  double sum = by;
  double old_score = 0;
  if (zset.Find(member, &old_score)) {
    if (rule.only_new) return Sum();
    sum = old_score + by;
    if (std::isnan(sum)) return errors::kScoreNotNumber;
    if (!RuleAllows(rule, old_score, sum)) return Sum();
    if (sum == old_score) return Sum(sum);
    LARDER_RETURN_IF_ERROR(zset.Rescore(member, sum));
  } else {
    if (rule.only_old) return Sum();
    LARDER_RETURN_IF_ERROR(zset.Insert(member, sum));
  }
  LARDER_RETURN_IF_ERROR(zset.Commit(ZsetChange("zincr", command)));
  return Sum(sum);
}

Result<int64_t> Remove(Db& db, Bytes key, std::span<const Bytes> members, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateZset(db, key));
  if (place == nullptr) return 0;
  ZsetEdit zset(db, key, place, members.size() > 1);
  LARDER_ASSIGN_OR_RETURN(const int64_t removed, zset.EraseAll(members));
  if (removed == 0) return 0;
  LARDER_RETURN_IF_ERROR(zset.Commit(ZsetChange("zrem", command)));
  return removed;
}

Error RemoveRange(Db& db, Bytes key, size_t first, size_t count, Bytes event, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateZset(db, key));
  LARDER_DCHECK(place != nullptr && count > 0);
  const size_t size = Collection(place, keyspace::kScoredMembers).size();
  LARDER_DCHECK(first + count <= size);
  if (count == size) {  // it is freed in steps, if it is large
    Change gone = ZsetChange(event, command);
    gone.more = kThenDel;
    db.Delete(place, gone);
    return kOk;
  }
  ZsetEdit zset(db, key, place, count > 1);
  LARDER_RETURN_IF_ERROR(count == 1 ? zset.EraseAt(first) : zset.EraseRange(first, count));
  return zset.Commit(ZsetChange(event, command));
}

}  // namespace larder::inline v0::ops::zsets
