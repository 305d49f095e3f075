// The typed calls that wait: who is given what, when a wait ends by time, by a stop request or by Close, and that what
// was taken out is returned by somebody, once.
#include <larder/cache.h>
#include <larder/list.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;
using Code = absl::StatusCode;
using End = List::End;

constexpr absl::Duration kForEver = absl::InfiniteDuration();

class TypedBlockingTest : public ::testing::Test {
 protected:
  void SetUp() override { Open({.clock = clock_, .seed = 7, .background = Background::kTick}); }
  void Open(const Options& options) { cache_ = *Cache::Open(options); }
  int64_t Blocked() {
    const std::string info = cache_->Execute({"INFO", "clients"})->AsString();
    return std::stoll(info.substr(info.find("blocked_clients:") + 16));
  }
  void AwaitBlocked(int64_t count) {
    while (Blocked() != count) std::this_thread::yield();
  }
  // Runs `call` on a thread of its own, and `then` when it waits.
  template <class Call, class Then>
  auto WhileItWaits(Call call, Then then) {
    std::optional<decltype(call())> result;
    std::thread thread([&] { result.emplace(call()); });
    AwaitBlocked(1);
    then();
    thread.join();
    EXPECT_EQ(Blocked(), 0);
    return *std::move(result);
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_;
};

TEST_F(TypedBlockingTest, TakesWhatIsThere) {
  const List list(*cache_, "l");
  ASSERT_TRUE(list.PushBack({"a", "b", "c", "d", "e", "f"}).ok());
  EXPECT_THAT(*list.BlockingPopFront(kForEver), Optional(std::string("a")));
  EXPECT_THAT(*list.BlockingPopBack(kForEver), Optional(std::string("f")));
  EXPECT_THAT(*list.BlockingMoveTo("m", End::kFront, End::kBack, kForEver), Optional(std::string("b")));
  EXPECT_THAT(*List(*cache_, "m").Range(0, -1), ElementsAre("b"));
  EXPECT_THAT(*BlockingPopFront(*cache_, {"none", "l", "m"}, kForEver), Optional(PoppedElement{"l", "c"}));
  EXPECT_THAT(*BlockingPopBack(*cache_, {"m", "l"}, kForEver), Optional(PoppedElement{"m", "b"}));
  const std::vector<std::string_view> keys = {"none", "l"};
  EXPECT_THAT(*BlockingPopBack(*cache_, keys, 5, kForEver), Optional(PoppedElements{"l", {"e", "d"}}));

  const SortedSet zset(*cache_, "z");
  ASSERT_TRUE(zset.Add({{"a", -1.5}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}, {"f", 6}}).ok());
  EXPECT_THAT(*zset.BlockingPopMin(kForEver), Optional(ScoredMember{"a", -1.5}));
  EXPECT_THAT(*zset.BlockingPopMax(kForEver), Optional(ScoredMember{"f", 6}));
  EXPECT_THAT(*BlockingPopMin(*cache_, {"none", "z"}, kForEver), Optional(PoppedMember{"z", {"b", 2}}));
  EXPECT_THAT(*BlockingPopMax(*cache_, {"none", "z"}, 2, kForEver),
              Optional(PoppedMembers{"z", {{"e", 5}, {"d", 4}}}));
  EXPECT_THAT(*BlockingPopMin(*cache_, {"z"}, 2, kForEver), Optional(PoppedMembers{"z", {{"c", 3}}}));

  const Stream stream(*cache_, "s");
  ASSERT_TRUE(stream.CreateGroup("g", StreamId()).ok());
  ASSERT_TRUE(stream.Add({{"f", "v"}}, {.id = StreamId{1, 1}}).ok());
  EXPECT_EQ(stream.BlockingReadAfter({1, 0}, -1, kForEver)->at(0).id, (StreamId{1, 1}));
  EXPECT_EQ(stream.BlockingReadGroup("g", "me", 1, kForEver)->at(0).Find("f"), "v");
  EXPECT_EQ(stream.Pending("g", 10)->size(), 1u);
}

