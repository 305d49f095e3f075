// Publish: sends a message to the subscribers of a channel, as PUBLISH and SPUBLISH do.
//
//   absl::StatusOr<int64_t> receivers = larder::Publish(cache, "news", "Larder speaks");
//
// The database makes no difference: channels belong to the whole cache. From a Transaction, the call is the
// Transaction's, and the message is sent at once. Channel and message are any bytes, and may be empty.
// The publisher never waits for a receiver. Nothing is kept: whoever subscribes later does not get the message.
//
// Threads, errors: as cache.h says of every call.
// Costs: PublishToShard: O(N), N = the channel's subscribers. Publish: also all patterns, and the subscribers of those
// that match. Others wait meanwhile.
#ifndef LARDER_PUBSUB_H_
#define LARDER_PUBSUB_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>

namespace larder::inline v0 {

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

}  // namespace larder::inline v0

#endif  // LARDER_PUBSUB_H_
