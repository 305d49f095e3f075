// The wheel against a std::multimap of times, with its own time moved as ExpireSome does.
#include "lib/ds/segment_wheel.h"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"
#include "lib/memory/arena.h"

namespace larder {
namespace {

class SegmentWheelTest : public testing::Test {
 protected:
  ~SegmentWheelTest() override {
    for (ds::Segment* segment : segments_) ds::Segment::Free(&arena_, segment);
  }
  ds::Segment* Make() { return segments_.emplace_back(ds::Segment::New(&arena_, ds::FirstShape(true), true)); }
  void Place(ds::Segment* segment, int64_t ms) {
    segment->timing.base = static_cast<uint32_t>(ms >> ds::kBaseShift);
    segment->timing.soonest = ds::CodeUp(ms - segment->BaseMs());
    wheel_.Place(segment, ms);
  }
  // All that are due at `now_ms`, one after the other; how many times segments were placed anew is counted.
  std::vector<ds::Segment*> TakeDue(int64_t now_ms) {
    std::vector<ds::Segment*> due;
    if (wheel_.now_ms() > now_ms) wheel_.set_now_ms(now_ms);
    for (;;) {
      const int slot = wheel_.FirstSlot();
      if (slot == ds::SegmentWheel::kNone || wheel_.StartMs(slot) > now_ms) break;
      if (wheel_.StartMs(slot) > wheel_.now_ms()) wheel_.set_now_ms(wheel_.StartMs(slot));
      ds::Segment* segment = wheel_.Head(slot);
      if (segment->SoonestMs() <= now_ms) {
        wheel_.Remove(segment);
        due.push_back(segment);
      } else {
        wheel_.Place(segment, segment->SoonestMs());
        ++placed_anew_;
      }
    }
    wheel_.set_now_ms(now_ms);
    return due;
  }
  int64_t SoonestMs() const {
    const int slot = wheel_.FirstSlot();
    return slot == ds::SegmentWheel::kNone ? INT64_MAX : wheel_.StartMs(slot);
  }

  std::shared_ptr<MemorySource> memory_ = SystemMemory();
  memory::Arena arena_{*memory_};
  std::vector<ds::Segment*> segments_;
  ds::SegmentWheel wheel_;
  uint64_t placed_anew_ = 0;
};

TEST_F(SegmentWheelTest, AnEmptyOneHasNoSlot) {
  EXPECT_EQ(wheel_.FirstSlot(), ds::SegmentWheel::kNone);
  ds::Segment* segment = Make();
  wheel_.Remove(segment);
  Place(segment, 1'800'000'000'000);
  EXPECT_NE(wheel_.FirstSlot(), ds::SegmentWheel::kNone);
  wheel_.Remove(segment);
  EXPECT_EQ(wheel_.FirstSlot(), ds::SegmentWheel::kNone);
}

TEST_F(SegmentWheelTest, RandomWorkAgreesWithAMap) {
  const uint64_t seed = 31;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  int64_t now_ms = 1'800'000'000'000;
  std::map<ds::Segment*, int64_t> times;
  for (int i = 0; i < 200; ++i) Make();
  uint64_t placed = 0;
  uint64_t due = 0;
  for (int step = 0; step < 200'000; ++step) {
    ds::Segment* segment = segments_[random.Below(segments_.size())];
    switch (random.Below(8)) {
      case 0:
        wheel_.Remove(segment);
        times.erase(segment);
        break;
      case 1: {
        // Mostly a little, at times a day, once in a while backwards.
        const uint64_t dice = random.Below(1000);
        now_ms += dice == 0 ? -static_cast<int64_t>(random.Below(100'000'000))
                            : static_cast<int64_t>(random.Below(dice < 10 ? 100'000'000 : 200));
        for (ds::Segment* taken : TakeDue(now_ms)) {
          ++due;
          ASSERT_LE(times.at(taken), now_ms);
          times.erase(taken);
        }
        for (const auto& [which, time_ms] : times) ASSERT_GT(time_ms, now_ms);
        break;
      }
      default:
        times[segment] = now_ms + static_cast<int64_t>(random.Next() >> (30 + random.Below(34)));
        Place(segment, times[segment]);
        times[segment] = segment->SoonestMs();
        ++placed;
    }
    int64_t soonest_ms = INT64_MAX;
    for (const auto& [which, time_ms] : times) soonest_ms = std::min(soonest_ms, time_ms);
    ASSERT_LE(SoonestMs(), soonest_ms);
    if (step % 500 == 0) {
      size_t segments = 0;
      ASSERT_EQ(wheel_.Broken(&segments), nullptr);
      ASSERT_EQ(segments, times.size());
    }
  }
  EXPECT_GT(due, 1000u);
  EXPECT_LT(placed_anew_, placed * 6);
}

// Past the end of the last level, and over the point where its digits begin again.
TEST_F(SegmentWheelTest, FarTimesComeRoundAgain) {
  const int64_t round_ms = int64_t{1} << 42;
  wheel_.set_now_ms(round_ms - 1000);
  Place(Make(), round_ms + 5);
  Place(Make(), 3 * round_ms);
  EXPECT_EQ(TakeDue(round_ms + 4).size(), 0u);
  EXPECT_EQ(TakeDue(round_ms + 5).size(), 1u);
  EXPECT_EQ(TakeDue(3 * round_ms - 1).size(), 0u);
  EXPECT_EQ(TakeDue(3 * round_ms).size(), 1u);
}

TEST_F(SegmentWheelTest, TimeMayBeginAtNought) {
  Place(Make(), 5);
  Place(Make(), 1 << 21);
  EXPECT_EQ(SoonestMs(), 5);
  EXPECT_EQ(TakeDue(4).size(), 0u);
  EXPECT_EQ(TakeDue(5).size(), 1u);
  EXPECT_EQ(TakeDue((1 << 21) - 1).size(), 0u);
  EXPECT_EQ(TakeDue(1 << 21).size(), 1u);
}

TEST_F(SegmentWheelTest, TurningKeepsTheChosenOneInFront) {
  wheel_.set_now_ms(1000);
  for (int i = 0; i < 10; ++i) Place(Make(), int64_t{1} << 30);
  const int slot = wheel_.FirstSlot();
  wheel_.RotateSlot(slot, 4, segments_[2]);
  std::vector<ds::Segment*> order;
  const ds::Segment* const head = wheel_.Head(slot);
  const ds::Segment* at = head;
  do {
    order.push_back(const_cast<ds::Segment*>(at));
    at = at->timing.next;
  } while (at != head);
  std::vector<ds::Segment*> expected;
  for (int i : {2, 4, 5, 6, 7, 8, 9, 0, 1, 3}) expected.push_back(segments_[static_cast<size_t>(i)]);
  EXPECT_EQ(order, expected);
  wheel_.RotateSlot(slot, 10, segments_[5]);
  EXPECT_EQ(wheel_.Head(slot), segments_[5]);
  wheel_.RotateSlot(slot, 1, segments_[5]);
  EXPECT_EQ(wheel_.Head(slot), segments_[5]);
  size_t segments = 0;
  EXPECT_EQ(wheel_.Broken(&segments), nullptr);
  EXPECT_EQ(segments, 10u);
}

}  // namespace
}  // namespace larder
