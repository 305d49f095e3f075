#include <event2/event.h>

#include <optional>

#include "tests/examples/in_libevent.h"
#include "tests/net/hosts/host.h"

namespace larder {
namespace {

class LibeventHost final : public Host {
 public:
  LibeventHost() : base_(event_base_new()), timer_(event_new(base_, -1, EV_PERSIST, OnTimer, this)) {}
  ~LibeventHost() override {
    Detach();
    event_free(timer_);
    event_base_free(base_);
  }
  void Attach(Listener& listener) override { in_loop_.emplace(base_, listener); }
  void Detach() override { in_loop_.reset(); }

 private:
  void Run() override {
    const timeval ms = {0, 1000};
    event_add(timer_, &ms);
    event_base_dispatch(base_);
    event_del(timer_);
  }
  static void OnTimer(evutil_socket_t, short, void* data) {
    LibeventHost& self = *static_cast<LibeventHost*>(data);
    if (self.Done()) event_base_loopbreak(self.base_);
  }

  event_base* const base_;
  event* const timer_;
  std::optional<ListenerInLibevent> in_loop_;
};

}  // namespace

std::unique_ptr<Host> MakeHost() { return std::make_unique<LibeventHost>(); }

}  // namespace larder
