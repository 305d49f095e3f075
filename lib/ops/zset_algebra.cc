#include "lib/ops/zset_algebra.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "lib/keyspace/errors.h"

namespace larder::inline v0::ops::zsets {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;

// What is not a number counts as 0: inf * 0, inf - inf.
double NumberOr0(double score) { return std::isnan(score) ? 0 : score; }

double Aggregated(Aggregate aggregate, double so_far, double score) {
  switch (aggregate) {
    case Aggregate::kSum: return NumberOr0(so_far + score);
    case Aggregate::kMin: return score < so_far ? score : so_far;
    case Aggregate::kMax: return score > so_far ? score : so_far;
  }
  return so_far;
}

// The smallest first, as Redis has them: sums are made in this order. Those of one size stay as they are.
void SortBySize(std::span<Source> sources) {
  // Without memory for a copy it makes do.
  std::stable_sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.size() < b.size(); });
}

// Calls `visit` with each member that is in all sources, and its score. The sources are sorted.
template <class F>
void ForCommon(std::span<const Source> sources, Aggregate aggregate, F visit) {
  const Source& least = sources[0];
  if (least.size() == 0) return;
  least.ForEach([&](Bytes member, double own) {
    double score = NumberOr0(least.weight * own);
    for (const Source& other : sources.subspan(1)) {
      double there = 0;
      if (!other.Find(member, &there)) return true;
      score = Aggregated(aggregate, score, other.weight * there);
    }
    return visit(member, score);
  });
}

Error Unite(std::span<const Source> sources, Aggregate aggregate, ZsetEdit& result) LARDER_REQUIRES_HOLDER {
  Error error;
  for (const Source& source : sources) {
    const bool first = result.size() == 0;
    source.ForEach([&](Bytes member, double own) {
      base::AssertHolder();
      const double score = NumberOr0(source.weight * own);
      double so_far = 0;
      if (first || !result.Find(member, &so_far)) {
        error = result.Insert(member, score);
      } else {
        const double now = Aggregated(aggregate, so_far, score);
        if (now != so_far || std::signbit(now) != std::signbit(so_far)) error = result.Rescore(member, now);
      }
      return error.ok();
    });
    LARDER_RETURN_IF_ERROR(error);
  }
  return kOk;
}

Error Subtract(std::span<const Source> sources, ZsetEdit& result) LARDER_REQUIRES_HOLDER {
  const Source& first = sources[0];
  Error error;
  first.ForEach([&](Bytes member, double own) {
    base::AssertHolder();
    double there = 0;
    for (const Source& other : sources.subspan(1)) {
      if (other.Find(member, &there)) return true;
    }
    error = result.Insert(member, own);
    return error.ok();
  });
  return error;
}

Result<size_t> Store(Db& db, Bytes key, ZsetEdit& made, Bytes event, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER {
  const size_t size = made.size();
  if (size == 0) {
    db.DeleteAny(key, Change{EventClass::kGeneric, "del", command});
    return size;
  }
  LARDER_RETURN_IF_ERROR(made.Commit(Change{EventClass::kZset, event, command}));
  return size;
}

}  // namespace

Result<Source> OpenSource(Db& db, Bytes key) {
  const keyspace::Entry* const entry = db.Find(key, Lookup::kRead);
  if (entry == nullptr) return Source{};
  if (entry->type() == keyspace::Type::kSet) return Source{.members = sets::Set(entry).records(), .is_set = true};
  if (entry->type() != keyspace::Type::kZset) return errors::kWrongType;
  return Source{.members = keyspace::Collection(entry, keyspace::kScoredMembers)};
}

Error Sources::Open(Db& db, std::span<const Bytes> keys) {
  if (!room_.Reserve(keys.size() * sizeof(Source))) return errors::kAllocationFailed;
  for (const Bytes key : keys) {
    LARDER_ASSIGN_OR_RETURN(const Source source, OpenSource(db, key));
    new (room_.Extend(sizeof(Source))) Source(source);
  }
  return kOk;
}

Error Combine(Algebra what, std::span<Source> sources, Aggregate aggregate, ZsetEdit& result) {
  LARDER_DCHECK(!sources.empty());
  if (what == Algebra::kDifference) return Subtract(sources, result);
  SortBySize(sources);
  if (what == Algebra::kUnion) return Unite(sources, aggregate, result);
  Error error;
  ForCommon(sources, aggregate, [&](Bytes member, double score) {
    base::AssertHolder();
    error = result.Insert(member, score);
    return error.ok();
  });
  return error;
}

size_t CountCommon(std::span<Source> sources, size_t limit) {
  SortBySize(sources);
  size_t count = 0;
  ForCommon(sources, Aggregate::kMax, [&](Bytes, double) { return ++count != limit; });
  return count;
}

Result<size_t> StoreCombined(Db& db, Bytes key, Algebra what, std::span<Source> sources, Aggregate aggregate,
                             Bytes event, std::span<const Bytes> command) {
  const Place place = db.Locate(key, Lookup::kWrite);
  ZsetEdit made(db, key, place, ZsetEdit::Anew::kSkiplist);
  LARDER_RETURN_IF_ERROR(Combine(what, sources, aggregate, made));
  LARDER_RETURN_IF_ERROR(made.ShrinkLabel());
  return Store(db, key, made, event, command);
}

Result<size_t> StoreRange(Db& db, Bytes key, const Opened& from, const Range& range, std::span<const Bytes> command) {
  const Place place = db.Locate(key, Lookup::kWrite);
  const Picked picked = Pick(from, range);
  // Redis knows how many there will be only of ranks.
  const bool large = range.by == Range::kRank && picked.count > db.keyspace().config().zset_packed_entries_max;
  ZsetEdit made(db, key, place, large ? ZsetEdit::Anew::kSkiplist : ZsetEdit::Anew::kListpack);
  Error error;
  from.zset.ForRange(picked.first, picked.count, picked.backwards, [&](const char* record) {
    base::AssertHolder();
    error = made.Insert(MemberOf(from.zset, record), ScoreOf(from.zset, record));
    return error.ok();
  });
  LARDER_RETURN_IF_ERROR(error);
  return Store(db, key, made, "zrangestore", command);
}

}  // namespace larder::inline v0::ops::zsets
