#include "lib/ops/lists.h"

#include <algorithm>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::lists {
namespace {

using keyspace::Change;
using keyspace::Collection;
using keyspace::CollectionEdit;
using keyspace::Db;
using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Event;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr keyspace::Form kList{Type::kList, Encoding::kQuicklist};
constexpr Event kThenDel[] = {{EventClass::kGeneric, "del"}};
constexpr Event kThenPop[2][1] = {{{EventClass::kList, "lpop"}}, {{EventClass::kList, "rpop"}}};

Bytes PushEvent(End end) { return end == End::kLeft ? "lpush" : "rpush"; }
Bytes PopEvent(End end) { return end == End::kLeft ? "lpop" : "rpop"; }
Bytes PushCommand(End end) { return end == End::kLeft ? "LPUSH" : "RPUSH"; }
Bytes PopCommand(End end) { return end == End::kLeft ? "LPOP" : "RPOP"; }
Bytes Side(End end) { return end == End::kLeft ? "LEFT" : "RIGHT"; }

Change ListChange(Bytes event, std::span<const Bytes> command) { return {EventClass::kList, event, command}; }
Change ThatIsItsEnd(Change change) {
  change.more = kThenDel;
  return change;
}

// A list that is there, or a new one, for changing.
class ListEdit : public CollectionEdit {
 public:
  ListEdit(Db& db, Bytes key, const Place& place, bool several) LARDER_REQUIRES_HOLDER
      : CollectionEdit(db, key, place, kList, kElements, kElements, several) {}

  void AtFirst(End end, Spot* spot) const { At(end == End::kLeft ? 0 : size() - 1, spot); }
  Error Push(End end, keyspace::RecordDraft& draft) LARDER_REQUIRES_HOLDER {
    Spot spot;
    At(end == End::kLeft ? 0 : size(), &spot);
    return Insert(spot, draft);
  }
  Error EraseFirst(End end, size_t count) LARDER_REQUIRES_HOLDER {
    if (count != 1) return EraseRange(end == End::kLeft ? 0 : size() - count, count);
    Spot spot;
    AtFirst(end, &spot);
    return Erase(spot);
  }
  // Takes back what has been pushed, which needs no memory.
  void TakeBack(End end, size_t count) LARDER_REQUIRES_HOLDER {
    LARDER_CHECK(EraseRange(end == End::kLeft ? 0 : size() - count, count).ok());
  }
  Error CommitChange(const Change& change) LARDER_REQUIRES_HOLDER { return Commit(change, ThatIsItsEnd(change)); }
};

// One change of a list is worth as many as it changes elements.
void CountDirty(Db& db, size_t elements) LARDER_REQUIRES_HOLDER {
  db.keyspace().effects().AdjustDirty(static_cast<int64_t>(elements) - 1);
}

}  // namespace

Result<Collection> Open(Db& db, Bytes key, Lookup how) {
  const keyspace::Entry* const entry = db.Find(key, how);
  if (entry != nullptr && entry->type() != Type::kList) return errors::kWrongType;
  return Collection(entry, kElements);
}

Result<Place> Locate(Db& db, Bytes key) {
  const Place place = db.Locate(key, Lookup::kWrite);
  if (place != nullptr && place->type() != Type::kList) return errors::kWrongType;
  return place;
}

bool IndexOf(int64_t index, size_t size, size_t* at) {
  const auto end = static_cast<int64_t>(size);
  if (index < 0) index += end;
  if (index < 0 || index >= end) return false;
  *at = static_cast<size_t>(index);
  return true;
}

Range RangeOf(int64_t start, int64_t stop, size_t size) {
  const auto end = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + end, 0);
  if (stop < 0) stop += end;
  stop = std::min(stop, end - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start) + 1};
}

void ForPositions(const Collection& list, Bytes element, const PositionOptions& options,
                  absl::FunctionRef<bool(size_t index)> visit) {
  if (list.empty()) return;
  const bool backwards = options.rank < 0;
  const size_t last = list.size() - 1;
  uint64_t skip = (backwards ? -static_cast<uint64_t>(options.rank) : static_cast<uint64_t>(options.rank)) - 1;
  uint64_t left = options.count;
  size_t at = 0;
  const size_t compared = options.compared_max == 0 ? list.size() : std::min(options.compared_max, list.size());
  list.ForRange(backwards ? last : 0, compared, backwards, [&](const char* record) {
    const size_t index = at++;
    if (ElementOf(list, record) != element) return true;
    if (skip != 0) {
      --skip;
      return true;
    }
    return visit(backwards ? last - index : index) && (left == 0 || --left != 0);
  });
}

Result<int64_t> Push(Db& db, Bytes key, End end, std::span<const Bytes> elements, bool only_if_there,
                     std::span<const Bytes> command) {
  LARDER_DCHECK(!elements.empty());
  LARDER_ASSIGN_OR_RETURN(const Place place, Locate(db, key));
  if (place == nullptr && only_if_there) return 0;
  ListEdit list(db, key, place, false);
  for (size_t i = 0; i < elements.size(); ++i) {
    keyspace::RecordDraft draft = list.Draft();
    if (draft.Part(elements[i]) && list.Push(end, draft).ok()) continue;
    list.TakeBack(end, i);
    return errors::kAllocationFailed;
  }
  const auto size = static_cast<int64_t>(list.size());
  LARDER_RETURN_IF_ERROR(list.CommitChange(ListChange(PushEvent(end), command)));
  CountDirty(db, elements.size());
  return size;
}

