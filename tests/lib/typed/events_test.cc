// Cache::OnEvent: which changes are told, why, with which old values, and what the header promises of bounds and ends.
#include <larder/cache.h>
#include <larder/events.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/hash.h>
#include <larder/list.h>
#include <larder/pubsub.h>
#include <larder/set.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

namespace larder::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr EventClass kEverything = EventClass::kChanges | EventClass::kMiss;

// "written set k", and the old value behind it.
std::string TextOf(const Event& event) {
  constexpr const char* kReasons[] = {"written", "deleted", "expired", "evicted", "flushed", "swapped", "missed"};
  std::string text = std::string(kReasons[static_cast<int>(event.reason)]) + " " + std::string(event.name);
  if (!event.key.empty()) text += " " + std::string(event.key);
  if (event.db != 0 || event.other_db != 0) text += " @" + std::to_string(event.db);
  if (event.reason == EventReason::kSwapped) text += " and " + std::to_string(event.other_db);
  if (event.old_value != nullptr && event.old_value->type() == KeyType::kString) {
    text += " = " + std::string(event.old_value->string());
  } else if (event.old_value != nullptr) {
    text += " of " + std::to_string(event.old_value->size());
  }
  return text;
}

class EventsTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok()); }

  EventSubscription Listen(EventClass classes = kEverything, EventOptions options = {}) {
    return *cache_->OnEvent(classes, [this](const Event& event) { got_.push_back(TextOf(event)); }, options);
  }
  std::vector<std::string> Got() {
    EXPECT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
    return std::exchange(got_, {});
  }
  // Runs a command of words, which must not fail.
  void Run(std::string_view line) {
    std::vector<std::string> words;
    for (size_t at = 0; at <= line.size();) {
      const size_t end = std::min(line.find(' ', at), line.size());
      words.emplace_back(line.substr(at, end - at));
      at = end + 1;
    }
    const absl::StatusOr<Reply> reply = cache_->Execute(words);
    ASSERT_TRUE(reply.ok()) << line << ": " << reply.status();
    ASSERT_FALSE(reply->is_error()) << line << ": " << reply->string_view();
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_ = *Cache::Open({.clock = clock_, .seed = 7, .background = Background::kTick});
  std::vector<std::string> got_;
};

// ---- Which events ---------------------------------------------------------------------------------------------------

TEST_F(EventsTest, NamesAndOrderAreThoseOfRedis) {
  const EventSubscription all = Listen();
  ASSERT_TRUE(*cache_->Set("k", "v", {.ttl = absl::Seconds(10)}));
  EXPECT_THAT(got_, ElementsAre()) << "callbacks run after the call that has changed the key";
  EXPECT_THAT(Got(), ElementsAre("written new k", "written set k", "written expire k"));
  ASSERT_TRUE(List(*cache_, "l").PushBack("a").ok());
  ASSERT_TRUE(List(*cache_, "l").PopFront().ok());
  EXPECT_THAT(Got(), ElementsAre("written new l", "written rpush l", "written lpop l", "deleted del l"));
  Run("RENAME k n");
  EXPECT_THAT(Got(), ElementsAre("deleted rename_from k", "written new n", "written rename_to n"));
  Run("MOVE n 3");
  EXPECT_THAT(Got(), ElementsAre("deleted move_from n", "written new n @3", "written move_to n @3"));
  ASSERT_FALSE(*cache_->Exists("none"));
  ASSERT_EQ(*cache_->Get("none"), std::nullopt);
  EXPECT_THAT(Got(), Contains("missed keymiss none"));
}

TEST_F(EventsTest, ClassesAreChosen) {
  const EventSubscription some = Listen(EventClass::kGeneric | EventClass::kHash);
  Run("SET k v EX 10");
  Run("HSET h f v");
  Run("SADD s m");
  Run("DEL k s");
  Run("HDEL h f");
  EXPECT_THAT(Got(), ElementsAre("written expire k", "written hset h", "deleted del k", "deleted del s",
                                 "written hdel h", "deleted del h"));
}

