// The delivery queue: order, one at a time, told exactly once, no wake-up lost.
#include "lib/executor/delivery.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace larder::executor {
namespace {

class Call : public Delivery {
 public:
  explicit Call(std::function<void(bool)> fn) : fn_(std::move(fn)) {}
  void Deliver(bool cancelled) override { fn_(cancelled); }

 private:
  std::function<void(bool)> fn_;
};

std::unique_ptr<Delivery> Make(std::function<void(bool)> fn) { return std::make_unique<Call>(std::move(fn)); }

class DeliveryTest : public testing::Test {
 protected:
  // Logs `name`, with a minus in front if cancelled.
  bool Post(const std::string& name) {
    return queue_.Post(Make([this, name](bool cancelled) { log_.push_back(cancelled ? "-" + name : name); }));
  }
  DeliveryQueue queue_;
  std::vector<std::string> log_;
};

using Log = std::vector<std::string>;

TEST_F(DeliveryTest, NothingRunsBeforeDrainAndAllInOrderThen) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(Post(name));
  EXPECT_TRUE(log_.empty());
  EXPECT_TRUE(queue_.HasWork());
  EXPECT_EQ(queue_.Drain(), 3u);
  EXPECT_EQ(log_, (Log{"a", "b", "c"}));
  EXPECT_FALSE(queue_.HasWork());
  EXPECT_EQ(queue_.Drain(), 0u);
}

TEST_F(DeliveryTest, WhatADeliveryPostsRunsAfterItAndADrainInsideDoesNothing) {
  ASSERT_TRUE(queue_.Post(Make([&](bool) {
    EXPECT_TRUE(Post("second"));
    EXPECT_EQ(queue_.Drain(), 0u);
    log_.push_back("first");
  })));
  EXPECT_EQ(queue_.Drain(), 2u);
  EXPECT_EQ(log_, (Log{"first", "second"}));
}

TEST_F(DeliveryTest, ADrainThatIsStoppedLeavesTheRestAndSignals) {
  int signals = 0;
  queue_.SetWaker([](void* arg) { ++*static_cast<int*>(arg); }, &signals);
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(Post(name));
  EXPECT_EQ(signals, 1);  // for the first: the queue was empty
  EXPECT_EQ(queue_.Drain([] { return false; }), 1u);  // at least one, or nothing would ever be delivered
  EXPECT_EQ(signals, 2);
  EXPECT_TRUE(queue_.HasWork());
  ASSERT_TRUE(Post("d"));
  EXPECT_EQ(queue_.Drain(), 3u);
  EXPECT_EQ(log_, (Log{"a", "b", "c", "d"}));
}

TEST_F(DeliveryTest, OneDrainerAtATime) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  ASSERT_TRUE(queue_.Post(Make([&](bool) {
    inside = true;
    while (!leave) std::this_thread::yield();
  })));
  std::thread drainer([&] { EXPECT_EQ(queue_.Drain(), 2u); });
  while (!inside) std::this_thread::yield();
  ASSERT_TRUE(Post("later"));
  EXPECT_EQ(queue_.Drain(), 0u);
  leave = true;
  drainer.join();
  EXPECT_EQ(log_, Log{"later"});
}

TEST_F(DeliveryTest, CloseCancelsWhatIsLeftAndRefusesTheRest) {
  ASSERT_TRUE(Post("a"));
  ASSERT_TRUE(Post("b"));
  EXPECT_TRUE(queue_.Close());
  EXPECT_EQ(log_, (Log{"-a", "-b"}));
  std::unique_ptr<Delivery> refused = Make([](bool) { FAIL(); });
  EXPECT_FALSE(queue_.Post(std::move(refused)));
  EXPECT_NE(refused, nullptr);  // still its poster's
  EXPECT_TRUE(queue_.Close());
  EXPECT_EQ(queue_.Drain(), 0u);
}

TEST_F(DeliveryTest, CloseFromInsideADeliveryCancelsTheRestWhenItReturns) {
  ASSERT_TRUE(queue_.Post(Make([&](bool) {
    EXPECT_FALSE(queue_.Close());
    EXPECT_FALSE(Post("too late"));
    log_.push_back("closing");
  })));
  ASSERT_TRUE(Post("a"));
  EXPECT_EQ(queue_.Drain(), 2u);
  EXPECT_EQ(log_, (Log{"closing", "-a"}));
}

TEST_F(DeliveryTest, CloseWaitsForTheDeliveryThatRuns) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  ASSERT_TRUE(queue_.Post(Make([&](bool) {
    inside = true;
    while (!leave) std::this_thread::yield();
    log_.push_back("ran");
  })));
  ASSERT_TRUE(Post("a"));
  std::thread drainer([&] { queue_.Drain(); });
  while (!inside) std::this_thread::yield();
  EXPECT_FALSE(queue_.Close(0));
  EXPECT_FALSE(queue_.Close(1'000'000));
  std::thread closer([&] {
    EXPECT_TRUE(queue_.Close());
    EXPECT_EQ(log_, (Log{"ran", "-a"}));
  });
  leave = true;
  closer.join();
  drainer.join();
}

