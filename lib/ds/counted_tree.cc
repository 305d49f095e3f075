// CountedTree: searching and walking. What changes it is in counted_tree_change.cc and counted_tree_erase.cc.
#include "lib/ds/counted_tree.h"

#include <cstring>

namespace larder::inline v0::ds {
uint64_t CountedTree::KeyOf(const char* record) const {
  switch (format_.order) {
    case RecordFormat::Order::kPosition: return 0;
    case RecordFormat::Order::kSorted:
    case RecordFormat::Order::kNumbers: return FirstWord(record, format_);
    case RecordFormat::Order::kHashOfPart: return HashKey(base::HashBytes(PartOf(record, format_, 0), *seed_));
    case RecordFormat::Order::kHashInPrefix: return static_cast<uint64_t>(PrefixOf<uint32_t>(record)) << 32;
  }
  return 0;
}

void* CountedTree::BlockAt(const Cursor& cursor, int level) const {
  if (level == height_) return cursor.leaf_;
  return cursor.nodes_[level];
}

CountedTree::Cursor CountedTree::At(size_t index) const {
  LARDER_DCHECK(index <= size_);
  Cursor cursor;
  void* block = root_;
  if (block == nullptr) return cursor;
  size_t below = size_;  // of the node
  for (int level = 0; level < height_; ++level) {
    Node* const node = static_cast<Node*>(block);
    const uint64_t* const counts = node->counts();
    size_t at = 0;
    if (index < below / 2) {
      for (; index >= counts[at]; ++at) index -= counts[at];
    } else {  // from the end, where lists are looked at as often
      at = node->size - 1u;
      size_t begin = below - counts[at];
      while (index < begin) begin -= counts[--at];
      index -= begin;
    }
    below = counts[at];
    cursor.nodes_[level] = node;
    cursor.at_[level] = static_cast<uint16_t>(at);
    block = node->children()[at];
  }
  cursor.leaf_ = static_cast<Leaf*>(block);
  const PackedRecords leaf = cursor.leaf();
  cursor.Set(RecordAt(leaf, format_, index), index);
  return cursor;
}

size_t CountedTree::Rank(const Cursor& cursor) const {
  size_t rank = cursor.index_;
  for (int level = 0; level < height_; ++level) {
    for (size_t at = 0; at < cursor.at_[level]; ++at) rank += cursor.nodes_[level]->counts()[at];
  }
  return rank;
}

bool CountedTree::ToRecord(Cursor* cursor) const {
  if (cursor->at_record()) return true;
  int level = height_ - 1;
  while (level >= 0 && cursor->at_[level] + 1 >= cursor->nodes_[level]->size) --level;
  if (level < 0) return false;
  ++cursor->at_[level];
  ToFirst(cursor->nodes_[level]->children()[cursor->at_[level]], level + 1, cursor);
  return true;
}

// Down to the first record of a block at `level`.
void CountedTree::ToFirst(const void* block, int level, Cursor* cursor) const {
  for (; level < height_; ++level) {
    Node* const node = static_cast<Node*>(const_cast<void*>(block));
    cursor->nodes_[level] = node;
    cursor->at_[level] = 0;
    block = node->children()[0];
  }
  cursor->leaf_ = static_cast<Leaf*>(const_cast<void*>(block));
  cursor->Set(cursor->leaf_->data(), 0);
}

const char* CountedTree::FirstRecord(const void* block, int level) const {
  for (; level < height_; ++level) block = static_cast<const Node*>(block)->children()[0];
  return static_cast<const Leaf*>(block)->data();
}

// ---- By hash --------------------------------------------------------------------------------------------------------

void CountedTree::Descend(uint64_t hash, Cursor* cursor) const {
  void* block = root_;
  for (int level = 0; level < height_; ++level) {
    Node* const node = static_cast<Node*>(block);
    // The last child whose key is not above the hash.
    const uint64_t* const keys = node->keys();
    size_t low = 0;
    for (size_t left = node->size; left > 1;) {
      const size_t half = left / 2;
      low += keys[low + half] <= hash ? half : 0;
      left -= half;
    }
    cursor->nodes_[level] = node;
    cursor->at_[level] = static_cast<uint16_t>(low);
    block = node->children()[low];
  }
  cursor->leaf_ = static_cast<Leaf*>(block);
  cursor->Set(cursor->leaf_->data(), 0);
}

CountedTree::Cursor CountedTree::LeafOf(uint64_t hash) const {
  LARDER_DCHECK(format_.hashed());
  Cursor cursor;
  if (root_ != nullptr) Descend(hash, &cursor);
  return cursor;
}

bool CountedTree::FindHashed(uint64_t hash, Bytes part, Cursor* cursor) const {
  LARDER_DCHECK(format_.order == RecordFormat::Order::kHashOfPart);
  *cursor = LeafOf(hash);
  const PackedRecords leaf = cursor->leaf();
  const char tag = static_cast<char>(hash & 255);
  const char* record = leaf.begin;
  for (size_t i = 0; i < leaf.count; ++i) {
    if (*record == tag) {
      Bytes there;
      ReadPart(record + format_.prefix, &there);
      if (there == part) {
        cursor->Set(record, i);
        return true;
      }
    }
    record = SkipRecord(record, format_);
  }
  return false;
}

// ---- Sorted ---------------------------------------------------------------------------------------------------------

void CountedTree::DescendSorted(const Probe& probe, Cursor* cursor) const {
  void* block = root_;
  for (int level = 0; level < height_; ++level) {
    Node* const node = static_cast<Node*>(block);
    const uint64_t* const keys = node->keys();
    // The last child whose first record is not greater than the probe, or the first child.
    size_t low = 0;
    for (size_t left = node->size; left > 1;) {
      const size_t half = left / 2;
      const uint64_t key = keys[low + half];
      const bool goes = key < probe.first ||
                        (key == probe.first &&
                         CompareRecord(FirstRecord(node->children()[low + half], level + 1), format_, probe) <= 0);
      low += goes ? half : 0;
      left -= half;
    }
    cursor->nodes_[level] = node;
    cursor->at_[level] = static_cast<uint16_t>(low);
    block = node->children()[low];
  }
  cursor->leaf_ = static_cast<Leaf*>(block);
  cursor->Set(cursor->leaf_->data(), 0);
}

bool CountedTree::FindSorted(const Probe& probe, Cursor* cursor) const {
  LARDER_DCHECK(format_.sorted());
  *cursor = Cursor();
  if (root_ == nullptr) return false;
  DescendSorted(probe, cursor);
  const char* record = nullptr;
  size_t index = 0;
  const bool equal = ds::FindSorted(cursor->leaf(), format_, probe, &record, &index);
  cursor->Set(record, index);
  return equal;
}

// ---- Walking --------------------------------------------------------------------------------------------------------

void CountedTree::ForRange(size_t first, size_t count, bool backwards, Visit visit) const {
  if (count == 0) return;
  LARDER_DCHECK(first < size_);
  Cursor cursor = At(first);
  if (!backwards) {
    while (true) {
      const PackedRecords leaf = cursor.leaf();
      const char* record = cursor.record();
      for (size_t i = cursor.index_in_leaf(); i < leaf.count; ++i) {
        if (!visit(record) || --count == 0) return;
        record = SkipRecord(record, format_);
      }
      cursor.Set(leaf.end(), leaf.count);
      if (!ToRecord(&cursor)) return;
    }
  }
  while (true) {
    const PackedRecords leaf = cursor.leaf();
    const char* records[kLeafRecords];
    for (size_t end = cursor.index_in_leaf() + 1; end > 0;) {
      const size_t begin = end > kLeafRecords ? end - kLeafRecords : 0;
      const char* record = RecordAt(leaf, format_, begin);
      for (size_t i = begin; i < end; ++i, record = SkipRecord(record, format_)) records[i - begin] = record;
      for (size_t i = end; i > begin; --i) {
        if (!visit(records[i - 1 - begin]) || --count == 0) return;
      }
      end = begin;
    }
    const size_t before = Rank(cursor) - cursor.index_in_leaf();
    if (before == 0) return;
    cursor = At(before - 1);
  }
}

void CountedTree::ForLeaves(uint64_t hash,
                            absl::FunctionRef<bool(const PackedRecords& records, uint64_t next)> visit) const {
  if (root_ == nullptr) return;
  Cursor cursor = LeafOf(hash);
  while (true) {
    int level = height_ - 1;
    while (level >= 0 && cursor.at_[level] + 1 >= cursor.nodes_[level]->size) --level;
    const uint64_t next = level < 0 ? 0 : cursor.nodes_[level]->keys()[cursor.at_[level] + 1];
    const PackedRecords leaf = cursor.leaf();
    if (!visit(leaf, next) || next == 0) return;
    cursor.Set(leaf.end(), leaf.count);
    ToRecord(&cursor);
  }
}

// ---- For tests ------------------------------------------------------------------------------------------------------

bool CountedTree::ValidBelow(const void* block, int level, uint64_t least, uint64_t end, size_t* count,
                             size_t* bytes) const {
  if (level == height_) {
    const Leaf& leaf = *static_cast<const Leaf*>(block);
    if (leaf.refs == 0 || leaf.count == 0 || leaf.used > leaf.capacity) return false;
    const char* record = leaf.data();
    uint64_t before = 0;
    for (size_t i = 0; i < leaf.count; ++i) {
      const uint64_t key = KeyOf(record);
      if (format_.hashed() && (key < least || (end != 0 && key >= end))) return false;
      if (format_.sorted() && key < before) return false;
      before = key;
      const char* part = record + format_.prefix;
      for (int j = 0; j < format_.parts; ++j, part = SkipPart(part)) {
        const memory::Block* const own = PartBlock(part);
        if (own != nullptr && !format_.borrows) *bytes += own->footprint();
      }
      record = part;
    }
    *count += leaf.count;
    *bytes += LeafBlockBytes(leaf);
    return record == leaf.data() + leaf.used;
  }
  const Node& node = *static_cast<const Node*>(block);
  if (node.refs == 0 || node.size == 0 || node.size > node.capacity) return false;
  *bytes += NodeBlockBytes(node);
  for (size_t at = 0; at < node.size; ++at) {
    const uint64_t from = at == 0 ? least : node.keys()[at];
    const uint64_t to = at + 1 < node.size ? node.keys()[at + 1] : end;
    const void* const child = node.children()[at];
    if (format_.sorted() && KeyOf(FirstRecord(child, level + 1)) != node.keys()[at]) {
      return false;
    }
    size_t below = 0;
    if (!ValidBelow(child, level + 1, from, to, &below, bytes) || below != node.counts()[at]) return false;
    *count += below;
  }
  return true;
}

bool CountedTree::Valid() const {
  if (root_ == nullptr) return size_ == 0 && bytes_ == 0 && height_ == 0;
  size_t count = 0;
  size_t bytes = 0;
  return ValidBelow(root_, 0, 0, 0, &count, &bytes) && count == size_ && bytes == bytes_;
}

}  // namespace larder::inline v0::ds
