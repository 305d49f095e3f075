#include <map>
#include <string>

#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Change;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::EvictionOrder;
using keyspace::Keyspace;
using keyspace::Lookup;
using keyspace::Room;
using keyspace::kNoExpiry;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr Change kSet{EventClass::kString, "set"};

class EvictionTest : public KeyspaceTest {
 protected:
  void Limit(size_t bytes) {
    keyspace::KeyspaceConfig config = keyspace_->config();
    config.maxmemory = bytes;
    keyspace_->Configure(config);
  }
  void Choose(EvictionOrder order, bool volatile_only) {
    keyspace::KeyspaceConfig config = keyspace_->config();
    config.eviction = order;
    config.evict_volatile_only = volatile_only;
    keyspace_->Configure(config);
  }
  // In slices, as many as it takes.
  Room MakeAllRoom() {
    Room room = Room::kOver;
    while (room == Room::kOver) room = keyspace_->limit().MakeRoom({});
    return room;
  }
  // Sets the limit to what is used now, less this many bytes.
  void LimitBelowUse(size_t bytes) { Limit(keyspace_->used_memory() - bytes); }
  void Fill(keyspace::Db& db, int keys, int64_t expiry_ms = kNoExpiry) {
    for (int i = 0; i < keys; ++i) PutIn(db, "k" + std::to_string(i), std::string(100, 'v'), expiry_ms);
  }
};

TEST_F(EvictionTest, WithoutALimitThereIsRoom) {
  Fill(db_, 100);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  EXPECT_EQ(db_.size(), 100u);
}

TEST_F(EvictionTest, NoevictionRefusesAndKeepsAll) {
  Fill(db_, 100);
  LimitBelowUse(1);
  EXPECT_EQ(MakeAllRoom(), Room::kNone);
  EXPECT_EQ(db_.size(), 100u);
  EXPECT_EQ(keyspace_->stats().evicted, 0u);
  Limit(keyspace_->used_memory());
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
}

TEST_F(EvictionTest, AllkeysRandomEvictsJustEnough) {
  Choose(EvictionOrder::kRandom, false);
  Fill(db_, 100);
  Recorder recorder(keyspace_->effects(), Effects::kCommands | Effects::kOldValues);
  LimitBelowUse(1000);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  EXPECT_LE(keyspace_->used_memory(), keyspace_->config().maxmemory);
  EXPECT_LT(db_.size(), 100u);
  EXPECT_GT(db_.size(), 85u);
  EXPECT_EQ(keyspace_->stats().evicted, 100 - db_.size());
  const auto effects = recorder.Take();
  EXPECT_THAT(effects, SizeIs(100 - db_.size()));
  EXPECT_THAT(effects, Each(StartsWith("eevicted db0 k")));
  EXPECT_NE(effects[0].find("[DEL k"), std::string::npos);
}

TEST_F(EvictionTest, AllkeysRandomDrawsFromEveryDatabase) {
  Choose(EvictionOrder::kRandom, false);
  for (int i : {0, 7, 15}) Fill(*keyspace_->db(i), 100);
  LimitBelowUse(keyspace_->used_memory() / 2);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  for (int i : {0, 7, 15}) {
    EXPECT_LT(keyspace_->db(i)->size(), 100u) << i;
    EXPECT_GT(keyspace_->db(i)->size(), 0u) << i;
  }
}

TEST_F(EvictionTest, AllkeysRandomFailsOnlyWhenNothingIsLeft) {
  Choose(EvictionOrder::kRandom, false);
  Fill(db_, 20);
  keyspace_->extra_memory() = 1 << 20;
  Limit(1000);
  EXPECT_EQ(MakeAllRoom(), Room::kNone);
  EXPECT_EQ(keyspace_->size(), 0u);
}

TEST_F(EvictionTest, VolatileRandomTakesOnlyKeysWithAnExpiry) {
  Choose(EvictionOrder::kRandom, true);
  Fill(db_, 50);
  for (int i = 0; i < 50; ++i) Put("v" + std::to_string(i), std::string(100, 'v'), now_ms() + 1000);
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  LimitBelowUse(2000);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  EXPECT_THAT(recorder.Take(), Each(StartsWith("eevicted db0 v")));
  Limit(1);
  EXPECT_EQ(MakeAllRoom(), Room::kNone);
  EXPECT_EQ(db_.size(), 50u);
  EXPECT_EQ(db_.expiring(), 0u);
}

