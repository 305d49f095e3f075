// Sorted sets. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view kSyntax = "ERR syntax error";
constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
constexpr std::string_view kNotFloat = "ERR value is not a valid float";
constexpr std::string_view kRangeNotFloat = "ERR min or max is not a float";
constexpr std::string_view kRangeNotLex = "ERR min or max not valid string range item";

class ZsetTest : public CommandTest {
 protected:
  using Argv = std::vector<std::string>;

  // The elements of an array as redis-cli would show them: "a b c", "a 1 b 2".
  static std::string TextOf(const ReplyView& reply) {
    if (reply.type() == ReplyView::Type::kArray) {
      std::string text;
      for (const ReplyView& element : ElementsOf(reply)) text += (text.empty() ? "" : " ") + TextOf(element);
      return text;
    }
    return reply.is_nil() ? "nil" : reply.AsString();
  }
  std::string Text(const Argv& argv) { return TextOf(Run(argv)); }
  // A reply that RESP2 has as text and RESP3 as a number.
  std::string Score(const Argv& argv) {
    const Reply reply = Run(argv);
    if (protocol() == 2) {
      EXPECT_EQ(reply.type(), ReplyView::Type::kString);
      return reply.AsString();
    }
    EXPECT_EQ(reply.type(), ReplyView::Type::kDouble);
    return TextOf(reply);
  }
  void Fill(std::string_view key, int members) {
    for (int i = 0; i < members; ++i) Run({"ZADD", key, std::to_string(i), "member" + std::to_string(i)});
  }
  void ExpectErrors(std::string_view error, const std::vector<Argv>& all) {
    for (const Argv& argv : all) EXPECT_THAT(Run(argv), IsError(error)) << ::testing::PrintToString(argv);
  }
};
LARDER_COMMAND_TEST(ZsetTest);

TEST_P(ZsetTest, AddsAndChanges) {
  EXPECT_THAT(Run({"ZADD", "z", "1", "a", "2", "b"}), IsInt(2));
  EXPECT_THAT(Run({"ZADD", "z", "3", "a", "0.5", "c", "9", "c"}), IsInt(1));
  EXPECT_THAT(Run({"ZADD", "z", "CH", "3", "a", "1", "c", "7", "d"}), IsInt(2));
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), "c 1 b 2 a 3 d 7");
  EXPECT_THAT(Run({"TYPE", "z"}), IsStatus("zset"));
  EXPECT_THAT(Run({"ZCARD", "z"}), IsInt(4));
  EXPECT_EQ(Score({"ZSCORE", "z", "a"}), "3");
  EXPECT_THAT(Run({"ZSCORE", "z", "nothing"}), IsNil());
  EXPECT_EQ(Text({"ZMSCORE", "z", "a", "nothing", "d"}), "3 nil 7");
  EXPECT_EQ(Text({"ZMSCORE", "none", "a"}), "nil");
  EXPECT_THAT(Run({"ZRANK", "z", "a"}), IsInt(2));
  EXPECT_THAT(Run({"ZREVRANK", "z", "a"}), IsInt(1));
  EXPECT_THAT(Run({"ZRANK", "z", "nothing"}), IsNil());
  EXPECT_THAT(Run({"ZREM", "z", "a", "nothing", "d"}), IsInt(2));
  EXPECT_THAT(Run({"ZREM", "z", "b", "c"}), IsInt(2));
  EXPECT_THAT(Run({"EXISTS", "z"}), IsInt(0));
  EXPECT_THAT(Run({"ZREM", "z", "b"}), IsInt(0));
}

