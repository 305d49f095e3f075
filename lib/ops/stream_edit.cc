#include "lib/ops/stream_edit.h"

#include <cstring>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::streams {
namespace {

constexpr keyspace::Form kForm{keyspace::Type::kStream, keyspace::Encoding::kStream};

}  // namespace

StreamEdit::StreamEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place)
    : db_(db), heap_(db.keyspace().blocks()), key_(key), place_(place) {
  if (place == nullptr) return;
  root_ = static_cast<StreamRoot*>(place->structure());
  bytes_before_ = keyspace::Keyspace::BytesOf(*place);
}

Error StreamEdit::Begin() {
  if (root_ == nullptr) {
    root_ = NewStream(heap_, &db_.keyspace().hash_seed());
    own_root_ = root_ != nullptr;
  } else if (db_.keyspace().effects().wants(keyspace::Effects::kOldValues)) {
    StreamRoot* const clone = CloneStream(heap_, *root_);
    if (clone == nullptr) return errors::kAllocationFailed;
    root_ = clone;
    own_root_ = true;
    found_.valid = false;
  }
  return root_ != nullptr ? kOk : Error(errors::kAllocationFailed);
}

StreamEdit::~StreamEdit() {
  base::AssertHolder();
  if (committed_ || root_ == nullptr) return;
  if (own_root_) {
    FreeStream(heap_, root_);
    return;
  }
  Undo();
  // There may be other nodes now, of the same records.
  root_->CountBytes();
  db_.StructureChanged(place_, kForm, bytes_before_);
}

bool StreamEdit::AddNote(Note::What what, TreeIndex tree, const ds::SortedProbe& probe, Bytes saved) {
  const Note note{what, tree, static_cast<uint16_t>(saved.size()), probe};
  if (!notes_.Reserve(saved.size() + sizeof(note))) return false;
  notes_.Append(saved);
  return notes_.Append(Bytes(reinterpret_cast<const char*>(&note), sizeof(note)));
}

// The last change first.
void StreamEdit::Undo() {
  found_.valid = false;
  for (size_t end = notes_.size(); end != 0;) {
    Note note;
    end -= sizeof(note);
    std::memcpy(static_cast<void*>(&note), notes_.data() + end, sizeof(note));
    end -= note.saved;
    ds::CountedTree& tree = root_->tree(note.tree);
    ds::CountedTree::Cursor cursor;
    if (!tree.FindSorted(note.probe, &cursor)) continue;  // it could not be inserted
    if (note.what == Note::kInserted) {
      LARDER_CHECK(tree.Erase(heap_, &cursor));
    } else if (char* const record = tree.Mutable(heap_, &cursor); record != nullptr) {
      std::memcpy(record, notes_.data() + end, note.saved);
    }
  }
}

bool StreamEdit::Search(TreeIndex tree, const ds::SortedProbe& probe, ds::CountedTree::Cursor* room,
                        ds::CountedTree::Cursor** cursor) {
  if (tree != kPending) {
    *cursor = room;
    return root_->tree(tree).FindSorted(probe, room);
  }
  *cursor = &found_.cursor;
  if (!found_.valid || found_.numbers != probe.numbers) {
    found_.is_there = root_->tree(tree).FindSorted(probe, &found_.cursor);
    found_.numbers = probe.numbers;
    found_.valid = true;
  }
  return found_.is_there;
}

const char* StreamEdit::Find(TreeIndex tree, const ds::SortedProbe& probe) {
  ds::CountedTree::Cursor room;
  ds::CountedTree::Cursor* cursor = nullptr;
  return Search(tree, probe, &room, &cursor) ? cursor->record() : nullptr;
}

Error StreamEdit::Insert(TreeIndex index, const ds::SortedProbe& probe, Bytes record) {
  ds::CountedTree& tree = root_->tree(index);
  ds::CountedTree::Cursor room;
  ds::CountedTree::Cursor* cursor = nullptr;
  LARDER_CHECK(!Search(index, probe, &room, &cursor));
  ForgetFound(index);
  // A note without a record, if the next step fails, is one that undoing finds nothing for.
  if (!own_root_ && !AddNote(Note::kInserted, index, probe, {})) return errors::kAllocationFailed;
  return tree.Insert(heap_, cursor, record, probe.first) ? kOk : Error(errors::kAllocationFailed);
}

