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

#include "lib/executor/futex.h"

namespace larder::executor {
namespace {

class Call : public Delivery {
 public:
  explicit Call(std::function<void()> fn) : fn_(std::move(fn)) {}
  void Deliver() override { fn_(); }

 private:
  std::function<void()> fn_;
};

std::unique_ptr<Delivery> Make(std::function<void()> fn) { return std::make_unique<Call>(std::move(fn)); }

class DeliveryTest : public testing::Test {
 protected:
  void Post(const std::string& name) {
    queue_.Post(Make([this, name] { log_.push_back(name); }));
  }
  DeliveryQueue queue_;
  std::vector<std::string> log_;
};

using Log = std::vector<std::string>;

TEST_F(DeliveryTest, NothingRunsBeforeDrainAndAllInOrderThen) {
  for (const char* name : {"a", "b", "c"}) Post(name);
  EXPECT_TRUE(log_.empty());
  EXPECT_TRUE(queue_.HasWork());
  EXPECT_EQ(queue_.Drain(), 3u);
  EXPECT_EQ(log_, (Log{"a", "b", "c"}));
  EXPECT_FALSE(queue_.HasWork());
  EXPECT_EQ(queue_.Drain(), 0u);
}

TEST_F(DeliveryTest, WhatADeliveryPostsRunsAfterItAndADrainInsideDoesNothing) {
  queue_.Post(Make([&] {
    Post("second");
    EXPECT_EQ(queue_.Drain(), 0u);
    log_.push_back("first");
  }));
  EXPECT_EQ(queue_.Drain(), 2u);
  EXPECT_EQ(log_, (Log{"first", "second"}));
}

TEST_F(DeliveryTest, ADrainThatIsStoppedLeavesTheRestAndSignals) {
  int signals = 0;
  queue_.SetWaker([](void* arg) { ++*static_cast<int*>(arg); }, &signals);
  for (const char* name : {"a", "b", "c"}) Post(name);
  EXPECT_EQ(signals, 1);  // for the first: the queue was empty
  EXPECT_EQ(queue_.Drain([] { return false; }), 1u);  // at least one, or nothing would ever be delivered
  EXPECT_EQ(signals, 2);
  EXPECT_TRUE(queue_.HasWork());
  Post("d");
  EXPECT_EQ(queue_.Drain(), 3u);
  EXPECT_EQ(log_, (Log{"a", "b", "c", "d"}));
}

TEST_F(DeliveryTest, OneDrainerAtATime) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  queue_.Post(Make([&] {
    inside = true;
    while (!leave) std::this_thread::yield();
  }));
  std::thread drainer([&] { EXPECT_EQ(queue_.Drain(), 2u); });
  while (!inside) std::this_thread::yield();
  Post("later");
  EXPECT_EQ(queue_.Drain(), 0u);
  leave = true;
  drainer.join();
  EXPECT_EQ(log_, Log{"later"});
}

TEST_F(DeliveryTest, ItSaysWhoDrainsAndHowManyAreOwed) {
  for (const char* name : {"a", "b", "c"}) Post(name);
  EXPECT_EQ(queue_.CountOwed(), 3u);
  queue_.Drain([] { return false; });
  Post("d");
  EXPECT_EQ(queue_.CountOwed(), 3u);
  EXPECT_FALSE(queue_.IsDrainer());
  queue_.Post(Make([&] {
    EXPECT_TRUE(queue_.IsDrainer());
    std::thread([&] { EXPECT_FALSE(queue_.IsDrainer()); }).join();
  }));
  queue_.Drain();
  EXPECT_FALSE(queue_.IsDrainer());
  EXPECT_EQ(queue_.CountOwed(), 0u);
}

TEST_F(DeliveryTest, AbandonForgets) {
  std::unique_ptr<Delivery> leaked_on_purpose = Make([] { FAIL(); });
  Delivery* const raw = leaked_on_purpose.get();
  DeliveryQueue child;
  child.Post(std::move(leaked_on_purpose));
  child.Abandon();
  EXPECT_EQ(child.Drain(), 0u);
  EXPECT_FALSE(child.HasWork());
  delete raw;
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
    queue.Post(Make([&] { ++told; }));
    while (told != i) std::this_thread::yield();
  }
  stop = true;
  ++signals;
  FutexWakeAll(&signals);
  for (std::thread& drainer : drainers) drainer.join();
  EXPECT_EQ(told, 20'000);
}

// A drainer that sleeps until it is signalled, another that comes as it likes, and posters all the time: each delivery
// is made exactly once, in the order of each poster, and by these drainers alone: none of them may sleep while there is
// work.
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
    std::vector<uint64_t> last(kPosters);  // plain: deliveries run one at a time
    std::atomic<uint64_t> told{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> posters;
    for (size_t p = 0; p < kPosters; ++p) {
      posters.emplace_back([&, p] {
        for (uint64_t i = 1; i <= kPosts; ++i) {
          queue.Post(Make([&last, &told, p, i] {
            EXPECT_EQ(last[p] + 1, i);
            last[p] = i;
            ++told;
          }));
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
    for (std::thread& poster : posters) poster.join();
    while (told != kPosters * kPosts) std::this_thread::yield();
    stop = true;
    ++signals;
    FutexWakeAll(&signals);
    sleeper.join();
    visitor.join();
    EXPECT_FALSE(queue.HasWork());
  }
}

}  // namespace
}  // namespace larder::executor
