// PageHeap: blocks of 20 KB to 1 MB, for large values, from any thread.
//
// To map and unmap each value by itself would be simple and wrong. A process may have 65,530 mappings, and every hole
// that a freed value leaves makes two mappings of one. A cache of values of 20 KB could use them all up, and then its
// host cannot start a thread. And each new value would fault in each of its pages anew, where a used block is just
// written to.
//
//     chunk, 256 KB to 4 MB, at a multiple of 4 MB
//     | header, a page | pages ... |      header: a bit for each page in use, a bit for each free one that is dirty
//
// Freeing a block sets bits. Its pages stay (they are *dirty*) until Trim() discards them, 64 KB at a time. Trim leaves
// a quarter of the used pages, or 8 MB, dirty: with half of that, values of 1 MB that 50 clients overwrite had 60 of
// their 257 pages discarded and faulted in anew each time, with it 18. A block takes the smallest stretch of dirty
// pages that fits in one of the chunks with recent frees. If there is none, it takes the smallest stretch of free pages
// in the chunk whose longest stretch is shortest (chunks are listed by it, in steps of 8 pages). Empty chunks go back,
// all but one.
//
// Costs: values of 20 KB turn over at 0.48 us each, filling included (malloc 0.57). When clean pages were taken while
// there were dirty ones, it was 4.2 us, nearly all of it page faults. The header is 0.1 % of a chunk of 4 MB.
//
// Threads: any. A mutex is held for a microsecond, or while 64 KB are discarded (10 us).
#ifndef LARDER_MEMORY_PAGE_HEAP_H_
#define LARDER_MEMORY_PAGE_HEAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <larder/memory.h>
#include "lib/memory/size_classes.h"

namespace larder::inline v0::memory {

class PageHeap {
 public:
  static constexpr size_t kBytesMax = (size_t{1} << 20) + (size_t{64} << 10);

  explicit PageHeap(MemorySource& source) : source_(source) {}
  PageHeap(const PageHeap&) = delete;
  PageHeap& operator=(const PageHeap&) = delete;
  ~PageHeap();  // REQUIRES: all blocks are freed.

  // REQUIRES: bytes is a multiple of kPageBytes, from 1 page to kBytesMax. nullptr when there is no memory.
  void* Allocate(size_t bytes);
  void Free(void* block, size_t bytes);

  // As Arena's.
  bool Trim(int64_t budget_ns, bool spares = false);
  bool WantsTrim(bool spares = false) const;

  size_t used() const { return used_pages_.load(std::memory_order_relaxed) * kPageBytes; }
  size_t held() const { return held_.load(std::memory_order_relaxed); }

  // For tests: whether lists and counts agree.
  bool Valid();

 private:
  static constexpr size_t kChunkBytes = size_t{4} << 20;
  static constexpr size_t kFirstChunkBytes = size_t{256} << 10;
  static constexpr uint32_t kPagesMax = kChunkBytes / kPageBytes;
  static constexpr uint32_t kWords = kPagesMax / 64;
  static constexpr uint32_t kEmptyList = kPagesMax / 8;  // empty chunks
  static constexpr uint32_t kLists = kEmptyList + 1;
  static constexpr uint32_t kTrimPages = 16;
  static constexpr size_t kDirtyPagesMin = 2048;

  struct Chunk {
    Chunk* next;  // in lists_[list]
    Chunk* previous;
    Chunk* next_dirty;
    Chunk* previous_dirty;
    uint32_t pages;
    uint32_t free;     // how many
    uint32_t longest;  // the longest stretch of free pages
    uint32_t list;
    uint32_t dirty;  // how many
    uint64_t used_bits[kWords];
    uint64_t dirty_bits[kWords];  // of free pages only
  };
  static_assert(sizeof(Chunk) <= kPageBytes);

  struct Stretch {
    uint32_t first = 0;
    uint32_t count = 0;
  };

  static Chunk* ChunkOf(void* block) {
    return reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(block) & ~uintptr_t{kChunkBytes - 1});
  }
  // The next stretch of pages from `from` on whose bits are `set`; count 0 at the end.
  static Stretch NextStretch(const Chunk& chunk, const uint64_t* bits, uint32_t from, bool set);
  // The shortest stretch of at least so many pages whose bits are `set`; count 0 if there is none.
  static Stretch BestFit(const Chunk& chunk, const uint64_t* bits, bool set, uint32_t pages);
  static void SetBits(uint64_t* bits, Stretch stretch, bool to);
  static uint32_t CountBits(const uint64_t* bits, Stretch stretch);

  Chunk* FindDirty(uint32_t pages, Stretch* found);
  Chunk* ChunkWith(uint32_t pages);
  Chunk* NewChunk(uint32_t pages);
  void FreeChunk(Chunk* chunk);
  void List(Chunk* chunk);
  void Unlist(Chunk* chunk);
  void ListDirty(Chunk* chunk);
  void UnlistDirty(Chunk* chunk);
  void AddDirty(Chunk* chunk, Stretch stretch);
  void RemoveDirty(Chunk* chunk, Stretch stretch);
  bool TrimOne(bool spares);

  MemorySource& source_;
  std::mutex mutex_;  // guards all that is not atomic; atomics are written under it
  Chunk* lists_[kLists] = {};
  uint64_t lists_mask_[(kLists + 63) / 64] = {};
  Chunk* dirty_ = nullptr;       // the chunk of the last free
  Chunk* dirty_last_ = nullptr;  // Trim begins with this chunk
  std::atomic<uint32_t> empty_chunks_{0};
  std::atomic<size_t> dirty_pages_{0};
  std::atomic<size_t> used_pages_{0};
  std::atomic<size_t> held_{0};
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_PAGE_HEAP_H_