Result<bool> Pop(Db& db, Bytes key, End end, size_t count, Take take) {
  LARDER_ASSIGN_OR_RETURN(const Place place, Locate(db, key));
  if (place == nullptr) return false;
  const Collection all(place, kElements);
  count = std::min(count, all.size());
  if (!take({all, end, count})) return errors::kAllocationFailed;
  if (count == 0) return true;
  char digits[base::kIntChars];
  const Bytes command[] = {PopCommand(end), key, base::FormatInt64(static_cast<int64_t>(count), digits)};
  const Change change = ListChange(PopEvent(end), command);
  if (count == all.size()) {
    db.Delete(place, ThatIsItsEnd(change));
  } else {
    ListEdit list(db, key, place, false);
    LARDER_RETURN_IF_ERROR(list.EraseFirst(end, count));
    LARDER_RETURN_IF_ERROR(list.CommitChange(change));
  }
  CountDirty(db, count);
  return true;
}

namespace {

// LMOVE of a list to itself.
Error Rotate(Db& db, Bytes key, const Place& place, End from, End to) LARDER_REQUIRES_HOLDER {
  const Bytes command[] = {"LMOVE", key, key, Side(from), Side(to)};
  Change change = ListChange(PushEvent(to), command);
  change.more = kThenPop[from == End::kRight];
  ListEdit list(db, key, place, false);
  if (from == to || list.size() == 1) {
    db.EmitUnchanged(place, change);
    return kOk;
  }
  CollectionEdit::Spot spot;
  list.AtFirst(from, &spot);
  keyspace::RecordDraft draft = list.Draft();
  draft.Copy(spot.record, kElements);
  if (list.Read().tree() == nullptr) {
    LARDER_RETURN_IF_ERROR(list.Erase(spot));
    LARDER_RETURN_IF_ERROR(list.Push(to, draft));
    return list.Commit(change, change);
  }
  LARDER_RETURN_IF_ERROR(list.Push(to, draft));
  list.AtFirst(from, &spot);
  if (!list.Erase(spot).ok()) {  // of a leaf that it shares with a copy
    list.TakeBack(to, 1);
    return errors::kAllocationFailed;
  }
  return list.Commit(change, change);
}

// LMOVE between two lists. What may fail is done to both of them before either shows it.
Error MoveOver(Db& db, Bytes source, Place from_place, Bytes destination, const Place& to_place, End from, End to)
    LARDER_REQUIRES_HOLDER {
  const Effects::Group group(db.keyspace().effects());
  const Collection all(from_place, kElements);
  const Bytes element = ElementOf(all, all.At(from == End::kLeft ? 0 : all.size() - 1));
  const Bytes pop_command[] = {PopCommand(from), source};
  ListEdit from_list(db, source, from_place, false);
  CollectionEdit::Spot spot;
  from_list.AtFirst(from, &spot);
  {
    // `element` stays where it is until this has been told of.
    const Bytes push_command[] = {PushCommand(to), destination, element};
    ListEdit to_list(db, destination, to_place, false);
    keyspace::RecordDraft draft = to_list.Draft();
    draft.Copy(spot.record, kElements);
    LARDER_RETURN_IF_ERROR(to_list.Push(to, draft));
    if (!from_list.PrepareErase(spot).ok()) {
      to_list.TakeBack(to, 1);
      return errors::kAllocationFailed;
    }
    const Error error = to_list.CommitChange(ListChange(PushEvent(to), push_command));
    from_place = db.Locate(source, Lookup::kPeek);
    if (!error.ok()) return error;
  }
  const Change change = ListChange(PopEvent(from), pop_command);
  from_list.CommitErase(spot, change, ThatIsItsEnd(change));
  CountDirty(db, 0);  // two effects, and for Redis one change
  return kOk;
}

}  // namespace

Result<bool> Move(Db& db, Bytes source, Bytes destination, End from, End to, Take take) {
  LARDER_ASSIGN_OR_RETURN(const Place from_place, Locate(db, source));
  if (from_place == nullptr) return false;
  if (source == destination) {
    if (!take({Collection(from_place, kElements), from, 1})) return errors::kAllocationFailed;
    LARDER_RETURN_IF_ERROR(Rotate(db, source, from_place, from, to));
    return true;
  }
  LARDER_ASSIGN_OR_RETURN(const Place to_place, Locate(db, destination));
  // Finding the destination may have deleted it, if its time was over.
  const Place now = db.Locate(source, Lookup::kPeek);
  if (!take({Collection(now, kElements), from, 1})) return errors::kAllocationFailed;
  LARDER_RETURN_IF_ERROR(MoveOver(db, source, now, destination, to_place, from, to));
  return true;
}

