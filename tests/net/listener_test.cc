// The listener in front of a real cache, over real sockets.
#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <dirent.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::set<std::string> Entries(const char* path) {
  std::set<std::string> names;
  DIR* dir = opendir(path);
  while (const dirent* entry = readdir(dir)) names.insert(entry->d_name);
  names.erase(std::to_string(dirfd(dir)));
  closedir(dir);
  return names;
}

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (getenv("LARDER_TEST_IO_URING") != nullptr) options_.ae_api = AeApi::kIoUring;
    options_.clock = clock_;
    options_.log = [this](LogLevel, std::string_view line) {
      const std::lock_guard<std::mutex> lock(log_mutex_);
      log_.emplace_back(line);
    };
  }
  void TearDown() override {
    listener_.reset();
    cache_.reset();
  }
  void Open() {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  static ListenerOptions AnyPort() {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.io_uring = &Uring();
    return where;
  }
  void Start(ListenerOptions where = AnyPort()) {
    where.io_uring = &Uring();
    where.host_keeps.clear();
    if (cache_ == nullptr) Open();
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  TestClient Connect() { return TestClient::Tcp(listener_->port()); }
  bool Logged(std::string_view part) {
    const std::lock_guard<std::mutex> lock(log_mutex_);
    for (const std::string& line : log_) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TempFolder folder_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  Options options_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

TEST_F(ListenerTest, ClientsAndTypedCallsSeeTheSameKeys) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  client.Expect(Command({"SET", "k", "from outside"}), "+OK\r\n");
  EXPECT_EQ(**cache_->Get("k"), "from outside");
  ASSERT_TRUE(cache_->Set("k", "from inside").ok());
  client.Expect(Command({"GET", "k"}), "$11\r\nfrom inside\r\n");
}

TEST_F(ListenerTest, ListensOnAllThatItIsTold) {
  ListenerOptions where;
  where.bind = {"127.0.0.1", "::1", "-192.0.2.77"};
  where.any_port = true;
  where.unixsocket = folder_ / "s";
  Start(where);
  const std::string port = std::to_string(listener_->port());
  EXPECT_THAT(listener_->addresses(), testing::ElementsAre("127.0.0.1:" + port, "[::1]:" + port, *where.unixsocket));
  Connect().Expect("PING\r\n", "+PONG\r\n");
  TestClient::Tcp6(listener_->port()).Expect("PING\r\n", "+PONG\r\n");
  TestClient::Unix(*where.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  listener_.reset();
  EXPECT_NE(access(where.unixsocket->c_str(), F_OK), 0) << "the socket's file is gone with it";
}

TEST_F(ListenerTest, ClientListShowsWhoIsThere) {
  ListenerOptions where = AnyPort();
  where.unixsocket = folder_ / "s";
  Start(where);
  const std::string port = std::to_string(listener_->port());
  TestClient tcp = Connect();
  tcp.Expect("CLIENT SETNAME me\r\n", "+OK\r\n");
  tcp.Send("CLIENT INFO\r\n");
  const std::string info = tcp.ReadBulk();
  EXPECT_THAT(info, HasSubstr(" addr=127.0.0.1:"));
  EXPECT_THAT(info, HasSubstr(" laddr=127.0.0.1:" + port + " "));
  EXPECT_THAT(info, HasSubstr(" name=me "));
  EXPECT_THAT(info, HasSubstr(" flags=N "));
  TestClient unix = TestClient::Unix(*where.unixsocket);
  unix.Send("CLIENT INFO\r\n");
  const std::string unix_info = unix.ReadBulk();
  EXPECT_THAT(unix_info, HasSubstr(" addr=" + *where.unixsocket + ":0 laddr=" + *where.unixsocket + ":0 "));
  EXPECT_THAT(unix_info, HasSubstr(" flags=U "));
}

TEST_F(ListenerTest, RequestsMayBeSplitAtAnyByte) {
  Start();
  const std::string requests = Command({"SET", "k", "v\r\n"}) + "GET k\r\n" + Command({"APPEND", "k", "$3"}) + "\r\n" +
                               "*0\r\n" + Command({"GETRANGE", "k", "0", "-1"}) + "set 'a b' \"c\\x41\"\r\n" +
                               Command({"GET", "a b"}) + Command({"DEL", "k", "a b"});
  const std::string replies = "+OK\r\n$3\r\nv\r\n\r\n:5\r\n$5\r\nv\r\n$3\r\n+OK\r\n$2\r\ncA\r\n:2\r\n";
  TestClient client = Connect();
  for (size_t cut = 1; cut < requests.size(); ++cut) {
    client.Send(requests.substr(0, cut));
    // An answer of another connection shows that the listener has had the first part.
    if (cut % 16 == 0) Connect().Expect("PING\r\n", "+PONG\r\n");
    client.Expect(requests.substr(cut), replies);
  }
  for (char c : requests) client.Send(std::string(1, c));
  EXPECT_EQ(client.Read(replies.size()), replies);
}

TEST_F(ListenerTest, HelloSwitchesToResp3) {
  Start();
  TestClient client = Connect();
  client.Send("HELLO 3\r\n");
  EXPECT_EQ(client.ReadLine(), "%7\r\n");
  client.Send("GET missing\r\n");
  std::string rest;
  while (rest.size() < 3 || rest.compare(rest.size() - 3, 3, "_\r\n") != 0) rest += client.Read(1);
  EXPECT_THAT(rest, HasSubstr("$5\r\nproto\r\n:3\r\n"));
}

// The client writes all of it before it reads anything, as naive ones do: more than all buffers of the kernel hold.
TEST_F(ListenerTest, APipelineOfAnyDepthIsAnswered) {
  Start();
  TestClient client = Connect();
  constexpr int kCommands = 100'000;
  const std::string value(200, 'v');
  std::string requests;
  for (int i = 0; i < kCommands; ++i) {
    requests += i % 2 == 0 ? Command({"SET", "k" + std::to_string(i % 10), value}) : Command({"GET", "k0"});
  }
  ASSERT_TRUE(client.Send(requests));
  const std::string pair = "+OK\r\n$200\r\n" + value + "\r\n";
  const std::string replies = client.Read(kCommands / 2 * pair.size());
  ASSERT_EQ(replies.size(), kCommands / 2 * pair.size());
  for (int i = 0; i < kCommands / 2; ++i) {
    ASSERT_EQ(replies.compare(static_cast<size_t>(i) * pair.size(), pair.size(), pair), 0) << i;
  }
}

// More requests than one batch takes, all there at once: each is answered in some later turn.
TEST_F(ListenerTest, ManyDeepPipelinesAtOnceAreAllAnswered) {
  options_.background = Background::kTick;
  ListenerOptions where;
  where.port = 0;
  where.unixsocket = folder_ / "s";
  where.own_thread = false;
  Start(where);
  constexpr int kClients = 400, kEach = 200;
  std::vector<TestClient> clients;
  std::string requests;
  for (int i = 0; i < kEach; ++i) requests += "PING\r\n";
  for (int c = 0; c < kClients; ++c) {
    clients.push_back(TestClient::Unix(*where.unixsocket));
    listener_->Poll(0);
    listener_->Poll(0);
  }
  for (TestClient& client : clients) client.Send(requests);
  listener_->Poll(0);
  listener_->Poll(0);
  // Round robin: by now each has had its first 64, before any got its third.
  for (TestClient& client : clients) EXPECT_EQ(client.Read(64 * 7).size(), 64u * 7);
  for (int turn = 0; turn < 20; ++turn) listener_->Poll(0);
  for (TestClient& client : clients) {
    std::string replies(kEach * 7, '\0');
    EXPECT_EQ(recv(client.fd(), replies.data(), replies.size(), MSG_DONTWAIT), (kEach - 64) * 7);
  }
}

TEST_F(ListenerTest, LargeValuesGoBothWays) {
  Start();
  TestClient client = Connect(), slow = Connect();
  std::string value(20'000'000, 'x');
  for (size_t i = 0; i < value.size(); i += 997) value[i] = static_cast<char>('a' + i % 26);
  client.Expect(Command({"SET", "big", value}), "+OK\r\n");
  slow.Send("GET big\r\nGET big\r\n");
  // While one is slow to take it, the key goes away; others are served.
  client.Expect(Command({"GET", "big"}), "$20000000\r\n" + value + "\r\n");
  slow.Read(20);
  client.Expect("DEL big\r\n", ":1\r\n");
  EXPECT_TRUE(slow.Read(value.size() + 13 - 20).substr(1000, 1000) == value.substr(1000 + 20 - 11, 1000));
  EXPECT_EQ(slow.Read(11), "$20000000\r\n");
  EXPECT_TRUE(slow.Read(value.size()) == value);
}

TEST_F(ListenerTest, MalformedInputIsToldAndClosesThatClientAlone) {
  Start();
  TestClient good = Connect();
  const struct {
    const char* input;
    const char* error;
  } kCases[] = {
      {"*1\r\n!4\r\nPING\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"},
      {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
      {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"*1\r\n$999999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
  };
  for (const auto& c : kCases) {
    TestClient bad = Connect();
    // What came before it is answered, what comes behind it is not.
    bad.Send(std::string("PING\r\n") + c.input + "PING\r\n");
    EXPECT_EQ(bad.ReadToEnd(), std::string("+PONG\r\n") + c.error);
    good.Expect("PING\r\n", "+PONG\r\n");
  }
}

TEST_F(ListenerTest, QuitIsAnsweredAndCloses) {
  Start();
  TestClient client = Connect();
  client.Send("PING\r\nQUIT\r\nPING\r\n");
  EXPECT_EQ(client.ReadToEnd(), "+PONG\r\n+OK\r\n");
}

TEST_F(ListenerTest, APeerThatShutsDownItsSideGetsAllItsAnswers) {
  Start();
  TestClient client = Connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "ECHO hello\r\n";
  client.Send(requests);
  client.ShutDownSending();
  EXPECT_EQ(client.ReadToEnd().size(), 1000u * 11);
}

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

TEST_F(ListenerTest, ClientKillEndsAConnectionFromOutsideAndFromInside) {
  Start();
  TestClient killer = Connect(), victim = Connect(), second = Connect();
  victim.Send("CLIENT ID\r\n");
  const std::string id = victim.ReadLine();
  killer.Expect("CLIENT KILL ID " + id.substr(1, id.size() - 3) + "\r\n", ":1\r\n");
  victim.ExpectEnd();
  second.Send("CLIENT ID\r\n");
  const std::string second_id = second.ReadLine();
  ASSERT_TRUE(cache_->Execute({"CLIENT", "KILL", "ID", second_id.substr(1, second_id.size() - 3)}).ok());
  second.ExpectEnd();
  killer.Expect("CLIENT KILL TYPE normal SKIPME yes\r\n", ":0\r\n");
  killer.Send("CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n");
  EXPECT_EQ(killer.ReadToEnd(), ":1\r\n");
}

// A holder of the executor in user code: the loop goes on meanwhile, and answers when it can.
TEST_F(ListenerTest, ABusyExecutorDelaysAnswersAndNothingElse) {
  Start();
  TestClient a = Connect(), b = Connect();
  a.Expect("PING\r\n", "+PONG\r\n");
  std::atomic<bool> inside{false}, leave{false};
  std::thread holder([&] {
    EXPECT_TRUE(cache_->Atomically([&](Transaction& transaction) {
      inside = true;
      inside.notify_all();
      leave.wait(false);
      return transaction.Set("k", "held").status();
    }).ok());
  });
  inside.wait(false);
  a.Send("GET k\r\n");
  b.Send("GET k\r\nPING\r\n");
  TestClient late = Connect();  // accepted by the kernel in any case; served afterwards
  late.Send("GET k\r\n");
  leave = true;
  leave.notify_all();
  holder.join();
  EXPECT_EQ(late.Read(10), "$4\r\nheld\r\n");
  // These two came first or together with the others: before the transaction they cannot have run.
  EXPECT_EQ(a.Read(10), "$4\r\nheld\r\n");
  EXPECT_EQ(b.Read(17), "$4\r\nheld\r\n+PONG\r\n");
}

TEST_F(ListenerTest, ThreadsAndClientsCountTogether) {
  Start();
  constexpr int kThreads = 3, kClients = 3, kEach = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(cache_->Increment("n").ok());
    });
  }
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&] {
      TestClient client = Connect();
      for (int i = 0; i < kEach / 10; ++i) {
        std::string requests;
        for (int j = 0; j < 10; ++j) requests += Command({"INCR", "n"});
        client.Send(requests);
        for (int j = 0; j < 10; ++j) ASSERT_EQ(client.ReadLine()[0], ':');
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(**cache_->Get("n"), std::to_string((kThreads + kClients) * kEach));
}

// Clients that break off in every state, send rubbish, never read, and kill each other: nothing is left of them.
TEST_F(ListenerTest, HostileClientsLeaveNothingBehind) {
  options_.output_limit_normal = {4 << 20, 0, 0};
  ListenerOptions where = AnyPort();
  where.unixsocket = folder_ / "s";
  Start(where);
  ASSERT_TRUE(cache_->Set("big", std::string(300'000, 'b')).ok());
  const size_t fds = Entries("/proc/self/fd").size();
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      std::mt19937 random(seed);
      for (int round = 0; round < 150; ++round) {
        TestClient client = random() % 2 == 0 ? Connect() : TestClient::Unix(*where.unixsocket);
        std::string text;
        for (unsigned i = random() % 40; i > 0; --i) {
          switch (random() % 8) {
            case 0: text += Command({"SET", "k1", std::string(random() % 5000, 'v')}); break;
            case 1: text += Command({"GET", "big"}); break;
            case 2: text += "MULTI\r\nINCR n\r\nEXEC\r\n"; break;
            case 3: text += Command({"WATCH", "k1"}); break;
            case 4: text += "*3\r\n$3\r\nSET\r\n$100000\r\nhalf"; break;
            case 5: text += std::string(1, static_cast<char>(random())) + "\r\n"; break;
            case 6: text += "CLIENT KILL TYPE normal SKIPME yes\r\n"; break;
            default: text += "PING\r\n";
          }
        }
        for (size_t from = 0; from < text.size();) {
          const size_t n = random() % 3 == 0 ? 1 : random() % 2000;
          if (!client.Send(std::string_view(text).substr(from, n))) break;
          from += n;
        }
        if (random() % 3 == 0) client.ShutDownSending();
        if (random() % 3 == 0) recv(client.fd(), text.data(), text.size(), MSG_DONTWAIT);
        random() % 2 == 0 ? client.Reset() : client.Close();
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(cache_->Increment("calls").ok());
  for (std::thread& thread : threads) thread.join();
  // The last of them are on their way out, some not accepted yet, and still kill others: a client of each socket that is
  // answered came after all of them.
  const auto answers = [](TestClient client) { return client.Send("PING\r\n") && client.ReadLine() == "+PONG\r\n"; };
  while (!answers(Connect()) || !answers(TestClient::Unix(*where.unixsocket))) {
  }
  while (cache_->Execute({"CLIENT", "LIST"})->AsString().find(" cmd=") != std::string::npos ||
         Entries("/proc/self/fd").size() != fds) {
    std::this_thread::yield();
  }
  TestClient client = Connect();
  client.Expect("GET calls\r\n", "$5\r\n20000\r\n");
  EXPECT_EQ(Entries("/proc/self/fd").size(), fds + 2) << "this connection's two ends";
}

TEST_F(ListenerTest, ClosingTheCacheStopsTheListenerUnderItsClients) {
  Start();
  std::vector<std::thread> clients;
  std::atomic<int> running{0};
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&] {
      TestClient client = Connect();
      running.fetch_add(1);
      running.notify_all();
      while (client.Send("INCR n\r\n") && !client.ReadLine().empty()) {
      }
    });
  }
  for (int n = running.load(); n < 3; n = running.load()) running.wait(n);
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(cache_->Get("n").status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Listener::Start(*cache_, AnyPort()).status().code(), absl::StatusCode::kCancelled);
}

// A TLS provider that takes its time, and has none.
class SlowTls final : public TlsProvider {
 public:
  absl::StatusOr<std::shared_ptr<net::ChannelFactory>> Configure(const Options&) const override {
    asked = true;
    asked.notify_all();
    go.wait(false);
    return absl::InvalidArgumentError("no TLS after all");
  }
  mutable std::atomic<bool> asked{false};
  std::atomic<bool> go{false};
};

TEST_F(ListenerTest, CloseWaitsForAStartThatIsUnderWay) {
  Open();
  SlowTls tls;
  ListenerOptions where = AnyPort();
  where.tls = &tls;
  where.any_tls_port = true;
  std::thread starter([&] {
    EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kInvalidArgument);
  });
  tls.asked.wait(false);
  const absl::Status late = cache_->Close(absl::InfinitePast());
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()), HasSubstr("Listener::Start"));
  tls.go = true;
  tls.go.notify_all();
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  starter.join();
}

// The loop has come to a command that it runs itself, and waits for whoever stops it.
TEST_F(ListenerTest, StopsInsideAtomicallyAndView) {
  Open();
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), "v").ok());
  for (int round = 0; round < 20; ++round) {
    Start();
    TestClient client = Connect();
    client.Send("PING\r\n");
    EXPECT_EQ(client.ReadLine(), "+PONG\r\n");
    std::atomic<bool> holds{false};
    std::atomic<bool> waits{false};
    std::thread first([&] {
      (void)cache_->Atomically([&](Transaction&) {
        holds = true;
        client.Send("KEYS *\r\n");
        while (!waits) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // until both wait, most times
      });
    });
    while (!holds) std::this_thread::yield();
    waits = true;
    const auto stop = [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      listener_->Stop();
    };
    if (round % 2 == 0) (void)cache_->Atomically([&](Transaction&) { stop(); });
    else (void)cache_->View("k", [&](auto) { stop(); });
    first.join();
    client.ReadToEnd();
  }
}

