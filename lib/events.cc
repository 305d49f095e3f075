#include <larder/events.h>

#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/typed/events.h"

namespace larder::inline v0 {
namespace {

absl::Status Invalid(std::string_view text) { return base::MakeStatus(absl::StatusCode::kInvalidArgument, text); }

}  // namespace

absl::StatusOr<EventSubscription> Cache::OnEvent(EventClass classes, std::function<void(const Event&)> callback,
                                                 EventOptions options) {
  constexpr EventClass kAll = EventClass::kChanges | EventClass::kMiss;
  if (!Includes(classes, kAll)) return Invalid("there is no class of events to listen to");
  if (callback == nullptr) return Invalid("the callback is empty");
  if (options.callbacks.bytes_max == 0) return Invalid("CallbackOptions::bytes_max is 0");
  typed::EventQueue* const queue =
      typed::EventQueue::Create(core(), classes, std::move(callback), std::move(options));
  if (queue == nullptr) return base::NoMemory("there is no memory for a listener to events");
  EventSubscription made(queue);
  const absl::Status status = queue->Start();
  if (!status.ok()) return status;
  return made;
}

EventSubscription& EventSubscription::operator=(EventSubscription&& other) noexcept {
  if (this == &other) return *this;
  const EventSubscription old(std::move(*this));
  queue_ = std::exchange(other.queue_, nullptr);
  return *this;
}

EventSubscription::~EventSubscription() {
  if (queue_ != nullptr && !queue_->forked()) queue_->End();
}

bool EventSubscription::closed() const { return queue_ != nullptr && queue_->closed(); }

uint64_t EventSubscription::dropped() const { return queue_ != nullptr ? queue_->dropped() : 0; }

}  // namespace larder::inline v0
