// What each string op leaves at the key, and what it tells the listeners: event, canonical command, old value.
#include "lib/ops/strings.h"

#include <optional>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Effects;
using keyspace::Encoding;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::StringSource;
using ops::strings::Digits;
using ops::strings::FloatDigits;
using ops::strings::SetOptions;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

using Condition = SetOptions::Condition;

class StringOpsTest : public KeyspaceTest {
 protected:
  ~StringOpsTest() override {
    keyspace_->FlushAll();
    EXPECT_EQ(keyspace_->used_memory(), 0u);
  }
  std::vector<std::string> Told() { return recorder_.Take(); }
  Result<bool> Set(std::string_view key, std::string_view value, const SetOptions& options = {}) {
    return ops::strings::Set(db_, key, db_.Locate(key, Lookup::kWrite), StringSource::Of(Bytes(value)), options);
  }
  Encoding EncodingOf(std::string_view key) { return Find(key)->encoding(); }
  std::string At(int64_t ms) { return std::to_string(ms); }

  Recorder recorder_{keyspace_->effects(), Effects::kCommands | Effects::kOldValues};
};

TEST_F(StringOpsTest, SetTellsOfItself) {
  ASSERT_TRUE(Set("k", "v").ok());
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k v] was nothing"));
  ASSERT_TRUE(Set("k", "123").ok());
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k 123] was 'v'"));
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
}

TEST_F(StringOpsTest, SetWithAnExpiryIsOneCommandAndTwoEvents) {
  const int64_t at = now_ms() + 100;
  ASSERT_TRUE(Set("k", "v", {.expiry_ms = at}).ok());
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k v PXAT " + At(at) + "] was nothing", "gexpire db0 k"));
  EXPECT_EQ(Find("k")->expiry_ms(), at);
}

TEST_F(StringOpsTest, SetDropsTheExpiryUnlessToldToKeepIt) {
  const int64_t at = now_ms() + 100;
  ASSERT_TRUE(Set("k", "v", {.expiry_ms = at}).ok());
  Told();
  ASSERT_TRUE(Set("k", "w", {.keep_ttl = true}).ok());
  EXPECT_EQ(Find("k")->expiry_ms(), at);
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k w KEEPTTL] was 'v'"));
  ASSERT_TRUE(Set("k", "x").ok());
  EXPECT_EQ(Find("k")->expiry_ms(), kNoExpiry);
  ASSERT_TRUE(Set("new", "x", {.keep_ttl = true}).ok());
  EXPECT_EQ(Find("new")->expiry_ms(), kNoExpiry);
}

TEST_F(StringOpsTest, SetAnExpiryThatHasPassedIsASetAndThenAnExpiry) {
  ASSERT_TRUE(Set("k", "v", {.expiry_ms = 1}).ok());
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k v PXAT 1] was nothing", "gexpire db0 k"));
  EXPECT_EQ(Find("k"), nullptr);
  EXPECT_THAT(Told(), ElementsAre("xexpired db0 k [DEL k] was 'v'"));
}

TEST_F(StringOpsTest, AConditionThatDoesNotHoldChangesAndTellsNothing) {
  EXPECT_FALSE(*Set("k", "v", {.condition = Condition::kIfPresent}));
  EXPECT_EQ(Find("k"), nullptr);
  EXPECT_TRUE(*Set("k", "v", {.condition = Condition::kIfMissing}));
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k v] was nothing"));
  EXPECT_FALSE(*Set("k", "w", {.condition = Condition::kIfMissing, .expiry_ms = now_ms() + 9}));
  EXPECT_TRUE(*Set("k", "x", {.condition = Condition::kIfPresent}));
  EXPECT_THAT(Told(), ElementsAre("$set db0 k [SET k x] was 'v'"));
}

