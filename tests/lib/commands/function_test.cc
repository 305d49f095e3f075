// FUNCTION without a library, as redis-server 7.0.15 answers it then.
#include <string>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;

class FunctionTest : public CommandTest {};
LARDER_COMMAND_TEST(FunctionTest);

TEST_P(FunctionTest, FlushHasNothingToDelete) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"FUNCTION", "FLUSH"}), IsOk());
  EXPECT_THAT(Run({"FUNCTION", "FLUSH", "ASYNC"}), IsOk());
  EXPECT_THAT(Run({"FUNCTION", "FLUSH", std::string("sync\0x", 6)}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("v"));
}

TEST_P(FunctionTest, FlushTakesOneMode) {
  EXPECT_THAT(Run({"FUNCTION", "FLUSH", "a"}), IsError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
  EXPECT_THAT(Run({"FUNCTION", "FLUSH", "SYNC", "ASYNC"}),
              IsError("ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP."));
}

TEST_P(FunctionTest, ListIsEmpty) {
  EXPECT_THAT(Run({"FUNCTION", "LIST"}), IsArray(ElementsAre()));
  EXPECT_THAT(Run({"FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "a*"}), IsArray(ElementsAre()));
  EXPECT_THAT(Run({"FUNCTION", "LIST", "libraryname", "libraryname", "withcode"}), IsArray(ElementsAre()));
}

TEST_P(FunctionTest, ListTakesEachOptionOnce) {
  EXPECT_THAT(Run({"FUNCTION", "LIST", "fooBar"}), IsError("ERR Unknown argument fooBar"));
  EXPECT_THAT(Run({"FUNCTION", "LIST", "WITHCODE", "WITHCODE"}), IsError("ERR Unknown argument WITHCODE"));
  EXPECT_THAT(Run({"FUNCTION", "LIST", "LIBRARYNAME", "a", "LIBRARYNAME", "b"}),
              IsError("ERR Unknown argument LIBRARYNAME"));
  EXPECT_THAT(Run({"FUNCTION", "LIST", "LIBRARYNAME"}), IsError("ERR library name argument was not given"));
  EXPECT_THAT(Run({"FUNCTION", "LIST", std::string("x\0y", 3)}), IsError("ERR Unknown argument x"));
}

TEST_P(FunctionTest, TheRestIsNotThere) {
  EXPECT_THAT(Run({"FUNCTION", "LOAD", "#!lua name=l"}),
              IsError("ERR unknown subcommand 'LOAD'. Try FUNCTION HELP."));
  const Reply help = Run({"FUNCTION", "HELP"});
  ASSERT_EQ(help.size(), 7u);
  EXPECT_THAT(help[1], IsStatus("FLUSH [ASYNC|SYNC]"));
}

}  // namespace
}  // namespace larder::testing
