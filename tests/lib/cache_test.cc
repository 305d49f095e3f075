// The typed calls, as a program uses them. Commands have their own tests; here it is the C++ surface that counts.
#include <larder/cache.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

class CacheTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen({}); }

  void Reopen(Options options) {
    cache_.reset();
    clock_ = std::make_shared<ManualClock>();
    options.clock = clock_;
    options.seed = 42;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  std::string Value(std::string_view key) {
    auto value = cache_->Get(key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? value->value_or("(none)") : value.status().ToString();
  }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheTest, GetReturnsWhatSetStored) {
  EXPECT_TRUE(*cache_->Set("k", "lighthouse"));
  EXPECT_EQ(Value("k"), "lighthouse");
  EXPECT_EQ(Value("other"), "(none)");
}

TEST_F(CacheTest, ValuesOfEverySizeComeBackUnchanged) {
  for (size_t size : {0, 1, 19, 20, 21, 44, 45, 1023, 1024, 1025, 16 * 1024, 16 * 1024 + 1, 5 << 20}) {
    std::string value(size, 'x');
    for (size_t i = 0; i < size; i += 97) value[i] = static_cast<char>(i);
    ASSERT_TRUE(cache_->Set("k", value).ok());
    EXPECT_EQ(Value("k"), value) << size;
    std::string reused = "before";
    EXPECT_TRUE(*cache_->Get("k", &reused));
    EXPECT_EQ(reused, value) << size;
  }
}

TEST_F(CacheTest, GetIntoAStringLeavesItAloneWithoutAKey) {
  std::string value = "before";
  EXPECT_FALSE(*cache_->Get("missing", &value));
  EXPECT_EQ(value, "before");
}

TEST_F(CacheTest, ViewSeesTheValueInPlace) {
  ASSERT_TRUE(cache_->Set("k", "abc").ok());
  std::optional<std::string> seen;
  ASSERT_TRUE(cache_->View("k", [&](std::optional<std::string_view> value) { seen = value; }).ok());
  EXPECT_THAT(seen, Optional(std::string("abc")));
  ASSERT_TRUE(cache_->View("none", [&](std::optional<std::string_view> value) { EXPECT_FALSE(value); }).ok());
}

TEST_F(CacheTest, CallsFromInsideViewAreRefusedAndDoNotDeadlock) {
  absl::Status inner;
  ASSERT_TRUE(cache_->View("k", [&](std::optional<std::string_view>) { inner = cache_->Get("k").status(); }).ok());
  EXPECT_EQ(inner.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(cache_->View("k", [&](std::optional<std::string_view>) {
    inner = cache_->Atomically([](Transaction&) {});
  }).ok());
  EXPECT_EQ(inner.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CacheTest, ExceptionsOfUserCodeComeOutAndLeaveTheCacheUsable) {
  EXPECT_THROW((void)cache_->View("k", [](std::optional<std::string_view>) { throw std::runtime_error("view"); }),
               std::runtime_error);
  EXPECT_THROW((void)cache_->Atomically([](Transaction&) { throw std::runtime_error("atomically"); }),
               std::runtime_error);
  EXPECT_THROW((void)cache_->GetOrLoad("k", absl::InfiniteDuration(),
                                       []() -> absl::StatusOr<std::string> { throw std::runtime_error("loader"); }),
               std::runtime_error);
  EXPECT_TRUE(*cache_->Set("k", "still here"));
  EXPECT_EQ(Value("k"), "still here");
}

TEST_F(CacheTest, SetHonoursItsConditions) {
  EXPECT_FALSE(*cache_->Set("k", "1", {.condition = SetOptions::If::kPresent}));
  EXPECT_TRUE(*cache_->Set("k", "2", {.condition = SetOptions::If::kMissing}));
  EXPECT_FALSE(*cache_->Set("k", "3", {.condition = SetOptions::If::kMissing}));
  EXPECT_TRUE(*cache_->Set("k", "4", {.condition = SetOptions::If::kPresent}));
  EXPECT_EQ(Value("k"), "4");
}

TEST_F(CacheTest, SetWithTtlExpiresByTheClock) {
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Milliseconds(100)}).ok());
  EXPECT_EQ(**cache_->Ttl("k"), absl::Milliseconds(100));
  clock_->Advance(absl::Milliseconds(99));
  EXPECT_EQ(Value("k"), "v");
  clock_->Advance(absl::Milliseconds(1));
  EXPECT_EQ(Value("k"), "(none)");
  EXPECT_FALSE(cache_->Ttl("k")->has_value());
}

