// The listener in front of a real cache, over real sockets: requests and replies.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_testing.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

TEST_F(ListenerTest, ClientsAndTypedCallsSeeTheSameKeys) {
  Start();
  TestClient client = Connect();
  client.Expect("PING\r\n", "+PONG\r\n");
  client.Expect(Command({"SET", "k", "from outside"}), "+OK\r\n");
  EXPECT_EQ(**cache_->Get("k"), "from outside");
  ASSERT_TRUE(cache_->Set("k", "from inside").ok());
  client.Expect(Command({"GET", "k"}), "$11\r\nfrom inside\r\n");
}

TEST_F(ListenerTest, ClientListShowsWhoIsThere) {
  ListenerOptions where = AnyPort();
  where.unixsocket = folder_ / "s";
  Start(where);
  const std::string port = std::to_string(listener_->port());
  TestClient tcp = Connect();
  tcp.Expect("CLIENT SETNAME me\r\n", "+OK\r\n");
  tcp.Send("CLIENT INFO\r\n");
  const std::string info = tcp.ReadBulk();
  EXPECT_THAT(info, HasSubstr(" addr=127.0.0.1:"));
  EXPECT_THAT(info, HasSubstr(" laddr=127.0.0.1:" + port + " "));
  EXPECT_THAT(info, HasSubstr(" name=me "));
  EXPECT_THAT(info, HasSubstr(" flags=N "));
  TestClient unix = TestClient::Unix(*where.unixsocket);
  unix.Send("CLIENT INFO\r\n");
  const std::string unix_info = unix.ReadBulk();
  EXPECT_THAT(unix_info, HasSubstr(" addr=" + *where.unixsocket + ":0 laddr=" + *where.unixsocket + ":0 "));
  EXPECT_THAT(unix_info, HasSubstr(" flags=U "));
}

TEST_F(ListenerTest, RequestsMayBeSplitAtAnyByte) {
  Start();
  const std::string requests = Command({"SET", "k", "v\r\n"}) + "GET k\r\n" + Command({"APPEND", "k", "$3"}) + "\r\n" +
                               "*0\r\n" + Command({"GETRANGE", "k", "0", "-1"}) + "set 'a b' \"c\\x41\"\r\n" +
                               Command({"GET", "a b"}) + Command({"DEL", "k", "a b"});
  const std::string replies = "+OK\r\n$3\r\nv\r\n\r\n:5\r\n$5\r\nv\r\n$3\r\n+OK\r\n$2\r\ncA\r\n:2\r\n";
  TestClient client = Connect();
  for (size_t cut = 1; cut < requests.size(); ++cut) {
    client.Send(requests.substr(0, cut));
    // An answer of another connection shows that the listener has had the first part.
    if (cut % 16 == 0) Connect().Expect("PING\r\n", "+PONG\r\n");
    client.Expect(requests.substr(cut), replies);
  }
  for (char c : requests) client.Send(std::string(1, c));
  EXPECT_EQ(client.Read(replies.size()), replies);
}

TEST_F(ListenerTest, HelloSwitchesToResp3) {
  Start();
  TestClient client = Connect();
  client.Send("HELLO 3\r\n");
  EXPECT_EQ(client.ReadLine(), "%7\r\n");
  client.Send("GET missing\r\n");
  std::string rest;
  while (rest.size() < 3 || rest.compare(rest.size() - 3, 3, "_\r\n") != 0) rest += client.Read(1);
  EXPECT_THAT(rest, HasSubstr("$5\r\nproto\r\n:3\r\n"));
}

// The client writes all of it before it reads anything, as naive ones do: more than all buffers of the kernel hold.
TEST_F(ListenerTest, APipelineOfAnyDepthIsAnswered) {
  Start();
  TestClient client = Connect();
  constexpr int kCommands = 100'000;
  const std::string value(200, 'v');
  std::string requests;
  for (int i = 0; i < kCommands; ++i) {
    requests += i % 2 == 0 ? Command({"SET", "k" + std::to_string(i % 10), value}) : Command({"GET", "k0"});
  }
  ASSERT_TRUE(client.Send(requests));
  const std::string pair = "+OK\r\n$200\r\n" + value + "\r\n";
  const std::string replies = client.Read(kCommands / 2 * pair.size());
  ASSERT_EQ(replies.size(), kCommands / 2 * pair.size());
  for (int i = 0; i < kCommands / 2; ++i) {
    ASSERT_EQ(replies.compare(static_cast<size_t>(i) * pair.size(), pair.size(), pair), 0) << i;
  }
}

