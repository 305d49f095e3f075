#include "lib/engine/stats.h"

namespace larder::inline v0::engine {
namespace {

void AddDatabases(keyspace::Keyspace& keyspace, Stats& stats) LARDER_REQUIRES_HOLDER {
  for (int i = 0; i < keyspace.config().databases; ++i) {
    keyspace::Db* db = keyspace.db_if_made(i);
    if (db == nullptr || db->size() == 0) continue;
    stats.keys += db->size();
    stats.expires += db->expiring();
    ++stats.databases;
    if (stats.database_count == Stats::kDatabasesMax) continue;
    stats.database[stats.database_count++] = {
        .index = i, .keys = db->size(), .expires = db->expiring(), .avg_ttl_ms = db->MeanTtlMs()};
  }
}

void AddNet(const NetCounters& net, Stats& stats) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  stats.connections_received = net.connections_received.load(kRelaxed);
  stats.connections_rejected = net.connections_rejected.load(kRelaxed);
  stats.net_input_bytes = net.input_bytes.load(kRelaxed);
  stats.net_output_bytes = net.output_bytes.load(kRelaxed);
  stats.reads_processed = net.reads.load(kRelaxed);
  stats.writes_processed = net.writes.load(kRelaxed);
  stats.query_buffer_limit_disconnections = net.limit_disconnections_query.load(kRelaxed);
  stats.output_buffer_limit_disconnections = net.limit_disconnections_output.load(kRelaxed);
}

}  // namespace

Stats StatsOf(Engine& engine) {
  keyspace::Keyspace& keyspace = engine.keyspace();
  keyspace.NotePeak();
  Stats stats;
  AddDatabases(keyspace, stats);
  stats.used_memory = keyspace.used_memory();
  stats.used_memory_peak = keyspace.peak_memory();
  stats.used_memory_arena = keyspace.arena().used();
  stats.used_memory_blocks = keyspace.blocks().large_used();
  stats.used_memory_clients = keyspace.extra_memory().load(std::memory_order_relaxed);
  stats.arena_blocks = keyspace.arena().blocks();
  stats.value_blocks = keyspace.blocks().blocks();
  stats.maxmemory = engine.options().maxmemory;
  stats.memory_free = keyspace.blocks().free_bytes();
  stats.step = keyspace.steps().all();
  stats.commands_processed = engine.stats().commands_processed;
  const keyspace::ReadCounts reads = keyspace.reads().Sum();
  stats.typed_calls = reads.typed_calls;
  stats.error_replies = engine.stats().error_replies;
  stats.keyspace_hits = reads.hits;
  stats.keyspace_misses = reads.misses;
  stats.expired_keys = keyspace.stats().expired;
  stats.evicted_keys = keyspace.stats().evicted;
  stats.changes = keyspace.effects().dirty();
  for (const ClientState* client = engine.clients().first(); client != nullptr; client = client->in_clients.next) {
    // One that was killed is still here until its owner, on another thread, lets go of it.
    stats.connected_clients += !client->close_now.load(std::memory_order_relaxed);
  }
  stats.watched_keys = engine.watches().keys();
  AddNet(engine.net(), stats);
  stats.uptime_ms = engine.now_ms() - engine.started_ms();
  engine.host().AddStats(stats);
  return stats;
}

}  // namespace larder::inline v0::engine
