// Traces: named, seeded streams of requests for the eviction simulator.
//
// A request asks for a key; a cache that has it counts a hit, one that has not stores it. A key has one size for the
// whole trace. Keys are small dense numbers, so that the exact policies can be arrays; whoever needs bytes takes
// KeyName (16 bytes, as redis-benchmark's).
//
//   zipf-S        100,000 keys, the one of rank r asked for with a chance of about 1/r^S
//   scan          zipf-0.99, and 20 % of the requests in sequential passes over 200,000 keys of their own
//   shift         zipf-0.99 over a working set that moves: every 20,000 requests the 500 most popular keys grow cold
//                 and all others become more popular by 500 ranks
//   mixed         zipf-0.9 with values of lognormal sizes (median 200 B, sigma 1, kept between 16 B and 4 KB)
//   loop          one key after the other, round and round, a tenth more of them than fit
//
// The capacity is a tenth of the payload (keys and values) of the keys that are not only scanned. The first quarter of
// a trace warms the caches and is not counted. Simulated time runs at 1,000 requests a second, so a trace lasts 7
// minutes and LFU's decay (1 a minute) has something to do.
#ifndef LARDER_TESTS_BENCH_EVICTION_TRACE_H_
#define LARDER_TESTS_BENCH_EVICTION_TRACE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::bench::eviction {

inline constexpr size_t kKeyBytes = 16;
inline constexpr int kSeeds = 5;
inline constexpr size_t kRequests = 400'000;

struct Trace {
  std::string name;
  uint64_t seed = 0;
  std::vector<uint32_t> requests;     // keys, in order
  std::vector<uint16_t> value_bytes;  // by key
  uint64_t capacity_bytes = 0;        // payload that a cache may hold
  size_t warmup = 0;                  // requests that are not counted

  size_t keys() const { return value_bytes.size(); }
  // Key and value: what counts against the capacity.
  uint32_t payload(uint32_t key) const { return static_cast<uint32_t>(kKeyBytes) + value_bytes[key]; }
  // The time of a request.
  static int64_t NowMs(size_t request) { return kStartMs + static_cast<int64_t>(request); }

  static constexpr int64_t kStartMs = 1'700'000'000'000;
  // What every key gets under a volatile policy, from its last writing on: longer than any trace, so that nothing
  // expires. That makes volatile-ttl a FIFO.
  static constexpr int64_t kTtlMs = 3'600'000;
};

// What a replay through a real cache has shown.
struct Replayed {
  double hit_percent = 0;  // after the warm-up
  double held = 0;         // payload held, over the capacity: mean of so many looks after the warm-up
};
inline constexpr size_t kHeldParts = 8;

class HeldMean {
 public:
  explicit HeldMean(const Trace& trace) : capacity_(static_cast<double>(trace.capacity_bytes)) {}
  void Add(uint64_t payload) {
    sum_ += static_cast<double>(payload) / capacity_;
    ++looks_;
  }
  double mean() const { return sum_ / looks_; }

 private:
  double capacity_;
  double sum_ = 0;
  int looks_ = 0;
};

// In the order in which they are printed. Loops are printed only: every policy but Belady's and random is lost there.
inline constexpr std::array<std::string_view, 8> kTraces = {"zipf-0.6", "zipf-0.8", "zipf-0.99", "zipf-1.2",
                                                            "scan",     "shift",    "mixed",     "loop"};
inline bool PrintedOnly(std::string_view name) { return name == "loop"; }

// The same name, seed and length give the same trace on every machine with the same libm. An unknown name gives an
// empty one.
Trace MakeTrace(std::string_view name, uint64_t seed, size_t length = kRequests);

// "key:000000000042".
std::array<char, kKeyBytes> KeyName(uint32_t key);

// The first different keys that a trace asks for, as many as its capacity holds; `requests`, if given, is how many it
// takes to ask for them.
std::vector<uint32_t> FirstKeys(const Trace& trace, size_t* requests = nullptr);

// The requests by which maxmemory is found: the second half of a warm-up that fills the cache; of a trace too short to
// do so in its first quarter, more than that.
struct Calibration {
  explicit Calibration(const Trace& trace);
  size_t begin = 0;
  size_t end = 0;
};

// The maxmemory under which a cache holds `trace.capacity_bytes` of payload, corrected so many times by what it held.
// `make_replay(maxmemory)`: a pointer to a replay from its beginning, 0 for no limit.
template <typename MakeReplay>
uint64_t FindMaxmemory(const Trace& trace, int corrections, const MakeReplay& make_replay) {
  const Calibration calibration(trace);
  uint64_t maxmemory = 0;
  double cost = 0;  // bytes of memory a byte of payload
  {
    const auto replay = make_replay(uint64_t{0});
    const uint64_t empty = replay->used_memory();
    replay->Fill();
    maxmemory = replay->used_memory();
    cost = static_cast<double>(maxmemory - empty) / static_cast<double>(trace.capacity_bytes);
  }
  for (int i = 0; i < corrections; ++i) {
    const auto replay = make_replay(maxmemory);
    HeldMean held(trace);
    for (size_t part = 1; part <= kHeldParts; ++part) {
      replay->Run(calibration.begin + (calibration.end - calibration.begin) * part / kHeldParts);
      held.Add(replay->payload());
    }
    maxmemory -= static_cast<uint64_t>(static_cast<int64_t>((held.mean() - 1) * cost *
                                                            static_cast<double>(trace.capacity_bytes)));
  }
  return maxmemory;
}

// For each request the index of the next one of the same key, SIZE_MAX if there is none.
std::vector<size_t> NextUses(const Trace& trace);

}  // namespace larder::bench::eviction

#endif  // LARDER_TESTS_BENCH_EVICTION_TRACE_H_
