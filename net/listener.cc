#include <larder/net/listener.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/bytes.h"
#include "lib/session/core.h"
#include "net/ae/ae.h"
#include "net/cache_service.h"
#include "net/io_backend.h"
#include "net/server.h"
#include "net/socket.h"

namespace larder::inline v0 {
namespace {

// How long the loop's background work runs at a time, and how often it looks at a clock that is not the machine's.
constexpr int64_t kBackgroundUs = 1000;
constexpr int64_t kLookMs = 100;

// The cache's clock, if a program gave it one of its own, made never to go back. A loop cannot tell how fast that runs,
// so the listener keeps its timers short.
class CacheClock final : public ae::Clock {
 public:
  explicit CacheClock(larder::Clock& clock) : clock_(clock) {}
  int64_t NowUs() override {
    const int64_t now_us = clock_.NowUs();
    ahead_us_ += std::max<int64_t>(last_us_ - now_us, 0);
    last_us_ = now_us;
    return now_us + ahead_us_;
  }
  bool Manual() const override { return false; }

 private:
  larder::Clock& clock_;
  int64_t last_us_ = INT64_MIN / 2;
  int64_t ahead_us_ = 0;
};

std::string_view ApiName(AeApi api) {
  switch (api) {
    case AeApi::kEpoll:
      return "epoll";
    case AeApi::kSelect:
      return "select";
    case AeApi::kAuto:
      break;
  }
  return "";
}

struct Where {
  std::vector<std::string> bind;
  int port = 0;
  bool tcp = false;
  std::string unixsocket;
  uint32_t unixsocketperm = 0;
  int backlog = 511;
  AeApi api = AeApi::kAuto;
  bool own_clock = false;  // the program's, not the machine's
  bool follows = false;    // CONFIG SET port and bind
};

absl::StatusOr<Where> Resolve(session::CacheCore& core, const ListenerOptions& options) {
  Where where;
  bool any_port = options.any_port;
  absl::Status status = core.Run([&] {
    const Options& cache_options = core.engine().options();
    where.bind = cache_options.bind;
    where.port = cache_options.port;
    any_port |= cache_options.any_port && !options.port.has_value();
    where.unixsocket = cache_options.unixsocket;
    where.unixsocketperm = cache_options.unixsocketperm;
    where.backlog = cache_options.tcp_backlog;
    where.api = cache_options.ae_api;
    where.own_clock = cache_options.clock != nullptr;
  });
  if (!status.ok()) return status;
  where.follows = !options.bind.has_value() && !options.port.has_value() && !options.any_port;
  if (options.bind.has_value()) where.bind = *options.bind;
  if (options.port.has_value()) where.port = *options.port;
  if (options.unixsocket.has_value()) where.unixsocket = *options.unixsocket;
  if (options.unixsocketperm.has_value()) where.unixsocketperm = *options.unixsocketperm;
  if (where.port < 0 || where.port > 65535) return absl::InvalidArgumentError("port must be between 0 and 65535");
  where.tcp = (any_port || where.port != 0) && !where.bind.empty();
  if (any_port) where.port = 0;
  if (!where.tcp && where.unixsocket.empty()) {
    return absl::InvalidArgumentError("nothing to listen on: there is neither a port nor a unixsocket");
  }
  return where;
}

}  // namespace

class Listener::Impl final : public session::ListenerHook {
 public:
  explicit Impl(session::CacheCore& core) : core_(core), clock_(core.clock()) {}
  ~Impl() { Stop(); }

  absl::Status Start(const Where& where, bool own_thread);
  void Stop();

