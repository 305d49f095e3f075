// CLIENT. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <map>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kSyntax[] = "ERR syntax error";

class ClientTest : public CommandTest {
 protected:
  int64_t IdOf(TestClient& client) { return client.Run({"CLIENT", "ID"}).integer(); }

  // The fields of each line of CLIENT LIST or INFO, in order.
  using Fields = std::vector<std::pair<std::string, std::string>>;
  static std::vector<Fields> Lines(std::string_view text) {
    std::vector<Fields> lines(1);
    size_t start = 0;
    while (start < text.size()) {
      const size_t end = text.find_first_of(" \n", start);
      const std::string_view field = text.substr(start, end - start);
      const size_t equals = field.find('=');
      lines.back().emplace_back(field.substr(0, equals), field.substr(equals + 1));
      if (end == std::string_view::npos) break;
      if (text[end] == '\n') lines.emplace_back();
      start = end + 1;
    }
    lines.pop_back();  // each line ends in a newline
    return lines;
  }
  std::map<std::string, std::string> Info(TestClient& client) {
    const Reply reply = client.Run({"CLIENT", "INFO"});
    EXPECT_THAT(reply, IsVerbatim(::testing::EndsWith("\n")));
    const auto lines = Lines(reply.string_view());
    EXPECT_THAT(lines, SizeIs(1));
    return std::map<std::string, std::string>(lines[0].begin(), lines[0].end());
  }
  std::vector<std::string> ListedIds(std::initializer_list<std::string_view> argv) {
    const Reply reply = Run(argv);
    EXPECT_FALSE(reply.is_error()) << reply.DebugString();
    std::vector<std::string> ids;
    for (const Fields& line : Lines(reply.string_view())) ids.push_back(line[0].second);
    return ids;
  }
};
LARDER_COMMAND_TEST(ClientTest);

TEST_P(ClientTest, IdsAreNeverGivenTwice) {
  const int64_t mine = IdOf(client());
  EXPECT_EQ(IdOf(client()), mine);
  const int64_t other = IdOf(*Connect());
  EXPECT_GT(other, mine);
  EXPECT_GT(IdOf(*Connect()), other);
}

TEST_P(ClientTest, NamesArePrintableAscii) {
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsNil());
  EXPECT_THAT(Run({"CLIENT", "SETNAME", "worker-1!~"}), IsOk());
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsBulk("worker-1!~"));
  for (const char* name : {"a b", "a\n", "\x7f", "\xff", "\t"}) {
    EXPECT_THAT(Run({"CLIENT", "SETNAME", name}),
                IsError("ERR Client names cannot contain spaces, newlines or special characters."));
  }
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsBulk("worker-1!~"));
  EXPECT_THAT(Run({"CLIENT", "SETNAME", ""}), IsOk());
  EXPECT_THAT(Run({"CLIENT", "GETNAME"}), IsNil());
}

TEST_P(ClientTest, InfoHasTheFieldsOf70InTheirOrder) {
  std::vector<std::string> names;
  const Reply info = Run({"CLIENT", "INFO"});
  const std::vector<Fields> lines = Lines(info.string_view());
  ASSERT_THAT(lines, SizeIs(1));
  for (const auto& field : lines[0]) names.push_back(field.first);
  EXPECT_THAT(names, ElementsAre("id", "addr", "laddr", "fd", "name", "age", "idle", "flags", "db", "sub", "psub",
                                 "ssub", "multi", "qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl",
                                 "oll", "omem", "tot-mem", "events", "cmd", "user", "redir", "resp"));
}

TEST_P(ClientTest, InfoIsTrue) {
  Run({"CLIENT", "SETNAME", "me"});
  Run({"SELECT", "2"});
  Run({"CLIENT", "NO-EVICT", "on"});
  auto fields = Info(client());
  EXPECT_EQ(fields["id"], std::to_string(IdOf(client())));
  EXPECT_EQ(fields["name"], "me");
  EXPECT_EQ(fields["db"], "2");
  EXPECT_EQ(fields["flags"], "e");
  EXPECT_EQ(fields["multi"], "-1");
  EXPECT_EQ(fields["cmd"], "client|info");
  EXPECT_EQ(fields["argv-mem"], "10");
  EXPECT_EQ(fields["resp"], std::to_string(protocol()));
  EXPECT_EQ(fields["user"], "default");
  Run({"CLIENT", "NO-EVICT", "off"});
  EXPECT_EQ(Info(client())["flags"], "N");
}

