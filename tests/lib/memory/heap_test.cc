#include "lib/memory/heap.h"

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "tests/lib/memory/test_source.h"

namespace larder::testing {
namespace {

using memory::Block;
using memory::BlockRef;
using memory::Heap;
using memory::PageHeap;

constexpr int64_t kForEver = INT64_MAX / 2;
constexpr size_t kSmall = 5000;                           // from the arena
constexpr size_t kMiddle = 100'000;                       // from the page heap
constexpr size_t kDirect = PageHeap::kBytesMax + 100'000;  // from the source

class HeapTest : public ::testing::Test {
 protected:
  std::shared_ptr<TestSource> source_ = std::make_shared<TestSource>();
  Heap::Ptr heap_ = Heap::New(source_);
};

class HeapBySizeTest : public HeapTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(HeapBySizeTest, WhatABlockTakesIsCountedAndAllOfItIsItsCapacity) {
  Block* block = heap_->New(GetParam(), GetParam());
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->size(), GetParam());
  EXPECT_GE(block->capacity(), GetParam());
  EXPECT_EQ(block->footprint(), memory::Arena::RoundUp(block->footprint()));
  EXPECT_EQ(heap_->used(), block->footprint());
  EXPECT_EQ(heap_->blocks(), 1u);
  EXPECT_EQ(heap_->held(), source_->held());
  std::memset(block->data(), 'x', block->capacity());
  block->set_size(block->capacity());
  EXPECT_EQ(block->view(), std::string(block->capacity(), 'x'));
  block->UnrefHeld();
  EXPECT_EQ(heap_->used(), 0u);
  while (heap_->Maintain(kForEver)) {
  }
  EXPECT_EQ(heap_->blocks(), 0u);
  EXPECT_EQ(heap_->held(), source_->held());
}

TEST_P(HeapBySizeTest, AnotherThreadMayDropTheLastReference) {
  Block* block = heap_->New(GetParam(), GetParam());
  BlockRef reader = BlockRef::Share(block);
  block->UnrefHeld();
  EXPECT_TRUE(reader->unique());
  EXPECT_EQ(heap_->blocks(), 1u);
  std::thread([&reader] {
    std::memset(reader->data(), 'x', reader->size());
    reader = BlockRef();
  }).join();
  heap_->CollectReturned();
  EXPECT_EQ(heap_->blocks(), 0u);
  EXPECT_EQ(heap_->used(), 0u);
}

TEST_P(HeapBySizeTest, APinOutlivesTheHeap) {
  BlockRef first = BlockRef::Adopt(heap_->New(GetParam(), GetParam()));
  BlockRef second = BlockRef::Adopt(heap_->New(GetParam(), GetParam()));
  Block* kept = heap_->New(GetParam(), GetParam());
  kept->UnrefHeld();
  std::memset(first->data(), 'x', GetParam());
  heap_.reset();
  EXPECT_EQ(first->view(), std::string(GetParam(), 'x'));
  second = BlockRef();
  EXPECT_GT(source_->held(), 0u);
  const std::weak_ptr<TestSource> source = source_;
  source_.reset();  // its destructor checks that all is given back
  EXPECT_FALSE(source.expired());
  std::thread([&first] { first = BlockRef(); }).join();
  EXPECT_TRUE(source.expired());
}

TEST_P(HeapBySizeTest, NoMemoryIsANullptr) {
  source_->FailAfter(0);
  EXPECT_EQ(heap_->New(GetParam(), GetParam()), nullptr);
  EXPECT_EQ(heap_->used(), 0u);
  EXPECT_EQ(heap_->blocks(), 0u);
  EXPECT_EQ(heap_->held(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, HeapBySizeTest, ::testing::Values(1, kSmall, 16384 - 32, 16384 - 31, kMiddle, kDirect));

TEST_F(HeapTest, SizesThatCannotBeAreRefused) {
  EXPECT_EQ(heap_->New(SIZE_MAX, SIZE_MAX), nullptr);
  EXPECT_EQ(heap_->New(1, SIZE_MAX - 10), nullptr);
  EXPECT_EQ(heap_->New(0, size_t{1} << 48), nullptr);
}

TEST_F(HeapTest, AVeryLargeBlockIsFreedInSlices) {
  constexpr size_t kBytes = size_t{50} << 20;
  Block* block = heap_->New(kBytes, kBytes);
  std::memset(block->data(), 1, kBytes);
  const size_t held = source_->held();
  block->UnrefHeld();
  EXPECT_EQ(heap_->used(), 0u) << "it is in nobody's way any more";
  EXPECT_EQ(source_->held(), held);
  EXPECT_TRUE(heap_->WantsMaintenance());
  int steps = 1;
  for (size_t seen = 0; heap_->Maintain(0); ++steps) {
    ASSERT_LE(source_->discarded(), seen + 65536);
    seen = source_->discarded();
  }
  EXPECT_GE(steps, static_cast<int>(kBytes / 65536));
  EXPECT_EQ(source_->held(), 0u);
  EXPECT_EQ(heap_->blocks(), 0u);
}

TEST_F(HeapTest, ClosingFreesWhatIsStillToBeReclaimed) {
  for (int i = 0; i < 3; ++i) heap_->New(kDirect, kDirect)->UnrefHeld();
  heap_.reset();
  EXPECT_EQ(source_->held(), 0u);
}

TEST_F(HeapTest, ClosingDropsEntriesThatNobodyFreed) {
  for (int i = 0; i < 1000; ++i) ASSERT_NE(heap_->arena().Allocate(88), nullptr);
  BlockRef pin = BlockRef::Adopt(heap_->New(kSmall, kSmall));
  heap_.reset();
  EXPECT_GT(source_->held(), 0u);
  pin = BlockRef();
  EXPECT_EQ(source_->held(), 0u);
}

// Readers on other threads, a holder that overwrites, and a close in the middle of it.
TEST_F(HeapTest, PinsAreDroppedWhileTheHolderGoesOnAndCloses) {
  for (uint64_t round = 0; round < 20; ++round) {
    auto source = std::make_shared<TestSource>();
    Heap::Ptr heap = Heap::New(source);
    base::Random random(round);
    constexpr size_t kThreads = 4;
    std::vector<BlockRef> pins[kThreads];
    std::vector<Block*> values(200);
    for (Block*& value : values) {
      const size_t sizes[] = {1500, kSmall, 30'000, kDirect};
      const size_t size = sizes[random.Below(random.Below(10) == 0 ? 4 : 3)];
      value = heap->New(size, size);
      value->data()[0] = 'v';
      pins[random.Below(kThreads)].push_back(BlockRef::Share(value));
    }
    std::vector<std::thread> threads;
    for (auto& mine : pins) {
      threads.emplace_back([&mine] {
        for (BlockRef& pin : mine) {
          EXPECT_EQ(pin->data()[0], 'v');
          pin = BlockRef();
        }
      });
    }
    for (Block* value : values) {
      value->UnrefHeld();
      heap->Maintain(1000);
    }
    heap.reset();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(source.use_count(), 1);
    EXPECT_EQ(source->held(), 0u);
  }
}

}  // namespace
}  // namespace larder::testing
