// COMMAND. That each row says what Redis's says is tested against a real server: tests/differential/rows_test.cc.
#include <set>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kSyntax[] = "ERR syntax error";

class CommandCommandTest : public CommandTest {
 protected:
  std::vector<std::string> List(std::initializer_list<std::string_view> rest = {}) {
    std::vector<std::string_view> argv = {"COMMAND", "LIST"};
    argv.insert(argv.end(), rest.begin(), rest.end());
    const Reply reply = client().Run(argv);
    EXPECT_FALSE(reply.is_error()) << reply.DebugString();
    std::vector<std::string> names;
    for (ReplyView name : reply) names.push_back(name.AsString());
    return names;
  }
};
LARDER_COMMAND_TEST(CommandCommandTest);

TEST_P(CommandCommandTest, CountCountsCommandsAndListAlsoSubcommands) {
  const std::vector<std::string> names = List();
  const std::set<std::string> unique(names.begin(), names.end());
  EXPECT_EQ(unique.size(), names.size());
  int64_t commands = 0;
  for (const std::string& name : names) commands += name.find('|') == std::string::npos;
  EXPECT_THAT(Run({"COMMAND", "COUNT"}), IsInt(commands));
  EXPECT_EQ(Run({"COMMAND"}).size(), static_cast<size_t>(commands));
  EXPECT_EQ(Run({"COMMAND", "INFO"}).size(), static_cast<size_t>(commands));
  EXPECT_EQ(PairsOf(Run({"COMMAND", "DOCS"})).size(), static_cast<size_t>(commands));
  EXPECT_THAT(names, Contains("config|get"));
}

TEST_P(CommandCommandTest, EveryCommandIsInfoedAndDocumented) {
  for (const std::string& name : List()) {
    const Reply info = Run({"COMMAND", "INFO", name});
    ASSERT_THAT(info[0], IsArray(SizeIs(10))) << name;
    EXPECT_THAT(info[0][0], IsBulk(name));
    const Reply docs = Run({"COMMAND", "DOCS", name});
    ASSERT_THAT(docs, IsMap(ElementsAre(Pair(IsBulk(name), ::testing::_))));
    for (const char* field : {"summary", "since", "group", "complexity"}) {
      if (name == "monitor" && std::string_view(field) == "complexity") continue;  // it has none in Redis either
      const auto text = docs[1].Find(field);
      ASSERT_TRUE(text.has_value()) << name << " has no " << field;
      EXPECT_THAT(*text, IsBulk(Not(IsEmpty()))) << name;
    }
  }
}

TEST_P(CommandCommandTest, InfoHasRedissShape) {
  EXPECT_THAT(
      Run({"COMMAND", "INFO", "GET"}),
      IsArray(ElementsAre(IsArray(ElementsAre(
          IsBulk("get"), IsInt(2), IsSet(ElementsAre(IsStatus("readonly"), IsStatus("fast"))), IsInt(1), IsInt(1),
          IsInt(1), IsSet(ElementsAre(IsStatus("@read"), IsStatus("@string"), IsStatus("@fast"))), IsSet(IsEmpty()),
          IsSet(ElementsAre(IsMap(ElementsAre(
              Pair(IsBulk("flags"), IsSet(ElementsAre(IsStatus("RO"), IsStatus("access")))),
              Pair(IsBulk("begin_search"),
                   IsMap(ElementsAre(Pair(IsBulk("type"), IsBulk("index")),
                                     Pair(IsBulk("spec"), IsMap(ElementsAre(Pair(IsBulk("index"), IsInt(1)))))))),
              Pair(IsBulk("find_keys"),
                   IsMap(ElementsAre(Pair(IsBulk("type"), IsBulk("range")),
                                     Pair(IsBulk("spec"), IsMap(ElementsAre(Pair(IsBulk("lastkey"), IsInt(0)),
                                                                            Pair(IsBulk("keystep"), IsInt(1)),
                                                                            Pair(IsBulk("limit"), IsInt(0)))))))))))),
          IsSet(IsEmpty()))))));
}

TEST_P(CommandCommandTest, UnknownNamesAreNilInInfoAndAbsentInDocs) {
  const Reply info =
      Run({"COMMAND", "INFO", "nosuch", "Config|Get", "config|nosuch", "get|x", "config|get|x", "|", ""});
  ASSERT_THAT(info, IsArray(SizeIs(7)));
  EXPECT_THAT(info[1][0], IsBulk("config|get"));
  for (size_t i : {0, 2, 3, 4, 5, 6}) EXPECT_THAT(info[i], IsNil()) << i;
  EXPECT_THAT(Run({"COMMAND", "DOCS", "nosuch"}), IsMap(IsEmpty()));
  EXPECT_EQ(PairsOf(Run({"COMMAND", "DOCS", "get", "nosuch", "GET"})).size(), 2u) << "as often as asked for";
}

TEST_P(CommandCommandTest, ContainersHoldTheirSubcommands) {
  const Reply info = Run({"COMMAND", "INFO", "config"});
  std::vector<std::string> names;
  for (ReplyView sub : info[0][9]) names.push_back(sub[0].AsString());
  EXPECT_THAT(names, UnorderedElementsAre("config|get", "config|help", "config|resetstat", "config|rewrite",
                                          "config|set"));
  const Reply docs = Run({"COMMAND", "DOCS", "config"});
  EXPECT_EQ(PairsOf(*docs[1].Find("subcommands")).size(), 5u);
}

