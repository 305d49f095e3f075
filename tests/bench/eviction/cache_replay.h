// A trace replayed through the library: a larder::Cache as a program opens it, asked by typed calls.
//
// One request is Get and, if it is not there, Set; under a volatile policy with Trace::kTtlMs. The clock is set by hand
// and Tick is called ten times a simulated second, as Options::background asks of a program that does it itself.
//
// Capacity: every cache of a run gets the same payload, so maxmemory is searched for: what the cache uses once the
// trace's first different keys have filled it up to that payload, corrected by what replays of the warm-up under the
// policy then hold. So what an entry costs beside its bytes is in the limit, and what a policy keeps beside the entries
// (a ghost, a queue, 8.5 KB of epochs) is too: the comparison is of whom a policy evicts, not of what it costs.
#ifndef LARDER_TESTS_BENCH_EVICTION_CACHE_REPLAY_H_
#define LARDER_TESTS_BENCH_EVICTION_CACHE_REPLAY_H_

#include <larder/options.h>

#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {

// `samples` is maxmemory-samples. Ends the process with a message if the cache does not do as it should.
Replayed ReplayThroughCache(const Trace& trace, MaxmemoryPolicy policy, int samples = 5);

}  // namespace larder::bench::eviction

#endif  // LARDER_TESTS_BENCH_EVICTION_CACHE_REPLAY_H_
