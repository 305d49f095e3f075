// Segment: some hundreds of elements whose hashes share a prefix, in one allocation of at most 8 KB.
//
//   ┌────────┬──────────┬──────────┬─ ─ ─┬────────────┬─────────────┐      ┌──────────┐     ┌──────────┐
//   │ header │ bucket 0 │ bucket 1 │     │ bucket n-1 │ stash (0-4) │ ───► │ overflow │ ──► │ overflow │
//   └────────┴──────────┴──────────┴─ ─ ─┴────────────┴─────────────┘      └──────────┘     └──────────┘
//
// A lookup searches an element in this order: its home bucket; the next one (the last bucket's next is the first); the
// stash; the overflow chain. The home bucket counts its elements in each of these, so a lookup reads another line only
// if an element of that home is there.
//
// If home and next are full, the segment need not grow yet: up to kReach elements move on to their own next, or back to
// their home, so that a slot becomes free. Then the stash is used. Then the segment is rebuilt in the next larger
// shape, which needs tags only. The table splits the largest shape in two.
//
// The overflow chain is for hashes that no growth can spread: hundreds of elements in one position. It is searched one
// by one, but nothing breaks. Good hashes never reach it.
//
// A segment's shape is its number of lines. Each shape is a size class of the arena and, above 4 KB, divides its 64 KB
// runs well, so that no memory is lost. Growing in steps of 12 to 25 % keeps the load between 74 and 93 %. A table that
// doubles, or whose parts all double in step, has half of that at worst. See tests/bench/table_bench.cc.
//
// In a table whose elements may expire a line stands before the header: SegmentExpiry. The other facts about times are
// in the header, where they cost other tables nothing. lib/ds/expiry_index.h maintains both.
//
// A segment knows only the tags and pointers of elements, so one compiled copy serves all tables.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_SEGMENT_H_
#define LARDER_DS_SEGMENT_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/ds/bucket.h"
#include "lib/ds/expiry_code.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::ds {

// Part of an overflow chain. All but the first are full.
struct OverflowNode {
  static constexpr uint32_t kWords = 62;
  OverflowNode* next;
  uint64_t count;
  uint64_t words[kWords];
};
static_assert(sizeof(OverflowNode) == 512);

struct Shape {
  int lines;
  int buckets;
  int stash;
  int slots() const { return (buckets + stash) * kSlots; }
};

// Lines of each shape, including the header.
inline constexpr int kShapeLines[] = {2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 26, 32, 39, 48, 60, 73, 85, 102, 128};
inline constexpr int kShapes = sizeof(kShapeLines) / sizeof(kShapeLines[0]);

// The number of stash buckets follows from the number of buckets, which the directory's word has: no lookup reads the
// header.
constexpr int StashOf(int buckets) { return buckets < 8 ? 0 : buckets < 16 ? 1 : buckets < 40 ? 2 : 4; }

// `expires`: one line is the SegmentExpiry, so the smallest shape is too small to be of use.
constexpr int FirstShape(bool expires) { return expires ? 1 : 0; }
constexpr Shape ShapeOf(int index, bool expires) {
  const int lines = static_cast<int>(memory::Arena::RoundUp(kShapeLines[index] * kLineBytes) / kLineBytes);
  const int rest = lines - (expires ? 2 : 1);
  int buckets = rest;
  while (buckets + StashOf(buckets) > rest) --buckets;
  return {lines, buckets, StashOf(buckets)};
}
static_assert(ShapeOf(FirstShape(false), false).buckets == 1 && ShapeOf(FirstShape(true), true).buckets == 1);
inline constexpr int kBucketsMax = ShapeOf(kShapes - 1, false).buckets;
static_assert(kBucketsMax == 123, "fits the 8 bits of a directory's word");
static_assert(StashOf(255) * kSlots < static_cast<int>(kSpilled), "exact counts stay below kSpilled");

class Segment;

// The part of the header about times. All zero: nothing in the segment expires.
struct SegmentTiming {
  Segment* next;  // in the wheel's slot
  Segment* previous;
  uint32_t base;      // the time from which codes count, in steps of kBaseStepMs
  uint32_t soonest;   // the earliest code of all homes
  uint32_t expiring;  // elements that have an expiry
  uint16_t slot;      // the wheel's slot + 1; 0: in none
};

