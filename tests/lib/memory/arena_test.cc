#include "lib/memory/arena.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "tests/lib/memory/test_source.h"

namespace larder::testing {
namespace {

using memory::Arena;
using memory::kPageBytes;
using memory::kSmallMax;
using memory::SizeClasses;

constexpr int64_t kForEver = INT64_MAX / 2;

size_t ResidentBytes() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  size_t total = 0;
  size_t resident = 0;
  EXPECT_EQ(std::fscanf(file, "%zu %zu", &total, &resident), 2);
  std::fclose(file);
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Of resident bytes, which under a sanitizer include its own of unknown number.
void ExpectAtMost([[maybe_unused]] size_t resident, [[maybe_unused]] size_t limit) {
#if !defined(LARDER_ASAN) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(resident, limit);
#endif
}

TEST(SizeClassTest, EverySizeRoundsUpToTheSmallestClassThatHoldsIt) {
  size_t size = 0;
  for (size_t c = 0; c < memory::kSizeClasses.count; ++c) {
    for (; size <= memory::kSizeClasses.bytes[c]; ++size) {
      ASSERT_EQ(memory::SizeClassOf(size), c) << size;
      ASSERT_EQ(Arena::RoundUp(size), memory::kSizeClasses.bytes[c]) << size;
    }
  }
  EXPECT_EQ(size, kSmallMax + 1);
  EXPECT_EQ(Arena::RoundUp(SIZE_MAX), SIZE_MAX);
}

TEST(SizeClassTest, ClassesWasteLittle) {
  for (size_t c = 1; c < memory::kSizeClasses.count; ++c) {
    const size_t size = memory::kSizeClasses.bytes[c];
    const size_t step = size - memory::kSizeClasses.bytes[c - 1];
    EXPECT_TRUE(size <= 128 ? step == 8 : size > 9344 || step * 8 <= size) << size;  // 12.5 % at most
    EXPECT_LE(memory::kRunBytes % size, memory::kRunBytes / 50) << size;
    if (size >= 512) {
      EXPECT_EQ(size % 64, 0u);
    }
  }
}

// Random traffic against a map: no two blocks overlap, nothing is lost, the sums are exact.
class ArenaModel {
 public:
  ArenaModel(Arena& arena, uint64_t seed) : arena_(arena), random_(seed) {}

  size_t RandomSize() {
    switch (random_.Below(16)) {
      case 0: return random_.Below(kSmallMax * 4);
      case 1: return random_.Below(kSmallMax);
      case 2:
      case 3: return random_.Below(2048);
      default: return random_.Below(200);
    }
  }
  void Allocate() {
    const size_t size = RandomSize();
    const bool zeroed = random_.Below(8) == 0;
    auto* block = static_cast<unsigned char*>(zeroed ? arena_.AllocateZeroed(size) : arena_.Allocate(size));
    if (block == nullptr) {
      ++refused_;
      return;
    }
    const size_t rounded = Arena::RoundUp(size);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % (rounded % 64 == 0 ? 64 : 8), 0u);
    ASSERT_TRUE(!zeroed || size == 0 || (block[0] == 0 && std::memcmp(block, block + 1, size - 1) == 0));
    const auto next = blocks_.lower_bound(block);
    ASSERT_TRUE(next == blocks_.end() || block + rounded <= next->first);
    if (next != blocks_.begin()) {
      ASSERT_LE(std::prev(next)->first + Arena::RoundUp(std::prev(next)->second.size), block);
    }
    const auto fill = static_cast<unsigned char>(random_.Next());
    std::memset(block, fill, rounded);
    blocks_[block] = {size, fill};
    used_ += rounded;
  }
  void FreeOne() {
    if (blocks_.empty()) return;
    // About uniform: from a random address on.
    auto it = blocks_.lower_bound(std::prev(blocks_.end())->first - random_.Below(span() + 1));
    const auto [size, fill] = it->second;
    const size_t rounded = Arena::RoundUp(size);
    ASSERT_TRUE(it->first[0] == fill && std::memcmp(it->first, it->first + 1, rounded - 1) == 0);
    random_.Below(2) == 0 ? arena_.Free(it->first, size) : arena_.Free(it->first, rounded);
    used_ -= rounded;
    blocks_.erase(it);
  }
  void FreeAll() {
    while (!blocks_.empty()) FreeOne();
  }
  size_t used() const { return used_; }
  size_t count() const { return blocks_.size(); }
  size_t refused() const { return refused_; }
  base::Random& random() { return random_; }

