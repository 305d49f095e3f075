// Dispatch: from argv to a reply. Lookup, arity, authentication, memory, MULTI's queue, counters; then the command.
#ifndef LARDER_COMMANDS_DISPATCH_H_
#define LARDER_COMMANDS_DISPATCH_H_

#include <span>

#include "lib/commands/engine.h"

namespace larder::inline v0::commands {

// Room for a reply that a command which may change something has before it runs: an integer, OK, an error.
inline constexpr size_t kShortReplyBytes = 128;

// Runs one command of `client` and writes its reply (or none: CLIENT REPLY, SHUTDOWN). Never fails: what goes wrong is in
// the reply. `now_us` is the time at which it starts; the time at which it ended is returned, so that a session that
// runs many reads the clock once a command.
// kAgain: nothing has been done yet; eviction needs more than one slice to make room for the command, so let others have
// the executor and call again. Never with kUnsliced.
// REQUIRES: the caller holds the executor; argv is not empty.
inline constexpr int64_t kAgain = -1;
// kHeld: CLIENT PAUSE holds the request. Nothing has been done; client.held is true, and whoever serves the client keeps
// this request and all after it. Never for a client of kind kDirect.
inline constexpr int64_t kHeld = -2;
// kAttack: the client speaks HTTP. It is to be closed at once: nothing that it has been answered is sent, nothing more of it
// runs. Never for a client of kind kDirect.
inline constexpr int64_t kAttack = -3;
int64_t Dispatch(Engine& engine, ClientState& client, std::span<const Bytes> argv, resp::ReplyWriter& reply,
                 int64_t now_us, keyspace::Slicing slicing);

// Those that MULTI does not queue. By a row's name, of a command that is no subcommand.
bool RunsInsideMulti(Bytes name);

// Runs a row's function for a command that has passed every check (EXEC's queue). Counts it.
void Call(Engine& engine, ClientState& client, const CommandSpec& spec, const CommandSpec* parent,
          std::span<const Bytes> argv, resp::ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_DISPATCH_H_