TEST_F(CacheTest, KeepTtlKeepsAndPlainSetDropsTheExpiry) {
  ASSERT_TRUE(cache_->Set("k", "v", {.expire_at = absl::FromUnixMillis(1'700'000'100'000)}).ok());
  ASSERT_TRUE(cache_->Set("k", "w", {.keep_ttl = true}).ok());
  EXPECT_EQ(**cache_->Ttl("k"), absl::Seconds(100));
  ASSERT_TRUE(cache_->Set("k", "x").ok());
  EXPECT_EQ(**cache_->Ttl("k"), absl::InfiniteDuration());
}

TEST_F(CacheTest, SetRefusesTimesThatAreNone) {
  for (absl::Duration ttl : {absl::ZeroDuration(), absl::Milliseconds(-1), -absl::InfiniteDuration()}) {
    EXPECT_EQ(cache_->Set("k", "v", {.ttl = ttl}).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(cache_->Set("k", "v", {.ttl = absl::Seconds(1), .keep_ttl = true}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(*cache_->Exists("k"));
}

TEST_F(CacheTest, SetRefusesAConditionThatIsNone) {
  const SetOptions options{.condition = static_cast<SetOptions::If>(99)};
  for (const absl::Status& status :
       {cache_->Set("k", "v", options).status(), cache_->SetAndGet("k", "v", options).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(status.message()).find("SetOptions::condition"), 0u) << status;
  }
  EXPECT_FALSE(*cache_->Exists("k"));
}

TEST_F(CacheTest, SetAndGetReturnsTheOldValue) {
  EXPECT_FALSE(cache_->SetAndGet("k", "1")->has_value());
  EXPECT_THAT(*cache_->SetAndGet("k", "2"), Optional(std::string("1")));
  EXPECT_THAT(*cache_->SetAndGet("k", "3", {.condition = SetOptions::If::kMissing}), Optional(std::string("2")));
  EXPECT_EQ(Value("k"), "2");
}

TEST_F(CacheTest, ManyAtATime) {
  ASSERT_TRUE(cache_->MSet({{"a", "1"}, {"b", std::string(3000, 'b')}}).ok());
  auto values = cache_->MGet({"a", "missing", "b"});
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, ElementsAre(Optional(std::string("1")), std::nullopt, Optional(std::string(3000, 'b'))));
  const std::string_view keys[] = {"a", "b", "missing", "a"};
  EXPECT_EQ(*cache_->Exists(keys), 3);
  EXPECT_EQ(*cache_->Delete(keys), 2);
  EXPECT_EQ(*cache_->Size(), 0);
}

TEST_F(CacheTest, NumbersAndParts) {
  EXPECT_EQ(*cache_->Increment("n"), 1);
  EXPECT_EQ(*cache_->Increment("n", 41), 42);
  EXPECT_DOUBLE_EQ(*cache_->IncrementFloat("f", 0.5), 0.5);
  ASSERT_TRUE(cache_->Set("n", "9223372036854775807").ok());
  EXPECT_EQ(cache_->Increment("n").status().code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(cache_->Set("s", "light").ok());
  EXPECT_EQ(cache_->Increment("s").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*cache_->Append("s", "house"), 10);
  EXPECT_EQ(*cache_->GetRange("s", -5, -1), "house");
  EXPECT_EQ(*cache_->GetRange("none", 0, -1), "");
  EXPECT_EQ(*cache_->SetRange("s", 5, "HOUSE!"), 11);
  EXPECT_EQ(Value("s"), "lightHOUSE!");
  EXPECT_EQ(cache_->SetRange("s", -1, "x").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheTest, ExpireAndPersist) {
  EXPECT_FALSE(*cache_->Expire("k", absl::Seconds(1)));
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  EXPECT_TRUE(*cache_->Expire("k", absl::Seconds(10)));
  EXPECT_TRUE(*cache_->Persist("k"));
  EXPECT_FALSE(*cache_->Persist("k"));
  EXPECT_TRUE(*cache_->ExpireAt("k", absl::FromUnixSeconds(1)));
  EXPECT_EQ(Value("k"), "(none)");
}

TEST_F(CacheTest, ScanSeesEveryKeyOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    expected.insert("key:" + std::to_string(i));
    ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), "v").ok());
    ASSERT_TRUE(cache_->Set("other:" + std::to_string(i), "v").ok());
  }
  std::multiset<std::string> seen;
  ScanRange keys = cache_->Scan({.match = "key:*", .batch = 7});
  for (const std::string& key : keys) seen.insert(key);
  EXPECT_TRUE(keys.status().ok());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
  EXPECT_EQ(seen.size(), expected.size());
}

TEST_F(CacheTest, DatabasesAreApart) {
  auto second = cache_->Db(1);
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(second->Set("k", "in 1").ok());
  EXPECT_EQ(Value("k"), "(none)");
  EXPECT_EQ(second->Execute({"GET", "k"})->string_view(), "in 1");
  EXPECT_EQ(cache_->Db(16).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(cache_->Db(-1).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(CacheTest, ExecuteAnswersErrorsAsReplies) {
  auto reply = cache_->Execute({"GET"});
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->string_view(), "ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(cache_->Execute(std::span<const std::string_view>()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheTest, ExecuteNamesNewSessionWhereItIsNeeded) {
  for (auto argv : std::vector<std::vector<std::string_view>>{
           {"MULTI"}, {"WATCH", "k"}, {"SELECT", "1"}, {"HELLO"}, {"RESET"}, {"CLIENT", "SETNAME", "x"}}) {
    auto reply = cache_->Execute(argv);
    ASSERT_TRUE(reply.ok());
    ASSERT_TRUE(reply->is_error()) << argv[0];
    EXPECT_THAT(std::string(reply->string_view()), HasSubstr("cache.NewSession()")) << argv[0];
  }
}

TEST_F(CacheTest, SessionsKeepTheirState) {
  auto session = *cache_->NewSession();
  EXPECT_TRUE(session->Execute({"SELECT", "3"})->is_ok());
  EXPECT_TRUE(session->Execute({"MULTI"})->is_ok());
  EXPECT_EQ(session->Execute({"SET", "k", "v"})->string_view(), "QUEUED");
  EXPECT_EQ(session->Execute({"EXEC"})->size(), 1u);
  EXPECT_EQ(**cache_->Db(3)->Get("k"), "v");
  EXPECT_TRUE(session->Execute({"QUIT"})->is_ok());
  EXPECT_EQ(session->Execute({"PING"}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CacheTest, ATypedWriteBreaksAWatch) {
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"WATCH", "k"})->is_ok());
  ASSERT_TRUE(cache_->Set("k", "changed").ok());
  ASSERT_TRUE(session->Execute({"MULTI"})->is_ok());
  ASSERT_EQ(session->Execute({"GET", "k"})->string_view(), "QUEUED");
  EXPECT_TRUE(session->Execute({"EXEC"})->is_nil());
}

TEST_F(CacheTest, AtomicallyRunsAsOne) {
  ASSERT_TRUE(cache_->Set("from", "100").ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        absl::Status status = cache_->Atomically([&](Transaction& transaction) -> absl::Status {
          auto left = transaction.Increment("from", -1);
          if (!left.ok()) return left.status();
          auto sum = transaction.Execute({"INCRBY", "to", "1"});
          if (!sum.ok()) return sum.status();
          EXPECT_EQ(*left + sum->integer(), 100);
          return absl::OkStatus();
        });
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Value("to"), "100");
}

TEST_F(CacheTest, AtomicallyReturnsWhatItsFunctionReturns) {
  absl::StatusOr<int64_t> n = cache_->Atomically([](Transaction& t) { return t.Increment("n", 7); });
  EXPECT_EQ(*n, 7);
  absl::Status none = cache_->Atomically([](Transaction&) {});
  EXPECT_TRUE(none.ok());
  EXPECT_EQ(cache_->Atomically([](Transaction& t) {
    return t.GetOrLoad("x", absl::Seconds(1), []() -> absl::StatusOr<std::string> { return ""; }).status();
  }).code(), absl::StatusCode::kFailedPrecondition);
  auto other = cache_->Atomically([](Transaction& t) -> absl::Status {
    auto db = t.Db(2);
    if (!db.ok()) return db.status();
    return db->Set("k", "two").status();
  });
  EXPECT_TRUE(other.ok());
  EXPECT_EQ(**cache_->Db(2)->Get("k"), "two");
}

TEST_F(CacheTest, AThousandCallersThatMissTogetherLoadOnce) {
  constexpr int kThreads = 1000;
  std::atomic<int> loads{0};
  std::atomic<int> arrived{0};
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      auto value = cache_->GetOrLoad("k", absl::Minutes(1), [&]() -> absl::StatusOr<std::string> {
        ++loads;
        while (arrived.load() < kThreads - 1) std::this_thread::yield();  // until all others are on their way
        return std::string("loaded");
      });
      if (value.ok() && *value == "loaded") ++right;
    });
    ++arrived;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(right, kThreads);
  EXPECT_EQ(**cache_->Ttl("k"), absl::Minutes(1));
}

TEST_F(CacheTest, ExecuteAsyncNeedsACallback) {
  EXPECT_EQ(cache_->ExecuteAsync({"PING"}, nullptr).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CacheTest, CallbacksComeInTheOrderOfTheCommands) {
  Reopen({.background = Background::kTick});
  std::vector<int64_t> seen;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply> reply) {
      ASSERT_TRUE(reply.ok());
      seen.push_back(reply->integer());
      EXPECT_TRUE(cache_->Get("n").ok());  // a callback may call the cache
    }).ok());
  }
  EXPECT_TRUE(seen.empty());
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(CacheTest, TheBackgroundThreadDeliversAndExpires) {
  std::atomic<bool> delivered{false};
  ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, [&](absl::StatusOr<Reply>) { delivered = true; }).ok());
  while (!delivered) std::this_thread::yield();
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Milliseconds(50)}).ok());
  while (*cache_->Size() != 0) clock_->Advance(absl::Milliseconds(50));  // nobody reads the key
  EXPECT_EQ(cache_->Stats()->expired_keys, 1u);
}

