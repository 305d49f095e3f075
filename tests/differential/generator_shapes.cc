// Requests made of the rows: see tests/shapes/requests.h. A command is in the stream as soon as it has a row.
#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::ArgSpec;
using larder::engine::ArgType;
using larder::engine::CommandRow;
using larder::engine::Group;

bool Says(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// The rows of a group that can be asked for anything: no containers, no prose, and nothing that waits.
std::vector<const CommandRow*> RowsOf(Group group) {
  std::vector<const CommandRow*> rows;
  for (const CommandRow& row : larder::testing::CoreTable().rows()) {
    if (row.spec->group != group || row.spec->run == nullptr || row.spec->name == "help") continue;
    if (!row.has(larder::engine::kCmdWaits)) rows.push_back(&row);
  }
  return rows;
}

}  // namespace

// By chance.
class Generator::Chances final : public larder::testing::Choices {
 public:
  explicit Chances(Generator& generator) : generator_(generator) {}
  bool Takes(const ArgSpec&) override { return random().Chance(35); }
  int Repeats(const ArgSpec&) override {
    int more = 0;
    while (more < 4 && random().Chance(50)) ++more;
    return more;
  }
  size_t Which(const ArgSpec&, size_t count) override {
    return static_cast<size_t>(random().Below(static_cast<int>(count)));
  }
  std::string Value(const ArgSpec& arg) override { return generator_.ValueOf(arg); }
  std::string Token(std::string_view token) override { return generator_.Cased(token); }

 private:
  Random& random() { return generator_.random_; }
  Generator& generator_;
};

// What stands for an argument that is no token, by its type, and by its name where that says more.
std::string Generator::ValueOf(const ArgSpec& arg) {
  const bool ms = Says(arg.name, "milliseconds");
  switch (arg.type) {
    case ArgType::kKey: return Key();
    case ArgType::kPattern: return Pattern();
    case ArgType::kDouble: return Float();
    case ArgType::kUnixTime: return UnixTime(ms);
    case ArgType::kInteger:
      if (Says(arg.name, "seconds")) return Seconds(ms);
      if (Says(arg.name, "db")) return Db();
      if (of_bits_ && arg.name == "offset") return BitOffset();
      if (of_bits_ && random_.Chance(60)) return std::to_string(random_.Below(700) - 350);
      if (arg.name == "offset" || arg.name == "start") return Offset();
      return Number();
    default:
      // Few, so that they meet.
      if ((arg.name == "field" || arg.name == "member" || arg.name == "element" || arg.name == "pivot") &&
          random_.Chance(80)) {
        return Member();
      }
      if (of_bits_ && arg.name == "encoding") return FieldType();
      return random_.Chance(45) ? Number() : Text();
  }
}

std::string Generator::Member() {
  const int many = random_.Chance(90) ? 12 : 1000;
  return "m" + std::to_string(random_.Below(many));
}

Argv Generator::FromRow(const CommandRow& row) {
  Chances chances(*this);
  Argv argv = larder::testing::RequestOf(row, chances);
  // Once more what may come once, or what another has excluded: an error, or nothing, as Redis has it.
  if (!row.spec->args.empty() && random_.Chance(6)) {
    const ArgSpec& last = row.spec->args[static_cast<size_t>(random_.Below(static_cast<int>(row.spec->args.size())))];
    if (last.optional) larder::testing::AppendArgument(last, chances, &argv);
  }
  return argv;
}

Argv Generator::FromRow(std::string_view full_name) {
  return FromRow(*larder::testing::CoreTable().FindByFullName(full_name));
}

Argv Generator::StringCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kString);
  if (random_.Chance(25)) return FromRow("set");
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  if (episode_.large && row.spec->name == "lcs")
    return FromRow("strlen");  // it would take the product of two large ones
  return FromRow(row);
}

