// The server family but for CONFIG, INFO and DEBUG. Error texts are what redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;

constexpr char kSyntax[] = "ERR syntax error";

class ServerTest : public CommandTest {};
LARDER_COMMAND_TEST(ServerTest);

TEST_P(ServerTest, DbSizeCountsTheKeysOfTheDatabase) {
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
  Run({"MSET", "a", "1", "b", "2"});
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(2));
  Run({"SELECT", "1"});
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
}

TEST_P(ServerTest, FlushDbEmptiesOneDatabase) {
  Run({"SET", "k", "0"});
  Run({"SELECT", "1"});
  Run({"SET", "k", "1"});
  EXPECT_THAT(Run({"FLUSHDB"}), IsOk());
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
  Run({"SELECT", "0"});
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("0"));
}

TEST_P(ServerTest, FlushAllEmptiesAll) {
  for (const char* db : {"0", "1", "15"}) {
    Run({"SELECT", db});
    Run({"SET", "k", "v", "EX", "100"});
  }
  EXPECT_THAT(Run({"FLUSHALL"}), IsOk());
  for (const char* db : {"0", "1", "15"}) {
    Run({"SELECT", db});
    EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
  }
}

TEST_P(ServerTest, FlushTakesAMode) {
  for (const char* command : {"FLUSHALL", "FLUSHDB"}) {
    for (const char* mode : {"ASYNC", "sync"}) {
      Run({"SET", "k", "v"});
      EXPECT_THAT(Run({command, mode}), IsOk());
      EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
    }
    Run({"SET", "k", "v"});
    EXPECT_THAT(Run({command, "x"}), IsError(kSyntax));
    EXPECT_THAT(Run({command, "SYNC", "ASYNC"}), IsError(kSyntax));
    EXPECT_THAT(Run({"DBSIZE"}), IsInt(1));
  }
}

TEST_P(ServerTest, FlushTouchesWatchedKeysThatWereThere) {
  auto other = Connect();
  for (const char* command : {"FLUSHALL", "FLUSHDB"}) {
    Run({"SET", "there", "v"});
    Run({"WATCH", "there"});
    other->Run({command});
    Run({"MULTI"});
    EXPECT_THAT(Run({"EXEC"}), IsNil());
    Run({"WATCH", "missing"});
    other->Run({command});
    Run({"MULTI"});
    EXPECT_THAT(Run({"EXEC"}), IsArray(ElementsAre()));
  }
}

TEST_P(ServerTest, SwapDbExchangesTwoDatabases) {
  Run({"SET", "k", "from 0"});
  EXPECT_THAT(Run({"SWAPDB", "0", "3"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsNil());
  Run({"SELECT", "3"});
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("from 0"));
  EXPECT_THAT(Run({"SWAPDB", "3", "3"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("from 0"));
}

TEST_P(ServerTest, SwapDbRefuses) {
  EXPECT_THAT(Run({"SWAPDB", "x", "y"}), IsError("ERR invalid first DB index"));
  EXPECT_THAT(Run({"SWAPDB", "99", "y"}), IsError("ERR invalid second DB index"));
  EXPECT_THAT(Run({"SWAPDB", "99999999999", "0"}), IsError("ERR invalid first DB index"));
  EXPECT_THAT(Run({"SWAPDB", "0", "9999999999"}), IsError("ERR invalid second DB index"));
  EXPECT_THAT(Run({"SWAPDB", "0", "16"}), IsError("ERR DB index is out of range"));
  EXPECT_THAT(Run({"SWAPDB", "-1", "0"}), IsError("ERR DB index is out of range"));
}

TEST_P(ServerTest, TimeIsTheCachesClock) {
  Advance(absl::Microseconds(1'234'567));
  const Reply time = Run({"TIME"});
  ASSERT_THAT(time, IsArray(::testing::SizeIs(2)));
  EXPECT_EQ(time[0].integer() * 1000 + time[1].integer() / 1000, now_ms());
  EXPECT_EQ(time[1].integer(), 234'567);
  EXPECT_EQ(time[0].type(), ReplyView::Type::kString);
}

// --- SHUTDOWN --------------------------------------------------------------------------------------------------------

class ShutdownTest : public CommandTest {
 protected:
  ShutdownTest()
      : CommandTest([this](Options& options) {
          options.on_shutdown = [this](const ShutdownRequest& request) {
            asked_.push_back(request);
            return answer_;
          };
        }) {}

  // Callbacks run in Tick, since the fixture's cache has no thread of its own.
  void Deliver() { ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok()); }

  std::vector<ShutdownRequest> asked_;
  absl::Status answer_ = absl::OkStatus();
};
LARDER_COMMAND_TEST(ShutdownTest);

TEST_P(ShutdownTest, AsksTheHost) {
  const Reply reply = Run({"SHUTDOWN", "NOSAVE", "now", "FORCE"});
  EXPECT_FALSE(reply.is_error()) << reply.DebugString();
  Deliver();
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(asked_[0].nosave);
  EXPECT_FALSE(asked_[0].save);
  EXPECT_TRUE(asked_[0].now);
  EXPECT_TRUE(asked_[0].force);
}

TEST_P(ShutdownTest, RefusesContradictions) {
  for (auto argv : std::vector<std::vector<std::string>>{{"SHUTDOWN", "x"},
                                                         {"SHUTDOWN", "SAVE", "NOSAVE"},
                                                         {"SHUTDOWN", "ABORT", "NOW"},
                                                         {"SHUTDOWN", "NOSAVE", "ABORT"},
                                                         {"SHUTDOWN", "FORCE", "ABORT"}}) {
    EXPECT_THAT(Run(argv), IsError(kSyntax));
  }
  EXPECT_THAT(Run({"SHUTDOWN", "ABORT"}), IsError("ERR No shutdown in progress."));
  EXPECT_THAT(Run({"SHUTDOWN", "ABORT", "ABORT"}), IsError("ERR No shutdown in progress."));
  Run({"MULTI"});
  EXPECT_THAT(Run({"SHUTDOWN"}), IsError("ERR Command not allowed inside a transaction"));
  Deliver();
  EXPECT_TRUE(asked_.empty());
}

TEST_P(ShutdownTest, TheHostsRefusalIsTheAnswer) {
  answer_ = absl::FailedPreconditionError("not today");
  EXPECT_THAT(Run({"SHUTDOWN"}), IsError("ERR not today"));
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
}

TEST_P(ServerTest, ShutdownIsRefusedWhenNobodyListens) {
  EXPECT_TRUE(Run({"SHUTDOWN"}).is_error());
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
}

}  // namespace
}  // namespace larder::testing
