// The part of HashTable that goes over elements: scans, random picks, freeing in slices. hash_table.h includes it.
#ifndef LARDER_DS_HASH_TABLE_VISIT_H_
#define LARDER_DS_HASH_TABLE_VISIT_H_

#include "lib/ds/hash_table.h"

namespace larder::inline v0::ds {

template <class Policy, class TagMatcher>
template <class Visit>
uint64_t HashTable<Policy, TagMatcher>::Scan(uint64_t cursor, Visit&& visit) const {
  LARDER_DCHECK(front_ == 0);  // no FreeSome has begun
  if (size_ == 0 || cursor >> kPositionBits != 0) return 0;
  const uint64_t hash = cursor << (64 - kPositionBits);
  const SegmentWord at = directory_.Lookup(hash);
  const int depth = at.depth();
  const uint32_t tag = at.TagOf(hash);
  const int home = HomeOf(tag, at.buckets());
  // A cursor from a time when the segment was deeper may point into the middle of a tag.
  const bool at_tag = hash << depth << 16 == 0;
  at.segment()->ForEachOfHome(home, [&](uint64_t word) {
    const uint32_t its_tag = TagOf(word);
    if (its_tag > tag || (its_tag == tag && (at_tag || policy_.Hash(ElementOf(word)) >= hash))) visit(ElementOf(word));
    return false;
  });
  if (home + 1 == at.buckets()) return NextSegment(hash, depth) >> (64 - kPositionBits);
  return PositionOf(hash, at, home + 1);
}

template <class Policy, class TagMatcher>
template <class Move>
bool HashTable<Policy, TagMatcher>::Relocate(uint64_t* position, Move&& move) {
  LARDER_DCHECK(front_ == 0);
  if (size_ == 0 || *position >> kPositionBits != 0) return false;
  const uint64_t hash = *position << (64 - kPositionBits);
  const SegmentWord at = directory_.Lookup(hash);
  Segment* const segment = at.segment();
  const auto offer = [&move, segment](uint64_t& word) {
    if (word == 0) return true;
    Offered slot(segment, word);
    return move(slot);
  };
  const auto offer_bucket = [&](int index) {
    Bucket& bucket = *segment->bucket(index);
    for (int slot = 1; slot <= kSlots; ++slot) {
      if (!offer(bucket.words[slot])) return false;
    }
    return true;
  };
  const int home = HomeOf(at.TagOf(hash), at.buckets());
  if (!offer_bucket(home)) return true;
  if (home + 1 < at.buckets()) {
    *position = PositionOf(hash, at, home + 1);
    return true;
  }
  for (int i = 0; i < segment->stash(); ++i) {
    if (!offer_bucket(at.buckets() + i)) return true;
  }
  for (OverflowNode* node = segment->overflow(); node != nullptr; node = node->next) {
    for (uint64_t i = 0; i < node->count; ++i) {
      if (!offer(node->words[i])) return true;
    }
  }
  *position = NextSegment(hash, at.depth()) >> (64 - kPositionBits);
  return *position != 0;
}

template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Element HashTable<Policy, TagMatcher>::FindPosition(uint64_t hash) const {
  const SegmentWord at = directory_.Lookup(hash);
  if (at.empty()) return nullptr;
  Element found = nullptr;
  const uint32_t tag = at.TagOf(hash);
  at.segment()->ForEachOfHome(HomeOf(tag, at.buckets()), [&](uint64_t word) {
    if (TagOf(word) != tag || (policy_.Hash(ElementOf(word)) ^ hash) >> (64 - kPositionBits) != 0) return false;
    found = ElementOf(word);
    return true;
  });
  return found;
}

template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Element HashTable<Policy, TagMatcher>::Random(base::Random& random) const {
  if (size_ == 0) return nullptr;
  uint64_t hash = random.Next();
  SegmentWord at = directory_.Lookup(hash);
  for (int tries = 0; at.segment()->live() == 0; ++tries) {
    hash = tries < 32 ? random.Next() : NextSegment(hash, at.depth());
    at = directory_.Lookup(hash);
  }
  const Segment& segment = *at.segment();
  if (segment.spilled() != 0) {
    uint64_t pick = random.Below(segment.live());
    for (const OverflowNode* node = segment.overflow(); node != nullptr; node = node->next) {
      if (pick < node->count) return ElementOf(node->words[pick]);
      pick -= node->count;
    }
  }
  // At least a third of the slots is taken, unless there was no memory for a smaller segment.
  for (;;) {
    const auto slot = static_cast<int>(random.Below(static_cast<uint64_t>(segment.slots())));
    const uint64_t word = segment.bucket(slot / kSlots)->words[1 + slot % kSlots];
    if (word != 0) return ElementOf(word);
  }
}

template <class Policy, class TagMatcher>
template <class Visit>
size_t HashTable<Policy, TagMatcher>::SampleBucket(uint64_t hash, Visit&& visit) const {
  int left = 2 * ShapeOf(kMaxShape, kExpires).buckets;
  while (size_ != 0 && left > 0) {
    const SegmentWord at = directory_.Lookup(hash);
    const int all = at.buckets() + StashOf(at.buckets());
    for (int i = HomeOf(at.TagOf(hash), all); i < all && left > 0; ++i, --left) {
      const Bucket& bucket = *at.segment()->bucket(i);
      size_t visited = 0;
      for (int slot = 1; slot <= kSlots; ++slot) {
        if (bucket.words[slot] == 0) continue;
        visit(ElementOf(bucket.words[slot]));
        ++visited;
      }
      const OverflowNode* node = i + 1 == all ? at.segment()->overflow() : nullptr;
      for (uint64_t j = 0; node != nullptr && j < node->count && j < kSlots; ++j, ++visited) {
        visit(ElementOf(node->words[(hash + j) % node->count]));
      }
      if (visited != 0) return visited;
    }
    hash = NextSegment(hash, at.depth());
  }
  return 0;
}

template <class Policy, class TagMatcher>
template <class Visit>
bool HashTable<Policy, TagMatcher>::FreeSome(size_t max_elements, Visit&& visit) {
  if constexpr (kExpires) {
    if (expiry_.expiring() != 0) expiry_.Forget();
  }
  for (; size_ != 0; front_bucket_ = 0) {
    const SegmentWord at = directory_.Lookup(front_);
    Segment* segment = at.segment();
    const int all = segment->buckets() + segment->stash();
    for (; front_bucket_ < all; ++front_bucket_) {
      Bucket& bucket = *segment->bucket(front_bucket_);
      const Bucket* ahead = front_bucket_ + 1 < all ? &bucket + 1 : &bucket;
      for (int slot = 1; slot <= kSlots; ++slot) __builtin_prefetch(ElementOf(ahead->words[slot]));
      for (int slot = 1; slot <= kSlots; ++slot) {
        if (bucket.words[slot] == 0) continue;
        if (max_elements-- == 0) return false;
        --size_;
        visit(ElementOf(std::exchange(bucket.words[slot], 0)));
      }
    }
    while (segment->spilled() != 0) {
      if (max_elements-- == 0) return false;
      --size_;
      const size_t before = segment->footprint();
      const uint64_t word = segment->TakeSpilled(arena_);
      segment_bytes_ -= before - segment->footprint();
      visit(ElementOf(word));
    }
    const uint64_t next = NextSegment(front_, at.depth());
    if (next == 0) break;
    FreeSegment(segment);
    const int page_depth = directory_.PageDepth(front_);
    if (page_depth != 0 && next << page_depth == 0) directory_.FreePage(front_);
    front_ = next;
  }
  FreeSegments();
  LARDER_DCHECK(size_ == 0);
  return true;
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_HASH_TABLE_VISIT_H_
