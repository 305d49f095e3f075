// Elements that expire, with a time that is set by hand.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "lib/ds/hash_table.h"
#include "lib/ds/hash_table_check.h"

namespace larder {
namespace {

constexpr int64_t kStartMs = 1'800'000'000'000;
constexpr int64_t kNever = INT64_MAX;

struct Node {
  uint64_t id;
  int64_t expiry_ms;
};

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = true;
  int crowd = 0;  // by how many bits hashes are too short: all positions in a corner
  uint64_t HashOf(uint64_t id) const { return base::Random(id).Next() >> crowd; }
  uint64_t Hash(const Node* node) const { return HashOf(node->id); }
  static bool Matches(const Node* node, Bytes key) {
    return key == Bytes(reinterpret_cast<const char*>(&node->id), sizeof(node->id));
  }
  static int64_t ExpiryMs(const Node* node) { return node->expiry_ms; }
};
using Table = ds::HashTable<NodePolicy>;

Bytes KeyOf(const uint64_t& id) { return Bytes(reinterpret_cast<const char*>(&id), sizeof(id)); }

class ExpiryTest : public testing::Test {
 protected:
  ~ExpiryTest() override {
    while (!all_.empty()) Remove(all_.begin()->first);
    EXPECT_STREQ(CheckInvariants(table_), nullptr);
    EXPECT_EQ(arena_.used(), 0u);
  }

  uint64_t HashOf(uint64_t id) const { return table_.policy().HashOf(id); }
  Node* Insert(uint64_t id, int64_t expiry_ms) {
    auto node = std::make_unique<Node>(Node{id, expiry_ms});
    EXPECT_TRUE(table_.Insert(node.get(), HashOf(id)));
    expiring_ += expiry_ms != kNever;
    return (all_[id] = std::move(node)).get();
  }
  void Replace(uint64_t id, int64_t expiry_ms) {
    auto node = std::make_unique<Node>(Node{id, expiry_ms});
    expiring_ += (expiry_ms != kNever) - (all_[id]->expiry_ms != kNever);
    table_.Replace(all_[id].get(), node.get(), HashOf(id));
    all_[id] = std::move(node);
  }
  void Move(uint64_t id, int64_t expiry_ms) {
    all_[id]->expiry_ms = expiry_ms;
    table_.ExpiryChanged(all_[id].get(), HashOf(id));
  }
  // Puts copies in the place of some elements, as compaction does.
  void Relocate(uint64_t* position, int stop_after) {
    table_.Relocate(position, [&](Table::Offered& slot) {
      if (stop_after-- <= 0) return false;
      auto copy = std::make_unique<Node>(*slot.element());
      Node* const made = copy.get();
      relocated_.insert(made->id);
      slot.Put(made);
      all_[made->id] = std::move(copy);
      return true;
    });
  }
  void Remove(uint64_t id) {
    expiring_ -= all_[id]->expiry_ms != kNever;
    EXPECT_EQ(table_.Remove(KeyOf(id), HashOf(id)), all_[id].get());
    all_.erase(id);
  }
  // Returns the ids in the order in which they went.
  std::vector<uint64_t> Expire(int64_t now_ms, size_t max_visits = 256) {
    std::vector<uint64_t> gone;
    while (table_.ExpireSome(now_ms, max_visits, [&](Node* node) {
      EXPECT_LE(node->expiry_ms, now_ms);
      gone.push_back(node->id);
      Remove(node->id);
    })) {
    }
    return gone;
  }
  int64_t ModelSoonest() const {
    int64_t soonest = kNever;
    for (const auto& [id, node] : all_) soonest = std::min(soonest, node->expiry_ms);
    return soonest;
  }
  uint64_t Visited() { return steps_[base::Step::kExpire].entries; }

