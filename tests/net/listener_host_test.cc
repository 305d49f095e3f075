// What a listener's host keeps from its clients, and which doors it opens when it says nothing.
#include <larder/net/listener.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/cache.h>
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kReadOnly[] = "-READONLY You can't write against a read only replica.\r\n";

std::string Kept(const std::string& directive) {
  return "-ERR CONFIG SET failed (possibly related to argument '" + directive + "') - can't set immutable config\r\n";
}

std::string NoPermission(const std::string& command) {
  return "-NOPERM this user has no permissions to run the '" + command + "' command\r\n";
}

class ListenerHostTest : public testing::Test {
 protected:
  void Open(const Options& options = {}) {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  std::unique_ptr<Listener> Start(ListenerOptions where = {}) {
    if (cache_ == nullptr) Open();
    where.any_port = true;
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  absl::Status StartError(ListenerOptions where) {
    if (cache_ == nullptr) Open();
    where.any_port = true;
    return Listener::Start(*cache_, where).status();
  }
  static TestClient Connect(const Listener& listener) { return TestClient::Tcp(listener.port()); }

  TempFolder folder_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(ListenerHostTest, ReadOnlyClientsCannotWrite) {
  const std::unique_ptr<Listener> listener = Start({.read_only = true});
  ASSERT_TRUE(cache_->Set("k", "v").ok()) << "the program itself may";
  TestClient client = Connect(*listener);
  client.Expect("GET k\r\n", "$1\r\nv\r\n");
  client.Expect("SET k w\r\n", kReadOnly);
  client.Expect("DEL k\r\n", kReadOnly);
  client.Expect("FLUSHALL\r\n", kReadOnly);
  client.Expect("GETEX k\r\n", kReadOnly);
  client.Expect("GETDEL k\r\n", kReadOnly);
  client.Expect("SET k\r\n", "-ERR wrong number of arguments for 'set' command\r\n");
  EXPECT_EQ(**cache_->Get("k"), "v");
}

TEST_F(ListenerHostTest, ReadOnlyHoldsForWhatMultiWouldQueue) {
  const std::unique_ptr<Listener> listener = Start({.read_only = true});
  TestClient client = Connect(*listener);
  client.Expect("MULTI\r\n", "+OK\r\n");
  client.Expect("GET k\r\n", "+QUEUED\r\n");
  client.Expect("SET k w\r\n", kReadOnly);
  client.Expect("EXEC\r\n", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  client.Expect("MULTI\r\n", "+OK\r\n");
  client.Expect("GET k\r\n", "+QUEUED\r\n");
  client.Expect("EXEC\r\n", "*1\r\n$-1\r\n");
}

TEST_F(ListenerHostTest, EachRowThatWritesIsRefused) {
  const std::unique_ptr<Listener> listener = Start({.read_only = true});
  TestClient client = Connect(*listener);
  const absl::StatusOr<Reply> rows = cache_->Execute({"COMMAND"});
  ASSERT_TRUE(rows.ok());
  int refused = 0;
  for (size_t i = 0; i < rows->size(); ++i) {
    const ReplyView row = (*rows)[i];
    bool writes = false;
    for (size_t f = 0; f < row[2].size(); ++f) {
      writes = writes || row[2][f].AsString() == "write" || row[2][f].AsString() == "may_replicate";
    }
    if (!writes) continue;
    std::vector<std::string> words = {std::string(row[0].AsString())};
    const int64_t arity = row[1].integer();
    for (int64_t n = 1; n < (arity < 0 ? -arity : arity); ++n) words.push_back("x");
    std::vector<std::string_view> views(words.begin(), words.end());
    client.Expect(Command(views), kReadOnly);
    ++refused;
  }
  EXPECT_GT(refused, 20);
}

TEST_F(ListenerHostTest, RefusedCommandsSayNoPerm) {
  const std::unique_ptr<Listener> listener = Start({.refused_commands = {"GET", "config|set", "client"}});
  TestClient client = Connect(*listener);
  client.Expect("GET k\r\n", NoPermission("get"));
  client.Expect("CONFIG SET timeout 1\r\n", NoPermission("config|set"));
  client.Expect("CONFIG GET timeout\r\n", "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
  client.Expect("CLIENT KILL 1.1.1.1:2\r\n", NoPermission("client|kill"));
  client.Expect("CLIENT ID\r\n", NoPermission("client|id"));
  client.Expect("MULTI\r\n", "+OK\r\n");
  client.Expect("GET k\r\n", NoPermission("get"));
  client.Expect("EXEC\r\n", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  client.Expect("STRLEN k\r\n", ":0\r\n");
}

TEST_F(ListenerHostTest, ARefusedExecDropsItsTransaction) {
  const std::unique_ptr<Listener> listener = Start({.refused_commands = {"exec"}});
  TestClient client = Connect(*listener);
  client.Expect("MULTI\r\n", "+OK\r\n");
  client.Expect("SET k v\r\n", "+QUEUED\r\n");
  client.Expect("EXEC\r\n",
                "-EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run the "
                "'exec' command\r\n");
  client.Expect("DISCARD\r\n", "-ERR DISCARD without MULTI\r\n");
}

// The program's own calls, and clients of another listener, are not bound.
TEST_F(ListenerHostTest, ItHoldsForThatListenersClientsAlone) {
  const std::unique_ptr<Listener> bound = Start({.read_only = true, .refused_commands = {"get"}});
  const std::unique_ptr<Listener> open = Start({.host_keeps = {}});
  TestClient client = Connect(*open);
  client.Expect("SET k v\r\n", "+OK\r\n");
  client.Expect("GET k\r\n", "$1\r\nv\r\n");
  client.Expect("CONFIG SET maxmemory 100mb\r\n", "+OK\r\n");
  EXPECT_EQ(cache_->Execute({"GET", "k"})->AsString(), "v");
  EXPECT_FALSE(cache_->Execute({"CONFIG", "SET", "maxmemory", "0"})->is_error());
}

TEST_F(ListenerHostTest, ANameThatIsNoneIsAnErrorThatNamesIt) {
  for (const char* name : {"gett", "config|sett", "", "config|", "|set"}) {
    const absl::Status status = StartError({.refused_commands = {"get", name}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("refused_commands: there is no command '" + std::string(name) + "'"));
  }
  for (const char* name : {"maxmemori", "xls-*", ""}) {
    const absl::Status status = StartError({.host_keeps = {"maxmemory", name}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("host_keeps: there is no directive '" + std::string(name) + "'"));
  }
}

TEST_F(ListenerHostTest, ClientsReadWhatTheHostKeepsAndCannotSetIt) {
  const std::unique_ptr<Listener> listener = Start();
  TestClient client = Connect(*listener);
  for (const char* name : {"maxmemory", "bind", "port", "unixsocket", "protected-mode", "requirepass", "maxclients",
                           "dir", "tls-port", "tls-cert-file", "tls-auth-clients"}) {
    client.Expect(Command({"CONFIG", "SET", name, "1"}), Kept(name));
    client.Send(Command({"CONFIG", "GET", name}));
    EXPECT_EQ(client.ReadLine(), "*2\r\n");
    EXPECT_EQ(client.ReadBulk(), name);
    (void)client.ReadBulk();
  }
  client.Expect("CONFIG SET MaxMemory 1gb\r\n", Kept("MaxMemory"));
  client.Expect("CONFIG SET timeout 77 maxclients 5\r\n", Kept("maxclients"));
  client.Expect("CONFIG GET timeout\r\n", "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");  // all or none
  client.Expect("CONFIG SET timeout 77\r\n", "+OK\r\n");
  client.Expect("CONFIG SET maxmemory-policy allkeys-lru\r\n", "+OK\r\n");
}

TEST_F(ListenerHostTest, TheHostSaysWhatItKeeps) {
  const std::unique_ptr<Listener> listener = Start({.host_keeps = {"timeout", "lfu-*"}});
  TestClient client = Connect(*listener);
  client.Expect("CONFIG SET timeout 1\r\n", Kept("timeout"));
  client.Expect("CONFIG SET lfu-decay-time 1\r\n", Kept("lfu-decay-time"));
  client.Expect("CONFIG SET maxmemory 1gb\r\n", "+OK\r\n");
}

// A guest opens no door of its host's unasked.
TEST_F(ListenerHostTest, WithoutAnAddressItListensOnThisMachineAlone) {
  const std::unique_ptr<Listener> listener = Start();
  const std::string port = std::to_string(listener->port());
  EXPECT_THAT(listener->addresses(), ElementsAre("127.0.0.1:" + port, "[::1]:" + port));
  Connect(*listener).Expect("CONFIG GET bind\r\n", "*2\r\n$4\r\nbind\r\n$14\r\n127.0.0.1 -::1\r\n");
}

TEST_F(ListenerHostTest, WhatAProgramOrAFileSetsHolds) {
  Options options;
  options.bind = {"*"};
  Open(options);
  {
    const std::unique_ptr<Listener> listener = Start();
    EXPECT_THAT(listener->addresses(), ElementsAre("0.0.0.0:" + std::to_string(listener->port())));
    Connect(*listener).Expect("CONFIG GET bind\r\n", "*2\r\n$4\r\nbind\r\n$1\r\n*\r\n");
  }
  Options from_file;
  ASSERT_TRUE(ApplyConfigText(from_file, "bind * -::*\n", "test").ok());
  Open(from_file);
  const std::unique_ptr<Listener> listener = Start();
  EXPECT_THAT(listener->addresses(), ElementsAre(HasSubstr("0.0.0.0:"), HasSubstr("[::]:")));
}

TEST_F(ListenerHostTest, ASocketThatIsAnsweredIsNotTaken) {
  ListenerOptions where;
  where.unixsocket = folder_ / "s";
  std::unique_ptr<Listener> first = Start(where);
  const absl::Status status = StartError(where);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr(*where.unixsocket));
  TestClient::Unix(*where.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  // larder-server's way, and Redis's.
  where.takes_unixsocket = true;
  const std::unique_ptr<Listener> second = Start(where);
  first.reset();  // leaves the file alone: it is the other's
  TestClient::Unix(*where.unixsocket).Expect("PING\r\n", "+PONG\r\n");
}

}  // namespace
}  // namespace larder
