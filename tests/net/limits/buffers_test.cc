// client-output-buffer-limit and client-query-buffer-limit: peers who do not read, and peers who never come to the point.
#include "gmock/gmock.h"
#include "tests/net/limits/listener_fixture.h"

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

TEST_F(BuffersTest, EndlesslyManyArgumentsEndAtTheQueryLimit) {
  options_.client_query_buffer_limit = 1 << 20;
  Start();
  TestClient good = Connect(), greedy = Connect();
  greedy.Send("*1000000\r\n$3\r\nDEL\r\n");
  std::string part;
  for (int i = 0; i < 10'000; ++i) part += "$3\r\nkey\r\n";
  for (int i = 0; i < 99 && greedy.Send(part); ++i) {
  }
  AwaitInfo("stats", "client_query_buffer_limit_disconnections:1\r\n");
  EXPECT_EQ(greedy.ReadSome(), "");
  good.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(BuffersTest, OneBelowTheQueryLimitIsServed) {
  options_.client_query_buffer_limit = 1 << 20;
  Start();
  TestClient client = Connect();
  const std::string value(1'000'000, 'v');
  client.Expect(Command({"SET", "k", value}), "+OK\r\n");
  client.Expect(Command({"GET", "k"}), "$1000000\r\n" + value + "\r\n");
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

// It asks and does not read; what the kernel takes for it is not ours.
TEST_F(BuffersTest, WithoutAPasswordNobodyMayBeOwedMuch) {
  options_.requirepass = "secret";
  Start();
  TestClient stranger = Connect(), knows = Connect();
  knows.Expect("AUTH secret\r\n", "+OK\r\n");
  std::string pipeline;
  for (int i = 0; i < 1000; ++i) pipeline += "A\r\n";
  size_t sent = 0;
  while (stranger.Send(pipeline)) sent += pipeline.size();
  // 33 bytes for each 3: the kernel's buffers hold some MB of answers, and without the limit there would be no end.
  EXPECT_GT(sent, 16u * 1024 / 11);
  std::string clients = knows.Send("CLIENT LIST\r\n") ? knows.ReadBulk() : "";
  EXPECT_EQ(clients.find('\n'), clients.size() - 1) << "one is left: " << clients;
  std::vector<std::string> log = Log();
  EXPECT_THAT(log, testing::Contains(testing::HasSubstr("for overcoming of output buffer limits")));
}

}  // namespace
}  // namespace larder
