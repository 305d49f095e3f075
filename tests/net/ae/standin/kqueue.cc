#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <vector>

#include <sys/event.h>
#undef close

namespace {

constexpr uint64_t kTimerBit = uint64_t{1} << 32;

struct Queue {
  std::map<int, uint32_t> masks;  // by descriptor: EPOLLIN for its read filter, EPOLLOUT for its write filter
  int timer_fd = -1;
  bool write_first = false;  // if there is room for only one of a descriptor's two
};

std::mutex mutex;  // NOLINT: kqueue has no handle but a number
std::map<int, Queue> queues;  // NOLINT

int Fail(int error) {
  errno = error;
  return -1;
}

int ChangeTimer(int kq, Queue& queue, const struct kevent& change) {
  if (change.flags & EV_DELETE) {
    itimerspec off{};
    itimerspec before{};
    if (queue.timer_fd < 0) return Fail(ENOENT);
    timerfd_settime(queue.timer_fd, 0, &off, &before);
    return before.it_value.tv_sec == 0 && before.it_value.tv_nsec == 0 ? Fail(ENOENT) : 0;
  }
  if (change.flags != (EV_ADD | EV_ONESHOT) || change.fflags != NOTE_USECONDS || change.data <= 0) return Fail(EINVAL);
  if (queue.timer_fd < 0) {
    queue.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kTimerBit | change.ident;
    if (epoll_ctl(kq, EPOLL_CTL_ADD, queue.timer_fd, &event) != 0) return -1;
  }
  itimerspec spec{};
  spec.it_value.tv_sec = change.data / 1'000'000;
  spec.it_value.tv_nsec = change.data % 1'000'000 * 1'000;
  return timerfd_settime(queue.timer_fd, 0, &spec, nullptr);
}

int ChangeFilter(int kq, Queue& queue, const struct kevent& change) {
  const int fd = static_cast<int>(change.ident);
  const uint32_t bit = change.filter == EVFILT_READ ? EPOLLIN : EPOLLOUT;
  const auto found = queue.masks.find(fd);
  const uint32_t old_mask = found == queue.masks.end() ? 0 : found->second;
  if ((change.flags & EV_DELETE) && (old_mask & bit) == 0) return Fail(ENOENT);
  const uint32_t mask = (change.flags & EV_DELETE) ? old_mask & ~bit : old_mask | bit;
  epoll_event event{};
  event.events = mask == 0 ? 0 : mask | EPOLLRDHUP;
  event.data.u64 = static_cast<uint64_t>(fd);
  const int op = old_mask == 0 ? EPOLL_CTL_ADD : mask == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  int result = epoll_ctl(kq, op, fd, &event);
  if (result != 0 && errno == ENOENT) {
    // A kqueue forgets the filters of a descriptor when it is closed.
    queue.masks.erase(fd);
    if (change.flags & EV_DELETE) return Fail(ENOENT);
    event.events = bit | EPOLLRDHUP;
    result = epoll_ctl(kq, EPOLL_CTL_ADD, fd, &event);
    if (result == 0) queue.masks[fd] = bit;
    return result;
  }
  if (result != 0) {
    queue.masks.erase(fd);
    return -1;
  }
  if (mask == 0) {
    queue.masks.erase(fd);
  } else {
    queue.masks[fd] = mask;
  }
  return 0;
}

int Change(int kq, Queue& queue, const struct kevent& change) {
  if (change.filter == EVFILT_TIMER) return ChangeTimer(kq, queue, change);
  if (change.filter != EVFILT_READ && change.filter != EVFILT_WRITE) return Fail(EINVAL);
  return ChangeFilter(kq, queue, change);
}

// One event of epoll's as one or two of kqueue's; returns how many.
int Report(Queue& queue, const epoll_event& event, struct kevent* events, int room) {
  if (event.data.u64 & kTimerBit) {
    uint64_t expirations;
    if (read(queue.timer_fd, &expirations, sizeof(expirations)) < 0) return 0;
    EV_SET(&events[0], event.data.u64 & ~kTimerBit, EVFILT_TIMER, EV_ONESHOT, 0, 1, nullptr);
    return 1;
  }
  const int fd = static_cast<int>(event.data.u64);
  const uint32_t mask = queue.masks[fd];
  const bool failed = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
  const bool read_eof = failed || (event.events & EPOLLRDHUP);
  const bool readable = (mask & EPOLLIN) && (read_eof || (event.events & EPOLLIN));
  const bool writable = (mask & EPOLLOUT) && (failed || (event.events & EPOLLOUT));
  struct kevent read_event, write_event;
  EV_SET(&read_event, static_cast<uintptr_t>(fd), EVFILT_READ, static_cast<unsigned short>(read_eof ? EV_EOF : 0), 0, 1,
         nullptr);
  EV_SET(&write_event, static_cast<uintptr_t>(fd), EVFILT_WRITE, static_cast<unsigned short>(failed ? EV_EOF : 0), 0, 1,
         nullptr);
  if (readable && writable && room == 1) {
    queue.write_first = !queue.write_first;
    events[0] = queue.write_first ? write_event : read_event;
    return 1;
  }
  int count = 0;
  // The write filter first: a poller must not rely on an order.
  if (writable) events[count++] = write_event;
  if (readable) events[count++] = read_event;
  return count;
}

}  // namespace

int kqueue() {
  const int fd = epoll_create1(0);  // without close-on-exec, as on the BSDs
  const std::lock_guard<std::mutex> lock(mutex);
  if (fd >= 0) queues[fd] = Queue();
  return fd;
}

int kevent(int kq, const struct kevent* changes, int changes_count, struct kevent* events, int events_max,
           const timespec* timeout) {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto queue = queues.find(kq);
    if (queue == queues.end()) return Fail(EBADF);
    for (int i = 0; i < changes_count; ++i) {
      if (Change(kq, queue->second, changes[i]) != 0) return -1;
    }
  }
  if (events_max == 0) return 0;
  std::vector<epoll_event> ready(static_cast<size_t>(events_max));
  const int count = epoll_pwait2(kq, ready.data(), static_cast<int>(ready.size()), timeout, nullptr);
  if (count < 0) return -1;
  const std::lock_guard<std::mutex> lock(mutex);
  int reported = 0;
  for (int i = 0; i < count && reported < events_max; ++i) {
    reported += Report(queues[kq], ready[static_cast<size_t>(i)], events + reported, events_max - reported);
  }
  return reported;
}

int StandInClose(int fd) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto queue = queues.find(fd);
  if (queue != queues.end()) {
    if (queue->second.timer_fd >= 0) close(queue->second.timer_fd);
    queues.erase(queue);
  }
  return close(fd);
}
