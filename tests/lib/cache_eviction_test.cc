// s3fifo as a program meets it: through CONFIG SET, typed calls and OBJECT.
#include <larder/cache.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::Ge;
using ::testing::StartsWith;

constexpr uint64_t kLimit = 1 << 20;
constexpr int kRead = 200;     // keys that are read often
constexpr int kOnce = 30'000;  // keys of a scan, three times what fits
constexpr int kEarlier = 300;  // less than a tenth of the limit: under s3fifo all of them start in small

class S3FifoTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  S3FifoTest() : clock_(std::make_shared<ManualClock>()) {
    cache_ = *Cache::Open({.clock = clock_, .seed = 42, .background = Background::kTick, .maxmemory = kLimit});
  }

  std::string Run(std::initializer_list<std::string_view> argv) {
    auto reply = cache_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->DebugString() : "";
  }
  void Choose(std::string_view policy) { ASSERT_EQ(Run({"CONFIG", "SET", "maxmemory-policy", policy}), "OK"); }
  // With an expiry, so that volatile-s3fifo may take it.
  void Set(const std::string& key) {
    ASSERT_TRUE(cache_->Set(key, std::string(64, 'v'), {.ttl = absl::Hours(1)}).ok()) << key;
  }
  void Pass(absl::Duration time) {
    clock_->Advance(time);
    ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  }
  int Left(std::string_view prefix, int keys) {
    int left = 0;
    for (int i = 0; i < keys; ++i) left += *cache_->Exists(std::string(prefix) + std::to_string(i)) ? 1 : 0;
    return left;
  }
  // How many keys that were read often outlive a scan over three times as many as fit.
  int SurvivorsOfAScan() {
    for (int i = 0; i < kRead; ++i) Set("read:" + std::to_string(i));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < kRead; ++i) EXPECT_TRUE(cache_->Get("read:" + std::to_string(i)).ok());
    }
    for (int i = 0; i < kOnce; ++i) {
      Set("once:" + std::to_string(i));
      if (i % 1000 == 0) Pass(absl::Seconds(1));
    }
    return Left("read:", kRead);
  }
  // With keys that are read, and so move from small to main, which has to make room for them.
  void FillMain() {
    for (int i = 0; i < kOnce; ++i) {
      const std::string key = "later:" + std::to_string(i);
      Set(key);
      for (int reads = 0; reads < 2; ++reads) EXPECT_TRUE(cache_->Get(key).ok());
      if (i % 1000 == 0) Pass(absl::Seconds(1));
    }
  }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

INSTANTIATE_TEST_SUITE_P(Policies, S3FifoTest, ::testing::Values("allkeys-s3fifo", "volatile-s3fifo"),
                         [](const auto& info) { return std::string(info.param.substr(0, info.param.find('-'))); });

TEST_P(S3FifoTest, KeysThatAreReadOftenOutliveAScan) {
  Choose(GetParam());
  EXPECT_GE(SurvivorsOfAScan(), kRead * 95 / 100);
  const Stats stats = *cache_->Stats();
  EXPECT_GT(stats.evicted_keys, uint64_t{kOnce} / 2);
  EXPECT_EQ(stats.evicted_keys + stats.keys, uint64_t{kRead + kOnce});
  EXPECT_LT(stats.used_memory, kLimit + 1024);
}

TEST_P(S3FifoTest, UnderLruTheSameScanTakesThem) {
  Choose(GetParam() == "allkeys-s3fifo" ? "allkeys-lru" : "volatile-lru");
  EXPECT_EQ(SurvivorsOfAScan(), 0);
}

TEST_P(S3FifoTest, ChosenWhileTheCacheIsFullOfKeysWithOtherAccessData) {
  for (const std::string_view before : {"allkeys-lru", "volatile-lfu"}) {
    Choose(before);
    for (int i = 0; i < kOnce; ++i) Set(std::string(before) + std::to_string(i));
    const uint64_t evicted = cache_->Stats()->evicted_keys;
    Choose(GetParam());
    EXPECT_GE(SurvivorsOfAScan(), kRead * 95 / 100) << before;
    EXPECT_GT(cache_->Stats()->evicted_keys, evicted + kOnce / 2) << before;
    EXPECT_LT(cache_->Stats()->used_memory, kLimit + 1024);
  }
}