TEST_F(StringOpsTest, SetManyTellsOfEachKey) {
  const std::string large(5000, 'x');
  const Bytes pairs[] = {"a", "1", "b", large, "a", "2"};
  EXPECT_TRUE(*ops::strings::SetMany(db_, pairs, false));
  EXPECT_THAT(Told(), ElementsAre("$set db0 a [SET a 1] was nothing", "$set db0 b [SET b " + large + "] was nothing",
                                  "$set db0 a [SET a 2] was '1'"));
  EXPECT_THAT(Value("a"), Optional(std::string("2")));
  EXPECT_THAT(Value("b"), Optional(large));
}

TEST_F(StringOpsTest, SetManyTakesPairsToo) {
  const std::pair<Bytes, Bytes> pairs[] = {{"a", "1"}, {"b", "2"}};
  EXPECT_TRUE(*ops::strings::SetMany(db_, pairs, true));
  EXPECT_FALSE(*ops::strings::SetMany(db_, pairs, true));
  EXPECT_THAT(Told(), ElementsAre("$set db0 a [SET a 1] was nothing", "$set db0 b [SET b 2] was nothing"));
}

TEST_F(StringOpsTest, SetManyIfNoneSetsAllOrNothing) {
  ASSERT_TRUE(Set("b", "here").ok());
  Told();
  const Bytes pairs[] = {"a", "1", "b", "2"};
  EXPECT_FALSE(*ops::strings::SetMany(db_, pairs, true));
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_THAT(Told(), IsEmpty());
  const Bytes twice[] = {"c", "1", "c", "2"};  // a key given twice is still missing when it is looked for
  EXPECT_TRUE(*ops::strings::SetMany(db_, twice, true));
  EXPECT_THAT(Value("c"), Optional(std::string("2")));
}

TEST_F(StringOpsTest, AppendKeepsTheExpiryAndLeavesRaw) {
  const int64_t at = now_ms() + 100;
  EXPECT_EQ(*ops::strings::Append(db_, "k", "12"), 2);
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);  // to a missing key it is a SET
  EXPECT_THAT(Told(), ElementsAre("$append db0 k [APPEND k 12] was nothing"));
  ASSERT_TRUE(Set("k", "12", {.expiry_ms = at}).ok());
  Told();
  EXPECT_EQ(*ops::strings::Append(db_, "k", ""), 2);
  EXPECT_EQ(EncodingOf("k"), Encoding::kRaw);
  EXPECT_EQ(*ops::strings::Append(db_, "k", "3"), 3);
  EXPECT_THAT(Told(), ElementsAre("$append db0 k [APPEND k ] was '12'", "$append db0 k [APPEND k 3] was '12'"));
  EXPECT_EQ(Find("k")->expiry_ms(), at);
  EXPECT_THAT(Value("k"), Optional(std::string("123")));
}

TEST_F(StringOpsTest, AppendAndSetRangeRefuseWhatGrowsTooLong) {
  keyspace::KeyspaceConfig config = keyspace_->config();
  config.string_bytes_max = 10;
  keyspace_->Configure(config);
  EXPECT_EQ(*ops::strings::Append(db_, "k", "123456789"), 9);
  EXPECT_EQ(*ops::strings::Append(db_, "k", "0"), 10);
  Told();
  EXPECT_EQ(ops::strings::Append(db_, "k", "1").error(), errors::kStringTooLong);
  EXPECT_EQ(ops::strings::SetRange(db_, "k", 10, "x").error(), errors::kStringTooLong);
  EXPECT_EQ(ops::strings::SetRange(db_, "new", INT64_MAX, "x").error(), errors::kStringTooLong);
  EXPECT_EQ(*ops::strings::SetRange(db_, "new", INT64_MAX, ""), 0);
  EXPECT_EQ(*ops::strings::SetRange(db_, "k", 9, "x"), 10);
  EXPECT_THAT(Value("k"), Optional(std::string("123456789x")));
  EXPECT_THAT(Told(), ElementsAre("$setrange db0 k [SETRANGE k 9 x] was '1234567890'"));
}

TEST_F(StringOpsTest, SetRangeOfNothingIsNoChange) {
  ASSERT_TRUE(Set("k", "12").ok());
  Told();
  EXPECT_EQ(*ops::strings::SetRange(db_, "k", 100, ""), 2);
  EXPECT_EQ(*ops::strings::SetRange(db_, "missing", 100, ""), 0);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
  EXPECT_EQ(Find("missing"), nullptr);
}

