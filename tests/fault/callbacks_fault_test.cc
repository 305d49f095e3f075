// Each allocation fails once, alone and with all that follow: of Subscribe, Add and OnEvent, which do all or nothing; and
// of calls that are told to subscribers and listeners, which lose nothing unknowingly: what is not told is counted.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/events.h>
#include <larder/hash.h>
#include <larder/pubsub.h>
#include "tests/fault/faults.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

constexpr Faults::Mode kModes[] = {Faults::Mode::kOnce, Faults::Mode::kFromOn};

// Names that fit no small string, and many of them.
const Channels& SomeChannels() {
  static const std::vector<std::string>& names = *[] {
    auto* made = new std::vector<std::string>();
    for (int i = 0; i < 100; ++i) made->push_back(std::string(i == 0 ? 1000 : 40, 'c') + std::to_string(i));
    return made;
  }();
  static const Channels& channels = *new Channels{.channels = {names.begin(), names.end()},
                                                  .patterns = {names.begin(), names.begin() + 70},
                                                  .shard_channels = {names.begin(), names.begin() + 3}};
  return channels;
}

// A cache in which callbacks are counted.
class Told {
 public:
  Told() : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}

  Cache& cache() { return *cache_; }
  int64_t Subscriptions() {
    int64_t all = cache_->Execute({"PUBSUB", "NUMPAT"})->integer();
    for (const char* kind : {"CHANNELS", "SHARDCHANNELS"}) {
      all += static_cast<int64_t>(cache_->Execute({"PUBSUB", kind})->size());
    }
    return all;
  }
  void Tick() { EXPECT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok()); }

 private:
  std::unique_ptr<Cache> cache_;
};

// Calls attempt(told) with the n-th allocation failing, for each n there is. It returns whether it was done.
void FailEachOf(const char* name, const std::function<void(Told&)>& before, const std::function<bool(Told&)>& attempt,
                const std::function<void(Told&, bool done)>& check) {
  for (const Faults::Mode mode : kModes) {
    size_t n = 0;
    for (size_t refused = 1; refused != 0; ++n) {
      ASSERT_LT(n, 2000u) << name;
      SCOPED_TRACE(std::string(name) + ", allocation " + std::to_string(n));
      Told told;
      before(told);
      Faults::Arm(n, mode);
      const bool done = attempt(told);
      refused = Faults::Disarm();
      EXPECT_TRUE(done || refused != 0);
      check(told, done);
      EXPECT_TRUE(told.cache().Close(absl::InfiniteFuture()).ok());
      if (::testing::Test::HasFailure()) return;
    }
  }
}

void ExpectNoMemory(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kResourceExhausted) << status;
}

TEST(CallbacksFaultTest, SubscribeIsAllOrNothing) {
  const Channels& channels = SomeChannels();
  std::optional<absl::StatusOr<Subscription>> made;
  FailEachOf(
      "Subscribe", [](Told&) {},
      [&](Told& told) {
        made.emplace(told.cache().Subscribe(channels, [](const Message&) {}));
        return made->ok();
      },
      [&](Told& told, bool done) {
        ExpectNoMemory(made->status());
        EXPECT_EQ(told.Subscriptions(), done ? 173 : 0);
        made.reset();
        EXPECT_EQ(told.Subscriptions(), 0);
      });
}

TEST(CallbacksFaultTest, AddIsAllOrNothing) {
  const Channels& channels = SomeChannels();
  std::optional<Subscription> subscription;
  absl::Status status;
  FailEachOf(
      "Add",
      [&](Told& told) {
        subscription.emplace(*told.cache().Subscribe({.channels = {"a", channels.channels[5]}}, [](const Message&) {}));
      },
      [&](Told&) {
        status = subscription->Add(channels);
        return status.ok();
      },
      [&](Told& told, bool done) {
        ExpectNoMemory(status);
        EXPECT_EQ(told.Subscriptions(), done ? 174 : 2);
        EXPECT_TRUE(subscription->Remove(channels).ok());
        EXPECT_EQ(told.Subscriptions(), 1);
        subscription.reset();
      });
}

TEST(CallbacksFaultTest, OnEventIsAllOrNothing) {
  std::optional<absl::StatusOr<EventSubscription>> made;
  int got = 0;
  FailEachOf(
      "OnEvent", [&](Told&) { got = 0; },
      [&](Told& told) {
        made.emplace(told.cache().OnEvent(EventClass::kString, [&got](const Event&) { ++got; }));
        return made->ok();
      },
      [&](Told& told, bool done) {
        ExpectNoMemory(made->status());
        EXPECT_TRUE(*told.cache().Set("k", "v"));
        told.Tick();
        EXPECT_EQ(got, done ? 1 : 0);
        made.reset();
      });
}

