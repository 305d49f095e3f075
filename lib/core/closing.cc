#include "lib/core/closing.h"

#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/base/status.h"
#include "lib/core/core.h"

namespace larder::inline v0 {

// A forked child must not touch the mutex: the thread that had it does not exist here.
internal::Visit::Visit(core::CacheCore& core) : core_(core), thread_(std::this_thread::get_id()) {
  if (core.executor().Forked()) {
    error_ = core::CacheCore::ErrorOf(executor::Outcome::kForked);
  } else if (!core.closing().Enter(*this)) {
    error_ = core::CacheCore::ErrorOf(executor::Outcome::kClosed);
  }
}

internal::Visit::Visit(core::CacheCore& core, Within /*within*/) : core_(core), thread_(std::this_thread::get_id()) {
  if (core.Forked()) {
    error_ = core::CacheCore::ErrorOf(executor::Outcome::kForked);
  } else {
    core.closing().EnterWithin(*this);
  }
}

internal::Visit::~Visit() {
  if (error_ == nullptr && !core_.executor().Forked()) core_.closing().Leave(*this);
}

namespace core {

bool Stay::Enter(CacheCore& core) {
  if (core_ == nullptr && core.closing().EnterStay()) core_ = &core;
  return core_ != nullptr;
}

void Stay::Leave() {
  if (!core_->Forked()) core_->closing().LeaveStay();
}

bool Closing::EnterStay() {
  uint32_t stays = stays_.load(std::memory_order_relaxed);
  while ((stays & kNoMoreStays) == 0) {
    if (stays_.compare_exchange_weak(stays, stays + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

// Closers look at the count under the mutex. So the call that ends their wait is done with the cache when it gives the
// mutex back.
void Closing::LeaveStay() {
  uint32_t stays = stays_.load(std::memory_order_relaxed);
  while ((stays & kNoMoreStays) == 0) {
    if (stays_.compare_exchange_weak(stays, stays - 1, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  stays_.fetch_sub(1, std::memory_order_release);
  changed_.notify_all();
}

bool Closing::Enter(internal::Visit& visit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (begun()) return false;
  EnterLocked(visit);
  return true;
}

void Closing::EnterWithin(internal::Visit& visit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  EnterLocked(visit);
}

void Closing::EnterLocked(internal::Visit& visit) {
  visit.next_ = visits_;
  if (visits_ != nullptr) visits_->previous_ = &visit;
  visits_ = &visit;
}

void Closing::Leave(internal::Visit& visit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  (visit.previous_ != nullptr ? visit.previous_->next_ : visits_) = visit.next_;
  if (visit.next_ != nullptr) visit.next_->previous_ = visit.previous_;
  if (begun()) changed_.notify_all();
}

bool Closing::IsVisitor() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::thread::id self = std::this_thread::get_id();
  const internal::Visit* visit = visits_;
  while (visit != nullptr && visit->thread_ != self) visit = visit->next_;
  return visit != nullptr;
}

size_t Closing::visitors() {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t count = stays();
  for (const internal::Visit* visit = visits_; visit != nullptr; visit = visit->next_) ++count;
  return count;
}

void Closing::Begin() {
  const std::lock_guard<std::mutex> lock(mutex_);
  begun_.store(true, std::memory_order_release);
  stays_.fetch_or(kNoMoreStays, std::memory_order_acq_rel);
}

bool Closing::TakeRole(int64_t deadline_us) {
  return Await(deadline_us, [this] {
    if (role_taken_) return false;
    role_taken_ = true;
    return true;
  });
}

void Closing::GiveRole() {
  const std::lock_guard<std::mutex> lock(mutex_);
  role_taken_ = false;
  changed_.notify_all();
}

absl::Status Closing::Unfinished(Stage stage, std::optional<size_t> left) {
  static constexpr std::string_view kWhat[] = {
      "another Close has only begun",
      "a listener has not stopped: its loop is busy, or nobody polls it",
      "a call is still running",
      "calls still at a large value, in Listener::Start, in a loader, waiting for one, or in Tick",
      "the background thread is still in a callback",
      "callbacks are still owed",
      "keys are still to be freed",
      "large values are still being given back to the system",
      "another Close is about to return",
  };
  constexpr std::string_view kTail = "; the cache refuses every call, and Close may be called again";
  constexpr size_t kWhatMax = 96;
  char text[kWhatMax + 2 + base::kIntChars + kTail.size()];
  size_t size = 0;
  const auto add = [&](std::string_view part) {
    base::CopyBytes(text + size, part);
    size += part.size();
  };
  const std::string_view what = kWhat[static_cast<size_t>(stage)];
  LARDER_CHECK(what.size() <= kWhatMax);
  add(what);
  if (left.has_value()) {
    char digits[base::kIntChars];
    add(": ");
    add(base::FormatUint64(*left, digits));
  }
  add(kTail);
  return base::MakeStatus(absl::StatusCode::kDeadlineExceeded, {text, size});
}

}  // namespace core
}  // namespace larder::inline v0
