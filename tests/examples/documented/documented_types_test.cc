// The examples of the handles' headers, as they stand there: see extract.py. Each is the body of a function.
#include <larder/bitmap.h>
#include <larder/cache.h>
#include <larder/hash.h>
#include <larder/hyperloglog.h>
#include <larder/list.h>
#include <larder/pubsub.h>
#include <larder/set.h>
#include <larder/sort.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#pragma GCC diagnostic error "-Wall"
#pragma GCC diagnostic error "-Wextra"

namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

class DocumentedTypesTest : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::internal::CaptureStdout(); }
  void TearDown() override { EXPECT_EQ(::testing::internal::GetCapturedStdout(), printed_); }

  std::unique_ptr<larder::Cache> cache_ = *larder::Cache::Open({});
  larder::Cache& cache = *cache_;
  std::string printed_;
};

TEST_F(DocumentedTypesTest, HashH) {
#include "tests/examples/documented/hash_1.inc"
  EXPECT_EQ(*set, 2);
  EXPECT_THAT(*name, Optional(std::string("Ada")));
  EXPECT_EQ(*visits, 1);
  printed_ = "name=Ada\ncity=London\nvisits=1\n";
}

absl::Status RangeExample(larder::Cache& cache) {
#include "tests/examples/documented/collection_range_1.inc"
  return absl::OkStatus();
}

TEST_F(DocumentedTypesTest, CollectionRangeH) {
  ASSERT_TRUE(larder::Hash(cache, "user:1").Set("a", "b").ok());
  EXPECT_TRUE(RangeExample(cache).ok());
  printed_ = "a=b\n";
}

TEST_F(DocumentedTypesTest, ListH) {
#include "tests/examples/documented/list_1.inc"
  EXPECT_EQ(*length, 1);
  EXPECT_THAT(*job, Optional(std::string("resize 17.png")));
  EXPECT_TRUE(newest->empty());
}

TEST_F(DocumentedTypesTest, SetH) {
  ASSERT_TRUE(larder::Set(cache, "friends:bob").Add("ada").ok());
#include "tests/examples/documented/set_1.inc"
  EXPECT_TRUE(*is_new);
  EXPECT_TRUE(*there);
  EXPECT_THAT(*both, ElementsAre("ada"));
}

TEST_F(DocumentedTypesTest, SortedSetH) {
#include "tests/examples/documented/sorted_set_1.inc"
  EXPECT_TRUE(*is_new);
  EXPECT_EQ(*score, 125);
  EXPECT_THAT(*top, ElementsAre(larder::ScoredMember{"ada", 125}));
  EXPECT_THAT(*place, Optional(0));
}

TEST_F(DocumentedTypesTest, BitmapH) {
  const int64_t user_id = 17;
#include "tests/examples/documented/bitmap_1.inc"
  EXPECT_FALSE(*before);
  EXPECT_EQ(*users, 1);
}

TEST_F(DocumentedTypesTest, HyperLogLogH) {
#include "tests/examples/documented/hyperloglog_1.inc"
  EXPECT_TRUE(*raised);
  EXPECT_EQ(*about, 1);
}

TEST_F(DocumentedTypesTest, StreamH) {
#include "tests/examples/documented/stream_1.inc"
  EXPECT_TRUE(id.ok());
  EXPECT_EQ(all->size(), 1u);
  EXPECT_TRUE(made.ok());
  EXPECT_EQ(*done, 1);
}

TEST_F(DocumentedTypesTest, PubsubH) {
  std::unique_ptr<larder::RespConnection> reader = *cache.NewConnection();
  ASSERT_TRUE(reader->Feed("SUBSCRIBE news\r\n").ok());
#include "tests/examples/documented/pubsub_1.inc"
  EXPECT_EQ(*receivers, 1);
}

TEST_F(DocumentedTypesTest, SortH) {
  ASSERT_TRUE(larder::Set(cache, "friends").Add({"1", "2"}).ok());
  ASSERT_TRUE(cache.MSet({{"score:1", "5"}, {"score:2", "9"}, {"name:1", "Ada"}, {"name:2", "Bob"}}).ok());
#include "tests/examples/documented/sort_1.inc"
  EXPECT_THAT(*names, ElementsAre(Optional(std::string("Bob")), Optional(std::string("Ada"))));
}

}  // namespace
