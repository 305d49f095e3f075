// PubSub: which clients are subscribed to which channels, and how a message reaches them.
//
//     Channel ──► Subscription ⇄ Subscription ⇄ ...   down: others of the same channel, in the order of subscribing
//     (its kind      ⇅                                across: others of the same client
//      and name)    ...
//
// A message goes to the subscribers of its channel first, then to those of each pattern that matches, in the order in
// which patterns came. A client that is subscribed to a channel and to patterns gets it several times, as in Redis. The
// message is composed once for each protocol that a receiver speaks.
//
// A client that publishes and is subscribed itself gets the message within its reply, at that place. All others get it
// by ClientIo::PushOutput, or by ClientIo::receiver. One that does not read is closed by client-output-buffer-limit's
// pubsub class, and one for whose message there is no memory at once, since it must not miss one unknowingly.
//
// Costs: O(1) for each subscription that comes or goes, whoever else is subscribed. A message costs the subscribers of
// its channel, the patterns that there are, and the subscribers of those that match.
// Memory: the arena's. Each client counts its own subscriptions (ClientSubscriptions::bytes).
//
// Threads: the executor's holder, but for bytes().
#ifndef LARDER_ENGINE_PUBSUB_H_
#define LARDER_ENGINE_PUBSUB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/base/intrusive_list.h"
#include "lib/ds/hash_table.h"
#include "lib/engine/client.h"
#include "lib/engine/subscription.h"
#include "lib/keyspace/keyspace.h"
#include "lib/memory/block.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::engine {

class EngineHost;

// A channel with at least one subscriber, or a pattern. Found by its id, which follows the object in memory: a byte
// that is its kind, then its name.
struct Channel {
  using List = base::IntrusiveList<Subscription, &Subscription::in_channel>;

  List subscriptions;
  size_t count = 0;  // of them
  base::ListLinks<Channel> in_kind;
  size_t id_size = 0;

  Bytes id() const { return {reinterpret_cast<const char*>(this + 1), id_size}; }
  Bytes name() const { return id().substr(1); }
  ChannelKind kind() const { return static_cast<ChannelKind>(id()[0]); }
  size_t footprint() const { return sizeof(Channel) + id_size; }
};

// A message on its way to one receiver.
struct Published {
  ChannelKind kind;            // kPattern: the receiver gets it by a pattern
  Bytes pattern;               // empty unless it does
  Bytes channel;
  Bytes message;
  memory::BlockRef* shared;  // by ShareContent
};

// A block of the channel and the message, one behind the other, for all receivers that would rather share one than have
// a copy; made for the first of them. nullptr without memory.
const memory::BlockRef* ShareContent(memory::Heap& blocks, const Published& published) LARDER_REQUIRES_HOLDER;

// A subscriber in this process, which gets messages as they are.
class MessageReceiver {
 public:
  // Must not wait or change subscriptions.
  virtual void Receive(const Published& published) LARDER_REQUIRES_HOLDER = 0;

 protected:
  ~MessageReceiver() = default;
};

// Whether a pattern lets the channel's name through. Not even "*" matches the empty name, as in Redis, where KEYS and
// SCAN take "*" for all without looking.
bool ChannelMatches(Bytes pattern, Bytes channel);

class PubSub {
 public:
  using Channels = base::IntrusiveList<Channel, &Channel::in_kind>;

  PubSub(keyspace::Keyspace& keyspace, EngineHost& host);
  ~PubSub();  // REQUIRES: nobody is subscribed.
  PubSub(const PubSub&) = delete;
  PubSub& operator=(const PubSub&) = delete;

  // False without memory. One that is there already is not added again.
  // REQUIRES: the client's io has prepared for pushes.
  bool Subscribe(ClientState& client, ChannelKind kind, Bytes name) LARDER_REQUIRES_HOLDER;
  // Does nothing if there is no such subscription.
  void Unsubscribe(ClientState& client, ChannelKind kind, Bytes name) LARDER_REQUIRES_HOLDER;
  // Ends it. The channel goes with its last subscription.
  void Remove(Subscription* subscription) LARDER_REQUIRES_HOLDER;
  // Ends up to `max` of the client's. False if there are more.
  bool RemoveSome(ClientState& client, size_t max) LARDER_REQUIRES_HOLDER;

