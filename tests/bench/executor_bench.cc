// What the executor costs: alone, and between threads that all want it, beside a mutex and a spin lock.
//
//   ./bazelw run -c opt //tests/bench:executor_bench
//
// The work is what a GET is at least: find in an absl::flat_hash_map and copy 64 bytes out. Longest wait: the longest
// time of one call, taken by each thread around every call (so all of these carry the same ~40 ns of clock).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "lib/executor/executor.h"
#include "lib/executor/futex.h"

namespace larder::executor {
namespace {

struct Value {
  char bytes[64];
};

constexpr uint64_t kKeys = 4096;  // hot: the locks are compared, not the memory

class Map {
 public:
  Map() {
    for (uint64_t i = 0; i < kKeys; ++i) map_[i] = Value{};
  }
  void Get(uint64_t key, Value* out) {
    const auto it = map_.find(key);
    if (it != map_.end()) std::memcpy(out, &it->second, sizeof(Value));
  }

 private:
  absl::flat_hash_map<uint64_t, Value> map_;
};

// The same three words from each: run `fn` alone.
struct ByExecutor {
  template <class F>
  void operator()(F fn) {
    executor->Run(fn);
  }
  std::unique_ptr<Executor> executor = Executor::Create();
};

struct ByUserCode {
  template <class F>
  void operator()(F fn) {
    executor->RunUser(fn);
  }
  std::unique_ptr<Executor> executor = Executor::Create();
};

struct ByMutex {
  template <class F>
  void operator()(F fn) {
    const std::lock_guard<std::mutex> lock(mutex);
    fn();
  }
  std::mutex mutex;
};

struct BySpinLock {
  template <class F>
  void operator()(F fn) {
    while (locked.exchange(true, std::memory_order_acquire)) {
      int spins = 0;
      while (locked.load(std::memory_order_relaxed)) {
        SpinPause();
        if (++spins == 1000) {  // or a preempted holder costs everybody a time slice
          std::this_thread::yield();
          spins = 0;
        }
      }
    }
    fn();
    locked.store(false, std::memory_order_release);
  }
  std::atomic<bool> locked{false};
};

struct ByNothing {
  template <class F>
  void operator()(F fn) {
    fn();
  }
};

// --- Alone. ---

void BM_CasPair(benchmark::State& state) {
  std::atomic<uint64_t> word{1};
  for (auto _ : state) {
    uint64_t expected = 1;
    benchmark::DoNotOptimize(word.compare_exchange_strong(expected, 2, std::memory_order_acquire));
    expected = 2;
    benchmark::DoNotOptimize(word.compare_exchange_strong(expected, 1, std::memory_order_release));
  }
}
BENCHMARK(BM_CasPair);

void BM_TryAcquireRelease(benchmark::State& state) {
  const std::unique_ptr<Executor> executor = Executor::Create();
  for (auto _ : state) {
    if (executor->TryAcquire()) executor->Release();
  }
}
BENCHMARK(BM_TryAcquireRelease);

void BM_MutexPair(benchmark::State& state) {
  std::mutex mutex;
  // Without a second thread glibc leaves the atomic instructions out.
  std::thread([] {}).join();
  for (auto _ : state) {
    mutex.lock();
    mutex.unlock();
  }
}
BENCHMARK(BM_MutexPair);

template <class Lock>
void BM_GetAlone(benchmark::State& state) {
  Map map;
  Lock lock;
  Value value;
  uint64_t key = 0;
  for (auto _ : state) {
    key = (key * 5 + 1) % kKeys;
    lock([&] { map.Get(key, &value); });
    benchmark::DoNotOptimize(value);
  }
}
BENCHMARK(BM_GetAlone<ByNothing>);
BENCHMARK(BM_GetAlone<ByExecutor>);
BENCHMARK(BM_GetAlone<ByUserCode>);
BENCHMARK(BM_GetAlone<ByMutex>);
BENCHMARK(BM_GetAlone<BySpinLock>);

// --- Together. ---

// `threads` threads for 200 ms; reports calls a second of all, and of all calls the longest and the 99.9th percentile.
template <class Lock>
void BM_GetTogether(benchmark::State& state) {
  const auto thread_count = static_cast<size_t>(state.range(0));
  uint64_t calls = 0;
  int64_t longest_ns = 0;
  std::vector<uint32_t> histogram(64, 0);  // by powers of two of nanoseconds
  uint64_t fewest = UINT64_MAX;
  uint64_t most = 0;
  double seconds = 0;
  for (auto _ : state) {
    Map map;
    Lock lock;
    std::atomic<bool> stop{false};
    struct alignas(64) PerThread {
      uint64_t calls = 0;
      int64_t longest_ns = 0;
      uint32_t histogram[64] = {};
    };
    std::vector<PerThread> per_thread(thread_count);
    std::vector<std::thread> threads;
    const int64_t started_ns = MonotonicNs();
    for (size_t t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        PerThread& mine = per_thread[t];
        std::minstd_rand random(static_cast<uint32_t>(t) + 1);
        Value value;
        int64_t before_ns = MonotonicNs();
        while (!stop.load(std::memory_order_relaxed)) {
          const uint64_t key = random() % kKeys;
          lock([&] { map.Get(key, &value); });
          benchmark::DoNotOptimize(value);
          const int64_t after_ns = MonotonicNs();
          const int64_t took_ns = after_ns - before_ns;
          before_ns = after_ns;
          ++mine.calls;
          if (took_ns > mine.longest_ns) mine.longest_ns = took_ns;
          ++mine.histogram[64 - __builtin_clzll(static_cast<uint64_t>(took_ns) | 1)];
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop = true;
    for (std::thread& thread : threads) thread.join();
    seconds += static_cast<double>(MonotonicNs() - started_ns) / 1e9;
    for (const PerThread& each : per_thread) {
      calls += each.calls;
      fewest = std::min(fewest, each.calls);
      most = std::max(most, each.calls);
      longest_ns = std::max(longest_ns, each.longest_ns);
      for (size_t i = 0; i < 64; ++i) histogram[i] += each.histogram[i];
    }
  }
  uint64_t left = calls / 1000;
  size_t bucket = 63;
  while (bucket > 0 && histogram[bucket] <= left) left -= histogram[bucket--];
  state.counters["Mcalls/s"] = static_cast<double>(calls) / seconds / 1e6;
  state.counters["p999_us_below"] = static_cast<double>(uint64_t{1} << bucket) / 1e3;
  state.counters["longest_us"] = static_cast<double>(longest_ns) / 1e3;
  state.counters["fewest/most"] = most > 0 ? static_cast<double>(fewest) / static_cast<double>(most) : 0;
}
#define LARDER_TOGETHER(lock) BENCHMARK(BM_GetTogether<lock>)->Arg(2)->Arg(4)->Arg(8)->Iterations(3)->UseRealTime()
LARDER_TOGETHER(ByExecutor);
LARDER_TOGETHER(ByUserCode);
LARDER_TOGETHER(ByMutex);
LARDER_TOGETHER(BySpinLock);

}  // namespace
}  // namespace larder::executor

BENCHMARK_MAIN();
