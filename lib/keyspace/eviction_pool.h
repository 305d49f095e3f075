// EvictionPool: the best candidates for eviction among recently sampled entries.
//
// The pool knows an entry by its hash: entries move and go while the pool has them. So a candidate is looked up again
// before it is evicted, and taken only if it has not been used since. The candidate with the lowest `order` goes first.
// An order must not change with time, so that candidates seen at different times compare.
//
// 16 places are enough to keep the surplus of a good bucket for the next evictions. Costs: 16 compares.
#ifndef LARDER_KEYSPACE_EVICTION_POOL_H_
#define LARDER_KEYSPACE_EVICTION_POOL_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"

namespace larder::inline v0::keyspace {

class EvictionPool {
 public:
  struct Candidate {
    uint64_t order = 0;   // the lowest goes first
    uint64_t hash = 0;
    uint32_t access = 0;  // its access data when it was sampled
    int db = 0;
  };
  static constexpr size_t kPlaces = 16;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  void Clear() { size_ = 0; }

  // Whether a candidate of this order would be kept.
  bool Wants(uint64_t order) const { return size_ < kPlaces || order < places_[0].order; }

  // A candidate that is in the pool already gets its new order.
  void Add(const Candidate& candidate) {
    for (size_t i = 0; i < size_; ++i) {
      if (places_[i].hash != candidate.hash || places_[i].db != candidate.db) continue;
      RemoveAt(i);
      break;
    }
    if (!Wants(candidate.order)) return;
    if (size_ == kPlaces) RemoveAt(0);
    size_t at = size_++;
    for (; at > 0 && places_[at - 1].order < candidate.order; --at) places_[at] = places_[at - 1];
    places_[at] = candidate;
  }

  // REQUIRES: !empty().
  Candidate PopBest() {
    LARDER_DCHECK(!empty());
    return places_[--size_];
  }
  const Candidate& best() const {
    LARDER_DCHECK(!empty());
    return places_[size_ - 1];
  }

 private:
  void RemoveAt(size_t at) {
    LARDER_DCHECK(at < size_ && size_ <= kPlaces);
    --size_;
    for (; at < size_; ++at) places_[at] = places_[at + 1];
  }

  Candidate places_[kPlaces];  // the best is the last
  size_t size_ = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EVICTION_POOL_H_
