// ServedSession: a client that speaks RESP: bytes in, replies out. No sockets: a listener's connection stands in front of
// one, or an in-memory connection. SessionBatch runs the requests of many in one submission to the executor.
//
// A turn:  PrepareRead, CommitRead  →  batch.Parse(session)  →  submit the batch  →  output(), ConsumeOutput
//
// Threads: one owner (a loop's thread, or whoever holds the in-memory connection) calls everything. While a batch with
// requests of this session is with the executor, only Stop() and stopped() may be called.
#ifndef LARDER_SESSION_SERVED_SESSION_H_
#define LARDER_SESSION_SERVED_SESSION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/buffer.h"
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/engine/client.h"
#include "lib/executor/executor.h"
#include "lib/memory/block.h"
#include "lib/resp/argv.h"
#include "lib/resp/output.h"
#include "lib/resp/parser.h"
#include "lib/session/buffer_pool.h"
#include "lib/session/inbox.h"

namespace larder::inline v0::session {

// Who is at the other end.
struct Peer {
  engine::ClientKind kind = engine::ClientKind::kMemory;
  std::string_view address = {};  // as CLIENT LIST shows them
  std::string_view local_address = {};
  int fd = -1;
  const engine::ClientPolicy* policy = nullptr;  // outlives the session
};

// What happens to a session outside of its own turn.
class SessionEvents {
 public:
  // It has output that no request of its own caused, or stopped() or MayGoOn() is true now. Any thread, also under the
  // executor; must not call back.
  virtual void SessionWoken() = 0;

 protected:
  ~SessionEvents() = default;
};

struct ParseQuota {
  int commands_max = 64;
  size_t bytes_max = 32 * 1024;
};

class SessionBatch;

class LARDER_API ServedSession final : private engine::ClientIo {
 public:
  // nullptr when there is no memory. `events` may be null. The session gets its id, and shows in CLIENT LIST, with the
  // next batch (SessionBatch::Open). With a `pool`, which must outlive it, it holds buffers only while it has bytes in
  // them; without, it keeps its own.
  static std::unique_ptr<ServedSession> Create(core::CacheCore& core, const Peer& peer, SessionEvents* events,
                                               BufferPool* pool = nullptr);
  ~ServedSession() = default;  // REQUIRES: SessionBatch has ended it, or never opened it.

  // Where the next bytes are to go; empty when there is no memory. CommitRead, or the session's end, must follow.
  std::span<char> PrepareRead();
  void CommitRead(size_t n);
  // Bytes that have come and did not become a request yet.
  size_t input_left() const {
    return input_.size() - consumed_ + (large_filled_ != 0 ? large_filled_ : large_ ? large_->size() : 0);
  }

  // What client-query-buffer-limit is about: bytes that are not part of a request yet. Arguments that have arrived are, as
  // in Redis, so that a request may be as large as its arguments may be many; maxmemory-clients bounds that.
  size_t input_buffered() const {
    return input_.size() - consumed_ - parser_.ParsedBytes() + (large_just_came_ ? large_->size() + 2 : large_filled_);
  }

  // Puts what others have for it (MONITOR's lines) into the output. To be called before the output is looked at.
  void TakePushed() {
    if (inbox_ != nullptr) [[unlikely]] TakeInbox();
  }
  resp::Output& output() { return output_; }
  const resp::Output& output() const { return output_; }
  void ConsumeOutput(size_t n);

  // It needs no password, or has said it. While a batch with requests of it is with the executor, not to be asked.
  bool admitted() const {
    return client_.authenticated || !core_.limits().needs_password.load(std::memory_order_relaxed);
  }

  // To be closed as soon as its output is sent; it runs nothing more.
  bool closes_after_output() const { return client_.close_after_reply; }
  // Makes stopped() true. False if it was already: of several that find a reason to close it, one counts. Any thread.
  bool Stop() { return !client_.close_now.exchange(true, std::memory_order_acq_rel); }
  // To be closed at once. Any thread.
  bool stopped() const { return client_.close_now.load(std::memory_order_acquire); }

  // CLIENT PAUSE holds what it has sent: Parse finds nothing until the pause is over.
  bool held() const { return taken_back_ && client_.held.load(std::memory_order_relaxed) && PauseLasts(); }
  // Requests of it are left in a batch that has run: as if it were running still.
  bool unfinished() const { return requests_in_batch_ != 0; }
  // It was held and is no more, or is to be parsed again: Parse may find something although nothing has come.
  bool MayGoOn() const { return taken_back_ && !held(); }

  const engine::ClientState& client() const { return client_; }

 private:
  friend class SessionBatch;
  ServedSession(core::CacheCore& core, SessionEvents* events, BufferPool* pool)
      : core_(core), events_(events), pool_(pool) {}

