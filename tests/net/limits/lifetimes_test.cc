// Listeners that come and go, in a thread of their own, in the host's thread and in the host's loop: a thousand times
// on one port and one path, under clients; and many at once.
#include <malloc.h>

#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/proc_entries.h"

namespace larder {
namespace {

enum class Where { kOwnThread, kHostsThread, kHostsLoop };

class LifetimesTest : public ListenerFixture, public testing::WithParamInterface<Where> {
 protected:
  // One life: serves a client, and ends under two. The port is the one of the life before, where there was one.
  void Live(std::optional<int> port, bool with_clients) {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.port = port;
    where.any_port = !port.has_value();
    where.unixsocket = folder_ / "s";
    where.own_thread = GetParam() == Where::kOwnThread;
    Start(where);
    std::thread host;
    if (GetParam() == Where::kHostsThread) host = std::thread([this] { EXPECT_TRUE(listener_->Run().ok()); });
    if (with_clients) {
      TestClient tcp = Connect(), unix = TestClient::Unix(*where.unixsocket);
      tcp.Send("INCR n\r\n");
      unix.Send("PING\r\n");
      EXPECT_EQ(Line(tcp)[0], ':');
      EXPECT_EQ(Line(unix), "+PONG\r\n");
      unix.Send("PING\r\n");  // in the middle of things
      End(host);
      tcp.ExpectEnd();
      return;
    }
    End(host);
  }
  void End(std::thread& host) {
    if (host.joinable()) {
      listener_->EndRun();
      host.join();
    }
    listener_->Stop();
    listener_.reset();
  }
  // A host's loop turns while somebody waits.
  std::string Line(TestClient& client) {
    if (GetParam() == Where::kHostsLoop) {
      pollfd wanted[2] = {{client.fd(), POLLIN, 0}, {listener_->BackendFd(), POLLIN, 0}};
      while (poll(wanted, 2, 30'000) > 0 && wanted[0].revents == 0) listener_->Poll(0);
    }
    return client.ReadLine();
  }
};

std::string NameOf(const testing::TestParamInfo<Where>& info) {
  constexpr const char* kNames[] = {"OwnThread", "HostsThread", "HostsLoop"};
  return kNames[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Modes, LifetimesTest,
                         testing::Values(Where::kOwnThread, Where::kHostsThread, Where::kHostsLoop), NameOf);

TEST_P(LifetimesTest, AThousandLivesLeaveNothing) {
  if (GetParam() == Where::kHostsLoop) options_.background = Background::kTick;
  Start();
  const int port = listener_->port();
  listener_.reset();
  for (int i = 0; i < 20; ++i) Live(port, true);
  const std::set<std::string> fds = Entries("/proc/self/fd"), tasks = Entries("/proc/self/task");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const size_t allocated = mallinfo2().uordblks;
#endif
  for (int i = 0; i < 1000; ++i) Live(port, i % 10 == 0);
  EXPECT_EQ(Entries("/proc/self/fd"), fds);
  EXPECT_TRUE(OnlyTasksOf(tasks));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // AddressSanitizer looks for leaks by itself
  EXPECT_LT(mallinfo2().uordblks, allocated + 1000 * 16) << "not 16 bytes for each";
#endif
  EXPECT_EQ(Run({"CLIENT", "LIST"}).AsString(), "");
  EXPECT_EQ(Run({"GET", "n"}).AsString(), "120");
  EXPECT_NE(access((folder_ / "s").c_str(), F_OK), 0);
}

using ManyListenersTest = ListenerFixture;

TEST_F(ManyListenersTest, TwoOnOneCacheAndOneEachOnTwoCaches) {
  Start();
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open(options_);
  ASSERT_TRUE(other.ok());
  for (int i = 0; i < 100; ++i) {
    absl::StatusOr<std::unique_ptr<Listener>> same = Listener::Start(*cache_, AnyPort());
    absl::StatusOr<std::unique_ptr<Listener>> apart = Listener::Start(**other, AnyPort());
    ASSERT_TRUE(same.ok() && apart.ok()) << same.status() << apart.status();
    TestClient a = Connect(), b = TestClient::Tcp((*same)->port()), c = TestClient::Tcp((*apart)->port());
    const std::string set = Command({"SET", "k", std::to_string(i)});
    const std::string value = std::to_string(i), reply = "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    a.Expect(set, "+OK\r\n");
    b.Expect("GET k\r\n", reply);
    c.Expect("GET k\r\n", "$-1\r\n");
    same->reset();
    b.ExpectEnd();
    a.Expect("GET k\r\n", reply);
    apart->reset();
  }
}

}  // namespace
}  // namespace larder
