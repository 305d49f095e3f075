// INFO: sections of `name:value` lines. Field names and their order are 7.0's, all of them, since what reads them must
// not trip; those of a machinery that Larder does not have (forks, defragmentation, a replica's stream) are 0. CPU time
// and resident memory are the whole process's, hence the host's. "# Larder" has what only Larder knows.
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <iterator>

#include <larder/version.h>
#include "lib/commands/families.h"
#include "lib/commands/info_context.h"
#include "lib/commands/shapes.h"
#include "lib/engine/stats.h"

namespace larder::inline v0::commands {
namespace {

void Server(InfoContext& info) {
  const int64_t now_us = info.engine().clock().NowUs();
  const int64_t uptime_s = info.stats.uptime_ms / 1000;
  const Options& options = info.engine().options();
  info.Line("redis_version", kRedisVersion);
  info.Line("larder_version", LARDER_VERSION);
  info.Line("redis_git_sha1", "00000000");
  info.Line("redis_git_dirty", 0);
  info.Line("redis_build_id", "0");
  info.Line("redis_mode", "standalone");
  utsname system;
  if (uname(&system) == 0) {
    info.out << "os:" << system.sysname << ' ' << system.release << ' ' << system.machine << "\r\n";
  }
  info.Line("arch_bits", sizeof(void*) * 8);
  info.Line("monotonic_clock", "POSIX clock_gettime");
  info.Line("multiplexing_api", info.engine().host().poller_name());
  info.Line("atomicvar_api", "c++20-builtin");
#if defined(__GNUC__) && !defined(__clang__)
  info.out << "gcc_version:" << __GNUC__ << '.' << __GNUC_MINOR__ << '.' << __GNUC_PATCHLEVEL__ << "\r\n";
#else
  info.Line("gcc_version", "0.0.0");
#endif
  info.Line("process_id", getpid());
  info.DirectiveLine("process_supervised", "supervised");
  info.Line("run_id", info.engine().run_id());
  info.Line("tcp_port", info.engine().host().tcp_port());
  info.Line("server_time_usec", now_us);
  info.Line("uptime_in_seconds", uptime_s);
  info.Line("uptime_in_days", uptime_s / (24 * 3600));
  info.Line("hz", options.hz);
  info.Line("configured_hz", options.hz);
  info.Line("lru_clock", static_cast<uint64_t>(now_us / 1'000'000) & 0xffffff);
  char executable[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable));
  info.Line("executable", Bytes(executable, length > 0 ? static_cast<size_t>(length) : 0));
  info.Line("config_file", Bytes(options.config_file));
  info.Line("io_threads_active", 0);
}

void ClientsSection(InfoContext& info) {
  uint64_t held = 0;
  size_t input_max = 0;
  size_t output_max = 0;
  for (const ClientState* client = info.engine().clients().first(); client != nullptr;
       client = client->in_clients.next) {
    if (client->io == nullptr || client->close_now.load(std::memory_order_relaxed)) continue;
    held += client->held.load(std::memory_order_relaxed);
    input_max = std::max(input_max, client->io->input_bytes() + client->io->input_free());
    output_max = std::max(output_max, client->io->output_bytes());
  }
  info.Line("connected_clients", info.stats.connected_clients);
  info.Line("cluster_connections", 0);
  info.Line("maxclients", info.engine().options().maxclients);
  info.Line("client_recent_max_input_buffer", input_max);  // of those that are connected now
  info.Line("client_recent_max_output_buffer", output_max);
  info.Line("blocked_clients", held + info.engine().blocking().waiters());  // by CLIENT PAUSE, or in a command
  info.Line("tracking_clients", 0);
  info.Line("clients_in_timeout_table", info.engine().blocking().timed());
}

void Persistence(InfoContext& info) {
  info.Line("loading", 0);
  info.ZeroLines({"async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"});
  info.FixedLine("current_fork_perc", 0, 2);
  info.ZeroLines({"current_save_keys_processed", "current_save_keys_total"});
  info.Line("rdb_changes_since_last_save", info.stats.changes);
  info.Line("rdb_bgsave_in_progress", 0);
  info.Line("rdb_last_save_time", info.engine().started_ms() / 1000);
  info.Line("rdb_last_bgsave_status", "ok");
  info.Line("rdb_last_bgsave_time_sec", -1);
  info.Line("rdb_current_bgsave_time_sec", -1);
  info.ZeroLines({"rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded",
                  "aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
  info.Line("aof_last_rewrite_time_sec", -1);
  info.Line("aof_current_rewrite_time_sec", -1);
  info.Line("aof_last_bgrewrite_status", "ok");
  info.ZeroLines({"aof_rewrites", "aof_rewrites_consecutive_failures"});
  info.Line("aof_last_write_status", "ok");
  info.ZeroLines({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
}

void StatsSection(InfoContext& info) {
  const Stats& stats = info.stats;
  const Rates& rates = info.engine().rates();  // sampled when this command began
  info.Line("total_connections_received", stats.connections_received);
  info.Line("total_commands_processed", stats.commands_processed);
  info.Line("instantaneous_ops_per_sec", static_cast<uint64_t>(rates.PerSecond(Rates::kCommands)));
  info.Line("total_net_input_bytes", stats.net_input_bytes);
  info.Line("total_net_output_bytes", stats.net_output_bytes);
  info.ZeroLines({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  info.FixedLine("instantaneous_input_kbps", rates.PerSecond(Rates::kInputBytes) / 1024, 2);
  info.FixedLine("instantaneous_output_kbps", rates.PerSecond(Rates::kOutputBytes) / 1024, 2);
  info.FixedLine("instantaneous_input_repl_kbps", 0, 2);
  info.FixedLine("instantaneous_output_repl_kbps", 0, 2);
  info.Line("rejected_connections", stats.connections_rejected);
  info.ZeroLines({"sync_full", "sync_partial_ok", "sync_partial_err"});
  info.Line("expired_keys", stats.expired_keys);
  info.FixedLine("expired_stale_perc", 0, 2);  // the index knows what is due: nothing is guessed from samples
  info.Line("expired_time_cap_reached_count", 0);
  info.Line("expire_cycle_cpu_milliseconds", stats.step[static_cast<size_t>(base::Step::kExpire)].cpu_ns / 1'000'000);
  info.Line("evicted_keys", stats.evicted_keys);
  info.Line("evicted_clients", info.engine().stats().evicted_clients);
  info.ZeroLines({"total_eviction_exceeded_time", "current_eviction_exceeded_time"});
  info.Line("keyspace_hits", stats.keyspace_hits);
  info.Line("keyspace_misses", stats.keyspace_misses);
  engine::PubSub& pubsub = info.engine().pubsub();
  info.Line("pubsub_channels", pubsub.count(engine::ChannelKind::kChannel));
  info.Line("pubsub_patterns", pubsub.count(engine::ChannelKind::kPattern));
  info.Line("pubsubshard_channels", pubsub.count(engine::ChannelKind::kShardChannel));
  info.ZeroLines({"latest_fork_usec", "total_forks",
                  "migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses",
                  "active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time",
                  "current_active_defrag_time", "tracking_total_keys", "tracking_total_items",
                  "tracking_total_prefixes"});
  info.Line("unexpected_error_replies", 0);
  info.Line("total_error_replies", stats.error_replies);
  info.Line("dump_payload_sanitizations", 0);
  info.Line("total_reads_processed", stats.reads_processed);
  info.Line("total_writes_processed", stats.writes_processed);
  info.ZeroLines({"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
                  "reply_buffer_expands"});
  info.Line("client_query_buffer_limit_disconnections", stats.query_buffer_limit_disconnections);
  info.Line("client_output_buffer_limit_disconnections", stats.output_buffer_limit_disconnections);
}

void Replication(InfoContext& info) {
  info.Line("role", "master");
  info.Line("connected_slaves", 0);
  info.Line("master_failover_state", "no-failover");
  info.Line("master_replid", info.engine().run_id());
  info.Line("master_replid2", "0000000000000000000000000000000000000000");
  info.Line("master_repl_offset", 0);
  info.Line("second_repl_offset", -1);
  info.Line("repl_backlog_active", 0);
  info.DirectiveLine("repl_backlog_size", "repl-backlog-size");
  info.Line("repl_backlog_first_byte_offset", 0);
  info.Line("repl_backlog_histlen", 0);
}

void CpuLine(InfoContext& info, Bytes name, const timeval& time) {
  info.FixedLine(name, static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6, 6);
}

void Cpu(InfoContext& info) {
  rusage self = {};
  rusage children = {};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  CpuLine(info, "used_cpu_sys", self.ru_stime);
  CpuLine(info, "used_cpu_user", self.ru_utime);
  CpuLine(info, "used_cpu_sys_children", children.ru_stime);
  CpuLine(info, "used_cpu_user_children", children.ru_utime);
#ifdef RUSAGE_THREAD
  getrusage(RUSAGE_THREAD, &self);  // larder-server has no other thread than the one that asks
#endif
  CpuLine(info, "used_cpu_sys_main_thread", self.ru_stime);
  CpuLine(info, "used_cpu_user_main_thread", self.ru_utime);
}

void CommandStats(InfoContext& info) {
  const CommandTable& table = info.engine().commands();
  for (const CommandRow& row : table.rows()) {
    const CommandCounters& counters = info.engine().counters(row);
    if (counters.calls == 0 && counters.rejected == 0 && counters.failed == 0) continue;
    char name[kFullNameMax];
    info.out << "cmdstat_" << FullName(row, name) << ":calls=" << counters.calls << ",usec=" << counters.usec
             << ",usec_per_call=";
    const double calls = static_cast<double>(counters.calls);
    info.out.Fixed(counters.calls == 0 ? 0 : static_cast<double>(counters.usec) / calls, 2)
        << ",rejected_calls=" << counters.rejected << ",failed_calls=" << counters.failed << "\r\n";
  }
}

void ErrorStats(InfoContext& info) {
  struct Item {
    Bytes prefix;
    uint64_t count;
  };
  Item items[64];  // the engine counts no more
  size_t size = 0;
  info.engine().ForEachErrorCount([&](Bytes prefix, uint64_t count) {
    if (size < std::size(items)) items[size++] = {prefix, count};
  });
  std::sort(items, items + size, [](const Item& a, const Item& b) { return a.prefix < b.prefix; });
  for (size_t i = 0; i < size; ++i) {
    info.out << "errorstat_" << items[i].prefix << ":count=" << items[i].count << "\r\n";
  }
}

void Nothing(InfoContext&) {}

void Cluster(InfoContext& info) { info.Line("cluster_enabled", 0); }

void KeyspaceSection(InfoContext& info) {
  keyspace::Keyspace& keyspace = info.engine().keyspace();
  for (int i = 0; i < keyspace.dbs_end(); ++i) {
    keyspace::Db* db = keyspace.db_if_made(i);
    if (db == nullptr || db->size() == 0) continue;
    info.out << "db" << i << ":keys=" << db->size() << ",expires=" << db->expiring()
             << ",avg_ttl=" << db->MeanTtlMs() << "\r\n";
  }
}

void Larder(InfoContext& info) {
  const Stats& stats = info.stats;
  info.Line("typed_calls", stats.typed_calls);
  info.Line("loads_not_stored", stats.loads_not_stored);
  info.Line("watched_keys", stats.watched_keys);
  info.Line("used_memory_arena", stats.used_memory_arena);
  info.Line("used_memory_blocks", stats.used_memory_blocks);
  info.Line("arena_blocks", stats.arena_blocks);
  info.Line("value_blocks", stats.value_blocks);
  info.Line("memory_free", stats.memory_free);
  info.Line("executor_tenures", stats.executor.tenures);
  info.Line("executor_ran_for_others", stats.executor.ran_for_others);
  info.Line("executor_handed_over", stats.executor.handed_over);
  info.Line("executor_lent", stats.executor.lent);
  info.Line("executor_slices", stats.executor.slices);
  info.Line("executor_slices_for_loop", stats.executor.slices_for_loop);
  info.Line("executor_loop_wakes", stats.executor.loop_wakes);
  info.Line("executor_tenure_requests_max", stats.executor.tenure_requests_max);
  info.Line("executor_tenure_ns_max", stats.executor.tenure_ns_max);
  info.Line("executor_slice_ns_max", stats.executor.slice_ns_max);
}

// step_split:steps=12,entries=...,cpu_ns_histogram=8192:7;16384:5, where 8192:7 says that seven took from 8,192 ns to
// twice that.
void Steps(InfoContext& info) {
  for (size_t i = 0; i < kStepKinds; ++i) {
    const StepStats& step = info.stats.step[i];
    info.out << "step_" << Bytes(kStepNames[i]) << ":steps=" << step.steps << ",entries=" << step.entries
             << ",entries_max=" << step.entries_max << ",bytes=" << step.bytes << ",bytes_max=" << step.bytes_max
             << ",timed=" << step.timed << ",cpu_ns=" << step.cpu_ns << ",cpu_ns_max=" << step.cpu_ns_max
             << ",cpu_ns_histogram=";
    Bytes between = "";
    for (size_t bucket = 0; bucket < step.cpu_histogram.size(); ++bucket) {
      if (step.cpu_histogram[bucket] == 0) continue;
      info.out << between << (uint64_t{1} << bucket) << ':' << step.cpu_histogram[bucket];
      between = ";";
    }
    info.out << "\r\n";
  }
}

struct Section {
  Bytes name;
  Bytes title;
  void (*write)(InfoContext&);
  bool by_default = true;
};

// In the order in which they are printed, whatever the order in which they are asked for.
constexpr Section kSections[] = {
    {"server", "Server", Server},
    {"clients", "Clients", ClientsSection},
    {"memory", "Memory", InfoMemory},
    {"persistence", "Persistence", Persistence},
    {"stats", "Stats", StatsSection},
    {"replication", "Replication", Replication},
    {"cpu", "CPU", Cpu},
    {"modules", "Modules", Nothing},
    {"commandstats", "Commandstats", CommandStats, false},
    {"errorstats", "Errorstats", ErrorStats},
    {"latencystats", "Latencystats", Nothing, false},
    {"cluster", "Cluster", Cluster},
    {"keyspace", "Keyspace", KeyspaceSection},
    {"larder", "Larder", Larder},
    {"steps", "Steps", Steps, false},
};

bool Wanted(const Section& section, ArgReader args) {
  if (args.done()) return section.by_default;
  while (!args.done()) {
    const Bytes word = args.Next();
    if (base::EqualsIgnoreCase(word, section.name) || base::EqualsIgnoreCase(word, "all") ||
        base::EqualsIgnoreCase(word, "everything") ||
        (section.by_default && base::EqualsIgnoreCase(word, "default"))) {
      return true;
    }
  }
  return false;
}

Error Info(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  InfoContext info{.ctx = ctx, .stats = StatsOf(ctx.engine())};
  for (const Section& section : kSections) {
    if (!Wanted(section, args)) continue;
    if (!info.text.empty()) info.out << "\r\n";
    info.out << "# " << section.title << "\r\n";
    section.write(info);
  }
  if (info.text.failed()) return errors::kAllocationFailed;
  reply.Verbatim("txt", info.text.view());
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr HistoryItem kInfoHistory[] = {{"7.0.0", "Takes several sections."}};
constexpr ArgSpec kInfoArgs[] = {{.name = "section", .optional = true, .multiple = true}};

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "info", .run = Info, .arity = AtLeast(1), .flags = kCmdLoading | kCmdStale, .categories = kAclDangerous,
     .tips = kInfoTips, .args = kInfoArgs, .summary = "Facts and counters of the server, by section.",
     .complexity = "O(1)", .since = "1.0.0", .history = kInfoHistory},
});

}  // namespace

constinit const Family kInfoFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
