// What the files of COMMAND share: it tells clients what the rows say.
#ifndef LARDER_COMMANDS_COMMAND_COMMAND_H_
#define LARDER_COMMANDS_COMMAND_COMMAND_H_

#include "lib/commands/family.h"
#include "lib/engine/table.h"

namespace larder::inline v0::commands {

// A row and, for a subcommand, its container.
struct CommandName {
  const CommandSpec* spec = nullptr;
  const CommandSpec* parent = nullptr;
};

// "get", "config|get"; spec is nullptr if there is no such command.
CommandName FindByFullName(const CommandTable& table, Bytes name);

// "config|get", written into the caller's array.
inline constexpr size_t kFullNameMax = 72;
Bytes FullName(const CommandName& command, char (&out)[kFullNameMax]);

// The array of COMMAND INFO for one command (command_command_info.cc).
void WriteCommandInfo(const CommandName& command, resp::ReplyWriter& reply);
// The names of `flags` (KeyFlag bits) as a set of simple strings.
void WriteKeyFlags(uint16_t flags, resp::ReplyWriter& reply);
// Whether the command is in the ACL category of this name, without '@', case ignored.
bool InCategory(const CommandSpec& spec, Bytes category);

// The map of COMMAND DOCS for one command, without its name (command_command_docs.cc).
void WriteCommandDocs(const CommandName& command, resp::ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_COMMAND_COMMAND_H_
