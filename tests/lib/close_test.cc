// What Close and the destructor promise: whom they wait for, until when, what they say, and what they never wait for.
//
// The clock stands still but where a test sets it, so a Close that ends by its deadline was ended by that clock.
#include <larder/cache.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/core/core.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kLate = absl::StatusCode::kDeadlineExceeded;
constexpr absl::StatusCode kPrecondition = absl::StatusCode::kFailedPrecondition;

// One place where a thread stops until it is let go.
class Gate {
 public:
  void Pass() {
    reached_ = true;
    while (!open_) std::this_thread::yield();
  }
  void AwaitReached() const {
    while (!reached_) std::this_thread::yield();
  }
  void Open() { open_ = true; }

 private:
  std::atomic<bool> reached_{false};
  std::atomic<bool> open_{false};
};

class CloseTest : public ::testing::TestWithParam<Background> {
 protected:
  CloseTest() { Reopen({}); }
  void Reopen(Options options) {
    options.clock = clock_;
    options.background = GetParam();
    options.seed = 7;
    cache_ = *Cache::Open(options);
  }
  absl::Status CloseNow() { return cache_->Close(absl::InfinitePast()); }
  absl::Status CloseAtLast() { return cache_->Close(absl::InfiniteFuture()); }
  absl::Time In(absl::Duration from_now) const { return absl::FromUnixMicros(clock_->NowUs()) + from_now; }
  void AwaitWaiters(int count) {
    while (clock_->waiters() < count) std::this_thread::yield();
  }
  void Async(std::function<void(absl::StatusOr<Reply>)> callback) {
    ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, std::move(callback)).ok());
  }
  // Has callbacks that are owed delivered until `done`, by whatever does that here.
  void AwaitDelivery(const std::atomic<bool>& done) {
    while (!done) {
      if (GetParam() == Background::kTick) {
        ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
      }
      std::this_thread::yield();
    }
  }
  void ExpectOpen() {
    EXPECT_TRUE(*cache_->Set("still", "open"));
    EXPECT_EQ(**cache_->Get("still"), "open");
    EXPECT_TRUE(cache_->NewSession().ok());
  }
  void ExpectRefusesAll() { EXPECT_EQ(cache_->Get("k").status().code(), absl::StatusCode::kCancelled); }

  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache_;
};

INSTANTIATE_TEST_SUITE_P(Background, CloseTest,
                         ::testing::Values(Background::kThread, Background::kLoop, Background::kTick),
                         [](const auto& background) {
                           switch (background.param) {
                             case Background::kThread: return "Thread";
                             case Background::kLoop: return "Loop";
                             default: return "Tick";
                           }
                         });

// ---- Whom it waits for ----------------------------------------------------------------------------------------------

TEST_P(CloseTest, WaitsForALoader) {
  Gate gate;
  std::thread loader([&] {
    EXPECT_EQ(cache_->GetOrLoad("k", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> {
      gate.Pass();
      return std::string("v");
    }).status().code(), absl::StatusCode::kCancelled);
  });
  gate.AwaitReached();
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("in a loader, waiting for one, or in Tick: 1"));
  ExpectRefusesAll();
  std::thread closer([&] {
    EXPECT_TRUE(CloseAtLast().ok());
    cache_.reset();  // nobody is in it any more
  });
  gate.Open();
  closer.join();
  loader.join();
}

TEST_P(CloseTest, WakesThoseWhoWaitForALoaderAndWaitsUntilTheyHaveGone) {
  Gate gate;
  std::thread loader([&] {
    (void)cache_->GetOrLoad("k", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> {
      gate.Pass();
      return std::string("v");
    });
  });
  gate.AwaitReached();
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] {
      EXPECT_EQ(cache_->GetOrLoad("k", absl::InfiniteDuration(), []() -> absl::StatusOr<std::string> {
        return absl::InternalError("never");
      }).status().code(), absl::StatusCode::kCancelled);
    });
  }
  EXPECT_EQ(CloseNow().code(), kLate);
  for (std::thread& waiter : waiters) waiter.join();
  gate.Open();
  EXPECT_TRUE(CloseAtLast().ok());
  loader.join();
}

