// Random work on tables of thousands of elements against std::map: segments grow, split, merge and shrink, scans go
// on in between. LARDER_LONG makes it a million and a half of operations for each kind of hash and each matcher.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "lib/ds/hash_table.h"
#include "lib/ds/hash_table_check.h"

namespace larder {
namespace {

#ifdef LARDER_LONG
constexpr int kPhases = 24;
constexpr uint64_t kPhaseSteps = 60000;
constexpr uint64_t kKeys = 60000;
#else
constexpr int kPhases = 6;
constexpr uint64_t kPhaseSteps = 10000;
constexpr uint64_t kKeys = 5000;
#endif

struct Node {
  uint64_t id;
  uint64_t hash;
  int64_t expiry_ms;
};

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = false;
  uint64_t Hash(const Node* node) const { return node->hash; }
  static bool Matches(const Node* node, Bytes key) {
    return key == Bytes(reinterpret_cast<const char*>(&node->id), sizeof(node->id));
  }
};

struct ExpiringPolicy : NodePolicy {
  static constexpr bool kExpires = true;
  static int64_t ExpiryMs(const Node* node) { return node->expiry_ms; }
};

Bytes KeyOf(const uint64_t& id) { return Bytes(reinterpret_cast<const char*>(&id), sizeof(id)); }

uint64_t GoodHash(uint64_t id) { return base::Random(id).Next(); }
// Half of all keys in one 256th of the hash space, half of those in a 256th of that, and so on.
uint64_t CrowdedHash(uint64_t id) { return GoodHash(id) >> 8 * (__builtin_ctzll(id | 8)); }
// 50 positions, in three places.
uint64_t FewPositionsHash(uint64_t id) {
  const uint64_t position = id % 50;
  return position % 3 << 62 | position << 16 | (GoodHash(id) & 0xffff);
}

struct Kind {
  const char* name;
  uint64_t (*hash)(uint64_t id);
  uint64_t keys;
};
constexpr Kind kKinds[] = {
    {"Good", GoodHash, kKeys}, {"Crowded", CrowdedHash, 5000}, {"FewPositions", FewPositionsHash, 500}};

class ModelTest : public testing::TestWithParam<Kind> {
 protected:
  template <class Table>
  void Run(uint64_t seed);

