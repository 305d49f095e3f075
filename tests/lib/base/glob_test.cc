#include "lib/base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace larder::base {
namespace {

TEST(GlobTest, HasRedisesElements) {
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("", ""));
  EXPECT_FALSE(GlobMatch("", "a"));
  EXPECT_FALSE(GlobMatch("**", ""));
  EXPECT_TRUE(GlobMatch("a**", "a"));
  EXPECT_FALSE(GlobMatch("?", ""));
  EXPECT_TRUE(GlobMatch("h?llo", "hello"));
  EXPECT_TRUE(GlobMatch("h*llo", "heeeello"));
  EXPECT_TRUE(GlobMatch("h[ae]llo", "hallo"));
  EXPECT_FALSE(GlobMatch("h[^e]llo", "hello"));
  EXPECT_TRUE(GlobMatch("h[a-b]llo", "hbllo"));
  EXPECT_TRUE(GlobMatch("h[b-a]llo", "hbllo"));
  EXPECT_TRUE(GlobMatch("\\*", "*"));
  EXPECT_FALSE(GlobMatch("\\*", "a"));
  EXPECT_TRUE(GlobMatch("[\\]]", "]"));
  EXPECT_TRUE(GlobMatch("a\\", "a\\"));
  EXPECT_TRUE(GlobMatch("[abc", "b"));
  EXPECT_FALSE(GlobMatch("[]", "]"));
  EXPECT_TRUE(GlobMatch(std::string_view("a\0*", 3), std::string_view("a\0b", 3)));
}

TEST(GlobTest, CaseIsIgnoredOnRequest) {
  EXPECT_FALSE(GlobMatch("MAX*", "maxmemory"));
  EXPECT_TRUE(GlobMatch("MAX*", "maxmemory", true));
  EXPECT_TRUE(GlobMatch("[A-C]x", "bX", true));
  EXPECT_FALSE(GlobMatch("[^A-C]x", "bX", true));
  EXPECT_TRUE(GlobMatch("\\A", "a", true));
  EXPECT_FALSE(GlobMatch("[\\A]", "a", true));
}

TEST(GlobTest, ManyStarsCostNoExponentialTime) {
  // A matcher that retries every star would need more steps than there are atoms.
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatch(pattern + "*b", std::string(20000, 'a')));
  EXPECT_TRUE(GlobMatch(pattern + "*b", std::string(20000, 'a') + "b"));
}

std::string Shortened(std::string_view pattern) {
  Buffer room;
  return std::string(GlobShortened(pattern, room));
}

TEST(GlobTest, RunsOfStarsAreShortened) {
  EXPECT_EQ(Shortened("**"), "**");
  EXPECT_EQ(Shortened("*****"), "**");
  EXPECT_EQ(Shortened("a***b****"), "a**b**");
  EXPECT_EQ(Shortened(std::string(100'000, '*') + "b"), "**b");
  EXPECT_EQ(Shortened("\\***"), "\\***") << "the first is one that is meant";
  EXPECT_EQ(Shortened("\\****"), "\\***");
  EXPECT_EQ(Shortened("[***]*****"), "[***]**");
  EXPECT_EQ(Shortened("[\\]***]***\\"), "[\\]***]**\\");
  EXPECT_EQ(Shortened("[***"), "[***");
}

TEST(GlobTest, AShortenedPatternMatchesTheSame) {
  uint64_t state = 20261201;
  const auto next = [&](std::string_view from) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return from[(state >> 33) % from.size()];
  };
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern, text;
    for (int n = 0; n < 9; ++n) pattern += next("*****a[]\\^-");
    for (int n = i % 5; n > 0; --n) text += next("a*[]-\\");
    ASSERT_EQ(GlobMatch(pattern, text), GlobMatch(Shortened(pattern), text)) << pattern << ' ' << text;
  }
}

TEST(GlobTest, MatchesAllIsOneStar) {
  EXPECT_TRUE(GlobMatchesAll("*"));
  EXPECT_FALSE(GlobMatchesAll("**"));
  EXPECT_FALSE(GlobMatchesAll(""));
  EXPECT_FALSE(GlobMatchesAll("*a"));
  EXPECT_FALSE(GlobMatchesAll("?*"));
}

}  // namespace
}  // namespace larder::base
