// CountedTree: what changes it. Each step that may fail for want of memory leaves the same records, in the same order, in
// nodes that are valid; only Splice changes records, and it cannot fail.
#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/check.h"
#include "lib/ds/counted_tree.h"

namespace larder::inline v0::ds {
namespace {

constexpr size_t kChildBytes = 24;

// A key with about half of these below it, and at least one. False if they are all the same.
bool PickMiddle(uint64_t* keys, size_t count, uint64_t* middle) {
  std::nth_element(keys, keys + count / 2, keys + count);
  *middle = keys[count / 2];
  const auto below = [&](uint64_t key) { return key < *middle; };
  if (std::any_of(keys, keys + count, below)) return true;
  // It is the least: the next one, then.
  const uint64_t least = *middle;
  for (size_t i = 0; i < count; ++i) {
    if (keys[i] > least && (*middle == least || keys[i] < *middle)) *middle = keys[i];
  }
  return *middle != least;
}

}  // namespace

// ---- Blocks ---------------------------------------------------------------------------------------------------------

size_t CountedTree::LeafBlockBytes(const Leaf& leaf) { return memory::Arena::RoundUp(sizeof(Leaf) + leaf.capacity); }
size_t CountedTree::NodeBlockBytes(const Node& node) {
  return memory::Arena::RoundUp(sizeof(Node) + node.capacity * kChildBytes);
}

CountedTree::Leaf* CountedTree::NewLeaf(memory::Heap& heap, size_t capacity) {
  const size_t bytes = memory::Arena::RoundUp(sizeof(Leaf) + capacity);
  void* const place = heap.arena().Allocate(bytes, memory::Tenant::kBlock);
  if (place == nullptr) return nullptr;
  Leaf* const leaf = static_cast<Leaf*>(place);
  *leaf = {.refs = 1, .used = 0, .capacity = static_cast<uint32_t>(bytes - sizeof(Leaf)), .count = 0};
  bytes_ += bytes;
  return leaf;
}

CountedTree::Node* CountedTree::NewNode(memory::Heap& heap, size_t capacity) {
  LARDER_DCHECK(capacity <= kChildren);
  const size_t bytes = memory::Arena::RoundUp(sizeof(Node) + capacity * kChildBytes);
  void* const place = heap.arena().Allocate(bytes, memory::Tenant::kBlock);
  if (place == nullptr) return nullptr;
  Node* const node = static_cast<Node*>(place);
  const size_t room = std::min(kChildren, (bytes - sizeof(Node)) / kChildBytes);
  *node = {.refs = 1, .size = 0, .capacity = static_cast<uint16_t>(room), .unused = 0};
  bytes_ += NodeBlockBytes(*node);
  return node;
}

// `parts`: its records end with it, else they have been moved to another leaf.
void CountedTree::FreeLeaf(memory::Heap& heap, Leaf* leaf, bool parts) {
  if (parts) bytes_ -= BlocksOf(leaf->data(), leaf->data() + leaf->used, -1);
  bytes_ -= LeafBlockBytes(*leaf);
  heap.arena().Free(leaf, sizeof(Leaf) + leaf->capacity);
}

void CountedTree::FreeNode(memory::Heap& heap, Node* node) {
  bytes_ -= NodeBlockBytes(*node);
  heap.arena().Free(node, sizeof(Node) + node->capacity * kChildBytes);
}

// What the blocks of these records take; gives each another reference, or takes one away.
size_t CountedTree::BlocksOf(const char* from, const char* to, int references) {
  size_t bytes = 0;
  if (format_.borrows) return 0;
  while (from != to) {
    from += format_.prefix;
    for (int i = 0; i < format_.parts; ++i) {
      memory::Block* const block = PartBlock(from);
      from = SkipPart(from);
      if (block == nullptr) continue;
      bytes += block->footprint();
      if (references > 0) block->Ref();
      if (references < 0) block->UnrefHeld();
    }
  }
  return bytes;
}

void CountedTree::SetBlock(Cursor* cursor, int level, void* block) {
  if (level == 0) {
    root_ = block;
  } else {
    cursor->nodes_[level - 1]->children()[cursor->at_[level - 1]] = block;
  }
  if (level == height_) {
    cursor->leaf_ = static_cast<Leaf*>(block);
  } else {
    cursor->nodes_[level] = static_cast<Node*>(block);
  }
}

void CountedTree::AddCount(Cursor* cursor, int64_t by) {
  size_ += static_cast<size_t>(by);
  for (int level = 0; level < height_; ++level) {
    cursor->nodes_[level]->counts()[cursor->at_[level]] += static_cast<uint64_t>(by);
  }
}

bool CountedTree::AtEnd(const Cursor& cursor) const {
  if (cursor.at_record()) return false;
  for (int level = 0; level < height_; ++level) {
    if (cursor.at_[level] + 1 != cursor.nodes_[level]->size) return false;
  }
  return true;
}

bool CountedTree::AtBeginning(const Cursor& cursor) const {
  if (cursor.index_ != 0) return false;
  for (int level = 0; level < height_; ++level) {
    if (cursor.at_[level] != 0) return false;
  }
  return true;
}

// ---- Sharing --------------------------------------------------------------------------------------------------------

CountedTree::Leaf* CountedTree::CopyLeaf(memory::Heap& heap, const Leaf& leaf) {
  Leaf* const made = NewLeaf(heap, leaf.used);
  if (made == nullptr) return nullptr;
  AppendRecords(made, leaf.data(), leaf.used, leaf.count);
  BlocksOf(made->data(), made->data() + made->used, 1);
  bytes_ -= LeafBlockBytes(leaf);
  return made;
}

CountedTree::Node* CountedTree::CopyNode(memory::Heap& heap, const Node& node) {
  Node* const made = NewNode(heap, node.capacity);
  if (made == nullptr) return nullptr;
  AppendChildren(made, node, 0);
  for (size_t at = 0; at < node.size; ++at) ++RefsOf(node.children()[at]);
  bytes_ -= NodeBlockBytes(node);
  return made;
}

// Copies what others have too of the path.
bool CountedTree::Own(memory::Heap& heap, Cursor* cursor) {
  for (int level = 0; level <= height_; ++level) {
    void* const block = BlockAt(*cursor, level);
    if (RefsOf(block) == 1) continue;
    void* const made = level == height_ ? static_cast<void*>(CopyLeaf(heap, *static_cast<Leaf*>(block)))
                                        : CopyNode(heap, *static_cast<Node*>(block));
    if (made == nullptr) return false;
    --RefsOf(block);
    SetBlock(cursor, level, made);
  }
  return true;
}

CountedTree CountedTree::Clone() const {
  if (root_ != nullptr) ++RefsOf(root_);
  return *this;
}

// ---- Inner nodes ----------------------------------------------------------------------------------------------------

void CountedTree::InsertChild(Node* node, size_t at, uint64_t key, void* child, uint64_t count) {
  LARDER_DCHECK(node->size < node->capacity && at <= node->size);
  const size_t behind = node->size - at;
  std::memmove(node->keys() + at + 1, node->keys() + at, behind * sizeof(uint64_t));
  std::memmove(node->children() + at + 1, node->children() + at, behind * sizeof(void*));
  std::memmove(node->counts() + at + 1, node->counts() + at, behind * sizeof(uint64_t));
  node->keys()[at] = key;
  node->children()[at] = child;
  node->counts()[at] = count;
  ++node->size;
}

// Those of `from` from `first` on.
void CountedTree::AppendChildren(Node* to, const Node& from, size_t first) {
  const size_t count = from.size - first;
  LARDER_DCHECK(to->size + count <= to->capacity);
  std::memcpy(to->keys() + to->size, from.keys() + first, count * sizeof(uint64_t));
  std::memcpy(to->children() + to->size, from.children() + first, count * sizeof(void*));
  std::memcpy(to->counts() + to->size, from.counts() + first, count * sizeof(uint64_t));
  to->size = static_cast<uint16_t>(to->size + count);
}

bool CountedTree::AddRoot(memory::Heap& heap, Cursor* cursor) {
  if (height_ == kHeightMax) return false;
  Node* const node = NewNode(heap, 4);
  if (node == nullptr) return false;
  const uint64_t key = format_.sorted() ? KeyOf(FirstRecord(root_, 0)) : 0;
  InsertChild(node, 0, key, root_, size_);
  for (int level = height_; level > 0; --level) {
    cursor->nodes_[level] = cursor->nodes_[level - 1];
    cursor->at_[level] = cursor->at_[level - 1];
  }
  cursor->nodes_[0] = node;
  cursor->at_[0] = 0;
  root_ = node;
  ++height_;
  return true;
}

bool CountedTree::GrowNode(memory::Heap& heap, Cursor* cursor, int level) {
  Node* const node = cursor->nodes_[level];
  Node* const made = NewNode(heap, std::min<size_t>(kChildren, node->capacity + node->capacity / 2 + 2));
  if (made == nullptr) return false;
  AppendChildren(made, *node, 0);
  SetBlock(cursor, level, made);
  FreeNode(heap, node);
  return true;
}

// REQUIRES: level > 0, and the node above has room.
bool CountedTree::SplitNode(memory::Heap& heap, Cursor* cursor, int level) {
  Node* const node = cursor->nodes_[level];
  size_t where = node->size / 2;
  if (!format_.hashed() && AtEnd(*cursor)) where = node->size - 1;
  if (!format_.hashed() && AtBeginning(*cursor)) where = 1;
  const size_t moved = node->size - where;
  Node* const right = NewNode(heap, std::min(kChildren, moved + moved / 4 + 2));
  if (right == nullptr) return false;
  AppendChildren(right, *node, where);
  node->size = static_cast<uint16_t>(where);
  uint64_t count = 0;
  for (size_t at = 0; at < moved; ++at) count += right->counts()[at];
  Node* const above = cursor->nodes_[level - 1];
  uint16_t& above_at = cursor->at_[level - 1];
  above->counts()[above_at] -= count;
  InsertChild(above, above_at + 1u, right->keys()[0], right, count);
  if (cursor->at_[level] < where) return true;
  cursor->nodes_[level] = right;
  cursor->at_[level] = static_cast<uint16_t>(cursor->at_[level] - where);
  ++above_at;
  return true;
}

// Room for one more child in the node that is `up` levels above the leaf; there may have to be one first.
bool CountedTree::RoomAbove(memory::Heap& heap, Cursor* cursor, int up) {
  if (height_ < up) return AddRoot(heap, cursor);
  const Node& node = *cursor->nodes_[height_ - up];
  if (node.size < node.capacity) return true;
  if (node.capacity < kChildren) return GrowNode(heap, cursor, height_ - up);
  if (!RoomAbove(heap, cursor, up + 1)) return false;
  if (!SplitNode(heap, cursor, height_ - up)) return false;
  const Node& now = *cursor->nodes_[height_ - up];
  return now.size < now.capacity || GrowNode(heap, cursor, height_ - up);
}

// The child at the cursor has gone.
void CountedTree::RemoveChild(memory::Heap& heap, Cursor* cursor, int level) {
  Node* const node = cursor->nodes_[level];
  const size_t at = cursor->at_[level];
  const size_t behind = node->size - at - 1u;
  std::memmove(node->keys() + at, node->keys() + at + 1, behind * sizeof(uint64_t));
  std::memmove(node->children() + at, node->children() + at + 1, behind * sizeof(void*));
  std::memmove(node->counts() + at, node->counts() + at + 1, behind * sizeof(uint64_t));
  --node->size;
  if (node->size == 0) {
    FreeNode(heap, node);
    if (level != 0) return RemoveChild(heap, cursor, level - 1);
    root_ = nullptr;
    height_ = 0;
    return;
  }
  if (level == 0) return ShrinkRoot(heap);
  if (at == 0 && format_.sorted()) {
    for (int above = level - 1; above >= 0; --above) {
      cursor->nodes_[above]->keys()[cursor->at_[above]] = node->keys()[0];
      if (cursor->at_[above] != 0) break;
    }
  }
  if (node->size < kChildren / 4) MergeNode(heap, cursor, level);
}

// A root with one child is none.
void CountedTree::ShrinkRoot(memory::Heap& heap) {
  while (height_ > 0 && static_cast<Node*>(root_)->size == 1) {
    Node* const root = static_cast<Node*>(root_);
    if (root->refs != 1) break;  // as its only child; whoever writes next makes it its own
    root_ = root->children()[0];
    FreeNode(heap, root);
    --height_;
  }
}

void CountedTree::MergeNode(memory::Heap& heap, Cursor* cursor, int level) {
  Node* const above = cursor->nodes_[level - 1];
  const size_t at = cursor->at_[level - 1];
  for (const size_t left : {at, at - 1}) {
    if (left == SIZE_MAX || left + 1 >= above->size) continue;
    Node* const a = static_cast<Node*>(above->children()[left]);
    Node* const b = static_cast<Node*>(above->children()[left + 1]);
    const size_t sum = static_cast<size_t>(a->size) + b->size;
    if (a->refs != 1 || b->refs != 1 || sum > kChildren / 2) continue;
    Node* const made = NewNode(heap, sum);
    if (made == nullptr) return;
    AppendChildren(made, *a, 0);
    AppendChildren(made, *b, 0);
    made->keys()[a->size] = above->keys()[left + 1];  // b's own first is never looked at
    above->children()[left] = made;
    above->counts()[left] += above->counts()[left + 1];
    FreeNode(heap, a);
    FreeNode(heap, b);
    cursor->at_[level - 1] = static_cast<uint16_t>(left + 1);
    return RemoveChild(heap, cursor, level - 1);
  }
}

// ---- Leaves ---------------------------------------------------------------------------------------------------------

bool CountedTree::MakeFirstLeaf(memory::Heap& heap, Cursor* cursor, size_t bytes) {
  Leaf* const leaf = NewLeaf(heap, bytes);
  if (leaf == nullptr) return false;
  root_ = leaf;
  cursor->leaf_ = leaf;
  cursor->Set(leaf->data(), 0);
  return true;
}

void CountedTree::AppendRecords(Leaf* to, const char* from, size_t bytes, size_t count) {
  LARDER_DCHECK(to->used + bytes <= to->capacity);
  std::memcpy(to->data() + to->used, from, bytes);
  to->used += static_cast<uint32_t>(bytes);
  to->count += static_cast<uint32_t>(count);
}

// Two or none.
bool CountedTree::NewPair(memory::Heap& heap, size_t left_bytes, size_t right_bytes, Leaf** left, Leaf** right) {
  *left = NewLeaf(heap, left_bytes);
  if (*left == nullptr) return false;
  *right = NewLeaf(heap, right_bytes);
  if (*right != nullptr) return true;
  FreeLeaf(heap, *left, /*parts=*/false);
  return false;
}

// Another block for the leaf, with room for `used` bytes.
bool CountedTree::GrowLeaf(memory::Heap& heap, Cursor* cursor, size_t used) {
  Leaf* const leaf = cursor->leaf_;
  const bool grows_at_end = !format_.hashed() && used > leaf->used && height_ != 0 &&
                            (AtEnd(*cursor) || AtBeginning(*cursor));
  Leaf* const made = NewLeaf(heap, grows_at_end ? std::max(used, kLeafBytes) : used);
  if (made == nullptr) return false;
  AppendRecords(made, leaf->data(), leaf->used, leaf->count);
  SetBlock(cursor, height_, made);
  FreeLeaf(heap, leaf, /*parts=*/false);
  return true;
}

// An empty leaf beside the cursor's, to which it goes. The next is to put a record there.
bool CountedTree::AddLeaf(memory::Heap& heap, Cursor* cursor, Side side, size_t bytes, uint64_t key) {
  const bool grows_at_end = AtEnd(*cursor) || AtBeginning(*cursor);
  if (!RoomAbove(heap, cursor, 1)) return false;
  Leaf* const leaf = NewLeaf(heap, grows_at_end ? std::max(bytes, kLeafBytes) : bytes);
  if (leaf == nullptr) return false;
  uint16_t& at = cursor->at_[height_ - 1];
  if (side == Side::kAfter) ++at;
  InsertChild(cursor->nodes_[height_ - 1], at, key, leaf, 0);
  cursor->leaf_ = leaf;
  cursor->Set(leaf->data(), 0);
  return true;
}

// In two halves of about the same size.
bool CountedTree::SplitLeaf(memory::Heap& heap, Cursor* cursor) {
  if (!RoomAbove(heap, cursor, 1)) return false;
  Leaf* const leaf = cursor->leaf_;
  LARDER_DCHECK(leaf->count > 1);
  const char* middle = SkipRecord(leaf->data(), format_);
  size_t left_count = 1;
  for (; left_count + 1 < leaf->count; ++left_count) {
    const char* const next = SkipRecord(middle, format_);
    if (static_cast<size_t>(next - leaf->data()) > leaf->used / 2) break;
    middle = next;
  }
  const size_t left_bytes = static_cast<size_t>(middle - leaf->data());
  Leaf* left = nullptr;
  Leaf* right = nullptr;
  if (!NewPair(heap, left_bytes, leaf->used - left_bytes, &left, &right)) return false;
  AppendRecords(left, leaf->data(), left_bytes, left_count);
  AppendRecords(right, middle, leaf->used - left_bytes, leaf->count - left_count);
  const size_t offset = cursor->offset_ - sizeof(Leaf);
  const size_t index = cursor->index_;
  SetBlock(cursor, height_, left);
  Node* const above = cursor->nodes_[height_ - 1];
  uint16_t& at = cursor->at_[height_ - 1];
  above->counts()[at] -= right->count;
  InsertChild(above, at + 1u, KeyOf(right->data()), right, right->count);
  if (index >= left_count) {
    ++at;
    cursor->leaf_ = right;
    cursor->Set(right->data() + (offset - left_bytes), index - left_count);
  }
  FreeLeaf(heap, leaf, /*parts=*/false);
  return true;
}

// By a hash with about half of the records below it. The cursor is in the leaf for `key` then, at its record or the
// end. *split: false if all records have the same hash, which stay together. `slack`: room in each half beyond its
// records, up to the leaf's.
bool CountedTree::SplitHashed(memory::Heap& heap, Cursor* cursor, uint64_t key, size_t slack, bool* split) {
  Leaf* const leaf = cursor->leaf_;
  const size_t sampled = std::min<size_t>(leaf->count, kLeafRecords);
  uint64_t keys[kLeafRecords] = {};  // g++ 12 does not see that there is one
  const char* record = leaf->data();
  for (size_t i = 0; i < sampled; ++i, record = SkipRecord(record, format_)) keys[i] = KeyOf(record);
  uint64_t middle = 0;
  *split = PickMiddle(keys, sampled, &middle);
  if (!*split) return true;
  if (!RoomAbove(heap, cursor, 1)) return false;
  size_t left_bytes = 0;
  record = leaf->data();
  for (size_t i = 0; i < leaf->count; ++i) {
    const char* const next = SkipRecord(record, format_);
    if (KeyOf(record) < middle) left_bytes += static_cast<size_t>(next - record);
    record = next;
  }
  Leaf* left = nullptr;
  Leaf* right = nullptr;
  const size_t most = leaf->capacity;
  const size_t right_bytes = leaf->used - left_bytes;
  if (!NewPair(heap, std::min(left_bytes + slack, most), std::min(right_bytes + slack, most), &left, &right))
    return false;
  const bool at_record = cursor->at_record();
  const size_t at_index = cursor->index_;
  Leaf* const target = key < middle ? left : right;
  size_t offset = 0;
  size_t index = 0;
  record = leaf->data();
  for (size_t i = 0; i < leaf->count; ++i) {
    const char* const next = SkipRecord(record, format_);
    const size_t bytes = static_cast<size_t>(next - record);
    Leaf* const to = KeyOf(record) < middle ? left : right;
    if (i == at_index && at_record) {
      LARDER_DCHECK(to == target);
      offset = to->used;
      index = to->count;
    }
    AppendRecords(to, record, bytes, 1);
    record = next;
  }
  SetBlock(cursor, height_, left);
  Node* const above = cursor->nodes_[height_ - 1];
  uint16_t& at = cursor->at_[height_ - 1];
  above->counts()[at] -= right->count;
  InsertChild(above, at + 1u, middle, right, right->count);
  if (target == right) ++at;
  cursor->leaf_ = target;
  if (!at_record) {
    offset = target->used;
    index = target->count;
  }
  cursor->Set(target->data() + offset, index);
  FreeLeaf(heap, leaf, /*parts=*/false);
  return true;
}

// Room in the cursor's leaf for what Splice is to do there.
bool CountedTree::Fit(memory::Heap& heap, Cursor* cursor, size_t erased, size_t added, int records, uint64_t key,
                      size_t slack) {
  while (true) {
    Leaf* const leaf = cursor->leaf_;
    const size_t used = leaf->used - erased + added;
    const size_t count = leaf->count + static_cast<size_t>(records);
    const bool too_many = count > kLeafRecords && !format_.fixed_size();
    bool splits = count > 1 && (used > kLeafBytes || too_many);
    if (splits && format_.hashed()) {
      if (leaf->count < 2) splits = false;  // the second record of a leaf, and both are long
      else if (!SplitHashed(heap, cursor, key, slack, &splits))
        return false;
      if (splits) continue;
    }
    if (!splits) return used <= leaf->capacity || GrowLeaf(heap, cursor, used);
    if (records == 1 && !cursor->at_record() && (leaf->count == 1 || AtEnd(*cursor))) {
      return AddLeaf(heap, cursor, Side::kAfter, added, key);
    }
    if (records == 1 && cursor->index_ == 0 && (leaf->count == 1 || AtBeginning(*cursor))) {
      return AddLeaf(heap, cursor, Side::kBefore, added, key);
    }
    if (!SplitLeaf(heap, cursor)) return false;
  }
}

void CountedTree::Splice(Cursor* cursor, size_t erased, Bytes added, int records) {
  Leaf* const leaf = cursor->leaf_;
  char* const at = reinterpret_cast<char*>(leaf) + cursor->offset_;
  const size_t behind = static_cast<size_t>(leaf->data() + leaf->used - at) - erased;
  std::memmove(at + added.size(), at + erased, behind);
  base::CopyBytes(at, added);
  leaf->used = static_cast<uint32_t>(leaf->used - erased + added.size());
  LARDER_DCHECK(leaf->used <= leaf->capacity);
  leaf->count = static_cast<uint32_t>(static_cast<int64_t>(leaf->count) + records);
  if (records != 0) AddCount(cursor, records);
  if (cursor->index_ == 0) SetFirstKey(cursor);
}

void CountedTree::SetFirstKey(Cursor* cursor) {
  if (!format_.sorted()) return;
  const uint64_t key = KeyOf(cursor->leaf_->data());
  for (int level = height_ - 1; level >= 0; --level) {
    cursor->nodes_[level]->keys()[cursor->at_[level]] = key;
    if (cursor->at_[level] != 0) break;
  }
}

// With a neighbour, if both are small.
void CountedTree::MergeLeaf(memory::Heap& heap, Cursor* cursor) {
  Leaf* const leaf = cursor->leaf_;
  if (leaf->used > kLeafBytes / 4) return;
  if (height_ > 0) {
    Node* const above = cursor->nodes_[height_ - 1];
    const size_t at = cursor->at_[height_ - 1];
    for (const size_t first : {at, at - 1}) {
      if (first == SIZE_MAX || first + 1 >= above->size) continue;
      Leaf* const a = static_cast<Leaf*>(above->children()[first]);
      Leaf* const b = static_cast<Leaf*>(above->children()[first + 1]);
      const size_t used = size_t{a->used} + b->used;
      const bool too_many = a->count + b->count > kLeafRecords * 3 / 4 && !format_.fixed_size();
      if (used > kLeafBytes * 3 / 4 || too_many) continue;
      Leaf* const made = NewLeaf(heap, used);
      if (made == nullptr) return;
      AppendRecords(made, a->data(), a->used, a->count);
      AppendRecords(made, b->data(), b->used, b->count);
      for (Leaf* const old : {a, b}) {
        if (old->refs == 1) {
          FreeLeaf(heap, old, /*parts=*/false);
        } else {
          BlocksOf(old->data(), old->data() + old->used, 1);
          bytes_ -= LeafBlockBytes(*old);
          --old->refs;
        }
      }
      above->children()[first] = made;
      above->counts()[first] += above->counts()[first + 1];
      cursor->at_[height_ - 1] = static_cast<uint16_t>(first + 1);
      return RemoveChild(heap, cursor, height_ - 1);
    }
  }
  if (leaf->used + size_t{64} < leaf->capacity / 2) (void)GrowLeaf(heap, cursor, leaf->used);
}

// ---- Records --------------------------------------------------------------------------------------------------------

bool CountedTree::Insert(memory::Heap& heap, Cursor* cursor, Bytes record, uint64_t key, size_t slack) {
  if (root_ == nullptr) {
    if (!MakeFirstLeaf(heap, cursor, record.size())) return false;
  } else {
    if (format_.hashed()) cursor->Set(cursor->leaf().end(), cursor->leaf_->count);
    if (!Own(heap, cursor) || !Fit(heap, cursor, 0, record.size(), 1, key, slack)) return false;
  }
  Splice(cursor, 0, record, 1);
  bytes_ += BlocksOf(record.data(), record.data() + record.size(), 0);
  return true;
}

bool CountedTree::Append(memory::Heap& heap, Bytes record) {
  LARDER_DCHECK(format_.order == RecordFormat::Order::kPosition);
  Cursor cursor = At(size_);
  return Insert(heap, &cursor, record, 0);
}

bool CountedTree::Replace(memory::Heap& heap, Cursor* cursor, Bytes record, size_t slack) {
  const size_t old_bytes = static_cast<size_t>(SkipRecord(cursor->record(), format_) - cursor->record());
  if (!Own(heap, cursor)) return false;
  // Only a leaf that is to be split needs the key.
  const bool grows = cursor->leaf_->used - old_bytes + record.size() > kLeafBytes;
  const uint64_t key = grows ? KeyOf(cursor->record()) : 0;
  if (!Fit(heap, cursor, old_bytes, record.size(), 0, key, slack)) return false;
  bytes_ -= BlocksOf(cursor->record(), cursor->record() + old_bytes, -1);
  Splice(cursor, old_bytes, record, 0);
  bytes_ += BlocksOf(record.data(), record.data() + record.size(), 0);
  return true;
}

bool CountedTree::PrepareErase(memory::Heap& heap, Cursor* cursor) { return Own(heap, cursor); }

char* CountedTree::Mutable(memory::Heap& heap, Cursor* cursor) {
  LARDER_DCHECK(cursor->at_record());
  return Own(heap, cursor) ? const_cast<char*>(cursor->record()) : nullptr;
}

bool CountedTree::OwnRange(memory::Heap& heap, size_t first, size_t count) {
  LARDER_DCHECK(first + count <= size_);
  for (const size_t end = first + count; first < end;) {
    Cursor cursor = At(first);
    if (!Own(heap, &cursor)) return false;
    first += cursor.leaf_->count - cursor.index_;
  }
  return true;
}

bool CountedTree::SetPrefix(memory::Heap& heap, Cursor* cursor, Bytes prefix) {
  LARDER_DCHECK(cursor->at_record() && prefix.size() == format_.prefix);
  if (!Own(heap, cursor)) return false;
  base::CopyBytes(reinterpret_cast<char*>(cursor->leaf_) + cursor->offset_, prefix);
  if (cursor->index_ == 0) SetFirstKey(cursor);
  return true;
}

void CountedTree::Restore(Cursor* cursor, Bytes record) {
  const size_t there = static_cast<size_t>(SkipRecord(cursor->record(), format_) - cursor->record());
  LARDER_CHECK(Owns(*cursor) && cursor->leaf_->used - there + record.size() <= cursor->leaf_->capacity);
  bytes_ -= BlocksOf(cursor->record(), cursor->record() + there, -1);
  Splice(cursor, there, record, 0);
  bytes_ += BlocksOf(record.data(), record.data() + record.size(), 0);
}

bool CountedTree::Erase(memory::Heap& heap, Cursor* cursor) {
  if (!Own(heap, cursor)) return false;
  EraseOwned(heap, cursor, /*merges=*/true);
  return true;
}

bool CountedTree::EraseUnmerged(memory::Heap& heap, Cursor* cursor) {
  if (!Own(heap, cursor)) return false;
  EraseOwned(heap, cursor, /*merges=*/false);
  return true;
}

void CountedTree::EraseOwned(memory::Heap& heap, Cursor* cursor, bool merges) {
  Leaf* const leaf = cursor->leaf_;
  if (leaf->count == 1) {
    AddCount(cursor, -1);
    FreeLeaf(heap, leaf, /*parts=*/true);
    if (height_ > 0) {
      RemoveChild(heap, cursor, height_ - 1);
    } else {
      root_ = nullptr;
    }
    return;
  }
  const size_t old_bytes = static_cast<size_t>(SkipRecord(cursor->record(), format_) - cursor->record());
  bytes_ -= BlocksOf(cursor->record(), cursor->record() + old_bytes, -1);
  Splice(cursor, old_bytes, {}, -1);
  if (merges) MergeLeaf(heap, cursor);
}

size_t CountedTree::FreeSome(memory::Heap& heap, size_t records) {
  const size_t before = bytes_;
  // The count is of no meaning for who ends a tree, but for telling that it is not empty.
  for (size_t let_go = 0; root_ != nullptr && let_go < records;) {
    Node* above = nullptr;
    void* block = root_;
    for (int level = 0;; ++level) {
      bool gone = RefsOf(block) > 1;
      if (gone) {
        --RefsOf(block);
        ++let_go;
      } else if (level == height_) {
        let_go += static_cast<Leaf*>(block)->count;
        FreeLeaf(heap, static_cast<Leaf*>(block), /*parts=*/true);
        gone = true;
      } else if (static_cast<Node*>(block)->size == 0) {
        FreeNode(heap, static_cast<Node*>(block));
        gone = true;
      }
      if (gone) {
        if (above != nullptr) {
          --above->size;
        } else {
          root_ = nullptr;
        }
        break;
      }
      above = static_cast<Node*>(block);
      block = above->children()[above->size - 1u];
    }
  }
  if (root_ == nullptr) {
    size_ = 0;
    height_ = 0;
    bytes_ = 0;  // what is left was shared
  }
  return before - bytes_;
}

bool CountedTree::MoveNext(uint64_t* position, absl::FunctionRef<void*(const void* block)> move,
                           absl::FunctionRef<void(void* block)> end) {
  constexpr int kLevelBits = 4;
  static_assert(kHeightMax < 1 << kLevelBits);
  const size_t index = *position >> kLevelBits;
  int level = static_cast<int>(*position & ((1 << kLevelBits) - 1));
  if (index >= size_) return false;
  Cursor cursor = At(index);
  const size_t next = index - cursor.index_ + cursor.leaf_->count;
  bool own = true;
  for (int above = 0; above < level && above <= height_; ++above) own = own && RefsOf(BlockAt(cursor, above)) == 1;
  for (; level <= height_; ++level) {
    void* const block = BlockAt(cursor, level);
    own = own && RefsOf(block) == 1;
    if (!own) break;
    bool first = true;  // whether this is the first time that the walk comes by
    for (int below = level; below < height_; ++below) first = first && cursor.at_[below] == 0;
    if (!first) continue;
    if (void* const made = move(block); made != nullptr) {
      SetBlock(&cursor, level, made);
      end(block);
    }
    *position = level == height_ ? next << kLevelBits : index << kLevelBits | static_cast<uint64_t>(level + 1);
    return true;
  }
  *position = next << kLevelBits;
  return true;
}

}  // namespace larder::inline v0::ds
