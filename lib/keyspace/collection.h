// Collections: lists, hashes, sets, sorted sets and streams as values. What all of them have in common is here; what an
// element is, and how elements are ordered, their ops say (lib/ops).
//
// A collection has one of two forms, which nobody sees. It begins packed, and what has become a tree stays one.
//
//   packed   up to kPackedBytes of records, up to kPackedRecords (of a fixed size: any number), none of whose parts is
//            long: bytes in the entry, or in its block, and a count of 16 bits before them. Changed by writing all of it
//            anew
//   tree     a CollectionRoot: the records in a CountedTree, and for sorted sets a second one from member to score
//
// What OBJECT ENCODING says is a label beside that (Form), with Redis's limits and history. It is the ops' business; but
// where it decides the order of the elements (a small hash answers in the order of its fields' arrival) it decides the
// RecordFormat too.
//
// Reading is by Collection, changing by CollectionEdit.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_COLLECTION_H_
#define LARDER_KEYSPACE_COLLECTION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/ds/counted_tree.h"
#include "lib/ds/packed.h"
#include "lib/keyspace/collection_undo.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/scored.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::keyspace {

inline constexpr size_t kPackedBytes = 2000;
inline constexpr size_t kPackedRecords = 128;
inline constexpr size_t kPackedCountBytes = 2;
// Prefix and two parts.
inline constexpr size_t kRecordBytesMax = 32 + 2 * ds::kPartBytesMax;

// The root of each collection that is a tree.
struct CollectionRoot : Structure {
  CollectionRoot(ds::RecordFormat format, const base::HashSeed* seed);
  void CountBytes();

  ds::CountedTree tree;
  ds::CountedTree map;  // of a sorted set: its members by hash, with their scores (scored.h); else empty
};

// nullptr without memory.
CollectionRoot* NewCollection(memory::Heap& heap, ds::RecordFormat format, const base::HashSeed* seed)
    LARDER_REQUIRES_HOLDER;
// What is put into no entry. REQUIRES: few elements, or shared ones, since it takes one step.
void FreeCollection(memory::Heap& heap, CollectionRoot* root) LARDER_REQUIRES_HOLDER;

// A record that is being made. Long parts are put into blocks, which are the draft's until somebody takes the record.
class RecordDraft {
 public:
  explicit RecordDraft(memory::Heap& heap) : heap_(heap) {}
  ~RecordDraft() { Clear(); }
  RecordDraft(const RecordDraft&) = delete;
  RecordDraft& operator=(const RecordDraft&) = delete;

  void Clear();
  template <class T>
  void Prefix(T value) {
    std::memcpy(bytes_ + size_, &value, sizeof(T));
    size_ += sizeof(T);
  }
  // False without memory.
  bool Part(Bytes text) LARDER_REQUIRES_HOLDER;
  // The same record of the same prefix, with references to the blocks that it has.
  void Copy(const char* record, ds::RecordFormat format) LARDER_REQUIRES_HOLDER;
  bool has_blocks() const { return blocks_ != 0; }
  Bytes record() const { return {bytes_, size_}; }
  // Somebody has the record.
  void Taken() { blocks_ = 0; }

 private:
  memory::Heap& heap_;
  size_t size_ = 0;
  int blocks_ = 0;
  memory::Block* block_[2] = {};
  char bytes_[kRecordBytesMax];
};

// What an entry holds, for reading. Of no use after the next change.
class Collection {
 public:
  Collection() = default;  // of nothing
  // `packed`: how the records of this type are made up where they are packed. Nothing of no entry.
  Collection(const Entry* entry, ds::RecordFormat packed);
  // A tree that is in no entry.
  explicit Collection(const CollectionRoot& root);

  size_t size() const { return tree_ != nullptr ? tree_->size() : packed_.count; }
  bool empty() const { return size() == 0; }
  ds::RecordFormat format() const { return format_; }
  const ds::CountedTree* tree() const { return tree_; }
  const ds::PackedRecords& packed() const { return packed_; }

