// StartThread: a thread on which no signal handler of the host's ever runs.
#ifndef LARDER_BASE_THREAD_H_
#define LARDER_BASE_THREAD_H_

#include <pthread.h>

namespace larder::inline v0::base {

// Starts a thread that blocks all signals. `name` is what the system shows of it, 15 characters at most. The caller
// joins it. Returns 0, or the system's error if there is no such thread; *thread is not changed then.
[[nodiscard]] int StartThread(const char* name, void* (*main)(void* arg), void* arg, pthread_t* thread);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_THREAD_H_
