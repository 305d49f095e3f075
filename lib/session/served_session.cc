#include "lib/session/served_session.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/short.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::session {
namespace {

// How much room a read is given, unless a large argument is arriving.
constexpr size_t kReadBytes = BufferPool::kBytes;

// A part of a request up to this size is not worth a buffer of the pool's.
constexpr size_t kSmallInput = 1024;

// Without a pool: a buffer that has become empty is kept up to this size.
constexpr size_t kKeptBytes = 16 * 1024;

// The first bytes of a reply go to a buffer that every Redis client has, and client-output-buffer-limit counts what comes
// after them. Listeners take the same.
constexpr uint64_t kOutputUncounted = 16 * 1024;

// A large argument is given its memory when its header has come; a header that claims more than this only when the first
// part of it has come too: headers are cheap, and what they claim counts as used memory.
constexpr size_t kLargeTrusted = 256 * 1024;
constexpr size_t kLargeTrustedTimes = 16;
// One read of a large argument: others wait for it.
constexpr size_t kLargeReadMax = 1024 * 1024;
constexpr size_t kCrlf = 2;

constexpr std::string_view kNoMemoryForReplies = "a client is closed: there is no memory for its replies";

// Requests of one batch, over all sessions; what is over waits for the next turn.
constexpr size_t kRequestsMax = 16 * 1024;
// How many watches a slice ends: some 70 us.
constexpr size_t kWatchesAtOnce = 256;

}  // namespace

std::unique_ptr<ServedSession> ServedSession::Create(core::CacheCore& core, const Peer& peer, SessionEvents* events,
                                                     BufferPool* pool) {
  std::unique_ptr<ServedSession> session(new (std::nothrow) ServedSession(core, events, pool));
  if (session == nullptr) return nullptr;
  engine::ClientState& client = session->client_;
  client.kind = peer.kind;
  if (!client.peer.Assign(peer.address) || !client.local.Assign(peer.local_address)) return nullptr;
  client.fd = peer.fd;
  client.policy = peer.policy;
  client.io = session.get();
  client.authenticated = !core.limits().needs_password.load(std::memory_order_relaxed);  // and stays so
  client.created_ms = client.last_interaction_ms = core.clock().NowUs() / 1000;
  return session;
}

std::span<char> ServedSession::PrepareRead() {
  if (large_filled_ != 0) {
    const size_t left = large_->size() + kCrlf - large_filled_;
    return {large_->data() + large_filled_, std::min(left, kLargeReadMax)};
  }
  if (pool_ != nullptr && input_.capacity() == 0) {
    input_lent_ = pool_->Lend(input_);
    return input_lent_ ? std::span<char>(input_.data(), input_.capacity()) : std::span<char>();
  }
  if (pool_ != nullptr && !input_lent_ && input_.size() - consumed_ <= kSmallInput) {  // see ShrinkInput
    base::Buffer lent;
    if (!pool_->Lend(lent)) return {};
    MoveInputTo(lent);
    input_lent_ = true;
    return {input_.data() + input_.size(), input_.capacity() - input_.size()};
  }
  if (consumed_ != 0) {
    // Moving what is left down costs its size; it is worth it when little is left or room is short.
    const size_t left = input_.size() - consumed_;
    if (left <= 4096 || input_.capacity() - input_.size() < kReadBytes) {
      input_.DropFront(consumed_);
      large_at_ -= consumed_;  // of no meaning unless there is one
      consumed_ = 0;
    }
  }
  // A large argument gets larger reads, but never more room than four times what has come: a header's word is cheap.
  const size_t wanted = parser_.BytesWanted();
  size_t room = kReadBytes;
  const size_t arrived = input_.size() - consumed_;
  if (wanted > room && arrived >= room) room = std::min(wanted, arrived * 4);
  if (!input_.Reserve(room)) {
    input_.ClearFailed();
    return {};
  }
  // No more than that, though a buffer that has grown may have 1 MB free: what comes in one piece must be parsed before it
  // can be over client-query-buffer-limit.
  return {input_.data() + input_.size(), room};
}

void ServedSession::PublishInput() {
  shown_input_.store(input_left(), std::memory_order_relaxed);
  shown_free_.store(input_.capacity() - input_.size(), std::memory_order_relaxed);
}

