// Typed calls that are commands: those that are long, or seldom, and gain little from an op of their own. Part of the
// public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_COMMANDED_H_
#define LARDER_INTERNAL_COMMANDED_H_

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/handle.h>
#include <larder/reply.h>

namespace larder::inline v0::internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// A number as a command's word. A double has as many digits as it takes to read the same again.
class Digits {
 public:
  explicit Digits(int64_t number) { size_ = std::to_chars(room_, room_ + sizeof(room_), number).ptr - room_; }
  explicit Digits(double number) {
    if (std::isinf(number)) {
      const std::string_view word = number > 0 ? "+inf" : "-inf";
      size_ = word.copy(room_, sizeof(room_));
    } else {
      size_ = std::to_chars(room_, room_ + sizeof(room_), number).ptr - room_;
    }
  }
  std::string_view view() const { return {room_, size_}; }

 private:
  char room_[40];
  size_t size_;
};

// Runs a command in the database of a handle. An error of the command is a Status.
inline absl::StatusOr<Reply> Execute(const Target& target, const Words& words) {
  if (!words.status().ok()) return words.status();
  absl::StatusOr<Reply> reply = DatabaseOf(target).Execute(words.all());
  if (reply.ok() && reply->is_error()) return reply->ToStatus();
  return reply;
}

inline absl::StatusOr<int64_t> IntegerOf(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return reply.status();
  return reply->integer();
}
inline absl::StatusOr<bool> BoolOf(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return reply.status();
  return reply->integer() != 0 || reply->is_ok();
}
inline absl::StatusOr<std::optional<int64_t>> OptionalIntegerOf(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return reply.status();
  if (reply->is_nil()) return std::optional<int64_t>();
  return std::optional<int64_t>(reply->integer());
}
inline absl::StatusOr<std::optional<double>> OptionalDoubleOf(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return reply.status();
  if (reply->is_nil()) return std::optional<double>();
  return std::optional<double>(reply->number());
}
inline absl::Status StatusOfReply(const absl::StatusOr<Reply>& reply) { return reply.status(); }

// Fills a container from a reply: `add` is called with each element.
template <class T, class Add>
absl::StatusOr<std::vector<T>> VectorOf(const absl::StatusOr<Reply>& reply, Add add) {
  if (!reply.ok()) return reply.status();
  std::vector<T> result;
  absl::Status filled = FillResult([&] {
    result.reserve(reply->size());
    for (const ReplyView element : *reply) result.push_back(add(element));
  });
  if (!filled.ok()) return filled;
  return result;
}
inline absl::StatusOr<std::vector<std::string>> StringsOf(const absl::StatusOr<Reply>& reply) {
  return VectorOf<std::string>(reply, [](ReplyView element) { return std::string(element.string_view()); });
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_COMMANDED_H_
