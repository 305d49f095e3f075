#include "tests/bench/eviction/cache_replay.h"

#include <larder/cache.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace larder::bench::eviction {
namespace {

// Requests between two Ticks: a tenth of a simulated second.
constexpr size_t kBatch = 100;
constexpr int kCorrections = 3;

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "cache_replay: %s\n", message.c_str());
  std::exit(1);
}

bool IsVolatile(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kVolatileLru || policy == MaxmemoryPolicy::kVolatileLfu ||
         policy == MaxmemoryPolicy::kVolatileRandom || policy == MaxmemoryPolicy::kVolatileTtl ||
         policy == MaxmemoryPolicy::kVolatileS3Fifo;
}

class Replay {
 public:
  Replay(const Trace& trace, MaxmemoryPolicy policy, int samples, uint64_t maxmemory)
      : trace_(trace), value_(UINT16_MAX, 'x') {
    if (IsVolatile(policy)) set_.ttl = absl::Milliseconds(Trace::kTtlMs);
    auto cache = Cache::Open({.clock = clock_,
                              .seed = trace.seed,
                              .background = Background::kTick,
                              .maxmemory = maxmemory,
                              .maxmemory_policy = policy,
                              .maxmemory_samples = samples});
    if (!cache.ok()) Die(cache.status().ToString());
    cache_ = *std::move(cache);
  }

  // Requests up to `to`, from where the last call ended; returns how many of them hit.
  size_t Run(size_t to) {
    size_t hits = 0;
    for (; at_ < to; ++at_) {
      if (at_ % kBatch == 0) {
        clock_->SetUs(Trace::NowMs(at_) * 1000);
        if (!cache_->Tick(absl::InfiniteFuture()).ok()) Die("Tick failed");
      }
      const auto name = KeyName(trace_.requests[at_]);
      const std::string_view key(name.data(), name.size());
      const auto found = cache_->Get(key, &got_);
      if (!found.ok()) Die(found.status().ToString());
      hits += *found;
      if (!*found) Set(trace_.requests[at_]);
    }
    return hits;
  }
  // The trace's first different keys, as many as the capacity holds.
  void Fill() {
    for (const uint32_t key : FirstKeys(trace_)) Set(key);
  }

  Stats stats() { return *cache_->Stats(); }
  uint64_t used_memory() { return stats().used_memory; }
  uint64_t payload() {
    uint64_t sum = 0;
    ScanRange keys = cache_->Scan({.batch = 1000});
    for (const std::string& key : keys) sum += trace_.payload(static_cast<uint32_t>(std::atoi(key.c_str() + 4)));
    if (!keys.status().ok()) Die(keys.status().ToString());
    return sum;
  }

 private:
  void Set(uint32_t key) {
    const auto name = KeyName(key);
    const auto done = cache_->Set({name.data(), name.size()}, {value_.data(), trace_.value_bytes[key]}, set_);
    if (!done.ok()) Die(done.status().ToString());
  }

  const Trace& trace_;
  const std::string value_;
  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(Trace::kStartMs * 1000);
  SetOptions set_;
  std::unique_ptr<Cache> cache_;
  size_t at_ = 0;
  std::string got_;
};

uint64_t CalibrateMaxmemory(const Trace& trace, MaxmemoryPolicy policy, int samples) {
  return FindMaxmemory(trace, kCorrections, [&](uint64_t maxmemory) {
    return std::make_unique<Replay>(trace, policy, samples, maxmemory);
  });
}

}  // namespace

Replayed ReplayThroughCache(const Trace& trace, MaxmemoryPolicy policy, int samples) {
  Replay replay(trace, policy, samples, CalibrateMaxmemory(trace, policy, samples));
  replay.Run(trace.warmup);
  const size_t counted = trace.requests.size() - trace.warmup;
  size_t hits = 0;
  HeldMean held(trace);
  for (size_t part = 1; part <= kHeldParts; ++part) {
    hits += replay.Run(trace.warmup + counted * part / kHeldParts);
    held.Add(replay.payload());
  }
  if (replay.stats().expired_keys != 0) Die("keys expired");
  return {100.0 * static_cast<double>(hits) / static_cast<double>(counted), held.mean()};
}

}  // namespace larder::bench::eviction