 private:
  struct Seen {
    size_t size;
    unsigned char fill;
  };
  size_t span() const { return static_cast<size_t>(std::prev(blocks_.end())->first - blocks_.begin()->first); }

  Arena& arena_;
  base::Random random_;
  std::map<unsigned char*, Seen> blocks_;
  size_t used_ = 0;
  size_t refused_ = 0;
};

class ArenaTest : public ::testing::Test {
 protected:
  TestSource source_;
};

TEST_F(ArenaTest, RandomTrafficAgreesWithAModel) {
  for (const uint64_t seed : {1, 2}) {
    SCOPED_TRACE(seed);
    Arena arena(source_);
    ArenaModel model(arena, seed);
    for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
      const uint64_t frees_of_16 = round % 3 == 2 ? 14 : 5;  // grows twice, then shrinks
      for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
        model.random().Below(16) < frees_of_16 ? model.FreeOne() : model.Allocate();
      }
      if (round % 4 == 1) arena.Trim(round % 8 == 1 ? 0 : kForEver);
      ASSERT_EQ(arena.used(), model.used());
      ASSERT_EQ(arena.blocks(), model.count());
      ASSERT_EQ(arena.held(), source_.held());
      ASSERT_TRUE(arena.Valid());
    }
    model.FreeAll();
    EXPECT_EQ(arena.used(), 0u);
    EXPECT_EQ(arena.blocks(), 0u);
    EXPECT_FALSE(arena.Trim(kForEver));
    EXPECT_TRUE(arena.Valid());
    EXPECT_LE(arena.held(), size_t{4} << 20);
    EXPECT_GT(source_.discarded(), 0u);
  }
  EXPECT_EQ(source_.held(), 0u);
}

TEST_F(ArenaTest, ASourceThatFailsIsACleanNullptr) {
  for (size_t n = 0; n < 24; ++n) {
    Arena arena(source_);
    ArenaModel model(arena, n);
    source_.FailAfter(n);
    for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
      model.random().Below(16) < 4 ? model.FreeOne() : model.Allocate();
    }
    ASSERT_TRUE(arena.Valid());
    ASSERT_EQ(arena.used(), model.used());
    ASSERT_EQ(arena.held(), source_.held());
    EXPECT_GT(model.refused(), 0u) << n;
    source_.Heal();
    const size_t refused = model.refused();
    for (int i = 0; i < 100; ++i) model.Allocate();
    EXPECT_EQ(model.refused(), refused);
    model.FreeAll();
    EXPECT_EQ(arena.used(), 0u);
  }
}

TEST_F(ArenaTest, ASmallChunkIsTakenWhenALargeOneCannotBeHad) {
  // Has no more than 64 KB at a time.
  class Meagre final : public MemorySource {
   public:
    void* Allocate(size_t bytes, size_t alignment) override {
      return bytes > 65536 ? nullptr : system_->Allocate(bytes, alignment);
    }
    void Free(void* memory, size_t bytes, size_t alignment) override {
      system_->Free(memory, bytes, alignment);
    }
    std::shared_ptr<MemorySource> system_ = SystemMemory();
  } meagre;
  Arena arena(meagre);
  std::vector<void*> blocks;
  for (int i = 0; i < 10000; ++i) blocks.push_back(arena.Allocate(88));
  for (int i = 0; i < 20; ++i) blocks.push_back(arena.Allocate(kSmallMax));
  for (void* block : blocks) ASSERT_NE(block, nullptr);
  EXPECT_EQ(arena.held() % 65536, 0u);
  EXPECT_TRUE(arena.Valid());
}

