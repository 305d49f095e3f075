// TLS in front of a real cache, over real sockets, with OpenSSL's own client.
#include <larder/net/tls.h>

#include <dirent.h>
#include <malloc.h>

#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/tls_client.h"

namespace larder {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::string Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

class TlsTest : public ListenerFixture {
 protected:
  static void SetUpTestSuite() { certificates_ = new Certificates; }
  static void TearDownTestSuite() { delete certificates_; }
  static std::string File(const std::string& name) { return *certificates_ / name; }

  void SetUp() override {
    ListenerFixture::SetUp();
    options_.clock = nullptr;
    options_.port = 0;
    options_.tls_cert_file = File("server.crt");
    options_.tls_key_file = File("server.key");
    options_.tls_ca_cert_file = File("ca.crt");
    options_.tls_auth_clients = TlsAuthClients::kNo;
    listener_options_.bind = {"127.0.0.1"};
    listener_options_.any_port = true;
    listener_options_.any_tls_port = true;
    listener_options_.tls = &Tls();
    listener_options_.host_keeps.clear();
  }
  void Start() { ListenerFixture::Start(listener_options_); }
  // What Listener::Start says.
  std::string StartError() {
    Open();
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, listener_options_);
    return Text(listener.status());
  }
  TlsClientOptions Trusting() { return {.ca = File("ca.crt"), .certificate = "", .key = ""}; }
  TlsClientOptions As(const std::string& name) {
    return {.ca = File("ca.crt"), .certificate = File(name + ".crt"), .key = File(name + ".key")};
  }
  TlsClient Connect() { return TlsClient(listener_->tls_port(), Trusting()); }
  void ExpectServed(TlsClient& client) { client.Expect("PING\r\n", "+PONG\r\n"); }
  void ExpectServed() {
    TlsClient client = Connect();
    ExpectServed(client);
  }
  // Over a plain connection. "" if it was +OK.
  std::string ConfigSet(std::initializer_list<std::string_view> pairs) {
    TestClient client = TestClient::Tcp(listener_->port());
    std::vector<std::string_view> words = {"CONFIG", "SET"};
    words.insert(words.end(), pairs.begin(), pairs.end());
    EXPECT_TRUE(client.Send(Command(words)));
    const std::string reply = client.ReadLine();
    return reply == "+OK\r\n" ? "" : reply;
  }
  static std::string TlsRefusal(const std::string& argument) {
    return "-ERR CONFIG SET failed (possibly related to argument '" + argument +
           "') - Unable to update TLS configuration. Check server logs.\r\n";
  }

  static Certificates* certificates_;
  ListenerOptions listener_options_;
};
Certificates* TlsTest::certificates_ = nullptr;

TEST_F(TlsTest, ServesTheSameKeysAsThePlainPort) {
  Start();
  TlsClient a = Connect();
  ASSERT_TRUE(a.ok()) << a.error();
  EXPECT_EQ(a.peer_name(), "server");
  a.Expect("SET k v\r\n", "+OK\r\n");
  TestClient plain = TestClient::Tcp(listener_->port());
  plain.Expect("GET k\r\n", "$1\r\nv\r\n");
  EXPECT_EQ(**cache_->Get("k"), "v");
  EXPECT_EQ(listener_->addresses(),
            (std::vector<std::string>{"127.0.0.1:" + std::to_string(listener_->port()),
                                      "127.0.0.1:" + std::to_string(listener_->tls_port())}));
  EXPECT_THAT(Log(), IsEmpty());
}

TEST_F(TlsTest, PipelinesOfTenThousand) {
  Start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = Trusting();
    options.version = version;
    TlsClient a(listener_->tls_port(), options);
    std::string requests, replies;
    for (int i = 0; i < 10'000; ++i) {
      const std::string n = std::to_string(i);
      requests += i % 2 == 0 ? Command({"SET", "key", n}) : Command({"GET", "key"});
      const std::string last = std::to_string(i - 1);
      replies += i % 2 == 0 ? "+OK\r\n" : "$" + std::to_string(last.size()) + "\r\n" + last + "\r\n";
    }
    EXPECT_TRUE(a.Send(requests));
    EXPECT_EQ(a.Read(replies.size()), replies);
    ExpectServed(a);
  }
}

