#include "lib/keyspace/epochs.h"

#include <larder/memory.h>

#include <memory>
#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "lib/base/random.h"

namespace larder::testing {
namespace {

using keyspace::Epochs;

constexpr int64_t kStart = 1'700'000'000;

class EpochsTest : public ::testing::Test {
 protected:
  EpochsTest() { epochs_.SetSeconds(kStart); }
  void Evict(int count, size_t keys) {
    for (int i = 0; i < count; ++i) epochs_.CountEviction(keys);
  }

  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena_{*memory_source};
  Epochs epochs_{&arena_};
};

TEST_F(EpochsTest, WithoutEvictionsAnEpochIsASecondAndCostsNothing) {
  const uint64_t epoch = epochs_.now();
  epochs_.SetSeconds(kStart + 100);
  EXPECT_EQ(epochs_.now(), epoch + 100);
  EXPECT_EQ(epochs_.IdleSeconds(epoch), 100);
  EXPECT_EQ(arena_.used(), 0u);
}

TEST_F(EpochsTest, AnEpochEndsAfterOneIn256OfTheKeys) {
  const uint64_t epoch = epochs_.now();
  Evict(100'000, 100'000);
  EXPECT_GE(epochs_.now(), epoch + 250);
  EXPECT_LE(epochs_.now(), epoch + 256);
  EXPECT_EQ(epochs_.IdleSeconds(epoch), 0) << "all in one second";
}

TEST_F(EpochsTest, AFewKeysEndOneWithEachEviction) {
  const uint64_t epoch = epochs_.now();
  Evict(10, 5);
  EXPECT_EQ(epochs_.now(), epoch + 10);
}

TEST_F(EpochsTest, PhasesAreQuartersOfATurnover) {
  const uint32_t phase = epochs_.phase();
  for (int turnover = 0; turnover < 8; ++turnover) {
    Evict(1000, 1000);
    epochs_.SetSeconds(kStart + turnover);
  }
  EXPECT_GE(epochs_.phase(), phase + 31);
  EXPECT_LE(epochs_.phase(), phase + 32);
}

TEST_F(EpochsTest, AClockThatIsSetBackStandsStill) {
  const uint64_t epoch = epochs_.now();
  epochs_.SetSeconds(kStart - 1000);
  EXPECT_EQ(epochs_.now(), epoch);
  epochs_.SetSeconds(kStart - 990);
  EXPECT_EQ(epochs_.now(), epoch + 10);
  EXPECT_EQ(epochs_.IdleSeconds(epoch), 10);
}

TEST_F(EpochsTest, AStampIsReadAsTheLatestEpochThatHasItsBits) {
  for (const int bits : {22, 24}) {
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    EXPECT_EQ(epochs_.Full(epochs_.now() & mask, bits), epochs_.now());
    EXPECT_EQ(epochs_.Full((epochs_.now() - 12345) & mask, bits), epochs_.now() - 12345);
    EXPECT_EQ(epochs_.Full((epochs_.now() + 1) & mask, bits), epochs_.now() + 1 - mask - 1);
  }
}

// The clock goes on by steps of all sizes while evictions come at all rates: no idle time is off by more than a second
// and 1 %.
TEST_F(EpochsTest, IdleSecondsAreRightWhateverTheRateOfEvictions) {
  for (const uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    const std::shared_ptr<MemorySource> memory_source = SystemMemory();
    memory::Arena arena{*memory_source};
    Epochs epochs(&arena);
    int64_t now = kStart;
    epochs.SetSeconds(now);
    std::deque<std::pair<uint64_t, int64_t>> stamps;
    for (int i = 0; i < 20'000; ++i) {
      now += 1 + static_cast<int64_t>(random.Below(100) == 0 ? random.Below(random.Below(20) == 0 ? 20'000 : 200) : 0);
      epochs.SetSeconds(now);
      const uint64_t rate = (i / 1000) % 3;  // none, some, a storm
      const uint64_t evictions = rate == 0 ? 0 : random.Below(rate == 1 ? 8 : 800);
      for (uint64_t e = 0; e < evictions; ++e) epochs.CountEviction(1024);
      if (random.Below(20) == 0) stamps.emplace_back(epochs.now(), now);
      if (random.Below(50) != 0) continue;
      for (const auto& [epoch, then] : stamps) {
        const int64_t idle = now - then;
        const int64_t told = epochs.IdleSeconds(epochs.Full(epoch & 0xffffff, 24));
        const int64_t off = told > idle ? told - idle : idle - told;
        ASSERT_LE(off, idle < 120 ? 0 : 1 + idle / 100) << "idle " << idle << ", told " << told;
      }
      if (stamps.size() > 400) stamps.erase(stamps.begin(), stamps.begin() + 10);
    }
  }
}

}  // namespace
}  // namespace larder::testing
