#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include <vector>

#include <port.h>

int port_create() { return epoll_create1(0); }

// An association ends with its event, as EPOLLONESHOT does.
int port_associate(int port, int source, uintptr_t object, int events, void* /*user*/) {
  if (source != PORT_SOURCE_FD) {
    errno = EINVAL;
    return -1;
  }
  epoll_event event{};
  event.events = EPOLLONESHOT | ((events & POLLIN) ? EPOLLIN : 0u) | ((events & POLLOUT) ? EPOLLOUT : 0u);
  event.data.u64 = object;
  const int fd = static_cast<int>(object);
  if (epoll_ctl(port, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  return errno == ENOENT ? epoll_ctl(port, EPOLL_CTL_ADD, fd, &event) : -1;
}

int port_dissociate(int port, int /*source*/, uintptr_t object) {
  return epoll_ctl(port, EPOLL_CTL_DEL, static_cast<int>(object), nullptr);
}

// On a timeout and on a signal `count` stays as it was given, which is the worse of what the manual allows.
int port_getn(int port, port_event_t* list, unsigned max, unsigned* count, timespec* timeout) {
  if (*count != 1) {
    errno = EINVAL;
    return -1;
  }
  std::vector<epoll_event> ready(max);
  const int result = epoll_pwait2(port, ready.data(), static_cast<int>(max), timeout, nullptr);
  if (result < 0) return -1;
  if (result == 0) {
    errno = ETIME;
    return -1;
  }
  for (int i = 0; i < result; ++i) {
    const epoll_event& event = ready[static_cast<size_t>(i)];
    port_event_t& out = list[i];
    out = port_event_t();
    out.portev_source = PORT_SOURCE_FD;
    out.portev_object = static_cast<uintptr_t>(event.data.u64);
    out.portev_events = ((event.events & EPOLLIN) ? POLLIN : 0) | ((event.events & EPOLLOUT) ? POLLOUT : 0) |
                        ((event.events & EPOLLERR) ? POLLERR : 0) | ((event.events & EPOLLHUP) ? POLLHUP : 0);
  }
  *count = static_cast<unsigned>(result);
  return 0;
}
