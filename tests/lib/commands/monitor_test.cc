// MONITOR. What is shown, how, and what is not, is as redis-server 7.0.15 did when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MonitorTest : public CommandTest {
 protected:
  MonitorTest() : CommandTest([](Options& options) { options.enable_debug_command = ProtectedAction::kYes; }) {
    Advance(absl::Microseconds(1'700'000'000'000'042 - clock().NowUs()));
    monitor_ = std::make_unique<TestClient>(cache(), via() == Via::kResp3 ? Via::kResp3 : Via::kResp2);
    EXPECT_THAT(monitor_->Run({"MONITOR"}), IsOk());
  }
  // The lines that have come, each without its time, which does not go on, and its end.
  std::vector<std::string> Lines() {
    const std::string text = monitor_->Take();
    std::vector<std::string> lines;
    for (size_t start = 0; start < text.size();) {
      const size_t end = text.find("\r\n", start);
      const std::string line = text.substr(start, end - start);
      EXPECT_EQ(line.substr(0, 19), "+1700000000.000042 ");
      lines.push_back(line.substr(std::min<size_t>(line.size(), 19)));
      start = end + 2;
    }
    return lines;
  }
  TestClient& monitor() { return *monitor_; }

 private:
  std::unique_ptr<TestClient> monitor_;
};
LARDER_COMMAND_TEST(MonitorTest);

TEST_P(MonitorTest, ShowsCommandsAsTheyWereSent) {
  Run({"sEt", "key", "value"});
  Run({"GET", "key"});
  EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "sEt" "key" "value")", R"([0 larder] "GET" "key")"));
}

TEST_P(MonitorTest, QuotesWhatDoesNotPrint) {
  Run({"ECHO", std::string_view("\n\r\t\a\b\"\\\0\xff\x7f ~", 12)});
  EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "ECHO" "\n\r\t\a\b\"\\\x00\xff\x7f ~")"));
  const std::string large(100'000, '\x01');
  Run({"ECHO", large});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].size(), std::string(R"([0 larder] "ECHO" "")").size() + 4 * large.size());
}

TEST_P(MonitorTest, ShowsTheDatabaseAfterTheCommand) {
  Run({"SELECT", "3"});
  Run({"GET", "key"});
  EXPECT_THAT(Lines(), ElementsAre(R"([3 larder] "SELECT" "3")", R"([3 larder] "GET" "key")"));
}

TEST_P(MonitorTest, LeavesOutAdministratorsAndWhatDidNotRun) {
  for (auto argv : std::vector<std::vector<std::string>>{
           {"CONFIG", "GET", "hz"}, {"CLIENT", "LIST"}, {"DEBUG", "SLEEP", "0"}, {"CLIENT", "NO-EVICT", "on"},
           {"CLIENT", "PAUSE", "0"}, {"SHUTDOWN", "ABORT"}, {"NOSUCH"}, {"GET"}}) {
    Run(argv);
  }
  EXPECT_THAT(Lines(), IsEmpty());
  Run({"CLIENT", "ID"});
  Run({"INFO", "clients"});
  Run({"EXEC"});
  EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "CLIENT" "ID")", R"([0 larder] "INFO" "clients")",
                                   R"([0 larder] "EXEC")"));
}

TEST_P(MonitorTest, ATransactionIsShownWhenItRuns) {
  Run({"MULTI"});
  EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "MULTI")"));
  Run({"SET", "a", "b"});
  Run({"CONFIG", "GET", "hz"});
  EXPECT_THAT(Lines(), IsEmpty());
  Run({"EXEC"});
  EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "SET" "a" "b")", R"([0 larder] "EXEC")"));
}

TEST_P(MonitorTest, PasswordsAreRedacted) {
  Run({"AUTH", "secret"});
  Run({"AUTH", "default", "secret"});
  Run({"AUTH", "a", "b", "c"});
  EXPECT_THAT(Lines(), ElementsAre(R"_([0 larder] "AUTH" "(redacted)")_",
                                   R"_([0 larder] "AUTH" "(redacted)" "(redacted)")_",
                                   R"([0 larder] "AUTH" "a" "b" "c")"));
  const std::string version = std::to_string(protocol());
  Run({"HELLO", version, "SETNAME", "x", "auth", "default", "s", "AUTH", "default", "t"});
  Run({"HELLO", version, "FOO", "AUTH", "a", "b"});
  Run({"HELLO", "9", "AUTH", "a", "b"});
  Run({"HELLO", version, "AUTH", "a"});
  const std::string begin = R"([0 larder] "HELLO" ")" + version;
  const std::string redacted = R"_(" "SETNAME" "x" "auth" "(redacted)" "(redacted)" "AUTH" "(redacted)" "(redacted)")_";
  EXPECT_THAT(Lines(),
              ElementsAre(begin + redacted,
                          begin + R"(" "FOO" "AUTH" "a" "b")", R"([0 larder] "HELLO" "9" "AUTH" "a" "b")",
                          begin + R"(" "AUTH" "a")"));
}