TEST_P(CloseTest, WaitsForTickAndSaysSo) {
  if (GetParam() == Background::kThread) return;  // its own thread may be the one that delivers
  Gate gate;
  Async([&](absl::StatusOr<Reply>) { gate.Pass(); });
  std::thread ticker([&] { (void)cache_->Tick(absl::InfiniteFuture()); });
  gate.AwaitReached();
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("or in Tick: 1"));
  std::thread closer([&] {
    EXPECT_TRUE(CloseAtLast().ok());
    cache_.reset();
  });
  gate.Open();
  closer.join();
  ticker.join();
}

TEST_P(CloseTest, WaitsForACallbackOnTheBackgroundThread) {
  if (GetParam() != Background::kThread) return;
  Gate gate;
  Async([&](absl::StatusOr<Reply>) { gate.Pass(); });
  gate.AwaitReached();
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("still in a callback"));
  gate.Open();
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, CancelsThoseWhoWaitForTheirTurn) {
  Gate gate;
  std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
  gate.AwaitReached();
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] { EXPECT_EQ(cache_->Set("k", "v").status().code(), absl::StatusCode::kCancelled); });
  }
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("a call is still running"));
  gate.Open();
  holder.join();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_TRUE(CloseAtLast().ok());
}

// The last one that was refused may not touch what its thread finds gone: for the sanitizers.
TEST_P(CloseTest, NobodyWhoWaitedIsInsideWhenItReturns) {
  for (int round = 0; round < 20; ++round) {
    Gate gate;
    std::atomic<int> arrived{0};
    std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
    gate.AwaitReached();
    std::vector<std::thread> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.emplace_back([&, cache = cache_.get()] {
        ++arrived;
        (void)cache->Set("k", "v");
      });
    }
    while (arrived != 3) std::this_thread::yield();
    // Until they are in the queue, or nearly: who has not reached the cache is not to meet its end.
    for (int i = 0; i < 50; ++i) std::this_thread::yield();
    gate.Open();
    EXPECT_TRUE(CloseAtLast().ok());
    for (std::thread& waiter : waiters) waiter.join();
    holder.join();
    Reopen({});
  }
}

// Stands still where a large value gets its memory.
class SlowToAllocate final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    if (bytes >= kLarge) gate.Pass();
    return system_->Allocate(bytes, alignment);
  }
  void Free(void* memory, size_t bytes, size_t alignment) override { system_->Free(memory, bytes, alignment); }
  static constexpr size_t kLarge = size_t{4} << 20;
  Gate gate;

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
};

TEST_P(CloseTest, WaitsForACallThatCopiesALargeValueBeforeItHoldsTheExecutor) {
  const std::string value(SlowToAllocate::kLarge, 'x');
  const std::function<absl::Status(Cache&)> calls[] = {
      [&](Cache& cache) { return cache.Set("k", value).status(); },
      [&](Cache& cache) { return cache.SetAndGet("k", value).status(); },
      [&](Cache& cache) {
        return cache.GetOrLoad("k", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> { return value; })
            .status();
      }};
  for (const auto& call : calls) {
    const auto memory = std::make_shared<SlowToAllocate>();
    Reopen({.memory = memory});
    std::thread caller([&, cache = cache_.get()] { EXPECT_EQ(call(*cache).code(), absl::StatusCode::kCancelled); });
    memory->gate.AwaitReached();
    const absl::Status late = CloseNow();
    EXPECT_EQ(late.code(), kLate) << late;
    EXPECT_THAT(std::string(late.message()), HasSubstr("at a large value"));
    std::thread closer([&] {
      EXPECT_TRUE(CloseAtLast().ok());
      cache_.reset();
    });
    memory->gate.Open();
    closer.join();
    caller.join();
  }
}

