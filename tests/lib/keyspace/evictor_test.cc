// The evictor over a few entries in two databases, without tables that are worth the name.
#include "lib/keyspace/evictor.h"
#include <larder/memory.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace larder::testing {
namespace {

using keyspace::Access;
using keyspace::EvictionOrder;
using keyspace::EvictionTables;
using keyspace::Evictor;
using keyspace::FifoUse;

constexpr int64_t kStart = 1'700'000'000;

class EvictorTest : public ::testing::Test, public EvictionTables {
 protected:
  struct Entry {
    uint64_t hash = 0;
    uint32_t access = 0;
    bool small = false;
    int64_t expiry_ms = 0;  // 0: none
    uint8_t phase = 0;
  };

  EvictorTest() { evictor_.SetSeconds(kStart); }

  void Configure(EvictionOrder order, bool volatile_only = false) {
    config_ = {order, volatile_only, 5, limit_ * 10, {order == EvictionOrder::kLfu}};
    evictor_.Configure(config_);
  }
  Entry& Add(int db, int64_t expiry_ms = 0) {
    auto entry = std::make_unique<Entry>();
    entry->hash = random_.Next();
    entry->expiry_ms = expiry_ms;
    const Evictor::Start start = evictor_.Begin(db, entry->hash, expiry_ms != 0);
    entry->access = start.access;
    entry->small = start.small;
    if (entry->small) evictor_.SmallCame(10);
    Entry& added = *entry;
    dbs_[db][entry->hash >> 16] = std::move(entry);
    return added;
  }
  void Use(Entry& entry) {
    if (config_.order == EvictionOrder::kS3Fifo) {
      entry.access = FifoUse::Used(entry.access);
    } else {
      entry.access = Access::Used(config_.access, entry.access,
                                  static_cast<uint32_t>(config_.order == EvictionOrder::kLfu ? seconds_
                                                                                             : evictor_.epochs().now()),
                                  random_);
    }
  }
  void Pass(int64_t seconds) { evictor_.SetSeconds(seconds_ += seconds); }
  size_t size() const { return dbs_[0].size() + dbs_[1].size(); }
  bool Has(uint64_t hash) const { return dbs_[0].count(hash >> 16) + dbs_[1].count(hash >> 16) != 0; }
  Evictor::Outcome EvictTo(size_t entries) {
    limit_ = entries;
    config_.limit_bytes = entries * 10;
    evictor_.Configure(config_);
    return evictor_.Evict({});
  }

  int databases() const override { return 2; }
  size_t keys(int db, bool expiring) const override {
    if (!expiring) return dbs_[db].size();
    size_t count = 0;
    for (const auto& [hash, entry] : dbs_[db]) count += entry->expiry_ms != 0;
    return count;
  }
  // A bucket is a 64th of the hash space.
  int Sample(int db, uint64_t position, bool expiring, Seen seen[kSeenMax]) override {
    int count = 0;
    for (uint64_t tried = 0; tried < 64 && count == 0; ++tried) {
      for (auto& [hash, entry] : dbs_[db]) {
        if (hash >> 42 != ((position >> 58) + tried) % 64 || (expiring && entry->expiry_ms == 0)) continue;
        if (count < kSeenMax) seen[count++] = SeenOf(*entry);
      }
    }
    return count;
  }
  bool Random(int db, bool expiring, Seen* seen) override {
    size_t left = random_.Below(std::max<size_t>(keys(db, expiring), 1));
    for (auto& [hash, entry] : dbs_[db]) {
      if ((expiring && entry->expiry_ms == 0) || left-- != 0) continue;
      *seen = SeenOf(*entry);
      return true;
    }
    return false;
  }
  uint64_t Hash(int, const void* entry) const override { return static_cast<const Entry*>(entry)->hash; }
  bool Find(int db, uint64_t hash, Seen* seen) override {
    const auto found = dbs_[db].find(hash >> 16);
    if (found == dbs_[db].end()) return false;
    *seen = SeenOf(*found->second);
    return true;
  }
  bool Soonest(int db, Seen* seen, int64_t* expiry_ms) override {
    *expiry_ms = INT64_MAX;
    for (auto& [hash, entry] : dbs_[db]) {
      if (entry->expiry_ms == 0 || entry->expiry_ms >= *expiry_ms) continue;
      *expiry_ms = entry->expiry_ms;
      *seen = SeenOf(*entry);
    }
    return *expiry_ms != INT64_MAX;
  }
  void SetUse(void* to, uint32_t access, bool small) override {
    Entry& entry = *static_cast<Entry*>(to);
    if (entry.small && !small) evictor_.SmallLeft(10);
    entry.access = access;
    entry.small = small;
  }
  size_t Evict(int db, void* entry) override {
    Delete(db, *static_cast<Entry*>(entry));
    return 10;
  }
  bool Fits() const override { return size() <= limit_; }

