// CLIENT, MONITOR and the limits of clients' memory over real sockets: what one client's command does to others, whose
// loop runs on another thread.
#include <map>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ClientCommandsTest : public ListenerFixture {
 protected:
  void Start(bool own_thread = true) {
    ListenerOptions where = AnyPort();
    where.own_thread = own_thread;
    ListenerFixture::Start(where);
  }
  // Runs the caller's loop until INFO says so of the clients.
  void PollUntil(std::string_view line) {
    while (Info("clients").find(line) == std::string::npos) listener_->Poll(0);
  }
};

// ---- CLIENT PAUSE ---------------------------------------------------------------------------------------------------

TEST_F(ClientCommandsTest, APauseEndsByItself) {
  Start();
  TestClient first = Connect();
  TestClient second = Connect();
  first.Expect("CLIENT PAUSE 5000\r\n", "+OK\r\n");
  ASSERT_TRUE(first.Send("SET k 1\r\nINCR k\r\n"));
  ASSERT_TRUE(second.Send("ECHO a\r\n"));
  AwaitInfo("clients", "blocked_clients:2\r\n");
  ASSERT_TRUE(first.Send("INCR k\r\n"));
  EXPECT_EQ(*cache_->Exists("k"), false);
  clock_->Advance(absl::Seconds(5));
  EXPECT_EQ(first.Read(13), "+OK\r\n:2\r\n:3\r\n");
  EXPECT_EQ(second.Read(7), "$1\r\na\r\n");
}

TEST_F(ClientCommandsTest, UnpauseWakesTheLoop) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  Run({"CLIENT", "PAUSE", "1000000", "WRITE"});
  client.Expect("GET k\r\n", "$-1\r\n");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "INCR k\r\nPING\r\n";
  ASSERT_TRUE(client.Send(many));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  Run({"CLIENT", "UNPAUSE"});
  for (int i = 1; i <= 1000; ++i) {
    ASSERT_EQ(client.ReadLine(), ":" + std::to_string(i) + "\r\n");
    ASSERT_EQ(client.ReadLine(), "+PONG\r\n");
  }
}

TEST_F(ClientCommandsTest, WhoGoesInAPauseGivesUpItsPlaceAndRunsNothing) {
  options_.maxclients = 4;
  Start();
  Run({"CLIENT", "PAUSE", "1000000"});
  for (int round = 0; round < 5; ++round) {  // more than there are places for
    std::vector<TestClient> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(Connect());
      ASSERT_TRUE(clients.back().Send("INCR k\r\nINCR k\r\n"));
    }
    AwaitInfo("clients", "blocked_clients:4\r\n");
    clients[0].ShutDownSending();
    clients[0].ExpectEnd();
    clients[1].Reset();
    clients.clear();
    AwaitInfo("clients", "connected_clients:0\r\n");
  }
  Run({"CLIENT", "UNPAUSE"});
  Connect().Expect("EXISTS k\r\n", ":0\r\n");
}

// In the same turn, that is: it may have its answers then.
TEST_F(ClientCommandsTest, WhoGoesAsThePauseEndsIsAnsweredAndClosed) {
  Start(/*own_thread=*/false);
  TestClient client = Connect();
  PollUntil("connected_clients:1\r\n");
  Run({"CLIENT", "PAUSE", "1000000"});
  ASSERT_TRUE(client.Send("SET k v\r\n"));
  PollUntil("blocked_clients:1\r\n");
  client.ShutDownSending();
  Run({"CLIENT", "UNPAUSE"});
  for (int turn = 0; turn < 5; ++turn) listener_->Poll(0);
  EXPECT_EQ(client.ReadToEnd(), "+OK\r\n");
}

// As many requests as one turn takes, and the start of another, which will never be whole.
TEST_F(ClientCommandsTest, OneThatSendsNoMoreIsClosedWhenTheQuotaLeftAPartOfARequest) {
  Start(/*own_thread=*/false);
  TestClient client = Connect();
  PollUntil("connected_clients:1\r\n");
  Run({"CLIENT", "PAUSE", "1000000"});
  std::string requests;
  for (int i = 0; i < 64; ++i) requests += "PING\r\n";
  ASSERT_TRUE(client.Send(requests + "*1\r\n$4\r\nPI"));
  PollUntil("blocked_clients:1\r\n");
  client.ShutDownSending();
  Run({"CLIENT", "UNPAUSE"});  // the end is read in the turn in which it goes on
  for (int turn = 0; turn < 5; ++turn) listener_->Poll(0);
  EXPECT_EQ(client.Read(64 * 7).size(), 64u * 7);
  char byte;
  EXPECT_EQ(recv(client.fd(), &byte, 1, MSG_DONTWAIT), 0) << "the end, and not EAGAIN";
  EXPECT_THAT(Run({"INFO", "clients"}).AsString(), HasSubstr("connected_clients:0\r\n"));
}