TEST_P(MonitorTest, TypedCallsAppearByTheirCanonicalCommand) {
  const std::vector<std::string_view> keys = {"a", "b"};
  const std::vector<std::pair<std::string_view, std::string_view>> pairs = {{"a", "1"}, {"b", "2"}};
  Cache& c = cache();
  std::string value;
  EXPECT_TRUE(c.MSet(pairs).ok());
  EXPECT_TRUE(c.Get("a").ok());
  EXPECT_TRUE(c.Get("a", &value).ok());
  EXPECT_TRUE(c.MGet(keys).ok());
  EXPECT_TRUE(c.View("a", [](auto) {}).ok());
  EXPECT_TRUE(c.GetRange("a", 0, -1).ok());
  EXPECT_TRUE(c.Set("k", "v").ok());
  EXPECT_TRUE(c.Set("k", "v", {.ttl = absl::Seconds(5), .condition = SetOptions::If::kPresent}).ok());
  EXPECT_TRUE(c.SetAndGet("k", "w", {.keep_ttl = true, .condition = SetOptions::If::kMissing}).ok());
  EXPECT_TRUE(c.Set("k", "v", {.expire_at = absl::FromUnixMillis(1'800'000'000'000)}).ok());
  EXPECT_TRUE(c.Increment("n", -3).ok());
  EXPECT_TRUE(c.IncrementFloat("f", 0.5).ok());
  EXPECT_TRUE(c.Append("k", "x").ok());
  EXPECT_TRUE(c.SetRange("k", 1, "y").ok());
  EXPECT_TRUE(c.Expire("k", absl::Seconds(2)).ok());
  EXPECT_TRUE(c.ExpireAt("k", absl::FromUnixMillis(1'800'000'000'000)).ok());
  EXPECT_TRUE(c.Persist("k").ok());
  EXPECT_TRUE(c.Ttl("k").ok());
  EXPECT_TRUE(c.Exists("k").ok());
  EXPECT_TRUE(c.Delete(keys).ok());
  EXPECT_TRUE(c.Size().ok());
  EXPECT_THAT(
      Lines(),
      ElementsAre(R"([0 larder] "MSET" "a" "1" "b" "2")", R"([0 larder] "GET" "a")", R"([0 larder] "GET" "a")",
                  R"([0 larder] "MGET" "a" "b")", R"([0 larder] "GET" "a")", R"([0 larder] "GETRANGE" "a" "0" "-1")",
                  R"([0 larder] "SET" "k" "v")", R"([0 larder] "SET" "k" "v" "XX" "PX" "5000")",
                  R"([0 larder] "SET" "k" "w" "NX" "GET" "KEEPTTL")",
                  R"([0 larder] "SET" "k" "v" "PXAT" "1800000000000")", R"([0 larder] "INCRBY" "n" "-3")",
                  R"([0 larder] "INCRBYFLOAT" "f" "0.5")", R"([0 larder] "APPEND" "k" "x")",
                  R"([0 larder] "SETRANGE" "k" "1" "y")", R"([0 larder] "PEXPIRE" "k" "2000")",
                  R"([0 larder] "PEXPIREAT" "k" "1800000000000")", R"([0 larder] "PERSIST" "k")",
                  R"([0 larder] "PTTL" "k")", R"([0 larder] "EXISTS" "k")", R"([0 larder] "DEL" "a" "b")",
                  R"([0 larder] "DBSIZE")"));
}

TEST_P(MonitorTest, OtherDatabasesTransactionsAndExecuteAreShownToo) {
  EXPECT_TRUE(cache().Db(5)->Set("k", "v").ok());
  EXPECT_TRUE(cache().Atomically([](Transaction& transaction) { return transaction.Increment("n").status(); }).ok());
  const std::vector<std::string_view> argv = {"EXISTS", "k"};
  EXPECT_TRUE(cache().Execute(argv).ok());
  for (const std::string& key : cache().Scan({.match = "n*", .batch = 10})) EXPECT_EQ(key, "n");
  EXPECT_THAT(Lines(), ElementsAre(R"([5 larder] "SET" "k" "v")", R"([0 larder] "INCRBY" "n" "1")",
                                   R"([0 larder] "EXISTS" "k")", R"([0 larder] "SCAN" "0" "MATCH" "n*" "COUNT" "10")"));
}

TEST_P(MonitorTest, RepliesAndLinesComeInTheOrderOfEvents) {
  Run({"ECHO", "before"});
  const std::string text = monitor().Send("PING\r\nECHO a\r\n");
  EXPECT_THAT(text, ::testing::MatchesRegex("\\+17.*\"before\"\r\n"
                                            "\\+PONG\r\n\\+17.*\"PING\"\r\n"
                                            "\\$1\r\na\r\n\\+17.*\"ECHO\" \"a\"\r\n"));
  EXPECT_EQ(monitor().Send("MONITOR\r\n"), "") << "it is one already";
}

