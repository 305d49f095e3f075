// Rows, values, files and arguments, each compared with what a real redis-server 7.0.15 says to the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "lib/options/directive.h"
#include "tests/lib/redis_oracle.h"

namespace larder::directives {
namespace {

// What larder-server starts from: Redis's own default of bind.
Options ServerOptions() {
  Options options;
  options.bind = {"*", "-::*"};
  return options;
}

using tests::RedisOracle;
using tests::TemporaryFolder;

// Directives of our own.
const std::set<std::string> kOurs = {"ae-api", "async-bytes-max", "authentication-timeout"};

// What the oracle's start itself sets, so that its default does not show.
const std::set<std::string> kSetByTest = {"port", "unixsocket", "dir", "daemonize"};

// Values that Redis allows and we do not, or reads otherwise, with the reason. The length of this table is printed.
struct Difference {
  const char* name;   // null: any directive
  const char* value;  // null: any value
  const char* reason;
};
const Difference kDifferences[] = {
    {"activedefrag", nullptr, "off-only, in our words; Debian's build refuses it as well"},
    {"appendonly", "yes", "off-only"},
    {"appendonly", "YES", "off-only"},
    {"tls-cluster", nullptr, "off-only; Redis wants certificates first"},
    {"tls-replication", nullptr, "off-only; Redis wants certificates first"},
    {"tls-port", nullptr, "Redis wants certificates at once; ours when there is a listener"},
    {"port", nullptr, "Redis listens at once; ours does when the listener is told"},
    {"maxclients", "65536", "Redis asks the system for as many descriptors; the listener does that here"},
    {"maxclients", "1000000", "the same"},
    {"maxclients", "2147483648", "the same, in steps of 16 for a minute"},
    {"maxmemory-policy", nullptr, "ours has two more policies, which the error names"},
    {nullptr, "17179869184gb", "beyond 64 bits: the largest size, not 0"},
    {"save", "1 99999999999", "beyond an int: the largest, not what is left of it"},
    {"save", "60 2147483648", "the same, which Redis makes negative"},
    {"bind", "a/b", "no address has such a character; Redis takes it when it does not listen, or '-' stands before it"},
    {"bind", "+1", "the same"},
    {"bind", "\"1\" 2", "the same"},
    {"bind", "'a b'", "the same"},
    {"bind", "\"unbalanced", "the same"},
    {"watchdog-period", nullptr, "Redis's smallest value hangs on hz; what it does at hz 10 is tested below"},
};

bool Differs(const std::string& name, const std::string& value) {
  return std::any_of(std::begin(kDifferences), std::end(kDifferences), [&](const Difference& difference) {
    return (difference.name == nullptr || difference.name == name) &&
           (difference.value == nullptr || difference.value == value);
  });
}

std::unique_ptr<RedisOracle> StartOracle(std::vector<std::string> arguments = {}) {
  std::string output;
  std::unique_ptr<RedisOracle> oracle = RedisOracle::Start(arguments, &output);
  EXPECT_NE(oracle, nullptr) << output;
  return oracle;
}

std::map<std::string, std::string> AllOf(RedisOracle& oracle) {
  const std::vector<std::string> reply = oracle.Run({"CONFIG", "GET", "*"});
  std::map<std::string, std::string> all;
  for (size_t i = 0; i + 1 < reply.size(); i += 2) all[reply[i]] = reply[i + 1];
  return all;
}

std::map<std::string, std::string> AllOf(const Options& options) {
  const std::string_view star = "*";
  std::map<std::string, std::string> all;
  for (const NameAndText& entry : ConfigGet(options, {&star, 1})) all[entry.name] = entry.text;
  return all;
}

// CONFIG SET by us: the reply as the oracle gives it.
std::string Set(Options& options, const std::vector<std::string>& arguments) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  const ConfigSetResult result = ConfigSet(options, views, true, [](std::string_view) { return false; });
  return result.error.empty() ? "+OK" : "-" + result.error;
}

std::string SetByOracle(RedisOracle& oracle, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"CONFIG", "SET"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return oracle.Line(command);
}

void Without(const std::set<std::string>& names, std::map<std::string, std::string>* all) {
  for (const std::string& name : names) all->erase(name);
}

TEST(DirectiveRowsOracleTest, NamesAndDefaultsAreThoseOfRedis) {
  const auto oracle = StartOracle();
  std::map<std::string, std::string> theirs = AllOf(*oracle);
  std::map<std::string, std::string> mine = AllOf(ServerOptions());
  EXPECT_EQ(theirs.size(), 192u);
  for (const std::string& name : kOurs) EXPECT_EQ(mine.count(name), 1u) << name;
  Without(kOurs, &mine);
  std::set<std::string> their_names, my_names;
  for (const auto& [name, text] : theirs) their_names.insert(name);
  for (const auto& [name, text] : mine) my_names.insert(name);
  EXPECT_EQ(my_names, their_names);
  Without(kSetByTest, &theirs);
  Without(kSetByTest, &mine);
  EXPECT_EQ(mine, theirs);
}

TEST(DirectiveRowsOracleTest, HiddenOnesAreFoundByNameOnly) {
  const auto oracle = StartOracle();
  ForEachDirective([&](const Directive& directive) {
    if ((directive.flags & kHidden) == 0) return;
    const std::string name(directive.name);
    EXPECT_EQ(oracle->ConfigGet(name), GetText(directive, Options())) << name;
    EXPECT_EQ(oracle->Run({"CONFIG", "GET", name + "*"}).size(), 0u) << name;
  });
}

TEST(DirectiveRowsOracleTest, ImmutableAndProtectedAreThoseOfRedis) {
  const auto oracle = StartOracle();
  ForEachDirective([&](const Directive& directive) {
    if (kOurs.count(std::string(directive.name)) != 0) return;
    const std::string reply = SetByOracle(*oracle, {std::string(directive.name), "\x01 no value"});
    EXPECT_EQ(reply.find("immutable config") != reply.npos, (directive.flags & kImmutable) != 0) << directive.name;
    EXPECT_EQ(reply.find("protected config") != reply.npos, (directive.flags & kProtected) != 0) << directive.name;
  });
}

// Every directive that can be set gets every value below; reply and resulting text must agree.
TEST(ConfigSetOracleTest, EveryDirectiveTakesAndRefusesWhatRedisDoes) {
  const std::vector<std::string> values = {
      "",     "abc",  "-1",     "0",      "1",  "2",     "yes", "no",  "YES",  "1.5", "1k",  "1KB", "100mb", "1gb",
      "5%",   "-5%",  "101%",   " 1",     "1 ", "+1",    "01",  "1e3", "0x10", "k",   "a b", "a/b", "1 2",   "60 1",
      "1 2 3", "99", "65536",   "2147483648",   "4294967296",   "9223372036854775807",      "9223372036854775808",
      "17179869184gb",          "99999999999999999999",         "18446744073709551615",     "1000000"};
  const auto oracle = StartOracle();
  Options options = ServerOptions();
  int compared = 0;
  ForEachDirective([&](const Directive& directive) {
    const std::string name(directive.name);
    if (kOurs.count(name) != 0 || (directive.flags & kImmutable) != 0) return;
    for (const std::string& value : values) {
      if (Differs(name, value)) continue;
      const std::string theirs = SetByOracle(*oracle, {name, value});
      EXPECT_EQ(Set(options, {name, value}), theirs) << name << " '" << value << "'";
      if (name != "dir") {
        EXPECT_EQ(GetText(directive, options), oracle->ConfigGet(name)) << name << " '" << value << "'";
      }
      ++compared;
    }
    // So that one directive's odd values do not slow down the next.
    SetByOracle(*oracle, {name, std::string(directive.default_text)});
    Set(options, {name, std::string(directive.default_text)});
  });
  printf("values compared: %d, differences listed: %zu\n", compared, std::size(kDifferences));
  EXPECT_GT(compared, 4000);
}

TEST(ConfigSetOracleTest, ValuesWithAStructureReadAsInRedis) {
  const std::map<std::string, std::vector<std::string>> values = {
      {"hz", {"0", "1", "500", "501", "100000", "10"}},
      {"loglevel", {"DEBUG", "Notice", " notice", std::string("debug\0", 6)}},
      {"notify-keyspace-events",
       {"A", "AK", "KEA", "KEg$lshzxet", "KEg$lshzxetd", "KEg$lshzxetdmn", "KEm", "mn", "d", "Kn", "KK", "kea", "",
        "Kz$", "En", "KA'", "An"}},
      {"oom-score-adj-values",
       {"0 200 800", "0 200", "1001 1001 1001", "2001 1 1", "-2001 0 1", "a 1 2", "0  200   800", "\"0\" 1 2",
        " 0 200 800 ", "0 200 800.5", "+1 2 3", "01 2 3", "0x1 2 3", "\t1 2 3", "1 2 "}},
      {"maxmemory-clients", {"0%", "100%", "5 %", "%", "1kb%", "5.5%", "05%", "9223372036854775807"}},
      {"latency-tracking-info-percentiles",
       {"50", "50 99", "50 99 99.9 99.99", "100", "0.0", "100.1", "-1", "50 50", "99 50", "1e1", "50.123456789",
        " 50  99 ", "nan", "inf", "\"50\" 99", "99.99999", "33.333333333333", "5.123456789", "1e-7", "12.3456785", "5.",
        ".5", "1e", "+5", ""}},
      {"save",
       {"60 1 30 2", "60", "60 1 2", "0 1", "-1 1", "1 0", "1 -1", "60 1 60 1", " 60 1 ", "60  1", "\"60\" 1",
        "9999999999999 1", "1 99999999999", "1.5 1", "+60 1", "60 +1", "\t60 1", "060 01", "60 1k", "60 2147483648",
        "99999999999999999999 1", "60 1.0", "", "3600 1 300 100 60 10000"}},
      {"client-output-buffer-limit",
       {"normal 0 0 0", "normal 1 2 3", "slave 1mb 2mb 3", "replica 1gb 2 3", "NORMAL 1 1 1", "pubsub 1k 1kb 60",
        "master 0 0 0", "foo 0 0 0", "normal 0 0", "normal 0 0 0 pubsub 1 1 1", "normal 0 0 0 pubsub 1 1",
        "normal -1 0 0", "normal 0 x 0", "normal 0 0 -1", "normal 0 0 1.5", "normal 0 0 a", "normal  1   1 1",
        " normal 1 1 1", "normal 0 0 99999999999999999999", "normal 0 0 2147483648", "normal 99999999999999999999 0 0",
        "normal 0 0 0 foo 1 1 1", "normal \"\" 0 0", "replica 256mb 64mb 60 slave 1 1 1", "normal 0 0 0 normal 1 1 1",
        "normal +1 0 0", "normal 0 0 +1", "normal 0 0 01", "normal 01 0 0", "normal k 0 0", "normal 0 0 \t1",
        "normal 0 0 ", "normal  0 "}},
      {"proc-title-template",
       {"{title}", "{foo}", "{title", "", "x", "{}", "}{", "}", "{title}x", "{port}", "{config-file}", "{unixsocket}",
        "{tls-port}", "{listen-addr}", "{server-mode}", "{Title}", "{{title}}", "a{title", "{title}{title}", " ", "\t",
        "{title} {port} {config-file} {unixsocket} {tls-port} {listen-addr} {server-mode}"}},
      {"cluster-announce-hostname", {"a_b", "a b", "a.b-c", std::string(256, 'x'), std::string(255, 'x'), ""}},
      {"shutdown-on-sigterm",
       {"save now", "nosave force now", "save nosave", "nosave save", "default save", "save default", "", "now now",
        "SAVE", "save  now", "\"save\" now", "force", "default", "default now"}},
      {"bind", {"a b c", "\"1\" 2", " 1  2 ", "* -::*", "'a b'", "\"unbalanced", ""}},
      {"maxmemory", {"1b", "1G", "1t", "b", "+1k", "007k", "2 gb", std::string("1\0", 2), std::string(126, '0') + "1k",
                     std::string(127, '0') + "1k", "0"}},
      {"slowlog-max-len", {"-0", "00", "-9223372036854775808", "128"}},
      {"repl-backlog-size", {"1", "16383", "16385", "1mb"}},
      {"watchdog-period", {"1", "300", "0"}},
      {"requirepass", {"a b", std::string("a\0b", 3), "", "a\r\nb", ""}},
  };
  const auto oracle = StartOracle();
  Options options = ServerOptions();
  for (const auto& [name, list] : values) {
    for (const std::string& value : list) {
      if ((name == "save" || name == "bind") && Differs(name, value)) continue;
      EXPECT_EQ(Set(options, {name, value}), SetByOracle(*oracle, {name, value})) << name << " '" << value << "'";
      EXPECT_EQ(GetText(*FindDirective(name), options), oracle->ConfigGet(name)) << name << " '" << value << "'";
    }
  }
}

TEST(ConfigSetOracleTest, SeveralPairsFailTogetherAndInRedissOrder) {
  const std::vector<std::vector<std::string>> cases = {
      {"foo", "1"},
      {"FOO", "1", "hz", "9"},
      {"hz", "9", "FOO", "1"},
      {"hz", "11", "hz", "12"},
      {"hz", "11", "HZ", "12"},
      {"Hz", "1", "hZ", "2"},
      {"slave-priority", "1", "replica-priority", "2"},
      {"slave-priority", "1", "SLAVE-priority", "2"},
      {"databases", "3"},
      {"DATABASES", "3"},
      {"hz", "12", "databases", "3", "maxmemory", "x"},
      {"hz", "12", "maxmemory", "x", "databases", "3"},
      {"hz", "12", "maxmemory", "x", "timeout", "z"},
      {"HZ", "a"},
      {"hz", "a", "hz", "1"},
      {"hz", "1", "hz", "1", "foo", "1"},
      {"hz", "1", "foo", "1", "hz", "1"},
      {"databases", "1", "foo", "1"},
      {"hz", "1", "hz", "1", "databases", "3"},
      {"hz", "1", "databases", "3", "hz", "1"},
      {"dir", "here", "foo", "1"},
      {"DIR", "here"},
      {"dir", "here", "databases", "1"},
      {"hz\r\nx", "1"},
      {"hz", "a\r\n"},
      {"SLAVE-PRIORITY", "x"},
      {std::string(300, 'x'), "1"},
      {"hz", "33", "timeout", "44", "maxmemory", "1mb"},
      {"save", "60 1", "save", "60 2"},
      {"min-slaves-to-write", "3"},
      {"lua-time-limit", "x"},
      {"timeout", "1", "maxmemory", "5mb", "save", "60"},
  };
  const auto oracle = StartOracle();
  Options options = ServerOptions();
  for (const std::vector<std::string>& arguments : cases) {
    EXPECT_EQ(Set(options, arguments), SetByOracle(*oracle, arguments)) << arguments[0];
    for (const char* name : {"hz", "timeout", "maxmemory", "replica-priority", "slave-priority", "save",
                             "min-replicas-to-write"}) {
      EXPECT_EQ(GetText(*FindDirective(name), options), oracle->ConfigGet(name)) << arguments[0];
    }
  }
}

TEST(ConfigSetOracleTest, ProtectedOnesOpenWithEnableProtectedConfigs) {
  TemporaryFolder folder;
  const auto oracle = StartOracle({"--enable-protected-configs", "yes"});
  Options options = ServerOptions();
  options.enable_protected_configs = ProtectedAction::kYes;
  const std::string file = folder.Write("file", "");
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"dbfilename", "a/b"}, {"dbfilename", ""}, {"dbfilename", "x"}, {"dir", "/nonexistent"}, {"dir", file},
           {"dir", ""}, {"dir", folder.path()}, {"dir", "."}, {"dir", folder.path() + "/./"}}) {
    EXPECT_EQ(Set(options, arguments), SetByOracle(*oracle, arguments)) << arguments[0] << " " << arguments[1];
    EXPECT_EQ(GetText(*FindDirective("dbfilename"), options), oracle->ConfigGet("dbfilename"));
  }
  EXPECT_EQ(options.dir, oracle->ConfigGet("dir"));
}

