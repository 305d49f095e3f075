// Requests about sets: on five keys that only they use, mostly, with members that meet again, so that sets are of both
// labels, of all sizes and widths of integers, and change from one to the other.
#include "lib/base/numbers.h"
#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::CommandRow;
using larder::engine::Group;

std::vector<const CommandRow*> RowsOfSets() {
  std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
  std::erase_if(rows, [](const CommandRow* row) { return row->spec->group != Group::kSet; });
  return rows;
}

}  // namespace

std::string Generator::SetMember() {
  static const std::string kWide[] = {"32767",
                                      "32768",
                                      "-32768",
                                      "-32769",
                                      "2147483647",
                                      "2147483648",
                                      "-2147483648",
                                      "-2147483649",
                                      "9223372036854775807",
                                      "-9223372036854775808"};
  const int kind = random_.Below(100);
  if (kind < 70) return std::to_string(random_.Below(30) - 10);
  if (kind < 80) return random_.Pick(kWide);
  if (kind < 84) return Number();
  return kind < 98 ? Member() : Text();
}

// Some keys more.
Argv Generator::WithSets(Argv argv) {
  for (int i = random_.Below(random_.Chance(90) ? 4 : 7); i >= 0; --i) argv.push_back(Key());
  return argv;
}

Argv Generator::SetCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOfSets();
  static const std::string kLimits[] = {"0", "1", "2", "5", "20", "100", "512", "512", "512", "2000"};
  static const std::string kAlgebra[] = {"SINTER", "SUNION", "SDIFF"};
  static const std::string kAlgebraStore[] = {"SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"};
  of_sets_ = true;
  Argv argv;
  switch (random_.Below(26)) {
    case 0:
    case 1:
    case 2:
    case 3:
      argv = {"SADD", Key()};
      for (int i = random_.Below(8); i >= 0; --i) argv.push_back(SetMember());
      break;
    case 4: {
      argv = {"SADD", Key()};
      const int from = random_.Below(400);
      for (int i = random_.Chance(15) ? 530 : 200; i > 0; --i) argv.push_back(std::to_string(from + i));
      break;
    }
    case 5:
      argv = {"SADD", Key()};
      for (int i = random_.Chance(30) ? 300 : 40; i > 0; --i) argv.push_back(Member());
      break;
    case 6:
    case 7:
      argv = {"SREM", Key()};
      for (int i = random_.Below(20); i >= 0; --i) argv.push_back(SetMember());
      break;
    case 8:
      argv = {"SMOVE", Key(), Key(), SetMember()};
      break;
    case 9:
      argv = {"SPOP", Key(), "1000000"};
      break;
    case 10:
    case 11:
      argv = {"SMEMBERS", Key()};
      break;
    case 12:
    case 13:
    case 14:
      argv = {"OBJECT", "ENCODING", Key()};
      break;
    case 15:
    case 16:
      argv = WithSets({random_.Pick(kAlgebra)});
      break;
    case 17:
    case 18:
    case 19:
      argv = WithSets({random_.Pick(kAlgebraStore), Key()});
      break;
    case 20:
      argv = {"CONFIG", "SET", "set-max-intset-entries", random_.Pick(kLimits)};
      break;
    case 21: {
      argv = WithSets({"SINTERCARD", ""});
      argv[1] = std::to_string(argv.size() - 2);
      if (random_.Chance(50)) argv.insert(argv.end(), {Cased("LIMIT"), std::to_string(random_.Below(12))});
      break;
    }
    case 22:
      argv = {random_.Chance(50) ? "COPY" : "RENAME", Key(), Key()};
      break;
    default:
      argv = FromRow(*kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))]);
  }
  of_sets_ = false;
  // As with HRANDFIELD: Redis would write a reply of so many members, or end for want of memory.
  if (SameWord(argv[0], "srandmember") && argv.size() > 2 && argv[2].size() > 3 && argv[2][0] == '-') argv[2] = "-7";
  return argv;
}

// What SPOP leaves would differ, but where it takes all or none. (sets_test.cc has the others.)
void Generator::TamePop(Argv& argv) {
  if (argv.empty() || !SameWord(argv[0], "spop")) return;
  if (argv.size() == 2) {
    if (random_.Chance(10)) {
      argv[1] = "no such set";
    } else {
      argv.emplace_back("1000000");
    }
  }
  int64_t count = 0;
  if (argv.size() == 3 && larder::base::ParseInt64(argv[2], &count) && count > 0 && count < 1'000'000) {
    argv[2] = "1000000";
  }
}

}  // namespace differential
