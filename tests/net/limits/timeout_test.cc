// `timeout`: who counts as idle. (How long, to the millisecond, is server_test's.)
#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

using TimeoutTest = ListenerFixture;

TEST_F(TimeoutTest, TheSilentAreClosedAndThoseWhoTalkAreNot) {
  options_.timeout = 10;
  Start();
  TestClient silent = Connect(), half = Connect(), busy = Connect();
  silent.Expect("PING\r\n", "+PONG\r\n");
  half.Expect("PING\r\n*2\r\n$3\r\nGET\r\n$100\r\nbegun", "+PONG\r\n");
  for (int i = 0; i < 2; ++i) {
    busy.Expect("PING\r\n", "+PONG\r\n");
    clock_->Advance(absl::Seconds(6));
  }
  silent.ExpectEnd();
  half.ExpectEnd();  // a request that was begun is no excuse
  busy.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(TimeoutTest, OneThatDoesNotReadIsIdleToo) {
  options_.timeout = 10;
  Start();
  ASSERT_TRUE(cache_->Set("big", std::string(20'000'000, 'b')).ok());
  TestClient stuck = Connect();
  stuck.Send("GET big\r\n");
  stuck.Read(1000);
  while (Info("clients").find("connected_clients:0") == std::string::npos) {
    clock_->Advance(absl::Seconds(11));
    std::this_thread::yield();
  }
  EXPECT_LT(stuck.Read(20'000'000).size(), 19'000'000u);
}

TEST_F(TimeoutTest, ConfigSetHoldsForThoseWhoAreThere) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  clock_->Advance(absl::Hours(1));
  client.Expect("PING\r\n", "+PONG\r\n");
  Run({"CONFIG", "SET", "timeout", "2"});
  clock_->Advance(absl::Seconds(3));
  client.ExpectEnd();
}

TEST_F(TimeoutTest, AMonitorIsNotIdle) {
  options_.timeout = 10;
  Start();
  TestClient monitor = Connect(), idle = Connect();
  monitor.Expect("MONITOR\r\n", "+OK\r\n");
  idle.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_THAT(monitor.ReadLine(), testing::HasSubstr("\"PING\""));
  clock_->Advance(absl::Seconds(30));
  idle.ExpectEnd();
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  EXPECT_THAT(monitor.ReadLine(), testing::HasSubstr("\"SET\" \"k\" \"v\""));
  // Its end is seen all the same, on a server where nothing happens.
  monitor.Close();
  AwaitInfo("clients", "connected_clients:0\r\n");
}

}  // namespace
}  // namespace larder
