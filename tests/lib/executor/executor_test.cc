// What one call of the executor does, case by case. Random work is in executor_stress_test, batches in batch_test.
#include "lib/executor/executor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/lib/executor/executor_peer.h"

namespace larder::executor {
namespace {

struct Case {
  const char* name;
  Executor::Setup setup;
};

class ExecutorTest : public testing::TestWithParam<Case> {
 protected:
  ExecutorTest() : executor_(Executor::Create(GetParam().setup)) {}

  Executor& executor() { return *executor_; }

  std::unique_ptr<Executor> executor_;
};

INSTANTIATE_TEST_SUITE_P(Setups, ExecutorTest,
                         testing::Values(Case{"Default", {}}, Case{"NotWiped", {.wipe_on_fork = false}},
                                         Case{"NoSpin", {.spin_ns = 0}}, Case{"LongSpin", {.spin_ns = 2'000'000}}),
                         [](const auto& info) { return std::string(info.param.name); });

// A waiter that spins for long may not be asleep yet; the others will be in a moment.
bool Sleeps() { return ExecutorTest::GetParam().setup.spin_ns < 1'000'000; }

void BurnNs(int64_t ns) {
  const int64_t end = MonotonicNs() + ns;
  while (MonotonicNs() < end) {
  }
}

TEST_P(ExecutorTest, FreeRunsOnTheCallersThread) {
  std::thread::id ran;
  EXPECT_EQ(executor().Run([&] { ran = std::this_thread::get_id(); }), Outcome::kRan);
  EXPECT_EQ(ran, std::this_thread::get_id());
  ran = {};
  EXPECT_EQ(executor().RunUser([&] { ran = std::this_thread::get_id(); }), Outcome::kRan);
  EXPECT_EQ(ran, std::this_thread::get_id());
  EXPECT_EQ(executor().stats().tenures, 0u);
}

TEST_P(ExecutorTest, TryAcquireFailsWhileHeld) {
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  EXPECT_FALSE(executor().HasWaiters());
  EXPECT_FALSE(executor().TryAcquire());
  executor().Release();
  // Without a wiped page no fast path may succeed: a child's could, too.
  EXPECT_EQ(executor().TryAcquire(), GetParam().setup.wipe_on_fork);
  if (GetParam().setup.wipe_on_fork) executor().Release();
}

TEST_P(ExecutorTest, ANewcomerLooksAgainUnlessSomebodyWaits) {
  // On one processor looking again is of no use, and without a wiped page no fast path may succeed.
  const bool looks = GetParam().setup.wipe_on_fork && GetParam().setup.spin_ns != 0 && UsableProcessors() > 1;
  EXPECT_EQ(ExecutorPeer::TryForAMoment(executor()), looks);
  if (!looks) {
    ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  }
  EXPECT_FALSE(ExecutorPeer::TryForAMoment(executor()));  // held: in the end it gives up
  EXPECT_EQ(executor().stats().tenures, 0u);
  internal::Request waiting(internal::Kind::kUser);
  ASSERT_TRUE(ExecutorPeer::JoinAsleep(executor(), waiting));
  EXPECT_FALSE(ExecutorPeer::TryForAMoment(executor()));
  executor().Release();
  EXPECT_EQ(waiting.state, internal::kCalled);
  // Free to be borrowed, but behind the one that is on its way: that is Join's to allow.
  EXPECT_FALSE(ExecutorPeer::TryForAMoment(executor()));
  EXPECT_TRUE(executor().Close());
  EXPECT_EQ(waiting.state, internal::kRefused);
  EXPECT_FALSE(ExecutorPeer::TryForAMoment(executor()));
}

TEST_P(ExecutorTest, EngineRequestRunsOnTheHoldersThread) {
  std::thread::id ran;
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  joiners.Start([&] { EXPECT_EQ(executor().Run([&] { ran = std::this_thread::get_id(); }), Outcome::kRan); }, Sleeps());
  EXPECT_TRUE(executor().HasWaiters());
  executor().Release();
  joiners.JoinAll();
  EXPECT_EQ(ran, std::this_thread::get_id());
  EXPECT_EQ(executor().stats().ran_for_others, 1u);
  EXPECT_EQ(executor().stats().handed_over, 0u);
}

TEST_P(ExecutorTest, UserCodeRunsOnItsOwnThread) {
  std::thread::id ran;
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  joiners.Start([&] { EXPECT_EQ(executor().RunUser([&] { ran = std::this_thread::get_id(); }), Outcome::kRan); },
                Sleeps());
  const std::thread::id waiter = joiners.id(0);
  executor().Release();
  joiners.JoinAll();
  EXPECT_EQ(ran, waiter);
  EXPECT_EQ(executor().stats().handed_over, 1u);
}

TEST_P(ExecutorTest, FirstComeFirstServed) {
  std::vector<int> order;  // guarded by the executor
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  for (int i = 0; i < 12; ++i) {
    joiners.Start([&, i] {
      const auto body = [&, i] { order.push_back(i); };
      EXPECT_EQ(i % 3 == 2 ? executor().RunUser(body) : executor().Run(body), Outcome::kRan);
    });
  }
  executor().Release();
  joiners.JoinAll();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST_P(ExecutorTest, TurnEndsAfter64Requests) {
  constexpr int kRequests = 150;
  std::vector<std::thread::id> runners;  // guarded by the executor
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  for (int i = 0; i < kRequests; ++i) {
    const auto body = [&] { runners.push_back(std::this_thread::get_id()); };
    joiners.Start([&, body] { EXPECT_EQ(executor().Run(body), Outcome::kRan); });
  }
  executor().Release();
  joiners.JoinAll();
  ASSERT_EQ(runners.size(), static_cast<size_t>(kRequests));
  // Nobody ran more than 64 for others, and its own.
  size_t stretch = 0;
  for (size_t i = 0; i < runners.size(); ++i) {
    stretch = i > 0 && runners[i] == runners[i - 1] ? stretch + 1 : 1;
    EXPECT_LE(stretch, static_cast<size_t>(Executor::kRequestsMax) + 1);
  }
  EXPECT_LE(executor().stats().tenure_requests_max, static_cast<uint64_t>(Executor::kRequestsMax));
  EXPECT_GE(executor().stats().handed_over, 2u);
}

TEST_P(ExecutorTest, TurnEndsAfter20Microseconds) {
  std::vector<std::thread::id> runners;  // guarded by the executor
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  std::vector<std::thread::id> ids;
  for (int i = 0; i < 7; ++i) {
    joiners.Start([&] {
      EXPECT_EQ(executor().Run([&] {
        BurnNs(Executor::kTenureNsMax);
        runners.push_back(std::this_thread::get_id());
      }),
                Outcome::kRan);
    });
    ids.push_back(joiners.id(static_cast<size_t>(i)));
  }
  executor().Release();
  joiners.JoinAll();
  // One for a stranger fills a turn; the next waiter runs its own and then one for a stranger.
  const std::thread::id self = std::this_thread::get_id();
  EXPECT_EQ(runners, (std::vector<std::thread::id>{self, ids[1], ids[1], ids[3], ids[3], ids[5], ids[5]}));
}

TEST_P(ExecutorTest, CallsFromInsideUserCodeAreRefused) {
  std::unique_ptr<Executor> other = Executor::Create();
  EXPECT_FALSE(executor().InsideUser());
  EXPECT_EQ(executor().RunUser([&] {
    EXPECT_TRUE(executor().InsideUser());
    EXPECT_FALSE(executor().TryAcquire());
    EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kReentrant);
    EXPECT_EQ(executor().RunUser([] { FAIL(); }), Outcome::kReentrant);
    EXPECT_EQ(executor().Acquire(), Outcome::kReentrant);
    // Another cache is another executor.
    EXPECT_EQ(other->RunUser([&] { EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kReentrant); }), Outcome::kRan);
  }),
            Outcome::kRan);
  EXPECT_FALSE(executor().InsideUser());
  EXPECT_EQ(executor().Run([] {}), Outcome::kRan);
}

TEST_P(ExecutorTest, AnotherThreadsUserCodeIsNotOurs) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::thread blocked([&] {
    EXPECT_EQ(executor().RunUser([&] {
      inside = true;
      Await([&] { return leave.load(); });
    }),
              Outcome::kRan);
  });
  Await([&] { return inside.load(); });
  EXPECT_FALSE(executor().InsideUser());
  bool ran = false;
  Joiners joiners(executor());
  joiners.Start([&] { EXPECT_EQ(executor().Run([&] { ran = true; }), Outcome::kRan); });
  leave = true;
  blocked.join();
  joiners.JoinAll();
  EXPECT_TRUE(ran);
}

