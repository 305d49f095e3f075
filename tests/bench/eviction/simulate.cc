// Hit ratios side by side: exact policies, Larder's evictor, redis-server.
//
//   ./bazelw run -c opt //tests/bench/eviction:simulate [-- [--seeds N] [--samples N] [--no-redis] [TRACE...]]
//
// Without names all traces (trace.h); each figure is the mean over the seeds 1..N (5), in percent of the requests after
// the warm-up. Every cache holds the same payload, sees the same requests one by one, and the same time.
//
// `exact` columns are the policies of the papers, and Redis's counter for lfu, with nothing sampled; belady knows the
// future. `larder` columns are lib/keyspace/evictor over a table that stands in for the keyspace (sampled.h). `redis`
// is redis-server 7.0 with allkeys-lru and so on (redis_replay.h), its default of 5 samples.
//
// With redis this takes most of an hour on two busy cores, with --no-redis a minute.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/eviction/policy.h"
#include "tests/bench/eviction/redis_replay.h"
#include "tests/bench/eviction/sampled.h"
#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {
namespace {

using keyspace::EvictionOrder;

struct Arguments {
  uint64_t seeds = kSeeds;
  int samples = 5;
  bool redis = true;
  std::string clock_library;
  std::vector<std::string> traces;
};

enum Column { kBelady, kTinyLfu, kLru, kLfu, kS3Fifo, kOurLru, kOurLfu, kOurS3Fifo, kOurRandom, kRedisLru, kRedisLfu,
              kRedisRandom, kColumns };
constexpr const char* kTitles[kColumns] = {
    "belady",     "w-tinylfu",     "exact lru",     "exact lfu", "exact s3fifo", "larder lru",
    "larder lfu", "larder s3fifo", "larder random", "redis lru", "redis lfu",    "redis random"};

struct Row {
  double hit_percent[kColumns] = {};
};

std::unique_ptr<Policy> Make(Column column, const Trace& trace, const Arguments& arguments) {
  const size_t keys = trace.keys();
  const uint64_t capacity = trace.capacity_bytes;
  auto sampled = [&](EvictionOrder order) { return MakeSampled(order, keys, capacity, trace.seed, arguments.samples); };
  switch (column) {
    case kBelady: return MakeBelady(keys, capacity);
    case kTinyLfu: return MakeTinyLfu(keys, capacity, trace.seed);
    case kLru: return MakeLru(keys, capacity);
    case kLfu: return MakeLfu(keys, capacity, trace.seed);
    case kS3Fifo: return MakeS3Fifo(keys, capacity);
    case kOurLru: return sampled(EvictionOrder::kLru);
    case kOurLfu: return sampled(EvictionOrder::kLfu);
    case kOurS3Fifo: return sampled(EvictionOrder::kS3Fifo);
    case kOurRandom: return sampled(EvictionOrder::kRandom);
    default: return nullptr;
  }
}

double HitPercent(const Trace& trace, const std::vector<size_t>& next_uses, Policy& policy) {
  size_t hits = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    const uint32_t key = trace.requests[i];
    const bool hit = policy.Get({key, trace.payload(key), Trace::NowMs(i), next_uses[i]});
    hits += hit && i >= trace.warmup;
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size() - trace.warmup);
}

void AddRedis(const Trace& trace, const Arguments& arguments, Row* row, double* held_min, double* held_max) {
  const uint64_t maxmemory = CalibrateMaxmemory("redis-server", arguments.clock_library, trace);
  const std::pair<Column, const char*> policies[] = {
      {kRedisLru, "allkeys-lru"}, {kRedisLfu, "allkeys-lfu"}, {kRedisRandom, "allkeys-random"}};
  for (const auto& [column, policy] : policies) {
    const Replayed replayed = ReplayTo("redis-server", arguments.clock_library, trace, policy, maxmemory);
    row->hit_percent[column] += replayed.hit_percent;
    *held_min = std::min(*held_min, replayed.held);
    *held_max = std::max(*held_max, replayed.held);
  }
}

void Print(const std::string& name, const Row& row, int columns) {
  std::printf("| %s |", name.c_str());
  for (int column = 0; column < columns; ++column) std::printf(" %.2f |", row.hit_percent[column]);
  std::printf("\n");
  std::fflush(stdout);
}

int Run(const Arguments& arguments) {
  const int columns = arguments.redis ? kColumns : static_cast<int>(kRedisLru);
  std::printf("| hit %%, seeds 1..%d |", static_cast<int>(arguments.seeds));
  for (int column = 0; column < columns; ++column) std::printf(" %s |", kTitles[column]);
  std::printf("\n|---|");
  for (int column = 0; column < columns; ++column) std::printf("---|");
  std::printf("\n");
  Row mean;
  double counted = 0;
  double held_min = 2;
  double held_max = 0;
  for (const std::string& name : arguments.traces) {
    Row row;
    for (uint64_t seed = 1; seed <= arguments.seeds; ++seed) {
      const Trace trace = MakeTrace(name, seed);
      if (trace.requests.empty()) {
        std::fprintf(stderr, "simulate: unknown trace '%s'\n", name.c_str());
        return 2;
      }
      const std::vector<size_t> next_uses = NextUses(trace);
      for (int column = 0; column < kRedisLru; ++column) {
        const auto policy = Make(static_cast<Column>(column), trace, arguments);
        row.hit_percent[column] += HitPercent(trace, next_uses, *policy);
      }
      if (arguments.redis) AddRedis(trace, arguments, &row, &held_min, &held_max);
    }
    for (double& percent : row.hit_percent) percent /= static_cast<double>(arguments.seeds);
    Print(PrintedOnly(name) ? name + " (not in the mean)" : name, row, columns);
    if (PrintedOnly(name)) continue;
    counted += 1;
    for (int column = 0; column < columns; ++column) mean.hit_percent[column] += row.hit_percent[column];
  }
  for (double& percent : mean.hit_percent) percent /= std::max(counted, 1.0);
  Print("mean", mean, columns);
  if (arguments.redis) std::printf("\nredis-server held %.3f to %.3f of the capacity.\n", held_min, held_max);
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
    } else if (word == "--samples" && i + 1 < argc) {
      arguments.samples = std::max(1, std::atoi(argv[++i]));
    } else {
      arguments.traces.push_back(word);
    }
  }
  if (arguments.traces.empty()) arguments.traces.assign(kTraces.begin(), kTraces.end());
  return Run(arguments);
}