TEST_F(StringOpsTest, SetRangeOverwritesInTheMiddle) {
  ASSERT_TRUE(Set("k", "Hello World").ok());
  EXPECT_EQ(*ops::strings::SetRange(db_, "k", 6, "Redis"), 11);
  EXPECT_THAT(Value("k"), Optional(std::string("Hello Redis")));
  EXPECT_EQ(*ops::strings::SetRange(db_, "k", 13, "!"), 14);
  EXPECT_THAT(Value("k"), Optional(std::string("Hello Redis\0\0!", 14)));
}

TEST_F(StringOpsTest, IncrementKeepsTheExpiryAndMakesAnInteger) {
  const int64_t at = now_ms() + 100;
  ASSERT_TRUE(Set("k", "1", {.expiry_ms = at}).ok());
  ASSERT_TRUE(ops::strings::Append(db_, "k", "0").ok());  // raw text "10"
  Told();
  EXPECT_EQ(*ops::strings::IncrementBy(db_, "k", 5), 15);
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
  EXPECT_EQ(Find("k")->expiry_ms(), at);
  EXPECT_EQ(*ops::strings::IncrementBy(db_, "new", -3), -3);
  EXPECT_THAT(Told(),
              ElementsAre("$incrby db0 k [INCRBY k 5] was '10'", "$incrby db0 new [INCRBY new -3] was nothing"));
}

TEST_F(StringOpsTest, IncrementRefusesOverflowAndOtherText) {
  ASSERT_TRUE(Set("max", "9223372036854775807").ok());
  ASSERT_TRUE(Set("min", "-9223372036854775808").ok());
  ASSERT_TRUE(Set("text", "1.5").ok());
  Told();
  EXPECT_EQ(ops::strings::IncrementBy(db_, "max", 1).error(), errors::kOverflow);
  EXPECT_EQ(ops::strings::IncrementBy(db_, "min", -1).error(), errors::kOverflow);
  EXPECT_EQ(ops::strings::IncrementBy(db_, "text", 1).error(), errors::kNotInteger);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(*ops::strings::IncrementBy(db_, "max", INT64_MIN), -1);
}

TEST_F(StringOpsTest, IncrementByFloatTellsItsResult) {
  FloatDigits digits;
  ASSERT_TRUE(Set("k", "10.50", {.expiry_ms = now_ms() + 100}).ok());
  Told();
  EXPECT_EQ(*ops::strings::IncrementByFloat(db_, "k", 0.1L, digits), "10.6");
  EXPECT_THAT(Told(), ElementsAre("$incrbyfloat db0 k [SET k 10.6 KEEPTTL] was '10.50'"));
  EXPECT_EQ(EncodingOf("k"), Encoding::kEmbstr);
  EXPECT_EQ(*ops::strings::IncrementByFloat(db_, "k", -0.6L, digits), "10");
  EXPECT_EQ(EncodingOf("k"), Encoding::kEmbstr);  // never an integer
  EXPECT_TRUE(Find("k")->has_expiry());
  ASSERT_TRUE(Set("n", "3").ok());
  EXPECT_EQ(*ops::strings::IncrementByFloat(db_, "n", 1, digits), "4");
  EXPECT_EQ(*ops::strings::IncrementByFloat(db_, "missing", 2.5L, digits), "2.5");
}

