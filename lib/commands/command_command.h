// What the files of COMMAND share: it tells clients what the rows say.
#ifndef LARDER_COMMANDS_COMMAND_COMMAND_H_
#define LARDER_COMMANDS_COMMAND_COMMAND_H_

#include "lib/commands/family.h"
#include "lib/engine/table.h"

namespace larder::inline v0::commands {

// The array of COMMAND INFO for one command (command_command_info.cc).
void WriteCommandInfo(const CommandRow& row, resp::ReplyWriter& reply);
// The names of `flags` (KeyFlag bits) as a set of simple strings.
void WriteKeyFlags(uint16_t flags, resp::ReplyWriter& reply);
// Whether the command is in the ACL category of this name, without '@', case ignored.
bool InCategory(const CommandSpec& spec, Bytes category);

// The map of COMMAND DOCS for one command, without its name (command_command_docs.cc).
void WriteCommandDocs(const CommandRow& row, resp::ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_COMMAND_COMMAND_H_
