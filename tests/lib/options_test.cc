// Options as a program meets them: files, arguments, messages, rewriting. What Redis does to the same input is asked in
// options_oracle_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <larder/options.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

#include "lib/options/directive.h"
#include "tests/lib/redis_oracle.h"

namespace larder {
namespace {

using directives::Directive;
using directives::Kind;
using tests::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const Options& options, std::string_view name) {
  return directives::GetText(*directives::FindDirective(name), options);
}

std::string ErrorOf(std::string_view text) {
  Options options;
  const absl::Status status = ApplyConfigText(options, text, "my.conf");
  EXPECT_EQ(status.ok() ? absl::StatusCode::kInvalidArgument : status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

std::string Rewritten(const Options& options, std::string_view text) {
  base::Buffer buffer;
  EXPECT_TRUE(directives::RewriteText(options, text, &buffer));
  return std::string(buffer.view());
}

TEST(OptionsTest, DefaultsOfMembersAreThoseOfTheirRows) {
  const Options options;
  int served = 0;
  for (const Directive& directive : directives::ServedDirectives()) {
    if (directive.name == "dir") continue;  // prints the working directory
    EXPECT_EQ(directives::GetText(directive, options), directive.default_text) << directive.name;
    ++served;
  }
  EXPECT_GT(served, 30);
}

TEST(OptionsTest, DesignatedInitializersLeaveTheRestAsItIs) {
  const Options options{.databases = 4, .maxmemory = 100 << 20};
  EXPECT_EQ(options.databases, 4);
  EXPECT_EQ(options.port, 6379);
  EXPECT_EQ(options.clock, nullptr);
}

TEST(OptionsTest, ValidateNamesTheMemberAtFault) {
  const auto fault = [](auto change) {
    Options options;
    change(options);
    return std::string(directives::Validate(options).message());
  };
  EXPECT_EQ(fault([](Options&) {}), "");
  EXPECT_EQ(fault([](Options& o) { o.port = 70000; }),
            "Options::port: argument must be between 0 and 65535 inclusive (allowed: a number from 0 to 65535)");
  EXPECT_THAT(fault([](Options& o) { o.databases = 0; }), HasSubstr("Options::databases: argument must be between 1"));
  EXPECT_THAT(fault([](Options& o) { o.hz = 501; }), HasSubstr("Options::hz: not a value that it can have"));
  EXPECT_THAT(fault([](Options& o) { o.maxmemory_policy = static_cast<MaxmemoryPolicy>(99); }),
              HasSubstr("Options::maxmemory_policy: "));
  EXPECT_THAT(fault([](Options& o) { o.bind = {"a b"}; }), HasSubstr("Options::bind: not a value"));
  EXPECT_THAT(fault([](Options& o) { o.bind.emplace(17, "x"); }), HasSubstr("Too many bind addresses"));
  EXPECT_THAT(fault([](Options& o) { o.unixsocketperm = 01000; }), HasSubstr("Options::unixsocketperm: "));
  EXPECT_THAT(fault([](Options& o) { o.output_limit_pubsub.soft_seconds = -1; }),
              HasSubstr("Options::output_limit_pubsub: Error in hard, soft or soft_seconds"));
  EXPECT_THAT(fault([](Options& o) { o.compat["hz"] = "10"; }), HasSubstr("hz is no directive without effect"));
  EXPECT_THAT(fault([](Options& o) { o.compat["rdbcompression"] = "maybe"; }), HasSubstr("argument must be 'yes' or"));
  EXPECT_EQ(fault([](Options& o) { o.compat["save"] = "60 1", o.compat["ignore-warnings"] = "a b"; }), "");
}

// Every member, one by one: a value that it cannot have is refused under the member's own name.
TEST(OptionsTest, EveryMemberIsNamedWhenItIsAtFault) {
  struct Bad {
    const char* member;
    void (*change)(Options&);
  };
#define BAD(member, value) {#member, [](Options& o) { o.member = value; }}
#define BAD_ENUM(member) {#member, [](Options& o) { o.member = static_cast<decltype(o.member)>(99); }}
  static constexpr Bad kBad[] = {
      BAD_ENUM(background),
      BAD(databases, 0),
      BAD_ENUM(maxmemory_policy),
      BAD(maxmemory_samples, 0),
      BAD(lfu_log_factor, -1),
      BAD(lfu_decay_time, -1),
      BAD(hz, 0),
      BAD(active_expire_effort, 11),
      BAD_ENUM(enable_debug_command),
      BAD_ENUM(enable_protected_configs),
      BAD(port, 65536),
      BAD(bind, (std::vector<std::string>{"a b"})),
      BAD(unixsocketperm, 01000),
      BAD(tcp_backlog, -1),
      BAD(timeout, -1),
      BAD(tcp_keepalive, -1),
      BAD(maxclients, 0),
      BAD(client_query_buffer_limit, 1),
      BAD(proto_max_bulk_len, 1),
      BAD(hash_max_listpack_entries, -1),
      BAD(hash_max_listpack_value, -1),
      BAD(zset_max_listpack_entries, -1),
      BAD(zset_max_listpack_value, -1),
      BAD(set_max_intset_entries, -1),
      BAD(stream_node_max_entries, -1),
      BAD(stream_node_max_bytes, -1),
      BAD(hll_sparse_max_bytes, UINT64_MAX),
      BAD(notify_keyspace_events, "KEq"),
      BAD(maxmemory_clients, -101),
      BAD(async_bytes_max, 0),
      BAD(output_limit_normal, (OutputBufferLimit{1, 1, -1})),
      BAD(output_limit_replica, (OutputBufferLimit{1, 1, -1})),
      BAD(output_limit_pubsub, (OutputBufferLimit{1, 1, -1})),
      BAD_ENUM(ae_api),
      BAD(authentication_timeout, -1),
      BAD(tls_port, -1),
      BAD_ENUM(tls_auth_clients),
      BAD(tls_session_cache_size, -1),
      BAD(tls_session_cache_timeout, -1),
      BAD_ENUM(loglevel),
      BAD_ENUM(supervised),
      BAD(dir, "x"),
      BAD(config_file, "./x"),
      BAD(compat, (decltype(o.compat){{"no-such", "1"}})),
  };
  // These can have any value that their types have.
  static constexpr std::string_view kAny[] = {"maxmemory",
                                              "lazyfree-lazy-eviction",
                                              "lazyfree-lazy-expire",
                                              "lazyfree-lazy-server-del",
                                              "lazyfree-lazy-user-del",
                                              "lazyfree-lazy-user-flush",
                                              "requirepass",
                                              "unixsocket",
                                              "protected-mode",
                                              "tls-cert-file",
                                              "tls-key-file",
                                              "tls-key-file-pass",
                                              "tls-ca-cert-file",
                                              "tls-ca-cert-dir",
                                              "tls-protocols",
                                              "tls-ciphers",
                                              "tls-ciphersuites",
                                              "tls-prefer-server-ciphers",
                                              "tls-dh-params-file",
                                              "tls-session-caching",
                                              "logfile",
                                              "daemonize",
                                              "pidfile",
                                              "always-show-logo"};
  std::set<std::string> seen;
  for (const Bad& bad : kBad) {
    Options options;
    bad.change(options);
    const absl::Status status = directives::Validate(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.member;
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("Options::" + std::string(bad.member) + ": "));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(bad.member == std::string("compat") ? "no-such" : " (allowed: "));
    std::string name = bad.member;
    std::replace(name.begin(), name.end(), '_', '-');
    seen.insert(name);
  }
#undef BAD
#undef BAD_ENUM
  for (const Directive& directive : directives::ServedDirectives()) {
    if (directive.type == directives::Type::kOutputLimits) continue;
    const bool any = std::find(std::begin(kAny), std::end(kAny), directive.name) != std::end(kAny);
    EXPECT_NE(seen.contains(std::string(directive.name)), any) << directive.name;
  }
  Options compat;
  compat.compat["stop-writes-on-bgsave-error"] = "maybe";  // a directive's name stays as it is
  EXPECT_THAT(std::string(directives::Validate(compat).message()),
              HasSubstr("Options::compat: stop-writes-on-bgsave-error: "));
}

TEST(OptionsTest, PathsAreAbsolute) {
  for (const char* path : {"", "/", "/var/lib", "/a/../b"}) {
    Options options;
    options.dir = options.config_file = path;
    EXPECT_TRUE(directives::Validate(options).ok()) << path;
  }
  for (std::string path : {std::string("x"), std::string("./x"), std::string("../x"), std::string("~/x"),
                           std::string("/x\0y", 4)}) {
    Options options;
    options.dir = path;
    EXPECT_THAT(std::string(directives::Validate(options).message()), HasSubstr("Options::dir: not an absolute path"));
  }
  // What redis-server takes, a file and arguments take too, from where the process is.
  Options options;
  ASSERT_TRUE(ApplyConfigText(options, "dir .\n", "my.conf").ok());
  EXPECT_EQ(options.dir[0], '/');
  EXPECT_TRUE(directives::Validate(options).ok());
}

// A row that does not hold is a mistake of ours, found here and not by a user.
TEST(DirectiveRowsTest, AreSortedUniqueAndComplete) {
  std::set<std::string_view> names;
  for (auto rows : {directives::ServedDirectives(), directives::CompatDirectives()}) {
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(),
                               [](const Directive& a, const Directive& b) { return a.name < b.name; }));
  }
  directives::ForEachDirective([&](const Directive& directive) {
    EXPECT_TRUE(names.insert(directive.name).second) << directive.name;
    if (!directive.alias.empty()) {
      EXPECT_TRUE(names.insert(directive.alias).second) << directive.name;
    }
    EXPECT_TRUE(directive.help.ends_with('.')) << directive.name;
    EXPECT_EQ(directive.kind == Kind::kOffOnly, !directive.why.empty()) << directive.name;
    EXPECT_NE(directives::Allowed(directive), "") << directive.name;
  });
}

