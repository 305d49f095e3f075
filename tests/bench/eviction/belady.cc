// Belady's: the key whose next use is furthest away goes, and that may be the new one. With equal sizes nothing can do
// better; with mixed sizes it is greedy, and a bound in practice only.
#include <queue>
#include <utility>

#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {
namespace {

class Belady final : public Policy {
 public:
  Belady(size_t keys, uint64_t capacity) : capacity_(capacity), keys_(keys) {}

  bool Get(const Request& request) override {
    Key& key = keys_[request.key];
    const bool hit = key.bytes != 0;
    if (!hit) {
      key.bytes = request.bytes;
      used_ += request.bytes;
    }
    key.next_use = request.next_use;
    furthest_.emplace(request.next_use, request.key);
    while (used_ > capacity_) {
      const auto [next_use, furthest] = furthest_.top();
      furthest_.pop();
      Key& leaving = keys_[furthest];
      // An entry of the heap is void once its key was used again or left.
      if (leaving.bytes == 0 || leaving.next_use != next_use) continue;
      used_ -= leaving.bytes;
      leaving.bytes = 0;
    }
    return hit;
  }

  uint64_t used() const override { return used_; }

 private:
  struct Key {
    uint32_t bytes = 0;  // 0: not there
    size_t next_use = 0;
  };
  uint64_t capacity_;
  uint64_t used_ = 0;
  std::vector<Key> keys_;
  std::priority_queue<std::pair<size_t, uint32_t>> furthest_;
};

}  // namespace

std::unique_ptr<Policy> MakeBelady(size_t keys, uint64_t capacity) { return std::make_unique<Belady>(keys, capacity); }

}  // namespace larder::bench::eviction