TEST_F(EvictionTest, VolatileTtlTakesTheSoonestOfAllDatabases) {
  Choose(EvictionOrder::kTtl, true);
  Put("late", std::string(200, 'v'), now_ms() + 3000);
  PutIn(*keyspace_->db(3), "soon", std::string(200, 'v'), now_ms() + 1000);
  PutIn(*keyspace_->db(9), "middle", std::string(200, 'v'), now_ms() + 2000);
  Put("never", std::string(200, 'v'));
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  Limit(1);
  EXPECT_EQ(MakeAllRoom(), Room::kNone);
  EXPECT_THAT(recorder.Take(), ElementsAre("eevicted db3 soon", "eevicted db9 middle", "eevicted db0 late"));
  EXPECT_EQ(db_.size(), 1u);
}

class RandomEvictionTest : public EvictionTest {
 protected:
  // Evicts one key at a time and sets it again; returns variance over mean of how often each went: about 1 if all have
  // the same chance each time.
  double Dispersion(int keys, int rounds, int64_t expiry_ms) {
    std::map<std::string, int> went;
    for (int i = 0; i < keys; ++i) went["k" + std::to_string(i)] = 0;
    for (int i = 0; i < rounds; ++i) {
      Recorder recorder(keyspace_->effects(), Effects::kEvents);
      LimitBelowUse(1);
      EXPECT_EQ(MakeAllRoom(), Room::kFits);
      Limit(0);
      for (const std::string& effect : recorder.Take()) {
        const std::string key = effect.substr(effect.rfind(' ') + 1);
        ++went.at(key);
        Put(key, std::string(100, 'v'), expiry_ms);
      }
    }
    double mean = 0;
    double variance = 0;
    for (const auto& [key, times] : went) mean += times;
    mean /= keys;
    for (const auto& [key, times] : went) variance += (times - mean) * (times - mean);
    return variance / keys / mean;
  }
};

