// The connection and server families, where much of what could be said must not be: a stream never ends the servers,
// never makes them sleep or fork, and never changes what its own links need (maxclients, timeout, requirepass,
// maxmemory-clients: a share of a small maxmemory closes them all).
#include "tests/differential/generator.h"

namespace differential {
namespace {

using namespace std::string_literals;

// Directives that a stream sets, with values good and bad for each kind. What they do to Redis is harmless here.
struct Settings {
  std::vector<std::string> names;
  std::vector<std::string> values;
};

const Settings& NumberSettings() {
  static const Settings settings = {
      {"hz", "active-expire-effort", "tcp-keepalive", "slowlog-max-len", "slowlog-log-slower-than", "maxmemory-samples",
       "lfu-log-factor", "lfu-decay-time", "hash-max-listpack-entries", "hash-max-ziplist-entries",
       "set-max-intset-entries", "zset-max-listpack-entries", "list-compress-depth", "list-max-listpack-size",
       "latency-monitor-threshold", "acllog-max-len", "tracking-table-max-keys", "busy-reply-threshold",
       "lua-time-limit", "shutdown-timeout", "maxmemory-eviction-tenacity", "repl-timeout", "repl-backlog-ttl",
       "min-replicas-max-lag", "replica-priority", "auto-aof-rewrite-percentage", "HZ", "stream-node-max-entries"},
      {"0", "1", "5", "10", "100", "128", "499", "500", "501", "100000", "-1", "-5", "abc", "", "1.5", "01", "1kb",
       "9223372036854775807", "99999999999999999999", " 1"}};
  return settings;
}

const Settings& MemorySettings() {
  static const Settings settings = {
      {"hash-max-listpack-value", "zset-max-listpack-value", "hll-sparse-max-bytes", "stream-node-max-bytes",
       "auto-aof-rewrite-min-size", "repl-backlog-size", "maxmemory", "client-query-buffer-limit",
       "active-defrag-ignore-bytes"},
      {"0", "10gb", "100gb", "20g", "30000000000", "1gb", "1GB", "3000m", "-1", "abc", "", "1.5gb", "1tb", "100%",
       "5000mB",
       "2000000000b", "9223372036854775807"}};
  return settings;
}

const Settings& BoolSettings() {
  static const Settings settings = {
      {"lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del",
       "lazyfree-lazy-user-flush", "activerehashing", "dynamic-hz", "latency-tracking", "protected-mode",
       "stop-writes-on-bgsave-error", "rdbcompression", "no-appendfsync-on-rewrite", "replica-serve-stale-data",
       "crash-log-enabled", "repl-diskless-sync"},
      {"yes", "no", "YES", "No", "true", "1", "0", "", "maybe"}};
  return settings;
}

const Settings& WordSettings() {
  static const Settings settings = {
      {"maxmemory-policy", "loglevel", "appendfsync", "latency-tracking-info-percentiles", "sanitize-dump-payload",
       "acl-pubsub-default", "propagation-error-behavior", "repl-diskless-load"},
      {"noeviction", "allkeys-random", "volatile-ttl", "volatile-random", "ALLKEYS-RANDOM", "nosuch", "", "notice",
       "WARNING", "debug", "everysec", "always", "no", "50 99", "50 99.9 100", "101", "abc", "yes", "clients",
       "allchannels", "ignore", "disabled"}};
  return settings;
}

const Settings& OtherSettings() {
  static const Settings settings = {
      {"client-output-buffer-limit", "databases", "nosuchdirective", "enable-debug-command", "daemonize", "bad name",
       "", "unixsocketperm", "cluster-enabled", "appendfilename", "dbfilename"},
      {"normal 0 0 0", "pubsub 32mb 8mb 60", "slave 256mb 64mb 60 pubsub 1mb 1mb 10", "replica 1gb 0 0", "normal 0 0",
       "foo 0 0 0", "normal a 0 0", "20", "yes", "no", "", "a/b"}};
  return settings;
}

const std::string kNoIds[] = {"0", "-1", "abc", "", "1.5", "999999999", "9223372036854775808", "01"};

}  // namespace

Argv Generator::ClientKill() {
  static const std::string kAddresses[] = {"127.0.0.1:1", "nosuch:0", "a b"};
  switch (random_.Below(12)) {
    case 0: return {"CLIENT", "KILL", "ID", Id()};
    case 1: return {"CLIENT", "KILL", "ID", Id(), "SKIPME", random_.Chance(50) ? "yes" : "NO"};
    case 2: return {"CLIENT", "KILL", random_.Pick(kAddresses)};
    case 3: return {"CLIENT", "KILL", random_.Chance(50) ? "ADDR" : "LADDR", random_.Pick(kAddresses)};
    case 4: return {"CLIENT", "KILL", "TYPE", random_.Chance(50) ? "replica" : "pubsub"};
    case 5: return {"CLIENT", "KILL", "TYPE", Junk()};
    case 6: return {"CLIENT", "KILL", "USER", random_.Chance(50) ? "nosuch" : Junk()};
    case 7: return {"CLIENT", "KILL", "ID", random_.Pick(kNoIds)};
    case 8: return {"CLIENT", "KILL", "SKIPME", random_.Chance(50) ? "maybe" : "", "ID", Id()};
    case 9: return {"CLIENT", "KILL", "USER", "default", "ID", Id()};
    case 10: return {"CLIENT", "KILL", "TYPE", "normal", "ID", Id(), "ADDR", "nosuch:0"};
    default: return {"CLIENT", "KILL", "ID", "999999999"};
  }
}

// None that lasts: held clients' replies would come at other times on the two sides.
Argv Generator::ClientPause() {
  fixed_ = true;
  static const std::string kTimeouts[] = {"0", "0", "-1", "abc", "", "1.5", "99999999999999999999"};
  static const std::string kModes[] = {"WRITE", "all", "ALL", "foo", ""};
  if (random_.Chance(20)) return {"CLIENT", Cased("UNPAUSE")};
  Argv argv = {"CLIENT", Cased("PAUSE"), random_.Pick(kTimeouts)};
  while (random_.Chance(40)) argv.push_back(random_.Pick(kModes));
  return argv;
}

Argv Generator::Client() {
  switch (random_.Below(28)) {
    case 22: return ClientPause();
    case 23: {
      fixed_ = true;
      static const std::string kReasons[] = {"TIMEOUT", "error", "FOO", ""};
      Argv argv = {"CLIENT", "UNBLOCK", random_.Chance(50) ? Id() : random_.Pick(kNoIds)};
      while (random_.Chance(50)) argv.push_back(random_.Pick(kReasons));
      return argv;
    }
    case 24: return {"CLIENT", Cased("GETREDIR")};
    case 25: return {"CLIENT", "TRACKINGINFO"};
    case 26: return {"CLIENT", "CACHING", random_.Chance(50) ? "YES" : Junk()};
    case 27:
      fixed_ = true;  // MONITOR without a word too many would mix others' commands into the replies
      return random_.Chance(50) ? Argv{"MONITOR", Text()} : Argv{"CLIENT", "GETREDIR", Text()};
    case 0: case 1: return {"CLIENT", Cased("ID")};
    case 2: case 3: return {"CLIENT", "INFO"};
    case 4: return {"CLIENT", "LIST"};
    case 5:
      fixed_ = true;  // small numbers are ids of other clients, and not of the same ones
      return {"CLIENT", "LIST", "ID", Id(), Id()};
    case 6: {
      static constexpr std::string_view kTypes[] = {"normal", "NORMAL", "master", "replica", "slave", "pubsub", "foo"};
      return {"CLIENT", "LIST", "TYPE", std::string(random_.Pick(kTypes))};
    }
    case 7: fixed_ = true; return {"CLIENT", "LIST", "ID", random_.Pick(kNoIds)};
    case 8: case 9: case 10: return {"CLIENT", "GETNAME"};
    case 11: case 12: {
      static const std::string kNames[] = {"one", "two", "", "a b", "a\nb", "\x7f", "name!", "~"};
      return {"CLIENT", "SETNAME", random_.Pick(kNames)};
    }
    case 13: case 14: case 15: case 16:
      fixed_ = true;  // a kill of all normal clients would end the runner's own
      return ClientKill();
    case 17: return {"CLIENT", "REPLY", random_.Chance(50) ? "ON" : "maybe"};
    case 18: return {"CLIENT", "NO-EVICT", random_.Chance(80) ? (random_.Chance(50) ? "on" : "OFF") : "maybe"};
    case 19: return {"CLIENT", "HELP"};
    case 20: return {"CLIENT"};
    default: return {"CLIENT", "NOSUCH", Text()};
  }
}

Argv Generator::ConnectionCommand() {
  switch (random_.Below(20)) {
    case 0: return {"PING"};
    case 1: return {"PING", Text()};
    case 2: return {"ECHO", Text()};
    case 3: case 4: case 5: return {"SELECT", Db()};
    case 6: {
      static const std::string kPasswords[] = {"sesame", "wrong", "", "sesame\0"s};
      if (random_.Chance(60)) return {"AUTH", random_.Pick(kPasswords)};
      return {"AUTH", random_.Chance(70) ? "default" : "nobody", random_.Pick(kPasswords)};
    }
    case 7: {
      static const std::string kVersions[] = {"2", "3", "3", "2", "1", "4", "abc", "", "03", "99999999999999999999"};
      Argv argv = {"HELLO"};
      if (random_.Chance(85)) argv.push_back(random_.Pick(kVersions));
      if (random_.Chance(25)) {
        argv.insert(argv.end(), {Cased("AUTH"), "default", random_.Chance(70) ? "sesame" : "wrong"});
      }
      if (random_.Chance(25)) argv.insert(argv.end(), {Cased("SETNAME"), random_.Chance(70) ? "hello" : "a b"});
      return argv;
    }
    case 8: return {"RESET"};
    case 9:
      return random_.Chance(20) ? Argv{"QUIT"} : Argv{"PING", Text()};
    default: return Client();
  }
}

Argv Generator::Config() {
  fixed_ = true;
  static const Settings* const kSettings[] = {&NumberSettings(), &NumberSettings(), &MemorySettings(), &BoolSettings(),
                                              &WordSettings(), &OtherSettings()};
  auto append_pair = [&](Argv& argv) {
    const Settings& settings = *kSettings[random_.Below(static_cast<int>(std::size(kSettings)))];
    std::string name = settings.names[static_cast<size_t>(random_.Below(static_cast<int>(settings.names.size())))];
    argv.push_back(random_.Chance(90) ? name : Cased(name));
    argv.push_back(settings.values[static_cast<size_t>(random_.Below(static_cast<int>(settings.values.size())))]);
  };
  switch (random_.Below(20)) {
    case 0: return {"CONFIG", "RESETSTAT"};
    case 1: return {"CONFIG", random_.Chance(50) ? "REWRITE" : "HELP"};
    case 2: return {"CONFIG", "NOSUCH"};
    case 3: return {"CONFIG", "SET", "hz"};
    case 4: return {"CONFIG", random_.Chance(50) ? "GET" : "SET"};
    case 5: case 6: case 7: case 8: {
      static const std::string kPatterns[] = {"hz", "max*", "lazyfree*", "*listpack*", "nosuch", "", "HZ", "m?xmemory",
                                              "client-*", "*lfu*", "slowlog*", "[lh]*", "repl*", "save",
                                              "list*ziplist*",
                                              "*entries", "active*", "latency*", "slave*", "tls-*", "cluster-*", "aof*",
                                              "*", "*-*"};
      Argv argv = {"CONFIG", Cased("GET"), random_.Pick(kPatterns)};
      while (random_.Chance(25)) argv.push_back(random_.Pick(kPatterns));
      return argv;
    }
    default: {
      Argv argv = {"CONFIG", Cased("SET")};
      append_pair(argv);
      while (random_.Chance(20)) append_pair(argv);
      if (random_.Chance(4)) argv.pop_back();
      return argv;
    }
  }
}

Argv Generator::Debug() {
  fixed_ = true;
  switch (random_.Below(10)) {
    case 0: return {"DEBUG", "SLEEP", random_.Chance(50) ? "0" : "0.0001"};
    case 1: return {"DEBUG", "SLEEP"};
    case 2: return {"DEBUG", "SET-ACTIVE-EXPIRE", "0"};  // see Runner::Prepare
    case 3: return {"DEBUG", "SET-ACTIVE-EXPIRE"};
    case 4: return {"DEBUG", "NOSUCH"};
    case 5: return {"DEBUG"};
    default: return {"DEBUG", "OBJECT", Key()};
  }
}

// What COMMAND says of each command is compared in rows_test.cc.
Argv Generator::CommandCommand() {
  switch (random_.Below(12)) {
    case 0: {
      static const std::string kPatterns[] = {"set*", "*nx", "nosuch", "*", "get?x", "[a-c]*", ""};
      return {"COMMAND", "LIST", "FILTERBY", "PATTERN", random_.Pick(kPatterns)};
    }
    case 1: {
      static const std::string kCategories[] = {"string", "KEYSPACE", "fast", "slow", "connection", "nosuch",
                                                "dangerous",
                                                "transaction", "read", "write", "admin", "all"};
      return {"COMMAND", "LIST", Cased("FILTERBY"), "ACLCAT", random_.Pick(kCategories)};
    }
    case 2: return {"COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch"};
    case 3: return {"COMMAND", "LIST", random_.Chance(50) ? "FILTERBY" : "FOO", Junk()};
    case 4: fixed_ = true; return {"COMMAND", "DOCS", random_.Chance(50) ? "nosuch" : "config|nosuch"};
    case 5: fixed_ = true; return {"COMMAND", "INFO", "nosuch", "get|get"};
    case 6: {
      static constexpr std::string_view kSubcommands[] = {"NOSUCH", "HELP", "COUNT"};
      return {"COMMAND", std::string(random_.Pick(kSubcommands))};
    }
    default: {
      Argv argv = {"COMMAND", random_.Chance(60) ? "GETKEYS" : "GETKEYSANDFLAGS"};
      const Argv inner = random_.Chance(50) ? StringCommand() : KeyCommand();
      argv.insert(argv.end(), inner.begin(), inner.end());
      return argv;
    }
  }
}

Argv Generator::Memory() {
  static constexpr std::string_view kSubcommands[] = {"STATS", "stats", "DOCTOR", "PURGE", "MALLOC-STATS", "HELP", "FOO"};
  if (random_.Chance(50)) {
    Argv argv = {"MEMORY", "USAGE", Key()};
    if (random_.Chance(40)) argv.insert(argv.end(), {Cased("SAMPLES"), Number()});
    return argv;
  }
  Argv argv = {"MEMORY", std::string(random_.Pick(kSubcommands))};
  if (random_.Chance(10)) argv.push_back(Junk());
  return argv;
}

Argv Generator::ServerCommand() {
  switch (random_.Below(30)) {
    case 0: case 1: case 2: case 3: return {"DBSIZE"};
    case 4: return {random_.Chance(30) ? "FLUSHALL" : "FLUSHDB"};
    case 5: {
      static constexpr std::string_view kModes[] = {"ASYNC", "sync", "FOO"};
      return {random_.Chance(30) ? "FLUSHALL" : "FLUSHDB", std::string(random_.Pick(kModes))};
    }
    case 6: case 7: case 8: return {"SWAPDB", Db(), Db()};
    case 9: case 10: return {"TIME"};
    case 11: case 12: {
      static constexpr std::string_view kSections[] = {"server", "clients", "memory", "stats", "keyspace", "Keyspace",
                                                       "replication", "cpu", "nosuch", "commandstats", "errorstats",
                                                       "cluster", "persistence", "modules", "all", "default",
                                                       "everything"};
      Argv argv = {"INFO"};
      while (random_.Chance(60)) argv.push_back(std::string(random_.Pick(kSections)));
      return argv;
    }
    case 13: {
      fixed_ = true;
      static const Argv kRefused[] = {{"SHUTDOWN", "FOO"}, {"SHUTDOWN", "SAVE", "NOSAVE"}, {"SHUTDOWN", "ABORT"},
                                      {"SHUTDOWN", "ABORT", "NOW"}, {"SHUTDOWN", "NOSAVE", "FOO"},
                                      {"SHUTDOWN", "", "NOW"}};
      return kRefused[random_.Below(static_cast<int>(std::size(kRefused)))];
    }
    case 14: case 15: return Debug();
    case 16: case 17: case 18: case 19: return CommandCommand();
    case 20: case 21: return Memory();
    default: return Config();
  }
}

}  // namespace differential
