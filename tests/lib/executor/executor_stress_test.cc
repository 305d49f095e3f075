// Random work of many threads against a model, and the cases in which queues lose wake-ups. Meant for ThreadSanitizer:
// what the executor guards is plain memory here. A lost wake-up shows as the test's time limit.
#include <gtest/gtest.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/executor/delivery.h"
#include "lib/executor/executor.h"
#include "tests/lib/executor/executor_peer.h"

namespace larder::executor {
namespace {

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
constexpr int kSlowness = 4;
#else
constexpr int kSlowness = 1;
#endif

// The state under the executor: plain words, each with a shadow that must agree whenever somebody comes in.
struct Model {
  static constexpr size_t kWords = 16;
  std::array<uint64_t, kWords> words{};
  uint64_t sum = 0;
  uint64_t busy = 0;

  void Enter() { EXPECT_EQ(++busy, 1u); }
  void Leave() { EXPECT_EQ(--busy, 0u); }
  void Add(size_t word, uint64_t value) {
    words[word] += value;
    sum += value;
  }
  void Check() const {
    uint64_t expected = 0;
    for (uint64_t word : words) expected += word;
    EXPECT_EQ(sum, expected);
  }
};

// A delivery that calls the cache back.
class CallBack : public Delivery {
 public:
  CallBack(Executor& executor, Model& model, uint64_t number, std::vector<uint64_t>& log)
      : executor_(executor), model_(model), number_(number), log_(log) {}
  void Deliver() override {
    EXPECT_EQ(executor_.Run([&] { model_.Add(0, 1); }), Outcome::kRan);
    log_.push_back(number_);  // plain: one at a time
  }

 private:
  Executor& executor_;
  Model& model_;
  const uint64_t number_;
  std::vector<uint64_t>& log_;
};

// A loop of 1-200 commands a batch, driven by its wake-ups.
class LoopBatch : public Batch {
 public:
  explicit LoopBatch(Model& model) : model_(model) { EXPECT_TRUE(Prepare()); }
  bool RunSlice(const SliceLimit& limit) override {
    model_.Enter();
    for (int i = 0; i < limit.commands_max && left > 0; ++i, --left) model_.Add(1, 1);
    model_.Leave();
    return left == 0;
  }
  void Wake() override {
    woken.fetch_add(1);
    FutexWakeAll(&woken);
  }
  int left = 0;
  std::atomic<uint32_t> woken{0};