TEST_F(CacheTest, TickExpiresWhatIsDue) {
  Reopen({.background = Background::kTick});
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(cache_->Set("k" + std::to_string(i), "v", {.ttl = absl::Seconds(1)}).ok());
  }
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*cache_->Size(), 200);
  clock_->Advance(absl::Seconds(1));
  ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(*cache_->Size(), 0);
}

TEST_F(CacheTest, MaxmemoryRefusesOrEvicts) {
  Reopen({.maxmemory = 200 * 1024});
  absl::Status status;
  for (int i = 0; i < 10000 && status.ok(); ++i) {
    status = cache_->Set("key:" + std::to_string(i), std::string(100, 'v')).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  Reopen({.maxmemory = 200 * 1024, .maxmemory_policy = MaxmemoryPolicy::kAllkeysRandom});
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), std::string(100, 'v')).ok());
  }
  EXPECT_LT(cache_->Stats()->used_memory, 201u * 1024);
  EXPECT_GT(cache_->Stats()->evicted_keys, 5000u);
}

// Fills the cache over its limit while some keys are used again and again; returns how many of those are left.
int SurvivorsOf(Cache& cache, ManualClock& clock) {
  constexpr int kUsed = 100;
  for (int i = 0; i < kUsed; ++i) EXPECT_TRUE(cache.Set("used:" + std::to_string(i), std::string(100, 'u')).ok());
  for (int round = 0; round < 50; ++round) {
    clock.Advance(absl::Seconds(10));
    EXPECT_TRUE(cache.Tick(absl::InfiniteFuture()).ok());  // takes the new time to the typed calls
    for (int i = 0; i < kUsed; ++i) (void)cache.Get("used:" + std::to_string(i));
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(cache.Set("once:" + std::to_string(round * 100 + i), std::string(100, 'o')).ok());
    }
  }
  int left = 0;
  for (int i = 0; i < kUsed; ++i) left += *cache.Exists("used:" + std::to_string(i)) ? 1 : 0;
  return left;
}

