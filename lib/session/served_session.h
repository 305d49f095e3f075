// ServedSession: a client that speaks RESP. It is given bytes and has replies, and knows no sockets: a listener's
// connection or an in-memory connection stands in front of it. SessionBatch (session_batch.h) runs the requests of many
// sessions in one submission to the executor. Its owner calls, over and over:
//
//   PrepareRead, CommitRead  →  batch.Parse(session)  →  submit the batch  →  output(), ConsumeOutput
//
// Threads: one owner (a loop's thread, or the user of the in-memory connection) calls everything. While a batch with
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
#include "lib/base/intrusive_list.h"
#include "lib/core/core.h"
#include "lib/engine/client.h"
#include "lib/memory/block.h"
#include "lib/resp/output.h"
#include "lib/resp/parser.h"
#include "lib/session/buffer_pool.h"
#include "lib/session/inbox.h"
#include "lib/session/types.h"

namespace larder::inline v0::session {

class SessionBatch;

class LARDER_API ServedSession final : private engine::ClientIo, private engine::WaitOwner {
 public:
  // Returns nullptr if there is no memory. `events` may be null. The session gets its id, and shows in CLIENT LIST,
  // when a batch has opened it (SessionBatch::Open). If it is given a `pool`, which must outlive it, it holds buffers
  // only while there are bytes in them; without a pool it keeps its own.
  static std::unique_ptr<ServedSession> Create(core::CacheCore& core, const Peer& peer, SessionEvents* events,
                                               BufferPool* pool = nullptr);
  ~ServedSession() = default;  // REQUIRES: SessionBatch has ended it, or never opened it.

  // Returns where the next bytes are to go; it is empty if there is no memory. CommitRead or the session's end must
  // follow.
  std::span<char> PrepareRead();
  void CommitRead(size_t n);
  // Bytes that have come and did not become a request yet.
  size_t input_left() const {
    return input_.size() - consumed_ + (large_filled_ != 0 ? large_filled_ : large_ ? large_->size() : 0);
  }

  // The bytes that client-query-buffer-limit limits: those that are not part of a request yet. An argument that has
  // arrived is part of one, as in Redis, so that the limit does not bound a request of many arguments;
  // maxmemory-clients does.
  size_t input_buffered() const {
    return input_.size() - consumed_ - parser_.ParsedBytes() + (large_just_came_ ? large_->size() + 2 : large_filled_);
  }

  // Puts bytes of others for the session (MONITOR's lines) into its output. The owner calls it before it looks there.
  void TakePushed() {
    if (inbox_ != nullptr) [[unlikely]] TakeInbox();
  }
  resp::Output& output() { return output_; }
  const resp::Output& output() const { return output_; }
  void ConsumeOutput(size_t n);

  // Whether the session needs no password, or has said it.
  bool admitted() const {
    return client_.authenticated || !core_.limits().needs_password.load(std::memory_order_relaxed);
  }

  // Whether it is to be closed as soon as its output is sent. It runs nothing more then.
  bool closes_after_output() const { return client_.close_after_reply; }
  // Makes stopped() true. Returns false if it was true already, so that of several threads that find a reason to close
  // the session only one counts it. Any thread may call it.
  bool Stop() { return !client_.close_now.exchange(true, std::memory_order_acq_rel); }
  // Whether it is to be closed at once. Any thread may call it.
  bool stopped() const { return client_.close_now.load(std::memory_order_acquire); }

  // Whether CLIENT PAUSE holds requests of the session, or a command of its waits. Parse finds nothing until that is
  // over.
  bool held() const {
    return taken_back_ && (waiting() || (client_.held.load(std::memory_order_relaxed) && PauseLasts()));
  }
  // Whether a command of the session waits, for a key or for its time. Its reply will come as messages of others come.
  bool waiting() const { return client_.waiting.load(std::memory_order_acquire); }
  // Whether requests of the session are left in a batch that has run. It is treated as if they were running still.
  bool unfinished() const { return requests_in_batch_ != 0; }
  // Whether Parse may find something although no bytes have come: a pause or a wait has ended, or input is to be parsed
  // again.
  bool MayGoOn() const { return taken_back_ && !held(); }

  const engine::ClientState& client() const { return client_; }

 private:
  friend class SessionBatch;
  static constexpr size_t kCrlf = 2;
  static constexpr std::string_view kNoMemoryForReplies = "a client is closed: there is no memory for its replies";

