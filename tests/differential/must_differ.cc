#include "tests/differential/must_differ.h"

#include <iterator>

namespace differential {
namespace {

constexpr std::string_view kMachine = "a fact of the process, its build or its memory";
constexpr std::string_view kChance = "made at random at start, or counted from there";
constexpr std::string_view kMissing = "Redis's inner machinery (fork, allocator, Lua, defragmentation, replication)";
constexpr std::string_view kOurs = "Larder's own";
constexpr std::string_view kNoSocket = "an in-memory connection is not counted as one of the network's";
constexpr std::string_view kSampled = "sampled by the clock";
constexpr std::string_view kToCome = "Redis has commands that Larder has not yet";
constexpr std::string_view kWords = "free prose is our own";

constexpr Difference kDifferences[] = {
    {"scan", "cursor", "a position in the table's own order; a cursor that was never given out means another place"},
    {"hscan", "cursor", "the same, in a hash"},
    {"sscan", "cursor", "the same, in a set"},
    {"zscan", "cursor", "the same, in a sorted set"},
    {"xinfo|stream", "radix-tree-nodes", "there is no radix tree"},
    {kAnyCommand, "a value larger than maxmemory",
     "it is refused before anything is evicted for it, and told so; Redis evicts all that may go, then answers OOM"},
    {"quit", "the connection's end after CLIENT REPLY OFF or SKIP",
     "Redis closes nobody who has no reply to wait for; Larder closes whoever says that it goes"},
    {kAnyCommand, "the connection's end at a protocol error after CLIENT REPLY OFF or SKIP", "as QUIT"},
    {kAnyCommand, "a command's name with a NUL in it", "Redis ends the name there, Larder does not"},
    {"object|refcount", "value", "Larder keeps no shared objects: COPY's integer and a queued value count otherwise"},
    {"object|idletime", "value", "Redis keeps the small integers as shared objects, with the time of their last user"},
    {"object|encoding", "a sorted set that was sorted",
     "Redis makes a skiplist of it, be it by SORT_RO; in Larder a read changes nothing"},
    {"client|kill", "replies not sent yet", "Redis drops what the killed client has not been sent; Larder sends it"},
    {"object|freq", "value", "the counter is probabilistic; where it is not: uses_test.cc"},
    {"debug|object", "at", kMachine},
    {"debug|object", "refcount", "as OBJECT REFCOUNT"},
    {"debug|object", "lru", "as OBJECT IDLETIME"},
    {"debug|object", "lru_seconds_idle", "as OBJECT IDLETIME"},
    {"debug|object", "serializedlength", "Redis compresses what it would dump"},
    {"debug|object", "ql_*", "nodes of Redis's lists"},
    {"help", "prose", kWords},
    {"bitfield", "an offset #n whose bit is beyond 2^63", "Redis wraps round to another offset; here it is refused"},
    {"sort", "after an element that no double can hold", "Redis takes the next one of no more digits for such too"},
    {"sort", "after a SCAN from 2^64 or above", "Redis takes the first element for one that no double can hold"},
    {"sort", "equal texts of ALPHA, BY and LIMIT", "in Redis they come in the order of its partial quicksort"},
    {"pfadd", "a corrupt string", "Redis writes behind a last run that is cut off, and may keep what it has added before "
                                  "it notices; here nothing is changed"},
    {"pfselftest", "value", "Redis's fails while hll-sparse-max-bytes is small"},
    {"hello", "id", kChance},
    {"client|id", "value", kChance},
    {"client|list", "id", kChance},
    {"client|list", "addr", "an in-memory connection has no address"},
    {"client|list", "laddr", "an in-memory connection has no address"},
    {"client|list", "fd", kMachine},
    {"client|list", "flags", "U, for clients of a unix socket, only on Redis's side"},
    {"client|list", "age", kMachine},
    {"client|list", "idle", kMachine},
    {"client|list", "qbuf", kMachine},
    {"client|list", "qbuf-free", kMachine},
    {"client|list", "argv-mem", kMachine},
    {"client|list", "multi-mem", kMachine},
    {"client|list", "rbs", kMachine},
    {"client|list", "rbp", kMachine},
    {"client|list", "obl", kMachine},
    {"client|list", "oll", kMachine},
    {"client|list", "omem", kMachine},
    {"client|list", "tot-mem", kMachine},
    {"client|list", "events", kMachine},
    {"info", "redis_build_id", kMachine},
    {"info", "monotonic_clock", kMachine},
    {"info", "atomicvar_api", kMachine},
    {"info", "gcc_version", kMachine},
    {"info", "multiplexing_api", kMachine},
    {"info", "process_id", kMachine},
    {"info", "executable", kMachine},
    {"info", "config_file", kMachine},
    {"info", "run_id", kMachine},
    {"info", "master_replid", kMachine},
    {"info", "used_cpu_*", kMachine},
    {"info", "tcp_port", kMachine},
    {"info", "uptime_in_seconds", kMachine},
    {"info", "uptime_in_days", kMachine},
    {"info", "lru_clock", kSampled},
    {"info", "client_recent_max_*", kSampled},
    {"info", "used_memory*", kMachine},
    {"info", "allocator_*", kMachine},
    {"info", "rss_overhead_*", kMachine},
    {"info", "mem_*", kMachine},
    {"info", "total_system_memory*", kMachine},
    {"info", "number_of_*", kMachine},
    {"info", "rdb_last_save_time", kMachine},
    {"info", "total_eviction_exceeded_time", kMissing},
    {"info", "current_eviction_exceeded_time", kMissing},
    {"info", "expired_stale_perc", kMissing},
    {"info", "expired_time_cap_reached_count", kMissing},
    {"info", "expire_cycle_cpu_milliseconds", kMissing},
    {"info", "lazyfreed_objects", "Redis frees lazily from 64 parts on, Larder whatever a flush leaves"},
    {"info", "reply_buffer_*", kMissing},
    {"info", "rdb_changes_since_last_save",
     "counts on over episodes, also after one in which Larder has refused a value"},
    {"info", "total_connections_received", kNoSocket},
    {"info", "total_net_input_bytes", kNoSocket},
    {"info", "total_net_output_bytes", kNoSocket},
    {"info", "total_reads_processed", kNoSocket},
    {"info", "total_writes_processed", kNoSocket},
    {"info", "instantaneous_*", kSampled},
    {"info", "larder_version", kOurs},
    {"info", "typed_calls", kOurs},
    {"info", "loads_not_stored", kOurs},
    {"info", "watched_keys", kOurs},
    {"info", "arena_blocks", kOurs},
    {"info", "value_blocks", kOurs},
    {"info", "memory_free", kOurs},
    {"info", "step_*", kOurs},
    {"info", "section Steps", kOurs},
    {"info", "executor_*", kOurs},
    {"info", "client_query_buffer_limit_disconnections", kOurs},
    {"info", "client_output_buffer_limit_disconnections", kOurs},
    {"info", "section Larder", kOurs},
    {"info", "lazyfree_pending_objects", kSampled},
    {"info", "latency_percentiles_*", "Larder keeps no histograms of commands yet"},
    {"info", "cmdstat_scan", "a full iteration takes as many calls as there are cursors, and those are each side's"},
    {"info", "cmdstat:usec*", kMachine},
    {"info", "db:avg_ttl", kSampled},
    {"memory|usage", "value", kMachine},
    {"memory|doctor", "value", "Larder's words"},
    {"memory|malloc-stats", "value", "Larder's allocator is another one"},
    {"memory|stats", "peak.*", kMachine},
    {"memory|stats", "total.allocated", kMachine},
    {"memory|stats", "startup.allocated", kMachine},
    {"memory|stats", "clients.normal", kMachine},
    {"memory|stats", "lua.caches", kMachine},
    {"memory|stats", "functions.caches", "Larder has none yet"},
    {"memory|stats", "overhead.*", kMachine},
    {"memory|stats", "keys.bytes-per-key", kMachine},
    {"memory|stats", "dataset.*", kMachine},
    {"memory|stats", "allocator*", kMachine},
    {"memory|stats", "rss-overhead.*", kMachine},
    {"memory|stats", "fragmentation*", kMachine},
    {"info", "total_commands_processed", "SCAN again: see cmdstat_scan"},
    {"config|set", "policies", "the error lists what there is, and Larder has policies of its own"},
    {"config|get", "dir", kMachine},
    {"config|get", "unixsocket", kMachine},
    {"config|get", "ae-api", kOurs},
    {"config|get", "async-bytes-max", kOurs},
    {"config|get", "authentication-timeout", kOurs},
    {"exec", "after CLIENT KILL of oneself", "Redis breaks off within the reply, Larder finishes it"},
    {"command", "families to come", kToCome},
    {"command|count", "value", kToCome},
    {"command|list", "families to come", kToCome},
};

bool Matches(std::string_view pattern, std::string_view text) {
  if (!pattern.empty() && pattern.back() == '*') return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

}  // namespace

const Difference* FindDifference(std::string_view command, std::string_view field) {
  for (const Difference& difference : kDifferences) {
    if (difference.command == command && Matches(difference.field, field)) return &difference;
  }
  return nullptr;
}

size_t DifferenceCount() { return std::size(kDifferences); }
const Difference& DifferenceAt(size_t i) { return kDifferences[i]; }

}  // namespace differential
