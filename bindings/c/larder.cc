// The C ABI: cache, commands, sessions, replies, connections, listener.
#include <larder/version.h>

#include "bindings/c/internal.h"

namespace {

using larder_c::Arguments;
using larder_c::Guard;
using larder_c::InDatabase;
using larder_c::NullArgument;
using larder_c::Report;

static_assert(sizeof(larder::ReplyView) == sizeof(larder_value));
static_assert(std::is_trivially_copyable_v<larder::ReplyView>);
static_assert(static_cast<int>(LARDER_TYPE_PUSH) == static_cast<int>(larder::ReplyView::Type::kPush));
static_assert(static_cast<int>(LARDER_TYPE_ARRAY) == static_cast<int>(larder::ReplyView::Type::kArray));
static_assert(static_cast<int>(LARDER_CANCELLED) == static_cast<int>(absl::StatusCode::kCancelled));
static_assert(static_cast<int>(LARDER_DATA_LOSS) == static_cast<int>(absl::StatusCode::kDataLoss));
static_assert(static_cast<int>(LARDER_UNAUTHENTICATED) == static_cast<int>(absl::StatusCode::kUnauthenticated));

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

// Runs execute(argv) -> absl::StatusOr<larder::Reply>. The reply goes to *to, or nowhere if `to` is NULL.
template <class F>
absl::Status Execute(size_t argc, const char* const* argv, const size_t* lengths, larder_reply** to, F&& execute) {
  const Arguments arguments(argc, argv, lengths);
  if (absl::Status status = arguments.status(); !status.ok()) return status;
  std::unique_ptr<larder_reply> holder;
  if (to != nullptr) holder = std::make_unique<larder_reply>();
  absl::StatusOr<larder::Reply> reply = execute(arguments.span());
  if (!reply.ok()) return reply.status();
  if (to == nullptr) return absl::OkStatus();
  holder->reply = *std::move(reply);
  *to = holder.release();
  return absl::OkStatus();
}

larder_status StartListener(larder_cache* cache, int port, const larder_listener_options* given, bool own_thread,
                            larder_listener** listener, larder_error* error) {
  LARDER_NEED(listener);
  *listener = nullptr;
  LARDER_NEED(cache);
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_listener>();
    larder::ListenerOptions options = given != nullptr ? given->options : larder::ListenerOptions();
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

int larder_abi(void) { return LARDER_ABI; }
const char* larder_version(void) { return LARDER_VERSION; }

// --- The cache. ---

larder_status larder_open(const larder_options* options, larder_cache** cache, larder_error* error) {
  LARDER_NEED(cache);
  *cache = nullptr;
  return Guard(error, [&]() -> absl::Status {
    auto holder = std::make_unique<larder_cache>();
    larder::Options own = options != nullptr ? options->options : larder::Options();
    if (own.clock == nullptr) own.clock = larder::RealClock();  // for the deadlines of larder_close and larder_tick
    if (own.clock == nullptr) return absl::ResourceExhaustedError("there is no memory for a clock");
    holder->clock = own.clock;
    auto opened = larder::Cache::Open(own);
    if (!opened.ok()) return opened.status();
    holder->cache = *std::move(opened);
    *cache = holder.release();
    return absl::OkStatus();
  });
}

larder_status larder_close(larder_cache* cache, int64_t timeout_ms, larder_error* error) {
  LARDER_NEED(cache);
  return Guard(error, [&] {
    const absl::Time now = absl::FromUnixMicros(cache->clock->NowUs());
    return cache->cache->Close(timeout_ms < 0 ? absl::InfiniteFuture() : now + absl::Milliseconds(timeout_ms));
  });
}

void larder_free(larder_cache* cache) { delete cache; }

larder_status larder_tick(larder_cache* cache, int64_t budget_ms, int64_t* next_ms, larder_error* error) {
  if (next_ms != nullptr) *next_ms = -1;
  LARDER_NEED(cache);
  return Guard(error, [&]() -> absl::Status {
    const absl::Time now = absl::FromUnixMicros(cache->clock->NowUs());
    auto next = cache->cache->Tick(now + absl::Milliseconds(budget_ms < 0 ? 0 : budget_ms));
    if (!next.ok()) return next.status();
    if (next_ms != nullptr && *next != absl::InfiniteFuture()) {
      const absl::Duration wait = *next - absl::FromUnixMicros(cache->clock->NowUs());
      *next_ms = std::max<int64_t>(0, absl::ToInt64Milliseconds(wait));
    }
    return absl::OkStatus();
  });
}

// --- Commands. ---

larder_status larder_execute(larder_cache* cache, int db, size_t argc, const char* const* argv, const size_t* lengths,
                             larder_reply** reply, larder_error* error) {
  if (reply != nullptr) *reply = nullptr;
  return InDatabase(cache, db, error, [&](const larder::Database& database) {
    return Execute(argc, argv, lengths, reply,
                   [&](std::span<const std::string_view> words) { return database.Execute(words); });
  });
}

larder_status larder_execute_batch(larder_cache* cache, int db, size_t count, const size_t* argcs,
                                   const char* const* argv, const size_t* lengths, larder_reply** replies,
                                   larder_error* error) {
  for (size_t i = 0; replies != nullptr && i < count; ++i) replies[i] = nullptr;
  LARDER_NEED_BYTES(argcs, count);
  return InDatabase(cache, db, error, [&](const larder::Database& database) {
    absl::Status status;
    size_t at = 0;
    for (size_t i = 0; i < count && status.ok(); ++i) {
      status = Execute(argcs[i], argv != nullptr ? argv + at : nullptr, lengths != nullptr ? lengths + at : nullptr,
                       replies != nullptr ? &replies[i] : nullptr,
                       [&](std::span<const std::string_view> words) { return database.Execute(words); });
      at += argcs[i];
    }
    return status;
  });
}

larder_status larder_execute_async(larder_cache* cache, int db, size_t argc, const char* const* argv,
                                   const size_t* lengths, larder_done_fn done, void* arg, larder_error* error) {
  LARDER_NEED(done);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const Arguments arguments(argc, argv, lengths);
    if (absl::Status status = arguments.status(); !status.ok()) return status;
    auto holder = std::make_shared<std::unique_ptr<larder_reply>>(std::make_unique<larder_reply>());
    return database.ExecuteAsync(arguments.span(), [done, arg, holder](absl::StatusOr<larder::Reply> result) {
      if (result.ok()) {
        (*holder)->reply = *std::move(result);
        done(arg, holder->release(), nullptr);
      } else {
        larder_error failed;
        (void)Report(result.status(), &failed);
        done(arg, nullptr, &failed);
      }
    });
  });
}