  std::shared_ptr<MemorySource> memory_ = SystemMemory();
  memory::Arena arena_{*memory_};
  base::StepLog steps_;
  Table table_{NodePolicy{}, &arena_, &steps_};
  std::map<uint64_t, std::unique_ptr<Node>> all_;
  size_t expiring_ = 0;
  std::set<uint64_t> relocated_;
};

TEST_F(ExpiryTest, ElementsGoWhenTheirTimeComesAndNotBefore) {
  Insert(1, kStartMs + 1000);
  Insert(2, kNever);
  Insert(3, kStartMs + 2000);
  EXPECT_EQ(table_.expiring(), 2u);
  EXPECT_EQ(Expire(kStartMs + 999), std::vector<uint64_t>{});
  EXPECT_EQ(table_.SoonestMs(), kStartMs + 1000);
  EXPECT_EQ(Expire(kStartMs + 1000), std::vector<uint64_t>{1});
  EXPECT_GT(table_.SoonestMs(), kStartMs + 1000);
  EXPECT_LE(table_.SoonestMs(), kStartMs + 2000);
  EXPECT_EQ(Expire(kStartMs + 5000), std::vector<uint64_t>{3});
  EXPECT_EQ(table_.SoonestMs(), kNever);
  EXPECT_EQ(table_.expiring(), 0u);
  EXPECT_EQ(Expire(kStartMs * 2), std::vector<uint64_t>{});
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(ExpiryTest, ChangesInPlaceAreFollowed) {
  Insert(1, kStartMs + 1000);
  Move(1, kStartMs + 3000);
  EXPECT_EQ(Expire(kStartMs + 2999), std::vector<uint64_t>{});
  Move(1, kStartMs + 2000);
  EXPECT_EQ(Expire(kStartMs + 2999), std::vector<uint64_t>{1});
  Insert(2, kStartMs + 1'000'000'000);
  Move(2, kStartMs + 5000);
  EXPECT_LE(table_.SoonestMs(), kStartMs + 5000);
  EXPECT_EQ(Expire(kStartMs + 5000), std::vector<uint64_t>{2});
}

TEST_F(ExpiryTest, ReplacementGivesAndTakesAnExpiry) {
  Insert(1, kNever);
  Replace(1, kStartMs + 1000);
  EXPECT_EQ(table_.expiring(), 1u);
  Replace(1, kNever);
  EXPECT_EQ(table_.expiring(), 0u);
  EXPECT_EQ(table_.SoonestMs(), kNever);
  EXPECT_EQ(Expire(kStartMs + 2000), std::vector<uint64_t>{});
  Replace(1, kStartMs + 3000);
  Replace(1, kStartMs + 4000);
  EXPECT_EQ(table_.expiring(), 1u);
  EXPECT_EQ(Expire(kStartMs + 3999), std::vector<uint64_t>{});
  EXPECT_EQ(Expire(kStartMs + 4000), std::vector<uint64_t>{1});
}

TEST_F(ExpiryTest, AnExpiryInThePastIsDueAtOnce) {
  Insert(1, kStartMs + 10'000'000'000);
  EXPECT_EQ(Expire(kStartMs), std::vector<uint64_t>{});
  Insert(2, 1);
  Insert(3, -5);
  Insert(4, kStartMs - 1);
  EXPECT_LE(table_.SoonestMs(), kStartMs);
  std::vector<uint64_t> gone = Expire(kStartMs);
  std::sort(gone.begin(), gone.end());
  EXPECT_EQ(gone, (std::vector<uint64_t>{2, 3, 4}));
  EXPECT_STREQ(CheckInvariants(table_), nullptr);
}

TEST_F(ExpiryTest, TheLongestExpiryIsNeverDue) {
  Insert(1, INT64_MAX - 1);
  Insert(2, kStartMs);
  EXPECT_EQ(Expire(kStartMs), std::vector<uint64_t>{2});
  EXPECT_EQ(Expire(kStartMs * 100), std::vector<uint64_t>{});
  EXPECT_EQ(table_.Soonest(), all_[1].get());
}

TEST_F(ExpiryTest, TheClockMayBeginAtNought) {
  const uint64_t seed = 21;
  base::Random random(seed);
  Insert(10'000, 1 << 22);
  EXPECT_EQ(Expire(0), std::vector<uint64_t>{});
  for (uint64_t i = 0; i < 2000; ++i) Insert(i, 1 + static_cast<int64_t>(random.Below(1 << (1 + i % 23))));
  for (int64_t now_ms = 0; now_ms < 1 << 23; now_ms += 1 + now_ms / 50) {
    Expire(now_ms);
    ASSERT_GT(ModelSoonest() + 8, now_ms);  // 8 ms in two hours
    ASSERT_LE(table_.SoonestMs(), ModelSoonest() == kNever ? kNever : ModelSoonest() + 8);
  }
  Expire(1 << 23);
  EXPECT_EQ(table_.size(), 0u);
}

// A clock that goes back makes nothing late once it has caught up, and nothing early.
TEST_F(ExpiryTest, TheClockMayGoBack) {
  const uint64_t seed = 3;
  base::Random random(seed);
  for (uint64_t i = 0; i < 3000; ++i) Insert(i, kStartMs + static_cast<int64_t>(random.Below(10'000'000)));
  for (const int64_t now_ms : {kStartMs + 5'000'000, kStartMs - 40'000'000, kStartMs + 4'000'000}) {
    Expire(now_ms);
    for (uint64_t i = 0; i < 50; ++i) {
      const uint64_t id = 10'000 + random.Below(1'000'000);
      if (all_.count(id) == 0) Insert(id, now_ms + 1 + static_cast<int64_t>(random.Below(1'000'000)));
    }
    ASSERT_STREQ(CheckInvariants(table_), nullptr);
  }
  for (int64_t now_ms = kStartMs + 4'000'000; now_ms < kStartMs + 10'000'000; now_ms += 100'000) {
    Expire(now_ms);
    for (const auto& [id, node] : all_) ASSERT_GT(node->expiry_ms + 40, now_ms) << id;
  }
}

// Everything at once against the model: growth, splits, merges, moves of expiry, the time.
TEST_F(ExpiryTest, RandomWorkAgreesWithTheModel) {
  const uint64_t seed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  int64_t now_ms = kStartMs;
  uint64_t expired = 0;
  for (int step = 0; step < 80'000; ++step) {
    const bool growing = step / 20'000 % 2 == 0;
    const uint64_t id = random.Below(6000);
    // From milliseconds to a day, some never.
    const int64_t expiry_ms =
        random.Below(4) == 0 ? kNever : now_ms + 1 + static_cast<int64_t>(random.Next() >> (38 + random.Below(20)));
    const uint64_t dice = random.Below(10);
    if (all_.count(id) == 0) {
      if (dice < (growing ? 9 : 2)) Insert(id, expiry_ms);
    } else if (dice < 3) {
      Replace(id, expiry_ms);
    } else if (dice < 6) {
      if (all_[id]->expiry_ms != kNever && expiry_ms != kNever) Move(id, expiry_ms);
    } else if (dice < (growing ? 7 : 9)) {
      Remove(id);
    }
    ASSERT_EQ(table_.expiring(), expiring_);
    if (step % 64 != 0) continue;
    now_ms += static_cast<int64_t>(random.Below(random.Below(10) == 0 ? 10'000'000 : 1000));
    expired += Expire(now_ms, 1 + random.Below(300)).size();
    const int64_t soonest_ms = ModelSoonest();
    // What is left may be late by the precision of a day's time.
    ASSERT_GT(soonest_ms, now_ms - 500);
    ASSERT_GT(table_.SoonestMs(), now_ms);
    if (soonest_ms != kNever) {
      ASSERT_LE(table_.SoonestMs(), soonest_ms + 500);
    }
    if (step % 1024 == 0) {
      ASSERT_STREQ(CheckInvariants(table_), nullptr) << step;
    }
  }
  EXPECT_GT(expired, 3000u);
}

TEST_F(ExpiryTest, CrowdedHashesExpireToo) {
  Table crowded(NodePolicy{52}, &arena_, &steps_);  // 4096 hashes at one position: an overflow chain
  table_.Swap(crowded);
  base::Random random(7);
  for (uint64_t i = 0; i < 3000; ++i) Insert(i, kStartMs + static_cast<int64_t>(random.Below(1000)));
  ASSERT_STREQ(CheckInvariants(table_), nullptr);
  for (int64_t now_ms = kStartMs; now_ms < kStartMs + 1000; now_ms += 50) {
    Expire(now_ms);
    ASSERT_GT(ModelSoonest(), now_ms);
    ASSERT_STREQ(CheckInvariants(table_), nullptr);
  }
  Expire(kStartMs + 1000);
  EXPECT_EQ(table_.size(), 0u);
  table_.Swap(crowded);
}

TEST_F(ExpiryTest, NoCallVisitsMuchMoreThanItMay) {
  for (uint64_t i = 0; i < 50'000; ++i) Insert(i, kStartMs);
  uint64_t calls = 0;
  for (bool more = true; more; ++calls) {
    const uint64_t visited = Visited();
    size_t gone = 0;
    more = table_.ExpireSome(kStartMs, 100, [&](Node* node) {
      ++gone;
      Remove(node->id);
    });
    ASSERT_LE(Visited() - visited, 100u + 20);
    ASSERT_LE(gone, 100u + 20);
    ASSERT_TRUE(!more || gone > 50) << gone;
  }
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_LT(Visited(), 50'000u * 5 / 4);
  EXPECT_LT(calls, 1000u);
}

// The one that is being expired takes others with it that are due too, moves some, replaces some.
TEST_F(ExpiryTest, ExpiryMayRemoveAndChangeOthers) {
  const uint64_t seed = 9;
  base::Random random(seed);
  for (uint64_t i = 0; i < 20'000; ++i) Insert(i, kStartMs + static_cast<int64_t>(i % 2));
  std::set<uint64_t> moved;
  size_t removed = 0;
  while (table_.ExpireSome(kStartMs, 256, [&](Node* node) {
    ASSERT_EQ(all_.at(node->id).get(), node);
    ASSERT_EQ(node->expiry_ms, kStartMs);
    Remove(node->id);
    ++removed;
    for (int i = 0; i < 3; ++i) {
      const uint64_t id = random.Below(20'000);
      if (all_.count(id) == 0) continue;
      switch (random.Below(3)) {
        case 0:
          Remove(id);
          ++removed;
          moved.erase(id);
          break;
        case 1:
          Move(id, kStartMs + 100);
          moved.insert(id);
          break;
        case 2:
          Replace(id, kStartMs + 100);
          moved.insert(id);
          break;
      }
    }
  })) {
  }
  EXPECT_STREQ(CheckInvariants(table_), nullptr);
  EXPECT_EQ(all_.size(), 20'000 - removed);
  for (const auto& [id, node] : all_) ASSERT_NE(node->expiry_ms, kStartMs) << id;
  for (const uint64_t id : moved) ASSERT_EQ(all_.at(id)->expiry_ms, kStartMs + 100);
  Expire(kStartMs + 1);
  EXPECT_EQ(all_.size(), moved.size());
}

// Neighbours of the batch: the home's other due elements are in it when the table is taken away.
TEST_F(ExpiryTest, TheTableMayBeTakenAwayMeanwhile) {
  for (uint64_t i = 0; i < 1000; ++i) Insert(i, kStartMs);
  Table detached(NodePolicy{}, &arena_);
  size_t calls = 0;
  EXPECT_FALSE(table_.ExpireSome(kStartMs, 256, [&](Node* node) {
    ++calls;
    Remove(node->id);
    table_.Swap(detached);
    table_.Clear();
  }));
  EXPECT_EQ(calls, 1u);
  EXPECT_EQ(table_.expiring(), 0u);
  EXPECT_EQ(detached.expiring(), 999u);
  size_t freed = 0;
  while (!detached.FreeSome(100, [&](Node*) { ++freed; })) {
  }
  EXPECT_EQ(freed, 999u);
  EXPECT_EQ(detached.expiring(), 0u);
  EXPECT_EQ(detached.SoonestMs(), kNever);
  all_.clear();
  Insert(1, kStartMs + 5);
  EXPECT_EQ(Expire(kStartMs + 5), std::vector<uint64_t>{1});
}

TEST_F(ExpiryTest, SwapAndClearTakeTheTimesAlong) {
  for (uint64_t i = 0; i < 500; ++i) Insert(i, kStartMs + static_cast<int64_t>(i));
  Table other(NodePolicy{}, &arena_);
  table_.Swap(other);
  EXPECT_EQ(table_.expiring(), 0u);
  EXPECT_EQ(table_.SoonestMs(), kNever);
  EXPECT_EQ(other.expiring(), 500u);
  EXPECT_LE(other.SoonestMs(), kStartMs);
  EXPECT_FALSE(table_.ExpireSome(kStartMs + 1000, 100, [](Node*) { FAIL(); }));
  table_.Swap(other);
  EXPECT_EQ(Expire(kStartMs + 99).size(), 100u);
  EXPECT_STREQ(CheckInvariants(table_), nullptr);
  table_.Clear();
  all_.clear();
  EXPECT_EQ(table_.expiring(), 0u);
  EXPECT_EQ(table_.SoonestMs(), kNever);
}

TEST_F(ExpiryTest, TheSoonestIsFound) {
  const uint64_t seed = 11;
  base::Random random(seed);
  EXPECT_EQ(table_.Soonest(), nullptr);
  for (uint64_t i = 0; i < 500; ++i) {
    Insert(i, random.Below(3) == 0 ? kNever : kStartMs + static_cast<int64_t>(random.Below(1'000'000)));
  }
  for (size_t left = table_.expiring(); left > 0; --left) {  // of one segment exactly
    Node* soonest = table_.Soonest();
    ASSERT_NE(soonest, nullptr);
    ASSERT_EQ(soonest->expiry_ms, ModelSoonest());
    Remove(soonest->id);
  }
  EXPECT_EQ(table_.Soonest(), nullptr);
}

// In a large table of far expiries the soonest is one of the soonest.
TEST_F(ExpiryTest, TheSoonestOfManyIsAmongTheFirst) {
  const uint64_t seed = 13;
  base::Random random(seed);
  constexpr uint64_t kKeys = 20'000;
  const int64_t first_ms = kStartMs + 80'000'000;
  for (uint64_t i = 0; i < kKeys; ++i) Insert(i, first_ms + static_cast<int64_t>(random.Below(10'000'000)));
  Expire(kStartMs);
  std::set<int64_t> order;
  for (const auto& [id, node] : all_) order.insert(node->expiry_ms);
  double rank_sum = 0;
  for (int i = 0; i < 4000; ++i) {
    Node* soonest = table_.Soonest();
    rank_sum += static_cast<double>(std::distance(order.begin(), order.find(soonest->expiry_ms)));
    order.erase(soonest->expiry_ms);
    Remove(soonest->id);
  }
  std::printf("mean rank of the soonest: %.1f\n", rank_sum / 4000);
  EXPECT_LT(rank_sum / 4000, 250);
  EXPECT_STREQ(CheckInvariants(table_), nullptr);
}

TEST_F(ExpiryTest, SamplesHaveSomethingThatExpires) {
  base::Random random(17);
  table_.SampleExpiring(random, [](Node*) { FAIL(); });
  for (uint64_t i = 0; i < 30'000; ++i) Insert(i, i % 10'000 == 0 ? kStartMs + 1000 : kNever);
  std::map<uint64_t, int> drawn;
  for (int i = 0; i < 600; ++i) {
    size_t visited = 0;
    table_.SampleExpiring(random, [&](Node* node) {
      ++visited;
      ASSERT_NE(node->expiry_ms, kNever);
      ++drawn[node->id];
    });
    ASSERT_EQ(visited, 1u);
  }
  ASSERT_EQ(drawn.size(), 3u);
  for (const auto& [id, times] : drawn) EXPECT_NEAR(times, 200, 1) << id;
  Replace(0, kNever);  // leaves a code behind
  Remove(10'000);
  drawn.clear();
  for (int i = 0; i < 100; ++i) {
    table_.SampleExpiring(random, [&](Node* node) { ++drawn[node->id]; });
  }
  EXPECT_EQ(drawn[20'000], 100);
}

TEST_F(ExpiryTest, SamplesReachEveryExpiringElementAboutAsOften) {
  base::Random random(19);
  constexpr uint64_t kKeys = 4000;
  for (uint64_t i = 0; i < kKeys; ++i) Insert(i, i % 2 == 0 ? kStartMs + static_cast<int64_t>(i) : kNever);
  std::map<uint64_t, int> drawn;
  size_t total = 0;
  while (total < kKeys / 2 * 100) {
    table_.SampleExpiring(random, [&](Node* node) {
      ++drawn[node->id];
      ++total;
    });
  }
  EXPECT_EQ(drawn.size(), kKeys / 2);
  for (const auto& [id, times] : drawn) {
    ASSERT_GT(times, 25) << id;
    ASSERT_LT(times, 400) << id;
  }
}

// One in 20 expires, in segments of different sizes, which change while it is drawn from.
TEST_F(ExpiryTest, DrawsGiveEveryExpiringElementTheSameChance) {
  base::Random random(23);
  EXPECT_EQ(table_.RandomExpiring(random), nullptr);
  constexpr uint64_t kKeys = 30'000;
  constexpr uint64_t kExpiring = kKeys / 20;
  for (uint64_t i = 0; i < kKeys; ++i) Insert(i, i < kExpiring ? kStartMs + static_cast<int64_t>(i) : kNever);
  std::map<uint64_t, int> drawn;
  for (uint64_t i = 0; i < 50 * kExpiring; ++i) {
    Node* const node = table_.RandomExpiring(random);
    ASSERT_NE(node->expiry_ms, kNever);
    const uint64_t id = node->id;
    const int64_t expiry_ms = node->expiry_ms;
    ++drawn[id];
    Remove(id);
    Insert(id, expiry_ms);
  }
  EXPECT_EQ(drawn.size(), kExpiring);
  double variance = 0;
  for (const auto& [id, times] : drawn) variance += (times - 50.0) * (times - 50.0);
  EXPECT_LT(variance / kExpiring / 50, 1.2) << "variance over mean: 1 if each has the same chance each time";
  EXPECT_STREQ(CheckInvariants(table_), nullptr);
}

TEST_F(ExpiryTest, FindPositionKnowsTheTop48Bits) {
  for (uint64_t i = 0; i < 3000; ++i) Insert(i, kNever);
  for (uint64_t i = 0; i < 3000; ++i) {
    EXPECT_EQ(table_.FindPosition(HashOf(i) ^ 0xffff), all_[i].get());
    EXPECT_EQ(table_.FindPosition(HashOf(i) ^ 0x10000), nullptr);
    EXPECT_EQ(table_.FindPosition(HashOf(i + 10'000)), nullptr);
  }
}

// A walk that puts copies in the elements' places meets each element that stays, whatever happens to the table
// meanwhile, and no expiry is lost.
TEST_F(ExpiryTest, AWalkRelocatesWhatStaysThroughChangesOfShape) {
  base::Random random(9);
  for (uint64_t i = 0; i < 20'000; ++i)
    Insert(i, i % 3 == 0 ? kNever : kStartMs + static_cast<int64_t>(random.Below(10'000)));
  uint64_t position = 0;
  uint64_t next_id = 20'000;
  int steps = 0;
  do {
    Relocate(&position, static_cast<int>(1 + random.Below(40)));
    for (int i = 0; i < 3; ++i) Insert(next_id++, kStartMs + 20'000);
    for (int i = 0; i < 6; ++i) {
      const uint64_t id = 10'000 + random.Below(10'000);
      if (all_.count(id) != 0) Remove(id);
    }
    if (++steps % 100 == 0) {
      ASSERT_STREQ(CheckInvariants(table_), nullptr);
    }
  } while (position != 0);
  EXPECT_GT(steps, 1'000);
  ASSERT_STREQ(CheckInvariants(table_), nullptr);
  size_t missed = 0;
  for (uint64_t id = 0; id < 10'000; ++id) missed += relocated_.count(id) == 0;
  EXPECT_LT(missed, 100u) << "a segment that changes under the walk may hide a few";
  for (const auto& [id, node] : all_) ASSERT_EQ(table_.Find(KeyOf(id), HashOf(id)), node.get());
  EXPECT_EQ(table_.expiring(), expiring_);
  for (const uint64_t id : Expire(kStartMs + 10'000)) EXPECT_LT(id, 20'000u);
  EXPECT_EQ(table_.expiring(), next_id - 20'000);
}

TEST_F(ExpiryTest, AWalkReachesStashAndChain) {
  NodePolicy crowded;
  crowded.crowd = 56;
  Table table(crowded, &arena_);
  std::vector<std::unique_ptr<Node>> nodes;
  for (uint64_t i = 0; i < 3'000; ++i) {
    nodes.push_back(std::make_unique<Node>(Node{i, kNever}));
    ASSERT_TRUE(table.Insert(nodes.back().get(), crowded.HashOf(i)));
  }
  std::set<Node*> seen;
  uint64_t position = 0;
  while (table.Relocate(&position, [&](Table::Offered& slot) {
    EXPECT_TRUE(seen.insert(slot.element()).second) << "offered twice";
    return true;
  })) {
  }
  EXPECT_EQ(seen.size(), nodes.size());
  table.Clear();
}

TEST_F(ExpiryTest, AMovedElementIsFoundAtItsNewPlace) {
  for (uint64_t i = 0; i < 2'000; ++i) Insert(i, i % 2 == 0 ? kNever : kStartMs + 5);
  for (uint64_t i = 0; i < 2'000; ++i) {
    auto copy = std::make_unique<Node>(*all_[i]);
    table_.Moved(all_[i].get(), copy.get(), HashOf(i));
    all_[i] = std::move(copy);
    ASSERT_EQ(table_.Find(KeyOf(i), HashOf(i)), all_[i].get());
  }
  ASSERT_STREQ(CheckInvariants(table_), nullptr);
  EXPECT_EQ(Expire(kStartMs + 5).size(), 1'000u);
}

TEST_F(ExpiryTest, StepsAreCounted) {
  for (uint64_t i = 0; i < 20'000; ++i) Insert(i, kStartMs);
  Expire(kStartMs);
  using base::Step;
  for (const Step step : {Step::kGrow, Step::kSplit, Step::kMerge, Step::kDirectory, Step::kExpire}) {
    const StepStats& stats = steps_[step];
    EXPECT_GT(stats.steps, 0u) << static_cast<int>(step);
    EXPECT_GT(stats.bytes, 0u) << static_cast<int>(step);
    EXPECT_LE(stats.bytes_max, 3u * 8192 + 65'536) << static_cast<int>(step);
    EXPECT_EQ(stats.timed, stats.steps) << static_cast<int>(step);
  }
  EXPECT_LE(steps_[Step::kSplit].entries_max, 900u);
  EXPECT_LE(steps_[Step::kExpire].entries_max, 300u);
}

}  // namespace
}  // namespace larder
