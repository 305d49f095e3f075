// What a cache costs the machine: at first, and after it was emptied.
//
// Two counts, neither of which depends on the rest of the process or on the kernel's bookkeeping, as its resident size
// does (that is kept in batches a thread, and malloc grows by steps): the pages that the cache's memory source has
// behind it, and malloc's own sum of what is in use. embedding_test measures the resident size too, for what may
// escape both.
#include <larder/cache.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/lib/resident_source.h"

namespace larder::testing {
namespace {

constexpr size_t kKb = 1024;
constexpr size_t kMb = 1024 * kKb;

std::unique_ptr<Cache> OpenOn(const std::shared_ptr<ResidentSource>& source) {
  auto cache = Cache::Open({.clock = std::make_shared<ManualClock>(),
                            .memory = source,
                            .seed = 7,
                            .background = Background::kTick});
  EXPECT_TRUE(cache.ok()) << cache.status();
  return *std::move(cache);
}

void Set(Cache& cache, const std::string& key, size_t bytes) {
  ASSERT_TRUE(cache.Set(key, std::string(bytes, 'v')).ok());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
size_t MallocInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(FootprintTest, AnOpenEmptyCacheCostsAtMost64Kilobytes) {
  // The page that tells a fork (base/fork_page) is the one thing that comes from neither.
  constexpr size_t kForkPage = 4 * kKb;
  const auto source = std::make_shared<ResidentSource>();
  const auto clock = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache;
  for (int i = 0; i < 3; ++i) {  // the first one may make what the process then has
    cache.reset();
    const size_t before = MallocInUse();
    cache = *Cache::Open({.clock = clock, .memory = source, .seed = 7});
    const size_t cost = MallocInUse() - before + source->resident() + kForkPage;
    EXPECT_LE(cost, 64 * kKb) << "opened before: " << i;
    EXPECT_GT(cost, 4 * kKb) << "nothing was counted";
    RecordProperty("bytes", static_cast<int>(cost));
  }
  // Nor does the first key make it a large one: 256 KB of addresses, of which a page a size class has memory behind.
  Set(*cache, "k", 64);
  EXPECT_LE(source->resident(), 64 * kKb);
}
#endif

TEST(FootprintTest, AFlushGivesTheMemoryBack) {
  const auto source = std::make_shared<ResidentSource>();
  const std::unique_ptr<Cache> cache = OpenOn(source);
  const size_t empty = source->resident();
  // Every place where memory may come from: entries, values in the arena, in the page heap, by themselves.
  for (int i = 0; i < 100'000; ++i) Set(*cache, "small:" + std::to_string(i), 100);
  for (int i = 0; i < 2'000; ++i) Set(*cache, "medium:" + std::to_string(i), 8'000);
  for (int i = 0; i < 500; ++i) Set(*cache, "large:" + std::to_string(i), 30'000);
  for (int i = 0; i < 4; ++i) Set(*cache, "huge:" + std::to_string(i), 3 * kMb);
  const size_t full = source->resident();
  ASSERT_GT(full, 50 * kMb);
  ASSERT_TRUE(cache->Execute({"FLUSHALL"}).ok());
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(cache->Stats()->keys, 0u);
  EXPECT_EQ(cache->Stats()->value_blocks, 0u);
  EXPECT_LE(source->resident(), empty + 64 * kKb) << "of " << full;
  // Addresses cost nothing, but they are few where overcommitting is forbidden: a chunk of each kind may stay.
  EXPECT_LE(source->held(), 8 * kMb);
  // What is left is good to go on with.
  Set(*cache, "k", 100);
  EXPECT_EQ(*cache->Size(), 1);
}

}  // namespace
}  // namespace larder::testing
