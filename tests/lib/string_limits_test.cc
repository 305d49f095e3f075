// proto-max-bulk-len is the one limit of a string's length, whichever way it comes.
#include <larder/cache.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLimit = 1 << 20;
constexpr std::string_view kTooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

class StringLimitsTest : public ::testing::Test {
 protected:
  StringLimitsTest()
      : cache_(*Cache::Open({.background = Background::kTick, .proto_max_bulk_len = kLimit})),
        longest_(kLimit, 'x'),
        too_long_(kLimit + 1, 'x') {}

  std::string Run(std::initializer_list<std::string_view> argv) {
    auto reply = cache_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->DebugString() : "";
  }
  void ExpectTooLong(const absl::Status& status, std::string_view by) {
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << by << ": " << status;
  }

  std::unique_ptr<Cache> cache_;
  const std::string longest_;
  const std::string too_long_;
};

TEST_F(StringLimitsTest, TheLongestFits) {
  EXPECT_TRUE(*cache_->Set("a", longest_));
  EXPECT_EQ(cache_->SetAndGet("a", longest_)->value().size(), kLimit);
  EXPECT_TRUE(cache_->MSet({{"b", longest_}, {"c", longest_}}).ok());
  EXPECT_EQ(*cache_->Append("d", longest_), static_cast<int64_t>(kLimit));
  EXPECT_EQ(*cache_->SetRange("e", kLimit - 1, "x"), static_cast<int64_t>(kLimit));
  EXPECT_EQ(Run({"SET", "f", longest_}), "OK");
  EXPECT_TRUE(*cache_->Set(longest_, "a key too"));
}

TEST_F(StringLimitsTest, TypedCallsSayOutOfRangeAndChangeNothing) {
  ASSERT_TRUE(cache_->Set("k", "before").ok());
  ExpectTooLong(cache_->Set("k", too_long_).status(), "Set");
  ExpectTooLong(cache_->Set("k", too_long_, {.ttl = absl::Seconds(1)}).status(), "Set with a ttl");
  ExpectTooLong(cache_->SetAndGet("k", too_long_).status(), "SetAndGet");
  ExpectTooLong(cache_->MSet({{"a", "1"}, {"k", too_long_}}), "MSet");
  ExpectTooLong(cache_->Append("k", longest_).status(), "Append");
  ExpectTooLong(cache_->Append("new", too_long_).status(), "Append to a missing key");
  ExpectTooLong(cache_->SetRange("k", kLimit, "x").status(), "SetRange");
  ExpectTooLong(cache_->SetRange("k", INT64_MAX, "x").status(), "SetRange at the end of the world");
  ExpectTooLong(cache_->SetRange("new", 0, too_long_).status(), "SetRange of a missing key");
  ExpectTooLong(cache_->Atomically([&](Transaction& t) { return t.Set("k", too_long_).status(); }), "Atomically");
  EXPECT_EQ(*cache_->Get("k"), "before");
  EXPECT_EQ(*cache_->Size(), 1);
}

TEST_F(StringLimitsTest, AKeyIsAStringToo) {
  ExpectTooLong(cache_->Set(too_long_, "v").status(), "Set");
  ExpectTooLong(cache_->MSet({{"a", "1"}, {too_long_, "v"}}), "MSet");
  ExpectTooLong(cache_->Append(too_long_, "v").status(), "Append");
  ExpectTooLong(cache_->SetRange(too_long_, 3, "v").status(), "SetRange");
  ExpectTooLong(cache_->Increment(too_long_).status(), "Increment");
  EXPECT_FALSE(cache_->Get(too_long_)->has_value());
  EXPECT_EQ(*cache_->Size(), 0);
}

TEST_F(StringLimitsTest, CommandsOfAProgramAnswerRedissError) {
  const std::string error = "(error) " + std::string(kTooLong);
  ASSERT_TRUE(cache_->Set("k", "before").ok());
  EXPECT_EQ(Run({"SET", "k", too_long_}), error);
  EXPECT_EQ(Run({"GETSET", "k", too_long_}), error);
  EXPECT_EQ(Run({"SETEX", "k", "10", too_long_}), error);
  EXPECT_EQ(Run({"MSETNX", "a", "1", "b", too_long_}), error);
  EXPECT_EQ(Run({"APPEND", "k", longest_}), error);
  EXPECT_EQ(Run({"APPEND", "new", too_long_}), error);
  EXPECT_EQ(Run({"SETRANGE", "k", "1048576", "x"}), error);
  EXPECT_EQ(Run({"SET", too_long_, "v"}), error);
  EXPECT_EQ(Run({"GET", too_long_}), error) << "as no client could send it";
  auto session = *cache_->NewSession();
  EXPECT_EQ(session->Execute({"MULTI"})->DebugString(), "OK");
  EXPECT_EQ(session->Execute({"SET", "k", too_long_})->DebugString(), error);
  EXPECT_THAT(session->Execute({"EXEC"})->DebugString(), HasSubstr("EXECABORT"));
  EXPECT_EQ(*cache_->Get("k"), "before");
  EXPECT_EQ(*cache_->Size(), 1);
}

TEST_F(StringLimitsTest, ALowerLimitHoldsFromThenOn) {
  auto cache = *Cache::Open({.background = Background::kTick});
  ASSERT_TRUE(*cache->Set("k", too_long_));
  ASSERT_TRUE(cache->Execute({"CONFIG", "SET", "proto-max-bulk-len", "1mb"}).ok());
  ExpectTooLong(cache->Set("k", too_long_).status(), "Set");
  ExpectTooLong(cache->Append("k", "x").status(), "Append");
  EXPECT_EQ(cache->Get("k")->value().size(), kLimit + 1) << "what is there stays";
}

}  // namespace
}  // namespace larder
