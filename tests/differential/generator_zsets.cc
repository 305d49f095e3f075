// Requests about sorted sets: on some keys that only they use, mostly, with members and scores that meet again, so that
// sorted sets are of both labels and of all sizes, and many scores are equal.
#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::CommandRow;
using larder::engine::Group;

std::vector<const CommandRow*> RowsOfZsets() {
  std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
  std::erase_if(rows, [](const CommandRow* row) { return row->spec->group != Group::kSortedSet; });
  return rows;
}

bool IsByLex(const Argv& argv) {
  for (const std::string& word : argv) {
    if (SameWord(word, "bylex")) return true;
  }
  return Lower(argv[0]).find("lex") != std::string::npos;
}

}  // namespace

std::string Generator::Score() {
  static const std::string kOdd[] = {"-0", "-0.0", "0", "inf", "-inf", "1e17", "4611686018427387904", "1e21", "0.1",
                                     "-4611686018427387905", "9007199254740993", "5e-324", "1.7976931348623157e308",
                                     "3.0", "-1e-300", "123456789012345678"};
  const int kind = random_.Below(100);
  if (kind < 60) return std::to_string(random_.Below(20) - 5);
  if (kind < 80) return random_.Pick(kOdd);
  return kind < 95 ? std::to_string(random_.Below(1000)) + "." + std::to_string(random_.Below(1000)) : Float();
}

std::string Generator::ScoreBound() {
  static const std::string kOdd[] = {"-inf", "+inf", "(inf", "(-0", "", "(", " 1", "1e400", "-1e400", "1e-400", "(nan", "x"};
  if (random_.Chance(15)) return random_.Pick(kOdd);
  return (random_.Chance(30) ? "(" : "") + Score();
}

std::string Generator::LexBound() {
  static const std::string kOdd[] = {"-", "+", "-", "+", "[", "(", "", "x", "-x"};
  if (random_.Chance(30)) return random_.Pick(kOdd);
  return (random_.Chance(40) ? "(" : "[") + (random_.Chance(80) ? Member() : Text());
}

// What redis-server gives where members of several scores are asked for by member is, of a skiplist, chance.
void Generator::TameLex(Argv& argv) {
  if (argv.size() < 2 || !IsByLex(argv)) return;
  const size_t at = SameWord(argv[0], "zrangestore") ? 2 : 1;
  if (at < argv.size()) argv[at] = "lex" + std::to_string(random_.Below(3));
}

// Redis would write a reply of so many elements, or end for want of memory.
void Generator::TameRandom(Argv& argv) {
  if (argv.size() < 3 || argv[2].size() <= 3 || argv[2][0] != '-') return;
  if (Lower(argv[0]).find("rand") != std::string::npos) argv[2] = "-7";
}

// On keys whose members all have the score 0.
Argv Generator::LexCommand() {
  const std::string key = "lex" + std::to_string(random_.Below(3));
  Argv argv;
  switch (random_.Below(8)) {
    case 0: case 1:
      argv = {"ZADD", key};
      for (int i = random_.Chance(10) ? 200 : random_.Below(8); i >= 0; --i) argv.insert(argv.end(), {"0", Member()});
      fixed_ = true;
      return argv;
    case 2: return {"ZREM", key, Member(), Member()};
    case 3: argv = {random_.Chance(70) ? "ZLEXCOUNT" : "ZREMRANGEBYLEX", key, LexBound(), LexBound()}; return argv;
    case 4: argv = {"ZRANGE", key, LexBound(), LexBound(), Cased("BYLEX")}; break;
    case 5: argv = {"ZRANGESTORE", Key(), key, LexBound(), LexBound(), "BYLEX"}; break;
    default:
      argv = {random_.Chance(50) ? "ZRANGEBYLEX" : "ZREVRANGEBYLEX", key, LexBound(), LexBound()};
  }
  if (argv[0].find("ZRANGE") == 0 && random_.Chance(40) && argv.size() > 4) argv.push_back(Cased("REV"));
  if (random_.Chance(40)) {
    argv.insert(argv.end(), {"LIMIT", std::to_string(random_.Below(12) - 1), std::to_string(random_.Below(12) - 2)});
  }
  return argv;
}

