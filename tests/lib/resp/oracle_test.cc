// The request parser against a real redis-server.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/resp/output.h"
#include "lib/resp/parser.h"
#include "lib/resp/reply_parser.h"
#include "lib/resp/writer.h"
#include "tests/lib/resp/parser_cases.h"
#include "tests/lib/resp/raw_redis.h"

namespace larder::resp {
namespace {

using tests::Parse;
using tests::Parsed;
using tests::RawRedis;

constexpr uint64_t kSeed = 31337;

// An error as the writer sends it.
std::string ErrorReply(const std::string& error) {
  if (error.empty()) return "";
  Output out;
  ReplyWriter(out, 2).Error({error});
  return std::string(out.view());
}

// Redis's answers to `input`, told apart: how many ordinary replies, and the protocol error behind them.
void ExpectSameAsRedis(const RawRedis& redis, const std::string& input, bool authenticated) {
  const Parsed parsed = Parse(input, authenticated);
  const std::string answer = redis.Exchange(input);
  const std::string error = ErrorReply(parsed.error);
  std::string_view rest = answer;
  for (size_t i = 0; i < parsed.requests.size(); ++i) {
    const ssize_t length = ReplyLength(rest);
    ASSERT_GT(length, 0) << "reply " << i << " is missing: " << answer;
    ASSERT_NE(rest.substr(0, 20), "-ERR Protocol error:") << answer;
    rest.remove_prefix(static_cast<size_t>(length));
  }
  EXPECT_EQ(rest, error);
}

TEST(ParserOracleTest, OddRequests) {
  RawRedis redis;
  for (const std::string& input : tests::OddInputs()) {
    SCOPED_TRACE(input.substr(0, 60));
    ExpectSameAsRedis(redis, input, true);
  }
}

TEST(ParserOracleTest, OddRequestsWithoutPassword) {
  RawRedis redis({"--requirepass", "x"});
  std::vector<std::string> inputs = tests::OddInputs();
  for (const char* more : {"*10\r\n", "*11\r\n", "*1\r\n$16384\r\n", "*1\r\n$16385\r\n",
                           "PING a b c d e f g h i j k l m n\r\n"}) {
    inputs.push_back(more);
  }
  inputs.push_back("ECHO " + std::string(20000, 'a') + "\r\n");
  for (const std::string& input : inputs) {
    SCOPED_TRACE(input.substr(0, 60));
    ExpectSameAsRedis(redis, input, false);
  }
}

// A script that returns its arguments shows what Redis made of the line.
void ExpectSameWords(const RawRedis& redis, const std::string& words) {
  const std::string line = "EVAL \"return ARGV\" 0 " + words + "\r\n";
  const Parsed parsed = Parse(line);
  std::string expected = ErrorReply(parsed.error);
  if (expected.empty() && !parsed.requests.empty()) {
    Output out;
    ReplyWriter reply(out, 2);
    const std::vector<std::string>& args = parsed.requests[0];
    ASSERT_GE(args.size(), 3u);
    reply.Array(args.size() - 3);
    for (size_t i = 3; i < args.size(); ++i) reply.Bulk(args[i]);
    expected = out.view();
  }
  EXPECT_EQ(redis.Exchange(line), expected) << "words: " << words;
}

TEST(ParserOracleTest, OddInlineWords) {
  RawRedis redis;
  for (const std::string& words : tests::OddLines()) ExpectSameWords(redis, words);
}

TEST(ParserOracleTest, RandomInlineWords) {
  RawRedis redis;
  base::Random random(kSeed);
  static constexpr std::string_view kLetters = "ab \t\r\v\f\"\"''\\\\xn4f7";
  for (int i = 0; i < 3000; ++i) {
    std::string words;
    for (size_t n = random.Below(12); n > 0; --n) words += kLetters[random.Below(kLetters.size())];
    SCOPED_TRACE("seed " + std::to_string(kSeed) + " round " + std::to_string(i));
    ExpectSameWords(redis, words);
  }
}

// Good pipelines with some bytes changed, lost or doubled.
TEST(ParserOracleTest, DamagedPipelines) {
  RawRedis redis;
  base::Random random(kSeed + 1);
  using namespace std::string_view_literals;
  static constexpr std::string_view kBytes = "*$\r\n0123456789-+ \"'\\x\0\xff"sv;
  size_t errors = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string input;
    for (size_t n = 1 + random.Below(4); n > 0; --n) {
      switch (random.Below(4)) {
        case 0: input += "PING\r\n"; break;
        case 1: input += "ECHO \"a b\"\r\n"; break;
        case 2: input += tests::EncodeRequest({"PING"}); break;
        case 3: input += tests::EncodeRequest({"ECHO", std::string(random.Below(12), 'e')}); break;
      }
    }
    for (size_t n = random.Below(3); n > 0; --n) {
      const size_t at = random.Below(input.size());
      switch (random.Below(3)) {
        case 0: input[at] = kBytes[random.Below(kBytes.size())]; break;
        case 1: input.erase(at, 1); break;
        case 2: input.insert(at, 1, kBytes[random.Below(kBytes.size())]); break;
      }
    }
    SCOPED_TRACE("seed " + std::to_string(kSeed + 1) + " round " + std::to_string(i) + ": " + input);
    ExpectSameAsRedis(redis, input, true);
    errors += !Parse(input).error.empty();
    if (HasFailure()) return;
  }
  EXPECT_GT(errors, 300u);
}

}  // namespace
}  // namespace larder::resp