  bool PauseLasts() const;  // as far as one can see without the executor
  void TakeBack();
  void TakeInbox();
  bool CloseOverLimit(std::string_view why);  // false if it is being closed already
  void CloseOverOutputLimit();
  void CheckOutput();
  void Account();
  // The buffers, where there is nothing in them.
  void RestInput();
  void ShrinkInput();
  void MoveInputTo(base::Buffer& to);
  void RestOutput();
  // Before requests run that may answer.
  void PrepareOutput() {
    if (pool_ != nullptr && output_.bytes().capacity() == 0) output_lent_ = pool_->Lend(output_.bytes());
  }
  // Both, whatever is in them.
  void ReturnBuffers();
  // A large argument goes straight to a block, which the value that it becomes can keep.
  void BeginLarge(bool alone);
  void CommitLarge(size_t n);
  void CountBlocks(size_t bytes);
  // The part of it that nobody shall be evicted for, since it is larger than maxmemory and will be refused.
  void CountDoomed(size_t bytes);
  void PutBack(const memory::BlockRef& block, size_t at, size_t n);
  // Lets CLIENT LIST, which runs on any thread, see how much waits here.
  void PublishInput();
  void PublishOutput() { shown_output_.store(output_.size(), std::memory_order_relaxed); }

  size_t input_bytes() const override { return shown_input_.load(std::memory_order_relaxed); }
  size_t input_free() const override { return shown_free_.load(std::memory_order_relaxed); }
  size_t output_bytes() const override {
    return shown_output_.load(std::memory_order_relaxed) + (inbox_ != nullptr ? inbox_->size() : 0);
  }
  size_t output_list_length() const override { return 0; }
  size_t memory() const override {
    return accounted_.load(std::memory_order_relaxed) + borrowed_.load(std::memory_order_relaxed) +
           (inbox_ != nullptr ? inbox_->memory() : 0);
  }
  const char* events() const override { return output_bytes() == 0 ? "r" : "rw"; }
  void CloseSoon() override;
  void Resume() override;
  bool PreparePush() override;
  void Push(Bytes bytes) override;

  core::CacheCore& core_;
  SessionEvents* const events_;
  BufferPool* const pool_;
  engine::ClientState client_;
  base::Buffer input_;
  size_t consumed_ = 0;  // bytes of input_ that are parsed; requests in a batch still point to them
  resp::RequestParser parser_;
  memory::BlockRef large_;   // an argument of the request that is arriving
  size_t large_filled_ = 0;  // how much of it and its CRLF has come; 0 once it is whole
  size_t large_at_ = 0;      // where in input_ it is missing
  resp::Output output_;
  std::unique_ptr<Inbox> inbox_;  // made, while a request of its own runs, for those who need one
  std::atomic<size_t> borrowed_ = 0;   // what it holds of the pool's, and in blocks
  size_t blocks_counted_ = 0;          // of that, in the engine's clients_blocks: a large argument, and replies
  size_t doomed_counted_ = 0;          // of a large argument, in the keyspace's doomed_arguments
  std::atomic<size_t> accounted_ = 0;  // bytes of this session in the keyspace's extra_memory; the inbox has its own
  std::atomic<size_t> shown_input_ = 0;  // bytes that have come and did not run yet
  std::atomic<size_t> shown_free_ = 0;
  std::atomic<size_t> shown_output_ = 0;
  bool large_just_came_ = false;  // with the last read: Parse has yet to look
  bool input_lent_ = false;
  bool output_lent_ = false;
  bool opened_ = false;
  bool failed_ = false;  // the parser has given up on the input
  // The batch that runs has come to a place in input_ behind which nothing may run as it was parsed: CLIENT PAUSE holds
  // the request there, or the one before has changed the limits of parsing. The session's later requests in the batch are
  // passed over; when it is done, input_ is unparsed again from there on (taken_back_).
  bool cut_in_batch_ = false;
  bool taken_back_ = false;
  bool in_opening_ = false;  // below
  bool left_in_batch_ = false;  // a request of it is left: none after that may run
  size_t owed_before_reset_ = 0;  // what was in the output when limits last changed, as RESET's do
  size_t cut_at_ = 0;
  size_t requests_in_batch_ = 0;
  // in_opening_: in the list of sessions that a batch is to open. Which batch is the owner's; the links and the flag
  // belong to who has the batch.
  SessionBatch* opening_in_ = nullptr;
  ServedSession* next_opening_ = nullptr;
  ServedSession* previous_opening_ = nullptr;
  ServedSession* next_closing_ = nullptr;
};

// The requests of one turn. The loop owns it, fills it, and hands it to Executor::SubmitBatch.
class LARDER_API SessionBatch final : public executor::Batch {
 public:
  // `wake(arg)` is called when the executor wants the batch submitted again; any thread. With `leaves`, a request that wants
  // others to have their turn first (a large write, for which room is made in slices) is left when the rest has run: see
  // Reset. Else the batch goes on with it.
  SessionBatch(core::CacheCore& core, void (*wake)(void* arg), void* arg, bool leaves = false)
      : core_(core), wake_(wake), wake_arg_(arg), leaves_(leaves) {}
  ~SessionBatch() override;

