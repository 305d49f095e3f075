// Why typed reads come through the executor: the set, and MONITOR in it.
#include "lib/engine/read_reasons.h"

#include <larder/cache.h>

#include <memory>

#include "gtest/gtest.h"
#include "lib/core/core.h"

namespace larder::engine {
namespace {

TEST(ReadReasonsTest, AReasonIsThereFromAddToRemove) {
  ReadReasons reasons;
  EXPECT_FALSE(reasons.any());
  reasons.Add(ReadReason::kMonitor);
  EXPECT_TRUE(reasons.Has(ReadReason::kMonitor));
  EXPECT_TRUE(reasons.any());
  reasons.Remove(ReadReason::kMonitor);
  EXPECT_FALSE(reasons.Has(ReadReason::kMonitor));
  EXPECT_FALSE(reasons.any());
}

// However many listen, and however they end.
TEST(ReadReasonsTest, MonitorIsOneWhileAnybodyListens) {
  const std::unique_ptr<Cache> cache = *Cache::Open({.background = Background::kTick});
  EXPECT_FALSE(cache->core().monitored());
  std::unique_ptr<RespConnection> first = *cache->NewConnection();
  std::unique_ptr<RespConnection> second = *cache->NewConnection();
  ASSERT_TRUE(first->Feed("MONITOR\r\n").ok());
  EXPECT_TRUE(cache->core().monitored());
  ASSERT_TRUE(second->Feed("MONITOR\r\n").ok());
  first.reset();
  EXPECT_TRUE(cache->core().monitored());
  ASSERT_TRUE(second->Feed("QUIT\r\n").ok());
  second.reset();
  EXPECT_FALSE(cache->core().monitored());
}

}  // namespace
}  // namespace larder::engine