  // ListenerHook.
  void StopForClose() override { Stop(); }
  void WakeForBackground() override {
    background_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  absl::Status Relisten(const Options& changed) override;
  std::string_view poller_name() const override { return poller_; }
  int tcp_port() const override { return port_.load(std::memory_order_relaxed); }

  ae::EventLoop& loop() { return *loop_; }
  std::vector<std::string> addresses() const {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    return addresses_;
  }

 private:
  absl::Status Open(const Where& where);
  void Describe(const std::vector<net::ListeningSocket>& sockets);
  void TakeSockets();
  absl::Status StartThread();
  void RunBackground();
  static int64_t OnBackground(ae::EventLoop& loop, int64_t id, void* data);
  static void* ThreadMain(void* arg);

  session::CacheCore& core_;
  CacheClock clock_;
  bool own_clock_ = false;
  std::unique_ptr<ae::EventLoop> loop_;
  net::SystemCallBackend backend_;
  std::optional<net::CacheService> service_;
  std::optional<net::Server> server_;
  ae::Hook background_hook_;
  int64_t background_event_ = 0;
  std::atomic<bool> background_{false};

  std::mutex stop_mutex_;
  bool serving_ = false;
  bool has_thread_ = false;
  pthread_t thread_;

  std::string_view poller_;
  std::atomic<int> port_{0};

  // Where it listens. Relisten opens sockets on any thread, and the loop takes them over in its next turn.
  ae::Hook sockets_hook_;
  mutable std::mutex sockets_mutex_;
  Where where_;
  std::vector<std::string> addresses_;
  std::vector<int> tcp_fds_;  // open at least until the loop has taken new ones
  std::vector<net::ListeningSocket> new_sockets_;
  std::atomic<bool> has_new_sockets_{false};
};

absl::Status Listener::Impl::Start(const Where& where, bool own_thread) {
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  if (absl::Status status = Open(where); !status.ok()) return status;
  serving_ = true;
  if (core_.background() == Background::kLoop) {
    background_hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Impl*>(data)->RunBackground(); };
    background_hook_.data = this;
    loop_->after_events().Add(background_hook_);
    background_.store(true, std::memory_order_relaxed);  // there may be work from before
    loop_->WakeUp();
  }
  sockets_hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Impl*>(data)->TakeSockets(); };
  sockets_hook_.data = this;
  loop_->after_events().Add(sockets_hook_);
  return own_thread ? StartThread() : absl::OkStatus();
}