TEST_F(TypedBlockingTest, WaitsForWhatComes) {
  const List list(*cache_, "l");
  EXPECT_THAT(*WhileItWaits([&] { return list.BlockingPopFront(kForEver); }, [&] { (void)list.PushBack("x"); }),
              Optional(std::string("x")));
  EXPECT_THAT(*WhileItWaits([&] { return list.BlockingMoveTo("m", End::kBack, End::kFront, kForEver); },
                            [&] { (void)list.PushBack("y"); }),
              Optional(std::string("y")));
  EXPECT_THAT(*WhileItWaits([&] { return BlockingPopBack(*cache_, {"k", "l"}, 2, kForEver); },
                            [&] { (void)list.PushBack({"1", "2", "3"}); }),
              Optional(PoppedElements{"l", {"3", "2"}}));
  const SortedSet zset(*cache_, "z");
  EXPECT_THAT(*WhileItWaits([&] { return zset.BlockingPopMax(kForEver); },
                            [&] { (void)zset.Add({{"a", 1}, {"b", 2}}); }),
              Optional(ScoredMember{"b", 2}));
  EXPECT_THAT(*WhileItWaits([&] { return BlockingPopMin(*cache_, {"q", "r"}, 3, kForEver); },
                            [&] { (void)SortedSet(*cache_, "r").Add("m", 0.5); }),
              Optional(PoppedMembers{"r", {{"m", 0.5}}}));
  const Stream stream(*cache_, "s");
  ASSERT_TRUE(stream.Add({{"f", "old"}}, {.id = StreamId{1, 0}}).ok());
  ASSERT_TRUE(stream.CreateGroup("g", StreamId{1, 0}).ok());
  const auto add = [&](uint64_t ms) { ASSERT_TRUE(stream.Add({{"f", "v"}}, {.id = StreamId{ms, 0}}).ok()); };
  EXPECT_EQ(WhileItWaits([&] { return stream.BlockingReadAfter({1, 0}, -1, kForEver); },
                         [&] { add(2); })->at(0).id.ms, 2u);
  EXPECT_EQ(WhileItWaits([&] { return stream.BlockingReadNew(-1, kForEver); }, [&] { add(3); })->at(0).id.ms, 3u);
  EXPECT_EQ(stream.BlockingReadGroup("g", "me", -1, kForEver)->size(), 2u);
  EXPECT_EQ(WhileItWaits([&] { return stream.BlockingReadGroup("g", "me", 1, kForEver); },
                         [&] { add(4); })->at(0).id.ms, 4u);
}

TEST_F(TypedBlockingTest, TimeGoesByTheCachesClock) {
  const List list(*cache_, "l");
  const auto times_out = [&](auto call) {
    std::atomic<bool> done{false};
    std::thread thread([&] {
      auto result = call();
      EXPECT_TRUE(result.ok()) << result.status();
      if constexpr (requires { result->has_value(); }) {
        EXPECT_FALSE(result->has_value());
      } else {
        EXPECT_TRUE(result->empty());
      }
      done = true;
    });
    while (clock_->waiters() != 1) std::this_thread::yield();
    clock_->Advance(absl::Milliseconds(249));
    EXPECT_EQ(Blocked(), 1);
    EXPECT_FALSE(done);
    clock_->Advance(absl::Milliseconds(1));
    thread.join();
  };
  constexpr absl::Duration kShort = absl::Milliseconds(250);
  times_out([&] { return list.BlockingPopFront(kShort); });
  times_out([&] { return list.BlockingMoveTo("m", End::kBack, End::kFront, kShort); });
  times_out([&] { return BlockingPopBack(*cache_, {"k", "l"}, 2, absl::Milliseconds(249.5)); });  // it is rounded up
  times_out([&] { return BlockingPopMin(*cache_, {"k", "l"}, kShort); });
  times_out([&] { return Stream(*cache_, "s").BlockingReadAfter({}, 2, kShort); });
  ASSERT_TRUE(Stream(*cache_, "s").CreateGroup("g", {}).ok());
  times_out([&] { return Stream(*cache_, "s").BlockingReadGroup("g", "me", 2, kShort); });
}