TEST_P(ZsetTest, OptionsSayWhomItLeavesAlone) {
  Run({"ZADD", "z", "5", "a"});
  EXPECT_THAT(Run({"ZADD", "z", "NX", "CH", "1", "a", "1", "b"}), IsInt(1));
  EXPECT_THAT(Run({"ZADD", "z", "XX", "CH", "2", "b", "1", "c"}), IsInt(1));
  EXPECT_THAT(Run({"ZADD", "z", "GT", "CH", "4", "a", "3", "b", "1", "c"}), IsInt(2));
  EXPECT_THAT(Run({"ZADD", "z", "LT", "CH", "6", "a", "2.5", "b"}), IsInt(1));
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), "c 1 b 2.5 a 5");
  EXPECT_THAT(Run({"ZADD", "none", "XX", "1", "a"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "none"}), IsInt(0));
  EXPECT_EQ(Score({"ZADD", "z", "INCR", "1.5", "a"}), "6.5");
  EXPECT_EQ(Score({"ZADD", "z", "XX", "GT", "INCR", "1", "a"}), "7.5");
  EXPECT_THAT(Run({"ZADD", "z", "NX", "INCR", "1", "a"}), IsNil());
  EXPECT_THAT(Run({"ZADD", "z", "GT", "INCR", "-1", "a"}), IsNil());
  EXPECT_THAT(Run({"ZADD", "none", "XX", "INCR", "1", "a"}), IsNil());
  EXPECT_EQ(Score({"ZINCRBY", "z", "-3", "a"}), "4.5");
  EXPECT_EQ(Score({"ZINCRBY", "fresh", "0.1", "a"}), "0.10000000000000001");
  ExpectErrors(kSyntax, {{"ZADD", "z", "1", "a", "2"}, {"ZADD", "z", "NX", "CH", "INCR", "GT"}});
  ExpectErrors("ERR XX and NX options at the same time are not compatible",
               {{"ZADD", "z", "NX", "XX", "1", "a"}, {"ZADD", "z", "NX", "GT", "XX", "1", "a"}});
  ExpectErrors("ERR GT, LT, and/or NX options at the same time are not compatible",
               {{"ZADD", "z", "GT", "LT", "1", "a"}, {"ZADD", "z", "NX", "LT", "1", "a"}});
  ExpectErrors("ERR INCR option supports a single increment-element pair", {{"ZADD", "z", "INCR", "1", "a", "2", "b"}});
  Run({"SET", "s", "x"});
  ExpectErrors(kNotFloat, {{"ZADD", "z", "1", "a", "x", "b"}, {"ZADD", "s", "nan", "a"}, {"ZINCRBY", "s", "", "a"},
                           {"ZADD", "z", " 1", "a"}, {"ZADD", "z", "1e400", "a"}});
}

TEST_P(ZsetTest, ScoresMayBeInfiniteButAlwaysNumbers) {
  Run({"ZADD", "z", "inf", "a", "-INF", "b", "+infinity", "c", "0x10", "d", "1e21", "e"});
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), "b -inf d 16 e 1e+21 a inf c inf");
  ExpectErrors(kSyntax, {{"ZINCRBY", "z", "CH", "a"}, {"ZINCRBY", "z", "nx", "a"}});
  EXPECT_THAT(Run({"ZINCRBY", "z", "-inf", "a"}), IsError("ERR resulting score is not a number (NaN)"));
  EXPECT_THAT(Run({"ZADD", "z", "INCR", "inf", "b"}), IsError("ERR resulting score is not a number (NaN)"));
  EXPECT_EQ(Score({"ZSCORE", "z", "a"}), "inf");
  // What is not a number counts as 0.
  EXPECT_EQ(Text({"ZUNION", "1", "z", "WEIGHTS", "0", "WITHSCORES"}), "a 0 b 0 c 0 d 0 e 0");
  EXPECT_EQ(Text({"ZINTER", "2", "z", "z", "WEIGHTS", "1", "-1", "WITHSCORES"}), "a 0 b 0 c 0 d 0 e 0");
  EXPECT_THAT(Run({"ZRANGEBYSCORE", "z", "(-inf", "(inf"}), IsArray(ElementsAre(IsBulk("d"), IsBulk("e"))));
}

// A skiplist keeps it, a listpack does not; both answer the sum as it was made.
TEST_P(ZsetTest, MinusZeroIsKeptWhereRedisKeepsIt) {
  Run({"ZADD", "z", "-0", "x", "0", "b", "-0", "c"});
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), "b 0 c 0 x 0");
  EXPECT_EQ(Score({"ZINCRBY", "z", "-0", "e"}), "-0");
  EXPECT_EQ(Score({"ZSCORE", "z", "e"}), "0");
  Run({"CONFIG", "SET", "zset-max-listpack-entries", "0"});
  for (const int more : {0, 300}) {  // in its entry, as a tree
    SCOPED_TRACE(more);
    Run({"DEL", "s"});
    Fill("s", more);
    Run({"ZREM", "s", "member0"});
    Run({"ZADD", "s", "-0", "x", "0", "b", "-0", "c"});
    EXPECT_EQ(Text({"ZRANGE", "s", "0", "2", "WITHSCORES"}), "b 0 c -0 x -0");
    EXPECT_EQ(Score({"ZINCRBY", "s", "0", "x"}), "0");
    EXPECT_EQ(Score({"ZSCORE", "s", "x"}), "-0");
    EXPECT_THAT(Run({"ZADD", "s", "CH", "0", "x", "-0", "b"}), IsInt(0));
    EXPECT_EQ(Text({"ZRANGE", "s", "0", "2", "WITHSCORES"}), "b 0 c -0 x -0");
    EXPECT_EQ(Text({"ZRANGEBYSCORE", "s", "0", "-0", "WITHSCORES"}), "b 0 c -0 x -0");
    EXPECT_THAT(Run({"ZCOUNT", "s", "(-0", "0"}), IsInt(0));
    EXPECT_THAT(Run({"ZRANK", "s", "c"}), IsInt(1));
    EXPECT_THAT(Run({"ZADD", "s", "CH", "1", "x"}), IsInt(1));
    EXPECT_THAT(Run({"ZREM", "s", "c"}), IsInt(1));
  }
  Run({"DEL", "s"});
  Run({"ZADD", "s", "-0", "x", "0", "b"});
  Run({"ZUNIONSTORE", "t", "1", "s"});
  EXPECT_EQ(Text({"ZRANGE", "t", "0", "-1", "WITHSCORES"}), "b 0 x -0");
  Run({"CONFIG", "SET", "zset-max-listpack-entries", "128"});
  Run({"ZUNIONSTORE", "t", "1", "s"});
  EXPECT_EQ(EncodingOf("t"), "listpack");
  EXPECT_EQ(Text({"ZRANGE", "t", "0", "-1", "WITHSCORES"}), "b 0 x 0");
  Run({"ZRANGESTORE", "t", "s", "0", "-1"});
  EXPECT_EQ(Text({"ZRANGE", "t", "0", "-1", "WITHSCORES"}), "b 0 x 0");
  EXPECT_EQ(Text({"ZUNION", "1", "s", "WEIGHTS", "-1", "WITHSCORES"}), "b -0 x 0");
}

