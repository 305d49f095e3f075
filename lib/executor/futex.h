// Waits for a 32-bit word to change: by a futex, or by std::atomic::wait on systems without it.
//
// A wake-up is for an address: the word may have been freed meanwhile, and another waiter sleep there. So every waiter
// looks at its word again, and every waker has made its last store before it wakes.
#ifndef LARDER_EXECUTOR_FUTEX_H_
#define LARDER_EXECUTOR_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "lib/base/monotonic.h"

namespace larder::inline v0::executor {

inline constexpr int64_t kWaitForever = -1;

// Sleeps while `word` holds `seen`. Returns after a wake-up, after `ns_max` nanoseconds, or for no reason.
void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen, int64_t ns_max = kWaitForever);

// The system call reads nothing behind `word`, so the memory may be gone by then (see above).
void FutexWakeOne(const std::atomic<uint32_t>* word);
void FutexWakeAll(const std::atomic<uint32_t>* word);

// CLOCK_MONOTONIC: the executor measures real time, whatever clock the cache was given.
using base::MonotonicNs;

// How many processors this thread may run on; 1 if the system does not say.
int UsableProcessors();

// One step of a spin. It leaves the core to its other thread.
inline void SpinPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#endif
}

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_FUTEX_H_
