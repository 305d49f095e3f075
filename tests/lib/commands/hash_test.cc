// Hashes. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HashTest : public CommandTest {
 protected:
  std::vector<std::string> Texts(std::initializer_list<std::string_view> argv) {
    const Reply reply = Run(argv);
    std::vector<std::string> texts;
    for (const ReplyView& element : ElementsOf(reply)) texts.push_back(element.AsString());
    return texts;
  }
  // HGETALL, whatever its shape.
  std::map<std::string, std::string> All(std::string_view key) {
    const Reply reply = Run({"HGETALL", key});
    std::map<std::string, std::string> all;
    for (const ReplyPair& pair : PairsOf(reply)) all[pair.first.AsString()] = pair.second.AsString();
    return all;
  }
  void Fill(std::string_view key, int fields, size_t value_bytes = 10) {
    for (int i = 0; i < fields; ++i) {
      const std::string n = std::to_string(i);
      Run({"HSET", key, "field" + n, std::string(value_bytes, 'v') + n});
    }
  }
};
LARDER_COMMAND_TEST(HashTest);

TEST_P(HashTest, SetSaysHowManyAreNew) {
  EXPECT_THAT(Run({"HSET", "h", "a", "1", "b", "2"}), IsInt(2));
  EXPECT_THAT(Run({"HSET", "h", "b", "3", "c", "4", "c", "5"}), IsInt(1));
  EXPECT_THAT(Run({"HGET", "h", "c"}), IsBulk("5"));
  EXPECT_THAT(Run({"HGET", "h", "d"}), IsNil());
  EXPECT_THAT(Run({"HGET", "none", "d"}), IsNil());
  EXPECT_THAT(Run({"HMSET", "h", "d", "6"}), IsOk());
  EXPECT_THAT(Run({"HLEN", "h"}), IsInt(4));
  EXPECT_THAT(Run({"TYPE", "h"}), IsStatus("hash"));
  EXPECT_THAT(Run({"HSET", "h", "a"}), IsError("ERR wrong number of arguments for 'hset' command"));
  EXPECT_THAT(Run({"HMSET", "h", "a", "1", "b"}), IsError("ERR wrong number of arguments for 'hmset' command"));
  EXPECT_THAT(Run({"HSETNX", "h", "a", "9"}), IsInt(0));
  EXPECT_THAT(Run({"HSETNX", "h", "z", "9"}), IsInt(1));
  EXPECT_THAT(Run({"HMGET", "h", "z", "q", "a"}), IsArray(ElementsAre(IsBulk("9"), IsNil(), IsBulk("1"))));
}

TEST_P(HashTest, SmallOnesAnswerInTheOrderInWhichTheirFieldsCame) {
  Run({"HSET", "h", "zebra", "1", "ant", "2", "mole", "3"});
  Run({"HSET", "h", "ant", "another value"});
  EXPECT_THAT(Texts({"HKEYS", "h"}), ElementsAre("zebra", "ant", "mole"));
  EXPECT_THAT(Texts({"HVALS", "h"}), ElementsAre("1", "another value", "3"));
  EXPECT_THAT(Run({"HGETALL", "h"}),
              IsMap(ElementsAre(::testing::Pair(IsBulk("zebra"), IsBulk("1")),
                                ::testing::Pair(IsBulk("ant"), IsBulk("another value")),
                                ::testing::Pair(IsBulk("mole"), IsBulk("3")))));
  EXPECT_THAT(Run({"HDEL", "h", "ant", "bee"}), IsInt(1));
  EXPECT_THAT(Texts({"HKEYS", "h"}), ElementsAre("zebra", "mole"));
  // So do those that are too large for their entry: up to 512 fields of 64 bytes.
  Fill("large", 512, 60);
  EXPECT_EQ(EncodingOf("large"), "listpack");
  const std::vector<std::string> fields = Texts({"HKEYS", "large"});
  ASSERT_THAT(fields, SizeIs(512));
  for (int i = 0; i < 512; ++i) EXPECT_EQ(fields[static_cast<size_t>(i)], "field" + std::to_string(i));
}

TEST_P(HashTest, IsATableBeyondItsLimitsForEver) {
  Fill("h", 512);
  EXPECT_EQ(EncodingOf("h"), "listpack");
  Run({"HSET", "h", "one more", ""});
  EXPECT_EQ(EncodingOf("h"), "hashtable");
  EXPECT_THAT(All("h"), SizeIs(513));
  EXPECT_THAT(Run({"HGET", "h", "field77"}), IsBulk("vvvvvvvvvv77"));
  for (int i = 0; i < 500; ++i) EXPECT_THAT(Run({"HDEL", "h", "field" + std::to_string(i)}), IsInt(1));
  EXPECT_EQ(EncodingOf("h"), "hashtable");
  EXPECT_THAT(Run({"HLEN", "h"}), IsInt(13));

  Run({"HSET", "long", "f", std::string(64, 'v')});
  EXPECT_EQ(EncodingOf("long"), "listpack");
  Run({"HSET", "long", "f", std::string(65, 'v')});
  EXPECT_EQ(EncodingOf("long"), "hashtable");
  Run({"HSET", "field", std::string(65, 'f'), "v"});
  EXPECT_EQ(EncodingOf("field"), "hashtable");

  Run({"CONFIG", "SET", "hash-max-listpack-entries", "2", "hash-max-ziplist-value", "3"});
  Run({"HSET", "two", "a", "123", "b", "123"});
  EXPECT_EQ(EncodingOf("two"), "listpack");
  Run({"HSET", "two", "c", ""});
  EXPECT_EQ(EncodingOf("two"), "hashtable");
  Run({"HSET", "four", "a", "1234"});
  EXPECT_EQ(EncodingOf("four"), "hashtable");
}

