// What a command changes for its own client holds from the next request on, also in what has come with it. The replies
// are those of redis-server 7.0.15, which was asked.
#include <string>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTooMany[] = "-ERR Protocol error: unauthenticated multibulk length\r\n";
constexpr char kTooLong[] = "-ERR Protocol error: unauthenticated bulk length\r\n";
constexpr char kBadLength[] = "-ERR Protocol error: invalid bulk length\r\n";
constexpr char kNoAuth[] = "-NOAUTH Authentication required.\r\n";

std::string Encode(std::initializer_list<std::string_view> argv) {
  return EncodeRequest(std::span<const std::string_view>(argv.begin(), argv.size()));
}
std::string TwelveWords() {
  std::vector<std::string_view> argv(12, "k");
  argv[0] = "DEL";
  return EncodeRequest(argv);
}

class PipelineLimitsTest : public CommandTest {
 protected:
  std::string Send(std::string_view bytes) { return client().Send(bytes); }
};
INSTANTIATE_TEST_SUITE_P(Via, PipelineLimitsTest, ::testing::Values(Via::kResp2),
                         [](const auto& info) { return NameOf(info.param); });

class PasswordPipelineTest : public PipelineLimitsTest {
 protected:
  PasswordPipelineTest() {
    Run({"CONFIG", "SET", "requirepass", "sesame"});  // it is in already
  }
};
INSTANTIATE_TEST_SUITE_P(Via, PasswordPipelineTest, ::testing::Values(Via::kResp2),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(PasswordPipelineTest, AfterResetItsRequestsAreAStrangers) {
  EXPECT_EQ(Send(TwelveWords() + Encode({"RESET"}) + Encode({"PING"}) + TwelveWords() + Encode({"PING"})),
            std::string(":0\r\n+RESET\r\n") + kNoAuth + kTooMany);
  EXPECT_TRUE(client().closed());
}

TEST_P(PasswordPipelineTest, AfterResetALongArgumentIsRefusedByItsHeader) {
  const std::string big(20'000, 'v');
  EXPECT_EQ(Send(Encode({"RESET"}) + Encode({"SET", "k", big})), std::string("+RESET\r\n") + kTooLong);
  TestClient other(cache(), Via::kResp2);
  other.Run({"AUTH", "sesame"});
  EXPECT_EQ(other.Send(Encode({"RESET"}) + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nvv"),
            std::string("+RESET\r\n") + kTooLong)
      << "although it was arriving in a place of its own";
}

TEST_P(PasswordPipelineTest, AfterAuthTheyAreNot) {
  TestClient other(cache(), Via::kResp2);
  EXPECT_EQ(other.Send(Encode({"PING"}) + Encode({"AUTH", "sesame"}) + TwelveWords()),
            std::string(kNoAuth) + "+OK\r\n:0\r\n");
}

TEST_P(PipelineLimitsTest, ANewPasswordMakesNoStrangerOfWhoIsIn) {
  EXPECT_EQ(Send(Encode({"CONFIG", "SET", "requirepass", "sesame"}) + TwelveWords()), "+OK\r\n:0\r\n");
}

TEST_P(PipelineLimitsTest, BulkLengthsAreHeldToTheNewLimit) {
  const std::string big(1024 * 1024 + 1, 'v');
  EXPECT_EQ(Send(Encode({"CONFIG", "SET", "proto-max-bulk-len", "1mb"}) + Encode({"SET", "k", big}) + "PING\r\n"),
            std::string("+OK\r\n") + kBadLength);
  TestClient other(cache(), Via::kResp2);
  EXPECT_EQ(other.Send(Encode({"CONFIG", "SET", "proto-max-bulk-len", "2mb"}) + Encode({"SET", "k", big}) + "PING\r\n"),
            "+OK\r\n+OK\r\n+PONG\r\n");
}

TEST_P(PipelineLimitsTest, AlsoWhenExecChangesIt) {
  const std::string big(1024 * 1024 + 1, 'v');
  EXPECT_EQ(Send("MULTI\r\nCONFIG SET proto-max-bulk-len 1mb\r\nEXEC\r\n" + Encode({"SET", "k", big})),
            std::string("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n") + kBadLength);
}

TEST_P(PipelineLimitsTest, AnErrorThatIsNoneAnyMoreIsForgotten) {
  Run({"CONFIG", "SET", "proto-max-bulk-len", "1mb"});
  // Both are parsed before the first runs; under the old limit the second is a protocol error.
  EXPECT_EQ(Send(Encode({"CONFIG", "SET", "proto-max-bulk-len", "3mb"}) + "*2\r\n$4\r\nECHO\r\n$2097152\r\n"),
            "+OK\r\n");
  EXPECT_FALSE(client().closed());
  EXPECT_THAT(Send(std::string(2 * 1024 * 1024, 'v') + "\r\nPING\r\n"), EndsWith("v\r\n+PONG\r\n"));
}

// More than one turn takes, and a request in parts: nothing is lost and nothing runs twice when the rest is parsed
// anew.
TEST_P(PipelineLimitsTest, WhatIsParsedAgainRunsOnce) {
  std::string requests;
  std::string replies;
  for (int i = 1; i <= 200; ++i) {
    requests += Encode({"INCR", "n"}) + "\r\n";
    replies += ":" + std::to_string(i) + "\r\n";
    if (i % 3 != 0) continue;
    requests += "CONFIG SET proto-max-bulk-len " + std::to_string(i + 1) + "mb\r\n";
    replies += "+OK\r\n";
  }
  requests += Encode({"APPEND", "a", std::string(50'000, 'x')});
  const std::string answer = Send(requests.substr(0, requests.size() - 10));
  EXPECT_EQ(answer, replies);
  EXPECT_EQ(Send(requests.substr(requests.size() - 10)), ":50000\r\n");
}

TEST_P(PipelineLimitsTest, WhatWasTakenBackIsHeldByAPauseToo) {
  auto other = cache().NewSession();
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(Send("CONFIG SET proto-max-bulk-len 2mb\r\nCLIENT PAUSE 1000\r\nINCR n\r\nCONFIG SET hz 10\r\nINCR n\r\n"),
            "+OK\r\n+OK\r\n");
  Advance(absl::Seconds(1));
  EXPECT_EQ(client().Take(), ":1\r\n+OK\r\n:2\r\n");
}

}  // namespace
}  // namespace larder::testing
