// What 10,000 connections cost while they say nothing: memory of the process, and what is counted as used.
#include <sys/resource.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/server_process.h"

namespace larder {
namespace {

constexpr int kClients = 10'000;

int64_t UsedMemory(TestClient& control) {
  control.Send("INFO memory\r\n");
  return Field(control.ReadBulk(), "used_memory:");
}

class IdleClientsTest : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Sockets, IdleClientsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tcp" : "Unix"; });

TEST_P(IdleClientsTest, CostLessThanOneKilobyteEach) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, kClients + 200));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, rlim_t{kClients + 200})
      << "the hard limit (ulimit -Hn) is too low for ten thousand clients";
  const TempFolder folder;
  const std::string path = folder / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--maxclients", "10100", "--save", ""});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at")) << server.text();
  TestClient control = TestClient::Unix(path);
  int port = 0;
  if (GetParam()) {  // by CONFIG SET, as larder-server has no directive for any free port
    for (port = 20'000; port < 30'000; ++port) {
      control.Send("CONFIG SET port " + std::to_string(port) + "\r\n");
      if (control.ReadLine() == "+OK\r\n") break;
    }
  }
  const auto connect = [&] { return GetParam() ? TestClient::Tcp(port) : TestClient::Unix(path); };
  {
    // What the first client makes for all is not a connection's.
    TestClient first = connect();
    first.Expect("SET k v\r\nGET k\r\n", "+OK\r\n$1\r\nv\r\n");
  }
  const int64_t rss_kb = server.Status("RssAnon:"), used = UsedMemory(control);
  std::vector<TestClient> clients;
  clients.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    clients.back().Expect("SET k v\r\nGET k\r\n", "+OK\r\n$1\r\nv\r\n");  // it had buffers, and gave them back
  }
  const int64_t rss = (server.Status("RssAnon:") - rss_kb) * 1024 / kClients;
  const int64_t counted = (UsedMemory(control) - used) / kClients;
  printf("bytes for each idle client: %d of the process, %d counted\n", static_cast<int>(rss),
         static_cast<int>(counted));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose memory it is then
  EXPECT_LT(rss, 1024);
#endif
  EXPECT_LT(counted, 1024);
  EXPECT_GT(counted, 100) << "they are counted";
  for (int i = 0; i < kClients; i += 997) clients[static_cast<size_t>(i)].Expect("PING\r\n", "+PONG\r\n");

  const int64_t ticks = server.CpuTicks(), sleeps = server.Status("voluntary_ctxt_switches:");
  while (server.Status("voluntary_ctxt_switches:") < sleeps + 10) std::this_thread::yield();
  EXPECT_LT(server.CpuTicks() - ticks, 10) << "nor CPU";
}

}  // namespace
}  // namespace larder
