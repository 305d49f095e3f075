// Intersections, unions and differences of sets. Error texts, orders and labels are what redis-server 7.0.15 replied
// when asked.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SetAlgebraTest : public CommandTest {
 protected:
  using Model = std::set<std::string>;

  std::vector<std::string> Texts(const std::vector<std::string>& argv) {
    const Reply reply = Run(argv);
    std::vector<std::string> texts;
    for (const ReplyView& element : ElementsOf(reply)) texts.push_back(element.AsString());
    return texts;
  }
  Model Members(const std::vector<std::string>& argv) {
    const std::vector<std::string> texts = Texts(argv);
    Model members(texts.begin(), texts.end());
    EXPECT_EQ(members.size(), texts.size()) << "a member came twice";
    return members;
  }
  // prefix + from, from + 1... .
  static Model Some(const std::string& prefix, int from, int count) {
    Model some;
    for (int i = from; i < from + count; ++i) some.insert(prefix + std::to_string(i));
    return some;
  }
  void Make(const std::string& key, const Model& members, const std::vector<std::string>& more = {}) {
    Run({"DEL", key});
    std::vector<std::string> argv = {"SADD", key};
    argv.insert(argv.end(), members.begin(), members.end());
    argv.insert(argv.end(), more.begin(), more.end());
    if (argv.size() > 2) Run(argv);
  }
};
LARDER_COMMAND_TEST(SetAlgebraTest);

TEST_P(SetAlgebraTest, AgreesWithAModelInEachForm) {
  const std::vector<std::vector<Model>> cases = {
      {Some("m", 0, 10), Some("m", 5, 10)},                       // packed
      {Some("m", 0, 3000), Some("m", 1000, 3000)},                // trees
      {Some("", 0, 100), Some("", 50, 100)},                      // integers
      {Some("", 0, 2000), Some("", 1990, 100), Some("m", 0, 3)},  // some of each
      {Some("m", 0, 5), Some("m", 0, 3000), Some("", 0, 5)},
      {Some("m", 0, 3000), Some("m", 10, 2), Some("m", 20, 2)},
      {Some("m", 0, 10), {}, Some("m", 0, 3)},
      {Some("m", 0, 700), Some("m", 1, 700), Some("m", 2, 700), Some("m", 3, 700), Some("m", 4, 700),
       Some("m", 5, 700)},
      {Some("m", 0, 10)},
      {Some("m", 0, 3000)},
      {{}},
  };
  for (const std::vector<Model>& sets : cases) {
    std::vector<std::string> keys;
    Model both, any, only;
    for (size_t i = 0; i < sets.size(); ++i) {
      keys.push_back("set" + std::to_string(i));
      Make(keys.back(), sets[i]);
      Model rest;
      const auto& set = sets[i];
      if (i == 0) both = only = set;
      std::set_intersection(both.begin(), both.end(), set.begin(), set.end(), std::inserter(rest, rest.end()));
      both = rest;
      any.insert(set.begin(), set.end());
      if (i != 0) {
        for (const std::string& member : set) only.erase(member);
      }
    }
    const auto with = [&](std::vector<std::string> argv) {
      argv.insert(argv.end(), keys.begin(), keys.end());
      return argv;
    };
    EXPECT_EQ(Members(with({"SINTER"})), both);
    EXPECT_EQ(Members(with({"SUNION"})), any);
    EXPECT_EQ(Members(with({"SDIFF"})), only);
    EXPECT_THAT(Run(with({"SINTERCARD", std::to_string(keys.size())})), IsInt(static_cast<int64_t>(both.size())));
    EXPECT_THAT(Run(with({"SINTERSTORE", "to"})), IsInt(static_cast<int64_t>(both.size())));
    EXPECT_EQ(Members({"SMEMBERS", "to"}), both);
    EXPECT_THAT(Run(with({"SUNIONSTORE", "to"})), IsInt(static_cast<int64_t>(any.size())));
    EXPECT_EQ(Members({"SMEMBERS", "to"}), any);
    EXPECT_THAT(Run(with({"SDIFFSTORE", "to"})), IsInt(static_cast<int64_t>(only.size())));
    EXPECT_EQ(Members({"SMEMBERS", "to"}), only);
    // A source that is the destination too.
    EXPECT_THAT(Run(with({"SUNIONSTORE", "set0"})), IsInt(static_cast<int64_t>(any.size())));
    EXPECT_EQ(Members({"SMEMBERS", "set0"}), any);
    for (size_t i = 1; i < sets.size(); ++i) EXPECT_EQ(Members({"SMEMBERS", keys[i]}), sets[i]);
  }
}

