// Compaction moves entries and values, and nothing that anybody could notice but the memory changes.
#include "lib/keyspace/compactor.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/memory/heap.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Db;
using keyspace::Entry;
using keyspace::EvictionOrder;
using keyspace::kNoExpiry;

class CompactorTest : public KeyspaceTest {
 protected:
  static std::string KeyOf(size_t i) { return "key:" + std::to_string(i); }
  memory::Arena& arena() { return keyspace_->arena(); }
  const StepStats& steps() { return keyspace_->steps()[base::Step::kCompact]; }

  // Fills a database and deletes all but every `keep`th key.
  void Thin(Db& db, size_t keys, size_t value_bytes, size_t keep) {
    for (size_t i = 0; i < keys; ++i) PutIn(db, KeyOf(i), std::string(value_bytes, static_cast<char>('a' + i % 26)));
    for (size_t i = 0; i < keys; ++i) {
      if (i % keep != 0) db.Delete(db.Find(KeyOf(i), keyspace::Lookup::kPeek), {});
    }
  }
  void ExpectThinned(Db& db, size_t keys, size_t value_bytes, size_t keep) {
    EXPECT_EQ(db.size(), (keys + keep - 1) / keep);
    for (size_t i = 0; i < keys; i += keep) {
      const Entry* entry = db.Find(KeyOf(i), keyspace::Lookup::kPeek);
      ASSERT_NE(entry, nullptr) << i;
      ASSERT_EQ(ValueOf(*entry), std::string(value_bytes, static_cast<char>('a' + i % 26))) << i;
    }
  }
  int Compact() {
    int steps = 0;
    while (keyspace_->CompactStep()) ++steps;
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_TRUE(arena().Valid());
    return steps;
  }
};

