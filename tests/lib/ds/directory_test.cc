// The directory alone: segments that are split and merged at random, as deep as it goes.
#include "lib/ds/directory.h"

#include <cstdint>
#include <map>
#include <memory>

#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  struct Leaf {
    int depth;
    ds::Segment* segment;
  };

  DirectoryTest() {
    Put(0, 0);
    directory_.Set(0, Word(0));
  }
  ~DirectoryTest() override {
    for (auto& [prefix, leaf] : leaves_) ds::Segment::Free(&arena_, leaf.segment);
  }

  void Put(uint64_t prefix, int depth) { leaves_[prefix] = {depth, ds::Segment::New(&arena_, 0, false)}; }
  ds::SegmentWord Word(uint64_t prefix) const {
    return ds::SegmentWord(leaves_.at(prefix).segment, leaves_.at(prefix).depth);
  }
  uint64_t PrefixOf(uint64_t hash) const { return std::prev(leaves_.upper_bound(hash))->first; }

  bool Split(uint64_t hash) {
    const uint64_t prefix = PrefixOf(hash);
    const int depth = leaves_[prefix].depth;
    if (!directory_.Deepen(hash, depth)) return false;
    ds::Segment::Free(&arena_, leaves_[prefix].segment);
    const uint64_t bit = uint64_t{1} << (63 - depth);
    Put(prefix, depth + 1);
    Put(prefix | bit, depth + 1);
    directory_.Set(prefix, Word(prefix));
    directory_.Set(prefix | bit, Word(prefix | bit));
    return true;
  }

  bool Merge(uint64_t hash) {
    const uint64_t prefix = PrefixOf(hash);
    const int depth = leaves_[prefix].depth;
    if (depth == 0) return false;
    const uint64_t bit = uint64_t{1} << (64 - depth);
    auto other = leaves_.find(prefix ^ bit);
    if (other == leaves_.end() || other->second.depth != depth) return false;
    if (directory_.PageDepth(hash) == depth) {
      directory_.Contract(hash);
      if (directory_.PageDepth(hash) == depth) return false;
    }
    ds::Segment::Free(&arena_, leaves_[prefix].segment);
    ds::Segment::Free(&arena_, other->second.segment);
    leaves_.erase(prefix);
    leaves_.erase(prefix ^ bit);
    Put(prefix & ~bit, depth - 1);
    directory_.Set(hash, Word(prefix & ~bit));
    directory_.Contract(hash);
    return true;
  }

  void Check() {
    ASSERT_EQ(directory_.Broken(), nullptr);
    for (auto it = leaves_.begin(); it != leaves_.end(); ++it) {
      const auto next = std::next(it);
      const uint64_t last = (next == leaves_.end() ? 0 : next->first) - 1;
      ASSERT_EQ(directory_.Lookup(it->first).segment(), it->second.segment);
      ASSERT_EQ(directory_.Lookup(last).bits(), directory_.Lookup(it->first).bits());
      ASSERT_EQ(directory_.Lookup(last).depth(), it->second.depth);
    }
  }

  std::shared_ptr<MemorySource> memory_ = SystemMemory();
  memory::Arena arena_{*memory_};
  std::map<uint64_t, Leaf> leaves_;
  ds::Directory directory_{&arena_};
};

TEST_F(DirectoryTest, OneSegmentNeedsNoPage) {
  EXPECT_EQ(directory_.bytes(), 0u);
  ASSERT_TRUE(Split(0));
  EXPECT_GT(directory_.bytes(), 0u);
  ASSERT_TRUE(Merge(0));
  EXPECT_EQ(directory_.bytes(), 0u);
  Check();
}

TEST_F(DirectoryTest, OneDeepPathEndsAtTheGreatestDepth) {
  for (const uint64_t path : {uint64_t{0}, ~uint64_t{0}, uint64_t{0xa5a5a5a5a5a5a5a5}}) {
    for (int depth = 0; depth < ds::Directory::kDepthMax; ++depth) ASSERT_TRUE(Split(path)) << depth;
    EXPECT_FALSE(Split(path));
    Check();
    for (int depth = ds::Directory::kDepthMax; depth > 0; --depth) {
      ASSERT_TRUE(Merge(path)) << depth;
      ASSERT_EQ(directory_.Broken(), nullptr);
    }
    EXPECT_EQ(directory_.bytes(), 0u);
  }
}

TEST_F(DirectoryTest, RandomSplitsAndMergesAgreeWithAMap) {
  const uint64_t seed = 99;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Random random(seed);
  for (int round = 0; round < 6; ++round) {
    const bool skewed = round % 2 == 1;  // towards hash 0: deep there, shallow elsewhere
    auto hash = [&] { return skewed ? random.Next() >> random.Below(20) : random.Next(); };
    for (int i = 0; i < 3000; ++i) {
      if (random.Below(5) == 0) {
        Merge(hash());
      } else {
        Split(hash());
      }
      if (i % 500 == 0) Check();
    }
    Check();
    for (int i = 0; leaves_.size() > 1; ++i) {
      // Mostly at random, and in the end wherever two are left.
      uint64_t at = hash();
      if (i > 20000) {
        for (const auto& [prefix, leaf] : leaves_) {
          auto other = leaves_.find(prefix ^ uint64_t{1} << (64 - leaf.depth));
          if (other != leaves_.end() && other->second.depth == leaf.depth) at = prefix;
        }
      }
      Merge(at);
      if (i % 5000 == 0) Check();
    }
    EXPECT_EQ(directory_.bytes(), 0u);
    Check();
  }
}

// A page splits when it would have more than 4096 words, and merges with its other half again.
TEST_F(DirectoryTest, AllSegmentsInStepFillPagesAndGiveThemBack) {
  for (int depth = 0; depth < 14; ++depth) {
    for (uint64_t i = 0; i < uint64_t{1} << depth; ++i) ASSERT_TRUE(Split(depth == 0 ? 0 : i << (64 - depth)));
    ASSERT_EQ(directory_.WordDepth(0), depth + 1);
    ASSERT_EQ(directory_.PageDepth(0), depth + 1 <= 12 ? 0 : depth + 1 - 12);
  }
  Check();
  EXPECT_LE(directory_.bytes(), (size_t{8} << 14) * 9 / 8 + 1024);
  for (int depth = 14; depth > 0; --depth) {
    for (uint64_t i = 0; i < uint64_t{1} << (depth - 1); ++i) {
      ASSERT_TRUE(Merge(depth == 1 ? 0 : i << (65 - depth)));
    }
    ASSERT_LE(directory_.bytes(), (size_t{8} << depth) * 9 / 8 + 1024);
    Check();
  }
  EXPECT_EQ(directory_.bytes(), 0u);
}

TEST_F(DirectoryTest, PagesAreFreedFromFrontToBack) {
  for (int depth = 0; depth < 13; ++depth) {
    for (uint64_t i = 0; i < uint64_t{1} << depth; ++i) ASSERT_TRUE(Split(depth == 0 ? 0 : i << (64 - depth)));
  }
  const size_t all = directory_.bytes();
  directory_.FreePage(0);
  EXPECT_LT(directory_.bytes(), all * 6 / 10);
  EXPECT_EQ(directory_.Lookup(~uint64_t{0}).segment(), std::prev(leaves_.end())->second.segment);
  directory_.Free();
  EXPECT_EQ(directory_.bytes(), 0u);
}

}  // namespace
}  // namespace larder
