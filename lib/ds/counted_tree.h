// CountedTree: the large form of every collection: a B+ tree whose leaves are packed records, whose inner nodes know how
// many records each child has, and whose nodes may belong to several trees at once.
//
//     root ─► │ key  child  count │ key  child  count │ ...        up to 64 children
//                      │                   │
//                      ▼                   ▼
//                 inner node ...      │ records, packed: up to 1 KB, up to 128 │   leaves, all of the same depth
//
// (Records of a fixed size are found without a search from the front: of them a leaf may have more.)
//
// One tree serves all types; they differ in the order of their records (packed.h):
//
//   kPosition       lists; hashes that answer in the order in which their fields came
//   kSorted         sorted sets (score, member), streams (ID), sets of integers
//   kNumbers        streams (ID): as kSorted, but the ID takes as few bytes as it needs
//   kHashOfPart     hashes and sets: a leaf has the records whose hashes are in a range, in no order; a byte of the hash
//                   stands before each, so that a miss compares next to nothing
//   kHashInPrefix   a sorted set's way from a member to its score
//
// Keys. An inner node has a word for each child: the least hash that the child may have, or the first word of its first
// record. Where many records share that word (a sorted set with one score) the search compares first records. The key
// of a node's first child is never looked at.
//
// Counts make the record at a position, the position of a record, and a uniformly random record a matter of the tree's
// height.
//
// Sharing. A node has a count of references, and one with more than one is never written: whoever changes a record
// copies the path to it, as far as it is shared. So a clone of a tree is one more reference to its root, however large
// it is, and what a clone, a snapshot or an iteration holds stays as it was.
//
// Memory. Blocks come from the heap's arena, as those of Tenant::kBlock, and fit what is in them: leaves are as large
// as the class that they need, and grow class by class; where records are added at an end the leaf there is made whole
// at once, and the next one begins with the new record alone, so that what grows at an end is full. All that can fail is
// done before anything changes, or leaves the same records in other nodes: a call that returns false has changed no
// record. Erasing in a tree that shares nothing never fails. bytes() counts every node, shared or not, and the blocks
// of long parts.
//
// Costs of a tree of n records: a search looks at some log64(n / 28) inner nodes and one leaf; a change moves half a leaf
// at most. 100,000 pairs of 16 and 16 bytes take 39.2 bytes each (tests/lib/ds/counted_tree_test).
//
// Rejected: a hash table for hashes and sets (a pointer and a header for each element, no sharing, no random record of
// equal chance); links between leaves (they cannot be shared); an offset for each record (two bytes of 35 for a few
// nanoseconds).
//
// Threads: the executor's holder. A tree of which somebody holds a clone is read by him without it (Walk, ForRange): what
// is shared is not written.
#ifndef LARDER_DS_COUNTED_TREE_H_
#define LARDER_DS_COUNTED_TREE_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/ds/packed.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::ds {

class CountedTree {
 public:
  static constexpr size_t kLeafBytes = 1008;  // with its header a block of 1 KB; a single record may be longer
  static constexpr size_t kLeafRecords = 128;
  static constexpr size_t kChildren = 64;
  // The part of a hash that decides which leaf a record is in, so that a cursor of 48 bits names a leaf.
  static constexpr uint64_t HashKey(uint64_t hash) { return hash & ~uint64_t{0xffff}; }
  static constexpr int kHeightMax = 10;  // of inner nodes: more than 32^9 leaves

  struct Leaf;
  struct Node;

  // A record's place in a tree, or one behind the last record of a leaf. Any change of the tree by another one ends it.
  class Cursor {
   public:
    const char* record() const { return reinterpret_cast<const char*>(leaf_) + offset_; }
    inline bool at_record() const;
    inline PackedRecords leaf() const;  // all records of its leaf
    size_t index_in_leaf() const { return index_; }
    // Goes to another record of the same leaf.
    void Set(const char* record, size_t index) {
      offset_ = static_cast<uint32_t>(record - reinterpret_cast<const char*>(leaf_));
      index_ = static_cast<uint32_t>(index);
    }

   private:
    friend class CountedTree;
    Node* nodes_[kHeightMax];
    uint16_t at_[kHeightMax];
    Leaf* leaf_ = nullptr;  // nullptr: in an empty tree
    uint32_t offset_ = 0;
    uint32_t index_ = 0;
  };

  using Probe = SortedProbe;

  // `seed` outlives the tree; kHashOfPart needs it.
  CountedTree(RecordFormat format, const base::HashSeed* seed) : seed_(seed), format_(format) {}