TEST_F(ListenerTest, TwoListenersServeOneCache) {
  Start();
  absl::StatusOr<std::unique_ptr<Listener>> second = Listener::Start(*cache_, AnyPort());
  ASSERT_TRUE(second.ok());
  EXPECT_NE((*second)->port(), listener_->port());
  TestClient a = Connect(), b = TestClient::Tcp((*second)->port());
  a.Expect("SET k v\r\n", "+OK\r\n");
  b.Expect("GET k\r\n", "$1\r\nv\r\n");
  a.Expect("CLIENT KILL TYPE normal SKIPME yes\r\n", ":1\r\n");
  b.ExpectEnd();
  listener_.reset();
  TestClient::Tcp((*second)->port()).Expect("GET k\r\n", "$1\r\nv\r\n");
}

TEST_F(ListenerTest, TwoCachesInOneProcessNeverMeet) {
  Start();
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  ASSERT_TRUE(other.ok());
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(**other, AnyPort());
  ASSERT_TRUE(listener.ok());
  Connect().Expect("SET k v\r\n", "+OK\r\n");
  TestClient::Tcp((*listener)->port()).Expect("GET k\r\n", "$-1\r\n");
}

TEST_F(ListenerTest, StartsAndStopsAThousandTimesWithoutALeak) {
  Open();
  const std::set<std::string> fds = Entries("/proc/self/fd");
  const std::set<std::string> tasks = Entries("/proc/self/task");
  const std::string path = folder_ / "s";
  for (int i = 0; i < 1000; ++i) {
    ListenerOptions where = AnyPort();
    where.unixsocket = path;
    Start(where);
    if (i % 10 == 0) {
      TestClient tcp = Connect(), unix = TestClient::Unix(path);
      tcp.Expect("INCR n\r\n", ":" + std::to_string(i / 10 + 1) + "\r\n");
      unix.Send("PING\r\n");  // in the middle of things
    }
    listener_.reset();
  }
  EXPECT_EQ(Entries("/proc/self/fd"), fds);
  EXPECT_EQ(Entries("/proc/self/task"), tasks);
  EXPECT_EQ(cache_->Execute({"CLIENT", "LIST"})->AsString(), "") << "no session is left";
}

