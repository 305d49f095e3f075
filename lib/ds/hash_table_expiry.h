// The part of HashTable that is about expiry. hash_table.h includes it.
//
// A visit to a home reads those of its elements that are marked as having an expiry, and corrects the home's code.
// ExpireSome first takes due elements out of the index, up to 64 of one segment, and then hands them over one by one.
// At that point it keeps no pointer into the table that a removal, or a change of shape after it, could invalidate.
#ifndef LARDER_DS_HASH_TABLE_EXPIRY_H_
#define LARDER_DS_HASH_TABLE_EXPIRY_H_

#include "lib/ds/hash_table.h"

namespace larder::inline v0::ds {

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::ExpiryChanged(const Place& place) {
  const SegmentWord at = Current(place);
  const Element element = place.element;
  LARDER_DCHECK(!at.empty() && ExpiryOf(element) != kNoExpiry);
  expiry_.Note(at.segment(), HomeOf(at.TagOf(place.hash), at.buckets()), ExpiryOf(element));
  if (expiry_.batch != nullptr) expiry_.batch->Strike(Pointer(element));
}

template <class Policy, class TagMatcher>
template <class Expire>
bool HashTable<Policy, TagMatcher>::ExpireSome(int64_t now_ms, size_t max_visits, Expire&& expire) {
  LARDER_DCHECK(expiry_.batch == nullptr);
  expiry_.SetNow(now_ms);
  if (SoonestMs() > now_ms) return false;
  CountedStep step(steps_, base::Step::kExpire);
  auto work = static_cast<int64_t>(max_visits < INT32_MAX ? max_visits : INT32_MAX);
  while (Segment* segment = expiry_.NextDue(&work)) {
    DueBatch batch;
    const uint32_t due = expiry_.DueCode(segment, &work);
    const int64_t visited = CollectDue(segment, now_ms, due, work, &batch);
    step.Add(static_cast<uint64_t>(visited), static_cast<uint64_t>(visited + SegmentExpiry::kHomes) * kLineBytes);
    work -= visited;
    expiry_.batch = &batch;
    for (; batch.at < batch.size; ++batch.at) {
      const uint64_t pointer = batch.pointers[batch.at];
      if (pointer == 0) continue;
      expire(ElementOf(pointer));
      LARDER_DCHECK(batch.at >= batch.size || batch.pointers[batch.at] == 0);
    }
    expiry_.batch = nullptr;
  }
  return work <= 0;
}

template <class Policy, class TagMatcher>
int64_t HashTable<Policy, TagMatcher>::CollectDue(Segment* segment, int64_t now_ms, uint32_t due, int64_t max_visits,
                                                  DueBatch* batch) {
  int64_t visited = 0;
  for (int group = 0; group < SegmentExpiry::kGroups; ++group) {
    const uint32_t earliest = segment->expiry()->groups[group];
    if (earliest == 0 || earliest > due) continue;
    const int first = group * SegmentExpiry::kHomes;
    const int end = SegmentExpiry::EndOf(group, segment->buckets());
    PrefetchDue(segment, first, end, due);
    for (int home = first; home < end; ++home) {
      const uint32_t code = CodeIn(segment->bucket(home)->words[0]);
      if (code == 0 || code > due) continue;
      // One home is done in any case.
      if (visited != 0 && (visited >= max_visits || batch->size == DueBatch::kMax)) break;
      visited += CollectDueOfHome(segment, home, now_ms, batch);
    }
    ExpiryIndex::RefreshGroup(segment, group);
    if (visited >= max_visits || batch->size == DueBatch::kMax) break;
  }
  expiry_.RefreshSegment(segment);
  return visited;
}

// If the batch is full before all of the home was seen, the home's code stays, so it is visited again.
template <class Policy, class TagMatcher>
int64_t HashTable<Policy, TagMatcher>::CollectDueOfHome(Segment* segment, int home, int64_t now_ms, DueBatch* batch) {
  int64_t visited = 0;
  uint32_t earliest = 0;
  const bool full = segment->ForEachOfHome(home, [&](uint64_t word) {
    if ((word & kExpiringMark) == 0) return false;
    ++visited;
    const int64_t expiry_ms = ExpiryOf(ElementOf(word));
    if (expiry_ms > now_ms) {
      earliest = EarlierCode(earliest, CodeUp(expiry_ms - segment->BaseMs()));
      return false;
    }
    if (batch->size == DueBatch::kMax) return true;
    batch->pointers[batch->size++] = PointerOf(word);
    return false;
  });
  uint64_t& metadata = segment->bucket(home)->words[0];
  if (!full) StoreWord(metadata, WithCode(metadata, earliest));
  return visited;
}

// Fetches the homes of a group, all of which are read, and then the elements of the due ones, so that it waits for
// memory once and not for each.
template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::PrefetchDue(const Segment* segment, int first, int end, uint32_t due) const {
  __asm__ volatile("");  // see Prefetch
  for (int home = first; home < end; ++home) __builtin_prefetch(segment->bucket(home));
  for (int home = first; home < end; ++home) {
    const uint64_t metadata = segment->bucket(home)->words[0];
    if (CodeIn(metadata) == 0 || CodeIn(metadata) > due || StashedCount(metadata) == kSpilled) continue;
    segment->ForEachOfHome(home, [](uint64_t word) {
      if ((word & kExpiringMark) != 0) __builtin_prefetch(ElementOf(word));
      return false;
    });
  }
}

template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Element HashTable<Policy, TagMatcher>::MendHome(Segment* segment, int home) {
  Element soonest = nullptr;
  int64_t soonest_ms = kNoExpiry;
  segment->ForEachOfHome(home, [](uint64_t word) {
    if ((word & kExpiringMark) != 0) __builtin_prefetch(ElementOf(word));
    return false;
  });
  segment->ForEachOfHome(home, [&](uint64_t word) {
    if ((word & kExpiringMark) == 0) return false;
    const int64_t expiry_ms = ExpiryOf(ElementOf(word));
    if (expiry_ms >= soonest_ms) return false;
    soonest = ElementOf(word);
    soonest_ms = expiry_ms;
    return false;
  });
  expiry_.SetHome(segment, home, soonest == nullptr ? 0 : CodeUp(soonest_ms - segment->BaseMs()));
  return soonest;
}

// If the home's elements turn out to expire later than its code says, the code is corrected and the next best home is
// looked at. Often this is the home whose soonest element has just been removed.
template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Element HashTable<Policy, TagMatcher>::Soonest() {
  constexpr int kTries = 128;  // as many as a segment has homes
  Element found = nullptr;
  for (int tries = 0; SoonestMs() != INT64_MAX && (tries < kTries || found == nullptr); ++tries) {
    Segment* segment = expiry_.Soonest();
    const uint32_t thought = segment->timing.soonest;
    const int home = ExpiryIndex::SoonestHome(*segment);
    const Element here = MendHome(segment, home);
    if (here != nullptr && (found == nullptr || ExpiryOf(here) < ExpiryOf(found))) found = here;
    if (CodeIn(segment->bucket(home)->words[0]) == thought) break;
  }
  return found;
}

template <class Policy, class TagMatcher>
template <class Visit>
void HashTable<Policy, TagMatcher>::SampleExpiring(base::Random& random, Visit&& visit) {
  while (SoonestMs() != INT64_MAX) {
    Segment* segment = expiry_.NextInRing();
    const int start = static_cast<int>(random.Below(static_cast<uint64_t>(segment->buckets())));
    const int home = ExpiryIndex::HomeFrom(*segment, start);
    if (home < 0 || MendHome(segment, home) == nullptr) continue;  // the code was of a removed element
    segment->ForEachOfHome(home, [&](uint64_t word) {
      if ((word & kExpiringMark) != 0) visit(ElementOf(word));
      return false;
    });
    return;
  }
}

template <class Policy, class TagMatcher>
typename HashTable<Policy, TagMatcher>::Element HashTable<Policy, TagMatcher>::RandomExpiring(base::Random& random) {
  if (expiry_.expiring() == 0) return nullptr;
  const Segment* segment = expiry_.DrawSegment(random);
  uint64_t before = random.Below(segment->timing.expiring);
  Element found = nullptr;
  segment->ForEachWord([&](uint64_t word) {
    if ((word & kExpiringMark) != 0 && before-- == 0) found = ElementOf(word);
  });
  LARDER_DCHECK(found != nullptr);
  return found;
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_HASH_TABLE_EXPIRY_H_