// The thread that is called never comes here, so all bounds are reached.
TEST_P(ExecutorTest, WhileASleeperIsWokenNewcomersGoFirst64TimesAtMost) {
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  internal::Request sleeper(internal::Kind::kUser);
  ASSERT_TRUE(ExecutorPeer::JoinAsleep(executor(), sleeper));
  executor().Release();
  EXPECT_EQ(sleeper.state, internal::kCalled);
  int newcomers = 0;
  while (sleeper.state == internal::kCalled) {
    EXPECT_FALSE(executor().TryAcquire());
    ASSERT_EQ(executor().Run([&] { ++newcomers; }), Outcome::kRan);
  }
  EXPECT_EQ(sleeper.state, internal::kYouHold);
  EXPECT_GE(newcomers, 1);
  EXPECT_LE(newcomers, Executor::kRequestsMax + 1);
  EXPECT_EQ(executor().stats().handed_over, 1u);
  executor().Release();  // in its name
  EXPECT_EQ(executor().Run([] {}), Outcome::kRan);
}

TEST_P(ExecutorTest, ALentExecutorServesItsQueueInOrder) {
  std::vector<int> order;  // guarded by the executor
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  internal::Request sleeper(internal::Kind::kUser);
  ASSERT_TRUE(ExecutorPeer::JoinAsleep(executor(), sleeper));
  Joiners joiners(executor());
  for (int i = 0; i < 3; ++i) {
    joiners.Start([&, i] { EXPECT_EQ(executor().Run([&, i] { order.push_back(i); }), Outcome::kRan); });
  }
  executor().Release();
  EXPECT_EQ(executor().Run([&] { order.push_back(-1); }), Outcome::kRan);  // borrows, overtakes once, serves nobody
  EXPECT_EQ(order, std::vector<int>{-1});
  while (sleeper.state == internal::kCalled) ASSERT_EQ(executor().Run([] {}), Outcome::kRan);
  EXPECT_EQ(sleeper.state, internal::kYouHold);
  executor().Release();
  joiners.JoinAll();
  EXPECT_EQ(order, (std::vector<int>{-1, 0, 1, 2}));
}

