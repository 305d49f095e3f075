// W-TinyLFU (Einziger, Friedman, Manes: "TinyLFU: a highly efficient cache admission policy", ACM TOS 2017): an LRU
// window of 1 % of the bytes; what leaves it enters the main part, a segmented LRU (a fifth on probation, the rest
// protected), only by beating the keys that must make room for it, as a sketch of recent frequencies has them.
//
// The sketch: 4 rows of 4-bit counters, halved after ten requests for each key that the cache can hold.
#include <algorithm>

#include "lib/base/random.h"
#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {
namespace {

class Sketch {
 public:
  Sketch(size_t cached_keys, uint64_t seed) : sample_(10 * cached_keys), seed_(seed) {
    while (width_ < cached_keys * 2) width_ *= 2;
    for (std::vector<uint8_t>& row : rows_) row.resize(width_);
  }

  void Add(uint32_t key) {
    const uint32_t least = Estimate(key);
    if (least < 15) {
      // Only the least ones: the others are known to count somebody else's uses too.
      for (size_t i = 0; i < 4; ++i) {
        uint8_t& counter = rows_[i][Column(i, key)];
        if (counter == least) ++counter;
      }
    }
    if (++added_ < sample_) return;
    added_ /= 2;
    for (std::vector<uint8_t>& row : rows_) {
      for (uint8_t& counter : row) counter /= 2;
    }
  }

  uint32_t Estimate(uint32_t key) const {
    uint32_t least = 15;
    for (size_t i = 0; i < 4; ++i) least = std::min<uint32_t>(least, rows_[i][Column(i, key)]);
    return least;
  }

 private:
  size_t Column(size_t row, uint32_t key) const {
    return base::Random(seed_ + row * 0x100000000u + key).Next() & (width_ - 1);
  }

  size_t sample_;
  uint64_t seed_;
  size_t width_ = 64;
  size_t added_ = 0;
  std::vector<uint8_t> rows_[4];
};

class TinyLfu final : public Policy {
 public:
  // The sketch's size comes from what a cache of mean payloads would hold: 100 B is near enough for all traces.
  TinyLfu(size_t keys, uint64_t capacity, uint64_t seed)
      : capacity_(capacity), lists_(keys), keys_(keys), sketch_(std::max<size_t>(capacity / 100, 1), seed ^ 0x71f) {}

  bool Get(const Request& request) override {
    sketch_.Add(request.key);
    Key& key = keys_[request.key];
    if (key.where != kAway) {
      Use(request.key);
      return true;
    }
    key.bytes = request.bytes;
    Enter(kWindow, request.key);
    while (segments_[kWindow].bytes > capacity_ / 100) {
      const uint32_t candidate = segments_[kWindow].order.front;
      Leave(candidate);
      Enter(kProbation, candidate);
      MakeRoom(candidate);
    }
    // The window may have had room to grow into where main had taken it all.
    while (used() > capacity_) {
      Leave(segments_[segments_[kProbation].order.empty() ? kProtected : kProbation].order.front);
    }
    return false;
  }

  uint64_t used() const override {
    return segments_[kWindow].bytes + segments_[kProbation].bytes + segments_[kProtected].bytes;
  }

 private:
  enum Where : uint8_t { kWindow, kProbation, kProtected, kAway };
  struct Key {
    Where where = kAway;
    uint32_t bytes = 0;
  };
  struct Segment {
    KeyLists::List order;  // least recent in front
    uint64_t bytes = 0;
  };

  void Enter(Where where, uint32_t key) {
    keys_[key].where = where;
    lists_.PushBack(segments_[where].order, key);
    segments_[where].bytes += keys_[key].bytes;
  }

  void Leave(uint32_t key) {
    Segment& segment = segments_[keys_[key].where];
    lists_.Remove(segment.order, key);
    segment.bytes -= keys_[key].bytes;
    keys_[key].where = kAway;
  }

  void Use(uint32_t key) {
    const Where to = keys_[key].where == kWindow ? kWindow : kProtected;
    Leave(key);
    Enter(to, key);
    while (segments_[kProtected].bytes > capacity_ * 99 / 100 * 8 / 10) {
      const uint32_t demoted = segments_[kProtected].order.front;
      Leave(demoted);
      Enter(kProbation, demoted);
    }
  }

  // The candidate stands last on probation. It goes unless it is asked for more often than whoever would have to.
  void MakeRoom(uint32_t candidate) {
    while (used() > capacity_) {
      uint32_t victim = segments_[kProbation].order.front;
      if (victim == candidate && !segments_[kProtected].order.empty()) victim = segments_[kProtected].order.front;
      const bool wins = victim != candidate && sketch_.Estimate(candidate) > sketch_.Estimate(victim);
      Leave(wins ? victim : candidate);
      if (!wins) return;
    }
  }

  uint64_t capacity_;
  KeyLists lists_;
  std::vector<Key> keys_;
  Sketch sketch_;
  Segment segments_[3];
};

}  // namespace

std::unique_ptr<Policy> MakeTinyLfu(size_t keys, uint64_t capacity, uint64_t seed) {
  return std::make_unique<TinyLfu>(keys, capacity, seed);
}

}  // namespace larder::bench::eviction
