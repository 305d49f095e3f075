// StartThread: starts a thread on which no signal handler of the host's ever runs.
#ifndef LARDER_BASE_THREAD_H_
#define LARDER_BASE_THREAD_H_

#include <pthread.h>

namespace larder::inline v0::base {

// Starts a thread that blocks all signals. The system shows it as `name`, at most 15 characters. The caller must join
// it. Returns 0 or the system's error; after an error *thread is not changed.
[[nodiscard]] int StartThread(const char* name, void* (*main)(void* arg), void* arg, pthread_t* thread);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_THREAD_H_