TEST_P(ClientTest, ListShowsWhatOthersDo) {
  auto other = Connect();
  const std::string id = std::to_string(IdOf(*other));
  Advance(absl::Seconds(7));
  other->Run({"WATCH", "k"});
  other->Run({"MULTI"});
  other->Run({"GET", "k"});
  Run({"SET", "k", "v"});
  Advance(absl::Seconds(5));
  const Reply list = Run({"CLIENT", "LIST", "ID", id});
  ASSERT_THAT(list, IsVerbatim(HasSubstr("id=" + id)));
  const auto lines = Lines(list.string_view());
  ASSERT_THAT(lines, SizeIs(1));
  std::map<std::string, std::string> fields(lines[0].begin(), lines[0].end());
  EXPECT_EQ(fields["age"], "12");
  EXPECT_EQ(fields["idle"], "5");
  EXPECT_EQ(fields["flags"], "xd");
  EXPECT_EQ(fields["multi"], "1");
  EXPECT_GT(std::stoi(fields["multi-mem"]), 0);
  EXPECT_EQ(fields["cmd"], "get");
  EXPECT_EQ(fields["argv-mem"], "0");
}

TEST_P(ClientTest, ListFilters) {
  auto second = Connect();
  auto third = Connect();
  const std::string a = std::to_string(IdOf(client()));
  const std::string b = std::to_string(IdOf(*second));
  const std::string c = std::to_string(IdOf(*third));
  EXPECT_THAT(ListedIds({"CLIENT", "LIST"}), ElementsAre(a, b, c));
  EXPECT_THAT(ListedIds({"CLIENT", "LIST", "TYPE", "normal"}), ElementsAre(a, b, c));
  for (const char* type : {"pubsub", "slave", "REPLICA", "master"}) {
    EXPECT_THAT(Run({"CLIENT", "LIST", "TYPE", type}), IsVerbatim("")) << type;
  }
  EXPECT_THAT(ListedIds({"CLIENT", "LIST", "ID", c, "999", a, c, "0", "-1"}), ElementsAre(c, a, c));
  EXPECT_THAT(Run({"CLIENT", "LIST", "TYPE", "foo"}), IsError("ERR Unknown client type 'foo'"));
  EXPECT_THAT(Run({"CLIENT", "LIST", "ID", "1", "x"}), IsError("ERR Invalid client ID"));
  for (auto argv : std::vector<std::vector<std::string_view>>{
           {"CLIENT", "LIST", "x"}, {"CLIENT", "LIST", "TYPE"}, {"CLIENT", "LIST", "ID"},
           {"CLIENT", "LIST", "TYPE", "normal", "x"}}) {
    EXPECT_THAT(Run(std::vector<std::string>(argv.begin(), argv.end())), IsError(kSyntax));
  }
}

// --- KILL ------------------------------------------------------------------------------------------------------------

TEST_P(ClientTest, KillById) {
  auto victim = Connect();
  const std::string id = std::to_string(IdOf(*victim));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id}), IsInt(1));
  EXPECT_THAT(ListedIds({"CLIENT", "LIST", "ID", id}), ElementsAre());
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id}), IsInt(0)) << "a client is killed once";
  if (via() == Via::kDirect) {
    EXPECT_FALSE(victim->session().Execute({"PING"}).ok());
  } else {
    ASSERT_TRUE(victim->connection().Feed(EncodeRequest(std::vector<std::string_view>{"SET", "k", "v"})).ok());
    EXPECT_TRUE(victim->closed());
    EXPECT_EQ(victim->connection().output(), "");
  }
  EXPECT_THAT(Run({"GET", "k"}), IsNil()) << "a killed client runs nothing more";
}

TEST_P(ClientTest, KillSparesOneselfUnlessToldNotTo) {
  const std::string me = std::to_string(IdOf(client()));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", me}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", me, "SKIPME", "YES"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", me, "SKIPME", "no"}), IsInt(1)) << "with its reply";
  EXPECT_EQ(client().closed(), via() != Via::kDirect);
}

TEST_P(ClientTest, KillByTypeTakesRemoteClientsOnly) {
  auto second = Connect();
  auto session = cache().NewSession();
  ASSERT_TRUE(session.ok());
  EXPECT_THAT(Run({"CLIENT", "KILL", "TYPE", "pubsub"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "TYPE", "normal", "USER", "default"}), IsInt(via() == Via::kDirect ? 0 : 1));
  EXPECT_TRUE((*session)->Execute({"PING"}).ok()) << "the host's own sessions go by their ID only";
}