TEST_F(RandomEvictionTest, EveryKeyHasTheSameChance) {
  Choose(EvictionOrder::kRandom, false);
  Fill(db_, 1000);
  EXPECT_LT(Dispersion(1000, 30'000, kNoExpiry), 1.5);
}

TEST_F(RandomEvictionTest, EveryKeyThatExpiresHasTheSameChance) {
  Choose(EvictionOrder::kRandom, true);
  for (int i = 0; i < 1000; ++i) Put("stays" + std::to_string(i), "v");
  Fill(db_, 1000, now_ms() + 1000);
  EXPECT_LT(Dispersion(1000, 30'000, now_ms() + 1000), 1.5);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(Find("stays" + std::to_string(i)), nullptr);
}

TEST_F(RandomEvictionTest, EveryOneOfTheFewThatExpireHasTheSameChance) {
  Choose(EvictionOrder::kRandom, true);
  for (int i = 0; i < 20'000; ++i) Put("stays" + std::to_string(i), "v");
  Fill(db_, 500, now_ms() + 1000);
  EXPECT_LT(Dispersion(500, 15'000, now_ms() + 1000), 1.5);
}

TEST_F(RandomEvictionTest, TheFewThatExpireAmongManyAreFound) {
  Choose(EvictionOrder::kRandom, true);
  for (int i = 0; i < 20'000; ++i) Put("stays" + std::to_string(i), "v");
  Fill(db_, 3, now_ms() + 1000);
  Limit(1);
  EXPECT_EQ(MakeAllRoom(), Room::kNone);
  EXPECT_EQ(db_.size(), 20'000u);
}

// The first eviction under lru makes the table of epochs, so that used_memory can be higher after it than before.
// What S3-FIFO knows of a key moves with it: data, and the place in the small queue.
TEST_F(EvictionTest, AMovedEntryStaysInItsQueueAndACopyBegins) {
  Limit(1 << 30);
  Choose(EvictionOrder::kS3Fifo, false);
  const auto move = [&](std::string_view from, std::string_view to) {
    return *db_.PutMoved(to, Find(to), db_, Find(from), kSet, kSet);
  };
  Put("k", "v");
  Put("l", "v");
  ASSERT_TRUE(Find("k")->marked(Entry::kInSmall));
  for (int i = 0; i < 2; ++i) db_.Find("k", Lookup::kRead);
  const uint32_t used = Find("k")->access_data();
  ASSERT_NE(used, Find("l")->access_data());

  Entry* moved = move("k", "m");
  EXPECT_EQ(moved->access_data(), used);
  EXPECT_TRUE(moved->marked(Entry::kInSmall));
  EXPECT_EQ(keyspace_->evictor().small_bytes(), Keyspace::BytesOf(*moved) + Keyspace::BytesOf(*Find("l")));
  moved = move("m", "l");
  EXPECT_EQ(moved->access_data(), used);
  EXPECT_EQ(keyspace_->evictor().small_bytes(), Keyspace::BytesOf(*moved));
  Entry* copy = *db_.PutCopy("l", Find("l"), *moved, kNoExpiry, kSet);
  EXPECT_NE(copy->access_data(), used);
  EXPECT_EQ(keyspace_->evictor().small_bytes(), Keyspace::BytesOf(*copy));

  keyspace_->SetUse(*copy, used, false);  // main's
  moved = move("l", "n");
  EXPECT_EQ(moved->access_data(), used);
  EXPECT_FALSE(moved->marked(Entry::kInSmall));
  EXPECT_EQ(keyspace_->evictor().small_bytes(), 0u);
}

// A mark that another policy has left means nothing then.
TEST_F(EvictionTest, AMovedEntryLeavesTheQueueOfAnEarlierPolicy) {
  Limit(1 << 30);
  Choose(EvictionOrder::kS3Fifo, false);
  Put("k", "v");
  Choose(EvictionOrder::kLfu, false);
  const Entry* moved = *db_.PutMoved("l", Find("l"), db_, Find("k"), kSet, kSet);
  EXPECT_FALSE(moved->marked(Entry::kInSmall));
  EXPECT_EQ(keyspace_->evictor().small_bytes(), 0u);
}

TEST_F(EvictionTest, AStepCountsTheBytesOfTheEntriesThatItEvicted) {
  Choose(EvictionOrder::kLru, false);
  Fill(db_, 1000);
  size_t bytes_of_all = 0;
  for (int i = 0; i < 1000; ++i) bytes_of_all += memory::Arena::RoundUp(Find("k" + std::to_string(i))->footprint());
  LimitBelowUse(1);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  size_t bytes_of_left = 0;
  for (int i = 0; i < 1000; ++i) {
    const keyspace::Entry* entry = Find("k" + std::to_string(i));
    if (entry != nullptr) bytes_of_left += memory::Arena::RoundUp(entry->footprint());
  }
  const StepStats& step = keyspace_->steps()[base::Step::kEvict];
  EXPECT_EQ(step.entries, 1000 - db_.size());
  EXPECT_GT(step.entries, 0u);
  EXPECT_EQ(step.bytes, bytes_of_all - bytes_of_left);
  EXPECT_EQ(step.bytes_max, step.bytes);
}

TEST_F(EvictionTest, ALargeValueCountsWithItsBlock) {
  Choose(EvictionOrder::kRandom, false);
  Put("large", std::string(100'000, 'v'));
  LimitBelowUse(1);
  EXPECT_EQ(MakeAllRoom(), Room::kFits);
  const StepStats& step = keyspace_->steps()[base::Step::kEvict];
  EXPECT_EQ(step.entries, 1u);
  EXPECT_GE(step.bytes, 100'000u);
  EXPECT_LT(step.bytes, 110'000u);
}

// Takes a large block whenever pages are discarded, as another thread's call may do during a step of freeing.
class TakesWhileOthersFree final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override { return system_->Allocate(bytes, alignment); }
  void Free(void* memory, size_t bytes, size_t alignment) override { system_->Free(memory, bytes, alignment); }
  void Discard(void* memory, size_t bytes) override {
    system_->Discard(memory, bytes);
    if (heap != nullptr && !taken) taken = memory::BlockRef::Adopt(heap->New(kBytes, kBytes));
  }

  static constexpr size_t kBytes = 8 << 20;
  memory::Heap* heap = nullptr;
  memory::BlockRef taken;

 private:
  std::shared_ptr<MemorySource> system_ = SystemMemory();
};

TEST(FreeStepTest, CountsNothingWhenMoreWasTakenMeanwhile) {
  const auto source = std::make_shared<TakesWhileOthersFree>();
  keyspace::KeyspaceConfig config;
  config.seed = 1;
  config.memory = source;
  ManualClock clock;
  const auto keyspace = keyspace::Keyspace::Create(config, clock);
  memory::Heap& heap = keyspace->blocks();
  memory::Block* block = heap.New(2 << 20, 2 << 20);
  ASSERT_NE(block, nullptr);
  keyspace->garbage().Drop(block);
  source->heap = &heap;
  while (keyspace->garbage().FreeStep()) {
  }
  ASSERT_TRUE(source->taken);
  const StepStats& step = keyspace->steps()[base::Step::kFree];
  EXPECT_GT(step.steps, 0u);
  EXPECT_LE(step.bytes_max, size_t{4} << 20);
  source->heap = nullptr;
  source->taken = memory::BlockRef();
}

}  // namespace
}  // namespace larder::testing
