// maxclients: who is told that there are too many, and what counts.
#include <optional>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

constexpr char kTooMany[] = "-ERR max number of clients reached\r\n";

class MaxclientsTest : public ListenerFixture {
 protected:
  // A place that somebody has left is free once the loop has seen that.
  static TestClient ConnectWhenFree(int port) {
    for (;;) {
      TestClient client = TestClient::Tcp(port);
      client.Send("PING\r\n");
      if (client.ReadLine() == "+PONG\r\n") return client;
    }
  }
};

TEST_F(MaxclientsTest, OneTooManyIsToldCountedAndLetInLater) {
  options_.maxclients = 2;
  ListenerOptions where = AnyPort();
  where.unixsocket = folder_ / "s";
  Start(where);
  TestClient tcp = Connect();
  std::optional<TestClient> unix(TestClient::Unix(*where.unixsocket));
  tcp.Expect("PING\r\n", "+PONG\r\n");
  unix->Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
  EXPECT_EQ(TestClient::Unix(*where.unixsocket).ReadToEnd(), kTooMany);
  AwaitInfo("stats", "rejected_connections:2\r\n");
  EXPECT_THAT(Info("clients"), testing::HasSubstr("connected_clients:2\r\n"));
  tcp.Expect("CONFIG SET maxclients 3\r\n", "+OK\r\n");
  TestClient third = Connect();
  third.Expect("PING\r\n", "+PONG\r\n");
  // Fewer than there are: those stay, nobody else comes.
  tcp.Expect("CONFIG SET maxclients 1\r\n", "+OK\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
  third.Expect("PING\r\n", "+PONG\r\n");
  unix.reset();
  third.Close();
  AwaitInfo("clients", "connected_clients:1\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
  tcp.Close();
  ConnectWhenFree(listener_->port());
}

TEST_F(MaxclientsTest, ListenersOfOneCacheShareIt) {
  options_.maxclients = 2;
  Start();
  absl::StatusOr<std::unique_ptr<Listener>> second = Listener::Start(*cache_, AnyPort());
  ASSERT_TRUE(second.ok());
  TestClient a = Connect(), first = TestClient::Tcp((*second)->port());
  a.Expect("PING\r\n", "+PONG\r\n");
  first.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
  EXPECT_EQ(TestClient::Tcp((*second)->port()).ReadToEnd(), kTooMany);
  first.Close();
  TestClient b = ConnectWhenFree(listener_->port());
  EXPECT_EQ(TestClient::Tcp((*second)->port()).ReadToEnd(), kTooMany);
  a.Close();
  TestClient c = ConnectWhenFree((*second)->port());
  second->reset();  // under a client, whose place is free at once
  TestClient d = Connect();
  d.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
}

TEST_F(MaxclientsTest, APlaceIsNotHeldForLongByWhoNeverSaysThePassword) {
  constexpr char kNoAuth[] = "-NOAUTH Authentication required.\r\n";
  options_.maxclients = 2;
  options_.requirepass = "secret";
  Start();
  TestClient knows = Connect(), silent = Connect();
  knows.Expect("AUTH secret\r\n", "+OK\r\n");
  silent.Expect("PING\r\n", kNoAuth);
  EXPECT_EQ(Connect().ReadToEnd(), kTooMany);
  clock_->Advance(absl::Seconds(9));
  silent.Expect("PING\r\n", kNoAuth);
  clock_->Advance(absl::Seconds(2));
  silent.ExpectEnd();
  knows.Expect("PING\r\n", "+PONG\r\n");
  for (;;) {
    TestClient next = Connect();
    next.Send("PING\r\n");
    if (next.ReadLine() == kNoAuth) break;
  }
}

TEST_F(MaxclientsTest, WithoutAuthenticationTimeoutOneMayTakeItsTime) {
  options_.maxclients = 2;
  options_.requirepass = "secret";
  options_.authentication_timeout = 0;
  Start();
  TestClient knows = Connect(), silent = Connect();
  knows.Expect("AUTH secret\r\n", "+OK\r\n");
  silent.Expect("PING\r\n", "-NOAUTH Authentication required.\r\n");
  clock_->Advance(absl::Hours(1));
  knows.Expect("PING\r\n", "+PONG\r\n");
  silent.Expect("AUTH secret\r\n", "+OK\r\n");
}

TEST_F(MaxclientsTest, CachesShareNothing) {
  options_.maxclients = 1;
  Start();
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open(options_);
  ASSERT_TRUE(other.ok());
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(**other, AnyPort());
  ASSERT_TRUE(listener.ok());
  TestClient a = Connect(), b = TestClient::Tcp((*listener)->port());
  a.Expect("PING\r\n", "+PONG\r\n");
  b.Expect("PING\r\n", "+PONG\r\n");
}

}  // namespace
}  // namespace larder
