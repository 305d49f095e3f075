// Cache::Subscribe: who is told what, in which order, and what the headers promise of overflow, ends, forks and Close.
#include <larder/cache.h>
#include <larder/pubsub.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using namespace std::string_view_literals;

std::string TextOf(const Message& message) {
  constexpr const char* kBy[] = {"channel", "pattern", "shard"};
  std::string text = std::string(kBy[static_cast<int>(message.by)]) + " " + std::string(message.channel);
  if (!message.pattern.empty()) text += " by " + std::string(message.pattern);
  return text + ": " + std::string(message.payload);
}

class SubscribeTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  }

  Subscription Subscribe(const Channels& channels, CallbackOptions options = {}) {
    return *cache_->Subscribe(channels, [this](const Message& message) { got_.push_back(TextOf(message)); }, options);
  }
  // What callbacks have got since the last call of this.
  std::vector<std::string> Got() {
    EXPECT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
    return std::exchange(got_, {});
  }
  int64_t Subscribers(std::string_view channel) {
    return (*cache_->Execute({"PUBSUB", "NUMSUB", channel}))[1].integer();
  }
  int64_t Clients() {
    const std::string list(cache_->Execute({"CLIENT", "LIST"})->string_view());
    return std::count(list.begin(), list.end(), '\n');
  }
  absl::Time Now() { return absl::FromUnixMicros(clock_->NowUs()); }
  uint64_t UsedBytes() { return cache_->Stats()->used_memory; }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_ = *Cache::Open({.clock = clock_, .seed = 7, .background = Background::kTick});
  std::vector<std::string> got_;
};

TEST_F(SubscribeTest, TellsByWhatInTheOrderOfPublishing) {
  const Subscription all = Subscribe({.channels = {"news", "views"}, .patterns = {"n*"}, .shard_channels = {"news"}});
  EXPECT_EQ(*Publish(*cache_, "views", "1"), 1);
  EXPECT_EQ(*Publish(*cache_, "news", "2"), 2);
  EXPECT_EQ(*PublishToShard(*cache_, "news", "3"), 1);
  EXPECT_EQ(*Publish(*cache_, "nothing", "4"), 1);
  EXPECT_EQ(*Publish(*cache_, "else", "5"), 0);
  EXPECT_THAT(got_, ElementsAre()) << "callbacks run after the call that published";
  EXPECT_THAT(Got(), ElementsAre("channel views: 1", "channel news: 2", "pattern news by n*: 2", "shard news: 3",
                                 "pattern nothing by n*: 4"));
  EXPECT_THAT(Got(), ElementsAre());
}

TEST_F(SubscribeTest, SeveralSubscriptionsShareOneOrder) {
  std::vector<std::string> got;
  const auto tell = [&](const char* who) {
    return [&got, who](const Message& message) { got.push_back(who + std::string(message.payload)); };
  };
  const Subscription a = *cache_->Subscribe({.channels = {"c"}}, tell("a"));
  const Subscription b = *cache_->Subscribe({.channels = {"c"}}, tell("b"));
  for (const char* text : {"1", "2", "3"}) ASSERT_EQ(*Publish(*cache_, "c", text), 2);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(got, ElementsAre("a1", "b1", "a2", "b2", "a3", "b3")) << "they take turns";
}

