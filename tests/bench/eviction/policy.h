// What every simulated cache is to the simulator, and the list that the exact policies are made of.
#ifndef LARDER_TESTS_BENCH_EVICTION_POLICY_H_
#define LARDER_TESTS_BENCH_EVICTION_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "lib/base/check.h"

namespace larder::bench::eviction {

struct Request {
  uint32_t key = 0;
  uint32_t bytes = 0;          // payload; the same whenever the key is asked for
  int64_t now_ms = 0;
  size_t next_use = SIZE_MAX;  // index of the key's next request: only Belady may look
};

class Policy {
 public:
  virtual ~Policy() = default;
  // Asks for a key; one that is missing is stored, and others are evicted until the payload fits the capacity again.
  // Returns whether it was there. REQUIRES: bytes <= capacity.
  virtual bool Get(const Request& request) = 0;
  // Payload held.
  virtual uint64_t used() const = 0;
};

// A doubly linked list of keys over shared arrays: a key is in at most one list of a set. Front is the oldest.
class KeyLists {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit KeyLists(size_t keys) : links_(keys) {}

  struct List {
    uint32_t front = kNone;
    uint32_t back = kNone;
    size_t size = 0;
    bool empty() const { return size == 0; }
  };

  uint32_t next(uint32_t key) const { return links_[key].next; }

  void PushBack(List& list, uint32_t key) { InsertBefore(list, kNone, key); }

  // Before `at`, at the end if that is kNone.
  void InsertBefore(List& list, uint32_t at, uint32_t key) {
    const uint32_t previous = at == kNone ? list.back : links_[at].previous;
    links_[key] = {previous, at};
    (previous == kNone ? list.front : links_[previous].next) = key;
    (at == kNone ? list.back : links_[at].previous) = key;
    ++list.size;
  }

  void Remove(List& list, uint32_t key) {
    LARDER_CHECK(list.size != 0);
    const auto [previous, next] = links_[key];
    (previous == kNone ? list.front : links_[previous].next) = next;
    (next == kNone ? list.back : links_[next].previous) = previous;
    --list.size;
  }

  uint32_t PopFront(List& list) {
    const uint32_t key = list.front;
    Remove(list, key);
    return key;
  }

 private:
  struct Link {
    uint32_t previous = kNone;
    uint32_t next = kNone;
  };
  std::vector<Link> links_;
};

// The exact policies, each in its file. `keys` is how many different keys there are.
std::unique_ptr<Policy> MakeLru(size_t keys, uint64_t capacity);
std::unique_ptr<Policy> MakeLfu(size_t keys, uint64_t capacity, uint64_t seed);
std::unique_ptr<Policy> MakeS3Fifo(size_t keys, uint64_t capacity, bool fill_main = true);
std::unique_ptr<Policy> MakeTinyLfu(size_t keys, uint64_t capacity, uint64_t seed);
std::unique_ptr<Policy> MakeBelady(size_t keys, uint64_t capacity);

}  // namespace larder::bench::eviction

#endif  // LARDER_TESTS_BENCH_EVICTION_POLICY_H_
