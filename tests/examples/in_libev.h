// A listener inside a libev loop: served on that loop's thread, with no thread of its own.
#ifndef LARDER_TESTS_EXAMPLES_IN_LIBEV_H_
#define LARDER_TESTS_EXAMPLES_IN_LIBEV_H_

#include <ev.h>
#include <larder/net/listener.h>

#include "tests/examples/poll_by_timer.h"

// Threads: the loop's. The listener was started with own_thread = false; it and the loop outlive this.
class ListenerInLibev {
 public:
  ListenerInLibev(struct ev_loop* loop, larder::Listener& listener) : loop_(loop), listener_(listener) {
    const int fd = listener.BackendFd();
    ev_io_init(&io_, OnReadable, fd, EV_READ);
    ev_timer_init(&timer_, OnTimer, 0, 0);
    io_.data = timer_.data = this;
    if (fd >= 0) {
      ev_io_start(loop_, &io_);
    } else {
      ev_timer_start(loop_, &timer_);
    }
  }
  ~ListenerInLibev() {
    ev_io_stop(loop_, &io_);
    ev_timer_stop(loop_, &timer_);
  }
  ListenerInLibev(const ListenerInLibev&) = delete;
  ListenerInLibev& operator=(const ListenerInLibev&) = delete;

 private:
  static void OnReadable(struct ev_loop*, ev_io* io, int) {
    static_cast<ListenerInLibev*>(io->data)->listener_.Poll(0);
  }
  static void OnTimer(struct ev_loop* loop, ev_timer* timer, int) {
    larder::Listener& listener = static_cast<ListenerInLibev*>(timer->data)->listener_;
    ev_timer_set(timer, static_cast<double>(PollByTimer(listener)) / 1000, 0);
    ev_timer_start(loop, timer);
  }

  struct ev_loop* const loop_;
  larder::Listener& listener_;
  ev_io io_;
  ev_timer timer_;
};

#endif  // LARDER_TESTS_EXAMPLES_IN_LIBEV_H_
