// The listener when memory runs out: each allocation fails once, and from each one on all fail, while a listener
// starts, takes connections (plain, unix, TLS), is told to move, answers commands of clients and stops. The loop runs
// on the test's own thread, for which alone memory runs out. Nothing may throw, nothing may be lost, and the listener
// serves again when there is memory.
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <larder/net/tls.h>

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/fault/faults.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"
#include "tests/net/tls_client.h"

namespace larder::testing {
namespace {

constexpr size_t kNever = SIZE_MAX;

// A cache with a listener that runs in the test's loop.
class World {
 public:
  World() {
    options.bind = {"127.0.0.1"};
    options.any_port = true;
    options.log = [](LogLevel, std::string_view) {};
    where.own_thread = false;
    where.host_keeps.clear();
    where.unixsocket = folder / "a-path-that-is-longer-than-what-a-short-string-holds";
  }
  ~World() {
    listener.reset();
    cache.reset();
  }
  void Open() {
    if (cache == nullptr) cache = *Cache::Open(options);
  }
  absl::Status Start() {
    Open();
    absl::StatusOr<std::unique_ptr<Listener>> started = Listener::Start(*cache, where);
    if (started.ok()) listener = *std::move(started);
    return started.status();
  }
  void Turns(int n = 8) {
    for (int i = 0; i < n; ++i) listener->Poll(0);
  }
  TestClient Connect(bool tcp) {
    return tcp ? TestClient::Tcp(listener->port()) : TestClient::Unix(*where.unixsocket);
  }
  // Polls until `client` has its reply's first line, or has been closed: "".
  std::string Line(TestClient& client) {
    std::string line;
    for (;;) {
      char c;
      const ssize_t n = recv(client.fd(), &c, 1, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return "";
      if (n < 0) {
        listener->Poll(1);
        continue;
      }
      line += c;
      if (line.ends_with("\r\n")) return line;
    }
  }
  void ExpectServed() {
    for (bool tcp : {true, false}) {
      TestClient client = Connect(tcp);
      client.Send("PING\r\n");
      EXPECT_EQ(Line(client), "+PONG\r\n") << (tcp ? "TCP" : "unix");
    }
    Turns();
  }

  const TempFolder folder;
  Options options;
  ListenerOptions where;
  std::unique_ptr<Cache> cache;
  std::unique_ptr<Listener> listener;
};

// Calls `once(armed)` for each allocation that `armed` will refuse; `armed(f)` runs f and returns how many it refused.
using Armed = std::function<void(const std::function<void()>&)>;

void EachAllocation(const std::function<void(const Armed&)>& once) {
  for (Faults::Mode mode : {Faults::Mode::kOnce, Faults::Mode::kFromOn}) {
    size_t refused = 1;
    const auto run = [&](size_t n) {
      once([&](const std::function<void()>& f) {
        Faults::Arm(n, mode);
        bool threw = false;
        try {
          f();
        } catch (const std::bad_alloc&) {
          threw = true;
        }
        refused = Faults::Disarm();
        ASSERT_FALSE(threw) << "at allocation " << n;
      });
    };
    run(kNever);  // what is made once for the process
    for (size_t n = 0; refused != 0 || n == 0; ++n) {
      SCOPED_TRACE((mode == Faults::Mode::kOnce ? "without allocation " : "from allocation ") + std::to_string(n));
      const Faults::Live before = Faults::live();
      run(n);
      EXPECT_EQ(Faults::live().blocks, before.blocks) << "leaked";
      EXPECT_EQ(Faults::live().mapped_bytes, before.mapped_bytes) << "leaked";
      if (::testing::Test::HasFailure()) return;
      ASSERT_LT(n, 2000u);
    }
  }
}

bool Exists(const std::string& path) {
  struct stat there;
  return lstat(path.c_str(), &there) == 0;
}

TEST(NetFaultTest, AStartSucceedsOrLeavesNothing) {
  EachAllocation([](const Armed& armed) {
    World world;
    world.Open();
    absl::Status status;
    armed([&] { status = world.Start(); });
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
      EXPECT_FALSE(Exists(*world.where.unixsocket));
      ASSERT_TRUE(world.Start().ok());
    }
    world.ExpectServed();
  });
}

TEST(NetFaultTest, AnAcceptSucceedsOrClosesThatOne) {
  for (bool tcp : {true, false}) {
    EachAllocation([tcp](const Armed& armed) {
      World world;
      ASSERT_TRUE(world.Start().ok());
      TestClient client = world.Connect(tcp);
      client.Send("SET key value\r\n");
      armed([&] { world.Turns(); });
      const std::string reply = world.Line(client);
      EXPECT_TRUE(reply == "+OK\r\n" || reply == "" || reply.starts_with("-OOM")) << reply;
      world.ExpectServed();
    });
  }
}

// A command of a client that is connected, whatever it answers.
void EachAllocationOf(const std::string& request, const std::function<void(World&, const std::string& reply)>& check) {
  EachAllocation([&](const Armed& armed) {
    World world;
    ASSERT_TRUE(world.Start().ok());
    TestClient other = world.Connect(true);
    TestClient client = world.Connect(true);
    client.Send("PING\r\n");
    EXPECT_EQ(world.Line(client), "+PONG\r\n");
    client.Send(request);
    armed([&] { world.Turns(); });
    const std::string reply = world.Line(client);
    check(world, reply);
    world.ExpectServed();
  });
}

TEST(NetFaultTest, ConfigSetBindMovesOrStaysAsItWas) {
  for (const char* bind : {"\"*\"", "\"127.0.0.1 127.0.0.2 127.0.0.3\""}) {
    EachAllocationOf(std::string("CONFIG SET bind ") + bind + "\r\n", [&](World& world, const std::string& reply) {
      const bool moved = reply == "+OK\r\n";
      world.Turns();
      const size_t addresses = world.listener->addresses().size();
      if (moved || reply.starts_with("-")) {
        const absl::StatusOr<Reply> shown = world.cache->Execute({"CONFIG", "GET", "bind"});
        const std::string now((*shown)[1].AsString());
        EXPECT_EQ(now == "127.0.0.1", !moved) << now << " after " << reply;
        EXPECT_EQ(addresses, moved && bind[1] != '*' ? 4u : 2u);
      }
    });
  }
}

TEST(NetFaultTest, ConfigSetPortMovesOrStaysAsItWas) {
  int port = 0;
  {
    World world;
    ASSERT_TRUE(world.Start().ok());
    port = world.listener->port();
  }
  EachAllocationOf("CONFIG SET port " + std::to_string(port) + "\r\n", [&](World& world, const std::string& reply) {
    if (reply == "+OK\r\n") {
      EXPECT_EQ(world.listener->port(), port);
    } else if (!reply.empty()) {
      EXPECT_NE(world.listener->port(), port);
    }
  });
}

TEST(NetFaultTest, CommandsOfClientsEndInAnAnswerOrThatClientsEnd) {
  for (const char* request :
       {"MONITOR\r\n", "CLIENT LIST\r\n", "CLIENT INFO\r\n", "CLIENT SETNAME a-name-of-some-length\r\n",
        "CLIENT KILL TYPE normal SKIPME yes\r\n", "CLIENT PAUSE 1\r\n", "CLIENT GETREDIR\r\n",
        "CONFIG SET maxclients 100\r\n", "HELLO 3\r\n", "nonsense\r\n", "*1\r\n+\r\n", "QUIT\r\n"}) {
    SCOPED_TRACE(request);
    EachAllocationOf(request, [](World&, const std::string&) {});
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(NetFaultTest, AStopNeedsNoMemory) {
  EachAllocation([](const Armed& armed) {
    World world;
    ASSERT_TRUE(world.Start().ok());
    TestClient idle = world.Connect(false), monitor = world.Connect(true);
    monitor.Send("MONITOR\r\n");
    EXPECT_EQ(world.Line(monitor), "+OK\r\n");
    monitor.Send("SET key value\r\n");
    armed([&] { world.listener->Stop(); });
    EXPECT_FALSE(Exists(*world.where.unixsocket));
    idle.ExpectEnd();
    world.listener.reset();
    ASSERT_TRUE(world.Start().ok());
    world.ExpectServed();
  });
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

class NetFaultTlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { certificates_ = new Certificates; }
  static void TearDownTestSuite() { delete certificates_; }
  static void UseTls(World& world) {
    world.options.tls_cert_file = *certificates_ / "server.crt";
    world.options.tls_key_file = *certificates_ / "server.key";
    world.options.tls_ca_cert_file = *certificates_ / "ca.crt";
    world.options.tls_auth_clients = TlsAuthClients::kNo;
    world.where.any_tls_port = true;
    world.where.bind = {"127.0.0.1"};
    world.where.any_port = true;
    world.where.tls = &Tls();
  }
  static Certificates* certificates_;
};
Certificates* NetFaultTlsTest::certificates_ = nullptr;

TEST_F(NetFaultTlsTest, AStartSucceedsOrLeavesNothing) {
  EachAllocation([](const Armed& armed) {
    World world;
    UseTls(world);
    world.Open();
    absl::Status status;
    armed([&] { status = world.Start(); });
    if (!status.ok()) {
      ASSERT_TRUE(world.Start().ok());
    }
    world.ExpectServed();
  });
}

TEST_F(NetFaultTlsTest, AHandshakeSucceedsOrEndsThatConnection) {
  EachAllocation([](const Armed& armed) {
    World world;
    UseTls(world);
    ASSERT_TRUE(world.Start().ok());
    TestClient garbage = TestClient::Tcp(world.listener->tls_port());
    garbage.Send("PING\r\nPING\r\n");  // ends in OpenSSL's words
    armed([&] { world.Turns(); });
    EXPECT_NE(world.Line(garbage), "+PONG\r\n");
    world.ExpectServed();
  });
}

TEST_F(NetFaultTlsTest, ConfigSetOfFilesHoldsOrLeavesWhatWasInForce) {
  const std::string file = *certificates_ / "server.crt";
  const std::string request = "CONFIG SET tls-cert-file " + file + " tls-prefer-server-ciphers yes\r\n";
  EachAllocation([&](const Armed& armed) {
    World world;
    UseTls(world);
    ASSERT_TRUE(world.Start().ok());
    TestClient client = world.Connect(true);
    client.Send(request);
    armed([&] { world.Turns(); });
    (void)world.Line(client);
    world.ExpectServed();
    const absl::StatusOr<Reply> stats = world.cache->Execute({"PING"});
    EXPECT_TRUE(stats.ok());
  });
}

}  // namespace
}  // namespace larder::testing
