// Waiting for a 32-bit word to change: the futex, and std::atomic::wait where there is none.
//
// A wake-up names an address, nothing more: it may reach a word that has been freed meanwhile, so every waiter looks at
// its word again, and every waker has made its last store before it wakes.
#ifndef LARDER_EXECUTOR_FUTEX_H_
#define LARDER_EXECUTOR_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "lib/base/monotonic.h"

namespace larder::inline v0::executor {

inline constexpr int64_t kWaitForever = -1;

// Sleeps while `word` holds `seen`. Returns for a wake-up, for none at all, or after `ns_max` nanoseconds.
void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen, int64_t ns_max = kWaitForever);

// The system call reads nothing behind `word`, so the memory may be gone by then (see above).
void FutexWakeOne(const std::atomic<uint32_t>* word);
void FutexWakeAll(const std::atomic<uint32_t>* word);

// CLOCK_MONOTONIC. Durations of the executor are real ones, whatever clock the cache was given.
using base::MonotonicNs;

// How many processors this thread may run on; 1 where the system will not say.
int UsableProcessors();

// One step of a spin: cheap for the core's other thread.
inline void SpinPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#endif
}

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_FUTEX_H_
