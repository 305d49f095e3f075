#include "lib/base/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/random.h"

namespace larder::base {
namespace {

const HashSeed kOne(1);
const HashSeed kTwo(2);

TEST(HashBytesTest, DependsOnEveryByteLengthAndSeed) {
  std::vector<uint64_t> seen;
  for (size_t n = 0; n <= 200; ++n) {
    std::string text(n, 'x');
    seen.push_back(HashBytes(text, kOne));
    seen.push_back(HashBytes(text, kTwo));
    for (size_t i = 0; i < n; ++i) {
      text[i] = 'y';
      seen.push_back(HashBytes(text, kOne));
      text[i] = 'x';
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(HashBytesTest, IsTheSameWhereverTheBytesLie) {
  char room[300];
  for (size_t n = 0; n < 100; ++n) {
    const std::string text(n, 'q');
    const uint64_t expected = HashBytes(text, kOne);
    for (size_t shift = 0; shift < 9; ++shift) {
      std::fill(std::begin(room), std::end(room), static_cast<char>(shift));
      std::copy(text.begin(), text.end(), room + shift);
      ASSERT_EQ(HashBytes({room + shift, n}, kOne), expected);
    }
  }
}

// Keys such as "key:000001" in 2^12 cells by the top bits and by the low bits: chi-square within six sigma.
TEST(HashBytesTest, SpreadsCountersInTheTopAndTheLowBits) {
  constexpr int kCells = 4096;
  constexpr int kKeys = 400000;
  for (const char* prefix : {"", "key:", "user:profile:settings:"}) {
    std::vector<int> top(kCells), low(kCells), middle(kCells);
    for (int i = 0; i < kKeys; ++i) {
      const uint64_t hash = HashBytes(prefix + std::to_string(i), kOne);
      ++top[hash >> 52];
      ++low[hash & 4095];
      ++middle[hash >> 26 & 4095];
    }
    for (const std::vector<int>* cells : {&top, &low, &middle}) {
      const double expected = static_cast<double>(kKeys) / kCells;
      double chi = 0;
      for (int n : *cells) chi += (n - expected) * (n - expected) / expected;
      EXPECT_LT(std::abs(chi - (kCells - 1)), 6 * std::sqrt(2.0 * kCells)) << prefix;
    }
  }
}

TEST(HashBytesTest, AnInputBitFlipsHalfOfTheOutputBits) {
  Random random(7);
  for (size_t n : {1u, 3u, 4u, 8u, 15u, 16u, 17u, 47u, 48u, 100u}) {
    int64_t flipped = 0;
    constexpr int kRounds = 2000;
    for (int round = 0; round < kRounds; ++round) {
      std::string text(n, '\0');
      for (char& c : text) c = static_cast<char>(random.Next());
      const uint64_t before = HashBytes(text, kOne);
      text[random.Below(n)] ^= static_cast<char>(1 << random.Below(8));
      flipped += std::popcount(before ^ HashBytes(text, kOne));
    }
    EXPECT_NEAR(static_cast<double>(flipped) / kRounds, 32, 1) << n;
  }
}

TEST(RandomTest, BelowIsUniformAndRepeatable) {
  Random random(5), again(5);
  int counts[7] = {};
  for (int i = 0; i < 70000; ++i) {
    const uint64_t value = random.Below(7);
    ASSERT_LT(value, 7u);
    ASSERT_EQ(value, again.Below(7));
    ++counts[value];
  }
  for (int n : counts) EXPECT_NEAR(n, 10000, 600);
  EXPECT_EQ(random.Below(1), 0u);
  const uint64_t large = (uint64_t{1} << 63) + 1;
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.Below(large), large);
  for (int i = 0; i < 1000; ++i) {
    const double unit = random.Unit();
    EXPECT_TRUE(unit >= 0 && unit < 1);
  }
}

}  // namespace
}  // namespace larder::base
