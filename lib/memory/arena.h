// Arena: where a cache's entries, tables and small values live, with exact accounting.
//
// Words. A *block* is the memory that a caller gets. A *run* is 64 KB, aligned, cut into blocks of one size class. A
// *chunk* is up to 32 runs, at a multiple of 2 MB, obtained from the MemorySource in one piece.
//
//     chunk, at a multiple of 2 MB
//     | not used | Chunk 64 B | Run 0 | Run 1 | ... Run 31 |blocks of run 0 ...|   run 1, 64 KB   | ... |   run 31   |
//     '- 0..7 x 2112 bytes, by the chunk's address           ^at 64 KB - what is before
//
//     Run, 64 bytes:  free ──► block ──► block ──► null      freed ones, the last first
//                     bump, end: blocks that have never been used since the run was begun
//                     used, capacity: how many blocks;  low: Free must look up when `used` is this
//
// A block's run is found from its address by masks and one multiplication, so a block has no header of its own. The
// runs' own headers stand together at the front of their chunk, not each at the front of its run, for two reasons. 32
// of them share a page, so a free touches one page beside the block's own, and the TLB has it for all blocks of 2 MB.
// And 64 KB apart the headers would all fall into the same few sets of every cache. Chunks, 2 MB apart, would do the
// same, hence the 8 colours.
//
// The path. Each class has a current run. Allocate takes its first free block, else its next unused one. A run that has
// neither is *full* and in no list. Free puts the block in front of its run's list and counts down; when the count
// meets `low` the run changes its bin:
//
//     full ──a free──► bin 0: over 3/4 used ──► bin 1: over 1/2 ──► bin 2: over 1/4 ──► bin 3 ──► empty: to its chunk
//
// The next current run is taken from the fullest bin, so that nearly empty runs can become empty. In the same way a new
// run is taken from the chunk with the fewest free runs.
//
// Compaction. The bins help classes that stay in use. A class that is used no more keeps its runs, however little is
// left in them: values that drift from 100 to 900 bytes under eviction leave half empty runs in each class behind them,
// and three times the memory that is used. So blocks that can move are moved, by the owner that knows the pointers to
// them:
//
//   tenant    the use of a block: an entry, a large value's block, or fixed (tables, directories, watches, queues:
//             nobody knows all pointers to them). Each tenant has runs of its own, so that nothing fixed holds a run of
//             entries.
//   waste     the free bytes in runs in use. Free and Allocate do not count them: they follow from the number of runs.
//   sparse    a run that is to be emptied: at most 1/4 used, or 1/2, 3/4 or 7/8, as few as take enough of the waste
//             away. A block's owner asks IsSparse, which looks at the run's header alone, takes a place in a fuller run
//             (AllocateForMove, which asks the source for nothing), copies the block, and frees the old one.
//   begin     a pass begins when the waste in runs that can be emptied is over 256 KB and over a 16th of the used
//             bytes; Owner::OnSparse tells the owner. Passes follow each other while they win something. After a pass
//             that won next to nothing (values may be pinned) the waste must grow before the next one.
//
// lib/keyspace/compactor.h walks the tables. For a source that is full EvacuateSparsest empties one run of entries at
// once.
//
// Giving back. A free costs no system call. A run that became empty is *dirty*: it still has its pages. The executor's
// holder calls Trim() between commands. It discards the pages of dirty runs, one run at a time, and gives chunks that
// are all empty to the source. It leaves one dirty run in 16 live ones for reuse, and an empty chunk without pages.
//
// Small caches. Only touched pages are resident, so a class costs one page at first. The first chunk is 256 KB; the
// next are as large as all before, up to 2 MB.
//
// Costs (2-core VM, tests/bench/arena_bench, CPU time): Allocate and Free of a hot block take 11 ns together, malloc
// 18. Of a million blocks of 88 bytes, freeing one and taking one at random costs 510 ns, malloc 700; freeing all at
// random costs 50 ns each, malloc 690. The arena holds 88.53 bytes a block. Without the colours the same free took half
// as long again. Discarding a run is 9 us (p99 32), unmapping an empty chunk 7 us (p99 33).
//
// Other threads. FreeAnywhere() is for threads that do not hold the executor: it puts the block on a lock-free list,
// which the holder empties (CollectReturned). Until then the block counts as used.
//
// Rejected: headers of blocks (8 bytes of 96), which would let an arena find the owner of any block by itself; an index
// of the runs' blocks (the same bytes); runs of several classes (a hole is then of use to its neighbours only); moving
// blocks by remapping pages (blocks of two runs have to lie at different offsets, and each move costs two system
// calls).
//
// Huge pages (set_huge_pages) make reads at random of a million blocks cheaper by 40 % (220 ns against 370, each read
// depending on the one before), and filling them too (58 ns a block against 109). But one write in 21,000 then clears 2
// MB inside a fault: 107 us, p99 421, and more when the kernel must first make room for a huge page. So it is the
// owner's choice, and off by default.
//
// Threads: the executor's holder, but for FreeAnywhere.
#ifndef LARDER_MEMORY_ARENA_H_
#define LARDER_MEMORY_ARENA_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <larder/memory.h>
#include "lib/base/check.h"
#include "lib/memory/poison.h"
#include "lib/memory/size_classes.h"

