#include "lib/ops/set_algebra.h"

#include <algorithm>
#include <new>
#include <type_traits>

#include "lib/base/check.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::sets {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

bool Smaller(const Set& a, const Set& b) { return a.size() < b.size(); }
bool Larger(const Set& a, const Set& b) { return a.size() > b.size(); }

bool AnyHas(std::span<const Set> sets, Member& member) {
  return std::any_of(sets.begin(), sets.end(), [&](const Set& set) { return set.Has(member); });
}
bool AllHave(std::span<const Set> sets, Member& member) {
  return std::all_of(sets.begin(), sets.end(), [&](const Set& set) { return set.Has(member); });
}

uint64_t SumOfSizes(std::span<const Set> sets) {
  uint64_t sum = 0;
  for (const Set& set : sets) sum += set.size();
  return sum;
}

// Calls `use` with each member until there is an error.
template <class Use>
Error ForMembers(const Set& set, Use use) {
  Error error = kOk;
  set.records().ForEach([&](const char* record) {
    error = set.WithMember(record, use);
    return error.ok();
  });
  return error;
}

Error AddAll(const Set& set, SetEdit& to) LARDER_REQUIRES_HOLDER {
  return ForMembers(set, [&](Member& member) {
    base::AssertHolder();
    return to.Add(member).error();
  });
}

Error AddRecord(const Set& set, const char* record, SetEdit& to) LARDER_REQUIRES_HOLDER {
  return set.WithMember(record, [&](Member& member) {
    base::AssertHolder();
    return to.Add(member).error();
  });
}

// Whether a result of at least so many members, of which this set's are the most, can begin as a clone of it: it is a
// table, and stays one.
bool CanBegin(Db& db, const Set& set, uint64_t least) LARDER_REQUIRES_HOLDER {
  return set.records().tree() != nullptr && !set.has_numbers() && least > db.keyspace().config().intset_entries_max;
}

// `sets` are in another order afterwards.
Error AddUnion(Db& db, std::span<Set> sets, SetEdit& to) LARDER_REQUIRES_HOLDER {
  std::swap(sets.front(), *std::max_element(sets.begin(), sets.end(), Smaller));
  LARDER_RETURN_IF_ERROR(CanBegin(db, sets.front(), sets.front().size()) ? to.StartAs(sets.front())
                                                                         : AddAll(sets.front(), to));
  for (const Set& set : sets.subspan(1)) LARDER_RETURN_IF_ERROR(AddAll(set, to));
  return kOk;
}

// How Redis labels a difference follows from how it makes it: from the members that remain, or from the first set, of
// which it then erases the others' members. It chooses by comparing these sums.
bool IsErasedFromFirst(std::span<const Set> sets) {
  const auto there = std::count_if(sets.begin(), sets.end(), [](const Set& set) { return !set.empty(); });
  return sets.front().size() * static_cast<uint64_t>(there) / 2 > SumOfSizes(sets);
}

// Whether a set of these members is a table.
bool MakesTable(Db& db, const Set& set) LARDER_REQUIRES_HOLDER {
  if (set.size() > db.keyspace().config().intset_entries_max) return true;
  if (set.has_numbers()) return false;
  bool found = false;
  set.records().ForEach([&](const char* record) {
    set.WithMember(record, [&](Member& member) { found = !member.is_number(); });
    return !found;
  });
  return found;
}

Error AddDifference(Db& db, std::span<Set> sets, SetEdit& to) LARDER_REQUIRES_HOLDER {
  const Set& first = sets.front();
  if (first.empty()) return kOk;
  const uint64_t others = SumOfSizes(sets.subspan(1));
  constexpr uint64_t kMany = 4;
  if (others * kMany < first.size() && CanBegin(db, first, first.size() - others)) {
    LARDER_RETURN_IF_ERROR(to.StartAs(first));
    for (const Set& set : sets.subspan(1)) {
      LARDER_RETURN_IF_ERROR(ForMembers(set, [&](Member& member) {
        base::AssertHolder();
        return to.Erase(member).error();
      }));
    }
    return kOk;
  }
  if (IsErasedFromFirst(sets) && MakesTable(db, first)) LARDER_RETURN_IF_ERROR(to.BecomeTable());
  Error error = kOk;
  Subtract(sets, [&](const Set& set, const char* record) {
    base::AssertHolder();
    error = AddRecord(set, record, to);
    return error.ok();
  });
  return error;
}

// What all three do: `make` fills the new set.
Result<int64_t> Store(Db& db, Bytes to, std::span<const Bytes> keys, Bytes event, std::span<const Bytes> command,
                      absl::FunctionRef<Error(std::span<Set> sets, SetEdit& made)> make) LARDER_REQUIRES_HOLDER {
  Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Open(db, keys));
  const Place place = db.Locate(to, Lookup::kWrite);
  SetEdit made(db, to, place, SetEdit::Anew{});
  LARDER_RETURN_IF_ERROR(make(sources.sets(), made));
  const int64_t size = static_cast<int64_t>(made.size());
  LARDER_RETURN_IF_ERROR(made.Commit({EventClass::kSet, event, command}, {EventClass::kGeneric, "del", command}));
  return size;
}

}  // namespace

Error Sources::Open(Db& db, std::span<const Bytes> keys) {
  static_assert(std::is_trivially_destructible_v<Set>);
  if (room_.Extend(keys.size() * sizeof(Set)) == nullptr) return errors::kAllocationFailed;
  auto window = keyspace::WindowOver(db, keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    const Entry* const entry = window.Find(i, Lookup::kRead);
    if (entry != nullptr && entry->type() != Type::kSet) return errors::kWrongType;
    new (room_.data() + i * sizeof(Set)) Set(entry);
    ++count_;
  }
  return kOk;
}