// Strings, and whatever other types there are.
Argv Generator::TypeCommand() {
  static const std::vector<const CommandRow*> kOthers = [] {
    std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
    // Those have requests of their own.
    std::erase_if(rows, [](const CommandRow* row) {
      const Group group = row->spec->group;
      return group == Group::kString || group == Group::kBitmap || group == Group::kHyperLogLog ||
             group == Group::kSet || group == Group::kList || group == Group::kSortedSet ||
             group == Group::kStream || group == Group::kGeo;
    });
    return rows;
  }();
  if (random_.Chance(25)) return StreamCommand();
  if (kOthers.empty() || random_.Chance(40)) return StringCommand();
  const CommandRow& row = *kOthers[static_cast<size_t>(random_.Below(static_cast<int>(kOthers.size())))];
  Argv argv = FromRow(row);
  // Keys of the type's own, mostly; all other commands meet them too, see Key.
  if (argv.size() > 1 && random_.Chance(75)) argv[1] = TypeKey(row.spec->group);
  return argv;
}

// Made of the rows too, but for arguments that are bits, types of fields and operations.
Argv Generator::BitmapCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kBitmap);
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  of_bits_ = true;
  Argv argv = FromRow(row);
  of_bits_ = false;
  if (random_.Chance(4)) return argv;
  if (row.spec->name == "bitop") {
    static constexpr std::string_view kOperations[] = {"AND", "OR", "XOR", "NOT", "and", "xOr"};
    if (random_.Chance(97)) argv[1] = std::string(random_.Pick(kOperations));
    if (SameWord(argv[1], "not") && random_.Chance(80)) argv.resize(4);
  } else if (row.spec->name == "setbit") {
    if (random_.Chance(92)) argv[3] = std::to_string(random_.Below(2));
  } else if (row.spec->name == "bitpos") {
    if (random_.Chance(95)) argv[2] = std::to_string(random_.Below(2));
  }
  return argv;
}

std::string Generator::TypeKey(Group group) {
  static constexpr std::string_view kNumbers[] = {"1", "2", "3"};
  return "type" + std::to_string(static_cast<int>(group)) + "." + std::string(random_.Pick(kNumbers));
}

// Elements of few kinds, so that they meet again; at times many at once, so that sparse strings become dense; and headers
// overwritten.
Argv Generator::HyperLogLogCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kHyperLogLog);
  static constexpr std::string_view kDebug[] = {"GETREG", "DECODE", "ENCODING", "TODENSE", "decode", "FOO"};
  const std::string key = "hll" + std::to_string(random_.Below(4));
  switch (random_.Below(20)) {
    case 0: case 1: case 2: case 3: case 4: case 5: {
      Argv argv = {"PFADD", key};
      const int space = random_.Chance(50) ? 30 : 100'000;
      for (int i = random_.Below(8); i > 0; --i) argv.push_back(std::to_string(random_.Below(space)));
      return argv;
    }
    case 6: {
      Argv argv = {"PFADD", key};
      for (int i = random_.Chance(10) ? 3000 : 100; i > 0; --i) argv.push_back(std::to_string(random_.Below(1 << 20)));
      return argv;
    }
    case 7: return {"PFMERGE", key, "hll" + std::to_string(random_.Below(5))};
    case 8: return {"PFDEBUG", std::string(random_.Pick(kDebug)), key};
    case 9: case 10: return {"PFCOUNT", key};
    case 11: return {"GET", key};
    case 12:  // in the header; for runs and registers there is hyperloglog_test.cc
      fixed_ = true;
      return {"SETRANGE", key, std::to_string(random_.Below(16)), std::string(1, static_cast<char>(random_.Next()))};
    case 13: return {random_.Chance(50) ? "DEL" : "STRLEN", key};
    case 14: return {"CONFIG", "SET", "hll-sparse-max-bytes", std::to_string(random_.Below(4) * 40)};
    case 15: return {"OBJECT", "ENCODING", key};
    case 16: return {"PFCOUNT", key, "hll" + std::to_string(random_.Below(4))};
    default: break;
  }
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  if (row.spec->name == "pfselftest") return {"PFCOUNT", key};  // Redis's fails if hll-sparse-max-bytes is small
  return FromRow(row);
}

Argv Generator::KeyCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kGeneric);
  if (random_.Chance(8)) return Scan();
  if (random_.Chance(4)) return {"DBSIZE"};
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  if (row.spec->name == "scan") return Scan();
  if (row.spec->name == "sort" || row.spec->name == "sort_ro") return SortCommand(row);
  return FromRow(row);
}

}  // namespace differential
