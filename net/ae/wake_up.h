// Wakes a loop from another thread: an eventfd, or a pipe where there is none.
//
// However many threads signal before the loop looks, one write is made. None is lost: a Signal that comes after the
// loop's Drain finds the flag down and writes again; one that comes before it is ordered before Drain's return, so the
// loop then sees what the signalling thread had prepared.
#ifndef LARDER_NET_AE_WAKE_UP_H_
#define LARDER_NET_AE_WAKE_UP_H_

#include <atomic>

#include "absl/status/status.h"

namespace larder::inline v0::ae {

class WakeUpFd {
 public:
  WakeUpFd() = default;
  WakeUpFd(const WakeUpFd&) = delete;
  WakeUpFd& operator=(const WakeUpFd&) = delete;
  ~WakeUpFd();

  absl::Status Open();

  // From any thread, and from a signal handler: it keeps errno, takes no lock and never blocks.
  void Signal();

  // The loop's thread, when fd() is readable.
  void Drain();

  int fd() const { return read_fd_; }

  // In a forked child: closes its copies. Of no use then.
  void CloseInChild();

 private:
  int read_fd_ = -1;
  int write_fd_ = -1;  // the same descriptor if it is an eventfd
  std::atomic<bool> signalled_{false};
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_WAKE_UP_H_
