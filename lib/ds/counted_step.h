// CountedStep: one step of a table's work in a base::StepLog, if there is one. As base::StepTimer, which needs one.
#ifndef LARDER_DS_COUNTED_STEP_H_
#define LARDER_DS_COUNTED_STEP_H_

#include <cstdint>

#include "lib/base/steps.h"
#include "lib/ds/segment.h"

namespace larder::inline v0::ds {

class CountedStep {
 public:
  CountedStep(base::StepLog* log, base::Step step)
      : log_(log), step_(step), started_ns_(log == nullptr ? 0 : base::ThreadCpuNs()) {}
  CountedStep(const CountedStep&) = delete;
  CountedStep& operator=(const CountedStep&) = delete;
  ~CountedStep() {
    if (log_ == nullptr || (entries_ == 0 && bytes_ == 0)) return;
    log_->Count(step_, entries_, bytes_);
    log_->CountTime(step_, base::ThreadCpuNs() - started_ns_);
  }

  void Add(uint64_t entries, uint64_t bytes) {
    entries_ += entries;
    bytes_ += bytes;
  }
  void AddSegment(const Segment* segment) {
    bytes_ += static_cast<uint64_t>(ShapeOf(segment->shape(), segment->expires()).lines) * kLineBytes;
  }

 private:
  base::StepLog* const log_;
  const base::Step step_;
  const uint64_t started_ns_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_COUNTED_STEP_H_
