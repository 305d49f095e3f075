// The cache as a service: the sessions of lib/session behind the seam of service.h.
//
// There are two batches. One is with the executor, or has run; the other takes what the loop parses and opens
// meanwhile.
#ifndef LARDER_NET_CACHE_SERVICE_H_
#define LARDER_NET_CACHE_SERVICE_H_

#include <memory>

#include "absl/status/status.h"
#include "lib/core/core.h"
#include "lib/session/served_session.h"
#include "lib/session/session_batch.h"
#include "net/ae/ae.h"
#include "net/service.h"

namespace larder::inline v0::net {

class CacheService final : public Service {
 public:
  // The arguments must outlive the service. `policy` may be null.
  CacheService(core::CacheCore& core, ae::EventLoop& loop, const engine::ClientPolicy* policy);
  ~CacheService() override;  // REQUIRES: Finish was called

  absl::Status Prepare();  // Errors: RESOURCE_EXHAUSTED.

  ServerSettings settings() override;
  bool TakePlace(uint32_t maxclients) override;
  void GivePlaceBack() override { core_.listener_clients().fetch_sub(1, std::memory_order_relaxed); }
  std::unique_ptr<Client> Open(const session::Peer& peer, session::SessionEvents* events) override;
  void Close(std::unique_ptr<Client> client) override;
  Submitted Submit() override;
  void Stop() override;
  void Finish() override;
  void Count(const ServerCount& more) override;
  void Log(LogLevel level, std::string_view line) override { core_.Log(level, line); }

 private:
  class CacheClient;

  // A batch of requests, and the clients that will have ended when it has run.
  struct ClientBatch {
    ClientBatch(core::CacheCore& core, ae::EventLoop& loop);
    session::SessionBatch batch;
    CacheClient* ending = nullptr;
  };

  ClientBatch& filling() { return batches_[filling_]; }
  ClientBatch& running() { return batches_[1 - filling_]; }
  void FreeEnded(ClientBatch& clients);
  void AwaitPause();
  int64_t PauseDelayMs() const;
  static int64_t OnPauseOver(ae::EventLoop& loop, int64_t id, void* data);

  // How long the timer sleeps at most, because the loop's clock need not be the cache's.
  static constexpr int64_t kPauseLookMs = 1000;

  core::CacheCore& core_;
  ae::EventLoop& loop_;
  const engine::ClientPolicy* const policy_;
  session::BufferPool buffers_;
  ClientBatch batches_[2];
  int filling_ = 0;
  bool queued_ = false;  // running() is with the executor
  int64_t pause_event_ = 0;  // 0: none
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_CACHE_SERVICE_H_