TEST(ConfigGetOracleTest, PatternsFindTheSameNames) {
  const std::vector<std::vector<std::string>> cases = {
      {"MAXMEMORY"}, {"MaxMem*"},       {"max*", "MAXMEMORY", "hz", "HZ"}, {"nosuch"},  {"hz", "h?", "hz"}, {"[h]z"},
      {"H?"},        {"MAXMEMORY", "max*"}, {"slave-priority", "replica-priority"}, {"\\hz"}, {"hz]"},     {"[hz"},
      {""},          {"lua*", "LUA-TIME-LIMIT"}, {"WATCHDOG-period", "watchdog*"}, {"slave*"}, {"*-ziplist-*"}};
  const auto oracle = StartOracle();
  for (const std::vector<std::string>& patterns : cases) {
    std::vector<std::string> command = {"CONFIG", "GET"};
    command.insert(command.end(), patterns.begin(), patterns.end());
    const std::vector<std::string> reply = oracle->Run(command);
    std::multimap<std::string, std::string> theirs, mine;
    for (size_t i = 0; i + 1 < reply.size(); i += 2) theirs.emplace(reply[i], reply[i + 1]);
    const std::vector<std::string_view> views(patterns.begin(), patterns.end());
    for (const NameAndText& entry : ConfigGet(Options(), views)) mine.emplace(entry.name, entry.text);
    EXPECT_EQ(mine, theirs) << patterns[0];
  }
}