larder_status larder_session_new(larder_cache* cache, larder_session** session, larder_error* error) {
  LARDER_NEED(session);
  *session = nullptr;
  LARDER_NEED(cache);
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
  if (reply != nullptr) *reply = nullptr;
  LARDER_NEED(session);
  return Guard(error, [&] {
    return Execute(argc, argv, lengths, reply,
                   [&](std::span<const std::string_view> words) { return session->session->Execute(words); });
  });
}

void larder_session_free(larder_session* session) { delete session; }

// --- Replies. ---

larder_value larder_root(const larder_reply* reply) {
  return ValueOf(reply != nullptr ? static_cast<const larder::ReplyView&>(reply->reply) : larder::ReplyView());
}
void larder_reply_free(larder_reply* reply) { delete reply; }

larder_reply_type larder_type(larder_value value) { return static_cast<larder_reply_type>(ViewOf(value).type()); }

const char* larder_string(larder_value value, size_t* length) {
  const std::string_view text = ViewOf(value).string_view();
  if (length != nullptr) *length = text.size();
  return text.data() != nullptr ? text.data() : "";
}

int64_t larder_integer(larder_value value) { return ViewOf(value).integer(); }
double larder_double(larder_value value) { return ViewOf(value).number(); }
size_t larder_size(larder_value value) { return ViewOf(value).size(); }
larder_value larder_element(larder_value value, size_t i) { return ValueOf(ViewOf(value)[i]); }

// --- Connections. ---

larder_status larder_connection_new(larder_cache* cache, larder_connection** connection, larder_error* error) {
  LARDER_NEED(connection);
  *connection = nullptr;
  LARDER_NEED(cache);
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
  LARDER_NEED(connection);
  LARDER_NEED_BYTES(bytes, length);
  return Guard(error, [&] { return connection->connection->Feed({bytes, length}); });
}

const char* larder_connection_output(larder_connection* connection, size_t* length) {
  const std::string_view output = connection != nullptr ? connection->connection->output() : std::string_view();
  if (length != nullptr) *length = output.size();
  return output.data() != nullptr ? output.data() : "";
}

void larder_connection_consume(larder_connection* connection, size_t n) {
  if (connection != nullptr) connection->connection->ConsumeOutput(n);
}

larder_status larder_connection_on_output(larder_connection* connection, larder_output_fn on_output, void* arg,
                                          larder_error* error) {
  LARDER_NEED(connection);
  return Guard(error, [&] {
    std::function<void()> call;
    if (on_output != nullptr) call = [on_output, arg] { on_output(arg); };
    connection->connection->OnOutput(std::move(call));
    return absl::OkStatus();
  });
}

int larder_connection_closed(const larder_connection* connection) {
  return connection == nullptr || connection->connection->closed() ? 1 : 0;
}

// --- The listener. ---

larder_status larder_listener_start(larder_cache* cache, int port, const larder_listener_options* options,
                                    larder_listener** listener, larder_error* error) {
  return StartListener(cache, port, options, /*own_thread=*/true, listener, error);
}

int larder_listener_port(const larder_listener* listener) {
  return listener != nullptr ? listener->listener->port() : 0;
}
void larder_listener_free(larder_listener* listener) { delete listener; }

larder_status larder_listener_start_in_loop(larder_cache* cache, int port, const larder_listener_options* options,
                                            larder_listener** listener, larder_error* error) {
  return StartListener(cache, port, options, /*own_thread=*/false, listener, error);
}

int larder_listener_backend_fd(larder_listener* listener) {
  return listener != nullptr ? listener->listener->BackendFd() : -1;
}
int larder_listener_poll(larder_listener* listener, int64_t timeout_ms) {
  return listener != nullptr ? listener->listener->Poll(timeout_ms) : 0;
}
int64_t larder_listener_next_delay_ms(larder_listener* listener) {
  return listener != nullptr ? listener->listener->NextDelayMs() : -1;
}

}  // extern "C"
