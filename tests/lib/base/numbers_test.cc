#include "lib/base/numbers.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "tests/lib/base/comma_locale.h"

namespace larder::base {
namespace {

constexpr uint64_t kSeed = 20240817;

std::string Int(int64_t value) {
  char out[kIntChars];
  return std::string(FormatInt64(value, out));
}

std::string Double(double value) {
  char out[kDoubleChars];
  return std::string(FormatDouble(value, out));
}

std::string Human(long double value) {
  char out[kLongDoubleChars];
  return std::string(FormatLongDoubleHuman(value, out));
}

template <class... T>
std::string Printf(const char* format, T... values) {
  char out[6000];
  return {out, static_cast<size_t>(std::snprintf(out, sizeof(out), format, values...))};
}

// "%.17Lf" as INCRBYFLOAT shows it.
std::string ExpectedHuman(long double value) {
  std::string text = Printf("%.17Lf", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

TEST(ParseInt64Test, TakesExactlyWhatFormatInt64Writes) {
  for (int64_t value : std::initializer_list<int64_t>{0, 1, -1, 9, 10, 99, 100, INT64_MAX, INT64_MAX - 1, INT64_MIN,
                                                      INT64_MIN + 1}) {
    int64_t back = 7;
    EXPECT_TRUE(ParseInt64(Int(value), &back)) << value;
    EXPECT_EQ(back, value);
    EXPECT_EQ(Int(value), std::to_string(value));
  }
  Random random(kSeed);
  for (int i = 0; i < 100000; ++i) {
    const int64_t value = static_cast<int64_t>(random.Next()) >> random.Below(64);
    int64_t back = 7;
    ASSERT_TRUE(ParseInt64(Int(value), &back)) << value;
    ASSERT_EQ(back, value);
    ASSERT_EQ(Int(value), std::to_string(value));
  }
}

TEST(ParseInt64Test, RefusesEverythingElse) {
  for (const char* text : {"", "-", "+1", "01", "-01", "-0", "00", " 1", "1 ", "--1", "1a", "a1", "0x1", "1.0", "1e3",
                           "9223372036854775808", "-9223372036854775809", "18446744073709551615",
                           "99999999999999999999999999", "-99999999999999999999999999", "\xb1"}) {
    int64_t value = 7;
    EXPECT_FALSE(ParseInt64(text, &value)) << text;
    EXPECT_EQ(value, 7) << "must not be written: " << text;
  }
  int64_t value;
  EXPECT_FALSE(ParseInt64(Bytes("1\0", 2), &value));
}

TEST(ParseUint64Test, TakesAllOf64BitsAndNoMore) {
  uint64_t value = 0;
  EXPECT_TRUE(ParseUint64("18446744073709551615", &value));
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_TRUE(ParseUint64("10000000000000000000", &value));
  EXPECT_EQ(value, 10000000000000000000u);
  EXPECT_TRUE(ParseUint64("0", &value));
  EXPECT_EQ(value, 0u);
  for (const char* text : {"18446744073709551616", "99999999999999999999", "100000000000000000000", "-1", "-0",
                           "", "01", "1844674407370955161a", "00000000000000000001"}) {
    EXPECT_FALSE(ParseUint64(text, &value)) << text;
  }
}

TEST(FormatUint64Test, HasEveryLength) {
  uint64_t value = 1;
  for (int digits = 1; digits <= 20; ++digits, value *= 10) {
    char out[kIntChars];
    EXPECT_EQ(FormatUint64(value, out), std::to_string(value));
    EXPECT_EQ(FormatUint64(value - 1, out), std::to_string(value - 1));
  }
}

TEST(ParseMemorySizeTest, UnitsAreThoseOfRedisConf) {
  const struct {
    const char* text;
    uint64_t bytes;
  } kCases[] = {{"100", 100}, {"100b", 100}, {"1k", 1000}, {"1K", 1000}, {"1kb", 1024}, {"1Kb", 1024},
                {"100mb", 104857600}, {"2m", 2000000}, {"1g", 1000000000}, {"1GB", 1073741824}, {"01", 1}, {"", 0},
                {"kb", 0}, {"0", 0}, {"18446744073709551615", UINT64_MAX},
                {"17179869183gb", uint64_t{17179869183} << 30}};
  for (const auto& c : kCases) {
    uint64_t bytes = 77;
    EXPECT_TRUE(ParseMemorySize(c.text, &bytes)) << c.text;
    EXPECT_EQ(bytes, c.bytes) << c.text;
  }
  for (const char* text : {"1t", "1tb", " 1", "1 ", "+1", "-1", "1.5gb", "1 mb", "0x10", "1kbb", "1%",
                           "18446744073709551616", "17179869184gb", "18014398509481984kb"}) {
    uint64_t bytes;
    EXPECT_FALSE(ParseMemorySize(text, &bytes)) << text;
  }
}

TEST(ParseDoubleTest, ReadsWhatZaddReads) {
  const struct {
    const char* text;
    double value;
  } kCases[] = {{"1", 1}, {"+1", 1}, {"-1", -1}, {"01", 1}, {"0x1p3", 8}, {"0X.8", .5}, {"-0x1", -1}, {"1e3", 1000},
                {"1E3", 1000}, {".5", .5}, {"5.", 5}, {"-.5", -.5}, {"1e308", 1e308}, {"1e-320", 1e-320}, {"0e99999",
                                                                                                           0},
                {"4.9e-324", 4.9406564584124654e-324}, {"1e0001", 10}, {"1.7976931348623157e308",
                                                                        1.7976931348623157e308},
                {"9007199254740993", 9007199254740992}, {"123456789012345678", 123456789012345678.0}};
  for (const auto& c : kCases) {
    double value = 7;
    EXPECT_TRUE(ParseDouble(c.text, &value)) << c.text;
    EXPECT_EQ(value, c.value) << c.text;
  }
  for (const char* text : {"inf", "+inf", "INF", "Infinity"}) {
    double value = 7;
    EXPECT_TRUE(ParseDouble(text, &value)) << text;
    EXPECT_EQ(value, std::numeric_limits<double>::infinity()) << text;
    EXPECT_TRUE(ParseDouble(std::string("-") + std::string(text).substr(text[0] == '+'), &value)) << text;
    EXPECT_EQ(value, -std::numeric_limits<double>::infinity()) << text;
  }
  double value = 7;
  EXPECT_TRUE(ParseDouble("-0", &value));
  EXPECT_TRUE(value == 0 && std::signbit(value));
}

TEST(ParseDoubleTest, RefusesNanOverflowUnderflowAndRests) {
  for (const char* text : {"", " 1", "1 ", "-", "+", ".", "1a", "1e", "1e+", "nan", "NaN", "-nan", "nan(1)", "1e309",
                           "-1e309",
                           "1e-400", "-1e-400", "2e-324", "0x", "0x1p", "0x1p20000", "0x1.8p-1080", "1_0", "1,5",
                           "infx",
                           "1d", "0b1", "+-1", "-+1", "--1", "++1", "0x-1", "0x+1", "0xinf", "0xnan",
                           "1e99999999999999999999",
                           "1.7976931348623159e308"}) {
    double value = 7;
    EXPECT_FALSE(ParseDouble(text, &value)) << text;
    EXPECT_EQ(value, 7) << text;
  }
  double value;
  EXPECT_FALSE(ParseDouble(Bytes("1\0", 2), &value));
}

TEST(ParseLongDoubleTest, HasMoreRangeAndALengthLimit) {
  long double value = 7;
  EXPECT_TRUE(ParseLongDouble("1e4932", &value));
  EXPECT_EQ(value, 1e4932L);
  EXPECT_TRUE(ParseLongDouble("1e-4931", &value));
  EXPECT_EQ(value, 1e-4931L);
  for (const char* text : {"1e4933", "1e-4951", "1e-5000", "1e-99999999999999999999", "nan", "", "+", "1 ", "0x"}) {
    EXPECT_FALSE(ParseLongDouble(text, &value)) << text;
  }
  EXPECT_TRUE(ParseLongDouble(std::string(5118, '0') + "1", &value));
  EXPECT_EQ(value, 1);
  EXPECT_FALSE(ParseLongDouble(std::string(5119, '0') + "1", &value));
}

TEST(ParseLongDoubleTest, ReadsDenormals) {
  const std::string deep = "0." + std::string(4940, '0') + "12345678901234567890123";
  for (const std::string& text :
       {std::string("1e-4932"), std::string("-1e-4940"), std::string("3.6e-4951"), std::string("123.456E-4945"),
        std::string("1e-4950"), std::string("0.0001e-4940"), deep, "-" + deep + "e+3"}) {
    long double value = 7;
    ASSERT_TRUE(ParseLongDouble(text, &value)) << text;
    const long double theirs = strtold(text.c_str(), nullptr);
    EXPECT_LE(std::abs(value - theirs), std::numeric_limits<long double>::denorm_min()) << text;
    EXPECT_NE(value, 0) << text;
  }
}

// The exact fast way, the general way and the C library must agree to the last bit.
TEST(ParseLongDoubleTest, RoundsAsStrtold) {
  Random random(kSeed);
  for (int i = 0; i < 50000; ++i) {
    std::string text;
    if (random.Below(2) != 0) text += '-';
    text += std::to_string(random.Next() >> random.Below(64));
    if (random.Below(2) != 0) text += "." + std::to_string(random.Next() >> random.Below(64));
    if (random.Below(3) == 0) text += "e" + std::to_string(static_cast<int>(random.Below(80)) - 40);
    long double value = 7;
    ASSERT_TRUE(ParseLongDouble(text, &value)) << text;
    ASSERT_EQ(value, std::strtold(text.c_str(), nullptr)) << text;
    double narrow = 7;
    ASSERT_TRUE(ParseDouble(text, &narrow)) << text;
    ASSERT_EQ(narrow, std::strtod(text.c_str(), nullptr)) << text;
  }
}

TEST(FormatDoubleTest, IsPrintfsSeventeenDigits) {
  EXPECT_EQ(Double(3), "3");
  EXPECT_EQ(Double(0.1), "0.10000000000000001");
  EXPECT_EQ(Double(1e16), "10000000000000000");
  EXPECT_EQ(Double(1e17), "1e+17");
  EXPECT_EQ(Double(-0.0), "-0");
  EXPECT_EQ(Double(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(Double(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(Double(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(Double(-std::numeric_limits<double>::quiet_NaN()), "nan");
  Random random(kSeed);
  for (int i = 0; i < 200000; ++i) {
    double value = std::bit_cast<double>(random.Next());
    if (i % 4 == 1) value = static_cast<double>(static_cast<int64_t>(random.Next()) >> random.Below(64));
    if (i % 4 == 2) value = static_cast<double>(random.Below(1000000)) / 1000;
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(Double(value), Printf("%.17g", value));
  }
}

TEST(FormatLongDoubleHumanTest, IsPrintfsFixedWithoutTrailingZeros) {
  EXPECT_EQ(Human(3), "3");
  EXPECT_EQ(Human(-0.0L), "0");
  EXPECT_EQ(Human(-1e-30L), "0");
  EXPECT_EQ(Human(0.1L), "0.1");
  EXPECT_EQ(Human(5.1e-18L), "0.00000000000000001");
  EXPECT_EQ(Human(0.999999999999999999L), "1");
  EXPECT_EQ(Human(100), "100");
  EXPECT_EQ(Human(std::numeric_limits<long double>::infinity()), "inf");
  EXPECT_EQ(Human(-std::numeric_limits<long double>::infinity()), "-inf");
  EXPECT_EQ(Human(std::numeric_limits<long double>::quiet_NaN()), "nan");
  const std::vector<long double> kEdges = {
      std::numeric_limits<long double>::max(),  std::numeric_limits<long double>::min(),
      std::numeric_limits<long double>::denorm_min(), 0x1p63L, 0x1p64L, 0x1.fffffffffffffffep63L, 0.5L, 0x1p-17L,
      0x1p-18L,
      5e-18L, 1.5e-17L, 2.5e-17L, 0x1p-57L, 0x1p-58L, 0x1p-64L, 0x1.8p-59L, 9223372036854775807.5L, 1e4932L,
      0x1p16383L};
  for (long double value : kEdges) {
    EXPECT_EQ(Human(value), ExpectedHuman(value));
    EXPECT_EQ(Human(-value), ExpectedHuman(-value));
  }
  Random random(kSeed);
  for (int i = 0; i < 100000; ++i) {
    const int exponent = static_cast<int>(random.Below(i % 100 == 0 ? 32000 : 300)) - (i % 100 == 0 ? 16200 : 150);
    const long double value = std::ldexp(static_cast<long double>(random.Next() >> random.Below(64)), exponent - 60);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(Human(value), ExpectedHuman(value)) << exponent;
  }
}

TEST(NumbersTest, DoNotLookAtTheLocale) {
  tests::CommaLocale locale(::testing::TempDir());
  ASSERT_TRUE(locale.ok()) << "the C library refused the locale";
  ASSERT_EQ(Printf("%.1f", 1.5), "1,5");
  long double wide = 0;
  EXPECT_TRUE(ParseLongDouble("1.5", &wide));
  EXPECT_EQ(wide, 1.5L);
  EXPECT_TRUE(ParseLongDouble("1.25e100", &wide));  // not by the fast way
  EXPECT_EQ(wide, 1.25e100L);
  EXPECT_TRUE(ParseLongDouble("0x1.8p1", &wide));
  EXPECT_EQ(wide, 3);
  EXPECT_FALSE(ParseLongDouble("1,5", &wide));
  double narrow = 0;
  EXPECT_TRUE(ParseDouble("1.25e100", &narrow));
  EXPECT_EQ(narrow, 1.25e100);
  EXPECT_FALSE(ParseDouble("1,5", &narrow));
  EXPECT_EQ(Double(0.5), "0.5");
  EXPECT_EQ(Human(0.5L), "0.5");
  EXPECT_EQ(Human(1e30L), "1000000000000000000024696061952");
  EXPECT_EQ(std::string(std::localeconv()->decimal_point), ",") << "and leave it alone";
}

}  // namespace
}  // namespace larder::base
