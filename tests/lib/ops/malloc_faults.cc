#include "tests/lib/ops/malloc_faults.h"

using larder::testing::MallocFaults;

extern "C" {

void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t count, size_t size);
void* __wrap_realloc(void* memory, size_t size);
void __wrap_free(void* memory);

void* __wrap_malloc(size_t size) {
  return MallocFaults::Refuse(size) ? nullptr : MallocFaults::Made(__real_malloc(size));
}

void* __wrap_calloc(size_t count, size_t size) {
  return MallocFaults::Refuse(count * size) ? nullptr : MallocFaults::Made(__real_calloc(count, size));
}

void* __wrap_realloc(void* memory, size_t size) {
  if (MallocFaults::Refuse(size)) return nullptr;
  MallocFaults::Freed(memory);
  return MallocFaults::Made(__real_realloc(memory, size));
}

void __wrap_free(void* memory) {
  MallocFaults::Freed(memory);
  __real_free(memory);
}

}  // extern "C"