TEST_P(HashTest, HoldsValuesOfAnySize) {
  std::map<std::string, std::string> model;
  for (const size_t size : {0u, 1u, 127u, 128u, 512u, 513u, 1000u, 5000u, 100000u}) {
    model["f" + std::to_string(size)] = std::string(size, 'x');
    Run({"HSET", "h", "f" + std::to_string(size), std::string(size, 'x')});
    EXPECT_THAT(Run({"HSTRLEN", "h", "f" + std::to_string(size)}), IsInt(static_cast<int64_t>(size)));
  }
  EXPECT_EQ(All("h"), model);
  const std::string long_field(3000, 'n');
  EXPECT_THAT(Run({"HSET", "h", long_field, "v"}), IsInt(1));
  EXPECT_THAT(Run({"HEXISTS", "h", long_field}), IsInt(1));
  EXPECT_THAT(Run({"COPY", "h", "copy"}), IsInt(1));
  EXPECT_THAT(Run({"HDEL", "h", "f100000", long_field, "f5000"}), IsInt(3));
  Run({"HSET", "copy", "f0", "another"});
  EXPECT_THAT(Run({"HGET", "copy", "f100000"}), IsBulk(std::string(100000, 'x')));
  EXPECT_THAT(Run({"HGET", "h", "f0"}), IsBulk(""));
  EXPECT_THAT(Run({"RENAME", "copy", "moved"}), IsOk());
  EXPECT_THAT(Run({"HLEN", "moved"}), IsInt(10));
}

TEST_P(HashTest, GoesWithItsLastField) {
  Run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_THAT(Run({"HDEL", "h", "a", "b", "c"}), IsInt(2));
  EXPECT_THAT(Run({"EXISTS", "h"}), IsInt(0));
  EXPECT_THAT(Run({"HDEL", "h", "a"}), IsInt(0));
  Fill("large", 1000);
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(Run({"HDEL", "large", "field" + std::to_string(i)}), IsInt(1));
  EXPECT_THAT(Run({"EXISTS", "large"}), IsInt(0));
}

TEST_P(HashTest, KeepsItsExpiry) {
  Run({"HSET", "h", "a", "1"});
  Run({"PEXPIRE", "h", "5000"});
  Fill("h", 600);
  EXPECT_EQ(TtlMs("h"), 5000);
  Run({"HSET", "h", "a", "2"});
  EXPECT_EQ(TtlMs("h"), 5000);
  Advance(absl::Seconds(6));
  EXPECT_THAT(Run({"HLEN", "h"}), IsInt(0));
}

TEST_P(HashTest, Counts) {
  EXPECT_THAT(Run({"HINCRBY", "h", "n", "5"}), IsInt(5));
  EXPECT_THAT(Run({"HINCRBY", "h", "n", "-7"}), IsInt(-2));
  EXPECT_THAT(Run({"HINCRBY", "h", "n", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"HINCRBY", "h", "n", "-9223372036854775807"}),
              IsError("ERR increment or decrement would overflow"));
  Run({"HSET", "h", "text", "abc"});
  EXPECT_THAT(Run({"HINCRBY", "h", "text", "1"}), IsError("ERR hash value is not an integer"));
  EXPECT_THAT(Run({"HINCRBYFLOAT", "h", "text", "1"}), IsError("ERR hash value is not a float"));
  EXPECT_THAT(Run({"HINCRBYFLOAT", "h", "f", "10.50"}), IsBulk("10.5"));
  EXPECT_THAT(Run({"HINCRBYFLOAT", "h", "f", "0.1"}), IsBulk("10.6"));
  EXPECT_THAT(Run({"HINCRBYFLOAT", "h", "f", "x"}), IsError("ERR value is not a valid float"));
  EXPECT_THAT(Run({"HINCRBYFLOAT", "h", "f", "inf"}), IsError("ERR value is NaN or Infinity"));
}

