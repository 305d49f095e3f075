#include "tests/differential/generator.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace differential {
namespace {

using namespace std::string_literals;

const std::string& LongKey() {
  static const std::string key = "long:" + std::string(300, 'k');
  return key;
}

constexpr std::string_view kShortKeys[] = {"a", "b", "c", "d", "e", "f", "g", "h*llo", "10", "key:with:colons"};

// An integer argument that means a time to live, or nothing.
bool IsShortTime(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 && value < 100'000;
}

}  // namespace

std::vector<std::string> AllKeys() {
  std::vector<std::string> keys(std::begin(kShortKeys), std::end(kShortKeys));
  keys.insert(keys.end(), {"", "bin\0\xff\r\n"s, LongKey()});
  return keys;
}

Episode MakeEpisode(uint64_t seed, int number, int size) {
  Random random(seed * 0x2545f4914f6cdd1du + static_cast<uint64_t>(number));
  Episode episode;
  episode.seed = random.Next();
  episode.protocol = random.Chance(50) ? 3 : 2;
  episode.password = random.Chance(15);
  episode.large = random.Chance(20);
  const int focus = random.Below(10);
  episode.focus = focus < 2 ? Episode::kExpiry : focus < 4 ? Episode::kTransactions : Episode::kEverything;
  episode.size = size;
  return episode;
}

// ---- Steps -----------------------------------------------------------------------------------------------------------

Step Generator::Next() {
  Step step;
  step.link = random_.Chance(60) ? 0 : random_.Below(kLinks);
  short_ttl_ms_ = 0;
  const int kind = random_.Below(1000);
  if (kind < 8) {
    step.kind = Step::kFullScan;
    step.commands.push_back(ScanOptions({}));
  } else if (kind < 12) {
    step.kind = Step::kReconnect;
    in_multi_[step.link] = false;
  } else if (kind < 20) {
    step.kind = Step::kQuiet;
    in_multi_[step.link] = false;
    static constexpr std::string_view kFirst[] = {"skip", "off", "SKIP", "ON"};
    step.commands.push_back({"CLIENT", "REPLY", std::string(random_.Pick(kFirst))});
    for (int i = random_.Below(4); i >= 0; --i) step.commands.push_back(random_.Chance(70) ? StringCommand() : OddCommand());
    if (random_.Chance(30)) step.commands.push_back({"CLIENT", "REPLY", "SKIP"});
    for (Argv& argv : step.commands) LengthenTtls(argv);
  } else if (kind < 23) {
    step.kind = Step::kPause;
    step.commands = UnseenEnd();
    in_multi_[step.link] = false;
    short_ttl_ms_ = 1;
  } else if (kind < 29) {
    // No memory at all, for a moment: what may run does, what may be evicted is.
    static constexpr std::string_view kPolicies[] = {"noeviction", "allkeys-random", "volatile-random", "volatile-ttl",
                                                     "volatile-lru", "allkeys-lru"};
    step.commands.push_back({"CONFIG", "SET", "maxmemory-policy", std::string(random_.Pick(kPolicies))});
    // Tenacity 100: Redis evicts until it fits, however long that takes.
    step.commands.push_back({"CONFIG", "SET", "maxmemory-eviction-tenacity", "100", "maxmemory", "1"});
    for (int i = random_.Below(8); i >= 0; --i) step.commands.push_back(Command(step.link));
    step.commands.push_back({"DISCARD"});
    step.commands.push_back({"CONFIG", "SET", "maxmemory", "0"});
    in_multi_[step.link] = false;
  } else {
    const int count = kind < 100 ? 2 + random_.Below(6) : 1;
    for (int i = 0; i < count; ++i) step.commands.push_back(Command(step.link));
  }
  for (Argv& argv : step.commands) {
    // With a password RESET takes the client's rights away, and Redis drops it if a kilobyte of replies is yet to be sent.
    if (episode_.password && step.commands.size() > 1 && SameWord(argv[0], "reset")) argv = {"PING"};
  }
  step.short_ttl_ms = short_ttl_ms_;
  return step;
}