TEST_F(ArenaTest, AnAddressAbove48BitsIsGivenBackAndRefused) {
  Arena arena(source_);
  for (const uintptr_t address : {uintptr_t{1} << 48, (uintptr_t{1} << 56) - (2 << 20), (uintptr_t{1} << 48) - 4096}) {
    source_.Answer(address);  // the last one begins below, ends above or is not aligned
    EXPECT_EQ(arena.Allocate(88), nullptr);
    EXPECT_EQ(arena.Allocate(kSmallMax + 1), nullptr);
    EXPECT_EQ(source_.given_out(), 0);
  }
  source_.Answer(4096);
  EXPECT_EQ(arena.Allocate(88), nullptr) << "a chunk that is not aligned";
  EXPECT_EQ(source_.given_out(), 0);
  source_.Answer(0);
  EXPECT_EQ(arena.held(), 0u);
  void* block = arena.Allocate(88);
  ASSERT_NE(block, nullptr);
  arena.Free(block, 88);
}

TEST_F(ArenaTest, WhatIsFarTooLargeIsRefused) {
  Arena arena(source_);
  EXPECT_EQ(arena.Allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(arena.Allocate(SIZE_MAX / 2 + 1), nullptr);
  EXPECT_EQ(arena.Allocate(size_t{1} << 62), nullptr);
  EXPECT_EQ(arena.held(), 0u);
}

TEST_F(ArenaTest, AMillionBlocksOf88BytesWasteUnderOnePercent) {
  Arena arena(source_);
  // A little more than a million, up to where the last chunk is used up.
  size_t blocks = 0;
  size_t held = 0;
  do {
    held = arena.held();
    ASSERT_NE(arena.Allocate(88), nullptr);
  } while (blocks++ < 1'000'000 || arena.held() == held);
  const double per_block = static_cast<double>(held) / static_cast<double>(blocks - 1);
  std::printf("held for a block of 88 bytes: %.3f bytes, %.2f %% over\n", per_block, (per_block / 88 - 1) * 100);
  EXPECT_LT(per_block, 88 * 1.01);
  EXPECT_EQ(arena.used(), blocks * 88);
}

TEST_F(ArenaTest, AnArenaOfFewBlocksIsResidentByTouchedPagesOnly) {
  size_t grown = 0;
  for (int twice = 0; twice < 2; ++twice) {  // the first time touches code and the test's own memory
    const size_t before = ResidentBytes();
    Arena arena(source_);
    for (const size_t size : {16, 32, 88, 200}) arena.Allocate(size);
    EXPECT_EQ(arena.held(), 262144u) << "four runs";
    grown = ResidentBytes() - before;
  }
  ExpectAtMost(grown, 10 * kPageBytes);
}

// A cache that was full and is emptied but for a few keys shrinks, though every chunk still has something in it.
TEST_F(ArenaTest, MemoryGoesBackAfterALargeDeletion) {
  constexpr size_t kBlocks = 400'000;
  std::vector<char*> blocks(kBlocks, static_cast<char*>(nullptr));
  const size_t before = ResidentBytes();
  Arena arena(source_);
  for (char*& block : blocks) {
    block = static_cast<char*>(arena.Allocate(88));
    std::memset(block, 1, 88);
  }
  EXPECT_GE(ResidentBytes(), before + kBlocks * 88);
  base::Random random(5);
  for (size_t i = kBlocks; i > 1; --i) std::swap(blocks[i - 1], blocks[random.Below(i)]);
  size_t kept = 0;
  for (size_t i = 0; i < kBlocks; ++i) {
    if (i % 20000 != 0) arena.Free(blocks[i], 88), blocks[i] = nullptr;
    kept += blocks[i] != nullptr;
    while (i % 1000 == 0 && arena.WantsTrim()) arena.Trim(kForEver);
  }
  arena.Trim(kForEver);
  EXPECT_EQ(arena.blocks(), kept);
  EXPECT_TRUE(arena.Valid());
  ExpectAtMost(ResidentBytes(), before + kept * 65536 + 64 * kPageBytes);
  for (char* block : blocks) arena.Free(block, 88);
  arena.Trim(kForEver);
  EXPECT_LE(arena.held(), 2u << 20) << "one chunk is kept";
  ExpectAtMost(ResidentBytes(), before + 64 * kPageBytes);
}

TEST_F(ArenaTest, TrimGivesOnePieceBackHoweverShortItsTime) {
  Arena arena(source_);
  std::vector<void*> blocks;
  for (int i = 0; i < 200'000; ++i) blocks.push_back(arena.Allocate(88));
  for (void* block : blocks) arena.Free(block, 88);
  int calls = 1;
  for (size_t seen = source_.discarded(); arena.Trim(0); ++calls) {
    ASSERT_LE(source_.discarded(), seen + 65536) << "more than a run in one piece";
    seen = source_.discarded();
  }
  EXPECT_GT(calls, 100);
  EXPECT_LE(arena.held(), 2u << 20);
}

TEST_F(ArenaTest, FragmentationHeals) {
  Arena arena(source_);
  std::vector<void*> blocks;
  for (int i = 0; i < 300'000; ++i) blocks.push_back(arena.Allocate(88));
  // One in eight stays; then the cache goes on with turnover at that size.
  base::Random random(7);
  std::vector<void*> live;
  for (void* block : blocks) random.Below(8) == 0 ? live.push_back(block) : arena.Free(block, 88);
  const size_t held = arena.held();
  for (int i = 0; i < 600'000; ++i) {
    void*& block = live[random.Below(live.size())];
    arena.Free(block, 88);
    block = arena.Allocate(88);
    if (arena.WantsTrim()) arena.Trim(kForEver);
  }
  std::printf("held %zu bytes after the deletion, %zu after turnover, used %zu\n", held, arena.held(), arena.used());
  EXPECT_LT(arena.held(), held / 3);
  EXPECT_TRUE(arena.Valid());
}

TEST_F(ArenaTest, TwoArenasDoNotMeet) {
  Arena one(source_);
  Arena two(source_);
  ArenaModel first(one, 11);
  ArenaModel second(two, 12);
  for (int i = 0; i < 5000 && !HasFatalFailure(); ++i) {
    ArenaModel& model = i % 2 == 0 ? first : second;
    model.random().Below(16) < 6 ? model.FreeOne() : model.Allocate();
  }
  EXPECT_EQ(one.held() + two.held(), source_.held());
  EXPECT_EQ(one.used(), first.used());
  EXPECT_EQ(two.used(), second.used());
  first.FreeAll();
  second.FreeAll();
}

TEST_F(ArenaTest, AGateIsAskedForEveryBlock) {
  class Every3rd final : public Arena::Gate {
   public:
    bool Allow(size_t) override { return ++asked % 3 != 0; }
    size_t asked = 0;
  } gate;
  Arena arena(source_);
  ArenaModel model(arena, 21);
  for (int i = 0; i < 500; ++i) model.Allocate();
  arena.SetGate(&gate);
  for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) {
    model.random().Below(16) < 6 ? model.FreeOne() : model.Allocate();
  }
  EXPECT_EQ(model.refused(), gate.asked / 3);
  EXPECT_TRUE(arena.Valid());
  arena.SetGate(nullptr);
  for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) model.Allocate();
  EXPECT_EQ(model.refused(), gate.asked / 3);
  EXPECT_TRUE(arena.Valid());
  EXPECT_EQ(arena.used(), model.used());
  model.FreeAll();
}

TEST_F(ArenaTest, AbandonedBlocksStayReadable) {
  char* block = nullptr;
  {
    Arena arena(source_);
    block = static_cast<char*>(arena.Allocate(100));
    std::memcpy(block, "still here", 11);
    arena.Abandon();
    EXPECT_EQ(arena.held(), 0u);
    EXPECT_EQ(arena.used(), 0u);
  }
  EXPECT_STREQ(block, "still here");
  EXPECT_EQ(source_.allocations(), 1u);
  source_.FreeWhatIsLeft();
}

// Blocks of one class, of which all but every `keep`th have been freed.
std::vector<char*> Thinned(Arena& arena, memory::Tenant tenant, size_t count, size_t bytes, size_t keep) {
  std::vector<char*> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(static_cast<char*>(arena.Allocate(bytes, tenant)));
    std::memset(all.back(), static_cast<int>(i % 251), bytes);
  }
  std::vector<char*> kept;
  for (size_t i = 0; i < count; ++i) {
    if (i % keep == 0) {
      kept.push_back(all[i]);
    } else {
      arena.Free(all[i], bytes);
    }
  }
  return kept;
}

