// StepLog: times of a cache's longer pieces of work.
//
// Work that can take long (growth of a table, eviction, expiry, freeing) is cut into steps, between which others have
// their turn. Each step tells how many entries and bytes it touched. Most are timed by the CPU time of their thread,
// which does not depend on the machine's other load. Reading that clock is a system call of some 200 ns at each end, so
// a shorter step (a write that evicts one key) is counted and not timed.
//
//   base::StepTimer timer(log, base::Step::kSplit);
//   ...
//   timer.Add(entries, bytes);
//
// Threads: the executor's holder.
#ifndef LARDER_BASE_STEPS_H_
#define LARDER_BASE_STEPS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include <larder/stats.h>
#include "lib/base/monotonic.h"

namespace larder::inline v0::base {

// In the order of Stats::step.
enum class Step : uint8_t { kGrow, kSplit, kMerge, kDirectory, kEvict, kExpire, kFree, kCompact };
static_assert(static_cast<size_t>(Step::kCompact) + 1 == kStepKinds);

class StepLog {
 public:
  StepStats& operator[](Step step) { return all_[static_cast<size_t>(step)]; }
  const std::array<StepStats, kStepKinds>& all() const { return all_; }
  void Reset() { all_ = {}; }

  void Count(Step step, uint64_t entries, uint64_t bytes) {
    StepStats& stats = (*this)[step];
    ++stats.steps;
    stats.entries += entries;
    stats.bytes += bytes;
    if (entries > stats.entries_max) stats.entries_max = entries;
    if (bytes > stats.bytes_max) stats.bytes_max = bytes;
  }
  void CountTime(Step step, uint64_t cpu_ns) {
    StepStats& stats = (*this)[step];
    ++stats.timed;
    stats.cpu_ns += cpu_ns;
    if (cpu_ns > stats.cpu_ns_max) stats.cpu_ns_max = cpu_ns;
    const int log2 = 63 - __builtin_clzll(cpu_ns | 1);
    const size_t bucket = static_cast<size_t>(log2 < StepStats::kBuckets ? log2 : StepStats::kBuckets - 1);
    ++stats.cpu_histogram[bucket];
  }

 private:
  std::array<StepStats, kStepKinds> all_ = {};
};

// One step, from its construction to its destruction. A step that touched nothing is not counted.
class StepTimer {
 public:
  enum Timing : bool { kUntimed, kTimed };
  StepTimer(StepLog& log, Step step, Timing timing = kTimed)
      : log_(log), step_(step), started_ns_(timing == kTimed ? ThreadCpuNs() : kNotTimed) {}
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;
  ~StepTimer() {
    if (entries_ == 0 && bytes_ == 0) return;
    log_.Count(step_, entries_, bytes_);
    if (started_ns_ != kNotTimed) log_.CountTime(step_, static_cast<uint64_t>(ThreadCpuNs() - started_ns_));
  }
  void Add(uint64_t entries, uint64_t bytes) {
    entries_ += entries;
    bytes_ += bytes;
  }

 private:
  static constexpr int64_t kNotTimed = -1;

  StepLog& log_;
  const Step step_;
  const int64_t started_ns_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_STEPS_H_