// What one side makes of a file or of arguments: all values, or its complaint.
struct Outcome {
  bool good = false;
  std::map<std::string, std::string> values;
  std::string complaint;
};

Outcome ByRedis(const std::vector<std::string>& arguments) {
  Outcome outcome;
  const auto oracle = RedisOracle::Start(arguments, &outcome.complaint);
  outcome.good = oracle != nullptr;
  if (outcome.good) {
    if (std::find(arguments.begin(), arguments.end(), "--requirepass") != arguments.end()) {
      oracle->Run({"AUTH", "secret"});
    }
    outcome.values = AllOf(*oracle);
  }
  Without(kSetByTest, &outcome.values);
  return outcome;
}

Outcome ByLarder(const std::vector<std::string>& arguments) {
  Outcome outcome;
  Options options = ServerOptions();
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  const absl::Status status = ApplyArguments(options, views);
  outcome.good = status.ok();
  outcome.complaint = std::string(status.message());
  outcome.values = AllOf(options);
  Without(kOurs, &outcome.values);
  Without(kSetByTest, &outcome.values);
  return outcome;
}

// Both take it and mean the same, or both refuse it; `reason` is then in both complaints.
void ExpectAgreement(const std::vector<std::string>& arguments, const std::string& what, const std::string& reason) {
  const Outcome theirs = ByRedis(arguments);
  const Outcome mine = ByLarder(arguments);
  EXPECT_EQ(mine.good, theirs.good) << what << ": " << mine.complaint << theirs.complaint;
  EXPECT_EQ(theirs.good, reason.empty()) << what << ": " << theirs.complaint;
  EXPECT_NE(theirs.complaint.find(reason), std::string::npos) << what << ": " << theirs.complaint;
  EXPECT_NE(mine.complaint.find(reason), std::string::npos) << what << ": " << mine.complaint;
  if (mine.good && theirs.good) {
    EXPECT_EQ(mine.values, theirs.values) << what;
  }
}

