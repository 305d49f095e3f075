// The listener inside the loops of others, by the adapters of tests/examples, over each poller: those with a descriptor
// that the host watches, and those that it has to poll by time. One thread, the host's, serves clients on another.
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <dirent.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/hosts/host.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

size_t Threads() {
  size_t count = 0;
  DIR* dir = opendir("/proc/self/task");
  while (const dirent* entry = readdir(dir)) count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

// Runs `wait` while `work` runs on a thread, which is no longer listed afterwards: that is a moment after it is joined.
void WithThread(const std::function<void()>& work, const std::function<void()>& wait) {
  std::atomic<pid_t> id;
  std::thread thread([&] {
    id = gettid();
    work();
  });
  wait();
  thread.join();
  const std::string entry = "/proc/self/task/" + std::to_string(id);
  while (access(entry.c_str(), F_OK) == 0) std::this_thread::yield();
}

class HostsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    ASSERT_TRUE(ApplyConfigText(options_, "ae-api " + name + "\n", "test").ok());
    options_.background = Background::kLoop;
    const std::unique_ptr<Cache> cache = *Cache::Open(options_);
    const absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache, Where());
    ASSERT_TRUE(listener.ok()) << listener.status();
    // Where the kernel forbids io_uring the listener takes the next best, and hosts have to get on with that as well.
    if (name != "io_uring") {
      EXPECT_EQ((*listener)->poller(), name);
    }
    host_ = MakeHost();
  }
  void TearDown() override {
    if (host_ != nullptr) host_->Detach();  // before what it watches
    listener_.reset();
    cache_.reset();
  }

  static ListenerOptions Where() {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.own_thread = false;
    where.io_uring = &Uring();
    return where;
  }
  void Start() {
    if (cache_ == nullptr) {
      absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
      ASSERT_TRUE(cache.ok()) << cache.status();
      cache_ = *std::move(cache);
    }
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, Where());
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    host_->Attach(*listener_);
  }

  // Runs the host's loop while `client` runs on a thread of its own.
  void Serve(const std::function<void(TestClient&)>& client) {
    std::atomic<bool> over{false};
    WithThread(
        [&] {
          TestClient connection = TestClient::Tcp(listener_->port());
          client(connection);
          over = true;
        },
        [&] { host_->RunUntil([&] { return over.load(); }); });
  }

  int64_t Keys() { return cache_->Execute({"DBSIZE"})->integer(); }

  Options options_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Host> host_;
};

// By their ae-api names: those that a build lacks or a kernel refuses are skipped.
INSTANTIATE_TEST_SUITE_P(Pollers, HostsTest, testing::Values("epoll", "poll", "select", "io_uring"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(HostsTest, ClientsAreServedWithoutAThreadOfOurs) {
  // ThreadSanitizer adds one of its own as the first thread starts.
  WithThread([] {}, [] {});
  const size_t threads = Threads();
  Start();
  Serve([&](TestClient& client) {
    client.Expect("SET k v\r\n", "+OK\r\n");
    client.Expect("GET k\r\n", "$1\r\nv\r\n");
    EXPECT_EQ(Threads(), threads + 1) << "this client's is the only one";
    TestClient::Tcp(listener_->port()).Expect("GET k\r\nQUIT\r\n", "$1\r\nv\r\n+OK\r\n");
  });
  EXPECT_EQ(**cache_->Get("k"), "v") << "the host's own calls see the same keys";
  EXPECT_EQ(Threads(), threads);
}

// All of it is written before anything is read: more than the kernel's buffers hold.
TEST_P(HostsTest, ADeepPipelineIsAnswered) {
  Start();
  Serve([](TestClient& client) {
    constexpr int kPairs = 50'000;
    const std::string value(100, 'v');
    const std::string pair = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n" + value + "\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    const std::string answer = "+OK\r\n$100\r\n" + value + "\r\n";
    std::string requests, answers;
    for (int i = 0; i < kPairs; ++i) requests += pair;
    for (int i = 0; i < kPairs; ++i) answers += answer;
    ASSERT_TRUE(client.Send(requests));
    EXPECT_TRUE(client.Read(answers.size()) == answers);
  });
}

// No client speaks, nothing but a time event is due: the host learns of it by the descriptor, or by the delay.
TEST_P(HostsTest, ExpiryRunsWhileAllIsIdle) {
  Start();
  Serve([](TestClient& client) { client.Expect("SET k v PX 30\r\n", "+OK\r\n"); });
  host_->RunUntil([&] { return Keys() == 0; });
  EXPECT_EQ(cache_->Stats()->expired_keys, 1u);
}

// The listener's cron follows the cache's clock, here one that stands still for a while: looking again and again in
// vain must not end the looking.
TEST_P(HostsTest, IdleClientsAreClosed) {
  auto clock = std::make_shared<ManualClock>();
  options_.clock = clock;
  options_.timeout = 10;
  Start();
  Serve([](TestClient& client) { client.Expect("PING\r\n", "+PONG\r\n"); });
  std::atomic<bool> closed{false};
  std::thread thread([&] {
    TestClient idle = TestClient::Tcp(listener_->port());
    idle.Expect("PING\r\n", "+PONG\r\n");
    idle.ExpectEnd();
    closed = true;
  });
  // At least 300 ms: the cron has looked thrice.
  int looks = 0;
  host_->RunUntil([&] { return ++looks > 300; });
  EXPECT_FALSE(closed);
  clock->Advance(absl::Seconds(11));
  host_->RunUntil([&] { return closed.load(); });
  thread.join();
}

// Callbacks come on the host's thread, woken up by a call of another.
TEST_P(HostsTest, CallbacksRunOnTheHostsThread) {
  Start();
  std::thread::id ran;
  bool called = false;
  std::thread thread([&] {
    EXPECT_TRUE(cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply> reply) {
      EXPECT_EQ(reply->integer(), 1);
      ran = std::this_thread::get_id();
      called = true;
    }).ok());
  });
  host_->RunUntil([&] { return called; });
  thread.join();
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST_P(HostsTest, AListenerStopsInsideTheLoopWhichGoesOn) {
  Start();
  std::atomic<int> state{0};
  std::thread thread([&] {
    TestClient client = TestClient::Tcp(listener_->port());
    client.Expect("SET k v\r\n", "+OK\r\n");
    state = 1;
    client.ExpectEnd();
    state = 2;
  });
  // Called by the host's timer, between turns of the listener.
  host_->RunUntil([&] {
    if (state == 1 && listener_ != nullptr) {
      host_->Detach();
      listener_.reset();
    }
    return state == 2;
  });
  thread.join();
  int ticks = 0;
  host_->RunUntil([&] { return ++ticks == 10; });
  Start();
  Serve([](TestClient& client) { client.Expect("GET k\r\n", "$1\r\nv\r\n"); });
}

TEST_P(HostsTest, TwoLoopsServeOneCache) {
  Start();
  std::unique_ptr<Host> other = MakeHost();
  const std::unique_ptr<Listener> first = std::move(listener_);
  host_.swap(other);
  Start();
  std::atomic<int> answered{0};
  std::thread thread([&] {
    TestClient::Tcp(listener_->port()).Expect("SET k v\r\n", "+OK\r\n");
    answered = 1;
    TestClient::Tcp(first->port()).Expect("GET k\r\n", "$1\r\nv\r\n");
    answered = 2;
  });
  host_->RunUntil([&] { return answered == 1; });
  other->RunUntil([&] { return answered == 2; });
  thread.join();
  other.reset();  // before what it watches
}

}  // namespace
}  // namespace larder
