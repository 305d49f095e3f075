// The server family's functions and sub-rows that live in files of their own; its rows are in server.cc.
#ifndef LARDER_COMMANDS_SERVER_COMMANDS_H_
#define LARDER_COMMANDS_SERVER_COMMANDS_H_

#include "lib/commands/family.h"

namespace larder::inline v0::commands {

Error Info(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);   // info.cc
Error Debug(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);  // debug.cc
Error Monitor(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);  // monitor.cc

extern const CommandSpec kConfigSubcommands[5];  // config.cc

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_SERVER_COMMANDS_H_
