// A client's line of CLIENT LIST, which the log shows too, and what the client takes.
//
// The line has the fields of 7.0 in their order. What a field cannot mean here (subscriptions that do not exist yet, a
// fixed reply buffer) has the value that says "none".
//
// Threads: the executor's holder.
#ifndef LARDER_ENGINE_CLIENT_LINE_H_
#define LARDER_ENGINE_CLIENT_LINE_H_

#include <cstddef>
#include <cstdint>

#include "lib/engine/client.h"
#include "lib/engine/text.h"

namespace larder::inline v0::engine {

void WriteClient(const ClientState& client, int64_t now_ms, TextWriter out);

// The tot-mem in it, in bytes.
size_t ClientMemory(const ClientState& client);

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_CLIENT_LINE_H_
