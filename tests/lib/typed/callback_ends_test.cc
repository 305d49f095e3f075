// Callbacks of Subscribe and OnEvent where several things meet: overflow and end beside running threads, Close with
// values that are still to be seen, what overwritten and evicted values take, and every kind of background.
#include <larder/cache.h>
#include <larder/events.h>
#include <larder/pubsub.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/hash.h>
#include <larder/list.h>
#include <larder/set.h>
#include <larder/sorted_set.h>

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using Code = absl::StatusCode;

std::unique_ptr<Cache> Open(Background background) { return *Cache::Open({.seed = 7, .background = background}); }

void Fill(Cache& cache, const std::string& key, int fields) {
  for (int i = 0; i < fields; ++i) ASSERT_TRUE(Hash(cache, key).Set("f" + std::to_string(i), "v").ok());
}

// ---- Beside running threads -----------------------------------------------------------------------------------------

TEST(CallbackEndsTest, OverflowIsToldLast) {
  const std::unique_ptr<Cache> cache = Open(Background::kThread);
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    std::atomic<int> told{0};
    std::atomic<int> last{-1};
    std::atomic<bool> over{false};
    std::optional<Subscription> subscription;
    CallbackOptions options;
    options.bytes_max = 1000;
    options.on_overflow = OnOverflow::kClose;
    options.on_dropped = [&](uint64_t count) {
      EXPECT_EQ(count, 1u);
      EXPECT_TRUE(subscription->closed());
      over = true;
      over.notify_all();
    };
    subscription = *cache->Subscribe({.channels = {"c"}},
                                     [&](const Message& message) {
                                       EXPECT_FALSE(over) << "what was kept comes before";
                                       EXPECT_EQ(std::stoi(std::string(message.payload)), last + 1) << "no gap";
                                       ++last;
                                       ++told;
                                     },
                                     options);
    int published = 0;
    while (!subscription->closed()) ASSERT_TRUE(Publish(*cache, "c", std::to_string(published++)).ok());
    over.wait(false);
    EXPECT_EQ(told, published - 1) << "all but the one that was too much";
    EXPECT_EQ(subscription->dropped(), 1u);
  }
}

// Whoever adds channels to a subscription that overflows meanwhile is told, and leaves none of them behind.
TEST(CallbackEndsTest, OverflowMeetsAdd) {
  const std::unique_ptr<Cache> cache = Open(Background::kThread);
  std::vector<std::string> names;
  std::vector<std::string_view> views;
  for (int i = 0; i < 500; ++i) names.push_back("many" + std::to_string(i));
  for (const std::string& name : names) views.push_back(name);
  std::atomic<bool> done{false};
  std::thread publisher([&] {
    while (!done) ASSERT_TRUE(Publish(*cache, "many0", "x").ok());
  });
  int closed = 0;
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> over{false};
    CallbackOptions options;
    options.bytes_max = 200;
    options.on_overflow = OnOverflow::kClose;
    options.on_dropped = [&](uint64_t) {
      over = true;
      over.notify_all();
    };
    Subscription one = *cache->Subscribe({}, [](const Message&) {}, options);
    const absl::Status status = one.Add({.channels = views});
    EXPECT_TRUE(status.ok() || status.code() == Code::kFailedPrecondition) << status;
    EXPECT_TRUE(status.ok() || one.closed());
    if (!one.closed()) continue;
    over.wait(false);
    ++closed;
    EXPECT_FALSE(one.Add({.channels = views}).ok());
    // They go behind the last callback; none stays.
    while ((*cache->Execute({"PUBSUB", "NUMSUB", "many499"}))[1].integer() != 0) std::this_thread::yield();
  }
  done = true;
  publisher.join();
  EXPECT_EQ(cache->Execute({"PUBSUB", "CHANNELS"})->size(), 0u) << closed << " were closed";
}

TEST(CallbackEndsTest, FunctionsAreDestroyedWhenTheEndReturns) {
  const std::unique_ptr<Cache> cache = Open(Background::kThread);
  for (int round = 0; round < 2000 && !::testing::Test::HasFailure(); ++round) {
    const auto token = std::make_shared<std::atomic<int>>(0);
    {
      const Subscription subscription = *cache->Subscribe({.channels = {"c"}}, [token](const Message&) {
        ++*token;
        token->notify_all();
      });
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(Publish(*cache, "c", "m").ok());
      token->wait(0);
    }
    EXPECT_EQ(token.use_count(), 1) << "round " << round;
  }
}

