// Memory that runs out on demand, for the allocations of statically linked code (the linker's --wrap; see BUILD).
//
//   MallocFaults::FailFrom(n)   the next n allocations succeed, all later ones fail
//   MallocFaults::FailOnly(n)   the next n succeed, one fails, the others succeed
//   MallocFaults::Limit(bytes)  allocations succeed while those made from now on, less those freed, fit into `bytes`
//   MallocFaults::Off()         as many as there are; returns how many have failed
//
// Counts allocations of all threads; tests that use it have one.
#ifndef LARDER_TESTS_LIB_OPS_MALLOC_FAULTS_H_
#define LARDER_TESTS_LIB_OPS_MALLOC_FAULTS_H_

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void __real_free(void* memory);
}

namespace larder::testing {

class MallocFaults {
 public:
  static void FailFrom(size_t n) { Start(n, SIZE_MAX, SIZE_MAX); }
  static void FailOnly(size_t n) { Start(n, 1, SIZE_MAX); }
  static void Limit(size_t bytes) { Start(SIZE_MAX, 0, bytes); }
  static size_t Off() {
    on_ = false;
    return failed_;
  }

  // For the wrappers.
  static bool Refuse(size_t size) {
    if (!on_) return false;
    const bool by_count = allocations_ >= first_ && allocations_ - first_ < how_many_;
    ++allocations_;
    const bool refused = by_count || (limit_ != SIZE_MAX && used_ + static_cast<intptr_t>(size) >
                                                                static_cast<intptr_t>(limit_));
    failed_ += refused;
    return refused;
  }
  static void* Made(void* memory) {
    if (on_ && memory != nullptr) used_ += static_cast<intptr_t>(malloc_usable_size(memory));
    return memory;
  }
  static void Freed(void* memory) {
    if (on_ && memory != nullptr) used_ -= static_cast<intptr_t>(malloc_usable_size(memory));
  }

 private:
  static void Start(size_t first, size_t how_many, size_t limit) {
    first_ = first;
    how_many_ = how_many;
    limit_ = limit;
    allocations_ = failed_ = 0;
    used_ = 0;
    on_ = true;
  }
  inline static bool on_ = false;
  inline static size_t first_ = 0;
  inline static size_t how_many_ = 0;
  inline static size_t limit_ = SIZE_MAX;
  inline static size_t allocations_ = 0;
  inline static size_t failed_ = 0;
  inline static intptr_t used_ = 0;
};

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_OPS_MALLOC_FAULTS_H_
