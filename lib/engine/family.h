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

// The rows, each with what it does not say itself.
template <size_t N>
consteval std::array<CommandSpec, N> Rows(RowDefaults defaults, const CommandSpec (&rows)[N]) {
  std::array<CommandSpec, N> whole = {};
  for (size_t i = 0; i < N; ++i) {
    whole[i] = rows[i];
    if (whole[i].group == Group::kOfFamily) whole[i].group = defaults.group;
    whole[i].categories |= defaults.categories;
  }
  return whole;
}

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_FAMILY_H_