Error Set(Db& db, Bytes key, const Place& place, int64_t index, Bytes element) {
  ListEdit list(db, key, place, false);
  size_t at = 0;
  if (!IndexOf(index, list.size(), &at)) return errors::kIndexOutOfRange;
  CollectionEdit::Spot spot;
  list.At(at, &spot);
  keyspace::RecordDraft draft = list.Draft();
  if (!draft.Part(element)) return errors::kAllocationFailed;
  LARDER_RETURN_IF_ERROR(list.Replace(spot, draft));
  char digits[base::kIntChars];
  const Bytes command[] = {"LSET", key, base::FormatInt64(index, digits), element};
  return list.CommitChange(ListChange("lset", command));
}

Result<int64_t> Insert(Db& db, Bytes key, bool before, Bytes pivot, Bytes element) {
  LARDER_ASSIGN_OR_RETURN(const Place place, Locate(db, key));
  if (place == nullptr) return 0;
  ListEdit list(db, key, place, false);
  CollectionEdit::Spot spot;
  if (!list.Find(pivot, &spot)) return -1;
  if (!before) list.Behind(&spot);
  keyspace::RecordDraft draft = list.Draft();
  if (!draft.Part(element)) return errors::kAllocationFailed;
  LARDER_RETURN_IF_ERROR(list.Insert(spot, draft));
  const auto size = static_cast<int64_t>(list.size());
  const Bytes command[] = {"LINSERT", key, before ? "BEFORE" : "AFTER", pivot, element};
  LARDER_RETURN_IF_ERROR(list.CommitChange(ListChange("linsert", command)));
  return size;
}

namespace {

// How many elements from `index` on, or, backwards, from it down, are (`equal`) or are not this one; up to `most`.
size_t RunOf(const Collection& list, size_t index, bool backwards, Bytes element, bool equal, size_t most) {
  size_t run = 0;
  list.ForRange(index, backwards ? index + 1 : list.size() - index, backwards, [&](const char* record) {
    return run < most && (ElementOf(list, record) == element) == equal && (++run, true);
  });
  return run;
}

// Erases the first or last `count` elements that are this one, of which there are so many.
Error EraseEqual(ListEdit& list, bool backwards, Bytes element, size_t count) LARDER_REQUIRES_HOLDER {
  size_t passed = 0;
  while (count > 0) {
    size_t at = backwards ? list.size() - 1 - passed : passed;
    const size_t other = RunOf(list.Read(), at, backwards, element, false, SIZE_MAX);
    passed += other;
    at = backwards ? at - other : at + other;
    const size_t run = RunOf(list.Read(), at, backwards, element, true, count);
    LARDER_RETURN_IF_ERROR(list.EraseRange(backwards ? at + 1 - run : at, run));
    count -= run;
  }
  return kOk;
}

}  // namespace

Result<int64_t> Remove(Db& db, Bytes key, int64_t count, Bytes element) {
  LARDER_ASSIGN_OR_RETURN(const Place place, Locate(db, key));
  if (place == nullptr) return 0;
  const Collection all(place, kElements);
  const bool backwards = count < 0;
  const uint64_t most = backwards ? -static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
  size_t found = 0;
  ForPositions(all, element, {.rank = backwards ? -1 : 1, .count = most}, [&](size_t) { return ++found != 0; });
  if (found == 0) return 0;
  char digits[base::kIntChars];
  const Bytes command[] = {"LREM", key, base::FormatInt64(count, digits), element};
  const Change change = ListChange("lrem", command);
  if (found == all.size()) {
    db.Delete(place, ThatIsItsEnd(change));
  } else {
    ListEdit list(db, key, place, found > 1);
    LARDER_RETURN_IF_ERROR(EraseEqual(list, backwards, element, found));
    LARDER_RETURN_IF_ERROR(list.CommitChange(change));
  }
  CountDirty(db, found);
  return static_cast<int64_t>(found);
}

Error Trim(Db& db, Bytes key, int64_t start, int64_t stop) {
  LARDER_ASSIGN_OR_RETURN(const Place place, Locate(db, key));
  if (place == nullptr) return kOk;
  const size_t size = Collection(place, kElements).size();
  const Range kept = RangeOf(start, stop, size);
  char start_digits[base::kIntChars], stop_digits[base::kIntChars];
  const Bytes command[] = {"LTRIM", key, base::FormatInt64(start, start_digits), base::FormatInt64(stop, stop_digits)};
  const Change change = ListChange("ltrim", command);
  const size_t behind = size - kept.first - kept.count;
  if (kept.count == 0) {
    db.Delete(place, ThatIsItsEnd(change));
  } else if (kept.count == size) {
    db.EmitUnchanged(place, change);
  } else {
    ListEdit list(db, key, place, kept.first != 0 && behind != 0);
    LARDER_RETURN_IF_ERROR(list.EraseRange(size - behind, behind));
    LARDER_RETURN_IF_ERROR(list.EraseRange(0, kept.first));
    LARDER_RETURN_IF_ERROR(list.CommitChange(change));
  }
  CountDirty(db, size - kept.count);
  return kOk;
}

}  // namespace larder::inline v0::ops::lists