TEST_P(CommandCommandTest, ListFilters) {
  EXPECT_THAT(List({"FILTERBY", "ACLCAT", "transaction"}),
              UnorderedElementsAre("multi", "exec", "discard", "watch", "unwatch"));
  EXPECT_THAT(List({"filterby", "aclcat", "TRANSACTION"}), SizeIs(5));
  EXPECT_THAT(List({"FILTERBY", "ACLCAT", "@transaction"}), IsEmpty());
  EXPECT_THAT(List({"FILTERBY", "ACLCAT", "nosuch"}), IsEmpty());
  EXPECT_THAT(List({"FILTERBY", "ACLCAT", "admin"}), Contains("client|kill"));
  EXPECT_THAT(List({"FILTERBY", "PATTERN", "SE*"}),
              UnorderedElementsAre("set", "setbit", "setex", "setnx", "setrange", "select"));
  EXPECT_THAT(List({"FILTERBY", "PATTERN", "config|re*"}),
              UnorderedElementsAre("config|resetstat", "config|rewrite"));
  EXPECT_THAT(List({"FILTERBY", "MODULE", "json"}), IsEmpty());
}

TEST_P(CommandCommandTest, ListRefuses) {
  EXPECT_THAT(Run({"COMMAND", "LIST", "x"}), IsError(kSyntax));
  EXPECT_THAT(Run({"COMMAND", "LIST", "FILTERBY", "PATTERN"}), IsError(kSyntax));
  EXPECT_THAT(Run({"COMMAND", "LIST", "FILTERBY", "X", "a"}), IsError(kSyntax));
  EXPECT_THAT(Run({"COMMAND", "LIST", "FILTERBY", "PATTERN", "a", "b"}), IsError(kSyntax));
}

TEST_P(CommandCommandTest, GetKeysFindsKeys) {
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "GET", "k"}), IsArray(ElementsAre(IsBulk("k"))));
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "mset", "a", "1", "b", "2"}), IsArray(ElementsAre(IsBulk("a"), IsBulk("b"))));
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "del", "a", "a", ""}),
              IsArray(ElementsAre(IsBulk("a"), IsBulk("a"), IsBulk(""))));
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "rename", "a", "b"}), IsArray(ElementsAre(IsBulk("a"), IsBulk("b"))));
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "object", "freq", "k"}), IsArray(ElementsAre(IsBulk("k"))));
}

TEST_P(CommandCommandTest, GetKeysAndFlagsTellsWhatIsDone) {
  auto flags = [&](const std::vector<std::string>& command) {
    std::vector<std::string> argv = {"COMMAND", "GETKEYSANDFLAGS"};
    argv.insert(argv.end(), command.begin(), command.end());
    const Reply reply = Run(argv);
    EXPECT_FALSE(reply.is_error()) << reply.DebugString();
    std::string text;
    for (ReplyView key : reply) {
      text += key[0].AsString() + ":";
      EXPECT_THAT(key[1], IsSet(Each(IsStatus(::testing::_))));
      for (ReplyView flag : key[1]) text += " " + flag.AsString();
      text += "; ";
    }
    return text;
  };
  EXPECT_EQ(flags({"get", "k"}), "k: RO access; ");
  EXPECT_EQ(flags({"set", "k", "v"}), "k: OW update; ");
  EXPECT_EQ(flags({"set", "k", "v", "EX", "9", "get"}), "k: RW access update; ");
  EXPECT_EQ(flags({"rename", "a", "b"}), "a: RW access delete; b: OW update; ");
}

TEST_P(CommandCommandTest, GetKeysRefuses) {
  for (const char* word : {"GETKEYS", "GETKEYSANDFLAGS"}) {
    EXPECT_THAT(Run({"COMMAND", word, "nosuch", "a"}), IsError("ERR Invalid command specified"));
    EXPECT_THAT(Run({"COMMAND", word, "object", "nosuch", "k"}), IsError("ERR Invalid command specified"));
    EXPECT_THAT(Run({"COMMAND", word, "ping", "a"}), IsError("ERR The command has no key arguments"));
    EXPECT_THAT(Run({"COMMAND", word, "config", "get", "x"}), IsError("ERR The command has no key arguments"));
    EXPECT_THAT(Run({"COMMAND", word, "get", "a", "b"}),
                IsError("ERR Invalid number of arguments specified for command"));
  }
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "get"}),
              IsError("ERR wrong number of arguments for 'command|getkeys' command"));
}

TEST_P(CommandCommandTest, UnknownSubcommandsBreakATransaction) {
  EXPECT_THAT(Run({"COMMAND", "FOO"}), IsError("ERR unknown subcommand 'FOO'. Try COMMAND HELP."));
  Run({"MULTI"});
  EXPECT_THAT(Run({"COMMAND", "FOO"}), IsError("ERR unknown subcommand 'FOO'. Try COMMAND HELP."));
  EXPECT_THAT(Run({"EXEC"}), IsError("EXECABORT Transaction discarded because of previous errors."));
}

TEST_P(CommandCommandTest, HelpNamesTheSubcommands) {
  const Reply help = Run({"COMMAND", "HELP"});
  EXPECT_THAT(help[0], IsStatus("COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  EXPECT_THAT(help[help.size() - 2], IsStatus("HELP"));
}

}  // namespace
}  // namespace larder::testing