TEST_F(SubscribeTest, BytesAreAny) {
  const std::string large(100'000, 'x');
  std::vector<std::string> got;
  const Subscription any = *cache_->Subscribe({.channels = {"", "a\0b"sv}, .patterns = {"?\0?"sv}},
                                              [&](const Message& message) {
                                                got.push_back(std::string(message.channel) + "|" +
                                                              std::string(message.pattern) + "|" +
                                                              std::string(message.payload));
                                              });
  ASSERT_EQ(*Publish(*cache_, "", ""), 1);
  ASSERT_EQ(*Publish(*cache_, "a\0b"sv, "\r\n\0"sv), 2);
  ASSERT_EQ(*Publish(*cache_, "a\0b"sv, large), 2);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(got, ElementsAre("||", "a\0b||\r\n\0"sv, "a\0b|?\0?|\r\n\0"sv, std::string("a\0b||"sv) + large,
                               std::string("a\0b|?\0?|"sv) + large));
}

TEST_F(SubscribeTest, ALongMessageIsCopiedOnceForAll) {
  std::vector<Subscription> subscriptions;
  for (int i = 0; i < 10; ++i) subscriptions.push_back(Subscribe({.channels = {"c"}, .patterns = {"*"}}));
  const uint64_t before = UsedBytes();
  ASSERT_EQ(*Publish(*cache_, "c", std::string(1'000'000, 'x')), 20);
  EXPECT_GE(UsedBytes() - before, 1'000'000u) << "what waits counts as used memory";
  EXPECT_LE(UsedBytes() - before, 1'100'000u);
  EXPECT_EQ(Got().size(), 20u);
  EXPECT_EQ(Got().size(), 0u);  // what callbacks have given back is collected by the next step
  EXPECT_LE(UsedBytes(), before);
}

TEST_F(SubscribeTest, ConnectionsShareALongMessageToo) {
  constexpr std::string_view kSubscribe = "SUBSCRIBE c\r\n";
  const std::string payload(1'000'000, 'x');
  std::vector<std::unique_ptr<RespConnection>> connections;
  for (int i = 0; i < 10; ++i) {
    connections.push_back(*cache_->NewConnection());
    ASSERT_TRUE(connections[i]->Feed(i % 2 != 0 ? "HELLO 3\r\n" : "HELLO 2\r\n").ok());
    ASSERT_TRUE(connections[i]->Feed(i % 3 != 0 ? "PSUBSCRIBE *\r\n" : kSubscribe).ok());
    connections[i]->ConsumeOutput(connections[i]->output().size());
  }
  const Subscription one = Subscribe({.channels = {"c"}});
  const uint64_t before = UsedBytes();
  ASSERT_EQ(*Publish(*cache_, "c", payload), 11);
  EXPECT_GE(UsedBytes() - before, 1'000'000u);
  EXPECT_LE(UsedBytes() - before, 1'100'000u);
  for (int i = 0; i < 10; ++i) {
    const std::string mark = i % 2 != 0 ? ">" : "*";
    const std::string head = i % 3 != 0 ? "4\r\n$8\r\npmessage\r\n$1\r\n*\r\n" : "3\r\n$7\r\nmessage\r\n";
    EXPECT_EQ(connections[i]->output(), mark + head + "$1\r\nc\r\n$1000000\r\n" + payload + "\r\n");
    connections[i].reset();
  }
  EXPECT_THAT(Got(), ElementsAre("channel c: " + payload));
  EXPECT_EQ(Got().size(), 0u);
  EXPECT_LT(UsedBytes(), before);
}

TEST_F(SubscribeTest, AddAndRemove) {
  Subscription some = Subscribe({});
  EXPECT_EQ(*Publish(*cache_, "a", "0"), 0);
  ASSERT_TRUE(some.Add({.channels = {"a", "b"}, .patterns = {"*"}, .shard_channels = {"a"}}).ok());
  ASSERT_TRUE(some.Add({.channels = {"a"}}).ok());
  EXPECT_EQ(*Publish(*cache_, "a", "1"), 2);
  ASSERT_TRUE(some.Remove({.channels = {"a", "none"}, .patterns = {"*", "none"}, .shard_channels = {"none"}}).ok());
  EXPECT_EQ(*Publish(*cache_, "a", "2"), 0);
  EXPECT_EQ(*Publish(*cache_, "b", "3"), 1);
  EXPECT_EQ(*PublishToShard(*cache_, "a", "4"), 1);
  EXPECT_THAT(Got(), ElementsAre("channel a: 1", "pattern a by *: 1", "channel b: 3", "shard a: 4"));
}

TEST_F(SubscribeTest, CountsAsASubscriberButIsNoClient) {
  const int64_t clients = Clients();
  {
    const Subscription one = Subscribe({.channels = {"c"}, .patterns = {"*"}, .shard_channels = {"s"}});
    EXPECT_EQ(Subscribers("c"), 1);
    EXPECT_EQ(cache_->Execute({"PUBSUB", "NUMPAT"})->integer(), 1);
    EXPECT_EQ((*cache_->Execute({"PUBSUB", "SHARDNUMSUB", "s"}))[1].integer(), 1);
    EXPECT_THAT(std::string(cache_->Execute({"INFO", "stats"})->string_view()), HasSubstr("pubsub_channels:1\r\n"));
    EXPECT_EQ(Clients(), clients);
  }
  EXPECT_EQ(Subscribers("c"), 0);
  EXPECT_EQ(cache_->Execute({"PUBSUB", "NUMPAT"})->integer(), 0);
}

TEST_F(SubscribeTest, ThousandsOfChannels) {
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("c" + std::to_string(i));
  Channels channels;
  channels.channels.assign(names.begin(), names.end());
  channels.patterns.assign(names.begin(), names.begin() + 100);
  Subscription many = Subscribe(channels);
  EXPECT_EQ(*Publish(*cache_, "c77", "x"), 2);
  EXPECT_EQ(*Publish(*cache_, "c4999", "x"), 1);
  EXPECT_THAT(Got(), ElementsAre("channel c77: x", "pattern c77 by c77: x", "channel c4999: x"));
  ASSERT_TRUE(many.Remove({.channels = std::vector<std::string_view>(names.begin() + 1, names.end())}).ok());
  EXPECT_EQ(cache_->Execute({"PUBSUB", "CHANNELS"})->size(), 1u);
}

TEST_F(SubscribeTest, KeyspaceNotificationsAreMessages) {
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "notify-keyspace-events", "KEA"}).ok());
  const Subscription keys = Subscribe({.patterns = {"__key*__:*"}});
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  EXPECT_THAT(Got(), ElementsAre("pattern __keyspace@0__:k by __key*__:*: set", "pattern __keyevent@0__:set by __key*__:*: k"));
}

