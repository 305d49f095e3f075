// client-output-buffer-limit and client-query-buffer-limit: peers who do not read, and peers who never come to the
// point.
#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

class BuffersTest : public ListenerFixture {
 protected:
  static constexpr size_t kBig = 5'000'000;
  void StartWithBig() {
    Start();
    ASSERT_TRUE(cache_->Set("big", std::string(kBig, 'b')).ok());
  }
  // Asks for `n` times kBig and reads none of it; returns once all has been answered.
  void AskFor(TestClient& slow, int n) {
    std::string requests;
    for (int i = 0; i < n; ++i) requests += "GET big\r\n";
    slow.Send(requests);
    AwaitInfo("commandstats", "cmdstat_get:calls=" + std::to_string(n) + ",");
  }
  bool Logged(std::string_view part) {
    for (const std::string& line : Log()) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  // A client that has not said the password sends requests, and at times another one, and reads no reply.
  void ExpectStrangerIsClosed(std::string_view and_at_times) {
    constexpr size_t kNoEnd = 100 << 20;
    TestClient stranger = Connect(), knows = Connect();
    knows.Expect("AUTH secret\r\n", "+OK\r\n");
    std::string pipeline;
    for (int i = 0; i < 1000; ++i) {
      pipeline += "A\r\n";
      if (i % 50 == 0) pipeline += and_at_times;
    }
    size_t sent = 0;
    while (sent < kNoEnd && stranger.Send(pipeline)) sent += pipeline.size();
    EXPECT_LT(sent, kNoEnd);
    // 33 bytes for each 3: the kernel's buffers hold some MB of answers, and without the limit there would be no end.
    EXPECT_GT(sent, 16u * 1024 / 11);
    std::string clients = knows.Send("CLIENT LIST\r\n") ? knows.ReadBulk() : "";
    EXPECT_EQ(clients.find('\n'), clients.size() - 1) << "one is left: " << clients;
    std::vector<std::string> log = Log();
    EXPECT_THAT(log, testing::Contains(testing::HasSubstr("for overcoming of output buffer limits")));
  }
};

TEST_F(BuffersTest, OverTheHardLimitOneIsClosedAtOnce) {
  options_.output_limit_normal = {.hard = 20'000'000};
  StartWithBig();
  TestClient good = Connect(), slow = Connect();
  for (int i = 0; i < 10; ++i) slow.Send("GET big\r\n");  // the last of them need not run any more
  AwaitInfo("stats", "client_output_buffer_limit_disconnections:1\r\n");
  EXPECT_LT(slow.Read(10 * kBig).size(), 10 * kBig);
  EXPECT_TRUE(Logged("closed for overcoming of output buffer limits"));
  good.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(BuffersTest, UnderTheHardLimitOneMayTakeItsTime) {
  options_.output_limit_normal = {.hard = 11 * kBig};
  StartWithBig();
  TestClient slow = Connect();
  AskFor(slow, 10);
  clock_->Advance(absl::Hours(10));
  EXPECT_EQ(slow.Read(10 * (kBig + 12)).size(), 10 * (kBig + 12));
  slow.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(BuffersTest, OverTheSoftLimitOneIsClosedAfterItsSeconds) {
  options_.output_limit_normal = {.soft = 20'000'000, .soft_seconds = 60};
  StartWithBig();
  TestClient good = Connect(), slow = Connect(), brief = Connect();
  AskFor(slow, 10);
  brief.Send("GET big\r\nGET big\r\n");  // never over it
  AwaitInfo("commandstats", "cmdstat_get:calls=12,");
  clock_->Advance(absl::Seconds(59));
  good.Expect("PING\r\n", "+PONG\r\n");  // a turn: nobody is closed
  EXPECT_THAT(Info("stats"), HasSubstr("client_output_buffer_limit_disconnections:0\r\n"));
  clock_->Advance(absl::Seconds(2));
  AwaitInfo("stats", "client_output_buffer_limit_disconnections:1\r\n");
  EXPECT_LT(slow.Read(10 * kBig).size(), 10 * kBig);
  EXPECT_EQ(brief.Read(2 * (kBig + 12)).size(), 2 * (kBig + 12));
}

TEST_F(BuffersTest, BelowTheSoftLimitItsSecondsBeginAnew) {
  options_.output_limit_normal = {.soft = 20'000'000, .soft_seconds = 60};
  StartWithBig();
  TestClient slow = Connect();
  AskFor(slow, 10);
  clock_->Advance(absl::Seconds(59));
  EXPECT_EQ(slow.Read(10 * (kBig + 12)).size(), 10 * (kBig + 12));
  slow.Expect("PING\r\n", "+PONG\r\n");
  slow.Send("GET big\r\nGET big\r\nGET big\r\nGET big\r\nGET big\r\nGET big\r\nGET big\r\n");
  AwaitInfo("commandstats", "cmdstat_get:calls=17,");
  clock_->Advance(absl::Seconds(50));
  EXPECT_EQ(slow.Read(7 * (kBig + 12)).size(), 7 * (kBig + 12));
  EXPECT_THAT(Info("stats"), HasSubstr("client_output_buffer_limit_disconnections:0\r\n"));
}

TEST_F(BuffersTest, ClassesDoNotMeet) {
  StartWithBig();
  TestClient good = Connect(), slow = Connect();
  good.Expect("CONFIG SET client-output-buffer-limit \"replica 1mb 1mb 1 pubsub 1mb 1mb 1\"\r\n", "+OK\r\n");
  AskFor(slow, 10);
  clock_->Advance(absl::Seconds(100));
  good.Expect("PING\r\n", "+PONG\r\n");
  EXPECT_EQ(slow.Read(10 * (kBig + 12)).size(), 10 * (kBig + 12));
  good.Expect("CONFIG SET client-output-buffer-limit \"normal 1mb 0 0\"\r\n", "+OK\r\n");
  slow.Send("GET big\r\nGET big\r\nGET big\r\n");
  AwaitInfo("stats", "client_output_buffer_limit_disconnections:1\r\n");
}

// ---- What never becomes a request -----------------------------------------------------------------------------------

TEST_F(BuffersTest, AnEndlessArgumentEndsAtTheQueryLimit) {
  options_.client_query_buffer_limit = 1 << 20;
  Start();
  TestClient good = Connect(), greedy = Connect();
  greedy.Send("*2\r\n$4\r\nECHO\r\n$500000000\r\n");
  const std::string part(100'000, 'x');
  int sent = 0;
  while (sent < 1000 && greedy.Send(part)) ++sent;
  EXPECT_LT(sent, 1000);
  AwaitInfo("stats", "client_query_buffer_limit_disconnections:1\r\n");
  EXPECT_TRUE(Logged("that reached max query buffer length"));
  good.Expect("PING\r\n", "+PONG\r\n");
}

// What has become an argument is the request's, as redis-server 7.0.15 counts: its limit is that of all clients
// together.
TEST_F(BuffersTest, EndlesslyManyArgumentsEndAtMaxmemoryClients) {
  options_.client_query_buffer_limit = 1 << 20;
  options_.maxmemory_clients = 8 << 20;
  Start();
  TestClient good = Connect(), greedy = Connect();
  greedy.Send("*10000000\r\n$3\r\nDEL\r\n");
  std::string part;
  for (int i = 0; i < 10'000; ++i) part += "$3\r\nkey\r\n";
  for (int i = 0; i < 999 && greedy.Send(part); ++i) {
  }
  AwaitInfo("stats", "evicted_clients:1\r\n");
  EXPECT_EQ(greedy.ReadSome(), "");
  good.Expect("PING\r\n", "+PONG\r\n");
}

// To the byte as redis-server 7.0.15: the limit is for what is not an argument yet, with its CRLF.
TEST_F(BuffersTest, OneBelowTheQueryLimitIsServed) {
  constexpr size_t kLimit = 1 << 20;
  options_.client_query_buffer_limit = kLimit;
  Start();
  TestClient client = Connect();
  const std::string value(kLimit - 2, 'v');
  client.Expect(Command({"SET", "k", value}), "+OK\r\n");
  client.Expect(Command({"STRLEN", "k"}), ":" + std::to_string(value.size()) + "\r\n");
  const std::string part(600 * 1024, 'x');
  client.Expect(Command({"MSET", "a", part, "b", part, "c", part}), "+OK\r\n");
  std::vector<std::string_view> keys(3000, std::string_view(part).substr(0, 1000));
  keys[0] = "EXISTS";
  client.Expect(Command(keys), ":0\r\n");
  std::string pipeline, replies;
  for (int i = 0; i < 30'000; ++i) {
    pipeline += "ECHO " + part.substr(0, 100) + "\r\n";
    replies += "$100\r\n" + part.substr(0, 100) + "\r\n";
    if (i % 1000 == 999) client.Expect(std::exchange(pipeline, ""), std::exchange(replies, ""));
  }
  client.Send(Command({"SET", "k", value + "v"}));
  AwaitInfo("stats", "client_query_buffer_limit_disconnections:1\r\n");
}

TEST_F(BuffersTest, APartOfARequestTakesLittleMemory) {
  Start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(Connect());
  for (TestClient& client : clients) client.Expect("PING\r\n", "+PONG\r\n");
  for (TestClient& client : clients) client.Send("*2\r\n$4\r\nECHO\r\n$3\r\na");
  const auto waiting = [&] {  // until all of it has been looked at
    const std::string list = cache_->Execute({"CLIENT", "LIST"})->AsString();
    size_t count = 0;
    for (size_t at = 0; (at = list.find(" qbuf=19 ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  while (waiting() != clients.size()) std::this_thread::yield();
  clients[0].Expect("bc\r\nPING\r\n", "$3\r\nabc\r\n+PONG\r\n");  // a turn later at least
  const std::string list = cache_->Execute({"CLIENT", "LIST"})->AsString();
  for (size_t at = 0; (at = list.find(" qbuf=19 ", at)) != std::string::npos; ++at) {
    EXPECT_LT(Field(std::string_view(list).substr(at), " tot-mem="), 2048) << "a buffer of the pool has 20 KB";
  }
  for (size_t i = 1; i < clients.size(); ++i) {
    clients[i].Send("b");
    clients[i].Expect("c\r\n", "$3\r\nabc\r\n");
  }
}

// As 7.0.15 ends them, without waiting for its limit.
TEST_F(BuffersTest, LinesWithoutEndAreErrors) {
  Start();
  const struct {
    const char* begin;
    const char* error;
  } kCases[] = {
      {"", "-ERR Protocol error: too big inline request\r\n"},
      {"*1", "-ERR Protocol error: too big mbulk count string\r\n"},
      {"*1\r\n$1", "-ERR Protocol error: too big bulk count string\r\n"},
  };
  for (const auto& c : kCases) {
    TestClient greedy = Connect();
    greedy.Send(c.begin + std::string(70'000, '1'));
    // To the byte; a reset may follow for what was not read.
    EXPECT_EQ(greedy.Read(std::string_view(c.error).size()), c.error);
  }
}

TEST_F(BuffersTest, WithoutAPasswordNobodyMayFillMuch) {
  options_.requirepass = "secret";
  Start();
  TestClient many = Connect(), large = Connect();
  many.Expect("*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n");
  large.Expect("*2\r\n$20000\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n");
  many.ExpectEnd();
  large.ExpectEnd();
}

// What the kernel takes for it is not ours.
TEST_F(BuffersTest, WithoutAPasswordNobodyMayBeOwedMuch) {
  options_.requirepass = "secret";
  Start();
  ExpectStrangerIsClosed("");
}

// Which does not make a client of a stranger.
TEST_F(BuffersTest, WithoutAPasswordNobodyMayBeOwedMoreByReset) {
  options_.requirepass = "secret";
  Start();
  ExpectStrangerIsClosed("RESET\r\n");
}

}  // namespace
}  // namespace larder
