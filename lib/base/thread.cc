#include "lib/base/thread.h"

#include <signal.h>

namespace larder::inline v0::base {

int StartThread([[maybe_unused]] const char* name, void* (*main)(void* arg), void* arg, pthread_t* thread) {
  // A thread inherits the signal mask of the thread that makes it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  if (const int error = pthread_sigmask(SIG_SETMASK, &all, &before); error != 0) return error;
  pthread_t started;
  const int error = pthread_create(&started, nullptr, main, arg);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;
#if defined(__linux__)
  pthread_setname_np(started, name);
#endif
  *thread = started;
  return 0;
}

}  // namespace larder::inline v0::base
