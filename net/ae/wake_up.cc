#include "net/ae/wake_up.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__) && !defined(LARDER_AE_STANDIN)
#define LARDER_AE_EVENTFD 1
#include <sys/eventfd.h>
#endif

#include <cstdint>

#include "net/ae/system_error.h"

namespace larder::inline v0::ae {
namespace {

#ifndef LARDER_AE_EVENTFD
bool OpenPipe(int* fds) {
#ifdef __APPLE__
  // Without pipe2 a child that the host forks and executes right now inherits the pipe.
  if (pipe(fds) != 0) return false;
  for (int i : {0, 1}) {
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    fcntl(fds[i], F_SETFL, O_NONBLOCK);
  }
  return true;
#else
  return pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0;
#endif
}
#endif

}  // namespace

WakeUpFd::~WakeUpFd() { CloseInChild(); }

void WakeUpFd::CloseInChild() {
  if (write_fd_ >= 0 && write_fd_ != read_fd_) close(write_fd_);
  if (read_fd_ >= 0) close(read_fd_);
  read_fd_ = write_fd_ = -1;
}

absl::Status WakeUpFd::Open() {
#ifdef LARDER_AE_EVENTFD
  read_fd_ = write_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (read_fd_ < 0) return SystemError("eventfd", -1, errno);
#else
  int fds[2];
  if (!OpenPipe(fds)) return SystemError("pipe", -1, errno);
  read_fd_ = fds[0];
  write_fd_ = fds[1];
#endif
  return absl::OkStatus();
}

void WakeUpFd::Signal() {
  if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
  const int saved = errno;
  const uint64_t one = 1;
  // The pipe cannot be full: a second write is made only after a Drain.
  while (write(write_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  errno = saved;
}

void WakeUpFd::Drain() {
  uint64_t count;
  while (read(read_fd_, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
  // The exchange reads the value of the last signaller's, which makes all that it wrote before visible here.
  signalled_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace larder::inline v0::ae
