// select (POSIX): works everywhere, for descriptors below FD_SETSIZE, and a poll costs as much as the highest of them.
#include <errno.h>
#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/fixed_text.h"
#include "lib/base/status.h"
#include "net/ae/pollers.h"

namespace larder::inline v0::ae {
namespace {

class SelectPoller final : public Poller {
 public:
  SelectPoller() {
    FD_ZERO(&readable_);
    FD_ZERO(&writable_);
  }

  std::string_view Name() const override { return "select"; }

  // The sets have a fixed size; Set refuses descriptors that do not fit.
  absl::Status Resize(int /*size*/) override { return absl::OkStatus(); }

  absl::Status Set(int fd, int /*old_mask*/, int mask) override {
    if (fd < 0 || fd >= FD_SETSIZE) {
      if (mask == kNone) return absl::OkStatus();
      const base::Line text("select cannot watch descriptor ", fd, ": its limit, FD_SETSIZE, is ", int{FD_SETSIZE},
                            "; use another ae-api or fewer clients");
      return base::MakeStatus(absl::StatusCode::kOutOfRange, text.view());
    }
    if (mask != kNone && fcntl(fd, F_GETFD) < 0) return SystemError("select", fd, errno);
    Put(&readable_, fd, mask & kReadable);
    Put(&writable_, fd, mask & kWritable);
    if (mask != kNone) {
      highest_ = std::max(highest_, fd);
    } else {
      while (highest_ >= 0 && !Watched(highest_)) --highest_;
    }
    return absl::OkStatus();
  }

  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override {
    fd_set readable = readable_;
    fd_set writable = writable_;
    timeval timeout;
    timeval* wait = nullptr;
    if (timeout_us >= 0) {
      timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
      timeout.tv_usec = static_cast<suseconds_t>(timeout_us % 1'000'000);
      wait = &timeout;
    }
    int ready = select(highest_ + 1, &readable, &writable, nullptr, wait);
    if (ready < 0) {
      const int error = errno;
      if (error == EBADF && DropClosed()) return 0;
      return -error;
    }
    return ready == 0 ? 0 : Collect(readable, writable, fired);
  }

 private:
  static void Put(fd_set* set, int fd, bool in) {
    if (in) {
      FD_SET(fd, set);
    } else {
      FD_CLR(fd, set);
    }
  }

  bool Watched(int fd) const { return FD_ISSET(fd, &readable_) || FD_ISSET(fd, &writable_); }

  // Begins where the last full span ended and goes round, so that high descriptors do not starve behind low ones.
  int Collect(const fd_set& readable, const fd_set& writable, std::span<FiredEvent> fired) {
    const int total = highest_ + 1;
    if (start_ >= total) start_ = 0;
    size_t count = 0;
    for (int i = 0; i < total; ++i) {
      const int fd = start_ + i < total ? start_ + i : start_ + i - total;
      const int mask = (FD_ISSET(fd, &readable) ? kReadable : 0) | (FD_ISSET(fd, &writable) ? kWritable : 0);
      if (mask == kNone) continue;
      if (count == fired.size()) {
        start_ = fd;
        break;
      }
      fired[count++] = {fd, mask};
    }
    return static_cast<int>(count);
  }

  // One closed descriptor makes select fail for all of them. Other pollers forget it silently, so this one does too.
  bool DropClosed() {
    bool dropped = false;
    for (int fd = 0; fd <= highest_; ++fd) {
      if (!Watched(fd) || fcntl(fd, F_GETFD) >= 0) continue;
      FD_CLR(fd, &readable_);
      FD_CLR(fd, &writable_);
      dropped = true;
    }
    while (highest_ >= 0 && !Watched(highest_)) --highest_;
    return dropped;
  }

  fd_set readable_;
  fd_set writable_;
  int highest_ = -1;
  int start_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> MakeSelectPoller() {
  std::unique_ptr<Poller> poller(new (std::nothrow) SelectPoller());
  if (poller == nullptr) return base::NoMemory(base::kNoMemoryForPoller);
  return poller;
}

}  // namespace larder::inline v0::ae
