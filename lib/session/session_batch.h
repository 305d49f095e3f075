// SessionBatch: the requests of many sessions, run in one submission to the executor.
#ifndef LARDER_SESSION_SESSION_BATCH_H_
#define LARDER_SESSION_SESSION_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "lib/base/holder.h"
#include "lib/base/intrusive_list.h"
#include "lib/core/core.h"
#include "lib/executor/executor.h"
#include "lib/memory/block.h"
#include "lib/resp/argv.h"
#include "lib/session/served_session.h"

namespace larder::inline v0::session {

// A loop owns the batch, fills it, and hands it to Executor::SubmitBatch.
class LARDER_API SessionBatch final : public executor::Batch {
 public:
  // `wake(arg)` is called, on any thread, when the executor wants the batch submitted again. A large write, for which
  // room is made in slices, lets others run between its slices. With `leaves` such a request is left in the batch when
  // the rest has run (see Reset); otherwise the batch goes on with it.
  SessionBatch(core::CacheCore& core, void (*wake)(void* arg), void* arg, bool leaves = false)
      : core_(core), wake_(wake), wake_arg_(arg), leaves_(leaves) {}
  ~SessionBatch() override;

  // Gives the session its place among the cache's clients when the batch runs.
  void Open(ServedSession& session);
  // Ends the session when the batch runs, then deletes it. If another batch is to open the session, that one is with
  // the executor and runs before this one.
  void Close(std::unique_ptr<ServedSession> session);

  // Adds the session's requests that have arrived, up to the quota.
  Parsed Parse(ServedSession& session, const ParseQuota& quota);

  // Whether there is anything to submit.
  bool HasWork() const { return count_ != 0 || !opening_.empty() || closing_ != nullptr; }
  // Runs everything here and now.
  void RunAll() LARDER_REQUIRES_HOLDER;
  // Whether another thread than the batch's own may run the next request.
  bool NextIsShort() LARDER_REQUIRES_HOLDER;
  // Empties the batch. It is called after the batch has finished or was cancelled. Sessions that are to be closed stay
  // for the next round, and so do requests that were left: they come first then, and unfinished() of their sessions is
  // true.
  void Reset() { Reset(/*all=*/false); }
  // Ends everything that is pending, without the executor. REQUIRES: the cache is closed and nobody holds it any more.
  void Abandon();

  // Opens and ends sessions, up to `limit` of each. When there are none left, it runs requests.
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
    bool special = false;      // is_error or after_blank
    bool left = false;         // for the next round
    size_t from = 0;           // where it begins in the session's input
    size_t to = 0;             // and where the next one begins
    resp::ArgVector argv;
    memory::BlockRef large;  // one of the arguments, if that is large
    size_t large_at = 0;     // its place in the session's input
    uint64_t room_ahead = 0;  // bytes evicted for it so far, in slices
    keyspace::SourceSearch search;  // for room in a full memory source
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
  base::IntrusiveList<ServedSession, &ServedSession::opening_links_> opening_;  // in the order of arrival
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
  bool next_is_long_ = false;   // the last slice ended before a request that is not short
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_SESSION_BATCH_H_
