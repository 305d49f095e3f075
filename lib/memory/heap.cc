#include "lib/memory/heap.h"

#include <new>
#include <utility>

#include "lib/memory/obtain.h"

namespace larder::inline v0::memory {

void Block::Drop() { heap_->Drop(this); }
void Block::DropHeld() { heap_->DropHeld(this); }

Heap::Heap(std::shared_ptr<MemorySource> source) : source_(std::move(source)), arena_(*source_), pages_(*source_) {}

Heap::Ptr Heap::New(std::shared_ptr<MemorySource> source) {
  if (source == nullptr) source = SystemMemory();
  return source == nullptr ? nullptr : Ptr(new (std::nothrow) Heap(std::move(source)));
}

Block* Heap::New(size_t size, size_t capacity) {
  if (capacity < size) capacity = size;
  if (capacity > kAddressEnd) return nullptr;
  const size_t footprint = Arena::RoundUp(sizeof(Block) + capacity);
  void* memory = nullptr;
  if (footprint <= kArenaMax) {
    base::AssertHolder();  // as NeedsHolder says
    memory = arena_.Allocate(footprint, Tenant::kBlock);
    if (memory == nullptr) return nullptr;
    ++arena_blocks_;
  } else {
    if (Forked()) [[unlikely]] return nullptr;
    const bool direct = footprint > PageHeap::kBytesMax;
    memory = direct ? Obtain(*source_, footprint, kPageBytes) : pages_.Allocate(footprint);
    if (memory == nullptr) {
      refused_large_.store(footprint, std::memory_order_relaxed);
      return nullptr;
    }
    if (direct) direct_held_.fetch_add(footprint, std::memory_order_relaxed);
    large_used_.fetch_add(footprint, std::memory_order_relaxed);
    shares_.fetch_add(1, std::memory_order_relaxed);
  }
  return new (memory) Block(this, size, footprint - sizeof(Block));
}

// It lies where the value's bytes were.
struct Heap::Doomed : Reclaimer::Item {
  size_t left;  // bytes of the block that still have their pages
};
struct Heap::DoomedJob : base::Bio::Job {
  size_t left;
};

// ---- Freeing --------------------------------------------------------------------------------------------------------

void Heap::Drop(Block* block) {
  const size_t footprint = block->footprint();
  if (footprint > kArenaMax) {
    if (Forked()) [[unlikely]] return;
    large_used_.fetch_sub(footprint, std::memory_order_relaxed);
    if (footprint > PageHeap::kBytesMax && SubmitFree(block)) return;
    return FreeLarge(block);
  }
  if (arena_.FreeAnywhere(block, footprint)) return;
  if (arena_pins_.fetch_sub(1, std::memory_order_acq_rel) == 1) DropShare();
}

void Heap::DropHeld(Block* block) {
  const size_t footprint = block->footprint();
  if (footprint <= kArenaMax) {
    --arena_blocks_;
    return arena_.Free(block, footprint);
  }
  large_used_.fetch_sub(footprint, std::memory_order_relaxed);
  if (footprint <= PageHeap::kBytesMax) return FreeLarge(block);
  if (bio_ != nullptr && bio_->has_threads() && SubmitFree(block)) return;
  auto* doomed = new (block->data()) Doomed;
  doomed->free_some = [](Reclaimer::Item* item, int64_t end_ns) {
    auto* const self = static_cast<Doomed*>(item);
    return FreeSome(reinterpret_cast<Block*>(self) - 1, &self->left, end_ns);
  };
  doomed->left = footprint;
  reclaimer_.Add(doomed);
}

// REQUIRES: large_used_ no longer includes the block.
void Heap::FreeLarge(Block* block) {
  const size_t footprint = block->footprint();
  if (footprint > PageHeap::kBytesMax) {
    source_->Free(block, footprint, kPageBytes);
    direct_held_.fetch_sub(footprint, std::memory_order_relaxed);
  } else {
    pages_.Free(block, footprint);
  }
  DropShare();
}

bool Heap::SubmitFree(Block* block) {
  if (bio_ == nullptr) return false;
  auto* const job = new (block->data()) DoomedJob;
  job->left = block->footprint();
  job->run_some = [](base::Bio::Job* item, int64_t end_ns) {
    auto* const self = static_cast<DoomedJob*>(item);
    return FreeSome(reinterpret_cast<Block*>(self) - 1, &self->left, end_ns);
  };
  return bio_->Submit(base::Bio::kFree, job);
}

// Discards pages from the end on, then unmaps the rest at once. To unmap a range without pages costs 10 us, and 200
// more for each 2 MB with pages, during which no other thread of the process can fault a page in. `left` lies in the
// block.
bool Heap::FreeSome(Block* block, size_t* left, int64_t end_ns) {
  constexpr size_t kSliceBytes = size_t{64} << 10;
  Heap* const heap = block->heap_;
  while (*left > kSliceBytes) {
    *left -= kSliceBytes;
    heap->source_->Discard(reinterpret_cast<char*>(block) + *left, kSliceBytes);
    if (base::MonotonicNs() >= end_ns) return true;
  }
  heap->FreeLarge(block);
  return false;
}

Block* Heap::Move(Block* block) {
  if (block->footprint() > kArenaMax || !arena_.IsSparse(block) || !block->unique()) return nullptr;
  void* const memory = arena_.AllocateForMove(block);
  if (memory == nullptr) return nullptr;
  auto* const made = new (memory) Block(this, block->size(), block->capacity());
  base::CopyBytes(made->data(), block->view());
  arena_.Free(block, block->footprint());
  return made;
}

// ---- Housekeeping ---------------------------------------------------------------------------------------------------

size_t Heap::CollectReturned(size_t max) {
  const size_t collected = arena_.CollectReturned(max);
  LARDER_DCHECK(collected <= arena_blocks_);
  arena_blocks_ -= collected;
  return collected;
}

bool Heap::Maintain(int64_t budget_ns) {
  constexpr size_t kCollectedAtOnce = 64;
  if (!WantsMaintenance()) return false;
  const int64_t end_ns = base::MonotonicNs() + budget_ns;
  const auto left_ns = [end_ns] { return end_ns - base::MonotonicNs(); };
  while (CollectReturned(kCollectedAtOnce) != 0) {
    if (left_ns() <= 0) return WantsMaintenance();
  }
  if (reclaimer_.ReclaimSome(left_ns()) || left_ns() <= 0) return WantsMaintenance();
  if (arena_.Trim(left_ns()) || left_ns() <= 0) return WantsMaintenance();
  pages_.Trim(left_ns());
  return WantsMaintenance();
}

bool Heap::GiveBack(int64_t budget_ns) {
  const int64_t end_ns = base::MonotonicNs() + budget_ns;
  return Maintain(budget_ns) || arena_.Trim(end_ns - base::MonotonicNs(), /*spares=*/true) ||
         pages_.Trim(end_ns - base::MonotonicNs(), /*spares=*/true);
}

// ---- The end --------------------------------------------------------------------------------------------------------

void Heap::Close() {
  base::AssertHolder();  // nothing runs under the executor any more
  while (reclaimer_.ReclaimSome(INT64_MAX / 2)) {
  }
  CollectReturned();
  arena_blocks_ -= arena_.CloseReturns();
  const auto out = static_cast<int64_t>(arena_blocks_);
  // Pins that came too late for the list have counted arena_pins_ below zero. Whoever brings it to zero was the last.
  if (out == 0 || arena_pins_.fetch_add(out, std::memory_order_acq_rel) + out == 0) DropShare();
}

void Heap::DropShare() {
  if (shares_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace larder::inline v0::memory