// CONFIG GET's text, given back to CONFIG SET, is the same value: what restores it after a failed CONFIG SET of tools.
TEST(DirectiveRowsTest, EveryDefaultIsAValueThatReadsBack) {
  directives::ForEachDirective([&](const Directive& directive) {
    if (directive.type == directives::Type::kPath || directive.type == directives::Type::kReplicaof) return;
    Options options;
    EXPECT_EQ(directives::StoreText(directive, options, directive.default_text), "") << directive.name;
    EXPECT_EQ(directives::GetText(directive, options), directive.default_text) << directive.name;
  });
}

TEST(OptionsTest, OffOnlyDirectivesTakeTheirDefaultAndSayWhyNothingElse) {
  EXPECT_EQ(ErrorOf("appendonly no\ncluster-enabled no\nreplicaof no one\naclfile \"\""), "");
  EXPECT_EQ(ErrorOf("activedefrag no\ntls-cluster no"), "");
  EXPECT_EQ(ErrorOf("appendonly yes"),
            "my.conf:1: appendonly: an append-only file is not supported yet: the cache lives in memory only "
            "(allowed: no)");
  EXPECT_THAT(ErrorOf("cluster-enabled yes"), HasSubstr("my.conf:1: cluster-enabled: Larder is no cluster node"));
  EXPECT_THAT(ErrorOf("hz 1\nreplicaof 127.0.0.1 6379"), HasSubstr("my.conf:2: replicaof: replication is not"));
  EXPECT_THAT(ErrorOf("slaveof 127.0.0.1 6379"), HasSubstr("replication is not supported"));
  EXPECT_THAT(ErrorOf("tls-replication yes"), HasSubstr("TLS is for clients"));
  EXPECT_THAT(ErrorOf("aclfile /users.acl"), HasSubstr("use requirepass"));

  Options options;
  const std::string_view pair[] = {"appendonly", "yes"};
  EXPECT_EQ(directives::ConfigSet(options, pair, true, [](std::string_view) { return false; }).error,
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - an append-only file is not supported "
            "yet: the cache lives in memory only");
}

