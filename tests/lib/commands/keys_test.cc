// The key family but for expiry (keys_expire_test.cc) and iteration (keys_scan_test.cc).
#include <string>

#include "absl/time/time.h"
#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
constexpr std::string_view kNotInt32 = "ERR value is out of range, value must between -2147483648 and 2147483647";
constexpr std::string_view kDbOutOfRange = "ERR DB index is out of range";
constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
constexpr std::string_view kSyntax = "ERR syntax error";

class DelTest : public CommandTest {};
LARDER_COMMAND_TEST(DelTest);

TEST_P(DelTest, CountsWhatItDeleted) {
  Run({"MSET", "a", "1", "b", "2"});
  EXPECT_THAT(Run({"DEL", "a", "missing", "b", "a"}), IsInt(2));
  EXPECT_THAT(Run({"EXISTS", "a", "b"}), IsInt(0));
}

TEST_P(DelTest, UnlinkDoesTheSame) {
  Run({"SET", "a", std::string(100'000, 'x')});
  EXPECT_THAT(Run({"UNLINK", "a", "a"}), IsInt(1));
  EXPECT_THAT(Run({"GET", "a"}), IsNil());
}

TEST_P(DelTest, AnExpiredKeyIsNotDeletedButGone) {
  Run({"SET", "a", "1", "PX", "10"});
  Advance(absl::Milliseconds(10));
  EXPECT_THAT(Run({"DEL", "a"}), IsInt(0));
}

TEST_P(DelTest, NeedsAKey) {
  EXPECT_THAT(Run({"DEL"}), IsError("ERR wrong number of arguments for 'del' command"));
  EXPECT_THAT(Run({"UNLINK"}), IsError("ERR wrong number of arguments for 'unlink' command"));
}

class ExistsTest : public CommandTest {};
LARDER_COMMAND_TEST(ExistsTest);

TEST_P(ExistsTest, CountsAKeyAsOftenAsItIsNamed) {
  Run({"SET", "a", "1"});
  EXPECT_THAT(Run({"EXISTS", "a", "a", "missing", "a"}), IsInt(3));
  EXPECT_THAT(Run({"TOUCH", "a", "a", "missing"}), IsInt(2));
}

TEST_P(ExistsTest, LeavesTheKeyIdleWhereTouchDoesNot) {
  Run({"SET", "a", "text"});
  Advance(absl::Seconds(5));
  Run({"EXISTS", "a"});
  Run({"TYPE", "a"});
  Run({"TTL", "a"});
  Run({"OBJECT", "ENCODING", "a"});
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "a"}), IsInt(5));
  Run({"TOUCH", "a"});
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "a"}), IsInt(0));
}

class TypeTest : public CommandTest {};
LARDER_COMMAND_TEST(TypeTest);

TEST_P(TypeTest, NamesTheTypeOrNone) {
  Run({"SET", "a", "1"});
  EXPECT_THAT(Run({"TYPE", "a"}), IsStatus("string"));
  EXPECT_THAT(Run({"TYPE", "missing"}), IsStatus("none"));
}

class RenameTest : public CommandTest {};
LARDER_COMMAND_TEST(RenameTest);

TEST_P(RenameTest, TakesValueAndExpiryAlongOverWhatIsThere) {
  Run({"SET", "from", "new", "PX", "100"});
  Run({"SET", "to", "old"});
  EXPECT_THAT(Run({"RENAME", "from", "to"}), IsOk());
  EXPECT_THAT(Run({"GET", "to"}), IsBulk("new"));
  EXPECT_THAT(Run({"PTTL", "to"}), IsInt(100));
  EXPECT_THAT(Run({"EXISTS", "from"}), IsInt(0));
}

TEST_P(RenameTest, WithoutAnExpiryEndsThatOfTheTarget) {
  Run({"SET", "from", "new"});
  Run({"SET", "to", "old", "PX", "100"});
  Run({"RENAME", "from", "to"});
  EXPECT_THAT(Run({"PTTL", "to"}), IsInt(-1));
}

