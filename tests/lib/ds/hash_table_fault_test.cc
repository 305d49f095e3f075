// A table, of elements that may expire, whose memory is refused: the call says so, nothing has changed, and later calls
// work again.
#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "lib/ds/hash_table.h"
#include "lib/ds/hash_table_check.h"
#include "tests/lib/memory/test_source.h"

namespace larder {
namespace {

struct Node {
  uint64_t id;
};

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = true;
  bool crowded = false;  // few positions in few places, so that there are overflow chains and deep splits
  uint64_t HashOf(uint64_t id) const {
    const uint64_t hash = base::Random(id).Next();
    return crowded ? (hash >> (id % 5 * 7)) & ~uint64_t{0x3ffffffffffff} : hash;
  }
  uint64_t Hash(const Node* node) const { return HashOf(node->id); }
  static int64_t ExpiryMs(const Node* node) {
    return node->id % 3 == 0 ? INT64_MAX : 1'800'000'000'000 + static_cast<int64_t>(node->id * 1'234'567 % 86'400'000);
  }
  static bool Matches(const Node* node, Bytes key) {
    return key == Bytes(reinterpret_cast<const char*>(&node->id), sizeof(node->id));
  }
};

// Refuses at random, or one call in particular.
class Gate final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override {
    ++calls;
    if (calls == refuse_call) return false;
    return percent_refused == 0 || random.Below(100) >= percent_refused;
  }
  base::Random random{23};
  uint64_t percent_refused = 0;
  uint64_t calls = 0;
  uint64_t refuse_call = 0;
};

class FaultTest : public ::testing::TestWithParam<bool> {
 protected:
  FaultTest() { arena_.SetGate(&gate_); }
  ~FaultTest() override { arena_.SetGate(nullptr); }

  Bytes KeyOf(uint64_t i) const { return Bytes(reinterpret_cast<const char*>(&nodes_[i].id), sizeof(uint64_t)); }
  bool Insert(uint64_t i) { return table_.Insert(&nodes_[i], policy_.HashOf(i)); }
  Node* Find(uint64_t i) { return table_.Find(KeyOf(i), policy_.HashOf(i)); }
  Node* Remove(uint64_t i) { return table_.Remove(KeyOf(i), policy_.HashOf(i)); }
  void MakeNodes(uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) nodes_.push_back({i});
  }

  NodePolicy policy_{GetParam()};
  std::shared_ptr<testing::TestSource> source_ = std::make_shared<testing::TestSource>();
  memory::Arena arena_{*source_};
  Gate gate_;
  ds::HashTable<NodePolicy> table_{policy_, &arena_};
  std::vector<Node> nodes_;
};

TEST_P(FaultTest, EachAllocationMayBeRefusedOnce) {
  const uint64_t n = GetParam() ? 300 : 1200;  // one segment's growth and its first splits
  MakeNodes(n);
  for (uint64_t call = 1;; ++call) {
    gate_.calls = 0;
    gate_.refuse_call = call;
    uint64_t refused = 0;
    for (uint64_t i = 0; i < n; ++i) {
      while (!Insert(i)) {
        ++refused;
        ASSERT_EQ(CheckInvariants(table_), nullptr);
        ASSERT_EQ(table_.size(), i);
        ASSERT_EQ(Find(i), nullptr);
        ASSERT_EQ(table_.memory(), arena_.used());
      }
    }
    ASSERT_LE(refused, 1u);
    for (uint64_t i = 0; i < n; ++i) ASSERT_EQ(Find(i), &nodes_[i]);
    for (uint64_t i = 0; i < n; ++i) {
      ASSERT_EQ(Remove(i), &nodes_[i]);
      if (i % 64 == 0) {
        ASSERT_EQ(CheckInvariants(table_), nullptr);
      }
    }
    ASSERT_EQ(arena_.used(), 0u);
    if (gate_.calls < call) break;
  }
}

TEST_P(FaultTest, RandomWorkWithRefusals) {
  const uint64_t seed = 29;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  base::Random random(seed);
  const uint64_t n = GetParam() ? 2000 : 6000;
  MakeNodes(n);
  std::vector<bool> there(n);
  size_t count = 0;
  uint64_t refused = 0;
  for (int step = 0; step < 40000; ++step) {
    gate_.percent_refused = step % 3000 < 2000 ? 60 : 0;
    const bool growing = step / 10000 % 2 == 0;
    const uint64_t i = random.Below(n);
    ASSERT_EQ(Find(i), there[i] ? &nodes_[i] : nullptr);
    if ((random.Below(10) != 0) == growing) {
      if (there[i]) continue;
      there[i] = Insert(i);
      there[i] ? ++count : ++refused;
    } else {
      ASSERT_EQ(Remove(i), there[i] ? &nodes_[i] : nullptr);
      count -= there[i];
      there[i] = false;
    }
    ASSERT_EQ(table_.size(), count);
    if (step % 500 == 0) {
      ASSERT_EQ(CheckInvariants(table_), nullptr);
      ASSERT_EQ(table_.memory(), arena_.used());
    }
  }
  EXPECT_GT(refused, 10u);
  gate_.percent_refused = 100;  // leaving needs no memory
  for (uint64_t i = 0; i < n; ++i) ASSERT_EQ(Remove(i), there[i] ? &nodes_[i] : nullptr);
  EXPECT_EQ(arena_.used(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Hashes, FaultTest, ::testing::Bool(), [](const ::testing::TestParamInfo<bool>& info) {
  return std::string(info.param ? "Crowded" : "Good");
});

}  // namespace
}  // namespace larder
