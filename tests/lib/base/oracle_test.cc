// Numbers and patterns against a real redis-server.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "lib/base/glob.h"
#include "lib/base/numbers.h"
#include "lib/base/random.h"
#include "lib/resp/reply_parser.h"
#include "tests/lib/resp/raw_redis.h"

namespace larder::base {
namespace {

using tests::RawRedis;

constexpr uint64_t kSeed = 77001;

// The text of a bulk reply, or the reply itself.
std::string Text(const std::string& reply) {
  resp::ReplyItem item;
  if (resp::ReadItem(reply, &item) <= 0 || item.kind != resp::ReplyItem::kBulk) return reply;
  return std::string(item.text);
}

// Number-like texts, most of them valid.
std::string RandomNumber(Random& random) {
  static const char* const kOdd[] = {"", "-", "+", ".", "e", " ", "0x", "inf", "nan", "-0", "00", "1e", "e5", "_", "\t",
                                     "0x1.8p"};
  std::string text;
  if (random.Below(4) == 0) text += random.Below(3) == 0 ? "+" : "-";
  if (random.Below(30) == 0) text += kOdd[random.Below(std::size(kOdd))];
  text += std::to_string(random.Next() >> random.Below(64));
  if (random.Below(3) == 0) text += "." + std::to_string(random.Next() >> random.Below(64));
  if (random.Below(5) == 0) text += "e" + std::to_string(static_cast<int>(random.Below(800)) - 400);
  if (random.Below(30) == 0) text += kOdd[random.Below(std::size(kOdd))];
  if (random.Below(30) == 0) text[random.Below(text.size())] = "0123456789+-.eEx, \0a"[random.Below(20)];
  return text;
}

TEST(NumbersOracleTest, IntegersAreReadAsIncrbyReadsThem) {
  RawRedis redis;
  Random random(kSeed);
  std::vector<std::string> texts = {"9223372036854775807", "9223372036854775808", "-9223372036854775808",
                                    "-9223372036854775809"};
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < 3000; ++i) texts.push_back(RandomNumber(random));
  for (const std::string& text : texts) {
    commands.push_back({"DEL", "k"});
    commands.push_back({"INCRBY", "k", text});
  }
  const std::vector<std::string> replies = redis.AskAll(commands);
  int valid = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    int64_t value;
    const bool ok = ParseInt64(texts[i], &value);
    valid += ok;
    const std::string expected =
        ok ? ":" + std::to_string(value) + "\r\n" : "-ERR value is not an integer or out of range\r\n";
    EXPECT_EQ(replies[2 * i + 1], expected) << "seed " << kSeed << ": '" << texts[i] << "'";
  }
  EXPECT_GT(valid, 500);
}

TEST(NumbersOracleTest, FloatsAreReadAndWrittenAsRedisDoes) {
  RawRedis redis;
  Random random(kSeed + 1);
  std::vector<std::string> texts = {"1e308", "1e309", "1e-320", "1e-400", "2e-324", "4.9e-324", "1e4932", "1e4933",
                                    "1e-4931", "1e-4932", "1e-4950", "-3.6e-4951", "123.4e-4945", "1e-5000",
                                    "1e-4951", "inf", "-inf", "Infinity", "nan", "0x1p3", "0X.8", "5.", ".5", "0e99999",
                                    std::string(5118, '0') + "1", std::string(5119, '0') + "1", std::string("1\0", 2)};
  for (int i = 0; i < 5000; ++i) texts.push_back(RandomNumber(random));
  std::vector<std::vector<std::string>> commands;
  for (const std::string& text : texts) {
    commands.push_back({"DEL", "k", "z"});
    commands.push_back({"INCRBYFLOAT", "k", text});
    commands.push_back({"ZADD", "z", text, "m"});
    commands.push_back({"ZSCORE", "z", "m"});
  }
  const std::vector<std::string> replies = redis.AskAll(commands);
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed + 1) + ": '" + texts[i] + "'");
    long double wide;
    std::string expected = "-ERR value is not a valid float\r\n";
    if (ParseLongDouble(texts[i], &wide)) {
      char out[kLongDoubleChars];
      expected = std::isinf(wide) ? "-ERR increment would produce NaN or Infinity\r\n"
                                  : std::string(FormatLongDoubleHuman(wide, out));
    }
    EXPECT_EQ(Text(replies[4 * i + 1]), expected);
    double narrow;
    if (ParseDouble(texts[i], &narrow)) {
      char out[kDoubleChars];
      // A small sorted set keeps an integral score as an integer, so -0 loses its sign there.
      EXPECT_EQ(Text(replies[4 * i + 3]), FormatDouble(narrow == 0 ? 0 : narrow, out));
    } else {
      EXPECT_EQ(replies[4 * i + 2], "-ERR value is not a valid float\r\n");
    }
  }
}

TEST(NumbersOracleTest, RandomDoublesPrintAsScores) {
  RawRedis redis;
  Random random(kSeed + 2);
  std::vector<double> values;
  std::vector<std::vector<std::string>> commands;
  while (values.size() < 5000) {
    const double value = std::bit_cast<double>(random.Next());
    if (!std::isfinite(value) || value == 0) continue;
    char out[64];
    values.push_back(value);
    commands.push_back({"ZADD", "z", {out, static_cast<size_t>(std::snprintf(out, sizeof(out), "%a", value))}, "m"});
    commands.push_back({"ZSCORE", "z", "m"});
  }
  const std::vector<std::string> replies = redis.AskAll(commands);
  for (size_t i = 0; i < values.size(); ++i) {
    char out[kDoubleChars];
    ASSERT_EQ(Text(replies[2 * i + 1]), FormatDouble(values[i], out)) << commands[2 * i][2];
  }
}

