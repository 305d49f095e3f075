#include <ev.h>

#include <optional>

#include "tests/examples/in_libev.h"
#include "tests/net/hosts/host.h"

namespace larder {
namespace {

class LibevHost final : public Host {
 public:
  LibevHost() : loop_(ev_loop_new(0)) {
    ev_timer_init(&timer_, OnTimer, 0.001, 0.001);
    timer_.data = this;
  }
  ~LibevHost() override {
    Detach();
    ev_loop_destroy(loop_);
  }
  void Attach(Listener& listener) override { in_loop_.emplace(loop_, listener); }
  void Detach() override { in_loop_.reset(); }

 private:
  void Run() override {
    ev_timer_start(loop_, &timer_);
    ev_run(loop_, 0);
    ev_timer_stop(loop_, &timer_);
  }
  static void OnTimer(struct ev_loop* loop, ev_timer* timer, int) {
    if (static_cast<LibevHost*>(timer->data)->Done()) ev_break(loop, EVBREAK_ALL);
  }

  struct ev_loop* const loop_;
  ev_timer timer_;
  std::optional<ListenerInLibev> in_loop_;
};

}  // namespace

std::unique_ptr<Host> MakeHost() { return std::make_unique<LibevHost>(); }

}  // namespace larder
