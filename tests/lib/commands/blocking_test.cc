// Commands that wait: BLPOP and its like, XREAD BLOCK, WAIT; CLIENT UNBLOCK. What is done to those who wait is shown in
// the order in which a real server does it.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BlockingTest : public CommandTest {
 protected:
  // A client, and what it is waiting for. A direct one waits on a thread of its own, as it does in a program.
  class Waiting {
   public:
    Waiting(BlockingTest& test, std::vector<std::string> argv) : Waiting(test, test.Connect(), std::move(argv)) {}
    Waiting(BlockingTest& test, std::unique_ptr<TestClient> client, std::vector<std::string> argv)
        : test_(test), client_(std::move(client)), argv_(std::move(argv)) {
      id_ = client_->Run({"CLIENT", "ID"}).integer();
      const int64_t before = test.Blocked();
      if (test.via() == Via::kDirect) {
        thread_ = std::thread([this] {
          auto reply = client_->session().Execute(argv_);
          status_ = reply.status();
          if (reply.ok()) reply_ = *std::move(reply);
        });
      } else {
        const std::vector<std::string_view> views(argv_.begin(), argv_.end());
        EXPECT_TRUE(client_->connection().Feed(EncodeRequest(views)).ok());
      }
      while (test.Blocked() != before + 1) std::this_thread::yield();
    }
    ~Waiting() {
      if (thread_.joinable()) {
        test_.Run({"CLIENT", "UNBLOCK", std::to_string(id_)});
        thread_.join();
      }
    }

    // Its reply. REQUIRES: the wait is over, or its time is.
    Reply Get() {
      if (thread_.joinable()) {
        thread_.join();
        EXPECT_TRUE(status_.ok()) << status_;
        return std::move(reply_);
      }
      const std::string output = client_->Take();
      EXPECT_NE(output, "");
      auto reply = Reply::FromResp(output);
      EXPECT_TRUE(reply.ok()) << reply.status() << " in: " << output;
      return reply.ok() ? *std::move(reply) : Reply();
    }
    absl::Status GetStatus() {
      thread_.join();
      return status_;
    }
    std::string id() const { return std::to_string(id_); }
    TestClient& client() { return *client_; }
    std::unique_ptr<TestClient> TakeClient() { return std::move(client_); }

   private:
    BlockingTest& test_;
    std::unique_ptr<TestClient> client_;
    const std::vector<std::string> argv_;
    int64_t id_ = 0;
    std::thread thread_;
    absl::Status status_;
    Reply reply_;
  };

  int64_t InfoField(std::string_view name) {
    const std::string info = Run({"INFO", "clients"}).AsString();
    const size_t at = info.find(std::string(name) + ":");
    return at == std::string::npos ? -1 : std::stoll(info.substr(at + name.size() + 1));
  }
  int64_t Blocked() { return InfoField("blocked_clients"); }
  // Runs them as one transaction of this client.
  void Exec(const std::vector<std::vector<std::string>>& commands) {
    Run({"MULTI"});
    for (const auto& command : commands) Run(command);
    Run({"EXEC"});
  }
  ReplyMatcher IsPopped(const std::string& key, const std::string& element) {
    return IsArray(ElementsAre(IsBulk(key), IsBulk(element)));
  }
};
LARDER_COMMAND_TEST(BlockingTest);

// ---- Without waiting ------------------------------------------------------------------------------------------------

TEST_P(BlockingTest, WhatIsThereIsPoppedAtOnce) {
  Run({"RPUSH", "l", "1", "2", "3"});
  EXPECT_THAT(Run({"BLPOP", "none", "l", "0"}), IsPopped("l", "1"));
  EXPECT_THAT(Run({"BRPOP", "none", "l", "0"}), IsPopped("l", "3"));
  EXPECT_THAT(Run({"BLMOVE", "l", "m", "LEFT", "RIGHT", "0"}), IsBulk("2"));
  EXPECT_THAT(Run({"BRPOPLPUSH", "m", "l", "0"}), IsBulk("2"));
  EXPECT_THAT(Run({"BLMPOP", "0", "2", "m", "l", "LEFT", "COUNT", "5"}),
              IsArray(ElementsAre(IsBulk("l"), IsArray(ElementsAre(IsBulk("2"))))));
  Run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  EXPECT_THAT(Run({"BZPOPMIN", "none", "z", "0"}), IsArray(ElementsAre(IsBulk("z"), IsBulk("a"), IsDouble(1))));
  EXPECT_THAT(Run({"BZPOPMAX", "z", "0"}), IsArray(ElementsAre(IsBulk("z"), IsBulk("c"), IsDouble(3))));
  EXPECT_THAT(Run({"BZMPOP", "0", "1", "z", "MIN"}),
              IsArray(ElementsAre(IsBulk("z"), IsArray(ElementsAre(IsArray(ElementsAre(IsBulk("b"), IsDouble(2))))))));
  EXPECT_THAT(Run({"EXISTS", "l", "m", "z"}), IsInt(0));
  EXPECT_EQ(Blocked(), 0);
}