TEST_F(ListenerTest, APortIsFreeAgainAtOnce) {
  Start();
  ListenerOptions where = AnyPort();
  where.any_port = false;
  where.port = listener_->port();
  Connect().Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kAlreadyExists);
  listener_->Stop();
  listener_->Stop();
  absl::StatusOr<std::unique_ptr<Listener>> again = Listener::Start(*cache_, where);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->port(), *where.port);
}

TEST_F(ListenerTest, TheLogMayAskForItsAddresses) {
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  std::unique_ptr<Listener> first = *Listener::Start(**other, AnyPort());
  int lines = 0;
  options_.log = [&](LogLevel, std::string_view) {
    if (listener_ == nullptr) return;
    EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"127.0.0.1:" + std::to_string(listener_->port())});
    ++lines;
  };
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  Start(ListenerOptions());
  EXPECT_TRUE(cache_->Execute({"CONFIG", "SET", "port", std::to_string(first->port())})->is_error());
  EXPECT_GE(lines, 1);
}

TEST_F(ListenerTest, ConfigSetMovesIt) {
  // Two ports that were free a moment ago.
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  std::unique_ptr<Listener> first = *Listener::Start(**other, AnyPort());
  std::unique_ptr<Listener> second = *Listener::Start(**other, AnyPort());
  const std::string taken = std::to_string(first->port()), moved = std::to_string(second->port());
  second.reset();
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  Start(ListenerOptions());
  TestClient client = Connect();
  const int old_port = listener_->port();
  client.Send("CONFIG SET port " + taken + "\r\n");
  EXPECT_EQ(client.ReadLine(), "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on "
                               "this port. Check server logs.\r\n");
  EXPECT_EQ(listener_->port(), old_port);
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Expect("CONFIG SET port " + moved + "\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"127.0.0.1:" + moved});
  Connect().Expect("PING\r\n", "+PONG\r\n");
  // Addresses that overlap those that it has, there and back, and some that cannot be had.
  client.Expect("CONFIG SET bind *\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"0.0.0.0:" + moved});
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Send("CONFIG SET bind \"127.0.0.1 192.0.2.77\"\r\n");
  EXPECT_EQ(client.ReadLine(), "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to "
                               "specified addresses.\r\n");
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Expect("CONFIG SET port 0\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->port(), 0);
  client.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(ListenerTest, NothingToListenOnIsAnError) {
  Open();
  ListenerOptions where;
  where.io_uring = &Uring();
  where.port = 0;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kInvalidArgument);
  where.port = 70000;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kInvalidArgument);
  where.port = 0;
  where.bind = {"-192.0.2.77"};
  where.any_port = true;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ListenerTest, ItsThreadBlocksAllSignals) {
  const std::set<std::string> before = Entries("/proc/self/task");
  Start();
  Connect().Expect("PING\r\n", "+PONG\r\n");
  int found = 0;
  for (const std::string& task : Entries("/proc/self/task")) {
    std::ifstream status("/proc/self/task/" + task + "/status");
    std::string line, name;
    while (std::getline(status, line)) {
      if (line.rfind("Name:", 0) == 0) name = line;
      if (line.rfind("SigBlk:", 0) != 0 || name.find("larder-listener") == std::string::npos) continue;
      ++found;
      // All but SIGKILL, SIGSTOP and the two that the C library keeps for itself.
      const uint64_t blocked = std::stoull(line.substr(8), nullptr, 16);
      for (int s : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGCHLD}) EXPECT_TRUE(blocked >> (s - 1) & 1) << s;
    }
  }
  EXPECT_EQ(found, 1);
  EXPECT_THAT(before, SizeIs(Entries("/proc/self/task").size() - 1));
}

TEST_F(ListenerTest, RunsInTheCallersLoop) {
  options_.background = Background::kTick;
  Open();
  const size_t threads = Entries("/proc/self/task").size();
  ListenerOptions where = AnyPort();
  where.own_thread = false;
  Start(where);
  TestClient client = Connect();
  client.Send("SET k v\r\nGET k\r\n");
  const int backend = listener_->BackendFd();
  ASSERT_GE(backend, 0);
  std::string got;
  while (got.size() < 12) {
    pollfd wanted[2] = {{backend, POLLIN, 0}, {client.fd(), POLLIN, 0}};
    ASSERT_GT(poll(wanted, 2, 30'000), 0);
    if (wanted[0].revents != 0) listener_->Poll(0);
    if (wanted[1].revents != 0) got += client.Read(1);
  }
  EXPECT_EQ(got, "+OK\r\n$1\r\nv\r\n");
  EXPECT_EQ(Entries("/proc/self/task").size(), threads) << "no thread of ours";
  listener_->EndRun();
  EXPECT_TRUE(listener_->Run().ok()) << "returns at once";
  listener_->Stop();
  EXPECT_EQ(listener_->Poll(0), 0) << "a host may still poll what has stopped";
  client.ExpectEnd();
}

TEST_F(ListenerTest, RunEndsWithTheListener) {
  for (const bool by_close : {false, true}) {
    Open();
    ListenerOptions where = AnyPort();
    where.own_thread = false;
    listener_ = *Listener::Start(*cache_, where);
    std::thread loop([&] { EXPECT_TRUE(listener_->Run().ok()); });
    {
      TestClient client = TestClient::Tcp(listener_->port());
      client.Expect("PING\r\n", "+PONG\r\n");
    }
    if (by_close) {
      EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
    } else {
      listener_->EndRun();
    }
    loop.join();
    if (!by_close) listener_->Stop();
    EXPECT_TRUE(listener_->Run().ok()) << "at once";
    EXPECT_EQ(listener_->Poll(-1), 0) << "likewise";
    listener_.reset();
    cache_.reset();
  }
}

TEST_F(ListenerTest, AThreadOfItsOwnIsNobodyElsesToRun) {
  Open();
  listener_ = *Listener::Start(*cache_, AnyPort());
  EXPECT_EQ(listener_->Run().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(listener_->Poll(-1), 0);
  TestClient::Tcp(listener_->port()).Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(ListenerTest, BackgroundWorkRunsOnTheLoop) {
  options_.background = Background::kLoop;
  Start();
  std::atomic<bool> called{false};
  ASSERT_TRUE(cache_->ExecuteAsync({"SET", "k", "v", "PX", "50"}, [&](absl::StatusOr<Reply> reply) {
    EXPECT_TRUE(reply.ok());
    called = true;
    called.notify_all();
  }).ok());
  called.wait(false);
  TestClient client = Connect();
  client.Expect("DBSIZE\r\n", ":1\r\n");
  clock_->Advance(absl::Seconds(10));
  // DBSIZE counts what is expired until active expiry has been there.
  std::string size = ":1\r\n";
  while (size == ":1\r\n") {
    client.Send("DBSIZE\r\n");
    size = client.ReadLine();
  }
  EXPECT_EQ(size, ":0\r\n");
}

TEST_F(ListenerTest, ShutdownAsksTheHost) {
  std::atomic<bool> asked{false};
  options_.on_shutdown = [&](const ShutdownRequest& request) {
    asked = request.nosave;
    return absl::OkStatus();
  };
  Start();
  TestClient client = Connect();
  client.Send("SHUTDOWN NOSAVE\r\nPING\r\n");
  EXPECT_EQ(client.Read(7), "+PONG\r\n");
  EXPECT_TRUE(asked);
}

TEST_F(ListenerTest, InfoTellsOfTheListener) {
  Start();
  TestClient client = Connect();
  client.Send("INFO\r\n");
  const std::string info = client.ReadBulk();
  EXPECT_THAT(info, HasSubstr("tcp_port:" + std::to_string(listener_->port()) + "\r\n"));
  EXPECT_THAT(info, HasSubstr("multiplexing_api:" + std::string(listener_->poller()) + "\r\n"));
  EXPECT_THAT(info, HasSubstr("connected_clients:1\r\n"));
  EXPECT_THAT(info, HasSubstr("total_connections_received:1\r\n"));
}

TEST_F(ListenerTest, EveryPollerServes) {
  for (const auto& [api, name] : {std::pair(AeApi::kAuto, "epoll"), std::pair(AeApi::kEpoll, "epoll"),
                                  std::pair(AeApi::kPoll, "poll"), std::pair(AeApi::kSelect, "select"),
                                  std::pair(AeApi::kIoUring, "io_uring")}) {
    options_.ae_api = api;
    Start();
    EXPECT_EQ(listener_->poller(), name) << (log_.empty() ? "" : log_.back());
    TestClient client = Connect();
    client.Expect("PING\r\n", "+PONG\r\n");
    client.Send("INFO server\r\n");
    EXPECT_THAT(client.ReadBulk(), HasSubstr("multiplexing_api:" + std::string(name) + "\r\n"));
    listener_.reset();
    cache_.reset();
  }
}

TEST_F(ListenerTest, AnAeApiThatIsNotThereIsAnError) {
  options_.ae_api = AeApi::kKqueue;
  Open();
  EXPECT_EQ(Listener::Start(*cache_, AnyPort()).status().code(), absl::StatusCode::kInvalidArgument);
  cache_.reset();
  options_.ae_api = AeApi::kIoUring;
  Open();  // without the optional part
  ListenerOptions where = AnyPort();
  where.io_uring = nullptr;
  const absl::Status status = Listener::Start(*cache_, where).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("unknown ae-api 'io_uring'"));
}

}  // namespace
}  // namespace larder
