// ExpiryIndex: which elements of a table expire when. Part of a HashTable whose Policy says kExpires.
//
//   wheel      segments by their earliest code: lib/ds/segment_wheel.h
//     ▼
//   segment    the earliest code of each group of 11 homes, in the line before the header
//     ▼
//   home       the earliest code of its elements, in the metadata of its bucket: lib/ds/expiry_code.h
//     ▼
//   elements   say themselves when they expire; which of them do is marked in their slots
//
// and a ring of all segments in which something expires, with a hand, for samples and draws.
//
// What holds between calls
//   - a home's code is no later than that of any element at home there. It may be earlier: an element that is removed
//     or gets another expiry leaves the code, and a rebuild, which does not look at elements, gives a new home the
//     earliest of the old homes that it takes elements from. Whoever visits the home next sets it right.
//   - a group's code is the earliest of its homes, a segment's the earliest of its groups: exactly.
//   - a segment is in the wheel, no later than its code, if it has one; and in the ring if it counts any expiring
//     element.
//   - a segment's base is no later than its elements' expiries, but for those that had come when it was moved up.
//
// So an insertion touches no line but the home bucket's and the segment's two of header, and those after it that stay
// for longer touch nothing else either. Nothing here needs memory.
//
// The base starts just before the first expiry there, and moves down before an earlier one; a visit moves it up to the
// present when that is 35 minutes ahead. So near times are exact to 2 ms.
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

// Due elements on their way out. What removes or changes one of them strikes it off.
struct DueBatch {
  static constexpr int kMax = 64;
  uint64_t pointers[kMax];
  int size = 0;
  int at = 0;  // the one whose turn it is

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

  // An element that has an expiry came into the segment.
  void Add(Segment* segment, int home, int64_t expiry_ms);
  // One that is there has got this expiry.
  void Note(Segment* segment, int home, int64_t expiry_ms);
  // One has left.
  void Drop(Segment* segment);

  // `made`, whose elements have these codes, counting from `base`, has taken them over from `old`: it goes into the
  // ring beside it.
  void Adopt(Segment* made, uint32_t base, const HomeCodes& codes, Segment* old);
  // A segment that has been taken over. Its elements go on counting.
  void Retire(Segment* segment);
  // The code of `home` as one that counts from `base`.
  static uint32_t Recoded(uint32_t code, uint32_t from_base, uint32_t to_base);

  // ExpireSome: from now on it is `now_ms`, the best guess of the time that there is.
  void SetNow(int64_t now_ms);
  // A segment that has a due code, or nullptr: there is none, or `*work` steps have been done.
  Segment* NextDue(int64_t* work);
  // Moves the base up if it is far behind. Returns the latest code that is due.
  uint32_t DueCode(Segment* segment, int64_t* work);

  // A segment that expires among the first, of several that are looked at. REQUIRES: there is a code.
  Segment* Soonest();
  // The home that has the segment's earliest code.
  static int SoonestHome(const Segment& segment);
  // The first home from `start` on, in a circle, that has a code; -1 if there is none.
  static int HomeFrom(const Segment& segment, int start);
  // Turns the hand by one segment. REQUIRES: expiring() > 0.
  Segment* NextInRing();
  // Turns the hand until it is at a segment that is to be drawn from: over its turns each as often as it has elements
  // that expire, measured by the mean of all. So one step a draw on average. REQUIRES: expiring() > 0.
  Segment* DrawSegment(base::Random& random);

  // A visited home's code is this, 0: none.
  void SetHome(Segment* segment, int home, uint32_t code);
  // The same in two steps: set the codes of some homes of a group, then this for the group, then for the segment.
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
  uint64_t draws_left_ = 0;  // of DrawSegment, from where the hand is
  size_t expiring_ = 0;
  int64_t now_ms_ = 0;
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_EXPIRY_INDEX_H_
