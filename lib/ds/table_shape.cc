#include "lib/ds/table_shape.h"

#include "lib/base/check.h"
#include "lib/ds/counted_step.h"

namespace larder::inline v0::ds {

namespace {

// The smallest shape of whose slots `live` elements take at most `percent`.
int ShapeFor(uint32_t live, int percent, const TableShape::Elements& elements) {
  int shape = FirstShape(elements.expires());
  const auto slots = [&] { return ShapeOf(shape, elements.expires()).slots(); };
  while (shape < kMaxShape && live * 100 > static_cast<uint32_t>(slots() * percent)) ++shape;
  return shape;
}

uint64_t Buddy(uint64_t hash, int depth) { return hash ^ uint64_t{1} << (64 - depth); }

}  // namespace

bool TableShape::MakeFirst(bool expires) {
  Segment* segment = Segment::New(arena_, FirstShape(expires), expires);
  if (segment == nullptr) return false;
  segment_bytes_ += segment->footprint();
  directory_.Set(0, SegmentWord(segment, 0));
  return true;
}

// A word found no place in its segment: makes the segment larger, or splits it, if that helps.
TableShape::Room TableShape::MakeRoom(uint64_t hash, SegmentWord at, const Elements& elements) {
  Segment* segment = at.segment();
  const uint32_t placed = segment->live() - segment->spilled();
  // The segment is half empty and yet has no place: the hashes crowd in a few homes, and would in a larger segment too.
  if (placed < static_cast<uint32_t>(segment->slots()) / 2) return Room::kSpill;
  if (segment->live() < segment->grow_from()) return Room::kSpill;
  if (segment->shape() < kMaxShape) {
    return Rebuild(hash, at, segment->shape() + 1, true, elements) ? Room::kMade : Room::kNone;
  }
  if (!SplitHelps(at)) {
    segment->set_grow_from(segment->live() + segment->live() / 8 + 1);
    return Room::kSpill;
  }
  return Split(hash, at, elements) ? Room::kMade : Room::kNone;
}

// Whether a split would spread the elements and keep the directory in proportion to the table: good hashes make a
// segment of depth d when there are some 400 * 2^d elements.
bool TableShape::SplitHelps(SegmentWord at) const {
  const uint32_t live = at.segment()->live();
  const uint32_t upper = at.segment()->CountUpperHalf();
  const uint32_t fewer = upper < live - upper ? upper : live - upper;
  const int depth = at.depth() + 1;
  return fewer >= live / 16 && depth <= Directory::kDepthMax && (size_t{1} << depth) <= 64 + size_ / 8;
}

bool TableShape::Spill(Segment* segment, uint64_t word) {
  const size_t before = segment->footprint();
  if (!segment->Spill(arena_, word)) return false;
  segment_bytes_ += segment->footprint() - before;
  return true;
}

// Adds the codes for a segment that takes all elements of `from`; their tags become (which << 16 | tag) / parts. Each
// home gets the earliest code of the old homes that it takes elements from.
void TableShape::AddCodes(const Segment* from, const Segment* to, uint32_t which, uint32_t parts,
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

// Moves a segment's elements into a new one of another shape. Returns false, and nothing has changed, if there is no
// memory, or an element has no place but the overflow chain and may not go there.
bool TableShape::Rebuild(uint64_t hash, SegmentWord at, int shape, bool may_spill,
                         const Elements& elements) {
  CountedStep step(steps_, base::Step::kGrow);
  Segment* old = at.segment();
  Segment* made = NewSegment(shape, elements);
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
  if (elements.expires()) {
    HomeCodes codes;
    AddCodes(old, made, 0, 1, old->timing.base, &codes);
    elements.expiry->Adopt(made, old->timing.base, codes, old);
    elements.expiry->Retire(old);
  }
  FreeSegment(old);
  return true;
}

// Takes the words of a segment one after another, while the elements of the next ones are being fetched.
class TableShape::Splitter {
 public:
  Splitter(memory::Arena* arena, const Elements& elements, int depth, const Segment* old, Segment* const (&halves)[2])
      : arena_(arena), elements_(elements), depth_(depth), old_(old), halves_(halves),
        builders_{SegmentBuilder(halves[0]), SegmentBuilder(halves[1])} {}

  // False if there is no memory.
  bool AddAll() {
    uint64_t ring[16];
    static_assert(kAhead < 16);
    size_t fetched = 0;
    size_t added = 0;
    old_->ForEachWord([&](uint64_t word) {
      const char* const element = reinterpret_cast<const char*>(PointerOf(word));
      // An element's header and a short key may lie in two lines.
      __builtin_prefetch(element);
      __builtin_prefetch(element + kLineBytes / 2);
      ring[fetched++ % 16] = word;
      if (fetched - added > kAhead) Add(ring[added++ % 16]);
    });
    while (added < fetched) Add(ring[added++ % 16]);
    return ok_;
  }

  const HomeCodes& codes(int half) const { return codes_[half]; }

 private:
  void Add(uint64_t word) {
    const Elements::Facts facts = elements_.read(elements_.policy, word);
    const size_t which = facts.hash >> (64 - depth_) & 1;
    LARDER_DCHECK(which == word >> 63);
    const auto tag = static_cast<uint32_t>((facts.hash << depth_) >> 48);
    ok_ = ok_ && builders_[which].Add(arena_, PackSlot(tag, MarkedPointerOf(word)));
    if ((word & kExpiringMark) == 0) return;
    ++codes_[which].expiring;
    codes_[which].Lower(HomeOf(tag, halves_[which]->buckets()), CodeUp(facts.expiry_ms - old_->BaseMs()));
  }

  memory::Arena* const arena_;
  const Elements& elements_;
  const int depth_;
  const Segment* const old_;
  Segment* const (&halves_)[2];
  SegmentBuilder builders_[2];
  HomeCodes codes_[2];
  bool ok_ = true;
};

bool TableShape::Deepen(uint64_t hash, int depth) {
  CountedStep step(steps_, base::Step::kDirectory);
  const uint64_t before = directory_.written();
  const bool deepened = directory_.Deepen(hash, depth);
  step.Add(0, directory_.written() - before);
  return deepened;
}

// The tags of the two halves begin one bit further down the hash, and only the key tells the new bit.
bool TableShape::Split(uint64_t hash, SegmentWord at, const Elements& elements) {
  const int depth = at.depth() + 1;
  if (!Deepen(hash, at.depth())) return false;
  CountedStep step(steps_, base::Step::kSplit);
  Segment* old = at.segment();
  const uint32_t upper = old->CountUpperHalf();
  Segment* const halves[2] = {NewSegment(ShapeFor(old->live() - upper, kSplitFill, elements), elements),
                              NewSegment(ShapeFor(upper, kSplitFill, elements), elements)};
  if (halves[0] == nullptr || halves[1] == nullptr) {
    FreeUnused(halves);
    return false;
  }
  Splitter splitter(arena_, elements, depth, old, halves);
  if (!splitter.AddAll()) {
    FreeUnused(halves);
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
  if (elements.expires()) {
    for (int i = 0; i < 2; ++i) elements.expiry->Adopt(halves[i], old->timing.base, splitter.codes(i), old);
    elements.expiry->Retire(old);
  }
  FreeSegment(old);
  return true;
}

// The segment at `hash` has become so empty that a change is worth while.
void TableShape::Shrink(uint64_t hash, const Elements& elements) {
  SegmentWord at = directory_.Lookup(hash);
  LARDER_DCHECK(!at.empty() && size_ != 0);
  while (at.segment()->live() < at.segment()->shrink_below()) {
    if (Merge(hash, at, elements)) {
      at = directory_.Lookup(hash);
      continue;
    }
    const uint32_t live = at.segment()->live();
    const int shape = ShapeFor(live, kShrinkFill, elements);
    if (shape < at.segment()->shape() && Rebuild(hash, at, shape, false, elements)) return;
    at.segment()->set_shrink_below(live - live / 4);  // not now: it tries again when more have gone
    if (live == 0) at.segment()->set_shrink_below(0);
    return;
  }
}

bool TableShape::Merge(uint64_t hash, SegmentWord at, const Elements& elements) {
  const int depth = at.depth();
  if (depth == 0) return false;
  const SegmentWord other = directory_.Lookup(Buddy(hash, depth));
  if (other.depth() != depth) return false;
  const uint32_t live = at.segment()->live() + other.segment()->live();
  if (live * 100 > static_cast<uint32_t>(ShapeOf(kMaxShape, elements.expires()).slots()) * kMergeTotal) return false;
  if (at.segment()->spilled() != 0 || other.segment()->spilled() != 0) return false;
  if (directory_.PageDepth(hash) == depth) {
    Contract(hash);
    if (directory_.PageDepth(hash) == depth) return false;
  }
  if (!MergeHalves(hash, at, other, live, elements)) return false;
  Contract(hash);
  return true;
}

bool TableShape::MergeHalves(uint64_t hash, SegmentWord at, SegmentWord other, uint32_t live,
                             const Elements& elements) {
  const int depth = at.depth();
  CountedStep step(steps_, base::Step::kMerge);
  Segment* made = NewSegment(ShapeFor(live, kMergeFill, elements), elements);
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
  if (elements.expires()) MergeExpiries(halves[0].segment(), halves[1].segment(), made, elements.expiry);
  FreeSegment(at.segment());
  FreeSegment(other.segment());
  return true;
}

void TableShape::MergeExpiries(Segment* lower, Segment* upper, Segment* made, ExpiryIndex* expiry) {
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
  expiry->Adopt(made, base, codes, place);
  expiry->Retire(lower);
  expiry->Retire(upper);
}

void TableShape::Contract(uint64_t hash) {
  CountedStep step(steps_, base::Step::kDirectory);
  const uint64_t before = directory_.written();
  directory_.Contract(hash);
  step.Add(0, directory_.written() - before);
}

}  // namespace larder::inline v0::ds
