#include <larder/pubsub.h>

#include <span>

#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/session/subscriber.h"

namespace larder::inline v0 {
namespace {

using engine::ChannelKind;

absl::Status Refused(std::string_view text) {
  return base::MakeStatus(absl::StatusCode::kFailedPrecondition, text);
}
absl::Status WasMoved() { return Refused("the Subscription was moved from"); }

std::span<const std::string_view> NamesOf(const Channels& channels, ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kChannel: return channels.channels;
    case ChannelKind::kPattern: return channels.patterns;
    case ChannelKind::kShardChannel: break;
  }
  return channels.shard_channels;
}

absl::Status WasClosed() {
  return Refused("the Subscription is closed: its callbacks were slower than what was published");
}

constexpr ChannelKind kKinds[] = {ChannelKind::kChannel, ChannelKind::kPattern, ChannelKind::kShardChannel};

absl::Status AddAll(session::Subscriber& subscriber, const Channels& channels) {
  size_t before[engine::kChannelKinds];
  for (int kind = 0; kind < engine::kChannelKinds; ++kind) {
    absl::StatusOr<size_t> count = subscriber.Count(kKinds[kind]);
    if (!count.ok()) return count.status();
    before[kind] = *count;
  }
  absl::Status status;
  for (int kind = 0; kind < engine::kChannelKinds && status.ok(); ++kind) {
    status = subscriber.Subscribe(kKinds[kind], NamesOf(channels, kKinds[kind]));
  }
  if (status.ok()) return status;
  for (int kind = 0; kind < engine::kChannelKinds; ++kind) subscriber.Shorten(kKinds[kind], before[kind]);
  return subscriber.closed() ? WasClosed() : status;
}

}  // namespace

absl::StatusOr<Subscription> Cache::Subscribe(const Channels& channels, std::function<void(const Message&)> callback,
                                              CallbackOptions options) {
  if (callback == nullptr) return base::MakeStatus(absl::StatusCode::kInvalidArgument, "the callback is empty");
  if (options.bytes_max == 0) {
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, "CallbackOptions::bytes_max is 0");
  }
  session::Subscriber* const subscriber =
      session::Subscriber::Create(core(), std::move(callback), std::move(options));
  if (subscriber == nullptr) return base::NoMemory(base::kNoMemoryForSubscription);
  Subscription made(subscriber);
  const absl::Status status = AddAll(*subscriber, channels);
  if (!status.ok()) return status;
  return made;
}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  const Subscription old(std::move(*this));
  subscriber_ = std::exchange(other.subscriber_, nullptr);
  return *this;
}

Subscription::~Subscription() {
  if (subscriber_ == nullptr || subscriber_->forked()) return;
  subscriber_->EndAll();
}

absl::Status Subscription::Add(const Channels& channels) {
  if (subscriber_ == nullptr) return WasMoved();
  if (subscriber_->closed()) return WasClosed();
  return AddAll(*subscriber_, channels);
}

absl::Status Subscription::Remove(const Channels& channels) {
  if (subscriber_ == nullptr) return WasMoved();
  absl::Status status = subscriber_->Count(ChannelKind::kChannel).status();  // whether it can be used at all
  for (const ChannelKind kind : kKinds) {
    if (!status.ok()) return status;
    status = subscriber_->Unsubscribe(kind, NamesOf(channels, kind));
  }
  return status;
}

bool Subscription::closed() const { return subscriber_ != nullptr && subscriber_->closed(); }

uint64_t Subscription::dropped() const { return subscriber_ != nullptr ? subscriber_->dropped() : 0; }

}  // namespace larder::inline v0
