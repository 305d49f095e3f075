// The families of the core.
#ifndef LARDER_COMMANDS_FAMILIES_H_
#define LARDER_COMMANDS_FAMILIES_H_

#include <array>
#include <span>

#include "lib/commands/family.h"
#include "lib/engine/table.h"

namespace larder::inline v0::commands {

using CoreFamilyArray = std::array<Family, 6>;
CoreFamilyArray CoreFamilies();

std::span<const CommandSpec> StringCommands();
std::span<const CommandSpec> KeyCommands();
std::span<const CommandSpec> TransactionCommands();
std::span<const CommandSpec> ConnectionCommands();
std::span<const CommandSpec> ServerCommands();
std::span<const CommandSpec> CommandCommands();  // COMMAND itself

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_FAMILIES_H_
