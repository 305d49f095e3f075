// The string family. Error texts, encodings and odd cases are what redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kSyntax[] = "ERR syntax error";
constexpr char kNotInteger[] = "ERR value is not an integer or out of range";
constexpr char kNotFloat[] = "ERR value is not a valid float";
constexpr char kTooLong[] = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

class StringTest : public CommandTest {
 protected:
  std::string Get(std::string_view key) { return Run({"GET", key}).AsString(); }
};

// --- SET and GET --------------------------------------------------------------------------------------------------------

class SetTest : public StringTest {};
LARDER_COMMAND_TEST(SetTest);

TEST_P(SetTest, WhatIsSetIsRead) {
  EXPECT_THAT(Run({"SET", "k", "v"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("v"));
  EXPECT_THAT(Run({"GET", "missing"}), IsNil());
}

TEST_P(SetTest, KeysAndValuesAreBytes) {
  const std::string bytes("\0\r\n\xff$-1\r\n", 9);
  EXPECT_THAT(Run({"SET", bytes, bytes}), IsOk());
  EXPECT_THAT(Run({"GET", bytes}), IsBulk(bytes));
  EXPECT_THAT(Run({"SET", "", ""}), IsOk());
  EXPECT_THAT(Run({"GET", ""}), IsBulk(""));
}

TEST_P(SetTest, ValuesOfEverySizeComeBack) {
  for (size_t size : {0, 1, 43, 44, 45, 1023, 1024, 1025, 16383, 16384, 16385, 1 << 20}) {
    std::string value(size, ' ');
    for (size_t i = 0; i < size; ++i) value[i] = static_cast<char>('a' + i % 23);
    Run({"SET", "k", value});
    EXPECT_THAT(Run({"GET", "k"}), IsBulk(value)) << size;
  }
}

TEST_P(SetTest, ALargeReplyOutlivesItsKey) {
  const std::string value(100000, 'x');
  Run({"SET", "k", value});
  const Reply reply = Run({"GET", "k"});
  Run({"SET", "k", std::string(100000, 'y')});
  EXPECT_THAT(reply, IsBulk(value));
}

TEST_P(SetTest, NxSetsOnlyAMissingKey) {
  EXPECT_THAT(Run({"SET", "k", "1", "NX"}), IsOk());
  EXPECT_THAT(Run({"SET", "k", "2", "nx"}), IsNil());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("1"));
}

TEST_P(SetTest, XxSetsOnlyAKeyThatIsThere) {
  EXPECT_THAT(Run({"SET", "k", "1", "XX"}), IsNil());
  Run({"SET", "k", "1"});
  EXPECT_THAT(Run({"SET", "k", "2", "xX"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("2"));
}

TEST_P(SetTest, GetReturnsTheOldStringWhateverTheConditionSays) {
  EXPECT_THAT(Run({"SET", "k", "1", "GET"}), IsNil());
  EXPECT_THAT(Run({"SET", "k", "2", "GET"}), IsBulk("1"));
  EXPECT_THAT(Run({"SET", "k", "3", "NX", "GET"}), IsBulk("2"));
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("2"));
  EXPECT_THAT(Run({"SET", "k", "3", "GET", "XX"}), IsBulk("2"));
  EXPECT_THAT(Run({"SET", "missing", "1", "XX", "GET"}), IsNil());
  EXPECT_THAT(Run({"GET", "missing"}), IsNil());
}

TEST_P(SetTest, EachExpiryOptionEndsTheKeyOnTime) {
  const std::string in_2_seconds = std::to_string(now_ms() / 1000 + 2);
  const std::string in_1500_ms = std::to_string(now_ms() + 1500);
  Run({"SET", "ex", "v", "EX", "2"});
  Run({"SET", "px", "v", "PX", "1500"});
  Run({"SET", "exat", "v", "EXAT", in_2_seconds});
  Run({"SET", "pxat", "v", "PXAT", in_1500_ms});
  EXPECT_EQ(TtlMs("ex"), 2000);
  EXPECT_EQ(TtlMs("px"), 1500);
  EXPECT_EQ(TtlMs("pxat"), 1500);
  Advance(absl::Milliseconds(1499));
  EXPECT_THAT(Run({"MGET", "ex", "px", "exat", "pxat"}),
              IsArray(ElementsAre(IsBulk("v"), IsBulk("v"), IsBulk("v"), IsBulk("v"))));
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(Run({"MGET", "ex", "px", "exat", "pxat"}),
              IsArray(ElementsAre(IsBulk("v"), IsNil(), IsBulk("v"), IsNil())));
  Advance(absl::Milliseconds(500));
  EXPECT_THAT(Run({"MGET", "ex", "px", "exat", "pxat"}), IsArray(ElementsAre(IsNil(), IsNil(), IsNil(), IsNil())));
}

TEST_P(SetTest, TheExpiryGoesUnlessKeptAndTheLastOneOfAKindCounts) {
  Run({"SET", "k", "v", "EX", "1", "EX", "20"});
  EXPECT_EQ(TtlMs("k"), 20000);
  EXPECT_THAT(Run({"SET", "k", "w", "KEEPTTL"}), IsOk());
  EXPECT_EQ(TtlMs("k"), 20000);
  Run({"SET", "k", "x"});
  EXPECT_EQ(TtlMs("k"), -1);
  EXPECT_THAT(Run({"SET", "new", "x", "KEEPTTL", "KEEPTTL"}), IsOk());
  EXPECT_EQ(TtlMs("new"), -1);
}

TEST_P(SetTest, AnExpiryThatHasPassedLeavesNoKey) {
  EXPECT_THAT(Run({"SET", "k", "v", "EXAT", "1"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsNil());
  Run({"SET", "k", "old"});
  EXPECT_THAT(Run({"SET", "k", "v", "GET", "PXAT", "1"}), IsBulk("old"));
  EXPECT_THAT(Run({"SET", "k", "w", "NX"}), IsOk());
}

TEST_P(SetTest, OptionsThatContradictAreASyntaxError) {
  const std::vector<std::vector<std::string>> cases = {
      {"NX", "XX"}, {"XX", "NX"}, {"EX", "10", "PX", "10"}, {"EX", "10", "KEEPTTL"}, {"KEEPTTL", "EX", "10"},
      {"PX", "10", "EXAT", "10"}, {"EXAT", "10", "PXAT", "10"}, {"EX"}, {"PX"}, {"EX", "10", "EX"}, {"PERSIST"},
      {"EX", "10", "PERSIST"}, {"bogus"}, {"10"}, {""}, {"EX", "bad", "bogus"}, {"N"}, {"GET", "KEEPTTL", "PX", "1"}};
  for (const auto& options : cases) {
    std::vector<std::string> argv = {"SET", "k", "v"};
    argv.insert(argv.end(), options.begin(), options.end());
    EXPECT_THAT(Run(argv), IsError(kSyntax)) << ::testing::PrintToString(options);
  }
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
}

TEST_P(SetTest, AnExpiryMustBeAPositiveTimeThatFits) {
  for (const char* unit : {"EX", "PX", "EXAT", "PXAT"}) {
    for (const char* bad : {"0", "-1", "-9223372036854775808"}) {
      EXPECT_THAT(Run({"SET", "k", "v", unit, bad}), IsError("ERR invalid expire time in 'set' command")) << unit;
    }
    for (const char* bad : {"abc", "", "1.5", "9223372036854775808", " 1"}) {
      EXPECT_THAT(Run({"SET", "k", "v", unit, bad}), IsError(kNotInteger)) << unit << " " << bad;
    }
  }
  for (const char* unit : {"EX", "PX", "EXAT"}) {
    EXPECT_THAT(Run({"SET", "k", "v", unit, "9223372036854775807"}),
                IsError("ERR invalid expire time in 'set' command"));
  }
  EXPECT_THAT(Run({"SET", "k", "v", "EXAT", "9223372036854776"}), IsError("ERR invalid expire time in 'set' command"));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  EXPECT_THAT(Run({"SET", "k", "v", "EXAT", "9223372036854775"}), IsOk());
  EXPECT_THAT(Run({"PEXPIRETIME", "k"}), IsInt(9223372036854775000));
  EXPECT_THAT(Run({"SET", "k", "v", "PXAT", "9223372036854775807"}), IsOk());
  EXPECT_THAT(Run({"PEXPIRETIME", "k"}), IsInt(INT64_MAX));
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("v"));
}

// Syntax, then the expiry's value, then what is at the key.
TEST_P(SetTest, ComplaintsComeInRedisOrder) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"SET", "k", "w", "NX", "EX", "bad"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"SET", "missing", "w", "XX", "EX", "0"}), IsError("ERR invalid expire time in 'set' command"));
  EXPECT_THAT(Run({"SET"}), IsError("ERR wrong number of arguments for 'set' command"));
  EXPECT_THAT(Run({"SET", "k"}), IsError("ERR wrong number of arguments for 'set' command"));
  EXPECT_THAT(Run({"GET", "k", "k"}), IsError("ERR wrong number of arguments for 'get' command"));
}

