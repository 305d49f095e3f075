// A listener's life: its thread or the caller's loop, its end by its owner or its cache.
#include <signal.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/events.h>
#include <larder/pubsub.h>
#include "tests/net/listener_testing.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

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
  EXPECT_TRUE(OnlyTasksOf(tasks));
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

// Callbacks of what clients do run on the loop's thread, and may end each other there; Close delivers the rest.
TEST_F(ListenerTest, CallbacksRunOnTheLoop) {
  options_.background = Background::kLoop;
  Start();
  std::atomic<std::thread::id> loop{std::thread::id()};
  std::atomic<int> told{0};
  const auto note = [&] {
    std::thread::id other;
    const bool first = loop.compare_exchange_strong(other, std::this_thread::get_id());
    EXPECT_EQ(first ? std::this_thread::get_id() : other, std::this_thread::get_id());
    ++told;
    told.notify_all();
  };
  std::optional<EventSubscription> events;
  std::optional<Subscription> messages =
      *cache_->Subscribe({.channels = {"c"}, .patterns = {"end"}}, [&](const Message& message) {
        if (message.by == Message::By::kPattern) {
          events.reset();
          messages.reset();
        }
        note();
      });
  events = *cache_->OnEvent(EventClass::kString, [&](const Event&) { note(); }, {.old_values = true});
  EXPECT_EQ(*cache_->Size(), 0) << "what was assigned before a call is seen by callbacks of later ones";
  TestClient client = Connect();
  client.Expect("PUBLISH c m\r\n", ":1\r\n");
  client.Expect("SET k v\r\n", "+OK\r\n");
  for (int now = told; now != 2; now = told) told.wait(now);
  EXPECT_NE(loop.load(), std::this_thread::get_id());
  client.Expect("PUBLISH end m\r\n", ":1\r\n");
  for (int now = told; now != 3; now = told) told.wait(now);
  client.Expect("PUBLISH c m\r\n", ":0\r\n");
  client.Expect("SET k v\r\n", "+OK\r\n");
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(told, 3) << "nobody is told any more";
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

}  // namespace
}  // namespace larder
