// Where a client comes from.
#ifndef LARDER_ENGINE_CLIENT_KIND_H_
#define LARDER_ENGINE_CLIENT_KIND_H_

#include <cstdint>

namespace larder::inline v0::engine {

enum class ClientKind : uint8_t {
  kDirect,  // Execute, NewSession and typed calls: unrestricted from the start
  kMemory,  // an in-memory RESP connection: held to requirepass like a socket
  kTcp,
  kUnix,
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_CLIENT_KIND_H_