TEST_P(MonitorTest, AMonitorDoesNotTouchKeys) {
  constexpr char kRefused[] = "-ERR Replica can't interact with the keyspace\r\n";
  for (const char* command : {"GET k", "SET k v", "DBSIZE", "KEYS *", "FLUSHALL", "SCAN 0", "SWAPDB 0 1"}) {
    EXPECT_EQ(monitor().Send(std::string(command) + "\r\n"), kRefused) << command;
  }
  EXPECT_THAT(monitor().Send("MULTI\r\nGET k\r\nEXEC\r\n"), HasSubstr("-EXECABORT "));
  EXPECT_THAT(monitor().Send("WATCH k\r\n"), HasSubstr("+OK\r\n"));
  EXPECT_THAT(monitor().Send("SELECT 1\r\n"), HasSubstr("[1 larder]"));
}

TEST_P(MonitorTest, IsNormalInEveryOtherWay) {
  EXPECT_THAT(monitor().Run({"CLIENT", "NO-EVICT", "on"}), IsOk());
  EXPECT_THAT(Run({"CLIENT", "LIST", "TYPE", "normal"}).AsString(), HasSubstr(" flags=Oe "));
  EXPECT_EQ(Run({"CLIENT", "LIST", "TYPE", "replica"}).AsString(), "");
  EXPECT_THAT(Run({"CLIENT", "KILL", "TYPE", "replica"}), IsInt(0));
  Run({"CLIENT", "PAUSE", "100"});
  EXPECT_THAT(monitor().Send("PING\r\n"), HasSubstr("+PONG\r\n")) << "never held";
  Advance(absl::Seconds(1));
}

TEST_P(MonitorTest, ResetAndTheEndLeaveTheMode) {
  EXPECT_EQ(monitor().Send("RESET\r\n"), "+RESET\r\n");
  Run({"ECHO", "a"});
  EXPECT_EQ(monitor().Take(), "");
  EXPECT_EQ(monitor().Send("MONITOR\r\n"), "+OK\r\n");
  {
    TestClient second(cache(), Via::kResp2);
    EXPECT_EQ(second.Send("MONITOR\r\n"), "+OK\r\n");
    EXPECT_THAT(Lines(), IsEmpty());
    Run({"ECHO", "b"});
    EXPECT_THAT(second.Take(), HasSubstr("\"b\""));
    EXPECT_THAT(Lines(), ElementsAre(R"([0 larder] "ECHO" "b")"));
  }
  EXPECT_EQ(monitor().Send("QUIT\r\n"), "+OK\r\n") << "and not its own line";
  Run({"ECHO", "c"});
  EXPECT_EQ(monitor().Take(), "");
}

TEST_P(MonitorTest, ClientReplyOffSilencesLines) {
  EXPECT_EQ(monitor().Send("CLIENT REPLY OFF\r\n"), "");
  Run({"ECHO", "a"});
  EXPECT_EQ(monitor().Take(), "");
  EXPECT_THAT(monitor().Send("CLIENT REPLY ON\r\n"), HasSubstr("\"CLIENT\" \"REPLY\" \"ON\""));
}

TEST_P(MonitorTest, NotInsideExecAndNotWithoutAConnection) {
  EXPECT_EQ(monitor().Send("RESET\r\n"), "+RESET\r\n");
  EXPECT_EQ(monitor().Send("MULTI\r\nMONITOR\r\nEXEC\r\n"),
            "+OK\r\n+QUEUED\r\n*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
  if (via() == Via::kDirect) {
    EXPECT_THAT(Run({"MONITOR"}), IsError("ERR MONITOR needs a connection that can be sent lines"));
  }
  const std::vector<std::string_view> argv = {"MONITOR"};
  EXPECT_THAT(*cache().Execute(argv), IsError("ERR 'monitor' needs a session that lasts"));
}

TEST_P(MonitorTest, OneThatDoesNotReadIsClosedAtItsLimit) {
  Run({"CONFIG", "SET", "client-output-buffer-limit", "normal 50000 0 0"});
  const std::string text(20'000, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache().Set("k", text).ok());
  EXPECT_FALSE(monitor().closed()) << "the first 16 KB are not counted, as for replies";
  EXPECT_THAT(Run({"CLIENT", "LIST"}).AsString(), ::testing::ContainsRegex("flags=O.* obl=60[0-9][0-9][0-9] "));
  EXPECT_GT(cache().Stats()->used_memory_clients, 60'000u);
  EXPECT_TRUE(cache().Set("k", text).ok());
  EXPECT_TRUE(monitor().closed());
  EXPECT_THAT(Run({"INFO", "stats"}).AsString(), HasSubstr("client_output_buffer_limit_disconnections:1\r\n"));
  EXPECT_TRUE(cache().Set("k", text).ok()) << "nobody listens any more";
}

}  // namespace
}  // namespace larder::testing