void ServedSession::CommitRead(size_t n) {
  if (large_filled_ != 0) return CommitLarge(n);
  input_.Extend(n);
  if (consumed_ == input_.size()) {
    RestInput();
  } else {
    PublishInput();
    if (n == 0) ShrinkInput();  // nothing will be parsed
  }
  Account();
}

// `alone`: no request that is to run points into the input.
void ServedSession::BeginLarge(bool alone) {
  const size_t length = parser_.LargeBulk();
  const size_t parsed = consumed_ + parser_.ParsedBytes();
  const size_t arrived = input_.size() - parsed;
  if (length == 0 || large_ || arrived == 0) return;
  if (length > kLargeTrusted && length / kLargeTrustedTimes > arrived) return;
  static_assert(!memory::Heap::NeedsHolder(resp::RequestParser::kLargeBulk));
  large_ = memory::BlockRef::Adopt(core_.engine().keyspace().blocks().New(length, length + kCrlf));
  if (!large_) return;  // as any other argument, then: that may end with an error, or have become possible by then
  const uint64_t maxmemory = core_.limits().maxmemory.load(std::memory_order_relaxed);
  if (maxmemory != 0 && length > maxmemory) CountDoomed(doomed_counted_ + large_->footprint());
  base::CopyBytes(large_->data(), input_.view().substr(parsed));
  input_.Truncate(parsed);
  if (alone && input_.capacity() > 2 * BufferPool::kBytes) {  // it had grown for the argument
    base::Buffer rest;
    if (rest.Append(input_.view())) input_.Swap(rest);
    if (rest.capacity() > input_.capacity() && std::exchange(input_lent_, false)) pool_->TakeBack(rest);
  }
  large_at_ = parsed;
  large_filled_ = arrived;
  Account();
}

// What was read into a block stands in the input again, for a request that is to be parsed once more.
void ServedSession::PutBack(const memory::BlockRef& block, size_t at, size_t n) {
  const size_t behind = input_.size() - at;
  if (input_.Extend(n) == nullptr) {
    input_.ClearFailed();
    CloseOverLimit("a client is closed: there is no memory for its request");
    return;
  }
  char* const place = input_.data() + at;
  if (behind != 0) std::memmove(place + n, place, behind);
  std::memcpy(place, block->data(), n);
  PublishInput();
}

void ServedSession::CommitLarge(size_t n) {
  large_filled_ += n;
  if (large_filled_ == large_->size() + kCrlf) {
    large_filled_ = 0;
    large_just_came_ = true;
    parser_.TakeBulk(input_.view().substr(consumed_), large_->view());
  }
  PublishInput();
  Account();
}

void ServedSession::ConsumeOutput(size_t n) {
  output_.Consume(n);
  PublishOutput();
  if (output_.empty()) RestOutput();
  Account();
}

void ServedSession::RestInput() {
  consumed_ = 0;
  if (std::exchange(input_lent_, false)) {
    pool_->TakeBack(input_);
  } else if (input_.capacity() > kKeptBytes || pool_ != nullptr) {
    input_.Free();
  } else {
    input_.Clear();
  }
  PublishInput();
}

// A small part of a request is kept where it takes little: 10,000 clients may each have sent one, and a buffer of the
// pool's costs 20 KB. REQUIRES: no request that is to run points into the input.
void ServedSession::ShrinkInput() {
  const size_t left = input_.size() - consumed_;
  if (!input_lent_ || left > kSmallInput) return;
  base::Buffer small;
  if (!small.Reserve(left)) return;  // it stays where it is
  MoveInputTo(small);
  input_lent_ = false;
  pool_->TakeBack(small);
  PublishInput();
  Account();
}

// `to` has room for what is not consumed, and gets the buffer that was there in exchange.
void ServedSession::MoveInputTo(base::Buffer& to) {
  to.Append(input_.view().substr(consumed_));
  large_at_ -= consumed_;  // of no meaning unless there is one
  consumed_ = 0;
  input_.Swap(to);
}

void ServedSession::RestOutput() {
  output_.Clear();
  owed_before_reset_ = 0;
  if (std::exchange(output_lent_, false)) {
    pool_->TakeBack(output_.bytes());
  } else if (output_.bytes().capacity() > kKeptBytes || pool_ != nullptr) {
    output_.bytes().Free();
  }
}