Argv Generator::Command(int link) {
  fixed_ = false;
  Argv argv;
  if (in_multi_[link] && random_.Chance(12)) {
    argv = {random_.Chance(85) ? "EXEC" : "DISCARD"};
  } else if (episode_.focus != Episode::kEverything && random_.Chance(50)) {
    argv = episode_.focus == Episode::kExpiry ? ExpiryFocus() : TransactionFocus(link);
  } else {
    const int family = random_.Below(100);
    if (family < 46) {
      argv = StringCommand();
    } else if (family < 76) {
      argv = KeyCommand();
    } else if (family < 84) {
      argv = TransactionCommand(link);
    } else if (family < 90) {
      argv = ConnectionCommand();
    } else if (family < 98) {
      argv = ServerCommand();
    } else {
      argv = OddCommand();
    }
  }
  if (!fixed_ && random_.Chance(7)) Mutate(argv);
  LengthenTtls(argv);
  const std::string name = argv.empty() ? "" : Lower(argv[0]);
  if (name == "multi") in_multi_[link] = true;
  if (name == "exec" || name == "discard" || name == "reset" || name == "quit") in_multi_[link] = false;
  if (random_.Chance(30)) argv[0] = Cased(argv[0]);
  return argv;
}

// One small change that usually makes the request wrong.
void Generator::Mutate(Argv& argv) {
  const size_t at = 1 + static_cast<size_t>(random_.Below(static_cast<int>(argv.size()) + 1)) % (argv.size() + 1);
  switch (random_.Below(5)) {
    case 0:
      if (argv.size() > 1) argv.pop_back();
      break;
    case 1:
      argv.push_back(Junk());
      break;
    case 2:
      if (at < argv.size()) argv[at] = Junk();
      break;
    case 3:
      if (at <= argv.size()) argv.insert(argv.begin() + static_cast<ptrdiff_t>(at), Junk());
      break;
    default:
      if (at < argv.size()) argv.erase(argv.begin() + static_cast<ptrdiff_t>(at));
      break;
  }
}