TEST(OptionsTest, WhatWouldOpenAServerIfIgnoredIsRefused) {
  EXPECT_EQ(ErrorOf("rename-command CONFIG \"\""), "my.conf:1: rename-command: commands cannot be renamed yet");
  EXPECT_THAT(ErrorOf("loadmodule /x.so"), HasSubstr("modules of Redis cannot be loaded"));
  EXPECT_THAT(ErrorOf("user default off"), HasSubstr("use requirepass"));
  EXPECT_THAT(ErrorOf("user alice on nopass ~* &* +@all"), HasSubstr("use requirepass"));
  EXPECT_THAT(ErrorOf("user default on #0123 ~* &* +@all"), HasSubstr("use requirepass"));
  EXPECT_EQ(ErrorOf("user default on nopass ~* &* +@all"), "");
  const std::string foo = "#2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";  // SHA-256
  EXPECT_EQ(ErrorOf("requirepass foo\nuser default on " + foo + " ~* &* +@all"), "") << "as Redis rewrites it";
  EXPECT_EQ(ErrorOf("user default on sanitize-payload " + foo + " ~* &* +@all\nrequirepass \"foo\""), "");
  EXPECT_THAT(ErrorOf("\nuser default on " + foo + " ~* &* +@all"),
              HasSubstr("my.conf:2: user: the password of the default user is not that of requirepass"));
  EXPECT_THAT(ErrorOf("requirepass fou\nuser default on " + foo + " ~* &* +@all"),
              HasSubstr("not that of requirepass"));
  EXPECT_THAT(ErrorOf("requirepass foo\nuser default on " + foo + " " + foo + " ~* &* +@all"),
              HasSubstr("use requirepass"));
  EXPECT_THAT(ErrorOf("requirepass foo\nuser default on " + foo + " -@all"), HasSubstr("use requirepass"));
}

