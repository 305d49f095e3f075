// TableShape: the part of a HashTable that knows nothing of its elements: growth, splits and merges of its segments.
//
// Each change makes new segments, fills them, and only then puts them into the directory and frees the old ones. So
// memory that is refused at any point leaves the table as it was.
//
// It is no template, so that a program with many kinds of tables has it once. Only a split asks for something of an
// element, its hash and its expiry, and does so by a function, once each time the table doubles.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_TABLE_SHAPE_H_
#define LARDER_DS_TABLE_SHAPE_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/base/steps.h"
#include "lib/ds/directory.h"
#include "lib/ds/expiry_index.h"
#include "lib/ds/segment.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::ds {

inline constexpr int kMaxShape = kShapes - 1;

class TableShape {
 public:
  // What a change of shape needs to know of the elements.
  struct Elements {
    struct Facts {
      uint64_t hash;
      int64_t expiry_ms;  // if the word has the mark
    };
    ExpiryIndex* expiry;  // the table's, nullptr: its elements do not expire
    const void* policy;
    Facts (*read)(const void* policy, uint64_t word);

    bool expires() const { return expiry != nullptr; }
  };

 protected:
  enum class Room { kMade, kSpill, kNone };

  TableShape(memory::Arena* arena, base::StepLog* steps) : arena_(arena), directory_(arena), steps_(steps) {}
  ~TableShape() = default;

  void FreeSegment(Segment* segment) {
    LARDER_DCHECK(segment_bytes_ >= segment->footprint());
    segment_bytes_ -= segment->footprint();
    Segment::Free(arena_, segment);
  }

  // The first segment of an empty table; false if there is no memory.
  bool MakeFirst(bool expires);
  // A word found no place in its segment: makes the segment greater, or two of it, if that is of any use.
  Room MakeRoom(uint64_t hash, SegmentWord at, const Elements& elements);
  // Puts a word into the segment's overflow chain; false if there is no memory.
  bool Spill(Segment* segment, uint64_t word);
  // The segment at `hash` has become empty enough to be worth a change.
  void Shrink(uint64_t hash, const Elements& elements);

  memory::Arena* arena_;
  Directory directory_;
  base::StepLog* const steps_;
  size_t size_ = 0;
  size_t segment_bytes_ = 0;

 private:
  class Splitter;
  // Shares of a segment's slots, in percent: how full each half is after a split at most, a segment after it was merged
  // or made smaller, and what the greatest shape may hold for two halves to be merged into it.
  static constexpr int kSplitFill = 85;
  static constexpr int kMergeFill = 75;
  static constexpr int kShrinkFill = 65;
  static constexpr int kMergeTotal = 66;
  // Elements whose keys are being fetched while a split hashes others.
  static constexpr size_t kAhead = 12;

  Segment* NewSegment(int shape, const Elements& elements) { return Segment::New(arena_, shape, elements.expires()); }
  void FreeUnused(Segment* const (&segments)[2]) {
    for (Segment* segment : segments) {
      if (segment != nullptr) Segment::Free(arena_, segment);
    }
  }
  bool SplitHelps(SegmentWord at) const;
  bool Rebuild(uint64_t hash, SegmentWord at, int shape, bool may_spill, const Elements& elements);
  bool Deepen(uint64_t hash, int depth);
  bool Split(uint64_t hash, SegmentWord at, const Elements& elements);
  bool Merge(uint64_t hash, SegmentWord at, const Elements& elements);
  bool MergeHalves(uint64_t hash, SegmentWord at, SegmentWord other, uint32_t live, const Elements& elements);
  static void MergeExpiries(Segment* lower, Segment* upper, Segment* made, ExpiryIndex* expiry);
  static void AddCodes(const Segment* from, const Segment* to, uint32_t which, uint32_t parts, uint32_t base,
                       HomeCodes* codes);
  void Contract(uint64_t hash);
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_TABLE_SHAPE_H_
