// ExecuteAsync: never waits, keeps its order, is bounded and counted; and what direct sessions hold is counted too.
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

namespace larder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AsyncTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen({.background = Background::kTick}); }

  void Reopen(Options options) {
    cache_.reset();
    clock_ = std::make_shared<ManualClock>();
    options.clock = clock_;
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  // The reply, or the status, to `seen_` when the callback runs.
  absl::Status Post(std::initializer_list<std::string_view> argv) {
    return cache_->ExecuteAsync(argv, [this](absl::StatusOr<Reply> reply) {
      seen_.push_back(reply.ok() ? reply->AsString() : absl::StatusCodeToString(reply.status().code()));
    });
  }
  void Tick() { ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok()); }
  std::string Value(std::string_view key) { return (*cache_->Get(key)).value_or("(none)"); }
  core::AsyncQueue& queue() { return cache_->core().async(); }

  // Another thread holds the executor while `fn` runs.
  void WhileHeld(const std::function<void()>& fn) {
    std::atomic<bool> held{false};
    std::atomic<bool> done{false};
    std::thread holder([&] {
      EXPECT_TRUE(cache_->Atomically([&](Transaction&) {
        held = true;
        while (!done) std::this_thread::yield();
      }).ok());
    });
    while (!held) std::this_thread::yield();
    fn();
    done = true;
    holder.join();
  }

  std::vector<std::string> seen_;  // outlives the cache, whose end runs callbacks that are owed
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

// ---- When and in what order -----------------------------------------------------------------------------------------

TEST_F(AsyncTest, AShortCommandThatFindsTheCacheFreeRunsAtOnceAndIsDeliveredLater) {
  ASSERT_TRUE(Post({"SET", "k", "v"}).ok());
  EXPECT_EQ(Value("k"), "v");
  EXPECT_TRUE(seen_.empty());
  Tick();
  EXPECT_THAT(seen_, ElementsAre("OK"));
}

TEST_F(AsyncTest, WhileTheCacheIsBusyTheCallReturnsAndTheCommandWaits) {
  WhileHeld([&] {
    ASSERT_TRUE(Post({"SET", "k", "v"}).ok());
    EXPECT_EQ(queue().waiting(), 1u);
  });
  EXPECT_EQ(Value("k"), "(none)");  // a later call of the same thread runs before it
  Tick();
  EXPECT_EQ(Value("k"), "v");
  EXPECT_THAT(seen_, ElementsAre("OK"));
}

TEST_F(AsyncTest, ArgumentsAreCopiedWhenTheyHaveToWait) {
  std::string key = "k";
  std::string value(3000, 'v');
  WhileHeld([&] {
    ASSERT_TRUE(Post({"SET", key, value}).ok());
    key = "x";
    value.assign(3000, 'x');
  });
  Tick();
  EXPECT_EQ(Value("k"), std::string(3000, 'v'));
}

TEST_F(AsyncTest, ACallBehindWaitingOnesWaitsThoughTheCacheIsFree) {
  WhileHeld([&] {
    ASSERT_TRUE(Post({"INCR", "n"}).ok());
    ASSERT_TRUE(Post({"INCR", "n"}).ok());
  });
  ASSERT_TRUE(Post({"INCR", "n"}).ok());
  EXPECT_EQ(queue().waiting(), 3u);
  Tick();
  EXPECT_THAT(seen_, ElementsAre("1", "2", "3"));
  ASSERT_TRUE(Post({"INCR", "n"}).ok());
  EXPECT_EQ(queue().waiting(), 0u);
}

TEST_F(AsyncTest, WhatIsNotShortIsTheBackgrounds) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  ASSERT_TRUE(Post({"KEYS", "*"}).ok());
  ASSERT_TRUE(Post({"GET", "k"}).ok());
  EXPECT_EQ(queue().waiting(), 2u);
  Tick();
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[1], "v");
}

TEST_F(AsyncTest, CallbacksMayCallAgainAndAreServedInTheSameTick) {
  ASSERT_TRUE(cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply>) {
    EXPECT_TRUE(Post({"INCR", "n"}).ok());
  }).ok());
  Tick();
  EXPECT_THAT(seen_, ElementsAre("2"));
}

