// Dispatch: from argv to a reply. Lookup, arity, authentication, memory, MULTI's queue, counters; then the command.
#ifndef LARDER_ENGINE_DISPATCH_H_
#define LARDER_ENGINE_DISPATCH_H_

#include <span>

#include "lib/base/holder.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::engine {

// Room for a reply that a command which may change something has before it runs: an integer, OK, an error.
inline constexpr size_t kShortReplyBytes = 128;

// Runs one command of `client` and writes its reply (or none: CLIENT REPLY, SHUTDOWN). Never fails: what goes wrong is
// in the reply. `now_us` is the time at which it starts; the time at which it ended is returned, so that a session that
// runs many reads the clock once a command.
// `at_once`: see keyspace::Growth. Whoever is not in a transaction of a program's makes room for a large command first.
// REQUIRES: argv is not empty.
// kHeld: CLIENT PAUSE holds the request. Nothing has been done; client.held is true, and whoever serves the client
// keeps this request and all after it. Never for a client of kind kDirect.
inline constexpr int64_t kHeld = -1;
// kAttack: the client speaks HTTP. It is to be closed at once: nothing that it has been answered is sent, nothing more
// of it runs. Never for a client of kind kDirect.
inline constexpr int64_t kAttack = -2;
// kWantsRoom: the memory source is full, and a step of `search` has been done to make room in it. Nothing else has: the
// same command is to be dispatched again, with the same search, when others have had their turn. Never without a
// search: then room is looked for here and now. Likewise when a command has come to the end of a step and not to its
// own (errors::kUnfinished).
inline constexpr int64_t kWantsRoom = -3;
int64_t Dispatch(Engine& engine, ClientState& client, std::span<const Bytes> argv, resp::ReplyWriter& reply,
                 int64_t now_us, bool at_once = false, keyspace::SourceSearch* search = nullptr) LARDER_REQUIRES_HOLDER;

// What a command that may be refused for want of memory is about to add, judged by its arguments; nothing for others.
// With the client who sent them it is known what of them is in used_memory already, and what is at the key: REQUIRES
// that the caller holds the executor.
keyspace::Growth GrowthOf(const CommandTable& table, std::span<const Bytes> argv, uint64_t string_bytes_max,
                          const ClientState* client);

// Runs a row's function for a command that has passed every check (EXEC's queue). Counts it. `may_evict`: a write for
// which the memory source has nothing left may evict others; not inside a transaction. False: kWantsRoom.
bool Call(Engine& engine, ClientState& client, const CommandRow& row, std::span<const Bytes> argv,
          resp::ReplyWriter& reply, bool may_evict = false, keyspace::SourceSearch* search = nullptr)
    LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_DISPATCH_H_