TEST_F(CacheTest, LruAndLfuKeepWhatIsUsed) {
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kAllkeysLru, MaxmemoryPolicy::kAllkeysLfu}) {
    Reopen({.background = Background::kTick, .maxmemory = 200 * 1024, .maxmemory_policy = policy,
            .maxmemory_samples = 10});
    EXPECT_GT(SurvivorsOf(*cache_, *clock_), 80);
  }
  Reopen({.background = Background::kTick, .maxmemory = 200 * 1024,
          .maxmemory_policy = MaxmemoryPolicy::kAllkeysRandom});
  EXPECT_LT(SurvivorsOf(*cache_, *clock_), 60);
}

TEST_F(CacheTest, VolatilePoliciesSpareKeysWithoutExpiry) {
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kVolatileLru, MaxmemoryPolicy::kVolatileLfu,
                                 MaxmemoryPolicy::kVolatileRandom, MaxmemoryPolicy::kVolatileTtl}) {
    Reopen({.background = Background::kTick, .maxmemory = 200 * 1024, .maxmemory_policy = policy});
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(cache_->Set("stays:" + std::to_string(i), std::string(100, 's')).ok());
    for (int i = 0; i < 5000; ++i) {
      ASSERT_TRUE(cache_->Set("goes:" + std::to_string(i), std::string(100, 'g'), {.ttl = absl::Hours(1)}).ok());
    }
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(*cache_->Exists("stays:" + std::to_string(i)));
  }
}

