#include "lib/commands/memory_figures.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "lib/base/numbers.h"
#include "lib/keyspace/keyspace.h"

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

uint64_t TableBytes(keyspace::Keyspace& keyspace) LARDER_REQUIRES_HOLDER {
  uint64_t bytes = 0;
  for (int i = 0; i < keyspace.made_dbs(); ++i) bytes += keyspace.made_db(i)->table().memory();
  return bytes;
}

}  // namespace

MemoryFigures::MemoryFigures(Engine& engine, const Stats& stats)
    : used(stats.used_memory),
      peak(stats.used_memory_peak),
      startup(std::min<uint64_t>(engine.startup_memory(), used)),
      clients(engine.clients_memory()),
      overhead(std::min<uint64_t>(startup + clients + TableBytes(engine.keyspace()), used)),
      dataset(used - overhead),
      resident(ResidentBytes()),
      allocated(stats.used_memory_arena + stats.used_memory_blocks),
      active(allocated + stats.memory_free) {}

}  // namespace larder::inline v0::commands
