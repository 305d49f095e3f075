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

// The rows of a group that can be asked for anything: no containers, and no prose.
std::vector<const CommandRow*> RowsOf(Group group) {
  std::vector<const CommandRow*> rows;
  for (const CommandRow& row : larder::testing::CoreTable().rows()) {
    if (row.spec->group == group && row.spec->run != nullptr && row.spec->name != "help") rows.push_back(&row);
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
      if (arg.name == "offset" || arg.name == "start") return Offset();
      return Number();
    default:
      // Few, so that they meet.
      if ((arg.name == "field" || arg.name == "member" || arg.name == "element") && random_.Chance(80)) return Member();
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
    std::erase_if(rows, [](const CommandRow* row) { return row->spec->group == Group::kString; });
    return rows;
  }();
  if (kOthers.empty() || random_.Chance(40)) return StringCommand();
  const CommandRow& row = *kOthers[static_cast<size_t>(random_.Below(static_cast<int>(kOthers.size())))];
  Argv argv = FromRow(row);
  // Keys of the type's own, mostly; all other commands meet them too, see Key.
  if (argv.size() > 1 && random_.Chance(75)) argv[1] = TypeKey(row.spec->group);
  // Redis would write a reply of so many elements, or end for want of memory.
  if (row.spec->name.find("rand") != std::string_view::npos && argv.size() > 2 && argv[2].size() > 3 &&
      argv[2][0] == '-') {
    argv[2] = "-7";
  }
  return argv;
}

std::string Generator::TypeKey(Group group) {
  static constexpr std::string_view kNumbers[] = {"1", "2", "3"};
  return "type" + std::to_string(static_cast<int>(group)) + "." + std::string(random_.Pick(kNumbers));
}

Argv Generator::KeyCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kGeneric);
  if (random_.Chance(8)) return Scan();
  if (random_.Chance(4)) return {"DBSIZE"};
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  if (row.spec->name == "scan") return Scan();
  return FromRow(row);
}

}  // namespace differential
