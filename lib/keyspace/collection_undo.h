// CollectionUndo: how several changes to a large hash or sorted set, made where it is, are taken back together.
//
// Each change leaves a note. Undo goes through the notes, the last one first, and needs no memory for it:
//
//   the change                        is undone by
//   a record was inserted             erasing it: its path is the tree's own since then
//   a hash's record was replaced      putting the old one back, for which its leaf has room: while there are notes no
//                                     leaf becomes smaller, and the halves of one that is split have room for as many
//                                     bytes more as records have become shorter so far (CountedTree::Insert's `slack`)
//   a score was changed, and the      writing the old score over the new one
//   record stayed where it was
//   a score was changed, and the      erasing the new record. The old one is still there: it is erased by Finish, for
//   record moved                      which its path was made the tree's own at once
//
// So a sorted set's tree may have more records than its map in the meantime; the map has the newest scores. A member
// that is given back a score that it had before, by the same command, has its old record again.
//
// What a note names is what the tree has, as long as the changes before it are not undone: so texts are noted as
// records have them, and the blocks of long ones need no reference, but for those of a record that was replaced.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_COLLECTION_UNDO_H_
#define LARDER_KEYSPACE_COLLECTION_UNDO_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/ds/counted_tree.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

struct CollectionRoot;

class CollectionUndo {
 public:
  using Cursor = ds::CountedTree::Cursor;

  explicit CollectionUndo(memory::Heap& heap) : heap_(heap) {}
  CollectionUndo(const CollectionUndo&) = delete;
  CollectionUndo& operator=(const CollectionUndo&) = delete;

  // Changes to a tree, each with its note. All return false when there is no memory; nothing has changed then. Between
  // the first of them and Undo or Finish nothing else changes the tree.
  bool Insert(CollectionRoot& root, Cursor* at, Bytes record, uint64_t hash) LARDER_REQUIRES_HOLDER;
  bool Replace(CollectionRoot& root, Cursor* at, Bytes record) LARDER_REQUIRES_HOLDER;
  // The same of a sorted set: see scored.h.
  bool InsertScored(CollectionRoot& root, Cursor* at, uint64_t word, const char* part) LARDER_REQUIRES_HOLDER;
  bool Rescore(CollectionRoot& root, Cursor* at, Bytes member, uint64_t word) LARDER_REQUIRES_HOLDER;

  // Whether the tree has records that Finish is to erase.
  bool has_old_records() const { return has_old_records_; }

  // Exactly one of them ends what has been begun; then there are no notes. Neither can fail.
  void Undo(CollectionRoot& root) LARDER_REQUIRES_HOLDER;
  void Finish(CollectionRoot& root) LARDER_REQUIRES_HOLDER;

 private:
  enum class What : uint8_t { kInserted, kReplaced, kInsertedScored, kRescored, kMoved, kMovedBack };
  // Lies behind the bytes that it has saved: a part, or of kReplaced a record.
  struct Note {
    What what;
    uint32_t saved = 0;
    uint64_t word = 0;        // the score that the member was given
    uint64_t old_word = 0;    // the one that it had
    uint64_t there_word = 0;  // kMovedBack: as the record there had it, which may have been -0 for 0
  };

  bool Save(Bytes bytes);
  void Close(Note note, size_t saved_at);
  template <class F>
  void TakeNotes(F&& take);
  void UndoOne(CollectionRoot& root, const Note& note, const char* saved) LARDER_REQUIRES_HOLDER;
  void UndoScored(CollectionRoot& root, const Note& note, const char* part) LARDER_REQUIRES_HOLDER;
  void FinishOne(CollectionRoot& root, const Note& note, const char* saved) LARDER_REQUIRES_HOLDER;

  memory::Heap& heap_;
  base::Buffer notes_;
  size_t slack_ = 0;
  bool has_old_records_ = false;
  bool moved_back_ = false;  // some record: then not every old one is to be erased
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_COLLECTION_UNDO_H_
