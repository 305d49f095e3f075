// A program on libev that serves Redis clients from its own loop, until Ctrl-C. It has one thread, and no other is
// made: what the cache does in the background (expiry) is done by the same loop.
//
//   in_libev [PORT]      0, the default: one that is free
#include <ev.h>
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/examples/in_libev.h"

static void OnSecond(struct ev_loop*, ev_timer* timer, int) {
  (void)static_cast<larder::Cache*>(timer->data)->Increment("seconds");
}

int main(int argc, char** argv) {
  larder::Options options;
  options.background = larder::Background::kLoop;
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::Open(options);
  if (!cache.ok()) return 1;
  larder::ListenerOptions listen;
  listen.bind = {"127.0.0.1"};
  listen.port = argc > 1 ? std::atoi(argv[1]) : 0;
  listen.any_port = listen.port == 0;
  listen.own_thread = false;
  absl::StatusOr<std::unique_ptr<larder::Listener>> listener = larder::Listener::Start(**cache, listen);
  if (!listener.ok()) {
    std::fprintf(stderr, "in_libev: %s\n", listener.status().ToString().c_str());
    return 1;
  }

  struct ev_loop* const loop = ev_default_loop(0);
  auto in_loop = std::make_unique<ListenerInLibev>(loop, **listener);

  // The program's own work, on the same thread: it calls the cache as it likes.
  ev_timer timer;
  ev_timer_init(&timer, OnSecond, 1, 1);
  timer.data = cache->get();
  ev_timer_start(loop, &timer);
  ev_signal interrupt;
  ev_signal_init(&interrupt, [](struct ev_loop* l, ev_signal*, int) { ev_break(l, EVBREAK_ALL); }, SIGINT);
  ev_signal_start(loop, &interrupt);
  std::printf("redis-cli -p %d GET seconds\n", (*listener)->port());
  std::fflush(stdout);
  ev_run(loop, 0);

  in_loop.reset();
  listener->reset();
  ev_timer_stop(loop, &timer);
  ev_signal_stop(loop, &interrupt);
  return 0;
}
