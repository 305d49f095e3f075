// A table under a steady load of elements that expire, in a time that is set by hand: how many of those that are in it
// have expired, and how many are looked at for each that is removed. LARDER_LONG makes it 200,000 of them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
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
constexpr uint64_t kKeys = 200'000;
constexpr int kTicks = 3000;  // three mean lives
#else
constexpr uint64_t kKeys = 6000;
constexpr int kTicks = 600;
#endif
constexpr int64_t kStartMs = 1'800'000'000'000;
constexpr int64_t kNever = INT64_MAX;
constexpr size_t kVisits = 256;

struct Node {
  uint64_t id;
  int64_t expiry_ms;
  bool in = false;
};

struct NodePolicy {
  using Element = Node*;
  static constexpr bool kExpires = true;
  static uint64_t HashOf(uint64_t id) { return base::Random(id).Next(); }
  uint64_t Hash(const Node* node) const { return HashOf(node->id); }
  static bool Matches(const Node* node, Bytes key) {
    return key == Bytes(reinterpret_cast<const char*>(&node->id), sizeof(node->id));
  }
  static int64_t ExpiryMs(const Node* node) { return node->expiry_ms; }
};

// In units of the mean time to live.
using Lifetime = double (*)(base::Random& random);
double Uniform(base::Random& random) { return 2 * random.Unit(); }
double Exponential(base::Random& random) { return -std::log(1 - random.Unit()); }
double Fixed(base::Random&) { return 1; }
// Most live for a tenth of the mean, some for ten times as long.
double ShortAndLong(base::Random& random) { return random.Below(11) == 0 ? 10 : 0.1; }