// Gives none from a certain moment on.
class MemoryThatEnds final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    return over ? nullptr : system_->Allocate(bytes, alignment);
  }
  void Free(void* memory, size_t bytes, size_t alignment) override { system_->Free(memory, bytes, alignment); }
  std::atomic<bool> over{false};

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
};

// Calls that hold the executor several times; where in them they are met is left to chance. For the sanitizers.
TEST_P(CloseTest, NobodyIsBetweenTwoHoldsWhenItReturns) {
  const std::string large(300'000, 'x');
  const std::string small(1000, 'x');
  const std::function<void(Cache&)> calls[] = {
      [&](Cache& cache) { (void)cache.Append("a", large); },
      [&](Cache& cache) { (void)cache.SetRange("a", 0, large); },
      [&](Cache& cache) { (void)cache.MSet({{"x", large}, {"y", large}}); },
      [&](Cache& cache) { (void)cache.Set("x", large); },
      [&](Cache& cache) { (void)cache.Set("x", small); },
      [&](Cache& cache) { (void)cache.Execute({"SET", "x", large}); },
      [&](Cache& cache) { (void)cache.Execute({"APPEND", "x", small}); }};
  for (const bool source_is_full : {false, true}) {
    for (const auto& call : calls) {
      for (int round = 0; round < 4; ++round) {
        const auto memory = std::make_shared<MemoryThatEnds>();
        Options options;
        options.maxmemory_policy = MaxmemoryPolicy::kAllkeysRandom;
        options.memory = memory;
        Reopen(options);
        for (int i = 0; i < 2000; ++i) ASSERT_TRUE(cache_->Set("f" + std::to_string(i), std::string(300, 'z')).ok());
        Gate background;  // its thread stands in a callback, so whoever waits is the caller
        if (GetParam() == Background::kThread) {
          Async([&](absl::StatusOr<Reply>) { background.Pass(); });
          background.AwaitReached();
        }
        memory->over = source_is_full;
        if (!source_is_full) {
          ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "maxmemory", "400000"}).ok());
        }
        std::thread caller;
        ASSERT_TRUE(cache_->View("f", [&](auto) {
          caller = std::thread([&, cache = cache_.get()] { call(*cache); });
          // Each of them comes to wait for the executor; who has not reached the cache is not to meet its end.
          while (!cache_->core().executor().HasWaiters()) std::this_thread::yield();
        }).ok());
        background.Open();
        for (int i = 0; i < 40 * round; ++i) std::this_thread::yield();
        EXPECT_TRUE(CloseAtLast().ok());
        cache_.reset();
        caller.join();
      }
    }
  }
}

// ---- Until when -----------------------------------------------------------------------------------------------------

TEST_P(CloseTest, AdvanceOfTheClockEndsIt) {
  Gate gate;
  std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
  gate.AwaitReached();
  std::thread closer([&] { EXPECT_EQ(cache_->Close(In(absl::Seconds(10))).code(), kLate); });
  AwaitWaiters(1);
  clock_->Advance(absl::Seconds(10));
  closer.join();
  gate.Open();
  holder.join();
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, EachCloserKeepsItsOwnDeadline) {
  Gate gate;
  std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
  gate.AwaitReached();
  const absl::Time start = In(absl::ZeroDuration());
  std::atomic<int> returned{0};
  std::vector<std::thread> closers;
  for (const int seconds : {3, 1, 2}) {
    closers.emplace_back([&, seconds] {
      EXPECT_EQ(cache_->Close(start + absl::Seconds(seconds)).code(), kLate);
      EXPECT_EQ(In(absl::ZeroDuration()), start + absl::Seconds(seconds));
      ++returned;
    });
  }
  std::thread patient([&] { EXPECT_TRUE(CloseAtLast().ok()); });
  for (int seconds = 1; seconds <= 3; ++seconds) {
    AwaitWaiters(5 - seconds);  // those that are left, and the patient one
    clock_->Advance(absl::Seconds(1));
    while (returned != seconds) std::this_thread::yield();
  }
  gate.Open();
  holder.join();
  patient.join();
  for (std::thread& closer : closers) closer.join();
}