TEST_P(BlockingTest, TimeLimitsAreReadAsRedisReadsThem) {
  for (const char* text : {"x", "", " 1", "1 ", "1x", "1e", "nan"}) {
    EXPECT_THAT(Run({"BLPOP", "k", text}), IsError("ERR timeout is not a float or out of range")) << text;
  }
  for (const char* text : {"-1", "-0.1", "inf", "-inf", "1e30", "9223372036854775.9"}) {
    EXPECT_THAT(Run({"BZPOPMIN", "k", text}), IsError("ERR timeout is negative")) << text;
  }
  EXPECT_THAT(Run({"BLMOVE", "k", "d", "UP", "LEFT", "x"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"BLMOVE", "k", "d", "LEFT", "LEFT", "x"}), IsError("ERR timeout is not a float or out of range"));
  EXPECT_THAT(Run({"BRPOPLPUSH", "k", "d", "-1"}), IsError("ERR timeout is negative"));
  EXPECT_THAT(Run({"BLMPOP", "x", "0", "k", "LEFT"}), IsError("ERR numkeys should be greater than 0"));
  EXPECT_THAT(Run({"BLMPOP", "x", "1", "k", "LEFT", "COUNT", "0"}), IsError("ERR count should be greater than 0"));
  EXPECT_THAT(Run({"BLMPOP", "x", "1", "k", "LEFT"}), IsError("ERR timeout is not a float or out of range"));
  EXPECT_THAT(Run({"BZMPOP", "-1", "1", "k", "MIN", "UP"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"BZMPOP", "-1", "1", "k", "MIN"}), IsError("ERR timeout is negative"));
  EXPECT_THAT(Run({"XREAD", "BLOCK", "x", "STREAMS", "k", "$"}),
              IsError("ERR timeout is not an integer or out of range"));
  EXPECT_THAT(Run({"WAIT", "x", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"WAIT", "1", "x"}), IsError("ERR timeout is not an integer or out of range"));
  EXPECT_THAT(Run({"WAIT", "1", "-1"}), IsError("ERR timeout is negative"));
  EXPECT_THAT(Run({"WAIT", "0", "0"}), IsInt(0));
  EXPECT_THAT(Run({"WAIT", "-1", "0"}), IsInt(0));
}

TEST_P(BlockingTest, AnotherTypeIsRefusedAtOnce) {
  Run({"SET", "s", "x"});
  EXPECT_THAT(Run({"BLPOP", "none", "s", "0"}), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"BLMOVE", "s", "d", "LEFT", "LEFT", "0"}), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"BLMPOP", "0", "2", "none", "s", "LEFT"}), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"BZPOPMAX", "s", "0"}), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"BZMPOP", "0", "1", "s", "MIN"}), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"XREAD", "BLOCK", "0", "STREAMS", "s", "0"}), IsError("WRONGTYPE"));
}

TEST_P(BlockingTest, InATransactionNothingWaits) {
  Run({"MULTI"});
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
           {"BLPOP", "k", "0"}, {"BLMOVE", "k", "d", "LEFT", "LEFT", "0"}, {"BRPOPLPUSH", "k", "d", "0"},
           {"BLMPOP", "0", "1", "k", "LEFT"}, {"BZPOPMIN", "k", "0"}, {"BZMPOP", "0", "1", "k", "MIN"},
           {"XREAD", "BLOCK", "0", "STREAMS", "k", "$"}, {"WAIT", "1", "0"}}) {
    Run(argv);
  }
  EXPECT_THAT(Run({"EXEC"}), IsArray(ElementsAre(IsNil(), IsNil(), IsNil(), IsNil(), IsNil(), IsNil(), IsNil(),
                                                 IsInt(0))));
  bool was_nil = false;
  ASSERT_TRUE(cache().Atomically([&](Transaction& transaction) {
    auto reply = transaction.Execute({"BLPOP", "k", "0"});
    was_nil = reply.ok() && reply->is_nil();
  }).ok());
  EXPECT_TRUE(was_nil);
}

