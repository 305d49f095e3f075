// maxmemory-clients: see client_eviction.cc.
#ifndef LARDER_ENGINE_CLIENT_EVICTION_H_
#define LARDER_ENGINE_CLIENT_EVICTION_H_

#include <cstdint>

#include "lib/base/holder.h"

namespace larder::inline v0::engine {

class Engine;

// Closes clients until all others have no more than so much memory. True if some have been closed, now or before, and
// their memory has still to come back.
bool EvictClients(Engine& engine, uint64_t limit_bytes) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_CLIENT_EVICTION_H_
