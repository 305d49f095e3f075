// GetOrLoad while memory runs out: the value goes to who asked, nothing is half stored, no flight is left behind.
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include "lib/core/core.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

using Loaded = absl::StatusOr<std::string>;

struct State {
  std::string loaded;
  Loaded result = absl::UnknownError("");
  bool thrown = false;
};

// Unstored, with the value: as if refused. What a loader does with memory is its own affair: its string is there
// before.
TEST(LoadFaultTest, EachAllocationOfALoad) {
  for (const size_t size : {5, 700, 3000, 40'000}) {
    for (std::string_view key : {"fresh", "short", "huge"}) {
      Case load;
      load.name = "GetOrLoad " + std::string(key) + " " + std::to_string(size);
      load.prepare = [key, size](World& world) {
        auto state = std::make_shared<State>();
        state->loaded = World::ValueOf(size);
        Attempt attempt;
        attempt.run = [state, key, &world] {
          state->result = world.cache().GetOrLoad(key, absl::Seconds(30), [&]() -> Loaded {
            return std::move(state->loaded);
          });
        };
        attempt.describe = [state, key, size, &world]() -> Outcome {
          EXPECT_EQ(world.cache().core().flights().attached(), 0u);
          if (!state->result.ok()) return OutcomeOf(state->result.status());
          const bool unstored = world.cache().Stats()->loads_not_stored != 0;
          if (key == "fresh") {
            EXPECT_EQ(*state->result, World::ValueOf(size));
          }
          return {unstored ? Outcome::kRefused : Outcome::kDone, *state->result};
        };
        return attempt;
      };
      FailEach(load, Modes::kBoth);
    }
  }
}

// What is thrown here needs memory too, which the C++ library has set aside.
TEST(LoadFaultTest, ALoaderThatThrowsWhileMemoryIsShortLeavesNoFlight) {
  Case load;
  load.name = "GetOrLoad that throws";
  load.prepare = [](World& world) {
    auto state = std::make_shared<State>();
    Attempt attempt;
    attempt.run = [state, &world] {
      try {
        (void)world.cache().GetOrLoad("fresh", absl::Seconds(30), []() -> Loaded { throw 42; });
      } catch (int) {
        state->thrown = true;
      }
    };
    attempt.describe = [state, &world]() -> Outcome {
      EXPECT_TRUE(state->thrown);
      EXPECT_EQ(world.cache().core().flights().attached(), 0u);
      const Loaded again = world.cache().GetOrLoad("fresh", absl::Seconds(30), []() -> Loaded { return "again"; });
      EXPECT_TRUE(again.ok() && *again == "again") << again.status();
      EXPECT_TRUE(*world.cache().Delete("fresh"));
      return {Outcome::kDone, "thrown"};
    };
    return attempt;
  };
  FailEach(load, Modes::kBoth);
}

TEST(LoadFaultTest, ThoseWhoWaitForALoaderThatThrowsLearnItWithoutMemory) {
  World world;
  absl::Status waited;
  std::thread waiter;
  auto& flights = world.cache().core().flights();
  EXPECT_THROW((void)world.cache().GetOrLoad("fresh", absl::InfiniteDuration(), [&]() -> Loaded {
    waiter = std::thread([&] {
      Faults::Arm(0, Faults::Mode::kFromOn);
      waited = world.cache().GetOrLoad("fresh", absl::InfiniteDuration(), []() -> Loaded { return ""; }).status();
      Faults::Disarm();
    });
    while (flights.waiting() == 0) std::this_thread::yield();
    Faults::Arm(0, Faults::Mode::kFromOn);
    throw 42;
  }), int);
  Faults::Disarm();
  waiter.join();
  EXPECT_EQ(waited.code(), absl::StatusCode::kAborted);
}

TEST(LoadFaultTest, WhoWaitsAndHasNoMemoryForTheValueIsAloneInThat) {
  World world;
  Loaded poor;
  Loaded rich;
  std::vector<std::thread> waiters;
  auto& flights = world.cache().core().flights();
  const Loaded value = world.cache().GetOrLoad("fresh", absl::InfiniteDuration(), [&]() -> Loaded {
    waiters.emplace_back([&] {
      Faults::Arm(0, Faults::Mode::kFromOn);
      poor = world.cache().GetOrLoad("fresh", absl::InfiniteDuration(), []() -> Loaded { return ""; });
      Faults::Disarm();
    });
    waiters.emplace_back([&] {
      rich = world.cache().GetOrLoad("fresh", absl::InfiniteDuration(), []() -> Loaded { return ""; });
    });
    while (flights.waiting() != 2) std::this_thread::yield();
    return World::ValueOf(700);
  });
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(poor.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*rich, World::ValueOf(700));
  EXPECT_EQ(*value, World::ValueOf(700));
  EXPECT_EQ(**world.cache().Get("fresh"), World::ValueOf(700));
}

// The table of flights cannot grow: its chains are longer then, and nothing else is different.
TEST(LoadFaultTest, FlightsNeedNoMemory) {
  World world;
  constexpr int kFlights = 100;
  std::vector<std::string> keys;
  for (int i = 0; i < kFlights; ++i) keys.push_back("load:" + std::to_string(i));
  const std::function<Loaded(size_t)> nested = [&](size_t i) -> Loaded {
    if (i == keys.size()) return std::string("innermost");
    Faults::Arm(0, Faults::Mode::kFromOn);
    return world.cache().GetOrLoad(keys[i], absl::InfiniteDuration(), [&] {
      Faults::Disarm();
      return nested(i + 1);
    });
  };
  EXPECT_EQ(*nested(0), "innermost");
  EXPECT_EQ(world.cache().core().flights().attached(), 0u);
  for (const std::string& key : keys) EXPECT_EQ(**world.cache().Get(key), "innermost");
}

}  // namespace
}  // namespace larder::testing
