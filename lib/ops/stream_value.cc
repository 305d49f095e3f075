#include "lib/ops/stream_value.h"

#include <algorithm>
#include <new>

#include "lib/base/numbers.h"

namespace larder::inline v0::ops::streams {

struct StreamSweep : keyspace::Structure {
  StreamRoot* root;  // nullptr: the stream has ended
};

namespace {

using ds::CountedTree;
using ds::Numbers;
using keyspace::Structure;
using keyspace::StructureKind;

class StreamKind final : public StructureKind {
 public:
  size_t Count(const Structure& root) const override {
    size_t count = 0;
    for (const CountedTree& tree : Of(root).trees) count += tree.size();
    return count;
  }

  void Walk(const Structure& root, absl::FunctionRef<bool(Bytes)> visit) const override {
    const CountedTree& tree = Of(root).tree(kEntries);
    if (tree.empty()) return;
    tree.ForRange(0, tree.size(), false, [&](const char* record) { return visit(ds::PartOf(record, kOnePart, 0)); });
  }

  Structure* Clone(memory::Heap& heap, const Structure& from) const override {
    base::AssertHolder();
    return CloneStream(heap, Of(from));
  }

  size_t FreeSome(memory::Heap& heap, Structure* structure, size_t elements, bool* done) const override {
    base::AssertHolder();
    StreamRoot& root = static_cast<StreamRoot&>(*structure);
    if (root.sweep != nullptr) root.sweep->root = nullptr;
    root.sweep = nullptr;
    size_t freed = 0;
    *done = true;
    for (CountedTree& tree : root.trees) {
      if (tree.bytes() == 0) continue;
      freed = tree.FreeSome(heap, elements);
      *done = tree.bytes() == 0 && &tree == &root.trees[kTreeCount - 1];
      break;
    }
    // A sweep may have freed what `bytes` still counts.
    root.bytes -= freed;
    if (!*done) return freed;
    freed += root.bytes;
    heap.arena().Free(&root, sizeof(StreamRoot));
    return freed;
  }

  // Position: 0 is the root; then each tree's, with 1 + its index in the low three bits.
  bool MoveNext(Structure** structure, uint64_t* position, absl::FunctionRef<void*(const void*)> move,
                absl::FunctionRef<void(void*)> end) const override {
    base::AssertHolder();
    StreamRoot* root = static_cast<StreamRoot*>(*structure);
    static_assert(kTreeCount < 7);
    uint64_t stage = *position & 7;
    if (stage == 0) {
      *position = 1;
      if (void* const made = move(root); made != nullptr) {
        StreamRoot* const moved = static_cast<StreamRoot*>(made);
        if (moved->sweep != nullptr) moved->sweep->root = moved;
        *structure = moved;
        end(root);
      }
      return true;
    }
    uint64_t inner = *position >> 3;
    for (; stage <= kTreeCount; ++stage, inner = 0) {
      if (root->trees[stage - 1].MoveNext(&inner, move, end)) {
        *position = inner << 3 | stage;
        return true;
      }
    }
    return false;
  }