  ServedSession(core::CacheCore& core, SessionEvents* events, BufferPool* pool)
      : core_(core), events_(events), pool_(pool) {}

  bool PauseLasts() const;  // as far as can be seen without the executor
  void TakeBack();
  void TakeInbox();
  // client-output-buffer-limit's hard one, of the class that the client is in.
  uint64_t OutputLimit() const;
  bool CloseOverLimit(std::string_view why);  // returns false if the session is being closed already
  void CloseOverOutputLimit();
  void CheckOutput();
  void Account();
  // These give back buffers that have nothing in them.
  void RestInput();
  void ShrinkInput();
  void MoveInputTo(base::Buffer& to);
  void RestOutput();
  // To be called before requests run that may answer.
  void PrepareOutput() {
    if (pool_ != nullptr && output_.bytes().capacity() == 0) output_lent_ = pool_->Lend(output_.bytes());
  }
  // Gives both buffers back with all their bytes.
  void ReturnBuffers();
  // A large argument goes straight into a block, and the value that it becomes can keep that block.
  void BeginLarge(bool alone);
  void CommitLarge(size_t n);
  void CountBlocks(size_t bytes);
  // Counts an argument that no key is evicted for, because it is larger than maxmemory and will be refused.
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
  void PushOutput(const resp::Output& output) override;
  void WaitOver(resp::Output* reply) override LARDER_REQUIRES_HOLDER;
  // Whether so many bytes may go into the inbox. If not, the session is closed.
  bool FitsInInbox(size_t bytes);
  // Whether the owner is to be told. Without memory the session is closed.
  bool IsFirst(Inbox::Appended appended);

  core::CacheCore& core_;
  SessionEvents* const events_;
  BufferPool* const pool_;
  engine::ClientState client_;
  base::Buffer input_;
  size_t consumed_ = 0;  // bytes of input_ that are parsed; requests in a batch still point to them
  resp::RequestParser parser_;
  memory::BlockRef large_;   // an argument of the request that is arriving
  size_t large_filled_ = 0;  // how much of it and its CRLF has come; 0 once it is whole
  size_t large_at_ = 0;      // the place in input_ where it would stand
  resp::Output output_;
  std::unique_ptr<Inbox> inbox_;  // made when something needs it, while a request of the session's runs
  std::atomic<size_t> borrowed_ = 0;   // bytes that it holds of the pool's, and in blocks
  size_t blocks_counted_ = 0;          // the part of it in the engine's clients_blocks: a large argument, and replies
  size_t doomed_counted_ = 0;          // bytes of a large argument in the keyspace's doomed_arguments
  size_t input_counted_ = 0;           // the input's capacity when Account last ran
  std::atomic<size_t> accounted_ = 0;  // bytes of this session in the keyspace's extra_memory; the inbox has its own
  std::atomic<size_t> shown_input_ = 0;  // bytes that have come and did not run yet
  std::atomic<size_t> shown_free_ = 0;
  std::atomic<size_t> shown_output_ = 0;
  bool large_just_came_ = false;  // the last read has completed it, and Parse has not looked yet
  bool input_lent_ = false;
  bool output_lent_ = false;
  bool opened_ = false;
  bool failed_ = false;  // the parser has given up on the input
  // The batch that runs has come to a place in input_ (cut_at_) behind which nothing may run as it was parsed: CLIENT
  // PAUSE holds the request there, or the request before it waits, or has changed the limits of parsing. The batch
  // passes over the session's later requests. When it is done, input_ counts as unparsed from that place on (taken_back_).
  bool cut_in_batch_ = false;
  bool taken_back_ = false;
  bool in_opening_ = false;  // below
  bool left_in_batch_ = false;  // a request of the session is left in the batch, and none after it may run
  size_t owed_before_reset_ = 0;  // bytes in the output when RESET last changed the session's limits
  size_t cut_at_ = 0;
  size_t requests_in_batch_ = 0;
  // The session is in the list of those that the batch opening_in_ is to open, if in_opening_ says so. The owner writes
  // opening_in_; the links and the flag belong to the thread that has that batch.
  SessionBatch* opening_in_ = nullptr;
  base::ListLinks<ServedSession> opening_links_;
  ServedSession* next_closing_ = nullptr;
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_SERVED_SESSION_H_