TEST_P(ZsetTest, IsASkiplistBeyondItsLimitsForEver) {
  Fill("z", 128);
  EXPECT_EQ(EncodingOf("z"), "listpack");
  Run({"ZADD", "z", "1", "one more"});
  EXPECT_EQ(EncodingOf("z"), "skiplist");
  EXPECT_THAT(Run({"ZREMRANGEBYRANK", "z", "0", "-3"}), IsInt(127));
  EXPECT_EQ(EncodingOf("z"), "skiplist");
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1"}), "member126 member127");
  Run({"ZADD", "long", "1", std::string(64, 'm')});
  EXPECT_EQ(EncodingOf("long"), "listpack");
  Run({"ZADD", "long", "1", std::string(65, 'm')});
  EXPECT_EQ(EncodingOf("long"), "skiplist");
  // What is stored begins anew.
  EXPECT_THAT(Run({"ZRANGESTORE", "z", "z", "0", "-1"}), IsInt(2));
  EXPECT_EQ(EncodingOf("z"), "listpack");
  Run({"CONFIG", "SET", "zset-max-ziplist-entries", "2", "zset-max-listpack-value", "3"});
  Run({"ZADD", "two", "1", "abc", "2", "abd"});
  EXPECT_EQ(EncodingOf("two"), "listpack");
  Run({"ZADD", "two", "3", "abd"});
  EXPECT_EQ(EncodingOf("two"), "listpack");
  Run({"ZUNIONSTORE", "union", "2", "two", "z"});
  EXPECT_EQ(EncodingOf("union"), "skiplist");
  Run({"ZADD", "two", "3", "a"});
  EXPECT_EQ(EncodingOf("two"), "skiplist");
  Run({"ZADD", "four", "1", "abcd"});
  EXPECT_EQ(EncodingOf("four"), "skiplist");
}

TEST_P(ZsetTest, HoldsMembersOfAnySize) {
  int score = 0;
  std::map<std::string, int> model;
  for (const size_t size : {0u, 1u, 64u, 65u, 127u, 128u, 512u, 513u, 1000u, 5000u, 100000u}) {
    const std::string member(size, 'x');
    model[member] = score;
    EXPECT_THAT(Run({"ZADD", "z", std::to_string(score++), member}), IsInt(1));
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& [member, value] : model) {
      EXPECT_EQ(Score({"ZSCORE", "z", member}), std::to_string(value));
      value = 100 - value;
      EXPECT_THAT(Run({"ZADD", "z", "CH", std::to_string(value), member}), IsInt(1));
    }
    Run({"COPY", "z", "copy", "REPLACE"});
  }
  Fill("z", 500);
  for (const auto& [member, value] : model) EXPECT_EQ(Score({"ZSCORE", "z", member}), std::to_string(value));
  EXPECT_THAT(Run({"RENAME", "copy", "moved"}), IsOk());
  for (const auto& [member, value] : model) {
    EXPECT_THAT(Run({"ZRANK", "moved", member}), IsInt(value - 90));
    EXPECT_THAT(Run({"ZREM", "z", member}), IsInt(1));
    EXPECT_EQ(Score({"ZSCORE", "moved", member}), std::to_string(value));
  }
  EXPECT_THAT(Run({"ZCARD", "z"}), IsInt(500));
}

TEST_P(ZsetTest, KeepsItsExpiryUnlessItIsStoredAnew) {
  Run({"ZADD", "z", "1", "a"});
  Run({"PEXPIRE", "z", "5000"});
  Fill("z", 300);
  Run({"ZINCRBY", "z", "1", "a"});
  EXPECT_EQ(TtlMs("z"), 5000);
  Run({"ZRANGESTORE", "z", "z", "0", "3"});
  EXPECT_EQ(TtlMs("z"), -1);
  Run({"PEXPIRE", "z", "5000"});
  Run({"ZUNIONSTORE", "z", "1", "z"});
  EXPECT_EQ(TtlMs("z"), -1);
  Run({"PEXPIRE", "z", "5000"});
  Advance(absl::Seconds(6));
  EXPECT_THAT(Run({"ZCARD", "z"}), IsInt(0));
}

