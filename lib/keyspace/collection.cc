#include "lib/keyspace/collection.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::keyspace {
namespace {

class CollectionKind final : public StructureKind {
 public:
  size_t Count(const Structure& root) const override { return Of(root).tree.size(); }

  void Walk(const Structure& root, absl::FunctionRef<bool(Bytes)> visit) const override {
    const ds::CountedTree& tree = Of(root).tree;
    if (tree.empty()) return;
    tree.ForRange(0, tree.size(), false, [&](const char* record) {
      for (int i = 0; i < tree.format().parts; ++i) {
        if (!visit(ds::PartOf(record, tree.format(), i))) return false;
      }
      return true;
    });
  }

  Structure* Clone(memory::Heap& heap, const Structure& from) const override {
    base::AssertHolder();
    const CollectionRoot& old = Of(from);
    CollectionRoot* const made = NewCollection(heap, old.tree.format(), old.tree.seed());
    if (made == nullptr) return nullptr;
    made->tree = old.tree.Clone();
    made->map = old.map.Clone();
    made->CountBytes();
    return made;
  }

  size_t FreeSome(memory::Heap& heap, Structure* structure, size_t elements, bool* done) const override {
    base::AssertHolder();
    CollectionRoot& root = static_cast<CollectionRoot&>(*structure);
    size_t freed = root.tree.bytes() != 0 ? root.tree.FreeSome(heap, elements) : root.map.FreeSome(heap, elements);
    *done = root.tree.bytes() == 0 && root.map.bytes() == 0;
    root.bytes -= freed;
    if (!*done) return freed;
    freed += root.bytes;
    heap.arena().Free(&root, sizeof(CollectionRoot));
    return freed;
  }

  // Position: 0 is the root; then the tree's, then the map's, each with its stage in the low two bits.
  bool MoveNext(Structure** structure, uint64_t* position, absl::FunctionRef<void*(const void*)> move,
                absl::FunctionRef<void(void*)> end) const override {
    base::AssertHolder();
    CollectionRoot* root = static_cast<CollectionRoot*>(*structure);
    uint64_t stage = *position & 3;
    if (stage == 0) {
      *position = 1;
      if (void* const made = move(root); made != nullptr) {
        *structure = static_cast<CollectionRoot*>(made);
        end(root);
      }
      return true;
    }
    uint64_t inner = *position >> 2;
    if (stage == 1) {
      if (root->tree.MoveNext(&inner, move, end)) {
        *position = inner << 2 | 1;
        return true;
      }
      inner = 0;
      stage = 2;
    }
    if (!root->map.MoveNext(&inner, move, end)) return false;
    *position = inner << 2 | stage;
    return true;
  }

 private:
  static const CollectionRoot& Of(const Structure& root) { return static_cast<const CollectionRoot&>(root); }
};

constexpr CollectionKind kCollectionKind;

uint16_t PackedCount(Bytes value) {
  uint16_t count;
  std::memcpy(&count, value.data(), sizeof(count));
  return count;
}

// The record with the tag of its hash before it.
Bytes WithTag(Bytes record, uint64_t hash, char* room) {
  room[0] = static_cast<char>(hash & 255);
  base::CopyBytes(room + 1, record);
  return {room, record.size() + 1};
}

Bytes PackedValueOf(const Entry& entry) {
  return entry.storage() == Entry::Storage::kInline ? entry.inline_value() : entry.block()->view();
}

}  // namespace

// ---- CollectionRoot -------------------------------------------------------------------------------------------------

CollectionRoot::CollectionRoot(ds::RecordFormat format, const base::HashSeed* seed)
    : Structure{&kCollectionKind, 0}, tree(format, seed), map(kMemberScores, seed) {
  CountBytes();
}

void CollectionRoot::CountBytes() {
  bytes = memory::Arena::RoundUp(sizeof(CollectionRoot)) + tree.bytes() + map.bytes();
}

CollectionRoot* NewCollection(memory::Heap& heap, ds::RecordFormat format, const base::HashSeed* seed) {
  void* const place = heap.arena().Allocate(sizeof(CollectionRoot), memory::Tenant::kBlock);
  return place == nullptr ? nullptr : new (place) CollectionRoot(format, seed);
}

void FreeCollection(memory::Heap& heap, CollectionRoot* root) {
  for (bool done = false; !done;) kCollectionKind.FreeSome(heap, root, SIZE_MAX, &done);
}

