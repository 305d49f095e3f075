// Types that a session shares with the code that moves its bytes: a listener's connections (net/service.h), an
// in-memory connection, a test's fake. They are apart from ServedSession so that the network's core can be built
// without the engine.
#ifndef LARDER_SESSION_TYPES_H_
#define LARDER_SESSION_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/engine/client_kind.h"

namespace larder::inline v0::engine {
class ClientPolicy;
}

namespace larder::inline v0::session {

// Who is at the other end.
struct Peer {
  engine::ClientKind kind = engine::ClientKind::kMemory;
  std::string_view address = {};  // as CLIENT LIST shows them; both are valid during the call
  std::string_view local_address = {};
  int fd = -1;
  const engine::ClientPolicy* policy = nullptr;  // outlives the session
};

// Events of a session that are not caused by a request of its own.
class SessionEvents {
 public:
  // The session has output that no request of its own caused, or it has been stopped, or its MayGoOn() is true now.
  // This is called on any thread, also under the executor; it must not call back.
  virtual void SessionWoken() = 0;

 protected:
  ~SessionEvents() = default;
};

// How much of one session's input becomes requests at a time.
struct ParseQuota {
  int commands_max = 64;
  size_t bytes_max = 32 * 1024;
};

// The result of parsing a session's input.
enum class Parsed : uint8_t {
  kNothing,       // there is no whole request
  kSome,          // requests were added to the batch, or the error that ends the session
  kSomeAndInput,  // the same, and the quota ran out with input left: it is to be parsed again after they have run
  kFull,          // the batch had no room and nothing was added: it is to be parsed again with the next batch
};

// Redis answers a client from a buffer of this size first, and client-output-buffer-limit counts only what comes after
// it.
inline constexpr uint64_t kOutputUncounted = 16 * 1024;

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_TYPES_H_
