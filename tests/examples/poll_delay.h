// How long a host's loop may leave a listener alone whose poller has no descriptor to watch (Listener::BackendFd() is
// -1: select, poll). Requests then wait for the host's next look: 10 ms at most here, at 100 looks a second when idle.
#ifndef LARDER_TESTS_EXAMPLES_POLL_DELAY_H_
#define LARDER_TESTS_EXAMPLES_POLL_DELAY_H_

#include <larder/net/listener.h>

#include <algorithm>
#include <cstdint>

inline int64_t PollDelayMs(larder::Listener& listener) {
  constexpr int64_t kLookMs = 10;
  const int64_t due_ms = listener.NextDelayMs();
  return due_ms < 0 ? kLookMs : std::min(due_ms, kLookMs);
}

#endif  // LARDER_TESTS_EXAMPLES_POLL_DELAY_H_
