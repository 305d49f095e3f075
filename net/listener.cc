#include <larder/net/listener.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/fixed_text.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
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

constexpr std::string_view kNoTls =
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

absl::Status NoMemory() {
  return base::MakeStatus(absl::StatusCode::kResourceExhausted, "out of memory for a listener");
}

// What `fn` says; RESOURCE_EXHAUSTED if it threw.
template <class F>
absl::Status Guarded(F&& fn) {
  absl::Status status;
  if (!base::Guarded([&] { status = fn(); })) status = NoMemory();
  return status;
}

absl::Status Invalid(std::string_view message) {
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, message);
}

WhereTcp ResolveTcp(int directive, const std::optional<int>& own, bool any, bool own_bind) {
  WhereTcp tcp{.port = own.value_or(directive), .directive = directive};
  tcp.follows = !own_bind && !own.has_value() && !any;
  tcp.on = any || tcp.port != 0;
  if (any) tcp.port = 0;
  return tcp;
}

// Works on a copy of the options: files are read and memory is taken here, which under the executor would keep others
// waiting and must not throw. What is copied may throw: Guarded by the caller.
absl::Status Resolve(const Options& cache_options, const ListenerOptions& options, Where* where) {
  const bool own_bind = options.bind.has_value();
  where->bind = own_bind ? *options.bind : *cache_options.bind;
  where->tcp[0] = ResolveTcp(cache_options.port, options.port, options.any_port, own_bind);
  if (cache_options.any_port && !options.port.has_value()) {
    where->tcp[0].on = true;
    where->tcp[0].port = 0;
  }
  where->tcp[1] = ResolveTcp(cache_options.tls_port, options.tls_port, options.any_tls_port, own_bind);
  where->tls = options.tls;
  where->unixsocket = options.unixsocket.has_value() ? *options.unixsocket : cache_options.unixsocket;
  where->unixsocketperm = options.unixsocketperm.value_or(cache_options.unixsocketperm);
  where->backlog = cache_options.tcp_backlog;
  where->api = cache_options.ae_api;
  where->own_clock = cache_options.clock != nullptr;
  where->io_uring = options.io_uring;
  where->takes_unixsocket = options.takes_unixsocket;
  if (where->tcp[1].on && where->tls != nullptr) {
    absl::StatusOr<std::shared_ptr<net::ChannelFactory>> channels = where->tls->Configure(cache_options);
    if (!channels.ok()) {
      const base::Line text("Failed to configure TLS: ", channels.status().message());
      return base::MakeStatus(channels.status().code(), text.view());
    }
    where->channels = *std::move(channels);
  }
  for (WhereTcp& tcp : where->tcp) {
    if (tcp.port < 0 || tcp.port > 65535) return Invalid("port must be between 0 and 65535");
    tcp.on &= !where->bind.empty();
  }
  if (where->tcp[1].on && where->tls == nullptr) {
    return base::MakeStatus(absl::StatusCode::kUnimplemented, base::Line("tls-port: ", kNoTls).view());
  }
  if (!where->tcp[0].on && !where->tcp[1].on && where->unixsocket.empty()) {
    return Invalid("nothing to listen on: there is neither a port nor a unixsocket");
  }
  return absl::OkStatus();
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

  absl::Status Start(Where where, std::unique_ptr<commands::ClientPolicy> policy, bool own_thread);
  void Stop();

  // ListenerHook.
  bool StopForClose(int64_t /*deadline_us*/) override {
    Stop();
    return true;
  }
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
  // False: there are not so many.
  bool Address(size_t i, net::SocketName* name) const {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    for (const Side& side : sides_) {
      if (i < side.sockets.size()) {
        *name = side.sockets[i].name;
        return true;
      }
      i -= side.sockets.size();
    }
    if (i != 0 || where_.unixsocket.empty()) return false;
    *name = net::SocketName(where_.unixsocket);
    return true;
  }

 private:
  struct Known {
    int fd;  // open at least until the loop has taken new ones
    net::SocketName name;
  };
  // Where it listens on one kind of TCP.
  struct Side {
    std::atomic<int> port{0};
    std::vector<Known> sockets;
    std::vector<net::ListeningSocket> fresh;
    bool has_fresh = false;
    bool watch_again = false;
  };
  // What Relisten has prepared for one.
  struct Move {
    bool moves = false;
    bool shut = false;  // the sockets that were in the way
    std::vector<net::ListeningSocket> sockets;
    std::vector<Known> known;
  };
  struct Moves {
    Move sides[2];
    std::vector<std::string> bind;
    std::shared_ptr<net::ChannelFactory> channels;
  };

  absl::Status Open(Where where);
  absl::Status MakeServer();
  absl::Status FitClients();
  absl::Status Prepare(const Options& changed, bool tls, Moves* moves, commands::ListenerPart* failed);
  absl::Status PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move);
  void Restore(bool tls);
  static std::vector<Known> KnownOf(const std::vector<net::ListeningSocket>& sockets);
  void TellLoop();
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

