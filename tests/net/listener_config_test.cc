// CONFIG SET of port, bind and tls-* where a cache has more than one listener: all of them do it, or none. And what
// CONFIG GET shows of where a listener listens.
#include <larder/net/listener.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/net/tls.h>
#include "tests/net/listener_fixture.h"
#include "tests/net/tls_client.h"

namespace larder {
namespace {

using ::testing::ElementsAre;

constexpr char kPortRefused[] = "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on "
                                "this port. Check server logs.\r\n";
constexpr char kBindRefused[] = "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to "
                                "specified addresses.\r\n";
constexpr char kCertificateRefused[] = "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable "
                                       "to update TLS configuration. Check server logs.\r\n";

class ListenerConfigTest : public ListenerFixture {
 protected:
  static void SetUpTestSuite() { certificates_ = new Certificates; }
  static void TearDownTestSuite() { delete certificates_; }

  void SetUp() override {
    ListenerFixture::SetUp();
    options_.clock = nullptr;
    options_.bind = {"127.0.0.1"};
    options_.port = FreePort();
    options_.tls_cert_file = *certificates_ / "server.crt";
    options_.tls_key_file = *certificates_ / "server.key";
    options_.tls_ca_cert_file = *certificates_ / "ca.crt";
    options_.tls_auth_clients = TlsAuthClients::kNo;
  }
  std::unique_ptr<Listener> Start(ListenerOptions where = {}) {
    if (cache_ == nullptr) cache_ = *Cache::Open(options_);
    where.host_keeps.clear();
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  // TLS and a plain port on addresses of its own, so that it follows nothing but how TLS is done.
  static ListenerOptions OwnAddressesWithTls() {
    ListenerOptions own;
    own.bind = {"127.0.0.1"};
    own.any_port = true;
    own.any_tls_port = true;
    own.tls = &Tls();
    return own;
  }
  static void ExpectServed(const Listener& listener) {
    TestClient::Tcp(listener.port()).Expect("PING\r\n", "+PONG\r\n");
  }
  static std::string PeerName(const Listener& listener) {
    const TlsClientOptions trusting = {.ca = *certificates_ / "ca.crt", .certificate = "", .key = ""};
    return TlsClient(listener.tls_port(), trusting).peer_name();
  }
  std::string Get(std::string_view directive) {
    return std::string((*cache_->Execute({"CONFIG", "GET", directive}))[1].AsString());
  }
  // What a client reads.
  static std::string Get(TestClient& client, std::string_view directive) {
    EXPECT_TRUE(client.Send(Command({"CONFIG", "GET", directive})));
    EXPECT_EQ(client.ReadLine(), "*2\r\n");
    EXPECT_EQ(client.ReadBulk(), directive);
    return client.ReadBulk();
  }

  static Certificates* certificates_;
};
Certificates* ListenerConfigTest::certificates_ = nullptr;

// Both would have the one port; whoever is asked first could.
TEST_F(ListenerConfigTest, APortThatOnlyOneOfTwoCanHaveMovesNeither) {
  options_.any_port = true;
  const std::unique_ptr<Listener> first = Start(), second = Start();
  const std::vector<std::string> before[] = {first->addresses(), second->addresses()};
  const std::string wanted = std::to_string(FreePort());
  TestClient client = TestClient::Tcp(first->port());
  client.Expect("CONFIG SET timeout 77 port " + wanted + "\r\n", kPortRefused);
  EXPECT_TRUE(Logged("Could not create server TCP listening socket 127.0.0.1:" + wanted +
                     ": bind: Address already in use"));
  EXPECT_TRUE(Logged("Failed applying new configuration: nothing has changed."));
  EXPECT_EQ(first->addresses(), before[0]);
  EXPECT_EQ(second->addresses(), before[1]);
  EXPECT_EQ(Get("port"), std::to_string(options_.port));
  EXPECT_EQ(Get("timeout"), "0");
  ExpectServed(*first);
  ExpectServed(*second);
  client.Expect("PING\r\n", "+PONG\r\n");
  // Nobody is left on it.
  ListenerOptions there;
  there.bind = {"127.0.0.1"};
  there.port = std::stoi(wanted);
  ExpectServed(*Start(there));
}

// Whichever of the two is asked first.
TEST_F(ListenerConfigTest, WhoCannotHaveTheNewCertificateKeepsTheOtherFromMoving) {
  for (const bool mover_first : {true, false}) {
    cache_.reset();
    std::unique_ptr<Listener> mover = mover_first ? Start() : nullptr;
    const std::unique_ptr<Listener> fixed = Start(OwnAddressesWithTls());
    if (mover == nullptr) mover = Start();
    const int port = mover->port();
    const std::string wanted = std::to_string(FreePort());
    const std::string bad = *certificates_ / "junk", good = *certificates_ / "server2.crt";
    TestClient client = TestClient::Tcp(port);
    client.Expect("CONFIG SET timeout 77 port " + wanted + " tls-cert-file " + bad + "\r\n", kCertificateRefused);
    EXPECT_EQ(mover->port(), port);
    ExpectServed(*mover);
    ExpectServed(*fixed);
    EXPECT_EQ(PeerName(*fixed), "server");
    EXPECT_EQ(Get("port"), std::to_string(port));
    EXPECT_EQ(Get("timeout"), "0");
    EXPECT_EQ(Get("tls-cert-file"), options_.tls_cert_file);

    client.Expect("CONFIG SET timeout 77 port " + wanted + " tls-cert-file " + good + " tls-key-file " +
                      (*certificates_ / "server2.key") + "\r\n", "+OK\r\n");
    EXPECT_EQ(std::to_string(mover->port()), wanted);
    ExpectServed(*mover);
    EXPECT_EQ(PeerName(*fixed), "server2");
    EXPECT_EQ(Get("port"), wanted);
    EXPECT_EQ(Get("timeout"), "77");
    client.Expect("PING\r\n", "+PONG\r\n");
  }
}

// The other way round: TLS is done anew by the one, and the other finds its port taken.
TEST_F(ListenerConfigTest, WhoFindsItsPortTakenKeepsTheOthersCertificate) {
  for (const bool mover_first : {true, false}) {
    cache_.reset();
    std::unique_ptr<Listener> mover = mover_first ? Start() : nullptr;
    const std::unique_ptr<Listener> fixed = Start(OwnAddressesWithTls());
    if (mover == nullptr) mover = Start();
    const std::vector<std::string> before = mover->addresses();
    TestClient client = TestClient::Tcp(fixed->port());
    client.Expect("CONFIG SET port " + std::to_string(fixed->port()) + " tls-cert-file " +
                      (*certificates_ / "server2.crt") + " tls-key-file " + (*certificates_ / "server2.key") + "\r\n",
                  kPortRefused);
    EXPECT_EQ(PeerName(*fixed), "server");
    EXPECT_EQ(mover->addresses(), before);
    ExpectServed(*mover);
    EXPECT_EQ(Get("tls-cert-file"), options_.tls_cert_file);
  }
}

// Its own sockets are in the way of the new ones, so that they are shut down before it is known that all can move.
TEST_F(ListenerConfigTest, SocketsThatWereShutForOthersListenAgain) {
  const std::unique_ptr<Listener> fixed = Start(OwnAddressesWithTls());
  const std::unique_ptr<Listener> mover = Start();  // asked first, as the latest is
  const std::string port = std::to_string(mover->port());
  const std::string bad = *certificates_ / "junk";
  TestClient client = TestClient::Tcp(mover->port());
  for (int i = 0; i < 3; ++i) {
    client.Expect("CONFIG SET bind * tls-cert-file " + bad + "\r\n", kCertificateRefused);
    EXPECT_THAT(mover->addresses(), ElementsAre("127.0.0.1:" + port));
    ExpectServed(*mover);
  }
  EXPECT_EQ(Get("bind"), "127.0.0.1");
  client.Expect("CONFIG SET bind *\r\n", "+OK\r\n");
  EXPECT_THAT(mover->addresses(), ElementsAre("0.0.0.0:" + port));
  ExpectServed(*mover);
  EXPECT_FALSE(Logged("it accepts no connections any more"));
}

// One listener with both kinds: what it had for TLS was shut, and the plain port turns out to be taken.
TEST_F(ListenerConfigTest, BothKindsOfOneListenerListenAgain) {
  ListenerOptions elsewhere;
  elsewhere.bind = {"127.0.0.2"};
  elsewhere.port = options_.port;
  elsewhere.tls_port = 0;
  options_.tls_port = FreePort();
  const std::unique_ptr<Listener> taker = Start(elsewhere);
  ListenerOptions tls;
  tls.tls = &Tls();
  const std::unique_ptr<Listener> mover = Start(tls);
  const std::vector<std::string> before = mover->addresses();
  TestClient client = TestClient::Tcp(mover->port());
  client.Expect("CONFIG SET bind *\r\n", kBindRefused);
  EXPECT_EQ(mover->addresses(), before);
  ExpectServed(*mover);
  EXPECT_EQ(PeerName(*mover), "server");
  EXPECT_FALSE(Logged("it accepts no connections any more"));
}

// ---- CONFIG GET -----------------------------------------------------------------------------------------------------

TEST_F(ListenerConfigTest, ClientsReadWhereTheirOwnListenerListens) {
  const std::string port = std::to_string(options_.port);
  ListenerOptions own = OwnAddressesWithTls();
  own.bind = {"127.0.0.2", "-192.0.2.77"};
  own.unixsocket = folder_ / "s";
  own.unixsocketperm = 0700;
  const std::unique_ptr<Listener> listener = Start(own), other = Start();
  for (bool unix_socket : {true, false}) {
    TestClient client =
        unix_socket ? TestClient::Unix(*own.unixsocket) : TestClient::Tcp(listener->port(), "127.0.0.2");
    EXPECT_EQ(Get(client, "bind"), "127.0.0.2 -192.0.2.77");
    EXPECT_EQ(Get(client, "PORT"), std::to_string(listener->port()));
    EXPECT_EQ(Get(client, "tls-port"), std::to_string(listener->tls_port()));
    EXPECT_EQ(Get(client, "unixsocket"), *own.unixsocket);
    EXPECT_EQ(Get(client, "unixsocketperm"), "700");
    EXPECT_EQ(Get(client, "timeout"), "0");
    client.Expect("CONFIG GET bin[d]\r\n", "*2\r\n$4\r\nbind\r\n$21\r\n127.0.0.2 -192.0.2.77\r\n");
    client.Expect("MULTI\r\n", "+OK\r\n");
    client.Expect("CONFIG GET bind\r\n", "+QUEUED\r\n");
    client.Expect("EXEC\r\n", "*1\r\n*2\r\n$4\r\nbind\r\n$21\r\n127.0.0.2 -192.0.2.77\r\n");
  }
  // A client of another listener, and who has come through none.
  TestClient client = TestClient::Tcp(other->port());
  const std::unique_ptr<Session> session = *cache_->NewSession();
  const std::unique_ptr<RespConnection> connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed("CONFIG GET bind\r\n").ok());
  EXPECT_EQ(connection->output(), "*2\r\n$4\r\nbind\r\n$9\r\n127.0.0.1\r\n");
  const std::vector<std::pair<std::string, std::string>> directives = {
      {"bind", "127.0.0.1"}, {"port", port}, {"tls-port", "0"}, {"unixsocket", ""}, {"unixsocketperm", "0"}};
  for (const auto& [name, value] : directives) {
    EXPECT_EQ(Get(client, name), value) << name;
    EXPECT_EQ(Get(name), value) << name;
    EXPECT_EQ((*session->Execute({"CONFIG", "GET", name}))[1].AsString(), value) << name;
  }
}

TEST_F(ListenerConfigTest, ConfigSetShowsWhereItIsInForce) {
  const std::unique_ptr<Listener> fixed = Start(OwnAddressesWithTls()), mover = Start();
  TestClient at_fixed = TestClient::Tcp(fixed->port()), at_mover = TestClient::Tcp(mover->port());
  const std::string wanted = std::to_string(FreePort());
  // Refused.
  at_fixed.Expect("CONFIG SET port " + std::to_string(fixed->port()) + "\r\n", kPortRefused);
  EXPECT_EQ(Get(at_mover, "port"), std::to_string(options_.port));
  // Done.
  at_fixed.Expect("CONFIG SET port " + wanted + " bind *\r\n", "+OK\r\n");
  EXPECT_EQ(Get(at_mover, "port"), wanted);
  EXPECT_EQ(Get(at_mover, "bind"), "*");
  EXPECT_EQ(Get(at_fixed, "port"), std::to_string(fixed->port()));
  EXPECT_EQ(Get(at_fixed, "bind"), "127.0.0.1");
  EXPECT_EQ(Get("port"), wanted);
  EXPECT_EQ(Get("bind"), "*");
  // As in Redis, a port that no address is there for is shown.
  at_fixed.Expect("CONFIG SET bind \"\"\r\n", "+OK\r\n");
  EXPECT_EQ(Get(at_mover, "bind"), "");
  EXPECT_EQ(Get(at_mover, "port"), wanted);
  at_mover.Expect("CONFIG SET port 0\r\n", "+OK\r\n");
  EXPECT_EQ(Get(at_mover, "port"), "0");
}

TEST_F(ListenerConfigTest, APortThatTheSystemChoseIsShown) {
  options_.any_port = true;
  const std::unique_ptr<Listener> listener = Start();
  TestClient client = TestClient::Tcp(listener->port());
  EXPECT_EQ(Get(client, "port"), std::to_string(listener->port()));
  EXPECT_EQ(Get("port"), std::to_string(options_.port));
}

}  // namespace
}  // namespace larder