// ---- RecordDraft ----------------------------------------------------------------------------------------------------

void RecordDraft::Clear() {
  base::AssertHolder();
  while (blocks_ > 0) block_[--blocks_]->UnrefHeld();
  size_ = 0;
}

bool RecordDraft::Part(Bytes text) {
  if (text.size() <= ds::kPartInlineMax) {
    size_ = static_cast<size_t>(ds::WritePart(bytes_ + size_, text) - bytes_);
    return true;
  }
  memory::Block* const block = heap_.New(text.size(), text.size());
  if (block == nullptr) return false;
  base::CopyBytes(block->data(), text);
  block_[blocks_++] = block;
  size_ = static_cast<size_t>(ds::WritePart(bytes_ + size_, block) - bytes_);
  return true;
}

void RecordDraft::Copy(const char* record, ds::RecordFormat format) {
  LARDER_DCHECK(size_ == 0);
  const char* part = record + format.prefix;
  for (int i = 0; i < format.parts; ++i, part = ds::SkipPart(part)) {
    memory::Block* const block = ds::PartBlock(part);
    if (block == nullptr) continue;
    block->Ref();
    block_[blocks_++] = block;
  }
  size_ = static_cast<size_t>(part - record);
  std::memcpy(bytes_, record, size_);
}

// ---- Collection -----------------------------------------------------------------------------------------------------

Collection::Collection(const Entry* entry, ds::RecordFormat packed) : format_(packed) {
  if (entry == nullptr) return;
  if (entry->storage() == Entry::Storage::kStructure) {
    *this = Collection(*static_cast<const CollectionRoot*>(entry->structure()));
    return;
  }
  const Bytes value = PackedValueOf(*entry);
  packed_ = {value.data() + kPackedCountBytes, value.size() - kPackedCountBytes, PackedCount(value)};
}

Collection::Collection(const CollectionRoot& root) : format_(root.tree.format()), tree_(&root.tree) {
  if (format_.scores) map_ = &root.map;
}

const char* Collection::Find(Bytes part) const {
  size_t index = 0;
  if (tree_ == nullptr) return ds::FindPart(packed_, format_, part, &index);
  if (format_.order == ds::RecordFormat::Order::kHashOfPart) {
    ds::CountedTree::Cursor cursor;
    const bool found = tree_->FindHashed(base::HashBytes(part, *tree_->seed()), part, &cursor);
    return found ? cursor.record() : nullptr;
  }
  if (format_.scores) {
    uint64_t word = 0;
    ds::CountedTree::Cursor cursor;
    if (!FindScoreWord(*map_, part, &word) || !tree_->FindSorted(ScoredProbe(word, part), &cursor)) return nullptr;
    return cursor.record();
  }
  for (ds::CountedTree::Cursor cursor = tree_->At(0); tree_->ToRecord(&cursor);) {
    const ds::PackedRecords leaf = cursor.leaf();
    const char* const record = ds::FindPart(leaf, format_, part, &index);
    if (record != nullptr) return record;
    cursor.Set(leaf.end(), leaf.count);
  }
  return nullptr;
}

size_t Collection::CountLess(const ds::SortedProbe& probe) const {
  LARDER_DCHECK(format_.order == ds::RecordFormat::Order::kSorted);
  if (tree_ == nullptr) {
    const char* record = nullptr;
    size_t index = 0;
    ds::FindSorted(packed_, format_, probe, &record, &index);
    return index;
  }
  ds::CountedTree::Cursor cursor;
  tree_->FindSorted(probe, &cursor);
  return tree_->Rank(cursor);
}

Collection Collection::ByHash() const {
  Collection by_hash = *this;
  if (map_ == nullptr) return by_hash;
  by_hash.tree_ = map_;
  by_hash.format_ = map_->format();
  by_hash.map_ = nullptr;
  return by_hash;
}

bool Collection::FindScore(Bytes member, uint64_t* word) const {
  LARDER_DCHECK(format_.scores);
  if (map_ != nullptr) return FindScoreWord(*map_, member, word);
  size_t index = 0;
  const char* const record = ds::FindPart(packed_, format_, member, &index);
  if (record == nullptr) return false;
  *word = ds::PrefixOf<uint64_t>(record);
  return true;
}

