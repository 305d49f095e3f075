#include "lib/base/fixed_text.h"

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace larder::base {
namespace {

TEST(FixedTextTest, JoinsTextsOfAllKindsAndIntegers) {
  const std::string own = "own";
  const Line line("a", std::string_view("b"), absl::string_view("c"), own, -5, uint64_t{UINT64_MAX},
                  FixedText<3>("xyz"));
  EXPECT_EQ(line.view(), "abcown-518446744073709551615xyz");
}

TEST(FixedTextTest, IsCutOffWhereItsRoomEnds) {
  FixedText<4> text("abc");
  text.Add("def").Add("g");
  EXPECT_EQ(text.view(), "abcd");
  EXPECT_STREQ(text.c_str(), "abcd");
}

TEST(FixedTextTest, IsEmptyAtFirstAndCopiesByValue) {
  FixedText<8> text;
  EXPECT_TRUE(text.empty());
  EXPECT_STREQ(text.c_str(), "");
  text.Add("a");
  FixedText<8> copy(text);
  text.Add("b");
  EXPECT_EQ(copy.view(), "a");
}

}  // namespace
}  // namespace larder::base
