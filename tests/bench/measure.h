// What every benchmark here counts with: clocks, a histogram, random numbers, keys; and how figures are made of runs.
//
// The machines that these run on are shared. So: CPU time, not wall time, wherever a question allows it; the two that
// are compared take turns, some tens of milliseconds each, so that a neighbour's burst meets both; each figure is the
// MEDIAN of its runs, and a ratio is the median of the rounds' own ratios, which a slow drift of the machine's speed
// leaves alone (a ratio of two minima compares the quietest moment of one with the quietest of the other, and a mean
// takes in every burst). So a printed ratio may differ from the quotient of the printed figures in its last digit.
#ifndef LARDER_TESTS_BENCH_MEASURE_H_
#define LARDER_TESTS_BENCH_MEASURE_H_

#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace larder::bench {

inline int64_t NowNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline int64_t ThreadCpuNs() { return NowNs(CLOCK_THREAD_CPUTIME_ID); }
inline int64_t ProcessCpuNs() { return NowNs(CLOCK_PROCESS_CPUTIME_ID); }
inline int64_t WallNs() { return NowNs(CLOCK_MONOTONIC); }

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A figure of Larder's and one of the alternative's.
struct Compared {
  double theirs = 0;
  double ours = 0;
  double ratio = 0;  // ours over theirs
};

// Runs of both in turns; each returns its figure.
class Rounds {
 public:
  void Add(double theirs, double ours) {
    theirs_.push_back(theirs);
    ours_.push_back(ours);
    ratios_.push_back(ours / theirs);
  }
  Compared Result() const { return {Median(theirs_), Median(ours_), Median(ratios_)}; }

 private:
  std::vector<double> theirs_, ours_, ratios_;
};

template <class Theirs, class Ours>
Compared TakeTurns(int rounds, Theirs theirs, Ours ours) {
  Rounds all;
  for (int i = 0; i < rounds; ++i) {
    const double a = theirs();
    all.Add(a, ours());
  }
  return all.Result();
}

// Xorshift: cheap enough to be drawn inside what is measured.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u | 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // Below `n`, without a division.
  size_t Below(size_t n) { return static_cast<size_t>((Next() >> 32) * n >> 32); }

 private:
  uint64_t state_;
};

// "key:000000000042": 16 bytes, as redis-benchmark writes them.
struct Key {
  static constexpr size_t kBytes = 16;
  explicit Key(uint64_t number) {
    text = {'k', 'e', 'y', ':'};
    for (size_t i = kBytes; i > 4; number /= 10) text[--i] = static_cast<char>('0' + number % 10);
  }
  std::array<char, kBytes> text;
};

// Counts by value with 16 steps to each power of two, so that a percentile is right within 6 %, without keeping
// samples.
class Histogram {
 public:
  void Add(int64_t value) {
    const auto v = static_cast<uint64_t>(std::max<int64_t>(value, 0));
    ++counts_[Index(v)];
    ++count_;
    max_ = std::max(max_, v);
  }
  void Add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  // The highest value that the lowest `share` of them may have: 0.9999 for p99.99. Never above max().
  uint64_t Percentile(double share) const {
    const double wanted = share * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(HighestOf(i), max_);
    }
    return max_;
  }
  uint64_t max() const { return max_; }
  uint64_t count() const { return count_; }

 private:
  static constexpr size_t kSteps = 16;
  static size_t Index(uint64_t v) {
    if (v < kSteps) return static_cast<size_t>(v);
    const auto power = static_cast<size_t>(63 - __builtin_clzll(v));  // 4 or more
    return (power - 3) * kSteps + static_cast<size_t>(v >> (power - 4) & (kSteps - 1));
  }
  static uint64_t HighestOf(size_t index) {
    if (index < kSteps) return index;
    const size_t power = index / kSteps + 3;
    return ((kSteps + index % kSteps + 1) << (power - 4)) - 1;
  }

  std::array<uint64_t, 61 * kSteps> counts_ = {};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_MEASURE_H_