const char* Collection::At(size_t index) const {
  LARDER_DCHECK(index < size());
  return tree_ != nullptr ? tree_->At(index).record() : ds::RecordAt(packed_, format_, index);
}

void Collection::ForRange(size_t first, size_t count, bool backwards, ds::CountedTree::Visit visit) const {
  if (count == 0) return;
  if (tree_ != nullptr) return tree_->ForRange(first, count, backwards, visit);
  LARDER_DCHECK(first < packed_.count);
  if (!backwards) {
    const char* record = ds::RecordAt(packed_, format_, first);
    for (; count > 0 && record != packed_.end(); --count) {
      const char* const next = ds::SkipRecord(record, format_);
      if (!visit(record)) return;
      record = next;
    }
    return;
  }
  if (format_.fixed_size()) {
    const char* record = ds::RecordAt(packed_, format_, first);
    for (size_t left = std::min(count, first + 1); left > 0 && visit(record); --left) record -= format_.prefix;
    return;
  }
  const char* records[kPackedRecords];
  const char* record = packed_.begin;
  for (size_t i = 0; i <= first; ++i, record = ds::SkipRecord(record, format_)) records[i] = record;
  for (size_t i = first + 1; i > 0 && count > 0; --i, --count) {
    if (!visit(records[i - 1])) return;
  }
}

// ---- CollectionEdit -------------------------------------------------------------------------------------------------

CollectionEdit::CollectionEdit(Db& db, Bytes key, const Place& place, Form form, ds::RecordFormat packed,
                               ds::RecordFormat large, bool several)
    : db_(db), heap_(db.keyspace().blocks()), key_(key), place_(place), form_(form), packed_format_(packed),
      large_(large) {
  const Entry* const entry = place;
  if (entry == nullptr) return;
  form_ = {entry->type(), entry->encoding()};
  form_before_ = form_;
  expiry_ms_ = entry->expiry_ms();
  bytes_before_ = Keyspace::BytesOf(*entry);
  if (entry->storage() != Entry::Storage::kStructure) {
    const Bytes value = PackedValueOf(*entry);
    packed_bytes_ = value.size() - kPackedCountBytes;
    packed_count_ = PackedCount(value);
    base::CopyBytes(packed_, value);
    return;
  }
  root_ = static_cast<CollectionRoot*>(entry->structure());
  large_ = root_->tree.format();
  const bool can_undo = large_.scores || large_.order == ds::RecordFormat::Order::kHashOfPart;
  clones_ = (several && !can_undo) || db.keyspace().effects().wants(Effects::kOldValues);
  undoes_ = several && !clones_;
}

CollectionEdit::CollectionEdit(Db& db, Bytes key, const Place& place, Form form, ds::RecordFormat packed,
                               ds::RecordFormat large, Anew anew)
    : db_(db), heap_(db.keyspace().blocks()), key_(key), place_(place), form_(form), packed_format_(packed),
      large_(large), expiry_ms_(anew.expiry_ms), anew_(true) {}

// Before a tree is changed. A spot that was found in the tree is one in its clone, whose nodes are the same.
Error CollectionEdit::Own() {
  if (!clones_ || own_root_) return kOk;
  Structure* const clone = kCollectionKind.Clone(heap_, *root_);
  if (clone == nullptr) return errors::kAllocationFailed;
  root_ = static_cast<CollectionRoot*>(clone);
  own_root_ = true;
  return kOk;
}

CollectionEdit::~CollectionEdit() {
  base::AssertHolder();
  if (made_ != nullptr) db_.DropMade(made_);
  if (packed() || committed_) return;
  if (own_root_) {
    Drop(root_);
    return;
  }
  if (undoes()) undo_.Undo(*root_);
  // A change that has failed may have made nodes, of the same records.
  root_->CountBytes();
  db_.StructureChanged(place_, form_before_, bytes_before_);
}

// What no entry has. It may be large.
void CollectionEdit::Drop(CollectionRoot* root) {
  root->CountBytes();
  db_.keyspace().garbage().DropValue({Entry::Storage::kStructure, root});
}

void CollectionEdit::Become(CollectionRoot* root) {
  LARDER_DCHECK(!undoes());  // the changes to what an entry has would stay
  if (own_root_) Drop(root_);
  root_ = root;
  own_root_ = true;
}

Collection CollectionEdit::Read() const {
  LARDER_DCHECK(!undo_.has_old_records());
  if (!packed()) return Collection(*root_);
  Collection read(nullptr, packed_format_);
  read.packed_ = records();
  return read;
}

