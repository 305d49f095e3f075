#include "net/loop_background.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace larder::inline v0 {
namespace {

// How long the work runs at a time, and how often it looks at a clock that is not the machine's.
constexpr int64_t kRunUs = 1000;
constexpr int64_t kLookMs = 100;

}  // namespace

void LoopBackground::Start(ae::EventLoop& loop, bool own_clock) {
  loop_ = &loop;
  own_clock_ = own_clock;
  hook_.proc = [](ae::EventLoop&, void* data) { static_cast<LoopBackground*>(data)->Run(); };
  hook_.data = this;
  loop.after_events().Add(hook_);
  due_.store(true, std::memory_order_relaxed);  // there may be work from before
  loop.WakeUp();
}

void LoopBackground::Stop() {
  if (hook_.proc == nullptr) return;
  loop_->after_events().Remove(hook_);
  if (time_event_ != 0) loop_->DeleteTimeEvent(std::exchange(time_event_, 0));
}

void LoopBackground::Run() {
  if (!due_.exchange(false, std::memory_order_acq_rel)) return;
  if (time_event_ != 0) loop_->DeleteTimeEvent(std::exchange(time_event_, 0));
  int64_t until_us;
  if (__builtin_add_overflow(core_.clock().NowUs(), kRunUs, &until_us)) until_us = INT64_MAX;
  const int64_t next_us = core_.BackgroundStep(until_us);
  if (next_us == INT64_MAX) return;
  int64_t delay_us;
  if (__builtin_sub_overflow(next_us, core_.clock().NowUs(), &delay_us)) delay_us = INT64_MAX;
  int64_t delay_ms = delay_us > 0 ? (delay_us - 1) / 1000 + 1 : 0;
  if (own_clock_) delay_ms = std::min(delay_ms, kLookMs);
  absl::StatusOr<int64_t> id = loop_->CreateTimeEvent(delay_ms, OnTime, this);
  if (id.ok()) {
    time_event_ = *id;
  } else {
    due_.store(true, std::memory_order_relaxed);  // it is done after the next event of any kind
  }
}

int64_t LoopBackground::OnTime(ae::EventLoop& /*loop*/, int64_t /*id*/, void* data) {
  LoopBackground& self = *static_cast<LoopBackground*>(data);
  self.time_event_ = 0;
  self.due_.store(true, std::memory_order_relaxed);  // this turn's hook does it
  return ae::kNoMore;
}

}  // namespace larder::inline v0
