// Requests made of the rows: what a row says of its command's arguments (and COMMAND DOCS tells clients) is what is sent. So
// a command is in the stream as soon as it has a row, and its grammar is said once.
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "lib/commands/families.h"
#include "lib/engine/table.h"
#include "tests/differential/generator.h"

namespace differential {
namespace {

using larder::engine::ArgSpec;
using larder::engine::ArgType;
using larder::engine::CommandRow;
using larder::engine::CommandTable;
using larder::engine::Group;

const CommandTable& Table() {
  static const CommandTable* const table = [] {
    auto* made = new CommandTable();
    larder::Bytes culprit;
    if (made->Build(larder::commands::CoreFamilies(), &culprit) != CommandTable::Fault::kNone) {
      std::fprintf(stderr, "no table of commands: %s\n", std::string(culprit).c_str());
      std::exit(1);
    }
    return made;
  }();
  return *table;
}

bool Says(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  return upper;
}

// The rows of a group that can be asked for anything: no containers, and no prose.
std::vector<const CommandRow*> RowsOf(Group group) {
  std::vector<const CommandRow*> rows;
  for (const CommandRow& row : Table().rows()) {
    if (row.spec->group == group && row.spec->run != nullptr && row.spec->name != "help") rows.push_back(&row);
  }
  return rows;
}

}  // namespace

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
    default: return random_.Chance(45) ? Number() : Text();
  }
}

void Generator::AppendOnce(const ArgSpec& arg, Argv* argv) {
  if (!arg.token.empty()) argv->push_back(Cased(arg.token));
  if (arg.type == ArgType::kPureToken) return;
  if (arg.type == ArgType::kOneOf) {
    AppendOnce(arg.args[static_cast<size_t>(random_.Below(static_cast<int>(arg.args.size())))], argv);
  } else if (arg.type == ArgType::kBlock) {
    for (const ArgSpec& inner : arg.args) Append(inner, argv);
  } else {
    argv->push_back(ValueOf(arg));
  }
}

void Generator::Append(const ArgSpec& arg, Argv* argv) {
  if (arg.optional && !random_.Chance(35)) return;
  AppendOnce(arg, argv);
  for (int more = 0; arg.multiple && more < 4 && random_.Chance(50); ++more) AppendOnce(arg, argv);
}

Argv Generator::FromRow(const CommandRow& row) {
  Argv argv;
  if (row.container != nullptr) argv.push_back(Upper(row.container->spec->name));
  argv.push_back(Upper(row.spec->name));
  for (const ArgSpec& arg : row.spec->args) Append(arg, &argv);
  // Once more what may come once, or what another has excluded: an error, or nothing, as Redis has it.
  if (!row.spec->args.empty() && random_.Chance(6)) {
    const ArgSpec& last = row.spec->args[static_cast<size_t>(random_.Below(static_cast<int>(row.spec->args.size())))];
    if (last.optional) AppendOnce(last, &argv);
  }
  return argv;
}

Argv Generator::FromRow(std::string_view full_name) { return FromRow(*Table().FindByFullName(full_name)); }

Argv Generator::StringCommand() {
  static const std::vector<const CommandRow*> kRows = RowsOf(Group::kString);
  if (random_.Chance(25)) return FromRow("set");
  const CommandRow& row = *kRows[static_cast<size_t>(random_.Below(static_cast<int>(kRows.size())))];
  if (episode_.large && row.spec->name == "lcs") return FromRow("strlen");  // it would take the product of two large ones
  return FromRow(row);
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
