#include "tests/fault/faults.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <new>

extern "C" {
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void __real_free(void* memory);
int __real_posix_memalign(void** memory, size_t alignment, size_t size);
void* __real_aligned_alloc(size_t alignment, size_t size);
void* __real_mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* address, size_t length);
int __wrap_fsync(int fd);
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* arg);
}

namespace larder::testing {
namespace {

struct Armed {
  bool on = false;
  Faults::Mode mode = Faults::Mode::kOnce;
  size_t left = 0;  // allocations that still succeed
  size_t refused = 0;
};
constinit thread_local Armed armed;

constinit std::atomic<int64_t> live_blocks{0};
constinit std::atomic<int64_t> live_block_bytes{0};
constinit std::atomic<int64_t> live_mapped_bytes{0};

bool Refuse() {
  if (!armed.on) return false;
  if (armed.left != 0) {
    --armed.left;
    return false;
  }
  if (armed.mode == Faults::Mode::kOnce && armed.refused != 0) return false;
  ++armed.refused;
  return true;
}

void Count(void* memory, int64_t sign) {
  if (memory == nullptr) return;
  live_blocks.fetch_add(sign, std::memory_order_relaxed);
  live_block_bytes.fetch_add(sign * static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
}

void* Made(void* memory) {
  Count(memory, 1);
  return memory;
}

void Freed(void* memory) {
  Count(memory, -1);
  __real_free(memory);
}

size_t RoundedUp(size_t size, size_t alignment) { return (size + alignment - 1) / alignment * alignment; }

void* New(size_t size) { return Refuse() ? nullptr : Made(__real_malloc(size == 0 ? 1 : size)); }

void* New(size_t size, std::align_val_t align) {
  const size_t alignment = static_cast<size_t>(align);
  return Refuse() ? nullptr : Made(__real_aligned_alloc(alignment, RoundedUp(size == 0 ? 1 : size, alignment)));
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void Faults::Arm(size_t n, Mode mode) { armed = {.on = true, .mode = mode, .left = n, .refused = 0}; }

size_t Faults::Disarm() {
  armed.on = false;
  return armed.refused;
}

Faults::Live Faults::live() {
  return {.blocks = live_blocks.load(std::memory_order_relaxed),
          .block_bytes = live_block_bytes.load(std::memory_order_relaxed),
          .mapped_bytes = live_mapped_bytes.load(std::memory_order_relaxed)};
}

}  // namespace larder::testing

using larder::testing::Count;
using larder::testing::Freed;
using larder::testing::Made;
using larder::testing::New;
using larder::testing::OrThrow;
using larder::testing::Refuse;

extern "C" {

void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t count, size_t size);
void* __wrap_realloc(void* memory, size_t size);
void __wrap_free(void* memory);
int __wrap_posix_memalign(void** memory, size_t alignment, size_t size);
void* __wrap_aligned_alloc(size_t alignment, size_t size);
void* __wrap_mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void* address, size_t length);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* arg);

void* __wrap_malloc(size_t size) { return Refuse() ? nullptr : Made(__real_malloc(size)); }

void* __wrap_calloc(size_t count, size_t size) { return Refuse() ? nullptr : Made(__real_calloc(count, size)); }

void* __wrap_realloc(void* memory, size_t size) {
  if (Refuse()) return nullptr;
  Count(memory, -1);
  void* const moved = __real_realloc(memory, size);
  Count(moved == nullptr ? memory : moved, 1);
  return moved;
}

void __wrap_free(void* memory) { Freed(memory); }

int __wrap_posix_memalign(void** memory, size_t alignment, size_t size) {
  if (Refuse()) return ENOMEM;
  const int error = __real_posix_memalign(memory, alignment, size);
  if (error == 0) Made(*memory);
  return error;
}

void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  return Refuse() ? nullptr : Made(__real_aligned_alloc(alignment, size));
}

void* __wrap_mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  if (Refuse()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* const memory = __real_mmap(address, length, protection, flags, fd, offset);
  // A mapping laid over an older one, at an address that is demanded, takes its place in the count too.
  if (memory != MAP_FAILED && (flags & MAP_FIXED) == 0) {
    larder::testing::live_mapped_bytes.fetch_add(static_cast<int64_t>(length), std::memory_order_relaxed);
  }
  return memory;
}

int __wrap_munmap(void* address, size_t length) {
  const int error = __real_munmap(address, length);
  if (error == 0) {
    larder::testing::live_mapped_bytes.fetch_sub(static_cast<int64_t>(length), std::memory_order_relaxed);
  }
  return error;
}

// A file that is written thousands of times need not be on disk.
int __wrap_fsync(int) { return 0; }

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* arg) {
  return Refuse() ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

}  // extern "C"

void* operator new(size_t size) { return OrThrow(New(size)); }
void* operator new[](size_t size) { return OrThrow(New(size)); }
void* operator new(size_t size, std::align_val_t align) { return OrThrow(New(size, align)); }
void* operator new[](size_t size, std::align_val_t align) { return OrThrow(New(size, align)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return New(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return New(size); }
void* operator new(size_t size, std::align_val_t align, const std::nothrow_t&) noexcept { return New(size, align); }
void* operator new[](size_t size, std::align_val_t align, const std::nothrow_t&) noexcept { return New(size, align); }

void operator delete(void* memory) noexcept { Freed(memory); }
void operator delete[](void* memory) noexcept { Freed(memory); }
void operator delete(void* memory, size_t) noexcept { Freed(memory); }
void operator delete[](void* memory, size_t) noexcept { Freed(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Freed(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { Freed(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Freed(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { Freed(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { Freed(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { Freed(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { Freed(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { Freed(memory); }
