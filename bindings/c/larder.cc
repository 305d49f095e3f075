// The C ABI over the C++ API. Every function that may throw (an allocation of this file's own, or one in a caller's
// container) runs inside Guard, which turns whatever comes into a status.
#include "larder.h"

#include <larder/cache.h>
#include <larder/net/listener.h>
#include <larder/version.h>

#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

struct larder_options {
  larder::Options options;
};
struct larder_cache {
  std::unique_ptr<larder::Cache> cache;
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
struct larder_listener {
  std::unique_ptr<larder::Listener> listener;
};

namespace {

static_assert(sizeof(larder::ReplyView) == sizeof(larder_value));
static_assert(std::is_trivially_copyable_v<larder::ReplyView>);
static_assert(static_cast<int>(LARDER_TYPE_PUSH) == static_cast<int>(larder::ReplyView::Type::kPush));
static_assert(static_cast<int>(LARDER_TYPE_ARRAY) == static_cast<int>(larder::ReplyView::Type::kArray));
static_assert(static_cast<int>(LARDER_UNAVAILABLE) == static_cast<int>(absl::StatusCode::kUnavailable));
static_assert(static_cast<int>(LARDER_LOG_WARNING) == static_cast<int>(larder::LogLevel::kWarning));

larder_status Fail(larder_status status, std::string_view message, larder_error* error) {
  if (error == nullptr) return status;
  error->status = status;
  const size_t size = message.size() < sizeof(error->message) - 1 ? message.size() : sizeof(error->message) - 1;
  std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return status;
}

larder_status Report(const absl::Status& status, larder_error* error) {
  if (status.ok()) return LARDER_OK;
  const int code = static_cast<int>(status.code());
  const bool known = code >= LARDER_CANCELLED && code <= LARDER_UNAVAILABLE;
  const auto message = status.message();
  return Fail(known ? static_cast<larder_status>(code) : LARDER_UNKNOWN, {message.data(), message.size()}, error);
}

// Runs body() -> absl::Status.
template <class F>
larder_status Guard(larder_error* error, F&& body) {
  try {
    return Report(body(), error);
  } catch (const std::bad_alloc&) {
    return Fail(LARDER_RESOURCE_EXHAUSTED, "there is no memory for the call", error);
  } catch (...) {
    return Fail(LARDER_INTERNAL, "an exception came out of the library", error);
  }
}

larder::ReplyView ViewOf(larder_value value) {
  larder::ReplyView view;
  std::memcpy(static_cast<void*>(&view), &value, sizeof(view));
  return view;
}

larder_value ValueOf(const larder::ReplyView& view) {
  larder_value value;
  std::memcpy(&value, &view, sizeof(value));
  return value;
}

// argv as views; up to 16 without an allocation.
class Arguments {
 public:
  Arguments(size_t argc, const char* const* argv, const size_t* lengths) : size_(argc) {
    if (argc > kInline) heap_.resize(argc);
    std::string_view* to = argc > kInline ? heap_.data() : inline_;
    for (size_t i = 0; i < argc; ++i) {
      to[i] = lengths != nullptr ? std::string_view(argv[i], lengths[i]) : std::string_view(argv[i]);
    }
    data_ = to;
  }
  std::span<const std::string_view> span() const { return {data_, size_}; }

 private:
  static constexpr size_t kInline = 16;
  size_t size_;
  std::string_view inline_[kInline];
  std::vector<std::string_view> heap_;
  const std::string_view* data_;
};

absl::Status HandOut(absl::StatusOr<larder::Reply> reply, larder_reply** to) {
  if (!reply.ok()) return reply.status();
  *to = new larder_reply{*std::move(reply)};
  return absl::OkStatus();
}

larder_status StartListener(larder_cache* cache, int port, bool own_thread, larder_listener** listener,
                            larder_error* error) {
  *listener = nullptr;
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_listener>();
    larder::ListenerOptions options;
    options.own_thread = own_thread;
    if (port == 0) {
      options.any_port = true;
    } else if (port > 0) {
      options.port = port;
    }
    auto started = larder::Listener::Start(*cache->cache, options);
    if (!started.ok()) return started.status();
    holder->listener = *std::move(started);
    *listener = holder.release();
    return absl::OkStatus();
  });
}

}  // namespace

