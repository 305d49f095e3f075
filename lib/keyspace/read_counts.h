// Counts of hits, misses and typed calls. No thread writes a cache line that others write.
//
// The executor's holder counts in a slot of its own, by plain additions, as one thread at a time is the holder. A
// thread that reads beside the executor claims a slot once, by a compare-and-swap, and has it to itself, on a line of
// its own. There are few slots: a thread that gets none goes through the executor. A slot is never given back, since
// nobody tells when a thread ends. The system uses a thread's identity again, and the next thread that has it goes on
// with the slot.
//
// A sum may only miss counts of reads that run at that moment. Reset does not write to slots of threads: it keeps the
// sums so far, and later sums are without them.
//
// Threads: OfThread and a slot's Count are for the slot's own thread.
#ifndef LARDER_KEYSPACE_READ_COUNTS_H_
#define LARDER_KEYSPACE_READ_COUNTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/base/holder.h"

namespace larder::inline v0::keyspace {

struct ReadCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t typed_calls = 0;
};

class CountedReads {
 public:
  static constexpr size_t kSlots = 16;

  // The counts of one thread.
  class alignas(64) Slot {
   public:
    // Counts a typed read that went beside the executor. Only one thread writes, so a load and a store make an
    // addition.
    void Count(bool found) {
      Add(found ? hits_ : misses_);
      Add(typed_calls_);
    }

   private:
    friend class CountedReads;
    static void Add(std::atomic<uint64_t>& counter) {
      counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::atomic<uintptr_t> thread_{0};  // the slot's thread; 0: none
    std::atomic<uint64_t> hits_{0};
    std::atomic<uint64_t> misses_{0};
    std::atomic<uint64_t> typed_calls_{0};
  };

  // The slot of a thread; nullptr if none is left. `thread` is not 0, and no other running thread has the same.
  Slot* OfThread(uintptr_t thread) {
    LARDER_DCHECK(thread != 0);
    // The search begins at a hash, for threads' identities are addresses, which end in zeros.
    const size_t first = static_cast<size_t>((static_cast<uint64_t>(thread) * 0x9e3779b97f4a7c15) >> 60);
    static_assert(kSlots == 16);
    for (size_t i = 0; i < kSlots; ++i) {
      Slot& slot = slots_[(first + i) % kSlots];
      uintptr_t owner = slot.thread_.load(std::memory_order_relaxed);
      if (owner == thread) return &slot;
      if (owner == 0 && slot.thread_.compare_exchange_strong(owner, thread, std::memory_order_relaxed)) return &slot;
    }
    return nullptr;
  }

  // The counts of the executor's holder.
  ReadCounts& holder() LARDER_REQUIRES_HOLDER { return holder_; }

  // The sum of all counts since the last Reset.
  ReadCounts Sum() const LARDER_REQUIRES_HOLDER {
    ReadCounts sum = All();
    LARDER_DCHECK(sum.hits >= base_.hits && sum.misses >= base_.misses && sum.typed_calls >= base_.typed_calls);
    sum.hits -= base_.hits;
    sum.misses -= base_.misses;
    sum.typed_calls -= base_.typed_calls;
    return sum;
  }
  void Reset() LARDER_REQUIRES_HOLDER { base_ = All(); }

 private:
  ReadCounts All() const LARDER_REQUIRES_HOLDER {
    ReadCounts all = holder_;
    for (const Slot& slot : slots_) {
      all.hits += slot.hits_.load(std::memory_order_relaxed);
      all.misses += slot.misses_.load(std::memory_order_relaxed);
      all.typed_calls += slot.typed_calls_.load(std::memory_order_relaxed);
    }
    return all;
  }

  ReadCounts holder_ LARDER_GUARDED_BY_HOLDER;
  ReadCounts base_ LARDER_GUARDED_BY_HOLDER;
  Slot slots_[kSlots];
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_READ_COUNTS_H_