TEST_P(SetAlgebraTest, IntegersAscend) {
  Make("a", Some("", 0, 8));
  Make("b", Some("", 4, 8));
  EXPECT_THAT(Texts({"SUNION", "b", "a"}), ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"));
  EXPECT_THAT(Texts({"SDIFF", "b", "a"}), ElementsAre("8", "9", "10", "11"));
  EXPECT_THAT(Texts({"SINTER", "b", "a"}), ElementsAre("4", "5", "6", "7"));
  Make("table", Some("", 4, 8), {"text"});
  EXPECT_THAT(Texts({"SINTER", "a", "table"}), ElementsAre("4", "5", "6", "7"));
  EXPECT_THAT(Texts({"SINTER", "table", "a"}), ElementsAre("4", "5", "6", "7"));
  EXPECT_THAT(Texts({"SDIFF", "a", "table"}), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(Run({"SUNION", "a"}), IsSet(::testing::SizeIs(8)));
  EXPECT_THAT(Run({"SINTER", "a", "none"}), IsSet(IsEmpty()));
}

TEST_P(SetAlgebraTest, CountsUpToALimit) {
  Make("a", Some("m", 0, 10));
  EXPECT_THAT(Run({"SINTERCARD", "1", "a"}), IsInt(10));
  EXPECT_THAT(Run({"SINTERCARD", "1", "a", "LIMIT", "0"}), IsInt(10));
  EXPECT_THAT(Run({"SINTERCARD", "1", "a", "LIMIT", "2"}), IsInt(2));
  EXPECT_THAT(Run({"SINTERCARD", "2", "a", "a", "limit", "2", "LIMIT", "3"}), IsInt(3));
  EXPECT_THAT(Run({"SINTERCARD", "2", "a", "none"}), IsInt(0));
  for (const char* count : {"0", "-1", "x", "99999999999999999999"}) {
    EXPECT_THAT(Run({"SINTERCARD", count, "a"}), IsError("ERR numkeys should be greater than 0"));
  }
  EXPECT_THAT(Run({"SINTERCARD", "2", "a"}), IsError("ERR Number of keys can't be greater than number of args"));
  EXPECT_THAT(Run({"SINTERCARD", "9223372036854775807", "a"}),
              IsError("ERR Number of keys can't be greater than number of args"));
  for (const char* limit : {"x", "-1", "9223372036854775808"}) {
    EXPECT_THAT(Run({"SINTERCARD", "1", "a", "LIMIT", limit}), IsError("ERR LIMIT can't be negative"));
  }
  EXPECT_THAT(Run({"SINTERCARD", "1", "a", "LIMIT"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SINTERCARD", "1", "a", "x", "y"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SINTERCARD", "2", "a", "b", "c"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SINTERCARD", "1"}), IsError("ERR wrong number of arguments for 'sintercard' command"));
}

TEST_P(SetAlgebraTest, WhatIsStoredReplacesAll) {
  Run({"SET", "to", "a string", "EX", "100"});
  Make("a", Some("m", 0, 3));
  EXPECT_THAT(Run({"SINTERSTORE", "to", "a"}), IsInt(3));
  EXPECT_EQ(TtlMs("to"), -1);
  EXPECT_THAT(Texts({"SMEMBERS", "to"}), UnorderedElementsAre("m0", "m1", "m2"));
  Run({"EXPIRE", "to", "100"});
  EXPECT_THAT(Run({"SUNIONSTORE", "to", "to"}), IsInt(3));
  EXPECT_EQ(TtlMs("to"), -1);
  EXPECT_THAT(Run({"SINTERSTORE", "to", "a", "none"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "to"}), IsInt(0));
  Run({"SET", "to", "a string"});
  EXPECT_THAT(Run({"SDIFFSTORE", "to", "a", "a"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "to"}), IsInt(0));
  Run({"SADD", "to", "x"});
  Run({"PEXPIRE", "a", "1000"});
  Advance(absl::Seconds(2));
  EXPECT_THAT(Run({"SUNIONSTORE", "to", "a", "to"}), IsInt(1)) << "a source that has expired is none";
}

// A label is that of a new set; where Redis erases the others' members from the first set it is that of the first.
TEST_P(SetAlgebraTest, LabelsOfWhatIsStored) {
  const auto label = [&](const std::string& command, const std::vector<Model>& sets) {
    std::vector<std::string> argv = {command, "to"};
    for (size_t i = 0; i < sets.size(); ++i) {
      argv.push_back("set" + std::to_string(i));
      Make(argv.back(), sets[i]);
    }
    Run(argv);
    return EncodingOf("to");
  };
  EXPECT_EQ(label("SINTERSTORE", {{"a", "1", "2"}, {"1", "2", "b"}}), "intset");
  EXPECT_EQ(label("SINTERSTORE", {{"a", "1", "2"}, {"1", "2", "a"}}), "hashtable");
  EXPECT_EQ(label("SUNIONSTORE", {{"1", "2"}, {"3", "2"}}), "intset");
  EXPECT_EQ(label("SUNIONSTORE", {{"1", "2"}, {"3", "a"}}), "hashtable");
  EXPECT_EQ(label("SUNIONSTORE", {Some("", 0, 256), Some("", 256, 256)}), "intset");
  EXPECT_EQ(label("SUNIONSTORE", {Some("", 0, 256), Some("", 256, 257)}), "hashtable");
  EXPECT_EQ(label("SDIFFSTORE", {Some("", 0, 600), Some("", 0, 598)}), "intset");
  EXPECT_EQ(label("SDIFFSTORE", {Some("", 0, 600), Some("", 0, 150), {"100000"}}), "hashtable");
  const auto with_text = [](Model numbers) {
    numbers.insert("a");
    return numbers;
  };
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 20)), {"a"}}), "intset");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 20)), {"a"}, {"b"}}), "hashtable");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 20)), {"a"}, {}, {}}), "intset");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 5)), {"a"}, {"b"}}), "hashtable");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 5)), {"a"}, Some("x", 0, 5)}), "intset");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 20)), with_text(Some("x", 0, 4)), Some("y", 0, 5)}), "intset");
  EXPECT_EQ(label("SDIFFSTORE", {with_text(Some("", 0, 20)), with_text(Some("x", 0, 4)), Some("y", 0, 1)}),
            "hashtable");
}