TEST_F(ClientCommandsTest, ALoopWithHeldClientsSleeps) {
  Start(/*own_thread=*/false);
  TestClient client = Connect();
  PollUntil("connected_clients:1\r\n");
  Run({"CLIENT", "PAUSE", "1000000"});
  ASSERT_TRUE(client.Send("PING\r\nPING\r\n"));
  PollUntil("blocked_clients:1\r\n");
  while (listener_->Poll(0) != 0) {
  }
  EXPECT_GT(listener_->NextDelayMs(), 0) << "nothing is left for this loop to do";
  ASSERT_TRUE(client.Send("PING\r\n"));
  while (listener_->Poll(0) == 0) {
  }
  while (listener_->Poll(0) != 0) {
  }
  EXPECT_GT(listener_->NextDelayMs(), 0) << "nor after more has come";
  Run({"CLIENT", "UNPAUSE"});
  listener_->Poll(0);
  listener_->Poll(0);
  EXPECT_EQ(client.Read(21), "+PONG\r\n+PONG\r\n+PONG\r\n");
}

TEST_F(ClientCommandsTest, AHeldClientIsNotIdle) {
  options_.timeout = 10;
  Start();
  TestClient held = Connect();
  TestClient idle = Connect();
  held.Expect("PING\r\n", "+PONG\r\n");
  idle.Expect("PING\r\n", "+PONG\r\n");
  Run({"CLIENT", "PAUSE", "60000"});
  ASSERT_TRUE(held.Send("PING\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  clock_->Advance(absl::Seconds(20));
  idle.ExpectEnd();
  Run({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(held.Read(7), "+PONG\r\n");
}

// ---- MONITOR --------------------------------------------------------------------------------------------------------

TEST_F(ClientCommandsTest, AMonitorSeesWhatAllOthersDo) {
  Start();
  TestClient monitor = Connect();
  TestClient client = Connect();
  monitor.Expect("MONITOR\r\n", "+OK\r\n");
  client.Expect("SET k v\r\n", "+OK\r\n");
  EXPECT_THAT(monitor.ReadLine(),
              AllOf(StartsWith("+"), HasSubstr("[0 127.0.0.1:"), HasSubstr("] \"SET\" \"k\" \"v\"\r\n")));
  ASSERT_TRUE(cache_->Get("k").ok());
  EXPECT_THAT(monitor.ReadLine(), HasSubstr(" [0 larder] \"GET\" \"k\"\r\n"));
}

// Threads that write, a client that writes, and monitors, of which one leaves and comes back.
TEST_F(ClientCommandsTest, LinesOfManyThreadsComeWholeAndInOrder) {
  Start();
  constexpr int kThreads = 3;
  constexpr int kEach = 1000;
  TestClient monitor = Connect();
  TestClient restless = Connect();
  TestClient client = Connect();
  monitor.Expect("MONITOR\r\n", "+OK\r\n");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      const std::string key = "thread" + std::to_string(t);
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(cache_->Increment(key, i).ok());
    });
  }
  std::string many;
  for (int i = 0; i < kEach; ++i) many += "INCRBY client " + std::to_string(i) + "\r\n";
  ASSERT_TRUE(client.Send(many));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(restless.Send("MONITOR\r\nRESET\r\n"));
  std::map<std::string, int> next;
  int of_restless = 0;
  for (int lines = 0; lines < (kThreads + 1) * kEach || of_restless < 50;) {
    const std::string line = monitor.ReadLine();
    ASSERT_THAT(line, StartsWith("+"));
    const size_t at = line.find("\"INCRBY\" \"");
    if (at == std::string::npos) {
      ASSERT_THAT(line, HasSubstr("\"RESET\"\r\n")) << "MONITOR itself is not shown";
      ++of_restless;
      continue;
    }
    const size_t end = line.find('"', at + 10);
    const std::string key = line.substr(at + 10, end - at - 10);
    ASSERT_EQ(line.substr(end), "\" \"" + std::to_string(next[key]++) + "\"\r\n");
    ++lines;
  }
  for (std::thread& thread : threads) thread.join();
}

// Large lines are mostly found to be over the limit by who pushes them, small ones also by the loop: counted once.
TEST_F(ClientCommandsTest, AMonitorThatDoesNotReadIsClosed) {
  options_.output_limit_normal = {.hard = 1 << 20};
  Start();
  for (const size_t size : {100'000, 1'000}) {
    TestClient monitor = Connect();
    monitor.Expect("MONITOR\r\n", "+OK\r\n");
    const std::string value(size, 'v');
    while (Run({"INFO", "clients"}).AsString().find("connected_clients:0\r\n") == std::string::npos) {
      ASSERT_TRUE(cache_->Set("k", value).ok());
    }
  }
  AwaitInfo("stats", "client_output_buffer_limit_disconnections:2\r\n");
  EXPECT_TRUE(Logged("closed for overcoming of output buffer limits"));
}

// ---- maxmemory-clients ----------------------------------------------------------------------------------------------

TEST_F(ClientCommandsTest, TheLargestClientIsEvicted) {
  options_.maxmemory_clients = 1 << 20;
  Start();
  TestClient small = Connect();
  TestClient large = Connect();
  small.Expect("PING\r\n", "+PONG\r\n");
  // A request that never becomes whole, so that no batch of its own would notice.
  large.Send("*2\r\n$4\r\nECHO\r\n$10000000\r\n" + std::string(3'000'000, 'x'));
  AwaitInfo("stats", "evicted_clients:1\r\n");
  AwaitInfo("clients", "connected_clients:1\r\n");
  small.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_TRUE(Logged("Evicting client: id="));
}

TEST_F(ClientCommandsTest, OneThatDoesNotReadItsRepliesIsEvicted) {
  Start();
  TestClient client = Connect();
  TestClient spared = Connect();
  spared.Expect("CLIENT NO-EVICT on\r\n", "+OK\r\n");
  const std::string text(1'000'000, 't');
  const std::string echo = "*2\r\n$4\r\nECHO\r\n$1000000\r\n" + text + "\r\n";
  // More than both sockets' buffers take.
  std::thread sender([&] {
    for (int i = 0; i < 20; ++i) client.Send(echo);
  });
  constexpr std::string_view kField = "client_recent_max_output_buffer:";
  for (std::string info; info.empty() || std::stoll(info.substr(info.find(kField) + kField.size())) < 1'000'000;) {
    info = Run({"INFO", "clients"}).AsString();
  }
  Run({"CONFIG", "SET", "maxmemory-clients", "500kb"});
  AwaitInfo("stats", "evicted_clients:1\r\n");
  sender.join();
  spared.Expect("PING\r\n", "+PONG\r\n");
}

// ---- INFO -----------------------------------------------------------------------------------------------------------

TEST_F(ClientCommandsTest, InfoCountsWhatCameAndWent) {
  options_.maxclients = 2;
  Start();
  TestClient first = Connect();
  TestClient second = Connect();
  first.Expect("PING\r\n", "+PONG\r\n");
  second.Expect("PING\r\n", "+PONG\r\n");
  TestClient third = Connect();
  EXPECT_EQ(third.ReadToEnd(), "-ERR max number of clients reached\r\n");
  // The loop adds up at the end of its turn, after clients have their answers.
  for (const char* line : {"total_connections_received:2", "rejected_connections:1", "total_net_input_bytes:12",
                           "total_net_output_bytes:14"}) {
    AwaitInfo("stats", std::string(line) + "\r\n");
  }
  clock_->Advance(absl::Milliseconds(100));
  EXPECT_THAT(Run({"INFO", "stats"}).AsString(),
              AllOf(HasSubstr("instantaneous_input_kbps:0.01\r\n"), HasSubstr("instantaneous_output_kbps:0.01\r\n")));
  EXPECT_THAT(Run({"INFO", "clients"}).AsString(), HasSubstr("connected_clients:2\r\n"));
}

}  // namespace
}  // namespace larder
