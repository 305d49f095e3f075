// Family: the rows of one file of commands, as values. An engine is given families; nothing registers itself.
//
//   constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
//       {.name = "getrange", .run = GetRange, .arity = Exactly(4), ...},
//   });
//   ...
//   constinit const Family kStringFamily = {.commands = kRows};
//
// A container's subcommands may stand in several families:
//
//   constinit const Family kClientListFamily = {.container = "client", .subcommands = kSubcommands};
#ifndef LARDER_ENGINE_FAMILY_H_
#define LARDER_ENGINE_FAMILY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/engine/command.h"

namespace larder::inline v0::engine {

struct Family {
  std::span<const CommandSpec> commands = {};
  std::string_view container = {};  // the command, of this family or of another, whose subcommands follow
  std::span<const CommandSpec> subcommands = {};
};

// What the rows of a family have in common.
struct RowDefaults {
  Group group;
  uint32_t categories = 0;  // beside those that a row has itself
};

// What Rows refuses. These functions have no body: the compiler names the one that Rows would have to call, in the
// message in which it says that the rows are no constant expression.
void ARowHasNoGroup();
void ANameIsNotInLowerCase();
void TwoRowsHaveTheSameName();
void AKeyArgumentHasNoKeySpec();

constexpr bool IsLowerCase(std::string_view name) {
  for (const char c : name) {
    if ((c >= 'A' && c <= 'Z') || c == '|' || c == ' ') return false;
  }
  return true;
}

// Every argument that is a key says which of the row's `key_specs` finds it.
constexpr bool KeysHaveSpecs(std::span<const ArgSpec> args, size_t key_specs) {
  for (const ArgSpec& arg : args) {
    if (arg.type == ArgType::kKey && (arg.key_spec < 0 || static_cast<size_t>(arg.key_spec) >= key_specs)) return false;
    if (!KeysHaveSpecs(arg.args, key_specs)) return false;
  }
  return true;
}

// The rows, each with what it does not say itself. What is wrong with a row for itself does not compile; what can only
// be seen among all families is the table's to say (table.h).
template <size_t N>
consteval std::array<CommandSpec, N> Rows(RowDefaults defaults, const CommandSpec (&rows)[N]) {
  std::array<CommandSpec, N> whole = {};
  for (size_t i = 0; i < N; ++i) {
    whole[i] = rows[i];
    if (whole[i].group == Group::kOfFamily) whole[i].group = defaults.group;
    whole[i].categories |= defaults.categories;
    if (whole[i].group == Group::kOfFamily) ARowHasNoGroup();
    if (!IsLowerCase(whole[i].name)) ANameIsNotInLowerCase();
    if (!KeysHaveSpecs(whole[i].args, whole[i].keys.size())) AKeyArgumentHasNoKeySpec();
    for (size_t earlier = 0; earlier < i; ++earlier) {
      if (whole[earlier].name == whole[i].name) TwoRowsHaveTheSameName();
    }
  }
  return whole;
}

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_FAMILY_H_