class SetVariantsTest : public StringTest {};
LARDER_COMMAND_TEST(SetVariantsTest);

TEST_P(SetVariantsTest, SetnxSetsOnlyAMissingKey) {
  EXPECT_THAT(Run({"SETNX", "k", "1"}), IsInt(1));
  EXPECT_THAT(Run({"SETNX", "k", "2"}), IsInt(0));
  EXPECT_EQ(Get("k"), "1");
  Run({"SET", "k", "1", "PX", "10"});
  Advance(absl::Milliseconds(10));
  EXPECT_THAT(Run({"SETNX", "k", "3"}), IsInt(1));
  EXPECT_EQ(TtlMs("k"), -1);
}

TEST_P(SetVariantsTest, SetexAndPsetexSetWithAnExpiry) {
  EXPECT_THAT(Run({"SETEX", "s", "10", "v"}), IsOk());
  EXPECT_THAT(Run({"PSETEX", "p", "10", "v"}), IsOk());
  EXPECT_EQ(TtlMs("s"), 10000);
  EXPECT_EQ(TtlMs("p"), 10);
  EXPECT_THAT(Run({"SETEX", "k", "0", "v"}), IsError("ERR invalid expire time in 'setex' command"));
  EXPECT_THAT(Run({"SETEX", "k", "-1", "v"}), IsError("ERR invalid expire time in 'setex' command"));
  EXPECT_THAT(Run({"SETEX", "k", "9223372036854775", "v"}), IsError("ERR invalid expire time in 'setex' command"));
  EXPECT_THAT(Run({"PSETEX", "k", "0", "v"}), IsError("ERR invalid expire time in 'psetex' command"));
  EXPECT_THAT(Run({"PSETEX", "k", "9223372036854775807", "v"}), IsError("ERR invalid expire time in 'psetex' command"));
  EXPECT_THAT(Run({"SETEX", "k", "a", "v"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
}

TEST_P(SetVariantsTest, GetsetReturnsTheOldStringAndDropsTheExpiry) {
  EXPECT_THAT(Run({"GETSET", "k", "1"}), IsNil());
  Run({"PEXPIRE", "k", "1000"});
  EXPECT_THAT(Run({"GETSET", "k", "2"}), IsBulk("1"));
  EXPECT_EQ(TtlMs("k"), -1);
  EXPECT_EQ(Get("k"), "2");
}

TEST_P(SetVariantsTest, GetdelReturnsTheStringAndDeletesTheKey) {
  EXPECT_THAT(Run({"GETDEL", "k"}), IsNil());
  const std::string large(50000, 'x');
  for (const std::string& value : {std::string("v"), std::string("12"), large}) {
    Run({"SET", "k", value});
    EXPECT_THAT(Run({"GETDEL", "k"}), IsBulk(value));
    EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  }
}

class GetExTest : public StringTest {};
LARDER_COMMAND_TEST(GetExTest);

TEST_P(GetExTest, SetsKeepsAndRemovesTheExpiry) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"GETEX", "k"}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), -1);
  EXPECT_THAT(Run({"GETEX", "k", "EX", "10"}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), 10000);
  EXPECT_THAT(Run({"GETEX", "k"}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), 10000);
  EXPECT_THAT(Run({"GETEX", "k", "PX", "10", "PX", "20"}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), 20);
  EXPECT_THAT(Run({"GETEX", "k", "PXAT", std::to_string(now_ms() + 7)}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), 7);
  EXPECT_THAT(Run({"GETEX", "k", "EXAT", std::to_string(now_ms() / 1000 + 100)}), IsBulk("v"));
  EXPECT_GT(TtlMs("k"), 99000);
  EXPECT_THAT(Run({"GETEX", "k", "PERSIST"}), IsBulk("v"));
  EXPECT_EQ(TtlMs("k"), -1);
  EXPECT_THAT(Run({"GETEX", "k", "persist", "PERSIST"}), IsBulk("v"));
}

