// Arguments: few keys, numbers and texts around every border that the commands have.
#include <iterator>
#include <vector>

#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using namespace std::string_literals;

const std::string& LongKey() {
  static const std::string key = "long:" + std::string(300, 'k');
  return key;
}

constexpr std::string_view kShortKeys[] = {"a", "b", "c", "d", "e", "f", "g", "h*llo", "10", "key:with:colons"};

}  // namespace

std::vector<std::string> AllKeys() {
  std::vector<std::string> keys(std::begin(kShortKeys), std::end(kShortKeys));
  keys.insert(keys.end(), {"", "bin\0\xff\r\n"s, LongKey(), "hll0", "hll1", "hll2", "hll3"});
  keys.insert(keys.end(), {"set0", "set1", "set2", "set3", "set4"});
  keys.insert(keys.end(), {"l0", "l1", "l2", "l3", "sort0", "sort1"});
  keys.insert(keys.end(), {"zset0", "zset1", "zset2", "zset3", "lex0", "lex1", "lex2", "geo0", "geo1", "geo2"});
  return keys;
}

std::string Generator::Key() {
  if (of_sets_ && random_.Chance(90)) return "set" + std::to_string(random_.Below(5));
  if (of_geo_ && random_.Chance(94)) return "geo" + std::to_string(random_.Below(3));
  if (of_zsets_ && random_.Chance(96)) return "zset" + std::to_string(random_.Below(4));
  if (episode_.focus != Episode::kEverything && random_.Chance(85)) return std::string(kShortKeys[random_.Below(3)]);
  const int pick = random_.Below(40);
  if (pick == 0) return "";
  if (pick == 1) return "bin\0\xff\r\n"s;
  if (pick == 2) return LongKey();
  if (pick < 9) return TypeKey(static_cast<larder::engine::Group>(random_.Below(17)));
  return std::string(kShortKeys[pick % (pick < 20 ? 4 : static_cast<int>(std::size(kShortKeys)))]);
}

