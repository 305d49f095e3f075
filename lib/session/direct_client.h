// DirectClient: a client without bytes, which is given an argv and gets a Reply. Session stands on it.
#ifndef LARDER_SESSION_DIRECT_CLIENT_H_
#define LARDER_SESSION_DIRECT_CLIENT_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/reply.h>
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/core/parked_thread.h"
#include "lib/engine/client.h"
#include "lib/engine/short.h"
#include "lib/resp/output.h"

namespace larder::inline v0::session {

// Threads: one thread at a time may use it. The executor's holder touches it only inside Execute.
class DirectClient {
 public:
  explicit DirectClient(core::CacheCore& core) : core_(core) {}
  ~DirectClient();  // REQUIRES: End was called if Open was OK, but in a forked child.
  DirectClient(const DirectClient&) = delete;
  DirectClient& operator=(const DirectClient&) = delete;

  // Takes its place among the cache's clients. Call once.
  absl::Status Open();
  absl::StatusOr<Reply> Execute(std::span<const std::string_view> argv);
  // Whether any holder may run Execute of this on its own thread: see engine/short.h.
  bool IsShort(std::span<const std::string_view> argv) LARDER_REQUIRES_HOLDER {
    return engine::IsShort(core_.engine(), client_, argv);
  }
  // See SessionEnd::End.
  void End() LARDER_REQUIRES_HOLDER;

 private:
  void Account();

  core::CacheCore& core_;
  engine::ClientState client_;
  resp::Output output_;
  core::ParkedThread parked_{core_, client_, output_};
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_DIRECT_CLIENT_H_
