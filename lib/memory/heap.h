// Heap: all the memory of one cache: its source, its arena, and the blocks of its large values.
//
//     a block's footprint    comes from               made by        freed
//     up to 16 KB            the arena                the holder     Unref: by the arena's list of returns
//     to 1 MB + 64 KB        the page heap            any thread     at once, under a mutex
//     above                  the source, by itself    any thread     UnrefHeld: in slices, by Maintain
//                                                                    Unref: at once, on that thread
//
// What a block takes is rounded to what its place has (a size class, pages), and all of that is its capacity: counted
// is what is taken.
//
// The end. A cache may be closed while values of it are pinned. Close() then leaves the heap to the pins: the last one
// to go, on whatever thread, frees it, chunks, source and all. Nothing is counted on the way of a block for that: the
// holder knows how many blocks of the arena are out, and closes the list of returns; who comes too late for the list
// counts himself off instead.
//
// Costs (2-core VM, tests/bench/arena_bench): values of 20 KB turn over at 0.48 us each, filling included, malloc's at
// 0.57; of 200 KB 10 us, malloc 13; of 1 MB 120 us, as malloc; of 5 MB 3.6 ms, malloc 0.9, since those go back to the
// system at once and are faulted in anew, a page at a time. Huge pages for them were refused: 7.6 ms, because a slice
// that is discarded splits them.
//
// Threads: any, where nothing else is said; "the holder" is the executor's.
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
  // nullptr when there is no memory. The source: SystemMemory(), if it is null.
  static Ptr New(std::shared_ptr<MemorySource> source = nullptr);

  // Footprints up to this come from the arena.
  static constexpr size_t kArenaMax = kSmallMax;
  // Whether New for so many bytes is the holder's alone.
  static constexpr bool NeedsHolder(size_t capacity) { return capacity <= kArenaMax - sizeof(Block); }

  // A block of `size` unset bytes with room for `capacity` (at least `size`) or more, one reference, or nullptr when
  // there is no memory. Any thread, but the holder if NeedsHolder(capacity).
  Block* New(size_t size, size_t capacity);

  // Compaction: a copy of a block that is in a sparse run of the arena, which ends the block; or nullptr, and nothing
  // has changed: it is not in one, somebody else has a reference, or no fuller run has room.
  Block* Move(Block* block) LARDER_REQUIRES_HOLDER;

  // Housekeeping between commands: frees what other threads returned, then for about `budget_ns` frees
  // slices of what was dropped and gives memory back. Returns whether there is more to do.
  bool Maintain(int64_t budget_ns) LARDER_REQUIRES_HOLDER;
  // The same, for who needs memory of the source's: what is else kept for reuse goes too.
  bool GiveBack(int64_t budget_ns) LARDER_REQUIRES_HOLDER;
  // Whether Maintain has something to do. A few loads.
  bool WantsMaintenance() const LARDER_REQUIRES_HOLDER {
    return arena_.has_returned() || !reclaimer_.empty() || arena_.WantsTrim() || pages_.WantsTrim();
  }
  // The part of it that counts: returned blocks are in used() until then.
  size_t CollectReturned(size_t max = SIZE_MAX) LARDER_REQUIRES_HOLDER;

  // The largest that the source has refused since this was called last, of the arena's blocks and of others; 0 if none.
  size_t TakeFailedBytes() LARDER_REQUIRES_HOLDER {
    const size_t large = refused_large_.exchange(0, std::memory_order_relaxed);
    const size_t small = arena_.TakeFailedBytes();
    return large > small ? large : small;
  }

  Arena& arena() LARDER_REQUIRES_HOLDER { return arena_; }
  const Arena& arena() const LARDER_REQUIRES_HOLDER { return arena_; }
  Reclaimer& reclaimer() LARDER_REQUIRES_HOLDER { return reclaimer_; }
  MemorySource& source() { return *source_; }

  // Blocks alive: those that the holder has not collected yet among them.
  size_t blocks() const LARDER_REQUIRES_HOLDER { return arena_blocks_ + large_blocks(); }
  size_t large_blocks() const { return shares_.load(std::memory_order_relaxed) - 1; }
  // What blocks beyond the arena take, without what waits to be reclaimed. Any thread.
  size_t large_used() const { return large_used_.load(std::memory_order_relaxed); }
  // Everything that is in use: the arena's and the large blocks.
  size_t used() const LARDER_REQUIRES_HOLDER { return arena_.used() + large_used(); }
  // Everything obtained from the source.
  size_t held() const LARDER_REQUIRES_HOLDER {
    return arena_.held() + pages_.held() + direct_held_.load(std::memory_order_relaxed);
  }
  // held() - used(): never touched, free, headers, tails, and what waits to be reclaimed.
  size_t free_bytes() const LARDER_REQUIRES_HOLDER { return held() - used(); }

  PageHeap& pages() { return pages_; }

  // What frees blocks beyond the page heap that others than the holder drop; and, if it has threads, the holder's.
  // Before the first New, or never. It is finished before the heap is closed.
  void set_bio(base::Bio* bio) {
    bio->Ref();
    bio_ = bio;
  }
  // Tells a forked child, in which blocks beyond the arena are neither made nor freed: the locks on the way may be held
  // by threads that are not there. Before the first New, or never.
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
