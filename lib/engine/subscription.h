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

// Threads: the executor's holder, but for any().
struct ClientSubscriptions {
  using List = base::IntrusiveList<Subscription, &Subscription::in_client>;

  // Whether there is one: then the client counts as a subscriber, whose output has limits of its own. Any thread.
  bool any() const { return any_.load(std::memory_order_relaxed); }
  size_t count(ChannelKind kind) const { return counts[static_cast<int>(kind)]; }
  size_t total() const { return counts[0] + counts[1] + counts[2]; }
  // nullptr without one.
  Subscription* first(ChannelKind kind) const { return lists[static_cast<int>(kind)].front(); }
  Subscription* last(ChannelKind kind) const { return lists[static_cast<int>(kind)].back(); }

  List lists[kChannelKinds];  // in the order of subscribing
  size_t counts[kChannelKinds] = {};
  size_t bytes = 0;  // what they take; a channel counts for the client that subscribed to it first, until that leaves
  std::atomic<bool> any_{false};  // written by PubSub
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_SUBSCRIPTION_H_
