#include <larder/session.h>

#include <pthread.h>

#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/status.h"
#include "lib/session/direct_client.h"
#include "lib/session/output_hook.h"
#include "lib/session/served_session.h"
#include "lib/session/session_batch.h"

namespace larder::inline v0 {

namespace {

absl::Status NoMemory(std::string_view text = "there is no memory for a session") { return base::NoMemory(text); }

}  // namespace

struct Session::Impl final : core::SessionEnd {
  explicit Impl(core::CacheCore& c) : core(c), client(c) {}
  void End() override LARDER_REQUIRES_HOLDER { client.End(); }

  core::CacheCore& core;
  session::DirectClient client;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Session::~Session() {
  if (impl_ == nullptr) return;
  core::CacheCore& core = impl_->core;
  if (core.Forked()) {
    (void)impl_.release();
    return;
  }
  core.EndSession(std::move(impl_));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(core::CacheCore& core) {
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return NoMemory();
  const absl::Status status = impl->client.Open();
  if (!status.ok()) return status;
  std::unique_ptr<Session> session(new (std::nothrow) Session(std::move(impl)));
  if (session != nullptr) return session;
  core.EndSession(std::move(impl));
  return NoMemory();
}

absl::StatusOr<Reply> Session::Execute(std::span<const std::string_view> argv) { return impl_->client.Execute(argv); }

struct RespConnection::Impl final : core::SessionEnd {
  explicit Impl(core::CacheCore& c) : core(c), batch(c, nullptr, nullptr) {}
  ~Impl() override {
    if (hook != nullptr) hook->End();
  }
  void End() override LARDER_REQUIRES_HOLDER { batch.RunAll(); }

  core::CacheCore& core;
  session::OutputHook* hook = nullptr;  // outlives the session
  std::unique_ptr<session::ServedSession> session;
  session::SessionBatch batch;  // it ends before the session, which it may still have to open
  // The reason why a call may not go on here; OK if it may.
  absl::Status Usable() const;
  absl::Status RunBatch();
  absl::Status RunWhatHasCome();
  void EndLateWait();
  base::Buffer flat;  // output() when the replies are in several pieces
};

RespConnection::RespConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<RespConnection>> RespConnection::Create(core::CacheCore& core) {
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return NoMemory();
  impl->hook = new (std::nothrow) session::OutputHook(core);
  if (impl->hook == nullptr) return NoMemory();
  impl->session = session::ServedSession::Create(core, session::Peer(), impl->hook);
  if (impl->session == nullptr) return NoMemory();
  impl->batch.Open(*impl->session);
  Impl* opened = impl.get();
  const absl::Status status = core.Run([opened]() LARDER_REQUIRES_HOLDER { opened->batch.RunAll(); });
  if (!status.ok()) return status;
  std::unique_ptr<RespConnection> connection(new (std::nothrow) RespConnection(std::move(impl)));
  if (connection != nullptr) return connection;
  impl->batch.Close(std::move(impl->session));
  core.EndSession(std::move(impl));
  return NoMemory();
}

RespConnection::~RespConnection() {
  if (impl_ == nullptr) return;
  if (impl_->core.Forked()) {
    (void)impl_.release();
    return;
  }
  impl_->hook->Set(nullptr);
  impl_->hook->AwaitReturn();
  impl_->batch.Close(std::move(impl_->session));
  core::CacheCore& core = impl_->core;
  core.EndSession(std::move(impl_));
}

// It is asked before anything is taken from the input, so that nothing is lost: a thread that is not inside its own
// user code now will not be when its batch runs.
absl::Status RespConnection::Impl::Usable() const {
  const executor::Executor& executor = core.executor();
  if (executor.Forked()) return core::CacheCore::OutcomeStatus(executor::Outcome::kForked);
  if (executor.InsideUser()) return core::CacheCore::OutcomeStatus(executor::Outcome::kReentrant);
  return absl::OkStatus();
}

// Runs the batch in slices, between which others have their turn. Requests that are not short run on this thread.
absl::Status RespConnection::Impl::RunBatch() {
  const pthread_t self = pthread_self();
  bool finished = false;
  while (!finished) {
    const absl::Status status = core.Run(
        [&]() LARDER_REQUIRES_HOLDER {
          const bool stranger = pthread_equal(pthread_self(), self) == 0;
          finished = batch.RunSlice({.only_short = stranger});
        },
        [&]() LARDER_REQUIRES_HOLDER { return batch.NextIsShort(); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RespConnection::Impl::RunWhatHasCome() {
  for (;;) {
    const auto parsed = batch.Parse(*session, session::ParseQuota());
    if (batch.HasWork()) {
      const absl::Status status = RunBatch();
      batch.Reset();
      if (!status.ok()) {  // the cache is closed, and requests are lost
        session->Stop();
        return status;
      }
    }
    using session::Parsed;
    if (parsed != Parsed::kSomeAndInput && (parsed != Parsed::kSome || !session->MayGoOn())) return absl::OkStatus();
  }
}

absl::Status RespConnection::Feed(std::string_view bytes) {
  if (impl_->core.Forked()) return core::CacheCore::OutcomeStatus(executor::Outcome::kForked);
  session::ServedSession& session = *impl_->session;
  if (absl::Status error = impl_->Usable(); !error.ok()) return error;
  core::Stay stay;  // parsing and counting go on between the holds
  if (!stay.Enter(impl_->core)) return core::CacheCore::OutcomeStatus(executor::Outcome::kClosed);
  if (session.MayGoOn()) {  // requests that CLIENT PAUSE held come before new ones
    const absl::Status status = impl_->RunWhatHasCome();
    if (!status.ok()) return status;
  }
  for (bool taken = false; !bytes.empty() && !closed(); taken = true) {
    const std::span<char> room = session.PrepareRead();
    if (room.empty() && !taken) return NoMemory("there is no memory for the request");
    if (room.empty()) {  // requests that have run cannot be taken back, and later bytes cannot be read without these
      impl_->core.Log(LogLevel::kWarning, "a client is closed: there is no memory for its requests");
      session.Stop();
      break;
    }
    const size_t n = bytes.size() < room.size() ? bytes.size() : room.size();
    base::CopyBytes(room.data(), bytes.substr(0, n));
    session.CommitRead(n);
    bytes.remove_prefix(n);
    if (!impl_->RunWhatHasCome().ok()) break;
    if (session.input_buffered() > impl_->core.limits().query_buffer_bytes_max.load(std::memory_order_relaxed)) {
      impl_->core.Log(LogLevel::kWarning, "a client is closed: its requests exceed client-query-buffer-limit");
      session.Stop();
    }
    impl_->core.CheckClientsMemory();
  }
  return absl::OkStatus();
}

void RespConnection::OnOutput(std::function<void()> on_output) {
  if (!impl_->core.Forked()) impl_->hook->Set(std::move(on_output));
}

// Ends the wait of a command whose time is over, if nobody has done it yet.
void RespConnection::Impl::EndLateWait() {
  const int64_t now_ms = core.clock().NowUs() / 1000;
  if (!session->waiting() || core.engine().soonest_timeout_ms() > now_ms || !Usable().ok()) return;
  (void)core.Run([&]() LARDER_REQUIRES_HOLDER { (void)core.engine().blocking().TimeOutSome(now_ms, SIZE_MAX); });
}

std::string_view RespConnection::output() {
  if (impl_->core.Forked()) return {};
  core::Stay stay;  // it is refused once the cache is being closed; output that is there can still be had
  if (stay.Enter(impl_->core)) impl_->EndLateWait();
  if (stay.entered() && impl_->session->MayGoOn() && impl_->Usable().ok()) (void)impl_->RunWhatHasCome();
  impl_->session->TakePushed();
  resp::Output& output = impl_->session->output();
  if (!output.has_references()) {
    struct iovec piece;
    if (output.Iovecs(&piece, 1) == 0) return {};
    return {static_cast<const char*>(piece.iov_base), piece.iov_len};
  }
  impl_->flat.Clear();
  if (!output.AppendTo(impl_->flat)) return {};
  return impl_->flat.view();
}

void RespConnection::ConsumeOutput(size_t n) {
  if (!impl_->core.Forked()) impl_->session->ConsumeOutput(n);
}

bool RespConnection::closed() const {
  return impl_->session->closes_after_output() || impl_->session->stopped();
}

}  // namespace larder::inline v0
