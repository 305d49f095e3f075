#include <uv.h>

#include <optional>

#include "gtest/gtest.h"
#include "tests/examples/in_libuv.h"
#include "tests/net/hosts/host.h"

namespace larder {
namespace {

class LibuvHost final : public Host {
 public:
  LibuvHost() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    EXPECT_EQ(uv_timer_init(&loop_, &timer_), 0);
    timer_.data = this;
  }
  ~LibuvHost() override {
    Detach();
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    EXPECT_EQ(uv_run(&loop_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "the adapter has left a handle behind";
  }
  void Attach(Listener& listener) override { in_loop_.emplace(&loop_, listener); }
  void Detach() override { in_loop_.reset(); }

 private:
  void Run() override {
    uv_timer_start(&timer_, OnTimer, 1, 1);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_timer_stop(&timer_);
  }
  static void OnTimer(uv_timer_t* timer) {
    if (static_cast<LibuvHost*>(timer->data)->Done()) uv_stop(timer->loop);
  }

  uv_loop_t loop_;
  uv_timer_t timer_;
  std::optional<ListenerInLibuv> in_loop_;
};

}  // namespace

std::unique_ptr<Host> MakeHost() { return std::make_unique<LibuvHost>(); }

}  // namespace larder