TEST(ConfigTextTest, MessagesNameFileLineDirectiveAndWhatIsAllowed) {
  EXPECT_EQ(ErrorOf("\n# x\nmaxmemory lots"),
            "my.conf:3: maxmemory: argument must be a memory value (allowed: bytes, or a number with k, kb, m, mb, g "
            "or gb)");
  EXPECT_EQ(ErrorOf("port 70000"),
            "my.conf:1: port: argument must be between 0 and 65535 inclusive (allowed: a number from 0 to 65535)");
  EXPECT_EQ(ErrorOf("daemonize maybe"), "my.conf:1: daemonize: argument must be 'yes' or 'no' (allowed: yes or no)");
  EXPECT_EQ(ErrorOf("maxmemry 1"), "my.conf:1: maxmemry: no such directive (did you mean maxmemory?)");
  EXPECT_EQ(ErrorOf("lru 1"), "my.conf:1: lru: no such directive");
  EXPECT_EQ(ErrorOf("hz \"1"), "my.conf:1: Unbalanced quotes in configuration line");
  EXPECT_EQ(ErrorOf(std::string_view("hz\0 1", 5)), "my.conf:1: line contains a NUL byte");
  EXPECT_THAT(ErrorOf("hz " + std::string(70000, '1')), HasSubstr("my.conf:1: hz: argument couldn't be parsed"));
  EXPECT_THAT(ErrorOf("ae-api iocp"), HasSubstr("auto, epoll, kqueue, evport, poll, select, io_uring"));
  EXPECT_THAT(ErrorOf("maxmemory-policy fifo"), HasSubstr("allkeys-random, noeviction"));
}

TEST(ConfigTextTest, MessagesKeepPasswordsToThemselves) {
  EXPECT_THAT(ErrorOf("requirepass secret word"), AllOf(HasSubstr("requirepass"), Not(HasSubstr("secret"))));
}

TEST(ConfigTextTest, AnErrorLeavesOptionsAsTheyWere) {
  Options options;
  options.hz = 7;
  EXPECT_FALSE(ApplyConfigText(options, "hz 20\nrdbcompression no\nport x", "f").ok());
  EXPECT_EQ(options.hz, 7);
  EXPECT_TRUE(options.compat.empty());
  const std::string_view arguments[] = {"--hz", "9", "--port", "x"};
  EXPECT_FALSE(ApplyArguments(options, arguments).ok());
  EXPECT_EQ(options.hz, 7);
}

