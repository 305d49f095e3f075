// Hits, misses and typed calls in slots by thread.
#include "lib/keyspace/read_counts.h"

#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace larder::keyspace {
namespace {

TEST(ReadCountsTest, ASumIsThatOfTheHolderAndAllThreads) {
  CountedReads reads;
  constexpr uint64_t kReads = 10'000;
  std::vector<std::thread> threads;
  for (uintptr_t thread = 1; thread <= 4; ++thread) {
    threads.emplace_back([&reads, thread] {
      CountedReads::Slot* slot = reads.OfThread(thread);
      ASSERT_NE(slot, nullptr);
      for (uint64_t i = 0; i < kReads; ++i) slot->Count(/*found=*/i % 4 != 0);
    });
  }
  reads.holder() = {.hits = 5, .misses = 6, .typed_calls = 7};
  for (std::thread& thread : threads) thread.join();
  const ReadCounts sum = reads.Sum();
  EXPECT_EQ(sum.hits, 5 + 4 * (kReads - kReads / 4));
  EXPECT_EQ(sum.misses, 6 + kReads);
  EXPECT_EQ(sum.typed_calls, 7 + 4 * kReads);
}

TEST(ReadCountsTest, AThreadHasOneSlotAndTheLastThreadsNone) {
  CountedReads reads;
  std::vector<CountedReads::Slot*> slots;
  for (uintptr_t thread = 1; thread <= CountedReads::kSlots; ++thread) {
    CountedReads::Slot* slot = reads.OfThread(thread << 12);
    ASSERT_NE(slot, nullptr);
    for (CountedReads::Slot* other : slots) EXPECT_NE(slot, other);
    slots.push_back(slot);
  }
  EXPECT_EQ(reads.OfThread(uintptr_t{99} << 12), nullptr);
  for (uintptr_t thread = 1; thread <= CountedReads::kSlots; ++thread) {
    EXPECT_EQ(reads.OfThread(thread << 12), slots[thread - 1]);
  }
}

TEST(ReadCountsTest, AfterAResetItCountsFromNothing) {
  CountedReads reads;
  CountedReads::Slot* slot = reads.OfThread(1);
  slot->Count(true);
  reads.holder().misses = 3;
  reads.Reset();
  EXPECT_EQ(reads.Sum().hits + reads.Sum().misses + reads.Sum().typed_calls, 0u);
  slot->Count(false);
  ++reads.holder().hits;
  EXPECT_EQ(reads.Sum().hits, 1u);
  EXPECT_EQ(reads.Sum().misses, 1u);
  EXPECT_EQ(reads.Sum().typed_calls, 1u);
}

}  // namespace
}  // namespace larder::keyspace
