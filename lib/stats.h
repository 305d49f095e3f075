// Stats: a cache's counters, and its content at one moment. Cache::Stats() fills it, INFO prints it.
//
//   absl::StatusOr<larder::Stats> stats = cache.Stats();
//   if (!stats.ok()) return stats.status();
//   std::cout << stats->keys << " keys in " << stats->used_memory << " bytes\n";
//
// Names are those of Redis's INFO where Redis has the figure. It is a plain struct that owns no memory: cheap to copy,
// good to keep. Counters start at 0 when the cache is opened; those marked (R) also at CONFIG RESETSTAT. Units: bytes,
// or the unit in the name.
#ifndef LARDER_STATS_H_
#define LARDER_STATS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::inline v0 {

// One numbered database that holds at least one key.
struct DatabaseStats {
  int index = 0;
  uint64_t keys = 0;
  uint64_t expires = 0;    // keys with an expiry
  int64_t avg_ttl_ms = 0;  // their mean time to live (by a sample), 0 if there are none
};

// The use of the serial executor. Calls that found it free leave no trace here (see lib/executor).
struct ExecutorStats {
  uint64_t tenures = 0;              // times that a holder found others waiting when it let go
  uint64_t ran_for_others = 0;     // waiting calls that another thread has run
  uint64_t handed_over = 0;        // waiting calls that were given the executor
  uint64_t lent = 0;               // times a newcomer had it while a waiting call's thread was being woken
  uint64_t slices = 0;             // pieces of batches from listeners, on any thread
  uint64_t slices_for_loop = 0;    // pieces run by another thread than the listener's
  uint64_t loop_wakes = 0;         // times that a listener's loop was woken with its batch
  uint64_t tenure_requests_max = 0;  // most calls that one tenure has run for others
  uint64_t tenure_ns_max = 0;        // longest tenure
  uint64_t slice_ns_max = 0;       // longest slice
};

// Steps of one kind. Longer work is cut into steps, so that no call waits long for another's. Here are their number,
// what they touched, and how long they took in CPU time of their thread. Steps too short to be worth timing are only
// counted.
struct StepStats {
  uint64_t steps = 0;
  uint64_t entries = 0;
  uint64_t entries_max = 0;  // of one step
  uint64_t bytes = 0;
  uint64_t bytes_max = 0;
  uint64_t timed = 0;        // steps that were timed; the times below are theirs
  uint64_t cpu_ns = 0;
  uint64_t cpu_ns_max = 0;
  static constexpr int kBuckets = 28;
  std::array<uint64_t, kBuckets> cpu_histogram = {};  // [i]: steps of 2^i to 2^(i+1) ns; the last: or longer
};

inline constexpr size_t kStepKinds = 8;
// The kinds of Stats::step[i], by their names in INFO. In this order: a segment of a table grows or shrinks in place,
// is split in two, or two are merged; a table's directory changes; keys are evicted, or expired; deleted values are
// freed; keys and values are moved out of nearly empty pieces of memory (`entries` and `bytes` count the moved ones).
inline constexpr const char* kStepNames[kStepKinds] = {"grow",  "split",  "merge", "directory",
                                                       "evict", "expire", "free",  "compact"};

struct Stats {
  // ---- What it holds ------------------------------------------------------------------------------------------------

  uint64_t keys = 0;     // in all databases; expired ones count until they are found
  uint64_t expires = 0;  // keys with an expiry

  // The databases that hold keys, by index: the first `database_count` elements. If there are more than fit, those with
  // the highest indexes are left out; `databases` counts all.
  static constexpr size_t kDatabasesMax = 16;
  std::array<DatabaseStats, kDatabasesMax> database = {};
  size_t database_count = 0;
  uint64_t databases = 0;

  // ---- Memory -------------------------------------------------------------------------------------------------------

  uint64_t used_memory = 0;           // the bytes that maxmemory limits: arena, blocks and clients together
  uint64_t used_memory_peak = 0;      // its highest so far (R)
  uint64_t used_memory_arena = 0;     // entries, tables and values up to 16 KB
  uint64_t used_memory_blocks = 0;    // values over 16 KB, also those that only a reader still holds
  uint64_t used_memory_clients = 0;   // buffers of sessions and connections, and of ExecuteAsync
  uint64_t arena_blocks = 0;          // number of pieces in used_memory_arena
  uint64_t value_blocks = 0;          // number of values over 1 KB, in either
  uint64_t maxmemory = 0;             // 0: no limit
  // Memory held beyond used_memory: free or never touched memory of the arena, and the cost of rounding.
  uint64_t memory_free = 0;

  // ---- What it has done ---------------------------------------------------------------------------------------------

  uint64_t commands_processed = 0;  // from sessions, Execute and listeners (R)
  uint64_t typed_calls = 0;         // Get, Set and the like, which are no commands (R)
  uint64_t error_replies = 0;       // (R)
  uint64_t keyspace_hits = 0;       // reads that found their key (R)
  uint64_t keyspace_misses = 0;     // reads that did not (R)
  uint64_t expired_keys = 0;        // keys removed because their time had come (R)
  uint64_t evicted_keys = 0;        // keys removed because of maxmemory (R)
  uint64_t loads_not_stored = 0;    // values that a GetOrLoad has returned but could not store for lack of room
  uint64_t changes = 0;             // changes to keys, as rdb_changes_since_last_save counts them

  // ---- Clients ------------------------------------------------------------------------------------------------------

  uint64_t connected_clients = 0;      // connections and sessions
  uint64_t connections_received = 0;   // accepted by listeners (R)
  uint64_t connections_rejected = 0;   // because of maxclients (R)
  uint64_t net_input_bytes = 0;        // (R)
  uint64_t net_output_bytes = 0;       // (R)
  uint64_t reads_processed = 0;        // (R)
  uint64_t writes_processed = 0;       // (R)
  uint64_t query_buffer_limit_disconnections = 0;   // client-query-buffer-limit (R)
  uint64_t output_buffer_limit_disconnections = 0;  // client-output-buffer-limit (R)
  uint64_t watched_keys = 0;

  // ---- The cache itself ---------------------------------------------------------------------------------------------

  int64_t uptime_ms = 0;
  ExecutorStats executor = {};
  std::array<StepStats, kStepKinds> step = {};  // by kind: see kStepNames (R)
};

}  // namespace larder::inline v0

#endif  // LARDER_STATS_H_
