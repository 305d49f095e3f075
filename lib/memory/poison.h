// Tells AddressSanitizer which bytes of our own allocators nobody may touch. In other builds it does nothing.
#ifndef LARDER_MEMORY_POISON_H_
#define LARDER_MEMORY_POISON_H_

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define LARDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_ASAN 1
#endif
#endif

#ifdef LARDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace larder::inline v0::memory {

inline void Poison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef LARDER_ASAN
  __asan_poison_memory_region(memory, bytes);
#endif
}

inline void Unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef LARDER_ASAN
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_POISON_H_