bool CollectionEdit::Find(Bytes part, Spot* spot) const {
  if (root_ == nullptr) {
    const ds::PackedRecords packed = records();
    spot->record = ds::FindPart(packed, packed_format_, part, &spot->index);
    if (spot->record == nullptr) spot->index = packed_count_;
    spot->offset = spot->record == nullptr ? packed_bytes_ : static_cast<size_t>(spot->record - packed.begin);
    return spot->record != nullptr;
  }
  const ds::CountedTree& tree = root_->tree;
  spot->record = nullptr;
  if (tree.format().order == ds::RecordFormat::Order::kHashOfPart) {
    spot->hash = base::HashBytes(part, *tree.seed());
    if (tree.FindHashed(spot->hash, part, &spot->cursor)) spot->record = spot->cursor.record();
    return spot->record != nullptr;
  }
  if (tree.format().scores) {
    uint64_t word = 0;
    if (!FindScoreWord(root_->map, part, &word)) return false;
    if (tree.FindSorted(ScoredProbe(word, part), &spot->cursor)) spot->record = spot->cursor.record();
    return spot->record != nullptr;
  }
  spot->cursor = tree.At(0);
  while (tree.ToRecord(&spot->cursor)) {
    const ds::PackedRecords leaf = spot->cursor.leaf();
    size_t index = 0;
    spot->record = ds::FindPart(leaf, tree.format(), part, &index);
    if (spot->record != nullptr) {
      spot->cursor.Set(spot->record, index);
      return true;
    }
    spot->cursor.Set(leaf.end(), leaf.count);
  }
  return false;
}

void CollectionEdit::At(size_t index, Spot* spot) const {
  LARDER_DCHECK(index <= size());
  if (root_ == nullptr) {
    const ds::PackedRecords packed = records();
    const char* const record = ds::RecordAt(packed, packed_format_, index);
    spot->index = index;
    spot->offset = static_cast<size_t>(record - packed.begin);
    spot->record = index < packed_count_ ? record : nullptr;
    return;
  }
  spot->cursor = root_->tree.At(index);
  spot->record = spot->cursor.at_record() ? spot->cursor.record() : nullptr;
}

void CollectionEdit::Behind(Spot* spot) const {
  LARDER_DCHECK(spot->record != nullptr);
  const char* const behind = ds::SkipRecord(spot->record, format());
  if (packed()) {
    ++spot->index;
    spot->offset += static_cast<size_t>(behind - spot->record);
  } else {
    spot->cursor.Set(behind, spot->cursor.index_in_leaf() + 1);
  }
  spot->record = nullptr;
}

bool CollectionEdit::FindSorted(const ds::CountedTree::Probe& probe, Spot* spot) const {
  if (root_ != nullptr) {
    const bool equal = root_->tree.FindSorted(probe, &spot->cursor);
    spot->record = spot->cursor.at_record() ? spot->cursor.record() : nullptr;
    return equal;
  }
  const ds::PackedRecords packed = records();
  const char* record = nullptr;
  const bool equal = ds::FindSorted(packed, packed_format_, probe, &record, &spot->index);
  spot->offset = static_cast<size_t>(record - packed.begin);
  spot->record = spot->index < packed_count_ ? record : nullptr;
  return equal;
}

bool CollectionEdit::Fits(size_t bytes, size_t records, const RecordDraft& draft) const {
  return bytes <= kPackedBytes && (records <= kPackedRecords || packed_format_.fixed_size()) && !draft.has_blocks();
}

void CollectionEdit::Splice(const Spot& spot, size_t erased, Bytes added, int records) {
  char* const at = packed_ + kPackedCountBytes + spot.offset;
  std::memmove(at + added.size(), at + erased, packed_bytes_ - spot.offset - erased);
  base::CopyBytes(at, added);
  packed_bytes_ += added.size() - erased;
  packed_count_ = static_cast<size_t>(static_cast<int64_t>(packed_count_) + records);
}

