// tcp-backlog: how many connections the kernel lets wait for accept, and what is said when it is fewer.
#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>

#include <fstream>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/limits/sockets.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

using BacklogTest = ListenerFixture;

// What listen() was told, cut by the system, as the kernel has it: what `ss -ltn` shows as Send-Q.
int BacklogOf(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return static_cast<int>(info.tcpi_sacked);
}

int SystemsMost() {
  int most = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  return most;
}

TEST_F(BacklogTest, ReachesListen) {
  for (int backlog : {1, 77}) {
    options_.tcp_backlog = backlog;
    Start();
    EXPECT_EQ(BacklogOf(ListeningOn(listener_->port())), backlog);
    listener_.reset();
    cache_.reset();
  }
  EXPECT_THAT(Log(), testing::IsEmpty());
}

TEST_F(BacklogTest, HoldsAfterConfigSetPort) {
  options_.tcp_backlog = 33;
  options_.any_port = false;
  const int free_port = FreePort();
  options_.bind = {"127.0.0.1"};
  options_.port = 0;
  ListenerOptions where;
  where.unixsocket = folder_ / "s";
  Start(where);
  Run({"CONFIG", "SET", "port", std::to_string(free_port)});
  EXPECT_EQ(BacklogOf(ListeningOn(free_port)), 33);
}

TEST_F(BacklogTest, MoreThanTheSystemGrantsIsLogged) {
  const int most = SystemsMost();
  ASSERT_GT(most, 0);
  options_.tcp_backlog = most + 1;
  Start();
  EXPECT_EQ(BacklogOf(ListeningOn(listener_->port())), most);
  EXPECT_THAT(Log(), testing::ElementsAre("The backlog of " + std::to_string(most + 1) + " (tcp-backlog) is cut to " +
                                          std::to_string(most) + ", which /proc/sys/net/core/somaxconn allows."));
  listener_.reset();
  cache_.reset();
  options_.tcp_backlog = most;
  Start();
  EXPECT_THAT(Log(), testing::SizeIs(1)) << "as many as it grants is no news";
}

// A loop that does not come round: the kernel holds as many as were asked for, and one; all of them are served then.
TEST_F(BacklogTest, ThoseWhoWaitAreServedWhenTheLoopComesRound) {
  options_.tcp_backlog = 5;
  options_.background = Background::kTick;
  ListenerOptions where;
  where.port = 0;
  where.unixsocket = folder_ / "s";
  where.own_thread = false;
  Start(where);
  std::vector<TestClient> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.push_back(TestClient::Unix(*where.unixsocket));
    waiting.back().Send("PING\r\n");
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  where.unixsocket->copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
  EXPECT_EQ(errno, EAGAIN) << "one too many to wait";
  for (int i = 0; i < 4; ++i) listener_->Poll(0);
  for (TestClient& client : waiting) EXPECT_EQ(client.Read(7), "+PONG\r\n");
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
}

}  // namespace
}  // namespace larder