TEST_F(SubscribeTest, MonitorShowsIt) {
  const std::unique_ptr<RespConnection> monitor = *cache_->NewConnection();
  ASSERT_TRUE(monitor->Feed("MONITOR\r\n").ok());
  Subscription some = Subscribe({.channels = {"a", "b"}, .patterns = {"p"}, .shard_channels = {"s"}});
  ASSERT_TRUE(some.Remove({.channels = {"a"}}).ok());
  const std::string said(monitor->output());
  EXPECT_THAT(said, HasSubstr("[0 larder] \"SUBSCRIBE\" \"a\" \"b\"\r\n"));
  EXPECT_THAT(said, HasSubstr("[0 larder] \"PSUBSCRIBE\" \"p\"\r\n"));
  EXPECT_THAT(said, HasSubstr("[0 larder] \"SSUBSCRIBE\" \"s\"\r\n"));
  EXPECT_THAT(said, HasSubstr("[0 larder] \"UNSUBSCRIBE\" \"a\"\r\n"));
}

// ---- What a callback may do -----------------------------------------------------------------------------------------

TEST_F(SubscribeTest, ACallbackMayCallTheCache) {
  std::vector<std::string> got;
  std::optional<Subscription> later;
  const Subscription ping = *cache_->Subscribe({.channels = {"ping"}}, [&](const Message& message) {
    got.push_back(std::string(message.payload));
    EXPECT_TRUE(cache_->Set("last", message.payload).ok());
    if (!later.has_value()) later = *cache_->Subscribe({.channels = {"ping"}}, [](const Message&) {});
    if (message.payload.size() < 3) {
      EXPECT_EQ(*Publish(*cache_, "ping", std::string(message.payload) + "x"), 2);
    }
    EXPECT_EQ(cache_->Tick(absl::InfiniteFuture()).status().code(), Code::kFailedPrecondition);
  });
  ASSERT_EQ(*Publish(*cache_, "ping", "x"), 1);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(got, ElementsAre("x", "xx", "xxx"));
  EXPECT_EQ(**cache_->Get("last"), "xxx");
}

TEST_F(SubscribeTest, ACallbackThatPublishesForeverStopsAtTicksDeadline) {
  int calls = 0;
  const Subscription echo = *cache_->Subscribe({.channels = {"c"}}, [&](const Message&) {
    ++calls;
    clock_->Advance(absl::Milliseconds(1));
    EXPECT_EQ(*Publish(*cache_, "c", "again"), 1);
  });
  ASSERT_EQ(*Publish(*cache_, "c", "first"), 1);
  const absl::Time now = Now();
  const absl::Time again = *cache_->Tick(now + absl::Milliseconds(10));
  EXPECT_EQ(again, Now()) << "callbacks are still owed";
  EXPECT_EQ(calls, 10);
}