// A record of another format, with the prefix that this one wants.
bool CollectionEdit::AddCopy(CollectionRoot* to, const char* record, ds::RecordFormat old_format) {
  const ds::RecordFormat format = to->tree.format();
  const char* const parts = record + old_format.prefix;
  const char* const end = ds::SkipRecord(record, old_format);
  char room[kRecordBytesMax];
  uint64_t key = 0;
  ds::CountedTree::Cursor cursor;
  if (format.order == ds::RecordFormat::Order::kHashOfPart) {
    Bytes part;
    ds::ReadPart(parts, &part);
    key = base::HashBytes(part, *to->tree.seed());
    room[0] = static_cast<char>(key & 255);
    cursor = to->tree.LeafOf(key);
  } else {
    LARDER_DCHECK(format.prefix == old_format.prefix);
    std::memcpy(room, record, format.prefix);
    if (format.order == ds::RecordFormat::Order::kSorted) key = ds::FirstWord(room, format);
    cursor = to->tree.At(to->tree.size());
  }
  const size_t size = static_cast<size_t>(end - parts);
  std::memcpy(room + format.prefix, parts, size);
  if (format.scores) {
    if (!InsertScored(heap_, *to, &cursor, ds::PrefixOf<uint64_t>(record), parts)) return false;
  } else if (!to->tree.Insert(heap_, &cursor, {room, format.prefix + size}, key)) {
    return false;
  }
  for (const char* part = parts; part != end; part = ds::SkipPart(part)) {
    if (ds::PartBlock(part) != nullptr) ds::PartBlock(part)->Ref();
  }
  return true;
}

// Becomes a tree of this format: of what it is now.
Error CollectionEdit::Copy(ds::RecordFormat format) {
  CollectionRoot* const made = NewCollection(heap_, format, &db_.keyspace().hash_seed());
  if (made == nullptr) return errors::kAllocationFailed;
  bool ok = true;
  const Collection now = Read();
  now.ForEach([&](const char* record) {
    base::AssertHolder();
    return ok = AddCopy(made, record, now.format());
  });
  if (!ok) {
    FreeCollection(heap_, made);
    return errors::kAllocationFailed;
  }
  Become(made);
  return kOk;
}

Error CollectionEdit::SetLarge(ds::RecordFormat large) {
  large_ = large;
  if (root_ == nullptr || root_->tree.format().order == large.order) return kOk;
  return Copy(large);
}

// False if it does not fit.
bool CollectionEdit::PackAnew(ds::RecordFormat format, MakeRecord make) {
  char made[kPackedBytes];
  char room[kRecordBytesMax];
  size_t bytes = 0;
  bool fits = packed_count_ <= kPackedRecords || format.fixed_size();
  Read().ForEach([&](const char* record) {
    const Bytes as = make(record, room);
    fits = fits && bytes + as.size() <= kPackedBytes;
    if (!fits) return false;
    base::CopyBytes(made + bytes, as);
    bytes += as.size();
    return true;
  });
  if (fits) {
    base::CopyBytes(packed_ + kPackedCountBytes, Bytes(made, bytes));
    packed_bytes_ = bytes;
  }
  return fits;
}

Error CollectionEdit::Reformat(ds::RecordFormat packed_format, ds::RecordFormat large, MakeRecord make) {
  if (!packed() || !PackAnew(packed_format, make)) {
    CollectionRoot* const made = NewCollection(heap_, large, &db_.keyspace().hash_seed());
    if (made == nullptr) return errors::kAllocationFailed;
    char room[kRecordBytesMax];
    bool ok = true;
    Read().ForEach([&](const char* record) {
      base::AssertHolder();
      return ok = AddCopy(made, make(record, room).data(), packed_format);
    });
    if (!ok) {
      Drop(made);
      return errors::kAllocationFailed;
    }
    Become(made);
  }
  packed_format_ = packed_format;
  large_ = large;
  return kOk;
}

Error CollectionEdit::StartAs(const Entry& from) {
  LARDER_DCHECK(anew_ && size() == 0 && from.storage() == Entry::Storage::kStructure);
  Structure* const clone = kCollectionKind.Clone(heap_, *from.structure());
  if (clone == nullptr) return errors::kAllocationFailed;
  Become(static_cast<CollectionRoot*>(clone));
  form_ = {from.type(), from.encoding()};
  large_ = root_->tree.format();
  return kOk;
}

// What was a spot in packed records is one in the tree that they become.
Error CollectionEdit::ToTreeSpot(Spot& spot) {
  Bytes part;
  if (spot.record != nullptr) part = ds::PartOf(spot.record, packed_format_, 0);
  const bool at_record = spot.record != nullptr;
  LARDER_RETURN_IF_ERROR(Copy(large_));
  // The packed bytes are still there, and `part` with them.
  if (!large_.hashed()) {
    At(spot.index, &spot);
  } else if (at_record) {
    Find(part, &spot);
  }
  return kOk;
}