void ServedSession::ReturnBuffers() {
  if (std::exchange(input_lent_, false)) pool_->TakeBack(input_);
  if (std::exchange(output_lent_, false)) {
    output_.Clear();
    pool_->TakeBack(output_.bytes());
  }
}

void ServedSession::Account() {
  const size_t queue = client_.transaction != nullptr ? client_.transaction->memory() : 0;
  const size_t lent = (input_lent_ ? BufferPool::kBytes : 0) + (output_lent_ ? BufferPool::kBytes : 0);
  const size_t large = large_ ? (large_filled_ != 0 ? large_filled_ : large_->size()) : 0;
  const size_t in_blocks = large + output_.referenced();
  borrowed_.store(lent + in_blocks, std::memory_order_relaxed);
  if (in_blocks != blocks_counted_) CountBlocks(in_blocks);
  const size_t now = input_.capacity() + output_.memory() + parser_.memory() + queue + sizeof(ServedSession) +
                     client_.names_memory() - lent;
  const size_t before = accounted_.load(std::memory_order_relaxed);
  if (now == before) return;
  core_.engine().keyspace().extra_memory().fetch_add(now - before, std::memory_order_relaxed);
  accounted_.store(now, std::memory_order_relaxed);
}

void ServedSession::CountBlocks(size_t bytes) {
  core_.engine().clients_blocks().fetch_add(bytes - blocks_counted_, std::memory_order_relaxed);
  blocks_counted_ = bytes;
}

