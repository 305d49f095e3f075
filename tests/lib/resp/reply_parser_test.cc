#include "lib/resp/reply_parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "lib/base/random.h"

namespace larder::resp {
namespace {

using namespace std::string_view_literals;

TEST(ReadItemTest, KnowsEveryType) {
  ReplyItem item;
  EXPECT_EQ(ReadItem("$5\r\nhello\r\n", &item), 11);
  EXPECT_EQ(item.kind, ReplyItem::kBulk);
  EXPECT_EQ(item.text, "hello");
  EXPECT_EQ(ReadItem("+OK\r\nrest", &item), 5);
  EXPECT_EQ(item.kind, ReplyItem::kSimple);
  EXPECT_EQ(ReadItem("-ERR x\r\n", &item), 8);
  EXPECT_EQ(item.kind, ReplyItem::kError);
  EXPECT_EQ(item.text, "ERR x");
  EXPECT_EQ(ReadItem("!5\r\nERR x\r\n", &item), 11);
  EXPECT_EQ(item.kind, ReplyItem::kError);
  EXPECT_EQ(ReadItem(":-12\r\n", &item), 6);
  EXPECT_EQ(item.integer, -12);
  EXPECT_EQ(ReadItem(",1.5\r\n", &item), 6);
  EXPECT_EQ(item.number, 1.5);
  EXPECT_EQ(ReadItem(",-inf\r\n", &item), 7);
  EXPECT_EQ(item.number, -INFINITY);
  EXPECT_EQ(ReadItem(",nan\r\n", &item), 6);
  EXPECT_TRUE(std::isnan(item.number));
  EXPECT_EQ(ReadItem("#t\r\n", &item), 4);
  EXPECT_EQ(item.kind, ReplyItem::kBoolean);
  EXPECT_EQ(item.integer, 1);
  EXPECT_EQ(ReadItem("(-123\r\n", &item), 7);
  EXPECT_EQ(item.kind, ReplyItem::kBigNumber);
  EXPECT_EQ(ReadItem("=8\r\ntxt:some\r\n", &item), 14);
  EXPECT_EQ(item.kind, ReplyItem::kVerbatim);
  for (const char* nil : {"$-1\r\n", "*-1\r\n", "_\r\n"}) {
    EXPECT_GT(ReadItem(nil, &item), 0);
    EXPECT_EQ(item.kind, ReplyItem::kNil) << nil;
  }
  EXPECT_EQ(ReadItem("%2\r\n", &item), 4);
  EXPECT_EQ(item.kind, ReplyItem::kMap);
  EXPECT_EQ(item.count, 4u);
  EXPECT_EQ(ReadItem("~2\r\n", &item), 4);
  EXPECT_EQ(item.kind, ReplyItem::kSet);
  EXPECT_EQ(ReadItem(">2\r\n", &item), 4);
  EXPECT_EQ(item.kind, ReplyItem::kPush);
  EXPECT_EQ(ReadItem("|1\r\n", &item), 4);
  EXPECT_EQ(item.kind, ReplyItem::kAttribute);
}

TEST(ReadItemTest, RefusesWhatIsMalformed) {
  for (const char* text : {"x\r\n", "\r\n", ":\r\n", ":1a\r\n", ":9223372036854775808\r\n", "$x\r\n", "$-2\r\n",
                           "$3\r\nabcde\r\n",
                           "*-2\r\n", "*1x\r\n", "#x\r\n", "#\r\n", "_x\r\n", "(\r\n", "(1.5\r\n", ",\r\n", ",1,5\r\n",
                           "=3\r\nabc\r\n",
                           "=5\r\ntxt-a\r\n", "+a\rb\r\n", "%9223372036854775807\r\n%", "$9223372036854775807\r\n",
                           "*+1\r\n"}) {
    ReplyItem item;
    const ssize_t length = ReadItem(text, &item);
    if (text[0] == '%') {
      EXPECT_EQ(item.count, 18446744073709551614u);  // fits, just
      continue;
    }
    EXPECT_EQ(length, -1) << text;
  }
}

TEST(ReadItemTest, SaysHowMuchOfABulkIsMissing) {
  ReplyItem item;
  size_t missing = 7;
  EXPECT_EQ(ReadItem("$10\r\nabc", &item, &missing), 0);
  EXPECT_EQ(missing, 9u);
  EXPECT_EQ(ReadItem("$10", &item, &missing), 0);
  EXPECT_EQ(missing, 0u);
}

TEST(ReplyLengthTest, CoversNestedRepliesAndAttributes) {
  EXPECT_EQ(ReplyLength("*0\r\n+OK\r\n"), 4);
  EXPECT_EQ(ReplyLength("*2\r\n:1\r\n*2\r\n:2\r\n$1\r\na\r\n+OK\r\n"), 23);
  EXPECT_EQ(ReplyLength("%1\r\n+a\r\n:1\r\n:9\r\n"), 12);
  EXPECT_EQ(ReplyLength("|1\r\n+a\r\n:1\r\n:9\r\n+OK\r\n"), 16);
  EXPECT_EQ(ReplyLength("|0\r\n:9\r\n"), 8);
  EXPECT_EQ(ReplyLength("*1\r\n|1\r\n+a\r\n*1\r\n:1\r\n:9\r\n+OK\r\n"), 24);
  EXPECT_EQ(ReplyLength("|1\r\n+a\r\n:1\r\n"), 0);
  EXPECT_EQ(ReplyLength(""), 0);
  EXPECT_EQ(ReplyLength("*1000000000\r\n:1\r\n"), 0);
  EXPECT_EQ(ReplyLength("*1\r\nx\r\n"), -1);
}

TEST(ReplyLengthTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "*1\r\n";
    return text + ":1\r\n";
  };
  EXPECT_EQ(ReplyLength(nested(kReplyDepthMax)), 4 * kReplyDepthMax + 4);
  EXPECT_EQ(ReplyLength(nested(kReplyDepthMax + 1)), -1);
}

TEST(ReplyScannerTest, ALargeBulkIsNotLookedAtTwice) {
  ReplyScanner scanner;
  std::string reply = "*2\r\n:1\r\n$1000\r\n";
  EXPECT_EQ(scanner.Scan(reply), 0);
  // Bytes that would be malformed if they were looked at before the bulk is whole.
  EXPECT_EQ(scanner.Scan(std::string(reply.size() + 500, '?')), 0);
  reply += std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(scanner.Scan(reply), static_cast<ssize_t>(reply.size()));
  scanner.Reset();
  EXPECT_EQ(scanner.Scan("+OK\r\n"), 5);
}

TEST(ReplyScannerTest, RandomBytesDoNoHarm) {
  static constexpr std::string_view kAlphabet = "*$%~>|=!+-:,#_(\r\n\r\n\r\n01239tfx"sv;
  size_t whole = 0;
  size_t malformed = 0;
  for (uint64_t seed = 1; seed <= 50000; ++seed) {
    base::Random random(seed);
    std::string input;
    for (size_t n = random.Below(40); n > 0; --n) {
      switch (random.Below(8)) {
        case 0: input += "*" + std::to_string(random.Below(3)) + "\r\n"; break;
        case 1: input += ":" + std::to_string(random.Below(3)) + "\r\n"; break;
        case 2: input += "$" + std::to_string(random.Below(3)) + "\r\n"; break;
        case 3: input += "|1\r\n"; break;
        default: input += kAlphabet[random.Below(kAlphabet.size())];
      }
    }
    const ssize_t expected = ReplyLength(input);
    whole += expected > 0;
    malformed += expected < 0;
    ReplyScanner scanner;
    ssize_t got = 0;
    for (size_t n = 1; n <= input.size() && got == 0; n += 1 + random.Below(4)) got = scanner.Scan(input.substr(0, n));
    if (got == 0) got = scanner.Scan(input);
    ASSERT_EQ(got, expected) << "seed " << seed << ": " << input;
  }
  EXPECT_GT(whole, 1000u);
  EXPECT_GT(malformed, 1000u);
}

}  // namespace
}  // namespace larder::resp
