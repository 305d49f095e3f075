#include "tests/bench/inprocess.h"

#include <larder/cache.h>
#include <time.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace larder::bench {
namespace {

constexpr int kRuns = 5;
constexpr size_t kValueBytes = 64;

double Seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// What is compared: the map with its mutex, and a cache.
class Map {
 public:
  bool Get(const std::string& key, std::string* value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = map_.find(key);
    if (it == map_.end()) return false;
    *value = it->second;
    return true;
  }
  void Set(const std::string& key, const std::string& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    map_[key] = value;
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_map<std::string, std::string> map_;
};

class Ours {
 public:
  Ours() : cache_(*Cache::Open({})) {}
  bool Get(const std::string& key, std::string* value) { return *cache_->Get(key, value); }
  void Set(const std::string& key, const std::string& value) { (void)cache_->Set(key, value); }

 private:
  std::unique_ptr<Cache> cache_;
};

std::vector<std::string> Keys(size_t count) {
  std::vector<std::string> keys(count);
  for (size_t i = 0; i < count; ++i) {
    char text[32];
    std::snprintf(text, sizeof(text), "key:%012zu", i);
    keys[i] = text;
  }
  return keys;
}

struct Figures {
  double wall_ns = 0;  // elapsed per operation of all threads together
  double cpu_ns = 0;   // CPU per operation
};

// `threads` threads do `ops` operations each on random keys, seeded the same for both peers.
template <class Peer>
Figures Measure(Peer& peer, const std::vector<std::string>& keys, int threads, size_t ops, bool set) {
  std::barrier ready(threads + 1);
  std::vector<double> cpu(static_cast<size_t>(threads));
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      std::string value(kValueBytes, 'v');
      uint64_t state = 88172645463325252ull + static_cast<uint64_t>(t) * 7919;
      ready.arrive_and_wait();
      const double start = Seconds(CLOCK_THREAD_CPUTIME_ID);
      size_t found = 0;
      for (size_t i = 0; i < ops; ++i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const std::string& key = keys[state % keys.size()];
        if (set) {
          peer.Set(key, value);
        } else {
          found += peer.Get(key, &value) ? 1 : 0;
        }
      }
      if (!set && found != ops) std::abort();
      cpu[static_cast<size_t>(t)] = Seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    });
  }
  ready.arrive_and_wait();
  const double start = Seconds(CLOCK_MONOTONIC);
  for (std::thread& thread : all) thread.join();
  const double total = static_cast<double>(ops) * threads;
  Figures figures;
  figures.wall_ns = (Seconds(CLOCK_MONOTONIC) - start) * 1e9 / total;
  for (double seconds : cpu) figures.cpu_ns += seconds * 1e9 / total;
  return figures;
}

Figures MedianOf(std::vector<Figures> runs) {
  auto by = [&](auto member) {
    std::sort(runs.begin(), runs.end(), [&](const Figures& a, const Figures& b) { return a.*member < b.*member; });
    return runs[runs.size() / 2].*member;
  };
  Figures median;
  median.wall_ns = by(&Figures::wall_ns);
  median.cpu_ns = by(&Figures::cpu_ns);
  return median;
}

}  // namespace

void CompareInProcess() {
  std::printf("\nIn process, 16 B keys, 64 B values, ns per operation: elapsed (CPU); median of %d\n", kRuns);
  std::printf("| operation | flat_hash_map + mutex | Larder | ratio |\n|---|---|---|---|\n");
  for (const size_t count : {size_t{1'000}, size_t{1'000'000}}) {
    const std::vector<std::string> keys = Keys(count);
    Map map;
    Ours ours;
    for (const std::string& key : keys) {
      map.Set(key, std::string(kValueBytes, 'x'));
      ours.Set(key, std::string(kValueBytes, 'x'));
    }
    for (const bool set : {false, true}) {
      for (const int threads : {1, 2}) {
        std::vector<Figures> theirs_all, ours_all;
        for (int run = 0; run < kRuns; ++run) {
          theirs_all.push_back(Measure(map, keys, threads, 1'000'000, set));
          ours_all.push_back(Measure(ours, keys, threads, 1'000'000, set));
        }
        const Figures a = MedianOf(theirs_all);
        const Figures b = MedianOf(ours_all);
        std::printf("| %s, %d thread%s, %s keys | %.0f (%.0f) | %.0f (%.0f) | %.2f (%.2f) |\n", set ? "SET" : "GET",
                    threads, threads == 1 ? "" : "s", count == 1000 ? "1 k" : "1 M", a.wall_ns, a.cpu_ns, b.wall_ns,
                    b.cpu_ns, b.wall_ns / a.wall_ns, b.cpu_ns / a.cpu_ns);
        std::fflush(stdout);
      }
    }
  }
}

}  // namespace larder::bench
