// EXPIRE and its relatives, TTL and its relatives, PERSIST.
#include <string>

#include "absl/time/time.h"
#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";

class ExpireTest : public CommandTest {};
LARDER_COMMAND_TEST(ExpireTest);

TEST_P(ExpireTest, TheKeyEndsWhenItsTimeHasCome) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"EXPIRE", "k", "2"}), IsInt(1));
  Advance(absl::Milliseconds(1999));
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("v"));
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(Run({"GET", "k"}), IsNil());
}

TEST_P(ExpireTest, EachFormCountsInItsOwnUnitFromItsOwnStart) {
  const int64_t now = now_ms();
  Run({"SET", "k", "v"});
  Run({"EXPIRE", "k", "100"});
  EXPECT_THAT(Run({"PTTL", "k"}), IsInt(100'000));
  Run({"PEXPIRE", "k", "1500"});
  EXPECT_THAT(Run({"PEXPIRETIME", "k"}), IsInt(now + 1500));
  Run({"EXPIREAT", "k", std::to_string(now / 1000 + 50)});
  EXPECT_THAT(Run({"EXPIRETIME", "k"}), IsInt(now / 1000 + 50));
  Run({"PEXPIREAT", "k", std::to_string(now + 5)});
  EXPECT_THAT(Run({"PTTL", "k"}), IsInt(5));
}

TEST_P(ExpireTest, AMissingKeyGetsNone) {
  EXPECT_THAT(Run({"EXPIRE", "k", "100"}), IsInt(0));
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(-2));
}

TEST_P(ExpireTest, ATimeThatHasComeDeletes) {
  for (const char* command : {"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"}) {
    for (const char* when : {"0", "-1"}) {
      Run({"SET", "k", "v"});
      EXPECT_THAT(Run({command, "k", when}), IsInt(1)) << command << when;
      EXPECT_THAT(Run({"EXISTS", "k"}), IsInt(0)) << command << when;
    }
  }
}

TEST_P(ExpireTest, ConditionsHold) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"EXPIRE", "k", "100", "GT"}), IsInt(0));
  EXPECT_THAT(Run({"EXPIRE", "k", "100", "XX"}), IsInt(0));
  EXPECT_THAT(Run({"EXPIRE", "k", "100", "LT"}), IsInt(1));
  EXPECT_THAT(Run({"EXPIRE", "k", "100", "LT"}), IsInt(0));
  EXPECT_THAT(Run({"EXPIRE", "k", "100", "NX"}), IsInt(0));
  EXPECT_THAT(Run({"EXPIRE", "k", "101", "XX", "gt"}), IsInt(1));
  EXPECT_THAT(Run({"EXPIRE", "k", "-1", "GT"}), IsInt(0));
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(101));
}

TEST_P(ExpireTest, ConditionsThatExcludeEachOtherAreRefused) {
  const std::string_view kWithNx = "ERR NX and XX, GT or LT options at the same time are not compatible";
  EXPECT_THAT(Run({"EXPIRE", "k", "1", "NX", "XX"}), IsError(kWithNx));
  EXPECT_THAT(Run({"EXPIRE", "k", "1", "LT", "NX"}), IsError(kWithNx));
  EXPECT_THAT(Run({"EXPIRE", "k", "1", "GT", "LT"}),
              IsError("ERR GT and LT options at the same time are not compatible"));
  EXPECT_THAT(Run({"EXPIRE", "k", "1", "NX", "NX"}), IsInt(0));
}

TEST_P(ExpireTest, OptionsAreReadBeforeTheTime) {
  EXPECT_THAT(Run({"EXPIRE", "k", "x"}), IsError(kNotInteger));
  EXPECT_THAT(Run({"EXPIRE", "k", "x", "FOO"}), IsError("ERR Unsupported option FOO"));
  EXPECT_THAT(Run({"EXPIRE", "k", "x", "NX", "XX"}), IsError("ERR NX and XX"));
  EXPECT_THAT(Run({"EXPIRE", "k", "1", "a\r\nb"}), IsError("ERR Unsupported option a  b"));
}

TEST_P(ExpireTest, TimesThatDoNotFitAreRefused) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"EXPIRE", "k", "9223372036854775807"}), IsError("ERR invalid expire time in 'expire' command"));
  EXPECT_THAT(Run({"EXPIRE", "k", "9223372036854775"}), IsError("ERR invalid expire time in 'expire' command"));
  EXPECT_THAT(Run({"EXPIRE", "k", "-9223372036854775808"}), IsError("ERR invalid expire time in 'expire' command"));
  EXPECT_THAT(Run({"PEXPIRE", "k", "9223372036854775807"}), IsError("ERR invalid expire time in 'pexpire' command"));
  EXPECT_THAT(Run({"EXPIREAT", "k", "9223372036854775807"}), IsError("ERR invalid expire time in 'expireat' command"));
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(-1));
}

TEST_P(ExpireTest, TheLastMomentThereIsFits) {
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"PEXPIREAT", "k", "9223372036854775807"}), IsInt(1));
  EXPECT_THAT(Run({"PEXPIRETIME", "k"}), IsInt(9223372036854775807));
  EXPECT_THAT(Run({"EXPIRETIME", "k"}), IsInt(9223372036854776));  // rounded, though the sum does not fit a signed one
}

class TtlTest : public CommandTest {};
LARDER_COMMAND_TEST(TtlTest);

TEST_P(TtlTest, RoundsToTheNearestSecond) {
  Run({"SET", "k", "v", "PX", "1500"});
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(2));
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(1));
  Advance(absl::Milliseconds(1000));
  EXPECT_THAT(Run({"TTL", "k"}), IsInt(0));
  EXPECT_THAT(Run({"PTTL", "k"}), IsInt(499));
}

TEST_P(TtlTest, TellsNoKeyFromNoExpiry) {
  Run({"SET", "k", "v"});
  for (const char* command : {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}) {
    EXPECT_THAT(Run({command, "k"}), IsInt(-1)) << command;
    EXPECT_THAT(Run({command, "missing"}), IsInt(-2)) << command;
  }
}

class PersistTest : public CommandTest {};
LARDER_COMMAND_TEST(PersistTest);

TEST_P(PersistTest, TakesAnExpiryAwayOnce) {
  Run({"SET", "k", "v", "PX", "100"});
  EXPECT_THAT(Run({"PERSIST", "k"}), IsInt(1));
  EXPECT_THAT(Run({"PERSIST", "k"}), IsInt(0));
  EXPECT_THAT(Run({"PERSIST", "missing"}), IsInt(0));
  Advance(absl::Milliseconds(100));
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("v"));
}

}  // namespace
}  // namespace larder::testing
