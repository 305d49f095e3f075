// LRU: the key that was not asked for the longest goes.
#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {
namespace {

class Lru final : public Policy {
 public:
  Lru(size_t keys, uint64_t capacity) : capacity_(capacity), lists_(keys), bytes_(keys) {}

  bool Get(const Request& request) override {
    const bool hit = bytes_[request.key] != 0;
    if (hit) {
      lists_.Remove(order_, request.key);
    } else {
      bytes_[request.key] = request.bytes;
      used_ += request.bytes;
    }
    lists_.PushBack(order_, request.key);
    while (used_ > capacity_) {
      const uint32_t oldest = lists_.PopFront(order_);
      used_ -= bytes_[oldest];
      bytes_[oldest] = 0;
    }
    return hit;
  }

  uint64_t used() const override { return used_; }

 private:
  uint64_t capacity_;
  uint64_t used_ = 0;
  KeyLists lists_;
  KeyLists::List order_;         // least recent in front
  std::vector<uint32_t> bytes_;  // by key, 0: not there
};

}  // namespace

std::unique_ptr<Policy> MakeLru(size_t keys, uint64_t capacity) { return std::make_unique<Lru>(keys, capacity); }

}  // namespace larder::bench::eviction