TEST_P(ClientTest, EveryFilterMustFit) {
  auto victim = Connect();
  const std::string id = std::to_string(IdOf(*victim));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id, "ADDR", "1.2.3.4:5"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id, "LADDR", "1.2.3.4:5"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id, "TYPE", "master"}), IsInt(0));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id, "TYPE", "normal", "USER", "default"}), IsInt(1));
}

TEST_P(ClientTest, KillRefuses) {
  EXPECT_THAT(Run({"CLIENT", "KILL", "1.2.3.4:5"}), IsError("ERR No such client"));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID"}), IsError("ERR No such client")) << "one word is an address";
  for (const char* id : {"x", "0", "-4", "+1", "99999999999999999999"}) {
    EXPECT_THAT(Run({"CLIENT", "KILL", "ID", id}), IsError("ERR client-id should be greater than 0"));
  }
  EXPECT_THAT(Run({"CLIENT", "KILL", "TYPE", "x"}), IsError("ERR Unknown client type 'x'"));
  EXPECT_THAT(Run({"CLIENT", "KILL", "USER", "x"}), IsError("ERR No such user 'x'"));
  EXPECT_THAT(Run({"CLIENT", "KILL", "SKIPME", "maybe"}), IsError(kSyntax));
  EXPECT_THAT(Run({"CLIENT", "KILL", "FOO", "x"}), IsError(kSyntax));
  EXPECT_THAT(Run({"CLIENT", "KILL", "ID", "999", "ID"}), IsError(kSyntax));
  EXPECT_THAT(Run({"CLIENT", "KILL"}), IsError("ERR wrong number of arguments for 'client|kill' command"));
}

// --- REPLY -----------------------------------------------------------------------------------------------------------

// Cases about silence look at the bytes.
class ClientReplyTest : public ClientTest {
 protected:
  // What a connection answers to some requests at once.
  std::string Burst(std::initializer_list<std::vector<std::string_view>> requests) {
    std::string bytes;
    for (const auto& argv : requests) bytes += EncodeRequest(argv);
    EXPECT_TRUE(client().connection().Feed(bytes).ok());
    const std::string output(client().connection().output());
    client().connection().ConsumeOutput(output.size());
    return output;
  }
};
INSTANTIATE_TEST_SUITE_P(Via, ClientReplyTest, ::testing::Values(Via::kResp2, Via::kResp3),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(ClientReplyTest, OffIsSilentUntilOn) {
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "OFF"}, {"PING"}, {"NOSUCH"}, {"CLIENT", "REPLY", "SKIP"}, {"SET", "k", "v"}}),
            "");
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "ON"}, {"GET", "k"}}), "+OK\r\n$1\r\nv\r\n");
}

TEST_P(ClientReplyTest, SkipSilencesOneCommand) {
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "SKIP"}, {"PING"}, {"PING", "a"}}), "$1\r\na\r\n");
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "SKIP"}, {"CLIENT", "REPLY", "SKIP"}, {"PING"}, {"PING", "a"}}), "$1\r\na\r\n");
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "SKIP"}, {"CLIENT", "REPLY", "ON"}, {"PING", "a"}}), "+OK\r\n$1\r\na\r\n");
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "SKIP"}, {"CLIENT", "REPLY", "x"}, {"PING", "a"}}), "$1\r\na\r\n");
}

TEST_P(ClientReplyTest, ResetSpeaksAgain) {
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "OFF"}, {"RESET"}, {"PING", "a"}}), "+RESET\r\n$1\r\na\r\n");
  EXPECT_EQ(Burst({{"CLIENT", "REPLY", "SKIP"}, {"RESET"}, {"PING", "a"}}), "$1\r\na\r\n");
}

// The request that asks is still in the buffer, and with it what came before and comes behind it.
TEST_P(ClientReplyTest, QbufHasTheRequestsThatAreRunning) {
  EXPECT_THAT(client().Send("CLIENT INFO\r\n"), HasSubstr(" qbuf=13 "));
  EXPECT_THAT(client().Send("*2\r\n$6\r\nCLIENT\r\n$4\r\nINFO\r\n"), HasSubstr(" qbuf=26 "));
  EXPECT_THAT(client().Send("PING\r\nCLIENT INFO\r\nPING\r\nPI"), HasSubstr(" qbuf=27 "));
  auto other = Connect();
  EXPECT_THAT(other->Send("CLIENT LIST TYPE normal\r\n"), HasSubstr(" qbuf=2 ")) << "of the first, which waits";
  EXPECT_THAT(client().Send("NG\r\nCLIENT INFO\r\n"), HasSubstr(" qbuf=19 "));
}

