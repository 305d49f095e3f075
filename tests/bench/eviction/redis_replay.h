// A trace replayed to a real redis-server.
//
// One request is one EVALSHA of "GET; if it is not there, SET": requests run strictly in order and the answer comes
// back without a round trip each, so pipelining does not change what is a hit. (Windows of GETs followed by the SETs
// of those that missed would: a key asked for twice in a window would miss twice.) Redis makes room before the
// script, so a server is over its limit by at most one key at a time, as with plain SETs.
//
// Capacity: every cache gets the same payload. A server's maxmemory is found in two steps: the used_memory that it
// shows, without a limit, once the trace's first different keys have filled it up to the wanted payload, so that its
// own overhead for a key, its tables and the connection's buffers are in it; then replays of the warm-up under that
// limit, whose payload corrects it. Replayed::held says how well that went.
//
// Time: the server is started under hand_set_clock.so, and sees the trace's time. It runs at hz 1 instead of 10, since
// every turn of its timer costs as much as a hundred requests; its LRU clock has whole seconds at either.
#ifndef LARDER_TESTS_BENCH_EVICTION_REDIS_REPLAY_H_
#define LARDER_TESTS_BENCH_EVICTION_REDIS_REPLAY_H_

#include <cstdint>
#include <string>

#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {

// The maxmemory at which `program` (taking redis-server's arguments and commands) holds the trace's capacity, if its
// keys have an expiry (Trace::kTtlMs) or not.
uint64_t CalibrateMaxmemory(const std::string& program, const std::string& clock_library, const Trace& trace,
                            bool expiring);

// `policy` is a value of maxmemory-policy; under a volatile one every key has an expiry. Ends the process with a
// message if the server does not do as it should.
Replayed ReplayTo(const std::string& program, const std::string& clock_library, const Trace& trace,
                  const std::string& policy, uint64_t maxmemory);

}  // namespace larder::bench::eviction

#endif  // LARDER_TESTS_BENCH_EVICTION_REDIS_REPLAY_H_