TEST(ConfigTextTest, EachTypeReachesItsMember) {
  Options options;
  ASSERT_EQ(ApplyConfigText(options, R"(
databases 3
MAXMEMORY 1Gb
maxmemory-policy volatile-TTL
lazyfree-lazy-expire yes
requirepass "s p\x41\"ce"
enable-debug-command local
bind 127.0.0.1 -::1
unixsocket '/run/it''
unixsocketperm 770
client-output-buffer-limit replica 1kb 1k 5
maxclients 4294967295
loglevel warning
supervised systemd
ae-api select
)", "f").message(), "f:9: Unbalanced quotes in configuration line");
  ASSERT_TRUE(ApplyConfigText(options, R"(
databases 3
MAXMEMORY 1Gb
maxmemory-policy volatile-TTL
lazyfree-lazy-expire yes
requirepass "s p\x41\"ce"
enable-debug-command local
bind 127.0.0.1 -::1
unixsocket '/run/it\''
unixsocketperm 770
client-output-buffer-limit replica 1kb 1k 5
maxclients 4294967295
loglevel warning
supervised systemd
ae-api select
)", "f").ok());
  EXPECT_EQ(options.databases, 3);
  EXPECT_EQ(options.maxmemory, uint64_t{1} << 30);
  EXPECT_EQ(options.maxmemory_policy, MaxmemoryPolicy::kVolatileTtl);
  EXPECT_TRUE(options.lazyfree_lazy_expire);
  EXPECT_EQ(options.requirepass, "s pA\"ce");
  EXPECT_EQ(options.enable_debug_command, ProtectedAction::kLocal);
  EXPECT_THAT(*options.bind, ElementsAre("127.0.0.1", "-::1"));
  EXPECT_EQ(options.unixsocket, "/run/it'");
  EXPECT_EQ(options.unixsocketperm, 0770u);
  EXPECT_EQ(options.output_limit_replica, (OutputBufferLimit{1024, 1000, 5}));
  EXPECT_EQ(options.output_limit_pubsub, Options().output_limit_pubsub);
  EXPECT_EQ(options.maxclients, 4294967295u);
  EXPECT_EQ(options.loglevel, LogLevel::kWarning);
  EXPECT_EQ(options.supervised, Supervised::kSystemd);
  EXPECT_EQ(options.ae_api, AeApi::kSelect);
}

TEST(ConfigFileTest, DebiansFileIsTakenWhole) {
  const absl::StatusOr<Options> options = ParseConfigFile("/etc/redis/redis.conf");
  if (!options.ok() && access("/etc/redis/redis.conf", R_OK) != 0) {
    // The file belongs to the user redis; not being allowed to read it is an error like any other.
    EXPECT_EQ(options.status().code(), absl::StatusCode::kPermissionDenied) << options.status();
    EXPECT_THAT(std::string(options.status().message()), HasSubstr("/etc/redis/redis.conf"));
    return;
  }
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->config_file, "/etc/redis/redis.conf");
  EXPECT_THAT(*options->bind, ElementsAre("127.0.0.1", "-::1"));
  EXPECT_TRUE(options->daemonize);
  EXPECT_EQ(options->port, 6379);
  EXPECT_EQ(options->pidfile, "/run/redis/redis-server.pid");
  EXPECT_EQ(options->logfile, "/var/log/redis/redis-server.log");
  EXPECT_EQ(options->dir, "/var/lib/redis");
  EXPECT_EQ(Text(*options, "save"), "3600 1 300 100 60 10000");
  EXPECT_EQ(Text(*options, "auto-aof-rewrite-min-size"), "67108864");

  // As Debian's service file starts it.
  Options started;
  const std::string_view arguments[] = {"/etc/redis/redis.conf", "--supervised", "systemd", "--daemonize", "no"};
  ASSERT_TRUE(ApplyArguments(started, arguments).ok());
  EXPECT_FALSE(started.daemonize);
  EXPECT_EQ(started.supervised, Supervised::kSystemd);
}

TEST(ConfigFileTest, DebiansFileIsRewrittenToItself) {
  const absl::StatusOr<Options> options = ParseConfigFile("/etc/redis/redis.conf");
  if (!options.ok()) {
    EXPECT_EQ(options.status().code(), absl::StatusCode::kPermissionDenied);
    return;
  }
  base::Buffer text;
  ASSERT_EQ(directives::ReadFile("/etc/redis/redis.conf", &text), 0);
  std::string expected(text.view());
  if (!expected.ends_with('\n')) expected += '\n';
  // The only lines that change are those of output limits, to the same limits in our form.
  EXPECT_EQ(Rewritten(*options, text.view()), expected);
}

TEST(ConfigFileTest, FilesThatCannotBeReadAreNamed) {
  TemporaryFolder folder;
  EXPECT_EQ(ParseConfigFile(folder.path() + "/none.conf").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(ParseConfigFile(folder.path() + "/none.conf").status().message()),
              HasSubstr(folder.path() + "/none.conf"));
  EXPECT_FALSE(ParseConfigFile(folder.path()).ok());
  EXPECT_FALSE(ParseConfigFile("").ok());
  const std::string file = folder.Write("a.conf", "hz 11\ninclude " + folder.path() + "/none.conf\n");
  EXPECT_EQ(ParseConfigFile(file).status().code(), absl::StatusCode::kNotFound);
  const std::string big = folder.Write("big.conf", std::string(5 << 20, '#'));
  EXPECT_FALSE(ParseConfigFile(big).ok());
}

TEST(ConfigFileTest, IncludesAreNamedInMessagesAndMayNotCircle) {
  TemporaryFolder folder;
  const std::string inner = folder.Write("inner.conf", "\nhz x\n");
  const std::string outer = folder.Write("outer.conf", "timeout 5\ninclude " + inner + "\n");
  EXPECT_THAT(std::string(ParseConfigFile(outer).status().message()), HasSubstr(inner + ":2: hz: "));
  const std::string circle = folder.Write("circle.conf", "include " + folder.path() + "/circle.conf\n");
  EXPECT_THAT(std::string(ParseConfigFile(circle).status().message()), HasSubstr("16 deep"));
}

TEST(ConfigFileTest, IncludeStartsFromDir) {
  TemporaryFolder folder;
  folder.Write("more.conf", "hz 77\n");
  const std::string file = folder.Write("main.conf", "dir " + folder.path() + "/x/..\ninclude more.conf\n");
  const absl::StatusOr<Options> options = ParseConfigFile(file);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->hz, 77);
  EXPECT_EQ(options->dir, folder.path());
}

