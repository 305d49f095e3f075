// KEYS, SCAN and RANDOMKEY.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class KeysTest : public CommandTest {};
LARDER_COMMAND_TEST(KeysTest);

TEST_P(KeysTest, FindsWhatThePatternMatches) {
  Run({"MSET", "one", "1", "two", "2", "three", "3"});
  EXPECT_THAT(Run({"KEYS", "t*"}), IsArray(UnorderedElementsAre(IsBulk("two"), IsBulk("three"))));
  EXPECT_THAT(Run({"KEYS", "*"}), IsArray(UnorderedElementsAre(IsBulk("one"), IsBulk("two"), IsBulk("three"))));
  EXPECT_THAT(Run({"KEYS", "[a-o]ne"}), IsArray(ElementsAre(IsBulk("one"))));
  EXPECT_THAT(Run({"KEYS", ""}), IsArray(IsEmpty()));
}

TEST_P(KeysTest, DoesNotFindWhatHasExpired) {
  Run({"SET", "k", "v", "PX", "10"});
  Advance(absl::Milliseconds(10));
  EXPECT_THAT(Run({"KEYS", "*"}), IsArray(IsEmpty()));
}

class RandomKeyTest : public CommandTest {};
LARDER_COMMAND_TEST(RandomKeyTest);

TEST_P(RandomKeyTest, PicksEachKeyNowAndThen) {
  EXPECT_THAT(Run({"RANDOMKEY"}), IsNil());
  Run({"MSET", "a", "1", "b", "2", "c", "3"});
  std::map<std::string, int> picks;
  for (int i = 0; i < 300; ++i) ++picks[Run({"RANDOMKEY"}).AsString()];
  ASSERT_EQ(picks.size(), 3u);
  for (const auto& [key, count] : picks) EXPECT_GT(count, 20) << key;
}

TEST_P(RandomKeyTest, NeverPicksWhatHasExpired) {
  Run({"SET", "alive", "v"});
  for (int i = 0; i < 100; ++i) Run({"SET", "k" + std::to_string(i), "v", "PX", "10"});
  Advance(absl::Milliseconds(10));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Run({"RANDOMKEY"}), IsBulk("alive"));
}

TEST_P(RandomKeyTest, FindsTheOneThatIsLeftOfThousands) {
  for (int i = 0; i < 2'000; ++i) {
    const std::string key = "k" + std::to_string(i);
    Run({"SET", key, "v", "PX", "10"});
  }
  Run({"SET", "alive", "v"});
  Advance(absl::Milliseconds(10));
  EXPECT_THAT(Run({"RANDOMKEY"}), IsBulk("alive"));
  Run({"MULTI"});
  Run({"RANDOMKEY"});
  EXPECT_THAT(Run({"EXEC"}), IsArray(ElementsAre(IsBulk("alive"))));
  Run({"DEL", "alive"});
  EXPECT_THAT(Run({"RANDOMKEY"}), IsNil());
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
}

class ScanTest : public CommandTest {
 protected:
  // All keys of a full iteration, in the order of their coming; `between` runs after each call.
  std::vector<std::string> ScanAll(std::vector<std::string> options, const std::function<void()>& between = nullptr) {
    std::vector<std::string> keys;
    std::string cursor = "0";
    do {
      std::vector<std::string> argv = {"SCAN", cursor};
      argv.insert(argv.end(), options.begin(), options.end());
      const Reply reply = Run(argv);
      EXPECT_EQ(reply.size(), 2u);
      cursor = reply[0].AsString();
      EXPECT_LT(std::stoull(cursor), uint64_t{1} << 48);
      for (const ReplyView key : reply[1]) keys.push_back(key.AsString());
      if (between) between();
    } while (cursor != "0");
    return keys;
  }
};
LARDER_COMMAND_TEST(ScanTest);

