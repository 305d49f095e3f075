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
#include "lib/commands/client_policy.h"
#include "lib/session/core.h"
#include "net/ae/ae.h"
#include "net/cache_service.h"
#include "net/channel.h"
#include "net/io_backend.h"
#include "net/io_uring.h"
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
    case AeApi::kKqueue:
      return "kqueue";
    case AeApi::kEvport:
      return "evport";
    case AeApi::kPoll:
      return "poll";
    case AeApi::kSelect:
      return "select";
    case AeApi::kIoUring:
      return "io_uring";
    case AeApi::kAuto:
      break;
  }
  return "";
}

constexpr absl::string_view kNoTls =
    "this program has no TLS: its listener was started without ListenerOptions::tls (//net:tls)";

// One of the two kinds of TCP: plain and TLS.
struct WhereTcp {
  bool on = false;
  int port = 0;       // 0: any
  int directive = 0;  // the option, for a listener that follows it
  bool follows = false;
};

struct Where {
  std::vector<std::string> bind;
  WhereTcp tcp[2];  // plain, TLS
  const TlsProvider* tls = nullptr;
  std::shared_ptr<net::ChannelFactory> channels;
  std::string unixsocket;
  uint32_t unixsocketperm = 0;
  bool takes_unixsocket = false;
  int backlog = 511;
  AeApi api = AeApi::kAuto;
  const IoUring* io_uring = nullptr;
  bool own_clock = false;  // the program's, not the machine's
};

absl::Status TlsError(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("Failed to configure TLS: ", status.message()));
}

WhereTcp ResolveTcp(int directive, const std::optional<int>& own, bool any, bool own_bind) {
  WhereTcp tcp{.port = own.value_or(directive), .directive = directive};
  tcp.follows = !own_bind && !own.has_value() && !any;
  tcp.on = any || tcp.port != 0;
  if (any) tcp.port = 0;
  return tcp;
}

absl::StatusOr<Where> Resolve(session::CacheCore& core, const ListenerOptions& options) {
  Where where;
  absl::Status tls_status;
  absl::Status status = core.Run([&] {
    const Options& cache_options = core.engine().options();
    const bool own_bind = options.bind.has_value();
    where.bind = own_bind ? *options.bind : *cache_options.bind;
    where.tcp[0] = ResolveTcp(cache_options.port, options.port, options.any_port, own_bind);
    if (cache_options.any_port && !options.port.has_value()) {
      where.tcp[0].on = true;
      where.tcp[0].port = 0;
    }
    where.tcp[1] = ResolveTcp(cache_options.tls_port, options.tls_port, options.any_tls_port, own_bind);
    where.tls = options.tls;
    if (where.tcp[1].on && where.tls != nullptr) {
      absl::StatusOr<std::shared_ptr<net::ChannelFactory>> channels = where.tls->Configure(cache_options);
      if (channels.ok()) where.channels = *std::move(channels);
      tls_status = channels.status();
    }
    where.unixsocket = cache_options.unixsocket;
    where.unixsocketperm = cache_options.unixsocketperm;
    where.backlog = cache_options.tcp_backlog;
    where.api = cache_options.ae_api;
    where.own_clock = cache_options.clock != nullptr;
    where.takes_unixsocket = options.takes_unixsocket;
  });
  if (!status.ok()) return status;
  where.io_uring = options.io_uring;
  if (!tls_status.ok()) return TlsError(tls_status);
  if (options.unixsocket.has_value()) where.unixsocket = *options.unixsocket;
  if (options.unixsocketperm.has_value()) where.unixsocketperm = *options.unixsocketperm;
  for (WhereTcp& tcp : where.tcp) {
    if (tcp.port < 0 || tcp.port > 65535) return absl::InvalidArgumentError("port must be between 0 and 65535");
    tcp.on &= !where.bind.empty();
  }
  if (where.tcp[1].on && where.tls == nullptr) return absl::UnimplementedError(absl::StrCat("tls-port: ", kNoTls));
  if (!where.tcp[0].on && !where.tcp[1].on && where.unixsocket.empty()) {
    return absl::InvalidArgumentError("nothing to listen on: there is neither a port nor a unixsocket");
  }
  return where;
}

absl::StatusOr<std::vector<net::ListeningSocket>> ListenOn(bool tls, const std::vector<std::string>& bind, int port,
                                                           int backlog) {
  absl::StatusOr<std::vector<net::ListeningSocket>> sockets = net::ListenTcp(bind, port, backlog);
  if (sockets.ok()) {
    for (net::ListeningSocket& socket : *sockets) socket.tls = tls;
  }
  return sockets;
}

}  // namespace

