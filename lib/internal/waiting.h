// Typed calls that wait for a key (BLPOP and its like). Part of the public headers' machinery, not of the API.
//
// Such a call is a command that parks its thread outside the cache's order. While it is parked, a std::stop_callback
// stands between the stop token and the parked thread. The callback only wakes the thread; the thread itself then takes
// its wait back, in its turn. So whoever requests the stop waits for nothing, and may do it anywhere, also inside
// Atomically. And if the thread was given something before its turn came, it returns that: what was taken out of a key
// is never lost.
#ifndef LARDER_INTERNAL_WAITING_H_
#define LARDER_INTERNAL_WAITING_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <larder/export.h>
#include <larder/internal/commanded.h>
#include <larder/internal/error_text.h>
#include <larder/internal/flight.h>
#include <larder/internal/typed.h>
#include <larder/reply.h>

namespace larder::inline v0 {

namespace core {
class ParkedThread;
}

// Several keys: {"a", "b"}, or a vector or span of std::string_view. Only for arguments: it owns nothing.
class KeyList {
 public:
  KeyList(std::initializer_list<std::string_view> keys) : keys_(keys.begin(), keys.size()) {}
  KeyList(std::span<const std::string_view> keys) : keys_(keys) {}
  KeyList(const std::vector<std::string_view>& keys) : keys_(keys) {}
  KeyList(const std::string_view* keys, size_t count) : keys_(keys, count) {}

  size_t size() const { return keys_.size(); }
  const std::string_view* begin() const { return keys_.data(); }
  const std::string_view* end() const { return keys_.data() + keys_.size(); }

 private:
  std::span<const std::string_view> keys_;
};

namespace internal {

inline constexpr ErrorText kWaitStopped{absl::StatusCode::kCancelled, "the wait was stopped by its std::stop_token"};

// A call whose command waits.
class LARDER_API ParkedCall {
 public:
  explicit ParkedCall(core::ParkedThread& thread) : thread_(thread) {}

  // Sleeps until the wait is over.
  void Await();
  // Wakes the thread, whose wait then ends. Any thread may call it while Await runs, and before.
  void Stop();

  // The engine's side: how Await ended.
  const absl::Status& status() const { return status_; }

 private:
  core::ParkedThread& thread_;
  absl::Status status_;
};

// Runs a command. If it waits, calls `await`, which must call Await. Without `may_wait` the command waits no more than
// inside Atomically: it answers nil at once.
LARDER_API absl::StatusOr<Reply> ExecuteWaiting(const Target& target, std::span<const std::string_view> argv,
                                              bool may_wait, absl::FunctionRef<void(ParkedCall& call)> await);

inline namespace LARDER_INTERNAL_FLAVOR {

// How long a call waits, as its command's word: in seconds, or in milliseconds.
class WaitLimit {
 public:
  enum class Unit : uint8_t { kSeconds, kMilliseconds };

  WaitLimit(absl::Duration timeout, Unit unit) : waits_(timeout > absl::ZeroDuration()) {
    int64_t ms = TtlMs(timeout);
    if (ms >= INT64_MAX / 2) ms = 0;  // which means for ever
    if (!waits_) ms = 1;
    char* end = std::to_chars(room_, room_ + sizeof(room_), unit == Unit::kSeconds ? ms / 1000 : ms).ptr;
    if (unit == Unit::kSeconds && ms % 1000 != 0) {
      *end++ = '.';
      for (int64_t scale = 100, rest = ms % 1000; rest != 0; rest %= scale, scale /= 10) {
        *end++ = static_cast<char>('0' + rest / scale);
      }
    }
    size_ = static_cast<size_t>(end - room_);
  }
  bool waits() const { return waits_; }
  std::string_view view() const { return {room_, size_}; }

 private:
  bool waits_;
  size_t size_;
  char room_[40];
};

// Runs a command that may wait in the database of a handle. An error of the command is a Status. After a stop request
// nothing is run.
inline absl::StatusOr<Reply> ExecuteStoppable(const Target& target, const Words& words, const WaitLimit& limit,
                                              const std::stop_token& stop) {
  if (!words.status().ok()) return words.status();
  if (stop.stop_requested()) return StatusOf(kWaitStopped);
  absl::StatusOr<Reply> reply = ExecuteWaiting(target, words.all(), limit.waits(), [&stop](ParkedCall& call) {
    const std::stop_callback wake(stop, [&call]() noexcept { call.Stop(); });
    call.Await();
  });
  if (reply.ok() && reply->is_error()) return reply->ToStatus();
  return reply;
}

// The command `name`, with keys and the limit behind them.
inline absl::StatusOr<Reply> ExecuteWaitingFor(std::string_view name, const Target& target, KeyList keys,
                                               absl::Duration timeout, const std::stop_token& stop) {
  const WaitLimit limit(timeout, WaitLimit::Unit::kSeconds);
  Words words;
  words.Add(name);
  words.AddAll(keys);
  words.Add(limit.view());
  return ExecuteStoppable(target, words, limit, stop);
}
// BLMPOP and BZMPOP; `from` is LEFT, RIGHT, MIN or MAX.
inline absl::StatusOr<Reply> ExecuteWaitingFor(std::string_view name, std::string_view from, const Target& target,
                                               KeyList keys, int64_t count, absl::Duration timeout,
                                               const std::stop_token& stop) {
  const WaitLimit limit(timeout, WaitLimit::Unit::kSeconds);
  const Digits key_count(static_cast<int64_t>(keys.size())), most(count);
  Words words(name, limit.view());
  words.Add(key_count.view());
  words.AddAll(keys);
  words.Add(from);
  words.Add("COUNT");
  words.Add(most.view());
  return ExecuteStoppable(target, words, limit, stop);
}

// What a command took out, made by `make` of its reply; nullopt for nil.
template <class T, class Make>
absl::StatusOr<std::optional<T>> TakenOutOf(const absl::StatusOr<Reply>& reply, Make make) {
  if (!reply.ok()) return reply.status();
  std::optional<T> result;
  if (reply->is_nil()) return result;
  if (!FillResult([&] { result.emplace(make(*reply)); }).ok()) return StatusOf(kResultLost);
  return result;
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_WAITING_H_
