// Messages of Statuses that more than one place returns. Errors that RESP clients see are in keyspace/errors.h.
#ifndef LARDER_BASE_ERROR_TEXTS_H_
#define LARDER_BASE_ERROR_TEXTS_H_

#include <string_view>

namespace larder::inline v0::base {

inline constexpr std::string_view kEmptyArgv = "argv is empty: it needs at least a command's name";
inline constexpr std::string_view kCacheIsClosed = "the cache is closed";

inline constexpr std::string_view kNoMemoryForCache = "there is no memory for a cache";
inline constexpr std::string_view kNoMemoryForListener = "there is no memory for a listener";
inline constexpr std::string_view kNoMemoryForOptions = "there is no memory for the options";
inline constexpr std::string_view kNoMemoryForPoller = "there is no memory for a poller";
inline constexpr std::string_view kNoMemoryForSubscription = "there is no memory for a subscription";
inline constexpr std::string_view kNoMemoryForReply = "there is no memory for the reply";

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_ERROR_TEXTS_H_
