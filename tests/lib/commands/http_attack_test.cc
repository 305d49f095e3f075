// Browsers that are made to speak to a cache: POST and Host: close the client, as in redis-server 7.0.15, which was
// asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HttpAttackTest : public CommandTest {
 protected:
  HttpAttackTest()
      : CommandTest([this](Options& options) {
          options.log = [this](LogLevel, std::string_view line) { log_.emplace_back(line); };
        }) {}
  // What a client of its own is sent for these bytes, before it is closed for them.
  std::string AnswerBeforeTheEnd(std::string_view bytes) {
    auto victim = Connect();
    const std::string answer = victim->Send(bytes);
    EXPECT_TRUE(victim->closed()) << bytes;
    return answer;
  }

  std::vector<std::string> log_;
};
INSTANTIATE_TEST_SUITE_P(Via, HttpAttackTest, ::testing::Values(Via::kResp2, Via::kResp3),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(HttpAttackTest, ARequestOfABrowserRunsNothing) {
  EXPECT_EQ(AnswerBeforeTheEnd("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a b\r\n"), "");
  EXPECT_EQ(AnswerBeforeTheEnd("GET / HTTP/1.1\r\nHost: x\r\nSET a b\r\n"), "") << "not even that GET was wrong";
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
}

TEST_P(HttpAttackTest, AnyCaseAndAnyFormOfRequest) {
  for (const char* bytes : {"post\r\nPING\r\n", "PoSt /\r\nPING\r\n", "host:\r\nPING\r\n", "\"POST\" a\r\nPING\r\n",
                            "*1\r\n$4\r\nPOST\r\nPING\r\n", "*2\r\n$5\r\nhOST:\r\n$1\r\nx\r\nPING\r\n",
                            "CLIENT REPLY OFF\r\nPOST\r\n"}) {
    EXPECT_EQ(AnswerBeforeTheEnd(bytes), "") << bytes;
  }
}

TEST_P(HttpAttackTest, WhatCameBeforeHasRunAndIsNotAnswered) {
  EXPECT_EQ(AnswerBeforeTheEnd("SET k 1\r\nPOST\r\nSET k 2\r\n"), "");
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("1"));
  EXPECT_EQ(AnswerBeforeTheEnd("MULTI\r\nSET k 3\r\nPOST /\r\nEXEC\r\n"), "");
  EXPECT_EQ(AnswerBeforeTheEnd("MULTI\r\nSET k 3\r\nHost: /\r\nEXEC\r\n"), "");
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("1"));
}

TEST_P(HttpAttackTest, NoPauseAndNoPasswordIsInItsWay) {
  auto held = Connect();
  Run({"CLIENT", "PAUSE", "1000"});
  EXPECT_EQ(held->Send("POST /\r\n"), "");
  EXPECT_TRUE(held->closed());
  Advance(absl::Seconds(1));
  Run({"CONFIG", "SET", "requirepass", "sesame"});
  TestClient stranger(cache(), Via::kResp2);
  EXPECT_EQ(stranger.Send("POST /\r\nPING\r\n"), "");
  EXPECT_TRUE(stranger.closed());
}

TEST_P(HttpAttackTest, OtherWordsAreUnknownCommands) {
  auto other = Connect();
  EXPECT_THAT(other->Send("POSTX\r\n"), HasSubstr("-ERR unknown command 'POSTX'"));
  EXPECT_THAT(other->Send("Host:x\r\n"), HasSubstr("-ERR unknown command 'Host:x'"));
  EXPECT_THAT(other->Send("Host\r\n"), HasSubstr("-ERR unknown command 'Host'"));
  EXPECT_THAT(other->Send("ECHO POST\r\n"), HasSubstr("POST\r\n"));
  EXPECT_FALSE(other->closed());
  EXPECT_THAT(log_, IsEmpty());
}

TEST_P(HttpAttackTest, IsLoggedOnceAMinute) {
  for (int i = 0; i < 3; ++i) AnswerBeforeTheEnd("POST /\r\n");
  ASSERT_THAT(log_, SizeIs(1));
  EXPECT_THAT(log_[0], HasSubstr("Possible SECURITY ATTACK detected"));
  Advance(absl::Seconds(59));
  AnswerBeforeTheEnd("POST /\r\n");
  EXPECT_THAT(log_, SizeIs(1));
  Advance(absl::Seconds(1));
  AnswerBeforeTheEnd("Host: x\r\n");
  EXPECT_THAT(log_, SizeIs(2));
}

TEST_P(HttpAttackTest, IsCountedNowhere) {
  AnswerBeforeTheEnd("POST /\r\n");
  EXPECT_THAT(Run({"INFO", "errorstats"}).AsString(), Not(HasSubstr("errorstat_")));
}

// The program's own calls are no browser's.
TEST_P(HttpAttackTest, ExecuteAnswersThatThereIsNoSuchCommand) {
  EXPECT_THAT(*cache().Execute({"POST", "/"}), IsError("ERR unknown command 'POST'"));
  auto session = cache().NewSession();
  ASSERT_TRUE(session.ok());
  EXPECT_THAT(*(*session)->Execute({"Host:"}), IsError("ERR unknown command 'Host:'"));
  EXPECT_TRUE((*session)->Execute({"PING"}).ok());
  EXPECT_THAT(log_, IsEmpty());
}

}  // namespace
}  // namespace larder::testing