TEST_F(EventsTest, EachClassHasItsEvents) {
  const struct {
    EventClass event_class;
    const char* command;
    const char* event;
  } kCases[] = {
      {EventClass::kString, "SET a v", "written set a"},      {EventClass::kList, "LPUSH b v", "written lpush b"},
      {EventClass::kSet, "SADD c v", "written sadd c"},       {EventClass::kHash, "HSET d f v", "written hset d"},
      {EventClass::kSortedSet, "ZADD e 1 v", "written zadd e"}, {EventClass::kStream, "XADD f 1-1 f v", "written xadd f"},
      {EventClass::kNew, "SET g v", "written new g"},         {EventClass::kMiss, "GET none", "missed keymiss none"},
      {EventClass::kGeneric, "PERSIST h", "written persist h"}, {EventClass::kDatabase, "FLUSHDB", "flushed flushdb"},
  };
  Run("SET h v EX 100");
  for (const auto& each : kCases) {
    const EventSubscription one = Listen(each.event_class);
    Run(each.command);
    EXPECT_THAT(Got(), ElementsAre(each.event)) << each.command;
  }
}

TEST_F(EventsTest, ExpiryAndEviction) {
  const EventSubscription removals = Listen(EventClass::kExpired | EventClass::kEvicted, {.old_values = true});
  Run("SET short 1 PX 5");
  Run("SET asked 2 PX 5");
  clock_->Advance(absl::Milliseconds(6));
  ASSERT_EQ(*cache_->Get("asked"), std::nullopt);
  (void)Got();
  ASSERT_EQ(*cache_->Size(), 0);
  clock_->Advance(absl::Seconds(1));
  Run("SET again 3 PX 5");
  clock_->Advance(absl::Seconds(1));
  EXPECT_THAT(Got(), ElementsAre("expired expired again = 3"));
  Run("CONFIG SET maxmemory-policy allkeys-random maxmemory 100000");
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(1000, 'x')).ok());
  const std::vector<std::string> evicted = Got();
  ASSERT_FALSE(evicted.empty());
  EXPECT_THAT(evicted, Each(HasSubstr("evicted evicted k")));
  EXPECT_EQ(static_cast<int64_t>(evicted.size()), 200 - *cache_->Size());
  EXPECT_GT(evicted.size(), 100u);
}

TEST_F(EventsTest, BothExpiredKeysAreToldOnce) {
  const EventSubscription removals = Listen(EventClass::kExpired, {.old_values = true});
  Run("SET short 1 PX 5");
  Run("SET asked 2 PX 5");
  clock_->Advance(absl::Milliseconds(6));
  ASSERT_EQ(*cache_->Get("asked"), std::nullopt);
  clock_->Advance(absl::Seconds(1));
  EXPECT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(Got(), ::testing::UnorderedElementsAre("expired expired short = 1", "expired expired asked = 2"));
}

TEST_F(EventsTest, WholeDatabases) {
  const EventSubscription all = Listen(EventClass::kDatabase, {.match = "nothing"});
  Run("SET k v");
  Run("SWAPDB 0 4");
  ASSERT_TRUE((*cache_->Db(4)).Execute({"FLUSHDB"}).ok());
  EXPECT_THAT(Got(), ElementsAre("swapped swapdb @0 and 4", "flushed flushdb @4"));
}

TEST_F(EventsTest, KeysMayBeChosen) {
  const EventSubscription some = Listen(kEverything, {.match = "user:*"});
  Run("SET user:1 v");
  Run("SET other v");
  Run("DEL user:1 other");
  ASSERT_EQ(*cache_->Get("user:2"), std::nullopt);
  EXPECT_THAT(Got(), ElementsAre("written new user:1", "written set user:1", "deleted del user:1",
                                 "missed keymiss user:2"));
}

TEST_F(EventsTest, TheDirectiveHasNoPartInIt) {
  const EventSubscription all = Listen(EventClass::kString);
  Run("CONFIG SET notify-keyspace-events KEA");
  Run("SET k v");
  Run("CONFIG SET notify-keyspace-events xE");
  Run("SET k v");
  EXPECT_THAT(Got(), ElementsAre("written set k", "written set k"));
}

