// The cache's own thread: made when first needed, woken by calls and by its clock, deaf to signals.
#include "lib/executor/background.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include <larder/clock.h>

namespace larder::executor {
namespace {

constexpr int64_t kStartUs = 1'000'000;

class BackgroundTest : public testing::Test {
 protected:
  BackgroundTest() {
    EXPECT_TRUE(thread_.Init(
        clock_, [](void* arg) { return static_cast<BackgroundTest*>(arg)->Step(); }, this));
  }

  int64_t Step() {
    if (in_step) in_step();
    const int64_t next_us = next_us_;
    ++steps_;
    return next_us;
  }
  void AwaitSteps(int count) {
    while (steps_ < count) std::this_thread::yield();
  }
  // The thread has nothing to do and sleeps on the clock.
  void AwaitSleep() {
    while (clock_->waiters() == 0) std::this_thread::yield();
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(kStartUs);
  std::function<void()> in_step;  // set before the first Wake
  std::atomic<int64_t> next_us_{BackgroundThread::kNever};
  std::atomic<int> steps_{0};
  BackgroundThread thread_;
};

TEST_F(BackgroundTest, NoThreadUntilItIsNeeded) {
  EXPECT_FALSE(thread_.started());
  EXPECT_TRUE(thread_.Stop());
  EXPECT_FALSE(thread_.started());
  EXPECT_FALSE(thread_.Wake());
  EXPECT_EQ(steps_, 0);
}

TEST_F(BackgroundTest, AWakeRunsTheStepOnAnotherThread) {
  std::atomic<bool> other{false};
  in_step = [&, self = std::this_thread::get_id()] { other = std::this_thread::get_id() != self; };
  EXPECT_TRUE(thread_.Wake());
  EXPECT_TRUE(thread_.started());
  AwaitSteps(1);
  EXPECT_TRUE(other);
}

TEST_F(BackgroundTest, AllSignalsAreBlockedThereAndOnlyThere) {
  std::atomic<int> open{-1};
  in_step = [&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    int count = 0;
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD, SIGPIPE}) {
      count += sigismember(&mask, signal) == 0;
    }
    open = count;
  };
  ASSERT_TRUE(thread_.Wake());
  AwaitSteps(1);
  EXPECT_EQ(open, 0);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

TEST_F(BackgroundTest, TheStepsOwnDeadlineIsKeptByTheClock) {
  next_us_ = kStartUs + 500;
  ASSERT_TRUE(thread_.Wake());
  AwaitSteps(1);
  AwaitSleep();
  clock_->SetUs(kStartUs + 499);
  AwaitSleep();
  EXPECT_EQ(steps_, 1);
  next_us_ = BackgroundThread::kNever;
  clock_->SetUs(kStartUs + 500);
  AwaitSteps(2);
}

TEST_F(BackgroundTest, AWakeDuringAStepMakesAnother) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  in_step = [&] {
    inside = true;
    while (!leave) std::this_thread::yield();
  };
  ASSERT_TRUE(thread_.Wake());
  while (!inside) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(thread_.Wake());
  leave = true;
  AwaitSteps(2);
  EXPECT_TRUE(thread_.Stop());
  EXPECT_EQ(steps_, 2);  // five wake-ups, one step
}

TEST_F(BackgroundTest, NoWakeIsLost) {
  for (int i = 1; i <= 2000; ++i) {
    const int before = steps_;
    ASSERT_TRUE(thread_.Wake());
    AwaitSteps(before + 1);
  }
}

TEST_F(BackgroundTest, StopOnTheThreadItselfEndsItWithoutWaiting) {
  std::atomic<bool> answer{true};
  in_step = [&] { answer = thread_.Stop(); };
  ASSERT_TRUE(thread_.Wake());
  AwaitSteps(1);
  EXPECT_FALSE(answer);
  EXPECT_FALSE(thread_.Wake());
  EXPECT_TRUE(thread_.Stop());
  EXPECT_TRUE(thread_.Stop());
  EXPECT_EQ(steps_, 1);
}

TEST_F(BackgroundTest, StopWaitsNoLongerThanItIsTold) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  in_step = [&] {
    inside = true;
    while (!leave) std::this_thread::yield();
  };
  ASSERT_TRUE(thread_.Wake());
  while (!inside) std::this_thread::yield();
  EXPECT_FALSE(thread_.Stop(0));
  EXPECT_FALSE(thread_.Stop(1'000'000));
  leave = true;
  EXPECT_TRUE(thread_.Stop());
  EXPECT_EQ(steps_, 1);
}

TEST_F(BackgroundTest, RequestStopWaitsForNothingAndTheThreadSaysWhenItEnds) {
  struct Context {
    std::atomic<bool> inside{false}, leave{false}, ended{false};
    std::atomic<int> steps{0};
  } context;
  BackgroundThread thread;
  ASSERT_TRUE(thread.Init(
      clock_,
      [](void* arg) {
        Context& self = *static_cast<Context*>(arg);
        self.inside = true;
        while (!self.leave) std::this_thread::yield();
        ++self.steps;
        return BackgroundThread::kNever;
      },
      &context, [](void* arg) { static_cast<Context*>(arg)->ended = true; }));
  EXPECT_TRUE(thread.Over());  // there is none
  ASSERT_TRUE(thread.Wake());
  while (!context.inside) std::this_thread::yield();
  thread.RequestStop();
  EXPECT_FALSE(thread.Over());
  EXPECT_FALSE(context.ended);
  context.leave = true;
  while (!context.ended) std::this_thread::yield();
  EXPECT_TRUE(thread.Over());
  EXPECT_TRUE(thread.Stop());
  EXPECT_TRUE(thread.Over());
  EXPECT_EQ(context.steps, 1);
}

TEST_F(BackgroundTest, AForkedChildForgetsTheThreadAndEnds) {
  ASSERT_TRUE(thread_.Wake());
  AwaitSteps(1);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    thread_.Abandon();
    thread_.~BackgroundThread();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace larder::executor
