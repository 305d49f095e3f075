// Obtains memory from a source that fits our use: aligned, and below 2^48, since a table's slot uses 16 bits of the
// pointer for itself. Memory that does not fit is given back and counts as refused.
#ifndef LARDER_MEMORY_OBTAIN_H_
#define LARDER_MEMORY_OBTAIN_H_

#include <cstddef>
#include <cstdint>

#include <larder/memory.h>

namespace larder::inline v0::memory {

inline constexpr uint64_t kAddressEnd = uint64_t{1} << 48;

inline void* Obtain(MemorySource& source, size_t bytes, size_t alignment) {
  if (bytes >= kAddressEnd) return nullptr;
  void* memory = source.Allocate(bytes, alignment);
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  if (memory == nullptr || (address % alignment == 0 && address < kAddressEnd && bytes <= kAddressEnd - address)) {
    return memory;
  }
  source.Free(memory, bytes, alignment);
  return nullptr;
}

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_OBTAIN_H_
