#include "lib/ops/lcs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

using ops::Lcs;

struct Solution {
  std::string text;
  std::vector<std::string> matches;  // "a_first-a_last b_first-b_last", from the end on
};

// The textbook's full table and the walk's rules, without any of the tricks.
Solution Textbook(const std::string& a, const std::string& b) {
  std::vector<std::vector<int>> length(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      length[i][j] = a[i - 1] == b[j - 1] ? length[i - 1][j - 1] + 1 : std::max(length[i - 1][j], length[i][j - 1]);
    }
  }
  Solution solution;
  size_t i = a.size(), j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] != b[j - 1]) {
      length[i - 1][j] > length[i][j - 1] ? --i : --j;
      continue;
    }
    const size_t a_last = i - 1, b_last = j - 1;
    while (i > 0 && j > 0 && a[i - 1] == b[j - 1]) {
      solution.text.insert(solution.text.begin(), a[i - 1]);
      --i, --j;
    }
    solution.matches.push_back(std::to_string(i) + "-" + std::to_string(a_last) + " " + std::to_string(j) + "-" +
                               std::to_string(b_last));
  }
  return solution;
}

Solution Ours(const std::string& a, const std::string& b) {
  Lcs lcs;
  EXPECT_TRUE(lcs.Compute(a, b, 1 << 30, false).ok());
  Solution solution;
  lcs.Walk([&](const Lcs::Match& match) {
    solution.text.insert(0, a, match.a_first, match.length());
    EXPECT_EQ(b.substr(match.b_first, match.b_last - match.b_first + 1), a.substr(match.a_first, match.length()));
    solution.matches.push_back(std::to_string(match.a_first) + "-" + std::to_string(match.a_last) + " " +
                               std::to_string(match.b_first) + "-" + std::to_string(match.b_last));
  });
  EXPECT_EQ(lcs.length(), solution.text.size());
  return solution;
}

TEST(LcsTest, TheExampleOfRedis) {
  const Solution solution = Ours("ohmytext", "mynewtext");
  EXPECT_EQ(solution.text, "mytext");
  EXPECT_THAT(solution.matches, testing::ElementsAre("4-7 5-8", "2-3 0-1"));
}

TEST(LcsTest, NothingInCommon) {
  EXPECT_EQ(Ours("", "").text, "");
  EXPECT_EQ(Ours("abc", "").text, "");
  EXPECT_EQ(Ours("abc", "xyz").text, "");
}

TEST(LcsTest, RandomStringsAgreeWithTheTextbook) {
  const uint64_t seed = 31;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t letters = 1 + random.Below(4);
    auto any = [&] {
      std::string text(random.Below(40), ' ');
      for (char& c : text) c = static_cast<char>('a' + random.Below(letters));
      return text;
    };
    const std::string a = any(), b = any();
    const Solution expected = Textbook(a, b);
    const Solution solution = Ours(a, b);
    ASSERT_EQ(solution.text, expected.text) << a << " " << b;
    ASSERT_EQ(solution.matches, expected.matches) << a << " " << b;
    Lcs length_only;
    ASSERT_TRUE(length_only.Compute(a, b, 1 << 30, true).ok());
    ASSERT_EQ(length_only.length(), expected.text.size());
  }
}

// Redis needs 4 bytes for each pair of prefixes, the empty ones included.
TEST(LcsTest, RefusesWhatRedisHasNoMemoryFor) {
  const std::string text(511, 'x');
  Lcs lcs;
  EXPECT_TRUE(lcs.Compute(text, text, 1 << 20, true).ok());
  EXPECT_EQ(lcs.Compute(text, text, (1 << 20) - 1, true), errors::kLcsTooLarge);
  EXPECT_EQ(lcs.Compute(text, text + "x", 1 << 20, false), errors::kLcsTooLarge);
}

}  // namespace
}  // namespace larder