namespace larder::inline v0::memory {

// The use of a block; see Compaction. Only their keyspace moves entries and value blocks.
enum class Tenant : uint8_t { kFixed, kEntry, kBlock };

class Arena {
 public:
  // The arena tells its owner what it wants done. It calls from within Free and Allocate, so the owner may only take
  // note.
  class Owner {
   public:
    virtual void OnWantsTrim() = 0;
    virtual void OnSparse() = 0;

   protected:
    ~Owner() = default;
  };

  // The source outlives the arena.
  explicit Arena(MemorySource& source);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  // Gives all chunks back with all blocks in them, which nobody may use any more. REQUIRES: blocks over kSmallMax have
  // been freed, since the arena has no list of them.
  ~Arena();

  // The size of a block for `bytes`. All of it may be used.
  static constexpr size_t RoundUp(size_t bytes) { return RoundUpToClass(bytes); }

  // A block of RoundUp(bytes) bytes, aligned to 8, or to 64 if its size is a multiple of 64; nullptr if there is no
  // memory. All of it is the caller's: an entry whose value grows within it stays where it is. Its address is below
  // 2^48.
  void* Allocate(size_t bytes, Tenant tenant = Tenant::kFixed) {
    if (__builtin_expect(bytes > kSmallMax, 0)) return AllocateLarge(bytes);
    const size_t list = SizeClassOf(bytes) + static_cast<size_t>(tenant) * kSizeClassCount;
    void* block = TakeBlock(current_[list]);
    return __builtin_expect(block != nullptr, 1) ? block : AllocateSlow(list);
  }

  // The same with the first `bytes` zeroed.
  void* AllocateZeroed(size_t bytes);

  // `bytes` is the size that was asked for, or another that rounds up to the same. A null block is fine.
  void Free(void* block, size_t bytes) {
    if (block == nullptr) return;
    if (__builtin_expect(bytes > kSmallMax, 0)) return FreeLarge(block, bytes);
    Run* run = RunOf(block);
    LARDER_DCHECK(run->block_bytes == RoundUp(bytes) && run->used != 0);
    *static_cast<void**>(block) = run->free;
    run->free = block;
    Poison(block, run->block_bytes);
    used_ -= run->block_bytes;
    --blocks_;
    if (__builtin_expect(--run->used == run->low, 0)) Sink(run);
  }

  // Gives memory back to the system or the source, until there is no more to give (returns false) or `budget_ns` of
  // time have passed (true: call again). One piece, at most a run or an empty chunk, is always done.
  // `spares`: gives the empty chunk that is kept for reuse too, because somebody needs memory of the source's.
  bool Trim(int64_t budget_ns, bool spares = false);
  // Whether Trim has something to do. It looks at two counters.
  bool WantsTrim(bool spares = false) const {
    return dirty_runs_ > DirtyMax() || empty_chunks_ > (spares ? 0 : kEmptyChunksMax);
  }

  // Without an owner nobody is told.
  void SetOwner(Owner* owner) { owner_ = owner; }

