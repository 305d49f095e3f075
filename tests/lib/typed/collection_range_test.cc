// CollectionRange: a walk shows the collection as it was when it began, whatever happens meanwhile, and gives back what
// it held.
#include <larder/cache.h>
#include <larder/hash.h>
#include <larder/list.h>
#include <larder/set.h>
#include <larder/sorted_set.h>

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
using ::testing::Pair;
using Code = absl::StatusCode;

constexpr int kMany = 5000;

std::string Name(int i) { return "element:" + std::to_string(i); }

class CollectionRangeTest : public ::testing::Test {
 protected:
  CollectionRangeTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}

  // Until nothing is left to be freed.
  uint64_t UsedMemory() {
    for (int i = 0; i < 200; ++i) (void)cache_->Tick(absl::InfiniteFuture());
    return cache_->Stats()->used_memory;
  }
  void FillHash() {
    for (int i = 0; i < kMany; ++i) ASSERT_TRUE(Hash(*cache_, "h").Set(Name(i), std::to_string(i)).ok());
  }

  std::unique_ptr<Cache> cache_;
};

TEST_F(CollectionRangeTest, SmallAndMissingCollections) {
  CollectionRange none = Hash(*cache_, "none").Scan();
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_TRUE(none.status().ok());

  ASSERT_TRUE(Hash(*cache_, "h").Set({{"a", "1"}, {"b", "2"}}).ok());
  std::vector<Hash::Entry> pairs;
  for (const Hash::Entry& each : Hash(*cache_, "h").Scan()) pairs.push_back(each);
  EXPECT_THAT(pairs, ElementsAre(Pair("a", "1"), Pair("b", "2")));

  ASSERT_TRUE(Set(*cache_, "s").Add({"3", "1"}).ok());
  std::vector<std::string> members;
  for (const std::string& each : Set(*cache_, "s").Scan()) members.push_back(each);
  EXPECT_THAT(members, ElementsAre("1", "3"));

  ASSERT_TRUE(cache_->Set("text", "x").ok());
  CollectionRange wrong = List(*cache_, "text").Scan();
  EXPECT_EQ(wrong.begin(), wrong.end());
  EXPECT_EQ(wrong.status().code(), Code::kFailedPrecondition);
}

TEST_F(CollectionRangeTest, ListsAndSortedSetsKeepTheirOrder) {
  const List list(*cache_, "l");
  const SortedSet zset(*cache_, "z");
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(list.PushBack(Name(i)).ok());
    ASSERT_TRUE(zset.Add(Name(i), -i).ok());
  }
  int at = 0;
  for (const std::string& element : list.Scan()) ASSERT_EQ(element, Name(at++));
  EXPECT_EQ(at, kMany);
  for (const ScoredMember& each : zset.Scan()) {
    --at;
    ASSERT_EQ(each.member, Name(at));
    ASSERT_EQ(each.score, -at);
  }
  EXPECT_EQ(at, 0);
}

TEST_F(CollectionRangeTest, ShowsOneMomentWhileOthersWrite) {
  FillHash();
  const Hash hash(*cache_, "h");
  CollectionRange range = hash.Scan();
  std::set<std::pair<std::string, std::string>> seen;
  int step = 0;
  for (const auto& [field, value] : range) {
    EXPECT_TRUE(seen.emplace(field, value).second) << field;
    switch (step++ % 4) {
      case 0: ASSERT_TRUE(hash.Set(Name(step), "changed").ok()); break;
      case 1: ASSERT_TRUE(hash.Delete(Name(kMany - step)).ok()); break;
      case 2: ASSERT_TRUE(hash.Set("new" + std::to_string(step), "x").ok()); break;
      default: break;
    }
    if (step == kMany / 2) {
      ASSERT_TRUE(cache_->Delete("h").ok());
    }
  }
  EXPECT_TRUE(range.status().ok());
  EXPECT_EQ(seen.size(), static_cast<size_t>(kMany));
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(seen.contains({Name(i), std::to_string(i)})) << i;
}

TEST_F(CollectionRangeTest, GivesBackWhatItHeld) {
  FillHash();
  const Hash hash(*cache_, "h");
  const uint64_t before = UsedMemory();
  std::optional<CollectionRange<Hash::Entry>> range = hash.Scan();
  auto at = range->begin();
  ++at;
  ASSERT_TRUE(cache_->Delete("h").ok());
  EXPECT_GT(UsedMemory(), before / 2);  // the walk needs it all
  range.reset();
  EXPECT_LT(UsedMemory(), before / 2);
}

TEST_F(CollectionRangeTest, CanBeMovedAndWalksOn) {
  FillHash();
  CollectionRange first = Hash(*cache_, "h").Scan();
  auto at = first.begin();
  for (int i = 0; i < 99; ++i) ++at;
  CollectionRange second = std::move(first);
  int left = 0;
  for (const Hash::Entry& each : second) left += !each.first.empty();
  EXPECT_EQ(left, kMany - 100);
  EXPECT_EQ(first.begin(), first.end());  // NOLINT: what was moved from has ended
  EXPECT_EQ(first.status().code(), Code::kFailedPrecondition);
}

TEST_F(CollectionRangeTest, LivesInATransactionOnly) {
  FillHash();
  std::optional<CollectionRange<Hash::Entry>> range;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      range.emplace(Hash(transaction, "h").Scan());
                      EXPECT_NE(range->begin(), range->end());
                      CollectionRange whole = Hash(transaction, "h").Scan();
                      int count = 0;
                      for (const Hash::Entry& each : whole) count += !each.first.empty();
                      EXPECT_EQ(count, kMany);
                    }).ok());
  int more = 0;
  for (auto at = range->begin(); at != range->end(); ++at) ++more;
  EXPECT_LT(more, kMany);
  EXPECT_EQ(range->status().code(), Code::kFailedPrecondition);
  // It ends inside another one, whose thread holds the cache.
  ASSERT_TRUE(cache_->Atomically([&](Transaction&) { range.reset(); }).ok());
  ASSERT_TRUE(cache_->Delete("h").ok());
  EXPECT_LT(UsedMemory(), 100'000u);
}

TEST_F(CollectionRangeTest, MayEndAfterCloseAndBeforeTheCache) {
  FillHash();
  std::optional<CollectionRange<Hash::Entry>> range = Hash(*cache_, "h").Scan();
  auto at = range->begin();
  (void)cache_->Close(absl::InfiniteFuture());
  int more = 0;
  while (at != range->end()) {
    ++at;
    ++more;
  }
  EXPECT_LT(more, 100);
  EXPECT_EQ(range->status().code(), Code::kCancelled);
  range.reset();
  cache_.reset();
}

TEST_F(CollectionRangeTest, ThreadsWalkWhileOthersWrite) {
  FillHash();
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this] {
      for (int round = 0; round < 5; ++round) {
        std::set<std::string> fields;
        CollectionRange range = Hash(*cache_, "h").Scan();
        for (const auto& [field, value] : range) fields.insert(field);
        EXPECT_TRUE(range.status().ok());
        EXPECT_EQ(fields.size(), static_cast<size_t>(kMany));
      }
    });
  }
  // Each change keeps the number of fields.
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(Hash(*cache_, "h").Set(Name(i), "changed").ok());
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder::testing