// ---- Who is served --------------------------------------------------------------------------------------------------

TEST_P(BlockingTest, ThoseWhoWaitAreServedInTheOrderInWhichTheyCame) {
  Waiting first(*this, {"BLPOP", "k", "0"});
  Waiting second(*this, {"BRPOP", "k", "0"});
  Waiting third(*this, {"BLMOVE", "k", "k2", "LEFT", "LEFT", "0"});
  Waiting fourth(*this, {"BLPOP", "k2", "0"});
  EXPECT_EQ(Blocked(), 4);
  EXPECT_THAT(Run({"RPUSH", "k", "1", "2", "3", "4", "5"}), IsInt(5));
  EXPECT_EQ(Blocked(), 0);
  EXPECT_THAT(first.Get(), IsPopped("k", "1"));
  EXPECT_THAT(second.Get(), IsPopped("k", "5"));
  EXPECT_THAT(third.Get(), IsBulk("2"));
  EXPECT_THAT(fourth.Get(), IsPopped("k2", "2"));
  EXPECT_THAT(Run({"LRANGE", "k", "0", "-1"}), IsArray(ElementsAre(IsBulk("3"), IsBulk("4"))));
}

TEST_P(BlockingTest, AKeyThatWasReadyFirstServesFirst) {
  Waiting waiting(*this, {"BLPOP", "k1", "k2", "0"});
  Exec({{"RPUSH", "k2", "b"}, {"RPUSH", "k1", "a"}});
  EXPECT_THAT(waiting.Get(), IsPopped("k2", "b"));
  Waiting again(*this, {"BLPOP", "k3", "k4", "0"});
  Exec({{"SET", "k4", "x"}, {"RPUSH", "k3", "b"}, {"DEL", "k4"}, {"RPUSH", "k4", "1"}});
  EXPECT_THAT(again.Get(), IsPopped("k3", "b"));
}

TEST_P(BlockingTest, NobodyIsServedBeforeTheTransactionIsOver) {
  Waiting waiting(*this, {"BLPOP", "k", "0"});
  Exec({{"RPUSH", "k", "1"}, {"DEL", "k"}});
  EXPECT_EQ(Blocked(), 1);
  Exec({{"RPUSH", "k", "1"}, {"LPUSH", "k", "0"}});
  EXPECT_THAT(waiting.Get(), IsPopped("k", "0"));
}

TEST_P(BlockingTest, AChainOfMovesIsServedWithinOneCommand) {
  Waiting first(*this, {"BLMOVE", "s1", "s2", "LEFT", "RIGHT", "0"});
  Waiting second(*this, {"BLMOVE", "s2", "s3", "LEFT", "RIGHT", "0"});
  Waiting third(*this, {"BLPOP", "s3", "0"});
  Run({"RPUSH", "s1", "v"});
  EXPECT_THAT(first.Get(), IsBulk("v"));
  EXPECT_THAT(second.Get(), IsBulk("v"));
  EXPECT_THAT(third.Get(), IsPopped("s3", "v"));
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
}

TEST_P(BlockingTest, AListThatIsMovedToItselfServesAll) {
  Waiting first(*this, {"BLMOVE", "r", "r", "LEFT", "RIGHT", "0"});
  Waiting second(*this, {"BLMOVE", "r", "r", "LEFT", "RIGHT", "0"});
  Run({"RPUSH", "r", "1", "2", "3"});
  EXPECT_THAT(first.Get(), IsBulk("1"));
  EXPECT_THAT(second.Get(), IsBulk("2"));
}

TEST_P(BlockingTest, AKeyGivenTwiceCountsOnce) {
  Waiting waiting(*this, {"BLPOP", "k", "k", "k", "0"});
  Run({"RPUSH", "k", "1", "2"});
  EXPECT_THAT(waiting.Get(), IsPopped("k", "1"));
  EXPECT_THAT(Run({"LLEN", "k"}), IsInt(1));
}

