// A session's life: its beginning, its end, and messages from others. Its buffers are in session_buffers.cc and
// large_argument.cc; session_batch.cc runs its requests.
#include "lib/session/served_session.h"

#include <new>
#include <utility>

namespace larder::inline v0::session {

std::unique_ptr<ServedSession> ServedSession::Create(core::CacheCore& core, const Peer& peer, SessionEvents* events,
                                                     BufferPool* pool) {
  std::unique_ptr<ServedSession> session(new (std::nothrow) ServedSession(core, events, pool));
  if (session == nullptr) return nullptr;
  engine::ClientState& client = session->client_;
  client.kind = peer.kind;
  if (!client.SetAddresses(peer.address, peer.local_address)) return nullptr;
  client.fd = peer.fd;
  client.policy = peer.policy;
  client.io = session.get();
  client.wait_owner = session.get();
  client.authenticated = !core.limits().needs_password.load(std::memory_order_relaxed);  // and stays so
  client.created_ms = client.last_interaction_ms = core.clock().NowUs() / 1000;
  return session;
}

void ServedSession::CloseSoon() {
  Stop();
  if (events_ != nullptr) events_->SessionWoken();
}

void ServedSession::Resume() {
  if (events_ != nullptr) events_->SessionWoken();
}

bool ServedSession::PreparePush() {
  if (inbox_ == nullptr) inbox_.reset(new (std::nothrow) Inbox(core_.engine().keyspace().extra_memory()));
  return inbox_ != nullptr;
}

// Only the first of many messages wakes the owner, who then takes all of them.
void ServedSession::Push(Bytes bytes) {
  if (FitsInInbox(bytes.size()) && IsFirst(inbox_->Append(bytes)) && events_ != nullptr) events_->SessionWoken();
}

void ServedSession::PushOutput(const resp::Output& output) {
  if (FitsInInbox(output.size()) && IsFirst(inbox_->Append(output)) && events_ != nullptr) events_->SessionWoken();
}

bool ServedSession::FitsInInbox(size_t bytes) {
  const uint64_t limit = OutputLimit();
  if (limit == 0 || output_bytes() + bytes <= limit + kOutputUncounted) return true;
  CloseOverOutputLimit();
  return false;
}

bool ServedSession::IsFirst(Inbox::Appended appended) {
  if (appended == Inbox::Appended::kNoMemory) CloseOverLimit(kNoMemoryForReplies);
  return appended == Inbox::Appended::kFirst;
}

// The reply goes the way of messages, behind those that came before it. Only then may the next request run.
void ServedSession::WaitOver(resp::Output* reply) {
  if (reply == nullptr) {
    Stop();
  } else if (reply->failed()) {
    CloseOverLimit(kNoMemoryForReplies);
  } else if (!reply->empty()) {
    if (FitsInInbox(reply->size())) (void)IsFirst(inbox_->Append(*reply));
  }
  client_.waiting.store(false, std::memory_order_release);
  if (events_ != nullptr) events_->SessionWoken();
}

uint64_t ServedSession::OutputLimit() const {
  const core::LiveLimits& limits = core_.limits();
  const core::LiveLimits::Output& output = client_.subscriptions.any() ? limits.output_pubsub : limits.output_normal;
  return output.hard.load(std::memory_order_relaxed);
}

bool ServedSession::CloseOverLimit(std::string_view why) {
  if (!Stop()) return false;
  core_.Log(LogLevel::kWarning, why);
  if (events_ != nullptr) events_->SessionWoken();
  return true;
}

// The listener's loop may find the same at the same moment. Only one of the two counts it.
void ServedSession::CloseOverOutputLimit() {
  if (!CloseOverLimit("a client is closed for overcoming of output buffer limits")) return;
  core_.engine().net().limit_disconnections_output.fetch_add(1, std::memory_order_relaxed);
}

// Closes a session with too much unsent output. Without the password it may have kOutputUncounted bytes, besides the
// bytes at the time when RESET took its admission. REQUIRES: there is more output than that.
void ServedSession::CheckOutput() {
  const uint64_t limit = OutputLimit();
  const bool stranger = !client_.authenticated && core_.limits().needs_password.load(std::memory_order_relaxed);
  const bool over = stranger && output_.size() > owed_before_reset_ + kOutputUncounted;
  if (over || (limit != 0 && output_.size() > limit + kOutputUncounted)) CloseOverOutputLimit();
}

void ServedSession::TakeInbox() {
  if (inbox_->size() == 0) return;
  const bool taken = inbox_->MoveTo(output_);
  PublishOutput();
  Account();
  if (!taken) CloseOverLimit(kNoMemoryForReplies);
}

bool ServedSession::PauseLasts() const {
  const int64_t until_ms = core_.engine().pause().until_ms();
  return until_ms != 0 && core_.clock().NowUs() / 1000 < until_ms;
}

// Makes requests that were parsed and have not run input again.
void ServedSession::TakeBack() {
  cut_in_batch_ = false;
  if (doomed_counted_ != 0) CountDoomed(0);
  if (large_) {
    PutBack(large_, large_at_, large_filled_ != 0 ? large_filled_ : large_->size() + kCrlf);
    large_ = memory::BlockRef();
    large_filled_ = 0;
  }
  taken_back_ = true;
  consumed_ = cut_at_;
  parser_.Reset();
  failed_ = false;
  PublishInput();
}

}  // namespace larder::inline v0::session
