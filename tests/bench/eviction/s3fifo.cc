// S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023), after its
// Algorithm 1: a small queue of a tenth of the bytes for new keys, a main queue, and a ghost that remembers as many
// evicted keys as main holds. Counters of 2 bits, raised by hits, 0 for a new key and for one that moves to main.
//
// One rule can be added: while nothing has been evicted yet, a new key that small has no room for starts in main. By
// the algorithm as printed all keys wait in small until the cache is full, and then most of them go at once.
#include <algorithm>

#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {
namespace {

class S3Fifo final : public Policy {
 public:
  S3Fifo(size_t keys, uint64_t capacity, bool fill_main)
      : capacity_(capacity), filling_main_(fill_main), lists_(keys), keys_(keys) {}

  bool Get(const Request& request) override {
    Key& key = keys_[request.key];
    if (key.where == kSmall || key.where == kMain) {
      key.uses = static_cast<uint8_t>(std::min(key.uses + 1, 3));
      return true;
    }
    while (used() + request.bytes > capacity_) {
      filling_main_ = false;
      if (small_bytes_ >= capacity_ / 10) {
        EvictSmall();
      } else {
        EvictMain();
      }
    }
    // The evictions may have pushed it out of the ghost.
    const bool known = key.where == kGhost;
    if (known) lists_.Remove(ghost_, request.key);
    const bool main = known || (filling_main_ && small_bytes_ >= capacity_ / 10);
    key = {main ? kMain : kSmall, 0, request.bytes};
    lists_.PushBack(main ? main_ : small_, request.key);
    (main ? main_bytes_ : small_bytes_) += request.bytes;
    return false;
  }

  uint64_t used() const override { return small_bytes_ + main_bytes_; }

 private:
  enum Where : uint8_t { kAway, kSmall, kMain, kGhost };
  struct Key {
    Where where = kAway;
    uint8_t uses = 0;
    uint32_t bytes = 0;
  };

  void EvictSmall() {
    while (!small_.empty()) {
      const uint32_t at = lists_.PopFront(small_);
      Key& key = keys_[at];
      small_bytes_ -= key.bytes;
      if (key.uses <= 1) {
        Remember(at);
        return;
      }
      key.uses = 0;
      key.where = kMain;
      lists_.PushBack(main_, at);
      main_bytes_ += key.bytes;
      if (main_bytes_ > capacity_ - capacity_ / 10) EvictMain();
    }
  }

  void EvictMain() {
    while (!main_.empty()) {
      const uint32_t at = lists_.PopFront(main_);
      Key& key = keys_[at];
      if (key.uses == 0) {
        main_bytes_ -= key.bytes;
        key.where = kAway;
        return;
      }
      --key.uses;
      lists_.PushBack(main_, at);
    }
    EvictSmall();
  }

  void Remember(uint32_t at) {
    keys_[at].where = kGhost;
    lists_.PushBack(ghost_, at);
    while (ghost_.size > std::max<size_t>(main_.size, 1)) keys_[lists_.PopFront(ghost_)].where = kAway;
  }

  uint64_t capacity_;
  bool filling_main_;
  uint64_t small_bytes_ = 0;
  uint64_t main_bytes_ = 0;
  KeyLists lists_;
  std::vector<Key> keys_;
  KeyLists::List small_, main_, ghost_;  // oldest in front
};

}  // namespace

std::unique_ptr<Policy> MakeS3Fifo(size_t keys, uint64_t capacity, bool fill_main) {
  return std::make_unique<S3Fifo>(keys, capacity, fill_main);
}

}  // namespace larder::bench::eviction
