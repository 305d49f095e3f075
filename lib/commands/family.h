// What every file of commands begins with: the engine, whose words (ArgReader, CommandSpec, Exactly...) the families
// use as their own.
#ifndef LARDER_COMMANDS_FAMILY_H_
#define LARDER_COMMANDS_FAMILY_H_

#include "lib/engine/command.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::commands {

using namespace engine;

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_FAMILY_H_
