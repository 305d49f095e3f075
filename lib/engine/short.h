// What is short enough to run on a stranger's thread.
//
// Who holds the executor runs what others have queued, so that nobody pays for a switch of threads at each call. But an
// application's Get must not pay for somebody's KEYS: what is not short is its sender's own burden (executor.h).
//
// Short is a command whose row says so (kCmdShort), with up to 64 keys or elements and 64 KB of arguments; for some the
// row has a function too (SCAN's COUNT, EXEC's queue, the value that APPEND may have to copy). A command that a
// transaction queues, or that is refused, is short. Values themselves are handed out and taken over by reference from
// 16 KB on, so that reading one is short whatever its size.
#ifndef LARDER_ENGINE_SHORT_H_
#define LARDER_ENGINE_SHORT_H_

#include <cstddef>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::engine {

inline constexpr size_t kShortElements = 64;
inline constexpr size_t kShortBytes = 64 * 1024;

// Whether `argv` of this client, whose next command it is, may run on the thread of whoever holds the executor. Changes
// nothing. REQUIRES: argv is not empty.
bool IsShort(Engine& engine, ClientState& client, std::span<const Bytes> argv) LARDER_REQUIRES_HOLDER;

// For rows: an edit that may have to copy the string at argv[1].
bool ValueIsShort(CommandContext& ctx, std::span<const Bytes> argv);
// The client watches few keys, so that it can forget them.
bool WatchesFew(CommandContext& ctx, std::span<const Bytes> argv);

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_SHORT_H_
