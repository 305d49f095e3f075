// CountedTree: erasing many records at once. Only the two paths to the ends of the range are written; what lies between
// them goes whole, as far down as it is shared with others.
#include <algorithm>
#include <cstring>

#include "lib/base/check.h"
#include "lib/ds/counted_tree.h"

namespace larder::inline v0::ds {

bool CountedTree::EraseRange(memory::Heap& heap, size_t first, size_t count) {
  LARDER_DCHECK(first + count <= size_);
  if (count == 0) return true;
  if (count == size_) {
    FreeSome(heap, SIZE_MAX);
    return true;
  }
  for (const size_t end : {first, first + count - 1}) {
    Cursor cursor = At(end);
    if (!Own(heap, &cursor)) return false;
  }
  EraseBelow(heap, root_, 0, first, count);
  size_ -= count;
  if (first < size_) MergeAt(heap, first);
  if (first > 0) MergeAt(heap, first - 1);
  ShrinkRoot(heap);
  return true;
}

// Erases some, but not all, records of a block that is this tree's own.
void CountedTree::EraseBelow(memory::Heap& heap, void* block, int level, size_t first, size_t count) {
  if (level == height_) return EraseInLeaf(static_cast<Leaf*>(block), first, count);
  Node* const node = static_cast<Node*>(block);
  size_t at = 0;
  for (; first >= node->counts()[at]; ++at) first -= node->counts()[at];
  size_t to = at;
  for (; at < node->size; ++at) {
    const size_t here = std::min<size_t>(count, node->counts()[at] - first);
    count -= here;
    if (here == node->counts()[at]) {
      ReleaseBelow(heap, node->children()[at], level + 1);
      continue;
    }
    if (here != 0) {
      void* const child = node->children()[at];
      EraseBelow(heap, child, level + 1, first, here);
      node->counts()[at] -= here;
      if (format_.sorted()) node->keys()[at] = KeyOf(FirstRecord(child, level + 1));
    }
    first = 0;
    node->keys()[to] = node->keys()[at];
    node->children()[to] = node->children()[at];
    node->counts()[to++] = node->counts()[at];
  }
  node->size = static_cast<uint16_t>(to);
}

void CountedTree::EraseInLeaf(Leaf* leaf, size_t first, size_t count) {
  char* const end = leaf->data() + leaf->used;
  char* const from = leaf->data() + (RecordAt({leaf->data(), leaf->used, leaf->count}, format_, first) - leaf->data());
  const char* behind = from;
  for (size_t i = 0; i < count; ++i) behind = SkipRecord(behind, format_);
  bytes_ -= BlocksOf(from, behind, -1);
  std::memmove(from, behind, static_cast<size_t>(end - behind));
  leaf->used -= static_cast<uint32_t>(behind - from);
  leaf->count -= static_cast<uint32_t>(count);
}

// Lets go of a block, and of all below it that nobody else has.
void CountedTree::ReleaseBelow(memory::Heap& heap, void* block, int level) {
  if (RefsOf(block) > 1) {
    bytes_ -= BytesBelow(block, level);
    --RefsOf(block);
    return;
  }
  if (level == height_) return FreeLeaf(heap, static_cast<Leaf*>(block), /*parts=*/true);
  Node* const node = static_cast<Node*>(block);
  for (size_t at = 0; at < node->size; ++at) ReleaseBelow(heap, node->children()[at], level + 1);
  FreeNode(heap, node);
}

size_t CountedTree::BytesBelow(void* block, int level) {
  if (level == height_) {
    const Leaf& leaf = *static_cast<Leaf*>(block);
    return LeafBlockBytes(leaf) + BlocksOf(leaf.data(), leaf.data() + leaf.used, 0);
  }
  const Node& node = *static_cast<Node*>(block);
  size_t bytes = NodeBlockBytes(node);
  for (size_t at = 0; at < node.size; ++at) bytes += BytesBelow(node.children()[at], level + 1);
  return bytes;
}

bool CountedTree::Owns(const Cursor& cursor) const {
  for (int level = 0; level <= height_; ++level) {
    if (RefsOf(BlockAt(cursor, level)) != 1) return false;
  }
  return true;
}

// Joins the nodes on the way to a record with their neighbours, if they have become small.
void CountedTree::MergeAt(memory::Heap& heap, size_t index) {
  for (int level = 1; level < height_; ++level) {
    Cursor cursor = At(index);
    if (!Owns(cursor)) return;
    if (cursor.nodes_[level]->size < kChildren / 4) MergeNode(heap, &cursor, level);
  }
  Cursor cursor = At(index);
  if (Owns(cursor)) MergeLeaf(heap, &cursor);
}

}  // namespace larder::inline v0::ds
