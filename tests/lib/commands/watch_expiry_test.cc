// WATCH, time and CLIENT PAUSE: what has changed, and what only its time has changed. Each case is what redis-server
// 7.0.15 answered when asked; EXEC of one PING replies an array of one, or nil.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;

class WatchExpiryTest : public CommandTest {
 protected:
  Reply Other(std::initializer_list<std::string_view> argv) { return other_->Run(argv); }
  // A key at `m` that has expired, and that nobody has deleted.
  void MakeStale(std::string_view db = "0") {
    Other({"SELECT", db});
    Other({"SET", "m", "1", "PX", "30"});
    Advance(absl::Milliseconds(31));
  }
  void Watch() { EXPECT_THAT(Run({"WATCH", "m"}), IsOk()); }
  bool ExecRuns() {
    Run({"MULTI"});
    Run({"PING"});
    const Reply reply = Run({"EXEC"});
    return reply.type() == ReplyView::Type::kArray;
  }

  std::unique_ptr<TestClient> other_ = Connect();
};
LARDER_COMMAND_TEST(WatchExpiryTest);

TEST_P(WatchExpiryTest, AStaleKeyIsAMissingOne) {
  MakeStale();
  Watch();
  EXPECT_THAT(Other({"DBSIZE"}), IsInt(1)) << "WATCH deletes nothing";
  EXPECT_TRUE(ExecRuns());
  MakeStale();
  Watch();
  EXPECT_THAT(Other({"GET", "m"}), IsNil());
  EXPECT_THAT(Other({"DBSIZE"}), IsInt(0));
  EXPECT_TRUE(ExecRuns()) << "although somebody has found and deleted it";
  MakeStale();
  Watch();
  EXPECT_THAT(Other({"DEL", "m"}), IsInt(0));
  EXPECT_TRUE(ExecRuns());
  MakeStale();
  Watch();
  Other({"RENAME", "m", "n"});
  Other({"PERSIST", "m"});
  EXPECT_TRUE(ExecRuns());
  MakeStale();
  Watch();
  Other({"FLUSHDB"});
  EXPECT_TRUE(ExecRuns());
}

TEST_P(WatchExpiryTest, ButAValueThatComesIsAChange) {
  MakeStale();
  Watch();
  EXPECT_THAT(Other({"SET", "m", "2"}), IsOk());
  EXPECT_FALSE(ExecRuns());
  MakeStale();
  Watch();
  Other({"GET", "m"});
  EXPECT_THAT(Other({"SET", "m", "2", "PX", "5"}), IsOk());
  Advance(absl::Milliseconds(10));
  EXPECT_FALSE(ExecRuns()) << "even one that has gone again";
}

TEST_P(WatchExpiryTest, OneThatExpiresLaterHasChanged) {
  for (const bool found : {false, true}) {
    Other({"SET", "m", "1", "PX", "30"});
    Watch();
    Advance(absl::Milliseconds(31));
    if (found) Other({"GET", "m"});
    Watch();  // again, which changes nothing
    EXPECT_FALSE(ExecRuns()) << found;
  }
  Other({"SET", "m", "1", "PX", "30"});
  Watch();
  Advance(absl::Milliseconds(31));
  Other({"FLUSHALL"});
  EXPECT_FALSE(ExecRuns());
}

TEST_P(WatchExpiryTest, ExecOnlyLooks) {
  Other({"SET", "m", "1", "PX", "30"});
  Watch();
  Advance(absl::Milliseconds(31));
  EXPECT_FALSE(ExecRuns());
  EXPECT_THAT(Other({"DBSIZE"}), IsInt(1));
}

TEST_P(WatchExpiryTest, ActiveExpiryOfAStaleKeyIsNoChange) {
  MakeStale();
  Watch();
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(Other({"DBSIZE"}), IsInt(0));
  EXPECT_TRUE(ExecRuns());
  Other({"SET", "m", "1", "PX", "30"});
  Watch();
  Advance(absl::Milliseconds(31));
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_FALSE(ExecRuns());
}

TEST_P(WatchExpiryTest, SwapDbComparesWhatCouldBeRead) {
  struct Case {
    const char*
        before;  // what is at m in database 0 when it is watched: missing, stale, live, or live and then expired
    const char* after;   // and in database 1, which takes its place
    bool runs;
  };
  for (const Case& c : std::vector<Case>{{"missing", "missing", true},
                                         {"missing", "stale", true},
                                         {"missing", "live", false},
                                         {"stale", "missing", true},
                                         {"stale", "stale", true},
                                         {"stale", "live", false},
                                         {"live", "missing", false},
                                         {"live", "stale", false},
                                         {"live", "live", false},
                                         {"expires", "missing", false},
                                         {"expires", "live", false}}) {
    Other({"FLUSHALL"});
    const auto make = [&](std::string_view db, std::string_view what) {
      Other({"SELECT", db});
      if (what == "stale") Other({"SET", "m", "1", "PX", "10"});
      if (what == "live") Other({"SET", "m", "1"});
      if (what == "expires") Other({"SET", "m", "1", "PX", "50"});
    };
    make("0", c.before);
    make("1", c.after);
    Advance(absl::Milliseconds(20));
    Watch();
    Advance(absl::Milliseconds(40));
    Other({"SWAPDB", "0", "1"});
    EXPECT_EQ(ExecRuns(), c.runs) << c.before << " -> " << c.after;
  }
}

TEST_P(WatchExpiryTest, AStaleKeyThatASwapBroughtGoesWithoutAChange) {
  MakeStale("1");
  Watch();
  Other({"SWAPDB", "0", "1"});
  EXPECT_THAT(Run({"GET", "m"}), IsNil());
  EXPECT_TRUE(ExecRuns());
}

TEST_P(WatchExpiryTest, ThePauseChangesNoneOfIt) {
  Other({"SET", "m", "1", "PX", "60"});
  Watch();
  EXPECT_TRUE(cache().Execute({"CLIENT", "PAUSE", "10000", "WRITE"}).ok());
  Advance(absl::Milliseconds(61));
  EXPECT_FALSE(ExecRuns());
  Watch();  // stale by now
  EXPECT_THAT(Run({"GET", "m"}), IsNil());
  EXPECT_TRUE(ExecRuns());
  Watch();
  EXPECT_TRUE(cache().Execute({"CLIENT", "UNPAUSE"}).ok());
  EXPECT_THAT(Other({"GET", "m"}), IsNil());
  EXPECT_THAT(Other({"DBSIZE"}), IsInt(0));
  EXPECT_TRUE(ExecRuns());
}

}  // namespace
}  // namespace larder::testing
