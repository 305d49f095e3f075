// epoll (Linux): the kernel keeps the set, and a poll costs as much as there are ready descriptors.
#include "net/ae/pollers.h"

#ifdef LARDER_AE_EPOLL

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "net/ae/grow_array.h"

namespace larder::inline v0::ae {
namespace {

// More events in one poll gain nothing: the cost of the call is spread thin by then.
constexpr int kEventsMax = 1024;

uint32_t ToEpoll(int mask) { return ((mask & kReadable) ? EPOLLIN : 0u) | ((mask & kWritable) ? EPOLLOUT : 0u); }

int FromEpoll(uint32_t events) {
  int mask = kNone;
  if (events & EPOLLIN) mask |= kReadable;
  if (events & EPOLLOUT) mask |= kWritable;
  if (events & (EPOLLERR | EPOLLHUP)) mask |= kReadable | kWritable;
  return mask;
}

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(int epoll_fd) : epoll_fd_(epoll_fd) {}

  ~EpollPoller() override {
    if (timer_fd_ >= 0) close(timer_fd_);
    close(epoll_fd_);
  }

  std::string_view Name() const override { return "epoll"; }

  absl::Status Resize(int size) override {
    if (events_.Grow(static_cast<size_t>(std::clamp(size, 1, kEventsMax)))) return absl::OkStatus();
    return base::NoMemory("out of memory for epoll's events");
  }

  absl::Status Set(int fd, int old_mask, int mask) override {
    epoll_event event{};
    event.events = ToEpoll(mask);
    event.data.fd = fd;
    if (mask == kNone) {
      // This fails if the descriptor was closed first; the kernel has taken it off then.
      epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &event);
      return absl::OkStatus();
    }
    const int op = old_mask == kNone ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(epoll_fd_, op, fd, &event) == 0) return absl::OkStatus();
    // The descriptor may have been closed while watched, and its number be in use again. The kernel forgot it then, and
    // the loop did not. If the old file lives on under another number, the kernel did not forget it either.
    if (errno == ENOENT && epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
    if (errno == EEXIST && epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0) return absl::OkStatus();
    return SystemError("epoll_ctl", fd, errno);
  }

  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override {
    const int timeout_ms =
        timeout_us < 0 ? -1 : static_cast<int>(std::min<int64_t>((timeout_us + 999) / 1000, 1'000'000'000));
    const int room = static_cast<int>(std::min(fired.size(), events_.size()));
    LARDER_DCHECK(room > 0);
    const int ready = epoll_wait(epoll_fd_, events_.data(), room, timeout_ms);
    if (ready < 0) return -errno;
    int count = 0;
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events_[static_cast<size_t>(i)];
      if (event.data.fd == timer_fd_) {
        uint64_t expirations;
        // Only the host's loop waits for the timer: it is enough that it stops being readable.
        [[maybe_unused]] const ssize_t n = read(timer_fd_, &expirations, sizeof(expirations));
        continue;
      }
      fired[static_cast<size_t>(count++)] = {event.data.fd, FromEpoll(event.events)};
    }
    return count;
  }

  int BackendFd() override { return epoll_fd_; }

  void CloseInChild() override {
    if (timer_fd_ >= 0) close(timer_fd_);
    close(epoll_fd_);
  }

  absl::Status ArmTimer(int64_t delay_us) override {
    if (timer_fd_ < 0) {
      if (delay_us < 0) return absl::OkStatus();
      timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
      if (timer_fd_ < 0) return SystemError("timerfd_create", -1, errno);
      if (absl::Status status = Set(timer_fd_, kNone, kReadable); !status.ok()) {
        close(timer_fd_);
        timer_fd_ = -1;
        return status;
      }
    }
    itimerspec spec{};
    if (delay_us >= 0) {
      spec.it_value.tv_sec = delay_us / 1'000'000;
      // All zero would cancel it.
      spec.it_value.tv_nsec = std::max<int64_t>(delay_us % 1'000'000 * 1'000, delay_us == 0 ? 1 : 0);
    }
    if (timerfd_settime(timer_fd_, 0, &spec, nullptr) != 0) return SystemError("timerfd_settime", -1, errno);
    return absl::OkStatus();
  }

 private:
  const int epoll_fd_;
  int timer_fd_ = -1;  // made when the loop first runs inside a host's loop
  GrowArray<epoll_event> events_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> MakeEpollPoller() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return SystemError("epoll_create1", -1, errno);
  std::unique_ptr<Poller> poller(new (std::nothrow) EpollPoller(fd));
  if (poller == nullptr) {
    close(fd);
    return base::NoMemory(base::kNoMemoryForPoller);
  }
  return poller;
}

}  // namespace larder::inline v0::ae

#endif  // LARDER_AE_EPOLL