TEST_P(RenameTest, NeedsTheSourceEvenIfBothAreTheSame) {
  EXPECT_THAT(Run({"RENAME", "a", "b"}), IsError("ERR no such key"));
  EXPECT_THAT(Run({"RENAME", "a", "a"}), IsError("ERR no such key"));
  EXPECT_THAT(Run({"RENAMENX", "a", "a"}), IsError("ERR no such key"));
  Run({"SET", "a", "1"});
  EXPECT_THAT(Run({"RENAME", "a", "a"}), IsOk());
  EXPECT_THAT(Run({"RENAMENX", "a", "a"}), IsInt(0));
  EXPECT_THAT(Run({"GET", "a"}), IsBulk("1"));
}

TEST_P(RenameTest, RenameNxLeavesWhatIsThere) {
  Run({"MSET", "a", "1", "b", "2"});
  EXPECT_THAT(Run({"RENAMENX", "a", "b"}), IsInt(0));
  EXPECT_THAT(Run({"RENAMENX", "a", "c"}), IsInt(1));
  EXPECT_THAT(Run({"MGET", "a", "b", "c"}), IsArray(ElementsAre(IsNil(), IsBulk("2"), IsBulk("1"))));
}

TEST_P(RenameTest, TheEmptyKeyIsAKey) {
  Run({"SET", "", "nameless"});
  EXPECT_THAT(Run({"RENAME", "", std::string_view("bin\0\xff", 5)}), IsOk());
  EXPECT_THAT(Run({"GET", std::string_view("bin\0\xff", 5)}), IsBulk("nameless"));
}

class CopyTest : public CommandTest {};
LARDER_COMMAND_TEST(CopyTest);

TEST_P(CopyTest, CopiesValueAndExpiry) {
  Run({"SET", "a", "value", "PX", "100"});
  EXPECT_THAT(Run({"COPY", "a", "b"}), IsInt(1));
  EXPECT_THAT(Run({"GET", "b"}), IsBulk("value"));
  EXPECT_THAT(Run({"PTTL", "b"}), IsInt(100));
  Run({"APPEND", "b", "!"});
  EXPECT_THAT(Run({"GET", "a"}), IsBulk("value"));
}

TEST_P(CopyTest, OverwritesOnlyWithReplace) {
  Run({"MSET", "a", "1", "b", "2"});
  EXPECT_THAT(Run({"COPY", "a", "b"}), IsInt(0));
  EXPECT_THAT(Run({"COPY", "a", "b", "replace"}), IsInt(1));
  EXPECT_THAT(Run({"GET", "b"}), IsBulk("1"));
  EXPECT_THAT(Run({"COPY", "missing", "b", "REPLACE"}), IsInt(0));
  EXPECT_THAT(Run({"GET", "b"}), IsBulk("1"));
}

TEST_P(CopyTest, GoesToAnotherDatabase) {
  Run({"SET", "a", "1"});
  EXPECT_THAT(Run({"COPY", "a", "a", "DB", "3"}), IsInt(1));
  EXPECT_THAT(Run({"COPY", "a", "a", "DB", "3"}), IsInt(0));
  Run({"SELECT", "3"});
  EXPECT_THAT(Run({"GET", "a"}), IsBulk("1"));
}

TEST_P(CopyTest, RefusesInRedissOrder) {
  EXPECT_THAT(Run({"COPY", "a", "a"}), IsError(kSameObject));
  EXPECT_THAT(Run({"COPY", "a", "a", "DB", "0"}), IsError(kSameObject));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB", "16"}), IsError(kDbOutOfRange));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB", "-1"}), IsError(kDbOutOfRange));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB", "4294967296"}), IsError(kNotInt32));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB"}), IsError(kSyntax));
  EXPECT_THAT(Run({"COPY", "a", "b", "FOO", "DB", "16"}), IsError(kSyntax));
  EXPECT_THAT(Run({"COPY", "a", "b", "DB", "16", "FOO"}), IsError(kDbOutOfRange));
}

class MoveTest : public CommandTest {};
LARDER_COMMAND_TEST(MoveTest);

TEST_P(MoveTest, TakesValueAndExpiryAlong) {
  Run({"SET", "a", "1", "PX", "100"});
  EXPECT_THAT(Run({"MOVE", "a", "2"}), IsInt(1));
  EXPECT_THAT(Run({"MOVE", "a", "2"}), IsInt(0));
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
  Run({"SELECT", "2"});
  EXPECT_THAT(Run({"GET", "a"}), IsBulk("1"));
  EXPECT_THAT(Run({"PTTL", "a"}), IsInt(100));
}