TEST(ConfigFileTest, BaseGivesWhatTheFileLeavesOpen) {
  TemporaryFolder folder;
  Options base;
  base.seed = 5;
  base.timeout = 9;
  base.hz = 9;
  const absl::StatusOr<Options> options = ParseConfigFile(folder.Write("f", "hz 20"), base);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->seed, 5u);
  EXPECT_EQ(options->timeout, 9);
  EXPECT_EQ(options->hz, 20);
}

TEST(ArgumentsTest, MessagesNameTheDirective) {
  Options options;
  const std::string_view arguments[] = {"--hz", "9", "--maxmemory", "x"};
  EXPECT_THAT(std::string(ApplyArguments(options, arguments).message()),
              HasSubstr("arguments: maxmemory: argument must"));
}

TEST(ArgumentsTest, DashReadsStandardInputBetweenFileAndDirectives) {
  TemporaryFolder folder;
  const std::string file = folder.Write("f.conf", "hz 1\ntimeout 1\ntcp-backlog 1\n");
  const std::string input = folder.Write("input", "hz 2\ntimeout 2\n");
  const int saved = dup(STDIN_FILENO);
  ASSERT_NE(freopen(input.c_str(), "r", stdin), nullptr);
  Options options;
  const std::string_view arguments[] = {file, "--hz", "3", "-"};
  const absl::Status status = ApplyArguments(options, arguments);
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(options.hz, 3);
  EXPECT_EQ(options.timeout, 2);
  EXPECT_EQ(options.tcp_backlog, 1);
  EXPECT_EQ(options.config_file, file);
}

TEST(ConfigSetTest, ChangedNamesWhatHasAnotherValueNow) {
  Options options;
  const std::string_view pairs[] = {"hz", "10", "timeout", "5", "slave-priority", "100", "rdbcompression", "no"};
  const directives::ConfigSetResult result =
      directives::ConfigSet(options, pairs, true, [](std::string_view) { return false; });
  EXPECT_EQ(result.error, "");
  EXPECT_THAT(result.changed,
              ElementsAre(directives::FindDirective("timeout"), directives::FindDirective("rdbcompression")));
}

TEST(ConfigSetTest, LocalProtectionHoldsOffOthers) {
  Options options;
  options.enable_protected_configs = ProtectedAction::kLocal;
  const std::string_view pair[] = {"dbfilename", "x.rdb"};
  EXPECT_THAT(directives::ConfigSet(options, pair, false, [](std::string_view) { return false; }).error,
              HasSubstr("can't set protected config"));
  EXPECT_EQ(directives::ConfigSet(options, pair, true, [](std::string_view) { return false; }).error, "");
  EXPECT_EQ(Text(options, "dbfilename"), "x.rdb");
}

