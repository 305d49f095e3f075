#include "lib/ds/expiry_code.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

TEST(ExpiryCodeTest, TheFirst17MinutesAreExact) {
  for (int64_t ms = 0; ms < 1 << 20; ++ms) {
    ASSERT_EQ(ds::MsOfCode(ds::CodeUp(ms)), ms);
    ASSERT_EQ(ds::CodeDown(ms), ds::CodeUp(ms));
  }
}

TEST(ExpiryCodeTest, EachCodeIsAfterTheOneBeforeAndItsOwnInverse) {
  for (uint32_t code = 1; code < ds::kCodeMax; ++code) {
    const int64_t ms = ds::MsOfCode(code);
    ASSERT_LT(ms, ds::MsOfCode(code + 1));
    ASSERT_EQ(ds::CodeUp(ms), code);
    ASSERT_EQ(ds::CodeDown(ms), code);
    ASSERT_EQ(ds::CodeUp(ms + 1), code + 1);
  }
}

TEST(ExpiryCodeTest, ErrorsAreUpwardsAndWithinTwoMillionths) {
  base::Random random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto ms = static_cast<int64_t>(random.Next() >> (14 + random.Below(50)));
    if (ms >= ds::MsOfCode(ds::kCodeMax)) continue;
    const int64_t up = ds::MsOfCode(ds::CodeUp(ms));
    const int64_t down = ds::MsOfCode(ds::CodeDown(ms));
    ASSERT_LE(ms, up);
    ASSERT_GE(ms, down);
    ASSERT_LE(up - down, ms >> 19);
  }
}

TEST(ExpiryCodeTest, BeforeTheBaseIsTheBaseAndFarAwayIsTheLastCode) {
  EXPECT_EQ(ds::CodeUp(-1), 1u);
  EXPECT_EQ(ds::CodeUp(INT64_MIN), 1u);
  EXPECT_EQ(ds::CodeDown(-1), 0u);
  EXPECT_EQ(ds::CodeUp(INT64_MAX), ds::kCodeMax);
}

TEST(ExpiryCodeTest, MetadataKeepsItsOtherBits) {
  const uint64_t all = ~uint64_t{0};
  EXPECT_EQ(ds::CodeIn(all), ds::kCodeMax);
  EXPECT_EQ(ds::WithCode(all, 0), 0xff000000ffffffff);
  EXPECT_EQ(ds::WithCode(0, ds::kCodeMax), 0x00ffffff00000000u);
  EXPECT_EQ(ds::CodeIn(ds::WithCode(all, 12345)), 12345u);
}

}  // namespace
}  // namespace larder
