// INFO memory. What Redis asks its allocator is asked of the cache's own: allocated is what keys, values and tables
// use, active what the arena holds for them. What that is resident, only the system knows, and only for the whole
// process: the arena's memory is counted as resident, and used_memory_rss is the process's, a host's own memory
// included.
//
// What clients take includes values that replies have still to send, which may be in the keyspace too, or in replies to
// several clients: mem_clients_normal is the sum of CLIENT LIST's tot-mem, and may be more than used_memory.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "lib/base/numbers.h"
#include "lib/commands/info_context.h"

namespace larder::inline v0::commands {
namespace {

// 0 where the system does not say.
uint64_t ResidentBytes() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128];
  const ssize_t got = read(fd, text, sizeof(text));
  close(fd);
  Bytes words(text, got > 0 ? static_cast<size_t>(got) : 0);
  words.remove_prefix(std::min(words.find(' ') + 1, words.size()));
  int64_t pages = 0;
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  if (!base::ParseInt64(words.substr(0, words.find(' ')), &pages) || page_bytes <= 0) return 0;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

double Ratio(uint64_t a, uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

int64_t Minus(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); }

struct Figures {
  uint64_t resident;
  uint64_t allocated;
  uint64_t active;
};

void Overhead(InfoContext& info) {
  const uint64_t used = info.stats.used_memory;
  const uint64_t startup = std::min<uint64_t>(info.engine().startup_memory(), used);
  const uint64_t overhead = std::min<uint64_t>(startup + info.engine().clients_memory(), used);
  info.Line("used_memory_overhead", overhead);
  info.Line("used_memory_startup", startup);
  info.Line("used_memory_dataset", used - overhead);
  info.FixedLine("used_memory_dataset_perc", 100 * Ratio(used - overhead, used - startup), 2, "%");
}

void Scripts(InfoContext& info) {
  info.ZeroLines({"used_memory_lua", "used_memory_vm_eval"});
  info.Line("used_memory_lua_human", "0B");
  info.ZeroLines({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
                  "used_memory_vm_functions", "used_memory_vm_total"});
  info.Line("used_memory_vm_total_human", "0B");
  info.ZeroLines({"used_memory_functions", "used_memory_scripts"});
  info.Line("used_memory_scripts_human", "0B");
}

void Fragmentation(InfoContext& info, const Figures& figures) {
  info.FixedLine("allocator_frag_ratio", Ratio(figures.active, figures.allocated), 2);
  info.Line("allocator_frag_bytes", Minus(figures.active, figures.allocated));
  info.FixedLine("allocator_rss_ratio", 1, 2);
  info.Line("allocator_rss_bytes", 0);
  info.FixedLine("rss_overhead_ratio", Ratio(figures.resident, figures.active), 2);
  info.Line("rss_overhead_bytes", Minus(figures.resident, figures.active));
  info.FixedLine("mem_fragmentation_ratio", Ratio(figures.resident, info.stats.used_memory), 2);
  info.Line("mem_fragmentation_bytes", Minus(figures.resident, info.stats.used_memory));
}

}  // namespace

void InfoMemory(InfoContext& info) {
  const Stats& stats = info.stats;
  const uint64_t allocated = stats.used_memory_arena + stats.used_memory_blocks;
  const Figures figures = {ResidentBytes(), allocated, allocated + stats.memory_free};
  info.HumanLines("used_memory", stats.used_memory);
  info.HumanLines("used_memory_rss", figures.resident);
  info.HumanLines("used_memory_peak", stats.used_memory_peak);
  info.FixedLine("used_memory_peak_perc", 100 * Ratio(stats.used_memory, stats.used_memory_peak), 2, "%");
  Overhead(info);
  info.Line("allocator_allocated", figures.allocated);
  info.Line("allocator_active", figures.active);
  info.Line("allocator_resident", figures.active);
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    info.HumanLines("total_system_memory", static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes));
  }
  Scripts(info);
  info.HumanLines("maxmemory", stats.maxmemory);
  info.DirectiveLine("maxmemory_policy", "maxmemory-policy");
  Fragmentation(info, figures);
  info.ZeroLines({"mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers",
                  "mem_clients_slaves"});
  info.Line("mem_clients_normal", info.engine().clients_memory());
  info.ZeroLines({"mem_cluster_links", "mem_aof_buffer"});
  info.Line("mem_allocator", "libc");
  info.ZeroLines({"active_defrag_running", "lazyfree_pending_objects"});
  info.Line("lazyfreed_objects", stats.step[static_cast<size_t>(base::Step::kFree)].entries);
}

}  // namespace larder::inline v0::commands
