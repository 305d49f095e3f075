// Stream::Scan: a walk shows the stream as it was when it began, whatever happens meanwhile, and gives back what it
// held.
#include <larder/cache.h>
#include <larder/stream.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Code = absl::StatusCode;

constexpr uint64_t kMany = 3000;

class StreamRangeTest : public ::testing::Test {
 protected:
  StreamRangeTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}

  uint64_t UsedMemory() {
    for (int i = 0; i < 200; ++i) (void)cache_->Tick(absl::InfiniteFuture());
    return cache_->Stats()->used_memory;
  }
  void Add(uint64_t ms, uint64_t sequence = 0) {
    ASSERT_TRUE(stream_.Add({{"n", std::to_string(ms)}, {"same", "value"}}, {.id = StreamId{ms, sequence}}).ok());
  }
  void Fill() {
    for (uint64_t i = 1; i <= kMany; ++i) Add(i);
  }
  std::vector<uint64_t> TimesOf(StreamRange range) {
    std::vector<uint64_t> times;
    for (const StreamEntry& entry : range) times.push_back(entry.id.ms);
    EXPECT_TRUE(range.status().ok()) << range.status();
    return times;
  }

  std::unique_ptr<Cache> cache_;
  Stream stream_{*cache_, "s"};
};

TEST_F(StreamRangeTest, ShowsEntriesBetweenTwoIds) {
  EXPECT_THAT(TimesOf(stream_.Scan()), IsEmpty());
  for (const uint64_t ms : {3, 5, 7, 9}) Add(ms, 1);
  EXPECT_THAT(TimesOf(stream_.Scan()), ElementsAre(3, 5, 7, 9));
  EXPECT_THAT(TimesOf(stream_.Scan({5, 1}, {7, 1})), ElementsAre(5, 7));
  EXPECT_THAT(TimesOf(stream_.Scan({5, 2}, {7, 0})), IsEmpty());
  EXPECT_THAT(TimesOf(stream_.Scan({4, 0})), ElementsAre(5, 7, 9));
  EXPECT_THAT(TimesOf(stream_.Scan({}, {6, 0})), ElementsAre(3, 5));
  EXPECT_THAT(TimesOf(stream_.Scan({9, 0}, {3, 0})), IsEmpty());
  EXPECT_THAT(TimesOf(stream_.Scan({10, 0})), IsEmpty());
  StreamRange range = stream_.Scan({9, 0});
  EXPECT_THAT(range.begin()->fields, ElementsAre(Pair("n", "9"), Pair("same", "value")));
}

