// HashTable: elements found by a byte key, kept in the order of their hash.
//
// Words
//   hash      64 bits of a seeded hash of the key
//   position  the top 48 bits of a hash; a SCAN cursor is a position, and so below 2^48
//   segment   the elements whose hashes share their top `depth` bits, at most about 850: lib/ds/segment.h
//   bucket    a cache line of 7 elements' tags and pointers: lib/ds/bucket.h
//   directory finds the segment of a hash: lib/ds/directory.h
//
//   hash   │ l1 │ page │ tag: 16 bits below the segment's depth │ ...
//            │     │      └──────────────────────────────────────────┐ tag * buckets >> 16
//            ▼     ▼                                                  ▼
//          ┌───┐ ┌──────────────────────────┐   ┌────────┬────┬────┬────┬─ ─┬───────┐
//          │   ├►│ segment │ buckets │ depth ├──►│ header │    │    │    │   │ stash │
//          └───┘ └──────────────────────────┘   └────────┴────┴────┴──┬─┴─ ─┴───────┘
//                                                                     └─► element ─ ─ key
//
// This is extendible hashing that keeps the order of hashes. A segment grows by being rebuilt in the next of the
// arena's sizes, which needs tags only. The largest is split in two, and each key is hashed again for that. A segment
// that has lost two thirds of its elements is merged with its other half, which again needs tags only, or is made
// smaller. All elements stand in hash order, so "all before this position" means the same whatever the shape: a scan
// returns each key that stays in the table exactly once, through any change between its calls. Keys with the same
// position are returned together.
//
// Policy (a value, kept in the table):
//   using Element = T*;                              a pointer, a multiple of 8, below 2^48, not null
//   uint64_t Hash(Element e) const;                  the hash that was given to Insert
//   static bool Matches(Element e, Bytes key);
//   static constexpr bool kExpires;                  whether elements may have an expiry; if so
//   static int64_t ExpiryMs(Element e);              the time in ms; INT64_MAX: never
//
// Expiry. The table knows when its elements expire: lib/ds/expiry_index.h. When an element's expiry changes in place,
// call ExpiryChanged; Insert, Replace and Remove need no such call. Tables without expiry have none of this, in code or
// memory. With it, a segment has one line more: 0.1 bytes an element.
//
// Costs: a find reads one bucket and one element (a second bucket for some 15 %). If the key is not there, it reads one
// bucket. No step is longer than a split: see table_bench for times.
// Memory: 10 to 11 bytes an element on average, at any size; an empty table has none. If an allocation fails, Insert
// says so and nothing has changed. Nothing else needs memory; without it, a change that would save memory is left
// undone. Hashes that are all alike only make a table slow: see the overflow chain in lib/ds/segment.h.
//
// Rejected: open addressing over the whole table (a doubling in one step, and 20 bytes an element after it); a
// segment's element count in the directory's word (every insert would write there).
//
// Threads: the executor's holder.
#ifndef LARDER_DS_HASH_TABLE_H_
#define LARDER_DS_HASH_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/random.h"
#include "lib/base/steps.h"
#include "lib/ds/bucket.h"
#include "lib/ds/counted_step.h"
#include "lib/ds/directory.h"
#include "lib/ds/expiry_index.h"
#include "lib/ds/segment.h"
#include "lib/ds/table_shape.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::ds {

inline constexpr int kPositionBits = 48;

// TagMatcher is a parameter for tests only.
template <class Policy, class TagMatcher = Matcher>
class HashTable : private TableShape {
 public:
  using Element = typename Policy::Element;

  static constexpr bool kExpires = Policy::kExpires;
  static constexpr int64_t kNoExpiry = INT64_MAX;