TEST_P(GetExTest, AnExpiryThatHasPassedDeletesTheKey) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"GETEX", "k", "EXAT", "1"}), IsBulk("v"));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
}

// Syntax, then the key, then the expiry's value.
TEST_P(GetExTest, ComplaintsComeInRedisOrder) {
  EXPECT_THAT(Run({"GETEX", "missing", "EX", "0"}), IsNil());
  EXPECT_THAT(Run({"GETEX", "missing", "EX", "abc"}), IsNil());
  Run({"SET", "k", "v"});
  const std::vector<std::vector<std::string>> cases = {
      {"EX"}, {"EX", "10", "PX", "1"}, {"PERSIST", "EX", "10"}, {"EX", "10", "PERSIST"}, {"KEEPTTL"}, {"NX"}, {"GET"},
      {"bogus"}, {"PX", "10", "EXAT", "1"}};
  for (const auto& options : cases) {
    std::vector<std::string> argv = {"GETEX", "k"};
    argv.insert(argv.end(), options.begin(), options.end());
    EXPECT_THAT(Run(argv), IsError(kSyntax)) << ::testing::PrintToString(options);
    argv[1] = "missing";
    EXPECT_THAT(Run(argv), IsError(kSyntax)) << ::testing::PrintToString(options);
  }
  EXPECT_THAT(Run({"GETEX", "k", "EX", "0"}), IsError("ERR invalid expire time in 'getex' command"));
  EXPECT_THAT(Run({"GETEX", "k", "EX", "x"}), IsError(kNotInteger));
  EXPECT_EQ(TtlMs("k"), -1);
}

