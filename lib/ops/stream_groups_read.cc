// Consumer groups: reading.
#include <algorithm>
#include <cstring>

#include "lib/ops/stream_groups.h"

namespace larder::inline v0::ops::streams {
namespace {

// From how many dead records in a row on it is cheaper to ask the living where theirs are.
constexpr int kDeadInARow = 32;

ds::SortedProbe NameProbe(uint64_t owner, Bytes name) {
  return {.first = owner, .second = 0, .part = name, .numbers = {}};
}

uint32_t NumberIn(const char* names_record) {
  uint32_t number;
  std::memcpy(&number, ds::PartOf(names_record, kNameFormat, 1).data(), sizeof(number));
  return number;
}

bool ReadSpace(const StreamRoot& root, uint32_t number, Space* space) {
  ds::CountedTree::Cursor cursor;
  if (!root.tree(kSpaces).FindSorted(ds::ProbeOf({0, number, 0}), &cursor)) return false;
  *space = {number, PayloadAs<SpaceInfo>(cursor.record())};
  return true;
}

bool FindNamed(const StreamRoot& root, uint64_t owner, Bytes name, Space* space) {
  ds::CountedTree::Cursor cursor;
  return root.tree(kNames).FindSorted(NameProbe(owner, name), &cursor) &&
         ReadSpace(root, NumberIn(cursor.record()), space);
}

void ForNamed(const StreamRoot& root, uint64_t owner, VisitSpace visit) {
  const ds::CountedTree& names = root.tree(kNames);
  ds::CountedTree::Cursor cursor;
  if (names.empty()) return;
  names.FindSorted(NameProbe(owner, {}), &cursor);
  const size_t first = names.Rank(cursor);
  if (first == names.size()) return;
  names.ForRange(first, names.size() - first, false, [&](const char* record) {
    Space space;
    return ds::FirstWord(record, kNameFormat) == owner && ReadSpace(root, NumberIn(record), &space) &&
           visit(ds::PartOf(record, kNameFormat, 0), space);
  });
}

// The first record of the pending tree's space that is not before `from`.
bool FirstIn(const ds::CountedTree& pending, const ds::Numbers& from, ds::Numbers* found) {
  ds::CountedTree::Cursor cursor;
  if (pending.empty()) return false;
  pending.FindSorted(ds::ProbeOf(from), &cursor);
  if (!pending.ToRecord(&cursor)) return false;
  *found = ds::NumbersOf(cursor.record());
  return found->space == from.space;
}

}  // namespace

bool FindGroup(const StreamRoot& root, Bytes name, Space* group) { return FindNamed(root, 0, name, group); }
bool FindConsumer(const StreamRoot& root, const Space& group, Bytes name, Space* consumer) {
  return FindNamed(root, group.number, name, consumer);
}
void ForGroups(const StreamRoot& root, VisitSpace visit) { ForNamed(root, 0, visit); }
void ForConsumers(const StreamRoot& root, const Space& group, VisitSpace visit) {
  ForNamed(root, group.number, visit);
}

size_t GroupCount(const StreamRoot& root) {
  const ds::CountedTree& names = root.tree(kNames);
  if (names.empty()) return 0;
  ds::CountedTree::Cursor cursor;
  names.FindSorted(NameProbe(1, {}), &cursor);
  return names.Rank(cursor);
}

Bytes NameOf(const StreamRoot& root, uint32_t consumer) {
  ds::CountedTree::Cursor cursor;
  LARDER_CHECK(root.tree(kSpaces).FindSorted(ds::ProbeOf({0, consumer, 0}), &cursor));
  return ds::PartOf(cursor.record(), kTwoParts, 1);
}

// ---- Counting -------------------------------------------------------------------------------------------------------

bool HasDeleted(const StreamRoot& root, StreamId from) {
  return root.length() != 0 && !root.max_deleted.is_zero() && root.max_deleted >= from &&
         root.max_deleted >= Stream(&root).first_id();
}

int64_t EntriesUpTo(const StreamRoot& root, StreamId id) {
  const int64_t added = static_cast<int64_t>(root.entries_added);
  if (added == 0) return 0;
  if (root.length() == 0 && id <= root.last_id) return added;
  if (id == root.last_id) return added;
  if (id > root.last_id || HasDeleted(root, kMinId)) return -1;
  const StreamId first = Stream(&root).first_id();
  const int64_t length = static_cast<int64_t>(root.length());
  if (id < first) return added - length;
  return id == first ? added - length + 1 : -1;
}

bool LagOf(const StreamRoot& root, const Space& group, int64_t* lag) {
  const int64_t added = static_cast<int64_t>(root.entries_added);
  *lag = 0;
  if (added == 0) return true;
  int64_t read = group.info.entries_read;
  if (read == -1 || HasDeleted(root, group.info.last())) read = EntriesUpTo(root, group.info.last());
  *lag = added - read;
  return read != -1;
}

// ---- Pending --------------------------------------------------------------------------------------------------------

bool FindPending(const StreamRoot& root, const Space& group, StreamId id, PendingInfo* info) {
  if (id.ms < root.base_ms) return false;
  ds::CountedTree::Cursor cursor;
  return root.tree(kPending).FindSorted(ds::ProbeOf(root.Coded(id, group.number)), &cursor) &&
         ReadLiving(root, group, cursor.record(), info);
}

bool ReadLiving(const StreamRoot& root, const Space& group, const char* record, PendingInfo* info) {
  *info = ReadPending(PayloadOf(record));
  if (info->consumer == 0) return false;
  Space consumer;
  return group.info.dead_pending == 0 || (ReadSpace(root, info->consumer, &consumer) && !consumer.info.dead);
}

PendingWalk::PendingWalk(const StreamRoot& root, const Space& group, StreamId from) : root_(root), group_(group) {
  Seek(root.Floor(from, group.number));
  Settle();
}

void PendingWalk::Seek(const ds::Numbers& from) {
  root_.tree(kPending).FindSorted(ds::ProbeOf(from), &cursor_);
}

bool PendingWalk::IsDead(uint32_t consumer) {
  if (consumer == 0) return true;
  if (group_.info.dead_pending == 0) return false;
  if (looked_at_ != consumer) {
    Space space;
    was_dead_ = !ReadSpace(root_, consumer, &space) || space.info.dead;
    looked_at_ = consumer;
  }
  return was_dead_;
}

// The first ID from `from` on that is pending with a consumer that lives.
bool PendingWalk::NextOfLive(const ds::Numbers& from, ds::Numbers* next) const {
  bool found = false;
  ForConsumers(root_, group_, [&](Bytes, const Space& consumer) {
    ds::Numbers numbers;
    if (!FirstIn(root_.tree(kPending), {consumer.number, from.major, from.minor}, &numbers)) return true;
    numbers.space = from.space;
    if (!found || numbers < *next) *next = numbers;
    found = true;
    return true;
  });
  return found;
}

// To a record of the group whose consumer lives, the cursor's or one behind it.
void PendingWalk::Settle() {
  const ds::CountedTree& tree = root_.tree(kPending);
  for (int dead = 0;; ++dead) {
    done_ = !tree.ToRecord(&cursor_);
    if (done_) return;
    const char* const record = cursor_.record();
    ds::Numbers numbers = ds::NumbersOf(record);
    done_ = numbers.space != group_.number;
    if (done_) return;
    info_ = ReadPending(PayloadOf(record));
    id_ = root_.Decoded(numbers);
    if (!IsDead(info_.consumer)) return;
    if (dead < kDeadInARow) {
      cursor_.Set(ds::SkipRecord(record, kOnePart), cursor_.index_in_leaf() + 1);
      continue;
    }
    done_ = !NextOfLive(numbers, &numbers);
    if (done_) return;
    Seek(numbers);
    dead = 0;
  }
}

void PendingWalk::Next() {
  cursor_.Set(ds::SkipRecord(cursor_.record(), kOnePart), cursor_.index_in_leaf() + 1);
  Settle();
}

StreamId FirstPending(const StreamRoot& root, const Space& group) {
  const PendingWalk walk(root, group, kMinId);
  LARDER_CHECK(!walk.done());
  return walk.id();
}

StreamId LastPending(const StreamRoot& root, const Space& group) {
  const ds::CountedTree& tree = root.tree(kPending);
  const auto last_in = [&](uint32_t space, ds::Numbers* last) {
    const size_t end = IndexOf(tree, {uint64_t{space} + 1, 0, 0});
    if (end == 0) return false;
    *last = ds::NumbersOf(tree.At(end - 1).record());
    return last->space == space;
  };
  ds::Numbers last;
  if (group.info.dead_pending == 0) {
    LARDER_CHECK(last_in(group.number, &last));
    return root.Decoded(last);
  }
  StreamId greatest;
  ForConsumers(root, group, [&](Bytes, const Space& consumer) {
    if (last_in(consumer.number, &last)) greatest = std::max(greatest, root.Decoded(last));
    return true;
  });
  return greatest;
}

void ForOwned(const StreamRoot& root, const Space& consumer, StreamId from,
              absl::FunctionRef<bool(StreamId id)> visit) {
  const ds::CountedTree& tree = root.tree(kPending);
  const size_t first = IndexOf(tree, root.Floor(from, consumer.number));
  if (first == tree.size()) return;
  tree.ForRange(first, tree.size() - first, false, [&](const char* record) {
    const ds::Numbers numbers = ds::NumbersOf(record);
    return numbers.space == consumer.number && visit(root.Decoded(numbers));
  });
}

StreamId IdIn(const base::Buffer& ids, size_t index) {
  StreamId id;
  std::memcpy(static_cast<void*>(&id), ids.data() + index * sizeof(id), sizeof(id));
  return id;
}

}  // namespace larder::inline v0::ops::streams
