#include "tests/differential/generator.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace differential {
namespace {

// An integer argument that means a time to live, or nothing.
bool IsShortTime(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 && value < 100'000;
}

}  // namespace

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
  } else if (kind < 20) {
    step.kind = Step::kQuiet;
    step.commands = Quiet();
  } else if (kind < 23) {
    step.kind = Step::kPause;
    step.commands = UnseenEnd();
  } else if (kind < 29) {
    step.kind = Step::kNoMemory;
    step.commands = NoMemory(step.link);
  } else {
    const int count = kind < 100 ? 2 + random_.Below(6) : 1;
    for (int i = 0; i < count; ++i) step.commands.push_back(Command(step.link));
  }
  if (kind >= 8 && kind < 29) in_multi_[step.link] = false;
  for (Argv& argv : step.commands) {
    // With a password RESET takes the client's rights away, and Redis drops it if it owes it a kilobyte of replies.
    if (episode_.password && step.commands.size() > 1 && SameWord(argv[0], "reset")) argv = {"PING"};
  }
  step.short_ttl_ms = short_ttl_ms_;
  return step;
}

std::vector<Argv> Generator::Quiet() {
  static constexpr std::string_view kFirst[] = {"skip", "off", "SKIP", "ON"};
  std::vector<Argv> commands = {{"CLIENT", "REPLY", std::string(random_.Pick(kFirst))}};
  for (int i = random_.Below(4); i >= 0; --i) commands.push_back(random_.Chance(70) ? StringCommand() : OddCommand());
  if (random_.Chance(30)) commands.push_back({"CLIENT", "REPLY", "SKIP"});
  for (Argv& argv : commands) LengthenTtls(argv);
  return commands;
}

// No memory at all, for a moment: what may run does, what may be evicted is.
std::vector<Argv> Generator::NoMemory(int link) {
  static constexpr std::string_view kPolicies[] = {"noeviction",   "allkeys-random", "volatile-random",
                                                   "volatile-ttl", "volatile-lru",   "allkeys-lru"};
  // Less than either server needs for a client and a few keys, and more than a small value has: one that is larger than
  // maxmemory is refused by Larder alone, which in EXEC shows.
  static constexpr const char* kTiny = "3000";
  std::vector<Argv> commands = {{"CONFIG", "SET", "maxmemory-policy", std::string(random_.Pick(kPolicies))},
                                // Tenacity 100: Redis evicts until it fits, however long that takes.
                                {"CONFIG", "SET", "maxmemory-eviction-tenacity", "100", "maxmemory", kTiny}};
  for (int i = random_.Below(8); i >= 0; --i) commands.push_back(Command(link));
  commands.push_back({"DISCARD"});
  commands.push_back({"CONFIG", "SET", "maxmemory", "0"});
  return commands;
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
    if (family < 14) {
      argv = TypeCommand();
    } else if (family < 20) {
      argv = SetCommand();
    } else if (family < 26) {
      argv = ListCommand();
    } else if (family < 34) {
      argv = ZsetCommand();
    } else if (family < 38) {
      argv = GeoCommand();
    } else if (family < 42) {
      argv = BitmapCommand();
    } else if (family < 46) {
      argv = HyperLogLogCommand();
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
  TamePop(argv);
  TameLex(argv);
  TameRandom(argv);
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

}  // namespace differential