// --- Several keys -------------------------------------------------------------------------------------------------------

class ManyKeysTest : public StringTest {};
LARDER_COMMAND_TEST(ManyKeysTest);

TEST_P(ManyKeysTest, MgetRepliesInOrderWithNilForTheMissing) {
  Run({"MSET", "a", "1", "b", "two"});
  EXPECT_THAT(Run({"MGET", "b", "missing", "a", "b"}),
              IsArray(ElementsAre(IsBulk("two"), IsNil(), IsBulk("1"), IsBulk("two"))));
}

TEST_P(ManyKeysTest, MsetSetsAllAndTheLastOfAKeyCounts) {
  Run({"SET", "a", "old", "EX", "10"});
  EXPECT_THAT(Run({"MSET", "a", "1", "b", "2", "a", "3"}), IsOk());
  EXPECT_EQ(Get("a"), "3");
  EXPECT_EQ(Get("b"), "2");
  EXPECT_EQ(TtlMs("a"), -1);
}

TEST_P(ManyKeysTest, MsetTakesLargeAndSmallValuesTogether) {
  const std::string large(70000, 'x');
  Run({"MSET", "a", large, "b", "1", "c", large, "d", std::string(1025, 'y')});
  EXPECT_EQ(Get("a"), large);
  EXPECT_EQ(Get("b"), "1");
  EXPECT_EQ(Get("c"), large);
  EXPECT_EQ(Get("d"), std::string(1025, 'y'));
}

