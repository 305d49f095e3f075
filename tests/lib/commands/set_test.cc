// Sets, one at a time. Error texts, orders and odd cases are what redis-server 7.0.15 replied when asked.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SetTest : public CommandTest {
 protected:
  std::vector<std::string> Texts(const std::vector<std::string>& argv) {
    const Reply reply = Run(argv);
    std::vector<std::string> texts;
    for (const ReplyView& element : ElementsOf(reply)) texts.push_back(element.AsString());
    return texts;
  }
  std::vector<std::string> Members(const std::string& key) { return Texts({"SMEMBERS", key}); }
  // Members "member0", "member1"..., or 0, 1... .
  void Fill(const std::string& key, int members, const std::string& prefix = "member") {
    std::vector<std::string> argv = {"SADD", key};
    for (int i = 0; i < members; ++i) argv.push_back(prefix + std::to_string(i));
    EXPECT_THAT(Run(argv), IsInt(members));
  }
  // Integers that are a hashtable's all the same.
  void FillTable(const std::string& key, int members) {
    Run({"SADD", key, "text"});
    Fill(key, members, "");
    Run({"SREM", key, "text"});
    EXPECT_EQ(EncodingOf(key), "hashtable");
  }
};
LARDER_COMMAND_TEST(SetTest);

TEST_P(SetTest, AddSaysHowManyAreNew) {
  EXPECT_THAT(Run({"SADD", "s", "a", "b", "a"}), IsInt(2));
  EXPECT_THAT(Run({"SADD", "s", "b", "c"}), IsInt(1));
  EXPECT_THAT(Run({"SADD", "s", "b"}), IsInt(0));
  EXPECT_THAT(Run({"SCARD", "s"}), IsInt(3));
  EXPECT_THAT(Run({"TYPE", "s"}), IsStatus("set"));
  EXPECT_THAT(Members("s"), UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(Run({"SISMEMBER", "s", "a"}), IsInt(1));
  EXPECT_THAT(Run({"SISMEMBER", "s", "d"}), IsInt(0));
  EXPECT_THAT(Run({"SISMEMBER", "none", "d"}), IsInt(0));
  EXPECT_THAT(Run({"SMISMEMBER", "s", "c", "d", "a"}), IsArray(ElementsAre(IsInt(1), IsInt(0), IsInt(1))));
  EXPECT_THAT(Run({"SMISMEMBER", "none", "c", "d"}), IsArray(ElementsAre(IsInt(0), IsInt(0))));
  EXPECT_THAT(Run({"SREM", "s", "a", "d", "c"}), IsInt(2));
  EXPECT_THAT(Run({"SREM", "s", "a"}), IsInt(0));
  EXPECT_THAT(Run({"SREM", "none", "a"}), IsInt(0));
  EXPECT_THAT(Run({"SREM", "s", "b"}), IsInt(1));
  EXPECT_THAT(Run({"EXISTS", "s"}), IsInt(0));
  EXPECT_THAT(Run({"SADD", "s"}), IsError("ERR wrong number of arguments for 'sadd' command"));
  EXPECT_THAT(Run({"SMEMBERS", "s", "t"}), IsError("ERR wrong number of arguments for 'smembers' command"));
}

TEST_P(SetTest, AnswersWithASetType) {
  Run({"SADD", "s", "1", "2"});
  EXPECT_THAT(Run({"SMEMBERS", "s"}), IsSet(ElementsAre(IsBulk("1"), IsBulk("2"))));
  EXPECT_THAT(Run({"SMEMBERS", "none"}), IsSet(IsEmpty()));
  EXPECT_THAT(Run({"SPOP", "none", "2"}), IsSet(IsEmpty()));
  EXPECT_THAT(Run({"SPOP", "s", "0"}), IsSet(IsEmpty()));
  EXPECT_THAT(Run({"SPOP", "s", "5"}), IsSet(ElementsAre(IsBulk("1"), IsBulk("2"))));
  Run({"SADD", "s", "1", "2"});
  EXPECT_THAT(Run({"SRANDMEMBER", "s", "5"}), IsArray(ElementsAre(IsBulk("1"), IsBulk("2"))));
}

TEST_P(SetTest, IntegersAscendWhateverTheirSize) {
  EXPECT_THAT(Run({"SADD", "i", "3", "-5", "1"}), IsInt(3));
  EXPECT_THAT(Members("i"), ElementsAre("-5", "1", "3"));
  Run({"SADD", "i", "40000", "-40000"});
  EXPECT_THAT(Members("i"), ElementsAre("-40000", "-5", "1", "3", "40000"));
  Run({"SADD", "i", "9223372036854775807", "-9223372036854775808", "32767", "32768", "2147483647", "2147483648"});
  EXPECT_THAT(Members("i"), ElementsAre("-9223372036854775808", "-40000", "-5", "1", "3", "32767", "32768", "40000",
                                        "2147483647", "2147483648", "9223372036854775807"));
  EXPECT_EQ(EncodingOf("i"), "intset");
  EXPECT_THAT(Run({"SADD", "i", "3"}), IsInt(0));
  EXPECT_THAT(Run({"SISMEMBER", "i", "2147483648"}), IsInt(1));
  EXPECT_THAT(Run({"SISMEMBER", "i", "03"}), IsInt(0));
  EXPECT_THAT(Run({"SISMEMBER", "i", "text"}), IsInt(0));
  EXPECT_THAT(Run({"SREM", "i", "-40000", "40000", "7", "x"}), IsInt(2));
  EXPECT_THAT(Run({"SCARD", "i"}), IsInt(9));
}

TEST_P(SetTest, WhatIsNoIntegerMakesATableForEver) {
  for (const std::string text : {"-0", "+1", " 1", "1 ", "", "0x1", "00", "1.0", "9223372036854775808", "text"}) {
    Run({"DEL", "s"});
    EXPECT_THAT(Run({"SADD", "s", "1", text, "2"}), IsInt(3)) << text;
    EXPECT_EQ(EncodingOf("s"), "hashtable") << text;
    EXPECT_THAT(Members("s"), UnorderedElementsAre("1", text, "2"));
    Run({"SREM", "s", text});
    EXPECT_EQ(EncodingOf("s"), "hashtable") << text;
  }
  Run({"DEL", "s"});
  Run({"SADD", "s", "a", "b"});
  EXPECT_EQ(EncodingOf("s"), "hashtable") << "there is no set-max-listpack in 7.0";
}

TEST_P(SetTest, IsATableBeyondTheLimit) {
  Fill("s", 512, "");
  EXPECT_EQ(EncodingOf("s"), "intset");
  EXPECT_THAT(Run({"SADD", "s", "511"}), IsInt(0));
  EXPECT_EQ(EncodingOf("s"), "intset");
  Run({"SADD", "s", "512"});
  EXPECT_EQ(EncodingOf("s"), "hashtable");
  EXPECT_THAT(Members("s"), SizeIs(513));
  EXPECT_THAT(Run({"SISMEMBER", "s", "77"}), IsInt(1));

  Run({"CONFIG", "SET", "set-max-intset-entries", "2"});
  Run({"SADD", "two", "1", "2"});
  EXPECT_EQ(EncodingOf("two"), "intset");
  Run({"CONFIG", "SET", "set-max-intset-entries", "0"});
  Run({"SADD", "two", "1"});
  EXPECT_EQ(EncodingOf("two"), "intset") << "nothing was added";
  Run({"SREM", "two", "1"});
  EXPECT_EQ(EncodingOf("two"), "intset");
  Run({"SADD", "two", "1"});
  EXPECT_EQ(EncodingOf("two"), "hashtable");
  Run({"SADD", "one", "1"});
  EXPECT_EQ(EncodingOf("one"), "hashtable");

  // Integers of each width, in an entry and beyond it.
  Run({"CONFIG", "SET", "set-max-intset-entries", "3000"});
  for (const std::string factor : {"", "0000", "0000000000"}) {
    const std::string key = "many" + factor;
    std::vector<std::string> argv = {"SADD", key};
    for (int i = 1; i <= 3000; ++i) argv.push_back(std::to_string(i * 7 % 3001) + factor);
    EXPECT_THAT(Run(argv), IsInt(3000));
    EXPECT_EQ(EncodingOf(key), "intset");
    const std::vector<std::string> members = Members(key);
    ASSERT_THAT(members, SizeIs(3000));
    for (int i = 1; i <= 3000; ++i) ASSERT_EQ(members[static_cast<size_t>(i - 1)], std::to_string(i) + factor);
    EXPECT_THAT(Run({"SREM", key, "1500" + factor}), IsInt(1));
    EXPECT_THAT(Run({"SADD", key, "x", "1500" + factor}), IsInt(2));
    EXPECT_THAT(Members(key), SizeIs(3001));
  }
}

TEST_P(SetTest, HoldsMembersOfAnySize) {
  std::set<std::string> model;
  for (const size_t size : {0u, 1u, 127u, 128u, 512u, 513u, 1000u, 5000u, 100000u}) {
    model.insert(std::string(size, 'x'));
    EXPECT_THAT(Run({"SADD", "s", std::string(size, 'x')}), IsInt(1));
    EXPECT_THAT(Run({"SADD", "s", std::string(size, 'x')}), IsInt(0));
  }
  const std::vector<std::string> members = Members("s");
  EXPECT_EQ(std::set<std::string>(members.begin(), members.end()), model);
  EXPECT_THAT(Run({"COPY", "s", "copy"}), IsInt(1));
  EXPECT_THAT(Run({"SREM", "s", std::string(100000, 'x'), std::string(513, 'x')}), IsInt(2));
  EXPECT_THAT(Run({"SCARD", "s"}), IsInt(7));
  EXPECT_THAT(Run({"SISMEMBER", "copy", std::string(100000, 'x')}), IsInt(1));
  EXPECT_THAT(Run({"RENAME", "copy", "moved"}), IsOk());
  EXPECT_THAT(Run({"SMOVE", "moved", "s", std::string(100000, 'x')}), IsInt(1));
  EXPECT_THAT(Run({"SISMEMBER", "s", std::string(100000, 'x')}), IsInt(1));
  EXPECT_THAT(Run({"SPOP", "moved", "100"}), IsSet(SizeIs(8)));
}

TEST_P(SetTest, KeepsItsExpiry) {
  Run({"SADD", "s", "1"});
  Run({"PEXPIRE", "s", "5000"});
  Fill("s", 600);
  EXPECT_EQ(TtlMs("s"), 5000);
  Run({"SPOP", "s", "10"});
  EXPECT_EQ(TtlMs("s"), 5000);
  Run({"SPOP", "s", "580"});
  EXPECT_EQ(TtlMs("s"), 5000) << "also where what remains is made anew";
  Advance(absl::Seconds(6));
  EXPECT_THAT(Run({"SCARD", "s"}), IsInt(0));
}

TEST_P(SetTest, Pops) {
  EXPECT_THAT(Run({"SPOP", "none"}), IsNil());
  for (const int members : {1, 5, 100, 300, 2000}) {
    for (const std::string prefix : {"", "member"}) {
      const std::string key = prefix + std::to_string(members);
      Fill(key, members, prefix);
      const std::vector<std::string> all = Members(key);
      std::multiset<std::string> popped;
      for (int count = 1; Run({"EXISTS", key}).integer() == 1; count = count * 3 + 1) {
        if (count == 1) {
          popped.insert(Run({"SPOP", key}).AsString());
        } else {
          const std::vector<std::string> some = Texts({"SPOP", key, std::to_string(count)});
          popped.insert(some.begin(), some.end());
        }
        EXPECT_THAT(Run({"SCARD", key}), IsInt(members - static_cast<int64_t>(popped.size())));
      }
      EXPECT_EQ(popped, std::multiset<std::string>(all.begin(), all.end()));
    }
  }
  Run({"SADD", "s", "a"});
  EXPECT_THAT(Run({"SPOP", "s", "x"}), IsError("ERR value is out of range, must be positive"));
  EXPECT_THAT(Run({"SPOP", "s", "-1"}), IsError("ERR value is out of range, must be positive"));
  EXPECT_THAT(Run({"SPOP", "s", "99999999999999999999"}), IsError("ERR value is out of range, must be positive"));
  EXPECT_THAT(Run({"SPOP", "s", "x", "2"}), IsError("ERR syntax error"));
}

// Redis makes what remains of a set anew when it is little, and its label with it.
TEST_P(SetTest, MayBeAnIntsetAgainWhenMostOfItIsPopped) {
  FillTable("nine", 9);
  Run({"SPOP", "nine", "7"});
  EXPECT_EQ(EncodingOf("nine"), "hashtable");
  FillTable("ten", 9);
  Run({"SPOP", "ten", "8"});
  EXPECT_EQ(EncodingOf("ten"), "intset");
  FillTable("twenty", 20);
  Run({"SPOP", "twenty", "16"});
  EXPECT_EQ(EncodingOf("twenty"), "hashtable");
  FillTable("other", 20);
  Run({"SPOP", "other", "17"});
  EXPECT_EQ(EncodingOf("other"), "intset");
}

TEST_P(SetTest, RandomMembersAreItsOwn) {
  EXPECT_THAT(Run({"SRANDMEMBER", "none"}), IsNil());
  EXPECT_THAT(Run({"SRANDMEMBER", "none", "3"}), IsArray(IsEmpty()));
  EXPECT_THAT(Run({"SRANDMEMBER", "none", "-3"}), IsArray(IsEmpty()));
  for (const std::string prefix : {"", "member"}) {
    for (const int members : {5, 300, 2000}) {
      const std::string key = prefix + std::to_string(members);
      Fill(key, members, prefix);
      EXPECT_THAT(Run({"SISMEMBER", key, Run({"SRANDMEMBER", key}).AsString()}), IsInt(1));
      for (const int count : {1, 4, 100, 5000}) {
        const std::vector<std::string> picked = Texts({"SRANDMEMBER", key, std::to_string(count)});
        EXPECT_THAT(picked, SizeIs(std::min(count, members)));
        EXPECT_EQ(std::set<std::string>(picked.begin(), picked.end()).size(), picked.size());
        for (const std::string& member : picked) EXPECT_THAT(Run({"SISMEMBER", key, member}), IsInt(1));
      }
      EXPECT_THAT(Texts({"SRANDMEMBER", key, "-20"}), SizeIs(20));
      EXPECT_THAT(Texts({"SRANDMEMBER", key, "0"}), IsEmpty());
    }
  }
  EXPECT_THAT(Run({"SRANDMEMBER", "5", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"SRANDMEMBER", "5", "x", "2"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SRANDMEMBER", "none", "-9223372036854775808"}),
              IsError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"));
}

TEST_P(SetTest, MovesAMember) {
  Run({"SADD", "from", "1", "2", "a"});
  Run({"SADD", "to", "1"});
  EXPECT_THAT(Run({"SMOVE", "from", "to", "2"}), IsInt(1));
  EXPECT_THAT(Run({"SMOVE", "from", "to", "2"}), IsInt(0));
  EXPECT_EQ(EncodingOf("to"), "intset");
  EXPECT_THAT(Run({"SMOVE", "from", "to", "1"}), IsInt(1)) << "which is there already";
  EXPECT_THAT(Members("from"), ElementsAre("a"));
  EXPECT_THAT(Run({"SMOVE", "from", "from", "a"}), IsInt(1));
  EXPECT_THAT(Run({"SMOVE", "from", "from", "b"}), IsInt(0));
  EXPECT_THAT(Run({"SMOVE", "from", "to", "a"}), IsInt(1));
  EXPECT_THAT(Run({"EXISTS", "from"}), IsInt(0));
  EXPECT_EQ(EncodingOf("to"), "hashtable");
  EXPECT_THAT(Members("to"), UnorderedElementsAre("1", "2", "a"));
  EXPECT_THAT(Run({"SMOVE", "to", "new", "2"}), IsInt(1));
  EXPECT_EQ(EncodingOf("new"), "intset");
  Run({"SET", "string", "x"});
  EXPECT_THAT(Run({"SMOVE", "none", "string", "x"}), IsInt(0)) << "no member, no error";
  EXPECT_THAT(Run({"SMOVE", "to", "string", "nothing"}),
              IsError("WRONGTYPE Operation against a key holding the wrong kind of value"));
  Fill("large", 3000);
  Fill("other", 3000, "other");
  for (int i = 0; i < 3000; ++i) EXPECT_THAT(Run({"SMOVE", "large", "other", "member" + std::to_string(i)}), IsInt(1));
  EXPECT_THAT(Run({"EXISTS", "large"}), IsInt(0));
  EXPECT_THAT(Run({"SCARD", "other"}), IsInt(6000));
}

TEST_P(SetTest, ScanMeetsAllThatStay) {
  Fill("i", 400, "");
  const Reply all_at_once = Run({"SSCAN", "i", "5", "COUNT", "1"});
  EXPECT_THAT(ElementsOf(all_at_once)[0], IsBulk("0"));
  EXPECT_THAT(ElementsOf(ElementsOf(all_at_once)[1]), SizeIs(400));
  EXPECT_THAT(ElementsOf(ElementsOf(Run({"SSCAN", "i", "0", "MATCH", "?7"}))[1]), SizeIs(9));
  Fill("s", 3000);
  std::set<std::string> met;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Reply reply = Run({"SSCAN", "s", cursor, "COUNT", "7"});
    cursor = ElementsOf(reply)[0].AsString();
    EXPECT_LT(std::stoull(cursor), uint64_t{1} << 48);
    for (const ReplyView& member : ElementsOf(ElementsOf(reply)[1])) met.insert(member.AsString());
    // What comes and goes meanwhile does no harm.
    Run({"SADD", "s", "new" + std::to_string(calls)});
    Run({"SREM", "s", "new" + std::to_string(calls / 2)});
    ++calls;
  } while (cursor != "0");
  EXPECT_GT(calls, 30);
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(met.count("member" + std::to_string(i)), 1u) << i;
  EXPECT_THAT(ElementsOf(ElementsOf(Run({"SSCAN", "s", "0", "MATCH", "member7", "COUNT", "10000"}))[1]), SizeIs(1));
  EXPECT_THAT(Run({"SSCAN", "s", "x"}), IsError("ERR invalid cursor"));
  EXPECT_THAT(Run({"SSCAN", "none", "x"}), IsError("ERR invalid cursor"));
  EXPECT_THAT(Run({"SSCAN", "s", "0", "TYPE", "string"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SSCAN", "i", "0", "COUNT", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"SSCAN", "i", "0", "COUNT", "0"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SSCAN", "none", "0", "COUNT", "x"}), IsArray(ElementsAre(IsBulk("0"), IsArray(IsEmpty()))));
}

TEST_P(SetTest, OtherTypesAreRefused) {
  constexpr std::string_view kWrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
  Run({"SET", "s", "v"});
  Run({"SADD", "set", "a", "1"});
  for (const std::vector<std::string>& argv :
       std::vector<std::vector<std::string>>{{"SADD", "s", "1"},
                                             {"SREM", "s", "1"},
                                             {"SISMEMBER", "s", "1"},
                                             {"SMISMEMBER", "s", "1"},
                                             {"SCARD", "s"},
                                             {"SMEMBERS", "s"},
                                             {"SPOP", "s"},
                                             {"SPOP", "s", "0"},
                                             {"SRANDMEMBER", "s"},
                                             {"SRANDMEMBER", "s", "0"},
                                             {"SSCAN", "s", "0"},
                                             {"SMOVE", "s", "set", "a"},
                                             {"SMOVE", "s", "s", "a"},
                                             {"SINTER", "s"},
                                             {"SINTER", "none", "s"},
                                             {"SUNION", "none", "s"},
                                             {"SDIFF", "none", "s"},
                                             {"SINTERCARD", "1", "s"},
                                             {"SINTERSTORE", "set", "s"},
                                             {"GET", "set"},
                                             {"HSET", "set", "a", "1"},
                                             {"APPEND", "set", "x"},
                                             {"SUNIONSTORE", "d", "none", "s"}}) {
    EXPECT_THAT(Run(argv), IsError(kWrong)) << argv[0];
  }
  EXPECT_THAT(Run({"SCARD", "set"}), IsInt(2));
  EXPECT_THAT(Run({"SET", "set", "now a string"}), IsOk());
}

TEST_P(SetTest, AChangeIsSeenByWatch) {
  Run({"SADD", "i", "1", "2", "3", "4"});
  Run({"SADD", "j", "1"});
  EXPECT_TRUE(RunsAfter("i", {"SMEMBERS", "i"}));
  EXPECT_TRUE(RunsAfter("i", {"SADD", "i", "1"})) << "which has changed nothing";
  EXPECT_TRUE(RunsAfter("i", {"SREM", "i", "9"}));
  EXPECT_TRUE(RunsAfter("i", {"SPOP", "i", "0"}));
  EXPECT_TRUE(RunsAfter("i", {"SMOVE", "i", "i", "1"}));
  EXPECT_TRUE(RunsAfter("i", {"SMOVE", "i", "j", "9"}));
  EXPECT_TRUE(RunsAfter("j", {"SMOVE", "i", "j", "1"})) << "which was there";
  EXPECT_FALSE(RunsAfter("i", {"SMOVE", "i", "j", "2"}));
  EXPECT_FALSE(RunsAfter("j", {"SMOVE", "i", "j", "3"}));
  EXPECT_FALSE(RunsAfter("i", {"SPOP", "i"}));
  EXPECT_FALSE(RunsAfter("i", {"SADD", "i", "7"}));
  EXPECT_TRUE(RunsAfter("none", {"SINTERSTORE", "none", "nothing"}));
  EXPECT_FALSE(RunsAfter("i", {"SINTERSTORE", "i", "nothing"}));
  EXPECT_FALSE(RunsAfter("j", {"SUNIONSTORE", "j", "j"}));
}

TEST_P(SetTest, IsAValueAsOthersAre) {
  Fill("small", 5);
  Fill("large", 5000);
  Fill("numbers", 300, "");
  for (const std::string key : {"small", "large", "numbers"}) {
    std::vector<std::string> before = Members(key);
    std::sort(before.begin(), before.end());
    EXPECT_THAT(Run({"COPY", key, "copy:" + key}), IsInt(1));
    EXPECT_EQ(EncodingOf("copy:" + key), EncodingOf(key));
    EXPECT_THAT(Run({"SADD", key, "1", "one more"}), IsInt(key == "numbers" ? 1 : 2));
    EXPECT_THAT(Run({"RENAME", "copy:" + key, "again:" + key}), IsOk());
    EXPECT_THAT(Run({"MOVE", "again:" + key, "1"}), IsInt(1));
    EXPECT_THAT(Run({"SELECT", "1"}), IsOk());
    std::vector<std::string> after = Members("again:" + key);
    std::sort(after.begin(), after.end());
    EXPECT_EQ(after, before);
    EXPECT_THAT(Run({"UNLINK", "again:" + key}), IsInt(1));
    EXPECT_THAT(Run({"SELECT", "0"}), IsOk());
  }
  Run({"SET", "string", "x"});
  EXPECT_THAT(ElementsOf(ElementsOf(Run({"SCAN", "0", "TYPE", "set", "COUNT", "100"}))[1]), SizeIs(3));
  EXPECT_THAT(Run({"FLUSHALL"}), IsOk());
}

}  // namespace
}  // namespace larder::testing
