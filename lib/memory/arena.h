// Arena: where a cache's entries and tables live, with exact accounting.
//
// This one is plain: it stands on malloc and rounds as a size-class allocator would. The interface is what stays: the
// caller gives the size back on Free, allocation may return nullptr, and used() is what maxmemory is compared with.
//
// Threads: only the executor's holder.
#ifndef LARDER_MEMORY_ARENA_H_
#define LARDER_MEMORY_ARENA_H_

#include <cstddef>
#include <cstdlib>

namespace larder::inline v0::memory {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // What `bytes` really takes: malloc's granularity and its header.
  static constexpr size_t kHeaderBytes = 8;
  static constexpr size_t RoundUp(size_t bytes) {
    return bytes + kHeaderBytes <= 32 ? 32 : (bytes + kHeaderBytes + 15) & ~size_t{15};
  }

  // nullptr when there is no memory. All of the rounded size but malloc's header is the caller's: an entry whose value
  // grows within it stays where it is.
  void* Allocate(size_t bytes) {
    void* memory = std::malloc(RoundUp(bytes) - kHeaderBytes);
    if (memory != nullptr) {
      used_ += RoundUp(bytes);
      ++blocks_;
    }
    return memory;
  }

  // The same, zeroed.
  void* AllocateZeroed(size_t bytes) {
    void* memory = std::calloc(1, bytes);
    if (memory != nullptr) {
      used_ += RoundUp(bytes);
      ++blocks_;
    }
    return memory;
  }

  // `bytes` is what was asked for.
  void Free(void* memory, size_t bytes) {
    if (memory == nullptr) return;
    used_ -= RoundUp(bytes);
    --blocks_;
    std::free(memory);
  }

  size_t used() const { return used_; }
  size_t blocks() const { return blocks_; }

 private:
  size_t used_ = 0;
  size_t blocks_ = 0;
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_ARENA_H_