  std::map<uint64_t, std::unique_ptr<Node>> model_;
};

// A scan that goes on while the table changes: what was there at its start and stayed must have come exactly once.
struct Scanner {
  uint64_t cursor = 0;
  std::map<const Node*, int> seen;
  std::vector<const Node*> stayed;
};

// Half of them never. It depends on the step, not on the random numbers, which are the same with and without expiry.
int64_t ExpiryAt(uint64_t id, uint64_t step) {
  const uint64_t dice = base::Random(id * 1'000'003 + step).Next();
  return dice % 2 == 0 ? INT64_MAX : 1'800'000'000'000 + static_cast<int64_t>(dice >> (dice / 2 % 32 + 30));
}

template <class Table>
void ModelTest::Run(uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const Kind kind = GetParam();
  base::Random random(seed);
  const std::shared_ptr<MemorySource> memory = SystemMemory();
  memory::Arena arena(*memory);
  Table table({}, &arena);
  Scanner scanner;
  size_t segments_max = 0;
  for (int phase = 0; phase < kPhases; ++phase) {
    const bool growing = phase % 2 == 0;
    // Some phases keep to a part of the keys, so that the table is not always full or empty when the tide turns.
    const uint64_t keys = phase % 4 < 2 ? kind.keys : kind.keys / 2 + 1;
    for (uint64_t step = 0; step < kPhaseSteps; ++step) {
      const uint64_t id = random.Below(keys);
      const uint64_t hash = kind.hash(id);
      auto it = model_.find(id);
      ASSERT_EQ(table.Find(KeyOf(id), hash), it == model_.end() ? nullptr : it->second.get());
      const uint64_t dice = random.Below(20);
      if (it != model_.end() && dice == 0) {
        auto now = std::make_unique<Node>(Node{id, hash, ExpiryAt(id, step)});
        table.Replace(it->second.get(), now.get(), hash);
        for (const Node*& node : scanner.stayed) {
          if (node == it->second.get()) node = nullptr;
        }
        scanner.seen.erase(it->second.get());
        it->second = std::move(now);
        if constexpr (Table::kExpires) {
          if (it->second->expiry_ms != INT64_MAX) {
            it->second->expiry_ms += static_cast<int64_t>(step) - 5000;
            table.ExpiryChanged(it->second.get(), hash);
          }
        }
      } else if ((dice < 18) == growing) {
        if (it == model_.end()) {
          auto node = std::make_unique<Node>(Node{id, hash, ExpiryAt(id, step)});
          ASSERT_TRUE(table.Insert(node.get(), hash));
          scanner.seen.erase(node.get());  // an address may come again
          model_[id] = std::move(node);
        }
      } else {
        Node* removed = table.Remove(KeyOf(id), hash);
        ASSERT_EQ(removed, it == model_.end() ? nullptr : it->second.get());
        if (removed != nullptr) {
          for (const Node*& node : scanner.stayed) {
            if (node == removed) node = nullptr;
          }
          scanner.seen.erase(removed);
          model_.erase(it);
        }
      }
      ASSERT_EQ(table.size(), model_.size());
      if (step % 8 == 0) {
        scanner.cursor = table.Scan(scanner.cursor, [&](Node* node) { ++scanner.seen[node]; });
        ASSERT_LT(scanner.cursor, uint64_t{1} << ds::kPositionBits);
        if (scanner.cursor == 0) {
          for (const Node* node : scanner.stayed) {
            if (node != nullptr) {
              ASSERT_EQ(scanner.seen[node], 1) << node->id;
            }
          }
          scanner.seen.clear();
          scanner.stayed.clear();
          uint64_t n = 0;  // a hundred witnesses for the next round
          for (const auto& [key, node] : model_) {
            if (n++ % (model_.size() / 100 + 1) == 0) scanner.stayed.push_back(node.get());
          }
        }
      }
      if (step % (kPhaseSteps / 20) == 0) {
        ASSERT_EQ(CheckInvariants(table), nullptr);
        ASSERT_EQ(table.memory(), arena.used());
        Node* random_one = table.Random(random);
        if (!model_.empty()) {
          ASSERT_EQ(model_.at(random_one->id).get(), random_one);
        }
        segments_max = std::max(segments_max, ds::TableInspector::Form(table).first);
      }
    }
    if (!growing) {  // and all the way down
      for (auto it = model_.begin(); it != model_.end() && phase % 6 == 5; it = model_.erase(it)) {
        ASSERT_EQ(table.Remove(KeyOf(it->first), it->second->hash), it->second.get());
      }
      scanner = Scanner();
    }
    ASSERT_EQ(CheckInvariants(table), nullptr) << "phase " << phase;
  }
  if (kind.hash == GoodHash) {
    EXPECT_GT(segments_max, kKeys / 1500);
  }
  for (const auto& [id, node] : model_) ASSERT_EQ(table.Remove(KeyOf(id), node->hash), node.get());
  EXPECT_EQ(arena.used(), 0u);
}

TEST_P(ModelTest, AgreesWithAMap) { Run<ds::HashTable<NodePolicy>>(1); }
TEST_P(ModelTest, AgreesWithAMapWithoutVectors) { Run<ds::HashTable<NodePolicy, ds::ScalarMatcher>>(2); }
TEST_P(ModelTest, AgreesWithAMapWithExpiry) { Run<ds::HashTable<ExpiringPolicy>>(3); }

INSTANTIATE_TEST_SUITE_P(Kinds, ModelTest, testing::ValuesIn(kKinds),
                         [](const testing::TestParamInfo<Kind>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace larder
