// Shared by the files of the C ABI: the objects behind its opaque types, and the way from a C++ call to a C call.
//
// Every function that may throw (an allocation of these files' own, or one in a caller's container) runs inside Guard,
// which turns any exception into a status. The object for a call's result is allocated before the call is made, so that
// no result is lost for lack of a few bytes.
#ifndef LARDER_BINDINGS_C_INTERNAL_H_
#define LARDER_BINDINGS_C_INTERNAL_H_

#include <larder/cache.h>
#include <larder/net/listener.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/c/larder.h>

struct larder_options {
  larder::Options options;
};
struct larder_manual_clock {
  std::shared_ptr<larder::ManualClock> clock;
};
struct larder_cache {
  std::shared_ptr<larder::Clock> clock;
  std::unique_ptr<larder::Cache> cache;
};
struct larder_bytes {
  std::string bytes;
};
struct larder_loaded {
  std::optional<std::string> value;
};
struct larder_reply {
  larder::Reply reply;
};
struct larder_session {
  std::unique_ptr<larder::Session> session;
};
struct larder_connection {
  std::unique_ptr<larder::RespConnection> connection;
};
struct larder_listener_options {
  larder::ListenerOptions options;
};
struct larder_listener {
  std::unique_ptr<larder::Listener> listener;
};

namespace larder_c {

inline larder_status Fail(larder_status status, std::string_view message, larder_error* error) {
  if (error == nullptr) return status;
  error->status = status;
  const size_t size = std::min(message.size(), sizeof(error->message) - 1);
  std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return status;
}

inline larder_status NullArgument(std::string_view name, larder_error* error) {
  char text[64];
  const size_t size = std::min(name.size(), sizeof(text) - 8);
  std::memcpy(text, name.data(), size);
  std::memcpy(text + size, " is NULL", 8);
  return Fail(LARDER_INVALID_ARGUMENT, {text, size + 8}, error);
}

#define LARDER_NEED(pointer) \
  if ((pointer) == nullptr) return NullArgument(#pointer, error)
#define LARDER_NEED_BYTES(bytes, size) \
  if ((bytes) == nullptr && (size) != 0) return NullArgument(#bytes, error)

inline larder_status CodeOf(const absl::Status& status) {
  const int code = static_cast<int>(status.code());
  return code >= LARDER_OK && code <= LARDER_UNAUTHENTICATED ? static_cast<larder_status>(code) : LARDER_UNKNOWN;
}

inline larder_status Report(const absl::Status& status, larder_error* error) {
  if (status.ok()) return LARDER_OK;
  const auto message = status.message();
  if (message.empty()) return Fail(CodeOf(status), "there is no memory for a message", error);
  return Fail(CodeOf(status), {message.data(), message.size()}, error);
}

// Runs body() -> absl::Status.
template <class F>
larder_status Guard(larder_error* error, F&& body) {
  try {
    return Report(body(), error);
  } catch (const std::bad_alloc&) {
    return Fail(LARDER_RESOURCE_EXHAUSTED, "there is no memory for the call", error);
  } catch (const std::length_error&) {
    return Fail(LARDER_INVALID_ARGUMENT, "a size is larger than that of any object", error);
  } catch (...) {
    return Fail(LARDER_INTERNAL, "an exception came out of the library", error);
  }
}

// body(const larder::Database&) -> absl::Status, in database `db`.
template <class F>
larder_status InDatabase(larder_cache* cache, int db, larder_error* error, F&& body) {
  LARDER_NEED(cache);
  return Guard(error, [&]() -> absl::Status {
    if (db == 0) return body(static_cast<const larder::Database&>(*cache->cache));
    const absl::StatusOr<larder::Database> database = cache->cache->Db(db);
    if (!database.ok()) return database.status();
    return body(*database);
  });
}

// argv as views. Up to 16 need no allocation.
class Arguments {
 public:
  Arguments(size_t argc, const char* const* argv, const size_t* lengths) : size_(argc) {
    if (argc > 0 && argv == nullptr) return;
    too_many_ = argc > PTRDIFF_MAX / sizeof(std::string_view);  // a -1 that became a size_t
    if (too_many_) return;
    if (argc > kInline) heap_.resize(argc);
    std::string_view* to = argc > kInline ? heap_.data() : inline_;
    for (size_t i = 0; i < argc; ++i) {
      if (argv[i] == nullptr && (lengths == nullptr || lengths[i] != 0)) return;
      to[i] = lengths != nullptr ? std::string_view(argv[i], lengths[i]) : std::string_view(argv[i]);
    }
    data_ = to;
  }
  absl::Status status() const {
    if (too_many_) return absl::InvalidArgumentError("argc is more than an array can have");
    return data_ != nullptr ? absl::OkStatus() : absl::InvalidArgumentError("argv, or an argument in it, is NULL");
  }
  std::span<const std::string_view> span() const { return {data_, size_}; }

 private:
  static constexpr size_t kInline = 16;
  size_t size_;
  bool too_many_ = false;
  std::string_view inline_[kInline];
  std::vector<std::string_view> heap_;
  const std::string_view* data_ = nullptr;
};

}  // namespace larder_c

#endif  // LARDER_BINDINGS_C_INTERNAL_H_
