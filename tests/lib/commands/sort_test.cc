// SORT and SORT_RO. Odd cases are what redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Texts = std::vector<std::string>;

constexpr std::string_view kNotSortable = "ERR One or more scores can't be converted into double";

class SortTest : public CommandTest {
 protected:
  // "(nil)" for what there is not.
  Texts TextsOf(const Texts& argv) {
    Texts texts;
    const Reply reply = Run(argv);
    for (const ReplyView& element : ElementsOf(reply)) {
      texts.push_back(element.is_nil() ? "(nil)" : element.AsString());
    }
    return texts;
  }
};
LARDER_COMMAND_TEST(SortTest);

TEST_P(SortTest, ByNumberOrByText) {
  Run({"RPUSH", "l", "3", "1", "2", "10"});
  EXPECT_THAT(TextsOf({"SORT", "l"}), ElementsAre("1", "2", "3", "10"));
  EXPECT_THAT(TextsOf({"SORT_RO", "l", "DESC"}), ElementsAre("10", "3", "2", "1"));
  EXPECT_THAT(TextsOf({"SORT", "l", "ALPHA"}), ElementsAre("1", "10", "2", "3"));
  EXPECT_THAT(TextsOf({"SORT", "l", "ALPHA", "DESC", "ASC"}), ElementsAre("1", "10", "2", "3"));
  Run({"RPUSH", "t", "b", "a", "C", "c"});
  EXPECT_THAT(TextsOf({"SORT", "t", "alpha", "desc"}), ElementsAre("c", "b", "a", "C"));
  EXPECT_THAT(Run({"SORT", "t"}), IsError(kNotSortable));
  Run({"RPUSH", "n", "+1", "-0", "1.", ".5", "0x1p3", "1e3", "", " 1", "inf", "-inf"});
  EXPECT_THAT(TextsOf({"SORT", "n"}), ElementsAre("-inf", "", "-0", ".5", " 1", "+1", "1.", "0x1p3", "1e3", "inf"));
  Run({"RPUSH", "eq", "1", "01", "1.0", "1e0"});
  EXPECT_THAT(TextsOf({"SORT", "eq"}), ElementsAre("01", "1", "1.0", "1e0"));
  EXPECT_THAT(TextsOf({"SORT", "eq", "DESC"}), ElementsAre("1e0", "1.0", "1", "01"));
  for (const std::string_view odd : {"1 ", "nan", "1e400", "abc", "-", "0x"}) {
    Run({"DEL", "odd"});
    Run({"RPUSH", "odd", "1", odd});
    EXPECT_THAT(Run({"SORT", "odd"}), IsError(kNotSortable)) << odd;
  }
  EXPECT_THAT(Run({"SORT", "none"}), IsArray(IsEmpty()));
}

TEST_P(SortTest, Limits) {
  Run({"RPUSH", "l", "3", "1", "2", "10"});
  const auto limited = [&](std::string start, std::string count) {
    return TextsOf({"SORT", "l", "LIMIT", start, count});
  };
  EXPECT_THAT(limited("1", "2"), ElementsAre("2", "3"));
  EXPECT_THAT(limited("-5", "3"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(limited("1", "-1"), ElementsAre("2", "3", "10"));
  EXPECT_THAT(limited("10", "3"), IsEmpty());
  EXPECT_THAT(limited("1", "0"), IsEmpty());
  EXPECT_THAT(limited("0", "1"), ElementsAre("1"));
  EXPECT_THAT(limited("2", "9223372036854775807"), ElementsAre("3", "10"));
  EXPECT_THAT(limited("9223372036854775807", "9223372036854775807"), IsEmpty());
  EXPECT_THAT(TextsOf({"SORT", "l", "LIMIT", "0", "1", "LIMIT", "1", "2"}), ElementsAre("2", "3"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "nosort"}), ElementsAre("3", "1", "2", "10"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "nosort", "DESC"}), ElementsAre("10", "2", "1", "3"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "nosort", "LIMIT", "1", "2"}), ElementsAre("1", "2"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "nosort", "DESC", "LIMIT", "1", "2"}), ElementsAre("2", "1"));
}

TEST_P(SortTest, ByOtherKeys) {
  Run({"RPUSH", "l", "3", "1", "2", "10"});
  Run({"MSET", "w_1", "5", "w_2", "4", "w_3", "3", "w_10", "x"});
  EXPECT_THAT(Run({"SORT", "l", "BY", "w_*"}), IsError(kNotSortable));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "w_*", "ALPHA", "GET", "#", "GET", "w_*"}),
              ElementsAre("3", "3", "2", "4", "1", "5", "10", "x"));
  Run({"SET", "w_10", "1"});
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "w_*"}), ElementsAre("10", "3", "2", "1"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "w_*", "BY", "nosort"}), ElementsAre("3", "1", "2", "10"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "nosort", "BY", "w_*"}), ElementsAre("3", "1", "2", "10"));
  // What is missing is 0, or before all texts; of equals the one with the lesser text comes first, or who was first.
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "v_*"}), ElementsAre("1", "10", "2", "3"));
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "v_*", "ALPHA", "DESC"}), ElementsAre("3", "1", "2", "10"));
  for (const char* n : {"1", "2", "3"}) Run({"HSET", std::string("h_") + n, "f", std::to_string(10 - (n[0] - '0'))});
  EXPECT_THAT(TextsOf({"SORT", "l", "BY", "h_*->f", "GET", "h_*->f", "GET", "#"}),
              ElementsAre("(nil)", "10", "7", "3", "8", "2", "9", "1"));
  Run({"MSET", "h_1->", "x", "->1", "yes", "x->1", "v", "k1*", "star"});
  Run({"HSET", "1", "g->h", "gh"});
  Run({"RPUSH", "one", "1"});
  EXPECT_THAT(TextsOf({"SORT", "one", "GET", "h_*->", "GET", "->*", "GET", "x->*", "GET", "k**", "GET", "*->g->h",
                       "GET", "w_*->f", "GET", "l", "GET", "h_*"}),
              ElementsAre("x", "yes", "v", "star", "gh", "(nil)", "(nil)", "(nil)"));
}

