// Rows of a benchmark that has targets.
#ifndef LARDER_TESTS_BENCH_TABLE_H_
#define LARDER_TESTS_BENCH_TABLE_H_

#include <cstdio>
#include <string>

#include "tests/bench/measure.h"

namespace larder::bench {

// A target is a bound of Larder's own figure or of the ratio.
struct Target {
  enum class Of { kNone, kFigure, kRatio } of = Of::kNone;
  bool at_least = false;
  double bound = 0;
};
constexpr Target kNoTarget = {};
constexpr Target FigureAtMost(double bound) { return {Target::Of::kFigure, false, bound}; }
constexpr Target RatioAtMost(double bound) { return {Target::Of::kRatio, false, bound}; }
constexpr Target RatioAtLeast(double bound) { return {Target::Of::kRatio, true, bound}; }

inline void Heading() {
  std::printf("| measure | alternative | Larder | ratio | target | met |\n|---|---|---|---|---|---|\n");
}

inline void Row(const std::string& measure, const std::string& alternative, const Compared& figures, const char* unit,
                Target target) {
  std::string wanted = "";
  const char* met = "";
  if (target.of != Target::Of::kNone) {
    const double reached = target.of == Target::Of::kFigure ? figures.ours : figures.ratio;
    char text[64];
    std::snprintf(text, sizeof(text), "%s %g%s%s", target.at_least ? ">=" : "<=", target.bound,
                  target.of == Target::Of::kFigure ? " " : "", target.of == Target::Of::kFigure ? unit : "");
    wanted = text;
    met = (target.at_least ? reached >= target.bound : reached <= target.bound) ? "yes" : "NO";
  }
  std::printf("| %s | %s: %.1f %s | %.1f %s | %.*f | %s | %s |\n", measure.c_str(), alternative.c_str(), figures.theirs,
              unit, figures.ours, unit, figures.ratio < 0.1 ? 5 : 2, figures.ratio, wanted.c_str(), met);
  std::fflush(stdout);
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_TABLE_H_
