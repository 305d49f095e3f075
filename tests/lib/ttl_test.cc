// Times to live at their edges: less than a millisecond, none left, and a clock that is far out.
#include <larder/cache.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

using Loaded = absl::StatusOr<std::string>;

class TtlTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(1'700'000'000'000'000); }
  void Open(int64_t now_us) {
    clock_ = std::make_shared<ManualClock>(now_us);
    Options options;
    options.clock = clock_;
    options.background = Background::kTick;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  absl::Duration TtlOf(std::string_view key) { return cache_->Ttl(key)->value_or(absl::ZeroDuration()); }
  // How long a key lives that was written with `ttl`, by each call that takes one.
  std::vector<absl::Duration> Lives(absl::Duration ttl) {
    EXPECT_TRUE(*cache_->Set("set", "v", {.ttl = ttl}));
    EXPECT_TRUE(cache_->SetAndGet("set and get", "v", {.ttl = ttl}).ok());
    EXPECT_TRUE(*cache_->Set("expire", "v"));
    EXPECT_TRUE(*cache_->Expire("expire", ttl));
    EXPECT_TRUE(cache_->Delete("load").ok());
    EXPECT_TRUE(cache_->GetOrLoad("load", ttl, [] { return Loaded("v"); }).ok());
    return {TtlOf("set"), TtlOf("set and get"), TtlOf("expire"), TtlOf("load")};
  }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(TtlTest, IsRoundedUpByAllCallsAlike) {
  clock_->Advance(absl::Microseconds(999));  // what is left of the clock's own millisecond does not count
  const auto is = [](int64_t ms) { return ::testing::Each(absl::Milliseconds(ms)); };
  EXPECT_THAT(Lives(absl::Nanoseconds(1) / 4), is(1));
  EXPECT_THAT(Lives(absl::Microseconds(1)), is(1));
  EXPECT_THAT(Lives(absl::Microseconds(900)), is(1));
  EXPECT_THAT(Lives(absl::Milliseconds(1)), is(1));
  EXPECT_THAT(Lives(absl::Microseconds(1001)), is(2));
  EXPECT_THAT(Lives(absl::Milliseconds(250)), is(250));
}

TEST_F(TtlTest, OfNothingIsRefusedByWritesAndDeletesByExpire) {
  for (absl::Duration ttl : {absl::ZeroDuration(), -absl::Nanoseconds(1), absl::Microseconds(-900),
                             absl::Milliseconds(-1), -absl::InfiniteDuration()}) {
    ASSERT_TRUE(cache_->Set("k", "v").ok());
    const absl::Status set = cache_->Set("k", "w", {.ttl = ttl}).status();
    EXPECT_EQ(set.code(), absl::StatusCode::kInvalidArgument) << ttl;
    EXPECT_THAT(std::string(set.message()), HasSubstr("SetOptions::ttl must be more than 0"));
    const absl::Status load = cache_->GetOrLoad("k", ttl, [] { return Loaded("w"); }).status();
    EXPECT_EQ(load.code(), absl::StatusCode::kInvalidArgument) << ttl;
    EXPECT_EQ(**cache_->Get("k"), "v");
    EXPECT_TRUE(*cache_->Expire("k", ttl)) << ttl;
    EXPECT_FALSE(*cache_->Exists("k")) << ttl;
    EXPECT_FALSE(*cache_->Expire("k", ttl)) << ttl;
  }
}

TEST_F(TtlTest, TooLongIsRefusedByAllCalls) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  for (absl::Duration ttl : {absl::Hours(24.0 * 365 * 400'000'000), absl::Milliseconds(INT64_MAX),
                             absl::Milliseconds(INT64_MAX / 2 + 1),
                             absl::Milliseconds(INT64_MAX / 2) + absl::Nanoseconds(1)}) {
    EXPECT_EQ(cache_->Set("k", "w", {.ttl = ttl}).status().code(), absl::StatusCode::kInvalidArgument) << ttl;
    EXPECT_EQ(cache_->Expire("k", ttl).status().code(), absl::StatusCode::kInvalidArgument) << ttl;
    EXPECT_EQ(cache_->GetOrLoad("k", ttl, [] { return Loaded("w"); }).status().code(),
              absl::StatusCode::kInvalidArgument) << ttl;
  }
  EXPECT_EQ(TtlOf("k"), absl::InfiniteDuration());
}

// ---- A clock before 1970: an expiry before then cannot be kept, and nobody pretends to. ----

class WrongClockTest : public TtlTest {
 protected:
  void SetUp() override { Open(-10'000'000); }
  std::string Run(std::initializer_list<std::string_view> argv) { return cache_->Execute(argv)->DebugString(); }
};

TEST_F(WrongClockTest, AnExpiryBefore1970IsRefusedAndNothingChanged) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  for (absl::Duration ttl : {absl::Milliseconds(1), absl::Seconds(5), absl::Milliseconds(9999), absl::Seconds(10)}) {
    std::vector<absl::Status> all;
    all.push_back(cache_->Set("k", "w", {.ttl = ttl}).status());
    all.push_back(cache_->SetAndGet("k", "w", {.ttl = ttl}).status());
    all.push_back(cache_->Expire("k", ttl).status());
    all.push_back(cache_->ExpireAt("k", absl::FromUnixMicros(clock_->NowUs()) + ttl).status());
    for (const absl::Status& status : all) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << ttl;
      EXPECT_THAT(std::string(status.message()), HasSubstr("the clock is before 1970")) << ttl;
    }
    EXPECT_EQ(TtlOf("k"), absl::InfiniteDuration());
    EXPECT_EQ(**cache_->Get("k"), "v");
    // As any value that cannot be stored.
    EXPECT_EQ(*cache_->GetOrLoad("load", ttl, [] { return Loaded("loaded"); }), "loaded");
    EXPECT_FALSE(*cache_->Exists("load"));
  }
  EXPECT_EQ(cache_->Stats()->loads_not_stored, 4u);
}

