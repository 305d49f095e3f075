// The listener in front of a real cache: whom it refuses, and whom it closes.
#include <ifaddrs.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_testing.h"

namespace larder {
namespace {

using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_F(ListenerTest, OneClientTooManyIsTold) {
  options_.maxclients = 2;
  Start();
  TestClient a = Connect(), b = Connect();
  a.Expect("PING\r\n", "+PONG\r\n");
  b.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(Connect().ReadToEnd(), "-ERR max number of clients reached\r\n");
  a.Expect("CONFIG SET maxclients 3\r\n", "+OK\r\n");
  Connect().Expect("PING\r\n", "+PONG\r\n");
}

// An address of this machine that is not a loopback one; "" if it has none.
std::string OwnAddress() {
  ifaddrs* all = nullptr;
  EXPECT_EQ(getifaddrs(&all), 0);
  char text[INET_ADDRSTRLEN] = "";
  for (const ifaddrs* i = all; i != nullptr && text[0] == '\0'; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr;
    if (ntohl(address.s_addr) >> 24 != 127) inet_ntop(AF_INET, &address, text, sizeof(text));
  }
  freeifaddrs(all);
  return text;
}

TEST_F(ListenerTest, ProtectedModeRefusesStrangersWithAnExplanation) {
  ListenerOptions where = AnyPort();
  where.bind = {"0.0.0.0"};
  Start(where);
  TestClient local = Connect();
  local.Expect("PING\r\n", "+PONG\r\n");
  const std::string own = OwnAddress();
  if (own.empty()) return;  // a machine without a network has no strangers
  const std::string text = TestClient::Tcp(listener_->port(), own.c_str()).ReadToEnd();
  EXPECT_THAT(text, StartsWith("-DENIED Redis is running in protected mode because protected mode is enabled and no "
                               "password is set for the default user. In this mode connections are only accepted from "
                               "the loopback interface."));
  EXPECT_THAT(text, testing::EndsWith("in order for the server to start accepting connections from the outside.\r\n"));
  EXPECT_THAT(text, SizeIs(1067)) << "as long as that of 7.0.15";
  local.Expect("CONFIG SET requirepass secret\r\n", "+OK\r\n");
  TestClient stranger = TestClient::Tcp(listener_->port(), own.c_str());
  stranger.Expect("GET k\r\n", "-NOAUTH Authentication required.\r\n");
  stranger.Expect("AUTH secret\r\n", "+OK\r\n");
  local.Expect("CONFIG SET requirepass \"\"\r\n", "+OK\r\n");
  local.Expect("CONFIG SET protected-mode no\r\n", "+OK\r\n");
  TestClient::Tcp(listener_->port(), own.c_str()).Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(ListenerTest, IdleClientsAreClosedAfterTimeout) {
  options_.timeout = 10;
  Start();
  TestClient idle = Connect(), busy = Connect();
  idle.Expect("PING\r\n", "+PONG\r\n");
  clock_->Advance(absl::Seconds(6));
  busy.Expect("PING\r\n", "+PONG\r\n");
  clock_->Advance(absl::Seconds(6));
  idle.ExpectEnd();
  busy.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(ListenerTest, TheQueryBufferLimitClosesTheGreedy) {
  Start();
  TestClient good = Connect(), greedy = Connect();
  good.Expect("CONFIG SET client-query-buffer-limit 1048576\r\n", "+OK\r\n");
  greedy.Send("*1\r\n$500000000\r\n");
  const std::string part(100'000, 'x');
  int sent = 0;
  while (sent < 1000 && greedy.Send(part)) ++sent;
  EXPECT_LT(sent, 1000);
  good.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_TRUE(Logged("max query buffer length"));
}

TEST_F(ListenerTest, TheOutputLimitClosesTheOneWhoDoesNotRead) {
  Start();
  TestClient good = Connect(), slow = Connect();
  good.Expect("CONFIG SET client-output-buffer-limit \"normal 30000000 0 0\"\r\n", "+OK\r\n");
  good.Expect(Command({"SET", "big", std::string(5'000'000, 'b')}), "+OK\r\n");
  std::string requests;
  for (int i = 0; i < 30; ++i) requests += "GET big\r\n";
  slow.Send(requests);
  const std::string got = slow.ReadToEnd();
  EXPECT_LT(got.size(), 30u * 5'000'000);
  good.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_TRUE(Logged("output buffer limits"));
}

TEST_F(ListenerTest, BulksOverTheLimitAreRefused) {
  Start();
  TestClient client = Connect();
  client.Expect("CONFIG SET proto-max-bulk-len 1048576\r\n", "+OK\r\n");
  client.Send("*2\r\n$3\r\nGET\r\n$1048577\r\n");
  EXPECT_EQ(client.ReadToEnd(), "-ERR Protocol error: invalid bulk length\r\n");
}

}  // namespace
}  // namespace larder
