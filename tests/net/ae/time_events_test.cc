// Time events against the hand-set clock. They know nothing of pollers, so one loop stands for all.
#include <map>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/ae/ae.h"
#include "tests/net/ae/ae_testing.h"

namespace larder::ae {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimeEventsTest : public testing::Test {
 public:  // for the procedures, which are plain functions
  struct Timer {
    // A test's timers die before its loop, which would finalize what is left of them.
    ~Timer() {
      if (test->loop_ != nullptr) test->loop_->DeleteTimeEvent(id);
    }
    TimeEventsTest* test;
    int name;
    int64_t next_ms = kNoMore;
    int64_t id = 0;
    void (*act)(EventLoop&, Timer&) = nullptr;
    Timer* other = nullptr;
  };

  void SetUp() override {
    LoopOptions options;
    options.clock = &clock_;
    loop_ = *EventLoop::Create(options);
  }

  static int64_t Fire(EventLoop& loop, int64_t id, void* data) {
    Timer& timer = *static_cast<Timer*>(data);
    EXPECT_EQ(id, timer.id);
    timer.test->fired_.push_back(timer.name);
    if (timer.act != nullptr) timer.act(loop, timer);
    return timer.next_ms;
  }
  static void Finalize(EventLoop&, void* data) {
    Timer& timer = *static_cast<Timer*>(data);
    timer.test->finalized_.push_back(timer.name);
  }
  void Add(Timer& timer, int64_t delay_ms) {
    absl::StatusOr<int64_t> id = loop_->CreateTimeEvent(delay_ms, Fire, &timer, Finalize);
    ASSERT_TRUE(id.ok());
    EXPECT_GT(*id, 0);
    timer.id = *id;
  }
  std::vector<int> After(int64_t ms) {
    clock_.Advance(ms);
    fired_.clear();
    loop_->Poll(0);
    return fired_;
  }

