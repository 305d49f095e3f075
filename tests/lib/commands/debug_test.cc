// DEBUG, and who may use it. Texts and lengths are what redis-server 7.0.15 replied when asked.
#include <string>
#include <thread>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kNotAllowed[] =
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
    "local connection, otherwise you need to set this option in the configuration file, and then restart the server.";

class NoDebugTest : public CommandTest {};
LARDER_COMMAND_TEST(NoDebugTest);

TEST_P(NoDebugTest, DebugNeedsPermission) {
  EXPECT_THAT(Run({"DEBUG", "SLEEP", "0"}), IsError(kNotAllowed));
  EXPECT_THAT(Run({"DEBUG", "NOSUCH"}), IsError(kNotAllowed));
  EXPECT_THAT(Run({"DEBUG"}), IsError("ERR wrong number of arguments for 'debug' command"));
  EXPECT_THAT(Run({"CONFIG", "SET", "enable-debug-command", "yes"}),
              IsError("ERR CONFIG SET failed (possibly related to argument 'enable-debug-command')"));
}

TEST_P(NoDebugTest, ARefusedDebugBreaksATransaction) {
  Run({"MULTI"});
  EXPECT_THAT(Run({"DEBUG", "SLEEP", "0"}), IsError(kNotAllowed));
  EXPECT_THAT(Run({"EXEC"}), IsError("EXECABORT Transaction discarded because of previous errors."));
}

class LocalDebugTest : public CommandTest {
 protected:
  LocalDebugTest() : CommandTest([](Options& options) { options.enable_debug_command = ProtectedAction::kLocal; }) {}
};
LARDER_COMMAND_TEST(LocalDebugTest);

TEST_P(LocalDebugTest, ClientsInTheProcessAreLocal) { EXPECT_THAT(Run({"DEBUG", "SLEEP", "0"}), IsOk()); }

class DebugTest : public CommandTest {
 protected:
  DebugTest() : CommandTest([](Options& options) { options.enable_debug_command = ProtectedAction::kYes; }) {}

  // What DEBUG OBJECT says the value's length in an RDB file is.
  int64_t SerializedLength(std::string_view value) {
    Run({"SET", "k", value});
    const std::string text = Run({"DEBUG", "OBJECT", "k"}).AsString();
    const size_t at = text.find("serializedlength:");
    return at == std::string::npos ? -1 : std::stoll(text.substr(at + 17));
  }
};
LARDER_COMMAND_TEST(DebugTest);

TEST_P(DebugTest, ObjectDescribesAKey) {
  Run({"SET", "k", "v"});
  Advance(absl::Seconds(5));
  EXPECT_THAT(Run({"DEBUG", "OBJECT", "k"}),
              IsStatus(MatchesRegex("Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:2 lru:[0-9]+ "
                                    "lru_seconds_idle:5")));
  Run({"SET", "k", "77"});
  EXPECT_THAT(Run({"DEBUG", "OBJECT", "k"}), IsStatus(HasSubstr(" refcount:2147483647 encoding:int ")));
  EXPECT_THAT(Run({"DEBUG", "OBJECT", "missing"}), IsError("ERR no such key"));
}

TEST_P(DebugTest, SerializedLengthsAreThoseOfRdb) {
  EXPECT_EQ(SerializedLength(""), 1);
  for (const char* number : {"0", "127", "-128"}) EXPECT_EQ(SerializedLength(number), 2) << number;
  for (const char* number : {"128", "-129", "32767", "-32768"}) EXPECT_EQ(SerializedLength(number), 3) << number;
  for (const char* number : {"32768", "40000", "2147483647"}) EXPECT_EQ(SerializedLength(number), 5) << number;
  EXPECT_EQ(SerializedLength("3000000000"), 11);
  EXPECT_EQ(SerializedLength("-12345678901"), 13);
  EXPECT_EQ(SerializedLength("01"), 3);
  for (size_t size : {63, 64, 16383, 16384, 70000}) {
    const auto header = size < 64 ? 1 : size < 16384 ? 2 : 5;
    EXPECT_EQ(SerializedLength(std::string(size, 'a')), static_cast<int64_t>(size) + header);
  }
  Run({"DEL", "z"});
  Run({"APPEND", "z", "1"});
  Run({"APPEND", "z", "2"});
  EXPECT_THAT(Run({"DEBUG", "OBJECT", "z"}), IsStatus(HasSubstr("encoding:raw serializedlength:2 ")));
}

TEST_P(DebugTest, SleepReadsWhatCReads) {
  for (const char* seconds : {"0", "-1", "abc", "", "0x", "-0.5y"}) {
    EXPECT_THAT(Run({"DEBUG", "SLEEP", seconds}), IsOk()) << seconds;
  }
}

TEST_P(DebugTest, SleepLastsUntilTheClockSaysSo) {
  const int64_t before_ms = now_ms();
  std::thread sleeper([&] { EXPECT_THAT(Run({"DEBUG", "SLEEP", "1.5"}), IsOk()); });
  while (clock().waiters() == 0) std::this_thread::yield();
  Advance(absl::Milliseconds(1499));
  EXPECT_EQ(clock().waiters(), 1);
  Advance(absl::Milliseconds(1));
  sleeper.join();
  EXPECT_EQ(now_ms(), before_ms + 1500);
}

TEST_P(DebugTest, SetActiveExpireStopsBackgroundExpiry) {
  auto expired = [&] { return cache().Stats()->expired_keys; };
  Run({"SET", "k", "v", "PX", "10"});
  EXPECT_THAT(Run({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}), IsOk());
  Advance(absl::Seconds(1));
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(expired(), 0u);
  EXPECT_THAT(Run({"DEBUG", "SET-ACTIVE-EXPIRE", "1"}), IsOk());
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(expired(), 1u);
}

TEST_P(DebugTest, RefusesOtherWords) {
  for (auto argv : std::vector<std::vector<std::string>>{{"DEBUG", "JMAP"},
                                                         {"DEBUG", "SLEEP"},
                                                         {"DEBUG", "SLEEP", "0", "1"},
                                                         {"DEBUG", "OBJECT", "k", "fast"},
                                                         {"DEBUG", "HELP", "x"}}) {
    EXPECT_THAT(Run(argv), IsError("ERR unknown subcommand or wrong number of arguments for '" + argv[1] +
                                   "'. Try DEBUG HELP."));
  }
  EXPECT_THAT(Run({"DEBUG", "HELP"})[0],
              IsStatus("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
}

}  // namespace
}  // namespace larder::testing
