// kqueue (the BSDs and macOS): the kernel keeps the set, as two filters to a descriptor, and a poll costs as much as
// there are ready filters.
//
// This file has not run on a BSD or on macOS yet: it is compiled and put through the contract suite on Linux, against a
// stand-in for <sys/event.h> (tests/net/ae/standin).
#include "net/ae/pollers.h"

#ifdef LARDER_AE_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <sys/event.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "net/ae/grow_array.h"

namespace larder::inline v0::ae {
namespace {

constexpr int kEventsMax = 1024;
constexpr uintptr_t kTimer = 1;  // the identifier of the timer, which is no descriptor

class KqueuePoller final : public Poller {
 public:
  explicit KqueuePoller(int kqueue_fd) : kqueue_fd_(kqueue_fd) {}
  ~KqueuePoller() override { close(kqueue_fd_); }

  std::string_view Name() const override { return "kqueue"; }

  // A kqueue's descriptor is not inherited by a child.
  void CloseInChild() override {}

  absl::Status Resize(int size) override {
    const size_t events = static_cast<size_t>(std::clamp(size, 1, kEventsMax));
    if (events_.Grow(events) && fired_at_.Grow(static_cast<size_t>(size))) return absl::OkStatus();
    return base::NoMemory("out of memory for kqueue's events");
  }

  // All of `mask` is added, whatever was watched before: the descriptor may have been closed while watched and its
  // number be in use again, and then the kernel has forgotten the old filters. Adding a filter that is there changes
  // nothing.
  absl::Status Set(int fd, int old_mask, int mask) override {
    int added = kNone;
    for (int bit : {kReadable, kWritable}) {
      if ((mask & bit) == 0) continue;
      if (const int error = Change(fd, bit, EV_ADD); error != 0) {
        Remove(fd, added & ~old_mask);
        return SystemError("kevent", fd, error);
      }
      added |= bit;
    }
    Remove(fd, old_mask & ~mask);
    return absl::OkStatus();
  }

  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override {
    timespec timeout{};
    if (timeout_us > 0) {
      timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
      timeout.tv_nsec = static_cast<long>(timeout_us % 1'000'000 * 1'000);
    }
    const int room = static_cast<int>(std::min(fired.size(), events_.size()));
    LARDER_DCHECK(room > 0);
    const int ready = kevent(kqueue_fd_, nullptr, 0, events_.data(), room, timeout_us < 0 ? nullptr : &timeout);
    if (ready < 0) return -errno;
    size_t count = 0;
    for (int i = 0; i < ready; ++i) {
      const struct kevent& event = events_[static_cast<size_t>(i)];
      if (event.filter == EVFILT_TIMER) continue;  // one-shot; the host's loop has seen it
      const int fd = static_cast<int>(event.ident);
      const int mask = event.filter == EVFILT_READ ? kReadable : kWritable;
      // The two filters of a descriptor make one event of the loop; otherwise a barrier could not hold.
      const size_t at = fired_at_[static_cast<size_t>(fd)];
      if (at < count && fired[at].fd == fd) {
        fired[at].mask |= mask;
        continue;
      }
      fired_at_[static_cast<size_t>(fd)] = static_cast<uint32_t>(count);
      fired[count++] = {fd, mask};
    }
    return static_cast<int>(count);
  }

  int BackendFd() override { return kqueue_fd_; }

  absl::Status ArmTimer(int64_t delay_us) override {
    struct kevent change;
    if (delay_us < 0) {
      EV_SET(&change, kTimer, EVFILT_TIMER, EV_DELETE, 0, 0, 0);
      kevent(kqueue_fd_, &change, 1, nullptr, 0, nullptr);  // this fails if it has fired
      return absl::OkStatus();
    }
    // 0 does not mean the same on all systems.
    const int64_t wait_us = std::max<int64_t>(delay_us, 1);
#ifdef NOTE_USECONDS
    EV_SET(&change, kTimer, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_USECONDS, wait_us, 0);
#else
    EV_SET(&change, kTimer, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, (wait_us + 999) / 1000, 0);
#endif
    if (kevent(kqueue_fd_, &change, 1, nullptr, 0, nullptr) != 0) return SystemError("kevent of a timer", -1, errno);
    return absl::OkStatus();
  }

 private:
  int Change(int fd, int bit, int flags) {
    struct kevent change;
    EV_SET(&change, static_cast<uintptr_t>(fd), bit == kReadable ? EVFILT_READ : EVFILT_WRITE,
           static_cast<unsigned short>(flags), 0, 0, 0);
    int result;
    do {
      result = kevent(kqueue_fd_, &change, 1, nullptr, 0, nullptr);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
  }

  // The call fails for a descriptor that was closed first: the kernel has forgotten it.
  void Remove(int fd, int mask) {
    for (int bit : {kReadable, kWritable}) {
      if (mask & bit) Change(fd, bit, EV_DELETE);
    }
  }

  const int kqueue_fd_;
  GrowArray<struct kevent> events_;
  GrowArray<uint32_t> fired_at_;  // by descriptor: the place in `fired` of its first event in this poll
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> MakeKqueuePoller() {
  const int fd = kqueue();
  if (fd < 0) return SystemError("kqueue", -1, errno);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  std::unique_ptr<Poller> poller(new (std::nothrow) KqueuePoller(fd));
  if (poller == nullptr) {
    close(fd);
    return base::NoMemory(base::kNoMemoryForPoller);
  }
  return poller;
}

}  // namespace larder::inline v0::ae

#endif  // LARDER_AE_KQUEUE
