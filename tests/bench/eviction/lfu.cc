// LFU with Redis's counter, as redis.conf describes it, at lfu-log-factor 10 and lfu-decay-time 1; the key with the
// lowest counter goes, among equal ones the least recent.
//
//   A use raises the counter (8 bits) with a chance of 1 / ((counter - 5) * 10 + 1), every minute without a use lowers
//   it by 1, a new key starts at 5.
//
// The true minimum at any time, without visiting every key: while it does not reach 0, counter + (minute of the last
// use) orders keys in the same way at all times, so a key stays in the list of that sum until it is used again. Keys
// are appended when they are used, so each list is in order of use. A list whose sum is the present minute has come
// down to 0 and is merged, in order of use, into the list of zeros: once a minute.
#include <algorithm>

#include "lib/base/random.h"
#include "tests/bench/eviction/policy.h"

namespace larder::bench::eviction {
namespace {

constexpr uint32_t kNew = 5;
constexpr uint32_t kMost = 255;
constexpr double kLogFactor = 10;

class Lfu final : public Policy {
 public:
  Lfu(size_t keys, uint64_t capacity, uint64_t seed)
      : capacity_(capacity), lists_(keys), keys_(keys), random_(seed ^ 0x1f0) {}

  bool Get(const Request& request) override {
    BeMinute(static_cast<size_t>(request.now_ms / 60'000));
    Key& key = keys_[request.key];
    const bool hit = key.bytes != 0;
    uint32_t counter = kNew;
    if (hit) {
      counter = static_cast<uint32_t>(key.sum > minute_ ? key.sum - minute_ : 0);
      lists_.Remove(ListOf(key.sum), request.key);
      const double above = counter > kNew ? counter - kNew : 0;
      if (counter < kMost && random_.Unit() < 1 / (above * kLogFactor + 1)) ++counter;
    } else {
      while (used_ + request.bytes > capacity_) EvictOne();
      key.bytes = request.bytes;
      used_ += request.bytes;
    }
    key.sum = minute_ + counter;
    key.used = ++clock_;
    if (counter == 0) {
      lists_.PushBack(zeros_, request.key);
    } else {
      lists_.PushBack(ListOf(key.sum), request.key);
    }
    return hit;
  }

  uint64_t used() const override { return used_; }

 private:
  struct Key {
    uint32_t bytes = 0;  // 0: not there
    size_t sum = 0;      // the counter and the minute of the last use
    uint64_t used = 0;   // number of the last use
  };

  KeyLists::List& ListOf(size_t sum) { return sum <= minute_ ? zeros_ : sums_[sum - first_minute_]; }

  void BeMinute(size_t minute) {
    if (sums_.empty()) {
      first_minute_ = minute_ = minute;
      sums_.resize(kMost + 1);
    }
    while (minute_ < minute) {
      ++minute_;
      sums_.emplace_back();
      Merge(sums_[minute_ - first_minute_]);
    }
  }

  void Merge(KeyLists::List& list) {
    uint32_t at = zeros_.front;
    while (!list.empty()) {
      const uint32_t key = lists_.PopFront(list);
      while (at != KeyLists::kNone && keys_[at].used < keys_[key].used) at = lists_.next(at);
      lists_.InsertBefore(zeros_, at, key);
    }
  }

  void EvictOne() {
    KeyLists::List* list = &zeros_;
    if (zeros_.empty()) {
      size_t sum = minute_ + 1;
      while (sums_[sum - first_minute_].empty()) ++sum;
      list = &sums_[sum - first_minute_];
    }
    Key& key = keys_[lists_.PopFront(*list)];
    used_ -= key.bytes;
    key.bytes = 0;
  }

  uint64_t capacity_;
  uint64_t used_ = 0;
  KeyLists lists_;
  std::vector<Key> keys_;
  base::Random random_;
  std::vector<KeyLists::List> sums_;  // by sum - first_minute_
  KeyLists::List zeros_;
  size_t first_minute_ = 0;
  size_t minute_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace

std::unique_ptr<Policy> MakeLfu(size_t keys, uint64_t capacity, uint64_t seed) {
  return std::make_unique<Lfu>(keys, capacity, seed);
}

}  // namespace larder::bench::eviction
