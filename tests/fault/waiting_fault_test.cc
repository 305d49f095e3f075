// Somebody waits, and memory runs out while somebody else brings what is waited for. The value is in one place then:
// with the waiter, or in its key, or (where the waiter's connection had no memory for the reply) with a client that is
// closed.
#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/list.h>
#include "tests/fault/faults.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

struct Wait {
  const char* name;
  std::string_view wait;              // the waiter's request, inline
  std::vector<std::string_view> give;  // what serves it
  std::string_view key;
  bool stays = false;  // the reader takes nothing away
};

const std::string& Value() { return World::ValueOf(3000); }

const std::vector<Wait>& Waits() {
  static const std::vector<Wait> waits = {
      {"BLPOP", "BLPOP a b 0\r\n", {"RPUSH", "b", Value()}, "b"},
      {"BLMOVE", "BLMOVE b moved LEFT RIGHT 0\r\n", {"RPUSH", "b", Value()}, "b"},
      {"BZPOPMIN", "BZPOPMIN a b 0\r\n", {"ZADD", "b", "1", Value()}, "b"},
      {"XREAD", "XREAD BLOCK 0 STREAMS a b $ $\r\n", {"XADD", "b", "1-1", "f", Value()}, "b", true},
  };
  return waits;
}

bool Exists(Cache& cache, std::string_view key) { return *cache.Exists(key); }

class WaitingFaultTest : public ::testing::TestWithParam<Wait> {};

TEST_P(WaitingFaultTest, AValueIsNeverInTwoPlaces) {
  const Wait& wait = GetParam();
  int refused = 0;
  int served = 0;
  for (const Faults::Mode mode : {Faults::Mode::kOnce, Faults::Mode::kFromOn}) {
    bool failed = true;
    for (size_t n = 0; failed; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      ASSERT_LT(n, 200u);
      World world;
      Cache& cache = world.cache();
      auto waiter = *cache.NewConnection();
      ASSERT_TRUE(waiter->Feed(wait.wait).ok());
      ASSERT_EQ(waiter->output(), "");
      Faults::Arm(n, mode);
      const absl::StatusOr<Reply> given = cache.Execute(wait.give);
      failed = Faults::Disarm() != 0;
      const bool was_refused = given.ok() && given->is_error();
      const std::string output(waiter->output());
      const bool there = Exists(cache, wait.key);
      if (was_refused || (!given.ok() && output.empty() && !there && !waiter->closed())) {
        ++refused;
        EXPECT_FALSE(there);
        EXPECT_EQ(output, "") << "it waits on";
        EXPECT_FALSE(waiter->closed());
        ASSERT_TRUE(cache.Execute(wait.give).ok());
        EXPECT_NE(waiter->output().find(Value()), std::string_view::npos) << "and is served by the next";
      } else if (waiter->closed()) {
        EXPECT_EQ(output.find(Value()), std::string::npos);
      } else if (output.starts_with("-OOM")) {
        EXPECT_TRUE(there) << "what could not be handed over stays";
      } else {
        ++served;
        EXPECT_NE(output.find(Value()), std::string::npos);
        EXPECT_EQ(there, wait.stays);
      }
      world.CheckThatItWorks();
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(served, 0);
}

// A thread waits, and its own allocations fail: before it waits, or when it is to return what it was given.
absl::StatusOr<std::optional<std::string>> PopWhileItFails(Cache& cache, size_t n, Faults::Mode mode, bool* failed,
                                                           const std::function<void()>& when_it_waits) {
  absl::StatusOr<std::optional<std::string>> popped = std::nullopt;
  std::atomic<bool> over{false};
  std::thread thread([&] {
    const List list(cache, "l");
    Faults::Arm(n, mode);
    popped = list.BlockingPopFront(absl::InfiniteDuration());
    *failed = Faults::Disarm() != 0;
    over = true;
  });
  const auto waits = [&] {
    return cache.Execute({"INFO", "clients"})->AsString().find("blocked_clients:1") != std::string::npos;
  };
  while (!over && !waits()) std::this_thread::yield();
  when_it_waits();
  thread.join();
  return popped;
}

TEST(WaitingThreadFaultTest, AnErrorOtherThanDataLossMeansThatNothingWasTaken) {
  int refused = 0;
  int lost = 0;
  int served = 0;
  for (const Faults::Mode mode : {Faults::Mode::kOnce, Faults::Mode::kFromOn}) {
    int calm = 0;  // a busy machine may need an allocation less for once
    for (size_t n = 0; calm < 3; ++n) {
      bool failed = false;
      SCOPED_TRACE("allocation " + std::to_string(n));
      ASSERT_LT(n, 200u);
      World world;
      Cache& cache = world.cache();
      const auto popped = PopWhileItFails(cache, n, mode, &failed, [&] {
        EXPECT_TRUE(List(cache, "l").PushBack(Value()).ok());
      });
      if (popped.ok()) {
        ++served;
        EXPECT_EQ(*popped, Value());
        EXPECT_FALSE(Exists(cache, "l"));
      } else if (popped.status().code() == absl::StatusCode::kDataLoss) {
        ++lost;
        EXPECT_FALSE(Exists(cache, "l"));
      } else {
        ++refused;
        EXPECT_EQ(popped.status().code(), absl::StatusCode::kResourceExhausted) << popped.status();
        EXPECT_TRUE(Exists(cache, "l"));
      }
      calm = failed ? 0 : calm + 1;
      world.CheckThatItWorks();
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(lost, 0);
  EXPECT_GT(served, 0);
}

TEST(WaitingThreadFaultTest, ToStopAWaitNeedsNoMemory) {
  World world;
  std::stop_source stop;
  absl::Status status;
  std::thread thread([&] {
    status = List(world.cache(), "l").BlockingPopFront(absl::InfiniteDuration(), stop.get_token()).status();
  });
  while (world.cache().Execute({"INFO", "clients"})->AsString().find("blocked_clients:1") == std::string::npos) {
    std::this_thread::yield();
  }
  Faults::Arm(0, Faults::Mode::kFromOn);
  stop.request_stop();
  EXPECT_EQ(Faults::Disarm(), 0u);
  thread.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Commands, WaitingFaultTest, ::testing::ValuesIn(Waits()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace larder::testing
