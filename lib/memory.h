// Where a cache gets its memory from.
//
// All that grows with data (entries, tables, values) stands on one of these. A cache that is not told otherwise uses
// SystemMemory(); a host that has its own pool, its own limit or its own accounting gives its own in Options. An
// adapter from std::pmr::memory_resource is in <larder/memory_resource.h>.
//
// Sizes: a cache asks for chunks of 64 KB to 4 MB, aligned to 2 or 4 MB, which it cuts up itself, and for each value
//   over about 1 MB by itself. It asks for whole pages of 4 KB only.
// Failure: Allocate may return nullptr at any time. The call that needed the memory then ends with RESOURCE_EXHAUSTED
//   and changes nothing; the cache goes on, and later calls ask again. On a platform whose addresses have more than 48
//   bits, memory above 2^48 is given back at once and counts as nullptr.
// Threads: a cache calls from whatever thread needs memory, several at once, and Free comes from another thread than
//   Allocate did. Some calls come while the executor is held: a source that takes long makes every caller wait.
// Lifetime: shared. The cache keeps its source until the last of its memory is given back; a value that is still pinned
//   when the cache is closed holds on to it.
#ifndef LARDER_MEMORY_H_
#define LARDER_MEMORY_H_

#include <cstddef>
#include <memory>

#include <larder/export.h>

namespace larder::inline v0 {

// The virtual functions are all inline or pure, as Clock's are and for its reason.
class LARDER_API MemorySource {
 public:
  MemorySource() = default;
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;
  virtual ~MemorySource() = default;

  // `bytes` bytes at a multiple of `alignment`, or nullptr. What they contain does not matter.
  // Given: bytes is a multiple of 4096 and not 0; alignment is a power of two from 4096 to 4 MB.
  // Must not call the cache, nor throw.
  virtual void* Allocate(size_t bytes, size_t alignment) = 0;

  // Gives back the whole of what Allocate returned for the same `bytes` and `alignment`. Must not call the cache, nor
  // throw.
  virtual void Free(void* memory, size_t bytes, size_t alignment) = 0;

  // What [memory, memory + bytes), whole pages within one allocation, contains does not matter any more. The memory
  // stays the cache's, which may write to it again at any time without a word. A source that can let go of the pages
  // behind it (madvise) does so here: that is how a cache shrinks that still has something in every chunk, and how a
  // value of a gigabyte is freed in slices. Doing nothing is right too.
  virtual void Discard(void* memory, size_t bytes) {
    (void)memory;
    (void)bytes;
  }

  // A hint: [memory, memory + bytes), whole pieces of 2 MB aligned to 2 MB, will be full and live long.
  virtual void PreferHugePages(void* memory, size_t bytes) {
    (void)memory;
    (void)bytes;
  }
};

// The system's own: mmap, munmap, madvise. Null when there is no memory for the object.
LARDER_API std::shared_ptr<MemorySource> SystemMemory();

}  // namespace larder::inline v0

#endif  // LARDER_MEMORY_H_
