// The bitmap family. Error texts, encodings and odd cases are what redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

constexpr char kSyntax[] = "ERR syntax error";
constexpr char kNotInteger[] = "ERR value is not an integer or out of range";
constexpr char kBadOffset[] = "ERR bit offset is not an integer or out of range";
constexpr char kBadBit[] = "ERR bit is not an integer or out of range";
constexpr char kBadType[] =
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

class BitmapTest : public CommandTest {
 protected:
  std::string Get(std::string_view key) { return Run({"GET", key}).AsString(); }
};

// --- GETBIT and SETBIT ----------------------------------------------------------------------------------------------

class SetBitTest : public BitmapTest {};
LARDER_COMMAND_TEST(SetBitTest);

TEST_P(SetBitTest, TheFirstBitIsTheHighestOfTheFirstByte) {
  EXPECT_THAT(Run({"SETBIT", "k", "0", "1"}), IsInt(0));
  EXPECT_THAT(Run({"SETBIT", "k", "15", "1"}), IsInt(0));
  EXPECT_EQ(Get("k"), "\x80\x01");
  EXPECT_THAT(Run({"SETBIT", "k", "0", "0"}), IsInt(1));
  EXPECT_THAT(Run({"GETBIT", "k", "0"}), IsInt(0));
  EXPECT_THAT(Run({"GETBIT", "k", "15"}), IsInt(1));
}

TEST_P(SetBitTest, BitsThatAreNotThereAreZero) {
  EXPECT_THAT(Run({"GETBIT", "missing", "0"}), IsInt(0));
  Run({"SET", "k", "\xff"});
  EXPECT_THAT(Run({"GETBIT", "k", "8"}), IsInt(0));
  EXPECT_THAT(Run({"GETBIT", "k", "4294967295"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "missing"}), IsInt(0));
}

TEST_P(SetBitTest, AClearedBitMakesTheStringLongEnoughToo) {
  EXPECT_THAT(Run({"SETBIT", "k", "100", "0"}), IsInt(0));
  EXPECT_EQ(Get("k"), std::string(13, '\0'));
}

TEST_P(SetBitTest, NumbersAreStringsAndTheExpiryStays) {
  Run({"SET", "k", "12345", "EX", "100"});
  EXPECT_THAT(Run({"GETBIT", "k", "2"}), IsInt(1));
  EXPECT_EQ(EncodingOf("k"), "int");
  EXPECT_THAT(Run({"SETBIT", "k", "7", "0"}), IsInt(1));
  EXPECT_EQ(Get("k"), "02345");
  EXPECT_EQ(EncodingOf("k"), "raw");
  EXPECT_EQ(TtlMs("k"), 100'000);
}

TEST_P(SetBitTest, TheEncodingIsRawEvenIfTheBitIsAsItWas) {
  for (const char* value : {"5", "abc"}) {
    Run({"SET", "k", value});
    EXPECT_TRUE(RunsAfter("k", {"SETBIT", "k", "0", "0"}));
    EXPECT_EQ(EncodingOf("k"), "raw");
    EXPECT_EQ(Get("k"), value);
  }
}

TEST_P(SetBitTest, OnlyAChangeIsOneForWhoWatches) {
  Run({"SETBIT", "k", "0", "1"});
  EXPECT_TRUE(RunsAfter("k", {"SETBIT", "k", "0", "1"}));
  EXPECT_FALSE(RunsAfter("k", {"SETBIT", "k", "0", "0"}));
  EXPECT_FALSE(RunsAfter("k", {"SETBIT", "k", "8", "0"}));
  EXPECT_FALSE(RunsAfter("missing", {"SETBIT", "missing", "0", "0"}));
}

TEST_P(SetBitTest, OffsetsAreWithinTheLongestString) {
  for (const char* offset : {"-1", "4294967296", "9223372036854775807", "x", "", "01", "+1", "#1"}) {
    EXPECT_THAT(Run({"GETBIT", "k", offset}), IsError(kBadOffset)) << offset;
    EXPECT_THAT(Run({"SETBIT", "k", offset, "x"}), IsError(kBadOffset)) << offset;
  }
  Run({"CONFIG", "SET", "proto-max-bulk-len", "1mb"});
  EXPECT_THAT(Run({"SETBIT", "k", "8388608", "1"}), IsError(kBadOffset));
  EXPECT_THAT(Run({"GETBIT", "k", "8388608"}), IsError(kBadOffset));
  EXPECT_THAT(Run({"SETBIT", "k", "8388607", "1"}), IsInt(0));
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(1 << 20));
}

