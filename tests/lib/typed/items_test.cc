// ItemRange: each key once with its type, value and expiry, under writers, in Transactions and after Close; and that
// what a walk pins is given back.
#include <larder/cache.h>
#include <larder/hash.h>
#include <larder/items.h>
#include <larder/list.h>
#include <larder/set.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;
using Code = absl::StatusCode;

constexpr int kMany = 3000;

std::string Name(int i) { return "key:" + std::to_string(i); }

class ItemsTest : public ::testing::Test {
 protected:
  ItemsTest() : cache_(*Cache::Open({.clock = clock_, .seed = 7, .background = Background::kTick})) {}

  uint64_t UsedMemory() {
    for (int i = 0; i < 200; ++i) (void)cache_->Tick(absl::InfiniteFuture());
    return cache_->Stats()->used_memory;
  }
  void FillTypes() {
    ASSERT_TRUE(cache_->Set("string", "text").ok());
    ASSERT_TRUE(cache_->Set("number", "12345").ok());
    ASSERT_TRUE(cache_->Set("empty", "").ok());
    ASSERT_TRUE(List(*cache_, "list").PushBack("a").ok());
    ASSERT_TRUE(larder::Set(*cache_, "set").Add("a").ok());
    ASSERT_TRUE(SortedSet(*cache_, "zset").Add("a", 1).ok());
    ASSERT_TRUE(Hash(*cache_, "hash").Set("f", "v").ok());
    ASSERT_TRUE(Stream(*cache_, "stream").Add({{"f", "v"}}).ok());
  }
  void FillMany() {
    for (int i = 0; i < kMany; ++i) ASSERT_TRUE(cache_->Set(Name(i), std::to_string(i)).ok());
  }
  std::vector<std::string> KeysOf(const ItemOptions& options) {
    std::vector<std::string> keys;
    ItemRange items = cache_->Items(options);
    for (const Item& item : items) keys.emplace_back(item.key());
    EXPECT_TRUE(items.status().ok()) << items.status();
    return keys;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_;
};

TEST_F(ItemsTest, TellsTypesAndValues) {
  ItemRange none = cache_->Items();
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_TRUE(none.status().ok());
  FillTypes();
  std::map<std::string, std::pair<KeyType, std::optional<std::string>>> seen;
  for (const Item& item : cache_->Items()) {
    EXPECT_TRUE(seen.emplace(item.key(), std::pair(item.type(), item.value())).second) << item.key();
    EXPECT_EQ(item.ttl(), absl::InfiniteDuration());
    switch (item.type()) {
      case KeyType::kString: break;
      case KeyType::kList: EXPECT_THAT(*item.As<List>().PopFront(), Optional(std::string("a"))); break;
      case KeyType::kSet: EXPECT_EQ(*item.As<larder::Set>().Size(), 1); break;
      case KeyType::kSortedSet: EXPECT_THAT(*item.As<SortedSet>().Score("a"), Optional(1.0)); break;
      case KeyType::kHash: EXPECT_THAT(*item.As<Hash>().Get("f"), Optional(std::string("v"))); break;
      case KeyType::kStream: EXPECT_EQ(*item.As<Stream>().Size(), 1); break;
    }
  }
  using Seen = std::pair<KeyType, std::optional<std::string>>;
  EXPECT_THAT(seen, ElementsAre(std::pair("empty", Seen{KeyType::kString, ""}),
                                std::pair("hash", Seen{KeyType::kHash, std::nullopt}),
                                std::pair("list", Seen{KeyType::kList, std::nullopt}),
                                std::pair("number", Seen{KeyType::kString, "12345"}),
                                std::pair("set", Seen{KeyType::kSet, std::nullopt}),
                                std::pair("stream", Seen{KeyType::kStream, std::nullopt}),
                                std::pair("string", Seen{KeyType::kString, "text"}),
                                std::pair("zset", Seen{KeyType::kSortedSet, std::nullopt})));
}

TEST_F(ItemsTest, SelectsByNameAndType) {
  FillTypes();
  EXPECT_THAT(KeysOf({.match = "s*"}), UnorderedElementsAre("string", "set", "stream"));
  EXPECT_THAT(KeysOf({.type = KeyType::kString}), UnorderedElementsAre("string", "number", "empty"));
  EXPECT_THAT(KeysOf({.match = "s*", .type = KeyType::kStream, .batch = 1}), ElementsAre("stream"));
  EXPECT_THAT(KeysOf({.match = "none"}), IsEmpty());
  EXPECT_EQ(KeysOf({.batch = 0}).size(), 8u);
  auto monitor = *cache_->NewConnection();
  ASSERT_TRUE(monitor->Feed("MONITOR\r\n").ok());
  EXPECT_EQ(KeysOf({.match = "s*", .type = KeyType::kSortedSet}).size(), 0u);
  EXPECT_THAT(std::string(monitor->output()),
              ::testing::HasSubstr("\"SCAN\" \"0\" \"MATCH\" \"s*\" \"COUNT\" \"64\" \"TYPE\" \"zset\""));
}

TEST_F(ItemsTest, TellsExpiriesAndLeavesOutWhatHasExpired) {
  ASSERT_TRUE(cache_->Set("soon", "1", {.ttl = absl::Milliseconds(1500)}).ok());
  ASSERT_TRUE(cache_->Set("later", "2", {.ttl = absl::Hours(1)}).ok());
  ASSERT_TRUE(cache_->Set("never", "3").ok());
  clock_->Advance(absl::Milliseconds(500));
  std::map<std::string, absl::Duration> ttls;
  for (const Item& item : cache_->Items()) ttls.emplace(item.key(), item.ttl());
  EXPECT_THAT(ttls, ElementsAre(std::pair("later", absl::Hours(1) - absl::Milliseconds(500)),
                                std::pair("never", absl::InfiniteDuration()), std::pair("soon", absl::Seconds(1))));
  clock_->Advance(absl::Seconds(1));
  EXPECT_THAT(KeysOf({}), UnorderedElementsAre("later", "never"));
}

TEST_F(ItemsTest, DoesNotMarkKeysAsUsed) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  clock_->Advance(absl::Seconds(10));
  EXPECT_THAT(KeysOf({}), ElementsAre("k"));
  EXPECT_EQ(cache_->Stats()->keyspace_hits, 0u);
  // OBJECT counts as a hit itself, so the hits were read before.
  EXPECT_EQ(cache_->Execute({"OBJECT", "IDLETIME", "k"})->integer(), 10);
}

