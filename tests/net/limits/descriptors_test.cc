// RLIMIT_NOFILE and maxclients: a listener is a guest and makes do with its host's limit, larder-server raises its own.
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/server_process.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DescriptorsTest : public ListenerFixture {
 protected:
  void SetUp() override {
    ListenerFixture::SetUp();
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void TearDown() override {
    ListenerFixture::TearDown();
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void SetSoftLimit(rlim_t soft) {
    const rlimit limit = {soft, before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  static rlim_t SoftLimit() {
    rlimit limit{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
  }
  static constexpr char kGet[] = "CONFIG GET maxclients\r\n";
  static std::string Got(const std::string& value) {
    return "*2\r\n$10\r\nmaxclients\r\n$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }

  rlimit before_{};
};

TEST_F(DescriptorsTest, AListenerMakesDoWithItsHostsLimit) {
  SetSoftLimit(200);
  Start();
  EXPECT_EQ(SoftLimit(), 200u) << "the host's, and left alone";
  ASSERT_THAT(Log(), testing::Contains(HasSubstr("maxclients has been reduced to 168 from 10000: RLIMIT_NOFILE")));
  TestClient client = Connect();
  client.Expect(kGet, Got("168"));
  client.Expect("CONFIG SET maxclients 100\r\n", "+OK\r\n");
  client.Expect("CONFIG SET maxclients 168\r\n", "+OK\r\n");
  // As 7.0.15 says it.
  client.Expect("CONFIG SET maxclients 169 timeout 7\r\n",
                "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able "
                "to handle the specified number of clients, try with 168\r\n");
  client.Expect(kGet, Got("168"));
  client.Expect("CONFIG GET timeout\r\n", "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
  SetSoftLimit(300);
  client.Expect("CONFIG SET maxclients 268\r\n", "+OK\r\n");
  EXPECT_EQ(SoftLimit(), 300u);
}

// What the host has open beside is not there for clients.
TEST_F(DescriptorsTest, TheHostsOwnDescriptorsAreKept) {
  SetSoftLimit(400);
  std::vector<int> hosts;
  for (int i = 0; i < 200; ++i) {
    hosts.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_GE(hosts.back(), 0);
  }
  Start();
  TestClient client = Connect();
  const int64_t maxclients = Field(Info("clients"), "maxclients:");
  EXPECT_LT(maxclients, 400 - 200 - 16);
  EXPECT_GT(maxclients, 100);
  // All of them do get in, with another end in this process for the most.
  std::vector<TestClient> clients;
  for (int i = 1; i < std::min<int64_t>(maxclients, 80); ++i) {
    clients.push_back(Connect());
    clients.back().Expect("PING\r\n", "+PONG\r\n");
  }
  // A second listener of the cache does not take those for the host's.
  absl::StatusOr<std::unique_ptr<Listener>> second = Listener::Start(*cache_, AnyPort());
  ASSERT_TRUE(second.ok()) << second.status();
  clients.clear();
  for (int fd : hosts) close(fd);
}

TEST_F(DescriptorsTest, ALimitThatSufficesIsNoNews) {
  options_.maxclients = 100;
  Start();
  EXPECT_THAT(Log(), IsEmpty());
  Connect().Expect(kGet, Got("100"));
}

TEST_F(DescriptorsTest, TheServerRaisesItsOwnSoftLimit) {
  const std::string path = folder_ / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--maxclients", "500"},
                       {.soft_limit = 100, .hard_limit = 2000});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at")) << server.text();
  EXPECT_EQ(server.Descriptors(), 2000u);
  TestClient client = TestClient::Unix(path);
  client.Expect(kGet, Got("500"));
  client.Expect("CONFIG SET maxclients 1968\r\n", "+OK\r\n");
  client.Expect("CONFIG SET maxclients 1969\r\n",
                "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able "
                "to handle the specified number of clients, try with 1968\r\n");
  EXPECT_THAT(server.Stop(), testing::Not(HasSubstr("reduced")));
}

// 68 is what redis-server 7.0.15 makes of `ulimit -n 100` too.
TEST_F(DescriptorsTest, AServerThatMayNotRaiseItLowersMaxclients) {
  const std::string path = folder_ / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path}, {.soft_limit = 100, .hard_limit = 100});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at")) << server.text();
  EXPECT_EQ(server.Descriptors(), 100u);
  TestClient client = TestClient::Unix(path);
  client.Expect(kGet, Got("68"));
  EXPECT_THAT(server.Stop(), HasSubstr("maxclients has been reduced to 68 from 10000"));
}

// Nor does redis-server 7.0.15.
TEST_F(DescriptorsTest, AServerThatHasNoneForClientsDoesNotStart) {
  ServerProcess server({"--port", "0", "--unixsocket", folder_ / "s"}, {.soft_limit = 32, .hard_limit = 32});
  EXPECT_FALSE(server.WaitFor("ready to accept connections at")) << server.text();
  EXPECT_THAT(server.text(), HasSubstr("Your current 'ulimit -n' of 32 is not enough for the server to start. Please "
                                       "increase your open file limit to at least 10032. Exiting."));
}

}  // namespace
}  // namespace larder
