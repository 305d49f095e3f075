#include "lib/resp/parser.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "tests/lib/resp/parser_cases.h"

namespace larder::resp {
namespace {

using tests::Parse;
using tests::Parsed;
using tests::ParseInPieces;
using Requests = std::vector<std::vector<std::string>>;

constexpr char kProtocolError[] = "ERR Protocol error: ";

TEST(RequestParserTest, ReadsArraysAndInlineLines) {
  EXPECT_EQ(Parse("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").requests, (Requests{{"GET", "k"}}));
  EXPECT_EQ(Parse("GET k\r\nPING\n").requests, (Requests{{"GET", "k"}, {"PING"}}));
  EXPECT_EQ(Parse("*1\r\n$4\r\nPING\r\n\r\n*0\r\nPING\r\n").requests, (Requests{{"PING"}, {"PING"}}));
  EXPECT_EQ(Parse("*1\r\n$0\r\n\r\n").requests, (Requests{{""}}));
  const std::string binary("\r\n\0$*", 5);
  EXPECT_EQ(Parse("*1\r\n$5\r\n" + binary + "\r\n").requests, (Requests{{binary}}));
}

TEST(RequestParserTest, LengthsOfEveryDigitCount) {
  for (size_t n : {0u, 1u, 9u, 10u, 99u, 100u, 999u, 1000u, 9999u, 10000u, 99999u, 100000u, 999999u, 1000000u,
                   10000000u}) {
    const std::string text(n, 'v');
    const Parsed parsed = Parse("*2\r\n$1\r\na\r\n$" + std::to_string(n) + "\r\n" + text + "\r\n");
    ASSERT_EQ(parsed.requests.size(), 1u) << n;
    EXPECT_EQ(parsed.requests[0][1], text);
  }
  std::string many = "*1234\r\n";
  for (int i = 0; i < 1234; ++i) many += "$2\r\nab\r\n";
  EXPECT_EQ(Parse(many).requests, (Requests{std::vector<std::string>(1234, "ab")}));
}

TEST(RequestParserTest, ArgumentsAreViewsIntoTheInput) {
  const std::string input = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\nGET k \"q\"\r\n";
  RequestParser parser;
  ArgVector argv;
  size_t consumed;
  ASSERT_EQ(parser.Next(input, &consumed, &argv), RequestParser::kRequest);
  EXPECT_EQ(argv[0].data(), input.data() + 8);
  EXPECT_EQ(consumed, 20u);
  const std::string_view rest = std::string_view(input).substr(consumed);
  ASSERT_EQ(parser.Next(rest, &consumed, &argv), RequestParser::kRequest);
  EXPECT_EQ(argv[1].data(), rest.data() + 4);
  ArgVector moved = std::move(argv);  // takes the unquoted text along
  EXPECT_EQ(moved[2], "q");
  EXPECT_EQ(argv.size(), 0u);  // NOLINT: that is the promise
}

TEST(RequestParserTest, ErrorsAreRedises) {
  const std::map<std::string, std::string> kErrors = {
      {"*abc\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*1\r\nabc\r\n", "expected '$', got 'a'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"GET \"a\r\n", "unbalanced quotes in request"},
      {"*" + std::string(65536, '1'), "too big mbulk count string"},
      {"*1\r\n$" + std::string(65536, '1'), "too big bulk count string"},
      {std::string(65537, 'a'), "too big inline request"},
  };
  for (const auto& [input, error] : kErrors) {
    const Parsed parsed = Parse("PING\r\n" + input);
    EXPECT_EQ(parsed.error, kProtocolError + error) << input.substr(0, 40);
    EXPECT_EQ(parsed.requests.size(), 1u) << "what came before it is answered";
  }
  EXPECT_EQ(Parse("*1\r\n\r\n").error,
            std::string(kProtocolError) + "expected '$', got '\r'");  // the writer makes it ' '
  EXPECT_EQ(Parse("*2147483647\r\n").error, "");
}

TEST(RequestParserTest, AnErrorIsForGood) {
  RequestParser parser;
  ArgVector argv;
  size_t consumed;
  EXPECT_EQ(parser.Next("*x\r\n", &consumed, &argv), RequestParser::kError);
  EXPECT_EQ(parser.Next("PING\r\n", &consumed, &argv), RequestParser::kError);
  char room[RequestParser::kErrorMax];
  EXPECT_EQ(parser.error(room), "ERR Protocol error: invalid multibulk length");
  parser.Reset();
  EXPECT_EQ(parser.Next("PING\r\n", &consumed, &argv), RequestParser::kRequest);
}

TEST(RequestParserTest, ClientsWithoutPasswordHaveTighterLimits) {
  EXPECT_EQ(Parse("*11\r\n", false).error, "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(Parse("*10\r\n", false).error, "");
  EXPECT_EQ(Parse("*1\r\n$16385\r\n", false).error, "ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(Parse("*1\r\n$16384\r\n", false).error, "");
  EXPECT_EQ(Parse("*1\r\n$536870913\r\n", false).error, "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(Parse("PING 1 2 3 4 5 6 7 8 9 10 11 12\r\n", false).requests[0].size(), 13u);  // not inline lines
}

TEST(RequestParserTest, BulkMaxCanBeSet) {
  RequestParser parser;
  ArgVector argv;
  size_t consumed;
  parser.set_bulk_max(100);
  EXPECT_EQ(parser.Next("*1\r\n$101\r\n", &consumed, &argv), RequestParser::kError);
  parser.Reset();
  EXPECT_EQ(parser.Next("*1\r\n$100\r\n", &consumed, &argv), RequestParser::kNeedMore);
}

TEST(RequestParserTest, ALargeBulkSaysHowMuchIsMissing) {
  RequestParser parser;
  ArgVector argv;
  size_t consumed;
  std::string input = "*2\r\n$1\r\na\r\n$100000\r\n";
  const size_t header = input.size();
  EXPECT_EQ(parser.Next(input, &consumed, &argv), RequestParser::kNeedMore);
  EXPECT_EQ(parser.BytesWanted(), 100002u);
  EXPECT_EQ(parser.LargeBulk(), 100000u);
  EXPECT_TRUE(parser.InRequest());
  EXPECT_TRUE(argv.empty());
  for (size_t left = 100002; left > 1; left -= 1 + left / 2) {
    input.resize(input.size() + 1 + left / 2, 'x');
    const size_t wanted = parser.BytesWanted();
    if (parser.Next(input, &consumed, &argv) == RequestParser::kRequest) break;
    EXPECT_EQ(parser.BytesWanted(), wanted - 1 - left / 2);
  }
  input.resize(header + 100002, 'x');
  EXPECT_EQ(parser.Next(input, &consumed, &argv), RequestParser::kRequest);
  EXPECT_EQ(consumed, input.size());
  EXPECT_EQ(parser.BytesWanted(), 0u);
  EXPECT_EQ(parser.LargeBulk(), 0u);
  EXPECT_FALSE(parser.InRequest());
}

TEST(RequestParserTest, AHeadersClaimTakesNoMemory) {
  RequestParser parser;
  ArgVector argv;
  size_t consumed;
  EXPECT_EQ(parser.Next("*1000000000\r\n$3\r\nfoo\r\n$5", &consumed, &argv), RequestParser::kNeedMore);
  EXPECT_LE(parser.memory(), 256u);
}

// Every input cut at every byte, cut at every two bytes in a row, and byte for byte: the same as in one piece.
TEST(RequestParserTest, CutsDoNotMatter) {
  std::vector<std::string> inputs = {
      "*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$11\r\nworld world\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n",
      "SET \"a b\" 'c'\r\n\r\n*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\nECHO x\n",
      "*12\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n$1\r\ng\r\n$1\r\nh\r\n$1\r\ni\r\n"
      "$1\r\nj\r\n$1\r\nk\r\n$0\r\n\r\nPING\r\n"};
  for (const std::string& odd : tests::OddInputs()) {
    if (odd.size() < 200) inputs.push_back(odd);
  }
  for (const std::string& line : tests::OddLines()) inputs.push_back("ECHO " + line + "\r\nPING\r\n");
  for (const std::string& input : inputs) {
    const Parsed whole = Parse(input);
    std::vector<size_t> every;
    for (size_t at = 1; at < input.size(); ++at) {
      RequestParser one, two;
      ASSERT_EQ(ParseInPieces(input, {at}, one), whole) << input << " cut at " << at;
      ASSERT_EQ(ParseInPieces(input, {at - 1, at}, two), whole) << input << " cut at " << at - 1 << " and after";
      every.push_back(at);
    }
    RequestParser parser;
    ASSERT_EQ(ParseInPieces(input, every, parser), whole) << input;
  }
}

// Longer pipelines, cut at random.
TEST(RequestParserTest, RandomPipelinesCutAtRandom) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    std::string input;
    Requests expected;
    for (size_t i = 0; i < 20; ++i) {
      std::vector<std::string> args(1 + random.Below(random.Below(10) == 0 ? 40 : 6));
      const bool as_inline = random.Below(4) == 0;
      for (std::string& arg : args) {
        const size_t length = random.Below(50) == 0 ? random.Below(3000) : random.Below(20);
        for (size_t n = length + as_inline; n > 0; --n) {
          arg += as_inline ? static_cast<char>('a' + random.Below(26)) : static_cast<char>(random.Next());
        }
      }
      if (as_inline) {
        for (const std::string& arg : args) input += random.Below(2) == 0 ? arg + " " : "\"" + arg + "\"\t";
        input += "\r\n";
      } else {
        input += "*" + std::to_string(args.size()) + "\r\n";
        for (const std::string& arg : args) input += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
      }
      if (random.Below(10) == 0) input += "\r\n*0\r\n";
      expected.push_back(std::move(args));
    }
    std::vector<size_t> cuts;
    for (size_t at = 0; (at += 1 + random.Below(random.Below(2) == 0 ? 10 : 500)) < input.size();) cuts.push_back(at);
    RequestParser parser;
    const Parsed parsed = ParseInPieces(input, cuts, parser);
    ASSERT_EQ(parsed.requests, expected);
    ASSERT_EQ(parsed.error, "");
    ASSERT_EQ(parsed.consumed, input.size());
  }
}

// Bytes from a small alphabet of what matters: no crash, and cuts still change nothing.
TEST(RequestParserTest, RandomBytesDoNoHarm) {
  using namespace std::string_view_literals;
  static constexpr std::string_view kAlphabet = "*$\r\n\r\n0123456789-\"'\\x abP\0\xff"sv;
  size_t requests = 0;
  size_t errors = 0;
  for (uint64_t seed = 1; seed <= 20000; ++seed) {
    base::Random random(seed);
    std::string input;
    for (size_t n = random.Below(60); n > 0; --n) {
      switch (random.Below(12)) {
        case 0: input += "*" + std::to_string(random.Below(4)) + "\r\n"; break;
        case 1: input += "$" + std::to_string(random.Below(5)) + "\r\n"; break;
        case 2: input += "\r\n"; break;
        default: input += kAlphabet[random.Below(kAlphabet.size())];
      }
    }
    const Parsed whole = Parse(input);
    std::vector<size_t> cuts;
    for (size_t at = 0; (at += 1 + random.Below(5)) < input.size();) cuts.push_back(at);
    RequestParser parser;
    ASSERT_EQ(ParseInPieces(input, cuts, parser), whole) << "seed " << seed;
    requests += whole.requests.size();
    errors += !whole.error.empty();
  }
  EXPECT_GT(requests, 10000u);
  EXPECT_GT(errors, 5000u);
}

}  // namespace
}  // namespace larder::resp