TEST_F(TlsTest, FiveMegabytesBothWays) {
  Start();
  std::string value(5'000'000, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 7919 >> 5);
  TlsClient a = Connect(), b = Connect();
  a.Expect(Command({"SET", "big", value}), "+OK\r\n");
  EXPECT_EQ(**cache_->Get("big"), value);
  EXPECT_TRUE(b.Send("GET big\r\nGET big\r\nPING\r\n"));
  ExpectServed(a);  // while b reads nothing
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(b.ReadLine(), "$5000000\r\n");
    EXPECT_EQ(b.Read(value.size() + 2), value + "\r\n");
  }
  EXPECT_EQ(b.ReadLine(), "+PONG\r\n");
}

TEST_F(TlsTest, HandshakeAndRequestsMayComeByteByByte) {
  Start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = Trusting();
    options.version = version;
    options.fragment = 1;
    TlsClient a(listener_->tls_port(), options);
    ASSERT_TRUE(a.ok()) << a.error();
    a.Expect(Command({"ECHO", "hello"}), "$5\r\nhello\r\n");
  }
}

// ---- Who is let in --------------------------------------------------------------------------------------------------

struct Admission {
  TlsAuthClients auth;
  const char* certificate;  // "": none
  bool admitted;
  const char* alert;   // what the client is told
  const char* logged;
};

class TlsAuthTest : public TlsTest, public testing::WithParamInterface<std::tuple<Admission, int>> {};

TEST_P(TlsAuthTest, CertificatesAreAskedForAndChecked) {
  const auto& [admission, version] = GetParam();
  options_.tls_auth_clients = admission.auth;
  Start();
  TlsClient other(listener_->tls_port(), As("client"));
  ExpectServed(other);
  TlsClientOptions options = *admission.certificate == '\0' ? Trusting() : As(admission.certificate);
  options.version = version;
  TlsClient client(listener_->tls_port(), options);
  if (admission.admitted) {
    ExpectServed(client);
    EXPECT_THAT(Log(), IsEmpty());
  } else {
    // In TLS 1.3 a client is done before the server has seen its certificate.
    if (client.ok()) {
      EXPECT_EQ(client.Read(1), "");
    }
    EXPECT_THAT(client.error(), HasSubstr(admission.alert));
    EXPECT_THAT(Log(), testing::ElementsAre(HasSubstr(admission.logged)));
  }
  ExpectServed(other);
}

constexpr Admission kAdmissions[] = {
    {TlsAuthClients::kNo, "", true, "", ""},
    {TlsAuthClients::kNo, "stranger", true, "", ""},
    {TlsAuthClients::kOptional, "", true, "", ""},
    {TlsAuthClients::kOptional, "client", true, "", ""},
    {TlsAuthClients::kOptional, "stranger", false, "alert unknown ca",
     "Error accepting a client connection: error:0A000086:SSL routines::certificate verify failed"},
    {TlsAuthClients::kYes, "client", true, "", ""},
    {TlsAuthClients::kYes, "stranger", false, "alert unknown ca", "certificate verify failed"},
    {TlsAuthClients::kYes, "", false, "alert",
     "Error accepting a client connection: error:0A0000C7:SSL routines::peer did not return a certificate"},
};

INSTANTIATE_TEST_SUITE_P(Admissions, TlsAuthTest,
                         testing::Combine(testing::ValuesIn(kAdmissions),
                                          testing::Values(TLS1_2_VERSION, TLS1_3_VERSION)));

TEST_F(TlsTest, AuthoritiesMayBeInADirectory) {
  options_.tls_auth_clients = TlsAuthClients::kYes;
  options_.tls_ca_cert_file = "";
  options_.tls_ca_cert_dir = File("authorities");
  Start();
  TlsClient client(listener_->tls_port(), As("client"));
  ExpectServed(client);
  TlsClient stranger(listener_->tls_port(), As("stranger"));
  EXPECT_EQ(stranger.Read(1), "");
  EXPECT_THAT(stranger.error(), HasSubstr("alert unknown ca"));
}