// The line before the header.
struct SegmentExpiry {
  static constexpr int kHomes = 11;
  static constexpr int kGroups = 12;
  uint32_t groups[kGroups];  // the earliest code of each 11 homes
  Segment* next;             // in the ring of segments in which something expires
  Segment* previous;

  static constexpr int EndOf(int group, int homes) {
    const int end = (group + 1) * kHomes;
    return end < homes ? end : homes;
  }
};
static_assert(sizeof(SegmentExpiry) == kLineBytes);
static_assert(SegmentExpiry::kHomes * SegmentExpiry::kGroups >= ShapeOf(kShapes - 1, true).buckets);

class Segment {
 public:
  // An empty segment, or nullptr if there is no memory. `expires`: with a SegmentExpiry.
  static Segment* New(memory::Arena* arena, int shape, bool expires);
  // Frees the overflow chain too.
  static void Free(memory::Arena* arena, Segment* segment);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  int shape() const { return shape_; }
  int buckets() const { return buckets_; }
  int stash() const { return stash_; }
  int slots() const { return (buckets_ + stash_) * kSlots; }
  uint32_t live() const { return live_; }
  uint32_t spilled() const { return spilled_; }
  bool expires() const { return expires_; }
  // REQUIRES: expires().
  SegmentExpiry* expiry() {
    LARDER_DCHECK(expires_);
    return reinterpret_cast<SegmentExpiry*>(this) - 1;
  }
  const SegmentExpiry* expiry() const {
    LARDER_DCHECK(expires_);
    return reinterpret_cast<const SegmentExpiry*>(this) - 1;
  }
  int64_t BaseMs() const { return static_cast<int64_t>(uint64_t{timing.base} << kBaseShift); }
  // When the earliest code is due. REQUIRES: timing.soonest != 0.
  int64_t SoonestMs() const { return BaseMs() + MsOfCode(timing.soonest); }
  // The bytes that the arena counts for it.
  size_t footprint() const;

  // A bucket or, behind the last one, a bucket of the stash.
  Bucket* bucket(int index) {
    LARDER_DCHECK(index >= 0 && index < buckets_ + stash_);
    return reinterpret_cast<Bucket*>(this + 1) + index;
  }
  const Bucket* bucket(int index) const {
    LARDER_DCHECK(index >= 0 && index < buckets_ + stash_);
    return reinterpret_cast<const Bucket*>(this + 1) + index;
  }
  OverflowNode* overflow() const { return overflow_; }
  int HomeOf(uint64_t word) const { return ds::HomeOf(TagOf(word), buckets_); }

  // Puts the word into a place; returns false if there is none but the overflow chain.
  bool Place(uint64_t word) {
    Bucket& home = *bucket(HomeOf(word));
    const SlotSet empty = Matcher::Empty(home);
    if (!empty.empty()) {
      Store(home.words[empty.first()], word);
      ++live_;
      return true;
    }
    return PlaceElsewhere(word) >= 0;
  }
  // Puts the word into the overflow chain; returns false if there is no memory.
  bool Spill(memory::Arena* arena, uint64_t word);

  // The place of exactly this word. REQUIRES: it is there.
  uint64_t* Locate(uint64_t word);
  // Empties a place, and moves an element there that is further from its home than it needs to be.
  void Erase(memory::Arena* arena, uint64_t* place);

  // Visits words in all buckets, in the stash and in the chain.
  template <class Visit>
  void ForEachWord(Visit&& visit) const {
    for (int i = 0; i < buckets_ + stash_; ++i) {
      for (int slot = 1; slot <= kSlots; ++slot) {
        if (bucket(i)->words[slot] != 0) visit(bucket(i)->words[slot]);
      }
    }
    for (const OverflowNode* node = overflow_; node != nullptr; node = node->next) {
      for (uint64_t i = 0; i < node->count; ++i) visit(node->words[i]);
    }
  }

  // Visits the words whose home is `home`, until `visit` returns true. Returns whether it did.
  template <class Visit>
  bool ForEachOfHome(int home, Visit&& visit) const;

  // How many words have a tag whose top bit is set.
  uint32_t CountUpperHalf() const;

  // The number of elements from which on growth is tried (if a split would not spread them, the number is raised).
  uint32_t grow_from() const { return grow_from_; }
  void set_grow_from(uint32_t live) { grow_from_ = live; }
  // Shrinking is tried below this many.
  uint32_t shrink_below() const { return shrink_below_; }
  void set_shrink_below(uint32_t live) { shrink_below_ = live; }