// More requests than one batch takes, all there at once: each is answered in some later turn.
TEST_F(ListenerTest, ManyDeepPipelinesAtOnceAreAllAnswered) {
  options_.background = Background::kTick;
  ListenerOptions where;
  where.port = 0;
  where.unixsocket = folder_ / "s";
  where.own_thread = false;
  Start(where);
  constexpr int kClients = 400, kEach = 200;
  std::vector<TestClient> clients;
  std::string requests;
  for (int i = 0; i < kEach; ++i) requests += "PING\r\n";
  for (int c = 0; c < kClients; ++c) {
    clients.push_back(TestClient::Unix(*where.unixsocket));
    listener_->Poll(0);
    listener_->Poll(0);
  }
  for (TestClient& client : clients) client.Send(requests);
  listener_->Poll(0);
  listener_->Poll(0);
  // Round robin: by now each has had its first 64, before any got its third.
  for (TestClient& client : clients) EXPECT_EQ(client.Read(64 * 7).size(), 64u * 7);
  for (int turn = 0; turn < 20; ++turn) listener_->Poll(0);
  for (TestClient& client : clients) {
    std::string replies(kEach * 7, '\0');
    EXPECT_EQ(recv(client.fd(), replies.data(), replies.size(), MSG_DONTWAIT), (kEach - 64) * 7);
  }
}

TEST_F(ListenerTest, LargeValuesGoBothWays) {
  Start();
  TestClient client = Connect(), slow = Connect();
  std::string value(20'000'000, 'x');
  for (size_t i = 0; i < value.size(); i += 997) value[i] = static_cast<char>('a' + i % 26);
  client.Expect(Command({"SET", "big", value}), "+OK\r\n");
  slow.Send("GET big\r\nGET big\r\n");
  // While one is slow to take it, the key goes away; others are served.
  client.Expect(Command({"GET", "big"}), "$20000000\r\n" + value + "\r\n");
  slow.Read(20);
  client.Expect("DEL big\r\n", ":1\r\n");
  EXPECT_TRUE(slow.Read(value.size() + 13 - 20).substr(1000, 1000) == value.substr(1000 + 20 - 11, 1000));
  EXPECT_EQ(slow.Read(11), "$20000000\r\n");
  EXPECT_TRUE(slow.Read(value.size()) == value);
}

TEST_F(ListenerTest, MalformedInputIsToldAndClosesThatClientAlone) {
  Start();
  TestClient good = Connect();
  const struct {
    const char* input;
    const char* error;
  } kCases[] = {
      {"*1\r\n!4\r\nPING\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"},
      {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
      {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"*1\r\n$999999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
  };
  for (const auto& c : kCases) {
    TestClient bad = Connect();
    // What came before it is answered, what comes behind it is not.
    bad.Send(std::string("PING\r\n") + c.input + "PING\r\n");
    EXPECT_EQ(bad.ReadToEnd(), std::string("+PONG\r\n") + c.error);
    good.Expect("PING\r\n", "+PONG\r\n");
  }
}

TEST_F(ListenerTest, QuitIsAnsweredAndCloses) {
  Start();
  TestClient client = Connect();
  client.Send("PING\r\nQUIT\r\nPING\r\n");
  EXPECT_EQ(client.ReadToEnd(), "+PONG\r\n+OK\r\n");
}

TEST_F(ListenerTest, APeerThatShutsDownItsSideGetsAllItsAnswers) {
  Start();
  TestClient client = Connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "ECHO hello\r\n";
  client.Send(requests);
  client.ShutDownSending();
  EXPECT_EQ(client.ReadToEnd().size(), 1000u * 11);
}

}  // namespace
}  // namespace larder
