#include "lib/executor/futex.h"

#include <climits>
#include <ctime>

#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace larder::inline v0::executor {

#if defined(__linux__)

static_assert(sizeof(std::atomic<uint32_t>) == 4, "the kernel reads the word itself");

void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen, int64_t ns_max) {
  timespec limit;
  const bool timed = ns_max >= 0;
  if (timed) {
    limit.tv_sec = static_cast<time_t>(ns_max / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(ns_max % 1'000'000'000);
  }
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, timed ? &limit : nullptr, nullptr, 0);
}

void FutexWakeOne(const std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void FutexWakeAll(const std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

int UsableProcessors() {
  cpu_set_t set;
  // The call fails if there are more processors than the set holds; that is certainly more than one.
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 2;
  return CPU_COUNT(&set);
}

#else

void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen, int64_t ns_max) {
  if (ns_max < 0) return word.wait(seen);
  // std::atomic has no timed wait. Only Close with a limit and Cancel come here, never a caller of the cache.
  const int64_t end_ns = MonotonicNs() + ns_max;
  while (word.load(std::memory_order_relaxed) == seen && MonotonicNs() < end_ns) {
    const timespec nap{0, 200'000};
    nanosleep(&nap, nullptr);
  }
}

void FutexWakeOne(const std::atomic<uint32_t>* word) { const_cast<std::atomic<uint32_t>*>(word)->notify_all(); }
void FutexWakeAll(const std::atomic<uint32_t>* word) { const_cast<std::atomic<uint32_t>*>(word)->notify_all(); }

int UsableProcessors() { return 1; }

#endif

}  // namespace larder::inline v0::executor