TEST(ConfigFileOracleTest, MeansWhatItMeansToRedis) {
  TemporaryFolder folder;
  folder.Write("inc1.conf", "hz 21\n");
  folder.Write("inc2.conf", "hz 22\nsave 5 5\n");
  const std::string in = "include " + folder.path() + "/";
  constexpr char kWrongNumber[] = "wrong number of arguments";
  constexpr char kUnbalanced[] = "Unbalanced quotes in configuration line";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"hz 0\ntimeout 7", ""},
      {"maxmemory", kWrongNumber},
      {"maxmemory 1 2", kWrongNumber},
      {"maxmemory 1kx", "argument must be a memory value"},
      {"hz \"10", kUnbalanced},
      {"hz '10", kUnbalanced},
      {"hz \"10\"x", kUnbalanced},
      {"hz \"10\" \n  timeout   '11'  \nHZ 12\n# c\n\n \t \nport\t0\n", ""},
      {"hz 12 # c", kWrongNumber},
      {"hz 12\r\ntimeout 3\r\n", ""},
      {"masterauth \"a\\x41\\n\\\"b\\q\\xzz\"\nmasteruser 'a\\x41\\'b'\nloglevel \"debug\"\v", ""},
      {"masterauth a\"b c\"\nmasteruser a'b'\nlogfile \"\"", ""},
      {"masterauth a\"b c\"d", kUnbalanced},
      {"slave-priority 7\nmin-slaves-to-write 3\nlist-max-ziplist-size 3\nlua-time-limit 3", ""},
      {"replicaof no one", ""},
      {"replicaof a", kWrongNumber},
      {"replicaof a b", "Invalid master port"},
      {"save 60 1", ""},
      {"save \"\"", ""},
      {"save", ""},
      {"save 60 1\nsave 30 2", ""},
      {"save 60 1\nsave \"\"", ""},
      {"save \"\"\nsave 60 1", ""},
      {"save \"\"\nsave \"\"\nsave 1 1 2 2\nsave \"3 3\"", ""},
      {"save 60", "Invalid save parameters"},
      {"save 1 1 \"\"", "Invalid save parameters"},
      {"bind 127.0.0.1 -::1", ""},
      {"bind \"\"", ""},
      {"bind \"127.0.0.1 ::1\"", ""},
      {"bind 1.1.1.1\nbind 127.0.0.1", ""},
      {"bind", ""},
      {"bind '' ''", ""},
      {"bind x x x x x x x x x x x x x x x x x ", "Too many bind addresses specified."},
      {"unixsocketperm 0700", ""},
      {"unixsocketperm 1000", "argument must be between 0 and 777 inclusive"},
      {"unixsocketperm -1", "argument must be between 0 and 777 inclusive"},
      {"unixsocketperm 8", "argument couldn't be parsed as an octal number"},
      {"unixsocketperm 0o700", "argument couldn't be parsed as an octal number"},
      {"client-output-buffer-limit normal 1 1 1 pubsub 3 3 3\nclient-output-buffer-limit replica 2 2 2", ""},
      {"client-output-buffer-limit \"normal 1 1 1\"\nclient-output-buffer-limit", ""},
      {"client-output-buffer-limit \"\"", "Wrong number of arguments in buffer limit configuration."},
      {"databases 0", "argument must be between 1 and 2147483647 inclusive"},
      {"databases x", "argument couldn't be parsed into an integer"},
      {"activerehashing x", "argument must be 'yes' or 'no'"},
      {"loglevel x", "argument(s) must be one of the following: debug, verbose, notice, warning"},
      {"latency-tracking-info-percentiles", ""},
      {"latency-tracking-info-percentiles \"50 99\"", ""},
      {"oom-score-adj-values \"1 2 3\"", ""},
      {"oom-score-adj-values", kWrongNumber},
      {"shutdown-on-sigterm save now\nshutdown-on-sigint \"nosave force\"", ""},
      {"shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force"},
      {"shutdown-on-sigint \"save\" \"now now\"", "argument(s) must be one of"},
      {"appendfilename a/b", "appendfilename can't be a path, just a filename"},
      {"appendfilename \"\"", "appendfilename can't be empty"},
      {"appenddirname a/b", "appenddirname can't be a path, just a dirname"},
      {"enable-debug-command local\nenable-module-command yes\nsupervised auto\nsyslog-facility USER", ""},
      {"socket-mark-id 4294967296", "argument must be between 0 and 4294967295 inclusive"},
      {"cluster-announce-hostname a_b", "Hostnames may only contain alphanumeric characters, hyphens or dots"},
      {"sentinel monitor x", "sentinel directive while not in sentinel mode"},
      {"user default on nopass ~* &* +@all", ""},
      {in + "inc*.conf", ""},
      {in + "none*.conf", ""},
      {in + "inc1.conf\nhz 5", ""},
      {"hz 5\n" + in + "inc1.conf", ""},
      {"include a b", ""},  // Redis's complaint is another: only that both complain counts, see below
  };
  for (const auto& [text, reason] : cases) {
    const std::string file = folder.Write("redis.conf", text);
    if (text == "include a b") {
      EXPECT_FALSE(ByRedis({file}).good);
      EXPECT_FALSE(ByLarder({file}).good);
    } else {
      ExpectAgreement({file}, text, reason);
    }
  }
}

