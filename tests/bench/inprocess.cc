#include "tests/bench/inprocess.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/peers.h"
#include "tests/bench/processes.h"

namespace larder::bench {
namespace {

constexpr size_t kHotKeys = 1'000;
constexpr size_t kColdKeys = 1'000'000;

// Keys in one array, in the order in which they will be asked for: reading them costs no miss of its own, as a key that
// a program has just read from somewhere costs none.
class Keys {
 public:
  Keys(size_t count, bool shuffled) {
    std::vector<uint32_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
    Random random(17);
    for (size_t i = count; shuffled && i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    text_.reserve(count * Key::kBytes);
    for (const uint32_t number : order) {
      const Key key(number);
      text_.append(key.text.data(), Key::kBytes);
    }
  }
  size_t size() const { return text_.size() / Key::kBytes; }
  std::string_view operator[](size_t i) const { return {text_.data() + i * Key::kBytes, Key::kBytes}; }

 private:
  std::string text_;
};

template <class Peer>
void Fill(Peer& peer, size_t count, size_t value_bytes) {
  const std::string value(value_bytes, 'x');
  for (size_t i = 0; i < count; ++i) {
    const Key key(i);
    peer.Set({key.text.data(), Key::kBytes}, value);
  }
}

template <class Peer>
double GetAtRandom(Peer& peer, const Keys& keys, size_t value_bytes) {
  constexpr int kOps = 1'000'000;
  std::string value(value_bytes, 'v');
  Random random(1);
  size_t found = 0;
  const int64_t started = ThreadCpuNs();
  for (int i = 0; i < kOps; ++i) found += peer.Get(keys[random.Below(keys.size())], &value) ? 1 : 0;
  const int64_t ended = ThreadCpuNs();
  if (found != kOps) std::abort();
  return static_cast<double>(ended - started) / kOps;
}

template <class Peer>
double GetInOrder(Peer& peer, const Keys& keys, size_t value_bytes) {
  std::string value(value_bytes, 'v');
  size_t found = 0;
  const int64_t started = ThreadCpuNs();
  for (size_t i = 0; i < keys.size(); ++i) found += peer.Get(keys[i], &value) ? 1 : 0;
  const int64_t ended = ThreadCpuNs();
  if (found != keys.size()) std::abort();
  return static_cast<double>(ended - started) / static_cast<double>(keys.size());
}

double GetInBatches(Ours& ours, const Keys& keys) {
  constexpr size_t kBatch = 16;
  static_assert(kColdKeys % kBatch == 0);
  std::string_view batch[kBatch];
  size_t found = 0;
  const int64_t started = ThreadCpuNs();
  for (size_t i = 0; i < keys.size(); i += kBatch) {
    for (size_t j = 0; j < kBatch; ++j) batch[j] = keys[i + j];
    found += ours.GetMany(batch);
  }
  const int64_t ended = ThreadCpuNs();
  if (found != keys.size()) std::abort();
  return static_cast<double>(ended - started) / static_cast<double>(keys.size());
}

struct Rate {
  double ops_per_second = 0;
  double cpu_ns = 0;
};

// All threads for the same time, so that none of it is spent alone. Thread t draws the same keys whatever the peer.
template <class Peer>
Rate RunTogether(Peer& peer, const Keys& keys, int threads, int set_percent) {
  constexpr auto kTime = std::chrono::milliseconds(150);
  struct alignas(128) PerThread {
    uint64_t ops = 0;
    int64_t cpu_ns = 0;
  };
  std::vector<PerThread> each(static_cast<size_t>(threads));
  std::atomic<bool> go{false};
  std::atomic<bool> stop{false};
  std::vector<std::thread> all;
  for (size_t t = 0; t < each.size(); ++t) {
    all.emplace_back([&, t] {
      const std::string written(64, 'w');
      std::string value(64, 'v');
      Random random(t + 1);
      while (!go.load(std::memory_order_acquire)) {
      }
      const int64_t started = ThreadCpuNs();
      uint64_t ops = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        for (int i = 0; i < 32; ++i, ++ops) {
          const std::string_view key = keys[random.Below(keys.size())];
          if (random.Below(100) < static_cast<size_t>(set_percent)) {
            peer.Set(key, written);
          } else if (!peer.Get(key, &value)) {
            std::abort();
          }
        }
      }
      each[t] = {ops, ThreadCpuNs() - started};
    });
  }
  const int64_t started = WallNs();
  go.store(true, std::memory_order_release);
  std::this_thread::sleep_for(kTime);
  stop.store(true);
  for (std::thread& thread : all) thread.join();
  const double seconds = static_cast<double>(WallNs() - started) * 1e-9;
  uint64_t ops = 0;
  int64_t cpu_ns = 0;
  for (const PerThread& one : each) {
    ops += one.ops;
    cpu_ns += one.cpu_ns;
  }
  return {static_cast<double>(ops) / seconds, static_cast<double>(cpu_ns) / static_cast<double>(ops)};
}

// A map that a program would take for keys with an expiry.
struct Timed {
  std::string value;
  int64_t expires_ms;
};

template <class Set>
double ResidentBytesPerKey(Set set) {
  const uint64_t before = ResidentBytes();
  for (size_t i = 0; i < kColdKeys; ++i) {
    const Key key(i);
    set(std::string_view(key.text.data(), Key::kBytes));
  }
  return static_cast<double>(ResidentBytes() - before) / kColdKeys;
}

double BytesPerKeyHere(Holder holder, size_t value_bytes, bool with_ttl) {
  const std::string value(value_bytes, 'x');
  if (holder == Holder::kLarder) {
    Ours ours;
    if (with_ttl) return ResidentBytesPerKey([&](std::string_view key) { ours.Set(key, value, absl::Hours(30)); });
    return ResidentBytesPerKey([&](std::string_view key) { ours.Set(key, value); });
  }
  if (with_ttl) {
    absl::flat_hash_map<std::string, Timed> map;
    return ResidentBytesPerKey([&](std::string_view key) { map.emplace(key, Timed{value, 1}); });
  }
  BareMap map;
  return ResidentBytesPerKey([&](std::string_view key) { map.Set(key, value); });
}

template <class Peer>
Growth GrowHere(Peer& peer, size_t keys, size_t value_bytes) {
  const std::string value(value_bytes, 'x');
  Histogram cpu, wall, nothing;
  // The wall clock outside, the dearer CPU clock inside: what the first one takes is not in the CPU figures.
  const auto timed = [&](Histogram& cpu_to, Histogram& wall_to, auto fn) {
    const int64_t wall_started = WallNs();
    const int64_t cpu_started = ThreadCpuNs();
    fn();
    cpu_to.Add(ThreadCpuNs() - cpu_started);
    wall_to.Add(WallNs() - wall_started);
  };
  Histogram unused;
  for (int i = 0; i < 10'000; ++i) timed(nothing, unused, [] {});
  for (size_t i = 0; i < keys; ++i) {
    const Key key(i);
    timed(cpu, wall, [&] { peer.Set({key.text.data(), Key::kBytes}, value); });
  }
  const auto figures = [](const Histogram& of) {
    return Growth::Figures{of.Percentile(0.5), of.Percentile(0.99), of.Percentile(0.9999), of.max()};
  };
  return {figures(cpu), figures(wall), nothing.Percentile(0.5)};
}

}  // namespace

Compared GetHot(size_t value_bytes) {
  const Keys keys(kHotKeys, /*shuffled=*/true);
  BareMap map;
  Ours ours;
  Fill(map, kHotKeys, value_bytes);
  Fill(ours, kHotKeys, value_bytes);
  return TakeTurns(
      15, [&] { return GetAtRandom(map, keys, value_bytes); }, [&] { return GetAtRandom(ours, keys, value_bytes); });
}

Cold GetCold(size_t value_bytes) {
  const Keys keys(kColdKeys, /*shuffled=*/true);
  LockedMap map;
  Ours ours;
  Fill(map, kColdKeys, value_bytes);
  Fill(ours, kColdKeys, value_bytes);
  Rounds one_by_one, batches;
  for (int i = 0; i < 7; ++i) {
    const double theirs = GetInOrder(map, keys, value_bytes);
    one_by_one.Add(theirs, GetInOrder(ours, keys, value_bytes));
    batches.Add(theirs, GetInBatches(ours, keys));
  }
  return {one_by_one.Result(), batches.Result()};
}

Mixed GetAndSet(int threads, int set_percent) {
  const Keys keys(kHotKeys, /*shuffled=*/true);
  LockedMap map;
  Ours ours;
  Fill(map, kHotKeys, 64);
  Fill(ours, kHotKeys, 64);
  Rounds ops, cpu;
  for (int i = 0; i < 15; ++i) {
    const Rate a = RunTogether(map, keys, threads, set_percent);
    const Rate b = RunTogether(ours, keys, threads, set_percent);
    ops.Add(a.ops_per_second, b.ops_per_second);
    cpu.Add(a.cpu_ns, b.cpu_ns);
  }
  return {ops.Result(), cpu.Result()};
}

double BytesOverPayload(Holder holder, size_t value_bytes, bool with_ttl) {
  const double bytes = InChild<double>([&] { return BytesPerKeyHere(holder, value_bytes, with_ttl); });
  return bytes - static_cast<double>(Key::kBytes + value_bytes);
}

Growth Grow(Holder holder, size_t keys, size_t value_bytes) {
  return InChild<Growth>([&] {
    if (holder == Holder::kLarder) {
      Ours ours;
      return GrowHere(ours, keys, value_bytes);
    }
    LockedMap map;
    return GrowHere(map, keys, value_bytes);
  });
}

}  // namespace larder::bench