TEST_F(ArenaTest, TenantsShareNoRun) {
  Arena arena(source_);
  std::map<uintptr_t, memory::Tenant> owner_of_run;
  for (int i = 0; i < 3000; ++i) {
    const auto tenant = static_cast<memory::Tenant>(i % 3);
    const auto address = reinterpret_cast<uintptr_t>(arena.Allocate(500, tenant));
    const auto [at, added] = owner_of_run.insert({address / memory::kRunBytes, tenant});
    ASSERT_EQ(at->second, tenant);
  }
  EXPECT_TRUE(arena.Valid());
}

TEST_F(ArenaTest, TheOwnerIsToldOfWasteOnceItIsWorthAPass) {
  class Told final : public Arena::Owner {
   public:
    void OnWantsTrim() override { ++trims; }
    void OnSparse() override { ++sparse; }
    int trims = 0;
    int sparse = 0;
  } told;
  Arena arena(source_);
  arena.SetOwner(&told);
  const std::vector<char*> few = Thinned(arena, memory::Tenant::kEntry, 1'000, 100, 8);
  EXPECT_EQ(told.sparse, 0) << "of 88 KB";
  EXPECT_FALSE(arena.WantsCompaction());
  const std::vector<char*> fixed = Thinned(arena, memory::Tenant::kFixed, 100'000, 100, 8);
  EXPECT_EQ(told.sparse, 0) << "what is fixed cannot be moved";
  EXPECT_FALSE(arena.WantsCompaction());
  const std::vector<char*> many = Thinned(arena, memory::Tenant::kBlock, 100'000, 100, 8);
  EXPECT_GT(told.sparse, 0);
  EXPECT_TRUE(arena.WantsCompaction());
  for (char* block : many) arena.Free(block, 100);
  for (char* block : fixed) arena.Free(block, 100);
  EXPECT_GT(told.trims, 0) << "runs are empty";
  EXPECT_TRUE(arena.WantsTrim());
}

// What a pass may cost: it moves what is in the emptiest runs, and only as far as the waste has to go.
TEST_F(ArenaTest, APassMovesTheEmptiestRunsFirst) {
  Arena arena(source_);
  std::vector<char*> tenth = Thinned(arena, memory::Tenant::kEntry, 40'000, 100, 10);
  std::vector<char*> most = Thinned(arena, memory::Tenant::kEntry, 80'000, 200, 100'000);
  for (char* block : most) arena.Free(block, 200);
  most.clear();
  for (int i = 0; i < 80'000; ++i) most.push_back(static_cast<char*>(arena.Allocate(200, memory::Tenant::kEntry)));
  for (size_t i = 0; i < most.size(); i += 20) arena.Free(std::exchange(most[i], nullptr), 200);
  ASSERT_TRUE(arena.WantsCompaction());
  arena.BeginCompaction();
  size_t moved = 0;
  for (char*& block : tenth) {
    if (!arena.IsSparse(block)) continue;
    void* const place = arena.AllocateForMove(block);
    if (place == nullptr) continue;
    EXPECT_FALSE(arena.IsSparse(place));
    std::memcpy(place, block, 100);
    arena.Free(std::exchange(block, static_cast<char*>(place)), 100);
    ++moved;
  }
  const auto sparse = std::count_if(most.begin(), most.end(), [&](const char* block) {
    return block != nullptr && arena.IsSparse(block);
  });
  EXPECT_LE(sparse, memory::kRunBytes / 208) << "but for the last run, all are 95 % full";
  arena.EndCompaction();
  EXPECT_FALSE(arena.WantsCompaction()) << "what is left is a sixteenth of what is used, or less";
  EXPECT_GT(moved, 3'000u);
  EXPECT_TRUE(arena.Valid());
  for (size_t i = 0; i < tenth.size(); ++i) ASSERT_EQ(static_cast<unsigned char>(tenth[i][99]), i * 10 % 251);
}

TEST_F(ArenaTest, ARunOfEntriesIsEmptiedAtOnceIfOthersHaveRoom) {
  Arena arena(source_);
  EXPECT_EQ(arena.EvacuateSparsest(UINT32_MAX, [](void*) { FAIL(); }), Arena::Evacuated::kNot) << "there is none";
  const std::vector<char*> fixed = Thinned(arena, memory::Tenant::kFixed, 10'000, 100, 8);
  EXPECT_EQ(arena.EvacuateSparsest(UINT32_MAX, [](void*) { FAIL(); }), Arena::Evacuated::kNot);
  std::map<void*, size_t> at;
  std::vector<char*> entries = Thinned(arena, memory::Tenant::kEntry, 10'000, 100, 8);
  for (size_t i = 0; i < entries.size(); ++i) at[entries[i]] = i;
  const size_t waste = arena.waste();
  EXPECT_EQ(arena.EvacuateSparsest(UINT32_MAX, [](void*) {}), Arena::Evacuated::kNot) << "nothing was moved";
  EXPECT_EQ(arena.waste(), waste);
  // In parts; what others free meanwhile is not moved.
  uintptr_t run = 0;
  const auto move = [&](void* block) {
    ASSERT_EQ(at.erase(block), 1u) << "a block in use";
    run = reinterpret_cast<uintptr_t>(block) / memory::kRunBytes;
    void* const place = arena.AllocateForMove(block);
    ASSERT_NE(place, nullptr);
    std::memcpy(place, block, 100);
    arena.Free(block, 100);
  };
  size_t parts = 0;
  for (; arena.EvacuateSparsest(10, move) == Arena::Evacuated::kMore; ++parts) {
    EXPECT_TRUE(arena.evacuating());
    const auto other = std::find_if(at.begin(), at.end(), [run](const auto& block) {
      return reinterpret_cast<uintptr_t>(block.first) / memory::kRunBytes == run;
    });
    ASSERT_NE(other, at.end());
    arena.Free(other->first, 100);
    at.erase(other);
    EXPECT_TRUE(arena.Valid());
  }
  EXPECT_GT(parts, 3u);
  EXPECT_FALSE(arena.evacuating());
  EXPECT_EQ(arena.waste(), waste - memory::kRunBytes + parts * Arena::RoundUp(100));
  EXPECT_TRUE(arena.Valid());
}

#ifdef LARDER_ASAN
TEST_F(ArenaTest, AddressSanitizerKnowsWhatIsFree) {
  Arena arena(source_);
  char* block = static_cast<char*>(arena.Allocate(88));
  char* next = static_cast<char*>(arena.Allocate(88));
  EXPECT_EQ(__asan_region_is_poisoned(block, 88), nullptr);
  EXPECT_TRUE(__asan_address_is_poisoned(next + 88)) << "never used";
  arena.Free(block, 88);
  EXPECT_TRUE(__asan_address_is_poisoned(block + 87));
  EXPECT_EQ(__asan_region_is_poisoned(next, 88), nullptr);
}
#endif

TEST_F(ArenaTest, BlocksReturnedByOthersAreFreedByTheHolder) {
  Arena arena(source_);
  std::vector<void*> blocks;
  const size_t sizes[] = {8, 88, 1000, 16384, 16385, 100000};
  for (size_t size : sizes) blocks.push_back(arena.Allocate(size));
  const size_t used = arena.used();
  EXPECT_FALSE(arena.has_returned());
  for (size_t i = 0; i < std::size(sizes); ++i) arena.FreeAnywhere(blocks[i], sizes[i]);
  arena.FreeAnywhere(nullptr, 8);
  EXPECT_TRUE(arena.has_returned());
  EXPECT_EQ(arena.used(), used) << "not yet";
  EXPECT_EQ(arena.CollectReturned(2), 2u);
  EXPECT_TRUE(arena.has_returned()) << "four are left";
  EXPECT_EQ(arena.CollectReturned(), 4u);
  EXPECT_EQ(arena.CollectReturned(), 0u);
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_EQ(arena.blocks(), 0u);
}

}  // namespace
}  // namespace larder::testing
