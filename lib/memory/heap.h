// Heap: all the memory of one cache: its source, its arena, and the blocks of its large values.
//
//     a block's footprint    comes from               made by        freed
//     up to 16 KB            the arena                the holder     Unref: by the arena's list of returns
//     to 1 MB + 64 KB        the page heap            any thread     at once, under a mutex
//     above                  the source, by itself    any thread     UnrefHeld: in slices, by Maintain
//                                                                    Unref: at once, on that thread
//
// A block's footprint is rounded up to its place (a size class, pages), and all of it is the block's capacity. The
// rounded footprint is what is counted.
//
// The end. A cache may be closed while values of it are pinned. Close() then leaves the heap to the pins: the last one
// to go, on its own thread, frees the heap with its chunks and its source. This costs nothing before Close: the holder
// knows how many blocks of the arena are out, and closes the list of returns. A pin that comes too late for the list
// counts itself off instead.
//
// Costs (2-core VM, tests/bench/arena_bench): values of 20 KB turn over at 0.48 us each, filling included (malloc
// 0.57), those of 200 KB at 10 us (malloc 13), those of 1 MB at 120 us (as malloc). Values of 5 MB take 3.6 ms (malloc
// 0.9), since they go back to the system at once and are faulted in anew, a page at a time. Huge pages for them were
// refused: 7.6 ms, because a discarded slice splits them.
//
// Threads: any, unless a comment says otherwise. "The holder" is the executor's.
#ifndef LARDER_MEMORY_HEAP_H_
#define LARDER_MEMORY_HEAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <larder/memory.h>
#include "lib/base/bio.h"
#include "lib/base/fork_page.h"
#include "lib/base/holder.h"
#include "lib/memory/arena.h"
#include "lib/memory/block.h"
#include "lib/memory/page_heap.h"
#include "lib/memory/reclaimer.h"

namespace larder::inline v0::memory {

class Heap {
 public:
  struct Closer {
    void operator()(Heap* heap) const { heap->Close(); }
  };
  using Ptr = std::unique_ptr<Heap, Closer>;
  // Returns nullptr if there is no memory. A null `source` means SystemMemory().
  static Ptr New(std::shared_ptr<MemorySource> source = nullptr);

  // Footprints up to this come from the arena.
  static constexpr size_t kArenaMax = kSmallMax;
  // Whether only the holder may call New for so many bytes.
  static constexpr bool NeedsHolder(size_t capacity) { return capacity <= kArenaMax - sizeof(Block); }

  // A block of `size` unset bytes with room for `capacity` (at least `size`) or more and one reference, or nullptr if
  // there is no memory. Any thread may call it, but only the holder if NeedsHolder(capacity).
  Block* New(size_t size, size_t capacity);

  // For compaction: replaces a block in a sparse run of the arena by a copy, and frees the block. It returns nullptr,
  // and nothing has changed, if the block is not in such a run, somebody else has a reference, or no fuller run has
  // room.
  Block* Move(Block* block) LARDER_REQUIRES_HOLDER;

  // Housekeeping between commands: frees the blocks that other threads returned. Then, for about `budget_ns`, frees
  // slices of dropped values and gives memory back. Returns whether there is more to do.
  bool Maintain(int64_t budget_ns) LARDER_REQUIRES_HOLDER;
  // The same when somebody needs memory of the source's: gives memory that is kept for reuse too.
  bool GiveBack(int64_t budget_ns) LARDER_REQUIRES_HOLDER;
  // Whether Maintain has something to do. A few loads.
  bool WantsMaintenance() const LARDER_REQUIRES_HOLDER {
    return arena_.has_returned() || !reclaimer_.empty() || arena_.WantsTrim() || pages_.WantsTrim();
  }
  // The part of Maintain that lowers used(): returned blocks count until then.
  size_t CollectReturned(size_t max = SIZE_MAX) LARDER_REQUIRES_HOLDER;

  // The largest block, of the arena's or others, that the source has refused since the last call of this; 0 if none.
  size_t TakeFailedBytes() LARDER_REQUIRES_HOLDER {
    const size_t large = refused_large_.exchange(0, std::memory_order_relaxed);
    const size_t small = arena_.TakeFailedBytes();
    return large > small ? large : small;
  }

  Arena& arena() LARDER_REQUIRES_HOLDER { return arena_; }
  const Arena& arena() const LARDER_REQUIRES_HOLDER { return arena_; }
  Reclaimer& reclaimer() LARDER_REQUIRES_HOLDER { return reclaimer_; }
  MemorySource& source() { return *source_; }

  // Blocks alive, including returned ones that the holder has not collected yet.
  size_t blocks() const LARDER_REQUIRES_HOLDER { return arena_blocks_ + large_blocks(); }
  size_t large_blocks() const { return shares_.load(std::memory_order_relaxed) - 1; }
  // The footprint of blocks beyond the arena, without those that wait to be reclaimed. Any thread may call it.
  size_t large_used() const { return large_used_.load(std::memory_order_relaxed); }
  // All bytes in use: the arena's and the large blocks'.
  size_t used() const LARDER_REQUIRES_HOLDER { return arena_.used() + large_used(); }
  // All bytes obtained from the source.
  size_t held() const LARDER_REQUIRES_HOLDER {
    return arena_.held() + pages_.held() + direct_held_.load(std::memory_order_relaxed);
  }
  // held() - used(): bytes never touched, free, in headers and tails, or waiting to be reclaimed.
  size_t free_bytes() const LARDER_REQUIRES_HOLDER { return held() - used(); }

  PageHeap& pages() { return pages_; }

  // `bio` frees blocks beyond the page heap if another thread than the holder drops them; if it has threads, the
  // holder's too. REQUIRES: it is called before the first New, or never; `bio` is finished before the heap is closed.
  void set_bio(base::Bio* bio) {
    bio->Ref();
    bio_ = bio;
  }
  // `page` tells whether this is a forked child. There blocks beyond the arena are neither made nor freed: threads that
  // do not exist there may hold the locks. REQUIRES: it is called before the first New, or never.
  void set_fork_page(base::ForkPage::Ptr page) { fork_page_ = std::move(page); }

 private:
  friend class Block;
  struct Doomed;     // a block above the page heap that is freed in slices
  struct DoomedJob;  // the same, by bio_

  explicit Heap(std::shared_ptr<MemorySource> source);
  ~Heap() {
    if (bio_ != nullptr) bio_->Unref();
  }
  void Close();
  void Drop(Block* block);
  void DropHeld(Block* block) LARDER_REQUIRES_HOLDER;
  void FreeLarge(Block* block);
  void DropShare();
  bool SubmitFree(Block* block);
  static bool FreeSome(Block* block, size_t* left, int64_t end_ns);

  bool Forked() const { return fork_page_ != nullptr && fork_page_->Forked(); }

  std::shared_ptr<MemorySource> source_;
  Arena arena_;
  PageHeap pages_;
  Reclaimer reclaimer_ LARDER_GUARDED_BY_HOLDER;
  base::Bio* bio_ = nullptr;
  base::ForkPage::Ptr fork_page_;
  size_t arena_blocks_ LARDER_GUARDED_BY_HOLDER = 0;  // made and not freed or collected yet
  alignas(64) std::atomic<size_t> large_used_{0};
  std::atomic<size_t> direct_held_{0};
  std::atomic<size_t> refused_large_{0};
  std::atomic<size_t> shares_{1};         // the owner, and each block beyond the arena; the last one deletes the heap
  std::atomic<int64_t> arena_pins_{0};    // after Close: how many blocks of the arena are still out
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_HEAP_H_