// Handles that come, go and move, writers, publishers, and callbacks that end each other, at once.
TEST(CallbackEndsTest, CallbacksThatEndEachOther) {
  constexpr int kRounds = 300;
  const std::unique_ptr<Cache> cache = Open(Background::kThread);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int who = 0; who < 2; ++who) {
    threads.emplace_back([&, who] {
      for (int i = 0; !stop; ++i) {
        EXPECT_TRUE(Publish(*cache, "c", std::to_string(i)).ok());
        EXPECT_TRUE(cache->Set("k" + std::to_string(who), std::string(static_cast<size_t>(i % 20'000), 'x')).ok());
        EXPECT_TRUE(cache->Atomically([&](Transaction& in) { EXPECT_TRUE(in.Delete("k0").ok()); }).ok());
      }
    });
  }
  struct Pair {
    std::optional<Subscription> messages;
    std::optional<EventSubscription> events;
    std::atomic<int> ended{0};
  };
  for (int round = 0; round < kRounds; ++round) {
    const auto pair = std::make_shared<Pair>();
    std::atomic<bool> ready{false};
    // The first message ends the listener to events, and then its own Subscription.
    pair->events = *cache->OnEvent(
        EventClass::kChanges,
        [pair](const Event& event) {
          if (event.old_value == nullptr) return;
          EXPECT_EQ(event.old_value->size(), event.old_value->string().size());
        },
        {.old_values = true});
    pair->messages = *cache->Subscribe({.patterns = {"*"}}, [pair, &ready](const Message&) {
      if (!ready.exchange(false)) return;
      const std::shared_ptr<Pair> keep = pair;
      keep->events.reset();
      keep->messages.reset();
      keep->ended = 1;
      keep->ended.notify_all();
    });
    ready = true;
    pair->ended.wait(0);
    EXPECT_FALSE(pair->messages.has_value());
    EXPECT_FALSE(pair->events.has_value());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const absl::Status status = cache->Close(absl::InfiniteFuture());
  EXPECT_TRUE(status.ok()) << status;
}

// ---- Close ----------------------------------------------------------------------------------------------------------

TEST(CallbackEndsTest, OldCollectionsCanBeReadWhileTheCacheCloses) {
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  std::vector<size_t> seen;
  const EventSubscription removals = *cache->OnEvent(
      EventClass::kGeneric,
      [&](const Event& event) {
        size_t elements = 0;
        auto fields = event.old_value->Elements<Hash::Entry>();
        for (const Hash::Entry& entry : fields) elements += entry.second == "v" ? 1u : 0u;
        EXPECT_TRUE(fields.status().ok()) << fields.status();
        seen.push_back(elements);
      },
      {.old_values = true});
  Fill(*cache, "small", 10);
  Fill(*cache, "large", 1000);
  ASSERT_TRUE(cache->Delete("small").ok());
  ASSERT_TRUE(cache->Delete("large").ok());
  const absl::Status status = cache->Close(absl::InfiniteFuture());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre(10u, 1000u));
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

// bytes_max also bounds values that are in memory only because an event has them, whatever has replaced them.
TEST(CallbackEndsTest, OverwrittenStringsAreBounded) {
  constexpr size_t kSize = 1'000'000;
  constexpr size_t kBytesMax = 4'000'000;
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  EventOptions options{.old_values = true};
  options.callbacks.bytes_max = kBytesMax;
  size_t told = 0;
  const EventSubscription all =
      *cache->OnEvent(EventClass::kChanges, [&](const Event&) { ++told; }, options);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(cache->Set("set", std::string(kSize, 'x')).ok());
  EXPECT_LT(cache->Stats()->used_memory, kBytesMax + 3 * kSize) << "SET";
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(cache->Append("set", "y").ok());
  EXPECT_LT(cache->Stats()->used_memory, kBytesMax + 3 * kSize) << "APPEND";
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(cache->Set("from", std::string(kSize, 'x')).ok());
    ASSERT_TRUE(cache->Execute({"RENAME", "from", "set"}).ok());
  }
  EXPECT_LT(cache->Stats()->used_memory, kBytesMax + 3 * kSize) << "RENAME";
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  const uint64_t dropped = all.dropped();
  // What keeps the value does not hold memory of its own: nothing is dropped for it.
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(cache->Expire("set", absl::Seconds(100 + i)).ok());
  EXPECT_EQ(all.dropped(), dropped);
}

TEST(CallbackEndsTest, OverwrittenCollectionsAreBounded) {
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  std::vector<std::string> words = {"HSET", "h"};
  for (int i = 0; i < 2000; ++i) {
    words.push_back("f" + std::to_string(i));
    words.push_back(std::string(50, 'v'));
  }
  EventOptions options{.old_values = true};
  options.callbacks.bytes_max = 1'000'000;
  const EventSubscription all = *cache->OnEvent(EventClass::kChanges, [](const Event&) {}, options);
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(cache->Execute(words)->integer(), 2000);
    ASSERT_TRUE(cache->Set("h", "a string instead").ok());
    ASSERT_TRUE(cache->Delete("h").ok());
  }
  EXPECT_GT(all.dropped(), 25u) << "what is deleted is freed later, so that used memory says nothing of it yet";
}

// The elements that an event has copied are memory too.
TEST(CallbackEndsTest, CopiesOfElementsCount) {
  constexpr size_t kBytesMax = 1'000'000;
  constexpr int kChanges = 2000;
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Hash(*cache, "h").Set("f" + std::to_string(i), std::string(1000, 'v')).ok());
  }
  const uint64_t before = cache->Stats()->used_memory;
  EventOptions options{.old_values = true};
  options.callbacks.bytes_max = kBytesMax;
  size_t told = 0;
  {
    const EventSubscription all = *cache->OnEvent(EventClass::kHash, [&](const Event&) { ++told; }, options);
    for (int i = 0; i < kChanges; ++i) ASSERT_TRUE(Hash(*cache, "h").Set("f0", std::to_string(i)).ok());
    EXPECT_GT(cache->Stats()->used_memory, before + kBytesMax / 2);
    EXPECT_LT(cache->Stats()->used_memory, before + kBytesMax + 100'000);
    EXPECT_GT(all.dropped(), static_cast<uint64_t>(kChanges) - kBytesMax / 20'000) << "each has 20 KB";
    ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
    EXPECT_GT(told, 0u);
    EXPECT_EQ(told + all.dropped(), static_cast<uint64_t>(kChanges));
  }
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  EXPECT_LE(cache->Stats()->used_memory, before);
}

TEST(CallbackEndsTest, EvictedCollectionsAreNoReasonToEvict) {
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  ASSERT_TRUE(cache->Execute({"CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "4000000"})->is_ok());
  const EventSubscription removals =
      *cache->OnEvent(EventClass::kEvicted, [](const Event&) {}, {.old_values = true});
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> words = {"HSET", "h" + std::to_string(i)};
    for (int field = 0; field < 300; ++field) {
      words.push_back("f" + std::to_string(field));
      words.push_back(std::string(100, 'v'));
    }
    ASSERT_EQ(cache->Execute(words)->integer(), 300);
  }
  const int64_t left = *cache->Size();
  EXPECT_LT(left, 200);
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  const uint64_t used = cache->Stats()->used_memory;
  EXPECT_GT(used, 3'000'000u) << left << " keys were left";
}

// ---- Every background -----------------------------------------------------------------------------------------------

TEST(CallbackEndsTest, UsedMemoryIsAsBefore) {
  const std::unique_ptr<Cache> cache = Open(Background::kTick);
  // One is enough: it also frees what its last callbacks let go of.
  const auto settle = [&] { ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok()); };
  settle();
  const uint64_t before = cache->Stats()->used_memory;
  for (const char* end : {"FLUSHALL", "FLUSHALL ASYNC", "FLUSHDB", "DEL", "UNLINK"}) {
    size_t told = 0;
    {
      const EventSubscription all = *cache->OnEvent(
          EventClass::kChanges | EventClass::kMiss, [&](const Event&) { ++told; }, {.old_values = true});
      const Subscription messages = *cache->Subscribe({.channels = {"c"}, .patterns = {"*"}}, [](const Message&) {});
      for (int round = 0; round < 3; ++round) {
        Fill(*cache, "h", 300);
        for (int i = 0; i < 150; ++i) {
          const std::string text = std::to_string(i);
          ASSERT_TRUE(List(*cache, "l").PushBack(std::string(100, 'x')).ok());
          ASSERT_TRUE(Set(*cache, "s").Add("m" + text).ok());
          ASSERT_TRUE(cache->Execute({"ZADD", "z", text, "m" + text}).ok());
          ASSERT_TRUE(cache->Execute({"XADD", "x", "*", "f", text}).ok());
        }
        ASSERT_TRUE(cache->Set("big", std::string(100'000, 'x')).ok());
        ASSERT_TRUE(Publish(*cache, "c", std::string(100'000, 'x')).ok());
        const std::string how = end;
        if (how == "DEL" || how == "UNLINK") {
          ASSERT_TRUE(cache->Execute({how, "h", "l", "s", "z", "x", "big"}).ok());
        } else if (how == "FLUSHALL ASYNC") {
          ASSERT_TRUE(cache->Execute({"FLUSHALL", "ASYNC"}).ok());
        } else {
          ASSERT_TRUE(cache->Execute({how}).ok());
        }
        if (round == 1) settle();
      }
    }
    settle();
    EXPECT_EQ(cache->Stats()->keys, 0u);
    EXPECT_LE(cache->Stats()->used_memory, before + 20'000) << end;
    EXPECT_GT(told, 0u);
  }
}

}  // namespace
}  // namespace larder::testing