void ServedSession::CountDoomed(size_t bytes) {
  core_.engine().keyspace().doomed_arguments().fetch_add(bytes - doomed_counted_, std::memory_order_relaxed);
  doomed_counted_ = bytes;
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

// Only the first of many wakes the owner, who then takes all.
void ServedSession::Push(Bytes bytes) {
  const uint64_t limit = core_.limits().output_normal.hard.load(std::memory_order_relaxed);
  if (limit != 0 && output_bytes() + bytes.size() > limit + kOutputUncounted) {
    return CloseOverOutputLimit();
  }
  switch (inbox_->Append(bytes)) {
    case Inbox::Appended::kMore: return;
    case Inbox::Appended::kFirst:
      if (events_ != nullptr) events_->SessionWoken();
      return;
    case Inbox::Appended::kNoMemory: CloseOverLimit(kNoMemoryForReplies); return;
  }
}

bool ServedSession::CloseOverLimit(std::string_view why) {
  if (!Stop()) return false;
  core_.Log(LogLevel::kWarning, why);
  if (events_ != nullptr) events_->SessionWoken();
  return true;
}

// The listener's loop may find the same at the same moment.
void ServedSession::CloseOverOutputLimit() {
  if (!CloseOverLimit("a client is closed for overcoming of output buffer limits")) return;
  core_.engine().net().limit_disconnections_output.fetch_add(1, std::memory_order_relaxed);
}

// REQUIRES: there is more of it than the first bytes. Who has not said the password may be owed those and no more, but
// for what it was owed when RESET made it a stranger.
void ServedSession::CheckOutput() {
  const uint64_t limit = core_.limits().output_normal.hard.load(std::memory_order_relaxed);
  const bool stranger = !client_.authenticated && core_.limits().needs_password.load(std::memory_order_relaxed);
  const bool over = stranger && output_.size() > owed_before_reset_ + kOutputUncounted;
  if (over || (limit != 0 && output_.size() > limit + kOutputUncounted)) CloseOverOutputLimit();
}

void ServedSession::TakeInbox() {
  if (inbox_->size() == 0) return;
  const bool taken = inbox_->MoveTo(output_.bytes());
  PublishOutput();
  Account();
  if (!taken) CloseOverLimit(kNoMemoryForReplies);
}

bool ServedSession::PauseLasts() const {
  const int64_t until_ms = core_.engine().pause().until_ms();
  return until_ms != 0 && core_.clock().NowUs() / 1000 < until_ms;
}

// What was parsed and not run is input again.
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

SessionBatch::~SessionBatch() {
  Abandon();
  while (Page* page = first_page_) {
    first_page_ = page->next;
    delete page;
  }
}

// Ids follow the order of arrival.
void SessionBatch::Open(ServedSession& session) {
  session.opening_in_ = this;
  session.in_opening_ = true;
  session.previous_opening_ = last_opening_;
  (last_opening_ != nullptr ? last_opening_->next_opening_ : opening_) = &session;
  last_opening_ = &session;
}

// False if it is not there.
bool SessionBatch::TakeFromOpening(ServedSession& session) {
  // One that another batch opens is the executor's in this respect: not even looked at.
  if (session.opening_in_ != this || !session.in_opening_) return false;
  (session.previous_opening_ != nullptr ? session.previous_opening_->next_opening_ : opening_) = session.next_opening_;
  (session.next_opening_ != nullptr ? session.next_opening_->previous_opening_ : last_opening_) =
      session.previous_opening_;
  session.next_opening_ = session.previous_opening_ = nullptr;
  session.in_opening_ = false;
  return true;
}

void SessionBatch::ForgetRequests(const ServedSession& session) {
  if (session.requests_in_batch_ == 0) return;
  Page* page = first_page_;
  for (size_t i = 0; i < count_; ++i) {
    if (i != 0 && i % Page::kRequests == 0) page = page->next;
    Request& request = page->requests[i % Page::kRequests];
    if (request.session == &session) request.session = nullptr;
  }
}

void SessionBatch::Close(std::unique_ptr<ServedSession> session) {
  ForgetRequests(*session);
  const bool unknown = TakeFromOpening(*session) || session->opening_in_ == nullptr;
  session->ReturnBuffers();
  if (unknown && session->accounted_ == 0) return;  // the executor has never heard of it
  ServedSession* ending = session.release();
  ending->next_closing_ = std::exchange(closing_, ending);
}

SessionBatch::Request* SessionBatch::NextFree() {
  if (count_ >= kRequestsMax) return nullptr;
  // What was returned last time may not have been used: it is the same one again then, also on a page's first place.
  const size_t page = count_ / Page::kRequests;
  if (count_ == 0 || page != fill_page_index_) {
    Page** link = count_ == 0 ? &first_page_ : &fill_page_->next;
    if (*link == nullptr) *link = new (std::nothrow) Page();
    if (*link == nullptr) return nullptr;
    fill_page_ = *link;
    fill_page_index_ = page;
  }
  return &fill_page_->requests[count_ % Page::kRequests];
}

SessionBatch::Parsed SessionBatch::Parse(ServedSession& session, const ParseQuota& quota) {
  if (session.failed_ || session.client_.close_after_reply || session.stopped()) return Parsed::kNothing;
  if (session.large_filled_ != 0) return Parsed::kNothing;
  session.large_just_came_ = false;
  if (session.taken_back_) {
    if (session.held()) return Parsed::kNothing;
    session.client_.held.store(false, std::memory_order_relaxed);
    session.taken_back_ = false;
  }
  const core::LiveLimits& limits = core_.limits();
  session.parser_.set_bulk_max(limits.bulk_bytes_max.load(std::memory_order_relaxed));
  const bool stranger = !session.client_.authenticated && limits.needs_password.load(std::memory_order_relaxed);
  session.parser_.set_authenticated(!stranger);
  // A stranger's AUTH decides about the limits of all that follows, so it is not parsed before.
  const int commands_max = stranger ? 1 : quota.commands_max;
  const size_t start = session.consumed_;
  int added = 0;
  for (;;) {
    if (added == commands_max || session.consumed_ - start >= quota.bytes_max) {
      return session.input_left() != 0 ? Parsed::kSomeAndInput : Parsed::kSome;
    }
    Request* request = NextFree();
    if (request == nullptr) {
      if (added != 0) return Parsed::kSomeAndInput;
      if (count_ != 0) return Parsed::kFull;
      session.Stop();  // an empty batch without room: there is no memory
      return Parsed::kSome;
    }
    size_t consumed = 0;
    request->from = session.consumed_;
    const auto status =
        session.parser_.Next(session.input_.view().substr(session.consumed_), &consumed, &request->argv);
    session.consumed_ += consumed;
    request->to = session.consumed_;
    if (status == resp::RequestParser::kNeedMore) {
      if (session.parser_.LargeBulk() != 0) session.BeginLarge(/*alone=*/added == 0);
      if (added != 0) return Parsed::kSome;
      session.ShrinkInput();
      return Parsed::kNothing;
    }
    if (added == 0) session.PrepareOutput();
    request->session = &session;
    request->large = std::move(session.large_);
    request->large_at = session.large_at_;
    if (session.blocks_counted_ != 0) session.CountBlocks(session.output_.referenced());
    request->is_error = status == resp::RequestParser::kError;
    request->after_blank = session.parser_.TakeBlank();
    request->special = request->is_error || request->after_blank;
    session.failed_ = request->is_error;
    ++session.requests_in_batch_;
    ++count_;
    ++added;
    if (request->is_error) return Parsed::kSome;
  }
}

// True when there is nothing more to open and to end.
bool SessionBatch::OpenAndClose(const executor::SliceLimit& limit) {
  engine::Engine& engine = core_.engine();
  for (int opened = 0; opening_ != nullptr; ++opened) {
    if (opened == limit.commands_max) return false;
    ServedSession* const session = opening_;
    TakeFromOpening(*session);
    session->client_.db = engine.keyspace().db(0);
    engine.clients().Add(&session->client_);
    session->opened_ = true;
  }
  for (int closed = 0; closing_ != nullptr; ++closed) {
    if (closed == limit.commands_max) return false;
    ServedSession* const session = closing_;
    const engine::MultiState* const transaction = session->client_.transaction;
    if (limit.only_short && transaction != nullptr && transaction->watch_count > engine::kShortElements) {
      next_is_long_ = true;
      return false;
    }
    // Of a million keys that it watched, some at a time.
    if (transaction != nullptr && !engine.watches().RemoveSome(session->client_.transaction, kWatchesAtOnce)) return false;
    closing_ = session->next_closing_;
    End(*session);
    delete session;
  }
  return true;
}

void SessionBatch::End(ServedSession& session) {
  session.CountBlocks(0);
  session.CountDoomed(0);
  if (session.opened_) {
    engine::DropMultiState(core_.engine(), session.client_);
    delete std::exchange(session.client_.transaction, nullptr);
    core_.engine().monitors().Remove(session.client_);
    core_.engine().clients().Remove(&session.client_);
  }
  core_.engine().keyspace().extra_memory().fetch_sub(session.accounted_, std::memory_order_relaxed);
}

// A slice of what a large request needs before it may run; see keyspace/room.h. False if it needs more than that: others
// should have their turn before it is asked for again.
bool SessionBatch::MadeRoomAhead(Request& request) {
  keyspace::Keyspace& keyspace = core_.engine().keyspace();
  const size_t counted = request.large ? request.large->footprint() : 0;
  if (!keyspace.OverLimit(counted) || !request.session->client_.authenticated) return true;
  if (core_.engine().pause().until_ms() != 0) return true;  // nothing is evicted in a pause
  engine::ClientState& client = request.session->client_;
  client.large_argument = &request.large;
  const keyspace::Growth growth = engine::GrowthOf(core_.engine().commands(), request.argv.span(),
                                                     keyspace.config().string_bytes_max, &client);
  client.large_argument = nullptr;
  if (growth.bytes <= keyspace::kSliceBytes || !keyspace.OverLimit(growth.counted)) return true;
  if (growth.value_bytes > keyspace.config().maxmemory) return true;  // it will be refused
  const uint64_t before = keyspace.room_made();
  const keyspace::Room room = keyspace.MakeRoom(growth);
  request.room_ahead += keyspace.room_made() - before;
  return room != keyspace::Room::kOver || request.room_ahead >= growth.bytes;
}

// True if that was all.
bool SessionBatch::RunSpecial(Request& request) {
  ServedSession& session = *request.session;
  engine::ClientState& client = session.client_;
  if (std::exchange(request.after_blank, false)) client.reply_mode.CommandEnded();  // once, however often it is tried
  if (!request.is_error) return false;
  // (Redis never closes a client that has no reply to wait for: it hears of nothing it sends, and keeps its place.)
  client.close_after_reply = true;
  core_.engine().CountError("ERR");
  if (client.reply_mode.silent()) return true;
  char room[resp::RequestParser::kErrorMax];
  resp::ReplyWriter reply(session.output_, client.protocol);
  reply.Error({session.parser_.error(room)});
  return true;
}

// Dispatch has done nothing.
void SessionBatch::NotRun(Request& request, int64_t why) {
  ServedSession& session = *request.session;
  if (why == engine::kHeld) {
    session.cut_in_batch_ = true;
    session.cut_at_ = request.from;
    return;
  }
  LARDER_DCHECK(why == engine::kAttack);
  session.Stop();
  session.output_.Clear();
  session.PublishOutput();
}

// False if it has to be called again after others have had the executor.
bool SessionBatch::RunOne(Request& request, int64_t* now_us) {
  ServedSession& session = *request.session;
  engine::ClientState& client = session.client_;
  if (client.close_after_reply || session.stopped() || session.cut_in_batch_) return true;
  session.TakePushed();
  if (core_.engine().keyspace().config().maxmemory != 0 && !request.is_error) [[unlikely]] {
    if (!MadeRoomAhead(request)) return false;
  }
  if (request.special && RunSpecial(request)) [[unlikely]] return true;
  resp::ReplyWriter reply(session.output_, client.protocol);
  client.large_argument = &request.large;
  const bool was_known = client.authenticated;
  const int64_t ended_us =
      engine::Dispatch(core_.engine(), client, request.argv.span(), reply, *now_us, /*at_once=*/false, &request.search);
  client.large_argument = nullptr;
  if (ended_us == engine::kWantsRoom) [[unlikely]] return false;
  if (ended_us < 0) [[unlikely]] {
    NotRun(request, ended_us);
    return true;
  }
  *now_us = ended_us;
  if (client.limits_changed) [[unlikely]] {
    client.limits_changed = false;
    session.cut_in_batch_ = true;
    session.cut_at_ = request.to;
    if (was_known) session.owed_before_reset_ = session.output_.size();  // a stranger's RESET changes nothing in that
  }
  session.PublishOutput();
  session.Account();
  if (session.output_.failed()) {
    session.CloseOverLimit(kNoMemoryForReplies);
  } else if (session.output_.size() > kOutputUncounted) {
    session.CheckOutput();
  }
  return true;
}

// Overlaps the cache misses of the next requests' keys. What stands where most commands have their key is taken for one:
// if it is none, a few lines have been fetched in vain.
void SessionBatch::PrefetchWindow() {
  const Page* page = run_page_;
  const size_t first = next_ % Page::kRequests;
  const size_t count = std::min(kWindow, count_ - next_);
  if (count < 2) return;
  LARDER_DCHECK(first + count <= Page::kRequests);
  const keyspace::Db* dbs[kWindow];
  uint64_t hashes[kWindow];
  size_t keys = 0;
  for (size_t i = first; i < first + count; ++i) {
    const Request& request = page->requests[i];
    if (request.session == nullptr || request.argv.size() < 2) continue;
    const keyspace::Db* const db = request.session->client_.db;
    dbs[keys] = db;
    hashes[keys++] = db->Hash(request.argv[1]);
    db->PrefetchHashed(hashes[keys - 1], 0);
  }
  for (int stage = 1; stage < 3; ++stage) {
    for (size_t i = 0; i < keys; ++i) dbs[i]->PrefetchHashed(hashes[i], stage);
  }
}

// The request that is to run next.
SessionBatch::Request& SessionBatch::Next() {
  const size_t in_page = next_ % Page::kRequests;
  if (in_page == 0 && !page_entered_) {
    run_page_ = next_ == 0 ? first_page_ : run_page_->next;
    page_entered_ = true;
  }
  return run_page_->requests[in_page];
}

bool SessionBatch::IsShort(Request& request) {
  if (request.session == nullptr || request.is_error) return true;
  ServedSession& session = *request.session;
  engine::ClientState& client = session.client_;
  if (client.close_after_reply || session.stopped() || session.cut_in_batch_) return true;
  client.large_argument = &request.large;
  const bool is_short = engine::IsShort(core_.engine(), client, request.argv.span());
  client.large_argument = nullptr;
  return is_short;
}

bool SessionBatch::NextIsShort() {
  return opening_ != nullptr || closing_ != nullptr || next_ == count_ || IsShort(Next());
}

bool SessionBatch::RunSlice(const executor::SliceLimit& limit) {
  next_is_long_ = false;
  if (!OpenAndClose(limit)) return false;
  int64_t now_us = core_.clock().NowUs();
  const int64_t end_us = now_us + limit.ns_max / 1000;
  for (int ran = 0; next_ < count_ && ran < limit.commands_max && (ran == 0 || now_us < end_us); ++ran) {
    Request& request = Next();
    if (limit.only_short && !IsShort(request)) {
      next_is_long_ = true;
      break;
    }
    if (next_ % kWindow == 0) PrefetchWindow();
    // A large write for which more than one slice has to be evicted stays the next one: others may come in between.
    if (request.session != nullptr && (request.session->left_in_batch_ || !RunOne(request, &now_us))) {
      if (!leaves_ || limit.only_short) break;
      Leave(request);
    }
    ++next_;
    page_entered_ = false;
  }
  core_.engine().CheckClientsMemory();
  core_.AfterOp();
  return next_ == count_;
}

void SessionBatch::RunAll() {
  while (!RunSlice({.commands_max = 1 << 20, .ns_max = INT64_MAX / 2})) {
  }
}

void SessionBatch::Leave(Request& request) {
  request.left = true;
  request.session->left_in_batch_ = true;
  ++left_;
}

// Request number `to` of the next round: the fill page follows. That place has been reset, or it is the request's own.
void SessionBatch::KeepLeft(Request& request, size_t to) {
  if (to % Page::kRequests == 0) fill_page_ = to == 0 ? first_page_ : fill_page_->next;
  fill_page_index_ = to / Page::kRequests;
  Request& place = fill_page_->requests[to % Page::kRequests];
  if (&place != &request) std::swap(place, request);
  place.left = false;
  place.session->left_in_batch_ = false;
  ++place.session->requests_in_batch_;
}

void SessionBatch::Reset(bool all) {
  const ServedSession* last = nullptr;
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    Request& request = i % Page::kRequests == 0 ? (run_page_ = i == 0 ? first_page_ : run_page_->next)->requests[0]
                                                : run_page_->requests[i % Page::kRequests];
    if (left_ != 0 && request.left) [[unlikely]] {
      if (!all && request.session != nullptr) {
        KeepLeft(request, kept++);
        continue;
      }
      request.left = false;
      if (request.session != nullptr) request.session->left_in_batch_ = false;
    }
    ServedSession* session = request.session;
    request.session = nullptr;
    request.argv.Clear(resp::ArgVector::kInline);
    if (request.room_ahead != 0 || request.search.wanted != 0) [[unlikely]] {
      request.room_ahead = 0;
      request.search = {};
    }
    if (session != nullptr && session != last) {
      last = session;
      session->requests_in_batch_ = 0;
      if (session->left_in_batch_) [[unlikely]] {
        // The input is needed still.
      } else if (session->cut_in_batch_) {
        session->TakeBack();
        // Only the first request can have one: it ends what the batch before left unfinished.
        if (request.large && request.from >= session->cut_at_) {
          session->PutBack(request.large, request.large_at, request.large->size() + kCrlf);
        }
        session->ShrinkInput();
      } else if (session->consumed_ == session->input_.size()) {
        session->RestInput();
      } else {
        session->PublishInput();
        session->ShrinkInput();
      }
      if (session->output_lent_ && session->output_.empty() && !session->left_in_batch_) session->RestOutput();
    }
    if (request.large) {
      request.large = memory::BlockRef();
      if (session != nullptr && session->doomed_counted_ != 0 && !session->large_) session->CountDoomed(0);
    }
    if (session != nullptr) session->Account();
  }
  count_ = kept;
  next_ = left_ = 0;
  page_entered_ = false;
}

void SessionBatch::Abandon() {
  base::AssertHolder();
  Reset(/*all=*/true);
  while (ServedSession* session = opening_) {  // they are their owners'
    TakeFromOpening(*session);
    session->opening_in_ = nullptr;
  }
  while (ServedSession* session = closing_) {
    closing_ = session->next_closing_;
    End(*session);
    delete session;
  }
}

}  // namespace larder::inline v0::session
