// Lists: few keys and few elements, so that what is looked for is there; as long as it takes to reach each form.
#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::CommandRow;
using larder::engine::Group;

constexpr std::string_view kSides[] = {"LEFT", "RIGHT", "left", "Right"};

}  // namespace

std::string Generator::ListKey() { return random_.Chance(96) ? "l" + std::to_string(random_.Below(4)) : Key(); }

// Within what lists here have, at their ends, or far outside.
std::string Generator::ListIndex() {
  if (random_.Chance(8)) return Number();
  const int most = random_.Chance(70) ? 8 : 300;
  return std::to_string(random_.Below(2 * most + 1) - most);
}

Argv Generator::ListCommand() {
  static const std::vector<const CommandRow*> kRows = [] {
    std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
    std::erase_if(rows, [](const CommandRow* row) { return row->spec->group != Group::kList; });
    return rows;
  }();
  const std::string key = ListKey();
  switch (random_.Below(24)) {
    case 0: case 1: case 2: {
      Argv argv = {random_.Chance(50) ? "LPUSH" : "RPUSH", key};
      for (int i = 1 + random_.Below(5); i > 0; --i) argv.push_back(random_.Chance(80) ? Member() : Text());
      return argv;
    }
    case 3: {  // from packed to tree
      Argv argv = {random_.Chance(50) ? "LPUSH" : "RPUSH", key};
      const bool long_ones = random_.Chance(30);
      for (int i = random_.Chance(20) ? 600 : 60; i > 0; --i) {
        argv.push_back(long_ones && random_.Chance(10) ? Text() : Member());
      }
      return argv;
    }
    case 4: return {random_.Chance(50) ? "LPOP" : "RPOP", key};
    case 5: return {random_.Chance(50) ? "LPOP" : "RPOP", key, std::to_string(random_.Below(random_.Chance(80) ? 5 : 400))};
    case 6: return {"LRANGE", key, ListIndex(), ListIndex()};
    case 7: return {"LRANGE", key, "0", "-1"};
    case 8: return {"LINDEX", key, ListIndex()};
    case 9: return {"LSET", key, ListIndex(), random_.Chance(80) ? Member() : Text()};
    case 10: return {"LREM", key, ListIndex(), Member()};
    case 11: return {"LTRIM", key, ListIndex(), ListIndex()};
    case 12: return {"LINSERT", key, random_.Chance(50) ? "BEFORE" : "after", Member(), Member()};
    case 13: case 14: {
      Argv argv = {"LPOS", key, Member()};
      if (random_.Chance(60)) argv.insert(argv.end(), {"RANK", ListIndex()});
      if (random_.Chance(50)) argv.insert(argv.end(), {"COUNT", std::to_string(random_.Below(5))});
      if (random_.Chance(30)) argv.insert(argv.end(), {"maxlen", std::to_string(random_.Below(60))});
      return argv;
    }
    case 15: case 16:
      return {"LMOVE", key, ListKey(), std::string(random_.Pick(kSides)), std::string(random_.Pick(kSides))};
    case 17: return {"RPOPLPUSH", key, ListKey()};
    case 18: {
      Argv argv = {"LMPOP", "2", ListKey(), key, std::string(random_.Pick(kSides))};
      if (random_.Chance(50)) argv.insert(argv.end(), {"COUNT", std::to_string(random_.Below(20))});
      if (random_.Chance(10)) argv[1] = Number();
      return argv;
    }
    case 19: return {"OBJECT", "ENCODING", key};
    case 20: {
      static constexpr std::string_view kWhole[] = {"DEL", "LLEN", "TYPE", "UNLINK"};
      return {std::string(random_.Pick(kWhole)), key};
    }
    case 21: return {random_.Chance(50) ? "COPY" : "RENAME", key, ListKey()};
    default: break;
  }
  Argv argv = FromRow(*kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))]);
  if (random_.Chance(75) && argv.size() > 2) argv[argv[0] == "LMPOP" ? 2 : 1] = key;
  return argv;
}

// Of lists, of numbers at times; by keys that are there.
Argv Generator::SortCommand(const CommandRow& row) {
  static constexpr std::string_view kPatterns[] = {"*", "a*", "nosort", "l*", "s_*", "s_*->f", "h_*->m1", "#", "*->m1"};
  const std::string list = "sort" + std::to_string(random_.Below(2));
  const std::string other = "s_" + std::to_string(random_.Below(12));
  switch (random_.Below(8)) {
    case 0: case 1: {
      Argv argv = {"RPUSH", list};
      for (int i = 1 + random_.Below(random_.Chance(90) ? 6 : 200); i > 0; --i) {
        argv.push_back(std::to_string(random_.Below(12)) + (random_.Chance(10) ? ".5" : ""));
      }
      return argv;
    }
    case 2: return {"SET", other, random_.Chance(80) ? std::to_string(random_.Below(9)) : Text()};
    case 3: return {random_.Chance(70) ? "HSET" : "HDEL", other, "f", std::to_string(random_.Below(9))};
    case 4:
      if (random_.Chance(50)) return {"DEL", list, other};
      break;
    default: break;
  }
  Argv argv = FromRow(row);
  if (argv.size() < 2) return argv;
  argv[1] = random_.Chance(60) ? list : ListKey();
  bool by = false;
  for (size_t i = 2; i + 1 < argv.size(); ++i) {
    const std::string word = Lower(argv[i]);
    by = by || word == "by";
    if (word == "by" || word == "get") argv[++i] = std::string(random_.Pick(kPatterns));
  }
  // Which of several equal texts comes first is each side's own then: see must_differ.cc.
  for (size_t i = 2; by && i < argv.size(); ++i) {
    if (Lower(argv[i]) != "limit") continue;
    const auto at = argv.begin() + static_cast<ptrdiff_t>(i);
    argv.erase(at, argv.end() - at < 3 ? argv.end() : at + 3);
  }
  return argv;
}

}  // namespace differential
