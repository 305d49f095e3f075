// GetOrLoad: one loader for all who miss, nothing stale stored, no ring of waits, nobody forgotten.
#include <larder/cache.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/core/core.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using Loaded = absl::StatusOr<std::string>;

class LoadTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen({}); }

  void Reopen(Options options) {
    cache_.reset();
    clock_ = std::make_shared<ManualClock>();
    options.clock = clock_;
    options.seed = 42;
    options.background = Background::kTick;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  // "k" by a loader that does `meanwhile` and returns "loaded".
  Loaded LoadWhile(const std::function<void()>& meanwhile, absl::Duration ttl = absl::InfiniteDuration()) {
    return cache_->GetOrLoad("k", ttl, [&]() -> Loaded {
      meanwhile();
      return std::string("loaded");
    });
  }
  Loaded Load(std::string_view key, std::string value) {
    return cache_->GetOrLoad(key, absl::InfiniteDuration(), [&]() -> Loaded { return value; });
  }
  std::string Value(std::string_view key, int db = 0) {
    auto value = cache_->Db(db)->Get(key);
    return value.ok() ? value->value_or("(none)") : value.status().ToString();
  }
  Reply Run(std::initializer_list<std::string_view> argv, int db = 0) {
    auto reply = cache_->Db(db)->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return *std::move(reply);
  }
  // Returns when so many threads wait for loaders.
  void AwaitWaiting(size_t count) {
    while (cache_->core().flights().waiting() != count) std::this_thread::yield();
  }
  Stats Now() { return *cache_->Stats(); }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

// ---- What is stored -------------------------------------------------------------------------------------------------

// A change to "k" while it is loaded, and what "k" then has to hold.
struct ChangeOfKey {
  const char* name;
  std::function<void(Cache& cache)> make;
  const char* after;
};

const ChangeOfKey kChangesOfKey[] = {
    {"Set", [](Cache& c) { (void)c.Set("k", "new"); }, "new"},
    {"SetIfMissing", [](Cache& c) { (void)c.Set("k", "new", {.condition = SetOptions::If::kMissing}); }, "new"},
    {"SetAndGet", [](Cache& c) { (void)c.SetAndGet("k", "new"); }, "new"},
    {"MSet", [](Cache& c) { (void)c.MSet({{"j", "1"}, {"k", "new"}}); }, "new"},
    {"Increment", [](Cache& c) { (void)c.Increment("k", 7); }, "7"},
    {"Append", [](Cache& c) { (void)c.Append("k", "new"); }, "new"},
    {"SetRange", [](Cache& c) { (void)c.SetRange("k", 0, "new"); }, "new"},
    {"DeleteOfTheMissingKey", [](Cache& c) { (void)c.Delete("k"); }, "(none)"},
    {"DeleteOfSeveral", [](Cache& c) { (void)c.Execute({"DEL", "a", "k", "b"}); }, "(none)"},
    {"Unlink", [](Cache& c) { (void)c.Execute({"UNLINK", "k"}); }, "(none)"},
    {"GetDel", [](Cache& c) { (void)c.Execute({"GETDEL", "k"}); }, "(none)"},
    {"ExpireInThePast", [](Cache& c) { (void)c.Expire("k", absl::Seconds(-1)); }, "(none)"},
    {"ExpireAtInThePast", [](Cache& c) { (void)c.ExpireAt("k", absl::UnixEpoch()); }, "(none)"},
    {"PExpireAtInThePast", [](Cache& c) { (void)c.Execute({"PEXPIREAT", "k", "1"}); }, "(none)"},
    {"GetExInThePast", [](Cache& c) { (void)c.Execute({"GETEX", "k", "EXAT", "1"}); }, "(none)"},
    {"GetExInThePastByMs", [](Cache& c) { (void)c.Execute({"GETEX", "k", "PXAT", "1"}); }, "(none)"},
    {"GetExInThePastByBytes",
     [](Cache& c) { (void)(*c.NewConnection())->Feed("GETEX k PXAT 1\r\n"); }, "(none)"},
    {"RenameOfTheMissingKey", [](Cache& c) { (void)c.Execute({"RENAME", "k", "j"}); }, "(none)"},
    {"RenameNxOfTheMissingKey", [](Cache& c) { (void)c.Execute({"RENAMENX", "k", "j"}); }, "(none)"},
    {"RenameOfTheMissingKeyByBytes", [](Cache& c) { (void)(*c.NewConnection())->Feed("RENAME k j\r\n"); }, "(none)"},
    {"MoveOfTheMissingKey", [](Cache& c) { (void)c.Execute({"MOVE", "k", "3"}); }, "(none)"},
    {"MoveOfTheMissingKeyInATransaction",
     [](Cache& c) { (void)c.Atomically([](Transaction& t) { (void)t.Execute({"MOVE", "k", "3"}); }); }, "(none)"},
    {"SetAndDelete", [](Cache& c) { (void)c.Set("k", "new"), (void)c.Delete("k"); }, "(none)"},
    {"RenameOnto", [](Cache& c) { (void)c.Set("j", "new"), (void)c.Execute({"RENAME", "j", "k"}); }, "new"},
    {"RenameAway", [](Cache& c) { (void)c.Set("k", "new"), (void)c.Execute({"RENAME", "k", "j"}); }, "(none)"},
    {"CopyOnto", [](Cache& c) { (void)c.Set("j", "new"), (void)c.Execute({"COPY", "j", "k"}); }, "new"},
    {"CopyFromAnotherDatabase",
     [](Cache& c) { (void)c.Db(3)->Set("j", "new"), (void)c.Db(3)->Execute({"COPY", "j", "k", "DB", "0"}); }, "new"},
    {"MoveOnto", [](Cache& c) { (void)c.Db(3)->Set("k", "new"), (void)c.Db(3)->Execute({"MOVE", "k", "0"}); }, "new"},
    {"MoveAway", [](Cache& c) { (void)c.Set("k", "new"), (void)c.Execute({"MOVE", "k", "3"}); }, "(none)"},
    {"FlushDb", [](Cache& c) { (void)c.Execute({"FLUSHDB"}); }, "(none)"},
    {"FlushAll", [](Cache& c) { (void)c.Db(5)->Execute({"FLUSHALL"}); }, "(none)"},
    {"SwapDb", [](Cache& c) { (void)c.Db(1)->Set("k", "new"), (void)c.Execute({"SWAPDB", "0", "1"}); }, "new"},
    {"SwapDbWithoutTheKey", [](Cache& c) { (void)c.Execute({"SWAPDB", "1", "0"}); }, "(none)"},
    {"Atomically", [](Cache& c) { (void)c.Atomically([](Transaction& t) { (void)t.Set("k", "new"); }); }, "new"},
    {"SessionExec",
     [](Cache& c) {
       auto session = *c.NewSession();
       for (auto argv : {"MULTI", "DEL", "EXEC"}) {
         (void)(argv[0] == 'D' ? session->Execute({"DEL", "k"}) : session->Execute({argv}));
       }
     },
     "(none)"},
    {"RespConnection", [](Cache& c) { (void)(*c.NewConnection())->Feed("SET k new\r\n"); }, "new"},
};

class ChangeOfKeyTest : public LoadTest, public ::testing::WithParamInterface<ChangeOfKey> {};

TEST_P(ChangeOfKeyTest, ByTheLoaderItselfStays) {
  const Loaded value = LoadWhile([&] { GetParam().make(*cache_); });
  EXPECT_EQ(*value, "loaded");
  EXPECT_EQ(Value("k"), GetParam().after);
  EXPECT_EQ(Now().loads_not_stored, 0u);
}

TEST_P(ChangeOfKeyTest, ByAnotherThreadStaysAndALaterLoadIsANewOne) {
  Loaded later;
  const Loaded value = LoadWhile([&] {
    std::thread([&] {
      GetParam().make(*cache_);
      later = Load("k", "anew");
    }).join();
  });
  EXPECT_EQ(*value, "loaded");
  const std::string expected = std::string(GetParam().after) == "(none)" ? "anew" : GetParam().after;
  EXPECT_EQ(*later, expected);
  EXPECT_EQ(Value("k"), expected);
}

TEST_P(ChangeOfKeyTest, LeavesTheValueToThoseWhoWaitedBefore) {
  Loaded before;
  std::thread waiter;
  const Loaded value = LoadWhile([&] {
    waiter = std::thread([&] { before = Load("k", "not called"); });
    AwaitWaiting(1);
    GetParam().make(*cache_);
  });
  waiter.join();
  EXPECT_EQ(*value, "loaded");
  EXPECT_EQ(*before, "loaded");
  EXPECT_EQ(Value("k"), GetParam().after);
}

INSTANTIATE_TEST_SUITE_P(All, ChangeOfKeyTest, ::testing::ValuesIn(kChangesOfKey),
                         [](const auto& info) { return std::string(info.param.name); });

struct OtherChange {
  const char* name;
  std::function<void(Cache& cache, ManualClock& clock)> make;
};

const OtherChange kOtherChanges[] = {
    {"Nothing", [](Cache&, ManualClock&) {}},
    {"SetOfAnotherKey", [](Cache& c, ManualClock&) { (void)c.Set("kk", "x"); }},
    {"SetInAnotherDatabase", [](Cache& c, ManualClock&) { (void)c.Db(1)->Set("k", "x"); }},
    {"DeleteInAnotherDatabase", [](Cache& c, ManualClock&) { (void)c.Db(1)->Delete("k"); }},
    {"DeleteOfAnotherMissingKey", [](Cache& c, ManualClock&) { (void)c.Delete("other"); }},
    {"FlushOfAnotherDatabase", [](Cache& c, ManualClock&) { (void)c.Db(1)->Execute({"FLUSHDB"}); }},
    {"SwapOfOtherDatabases", [](Cache& c, ManualClock&) { (void)c.Execute({"SWAPDB", "1", "2"}); }},
    {"ReadsOfTheKey", [](Cache& c, ManualClock&) { (void)c.Get("k"), (void)c.Ttl("k"), (void)c.Exists("k"); }},
    {"SetIfPresent",
     [](Cache& c, ManualClock&) { (void)c.Set("k", "x", {.condition = SetOptions::If::kPresent}); }},
    {"ExpireLater", [](Cache& c, ManualClock&) { (void)c.Expire("k", absl::Hours(1)), (void)c.Persist("k"); }},
    {"GetExLater",
     [](Cache& c, ManualClock&) {
       for (const char* option : {"PERSIST", "EX"}) {
         (void)(option[0] == 'P' ? c.Execute({"GETEX", "k", option}) : c.Execute({"GETEX", "k", option, "5"}));
       }
     }},
    {"GetExWithABadTime",
     [](Cache& c, ManualClock&) {
       for (const char* time : {"0", "-1", "x"}) (void)c.Execute({"GETEX", "k", "PXAT", time});
     }},
    {"CopyOfTheMissingKey", [](Cache& c, ManualClock&) { (void)c.Execute({"COPY", "k", "j"}); }},
    {"RefusedWrite", [](Cache& c, ManualClock&) { (void)c.Execute({"SET", "k", "x", "EX", "0"}); }},
    {"ExpiryOfAnotherKey",
     [](Cache& c, ManualClock& clock) {
       (void)c.Set("other", "x", {.ttl = absl::Seconds(1)});
       clock.Advance(absl::Seconds(2));
       (void)c.Tick(absl::InfiniteFuture());
     }},
};

class OtherChangeTest : public LoadTest, public ::testing::WithParamInterface<OtherChange> {};

TEST_P(OtherChangeTest, LetsTheValueBeStored) {
  ASSERT_TRUE(cache_->Db(1)->Set("there", "x").ok());
  EXPECT_EQ(*LoadWhile([&] { GetParam().make(*cache_, *clock_); }, absl::Minutes(5)), "loaded");
  EXPECT_EQ(Value("k"), "loaded");
  EXPECT_EQ(**cache_->Ttl("k"), absl::Minutes(5));
}

INSTANTIATE_TEST_SUITE_P(All, OtherChangeTest, ::testing::ValuesIn(kOtherChanges),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(LoadTest, AKeyThatHasExpiredIsLoadedAndStored) {
  ASSERT_TRUE(cache_->Set("k", "old", {.ttl = absl::Seconds(1)}).ok());
  clock_->Advance(absl::Seconds(1));
  EXPECT_EQ(*LoadWhile([&] { (void)cache_->Tick(absl::InfiniteFuture()); }), "loaded");
  EXPECT_EQ(Value("k"), "loaded");
}

TEST_F(LoadTest, FlightsOfOneKeyInTwoDatabasesAreTwo) {
  const Database one = *cache_->Db(1);
  EXPECT_EQ(*LoadWhile([&] {
    EXPECT_EQ(*one.GetOrLoad("k", absl::InfiniteDuration(), []() -> Loaded { return "one"; }), "one");
  }), "loaded");
  EXPECT_EQ(Value("k"), "loaded");
  EXPECT_EQ(Value("k", 1), "one");
}

TEST_F(LoadTest, AChangeDetachesItsOwnKeyAmongHundreds) {
  constexpr int kFlights = 300;
  const std::function<std::string(int)> nested = [&](int i) {
    return *cache_->Db(i % 3)->GetOrLoad("k" + std::to_string(i), absl::InfiniteDuration(), [&]() -> Loaded {
      if (i < kFlights) return nested(i + 1) + "x";
      EXPECT_EQ(cache_->core().flights().attached(), static_cast<size_t>(kFlights) + 1);
      for (int k = 0; k <= kFlights; k += 7) (void)cache_->Db(k % 3)->Delete("k" + std::to_string(k));
      Run({"FLUSHDB"}, 2);
      return std::string("innermost");
    });
  };
  EXPECT_EQ(nested(0), "innermost" + std::string(kFlights, 'x'));
  EXPECT_EQ(cache_->core().flights().attached(), 0u);
  for (int i = 0; i <= kFlights; ++i) {
    EXPECT_EQ(*cache_->Db(i % 3)->Exists("k" + std::to_string(i)), i % 7 != 0 && i % 3 != 2) << i;
  }
}

TEST_F(LoadTest, NobodyListensToChangesOnceTheLoadsAreOver) {
  keyspace::Effects& effects = cache_->core().engine().keyspace().effects();
  EXPECT_EQ(*LoadWhile([&] { EXPECT_TRUE(effects.wants(keyspace::Effects::kAbsences)); }), "loaded");
  ASSERT_TRUE(cache_->Set("other", "x").ok());
  EXPECT_FALSE(effects.wants(keyspace::Effects::kAbsences));
  EXPECT_FALSE(effects.wants(keyspace::Effects::kEvents));
}

// ---- What cannot be stored, what is refused, what is counted --------------------------------------------------------

TEST_F(LoadTest, AValueWithoutRoomGoesUnstoredToAllWhoWait) {
  Reopen({.maxmemory = 4 << 20});
  const std::string large(8 << 20, 'v');
  Loaded waited;
  std::thread waiter;
  const Loaded value = cache_->GetOrLoad("k", absl::InfiniteDuration(), [&]() -> Loaded {
    waiter = std::thread([&] { waited = Load("k", "not called"); });
    AwaitWaiting(1);
    // Full before the store, so that it is refused whatever a write may overshoot.
    for (int i = 0; cache_->Set("fill" + std::to_string(i), std::string(1000, 'f')).ok(); ++i) {
    }
    return large;
  });
  waiter.join();
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_TRUE(*value == large);
  ASSERT_TRUE(waited.ok()) << waited.status();
  EXPECT_TRUE(*waited == large);
  EXPECT_EQ(Value("k"), "(none)");
  EXPECT_EQ(Now().loads_not_stored, 1u);
  EXPECT_THAT(std::string(cache_->Execute({"INFO", "larder"})->string_view()), HasSubstr("loads_not_stored:1\r\n"));
}

TEST_F(LoadTest, ABadTtlIsRefusedBeforeTheLoaderRunsInGetOrLoadsOwnWords) {
  ASSERT_TRUE(cache_->Set("there", "x").ok());
  for (const char* key : {"k", "there"}) {
    for (absl::Duration ttl : {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration(),
                               absl::Nanoseconds(-1), absl::Hours(24.0 * 365 * 400'000'000)}) {
      bool ran = false;
      const Loaded value = cache_->GetOrLoad(key, ttl, [&]() -> Loaded {
        ran = true;
        return std::string("v");
      });
      EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument) << ttl;
      EXPECT_THAT(std::string(value.status().message()), HasSubstr("GetOrLoad: ttl"));
      EXPECT_FALSE(ran);
    }
  }
  EXPECT_EQ(Now().keyspace_misses, 0u);
}

TEST_F(LoadTest, AMissCountsOnceAndAHitCountsOnce) {
  EXPECT_EQ(*Load("k", "v"), "v");
  EXPECT_EQ(Now().keyspace_misses, 1u);
  EXPECT_EQ(Now().keyspace_hits, 0u);
  EXPECT_EQ(*Load("k", "w"), "v");
  EXPECT_EQ(Now().keyspace_misses, 1u);
  EXPECT_EQ(Now().keyspace_hits, 1u);
}

TEST_F(LoadTest, EachCallerThatMissesCountsOnce) {
  std::thread waiter;
  EXPECT_EQ(*LoadWhile([&] {
    waiter = std::thread([&] { EXPECT_EQ(*Load("k", "not called"), "loaded"); });
    AwaitWaiting(1);
  }), "loaded");
  waiter.join();
  EXPECT_EQ(Now().keyspace_misses, 2u);
}

TEST_F(LoadTest, MonitorSaysOneGetAndOneSet) {
  auto monitor = *cache_->NewConnection();
  ASSERT_TRUE(monitor->Feed("MONITOR\r\n").ok());
  EXPECT_EQ(*LoadWhile([] {}, absl::Seconds(3)), "loaded");
  const std::string lines(monitor->output());
  EXPECT_THAT(lines, HasSubstr("\"GET\" \"k\"\r\n"));
  EXPECT_EQ(lines.find("\"GET\""), lines.rfind("\"GET\""));
  EXPECT_THAT(lines, HasSubstr("\"SET\" \"k\" \"loaded\" \"PX\" \"3000\"\r\n"));
}

// ---- Rings ----------------------------------------------------------------------------------------------------------

// `count` threads, each of which loads a key and then, when all do, asks for the next one's. Returns how many calls
// were refused; all must end.
int Ring(Cache& cache, int count, bool detached) {
  std::atomic<int> loading{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const std::string own = "k" + std::to_string(i);
      const std::string next = "k" + std::to_string((i + 1) % count);
      const Loaded value = cache.GetOrLoad(own, absl::InfiniteDuration(), [&]() -> Loaded {
        ++loading;
        while (loading < count) std::this_thread::yield();
        // A second, innocent load of this thread's is in the way.
        return cache.GetOrLoad("extra:" + own, absl::InfiniteDuration(), [&]() -> Loaded {
          const Loaded other = cache.GetOrLoad(next, absl::InfiniteDuration(), [&]() -> Loaded { return "late"; });
          if (other.ok()) return *other + "<" + own;
          EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
          EXPECT_THAT(std::string(other.status().message()), HasSubstr("wait for itself"));
          ++refused;
          return own;
        });
      });
      EXPECT_TRUE(value.ok()) << value.status();
    });
  }
  if (detached) {
    while (cache.core().flights().waiting() + 1 < static_cast<size_t>(count) && refused == 0) std::this_thread::yield();
    for (int i = 0; i < count; ++i) (void)cache.Delete("k" + std::to_string(i));
  }
  for (std::thread& thread : threads) thread.join();
  return refused;
}