Error CollectionEdit::Insert(Spot& spot, RecordDraft& draft) {
  const bool was_packed = packed();
  if (was_packed) {
    if (Fits(packed_bytes_ + draft.record().size(), packed_count_ + 1, draft)) {
      Splice(spot, 0, draft.record(), 1);
      draft.Taken();
      return kOk;
    }
    spot.record = nullptr;
    LARDER_RETURN_IF_ERROR(ToTreeSpot(spot));
  }
  LARDER_RETURN_IF_ERROR(Own());
  ds::CountedTree& tree = root_->tree;
  char room[kRecordBytesMax];
  Bytes record = draft.record();
  uint64_t key = 0;
  if (tree.format().scores) {
    const char* const part = record.data() + tree.format().prefix;
    const uint64_t word = ds::PrefixOf<uint64_t>(record.data());
    const bool inserted = undoes() ? undo_.InsertScored(*root_, &spot.cursor, word, part)
                                   : InsertScored(heap_, *root_, &spot.cursor, word, part);
    if (!inserted) return errors::kAllocationFailed;
    draft.Taken();
    return kOk;
  }
  if (tree.format().order == ds::RecordFormat::Order::kHashOfPart) {
    if (was_packed) {
      spot.hash = base::HashBytes(ds::PartOf(record.data(), packed_format_, 0), *tree.seed());
      spot.cursor = tree.LeafOf(spot.hash);
    }
    key = spot.hash;
    record = WithTag(record, key, room);
  } else if (tree.format().order == ds::RecordFormat::Order::kSorted) {
    key = ds::FirstWord(record.data(), tree.format());
  }
  const bool inserted =
      undoes() ? undo_.Insert(*root_, &spot.cursor, record, key) : tree.Insert(heap_, &spot.cursor, record, key);
  if (!inserted) return errors::kAllocationFailed;
  draft.Taken();
  return kOk;
}

Error CollectionEdit::Replace(Spot& spot, RecordDraft& draft) {
  if (packed()) {
    const size_t old = static_cast<size_t>(ds::SkipRecord(spot.record, packed_format_) - spot.record);
    if (Fits(packed_bytes_ - old + draft.record().size(), packed_count_, draft)) {
      Splice(spot, old, draft.record(), 0);
      draft.Taken();
      return kOk;
    }
    LARDER_RETURN_IF_ERROR(ToTreeSpot(spot));
  }
  LARDER_RETURN_IF_ERROR(Own());
  ds::CountedTree& tree = root_->tree;
  char room[kRecordBytesMax];
  Bytes record = draft.record();
  if (tree.format().order == ds::RecordFormat::Order::kHashOfPart) {
    record = WithTag(record, static_cast<uint8_t>(*spot.cursor.record()), room);
  }
  const bool replaced =
      undoes() ? undo_.Replace(*root_, &spot.cursor, record) : tree.Replace(heap_, &spot.cursor, record);
  if (!replaced) return errors::kAllocationFailed;
  draft.Taken();
  return kOk;
}

Error CollectionEdit::Rescore(Spot& spot, Bytes member, uint64_t word) {
  LARDER_DCHECK(format().scores && ds::PartOf(spot.record, format(), 0) == member);
  if (!packed()) {
    LARDER_RETURN_IF_ERROR(Own());
    const bool moved = undoes() ? undo_.Rescore(*root_, &spot.cursor, member, word)
                                : MoveScored(heap_, *root_, &spot.cursor, member, word);
    return moved ? kOk : Error(errors::kAllocationFailed);
  }
  char record[kRecordBytesMax];
  const size_t size = static_cast<size_t>(ds::SkipRecord(spot.record, packed_format_) - spot.record);
  std::memcpy(record, spot.record, size);
  std::memcpy(record, &word, sizeof(word));
  Splice(spot, size, {}, -1);
  FindSorted(ScoredProbe(word, member), &spot);
  Splice(spot, 0, {record, size}, 1);
  return kOk;
}