 private:
  Model& model_;
};

// As an event loop does it: sleeps only for the wake-up.
Submit RunToEnd(Executor& executor, LoopBatch& batch) {
  for (;;) {
    const uint32_t woken = batch.woken.load();
    const Submit end = executor.SubmitBatch(batch);
    if (end != Submit::kQueued) return end;
    FutexWait(batch.woken, woken);
  }
}

struct World {
  explicit World(const Executor::Setup& setup = {}) : executor(Executor::Create(setup)) {}
  std::unique_ptr<Executor> executor;
  Model model;
  DeliveryQueue deliveries;
  std::vector<uint64_t> delivered;
  uint64_t posted = 0;  // guarded by the executor
  std::atomic<bool> stop{false};
};

// One application thread. Returns what it added.
uint64_t RandomCalls(World& world, uint32_t seed, int calls) {
  std::mt19937 random(seed);
  Executor& executor = *world.executor;
  Model& model = world.model;
  uint64_t added = 0;
  for (int i = 0; i < calls; ++i) {
    const uint32_t dice = random() % 100;
    const size_t word = 2 + random() % (Model::kWords - 2);
    const uint64_t value = random() % 1000;
    if (dice < 60) {
      EXPECT_EQ(executor.Run([&] {
        model.Enter();
        model.Add(word, value);
        model.Leave();
      }),
                Outcome::kRan);
      added += value;
    } else if (dice < 80) {
      if (executor.TryAcquire()) {  // as typed calls do it
        model.Add(word, value);
        added += value;
        executor.Release();
      }
    } else if (dice < 90) {
      EXPECT_EQ(executor.RunUser([&] {
        model.Enter();
        model.Check();
        EXPECT_EQ(executor.Run([] { FAIL(); }), Outcome::kReentrant);
        model.Add(word, value);
        // User code that blocks, and a holder that is preempted: others pile up meanwhile.
        if (dice == 80) std::this_thread::yield();
        model.Leave();
      }),
                Outcome::kRan);
      added += value;
    } else if (dice < 92) {
      EXPECT_EQ(executor.Run([&] {
        std::unique_ptr<Delivery> delivery(new CallBack(executor, model, world.posted++, world.delivered));
        world.deliveries.Post(std::move(delivery));
      }),
                Outcome::kRan);
    } else if (dice < 94) {
      world.deliveries.Drain();
    } else {
      EXPECT_EQ(executor.Acquire(), Outcome::kRan);
      model.Check();
      executor.Release();
    }
  }
  return added;
}

void RunRandomWork(World& world, uint32_t seed, int threads, int loops, int calls) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::vector<std::thread> application;
  std::vector<std::thread> loop_threads;
  std::atomic<uint64_t> expected{0};
  std::atomic<uint64_t> commands{0};
  for (int i = 0; i < threads; ++i) {
    application.emplace_back([&, i] { expected += RandomCalls(world, seed + static_cast<uint32_t>(i), calls); });
  }
  for (int i = 0; i < loops; ++i) {
    loop_threads.emplace_back([&, i] {
      std::mt19937 random(seed + 1000 + static_cast<uint32_t>(i));
      LoopBatch batch(world.model);
      while (!world.stop) {
        batch.left = 1 + static_cast<int>(random() % 200);
        commands += static_cast<uint64_t>(batch.left);
        EXPECT_EQ(RunToEnd(*world.executor, batch), Submit::kFinished);
      }
      world.executor->Cancel(batch);
    });
  }
  for (std::thread& thread : application) thread.join();
  world.stop = true;
  for (std::thread& thread : loop_threads) thread.join();
  world.deliveries.Drain();
  world.model.Check();
  EXPECT_EQ(world.model.words[1], commands.load());
  EXPECT_EQ(world.model.words[0], world.posted);
  EXPECT_EQ(world.model.sum, expected + commands + world.posted);
  // Deliveries come in the executor's order.
  ASSERT_EQ(world.delivered.size(), world.posted);
  for (uint64_t i = 0; i < world.posted; ++i) EXPECT_EQ(world.delivered[i], i);
  const Executor::Stats stats = world.executor->stats();
  EXPECT_LE(stats.tenure_requests_max, static_cast<uint64_t>(Executor::kRequestsMax));
}

TEST(ExecutorStressTest, RandomWork) {
  World world;
  RunRandomWork(world, 17, 8, 2, 20'000 / kSlowness);
}

TEST(ExecutorStressTest, RandomWorkWithoutSpinning) {
  World world({.spin_ns = 0});
  RunRandomWork(world, 18, 8, 1, 10'000 / kSlowness);
}

TEST(ExecutorStressTest, RandomWorkWithoutAWipedPage) {
  World world({.wipe_on_fork = false});
  RunRandomWork(world, 19, 6, 2, 5'000 / kSlowness);
}

#if defined(__linux__)
TEST(ExecutorStressTest, RandomWorkOnOneProcessor) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);  // the threads that it makes inherit it
  {
    World world;
    RunRandomWork(world, 20, 6, 1, 10'000 / kSlowness);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}
#endif

// A holder that is stopped in the middle (here: waits in user code) delays others, and loses none.
TEST(ExecutorStressTest, EverybodyComesThroughAfterAHolderThatWasPreempted) {
  const std::unique_ptr<Executor> executor = Executor::Create();
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> inside{false};
    std::atomic<int> waiting{0};
    int ran = 0;  // guarded by the executor
    std::thread holder([&] {
      EXPECT_EQ(executor->RunUser([&] {
        inside = true;
        Await([&] { return waiting == 6 && executor->HasWaiters(); });
      }),
                Outcome::kRan);
    });
    Await([&] { return inside.load(); });
    std::vector<std::thread> others;
    for (int i = 0; i < 6; ++i) {
      others.emplace_back([&, i] {
        ++waiting;
        const auto fn = [&] { ++ran; };
        EXPECT_EQ(i % 2 == 0 ? executor->Run(fn) : executor->RunUser(fn), Outcome::kRan);
      });
    }
    holder.join();
    for (std::thread& thread : others) thread.join();
    EXPECT_EQ(ran, 6);
  }
}

// Between two slices of a queued batch there is at most one request of each application thread, those that came before
// it, and for each of these, while its thread is being woken, 64 loans. Counted, not timed.
TEST(ExecutorStressTest, ABatchIsNotStarvedByApplicationThreads) {
  constexpr uint64_t kThreads = 6;
  const std::unique_ptr<Executor> executor = Executor::Create();
  uint64_t calls = 0;  // guarded by the executor

  class Watching : public Batch {
   public:
    explicit Watching(uint64_t& calls) : calls_(calls) { EXPECT_TRUE(Prepare()); }
    bool RunSlice(const SliceLimit&) override {
      // If the loop had it in between, the time in which it was not queued does not count.
      if (const uint32_t now = submits; std::exchange(submits_seen_, now) == now) {
        EXPECT_LE(calls_ - calls_seen_, kThreads * (Executor::kRequestsMax + 2));
        ++compared;
      }
      calls_seen_ = calls_;
      return --left == 0;
    }
    void Wake() override {
      ++woken;
      FutexWakeAll(&woken);
    }
    int left = 0;
    uint64_t compared = 0;
    std::atomic<uint32_t> submits{0};
    std::atomic<uint32_t> woken{0};

   private:
    uint32_t submits_seen_ = 0;
    uint64_t calls_seen_ = 0;
    uint64_t& calls_;
  } batch(calls);

  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) {
        const auto fn = [&] { ++calls; };
        EXPECT_EQ(i % 3 == 0 ? executor->RunUser(fn) : executor->Run(fn), Outcome::kRan);
      }
    });
  }
  // Rounds until enough slices were compared; `compared` is the loop's to read between its batches.
  while (batch.compared < 1000) {
    batch.left = 20;
    for (;;) {
      const uint32_t woken = batch.woken;
      ++batch.submits;
      const Submit end = executor->SubmitBatch(batch);
      if (end == Submit::kFinished) break;
      ASSERT_EQ(end, Submit::kQueued);
      FutexWait(batch.woken, woken);
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  executor->Cancel(batch);
}

// Close in the middle of everything: each call either ran, exactly once, or says that it did not.
TEST(ExecutorStressTest, CloseInTheMiddle) {
  for (uint32_t round = 0; round < 300 / kSlowness; ++round) {
    World world({.spin_ns = round % 2 == 0 ? 0 : 1500});
    Executor& executor = *world.executor;
    uint64_t in_model = 0;  // guarded by the executor
    std::atomic<uint64_t> told{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        for (uint32_t k = 0;; ++k) {
          const auto fn = [&] { ++in_model; };
          const Outcome outcome = (i + k) % 3 == 0 ? executor.RunUser(fn) : executor.Run(fn);
          if (outcome == Outcome::kClosed) break;
          EXPECT_EQ(outcome, Outcome::kRan);
          ++told;
        }
        ++refused;
      });
    }
    threads.emplace_back([&] {
      LoopBatch batch(world.model);
      do {
        batch.left = 100;
      } while (RunToEnd(executor, batch) == Submit::kFinished);
      executor.Cancel(batch);
      ++refused;
    });
    Await([&] { return told.load() > 50 * round; });
    EXPECT_TRUE(executor.Close());
    const uint64_t at_close = in_model;  // nothing runs any more: plain reads are the closer's right
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(refused, 7);
    EXPECT_EQ(in_model, at_close);
    EXPECT_EQ(in_model, told);
  }
}

