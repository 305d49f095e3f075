// The examples of the headers of component proto.
#include <larder/cache.h>
#include <larder/proto/options.h>
#include <larder/proto/stats.h>

#include "gtest/gtest.h"

namespace {

TEST(DocumentedProtoTest, OptionsH) {
#include "tests/examples/documented/proto_options_1.inc"
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->maxmemory, 100u << 20);
}

absl::Status StatsExample(larder::Cache& cache) {
#include "tests/examples/documented/proto_stats_1.inc"
  return proto.keys() == 0 ? absl::OkStatus() : absl::InternalError("no keys");
}

TEST(DocumentedProtoTest, StatsH) {
  const auto cache = larder::Cache::Open({});
  ASSERT_TRUE(cache.ok());
  EXPECT_EQ(StatsExample(**cache), absl::OkStatus());
}

}  // namespace