  // Takes any word out of the overflow chain; 0 if it is empty. It leaves the counts wrong, so it is only for a segment
  // that is being taken apart.
  uint64_t TakeSpilled(memory::Arena* arena);

 private:
  friend class SegmentBuilder;
  static constexpr int kReach = 4;

  Segment() = default;
  ~Segment() = default;

  // Stores a slot, within the edit of the home whose element comes or goes. (An element that moves to make room has
  // been stored in its new place before.)
  void Store(uint64_t& slot, uint64_t word) { HomeEdit(bucket(HomeOf(word != 0 ? word : slot))).Store(slot, word); }
  // Adds to one of a home's counts.
  static void Add(uint64_t& metadata, uint64_t by) {
    LARDER_DCHECK(by == kNextOne ? NextCount(metadata) < kSlots : StashedCount(metadata) < kSpilled);
    StoreWord(metadata, metadata + by);
  }
  static void Subtract(uint64_t& metadata, uint64_t by) {
    LARDER_DCHECK((by == kNextOne ? NextCount(metadata) : StashedCount(metadata)) != 0);
    StoreWord(metadata, metadata - by);
  }

  int Next(int index) const { return index + 1 == buckets_ ? 0 : index + 1; }
  int Previous(int index) const { return index == 0 ? buckets_ - 1 : index - 1; }
  // Returns the bucket whose free slot has been used up, stash buckets included, or -1.
  int PlaceElsewhere(uint64_t word);
  int PlaceByMovingBack(int home, uint64_t word);
  int PlaceByMovingOn(int home, uint64_t word);
  int FindOfHome(const Bucket& in, int home) const;
  void PopOverflow(memory::Arena* arena);
  void Recount(int home);
  void Refill(memory::Arena* arena, int index, int slot);

  uint32_t live_;       // elements, spilled ones included
  uint32_t spilled_;    // elements in the overflow chain
  uint32_t grow_from_;
  uint32_t shrink_below_;
  uint8_t shape_;
  uint8_t buckets_;
  uint8_t stash_;
  bool expires_;
  [[maybe_unused]] uint8_t unused_[4];
  OverflowNode* overflow_;

 public:
  SegmentTiming timing;
};
static_assert(sizeof(Segment) == kLineBytes);

// Fills an empty segment with words that come in about the order of their hashes. It keeps the fill of each bucket, so
// it need not read back what it has just written.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(Segment* segment) : segment_(segment) { LARDER_DCHECK(segment->live() == 0); }

  // Returns false if there is no place, and the overflow chain cannot be used: there is no memory or no `arena`.
  bool Add(memory::Arena* arena, uint64_t word) {
    const int home = segment_->HomeOf(word);
    if (filled_[home] < kSlots) {
      segment_->bucket(home)->words[++filled_[home]] = word;
      ++segment_->live_;
      return true;
    }
    return AddElsewhere(arena, word, home);
  }

 private:
  bool AddElsewhere(memory::Arena* arena, uint64_t word, int home);

  Segment* segment_;
  uint8_t filled_[kBucketsMax + 4] = {};
};

template <class Visit>
bool Segment::ForEachOfHome(int home, Visit&& visit) const {
  auto in_bucket = [&](const Bucket& in) {
    for (int i = 1; i <= kSlots; ++i) {
      if (in.words[i] != 0 && HomeOf(in.words[i]) == home && visit(in.words[i])) return true;
    }
    return false;
  };
  const uint64_t metadata = bucket(home)->words[0];
  if (in_bucket(*bucket(home))) return true;
  if (NextCount(metadata) != 0 && in_bucket(*bucket(Next(home)))) return true;
  if (StashedCount(metadata) == 0) return false;
  for (int i = 0; i < stash_; ++i) {
    if (in_bucket(*bucket(buckets_ + i))) return true;
  }
  if (StashedCount(metadata) != kSpilled) return false;
  for (const OverflowNode* node = overflow_; node != nullptr; node = node->next) {
    for (uint64_t i = 0; i < node->count; ++i) {
      if (HomeOf(node->words[i]) == home && visit(node->words[i])) return true;
    }
  }
  return false;
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_SEGMENT_H_