TEST_P(SortTest, TextsEndAtANulUnlessTheyAreStored) {
  const std::string ab("a\0b", 3), aa("a\0a", 3);
  Run({"RPUSH", "l", ab, aa, "a"});
  EXPECT_THAT(TextsOf({"SORT", "l", "ALPHA"}), ElementsAre(ab, aa, "a"));
  EXPECT_THAT(Run({"SORT", "l", "ALPHA", "STORE", "d"}), IsInt(3));
  EXPECT_THAT(TextsOf({"LRANGE", "d", "0", "-1"}), ElementsAre("a", aa, ab));
}

TEST_P(SortTest, StoresAList) {
  Run({"RPUSH", "l", "3", "1", "2"});
  Run({"SET", "d", "a string", "EX", "100"});
  EXPECT_THAT(Run({"SORT", "l", "STORE", "d"}), IsInt(3));
  EXPECT_THAT(TextsOf({"LRANGE", "d", "0", "-1"}), ElementsAre("1", "2", "3"));
  EXPECT_EQ(TtlMs("d"), -1);
  EXPECT_THAT(Run({"SORT", "l", "GET", "#", "GET", "nothing_*", "STORE", "d"}), IsInt(6));
  EXPECT_THAT(TextsOf({"LRANGE", "d", "0", "-1"}), ElementsAre("1", "", "2", "", "3", ""));
  EXPECT_THAT(Run({"SORT", "l", "LIMIT", "5", "1", "STORE", "d"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "d"}), IsInt(0));
  EXPECT_THAT(Run({"SORT", "l", "DESC", "STORE", "l"}), IsInt(3));
  EXPECT_THAT(TextsOf({"LRANGE", "l", "0", "-1"}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Run({"SORT", "none", "STORE", "l"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "l"}), IsInt(0));
  Texts argv = {"RPUSH", "large"};
  for (int i = 0; i < 3000; ++i) argv.push_back(std::to_string(i * 7919 % 3000));
  Run(argv);
  EXPECT_THAT(Run({"SORT", "large", "STORE", "large"}), IsInt(3000));
  EXPECT_THAT(TextsOf({"LRANGE", "large", "998", "1001"}), ElementsAre("998", "999", "1000", "1001"));
  EXPECT_THAT(TextsOf({"SORT", "large", "DESC", "LIMIT", "10", "2"}), ElementsAre("2989", "2988"));
}

TEST_P(SortTest, Errors) {
  Run({"RPUSH", "l", "1"});
  Run({"SET", "s", "v"});
  for (const Texts& argv : std::vector<Texts>{{"SORT", "s", "FOO"}, {"SORT", "none", "BY"}, {"SORT", "l", "GET"},
                                              {"SORT", "l", "LIMIT", "1"}, {"SORT", "l", "STORE"},
                                              {"SORT_RO", "l", "STORE", "d"}}) {
    EXPECT_THAT(Run(argv), IsError("ERR syntax error"));
  }
  EXPECT_THAT(Run({"SORT", "s", "LIMIT", "x", "1"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"SORT", "s"}), IsError("WRONGTYPE Operation against a key holding the wrong kind of value"));
  EXPECT_THAT(Run({"SORT"}), IsError("ERR wrong number of arguments for 'sort' command"));
}

TEST_P(SortTest, ItsKeysAreFoundAmongItsOptions) {
  const auto keys = [&](Texts argv) {
    argv.insert(argv.begin(), {"COMMAND", "GETKEYS"});
    return TextsOf(argv);
  };
  EXPECT_THAT(keys({"SORT", "l", "BY", "w_*", "GET", "x", "STORE", "d", "STORE", "e"}), ElementsAre("l", "e"));
  EXPECT_THAT(keys({"SORT", "l", "STORE"}), ElementsAre("l"));
  EXPECT_THAT(keys({"SORT", "l", "LIMIT", "0", "STORE", "d", "e"}), ElementsAre("l"));
  EXPECT_THAT(keys({"SORT", "l", "GET", "STORE", "STORE", "d"}), ElementsAre("l", "d"));
  EXPECT_THAT(keys({"SORT_RO", "l", "STORE", "d"}), ElementsAre("l"));
}

}  // namespace
}  // namespace larder::testing