  // Gives the session its place among the cache's clients when the batch runs.
  void Open(ServedSession& session);
  // Ends the session when the batch runs, then deletes it. What other batch is to open it, if any, is with the executor,
  // and runs before this one.
  void Close(std::unique_ptr<ServedSession> session);

  enum class Parsed {
    kNothing,       // no whole request is there
    kSome,          // requests were added, or the error that ends the session
    kSomeAndInput,  // likewise, and the quota ran out with input left: parse again after they have run
    kFull,          // the batch has no room: nothing was added, parse again with the next one
  };
  // Adds requests of the session that have arrived, up to the quota.
  Parsed Parse(ServedSession& session, const ParseQuota& quota);

  // Whether there is anything to submit.
  bool HasWork() const { return count_ != 0 || opening_ != nullptr || closing_ != nullptr; }
  // Runs everything here and now.
  void RunAll() LARDER_REQUIRES_HOLDER;
  // Whether a stranger may run what comes next.
  bool NextIsShort() LARDER_REQUIRES_HOLDER;
  // After the batch has finished or was cancelled: forgets what it held (sessions to be closed are kept for the next), but
  // for requests that were left: these are the first of the next round, and their sessions' unfinished() is true.
  void Reset() { Reset(/*all=*/false); }
  // Ends everything that is pending without the executor: the cache is closed and nobody holds it any more.
  void Abandon();

  // Opens and ends sessions, up to `limit` of each; then, in the slices after those, runs requests.
  bool RunSlice(const executor::SliceLimit& limit) override LARDER_REQUIRES_HOLDER;
  bool NextIsLong() const override LARDER_REQUIRES_HOLDER { return next_is_long_; }
  void Wake() override {
    if (wake_ != nullptr) wake_(wake_arg_);
  }

 private:
  struct Request {
    ServedSession* session = nullptr;
    bool is_error = false;     // the parser's refusal: the session's last
    bool after_blank = false;  // blank requests came before it
    bool special = false;      // one of these
    bool left = false;         // for the next round
    size_t from = 0;           // where in the session's input it begins,
    size_t to = 0;             // and the next one does
    resp::ArgVector argv;
    memory::BlockRef large;  // what one of the arguments stands in
    size_t large_at = 0;     // where in the session's input it is missing
    uint64_t room_ahead = 0;  // what has been evicted for it, in slices
    keyspace::SourceSearch search;  // in a memory source that is full
  };
  static constexpr size_t kWindow = 16;
  struct Page {
    static constexpr size_t kRequests = 64;
    static_assert(kRequests % kWindow == 0);
    Page* next = nullptr;
    Request requests[kRequests];
  };

  void Reset(bool all);
  void Leave(Request& request);
  void KeepLeft(Request& request, size_t to);
  Request* NextFree();
  void ForgetRequests(const ServedSession& session);
  bool TakeFromOpening(ServedSession& session);
  bool MadeRoomAhead(Request& request) LARDER_REQUIRES_HOLDER;
  Request& Next();
  bool IsShort(Request& request) LARDER_REQUIRES_HOLDER;
  bool RunOne(Request& request, int64_t* now_us) LARDER_REQUIRES_HOLDER;
  bool RunSpecial(Request& request) LARDER_REQUIRES_HOLDER;
  void NotRun(Request& request, int64_t why);
  void PrefetchWindow() LARDER_REQUIRES_HOLDER;
  bool OpenAndClose(const executor::SliceLimit& limit) LARDER_REQUIRES_HOLDER;
  void End(ServedSession& session) LARDER_REQUIRES_HOLDER;

  core::CacheCore& core_;
  void (*wake_)(void* arg);
  void* wake_arg_;
  ServedSession* opening_ = nullptr;  // the first of those to be opened
  ServedSession* last_opening_ = nullptr;
  ServedSession* closing_ = nullptr;
  Page* first_page_ = nullptr;
  Page* fill_page_ = nullptr;   // where the next request is added
  size_t fill_page_index_ = 0;
  Page* run_page_ = nullptr;    // where the next request to run is
  size_t count_ = 0;
  size_t next_ = 0;
  const bool leaves_;
  size_t left_ = 0;             // how many requests are left
  bool page_entered_ = false;   // run_page_ is that of next_, which has yet to run
  bool next_is_long_ = false;   // the last slice ended before what a stranger may not run
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_SERVED_SESSION_H_