TEST_F(SubscribeTest, ACallbackMayDestroyItsSubscription) {
  auto token = std::make_shared<int>(0);
  std::optional<Subscription> self;
  self = *cache_->Subscribe({.channels = {"c"}}, [&, token](const Message&) {
    ++*token;
    self.reset();
    EXPECT_GE(token.use_count(), 2) << "the function lives until it has returned";
  });
  ASSERT_EQ(*Publish(*cache_, "c", "1"), 1);
  ASSERT_EQ(*Publish(*cache_, "c", "2"), 1);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*token, 1);
  EXPECT_EQ(token.use_count(), 1) << "and no longer";
  EXPECT_EQ(*Publish(*cache_, "c", "3"), 0);
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

TEST_F(SubscribeTest, TheEndDropsWhatWaits) {
  auto token = std::make_shared<int>(0);
  const uint64_t before = UsedBytes();
  {
    const Subscription one = *cache_->Subscribe({.channels = {"c"}}, [token](const Message&) { ++*token; });
    ASSERT_EQ(*Publish(*cache_, "c", "x"), 1);
  }
  EXPECT_EQ(token.use_count(), 1) << "the function is destroyed with it";
  EXPECT_EQ(*Publish(*cache_, "c", "x"), 0);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*token, 0);
  EXPECT_LE(UsedBytes(), before);
}

TEST_F(SubscribeTest, Moves) {
  Subscription first = Subscribe({.channels = {"a"}});
  Subscription second = std::move(first);
  EXPECT_EQ(first.Add({.channels = {"b"}}).code(), Code::kFailedPrecondition);
  EXPECT_EQ(first.Remove({.channels = {"a"}}).code(), Code::kFailedPrecondition);
  EXPECT_FALSE(first.closed());
  EXPECT_EQ(first.dropped(), 0u);
  EXPECT_EQ(*Publish(*cache_, "a", "1"), 1);
  second = Subscribe({.channels = {"b"}});
  EXPECT_EQ(*Publish(*cache_, "a", "2"), 0) << "the one that was assigned to has ended";
  EXPECT_EQ(*Publish(*cache_, "b", "3"), 1);
  second = std::move(second);
  EXPECT_THAT(Got(), ElementsAre("channel b: 3"));
  first = std::move(second);
  EXPECT_EQ(*Publish(*cache_, "b", "4"), 1);
  EXPECT_THAT(Got(), ElementsAre("channel b: 4"));
}