Error CollectionEdit::Erase(Spot& spot) {
  if (packed()) {
    Splice(spot, static_cast<size_t>(ds::SkipRecord(spot.record, packed_format_) - spot.record), {}, -1);
    return kOk;
  }
  LARDER_RETURN_IF_ERROR(Own());
  const bool erased = root_->tree.format().scores ? EraseScored(heap_, *root_, &spot.cursor)
                                                  : root_->tree.Erase(heap_, &spot.cursor);
  return erased ? kOk : Error(errors::kAllocationFailed);
}

Error CollectionEdit::Reserve(Spot& spot) {
  if (!in_place()) return kOk;
  const bool reserved = root_->tree.format().scores ? ReserveScored(heap_, *root_, &spot.cursor)
                                                    : root_->tree.PrepareErase(heap_, &spot.cursor);
  return reserved ? kOk : Error(errors::kAllocationFailed);
}

Result<int64_t> CollectionEdit::EraseAll(std::span<const Bytes> parts) {
  Spot spot;
  if (in_place() && parts.size() > 1) {
    for (const Bytes part : parts) {
      if (Find(part, &spot)) LARDER_RETURN_IF_ERROR(Reserve(spot));
    }
  }
  int64_t erased = 0;
  for (const Bytes part : parts) {
    if (!Find(part, &spot)) continue;
    LARDER_RETURN_IF_ERROR(Erase(spot));
    ++erased;
  }
  return erased;
}

Error CollectionEdit::EraseRange(size_t first, size_t count) {
  if (count == 0) return kOk;
  if (packed()) {
    Spot from, to;
    At(first, &from);
    At(first + count, &to);
    Splice(from, to.offset - from.offset, {}, -static_cast<int>(count));
    return kOk;
  }
  LARDER_DCHECK(!undo_.has_old_records());
  LARDER_RETURN_IF_ERROR(Own());
  const bool erased = root_->tree.format().scores ? EraseScoredRange(heap_, *root_, first, count)
                                                  : root_->tree.EraseRange(heap_, first, count);
  return erased ? kOk : Error(errors::kAllocationFailed);
}

Bytes CollectionEdit::packed_value() {
  const uint16_t count = static_cast<uint16_t>(packed_count_);
  std::memcpy(packed_, &count, sizeof(count));
  return {packed_, kPackedCountBytes + packed_bytes_};
}

Error CollectionEdit::Commit(const Change& change, const Change& gone) {
  if (undoes()) undo_.Finish(*root_);
  if (size() == 0) {
    if (place_ == nullptr) return kOk;
    if (!packed() && !own_root_) {  // it ends with the entry, as large as it is now
      root_->CountBytes();
      db_.StructureChanged(place_, form_, bytes_before_);
      committed_ = true;
    }
    db_.Delete(place_, gone);
    return kOk;
  }
  if (packed() && anew_) return db_.PutPackedAnew(key_, place_, form_, packed_value(), expiry_ms_, change).error();
  if (packed()) return db_.PutPacked(key_, place_, form_, packed_value(), change).error();
  root_->CountBytes();
  if (own_root_) {
    LARDER_RETURN_IF_ERROR(db_.PutStructure(key_, place_, form_, root_, expiry_ms_, change).error());
    committed_ = true;
    if (!anew_) db_.keyspace().garbage().CatchUp();  // what it was before shares the most with what it is now
    return kOk;
  }
  committed_ = true;
  db_.StructureChanged(place_, form_, bytes_before_);
  db_.EmitChanged(place_, change);
  return kOk;
}

Error CollectionEdit::PrepareErase(Spot& spot) {
  if (in_place()) return Reserve(spot);
  LARDER_RETURN_IF_ERROR(Erase(spot));
  if (size() == 0) return kOk;
  if (packed()) {
    made_ = db_.MakePacked(key_, place_, form_, packed_value());
  } else {
    root_->CountBytes();
    made_ = db_.MakeStructure(key_, form_, root_, place_->expiry_ms());
  }
  return made_ == nullptr ? Error(errors::kAllocationFailed) : kOk;
}

void CollectionEdit::CommitErase(Spot& spot, const Change& change, const Change& gone) {
  if (made_ == nullptr) {
    if (in_place()) LARDER_CHECK(Erase(spot).ok());
    LARDER_CHECK(Commit(change, gone).ok());
    return;
  }
  LARDER_CHECK(db_.PutMade(place_, made_, change).ok());
  made_ = nullptr;
  committed_ = true;
}

}  // namespace larder::inline v0::keyspace