TEST_F(AsyncTest, TickWantsToBeCalledAtOnceWhileCommandsWait) {
  WhileHeld([&] {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Post({"INCR", "n"}).ok());
  });
  const auto next = cache_->Tick(absl::InfinitePast());
  ASSERT_TRUE(next.ok());
  EXPECT_LE(*next, absl::FromUnixMicros(clock_->NowUs()) + absl::Milliseconds(1));
}

TEST_F(AsyncTest, ALoopNeitherWaitsNorForgets) {
  Reopen({.background = Background::kLoop});
  WhileHeld([&] {
    ASSERT_TRUE(Post({"SET", "k", "v"}).ok());
    EXPECT_LE(cache_->core().BackgroundStep(INT64_MAX), clock_->NowUs() + 1000);
    EXPECT_EQ(queue().waiting(), 1u);
  });
  (void)cache_->core().BackgroundStep(INT64_MAX);
  EXPECT_EQ(Value("k"), "v");
  EXPECT_THAT(seen_, ElementsAre("OK"));
}

TEST_F(AsyncTest, TheBackgroundThreadRunsWhatWaits) {
  Reopen({.background = Background::kThread});
  std::atomic<int> delivered{0};
  WhileHeld([&] {
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply> reply) {
        EXPECT_EQ(reply->integer(), ++delivered);
      }).ok());
    }
  });
  while (delivered != 10) std::this_thread::yield();
}