  HandSetClock clock_;
  std::vector<int> fired_;
  std::vector<int> finalized_;
  std::unique_ptr<EventLoop> loop_;
};

TEST_F(TimeEventsTest, FireInTheOrderOfTheirTime) {
  Timer a{this, 1}, b{this, 2}, c{this, 3};
  Add(a, 30);
  Add(b, 10);
  Add(c, 20);
  EXPECT_EQ(loop_->NextDelayMs(), 10);
  EXPECT_THAT(After(9), IsEmpty());
  EXPECT_THAT(After(1), ElementsAre(2));
  EXPECT_THAT(After(100), ElementsAre(3, 1));
  EXPECT_THAT(finalized_, ElementsAre(2, 3, 1));
  EXPECT_EQ(loop_->NextDelayMs(), -1);
}

TEST_F(TimeEventsTest, ThoseDueTogetherFireInTheOrderOfCreation) {
  std::vector<Timer> timers(20, Timer{this, 0});
  std::vector<int> expected;
  for (int i = 0; i < 20; ++i) {
    timers[static_cast<size_t>(i)].name = i;
    expected.push_back(i);
    Add(timers[static_cast<size_t>(i)], 5);
  }
  EXPECT_EQ(After(5), expected);
}

TEST_F(TimeEventsTest, TheReturnedDelayCountsFromTheProceduresEnd) {
  Timer a{this, 1, 10};
  a.act = [](EventLoop&, Timer& self) { self.test->clock_.Advance(7); };
  Add(a, 10);
  EXPECT_THAT(After(10), ElementsAre(1));
  EXPECT_THAT(After(9), IsEmpty());
  EXPECT_THAT(After(1), ElementsAre(1));
  EXPECT_THAT(finalized_, IsEmpty());
}

TEST_F(TimeEventsTest, ALateEventFiresOnceNotOncePerMissedPeriod) {
  Timer a{this, 1, 10};
  Add(a, 10);
  EXPECT_THAT(After(1000), ElementsAre(1));
}

TEST_F(TimeEventsTest, DeletingFinalizesAtOnceAndOnlyOnce) {
  Timer a{this, 1};
  Add(a, 10);
  EXPECT_TRUE(loop_->DeleteTimeEvent(a.id));
  EXPECT_THAT(finalized_, ElementsAre(1));
  EXPECT_FALSE(loop_->DeleteTimeEvent(a.id));
  EXPECT_FALSE(loop_->DeleteTimeEvent(0));
  EXPECT_FALSE(loop_->DeleteTimeEvent(-1));
  EXPECT_FALSE(loop_->DeleteTimeEvent(int64_t{1} << 40));
  EXPECT_THAT(After(10), IsEmpty());
  EXPECT_THAT(finalized_, ElementsAre(1));
}

TEST_F(TimeEventsTest, AnOldIdDoesNotNameTheEventThatTookItsPlace) {
  Timer a{this, 1}, b{this, 2};
  Add(a, 10);
  EXPECT_TRUE(loop_->DeleteTimeEvent(a.id));
  Add(b, 10);
  EXPECT_NE(a.id, b.id);
  EXPECT_FALSE(loop_->DeleteTimeEvent(a.id));
  EXPECT_THAT(After(10), ElementsAre(2));
}

TEST_F(TimeEventsTest, AProcedureThatDeletesItselfIsFinalizedWhenItReturns) {
  Timer a{this, 1, 10};
  a.act = [](EventLoop& loop, Timer& self) {
    EXPECT_TRUE(loop.DeleteTimeEvent(self.id));
    EXPECT_THAT(self.test->finalized_, IsEmpty());
    EXPECT_FALSE(loop.DeleteTimeEvent(self.id));
  };
  Add(a, 1);
  EXPECT_THAT(After(1), ElementsAre(1));
  EXPECT_THAT(finalized_, ElementsAre(1));
  EXPECT_THAT(After(100), IsEmpty());
}

TEST_F(TimeEventsTest, AProcedureMayDeleteOthersThatAreDue) {
  Timer a{this, 1}, b{this, 2}, c{this, 3};
  a.other = &b;
  a.act = [](EventLoop& loop, Timer& self) { EXPECT_TRUE(loop.DeleteTimeEvent(self.other->id)); };
  Add(a, 1);
  Add(b, 1);
  Add(c, 1);
  EXPECT_THAT(After(1), ElementsAre(1, 3));
  EXPECT_THAT(finalized_, ElementsAre(2, 1, 3));
}

TEST_F(TimeEventsTest, WhatAProcedureCreatesWaitsForTheNextTurn) {
  Timer a{this, 1}, b{this, 2};
  a.other = &b;
  a.act = [](EventLoop&, Timer& self) { self.test->Add(*self.other, 0); };
  Add(a, 0);
  EXPECT_THAT(After(0), ElementsAre(1));
  EXPECT_EQ(loop_->NextDelayMs(), 0);
  EXPECT_THAT(After(0), ElementsAre(2));
}

TEST_F(TimeEventsTest, OneThatReturnsZeroRunsOnceATurn) {
  Timer a{this, 1, 0};
  Add(a, 0);
  EXPECT_THAT(After(0), ElementsAre(1));
  EXPECT_THAT(After(0), ElementsAre(1));
}

TEST_F(TimeEventsTest, ManyMayBeCreatedFromOneProcedure) {
  std::vector<Timer> crowd(1000, Timer{this, 7});
  Timer a{this, 1};
  a.other = crowd.data();
  a.act = [](EventLoop&, Timer& self) {
    for (int i = 0; i < 1000; ++i) self.test->Add(self.other[i], i);  // the arrays move under the running procedure
  };
  Add(a, 0);
  EXPECT_THAT(After(0), ElementsAre(1));
  EXPECT_THAT(finalized_, ElementsAre(1));
  EXPECT_EQ(After(1000).size(), 1000u);
}

TEST_F(TimeEventsTest, TheLoopsEndFinalizesWhatIsLeft) {
  Timer a{this, 1}, b{this, 2};
  Add(a, 20);
  Add(b, 10);
  loop_ = nullptr;
  EXPECT_THAT(finalized_, ElementsAre(2, 1));
}

// Random traffic against a model: a multimap from due time to event.
// Or one that creates itself anew, long overdue, would keep the others from their turn for ever.
TEST_F(TimeEventsTest, ATimeInThePastDoesNotGoBeforeOthersThatAreDue) {
  struct Event {
    std::vector<int>* ran;
    int number;
    static int64_t Again(EventLoop& loop, int64_t, void* data) {
      static_cast<Event*>(data)->ran->push_back(static_cast<Event*>(data)->number);
      EXPECT_TRUE(loop.CreateTimeEventAt(INT64_MIN, Again, data).ok());
      return kNoMore;
    }
  };
  Event a{&fired_, 1}, b{&fired_, 2};
  ASSERT_TRUE(loop_->CreateTimeEventAt(clock_.NowUs(), Event::Again, &a).ok());
  ASSERT_TRUE(loop_->CreateTimeEventAt(clock_.NowUs(), Event::Again, &b).ok());
  EXPECT_THAT(After(0), ElementsAre(1, 2));
  EXPECT_THAT(After(10), ElementsAre(1, 2));
}

// The numbers that say who is older are 32 bits: they end in the middle of creating, and in the middle of a round.
TEST(TimeEventsOrderTest, HoldsWhenItsNumbersRunOut) {
  for (const uint32_t left : {0u, 1u, 5u, 20u, 25u}) {
    SCOPED_TRACE(left);
    HandSetClock clock;
    std::unique_ptr<EventLoop> loop = *EventLoop::Create({});
    TimeEvents events(UINT32_MAX - left);
    struct Run {
      TimeEvents* events;
      Clock* clock;
      std::vector<int>* ran;
      int number;
      static int64_t Note(EventLoop&, int64_t, void* data) {
        static_cast<Run*>(data)->ran->push_back(static_cast<Run*>(data)->number);
        return kNoMore;
      }
      // 20 places behind each stands one that it creates, due at once: not in this round.
      static int64_t NoteAndCreate(EventLoop& l, int64_t id, void* data) {
        Run& run = *static_cast<Run*>(data);
        EXPECT_TRUE(run.events->Create(run.clock->NowUs(), Note, &run + 20, nullptr).ok());
        return Note(l, id, data);
      }
    };
    std::vector<int> ran;
    std::vector<Run> runs;
    for (int i = 0; i < 40; ++i) runs.push_back({&events, &clock, &ran, i});
    Run last{&events, &clock, &ran, 99};
    ASSERT_TRUE(events.Create(clock.NowUs() + 1'000'000, Run::Note, &last, nullptr).ok());
    for (size_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(events.Create(clock.NowUs(), Run::NoteAndCreate, &runs[i], nullptr).ok());
    }
    EXPECT_EQ(events.RunDue(*loop, clock), 20);
    EXPECT_EQ(events.RunDue(*loop, clock), 20);
    EXPECT_EQ(events.RunDue(*loop, clock), 0);
    clock.Advance(1000);
    EXPECT_EQ(events.RunDue(*loop, clock), 1);
    std::vector<int> expected;
    for (int i = 0; i < 40; ++i) expected.push_back(i);
    expected.push_back(99);
    EXPECT_EQ(ran, expected);
  }
}

TEST_F(TimeEventsTest, AgreesWithAModelUnderRandomTraffic) {
  const unsigned seed = 20241;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  struct Event {
    std::vector<int>* fired;
    int name;
    int64_t period_ms;
  };
  std::map<std::pair<int64_t, int64_t>, int> due;  // (time, order of arming) -> name
  std::map<int, std::pair<int64_t, int64_t>> key_of;
  std::map<int, int64_t> id_of;
  std::map<int, std::unique_ptr<Event>> events;
  int64_t now_ms = 0, order = 0;
  int next_name = 0;
  const auto proc = [](EventLoop&, int64_t, void* data) {
    Event& event = *static_cast<Event*>(data);
    event.fired->push_back(event.name);
    return event.period_ms;
  };
  for (int step = 0; step < 20'000; ++step) {
    const unsigned what = random() % 100;
    if (what < 45) {
      const int name = next_name++;
      const int64_t delay_ms = random() % 50;
      events[name].reset(new Event{&fired_, name, random() % 3 == 0 ? static_cast<int64_t>(random() % 20) : kNoMore});
      id_of[name] = *loop_->CreateTimeEvent(delay_ms, proc, events[name].get());
      key_of[name] = {now_ms + delay_ms, order++};
      due[key_of[name]] = name;
    } else if (what < 75 && !id_of.empty()) {
      auto victim = id_of.lower_bound(static_cast<int>(random() % static_cast<unsigned>(next_name)));
      if (victim == id_of.end()) victim = id_of.begin();
      EXPECT_TRUE(loop_->DeleteTimeEvent(victim->second));
      due.erase(key_of[victim->first]);
      key_of.erase(victim->first);
      events.erase(victim->first);
      id_of.erase(victim);
    } else {
      const int64_t ms = random() % 5;
      now_ms += ms;
      std::vector<int> expected;
      const int64_t first_new = order;
      while (!due.empty() && due.begin()->first.first <= now_ms && due.begin()->first.second < first_new) {
        const int name = due.begin()->second;
        due.erase(due.begin());
        expected.push_back(name);
        if (events[name]->period_ms == kNoMore) {
          id_of.erase(name);
          key_of.erase(name);
        } else {
          key_of[name] = {now_ms + events[name]->period_ms, order++};
          due[key_of[name]] = name;
        }
      }
      ASSERT_EQ(After(ms), expected) << "step " << step;
      for (int name : expected) {
        if (id_of.count(name) == 0) events.erase(name);
      }
    }
    ASSERT_EQ(loop_->NextDelayMs(), due.empty() ? -1 : std::max<int64_t>(due.begin()->first.first - now_ms, 0));
  }
}

}  // namespace
}  // namespace larder::ae
