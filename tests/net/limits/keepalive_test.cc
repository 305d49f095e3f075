// tcp-keepalive: the options that an accepted socket gets. network_test has peers that are gone.
#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/limits/sockets.h"

namespace larder {
namespace {

class KeepaliveTest : public ListenerFixture {
 protected:
  // The server's end of a connection that has been served.
  static int ServersEnd(TestClient& client) {
    client.Expect("PING\r\n", "+PONG\r\n");
    const int fd = OtherEndOf(client.fd());
    EXPECT_GE(fd, 0);
    return fd;
  }
};

TEST_F(KeepaliveTest, AcceptedSocketsProbeAsTheDirectiveSays) {
  options_.tcp_keepalive = 100;
  Start();
  TestClient client = Connect();
  const int fd = ServersEnd(client);
  EXPECT_EQ(IntOption(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(IntOption(fd, IPPROTO_TCP, TCP_KEEPIDLE), 100);
  EXPECT_EQ(IntOption(fd, IPPROTO_TCP, TCP_KEEPINTVL), 33);
  EXPECT_EQ(IntOption(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(IntOption(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(KeepaliveTest, ThreeHundredSecondsUnlessToldOtherwise) {
  Start();
  TestClient client = Connect();
  EXPECT_EQ(IntOption(ServersEnd(client), IPPROTO_TCP, TCP_KEEPIDLE), 300);
}

TEST_F(KeepaliveTest, ConfigSetHoldsForThoseWhoComeLater) {
  Start();
  TestClient before = Connect();
  before.Expect("CONFIG SET tcp-keepalive 7\r\n", "+OK\r\n");
  TestClient after = Connect();
  EXPECT_EQ(IntOption(ServersEnd(before), IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_EQ(IntOption(ServersEnd(after), IPPROTO_TCP, TCP_KEEPIDLE), 7);
  EXPECT_EQ(IntOption(ServersEnd(after), IPPROTO_TCP, TCP_KEEPINTVL), 2);
  before.Expect("CONFIG SET tcp-keepalive 0\r\n", "+OK\r\n");
  TestClient none = Connect();
  EXPECT_EQ(IntOption(ServersEnd(none), SOL_SOCKET, SO_KEEPALIVE), 0);
}

}  // namespace
}  // namespace larder