// As in Redis, whose lines have no limit.
TEST(ConfigFileTest, LinesMayBeLong) {
  Options options;
  const std::string value(100'000, 'x');
  const std::string text = "#" + std::string(200'000, ' ') + "comment\nhz" + std::string(100'000, ' ') +
                           "11\nmasteruser \"" + value + "\"\nrequirepass " + value + "\n";
  ASSERT_TRUE(ApplyConfigText(options, text, "my.conf").ok());
  EXPECT_EQ(options.hz, 11);
  EXPECT_EQ(options.requirepass, value);
  EXPECT_TRUE(directives::Validate(options).ok());
  Options again;
  ASSERT_TRUE(ApplyConfigText(again, Rewritten(options, text), "written").ok());
  EXPECT_EQ(Text(again, "masteruser"), value);
}

TEST(ConfigSetTest, OverlongValuesAreRefused) {
  Options options;
  const std::string value(70000, 'x');
  const std::string_view pair[] = {"requirepass", value};
  EXPECT_THAT(directives::ConfigSet(options, pair, true, [](std::string_view) { return false; }).error,
              HasSubstr("longer than 65536 bytes"));
  EXPECT_EQ(options.requirepass, "");
}

TEST(ConfigRewriteTest, KeepsWhatIsNotOursToChange) {
  Options options;
  options.hz = 40;
  options.timeout = 5;
  options.maxmemory = 100 << 20;
  EXPECT_EQ(Rewritten(options, "# top\n\n  # hz\nhz 20\ninclude /x\nHZ 30\nmaxmemory   102400kb\r\nport 6379\n# end"),
            "# top\n\n  # hz\nhz 40\ninclude /x\nmaxmemory   102400kb\r\nport 6379\n# end\n\n"
            "# Generated by CONFIG REWRITE\ntimeout 5\n");
}

TEST(ConfigRewriteTest, TheDefaultUserGoesWithRequirepass) {
  Options options;
  options.requirepass = "foo";
  const std::string with =
      "requirepass \"foo\"\n"
      "user default on #2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae ~* &* +@all\n";
  EXPECT_EQ(Rewritten(options, "requirepass bar\nuser default on #" + std::string(64, 'a') + " ~* &* +@all\n"), with);
  EXPECT_EQ(Rewritten(options, "requirepass foo\nuser default on nopass ~* &* +@all\n").substr(16), with.substr(18))
      << "else Redis would let all in";
  EXPECT_EQ(Rewritten(Options(), with), "user default on nopass ~* &* +@all\n");
}

TEST(ConfigRewriteTest, IsDoneOnceAndThenChangesNothing) {
  Options options;
  options.hz = 15;
  const std::string once = Rewritten(options, "port 6379\n");
  EXPECT_EQ(once, "port 6379\n\n# Generated by CONFIG REWRITE\nhz 15\n");
  EXPECT_EQ(Rewritten(options, once), once);
  options.timeout = 5;
  EXPECT_EQ(Rewritten(options, once), once + "timeout 5\n");
  EXPECT_EQ(Rewritten(Options(), ""), "");
}

TEST(ConfigRewriteTest, DefaultsStayOnlyWhereTheFileHasThem) {
  EXPECT_EQ(Rewritten(Options(), "hz 20\nmasterauth x\nlogfile y\nslave-priority 7\nrequirepass p\n"),
            "hz 10\nlogfile \"\"\nreplica-priority 100\n");
}

TEST(ConfigRewriteTest, LinesOfOneDirectiveShrinkAndGrow) {
  Options options;
  options.compat["save"] = "1 1 2 2 3 3";
  EXPECT_EQ(Rewritten(options, "save 9 9\n# a\nsave 8 8\n# b\n"),
            "save 1 1\n# a\nsave 2 2\n# b\n\n# Generated by CONFIG REWRITE\nsave 3 3\n");
  options.compat["save"] = "";
  EXPECT_EQ(Rewritten(options, "save 9 9\n# a\nsave 8 8\n# b\n"), "save \"\"\n# a\n# b\n");
  EXPECT_EQ(Rewritten(Options(), "save 9 9\n"),
            "save 3600 1\n\n# Generated by CONFIG REWRITE\nsave 300 100\nsave 60 10000\n");
}

TEST(ConfigRewriteTest, OutputLimitsKeepTheirLines) {
  Options options;
  options.output_limit_replica = {1 << 20, 1 << 20, 1};
  EXPECT_EQ(Rewritten(options, ""),
            "# Generated by CONFIG REWRITE\nclient-output-buffer-limit replica 1mb 1mb 1\n");
  EXPECT_EQ(Rewritten(options, "client-output-buffer-limit pubsub 1 1 1\n"),
            "client-output-buffer-limit replica 1mb 1mb 1\n");
  const std::string all =
      "client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit replica 1mb 1mb 1\n"
      "client-output-buffer-limit pubsub 32mb 8mb 60\n";
  EXPECT_EQ(Rewritten(options, all), all);
}

TEST(ConfigRewriteTest, TheFileIsReplacedWithItsModeAndThroughALink) {
  TemporaryFolder folder;
  Options options;
  options.hz = 20;
  const std::string file = folder.Write("real.conf", "hz 10\n");
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  options.config_file = folder.path() + "/link.conf";
  ASSERT_EQ(symlink("real.conf", options.config_file.c_str()), 0);
  struct stat before, after, link;
  ASSERT_EQ(stat(file.c_str(), &before), 0);
  EXPECT_EQ(directives::ConfigRewrite(options), "");
  EXPECT_EQ(folder.Read("real.conf"), "hz 20\n");
  ASSERT_EQ(stat(file.c_str(), &after), 0);
  ASSERT_EQ(lstat(options.config_file.c_str(), &link), 0);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_NE(after.st_ino, before.st_ino);
  EXPECT_TRUE(S_ISLNK(link.st_mode));
}

// Random files: those that are accepted are written anew, and that reads back as the same options.
TEST(ConfigRewriteTest, WhatIsWrittenReadsBackTheSame) {
  constexpr unsigned kSeed = 20240611;
  std::mt19937 random(kSeed);
  const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
  std::vector<std::string> names = {"user", "loadmodule", "foo"};
  directives::ForEachDirective([&](const Directive& directive) {
    names.emplace_back(directive.name);
    if (!directive.alias.empty()) names.emplace_back(directive.alias);
  });
  static constexpr const char* kWords[] = {
      "yes", "no", "1", "-1", "100mb", "\"", "'", "\\", "\\x41", "{", "}", "{title}", "normal", "replica", "0",
      "60", " ", "\t", "%", "5%", "999999999999999999999", "nan", "1e308", "/", "..", "*", "AKE", "save", "now",
      "\x80\xff", "\r", "#"};
  int accepted = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string text;
    for (unsigned lines = random() % 4; lines > 0; --lines) {
      text += pick(names);
      for (unsigned words = random() % 5; words > 0; --words) (text += random() % 4 == 0 ? "" : " ") += pick(kWords);
      text += '\n';
    }
    for (unsigned changes = random() % 3; changes > 0 && !text.empty(); --changes) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    Options options, again;
    if (!ApplyConfigText(options, text, "random").ok()) continue;
    ++accepted;
    const std::string written = Rewritten(options, text);
    const absl::Status status = ApplyConfigText(again, written, "written");
    ASSERT_TRUE(status.ok()) << "seed " << kSeed << " round " << round << "\n" << text << "---\n" << written << status;
    EXPECT_TRUE(directives::Validate(options).ok()) << text << directives::Validate(options);
    directives::ForEachDirective([&](const Directive& directive) {
      EXPECT_EQ(directives::GetText(directive, again), directives::GetText(directive, options))
          << "seed " << kSeed << " round " << round << " " << directive.name << "\n" << text << "---\n" << written;
    });
  }
  EXPECT_GT(accepted, 200);
}