TEST_F(StreamRangeTest, EntriesWithFieldsOfTheirOwnAndLongValues) {
  const std::string large(20'000, 'x');
  for (uint64_t i = 1; i <= 300; ++i) {
    if (i % 3 == 0) {
      ASSERT_TRUE(stream_.Add({{"own", std::to_string(i)}}, {.id = StreamId{i, 0}}).ok());
    }
    if (i % 3 == 1) {
      ASSERT_TRUE(stream_.Add({{"a", "1"}, {"b", large}, {"a", "2"}}, {.id = StreamId{i, 0}}).ok());
    }
    if (i % 3 == 2) Add(i);
  }
  const std::vector<StreamEntry> all = *stream_.Range();
  size_t at = 0;
  StreamRange range = stream_.Scan();
  ASSERT_NE(range.begin(), range.end());
  ASSERT_TRUE(cache_->Delete("s").ok());
  // begin() has gone to the first.
  for (++at; at < all.size(); ++at) {
    auto next = range.begin();
    ASSERT_NE(next, range.end());
    EXPECT_EQ(next->id, all[at].id);
    EXPECT_TRUE(next->fields == all[at].fields) << at;
  }
  EXPECT_EQ(range.begin(), range.end());
  EXPECT_TRUE(range.status().ok());
}

TEST_F(StreamRangeTest, ShowsOneMomentWhileOthersWrite) {
  Fill();
  ASSERT_TRUE(stream_.CreateGroup("g", StreamId()).ok());
  StreamRange range = stream_.Scan({2, 0}, {kMany - 1, 0});
  uint64_t expected = 2;
  for (const StreamEntry& entry : range) {
    ASSERT_EQ(entry.id.ms, expected);
    ASSERT_EQ(entry.Find("n"), std::to_string(expected));
    ++expected;
    switch (expected % 5) {
      case 0: Add(kMany + expected); break;
      case 1: ASSERT_TRUE(stream_.Delete({StreamId{kMany - expected, 0}}).ok()); break;
      case 2: EXPECT_EQ(stream_.ReadGroup("g", "me", 1).ok(), expected < kMany / 2); break;
      case 3: ASSERT_TRUE(stream_.Trim(static_cast<int64_t>(kMany - expected)).ok()); break;
      default: break;
    }
    if (expected == kMany / 2) {
      ASSERT_TRUE(cache_->Delete("s").ok());
    }
  }
  EXPECT_TRUE(range.status().ok());
  EXPECT_EQ(expected, kMany);
}

TEST_F(StreamRangeTest, GivesBackWhatItHeld) {
  Fill();
  const uint64_t before = UsedMemory();
  std::optional<StreamRange> range = stream_.Scan();
  auto at = range->begin();
  ++at;
  ASSERT_TRUE(cache_->Delete("s").ok());
  const uint64_t held = UsedMemory();
  range.reset();
  const uint64_t after = UsedMemory();
  EXPECT_GT(held, after + (before - after) / 2);  // the walk needs it all
}

TEST_F(StreamRangeTest, CanBeMovedAndWalksOn) {
  Fill();
  StreamRange first = stream_.Scan();
  auto at = first.begin();
  for (int i = 0; i < 99; ++i) ++at;
  StreamRange second = std::move(first);
  EXPECT_EQ(TimesOf(std::move(second)).size(), kMany - 100);
  EXPECT_EQ(first.begin(), first.end());  // NOLINT: what was moved from has ended
  EXPECT_EQ(first.status().code(), Code::kFailedPrecondition);
}

TEST_F(StreamRangeTest, IsShownToMonitorsAsOneCall) {
  Fill();
  auto monitor = *cache_->NewConnection();
  ASSERT_TRUE(monitor->Feed("MONITOR\r\n").ok());
  monitor->ConsumeOutput(monitor->output().size());
  EXPECT_EQ(TimesOf(stream_.Scan({2, 0})).size(), kMany - 1);
  const std::string said(monitor->output());
  EXPECT_THAT(said, ::testing::EndsWith("\"XRANGE\" \"s\" \"2-0\" \"18446744073709551615-18446744073709551615\"\r\n"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
}

TEST_F(StreamRangeTest, Errors) {
  ASSERT_TRUE(cache_->Set("text", "x").ok());
  StreamRange wrong = Stream(*cache_, "text").Scan();
  EXPECT_EQ(wrong.begin(), wrong.end());
  EXPECT_EQ(wrong.status().code(), Code::kFailedPrecondition);
}

TEST_F(StreamRangeTest, LivesInATransactionOnly) {
  Fill();
  std::optional<StreamRange> range;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      range.emplace(Stream(transaction, "s").Scan());
                      EXPECT_NE(range->begin(), range->end());
                      EXPECT_EQ(TimesOf(Stream(transaction, "s").Scan()).size(), kMany);
                    }).ok());
  uint64_t more = 0;
  for (auto at = range->begin(); at != range->end(); ++at) ++more;
  EXPECT_LT(more, kMany);
  EXPECT_EQ(range->status().code(), Code::kFailedPrecondition);
  // It ends inside another one, whose thread holds the cache.
  ASSERT_TRUE(cache_->Atomically([&](Transaction&) { range.reset(); }).ok());
}

TEST_F(StreamRangeTest, MayEndAfterCloseAndBeforeTheCache) {
  Fill();
  std::optional<StreamRange> range = stream_.Scan();
  auto at = range->begin();
  (void)cache_->Close(absl::InfiniteFuture());
  int more = 0;
  for (; at != range->end(); ++at) ++more;
  EXPECT_LT(more, 100);
  EXPECT_EQ(range->status().code(), Code::kCancelled);
  range.reset();
  cache_.reset();
}

TEST_F(StreamRangeTest, ThreadsWalkWhileOthersWrite) {
  Fill();
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this] {
      for (int round = 0; round < 5; ++round) {
        uint64_t last = 0;
        uint64_t count = 0;
        StreamRange range = stream_.Scan();
        for (const StreamEntry& entry : range) {
          EXPECT_GT(entry.id.ms, last);
          EXPECT_EQ(entry.Find("n"), std::to_string(entry.id.ms));
          last = entry.id.ms;
          ++count;
        }
        EXPECT_TRUE(range.status().ok());
        EXPECT_EQ(count, kMany);
      }
    });
  }
  // Each change, of one moment, keeps the number of entries.
  for (uint64_t i = 1; i <= kMany; ++i) {
    ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                        const Stream stream(transaction, "s");
                        (void)stream.Delete({StreamId{i, 0}});
                        (void)stream.Add({{"n", std::to_string(kMany + i)}, {"same", "value"}},
                                         {.id = StreamId{kMany + i, 0}});
                      }).ok());
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder::testing
