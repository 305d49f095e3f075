// Wakes a loop from another thread: an eventfd, or a pipe where there is none.
//
// However many threads signal before the loop looks, one write is made. No signal is lost. A Signal after the loop's
// Drain finds the flag down and writes again. A Signal before it is ordered before Drain's return, so the loop then
// sees all that the signalling thread had written.
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

  // Any thread and any signal handler may call it: it keeps errno, takes no lock and never blocks.
  void Signal();

  // For the loop's thread, when fd() is readable.
  void Drain();

  int fd() const { return read_fd_; }

  // For a forked child: closes its copies of the descriptors. This object is of no use then.
  void CloseInChild();

 private:
  int read_fd_ = -1;
  int write_fd_ = -1;  // the same descriptor if it is an eventfd
  std::atomic<bool> signalled_{false};
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_WAKE_UP_H_
