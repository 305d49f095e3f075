// Block: a large value with counted references.
//
// Values over kInlineValueMax bytes live outside their entry in a Block, so that a reader or a socket can use the bytes
// while the key is overwritten or deleted. The keyspace holds one reference; each pin (a View that outlives the
// executor, a reply that is being sent) holds another. Bytes may be changed only by the executor's holder and only
// while unique(); otherwise the writer copies first.
//
// A Heap (lib/memory/heap.h) makes and frees blocks.
//
// Threads: references are counted atomically, so a pin may be dropped on any thread, with Unref(). The
//   executor's holder drops with UnrefHeld(), which frees small blocks at once and very large ones in slices.
#ifndef LARDER_MEMORY_BLOCK_H_
#define LARDER_MEMORY_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/holder.h"

namespace larder::inline v0::memory {

// Values up to this size are stored inside their entry.
inline constexpr size_t kInlineValueMax = 1024;

class Heap;

class Block {
 public:
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size_}; }
  // All the memory that it takes.
  size_t footprint() const { return sizeof(Block) + capacity_; }
  // REQUIRES: n <= capacity() and unique().
  void set_size(size_t n) {
    LARDER_DCHECK(n <= capacity_ && unique());
    size_ = n;
  }
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  // Any thread.
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Drop();
  }
  // The only owner need not count down.
  void UnrefHeld() LARDER_REQUIRES_HOLDER {
    if (unique() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) DropHeld();
  }

 private:
  friend class Heap;
  Block(Heap* heap, size_t size, size_t capacity) : heap_(heap), size_(size), capacity_(capacity) {}
  ~Block() = default;
  void Drop();
  void DropHeld() LARDER_REQUIRES_HOLDER;

  Heap* heap_;
  std::atomic<uint32_t> references_{1};
  size_t size_;
  size_t capacity_;
};
static_assert(sizeof(Block) == 32);

// Owns one reference. Any thread may drop it.
class BlockRef {
 public:
  BlockRef() = default;
  // Takes over the reference that the caller holds.
  static BlockRef Adopt(Block* block) {
    BlockRef ref;
    ref.block_ = block;
    return ref;
  }
  static BlockRef Share(Block* block) {
    if (block != nullptr) block->Ref();
    return Adopt(block);
  }
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_ != nullptr) block_->Ref();
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr) block_->Unref();
  }
  // Gives the reference to the caller.
  Block* Release() { return std::exchange(block_, nullptr); }
  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  Block* block_ = nullptr;
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_BLOCK_H_