void Intersect(std::span<Set> sets, VisitMember visit) {
  if (sets.empty()) return;
  std::swap(sets.front(), *std::min_element(sets.begin(), sets.end(), Smaller));
  std::sort(sets.begin() + 1, sets.end(), Smaller);  // the smaller, the likelier it lacks a member
  const Set& smallest = sets.front();
  smallest.records().ForEach([&](const char* record) {
    const bool in_all = smallest.WithMember(record, [&](Member& member) { return AllHave(sets.subspan(1), member); });
    return !in_all || visit(smallest, record);
  });
}

Error Unite(Db& db, std::span<Set> sets, VisitMember visit) {
  if (sets.empty()) return kOk;
  constexpr size_t kFew = 4;
  const bool all_numbers =
      std::all_of(sets.begin(), sets.end(), [](const Set& set) { return set.empty() || set.has_numbers(); });
  if (sets.size() > 1 && (sets.size() > kFew || all_numbers)) {
    const Place nowhere;
    SetEdit made(db, {}, nowhere, SetEdit::Anew{});
    LARDER_RETURN_IF_ERROR(AddUnion(db, sets, made));
    const Set all = made.Read();
    all.records().ForEach([&](const char* record) { return visit(all, record); });
    return kOk;
  }
  std::sort(sets.begin(), sets.end(), Larger);
  bool goes_on = true;
  for (size_t i = 0; i < sets.size() && goes_on; ++i) {
    const Set& set = sets[i];
    set.records().ForEach([&](const char* record) {
      const bool was_met = set.WithMember(record, [&](Member& member) { return AnyHas(sets.first(i), member); });
      return goes_on = was_met || visit(set, record);
    });
  }
  return kOk;
}

void Subtract(std::span<Set> sets, VisitMember visit) {
  if (sets.empty()) return;
  const Set& first = sets.front();
  const std::span<Set> others = sets.subspan(1);
  // The same key once more leaves nothing.
  if (std::any_of(others.begin(), others.end(), [&](const Set& set) { return set.entry() == first.entry(); })) return;
  std::sort(others.begin(), others.end(), Larger);  // the larger, the likelier it has a member
  first.records().ForEach([&](const char* record) {
    const bool gone = first.WithMember(record, [&](Member& member) { return AnyHas(others, member); });
    return gone || visit(first, record);
  });
}

Result<int64_t> StoreIntersection(Db& db, Bytes to, std::span<const Bytes> keys, std::span<const Bytes> command) {
  return Store(db, to, keys, "sinterstore", command, [](std::span<Set> sets, SetEdit& made) {
    Error error = kOk;
    Intersect(sets, [&](const Set& set, const char* record) {
      base::AssertHolder();
      error = AddRecord(set, record, made);
      return error.ok();
    });
    return error;
  });
}

Result<int64_t> StoreUnion(Db& db, Bytes to, std::span<const Bytes> keys, std::span<const Bytes> command) {
  return Store(db, to, keys, "sunionstore", command, [&](std::span<Set> sets, SetEdit& made) {
    base::AssertHolder();
    return AddUnion(db, sets, made);
  });
}

Result<int64_t> StoreDifference(Db& db, Bytes to, std::span<const Bytes> keys, std::span<const Bytes> command) {
  return Store(db, to, keys, "sdiffstore", command, [&](std::span<Set> sets, SetEdit& made) {
    base::AssertHolder();
    return AddDifference(db, sets, made);
  });
}

// ---- Costs ----------------------------------------------------------------------------------------------------------

namespace {

struct Totals {
  uint64_t sets = 0;
  uint64_t sizes = 0;
  size_t bytes = 0;
  uint64_t least_size = UINT64_MAX;  // and the bytes of that one
  size_t least_bytes = 0;
  uint64_t first_size = 0;
  size_t first_bytes = 0;
};

Totals TotalsOf(Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER {
  Totals totals;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Entry* const entry = db.FindUnchanged(keys[i]);
    const bool is_set = entry != nullptr && entry->type() == Type::kSet;
    const uint64_t size = is_set ? Set(entry).size() : 0;
    const size_t bytes = is_set ? keyspace::Keyspace::BytesOf(*entry) : 0;
    ++totals.sets;
    totals.sizes += size;
    totals.bytes += bytes;
    if (i == 0) {
      totals.first_size = size;
      totals.first_bytes = bytes;
    }
    if (size < totals.least_size) {
      totals.least_size = size;
      totals.least_bytes = bytes;
    }
  }
  return totals;
}

}  // namespace

AlgebraCosts CostsOfIntersection(Db& db, std::span<const Bytes> keys) {
  if (keys.empty()) return {};
  const Totals totals = TotalsOf(db, keys);
  return {totals.least_size * totals.sets, totals.least_bytes};
}

AlgebraCosts CostsOfUnion(Db& db, std::span<const Bytes> keys) {
  const Totals totals = TotalsOf(db, keys);
  return {totals.sizes * std::min<uint64_t>(totals.sets, 4), totals.bytes};
}

AlgebraCosts CostsOfDifference(Db& db, std::span<const Bytes> keys) {
  const Totals totals = TotalsOf(db, keys);
  return {totals.first_size * totals.sets, totals.first_bytes};
}

}  // namespace larder::inline v0::ops::sets
