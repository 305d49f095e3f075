#include "tests/bench/eviction/trace.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "lib/base/random.h"

namespace larder::bench::eviction {
namespace {

using base::Random;

constexpr uint32_t kPopularKeys = 100'000;
constexpr uint32_t kScannedKeys = 200'000;
constexpr uint32_t kScanLength = 10'000;
constexpr uint32_t kLoopKeys = 11'000;
constexpr uint32_t kShiftEvery = 20'000;
constexpr uint32_t kShiftBy = 500;
constexpr uint16_t kValueBytes = 64;
constexpr double kCapacityShare = 0.1;

// Ranks 0..n-1 with a chance in proportion to 1/(rank+1)^skew, by the inverse of the distribution's sums.
class Zipf {
 public:
  Zipf(uint32_t n, double skew) : sums_(n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; ++i) sums_[i] = sum += std::pow(i + 1.0, -skew);
  }
  uint32_t Next(Random& random) const {
    const double at = random.Unit() * sums_.back();
    const auto found = std::upper_bound(sums_.begin(), sums_.end(), at);
    return static_cast<uint32_t>(std::min<size_t>(static_cast<size_t>(found - sums_.begin()), sums_.size() - 1));
  }

 private:
  std::vector<double> sums_;
};

// Which key has a rank: so that nothing can depend on the order of keys.
std::vector<uint32_t> Shuffled(uint32_t n, Random& random) {
  std::vector<uint32_t> keys(n);
  std::iota(keys.begin(), keys.end(), 0u);
  for (uint32_t i = n; i > 1; --i) std::swap(keys[i - 1], keys[random.Below(i)]);
  return keys;
}

void AddZipf(Trace& trace, double skew, size_t length, Random& random) {
  const Zipf zipf(kPopularKeys, skew);
  const std::vector<uint32_t> keys = Shuffled(kPopularKeys, random);
  for (size_t i = 0; i < length; ++i) trace.requests.push_back(keys[zipf.Next(random)]);
}

// A pass starts after 40,000 other requests and then goes 10,000 keys on.
void AddScans(Trace& trace, size_t length, Random& random) {
  const Zipf zipf(kPopularKeys, 0.99);
  const std::vector<uint32_t> keys = Shuffled(kPopularKeys, random);
  uint32_t scanned = 0;
  for (size_t i = 0; i < length; ++i) {
    if (i % (5 * kScanLength) < 4 * kScanLength) {
      trace.requests.push_back(keys[zipf.Next(random)]);
    } else {
      trace.requests.push_back(kPopularKeys + scanned++ % kScannedKeys);
    }
  }
}

void AddShifting(Trace& trace, size_t length, Random& random) {
  const Zipf zipf(kPopularKeys, 0.99);
  const std::vector<uint32_t> keys = Shuffled(kPopularKeys, random);
  for (size_t i = 0; i < length; ++i) {
    const uint32_t shift = static_cast<uint32_t>(i / kShiftEvery) * kShiftBy;
    trace.requests.push_back(keys[(zipf.Next(random) + shift) % kPopularKeys]);
  }
}

uint16_t LognormalBytes(Random& random) {
  // Box and Muller's transform; 1 - Unit() is never 0.
  const double normal = std::sqrt(-2 * std::log(1 - random.Unit())) * std::cos(2 * M_PI * random.Unit());
  return static_cast<uint16_t>(std::clamp(200 * std::exp(normal), 16.0, 4096.0));
}

}  // namespace

Trace MakeTrace(std::string_view name, uint64_t seed, size_t length) {
  Trace trace;
  trace.name = name;
  trace.seed = seed;
  trace.warmup = length / 4;
  Random random(seed);
  uint32_t popular = kPopularKeys;
  trace.value_bytes.assign(kPopularKeys, kValueBytes);
  if (name.substr(0, 5) == "zipf-") {
    AddZipf(trace, std::atof(trace.name.c_str() + 5), length, random);
  } else if (name == "scan") {
    trace.value_bytes.assign(kPopularKeys + kScannedKeys, kValueBytes);
    AddScans(trace, length, random);
  } else if (name == "shift") {
    AddShifting(trace, length, random);
  } else if (name == "mixed") {
    for (uint16_t& bytes : trace.value_bytes) bytes = LognormalBytes(random);
    AddZipf(trace, 0.9, length, random);
  } else if (name == "loop") {
    popular = kLoopKeys;
    trace.value_bytes.assign(kLoopKeys, kValueBytes);
    for (size_t i = 0; i < length; ++i) trace.requests.push_back(static_cast<uint32_t>(i % kLoopKeys));
  } else {
    trace.value_bytes.clear();
    return trace;
  }
  uint64_t payload = 0;
  for (uint32_t key = 0; key < popular; ++key) payload += trace.payload(key);
  const double share = name == "loop" ? 1 / 1.1 : kCapacityShare;
  trace.capacity_bytes = static_cast<uint64_t>(static_cast<double>(payload) * share);
  return trace;
}

std::array<char, kKeyBytes> KeyName(uint32_t key) {
  std::array<char, kKeyBytes> name = {'k', 'e', 'y', ':'};
  for (size_t i = kKeyBytes; i > 4; --i, key /= 10) name[i - 1] = static_cast<char>('0' + key % 10);
  return name;
}

std::vector<uint32_t> FirstKeys(const Trace& trace, size_t* requests) {
  std::vector<uint32_t> keys;
  std::vector<bool> seen(trace.keys());
  uint64_t payload = 0;
  size_t at = 0;
  for (; at < trace.requests.size(); ++at) {
    const uint32_t key = trace.requests[at];
    if (seen[key]) continue;
    seen[key] = true;
    payload += trace.payload(key);
    if (payload > trace.capacity_bytes) break;
    keys.push_back(key);
  }
  if (requests != nullptr) *requests = at;
  return keys;
}

Calibration::Calibration(const Trace& trace) {
  size_t filled = 0;
  FirstKeys(trace, &filled);
  end = std::min(std::max(trace.warmup, 2 * filled), trace.requests.size());
  begin = std::max(filled, end / 2);
}

std::vector<size_t> NextUses(const Trace& trace) {
  std::vector<size_t> next(trace.requests.size());
  std::vector<size_t> last(trace.keys(), SIZE_MAX);
  for (size_t i = trace.requests.size(); i-- > 0;) {
    next[i] = std::exchange(last[trace.requests[i]], i);
  }
  return next;
}

}  // namespace larder::bench::eviction
