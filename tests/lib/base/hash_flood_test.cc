// What an attacker may do who knows the code and not the seed: keys that are made so that a step of the hash would
// forget the seed. They spread as random keys do, under every seed, at every length and position.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "lib/base/hash.h"
#include "lib/base/random.h"

namespace larder::base {
namespace {

const HashSeed kSeeds[] = {HashSeed(0), HashSeed(1), HashSeed(0x8bb84b93962eacc9u), HashSeed(~uint64_t{0})};

// Constants that a step has, had, or may get: of wyhash, of SipHash, of SplitMix64, and those that make a product
// trivial.
std::vector<uint64_t> Constants() {
  std::vector<uint64_t> all = {0,
                               1,
                               uint64_t{1} << 32,
                               uint64_t{1} << 63,
                               0x2d358dccaa6c78a5u,
                               0x8bb84b93962eacc9u,
                               0x4b33a62ed433d4a3u,
                               0x4d5a2da51de1aa47u,
                               0xa0761d6478bd642fu,
                               0xe7037ed1a0b428dbu,
                               0x736f6d6570736575u,
                               0x646f72616e646f6du,
                               0x6c7967656e657261u,
                               0x7465646279746573u,
                               0x9e3779b97f4a7c15u,
                               0xbf58476d1ce4e5b9u,
                               0x94d049bb133111ebu};
  for (size_t i = all.size(); i-- > 0;) {
    all.push_back(~all[i]);
    all.push_back(-all[i]);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void Put(std::string& key, size_t at, uint64_t value, size_t bytes) { std::memcpy(key.data() + at, &value, bytes); }

// The same word with its halves changed over: short keys are read as two halves a word.
uint64_t Turned(uint64_t word) { return word << 32 | word >> 32; }

double ChiSquare(const std::vector<int>& cells, size_t keys) {
  const double expected = static_cast<double>(keys) / static_cast<double>(cells.size());
  double chi = 0;
  for (int n : cells) chi += (n - expected) * (n - expected) / expected;
  return chi;
}

// The hashes of `keys` under all seeds as tables see them: all different, so that neither what differs between the keys
// nor the seed is ever forgotten, and even over the top bits (segments), those below (tags, homes) and the low ones.
testing::AssertionResult Spread(const std::vector<std::string>& keys) {
  constexpr size_t kCells = 32;
  std::vector<uint64_t> hashes;
  std::vector<int> top(kCells), tag(kCells), low(kCells);
  for (const HashSeed& seed : kSeeds) {
    for (const std::string& key : keys) {
      const uint64_t hash = HashBytes(key, seed);
      hashes.push_back(hash);
      ++top[hash >> 59];
      ++tag[hash >> 43 & 31];
      ++low[hash & 31];
    }
  }
  std::sort(hashes.begin(), hashes.end());
  if (std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end()) {
    return testing::AssertionFailure() << "equal hashes";
  }
  for (const std::vector<int>* cells : {&top, &tag, &low}) {
    const double off = ChiSquare(*cells, hashes.size()) - (kCells - 1);
    if (std::abs(off) > 12 * std::sqrt(2.0 * kCells)) return testing::AssertionFailure() << "uneven by " << off;
  }
  return testing::AssertionSuccess();
}

// Keys of `n` bytes, all alike but for the word at `vary`, whose upper half is at `vary_upper`.
std::vector<std::string> KeysWith(std::string key, size_t vary, size_t vary_upper) {
  std::vector<std::string> keys;
  Random random(key.size() * 1000 + vary);
  for (size_t i = 0; i < 64; ++i) {
    const uint64_t value = random.Next();
    Put(key, vary, value, 4);
    Put(key, vary_upper, value >> 32, 4);
    keys.push_back(key);
  }
  return keys;
}

// Up to 16 bytes are read as two words: the halves at 0 and `step`, and those at n - 4 and n - 4 - step.
TEST(HashFloodTest, NoWordOfAShortKeyErasesItsNeighbourOrTheSeed) {
  for (size_t n = 12; n <= 16; ++n) {
    const size_t step = n / 8 * 4;
    for (uint64_t constant : Constants()) {
      for (uint64_t word : {constant, Turned(constant), constant ^ n}) {
        std::string key(n, '-');
        Put(key, 0, word, 4);
        Put(key, step, word >> 32, 4);
        // What both words have in common stays as it is.
        EXPECT_TRUE(Spread(KeysWith(key, n - 4, std::max(n - 4 - step, step + 4)))) << n << " first " << word;
        key.assign(n, '-');
        Put(key, n - 4, word, 4);
        Put(key, n - 4 - step, word >> 32, 4);
        EXPECT_TRUE(Spread(KeysWith(key, 0, std::min(step, n - 8 - step)))) << n << " last " << word;
      }
    }
  }
}

// Up to 3 bytes there is one word of 24 bits, up to 11 the words have bytes in common: constants cannot be chosen
// freely, so the keys themselves are searched.
TEST(HashFloodTest, TheShortestKeysSpread) {
  for (size_t n : {1u, 2u, 3u, 4u, 7u, 8u, 11u}) {
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < (n == 1 ? uint64_t{256} : uint64_t{4000}); ++i) {
      std::string key(n, '\0');
      Put(key, 0, i, std::min<size_t>(n, 8));
      keys.push_back(key);
    }
    EXPECT_TRUE(Spread(keys)) << n;
  }
}

TEST(HashFloodTest, NoWordOfALongKeyErasesItsNeighbourOrTheSeed) {
  for (size_t n : {17u, 24u, 32u, 40u, 47u, 48u, 63u, 64u, 96u, 111u, 144u}) {
    std::vector<std::pair<size_t, size_t>> pairs = {{n - 16, n - 8}};  // the last 16 bytes, wherever they begin
    for (size_t at = 0; at + 16 <= n; at += 16) pairs.push_back({at, at + 8});
    for (auto [first, second] : pairs) {
      for (uint64_t constant : Constants()) {
        std::string key(n, '-');
        Put(key, first, constant, 8);
        EXPECT_TRUE(Spread(KeysWith(key, second, second + 4))) << n << " at " << first << " " << constant;
        key.assign(n, '-');
        Put(key, second, constant, 8);
        EXPECT_TRUE(Spread(KeysWith(key, first, first + 4))) << n << " at " << second << " " << constant;
      }
    }
  }
}

// Keys of 48 bytes and more have three lanes, joined by exclusive or: two that are equal would vanish together, and
// lanes that change places would give the same.
TEST(HashFloodTest, LanesThatDifferByConstantsDoNotVanish) {
  const std::vector<uint64_t> constants = Constants();
  for (auto [first, second] : {std::pair<size_t, size_t>{0, 16}, {0, 32}, {16, 32}}) {
    for (size_t c = 0; c < constants.size(); ++c) {
      for (size_t d = 0; d <= c; ++d) {
        std::vector<std::string> keys;
        Random random(c);
        for (int i = 0; i < 8; ++i) {
          std::string key(50 + c % 3 * 20, 'x');
          const uint64_t a = random.Next();
          const uint64_t b = random.Next();
          Put(key, first, a, 8);
          Put(key, first + 8, b, 8);
          Put(key, second, a ^ constants[c] ^ constants[d], 8);
          Put(key, second + 8, b, 8);
          keys.push_back(key);
          Put(key, first, a ^ constants[c] ^ constants[d], 8);
          Put(key, second, a, 8);
          keys.push_back(key);
          if (constants[c] == constants[d]) keys.pop_back();  // the same key
        }
        ASSERT_TRUE(Spread(keys)) << "lanes at " << first << ", " << second << ": " << constants[c] << constants[d];
      }
    }
  }
}

// Issue 8, item 37, word for word.
TEST(HashFloodTest, TheKeysOfTheReportSpread) {
  std::vector<std::string> short_keys, long_keys;
  for (uint32_t i = 0; i < 60000; ++i) {
    std::string key("\x93\x4b\xb8\x8b....\xc9\xac\x2e\x96""abcd", 16);
    Put(key, 4, i, 4);
    short_keys.push_back(key);
    std::string longer("a fixed prefix::\xc9\xac\x2e\x96\x93\x4b\xb8\x8b........", 32);
    Put(longer, 24, i, 8);
    long_keys.push_back(longer);
  }
  EXPECT_TRUE(Spread(short_keys));
  EXPECT_TRUE(Spread(long_keys));
}

TEST(HashFloodTest, StructuredKeysSpread) {
  for (size_t n : {8u, 12u, 16u, 24u, 40u, 64u}) {
    for (size_t at = 0; at + 4 <= n; at += 4) {
      std::vector<std::string> low, high, repeated;
      for (uint32_t i = 0; i < 4000; ++i) {
        std::string key(n, '\0');
        Put(key, at, i, 4);
        low.push_back(key);
        Put(key, at, i << 18, 4);
        high.push_back(key);
        for (size_t p = 0; p + 4 <= n; p += 4) Put(key, p, i, 4);
        repeated.push_back(key);
      }
      EXPECT_TRUE(Spread(low)) << n << " low bits at " << at;
      EXPECT_TRUE(Spread(high)) << n << " high bits at " << at;
      EXPECT_TRUE(Spread(repeated)) << n << " repeated";
    }
  }
}

// A table's secrets have nothing to do with each other, with those of the next seed, or with other uses of the seed.
TEST(DeriveSeedTest, EveryBitOfTheSeedChangesHalfOfEveryValue) {
  std::vector<uint64_t> all;
  for (uint64_t which = 0; which < 20; ++which) {
    int flipped = 0;
    for (int bit = 0; bit < 64; ++bit) {
      flipped += __builtin_popcountll(DeriveSeed(5, which) ^ DeriveSeed(5 ^ uint64_t{1} << bit, which));
    }
    EXPECT_NEAR(flipped / 64.0, 32, 2) << which;
    for (uint64_t seed = 0; seed < 1000; ++seed) all.push_back(DeriveSeed(seed, which));
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace larder::base
