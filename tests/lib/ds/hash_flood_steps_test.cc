// Keys that an attacker made cost a table no more steps than random ones. Counted: comparisons of keys, and elements
// that spilled into overflow chains.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/hash.h"
#include "lib/base/random.h"
#include "lib/ds/hash_table.h"
#include "lib/ds/hash_table_check.h"

namespace larder {
namespace {

constexpr uint32_t kKeys = 60000;

struct alignas(8) Node {
  std::string key;
};

uint64_t comparisons = 0;  // a policy is copied

struct CountingPolicy {
  using Element = Node*;
  static constexpr bool kExpires = false;
  base::HashSeed seed;
  uint64_t Hash(const Node* node) const { return base::HashBytes(node->key, seed); }
  static bool Matches(const Node* node, Bytes key) {
    ++comparisons;
    return node->key == key;
  }
};

struct Cost {
  uint64_t comparisons;
  size_t bytes;
};

// As SET does: a find, then an insert.
Cost CostOfSetting(uint64_t seed, const std::vector<std::string>& keys) {
  const std::shared_ptr<MemorySource> source = SystemMemory();
  memory::Arena arena(*source);
  std::vector<Node> nodes(keys.size());
  ds::HashTable<CountingPolicy> table(CountingPolicy{base::HashSeed(seed)}, &arena);
  comparisons = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    nodes[i].key = keys[i];
    const uint64_t hash = base::HashBytes(keys[i], table.policy().seed);
    EXPECT_EQ(table.Find(keys[i], hash), nullptr);
    EXPECT_TRUE(table.Insert(&nodes[i], hash));
  }
  EXPECT_EQ(ds::CheckInvariants(table), nullptr);
  const Cost cost = {comparisons, table.memory()};
  table.Clear();
  return cost;
}

std::vector<std::string> Keys(const std::string& pattern, size_t counter_at, size_t counter_bytes) {
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kKeys; ++i) {
    keys.push_back(pattern);
    std::memcpy(keys.back().data() + counter_at, &i, counter_bytes);
  }
  return keys;
}

TEST(HashFloodStepsTest, KeysOfTheReportCostNoMoreThanRandomOnes) {
  const std::string short_key("\x93\x4b\xb8\x8b....\xc9\xac\x2e\x96""abcd", 16);
  const std::string long_key("prefix of any kind\xc9\xac\x2e\x96\x93\x4b\xb8\x8b........", 34);
  for (uint64_t seed : {0, 1, 77}) {
    std::vector<std::string> random_keys;
    base::Random random(seed);
    for (uint32_t i = 0; i < kKeys; ++i) random_keys.push_back("key:" + std::to_string(random.Next()));
    const Cost usual = CostOfSetting(seed, random_keys);
    // 60,000 finds of what is not there meet an equal tag once in some 100.
    EXPECT_LT(usual.comparisons, kKeys / 10);
    for (const auto& keys : {Keys(short_key, 4, 4), Keys(long_key, 26, 8)}) {
      const Cost cost = CostOfSetting(seed, keys);
      std::printf("seed %llu: %llu comparisons, random keys %llu; %zu bytes, %zu\n",
                  static_cast<unsigned long long>(seed), static_cast<unsigned long long>(cost.comparisons),
                  static_cast<unsigned long long>(usual.comparisons), cost.bytes, usual.bytes);
      EXPECT_LT(cost.comparisons, usual.comparisons * 3 / 2 + 100);
      EXPECT_LT(cost.bytes, usual.bytes * 11 / 10);
      EXPECT_GT(cost.bytes, usual.bytes * 9 / 10);
    }
  }
}

}  // namespace
}  // namespace larder
