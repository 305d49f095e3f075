#include "lib/keyspace/collection_undo.h"

#include <cstring>

#include "lib/base/check.h"
#include "lib/base/hash.h"
#include "lib/ds/packed.h"
#include "lib/ds/score_word.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/scored.h"

namespace larder::inline v0::keyspace {
namespace {

using ds::CountedTree;

Bytes PartAt(const char* part) { return {part, static_cast<size_t>(ds::SkipPart(part) - part)}; }

Bytes TextOf(const char* part) {
  Bytes text;
  ds::ReadPart(part, &text);
  return text;
}

void RefBlocks(const char* record, ds::RecordFormat format) {
  const char* part = record + format.prefix;
  for (int i = 0; i < format.parts; ++i, part = ds::SkipPart(part)) {
    if (memory::Block* const block = ds::PartBlock(part); block != nullptr) block->Ref();
  }
}

void UnrefBlocks(const char* record, ds::RecordFormat format) LARDER_REQUIRES_HOLDER {
  const char* part = record + format.prefix;
  for (int i = 0; i < format.parts; ++i) {
    memory::Block* const block = ds::PartBlock(part);
    part = ds::SkipPart(part);
    if (block != nullptr) block->UnrefHeld();
  }
}

// The record of a hash that is known to be there.
CountedTree::Cursor Hashed(const CountedTree& tree, Bytes part) {
  CountedTree::Cursor cursor;
  LARDER_CHECK(tree.FindHashed(base::HashBytes(part, *tree.seed()), part, &cursor));
  return cursor;
}

}  // namespace

// ---- Notes ----------------------------------------------------------------------------------------------------------

// False without memory. True: Close needs none.
bool CollectionUndo::Save(Bytes bytes) {
  constexpr size_t kAtFirst = 1000;
  const size_t needed = bytes.size() + sizeof(Note);
  if (notes_.capacity() == 0 && needed < kAtFirst) (void)notes_.Reserve(kAtFirst);
  return notes_.Reserve(needed) && notes_.Append(bytes);
}

void CollectionUndo::Close(Note note, size_t saved_at) {
  note.saved = static_cast<uint32_t>(notes_.size() - saved_at);
  LARDER_CHECK(notes_.Append(Bytes(reinterpret_cast<const char*>(&note), sizeof(note))));
}

// The last one first.
template <class F>
void CollectionUndo::TakeNotes(F&& take) {
  for (size_t end = notes_.size(); end != 0;) {
    Note note;
    end -= sizeof(note);
    std::memcpy(static_cast<void*>(&note), notes_.data() + end, sizeof(note));
    end -= note.saved;
    take(note, notes_.data() + end);
  }
  notes_.Clear();
  slack_ = 0;
  has_old_records_ = moved_back_ = false;
}

// ---- Changes --------------------------------------------------------------------------------------------------------

bool CollectionUndo::Insert(CollectionRoot& root, Cursor* at, Bytes record, uint64_t hash) {
  const size_t before = notes_.size();
  if (!Save(PartAt(record.data() + root.tree.format().prefix))) return false;
  if (!root.tree.Insert(heap_, at, record, hash, slack_)) {
    notes_.Truncate(before);
    return false;
  }
  Close({.what = What::kInserted}, before);
  return true;
}

bool CollectionUndo::Replace(CollectionRoot& root, Cursor* at, Bytes record) {
  const ds::RecordFormat format = root.tree.format();
  const size_t before = notes_.size();
  const size_t old_bytes = static_cast<size_t>(ds::SkipRecord(at->record(), format) - at->record());
  if (!Save({at->record(), old_bytes})) return false;
  RefBlocks(at->record(), format);  // the note's
  if (!root.tree.Replace(heap_, at, record, slack_)) {
    UnrefBlocks(notes_.data() + before, format);
    notes_.Truncate(before);
    return false;
  }
  if (record.size() < old_bytes) slack_ += old_bytes - record.size();
  Close({.what = What::kReplaced}, before);
  return true;
}

bool CollectionUndo::InsertScored(CollectionRoot& root, Cursor* at, uint64_t word, const char* part) {
  const size_t before = notes_.size();
  if (!Save(PartAt(part))) return false;
  if (!keyspace::InsertScored(heap_, root, at, word, part)) {
    notes_.Truncate(before);
    return false;
  }
  Close({.what = What::kInsertedScored, .word = word}, before);
  return true;
}

bool CollectionUndo::Rescore(CollectionRoot& root, Cursor* at, Bytes member, uint64_t word) {
  const size_t before = notes_.size();
  const uint64_t old_word = ds::PrefixOf<uint64_t>(at->record());
  if (!Save(PartAt(at->record() + kScoredMembers.prefix))) return false;
  uint64_t there_word = 0;
  What what = What::kRescored;
  switch (RescoreAndKeep(heap_, root, at, member, word, &there_word)) {
    case Rescored::kNoMemory:
      notes_.Truncate(before);
      return false;
    case Rescored::kInPlace:
      break;
    case Rescored::kMoved:
      what = What::kMoved;
      break;
    case Rescored::kMovedBack:
      what = What::kMovedBack;
      break;
  }
  has_old_records_ = has_old_records_ || what != What::kRescored;
  moved_back_ = moved_back_ || what == What::kMovedBack;
  Close({.what = what, .word = word, .old_word = old_word, .there_word = there_word}, before);
  return true;
}

// ---- The end --------------------------------------------------------------------------------------------------------

void CollectionUndo::Undo(CollectionRoot& root) {
  TakeNotes([&](const Note& note, const char* saved) {
    base::AssertHolder();
    UndoOne(root, note, saved);
  });
}

void CollectionUndo::UndoOne(CollectionRoot& root, const Note& note, const char* saved) {
  CountedTree& tree = root.tree;
  if (note.what == What::kInserted) {
    CountedTree::Cursor at = Hashed(tree, TextOf(saved));
    LARDER_CHECK(tree.EraseUnmerged(heap_, &at));
  } else if (note.what == What::kReplaced) {
    CountedTree::Cursor at = Hashed(tree, ds::PartOf(saved, tree.format(), 0));
    tree.Restore(&at, {saved, note.saved});  // with the note's references
  } else {
    UndoScored(root, note, saved);
  }
}

void CollectionUndo::UndoScored(CollectionRoot& root, const Note& note, const char* part) {
  const Bytes member = TextOf(part);
  CountedTree::Cursor in_map = Hashed(root.map, member);
  CountedTree::Cursor in_tree;
  LARDER_CHECK(root.tree.FindSorted(ScoredProbe(note.word, member), &in_tree));
  bool done;
  if (note.what == What::kInsertedScored) {
    done = root.map.EraseUnmerged(heap_, &in_map) && root.tree.EraseUnmerged(heap_, &in_tree);
  } else {
    done = SetMapWord(heap_, root, &in_map, note.old_word);
    if (note.what == What::kMoved) {
      done = done && root.tree.EraseUnmerged(heap_, &in_tree);
    } else {
      const uint64_t word = note.what == What::kMovedBack ? note.there_word : note.old_word;
      done = done && SetTreeWord(heap_, root, &in_tree, word);
    }
  }
  LARDER_CHECK(done);
}

void CollectionUndo::Finish(CollectionRoot& root) {
  TakeNotes([&](const Note& note, const char* saved) {
    base::AssertHolder();
    FinishOne(root, note, saved);
  });
}

void CollectionUndo::FinishOne(CollectionRoot& root, const Note& note, const char* saved) {
  if (note.what == What::kReplaced) return UnrefBlocks(saved, root.tree.format());
  if (note.what != What::kMoved && note.what != What::kMovedBack) return;
  const Bytes member = TextOf(saved);
  if (moved_back_) {
    uint64_t now = 0;
    LARDER_CHECK(FindScoreWord(root.map, member, &now));
    if (ds::ComparedWord(now) == ds::ComparedWord(note.old_word)) return;
  }
  CountedTree::Cursor old;
  if (!root.tree.FindSorted(ScoredProbe(note.old_word, member), &old)) {
    LARDER_CHECK(moved_back_);  // left twice, and erased already
    return;
  }
  LARDER_CHECK(root.tree.Erase(heap_, &old));
}

}  // namespace larder::inline v0::keyspace