TEST_P(BlockingTest, AnotherTypeLeavesItWaiting) {
  Waiting waiting(*this, {"BLPOP", "k", "0"});
  Run({"ZADD", "k", "1", "m"});
  EXPECT_EQ(Blocked(), 1);
  EXPECT_THAT(Run({"BZPOPMIN", "k", "0"}), IsArray(ElementsAre(IsBulk("k"), IsBulk("m"), IsDouble(1))));
  Run({"RPUSH", "k", "e"});
  EXPECT_THAT(waiting.Get(), IsPopped("k", "e"));
}

TEST_P(BlockingTest, ADestinationOfAnotherTypeIsAnError) {
  Waiting waiting(*this, {"BLMOVE", "s", "d", "LEFT", "RIGHT", "0"});
  Run({"SET", "d", "x"});
  Run({"RPUSH", "s", "1", "2"});
  EXPECT_THAT(waiting.Get(), IsError("WRONGTYPE"));
  EXPECT_THAT(Run({"LLEN", "s"}), IsInt(2));
}

TEST_P(BlockingTest, KeysThatComeByOtherWaysWakeToo) {
  Run({"RPUSH", "src", "1", "2"});
  struct Way {
    std::vector<std::vector<std::string>> commands;
    std::string element;
  };
  const std::vector<Way> ways = {
      {{{"COPY", "src", "k"}}, "1"},
      {{{"SORT", "src", "DESC", "STORE", "k"}}, "2"},
      {{{"COPY", "src", "other"}, {"RENAME", "other", "k"}}, "1"},
      {{{"SET", "k", "x"}, {"COPY", "src", "k", "REPLACE"}}, "1"},
      {{{"COPY", "src", "other"}, {"SET", "k", "x"}, {"RENAME", "other", "k"}}, "1"},
      {{{"COPY", "src", "k", "DB", "1"}, {"SELECT", "1"}, {"MOVE", "k", "0"}, {"SELECT", "0"}}, "1"},
      {{{"COPY", "src", "k", "DB", "1"}, {"SWAPDB", "0", "1"}, {"SWAPDB", "0", "1"}, {"FLUSHDB"},
        {"RPUSH", "src", "1", "2"}}, "1"},
  };
  for (const Way& way : ways) {
    Waiting waiting(*this, {"BLPOP", "k", "0"});
    for (const auto& command : way.commands) Run(command);
    EXPECT_THAT(waiting.Get(), IsPopped("k", way.element)) << way.commands[0][0];
    Run({"DEL", "k"});
  }
}

TEST_P(BlockingTest, AValueStoredOverAnotherWakesNobody) {
  Waiting waiting(*this, {"BLPOP", "k", "0"});
  Run({"RPUSH", "src", "1"});
  Run({"SET", "k", "x"});
  Run({"SORT", "src", "STORE", "k"});
  EXPECT_EQ(Blocked(), 1);
}

TEST_P(BlockingTest, SortedSetsServeByTheirOrder) {
  Waiting first(*this, {"BZPOPMAX", "z", "0"});
  Waiting second(*this, {"BZPOPMIN", "z", "0"});
  Waiting third(*this, {"BZMPOP", "0", "1", "z", "MAX", "COUNT", "2"});
  Run({"ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d", "5", "e"});
  EXPECT_THAT(first.Get(), IsArray(ElementsAre(IsBulk("z"), IsBulk("e"), IsDouble(5))));
  EXPECT_THAT(second.Get(), IsArray(ElementsAre(IsBulk("z"), IsBulk("a"), IsDouble(1))));
  EXPECT_THAT(third.Get(),
              IsArray(ElementsAre(IsBulk("z"), IsArray(ElementsAre(IsArray(ElementsAre(IsBulk("d"), IsDouble(4))),
                                                                   IsArray(ElementsAre(IsBulk("c"), IsDouble(3))))))));
  EXPECT_THAT(Run({"ZCARD", "z"}), IsInt(1));
}

