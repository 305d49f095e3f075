#include "lib/ds/expiry_index.h"

#include "lib/base/check.h"

namespace larder::inline v0::ds {
namespace {

constexpr int kHomes = SegmentExpiry::kHomes;
constexpr int kGroups = SegmentExpiry::kGroups;
// A base this far behind is moved up: codes that are due are coarser than 2 ms by then.
constexpr int64_t kBehindMs = 2 * kBaseStepMs;
// When a new earliest expiry comes, the base is moved to at most this long before it.
constexpr int64_t kSpareMs = 4 * kBaseStepMs;
// Moving a base counts as so many steps of work: it reads and writes up to 122 lines, one after the other.
constexpr int64_t kRebaseWork = 16;
// How many segments Soonest compares.
constexpr int kCompared = 8;

uint32_t BaseFor(int64_t ms) {
  if (ms <= 0) return 0;
  const uint64_t base = static_cast<uint64_t>(ms) >> kBaseShift;
  return base < UINT32_MAX ? static_cast<uint32_t>(base) : UINT32_MAX;
}
int64_t MsOfBase(uint32_t base) { return static_cast<int64_t>(uint64_t{base} << kBaseShift); }

int EndOf(const Segment& segment, int group) { return SegmentExpiry::EndOf(group, segment.buckets()); }

// Calls visit(metadata) for each home that may have a code.
template <class Visit>
void ForEachCodedGroup(Segment* segment, Visit&& visit) {
  for (int group = 0; group < kGroups; ++group) {
    if (segment->expiry()->groups[group] == 0) continue;
    for (int home = group * kHomes; home < EndOf(*segment, group); ++home) visit(segment->bucket(home)->words[0]);
  }
}

}  // namespace

uint32_t ExpiryIndex::Recoded(uint32_t code, uint32_t from_base, uint32_t to_base) {
  if (code == 0 || from_base == to_base) return code;
  return CodeUp(MsOfBase(from_base) - MsOfBase(to_base) + MsOfCode(code));
}

void ExpiryIndex::Rebase(Segment* segment, uint32_t base) {
  const uint32_t from = segment->timing.base;
  ForEachCodedGroup(segment, [&](uint64_t& metadata) {
    StoreWord(metadata, WithCode(metadata, Recoded(CodeIn(metadata), from, base)));
  });
  for (uint32_t& group : segment->expiry()->groups) group = Recoded(group, from, base);
  segment->timing.soonest = Recoded(segment->timing.soonest, from, base);
  segment->timing.base = base;
}

void ExpiryIndex::Add(Segment* segment, int home, int64_t expiry_ms) {
  LARDER_DCHECK(segment->expires());
  ++expiring_;
  if (segment->timing.expiring++ == 0) {
    segment->timing.base = BaseFor(expiry_ms);
    Link(segment, hand_);
  }
  Note(segment, home, expiry_ms);
}

void ExpiryIndex::Note(Segment* segment, int home, int64_t expiry_ms) {
  LARDER_DCHECK(home >= 0 && home < segment->buckets());
  SegmentTiming& timing = segment->timing;
  LARDER_DCHECK(timing.expiring != 0);
  const int64_t base_ms = segment->BaseMs();
  if (expiry_ms < base_ms && base_ms > now_ms_) {
    // The base moves further down than it must, so that not each of ever earlier expiries moves it; but not into the
    // past.
    const int64_t spare_ms = expiry_ms < base_ms - kSpareMs ? kSpareMs : base_ms - expiry_ms;
    const int64_t to_ms = expiry_ms < spare_ms ? 0 : expiry_ms - spare_ms;
    Rebase(segment, BaseFor(to_ms > now_ms_ ? to_ms : now_ms_));
  }
  const uint32_t code = CodeUp(expiry_ms - segment->BaseMs());
  uint64_t& metadata = segment->bucket(home)->words[0];
  if (!IsEarlier(code, CodeIn(metadata))) return;
  StoreWord(metadata, WithCode(metadata, code));
  uint32_t& group = segment->expiry()->groups[home / kHomes];
  if (!IsEarlier(code, group)) return;
  group = code;
  if (!IsEarlier(code, timing.soonest)) return;
  timing.soonest = code;
  Place(segment);
}

void ExpiryIndex::Drop(Segment* segment) {
  LARDER_DCHECK(segment->timing.expiring != 0 && expiring_ >= segment->timing.expiring);
  --expiring_;
  if (--segment->timing.expiring != 0) return;
  ClearCodes(segment);
  Unlink(segment);
}

void ExpiryIndex::ClearCodes(Segment* segment) {
  if (segment->timing.soonest == 0) return;
  ForEachCodedGroup(segment, [](uint64_t& metadata) { StoreWord(metadata, WithCode(metadata, 0)); });
  for (uint32_t& group : segment->expiry()->groups) group = 0;
  segment->timing.soonest = 0;
  wheel_.Remove(segment);
}

void ExpiryIndex::Adopt(Segment* made, uint32_t base, const HomeCodes& codes, Segment* old) {
  if (codes.expiring == 0) return;
  LARDER_DCHECK(made->timing.expiring == 0 && codes.expiring <= made->live());
  made->timing.base = base;
  made->timing.expiring = codes.expiring;
  for (int home = 0; home < made->buckets(); ++home) {
    if (codes.of[home] == 0) continue;
    uint64_t& metadata = made->bucket(home)->words[0];
    StoreWord(metadata, WithCode(metadata, codes.of[home]));
    uint32_t& group = made->expiry()->groups[home / kHomes];
    group = EarlierCode(group, codes.of[home]);
  }
  Link(made, old);
  RefreshSegment(made);
}

void ExpiryIndex::Retire(Segment* segment) {
  if (segment->timing.expiring == 0) return;
  wheel_.Remove(segment);
  Unlink(segment);
}

void ExpiryIndex::SetNow(int64_t now_ms) {
  now_ms_ = now_ms;
  if (wheel_.now_ms() > now_ms || SoonestMs() > now_ms) wheel_.set_now_ms(now_ms);
}

Segment* ExpiryIndex::NextDue(int64_t* work) {
  while (*work > 0) {
    const int slot = wheel_.FirstSlot();
    if (slot == SegmentWheel::kNone || wheel_.StartMs(slot) > now_ms_) {
      if (now_ms_ > wheel_.now_ms()) wheel_.set_now_ms(now_ms_);
      return nullptr;
    }
    if (wheel_.StartMs(slot) > wheel_.now_ms()) wheel_.set_now_ms(wheel_.StartMs(slot));
    Segment* segment = wheel_.Head(slot);
    if (segment->SoonestMs() <= now_ms_) {
      __builtin_prefetch(segment->expiry());
      __builtin_prefetch(segment->timing.next);
      return segment;
    }
    Place(segment);
    --*work;
  }
  return nullptr;
}

uint32_t ExpiryIndex::DueCode(Segment* segment, int64_t* work) {
  if (now_ms_ - segment->BaseMs() >= kBehindMs) {
    Rebase(segment, BaseFor(now_ms_));
    *work -= kRebaseWork;
  }
  // The last code stands for all times that are too far away to have one, so it is never due.
  const uint32_t due = CodeDown(now_ms_ - segment->BaseMs());
  return due < kCodeMax ? due : kCodeMax - 1;
}

// A slot far ahead may have every segment in it. The best of eight is kept in front and compared with seven others the
// next time, so over some calls the earliest come first.
Segment* ExpiryIndex::Soonest() {
  const int slot = wheel_.FirstSlot();
  LARDER_DCHECK(slot != SegmentWheel::kNone);
  Segment* const head = wheel_.Head(slot);
  Segment* best = head;
  int count = 1;
  for (Segment* at = head->timing.next; at != head && count < kCompared; at = at->timing.next, ++count) {
    if (at->SoonestMs() < best->SoonestMs()) best = at;
  }
  wheel_.RotateSlot(slot, count, best);
  return best;
}

int ExpiryIndex::SoonestHome(const Segment& segment) {
  const uint32_t code = segment.timing.soonest;
  int group = 0;
  while (segment.expiry()->groups[group] != code) ++group;
  for (int home = group * kHomes; home < EndOf(segment, group); ++home) {
    if (CodeIn(segment.bucket(home)->words[0]) == code) return home;
  }
  LARDER_CHECK(false);
  return -1;
}

int ExpiryIndex::HomeFrom(const Segment& segment, int start) {
  const int first = start / kHomes;
  for (int i = 0; i <= kGroups; ++i) {  // the first group twice, for its homes before `start`
    const int group = (first + i) % kGroups;
    if (segment.expiry()->groups[group] == 0) continue;
    for (int home = i == 0 ? start : group * kHomes; home < EndOf(segment, group); ++home) {
      if (CodeIn(segment.bucket(home)->words[0]) != 0) return home;
    }
  }
  return -1;
}

Segment* ExpiryIndex::NextInRing() {
  LARDER_DCHECK(hand_ != nullptr);
  draws_left_ = 0;
  hand_ = hand_->expiry()->next;
  __builtin_prefetch(hand_->expiry()->next->expiry());
  __builtin_prefetch(hand_->expiry()->next);
  return hand_;
}

Segment* ExpiryIndex::DrawSegment(base::Random& random) {
  LARDER_DCHECK(expiring_ != 0);
  while (draws_left_ == 0) {
    const uint64_t share = uint64_t{NextInRing()->timing.expiring} * in_ring_;  // every expiring_ of it make one draw
    draws_left_ = share / expiring_ + (random.Below(expiring_) < share % expiring_ ? 1 : 0);
  }
  --draws_left_;
  return hand_;
}

void ExpiryIndex::SetHome(Segment* segment, int home, uint32_t code) {
  uint64_t& metadata = segment->bucket(home)->words[0];
  if (CodeIn(metadata) == code) return;
  StoreWord(metadata, WithCode(metadata, code));
  RefreshGroup(segment, home / kHomes);
  RefreshSegment(segment);
}

void ExpiryIndex::RefreshGroup(Segment* segment, int group) {
  uint32_t earliest = 0;
  for (int home = group * kHomes; home < EndOf(*segment, group); ++home) {
    earliest = EarlierCode(earliest, CodeIn(segment->bucket(home)->words[0]));
  }
  segment->expiry()->groups[group] = earliest;
}

void ExpiryIndex::RefreshSegment(Segment* segment) {
  uint32_t earliest = 0;
  for (const uint32_t group : segment->expiry()->groups) earliest = EarlierCode(earliest, group);
  segment->timing.soonest = earliest;
  if (earliest == 0) {
    wheel_.Remove(segment);
  } else {
    Place(segment);
  }
}

void ExpiryIndex::Place(Segment* segment) {
  const int64_t time_ms = segment->SoonestMs();
  wheel_.Place(segment, time_ms > now_ms_ ? time_ms : now_ms_);
}

void ExpiryIndex::Link(Segment* segment, Segment* before) {
  SegmentExpiry& links = *segment->expiry();
  ++in_ring_;
  if (before == nullptr) {
    links.next = links.previous = hand_ = segment;
    return;
  }
  links.next = before;
  links.previous = before->expiry()->previous;
  links.previous->expiry()->next = segment;
  before->expiry()->previous = segment;
}

void ExpiryIndex::Unlink(Segment* segment) {
  const SegmentExpiry& links = *segment->expiry();
  LARDER_DCHECK(in_ring_ != 0 && links.next != nullptr && (in_ring_ == 1) == (links.next == segment));
  --in_ring_;
  if (hand_ == segment) draws_left_ = 0;
  if (links.next == segment) {
    hand_ = nullptr;
    return;
  }
  links.next->expiry()->previous = links.previous;
  links.previous->expiry()->next = links.next;
  if (hand_ == segment) hand_ = links.previous;
}

void ExpiryIndex::Forget() {
  const int64_t now_ms = wheel_.now_ms();
  wheel_ = SegmentWheel();
  wheel_.set_now_ms(now_ms);
  hand_ = nullptr;
  in_ring_ = 0;
  draws_left_ = 0;
  expiring_ = 0;
  if (batch != nullptr) batch->size = 0;
}

}  // namespace larder::inline v0::ds