struct Load {
  const char* name;
  Lifetime lifetime;
  int64_t mean_ms;
  int never_percent;      // have no expiry
  int overwrite_percent;  // of the work: an element that is there gets a new lifetime
  double visits_max = 8;  // for each that expires
};
constexpr Load kLoads[] = {
    {"UniformMinutes", Uniform, 60'000, 0, 0},
    {"ExponentialMinutes", Exponential, 60'000, 0, 0},
    {"FixedMinutes", Fixed, 60'000, 0, 0},
    {"ShortAndLong", ShortAndLong, 60'000, 0, 0},
    {"UniformDays", Uniform, 86'400'000, 0, 0},
    {"FixedMonths", Fixed, 86'400'000LL * 60, 0, 0},
    {"HalfNever", Uniform, 60'000, 50, 0},
    // An element that has been given another time may be looked at in vain.
    {"Overwritten", Uniform, 60'000, 0, 50, 8.5},
    {"MostlyOverwritten", Exponential, 60'000, 20, 80},
};

class ExpiryLoadTest : public testing::TestWithParam<Load> {
 protected:
  int64_t Expiry(int64_t now_ms) {
    const Load& load = GetParam();
    if (random_.Below(100) < static_cast<uint64_t>(load.never_percent)) return kNever;
    return now_ms + 1 + static_cast<int64_t>(load.lifetime(random_) * static_cast<double>(load.mean_ms));
  }
  Node* PickIn() {
    for (;;) {
      Node& node = nodes_[random_.Below(nodes_.size())];
      if (node.in) return &node;
    }
  }
  void Out(Node* node) {
    EXPECT_EQ(table_.Remove(Bytes(reinterpret_cast<const char*>(&node->id), 8), NodePolicy::HashOf(node->id)), node);
    node->in = false;
    free_.push_back(node);
  }
  void Work(int64_t now_ms) {
    if (table_.size() > kKeys / 10 && random_.Below(100) < static_cast<uint64_t>(GetParam().overwrite_percent)) {
      Node* node = PickIn();
      if (node->expiry_ms == kNever) return;
      node->expiry_ms = std::min(Expiry(now_ms), now_ms + 100 * GetParam().mean_ms);
      table_.ExpiryChanged(node, NodePolicy::HashOf(node->id));
      return;
    }
    if (free_.empty()) Out(PickIn());  // full, as a cache is
    const uint64_t pick = random_.Below(free_.size());
    std::swap(free_[pick], free_.back());
    Node* node = free_.back();
    free_.pop_back();
    node->id += nodes_.size();  // a new key
    node->expiry_ms = Expiry(now_ms);
    node->in = true;
    ASSERT_TRUE(table_.Insert(node, NodePolicy::HashOf(node->id)));
  }
  double ExpiredShare(int64_t now_ms) const {
    size_t expired = 0;
    for (const Node& node : nodes_) expired += node.in && node.expiry_ms <= now_ms;
    return static_cast<double>(expired) / static_cast<double>(table_.expiring());
  }

  base::Random random_{41};
  std::shared_ptr<MemorySource> memory_ = SystemMemory();
  memory::Arena arena_{*memory_};
  base::StepLog steps_;
  ds::HashTable<NodePolicy> table_{NodePolicy{}, &arena_, &steps_};
  std::vector<Node> nodes_;
  std::vector<Node*> free_;
};

TEST_P(ExpiryLoadTest, FewExpiredOnesStayAndFewAreLookedAt) {
  const Load load = GetParam();
  nodes_.resize(kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) {
    nodes_[i].id = i;
    free_.push_back(&nodes_[i]);
  }
  // 0.9 of all that there is room for come in a mean lifetime, and the overwritten ones besides.
  const int64_t tick_ms = 3 * load.mean_ms / kTicks;
  const uint64_t per_tick = kKeys * 9 / 10 * 3 / kTicks * 100 / static_cast<uint64_t>(100 - load.overwrite_percent);
  int64_t now_ms = kStartMs;
  uint64_t expired = 0;
  double share_before = 0;
  double share_after = 0;
  int samples = 0;
  uint64_t visited = 0;
  for (int tick = 0; tick < 2 * kTicks; ++tick) {
    for (uint64_t i = 0; i < per_tick; ++i)
      Work(now_ms + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(tick_ms))));
    const int64_t until_ms = now_ms + tick_ms;
    const bool sample = tick > kTicks && tick % (kTicks / 20) == 0;
    while (now_ms < until_ms) {
      // Calls at which nothing is due are left out: days have too many.
      const int64_t soonest_ms = std::min(table_.SoonestMs(), until_ms);
      now_ms = std::min(until_ms, now_ms + std::max<int64_t>(100, (soonest_ms - now_ms + 99) / 100 * 100));
      if (sample && now_ms == until_ms) share_before += ExpiredShare(now_ms);
      while (table_.ExpireSome(now_ms, kVisits, [&](Node* node) {
        ASSERT_LE(node->expiry_ms, now_ms);
        Out(node);
        expired += tick >= kTicks;
      })) {
      }
    }
    if (tick == kTicks - 1) visited = steps_[base::Step::kExpire].entries;
    if (!sample) continue;
    share_after += ExpiredShare(now_ms);
    ++samples;
  }
  visited = steps_[base::Step::kExpire].entries - visited;
  share_before /= samples;
  share_after /= samples;
  const double each = static_cast<double>(visited) / static_cast<double>(expired);
  const double bytes = static_cast<double>(table_.memory()) / static_cast<double>(table_.size());
  std::printf("%-20s %7zu keys, %7zu expire, %5.2f bytes each; expired and there %.4f %% before a call, %.4f %% after; "
              "visited %.2f for each of %llu expired\n",
              load.name, table_.size(), table_.expiring(), bytes, 100 * share_before, 100 * share_after, each,
              static_cast<unsigned long long>(expired));
  ASSERT_STREQ(CheckInvariants(table_), nullptr);
  EXPECT_LT(share_before, 0.01);
  EXPECT_LT(share_after, 0.0001);
  EXPECT_LE(each, load.visits_max);
  EXPECT_GT(expired, kKeys / 10);
}

INSTANTIATE_TEST_SUITE_P(Loads, ExpiryLoadTest, testing::ValuesIn(kLoads),
                         [](const testing::TestParamInfo<Load>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace larder
