#include "lib/keyspace/scored.h"

#include <cstring>

#include "lib/base/check.h"
#include "lib/base/hash.h"
#include "lib/keyspace/collection.h"

namespace larder::inline v0::keyspace {
namespace {

using ds::CountedTree;

// A record of either tree, being made.
class Room {
 public:
  template <class T>
  void Put(T value) {
    std::memcpy(bytes_ + size_, &value, sizeof(T));
    size_ += sizeof(T);
  }
  void PutPart(const char* part) {
    const size_t size = static_cast<size_t>(ds::SkipPart(part) - part);
    std::memcpy(bytes_ + size_, part, size);
    size_ += size;
  }
  Bytes view() const { return {bytes_, size_}; }

 private:
  size_t size_ = 0;
  char bytes_[kRecordBytesMax];
};

void MakeTreeRecord(uint64_t word, const char* part, Room* room) {
  room->Put(word);
  room->PutPart(part);
}

void MakeMapRecord(uint64_t hash, uint64_t word, const char* part, Room* room) {
  room->Put(static_cast<uint8_t>(hash & 255));
  room->Put(word);
  room->PutPart(part);
}

Bytes TextOf(const char* part) {
  Bytes text;
  ds::ReadPart(part, &text);
  return text;
}

bool InsertBoth(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at, uint64_t word, const char* part)
    LARDER_REQUIRES_HOLDER {
  const Bytes member = TextOf(part);
  const uint64_t hash = base::HashBytes(member, *root.map.seed());
  Room in_map, in_tree;
  MakeMapRecord(hash, word, part, &in_map);
  MakeTreeRecord(word, part, &in_tree);
  CountedTree::Cursor way = root.map.LeafOf(hash);
  if (!root.map.Insert(heap, &way, in_map.view(), hash)) return false;
  if (root.tree.Insert(heap, at, in_tree.view(), ds::ComparedWord(word))) return true;
  const bool there = root.map.FindHashed(hash, member, &way);
  LARDER_CHECK(there);
  const bool erased = root.map.Erase(heap, &way);  // whose path is the map's own since the insert
  LARDER_CHECK(erased);
  return false;
}

// Of a member that is there.
CountedTree::Cursor InMap(const CollectionRoot& root, Bytes member) {
  CountedTree::Cursor cursor;
  const bool there = root.map.FindHashed(base::HashBytes(member, *root.map.seed()), member, &cursor);
  LARDER_CHECK(there);
  return cursor;
}

// Whether the record at the cursor would be between the same two neighbours with another score.
bool StaysInPlace(const CountedTree& tree, const CountedTree::Cursor& at, uint64_t old_word,
                  const ds::SortedProbe& probe) {
  if (probe.first == ds::ComparedWord(old_word)) return true;
  if (probe.first > ds::ComparedWord(old_word)) {
    CountedTree::Cursor next = at;
    const ds::PackedRecords leaf = at.leaf();
    next.Set(ds::SkipRecord(at.record(), tree.format()), at.index_in_leaf() + 1);
    LARDER_DCHECK(at.index_in_leaf() < leaf.count);
    return !tree.ToRecord(&next) || ds::CompareRecord(next.record(), tree.format(), probe) > 0;
  }
  const size_t index = at.index_in_leaf();
  if (index > 0) {
    return ds::CompareRecord(ds::RecordAt(at.leaf(), tree.format(), index - 1), tree.format(), probe) < 0;
  }
  const size_t rank = tree.Rank(at);
  return rank == 0 || ds::CompareRecord(tree.At(rank - 1).record(), tree.format(), probe) < 0;
}

}  // namespace

bool FindScoreWord(const CountedTree& map, Bytes member, uint64_t* word) {
  CountedTree::Cursor cursor;
  if (!map.FindHashed(base::HashBytes(member, *map.seed()), member, &cursor)) return false;
  *word = ds::PrefixOf<uint64_t>(cursor.record(), 1);
  return true;
}

bool InsertScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at, uint64_t word,
                  const char* part) {
  const Bytes member = TextOf(part);
  if (member.size() <= kMemberInlineMax || ds::PartBlock(part) != nullptr) {
    return InsertBoth(heap, root, at, word, part);
  }
  memory::Block* const block = heap.New(member.size(), member.size());
  if (block == nullptr) return false;
  base::CopyBytes(block->data(), member);
  char shared[1 + sizeof(block)];
  ds::WritePart(shared, block);
  if (InsertBoth(heap, root, at, word, shared)) return true;
  block->UnrefHeld();
  return false;
}

