// The HyperLogLog ops' own promises: effects, and that a dense one is edited where it is. What they do to strings is in
// tests/lib/commands/hyperloglog_test.cc.
#include "lib/ops/hyperloglog.h"

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Effects;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kSparseMax = 3000;

class HyperLogLogOpsTest : public KeyspaceTest {
 protected:
  ~HyperLogLogOpsTest() override {
    keyspace_->FlushAll();
    EXPECT_EQ(keyspace_->used_memory(), 0u);
  }
  void Listen() { recorder_.emplace(keyspace_->effects(), Effects::kCommands); }
  std::vector<std::string> Told() { return recorder_->Take(); }
  bool Add(std::string_view key, const std::vector<std::string>& elements, size_t sparse_max = kSparseMax) {
    const std::vector<Bytes> bytes(elements.begin(), elements.end());
    const Bytes command[] = {"PFADD", key, "..."};
    const auto result = ops::hll::Add(db_, key, bytes, sparse_max, command);
    EXPECT_TRUE(result.ok());
    return *result;
  }
  Error Merge(const std::vector<std::string>& keys) {
    const std::vector<Bytes> bytes(keys.begin(), keys.end());
    const Bytes command[] = {"PFMERGE", "..."};
    return ops::hll::Merge(db_, bytes, kSparseMax, command);
  }

  std::optional<Recorder> recorder_;
};

TEST_F(HyperLogLogOpsTest, ElementsThatRaiseARegisterAreOneEffect) {
  Listen();
  EXPECT_TRUE(Add("k", {}));
  EXPECT_THAT(Told(), ElementsAre("$pfadd db0 k [PFADD k ...]"));
  EXPECT_FALSE(Add("k", {}));
  EXPECT_TRUE(Add("k", {"a", "b"}));
  EXPECT_THAT(Told(), ElementsAre("$pfadd db0 k [PFADD k ...]"));
  EXPECT_FALSE(Add("k", {"b", "a"}));
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(HyperLogLogOpsTest, EachRaisedRegisterCountsAsAChangeSinceTheLastSave) {
  const uint64_t before = keyspace_->effects().dirty();
  Add("k", {"a", "b", "a"});  // made, and two raised
  EXPECT_EQ(keyspace_->effects().dirty() - before, 3u);
  Add("k", {"c"}, 0);
  EXPECT_EQ(keyspace_->effects().dirty() - before, 4u);
  Add("k", {"d", "e", "a"});  // dense by now
  EXPECT_EQ(keyspace_->effects().dirty() - before, 6u);
  EXPECT_FALSE(*ops::hll::MakeDense(db_, "k"));
  EXPECT_EQ(keyspace_->effects().dirty() - before, 6u);
}

TEST_F(HyperLogLogOpsTest, ACountThatIsKeptIsAChangeThatNoEventTellsOf) {
  Add("k", {"a", "b"});
  Listen();
  EXPECT_EQ(*ops::hll::Count(db_, "k"), 2);
  EXPECT_THAT(Told(), ElementsAre(std::string(1, '\0') + "pfcount db0 k [PFCOUNT k]"));
  EXPECT_EQ(*ops::hll::Count(db_, "k"), 2);
  const Bytes keys[] = {"k", "missing"};
  EXPECT_EQ(*ops::hll::CountUnion(db_, keys), 2);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(HyperLogLogOpsTest, AMergeIsAnEffectEvenOfNothing) {
  Add("k", {"a"});
  Listen();
  EXPECT_TRUE(Merge({"k", "k"}).ok());
  EXPECT_TRUE(Merge({"new"}).ok());
  EXPECT_THAT(Told(), ElementsAre("$pfadd db0 k [PFMERGE ...]", "$pfadd db0 new [PFMERGE ...]"));
}

TEST_F(HyperLogLogOpsTest, ADenseOneIsEditedWhereItIsAndHasNoRoomToSpare) {
  Add("k", {"a"});
  Add("k", {"b"}, 0);
  const memory::Block* const block = Find("k")->block();
  EXPECT_LT(block->capacity(), ops::hll::kDenseBytes + 4096);
  EXPECT_TRUE(Add("k", {"c", "d", "e"}));
  EXPECT_EQ(*ops::hll::Count(db_, "k"), 5);
  Add("other", {"x"});
  EXPECT_TRUE(Merge({"k", "other"}).ok());
  EXPECT_EQ(*ops::hll::Count(db_, "k"), 6);
  EXPECT_EQ(Find("k")->block(), block);
}

TEST_F(HyperLogLogOpsTest, WhatIsCorruptStaysAsItIs) {
  Add("k", {"a"});
  const std::string corrupt = Value("k")->substr(0, 17);
  Put("k", corrupt);
  const Bytes elements[] = {"a"};
  EXPECT_EQ(ops::hll::Add(db_, "k", elements, kSparseMax, {}).error(), Error(errors::kCorruptHyperLogLog));
  EXPECT_EQ(ops::hll::Count(db_, "k").error(), Error(errors::kCorruptHyperLogLog));
  EXPECT_EQ(ops::hll::MakeDense(db_, "k").error(), Error(errors::kCorruptHyperLogLog));
  EXPECT_EQ(Merge({"new", "k"}), Error(errors::kCorruptHyperLogLog));
  EXPECT_EQ(Value("k"), corrupt);
  EXPECT_EQ(Value("new"), std::nullopt);
}

TEST_F(HyperLogLogOpsTest, WhatAnElementMayAddIsKnown) {
  EXPECT_EQ(ops::hll::GrowthOf(&db_, "new").bytes, 3 + ops::hll::kDenseBytes);
  Add("k", {"a"});
  EXPECT_EQ(ops::hll::GrowthOf(&db_, "k").bytes, 1 + ops::hll::kDenseBytes);
  Add("k", {"b"}, 0);
  EXPECT_EQ(ops::hll::GrowthOf(&db_, "k").bytes, 1u);
}

}  // namespace
}  // namespace larder::testing