// Loops that come and go while others hold the executor: Cancel against every state of a ticket.
TEST(ExecutorStressTest, CancelInTheMiddle) {
  World world;
  Executor& executor = *world.executor;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      while (!world.stop) {
        const auto fn = [&] { world.model.Add(2, 1); };
        EXPECT_EQ(i == 0 ? executor.RunUser(fn) : executor.Run(fn), Outcome::kRan);
      }
    });
  }
  std::vector<std::thread> loops;
  for (uint32_t i = 0; i < 2; ++i) {
    loops.emplace_back([&, i] {
      std::mt19937 random(21 + i);
      for (int round = 0; round < 20'000 / kSlowness; ++round) {
        LoopBatch batch(world.model);
        batch.left = 1 + static_cast<int>(random() % 300);
        for (uint32_t k = random() % 3; k > 0 && executor.SubmitBatch(batch) == Submit::kQueued; --k) {
          if (random() % 2 == 0) std::this_thread::yield();
        }
        executor.Cancel(batch);
        EXPECT_GE(batch.left, 0);  // and nobody else writes it: it is gone at the end of this block
      }
    });
  }
  for (std::thread& loop : loops) loop.join();
  world.stop = true;
  for (std::thread& thread : threads) thread.join();
  world.model.Check();
}

}  // namespace
}  // namespace larder::executor
