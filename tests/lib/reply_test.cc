#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include <larder/reply.h>

namespace larder {
namespace {

using ::testing::ElementsAre;
using Type = ReplyView::Type;

Reply Read(std::string_view resp) {
  size_t length = 0;
  absl::StatusOr<Reply> reply = Reply::FromResp(resp, &length);
  EXPECT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(length, resp.size());
  return reply.ok() ? *std::move(reply) : Reply();
}

TEST(ReplyTest, ScalarsHaveTheirValues) {
  EXPECT_TRUE(Reply().is_nil());
  for (const char* nil : {"$-1\r\n", "*-1\r\n", "_\r\n"}) EXPECT_TRUE(Read(nil).is_nil());
  const Reply text = Read("$5\r\nhello\r\n");
  EXPECT_EQ(text.type(), Type::kString);
  EXPECT_EQ(text.string_view(), "hello");
  EXPECT_EQ(text.AsString(), "hello");
  EXPECT_TRUE(Read("+OK\r\n").is_ok());
  EXPECT_FALSE(Read("$2\r\nOK\r\n").is_ok());
  EXPECT_EQ(Read("+PONG\r\n").string_view(), "PONG");
  EXPECT_EQ(Read(":-7\r\n").integer(), -7);
  EXPECT_EQ(Read(":-7\r\n").AsString(), "-7");
  EXPECT_EQ(Read(",0.1\r\n").number(), 0.1);
  EXPECT_EQ(Read(",0.1\r\n").AsString(), "0.10000000000000001");
  EXPECT_TRUE(Read("#t\r\n").boolean());
  EXPECT_EQ(Read("#f\r\n").AsString(), "0");
  EXPECT_EQ(Read("(123\r\n").string_view(), "123");
  const Reply verbatim = Read("=8\r\nmkd:*hi*\r\n");
  EXPECT_EQ(verbatim.string_view(), "*hi*");
  EXPECT_EQ(verbatim.verbatim_format(), "mkd");
}

TEST(ReplyTest, NumbersAreReadFromText) {
  EXPECT_EQ(Read("$2\r\n42\r\n").AsInteger(), 42);
  EXPECT_EQ(Read("$2\r\n4x\r\n").AsInteger(), std::nullopt);
  EXPECT_EQ(Read("$3\r\n1.5\r\n").AsNumber(), 1.5);
  EXPECT_EQ(Read("*0\r\n").AsNumber(), std::nullopt);
  EXPECT_EQ(Read(":3\r\n").number(), 3);
  EXPECT_EQ(Read(",3\r\n").AsInteger(), std::nullopt);
}

TEST(ReplyTest, AccessorsOfAnotherTypeAreEmpty) {
  const Reply integer = Read(":5\r\n");
  EXPECT_EQ(integer.string_view(), "");
  EXPECT_EQ(integer.size(), 0u);
  EXPECT_TRUE(integer[3].is_nil());
  EXPECT_EQ(integer.error_code(), "");
  EXPECT_TRUE(integer.ToStatus().ok());
  EXPECT_EQ(integer.Find("a"), std::nullopt);
  EXPECT_EQ(integer.verbatim_format(), "");
  EXPECT_EQ(Reply().integer(), 0);
  EXPECT_TRUE(Reply()[0].is_nil());
}

TEST(ReplyTest, ErrorsHaveACodeAndAStatus) {
  const Reply error = Read("-WRONGTYPE Operation against a key\r\n");
  EXPECT_TRUE(error.is_error());
  EXPECT_EQ(error.error_code(), "WRONGTYPE");
  EXPECT_EQ(error.ToStatus().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(error.ToStatus().message(), "Operation against a key");
  EXPECT_EQ(Read("-OOM x\r\n").ToStatus().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Read("-NOAUTH x\r\n").ToStatus().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Read("-NOPERM x\r\n").ToStatus().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Read("-UNBLOCKED x\r\n").ToStatus().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Read("-ERR x\r\n").ToStatus().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read("-LONELY\r\n").error_code(), "LONELY");
}

TEST(ReplyTest, AggregatesAreWalkedAndIndexed) {
  const Reply reply = Read("*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-ERR x\r\n");
  EXPECT_EQ(reply.size(), 3u);
  std::vector<Type> types;
  for (ReplyView element : reply) types.push_back(element.type());
  EXPECT_THAT(types, ElementsAre(Type::kInteger, Type::kArray, Type::kError));
  EXPECT_EQ(reply[1][0].string_view(), "a");
  EXPECT_TRUE(reply[1][1].empty());
  EXPECT_TRUE(reply[1][1].is_aggregate());
  EXPECT_EQ(reply[2].error_code(), "ERR");
}

TEST(ReplyTest, FindLooksInMapsAndInFlatArrays) {
  for (const char* head : {"%2\r\n", "*4\r\n"}) {
    const Reply reply = Read(std::string(head) + "$1\r\na\r\n:1\r\n:7\r\n*1\r\n:2\r\n");
    EXPECT_EQ(reply.size(), 4u);
    ASSERT_TRUE(reply.Find("a").has_value());
    EXPECT_EQ(reply.Find("a")->integer(), 1);
    EXPECT_EQ(reply.Find("7")->size(), 1u);
    EXPECT_EQ(reply.Find("b"), std::nullopt);
    EXPECT_EQ(reply.Find("1"), std::nullopt) << "values are not keys";
  }
  EXPECT_EQ(Read("~2\r\n$1\r\na\r\n:1\r\n").Find("a"), std::nullopt);
}

TEST(ReplyTest, AttributesAreDropped) {
  const Reply reply = Read("|1\r\n+ttl\r\n*2\r\n:1\r\n:2\r\n*2\r\n|1\r\n+x\r\n+y\r\n:5\r\n:6\r\n");
  EXPECT_EQ(reply.size(), 2u);
  EXPECT_EQ(reply[0].integer(), 5);
  EXPECT_EQ(reply[1].integer(), 6);
}

TEST(ReplyTest, MovesKeepViewsValid) {
  Reply reply = Read("*2\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n");
  const ReplyView second = reply[1];
  Reply moved(std::move(reply));
  EXPECT_TRUE(reply.is_nil());  // NOLINT: that is the promise
  EXPECT_EQ(second.string_view(), "second");
  EXPECT_EQ(moved[0].string_view(), "first");
  reply = std::move(moved);
  EXPECT_EQ(reply[0].string_view(), "first");
  EXPECT_EQ(second.string_view(), "second");
}

TEST(ReplyTest, NilAndOkTakeNoMemory) {
  EXPECT_EQ(Read("_\r\n").memory(), 0u);
  EXPECT_EQ(Read("+OK\r\n").memory(), 0u);
  EXPECT_LE(Read("$5\r\nhello\r\n").memory(), 40u);
}

TEST(ReplyTest, BadInputIsAnErrorNotACrash) {
  EXPECT_EQ(Reply::FromResp("").status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Reply::FromResp("*2\r\n:1\r\n").status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Reply::FromResp("?").status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Reply::FromResp("?\r\n").status().code(), absl::StatusCode::kInvalidArgument);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "*1\r\n";
  EXPECT_EQ(Reply::FromResp(deep + ":1\r\n").status().code(), absl::StatusCode::kInvalidArgument);
  size_t length = 0;
  EXPECT_TRUE(Reply::FromResp(":1\r\n:2\r\n", &length).ok());
  EXPECT_EQ(length, 4u);
}

// The right-hand sides are what redis-cli 7.0.15 printed for these replies (--no-raw, -3).
TEST(ReplyTest, DebugStringIsRedisClis) {
  EXPECT_EQ(Read("_\r\n").DebugString(), "(nil)");
  EXPECT_EQ(Read(":12345\r\n").DebugString(), "(integer) 12345");
  EXPECT_EQ(Read(",3.141\r\n").DebugString(), "(double) 3.141");
  EXPECT_EQ(Read("#t\r\n").DebugString(), "(true)");
  EXPECT_EQ(Read("#f\r\n").DebugString(), "(false)");
  EXPECT_EQ(Read("+OK\r\n").DebugString(), "OK");
  EXPECT_EQ(Read("-ERR no\r\n").DebugString(), "(error) ERR no");
  EXPECT_EQ(Read("=25\r\ntxt:This is a verbatim\nst\r\n").DebugString(), "This is a verbatim\nst");
  EXPECT_EQ(Read("$9\r\na\n\"\\x\x01\xff\t \r\n").DebugString(), R"("a\n\"\\x\x01\xff\t ")");
  EXPECT_EQ(Read("*0\r\n").DebugString(), "(empty array)");
  EXPECT_EQ(Read("%0\r\n").DebugString(), "(empty hash)");
  EXPECT_EQ(Read("~0\r\n").DebugString(), "(empty set)");
  EXPECT_EQ(Read("*3\r\n:1\r\n*3\r\n:2\r\n*2\r\n:3\r\n$1\r\na\r\n*0\r\n+fine\r\n").DebugString(),
            "1) (integer) 1\n"
            "2) 1) (integer) 2\n"
            "   2) 1) (integer) 3\n"
            "      2) \"a\"\n"
            "   3) (empty array)\n"
            "3) fine");
  EXPECT_EQ(Read("%3\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n$1\r\nd\r\n~2\r\n$1\r\ny\r\n$1\r\nx\r\n"
                 "$1\r\nb\r\n%1\r\n$1\r\nc\r\n:1\r\n")
                .DebugString(),
            "1# \"a\" => \n"
            "   1) (integer) 1\n"
            "   2) (integer) 2\n"
            "2# \"d\" => \n"
            "   1~ \"y\"\n"
            "   2~ \"x\"\n"
            "3# \"b\" => 1# \"c\" => (integer) 1");
  std::string ten = "*10\r\n";
  for (int i = 0; i < 9; ++i) ten += ":1\r\n";
  EXPECT_THAT(Read(ten + "*2\r\n:2\r\n:3\r\n").DebugString(),
              ::testing::AllOf(::testing::StartsWith(" 1) (integer) 1\n 2) "),
                               ::testing::EndsWith(" 9) (integer) 1\n10) 1) (integer) 2\n    2) (integer) 3")));
}

// Damaged replies: an error or a tree, never a read past the end.
TEST(ReplyTest, RandomDamageDoesNoHarm) {
  const std::string good =
      "*5\r\n%1\r\n$1\r\na\r\n~2\r\n:1\r\n,1.5\r\n|1\r\n+k\r\n+v\r\n=6\r\ntxt:hi\r\n*1\r\n#t\r\n(123\r\n>1\r\n_\r\n";
  ASSERT_TRUE(Reply::FromResp(good).ok());
  int trees = 0;
  for (uint64_t seed = 1; seed <= 20000; ++seed) {
    base::Random random(seed);
    std::string input = good;
    for (size_t n = 1 + random.Below(3); n > 0; --n) {
      const size_t at = random.Below(input.size());
      if (random.Below(2) == 0) {
        input[at] = "*$%~:_\r\n0129|"[random.Below(13)];
      } else {
        input.erase(at, random.Below(3));
      }
    }
    const std::vector<char> exact(input.begin(), input.end());
    const absl::StatusOr<Reply> reply = Reply::FromResp({exact.data(), exact.size()});
    if (!reply.ok()) continue;
    ++trees;
    EXPECT_FALSE(reply->DebugString().empty() && reply->type() != Type::kStatus && reply->type() != Type::kVerbatim);
  }
  EXPECT_GT(trees, 1000);
}

}  // namespace
}  // namespace larder
