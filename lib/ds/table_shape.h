// TableShape: the part of a HashTable that knows nothing of its elements: growth, splits and merges of its segments.
//
// Each change makes new segments, fills them, and only then puts them into the directory and frees the old ones. So if
// memory is refused at any point, the table stays as it was.
//
// It is no template, so a program with many kinds of tables has it once. Only a split needs an element's hash and
// expiry. It gets them through a function, once for each element each time the table doubles.
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
  // The facts about the elements that a change of shape needs.
  struct Elements {
    struct Facts {
      uint64_t hash;
      int64_t expiry_ms;  // if the word has the mark
    };
    ExpiryIndex* expiry;  // the table's; nullptr: its elements do not expire
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

  // Makes the first segment of an empty table; returns false if there is no memory.
  bool MakeFirst(bool expires);
  // A word found no place in its segment: makes the segment larger, or splits it, if that helps.
  Room MakeRoom(uint64_t hash, SegmentWord at, const Elements& elements);
  // Puts a word into the segment's overflow chain; returns false if there is no memory.
  bool Spill(Segment* segment, uint64_t word);
  // The segment at `hash` has become so empty that a change is worth while.
  void Shrink(uint64_t hash, const Elements& elements);

  memory::Arena* arena_;
  Directory directory_;
  base::StepLog* const steps_;
  size_t size_ = 0;
  size_t segment_bytes_ = 0;

 private:
  class Splitter;
  // Shares of a segment's slots, in percent: the greatest fill of each half after a split, and of a segment after it
  // was merged or made smaller; and the fill of the largest shape up to which two halves are merged into it.
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