absl::Status Listener::Impl::Start(Where where, std::unique_ptr<commands::ClientPolicy> policy, bool own_thread) {
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  policy_ = std::move(policy);
  if (absl::Status status = Open(std::move(where)); !status.ok()) return status;
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

absl::Status Listener::Impl::Open(Where where) {
  where_ = std::move(where);
  if (absl::Status status = MakeServer(); !status.ok()) return status;
  size_t sockets = 0;
  for (bool tls : {false, true}) {
    const WhereTcp& wanted = where_.tcp[tls];
    if (!wanted.on) continue;
    absl::StatusOr<std::vector<net::ListeningSocket>> tcp = ListenOn(tls, where_.bind, wanted.port, where_.backlog);
    if (!tcp.ok()) return tcp.status();
    sides_[tls].sockets = KnownOf(*tcp);
    sides_[tls].port.store(tcp->empty() ? 0 : (*tcp)[0].port, std::memory_order_relaxed);
    sockets += tcp->size();
    const net::Server::Kind kind = tls ? net::Server::kTls : net::Server::kPlain;
    if (absl::Status status = server_->Start(kind, *std::move(tcp)); !status.ok()) return status;
  }
  if (!where_.unixsocket.empty()) {
    // Nothing comes between the socket's file and the server, which removes it again.
    std::vector<net::ListeningSocket> one(1);
    absl::StatusOr<net::ListeningSocket> socket =
        net::ListenUnix(where_.unixsocket, where_.unixsocketperm, where_.backlog, where_.takes_unixsocket);
    if (!socket.ok()) return socket.status();
    one[0] = *std::move(socket);
    ++sockets;
    if (absl::Status status = server_->Start(net::Server::kUnix, std::move(one)); !status.ok()) return status;
  }
  const int backlog_max = net::BacklogMax();
  if (backlog_max != 0 && where_.backlog > backlog_max) {
    const base::Line line("The backlog of ", where_.backlog, " (tcp-backlog) is cut to ", backlog_max,
                          ", which /proc/sys/net/core/somaxconn allows.");
    core_.Log(LogLevel::kWarning, line.view());
  }
  if (sockets != 0) return absl::OkStatus();
  return base::MakeStatus(absl::StatusCode::kUnavailable, "none of the addresses to bind exists on this machine");
}

// The loop and all that stands on it, but for sockets.
absl::Status Listener::Impl::MakeServer() {
  ae::LoopOptions loop_options;
  loop_options.api = ApiName(where_.api);
  if (where_.io_uring != nullptr) loop_options.more_pollers = {&where_.io_uring->poller, 1};
  own_clock_ = where_.own_clock;
  loop_options.clock = own_clock_ ? &clock_ : nullptr;
  absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create(loop_options);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  poller_ = loop_->ApiName();
  if (!loop_->passed_over().empty()) {
    std::string_view reasons = loop_->passed_over();
    reasons.remove_suffix(1);
    const base::Line line("The kernel refuses an ae-api, using ", poller_, " instead: ", reasons);
    core_.Log(LogLevel::kWarning, line.view());
  }
  service_.emplace(core_, *loop_, policy_.get());
  if (where_.io_uring != nullptr && poller_ == where_.io_uring->poller.name) {
    uring_backend_ = where_.io_uring->make_backend(loop_->poller());
    if (uring_backend_ == nullptr) return NoMemory();
  }
  net::IoBackend& backend = uring_backend_ != nullptr ? *uring_backend_ : system_calls_;
  server_.emplace(*loop_, backend, *service_);
  server_->SetChannels(std::exchange(where_.channels, nullptr));
  return service_->Prepare();
}

// A guest does not raise its host's limit. It says what it does without.
absl::Status Listener::Impl::FitClients() {
  reserved_descriptors_ = net::ReservedDescriptors(core_.listener_clients().load(std::memory_order_relaxed));
  const uint32_t wanted = core_.limits().maxclients.load(std::memory_order_relaxed);
  const uint32_t fitting = std::max(FittingClients(wanted), uint32_t{1});
  if (fitting >= wanted) return absl::OkStatus();
  const base::Line line("maxclients has been reduced to ", fitting, " from ", wanted,
                        ": RLIMIT_NOFILE leaves the process no more descriptors beside ", reserved_descriptors_,
                        " for other things. For more clients raise it ('ulimit -n', or setrlimit by the program) before "
                        "the listener is started.");
  core_.Log(LogLevel::kWarning, line.view());
  return core_.LowerMaxclients(fitting);
}

std::vector<Listener::Impl::Known> Listener::Impl::KnownOf(const std::vector<net::ListeningSocket>& sockets) {
  std::vector<Known> known;
  known.reserve(sockets.size());
  for (const net::ListeningSocket& socket : sockets) known.push_back({socket.fd.get(), socket.name});
  return known;
}

// All that may fail comes first, what is new for TLS before sockets; then all of it is put in force, which cannot.
absl::Status Listener::Impl::Relisten(const Options& changed, bool tls, commands::ListenerPart* failed) {
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  Moves moves;
  *failed = commands::ListenerPart::kPort;
  absl::Status status = Guarded([&] { return Prepare(changed, tls, &moves, failed); });
  if (!status.ok()) {
    for (bool side : {true, false}) {
      if (moves.sides[side].shut) Restore(side);
    }
    const bool sockets = *failed != commands::ListenerPart::kTls;
    const bool no_tls = status.code() == absl::StatusCode::kUnimplemented;
    const base::Line line(sockets ? "Warning: Could not create server TCP listening socket " : no_tls ? "tls-port: " : "",
                          status.message());
    core_.Log(LogLevel::kWarning, line.view());
    return status;
  }
  const int ports[] = {changed.port, changed.tls_port};
  bool moved = false;
  for (bool side : {true, false}) {
    Move& move = moves.sides[side];
    if (!move.moves) continue;
    where_.tcp[side].directive = ports[side];
    sides_[side].port.store(move.sockets.empty() ? 0 : move.sockets[0].port, std::memory_order_relaxed);
    sides_[side].sockets.swap(move.known);
    sides_[side].fresh.swap(move.sockets);
    sides_[side].has_fresh = true;
    moved = true;
  }
  if (moved) where_.bind.swap(moves.bind);
  if (moves.channels != nullptr) fresh_channels_.swap(moves.channels);
  TellLoop();
  return absl::OkStatus();
}

absl::Status Listener::Impl::Prepare(const Options& changed, bool tls, Moves* moves, commands::ListenerPart* failed) {
  const bool tls_on = where_.tcp[1].follows ? changed.tls_port != 0 && !changed.bind->empty() : port(true) != 0;
  if (tls_on && (tls || port(true) == 0)) {
    *failed = commands::ListenerPart::kTls;
    if (where_.tls == nullptr) return base::MakeStatus(absl::StatusCode::kUnimplemented, kNoTls);
    absl::StatusOr<std::shared_ptr<net::ChannelFactory>> configured = where_.tls->Configure(changed);
    if (!configured.ok()) return configured.status();
    moves->channels = *std::move(configured);
  }
  moves->bind = *changed.bind;
  const int ports[] = {changed.port, changed.tls_port};
  for (bool side : {true, false}) {
    *failed = side ? commands::ListenerPart::kTlsPort : commands::ListenerPart::kPort;
    const WhereTcp& wanted = where_.tcp[side];
    if (!wanted.follows || (ports[side] == wanted.directive && *changed.bind == where_.bind)) continue;
    absl::Status status = PrepareMove(side, *changed.bind, ports[side], &moves->sides[side]);
    if (!status.ok()) return status;
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
    for (const Known& known : sides_[tls].sockets) shutdown(known.fd, SHUT_RDWR);
    move->shut = true;
    opened = ListenOn(tls, bind, port, where_.backlog);
  }
  if (!opened.ok()) return opened.status();
  move->known = KnownOf(*opened);
  move->sockets = *std::move(opened);
  return absl::OkStatus();
}

// The sockets were shut down for others that could not be had. They are bound as they were, and need no memory to
// listen again; the loop may have found out that they did not, and no longer watch them.
void Listener::Impl::Restore(bool tls) {
  Side& side = sides_[tls];
  for (const Known& known : side.sockets) {
    if (listen(known.fd, where_.backlog) == 0) continue;
    const base::Line line(known.name, ": listen: ", net::ErrnoText(errno), "; it accepts no connections any more");
    core_.Log(LogLevel::kWarning, line.view());
  }
  side.watch_again = true;
  TellLoop();
}

void Listener::Impl::TellLoop() {
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
    if (std::exchange(side.watch_again, false)) server_->WatchAgain(tls);
  }
}