TEST_P(ZsetTest, RandomMembersAreItsOwn) {
  EXPECT_THAT(Run({"ZRANDMEMBER", "none"}), IsNil());
  EXPECT_THAT(Run({"ZRANDMEMBER", "none", "3"}), IsArray(IsEmpty()));
  for (const int members : {5, 300, 2000}) {
    const std::string key = "z" + std::to_string(members);
    Fill(key, members);
    EXPECT_FALSE(Run({"ZSCORE", key, Run({"ZRANDMEMBER", key}).AsString()}).is_nil());
    for (const int count : {1, 4, 100, 5000}) {
      const Reply picked = Run({"ZRANDMEMBER", key, std::to_string(count)});
      std::set<std::string> different;
      for (const ReplyView& member : ElementsOf(picked)) {
        different.insert(member.AsString());
        EXPECT_FALSE(Run({"ZSCORE", key, member.AsString()}).is_nil());
      }
      EXPECT_THAT(different, SizeIs(std::min(count, members)));
      EXPECT_EQ(picked.size(), different.size());
    }
    EXPECT_EQ(Run({"ZRANDMEMBER", key, "-20"}).size(), 20u);
  }
  const Reply pairs = Run({"ZRANDMEMBER", "z5", "2", "WITHSCORES"});
  EXPECT_EQ(pairs.size(), protocol() == 2 ? 4u : 2u);
  ExpectErrors(kNotInteger, {{"ZRANDMEMBER", "z5", "x"}});
  ExpectErrors(kSyntax, {{"ZRANDMEMBER", "z5", "1", "x"}, {"ZRANDMEMBER", "z5", "1", "WITHSCORES", "x"}});
}

TEST_P(ZsetTest, ScanMeetsAllThatStay) {
  Run({"ZADD", "odd", "1e17", "a", "0.1", "b", "4611686018427387904", "c", "inf", "d", "1e21", "e"});
  EXPECT_EQ(Text({"ZSCAN", "odd", "0", "COUNT", "1"}),
            "0 b 0.10000000000000001 a 100000000000000000 c 4611686018427387904 e 1e+21 d inf");
  Fill("z", 3000);
  Run({"ZADD", "z", "1e17", "odd"});
  std::set<std::string> met;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Reply reply = Run({"ZSCAN", "z", cursor, "COUNT", "7"});
    cursor = ElementsOf(reply)[0].AsString();
    const std::vector<ReplyView> elements = ElementsOf(ElementsOf(reply)[1]);
    EXPECT_LT(elements.size(), 300u);
    for (size_t i = 0; i < elements.size(); i += 2) {
      met.insert(elements[i].AsString());
      if (elements[i].AsString() == "odd") {
        EXPECT_THAT(elements[i + 1], IsBulk("1e+17"));
      }
    }
    // What comes and goes meanwhile does no harm, nor do other scores.
    Run({"ZADD", "z", std::to_string(calls), "new" + std::to_string(calls)});
    Run({"ZREM", "z", "new" + std::to_string(calls / 2)});
    Run({"ZINCRBY", "z", "-5000", "member" + std::to_string(calls * 31 % 3000)});
    ++calls;
  } while (cursor != "0");
  EXPECT_GT(calls, 50);
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(met.count("member" + std::to_string(i)), 1u) << i;
  EXPECT_EQ(Text({"ZSCAN", "z", "0", "MATCH", "odd", "COUNT", "10000"}), "0 odd 1e+17");
  ExpectErrors("ERR invalid cursor", {{"ZSCAN", "none", "x"}});
  ExpectErrors(kSyntax, {{"ZSCAN", "z", "0", "TYPE", "zset"}, {"ZSCAN", "z", "0", "COUNT", "0"}});
  EXPECT_EQ(Text({"ZSCAN", "none", "0", "COUNT", "x"}), "0 ");
}

// ---- Popping --------------------------------------------------------------------------------------------------------