// Marks of the small queue stay on keys when the policy changes or databases are swapped, while the queue itself is
// dropped.
TEST_P(S3FifoTest, SwappedKeysMayGoToo) {
  Choose(GetParam());
  for (int i = 0; i < kEarlier; ++i) Set("earlier:" + std::to_string(i));
  ASSERT_EQ(Run({"SWAPDB", "0", "1"}), "OK");
  ASSERT_EQ(*cache_->Db(1)->Size(), kEarlier);
  FillMain();
  EXPECT_EQ(*cache_->Db(1)->Size(), 0);
}

TEST_P(S3FifoTest, KeysOfAnEarlierSmallQueueMayGoToo) {
  Choose(GetParam());
  for (int i = 0; i < kEarlier; ++i) Set("earlier:" + std::to_string(i));
  for (const std::string_view between : {"allkeys-lru", "allkeys-lfu"}) {
    Choose(between);
    Pass(absl::Seconds(10));
    for (int i = 0; i < kEarlier; ++i) EXPECT_TRUE(cache_->Get("earlier:" + std::to_string(i)).ok());
  }
  Choose(GetParam());
  FillMain();
  EXPECT_EQ(Left("earlier:", kEarlier), 0);
}

TEST_P(S3FifoTest, IdleTimeIsTheAgeInItsQueueAndThereIsNoFrequency) {
  Choose(GetParam());
  Set("k");
  Pass(absl::Seconds(7));
  EXPECT_EQ(Run({"OBJECT", "IDLETIME", "k"}), "(integer) 7");
  ASSERT_TRUE(cache_->Get("k").ok());  // counts a use, and lets the age be
  EXPECT_EQ(Run({"OBJECT", "IDLETIME", "k"}), "(integer) 7");
  EXPECT_THAT(Run({"OBJECT", "FREQ", "k"}),
              StartsWith("(error) ERR An LFU maxmemory policy is not selected, access frequency not tracked."));
  EXPECT_EQ(Run({"OBJECT", "IDLETIME", "missing"}), "(nil)");
  // Evictions shorten epochs, not seconds.
  for (int i = 0; i < kOnce; ++i) {
    Set("once:" + std::to_string(i));
    ASSERT_TRUE(cache_->Get("k").ok());
    ASSERT_TRUE(cache_->Get("k").ok());
  }
  Pass(absl::Seconds(5));
  ASSERT_TRUE(*cache_->Exists("k"));
  auto idle = cache_->Execute({"OBJECT", "IDLETIME", "k"});
  ASSERT_TRUE(idle.ok() && idle->integer() >= 0);
  EXPECT_GE(idle->integer(), 5);
  EXPECT_LE(idle->integer(), 12);
}

TEST(VolatileS3FifoTest, SparesKeysWithoutExpiryEvenIfNothingElseIsLeft) {
  const auto clock = std::make_shared<ManualClock>();
  auto cache = *Cache::Open({.clock = clock, .seed = 42, .background = Background::kTick, .maxmemory = kLimit,
                             .maxmemory_policy = MaxmemoryPolicy::kVolatileS3Fifo});
  const std::string value(64, 'v');
  constexpr int kStay = 2'000;
  const auto left = [&](std::string_view prefix, int keys) {
    int count = 0;
    for (int i = 0; i < keys; ++i) count += *cache->Exists(std::string(prefix) + std::to_string(i)) ? 1 : 0;
    return count;
  };
  for (int i = 0; i < kStay; ++i) ASSERT_TRUE(cache->Set("stays:" + std::to_string(i), value).ok());
  for (int i = 0; i < kOnce; ++i) {
    ASSERT_TRUE(cache->Set("goes:" + std::to_string(i), value, {.ttl = absl::Hours(1)}).ok());
  }
  EXPECT_EQ(left("stays:", kStay), kStay);
  EXPECT_GT(cache->Stats()->evicted_keys, 10'000u);
  // Keys that lose their expiry while they wait in small are spared as well.
  ASSERT_TRUE(cache->Set("kept", value, {.ttl = absl::Hours(1)}).ok());
  ASSERT_TRUE(*cache->Persist("kept"));
  // Then keys without expiry until no other is left.
  absl::Status status;
  int more = 0;
  for (; more < kOnce && status.ok(); ++more) status = cache->Set("more:" + std::to_string(more), value).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("maxmemory"));
  EXPECT_EQ(cache->Stats()->expires, 0u);
  EXPECT_EQ(left("stays:", kStay), kStay);
  EXPECT_EQ(left("more:", more - 1), more - 1);
  EXPECT_TRUE(*cache->Exists("kept"));
}

}  // namespace
}  // namespace larder
