// A program on libevent that serves Redis clients from its own loop, until Ctrl-C. It has one thread, and no other is
// made: what the cache does in the background (expiry) is done by the same loop.
//
//   in_libevent [PORT]      0, the default: one that is free
#include <event2/event.h>
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/examples/in_libevent.h"

static void OnSecond(evutil_socket_t, short, void* cache) {
  (void)static_cast<larder::Cache*>(cache)->Increment("seconds");
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
    std::fprintf(stderr, "in_libevent: %s\n", listener.status().ToString().c_str());
    return 1;
  }

  event_base* const base = event_base_new();
  auto in_loop = std::make_unique<ListenerInLibevent>(base, **listener);

  // The program's own work, on the same thread: it calls the cache as it likes.
  event* const timer = event_new(base, -1, EV_PERSIST, OnSecond, cache->get());
  const timeval second = {1, 0};
  event_add(timer, &second);
  event* const interrupt = evsignal_new(
      base, SIGINT, [](evutil_socket_t, short, void* b) { event_base_loopbreak(static_cast<event_base*>(b)); }, base);
  event_add(interrupt, nullptr);
  std::printf("redis-cli -p %d GET seconds\n", (*listener)->port());
  std::fflush(stdout);
  event_base_dispatch(base);

  in_loop.reset();
  listener->reset();
  event_free(timer);
  event_free(interrupt);
  event_base_free(base);
  return 0;
}