TEST_P(ZsetTest, PopsFromBothEnds) {
  Run({"ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d"});
  EXPECT_EQ(Text({"ZPOPMIN", "z"}), "a 1");
  EXPECT_EQ(Run({"ZPOPMAX", "z"}).size(), 2u);
  const Reply pairs = Run({"ZPOPMAX", "z", "1"});
  EXPECT_EQ(TextOf(pairs), "c 3");
  EXPECT_EQ(pairs.size(), protocol() == 2 ? 2u : 1u);
  EXPECT_THAT(Run({"ZPOPMIN", "z", "0"}), IsArray(IsEmpty()));
  EXPECT_EQ(Text({"ZPOPMIN", "z", "100"}), "b 2");
  EXPECT_THAT(Run({"EXISTS", "z"}), IsInt(0));
  EXPECT_THAT(Run({"ZPOPMIN", "z"}), IsArray(IsEmpty()));
  Fill("large", 1000);
  EXPECT_EQ(Text({"ZPOPMAX", "large", "3"}), "member999 999 member998 998 member997 997");
  EXPECT_EQ(Run({"ZPOPMIN", "large", "990"}).size(), protocol() == 2 ? 1980u : 990u);
  EXPECT_EQ(Text({"ZRANGE", "large", "0", "-1"}), "member990 member991 member992 member993 member994 member995 member996");
  EXPECT_THAT(Run({"ZSCORE", "large", "member989"}), IsNil());
  Run({"SET", "s", "x"});
  ExpectErrors("ERR value is out of range, must be positive",
               {{"ZPOPMIN", "s", "-1"}, {"ZPOPMAX", "s", "x"}, {"ZPOPMIN", "s", "9223372036854775808"}});
  ExpectErrors(kSyntax, {{"ZPOPMIN", "z", "1", "2"}});
  ExpectErrors(kWrongType, {{"ZPOPMIN", "s", "0"}, {"ZPOPMIN", "s"}});
}

TEST_P(ZsetTest, MultiPopTakesTheFirstThatHasAny) {
  Run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  Run({"SET", "s", "x"});
  EXPECT_EQ(Text({"ZMPOP", "2", "none", "z", "MIN"}), "z a 1");
  const Reply pairs = Run({"ZMPOP", "1", "z", "MAX", "COUNT", "5"});
  EXPECT_EQ(TextOf(pairs), "z c 3 b 2");
  EXPECT_EQ(ElementsOf(pairs)[1].size(), 2u);
  EXPECT_THAT(Run({"ZMPOP", "2", "none", "z", "MIN"}), IsNil());
  ExpectErrors("ERR numkeys should be greater than 0", {{"ZMPOP", "0", "z", "MIN"}, {"ZMPOP", "x", "z", "MIN"}});
  ExpectErrors("ERR count should be greater than 0", {{"ZMPOP", "1", "z", "MIN", "COUNT", "0"},
                                                      {"ZMPOP", "1", "z", "MIN", "COUNT", "x"}});
  ExpectErrors(kSyntax, {{"ZMPOP", "5", "z", "MIN"}, {"ZMPOP", "1", "z", "UP"}, {"ZMPOP", "1", "z", "MIN", "COUNT"},
                         {"ZMPOP", "1", "z", "MIN", "COUNT", "1", "COUNT", "2"}});
  ExpectErrors(kWrongType, {{"ZMPOP", "2", "none", "s", "MIN"}});
}

// ---- Ranges ---------------------------------------------------------------------------------------------------------

TEST_P(ZsetTest, RangesByRank) {
  Run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1"}), "a b c");
  EXPECT_EQ(Text({"ZRANGE", "z", "-2", "100"}), "b c");
  EXPECT_EQ(Text({"ZRANGE", "z", "-100", "0"}), "a");
  EXPECT_EQ(Text({"ZRANGE", "z", "2", "1"}), "");
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "1", "REV", "WITHSCORES"}), "c 3 b 2");
  EXPECT_EQ(Text({"ZREVRANGE", "z", "1", "-1"}), "b a");
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1", "LIMIT", "5", "-1"}), "a b c") << "as in Redis";
  EXPECT_EQ(Run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}).size(), protocol() == 2 ? 6u : 3u);
  EXPECT_THAT(Run({"ZREMRANGEBYRANK", "z", "1", "1"}), IsInt(1));
  EXPECT_THAT(Run({"ZREMRANGEBYRANK", "z", "5", "9"}), IsInt(0));
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1"}), "a c");
  Run({"SET", "s", "x"});
  ExpectErrors("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
               {{"ZRANGE", "z", "0", "-1", "LIMIT", "0", "1"}, {"ZREVRANGE", "z", "0", "1", "LIMIT", "0", "1"}});
  ExpectErrors(kNotInteger, {{"ZRANGE", "s", "a", "1"}, {"ZRANGE", "z", "0", "1", "LIMIT", "0", "x"},
                             {"ZREMRANGEBYRANK", "s", "x", "1"}});
  ExpectErrors(kSyntax, {{"ZRANGE", "s", "0", "1", "FOO"}, {"ZREVRANGE", "z", "0", "1", "REV"},
                         {"ZRANGE", "z", "0", "1", "REV", "REV"}, {"ZRANGE", "z", "0", "1", "LIMIT", "0"}});
}