// numkeys, keys, weights
void Generator::AddOperands(Argv* argv) {
  const int count = random_.Below(4) + 1;
  argv->push_back(std::to_string(count));
  for (int i = 0; i < count; ++i) argv->push_back(Key());
  if (random_.Chance(30)) {
    argv->push_back(Cased("WEIGHTS"));
    for (int i = 0; i < count; ++i) argv->push_back(Score());
  }
  static const std::string kAggregates[] = {"SUM", "MIN", "MAX"};
  if (random_.Chance(40)) argv->insert(argv->end(), {Cased("AGGREGATE"), Cased(random_.Pick(kAggregates))});
}

Argv Generator::ScoreRange() {
  static const std::string kCommands[] = {"ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZRANGE"};
  Argv argv = {random_.Pick(kCommands), Key(), ScoreBound(), ScoreBound()};
  if (argv[0] == "ZRANGE") argv.push_back(Cased("BYSCORE"));
  if (argv[0] == "ZRANGE" && random_.Chance(40)) argv.push_back(Cased("REV"));
  if (random_.Chance(60)) argv.push_back(Cased("WITHSCORES"));
  if (random_.Chance(40)) {
    argv.insert(argv.end(), {"LIMIT", std::to_string(random_.Below(20) - 1), std::to_string(random_.Below(20) - 2)});
  }
  return argv;
}

Argv Generator::AddScored() {
  static const std::string kOptions[] = {"NX", "XX", "GT", "LT", "CH", "CH", "GT", "INCR"};
  Argv argv = {"ZADD", Key()};
  while (random_.Chance(30)) argv.push_back(Cased(random_.Pick(kOptions)));
  const int members = random_.Chance(5) ? 140 : random_.Chance(50) ? 1 : 1 + random_.Below(8);
  for (int i = 0; i < members; ++i) argv.insert(argv.end(), {Score(), random_.Chance(95) ? Member() : Text()});
  return argv;
}

Argv Generator::ZsetCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOfZsets();
  static const std::string kLimits[] = {"0", "1", "5", "20", "128", "128", "128", "1000"};
  static const std::string kAlgebra[] = {"ZUNION", "ZINTER", "ZDIFF"};
  of_zsets_ = true;
  Argv argv;
  switch (random_.Below(26)) {
    case 0: case 1: case 2: case 3: case 4: argv = AddScored(); break;
    case 5: argv = {"ZINCRBY", Key(), Score(), Member()}; break;
    case 6: argv = {"ZREM", Key(), Member(), Member(), Member()}; break;
    case 7: case 8: argv = ScoreRange(); break;
    case 9: argv = {"ZRANGE", Key(), "0", "-1", "WITHSCORES"}; break;
    case 10:
      argv = {random_.Chance(50) ? "ZREMRANGEBYSCORE" : "ZCOUNT", Key(), ScoreBound(), ScoreBound()};
      break;
    case 11:
      argv = {"ZREMRANGEBYRANK", Key(), std::to_string(random_.Below(20) - 10), std::to_string(random_.Below(20) - 10)};
      break;
    case 12: case 13:
      argv = {random_.Pick(kAlgebra) + "STORE", Key()};
      AddOperands(&argv);
      break;
    case 14:
      argv = {random_.Pick(kAlgebra)};
      AddOperands(&argv);
      if (random_.Chance(70)) argv.push_back("WITHSCORES");
      break;
    case 15: argv = {random_.Chance(50) ? "ZPOPMIN" : "ZPOPMAX", Key(), std::to_string(random_.Below(6))}; break;
    case 16: argv = {"OBJECT", "ENCODING", Key()}; break;
    case 17: case 18: case 19: argv = LexCommand(); break;
    case 20: argv = {"CONFIG", "SET", "zset-max-listpack-entries", random_.Pick(kLimits)}; break;
    case 21: argv = {random_.Chance(50) ? "COPY" : "RENAME", Key(), Key()}; break;
    case 22: argv = {random_.Chance(50) ? "ZRANK" : "ZSCORE", Key(), Member()}; break;
    default: argv = FromRow(*kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))]);
  }
  of_zsets_ = false;
  return argv;
}

}  // namespace differential
