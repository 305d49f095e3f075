// A clock for a process that is not ours: preloaded into redis-server, it makes the time stand still until the
// simulator sets it, so that LRU and LFU see the same time there as everywhere else in a replay.
//
// LARDER_HAND_SET_CLOCK names a file of 8 bytes, milliseconds since 1970; 0 stands for the real time, and a negative
// number for a time that goes on by 1 s whenever somebody looks, so that timers fire (a server ends on one). Waits are
// the real ones: a server that waits for its next timer looks again after as long as that would really take. (So with
// 1 ms a look a server that is told to end just after its timer of 1 s has fired does so after 3 minutes.)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

const std::atomic<int64_t>* Map() {
  const char* path = std::getenv("LARDER_HAND_SET_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* memory = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<const std::atomic<int64_t>*>(memory);
}

int64_t SetMs() {
  static const std::atomic<int64_t>* const ms = Map();
  if (ms == nullptr) return 0;
  const int64_t set = ms->load(std::memory_order_acquire);
  static std::atomic<int64_t> looks{0};
  return set >= 0 ? set : looks.fetch_add(1000) - set;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  static auto* const real = reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int64_t ms = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ? 0 : SetMs();
  if (ms == 0) return real(clock, time);
  *time = {ms / 1000, ms % 1000 * 1'000'000};
  return 0;
}

int gettimeofday(timeval* now, void*) {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  *now = {time.tv_sec, time.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