TEST_P(MoveTest, LeavesTheKeyIfTheOtherDatabaseHasOne) {
  Run({"SET", "a", "1"});
  Run({"COPY", "a", "a", "DB", "2"});
  EXPECT_THAT(Run({"MOVE", "a", "2"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(1));
}

TEST_P(MoveTest, RefusesInRedissOrder) {
  EXPECT_THAT(Run({"MOVE", "a", "0"}), IsError(kSameObject));
  EXPECT_THAT(Run({"MOVE", "a", "16"}), IsError(kDbOutOfRange));
  EXPECT_THAT(Run({"MOVE", "a", "-2147483649"}), IsError(kNotInt32));
  EXPECT_THAT(Run({"MOVE", "a", "01"}), IsError(kNotInteger));
}

class ObjectTest : public CommandTest {};
LARDER_COMMAND_TEST(ObjectTest);

TEST_P(ObjectTest, EncodingFollowsRedissRules) {
  Run({"SET", "k", "12345"});
  EXPECT_EQ(EncodingOf("k"), "int");
  Run({"SET", "k", std::string(44, 'x')});
  EXPECT_EQ(EncodingOf("k"), "embstr");
  Run({"SET", "k", std::string(45, 'x')});
  EXPECT_EQ(EncodingOf("k"), "raw");
  Run({"SET", "k", "1"});
  Run({"APPEND", "k", "2"});
  EXPECT_EQ(EncodingOf("k"), "raw");
  EXPECT_THAT(Run({"OBJECT", "ENCODING", "missing"}), IsNil());
}

TEST_P(ObjectTest, SmallIntegersHaveAllTheReferencesThereAre) {
  Run({"MSET", "a", "0", "b", "9999", "c", "10000", "d", "-1", "e", "text"});
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "a"}), IsInt(2147483647));
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "b"}), IsInt(2147483647));
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "c"}), IsInt(1));
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "d"}), IsInt(1));
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "e"}), IsInt(1));
  EXPECT_THAT(Run({"OBJECT", "REFCOUNT", "missing"}), IsNil());
}

TEST_P(ObjectTest, IdleTimeCountsFromTheLastUse) {
  Run({"SET", "k", "text"});
  Advance(absl::Seconds(7));
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsInt(7));
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsInt(7));
  Run({"GET", "k"});
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsInt(0));
  Advance(absl::Seconds(-100));  // an administrator sets the clock back
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsInt(0));
}

TEST_P(ObjectTest, FrequencyAndIdleTimeExcludeEachOther) {
  Run({"SET", "k", "text"});
  EXPECT_THAT(Run({"OBJECT", "FREQ", "k"}), IsError("ERR An LFU maxmemory policy is not selected, access frequency"));
  EXPECT_THAT(Run({"OBJECT", "FREQ", "missing"}), IsNil());
  ASSERT_THAT(Run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"}), IsOk());
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsError("ERR An LFU maxmemory policy is selected, idle time"));
  EXPECT_THAT(Run({"OBJECT", "FREQ", "k"}), IsInt(::testing::Ge(0)));
}

TEST_P(ObjectTest, HelpHasTheShapeOfRedissHelp) {
  const Reply help = Run({"OBJECT", "HELP"});
  ASSERT_GT(help.size(), 3u);
  EXPECT_THAT(help[0], IsStatus("OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  EXPECT_THAT(help[1], IsStatus("ENCODING <key>"));
  EXPECT_THAT(help[help.size() - 2], IsStatus("HELP"));
}

TEST_P(ObjectTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Run({"OBJECT"}), IsError("ERR wrong number of arguments for 'object' command"));
  EXPECT_THAT(Run({"OBJECT", "ENCODING"}), IsError("ERR wrong number of arguments for 'object|encoding' command"));
  EXPECT_THAT(Run({"OBJECT", "FOO", "k"}), IsError("ERR unknown subcommand 'FOO'. Try OBJECT HELP."));
}

}  // namespace
}  // namespace larder::testing