TEST_F(ItemsTest, LongValuesAreNotCopiedAndStayAsTheyWere) {
  const std::string medium(5000, 'm'), large(3'000'000, 'l');
  ASSERT_TRUE(cache_->Set("medium", medium).ok());
  ASSERT_TRUE(cache_->Set("large", large).ok());
  const uint64_t before = UsedMemory();
  std::optional<ItemRange> items = cache_->Items();
  auto at = items->begin();
  EXPECT_LT(UsedMemory(), before + 100'000);
  ASSERT_TRUE(cache_->Delete({"medium", "large"}).ok());
  EXPECT_GT(UsedMemory(), large.size());  // the walk needs it
  int found = 0;
  for (; at != items->end(); ++at, ++found) EXPECT_TRUE(*at->value() == (at->key() == "large" ? large : medium));
  EXPECT_EQ(found, 2);
  EXPECT_LT(UsedMemory(), large.size() / 2);  // at its end it needs nothing any more
  items.reset();
}

TEST_F(ItemsTest, WhatStaysIsSeenOnceWhileOthersWrite) {
  FillMany();
  std::set<std::string> seen;
  ItemRange items = cache_->Items({.batch = 16});
  int step = 0;
  for (const Item& item : items) {
    EXPECT_TRUE(seen.emplace(item.key()).second) << item.key();
    ++step;
    if (step % 2 == 0) {
      ASSERT_TRUE(cache_->Set("new:" + std::to_string(step), "x").ok());
    }
    // Every tenth of the old keys goes in the end.
    if (step < kMany / 10) {
      ASSERT_TRUE(cache_->Delete(Name(step * 10)).ok());
    }
  }
  EXPECT_TRUE(items.status().ok());
  for (int i = 0; i < kMany; ++i) {
    if (i % 10 != 0) {
      ASSERT_TRUE(seen.contains(Name(i))) << i;
    }
  }
}

TEST_F(ItemsTest, CanBeMovedAndWalksOn) {
  FillMany();
  ItemRange first = cache_->Items();
  auto at = first.begin();
  for (int i = 0; i < 99; ++i) ++at;
  ItemRange second = std::move(first);
  int left = 0;
  for (const Item& item : second) left += item.value().has_value();
  EXPECT_EQ(left, kMany - 100);
  EXPECT_EQ(first.begin(), first.end());  // NOLINT: what was moved from has ended
  EXPECT_EQ(first.status().code(), Code::kFailedPrecondition);
  first = cache_->Items({.match = "key:7"});
  EXPECT_EQ(first.begin()->key(), "key:7");
}

TEST_F(ItemsTest, LivesInATransactionOnly) {
  FillMany();
  std::optional<ItemRange> kept;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      int count = 0;
                      for (const Item& item : transaction.Items()) count += item.type() == KeyType::kString;
                      EXPECT_EQ(count, kMany);
                      kept.emplace(transaction.Items());
                      EXPECT_NE(kept->begin(), kept->end());
                      EXPECT_EQ(cache_->Items().begin(), cache_->Items().end());  // the cache's own call is refused
                    }).ok());
  int more = 0;
  for (auto at = kept->begin(); at != kept->end(); ++at) ++more;
  EXPECT_LT(more, kMany);
  EXPECT_EQ(kept->status().code(), Code::kFailedPrecondition);
}