TEST_F(WrongClockTest, AnExpiryAfter1970IsKept) {
  const std::vector<absl::Duration> lives = Lives(absl::Seconds(11));
  EXPECT_THAT(lives, ::testing::Each(absl::Seconds(11)));
  EXPECT_TRUE(*cache_->ExpireAt("set", absl::FromUnixSeconds(3)));
  EXPECT_EQ(TtlOf("set"), absl::Seconds(13));
  clock_->Advance(absl::Seconds(11));
  EXPECT_FALSE(*cache_->Exists("expire"));
  EXPECT_TRUE(*cache_->Exists("set"));
  clock_->Advance(absl::Seconds(2));
  EXPECT_FALSE(*cache_->Exists("set"));
}

TEST_F(WrongClockTest, WhatHasPassedDeletes) {
  const auto deletes = [&](auto expire) {
    ASSERT_TRUE(cache_->Set("k", "v").ok());
    EXPECT_TRUE(*expire());
    EXPECT_FALSE(*cache_->Exists("k"));
  };
  deletes([&] { return cache_->Expire("k", absl::ZeroDuration()); });
  deletes([&] { return cache_->Expire("k", -absl::Seconds(5)); });
  deletes([&] { return cache_->Expire("k", -absl::InfiniteDuration()); });
  deletes([&] { return cache_->ExpireAt("k", absl::FromUnixSeconds(-10)); });
  deletes([&] { return cache_->ExpireAt("k", absl::InfinitePast()); });
}

TEST_F(WrongClockTest, CommandsAreHeldToTheSame) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  for (auto argv : std::initializer_list<std::initializer_list<std::string_view>>{
           {"EXPIRE", "k", "5"}, {"PEXPIRE", "k", "5000"}, {"EXPIREAT", "k", "-5"}, {"PEXPIREAT", "k", "0"}}) {
    const absl::StatusOr<Reply> reply = cache_->Execute(argv);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->ToStatus().code(), absl::StatusCode::kFailedPrecondition) << reply->DebugString();
    EXPECT_THAT(reply->DebugString(), HasSubstr("the clock is before 1970"));
  }
  for (auto argv : std::initializer_list<std::initializer_list<std::string_view>>{
           {"SET", "k", "w", "EX", "5"}, {"SET", "k", "w", "PX", "10000"}, {"SETEX", "k", "5", "w"},
           {"GETEX", "k", "EX", "5"}}) {
    EXPECT_THAT(Run(argv), HasSubstr("invalid expire time"));
  }
  EXPECT_EQ(TtlOf("k"), absl::InfiniteDuration());
  EXPECT_EQ(**cache_->Get("k"), "v");
  EXPECT_EQ(cache_->Execute({"PEXPIRE", "k", "-1"})->integer(), 1);
  EXPECT_FALSE(*cache_->Exists("k"));
}

}  // namespace
}  // namespace larder