TEST_P(CloseTest, ACallbackOnOneClosersThreadHoldsUpNoOtherCloser) {
  if (GetParam() == Background::kThread) return;
  Gate gate;
  Async([&](absl::StatusOr<Reply>) { gate.Pass(); });
  std::thread patient([&] { EXPECT_TRUE(CloseAtLast().ok()); });
  gate.AwaitReached();
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("callbacks are still owed"));
  gate.Open();
  patient.join();
}

TEST_P(CloseTest, OwedCallbacksCountAgainstTheDeadline) {
  if (GetParam() == Background::kThread) return;
  int ran = 0;
  for (int i = 0; i < 20; ++i) {
    Async([&](absl::StatusOr<Reply> reply) {
      EXPECT_TRUE(reply.ok() && reply->string_view() == "PONG");
      clock_->Advance(absl::Milliseconds(50));
      ++ran;
    });
  }
  const absl::Status late = cache_->Close(In(absl::Milliseconds(100)));
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("callbacks are still owed: 18"));
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(cache_->Close(In(absl::Seconds(1))).ok());
  EXPECT_EQ(ran, 20);
}

TEST_P(CloseTest, ACallbackThatHasBegunOnTheClosingThreadIsLetEnd) {
  if (GetParam() == Background::kThread) return;
  int ended = 0;
  for (int i = 0; i < 2; ++i) {
    Async([&](absl::StatusOr<Reply>) {
      clock_->Advance(absl::Seconds(10));
      ++ended;
    });
  }
  const absl::Time start = In(absl::ZeroDuration());
  const absl::Status late = cache_->Close(start + absl::Seconds(1));
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("callbacks are still owed: 1"));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(In(absl::ZeroDuration()), start + absl::Seconds(10));
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, TheEndsOfSessionsAreNotBounded) {
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(100, 'v')).ok());
  EXPECT_EQ(CloseNow().code(), kLate);  // nothing runs under the executor any more, so that sessions end in a Close
  int ended = 0;
  struct SlowEnd final : core::SessionEnd {
    SlowEnd(ManualClock& c, int* count) : clock(c), ended(count) {}
    void End() override {
      clock.Advance(absl::Seconds(1));
      ++*ended;
    }
    ManualClock& clock;
    int* const ended;
  };
  for (int i = 0; i < 20; ++i) cache_->core().EndSession(std::make_unique<SlowEnd>(*clock_, &ended));
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(CloseNow().code(), kLate);
  EXPECT_EQ(ended, 20);
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, WithNoTimeAtAllEachCallDeliversOneCallback) {
  if (GetParam() == Background::kThread) return;
  int ran = 0;
  for (int i = 0; i < 3; ++i) Async([&](absl::StatusOr<Reply>) { ++ran; });
  for (int calls = 1; calls <= 2; ++calls) {
    EXPECT_EQ(CloseNow().code(), kLate);
    EXPECT_EQ(ran, calls);
  }
  EXPECT_TRUE(CloseNow().ok());
  EXPECT_EQ(ran, 3);
}

TEST_P(CloseTest, NeverIsNoTimeAlsoAtTheClocksEnd) {
  for (const bool by_advance : {false, true}) {
    Reopen({});
    Gate gate;
    std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
    gate.AwaitReached();
    std::atomic<int> ran{0};
    for (int i = 0; i < 5; ++i) Async([&](absl::StatusOr<Reply>) { ++ran; });
    std::thread closer([&] { EXPECT_TRUE(CloseAtLast().ok()); });
    AwaitWaiters(1);
    if (by_advance) clock_->Advance(absl::InfiniteDuration());
    else clock_->Set(absl::InfiniteFuture());
    gate.Open();
    closer.join();
    holder.join();
    EXPECT_EQ(ran, 5);

    Reopen({});
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(100, 'v')).ok());
    ASSERT_TRUE(cache_->Expire("k1", absl::Hours(int64_t{24} * 365 * 1'000'000)).ok());
    for (int i = 0; i < 5; ++i) Async([&](absl::StatusOr<Reply>) { ++ran; });
    EXPECT_TRUE(CloseAtLast().ok());
    EXPECT_EQ(ran, 10);
    cache_.reset();
    clock_->SetUs(1'700'000'000'000'000);
  }
}