TEST_P(SetBitTest, ABitIsZeroOrOne) {
  for (const char* bit : {"2", "-1", "x", "", "01", "1 "}) {
    EXPECT_THAT(Run({"SETBIT", "k", "1", bit}), IsError(kBadBit)) << bit;
  }
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
}

// --- BITCOUNT ---------------------------------------------------------------------------------------------------------

class BitCountTest : public BitmapTest {
 protected:
  BitCountTest() {
    Run({"SET", "abc", "abc"});  // 3, 3 and 4 bits
    Run({"SET", "n", "12345"});
    Run({"SET", "empty", ""});
  }
};
LARDER_COMMAND_TEST(BitCountTest);

TEST_P(BitCountTest, BitsOfTheStringOrOfAPart) {
  EXPECT_THAT(Run({"BITCOUNT", "abc"}), IsInt(10));
  EXPECT_THAT(Run({"BITCOUNT", "n"}), IsInt(17));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "0", "0"}), IsInt(3));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-2", "-1"}), IsInt(7));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "1", "100", "byte"}), IsInt(7));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "5", "30", "BIT"}), IsInt(8));
  EXPECT_THAT(Run({"BITCOUNT", "n", "-30", "-28", "bit"}), IsInt(2));
}

TEST_P(BitCountTest, WhatIsOutsideOrMissingCountsNothing) {
  EXPECT_THAT(Run({"BITCOUNT", "missing"}), IsInt(0));
  EXPECT_THAT(Run({"BITCOUNT", "empty", "0", "-1"}), IsInt(0));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "3", "1"}), IsInt(0));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "99", "100"}), IsInt(0));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-5", "-10"}), IsInt(0));
}

TEST_P(BitCountTest, APartBeforeTheBeginningIsTheFirstByteOrBit) {
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-10", "-5"}), IsInt(3));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-100", "0"}), IsInt(3));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-100", "-99", "BIT"}), IsInt(0));
  EXPECT_THAT(Run({"BITCOUNT", "abc", "-9223372036854775808", "9223372036854775807", "BIT"}), IsInt(10));
}

TEST_P(BitCountTest, AMissingKeyHasAnAnswerWhateverTheRangeSays) {
  const std::vector<std::vector<std::string>> bad = {{"0"}, {"x", "1"}, {"0", "1", "BITS"}, {"0", "1", "BIT", "x"}};
  for (const auto& range : bad) {
    for (const char* key : {"missing", "empty"}) {
      std::vector<std::string> argv = {"BITCOUNT", key};
      argv.insert(argv.end(), range.begin(), range.end());
      const bool missing = key[0] == 'm';
      EXPECT_THAT(Run(argv), missing ? IsInt(0) : IsError(range[0] == "x" ? kNotInteger : kSyntax));
    }
  }
  EXPECT_THAT(Run({"BITCOUNT", "abc", "x", "y", "FOO"}), IsError(kNotInteger));
}

// --- BITPOS -----------------------------------------------------------------------------------------------------------

class BitPosTest : public BitmapTest {
 protected:
  BitPosTest() {
    Run({"SET", "abc", "abc"});
    Run({"SET", "ones", "\xff\xff\xff"});
    Run({"SET", "zeros", "\0\0\0"s});
    Run({"SET", "empty", ""});
  }
};
LARDER_COMMAND_TEST(BitPosTest);

