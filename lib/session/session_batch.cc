#include "lib/session/session_batch.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/short.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::session {
namespace {

// Requests of one batch, over all sessions. The rest waits for the next batch.
constexpr size_t kRequestsMax = 16 * 1024;
// How many watches a slice ends, which takes some 70 us.
constexpr size_t kWatchesAtOnce = 256;

}  // namespace

SessionBatch::~SessionBatch() {
  Abandon();
  while (Page* page = first_page_) {
    first_page_ = page->next;
    delete page;
  }
}

// Sessions get their ids in the order of arrival.
void SessionBatch::Open(ServedSession& session) {
  session.opening_in_ = this;
  session.in_opening_ = true;
  opening_.PushBack(session);
}

// Returns false if the session is not in the list.
bool SessionBatch::TakeFromOpening(ServedSession& session) {
  // If another batch opens the session, that batch has the flag and the links, and may be with the executor.
  if (session.opening_in_ != this || !session.in_opening_) return false;
  opening_.Remove(session);
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
  // If the place that was returned last was not used, it is returned again, also if it is the first one of its page.
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

Parsed SessionBatch::Parse(ServedSession& session, const ParseQuota& quota) {
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

// Returns true when there is nothing more to open and to end.
bool SessionBatch::OpenAndClose(const executor::SliceLimit& limit) {
  engine::Engine& engine = core_.engine();
  for (int opened = 0; !opening_.empty(); ++opened) {
    if (opened == limit.commands_max) return false;
    ServedSession* const session = opening_.front();
    TakeFromOpening(*session);
    session->client_.db = engine.keyspace().db(0);
    engine.clients().Add(&session->client_);
    session->opened_ = true;
  }
  for (int closed = 0; closing_ != nullptr; ++closed) {
    if (closed == limit.commands_max) return false;
    ServedSession* const session = closing_;
    const engine::MultiState* const transaction = session->client_.transaction;
    const size_t watches = transaction != nullptr ? transaction->watch_count : 0;
    if (limit.only_short && watches + session->client_.subscriptions.total() > engine::kShortElements) {
      next_is_long_ = true;
      return false;
    }
    // A session may have watched a million keys, or subscribed to as many channels; some are removed at a time.
    if (transaction != nullptr && !engine.watches().RemoveSome(session->client_.transaction, kWatchesAtOnce)) {
      return false;
    }
    if (!engine.pubsub().RemoveSome(session->client_, kWatchesAtOnce)) return false;
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
    core_.engine().blocking().Forget(session.client_);
    engine::DropMultiState(core_.engine(), session.client_);
    delete std::exchange(session.client_.transaction, nullptr);
    core_.engine().monitors().Remove(session.client_);
    core_.engine().pubsub().RemoveSome(session.client_, SIZE_MAX);
    core_.engine().clients().Remove(&session.client_);
  }
  core_.engine().keyspace().extra_memory().fetch_sub(session.accounted_, std::memory_order_relaxed);
}

// Makes a slice of the room that a large request needs before it may run; see keyspace/room.h. Returns false if it
// needs more than that, and others should run before the next slice.
bool SessionBatch::MadeRoomAhead(Request& request) {
  keyspace::Keyspace& keyspace = core_.engine().keyspace();
  const size_t counted = request.large ? request.large->footprint() : 0;
  if (!keyspace.limit().Exceeded(counted) || !request.session->client_.authenticated) return true;
  if (core_.engine().pause().until_ms() != 0) return true;  // nothing is evicted in a pause
  engine::ClientState& client = request.session->client_;
  client.large_argument = &request.large;
  const keyspace::Growth growth = engine::GrowthOf(core_.engine().commands(), request.argv.span(),
                                                     keyspace.config().string_bytes_max, &client);
  client.large_argument = nullptr;
  if (growth.bytes <= keyspace::kSliceBytes || !keyspace.limit().Exceeded(growth.counted)) return true;
  if (growth.value_bytes > keyspace.config().maxmemory) return true;  // it will be refused
  const uint64_t before = keyspace.limit().room_made();
  const keyspace::Room room = keyspace.limit().MakeRoom(growth);
  request.room_ahead += keyspace.limit().room_made() - before;
  return room != keyspace::Room::kOver || request.room_ahead >= growth.bytes;
}

// Returns true if the request needs nothing else.
bool SessionBatch::RunSpecial(Request& request) {
  ServedSession& session = *request.session;
  engine::ClientState& client = session.client_;
  if (std::exchange(request.after_blank, false)) client.reply_mode.CommandEnded();  // once, however often it is tried
  if (!request.is_error) return false;
  // With CLIENT REPLY OFF Redis does not close the client here, which hears of no error and keeps its place. Larder
  // does.
  client.close_after_reply = true;
  core_.engine().CountError("ERR");
  if (client.reply_mode.silent()) return true;
  char room[resp::RequestParser::kErrorMax];
  resp::ReplyWriter reply(session.output_, client.protocol);
  reply.Error({session.parser_.error(room)});
  return true;
}

// Handles a request of which Dispatch has done nothing.
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

// Returns false if it has to be called again after others have had the executor.
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
  if (client.cuts_batch) [[unlikely]] {
    client.cuts_batch = false;
    session.cut_in_batch_ = true;
    session.cut_at_ = request.to;
    const bool waits = client.waiting.load(std::memory_order_relaxed);
    // A stranger's RESET changes nothing in that.
    if (was_known && !waits) session.owed_before_reset_ = session.output_.size();
  }
  session.PublishOutput();
  session.Account();
  // The next command must find what is left when those who waited have been served.
  if ((core_.engine().keyspace().owed() & keyspace::kOwesWaiters) != 0) [[unlikely]] {
    core_.engine().blocking().ServeReady();
  }
  if (session.output_.failed()) {
    session.CloseOverLimit(ServedSession::kNoMemoryForReplies);
  } else if (session.output_.size() > kOutputUncounted) {
    session.CheckOutput();
  }
  return true;
}

// Overlaps the cache misses of the next requests' keys. It takes the first argument for a key, as most commands have
// theirs there. If it is none, a few lines have been fetched in vain.
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
  return !opening_.empty() || closing_ != nullptr || next_ == count_ || IsShort(Next());
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
    // A large write that needs more than one slice of eviction stays the next request, and others may come in between.
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

// Makes it request number `to` of the next round, and moves the fill page on. That place is free or the request's own.
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
        // A request that is left still points into the input.
      } else if (session->cut_in_batch_) {
        session->TakeBack();
        // Only the session's first request can have a large argument: it has begun before this batch was filled.
        if (request.large && request.from >= session->cut_at_) {
          session->PutBack(request.large, request.large_at, request.large->size() + ServedSession::kCrlf);
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
  while (ServedSession* session = opening_.front()) {  // they are their owners'
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