std::string Generator::Text() {
  static constexpr int kSizes[] = {0, 1, 2, 5, 19, 20, 21, 43, 44, 45, 46, 63, 64, 65, 100, 127, 128, 500, 1000, 1025};
  static constexpr int kLargeSizes[] = {16 * 1024 - 1, 16 * 1024, 20'000, 33'000, 70'000};
  int size = random_.Pick(kSizes);
  if (episode_.large && random_.Chance(10)) size = random_.Pick(kLargeSizes);
  std::string text;
  const bool binary = random_.Chance(15);
  text.reserve(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) {
    text += binary ? static_cast<char>(random_.Next()) : static_cast<char>('a' + random_.Below(4));
  }
  return text;
}

std::string Generator::Number() {
  static const std::string kOdd[] = {"00", "-0", "+1", "01", "1 ", " 1", "", "abc", "1e3", "3.0", "0x10", "-",
                                     "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                                     "-9223372036854775809", "18446744073709551615", "9999", "10000", "2147483648",
                                     "99999999999999999999999", "1\0"s};
  if (random_.Chance(20)) return random_.Pick(kOdd);
  if (random_.Chance(10)) return std::to_string(static_cast<int64_t>(random_.Next()));
  return std::to_string(random_.Below(40) - 10);
}

std::string Generator::Float() {
  static const std::string kOdd[] = {"inf", "-inf", "+inf", "Infinity", "nan", "1e309", "1e4932", "1e4933", "4.9e-324",
                                     "1e-5000", "0x1p3", "0x", "1.", ".5", "-.5e1", "1e", " 1", "1 ", "", "abc", "1e3",
                                     "-0", "-0.0", "3.0e3", "9007199254740993", "0.1", "3.14159265358979323846",
                                     "1.7976931348623157e308", "5.0e3", "1e-17", "123456789012345678901234567890",
                                     "1\0"s, "00.50"};
  if (random_.Chance(35)) return random_.Pick(kOdd);
  std::string text = std::to_string(random_.Below(2000) - 1000);
  if (random_.Chance(70)) text += "." + std::to_string(random_.Below(100'000));
  if (random_.Chance(10)) text += "e" + std::to_string(random_.Below(40) - 20);
  return text;
}

std::string Generator::Offset() {
  static const std::string kOdd[] = {"-1", "1048575", "1048576", "536870911", "536870912", "4294967296",
                                     "9223372036854775807", "-9223372036854775808", "abc", "", "01"};
  if (random_.Chance(15)) return random_.Pick(kOdd);
  return std::to_string(random_.Below(random_.Chance(80) ? 60 : 2000));
}

// Within what strings here have, at their ends, or far outside; as a field's, at times in units of its width.
std::string Generator::BitOffset() {
  static const std::string kOdd[] = {"-1", "8388600", "8388607", "8388608", "4294967295", "4294967296", "#0", "#", "#-1",
                                     "##1", "#x", "x", "", "01", "+1", "9223372036854775807", "#131071", "#1048576"};
  if (random_.Chance(8)) return random_.Pick(kOdd);
  const std::string number = std::to_string(random_.Below(random_.Chance(85) ? 200 : 9000));
  return random_.Chance(20) ? "#" + std::to_string(random_.Below(12)) : number;
}

std::string Generator::FieldType() {
  static const std::string kOdd[] = {"u64", "i65", "u0", "i0", "U8", "x8", "u", "", "8", "u08", "u+8", "i-1", "u8 "};
  if (random_.Chance(5)) return random_.Pick(kOdd);
  static constexpr int kWidths[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 62, 63};
  if (random_.Chance(5)) return "i64";
  const int width = random_.Chance(70) ? random_.Pick(kWidths) : 1 + random_.Below(63);
  return (random_.Chance(50) ? "i" : "u") + std::to_string(width);
}

std::string Generator::Db() {
  static const std::string kOdd[] = {"15", "16", "-1", "abc", "", "01", "2147483648", "99999999999999999999", "1.0"};
  if (random_.Chance(12)) return random_.Pick(kOdd);
  return std::to_string(random_.Below(kDatabases));
}

std::string Generator::Pattern() {
  static const std::string kPatterns[] = {"*", "**", "?", "[a-d]", "[^a-c]", "[d-a]", "h*llo", "h\\*llo", "*:*", "k*s",
                                          "", "[", "[a", "\\", "a\\", "[\\a-c]", "*\0*"s, "bin*", "1?", "*[!-~]", "[]",
                                          "[^]", "long:*k", "?????", "\xff", "*a*a*a*b", "[^", "[a-", "x"};
  return random_.Pick(kPatterns);
}

// A relative time; see LengthenTtls for what makes it long.
std::string Generator::Seconds(bool ms) {
  static const std::string kOdd[] = {"0", "-1", "-100000", "abc", "", "1.5", "9223372036854775807",
                                     "-9223372036854775808", "9223372036854775", "9223372036854775808",
                                     "92233720368547758", "-9223372036854775", "01"};
  if (random_.Chance(15)) return random_.Pick(kOdd);
  if (ms && random_.Chance(2)) {
    short_ttl_ms_ = kShortTtlMaxMs;
    return "\x02ms" + std::to_string(kShortTtlMinMs + random_.Below(kShortTtlMaxMs - kShortTtlMinMs));
  }
  return std::to_string(100'000 + random_.Next() % 1'000'000'000);
}

std::string Generator::UnixTime(bool ms) {
  static const std::string kOdd[] = {"0", "-1", "1", "abc", "", "9223372036854775807", "-9223372036854775808",
                                     "9223372036854775", "1000000000", "-9223372036854775", "+5"};
  if (random_.Chance(20)) return random_.Pick(kOdd);
  // Few enough that times meet: GT and LT must tell equal ones from others, and halves are where rounding turns.
  const int64_t seconds = 4'102'444'800 + random_.Below(6);
  return std::to_string(ms ? seconds * 1000 + random_.Below(3) * 499 + random_.Below(3) : seconds);
}

std::string Generator::Cased(std::string_view word) {
  std::string out(word);
  const int how = random_.Below(3);
  for (char& c : out) {
    const bool flip = how == 0 || (how == 1 && random_.Chance(50));
    if (flip && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) c = static_cast<char>(c ^ 0x20);
  }
  return out;
}

std::string Generator::Junk() {
  static const std::vector<std::string> kWords = [] {
    std::vector<std::string> words = larder::testing::TokensOf(larder::testing::CoreTable());
    for (const std::string& odd : {"FOO"s, "foo bar"s, ""s, "\r\n"s, "x\0y"s, "*"s, "nosuch"s}) words.push_back(odd);
    return words;
  }();
  const int kind = random_.Below(10);
  if (kind < 6) return kWords[static_cast<size_t>(random_.Below(static_cast<int>(kWords.size())))];
  if (kind < 8) return Number();
  return kind == 8 ? Key() : Text();
}

}  // namespace differential