  void Delete(int db, Entry& entry) {
    if (entry.small) evictor_.SmallLeft(10);
    ASSERT_EQ(dbs_[db].erase(entry.hash >> 16), 1u);
  }
  static Seen SeenOf(Entry& entry) {
    return {&entry, entry.access, entry.small, entry.phase, entry.expiry_ms != 0};
  }

  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena_{*memory_source};
  base::Random random_{42};
  std::map<uint64_t, std::unique_ptr<Entry>> dbs_[2];  // by the top 48 bits of the hash
  size_t limit_ = 1000;
  int64_t seconds_ = kStart;
  keyspace::EvictionConfig config_;
  Evictor evictor_{*this, &arena_, 1};
};

TEST_F(EvictorTest, WithinTheLimitNobodyGoes) {
  Configure(EvictionOrder::kLru);
  for (int i = 0; i < 20; ++i) Add(i % 2);
  EXPECT_EQ(evictor_.Evict({}), Evictor::Outcome::kFits);
  EXPECT_EQ(size(), 20u);
}

TEST_F(EvictorTest, NoneEvictsNobody) {
  for (int i = 0; i < 20; ++i) Add(0);
  Configure(EvictionOrder::kNone);
  EXPECT_EQ(EvictTo(10), Evictor::Outcome::kCannot);
  EXPECT_EQ(size(), 20u);
}

TEST_F(EvictorTest, EveryOrderEvictsAllIfItMust) {
  for (const EvictionOrder order : {EvictionOrder::kRandom, EvictionOrder::kLru, EvictionOrder::kLfu,
                                    EvictionOrder::kS3Fifo, EvictionOrder::kTtl}) {
    limit_ = 1000;
    Configure(order);
    for (int i = 0; i < 100; ++i) Use(Add(i % 2, 1));
    EXPECT_EQ(EvictTo(0), Evictor::Outcome::kFits) << static_cast<int>(order);
    EXPECT_EQ(size(), 0u);
    EXPECT_EQ(evictor_.small_bytes(), 0u);
    Add(0);
    EXPECT_EQ(EvictTo(0), order == EvictionOrder::kTtl ? Evictor::Outcome::kCannot : Evictor::Outcome::kFits);
    dbs_[0].clear();
  }
}

TEST_F(EvictorTest, VolatileOrdersLeaveKeysThatStay) {
  for (const EvictionOrder order : {EvictionOrder::kRandom, EvictionOrder::kLru, EvictionOrder::kLfu,
                                    EvictionOrder::kS3Fifo, EvictionOrder::kTtl}) {
    limit_ = 1000;
    Configure(order, true);
    for (int i = 0; i < 100; ++i) Add(i % 2, i % 5 == 0 ? 0 : 1);
    EXPECT_EQ(EvictTo(20), Evictor::Outcome::kFits) << static_cast<int>(order);
    EXPECT_EQ(keys(0, true) + keys(1, true), 0u);
    EXPECT_EQ(EvictTo(19), Evictor::Outcome::kCannot);
    EXPECT_EQ(size(), 20u);
    for (auto& db : dbs_) {
      while (!db.empty()) Delete(&db == &dbs_[0] ? 0 : 1, *db.begin()->second);
    }
  }
}

TEST_F(EvictorTest, LruTakesTheIdleOnesFirst) {
  Configure(EvictionOrder::kLru);
  std::set<uint64_t> idle;
  for (int i = 0; i < 400; ++i) {
    Entry& entry = Add(i % 2);
    if (i % 4 == 0) idle.insert(entry.hash);
  }
  Pass(10);
  for (auto& db : dbs_) {
    for (auto& [hash, entry] : db) {
      if (idle.count(entry->hash) == 0) Use(*entry);
    }
  }
  EXPECT_EQ(EvictTo(320), Evictor::Outcome::kFits);
  int left = 0;
  for (const uint64_t hash : idle) left += Has(hash);
  EXPECT_LE(left, 30) << "of 100, with 80 evicted";
}

TEST_F(EvictorTest, ACandidateThatWasUsedMeanwhileStays) {
  Configure(EvictionOrder::kLru);
  for (int i = 0; i < 30; ++i) Add(0);
  Pass(10);
  EXPECT_EQ(EvictTo(29), Evictor::Outcome::kFits);  // fills the pool
  for (auto& [hash, entry] : dbs_[0]) Use(*entry);
  Pass(10);
  Entry& fresh = Add(0);
  const uint64_t hash = fresh.hash;
  Pass(1);
  EXPECT_EQ(EvictTo(25), Evictor::Outcome::kFits);
  EXPECT_TRUE(Has(hash));
}

TEST_F(EvictorTest, LfuTakesTheRareOnesFirst) {
  Configure(EvictionOrder::kLfu);
  std::set<uint64_t> rare;
  for (int i = 0; i < 400; ++i) {
    Entry& entry = Add(i % 2);
    if (i % 4 == 0) {
      rare.insert(entry.hash);
    } else {
      for (int use = 0; use < 30; ++use) Use(entry);
    }
  }
  EXPECT_EQ(EvictTo(320), Evictor::Outcome::kFits);
  int left = 0;
  for (const uint64_t hash : rare) left += Has(hash);
  EXPECT_LE(left, 30) << "of 100, with 80 evicted";
}

TEST_F(EvictorTest, TtlTakesTheSoonestOfAllDatabases) {
  Configure(EvictionOrder::kTtl, true);
  for (int i = 0; i < 20; ++i) Add(i % 2, 100 + i);
  EXPECT_EQ(EvictTo(12), Evictor::Outcome::kFits);
  for (auto& db : dbs_) {
    for (auto& [hash, entry] : db) EXPECT_GE(entry->expiry_ms, 108);
  }
}

TEST_F(EvictorTest, UnderFifoWhatCameOnceGoesAndWhatWasUsedTwiceStays) {
  limit_ = 100;
  Configure(EvictionOrder::kS3Fifo);
  std::set<uint64_t> used;
  for (int i = 0; i < 10; ++i) {
    Entry& entry = Add(0);
    used.insert(entry.hash);
    Use(entry);
    Use(entry);
  }
  for (int i = 0; i < 90; ++i) Add(0);
  for (int i = 0; i < 1000; ++i) {
    Pass(i % 100 == 0);  // entries of one epoch are equally old
    Add(0);
    ASSERT_EQ(EvictTo(100), Evictor::Outcome::kFits);
  }
  for (const uint64_t hash : used) EXPECT_TRUE(Has(hash));
  EXPECT_LE(evictor_.small_bytes(), 110u);
}

TEST_F(EvictorTest, UnderFifoAKeyThatComesBackSoonStartsInMain) {
  limit_ = 100;
  Configure(EvictionOrder::kS3Fifo);
  std::vector<uint64_t> hashes;
  for (int i = 0; i < 300; ++i) {
    hashes.push_back(Add(0).hash);
    ASSERT_EQ(EvictTo(100), Evictor::Outcome::kFits);
  }
  int known = 0;
  int gone = 0;
  for (size_t i = 260; i < 290; ++i) {
    if (Has(hashes[i])) continue;
    ++gone;
    known += !evictor_.Begin(0, hashes[i], false).small;
  }
  EXPECT_GT(gone, 20);
  EXPECT_EQ(known, gone);
}

TEST_F(EvictorTest, UnderFifoDeletedKeysDoNotPileUpInTheQueue) {
  limit_ = 1000;
  Configure(EvictionOrder::kS3Fifo);
  for (int i = 0; i < 100'000; ++i) {
    Entry& entry = Add(0);
    if (i % 1000 != 0) Delete(0, entry);
  }
  EXPECT_LT(arena_.used(), 40'000u);
  EXPECT_EQ(EvictTo(0), Evictor::Outcome::kFits);
}

TEST_F(EvictorTest, OrdersMayBeChangedAtAnyTime) {
  const EvictionOrder orders[] = {EvictionOrder::kLru, EvictionOrder::kS3Fifo, EvictionOrder::kLfu,
                                  EvictionOrder::kRandom, EvictionOrder::kS3Fifo};
  for (int round = 0; round < 50; ++round) {
    limit_ = 100;
    Configure(orders[round % 5]);
    for (int i = 0; i < 60; ++i) Use(Add(i % 2));
    ASSERT_EQ(EvictTo(100), Evictor::Outcome::kFits);
    size_t small = 0;
    for (auto& db : dbs_) {
      for (auto& [hash, entry] : db) small += entry->small;
    }
    ASSERT_EQ(evictor_.small_bytes(), small * 10);
  }
}

TEST_F(EvictorTest, ASpentSliceSaysSo) {
  Configure(EvictionOrder::kRandom);
  for (int i = 0; i < 5000; ++i) Add(0);
  limit_ = 0;
  int slices = 1;
  for (; evictor_.Evict({.cpu_ns_max = 1}) == Evictor::Outcome::kMore; ++slices) ASSERT_LE(slices, 400);
  EXPECT_EQ(size(), 0u);
  EXPECT_GE(slices, 5000 / 33) << "no more than the untimed ones and one look at the clock";
}

}  // namespace
}  // namespace larder::testing