TEST_F(AsyncTest, InsideUserCodeItIsRefused) {
  EXPECT_EQ(cache_->Atomically([&](Transaction&) { return Post({"PING"}); }).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(queue().HasWork());
}

// ---- How much -------------------------------------------------------------------------------------------------------

TEST_F(AsyncTest, RepliesThatNobodyTakesAreBoundedAndCounted) {
  Reopen({.background = Background::kTick, .async_bytes_max = 100'000});
  ASSERT_TRUE(cache_->Set("k", std::string(500, 'v')).ok());
  const uint64_t before = cache_->Stats()->used_memory;
  int calls = 0;
  absl::Status status;
  while ((status = Post({"GET", "k"})).ok()) ASSERT_LT(++calls, 1000);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("async-bytes-max"));
  EXPECT_GT(calls, 50);
  const uint64_t held = cache_->Stats()->used_memory - before;
  EXPECT_GE(held, 90'000u);
  EXPECT_LE(held, 110'000u);
  Tick();
  EXPECT_EQ(seen_.size(), static_cast<size_t>(calls));
  EXPECT_EQ(queue().bytes(), 0u);
  EXPECT_EQ(cache_->Stats()->used_memory, before);
  EXPECT_TRUE(Post({"GET", "k"}).ok());
}

TEST_F(AsyncTest, CommandsThatWaitAreBoundedAndCounted) {
  Reopen({.background = Background::kTick, .async_bytes_max = 100'000});
  const uint64_t before = cache_->Stats()->used_memory;
  int calls = 0;
  const std::string value(1000, 'v');
  WhileHeld([&] {
    while (Post({"SET", "k", value}).ok()) ASSERT_LT(++calls, 1000);
    EXPECT_EQ(Post({"SET", "k", value}).code(), absl::StatusCode::kResourceExhausted);
  });
  EXPECT_GT(calls, 50);
  EXPECT_LT(calls, 100);
  EXPECT_GE(cache_->Stats()->used_memory - before, 90'000u);
  EXPECT_EQ(queue().waiting(), static_cast<size_t>(calls));
  Tick();
  EXPECT_EQ(seen_.size(), static_cast<size_t>(calls));
  EXPECT_EQ(queue().bytes(), 0u);
}

// What has to be copied counts by itself too, and the message says so.
TEST_F(AsyncTest, ACommandLongerThanTheBoundIsRefusedThoughNothingWaits) {
  Reopen({.background = Background::kTick, .async_bytes_max = 1'000'000});
  const std::string value(2'000'000, 'v');
  const absl::Status status = Post({"SET", "k", value});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("with this one"));
  EXPECT_EQ(queue().bytes(), 0u);
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "async-bytes-max", "3mb"}).ok());
  EXPECT_TRUE(Post({"SET", "k", value}).ok());
  Tick();
  EXPECT_EQ(Value("k"), value);
}

// A reply that pins a value takes no memory of its own, and is bounded all the same.
TEST_F(AsyncTest, ValuesThatRepliesHoldCountAgainstTheBound) {
  Reopen({.background = Background::kTick, .async_bytes_max = 1'000'000});
  ASSERT_TRUE(cache_->Set("k", std::string(300'000, 'v')).ok());
  int calls = 0;
  while (Post({"GET", "k"}).ok()) ASSERT_LT(++calls, 100);
  EXPECT_EQ(calls, 4);  // the last one overshoots
}

TEST_F(AsyncTest, TheBoundIsADirective) {
  EXPECT_EQ((*cache_->Execute({"CONFIG", "GET", "async-bytes-max"}))[1].AsString(), "67108864");
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "async-bytes-max", "1"}).ok());
  EXPECT_EQ(Post({"PING"}).code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "async-bytes-max", "1mb"}).ok());
  EXPECT_TRUE(Post({"PING"}).ok());
}

// ---- The end --------------------------------------------------------------------------------------------------------

TEST_F(AsyncTest, CloseTellsTheReplyOfWhatRanAndCancelsWhatDidNot) {
  ASSERT_TRUE(Post({"SET", "k", "v"}).ok());
  WhileHeld([&] { ASSERT_TRUE(Post({"SET", "k", "w"}).ok()); });
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_THAT(seen_, ElementsAre("OK", "CANCELLED"));
  EXPECT_EQ(Post({"PING"}).code(), absl::StatusCode::kCancelled);
}

// A callback that is refused ends with what it holds, and the end of an object may be where a program closes its cache.
TEST_F(AsyncTest, WhatARefusedCallbackHeldMayCloseTheCache) {
  const std::string large(2'000'000, 'v');
  for (const std::string_view value : {std::string_view("v"), std::string_view(large)}) {
    for (const uint64_t bytes_max : {uint64_t{1}, uint64_t{100'000}}) {
      if (bytes_max != 1 && value.size() < bytes_max) continue;
      Reopen({.background = Background::kTick, .async_bytes_max = bytes_max});
      absl::Status closed = absl::UnknownError("not closed");
      std::shared_ptr<void> held(nullptr, [&](void*) { closed = cache_->Close(absl::InfiniteFuture()); });
      const absl::Status status =
          cache_->ExecuteAsync({"SET", "k", value}, [held = std::move(held)](absl::StatusOr<Reply>) { ADD_FAILURE(); });
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
      EXPECT_TRUE(closed.ok()) << closed;
    }
  }
  // And one that comes too late: it closes once more.
  absl::Status closed = absl::UnknownError("not closed");
  std::shared_ptr<void> held(nullptr, [&](void*) { closed = cache_->Close(absl::InfiniteFuture()); });
  EXPECT_EQ(cache_->ExecuteAsync({"PING"}, [held = std::move(held)](absl::StatusOr<Reply>) { ADD_FAILURE(); }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_TRUE(closed.ok()) << closed;
}

TEST_F(AsyncTest, EachThreadsCommandsRunAndAreDeliveredInItsOrder) {
  constexpr int kThreads = 3;
  constexpr int kCalls = 2000;
  Reopen({.background = Background::kThread});
  std::atomic<int> delivered{0};
  std::vector<int> last(kThreads, 0);  // the background thread's
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string key = "n" + std::to_string(t);
      for (int i = 1; i <= kCalls; ++i) {
        ASSERT_TRUE(cache_->ExecuteAsync({"INCR", key}, [&, t, i](absl::StatusOr<Reply> reply) {
          EXPECT_EQ(reply->integer(), i);
          EXPECT_EQ(++last[static_cast<size_t>(t)], i);
          ++delivered;
        }).ok());
        if (i % 50 == 0) {
          ASSERT_TRUE(cache_->Atomically([](Transaction&) { std::this_thread::yield(); }).ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (delivered != kThreads * kCalls) std::this_thread::yield();
  EXPECT_EQ(Value("n0"), std::to_string(kCalls));
}

TEST_F(AsyncTest, SeveralThreadsMayTickAtOnce) {
  constexpr int kCalls = 5000;
  std::atomic<int> delivered{0};
  std::vector<std::thread> tickers;
  for (int t = 0; t < 3; ++t) {
    tickers.emplace_back([&] {
      while (delivered != kCalls) EXPECT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
    });
  }
  for (int i = 1; i <= kCalls; ++i) {
    // One that is not short, so that it waits for a Tick.
    ASSERT_TRUE(cache_->ExecuteAsync({"KEYS", "*"}, [&](absl::StatusOr<Reply> reply) {
      EXPECT_TRUE(reply.ok());
      ++delivered;
    }).ok());
  }
  for (std::thread& ticker : tickers) ticker.join();
  EXPECT_FALSE(queue().HasWork());
}

TEST_F(AsyncTest, CloseInTheMiddleTellsEverybodyOnce) {
  for (int round = 0; round < 20; ++round) {
    Reopen({.background = Background::kThread});
    std::atomic<int> accepted{0};
    std::atomic<int> told{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (cache_->ExecuteAsync({"INCR", "n"}, [&](absl::StatusOr<Reply>) { ++told; }).ok()) ++accepted;
      });
    }
    while (accepted < 20 * round) std::this_thread::yield();
    const absl::Status closed = cache_->Close(absl::InfiniteFuture());
    EXPECT_TRUE(closed.ok()) << closed;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(told, accepted);
  }
}

// ---- Direct sessions ------------------------------------------------------------------------------------------------

TEST_F(AsyncTest, ATransactionQueuedInASessionIsCounted) {
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  const uint64_t before = cache_->Stats()->used_memory;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(session->Execute({"SET", "k", std::string(1000, 'v')}).ok());
  EXPECT_GE(cache_->Stats()->used_memory - before, 100'000u);
  ASSERT_TRUE(session->Execute({"DISCARD"}).ok());
  EXPECT_LE(cache_->Stats()->used_memory, before);
  session.reset();
  EXPECT_EQ(cache_->Stats()->used_memory_clients, 0u);
}

TEST_F(AsyncTest, ATransactionQueuedInASessionIsBoundedByMaxmemory) {
  Reopen({.background = Background::kTick, .maxmemory = 2 << 20});
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  bool refused = false;
  for (int i = 0; i < 10'000 && !refused; ++i) {
    const auto reply = session->Execute({"GET", std::string(1000, 'k')});  // a read: it is the queue that grows
    ASSERT_TRUE(reply.ok());
    refused = reply->is_error();
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(session->Execute({"EXEC"})->error_code(), "EXECABORT");
  EXPECT_TRUE(cache_->Set("k", "v").ok());
}

TEST_F(AsyncTest, ASessionGivesTheMemoryOfALongReplyBack) {
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"PING"}).ok());
  const uint64_t before = cache_->Stats()->used_memory;
  ASSERT_TRUE(session->Execute({"ECHO", std::string(1 << 20, 'e')}).ok());
  EXPECT_LE(cache_->Stats()->used_memory, before + 8192);
}

TEST_F(AsyncTest, ASessionsReplyIsHeldToItsOutputLimit) {
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "client-output-buffer-limit", "normal 100kb 0 0"}).ok());
  ASSERT_TRUE(cache_->Set("k", std::string(10'000, 'v')).ok());
  auto session = *cache_->NewSession();
  std::vector<std::string_view> many(20, "k");
  many.insert(many.begin(), "MGET");
  EXPECT_EQ(session->Execute(many).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(session->Execute({"GET", "k"})->AsString().size(), 10'000u);
}

}  // namespace
}  // namespace larder
