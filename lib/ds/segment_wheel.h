// SegmentWheel: segments by their earliest expiry, in a hierarchical timing wheel (Varghese and Lauck, 1987).
//
//   level 6   64 slots of 2^36 ms, 2.2 years each
//     ...
//   level 1   64 slots of 64 ms
//   level 0   64 slots of 1 ms
//
// The wheel has a time of its own, now(). A segment is at the level of the highest 6-bit digit in which its time
// differs from now(), in the slot of that digit. A due segment is in the slot of now() itself. A bitmap of each level's
// slots finds the first one that is not empty in a few instructions. When now() comes to a slot of a higher level, the
// segments there are placed anew, one a step, each at a lower level. This happens to a segment at most six times before
// it is due.
//
// A slot stands for the first time from now() on that has its digit. So no segment is ever found late. If now() is set
// back, or a segment's time has become later than its slot's, the segment is found early and placed again. (A segment
// that was overdue when it was placed, and is so again after now() was set back, may be found 63 ms late.)
//
// Costs: placing, moving and removing a segment touch it and its two neighbours in the slot.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_SEGMENT_WHEEL_H_
#define LARDER_DS_SEGMENT_WHEEL_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/ds/segment.h"

namespace larder::inline v0::ds {

// A plain value: it can be swapped, and forgotten.
class SegmentWheel {
 public:
  static constexpr int kDigitBits = 6;
  static constexpr int kSlots = 1 << kDigitBits;
  static constexpr int kLevels = 7;
  static constexpr int kNone = -1;

  int64_t now_ms() const { return static_cast<int64_t>(now_); }
  // It may be set back at any time, but forwards no further than StartMs(FirstSlot()).
  void set_now_ms(int64_t time_ms) {
    LARDER_DCHECK(time_ms <= now_ms() || FirstSlot() == kNone || time_ms <= StartMs(FirstSlot()));
    now_ = time_ms < 0 ? 0 : static_cast<uint64_t>(time_ms);
  }

  // Puts the segment at this time, from wherever it was. A time before now() sets now() back.
  void Place(Segment* segment, int64_t time_ms);
  // It does nothing if the segment is not in the wheel.
  void Remove(Segment* segment);

  // The slot that begins first, or kNone.
  int FirstSlot() const;
  int64_t StartMs(int slot) const;
  // Whether its segments are due when it begins; otherwise they must be placed anew.
  static bool IsFine(int slot) { return slot < kSlots; }
  Segment* Head(int slot) const { return heads_[slot]; }
  // The first `count` segments of a slot become its last ones, except `first`, one of them, which becomes the first.
  void RotateSlot(int slot, int count, Segment* first);

  // For tests: returns nullptr, or the fault. Counts the segments.
  const char* Broken(size_t* segments) const;

 private:
  static int LevelOf(int slot) { return slot / kSlots; }
  static void LinkBefore(Segment* segment, Segment* next);
  static void Unlink(Segment* segment);

  uint64_t now_ = 0;
  uint64_t bits_[kLevels] = {};  // slots that are not empty
  Segment* heads_[kLevels * kSlots] = {};
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_SEGMENT_WHEEL_H_