TEST_P(BitPosTest, TheFirstBitOfAKind) {
  EXPECT_THAT(Run({"BITPOS", "abc", "1"}), IsInt(1));
  EXPECT_THAT(Run({"BITPOS", "abc", "0"}), IsInt(0));
  EXPECT_THAT(Run({"BITPOS", "abc", "1", "-1"}), IsInt(17));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "10", "12", "BIT"}), IsInt(11));
  EXPECT_THAT(Run({"BITPOS", "zeros", "1"}), IsInt(-1));
  EXPECT_THAT(Run({"BITPOS", "abc", "1", "-100", "-50"}), IsInt(1));
  EXPECT_THAT(Run({"BITPOS", "abc", "1", "-50", "-100"}), IsInt(1));  // BITCOUNT differs
}

TEST_P(BitPosTest, ZerosFollowAStringUnlessAnEndIsGiven) {
  EXPECT_THAT(Run({"BITPOS", "ones", "0"}), IsInt(24));
  EXPECT_THAT(Run({"BITPOS", "ones", "0", "-1"}), IsInt(24));
  EXPECT_THAT(Run({"BITPOS", "ones", "0", "0", "-1"}), IsInt(-1));
  EXPECT_THAT(Run({"BITPOS", "ones", "0", "3"}), IsInt(-1));
  EXPECT_THAT(Run({"BITPOS", "empty", "0"}), IsInt(-1));
  EXPECT_THAT(Run({"BITPOS", "missing", "0", "5", "9"}), IsInt(0));
  EXPECT_THAT(Run({"BITPOS", "missing", "1"}), IsInt(-1));
}

TEST_P(BitPosTest, WhatIsWrongIsSaidInRedisOrder) {
  for (const char* bit : {"2", "-1"}) {
    EXPECT_THAT(Run({"BITPOS", "missing", bit}), IsError("ERR The bit argument must be 1 or 0."));
  }
  EXPECT_THAT(Run({"BITPOS", "missing", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"BITPOS", "missing", "0", "x"}), IsInt(0));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "x", "1", "FOO"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "0", "x", "FOO"}), IsError(kSyntax));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "0", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "0", "BIT"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"BITPOS", "abc", "0", "0", "1", "BIT", "x"}), IsError(kSyntax));
}

// --- BITOP ------------------------------------------------------------------------------------------------------------

class BitOpTest : public BitmapTest {
 protected:
  BitOpTest() {
    Run({"SET", "a", "abc"});
    Run({"SET", "n", "12345"});
  }
};
LARDER_COMMAND_TEST(BitOpTest);

TEST_P(BitOpTest, ShorterStringsAreFollowedByZeros) {
  EXPECT_THAT(Run({"BITOP", "and", "d", "a", "n"}), IsInt(5));
  EXPECT_EQ(Get("d"), "!\"#\0\0"s);
  EXPECT_THAT(Run({"BITOP", "OR", "d", "a", "n", "missing"}), IsInt(5));
  EXPECT_EQ(Get("d"), "qrs45");
  EXPECT_THAT(Run({"BITOP", "XOR", "d", "a", "n"}), IsInt(5));
  EXPECT_EQ(Get("d"), "PPP45");
  EXPECT_THAT(Run({"BITOP", "NOT", "d", "a"}), IsInt(3));
  EXPECT_EQ(Get("d"), "\x9e\x9d\x9c");
}

TEST_P(BitOpTest, TheResultIsAPlainStringWithoutExpiry) {
  Run({"SET", "d", "old", "EX", "100"});
  Run({"SET", "five", "5"});
  EXPECT_THAT(Run({"BITOP", "OR", "d", "five"}), IsInt(1));
  EXPECT_EQ(Get("d"), "5");
  EXPECT_EQ(EncodingOf("d"), "raw");
  EXPECT_EQ(TtlMs("d"), -1);
}

TEST_P(BitOpTest, NothingOfNothingDeletes) {
  EXPECT_FALSE(RunsAfter("a", {"BITOP", "AND", "a", "missing"}));
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
  EXPECT_TRUE(RunsAfter("a", {"BITOP", "AND", "a", "missing"}));
}