TEST_P(BlockingTest, TypedCallsAndAtomicallyServeToo) {
  Waiting first(*this, {"BLPOP", "k", "0"});
  ASSERT_TRUE(cache().Execute({"RPUSH", "k", "1"}).ok());
  EXPECT_THAT(first.Get(), IsPopped("k", "1"));
  Waiting second(*this, {"BLPOP", "k", "0"});
  int64_t length = 0;
  ASSERT_TRUE(cache().Atomically([&](Transaction& transaction) {
    (void)transaction.Execute({"RPUSH", "k", "1"});
    (void)transaction.Execute({"LPUSH", "k", "0"});
    length = transaction.Execute({"LLEN", "k"})->integer();
  }).ok());
  EXPECT_EQ(length, 2);
  EXPECT_THAT(second.Get(), IsPopped("k", "0"));
}

// ---- Streams --------------------------------------------------------------------------------------------------------

TEST_P(BlockingTest, ReadersOfAStreamAllGetTheNewEntry) {
  Run({"XADD", "s", "1-1", "f", "v"});
  Waiting first(*this, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  Waiting second(*this, {"XREAD", "COUNT", "1", "BLOCK", "0", "STREAMS", "other", "s", "$", "$"});
  Run({"XADD", "s", "1-2", "f", "w"});
  const auto entries = IsMap(ElementsAre(::testing::Pair(
      IsBulk("s"), IsArray(ElementsAre(
                       IsArray(ElementsAre(IsBulk("1-2"), IsArray(ElementsAre(IsBulk("f"), IsBulk("w"))))))))));
  if (protocol() == 3) {
    EXPECT_THAT(first.Get(), entries);
    EXPECT_THAT(second.Get(), entries);
  } else {
    EXPECT_THAT(first.Get().DebugString(), HasSubstr("1-2"));
    EXPECT_THAT(second.Get().DebugString(), HasSubstr("1-2"));
  }
}

TEST_P(BlockingTest, AnEntryThatIsGoneAgainIsAnswered) {
  Waiting waiting(*this, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  Exec({{"XADD", "s", "1-1", "f", "v"}, {"XDEL", "s", "1-1"}});
  EXPECT_EQ(Blocked(), 0);
  const Reply reply = waiting.Get();
  EXPECT_FALSE(reply.is_nil());
}

TEST_P(BlockingTest, OneOfAGroupGetsTheEntry) {
  Run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  Waiting first(*this, {"XREADGROUP", "GROUP", "g", "c1", "BLOCK", "0", "STREAMS", "s", ">"});
  Waiting second(*this, {"XREADGROUP", "GROUP", "g", "c2", "BLOCK", "0", "STREAMS", "s", ">"});
  Run({"XADD", "s", "1-1", "f", "v"});
  EXPECT_EQ(Blocked(), 1);
  EXPECT_THAT(first.Get().DebugString(), HasSubstr("1-1"));
  Run({"XADD", "s", "1-2", "f", "v"});
  EXPECT_THAT(second.Get().DebugString(), HasSubstr("1-2"));
  EXPECT_THAT(Run({"XPENDING", "s", "g"})[0], IsInt(2));
}

TEST_P(BlockingTest, AGroupsReadersHearOfItsEnd) {
  const std::vector<std::vector<std::string>> ends = {{"DEL", "s"},         {"SET", "s", "x"},  {"FLUSHALL"},
                                                      {"RENAME", "s", "t"}, {"SWAPDB", "0", "1"}};
  for (const auto& end : ends) {
    Run({"FLUSHALL"});
    Run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
    Waiting waiting(*this, {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
    Run(end);
    EXPECT_THAT(waiting.Get(), IsError("UNBLOCKED the stream key no longer exists")) << end[0];
  }
  Run({"FLUSHALL"});
  Run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  Waiting waiting(*this, {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
  Run({"XGROUP", "DESTROY", "s", "g"});
  EXPECT_THAT(waiting.Get(), IsError("NOGROUP the consumer group this client was blocked on no longer exists"));
}

TEST_P(BlockingTest, AReaderOfEntriesThatAreDeletedAgainIsMadeAConsumer) {
  Run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  Waiting waiting(*this, {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
  Exec({{"XADD", "s", "1-1", "f", "v"}, {"XDEL", "s", "1-1"}});
  EXPECT_THAT(waiting.Get().DebugString(), ::testing::Not(HasSubstr("1-1")));
  EXPECT_THAT(Run({"XINFO", "CONSUMERS", "s", "g"}).DebugString(), HasSubstr("\"c\""));
}

TEST_P(BlockingTest, AGroupThatIsMadeAgainInOneTransactionIsTheSame) {
  Run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  Waiting waiting(*this, {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
  Exec({{"DEL", "s"}, {"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"}});
  EXPECT_EQ(Blocked(), 1);
  Run({"XADD", "s", "1-1", "f", "v"});
  EXPECT_THAT(waiting.Get().DebugString(), HasSubstr("1-1"));
}

// ---- The end of a wait ----------------------------------------------------------------------------------------------

TEST_P(BlockingTest, ATimeThatIsOverIsNil) {
  Waiting pop(*this, {"BLPOP", "k", "0.05"});
  Waiting move(*this, {"BLMOVE", "k", "d", "LEFT", "LEFT", "0.05"});
  Waiting zset(*this, {"BZMPOP", "0.05", "1", "k", "MIN"});
  Waiting stream(*this, {"XREAD", "BLOCK", "50", "STREAMS", "k", "$"});
  Waiting count(*this, {"WAIT", "1", "50"});
  Waiting forever(*this, {"BLPOP", "k", "0"});
  EXPECT_EQ(InfoField("clients_in_timeout_table"), 5);
  Advance(absl::Milliseconds(49));
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(Blocked(), 6);
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(pop.Get(), IsNil());
  EXPECT_THAT(move.Get(), IsNil());
  EXPECT_THAT(zset.Get(), IsNil());
  EXPECT_THAT(stream.Get(), IsNil());
  EXPECT_THAT(count.Get(), IsInt(0));
  EXPECT_EQ(Blocked(), 1);
  EXPECT_EQ(InfoField("clients_in_timeout_table"), 0);
}

TEST_P(BlockingTest, WhoseTimeIsOverGetsNothingMore) {
  Waiting late(*this, {"BLPOP", "k", "1"});
  Waiting next(*this, {"BLPOP", "k", "0"});
  Advance(absl::Seconds(1));
  Run({"RPUSH", "k", "v"});
  EXPECT_THAT(late.Get(), IsNil());
  EXPECT_THAT(next.Get(), IsPopped("k", "v"));
}

TEST_P(BlockingTest, UnblockEndsAWait) {
  Waiting first(*this, {"BLPOP", "k", "0"});
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", first.id()}), IsInt(1));
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", first.id()}), IsInt(0));
  EXPECT_THAT(first.Get(), IsNil());
  Waiting second(*this, {"BLMOVE", "k", "d", "LEFT", "LEFT", "0"});
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", second.id(), "error"}), IsInt(1));
  EXPECT_THAT(second.Get(), IsError("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
  Waiting third(*this, {"WAIT", "1", "0"});
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", third.id(), "TIMEOUT"}), IsInt(1));
  EXPECT_THAT(third.Get(), IsInt(0));
  EXPECT_THAT(Run({"INFO", "errorstats"}).AsString(), HasSubstr("errorstat_UNBLOCKED:count=1\r\n"));
  // The waits have failed, in any case; so has an UNBLOCK itself that gives another client an error.
  const std::string stats = Run({"INFO", "commandstats"}).AsString();
  for (const char* name : {"blpop", "blmove", "wait", "client.unblock"}) {
    EXPECT_THAT(stats, ContainsRegex(std::string("cmdstat_") + name + ":calls=[^\n]*,failed_calls=1\r"));
  }
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", "123456"}), IsInt(0));
}

TEST_P(BlockingTest, ClientListShowsWhoWaits) {
  Waiting waiting(*this, {"BLPOP", "k", "0"});
  const std::string line = Run({"CLIENT", "LIST", "ID", waiting.id()}).AsString();
  EXPECT_THAT(line, HasSubstr(" flags=b "));
  EXPECT_THAT(line, HasSubstr(" cmd=blpop "));
}

TEST_P(BlockingTest, AKilledClientGetsNothing) {
  Waiting killed(*this, {"BLPOP", "k", "0"});
  Waiting next(*this, {"BLPOP", "k", "0"});
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", killed.id()}), IsInt(1));
  EXPECT_EQ(Blocked(), 1);
  Run({"RPUSH", "k", "v"});
  EXPECT_THAT(next.Get(), IsPopped("k", "v"));
  if (via() == Via::kDirect) {
    EXPECT_EQ(killed.GetStatus().code(), absl::StatusCode::kFailedPrecondition);
  } else {
    EXPECT_TRUE(killed.client().closed());
    EXPECT_EQ(killed.client().Take(), "");
  }
}

TEST_P(BlockingTest, AClientThatHasGoneGetsNothing) {
  if (via() == Via::kDirect) return;  // its thread is in the call
  Waiting gone(*this, {"BLPOP", "k", "0"});
  Waiting next(*this, {"BLPOP", "k", "0"});
  gone.TakeClient().reset();
  EXPECT_EQ(Blocked(), 1);
  Run({"RPUSH", "k", "v"});
  EXPECT_THAT(next.Get(), IsPopped("k", "v"));
}

TEST_P(BlockingTest, WhatIsSentBehindACommandThatWaitsRunsAfterIt) {
  if (via() == Via::kDirect) return;
  const auto other = Connect();
  EXPECT_EQ(other->Send("*3\r\n$5\r\nBLPOP\r\n$1\r\nk\r\n$1\r\n0\r\n*2\r\n$3\r\nGET\r\n$1\r\nx\r\nPING\r\n"), "");
  EXPECT_EQ(other->Send("ECHO hello\r\n"), "");
  Run({"SET", "x", "1"});
  Run({"RPUSH", "k", "v"});
  Run({"SET", "x", "2"});
  EXPECT_EQ(other->Take(), "*2\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\n2\r\n+PONG\r\n$5\r\nhello\r\n");
}

TEST_P(BlockingTest, ACommandThatWaitsMayStandInMidBatch) {
  if (via() == Via::kDirect) return;
  const auto other = Connect();
  EXPECT_EQ(other->Send("PING\r\nBLPOP k 0\r\nPING\r\n"), "+PONG\r\n");
  EXPECT_EQ(client().Send("RPUSH k v\r\nLLEN k\r\n"), ":1\r\n:0\r\n");
  EXPECT_EQ(other->Take(), "*2\r\n$1\r\nk\r\n$1\r\nv\r\n+PONG\r\n");
}

TEST_P(BlockingTest, ReplySkipHoldsForAReplyThatComesLater) {
  if (via() == Via::kDirect) return;
  const auto other = Connect();
  EXPECT_EQ(other->Send("CLIENT REPLY SKIP\r\nBLPOP k 0\r\nPING\r\n"), "");
  Run({"RPUSH", "k", "v"});
  EXPECT_EQ(other->Take(), "+PONG\r\n");
}

TEST_P(BlockingTest, EventsComeInRedissOrder) {
  if (via() == Via::kDirect) return;
  Run({"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  TestClient listener(cache(), Via::kResp2);
  listener.Send("PSUBSCRIBE __keyevent@0__:*\r\n");
  Waiting first(*this, {"BLMOVE", "s1", "s2", "LEFT", "RIGHT", "0"});
  Waiting second(*this, {"BLPOP", "s2", "0"});
  Run({"RPUSH", "s1", "v"});
  std::string events;
  const std::string got = listener.Take();
  for (size_t at = got.find("__:"); at != std::string::npos; at = got.find("__:", at + 1)) {
    const std::string event = got.substr(at + 3, got.find('\r', at) - at - 3);
    if (event != "*") events += event + ' ';
  }
  EXPECT_EQ(events, "rpush rpush lpop del lpop del ");
  EXPECT_THAT(first.Get(), IsBulk("v"));
  EXPECT_THAT(second.Get(), IsPopped("s2", "v"));
}

TEST_P(BlockingTest, WaitersLeaveNothingBehind) {
  Run({"RPUSH", "k", "1"});
  Run({"DEL", "k"});
  { Waiting warm(*this, {"BLPOP", "k", "1"}); Run({"RPUSH", "k", "1"}); (void)warm.Get(); }
  const auto used = [&] { return cache().Stats()->used_memory; };
  const auto before = used();
  for (int i = 0; i < 20; ++i) {
    Waiting waiting(*this, {"BLPOP", "k", "k2", std::string(300, 'k'), "1"});
    Run({"RPUSH", "k", "1"});
    EXPECT_THAT(waiting.Get(), IsPopped("k", "1"));
  }
  EXPECT_EQ(used(), before);
}

}  // namespace
}  // namespace larder::testing
