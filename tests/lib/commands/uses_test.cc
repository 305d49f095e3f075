// How often commands use the keys that they name, and whose history of use a key has afterwards: OBJECT FREQ, with a
// counter that rises by one a use and never falls. The figures are those of redis-server 7.0.15
// (tests/differential/uses_test.cc asks it about many more sequences).
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

constexpr int64_t kNew = 5;  // of a key that has just been made

class UsesTest : public CommandTest {
 protected:
  UsesTest()
      : CommandTest([](Options& options) {
          options.maxmemory = 100 << 20;
          options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLfu;
          options.lfu_log_factor = 0;
          options.lfu_decay_time = 0;
        }) {
    Run({"SET", "key", "text"});
    for (int i = 0; i < 40; ++i) Run({"GET", "key"});
    Run({"SET", "other", "text"});
    for (int i = 0; i < 10; ++i) Run({"GET", "other"});
  }
  // Beyond those of a new key.
  int64_t Uses(std::string_view key) { return Run({"OBJECT", "FREQ", key}).integer() - kNew; }
};
LARDER_COMMAND_TEST(UsesTest);

TEST_P(UsesTest, AKeyThatIsRenamedOrMovedKeepsItsHistory) {
  EXPECT_EQ(Uses("key"), 40);
  EXPECT_THAT(Run({"RENAME", "key", "b"}), IsOk());
  EXPECT_EQ(Uses("b"), 41);
  EXPECT_THAT(Run({"RENAMENX", "b", "c"}), IsInt(1));
  EXPECT_EQ(Uses("c"), 42);
  EXPECT_THAT(Run({"MOVE", "c", "1"}), IsInt(1));
  Run({"SELECT", "1"});
  EXPECT_EQ(Uses("c"), 43);
}

TEST_P(UsesTest, AKeyThatIsRenamedOntoAnotherKeepsItsOwnHistory) {
  EXPECT_THAT(Run({"RENAME", "key", "other"}), IsOk());
  EXPECT_EQ(Uses("other"), 41);
  Run({"SET", "new", "text"});
  EXPECT_THAT(Run({"RENAME", "new", "other"}), IsOk());
  EXPECT_EQ(Uses("other"), 1);
}

TEST_P(UsesTest, ACopyHasNoHistory) {
  EXPECT_THAT(Run({"COPY", "key", "copy"}), IsInt(1));
  EXPECT_EQ(Uses("copy"), 0);
  EXPECT_THAT(Run({"COPY", "key", "other"}), IsInt(0));
  EXPECT_EQ(Uses("other"), 11);
  EXPECT_THAT(Run({"COPY", "key", "other", "REPLACE"}), IsInt(1));
  EXPECT_EQ(Uses("other"), 0);
  EXPECT_EQ(Uses("key"), 43);
}

TEST_P(UsesTest, GetExIsOneUseWhateverBecomesOfTheExpiry) {
  Run({"GETEX", "key"});
  EXPECT_EQ(Uses("key"), 41);
  Run({"GETEX", "key", "EX", "100"});
  EXPECT_EQ(Uses("key"), 42);
  Run({"GETEX", "key", "PX", "5000"});
  EXPECT_EQ(Uses("key"), 43);
  Run({"GETEX", "key", "PERSIST"});
  EXPECT_EQ(Uses("key"), 44);
}

TEST_P(UsesTest, ToGetAndSetAreTwo) {
  Run({"GETSET", "key", "new"});
  EXPECT_EQ(Uses("key"), 42);
  Run({"SET", "key", "newer", "GET"});
  EXPECT_EQ(Uses("key"), 44);
  Run({"SET", "key", "not set", "NX", "GET"});
  EXPECT_EQ(Uses("key"), 46);
  Run({"SET", "key", "set"});
  EXPECT_EQ(Uses("key"), 47);
  Run({"GETSET", "made", "text"});
  EXPECT_EQ(Uses("made"), 0);
}

}  // namespace
}  // namespace larder::testing