// Each message is told, or counted as dropped.
TEST(CallbacksFaultTest, NoMessageIsLostUnknowingly) {
  for (const size_t size : {10, 700, 5000, 100'000}) {
    const std::string payload(size, 'x');
    std::vector<Subscription> subscriptions;
    size_t got = 0;
    uint64_t told_dropped = 0;
    absl::StatusOr<int64_t> sent;
    FailEachOf(
        "Publish",
        [&](Told& told) {
          got = told_dropped = 0;
          for (int i = 0; i < 3; ++i) {
            CallbackOptions options;
            options.on_dropped = [&](uint64_t count) { told_dropped += count; };
            subscriptions.push_back(*told.cache().Subscribe({.channels = {"c"}, .patterns = {"*"}},
                                                            [&](const Message& message) {
                                                              EXPECT_EQ(message.payload, payload);
                                                              ++got;
                                                            },
                                                            options));
          }
          // Whatever the engine makes once is there.
          EXPECT_EQ(*Publish(told.cache(), "c", payload), 6);
          told.Tick();
          EXPECT_EQ(std::exchange(got, 0), 6u);
        },
        [&](Told& told) {
          sent = Publish(told.cache(), "c", payload);
          return sent.ok();
        },
        [&](Told& told, bool done) {
          if (!done) ExpectNoMemory(sent.status());
          told.Tick();
          uint64_t dropped = 0;
          for (const Subscription& each : subscriptions) dropped += each.dropped();
          EXPECT_EQ(dropped, told_dropped);
          EXPECT_EQ(got + dropped, done ? 6u : 0u);
          subscriptions.clear();
        });
  }
}

TEST(CallbacksFaultTest, NoEventIsLostUnknowingly) {
  const std::string large(100'000, 'x');
  std::optional<EventSubscription> events;
  size_t got = 0;
  for (const char* key : {"short", "large", "small hash", "large hash", "stream"}) {
    absl::StatusOr<bool> deleted;
    FailEachOf(
        key,
        [&](Told& told) {
          got = 0;
          Cache& cache = told.cache();
          EXPECT_TRUE(*cache.Set("short", "v"));
          EXPECT_TRUE(*cache.Set("large", large));
          EXPECT_TRUE(Hash(cache, "small hash").Set("f", "v").ok());
          for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Hash(cache, "large hash").Set(std::to_string(i), "v").ok());
          for (int i = 0; i < 200; ++i) EXPECT_TRUE(cache.Execute({"XADD", "stream", "*", "f", "v"}).ok());
          events.emplace(*cache.OnEvent(EventClass::kGeneric,
                                        [&](const Event& event) {
                                          EXPECT_EQ(event.key, key);
                                          EXPECT_NE(event.old_value, nullptr);
                                          EXPECT_GT(event.old_value->size(), 0u);
                                          ++got;
                                        },
                                        {.old_values = true}));
        },
        [&](Told& told) {
          deleted = told.cache().Delete(key);
          return deleted.ok();
        },
        [&](Told& told, bool done) {
          EXPECT_TRUE(done) << "to delete a key needs no memory";
          EXPECT_FALSE(*told.cache().Exists(key));
          told.Tick();
          EXPECT_EQ(got + events->dropped(), 1u);
          events.reset();
        });
  }
}

// With a listener who wants old values, writes do not change values in place: they must not do half of it without memory.
TEST(CallbacksFaultTest, WritesWithOldValuesAreAllOrNothing) {
  std::optional<EventSubscription> events;
  size_t got = 0;
  absl::StatusOr<Reply> reply;
  const std::vector<std::vector<std::string_view>> commands = {
      {"APPEND", "s", "x"},          {"INCR", "n"},         {"HSET", "h", "f", "w"},  {"LPUSH", "l", "x"},
      {"SADD", "set", "x"},          {"ZADD", "z", "1", "x"}, {"XADD", "x", "9-9", "f", "v"}, {"EXPIRE", "s", "100"},
      {"SETRANGE", "large", "5", "y"}, {"RENAME", "s", "t"},  {"HDEL", "h", "f"}};
  for (const std::vector<std::string_view>& command : commands) {
    FailEachOf(
        command[0].data(),
        [&](Told& told) {
          got = 0;
          Cache& cache = told.cache();
          for (const char* setup :
               {"SET s text", "SET n 5", "HSET h f v", "RPUSH l a", "SADD set a", "ZADD z 1 a", "XADD x 1-1 f v"}) {
            std::vector<std::string> words(1);
            for (const char* c = setup; *c != '\0'; ++c) {
              if (*c == ' ') words.emplace_back();
              if (*c != ' ') words.back() += *c;
            }
            EXPECT_FALSE(cache.Execute(words)->is_error()) << setup;
          }
          EXPECT_TRUE(*cache.Set("large", std::string(20'000, 'x')));
          for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Hash(cache, "h").Set(std::to_string(i), "v").ok());
          events.emplace(*cache.OnEvent(
              EventClass::kString | EventClass::kHash | EventClass::kList | EventClass::kSet | EventClass::kSortedSet |
                  EventClass::kStream | EventClass::kGeneric,
              [&](const Event&) { ++got; }, {.old_values = true}));
        },
        [&](Told& told) {
          reply = told.cache().Execute(command);
          return reply.ok() && !reply->is_error();
        },
        [&](Told& told, bool done) {
          if (!reply.ok()) ExpectNoMemory(reply.status());
          told.Tick();
          const uint64_t all = got + events->dropped();
          const uint64_t each = command[0] == "RENAME" ? 2 : 1;
          const bool lost = !reply.ok() && reply.status().code() == absl::StatusCode::kDataLoss;
          EXPECT_EQ(all, done || lost ? each : 0u);
          events.reset();
        });
  }
}

}  // namespace
}  // namespace larder::testing