TEST_P(ZsetTest, RangesByScore) {
  for (const int members : {10, 1000}) {
    const std::string key = "z" + std::to_string(members);
    Fill(key, members);
    EXPECT_EQ(Text({"ZRANGEBYSCORE", key, "3", "(6", "WITHSCORES"}), "member3 3 member4 4 member5 5");
    EXPECT_EQ(Text({"ZREVRANGEBYSCORE", key, "(6", "3"}), "member5 member4 member3");
    EXPECT_EQ(Text({"ZRANGE", key, "6", "(3", "BYSCORE", "REV", "LIMIT", "1", "2"}), "member5 member4");
    EXPECT_EQ(Text({"ZRANGE", key, "-inf", "+inf", "BYSCORE", "LIMIT", std::to_string(members - 1), "-5"}),
              "member" + std::to_string(members - 1));
    EXPECT_EQ(Text({"ZRANGEBYSCORE", key, "0", "9", "LIMIT", "-1", "2"}), "");
    EXPECT_EQ(Text({"ZRANGEBYSCORE", key, "0", "9", "LIMIT", "100000", "2"}), "");
    EXPECT_THAT(Run({"ZCOUNT", key, "(2", "5.5"}), IsInt(3));
    EXPECT_THAT(Run({"ZCOUNT", key, "5", "2"}), IsInt(0));
    EXPECT_THAT(Run({"ZCOUNT", key, " -1", "1e400"}), IsInt(members)) << "as strtod reads them";
    EXPECT_THAT(Run({"ZCOUNT", key, "", "("}), IsInt(0));
    EXPECT_THAT(Run({"ZCOUNT", key, "", "1e-400"}), IsInt(1));
    EXPECT_THAT(Run({"ZCOUNT", key, "-0x1p+99999", "-0"}), IsInt(1));
    EXPECT_THAT(Run({"ZCOUNT", key, "-1e-99999", "1e99999"}), IsInt(members));
    EXPECT_THAT(Run({"ZREMRANGEBYSCORE", key, "(3", "7"}), IsInt(4));
    EXPECT_EQ(Text({"ZRANGEBYSCORE", key, "2", "9"}), "member2 member3 member8 member9");
  }
  Run({"SET", "s", "x"});
  ExpectErrors(kRangeNotFloat, {{"ZCOUNT", "s", "\r\n", "1"}, {"ZCOUNT", "s", "x", "1"}, {"ZCOUNT", "s", "((0", "1"}, {"ZCOUNT", "s", "nan", "1"},
                                {"ZCOUNT", "s", "1 ", "1"}, {"ZCOUNT", "s", "infe99999", "1"},
                                {"ZCOUNT", "s", "1e", "1"}, {"ZCOUNT", "s", "1e99999x", "1"}, {"ZREMRANGEBYSCORE", "s", "x", "1"}});
  ExpectErrors(kSyntax, {{"ZRANGEBYSCORE", "s", "x", "1", "FOO"}, {"ZRANGEBYSCORE", "z10", "0", "1", "REV"},
                         {"ZRANGE", "z10", "0", "1", "BYSCORE", "BYLEX"}});
}

TEST_P(ZsetTest, RangesByMember) {
  for (const std::string_view key : {"small", "large"}) {
    if (key == "large") Run({"CONFIG", "SET", "zset-max-listpack-entries", "0"});
    for (const char* member : {"a", "b", "c", "d", "e"}) Run({"ZADD", key, "0", member});
    if (key == "large") {
      for (int i = 0; i < 1000; ++i) Run({"ZADD", key, "0", "x" + std::to_string(i)});
    }
    const std::string k(key);
    EXPECT_EQ(Text({"ZRANGEBYLEX", k, "[b", "(d"}), "b c");
    EXPECT_EQ(Text({"ZREVRANGEBYLEX", k, "[d", "(a"}), "d c b");
    EXPECT_EQ(Text({"ZRANGE", k, "-", "[c", "BYLEX", "LIMIT", "1", "1"}), "b");
    EXPECT_EQ(Text({"ZRANGE", k, "(e", "-", "BYLEX", "REV", "LIMIT", "1", "2"}), "c b");
    EXPECT_EQ(Text({"ZRANGEBYLEX", k, "+", "-"}), "");
    EXPECT_EQ(Text({"ZRANGEBYLEX", k, "-", "-"}), "");
    EXPECT_THAT(Run({"ZLEXCOUNT", k, "-", "+"}), IsInt(key == "large" ? 1005 : 5));
    EXPECT_THAT(Run({"ZLEXCOUNT", k, "(", "[bb"}), IsInt(2));
    EXPECT_THAT(Run({"ZREMRANGEBYLEX", k, "(a", "(d"}), IsInt(2));
    EXPECT_EQ(Text({"ZRANGEBYLEX", k, "-", "[e"}), "a d e");
  }
  // Over a listpack of several scores: from the first that is in it, in the order of scores, until one is not.
  Run({"CONFIG", "SET", "zset-max-listpack-entries", "128"});
  Run({"ZADD", "z", "1", "b", "2", "a", "3", "z", "4", "c"});
  EXPECT_EQ(Text({"ZRANGEBYLEX", "z", "-", "[c"}), "b a");
  EXPECT_EQ(Text({"ZREVRANGEBYLEX", "z", "[c", "-"}), "c z a b");
  EXPECT_EQ(Text({"ZRANGEBYLEX", "z", "-", "[c", "LIMIT", "3", "5"}), "c");
  Run({"SET", "s", "x"});
  ExpectErrors(kRangeNotLex, {{"ZLEXCOUNT", "s", "x", "[b"}, {"ZLEXCOUNT", "s", "-x", "+"}, {"ZLEXCOUNT", "s", "", "+"},
                              {"ZRANGE", "s", "0", "-1", "BYLEX"}, {"ZREMRANGEBYLEX", "s", "x", "1"}});
  ExpectErrors("ERR syntax error, WITHSCORES not supported in combination with BYLEX",
               {{"ZRANGE", "z", "-", "+", "BYLEX", "WITHSCORES"}, {"ZRANGEBYLEX", "z", "-", "+", "WITHSCORES"}});
}

