#include "tests/shapes/requests.h"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <span>

#include "lib/commands/families.h"

namespace larder::testing {
namespace {

using engine::ArgSpec;
using engine::ArgType;
using engine::CommandTable;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  return upper;
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