TEST_P(BitOpTest, StringsOfEverySizeAreCombined) {
  for (const size_t size : {1023, 1024, 1025, 8191, 8192, 8193, 20'000, 100'000}) {
    std::string a(size, 'a'), b(size / 2, 'b');
    for (size_t i = 0; i < size; ++i) a[i] = static_cast<char>(i * 31);
    Run({"SET", "x", a});
    Run({"SET", "y", b});
    EXPECT_THAT(Run({"BITOP", "XOR", "d", "x", "y"}), IsInt(static_cast<int64_t>(size)));
    std::string expected = a;
    for (size_t i = 0; i < b.size(); ++i) expected[i] = static_cast<char>(expected[i] ^ b[i]);
    EXPECT_EQ(Get("d"), expected) << size;
    EXPECT_THAT(Run({"BITOP", "AND", "d", "x", "y"}), IsInt(static_cast<int64_t>(size)));
    expected = std::string(size, '\0');
    for (size_t i = 0; i < b.size(); ++i) expected[i] = static_cast<char>(a[i] & b[i]);
    EXPECT_EQ(Get("d"), expected) << size;
  }
}

TEST_P(BitOpTest, WhatIsWrong) {
  EXPECT_THAT(Run({"BITOP", "FOO", "d", "a"}), IsError(kSyntax));
  EXPECT_THAT(Run({"BITOP", "", "d", "a"}), IsError(kSyntax));
  EXPECT_THAT(Run({"BITOP", "NOT", "d", "a", "n"}),
              IsError("ERR BITOP NOT must be called with a single source key."));
  EXPECT_THAT(Run({"BITOP", "AND", "d"}), IsError("ERR wrong number of arguments for 'bitop' command"));
  EXPECT_THAT(Run({"EXISTS", "d"}), IsInt(0));
}

// --- BITFIELD ---------------------------------------------------------------------------------------------------------

class BitFieldTest : public BitmapTest {
 protected:
  Reply Field(std::initializer_list<std::string_view> steps) {
    std::vector<std::string> argv = {"BITFIELD", "k"};
    argv.insert(argv.end(), steps.begin(), steps.end());
    return Run(argv);
  }
};
LARDER_COMMAND_TEST(BitFieldTest);

TEST_P(BitFieldTest, FieldsAreReadAndWritten) {
  EXPECT_THAT(Field({"SET", "u8", "0", "255", "SET", "i5", "#2", "-3", "GET", "u4", "6", "GET", "i8", "0"}),
              IsArray(ElementsAre(IsInt(0), IsInt(0), IsInt(12), IsInt(-1))));
  EXPECT_EQ(Get("k"), "\xff\x3a"s);  // bits 10 to 14 are 11101
}

TEST_P(BitFieldTest, GetMakesNothing) {
  EXPECT_THAT(Field({}), IsArray(IsEmpty()));
  EXPECT_THAT(Field({"GET", "u8", "0", "GET", "i64", "100", "OVERFLOW", "SAT"}),
              IsArray(ElementsAre(IsInt(0), IsInt(0))));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  Run({"SET", "k", "123"});
  EXPECT_THAT(Field({"GET", "u8", "0"}), IsArray(ElementsAre(IsInt('1'))));
  EXPECT_EQ(EncodingOf("k"), "int");
  EXPECT_THAT(Field({"INCRBY", "u8", "0", "0"}), IsArray(ElementsAre(IsInt('1'))));
  EXPECT_EQ(EncodingOf("k"), "raw");
}

TEST_P(BitFieldTest, OverflowWrapsSaturatesOrFails) {
  Field({"SET", "u8", "0", "250"});
  EXPECT_THAT(Field({"OVERFLOW", "FAIL", "INCRBY", "u8", "0", "10", "OVERFLOW", "SAT", "INCRBY", "u8", "0", "10",
                     "OVERFLOW", "WRAP", "INCRBY", "u8", "0", "10", "OVERFLOW", "sat", "INCRBY", "u8", "0", "-20"}),
              IsArray(ElementsAre(IsNil(), IsInt(255), IsInt(9), IsInt(0))));
  Field({"SET", "i8", "0", "127"});
  EXPECT_THAT(Field({"INCRBY", "i8", "0", "1", "OVERFLOW", "SAT", "INCRBY", "i8", "0", "-1", "OVERFLOW", "FAIL",
                     "INCRBY", "i8", "0", "-1"}),
              IsArray(ElementsAre(IsInt(-128), IsInt(-128), IsNil())));
}

