// What INFO memory and MEMORY say of the cache's memory.
//
// What Redis asks its allocator is asked of the cache's own: allocated is what keys, values and tables use, active what
// the arena holds for them. What of that is resident, only the system knows, and only for the whole process: the
// arena's memory is counted as resident, and used_memory_rss is the process's, a host's own memory included.
//
// What clients take includes values that replies have still to send, which may be in the keyspace too, or in replies to
// several clients: it is the sum of CLIENT LIST's tot-mem, and may be more than all that is used.
#ifndef LARDER_COMMANDS_MEMORY_FIGURES_H_
#define LARDER_COMMANDS_MEMORY_FIGURES_H_

#include <cstdint>

#include <larder/stats.h>
#include "lib/base/holder.h"
#include "lib/commands/family.h"

namespace larder::inline v0::commands {

struct MemoryFigures {
  // Reads what the system says of the process.
  MemoryFigures(Engine& engine, const Stats& stats) LARDER_REQUIRES_HOLDER;

  static double Ratio(uint64_t a, uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }
  static int64_t Minus(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); }
  double DatasetPercent() const { return 100 * Ratio(dataset, used - startup); }
  double PeakPercent() const { return 100 * Ratio(used, peak); }

  uint64_t used;
  uint64_t peak;
  uint64_t startup;   // before the first key
  uint64_t clients;
  uint64_t overhead;  // startup, clients, and the tables of databases
  uint64_t dataset;   // the rest
  uint64_t resident;  // 0 where the system does not say
  uint64_t allocated;
  uint64_t active;
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_MEMORY_FIGURES_H_