TEST_P(ManyKeysTest, MsetnxSetsAllOrNothing) {
  Run({"SET", "b", "here"});
  EXPECT_THAT(Run({"MSETNX", "a", "1", "b", "2"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
  EXPECT_THAT(Run({"MSETNX", "a", "1", "c", "2", "c", "3"}), IsInt(1));
  EXPECT_EQ(Get("c"), "3");
}

TEST_P(ManyKeysTest, AKeyWithoutItsValueIsAnArityError) {
  EXPECT_THAT(Run({"MSET", "a"}), IsError("ERR wrong number of arguments for 'mset' command"));
  EXPECT_THAT(Run({"MSET", "a", "1", "b"}), IsError("ERR wrong number of arguments for 'mset' command"));
  EXPECT_THAT(Run({"MSETNX", "a", "1", "b"}), IsError("ERR wrong number of arguments for 'msetnx' command"));
  EXPECT_THAT(Run({"MGET"}), IsError("ERR wrong number of arguments for 'mget' command"));
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
}

// --- Parts of strings ---------------------------------------------------------------------------------------------------

class GetRangeTest : public StringTest {};
LARDER_COMMAND_TEST(GetRangeTest);

TEST_P(GetRangeTest, NegativeOffsetsCountFromTheEnd) {
  Run({"SET", "k", "lighthouse"});
  EXPECT_THAT(Run({"GETRANGE", "k", "-5", "-1"}), IsBulk("house"));
  EXPECT_THAT(Run({"GETRANGE", "k", "0", "4"}), IsBulk("light"));
  EXPECT_THAT(Run({"GETRANGE", "k", "0", "-1"}), IsBulk("lighthouse"));
  EXPECT_THAT(Run({"GETRANGE", "k", "5", "100"}), IsBulk("house"));
  EXPECT_THAT(Run({"GETRANGE", "k", "5", "4"}), IsBulk(""));
  EXPECT_THAT(Run({"GETRANGE", "k", "-100", "-99"}), IsBulk("l"));
  EXPECT_THAT(Run({"SUBSTR", "k", "-5", "-1"}), IsBulk("house"));
}

TEST_P(GetRangeTest, ExpiredKeyReadsAsEmpty) {
  Run({"SET", "k", "lighthouse", "PX", "100"});
  Advance(absl::Milliseconds(100));
  EXPECT_THAT(Run({"GETRANGE", "k", "0", "-1"}), IsBulk(""));
  EXPECT_THAT(Run({"GETRANGE", "missing", "0", "-1"}), IsBulk(""));
}

TEST_P(GetRangeTest, IntegersAndLargeValuesHaveRangesToo) {
  Run({"SET", "n", "-12345"});
  EXPECT_THAT(Run({"GETRANGE", "n", "1", "2"}), IsBulk("12"));
  std::string large(100000, ' ');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);
  Run({"SET", "k", large});
  EXPECT_THAT(Run({"GETRANGE", "k", "10", "20"}), IsBulk(large.substr(10, 11)));
  EXPECT_THAT(Run({"GETRANGE", "k", "30000", "-2"}), IsBulk(large.substr(30000, large.size() - 30001)));
}

TEST_P(GetRangeTest, OffsetsMustBeIntegers) {
  EXPECT_THAT(Run({"GETRANGE", "missing", "a", "1"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"GETRANGE", "missing", "1", "1.0"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"GETRANGE", "k", "1"}), IsError("ERR wrong number of arguments for 'getrange' command"));
}

class EditTest : public StringTest {};
LARDER_COMMAND_TEST(EditTest);

TEST_P(EditTest, SetrangeOverwritesAndFillsWithZeros) {
  Run({"SET", "k", "Hello World"});
  EXPECT_THAT(Run({"SETRANGE", "k", "6", "Redis"}), IsInt(11));
  EXPECT_EQ(Get("k"), "Hello Redis");
  EXPECT_THAT(Run({"SETRANGE", "new", "3", "x"}), IsInt(4));
  EXPECT_EQ(Get("new"), std::string("\0\0\0x", 4));
}

TEST_P(EditTest, SetrangeOfNothingMakesNoKey) {
  EXPECT_THAT(Run({"SETRANGE", "k", "5", ""}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  EXPECT_THAT(Run({"SETRANGE", "k", "536870912", ""}), IsInt(0));
  Run({"SET", "k", "12"});
  EXPECT_THAT(Run({"SETRANGE", "k", "5", ""}), IsInt(2));
}

TEST_P(EditTest, SetrangeRefusesOffsetsOutOfRange) {
  EXPECT_THAT(Run({"SETRANGE", "k", "-1", "v"}), IsError("ERR offset is out of range"));
  EXPECT_THAT(Run({"SETRANGE", "k", "abc", "v"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"SETRANGE", "k", "536870912", "v"}), IsError(kTooLong));
  EXPECT_THAT(Run({"SETRANGE", "k", "9223372036854775807", "v"}), IsError(kTooLong));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
}

TEST_P(EditTest, LengthsAreLimitedByProtoMaxBulkLen) {
  ASSERT_THAT(Run({"CONFIG", "SET", "proto-max-bulk-len", "1mb"}), IsOk());
  EXPECT_THAT(Run({"SETRANGE", "k", "1048575", "x"}), IsInt(1048576));
  EXPECT_THAT(Run({"APPEND", "k", "x"}), IsError(kTooLong));
  EXPECT_THAT(Run({"SETRANGE", "k", "1048576", "x"}), IsError(kTooLong));
  EXPECT_THAT(Run({"APPEND", "k", ""}), IsInt(1048576));
}

TEST_P(EditTest, AppendMakesOrExtendsAString) {
  EXPECT_THAT(Run({"APPEND", "k", "Hello"}), IsInt(5));
  EXPECT_THAT(Run({"APPEND", "k", " World"}), IsInt(11));
  EXPECT_EQ(Get("k"), "Hello World");
  EXPECT_THAT(Run({"APPEND", "empty", ""}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "empty"}), IsInt(1));
}

TEST_P(EditTest, AppendingByteByByteMakesALongString) {
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string byte(1, static_cast<char>('a' + i % 26));
    expected += byte;
    ASSERT_THAT(Run({"APPEND", "k", byte}), IsInt(i + 1));
  }
  EXPECT_EQ(Get("k"), expected);
}

TEST_P(EditTest, EditsKeepTheExpiry) {
  Run({"SET", "k", "1", "PX", "5000"});
  Run({"APPEND", "k", "2"});
  EXPECT_EQ(TtlMs("k"), 5000);
  Run({"SETRANGE", "k", "0", "9"});
  Run({"INCR", "k"});
  Run({"INCRBYFLOAT", "k", "0.5"});
  EXPECT_EQ(Get("k"), "93.5");
  EXPECT_EQ(TtlMs("k"), 5000);
}

TEST_P(EditTest, StrlenCountsBytes) {
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(0));
  Run({"SET", "k", "-123"});
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(4));
  Run({"SET", "k", std::string(20000, 'x')});
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(20000));
}