  // The record whose first part is this one, or nullptr.
  const char* Find(Bytes part) const;
  const char* At(size_t index) const;
  // Of sorted records: how many are less.
  size_t CountLess(const ds::SortedProbe& probe) const;
  // Of a sorted set: the score word of this member. False if there is none.
  bool FindScore(Bytes member, uint64_t* word) const;
  // Of a sorted set: the same members, if it is a tree in the order of their hashes.
  Collection ByHash() const;
  // `count` records from `first` on, or, `backwards`, from `first` down, until `visit` returns false.
  void ForRange(size_t first, size_t count, bool backwards, ds::CountedTree::Visit visit) const;
  void ForEach(ds::CountedTree::Visit visit) const { ForRange(0, size(), false, visit); }
  Bytes Part(const char* record, int i) const { return ds::PartOf(record, format_, i); }

 private:
  friend class CollectionEdit;
  ds::RecordFormat format_;
  const ds::CountedTree* tree_ = nullptr;
  const ds::CountedTree* map_ = nullptr;
  ds::PackedRecords packed_;
};

// Changes to the collection at one key, which come into effect together: Commit, or nothing. The key may be missing:
// then one is made. On the stack: it has room for a packed collection.
//
// A collection that becomes empty is deleted by Commit, which is told what that is called.
class CollectionEdit {
 public:
  // `place` has just been found by Locate; what is there is of this type. `large`: the format of its tree, should it
  // become one. `several`: more than one change may come (SetLarge is none if it comes first), and one that fails must
  // leave the tree as it was. Hashes by hash and sorted sets are changed where they are, and what was done to them is
  // undone by who does not commit (collection_undo.h); of others, and if somebody wants old values, a clone is changed.
  // (Who can undo himself what he has done does without: what has been put into a tree is taken out of it again without
  // memory.)
  CollectionEdit(Db& db, Bytes key, const Place& place, Form form, ds::RecordFormat packed, ds::RecordFormat large,
                 bool several) LARDER_REQUIRES_HOLDER;
  // A new collection, empty so far, that takes the place of what is there, of whatever type, with this expiry.
  struct Anew {
    int64_t expiry_ms = kNoExpiry;
  };
  CollectionEdit(Db& db, Bytes key, const Place& place, Form form, ds::RecordFormat packed, ds::RecordFormat large,
                 Anew anew) LARDER_REQUIRES_HOLDER;
  ~CollectionEdit();
  CollectionEdit(const CollectionEdit&) = delete;
  CollectionEdit& operator=(const CollectionEdit&) = delete;

  size_t size() const {
    if (root_ == nullptr) return packed_count_;
    return root_->tree.format().scores ? root_->map.size() : root_->tree.size();
  }
  // As it is at this moment. Of a sorted set of which `several` scores have changed there is nothing to read before
  // Commit, nor are there places by index or by order.
  Collection Read() const;
  Form form() const { return form_; }
  void set_form(Form form) { form_ = form; }
  ds::RecordFormat format() const { return root_ != nullptr ? root_->tree.format() : packed_format_; }
  RecordDraft Draft() { return RecordDraft(heap_); }
  // Whether it is the entry's own tree that changes, at once: then who makes several changes without having said so has
  // to see to it that the second cannot fail, or is able to take back the first.
  bool in_place() const { return !packed() && !clones_ && !own_root_; }

  // Where the changes below are made. A change ends it.
  struct Spot {
    const char* record = nullptr;  // nullptr: no record is there
    size_t index = 0;              // packed
    size_t offset = 0;
    ds::CountedTree::Cursor cursor;  // tree
    uint64_t hash = 0;               // of the part, if the tree goes by it
  };
  // The record with this first part; else where one is to be put: its leaf, or the end.
  bool Find(Bytes part, Spot* spot) const;
  // The record at `index`, or the end.
  void At(size_t index, Spot* spot) const;
  // From a record to the place behind it.
  void Behind(Spot* spot) const;
  // The first record that is not less, in order. Whether they are equal.
  bool FindSorted(const ds::CountedTree::Probe& probe, Spot* spot) const;

