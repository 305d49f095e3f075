// Peers that need a network of their own (own_network.h): strangers, and some that are gone without a word.
//
// One that is gone has a filter on its own socket that drops whatever comes: it answers nothing, neither probes nor
// data, and says nothing either, as a machine that has lost its power.
#include <linux/filter.h>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/limits/own_network.h"

namespace larder {
namespace {

bool own_network_entered = false;

class NetworkTest : public ListenerFixture {
 protected:
  static void FallSilent(const TestClient& client) {
    sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const sock_fprog program = {1, &drop};
    ASSERT_EQ(setsockopt(client.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0) << errno;
  }
  TestClient Stranger() { return TestClient::Tcp(listener_->port(), kOwnAddress); }
};

// The kernel's clock cannot be set by hand: some four seconds.
TEST_F(NetworkTest, APeerThatIsGoneWithoutAWordIsClosed) {
  options_.tcp_keepalive = 1;
  Start();
  TestClient gone = Connect(), also_gone = Connect(), quiet = Connect();
  gone.Expect("PING\r\n", "+PONG\r\n");
  quiet.Expect("PING\r\n", "+PONG\r\n");
  also_gone.Expect("PING\r\n*1\r\n$4\r\nPI", "+PONG\r\n");  // in the middle of a request
  // Without a filter their kernel answers the probes; that is all that can be looked at then.
  if (own_network_entered) {
    FallSilent(gone);
    FallSilent(also_gone);
    AwaitInfo("clients", "connected_clients:1\r\n");
  }
  quiet.Expect("PING\r\n", "+PONG\r\n");
}

// What redis-server 7.0.15 sent, to the byte.
constexpr char kDenied[] =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for "
    "the default user. In this mode connections are only accepted from the loopback interface. If you want "
    "to connect from external computers to Redis you may adopt one of the following solutions: 1) Just "
    "disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface "
    "by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not "
    "publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) "
    "Alternatively you can just disable the protected mode by editing the Redis configuration file, and "
    "setting the protected mode option to 'no', and then restarting the server. 3) If you started the server "
    "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an "
    "authentication password for the default user. NOTE: You only need to do one of the above things in "
    "order for the server to start accepting connections from the outside.\r\n";

TEST_F(NetworkTest, ProtectedModeKeepsStrangersOut) {
  ListenerOptions where = AnyPort();
  where.bind = {"0.0.0.0"};
  where.unixsocket = folder_ / "s";
  Start(where);
  TestClient local = Connect();
  local.Expect("PING\r\n", "+PONG\r\n");
  TestClient::Unix(*where.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  if (!own_network_entered) return;
  EXPECT_EQ(Stranger().ReadToEnd(), kDenied);
  AwaitInfo("stats", "rejected_connections:1\r\n");
  // Full comes before protected, as in Redis.
  local.Expect("CONFIG SET maxclients 1\r\n", "+OK\r\n");
  AwaitInfo("clients", "connected_clients:1\r\n");
  EXPECT_EQ(Stranger().ReadToEnd(), "-ERR max number of clients reached\r\n");
  local.Expect("CONFIG SET maxclients 100\r\n", "+OK\r\n");
  local.Expect("CONFIG SET requirepass secret\r\n", "+OK\r\n");
  TestClient stranger = Stranger();
  stranger.Expect("GET k\r\n", "-NOAUTH Authentication required.\r\n");
  stranger.Expect("AUTH secret\r\n", "+OK\r\n");
  local.Expect("CONFIG SET requirepass \"\"\r\n", "+OK\r\n");
  EXPECT_EQ(Stranger().ReadToEnd(), kDenied);
  stranger.Expect("PING\r\n", "+PONG\r\n");  // who is in stays in
  local.Expect("CONFIG SET protected-mode no\r\n", "+OK\r\n");
  Stranger().Expect("PING\r\n", "+PONG\r\n");
}

}  // namespace
}  // namespace larder

int main(int argc, char** argv) {
  larder::own_network_entered = larder::EnterOwnNetwork(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
