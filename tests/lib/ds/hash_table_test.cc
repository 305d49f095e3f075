// The plain table against std::map, and SCAN's guarantee while the table grows, shrinks and is between two sizes.
#include "lib/ds/hash_table.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/hash.h"
#include "lib/base/random.h"

namespace larder {
namespace {

struct Node {
  Node* next = nullptr;
  std::string key;
  uint64_t hash = 0;
};

struct NodePolicy {
  using Element = Node*;
  static Node*& Next(Node* node) { return node->next; }
  uint64_t Hash(const Node* node) const { return node->hash; }
  static bool Matches(const Node* node, Bytes key) { return node->key == key; }
};

using Table = ds::HashTable<NodePolicy>;

// How keys are hashed: well, into few positions, or so that all differ below the bits of a position only.
enum class Hashing { kGood, kFewPositions, kOnePosition };

class HashTableTest : public testing::TestWithParam<Hashing> {
 protected:
  uint64_t HashOf(const std::string& key) const {
    const uint64_t hash = base::HashBytes(key, 42);
    switch (GetParam()) {
      case Hashing::kGood: return hash;
      case Hashing::kFewPositions: return hash << 59;
      case Hashing::kOnePosition: return 0x123456789abc0000 | (hash & 0xffff);
    }
    return hash;
  }

  void Insert(const std::string& key) {
    auto node = std::make_unique<Node>();
    node->key = key;
    node->hash = HashOf(key);
    ASSERT_TRUE(table_.Insert(node.get(), node->hash));
    model_[key] = std::move(node);
  }

  void Remove(const std::string& key) {
    auto it = model_.find(key);
    Node* removed = table_.Remove(key, HashOf(key));
    if (it == model_.end()) {
      ASSERT_EQ(removed, nullptr) << key;
      return;
    }
    ASSERT_EQ(removed, it->second.get()) << key;
    model_.erase(it);
  }

  void Replace(const std::string& key) {
    auto node = std::make_unique<Node>();
    node->key = key;
    node->hash = HashOf(key);
    table_.Replace(model_[key].get(), node.get(), node->hash);
    model_[key] = std::move(node);
  }

  Node* Find(const std::string& key) { return table_.Find(key, HashOf(key)); }

  std::multiset<std::string> ScanAll() {
    std::multiset<std::string> seen;
    uint64_t cursor = 0;
    do {
      cursor = table_.Scan(cursor, [&](Node* node) { seen.insert(node->key); });
      EXPECT_LT(cursor, uint64_t{1} << 48);
    } while (cursor != 0);
    return seen;
  }

  std::multiset<std::string> ModelKeys() const {
    std::multiset<std::string> keys;
    for (const auto& [key, node] : model_) keys.insert(key);
    return keys;
  }

