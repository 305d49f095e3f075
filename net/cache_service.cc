#include "net/cache_service.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"

namespace larder::inline v0::net {

class CacheService::CacheClient final : public Client {
 public:
  // Returns null if there is no memory.
  static std::unique_ptr<CacheClient> Create(CacheService& service, session::Peer peer,
                                             session::SessionEvents* events) {
    std::unique_ptr<CacheClient> client(new (std::nothrow) CacheClient(service));
    if (client == nullptr) return nullptr;
    peer.policy = service.policy_;
    client->session = session::ServedSession::Create(service.core_, peer, events, &service.buffers_);
    return client->session != nullptr ? std::move(client) : nullptr;
  }

  std::span<char> PrepareRead() override { return session->PrepareRead(); }
  void CommitRead(size_t n) override { session->CommitRead(n); }
  session::Parsed Parse(const session::ParseQuota& quota) override {
    return service_.filling().batch.Parse(*session, quota);
  }
  size_t input_bytes() const override { return session->input_buffered(); }
  bool MayGoOn() const override { return session->MayGoOn(); }
  bool Unfinished() const override { return session->unfinished(); }
  size_t output_bytes() const override {
    session->TakePushed();  // the server asks before it sends, and once more when it was woken
    return session->output().size();
  }
  size_t Output(iovec* pieces, size_t max) const override { return session->output().Iovecs(pieces, max); }
  void ConsumeOutput(size_t n) override { session->ConsumeOutput(n); }
  bool CloseAfterOutput() const override { return session->closes_after_output(); }
  bool Stopped() const override { return session->stopped(); }
  bool Stop() override { return session->Stop(); }
  // A client whose command waits, a subscriber, or a client in MONITOR mode is silent and not idle, as in Redis.
  bool KeepWhenIdle() const override {
    return session->held() || session->client().monitor || session->client().subscriptions.any();
  }
  OutputClass output_class() const override {
    return session->client().subscriptions.any() ? OutputClass::kPubsub : OutputClass::kNormal;
  }
  bool Admitted() const override { return session->admitted(); }

  std::unique_ptr<session::ServedSession> session;
  CacheClient* next_ending = nullptr;

 private:
  explicit CacheClient(CacheService& service) : service_(service) {}