TEST(NumbersOracleTest, MemorySizesAreReadAsConfigSetReadsThem) {
  RawRedis redis;
  Random random(kSeed + 3);
  static const char* const kUnits[] = {"", "", "b", "k", "kb", "K", "kB", "m", "mb", "g", "gb", "t", "p", "kk", " ",
                                       "%", "bb"};
  for (int i = 0; i < 300; ++i) {
    std::string text = std::to_string(1 + random.Below(uint64_t{1} << random.Below(33)));
    text += kUnits[random.Below(std::size(kUnits))];
    if (random.Below(20) == 0) text.insert(random.Below(text.size()), 1, "-+. 0"[random.Below(5)]);
    uint64_t bytes;
    if (ParseMemorySize(text, &bytes)) {
      // Kept above what the server itself needs: less would make it refuse the commands that follow.
      ASSERT_EQ(redis.Ask({"CONFIG", "SET", "client-query-buffer-limit", "1gb"}), "+OK\r\n");
      const std::string set = redis.Ask({"CONFIG", "SET", "repl-backlog-size", text});
      if (bytes < 1) continue;
      if (bytes < 16384) {
        EXPECT_EQ(set.substr(0, 3), "+OK") << text;
        continue;
      }
      ASSERT_EQ(set, "+OK\r\n") << text;
      const std::string got = redis.Ask({"CONFIG", "GET", "repl-backlog-size"});
      EXPECT_NE(got.find("\r\n" + std::to_string(bytes) + "\r\n"), std::string::npos) << text << " " << got;
    } else {
      EXPECT_EQ(redis.Ask({"CONFIG", "SET", "repl-backlog-size", text})[0], '-') << text;
    }
  }
}

// Random patterns over few letters and all special characters, on all short texts over the same.
TEST(GlobOracleTest, KeysGivesTheSameAnswers) {
  RawRedis redis;
  Random random(kSeed + 4);
  static constexpr std::string_view kLetters = "abc-]^[\\*?\x80\xff\x01";
  const auto random_text = [&random](size_t length_max) {
    std::string text;
    for (size_t n = random.Below(length_max + 1); n > 0; --n) text += kLetters[random.Below(kLetters.size())];
    return text;
  };
  std::set<std::string> keys = {""};
  for (char a : kLetters) {
    keys.insert({a});
    for (char b : kLetters) keys.insert({a, b});
  }
  while (keys.size() < 500) keys.insert(random_text(6));
  std::vector<std::string> mset = {"MSET"};
  for (const std::string& key : keys) mset.insert(mset.end(), {key, "v"});
  ASSERT_EQ(redis.Ask(mset), "+OK\r\n");
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < 4000; ++i) commands.push_back({"KEYS", random_text(9)});
  const std::vector<std::string> replies = redis.AskAll(commands);
  size_t matches = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    std::set<std::string> expected;
    Bytes rest = replies[i];
    resp::ReplyItem item;
    rest.remove_prefix(static_cast<size_t>(resp::ReadItem(rest, &item)));
    for (uint64_t left = item.count; left > 0; --left) {
      rest.remove_prefix(static_cast<size_t>(resp::ReadItem(rest, &item)));
      expected.insert(std::string(item.text));
    }
    std::set<std::string> got;
    for (const std::string& key : keys) {
      if (GlobMatch(commands[i][1], key)) got.insert(key);
    }
    ASSERT_EQ(got, expected) << "seed " << kSeed + 4 << ": pattern '" << commands[i][1] << "'";
    matches += got.size();
  }
  EXPECT_GT(matches, 10000u) << "the patterns are too odd to say anything";
}

// CONFIG GET ignores case.
TEST(GlobOracleTest, ConfigGetGivesTheSameAnswers) {
  RawRedis redis;
  const std::string all = redis.Ask({"CONFIG", "GET", "*"});
  std::vector<std::string> names;
  Bytes rest = all;
  resp::ReplyItem item;
  rest.remove_prefix(static_cast<size_t>(resp::ReadItem(rest, &item)));
  for (uint64_t i = 0, n = item.count; i < n; ++i) {
    rest.remove_prefix(static_cast<size_t>(resp::ReadItem(rest, &item)));
    if (i % 2 == 0) names.push_back(std::string(item.text));
  }
  ASSERT_GT(names.size(), 100u);
  for (const char* pattern : {"MAX*", "*-S*E", "[A-C]*", "[^A-y]*", "*[Y-Z]", "[z-A]*", "?O*", "[\\A]*",
                              "[^\\A\\B]*"}) {
    const std::string reply = redis.Ask({"CONFIG", "GET", pattern});
    ASSERT_GT(resp::ReadItem(reply, &item), 0);
    const auto count = std::count_if(names.begin(), names.end(),
                                     [&](const std::string& name) { return GlobMatch(pattern, name, true); });
    EXPECT_EQ(item.count, 2 * static_cast<uint64_t>(count)) << pattern;
  }
}

}  // namespace
}  // namespace larder::base