TEST_P(HashTest, RandomFieldsAreItsOwn) {
  EXPECT_THAT(Run({"HRANDFIELD", "none"}), IsNil());
  EXPECT_THAT(Run({"HRANDFIELD", "none", "3"}), IsArray(IsEmpty()));
  for (const int fields : {5, 300, 2000}) {
    const std::string key = "h" + std::to_string(fields);
    Fill(key, fields);
    const auto all = All(key);
    EXPECT_EQ(all.count(Run({"HRANDFIELD", key}).AsString()), 1u);
    for (const int count : {1, 4, 100, 5000}) {
      const std::vector<std::string> picked = Texts({"HRANDFIELD", key, std::to_string(count)});
      EXPECT_THAT(picked, SizeIs(std::min(count, fields)));
      EXPECT_EQ(std::set<std::string>(picked.begin(), picked.end()).size(), picked.size());
      for (const std::string& field : picked) EXPECT_EQ(all.count(field), 1u);
    }
    EXPECT_THAT(Texts({"HRANDFIELD", key, "-20"}), SizeIs(20));
  }
  const Reply pairs = Run({"HRANDFIELD", "h5", "2", "WITHVALUES"});
  EXPECT_THAT(ElementsOf(pairs), SizeIs(protocol() == 2 ? 4 : 2));
  if (protocol() == 3) {
    EXPECT_THAT(ElementsOf(ElementsOf(pairs)[0]), SizeIs(2));
  }
  EXPECT_THAT(Run({"HRANDFIELD", "h5", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"HRANDFIELD", "h5", "1", "x"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"HRANDFIELD", "h5", "4611686018427387905", "WITHVALUES"}), IsError("ERR value is out of range"));
  EXPECT_THAT(Run({"HRANDFIELD", "h5", "-4611686018427387905"}), IsError("ERR value is out of range"));
}

TEST_P(HashTest, ScanMeetsAllThatStay) {
  Fill("h", 300);
  const Reply all_at_once = Run({"HSCAN", "h", "0", "COUNT", "1"});
  EXPECT_THAT(ElementsOf(all_at_once)[0], IsBulk("0"));
  EXPECT_THAT(ElementsOf(ElementsOf(all_at_once)[1]), SizeIs(600));
  Fill("h", 3000);
  std::set<std::string> met;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Reply reply = Run({"HSCAN", "h", cursor, "COUNT", "7"});
    cursor = ElementsOf(reply)[0].AsString();
    EXPECT_LT(std::stoull(cursor), uint64_t{1} << 48);
    const std::vector<ReplyView> elements = ElementsOf(ElementsOf(reply)[1]);
    for (size_t i = 0; i < elements.size(); i += 2) met.insert(elements[i].AsString());
    // What comes and goes meanwhile does no harm.
    Run({"HSET", "h", "new" + std::to_string(calls), "x"});
    Run({"HDEL", "h", "new" + std::to_string(calls / 2)});
    ++calls;
  } while (cursor != "0");
  EXPECT_GT(calls, 50);
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(met.count("field" + std::to_string(i)), 1u) << i;
  EXPECT_THAT(ElementsOf(ElementsOf(Run({"HSCAN", "h", "0", "MATCH", "field7", "COUNT", "10000"}))[1]), SizeIs(2));
  EXPECT_THAT(Run({"HSCAN", "h", "x"}), IsError("ERR invalid cursor"));
  EXPECT_THAT(Run({"HSCAN", "h", "0", "TYPE", "string"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"HSCAN", "none", "0", "COUNT", "x"}), IsArray(ElementsAre(IsBulk("0"), IsArray(IsEmpty()))));
}

TEST_P(HashTest, OtherTypesAreRefused) {
  constexpr std::string_view kWrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
  Run({"SET", "s", "v"});
  Run({"HSET", "h", "a", "1"});
  for (const std::vector<std::string>& argv :
       std::vector<std::vector<std::string>>{{"HSET", "s", "a", "1"}, {"HGET", "s", "a"}, {"HDEL", "s", "a"},
                                             {"HLEN", "s"}, {"HGETALL", "s"}, {"HINCRBY", "s", "a", "1"},
                                             {"HSCAN", "s", "0"}, {"HRANDFIELD", "s"}, {"GET", "h"},
                                             {"APPEND", "h", "x"}, {"INCR", "h"}, {"GETDEL", "h"}, {"STRLEN", "h"}}) {
    EXPECT_THAT(Run(argv), IsError(kWrong)) << argv[0];
  }
  EXPECT_THAT(Run({"MGET", "h"}), IsArray(ElementsAre(IsNil())));
  EXPECT_THAT(Run({"SET", "h", "now a string"}), IsOk());
  EXPECT_THAT(Run({"GET", "h"}), IsBulk("now a string"));
}

TEST_P(HashTest, AChangeIsSeenByWatch) {
  Run({"HSET", "h", "a", "1"});
  EXPECT_TRUE(RunsAfter("h", {"HGET", "h", "a"}));
  EXPECT_TRUE(RunsAfter("h", {"HSETNX", "h", "a", "2"})) << "which has changed nothing";
  EXPECT_TRUE(RunsAfter("h", {"HDEL", "h", "b"}));
  EXPECT_FALSE(RunsAfter("h", {"HSET", "h", "a", "1"})) << "the same value is a change too, as in Redis";
  EXPECT_FALSE(RunsAfter("h", {"HINCRBY", "h", "a", "1"}));
  EXPECT_FALSE(RunsAfter("h", {"HDEL", "h", "a"}));
}

}  // namespace
}  // namespace larder::testing
