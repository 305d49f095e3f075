// For a host's loop and a listener whose poller has no descriptor to watch (Listener::BackendFd() is -1: select, poll):
// the host looks by a timer. A request that comes while all is quiet waits for 10 ms at most, at 100 looks a second; as
// long as there is something to do, the host looks again in each of its turns.
#ifndef LARDER_TESTS_EXAMPLES_POLL_BY_TIMER_H_
#define LARDER_TESTS_EXAMPLES_POLL_BY_TIMER_H_

#include <larder/net/listener.h>

#include <algorithm>
#include <cstdint>

// Serves what is ready. Returns in how many ms to do it again.
inline int64_t PollByTimer(larder::Listener& listener) {
  constexpr int64_t kLookMs = 10;
  if (listener.Poll(0) > 0) return 0;
  const int64_t due_ms = listener.NextDelayMs();
  return due_ms < 0 ? kLookMs : std::min(due_ms, kLookMs);
}

#endif  // LARDER_TESTS_EXAMPLES_POLL_BY_TIMER_H_