Error StreamEdit::Insert(TreeIndex tree, const ds::SortedProbe& probe, keyspace::RecordDraft& draft) {
  LARDER_RETURN_IF_ERROR(Insert(tree, probe, draft.record()));
  draft.Taken();
  return kOk;
}

char* StreamEdit::Change(TreeIndex index, const ds::SortedProbe& probe) {
  ds::CountedTree& tree = root_->tree(index);
  ds::CountedTree::Cursor room;
  ds::CountedTree::Cursor* cursor = nullptr;
  LARDER_CHECK(Search(index, probe, &room, &cursor));
  char* const record = tree.Mutable(heap_, cursor);
  if (record == nullptr || own_root_) return record;
  const Bytes part = ds::PartOf(record, tree.format(), 0);
  return AddNote(Note::kChanged, index, probe, {record, static_cast<size_t>(part.data() + part.size() - record)})
             ? record
             : nullptr;
}

Error StreamEdit::EraseLater(TreeIndex index, const ds::SortedProbe& probe) {
  ds::CountedTree& tree = root_->tree(index);
  ds::CountedTree::Cursor room;
  ds::CountedTree::Cursor* cursor = nullptr;
  LARDER_CHECK(Search(index, probe, &room, &cursor));
  const Erasure erasure{index, probe};
  if (tree.Mutable(heap_, cursor) == nullptr ||
      !erasures_.Append(Bytes(reinterpret_cast<const char*>(&erasure), sizeof(erasure)))) {
    return errors::kAllocationFailed;
  }
  return kOk;
}

Error StreamEdit::EraseRangeLater(TreeIndex tree, size_t first, size_t count) {
  LARDER_DCHECK(ranges_[tree].count == 0);
  ForgetFound(tree);
  if (!root_->tree(tree).OwnRange(heap_, first, count)) return errors::kAllocationFailed;
  ranges_[tree] = {first, count};
  return kOk;
}

// The last one first, since its place may still be known.
void StreamEdit::EraseAll() {
  for (size_t i = 0; i < kTreeCount; ++i) {
    if (ranges_[i].count == 0) continue;
    ForgetFound(static_cast<TreeIndex>(i));
    LARDER_CHECK(root_->trees[i].EraseRange(heap_, ranges_[i].first, ranges_[i].count));
  }
  for (size_t at = erasures_.size(); at != 0;) {
    Erasure erasure;
    at -= sizeof(erasure);
    std::memcpy(static_cast<void*>(&erasure), erasures_.data() + at, sizeof(erasure));
    ds::CountedTree::Cursor room;
    ds::CountedTree::Cursor* cursor = nullptr;
    if (!Search(erasure.tree, erasure.probe, &room, &cursor)) continue;  // it was named twice
    ForgetFound(erasure.tree);
    LARDER_CHECK(root_->tree(erasure.tree).Erase(heap_, cursor));
  }
}

Error StreamEdit::Commit(const keyspace::Change& change) {
  EraseAll();
  root_->CountBytes();
  if (own_root_) {
    const int64_t expiry_ms = place_ != nullptr ? place_->expiry_ms() : keyspace::kNoExpiry;
    LARDER_RETURN_IF_ERROR(db_.PutStructure(key_, place_, kForm, root_, expiry_ms, change).error());
    committed_ = true;
  } else {
    committed_ = true;
    db_.StructureChanged(place_, kForm, bytes_before_);
    db_.EmitChanged(place_, change);
  }
  if (keyspace::Structure* const sweep = NewSweep(heap_, root_); sweep != nullptr) {
    db_.keyspace().garbage().DropValue({keyspace::Entry::Storage::kStructure, sweep});
  }
  return kOk;
}

}  // namespace larder::inline v0::ops::streams