  // Errors: kAllocationFailed, after which nothing may follow. The record is taken, or stays the draft's.
  Error Insert(Spot& spot, RecordDraft& draft) LARDER_REQUIRES_HOLDER;
  Error Replace(Spot& spot, RecordDraft& draft) LARDER_REQUIRES_HOLDER;
  // Of a sorted set: gives the member there, which is `member`, another score. `member` is no part of the collection.
  Error Rescore(Spot& spot, Bytes member, uint64_t word) LARDER_REQUIRES_HOLDER;
  // In place, what was erased is gone: nothing that may fail is to follow, nor, once one of the next three has returned
  // without error, anything but Commit.
  Error Erase(Spot& spot) LARDER_REQUIRES_HOLDER;
  Error EraseRange(size_t first, size_t count) LARDER_REQUIRES_HOLDER;
  // The records with these first parts, as far as they are there. How many that were.
  Result<int64_t> EraseAll(std::span<const Bytes> parts) LARDER_REQUIRES_HOLDER;
  // Changes no record. If the edit is in place, erasing the one at the spot cannot fail from now on, whatever else is
  // erased or inserted before.
  Error Reserve(Spot& spot) LARDER_REQUIRES_HOLDER;

  // Gives the tree that it is, or becomes, another format: prefixes are made anew.
  Error SetLarge(ds::RecordFormat large) LARDER_REQUIRES_HOLDER;
  // Gives it other formats in both forms, and makes each record anew, in the same order: `make` writes what it becomes,
  // as a draft would be, into a room of kRecordBytesMax bytes. No part of it may be long.
  using MakeRecord = absl::FunctionRef<Bytes(const char* record, char* room)>;
  Error Reformat(ds::RecordFormat packed, ds::RecordFormat large, MakeRecord make) LARDER_REQUIRES_HOLDER;
  // What has been begun anew becomes a clone of this collection, which is a tree of the type: one more reference.
  Error StartAs(const Entry& from) LARDER_REQUIRES_HOLDER;

  // `gone`: if nothing is left. If nothing was changed it is not to be called.
  Error Commit(const Change& change, const Change& gone) LARDER_REQUIRES_HOLDER;

  // Erase and Commit for who changes another key between them: all that may fail, then the rest. Until CommitErase the
  // entry is as it was. Before it, or before the edit ends, `place` is to be what Locate gives after the other change.
  Error PrepareErase(Spot& spot) LARDER_REQUIRES_HOLDER;
  void CommitErase(Spot& spot, const Change& change, const Change& gone) LARDER_REQUIRES_HOLDER;

 private:
  bool packed() const { return root_ == nullptr; }
  bool undoes() const { return undoes_ && !own_root_; }
  Error Own() LARDER_REQUIRES_HOLDER;
  void Become(CollectionRoot* root) LARDER_REQUIRES_HOLDER;
  void Drop(CollectionRoot* root) LARDER_REQUIRES_HOLDER;
  bool PackAnew(ds::RecordFormat format, MakeRecord make);
  ds::PackedRecords records() const { return {packed_ + kPackedCountBytes, packed_bytes_, packed_count_}; }
  bool Fits(size_t bytes, size_t records, const RecordDraft& draft) const;
  Error Copy(ds::RecordFormat format) LARDER_REQUIRES_HOLDER;
  bool AddCopy(CollectionRoot* to, const char* record, ds::RecordFormat old_format) LARDER_REQUIRES_HOLDER;
  void Splice(const Spot& spot, size_t erased, Bytes added, int records);
  Error ToTreeSpot(Spot& spot) LARDER_REQUIRES_HOLDER;
  Bytes packed_value();

  Db& db_;
  memory::Heap& heap_;
  const Bytes key_;
  const Place& place_;
  Form form_;
  Form form_before_;
  ds::RecordFormat packed_format_;
  ds::RecordFormat large_;
  int64_t expiry_ms_ = kNoExpiry;
  size_t bytes_before_ = 0;        // of the entry
  CollectionRoot* root_ = nullptr;  // if it is a tree
  bool own_root_ = false;           // which no entry has yet
  bool clones_ = false;             // a tree that an entry has is not changed, but a clone of it
  bool undoes_ = false;             // it is changed, and each change is noted
  bool anew_ = false;               // what is there was not read, and goes
  bool committed_ = false;
  Entry* made_ = nullptr;           // PrepareErase's
  CollectionUndo undo_{heap_};
  size_t packed_bytes_ = 0;
  size_t packed_count_ = 0;
  char packed_[kPackedCountBytes + kPackedBytes];
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_COLLECTION_H_
