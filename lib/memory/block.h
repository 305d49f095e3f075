// Block: a large value that several may hold.
//
// Values over kInlineValueMax bytes live outside their entry in a Block, so that a reader or a socket can go on using
// the bytes while the key is overwritten or deleted. The keyspace holds one reference; each pin (a View that outlives
// the executor, a reply that is being sent) holds another. Bytes may be changed only by the executor's holder and only
// while unique(); otherwise the writer copies first.
//
// Threads: references are counted atomically, so a pin may be dropped on any thread; the last one frees.
// Memory: malloc, counted in the BlockSource that made it (atomic, so that a drop elsewhere is counted at once). The
//   source outlives its blocks: the cache owns it and Close reports pins that are left.
#ifndef LARDER_MEMORY_BLOCK_H_
#define LARDER_MEMORY_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace larder::inline v0::memory {

// Values up to this size are stored inside their entry.
inline constexpr size_t kInlineValueMax = 1024;

class Block;

// Counts what a cache's blocks take. One a cache.
class BlockSource {
 public:
  // A block of `size` unset bytes with room for `capacity` (at least `size`), one reference, or nullptr when there is
  // no memory. Any thread.
  Block* New(size_t size, size_t capacity);
  size_t used() const { return used_.load(std::memory_order_relaxed); }
  size_t blocks() const { return blocks_.load(std::memory_order_relaxed); }

 private:
  friend class Block;
  std::atomic<size_t> used_{0};
  std::atomic<size_t> blocks_{0};
};

class Block {
 public:
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size_}; }
  size_t footprint() const { return sizeof(Block) + capacity_; }
  // REQUIRES: n <= capacity() and unique().
  void set_size(size_t n) {
    LARDER_DCHECK(n <= capacity_ && unique());
    size_ = n;
  }
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    source_->used_.fetch_sub(footprint(), std::memory_order_relaxed);
    source_->blocks_.fetch_sub(1, std::memory_order_relaxed);
    this->~Block();
    std::free(this);
  }

 private:
  friend class BlockSource;
  Block(BlockSource* source, size_t size, size_t capacity) : source_(source), size_(size), capacity_(capacity) {}
  ~Block() = default;

  BlockSource* source_;
  std::atomic<uint32_t> references_{1};
  size_t size_;
  size_t capacity_;
};

inline Block* BlockSource::New(size_t size, size_t capacity) {
  if (capacity < size) capacity = size;
  if (capacity > SIZE_MAX - sizeof(Block)) return nullptr;
  void* memory = std::malloc(sizeof(Block) + capacity);
  if (memory == nullptr) return nullptr;
  Block* block = new (memory) Block(this, size, capacity);
  used_.fetch_add(block->footprint(), std::memory_order_relaxed);
  blocks_.fetch_add(1, std::memory_order_relaxed);
  return block;
}

// Owns one reference.
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
