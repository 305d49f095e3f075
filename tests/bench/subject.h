// A cache whose steps are measured: by the thread's CPU time of each call, under a clock that is set by hand.
#ifndef LARDER_TESTS_BENCH_SUBJECT_H_
#define LARDER_TESTS_BENCH_SUBJECT_H_

#include <larder/clock.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/measure.h"
#include "tests/bench/peers.h"

namespace larder::bench {

// A cache whose background work is done by Tick, on this thread, where it can be timed.
class Subject {
 public:
  explicit Subject(Options options = {}) : clock_(std::make_shared<ManualClock>()), ours_(Prepared(options, clock_)) {}

  Ours& ours() { return ours_; }
  ManualClock& clock() { return *clock_; }

  template <class F>
  void Time(Histogram& to, F fn) {
    const int64_t started = ThreadCpuNs();
    fn();
    to.Add(ThreadCpuNs() - started);
  }

  // Ticks, each of them timed, until one has changed nothing.
  void TickUntilIdle(Histogram& to) {
    uint64_t keys = 0;
    uint64_t used = 0;
    Stats stats = *ours_.cache().Stats();
    do {
      keys = stats.keys;
      used = stats.used_memory;
      Time(to, [&] {
        if (!ours_.cache().Tick(absl::InfiniteFuture()).ok()) std::abort();
      });
      stats = *ours_.cache().Stats();
    } while (stats.keys != keys || stats.used_memory != used);
  }

  void Fill(size_t keys, absl::Duration ttl = absl::InfiniteDuration()) {
    const std::string value(64, 'x');
    for (size_t i = 0; i < keys; ++i) {
      const Key key(i);
      const std::string_view name(key.text.data(), Key::kBytes);
      if (ttl == absl::InfiniteDuration()) {
        ours_.Set(name, value);
      } else {
        ours_.Set(name, value, ttl);
      }
    }
  }

 private:
  static Options& Prepared(Options& options, const std::shared_ptr<ManualClock>& clock) {
    options.clock = clock;
    options.background = Background::kTick;
    return options;
  }
  std::shared_ptr<ManualClock> clock_;
  Ours ours_;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_SUBJECT_H_
