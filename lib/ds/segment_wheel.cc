#include "lib/ds/segment_wheel.h"

namespace larder::inline v0::ds {

void SegmentWheel::Place(Segment* segment, int64_t time_ms) {
  constexpr int kTop = kLevels - 1;
  constexpr uint64_t kHorizon = uint64_t{kSlots - 1} << (kTop * kDigitBits);
  uint64_t time = time_ms < 0 ? 0 : static_cast<uint64_t>(time_ms);
  // This wheel has never been told the time.
  if (now_ == 0 && FirstSlot() == kNone) now_ = time & ~(kBaseStepMs - 1);
  if (time < now_) now_ = time;
  if (time - now_ > kHorizon) time = now_ + kHorizon;
  int level = time == now_ ? 0 : (63 - __builtin_clzll(time ^ now_)) / kDigitBits;
  if (level > kTop) level = kTop;
  const int digit = static_cast<int>(time >> (level * kDigitBits)) & (kSlots - 1);
  const int slot = level * kSlots + digit;
  SegmentTiming& timing = segment->timing;
  if (timing.slot == slot + 1) return;
  Remove(segment);
  timing.slot = static_cast<uint16_t>(slot + 1);
  Segment*& head = heads_[slot];
  if (head == nullptr) {
    bits_[level] |= uint64_t{1} << digit;
    timing.next = timing.previous = head = segment;
    return;
  }
  LinkBefore(segment, head);
}

void SegmentWheel::LinkBefore(Segment* segment, Segment* next) {
  LARDER_DCHECK(segment != next);
  Segment* previous = next->timing.previous;
  segment->timing.next = next;
  segment->timing.previous = previous;
  previous->timing.next = segment;
  next->timing.previous = segment;
}

void SegmentWheel::Unlink(Segment* segment) {
  segment->timing.next->timing.previous = segment->timing.previous;
  segment->timing.previous->timing.next = segment->timing.next;
}

void SegmentWheel::Remove(Segment* segment) {
  SegmentTiming& timing = segment->timing;
  if (timing.slot == 0) return;
  const int slot = timing.slot - 1;
  LARDER_DCHECK(heads_[slot] != nullptr);
  timing.slot = 0;
  if (timing.next == segment) {
    heads_[slot] = nullptr;
    bits_[LevelOf(slot)] &= ~(uint64_t{1} << (slot % kSlots));
    return;
  }
  Unlink(segment);
  if (heads_[slot] == segment) heads_[slot] = timing.next;
}

void SegmentWheel::RotateSlot(int slot, int count, Segment* first) {
  Segment* head = heads_[slot];
  LARDER_DCHECK(head != nullptr && first->timing.slot == slot + 1);
  for (int i = 0; i < count; ++i) head = head->timing.next;
  heads_[slot] = first;
  if (head == first) return;
  Unlink(first);
  LinkBefore(first, head);
}

int64_t SegmentWheel::StartMs(int slot) const {
  const int shift = LevelOf(slot) * kDigitBits;
  const uint64_t units = now_ >> shift;
  const uint64_t ahead = (static_cast<uint64_t>(slot) - units) & (kSlots - 1);
  return static_cast<int64_t>((units + ahead) << shift);
}

int SegmentWheel::FirstSlot() const {
  int first = kNone;
  int64_t first_ms = INT64_MAX;
  for (int level = 0; level < kLevels; ++level) {
    if (bits_[level] == 0) continue;
    const int digit = static_cast<int>(now_ >> (level * kDigitBits)) & (kSlots - 1);
    const uint64_t turned = bits_[level] >> digit | bits_[level] << ((kSlots - digit) & (kSlots - 1));
    const int slot = level * kSlots + ((digit + __builtin_ctzll(turned)) & (kSlots - 1));
    const int64_t start_ms = StartMs(slot);
    if (start_ms >= first_ms) continue;
    first = slot;
    first_ms = start_ms;
  }
  return first;
}

const char* SegmentWheel::Broken(size_t* segments) const {
  for (int slot = 0; slot < kLevels * kSlots; ++slot) {
    const Segment* head = heads_[slot];
    if ((bits_[LevelOf(slot)] >> (slot % kSlots) & 1) != (head != nullptr)) return "a wheel's bitmap";
    const Segment* segment = head;
    while (segment != nullptr) {
      ++*segments;
      const SegmentTiming& timing = segment->timing;
      if (timing.slot != slot + 1) return "a segment's slot";
      if (timing.next->timing.previous != segment) return "a slot's list";
      if (StartMs(slot) > now_ms() && StartMs(slot) > segment->SoonestMs()) return "a segment that is placed too late";
      segment = timing.next == head ? nullptr : timing.next;
    }
  }
  return nullptr;
}

}  // namespace larder::inline v0::ds
