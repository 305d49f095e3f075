// A program on libuv that serves Redis clients from its own loop, until Ctrl-C. It has one thread, and no other is
// made: what the cache does in the background (expiry) is done by the same loop.
//
//   in_libuv [PORT]      0, the default: one that is free
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/examples/in_libuv.h"

static void OnSecond(uv_timer_t* timer) { (void)static_cast<larder::Cache*>(timer->data)->Increment("seconds"); }

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
    std::fprintf(stderr, "in_libuv: %s\n", listener.status().ToString().c_str());
    return 1;
  }

  uv_loop_t* const loop = uv_default_loop();
  auto in_loop = std::make_unique<ListenerInLibuv>(loop, **listener);

  // The program's own work, on the same thread: it calls the cache as it likes.
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  timer.data = cache->get();
  uv_timer_start(&timer, OnSecond, 1000, 1000);
  uv_signal_t interrupt;
  uv_signal_init(loop, &interrupt);
  uv_signal_start(&interrupt, [](uv_signal_t* s, int) { uv_stop(s->loop); }, SIGINT);
  std::printf("redis-cli -p %d GET seconds\n", (*listener)->port());
  std::fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);

  in_loop.reset();
  listener->reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&interrupt), nullptr);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? 0 : 1;
}
