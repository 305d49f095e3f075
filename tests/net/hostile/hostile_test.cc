// Hostile clients beside a good one, against the listener in this process and against larder-server.
//
// While they rage the good client's every reply must be right. When they are gone: PING is answered, CLIENT LIST shows
// who asks and nobody else, memory is what it was, and the process has the descriptors that it had before and no
// threads but those that it starts once.
#include <dirent.h>
#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/session/buffer_pool.h"
#include "tests/net/hostile/hostile_client.h"
#include "tests/net/server_process.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder::hostile {
namespace {

using ::testing::HasSubstr;

constexpr int kHostileThreads = 2;
constexpr int kAttacks = 11;

size_t CountEntries(const std::string& path) {
  DIR* const dir = opendir(path.c_str());
  EXPECT_NE(dir, nullptr) << path;
  if (dir == nullptr) return 0;
  size_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

// What a process and its server hold.
struct Holdings {
  size_t descriptors = 0;
  size_t threads = 0;
  int64_t used_memory = 0;
  int64_t clients_memory = 0;
  std::string clients;  // CLIENT LIST

  // What keys and tables take, and clients but for the pool that they share, is what it was to the byte. The pool keeps
  // up to kKeptMax buffers, all of one size.
  bool AreBack(const Holdings& before) const {
    using Pool = session::BufferPool;
    const int64_t more = clients_memory - before.clients_memory;
    return descriptors == before.descriptors &&
           used_memory - clients_memory == before.used_memory - before.clients_memory &&
           more % int64_t{Pool::kBytes} == 0 && more <= int64_t{Pool::kBytes * Pool::kKeptMax} &&
           std::count(clients.begin(), clients.end(), '\n') == 1;
  }
  std::string ToString() const {
    return std::to_string(descriptors) + " descriptors, " + std::to_string(threads) + " threads, used_memory " +
           std::to_string(used_memory) + ", mem_clients_normal " + std::to_string(clients_memory) + "\n" + clients;
  }
};

int64_t Field(const std::string& info, const std::string& name) {
  const size_t at = info.find("\n" + name + ":");
  EXPECT_NE(at, std::string::npos) << name;
  return at == std::string::npos ? -1 : std::stoll(info.substr(at + name.size() + 2));
}

Holdings Look(TestClient& client, pid_t pid) {
  Holdings holdings;
  const std::string process = "/proc/" + std::to_string(pid);
  client.Expect("FLUSHALL\r\n", "+OK\r\n");
  client.Send("CLIENT LIST\r\n");
  holdings.clients = client.ReadBulk();
  client.Send("INFO memory\r\n");
  const std::string info = client.ReadBulk();
  holdings.used_memory = Field(info, "used_memory");
  holdings.clients_memory = Field(info, "mem_clients_normal");
  holdings.descriptors = CountEntries(process + "/fd");
  holdings.threads = CountEntries(process + "/task");
  return holdings;
}

// Values, counts and transactions under keys of its own.
void BehaveWell(const HostileClient::Connect& connect, const std::atomic<bool>& stop, int* rounds) {
  TestClient client = connect();
  const std::string medium(3000, 'm'), large(100'000, 'L');
  const std::string bulk = "$100000\r\n" + large + "\r\n";
  int n = 0;
  client.Expect(Command({"SET", "good:n", "0"}) + Command({"SET", "good:medium", medium}), "+OK\r\n+OK\r\n");
  while (!stop.load() && !::testing::Test::HasFailure()) {
    const std::string count = std::to_string(++n);
    client.Expect("INCR good:n\r\n", ":" + count + "\r\n");
    client.Expect(Command({"SET", "good:s", "value " + count}) + "GET good:s\r\n",
                  "+OK\r\n$" + std::to_string(6 + count.size()) + "\r\nvalue " + count + "\r\n");
    client.Expect("MULTI\r\nGET good:n\r\nSTRLEN good:medium\r\nEXEC\r\n",
                  "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$" + std::to_string(count.size()) + "\r\n" + count +
                      "\r\n:3000\r\n");
    if (n % 8 == 0) client.Expect(Command({"SET", "good:large", large}) + "GET good:large\r\n", "+OK\r\n" + bulk);
  }
  *rounds = n;
}

// One storm, of `steps` attacks by each of the hostile threads.
void Rage(const HostileClient::Connect& connect, uint64_t seed, int steps) {
  std::printf("seed %llu, %d steps\n", static_cast<unsigned long long>(seed), steps);
  std::atomic<bool> stop{false};
  int rounds = 0, connections[kHostileThreads] = {};
  std::thread good([&] { BehaveWell(connect, stop, &rounds); });
  std::vector<std::thread> hostile;
  for (int i = 0; i < kHostileThreads; ++i) {
    hostile.emplace_back([&, i] {
      HostileClient client(connect, seed * kHostileThreads + static_cast<uint64_t>(i));
      client.Run(steps);
      connections[i] = client.connections();
    });
  }
  for (std::thread& thread : hostile) thread.join();
  stop = true;
  good.join();
  EXPECT_GT(rounds, 0) << "the good client was served";
  for (const int count : connections) EXPECT_GE(count, steps) << "the hostile ones did come";
}

struct Storm {
  std::vector<uint64_t> seeds;
  int steps;
};
const Storm kQuick{{1}, 60};
const Storm kWhole{{2, 3, 4, 5, 6, 7}, 250};

// Storms, and what must hold behind them. `pid` is whose descriptors and threads count.
void Withstand(const HostileClient::Connect& connect, pid_t pid, const Storm& storm) {
  TestClient control = connect();
  const Holdings fresh = Look(control, pid);
  std::printf("fresh: %s", fresh.ToString().c_str());
  size_t threads = 0;
  const auto withstand = [&](uint64_t seed, int steps) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rage(connect, seed, steps);
    control.Expect("PING\r\n", "+PONG\r\n");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    Holdings after = Look(control, pid);
    while (!after.AreBack(fresh) && std::chrono::steady_clock::now() < end) after = Look(control, pid);
    std::printf("after: %s", after.ToString().c_str());
    EXPECT_TRUE(after.AreBack(fresh)) << "fresh: " << fresh.ToString() << "after: " << after.ToString();
    if (threads == 0) threads = after.threads;
    EXPECT_LE(after.threads, threads);
  };
  // Every attack once: the threads that there are then were started on first need, and stay.
  withstand(0, kAttacks);
  for (const uint64_t seed : storm.seeds) {
    if (!::testing::Test::HasFailure()) withstand(seed, storm.steps);
  }
}

struct Way {
  const char* name;
  bool unix_socket;
  AeApi poller;
};

class HostileTest : public ::testing::TestWithParam<Way> {
 protected:
  void AgainstListener(const Storm& storm) {
    Options options;
    options.ae_api = GetParam().poller;
    options.output_limit_normal = {.hard = 4 << 20};
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    ListenerOptions where;
    where.io_uring = &Uring();
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.unixsocket = folder_ / "s";
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(**cache, where);
    ASSERT_TRUE(listener.ok()) << listener.status();
    const int port = (*listener)->port();
    Withstand([&] { return GetParam().unix_socket ? TestClient::Unix(folder_ / "s") : TestClient::Tcp(port); },
              getpid(), storm);
    (*listener)->Stop();
    EXPECT_TRUE((*cache)->Close(absl::InfiniteFuture()).ok()) << "nothing is pinned";
  }
  void AgainstServer(const Storm& storm) {
    // larder-server is told its port: one that was free a moment ago, once more if somebody else has got it since.
    std::unique_ptr<ServerProcess> server;
    int port = 0;
    for (int i = 0; i < 5 && port == 0; ++i) {
      port = FreePort();
      server = std::make_unique<ServerProcess>(std::vector<std::string>{
          "--bind", "127.0.0.1", "--port", std::to_string(port), "--unixsocket", folder_ / "s",
          "--client-output-buffer-limit", "normal 4mb 0 0"});
      if (!server->WaitFor("ready to accept connections at " + (folder_ / "s"))) port = 0;
    }
    ASSERT_NE(port, 0) << server->text();
    Withstand([&] { return GetParam().unix_socket ? TestClient::Unix(folder_ / "s") : TestClient::Tcp(port); },
              server->pid(), storm);
    server->Signal(SIGTERM);
    EXPECT_EQ(server->End(), 0) << server->text();
    EXPECT_THAT(server->text(), HasSubstr("bye bye"));
  }

  TempFolder folder_;
};

TEST_P(HostileTest, QuickTheListenerWithstands) { AgainstListener(kQuick); }
TEST_P(HostileTest, WholeTheListenerWithstands) { AgainstListener(kWhole); }
INSTANTIATE_TEST_SUITE_P(Ways, HostileTest,
                         ::testing::Values(Way{"Tcp", false, AeApi::kAuto}, Way{"Unix", true, AeApi::kPoll},
                                           Way{"TcpIoUring", false, AeApi::kIoUring}),
                         [](const auto& info) { return info.param.name; });

class HostileServerTest : public HostileTest {};
TEST_P(HostileServerTest, QuickTheServerWithstands) { AgainstServer(kQuick); }
TEST_P(HostileServerTest, WholeTheServerWithstands) { AgainstServer(kWhole); }
INSTANTIATE_TEST_SUITE_P(Ways, HostileServerTest,
                         ::testing::Values(Way{"Tcp", false, AeApi::kAuto}, Way{"Unix", true, AeApi::kAuto}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace larder::hostile