TEST_F(TlsTest, AClientThatTrustsAnotherAuthorityGoesAway) {
  Start();
  TlsClientOptions options = Trusting();
  options.ca = File("other.crt");
  TlsClient client(listener_->tls_port(), options);
  EXPECT_FALSE(client.ok());
  EXPECT_EQ(client.error(), "certificate verify failed");
  client.socket().ShutDownSending();
  client.socket().ReadToEnd();  // the server has closed, so it has logged
  EXPECT_TRUE(Logged("Error accepting a client connection: error:0A000418:SSL routines::tlsv1 alert unknown ca"));
  ExpectServed();
}

// ---- Not TLS --------------------------------------------------------------------------------------------------------

TEST_F(TlsTest, APlainClientOnTheTlsPortIsClosedAndLogged) {
  Start();
  TlsClient other = Connect();
  TestClient plain = TestClient::Tcp(listener_->tls_port());
  plain.Send(Command({"PING"}));
  EXPECT_EQ(plain.ReadToEnd().find("PONG"), std::string::npos);
  EXPECT_TRUE(Logged("Error accepting a client connection: error:0A00010B:SSL routines::wrong version number"));
  TestClient http = TestClient::Tcp(listener_->tls_port());
  http.Send("GET / HTTP/1.1\r\n\r\n");
  http.ReadToEnd();
  EXPECT_TRUE(Logged("SSL routines::http request"));
  ExpectServed(other);
}

