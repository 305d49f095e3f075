// What a client is subscribed to, as its ClientState keeps it. The table is lib/engine/pubsub.h.
#ifndef LARDER_ENGINE_SUBSCRIPTION_H_
#define LARDER_ENGINE_SUBSCRIPTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/intrusive_list.h"

namespace larder::inline v0::engine {

struct Channel;
struct ClientState;

// Channels and shard channels of one name are different channels. A pattern is kept as a channel whose name it is.
enum class ChannelKind : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr int kChannelKinds = 3;

// One client's subscription to one channel.
struct Subscription {
  ClientState* client = nullptr;
  Channel* channel = nullptr;
  base::ListLinks<Subscription> in_channel;
  base::ListLinks<Subscription> in_client;
};

// The subscriptions of a client that has one, in the order of subscribing. Threads: the executor's holder.
struct SubscriptionLists {
  using List = base::IntrusiveList<Subscription, &Subscription::in_client>;

  List lists[kChannelKinds];
  size_t counts[kChannelKinds] = {};
  // What they take, these lists included; a channel counts for the client that subscribed to it first, until that
  // leaves.
  size_t bytes = 0;
};

// Most clients never subscribe: they pay for a pointer. Threads: the executor's holder, but for any().
class ClientSubscriptions {
 public:
  // Whether there is one: then the client counts as a subscriber, whose output has limits of its own. Any thread.
  bool any() const { return any_.load(std::memory_order_relaxed); }
  size_t count(ChannelKind kind) const { return lists_ != nullptr ? lists_->counts[static_cast<int>(kind)] : 0; }
  size_t total() const { return lists_ != nullptr ? lists_->counts[0] + lists_->counts[1] + lists_->counts[2] : 0; }
  size_t bytes() const { return lists_ != nullptr ? lists_->bytes : 0; }
  // nullptr without one.
  Subscription* first(ChannelKind kind) const {
    return lists_ != nullptr ? lists_->lists[static_cast<int>(kind)].front() : nullptr;
  }
  Subscription* last(ChannelKind kind) const {
    return lists_ != nullptr ? lists_->lists[static_cast<int>(kind)].back() : nullptr;
  }

 private:
  friend class PubSub;  // which makes the lists with the first subscription, and frees them with the last

  SubscriptionLists* lists_ = nullptr;
  std::atomic<bool> any_{false};
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_SUBSCRIPTION_H_
