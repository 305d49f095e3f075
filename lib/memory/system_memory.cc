// SystemMemory: mmap.
#include <sys/mman.h>

#include <cstdint>

#include <larder/memory.h>
#include "lib/base/guarded.h"

namespace larder::inline v0 {
namespace {

class MappedMemory final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    // From Linux 6.7 on, the kernel by itself places large mappings at multiples of 2 MB; all mappings begin at a page.
    char* memory = Map(bytes);
    if (memory == nullptr || reinterpret_cast<uintptr_t>(memory) % alignment == 0) return memory;
    ::munmap(memory, bytes);
    if (bytes > SIZE_MAX - alignment) return nullptr;
    memory = Map(bytes + alignment);
    if (memory == nullptr) return nullptr;
    const size_t before = -reinterpret_cast<uintptr_t>(memory) % alignment;
    if (before != 0) ::munmap(memory, before);
    ::munmap(memory + before + bytes, alignment - before);
    return memory + before;
  }

  void Free(void* memory, size_t bytes, size_t) override {
    // A process may have only so many mappings (vm.max_map_count), and a hole in one makes it two. If munmap fails for
    // that, the pages can still be given back. The address range is lost then, but there is plenty.
    if (::munmap(memory, bytes) != 0) ::madvise(memory, bytes, MADV_DONTNEED);
  }

  void Discard(void* memory, size_t bytes) override { ::madvise(memory, bytes, MADV_DONTNEED); }

  void PreferHugePages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) override {
#ifdef MADV_HUGEPAGE
    ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  }

 private:
  static char* Map(size_t bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  }
};

}  // namespace

std::shared_ptr<MemorySource> SystemMemory() {
  std::shared_ptr<MemorySource> source;
  (void)base::Guarded([&] { source = std::make_shared<MappedMemory>(); });
  return source;
}

}  // namespace larder::inline v0
