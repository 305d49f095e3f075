// Every path that ends a hold on the executor tells the background of the work that it leaves.
//
// The clock stands still but where a test sets it, and the tests wait without a call that could be what wakes: on the
// memory source, which is told of every page that is given back, or by Stats, which leaves nothing.
#include <larder/cache.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/lib/resident_source.h"

namespace larder::testing {
namespace {

constexpr size_t kEmptyMax = 256 << 10;
// One value that leaves pages to be given back, by the holder and not by a thread for very large ones.
constexpr size_t kValueBytes = 900 << 10;

class BackgroundOwedTest : public ::testing::Test {
 protected:
  BackgroundOwedTest()
      : cache_(*Cache::Open({.clock = clock_,
                             .memory = source_,
                             .seed = 7,
                             .background = Background::kThread,
                             .enable_debug_command = ProtectedAction::kYes})) {}

  void SetActiveExpire(bool on) {
    ASSERT_TRUE(cache_->Execute({"DEBUG", "SET-ACTIVE-EXPIRE", on ? "1" : "0"})->is_ok());
  }
  void WaitForExpired(uint64_t keys) {
    while (cache_->Stats()->expired_keys < keys) std::this_thread::yield();
    EXPECT_EQ(cache_->Stats()->expired_keys, keys);
  }
  // Waits until the background thread has nothing to do before `when` at least.
  void WaitUntilAsleep() {
    while (clock_->waiters() == 0) std::this_thread::yield();
  }
  void ExpectFreed() {
    EXPECT_TRUE(source_->WaitForResident(kEmptyMax)) << source_->resident() << " bytes are resident";
    EXPECT_LE(cache_->Stats()->used_memory, kEmptyMax);
  }

  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  const std::shared_ptr<ResidentSource> source_ = std::make_shared<ResidentSource>();
  const std::unique_ptr<Cache> cache_;
};

TEST_F(BackgroundOwedTest, WhatACallbackFlushesIsFreed) {
  for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(100, 'v')).ok());
  ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, [this](const absl::StatusOr<Reply>&) {
                      EXPECT_TRUE(cache_->Execute({"FLUSHALL"})->is_ok());
                    }).ok());
  ExpectFreed();
}

TEST_F(BackgroundOwedTest, WhatACallbackGivesAnExpiryExpires) {
  ASSERT_TRUE(cache_->Set("first", "v", {.ttl = absl::Hours(10)}).ok());
  ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, [this](const absl::StatusOr<Reply>&) {
                      EXPECT_TRUE(cache_->Set("k", "v", {.ttl = absl::Seconds(1)}).ok());
                    }).ok());
  while (*cache_->Size() != 2) std::this_thread::yield();
  WaitUntilAsleep();
  clock_->Advance(absl::Seconds(2));
  WaitForExpired(1);
}

TEST_F(BackgroundOwedTest, ActiveExpiryGoesOnWhereItStoodStill) {
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Seconds(1)}).ok());
  SetActiveExpire(false);
  WaitUntilAsleep();
  clock_->Advance(absl::Seconds(2));
  WaitUntilAsleep();
  EXPECT_EQ(cache_->Stats()->expired_keys, 0u);
  SetActiveExpire(true);
  WaitForExpired(1);
}

TEST_F(BackgroundOwedTest, ActiveExpiryGoesOnWhenAPauseIsEndedByHand) {
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Seconds(1)}).ok());
  ASSERT_TRUE(cache_->Execute({"CLIENT", "PAUSE", "1000000"})->is_ok());
  WaitUntilAsleep();
  clock_->Advance(absl::Seconds(2));
  WaitUntilAsleep();
  EXPECT_EQ(cache_->Stats()->expired_keys, 0u);
  ASSERT_TRUE(cache_->Execute({"CLIENT", "UNPAUSE"})->is_ok());
  WaitForExpired(1);
}

// Each call meets a value whose time has come, drops it, and so leaves pages to be given back.
struct Path {
  const char* name;
  std::function<void(Cache&)> call;
};

class BackgroundOwedPathTest : public BackgroundOwedTest, public ::testing::WithParamInterface<Path> {};

TEST_P(BackgroundOwedPathTest, TellsTheBackground) {
  SetActiveExpire(false);
  ASSERT_TRUE(cache_->Set("k", std::string(kValueBytes, 'x'), {.ttl = absl::Seconds(1)}).ok());
  ASSERT_GE(source_->resident(), kValueBytes);
  clock_->Advance(absl::Seconds(2));
  GetParam().call(*cache_);
  ExpectFreed();
}

void Feed(Cache& cache) {
  auto connection = *cache.NewConnection();
  EXPECT_TRUE(connection->Feed("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").ok());
  EXPECT_EQ(connection->output(), "$-1\r\n");
}

const Path kPaths[] = {
    {"Get", [](Cache& c) { EXPECT_FALSE(c.Get("k")->has_value()); }},
    {"View", [](Cache& c) { EXPECT_TRUE(c.View("k", [](auto value) { EXPECT_FALSE(value.has_value()); }).ok()); }},
    {"MGet", [](Cache& c) { EXPECT_FALSE((*c.MGet({"k"}))[0].has_value()); }},
    {"GetRange", [](Cache& c) { EXPECT_EQ(*c.GetRange("k", 0, 1), ""); }},
    {"Exists", [](Cache& c) { EXPECT_FALSE(*c.Exists("k")); }},
    {"Persist", [](Cache& c) { EXPECT_FALSE(*c.Persist("k")); }},
    {"Ttl", [](Cache& c) { EXPECT_FALSE(c.Ttl("k")->has_value()); }},
    {"Delete", [](Cache& c) { EXPECT_FALSE(*c.Delete("k")); }},
    {"Expire", [](Cache& c) { EXPECT_FALSE(*c.Expire("k", absl::Seconds(9))); }},
    {"Set", [](Cache& c) { EXPECT_TRUE(*c.Set("k", "short")); }},
    {"Increment", [](Cache& c) { EXPECT_EQ(*c.Increment("k"), 1); }},
    {"Execute", [](Cache& c) { EXPECT_TRUE(c.Execute({"GET", "k"})->is_nil()); }},
    {"Session", [](Cache& c) { EXPECT_TRUE((*c.NewSession())->Execute({"GET", "k"})->is_nil()); }},
    {"RespConnection", Feed},
    {"Atomically", [](Cache& c) {
       EXPECT_TRUE(c.Atomically([](Transaction& t) { return t.Get("k").status(); }).ok());
     }},
    {"ExecuteInAtomically", [](Cache& c) {
       EXPECT_TRUE(c.Atomically([](Transaction& t) { return t.Execute({"GET", "k"}).status(); }).ok());
     }},
    {"ViewInAtomically", [](Cache& c) {
       EXPECT_TRUE(c.Atomically([](Transaction& t) { return t.View("k", [](auto) {}); }).ok());
     }},
    {"ExecuteAsync", [](Cache& c) {
       EXPECT_TRUE(c.ExecuteAsync({"GET", "k"}, [](const absl::StatusOr<Reply>&) {}).ok());
     }},
};

INSTANTIATE_TEST_SUITE_P(Paths, BackgroundOwedPathTest, ::testing::ValuesIn(kPaths),
                         [](const auto& path) { return std::string(path.param.name); });

}  // namespace
}  // namespace larder::testing