TEST_F(LoadTest, ALoaderThatAsksForItsOwnKeyIsRefusedAndNotHung) {
  absl::Status inner;
  EXPECT_EQ(*LoadWhile([&] {
    inner = Load("k", "inner").status();
    EXPECT_EQ(*Load("other", "fine"), "fine");
  }), "loaded");
  EXPECT_EQ(inner.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Value("k"), "loaded");
}

TEST_F(LoadTest, OneCallOfARingOfThreadsIsRefusedAndNoneHangs) {
  for (int count : {2, 3, 7}) {
    EXPECT_EQ(Ring(*cache_, count, /*detached=*/false), 1) << count;
    Run({"FLUSHALL"});
  }
}

// Who waits for a detached flight waits for its thread still; who asks later waits for nobody.
TEST_F(LoadTest, RingsThroughDetachedFlightsDoNotHang) {
  for (int round = 0; round < 20; ++round) {
    EXPECT_LE(Ring(*cache_, 3, /*detached=*/true), 1);
    Run({"FLUSHALL"});
  }
}

TEST_F(LoadTest, ARingThroughADetachedFlightIsRefused) {
  std::atomic<bool> loading{false};
  std::atomic<bool> detached{false};
  std::thread a([&] {
    EXPECT_EQ(*cache_->GetOrLoad("a", absl::InfiniteDuration(), [&]() -> Loaded {
      loading = true;
      while (!detached) std::this_thread::yield();
      const Loaded b = Load("b", "not called");
      EXPECT_EQ(b.status().code(), absl::StatusCode::kFailedPrecondition);
      return std::string("a");
    }), "a");
  });
  while (!loading) std::this_thread::yield();
  std::thread b([&] {
    EXPECT_EQ(*cache_->GetOrLoad("b", absl::InfiniteDuration(), [&]() -> Loaded { return Load("a", "not called"); }),
              "a");
  });
  AwaitWaiting(1);
  EXPECT_FALSE(*cache_->Delete("a"));
  detached = true;
  a.join();
  b.join();
  EXPECT_EQ(Value("a"), "(none)");
  EXPECT_EQ(Value("b"), "a");
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

TEST_F(LoadTest, ALoaderThatThrowsAbortsThoseWhoWaitAndLeavesTheKeyFree) {
  absl::Status waited;
  std::thread waiter;
  EXPECT_THROW((void)LoadWhile([&] {
    waiter = std::thread([&] { waited = Load("k", "not called").status(); });
    AwaitWaiting(1);
    throw std::runtime_error("loader");
  }), std::runtime_error);
  waiter.join();
  EXPECT_EQ(waited.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(*Load("k", "again"), "again");
}

TEST_F(LoadTest, AnErrorOfTheLoadersIsEverybodysAndNothingIsStored) {
  absl::Status waited;
  std::thread waiter;
  const Loaded value = cache_->GetOrLoad("k", absl::InfiniteDuration(), [&]() -> Loaded {
    waiter = std::thread([&] { waited = Load("k", "not called").status(); });
    AwaitWaiting(1);
    return absl::UnavailableError("upstream is down");
  });
  waiter.join();
  EXPECT_EQ(value.status(), absl::UnavailableError("upstream is down"));
  EXPECT_EQ(waited, value.status());
  EXPECT_FALSE(*cache_->Exists("k"));
}

// In the child the other threads are gone, with whatever they held or waited for.
TEST_F(LoadTest, ALoaderThatForksEndsInTheChildToo) {
  std::vector<std::thread> waiters;
  pid_t child = -1;
  const Loaded value = LoadWhile([&] {
    for (int i = 0; i < 3; ++i) waiters.emplace_back([&] { EXPECT_EQ(*Load("k", "not called"), "loaded"); });
    AwaitWaiting(3);
    child = fork();
  });
  if (child == 0) {
    const bool refused = value.status().code() == absl::StatusCode::kFailedPrecondition;
    const bool again = Load("k", "x").status().code() == absl::StatusCode::kFailedPrecondition;
    _exit(refused && again ? 0 : 1);
  }
  for (std::thread& waiter : waiters) waiter.join();
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(*value, "loaded");
}

TEST_F(LoadTest, ALoaderThatForksAndThrowsEndsInTheChildToo) {
  std::thread waiter;
  pid_t child = -1;
  bool threw = false;
  try {
    (void)LoadWhile([&] {
      waiter = std::thread([&] { EXPECT_EQ(*Load("k", "not called"), "loaded"); });
      AwaitWaiting(1);
      child = fork();
      if (child == 0) throw std::runtime_error("in the child");
    });
  } catch (const std::runtime_error&) {
    threw = true;
  }
  if (child == 0) _exit(threw ? 0 : 1);
  waiter.join();
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// ---- Under load -----------------------------------------------------------------------------------------------------

// The lease's promise, as a program sees it: what begins after an invalidation has returned sees what was written
// before it.
TEST_F(LoadTest, NoCallBegunAfterADeleteSeesWhatWasThereBefore) {
  constexpr int kKeys = 4;
  constexpr int kWrites = 3000;
  struct Source {
    std::atomic<int> version{0};   // what loaders read
    std::atomic<int> published{0};  // the version whose invalidation has returned
  };
  Source source[kKeys];
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      for (int i = t; !done; ++i) {
        Source& of = source[i % kKeys];
        const int least = of.published;
        const Loaded value = cache_->GetOrLoad("k" + std::to_string(i % kKeys), absl::Hours(1), [&]() -> Loaded {
          const int version = of.version;
          if (i % 16 == 0) std::this_thread::yield();
          return std::to_string(version);
        });
        ASSERT_TRUE(value.ok()) << value.status();
        ASSERT_GE(std::stoi(*value), least);
      }
    });
  }
  for (int i = 0; i < kWrites; ++i) {
    Source& of = source[i % kKeys];
    const std::string key = "k" + std::to_string(i % kKeys);
    ++of.version;
    switch (i % 5) {
      case 0: ASSERT_TRUE(cache_->Set(key, std::to_string(of.version)).ok()); break;
      case 1: Run({"UNLINK", key}); break;
      case 2: Run({"FLUSHDB"}); break;
      case 3:
        Run({"SWAPDB", "0", "1"});
        Run({"FLUSHALL"});  // or the next swap would bring back, for a moment, what this one put away
        break;
      default: ASSERT_TRUE(cache_->Delete(key).ok());
    }
    of.published.store(of.version);
    if (i % 64 == 0) std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace larder