TEST_P(ZsetTest, StoresARange) {
  Fill("z", 300);
  Run({"SET", "to", "a string"});
  EXPECT_THAT(Run({"ZRANGESTORE", "to", "z", "5", "(8", "BYSCORE"}), IsInt(3));
  EXPECT_EQ(Text({"ZRANGE", "to", "0", "-1", "WITHSCORES"}), "member5 5 member6 6 member7 7");
  EXPECT_THAT(Run({"ZRANGESTORE", "to", "z", "0", "199"}), IsInt(200));
  EXPECT_EQ(EncodingOf("to"), "skiplist");
  EXPECT_THAT(Run({"ZRANGESTORE", "to", "z", "1000", "2000"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "to"}), IsInt(0));
  EXPECT_THAT(Run({"ZRANGESTORE", "to", "none", "0", "-1"}), IsInt(0));
  Run({"SET", "s", "x"});
  ExpectErrors(kWrongType, {{"ZRANGESTORE", "to", "s", "0", "-1"}});
  ExpectErrors(kSyntax, {{"ZRANGESTORE", "to", "z", "0", "-1", "WITHSCORES"}});
}

// ---- Algebra --------------------------------------------------------------------------------------------------------

TEST_P(ZsetTest, UnitesIntersectsAndSubtracts) {
  Run({"ZADD", "a", "1", "x", "2", "y", "3", "z"});
  Run({"ZADD", "b", "10", "x", "20", "y", "30", "w"});
  EXPECT_EQ(Text({"ZUNION", "2", "a", "b", "WITHSCORES"}), "z 3 x 11 y 22 w 30");
  EXPECT_EQ(Text({"ZUNION", "2", "a", "b", "AGGREGATE", "MIN", "WITHSCORES"}), "x 1 y 2 z 3 w 30");
  EXPECT_EQ(Text({"ZUNION", "3", "a", "none", "b", "WEIGHTS", "2", "9", "-1", "WITHSCORES"}), "w -30 y -16 x -8 z 6");
  EXPECT_EQ(Text({"ZINTER", "2", "a", "b", "AGGREGATE", "MAX", "WITHSCORES"}), "x 10 y 20");
  EXPECT_EQ(Text({"ZINTER", "2", "a", "a", "WITHSCORES"}), "x 2 y 4 z 6");
  EXPECT_EQ(Text({"ZDIFF", "2", "a", "b"}), "z");
  EXPECT_EQ(Text({"ZDIFF", "2", "b", "a", "WITHSCORES"}), "w 30");
  EXPECT_EQ(Text({"ZDIFF", "3", "a", "none", "b"}), "z");
  EXPECT_THAT(Run({"ZINTERCARD", "2", "a", "b"}), IsInt(2));
  EXPECT_THAT(Run({"ZINTERCARD", "2", "a", "b", "LIMIT", "1"}), IsInt(1));
  EXPECT_THAT(Run({"ZINTERCARD", "2", "a", "none", "LIMIT", "0"}), IsInt(0));
  EXPECT_THAT(Run({"ZUNIONSTORE", "to", "2", "a", "b", "WEIGHTS", "1", "0.5"}), IsInt(4));
  EXPECT_EQ(Text({"ZRANGE", "to", "0", "-1", "WITHSCORES"}), "z 3 x 6 y 12 w 15");
  EXPECT_THAT(Run({"ZINTERSTORE", "a", "2", "a", "b"}), IsInt(2));
  EXPECT_THAT(Run({"ZDIFFSTORE", "to", "2", "a", "b"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "to"}), IsInt(0));
}

