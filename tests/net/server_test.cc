// The server's turns against a service that answers lines, turn by turn on the test's own thread: real sockets, a clock
// set by hand, and an executor that is busy when the test says so.
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/ae/ae_testing.h"
#include "tests/net/fake_service.h"
#include "tests/net/peer_socket.h"
#include "tests/net/temp_folder.h"

namespace {
// The next accept fails with this, and the connection that it would have had is gone.
int accept_error = 0;
}  // namespace

extern "C" {
int __real_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  const int accepted = __real_accept4(fd, address, size, flags);
  const int error = accepted < 0 ? 0 : std::exchange(accept_error, 0);
  if (error == 0) return accepted;
  close(accepted);
  errno = error;
  return -1;
}
}  // extern "C"

namespace larder::net {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ServerTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    ae::LoopOptions options;
    options.api = GetParam();
    options.clock = &clock_;
    loop_ = *ae::EventLoop::Create(options);
    Start();
  }
  void Start() {
    server_.emplace(*loop_, backend_, service_);
    path_ = folder_ / "s";
    absl::StatusOr<ListeningSocket> listening = ListenUnix(path_, 0, 511, /*take=*/false);
    ASSERT_TRUE(listening.ok()) << listening.status();
    std::vector<ListeningSocket> sockets;
    sockets.push_back(*std::move(listening));
    ASSERT_TRUE(server_->Start(Server::kUnix, std::move(sockets)).ok());
  }
  PeerSocket Connect() {
    PeerSocket peer(path_);
    Turns();
    return peer;
  }
  // A few turns that do not wait take everything as far as it goes.
  void Turns(int n = 4) {
    for (int i = 0; i < n; ++i) loop_->Poll(0);
  }
  void Advance(int64_t ms) {
    clock_.Advance(ms);
    Turns();
  }

  TempFolder folder_;
  ae::HandSetClock clock_;
  SystemCallBackend backend_;
  FakeService service_;
  std::unique_ptr<ae::EventLoop> loop_;
  std::optional<Server> server_;
  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Pollers, ServerTest, testing::Values("epoll", "select"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(ServerTest, AnswersEachClient) {
  PeerSocket a = Connect(), b = Connect();
  a.Send("one\n");
  b.Send("two\n");
  Turns(1);
  EXPECT_EQ(a.Received(), "one\n");
  EXPECT_EQ(b.Received(), "two\n");
  EXPECT_EQ(service_.largest_batch, 2u) << "one submission for all who are ready";
}

TEST_P(ServerTest, KnowsWhoIsThere) {
  PeerSocket a = Connect();
  ASSERT_THAT(service_.clients, SizeIs(1));
  const FakeClient& peer = *service_.clients[0];
  EXPECT_EQ(peer.address, path_ + ":0");
  EXPECT_EQ(peer.local_address, path_ + ":0");
  EXPECT_TRUE(peer.unix_socket);
  EXPECT_TRUE(fcntl(peer.fd, F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(peer.fd, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(service_.count.connections_received, 1u);
}

TEST_P(ServerTest, ARequestMayComeByteByByte) {
  PeerSocket a = Connect();
  for (char c : std::string("hello\n")) {
    EXPECT_EQ(a.Received(), "");
    a.Send(std::string(1, c));
    Turns();
  }
  EXPECT_EQ(a.Received(), "hello\n");
}

TEST_P(ServerTest, DepthDoesNotStarveOthers) {
  PeerSocket deep = Connect(), other = Connect();
  std::string pipeline;
  for (int i = 0; i < 300; ++i) pipeline += "x\n";
  deep.Send(pipeline);
  Turns(1);
  EXPECT_EQ(deep.Received().size(), 128u) << "64 requests";
  EXPECT_EQ(loop_->NextDelayMs(), 0) << "the loop does not sleep on the rest";
  other.Send("y\n");
  Turns(1);
  EXPECT_EQ(other.Received(), "y\n");
  EXPECT_EQ(deep.Received().size(), 128u);
  Turns(3);
  EXPECT_EQ(deep.Received().size(), 600u - 256u);
  EXPECT_NE(loop_->NextDelayMs(), 0);
}

TEST_P(ServerTest, WhileTheExecutorIsBusyOthersAreReadButNothingIsTouched) {
  PeerSocket a = Connect(), b = Connect();
  service_.busy = true;
  a.Send("one\n");
  Turns(1);
  b.Send("two\n");
  a.Send("three\n");
  Turns();
  EXPECT_EQ(a.Received(), "");
  EXPECT_THAT(service_.clients[0]->input, IsEmpty()) << "a is with the executor: not read";
  EXPECT_THAT(service_.clients[1]->pending, SizeIs(1)) << "b is ready for the next batch";
  EXPECT_NE(loop_->NextDelayMs(), 0) << "no spinning";
  EXPECT_EQ(loop_->ProcessEvents(ae::kFileEvents | ae::kDontWait), 0) << "nothing fires meanwhile";
  service_.busy = false;
  loop_->WakeUp();
  Turns();
  EXPECT_EQ(a.Received(), "one\nthree\n");
  EXPECT_EQ(b.Received(), "two\n");
}

TEST_P(ServerTest, AClientThatGoesWhileItsRequestsRunIsEndedAfterwards) {
  PeerSocket a = Connect();
  service_.busy = true;
  a.Send("one\n");
  Turns();
  a.Close();
  service_.clients[0]->stopped = true;
  service_.clients[0]->events->SessionWoken();
  Turns();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_THAT(service_.clients, SizeIs(1)) << "its session is not the loop's";
  service_.busy = false;
  loop_->WakeUp();
  Turns();
  EXPECT_THAT(service_.clients, IsEmpty());
}

TEST_P(ServerTest, TheEndComesWhileABatchIsQueued) {
  PeerSocket a = Connect(), b = Connect(), c = Connect();
  service_.busy = true;
  a.Send("one\n");
  Turns();
  b.Send("two\n");
  c.Close();
  Turns();
  server_.reset();
  EXPECT_THAT(service_.clients, IsEmpty());
  EXPECT_THAT(a.Received(), HasSubstr("<end>"));
}

TEST_P(ServerTest, QuitIsAnsweredAndThenClosed) {
  PeerSocket a = Connect();
  a.Send("one\nquit\ntwo\n");
  Turns();
  EXPECT_EQ(a.Received(), "one\nquit\n<end>");
  EXPECT_THAT(service_.clients, IsEmpty());
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_P(ServerTest, APeerThatShutsDownItsSideStillGetsItsAnswers) {
  PeerSocket a = Connect();
  a.Send("big 8000000\nlast\n");
  a.ShutDownSending();
  Turns();
  std::string got;
  for (int i = 0; i < 10'000 && got.find("<end>") == std::string::npos; ++i) {
    got += a.Received();
    Turns(1);
  }
  EXPECT_EQ(got.size(), 8'000'000u + 5 + 5);
  EXPECT_EQ(got.substr(8'000'000), "last\n<end>");
  EXPECT_THAT(service_.clients, IsEmpty());
}

TEST_P(ServerTest, APeerThatIsGoneIsGone) {
  PeerSocket a = Connect();
  a.Close();
  Turns();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_THAT(service_.clients, IsEmpty());
}

TEST_P(ServerTest, ASlowReaderCostsNoSystemCallsUntilThereIsRoom) {
  PeerSocket a = Connect();
  a.Send("big 20000000\n");
  Turns();
  const uint64_t writes = service_.count.writes;
  EXPECT_EQ(loop_->ProcessEvents(ae::kFullTurn | ae::kDontWait), 0) << "no spinning while the peer takes nothing";
  a.Send("more\n");  // its later requests are run all the same
  Turns();
  EXPECT_EQ(service_.count.writes, writes) << "known to be full, so not tried";
  EXPECT_GT(service_.clients[0]->output_bytes(), 10'000'000u);
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < 20'000'005; ++i) {
    got += a.Received();
    Turns(1);
  }
  EXPECT_EQ(got.size(), 20'000'005u);
  EXPECT_EQ(loop_->GetFileEvents(service_.clients[0]->fd), ae::kReadable);
}

TEST_P(ServerTest, TheHardOutputLimitClosesAtOnce) {
  service_.current.output_limits[0] = {100'000, 0, 0};
  PeerSocket a = Connect(), b = Connect();
  a.Send("big 100001\n");
  b.Send("big 100000\n");
  Turns();
  EXPECT_EQ(a.Received(), "<end>");
  EXPECT_EQ(b.Received().size(), 100'000u);
  EXPECT_EQ(service_.count.output_limit_disconnections, 1u);
  EXPECT_THAT(service_.log, Contains(HasSubstr("output buffer limits")));
}

TEST_P(ServerTest, TheSoftOutputLimitClosesAfterItsSecondsInARow) {
  service_.current.output_limits[0] = {0, 1'000'000, 2};
  PeerSocket a = Connect();
  a.Send("big 20000000\n");
  Turns();
  Advance(2000);
  EXPECT_EQ(server_->connections(), 1u);
  Advance(101);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(service_.count.output_limit_disconnections, 1u);
}

// As when MONITOR's lines went over it on another thread: the timer finds it closed, and over the limit as well.
TEST_P(ServerTest, OneThatIsStoppedIsNotCountedOnceMore) {
  PeerSocket a = Connect();
  a.Send("big 20000000\n");
  Turns();
  service_.current.output_limits[0] = {1'000'000, 0, 0};
  service_.clients[0]->stopped = true;
  Advance(100);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(service_.count.output_limit_disconnections, 0u);
}

TEST_P(ServerTest, TheQueryBufferLimitClosesAtOnce) {
  service_.current.query_buffer_limit = 10'000;
  PeerSocket a = Connect(), b = Connect();
  a.Send(std::string(20'000, 'x'));
  b.Send("fine\n");
  Turns(8);
  EXPECT_THAT(a.Received(), HasSubstr("<end>"));
  EXPECT_EQ(b.Received(), "fine\n");
  EXPECT_EQ(service_.count.query_limit_disconnections, 1u);
  EXPECT_THAT(service_.log, Contains(HasSubstr("max query buffer length")));
}

TEST_P(ServerTest, OneClientTooManyIsTold) {
  service_.current.maxclients = 2;
  PeerSocket a = Connect(), b = Connect(), c = Connect();
  EXPECT_EQ(c.Received(), "-ERR max number of clients reached\r\n<end>");
  EXPECT_EQ(service_.count.connections_rejected, 1u);
  a.Close();
  Turns();
  PeerSocket d = Connect();
  d.Send("x\n");
  Turns();
  EXPECT_EQ(d.Received(), "x\n");
}

TEST_P(ServerTest, AnIdleClientIsClosedAfterTimeout) {
  PeerSocket a = Connect(), busy = Connect(), waiting = Connect();
  waiting.Send("wait\n");
  Turns();
  Advance(1000);
  service_.current.timeout_s = 3;  // CONFIG SET: from now on
  Advance(1000);
  busy.Send("x\n");
  Turns();
  Advance(1000);
  EXPECT_EQ(server_->connections(), 3u) << "three seconds are not over three seconds";
  Advance(100);
  EXPECT_EQ(a.Received(), "<end>");
  EXPECT_EQ(busy.Received(), "x\n");
  Advance(2000);
  EXPECT_EQ(busy.Received(), "<end>");
  EXPECT_EQ(waiting.Received(), "wait\n") << "it waits for something";
}

// CLIENT UNPAUSE on another thread while the timer looks at the clients: the loop has not been woken yet.
TEST_P(ServerTest, WhoIsNotAdmittedIsClosedWhenPlacesAreShort) {
  PeerSocket early = Connect(), admitted = Connect();
  FakeClient* const known = service_.clients[1];
  service_.clients[0]->admitted = false;
  Advance(8'000);
  PeerSocket late = Connect();
  service_.clients[2]->admitted = false;
  Advance(60'000);
  EXPECT_EQ(server_->connections(), 3u) << "there are places";
  PeerSocket last = Connect();
  service_.clients[3]->admitted = false;
  early.Send("x\n");  // talking is not enough
  Turns();
  service_.current.admission_timeout_s = 10;
  Advance(1'100);
  EXPECT_EQ(early.Received(), "x\n<end>");
  EXPECT_EQ(late.Received(), "<end>");
  EXPECT_EQ(admitted.Received(), "");
  EXPECT_EQ(last.Received(), "") << "it has 10 s";
  EXPECT_THAT(service_.log, SizeIs(2));
  EXPECT_THAT(service_.log[0], HasSubstr("that has not authenticated"));
  Advance(9'000);
  EXPECT_EQ(last.Received(), "<end>");
  EXPECT_EQ(server_->connections(), 1u);
  // Who says RESET is a stranger from then on; who waits (its AUTH may be held by a pause) is not closed.
  known->admitted = false;
  PeerSocket waiting = Connect();
  service_.clients.back()->admitted = false;
  waiting.Send("wait\n");
  Turns();
  Advance(9'000);
  EXPECT_EQ(admitted.Received(), "");
  Advance(3'000);
  EXPECT_EQ(admitted.Received(), "<end>");
  EXPECT_EQ(waiting.Received(), "wait\n");
}

TEST_P(ServerTest, AClientThatMayGoOnIsNotIdle) {
  PeerSocket a = Connect(), held = Connect();
  service_.current.timeout_s = 3;
  service_.clients[1]->may_go_on = true;
  Advance(3100);
  EXPECT_EQ(a.Received(), "<end>");
  EXPECT_EQ(held.Received(), "");
}

TEST_P(ServerTest, TheTimerRunsOnlyWhileSomebodyIsThere) {
  EXPECT_EQ(loop_->NextDelayMs(), -1);
  PeerSocket a = Connect();
  EXPECT_NE(loop_->NextDelayMs(), -1);
  a.Close();
  Turns();
  Advance(100);
  EXPECT_EQ(loop_->NextDelayMs(), -1);
}

TEST_P(ServerTest, AClientWokenByAnotherThreadIsFlushedOrClosed) {
  PeerSocket a = Connect(), b = Connect();
  service_.clients[0]->output = "push\n";
  service_.clients[1]->stopped = true;
  std::thread other([&] {
    for (int i = 0; i < 10; ++i) {
      service_.clients[0]->events->SessionWoken();
      service_.clients[1]->events->SessionWoken();
    }
  });
  other.join();
  Turns();
  EXPECT_EQ(a.Received(), "push\n");
  EXPECT_EQ(b.Received(), "<end>");
}

TEST_P(ServerTest, NoMemoryForAClientClosesItAlone) {
  PeerSocket a = Connect(), b = Connect();
  service_.clients[0]->no_memory = true;
  a.Send("x\n");
  b.Send("y\n");
  Turns();
  EXPECT_THAT(a.Received(), HasSubstr("<end>"));
  EXPECT_EQ(b.Received(), "y\n");
  service_.refuse = true;
  PeerSocket c = Connect();
  EXPECT_EQ(c.Received(), "<end>");
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(service_.places_taken, 1u);
}

TEST_P(ServerTest, OutOfDescriptorsItServesThoseItHasAndRecovers) {
  PeerSocket a = Connect();
  PeerSocket late(path_);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  // No descriptor above those that are in use.
  const int highest = fcntl(late.fd(), F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(highest, 0);
  rlimit tight = limit;
  tight.rlim_cur = static_cast<rlim_t>(highest);
  close(highest);
  std::vector<ae::Fd> fillers;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (;;) {
    ae::Fd filler(dup(late.fd()));
    if (filler.get() < 0) break;
    fillers.push_back(std::move(filler));
  }
  Turns();
  EXPECT_EQ(server_->connections(), 1u);
  for (int i = 0; i < 3; ++i) Advance(100);  // it tries again, in vain
  EXPECT_EQ(loop_->ProcessEvents(ae::kFileEvents | ae::kDontWait), 0) << "no spinning on the waiting connection";
  a.Send("x\n");
  Turns();
  EXPECT_EQ(a.Received(), "x\n");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  // Only now: UBSan looks at objects by a pipe, and without descriptors takes every matcher for a broken one.
  EXPECT_THAT(service_.log, ElementsAre("Error accepting a client connection: accept: Too many open files"));
  Advance(100);
  late.Send("y\n");
  Turns();
  EXPECT_EQ(late.Received(), "y\n");
}

// CONFIG SET bind while accepting is paused.
TEST_P(ServerTest, OutOfDescriptorsANewSocketIsPausedToo) {
  PeerSocket late(path_);
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenTcp({"127.0.0.1"}, 0, 511);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>((*sockets)[0].port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const ae::Fd other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(other, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none = {0, limit.rlim_max};  // those that are open stay
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  loop_->ProcessEvents(ae::kFileEvents | ae::kDontWait);
  EXPECT_EQ(service_.log.size(), 1u);
  server_->ReplaceTcp(false, *std::move(sockets));
  loop_->ProcessEvents(ae::kFileEvents | ae::kDontWait);
  EXPECT_EQ(loop_->ProcessEvents(ae::kFileEvents | ae::kDontWait), 0) << "no spinning on the new socket";
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Advance(100);
  EXPECT_EQ(server_->connections(), 2u);
  EXPECT_THAT(service_.log, SizeIs(1));
}

TEST_P(ServerTest, AConnectionThatFailedWhileItWaitedDoesNotHoldUpTheNext) {
  for (int error : {ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENOPROTOOPT, EOPNOTSUPP,
                    ENONET, ETIMEDOUT, EPERM}) {
    SCOPED_TRACE(strerrorname_np(error));
    accept_error = error;
    PeerSocket failed(path_), next(path_);
    Turns(1);
    EXPECT_EQ(server_->connections(), 1u);
    next.Send("x\n");
    Turns();
    EXPECT_EQ(next.Received(), "x\n");
    EXPECT_EQ(failed.Received(), "<end>");
    next.Close();
    Turns();
  }
  EXPECT_THAT(service_.log, IsEmpty());
}

TEST_P(ServerTest, AClosedCacheEndsAllClients) {
  PeerSocket a = Connect(), b = Connect();
  service_.closed = true;
  a.Send("x\n");
  Turns();
  EXPECT_THAT(a.Received(), HasSubstr("<end>"));
  EXPECT_EQ(b.Received(), "<end>");
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_NE(loop_->NextDelayMs(), 0) << "no spinning";
  // Who still holds the executor of a closed cache may be looking at them.
  EXPECT_THAT(service_.clients, SizeIs(2));
  server_.reset();
  EXPECT_THAT(service_.clients, IsEmpty());
}

// Many clients that come, talk in pieces, and go in every way, in random order.
TEST_P(ServerTest, RandomTrafficLeavesNothingBehind) {
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  unsigned state = seed;
  const auto random = [&state](unsigned n) { return (state = state * 1664525 + 1013904223) / 65536 % n; };
  struct Talk {
    PeerSocket socket;
    std::string expected, got;
  };
  std::vector<std::unique_ptr<Talk>> talks;
  int finished = 0;
  for (int step = 0; step < 4000; ++step) {
    const unsigned what = random(20);
    service_.busy = random(4) == 0;
    if (what < 3 && talks.size() < 40) {
      talks.push_back(std::make_unique<Talk>(Talk{PeerSocket(path_), "", ""}));
    } else if (what < 16 && !talks.empty()) {
      Talk& talk = *talks[random(static_cast<unsigned>(talks.size()))];
      std::string text;
      for (unsigned i = random(200); i > 0; --i) text += random(3) == 0 ? '\n' : 'a';
      talk.expected += text;
      talk.socket.Send(text);
    } else if (what < 18 && !talks.empty()) {
      const unsigned victim = random(static_cast<unsigned>(talks.size()));
      if (random(2) == 0) {
        talks[victim]->socket.Close();
      } else {
        // To its end: all that it asked for has to come.
        service_.busy = false;
        talks[victim]->socket.Send("\nquit\n");
        talks[victim]->expected += "\nquit\n";
        Turns(20);
        talks[victim]->got += talks[victim]->socket.Received();
        ASSERT_EQ(talks[victim]->got, talks[victim]->expected + "<end>") << step;
        ++finished;
      }
      talks.erase(talks.begin() + victim);
    }
    if (random(3) == 0) loop_->WakeUp();
    Turns(1);
  }
  EXPECT_GT(finished, 100);
  talks.clear();
  service_.busy = false;
  Turns(10);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(service_.places_taken, 0u);
  EXPECT_THAT(service_.clients, IsEmpty());
}

TEST(SocketTest, AUnixSocketHasItsPermissionsAndIsRemoved) {
  const TempFolder folder;
  const std::string path = folder / "s";
  {
    absl::StatusOr<ListeningSocket> socket = ListenUnix(path, 0600, 10, /*take=*/false);
    ASSERT_TRUE(socket.ok()) << socket.status();
    struct stat there;
    ASSERT_EQ(stat(path.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777, 0600u);
    // A second one is refused, or takes the place; then the first must not remove what is not its own.
    EXPECT_EQ(ListenUnix(path, 0, 10, /*take=*/false).status().code(), absl::StatusCode::kAlreadyExists);
    absl::StatusOr<ListeningSocket> second = ListenUnix(path, 0, 10, /*take=*/true);
    ASSERT_TRUE(second.ok()) << second.status();
    RemoveUnixSocket(*socket);
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
    RemoveUnixSocket(*second);
    EXPECT_NE(access(path.c_str(), F_OK), 0);
  }
}

// Workers of one host that start at the same moment, where a worker that was killed has left its socket.
TEST(SocketTest, OfManyThatFindALeftoverOneListens) {
  const TempFolder folder;
  const std::string path = folder / "s";
  for (int round = 0; round < 20; ++round) {
    { const absl::StatusOr<ListeningSocket> leftover = ListenUnix(path, 0, 10, /*take=*/true); }
    ASSERT_EQ(access(path.c_str(), F_OK), 0);
    std::array<absl::StatusOr<ListeningSocket>, 8> sockets;
    std::vector<std::thread> workers;
    for (auto& socket : sockets) {
      workers.emplace_back([&] { socket = ListenUnix(path, 0, 10, /*take=*/false); });
    }
    for (std::thread& worker : workers) worker.join();
    int listening = 0;
    for (const auto& socket : sockets) {
      if (socket.ok()) ++listening;
      else EXPECT_EQ(socket.status().code(), absl::StatusCode::kAlreadyExists) << socket.status();
    }
    EXPECT_EQ(listening, 1);
    EXPECT_EQ(ListenUnix(path, 0, 10, /*take=*/false).status().code(), absl::StatusCode::kAlreadyExists);
  }
}

TEST(SocketTest, AFileThatIsNoSocketIsLeftAlone) {
  const TempFolder folder;
  const std::string path = folder / "file";
  close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(ListenUnix(path, 0, 10, /*take=*/false).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  unlink(path.c_str());
}

TEST(SocketTest, APathThatDoesNotFitIsAnError) {
  EXPECT_EQ(ListenUnix(std::string(200, 'p'), 0, 10, /*take=*/false).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenUnix("", 0, 10, /*take=*/false).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SocketTest, AnAddressThatIsMissingIsAnErrorUnlessItIsOptional) {
  // 192.0.2.0/24 is reserved for documentation; .77 is nobody's here.
  EXPECT_EQ(ListenTcp({"192.0.2.77"}, 0, 10).status().code(), absl::StatusCode::kUnavailable);
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenTcp({"127.0.0.1", "-192.0.2.77"}, 0, 10);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_THAT(*sockets, SizeIs(1));
}

TEST(SocketTest, AllAddressesShareThePortThatTheSystemChose) {
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenTcp({"127.0.0.1", "127.0.0.2"}, 0, 10);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ASSERT_THAT(*sockets, SizeIs(2));
  EXPECT_GT((*sockets)[0].port, 0);
  EXPECT_EQ((*sockets)[0].port, (*sockets)[1].port);
}

TEST(SocketTest, DescribesBothEndsAsRedisDoes) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenTcp({host}, 0, 10);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    const ListeningSocket& listening = (*sockets)[0];
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    ASSERT_EQ(getsockname(listening.fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    ae::Fd peer(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(peer, reinterpret_cast<sockaddr*>(&address), size), 0);
    int error = 0;
    const Accepted accepted = Accept(listening, &error);
    ASSERT_EQ(error, 0);
    EXPECT_TRUE(accepted.loopback);
    EXPECT_FALSE(accepted.unix_socket);
    EXPECT_EQ(DescribeSocket(accepted.fd.get(), false, listening).view(), listening.name.view());
    EXPECT_EQ(DescribeSocket(accepted.fd.get(), true, listening).view(),
              DescribeSocket(peer, false, ListeningSocket()).view());
    const std::string shown = std::string(host) == "::1" ? "[::1]:" : "127.0.0.1:";
    EXPECT_EQ(listening.name.view(), shown + std::to_string(listening.port));
    EXPECT_EQ(Accept(listening, &error).fd.get(), -1);
    EXPECT_EQ(error, -EAGAIN);
  }
}

// As for Redis: the other addresses of 127.0.0.0/8 are strangers' in protected mode.
TEST(SocketTest, OnlyTheTwoLoopbackAddressesAreLocal) {
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenTcp({"127.0.0.1", "-::1"}, 0, 10);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  for (const auto& [from, local] :
       {std::pair("127.0.0.1", true), std::pair("127.0.0.2", false), std::pair("127.1.0.1", false)}) {
    Fd peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{}, to{};
    own.sin_family = to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>((*sockets)[0].port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(inet_pton(AF_INET, from, &own.sin_addr), 1);
    ASSERT_EQ(bind(peer.get(), reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    ASSERT_EQ(connect(peer.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    int error = 0;
    EXPECT_EQ(Accept((*sockets)[0], &error).loopback, local) << from;
  }
  if (sockets->size() < 2) return;  // a machine without IPv6
  Fd peer(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(static_cast<uint16_t>((*sockets)[1].port));
  to.sin6_addr = in6addr_loopback;
  ASSERT_EQ(connect(peer.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  int error = 0;
  EXPECT_TRUE(Accept((*sockets)[1], &error).loopback);
}

TEST(SocketTest, AUsedPortIsNamed) {
  absl::StatusOr<std::vector<ListeningSocket>> first = ListenTcp({"127.0.0.1"}, 0, 10);
  ASSERT_TRUE(first.ok());
  const absl::Status status = ListenTcp({"127.0.0.1"}, (*first)[0].port, 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:" + std::to_string((*first)[0].port)));
}

}  // namespace
}  // namespace larder::net
