#include "tests/shapes/requests.h"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <span>

#include "lib/base/bytes.h"
#include "lib/commands/families.h"

namespace larder::testing {
namespace {

using engine::ArgSpec;
using engine::ArgType;
using engine::CommandTable;
using engine::Group;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  return upper;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = base::LowerAscii(c);
  return lower;
}

void Append(const ArgSpec& arg, Choices& choices, std::vector<std::string>* argv) {
  if (arg.optional && !choices.Takes(arg)) return;
  AppendArgument(arg, choices, argv);
  if (!arg.multiple) return;
  for (int more = choices.Repeats(arg); more > 0; --more) AppendArgument(arg, choices, argv);
}

void AddTokens(std::span<const ArgSpec> args, std::set<std::string>* tokens) {
  for (const ArgSpec& arg : args) {
    if (!arg.token.empty()) tokens->insert(Upper(arg.token));
    AddTokens(arg.args, tokens);
  }
}

}  // namespace

const CommandTable& CoreTable() {
  static const CommandTable* const table = [] {
    auto* made = new CommandTable();
    Bytes culprit;
    if (made->Build(commands::CoreFamilies(), &culprit) != CommandTable::Fault::kNone) {
      std::fprintf(stderr, "no table of commands: %s\n", std::string(culprit).c_str());
      std::exit(1);
    }
    return made;
  }();
  return *table;
}

std::vector<const engine::CommandRow*> RowsOfTypes() {
  std::vector<const engine::CommandRow*> rows;
  for (const engine::CommandRow& row : CoreTable().rows()) {
    if (row.spec->run == nullptr || row.has(engine::kCmdWaits) || row.spec->name == "help") continue;
    switch (row.spec->group) {
      case Group::kString: case Group::kList: case Group::kSet: case Group::kSortedSet: case Group::kHash:
      case Group::kHyperLogLog: case Group::kGeo: case Group::kStream: case Group::kBitmap:
        rows.push_back(&row);
        break;
      default: break;
    }
  }
  return rows;
}

std::string CommandNameOf(const std::vector<std::string>& argv) {
  if (argv.empty()) return "";
  const engine::CommandRow* row = CoreTable().Find(argv[0]);
  const bool container = row != nullptr && row->subcommand_count != 0;
  return Lower(argv[0]) + (container && argv.size() > 1 ? "|" + Lower(argv[1]) : "");
}

void AppendArgument(const ArgSpec& arg, Choices& choices, std::vector<std::string>* argv) {
  if (!arg.token.empty()) argv->push_back(choices.Token(arg.token));
  if (arg.type == ArgType::kPureToken) return;
  if (arg.type == ArgType::kOneOf) {
    AppendArgument(arg.args[choices.Which(arg, arg.args.size())], choices, argv);
  } else if (arg.type == ArgType::kBlock) {
    for (const ArgSpec& inner : arg.args) Append(inner, choices, argv);
  } else {
    argv->push_back(choices.Value(arg));
  }
}

std::vector<std::string> RequestOf(const engine::CommandRow& row, Choices& choices) {
  std::vector<std::string> argv;
  if (row.container != nullptr) argv.push_back(Upper(row.container->spec->name));
  argv.push_back(Upper(row.spec->name));
  for (const ArgSpec& arg : row.spec->args) Append(arg, choices, &argv);
  return argv;
}

std::vector<std::string> TokensOf(const CommandTable& table) {
  std::set<std::string> tokens;
  for (const engine::CommandRow& row : table.rows()) AddTokens(row.spec->args, &tokens);
  return {tokens.begin(), tokens.end()};
}

}  // namespace larder::testing