absl::Status Listener::Impl::StartThread() {
  // The new thread inherits the mask, so that no signal of the host's ever runs on it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, ThreadMain, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return base::MakeStatus(absl::StatusCode::kResourceExhausted, "no thread could be started for the listener");
  }
  has_thread_ = true;
  return absl::OkStatus();
}

void* Listener::Impl::ThreadMain(void* arg) {
  Impl& self = *static_cast<Impl*>(arg);
#ifdef __linux__
  pthread_setname_np(pthread_self(), "larder-listener");
#endif
  if (absl::Status status = self.loop_->Run(); !status.ok()) {
    self.core_.Log(LogLevel::kWarning, base::Line("The listener has stopped: ", status.message()).view());
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
  absl::StatusOr<std::unique_ptr<Options>> cache_options = core.CopyOptions();
  if (!cache_options.ok()) return cache_options.status();
  absl::StatusOr<std::unique_ptr<commands::ClientPolicy>> policy = commands::ClientPolicy::Create(
      core.engine().commands(), options.read_only, options.refused_commands, options.host_keeps);
  if (!policy.ok()) return policy.status();
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return NoMemory();
  absl::Status status = Guarded([&] {
    Where where;
    absl::Status resolved = Resolve(**cache_options, options, &where);
    return resolved.ok() ? impl->Start(std::move(where), *std::move(policy), options.own_thread) : resolved;
  });
  if (!status.ok()) return status;
  Impl* const hook = impl.get();
  std::unique_ptr<Listener> listener(new (std::nothrow) Listener(std::move(impl)));
  if (listener == nullptr) return NoMemory();
  if (!core.AddListener(hook)) return base::MakeStatus(absl::StatusCode::kCancelled, "the cache is closed");
  return listener;
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
void Listener::Stop() { impl_->Stop(); }
int Listener::port() const { return impl_->port(false); }
int Listener::tls_port() const { return impl_->port(true); }
size_t Listener::AddressAt(size_t i, char* to, size_t room) const {
  net::SocketName name;
  if (!impl_->Address(i, &name)) return 0;
  return name.view().copy(to, room);
}
std::string_view Listener::poller() const { return impl_->poller_name(); }
int Listener::Poll(int64_t timeout_ms) { return impl_->loop().Poll(timeout_ms); }
absl::Status Listener::Run() { return impl_->loop().Run(); }
void Listener::EndRun() { impl_->loop().Stop(); }
int Listener::BackendFd() { return impl_->loop().BackendFd(); }
int64_t Listener::NextDelayMs() { return impl_->loop().NextDelayMs(); }

}  // namespace larder::inline v0
