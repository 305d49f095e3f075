// Counting, finding and combining, against what a loop over single bits does.
#include "lib/ops/bit_words.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

using ops::bits::Operation;

bool BitAt(const std::string& text, uint64_t at) {
  return at / 8 < text.size() && (static_cast<uint8_t>(text[at / 8]) >> (7 - at % 8) & 1) != 0;
}

// Of a size around every step of the loops: 1, 8, 16, 64 and 256 bytes.
std::vector<size_t> Sizes() {
  std::vector<size_t> sizes;
  for (size_t i = 0; i < 40; ++i) sizes.push_back(i);
  for (const size_t size : {63, 64, 65, 71, 72, 73, 127, 128, 129, 255, 256, 257, 271, 272, 273, 511, 512, 700, 1025}) {
    sizes.push_back(size);
  }
  return sizes;
}

// Mostly zeros, mostly ones, or anything, beginning at any address.
class Text {
 public:
  Text(base::Random& random, size_t size) : room_(size + 7, '\0'), skip_(random.Below(8)), size_(size) {
    const uint64_t kind = random.Below(4);
    for (char& c : room_) {
      c = kind == 0 ? '\0' : kind == 1 ? '\xff' : static_cast<char>(random.Next());
    }
    if (kind < 2 && size != 0 && random.Below(2) == 0) {
      char& c = room_[skip_ + random.Below(size)];
      c = static_cast<char>(c ^ (1 << random.Below(8)));
    }
  }
  Bytes bytes() const { return Bytes(room_).substr(skip_, size_); }
  std::string string() const { return std::string(bytes()); }

 private:
  std::string room_;
  size_t skip_;
  size_t size_;
};

class BitWordsTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSeed = 20261202;
  base::Random random_{kSeed};
};

TEST_F(BitWordsTest, OnesAreCounted) {
  for (const size_t size : Sizes()) {
    for (int round = 0; round < 12; ++round) {
      const Text text(random_, size);
      uint64_t expected = 0;
      for (uint64_t at = 0; at < size * 8; ++at) expected += BitAt(text.string(), at);
      EXPECT_EQ(ops::bits::CountOnes(text.bytes()), expected) << size;
    }
  }
}

TEST_F(BitWordsTest, OnesOfAPartAreCounted) {
  for (const size_t size : Sizes()) {
    if (size == 0) continue;
    for (int round = 0; round < 12; ++round) {
      const Text text(random_, size);
      uint64_t first = random_.Below(size * 8), last = random_.Below(size * 8);
      if (first > last) std::swap(first, last);
      uint64_t expected = 0;
      for (uint64_t at = first; at <= last; ++at) expected += BitAt(text.string(), at);
      EXPECT_EQ(ops::bits::CountOnes(text.bytes(), first, last), expected) << size << " " << first << " " << last;
    }
  }
}

TEST_F(BitWordsTest, AMillionOnesDoNotOverflowASum) {
  const std::string ones(1 << 20, '\xff');
  EXPECT_EQ(ops::bits::CountOnes(ones), ones.size() * 8);
  EXPECT_EQ(ops::bits::CountOnes(Bytes(ones).substr(3)), ones.size() * 8 - 24);
}

TEST_F(BitWordsTest, TheFirstBitOfAKindIsFound) {
  for (const size_t size : Sizes()) {
    if (size == 0) continue;
    for (int round = 0; round < 20; ++round) {
      const Text text(random_, size);
      uint64_t first = random_.Below(size * 8), last = random_.Below(size * 8);
      if (first > last) std::swap(first, last);
      for (const bool bit : {false, true}) {
        std::optional<uint64_t> expected;
        for (uint64_t at = first; at <= last && !expected.has_value(); ++at) {
          if (BitAt(text.string(), at) == bit) expected = at;
        }
        EXPECT_EQ(ops::bits::FindBit(text.bytes(), bit, first, last), expected)
            << size << " " << bit << " " << first << " " << last;
      }
    }
  }
}

TEST_F(BitWordsTest, StringsAreCombinedByteByByte) {
  for (const size_t size : Sizes()) {
    const Text a(random_, size), b(random_, size);
    for (const Operation operation : {Operation::kAnd, Operation::kOr, Operation::kXor}) {
      std::string result = a.string() + "rest", expected = result;
      for (size_t i = 0; i < size; ++i) {
        const char other = b.bytes()[i];
        expected[i] = static_cast<char>(operation == Operation::kAnd  ? expected[i] & other
                                        : operation == Operation::kOr ? expected[i] | other
                                                                      : expected[i] ^ other);
      }
      ops::bits::CombineInto(result.data(), operation, b.bytes());
      EXPECT_EQ(result, expected) << size;
    }
    std::string result(size, 'x'), expected = a.string();
    for (char& c : expected) c = static_cast<char>(~c);
    ops::bits::InvertInto(result.data(), a.bytes());
    EXPECT_EQ(result, expected) << size;
  }
}

TEST_F(BitWordsTest, NumbersOfEveryWidthAreLoadedAndStoredAtEveryOffset) {
  for (unsigned width = 1; width <= 64; ++width) {
    for (uint64_t offset = 0; offset < 20; ++offset) {
      std::string text = Text(random_, 12).string();
      const std::string before = text;
      const uint64_t value = random_.Next();
      ops::bits::StoreBits(text.data(), offset, width, value);
      for (uint64_t at = 0; at < text.size() * 8; ++at) {
        const bool within = at >= offset && at < offset + width;
        const bool expected = within ? (value >> (offset + width - 1 - at) & 1) != 0 : BitAt(before, at);
        ASSERT_EQ(BitAt(text, at), expected) << width << " " << offset << " " << at;
      }
      const uint64_t lowest = width == 64 ? value : value & ((uint64_t{1} << width) - 1);
      EXPECT_EQ(ops::bits::LoadBits(text, offset, width), lowest) << width << " " << offset;
    }
  }
}

TEST_F(BitWordsTest, BitsBehindTheEndAreZero) {
  EXPECT_EQ(ops::bits::LoadBits("\xff", 4, 8), 0xf0u);
  EXPECT_EQ(ops::bits::LoadBits("\xff", 8, 64), 0u);
  EXPECT_EQ(ops::bits::LoadBits("", uint64_t{1} << 35, 1), 0u);
}

}  // namespace
}  // namespace larder