// --- Numbers ------------------------------------------------------------------------------------------------------------

class NumberTest : public StringTest {};
LARDER_COMMAND_TEST(NumberTest);

TEST_P(NumberTest, CountsFromZeroUpAndDown) {
  EXPECT_THAT(Run({"INCR", "k"}), IsInt(1));
  EXPECT_THAT(Run({"INCRBY", "k", "41"}), IsInt(42));
  EXPECT_THAT(Run({"DECR", "k"}), IsInt(41));
  EXPECT_THAT(Run({"DECRBY", "k", "50"}), IsInt(-9));
  EXPECT_THAT(Run({"INCRBY", "k", "-1"}), IsInt(-10));
  EXPECT_THAT(Run({"DECR", "new"}), IsInt(-1));
}

TEST_P(NumberTest, OverflowIsRefused) {
  Run({"SET", "max", "9223372036854775807"});
  Run({"SET", "min", "-9223372036854775808"});
  EXPECT_THAT(Run({"INCR", "max"}), IsError("ERR increment or decrement would overflow"));
  EXPECT_THAT(Run({"DECR", "min"}), IsError("ERR increment or decrement would overflow"));
  EXPECT_THAT(Run({"DECRBY", "min", "1"}), IsError("ERR increment or decrement would overflow"));
  EXPECT_THAT(Run({"DECRBY", "k", "-9223372036854775808"}), IsError("ERR decrement would overflow"));
  EXPECT_THAT(Run({"DECRBY", "k", "9223372036854775808"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"INCRBY", "min", "9223372036854775807"}), IsInt(-1));
  EXPECT_EQ(Get("max"), "9223372036854775807");
}

TEST_P(NumberTest, OnlyAnIntegersExactTextCounts) {
  for (const char* text : {" 1", "1 ", "1.5", "", "abc", "01", "+1", "-0", "1e2", "9223372036854775808"}) {
    Run({"SET", "k", text});
    EXPECT_THAT(Run({"INCR", "k"}), IsError(kNotInteger)) << text;
    EXPECT_THAT(Run({"INCRBY", "n", text}), IsError(kNotInteger)) << text;
  }
  EXPECT_THAT(Run({"EXISTS", "n"}), IsInt(0));
}

TEST_P(NumberTest, FloatsAreAddedInDecimalAsRedisPrintsThem) {
  Run({"SET", "k", "10.50"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "0.1"}), IsBulk("10.6"));
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "-5"}), IsBulk("5.6"));
  Run({"SET", "k", "5.0e3"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "2.0e2"}), IsBulk("5200"));
  EXPECT_THAT(Run({"INCRBYFLOAT", "new", "3"}), IsBulk("3"));
  EXPECT_THAT(Run({"INCRBYFLOAT", "new", "1e30"}), IsBulk("1000000000000000000024696061952"));
  Run({"SET", "k", "-0"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "0"}), IsBulk("0"));
  Run({"SET", "k", "1"});
  const Reply huge = Run({"INCRBYFLOAT", "k", "1e4900"});
  EXPECT_EQ(huge.string_view().size(), 4901u);
  EXPECT_EQ(Get("k"), huge.string_view());
}

