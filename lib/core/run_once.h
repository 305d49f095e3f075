// One command of a client that exists for it alone, and what any direct client's command leaves behind: argv in, Reply
// out.
#ifndef LARDER_CORE_RUN_ONCE_H_
#define LARDER_CORE_RUN_ONCE_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/reply.h>
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/core/reply_room.h"
#include "lib/engine/client.h"
#include "lib/resp/output.h"

namespace larder::inline v0::core {

// One command of a client that exists for it alone. `held`: the caller holds the executor (a Transaction).
absl::StatusOr<Reply> ExecuteOnce(CacheCore& core, int db, std::span<const std::string_view> argv, bool held);

// The engine's part of ExecuteOnce, for those who are in the executor already: the reply, in RESP3, goes to `output`.
// `at_once`, `search`: see Dispatch.
enum class Ran { kNothingChanged, kChanged, kWantsRoom };
Ran RunOnce(CacheCore& core, int db, std::span<const std::string_view> argv, resp::Output& output, bool at_once,
            keyspace::SourceSearch* search = nullptr) LARDER_REQUIRES_HOLDER;

// Whether RunOnce of this may be run by whoever holds the executor: see engine/short.h.
bool IsShortOnce(CacheCore& core, int db, std::span<const std::string_view> argv) LARDER_REQUIRES_HOLDER;

// What a run that has ended leaves in an output as a Reply: nil if it is nothing. `changed`: RunOnce's kChanged.
absl::StatusOr<Reply> ReplyFrom(const resp::Output& output, ReplyRoom& room, bool changed);

// What direct clients speak.
inline constexpr int kDirectProtocol = 3;
absl::Status EmptyArgv();
absl::Status NoMemoryToRun();

// Runs a command of the client's.
Ran RunCommand(CacheCore& core, engine::ClientState& client, std::span<const std::string_view> argv,
               resp::Output& output, bool at_once, keyspace::SourceSearch* search) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_RUN_ONCE_H_
