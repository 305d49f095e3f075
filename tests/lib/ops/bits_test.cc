// The bitmap ops' own promises: effects, and that an edit is one in place. What they do to strings is in
// tests/lib/commands/bitmap_test.cc.
#include "lib/ops/bits.h"

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
using ops::bits::FieldStep;
using ops::bits::Operation;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BitOpsTest : public KeyspaceTest {
 protected:
  ~BitOpsTest() override {
    keyspace_->FlushAll();
    EXPECT_EQ(keyspace_->used_memory(), 0u);
  }
  void Listen(uint32_t wants = Effects::kCommands | Effects::kOldValues) {
    recorder_.emplace(keyspace_->effects(), wants);
  }
  std::vector<std::string> Told() { return recorder_->Take(); }
  // BITFIELD of one step.
  std::optional<int64_t> Field(std::string_view key, const FieldStep& step) {
    std::optional<int64_t> result;
    const Bytes command[] = {"BITFIELD", key, "..."};
    EXPECT_TRUE(ops::bits::RunFields(db_, key, {&step, 1}, command, [&](auto value) { result = value; }).ok());
    return result;
  }

  std::optional<Recorder> recorder_;
};

constexpr FieldStep SetTo(uint64_t offset, int64_t value) {
  return {.kind = FieldStep::Kind::kSet, .overflow = FieldStep::Overflow::kFail, .width = 8, .offset = offset,
          .value = value};
}

TEST_F(BitOpsTest, ABitThatIsSetTellsOfItselfUnlessAllIsAsItWas) {
  Listen();
  EXPECT_FALSE(*ops::bits::Set(db_, "k", 1, true));
  EXPECT_THAT(Told(), ElementsAre("$setbit db0 k [SETBIT k 1 1] was nothing"));
  EXPECT_TRUE(*ops::bits::Set(db_, "k", 1, true));
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_FALSE(*ops::bits::Set(db_, "k", 9, false));  // longer
  EXPECT_THAT(Told(), ElementsAre("$setbit db0 k [SETBIT k 9 0] was '@'"));
  EXPECT_EQ(Value("k"), std::string("@\0", 2));
}

TEST_F(BitOpsTest, AResultIsSetOrItsKeyIsDeleted) {
  Put("a", "abc");
  Put("d", "old");
  Listen();
  const Bytes one[] = {"a"}, none[] = {"missing"};
  const Bytes command[] = {"BITOP", "NOT", "d", "a"};
  EXPECT_EQ(*ops::bits::Combine(db_, Operation::kNot, "d", one, command), 3);
  EXPECT_THAT(Told(), ElementsAre("$set db0 d [BITOP NOT d a] was 'old'"));
  EXPECT_EQ(*ops::bits::Combine(db_, Operation::kAnd, "d", none, command), 0);
  EXPECT_THAT(Told(), ElementsAre("gdel db0 d [DEL d] was '\x9e\x9d\x9c'"));
  EXPECT_EQ(*ops::bits::Combine(db_, Operation::kAnd, "d", none, command), 0);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(BitOpsTest, AnExpiredKeyThatNothingIsStoredOverIsDeletedAndDoesNotExpire) {
  Put("d", "old", now_ms() + 10);
  Listen(Effects::kEvents);
  Advance(absl::Milliseconds(10));
  const Bytes none[] = {"missing"};
  EXPECT_EQ(*ops::bits::Combine(db_, Operation::kAnd, "d", none, {}), 0);
  EXPECT_THAT(Told(), ElementsAre("gdel db0 d"));
  EXPECT_EQ(keyspace_->stats().expired, 0u);
}

TEST_F(BitOpsTest, AFieldThatIsWrittenTellsOfItself) {
  Listen();
  EXPECT_EQ(Field("k", SetTo(0, 'a')), 0);
  EXPECT_THAT(Told(), ElementsAre("$setbit db0 k [BITFIELD k ...] was nothing"));
  EXPECT_EQ(Field("k", SetTo(0, 'a')), 'a');
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(Field("k", {.width = 8}), 'a');
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(BitOpsTest, AFailedFieldMakesTheStringLongerAndTellsNobody) {
  Listen();
  EXPECT_EQ(Field("k", SetTo(100, 300)), std::nullopt);
  EXPECT_EQ(Value("k"), std::string(14, '\0'));
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(BitOpsTest, ALargeStringIsEditedWhereItIs) {
  Put("k", std::string(100'000, '\0'));
  const memory::Block* const block = Find("k")->block();
  EXPECT_FALSE(*ops::bits::Set(db_, "k", 500'000, true));
  EXPECT_EQ(Field("k", SetTo(80, 7)), 0);
  EXPECT_EQ(Find("k")->block(), block);
  EXPECT_EQ(Find("k")->encoding(), keyspace::Encoding::kRaw);
}

TEST_F(BitOpsTest, AStringThatSomebodyReadsIsCopied) {
  Put("k", std::string(100'000, '\0'));
  const memory::BlockRef pin = memory::BlockRef::Share(Find("k")->block());
  EXPECT_FALSE(*ops::bits::Set(db_, "k", 0, true));
  EXPECT_NE(Find("k")->block(), pin.get());
  EXPECT_EQ(pin->data()[0], '\0');
}

TEST_F(BitOpsTest, ASourceMayBeTheDestination) {
  const std::string large(5000, 'a'), small(10, 'b');
  Put("large", large);
  Put("small", small);
  for (const char* destination : {"large", "small"}) {
    const Bytes keys[] = {"large", "small", "large"};
    EXPECT_EQ(*ops::bits::Combine(db_, Operation::kXor, destination, keys, {}), 5000);
    EXPECT_EQ(Value(destination), small + std::string(4990, '\0'));
    Put("large", large);
  }
}

TEST_F(BitOpsTest, SourcesOfAnyNumberAreCombined) {
  std::vector<std::string> names;
  std::string expected(3000, '\0');
  for (size_t i = 0; i < 40; ++i) {
    names.push_back("k" + std::to_string(i));
    Put(names.back(), i == 7 ? "12345" : std::string(i * 70, static_cast<char>(i)));
    for (size_t at = 0; at < Value(names.back())->size(); ++at) {
      expected[at] = static_cast<char>(expected[at] ^ (*Value(names.back()))[at]);
    }
  }
  expected.resize(39 * 70);
  const std::vector<Bytes> keys(names.begin(), names.end());
  EXPECT_EQ(*ops::bits::Combine(db_, Operation::kXor, "d", keys, {}), 39 * 70);
  EXPECT_EQ(Value("d"), expected);
}

TEST_F(BitOpsTest, WhatAnEditAddsIsKnown) {
  constexpr uint64_t kMax = 1 << 20;
  Put("k", std::string(100'000, '\0'));
  EXPECT_EQ(ops::bits::GrowthOf(&db_, "k", 50'000, kMax).bytes, 1u);
  EXPECT_GE(ops::bits::GrowthOf(&db_, "k", 200'000, kMax).bytes, 200'000u);
  EXPECT_EQ(ops::bits::GrowthOf(&db_, "k", 200'000, kMax).value_bytes, 200'000u);
  EXPECT_EQ(ops::bits::GrowthOf(&db_, "new", 200'000, kMax).bytes, 200'003u);
  EXPECT_GE(ops::bits::GrowthOf(nullptr, "k", 50'000, kMax).bytes, 50'000u);  // it may be gone by then
  EXPECT_EQ(ops::bits::GrowthOf(&db_, "k", kMax + 9, kMax).bytes, 1u);        // it will be refused
}

}  // namespace
}  // namespace larder::testing