TEST_F(CacheTest, AfterCloseEveryCallIsCancelled) {
  auto session = *cache_->NewSession();
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(cache_->Get("k").status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(cache_->Execute({"PING"}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(session->Execute({"PING"}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(cache_->NewSession().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(cache_->Tick(absl::InfiniteFuture()).status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
}

TEST_F(CacheTest, CloseWakesThoseWhoWaitForALoader) {
  std::atomic<bool> loading{false};
  std::atomic<bool> closed{false};
  std::thread leader([&] {
    auto value = cache_->GetOrLoad("k", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> {
      loading = true;
      while (!closed) std::this_thread::yield();
      return std::string("too late");
    });
    EXPECT_EQ(value.status().code(), absl::StatusCode::kCancelled);
  });
  while (!loading) std::this_thread::yield();
  std::thread waiter([&] {
    EXPECT_EQ(cache_->GetOrLoad("k", absl::InfiniteDuration(), []() -> absl::StatusOr<std::string> {
      return std::string("never");
    }).status().code(), absl::StatusCode::kCancelled);
  });
  EXPECT_EQ(cache_->Close(absl::InfinitePast()).code(), absl::StatusCode::kDeadlineExceeded);
  waiter.join();
  closed = true;
  leader.join();
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
}

TEST(CacheLifeTest, TwoCachesNeverMeet) {
  auto a = *Cache::Open({});
  auto b = *Cache::Open({});
  ASSERT_TRUE(a->Set("k", "a").ok());
  EXPECT_FALSE(*b->Exists("k"));
}

TEST(CacheLifeTest, OpensAndClosesAThousandTimes) {
  for (int i = 0; i < 1000; ++i) {
    auto cache = Cache::Open({});
    ASSERT_TRUE(cache.ok());
    ASSERT_TRUE((*cache)->Set("k", "v", {.ttl = absl::Hours(1)}).ok());
  }
}

TEST(CacheLifeTest, BadOptionsAreNamed) {
  EXPECT_THAT(std::string(Cache::Open({.databases = 0}).status().message()), HasSubstr("databases"));
  EXPECT_THAT(std::string(Cache::Open({.hz = 0}).status().message()), HasSubstr("hz"));
}

TEST(CacheLifeTest, AnEmptyCacheIsSmall) {
  auto cache = *Cache::Open({});
  EXPECT_LE(cache->Stats()->used_memory, 64u * 1024);
}

}  // namespace
}  // namespace larder