TEST_F(TypedBlockingTest, WithoutTimeItDoesNotWait) {
  for (const absl::Duration none : {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    EXPECT_EQ(*List(*cache_, "l").BlockingPopFront(none), std::nullopt);
    EXPECT_EQ(*List(*cache_, "l").BlockingMoveTo("m", End::kBack, End::kFront, none), std::nullopt);
    EXPECT_EQ(*BlockingPopBack(*cache_, {"l"}, 2, none), std::nullopt);
    EXPECT_EQ(*BlockingPopMin(*cache_, {"l"}, none), std::nullopt);
    EXPECT_TRUE(Stream(*cache_, "s").BlockingReadAfter({}, 2, none)->empty());
    EXPECT_TRUE(Stream(*cache_, "s").BlockingReadNew(2, none)->empty());
  }
}

TEST_F(TypedBlockingTest, NothingWaitsInsideATransaction) {
  ASSERT_TRUE(List(*cache_, "full").PushBack("x").ok());
  ASSERT_TRUE(Stream(*cache_, "s").CreateGroup("g", {}).ok());
  std::optional<List> list;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      list.emplace(transaction, "l");
                      EXPECT_EQ(*list->BlockingPopFront(kForEver), std::nullopt);
                      EXPECT_EQ(*list->BlockingMoveTo("m", End::kBack, End::kFront, kForEver), std::nullopt);
                      EXPECT_EQ(*BlockingPopMax(transaction, {"z"}, 2, kForEver), std::nullopt);
                      EXPECT_TRUE(Stream(transaction, "s").BlockingReadGroup("g", "me", 2, kForEver)->empty());
                      EXPECT_THAT(*BlockingPopFront(transaction, {"l", "full"}, kForEver),
                                  Optional(PoppedElement{"full", "x"}));
                      // The cache's own calls are refused there, and do not hang.
                      EXPECT_EQ(BlockingPopFront(*cache_, {"l"}, kForEver).status().code(), Code::kFailedPrecondition);
                    }).ok());
  EXPECT_EQ(list->BlockingPopFront(kForEver).status().code(), Code::kFailedPrecondition);
}

TEST_F(TypedBlockingTest, Errors) {
  ASSERT_TRUE(cache_->Set("text", "x").ok());
  EXPECT_EQ(List(*cache_, "text").BlockingPopFront(kForEver).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(SortedSet(*cache_, "text").BlockingPopMin(kForEver).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(BlockingPopFront(*cache_, {}, kForEver).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(BlockingPopFront(*cache_, {}, 1, kForEver).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(BlockingPopFront(*cache_, {"l"}, 0, kForEver).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(BlockingPopMax(*cache_, {"z"}, -1, kForEver).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Stream(*cache_, "s").BlockingReadGroup("none", "me", 1, kForEver).status().code(), Code::kInvalidArgument);
  const Stream stream(*cache_, "s");
  ASSERT_TRUE(stream.CreateGroup("g", {}).ok());
  EXPECT_EQ(WhileItWaits([&] { return stream.BlockingReadGroup("g", "me", 1, kForEver); },
                         [&] { (void)cache_->Delete("s"); }).status().code(), Code::kAborted);
}

TEST_F(TypedBlockingTest, AStopRequestWakesTheThread) {
  const List list(*cache_, "l");
  const auto stopped = [&](auto call) {
    std::stop_source stop;
    EXPECT_EQ(WhileItWaits([&] { return call(stop.get_token()); }, [&] { stop.request_stop(); }).status().code(),
              Code::kCancelled);
  };
  stopped([&](std::stop_token token) { return list.BlockingPopBack(kForEver, token); });
  stopped([&](std::stop_token token) { return list.BlockingMoveTo("m", End::kBack, End::kBack, kForEver, token); });
  stopped([&](std::stop_token token) { return BlockingPopFront(*cache_, {"a", "b"}, absl::Hours(1), token); });
  stopped([&](std::stop_token token) { return BlockingPopMin(*cache_, {"a", "b"}, 2, kForEver, token); });
  stopped([&](std::stop_token token) { return Stream(*cache_, "s").BlockingReadNew(2, kForEver, token); });
  // Whoever was stopped takes nothing that comes later.
  EXPECT_EQ(*list.PushBack("x"), 1);
  EXPECT_EQ(*list.Size(), 1);
}

TEST_F(TypedBlockingTest, ARequestThatCameBeforeTakesNothing) {
  const List list(*cache_, "l");
  ASSERT_TRUE(list.PushBack("x").ok());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(list.BlockingPopFront(kForEver, stop.get_token()).status().code(), Code::kCancelled);
  EXPECT_EQ(*list.Size(), 1);
}

// The thread that holds the cache requests the stop: it waits for nobody. What it then brings still in the same hold is
// given to the one that waits, and returned, though its stop has been requested.
TEST_F(TypedBlockingTest, WhatIsHandedOverBesideAStopRequestIsReturned) {
  const List list(*cache_, "l");
  std::stop_source stop;
  EXPECT_THAT(*WhileItWaits([&] { return list.BlockingPopFront(kForEver, stop.get_token()); },
                            [&] {
                              ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                                                  stop.request_stop();
                                                  EXPECT_EQ(*List(transaction, "l").PushBack("x"), 1);
                                                }).ok());
                            }),
              Optional(std::string("x")));
  EXPECT_EQ(*list.Size(), 0);
}

TEST_F(TypedBlockingTest, WhatIsHandedOverBesideTheEndOfTheTimeStaysOrIsReturned) {
  const List list(*cache_, "l");
  // Before the time is over it is the waiting call's, even if its thread wakes only afterwards.
  EXPECT_THAT(*WhileItWaits([&] { return list.BlockingPopFront(absl::Seconds(1)); },
                            [&] {
                              ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                                                  EXPECT_TRUE(List(transaction, "l").PushBack("x").ok());
                                                }).ok());
                              clock_->Advance(absl::Seconds(5));
                            }),
              Optional(std::string("x")));
  // Afterwards it stays.
  EXPECT_EQ(*WhileItWaits([&] { return list.BlockingPopFront(absl::Seconds(1)); },
                          [&] {
                            ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                                                clock_->Advance(absl::Seconds(5));
                                                EXPECT_TRUE(List(transaction, "l").PushBack("y").ok());
                                              }).ok());
                          }),
            std::nullopt);
  EXPECT_EQ(*list.Size(), 1);
}