TEST_P(BitFieldTest, SetGivesTheOldValueAndHeedsOverflowToo) {
  EXPECT_THAT(Field({"SET", "u8", "0", "256", "SET", "u8", "0", "-1", "GET", "u8", "0"}),
              IsArray(ElementsAre(IsInt(0), IsInt(0), IsInt(255))));
  EXPECT_THAT(Field({"OVERFLOW", "SAT", "SET", "u8", "0", "-1", "OVERFLOW", "FAIL", "SET", "u8", "0", "300"}),
              IsArray(ElementsAre(IsInt(255), IsNil())));
  EXPECT_THAT(Field({"SET", "i4", "0", "100", "OVERFLOW", "SAT", "SET", "i4", "0", "100", "SET", "i4", "0", "-100",
                     "GET", "i4", "0"}),
              IsArray(ElementsAre(IsInt(-1), IsInt(4), IsInt(7), IsInt(-8))));
}

TEST_P(BitFieldTest, TheWidestTypes) {
  EXPECT_THAT(Field({"SET", "i64", "0", "9223372036854775807", "INCRBY", "i64", "0", "1", "OVERFLOW", "SAT", "INCRBY",
                     "i64", "0", "-9223372036854775808", "OVERFLOW", "FAIL", "INCRBY", "i64", "0", "-1"}),
              IsArray(ElementsAre(IsInt(0), IsInt(INT64_MIN), IsInt(INT64_MIN), IsNil())));
  EXPECT_THAT(Field({"SET", "u63", "0", "9223372036854775807", "INCRBY", "u63", "0", "1", "SET", "u63", "0", "-1",
                     "OVERFLOW", "SAT", "INCRBY", "u63", "0", "5", "INCRBY", "u63", "0", "-9223372036854775808"}),
              IsArray(ElementsAre(IsInt(0x4000000000000000), IsInt(0), IsInt(0), IsInt(INT64_MAX), IsInt(0))));
}

TEST_P(BitFieldTest, TheNarrowestTypes) {
  EXPECT_THAT(Field({"OVERFLOW", "SAT", "SET", "i1", "0", "5", "GET", "i1", "0", "SET", "i1", "0", "-5", "GET", "i1",
                     "0", "SET", "u1", "0", "5", "INCRBY", "u1", "0", "-5"}),
              IsArray(ElementsAre(IsInt(0), IsInt(0), IsInt(0), IsInt(-1), IsInt(1), IsInt(0))));
}

TEST_P(BitFieldTest, AFailureStillMakesTheStringLongEnough) {
  EXPECT_TRUE(RunsAfter("k", {"BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u8", "100", "300"}));
  EXPECT_EQ(Get("k"), std::string(14, '\0'));
  EXPECT_TRUE(RunsAfter("k", {"BITFIELD", "k", "SET", "u8", "0", "0"}));
  EXPECT_FALSE(RunsAfter("k", {"BITFIELD", "k", "SET", "u8", "0", "1"}));
}

TEST_P(BitFieldTest, AFieldMayEndBehindTheLongestString) {
  Run({"CONFIG", "SET", "proto-max-bulk-len", "1mb"});
  EXPECT_THAT(Field({"SET", "i64", "8388607", "1"}), IsArray(ElementsAre(IsInt(0))));
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt((1 << 20) + 8));
  EXPECT_THAT(Field({"SET", "i64", "8388608", "1"}), IsError(kBadOffset));
}

TEST_P(BitFieldTest, LongProgramsRun) {
  std::vector<std::string> argv = {"BITFIELD", "k"};
  for (int i = 0; i < 3000; ++i) argv.insert(argv.end(), {"SET", "u16", "#" + std::to_string(i), std::to_string(i)});
  const Reply old = Run(argv);
  EXPECT_EQ(ElementsOf(old).size(), 3000u);
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(6000));
  EXPECT_THAT(Run({"BITFIELD_RO", "k", "GET", "u16", "#2999"}), IsArray(ElementsAre(IsInt(2999))));
}