TEST_P(CloseTest, TickAtTheClocksEndWantsToBeCalledNeverOrAtOnce) {
  if (GetParam() == Background::kThread) return;
  Options options;
  options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  Reopen(options);
  ASSERT_TRUE(cache_->Set("k", "v", {.ttl = absl::Hours(1)}).ok());
  clock_->Set(absl::InfiniteFuture());
  const absl::StatusOr<absl::Time> next = cache_->Tick(absl::InfiniteFuture());
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, absl::InfiniteFuture());
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, FreeingTheKeysIsBoundedToo) {
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(cache_->Set("k" + std::to_string(i), std::string(100, 'v')).ok());
  const absl::Status late = CloseNow();
  EXPECT_EQ(late.code(), kLate);
  EXPECT_THAT(std::string(late.message()), HasSubstr("keys are still to be freed: 19"));
  int calls = 1;
  while (CloseNow().code() == kLate) ++calls;  // each does a part
  EXPECT_GT(calls, 100);
  EXPECT_TRUE(CloseNow().ok());
}

// Stands still where large memory is given back.
class SlowMemory final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override { return system_->Allocate(bytes, alignment); }
  void Free(void* memory, size_t bytes, size_t alignment) override {
    if (bytes >= kLarge) gate.Pass();
    system_->Free(memory, bytes, alignment);
  }
  static constexpr size_t kLarge = size_t{8} << 20;
  Gate gate;

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
};

TEST_P(CloseTest, BackgroundJobsAreWaitedForByTheDeadline) {
  if (GetParam() != Background::kThread) return;
  const auto memory = std::make_shared<SlowMemory>();
  Reopen({.memory = memory});
  ASSERT_TRUE(cache_->Set("large", std::string(SlowMemory::kLarge + 1, 'x')).ok());
  ASSERT_TRUE(*cache_->Delete("large"));
  memory->gate.AwaitReached();
  std::thread closer([&] {
    const absl::Status late = cache_->Close(In(absl::Seconds(10)));
    EXPECT_EQ(late.code(), kLate);
    EXPECT_THAT(std::string(late.message()), HasSubstr("large values"));
  });
  AwaitWaiters(1);
  clock_->Advance(absl::Seconds(10));
  closer.join();
  memory->gate.Open();
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, ALargeValueIsGoneWhenItReturns) {
  ASSERT_TRUE(cache_->Set("large", std::string(SlowMemory::kLarge + 1, 'x')).ok());
  EXPECT_TRUE(CloseAtLast().ok());
}

// ---- Who may not close ----------------------------------------------------------------------------------------------

TEST_P(CloseTest, InsideUserCodeItIsRefusedAndChangesNothing) {
  EXPECT_TRUE(cache_->View("k", [&](auto) {
    EXPECT_EQ(CloseAtLast().code(), kPrecondition);
    EXPECT_EQ(CloseNow().code(), kPrecondition);
  }).ok());
  ExpectOpen();
  EXPECT_TRUE(cache_->Atomically([&](Transaction& t) {
    EXPECT_EQ(CloseAtLast().code(), kPrecondition);
    return t.Set("k", "v").status();
  }).ok());
  ExpectOpen();
  EXPECT_EQ(*cache_->GetOrLoad("loaded", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> {
    EXPECT_EQ(CloseAtLast().code(), kPrecondition);
    ExpectOpen();
    return std::string("v");
  }), "v");
  EXPECT_EQ(**cache_->Get("loaded"), "v");
  ExpectOpen();
}

