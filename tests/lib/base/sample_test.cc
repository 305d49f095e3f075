#include "lib/base/sample.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace larder::testing {
namespace {

TEST(SampleTest, IndicesAreDifferentAndInOrder) {
  base::Random random(3);
  for (const uint64_t size : {1u, 2u, 10u, 100u, 5000u}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{7}, size_t{90}, size_t{5000}}) {
      if (count > size) continue;
      base::Buffer room;
      std::span<const uint64_t> indices;
      ASSERT_TRUE(base::SampleIndices(size, count, random, room, &indices));
      ASSERT_EQ(indices.size(), count);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_LT(indices[i], size);
        ASSERT_TRUE(i == 0 || indices[i - 1] < indices[i]);
      }
    }
  }
}

TEST(SampleTest, EachIsOfEqualChance) {
  base::Random random(4);
  // By looking at each, and by picking few.
  for (const uint64_t size : {20u, 200u}) {
    std::vector<int> met(size);
    for (size_t round = 0; round < 100 * size; ++round) {
      base::Buffer room;
      std::span<const uint64_t> indices;
      ASSERT_TRUE(base::SampleIndices(size, 4, random, room, &indices));
      for (const uint64_t index : indices) ++met[index];
    }
    // 400 each, with a deviation of 20.
    EXPECT_GT(*std::min_element(met.begin(), met.end()), 300);
    EXPECT_LT(*std::max_element(met.begin(), met.end()), 500);
  }
}

}  // namespace
}  // namespace larder::testing
