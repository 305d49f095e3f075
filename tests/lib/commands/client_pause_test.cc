// CLIENT PAUSE, UNPAUSE, UNBLOCK, and what is said of tracking while there is none. Error texts and odd cases are what
// redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ClientPauseTest : public CommandTest {
 protected:
  // A client that a pause holds: a RESP connection, whatever this case's own client is.
  std::unique_ptr<TestClient> Held() {
    return std::make_unique<TestClient>(cache(), via() == Via::kDirect ? Via::kResp3 : via());
  }
  // By a client that nothing holds.
  Reply Direct(std::initializer_list<std::string_view> argv) {
    auto reply = cache().Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : Reply();
  }
};
LARDER_COMMAND_TEST(ClientPauseTest);

TEST_P(ClientPauseTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(Run({"CLIENT", "PAUSE"}), IsError("ERR wrong number of arguments for 'client|pause' command"));
  EXPECT_THAT(Run({"CLIENT", "PAUSE", "x"}), IsError("ERR timeout is not an integer or out of range"));
  EXPECT_THAT(Run({"CLIENT", "PAUSE", "1.5"}), IsError("ERR timeout is not an integer or out of range"));
  EXPECT_THAT(Run({"CLIENT", "PAUSE", "-1"}), IsError("ERR timeout is negative"));
  EXPECT_THAT(Run({"CLIENT", "PAUSE", "x", "FOO"}), IsError("ERR CLIENT PAUSE mode must be WRITE or ALL"));
  EXPECT_THAT(Run({"CLIENT", "pAuse", "1", "WRITE", "X"}),
              IsError("ERR unknown subcommand or wrong number of arguments for 'pAuse'. Try CLIENT HELP."));
  EXPECT_THAT(Run({"CLIENT", "UNPAUSE", "x"}), IsError("ERR wrong number of arguments for 'client|unpause' command"));
  EXPECT_THAT(Run({"CLIENT", "PAUSE", "0", "write"}), IsOk());
  EXPECT_THAT(Run({"SET", "k", "v"}), IsOk()) << "nothing is paused";
}

TEST_P(ClientPauseTest, HoldsAllThatCanRun) {
  auto held = Held();
  EXPECT_THAT(Direct({"CLIENT", "PAUSE", "1000"}), IsOk());
  EXPECT_EQ(held->Send("SET k v\r\nGET k\r\n"), "");
  EXPECT_THAT(Direct({"GET", "k"}), IsNil()) << "held, not run";
  Advance(absl::Milliseconds(999));
  EXPECT_EQ(held->Send("PING\r\n"), "");
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(held->Take(), "+OK\r\n$1\r\nv\r\n+PONG\r\n");
  EXPECT_EQ(held->Send("ECHO a\r\n"), "$1\r\na\r\n");
}

TEST_P(ClientPauseTest, WhatIsWrongIsSaidAtOnce) {
  auto held = Held();
  Direct({"CLIENT", "PAUSE", "1000", "ALL"});
  EXPECT_THAT(held->Send("NOSUCH\r\n"), HasSubstr("unknown command"));
  EXPECT_THAT(held->Send("GET\r\n"), HasSubstr("wrong number of arguments"));
  for (const char* command : {"QUIT", "PING", "RESET", "CLIENT UNPAUSE", "MULTI", "AUTH x", "HELLO 3"}) {
    TestClient other(cache(), Via::kResp2);
    EXPECT_EQ(other.Send(std::string(command) + "\r\n"), "") << command;
  }
  EXPECT_THAT(held->Send("*1\r\n+x\r\n"), HasSubstr("Protocol error"));
}

TEST_P(ClientPauseTest, NeitherSessionsNorTypedCallsAreHeld) {
  Direct({"CLIENT", "PAUSE", "1000", "ALL"});
  auto session = cache().NewSession();
  ASSERT_TRUE(session.ok());
  const std::vector<std::string_view> argv = {"SET", "k", "1"};
  EXPECT_THAT(*(*session)->Execute(argv), IsOk());
  EXPECT_EQ(*cache().Increment("k", 1), 2);
  EXPECT_THAT(Direct({"GET", "k"}), IsBulk("2"));
}

