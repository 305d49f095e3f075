// What session.h promises of every call: one whole reply, or a Status that means that nothing was changed.
#include <larder/cache.h>
#include <larder/session.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

class SessionApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options;
    options.clock = std::make_shared<ManualClock>();
    options.background = Background::kTick;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
    auto session = cache_->NewSession();
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }
  std::string Run(std::initializer_list<std::string_view> argv) {
    const absl::StatusOr<Reply> reply = session_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->DebugString() : std::string();
  }
  std::string Value(std::string_view key) { return (*cache_->Get(key)).value_or("(none)"); }

  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Session> session_;
};

// A direct call has no wire to save bytes of.
TEST_F(SessionApiTest, ClientReplyDoesNotSilenceCalls) {
  for (const char* mode : {"OFF", "SKIP", "off"}) {
    const absl::StatusOr<Reply> reply = session_->Execute({"CLIENT", "REPLY", mode});
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_TRUE(reply->is_error());
    EXPECT_THAT(reply->DebugString(), HasSubstr("CLIENT REPLY OFF and SKIP are for a connection"));
    EXPECT_EQ(session_->Execute({"PING"})->AsString(), "PONG") << mode;
    EXPECT_EQ(session_->Execute({"PING"})->AsString(), "PONG") << mode;
  }
  EXPECT_EQ(session_->Execute({"CLIENT", "REPLY", "ON"})->AsString(), "OK");
  EXPECT_THAT(Run({"CLIENT", "REPLY", "maybe"}), HasSubstr("syntax error"));
}

TEST_F(SessionApiTest, ExecRepliesWholeWhateverClientReplyIsInIt) {
  for (const char* mode : {"OFF", "SKIP", "ON"}) {
    Run({"MULTI"});
    Run({"SET", "a", mode});
    Run({"CLIENT", "REPLY", mode});
    Run({"SET", "b", mode});
    const absl::StatusOr<Reply> reply = session_->Execute({"EXEC"});
    ASSERT_TRUE(reply.ok()) << mode << ": " << reply.status();
    ASSERT_EQ(reply->size(), 3u) << reply->DebugString();
    EXPECT_EQ((*reply)[0].AsString(), "OK");
    EXPECT_EQ((*reply)[1].is_error(), mode != std::string("ON"));
    EXPECT_EQ((*reply)[2].AsString(), "OK");
    EXPECT_EQ(Value("a"), mode);
    EXPECT_EQ(Value("b"), mode);
    EXPECT_EQ(session_->Execute({"PING"})->AsString(), "PONG") << mode;
  }
}

// That is for those who speak bytes.
TEST_F(SessionApiTest, ConnectionsMayBeSilenced) {
  auto connection = cache_->NewConnection();
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE((*connection)->Feed("CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n").ok());
  EXPECT_EQ((*connection)->output(), "+OK\r\n");
}

TEST_F(SessionApiTest, AFeedToAClosedCacheTakesNothing) {
  auto connection = cache_->NewConnection();
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE((*connection)->Feed("PI").ok());
  session_.reset();
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ((*connection)->Feed("NG\r\n").code(), absl::StatusCode::kCancelled);
  EXPECT_EQ((*connection)->output(), "");
}

}  // namespace
}  // namespace larder
