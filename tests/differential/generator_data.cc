// What needs more than its row says: cursors, transactions, and streams that dwell on one thing.
#include <iterator>

#include "tests/differential/generator.h"

namespace differential {

using namespace std::string_literals;

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

Argv Generator::Scan() {
  // None of 2^64 or above: after it Redis also takes the elements of the next SORT for numbers that are out of range.
  static const std::string kCursors[] = {"0",  "0",  "0",   "0",     "",    "-0", "+0", "abc",
                                         "-1x", " 0", "0 ", "1.0", "0\0x"s, "--0", "+"};
  Argv argv = ScanOptions({"SCAN", random_.Pick(kCursors)});
  if (random_.Chance(20)) argv.insert(argv.end() - (fixed_ ? 2 : 0), {"COUNT", Number()});
  return argv;
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
    case 0: return FromRow("set");
    case 1: return FromRow("getex");
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
                        {"OBJECT", "ENCODING", key}, {"TOUCH", key}, {"GETDEL", key}, {"GETBIT", key, "1"},
                        {"SETBIT", key, "1", "0"}, {"BITOP", "OR", "b", key}, {"BITOP", "OR", key, "b"},
                        {"BITFIELD", key, "GET", "u8", "0"}, {"BITFIELD", key, "INCRBY", "u8", "0", "1"},
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