extern "C" {

const char* larder_version(void) { return LARDER_VERSION; }

larder_status larder_options_new(larder_options** options, larder_error* error) {
  *options = nullptr;
  return Guard(error, [&] {
    *options = new larder_options();
    return absl::OkStatus();
  });
}

void larder_options_free(larder_options* options) { delete options; }

larder_status larder_options_text(larder_options* options, const char* text, size_t length, larder_error* error) {
  return Guard(error, [&] { return larder::ApplyConfigText(options->options, {text, length}, "options"); });
}

larder_status larder_options_arguments(larder_options* options, size_t argc, const char* const* argv,
                                       larder_error* error) {
  return Guard(error, [&] {
    return larder::ApplyArguments(options->options, Arguments(argc, argv, nullptr).span());
  });
}

void larder_options_background(larder_options* options, larder_background background) {
  options->options.background = background == LARDER_BACKGROUND_LOOP   ? larder::Background::kLoop
                                : background == LARDER_BACKGROUND_TICK ? larder::Background::kTick
                                                                       : larder::Background::kThread;
}

void larder_options_seed(larder_options* options, uint64_t seed) { options->options.seed = seed; }

void larder_options_log(larder_options* options, larder_log_fn log, void* arg) {
  if (log == nullptr) {
    options->options.log = nullptr;
    return;
  }
  // Two pointers fit inside std::function, so this cannot throw.
  options->options.log = [log, arg](larder::LogLevel level, std::string_view line) {
    log(arg, static_cast<larder_log_level>(level), line.data(), line.size());
  };
}

void larder_options_on_shutdown(larder_options* options, larder_shutdown_fn on_shutdown, void* arg) {
  if (on_shutdown == nullptr) {
    options->options.on_shutdown = nullptr;
    return;
  }
  options->options.on_shutdown = [on_shutdown, arg](const larder::ShutdownRequest&) {
    return on_shutdown(arg) == 0 ? absl::OkStatus()
                                 : absl::FailedPreconditionError("the program refuses to shut down");
  };
}

larder_status larder_open(const larder_options* options, larder_cache** cache, larder_error* error) {
  *cache = nullptr;
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_cache>();
    auto opened = larder::Cache::Open(options != nullptr ? options->options : larder::Options());
    if (!opened.ok()) return opened.status();
    holder->cache = *std::move(opened);
    *cache = holder.release();
    return absl::OkStatus();
  });
}

larder_status larder_close(larder_cache* cache, int64_t timeout_ms, larder_error* error) {
  return Guard(error, [&] {
    return cache->cache->Close(timeout_ms < 0 ? absl::InfiniteFuture()
                                              : absl::Now() + absl::Milliseconds(timeout_ms));
  });
}

void larder_free(larder_cache* cache) { delete cache; }

larder_status larder_tick(larder_cache* cache, int64_t budget_ms, int64_t* next_ms, larder_error* error) {
  if (next_ms != nullptr) *next_ms = -1;
  return Guard(error, [&]() -> absl::Status {
    const absl::Time now = absl::Now();
    auto next = cache->cache->Tick(now + absl::Milliseconds(budget_ms < 0 ? 0 : budget_ms));
    if (!next.ok()) return next.status();
    if (next_ms != nullptr && *next != absl::InfiniteFuture()) {
      const int64_t wait_ms = absl::ToInt64Milliseconds(*next - absl::Now());
      *next_ms = wait_ms < 0 ? 0 : wait_ms;
    }
    return absl::OkStatus();
  });
}

larder_status larder_execute(larder_cache* cache, int db, size_t argc, const char* const* argv, const size_t* lengths,
                             larder_reply** reply, larder_error* error) {
  *reply = nullptr;
  return Guard(error, [&]() -> absl::Status {
    const Arguments arguments(argc, argv, lengths);
    if (db == 0) return HandOut(cache->cache->Execute(arguments.span()), reply);
    auto database = cache->cache->Db(db);
    if (!database.ok()) return database.status();
    return HandOut(database->Execute(arguments.span()), reply);
  });
}