bool SetTreeWord(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* in_tree, uint64_t word) {
  return root.tree.SetPrefix(heap, in_tree, {reinterpret_cast<const char*>(&word), sizeof(word)});
}

bool SetMapWord(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* in_map, uint64_t word) {
  char* const record = root.map.Mutable(heap, in_map);
  if (record == nullptr) return false;
  std::memcpy(record + 1, &word, sizeof(word));  // behind the tag
  return true;
}

Rescored RescoreAndKeep(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at, Bytes member, uint64_t word,
                        uint64_t* there_word) {
  CountedTree::Cursor in_map = InMap(root, member);
  if (!root.map.Own(heap, &in_map) || !root.tree.Own(heap, at)) return Rescored::kNoMemory;
  const ds::SortedProbe probe = ScoredProbe(word, member);
  CountedTree::Cursor to;
  Rescored how = Rescored::kMoved;
  bool done = true;
  if (StaysInPlace(root.tree, *at, ds::PrefixOf<uint64_t>(at->record()), probe)) {
    how = Rescored::kInPlace;
    done = SetTreeWord(heap, root, at, word);
  } else if (root.tree.FindSorted(probe, &to)) {
    how = Rescored::kMovedBack;
    *there_word = ds::PrefixOf<uint64_t>(to.record());
    done = SetTreeWord(heap, root, &to, word);
  } else {
    const char* const part = at->record() + kScoredMembers.prefix;
    Room moved;
    MakeTreeRecord(word, part, &moved);
    memory::Block* const block = ds::PartBlock(part);
    if (block != nullptr) block->Ref();  // the new record's
    if (!root.tree.Insert(heap, &to, moved.view(), probe.first)) {
      if (block != nullptr) block->UnrefHeld();
      return Rescored::kNoMemory;
    }
  }
  LARDER_CHECK(done && SetMapWord(heap, root, &in_map, word));
  return how;
}

bool MoveScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at, Bytes member, uint64_t word) {
  const uint64_t old_word = ds::PrefixOf<uint64_t>(at->record());
  uint64_t there_word = 0;
  const Rescored how = RescoreAndKeep(heap, root, at, member, word, &there_word);
  if (how == Rescored::kMoved) {
    CountedTree::Cursor from;
    const bool erased = root.tree.FindSorted(ScoredProbe(old_word, member), &from) && root.tree.Erase(heap, &from);
    LARDER_CHECK(erased);
  }
  return how != Rescored::kNoMemory;
}

bool ReserveScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at) {
  CountedTree::Cursor in_map = InMap(root, ds::PartOf(at->record(), kScoredMembers, 0));
  return root.map.Own(heap, &in_map) && root.tree.Own(heap, at);
}

bool EraseScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at) {
  CountedTree::Cursor in_map = InMap(root, ds::PartOf(at->record(), kScoredMembers, 0));
  if (!root.map.Own(heap, &in_map) || !root.tree.Own(heap, at)) return false;
  const bool erased = root.map.Erase(heap, &in_map) && root.tree.Erase(heap, at);
  LARDER_CHECK(erased);
  return true;
}

bool EraseScoredRange(memory::Heap& heap, CollectionRoot& root, size_t first, size_t count) {
  if (count == 0) return true;
  bool owns = root.tree.OwnRange(heap, first, 1) && root.tree.OwnRange(heap, first + count - 1, 1);
  if (!owns) return false;
  root.tree.ForRange(first, count, false, [&](const char* record) {
    base::AssertHolder();
    const Bytes member = ds::PartOf(record, kScoredMembers, 0);
    CountedTree::Cursor leaf = root.map.LeafOf(base::HashBytes(member, *root.map.seed()));
    return owns = root.map.Own(heap, &leaf);
  });
  if (!owns) return false;
  // From here on nothing fails.
  bool erased = true;
  root.tree.ForRange(first, count, false, [&](const char* record) {
    base::AssertHolder();
    CountedTree::Cursor in_map = InMap(root, ds::PartOf(record, kScoredMembers, 0));
    return erased = root.map.Erase(heap, &in_map);
  });
  LARDER_CHECK(erased && root.tree.EraseRange(heap, first, count));
  return true;
}

}  // namespace larder::inline v0::keyspace