class Listener::Impl final : public session::ListenerHook {
 public:
  explicit Impl(session::CacheCore& core) : core_(core), clock_(core.clock()) {}
  ~Impl() { Stop(); }

  absl::Status Start(const Where& where, std::unique_ptr<commands::ClientPolicy> policy, bool own_thread);
  void Stop();

  // ListenerHook.
  void StopForClose() override { Stop(); }
  void WakeForBackground() override {
    background_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  absl::Status Relisten(const Options& changed, bool tls, commands::ListenerPart* failed) override;
  uint32_t FittingClients(uint32_t wanted) const override { return net::FittingClients(wanted, reserved_descriptors_); }
  std::string_view poller_name() const override { return poller_; }
  int tcp_port() const override {
    const int plain = port(false);
    return plain != 0 ? plain : port(true);
  }

  int port(bool tls) const { return sides_[tls].port.load(std::memory_order_relaxed); }

  ae::EventLoop& loop() { return *loop_; }
  std::vector<std::string> addresses() const {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    std::vector<std::string> all;
    for (const Side& side : sides_) all.insert(all.end(), side.addresses.begin(), side.addresses.end());
    if (!where_.unixsocket.empty()) all.push_back(where_.unixsocket);
    return all;
  }

 private:
  // Where it listens on one kind of TCP.
  struct Side {
    std::atomic<int> port{0};
    std::vector<std::string> addresses;
    std::vector<int> fds;  // open at least until the loop has taken new ones
    std::vector<net::ListeningSocket> fresh;
    bool has_fresh = false;
  };
  // What Relisten has prepared for one.
  struct Move {
    bool moves = false;
    bool shut = false;  // the sockets that were in the way
    std::vector<net::ListeningSocket> sockets;
  };

  absl::Status Open(const Where& where);
  absl::Status FitClients();
  absl::Status PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move);
  void Restore(bool tls);
  void Describe(bool tls, const std::vector<net::ListeningSocket>& sockets);
  void PutFresh(bool tls, std::vector<net::ListeningSocket> sockets);
  void TakeSockets();
  absl::Status StartThread();
  void RunBackground();
  static int64_t OnBackground(ae::EventLoop& loop, int64_t id, void* data);
  static void* ThreadMain(void* arg);

  session::CacheCore& core_;
  CacheClock clock_;
  bool own_clock_ = false;
  std::unique_ptr<ae::EventLoop> loop_;
  net::SystemCallBackend system_calls_;
  std::unique_ptr<net::IoBackend> uring_backend_;  // if the loop's poller is io_uring
  std::unique_ptr<commands::ClientPolicy> policy_;
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
  uint32_t reserved_descriptors_ = 0;  // of the process's, not for clients; as Start found it

  // Where it listens. Relisten opens sockets on any thread, and the loop takes them over in its next turn.
  ae::Hook sockets_hook_;
  mutable std::mutex sockets_mutex_;
  Where where_;
  Side sides_[2];  // plain, TLS
  std::shared_ptr<net::ChannelFactory> fresh_channels_;
  std::atomic<bool> has_news_{false};  // of the above, for the loop
};

