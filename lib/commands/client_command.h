// What the files of CLIENT share, and what others need of it.
#ifndef LARDER_COMMANDS_CLIENT_COMMAND_H_
#define LARDER_COMMANDS_CLIENT_COMMAND_H_

#include <cstdint>
#include <optional>

#include "lib/commands/family.h"
#include "lib/engine/client.h"

namespace larder::inline v0::commands {

extern const CommandSpec kClientSubcommands[15];

// CLIENT SETNAME: printable ASCII without blanks; "" takes the name away.
Error SetClientName(ClientState& client, Bytes name);

// client_list.cc
Error ClientList(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientInfo(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);

// client_pause.cc
Error ClientPause(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientUnpause(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientUnblock(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientCaching(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientGetRedir(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ClientTrackingInfo(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);

enum class ClientType : uint8_t { kNormal, kReplica, kPubsub, kMaster };
std::optional<ClientType> ParseClientType(Bytes word);
// Subscribers and replicas do not exist yet.
inline ClientType TypeOf(const ClientState&) { return ClientType::kNormal; }
// Writes the error about a word that is no type.
Error UnknownClientType(Bytes word, resp::ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_CLIENT_COMMAND_H_