// A result that shares its nodes with a source goes its own way.
TEST_P(SetAlgebraTest, WhatIsStoredIsNoLongerItsSource) {
  Make("large", Some("m", 0, 5000));
  Make("few", {"m1", "m2", "new"});
  EXPECT_THAT(Run({"SUNIONSTORE", "union", "few", "large"}), IsInt(5001));
  EXPECT_THAT(Run({"SDIFFSTORE", "difference", "large", "few"}), IsInt(4998));
  EXPECT_THAT(Run({"SUNIONSTORE", "same", "large"}), IsInt(5000));
  Run({"SADD", "same", "another"});
  Run({"SREM", "large", "m7"});
  EXPECT_EQ(Members({"SMEMBERS", "large"}).size(), 4999u);
  EXPECT_THAT(Run({"SMISMEMBER", "union", "m7", "new", "m1"}), IsArray(ElementsAre(IsInt(1), IsInt(1), IsInt(1))));
  EXPECT_THAT(Run({"SMISMEMBER", "difference", "m7", "m1"}), IsArray(ElementsAre(IsInt(1), IsInt(0))));
  EXPECT_EQ(Members({"SMEMBERS", "same"}).size(), 5001u);
  EXPECT_THAT(Run({"DEL", "large"}), IsInt(1));
  EXPECT_EQ(Members({"SMEMBERS", "union"}).size(), 5001u);
  EXPECT_EQ(Members({"SMEMBERS", "difference"}).size(), 4998u);
}

}  // namespace
}  // namespace larder::testing
