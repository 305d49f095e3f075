// What the files of CLIENT share: flags of its subcommands, and the types of clients that several of them filter by.
#ifndef LARDER_COMMANDS_CLIENT_SHAPES_H_
#define LARDER_COMMANDS_CLIENT_SHAPES_H_

#include <cstdint>
#include <optional>

#include "lib/commands/shapes.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {

inline constexpr uint32_t kClientFlags = kCmdNoscript | kCmdLoading | kCmdStale;
inline constexpr uint32_t kShortClientFlags = kClientFlags | kCmdShort;

enum class ClientType : uint8_t { kNormal, kReplica, kPubsub, kMaster };
inline std::optional<ClientType> ParseClientType(Bytes word) {
  if (base::EqualsIgnoreCase(word, "normal")) return ClientType::kNormal;
  if (base::EqualsIgnoreCase(word, "slave")) return ClientType::kReplica;
  if (base::EqualsIgnoreCase(word, "replica")) return ClientType::kReplica;
  if (base::EqualsIgnoreCase(word, "pubsub")) return ClientType::kPubsub;
  if (base::EqualsIgnoreCase(word, "master")) return ClientType::kMaster;
  return std::nullopt;
}

// Writes the error about a word that is no type.
inline Error UnknownClientType(Bytes word, ReplyWriter& reply) {
  reply.Error({"ERR Unknown client type '", UpToNul(word), "'"});
  return kReplied;
}

// Replicas do not exist yet.
inline ClientType TypeOf(const ClientState& client) {
  return client.subscriptions.any() ? ClientType::kPubsub : ClientType::kNormal;
}

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_CLIENT_SHAPES_H_
