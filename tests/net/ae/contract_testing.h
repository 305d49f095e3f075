// The fixture of the contract suite: what every poller must do, run over each that the test program brings. The loop
// above them is the same code for all; what differs is the kernel interface below, so these tests use real descriptors.
#ifndef LARDER_TESTS_NET_AE_CONTRACT_TESTING_H_
#define LARDER_TESTS_NET_AE_CONTRACT_TESTING_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "net/ae/ae.h"
#include "tests/net/ae/ae_testing.h"

namespace larder::ae {

// Which pollers the program is about, and those of them that the platform does not know by itself. Each program of the
// suite has a file that says so: pollers_here.cc, pollers_standin.cc.
std::span<const std::string_view> PollersUnderTest();
std::span<const PollerMaker> MorePollers();

// A file event that keeps a diary, and does what a test told it to.
struct Watcher {
  std::vector<std::string>* diary = nullptr;
  std::string name;
  void (*act)(EventLoop&, int fd, Watcher&) = nullptr;
  Watcher* other = nullptr;
  Fd* fd = nullptr;
  Fd* fresh = nullptr;

  static void OnReadable(EventLoop& loop, int fd, void* data, int) { Fire(loop, fd, data, ":r"); }
  static void OnWritable(EventLoop& loop, int fd, void* data, int) { Fire(loop, fd, data, ":w"); }
  static void OnBoth(EventLoop& loop, int fd, void* data, int mask) {
    Fire(loop, fd, data, mask == (kReadable | kWritable) ? ":rw" : mask == kReadable ? ":r" : ":w");
  }
  static void Fire(EventLoop& loop, int fd, void* data, const char* suffix) {
    Watcher& self = *static_cast<Watcher*>(data);
    self.diary->push_back(self.name + suffix);
    if (self.act != nullptr) self.act(loop, fd, self);
  }
};

class ContractTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { loop_ = Make(&clock_); }

  static std::unique_ptr<EventLoop> Make(Clock* clock) {
    LoopOptions options;
    options.api = GetParam();
    options.more_pollers = MorePollers();
    options.clock = clock;
    options.set_size = 1;
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(options);
    EXPECT_TRUE(loop.ok()) << loop.status();
    EXPECT_TRUE(!loop.ok() || (*loop)->passed_over().empty()) << (*loop)->passed_over();
    return loop.ok() ? *std::move(loop) : nullptr;
  }

  static bool HasNoBackendFd() {
    return GetParam() == "select" || GetParam() == "poll" || GetParam() == "evport";
  }

  Watcher Named(std::string name) {
    Watcher watcher;
    watcher.diary = &diary_;
    watcher.name = std::move(name);
    return watcher;
  }
  absl::Status Watch(int fd, int mask, Watcher& watcher) {
    absl::Status status;
    if (mask & kReadable) status = loop_->CreateFileEvent(fd, kReadable, Watcher::OnReadable, &watcher);
    if (status.ok() && (mask & kWritable)) {
      status = loop_->CreateFileEvent(fd, mask & ~kReadable, Watcher::OnWritable, &watcher);
    }
    return status;
  }
  // One turn that does not wait; what happened in it.
  std::vector<std::string> Turn(int flags = kFullTurn) {
    diary_.clear();
    loop_->ProcessEvents(flags | kDontWait);
    return diary_;
  }

  HandSetClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<std::string> diary_;
};

inline std::atomic<int> handled{0};  // NOLINT: a signal handler has no other way
inline void OnSignal(int) { handled.fetch_add(1); }

class HostsHandler {
 public:
  explicit HostsHandler(int signal_number) : signal_(signal_number) {
    struct sigaction action = {};
    action.sa_handler = OnSignal;  // without SA_RESTART
    sigaction(signal_, &action, &old_);
  }
  ~HostsHandler() { sigaction(signal_, &old_, nullptr); }

 private:
  int signal_;
  struct sigaction old_;
};

}  // namespace larder::ae

#endif  // LARDER_TESTS_NET_AE_CONTRACT_TESTING_H_