TEST(ArgumentsOracleTest, MeanWhatTheyMeanToRedis) {
  TemporaryFolder folder;
  const std::string file = folder.Write("redis.conf", "hz 5\nsave 10 1\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, ""},
      {{file, "--hz", "33"}, ""},
      {{"--hz", "33"}, ""},
      {{"--hz", "33", file}, "wrong number of arguments"},
      {{file, "hz", "33"}, ""},
      {{file, "--hz 33"}, ""},
      {{file, "--save", ""}, ""},
      {{file, "--save", "60", "1"}, ""},
      {{file, "--save", "60 1"}, ""},
      {{"--save", "60", "1", "--save", "30", "2"}, ""},
      {{file, "--save", "--hz", "5"}, ""},
      {{file, "--SAVE", "--hz", "5"}, ""},
      {{file, "--save"}, ""},
      {{file, "--save ", "--hz", "5"}, "Invalid save parameters"},
      {{file, "--save", "60", "--timeout", "1"}, "Invalid save parameters"},
      {{file, "--masterauth", "a b \"c"}, ""},
      {{file, "--masterauth", "--hz"}, ""},
      {{file, "--masterauth", "--hz", "--hz", "7"}, ""},
      {{file, "--masterauth", "--hz", "7"}, "wrong number of arguments"},
      {{file, "--masterauth x", "--hz", "7"}, ""},
      {{file, "--masterauth", "--"}, ""},
      {{file, "--masterauth", "", "--hz", "5"}, ""},
      {{file, "--masterauth", "a\nhz 77"}, ""},
      {{file, "--bind", "127.0.0.1", "::1", "--hz", "12"}, ""},
      {{file, "--bind", "127.0.0.1 ::1"}, ""},
      {{file, "--bind", "--hz", "3"}, ""},
      {{file, "--bind", ""}, ""},
      {{file, "--client-output-buffer-limit", "normal", "1", "1", "1"}, ""},
      {{file, "--client-output-buffer-limit", "normal 1 1 1 pubsub 2 2 2"}, ""},
      {{file, "--oom-score-adj-values", "1 2 3", "--latency-tracking-info-percentiles", "50", "99"}, ""},
      {{file, "--shutdown-on-sigint", "save now", "--shutdown-on-sigterm", "nosave", "force"}, ""},
      {{file, "--replicaof", "no", "one"}, ""},
      {{file, "--maxmemory", "1mb", "--maxmemory", "2mb", "--list-max-listpack-size", "-5"}, ""},
      {{file, "--loglevel \"verbose\"", "--HZ", "12"}, ""},
      {{file, "--maxmemory", "--maxmemory"}, "argument must be a memory value"},
      {{file, "--hz", ""}, "argument couldn't be parsed into an integer"},
      {{file, "--hz", " 12 "}, "argument couldn't be parsed into an integer"},
      {{file, "--hz", "1", "2"}, "wrong number of arguments"},
      {{file, "--unixsocketperm", "700"}, ""},
      {{"--requirepass", "secret"}, ""},
  };
  for (const auto& [arguments, reason] : cases) {
    std::string what;
    for (const std::string& argument : arguments) what += "[" + argument + "]";
    // What the oracle adds itself begins with a directive, so the arguments before end as they would at the end, but
    // for --save, which looks at what follows.
    ExpectAgreement(arguments, what, reason);
  }
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {file, "--foo", "1"}, {file, "--hz=33"}, {file, "a\nb"}, {file, ""}, {file, "---hz", "12"},
           {file, "--", "--hz", "1"}}) {
    EXPECT_FALSE(ByRedis(arguments).good) << arguments[1];
    EXPECT_FALSE(ByLarder(arguments).good) << arguments[1];
  }
}

