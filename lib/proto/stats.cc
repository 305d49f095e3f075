#include <larder/proto/stats.h>

namespace larder::inline v0 {
namespace {

void FillMemory(const Stats& stats, StatsProto& proto) {
  proto.set_used_memory(stats.used_memory);
  proto.set_used_memory_peak(stats.used_memory_peak);
  proto.set_used_memory_arena(stats.used_memory_arena);
  proto.set_used_memory_blocks(stats.used_memory_blocks);
  proto.set_used_memory_clients(stats.used_memory_clients);
  proto.set_arena_blocks(stats.arena_blocks);
  proto.set_value_blocks(stats.value_blocks);
  proto.set_maxmemory(stats.maxmemory);
  proto.set_memory_free(stats.memory_free);
}

void FillWork(const Stats& stats, StatsProto& proto) {
  proto.set_commands_processed(stats.commands_processed);
  proto.set_typed_calls(stats.typed_calls);
  proto.set_error_replies(stats.error_replies);
  proto.set_keyspace_hits(stats.keyspace_hits);
  proto.set_keyspace_misses(stats.keyspace_misses);
  proto.set_expired_keys(stats.expired_keys);
  proto.set_evicted_keys(stats.evicted_keys);
  proto.set_changes(stats.changes);
  proto.set_loads_not_stored(stats.loads_not_stored);
  proto.set_uptime_ms(stats.uptime_ms);
}

void FillClients(const Stats& stats, StatsProto& proto) {
  proto.set_connected_clients(stats.connected_clients);
  proto.set_connections_received(stats.connections_received);
  proto.set_connections_rejected(stats.connections_rejected);
  proto.set_net_input_bytes(stats.net_input_bytes);
  proto.set_net_output_bytes(stats.net_output_bytes);
  proto.set_reads_processed(stats.reads_processed);
  proto.set_writes_processed(stats.writes_processed);
  proto.set_query_buffer_limit_disconnections(stats.query_buffer_limit_disconnections);
  proto.set_output_buffer_limit_disconnections(stats.output_buffer_limit_disconnections);
  proto.set_watched_keys(stats.watched_keys);
}

void FillExecutor(const ExecutorStats& stats, StatsProto::Executor& proto) {
  proto.set_tenures(stats.tenures);
  proto.set_ran_for_others(stats.ran_for_others);
  proto.set_handed_over(stats.handed_over);
  proto.set_lent(stats.lent);
  proto.set_slices(stats.slices);
  proto.set_slices_for_loop(stats.slices_for_loop);
  proto.set_loop_wakes(stats.loop_wakes);
  proto.set_tenure_requests_max(stats.tenure_requests_max);
  proto.set_tenure_ns_max(stats.tenure_ns_max);
  proto.set_slice_ns_max(stats.slice_ns_max);
}

void FillStep(const char* name, const StepStats& stats, StatsProto::Step& proto) {
  proto.set_name(name);
  proto.set_steps(stats.steps);
  proto.set_entries(stats.entries);
  proto.set_entries_max(stats.entries_max);
  proto.set_bytes(stats.bytes);
  proto.set_bytes_max(stats.bytes_max);
  proto.set_timed(stats.timed);
  proto.set_cpu_ns(stats.cpu_ns);
  proto.set_cpu_ns_max(stats.cpu_ns_max);
  for (uint64_t count : stats.cpu_histogram) proto.add_cpu_histogram(count);
}

}  // namespace

StatsProto ToProto(const Stats& stats) {
  StatsProto proto;
  proto.set_keys(stats.keys);
  proto.set_expires(stats.expires);
  proto.set_databases(stats.databases);
  for (size_t i = 0; i < stats.database_count; ++i) {
    const DatabaseStats& from = stats.database[i];
    StatsProto::Database& to = *proto.add_database();
    to.set_index(from.index);
    to.set_keys(from.keys);
    to.set_expires(from.expires);
    to.set_avg_ttl_ms(from.avg_ttl_ms);
  }
  FillMemory(stats, proto);
  FillWork(stats, proto);
  FillClients(stats, proto);
  FillExecutor(stats.executor, *proto.mutable_executor());
  for (size_t i = 0; i < kStepKinds; ++i) FillStep(kStepNames[i], stats.step[i], *proto.add_step());
  return proto;
}

}  // namespace larder::inline v0
