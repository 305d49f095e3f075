// What was deleted is freed by the cache's own thread, with no further call into the cache.
//
// The tests wait on the memory source, which is told of every page that is given back, so that nothing they do while
// waiting can be what frees. The clock stands still: freeing needs no time to pass.
#include <larder/cache.h>

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/lib/resident_source.h"

namespace larder::testing {
namespace {

constexpr size_t kMb = 1 << 20;
// What an emptied cache may keep: a page of each size class that was in use, and a few of bookkeeping.
constexpr size_t kEmptyMax = 256 << 10;

class BackgroundFreeTest : public ::testing::Test {
 protected:
  BackgroundFreeTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(),
                             .memory = source_,
                             .seed = 7,
                             .background = Background::kThread})) {}

  void SetLarge() {
    ASSERT_TRUE(cache_->Set("large", std::string(48 * kMb, 'x')).ok());
    ASSERT_GE(source_->resident(), 48 * kMb);
  }
  void FillManyKeys() {
    for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(100, 'v')).ok());
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(cache_->Set("v" + std::to_string(i), std::string(30'000, 'v')).ok());
    ASSERT_GE(source_->resident(), 20 * kMb);
  }
  // `by_steps`: under the executor. Values over 1 MB are background jobs instead.
  void ExpectFreed(bool by_steps = true) {
    EXPECT_TRUE(source_->WaitForResident(kEmptyMax)) << source_->resident() << " bytes are resident";
    Stats stats = *cache_->Stats();
    // A job's last page is gone a moment before the job is.
    while (stats.value_blocks != 0) {
      std::this_thread::yield();
      stats = *cache_->Stats();
    }
    EXPECT_LE(stats.used_memory, kEmptyMax);
    if (by_steps) {
      EXPECT_GT(stats.step[6].steps, 0u) << "no step of the kind " << kStepNames[6];
    }
  }

  const std::shared_ptr<ResidentSource> source_ = std::make_shared<ResidentSource>();
  const std::unique_ptr<Cache> cache_;
};

TEST_F(BackgroundFreeTest, AfterFlushallByExecute) {
  FillManyKeys();
  ASSERT_TRUE(cache_->Execute({"FLUSHALL"})->is_ok());
  ExpectFreed();
}

TEST_F(BackgroundFreeTest, AfterFlushdbByASession) {
  FillManyKeys();
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"FLUSHDB", "ASYNC"})->is_ok());
  ExpectFreed();
}

TEST_F(BackgroundFreeTest, AfterATypedDelete) {
  SetLarge();
  ASSERT_TRUE(*cache_->Delete("large"));
  ExpectFreed(/*by_steps=*/false);
}

TEST_F(BackgroundFreeTest, AfterDelByExecute) {
  SetLarge();
  ASSERT_EQ(cache_->Execute({"DEL", "large"})->integer(), 1);
  ExpectFreed(/*by_steps=*/false);
}

TEST_F(BackgroundFreeTest, AfterAnOverwrite) {
  SetLarge();
  ASSERT_TRUE(cache_->Set("large", "no more").ok());
  ExpectFreed(/*by_steps=*/false);
  EXPECT_EQ(**cache_->Get("large"), "no more");
}

TEST_F(BackgroundFreeTest, AfterATransaction) {
  SetLarge();
  ASSERT_TRUE(*cache_->Atomically([](Transaction& t) { return t.Delete("large"); }));
  ExpectFreed(/*by_steps=*/false);
}

TEST_F(BackgroundFreeTest, WhileAnotherThreadWorks) {
  FillManyKeys();
  SetLarge();
  ASSERT_TRUE(cache_->Execute({"FLUSHALL"})->is_ok());
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(cache_->Set("same", std::to_string(i)).ok());
  ExpectFreed();
  EXPECT_EQ(**cache_->Get("same"), "9999");
}

}  // namespace
}  // namespace larder::testing
