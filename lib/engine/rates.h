// Rates: INFO's instantaneous figures, means over the last 1.6 s: 16 windows of 100 ms, as Redis has them.
//
// No clock ticks for it. Whoever counts says first what time it is (a load and a compare, since all who count know the
// time): so what was counted since the last sample belongs to the window in which that was, and the windows since then
// were empty. A cache that nobody has called for a minute says 0, whoever asks and whenever.
//
// Bytes are counted by loops without the executor; a loop that finds it busy samples with its next turn, and the bytes
// of that moment count for a window that is late.
#ifndef LARDER_ENGINE_RATES_H_
#define LARDER_ENGINE_RATES_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/holder.h"

namespace larder::inline v0::engine {

class Rates {
 public:
  enum Of : size_t { kCommands, kInputBytes, kOutputBytes, kKinds };
  struct Counters {
    uint64_t of[kKinds];
  };

  // Any thread: whether Sample would do something.
  bool Due(int64_t now_us) const { return now_us >= due_us_.load(std::memory_order_relaxed); }

  // `counters` as they are before what is counted at `now_us`.
  void Sample(int64_t now_us, const Counters& counters) LARDER_REQUIRES_HOLDER {
    now_us = std::min(now_us, INT64_MAX - 2 * kWindowUs);  // a clock may be set to its end, and no sum goes beyond
    const int64_t started_us = due_us_.load(std::memory_order_relaxed) - kWindowUs;
    // A clock that was set back starts anew.
    int64_t windows = now_us < started_us || started_us < 0 ? kWindows : (now_us - started_us) / kWindowUs;
    if (windows == 0) return;
    due_us_.store(started_us < 0 || now_us < started_us ? now_us + kWindowUs
                                                        : started_us + (windows + 1) * kWindowUs,
                  std::memory_order_relaxed);
    windows = std::min<int64_t>(windows, kWindows + 1);
    for (size_t kind = 0; kind < kKinds; ++kind) {
      // CONFIG RESETSTAT sets counters back.
      const uint64_t now = counters.of[kind];
      const uint64_t since = now < before_.of[kind] ? now : now - before_.of[kind];
      for (int64_t i = 0; i < windows; ++i)
        counts_[kind][(next_ + static_cast<size_t>(i)) % kWindows] = i == 0 ? since : 0;
    }
    next_ = (next_ + static_cast<size_t>(windows)) % kWindows;
    before_ = counters;
  }

  // A second's share. REQUIRES: Sample has been called for this time.
  double PerSecond(Of kind) const LARDER_REQUIRES_HOLDER {
    uint64_t sum = 0;
    for (uint64_t count : counts_[kind]) sum += count;
    return static_cast<double>(sum) * 1e6 / static_cast<double>(kWindows * kWindowUs);
  }

  void Reset() LARDER_REQUIRES_HOLDER {
    for (auto& counts : counts_) std::fill(counts, counts + kWindows, 0);
    before_ = {};
  }

 private:
  static constexpr int64_t kWindows = 16;
  static constexpr int64_t kWindowUs = 100'000;

  std::atomic<int64_t> due_us_{0};
  Counters before_ LARDER_GUARDED_BY_HOLDER = {};
  uint64_t counts_[kKinds][kWindows] LARDER_GUARDED_BY_HOLDER = {};
  size_t next_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_RATES_H_