// The point of a rewritten file: Redis reads from it what was in force here.
TEST(ConfigRewriteOracleTest, RedisReadsBackWhatWasSet) {
  TemporaryFolder folder;
  Options options = ServerOptions();
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"save", "10 1 20 2 30 3"}, {"maxmemory", "2147483648"}, {"proto-max-bulk-len", "2000000"},
           {"client-query-buffer-limit", "1500kb"}, {"masterauth", "a\"b\n\x01\xff '"}, {"masteruser", "x y"},
           {"loglevel", "debug"}, {"client-output-buffer-limit", "pubsub 1mb 1kb 1000"},
           {"maxmemory-policy", "allkeys-lru"}, {"oom-score-adj-values", "5 6 7"}, {"notify-keyspace-events", "KEg"},
           {"latency-tracking-info-percentiles", ""}, {"shutdown-on-sigterm", "nosave now"}, {"replica-priority", "3"},
           {"lua-time-limit", "7"}, {"maxmemory-clients", "7%"}, {"bind", ""}, {"hll-sparse-max-bytes", "1024"},
           {"proc-title-template", " a "}, {"repl-backlog-size", "1gb"}, {"slowlog-log-slower-than", "-1"},
           {"lazyfree-lazy-user-del", "yes"}, {"timeout", "9"}, {"protected-mode", "no"}}) {
    EXPECT_EQ(Set(options, {name, value}), "+OK") << name;
  }
  options.unixsocketperm = 0700;
  options.databases = 7;
  options.config_file = folder.Write("redis.conf", "# mine\nhz 20\nsave 1 1\n");
  options.hz = 30;
  EXPECT_EQ(ConfigRewrite(options), "");
  const std::string text = folder.Read("redis.conf");
  EXPECT_TRUE(text.starts_with("# mine\nhz 30\nsave 10 1\n\n# Generated by CONFIG REWRITE\n")) << text;

  std::string output;
  const auto oracle = RedisOracle::Start({options.config_file}, &output);
  ASSERT_NE(oracle, nullptr) << output << text;
  std::map<std::string, std::string> theirs = AllOf(*oracle);
  std::map<std::string, std::string> mine = AllOf(options);
  Without(kOurs, &mine);
  Without(kSetByTest, &mine);
  Without(kSetByTest, &theirs);
  EXPECT_EQ(mine, theirs);

  // And we read what Redis makes of the same file.
  EXPECT_EQ(oracle->Line({"CONFIG", "REWRITE"}), "+OK");
  const absl::StatusOr<Options> again = ParseConfigFile(options.config_file, ServerOptions());
  ASSERT_TRUE(again.ok()) << again.status();
  mine = AllOf(*again);
  Without(kOurs, &mine);
  Without(kSetByTest, &mine);
  EXPECT_EQ(mine, theirs);
}

TEST(ConfigRewriteOracleTest, ErrorsAreThoseOfRedis) {
  const auto oracle = StartOracle();
  EXPECT_EQ("-" + ConfigRewrite(Options()), oracle->Line({"CONFIG", "REWRITE"}));

  TemporaryFolder folder;
  const std::string file = folder.Write("redis.conf", "");
  const auto with_file = StartOracle({file});
  Options options = ServerOptions();
  options.config_file = folder.path() + "/redis.conf";
  ASSERT_EQ(remove(file.c_str()), 0);
  EXPECT_EQ(ConfigRewrite(options), "");
  EXPECT_EQ(with_file->Line({"CONFIG", "REWRITE"}), "+OK");
  ASSERT_EQ(remove(file.c_str()), 0);
  {
    TemporaryFolder other;
    ASSERT_EQ(rename(other.path().c_str(), file.c_str()), 0);
  }
  EXPECT_EQ("-" + ConfigRewrite(options), with_file->Line({"CONFIG", "REWRITE"}));
  options.config_file = folder.path() + "/gone/redis.conf";
  EXPECT_EQ(ConfigRewrite(options), "ERR Rewriting config file: No such file or directory");
}

}  // namespace
}  // namespace larder::directives