TEST_P(ClientPauseTest, UnpauseLetsThemGoOnInTheirOrder) {
  auto first = Held();
  auto second = Held();
  Direct({"CLIENT", "PAUSE", "100000"});
  EXPECT_EQ(first->Send("APPEND k 1\r\nAPPEND k 2\r\nAPPEND "), "");
  EXPECT_EQ(second->Send("APPEND k x\r\n"), "");
  EXPECT_EQ(first->Send("k 3\r\n"), "");
  EXPECT_THAT(Direct({"CLIENT", "UNPAUSE"}), IsOk());
  EXPECT_EQ(first->Take(), ":1\r\n:2\r\n:3\r\n");
  EXPECT_EQ(second->Take(), ":4\r\n");
  EXPECT_THAT(Direct({"GET", "k"}), IsBulk("123x"));
}

TEST_P(ClientPauseTest, WriteHoldsWhatWrites) {
  auto held = Held();
  Direct({"SET", "k", "v"});
  Direct({"CLIENT", "PAUSE", "1000", "write"});
  EXPECT_EQ(held->Send("PING\r\nGET k\r\nSET k w\r\nGET k\r\n"), "+PONG\r\n$1\r\nv\r\n");
  Direct({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(held->Take(), "+OK\r\n$1\r\nw\r\n");
}

TEST_P(ClientPauseTest, WriteHoldsTransactionsThatWrite) {
  auto writes = Held();
  auto reads = Held();
  auto queues = Held();
  EXPECT_EQ(writes->Send("MULTI\r\nSET k v\r\n"), "+OK\r\n+QUEUED\r\n");
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  EXPECT_EQ(writes->Send("EXEC\r\n"), "");
  EXPECT_EQ(reads->Send("MULTI\r\nEXISTS k\r\nEXEC\r\n"), "+OK\r\n+QUEUED\r\n*1\r\n:0\r\n");
  EXPECT_EQ(queues->Send("MULTI\r\nSET k w\r\n"), "+OK\r\n") << "a write is held before it is queued";
  Direct({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(writes->Take(), "*1\r\n+OK\r\n");
  EXPECT_EQ(queues->Take(), "+QUEUED\r\n");
}

TEST_P(ClientPauseTest, PausesOnlyGrow) {
  auto held = Held();
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  Direct({"CLIENT", "PAUSE", "100", "ALL"});
  Advance(absl::Milliseconds(900));
  EXPECT_EQ(held->Send("PING\r\n"), "") << "all are held until the later end";
  Direct({"CLIENT", "PAUSE", "300", "WRITE"});
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(held->Take(), "");
  Advance(absl::Milliseconds(200));
  EXPECT_EQ(held->Take(), "+PONG\r\n");
  Direct({"CLIENT", "PAUSE", "300", "WRITE"});
  EXPECT_EQ(held->Send("PING\r\n"), "+PONG\r\n") << "the next pause is of its own kind";
}

TEST_P(ClientPauseTest, IsShown) {
  auto held = Held();
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  EXPECT_THAT(Direct({"INFO", "clients"}).AsString(), HasSubstr("blocked_clients:0\r\n"));
  held->Send("MULTI\r\nSET k v\r\nPING\r\n");
  EXPECT_THAT(Direct({"INFO", "clients"}).AsString(), HasSubstr("blocked_clients:1\r\n"));
  EXPECT_THAT(Direct({"CLIENT", "LIST"}).AsString(), HasSubstr(" flags=xb "));
  Direct({"CLIENT", "UNPAUSE"});
  EXPECT_THAT(held->Take(), HasSubstr("+QUEUED\r\n+QUEUED\r\n"));
  EXPECT_THAT(Direct({"INFO", "clients"}).AsString(), HasSubstr("blocked_clients:0\r\n"));
  EXPECT_THAT(Direct({"CLIENT", "LIST"}).AsString(), Not(HasSubstr("flags=xb")));
}

TEST_P(ClientPauseTest, AHeldClientCanBeKilled) {
  auto held = Held();
  Direct({"CLIENT", "PAUSE", "1000"});
  EXPECT_EQ(held->Send("SET k v\r\n"), "");
  EXPECT_THAT(Direct({"CLIENT", "KILL", "TYPE", "normal"}), IsInt(::testing::Ge(1)));
  EXPECT_TRUE(held->closed());
  Direct({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(held->Take(), "");
  EXPECT_THAT(Direct({"GET", "k"}), IsNil());
}

TEST_P(ClientPauseTest, NothingExpiresActivelyMeanwhile) {
  Direct({"SET", "k", "v", "PX", "10"});
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  Advance(absl::Milliseconds(500));
  const auto next = cache().Tick(absl::InfiniteFuture());
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(absl::ToUnixMillis(*next), now_ms() + 500) << "when the pause ends";
  EXPECT_THAT(Direct({"DBSIZE"}), IsInt(1));
  Direct({"CLIENT", "UNPAUSE"});
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(Direct({"DBSIZE"}), IsInt(0));
}

TEST_P(ClientPauseTest, ReadsLeaveExpiredKeysWhereTheyAre) {
  auto reader = Held();
  Direct({"SET", "k", "v", "PX", "10"});
  Direct({"SET", "p", "v"});
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  Advance(absl::Milliseconds(500));
  Direct({"CONFIG", "RESETSTAT"});
  const std::string nil = via() == Via::kResp2 ? "$-1\r\n" : "_\r\n";
  EXPECT_EQ(reader->Send("GET k\r\nEXISTS k\r\nTTL k\r\nTYPE k\r\nTOUCH k\r\nSTRLEN k\r\nMGET k p\r\n"),
            nil + ":0\r\n:-2\r\n+none\r\n:0\r\n:0\r\n*2\r\n" + nil + "$1\r\nv\r\n");
  EXPECT_EQ(reader->Send("KEYS *\r\nDBSIZE\r\n"), "*1\r\n$1\r\np\r\n:2\r\n");
  EXPECT_THAT(reader->Send("SCAN 0\r\n"), HasSubstr("*1\r\n$1\r\np\r\n"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(reader->Send("RANDOMKEY\r\n"), "$1\r\np\r\n");
  EXPECT_EQ(cache().Get("k")->has_value(), false);
  EXPECT_THAT(Direct({"INFO", "stats"}).AsString(), HasSubstr("expired_keys:0\r\n"));
  EXPECT_THAT(Direct({"DBSIZE"}), IsInt(2));
  Direct({"CLIENT", "UNPAUSE"});
  EXPECT_THAT(Direct({"GET", "k"}), IsNil());
  EXPECT_THAT(Direct({"DBSIZE"}), IsInt(1));
  EXPECT_THAT(Direct({"INFO", "stats"}).AsString(), HasSubstr("expired_keys:1\r\n"));
}

TEST_P(ClientPauseTest, AWriteThatIsNotHeldDeletesThemFirst) {
  const auto all_expired = [&] {
    Direct({"CLIENT", "UNPAUSE"});
    Direct({"FLUSHALL"});
    Direct({"SET", "k", "old", "PX", "10"});
    Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
    Advance(absl::Milliseconds(10));
    ASSERT_THAT(Direct({"DBSIZE"}), IsInt(1));
  };
  const std::vector<std::vector<std::string>> writes = {
      {"SET", "k", "v"}, {"SET", "k", "v", "NX"}, {"SET", "k", "v", "GET"}, {"GETSET", "k", "v"}, {"SETNX", "k", "v"},
      {"APPEND", "k", "v"}, {"INCR", "k"}, {"SETRANGE", "k", "0", "v"}, {"MSET", "k", "v"}, {"MSETNX", "k", "v"},
      {"SETEX", "k", "10", "v"}, {"INCRBYFLOAT", "k", "1"}, {"COPY", "p", "k"}, {"RENAME", "p", "k"}};
  for (const auto& argv : writes) {
    all_expired();
    Direct({"SET", "p", "v"});
    const std::vector<std::string_view> views(argv.begin(), argv.end());
    auto reply = cache().Execute(views);
    ASSERT_TRUE(reply.ok() && !reply->is_error()) << argv[0];
    EXPECT_THAT(Direct({"EXISTS", "k"}), IsInt(1)) << argv[0];
    EXPECT_THAT(Direct({"KEYS", "k"}).size(), 1u) << argv[0] << ": one entry, not two";
    EXPECT_THAT(Direct({"DBSIZE"}), IsInt(argv[0] == "RENAME" ? 1 : 2)) << argv[0];
    EXPECT_THAT(Direct({"TTL", "k"}), IsInt(argv[0] == "SETEX" ? 10 : -1)) << argv[0];
  }
  for (const char* remover : {"DEL", "UNLINK", "GETDEL", "PERSIST", "GETEX"}) {
    all_expired();
    auto reply = cache().Execute({remover, "k"});
    ASSERT_TRUE(reply.ok()) << remover;
    EXPECT_THAT(Direct({"DBSIZE"}), IsInt(0)) << remover;
  }
  all_expired();
  EXPECT_EQ(*cache().Delete("k"), false);
  EXPECT_EQ(*cache().Increment("k", 2), 2);
  all_expired();
  EXPECT_TRUE(cache().Atomically([](Transaction& t) { return t.Set("k", "v").status(); }).ok());
  EXPECT_THAT(Direct({"TTL", "k"}), IsInt(-1));
}

TEST_P(ClientPauseTest, RandomKeyGivesUpWhenAllHaveExpired) {
  auto reader = Held();
  for (const char* key : {"a", "b", "c"}) Direct({"SET", key, "v", "PX", "10"});
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  Advance(absl::Milliseconds(10));
  EXPECT_EQ(reader->Send("RANDOMKEY\r\n"), via() == Via::kResp2 ? "$-1\r\n" : "_\r\n")
      << "redis-server 7.0.15 never answers";
  EXPECT_THAT(Direct({"DBSIZE"}), IsInt(3));
}

TEST_P(ClientPauseTest, NothingIsEvictedForClientsMeanwhile) {
  auto client = Held();
  Direct({"SET", "k", std::string(2000, 'v')});
  Direct({"CLIENT", "PAUSE", "1000", "WRITE"});
  Direct({"CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1kb"});
  EXPECT_THAT(client->Send("STRLEN k\r\n"), HasSubstr(":2000"));
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_THAT(client->Send("STRLEN k\r\n"), HasSubstr(":2000"));
  Direct({"CLIENT", "UNPAUSE"});
  client->Send("SET other v\r\n");
  EXPECT_THAT(client->Send("STRLEN k\r\n"), HasSubstr(":0"));
}

TEST_P(ClientPauseTest, UnblockFindsNobody) {
  const std::string id = std::to_string(Run({"CLIENT", "ID"}).integer());
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", id}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", "-1", "timeout"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", "999", "ERROR"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"CLIENT", "UNBLOCK", "x", "FOO"}), IsError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
  EXPECT_THAT(Run({"CLIENT", "unblock", "1", "ERROR", "X"}),
              IsError("ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP."));
}

TEST_P(ClientPauseTest, NobodyIsTracked) {
  EXPECT_THAT(Run({"CLIENT", "GETREDIR"}), IsInt(-1));
  for (const char* mode : {"YES", "no", "foo"}) {
    EXPECT_THAT(
        Run({"CLIENT", "CACHING", mode}),
        IsError("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT "
                "mode enabled"));
  }
  EXPECT_THAT(Run({"CLIENT", "TRACKINGINFO"}),
              IsMap(ElementsAre(::testing::Pair(IsBulk("flags"), IsSet(ElementsAre(IsBulk("off")))),
                                ::testing::Pair(IsBulk("redirect"), IsInt(-1)),
                                ::testing::Pair(IsBulk("prefixes"), IsArray(IsEmpty())))));
}

}  // namespace
}  // namespace larder::testing