larder_status larder_execute_async(larder_cache* cache, size_t argc, const char* const* argv, const size_t* lengths,
                                   larder_done_fn done, void* arg, larder_error* error) {
  if (done == nullptr) return Fail(LARDER_INVALID_ARGUMENT, "there is no function to hand the reply to", error);
  return Guard(error, [&] {
    return cache->cache->ExecuteAsync(
        Arguments(argc, argv, lengths).span(), [done, arg](absl::StatusOr<larder::Reply> result) {
          larder_reply* reply = nullptr;
          const larder_status status = Guard(nullptr, [&] { return HandOut(std::move(result), &reply); });
          done(arg, status, reply);
        });
  });
}

larder_status larder_session_new(larder_cache* cache, larder_session** session, larder_error* error) {
  *session = nullptr;
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_session>();
    auto made = cache->cache->NewSession();
    if (!made.ok()) return made.status();
    holder->session = *std::move(made);
    *session = holder.release();
    return absl::OkStatus();
  });
}

larder_status larder_session_execute(larder_session* session, size_t argc, const char* const* argv,
                                     const size_t* lengths, larder_reply** reply, larder_error* error) {
  *reply = nullptr;
  return Guard(error,
               [&] { return HandOut(session->session->Execute(Arguments(argc, argv, lengths).span()), reply); });
}

void larder_session_free(larder_session* session) { delete session; }

larder_value larder_root(const larder_reply* reply) { return ValueOf(reply->reply); }
void larder_reply_free(larder_reply* reply) { delete reply; }

larder_type_t larder_type(larder_value value) { return static_cast<larder_type_t>(ViewOf(value).type()); }

const char* larder_string(larder_value value, size_t* length) {
  const std::string_view text = ViewOf(value).string_view();
  *length = text.size();
  return text.data() != nullptr ? text.data() : "";
}

int64_t larder_integer(larder_value value) { return ViewOf(value).integer(); }
double larder_double(larder_value value) { return ViewOf(value).number(); }
size_t larder_size(larder_value value) { return ViewOf(value).size(); }
larder_value larder_element(larder_value value, size_t i) { return ValueOf(ViewOf(value)[i]); }

larder_status larder_connection_new(larder_cache* cache, larder_connection** connection, larder_error* error) {
  *connection = nullptr;
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_connection>();
    auto made = cache->cache->NewConnection();
    if (!made.ok()) return made.status();
    holder->connection = *std::move(made);
    *connection = holder.release();
    return absl::OkStatus();
  });
}

void larder_connection_free(larder_connection* connection) { delete connection; }

larder_status larder_connection_feed(larder_connection* connection, const char* bytes, size_t length,
                                     larder_error* error) {
  return Guard(error, [&] { return connection->connection->Feed({bytes, length}); });
}

const char* larder_connection_output(larder_connection* connection, size_t* length) {
  const std::string_view output = connection->connection->output();
  *length = output.size();
  return output.data() != nullptr ? output.data() : "";
}

void larder_connection_consume(larder_connection* connection, size_t n) { connection->connection->ConsumeOutput(n); }

int larder_connection_closed(const larder_connection* connection) { return connection->connection->closed() ? 1 : 0; }

larder_status larder_listener_start(larder_cache* cache, int port, larder_listener** listener, larder_error* error) {
  return StartListener(cache, port, /*own_thread=*/true, listener, error);
}

int larder_listener_port(const larder_listener* listener) { return listener->listener->port(); }
void larder_listener_free(larder_listener* listener) { delete listener; }

larder_status larder_listener_start_in_loop(larder_cache* cache, int port, larder_listener** listener,
                                            larder_error* error) {
  return StartListener(cache, port, /*own_thread=*/false, listener, error);
}

int larder_listener_backend_fd(larder_listener* listener) { return listener->listener->BackendFd(); }
int larder_listener_poll(larder_listener* listener, int64_t timeout_ms) {
  return listener->listener->Poll(timeout_ms);
}
int64_t larder_listener_next_delay_ms(larder_listener* listener) { return listener->listener->NextDelayMs(); }

}  // extern "C"