absl::Status Listener::Impl::Open(const Where& where) {
  ae::LoopOptions loop_options;
  loop_options.api = ApiName(where.api);
  own_clock_ = where.own_clock;
  loop_options.clock = own_clock_ ? &clock_ : nullptr;
  absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create(loop_options);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  poller_ = loop_->ApiName();

  std::vector<net::ListeningSocket> sockets;
  if (where.tcp) {
    absl::StatusOr<std::vector<net::ListeningSocket>> tcp = net::ListenTcp(where.bind, where.port, where.backlog);
    if (!tcp.ok()) return tcp.status();
    sockets = *std::move(tcp);
  }
  if (!where.unixsocket.empty()) {
    absl::StatusOr<net::ListeningSocket> socket =
        net::ListenUnix(where.unixsocket, where.unixsocketperm, where.backlog);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  if (sockets.empty()) return absl::UnavailableError("none of the addresses to bind exists on this machine");
  where_ = where;
  Describe(sockets);

  service_.emplace(core_, *loop_);
  server_.emplace(*loop_, backend_, *service_);
  absl::Status status = server_->Start(std::move(sockets));
  return status.ok() ? service_->Prepare() : status;
}

// REQUIRES: sockets_mutex_ is held, or nobody else knows the listener yet.
void Listener::Impl::Describe(const std::vector<net::ListeningSocket>& sockets) {
  addresses_.clear();
  tcp_fds_.clear();
  for (const net::ListeningSocket& socket : sockets) {
    addresses_.push_back(socket.name);
    if (!socket.unix_socket) tcp_fds_.push_back(socket.fd.get());
  }
  port_.store(tcp_fds_.empty() ? 0 : sockets[0].port, std::memory_order_relaxed);
}

absl::Status Listener::Impl::Relisten(const Options& changed) {
  if (!where_.follows) return absl::OkStatus();
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  std::vector<net::ListeningSocket> sockets;
  if (changed.port != 0 && !changed.bind.empty()) {
    absl::StatusOr<std::vector<net::ListeningSocket>> opened =
        net::ListenTcp(changed.bind, changed.port, where_.backlog);
    if (opened.status().code() == absl::StatusCode::kAlreadyExists && changed.port == tcp_port()) {
      // Most likely our own sockets are in the way: "*" and one address cannot share a port. Shut down they free it,
      // and stay valid descriptors, which the loop is still watching.
      for (int fd : tcp_fds_) shutdown(fd, SHUT_RDWR);
      opened = net::ListenTcp(changed.bind, changed.port, where_.backlog);
      if (!opened.ok()) {
        absl::StatusOr<std::vector<net::ListeningSocket>> restored =
            net::ListenTcp(where_.bind, tcp_port(), where_.backlog);
        if (restored.ok()) new_sockets_ = *std::move(restored);
        tcp_fds_.clear();
        for (const net::ListeningSocket& socket : new_sockets_) tcp_fds_.push_back(socket.fd.get());
        has_new_sockets_.store(true, std::memory_order_release);
        loop_->WakeUp();
      }
    }
    if (!opened.ok()) {
      core_.Log(LogLevel::kWarning, absl::StrCat("Warning: Could not create server TCP listening socket ",
                                                 opened.status().message()));
      return opened.status();
    }
    sockets = *std::move(opened);
  }
  Describe(sockets);
  if (!where_.unixsocket.empty()) addresses_.push_back(where_.unixsocket);
  where_.bind = changed.bind;
  new_sockets_ = std::move(sockets);
  has_new_sockets_.store(true, std::memory_order_release);
  loop_->WakeUp();
  return absl::OkStatus();
}

void Listener::Impl::TakeSockets() {
  if (!has_new_sockets_.load(std::memory_order_acquire)) return;
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  has_new_sockets_.store(false, std::memory_order_relaxed);
  server_->ReplaceTcp(false, std::exchange(new_sockets_, {}));
}

absl::Status Listener::Impl::StartThread() {
  // The new thread inherits the mask, so that no signal of the host's ever runs on it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, ThreadMain, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return absl::ResourceExhaustedError("no thread could be started for the listener");
  has_thread_ = true;
  return absl::OkStatus();
}

void* Listener::Impl::ThreadMain(void* arg) {
  Impl& self = *static_cast<Impl*>(arg);
#ifdef __linux__
  pthread_setname_np(pthread_self(), "larder-listener");
#endif
  if (absl::Status status = self.loop_->Run(); !status.ok()) {
    self.core_.Log(LogLevel::kWarning, absl::StrCat("The listener has stopped: ", status.message()));
  }
  return nullptr;
}

void Listener::Impl::Stop() {
  core_.RemoveListener(this);
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  if (std::exchange(has_thread_, false)) {
    loop_->Stop();
    pthread_join(thread_, nullptr);
  }
  if (!std::exchange(serving_, false)) return;
  if (background_hook_.proc != nullptr) {
    loop_->after_events().Remove(background_hook_);
    if (background_event_ != 0) loop_->DeleteTimeEvent(background_event_);
  }
  loop_->after_events().Remove(sockets_hook_);
  // The loop stays: a host may still be polling it, and finds nothing.
  server_.reset();
  service_.reset();
}

// Background::kLoop: active expiry and callbacks, when they are due.
void Listener::Impl::RunBackground() {
  if (!background_.exchange(false, std::memory_order_acq_rel)) return;
  if (background_event_ != 0) loop_->DeleteTimeEvent(std::exchange(background_event_, 0));
  const int64_t next_us = core_.BackgroundStep(core_.clock().NowUs() + kBackgroundUs);
  if (next_us == INT64_MAX) return;
  int64_t delay_ms = std::max<int64_t>((next_us - core_.clock().NowUs() + 999) / 1000, 0);
  if (own_clock_) delay_ms = std::min(delay_ms, kLookMs);
  absl::StatusOr<int64_t> id = loop_->CreateTimeEvent(delay_ms, OnBackground, this);
  if (id.ok()) {
    background_event_ = *id;
  } else {
    background_.store(true, std::memory_order_relaxed);  // after the next event, whatever it is
  }
}

int64_t Listener::Impl::OnBackground(ae::EventLoop& /*loop*/, int64_t /*id*/, void* data) {
  Impl& self = *static_cast<Impl*>(data);
  self.background_event_ = 0;
  self.background_.store(true, std::memory_order_relaxed);  // this turn's hook does it
  return ae::kNoMore;
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(Cache& cache, const ListenerOptions& options) {
  session::CacheCore& core = cache.core();
  absl::StatusOr<Where> where = Resolve(core, options);
  if (!where.ok()) return where.status();
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return absl::ResourceExhaustedError("out of memory for a listener");
  if (absl::Status status = impl->Start(*where, options.own_thread); !status.ok()) return status;
  Impl* const hook = impl.get();
  std::unique_ptr<Listener> listener(new (std::nothrow) Listener(std::move(impl)));
  if (listener == nullptr) return absl::ResourceExhaustedError("out of memory for a listener");
  if (!core.AddListener(hook)) return absl::CancelledError("the cache is closed");
  return listener;
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
void Listener::Stop() { impl_->Stop(); }
int Listener::port() const { return impl_->tcp_port(); }
std::vector<std::string> Listener::addresses() const { return impl_->addresses(); }
std::string_view Listener::poller() const { return impl_->poller_name(); }
int Listener::Poll(int64_t timeout_ms) { return impl_->loop().Poll(timeout_ms); }
absl::Status Listener::Run() { return impl_->loop().Run(); }
void Listener::EndRun() { impl_->loop().Stop(); }
int Listener::BackendFd() { return impl_->loop().BackendFd(); }
int64_t Listener::NextDelayMs() { return impl_->loop().NextDelayMs(); }

}  // namespace larder::inline v0
