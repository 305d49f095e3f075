#include "net/listener_impl.h"

#include <signal.h>

#include <new>
#include <utility>

#include "lib/base/guarded.h"
#include "lib/base/status.h"

namespace larder::inline v0 {
namespace {

// How long the loop's background work runs at a time, and how often it looks at a clock that is not the machine's.
constexpr int64_t kBackgroundUs = 1000;
constexpr int64_t kLookMs = 100;

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

}  // namespace

absl::Status Listener::Impl::Start(Where where, std::unique_ptr<engine::ClientPolicy> policy, bool own_thread) {
  if (absl::Status status = Open(std::move(where), std::move(policy)); !status.ok()) return status;
  std::unique_ptr<const directives::ListenerPlace> place =
      MakePlace(where_.bind, ShownPort(false, port(false), where_.tcp[0].directive),
                ShownPort(true, port(true), where_.tcp[1].directive));
  served_->policy->SwapPlace(place);
  if (absl::Status status = FitClients(); !status.ok()) return status;
  if (core_.background() == Background::kLoop) {
    background_hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Impl*>(data)->RunBackground(); };
    background_hook_.data = this;
    loop_->after_events().Add(background_hook_);
    background_.store(true, std::memory_order_relaxed);  // there may be work from before
    loop_->WakeUp();
  }
  news_hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Impl*>(data)->TakeNews(); };
  news_hook_.data = this;
  loop_->after_events().Add(news_hook_);
  return own_thread ? StartThread() : absl::OkStatus();
}

absl::Status Listener::Impl::Open(Where where, std::unique_ptr<engine::ClientPolicy> policy) {
  where_ = std::move(where);
  if (absl::Status status = MakeServer(std::move(policy)); !status.ok()) return status;
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
    if (absl::Status status = served_->server.Start(kind, *std::move(tcp)); !status.ok()) return status;
  }
  if (!where_.unixsocket.empty()) {
    // Nothing comes between the socket's file and the server, which removes it again.
    std::vector<net::ListeningSocket> one(1);
    absl::StatusOr<net::ListeningSocket> socket =
        net::ListenUnix(where_.unixsocket, where_.unixsocketperm, where_.backlog, where_.takes_unixsocket);
    if (!socket.ok()) return socket.status();
    one[0] = *std::move(socket);
    ++sockets;
    if (absl::Status status = served_->server.Start(net::Server::kUnix, std::move(one)); !status.ok()) return status;
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
absl::Status Listener::Impl::MakeServer(std::unique_ptr<engine::ClientPolicy> policy) {
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
  if (where_.io_uring != nullptr && poller_ == where_.io_uring->poller.name) {
    uring_backend_ = where_.io_uring->make_backend(loop_->poller());
    if (uring_backend_ == nullptr) return NoMemoryForListener();
  }
  net::IoBackend& backend = uring_backend_ != nullptr ? *uring_backend_ : system_calls_;
  served_.reset(new (std::nothrow) Served(core_, *loop_, backend, std::move(policy), &descriptors_));
  if (served_ == nullptr) return NoMemoryForListener();
  served_->server.SetChannels(std::exchange(where_.channels, nullptr));
  return served_->service.Prepare();
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
  own_thread_ = true;
  return absl::OkStatus();
}

void* Listener::Impl::ThreadMain(void* arg) {
  Impl& self = *static_cast<Impl*>(arg);
#ifdef __linux__
  pthread_setname_np(pthread_self(), "larder-listener");
#endif
  const absl::Status status = self.loop_->Run();
  if (self.Forked()) return nullptr;  // on a thread that a callback has forked
  if (!status.ok()) {
    self.core_.Log(LogLevel::kWarning, base::Line("The listener has stopped: ", status.message()).view());
  }
  const std::lock_guard<std::mutex> lock(self.stop_mutex_);
  self.thread_over_ = true;
  self.stopped_changed_.notify_all();
  return nullptr;
}

// Background::kLoop: active expiry and callbacks, when they are due.
void Listener::Impl::RunBackground() {
  if (!background_.exchange(false, std::memory_order_acq_rel)) return;
  if (background_event_ != 0) loop_->DeleteTimeEvent(std::exchange(background_event_, 0));
  int64_t until_us;
  if (__builtin_add_overflow(core_.clock().NowUs(), kBackgroundUs, &until_us)) until_us = INT64_MAX;
  const int64_t next_us = core_.BackgroundStep(until_us);
  if (next_us == INT64_MAX) return;
  int64_t delay_us;
  if (__builtin_sub_overflow(next_us, core_.clock().NowUs(), &delay_us)) delay_us = INT64_MAX;
  int64_t delay_ms = delay_us > 0 ? (delay_us - 1) / 1000 + 1 : 0;
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

}  // namespace larder::inline v0