TEST_F(DeliveryTest, AbandonForgets) {
  ASSERT_TRUE(Post("a"));
  std::unique_ptr<Delivery> leaked_on_purpose = Make([](bool) { FAIL(); });
  Delivery* const raw = leaked_on_purpose.get();
  DeliveryQueue child;
  ASSERT_TRUE(child.Post(std::move(leaked_on_purpose)));
  child.Abandon();
  EXPECT_EQ(child.Drain(), 0u);
  EXPECT_TRUE(child.Close());
  delete raw;
  EXPECT_EQ(queue_.Drain(), 1u);
}

// Two drainers that sleep until they are signalled, and a poster that waits for each delivery: it posts just when the
// drainer that ran the last one is about to leave, and the other one is refused. A lost signal ends in the time limit.
TEST(DeliveryStressTest, APostMeetsADrainerThatIsLeaving) {
  DeliveryQueue queue;
  std::atomic<uint32_t> signals{0};
  queue.SetWaker(
      [](void* arg) {
        auto* const word = static_cast<std::atomic<uint32_t>*>(arg);
        ++*word;
        FutexWakeAll(word);
      },
      &signals);
  std::atomic<bool> stop{false};
  std::vector<std::thread> drainers;
  for (int i = 0; i < 2; ++i) {
    drainers.emplace_back([&] {
      uint32_t seen = 0;
      while (!stop) {
        queue.Drain();
        FutexWait(signals, seen);
        seen = signals;
      }
    });
  }
  std::atomic<int> told{0};
  for (int i = 1; i <= 20'000; ++i) {
    ASSERT_TRUE(queue.Post(Make([&](bool) { ++told; })));
    while (told != i) std::this_thread::yield();
  }
  stop = true;
  ++signals;
  FutexWakeAll(&signals);
  for (std::thread& drainer : drainers) drainer.join();
  EXPECT_EQ(told, 20'000);
}

// A drainer that sleeps until it is signalled, another that comes as it likes, posters all the time, and a Close in the
// middle: what was accepted is told exactly once, in the order of each poster.
TEST(DeliveryStressTest, NothingIsLostOrToldTwice) {
  for (int round = 0; round < 30; ++round) {
    DeliveryQueue queue;
    std::atomic<uint32_t> signals{0};
    queue.SetWaker(
        [](void* arg) {
          auto* const word = static_cast<std::atomic<uint32_t>*>(arg);
          ++*word;
          FutexWakeAll(word);
        },
        &signals);
    constexpr uint64_t kPosts = 2000;
    constexpr size_t kPosters = 3;
    struct Told {
      uint64_t run = 0, cancelled = 0, last = 0;
    };
    std::vector<Told> told(kPosters);  // plain: deliveries run one at a time
    std::atomic<uint64_t> total_told{0};
    std::atomic<uint64_t> accepted{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> posters;
    for (size_t p = 0; p < kPosters; ++p) {
      posters.emplace_back([&, p] {
        for (uint64_t i = 1; i <= kPosts; ++i) {
          const bool ok = queue.Post(Make([&told, &total_told, p, i](bool cancelled) {
            EXPECT_LT(told[p].last, i);
            told[p].last = i;
            ++(cancelled ? told[p].cancelled : told[p].run);
            ++total_told;
          }));
          if (!ok) break;
          ++accepted;
        }
      });
    }
    std::thread sleeper([&] {
      while (!stop) {
        const uint32_t seen = signals;
        if (queue.Drain() == 0 && !stop) FutexWait(signals, seen);
      }
    });
    std::thread visitor([&] {
      int calls = 0;
      while (!stop) queue.Drain([&] { return ++calls % 3 != 0; });
    });
    if (round % 2 == 0) {
      for (std::thread& poster : posters) poster.join();
      // Everything is delivered by the drainers alone: none of them may sleep while there is work.
      while (total_told != accepted) std::this_thread::yield();
      EXPECT_EQ(accepted, kPosters * kPosts);
      EXPECT_TRUE(queue.Close());
    } else {
      while (total_told < 100) std::this_thread::yield();
      EXPECT_TRUE(queue.Close());
      for (std::thread& poster : posters) poster.join();
    }
    stop = true;
    ++signals;
    FutexWakeAll(&signals);
    sleeper.join();
    visitor.join();
    uint64_t sum = 0;
    for (const Told& t : told) sum += t.run + t.cancelled;
    EXPECT_EQ(sum, accepted);
  }
}

}  // namespace
}  // namespace larder::executor
