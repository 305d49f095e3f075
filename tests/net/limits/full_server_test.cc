// Out of descriptors (EMFILE): larder-server serves those it has, does not spin, says why, and goes on accepting later.
//
// The limit is lowered from outside while it runs: it would not promise more clients than fit what it finds at its
// start.
#include <dirent.h>

#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "tests/net/server_process.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kWhy = "Error accepting a client connection: accept: Too many open files";

// The limit under which exactly `more` descriptors are left: what the server inherited may stand anywhere, also beyond
// it.
rlim_t LimitThatLeaves(pid_t pid, int more) {
  std::set<int> open;
  DIR* const dir = opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') open.insert(atoi(entry->d_name));
  }
  closedir(dir);
  int limit = 0;
  for (; more > 0; ++limit) more -= open.contains(limit) ? 0 : 1;
  return static_cast<rlim_t>(limit);
}

bool IsServed(TestClient& client) {
  pollfd wanted{client.fd(), POLLIN, 0};
  return poll(&wanted, 1, 0) == 1 && client.Read(7) == "+PONG\r\n";
}

size_t Count(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class FullServerTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Pollers, FullServerTest, testing::Values("auto", "poll", "io_uring"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(FullServerTest, ServesThoseItHasAndRecovers) {
  const TempFolder folder;
  const std::string path = folder / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--ae-api", GetParam()});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at")) << server.text();
  constexpr int kFit = 20;
  rlimit limit{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  limit.rlim_cur = LimitThatLeaves(server.pid(), kFit);
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);

  std::vector<TestClient> served, waiting;
  for (int i = 0; i < kFit; ++i) {
    served.push_back(TestClient::Unix(path));
    served.back().Expect("PING\r\n", "+PONG\r\n");
  }
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(TestClient::Unix(path));
    waiting.back().Send("PING\r\n");
  }
  ASSERT_TRUE(server.WaitFor(kWhy)) << server.text();

  // A loop that spins never sleeps; one that sleeps between its tries takes next to no CPU for them.
  const int64_t sleeps = server.Status("voluntary_ctxt_switches:"), ticks = server.CpuTicks();
  while (server.Status("voluntary_ctxt_switches:") < sleeps + 10) std::this_thread::yield();
  EXPECT_LT(server.CpuTicks() - ticks, 10);
  for (int i = 0; i < 200; ++i) {
    for (TestClient& client : served) client.Expect("PING\r\n", "+PONG\r\n");
  }
  for (TestClient& client : waiting) EXPECT_FALSE(IsServed(client));

  for (size_t i = 0; i < waiting.size(); ++i) served.pop_back();  // in the order of their coming
  for (TestClient& client : waiting) EXPECT_EQ(client.Read(7), "+PONG\r\n");
  for (TestClient& client : served) client.Expect("PING\r\n", "+PONG\r\n");

  // Full again, and this time the limit goes up: nobody has left whose end would tell.
  TestClient late = TestClient::Unix(path);
  late.Send("PING\r\n");
  limit.rlim_cur += 10;
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  EXPECT_EQ(late.Read(7), "+PONG\r\n");
  EXPECT_LE(Count(server.Stop(), kWhy), 10u) << "said once for each time that it got full, not for each try";
}

}  // namespace
}  // namespace larder
