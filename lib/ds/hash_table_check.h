// CheckInvariants: for tests, checks everything that must hold in a HashTable. It reads all of the table.
#ifndef LARDER_DS_HASH_TABLE_CHECK_H_
#define LARDER_DS_HASH_TABLE_CHECK_H_

#include <algorithm>

#include "lib/ds/hash_table.h"

namespace larder::inline v0::ds {

class TableInspector {
 public:
  // Returns nullptr, or the fault.
  template <class Table>
  static const char* Check(const Table& table) {
    if (table.front_ != 0) return "a table that is being freed";
    if (const char* broken = table.directory_.Broken()) return broken;
    if (table.directory_.Lookup(0).empty()) {
      return table.size_ == 0 && table.memory() == 0 ? nullptr : "a table without segments";
    }
    if constexpr (Table::kExpires) {
      if (const char* broken = CheckExpiry(table)) return broken;
    }
    size_t live = 0;
    size_t bytes = 0;
    uint64_t hash = 0;
    do {
      const SegmentWord at = table.directory_.Lookup(hash);
      const Segment& segment = *at.segment();
      live += segment.live();
      bytes += segment.footprint();
      if (const char* broken = CheckCounts(segment)) return broken;
      const uint64_t prefix = hash;
      bool tags_agree = true;
      segment.ForEachWord([&](uint64_t word) {
        const uint64_t its_hash = table.policy_.Hash(Table::ElementOf(word));
        const bool in_here = at.depth() == 0 || (its_hash ^ prefix) >> (64 - at.depth()) == 0;
        tags_agree = tags_agree && in_here && at.TagOf(its_hash) == TagOf(word);
      });
      if (!tags_agree) return "an element's tag or segment";
      hash = Table::NextSegment(hash, at.depth());
    } while (hash != 0);
    if (live != table.size_) return "the number of elements";
    if (table.size_ == 0) return "segments without elements";
    return bytes == table.segment_bytes_ ? nullptr : "bytes of the segments";
  }

  // The number of segments and the greatest depth, for tests that need to know that there were splits and merges.
  template <class Table>
  static std::pair<size_t, int> Form(const Table& table) {
    std::pair<size_t, int> form = {0, 0};
    table.ForEachSegment([&](SegmentWord at) {
      ++form.first;
      if (at.depth() > form.second) form.second = at.depth();
    });
    return form;
  }

 private:
  static const char* CheckCounts(const Segment& segment) {
    const int buckets = segment.buckets();
    const Shape shape = ShapeOf(segment.shape(), segment.expires());
    if (buckets != shape.buckets || segment.stash() != StashOf(buckets)) return "a segment's shape";
    unsigned next[256] = {};
    unsigned stashed[256] = {};
    bool spilled[256] = {};
    uint32_t live = 0;
    for (int i = 0; i < buckets + segment.stash(); ++i) {
      for (int slot = 1; slot <= kSlots; ++slot) {
        const uint64_t word = segment.bucket(i)->words[slot];
        if (word == 0) continue;
        if (PointerOf(word) == 0) return "a tag without a pointer";
        ++live;
        const int home = segment.HomeOf(word);
        if (i >= buckets) {
          ++stashed[home];
        } else if (i != home) {
          if (i != (home + 1) % buckets) return "an element neither at home nor next to it";
          ++next[home];
        }
      }
    }
    uint32_t in_chain = 0;
    for (const OverflowNode* node = segment.overflow(); node != nullptr; node = node->next) {
      const bool full = node->count == OverflowNode::kWords;
      if (node->count == 0 || (node != segment.overflow() && !full)) return "a chain's node";
      for (uint64_t i = 0; i < node->count; ++i) spilled[segment.HomeOf(node->words[i])] = true;
      in_chain += static_cast<uint32_t>(node->count);
    }
    if (in_chain != segment.spilled() || live + in_chain != segment.live()) return "a segment's elements";
    for (int i = 0; i < buckets; ++i) {
      const uint64_t metadata = segment.bucket(i)->words[0];
      if (NextCount(metadata) != next[i]) return "a count of elements in the next bucket";
      if (StashedCount(metadata) != (spilled[i] ? kSpilled : stashed[i])) return "a count of stashed elements";
    }
    return nullptr;
  }

  // The most that rounding adds to times that are less than half a year apart.
  static constexpr int64_t kRoundingMs = 1 << 15;

  // REQUIRES: ExpireSome does not run.
  template <class Table>
  static const char* CheckExpiry(const Table& table) {
    const ExpiryIndex& index = table.expiry_;
    size_t expiring = 0;
    size_t with_code = 0;
    size_t in_ring = 0;
    const char* broken = nullptr;
    table.ForEachSegment([&](SegmentWord at) {
      const Segment& segment = *at.segment();
      if (const char* here = CheckCodes(segment)) broken = here;
      uint32_t count = 0;
      segment.ForEachWord([&](uint64_t word) {
        const int64_t expiry_ms = Table::ExpiryOf(Table::ElementOf(word));
        if ((word & kExpiringMark) != (expiry_ms != Table::kNoExpiry ? kExpiringMark : 0)) broken = "an element's mark";
        if (expiry_ms == Table::kNoExpiry) return;
        ++count;
        const uint32_t code = CodeIn(segment.bucket(segment.HomeOf(word))->words[0]);
        if (code == 0) {
          broken = "a home without a code";
        } else if (segment.BaseMs() + MsOfCode(code) > std::max(expiry_ms, segment.BaseMs()) + kRoundingMs) {
          broken = "a home's code is too late";
        }
      });
      if (count != segment.timing.expiring) broken = "a segment's expiring elements";
      expiring += count;
      with_code += segment.timing.soonest != 0;
      in_ring += count != 0;
    });
    if (broken != nullptr) return broken;
    if (expiring != index.expiring()) return "the number of expiring elements";
    if (in_ring != index.in_ring()) return "the number in the ring";
    for (const Segment* segment = index.hand(); segment != nullptr;) {
      --in_ring;
      if (segment->expiry()->next->expiry()->previous != segment) return "the ring";
      segment = segment->expiry()->next == index.hand() ? nullptr : segment->expiry()->next;
    }
    if (in_ring != 0) return "how many are in the ring";
    size_t in_wheel = 0;
    if (const char* here = index.wheel().Broken(&in_wheel)) return here;
    return in_wheel == with_code ? nullptr : "how many are in the wheel";
  }

  static const char* CheckCodes(const Segment& segment) {
    uint32_t groups[SegmentExpiry::kGroups] = {};
    uint32_t soonest = 0;
    for (int i = 0; i < segment.buckets(); ++i) {
      const uint32_t code = CodeIn(segment.bucket(i)->words[0]);
      uint32_t& group = groups[i / SegmentExpiry::kHomes];
      group = EarlierCode(group, code);
      soonest = EarlierCode(soonest, code);
    }
    for (int i = 0; i < SegmentExpiry::kGroups; ++i) {
      if (groups[i] != segment.expiry()->groups[i]) return "a group's code";
    }
    if (segment.timing.soonest != soonest) return "a segment's code";
    return (segment.timing.slot != 0) == (soonest != 0) ? nullptr : "a segment's place in the wheel";
  }
};

template <class Policy, class TagMatcher>
const char* CheckInvariants(const HashTable<Policy, TagMatcher>& table) {
  return TableInspector::Check(table);
}

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_HASH_TABLE_CHECK_H_
