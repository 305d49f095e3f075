// The string, key and transaction families.
#include <iterator>

#include "tests/differential/generator.h"

namespace differential {

using namespace std::string_literals;

void Generator::AppendTtl(Argv& argv) {
  const int kind = random_.Below(4);
  static constexpr std::string_view kWords[] = {"EX", "PX", "EXAT", "PXAT"};
  argv.push_back(Cased(kWords[kind]));
  argv.push_back(kind < 2 ? Seconds(kind == 1) : UnixTime(kind == 3));
}

Argv Generator::Set() {
  Argv argv = {"SET", Key(), random_.Chance(40) ? Number() : Text()};
  if (random_.Chance(20)) argv.push_back(Cased(random_.Chance(50) ? "NX" : "XX"));
  if (random_.Chance(20)) AppendTtl(argv);
  if (random_.Chance(15)) argv.push_back(Cased("GET"));
  if (random_.Chance(10)) argv.push_back(Cased("KEEPTTL"));
  if (random_.Chance(4)) argv.push_back(Cased(random_.Chance(50) ? "NX" : "XX"));
  return argv;
}

Argv Generator::GetEx() {
  Argv argv = {"GETEX", Key()};
  if (random_.Chance(50)) AppendTtl(argv);
  if (random_.Chance(25)) argv.push_back(Cased("PERSIST"));
  return argv;
}

Argv Generator::Lcs() {
  Argv argv = {"LCS", Key(), Key()};
  if (random_.Chance(30)) argv.push_back("LEN");
  if (random_.Chance(40)) argv.push_back("IDX");
  if (random_.Chance(30)) argv.insert(argv.end(), {"MINMATCHLEN", Number()});
  if (random_.Chance(30)) argv.push_back("WITHMATCHLEN");
  return argv;
}

Argv Generator::StringCommand() {
  switch (random_.Below(30)) {
    case 0: return {"APPEND", Key(), Text()};
    case 1: return {"DECR", Key()};
    case 2: return {"DECRBY", Key(), Number()};
    case 3: case 4: return {"GET", Key()};
    case 5: return {"GETDEL", Key()};
    case 6: return GetEx();
    case 7: return {"GETRANGE", Key(), Offset(), Number()};
    case 8: return {"GETSET", Key(), random_.Chance(50) ? Number() : Text()};
    case 9: return {"INCR", Key()};
    case 10: return {"INCRBY", Key(), Number()};
    case 11: case 12: return {"INCRBYFLOAT", Key(), Float()};
    case 13: return episode_.large ? Argv{"STRLEN", Key()} : Lcs();
    case 14: {
      Argv argv = {"MGET", Key()};
      for (int i = random_.Below(4); i > 0; --i) argv.push_back(Key());
      return argv;
    }
    case 15: case 16: {
      Argv argv = {random_.Chance(60) ? "MSET" : "MSETNX"};
      for (int i = random_.Below(4); i >= 0; --i) {
        argv.insert(argv.end(), {Key(), random_.Chance(50) ? Number() : Text()});
      }
      return argv;
    }
    case 17: return {"PSETEX", Key(), Seconds(true), Text()};
    case 18: return {"SETEX", Key(), Seconds(false), Text()};
    case 19: return {"SETNX", Key(), Text()};
    case 20: return {"SETRANGE", Key(), Offset(), random_.Chance(20) ? "" : Text()};
    case 21: return {"STRLEN", Key()};
    case 22: return {"SUBSTR", Key(), Number(), Number()};
    case 23: return {"SET", Key(), Float()};
    case 24: return {"SET", Key(), Number()};
    default: return Set();
  }
}

Argv Generator::ScanOptions(Argv argv) {
  if (random_.Chance(40)) argv.insert(argv.end(), {Cased("MATCH"), Pattern()});
  if (random_.Chance(50)) {
    argv.insert(argv.end(), {Cased("COUNT"), random_.Chance(80) ? std::to_string(1 + random_.Below(20)) : "1000000"});
  }
  if (random_.Chance(20)) {
    // TYPE counts a lookup for each key that it looks at: all of them, to be comparable.
    argv.insert(argv.end(), {Cased("TYPE"), random_.Chance(70) ? "string" : "LiSt", "COUNT", "1000000"});
    fixed_ = true;
  }
  return argv;
}

Argv Generator::KeyCommand() {
  switch (random_.Below(26)) {
    case 0: case 1: {
      Argv argv = {"COPY", Key(), Key()};
      if (random_.Chance(40)) argv.insert(argv.end(), {Cased("DB"), Db()});
      if (random_.Chance(40)) argv.push_back(Cased("REPLACE"));
      return argv;
    }
    case 2: return {"DEL", Key()};
    case 3: return {random_.Chance(50) ? "UNLINK" : "DEL", Key(), Key(), Key()};
    case 4: return {random_.Chance(50) ? "EXISTS" : "TOUCH", Key(), Key()};
    case 5: case 6: case 7: {
      const bool ms = random_.Chance(50);
      const bool at = random_.Chance(50);
      Argv argv = {at ? (ms ? "PEXPIREAT" : "EXPIREAT") : (ms ? "PEXPIRE" : "EXPIRE"), Key(),
                   at ? UnixTime(ms) : Seconds(ms)};
      static constexpr std::string_view kConditions[] = {"NX", "XX", "GT", "LT"};
      while (random_.Chance(35)) argv.push_back(Cased(random_.Pick(kConditions)));
      return argv;
    }
    case 8: return {"EXPIRETIME", Key()};
    case 9: return {"PEXPIRETIME", Key()};
    case 10: return {"TTL", Key()};
    case 11: return {"PTTL", Key()};
    case 12: return {"PERSIST", Key()};
    case 13: return {"KEYS", Pattern()};
    case 14: return {"MOVE", Key(), Db()};
    case 15: case 16: {
      static constexpr std::string_view kSubcommands[] = {"ENCODING", "ENCODING", "REFCOUNT", "IDLETIME", "FREQ"};
      return {"OBJECT", Cased(random_.Pick(kSubcommands)), Key()};
    }
    case 17: return {"RANDOMKEY"};
    case 18: return {"RENAME", Key(), Key()};
    case 19: return {"RENAMENX", Key(), Key()};
    case 20: case 21: {
      static const std::string kCursors[] = {"0", "0", "0", "0", "", "-0", "+0", "abc", "-1x", "18446744073709551616",
                                             " 0", "0 ", "1.0", "0\0x"s, "--0", "+"};
      Argv argv = ScanOptions({"SCAN", random_.Pick(kCursors)});
      if (random_.Chance(20)) argv.insert(argv.end() - (fixed_ ? 2 : 0), {"COUNT", Number()});
      return argv;
    }
    case 22: return {"TYPE", Key()};
    case 23: return {"DBSIZE"};
    default: return {"EXISTS", Key()};
  }
}

Argv Generator::TransactionCommand(int link) {
  switch (random_.Below(10)) {
    case 0: case 1: return {"WATCH", Key()};
    case 2: return {"WATCH", Key(), Key()};
    case 3: return {"UNWATCH"};
    case 4: return {random_.Chance(50) ? "EXEC" : "DISCARD"};
    case 5: return {in_multi_[link] ? "EXEC" : "MULTI"};
    default: return {"MULTI"};
  }
}

// Little but times, on few keys.
Argv Generator::ExpiryFocus() {
  static constexpr std::string_view kConditions[] = {"NX", "XX", "GT", "LT"};
  static constexpr std::string_view kAsks[] = {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST", "TYPE"};
  switch (random_.Below(8)) {
    case 0: return Set();
    case 1: return GetEx();
    case 2: return {random_.Chance(50) ? "RENAME" : "COPY", Key(), Key()};
    case 3: case 4: return {std::string(random_.Pick(kAsks)), Key()};
    default: {
      const bool ms = random_.Chance(50);
      Argv argv = {ms ? "PEXPIREAT" : "EXPIREAT", Key(), UnixTime(ms)};
      if (random_.Chance(70)) argv.push_back(std::string(random_.Pick(kConditions)));
      return argv;
    }
  }
}

// What WATCH may see, and what only looks like it.
Argv Generator::TransactionFocus(int link) {
  switch (random_.Below(14)) {
    case 0: case 1: return {"WATCH", Key()};
    case 2: case 3: case 4: return {in_multi_[link] ? "EXEC" : "MULTI"};
    case 5: return {"SWAPDB", std::to_string(random_.Below(2)), std::to_string(random_.Below(2))};
    case 6: return {"SELECT", std::to_string(random_.Below(2))};
    case 7: return {random_.Chance(80) ? "FLUSHDB" : "FLUSHALL"};
    case 8: return {"DEL", Key()};
    case 9: return {"MOVE", Key(), std::to_string(random_.Below(2))};
    case 10: return {random_.Chance(50) ? "RENAME" : "COPY", Key(), Key()};
    case 11: return {random_.Chance(50) ? "UNWATCH" : "DISCARD"};
    case 12: return {"GETEX", Key(), "PERSIST"};
    default: return {"SET", Key(), "1"};
  }
}

// A key whose time comes while nobody looks: what the last command makes of it.
std::vector<Argv> Generator::UnseenEnd() {
  const std::string key = Key();
  const std::string ms = std::to_string(kShortTtlMinMs + random_.Below(kShortTtlMaxMs - kShortTtlMinMs));
  std::vector<Argv> commands = {{"DISCARD"}};
  short_ttl_ms_ = 1;
  if (random_.Chance(30)) commands.push_back({"WATCH", key});
  commands.push_back({"SET", key, Number(), "PX", ms});
  if (random_.Chance(50)) commands.push_back({"WATCH", key});
  if (random_.Chance(50)) {
    commands.insert(commands.end(), {{"MULTI"}, {"GET", key}, {"EXEC"}});
    return commands;
  }
  const Argv kLast[] = {{"GET", key}, {"EXISTS", key}, {"DEL", key}, {"SET", key, "x", "NX"}, {"SET", key, "x", "XX"},
                        {"APPEND", key, "x"}, {"RENAME", key, "b"}, {"COPY", key, "c", "REPLACE"}, {"MOVE", key, "1"},
                        {"PERSIST", key}, {"EXPIRE", key, "100000"}, {"TTL", key}, {"INCR", key}, {"DBSIZE"},
                        {"MSETNX", key, "x"}, {"GETSET", key, "x"}, {"SETRANGE", key, "2", "x"}, {"TYPE", key},
                        {"OBJECT", "ENCODING", key}, {"TOUCH", key}, {"GETDEL", key},
                        {"SET", key, "x", "GET", "KEEPTTL"}};
  commands.push_back(kLast[random_.Below(static_cast<int>(std::size(kLast)))]);
  return commands;
}

Argv Generator::OddCommand() {
  switch (random_.Below(6)) {
    case 0: return {"NOSUCHCOMMAND", Text(), Key()};
    case 1: return {"nosuch\r\ncommand"};
    case 2: return {"", "a"};
    case 3: return {std::string(200, 'n'), std::string(100, 'x'), std::string(100, 'y'), "z"};
    case 4: return {"NOSUCH\0X"s, "a"};  // not GET: Redis compares names as C strings where hashes happen to meet
    default: return {"OBJECT", Junk()};
  }
}

}  // namespace differential
