// What the one call under all typed calls does for an op that it does not know: ops of this file's, and
// string_length.h's.
#include <larder/cache.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/executor/executor.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/typed/op.h"
#include "tests/lib/typed/string_length.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using internal::Access;
using internal::KeyCount;
using internal::RunTyped;
using internal::TargetOf;
using internal::TypedOp;

class TypedTest : public ::testing::Test {
 protected:
  explicit TypedTest(uint64_t maxmemory = 0, std::shared_ptr<MemorySource> memory = nullptr)
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .memory = std::move(memory), .seed = 7,
                             .background = Background::kTick, .maxmemory = maxmemory,
                             .maxmemory_policy = MaxmemoryPolicy::kAllkeysLru})) {}

  // From now on Said() is what MONITOR shows.
  void Listen() {
    monitor_ = *cache_->NewConnection();
    EXPECT_TRUE(monitor_->Feed("MONITOR\r\n").ok());
    monitor_->ConsumeOutput(monitor_->output().size());
  }
  std::string Said() {
    std::string said(monitor_->output());
    monitor_->ConsumeOutput(said.size());
    return said;
  }
  executor::Executor& executor() { return cache_->core().executor(); }

  std::unique_ptr<Cache> cache_;
  std::unique_ptr<RespConnection> monitor_;
};

// ---- A call of one's own -----------------------------------------------------------------------------------------------

TEST_F(TypedTest, ANewCallWorksByEveryHandle) {
  ASSERT_TRUE(cache_->Set("k", "value").ok());
  EXPECT_EQ(*StringLength(*cache_, "k"), 5);
  EXPECT_EQ(*StringLength(*cache_, "none"), 0);
  const Database other = *cache_->Db(3);
  ASSERT_TRUE(other.Set("k", "in another").ok());
  EXPECT_EQ(*StringLength(other, "k"), 10);
  EXPECT_TRUE(cache_->Atomically([](Transaction& t) {
                      EXPECT_EQ(*StringLength(t, "k"), 5);
                      EXPECT_TRUE(t.Append("k", "!").ok());
                      EXPECT_EQ(*StringLength(t, "k"), 6);
                    }).ok());
}

TEST_F(TypedTest, ANewCallIsCountedAndShownToMonitorAsItsCommand) {
  ASSERT_TRUE(cache_->Set("k", "value").ok());
  const Stats before = *cache_->Stats();
  EXPECT_TRUE(StringLength(*cache_, "k").ok());
  EXPECT_TRUE(StringLength(*cache_, "none").ok());
  const Stats after = *cache_->Stats();
  EXPECT_EQ(after.typed_calls, before.typed_calls + 2);
  EXPECT_EQ(after.keyspace_hits, before.keyspace_hits + 1);
  EXPECT_EQ(after.keyspace_misses, before.keyspace_misses + 1);
  EXPECT_EQ(after.commands_processed, before.commands_processed);

  Listen();
  EXPECT_TRUE(StringLength(*cache_->Db(2), "k").ok());
  EXPECT_THAT(Said(), HasSubstr(R"([2 larder] "STRLEN" "k")"));
}

TEST_F(TypedTest, ANewCallIsRefusedWhereCallsAre) {
  ASSERT_TRUE(cache_->View("k", [&](auto) {
                      EXPECT_EQ(StringLength(*cache_, "k").status().code(), absl::StatusCode::kFailedPrecondition);
                    }).ok());
  EXPECT_TRUE(cache_->Atomically([&](Transaction& t) {
                      EXPECT_EQ(StringLength(*cache_, "k").status().code(), absl::StatusCode::kFailedPrecondition);
                      EXPECT_TRUE(t.View("k", [&](auto) {
                                     EXPECT_EQ(StringLength(t, "k").status().code(),
                                               absl::StatusCode::kFailedPrecondition);
                                   }).ok());
                    }).ok());
  std::optional<internal::Target> kept;  // as a handle would that is made of a Transaction and outlives it
  EXPECT_TRUE(cache_->Atomically([&](Transaction& t) { kept = TargetOf(t); }).ok());
  int64_t length = 0;
  const internal::ErrorText* error = RunTyped(*kept, kStringLength, "k", &length);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->code, absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(StringLength(*cache_, "k").status().code(), absl::StatusCode::kCancelled);
}

// ---- Waiting -----------------------------------------------------------------------------------------------------------

// Where an op ran.
Error NoteThread(const typed::OpAt&, std::thread::id* thread) {
  *thread = std::this_thread::get_id();
  return kOk;
}
bool Never(keyspace::Db&, Bytes, std::thread::id*) { return false; }

constexpr TypedOp<std::thread::id*> kShortOp = typed::OpOf<std::thread::id*>(
    {.name = "ECHO", .access = Access::kReads, .keys = KeyCount::kNone, .run = typed::By<NoteThread>});
constexpr TypedOp<std::thread::id*> kLongOp =
    typed::OpOf<std::thread::id*>({.name = "ECHO", .access = Access::kReads, .keys = KeyCount::kNone,
                                   .run = typed::By<NoteThread>, .is_short = typed::By<Never>});

