// INFO memory. What its figures are: memory_figures.h.
#include <unistd.h>

#include "lib/commands/info_context.h"
#include "lib/commands/memory_figures.h"

namespace larder::inline v0::commands {
namespace {

void Scripts(InfoContext& info) {
  info.ZeroLines({"used_memory_lua", "used_memory_vm_eval"});
  info.Line("used_memory_lua_human", "0B");
  info.ZeroLines({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
                  "used_memory_vm_functions", "used_memory_vm_total"});
  info.Line("used_memory_vm_total_human", "0B");
  info.ZeroLines({"used_memory_functions", "used_memory_scripts"});
  info.Line("used_memory_scripts_human", "0B");
}

void Fragmentation(InfoContext& info, const MemoryFigures& figures) {
  const auto pair = [&](Bytes ratio, Bytes bytes, uint64_t a, uint64_t b) {
    info.FixedLine(ratio, MemoryFigures::Ratio(a, b), 2);
    info.Line(bytes, MemoryFigures::Minus(a, b));
  };
  pair("allocator_frag_ratio", "allocator_frag_bytes", figures.active, figures.allocated);
  info.FixedLine("allocator_rss_ratio", 1, 2);
  info.Line("allocator_rss_bytes", 0);
  pair("rss_overhead_ratio", "rss_overhead_bytes", figures.resident, figures.active);
  pair("mem_fragmentation_ratio", "mem_fragmentation_bytes", figures.resident, figures.used);
}

}  // namespace

void InfoMemory(InfoContext& info) {
  const Stats& stats = info.stats;
  const MemoryFigures figures(info.engine(), stats);
  info.HumanLines("used_memory", figures.used);
  info.HumanLines("used_memory_rss", figures.resident);
  info.HumanLines("used_memory_peak", figures.peak);
  info.FixedLine("used_memory_peak_perc", figures.PeakPercent(), 2, "%");
  info.Line("used_memory_overhead", figures.overhead);
  info.Line("used_memory_startup", figures.startup);
  info.Line("used_memory_dataset", figures.dataset);
  info.FixedLine("used_memory_dataset_perc", figures.DatasetPercent(), 2, "%");
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
  info.Line("mem_clients_normal", figures.clients);
  info.ZeroLines({"mem_cluster_links", "mem_aof_buffer"});
  info.Line("mem_allocator", "libc");
  info.ZeroLines({"active_defrag_running", "lazyfree_pending_objects"});
  info.Line("lazyfreed_objects", stats.step[static_cast<size_t>(base::Step::kFree)].entries);
}

}  // namespace larder::inline v0::commands
