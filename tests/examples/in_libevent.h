// A listener inside a libevent loop (memcached's, Tor's): served on that loop's thread, with no thread of its own.
#ifndef LARDER_TESTS_EXAMPLES_IN_LIBEVENT_H_
#define LARDER_TESTS_EXAMPLES_IN_LIBEVENT_H_

#include <event2/event.h>
#include <larder/net/listener.h>

#include "tests/examples/poll_by_timer.h"

// Threads: the loop's. The listener was started with own_thread = false; it and the base outlive this.
class ListenerInLibevent {
 public:
  ListenerInLibevent(event_base* base, larder::Listener& listener) : listener_(listener) {
    const int fd = listener.BackendFd();
    if (fd >= 0) {
      event_ = event_new(base, fd, EV_READ | EV_PERSIST, OnReadable, this);
      event_add(event_, nullptr);
    } else {
      event_ = evtimer_new(base, OnTimer, this);
      OnTimer(-1, EV_TIMEOUT, this);
    }
  }
  ~ListenerInLibevent() { event_free(event_); }
  ListenerInLibevent(const ListenerInLibevent&) = delete;
  ListenerInLibevent& operator=(const ListenerInLibevent&) = delete;

 private:
  static void OnReadable(evutil_socket_t, short, void* self) {
    static_cast<ListenerInLibevent*>(self)->listener_.Poll(0);
  }
  static void OnTimer(evutil_socket_t, short, void* data) {
    ListenerInLibevent& self = *static_cast<ListenerInLibevent*>(data);
    const timeval delay = {0, static_cast<suseconds_t>(PollByTimer(self.listener_) * 1000)};
    evtimer_add(self.event_, &delay);
  }

  larder::Listener& listener_;
  event* event_;
};

#endif  // LARDER_TESTS_EXAMPLES_IN_LIBEVENT_H_
