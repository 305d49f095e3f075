// Event ports (illumos, Solaris): the kernel keeps the set, and a poll costs as much as there are ready descriptors. An
// association ends with its event, so descriptors that fired are associated again before the next wait. The kernel
// looks at them then, which makes this poller level-triggered.
//
// There is no BackendFd: the system does not promise that another loop can poll a port.
//
// This file has not run on illumos yet: it is compiled and put through the contract suite on Linux, against a stand-in
// for <port.h> (tests/net/ae/standin).
#include "net/ae/pollers.h"

#ifdef LARDER_AE_EVPORT

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <port.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "net/ae/grow_array.h"

namespace larder::inline v0::ae {
namespace {

constexpr unsigned kEventsMax = 1024;

class EvportPoller final : public Poller {
 public:
  explicit EvportPoller(int port) : port_(port) {}
  ~EvportPoller() override { close(port_); }

  std::string_view Name() const override { return "evport"; }

  void CloseInChild() override { close(port_); }

  absl::Status Resize(int size) override {
    const size_t events = std::clamp<size_t>(static_cast<size_t>(size), 1, kEventsMax);
    if (events_.Grow(events) && fired_.Grow(events) && watches_.Grow(static_cast<size_t>(size))) {
      return absl::OkStatus();
    }
    return base::NoMemory("out of memory for a port's events");
  }

  absl::Status Set(int fd, int /*old_mask*/, int mask) override {
    Watch& watch = watches_[static_cast<size_t>(fd)];
    if (mask == kNone) {
      watch = Watch();
      // This fails if the descriptor has fired, or was closed first.
      port_dissociate(port_, PORT_SOURCE_FD, static_cast<uintptr_t>(fd));
      return absl::OkStatus();
    }
    if (const int error = Associate(fd, mask); error != 0) return SystemError("port_associate", fd, error);
    watch.mask = static_cast<uint8_t>(mask);
    watch.associated = true;
    return absl::OkStatus();
  }

  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override {
    AssociateFired();
    const unsigned room = static_cast<unsigned>(std::min(fired.size(), events_.size()));
    LARDER_DCHECK(room > 0);
    timespec timeout{};
    if (timeout_us > 0) {
      timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
      timeout.tv_nsec = static_cast<long>(timeout_us % 1'000'000 * 1'000);
    }
    // After a failure `count` is not to be trusted. The first event's source tells whether events were taken out.
    events_[0].portev_source = 0;
    unsigned count = 1;
    if (port_getn(port_, events_.data(), room, &count, timeout_us < 0 ? nullptr : &timeout) != 0) {
      const int error = errno;
      if (events_[0].portev_source == 0 || (error != ETIME && error != EINTR)) return error == ETIME ? 0 : -error;
    }
    return Collect(std::min(count, room), fired);
  }

 private:
  struct Watch {
    uint8_t mask;
    bool associated;
  };

  int Associate(int fd, int mask) {
    const int events = ((mask & kReadable) ? POLLIN : 0) | ((mask & kWritable) ? POLLOUT : 0);
    return port_associate(port_, PORT_SOURCE_FD, static_cast<uintptr_t>(fd), events, nullptr) == 0 ? 0 : errno;
  }

  // A descriptor that cannot be associated was closed while watched. It is forgotten, as the kernel forgets those that
  // had not fired.
  void AssociateFired() {
    for (size_t i = 0; i < fired_count_; ++i) {
      Watch& watch = watches_[static_cast<size_t>(fired_[i])];
      if (watch.mask == kNone || watch.associated) continue;
      watch.associated = Associate(fired_[i], watch.mask) == 0;
      if (!watch.associated) watch = Watch();
    }
    fired_count_ = 0;
  }

  int Collect(unsigned count, std::span<FiredEvent> fired) {
    size_t filled = 0;
    for (unsigned i = 0; i < count; ++i) {
      const port_event_t& event = events_[i];
      if (event.portev_source != PORT_SOURCE_FD) continue;
      const int fd = static_cast<int>(event.portev_object);
      int mask = kNone;
      if (event.portev_events & POLLIN) mask |= kReadable;
      if (event.portev_events & POLLOUT) mask |= kWritable;
      if (event.portev_events & (POLLERR | POLLHUP)) mask |= kReadable | kWritable;
      watches_[static_cast<size_t>(fd)].associated = false;
      fired_[fired_count_++] = fd;
      fired[filled++] = {fd, mask};
    }
    return static_cast<int>(filled);
  }

  const int port_;
  GrowArray<port_event_t> events_;
  GrowArray<Watch> watches_;  // by descriptor
  GrowArray<int> fired_;      // in the last poll
  size_t fired_count_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> MakeEvportPoller() {
  const int port = port_create();
  if (port < 0) return SystemError("port_create", -1, errno);
  fcntl(port, F_SETFD, FD_CLOEXEC);
  std::unique_ptr<Poller> poller(new (std::nothrow) EvportPoller(port));
  if (poller == nullptr) {
    close(port);
    return base::NoMemory(base::kNoMemoryForPoller);
  }
  return poller;
}

}  // namespace larder::inline v0::ae

#endif  // LARDER_AE_EVPORT