 private:
  static const StreamRoot& Of(const Structure& root) { return static_cast<const StreamRoot&>(root); }
};

constexpr StreamKind kStreamKind;

// ---- Sweeping -------------------------------------------------------------------------------------------------------

const char* FindIn(const CountedTree& tree, const Numbers& numbers, CountedTree::Cursor* cursor) {
  return tree.FindSorted(ds::ProbeOf(numbers), cursor) ? cursor->record() : nullptr;
}

bool EraseFrom(memory::Heap& heap, CountedTree& tree, const Numbers& numbers) LARDER_REQUIRES_HOLDER {
  CountedTree::Cursor cursor;
  return FindIn(tree, numbers, &cursor) == nullptr || tree.Erase(heap, &cursor);
}

// Up to `most` records of a space of the pending tree. *left: whether there are more. False without memory.
bool EraseSpace(memory::Heap& heap, StreamRoot* root, uint64_t space, size_t most, bool* left) LARDER_REQUIRES_HOLDER {
  CountedTree& tree = root->tree(kPending);
  const size_t first = IndexOf(tree, {space, 0, 0});
  const size_t count = IndexOf(tree, {space + 1, 0, 0}) - first;
  *left = count > most;
  return tree.EraseRange(heap, first, std::min(count, most));
}

// A record of a consumer takes four searches and two erasures, where one of a range takes next to nothing. So a step
// has fewer of them.
constexpr size_t kSweepPrice = 8;

// The same of a consumer whose group may live: its records of the group's list go too.
bool SweepConsumer(memory::Heap& heap, StreamRoot* root, uint32_t number, uint32_t group, size_t most, bool* left)
    LARDER_REQUIRES_HOLDER {
  CountedTree& tree = root->tree(kPending);
  for (; most > 0; --most) {
    CountedTree::Cursor cursor;
    tree.FindSorted(ds::ProbeOf({number, 0, 0}), &cursor);
    *left = tree.ToRecord(&cursor) && ds::NumbersOf(cursor.record()).space == number;
    if (!*left) return true;
    Numbers id = ds::NumbersOf(cursor.record());
    if (!tree.Erase(heap, &cursor)) return false;
    id.space = group;
    const char* const record = FindIn(tree, id, &cursor);
    if (record == nullptr || ReadPending(PayloadOf(record)).consumer != number) continue;
    if (!tree.Erase(heap, &cursor)) return false;
    CountedTree& spaces = root->tree(kSpaces);
    if (FindIn(spaces, {0, group, 0}, &cursor) == nullptr) continue;
    char* const info_record = spaces.Mutable(heap, &cursor);
    if (info_record == nullptr) return false;
    SpaceInfo info = PayloadAs<SpaceInfo>(info_record);
    --info.dead_pending;
    SetPayload(info_record, info);
  }
  return true;
}

// What a group has left: its list, then consumer by consumer.
bool SweepGroup(memory::Heap& heap, StreamRoot* root, uint32_t number, size_t most, bool* left)
    LARDER_REQUIRES_HOLDER {
  if (!EraseSpace(heap, root, number, most, left)) return false;
  if (*left) return true;
  CountedTree& names = root->tree(kNames);
  CountedTree::Cursor cursor;
  names.FindSorted({.first = number, .second = 0, .part = {}, .numbers = {}}, &cursor);
  *left = names.ToRecord(&cursor) && ds::FirstWord(cursor.record(), kNameFormat) == number;
  if (!*left) return true;
  const Bytes digits = ds::PartOf(cursor.record(), kNameFormat, 1);
  uint32_t consumer;
  std::memcpy(&consumer, digits.data(), sizeof(consumer));
  bool more = false;
  if (!EraseSpace(heap, root, consumer, most, &more)) return false;
  return more || (names.Erase(heap, &cursor) && EraseFrom(heap, root->tree(kSpaces), {0, consumer, 0}));
}

// Some of what the dead have left. *left: whether there is more. False without memory.
bool SweepSome(memory::Heap& heap, StreamRoot* root, size_t most, bool* left) LARDER_REQUIRES_HOLDER {
  CountedTree& spaces = root->tree(kSpaces);
  CountedTree::Cursor cursor;
  // Consumers come first, so that the number of a group is not another's before its consumers have gone.
  spaces.FindSorted(ds::ProbeOf({kDeadConsumers, 0, 0}), &cursor);
  *left = spaces.ToRecord(&cursor);
  if (!*left) return true;
  const Numbers marker = ds::NumbersOf(cursor.record());
  const uint32_t number = static_cast<uint32_t>(marker.major);
  const char* const record = FindIn(spaces, {0, number, 0}, &cursor);
  bool more = false;
  if (record != nullptr) {
    const SpaceInfo info = PayloadAs<SpaceInfo>(record);
    const size_t fewer = (most + kSweepPrice - 1) / kSweepPrice;
    const bool swept = marker.space == kDeadGroups ? SweepGroup(heap, root, number, most, &more)
                                                   : SweepConsumer(heap, root, number, info.group, fewer, &more);
    if (!swept) return false;
    if (more) return true;
  }
  if (!EraseFrom(heap, spaces, {0, number, 0}) || !EraseFrom(heap, spaces, marker)) return false;
  --root->dead;
  *left = root->dead != 0;
  return true;
}

class SweepKind final : public StructureKind {
 public:
  size_t Count(const Structure& structure) const override {
    const StreamRoot* const root = static_cast<const StreamSweep&>(structure).root;
    return root == nullptr ? 1 : SIZE_MAX;
  }
  void Walk(const Structure&, absl::FunctionRef<bool(Bytes)>) const override {}
  Structure* Clone(memory::Heap&, const Structure&) const override { return nullptr; }
  size_t FreeSome(memory::Heap& heap, Structure* structure, size_t elements, bool* done) const override {
    base::AssertHolder();
    StreamSweep* const sweep = static_cast<StreamSweep*>(structure);
    StreamRoot* const root = sweep->root;
    bool left = false;
    if (root != nullptr && SweepSome(heap, root, elements, &left) && left) {
      *done = false;
      return 0;
    }
    if (root != nullptr) root->sweep = nullptr;
    *done = true;
    const size_t bytes = sweep->bytes;
    heap.arena().Free(sweep, sizeof(StreamSweep));
    return bytes;
  }
  bool MoveNext(Structure**, uint64_t*, absl::FunctionRef<void*(const void*)>,
                absl::FunctionRef<void(void*)>) const override {
    return false;
  }
};

constexpr SweepKind kSweepKind;

}  // namespace

// ---- StreamRoot -----------------------------------------------------------------------------------------------------

StreamRoot::StreamRoot(const base::HashSeed* seed)
    : Structure{&kStreamKind, 0},
      trees{CountedTree(kOnePart, seed), CountedTree(kTwoParts, seed), CountedTree(kNameFormat, seed),
            CountedTree(kTwoParts, seed), CountedTree(kOnePart, seed)} {
  CountBytes();
}

void StreamRoot::CountBytes() {
  bytes = memory::Arena::RoundUp(sizeof(StreamRoot));
  for (const CountedTree& tree : trees) bytes += tree.bytes();
}

StreamRoot* NewStream(memory::Heap& heap, const base::HashSeed* seed) {
  void* const place = heap.arena().Allocate(sizeof(StreamRoot), memory::Tenant::kBlock);
  return place == nullptr ? nullptr : new (place) StreamRoot(seed);
}

StreamRoot* CloneStream(memory::Heap& heap, const StreamRoot& root) {
  void* const place = heap.arena().Allocate(sizeof(StreamRoot), memory::Tenant::kBlock);
  if (place == nullptr) return nullptr;
  StreamRoot* const made = new (place) StreamRoot(root);
  for (CountedTree& tree : made->trees) tree = tree.Clone();
  made->next_garbage = nullptr;
  made->sweep = nullptr;
  made->CountBytes();
  return made;
}

void FreeStream(memory::Heap& heap, StreamRoot* root) {
  for (bool done = false; !done;) kStreamKind.FreeSome(heap, root, SIZE_MAX, &done);
}

bool Rebase(memory::Heap& heap, StreamRoot* root, uint64_t base_ms) {
  LARDER_DCHECK(root->tree(kEntries).empty());
  CountedTree& pending = root->tree(kPending);
  CountedTree made(kOnePart, pending.seed());
  bool ok = true;
  if (!pending.empty()) {
    pending.ForRange(0, pending.size(), false, [&](const char* record) {
      base::AssertHolder();
      const Numbers numbers = ds::NumbersOf(record);
      const StreamId id = root->Decoded(numbers);
      if (id.ms < base_ms) base_ms = 0;
      return base_ms != 0;
    });
    pending.ForRange(0, pending.size(), false, [&](const char* record) {
      base::AssertHolder();
      Numbers numbers = ds::NumbersOf(record);
      numbers.major += root->base_ms - base_ms;
      const Bytes part = ds::PartOf(record, kOnePart, 0);
      const char* const payload = PayloadOf(record);
      char text[ds::kNumbersBytesMax + kPendingBytes];
      char* const end = ds::WriteNumbers(text, numbers);
      const Bytes rest(payload, static_cast<size_t>(part.data() + part.size() - payload));
      base::CopyBytes(end, rest);
      char room[1 + sizeof(text)];
      const char* const room_end = ds::WritePart(room, {text, static_cast<size_t>(end - text) + rest.size()});
      CountedTree::Cursor cursor = made.At(made.size());
      return ok = made.Insert(heap, &cursor, {room, static_cast<size_t>(room_end - room)}, ds::NumbersKey(numbers));
    });
  }
  CountedTree& ended = ok ? pending : made;
  while (ended.bytes() != 0) ended.FreeSome(heap, SIZE_MAX);
  if (!ok) return false;
  pending = made;
  root->base_ms = base_ms;
  return true;
}

keyspace::Structure* NewSweep(memory::Heap& heap, StreamRoot* root) {
  if (root->dead == 0 || root->sweep != nullptr) return nullptr;
  void* const place = heap.arena().Allocate(sizeof(StreamSweep), memory::Tenant::kBlock);
  if (place == nullptr) return nullptr;
  root->sweep = new (place) StreamSweep{{&kSweepKind, memory::Arena::RoundUp(sizeof(StreamSweep))}, root};
  return root->sweep;
}

size_t IndexOf(const CountedTree& tree, const Numbers& numbers) {
  if (tree.empty()) return 0;
  CountedTree::Cursor cursor;
  tree.FindSorted(ds::ProbeOf(numbers), &cursor);
  return tree.Rank(cursor);
}

// ---- Codes ----------------------------------------------------------------------------------------------------------

void WritePending(char* to, const PendingInfo& info) {
  std::memcpy(to, &info.consumer, 4);
  for (int i = 0; i < 6; ++i) to[4 + i] = static_cast<char>(info.delivered_ms >> 8 * i & 255);
  std::memcpy(to + 10, &info.deliveries, 8);
}

PendingInfo ReadPending(const char* from) {
  PendingInfo info;
  std::memcpy(&info.consumer, from, 4);
  for (int i = 5; i >= 0; --i) info.delivered_ms = info.delivered_ms << 8 | static_cast<uint8_t>(from[4 + i]);
  std::memcpy(&info.deliveries, from + 10, 8);
  return info;
}

// An element is its code and, behind it, how long that is.
size_t ListpackBytes(int64_t number) {
  if (number >= 0 && number <= 127) return 1 + 1;
  if (number >= -4096 && number <= 4095) return 2 + 1;
  if (number >= INT16_MIN && number <= INT16_MAX) return 3 + 1;
  if (number >= -(1 << 23) && number < 1 << 23) return 4 + 1;
  if (number >= INT32_MIN && number <= INT32_MAX) return 5 + 1;
  return 9 + 1;
}

size_t ListpackBytes(Bytes text) {
  int64_t number = 0;
  if (text.size() <= 20 && base::ParseInt64(text, &number)) return ListpackBytes(number);
  const size_t bytes = text.size() + (text.size() < 64 ? 1 : text.size() < 4096 ? 2 : 5);
  const size_t behind = bytes < 1 << 7 ? 1 : bytes < 1 << 14 ? 2 : bytes < 1 << 21 ? 3 : bytes < 1 << 28 ? 4 : 5;
  return bytes + behind;
}

}  // namespace larder::inline v0::ops::streams
