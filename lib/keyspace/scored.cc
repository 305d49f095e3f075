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

bool MoveScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at, Bytes member, uint64_t word) {
  const uint64_t hash = base::HashBytes(member, *root.map.seed());
  CountedTree::Cursor way;
  const bool there = root.map.FindHashed(hash, member, &way);
  LARDER_CHECK(there);
  if (!root.map.Own(heap, &way) || !root.tree.Own(heap, at)) return false;
  const uint64_t old_word = ds::PrefixOf<uint64_t>(at->record());
  const char* const part = at->record() + kScoredMembers.prefix;
  Room in_map, in_tree;
  MakeMapRecord(hash, word, part, &in_map);
  MakeTreeRecord(word, part, &in_tree);
  memory::Block* const block = ds::PartBlock(part);
  if (block != nullptr) block->Ref();  // the new record's
  const ds::SortedProbe probe = ScoredProbe(word, member);
  bool ok;
  if (StaysInPlace(root.tree, *at, old_word, probe)) {
    ok = root.tree.Replace(heap, at, in_tree.view());
    LARDER_CHECK(ok);
  } else {
    CountedTree::Cursor to;
    root.tree.FindSorted(probe, &to);
    if (!root.tree.Insert(heap, &to, in_tree.view(), probe.first)) {
      if (block != nullptr) block->UnrefHeld();
      return false;
    }
    CountedTree::Cursor from;
    ok = root.tree.FindSorted(ScoredProbe(old_word, member), &from) && root.tree.Erase(heap, &from);
    LARDER_CHECK(ok);
  }
  ok = root.map.Replace(heap, &way, in_map.view());
  LARDER_CHECK(ok);
  return true;
}

bool EraseScored(memory::Heap& heap, CollectionRoot& root, CountedTree::Cursor* at) {
  const Bytes member = ds::PartOf(at->record(), kScoredMembers, 0);
  CountedTree::Cursor way;
  const bool there = root.map.FindHashed(base::HashBytes(member, *root.map.seed()), member, &way);
  LARDER_CHECK(there);
  if (!root.map.Own(heap, &way) || !root.tree.Own(heap, at)) return false;
  const bool erased = root.map.Erase(heap, &way) && root.tree.Erase(heap, at);
  LARDER_CHECK(erased);
  return true;
}

bool EraseScoredRange(memory::Heap& heap, CollectionRoot& root, size_t first, size_t count) {
  bool ok = true;
  root.tree.ForRange(first, count, false, [&](const char* record) {
    base::AssertHolder();
    const Bytes member = ds::PartOf(record, kScoredMembers, 0);
    CountedTree::Cursor way;
    const bool there = root.map.FindHashed(base::HashBytes(member, *root.map.seed()), member, &way);
    LARDER_CHECK(there);
    return ok = root.map.Erase(heap, &way);
  });
  return ok && root.tree.EraseRange(heap, first, count);
}

}  // namespace larder::inline v0::keyspace