TEST_P(ClientReplyTest, ABlankRequestIsWhatSkipSilences) {
  for (const char* blank : {"\r\n", "  \r\n", "*0\r\n", "*-1\r\n"}) {
    EXPECT_EQ(client().Send("CLIENT REPLY SKIP\r\n" + std::string(blank) + "ECHO a\r\n"), "$1\r\na\r\n") << blank;
    EXPECT_EQ(client().Send("CLIENT REPLY SKIP\r\n"), "");
    EXPECT_EQ(client().Send(blank), "");
    EXPECT_EQ(client().Send("EC"), "");
    EXPECT_EQ(client().Send("HO a\r\n"), "$1\r\na\r\n") << blank;
  }
}

TEST_P(ClientReplyTest, AProtocolErrorIsSilentToo) {
  auto second = Connect();
  EXPECT_EQ(client().Send("CLIENT REPLY OFF\r\n*1\r\n+x\r\nPING\r\n"), "");
  EXPECT_EQ(second->Send("CLIENT REPLY SKIP\r\n\"a\r\n"), "");
  EXPECT_TRUE(client().closed()) << "Redis keeps it, deaf and dumb, until it goes";
  EXPECT_TRUE(second->closed());
}

TEST_P(ClientReplyTest, ExecHasTheLengthOfItsQueueAndTheRepliesThatArePassed) {
  EXPECT_EQ(client().Send("MULTI\r\nPING\r\nCLIENT REPLY OFF\r\nPING\r\nEXEC\r\nPING\r\nCLIENT REPLY ON\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n+OK\r\n");
  EXPECT_EQ(client().Send("MULTI\r\nCLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nECHO a\r\nEXEC\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n$1\r\na\r\n");
  EXPECT_EQ(client().Send("CLIENT REPLY OFF\r\nMULTI\r\nPING\r\nCLIENT REPLY ON\r\nECHO a\r\nEXEC\r\n"),
            "+OK\r\n$1\r\na\r\n");
  EXPECT_EQ(client().Send("MULTI\r\nPING\r\nCLIENT REPLY SKIP\r\nPING\r\nEXEC\r\nECHO a\r\nECHO b\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n+PONG\r\n$1\r\nb\r\n");
}

// --- Others ----------------------------------------------------------------------------------------------------------

TEST_P(ClientTest, RefusesOddWords) {
  EXPECT_THAT(Run({"CLIENT", "REPLY", "x"}), IsError(kSyntax));
  EXPECT_THAT(Run({"CLIENT", "NO-EVICT", "x"}), IsError(kSyntax));
  EXPECT_THAT(Run({"CLIENT", "ID", "x"}), IsError("ERR wrong number of arguments for 'client|id' command"));
  EXPECT_THAT(Run({"CLIENT"}), IsError("ERR wrong number of arguments for 'client' command"));
  EXPECT_THAT(Run({"CLIENT", "no\r\nsuch"}), IsError("ERR unknown subcommand 'no  such'. Try CLIENT HELP."));
  EXPECT_THAT(Run({"CLIENT", "TRACKING", "on"}), IsError("ERR unknown subcommand 'TRACKING'. Try CLIENT HELP."))
      << "absent until it works";
}

TEST_P(ClientTest, HelpNamesEverySubcommand) {
  const Reply help = Run({"CLIENT", "HELP"});
  ASSERT_GT(help.size(), 3u);
  EXPECT_THAT(help[0], IsStatus("CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  EXPECT_THAT(help[help.size() - 2], IsStatus("HELP"));
  const std::string text = help.DebugString();
  const Reply list = Run({"COMMAND", "LIST", "FILTERBY", "PATTERN", "client|*"});
  for (ReplyView name : list) {
    std::string word = name.AsString().substr(7);
    for (char& c : word) c = static_cast<char>(std::toupper(c));
    EXPECT_THAT(text, HasSubstr(word));
  }
}

}  // namespace
}  // namespace larder::testing