  // The free bytes in runs that are in use.
  size_t waste() const { return live_runs_ * kRunBytes - (used_ - large_bytes_); }
  // Whether a pass of compaction is worth while or, in a pass, whether its target is not reached yet.
  bool WantsCompaction() const { return Movable() > (sparse_16ths_ == 0 ? bar_ : target_); }
  // How much there is to do, from 1 (just worth a pass) to 4.
  int CompactionUrgency() const;
  // Begins a pass: decides which runs are sparse. The pass ends when the waste is half of the tolerated waste. A caller
  // that needs free runs at any cost gives `runs`: then the pass ends when it has won so many.
  void BeginCompaction(uint32_t runs = 0);
  void EndCompaction();
  // Whether some run of this tenant may be sparse. It is for a pass.
  bool MayBeSparse(Tenant tenant) const;
  // Whether the block is in a sparse run. It is for a pass. REQUIRES: the block is not larger than kSmallMax.
  bool IsSparse(const void* block) const {
    const Run* run = RunOf(block);
    return run->where == Where::kBin && run->used * 16u <= run->capacity * sparse_16ths_;
  }
  // A block of the same size and tenant in a run that is not emptier. If it is nullptr, the block stays.
  void* AllocateForMove(const void* block);
  // The block's size. REQUIRES: it is not larger than kSmallMax.
  static size_t BytesOf(const void* block) { return RunOf(block)->block_bytes; }

  enum class Evacuated { kMore, kEmptied, kNot };
  // Calls move(block) for up to `blocks_max` blocks of the sparsest run of entries for which other runs have room.
  // `move` moves the block, or leaves it. kMore: some blocks are left for the next call, and until then nobody gets a
  // block of that run. Otherwise the result tells whether the run has become empty. It may be called at any time.
  template <class Move>
  Evacuated EvacuateSparsest(uint32_t blocks_max, Move&& move) {
    Evacuee evacuee;
    if (!PickEvacuee(&evacuee)) return Evacuated::kNot;
    for (uint32_t left = blocks_max; evacuee_at_ < evacuee.blocks; ++evacuee_at_) {
      if (evacuee.IsFree(evacuee_at_)) continue;
      if (left-- == 0) return Evacuated::kMore;
      move(static_cast<void*>(evacuee.begin + evacuee_at_ * evacuee_->block_bytes));
    }
    return ReadmitEvacuee() ? Evacuated::kEmptied : Evacuated::kNot;
  }
  // Whether EvacuateSparsest has more to do for its present run.
  bool evacuating() const { return evacuee_ != nullptr; }

  // For any thread: the holder will free the block as Free does. `bytes` is as for Free. After CloseReturns it does
  // nothing and returns false. REQUIRES: the arena lives.
  bool FreeAnywhere(void* block, size_t bytes);
  // Whether CollectReturned has something to do.
  bool has_returned() const {
    return collected_ != nullptr || reinterpret_cast<uintptr_t>(returned_.load(std::memory_order_relaxed)) > kClosed;
  }
  // What these blocks take. Any thread may call it.
  size_t returned_bytes() const { return returned_bytes_.load(std::memory_order_relaxed); }
  // Frees up to `max` returned blocks; the rest stays for the next call. Returns how many it freed.
  size_t CollectReturned(size_t max = SIZE_MAX);
  // Frees all returned blocks and takes no more.
  size_t CloseReturns();

  // Whether the last block that could not be had would be found now without asking the source.
  bool HasRoomForFailed() const {
    if (HasFreeRun()) return true;
    if (refused_list_ == kLists) return false;
    const Run* const current = current_[refused_list_];
    if (current->free != nullptr || current->bump != current->end) return true;
    for (const Run* run : bins_[refused_list_]) {
      if (run != nullptr) return true;
    }
    return false;
  }
  // Whether there is a run that may serve any class and tenant.
  bool HasFreeRun() const { return (chunks_mask_ & ~uint64_t{1}) != 0; }
  // The largest block that the source has refused since the last call of this; 0 if none.
  size_t TakeFailedBytes() { return std::exchange(refused_bytes_, 0); }