// Calls the op on a thread that finds this one the holder; who ran it, and who called.
std::pair<std::thread::id, std::thread::id> RunWaiting(Cache& cache, const TypedOp<std::thread::id*>& op) {
  executor::Executor& executor = cache.core().executor();
  std::pair<std::thread::id, std::thread::id> ran_and_called;
  EXPECT_TRUE(executor.TryAcquire());
  std::thread caller([&] {
    ran_and_called.second = std::this_thread::get_id();
    EXPECT_EQ(RunTyped(TargetOf(cache), op, {}, &ran_and_called.first), nullptr);
  });
  while (!executor.HasWaiters()) std::this_thread::yield();
  executor.Release();
  caller.join();
  return ran_and_called;
}

TEST_F(TypedTest, WhatIsShortIsRunByTheHolderAndTheRestByItsCaller) {
  const auto [short_ran, short_called] = RunWaiting(*cache_, kShortOp);
  EXPECT_EQ(short_ran, std::this_thread::get_id());
  EXPECT_NE(short_ran, short_called);
  const auto [long_ran, long_called] = RunWaiting(*cache_, kLongOp);
  EXPECT_EQ(long_ran, long_called);
}

TEST_F(TypedTest, CallsOfSeveralThreadsAllRun) {
  constexpr int kCalls = 20'000;
  std::atomic<int64_t> sum{0};
  ASSERT_TRUE(cache_->Set("k", "12345").ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < kCalls; ++call) sum += *StringLength(*cache_, "k");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 4 * kCalls * 5);
}

// ---- Room --------------------------------------------------------------------------------------------------------------

// Refuses what is large as often as it is told.
class RefusingSource final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    if (bytes >= kLarge && refusals > 0 && refusals-- > 0) return nullptr;
    return system_->Allocate(bytes, alignment);
  }
  void Free(void* memory, size_t bytes, size_t alignment) override { system_->Free(memory, bytes, alignment); }

  static constexpr size_t kLarge = 3 << 20;
  std::atomic<int> refusals{0};

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
};

// An op that wants a large block for a moment, says what it adds, and counts how often it is run.
struct Attempts {
  uint64_t adds;
  int runs = 0;
};
Error Attempt(const typed::OpAt& at, Attempts* attempts) {
  ++attempts->runs;
  memory::Block* block = at.db().keyspace().blocks().New(RefusingSource::kLarge, RefusingSource::kLarge);
  if (block == nullptr) return errors::kAllocationFailed;
  at.db().keyspace().garbage().Drop(block);
  return kOk;
}
keyspace::Growth GrowthOfAttempt(core::CacheCore&, Bytes, Attempts* attempts) {
  return {.bytes = attempts->adds, .value_bytes = attempts->adds};
}
constexpr TypedOp<Attempts*> kAttempt = typed::OpOf<Attempts*>(
    {.name = "TOUCH", .access = Access::kWrites, .keys = KeyCount::kOne,
     .run = typed::By<Attempt>, .growth = typed::By<GrowthOfAttempt>});
// The same by a row that forgets to say so.
constexpr TypedOp<Attempts*> kAttemptNotGrowing = typed::OpOf<Attempts*>(
    {.name = "TOUCH", .access = Access::kWrites, .keys = KeyCount::kOne, .run = typed::By<Attempt>});

class TypedRoomTest : public TypedTest {
 protected:
  explicit TypedRoomTest(std::shared_ptr<RefusingSource> source = std::make_shared<RefusingSource>())
      : TypedTest(/*maxmemory=*/16 << 20, source), source_(*source) {
    for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(cache_->Set("key:" + std::to_string(i), std::string(64, 'v')).ok());
    EXPECT_EQ(cache_->Stats()->evicted_keys, 0u);
  }
  RefusingSource& source_;
};

TEST_F(TypedRoomTest, WhatGrowsIsRefusedUnrunIfItIsLargerThanMaxmemory) {
  Listen();
  Attempts attempts{.adds = 17 << 20};
  EXPECT_EQ(RunTyped(TargetOf(*cache_), kAttempt, "k", &attempts), &errors::kLargerThanMaxmemory);
  EXPECT_EQ(attempts.runs, 0);
  EXPECT_THAT(Said(), Not(HasSubstr("TOUCH")));
}

// The search for memory evicts, in steps; the op is run again after each, and told to MONITOR once.
TEST_F(TypedRoomTest, WhatFindsNoMemoryIsRunAgainAfterASearchForIt) {
  Listen();
  Attempts attempts{.adds = 64};
  source_.refusals = 2;
  EXPECT_EQ(RunTyped(TargetOf(*cache_), kAttempt, "k", &attempts), nullptr);
  EXPECT_EQ(attempts.runs, 3);
  EXPECT_GT(cache_->Stats()->evicted_keys, 0u);
  const std::string said = Said();
  EXPECT_NE(said.find("TOUCH"), std::string::npos);
  EXPECT_EQ(said.find("TOUCH"), said.rfind("TOUCH"));
  attempts = {.adds = 64};
  source_.refusals = 2;
  EXPECT_TRUE(cache_->Atomically([&](Transaction& t) {
                      EXPECT_EQ(RunTyped(TargetOf(t), kAttempt, "k", &attempts), nullptr);
                    }).ok());
  EXPECT_EQ(attempts.runs, 3);
}

TEST_F(TypedRoomTest, WhatDoesNotGrowIsNotRunAgain) {
  Attempts attempts{.adds = 64};
  source_.refusals = 1;
  EXPECT_EQ(RunTyped(TargetOf(*cache_), kAttemptNotGrowing, "k", &attempts), &errors::kAllocationFailed);
  EXPECT_EQ(attempts.runs, 1);
}

}  // namespace
}  // namespace larder::testing
