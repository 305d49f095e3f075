#include "lib/memory/arena.h"

#include <cstring>

#include "lib/base/monotonic.h"
#include "lib/memory/obtain.h"

namespace larder::inline v0::memory {

struct ArenaLayout {
  static_assert(sizeof(Arena::Run) == 64 && sizeof(Arena::Chunk) == 64 + 32 * 64);
  static_assert(Arena::kColours * sizeof(Arena::Chunk) + kSmallMax <= kRunBytes, "a run has room for a block");
  static_assert(sizeof(Arena::Chunk) % 64 == 0, "blocks of the first run are as aligned as the others'");
  static_assert(Arena::kChunkLists <= 64 && kRunBytes / 8 <= UINT16_MAX && kSmallMax <= UINT16_MAX);
};

Arena::Arena(MemorySource& source) : source_(source) { Forget(); }

void Arena::Forget() {
  for (Run*& run : current_) run = &none_;
  for (auto& bins : bins_) {
    for (Run*& run : bins) run = nullptr;
  }
  for (Chunk*& chunk : chunks_) chunk = nullptr;
  dirty_ = nullptr;
  evacuee_ = nullptr;
  chunks_mask_ = 0;
  used_ = blocks_ = held_ = large_bytes_ = 0;
  live_runs_ = dirty_runs_ = empty_chunks_ = 0;
  sparse_16ths_ = 0;
  bar_ = kSparseMin;
  for (auto& bins : runs_in_bin_) {
    for (uint32_t& runs : bins) runs = 0;
  }
}

void Arena::Abandon() {
  Forget();
  collected_ = nullptr;
  returned_.store(nullptr, std::memory_order_relaxed);
}

Arena::~Arena() {
  CollectReturned();
  LARDER_CHECK(large_bytes_ == 0);
  for (Chunk*& list : chunks_) {
    while (list != nullptr) FreeChunk(list);
  }
}

// ---- Blocks ---------------------------------------------------------------------------------------------------------

void* Arena::AllocateZeroed(size_t bytes) {
  void* block = Allocate(bytes);
  if (block != nullptr) std::memset(block, 0, bytes);
  return block;
}

void* Arena::AllocateSlow(size_t list) {
  if (gate_ != nullptr) return AllocateGated(list);
  Run* const run = TakeRun(list);
  MakeCurrent(list, run);
  if (run != nullptr) return TakeBlock(run);
  if (refused_bytes_ < BytesOfList(list)) refused_bytes_ = BytesOfList(list);
  refused_list_ = list;
  return nullptr;
}

// Makes `run` the current run of its list (nullptr: none). REQUIRES: the current one is full; `run` is in no list.
void Arena::MakeCurrent(size_t list, Run* run) {
  Run* const full = current_[list];
  if (full != &none_) {
    full->where = Where::kFull;
    full->low = full->capacity - 1u;
  }
  current_[list] = run != nullptr ? run : &none_;
  if (run == nullptr) return;
  run->where = Where::kCurrent;
  run->low = kNever;
}

// With a gate there are no current runs: each block comes from the bins.
void* Arena::AllocateGated(size_t list) {
  LARDER_DCHECK(current_[list] == &none_);
  if (!gate_->Allow(BytesOfList(list))) return nullptr;
  Run* const run = TakeRun(list);
  if (run == nullptr) return nullptr;
  void* const block = TakeBlock(run);
  Shelve(run);
  return block;
}

void Arena::SetGate(Gate* gate) {
  gate_ = gate;
  if (gate != nullptr) RetireCurrents(true);
}

void* Arena::FromSource(size_t bytes, size_t alignment) {
  void* memory = Obtain(source_, bytes, alignment);
  if (memory != nullptr) held_ += bytes;
  return memory;
}

void* Arena::AllocateLarge(size_t bytes) {
  const size_t rounded = RoundUp(bytes);
  if (gate_ != nullptr && !gate_->Allow(rounded)) return nullptr;
  void* const block = FromSource(rounded, kPageBytes);
  if (block == nullptr) {
    if (refused_bytes_ < rounded) refused_bytes_ = rounded;
    refused_list_ = kLists;
    return nullptr;
  }
  used_ += rounded;
  large_bytes_ += rounded;
  ++blocks_;
  return block;
}

void Arena::FreeLarge(void* block, size_t bytes) {
  const size_t rounded = RoundUp(bytes);
  LARDER_DCHECK(large_bytes_ >= rounded);
  used_ -= rounded;
  large_bytes_ -= rounded;
  held_ -= rounded;
  --blocks_;
  source_.Free(block, rounded, kPageBytes);
}

// ---- Blocks from other threads --------------------------------------------------------------------------------------
//
// The list goes through the first word of each block. A large block has no run to tell its size: its size is in its
// second word, and bit 0 of the pointer to it is set.

bool Arena::FreeAnywhere(void* block, size_t bytes) {
  if (block == nullptr) return true;
  uintptr_t link = reinterpret_cast<uintptr_t>(block);
  if (bytes > kSmallMax) {
    static_cast<size_t*>(block)[1] = bytes;
    link |= 1;
  }
  const size_t counted = ReturnedBytes(link);
  returned_bytes_.fetch_add(counted, std::memory_order_relaxed);
  void* head = returned_.load(std::memory_order_acquire);
  do {
    if (reinterpret_cast<uintptr_t>(head) == kClosed) {
      returned_bytes_.fetch_sub(counted, std::memory_order_relaxed);
      return false;
    }
    *static_cast<void**>(block) = head;
  } while (!returned_.compare_exchange_weak(head, reinterpret_cast<void*>(link), std::memory_order_release,
                                            std::memory_order_acquire));
  return true;
}

// What a returned block takes. `link`: as in the list.
size_t Arena::ReturnedBytes(uintptr_t link) {
  void* const block = reinterpret_cast<void*>(link & ~uintptr_t{1});
  return (link & 1) != 0 ? RoundUp(static_cast<size_t*>(block)[1]) : RunOf(block)->block_bytes;
}

size_t Arena::CloseReturns() {
  size_t freed = CollectReturned();
  void* const rest = returned_.exchange(reinterpret_cast<void*>(kClosed), std::memory_order_acq_rel);
  if (reinterpret_cast<uintptr_t>(rest) > kClosed) collected_ = rest;
  if (collected_ != nullptr) freed += CollectReturned();
  return freed;
}

size_t Arena::CollectReturned(size_t max) {
  if (collected_ == nullptr) {
    if (!has_returned()) return 0;
    collected_ = returned_.exchange(nullptr, std::memory_order_acquire);
  }
  size_t freed = 0;
  size_t bytes = 0;
  while (collected_ != nullptr && freed < max) {
    const uintptr_t link = reinterpret_cast<uintptr_t>(collected_);
    bytes += ReturnedBytes(link);
    void* const block = reinterpret_cast<void*>(link & ~uintptr_t{1});
    collected_ = *static_cast<void**>(block);
    Free(block, (link & 1) != 0 ? static_cast<size_t*>(block)[1] : RunOf(block)->block_bytes);
    ++freed;
  }
  returned_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return freed;
}

// ---- Runs -----------------------------------------------------------------------------------------------------------

// Takes the fullest run with room out of the lists, else a new run.
Arena::Run* Arena::TakeRun(size_t list) {
  for (Run* run : bins_[list]) {
    if (run != nullptr) {
      Unlink(run);
      return run;
    }
  }
  return NewRun(list);
}

// Puts a run that is neither current nor in a bin into its bin, or gives it back if it is empty.
void Arena::Shelve(Run* run) {
  if (run->used == 0) return ReleaseRun(run);
  if (IsFull(run)) {
    run->where = Where::kFull;
    run->low = run->capacity - 1u;
    return;
  }
  const auto low_of = [run](uint32_t bin) { return run->capacity * (kBins - 1 - bin) / kBins; };
  uint32_t bin = 0;
  while (low_of(bin) >= run->used) ++bin;
  run->where = Where::kBin;
  run->bin = static_cast<uint8_t>(bin);
  run->low = low_of(bin);
  ++runs_in_bin_[TenantOf(run)][bin];
  Run*& head = bins_[run->list][bin];
  run->previous = nullptr;
  run->next = head;
  if (head != nullptr) head->previous = run;
  head = run;
}

void Arena::Unlink(Run* run) {
  LARDER_DCHECK(run->where == Where::kBin);
  --runs_in_bin_[TenantOf(run)][run->bin];
  if (run->previous != nullptr) {
    run->previous->next = run->next;
  } else {
    bins_[run->list][run->bin] = run->next;
  }
  if (run->next != nullptr) run->next->previous = run->previous;
}

// Moves a run whose count has met `low` to an emptier bin.
void Arena::Sink(Run* run) {
  LARDER_DCHECK(run->where == Where::kBin || run->where == Where::kFull);
  if (run->where == Where::kBin) Unlink(run);
  Shelve(run);
  NoteSparse();
}

Arena::Run* Arena::NewRun(size_t list) {
  const uint64_t lists = chunks_mask_ & ~uint64_t{1};
  Chunk* const chunk = lists != 0 ? chunks_[__builtin_ctzll(lists)] : NewChunk();
  if (chunk == nullptr) return nullptr;
  const uint32_t block_bytes = BytesOfList(list);
  // Runs that still have pages come first. The shorter run behind the headers is best for small blocks: it loses few of
  // them.
  const uint32_t from = chunk->dirty_runs != 0 ? chunk->dirty_runs : chunk->free_runs;
  const uint32_t index =
      static_cast<uint32_t>(block_bytes < kRunBytes / 32 ? __builtin_ctz(from) : 31 - __builtin_clz(from));
  UnlistChunk(chunk);
  char* touched = nullptr;
  if ((chunk->dirty_runs >> index & 1) != 0) {
    touched = chunk->runs[index].touched;
    MarkClean(chunk, index);
  }
  chunk->free_runs &= ~(1u << index);
  ListChunk(chunk);
  ++live_runs_;

  Run* const run = &chunk->runs[index];
  char* const begin = BeginOf(chunk, index);
  const size_t room = static_cast<size_t>(BaseOf(chunk) + (index + 1) * kRunBytes - begin);
  const size_t capacity = room / block_bytes;
  LARDER_CHECK(capacity != 0);
  *run = {.free = nullptr, .bump = begin, .end = begin + capacity * block_bytes, .used = 0, .low = kNever,
          .block_bytes = static_cast<uint16_t>(block_bytes), .capacity = static_cast<uint16_t>(capacity),
          .list = static_cast<uint8_t>(list), .bin = 0, .where = Where::kFree, .touched = touched,
          .next = nullptr, .previous = nullptr};
  return run;
}

// Gives an empty run, which is in no list, back to its chunk.
void Arena::ReleaseRun(Run* run) {
  Chunk* const chunk = ChunkOf(run);
  const uint32_t index = static_cast<uint32_t>(run - chunk->runs);
  run->where = Where::kFree;
  if (run->touched < run->bump) run->touched = run->bump;
  UnlistChunk(chunk);
  chunk->free_runs |= 1u << index;
  MarkDirty(chunk, index);
  ListChunk(chunk);
  --live_runs_;
  if (TenantOf(run) != 0) ++emptied_runs_;
  if (owner_ != nullptr && WantsTrim()) owner_->OnWantsTrim();
}

// Takes the current runs that are empty, or all of them, back into the lists.
void Arena::RetireCurrents(bool all) {
  for (Run*& current : current_) {
    if (current == &none_ || (!all && current->used != 0)) continue;
    Run* const run = current;
    current = &none_;
    Shelve(run);
  }
}

// ---- Chunks ---------------------------------------------------------------------------------------------------------

Arena::Chunk* Arena::NewChunk() {
  // The new chunk is as large as all before, in powers of two.
  size_t bytes = kFirstChunkBytes;
  while (bytes < kChunkBytes && bytes * 2 <= held_ - large_bytes_) bytes *= 2;
  void* memory = FromSource(bytes, kChunkBytes);
  if (memory == nullptr && bytes > kFirstChunkBytes) memory = FromSource(bytes = kFirstChunkBytes, kChunkBytes);
  if (memory == nullptr) memory = FromSource(bytes = kRunBytes, kChunkBytes);
  if (memory == nullptr) return nullptr;
  Chunk* const chunk = ChunkOf(memory);
  if (huge_pages_ && bytes == kChunkBytes) source_.PreferHugePages(memory, bytes);
  chunk->bytes = bytes;
  chunk->run_count = static_cast<uint32_t>(bytes / kRunBytes);
  chunk->free_runs = chunk->run_count == 32 ? UINT32_MAX : (1u << chunk->run_count) - 1;
  chunk->dirty_runs = 0;
  Poison(memory, static_cast<size_t>(reinterpret_cast<char*>(chunk) - BaseOf(chunk)));
  Poison(chunk + 1, static_cast<size_t>(BaseOf(chunk) + bytes - reinterpret_cast<char*>(chunk + 1)));
  ListChunk(chunk);
  return chunk;
}

void Arena::FreeChunk(Chunk* chunk) {
  UnlistChunk(chunk);
  while (chunk->dirty_runs != 0) MarkClean(chunk, static_cast<uint32_t>(__builtin_ctz(chunk->dirty_runs)));
  const size_t bytes = chunk->bytes;
  char* const base = BaseOf(chunk);
  held_ -= bytes;
  Unpoison(base, bytes);
  source_.Free(base, bytes, kChunkBytes);
}

void Arena::ListChunk(Chunk* chunk) {
  const uint32_t free_runs = static_cast<uint32_t>(__builtin_popcount(chunk->free_runs));
  const uint32_t list = free_runs == chunk->run_count ? kEmptyList : free_runs;
  if (list == kEmptyList) ++empty_chunks_;
  chunk->list = list;
  chunk->previous = nullptr;
  chunk->next = chunks_[list];
  if (chunk->next != nullptr) chunk->next->previous = chunk;
  chunks_[list] = chunk;
  chunks_mask_ |= uint64_t{1} << list;
}

void Arena::UnlistChunk(Chunk* chunk) {
  if (chunk->list == kEmptyList) --empty_chunks_;
  if (chunk->previous != nullptr) {
    chunk->previous->next = chunk->next;
  } else {
    chunks_[chunk->list] = chunk->next;
    if (chunk->next == nullptr) chunks_mask_ &= ~(uint64_t{1} << chunk->list);
  }
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

void Arena::MarkDirty(Chunk* chunk, uint32_t index) {
  if (chunk->dirty_runs == 0) {
    chunk->previous_dirty = nullptr;
    chunk->next_dirty = dirty_;
    if (dirty_ != nullptr) dirty_->previous_dirty = chunk;
    dirty_ = chunk;
  }
  chunk->dirty_runs |= 1u << index;
  ++dirty_runs_;
}

void Arena::MarkClean(Chunk* chunk, uint32_t index) {
  LARDER_DCHECK((chunk->dirty_runs >> index & 1) != 0);
  chunk->dirty_runs &= ~(1u << index);
  --dirty_runs_;
  if (chunk->dirty_runs != 0) return;
  if (chunk->previous_dirty != nullptr) {
    chunk->previous_dirty->next_dirty = chunk->next_dirty;
  } else {
    dirty_ = chunk->next_dirty;
  }
  if (chunk->next_dirty != nullptr) chunk->next_dirty->previous_dirty = chunk->previous_dirty;
}

void Arena::DiscardRun(Chunk* chunk, uint32_t index) {
  // Discards its whole pages, as far as it was ever used.
  const auto up = [](char* p) { return p + (-reinterpret_cast<uintptr_t>(p) & (kPageBytes - 1)); };
  char* const begin = up(BeginOf(chunk, index));
  char* const end = up(chunk->runs[index].touched);
  MarkClean(chunk, index);
  if (begin < end) source_.Discard(begin, static_cast<size_t>(end - begin));
}

// ---- Giving back ----------------------------------------------------------------------------------------------------

// Gives one piece back. An empty chunk loses its pages before it goes, since to unmap 2 MB of pages at once takes 200
// us.
bool Arena::TrimOne(bool spares) {
  if (empty_chunks_ > (spares ? 0 : kEmptyChunksMax)) {
    Chunk* const chunk = chunks_[kEmptyList];
    if (chunk->dirty_runs != 0) {
      DiscardRun(chunk, static_cast<uint32_t>(__builtin_ctz(chunk->dirty_runs)));
    } else {
      FreeChunk(chunk);
    }
    return true;
  }
  if (dirty_runs_ <= DirtyMax()) return false;
  DiscardRun(dirty_, static_cast<uint32_t>(__builtin_ctz(dirty_->dirty_runs)));
  return true;
}

bool Arena::Trim(int64_t budget_ns, bool spares) {
  if (blocks_ == 0 || spares) RetireCurrents(false);  // an empty current run may be all that holds some chunk
  if (!WantsTrim(spares)) return false;
  RetireCurrents(false);
  const int64_t end_ns = base::MonotonicNs() + budget_ns;
  while (TrimOne(spares)) {
    if (WantsTrim(spares) && base::MonotonicNs() >= end_ns) return true;
  }
  return false;
}

// ---- Checks ---------------------------------------------------------------------------------------------------------

bool Arena::Valid() const {
  size_t used = large_bytes_;
  size_t chunk_bytes = 0;
  uint32_t live = 0;
  uint32_t dirty = 0;
  uint32_t in_bin[3][kBins] = {};
  for (uint32_t list = 0; list < kChunkLists; ++list) {
    if ((chunks_[list] != nullptr) != ((chunks_mask_ >> list & 1) != 0)) return false;
    for (Chunk* chunk = chunks_[list]; chunk != nullptr; chunk = chunk->next) {
      const auto free_runs = static_cast<uint32_t>(__builtin_popcount(chunk->free_runs));
      if (chunk->list != list || (list == kEmptyList ? chunk->run_count : list) != free_runs) return false;
      if ((chunk->dirty_runs & ~chunk->free_runs) != 0) return false;
      if (chunk->next != nullptr && chunk->next->previous != chunk) return false;
      chunk_bytes += chunk->bytes;
      dirty += static_cast<uint32_t>(__builtin_popcount(chunk->dirty_runs));
      for (uint32_t i = 0; i < chunk->run_count; ++i) {
        if ((chunk->free_runs >> i & 1) != 0) continue;
        const Run& run = chunk->runs[i];
        if (!ValidRun(run)) return false;
        used += size_t{run.used} * run.block_bytes;
        ++live;
        if (run.where == Where::kBin) ++in_bin[TenantOf(&run)][run.bin];
      }
    }
  }
  if (std::memcmp(in_bin, runs_in_bin_, sizeof(in_bin)) != 0) return false;
  return used == used_ && chunk_bytes + large_bytes_ == held_ && live == live_runs_ && dirty == dirty_runs_;
}

// Whether a run in use has as many free blocks as its counts say, and is in the right list.
bool Arena::ValidRun(const Run& run) const {
  size_t free_blocks = static_cast<size_t>(run.end - run.bump) / run.block_bytes;
  if (run.used > run.capacity || run.block_bytes != BytesOfList(run.list)) return false;
  for (void* block = run.free; block != nullptr; ++free_blocks) {
    if (RunOf(block) != &run || free_blocks > run.capacity) return false;
    Unpoison(block, sizeof(void*));
    void* const next = *static_cast<void**>(block);
    Poison(block, sizeof(void*));
    block = next;
  }
  if (free_blocks + run.used != run.capacity) return false;
  switch (run.where) {
    case Where::kFree: return false;
    case Where::kEvacuated: return &run == evacuee_ && run.low == kNever;
    case Where::kCurrent: return current_[run.list] == &run && run.low == kNever;
    case Where::kFull: return free_blocks == 0;
    case Where::kBin: break;
  }
  const Run* listed = bins_[run.list][run.bin];
  while (listed != nullptr && listed != &run) listed = listed->next;
  return listed == &run && run.used > run.low && free_blocks != 0;
}

}  // namespace larder::inline v0::memory