  // The sum of RoundUp over all blocks that are in use.
  size_t used() const { return used_; }
  size_t blocks() const { return blocks_; }
  // Bytes obtained from the source. Those that are not in used() are free, never touched, or headers: see free_bytes().
  size_t held() const { return held_; }
  size_t free_bytes() const { return held_ - used_; }

  // Leaks everything: the blocks stay valid for ever and nothing is given back. It is for an owner that must go while
  // others still use blocks. The arena is empty after it.
  void Abandon();

  // Asks for transparent huge pages for chunks of 2 MB from now on. Off by default; see the essay.
  void set_huge_pages(bool on) { huge_pages_ = on; }

  // For tests that make every allocation fail in turn. While a gate is set, each allocation asks it, on a slow path, so
  // that it costs nothing otherwise.
  class Gate {
   public:
    virtual bool Allow(size_t bytes) = 0;

   protected:
    ~Gate() = default;
  };
  void SetGate(Gate* gate);  // nullptr: none

  // For tests: walks all runs and chunks and checks that lists, counts and sums agree.
  bool Valid() const;

 private:
  friend struct ArenaLayout;

  static constexpr size_t kChunkBytes = size_t{2} << 20;
  static constexpr size_t kFirstChunkBytes = size_t{256} << 10;
  static constexpr uint32_t kRunsMax = kChunkBytes / kRunBytes;
  static constexpr uint32_t kBins = 4;
  static constexpr uintptr_t kClosed = 2;  // value of returned_ when it is closed
  static constexpr uint32_t kNever = UINT32_MAX;  // value of `low`: Free never looks up
  static constexpr uint32_t kEmptyChunksMax = 1;
  static constexpr size_t kSparseMin = size_t{256} << 10;  // less is never worth a pass
  // Chunks are listed by their number of free runs; empty chunks are in the last list.
  static constexpr uint32_t kEmptyList = kRunsMax + 1;
  static constexpr uint32_t kChunkLists = kEmptyList + 1;

  // A class and a tenant.
  static constexpr size_t kLists = 3 * kSizeClassCount;
  static_assert(kLists <= UINT8_MAX);

  enum class Where : uint8_t { kFree, kCurrent, kFull, kBin, kEvacuated };

  struct alignas(64) Run {
    void* free;
    char* bump;
    char* end;
    uint32_t used;
    uint32_t low;
    uint16_t block_bytes;
    uint16_t capacity;
    uint8_t list;  // class and tenant
    uint8_t bin;   // if kBin
    Where where;
    char* touched;  // how far an earlier use went: those pages may be there too
    Run* next;      // in the bin
    Run* previous;
  };

  struct alignas(64) Chunk {
    Chunk* next;  // in chunks_[list]
    Chunk* previous;
    Chunk* next_dirty;
    Chunk* previous_dirty;
    size_t bytes;
    uint32_t run_count;
    uint32_t free_runs;   // a bit each
    uint32_t dirty_runs;  // free ones that may have pages
    uint32_t list;
    Run runs[kRunsMax];
  };

  // A run that is being emptied, in no list, with a mark for each free block.
  struct Evacuee {
    static constexpr uint32_t kBlocksMax = kRunBytes / 8;
    char* begin = nullptr;
    uint32_t blocks = 0;
    uint64_t free[kBlocksMax / 64] = {};
    bool IsFree(uint32_t i) const { return (free[i / 64] >> i % 64 & 1) != 0; }
  };

  static constexpr size_t kColours = 8;

