// ExpiryIndex: finds the elements of a table that expire first. It is part of a HashTable whose Policy says kExpires.
//
//   wheel      segments by their earliest code: lib/ds/segment_wheel.h
//     ▼
//   segment    the earliest code of each group of 11 homes, in the line before the header
//     ▼
//   home       the earliest code of its elements, in the metadata of its bucket: lib/ds/expiry_code.h
//     ▼
//   elements   say themselves when they expire; a mark in the slot tells that an element does
//
// There is also a ring of all segments in which something expires, with a hand, for samples and draws.
//
// What holds between calls
//   - a home's code is no later than that of any element at home there. It may be earlier: if an element is removed or
//     gets another expiry, the code stays. A rebuild, which does not look at elements, gives a new home the earliest
//     code of the old homes that it takes elements from. The next visit to the home corrects its code.
//   - a group's code is exactly the earliest of its homes, a segment's exactly the earliest of its groups.
//   - a segment that has a code is in the wheel, at its code or earlier; a segment that counts any expiring element is
//     in the ring.
//   - a segment's base is no later than its elements' expiries, except those that were past when it was moved up.
//
// So an insertion that is not the first to expire in its segment touches only the home bucket's line and the segment's
// two lines of header. Nothing here needs memory.
//
// The base starts just before the segment's first expiry, and moves down before an earlier one. A visit moves it up to
// the present when that is 35 minutes ahead. So near times are exact to 2 ms.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_EXPIRY_INDEX_H_
#define LARDER_DS_EXPIRY_INDEX_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/random.h"
#include "lib/ds/expiry_code.h"
#include "lib/ds/segment.h"
#include "lib/ds/segment_wheel.h"

namespace larder::inline v0::ds {

// The codes of a segment that is being made.
struct HomeCodes {
  uint32_t of[kBucketsMax] = {};
  uint32_t expiring = 0;  // elements

  void Lower(int home, uint32_t code) { of[home] = EarlierCode(of[home], code); }
};

// Due elements that are about to be expired. A removal or change of one of them strikes it off.
struct DueBatch {
  static constexpr int kMax = 64;
  uint64_t pointers[kMax];
  int size = 0;
  int at = 0;  // the next to be expired

  void Strike(uint64_t pointer) {
    if (at < size && pointers[at] == pointer) {
      pointers[at] = 0;
      return;
    }
    for (int i = at; i < size; ++i) {
      if (pointers[i] == pointer) pointers[i] = 0;
    }
  }
};

// A plain value: it can be swapped, and forgotten.
class ExpiryIndex {
 public:
  size_t expiring() const { return expiring_; }
  int64_t SoonestMs() const {
    const int slot = wheel_.FirstSlot();
    return slot == SegmentWheel::kNone ? INT64_MAX : wheel_.StartMs(slot);
  }

  // An element with an expiry came into the segment.
  void Add(Segment* segment, int home, int64_t expiry_ms);
  // An element of the segment has got this expiry.
  void Note(Segment* segment, int home, int64_t expiry_ms);
  // An element with an expiry has left.
  void Drop(Segment* segment);

  // `made` has taken elements with these codes, counted from `base`, over from `old`. It goes into the ring beside
  // `old`.
  void Adopt(Segment* made, uint32_t base, const HomeCodes& codes, Segment* old);
  // The segment has been replaced. Its elements still count.
  void Retire(Segment* segment);
  // Converts a code from one base to another.
  static uint32_t Recoded(uint32_t code, uint32_t from_base, uint32_t to_base);

  // For ExpireSome: sets the time that the index goes by.
  void SetNow(int64_t now_ms);
  // A segment that has a due code, or nullptr if there is none or `*work` steps have been done.
  Segment* NextDue(int64_t* work);
  // Moves the base up if it is far behind. Returns the latest code that is due.
  uint32_t DueCode(Segment* segment, int64_t* work);

  // The segment that expires first of several that it looks at. REQUIRES: there is a code.
  Segment* Soonest();
  // The home that has the segment's earliest code.
  static int SoonestHome(const Segment& segment);
  // The first home with a code from `start` on, in a circle; -1 if there is none.
  static int HomeFrom(const Segment& segment, int start);
  // Turns the hand by one segment. REQUIRES: expiring() > 0.
  Segment* NextInRing();
  // Turns the hand until it is at a segment to draw from. Over its turns each segment is drawn from in proportion to
  // its number of expiring elements, so a draw takes one step on average. REQUIRES: expiring() > 0.
  Segment* DrawSegment(base::Random& random);

  // Sets the code of a visited home; 0: none.
  void SetHome(Segment* segment, int home, uint32_t code);
  // The same for many: set the codes of some homes of a group, then call this for the group, then for the segment.
  static void RefreshGroup(Segment* segment, int group);
  void RefreshSegment(Segment* segment);

  // The segments are gone.
  void Forget();

  DueBatch* batch = nullptr;  // while ExpireSome runs

  const SegmentWheel& wheel() const { return wheel_; }
  const Segment* hand() const { return hand_; }
  size_t in_ring() const { return in_ring_; }

 private:
  static void Rebase(Segment* segment, uint32_t base);
  void ClearCodes(Segment* segment);
  void Place(Segment* segment);
  void Link(Segment* segment, Segment* before);
  void Unlink(Segment* segment);

  SegmentWheel wheel_;
  Segment* hand_ = nullptr;  // some segment of the ring
  size_t in_ring_ = 0;
  uint64_t draws_left_ = 0;  // draws of DrawSegment left at the hand
  size_t expiring_ = 0;
  int64_t now_ms_ = 0;
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_EXPIRY_INDEX_H_
