// What the table promises, on small tables whose every step is looked at. Large ones: hash_table_model_test.cc.
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
#include "lib/ds/hash_table_check.h"

namespace larder {
namespace {

const base::HashSeed kSeed(42);

struct Node {
  std::string key;
  uint64_t hash = 0;
};

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = false;
  uint64_t Hash(const Node* node) const { return node->hash; }
  static bool Matches(const Node* node, Bytes key) { return node->key == key; }
};

using Table = ds::HashTable<NodePolicy>;

// How keys are hashed: well, into few positions, so that all differ below the bits of a position only, or mostly into
// the beginning of the order.
enum class Hashing { kGood, kFewPositions, kOnePosition, kSkewed };

class HashTableTest : public testing::TestWithParam<Hashing> {
 protected:
  uint64_t HashOf(const std::string& key) const {
    const uint64_t hash = base::HashBytes(key, kSeed);
    switch (GetParam()) {
      case Hashing::kGood: return hash;
      case Hashing::kFewPositions: return hash << 59;
      case Hashing::kOnePosition: return 0x123456789abc0000 | (hash & 0xffff);
      case Hashing::kSkewed: return hash >> (hash & 31);
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

  std::shared_ptr<MemorySource> memory_ = SystemMemory();
  memory::Arena arena_{*memory_};
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

// What a lookup has found is handed on to a change, whatever shape the table has got in between, and wherever its
// elements have gone.
TEST_P(HashTableTest, APlaceStaysGoodWhateverElseChanges) {
  const uint64_t kept = 40;
  const uint64_t others = GetParam() == Hashing::kGood ? 5000 : 300;
  const auto expect_fine = [&] { ASSERT_STREQ(CheckInvariants(table_), nullptr); };
  for (uint64_t from : {uint64_t{0}, others}) {
    const bool grow = from == 0;
    for (uint64_t i = 0; i < kept; ++i) Insert("kept:" + std::to_string(i));
    std::vector<Table::Place> there, missing;
    for (uint64_t i = 0; i < kept; ++i) {
      const std::string key = "kept:" + std::to_string(i);
      const std::string absent = "absent:" + std::to_string(i);
      there.push_back(table_.Locate(key, HashOf(key)));
      missing.push_back(table_.Locate(absent, HashOf(absent)));
      ASSERT_EQ(there.back().element, model_[key].get());
      ASSERT_EQ(missing.back().element, nullptr);
    }
    for (uint64_t i = 0; i < others; ++i) grow ? Insert(Key(i)) : Remove(Key(i));
    for (uint64_t i = 0; i < kept; ++i) {
      auto node = std::make_unique<Node>();
      node->key = "absent:" + std::to_string(i);
      node->hash = HashOf(node->key);
      ASSERT_TRUE(table_.Insert(node.get(), missing[i]));
      model_[node->key] = std::move(node);
    }
    expect_fine();
    for (uint64_t i = 0; i < kept; i += 2) {
      auto node = std::make_unique<Node>();
      node->key = "kept:" + std::to_string(i);
      node->hash = HashOf(node->key);
      table_.Replace(there[i], node.get());
      EXPECT_EQ(Find(node->key), node.get());
      model_[node->key] = std::move(node);
    }
    expect_fine();
    for (uint64_t i = 1; i < kept; i += 2) {
      table_.Remove(there[i]);
      model_.erase("kept:" + std::to_string(i));
    }
    expect_fine();
    EXPECT_EQ(table_.size(), model_.size());
    EXPECT_EQ(ScanAll(), ModelKeys());
    for (uint64_t i = 0; i < kept; ++i) {
      Remove("kept:" + std::to_string(i));
      Remove("absent:" + std::to_string(i));
    }
  }
  EXPECT_EQ(arena_.used(), 0u);
}

TEST_P(HashTableTest, RandomWorkAgreesWithAMap) {
  const uint64_t seed = 20240607;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  const uint64_t keys = GetParam() == Hashing::kGood ? 4000 : 300;
  const int steps = GetParam() == Hashing::kGood ? 24000 : 8000;
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
    if (i % 293 == 0) {
      ASSERT_EQ(CheckInvariants(table_), nullptr) << "step " << i;
    }
    ASSERT_EQ(table_.memory(), arena_.used());
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
                         testing::Values(Hashing::kGood, Hashing::kFewPositions, Hashing::kOnePosition,
                                         Hashing::kSkewed),
                         [](const testing::TestParamInfo<Hashing>& info) {
                           switch (info.param) {
                             case Hashing::kGood: return "Good";
                             case Hashing::kFewPositions: return "FewPositions";
                             case Hashing::kOnePosition: return "OnePosition";
                             case Hashing::kSkewed: return "Skewed";
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

// At most 12.5 bytes an element while growing, but for small tables, and what shrinking leaves.
TEST_P(WellHashedTableTest, MemoryFollowsTheNumberOfElements) {
  for (uint64_t i = 0; i < 20000; ++i) {
    Insert(Key(i));
    ASSERT_LE(arena_.used(), i < 1000 ? 256 + i * 20 : i * 25 / 2) << "after inserting " << i;
  }
  for (uint64_t i = 0; i < 20000; ++i) {
    Remove(Key(i));
    ASSERT_LE(arena_.used(), (20000 - i) * 40 + 512) << "after removing " << i;
  }
  EXPECT_EQ(arena_.used(), 0u);
}

// The chance of a position's bucket is its share of the hash space.
TEST_P(WellHashedTableTest, SamplesReachEveryElementAboutAsOften) {
  constexpr int kKeys = 2000;
  constexpr int kPerKey = 100;
  for (uint64_t i = 0; i < kKeys; ++i) Insert(Key(i));
  base::Random random(13);
  std::map<std::string, int> drawn;
  size_t total = 0;
  while (total < size_t{kKeys} * kPerKey) {
    size_t visited = 0;
    total += table_.SampleBucket(random.Next(), [&](Node* node) {
      ++drawn[node->key];
      ++visited;
    });
    ASSERT_GE(visited, 1u);
    ASSERT_LE(visited, 7u);
  }
  EXPECT_EQ(drawn.size(), static_cast<size_t>(kKeys));
  for (const auto& [key, times] : drawn) {
    EXPECT_GT(times, kPerKey / 4) << key;
    EXPECT_LT(times, kPerKey * 4) << key;
  }
}

TEST_P(WellHashedTableTest, SamplingANearlyEmptyTableIsBounded) {
  size_t visited = 0;
  EXPECT_EQ(table_.SampleBucket(0, [&](Node*) { ++visited; }), 0u);
  Insert("one");
  base::Random random(17);
  for (int i = 0; i < 100; ++i) table_.SampleBucket(random.Next(), [&](Node*) { ++visited; });
  EXPECT_EQ(visited, 100u);
}

TEST_P(HashTableTest, EverythingCanBeSampled) {
  const uint64_t keys = GetParam() == Hashing::kGood ? 300 : 50;
  for (uint64_t i = 0; i < keys; ++i) Insert(Key(i));
  std::set<std::string> seen;
  base::Random random(19);
  for (uint64_t i = 0; i < keys * 50; ++i) {
    table_.SampleBucket(HashOf(Key(random.Below(keys))), [&](Node* node) { seen.insert(node->key); });
    table_.SampleBucket(random.Next(), [&](Node* node) { seen.insert(node->key); });
  }
  EXPECT_EQ(seen.size(), keys);
}

TEST_P(HashTableTest, FreeSomeTakesAllInSlices) {
  const uint64_t keys = GetParam() == Hashing::kGood ? 5000 : 1200;
  for (const size_t slice : {size_t{1}, size_t{7}, size_t{100}, SIZE_MAX}) {
    for (uint64_t i = 0; i < keys; ++i) Insert(Key(i));
    Table detached(NodePolicy{}, &arena_);
    table_.Swap(detached);
    Insert("new");
    size_t freed = 0;
    size_t memory = detached.memory();
    for (bool done = false; !done;) {
      size_t now = 0;
      done = detached.FreeSome(slice, [&](Node* node) {
        ++now;
        ASSERT_EQ(model_.erase(node->key), 1u);
      });
      freed += now;
      ASSERT_LE(now, slice);
      ASSERT_EQ(detached.size(), keys - freed);
      ASSERT_LE(detached.memory(), memory);
      memory = detached.memory();
    }
    EXPECT_EQ(freed, keys);
    EXPECT_EQ(memory, 0u);
    EXPECT_EQ(ScanAll(), ModelKeys());
    Remove("new");
    EXPECT_EQ(arena_.used(), 0u);
  }
}

TEST_P(HashTableTest, ATableThatWasFreedInPartCanBeClearedAndUsedAgain) {
  for (uint64_t i = 0; i < 1000; ++i) Insert(Key(i));
  table_.FreeSome(500, [](Node*) {});
  table_.Clear();
  model_.clear();
  EXPECT_EQ(arena_.used(), 0u);
  for (uint64_t i = 0; i < 100; ++i) Insert(Key(i));
  EXPECT_EQ(CheckInvariants(table_), nullptr);
  EXPECT_EQ(ScanAll(), ModelKeys());
}

// More equal hashes than a segment has room for cannot be split apart.
TEST_P(HashTableTest, ThousandsOfEqualHashesAreSlowAndCorrect) {
  std::deque<Node> nodes;
  for (uint64_t i = 0; i < 2000; ++i) {
    Node& node = nodes.emplace_back();
    node.key = Key(i);
    node.hash = 0xfedcba9876543210;
    ASSERT_TRUE(table_.Insert(&node, node.hash));
    if (i % 100 == 0) {
      ASSERT_EQ(CheckInvariants(table_), nullptr) << i;
    }
  }
  for (uint64_t i = 0; i < 500; ++i) Insert("other" + std::to_string(i));
  ASSERT_EQ(CheckInvariants(table_), nullptr);
  EXPECT_LE(table_.memory(), 2500u * 40);
  for (uint64_t i = 0; i < 2000; i += 7) ASSERT_EQ(table_.Find(nodes[i].key, nodes[i].hash), &nodes[i]);
  size_t scanned = 0;
  uint64_t cursor = 0;
  do {
    cursor = table_.Scan(cursor, [&](Node*) { ++scanned; });
  } while (cursor != 0);
  EXPECT_EQ(scanned, 2500u);
  for (uint64_t i = 0; i < 2000; ++i) {
    const uint64_t which = i % 2 == 0 ? i : 2000 - i;  // from both ends of the chain
    ASSERT_EQ(table_.Remove(nodes[which].key, nodes[which].hash), &nodes[which]);
    if (i % 100 == 0) {
      ASSERT_EQ(CheckInvariants(table_), nullptr) << i;
    }
  }
  EXPECT_EQ(ScanAll(), ModelKeys());
}

TEST(SegmentTest, EachShapeIsGreaterThanTheOneBeforeAndAWholeSizeClass) {
  for (int i = 0; i < ds::kShapes; ++i) {
    const ds::Shape shape = ds::ShapeOf(i, false);
    EXPECT_LE(shape.buckets + shape.stash + 1, shape.lines);
    EXPECT_GE(shape.buckets + shape.stash + 1, shape.lines - 1) << "lines that are left over";
    EXPECT_LE(shape.buckets + shape.stash, 128);
    if (i == 0) continue;
    EXPECT_GT(shape.buckets, ds::ShapeOf(i - 1, false).buckets);
    EXPECT_GE(shape.slots(), ds::ShapeOf(i - 1, false).slots());
  }
}

}  // namespace
}  // namespace larder
