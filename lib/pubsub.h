// Pub/sub: messages in channels, between threads of this process and clients of listeners alike.
//
//   auto print = [](const larder::Message& message) { std::cout << message.channel << ": " << message.payload << '\n'; };
//   absl::StatusOr<larder::Subscription> news = cache.Subscribe({.channels = {"news"}, .patterns = {"user:*"}}, print);
//   if (!news.ok()) return news.status();
//   absl::StatusOr<int64_t> receivers = larder::Publish(cache, "news", "Larder speaks");
//
// The databases make no difference: channels belong to the whole cache. Channel and message are any bytes, and may be
// empty. Nothing is kept for those who subscribe later.
//
// Publishing: from a Transaction, the call is the Transaction's, and the message is sent at once. The publisher never
// waits for a receiver.
// Receiving: the callback runs once for each message, on the thread that Options::background names, and never inside
// the call that published it; with a thread or a loop, that may not have returned yet. Each Subscription gets its
// messages in the order in which they were published; several Subscriptions take turns. Who is subscribed to a channel
// and to patterns that match it gets a message several times, as in Redis. Keyspace notifications are such messages too
// (notify-keyspace-events); <larder/events.h> tells more of changes, for less.
//
// Threads, errors: as cache.h says of every call.
// Costs: PublishToShard: O(N), N = the channel's subscribers. Publish: also all patterns, and the subscribers of those
// that match. Others wait meanwhile. A message of up to 1 KB is copied for each Subscription, and a longer one once.
#ifndef LARDER_PUBSUB_H_
#define LARDER_PUBSUB_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/callbacks.h>
#include <larder/export.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>

namespace larder::inline v0 {

namespace session {
class Subscriber;
}

namespace internal {

inline namespace LARDER_INTERNAL_FLAVOR {

inline absl::StatusOr<int64_t> PublishBy(std::string_view command, const Database& database, std::string_view channel,
                                         std::string_view message) {
  Words words(command, channel);
  words.Add(message);
  return IntegerOf(Execute(TargetOf(database), words));
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal

// PUBLISH: how often the message was sent. Each subscriber of the channel counts once, and once more for each of its
// patterns that matches.
inline absl::StatusOr<int64_t> Publish(const Database& database, std::string_view channel, std::string_view message) {
  return internal::PublishBy("PUBLISH", database, channel, message);
}

// SPUBLISH: the same in a shard channel. Shard channels are apart from channels of the same name, and patterns do not
// match them.
inline absl::StatusOr<int64_t> PublishToShard(const Database& database, std::string_view channel,
                                              std::string_view message) {
  return internal::PublishBy("SPUBLISH", database, channel, message);
}

// What a callback is told. The views are valid during the callback.
struct Message {
  enum class By : uint8_t { kChannel, kPattern, kShardChannel };
  By by = By::kChannel;           // what the receiver is subscribed to
  std::string_view channel = {};  // where it was published
  std::string_view pattern = {};  // by which the receiver got it; empty unless by == kPattern
  std::string_view payload = {};
};

// What to subscribe to.
struct Channels {
  std::vector<std::string_view> channels = {};        // SUBSCRIBE
  std::vector<std::string_view> patterns = {};        // PSUBSCRIBE: globs, as in KEYS
  std::vector<std::string_view> shard_channels = {};  // SSUBSCRIBE
};

// A callback's subscriptions, by Cache::Subscribe. They last as long as this object.
//
// For PUBSUB and INFO it is one subscriber like any other. CLIENT LIST does not show it.
//
// Threads: one at a time, any; the callback may use it too, also to destroy it.
// Ownership: it must end before the cache does. Once the cache is closed, Add and Remove are CANCELLED. In a forked
// child it is leaked, and its calls are FAILED_PRECONDITION.
class LARDER_API Subscription {
 public:
  // A Subscription that was moved from has no callback, and its calls are FAILED_PRECONDITION.
  Subscription(Subscription&& other) noexcept : subscriber_(std::exchange(other.subscriber_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept;
  // No callback begins after this, and messages that wait are dropped. A callback that is running has returned, unless
  // this is called from inside a callback, View or Atomically, which must not wait for it. So a callback must not wait
  // for the thread that destroys its Subscription.
  ~Subscription();

  // More channels: all of them or, after an error, none. One that is there already is not added again. Some dozens are
  // added at a time: if there are more, messages may come before this returns.
  absl::Status Add(const Channels& channels);
  // Fewer. One that is not there is left out. Messages that were published before are still delivered.
  absl::Status Remove(const Channels& channels);

  // With OnOverflow::kClose: its callbacks were slower than what came, and nothing more comes. Add is
  // FAILED_PRECONDITION then. It is still counted as a subscriber until its last callback has run.
  bool closed() const;
  // How many messages were dropped; with kClose 1, since what comes later is not counted.
  uint64_t dropped() const;

 private:
  friend class Cache;
  explicit Subscription(session::Subscriber* subscriber) : subscriber_(subscriber) {}

  session::Subscriber* subscriber_;
};

inline absl::StatusOr<Subscription> Cache::Subscribe(const Channels& channels,
                                                     std::function<void(const Message&)> callback) {
  return Subscribe(channels, std::move(callback), CallbackOptions());
}

}  // namespace larder::inline v0

#endif  // LARDER_PUBSUB_H_