TEST_P(ZsetTest, LargeOnesCombineLikeSmallOnes) {
  Fill("a", 1000);
  for (int i = 500; i < 1700; ++i) Run({"ZADD", "b", std::to_string(2 * i), "member" + std::to_string(i)});
  EXPECT_THAT(Run({"ZUNIONSTORE", "to", "2", "a", "b"}), IsInt(1700));
  EXPECT_EQ(Score({"ZSCORE", "to", "member700"}), "2100");
  EXPECT_EQ(Text({"ZRANGE", "to", "-2", "-1", "WITHSCORES"}), "member1698 3396 member1699 3398");
  EXPECT_THAT(Run({"ZINTERSTORE", "to", "2", "b", "a"}), IsInt(500));
  EXPECT_EQ(Text({"ZRANGE", "to", "0", "0", "WITHSCORES"}), "member500 1500");
  EXPECT_THAT(Run({"ZDIFFSTORE", "to", "2", "a", "b"}), IsInt(500));
  EXPECT_EQ(Text({"ZRANGE", "to", "-1", "-1"}), "member499");
  EXPECT_EQ(EncodingOf("to"), "skiplist");
}

TEST_P(ZsetTest, AlgebraRefusesInRedissOrder) {
  Run({"ZADD", "a", "1", "x"});
  Run({"SET", "s", "x"});
  for (const char* command : {"zunion", "zinter", "zdiff", "zintercard"}) {
    ExpectErrors("ERR at least 1 input key is needed for '" + std::string(command) + "' command",
                 {{command, "0", "a"}, {command, "-1", "a"}});
    ExpectErrors(kNotInteger, {{command, "x", "a"}});
    ExpectErrors(kSyntax, {{command, "5", "a"}});
    ExpectErrors(kWrongType, {{command, "2", "a", "s", "FOO"}});
  }
  ExpectErrors("ERR at least 1 input key is needed for 'zunionstore' command", {{"ZUNIONSTORE", "to", "0", "a"}});
  ExpectErrors("ERR weight value is not a float", {{"ZUNION", "1", "a", "WEIGHTS", "x"},
                                                   {"ZUNION", "1", "a", "WEIGHTS", "nan"}});
  ExpectErrors(kSyntax, {{"ZUNION", "1", "a", "WEIGHTS"}, {"ZUNION", "1", "a", "WEIGHTS", "1", "2"},
                         {"ZUNION", "1", "a", "AGGREGATE"}, {"ZUNION", "1", "a", "AGGREGATE", "FOO"},
                         {"ZDIFF", "1", "a", "WEIGHTS", "1"}, {"ZUNIONSTORE", "to", "1", "a", "WITHSCORES"},
                         {"ZINTERCARD", "1", "a", "LIMIT"}});
  ExpectErrors("ERR LIMIT can't be negative", {{"ZINTERCARD", "1", "a", "LIMIT", "-1"},
                                               {"ZINTERCARD", "1", "a", "LIMIT", "x"}});
}

// ---- What all types have in common ----------------------------------------------------------------------------------

TEST_P(ZsetTest, OtherTypesAreRefused) {
  Run({"SET", "s", "v"});
  Run({"HSET", "h", "a", "1"});
  Run({"ZADD", "z", "1", "a"});
  ExpectErrors(kWrongType,
               {{"ZADD", "s", "1", "a"}, {"ZINCRBY", "h", "1", "a"}, {"ZREM", "s", "a"}, {"ZCARD", "h"},
                {"ZSCORE", "s", "a"}, {"ZMSCORE", "s", "a"}, {"ZRANK", "s", "a"}, {"ZRANGE", "s", "0", "-1"},
                {"ZCOUNT", "s", "0", "1"}, {"ZLEXCOUNT", "s", "-", "+"}, {"ZREMRANGEBYRANK", "s", "0", "1"},
                {"ZRANDMEMBER", "s"}, {"ZSCAN", "s", "0"}, {"GET", "z"}, {"HGET", "z", "a"}, {"APPEND", "z", "x"}});
  EXPECT_THAT(Run({"SET", "z", "now a string"}), IsOk());
  EXPECT_THAT(Run({"GET", "z"}), IsBulk("now a string"));
  Run({"ZADD", "z2", "1", "a"});
  EXPECT_EQ(Text({"SCAN", "0", "TYPE", "zset"}), "0 z2");
}

TEST_P(ZsetTest, AChangeIsSeenByWatch) {
  Run({"ZADD", "z", "1", "a"});
  EXPECT_TRUE(RunsAfter("z", {"ZSCORE", "z", "a"}));
  EXPECT_TRUE(RunsAfter("z", {"ZADD", "z", "1", "a"})) << "which has changed nothing";
  EXPECT_TRUE(RunsAfter("z", {"ZREM", "z", "b"}));
  EXPECT_TRUE(RunsAfter("z", {"ZREMRANGEBYSCORE", "z", "5", "6"}));
  EXPECT_FALSE(RunsAfter("z", {"ZADD", "z", "2", "a"}));
  EXPECT_FALSE(RunsAfter("z", {"ZINCRBY", "z", "1", "a"}));
  EXPECT_FALSE(RunsAfter("z", {"ZUNIONSTORE", "z", "1", "z"}));
  EXPECT_FALSE(RunsAfter("z", {"ZPOPMIN", "z"}));
  EXPECT_TRUE(RunsAfter("z", {"ZPOPMIN", "z"}));
}

}  // namespace
}  // namespace larder::testing