TEST_F(SubscribeTest, InsideTheOrder) {
  std::optional<Subscription> one = Subscribe({.channels = {"a"}});
  const absl::Status status = cache_->Atomically([&](Transaction& transaction) {
    EXPECT_EQ(cache_->Subscribe({.channels = {"a"}}, [](const Message&) {}).status().code(), Code::kFailedPrecondition);
    EXPECT_EQ(one->Add({.channels = {"b"}}).code(), Code::kFailedPrecondition);
    EXPECT_EQ(one->Remove({.channels = {"a"}}).code(), Code::kFailedPrecondition);
    EXPECT_EQ(*Publish(transaction, "a", "1"), 1);
    one.reset();
    EXPECT_EQ(*Publish(transaction, "a", "2"), 0);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(Got(), ElementsAre());
}

TEST_F(SubscribeTest, CloseDeliversWhatIsOwed) {
  std::optional<Subscription> one = Subscribe({.channels = {"c"}});
  for (int i = 0; i < 20; ++i) ASSERT_EQ(*Publish(*cache_, "c", std::to_string(i)), 1);
  const absl::Status late = cache_->Close(absl::InfinitePast());
  EXPECT_EQ(late.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()), HasSubstr("callbacks are still owed: 19"));
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(got_.size(), 20u);
  EXPECT_EQ(one->Add({.channels = {"d"}}).code(), Code::kCancelled);
  EXPECT_EQ(one->Remove({.channels = {"c"}}).code(), Code::kCancelled);
  EXPECT_EQ(one->Add({}).code(), Code::kCancelled);
  EXPECT_EQ(one->Remove({}).code(), Code::kCancelled);
  EXPECT_EQ(cache_->Subscribe({.channels = {"c"}}, [](const Message&) {}).status().code(), Code::kCancelled);
  one.reset();
}

TEST_F(SubscribeTest, AForkedChildEndsNothing) {
  std::optional<Subscription> one = Subscribe({.channels = {"c"}});
  ASSERT_EQ(*Publish(*cache_, "c", "1"), 1);
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = one->Add({.channels = {"d"}}).code() == Code::kFailedPrecondition &&
                         one->Remove({.channels = {"c"}}).code() == Code::kFailedPrecondition;
    one.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(Got(), ElementsAre("channel c: 1"));
}

TEST_F(SubscribeTest, ACallbackMayFork) {
  pid_t child = -1;
  int calls = 0;
  std::optional<Subscription> one = *cache_->Subscribe({.channels = {"c"}}, [&](const Message&) {
    if (++calls == 1) child = fork();
  });
  for (int i = 0; i < 3; ++i) ASSERT_EQ(*Publish(*cache_, "c", "x"), 1);
  (void)cache_->Tick(absl::InfiniteFuture());
  if (child == 0) {
    const int child_calls = calls;
    one.reset();
    _exit(child_calls);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 1) << "the child runs none of the others";
  EXPECT_EQ(calls, 3);
}

// ---- Overflow -------------------------------------------------------------------------------------------------------

TEST_F(SubscribeTest, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(cache_->Subscribe({.channels = {"c"}}, nullptr).status().code(), Code::kInvalidArgument);
  CallbackOptions nothing;
  nothing.bytes_max = 0;
  const absl::Status status = cache_->Subscribe({.channels = {"c"}}, [](const Message&) {}, nothing).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bytes_max"));
  EXPECT_EQ(Subscribers("c"), 0);
}

TEST_F(SubscribeTest, WhatIsOverTheBoundIsDroppedAndToldFirst) {
  CallbackOptions options;
  options.bytes_max = 3000;
  options.on_dropped = [&](uint64_t count) { got_.push_back("dropped " + std::to_string(count)); };
  const Subscription one = Subscribe({.channels = {"c"}}, options);
  const std::string half(1200, 'x');
  for (int i = 0; i < 5; ++i) ASSERT_EQ(*Publish(*cache_, "c", std::to_string(i) + half), 1);
  EXPECT_EQ(one.dropped(), 3u);
  EXPECT_THAT(Got(), ElementsAre("dropped 3", "channel c: 0" + half, "channel c: 1" + half)) << "the newest are lost";
  ASSERT_EQ(*Publish(*cache_, "c", "fits"), 1);
  EXPECT_THAT(Got(), ElementsAre("channel c: fits"));
  ASSERT_EQ(*Publish(*cache_, "c", std::string(3000, 'x')), 1);
  EXPECT_THAT(Got(), ElementsAre("dropped 1")) << "nothing else waits";
  EXPECT_EQ(one.dropped(), 4u);
  EXPECT_FALSE(one.closed());
}

TEST_F(SubscribeTest, AMessageCountsUntilItsCallbackHasReturned) {
  CallbackOptions options;
  options.bytes_max = 3000;
  const std::string large(2000, 'x');
  int calls = 0;
  const Subscription one = *cache_->Subscribe(
      {.channels = {"c"}},
      [&](const Message&) {
        if (++calls == 1) {
          EXPECT_EQ(*Publish(*cache_, "c", large), 1);
        }
      },
      options);
  ASSERT_EQ(*Publish(*cache_, "c", large), 1);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(one.dropped(), 1u);
}

TEST_F(SubscribeTest, KCloseHasNoGap) {
  CallbackOptions options;
  options.bytes_max = 3000;
  options.on_overflow = OnOverflow::kClose;
  options.on_dropped = [&](uint64_t count) { got_.push_back("dropped " + std::to_string(count)); };
  Subscription one = Subscribe({.channels = {"c"}}, options);
  const std::string half(1200, 'x');
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(one.closed());
    ASSERT_EQ(*Publish(*cache_, "c", std::to_string(i) + half), 1);
  }
  EXPECT_TRUE(one.closed());
  EXPECT_EQ(one.Add({.channels = {"d"}}).code(), Code::kFailedPrecondition);
  ASSERT_EQ(*Publish(*cache_, "c", "short"), 1) << "it counts until its last callback";
  EXPECT_THAT(Got(), ElementsAre("channel c: 0" + half, "channel c: 1" + half, "dropped 1"));
  EXPECT_EQ(Subscribers("c"), 0) << "it has left";
  EXPECT_EQ(*Publish(*cache_, "c", "short"), 0);
  EXPECT_THAT(Got(), ElementsAre());
  EXPECT_TRUE(one.closed());
}