  RecordFormat format() const { return format_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t bytes() const { return bytes_; }
  const base::HashSeed* seed() const { return seed_; }

  // --- Searching. ---

  // The record at `index`; size(): behind the last one.
  Cursor At(size_t index) const;
  size_t Rank(const Cursor& cursor) const;
  // kHashOfPart: whether there is a record with this first part; else where it would be put.
  bool FindHashed(uint64_t hash, Bytes part, Cursor* cursor) const;
  // kSorted, kNumbers: the first record that is not less than the probe, in the leaf where the probe would be put. Whether they are
  // equal. At the end of a leaf it may not be at a record: ToRecord.
  bool FindSorted(const Probe& probe, Cursor* cursor) const;
  // kHashOfPart, kHashInPrefix: the beginning of the leaf that all records with this hash are in.
  Cursor LeafOf(uint64_t hash) const;
  // From the end of a leaf to the beginning of the next; false if there is none.
  bool ToRecord(Cursor* cursor) const;

  // Visits `count` records from `first` on, or, `backwards`, from `first` down, until `visit` returns false.
  using Visit = absl::FunctionRef<bool(const char* record)>;
  void ForRange(size_t first, size_t count, bool backwards, Visit visit) const;
  // Visits the leaves that may have hashes of `hash` or above, in order, until `visit` returns false; it is told from
  // which hash on the next leaf is (0: this is the last one).
  void ForLeaves(uint64_t hash, absl::FunctionRef<bool(const PackedRecords& records, uint64_t next)> visit) const;

  // --- Changing. All return false when there is no memory, and no record has changed then. ---

  // Puts a record at the cursor, or, hashed, into its leaf. The tree owns its blocks then. `key`: hash or first word.
  // `slack`: so many bytes are left free in each half of a hashed leaf that is split (Restore).
  bool Insert(memory::Heap& heap, Cursor* cursor, Bytes record, uint64_t key, size_t slack = 0) LARDER_REQUIRES_HOLDER;
  // The same at the front or at the end of a tree in order of position.
  bool Append(memory::Heap& heap, Bytes record) LARDER_REQUIRES_HOLDER;
  // Puts another record in the place of the one at the cursor; in the same order.
  bool Replace(memory::Heap& heap, Cursor* cursor, Bytes record, size_t slack = 0) LARDER_REQUIRES_HOLDER;
  bool Erase(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  // Writes another prefix, of the same order, over that of the record at the cursor.
  bool SetPrefix(memory::Heap& heap, Cursor* cursor, Bytes prefix) LARDER_REQUIRES_HOLDER;
  // After it Erase of the record at the cursor cannot fail.
  bool PrepareErase(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  // The record at the cursor, for changing bytes of it that decide neither its size nor its order; nullptr without memory.
  char* Mutable(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  // Makes sure that erasing these records, or Mutable of one, needs no memory.
  bool OwnRange(memory::Heap& heap, size_t first, size_t count) LARDER_REQUIRES_HOLDER;
  // Erases `count` records from `first` on.
  bool EraseRange(memory::Heap& heap, size_t first, size_t count) LARDER_REQUIRES_HOLDER;

  // Copies what the path to the cursor shares with other trees. Then erasing the record there, or replacing it by one of
  // the same size, cannot fail; another insert does not change that.
  bool Own(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;

  // For who takes back what he has done, the last change first, whose paths are the tree's own since then; without
  // memory. Erase that leaves all other leaves as they are, and Replace by the record that was there (the tree has its
  // blocks' references then): for which there is room if all changes that came after the one that is taken back had as
  // `slack` the sum of the bytes by which Replace had made records shorter before.
  bool EraseUnmerged(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  void Restore(Cursor* cursor, Bytes record) LARDER_REQUIRES_HOLDER;

  // Another tree of the same records.
  CountedTree Clone() const LARDER_REQUIRES_HOLDER;
  // Lets go of about `records` of them, from the end. Returns how many bytes that were. When the tree is empty it is done.
  size_t FreeSome(memory::Heap& heap, size_t records) LARDER_REQUIRES_HOLDER;
  // StructureKind::MoveNext for the nodes of this tree that are its own. False: there are no more.
  bool MoveNext(uint64_t* position, absl::FunctionRef<void*(const void* block)> move,
                absl::FunctionRef<void(void* block)> end) LARDER_REQUIRES_HOLDER;

  // What must hold. For tests: goes through all of it.
  bool Valid() const;

 private:
  enum class Side { kBefore, kAfter };

  void Descend(uint64_t hash, Cursor* cursor) const;
  void DescendSorted(const Probe& probe, Cursor* cursor) const;
  const char* FirstRecord(const void* block, int level) const;
  void ToFirst(const void* block, int level, Cursor* cursor) const;
  uint64_t KeyOf(const char* record) const;
  bool AtEnd(const Cursor& cursor) const;
  bool AtBeginning(const Cursor& cursor) const;

  void* BlockAt(const Cursor& cursor, int level) const;
  void SetBlock(Cursor* cursor, int level, void* block);
  void AddCount(Cursor* cursor, int64_t by);

  Leaf* NewLeaf(memory::Heap& heap, size_t capacity) LARDER_REQUIRES_HOLDER;
  Node* NewNode(memory::Heap& heap, size_t capacity) LARDER_REQUIRES_HOLDER;
  void FreeLeaf(memory::Heap& heap, Leaf* leaf, bool parts) LARDER_REQUIRES_HOLDER;
  void FreeNode(memory::Heap& heap, Node* node) LARDER_REQUIRES_HOLDER;
  static size_t LeafBlockBytes(const Leaf& leaf);
  static size_t NodeBlockBytes(const Node& node);
  size_t BlocksOf(const char* from, const char* to, int references) LARDER_REQUIRES_HOLDER;

  static uint32_t& RefsOf(void* block) { return *static_cast<uint32_t*>(block); }
  bool Owns(const Cursor& cursor) const;
  static void AppendRecords(Leaf* to, const char* from, size_t bytes, size_t count);
  bool NewPair(memory::Heap& heap, size_t left_bytes, size_t right_bytes, Leaf** left, Leaf** right)
      LARDER_REQUIRES_HOLDER;
  Leaf* CopyLeaf(memory::Heap& heap, const Leaf& leaf) LARDER_REQUIRES_HOLDER;
  Node* CopyNode(memory::Heap& heap, const Node& node) LARDER_REQUIRES_HOLDER;
  bool MakeFirstLeaf(memory::Heap& heap, Cursor* cursor, size_t bytes) LARDER_REQUIRES_HOLDER;
  bool Fit(memory::Heap& heap, Cursor* cursor, size_t erased, size_t added, int records, uint64_t key,
           size_t slack) LARDER_REQUIRES_HOLDER;
  bool GrowLeaf(memory::Heap& heap, Cursor* cursor, size_t used) LARDER_REQUIRES_HOLDER;
  bool AddLeaf(memory::Heap& heap, Cursor* cursor, Side side, size_t bytes, uint64_t key) LARDER_REQUIRES_HOLDER;
  bool SplitLeaf(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  bool SplitHashed(memory::Heap& heap, Cursor* cursor, uint64_t key, size_t slack, bool* split) LARDER_REQUIRES_HOLDER;
  bool RoomAbove(memory::Heap& heap, Cursor* cursor, int below) LARDER_REQUIRES_HOLDER;
  bool SplitNode(memory::Heap& heap, Cursor* cursor, int level) LARDER_REQUIRES_HOLDER;
  bool GrowNode(memory::Heap& heap, Cursor* cursor, int level) LARDER_REQUIRES_HOLDER;
  bool AddRoot(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  static void AppendChildren(Node* to, const Node& from, size_t first);
  void InsertChild(Node* node, size_t at, uint64_t key, void* child, uint64_t count);
  void Splice(Cursor* cursor, size_t erased, Bytes added, int records);
  void SetFirstKey(Cursor* cursor);
  void RemoveChild(memory::Heap& heap, Cursor* cursor, int level) LARDER_REQUIRES_HOLDER;
  void ShrinkRoot(memory::Heap& heap) LARDER_REQUIRES_HOLDER;
  void EraseBelow(memory::Heap& heap, void* block, int level, size_t first, size_t count) LARDER_REQUIRES_HOLDER;
  void EraseInLeaf(Leaf* leaf, size_t first, size_t count) LARDER_REQUIRES_HOLDER;
  void ReleaseBelow(memory::Heap& heap, void* block, int level) LARDER_REQUIRES_HOLDER;
  size_t BytesBelow(void* block, int level) LARDER_REQUIRES_HOLDER;
  void MergeAt(memory::Heap& heap, size_t index) LARDER_REQUIRES_HOLDER;
  void EraseOwned(memory::Heap& heap, Cursor* cursor, bool merges) LARDER_REQUIRES_HOLDER;
  void MergeLeaf(memory::Heap& heap, Cursor* cursor) LARDER_REQUIRES_HOLDER;
  void MergeNode(memory::Heap& heap, Cursor* cursor, int level) LARDER_REQUIRES_HOLDER;
  bool ValidBelow(const void* block, int level, uint64_t least, uint64_t end, size_t* count, size_t* bytes) const;

  void* root_ = nullptr;  // a Leaf if height_ is 0, else a Node
  size_t size_ = 0;
  size_t bytes_ = 0;
  const base::HashSeed* seed_;
  RecordFormat format_;
  int8_t height_ = 0;  // inner nodes on each path
};

struct CountedTree::Leaf {
  uint32_t refs;
  uint32_t used;
  uint32_t capacity;
  uint32_t count;
  // records follow

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

struct CountedTree::Node {
  uint32_t refs;
  uint16_t size;
  uint16_t capacity;
  uint64_t unused;
  // keys, children, counts follow, each for `capacity` children

  uint64_t* keys() { return reinterpret_cast<uint64_t*>(this + 1); }
  const uint64_t* keys() const { return reinterpret_cast<const uint64_t*>(this + 1); }
  void** children() { return reinterpret_cast<void**>(keys() + capacity); }
  void* const* children() const { return reinterpret_cast<void* const*>(keys() + capacity); }
  uint64_t* counts() { return reinterpret_cast<uint64_t*>(children() + capacity); }
  const uint64_t* counts() const { return reinterpret_cast<const uint64_t*>(children() + capacity); }
};

bool CountedTree::Cursor::at_record() const {
  return leaf_ != nullptr && index_ < leaf_->count;
}

PackedRecords CountedTree::Cursor::leaf() const {
  return leaf_ == nullptr ? PackedRecords() : PackedRecords{leaf_->data(), leaf_->used, leaf_->count};
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_COUNTED_TREE_H_
