// What the cache says it takes is what it takes: malloc, operator new and mmap, counted by the test itself, agree
// within 1 % with used_memory and what the arena holds beyond it (memory_free).
//
// What malloc gives is counted as malloc_usable_size and its header; what it keeps for itself when blocks are freed is
// not the cache's.
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/clock.h>
#include "tests/fault/faults.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

constexpr int kMallocHeader = 8;

// The arena's free and rounding bytes, where Stats has them.
template <class S>
uint64_t FreeOf(const S& stats) {
  if constexpr (requires { stats.memory_free; }) {
    return stats.memory_free;
  } else {
    return 0;
  }
}

class AccountingTest : public ::testing::Test {
 protected:
  AccountingTest() : before_(CountWithValues()) {
    Options options;
    options.clock = std::make_shared<ManualClock>();
    options.seed = 7;
    options.background = Background::kTick;
    auto cache = Cache::Open(options);
    EXPECT_TRUE(cache.ok()) << cache.status();
    if (cache.ok()) cache_ = *std::move(cache);
  }

  // The values to be set are made first, so that they are not counted.
  static Faults::Live CountWithValues() {
    for (const size_t size : {8, 64, 200, 1000, 3000, 20'000, 1'000'000}) World::ValueOf(size);
    return Faults::live();
  }

  // Bytes that are the cache's by our count, and by its own.
  void Compare(const char* when) {
    const Faults::Live now = Faults::live();
    const double counted = static_cast<double>((now.block_bytes - before_.block_bytes) +
                                               kMallocHeader * (now.blocks - before_.blocks) +
                                               (now.mapped_bytes - before_.mapped_bytes));
    const absl::StatusOr<Stats> stats = cache_->Stats();
    ASSERT_TRUE(stats.ok()) << stats.status();
    const double said = static_cast<double>(stats->used_memory + FreeOf(*stats));
    std::printf("%-28s %8llu keys, counted %11.0f, said %11.0f (%llu free), off by %+.3f %%\n", when,
                static_cast<unsigned long long>(stats->keys), counted, said,
                static_cast<unsigned long long>(FreeOf(*stats)), 100 * (said - counted) / counted);
    EXPECT_NEAR(said / counted, 1.0, 0.01) << when;
  }

  void Fill(int first, int last, size_t size, bool ttl) {
    char key[17];
    for (int i = first; i < last; ++i) {
      std::snprintf(key, sizeof(key), "key:%012d", i);
      SetOptions how;
      if (ttl) how.ttl = absl::Hours(1);
      const auto set = cache_->Set(key, World::ValueOf(size), how);
      ASSERT_TRUE(set.ok()) << set.status();
    }
  }
  void Remove(int first, int last, int step) {
    char key[17];
    for (int i = first; i < last; i += step) {
      std::snprintf(key, sizeof(key), "key:%012d", i);
      ASSERT_TRUE(cache_->Delete(key).ok());
    }
  }

  const Faults::Live before_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(AccountingTest, AgreesWithAllocators) {
  Fill(0, 40'000, 64, false);
  Compare("64 bytes");
  Fill(40'000, 70'000, 8, true);
  Compare("and 8 bytes with a TTL");
  Fill(70'000, 75'000, 1000, false);
  Fill(75'000, 77'000, 3000, false);
  Fill(77'000, 77'200, 20'000, false);
  Fill(77'200, 77'210, 1'000'000, false);
  Compare("and larger ones");
  Remove(0, 77'210, 3);
  Compare("less every third");
  Fill(0, 40'000, 200, false);
  Compare("and longer ones in place");
  auto session = cache_->NewSession();
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE((*session)->Execute({"FLUSHALL"}).ok());
  session->reset();
  // What is left is small: a table, the cache's own parts. Compared as it grows again.
  Fill(0, 20'000, 64, true);
  Compare("after FLUSHALL, 64 bytes");
}

}  // namespace
}  // namespace larder::testing
