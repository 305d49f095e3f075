#include "net/listener_impl.h"

#include <new>
#include <utility>

#include "lib/base/error_texts.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "lib/base/thread.h"

namespace larder::inline v0 {
namespace {

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
  const bool own_clock = where.own_clock;
  if (absl::Status status = MakeServer(where, std::move(policy)); !status.ok()) return status;
  absl::Status listens = places_.Start(std::move(where), served_->policy.get(), served_->server);
  if (!listens.ok()) return listens;
  if (absl::Status status = FitClients(); !status.ok()) return status;
  if (core_.background() == Background::kLoop) background_.Start(*loop_, own_clock);
  news_hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Impl*>(data)->OnNews(); };
  news_hook_.data = this;
  loop_->after_events().Add(news_hook_);
  return own_thread ? StartThread() : absl::OkStatus();
}

// The loop and all that stands on it, but for sockets.
absl::Status Listener::Impl::MakeServer(Where& where, std::unique_ptr<engine::ClientPolicy> policy) {
  ae::LoopOptions loop_options;
  loop_options.api = ApiName(where.api);
  if (where.io_uring != nullptr) loop_options.more_pollers = {&where.io_uring->poller, 1};
  loop_options.clock = where.own_clock ? &clock_ : nullptr;
  absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create(loop_options);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  news_.set_loop(loop_.get());
  poller_ = loop_->ApiName();
  if (!loop_->passed_over().empty()) {
    std::string_view reasons = loop_->passed_over();
    reasons.remove_suffix(1);
    const base::Line line("The kernel refuses an ae-api, using ", poller_, " instead: ", reasons);
    core_.Log(LogLevel::kWarning, line.view());
  }
  if (where.io_uring != nullptr && poller_ == where.io_uring->poller.name) {
    uring_backend_ = where.io_uring->make_backend(loop_->poller());
    if (uring_backend_ == nullptr) return base::NoMemory(base::kNoMemoryForListener);
  }
  net::IoBackend& backend = uring_backend_ != nullptr ? *uring_backend_ : system_calls_;
  served_.reset(new (std::nothrow) Served(core_, *loop_, backend, std::move(policy), &descriptors_));
  if (served_ == nullptr) return base::NoMemory(base::kNoMemoryForListener);
  served_->server.SetChannels(std::exchange(where.channels, nullptr));
  return served_->service.Prepare();
}

// A guest does not raise its host's limit. If the limit is too low, it lowers maxclients and logs that.
absl::Status Listener::Impl::FitClients() {
  reserved_descriptors_ = net::ReservedDescriptors(core_.listener_clients().load(std::memory_order_relaxed));
  const uint32_t wanted = core_.limits().maxclients.load(std::memory_order_relaxed);
  const uint32_t fitting = std::max(FittingClients(wanted), uint32_t{1});
  if (fitting >= wanted) return absl::OkStatus();
  const base::Line line("maxclients has been reduced to ", fitting, " from ", wanted,
                        ": RLIMIT_NOFILE leaves the process no more descriptors beside ", reserved_descriptors_,
                        " for other things. For more clients raise it ('ulimit -n', or setrlimit by the program) "
                        "before the listener is started.");
  core_.Log(LogLevel::kWarning, line.view());
  return core_.LowerMaxclients(fitting);
}

absl::Status Listener::Impl::StartThread() {
  if (base::StartThread("larder-listener", ThreadMain, this, &thread_) != 0) {
    return base::MakeStatus(absl::StatusCode::kResourceExhausted, "no thread could be started for the listener");
  }
  own_thread_ = true;
  return absl::OkStatus();
}

void* Listener::Impl::ThreadMain(void* arg) {
  Impl& self = *static_cast<Impl*>(arg);
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

// At the end of each turn, behind the server's own part of it.
void Listener::Impl::OnNews() {
  if (Forked()) [[unlikely]] return loop_->Forsake();  // a callback of this turn has forked
  if (!news_.Take()) return;
  bool stop = false;
  {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    stop = stop_asked_ && !own_thread_;
  }
  if (stop) return StopServing();
  places_.Take(served_->server);
}

}  // namespace larder::inline v0