  static Chunk* ChunkOf(uintptr_t base) {
    return reinterpret_cast<Chunk*>(base + (base / kChunkBytes % kColours) * sizeof(Chunk));
  }
  static Chunk* ChunkOf(const void* address) {
    return ChunkOf(reinterpret_cast<uintptr_t>(address) & ~uintptr_t{kChunkBytes - 1});
  }
  static Run* RunOf(const void* block) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(block);
    return &ChunkOf(block)->runs[address / kRunBytes % kRunsMax];
  }
  static char* BaseOf(const Chunk* chunk) {
    return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(chunk) & ~uintptr_t{kChunkBytes - 1});
  }
  // Where run i's blocks begin: the first run has the headers in front.
  static char* BeginOf(Chunk* chunk, uint32_t i) {
    return i == 0 ? reinterpret_cast<char*>(chunk + 1) : BaseOf(chunk) + i * kRunBytes;
  }

  // The next block of the run, or nullptr if it has none.
  void* TakeBlock(Run* run) {
    void* block = run->free;
    if (__builtin_expect(block != nullptr, 1)) {
      Unpoison(block, run->block_bytes);
      run->free = *static_cast<void**>(block);
    } else if (run->bump != run->end) {
      block = run->bump;
      run->bump += run->block_bytes;
      Unpoison(block, run->block_bytes);
    } else {
      return nullptr;
    }
    ++run->used;
    used_ += run->block_bytes;
    ++blocks_;
    return block;
  }

  uint32_t DirtyMax() const { return blocks_ == 0 ? 0 : live_runs_ / 16; }

  void* AllocateSlow(size_t list);
  void* AllocateGated(size_t list);
  void MakeCurrent(size_t list, Run* run);
  static uint32_t BytesOfList(size_t list) { return kSizeClasses.bytes[list % kSizeClassCount]; }
  static size_t TenantOf(const Run* run) { return run->list / kSizeClassCount; }
  Run* FullestBeside(const Run* from) const;
  size_t SparseRunsBytes(uint32_t first_bin) const;
  size_t Movable() const;
  void NoteSparse();
  bool PickEvacuee(Evacuee* evacuee);
  Run* SparsestEntries() const;
  bool ReadmitEvacuee();
  static bool IsFull(const Run* run) { return run->free == nullptr && run->bump == run->end; }
  void* AllocateLarge(size_t bytes);
  void FreeLarge(void* block, size_t bytes);
  Run* TakeRun(size_t list);
  static size_t ReturnedBytes(uintptr_t link);
  Run* NewRun(size_t list);
  void Sink(Run* run);
  void Shelve(Run* run);
  void Unlink(Run* run);
  void ReleaseRun(Run* run);
  void RetireCurrents(bool all);
  void* FromSource(size_t bytes, size_t alignment);
  Chunk* NewChunk();
  void ListChunk(Chunk* chunk);
  void UnlistChunk(Chunk* chunk);
  void MarkDirty(Chunk* chunk, uint32_t index);
  void MarkClean(Chunk* chunk, uint32_t index);
  void DiscardRun(Chunk* chunk, uint32_t index);
  bool TrimOne(bool spares);
  bool ValidRun(const Run& run) const;
  void FreeChunk(Chunk* chunk);
  void Forget();

  Run* current_[kLists];
  size_t used_ = 0;
  size_t blocks_ = 0;
  size_t held_ = 0;
  size_t large_bytes_ = 0;
  size_t refused_bytes_ = 0;
  size_t refused_list_ = kLists;  // the list of the last refused block; kLists: it was not of a run
  uint32_t live_runs_ = 0;
  uint32_t dirty_runs_ = 0;
  uint32_t empty_chunks_ = 0;
  bool huge_pages_ = false;
  uint64_t chunks_mask_ = 0;  // a bit for each list of chunks_ that is not empty
  Gate* gate_ = nullptr;
  Owner* owner_ = nullptr;
  MemorySource& source_;
  uint32_t sparse_16ths_ = 0;  // how full a sparse run is at most; 0: no pass
  size_t bar_ = 0;             // a pass begins when Movable() is over it
  size_t target_ = 0;          // a pass ends below this
  uint32_t emptied_runs_ = 0;  // of movable blocks, ever
  uint32_t emptied_before_ = 0;  // emptied_runs_ when the pass began
  uint32_t runs_in_bin_[3][kBins] = {};  // by tenant
  Run* evacuee_ = nullptr;
  uint32_t evacuee_at_ = 0;  // its next block
  Run* bins_[kLists][kBins] = {};
  Chunk* chunks_[kChunkLists] = {};
  Chunk* dirty_ = nullptr;
  Run none_ = {};  // a current run without blocks
  void* collected_ = nullptr;  // returned blocks that CollectReturned took and has not freed yet
  alignas(64) std::atomic<void*> returned_{nullptr};
  std::atomic<size_t> returned_bytes_{0};
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_ARENA_H_
