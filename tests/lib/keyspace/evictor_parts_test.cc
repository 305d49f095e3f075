// Ghost, small queue and pool.
#include <gtest/gtest.h>
#include <memory>
#include <larder/memory.h>

#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/access.h"
#include "lib/keyspace/eviction_pool.h"
#include "lib/keyspace/ghost.h"
#include "lib/keyspace/small_queue.h"

namespace larder::testing {
namespace {

using keyspace::EvictionPool;
using keyspace::FifoUse;
using keyspace::Ghost;
using keyspace::SmallQueue;

TEST(FifoUseTest, TheCounterStopsAtThree) {
  uint32_t data = FifoUse::New(0x123456789);
  EXPECT_EQ(FifoUse::Counter(data), 0u);
  EXPECT_EQ(data >> FifoUse::kCounterBits, 0x123456789u & 0x3fffff);
  for (uint32_t uses : {1u, 2u, 3u, 3u}) {
    data = FifoUse::Used(data);
    EXPECT_EQ(FifoUse::Counter(data), uses);
  }
  EXPECT_EQ(data >> FifoUse::kCounterBits, 0x123456789u & 0x3fffff);
}

TEST(SmallQueueTest, TakesNoDatabaseThatAWordCannotName) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  SmallQueue queue(&arena);
  const uint64_t hash = 0x123456789abc0000;
  EXPECT_TRUE(queue.Push(65'535, hash, 1));
  EXPECT_FALSE(queue.Push(65'536, hash, 1));
  EXPECT_FALSE(queue.Push(1 << 30, hash, 1));
  SmallQueue::Word word;
  ASSERT_TRUE(queue.Pop(&word));
  EXPECT_EQ(word.db, 65'535);
  EXPECT_EQ(word.hash, hash);
  EXPECT_FALSE(queue.Pop(&word));
}

TEST(GhostTest, RemembersUntilTaken) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  Ghost ghost(&arena);
  EXPECT_FALSE(ghost.Take(1));
  ghost.Add(1);  // before Fit: nobody is remembered
  ghost.Fit(1000);
  EXPECT_FALSE(ghost.Take(0x123456789abcdef0));
  ghost.Add(0x123456789abcdef0);
  EXPECT_FALSE(ghost.Take(0xf23456789abcdef0));
  EXPECT_TRUE(ghost.Take(0x123456789abcdef0));
  EXPECT_FALSE(ghost.Take(0x123456789abcdef0));
}

TEST(GhostTest, OnlyTheTop48BitsCount) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  Ghost ghost(&arena);
  ghost.Fit(1000);
  ghost.Add(0x123456789abc0000);
  EXPECT_TRUE(ghost.Take(0x123456789abcffff));
}

TEST(GhostTest, ForgetsAfterAboutAsManyAsItHolds) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  Ghost ghost(&arena);
  constexpr size_t kKeys = 16'000;
  ghost.Fit(kKeys);
  base::Random random(1);
  std::vector<uint64_t> hashes;
  for (size_t i = 0; i < 4 * kKeys; ++i) hashes.push_back(random.Next());
  for (const uint64_t hash : hashes) ghost.Add(hash);
  size_t young = 0;
  size_t old = 0;
  for (size_t age = 0; age < kKeys / 2; ++age) {
    young += ghost.Take(hashes[hashes.size() - 1 - age]);
    old += ghost.Take(hashes[hashes.size() - 1 - age - kKeys * 3 / 2]);
  }
  EXPECT_GT(young, kKeys / 2 * 97 / 100);
  EXPECT_LT(old, kKeys / 2 * 5 / 100);
}

TEST(GhostTest, TakesTwoBytesAKeyAndGivesThemBack) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  Ghost ghost(&arena);
  base::Random random(1);
  ghost.Fit(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) ghost.Add(random.Next());
  EXPECT_GT(arena.used(), 2'000'000u);
  EXPECT_LT(arena.used(), 2'050'000u);
  ghost.Fit(10'000);
  for (int i = 0; i < 1000; ++i) ghost.Add(random.Next());
  EXPECT_LT(arena.used(), 100'000u);
  ghost.Clear();
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_FALSE(ghost.Take(1));
}

TEST(SmallQueueTest, FirstInFirstOut) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  SmallQueue queue(&arena);
  base::Random random(2);
  SmallQueue::Word word;
  EXPECT_FALSE(queue.Pop(&word));
  uint64_t pushed = 0;
  uint64_t popped = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (random.Below(5) < 3) {
      ASSERT_TRUE(queue.Push(static_cast<int>(pushed % 16), pushed << 16 | 0xffff, pushed));
      ++pushed;
    } else if (queue.Pop(&word)) {
      ASSERT_EQ(word.hash, popped << 16);
      ASSERT_EQ(word.db, static_cast<int>(popped % 16));
      ASSERT_GE(word.epoch_max, popped);
      ASSERT_LE(word.epoch_max, popped + 509);
      ++popped;
    }
    ASSERT_EQ(queue.size(), pushed - popped);
  }
  EXPECT_LT(arena.used(), queue.size() * 8 + 3 * 4112);
  queue.Clear();
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_TRUE(queue.Push(1, 2, 3));
}

TEST(SmallQueueTest, AWordOfAnEarlierEpochDoesNotMakeTheOthersOlder) {
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena{*memory_source};
  SmallQueue queue(&arena);
  ASSERT_TRUE(queue.Push(0, uint64_t{1} << 16, 100));
  ASSERT_TRUE(queue.Push(0, uint64_t{2} << 16, 50));
  SmallQueue::Word word;
  ASSERT_TRUE(queue.Pop(&word));
  EXPECT_EQ(word.hash, uint64_t{1} << 16);
  EXPECT_GE(word.epoch_max, 100u);
  ASSERT_TRUE(queue.Pop(&word));
}

TEST(EvictionPoolTest, KeepsTheSixteenLowestAndGivesThemInOrder) {
  EvictionPool pool;
  base::Random random(3);
  std::vector<uint64_t> orders;
  for (uint64_t i = 0; i < 100; ++i) orders.push_back(i);
  for (size_t i = orders.size(); i > 1; --i) std::swap(orders[i - 1], orders[random.Below(i)]);
  for (const uint64_t order : orders) pool.Add({order, order * 1000, 0, 0});
  EXPECT_EQ(pool.size(), EvictionPool::kPlaces);
  EXPECT_FALSE(pool.Wants(16));
  for (uint64_t order = 0; order < 16; ++order) EXPECT_EQ(pool.PopBest().order, order);
  EXPECT_TRUE(pool.empty());
}

TEST(EvictionPoolTest, TheSameEntryStandsThereOnce) {
  EvictionPool pool;
  pool.Add({5, 77, 0, 0});
  pool.Add({6, 77, 0, 1});  // another database's
  pool.Add({9, 77, 0, 0});  // used meanwhile
  ASSERT_EQ(pool.size(), 2u);
  EXPECT_EQ(pool.PopBest().db, 1);
  EXPECT_EQ(pool.PopBest().order, 9u);
}

}  // namespace
}  // namespace larder::testing
