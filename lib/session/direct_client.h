// DirectClient: a client without bytes: argv in, Reply out. Session and Cache::Execute stand on it.
#ifndef LARDER_SESSION_DIRECT_CLIENT_H_
#define LARDER_SESSION_DIRECT_CLIENT_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/reply.h>
#include "lib/commands/client.h"
#include "lib/commands/short.h"
#include "lib/resp/output.h"
#include "lib/session/core.h"
#include "lib/session/reply_room.h"

namespace larder::inline v0::session {

// Threads: one at a time; the executor's holder touches it only inside Execute.
class DirectClient {
 public:
  explicit DirectClient(CacheCore& core) : core_(core) {}
  ~DirectClient();  // REQUIRES: End was called if Open was OK, but in a forked child.
  DirectClient(const DirectClient&) = delete;
  DirectClient& operator=(const DirectClient&) = delete;

  // Takes its place among the cache's clients. Call once.
  absl::Status Open();
  absl::StatusOr<Reply> Execute(std::span<const std::string_view> argv);
  // Whether Execute of this may run on a stranger's thread: see commands/short.h. Under the executor.
  bool IsShort(std::span<const std::string_view> argv) { return commands::IsShort(core_.engine(), client_, argv); }
  // See SessionEnd::End.
  void End();

 private:
  void Account();

  CacheCore& core_;
  commands::ClientState client_;
  resp::Output output_;
};

// One command of a client that exists for it alone. `held`: the caller holds the executor (a Transaction).
absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held);

// The engine's part of ExecuteOnce, for those who are in the executor already: the reply, in RESP3, goes to `output`.
// `at_once`, `search`: see Dispatch.
enum class Ran { kNothingChanged, kChanged, kWantsRoom };
Ran RunOnce(CacheCore& core, int db, std::span<const std::string_view> argv, resp::Output& output, bool at_once,
            keyspace::SourceSearch* search = nullptr);

// Whether RunOnce of this may be run by whoever holds the executor: see commands/short.h. Under the executor.
bool IsShortOnce(CacheCore& core, int db, std::span<const std::string_view> argv);

// What a run that has ended leaves in an output as a Reply: nil if it is nothing. `changed`: RunOnce's kChanged.
absl::StatusOr<Reply> ReplyFrom(const resp::Output& output, ReplyRoom& room, bool changed);

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_DIRECT_CLIENT_H_