TEST_P(NumberTest, FloatsRefuseWhatIsNoFiniteNumber) {
  Run({"SET", "k", "1.5"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "abc"}), IsError(kNotFloat));
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "nan"}), IsError(kNotFloat));
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", ""}), IsError(kNotFloat));
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "inf"}), IsError("ERR increment would produce NaN or Infinity"));
  EXPECT_EQ(Get("k"), "1.5");
  Run({"SET", "k", "1e4932"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "1e4932"}), IsError("ERR increment would produce NaN or Infinity"));
  Run({"SET", "k", "text"});
  EXPECT_THAT(Run({"INCRBYFLOAT", "k", "1"}), IsError(kNotFloat));
}

// --- Encodings ----------------------------------------------------------------------------------------------------------

class EncodingTest : public StringTest {};
LARDER_COMMAND_TEST(EncodingTest);

TEST_P(EncodingTest, WhatIsSetIsIntEmbstrOrRaw) {
  const std::pair<std::string, std::string> cases[] = {
      {"0", "int"}, {"-1", "int"}, {"9223372036854775807", "int"}, {"-9223372036854775808", "int"},
      {"9223372036854775808", "embstr"}, {"010", "embstr"}, {"-0", "embstr"}, {"+1", "embstr"}, {"1.0", "embstr"},
      {"", "embstr"}, {"text", "embstr"}, {std::string(44, 'x'), "embstr"}, {std::string(45, 'x'), "raw"},
      {std::string(2000, 'x'), "raw"}, {std::string(100000, 'x'), "raw"}};
  for (const auto& [value, encoding] : cases) {
    Run({"SET", "k", value});
    EXPECT_EQ(EncodingOf("k"), encoding) << value;
    Run({"GETSET", "k", value});
    EXPECT_EQ(EncodingOf("k"), encoding) << value;
    Run({"MSET", "k", value});
    EXPECT_EQ(EncodingOf("k"), encoding) << value;
    Run({"SETEX", "k", "10", value});
    EXPECT_EQ(EncodingOf("k"), encoding) << value;
    Run({"DEL", "k"});
    Run({"APPEND", "k", value});  // to a missing key it is a SET
    EXPECT_EQ(EncodingOf("k"), encoding) << value;
    Run({"APPEND", "k", ""});
    EXPECT_EQ(EncodingOf("k"), "raw") << value;
  }
}

TEST_P(EncodingTest, EditsLeaveRawAndArithmeticItsOwn) {
  Run({"SETRANGE", "k", "0", "1"});
  EXPECT_EQ(EncodingOf("k"), "raw");
  Run({"INCR", "k"});
  EXPECT_EQ(EncodingOf("k"), "int");
  Run({"SETRANGE", "k", "0", ""});
  EXPECT_EQ(EncodingOf("k"), "int");
  Run({"APPEND", "k", "0"});
  EXPECT_EQ(EncodingOf("k"), "raw");
  Run({"DECRBY", "k", "1"});
  EXPECT_EQ(EncodingOf("k"), "int");
  Run({"INCRBYFLOAT", "k", "1"});
  EXPECT_EQ(EncodingOf("k"), "embstr");
  Run({"INCRBYFLOAT", "k", "1e50"});
  EXPECT_EQ(EncodingOf("k"), "raw");
}

// --- LCS ----------------------------------------------------------------------------------------------------------------

class LcsTest : public StringTest {
 protected:
  LcsTest() { Run({"MSET", "a", "ohmytext", "b", "mynewtext"}); }
};
LARDER_COMMAND_TEST(LcsTest);

TEST_P(LcsTest, RepliesTheSubsequenceOrItsLength) {
  EXPECT_THAT(Run({"LCS", "a", "b"}), IsBulk("mytext"));
  EXPECT_THAT(Run({"LCS", "a", "b", "LEN"}), IsInt(6));
  EXPECT_THAT(Run({"LCS", "a", "missing"}), IsBulk(""));
  EXPECT_THAT(Run({"LCS", "missing", "missing", "LEN"}), IsInt(0));
  EXPECT_THAT(Run({"LCS", "a", "b", "WITHMATCHLEN", "MINMATCHLEN", "3"}), IsBulk("mytext"));
}