TEST_F(CompactorTest, AFewKeysOfManyTakeNoMoreMemoryThanIfTheyWereAlone) {
  Thin(db_, 50'000, 500, 10);
  const size_t used = keyspace_->used_memory();
  EXPECT_GT(arena().waste(), 4 * used);
  ASSERT_TRUE(keyspace_->WantsCompaction());
  EXPECT_GT(Compact(), 10);
  EXPECT_EQ(keyspace_->used_memory(), used);
  EXPECT_LT(arena().waste(), used / 8);
  ExpectThinned(db_, 50'000, 500, 10);
  // What was moved is told: of the 5,000 that are left nearly all, once.
  EXPECT_GT(steps().entries, 4'500u);
  EXPECT_LT(steps().entries, 5'500u);
  EXPECT_GT(steps().bytes, 4'500u * 500);
}

TEST_F(CompactorTest, ValuesOfAnotherSizeUseWhatIsFreed) {
  Thin(db_, 50'000, 500, 10);
  Compact();
  const size_t held = arena().held();
  for (int i = 0; i < 25'000; ++i) Put("other:" + std::to_string(i), std::string(700, 'o'));
  EXPECT_LE(arena().held(), held > 25'000'000 ? held : size_t{25'000'000});
}

TEST_F(CompactorTest, NothingIsMovedWhereLittleWouldBeWon) {
  Thin(db_, 50'000, 100, 1000);  // a few keys in a few runs: less than is worth a pass
  EXPECT_LT(arena().used(), 100'000u);
  Compact();
  const size_t waste = arena().waste();
  EXPECT_LT(waste, 1'000'000u);
  Thin(*keyspace_->db(1), 20'000, 300, 1);  // all there
  EXPECT_FALSE(keyspace_->WantsCompaction());
  EXPECT_FALSE(keyspace_->CompactStep());
}

TEST_F(CompactorTest, WhatAPassCannotMoveIsNoReasonForTheNext) {
  std::vector<memory::BlockRef> pins;
  for (size_t i = 0; i < 8'000; ++i) {
    Entry* entry = Put(KeyOf(i), std::string(2'000, 'p'));
    ASSERT_EQ(entry->storage(), Entry::Storage::kBlock);
    if (i % 10 == 0) pins.push_back(memory::BlockRef::Share(entry->block()));
  }
  for (size_t i = 0; i < 8'000; ++i) {
    if (i % 10 != 0) db_.Delete(Find(KeyOf(i)), {});
  }
  ASSERT_TRUE(keyspace_->WantsCompaction());
  Compact();
  EXPECT_FALSE(keyspace_->WantsCompaction());
  EXPECT_GT(arena().waste(), 5'000'000u);
  for (const memory::BlockRef& pin : pins) EXPECT_EQ(pin->view(), std::string(2'000, 'p'));
  for (size_t i = 0; i < 8'000; i += 10) EXPECT_EQ(Find(KeyOf(i))->block(), pins[i / 10].get());
  const uint64_t moved = steps().entries;

  // Free again, they go with the next reason to look.
  pins.clear();
  Thin(*keyspace_->db(1), 8'000, 500, 10);
  ASSERT_TRUE(keyspace_->WantsCompaction());
  Compact();
  EXPECT_GT(steps().entries, moved + 1'000);
  EXPECT_LT(arena().waste(), 1'000'000u);
}

TEST_F(CompactorTest, NoStepIsLong) {
  for (int db = 0; db < 3; ++db) Thin(*keyspace_->db(db), 10'000, 200 + static_cast<size_t>(db) * 2'000, 8);
  Compact();
  EXPECT_GT(steps().entries, 4'000u);
  // By what was copied, not by time: 40 us' worth of it.
  EXPECT_LT(steps().entries_max, 4'000u);
  EXPECT_LT(steps().bytes_max, 2'000'000u);
}

// Entries beyond the arena's blocks begin where a page does, as some of the arena's do.
TEST_F(CompactorTest, KeysLongerThanAnyBlockStayWhereTheyAre) {
  const std::string long_key(20'000, 'L');
  Put(long_key, "value");
  const Entry* before = Find(long_key);
  Thin(db_, 30'000, 300, 10);
  Compact();
  EXPECT_EQ(Find(long_key), before);
  EXPECT_EQ(Value(long_key), "value");
}

TEST_F(CompactorTest, TablesMayChangePlacesAndGoWhileAPassRuns) {
  Thin(db_, 40'000, 300, 8);
  Thin(*keyspace_->db(1), 40'000, 300, 8);
  ASSERT_TRUE(keyspace_->CompactStep());
  keyspace_->SwapDbs(0, 1);
  ASSERT_TRUE(keyspace_->CompactStep());
  keyspace_->FlushDb(db_);
  Compact();
  EXPECT_EQ(db_.size(), 0u);
  ExpectThinned(*keyspace_->db(1), 40'000, 300, 8);
}

// The sparsest run, in steps; whatever else runs in between.
TEST_F(CompactorTest, OneRunCanBeEmptied) {
  Thin(db_, 1'000, 300, 3);
  Thin(*keyspace_->db(5), 1'000, 300, 3);
  int emptied = 0;
  for (size_t waste = arena().waste();; waste = arena().waste()) {
    memory::Arena::Evacuated run;
    while ((run = keyspace_->EmptyRunStep()) == memory::Arena::Evacuated::kMore)
      EXPECT_TRUE(keyspace_->WantsCompaction());
    if (run == memory::Arena::Evacuated::kNot) break;
    EXPECT_EQ(arena().waste(), waste - memory::kRunBytes);
    ++emptied;
  }
  EXPECT_GE(emptied,
            3);  // what is left of the first database has been filled up by the second: six or seven runs, half empty
  EXPECT_TRUE(arena().Valid());
  ExpectThinned(db_, 1'000, 300, 3);
  ExpectThinned(*keyspace_->db(5), 1'000, 300, 3);
}

class EveryPolicyTest : public CompactorTest, public ::testing::WithParamInterface<EvictionOrder> {};
INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicyTest,
                         ::testing::Values(EvictionOrder::kLru, EvictionOrder::kLfu, EvictionOrder::kS3Fifo));

// Random traffic of sizes that drift against a model, with steps of compaction between its ops.
class Traffic {
 public:
  struct Known {
    std::string value;
    int64_t expiry_ms;
    uint32_t access;
    uint8_t phase;
    bool small;
  };

  Traffic(keyspace::Keyspace& keyspace, uint64_t seed) : keyspace_(keyspace), random_(seed) {}

  void Step(int64_t now_ms) {
    const int db = static_cast<int>(random_.Below(3));
    const std::string key = "k" + std::to_string(random_.Below(4'000));
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2: Put(db, key, now_ms); break;
      case 3:
        if (Entry* entry = Find(db, key); entry != nullptr) {
          keyspace_.db(db)->Delete(entry, {});
          known_.erase({db, key});
        }
        break;
      case 4:
        if (Entry* entry = Find(db, key); entry != nullptr) {
          keyspace_.Touch(*entry);
          Note(db, key, *entry);
        }
        break;
      case 5:
        if (Entry* entry = Find(db, key); entry != nullptr && entry->storage() == Entry::Storage::kBlock) {
          pins_.push_back({memory::BlockRef::Share(entry->block()), ValueOf(*entry)});
        }
        if (pins_.size() > 50) Unpin();
        break;
      default: drift_ += random_.Below(200) == 0 ? 40 : 0;
    }
  }

  void CheckAll() {
    size_t keys = 0;
    for (int db = 0; db < 3; ++db) keys += keyspace_.db(db)->size();
    ASSERT_EQ(keys, known_.size());
    for (const auto& [at, known] : known_) {
      const Entry* entry = Find(at.first, at.second);
      ASSERT_NE(entry, nullptr) << at.second;
      ASSERT_EQ(ValueOf(*entry), known.value) << at.second;
      ASSERT_EQ(entry->expiry_ms(), known.expiry_ms) << at.second;
      ASSERT_EQ(entry->access_data(), known.access) << at.second;
      ASSERT_EQ(entry->use_phase(), known.phase) << at.second;
      ASSERT_EQ(entry->marked(Entry::kInSmall), known.small) << at.second;
    }
    for (const auto& [pin, value] : pins_) ASSERT_EQ(pin->view(), value);
  }
  void Forget(const std::pair<int, std::string>& at) { known_.erase(at); }
  // Those that are due by then.
  void Expire(int64_t now_ms) {
    std::erase_if(known_, [&](const auto& item) {
      return item.second.expiry_ms != kNoExpiry && item.second.expiry_ms <= now_ms;
    });
  }
  void Unpin() { pins_.clear(); }

 private:
  Entry* Find(int db, const std::string& key) { return keyspace_.db(db)->Find(key, keyspace::Lookup::kPeek); }
  void Note(int db, const std::string& key, const Entry& entry) {
    known_[{db, key}] = {ValueOf(entry), entry.expiry_ms(), entry.access_data(), entry.use_phase(),
                         entry.marked(Entry::kInSmall)};
  }
  void Put(int db, const std::string& key, int64_t now_ms) {
    const size_t bytes = random_.Below(12) == 0 ? random_.Below(20'000) : drift_ + random_.Below(60);
    const int64_t expiry_ms =
        random_.Below(4) == 0 ? now_ms + 1 + static_cast<int64_t>(random_.Below(100'000)) : kNoExpiry;
    std::string value(bytes, static_cast<char>('a' + random_.Below(26)));
    const Bytes text(value);
    const keyspace::Place place = keyspace_.db(db)->Locate(key, keyspace::Lookup::kPeek);
    auto put = keyspace_.db(db)->PutString(key, place, keyspace::StringSource::Of(text), expiry_ms, {});
    ASSERT_TRUE(put.ok());
    Note(db, key, **put);
  }

  keyspace::Keyspace& keyspace_;
  base::Random random_;
  size_t drift_ = 30;
  std::map<std::pair<int, std::string>, Known> known_;
  std::vector<std::pair<memory::BlockRef, std::string>> pins_;
};

TEST_P(EveryPolicyTest, RandomTrafficNoticesNothing) {
  keyspace::KeyspaceConfig config = keyspace_->config();
  config.eviction = GetParam();
  config.maxmemory = uint64_t{1} << 40;
  keyspace_->Configure(config);
  for (uint64_t seed : {1, 2}) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Traffic traffic(*keyspace_, seed);
    for (int round = 0; round < 60; ++round) {
      for (int i = 0; i < 500; ++i) traffic.Step(now_ms());
      if (round % 8 == 7) {
        Advance(absl::Seconds(20));
        while (keyspace_->ExpireDue()) {
        }
        traffic.Expire(now_ms());
      }
      keyspace_->blocks().CollectReturned();
      Recorder recorder(keyspace_->effects(), keyspace::Effects::kEvents);
      const size_t used = keyspace_->used_memory();
      if (round % 5 == 4) {
        (void)keyspace_->EmptyRunStep();
      } else {
        keyspace_->CompactStep();
      }
      ASSERT_EQ(keyspace_->used_memory(), used);
      ASSERT_TRUE(recorder.Take().empty());
      if (round % 10 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(traffic.CheckAll());
    }
    ASSERT_NO_FATAL_FAILURE(traffic.CheckAll());
    ASSERT_TRUE(arena().Valid());
    traffic.Unpin();
    for (int db = 0; db < 3; ++db) {
      keyspace_->FlushDb(*keyspace_->db(db));
      while (keyspace_->garbage().FreeStep()) {
      }
    }
  }
  EXPECT_GT(steps().entries, 1'000u);
  // Every byte of every entry and block has been given back.
  EXPECT_EQ(keyspace_->blocks().blocks(), 0u);
}

// Allocations that fail at any point of a pass: it wins less, and nothing else.
TEST_F(CompactorTest, AFailingAllocationAtAnyPointLosesNothing) {
  class FailAt final : public memory::Arena::Gate {
   public:
    bool Allow(size_t) override { return asked++ < allowed; }
    size_t asked = 0;
    size_t allowed = SIZE_MAX;
  };
  Thin(db_, 12'000, 300, 8);
  Thin(*keyspace_->db(1), 3'000, 3'000, 8);
  FailAt gate;
  arena().SetGate(&gate);
  for (size_t allowed : {0, 1, 2, 3, 5, 8, 13, 50, 200, 1'000}) {
    gate.asked = 0;
    gate.allowed = allowed;
    const size_t used = keyspace_->used_memory();
    for (int i = 0; i < 20 && keyspace_->CompactStep(); ++i) {
    }
    (void)keyspace_->EmptyRunStep();
    EXPECT_EQ(keyspace_->used_memory(), used);
    EXPECT_TRUE(arena().Valid());
    ExpectThinned(db_, 12'000, 300, 8);
    ExpectThinned(*keyspace_->db(1), 3'000, 3'000, 8);
    gate.allowed = SIZE_MAX;
    PutIn(*keyspace_->db(2), "more" + std::to_string(allowed), "x");
  }
  arena().SetGate(nullptr);
}

}  // namespace
}  // namespace larder::testing
