// Allocations that fail on demand, and the count of those that are alive.
//
//   Faults::Arm(3, Faults::Mode::kOnce);     the next 3 allocations of this thread succeed, one fails, the others
//   succeed Faults::Arm(3, Faults::Mode::kFromOn);   the next 3 succeed, all later ones fail
//   Faults::Disarm();                        as many as there are; returns how many were refused
//
// What counts as an allocation: operator new in all its forms, whoever calls it (a program's operator new takes the
// place of the C++ library's, also for abseil's and the C++ library's own shared objects), and malloc, calloc, realloc,
// posix_memalign, aligned_alloc, mmap and pthread_create where they are called by code that is linked in statically,
// which Larder is (the linker's --wrap; see BUILD). What the C library allocates for itself is never refused, so a
// thrown std::bad_alloc can always be made. Under AddressSanitizer all of it works as well, since the real allocation
// is its own.
//
// fsync does nothing, so that a file may be written for each of a thousand allocations.
//
// Threads: armed for the calling thread alone. Counts of live memory are of all threads.
#ifndef LARDER_TESTS_FAULT_FAULTS_H_
#define LARDER_TESTS_FAULT_FAULTS_H_

#include <cstddef>
#include <cstdint>

namespace larder::testing {

class Faults {
 public:
  enum class Mode : uint8_t { kOnce, kFromOn };

  static void Arm(size_t n, Mode mode);
  static size_t Disarm();

  // What is allocated and not freed yet, by the ways named above.
  struct Live {
    int64_t blocks = 0;        // of malloc and new
    int64_t block_bytes = 0;   // malloc_usable_size of them
    int64_t mapped_bytes = 0;  // of mmap
    bool operator==(const Live&) const = default;
  };
  static Live live();
};

}  // namespace larder::testing

#endif  // LARDER_TESTS_FAULT_FAULTS_H_