TEST_P(BitFieldTest, AllIsReadBeforeAnythingIsDone) {
  EXPECT_THAT(Field({"SET", "u8", "0", "1", "GET", "u8"}), IsError(kSyntax));
  EXPECT_THAT(Field({"SET", "u8", "0", "1", "FOO"}), IsError(kSyntax));
  EXPECT_THAT(Field({"SET", "u8", "0", "1", "GET", "u8", "x"}), IsError(kBadOffset));
  EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0));
  for (const char* type : {"u64", "i65", "u0", "i0", "x8", "U8", "u", "", "u8x", "u-1", "u+8", "u08"}) {
    EXPECT_THAT(Field({"GET", type, "x"}), IsError(kBadType)) << type;
  }
  for (const char* offset : {"-1", "#", "#-1", "##1", "4294967296", "#536870912", "x", "#01"}) {
    EXPECT_THAT(Field({"SET", "u8", offset, "x"}), IsError(kBadOffset)) << offset;
  }
  EXPECT_THAT(Field({"INCRBY", "u8", "0", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Field({"OVERFLOW", "FOO"}), IsError("ERR Invalid OVERFLOW type specified"));
  for (const auto& steps : std::vector<std::vector<std::string>>{{"OVERFLOW"}, {"GET"}, {"SET", "u8", "0"}}) {
    std::vector<std::string> argv = {"BITFIELD", "k"};
    argv.insert(argv.end(), steps.begin(), steps.end());
    EXPECT_THAT(Run(argv), IsError(kSyntax));
  }
}

TEST_P(BitFieldTest, ReadOnlyOnesRead) {
  Run({"SET", "k", "ab"});
  EXPECT_THAT(Run({"BITFIELD_RO", "k", "GET", "u8", "0", "get", "i4", "#2"}),
              IsArray(ElementsAre(IsInt('a'), IsInt(6))));
  EXPECT_THAT(Run({"BITFIELD_RO", "k", "OVERFLOW", "SAT"}), IsArray(IsEmpty()));
  for (const char* step : {"SET", "INCRBY"}) {
    EXPECT_THAT(Run({"BITFIELD_RO", "k", step, "u8", "0", "1"}),
                IsError("ERR BITFIELD_RO only supports the GET subcommand"));
  }
  EXPECT_THAT(Run({"BITFIELD_RO", "k", "SET", "u8", "0", "1", "GET", "x", "1"}), IsError(kBadType));
}

// --- maxmemory --------------------------------------------------------------------------------------------------------

class BitmapMemoryTest : public BitmapTest {
 protected:
  BitmapMemoryTest() {
    Run({"SETBIT", "k", "800000", "1"});
    Run({"SET", "other", "x"});
  }
};
LARDER_COMMAND_TEST(BitmapMemoryTest);

TEST_P(BitmapMemoryTest, WritesAreRefusedWhenMemoryIsShort) {
  Run({"CONFIG", "SET", "maxmemory", "1000"});
  constexpr char kOom[] = "OOM command not allowed when used memory > 'maxmemory'.";
  EXPECT_THAT(Run({"SETBIT", "other", "0", "1"}), IsError(kOom));
  EXPECT_THAT(Run({"BITFIELD", "other", "GET", "u8", "0"}), IsError(kOom));
  EXPECT_THAT(Run({"BITOP", "NOT", "d", "other"}), IsError(kOom));
  EXPECT_THAT(Run({"BITCOUNT", "k"}), IsInt(1));
}

TEST_P(BitmapMemoryTest, AnEditThatNeedsNoMemoryEvictsNobody) {
  // 100 KB are used by the bitmap alone: if each edit asked for as much again, all other keys would go.
  for (int i = 0; i < 200; ++i) Run({"SET", "key:" + std::to_string(i), std::string(500, 'x')});
  Run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  Run({"CONFIG", "SET", "maxmemory", "4mb"});
  const int64_t keys = Run({"DBSIZE"}).integer();
  for (int i = 0; i < 1000; ++i) Run({"SETBIT", "k", std::to_string(i * 800), "1"});
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(keys));
}

}  // namespace
}  // namespace larder::testing