  CacheService& service_;
};

CacheService::ClientBatch::ClientBatch(core::CacheCore& core, ae::EventLoop& loop)
    : batch(core, [](void* arg) { static_cast<ae::EventLoop*>(arg)->WakeUp(); }, &loop, /*leaves=*/true) {}

CacheService::CacheService(core::CacheCore& core, ae::EventLoop& loop, const engine::ClientPolicy* policy)
    : core_(core),
      loop_(loop),
      policy_(policy),
      buffers_(core.engine().keyspace().extra_memory()),
      batches_{ClientBatch(core, loop), ClientBatch(core, loop)} {}

CacheService::~CacheService() {
  LARDER_DCHECK(!queued_ && batches_[0].ending == nullptr && batches_[1].ending == nullptr);
}

absl::Status CacheService::Prepare() {
  if (batches_[0].batch.Prepare() && batches_[1].batch.Prepare()) return absl::OkStatus();
  return base::NoMemory(base::kNoMemoryForListener);
}

ServerSettings CacheService::settings() {
  core_.TryCheckClientsMemory();
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const core::LiveLimits& limits = core_.limits();
  ServerSettings settings;
  settings.maxclients = limits.maxclients.load(kRelaxed);
  settings.timeout_s = limits.timeout_seconds.load(kRelaxed);
  settings.tcp_keepalive_s = limits.tcp_keepalive_seconds.load(kRelaxed);
  settings.refuse_strangers = limits.refuse_strangers.load(kRelaxed);
  // Nearly all places are taken.
  if (core_.listener_clients().load(kRelaxed) >= settings.maxclients - settings.maxclients / 8) [[unlikely]] {
    settings.admission_timeout_s = limits.authentication_timeout_seconds.load(kRelaxed);
  }
  settings.query_buffer_limit = limits.query_buffer_bytes_max.load(kRelaxed);
  const core::LiveLimits::Output* const outputs[] = {&limits.output_normal, &limits.output_replica,
                                                        &limits.output_pubsub};
  for (int i = 0; i < 3; ++i) {
    settings.output_limits[i] = {outputs[i]->hard.load(kRelaxed), outputs[i]->soft.load(kRelaxed),
                                 outputs[i]->soft_seconds.load(kRelaxed)};
  }
  return settings;
}

bool CacheService::TakePlace(uint32_t maxclients) {
  if (core_.listener_clients().fetch_add(1, std::memory_order_relaxed) < maxclients) return true;
  GivePlaceBack();
  return false;
}

std::unique_ptr<Client> CacheService::Open(const session::Peer& peer, session::SessionEvents* events) {
  std::unique_ptr<CacheClient> client = CacheClient::Create(*this, peer, events);
  if (client != nullptr) filling().batch.Open(*client->session);
  return client;
}

void CacheService::Close(std::unique_ptr<Client> client) {
  // The client is kept until its session has ended, because it may be woken until then.
  CacheClient* const ending = static_cast<CacheClient*>(client.release());
  filling().batch.Close(std::move(ending->session));
  ending->next_ending = std::exchange(filling().ending, ending);
}

Submitted CacheService::Submit() {
  if (!queued_) filling_ = 1 - filling_;
  queued_ = false;
  switch (core_.executor().SubmitBatch(running().batch)) {
    case executor::Submit::kQueued:
      queued_ = true;
      return Submitted::kQueued;
    case executor::Submit::kFinished:
      running().batch.Reset();
      FreeEnded(running());
      if (core_.engine().pause().until_ms() != 0) [[unlikely]] AwaitPause();
      return Submitted::kFinished;
    case executor::Submit::kClosed:
    case executor::Submit::kForked:
      break;
  }
  // Sessions are left for Finish, because the thread that held the executor when the cache was closed may still look at
  // them.
  return Submitted::kClosed;
}

// CLIENT PAUSE also ends by time, and nobody else may notice that, since all clients are held. UNPAUSE, or a longer
// pause, leaves the timer set, which then looks again.
void CacheService::AwaitPause() {
  if (pause_event_ != 0) return;
  const absl::StatusOr<int64_t> id = loop_.CreateTimeEvent(PauseDelayMs(), OnPauseOver, this);
  if (id.ok()) pause_event_ = *id;  // else after the next batch
}

int64_t CacheService::PauseDelayMs() const {
  const int64_t until_ms = core_.engine().pause().until_ms();
  return std::clamp<int64_t>(until_ms - core_.clock().NowUs() / 1000, 1, kPauseLookMs);
}

int64_t CacheService::OnPauseOver(ae::EventLoop& /*loop*/, int64_t /*id*/, void* data) {
  CacheService& self = *static_cast<CacheService*>(data);
  const int64_t until_ms = self.core_.engine().pause().until_ms();
  if (until_ms != 0 && !self.core_.TryEndPause()) return self.PauseDelayMs();
  self.pause_event_ = 0;
  return ae::kNoMore;
}

void CacheService::Stop() {
  if (pause_event_ != 0) loop_.DeleteTimeEvent(std::exchange(pause_event_, 0));
  queued_ = false;
  for (ClientBatch& clients : batches_) core_.executor().Cancel(clients.batch);  // also waits for a late Wake
}

void CacheService::Finish() {
  // One batch may have to end a session that the other was to open.
  for (ClientBatch* clients : {&running(), &filling()}) {
    clients->batch.Abandon();
    FreeEnded(*clients);
  }
}

void CacheService::Count(const ServerCount& more) {
  core_.TrySampleRates();
  constexpr auto kRelaxed = std::memory_order_relaxed;
  engine::NetCounters& all = core_.engine().net();
  all.connections_received.fetch_add(more.connections_received, kRelaxed);
  all.connections_rejected.fetch_add(more.connections_rejected, kRelaxed);
  all.input_bytes.fetch_add(more.input_bytes, kRelaxed);
  all.output_bytes.fetch_add(more.output_bytes, kRelaxed);
  all.reads.fetch_add(more.reads, kRelaxed);
  all.writes.fetch_add(more.writes, kRelaxed);
  all.limit_disconnections_query.fetch_add(more.query_limit_disconnections, kRelaxed);
  all.limit_disconnections_output.fetch_add(more.output_limit_disconnections, kRelaxed);
}

void CacheService::FreeEnded(ClientBatch& clients) {
  while (CacheClient* client = clients.ending) {
    clients.ending = client->next_ending;
    delete client;
  }
}

}  // namespace larder::inline v0::net
