#include "lib/memory/page_heap.h"

#include "lib/base/check.h"
#include "lib/base/monotonic.h"
#include "lib/memory/obtain.h"
#include "lib/memory/poison.h"

namespace larder::inline v0::memory {

// ---- Bits -----------------------------------------------------------------------------------------------------------

PageHeap::Stretch PageHeap::NextStretch(const Chunk& chunk, const uint64_t* bits, uint32_t from, bool set) {
  // The first page from `at` on whose bit is `wanted`.
  const auto find = [&](uint32_t at, bool wanted) {
    while (at < chunk.pages) {
      const uint64_t word = (wanted ? bits[at / 64] : ~bits[at / 64]) >> at % 64;
      if (word != 0) {
        at += static_cast<uint32_t>(__builtin_ctzll(word));
        break;
      }
      at = (at / 64 + 1) * 64;
    }
    return at < chunk.pages ? at : chunk.pages;
  };
  const uint32_t first = find(from, set);
  return {first, find(first, !set) - first};
}

PageHeap::Stretch PageHeap::BestFit(const Chunk& chunk, const uint64_t* bits, bool set, uint32_t pages) {
  Stretch best;
  for (Stretch s = NextStretch(chunk, bits, 0, set); s.count != 0;
       s = NextStretch(chunk, bits, s.first + s.count, set)) {
    if (s.count >= pages && (best.count == 0 || s.count < best.count)) best = s;
    if (s.count == pages) break;
  }
  return best;
}

void PageHeap::SetBits(uint64_t* bits, Stretch stretch, bool to) {
  for (uint32_t at = stretch.first, left = stretch.count; left != 0;) {
    const uint32_t here = left < 64 - at % 64 ? left : 64 - at % 64;
    const uint64_t mask = (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << at % 64;
    to ? bits[at / 64] |= mask : bits[at / 64] &= ~mask;
    at += here;
    left -= here;
  }
}

uint32_t PageHeap::CountBits(const uint64_t* bits, Stretch stretch) {
  uint32_t count = 0;
  for (uint32_t at = stretch.first, left = stretch.count; left != 0;) {
    const uint32_t here = left < 64 - at % 64 ? left : 64 - at % 64;
    const uint64_t mask = (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << at % 64;
    count += static_cast<uint32_t>(__builtin_popcountll(bits[at / 64] & mask));
    at += here;
    left -= here;
  }
  return count;
}

// ---- Blocks ---------------------------------------------------------------------------------------------------------

PageHeap::~PageHeap() {
  LARDER_CHECK(used() == 0);
  for (Chunk*& list : lists_) {
    while (list != nullptr) FreeChunk(list);
  }
}

void* PageHeap::Allocate(size_t bytes) {
  LARDER_DCHECK(bytes % kPageBytes == 0 && bytes != 0 && bytes <= kBytesMax);
  const uint32_t pages = static_cast<uint32_t>(bytes / kPageBytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  Stretch taken;
  Chunk* chunk = FindDirty(pages, &taken);
  if (chunk == nullptr) {
    chunk = ChunkWith(pages);
    if (chunk == nullptr) return nullptr;
    taken = BestFit(*chunk, chunk->used_bits, false, pages);
  }
  taken.count = pages;
  Unlist(chunk);
  RemoveDirty(chunk, taken);
  SetBits(chunk->used_bits, taken, true);
  chunk->free -= pages;
  List(chunk);
  used_pages_.store(used_pages_.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
  char* const block = reinterpret_cast<char*>(chunk) + taken.first * kPageBytes;
  Unpoison(block, bytes);
  return block;
}

void PageHeap::Free(void* block, size_t bytes) {
  Chunk* const chunk = ChunkOf(block);
  const auto offset = static_cast<size_t>(static_cast<char*>(block) - reinterpret_cast<char*>(chunk));
  const Stretch freed = {static_cast<uint32_t>(offset / kPageBytes), static_cast<uint32_t>(bytes / kPageBytes)};
  Poison(block, bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  LARDER_DCHECK(CountBits(chunk->used_bits, freed) == freed.count);
  Unlist(chunk);
  SetBits(chunk->used_bits, freed, false);
  chunk->free += freed.count;
  AddDirty(chunk, freed);
  List(chunk);
  used_pages_.store(used_pages_.load(std::memory_order_relaxed) - freed.count, std::memory_order_relaxed);
}

// ---- Chunks ---------------------------------------------------------------------------------------------------------

// A chunk with a stretch of so many dirty pages, among the few with the last frees.
PageHeap::Chunk* PageHeap::FindDirty(uint32_t pages, Stretch* found) {
  int looks = 4;
  for (Chunk* chunk = dirty_; chunk != nullptr && looks != 0; chunk = chunk->next_dirty, --looks) {
    if (chunk->dirty < pages) continue;
    *found = BestFit(*chunk, chunk->dirty_bits, true, pages);
    if (found->count != 0) return chunk;
  }
  return nullptr;
}

// The chunk whose longest stretch is the shortest of at least so many pages, else a new chunk.
PageHeap::Chunk* PageHeap::ChunkWith(uint32_t pages) {
  for (uint32_t list = (pages + 7) / 8; list < kLists; list = (list / 64 + 1) * 64) {
    const uint64_t lists = lists_mask_[list / 64] >> list % 64;
    if (lists == 0) continue;
    Chunk* const chunk = lists_[list + static_cast<uint32_t>(__builtin_ctzll(lists))];
    if (chunk->longest >= pages) return chunk;  // an empty chunk may be too small for it
  }
  // Chunks of the step before may do as well, so it looks at a few of them.
  int looks = 8;
  for (Chunk* chunk = lists_[pages / 8]; chunk != nullptr && looks != 0; chunk = chunk->next, --looks) {
    if (chunk->longest >= pages) return chunk;
  }
  return NewChunk(pages);
}

PageHeap::Chunk* PageHeap::NewChunk(uint32_t pages) {
  const size_t needed = (pages + size_t{1}) * kPageBytes;
  size_t bytes = kFirstChunkBytes;
  while (bytes < needed) bytes *= 2;
  const size_t least = bytes;
  while (bytes < kChunkBytes && bytes * 2 <= held()) bytes *= 2;
  void* memory = Obtain(source_, bytes, kChunkBytes);
  if (memory == nullptr && bytes > least) memory = Obtain(source_, bytes = least, kChunkBytes);
  if (memory == nullptr) return nullptr;
  Chunk* const chunk = static_cast<Chunk*>(memory);
  chunk->pages = static_cast<uint32_t>(bytes / kPageBytes);
  chunk->free = chunk->pages - 1;
  chunk->dirty = 0;
  for (uint32_t i = 0; i < kWords; ++i) chunk->used_bits[i] = chunk->dirty_bits[i] = 0;
  chunk->used_bits[0] = 1;
  held_.store(held() + bytes, std::memory_order_relaxed);
  Poison(static_cast<char*>(memory) + kPageBytes, bytes - kPageBytes);
  List(chunk);
  return chunk;
}

void PageHeap::FreeChunk(Chunk* chunk) {
  Unlist(chunk);
  if (chunk->dirty != 0) RemoveDirty(chunk, {0, chunk->pages});
  const size_t bytes = chunk->pages * kPageBytes;
  held_.store(held() - bytes, std::memory_order_relaxed);
  Unpoison(chunk, bytes);
  source_.Free(chunk, bytes, kChunkBytes);
}

void PageHeap::List(Chunk* chunk) {
  chunk->longest = 0;
  for (Stretch s = NextStretch(*chunk, chunk->used_bits, 0, false); s.count != 0;
       s = NextStretch(*chunk, chunk->used_bits, s.first + s.count, false)) {
    if (s.count > chunk->longest) chunk->longest = s.count;
  }
  const bool empty = chunk->free == chunk->pages - 1;
  if (empty) empty_chunks_.fetch_add(1, std::memory_order_relaxed);
  const uint32_t list = empty ? kEmptyList : chunk->longest / 8;
  chunk->list = list;
  chunk->previous = nullptr;
  chunk->next = lists_[list];
  if (chunk->next != nullptr) chunk->next->previous = chunk;
  lists_[list] = chunk;
  lists_mask_[list / 64] |= uint64_t{1} << list % 64;
}

void PageHeap::Unlist(Chunk* chunk) {
  if (chunk->list == kEmptyList) empty_chunks_.fetch_sub(1, std::memory_order_relaxed);
  if (chunk->previous != nullptr) {
    chunk->previous->next = chunk->next;
  } else {
    lists_[chunk->list] = chunk->next;
    if (chunk->next == nullptr) lists_mask_[chunk->list / 64] &= ~(uint64_t{1} << chunk->list % 64);
  }
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

void PageHeap::ListDirty(Chunk* chunk) {
  chunk->previous_dirty = nullptr;
  chunk->next_dirty = dirty_;
  *(dirty_ != nullptr ? &dirty_->previous_dirty : &dirty_last_) = chunk;
  dirty_ = chunk;
}

void PageHeap::UnlistDirty(Chunk* chunk) {
  if (chunk->previous_dirty != nullptr) {
    chunk->previous_dirty->next_dirty = chunk->next_dirty;
  } else {
    dirty_ = chunk->next_dirty;
  }
  if (chunk->next_dirty != nullptr) {
    chunk->next_dirty->previous_dirty = chunk->previous_dirty;
  } else {
    dirty_last_ = chunk->previous_dirty;
  }
}

void PageHeap::AddDirty(Chunk* chunk, Stretch stretch) {
  if (chunk != dirty_) {
    if (chunk->dirty != 0) UnlistDirty(chunk);
    ListDirty(chunk);  // in front
  }
  SetBits(chunk->dirty_bits, stretch, true);
  chunk->dirty += stretch.count;
  dirty_pages_.store(dirty_pages_.load(std::memory_order_relaxed) + stretch.count, std::memory_order_relaxed);
}

void PageHeap::RemoveDirty(Chunk* chunk, Stretch stretch) {
  const uint32_t count = CountBits(chunk->dirty_bits, stretch);
  if (count == 0) return;
  SetBits(chunk->dirty_bits, stretch, false);
  chunk->dirty -= count;
  dirty_pages_.store(dirty_pages_.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
  if (chunk->dirty == 0) UnlistDirty(chunk);
}

// ---- Giving back ----------------------------------------------------------------------------------------------------

bool PageHeap::WantsTrim(bool spares) const {
  const size_t used = used_pages_.load(std::memory_order_relaxed);
  const size_t dirty_max = used == 0 ? 0 : used / 4 > kDirtyPagesMin ? used / 4 : kDirtyPagesMin;
  return dirty_pages_.load(std::memory_order_relaxed) > dirty_max ||
         empty_chunks_.load(std::memory_order_relaxed) > (spares ? 0 : 1);
}

bool PageHeap::TrimOne(bool spares) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!WantsTrim(spares)) return false;
  const bool spare = empty_chunks_.load(std::memory_order_relaxed) > (spares ? 0 : 1);
  Chunk* const chunk = spare ? lists_[kEmptyList] : dirty_last_;
  if (chunk->dirty == 0) {
    FreeChunk(chunk);
    return true;
  }
  Stretch stretch = NextStretch(*chunk, chunk->dirty_bits, 0, true);
  if (stretch.count > kTrimPages) stretch.count = kTrimPages;
  RemoveDirty(chunk, stretch);
  source_.Discard(reinterpret_cast<char*>(chunk) + stretch.first * kPageBytes, stretch.count * kPageBytes);
  return true;
}

bool PageHeap::Trim(int64_t budget_ns, bool spares) {
  if (!WantsTrim(spares)) return false;
  const int64_t end_ns = base::MonotonicNs() + budget_ns;
  while (TrimOne(spares)) {
    if (WantsTrim(spares) && base::MonotonicNs() >= end_ns) return true;
  }
  return false;
}

bool PageHeap::Valid() {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t used = 0;
  size_t dirty = 0;
  size_t bytes = 0;
  uint32_t empty = 0;
  for (uint32_t list = 0; list < kLists; ++list) {
    if ((lists_[list] != nullptr) != ((lists_mask_[list / 64] >> list % 64 & 1) != 0)) return false;
    for (Chunk* chunk = lists_[list]; chunk != nullptr; chunk = chunk->next) {
      const Stretch all = {0, chunk->pages};
      if (chunk->list != list || (list != kEmptyList && chunk->longest / 8 != list)) return false;
      if (CountBits(chunk->used_bits, all) + chunk->free != chunk->pages) return false;
      if (CountBits(chunk->dirty_bits, all) != chunk->dirty) return false;
      for (uint32_t i = 0; i < kWords; ++i) {
        if ((chunk->used_bits[i] & chunk->dirty_bits[i]) != 0) return false;
      }
      used += chunk->pages - 1 - chunk->free;
      dirty += chunk->dirty;
      bytes += chunk->pages * kPageBytes;
      empty += list == kEmptyList;
    }
  }
  return used == used_pages_ && dirty == dirty_pages_ && bytes == held_ && empty == empty_chunks_;
}

}  // namespace larder::inline v0::memory