  memory::Arena arena_;
  Table table_{NodePolicy{}, &arena_};
  std::map<std::string, std::unique_ptr<Node>> model_;
};

std::string Key(uint64_t i) { return "key:" + std::to_string(i); }

TEST_P(HashTableTest, AnEmptyTableHoldsAndOwnsNothing) {
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(table_.Remove("a", HashOf("a")), nullptr);
  base::Random random(1);
  EXPECT_EQ(table_.Random(random), nullptr);
  EXPECT_TRUE(ScanAll().empty());
  EXPECT_EQ(arena_.used(), 0u);
}

TEST_P(HashTableTest, RandomWorkAgreesWithAMap) {
  const uint64_t seed = 20240607;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  const uint64_t keys = GetParam() == Hashing::kGood ? 4000 : 300;
  const int steps = GetParam() == Hashing::kGood ? 30000 : 8000;
  for (int i = 0; i < steps; ++i) {
    // Phases that mostly grow and phases that mostly shrink, so that every size is passed in both directions.
    const bool growing = (i / (steps / 6)) % 2 == 0;
    const std::string key = Key(random.Below(keys));
    const bool there = model_.count(key) != 0;
    ASSERT_EQ(Find(key), there ? model_[key].get() : nullptr);
    const uint64_t dice = random.Below(10);
    if (dice == 0 && there) {
      Replace(key);
    } else if (dice < (growing ? 8u : 2u)) {
      if (!there) Insert(key);
    } else {
      Remove(key);
    }
    ASSERT_EQ(table_.size(), model_.size());
    if (i % 997 == 0) {
      ASSERT_EQ(ScanAll(), ModelKeys()) << "step " << i;
      std::multiset<std::string> visited;
      table_.ForEach([&](Node* node) { visited.insert(node->key); });
      ASSERT_EQ(visited, ModelKeys()) << "step " << i;
    }
  }
}

// Between the steps of each scan the table is changed at random; keys that stay come back exactly once, keys that come
// or go at most once in each of their lives.
TEST_P(HashTableTest, AScanReturnsEachKeyThatStaysExactlyOnce) {
  const uint64_t seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  const uint64_t stay = GetParam() == Hashing::kGood ? 100 : 40;
  const uint64_t passing = GetParam() == Hashing::kGood ? 4000 : 200;
  for (uint64_t i = 0; i < stay; ++i) Insert("stays:" + std::to_string(i));
  for (int round = 0; round < 10; ++round) {
    const bool grow = round % 2 == 0;
    if (!grow) {
      for (uint64_t i = 0; i < passing; ++i) {
        if (model_.count(Key(i)) == 0) Insert(Key(i));
      }
    }
    std::map<std::string, int> seen;
    std::set<std::string> born_again;  // seen, removed and inserted: may be seen once more
    uint64_t cursor = 0;
    do {
      cursor = table_.Scan(cursor, [&](Node* node) { ++seen[node->key]; });
      ASSERT_LT(cursor, uint64_t{1} << 48);
      for (uint64_t i = random.Below(40); i > 0; --i) {
        const std::string key = Key(random.Below(passing));
        const bool there = model_.count(key) != 0;
        const bool insert = random.Below(32) == 0 ? !grow : grow;  // against the tide now and then
        if (insert && !there) {
          Insert(key);
          if (seen[key] != 0) born_again.insert(key);
        } else if (!insert && there) {
          Remove(key);
        }
      }
    } while (cursor != 0);
    for (uint64_t i = 0; i < stay; ++i) {
      ASSERT_EQ(seen["stays:" + std::to_string(i)], 1) << "round " << round << " key " << i;
    }
    for (const auto& [key, times] : seen) {
      ASSERT_LE(times, born_again.count(key) == 0 ? 1 : 1000) << key << " in round " << round;
    }
    if (grow) {
      for (uint64_t i = 0; i < passing; ++i) Remove(Key(i));
    }
  }
}

// At every point of every growth and shrinking there is, a scan sees the keys that a lookup finds.
TEST_P(HashTableTest, AScanIsWholeAfterEachChange) {
  const uint64_t keys = GetParam() == Hashing::kGood ? 600 : 100;
  for (int round = 0; round < 4; ++round) {
    const std::string prefix = "round" + std::to_string(round) + ":";
    auto is_whole = [&] {
      size_t seen = 0;
      uint64_t cursor = 0;
      do {
        cursor = table_.Scan(cursor, [&](Node*) { ++seen; });
      } while (cursor != 0);
      return seen == model_.size();
    };
    for (uint64_t i = 0; i < keys; ++i) {
      Insert(prefix + std::to_string(i));
      ASSERT_TRUE(is_whole()) << "after inserting " << i << " in round " << round;
    }
    for (uint64_t i = 0; i < keys; ++i) {
      Remove(prefix + std::to_string(i));
      ASSERT_TRUE(is_whole()) << "after removing " << i << " in round " << round;
    }
  }
}

TEST_P(HashTableTest, ACursorFromNowhereIsHarmless) {
  for (uint64_t i = 0; i < 50; ++i) Insert(Key(i));
  base::Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t cursor = table_.Scan(random.Next() >> random.Below(64), [](Node*) {});
    ASSERT_LT(cursor, uint64_t{1} << 48);
  }
  int visited = 0;
  EXPECT_EQ(table_.Scan(uint64_t{1} << 48, [&](Node*) { ++visited; }), 0u);
  EXPECT_EQ(visited, 0);
}

TEST_P(HashTableTest, ClearGivesTheMemoryBack) {
  for (uint64_t i = 0; i < 100; ++i) Insert(Key(i));
  EXPECT_GT(arena_.used(), 0u);
  table_.Clear();
  EXPECT_EQ(arena_.used(), 0u);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(Find(Key(1)), nullptr);
  model_.clear();
  Insert("again");
  EXPECT_NE(Find("again"), nullptr);
}

TEST_P(HashTableTest, SwapExchangesEverything) {
  for (uint64_t i = 0; i < 30; ++i) Insert(Key(i));
  Table other(NodePolicy{}, &arena_);
  table_.Swap(other);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(Find(Key(1)), nullptr);
  EXPECT_EQ(other.size(), 30u);
  EXPECT_EQ(other.Find(Key(1), HashOf(Key(1))), model_[Key(1)].get());
  table_.Swap(other);
  EXPECT_EQ(ScanAll(), ModelKeys());
}

INSTANTIATE_TEST_SUITE_P(Hashings, HashTableTest,
                         testing::Values(Hashing::kGood, Hashing::kFewPositions, Hashing::kOnePosition),
                         [](const testing::TestParamInfo<Hashing>& info) {
                           switch (info.param) {
                             case Hashing::kGood: return "Good";
                             case Hashing::kFewPositions: return "FewPositions";
                             case Hashing::kOnePosition: return "OnePosition";
                           }
                           return "";
                         });

class WellHashedTableTest : public HashTableTest {};
INSTANTIATE_TEST_SUITE_P(Good, WellHashedTableTest, testing::Values(Hashing::kGood));

TEST_P(WellHashedTableTest, RandomReachesEveryElementAboutAsOften) {
  constexpr int kKeys = 64;
  constexpr int kDraws = 64 * 400;
  for (uint64_t i = 0; i < kKeys; ++i) Insert(Key(i));
  base::Random random(11);
  std::map<std::string, int> drawn;
  for (int i = 0; i < kDraws; ++i) ++drawn[table_.Random(random)->key];
  EXPECT_EQ(drawn.size(), static_cast<size_t>(kKeys));
  // A bucket is drawn first, so a key alone in its bucket comes more often than one of four: roughly, not exactly.
  for (const auto& [key, times] : drawn) {
    EXPECT_GT(times, 400 / 8) << key;
    EXPECT_LT(times, 400 * 8) << key;
  }
}

// 8 bytes a bucket, one to two buckets an element (and the array that is being left, while it is).
TEST_P(WellHashedTableTest, MemoryFollowsTheNumberOfElements) {
  for (uint64_t i = 0; i < 20000; ++i) {
    Insert(Key(i));
    ASSERT_LE(arena_.used(), (i + 8) * 8 * 3 + 64);
  }
  for (uint64_t i = 0; i < 20000; ++i) {
    Remove(Key(i));
    ASSERT_LE(arena_.used(), (20000 - i + 8) * 8 * 32 + 1024) << "after removing " << i;
  }
  EXPECT_EQ(arena_.used(), 0u);
}

}  // namespace
}  // namespace larder