TEST_P(ExecutorTest, CloseRefusesAThreadThatIsBeingWoken) {
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  internal::Request sleeper(internal::Kind::kUser);
  ASSERT_TRUE(ExecutorPeer::JoinAsleep(executor(), sleeper));
  executor().Release();
  EXPECT_TRUE(executor().Close());
  EXPECT_EQ(sleeper.state, internal::kRefused);
  EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kClosed);
}

TEST_P(ExecutorTest, WaitingRequestsArePrefetchedInStages) {
  std::vector<std::string> log;  // guarded by the executor
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  for (const char* name : {"a", "b"}) {
    joiners.Start([&, name] {
      EXPECT_EQ(executor().Run([&] { log.push_back(name); },
                               [&](int stage) { log.push_back(name + std::to_string(stage)); }),
                Outcome::kRan);
    });
  }
  executor().Release();
  joiners.JoinAll();
  EXPECT_EQ(log, (std::vector<std::string>{"a0", "b0", "a1", "b1", "a2", "b2", "a", "b"}));
}

// --- Close. ---

TEST_P(ExecutorTest, CloseRefusesLaterRequestsAndIsIdempotent) {
  EXPECT_TRUE(executor().Close());
  EXPECT_TRUE(executor().Close());
  EXPECT_TRUE(executor().Close(0));
  EXPECT_FALSE(executor().TryAcquire());
  EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kClosed);
  EXPECT_EQ(executor().RunUser([] { FAIL(); }), Outcome::kClosed);
}

TEST_P(ExecutorTest, CloseRefusesThoseWhoWaitAndWaitsForTheHolder) {
  ASSERT_EQ(executor().Acquire(), Outcome::kRan);
  Joiners joiners(executor());
  for (int i = 0; i < 6; ++i) {
    joiners.Start([&, i] {
      const auto never = [] { FAIL(); };
      EXPECT_EQ(i % 2 == 0 ? executor().RunUser(never) : executor().Run(never), Outcome::kClosed);
    });
  }
  std::atomic<bool> let_go{false};
  EXPECT_FALSE(executor().Close(0));
  EXPECT_FALSE(executor().Close(1'000'000));
  std::vector<std::thread> closers;
  for (int i = 0; i < 3; ++i) {
    closers.emplace_back([&] {
      EXPECT_TRUE(executor().Close());
      EXPECT_TRUE(let_go.load());
    });
  }
  EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kClosed);  // no queue any more, though it is still held
  let_go = true;
  executor().Release();
  for (std::thread& closer : closers) closer.join();
}