TEST_F(EventsTest, WhoCausesItMakesNoDifference) {
  const EventSubscription all = Listen(EventClass::kString | EventClass::kGeneric);
  const std::unique_ptr<RespConnection> connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed("MULTI\r\nSET a 1\r\nDEL a\r\nEXEC\r\n").ok());
  const std::unique_ptr<Session> session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"APPEND", "b", "2"}).ok());
  ASSERT_TRUE(cache_
                  ->Atomically([](Transaction& transaction) {
                    EXPECT_TRUE(*transaction.Set("c", "3"));
                    EXPECT_TRUE(*transaction.Delete("c"));
                  })
                  .ok());
  EXPECT_THAT(Got(), ElementsAre("written set a", "deleted del a", "written append b", "written set c", "deleted del c"));
}

TEST_F(EventsTest, SeveralListeners) {
  const EventSubscription one = Listen(EventClass::kString);
  const EventSubscription two = Listen(EventClass::kString, {.old_values = true});
  Run("SET k 1");
  Run("SET k 2");
  EXPECT_THAT(Got(), ::testing::UnorderedElementsAre("written set k", "written set k", "written set k",
                                                     "written set k = 1"));
}

// ---- Old values -----------------------------------------------------------------------------------------------------

TEST_F(EventsTest, OldStrings) {
  const std::string medium(5000, 'm');
  const std::string large(100'000, 'l');
  Run("SET n 12");
  ASSERT_TRUE(*cache_->Set("m", medium));
  ASSERT_TRUE(*cache_->Set("l", large));
  const EventSubscription all = Listen(EventClass::kString | EventClass::kGeneric, {.old_values = true});
  Run("INCR n");
  Run("APPEND n x");
  Run("SETRANGE m 0 y");
  Run("SETRANGE l 0 y");
  Run("EXPIRE n 100");
  Run("SET fresh v");
  Run("DEL n m l");
  EXPECT_THAT(Got(), ElementsAre("written incrby n = 12", "written append n = 13", "written setrange m = " + medium,
                                 "written setrange l = " + large, "written expire n = 13x", "written set fresh",
                                 "deleted del n = 13x", "deleted del m = y" + medium.substr(1),
                                 "deleted del l = y" + large.substr(1)));
}

// The elements of an old value, as text.
template <class Element>
std::vector<std::string> ElementsOf(const OldValue& old, absl::Status* status) {
  std::vector<std::string> texts;
  auto elements = old.Elements<Element>();
  for (const Element& each : elements) {
    if constexpr (std::is_same_v<Element, std::string>) texts.push_back(each);
    if constexpr (std::is_same_v<Element, Hash::Entry>) texts.push_back(each.first + "=" + each.second);
    if constexpr (std::is_same_v<Element, ScoredMember>) {
      texts.push_back(each.member + "=" + std::to_string(static_cast<int>(each.score)));
    }
    if constexpr (std::is_same_v<Element, StreamEntry>) {
      texts.push_back(std::to_string(each.id.ms) + ":" + each.fields[0].first + "=" + each.fields[0].second);
    }
  }
  *status = elements.status();
  return texts;
}

class OldCollectionsTest : public EventsTest, public ::testing::WithParamInterface<int> {};

TEST_P(OldCollectionsTest, AreSeenAsTheyWere) {
  const int n = GetParam();
  std::vector<std::string> members, scored, fields, entries;
  for (int i = 0; i < n; ++i) {
    const std::string text = std::to_string(i + 10'000);
    ASSERT_TRUE(List(*cache_, "l").PushBack(text).ok());
    ASSERT_TRUE(Set(*cache_, "s").Add("m" + text).ok());
    ASSERT_TRUE(Set(*cache_, "i").Add(text).ok());
    ASSERT_TRUE(Hash(*cache_, "h").Set("f" + text, text).ok());
    Run("ZADD z " + text + " m" + text);
    Run("XADD x " + text + "-1 f v" + text);
    members.push_back(text);
    scored.push_back("m" + text + "=" + text);
    fields.push_back("f" + text + "=" + text);
    entries.push_back(text + ":f=v" + text);
  }
  int events = 0;
  const EventSubscription removals = *cache_->OnEvent(
      EventClass::kGeneric,
      [&](const Event& event) {
        ++events;
        ASSERT_NE(event.old_value, nullptr);
        const OldValue& old = *event.old_value;
        EXPECT_EQ(old.size(), static_cast<size_t>(n)) << event.key;
        EXPECT_EQ(old.string(), "");
        absl::Status status;
        switch (event.key[0]) {
          case 'l':
            EXPECT_EQ(old.type(), KeyType::kList);
            EXPECT_EQ(ElementsOf<std::string>(old, &status), members);
            EXPECT_EQ(ElementsOf<std::string>(old, &status), members) << "a second time";
            break;
          case 'i':
            EXPECT_EQ(old.type(), KeyType::kSet);
            EXPECT_THAT(ElementsOf<std::string>(old, &status), ::testing::UnorderedElementsAreArray(members));
            break;
          case 's': EXPECT_EQ(ElementsOf<std::string>(old, &status).size(), members.size()); break;
          case 'h':
            EXPECT_EQ(old.type(), KeyType::kHash);
            EXPECT_THAT(ElementsOf<Hash::Entry>(old, &status), ::testing::UnorderedElementsAreArray(fields));
            break;
          case 'z':
            EXPECT_EQ(old.type(), KeyType::kSortedSet);
            EXPECT_EQ(ElementsOf<ScoredMember>(old, &status), scored);
            break;
          case 'x':
            EXPECT_EQ(old.type(), KeyType::kStream);
            EXPECT_EQ(ElementsOf<StreamEntry>(old, &status), entries);
            break;
        }
        EXPECT_TRUE(status.ok()) << event.key << ": " << status;
        // Elements of another kind are refused.
        const bool is_hash = event.key[0] == 'h';
        EXPECT_TRUE(is_hash ? ElementsOf<StreamEntry>(old, &status).empty()
                            : ElementsOf<Hash::Entry>(old, &status).empty());
        EXPECT_EQ(status.code(), Code::kFailedPrecondition);
      },
      {.old_values = true});
  // Each is changed once more before its deletion, and replaced after it.
  for (const char* key : {"l", "s", "i", "h", "z", "x"}) Run(std::string("DEL ") + key);
  for (const char* key : {"l", "s", "i", "h", "z", "x"}) Run(std::string("SET ") + key + " other");
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(events, 6);
}

TEST_P(OldCollectionsTest, AreThoseBeforeEachChange) {
  const int n = GetParam();
  for (int i = 0; i < n; ++i) ASSERT_TRUE(Hash(*cache_, "h").Set("f" + std::to_string(i), "0").ok());
  std::vector<std::string> got;
  const EventSubscription changes = *cache_->OnEvent(
      EventClass::kHash,
      [&](const Event& event) {
        absl::Status status;
        for (const std::string& each : ElementsOf<Hash::Entry>(*event.old_value, &status)) {
          if (each.starts_with("f0=")) got.push_back(each + " of " + std::to_string(event.old_value->size()));
        }
      },
      {.old_values = true});
  for (const char* command : {"HSET h f0 1", "HINCRBY h f0 5", "HSET h g 1", "HDEL h f0"}) Run(command);
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  const std::string size = " of " + std::to_string(n);
  EXPECT_THAT(got, ElementsAre("f0=0" + size, "f0=1" + size, "f0=6" + size, "f0=6 of " + std::to_string(n + 1)));
}
INSTANTIATE_TEST_SUITE_P(SmallAndLarge, OldCollectionsTest, ::testing::Values(1, 5, 200, 3000));

TEST_F(EventsTest, PinnedValuesGoWithTheirCallbacks) {
  {
    const EventSubscription removals = Listen(EventClass::kGeneric, {.old_values = true});
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(Hash(*cache_, "h").Set("f" + std::to_string(i), "0").ok());
    ASSERT_TRUE(*cache_->Set("l", std::string(1'000'000, 'x')));
    const uint64_t before = cache_->Stats()->used_memory;
    Run("DEL h l");
    EXPECT_GE(cache_->Stats()->used_memory, before) << "they are used memory as long as somebody is to see them";
    EXPECT_EQ(Got().size(), 2u);
    EXPECT_EQ(Got().size(), 0u);
    EXPECT_LT(cache_->Stats()->used_memory, before - 1'000'000);
    Run("SET k " + std::string(20'000, 'x'));
    Run("DEL k");  // and with the listener
  }
  EXPECT_EQ(Got().size(), 0u);
  EXPECT_EQ(Got().size(), 0u);
  EXPECT_LT(cache_->Stats()->used_memory, 10'000u);
}

TEST_F(EventsTest, EvictionIsNoReasonToEvict) {
  Run("CONFIG SET maxmemory-policy allkeys-random maxmemory 4000000");
  for (const size_t size : {500, 5000, 20'000}) {
    Run("FLUSHALL");
    const EventSubscription removals = Listen(EventClass::kEvicted, {.old_values = true});
    const int keys = static_cast<int>(6'000'000 / size);
    for (int i = 0; i < keys; ++i) ASSERT_TRUE(*cache_->Set("k" + std::to_string(i), std::string(size, 'x')));
    const size_t left = static_cast<size_t>(*cache_->Size());
    EXPECT_GT(left * size, 3'000'000u) << "nothing was delivered meanwhile, and all the same no more was evicted";
    const size_t told = Got().size();  // the background may have evicted what the last write was over the limit
    EXPECT_GE(told, keys - left);
    EXPECT_LE(told, keys - left + 1);
    EXPECT_EQ(Got().size(), 0u) << "what callbacks have given back is no reason either";
    EXPECT_EQ(static_cast<size_t>(*cache_->Size()), keys - told);
  }
}

// ---- Ends and bounds ------------------------------------------------------------------------------------------------

TEST_F(EventsTest, RefusesWhatCannotBeMeant) {
  const auto nothing = [](const Event&) {};
  EXPECT_EQ(cache_->OnEvent(EventClass{}, nothing).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(cache_->OnEvent(EventClass::kString, nullptr).status().code(), Code::kInvalidArgument);
  EventOptions no_bytes;
  no_bytes.callbacks.bytes_max = 0;
  EXPECT_EQ(cache_->OnEvent(EventClass::kString, nothing, no_bytes).status().code(), Code::kInvalidArgument);
  const absl::Status status = cache_->Atomically([&](Transaction&) {
    EXPECT_EQ(cache_->OnEvent(EventClass::kString, nothing).status().code(), Code::kFailedPrecondition);
  });
  EXPECT_TRUE(status.ok());
}

TEST_F(EventsTest, WhatIsOverTheBoundIsDroppedAndToldFirst) {
  EventOptions options{.old_values = true};
  options.callbacks.bytes_max = 4000;
  options.callbacks.on_dropped = [&](uint64_t count) { got_.push_back("dropped " + std::to_string(count)); };
  const EventSubscription one = Listen(EventClass::kString, options);
  const std::string value(1200, 'x');
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(*cache_->Set("k", std::to_string(i) + value));
  EXPECT_EQ(one.dropped(), 3u);
  EXPECT_THAT(Got(), ElementsAre("dropped 3", "written set k", "written set k = 0" + value, "written set k = 1" + value));
  ASSERT_TRUE(*cache_->Set("k", std::string(100'000, 'y')));
  (void)Got();
  Run("GETDEL k");
  Run("SET k 1");
  EXPECT_THAT(Got(), Contains("written set k")) << "an old value that is written over is dropped, or told";
  ASSERT_TRUE(*cache_->Set("large", std::string(100'000, 'y')));
  (void)Got();
  ASSERT_TRUE(*cache_->Set("large", "small"));
  EXPECT_THAT(Got(), ElementsAre("written set large = " + std::string(100'000, 'y'))) << "one alone always fits";
}

TEST_F(EventsTest, KCloseHasNoGap) {
  EventOptions options;
  options.callbacks.bytes_max = 600;
  options.callbacks.on_overflow = OnOverflow::kClose;
  options.callbacks.on_dropped = [&](uint64_t count) { got_.push_back("dropped " + std::to_string(count)); };
  const EventSubscription one = Listen(EventClass::kString, options);
  for (int i = 0; i < 10; ++i) Run("SET k" + std::to_string(i) + " v");
  EXPECT_TRUE(one.closed());
  const std::vector<std::string> got = Got();
  EXPECT_EQ(got.front(), "written set k0");
  EXPECT_EQ(got.back(), "dropped 1");
  Run("SET k v");
  EXPECT_THAT(Got(), ElementsAre());
}

TEST_F(EventsTest, ACallbackMayCallTheCacheAndEndItself) {
  std::optional<EventSubscription> self;
  int calls = 0;
  self = *cache_->OnEvent(EventClass::kString, [&](const Event& event) {
    ++calls;
    EXPECT_TRUE(*cache_->Set(std::string(event.key) + "x", "v"));
    if (calls == 3) self.reset();
  });
  Run("SET k v");
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(*cache_->Exists("kxxx"));
}

TEST_F(EventsTest, MovesAndEnds) {
  auto token = std::make_shared<int>(0);
  std::optional<EventSubscription> one =
      *cache_->OnEvent(EventClass::kString, [token](const Event&) { ++*token; });
  EventSubscription other = std::move(*one);
  EXPECT_FALSE(one->closed());
  EXPECT_EQ(one->dropped(), 0u);
  one.reset();
  Run("SET k v");
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*token, 1);
  other = *cache_->OnEvent(EventClass::kString, [](const Event&) {});
  EXPECT_EQ(token.use_count(), 1);
  Run("SET k v");
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*token, 1);
}

TEST_F(EventsTest, CloseDeliversWhatIsOwed) {
  const EventSubscription all = Listen(EventClass::kGeneric, {.old_values = true});
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(Hash(*cache_, "h").Set("f" + std::to_string(i), "0").ok());
  Run("SET k " + std::string(20'000, 'x'));
  Run("DEL h k");
  EXPECT_EQ(cache_->Close(absl::InfinitePast()).code(), Code::kDeadlineExceeded);
  const absl::Status status = cache_->Close(absl::InfiniteFuture());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(got_, ElementsAre("deleted del h of 3000", "deleted del k = " + std::string(20'000, 'x')));
  EXPECT_EQ(cache_->OnEvent(EventClass::kString, [](const Event&) {}).status().code(), Code::kCancelled);
}

TEST_F(EventsTest, AForkedChildEndsNothing) {
  std::optional<EventSubscription> all = Listen(EventClass::kString);
  Run("SET k v");
  const pid_t child = fork();
  if (child == 0) {
    all.reset();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(Got(), ElementsAre("written set k"));
}

TEST(EventsThreadsTest, WritersAndListenersThatComeAndGo) {
  constexpr int kWrites = 2000;
  const std::unique_ptr<Cache> cache = *Cache::Open({.seed = 7, .background = Background::kThread});
  std::atomic<int> got{0};
  std::vector<int> last(2, -1);
  const EventSubscription all = *cache->OnEvent(
      EventClass::kString,
      [&](const Event& event) {
        const int who = event.key[0] - '0';
        if (event.old_value != nullptr) {
          EXPECT_EQ(std::stoi(std::string(event.old_value->string())), last[who]);
        }
        ++last[who];
        ++got;
        got.notify_all();
      },
      {.old_values = true});
  std::vector<std::thread> threads;
  for (int who = 0; who < 2; ++who) {
    threads.emplace_back([&, who] {
      for (int i = 0; i < kWrites; ++i) EXPECT_TRUE(*cache->Set(std::to_string(who), std::to_string(i)));
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 200; ++i) {
      for (int j = 0; j < 200; ++j) EXPECT_TRUE(Hash(*cache, "h").Set("f" + std::to_string(j), "v").ok());
      size_t elements = 0;
      const EventSubscription one = *cache->OnEvent(
          EventClass::kGeneric,
          [&](const Event& event) {
            if (event.old_value == nullptr) return;
            for (const Hash::Entry& entry : event.old_value->Elements<Hash::Entry>()) elements += entry.first.size();
          },
          {.old_values = true});
      EXPECT_TRUE(*cache->Delete("h"));
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (int now = got; now != 2 * kWrites; now = got) got.wait(now);
  EXPECT_EQ(all.dropped(), 0u);
}

}  // namespace
}  // namespace larder::testing
