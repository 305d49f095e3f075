// The part of HashTable that changes its shape: growth, splits, merges. Included by hash_table.h.
//
// Each change makes new segments, fills them, and only then puts them into the directory and frees the old ones. So
// memory that is refused at any point leaves the table as it was.
#ifndef LARDER_DS_HASH_TABLE_SHAPE_H_
#define LARDER_DS_HASH_TABLE_SHAPE_H_

#include "lib/ds/hash_table.h"

namespace larder::inline v0::ds {

template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::MakeFirst() {
  Segment* segment = NewSegment(kMinShape);
  if (segment == nullptr) return false;
  segment_bytes_ += segment->footprint();
  directory_.Set(0, SegmentWord(segment, 0));
  return true;
}

// A word found no place in its segment: makes the segment greater, or two of it, if that is of any use.
template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Room HashTable<Policy, TagMatcher>::MakeRoom(uint64_t hash, SegmentWord at) {
  Segment* segment = at.segment();
  const uint32_t placed = segment->live() - segment->spilled();
  // Half empty and yet no place: the hashes crowd in a few homes, and would in a greater segment too.
  if (placed < static_cast<uint32_t>(segment->slots()) / 2) return Room::kSpill;
  if (segment->live() < segment->grow_from()) return Room::kSpill;
  if (segment->shape() < kMaxShape) {
    return Rebuild(hash, at, segment->shape() + 1, true) ? Room::kMade : Room::kNone;
  }
  if (!SplitHelps(at)) {
    segment->set_grow_from(segment->live() + segment->live() / 8 + 1);
    return Room::kSpill;
  }
  return Split(hash, at) ? Room::kMade : Room::kNone;
}

// Whether a split would spread the elements, and the directory stay in proportion to the table: good hashes make a
// segment of depth d when there are some 400 * 2^d elements.
template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::SplitHelps(SegmentWord at) const {
  const uint32_t live = at.segment()->live();
  const uint32_t upper = at.segment()->CountUpperHalf();
  const uint32_t fewer = upper < live - upper ? upper : live - upper;
  const int depth = at.depth() + 1;
  return fewer >= live / 16 && depth <= Directory::kDepthMax && (size_t{1} << depth) <= 64 + size_ / 8;
}

template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::Spill(Segment* segment, uint64_t word) {
  const size_t before = segment->footprint();
  if (!segment->Spill(arena_, word)) return false;
  segment_bytes_ += segment->footprint() - before;
  return true;
}

// The codes of a segment that takes in all elements of `from`, whose tags become (which << 16 | tag) / parts: each
// home gets the earliest code of the old homes that it takes elements from.
template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::AddCodes(const Segment* from, const Segment* to, uint32_t which, uint32_t parts,
                                             uint32_t base, HomeCodes* codes) {
  if (from->timing.expiring == 0) return;
  codes->expiring += from->timing.expiring;
  uint32_t code[kBucketsMax];
  for (int home = 0; home < from->buckets(); ++home) {
    code[home] = ExpiryIndex::Recoded(CodeIn(from->bucket(home)->words[0]), from->timing.base, base);
  }
  from->ForEachWord([&](uint64_t word) {
    if ((word & kExpiringMark) == 0) return;
    codes->Lower(HomeOf((which << 16 | TagOf(word)) / parts, to->buckets()), code[from->HomeOf(word)]);
  });
}

// Moves a segment's elements into a new one of another shape. False, and nothing has changed, if there is no memory, or
// an element has no place but the overflow chain and may not go there.
template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::Rebuild(uint64_t hash, SegmentWord at, int shape, bool may_spill) {
  CountedStep step(steps_, base::Step::kGrow);
  Segment* old = at.segment();
  Segment* made = NewSegment(shape);
  if (made == nullptr) return false;
  SegmentBuilder builder(made);
  bool ok = true;
  old->ForEachWord([&](uint64_t word) { ok = ok && builder.Add(may_spill ? arena_ : nullptr, word); });
  if (!ok) {
    Segment::Free(arena_, made);
    return false;
  }
  LARDER_DCHECK(made->live() == old->live());
  step.Add(old->live(), 0);
  step.AddSegment(old);
  step.AddSegment(made);
  segment_bytes_ += made->footprint();
  directory_.Set(hash, SegmentWord(made, at.depth()));
  if constexpr (kExpires) {
    HomeCodes codes;
    AddCodes(old, made, 0, 1, old->timing.base, &codes);
    expiry_.Adopt(made, old->timing.base, codes, old);
    expiry_.Retire(old);
  }
  FreeSegment(old);
  return true;
}

// The two halves have their own tags, of one bit further down the hash, which only the key can tell.
template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::Split(uint64_t hash, SegmentWord at) {
  const int depth = at.depth() + 1;
  {
    CountedStep deepening(steps_, base::Step::kDirectory);
    const uint64_t before = directory_.written();
    const bool deepened = directory_.Deepen(hash, at.depth());
    deepening.Add(0, directory_.written() - before);
    if (!deepened) return false;
  }
  CountedStep step(steps_, base::Step::kSplit);
  Segment* old = at.segment();
  const uint32_t upper = old->CountUpperHalf();
  Segment* halves[2] = {NewSegment(ShapeFor(old->live() - upper, kSplitFill)),
                        NewSegment(ShapeFor(upper, kSplitFill))};
  [[maybe_unused]] std::conditional_t<kExpires, HomeCodes, NoExpiries> codes[2];
  bool ok = halves[0] != nullptr && halves[1] != nullptr;
  if (ok) {
    SegmentBuilder builders[2] = {SegmentBuilder(halves[0]), SegmentBuilder(halves[1])};
    auto add = [&](uint64_t word) {
      const uint64_t full_hash = policy_.Hash(ElementOf(word));
      const size_t which = full_hash >> (64 - depth) & 1;
      LARDER_DCHECK(which == word >> 63);
      const auto tag = static_cast<uint32_t>((full_hash << depth) >> 48);
      ok = ok && builders[which].Add(arena_, PackSlot(tag, MarkedPointerOf(word)));
      if constexpr (kExpires) {
        if ((word & kExpiringMark) == 0) return;
        const int64_t expiry_ms = ExpiryOf(ElementOf(word));
        ++codes[which].expiring;
        codes[which].Lower(HomeOf(tag, halves[which]->buckets()), CodeUp(expiry_ms - old->BaseMs()));
      }
    };
    uint64_t ring[16];
    static_assert(kAhead < 16);
    size_t fetched = 0;
    size_t added = 0;
    old->ForEachWord([&](uint64_t word) {
      // A header and a short key may lie across two lines.
      __builtin_prefetch(ElementOf(word));
      __builtin_prefetch(reinterpret_cast<const char*>(ElementOf(word)) + kLineBytes / 2);
      ring[fetched++ % 16] = word;
      if (fetched - added > kAhead) add(ring[added++ % 16]);
    });
    while (added < fetched) add(ring[added++ % 16]);
  }
  if (!ok) {
    for (Segment* half : halves) {
      if (half != nullptr) Segment::Free(arena_, half);
    }
    return false;
  }
  LARDER_DCHECK(halves[0]->live() + halves[1]->live() == old->live());
  step.Add(old->live(), 0);
  step.AddSegment(old);
  for (const Segment* half : halves) {
    step.AddSegment(half);
    segment_bytes_ += half->footprint();
  }
  const uint64_t bit = uint64_t{1} << (64 - depth);
  directory_.Set(hash & ~bit, SegmentWord(halves[0], depth));
  directory_.Set(hash | bit, SegmentWord(halves[1], depth));
  if constexpr (kExpires) {
    for (int i = 0; i < 2; ++i) expiry_.Adopt(halves[i], old->timing.base, codes[i], old);
    expiry_.Retire(old);
  }
  FreeSegment(old);
  return true;
}

// The segment at `hash` has become empty enough to be worth a change.
template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::Shrink(uint64_t hash) {
  SegmentWord at = directory_.Lookup(hash);
  LARDER_DCHECK(!at.empty() && size_ != 0);
  while (at.segment()->live() < at.segment()->shrink_below()) {
    if (Merge(hash, at)) {
      at = directory_.Lookup(hash);
      continue;
    }
    const uint32_t live = at.segment()->live();
    const int shape = ShapeFor(live, kShrinkFill);
    if (shape < at.segment()->shape() && Rebuild(hash, at, shape, false)) return;
    at.segment()->set_shrink_below(live - live / 4);  // not now: again when more have gone
    if (live == 0) at.segment()->set_shrink_below(0);
    return;
  }
}

template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::Merge(uint64_t hash, SegmentWord at) {
  const int depth = at.depth();
  if (depth == 0) return false;
  const SegmentWord other = directory_.Lookup(Buddy(hash, depth));
  if (other.depth() != depth) return false;
  const uint32_t live = at.segment()->live() + other.segment()->live();
  if (live * 100 > static_cast<uint32_t>(ShapeOf(kMaxShape, kExpires).slots()) * kMergeTotal) return false;
  if (at.segment()->spilled() != 0 || other.segment()->spilled() != 0) return false;
  if (directory_.PageDepth(hash) == depth) {
    Contract(hash);
    if (directory_.PageDepth(hash) == depth) return false;
  }
  if (!MergeHalves(hash, at, other, live)) return false;
  Contract(hash);
  return true;
}

template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::MergeHalves(uint64_t hash, SegmentWord at, SegmentWord other, uint32_t live) {
  const int depth = at.depth();
  CountedStep step(steps_, base::Step::kMerge);
  Segment* made = NewSegment(ShapeFor(live, kMergeFill));
  if (made == nullptr) return false;
  SegmentBuilder builder(made);
  bool ok = true;
  const bool at_is_upper = (hash >> (64 - depth) & 1) != 0;
  const SegmentWord halves[2] = {at_is_upper ? other : at, at_is_upper ? at : other};
  for (uint32_t i = 0; i < 2; ++i) {
    halves[i].segment()->ForEachWord([&](uint64_t word) {
      ok = ok && builder.Add(nullptr, PackSlot(i << 15 | TagOf(word) >> 1, MarkedPointerOf(word)));
    });
  }
  if (!ok) {
    Segment::Free(arena_, made);
    return false;
  }
  LARDER_DCHECK(made->live() == live);
  step.Add(live, 0);
  for (const Segment* segment : {at.segment(), other.segment(), made}) step.AddSegment(segment);
  segment_bytes_ += made->footprint();
  directory_.Set(hash, SegmentWord(made, depth - 1));
  if constexpr (kExpires) MergeExpiries(halves[0].segment(), halves[1].segment(), made);
  FreeSegment(at.segment());
  FreeSegment(other.segment());
  return true;
}

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::MergeExpiries(Segment* lower, Segment* upper, Segment* made) {
  uint32_t base = UINT32_MAX;
  Segment* place = nullptr;
  for (Segment* half : {lower, upper}) {
    if (half->timing.expiring == 0) continue;
    place = half;
    if (half->timing.base < base) base = half->timing.base;
  }
  HomeCodes codes;
  AddCodes(lower, made, 0, 2, base, &codes);
  AddCodes(upper, made, 1, 2, base, &codes);
  LARDER_DCHECK(codes.expiring == lower->timing.expiring + upper->timing.expiring);
  expiry_.Adopt(made, base, codes, place);
  expiry_.Retire(lower);
  expiry_.Retire(upper);
}

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::Contract(uint64_t hash) {
  CountedStep step(steps_, base::Step::kDirectory);
  const uint64_t before = directory_.written();
  directory_.Contract(hash);
  step.Add(0, directory_.written() - before);
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_HASH_TABLE_SHAPE_H_
