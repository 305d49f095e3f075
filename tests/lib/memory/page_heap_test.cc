#include "lib/memory/page_heap.h"

#include <cstring>
#include <iterator>
#include <map>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "tests/lib/memory/test_source.h"

namespace larder::testing {
namespace {

using memory::kPageBytes;
using memory::PageHeap;

constexpr int64_t kForEver = INT64_MAX / 2;

class PageHeapTest : public ::testing::Test {
 protected:
  size_t RandomBytes() {
    const size_t pages_max = random_.Below(4) == 0 ? PageHeap::kBytesMax / kPageBytes : 30;
    return (random_.Below(pages_max) + 1) * kPageBytes;
  }
  static void Fill(char* block, size_t bytes, char with) {
    block[0] = block[bytes - 1] = block[bytes / 2] = with;
  }
  static bool Filled(const char* block, size_t bytes, char with) {
    return block[0] == with && block[bytes - 1] == with && block[bytes / 2] == with;
  }

  TestSource source_;
  base::Random random_{42};
};

TEST_F(PageHeapTest, RandomTrafficAgreesWithAModel) {
  PageHeap heap(source_);
  std::map<char*, std::pair<size_t, char>> blocks;
  size_t used = 0;
  for (int i = 0; i < 12000; ++i) {
    const bool grows = i / 2000 % 3 != 2;
    if (random_.Below(16) < (grows ? 9 : 3)) {
      const size_t bytes = RandomBytes();
      char* block = static_cast<char*>(heap.Allocate(bytes));
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % kPageBytes, 0u);
      const auto next = blocks.lower_bound(block);
      ASSERT_TRUE(next == blocks.end() || block + bytes <= next->first);
      ASSERT_TRUE(next == blocks.begin() || std::prev(next)->first + std::prev(next)->second.first <= block);
      const char with = static_cast<char>(random_.Next());
      Fill(block, bytes, with);
      blocks[block] = {bytes, with};
      used += bytes;
    } else if (!blocks.empty()) {
      const auto it = std::next(blocks.begin(), static_cast<ptrdiff_t>(random_.Below(blocks.size())));
      ASSERT_TRUE(Filled(it->first, it->second.first, it->second.second));
      heap.Free(it->first, it->second.first);
      used -= it->second.first;
      blocks.erase(it);
    }
    if (i % 100 == 0) {
      heap.Trim(i % 200 == 0 ? 0 : kForEver);
      ASSERT_TRUE(heap.Valid());
    }
    ASSERT_EQ(heap.used(), used);
    ASSERT_EQ(heap.held(), source_.held());
  }
  for (const auto& [block, what] : blocks) heap.Free(block, what.first);
  EXPECT_EQ(heap.used(), 0u);
  EXPECT_FALSE(heap.Trim(kForEver));
  EXPECT_LE(heap.held(), size_t{4} << 20) << "one empty chunk at most";
  EXPECT_TRUE(heap.Valid());
  EXPECT_GT(source_.discarded(), 0u);
}

TEST_F(PageHeapTest, LittleIsLostAtASteadySize) {
  PageHeap heap(source_);
  std::vector<std::pair<void*, size_t>> blocks;
  while (heap.used() < size_t{200} << 20) {
    const size_t bytes = RandomBytes();
    blocks.push_back({heap.Allocate(bytes), bytes});
  }
  for (int i = 0; i < 20000; ++i) {
    auto& [block, bytes] = blocks[random_.Below(blocks.size())];
    heap.Free(block, bytes);
    bytes = RandomBytes();
    block = heap.Allocate(bytes);
  }
  std::printf("%zu MB used, %zu MB held after turnover\n", heap.used() >> 20, heap.held() >> 20);
  // A hard mix: a quarter of the blocks are of any size to 1 MB. Trim discards the pages of what is held beyond.
  EXPECT_LT(heap.held(), heap.used() + heap.used() / 2);
  for (const auto& [block, bytes] : blocks) heap.Free(block, bytes);
}

TEST_F(PageHeapTest, ASourceThatFailsIsACleanNullptr) {
  PageHeap heap(source_);
  for (size_t n = 0; n < 4; ++n) {
    source_.FailAfter(n);
    std::vector<void*> blocks;
    while (void* block = heap.Allocate(PageHeap::kBytesMax)) blocks.push_back(block);
    EXPECT_TRUE(heap.Valid());
    EXPECT_EQ(heap.used(), blocks.size() * PageHeap::kBytesMax);
    source_.Heal();
    void* block = heap.Allocate(PageHeap::kBytesMax);
    EXPECT_NE(block, nullptr);
    heap.Free(block, PageHeap::kBytesMax);
    for (void* each : blocks) heap.Free(each, PageHeap::kBytesMax);
  }
}

TEST_F(PageHeapTest, ThreadsShareIt) {
  PageHeap heap(source_);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&heap, t] {
      base::Random random(t);
      std::vector<std::pair<char*, size_t>> mine;
      for (int i = 0; i < 2000; ++i) {
        if (mine.size() < 20 || random.Below(2) == 0) {
          const size_t bytes = (random.Below(40) + 1) * kPageBytes;
          char* block = static_cast<char*>(heap.Allocate(bytes));
          Fill(block, bytes, static_cast<char>(t));
          mine.push_back({block, bytes});
        } else {
          std::swap(mine[random.Below(mine.size())], mine.back());
          ASSERT_TRUE(Filled(mine.back().first, mine.back().second, static_cast<char>(t)));
          heap.Free(mine.back().first, mine.back().second);
          mine.pop_back();
        }
        if (t == 0 && i % 50 == 0) heap.Trim(1000);
      }
      for (const auto& [block, bytes] : mine) heap.Free(block, bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heap.used(), 0u);
  EXPECT_TRUE(heap.Valid());
}

}  // namespace
}  // namespace larder::testing
