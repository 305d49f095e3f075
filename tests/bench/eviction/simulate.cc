// Hit ratios side by side: exact policies, Larder, redis-server.
//
//   ./bazelw run -c opt //tests/bench/eviction:simulate [-- [--seeds N] [--requests N] [--samples N] [--no-redis]
//                                                           [TRACE...]]
//
// Without names all traces (trace.h). Each figure is the mean over the seeds 1..N (5), in percent of the requests after
// the warm-up, the first quarter of so many (400,000). Every cache holds the same payload, sees the same requests one
// by one, and the same time.
//
// exact   the policies of the papers, and Redis's counter for lfu, with nothing sampled; belady knows the future
// larder  the library as a program uses it (cache_replay.h), with maxmemory-samples N (5)
// redis   redis-server 7.0 (redis_replay.h), its default of 5 samples
//
// Under a volatile policy every key has an expiry. The lower part is what the targets are about: Larder less exact at
// least -1, Larder less redis at least -0.5. The progress goes to stderr. All of it takes 20 minutes on an idle
// machine, --no-redis 90 s, --seeds 1 --requests 50000 half a minute (zipf-1.2 does not fill a cache in so few).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/eviction/cache_replay.h"
#include "tests/bench/eviction/policy.h"
#include "tests/bench/eviction/redis_replay.h"
#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {
namespace {

struct Arguments {
  uint64_t seeds = kSeeds;
  size_t requests = kRequests;
  int samples = 5;
  bool redis = true;
  std::string clock_library;
  std::vector<std::string> traces;
};

using MakePolicy = std::unique_ptr<Policy> (*)(const Trace& trace);
struct Exact {
  const char* name;
  MakePolicy make;
};
constexpr Exact kExact[] = {
    {"belady", [](const Trace& t) { return MakeBelady(t.keys(), t.capacity_bytes); }},
    {"w-tinylfu", [](const Trace& t) { return MakeTinyLfu(t.keys(), t.capacity_bytes, t.seed); }},
    {"lru", [](const Trace& t) { return MakeLru(t.keys(), t.capacity_bytes); }},
    {"lfu", [](const Trace& t) { return MakeLfu(t.keys(), t.capacity_bytes, t.seed); }},
    {"s3fifo", [](const Trace& t) { return MakeS3Fifo(t.keys(), t.capacity_bytes); }},
};

struct Ours {
  const char* name;
  MaxmemoryPolicy policy;
  const char* exact;  // "": none of this name
  bool redis;         // redis-server has it too
};
constexpr Ours kOurs[] = {
    {"allkeys-lru", MaxmemoryPolicy::kAllkeysLru, "lru", true},
    {"allkeys-lfu", MaxmemoryPolicy::kAllkeysLfu, "lfu", true},
    {"allkeys-random", MaxmemoryPolicy::kAllkeysRandom, "", true},
    {"allkeys-s3fifo", MaxmemoryPolicy::kAllkeysS3Fifo, "s3fifo", false},
    {"volatile-lru", MaxmemoryPolicy::kVolatileLru, "lru", true},
    {"volatile-lfu", MaxmemoryPolicy::kVolatileLfu, "lfu", true},
    {"volatile-random", MaxmemoryPolicy::kVolatileRandom, "", true},
    {"volatile-ttl", MaxmemoryPolicy::kVolatileTtl, "", true},
    {"volatile-s3fifo", MaxmemoryPolicy::kVolatileS3Fifo, "s3fifo", false},
};

// One line of the table: a figure for each trace.
struct Row {
  std::string name;
  std::vector<double> percent;  // by trace
  double held_min = 2;          // payload held over the capacity
  double held_max = 0;
};

class Table {
 public:
  explicit Table(const std::vector<std::string>& traces) : traces_(traces) {}

  // Adds to the figure of a row, which is made on first use.
  void Add(const std::string& name, size_t trace, double percent) { RowOf(name).percent[trace] += percent; }
  void Add(const std::string& name, size_t trace, const Replayed& replayed, double share) {
    Row& row = RowOf(name);
    row.percent[trace] += replayed.hit_percent * share;
    row.held_min = std::min(row.held_min, replayed.held);
    row.held_max = std::max(row.held_max, replayed.held);
  }
  // One row less another.
  void Compare(const std::string& one, const std::string& other) {
    const Row* a = Find(one);
    const Row* b = Find(other);
    if (a == nullptr || b == nullptr) return;
    Row row{one + " - " + other, a->percent};
    for (size_t i = 0; i < row.percent.size(); ++i) row.percent[i] -= b->percent[i];
    differences_.push_back(row);
  }

  void Print(uint64_t seeds) const {
    std::printf("| hit %%, mean of seeds 1..%d |", static_cast<int>(seeds));
    for (const std::string& trace : traces_) std::printf(" %s |", trace.c_str());
    std::printf(" mean | payload held |\n|---|");
    for (size_t i = 0; i < traces_.size() + 2; ++i) std::printf("---|");
    std::printf("\n");
    for (const Row& row : rows_) PrintRow(row, /*difference=*/false);
    for (const Row& row : differences_) PrintRow(row, /*difference=*/true);
  }

