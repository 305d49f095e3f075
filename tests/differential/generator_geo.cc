// Requests about places: on three keys that only they use, mostly. Places meet again, or lie together, so that searches
// find some and distances are equal; others are at the edges of the map, where Redis has habits of its own.
#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::CommandRow;
using larder::engine::Group;

std::vector<const CommandRow*> RowsOfGeo() {
  std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
  std::erase_if(rows, [](const CommandRow* row) { return row->spec->group != Group::kGeo; });
  return rows;
}

constexpr std::string_view kUnits[] = {"m", "km", "ft", "mi", "M", "Km"};

}  // namespace

void Generator::AddPoint(Argv* argv) {
  static const std::string kLongitudes[] = {"180", "-180", "179.9999999", "0",    "-0",
                                            "90",  "180.0000001", "nan",  "1e300"};
  static const std::string kLatitudes[] = {"85.05112878", "-85.05112878", "85",          "-84.9",
                                           "0",           "45",           "85.05112879", "inf"};
  const auto decimal = [this](int most) {
    return std::to_string(random_.Below(2 * most + 1) - most) + "." + std::to_string(random_.Below(1'000'000));
  };
  switch (random_.Below(8)) {
    case 0: case 1: case 2:  // a few places near each other
      argv->push_back("13." + std::to_string(random_.Below(9)));
      argv->push_back("38." + std::to_string(random_.Below(4)));
      break;
    case 3: case 4:
      argv->push_back("13." + std::to_string(random_.Below(1'000'000)));
      argv->push_back("38." + std::to_string(random_.Below(1'000'000)));
      break;
    case 5:
      argv->push_back(random_.Chance(70) ? random_.Pick(kLongitudes) : decimal(179));
      argv->push_back(random_.Chance(70) ? random_.Pick(kLatitudes) : decimal(84));
      break;
    case 6:
      argv->push_back(decimal(179));
      argv->push_back((random_.Chance(50) ? "8" : "-8") + std::to_string(random_.Below(5)) + "." +
                      std::to_string(random_.Below(1'000'000)));
      break;
    default:
      argv->push_back(decimal(179));
      argv->push_back(decimal(84));
  }
}

Argv Generator::GeoAdd() {
  static const std::string kOptions[] = {"NX", "XX", "CH", "CH"};
  Argv argv = {"GEOADD", Key()};
  while (random_.Chance(20)) argv.push_back(Cased(random_.Pick(kOptions)));
  const int members = random_.Chance(6) ? 150 : random_.Chance(30) ? 1 : 1 + random_.Below(30);
  for (int i = 0; i < members; ++i) {
    AddPoint(&argv);
    argv.push_back(Member());
  }
  return argv;
}

// ASC, COUNT, WITHDIST and so on.
void Generator::AddSearchOptions(Argv* argv) {
  static const std::string kWith[] = {"WITHDIST", "WITHCOORD", "WITHHASH"};
  if (random_.Chance(40)) argv->push_back(Cased(random_.Chance(60) ? "ASC" : "DESC"));
  if (random_.Chance(40)) {
    argv->insert(argv->end(), {Cased("COUNT"), std::to_string(random_.Below(random_.Chance(50) ? 6 : 60))});
    if (random_.Chance(30)) argv->push_back(Cased("ANY"));
  }
  while (random_.Chance(45)) argv->push_back(Cased(random_.Pick(kWith)));
}

Argv Generator::GeoSearch() {
  // From some meters to more than the earth has, and what is no size.
  const auto size = [this] {
    static const std::string kOdd[] = {"0", "inf", "1e-9", "1e300", "-1", "20037726.37", "5e7", "nan", "3.5e3"};
    if (random_.Chance(12)) return random_.Pick(kOdd);
    return std::to_string(1 + random_.Below(99)) + std::string(static_cast<size_t>(random_.Below(7)), '0');
  };
  const auto unit = [this] { return std::string(random_.Pick(kUnits)); };
  const int kind = random_.Below(10);
  Argv argv;
  if (kind < 4) {
    const bool by_member = random_.Chance(50);
    argv = {by_member ? "GEORADIUSBYMEMBER" : "GEORADIUS"};
    if (random_.Chance(40)) argv[0] += "_RO";
    argv.push_back(Key());
    if (by_member) argv.push_back(Member());
    else AddPoint(&argv);
    argv.insert(argv.end(), {size(), unit()});
    AddSearchOptions(&argv);
    if (random_.Chance(20)) argv.insert(argv.end(), {Cased(random_.Chance(50) ? "STORE" : "STOREDIST"), Key()});
    return argv;
  }
  const bool stores = kind < 6;
  argv = {stores ? "GEOSEARCHSTORE" : "GEOSEARCH", Key()};
  if (stores) argv.push_back(Key());
  if (random_.Chance(50)) {
    argv.insert(argv.end(), {Cased("FROMMEMBER"), Member()});
  } else {
    argv.push_back(Cased("FROMLONLAT"));
    AddPoint(&argv);
  }
  if (random_.Chance(50)) argv.insert(argv.end(), {Cased("BYRADIUS"), size(), unit()});
  else argv.insert(argv.end(), {Cased("BYBOX"), size(), size(), unit()});
  if (!stores || random_.Chance(20)) AddSearchOptions(&argv);
  if (stores && random_.Chance(40)) argv.push_back(Cased("STOREDIST"));
  if (stores && random_.Chance(40)) argv.insert(argv.end(), {"COUNT", std::to_string(1 + random_.Below(20))});
  return argv;
}

Argv Generator::GeoCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOfGeo();
  of_geo_ = true;
  Argv argv;
  switch (random_.Below(14)) {
    case 0: case 1: case 2: argv = GeoAdd(); break;
    case 3: case 4: case 5: case 6: case 7: case 8: argv = GeoSearch(); break;
    case 9: argv = {random_.Chance(50) ? "GEOPOS" : "GEOHASH", Key(), Member(), Member(), Member()}; break;
    case 10: argv = {"GEODIST", Key(), Member(), Member(), std::string(random_.Pick(kUnits))}; break;
    case 11: argv = {"ZADD", Key(), Score(), Member()}; break;  // which may be no place
    case 12: argv = {"ZRANGE", Key(), "0", "-1", "WITHSCORES"}; break;
    default: argv = FromRow(*kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))]);
  }
  of_geo_ = false;
  return argv;
}

}  // namespace differential
