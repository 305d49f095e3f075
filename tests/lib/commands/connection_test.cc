// The connection family but for CLIENT. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <string>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kWrongPass[] = "WRONGPASS invalid username-password pair or user is disabled.";
constexpr char kNoAuth[] = "NOAUTH Authentication required.";

// --- PING, ECHO, SELECT ----------------------------------------------------------------------------------------------

class ConnectionTest : public CommandTest {};
LARDER_COMMAND_TEST(ConnectionTest);

TEST_P(ConnectionTest, PingRepliesPongOrItsArgument) {
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(Run({"ping", "hello"}), IsBulk("hello"));
  EXPECT_THAT(Run({"PING", "a", "b"}), IsError("ERR wrong number of arguments for 'ping' command"));
}

TEST_P(ConnectionTest, EchoRepliesItsArgument) {
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_THAT(Run({"ECHO", bytes}), IsBulk(bytes));
  EXPECT_THAT(Run({"ECHO"}), IsError("ERR wrong number of arguments for 'echo' command"));
}

TEST_P(ConnectionTest, SelectChangesTheDatabase) {
  Run({"SET", "k", "in 0"});
  EXPECT_THAT(Run({"SELECT", "15"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsNil());
  Run({"SET", "k", "in 15"});
  EXPECT_THAT(Run({"SELECT", "0"}), IsOk());
  EXPECT_THAT(Run({"GET", "k"}), IsBulk("in 0"));
}

TEST_P(ConnectionTest, SelectRefusesWhatIsNoDatabase) {
  EXPECT_THAT(Run({"SELECT", "16"}), IsError("ERR DB index is out of range"));
  EXPECT_THAT(Run({"SELECT", "-1"}), IsError("ERR DB index is out of range"));
  EXPECT_THAT(Run({"SELECT", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"SELECT", "9999999999"}),
              IsError("ERR value is out of range, value must between -2147483648 and 2147483647"));
}

// --- HELLO -----------------------------------------------------------------------------------------------------------

TEST_P(ConnectionTest, HelloTellsWhoAnswers) {
  EXPECT_THAT(Run({"HELLO"}),
              IsMap(ElementsAre(Pair(IsBulk("server"), IsBulk("redis")), Pair(IsBulk("version"), IsBulk("7.0.15")),
                                Pair(IsBulk("proto"), IsInt(protocol())),
                                Pair(IsBulk("id"), IsInt(Run({"CLIENT", "ID"}).integer())),
                                Pair(IsBulk("mode"), IsBulk("standalone")), Pair(IsBulk("role"), IsBulk("master")),
                                Pair(IsBulk("modules"), IsArray(IsEmpty())))));
}

TEST_P(ConnectionTest, HelloChangesTheProtocolAtOnce) {
  const int other = protocol() == 2 ? 3 : 2;
  const Reply hello = Run({"HELLO", std::to_string(other)});
  EXPECT_EQ(hello.type(), other == 3 ? ReplyView::Type::kMap : ReplyView::Type::kArray);
  EXPECT_EQ(hello.Find("proto")->integer(), other);
  const Reply config = Run({"CONFIG", "GET", "port"});
  EXPECT_EQ(config.type(), other == 3 ? ReplyView::Type::kMap : ReplyView::Type::kArray);
}

TEST_P(ConnectionTest, HelloRefusesOtherProtocols) {
  EXPECT_THAT(Run({"HELLO", "4"}), IsError("NOPROTO unsupported protocol version"));
  EXPECT_THAT(Run({"HELLO", "1"}), IsError("NOPROTO unsupported protocol version"));
  for (const char* word : {"x", "02", "+3", " 3", "3.0", "99999999999999999999", "SETNAME"}) {
    EXPECT_THAT(Run({"HELLO", word}), IsError("ERR Protocol version is not an integer or out of range")) << word;
  }
  EXPECT_THAT(Run({"HELLO"}).Find("proto").value(), IsInt(protocol()));
}

TEST_P(ConnectionTest, HelloTakesOptionsOneByOne) {
  const std::string proto = std::to_string(protocol());
  EXPECT_FALSE(Run({"HELLO", proto, "SETNAME", "first", "setname", "second"}).is_error());
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsBulk("second"));
  // What came before the fault has been done.
  EXPECT_THAT(Run({"HELLO", proto, "SETNAME", "third", "AUTH", "nobody", "x"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsBulk("third"));
  EXPECT_THAT(Run({"HELLO", proto, "SETNAME", "a b"}),
              IsError("ERR Client names cannot contain spaces, newlines or special characters."));
  EXPECT_THAT(Run({"HELLO", proto, "SETNAME"}), IsError("ERR Syntax error in HELLO option 'SETNAME'"));
  EXPECT_THAT(Run({"HELLO", proto, "AUTH", "default"}), IsError("ERR Syntax error in HELLO option 'AUTH'"));
  EXPECT_THAT(Run({"HELLO", proto, "FOO", "b"}), IsError("ERR Syntax error in HELLO option 'FOO'"));
}

// --- AUTH ------------------------------------------------------------------------------------------------------------

TEST_P(ConnectionTest, AuthWithoutAnyPassword) {
  EXPECT_THAT(Run({"AUTH", "x"}), IsError("ERR AUTH <password> called without any password configured for the default "
                                          "user. Are you sure your configuration is correct?"));
  EXPECT_THAT(Run({"AUTH", "default", "anything"}), IsOk());
  EXPECT_THAT(Run({"AUTH", "nobody", "x"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", "a", "b", "c"}), IsError("ERR syntax error"));
}

class PasswordTest : public CommandTest {
 protected:
  PasswordTest() : CommandTest([](Options& options) { options.requirepass = "sesame"; }) {}
  bool remote() const { return via() != Via::kDirect; }
};

// The fixture's own client says HELLO 3 when it connects, so these cases make their clients by hand.
class RemotePasswordTest : public PasswordTest {};
INSTANTIATE_TEST_SUITE_P(Via, RemotePasswordTest, ::testing::Values(Via::kResp2),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(RemotePasswordTest, NothingRunsBeforeAuth) {
  EXPECT_THAT(Run({"PING"}), IsError(kNoAuth));
  EXPECT_THAT(Run({"GET", "k"}), IsError(kNoAuth));
  EXPECT_THAT(Run({"MULTI"}), IsError(kNoAuth));
  EXPECT_THAT(Run({"CLIENT", "ID"}), IsError(kNoAuth));
  EXPECT_THAT(Run({"HELLO"}), IsError("NOAUTH HELLO must be called with the client already authenticated, otherwise "
                                      "the HELLO AUTH <user> <pass> option can be used to authenticate the client and "
                                      "select the RESP protocol version at the same time"));
  EXPECT_THAT(Run({"HELLO", "3", "SETNAME", "x"}), IsError("NOAUTH HELLO must be called"));
  EXPECT_THAT(Run({"RESET"}), IsStatus("RESET"));
  // What is unknown or wrong is told first.
  EXPECT_THAT(Run({"NOSUCH"}), IsError("ERR unknown command 'NOSUCH', with args beginning with: "));
  EXPECT_THAT(Run({"GET"}), IsError("ERR wrong number of arguments for 'get' command"));
}

TEST_P(RemotePasswordTest, ThePasswordLetsIn) {
  EXPECT_THAT(Run({"AUTH", "wrong"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", "sesam"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", "sesame!"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", ""}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", "nobody", "sesame"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"PING"}), IsError(kNoAuth));
  EXPECT_THAT(Run({"AUTH", "sesame"}), IsOk());
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(Run({"AUTH", "wrong"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG")) << "a failed AUTH takes nothing away";
}

TEST_P(RemotePasswordTest, HelloMayAuthenticate) {
  EXPECT_THAT(Run({"HELLO", "2", "AUTH", "default", "wrong"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"HELLO", "2", "AUTH", "default", "sesame", "SETNAME", "n"}).Find("proto").value(), IsInt(2));
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsBulk("n"));
}

TEST_P(RemotePasswordTest, ResetTakesTheRightsAway) {
  Run({"AUTH", "sesame"});
  Run({"RESET"});
  EXPECT_THAT(Run({"PING"}), IsError(kNoAuth));
}

// As redis-server 7.0.15 answers each of them.
TEST_P(RemotePasswordTest, APasswordTakenAwayLetsStrangersInUntilThereIsOne) {
  const auto set_password = [&](const char* password) {
    ASSERT_TRUE(cache().Execute({"CONFIG", "SET", "requirepass", password}).ok());
  };
  auto member = Connect(), greeter = Connect(), resetter = Connect(), caller = Connect();
  EXPECT_THAT(Run({"PING"}), IsError(kNoAuth));
  EXPECT_THAT(member->Run({"AUTH", "sesame"}), IsOk());
  set_password("");
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(Run({"MULTI"}), IsOk());
  auto guest = Connect();
  EXPECT_THAT(greeter->Run({"HELLO", "2"}),
              IsError("NOAUTH HELLO must be called with the client already authenticated"));
  EXPECT_THAT(resetter->Run({"RESET"}), IsStatus("RESET"));
  EXPECT_THAT(caller->Run({"AUTH", "default", "anything"}), IsOk());
  set_password("new");
  EXPECT_THAT(Run({"PING"}), IsError(kNoAuth)) << "it was let in only while there was none";
  EXPECT_THAT(Run({"EXEC"}), IsError("EXECABORT Transaction discarded because of: NOAUTH Authentication required."));
  EXPECT_THAT(greeter->Run({"PING"}), IsError(kNoAuth));
  EXPECT_THAT(member->Run({"PING"}), IsStatus("PONG")) << "who is in stays in";
  EXPECT_THAT(guest->Run({"PING"}), IsStatus("PONG")) << "who came while there was none, too";
  EXPECT_THAT(resetter->Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(caller->Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(guest->Run({"HELLO"}).Find("proto").value(), IsInt(2));
  EXPECT_THAT(guest->Run({"RESET"}), IsStatus("RESET"));
  EXPECT_THAT(guest->Run({"PING"}), IsError(kNoAuth)) << "RESET makes it as one that comes now";
  EXPECT_THAT(Connect()->Run({"PING"}), IsError(kNoAuth));
}

TEST_P(RemotePasswordTest, AStrangerWithoutAPasswordToGiveHasNoTighterLimits) {
  auto stranger = Connect();
  ASSERT_TRUE(cache().Execute({"CONFIG", "SET", "requirepass", ""}).ok());
  std::string many = "*12\r\n$3\r\nDEL\r\n";
  for (int i = 0; i < 11; ++i) many += "$1\r\nk\r\n";
  EXPECT_EQ(stranger->Send(many + many), ":0\r\n:0\r\n");
  ASSERT_TRUE(cache().Execute({"CONFIG", "SET", "requirepass", "new"}).ok());
  EXPECT_EQ(stranger->Send(many), "-ERR Protocol error: unauthenticated multibulk length\r\n");
}

class DirectPasswordTest : public PasswordTest {};
INSTANTIATE_TEST_SUITE_P(Via, DirectPasswordTest, ::testing::Values(Via::kDirect),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(DirectPasswordTest, TheHostNeedsNoPassword) {
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(Run({"AUTH", "wrong"}), IsError(kWrongPass));
  EXPECT_THAT(Run({"AUTH", "sesame"}), IsOk());
  Run({"RESET"});
  EXPECT_THAT(Run({"PING"}), IsStatus("PONG"));
}

// --- RESET, QUIT -----------------------------------------------------------------------------------------------------

TEST_P(ConnectionTest, ResetMakesTheClientNew) {
  Run({"SELECT", "3"});
  Run({"CLIENT", "SETNAME", "n"});
  Run({"WATCH", "k"});
  Run({"MULTI"});
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"RESET"}), IsStatus("RESET"));
  EXPECT_THAT(Run({"EXEC"}), IsError("ERR EXEC without MULTI"));
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsNil());
  Run({"SET", "k", "v"});
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(1));
  Run({"SELECT", "3"});
  EXPECT_THAT(Run({"DBSIZE"}), IsInt(0));
  EXPECT_THAT(Run({"RESET", "x"}), IsError("ERR wrong number of arguments for 'reset' command"));
}

TEST_P(ConnectionTest, ResetGoesBackToTheFirstProtocol) {
  Run({"HELLO", protocol() == 2 ? "3" : "2"});
  Run({"RESET"});
  EXPECT_EQ(Run({"HELLO"}).Find("proto")->integer(), via() == Via::kDirect ? 3 : 2);
}

TEST_P(ConnectionTest, QuitClosesAfterItsReply) {
  EXPECT_THAT(Run({"QUIT", "now", "please"}), IsOk());
  if (via() != Via::kDirect) {
    EXPECT_TRUE(client().closed());
    return;
  }
  EXPECT_FALSE(client().session().Execute({"PING"}).ok());
}

TEST_P(ConnectionTest, QuitIsNotQueued) {
  Run({"MULTI"});
  EXPECT_THAT(Run({"QUIT"}), IsOk());
}

// --- Cache::Execute --------------------------------------------------------------------------------------------------

TEST_P(ConnectionTest, ExecuteRefusesWhatNeedsASession) {
  const std::vector<std::vector<std::string_view>> commands = {
      {"SELECT", "1"}, {"HELLO", "3"}, {"AUTH", "x"}, {"QUIT"}, {"RESET"}, {"MULTI"}, {"WATCH", "k"},
      {"CLIENT", "SETNAME", "n"}, {"CLIENT", "REPLY", "OFF"}, {"CLIENT", "NO-EVICT", "on"}};
  for (const auto& command : commands) {
    auto reply = cache().Execute(command);
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_TRUE(reply->is_error()) << command[0];
    EXPECT_NE(reply->string_view().find("cache.NewSession()"), std::string_view::npos) << reply->DebugString();
  }
  EXPECT_THAT(*cache().Execute({"PING"}), IsStatus("PONG"));
  EXPECT_THAT(*cache().Execute({"CLIENT", "ID"}), IsInt(0)) << "no client that others could see";
}

}  // namespace
}  // namespace larder::testing