// Makes times to live that would end within the episode longer, whatever mutation made of them. Those that are short on
// purpose have a marker, which is taken off here.
void Generator::LengthenTtls(Argv& argv) {
  const std::string name = argv.empty() ? "" : Lower(argv[0]);
  const size_t first = name == "set" ? 3
                       : name == "setex" || name == "psetex" || name == "getex" || name == "expire" ||
                               name == "pexpire"
                           ? 2
                           : argv.size();
  for (size_t i = 1; i < argv.size(); ++i) {
    if (i >= first && (SameWord(argv[i], "exat") || SameWord(argv[i], "pxat"))) {
      short_ttl_ms_ = std::max(short_ttl_ms_, 1);  // SET keeps a key whose time has passed until somebody looks
    }
    if (argv[i].starts_with("\x02ms")) {
      argv[i].erase(0, 3);
    } else if (i >= first && IsShortTime(argv[i])) {
      argv[i] = std::to_string(100'000 + std::stoll(argv[i]) * 1000);
    }
  }
}

// ---- Arguments -------------------------------------------------------------------------------------------------------

std::string Generator::Key() {
  if (episode_.focus != Episode::kEverything && random_.Chance(85)) return std::string(kShortKeys[random_.Below(3)]);
  const int pick = random_.Below(40);
  if (pick == 0) return "";
  if (pick == 1) return "bin\0\xff\r\n"s;
  if (pick == 2) return LongKey();
  return std::string(kShortKeys[pick % (pick < 20 ? 4 : static_cast<int>(std::size(kShortKeys)))]);
}

std::string Generator::Text() {
  static constexpr int kSizes[] = {0, 1, 2, 5, 19, 20, 21, 43, 44, 45, 46, 63, 64, 65, 100, 127, 128, 500, 1000, 1025};
  static constexpr int kLargeSizes[] = {16 * 1024 - 1, 16 * 1024, 20'000, 33'000, 70'000};
  int size = random_.Pick(kSizes);
  if (episode_.large && random_.Chance(10)) size = random_.Pick(kLargeSizes);
  std::string text;
  const bool binary = random_.Chance(15);
  text.reserve(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) {
    text += binary ? static_cast<char>(random_.Next()) : static_cast<char>('a' + random_.Below(4));
  }
  return text;
}

std::string Generator::Number() {
  static const std::string kOdd[] = {"00", "-0", "+1", "01", "1 ", " 1", "", "abc", "1e3", "3.0", "0x10", "-",
                                     "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                                     "-9223372036854775809", "18446744073709551615", "9999", "10000", "2147483648",
                                     "99999999999999999999999", "1\0"s};
  if (random_.Chance(20)) return random_.Pick(kOdd);
  if (random_.Chance(10)) return std::to_string(static_cast<int64_t>(random_.Next()));
  return std::to_string(random_.Below(40) - 10);
}

std::string Generator::Float() {
  static const std::string kOdd[] = {"inf", "-inf", "+inf", "Infinity", "nan", "1e309", "1e4932", "1e4933", "4.9e-324",
                                     "1e-5000", "0x1p3", "0x", "1.", ".5", "-.5e1", "1e", " 1", "1 ", "", "abc", "1e3",
                                     "-0", "-0.0", "3.0e3", "9007199254740993", "0.1", "3.14159265358979323846",
                                     "1.7976931348623157e308", "5.0e3", "1e-17", "123456789012345678901234567890",
                                     "1\0"s, "00.50"};
  if (random_.Chance(35)) return random_.Pick(kOdd);
  std::string text = std::to_string(random_.Below(2000) - 1000);
  if (random_.Chance(70)) text += "." + std::to_string(random_.Below(100'000));
  if (random_.Chance(10)) text += "e" + std::to_string(random_.Below(40) - 20);
  return text;
}

std::string Generator::Offset() {
  static const std::string kOdd[] = {"-1", "1048575", "1048576", "536870911", "536870912", "4294967296",
                                     "9223372036854775807", "-9223372036854775808", "abc", "", "01"};
  if (random_.Chance(15)) return random_.Pick(kOdd);
  return std::to_string(random_.Below(random_.Chance(80) ? 60 : 2000));
}

std::string Generator::Db() {
  static const std::string kOdd[] = {"15", "16", "-1", "abc", "", "01", "2147483648", "99999999999999999999", "1.0"};
  if (random_.Chance(12)) return random_.Pick(kOdd);
  return std::to_string(random_.Below(kDatabases));
}

std::string Generator::Pattern() {
  static const std::string kPatterns[] = {"*", "**", "?", "[a-d]", "[^a-c]", "[d-a]", "h*llo", "h\\*llo", "*:*", "k*s",
                                          "", "[", "[a", "\\", "a\\", "[\\a-c]", "*\0*"s, "bin*", "1?", "*[!-~]", "[]",
                                          "[^]", "long:*k", "?????", "\xff", "*a*a*a*b", "[^", "[a-", "x"};
  return random_.Pick(kPatterns);
}

// A relative time; see LengthenTtls for what makes it long.
std::string Generator::Seconds(bool ms) {
  static const std::string kOdd[] = {"0", "-1", "-100000", "abc", "", "1.5", "9223372036854775807",
                                     "-9223372036854775808", "9223372036854775", "9223372036854775808",
                                     "92233720368547758", "-9223372036854775", "01"};
  if (random_.Chance(15)) return random_.Pick(kOdd);
  if (ms && random_.Chance(2)) {
    short_ttl_ms_ = kShortTtlMaxMs;
    return "\x02ms" + std::to_string(kShortTtlMinMs + random_.Below(kShortTtlMaxMs - kShortTtlMinMs));
  }
  return std::to_string(100'000 + random_.Next() % 1'000'000'000);
}

std::string Generator::UnixTime(bool ms) {
  static const std::string kOdd[] = {"0", "-1", "1", "abc", "", "9223372036854775807", "-9223372036854775808",
                                     "9223372036854775", "1000000000", "-9223372036854775", "+5"};
  if (random_.Chance(20)) return random_.Pick(kOdd);
  // Few enough that times meet: GT and LT must tell equal ones from others, and halves are where rounding turns.
  const int64_t seconds = 4'102'444'800 + random_.Below(6);
  return std::to_string(ms ? seconds * 1000 + random_.Below(3) * 499 + random_.Below(3) : seconds);
}

std::string Generator::Cased(std::string_view word) {
  std::string out(word);
  const int how = random_.Below(3);
  for (char& c : out) {
    const bool flip = how == 0 || (how == 1 && random_.Chance(50));
    if (flip && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) c = static_cast<char>(c ^ 0x20);
  }
  return out;
}

std::string Generator::Junk() {
  static const std::string kWords[] = {"NX", "XX", "GT", "LT", "EX", "PX", "KEEPTTL", "GET", "DB", "REPLACE", "COUNT",
                                       "MATCH", "TYPE", "FOO", "foo bar", "", "\r\n", "x\0y"s, "PERSIST", "LEN",
                                       "IDX", "ASYNC", "AUTH", "SETNAME", "*", "nosuch"};
  const int kind = random_.Below(10);
  if (kind < 6) return random_.Pick(kWords);
  if (kind < 8) return Number();
  return kind == 8 ? Key() : Text();
}

// ---- Families --------------------------------------------------------------------------------------------------------

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
      for (int i = random_.Below(4); i >= 0; --i) argv.insert(argv.end(), {Key(), random_.Chance(50) ? Number() : Text()});
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
                        {"OBJECT", "ENCODING", key}, {"TOUCH", key}, {"GETDEL", key}, {"SET", key, "x", "GET", "KEEPTTL"}};
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
