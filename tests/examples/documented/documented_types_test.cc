// The examples of the handles' headers, as they stand there: see extract.py. Each is the body of a function.
#include <larder/bitmap.h>
#include <larder/cache.h>
#include <larder/callbacks.h>
#include <larder/clock.h>
#include <larder/events.h>
#include <larder/geo.h>
#include <larder/hash.h>
#include <larder/hyperloglog.h>
#include <larder/items.h>
#include <larder/list.h>
#include <larder/pubsub.h>
#include <larder/set.h>
#include <larder/sort.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <iostream>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
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

absl::Status ItemsExample(larder::Cache& cache) {
#include "tests/examples/documented/items_1.inc"
  return absl::OkStatus();
}

TEST_F(DocumentedTypesTest, ItemsH) {
  ASSERT_TRUE(cache.Set("user:1", "Ada").ok());
  ASSERT_TRUE(cache.Set("other", "Bob").ok());
  EXPECT_TRUE(ItemsExample(cache).ok());
  EXPECT_TRUE(*cache.Delete("user:1"));
  ASSERT_TRUE(larder::Hash(cache, "user:2").Set("name", "Bob").ok());
  EXPECT_TRUE(ItemsExample(cache).ok());
  printed_ = "user:1=Ada\n1 fields\n";
}

TEST_F(DocumentedTypesTest, ListH) {
#include "tests/examples/documented/list_1.inc"
  EXPECT_EQ(*length, 1);
  EXPECT_THAT(*job, Optional(std::string("resize 17.png")));
  EXPECT_TRUE(newest->empty());
}

void WaitingExample(larder::Cache& cache) {
#include "tests/examples/documented/list_2.inc"
  EXPECT_TRUE(larder::List(cache, "urgent").PushBack("call back").ok());
  while (*larder::List(cache, "urgent").Size() != 0) std::this_thread::yield();
  stop.request_stop();
  worker.join();
}

TEST_F(DocumentedTypesTest, ListHWaiting) {
  WaitingExample(cache);
  printed_ = "urgent: call back\n";
}

TEST_F(DocumentedTypesTest, GeoH) {
#include "tests/examples/documented/geo_1.inc"
  EXPECT_TRUE(*is_new);
  EXPECT_EQ(*more, 2);
  EXPECT_THAT(*km, Optional(166.2742));
  ASSERT_EQ(near->size(), 2u);
  EXPECT_EQ(near->at(0).member, "Catania");
  EXPECT_THAT(near->at(0).distance, Optional(56.4413));
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
#include "tests/examples/documented/sorted_set_2.inc"
  EXPECT_THAT(*next, Optional(larder::ScoredMember{"ada", 125}));
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
#include "tests/examples/documented/stream_2.inc"
  EXPECT_TRUE(more->empty());
}

absl::Status PubsubExample(larder::Cache& cache) {
#include "tests/examples/documented/pubsub_1.inc"
  EXPECT_EQ(*receivers, 1);
  EXPECT_TRUE(cache.Tick(absl::InfiniteFuture()).ok());
  return absl::OkStatus();
}

// Callbacks come when the test says so.
class DocumentedCallbacksTest : public DocumentedTypesTest {
 protected:
  std::shared_ptr<larder::ManualClock> clock_ = std::make_shared<larder::ManualClock>();
  std::unique_ptr<larder::Cache> own_cache_ =
      *larder::Cache::Open({.clock = clock_, .background = larder::Background::kTick});
  larder::Cache& cache = *own_cache_;
};

TEST_F(DocumentedCallbacksTest, PubsubH) {
  EXPECT_TRUE(PubsubExample(cache).ok());
  printed_ = "news: Larder speaks\n";
}

absl::Status EventsExample(larder::Cache& cache, larder::ManualClock& clock) {
#include "tests/examples/documented/events_1.inc"
  EXPECT_TRUE(*cache.Set("k", "v", {.ttl = absl::Milliseconds(1)}));
  clock.Advance(absl::Milliseconds(2));
  EXPECT_EQ(*cache.Get("k"), std::nullopt);
  EXPECT_TRUE(cache.Tick(absl::InfiniteFuture()).ok());
  return absl::OkStatus();
}

TEST_F(DocumentedCallbacksTest, EventsH) {
  EXPECT_TRUE(EventsExample(cache, *clock_).ok());
  printed_ = "k has expired\nit was v\n";
}

TEST_F(DocumentedTypesTest, CallbacksH) {
#include "tests/examples/documented/callbacks_1.inc"
  options.on_dropped(3);
  printed_ = "3 were lost\n";
}

TEST_F(DocumentedTypesTest, SortH) {
  ASSERT_TRUE(larder::Set(cache, "friends").Add({"1", "2"}).ok());
  ASSERT_TRUE(cache.MSet({{"score:1", "5"}, {"score:2", "9"}, {"name:1", "Ada"}, {"name:2", "Bob"}}).ok());
#include "tests/examples/documented/sort_1.inc"
  EXPECT_THAT(*names, ElementsAre(Optional(std::string("Bob")), Optional(std::string("Ada"))));
}

}  // namespace
