// The source of a cache's memory.
//
// Everything that grows with data (entries, tables, values) is in memory of a MemorySource. By default a cache uses
// SystemMemory(). A host with its own pool, limit or accounting gives its own source in Options.
// <larder/memory_resource.h> has an adapter from std::pmr::memory_resource.
//
// Sizes: a cache asks for chunks of 64 KB to 4 MB, aligned to 2 or 4 MB, which it cuts up itself. For each value over
//   about 1 MB it makes a request of its own. It asks for whole pages of 4 KB only.
// Failure: Allocate may return nullptr at any time. The call that needed the memory then ends with RESOURCE_EXHAUSTED
//   and changes nothing; the cache goes on, and later calls ask again. On a platform whose addresses have more than 48
//   bits, memory above 2^48 is given back at once and counts as nullptr.
// Threads: any thread that needs memory may call a source, several at once, and another thread than Allocate's may call
//   Free. Some calls come while the executor is held: a slow source makes every caller wait.
// Lifetime: shared. The cache keeps its source until the last of its memory is given back; a value that is still pinned
//   when the cache is closed keeps it too.
#ifndef LARDER_MEMORY_H_
#define LARDER_MEMORY_H_

#include <cstddef>
#include <memory>

#include <larder/export.h>

namespace larder::inline v0 {

// The virtual functions are all inline or pure, for the same reason as Clock's.
class LARDER_API MemorySource {
 public:
  MemorySource() = default;
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;
  virtual ~MemorySource() = default;

  // Returns `bytes` bytes at a multiple of `alignment`, or nullptr. Their content does not matter. `bytes` is a
  // multiple of 4096 and not 0; `alignment` is a power of two from 4096 to 4 MB. It must neither call the cache nor
  // throw.
  virtual void* Allocate(size_t bytes, size_t alignment) = 0;

  // Gives back all of the memory that Allocate returned for the same `bytes` and `alignment`. It must neither call the
  // cache nor throw.
  virtual void Free(void* memory, size_t bytes, size_t alignment) = 0;

  // The content of [memory, memory + bytes), whole pages within one allocation, does not matter any more. The memory
  // stays the cache's, which may write to it again at any time without notice. A source that can release the pages
  // (madvise) does so here. So a cache can shrink although every chunk is still in use, and a value of a gigabyte can
  // be freed in slices. Doing nothing is right too.
  virtual void Discard(void* memory, size_t bytes) {
    (void)memory;
    (void)bytes;
  }

  // A hint that [memory, memory + bytes), whole pieces of 2 MB aligned to 2 MB, will be full and live long.
  virtual void PreferHugePages(void* memory, size_t bytes) {
    (void)memory;
    (void)bytes;
  }
};

// The system's memory, by mmap, munmap and madvise. Null if there is no memory for the object.
LARDER_API std::shared_ptr<MemorySource> SystemMemory();

}  // namespace larder::inline v0

#endif  // LARDER_MEMORY_H_