TEST_P(LcsTest, RepliesThePlacesOfTheMatches) {
  const auto first = [](auto... more) {
    return IsArray(
        ElementsAre(IsArray(ElementsAre(IsInt(4), IsInt(7))), IsArray(ElementsAre(IsInt(5), IsInt(8))), more...));
  };
  const auto second = [](auto... more) {
    return IsArray(
        ElementsAre(IsArray(ElementsAre(IsInt(2), IsInt(3))), IsArray(ElementsAre(IsInt(0), IsInt(1))), more...));
  };
  const auto reply = [](auto matches) {
    return IsMap(ElementsAre(Pair(IsBulk("matches"), IsArray(matches)), Pair(IsBulk("len"), IsInt(6))));
  };
  EXPECT_THAT(Run({"LCS", "a", "b", "IDX"}), reply(ElementsAre(first(), second())));
  EXPECT_THAT(Run({"LCS", "a", "b", "IDX", "MINMATCHLEN", "-5"}), reply(ElementsAre(first(), second())));
  EXPECT_THAT(Run({"LCS", "a", "b", "IDX", "MINMATCHLEN", "4"}), reply(ElementsAre(first())));
  EXPECT_THAT(Run({"LCS", "a", "b", "IDX", "MINMATCHLEN", "5"}), reply(IsEmpty()));
  EXPECT_THAT(Run({"LCS", "a", "b", "idx", "withmatchlen"}), reply(ElementsAre(first(IsInt(4)), second(IsInt(2)))));
  EXPECT_THAT(Run({"LCS", "missing", "b", "IDX"}),
              IsMap(ElementsAre(Pair(IsBulk("matches"), IsArray(IsEmpty())), Pair(IsBulk("len"), IsInt(0)))));
}

TEST_P(LcsTest, RefusesAsRedisDoes) {
  EXPECT_THAT(Run({"LCS", "a", "b", "IDX", "LEN"}),
              IsError("ERR If you want both the length and indexes, please just use IDX."));
  EXPECT_THAT(Run({"LCS", "a", "b", "MINMATCHLEN"}), IsError(kSyntax));
  EXPECT_THAT(Run({"LCS", "a", "b", "MINMATCHLEN", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"LCS", "a", "b", "bogus"}), IsError(kSyntax));
  EXPECT_THAT(Run({"LCS", "a"}), IsError("ERR wrong number of arguments for 'lcs' command"));
  Run({"SETRANGE", "big", "20000", "x"});
  EXPECT_THAT(Run({"LCS", "big", "big"}),
              IsError("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"));
}

// --- The rows -----------------------------------------------------------------------------------------------------------

class StringRowsTest : public StringTest {};
LARDER_COMMAND_TEST(StringRowsTest);

TEST_P(StringRowsTest, ArityIsCheckedForEveryCommand) {
  const std::pair<const char*, int> cases[] = {
      {"APPEND", 3}, {"DECR", 2}, {"DECRBY", 3}, {"GET", 2}, {"GETDEL", 2}, {"GETEX", -2}, {"GETRANGE", 4},
      {"GETSET", 3}, {"INCR", 2}, {"INCRBY", 3}, {"INCRBYFLOAT", 3}, {"LCS", -3}, {"MGET", -2}, {"MSET", -3},
      {"MSETNX", -3}, {"PSETEX", 4}, {"SET", -3}, {"SETEX", 4}, {"SETNX", 3}, {"SETRANGE", 4}, {"STRLEN", 2},
      {"SUBSTR", 4}};
  for (const auto& [name, arity] : cases) {
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(c | 0x20);
    const std::string error = "ERR wrong number of arguments for '" + lower + "' command";
    std::vector<std::string> argv(static_cast<size_t>(arity < 0 ? -arity : arity), "1");
    argv[0] = name;
    argv.pop_back();
    EXPECT_THAT(Run(argv), IsError(error));
    if (arity < 0) continue;
    argv.push_back("1");
    argv.push_back("1");
    EXPECT_THAT(Run(argv), IsError(error));
  }
}

}  // namespace
}  // namespace larder::testing