TEST_F(TypedBlockingTest, CloseEndsTheWaits) {
  std::stop_source stop;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      EXPECT_EQ(List(*cache_, "l").BlockingPopFront(kForEver, stop.get_token()).status().code(), Code::kCancelled);
      EXPECT_EQ(SortedSet(*cache_, "z").BlockingPopMin(kForEver).status().code(), Code::kCancelled);
    });
  }
  AwaitBlocked(3);
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  for (std::thread& thread : threads) thread.join();
  cache_.reset();
  stop.request_stop();  // nobody is left to be woken
}

TEST_F(TypedBlockingTest, StopRequestsBesideClose) {
  for (int round = 0; round < 30; ++round) {
    Open({});
    std::stop_source stop;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (List(*cache_, "l").BlockingPopFront(kForEver, stop.get_token()).ok()) {
        }
      });
    }
    for (int i = 0; i < round; ++i) ASSERT_TRUE(List(*cache_, "l").PushBack("x").ok());
    std::thread other([&] { stop.request_stop(); });
    ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
    other.join();
    for (std::thread& thread : threads) thread.join();
    cache_.reset();
  }
}

// Several producers and consumers, of which some give up by time and some are stopped again and again.
TEST_F(TypedBlockingTest, EachElementIsReturnedOnce) {
  constexpr int kConsumers = 4;
  constexpr int kProducers = 2;
  constexpr int kEach = 1500;
  Open({});
  std::mutex mutex;
  std::map<std::string, int> seen;
  std::stop_source stops[kConsumers];
  std::mutex stops_mutex;
  std::atomic<bool> done{false};
  const auto token = [&](int i) {
    const std::lock_guard<std::mutex> lock(stops_mutex);
    return stops[i].get_token();
  };
  std::vector<std::thread> consumers;
  for (int i = 0; i < kConsumers; ++i) {
    consumers.emplace_back([&, i] {
      const absl::Duration timeout = i % 2 == 0 ? kForEver : absl::Milliseconds(1);
      for (;;) {
        std::vector<std::string> got;
        if (i < 2) {
          const auto popped = BlockingPopFront(*cache_, {"a", "b"}, timeout, token(i));
          ASSERT_TRUE(popped.ok() || popped.status().code() == Code::kCancelled) << popped.status();
          if (popped.ok() && popped->has_value()) got.push_back((*popped)->element);
        } else {
          const auto popped = BlockingPopBack(*cache_, {"b", "a"}, 3, timeout, token(i));
          ASSERT_TRUE(popped.ok() || popped.status().code() == Code::kCancelled) << popped.status();
          if (popped.ok() && popped->has_value()) got = (*popped)->elements;
        }
        const std::lock_guard<std::mutex> lock(mutex);
        bool end = false;
        for (const std::string& element : got) {
          if (element == "end") end = true;
          else ++seen[element];
        }
        if (end && got.size() > 1) {  // the others' ends
          for (size_t more = 1; more < got.size(); ++more) {
            if (got[more] == "end") (void)List(*cache_, "a").PushBack("end");
          }
        }
        if (end) return;
      }
    });
  }
  std::thread stopper([&] {
    for (int i = 0; !done; i = (i + 1) % kConsumers) {
      std::stop_source fresh;
      const std::lock_guard<std::mutex> lock(stops_mutex);
      stops[i].request_stop();
      stops[i] = fresh;
    }
  });
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      const List list(*cache_, p == 0 ? "a" : "b");
      for (int i = 0; i < kEach; ++i) {
        ASSERT_TRUE(list.PushBack(std::to_string(p) + ":" + std::to_string(i)).ok());
        if (i % 16 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : producers) thread.join();
  while (*List(*cache_, "a").Size() + *List(*cache_, "b").Size() != 0) std::this_thread::yield();
  for (int i = 0; i < kConsumers; ++i) ASSERT_TRUE(List(*cache_, "b").PushBack("end").ok());
  for (std::thread& thread : consumers) thread.join();
  done = true;
  stopper.join();
  EXPECT_EQ(seen.size(), static_cast<size_t>(kProducers * kEach));
  for (const auto& [element, times] : seen) EXPECT_EQ(times, 1) << element;
  EXPECT_EQ(Blocked(), 0);
}

// The same of sorted sets and of a consumer group.
TEST_F(TypedBlockingTest, EachMemberAndEachEntryIsReturnedOnce) {
  constexpr int kThreads = 3;
  constexpr int kEach = 1000;
  Open({});
  const Stream stream(*cache_, "s");
  ASSERT_TRUE(stream.CreateGroup("g", {}).ok());
  std::mutex mutex;
  std::map<std::string, int> seen;
  std::stop_source stop;
  const auto note = [&](const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++seen[name];
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (;;) {
        const auto popped = i == 0 ? BlockingPopMin(*cache_, {"y", "z"}, 2, kForEver, stop.get_token())
                                   : BlockingPopMax(*cache_, {"z", "y"}, 1, absl::Milliseconds(1), stop.get_token());
        if (!popped.ok()) {
          EXPECT_EQ(popped.status().code(), Code::kCancelled);
          return;
        }
        if (!popped->has_value()) continue;
        for (const ScoredMember& each : (*popped)->members) note(each.member);
      }
    });
    threads.emplace_back([&, i] {
      const std::string me = "consumer" + std::to_string(i);
      for (;;) {
        const auto entries = stream.BlockingReadGroup("g", me, i, i == 0 ? absl::Milliseconds(1) : kForEver,
                                                      stop.get_token());
        if (!entries.ok()) {
          EXPECT_EQ(entries.status().code(), Code::kCancelled);
          return;
        }
        for (const StreamEntry& each : *entries) note("entry" + std::string(*each.Find("n")));
      }
    });
  }
  std::thread producer([&] {
    for (int i = 0; i < kEach; ++i) ASSERT_TRUE(stream.Add({{"n", std::to_string(i)}}).ok());
  });
  for (int i = 0; i < kEach; ++i) {
    ASSERT_TRUE(SortedSet(*cache_, i % 2 == 0 ? "y" : "z").Add("member" + std::to_string(i), i).ok());
  }
  producer.join();
  const auto all_seen = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    return seen.size() == 2 * kEach;
  };
  while (!all_seen()) std::this_thread::yield();
  stop.request_stop();
  for (std::thread& thread : threads) thread.join();
  for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
  EXPECT_EQ(stream.Pending("g", 2 * kEach)->size(), static_cast<size_t>(kEach));
}

}  // namespace
}  // namespace larder::testing
