#include "lib/engine/watch.h"

#include "gtest/gtest.h"
#include <larder/clock.h>
#include "lib/keyspace/keyspace.h"

namespace larder::engine {
namespace {

TEST(WatchTableTest, HashesWithTheSeedOfItsCache) {
  ManualClock clock;
  uint64_t hashes[2];
  for (uint64_t seed : {1, 2}) {
    keyspace::KeyspaceConfig config;
    config.seed = seed;
    const auto keyspace = keyspace::Keyspace::Create(config, clock);
    ASSERT_NE(keyspace, nullptr);
    const WatchTable watches(*keyspace);
    hashes[seed - 1] = watches.HashOf("0000key");
    EXPECT_EQ(hashes[seed - 1], base::HashBytes("0000key", base::HashSeed(seed)));
  }
  EXPECT_NE(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace larder::engine