TEST_F(TlsTest, ATlsClientOnThePlainPortHarmsNobody) {
  Start();
  {
    TestClient hello = TestClient::Tcp(listener_->port());
    hello.Send(std::string("\x16\x03\x01\x00\x05", 5) + "\x01\x00\x00\n\x03");
    hello.ShutDownSending();
    hello.ReadToEnd();
  }
  TestClient plain = TestClient::Tcp(listener_->port());
  plain.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(TlsTest, ARecordThatWasTamperedWithEndsTheConnection) {
  Start();
  TlsClient a = Connect(), other = Connect();
  ExpectServed(a);
  a.socket().Send(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  EXPECT_EQ(a.Read(1), "");
  EXPECT_THAT(a.error(), HasSubstr("bad record mac"));
  ExpectServed(other);
}

// ---- Peers that go on with the handshake, or do not -----------------------------------------------------------------

// The first bytes of a handshake.
std::string ClientHello() {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ctx(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(ctx.get()), SSL_free);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  EXPECT_EQ(SSL_connect(ssl.get()), -1);
  char hello[4096];
  const int n = BIO_read(SSL_get_wbio(ssl.get()), hello, sizeof(hello));
  return {hello, static_cast<size_t>(std::max(n, 0))};
}

TEST_F(TlsTest, HandshakesThatStallHoldUpNobodyAndAreClosedByTimeout) {
  options_.timeout = 10;
  const auto clock = std::make_shared<ManualClock>();
  options_.clock = clock;
  Start();
  const std::string hello = ClientHello();
  ASSERT_GT(hello.size(), 100u);
  std::vector<TestClient> stalled;
  for (const size_t n : {size_t{0}, size_t{1}, size_t{5}, hello.size() / 2, hello.size() - 1, hello.size()}) {
    stalled.push_back(TestClient::Tcp(listener_->tls_port()));
    stalled.back().Send(hello.substr(0, n));
  }
  EXPECT_EQ(stalled.back().Read(1), "\x16") << "the server's part of the handshake";
  ExpectServed();
  clock->Advance(absl::Seconds(11));
  for (TestClient& client : stalled) client.ReadToEnd();
}

TEST_F(TlsTest, ARenegotiationIsRefused) {
  Start();
  TlsClientOptions options = Trusting();
  options.version = TLS1_2_VERSION;
  TlsClient a(listener_->tls_port(), options), other = Connect();
  ExpectServed(a);
  ASSERT_EQ(SSL_renegotiate(a.ssl()), 1);
  EXPECT_FALSE(a.Send("PING\r\n"));
  EXPECT_EQ(a.error(), "no renegotiation");
  ExpectServed(other);
}

TEST_F(TlsTest, KeysMayBeUpdatedInTheMiddle) {
  Start();
  TlsClientOptions options = Trusting();
  options.version = TLS1_3_VERSION;
  TlsClient a(listener_->tls_port(), options);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(SSL_key_update(a.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ExpectServed(a);
  }
}

// Each asks for an answer: without a bound, they would fill the server's memory.
TEST_F(TlsTest, WhoAsksForKeyUpdatesWithoutReadingIsClosed) {
  options_.loglevel = LogLevel::kVerbose;
  Start();
  ASSERT_TRUE(cache_->Set("big", std::string(20'000'000, 'x')).ok());
  TlsClientOptions options = Trusting();
  options.version = TLS1_3_VERSION;
  TlsClient a(listener_->tls_port(), options), other = Connect();
  EXPECT_TRUE(a.SendOnly("GET big\r\n"));  // fills what the kernel would take of the answers
  while (!Logged("Reading from client: the peer asks without reading the answers")) {
    ASSERT_EQ(SSL_key_update(a.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    if (!a.SendOnly("\n")) break;
  }
  ExpectServed(other);
  EXPECT_TRUE(Logged("Reading from client: the peer asks without reading the answers"));
}

// The socket is empty by then: what OpenSSL has deciphered, and the records behind it, are no event of the loop's.
TEST_F(TlsTest, ManyRecordsInOneReadAreAllServed) {
  Start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = Trusting();
    options.version = version;
    TlsClient a(listener_->tls_port(), options);
    std::string replies;
    // 3,000 records with a request each, and halves of requests, in one piece.
    a.Hold();
    for (int i = 0; i < 1000; ++i) {
      for (const char* piece : {"PING\r\n", "EC", "HO hello\r\n"}) EXPECT_TRUE(a.SendOnly(piece));
      replies += "+PONG\r\n$5\r\nhello\r\n";
    }
    a.Release();
    EXPECT_EQ(a.Read(replies.size()), replies);
    ExpectServed(a);
  }
}

TEST_F(TlsTest, TwoListenersWithThreadsOfTheirOwn) {
  Start();
  absl::StatusOr<std::unique_ptr<Listener>> second = Listener::Start(*cache_, listener_options_);
  ASSERT_TRUE(second.ok()) << second.status();
  std::vector<std::thread> threads;
  for (const int port : {listener_->tls_port(), (*second)->tls_port()}) {
    for (int thread = 0; thread < 2; ++thread) {
      threads.emplace_back([&, port] {
        for (int i = 0; i < 20; ++i) {
          TlsClient client(port, Trusting());
          ExpectServed(client);
        }
      });
    }
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ConfigSet({"tls-cert-file", File("server.crt")}), "");
  for (std::thread& thread : threads) thread.join();
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

TEST_F(TlsTest, AHalfClosedConnectionGetsItsAnswersAndAGoodBye) {
  Start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = Trusting();
    options.version = version;
    TlsClient a(listener_->tls_port(), options);
    EXPECT_TRUE(a.Send("ECHO one\r\nECHO two\r\n"));
    a.SayGoodBye();
    a.socket().ShutDownSending();
    EXPECT_EQ(a.ReadToEnd(), "$3\r\none\r\n$3\r\ntwo\r\n");
    EXPECT_TRUE(a.said_good_bye());
  }
}

TEST_F(TlsTest, QuitAndTheListenersEndAreGoodByes) {
  Start();
  TlsClient a = Connect(), b = Connect();
  EXPECT_TRUE(a.Send("QUIT\r\n"));
  EXPECT_EQ(a.ReadToEnd(), "+OK\r\n");
  EXPECT_TRUE(a.said_good_bye());
  ExpectServed(b);
  listener_->Stop();
  EXPECT_EQ(b.ReadToEnd(), "");
  EXPECT_TRUE(b.said_good_bye());
}

TEST_F(TlsTest, AThousandConnectionsLeaveNothing) {
  options_.tls_session_cache_size = 16;
  Start();
  const auto connect = [&](int n) {
    for (int i = 0; i < n; ++i) {
      TlsClient client = Connect();
      ExpectServed(client);
      if (i % 3 == 0) client.SayGoodBye();
      if (i % 3 == 1) client.socket().Reset();
    }
    // Once the server has seen the last of them off: how many descriptors there are.
    TestClient plain = TestClient::Tcp(listener_->port());
    std::string clients;
    do {
      plain.Send("INFO clients\r\n");
      clients = plain.ReadBulk();
    } while (clients.find("connected_clients:1\r\n") == clients.npos);
    return OpenDescriptors();
  };
  const size_t descriptors = connect(200);
  const size_t before = mallinfo2().uordblks;
  EXPECT_EQ(connect(1000), descriptors);
  EXPECT_LT(mallinfo2().uordblks, before + 200'000) << "200 bytes a connection";
}

// ---- Configuration --------------------------------------------------------------------------------------------------

TEST_F(TlsTest, WhatCannotBeUsedIsAnErrorOfStart) {
  const auto with = [&](auto change) {
    const Options good = options_;
    change(options_);
    const std::string error = StartError();
    options_ = good;
    return error;
  };
  const std::string failed = "Failed to configure TLS: ";
  EXPECT_EQ(with([](Options& o) { o.tls_cert_file = ""; }), failed + "No tls-cert-file configured!");
  EXPECT_EQ(with([](Options& o) { o.tls_key_file = ""; }), failed + "No tls-key-file configured!");
  EXPECT_THAT(with([](Options& o) { o.tls_ca_cert_file = "", o.tls_auth_clients = TlsAuthClients::kYes; }),
              HasSubstr(failed + "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"));
  EXPECT_EQ(
      with([](Options& o) { o.tls_cert_file = "/nonexistent"; }),
      failed + "Failed to load certificate: /nonexistent: error:80000002:system library::No such file or directory");
  EXPECT_EQ(with([](Options& o) { o.tls_cert_file = File("junk"); }),
            failed + "Failed to load certificate: " + File("junk") + ": error:0480006C:PEM routines::no start line");
  EXPECT_EQ(with([](Options& o) { o.tls_key_file = File("server2.key"); }),
            failed + "Failed to load private key: " + File("server2.key") +
                ": error:05800074:x509 certificate routines::key values mismatch");
  EXPECT_THAT(with([](Options& o) { o.tls_key_file = File("server.enc.key"); }),
              HasSubstr("Failed to load private key: "));
  // One wrong key in 256 decrypts to something that ends like padding, and then it is what came out that is no key.
  EXPECT_THAT(with([](Options& o) { o.tls_key_file = File("server.enc.key"), o.tls_key_file_pass = "wrong"; }),
              AllOf(HasSubstr("Failed to load private key: "), AnyOf(HasSubstr("bad decrypt"), HasSubstr("DECODER"))));
  EXPECT_EQ(with([](Options& o) { o.tls_key_file = File("server.enc.key"), o.tls_key_file_pass = "secret"; }), "");
  EXPECT_THAT(with([](Options& o) { o.tls_ca_cert_file = "/nonexistent"; }),
              HasSubstr("Failed to configure CA certificate(s) file/directory: error:80000002"));
  EXPECT_THAT(with([](Options& o) { o.tls_ca_cert_file = File("junk"); }), HasSubstr("no certificate in"));
  EXPECT_EQ(with([](Options& o) { o.tls_protocols = "TLSv1.2, TLSv1.3"; }),
            failed + "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and "
                     "'TLSv1.3'.");
  EXPECT_EQ(with([](Options& o) { o.tls_protocols = " tlsv1.2  TLSv1.3 "; }), "");
  EXPECT_EQ(with([](Options& o) { o.tls_ciphers = "bogus"; }), failed + "Failed to configure ciphers: bogus");
  EXPECT_EQ(with([](Options& o) { o.tls_ciphersuites = "bogus"; }), failed + "Failed to configure ciphersuites: bogus");
  EXPECT_THAT(with([](Options& o) { o.tls_dh_params_file = File("junk"); }),
              HasSubstr("Failed to load " + File("junk")));
  EXPECT_EQ(with([](Options& o) { o.tls_dh_params_file = File("dh.pem"); }), "");
}

TEST_F(TlsTest, WithoutTlsATlsPortIsAnErrorThatSaysSo) {
  listener_options_.tls = nullptr;
  EXPECT_THAT(StartError(),
              HasSubstr("this program has no TLS: its listener was started without ListenerOptions::tls"));
  cache_.reset();
  listener_options_ = {};
  listener_options_.host_keeps.clear();
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  Start();
  EXPECT_THAT(ConfigSet({"tls-port", "7777"}),
              HasSubstr("-ERR CONFIG SET failed (possibly related to argument 'tls-port') - this program has no TLS"));
  EXPECT_EQ(ConfigSet({"tls-cert-file", "/nonexistent"}), "") << "with tls-port 0 nobody looks at it";
}

TEST_F(TlsTest, ProtocolsAndCiphersAreAsSaid) {
  options_.tls_protocols = "TLSv1.2";
  options_.tls_ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";
  Start();
  TlsClientOptions newer = Trusting();
  newer.version = TLS1_3_VERSION;
  TlsClient refused(listener_->tls_port(), newer);
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error(), HasSubstr("alert protocol version"));
  TlsClient a = Connect();
  ExpectServed(a);
  EXPECT_STREQ(SSL_get_version(a.ssl()), "TLSv1.2");
  EXPECT_STREQ(SSL_get_cipher_name(a.ssl()), "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(ConfigSet({"tls-protocols", "TLSv1.3", "tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}), "");
  TlsClient b = Connect();
  ExpectServed(b);
  EXPECT_STREQ(SSL_get_version(b.ssl()), "TLSv1.3");
  EXPECT_STREQ(SSL_get_cipher_name(b.ssl()), "TLS_CHACHA20_POLY1305_SHA256");
  ExpectServed(a);
}

TEST_F(TlsTest, SessionsAreResumedUnlessCachingIsOff) {
  options_.tls_auth_clients = TlsAuthClients::kYes;
  Start();
  for (bool caching : {true, false}) {
    EXPECT_EQ(ConfigSet({"tls-session-caching", caching ? "yes" : "no"}), "");
    for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClientOptions options = As("client");
      options.version = version;
      TlsClient first(listener_->tls_port(), options);
      ExpectServed(first);
      std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(SSL_get1_session(first.ssl()),
                                                                        SSL_SESSION_free);
      first.SayGoodBye();
      options.session = session.get();
      TlsClient second(listener_->tls_port(), options);
      ExpectServed(second);
      EXPECT_EQ(SSL_session_reused(second.ssl()), caching ? 1 : 0) << version;
    }
  }
}

TEST_F(TlsTest, ConfigSetReadsFilesAgain) {
  const std::string certificate = File("mine.crt"), key = File("mine.key");
  const auto put = [&](const std::string& name) {
    std::ofstream(certificate) << std::ifstream(File(name + ".crt")).rdbuf();
    std::ofstream(key) << std::ifstream(File(name + ".key")).rdbuf();
  };
  put("server");
  options_.tls_cert_file = certificate;
  options_.tls_key_file = key;
  Start();
  TlsClient before = Connect();
  EXPECT_EQ(before.peer_name(), "server");

  put("server2");
  EXPECT_EQ(Connect().peer_name(), "server") << "not by itself";
  EXPECT_EQ(ConfigSet({"tls-cert-file", certificate}), "");
  EXPECT_EQ(Connect().peer_name(), "server2");
  ExpectServed(before);

  put("junk");
  EXPECT_EQ(ConfigSet({"tls-cert-file", certificate}), TlsRefusal("tls-cert-file"));
  EXPECT_TRUE(Logged("Failed to load certificate: " + certificate));
  EXPECT_EQ(ConfigSet({"tls-cert-file", File("server.crt")}), TlsRefusal("tls-cert-file")) << "another's key";
  EXPECT_EQ(ConfigSet({"maxclients", "100", "tls-key-file", "/nonexistent"}), TlsRefusal("tls-key-file"));
  EXPECT_EQ(Connect().peer_name(), "server2");
  EXPECT_EQ((*cache_->Execute({"CONFIG", "GET", "tls-cert-file"}))[1].AsString(), certificate);
  EXPECT_EQ(ConfigSet({"tls-session-caching", "yes"}), "") << "no change, so nothing is read";
  EXPECT_EQ(ConfigSet({"tls-prefer-server-ciphers", "yes"}), TlsRefusal("tls-prefer-server-ciphers"));

  EXPECT_EQ(ConfigSet({"tls-cert-file", File("server.crt"), "tls-key-file", File("server.key")}), "");
  EXPECT_EQ(Connect().peer_name(), "server");
  ExpectServed(before);
}

TEST_F(TlsTest, ConfigSetMovesStopsAndStartsThePort) {
  listener_options_ = {};
  listener_options_.host_keeps.clear();
  listener_options_.tls = &Tls();
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  options_.tls_cert_file = "";
  Start();
  EXPECT_EQ(listener_->tls_port(), 0);
  // Ports that nobody has, found by asking for any.
  const auto free_port = [&] {
    ListenerOptions any;
    any.bind = {"127.0.0.1"};
    any.any_port = true;
    any.tls_port = 0;
    absl::StatusOr<std::unique_ptr<Listener>> other = Listener::Start(*cache_, any);
    return std::to_string((*other)->port());
  };
  const std::string first = free_port();
  EXPECT_EQ(ConfigSet({"tls-port", first}), TlsRefusal("tls-port"));
  EXPECT_TRUE(Logged("No tls-cert-file configured!"));
  EXPECT_EQ(listener_->tls_port(), 0);
  EXPECT_EQ(ConfigSet({"tls-cert-file", File("server.crt"), "tls-port", first}), "");
  EXPECT_EQ(std::to_string(listener_->tls_port()), first);
  TlsClient early = Connect();
  ExpectServed(early);

  const std::string second = free_port();
  EXPECT_EQ(ConfigSet({"tls-port", second}), "");
  ExpectServed();
  EXPECT_EQ(ConfigSet({"tls-port", std::to_string(listener_->port())}),
            "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this port. Check "
            "server logs.\r\n");
  ExpectServed();
  EXPECT_EQ(ConfigSet({"tls-port", "0"}), "");
  EXPECT_EQ(listener_->tls_port(), 0);
  EXPECT_THAT(listener_->addresses(), SizeIs(1));
  ExpectServed(early);
  EXPECT_EQ(ConfigSet({"tls-port", second}), "");
  ExpectServed();
}

// ---- A good guest ---------------------------------------------------------------------------------------------------

// What was in the queue before, OpenSSL's own handshake has cleared; nothing of ours is added to it.
TEST_F(TlsTest, NoErrorIsLeftInTheThreadsQueue) {
  listener_options_.own_thread = false;
  ERR_clear_error();
  Start();
  TestClient plain = TestClient::Tcp(listener_->tls_port());
  plain.Send("PING\r\n\r\n");
  while (!Logged("wrong version number")) listener_->Poll(100);
  EXPECT_EQ(ERR_peek_error(), 0u);
  listener_.reset();
  EXPECT_EQ(ERR_get_error(), 0u);
}

TEST_F(TlsTest, ManyListenersMayComeAndGo) {
  Open();
  for (int i = 0; i < 200; ++i) {
    Start();
    if (i % 50 == 0) ExpectServed();
    listener_.reset();
  }
}

}  // namespace
}  // namespace larder