TEST_P(ExecutorTest, CloseFromInsideUserCodeTakesEffectWhenItReturns) {
  EXPECT_EQ(executor().RunUser([&] {
    EXPECT_FALSE(executor().Close());
    EXPECT_EQ(executor().Run([] { FAIL(); }), Outcome::kReentrant);
  }),
            Outcome::kRan);
  EXPECT_TRUE(executor().Close(0));
}

TEST_P(ExecutorTest, TheExecutorMayGoAwayAsSoonAsCloseReturns) {
  for (int round = 0; round < 2000; ++round) {
    std::unique_ptr<Executor> executor = Executor::Create(GetParam().setup);
    ASSERT_EQ(executor->Acquire(), Outcome::kRan);
    std::thread closer([&] {
      EXPECT_TRUE(executor->Close());
      executor = nullptr;
    });
    Executor& held = *executor;  // the closer frees it only after Release has closed it
    Await([&] { return ExecutorPeer::Closing(held); });
    held.Release();
    closer.join();
  }
}

// --- Fork. ---

class NeverBatch : public Batch {
 public:
  bool RunSlice(const SliceLimit&) override { return ADD_FAILURE(), true; }
  void Wake() override { woken = true; }
  std::atomic<bool> woken{false};
};

// Runs `body` in a child; the bits of its answer say what was wrong there.
template <class Body>
void ExpectCleanChild(Body body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(body());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Every call errors, nothing hangs, and the destructor returns.
int AskEverything(std::unique_ptr<Executor>& executor, Batch* batch) {
  int wrong = 0;
  if (executor->TryAcquire()) wrong |= 1;
  if (executor->Run([] {}) != Outcome::kForked) wrong |= 2;
  if (executor->RunUser([] {}) != Outcome::kForked) wrong |= 4;
  if (executor->Acquire() != Outcome::kForked) wrong |= 8;
  if (executor->Close()) wrong |= 16;
  if (!executor->Forked()) wrong |= 32;
  if (batch != nullptr) {
    if (executor->SubmitBatch(*batch) != Submit::kForked) wrong |= 64;
    executor->Cancel(*batch);
  }
  executor = nullptr;
  return wrong;
}

TEST_P(ExecutorTest, ChildOfAFreeExecutorIsToldSo) {
  EXPECT_FALSE(executor().Forked());
  ExpectCleanChild([&] { return AskEverything(executor_, nullptr); });
  EXPECT_FALSE(executor().Forked());
  EXPECT_EQ(executor().Run([] {}), Outcome::kRan);
}

TEST_P(ExecutorTest, ChildForkedFromUserCodeWithAQueueIsToldSo) {
  bool ran = false;
  Joiners joiners(executor());
  NeverBatch batch;
  ASSERT_TRUE(batch.Prepare());
  EXPECT_EQ(executor().RunUser([&] {
    joiners.Start([&] { EXPECT_EQ(executor().Run([&] { ran = true; }), Outcome::kRan); });
    ASSERT_EQ(executor().SubmitBatch(batch), Submit::kQueued);
    ExpectCleanChild([&] {
      executor().LeaveUser();  // as RunUser does when the child returns from fn: serves nobody, hands nothing over
      return (ran ? 128 : 0) | AskEverything(executor_, &batch);
    });
    executor().Cancel(batch);
  }),
            Outcome::kRan);
  joiners.JoinAll();
  EXPECT_TRUE(ran);
  EXPECT_FALSE(batch.woken);
}

TEST_P(ExecutorTest, ChildForkedWhileAnotherThreadHoldsIsToldSo) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::thread holder([&] {
    EXPECT_EQ(executor().RunUser([&] {
      inside = true;
      Await([&] { return leave.load(); });
    }),
              Outcome::kRan);
  });
  Await([&] { return inside.load(); });
  ExpectCleanChild([&] { return AskEverything(executor_, nullptr); });
  leave = true;
  holder.join();
}

}  // namespace
}  // namespace larder::executor
