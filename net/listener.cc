#include <larder/net/listener.h>

#include <new>
#include <utility>

#include "lib/base/error_texts.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "net/listener_impl.h"

namespace larder::inline v0 {

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(Cache& cache, const ListenerOptions& options) {
  core::CacheCore& core = cache.core();
  // This visit begins first and so ends last: until the cache knows the listener, this call answers for its thread.
  const internal::Visit visit(core);
  if (visit.error() != nullptr) return internal::StatusOf(visit.error());
  absl::StatusOr<std::unique_ptr<Options>> cache_options = core.CopyOptions();
  if (!cache_options.ok()) return cache_options.status();
  absl::StatusOr<std::unique_ptr<engine::ClientPolicy>> policy = engine::ClientPolicy::Create(
      core.engine().commands(), options.read_only, options.refused_commands, options.host_keeps);
  if (!policy.ok()) return policy.status();
  std::unique_ptr<Impl> impl(new (std::nothrow) Impl(core));
  if (impl == nullptr) return base::NoMemory(base::kNoMemoryForListener);
  absl::Status status = Guarded([&] {
    Where where;
    absl::Status resolved = Resolve(**cache_options, options, &where);
    return resolved.ok() ? impl->Start(std::move(where), *std::move(policy), options.own_thread) : resolved;
  });
  if (!status.ok()) return status;
  Impl* const hook = impl.get();
  std::unique_ptr<Listener> listener(new (std::nothrow) Listener(std::move(impl)));
  if (listener == nullptr) return base::NoMemory(base::kNoMemoryForListener);
  if (!core.AddListener(hook)) return base::MakeStatus(absl::StatusCode::kCancelled, base::kCacheIsClosed);
  return listener;
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() {
  if (!impl_->Forked()) return;
  impl_->CloseInChild();
  (void)impl_.release();  // threads of the parent may have been changing it, so it is not even read
}
void Listener::Stop() { impl_->Stop(); }
int Listener::port() const { return impl_->port(false); }
int Listener::tls_port() const { return impl_->port(true); }
size_t Listener::AddressAt(size_t i, char* to, size_t room) const {
  net::SocketName name;
  if (impl_->Forked() || !impl_->Address(i, &name)) return 0;
  return name.view().copy(to, room);
}
std::string_view Listener::poller() const { return impl_->poller_name(); }
int Listener::Poll(int64_t timeout_ms) {
  if (impl_->has_own_thread() || !impl_->EnterLoop()) return 0;
  if (impl_->HasStopped()) timeout_ms = 0;  // wake-ups that are left are taken, so that BackendFd is quiet
  const int events = impl_->loop().Poll(timeout_ms);
  impl_->LeaveLoop();
  return events;
}
absl::Status Listener::Run() { return impl_->Run(); }
void Listener::EndRun() {
  if (!impl_->Forked()) impl_->loop().Stop();
}
int Listener::BackendFd() { return impl_->Forked() ? -1 : impl_->loop().BackendFd(); }
int64_t Listener::NextDelayMs() { return impl_->Forked() ? -1 : impl_->loop().NextDelayMs(); }

}  // namespace larder::inline v0
