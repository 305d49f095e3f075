// StreamEdit: changes to the stream at one key, which come into effect together: Commit, or nothing.
//
// They are made where the stream is, since its trees may be large and shared. What inserts or changes a record is
// noted, and undone by who does not commit, which needs no memory: a path that was written once is the tree's own. What
// erases waits until the commit, for which its path is made the tree's own at once; until then the record is there.
//
// If somebody wants old values a clone is changed, and put in the place of the stream at the end.
//
// Threads: the executor's holder.
#ifndef LARDER_OPS_STREAM_EDIT_H_
#define LARDER_OPS_STREAM_EDIT_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/ops/stream_value.h"

namespace larder::inline v0::ops::streams {

class StreamEdit {
 public:
  // `place` has just been found by Locate; what is there is a stream, or nothing.
  StreamEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place) LARDER_REQUIRES_HOLDER;
  ~StreamEdit();
  StreamEdit(const StreamEdit&) = delete;
  StreamEdit& operator=(const StreamEdit&) = delete;

  // First of all. Errors: kAllocationFailed, as of all the others, after which nothing may follow.
  Error Begin() LARDER_REQUIRES_HOLDER;
  StreamRoot& root() { return *root_; }
  const StreamRoot& root() const { return *root_; }
  memory::Heap& heap() { return heap_; }
  keyspace::RecordDraft Draft() { return keyspace::RecordDraft(heap_); }

  // The record, or nullptr.
  const char* Find(TreeIndex tree, const ds::SortedProbe& probe);
  // Puts a record where none is. Its blocks are the tree's then.
  Error Insert(TreeIndex tree, const ds::SortedProbe& probe, Bytes record) LARDER_REQUIRES_HOLDER;
  Error Insert(TreeIndex tree, const ds::SortedProbe& probe, keyspace::RecordDraft& draft) LARDER_REQUIRES_HOLDER;
  // A record that is there, for changing its payload before the next call; nullptr without memory.
  char* Change(TreeIndex tree, const ds::SortedProbe& probe) LARDER_REQUIRES_HOLDER;
  // Commit erases it.
  Error EraseLater(TreeIndex tree, const ds::SortedProbe& probe) LARDER_REQUIRES_HOLDER;
  // The same for records that follow each other. No more than one range of a tree.
  Error EraseRangeLater(TreeIndex tree, size_t first, size_t count) LARDER_REQUIRES_HOLDER;

  // What is undone by nobody (numbers of the root) is to be changed right before it. Fails, if at all, with nothing
  // done.
  Error Commit(const keyspace::Change& change) LARDER_REQUIRES_HOLDER;

 private:
  struct Note {
    enum What : uint8_t { kInserted, kChanged } what;
    TreeIndex tree;
    uint16_t saved;  // so many bytes lie before the note
    ds::SortedProbe probe;
  };
  struct Erasure {
    TreeIndex tree;
    ds::SortedProbe probe;
  };
  struct Range {
    size_t first = 0;
    size_t count = 0;
  };
  // Where the last search in kPending has ended: XACK looks for each ID several times in a row. (The other trees are
  // changed by others too.)
  struct Found {
    ds::Numbers numbers;
    bool is_there = false;
    bool valid = false;  // the tree has not been changed since, but at the cursor
    ds::CountedTree::Cursor cursor;
  };
  // Sets *cursor to the cursor of the search, which is `room` or the one that is kept. Whether the record is there.
  bool Search(TreeIndex tree, const ds::SortedProbe& probe, ds::CountedTree::Cursor* room,
              ds::CountedTree::Cursor** cursor);
  void ForgetFound(TreeIndex tree) {
    if (tree == kPending) found_.valid = false;
  }
  bool AddNote(Note::What what, TreeIndex tree, const ds::SortedProbe& probe, Bytes saved);
  void Undo() LARDER_REQUIRES_HOLDER;
  void EraseAll() LARDER_REQUIRES_HOLDER;

  keyspace::Db& db_;
  memory::Heap& heap_;
  const Bytes key_;
  const keyspace::Place& place_;
  StreamRoot* root_ = nullptr;
  bool own_root_ = false;  // no entry has it yet
  bool committed_ = false;
  size_t bytes_before_ = 0;
  base::Buffer notes_;
  base::Buffer erasures_;
  Range ranges_[kTreeCount];
  Found found_;
};

}  // namespace larder::inline v0::ops::streams

#endif  // LARDER_OPS_STREAM_EDIT_H_
