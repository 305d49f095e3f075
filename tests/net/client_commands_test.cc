// CLIENT, MONITOR and the limits of clients' memory over real sockets: what one client's command does to others, whose
// loop runs on another thread.
#include <larder/net/listener.h>

#include <mutex>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ClientCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.clock = clock_;
    options_.log = [this](LogLevel, std::string_view line) {
      const std::lock_guard<std::mutex> lock(log_mutex_);
      log_ += line;
      log_ += '\n';
    };
  }
  void Start(bool own_thread = true) {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.own_thread = own_thread;
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  void TearDown() override {
    listener_.reset();
    cache_.reset();
  }
  TestClient Connect() { return TestClient::Tcp(listener_->port()); }
  Reply Run(std::initializer_list<std::string_view> argv) {
    auto reply = cache_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : Reply();
  }
  // Until INFO says so, which the loop may not have seen to yet.
  void AwaitInfo(std::string_view section, std::string_view line) {
    while (Run({"INFO", section}).AsString().find(line) == std::string::npos) std::this_thread::yield();
  }
  std::string Log() {
    const std::lock_guard<std::mutex> lock(log_mutex_);
    return log_;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  Options options_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::mutex log_mutex_;
  std::string log_;
};

// ---- CLIENT PAUSE ---------------------------------------------------------------------------------------------------

TEST_F(ClientCommandsTest, APauseEndsByItself) {
  Start();
  TestClient first = Connect();
  TestClient second = Connect();
  first.Expect("CLIENT PAUSE 5000\r\n", "+OK\r\n");
  ASSERT_TRUE(first.Send("SET k 1\r\nINCR k\r\n"));
  ASSERT_TRUE(second.Send("ECHO a\r\n"));
  AwaitInfo("clients", "blocked_clients:2\r\n");
  ASSERT_TRUE(first.Send("INCR k\r\n"));
  EXPECT_EQ(*cache_->Exists("k"), false);
  clock_->Advance(absl::Seconds(5));
  EXPECT_EQ(first.Read(13), "+OK\r\n:2\r\n:3\r\n");
  EXPECT_EQ(second.Read(7), "$1\r\na\r\n");
}

TEST_F(ClientCommandsTest, UnpauseWakesTheLoop) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  Run({"CLIENT", "PAUSE", "1000000", "WRITE"});
  client.Expect("GET k\r\n", "$-1\r\n");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "INCR k\r\nPING\r\n";
  ASSERT_TRUE(client.Send(many));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  Run({"CLIENT", "UNPAUSE"});
  for (int i = 1; i <= 1000; ++i) {
    ASSERT_EQ(client.ReadLine(), ":" + std::to_string(i) + "\r\n");
    ASSERT_EQ(client.ReadLine(), "+PONG\r\n");
  }
}

TEST_F(ClientCommandsTest, OneThatSendsNoMoreIsStillServedAfterThePause) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  Run({"CLIENT", "PAUSE", "1000000"});
  ASSERT_TRUE(client.Send("SET k v\r\n"));
  client.ShutDownSending();
  AwaitInfo("clients", "blocked_clients:1\r\n");
  Run({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(client.ReadToEnd(), "+OK\r\n");
}

TEST_F(ClientCommandsTest, ALoopWithHeldClientsSleeps) {
  Start(/*own_thread=*/false);
  TestClient client = Connect();
  const auto poll_until = [&](auto&& done) {
    while (!done()) listener_->Poll(0);
  };
  poll_until([&] { return Run({"INFO", "clients"}).AsString().find("connected_clients:1\r\n") != std::string::npos; });
  Run({"CLIENT", "PAUSE", "1000000"});
  ASSERT_TRUE(client.Send("PING\r\nPING\r\n"));
  poll_until([&] { return Run({"INFO", "clients"}).AsString().find("blocked_clients:1\r\n") != std::string::npos; });
  while (listener_->Poll(0) != 0) {
  }
  EXPECT_GT(listener_->NextDelayMs(), 0) << "nothing is left for this loop to do";
  ASSERT_TRUE(client.Send("PING\r\n"));
  while (listener_->Poll(0) == 0) {
  }
  while (listener_->Poll(0) != 0) {
  }
  EXPECT_GT(listener_->NextDelayMs(), 0) << "nor after more has come";
  Run({"CLIENT", "UNPAUSE"});
  listener_->Poll(0);
  listener_->Poll(0);
  EXPECT_EQ(client.Read(21), "+PONG\r\n+PONG\r\n+PONG\r\n");
}

TEST_F(ClientCommandsTest, AHeldClientIsNotIdle) {
  options_.timeout = 10;
  Start();
  TestClient held = Connect();
  TestClient idle = Connect();
  held.Expect("PING\r\n", "+PONG\r\n");
  idle.Expect("PING\r\n", "+PONG\r\n");
  Run({"CLIENT", "PAUSE", "60000"});
  ASSERT_TRUE(held.Send("PING\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  clock_->Advance(absl::Seconds(20));
  idle.ExpectEnd();
  Run({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(held.Read(7), "+PONG\r\n");
}

}  // namespace
}  // namespace larder