  // `steps` counts changes of shape and ExpireSome; Swap does not exchange it.
  HashTable(Policy policy, memory::Arena* arena, base::StepLog* steps = nullptr)
      : TableShape(arena, steps), policy_(policy) {}
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  // Gives back the table's memory. The elements are the owner's: see ForEach, FreeSome and Clear.
  ~HashTable() { FreeSegments(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Bytes of directory and segments, as the arena counts them.
  size_t memory() const { return directory_.bytes() + segment_bytes_; }
  const Policy& policy() const { return policy_; }

  Element Find(Bytes key, uint64_t hash) const {
    const SegmentWord at = directory_.Lookup(hash);
    if (at.empty()) return nullptr;
    return ElementOf(FindPlace(at, key, hash).word);
  }

  // The result of a lookup: where a key is, or would be, so that a change after it need not search again. It stays
  // valid through any change of the table except the removal or replacement of its element. If the table's shape has
  // changed meanwhile, the element is searched again.
  struct Place {
    Element element = nullptr;  // nullptr: the key is not there
    uint64_t hash = 0;
    SegmentWord at = {};          // the segment of `hash`
    uint64_t changes = 0;         // the directory's changes() at the lookup
    uint64_t* slot = nullptr;     // the element's slot at the lookup; nullptr: not known
  };
  Place Locate(Bytes key, uint64_t hash) const {
    Place place;
    Locate(key, hash, &place);
    return place;
  }
  [[gnu::always_inline]] void Locate(Bytes key, uint64_t hash, Place* place) const {
    const SegmentWord at = directory_.Lookup(hash);
    const Found found = at.empty() ? Found{nullptr, 0} : FindPlace(at, key, hash);
    *place = {ElementOf(found.word), hash, at, directory_.changes(), found.place};
  }
  // The place of an element of the table, or, with nullptr, of a key that is not in it.
  Place PlaceOf(Element element, uint64_t hash) const {
    return {element, hash, directory_.Lookup(hash), directory_.changes(), nullptr};
  }
  // The key's home bucket, for a HomeEdit. REQUIRES: place.element is in the table.
  Bucket* HomeBucket(const Place& place) const {
    LARDER_DCHECK(place.element != nullptr);
    const SegmentWord at = Current(place);
    return at.segment()->bucket(HomeOf(at.TagOf(place.hash), at.buckets()));
  }

  // Returns false if there is no memory. REQUIRES: no element with this key is in the table.
  bool Insert(Element element, uint64_t hash) { return Insert(element, PlaceOf(nullptr, hash)); }
  bool Insert(Element element, const Place& place);

  // Puts `now` in the place of `before`, which has an equal key. REQUIRES: with kExpires `before` can still be read,
  // for its expiry; without kExpires it is only compared.
  void Replace(Element before, Element now, uint64_t hash) { Replace(PlaceOf(before, hash), now); }
  void Replace(const Place& place, Element now) {
    LARDER_DCHECK(place.element != nullptr && now != nullptr);
    const Element before = place.element;
    const uint64_t hash = place.hash;
    const SegmentWord at = Current(place);
    LARDER_CHECK(!at.empty());
    StoreElement(at, hash, SlotOf(place, at), now);
    if constexpr (kExpires) {
      // Arrival comes before departure: a segment that never runs out of expiring elements stays where it is.
      NoteArrival(now, at, hash);
      NoteDeparture(before, at.segment());
    }
  }

  // An element has changed nothing but its address: `now` is a copy of `before`, which can still be read.
  void Moved(Element before, Element now, uint64_t hash) {
    const SegmentWord at = directory_.Lookup(hash);
    LARDER_CHECK(!at.empty());
    StoreElement(at, hash, at.segment()->Locate(PackSlot(at.TagOf(hash), Marked(before))), now);
  }
  // The same for many, on a walk from position 0: offers the elements of one physical bucket from `*position` on; the
  // segment's stash and chain come with its last bucket. `move(Offered& slot)` may put a copy in the place of
  // slot.element(), and end that afterwards; it returns false to stop. `*position` is then where to go on: at this
  // bucket again if it was stopped. Returns false at the end of the table. However the table changes between two calls,
  // the walk ends, and offers most elements that were there.
  class Offered {
   public:
    Offered(Segment* segment, uint64_t& word) : home_(segment->bucket(segment->HomeOf(word))), word_(word) {}
    Element element() const { return ElementOf(word_); }
    Bucket* home() const { return home_; }
    void Put(Element now) { HomeEdit(home_).Store(word_, word_ ^ Pointer(element()) ^ Pointer(now)); }

   private:
    Bucket* const home_;
    uint64_t& word_;
  };
  template <class Move>
  bool Relocate(uint64_t* position, Move&& move);

  // Removes the element with this key and returns it; nullptr if there is none.
  Element Remove(Bytes key, uint64_t hash) {
    const Place place = Locate(key, hash);
    if (place.element != nullptr) Remove(place);
    return place.element;
  }
  // REQUIRES: place.element is in the table.
  void Remove(const Place& place);

  // An element whose hash has the same top 48 bits, or nullptr.
  Element FindPosition(uint64_t hash) const;

  // ---- With Policy::kExpires ----------------------------------------------------------------------------------------

  // How many elements have an expiry.
  size_t expiring() const { return expiry_.expiring(); }
  // The element's expiry has been changed in place, from one time to another: it had one before and has one now.
  void ExpiryChanged(Element element, uint64_t hash) { ExpiryChanged(PlaceOf(element, hash)); }
  void ExpiryChanged(const Place& place);
  // When to call ExpireSome next; at once if that is past; INT64_MAX: never. It is no later than the soonest expiry,
  // except for rounding, by 2 millionths of the time between that and the first expiry in its segment. It may be
  // earlier, by less the nearer it is.
  int64_t SoonestMs() const { return expiry_.SoonestMs(); }
  // The soonest of some elements that expire first, nullptr if none has an expiry. It is as good as exact when the time
  // is near.
  Element Soonest();
  // Calls expire(element) for elements that are due at `now_ms`, and visits about `max_visits` elements. `expire` must
  // remove the element from this table. It may look into this and other tables, and remove or change other elements,
  // which this call then does not expire. It must not call ExpireSome of this table. Returns true if more may be due.
  // After false none is, except for rounding as in SoonestMs.
  template <class Expire>
  bool ExpireSome(int64_t now_ms, size_t max_visits, Expire&& expire);
  // Visits those elements of one home that have an expiry: at least one, unless the whole table has none. A hand goes
  // round the segments that have any, and takes a home at random. `visit` must not change the table.
  template <class Visit>
  void SampleExpiring(base::Random& random, Visit&& visit);
  // A random element that has an expiry, each with the same chance over some draws; nullptr if none has. It reads the
  // slots of a whole segment, 8 to 16 KB: if one element in ten or more has an expiry, trying Random is cheaper.
  Element RandomExpiring(base::Random& random);

  // -------------------------------------------------------------------------------------------------------------------

  // Fetches what a later Find, Insert or Remove of this hash will read. Each stage needs the result of the one before:
  // 0 the directory's word; 1 the home bucket; 2 the elements there that have the tag.
  void Prefetch(uint64_t hash, int stage) const;

  // Visits the elements of one home bucket from position `cursor` on, at first 0. Returns the next position, 0 at the
  // end. `visit` must not change the table.
  template <class Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;

  // A random element, each with about the same chance, or nullptr in an empty table.
  Element Random(base::Random& random) const;

  // Visits the elements, up to 7, of the physical bucket at a position or, if that is empty, of the next one that is
  // not. Returns how many were visited: 0 only if a long stretch is empty. Over all hashes each element has about the
  // same chance. `visit` must not change the table.
  template <class Visit>
  size_t SampleBucket(uint64_t hash, Visit&& visit) const;

  // Visits every element; `visit` may free the element.
  template <class Visit>
  void ForEach(Visit&& visit) const {
    ForEachSegment([&](SegmentWord at) { at.segment()->ForEachWord([&](uint64_t word) { visit(ElementOf(word)); }); });
  }

  // Forgets every element and gives back the memory.
  void Clear() {
    FreeSegments();
    size_ = 0;
  }

  // Forgets up to `max_elements` elements from the front and gives back memory on the way; `visit` is called for each
  // and may free it. Returns true when nothing is left. Between calls only this, size, memory and Clear may be called,
  // so Swap the table with an empty one first.
  template <class Visit>
  bool FreeSome(size_t max_elements, Visit&& visit);

  void Swap(HashTable& other) {
    std::swap(policy_, other.policy_);
    std::swap(arena_, other.arena_);
    directory_.Swap(other.directory_);
    std::swap(size_, other.size_);
    std::swap(segment_bytes_, other.segment_bytes_);
    std::swap(front_, other.front_);
    std::swap(front_bucket_, other.front_bucket_);
    if constexpr (kExpires) {
      for (HashTable* table : {this, &other}) {
        if (table->expiry_.batch != nullptr) table->expiry_.batch->size = 0;
      }
      std::swap(expiry_, other.expiry_);
      std::swap(expiry_.batch, other.expiry_.batch);  // a running ExpireSome stays with its table object
    }
  }

 private:
  friend class TableInspector;
  struct NoExpiries {};
  using Expiries = std::conditional_t<kExpires, ExpiryIndex, NoExpiries>;

  struct Found {
    uint64_t* place;  // nullptr: not found, or in the overflow chain, whose nodes may be freed at any time
    uint64_t word;
  };

  static uint64_t Pointer(Element element) { return reinterpret_cast<uintptr_t>(element); }
  static Element ElementOf(uint64_t word) { return reinterpret_cast<Element>(PointerOf(word)); }
  // The position of the first tag of a home. REQUIRES: it is not the segment's first home.
  static uint64_t PositionOf(uint64_t hash, SegmentWord at, int home) {
    LARDER_DCHECK(home > 0 && home < at.buckets());
    const uint64_t prefix = hash & ~(~uint64_t{0} >> at.depth());
    return (prefix | static_cast<uint64_t>(FirstTagOf(home, at.buckets())) << (48 - at.depth())) >>
           (64 - kPositionBits);
  }
  // The first hash after a segment's; 0 after the last one.
  static uint64_t NextSegment(uint64_t hash, int depth) {
    return depth == 0 ? 0 : (hash | (~uint64_t{0} >> depth)) + 1;
  }

  static Found FindIn(Bucket* bucket, uint32_t tag, Bytes key) {
    for (SlotSet set = TagMatcher::WithTag(*bucket, tag); !set.empty(); set.RemoveFirst()) {
      const uint64_t word = bucket->words[set.first()];
      if (PointerOf(word) == 0) continue;
      // Most elements reach into a second line, which the caller will read: both lines are fetched together.
      __builtin_prefetch(reinterpret_cast<const char*>(PointerOf(word)) + kLineBytes);
      if (Policy::Matches(ElementOf(word), key)) [[likely]] return {&bucket->words[set.first()], word};
    }
    return {nullptr, 0};
  }
  static Found FindPlace(SegmentWord at, Bytes key, uint64_t hash) {
    const uint32_t tag = at.TagOf(hash);
    const int home = HomeOf(tag, at.buckets());
    Bucket* bucket = at.segment()->bucket(home);
    const Found found = FindIn(bucket, tag, key);
    if (found.place != nullptr || !AnyElsewhere(bucket->words[0])) return found;
    return FindElsewhere(at, home, tag, key);
  }
  static Found FindElsewhere(SegmentWord at, int home, uint32_t tag, Bytes key);

  // The present segment of a place.
  SegmentWord Current(const Place& place) const {
    return place.changes == directory_.changes() ? place.at : directory_.Lookup(place.hash);
  }
  // The present slot of a place's element. `at`: Current(place).
  uint64_t* SlotOf(const Place& place, SegmentWord at) const {
    const uint64_t word = PackSlot(at.TagOf(place.hash), Marked(place.element));
    const bool known = place.slot != nullptr && place.changes == directory_.changes();
    if (known && *place.slot == word) [[likely]] return place.slot;  // else it has moved within its segment
    return at.segment()->Locate(word);
  }
  static void StoreElement(SegmentWord at, uint64_t hash, uint64_t* slot, Element now) {
    const uint32_t tag = at.TagOf(hash);
    HomeEdit(at.segment()->bucket(HomeOf(tag, at.buckets()))).Store(*slot, PackSlot(tag, Marked(now)));
  }

  template <class Visit>
  void ForEachSegment(Visit&& visit) const {
    uint64_t hash = front_;
    do {
      const SegmentWord at = directory_.Lookup(hash);
      if (at.empty()) return;
      hash = NextSegment(hash, at.depth());
      visit(at);
    } while (hash != 0);
  }
  static int64_t ExpiryOf([[maybe_unused]] Element element) {
    if constexpr (kExpires) return Policy::ExpiryMs(element);
    return kNoExpiry;
  }
  static uint64_t Marked(Element element) {
    return Pointer(element) | (ExpiryOf(element) != kNoExpiry ? kExpiringMark : 0);
  }
  void NoteArrival(Element element, SegmentWord at, uint64_t hash) {
    const int64_t expiry_ms = ExpiryOf(element);
    if (expiry_ms != kNoExpiry) expiry_.Add(at.segment(), HomeOf(at.TagOf(hash), at.buckets()), expiry_ms);
  }
  void NoteDeparture(Element element, Segment* segment) {
    if (ExpiryOf(element) == kNoExpiry) return;
    expiry_.Drop(segment);
    if (expiry_.batch != nullptr) expiry_.batch->Strike(Pointer(element));
  }
  // Takes due elements out of the index until the batch is full. Returns how many were visited.
  int64_t CollectDue(Segment* segment, int64_t now_ms, uint32_t due, int64_t max_visits, DueBatch* batch);
  int64_t CollectDueOfHome(Segment* segment, int home, int64_t now_ms, DueBatch* batch);
  void PrefetchDue(const Segment* segment, int first, int end, uint32_t due) const;
  // Sets the code of a home from its elements and returns the soonest of them, nullptr if none expires.
  Element MendHome(Segment* segment, int home);

  // The facts about an element that a change of shape needs.
  static Elements::Facts Read(const void* policy, uint64_t word) {
    return {static_cast<const Policy*>(policy)->Hash(ElementOf(word)),
            (word & kExpiringMark) != 0 ? ExpiryOf(ElementOf(word)) : kNoExpiry};
  }
  Elements ToRead() {
    ExpiryIndex* expiry = nullptr;
    if constexpr (kExpires) expiry = &expiry_;
    return {expiry, &policy_, Read};
  }
  void FreeSegments();

  Policy policy_;
  [[no_unique_address]] Expiries expiry_;
  uint64_t front_ = 0;    // FreeSome: hashes before this are gone
  int front_bucket_ = 0;  // FreeSome: buckets before this of the segment at front_ are gone
};

template <class Policy, class TagMatcher>
__attribute__((noinline)) typename HashTable<Policy, TagMatcher>::Found HashTable<Policy, TagMatcher>::FindElsewhere(
    SegmentWord at, int home, uint32_t tag, Bytes key) {
  Segment* segment = at.segment();
  const uint64_t metadata = segment->bucket(home)->words[0];
  if (NextCount(metadata) != 0) {
    const Found found = FindIn(segment->bucket(home + 1 == at.buckets() ? 0 : home + 1), tag, key);
    if (found.place != nullptr) return found;
  }
  const unsigned stashed = StashedCount(metadata);
  if (stashed == 0) return {nullptr, 0};
  for (int i = 0; i < StashOf(at.buckets()); ++i) {
    const Found found = FindIn(segment->bucket(at.buckets() + i), tag, key);
    if (found.place != nullptr) return found;
  }
  if (stashed != kSpilled) return {nullptr, 0};
  for (OverflowNode* node = segment->overflow(); node != nullptr; node = node->next) {
    for (uint64_t i = 0; i < node->count; ++i) {
      const uint64_t word = node->words[i];
      if (TagOf(word) == tag && Policy::Matches(ElementOf(word), key)) return {nullptr, word};
    }
  }
  return {nullptr, 0};
}

template <class Policy, class TagMatcher>
bool HashTable<Policy, TagMatcher>::Insert(Element element, const Place& place) {
  LARDER_DCHECK(element != nullptr && ElementOf(Pointer(element)) == element && front_ == 0);
  const uint64_t hash = place.hash;
  for (SegmentWord at = Current(place);; at = directory_.Lookup(hash)) {
    if (at.empty()) {
      if (!MakeFirst(kExpires)) return false;
      continue;
    }
    const uint64_t word = PackSlot(at.TagOf(hash), Marked(element));
    if (!at.segment()->Place(word)) {
      const Room room = MakeRoom(hash, at, ToRead());
      if (room == Room::kNone) return false;
      if (room == Room::kMade) continue;
      if (!Spill(at.segment(), word)) return false;
    }
    if constexpr (kExpires) NoteArrival(element, at, hash);
    break;
  }
  ++size_;
  return true;
}

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::Remove(const Place& place) {
  LARDER_DCHECK(place.element != nullptr && size_ != 0 && front_ == 0);
  const SegmentWord at = Current(place);
  LARDER_CHECK(!at.empty());
  Segment* segment = at.segment();
  uint64_t* const slot = SlotOf(place, at);
  if (segment->spilled() == 0) {
    segment->Erase(arena_, slot);
  } else {
    const size_t before = segment->footprint();
    segment->Erase(arena_, slot);
    segment_bytes_ -= before - segment->footprint();
  }
  if constexpr (kExpires) NoteDeparture(place.element, segment);
  if (--size_ == 0) {
    FreeSegments();
  } else if (segment->live() < segment->shrink_below()) {
    Shrink(place.hash, ToRead());
  }
}

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::Prefetch(uint64_t hash, int stage) const {
  // Without this gcc 12 thinks that a function which only prefetches has no effect, and drops the calls.
  __asm__ volatile("");
  if (stage == 0) {
    __builtin_prefetch(directory_.WordAddress(hash));
    return;
  }
  const SegmentWord at = directory_.Lookup(hash);
  if (at.empty()) return;
  const uint32_t tag = at.TagOf(hash);
  const Bucket* bucket = at.segment()->bucket(HomeOf(tag, at.buckets()));
  if (stage == 1) {
    __builtin_prefetch(bucket);
    return;
  }
  for (SlotSet set = TagMatcher::WithTag(*bucket, tag); !set.empty(); set.RemoveFirst()) {
    const char* element = reinterpret_cast<const char*>(PointerOf(bucket->words[set.first()]));
    __builtin_prefetch(element);
    __builtin_prefetch(element + kLineBytes);
  }
}

template <class Policy, class TagMatcher>
void HashTable<Policy, TagMatcher>::FreeSegments() {
  ForEachSegment([this](SegmentWord at) { FreeSegment(at.segment()); });
  directory_.Free();
  if constexpr (kExpires) expiry_.Forget();
  front_ = 0;
  front_bucket_ = 0;
  LARDER_DCHECK(segment_bytes_ == 0);
}

}  // namespace larder::inline v0::ds

#include "lib/ds/hash_table_expiry.h"
#include "lib/ds/hash_table_visit.h"

#endif  // LARDER_DS_HASH_TABLE_H_