TEST_F(StringOpsTest, IncrementByFloatRefusesWhatIsNoFiniteNumber) {
  FloatDigits digits;
  ASSERT_TRUE(Set("text", "ten").ok());
  ASSERT_TRUE(Set("huge", "1e4932").ok());
  ASSERT_TRUE(Set("inf", "inf").ok());
  Told();
  EXPECT_EQ(ops::strings::IncrementByFloat(db_, "text", 1, digits).error(), errors::kNotFloat);
  EXPECT_EQ(ops::strings::IncrementByFloat(db_, "huge", 1e4932L, digits).error(), errors::kNanOrInfinity);
  EXPECT_EQ(ops::strings::IncrementByFloat(db_, "inf", 1, digits).error(), errors::kNanOrInfinity);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(StringOpsTest, ReadSaysWhereTheBytesAre) {
  Digits digits;
  const std::string large(3000, 'x');
  ASSERT_TRUE(Set("number", "-42").ok());
  ASSERT_TRUE(Set("large", large).ok());
  EXPECT_FALSE((*ops::strings::Read(db_, "missing", digits)).found);
  EXPECT_EQ((*ops::strings::Read(db_, "number", digits)).bytes, "-42");
  const auto text = *ops::strings::Read(db_, "large", digits);
  EXPECT_EQ(text.bytes, large);
  EXPECT_EQ(text.block, Find("large")->block());
}

// No other type can be made yet, so a string is labelled as a list for once.
TEST_F(StringOpsTest, AnotherTypeIsRefusedByAllButSet) {
  ASSERT_TRUE(Set("k", "1").ok());
  ASSERT_TRUE(db_.EditBytes("k", Find("k"), {keyspace::Type::kList, Encoding::kRaw}, 1, [](char*) {}, {}).ok());
  Told();
  Digits digits;
  FloatDigits float_digits;
  EXPECT_EQ(ops::strings::Read(db_, "k", digits).error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::Append(db_, "k", "x").error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::SetRange(db_, "k", 1, "x").error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::SetRange(db_, "k", 1, "").error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::SetRange(db_, "k", INT64_MAX, "x").error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::IncrementBy(db_, "k", 1).error(), errors::kWrongType);
  EXPECT_EQ(ops::strings::IncrementByFloat(db_, "k", 1, float_digits).error(), errors::kWrongType);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_TRUE(*Set("k", "2"));
  EXPECT_EQ(Find("k")->type(), keyspace::Type::kString);
}

TEST(SliceInclusiveTest, AgreesWithRedisForEveryPairOfOffsets) {
  // What GETRANGE of "abc" replied on redis-server 7.0.15, for start and end from -6 to 5.
  static const char* const kReplies[12][12] = {
      {"a", "a", "a", "a", "ab", "abc", "a", "ab", "abc", "abc", "abc", "abc"},
      {"", "a", "a", "a", "ab", "abc", "a", "ab", "abc", "abc", "abc", "abc"},
      {"", "", "a", "a", "ab", "abc", "a", "ab", "abc", "abc", "abc", "abc"},
      {"", "", "", "a", "ab", "abc", "a", "ab", "abc", "abc", "abc", "abc"},
      {"", "", "", "", "b", "bc", "", "b", "bc", "bc", "bc", "bc"},
      {"", "", "", "", "", "c", "", "", "c", "c", "c", "c"},
      {"a", "a", "a", "a", "ab", "abc", "a", "ab", "abc", "abc", "abc", "abc"},
      {"", "", "", "", "b", "bc", "", "b", "bc", "bc", "bc", "bc"},
      {"", "", "", "", "", "c", "", "", "c", "c", "c", "c"},
      {"", "", "", "", "", "", "", "", "", "", "", ""},
      {"", "", "", "", "", "", "", "", "", "", "", ""},
      {"", "", "", "", "", "", "", "", "", "", "", ""}};
  for (int first = -6; first < 6; ++first) {
    for (int last = -6; last < 6; ++last) {
      EXPECT_EQ(ops::strings::SliceInclusive("abc", first, last), kReplies[first + 6][last + 6])
          << first << " to " << last;
      EXPECT_EQ(ops::strings::SliceInclusive("", first, last), "");
    }
  }
  EXPECT_EQ(ops::strings::SliceInclusive("abc", INT64_MIN, INT64_MAX), "abc");
  EXPECT_EQ(ops::strings::SliceInclusive("abc", INT64_MAX, INT64_MAX), "");
  EXPECT_EQ(ops::strings::SliceInclusive("abc", INT64_MIN, INT64_MIN + 1), "a");
}

}  // namespace
}  // namespace larder::testing