TEST_F(ItemsTest, OtherDatabasesHaveTheirOwn) {
  ASSERT_TRUE(cache_->Set("zero", "0").ok());
  const Database second = *cache_->Db(2);
  ASSERT_TRUE(Hash(second, "two").Set("f", "v").ok());
  ItemRange items = second.Items();
  auto at = items.begin();
  ASSERT_NE(at, items.end());
  EXPECT_EQ(at->key(), "two");
  EXPECT_EQ(*at->As<Hash>().Size(), 1);
  EXPECT_EQ(++at, items.end());
}

TEST_F(ItemsTest, MayEndAfterCloseAndBeforeTheCache) {
  FillMany();
  std::optional<ItemRange> items = cache_->Items();
  auto at = items->begin();
  (void)cache_->Close(absl::InfiniteFuture());
  EXPECT_TRUE(at->value().has_value());
  int more = 0;
  for (; at != items->end(); ++at) ++more;
  EXPECT_LT(more, 1000);
  EXPECT_EQ(items->status().code(), Code::kCancelled);
  items.reset();
  cache_.reset();
}

TEST_F(ItemsTest, ThreadsWalkWhileOthersWrite) {
  FillMany();
  const std::string large(100'000, 'x');
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        std::set<std::string> seen;
        ItemRange items = cache_->Items({.match = "key:*"});
        for (const Item& item : items) {
          EXPECT_TRUE(item.value()->size() < 10 || *item.value() == large);
          EXPECT_TRUE(seen.emplace(item.key()).second);
        }
        EXPECT_TRUE(items.status().ok());
        EXPECT_EQ(seen.size(), static_cast<size_t>(kMany));
      }
    });
  }
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(cache_->Set(Name(i), i % 50 == 0 ? large : "short").ok());
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder::testing
