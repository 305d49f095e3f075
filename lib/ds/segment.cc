#include "lib/ds/segment.h"

#include <cstring>

namespace larder::inline v0::ds {

Segment* Segment::New(memory::Arena* arena, int shape, bool expires) {
  LARDER_DCHECK(shape >= FirstShape(expires) && shape < kShapes);
  const Shape sizes = ShapeOf(shape, expires);
  void* memory = arena->AllocateZeroed(static_cast<size_t>(sizes.lines) * kLineBytes);
  if (memory == nullptr) return nullptr;
  LARDER_DCHECK(PointerOf(reinterpret_cast<uintptr_t>(memory)) == reinterpret_cast<uintptr_t>(memory));
  // Zero is the first value of all fields.
  Segment* segment = reinterpret_cast<Segment*>(static_cast<char*>(memory) + (expires ? sizeof(SegmentExpiry) : 0));
  segment->expires_ = expires;
  segment->shape_ = static_cast<uint8_t>(shape);
  segment->buckets_ = static_cast<uint8_t>(sizes.buckets);
  segment->stash_ = static_cast<uint8_t>(sizes.stash);
  segment->shrink_below_ = static_cast<uint32_t>(sizes.slots() / 3);
  return segment;
}

void Segment::Free(memory::Arena* arena, Segment* segment) {
  while (segment->overflow_ != nullptr) {
    OverflowNode* node = segment->overflow_;
    segment->overflow_ = node->next;
    arena->Free(node, sizeof(OverflowNode));
  }
  const size_t bytes = static_cast<size_t>(ShapeOf(segment->shape_, segment->expires_).lines) * kLineBytes;
  arena->Free(segment->expires_ ? static_cast<void*>(segment->expiry()) : segment, bytes);
}

size_t Segment::footprint() const {
  const size_t nodes = (spilled_ + OverflowNode::kWords - 1) / OverflowNode::kWords;
  return memory::Arena::RoundUp(static_cast<size_t>(ShapeOf(shape_, expires_).lines) * kLineBytes) +
         nodes * memory::Arena::RoundUp(sizeof(OverflowNode));
}

// The slot of an element in `in` whose home is `home`, or 0.
int Segment::FindOfHome(const Bucket& in, int home) const {
  for (int i = 1; i <= kSlots; ++i) {
    if (in.words[i] != 0 && HomeOf(in.words[i]) == home) return i;
  }
  return 0;
}

int Segment::PlaceElsewhere(uint64_t word) {
  const int home = HomeOf(word);
  if (buckets_ > 1) {
    const int next = Next(home);
    const SlotSet empty = Matcher::Empty(*bucket(next));
    if (!empty.empty()) {
      Store(bucket(next)->words[empty.first()], word);
      Add(bucket(home)->words[0], kNextOne);
      ++live_;
      return next;
    }
    int used = PlaceByMovingBack(home, word);
    if (used < 0) used = PlaceByMovingOn(home, word);
    if (used >= 0) return used;
  }
  for (int i = buckets_; i < buckets_ + stash_; ++i) {
    const SlotSet empty = Matcher::Empty(*bucket(i));
    if (empty.empty()) continue;
    Store(bucket(i)->words[empty.first()], word);
    if (StashedCount(bucket(home)->words[0]) != kSpilled) Add(bucket(home)->words[0], kStashedOne);
    ++live_;
    return i;
  }
  return -1;
}

// Makes room in the home bucket: an element there whose home is the bucket before goes back to it. If that one is full,
// an element there goes back first, and so on.
int Segment::PlaceByMovingBack(int home, uint64_t word) {
  int leaving[kReach];  // the slot in bucket home - i that becomes free
  const int reach = buckets_ - 2 < kReach ? buckets_ - 2 : kReach;
  int at = home;
  for (int i = 0; i < reach; ++i) {
    const int before = Previous(at);
    if (NextCount(bucket(before)->words[0]) == 0) return -1;
    leaving[i] = FindOfHome(*bucket(at), before);
    LARDER_DCHECK(leaving[i] != 0);
    const SlotSet empty = Matcher::Empty(*bucket(before));
    at = before;
    if (empty.empty()) continue;
    int to = empty.first();
    for (int j = i; j >= 0; --j) {  // bucket `at` gets the element that leaves the bucket after it
      const int after = Next(at);
      Store(bucket(at)->words[to], bucket(after)->words[leaving[j]]);
      Subtract(bucket(at)->words[0], kNextOne);
      to = leaving[j];
      at = after;
    }
    LARDER_DCHECK(at == home);
    Store(bucket(home)->words[to], word);
    ++live_;
    return before;
  }
  return -1;
}

// Makes room in the next bucket: an element whose home it is moves on to the bucket after it. If that one is full, an
// element there moves on first, and so on.
int Segment::PlaceByMovingOn(int home, uint64_t word) {
  int leaving[kReach];  // the slot in bucket home + 1 + i that becomes free
  const int reach = buckets_ - 2 < kReach ? buckets_ - 2 : kReach;
  int at = Next(home);
  for (int i = 0; i < reach; ++i) {
    leaving[i] = FindOfHome(*bucket(at), at);
    if (leaving[i] == 0) return -1;
    at = Next(at);
    const SlotSet empty = Matcher::Empty(*bucket(at));
    if (empty.empty()) continue;
    const int used = at;
    int to = empty.first();
    for (int j = i; j >= 0; --j) {
      const int before = Previous(at);
      Store(bucket(at)->words[to], bucket(before)->words[leaving[j]]);
      Add(bucket(before)->words[0], kNextOne);
      to = leaving[j];
      at = before;
    }
    LARDER_DCHECK(at == Next(home));
    Store(bucket(at)->words[to], word);
    Add(bucket(home)->words[0], kNextOne);
    ++live_;
    return used;
  }
  return -1;
}

bool Segment::Spill(memory::Arena* arena, uint64_t word) {
  if (overflow_ == nullptr || overflow_->count == OverflowNode::kWords) {
    auto* node = static_cast<OverflowNode*>(arena->Allocate(sizeof(OverflowNode)));
    if (node == nullptr) return false;
    node->next = overflow_;
    node->count = 0;
    overflow_ = node;
  }
  Store(overflow_->words[overflow_->count++], word);
  Bucket& home = *bucket(HomeOf(word));
  StoreWord(home.words[0], WithStashedCount(home.words[0], kSpilled));
  ++spilled_;
  ++live_;
  return true;
}

// Drops the last word of the chain's first node.
void Segment::PopOverflow(memory::Arena* arena) {
  OverflowNode* node = overflow_;
  LARDER_DCHECK(node != nullptr && node->count != 0 && spilled_ != 0);
  --spilled_;
  if (--node->count != 0) return;
  overflow_ = node->next;
  arena->Free(node, sizeof(OverflowNode));
}

uint64_t Segment::TakeSpilled(memory::Arena* arena) {
  if (overflow_ == nullptr) return 0;
  const uint64_t word = overflow_->words[overflow_->count - 1];
  PopOverflow(arena);
  --live_;
  return word;
}

uint64_t* Segment::Locate(uint64_t word) {
  auto in_bucket = [&](int index) -> uint64_t* {
    for (int i = 1; i <= kSlots; ++i) {
      if (bucket(index)->words[i] == word) return &bucket(index)->words[i];
    }
    return nullptr;
  };
  const int home = HomeOf(word);
  uint64_t* place = in_bucket(home);
  if (place == nullptr && buckets_ > 1) place = in_bucket(Next(home));
  for (int i = buckets_; place == nullptr && i < buckets_ + stash_; ++i) place = in_bucket(i);
  for (OverflowNode* node = overflow_; place == nullptr && node != nullptr; node = node->next) {
    for (uint64_t i = 0; place == nullptr && i < node->count; ++i) {
      if (node->words[i] == word) place = &node->words[i];
    }
  }
  LARDER_CHECK(place != nullptr);
  return place;
}

// Counts the stashed elements of a home anew; its count was kSpilled.
void Segment::Recount(int home) {
  for (const OverflowNode* node = overflow_; node != nullptr; node = node->next) {
    for (uint64_t i = 0; i < node->count; ++i) {
      if (HomeOf(node->words[i]) == home) return;
    }
  }
  unsigned count = 0;
  for (int i = buckets_; i < buckets_ + stash_; ++i) {
    for (int slot = 1; slot <= kSlots; ++slot) {
      const uint64_t word = bucket(i)->words[slot];
      if (word != 0 && HomeOf(word) == home) ++count;
    }
  }
  StoreWord(bucket(home)->words[0], WithStashedCount(bucket(home)->words[0], count));
}

void Segment::Erase(memory::Arena* arena, uint64_t* place) {
  LARDER_DCHECK(*place != 0 && live_ != 0);
  const int home = HomeOf(*place);
  uint64_t& metadata = bucket(home)->words[0];
  --live_;
  const size_t offset = reinterpret_cast<uintptr_t>(place) - reinterpret_cast<uintptr_t>(bucket(0));
  const size_t index = offset / sizeof(Bucket);  // past all buckets if the place lies before them
  if (index >= static_cast<size_t>(buckets_ + stash_)) {
    LARDER_DCHECK(overflow_ != nullptr && StashedCount(metadata) == kSpilled);
    Store(*place, overflow_->words[overflow_->count - 1]);
    PopOverflow(arena);
    Recount(home);
    return;
  }
  Store(*place, 0);
  const int slot = static_cast<int>(offset % sizeof(Bucket) / sizeof(uint64_t));
  if (index >= static_cast<size_t>(buckets_)) {
    if (StashedCount(metadata) != kSpilled) Subtract(metadata, kStashedOne);
  } else if (static_cast<int>(index) != home) {
    LARDER_DCHECK(static_cast<int>(index) == Next(home));
    Subtract(metadata, kNextOne);
  }
  Refill(arena, static_cast<int>(index), slot);
}

// Fills an empty slot with an element that is further from its home than it needs to be.
void Segment::Refill(memory::Arena* arena, int index, int slot) {
  if (index >= buckets_) {  // the stash takes from the overflow chain
    if (overflow_ == nullptr) return;
    const uint64_t word = overflow_->words[overflow_->count - 1];
    Store(bucket(index)->words[slot], word);
    PopOverflow(arena);
    Recount(HomeOf(word));
    return;
  }
  uint64_t& metadata = bucket(index)->words[0];
  if (StashedCount(metadata) != 0) {
    for (int i = buckets_; i < buckets_ + stash_; ++i) {
      const int from = FindOfHome(*bucket(i), index);
      if (from == 0) continue;
      Store(bucket(index)->words[slot], bucket(i)->words[from]);
      Store(bucket(i)->words[from], 0);
      if (StashedCount(metadata) != kSpilled) Subtract(metadata, kStashedOne);
      Refill(arena, i, from);
      return;
    }
    for (OverflowNode* node = overflow_; node != nullptr; node = node->next) {
      for (uint64_t i = 0; i < node->count; ++i) {
        if (HomeOf(node->words[i]) != index) continue;
        Store(bucket(index)->words[slot], node->words[i]);
        Store(node->words[i], overflow_->words[overflow_->count - 1]);
        PopOverflow(arena);
        Recount(index);
        return;
      }
    }
    LARDER_DCHECK(false);
  }
  if (NextCount(metadata) != 0) {
    Bucket& next = *bucket(Next(index));
    const int from = FindOfHome(next, index);
    LARDER_DCHECK(from != 0);
    Store(bucket(index)->words[slot], next.words[from]);
    Store(next.words[from], 0);
    Subtract(metadata, kNextOne);
  }
}

uint32_t Segment::CountUpperHalf() const {
  uint32_t count = 0;
  ForEachWord([&](uint64_t word) { count += static_cast<uint32_t>(word >> 63); });
  return count;
}

bool SegmentBuilder::AddElsewhere(memory::Arena* arena, uint64_t word, int home) {
  Segment& segment = *segment_;
  if (segment.buckets() > 1) {
    const int next = segment.Next(home);
    if (filled_[next] < kSlots) {
      segment.bucket(next)->words[++filled_[next]] = word;
      segment.bucket(home)->words[0] += kNextOne;
      ++segment.live_;
      return true;
    }
  }
  const int used = segment.PlaceElsewhere(word);
  if (used >= 0) {
    ++filled_[used];
    return true;
  }
  return arena != nullptr && segment.Spill(arena, word);
}

}  // namespace larder::inline v0::ds
