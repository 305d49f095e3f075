// poll (POSIX): works everywhere for any descriptor, and a poll costs as much as there are descriptors watched.
//
//   fds_    the array for poll(2), without gaps: the last descriptor takes the place of one that is taken off
//   index_  by descriptor: its place in fds_ + 1, or 0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "net/ae/grow_array.h"
#include "net/ae/pollers.h"

namespace larder::inline v0::ae {
namespace {

class PollPoller final : public Poller {
 public:
  std::string_view Name() const override { return "poll"; }

  absl::Status Resize(int size) override {
    if (fds_.Grow(static_cast<size_t>(size)) && index_.Grow(static_cast<size_t>(size))) return absl::OkStatus();
    return base::NoMemory("out of memory for poll's descriptors");
  }

  absl::Status Set(int fd, int /*old_mask*/, int mask) override {
    int& place = index_[static_cast<size_t>(fd)];
    if (mask == kNone) {
      if (place != 0) Remove(fd);
      return absl::OkStatus();
    }
    if (fcntl(fd, F_GETFD) < 0) return SystemError("poll", fd, errno);
    if (place == 0) place = ++count_;
    pollfd& watched = fds_[static_cast<size_t>(place - 1)];
    watched.fd = fd;
    watched.events = static_cast<short>(((mask & kReadable) ? POLLIN : 0) | ((mask & kWritable) ? POLLOUT : 0));
    watched.revents = 0;
    return absl::OkStatus();
  }

  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override {
    const int timeout_ms =
        timeout_us < 0 ? -1 : static_cast<int>(std::min<int64_t>((timeout_us + 999) / 1000, 1'000'000'000));
    const int ready = poll(fds_.data(), static_cast<nfds_t>(count_), timeout_ms);
    if (ready < 0) return -errno;
    return ready == 0 ? 0 : Collect(ready, fired);
  }

 private:
  void Remove(int fd) {
    const int place = index_[static_cast<size_t>(fd)];
    const pollfd last = fds_[static_cast<size_t>(--count_)];
    fds_[static_cast<size_t>(place - 1)] = last;
    index_[static_cast<size_t>(last.fd)] = place;
    index_[static_cast<size_t>(fd)] = 0;
  }

  // Begins where the last full span ended and goes round, so that no descriptor starves.
  int Collect(int ready, std::span<FiredEvent> fired) {
    size_t filled = 0;
    if (start_ >= count_) start_ = 0;
    int place = start_;
    bool closed = false;
    for (int seen = 0; seen < count_ && ready > 0; ++seen) {
      const pollfd& watched = fds_[static_cast<size_t>(place)];
      if (watched.revents != 0) {
        if (filled == fired.size()) break;
        --ready;
        if (watched.revents & POLLNVAL) {
          closed = true;
        } else {
          fired[filled++] = {watched.fd, FromPoll(watched.revents)};
        }
      }
      if (++place == count_) place = 0;
    }
    start_ = place;
    if (closed) DropClosed();
    return static_cast<int>(filled);
  }

  static int FromPoll(int events) {
    if (events & (POLLERR | POLLHUP)) return kReadable | kWritable;
    return ((events & POLLIN) ? kReadable : 0) | ((events & POLLOUT) ? kWritable : 0);
  }

  // Drops descriptors that were closed while watched. Other pollers forget them silently, so this one does too.
  void DropClosed() {
    for (int place = count_ - 1; place >= 0; --place) {
      const pollfd& watched = fds_[static_cast<size_t>(place)];
      if (watched.revents & POLLNVAL) Remove(watched.fd);
    }
  }

  GrowArray<pollfd> fds_;
  GrowArray<int> index_;
  int count_ = 0;
  int start_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> MakePollPoller() {
  std::unique_ptr<Poller> poller(new (std::nothrow) PollPoller());
  if (poller == nullptr) return base::NoMemory(base::kNoMemoryForPoller);
  return poller;
}

}  // namespace larder::inline v0::ae