// What a client may set must not become lines of its own in the file.
TEST(ConfigRewriteTest, WhateverIsSetStaysInsideItsLine) {
  const std::string_view kAttacks[] = {
      "a\nport 7777\n#", "\nport 7777\n",  "-x\nport\t7777\n#", "a\rport 7777\r#",       "\" \nport 7777\n\"",
      "'\nport 7777\n'", "a\"\nport 7777", "\\\nport 7777",     "{title}\nport 7777\n#", "127.0.0.1 -x\nport\t7777\n#",
      "a\vport 7777"};
  int taken = 0;
  directives::ForEachDirective([&](const Directive& directive) {
    for (std::string_view attack : kAttacks) {
      Options options, again;
      const std::string_view pair[] = {directive.name, attack};
      if (!directives::ConfigSet(options, pair, true, [](std::string_view) { return false; }).error.empty()) continue;
      ++taken;
      const std::string written = Rewritten(options, "");
      const absl::Status status = ApplyConfigText(again, written, "written");
      ASSERT_TRUE(status.ok()) << directive.name << ": " << status << "\n" << written;
      directives::ForEachDirective([&](const Directive& other) {
        EXPECT_EQ(directives::GetText(other, again), directives::GetText(other, options)) << other.name << "\n"
                                                                                          << written;
      });
    }
  });
  EXPECT_GT(taken, 100);
}

TEST(OptionsTest, AnAddressIsAnAddress) {
  Options options;
  const auto set = [&](std::string_view value) {
    const std::string_view pair[] = {"bind", value};
    return directives::ConfigSet(options, pair, true, [](std::string_view) { return false; }).error;
  };
  for (const char* good :
       {"127.0.0.1", "* -::*", "-192.0.2.77 fe80::1%eth0", "localhost", "my-host.example_1", "127.0.0.1  ::1"}) {
    EXPECT_EQ(set(good), "") << good;
  }
  for (const char* bad : {"127.0.0.1 -x\nenable-debug-command\tyes\n#", "-\"", "'::1'", "a/b", "-a#", "127.0.0.1\t::1",
                          "127.0.0.1\n", "-\\", "\x7f", "\xc3\xa4", "a,b"}) {
    EXPECT_EQ(set(bad), "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified "
                        "addresses.")
        << bad;
    options.bind = std::vector<std::string>{bad};
    EXPECT_FALSE(directives::Validate(options).ok()) << bad;
  }
  EXPECT_THAT(ErrorOf("bind \"-a\\nport\\t7\""),
              HasSubstr("my.conf:1: bind: Failed to bind to specified addresses. (allowed: "));
}

TEST(WordsTest, QuotedReadsBackForAllBytes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  std::vector<std::string> words;
  ASSERT_TRUE(directives::SplitWords("x " + directives::Quoted(all), &words));
  EXPECT_THAT(words, ElementsAre("x", all));
}

TEST(PathTest, AbsolutePathsLoseTheirDots) {
  EXPECT_EQ(directives::AbsolutePath("/a/./b//../c/", ""), "/a/c");
  EXPECT_EQ(directives::AbsolutePath("../x", "/a/b"), "/a/x");
  EXPECT_EQ(directives::AbsolutePath("/../..", ""), "/");
}

}  // namespace
}  // namespace larder