TEST_P(ScanTest, ReturnsEveryKeyOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    Run({"SET", "key:" + std::to_string(i), "v"});
    expected.insert("key:" + std::to_string(i));
  }
  for (const char* count : {"1", "7", "100", "1000000"}) {
    const std::vector<std::string> keys = ScanAll({"COUNT", count});
    EXPECT_EQ(keys.size(), expected.size()) << count;
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()), expected) << count;
  }
}

TEST_P(ScanTest, KeysThatStayAreReturnedOnceThroughGrowthAndShrinking) {
  std::set<std::string> stay;
  for (int i = 0; i < 100; ++i) {
    Run({"SET", "stay:" + std::to_string(i), "v"});
    stay.insert("stay:" + std::to_string(i));
  }
  int step = 0;
  const std::vector<std::string> keys = ScanAll({"COUNT", "3"}, [&] {
    for (int i = 0; i < 100; ++i) {  // first many come, then they go
      const std::string key = "come:" + std::to_string(step % 20 * 100 + i);
      if (step < 20) Run({"SET", key, "v"}); else Run({"DEL", key});
    }
    ++step;
  });
  EXPECT_GT(step, 20);
  std::map<std::string, int> seen;
  for (const std::string& key : keys) ++seen[key];
  for (const std::string& key : stay) EXPECT_EQ(seen[key], 1) << key;
}

TEST_P(ScanTest, MatchAndTypeFilter) {
  Run({"MSET", "one", "1", "two", "2", "three", "3"});
  EXPECT_THAT(ScanAll({"MATCH", "t*"}), UnorderedElementsAre("two", "three"));
  EXPECT_THAT(ScanAll({"match", "*", "MATCH", "one"}), ElementsAre("one"));
  EXPECT_THAT(ScanAll({"TYPE", "STRING"}), UnorderedElementsAre("one", "two", "three"));
  EXPECT_THAT(ScanAll({"TYPE", "list"}), IsEmpty());
  EXPECT_THAT(ScanAll({"TYPE", "nosuch"}), IsEmpty());
}

TEST_P(ScanTest, DoesNotReturnWhatHasExpired) {
  Run({"SET", "k", "v", "PX", "10"});
  Run({"SET", "l", "v"});
  Advance(absl::Milliseconds(10));
  EXPECT_THAT(ScanAll({}), ElementsAre("l"));
}

TEST_P(ScanTest, ReadsCursorsAsRedisDoes) {
  Run({"SET", "k", "v"});
  for (const std::string_view cursor : {"", "0", "-0", "+0", "00"}) {
    EXPECT_THAT(Run({"SCAN", cursor}), IsArray(ElementsAre(IsBulk("0"), IsArray(ElementsAre(IsBulk("k")))))) << cursor;
  }
  for (const std::string_view cursor : {"18446744073709551615", "-1", "281474976710656"}) {
    EXPECT_THAT(Run({"SCAN", cursor}), IsArray(ElementsAre(IsBulk("0"), IsArray(IsEmpty())))) << cursor;
  }
  for (const std::string_view cursor : {"x", " 0", "0 ", "0x10", "18446744073709551616", "+", "--0"}) {
    EXPECT_THAT(Run({"SCAN", cursor}), IsError("ERR invalid cursor")) << cursor;
  }
}

TEST_P(ScanTest, RefusesBadOptions) {
  EXPECT_THAT(Run({"SCAN", "0", "COUNT", "0"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SCAN", "0", "COUNT", "-1"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"SCAN", "0", "COUNT", "x"}), IsError("ERR value is not an integer or out of range"));
  for (const std::string_view option : {"COUNT", "MATCH", "TYPE", "FOO"}) {
    EXPECT_THAT(Run({"SCAN", "0", option}), IsError("ERR syntax error")) << option;
  }
  EXPECT_THAT(Run({"SCAN", "x", "FOO"}), IsError("ERR invalid cursor"));
  EXPECT_THAT(Run({"SCAN"}), IsError("ERR wrong number of arguments for 'scan' command"));
}

}  // namespace
}  // namespace larder::testing
