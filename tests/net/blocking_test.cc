// Commands that wait, over real sockets: the loop parks the session, and whoever serves it wakes the loop.
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

class BlockingListenerTest : public ListenerFixture {
 protected:
  void Start() {
    ListenerOptions where = AnyPort();
    where.own_thread = true;
    ListenerFixture::Start(where);
  }
  static void ExpectNext(TestClient& client, const std::string& bytes) { EXPECT_EQ(client.Read(bytes.size()), bytes); }
};

TEST_F(BlockingListenerTest, AProgramsPushServesAClient) {
  Start();
  TestClient client = Connect();
  ASSERT_TRUE(client.Send("SET x 1\r\nBLPOP k 0\r\nGET x\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  ASSERT_TRUE(client.Send("PING\r\n"));
  Run({"SET", "x", "2"});
  Run({"RPUSH", "k", "v"});
  ExpectNext(client, "+OK\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\n2\r\n+PONG\r\n");
}

TEST_F(BlockingListenerTest, ClientsServeEachOther) {
  Start();
  std::vector<TestClient> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(Connect());
    ASSERT_TRUE(waiting.back().Send("BLPOP k 0\r\n"));
    AwaitInfo("clients", "blocked_clients:" + std::to_string(i + 1) + "\r\n");
  }
  TestClient pusher = Connect();
  for (int i = 0; i < 20; ++i) {
    pusher.Expect("RPUSH k " + std::to_string(i + 10) + "\r\n", ":1\r\n");
    ExpectNext(waiting[static_cast<size_t>(i)], "*2\r\n$1\r\nk\r\n$2\r\n" + std::to_string(i + 10) + "\r\n");
  }
}

TEST_F(BlockingListenerTest, TheirTimeGoesByTheCachesClock) {
  Start();
  TestClient client = Connect();
  ASSERT_TRUE(client.Send("BLPOP k 5\r\nPING\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  clock_->Advance(absl::Seconds(5));
  ExpectNext(client, "*-1\r\n+PONG\r\n");
}

TEST_F(BlockingListenerTest, WhoHangsUpIsForgotten) {
  Start();
  TestClient gone = Connect();
  ASSERT_TRUE(gone.Send("BLPOP k 0\r\nPING\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  gone.Reset();
  AwaitInfo("clients", "blocked_clients:0\r\n");
  TestClient half = Connect();
  ASSERT_TRUE(half.Send("BLPOP k 0\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  half.ShutDownSending();
  half.ExpectEnd();
  AwaitInfo("clients", "blocked_clients:0\r\n");
  TestClient killed = Connect();
  ASSERT_TRUE(killed.Send("BLPOP k 0\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  Run({"CLIENT", "KILL", "TYPE", "normal"});
  killed.ExpectEnd();
  Run({"RPUSH", "k", "v"});
  EXPECT_EQ(Run({"LLEN", "k"}).integer(), 1);
}

TEST_F(BlockingListenerTest, OneThatWaitsIsNotIdle) {
  options_.timeout = 10;
  Start();
  TestClient client = Connect();
  ASSERT_TRUE(client.Send("BLPOP k 0\r\n"));
  AwaitInfo("clients", "blocked_clients:1\r\n");
  clock_->Advance(absl::Seconds(1000));
  Run({"RPUSH", "k", "v"});
  ExpectNext(client, "*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
}

TEST_F(BlockingListenerTest, TheListenerMayEndWhileClientsWait) {
  Start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().Send("BLPOP k 0\r\nPING\r\n"));
  }
  AwaitInfo("clients", "blocked_clients:10\r\n");
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  for (TestClient& client : clients) client.ExpectEnd();
}

}  // namespace
}  // namespace larder