  // Sends `message` to all who are to get what is published in the channel; for a channel these include the subscribers
  // of patterns. Returns how often it was sent.
  int64_t Publish(ChannelKind kind, Bytes channel, Bytes message) LARDER_REQUIRES_HOLDER;
  // How many subscriptions Publish would look at.
  size_t CostOf(ChannelKind kind, Bytes channel) const LARDER_REQUIRES_HOLDER;

  // Those of a kind, in the order in which they came.
  const Channels& channels(ChannelKind kind) const LARDER_REQUIRES_HOLDER { return lists_[static_cast<int>(kind)]; }
  size_t count(ChannelKind kind) const LARDER_REQUIRES_HOLDER { return counts_[static_cast<int>(kind)]; }
  // How many clients are subscribed to it.
  size_t SubscribersOf(ChannelKind kind, Bytes name) const LARDER_REQUIRES_HOLDER;

  // What all subscriptions take, as the clients count it. Any thread.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // How many subscriptions have been looked at one after the other. For tests of what things cost.
  uint64_t steps() const LARDER_REQUIRES_HOLDER { return steps_; }

 private:
  struct ChannelPolicy {
    using Element = Channel*;
    static constexpr bool kExpires = false;
    base::HashSeed seed;
    uint64_t Hash(const Channel* channel) const { return HashOf(channel->id()); }
    uint64_t HashOf(Bytes id) const { return base::HashBytes(id, seed); }
    static bool Matches(const Channel* channel, Bytes id) { return channel->id() == id; }
  };
  // Who is subscribed to what, as bytes: the name of a Subscription.
  struct Pair {
    const Channel* channel;
    const ClientState* client;
    Bytes bytes() const { return {reinterpret_cast<const char*>(this), sizeof(*this)}; }
  };
  struct PairPolicy {
    using Element = Subscription*;
    static constexpr bool kExpires = false;
    base::HashSeed seed;
    uint64_t Hash(const Subscription* each) const { return HashOf({each->channel, each->client}); }
    uint64_t HashOf(const Pair& pair) const { return base::HashBytes(pair.bytes(), seed); }
    static bool Matches(const Subscription* each, Bytes pair) { return Pair{each->channel, each->client}.bytes() == pair; }
  };
  // One message, composed when the first client of a protocol is to get it.
  class Message;

  Channel* Find(ChannelKind kind, Bytes name) const LARDER_REQUIRES_HOLDER;
  Channel* Make(Bytes id, uint64_t hash) LARDER_REQUIRES_HOLDER;
  void Forget(Channel* channel) LARDER_REQUIRES_HOLDER;
  bool MakeLists(ClientSubscriptions& client) LARDER_REQUIRES_HOLDER;  // false without memory
  void FreeUnusedLists(ClientSubscriptions& client) LARDER_REQUIRES_HOLDER;
  void Link(Subscription* subscription) LARDER_REQUIRES_HOLDER;
  int64_t SendTo(const Channel& channel, Message& message) LARDER_REQUIRES_HOLDER;
  void Deliver(ClientState& client, Message& message) LARDER_REQUIRES_HOLDER;
  // Only holders write it, so that none is lost.
  void Count(size_t more) LARDER_REQUIRES_HOLDER { bytes_.store(bytes() + more, std::memory_order_relaxed); }

  keyspace::Keyspace& keyspace_;
  EngineHost& host_;
  ds::HashTable<ChannelPolicy> channels_ LARDER_GUARDED_BY_HOLDER;
  ds::HashTable<PairPolicy> pairs_ LARDER_GUARDED_BY_HOLDER;
  Channels lists_[kChannelKinds] LARDER_GUARDED_BY_HOLDER;
  size_t counts_[kChannelKinds] LARDER_GUARDED_BY_HOLDER = {};
  std::atomic<size_t> bytes_{0};
  uint64_t steps_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_PUBSUB_H_
