// CONFIG as a command; what directives are and do is tested with the options.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ConfigTest : public CommandTest {
 protected:
  std::string Value(std::string_view name) { return Run({"CONFIG", "GET", name}).Find(name).value().AsString(); }
};
LARDER_COMMAND_TEST(ConfigTest);

TEST_P(ConfigTest, GetTakesNamesAndPatterns) {
  EXPECT_THAT(Run({"CONFIG", "GET", "maxmemory"}), IsMap(ElementsAre(Pair(IsBulk("maxmemory"), IsBulk("0")))));
  EXPECT_THAT(Run({"CONFIG", "GET", "nosuch"}), IsMap(IsEmpty()));
  EXPECT_THAT(Run({"CONFIG", "GET", "hz", "maxmem*y", "HZ"}),
              IsMap(IsSupersetOf({Pair(IsBulk("hz"), IsBulk("10")),
                                  Pair(IsBulk("maxmemory-policy"), IsBulk("noeviction"))})));
  EXPECT_GT(Run({"CONFIG", "GET", "*"}).size(), 200u);
  EXPECT_THAT(Run({"CONFIG", "GET"}), IsError("ERR wrong number of arguments for 'config|get' command"));
}

TEST_P(ConfigTest, SetTakesEffect) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory", "1"}), IsOk());
  EXPECT_THAT(Run({"SET", "k", "v"}), IsError("OOM command not allowed when used memory > 'maxmemory'."));
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-random"}), IsOk());
  EXPECT_THAT(Run({"SET", "k", "v"}), IsOk());
  EXPECT_EQ(Value("maxmemory"), "104857600");
  EXPECT_EQ(Value("maxmemory-policy"), "allkeys-random");
}

TEST_P(ConfigTest, SetIsAllOrNothing) {
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory", "7mb", "hz", "x"}),
              IsError("ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an "
                      "integer"));
  EXPECT_EQ(Value("maxmemory"), "0");
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory", "7mb", "nosuch", "1"}),
              IsError("ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"));
  EXPECT_THAT(Run({"CONFIG", "SET", std::string_view("no\0such", 7), "1"}),
              IsError("ERR Unknown option or number of arguments for CONFIG SET - 'no'"));
  EXPECT_EQ(Value("maxmemory"), "0");
}

TEST_P(ConfigTest, SetRefuses) {
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory", "1", "hz"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory"}), IsError("ERR wrong number of arguments for 'config|set' command"));
  EXPECT_THAT(Run({"CONFIG", "SET", "databases", "3"}),
              IsError("ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"));
  EXPECT_THAT(Run({"CONFIG", "SET", "hz", "10", "hz", "11"}),
              IsError("ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter"));
}

TEST_P(ConfigTest, RewriteNeedsAFile) {
  EXPECT_THAT(Run({"CONFIG", "REWRITE"}), IsError("ERR The server is running without a config file"));
}

TEST_P(ConfigTest, ResetStatSetsCountersBack) {
  Run({"GET", "missing"});
  Run({"NOSUCH"});
  EXPECT_THAT(Run({"INFO", "stats"}), IsVerbatim(HasSubstr("keyspace_misses:1\r\n")));
  EXPECT_THAT(Run({"CONFIG", "RESETSTAT"}), IsOk());
  const Reply info = Run({"INFO", "everything"});
  EXPECT_THAT(info, IsVerbatim(HasSubstr("keyspace_misses:0\r\n")));
  EXPECT_THAT(info, IsVerbatim(HasSubstr("total_error_replies:0\r\n")));
  EXPECT_THAT(info, IsVerbatim(::testing::Not(HasSubstr("cmdstat_get:"))));
  EXPECT_THAT(info, IsVerbatim(::testing::Not(HasSubstr("errorstat_"))));
}

TEST_P(ConfigTest, HelpAndWrongWords) {
  EXPECT_THAT(Run({"CONFIG", "HELP"})[0],
              IsStatus("CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  EXPECT_THAT(Run({"CONFIG", "NOSUCH"}), IsError("ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP."));
  EXPECT_THAT(Run({"CONFIG"}), IsError("ERR wrong number of arguments for 'config' command"));
}

// A file of its own for each way.
class ConfigFileTest : public CommandTest {
 protected:
  ConfigFileTest() : CommandTest([](Options& options) {
    const std::string path = Path();
    std::ofstream(path) << "# our cache\nhz 20\n";
    options.config_file = path;
    options.hz = 20;
  }) {}
  ~ConfigFileTest() override { std::remove(Path().c_str()); }
  static std::string Path() { return ::testing::TempDir() + "/config_test_" + NameOf(GetParam()) + ".conf"; }
};
LARDER_COMMAND_TEST(ConfigFileTest);

TEST_P(ConfigFileTest, RewriteKeepsWhatItDoesNotChange) {
  EXPECT_THAT(Run({"CONFIG", "SET", "hz", "50", "maxmemory", "2mb"}), IsOk());
  EXPECT_THAT(Run({"CONFIG", "REWRITE"}), IsOk());
  std::ifstream file(Path());
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr("# our cache\n"));
  EXPECT_THAT(text, HasSubstr("hz 50\n"));
  EXPECT_THAT(text, HasSubstr("maxmemory 2mb\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("hz 20")));
}

}  // namespace
}  // namespace larder::testing
