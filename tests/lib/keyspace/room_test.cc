// Room for writes: slices, what they evict at least, what is refused, and what the background works off.
#include "lib/keyspace/room.h"

#include <algorithm>
#include <string>

#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Db;
using keyspace::Entry;
using keyspace::Evictor;
using keyspace::EvictionOrder;
using keyspace::Growth;
using keyspace::Keyspace;
using keyspace::kSliceBytes;
using keyspace::Room;

constexpr size_t kValueBytes = 100;

class RoomTest : public KeyspaceTest {
 protected:
  using KeyspaceTest::KeyspaceTest;
  void Configure(EvictionOrder order, size_t limit) {
    keyspace::KeyspaceConfig config = keyspace_->config();
    config.eviction = order;
    config.maxmemory = limit;
    keyspace_->Configure(config);
  }
  void Fill(Db& db, int keys) {
    for (int i = 0; i < keys; ++i) PutIn(db, "k" + std::to_string(i), std::string(kValueBytes, 'v'));
  }
  const StepStats& step() { return keyspace_->steps()[base::Step::kEvict]; }
  size_t used() { return keyspace_->used_memory(); }
};

TEST_F(RoomTest, AWriteFarOverTheLimitEvictsOneSliceAndMayRun) {
  Fill(db_, 30'000);
  Configure(EvictionOrder::kRandom, used() / 100);
  const uint64_t steps = step().steps;
  EXPECT_TRUE(keyspace_->limit().Admit({.bytes = 100, .value_bytes = 100}).ok());
  EXPECT_EQ(step().steps, steps + 1);
  EXPECT_GT(step().entries, 0u);
  EXPECT_LE(step().entries, 1024u);
  EXPECT_TRUE(keyspace_->limit().Exceeded());
  // So do the next, until it fits.
  int writes = 1;
  for (; keyspace_->limit().Exceeded(); ++writes) ASSERT_TRUE(keyspace_->limit().Admit({.bytes = 100, .value_bytes = 100}).ok());
  EXPECT_GE(writes, 30'000 * 98 / 100 / 1024);
  EXPECT_LE(step().entries_max, 1024u);
  EXPECT_LE(used(), keyspace_->config().maxmemory);
}

TEST_F(RoomTest, ASliceEvictsAtLeastWhatTheWriteAdds) {
  Fill(db_, 30'000);
  Configure(EvictionOrder::kRandom, used() / 100);
  uint64_t before = step().bytes;
  ASSERT_EQ(keyspace_->limit().MakeRoom({.bytes = kSliceBytes}), Room::kOver);
  EXPECT_GE(step().bytes - before, kSliceBytes);
  // One that cannot let others in between: all of it; any other: a slice.
  before = step().bytes;
  ASSERT_EQ(keyspace_->limit().MakeRoom({.bytes = 1'000'000, .at_once = true}), Room::kOver);
  EXPECT_GE(step().bytes - before, 1'000'000u);
  before = step().bytes;
  ASSERT_EQ(keyspace_->limit().MakeRoom({.bytes = 1'000'000}), Room::kOver);
  EXPECT_LT(step().bytes - before, 1'000'000u);
}

TEST_F(RoomTest, MemoryOverTheLimitDoesNotGrow) {
  for (const EvictionOrder order : {EvictionOrder::kRandom, EvictionOrder::kLru, EvictionOrder::kLfu,
                                    EvictionOrder::kS3Fifo}) {
    Configure(order, 0);
    Fill(db_, 20'000);
    Configure(order, used() / 2);
    const size_t most = used() + 64 * 1024;  // one write, and what the evictor keeps
    for (int i = 0; i < 2000; ++i) {
      const std::string value(1000, 'w');
      ASSERT_TRUE(keyspace_->limit().Admit({.bytes = value.size(), .value_bytes = value.size()}).ok());
      Put("w" + std::to_string(i), value);
      ASSERT_LE(used(), most);
    }
    EXPECT_LE(used(), keyspace_->config().maxmemory + 1100);
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
  }
}

TEST_F(RoomTest, NobodyGoesForWhatTheWriteHasCountedItself) {
  Fill(db_, 100);
  Configure(EvictionOrder::kRandom, used() + 1000);
  const memory::BlockRef block = memory::BlockRef::Adopt(keyspace_->blocks().New(100'000, 100'000));
  ASSERT_TRUE(keyspace_->limit().Exceeded());
  const size_t counted = block->footprint();
  EXPECT_TRUE(keyspace_->limit().Admit({.bytes = counted, .counted = counted}).ok());
  EXPECT_EQ(db_.size(), 100u);
  (void)keyspace_->limit().Admit({.bytes = 10});
  EXPECT_LT(db_.size(), 100u) << "to others it is memory as any other";
}

TEST_F(RoomTest, NobodyGoesForAnArgumentThatWillBeRefused) {
  Fill(db_, 100);
  Configure(EvictionOrder::kRandom, used() + 1000);
  const memory::BlockRef block = memory::BlockRef::Adopt(keyspace_->blocks().New(1'000'000, 1'000'000));
  keyspace_->limit().doomed_arguments() += block->footprint();
  EXPECT_TRUE(keyspace_->limit().Admit({.bytes = 10, .value_bytes = 10}).ok());
  EXPECT_EQ(db_.size(), 100u);
  keyspace_->limit().doomed_arguments() -= block->footprint();
}

TEST_F(RoomTest, AValueLargerThanTheLimitIsRefusedBeforeAnybodyGoes) {
  Fill(db_, 1000);
  for (const size_t limit : {used() * 2, used() / 2}) {  // with room, and over the limit
    Configure(EvictionOrder::kLru, limit);
    EXPECT_EQ(keyspace_->limit().Admit({.bytes = limit + 1, .value_bytes = limit + 1}), errors::kLargerThanMaxmemory);
    EXPECT_EQ(db_.size(), 1000u);
  }
  Configure(EvictionOrder::kLru, used());
  EXPECT_TRUE(keyspace_->limit().Admit({.bytes = used(), .value_bytes = used()}).ok());
  EXPECT_EQ(db_.size(), 1000u) << "there is room for what is used, and a write may overshoot by its own size";
}

TEST_F(RoomTest, RefusedIsWhatFindsNothingThatMayGo) {
  Fill(db_, 1000);
  Configure(EvictionOrder::kNone, used() - 1);
  EXPECT_EQ(keyspace_->limit().Admit({.bytes = 10, .value_bytes = 10}), errors::kOutOfMemory);
  EXPECT_EQ(keyspace_->limit().Admit({.bytes = used(), .value_bytes = used()}), errors::kOutOfMemory) << "Redis's reason first";
  EXPECT_EQ(db_.size(), 1000u);
  EXPECT_FALSE(keyspace_->limit().owes_eviction());
}

TEST_F(RoomTest, TheBackgroundWorksOffWhatIsLeft) {
  Fill(db_, 30'000);
  EXPECT_FALSE(keyspace_->limit().EvictStep()) << "there is nothing to do";
  Configure(EvictionOrder::kRandom, used() / 10);
  EXPECT_TRUE(keyspace_->limit().owes_eviction()) << "a lower limit is reason enough";
  EXPECT_NE(keyspace_->owed() & keyspace::kOwesEviction, 0u);
  int slices = 1;
  for (; keyspace_->limit().EvictStep(); ++slices) ASSERT_TRUE(keyspace_->limit().Exceeded());
  EXPECT_GE(slices, 30'000 * 8 / 10 / 1024);
  EXPECT_LE(step().entries_max, 1024u);
  EXPECT_FALSE(keyspace_->limit().Exceeded());
  EXPECT_FALSE(keyspace_->limit().owes_eviction());
  EXPECT_GT(db_.size(), 30'000u / 20);
}

TEST_F(RoomTest, WhatASingleWriteOvershootsIsTheNextOnesToEvict) {
  Fill(db_, 1000);
  Configure(EvictionOrder::kRandom, used());
  ASSERT_TRUE(keyspace_->limit().Admit({.bytes = 500, .value_bytes = 500}).ok());
  Put("more", std::string(500, 'm'));
  EXPECT_TRUE(keyspace_->limit().Exceeded());
  EXPECT_FALSE(keyspace_->limit().owes_eviction());
  ASSERT_TRUE(keyspace_->limit().Admit({.bytes = 10, .value_bytes = 10}).ok());
  EXPECT_FALSE(keyspace_->limit().Exceeded());
  EXPECT_FALSE(keyspace_->limit().owes_eviction()) << "nothing wakes the background for it";
}

TEST_F(RoomTest, WhatHasBeenDeletedGoesBeforeAnybodyIsEvicted) {
  Db& other = *keyspace_->db(1);
  Fill(db_, 1000);
  const size_t alone = used();
  Fill(other, 20'000);
  Configure(EvictionOrder::kRandom, alone + 10'000);
  keyspace_->FlushDb(other);
  ASSERT_TRUE(keyspace_->limit().Exceeded());
  for (int writes = 0; keyspace_->limit().Exceeded(); ++writes) {
    ASSERT_LT(writes, 20'000 / 128 + 10);
    const size_t before = used();
    ASSERT_TRUE(keyspace_->limit().Admit({.bytes = 1000, .value_bytes = 100}).ok());
    EXPECT_LE(used(), before - 1000);
  }
  EXPECT_EQ(db_.size(), 1000u);
  EXPECT_EQ(keyspace_->stats().evicted, 0u);
}

// An eighth of the limit may wait to be freed: it is as if it had gone.
TEST_F(RoomTest, WhatWaitsToBeFreedCountsAsGone) {
  Db& other = *keyspace_->db(1);
  Fill(db_, 20'000);
  Fill(other, 1'000);
  const size_t flushed = other.bytes() + other.table().memory();
  Configure(EvictionOrder::kRandom, used());
  const size_t before = used();
  keyspace_->FlushDb(other);
  EXPECT_EQ(keyspace_->garbage().bytes(), flushed - (before - used())) << "a first step has been done";
  ASSERT_GT(keyspace_->garbage().bytes(), flushed / 2);
  ASSERT_LT(keyspace_->garbage().bytes(), before / 8);
  // As much as has gone may come, without a step of freeing and without anybody who is evicted.
  const size_t garbage = keyspace_->garbage().bytes();
  int written = 0;
  for (; used() + 16 * 1024 < before + garbage; ++written) {  // the table may grow at the last one
    ASSERT_TRUE(keyspace_->limit().Admit({.bytes = kValueBytes, .value_bytes = kValueBytes}).ok());
    Put("w" + std::to_string(written), std::string(kValueBytes, 'w'));
  }
  EXPECT_GT(written, 300);
  EXPECT_EQ(keyspace_->garbage().bytes(), garbage);
  EXPECT_EQ(keyspace_->stats().evicted, 0u);
  EXPECT_EQ(db_.size(), 20'000u + static_cast<size_t>(written));
  EXPECT_FALSE(keyspace_->limit().Exceeded());
  while (keyspace_->garbage().FreeStep()) {
  }
  EXPECT_EQ(keyspace_->garbage().bytes(), 0u);
  EXPECT_LE(used(), before);
}

TEST_F(RoomTest, BeyondAnEighthAWriteFreesTwiceWhatItAdds) {
  Db& other = *keyspace_->db(1);
  Fill(db_, 1'000);
  Fill(other, 20'000);
  Configure(EvictionOrder::kRandom, used());
  const size_t limit = used();
  keyspace_->FlushDb(other);
  ASSERT_GT(keyspace_->garbage().bytes(), limit / 2);
  size_t most = 0;
  for (int i = 0; i < 30'000; ++i) {
    const size_t garbage = keyspace_->garbage().bytes();
    const bool over = keyspace_->limit().Exceeded();
    ASSERT_TRUE(keyspace_->limit().Admit({.bytes = kValueBytes, .value_bytes = kValueBytes}).ok());
    if (over && garbage > limit / 8 + 4 * kValueBytes) {
      ASSERT_LE(keyspace_->garbage().bytes() + 2 * kValueBytes, garbage);
      ASSERT_EQ(keyspace_->stats().evicted, 0u);
    }
    Put("w" + std::to_string(i), std::string(kValueBytes, 'w'));
    most = std::max(most, used());
  }
  EXPECT_LE(keyspace_->garbage().bytes(), limit / 8);
  EXPECT_GT(keyspace_->stats().evicted, 0u) << "in the end there are too many keys that are alive";
  EXPECT_GT(most, limit);
  EXPECT_LE(most, limit + limit / 8 + 64 * 1024);
}

// A queue of which nobody may go yet, since all have been used, is not one step.
TEST_F(RoomTest, UnderFifoASliceMovesNoMoreThanItMay) {
  Configure(EvictionOrder::kS3Fifo, 0);
  keyspace::KeyspaceConfig config = keyspace_->config();
  config.maxmemory = size_t{1} << 30;
  keyspace_->Configure(config);
  Fill(db_, 50'000);
  for (int use = 0; use < 3; ++use) {
    for (int i = 0; i < 50'000; ++i) db_.Find("k" + std::to_string(i), keyspace::Lookup::kRead);
  }
  const size_t small = keyspace_->evictor().small_bytes();
  ASSERT_GT(small, size_t{50'000} * kValueBytes / 2) << "all of them wait in the small queue";
  Configure(EvictionOrder::kS3Fifo, used() / 2);
  ASSERT_EQ(keyspace_->limit().MakeRoom({.bytes = 10}), Room::kOver);
  EXPECT_GT(keyspace_->evictor().small_bytes(), small / 2) << "at most 8 words a look, 1024 looks";
  EXPECT_LE(step().entries_max, 1024u);
}

// ---- What s3fifo believes to be in its small queue ------------------------------------------------------------------

class SmallBytesTest : public RoomTest {
 protected:
  SmallBytesTest() {
    Configure(EvictionOrder::kS3Fifo, size_t{64} << 20);
  }
  size_t AllBytes() {
    size_t sum = 0;
    db_.ForEach([&](Entry& entry) { sum += Keyspace::BytesOf(entry); });
    return sum;
  }
  size_t SmallBytes() {
    size_t sum = 0;
    db_.ForEach([&](Entry& entry) {
      if (entry.marked(Entry::kInSmall)) sum += Keyspace::BytesOf(entry);
    });
    return sum;
  }
};

TEST_F(SmallBytesTest, AKeyThatIsOverwrittenByALongerOneAndDeletedLeavesNothing) {
  Put("k", std::string(2000, 'v'));
  ASSERT_TRUE(Find("k")->marked(Entry::kInSmall));
  Put("k", std::string(10'000, 'w'));
  EXPECT_EQ(keyspace_->evictor().small_bytes(), SmallBytes());
  db_.Delete(Find("k"), {});
  EXPECT_EQ(keyspace_->evictor().small_bytes(), 0u);
}

TEST_F(SmallBytesTest, AreExactWhateverIsDone) {
  constexpr uint64_t kSeed = 20261201;
  base::Random random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const size_t sizes[] = {0, 1, 8, 90, 1000, 1100, 2000, 5000, 15'000, 20'000, 70'000};
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "k" + std::to_string(random.Below(50));
    const std::string value(sizes[random.Below(std::size(sizes))], '7');
    const keyspace::Place existing = db_.Locate(key, keyspace::Lookup::kWrite);
    const uint64_t action = random.Below(6);
    switch (action) {
      case 0:
        Put(key, value, random.Below(2) == 0 ? keyspace::kNoExpiry : now_ms() + 100'000);
        break;
      case 1: {
        const size_t size = value.size() + (existing == nullptr ? 0 : ValueOf(*existing).size() % 20'000);
        ASSERT_TRUE(db_.EditBytes(key, existing, {}, size, [](char*) {}, {}).ok());
        break;
      }
      case 2: {
        const std::pair<Bytes, Bytes> pairs[] = {{key, value}, {"k1", "12"}, {key, "x"}};
        ASSERT_TRUE(db_.PutStrings(3, [&](size_t at) { return pairs[at]; }, "set").ok());
        break;
      }
      case 3:
        if (existing != nullptr) {
          ASSERT_TRUE(db_.SetExpiry(existing, now_ms() + 1000, {}).ok());
        }
        break;
      case 4: {
        Entry* from = Find("k" + std::to_string(random.Below(50)));
        if (from != nullptr && from != existing) {
          ASSERT_TRUE(db_.PutCopy(key, existing, *from, from->expiry_ms(), {}).ok());
        }
        break;
      }
      case 5:
        if (existing != nullptr && random.Below(3) == 0) db_.Delete(existing, {});
        break;
    }
    ASSERT_EQ(db_.bytes(), AllBytes()) << "after " << i << " changes, the last of kind " << action;
    ASSERT_EQ(keyspace_->evictor().small_bytes(), SmallBytes())
        << "after " << i << " changes, the last of kind " << action;
  }
}

// ---- More databases than a word of the small queue can name ---------------------------------------------------------

class ManyDatabasesTest : public RoomTest {
 protected:
  static keyspace::KeyspaceConfig Config() {
    keyspace::KeyspaceConfig config = SeededConfig();
    config.databases = 10'000'000;
    return config;
  }
  ManyDatabasesTest() : RoomTest(Config()) {}
};

TEST_F(ManyDatabasesTest, EvictionReachesTheHighOnes) {
  for (const EvictionOrder order : {EvictionOrder::kS3Fifo, EvictionOrder::kLru, EvictionOrder::kRandom}) {
    Configure(order, 0);
    Db& high = *keyspace_->db(9'999'999);
    Db& middle = *keyspace_->db(65'536);
    Configure(order, size_t{1} << 30);
    Fill(high, 2000);
    Fill(middle, 2000);
    Put("stays", "v");
    Configure(order, used() - 300'000);
    ASSERT_TRUE(keyspace_->limit().Admit({.bytes = 10, .value_bytes = 10}).ok());
    while (keyspace_->limit().EvictStep()) {
    }
    EXPECT_FALSE(keyspace_->limit().Exceeded());
    EXPECT_LT(high.size() + middle.size(), 3000u);
    EXPECT_LT(high.size(), 2000u);
    EXPECT_LT(middle.size(), 2000u);
    EXPECT_EQ(keyspace_->made_dbs(), 3) << "and walks go over those that have been made";
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
  }
}

TEST_F(ManyDatabasesTest, ExpiryTakesThemInTurn) {
  Db& second = *keyspace_->db(77'777);
  for (int i = 0; i < 10'000; ++i) Put("k" + std::to_string(i), "v", now_ms() + 1);
  for (int i = 0; i < 100; ++i) PutIn(second, "k" + std::to_string(i), "v", now_ms() + 1);
  Advance(absl::Milliseconds(10));
  for (int steps = 0; steps < 4; ++steps) ASSERT_TRUE(keyspace_->ExpireDue());
  EXPECT_EQ(second.size(), 0u);
  EXPECT_GT(db_.size(), 5000u);
  while (keyspace_->ExpireDue()) {
  }
  EXPECT_EQ(keyspace_->size(), 0u);
}

}  // namespace
}  // namespace larder::testing
