// What connection.cc and others need of CLIENT.
#ifndef LARDER_COMMANDS_CLIENT_COMMAND_H_
#define LARDER_COMMANDS_CLIENT_COMMAND_H_

#include "lib/commands/client.h"
#include "lib/commands/command.h"

namespace larder::inline v0::commands {

extern const CommandSpec kClientSubcommands[9];

// CLIENT SETNAME: printable ASCII without blanks; "" takes the name away.
Error SetClientName(ClientState& client, Bytes name);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_CLIENT_COMMAND_H_