TEST_F(SubscribeTest, OverflowNeedsNoFunction) {
  CallbackOptions options;
  options.bytes_max = 1;
  const Subscription one = Subscribe({.channels = {"c"}}, options);
  ASSERT_EQ(*Publish(*cache_, "c", "x"), 1);
  EXPECT_THAT(Got(), ElementsAre());
  EXPECT_EQ(one.dropped(), 1u);
}

// ---- Threads --------------------------------------------------------------------------------------------------------

TEST(SubscribeThreadsTest, TheEndWaitsForARunningCallback) {
  const std::unique_ptr<Cache> cache = *Cache::Open({.seed = 7, .background = Background::kThread});
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> begun{false};
    std::atomic<bool> ending{false};
    std::atomic<bool> returned{false};
    std::optional<Subscription> one = *cache->Subscribe({.channels = {"c"}}, [&](const Message&) {
      begun = true;
      begun.notify_all();
      ending.wait(false);
      returned = true;
    });
    ASSERT_EQ(*Publish(*cache, "c", "1"), 1);
    begun.wait(false);
    std::thread ender([&] {
      ending = true;
      ending.notify_all();
      one.reset();
      EXPECT_TRUE(returned);
    });
    ender.join();
  }
}

TEST(SubscribeThreadsTest, PublishersAndSubscribersThatComeAndGo) {
  constexpr int kMessages = 2000;
  const std::unique_ptr<Cache> cache = *Cache::Open({.seed = 7, .background = Background::kThread});
  std::vector<int> last(2, -1);
  std::atomic<int> got{0};
  const Subscription all = *cache->Subscribe({.channels = {"0", "1"}}, [&](const Message& message) {
    const int who = message.channel[0] - '0';
    const int number = std::stoi(std::string(message.payload));
    EXPECT_EQ(number, last[who] + 1) << "no gap, and in order";
    last[who] = number;
    ++got;
    got.notify_all();
  });
  std::vector<std::thread> threads;
  for (int who = 0; who < 2; ++who) {
    threads.emplace_back([&, who] {
      for (int i = 0; i < kMessages; ++i) {
        EXPECT_TRUE(Publish(*cache, std::to_string(who), std::to_string(i)).ok());
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 300; ++i) {
      CallbackOptions options;
      options.bytes_max = 500;
      options.on_overflow = i % 2 == 0 ? OnOverflow::kDrop : OnOverflow::kClose;
      int calls = 0;
      Subscription one = *cache->Subscribe({.channels = {"0"}}, [&](const Message&) { ++calls; }, options);
      EXPECT_TRUE(one.Add({.patterns = {"*"}}).ok() || one.closed());
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (int now = got; now != 2 * kMessages; now = got) got.wait(now);
  EXPECT_EQ(all.dropped(), 0u);
}

TEST(SubscribeThreadsTest, CloseMeetsSubscribersThatEnd) {
  for (int round = 0; round < 50; ++round) {
    std::unique_ptr<Cache> cache = *Cache::Open({.seed = 7, .background = Background::kThread});
    std::atomic<int> got{0};
    std::optional<Subscription> one = *cache->Subscribe({.channels = {"c"}}, [&](const Message&) { ++got; });
    for (int i = 0; i < 5; ++i) ASSERT_EQ(*Publish(*cache, "c", "x"), 1);
    std::thread ender([&] { one.reset(); });
    EXPECT_TRUE(cache->Close(absl::InfiniteFuture()).ok());
    ender.join();
    EXPECT_LE(got, 5);
  }
}

}  // namespace
}  // namespace larder::testing
