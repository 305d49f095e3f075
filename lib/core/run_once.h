// Runs one command for a client that exists for it alone, and makes Replies of direct clients' output.
#ifndef LARDER_CORE_RUN_ONCE_H_
#define LARDER_CORE_RUN_ONCE_H_

#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/reply.h>
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/core/reply_room.h"
#include "lib/engine/client.h"
#include "lib/resp/output.h"

namespace larder::inline v0::core {

class ParkedThread;

// How a call does what its command wants when it waits.
struct WaitAs {
  bool may_wait = true;  // false: such a command answers nil at once, as it does for a Transaction
  // Returns when the wait is over, with ParkedThread::Await's result.
  absl::FunctionRef<absl::Status(ParkedThread& thread)> await;
};

// Runs one command for a client that exists for it alone. `held`: the caller holds the executor (a Transaction).
absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held,
                                  const WaitAs& wait);
absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held);

// The engine's part of ExecuteOnce, for the executor's holder. The reply, in RESP3, goes to `output`. `at_once`,
// `search`: see Dispatch.
// kWaits: the command waits, and its reply is to come (engine::WaitOwner); never if client.wait_owner is null.
enum class Ran { kNothingChanged, kChanged, kWantsRoom, kWaits };
// `client` is new, and must outlive a command that waits.
Ran RunOnce(CacheCore& core, engine::ClientState& client, int db, std::span<const std::string_view> argv,
            resp::Output& output, bool at_once, keyspace::SourceSearch* search = nullptr) LARDER_REQUIRES_HOLDER;

// Whether the command may wait, so that its client must last.
bool MayWait(CacheCore& core, std::span<const std::string_view> argv);

// Whether any holder of the executor may call RunOnce for this: see engine/short.h.
bool IsShortOnce(CacheCore& core, int db, std::span<const std::string_view> argv) LARDER_REQUIRES_HOLDER;

// Makes a Reply of the output of a run; nil if there is none. `changed`: RunOnce's kChanged.
absl::StatusOr<Reply> ReplyFrom(const resp::Output& output, ReplyRoom& room, bool changed);

// The RESP version of direct clients.
inline constexpr int kDirectProtocol = 3;
absl::Status EmptyArgv();
absl::Status NoMemoryToRun();

// Runs a command for the client.
Ran RunCommand(CacheCore& core, engine::ClientState& client, std::span<const std::string_view> argv,
               resp::Output& output, bool at_once, keyspace::SourceSearch* search) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_RUN_ONCE_H_