absl::Status Listener::Impl::Start(const Where& where, std::unique_ptr<commands::ClientPolicy> policy,
                                   bool own_thread) {
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  policy_ = std::move(policy);
  if (absl::Status status = Open(where); !status.ok()) return status;
  if (absl::Status status = FitClients(); !status.ok()) return status;
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
  if (where.io_uring != nullptr) loop_options.more_pollers = {&where.io_uring->poller, 1};
  own_clock_ = where.own_clock;
  loop_options.clock = own_clock_ ? &clock_ : nullptr;
  absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create(loop_options);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  poller_ = loop_->ApiName();
  if (!loop_->passed_over().empty()) {
    std::string_view reasons = loop_->passed_over();
    reasons.remove_suffix(1);
    core_.Log(LogLevel::kWarning, absl::StrCat("The kernel refuses an ae-api, using ", std::string(poller_),
                                               " instead: ", std::string(reasons)));
  }

  std::vector<net::ListeningSocket> sockets;
  for (bool tls : {false, true}) {
    const WhereTcp& wanted = where.tcp[tls];
    if (!wanted.on) continue;
    absl::StatusOr<std::vector<net::ListeningSocket>> tcp = ListenOn(tls, where.bind, wanted.port, where.backlog);
    if (!tcp.ok()) return tcp.status();
    Describe(tls, *tcp);
    for (net::ListeningSocket& socket : *tcp) sockets.push_back(std::move(socket));
  }
  if (!where.unixsocket.empty()) {
    absl::StatusOr<net::ListeningSocket> socket =
        net::ListenUnix(where.unixsocket, where.unixsocketperm, where.backlog, where.takes_unixsocket);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  const int backlog_max = net::BacklogMax();
  if (backlog_max != 0 && where.backlog > backlog_max) {
    core_.Log(LogLevel::kWarning, absl::StrCat("The backlog of ", where.backlog, " (tcp-backlog) is cut to ", backlog_max,
                                               ", which /proc/sys/net/core/somaxconn allows."));
  }
  if (sockets.empty()) return absl::UnavailableError("none of the addresses to bind exists on this machine");
  where_ = where;

  service_.emplace(core_, *loop_, policy_.get());
  if (where.io_uring != nullptr && poller_ == where.io_uring->poller.name) {
    uring_backend_ = where.io_uring->make_backend(loop_->poller());
    if (uring_backend_ == nullptr) return absl::ResourceExhaustedError("out of memory for an I/O backend");
  }
  net::IoBackend& backend = uring_backend_ != nullptr ? *uring_backend_ : system_calls_;
  server_.emplace(*loop_, backend, *service_);
  server_->SetChannels(std::exchange(where_.channels, nullptr));
  absl::Status status = server_->Start(std::move(sockets));
  return status.ok() ? service_->Prepare() : status;
}

// A guest does not raise its host's limit. It says what it does without.
absl::Status Listener::Impl::FitClients() {
  reserved_descriptors_ = net::ReservedDescriptors(core_.listener_clients().load(std::memory_order_relaxed));
  const uint32_t wanted = core_.limits().maxclients.load(std::memory_order_relaxed);
  const uint32_t fitting = std::max(FittingClients(wanted), uint32_t{1});
  if (fitting >= wanted) return absl::OkStatus();
  core_.Log(LogLevel::kWarning,
            absl::StrCat("maxclients has been reduced to ", fitting, " from ", wanted, ": RLIMIT_NOFILE leaves the process ",
                         "no more descriptors beside ", reserved_descriptors_, " for other things. For more clients ",
                         "raise it ('ulimit -n', or setrlimit by the program) before the listener is started."));
  return core_.LowerMaxclients(fitting);
}

// REQUIRES: sockets_mutex_ is held, or nobody else knows the listener yet.
void Listener::Impl::Describe(bool tls, const std::vector<net::ListeningSocket>& sockets) {
  Side& side = sides_[tls];
  side.addresses.clear();
  side.fds.clear();
  for (const net::ListeningSocket& socket : sockets) {
    side.addresses.push_back(socket.name);
    side.fds.push_back(socket.fd.get());
  }
  side.port.store(sockets.empty() ? 0 : sockets[0].port, std::memory_order_relaxed);
}

// All that may fail comes first, what is new for TLS before sockets; then all of it is put in force.
absl::Status Listener::Impl::Relisten(const Options& changed, bool tls, commands::ListenerPart* failed) {
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  const auto fail = [&](commands::ListenerPart part, const absl::Status& status, std::string_view line) {
    *failed = part;
    core_.Log(LogLevel::kWarning, line);
    return status;
  };
  const int ports[] = {changed.port, changed.tls_port};
  const bool tls_on = where_.tcp[1].follows ? changed.tls_port != 0 && !changed.bind->empty() : port(true) != 0;
  std::shared_ptr<net::ChannelFactory> channels;
  if (tls_on && (tls || port(true) == 0)) {
    if (where_.tls == nullptr) {
      return fail(commands::ListenerPart::kTls, absl::UnimplementedError(kNoTls), absl::StrCat("tls-port: ", kNoTls));
    }
    absl::StatusOr<std::shared_ptr<net::ChannelFactory>> configured = where_.tls->Configure(changed);
    if (!configured.ok()) {
      return fail(commands::ListenerPart::kTls, configured.status(), absl::StrCat(configured.status().message()));
    }
    channels = *std::move(configured);
  }
  Move moves[2];
  for (bool side : {true, false}) {
    const WhereTcp& wanted = where_.tcp[side];
    if (!wanted.follows || (ports[side] == wanted.directive && *changed.bind == where_.bind)) continue;
    if (absl::Status status = PrepareMove(side, *changed.bind, ports[side], &moves[side]); !status.ok()) {
      for (bool shut : {true, false}) {
        if (moves[shut].shut) Restore(shut);
      }
      return fail(side ? commands::ListenerPart::kTlsPort : commands::ListenerPart::kPort, status,
                  absl::StrCat("Warning: Could not create server TCP listening socket ", status.message()));
    }
  }
  for (bool side : {true, false}) {
    if (!moves[side].moves) continue;
    Describe(side, moves[side].sockets);
    where_.tcp[side].directive = ports[side];
    where_.bind = *changed.bind;
    PutFresh(side, std::move(moves[side].sockets));
  }
  if (channels != nullptr) {
    fresh_channels_ = std::move(channels);
    has_news_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  return absl::OkStatus();
}

absl::Status Listener::Impl::PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move) {
  move->moves = true;
  if (port == 0 || bind.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<net::ListeningSocket>> opened = ListenOn(tls, bind, port, where_.backlog);
  if (opened.status().code() == absl::StatusCode::kAlreadyExists && port == this->port(tls)) {
    // Most likely our own sockets are in the way: "*" and one address cannot share a port. Shut down they free it,
    // and stay valid descriptors, which the loop is still watching.
    for (int fd : sides_[tls].fds) shutdown(fd, SHUT_RDWR);
    move->shut = true;
    opened = ListenOn(tls, bind, port, where_.backlog);
  }
  if (opened.ok()) move->sockets = *std::move(opened);
  return opened.status();
}

// The sockets were shut down for others that could not be had.
void Listener::Impl::Restore(bool tls) {
  Side& side = sides_[tls];
  side.fds.clear();
  absl::StatusOr<std::vector<net::ListeningSocket>> restored =
      ListenOn(tls, where_.bind, port(tls), where_.backlog);
  if (!restored.ok()) return PutFresh(tls, {});
  for (const net::ListeningSocket& socket : *restored) side.fds.push_back(socket.fd.get());
  PutFresh(tls, *std::move(restored));
}

void Listener::Impl::PutFresh(bool tls, std::vector<net::ListeningSocket> sockets) {
  sides_[tls].fresh = std::move(sockets);
  sides_[tls].has_fresh = true;
  has_news_.store(true, std::memory_order_release);
  loop_->WakeUp();
}

void Listener::Impl::TakeSockets() {
  if (!has_news_.load(std::memory_order_acquire)) return;
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  has_news_.store(false, std::memory_order_relaxed);
  if (fresh_channels_ != nullptr) server_->SetChannels(std::exchange(fresh_channels_, nullptr));
  for (bool tls : {false, true}) {
    Side& side = sides_[tls];
    if (std::exchange(side.has_fresh, false)) server_->ReplaceTcp(tls, std::exchange(side.fresh, {}));
  }
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
  absl::StatusOr<std::unique_ptr<commands::ClientPolicy>> policy = commands::ClientPolicy::Create(
      core.engine().commands(), options.read_only, options.refused_commands, options.host_keeps);
  if (!policy.ok()) return policy.status();
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return absl::ResourceExhaustedError("out of memory for a listener");
  if (absl::Status status = impl->Start(*where, *std::move(policy), options.own_thread); !status.ok()) return status;
  Impl* const hook = impl.get();
  std::unique_ptr<Listener> listener(new (std::nothrow) Listener(std::move(impl)));
  if (listener == nullptr) return absl::ResourceExhaustedError("out of memory for a listener");
  if (!core.AddListener(hook)) return absl::CancelledError("the cache is closed");
  return listener;
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
void Listener::Stop() { impl_->Stop(); }
int Listener::port() const { return impl_->port(false); }
int Listener::tls_port() const { return impl_->port(true); }
std::vector<std::string> Listener::addresses() const { return impl_->addresses(); }
std::string_view Listener::poller() const { return impl_->poller_name(); }
int Listener::Poll(int64_t timeout_ms) { return impl_->loop().Poll(timeout_ms); }
absl::Status Listener::Run() { return impl_->loop().Run(); }
void Listener::EndRun() { impl_->loop().Stop(); }
int Listener::BackendFd() { return impl_->loop().BackendFd(); }
int64_t Listener::NextDelayMs() { return impl_->loop().NextDelayMs(); }

}  // namespace larder::inline v0
