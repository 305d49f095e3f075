// A listener inside a libuv loop (Node's): served on that loop's thread, with no thread of its own.
#ifndef LARDER_TESTS_EXAMPLES_IN_LIBUV_H_
#define LARDER_TESTS_EXAMPLES_IN_LIBUV_H_

#include <larder/net/listener.h>
#include <uv.h>

#include "tests/examples/poll_by_timer.h"

// Threads: the loop's. The listener was started with own_thread = false and outlives this; the loop is still to run, if
// only uv_run(loop, UV_RUN_DEFAULT) before uv_loop_close, since libuv closes handles in a turn of its own.
class ListenerInLibuv {
 public:
  ListenerInLibuv(uv_loop_t* loop, larder::Listener& listener) : handle_(new uv_any_handle) {
    const int fd = listener.BackendFd();
    if (fd >= 0) {
      uv_poll_init(loop, &handle_->poll, fd);
      handle_->poll.data = &listener;
      uv_poll_start(&handle_->poll, UV_READABLE, [](uv_poll_t* poll, int /*status*/, int /*events*/) {
        static_cast<larder::Listener*>(poll->data)->Poll(0);
      });
    } else {
      uv_timer_init(loop, &handle_->timer);
      handle_->timer.data = &listener;
      OnTimer(&handle_->timer);
    }
  }
  ~ListenerInLibuv() {
    uv_close(&handle_->handle, [](uv_handle_t* handle) { delete reinterpret_cast<uv_any_handle*>(handle); });
  }
  ListenerInLibuv(const ListenerInLibuv&) = delete;
  ListenerInLibuv& operator=(const ListenerInLibuv&) = delete;

 private:
  static void OnTimer(uv_timer_t* timer) {
    larder::Listener& listener = *static_cast<larder::Listener*>(timer->data);
    uv_timer_start(timer, OnTimer, static_cast<uint64_t>(PollByTimer(listener)), 0);
  }

  uv_any_handle* const handle_;  // libuv's until its close callback
};

#endif  // LARDER_TESTS_EXAMPLES_IN_LIBUV_H_