TEST_P(CloseTest, InOptionsLogItIsRefusedAndChangesNothing) {
  std::atomic<int> lines{0};
  Reopen({.log = [&](LogLevel, std::string_view) {
    ++lines;
    EXPECT_EQ(CloseAtLast().code(), kPrecondition);
  }});
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "client-query-buffer-limit", "1mb"}).ok());
  auto connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed("*2\r\n$3\r\nGET\r\n$3000000\r\n").ok());
  for (int i = 0; i < 20 && !connection->closed(); ++i) ASSERT_TRUE(connection->Feed(std::string(100'000, 'x')).ok());
  EXPECT_GE(lines, 1);
  ExpectOpen();
}

TEST_P(CloseTest, InACallbackItIsRefusedAndChangesNothing) {
  if (GetParam() == Background::kLoop) return;  // nobody delivers without a listener, but Close
  std::atomic<bool> done{false};
  Async([&](absl::StatusOr<Reply>) {
    EXPECT_EQ(CloseAtLast().code(), kPrecondition);
    EXPECT_EQ(cache_->Tick(absl::InfiniteFuture()).status().code(), kPrecondition);
    ExpectOpen();
    done = true;
  });
  AwaitDelivery(done);
  ExpectOpen();
}

TEST_P(CloseTest, InACallbackOnTheClosingThreadItIsRefused) {
  if (GetParam() == Background::kThread) return;
  absl::Status inner;
  Async([&](absl::StatusOr<Reply>) { inner = CloseAtLast(); });
  EXPECT_TRUE(CloseAtLast().ok());
  EXPECT_EQ(inner.code(), kPrecondition);
}

TEST_P(CloseTest, WhoIsInsideLearnsThatAlsoWhileOthersClose) {
  EXPECT_TRUE(cache_->Atomically([&](Transaction& t) {
    std::thread([&] { EXPECT_EQ(CloseNow().code(), kLate); }).join();
    EXPECT_EQ(cache_->Get("k").status().code(), kPrecondition);
    return t.Set("k", "v").status();
  }).ok());
  EXPECT_TRUE(CloseAtLast().ok());
}

// ---- Ends of sessions -----------------------------------------------------------------------------------------------

TEST_P(CloseTest, ASessionMayEndInACallback) {
  for (const bool close_first : {false, true}) {
    Reopen({});
    auto session = std::make_shared<std::unique_ptr<Session>>(*cache_->NewSession());
    auto connection = std::make_shared<std::unique_ptr<RespConnection>>(*cache_->NewConnection());
    ASSERT_TRUE((*session)->Execute({"WATCH", "k"}).ok());
    Gate gate;
    std::atomic<bool> done{false};
    Async([&gate, &done, session, connection, close_first](absl::StatusOr<Reply>) {
      if (close_first) gate.Pass();
      session->reset();
      connection->reset();
      done = true;
    });
    if (close_first && GetParam() == Background::kThread) {
      gate.AwaitReached();
      EXPECT_EQ(CloseNow().code(), kLate);
    }
    gate.Open();
    EXPECT_TRUE(CloseAtLast().ok());
    EXPECT_TRUE(done);
  }
}

TEST_P(CloseTest, ASessionMayEndInsideAtomicallyWhileAnotherThreadCloses) {
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  ASSERT_TRUE(session->Execute({"WATCH", "k"}).ok());
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  std::thread closer;
  EXPECT_TRUE(cache_->Atomically([&](Transaction&) {
    closer = std::thread([&] { EXPECT_TRUE(CloseAtLast().ok()); });
    AwaitWaiters(1);
    session.reset();
    connection.reset();
  }).ok());
  closer.join();
}

TEST_P(CloseTest, SessionsMayEndOnOtherThreadsWhileItWaitsAndAfterIt) {
  constexpr int kSessions = 8;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<RespConnection>> connections;
  for (int i = 0; i < 2 * kSessions; ++i) {
    sessions.push_back(*cache_->NewSession());
    ASSERT_TRUE(sessions.back()->Execute({"WATCH", "k"}).ok());
    connections.push_back(*cache_->NewConnection());
    ASSERT_TRUE(connections.back()->Feed("*2\r\n$5\r\nWATCH\r\n$1\r\nk\r\n").ok());
  }
  Gate gate;
  std::thread holder([&] { EXPECT_TRUE(cache_->View("k", [&](auto) { gate.Pass(); }).ok()); });
  gate.AwaitReached();
  EXPECT_EQ(CloseNow().code(), kLate);
  std::vector<std::thread> enders;
  for (size_t i = 0; i < kSessions; ++i) {
    enders.emplace_back([&, i] {
      sessions[i].reset();
      connections[i].reset();
    });
  }
  for (std::thread& ender : enders) ender.join();  // although the holder is still there
  gate.Open();
  holder.join();
  EXPECT_TRUE(CloseAtLast().ok());
  sessions.clear();
  connections.clear();
  EXPECT_TRUE(CloseAtLast().ok());
}

// ---- What is left ---------------------------------------------------------------------------------------------------

TEST_P(CloseTest, PinnedValuesAreCountedUntilTheyAreGivenBack) {
  ASSERT_TRUE(cache_->Set("k", std::string(100'000, 'v')).ok());
  auto connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").ok());
  const absl::Status pinned = CloseAtLast();
  EXPECT_EQ(pinned.code(), kPrecondition);
  EXPECT_THAT(std::string(pinned.message()), HasSubstr("values still pinned: 1"));
  connection.reset();
  EXPECT_TRUE(CloseAtLast().ok());
}

TEST_P(CloseTest, TheDestructorClosesAndDelivers) {
  absl::StatusOr<Reply> got = absl::UnknownError("not called");
  Async([&](absl::StatusOr<Reply> reply) { got = std::move(reply); });
  cache_.reset();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->string_view(), "PONG");
}

// reset() comes before what it calls.
TEST_P(CloseTest, ACallbackInTheDestructorFindsTheProgramsPointerNull) {
  if (GetParam() == Background::kThread) return;  // that thread may deliver it sooner
  Cache* const own = cache_.get();
  bool called = false;
  Async([&](absl::StatusOr<Reply>) {
    called = true;
    EXPECT_EQ(cache_, nullptr);
    EXPECT_EQ(own->Get("k").status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(own->Execute({"PING"}).status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(own->NewSession().status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(own->ExecuteAsync({"PING"}, [](absl::StatusOr<Reply>) { FAIL(); }).code(), absl::StatusCode::kCancelled);
  });
  cache_.reset();
  EXPECT_TRUE(called);
}

TEST_P(CloseTest, ACommandThatRanTellsItsReplyAndOneThatDidNotIsRefused) {
  absl::StatusOr<Reply> got = absl::UnknownError("not called");
  ASSERT_TRUE(cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply> reply) { got = std::move(reply); }).ok());
  EXPECT_TRUE(CloseAtLast().ok());
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->integer(), 1);
  EXPECT_EQ(cache_->ExecuteAsync({"INCR", "n"}, [](absl::StatusOr<Reply>) { FAIL(); }).code(),
            absl::StatusCode::kCancelled);
}

TEST_P(CloseTest, TickWantsToBeCalledAtOnceWhileCallbacksAreOwed) {
  if (GetParam() == Background::kThread) return;
  for (int i = 0; i < 2; ++i) {
    Async([&](absl::StatusOr<Reply>) { clock_->Advance(absl::Milliseconds(50)); });
  }
  absl::StatusOr<absl::Time> next = cache_->Tick(In(absl::Milliseconds(50)));
  ASSERT_TRUE(next.ok());
  EXPECT_LE(*next, In(absl::ZeroDuration()));
  next = cache_->Tick(In(absl::Milliseconds(51)));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, absl::InfiniteFuture());
}

}  // namespace
}  // namespace larder::testing
