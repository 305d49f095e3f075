// Both matchers against what the words say, and the words' packing.
#include "lib/ds/bucket.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

template <class TagMatcher>
class MatcherTest : public testing::Test {};

#if defined(__SSE2__)
using Matchers = testing::Types<ds::ScalarMatcher, ds::Sse2Matcher>;
#else
using Matchers = testing::Types<ds::ScalarMatcher>;
#endif
TYPED_TEST_SUITE(MatcherTest, Matchers);

// Tags and halves of pointers that a comparison of the wrong width, sign or place would confuse.
uint64_t AwkwardWord(base::Random& random) {
  constexpr uint32_t kTags[] = {0, 1, 0x7fff, 0x8000, 0xffff, 0x00ff, 0xff00};
  constexpr uint64_t kPointers[] = {8, 0x7fff00000000, 0x800000000000, 0xfffffffffff8, 0x100000000, 0xfffffff8, 0x8000};
  if (random.Below(4) == 0) return 0;
  return ds::PackSlot(kTags[random.Below(7)], kPointers[random.Below(7)]);
}

TYPED_TEST(MatcherTest, FindsTheSlotsThatHaveATagAndTheEmptyOnes) {
  const uint64_t seed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  for (int round = 0; round < 20000; ++round) {
    ds::Bucket bucket;
    bucket.words[0] = random.Below(2) == 0 ? 0 : random.Next();  // the metadata is no slot
    for (int i = 1; i <= ds::kSlots; ++i) bucket.words[i] = AwkwardWord(random);
    const uint32_t tag = ds::TagOf(AwkwardWord(random));
    ds::SlotSet with_tag = TypeParam::WithTag(bucket, tag);
    ds::SlotSet empty = TypeParam::Empty(bucket);
    int tags = 0;
    int empties = 0;
    for (int i = 1; i <= ds::kSlots; ++i) {
      if (ds::TagOf(bucket.words[i]) == tag) {
        ++tags;
        ASSERT_FALSE(with_tag.empty());
        ASSERT_EQ(with_tag.first(), i);
        with_tag.RemoveFirst();
      }
      if (bucket.words[i] == 0) {
        ++empties;
        ASSERT_FALSE(empty.empty());
        ASSERT_EQ(empty.first(), i);
        empty.RemoveFirst();
      }
    }
    ASSERT_TRUE(with_tag.empty() && empty.empty());
    ASSERT_EQ(TypeParam::WithTag(bucket, tag).size(), tags);
    ASSERT_EQ(TypeParam::Empty(bucket).size(), empties);
  }
}

TEST(BucketTest, MetadataKeepsItsFieldsApart) {
  uint64_t metadata = 0x00abcdef12345678;
  metadata += 7 * ds::kNextOne;
  metadata = ds::WithStashedCount(metadata, ds::kSpilled);
  EXPECT_EQ(ds::NextCount(metadata), 7u);
  EXPECT_EQ(ds::StashedCount(metadata), ds::kSpilled);
  EXPECT_EQ(metadata & (ds::kNextOne - 1), 0x00abcdef12345678u);
  metadata = ds::WithStashedCount(metadata, 2) - 7 * ds::kNextOne;
  EXPECT_EQ(ds::NextCount(metadata), 0u);
  EXPECT_EQ(ds::StashedCount(metadata), 2u);
  EXPECT_TRUE(ds::AnyElsewhere(metadata));
  EXPECT_FALSE(ds::AnyElsewhere(0x00ffffffffffffff));
}

TEST(BucketTest, HomesFollowTheOrderOfTags) {
  for (int buckets = 1; buckets <= 255; buckets += buckets < 16 ? 1 : 17) {
    int before = 0;
    for (uint32_t tag = 0; tag < 65536; ++tag) {
      const int home = ds::HomeOf(tag, buckets);
      ASSERT_LT(home, buckets);
      ASSERT_TRUE(home == before || home == before + 1);
      if (home != before) {
        ASSERT_EQ(ds::FirstTagOf(home, buckets), tag);
      }
      before = home;
    }
    ASSERT_EQ(before, buckets - 1);
    ASSERT_EQ(ds::FirstTagOf(buckets, buckets), 65536u);
  }
}

}  // namespace
}  // namespace larder