 private:
  const Row* Find(const std::string& name) const {
    for (const Row& row : rows_) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
  Row& RowOf(const std::string& name) {
    for (Row& row : rows_) {
      if (row.name == name) return row;
    }
    return rows_.emplace_back(Row{name, std::vector<double>(traces_.size())});
  }
  void PrintRow(const Row& row, bool difference) const {
    std::printf("| %s |", row.name.c_str());
    double sum = 0;
    int counted = 0;
    for (size_t i = 0; i < traces_.size(); ++i) {
      PrintFigure(difference, row.percent[i]);
      if (PrintedOnly(traces_[i])) continue;
      sum += row.percent[i];
      ++counted;
    }
    PrintFigure(difference, sum / std::max(counted, 1));
    if (row.held_max != 0) std::printf(" %.3f to %.3f", row.held_min, row.held_max);
    std::printf(" |\n");
  }
  static void PrintFigure(bool difference, double figure) {
    std::printf(difference ? " %+.2f |" : " %.2f |", figure);
  }

  const std::vector<std::string>& traces_;
  std::vector<Row> rows_;
  std::vector<Row> differences_;
};

double HitPercent(const Trace& trace, const std::vector<size_t>& next_uses, Policy& policy) {
  size_t hits = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    const uint32_t key = trace.requests[i];
    const bool hit = policy.Get({key, trace.payload(key), Trace::NowMs(i), next_uses[i]});
    hits += hit && i >= trace.warmup;
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size() - trace.warmup);
}

void RunTrace(const Trace& trace, size_t column, const Arguments& arguments, Table& table) {
  const double share = 1.0 / static_cast<double>(arguments.seeds);
  const std::vector<size_t> next_uses = NextUses(trace);
  for (const Exact& exact : kExact) {
    table.Add("exact " + std::string(exact.name), column, HitPercent(trace, next_uses, *exact.make(trace)) * share);
  }
  for (const Ours& ours : kOurs) {
    table.Add("larder " + std::string(ours.name), column, ReplayThroughCache(trace, ours.policy, arguments.samples),
              share);
  }
  if (!arguments.redis) return;
  uint64_t maxmemory[2];
  for (int expiring = 0; expiring < 2; ++expiring) {
    maxmemory[expiring] = CalibrateMaxmemory("redis-server", arguments.clock_library, trace, expiring != 0);
  }
  for (const Ours& ours : kOurs) {
    if (!ours.redis) continue;
    const bool expiring = std::string_view(ours.name).substr(0, 9) == "volatile-";
    table.Add("redis " + std::string(ours.name), column,
              ReplayTo("redis-server", arguments.clock_library, trace, ours.name, maxmemory[expiring]), share);
  }
}

int Run(const Arguments& arguments) {
  Table table(arguments.traces);
  for (size_t column = 0; column < arguments.traces.size(); ++column) {
    for (uint64_t seed = 1; seed <= arguments.seeds; ++seed) {
      const Trace trace = MakeTrace(arguments.traces[column], seed, arguments.requests);
      if (trace.requests.empty()) {
        std::fprintf(stderr, "simulate: unknown trace '%s'\n", arguments.traces[column].c_str());
        return 2;
      }
      std::fprintf(stderr, "%s, seed %d\n", trace.name.c_str(), static_cast<int>(seed));
      RunTrace(trace, column, arguments, table);
    }
  }
  for (const Ours& ours : kOurs) {
    const std::string name = ours.name;
    if (ours.exact[0] != '\0') table.Compare("larder " + name, "exact " + std::string(ours.exact));
    if (ours.redis) table.Compare("larder " + name, "redis " + name);
  }
  table.Print(arguments.seeds);
  return 0;
}

}  // namespace
}  // namespace larder::bench::eviction

int main(int argc, char** argv) {
  using namespace larder::bench::eviction;
  Arguments arguments;
  const std::string self = argv[0];
  arguments.clock_library = self.substr(0, self.rfind('/') + 1) + "hand_set_clock.so";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--no-redis") {
      arguments.redis = false;
    } else if (word == "--seeds" && i + 1 < argc) {
      arguments.seeds = static_cast<uint64_t>(std::max(1, std::atoi(argv[++i])));
    } else if (word == "--requests" && i + 1 < argc) {
      arguments.requests = static_cast<size_t>(std::max(10'000, std::atoi(argv[++i])));
    } else if (word == "--samples" && i + 1 < argc) {
      arguments.samples = std::max(1, std::atoi(argv[++i]));
    } else {
      arguments.traces.push_back(word);
    }
  }
  if (arguments.traces.empty()) arguments.traces.assign(kTraces.begin(), kTraces.end());
  return Run(arguments);
}
