#include "lib/core/async_queue.h"

#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include <larder/internal/visit.h>
#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/core/run_once.h"

namespace larder::inline v0::core {
namespace {

constexpr ErrorText kNoMemory{absl::StatusCode::kResourceExhausted, "there is no memory for the command"};
constexpr ErrorText kFull{absl::StatusCode::kResourceExhausted,
                          "ExecuteAsync: with this one, commands and replies that wait would take more than "
                          "async-bytes-max"};
constexpr ErrorText kCancelled{absl::StatusCode::kCancelled,
                               "the cache was closed before the command ran, or while it waited"};

}  // namespace

// One command, later its reply, until its callback has returned.
class AsyncQueue::Call final : public executor::Delivery, private engine::WaitOwner {
 public:
  Call(AsyncQueue& queue, int db, Callback callback) : queue_(queue), db_(db), callback_(std::move(callback)) {}
  ~Call() override {
    std::free(argv_);
    Count(0, 0);
  }

  bool HasRoom() const { return room_.ok(); }
  // Counts the call's memory as it is. Returns false if all calls together are over the bound then; it is counted all
  // the same.
  bool CountWithin(uint64_t bytes_max, size_t argv_bytes) {
    return Count(sizeof(Call) + kReplyRoom + argv_bytes, sizeof(Call) + kReplyRoom + argv_bytes) <= bytes_max;
  }

  static size_t BytesFor(std::span<const std::string_view> argv) {
    size_t bytes = argv.size() * sizeof(Bytes);
    for (Bytes arg : argv) bytes += arg.size();
    return bytes;
  }
  // Returns false if there is no memory.
  bool Keep(std::span<const std::string_view> argv) {
    argv_ = static_cast<Bytes*>(std::malloc(BytesFor(argv)));
    if (argv_ == nullptr) return false;
    argc_ = argv.size();
    char* text = reinterpret_cast<char*>(argv_ + argc_);
    for (size_t i = 0; i < argc_; ++i) {
      base::CopyBytes(text, argv[i]);
      new (&argv_[i]) Bytes(text, argv[i].size());
      text += argv[i].size();
    }
    return true;
  }
  std::span<const Bytes> kept() const { return {argv_, argc_}; }

  // Returns false if it must run again, see Dispatch's kWantsRoom; never without a `search`.
  bool Run(std::span<const Bytes> argv, keyspace::SourceSearch* search) LARDER_REQUIRES_HOLDER {
    Ran ran = Ran::kNothingChanged;
    if (MayWait(queue_.core_, argv)) [[unlikely]] {
      ran = RunAsClient(argv, search);
    } else {
      engine::ClientState client;
      ran = RunOnce(queue_.core_, client, db_, argv, output_, /*at_once=*/false, search);
    }
    if (ran == Ran::kWantsRoom) return false;
    changed_ = ran == Ran::kChanged;
    std::free(std::exchange(argv_, nullptr));
    CountReply();
    return true;
  }
  // Its command waits. It is nobody's until the wait is over, and then the delivery queue's.
  bool waits() const { return client_ != nullptr && client_->waiter != nullptr; }
  void Cancel() { cancelled_ = true; }
  Callback TakeCallback() { return std::move(callback_); }

  void Deliver() override {
    callback_(cancelled_ ? absl::StatusOr<Reply>(internal::StatusOf(kCancelled)) : ReplyFrom(output_, room_, changed_));
  }

 private:
  friend class AsyncQueue;
  static constexpr size_t kReplyRoom = 128;

  // A command that may wait: its client lasts as long as the call.
  Ran RunAsClient(std::span<const Bytes> argv, keyspace::SourceSearch* search) LARDER_REQUIRES_HOLDER {
    client_.reset(new (std::nothrow) engine::ClientState());
    if (client_ == nullptr) {
      output_.bytes().MarkFailed();
      return Ran::kNothingChanged;
    }
    client_->wait_owner = this;
    return RunOnce(queue_.core_, *client_, db_, argv, output_, /*at_once=*/false, search);
  }

  void WaitOver(resp::Output* reply) override LARDER_REQUIRES_HOLDER {
    if (reply != nullptr) output_.Swap(*reply);
    cancelled_ = reply == nullptr;
    changed_ = !cancelled_;
    CountReply();
    queue_.core_.delivery().Post(std::unique_ptr<executor::Delivery>(this));
  }

  void CountReply() {
    const size_t own = sizeof(Call) + kReplyRoom + output_.memory() + (client_ != nullptr ? sizeof(*client_) : 0);
    Count(own, own + (output_.has_references() ? output_.size() : 0));
  }

  // `own` is its own memory, `all` includes the memory that it refers to. Returns the sum over all calls.
  uint64_t Count(size_t own, size_t all) {
    queue_.core_.engine().keyspace().extra_memory().fetch_add(own - std::exchange(own_, own),
                                                              std::memory_order_relaxed);
    const size_t more = all - std::exchange(all_, all);
    return queue_.bytes_.fetch_add(more, std::memory_order_relaxed) + more;
  }

  AsyncQueue& queue_;
  const int db_;
  Callback callback_;
  ReplyRoom room_;
  resp::Output output_;
  std::unique_ptr<engine::ClientState> client_;  // of a command that may wait
  Bytes* argv_ = nullptr;  // and after it the bytes
  size_t argc_ = 0;
  size_t own_ = 0;
  size_t all_ = 0;
  bool changed_ = false;
  bool cancelled_ = false;
  Call* next_call_ = nullptr;
};

AsyncQueue::~AsyncQueue() { LARDER_CHECK(first_ == nullptr); }

// ---- The caller's side ----------------------------------------------------------------------------------------------

absl::Status AsyncQueue::Execute(int db, std::span<const std::string_view> argv, Callback callback) {
  if (core_.executor().InsideUser()) return CacheCore::OutcomeStatus(executor::Outcome::kReentrant);
  // The background is woken last. By then another thread may have run and delivered the command and closed the cache.
  const internal::Visit visit(core_);
  if (visit.error() != nullptr) return internal::StatusOf(visit.error());
  std::unique_ptr<Call> call(new (std::nothrow) Call(*this, db, std::move(callback)));
  if (call == nullptr) return internal::StatusOf(kNoMemory);
  const ErrorText* const error = Submit(call, argv);
  if (error == nullptr) return absl::OkStatus();
  // The call ends here, in the visit. Its callback ends with the parameter, when nobody waits for this thread any more:
  // the destructor of a user's object in it may close the cache.
  callback = call->TakeCallback();
  return internal::StatusOf(*error);
}

const ErrorText* AsyncQueue::Submit(std::unique_ptr<Call>& call, std::span<const std::string_view> argv) {
  const uint64_t bytes_max = core_.limits().async_bytes_max.load(std::memory_order_relaxed);
  if (!call->HasRoom()) return &kNoMemory;
  if (!call->CountWithin(bytes_max, 0)) return &kFull;
  if (RunAtOnce(call, argv)) return nullptr;
  if (!call->CountWithin(bytes_max, Call::BytesFor(argv))) return &kFull;
  if (!call->Keep(argv)) return &kNoMemory;
  if (!Push(call)) return CacheCore::ErrorOf(executor::Outcome::kClosed);
  (void)core_.WakeBackground();
  return nullptr;
}

// It looks under the executor whether others wait, since waiting calls leave the queue there: a call that was queued
// before this one began is seen here, or has run.
bool AsyncQueue::RunAtOnce(std::unique_ptr<Call>& call, std::span<const std::string_view> argv) {
  if (!core_.executor().TryAcquire()) return false;
  const bool runs = !HasWork() && IsShortOnce(core_, call->db_, argv);
  if (runs) {
    (void)call->Run(argv, nullptr);
    call->waits() ? (void)call.release() : core_.delivery().Post(std::move(call));
  }
  core_.AfterOp();
  core_.executor().Release();
  return runs;
}

bool AsyncQueue::Push(std::unique_ptr<Call>& call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return false;
  Call* const pushed = call.release();
  (last_ != nullptr ? last_->next_call_ : first_) = pushed;
  last_ = pushed;
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

// ---- The background's side ------------------------------------------------------------------------------------------

AsyncQueue::Call* AsyncQueue::First() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_;
}

std::unique_ptr<AsyncQueue::Call> AsyncQueue::Pop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Call> call(first_);
  if (call == nullptr) return call;
  first_ = call->next_call_;
  if (first_ == nullptr) last_ = nullptr;
  return call;
}

// Runs the first call on this thread, even if it is long, so it takes the executor itself. Returns false if it could
// not.
bool AsyncQueue::RunFirst(bool wait) {
  executor::Executor& executor = core_.executor();
  Stay stay;
  if (wait) core_.MakeRoomAhead(First()->kept(), &stay);
  keyspace::SourceSearch search;
  for (bool ran = false; !ran;) {
    if (!executor.TryAcquire()) {
      if (!wait || executor.Acquire() != executor::Outcome::kRan) return false;
      base::AssertHolder();
    }
    Call* const call = First();
    // An event loop, which does not wait, searches for room in one hold.
    ran = call->Run(call->kept(), wait ? &search : nullptr);
    if (ran) {
      std::unique_ptr<Call> done = Pop();
      done->waits() ? (void)done.release() : core_.delivery().Post(std::move(done));
      waiting_.fetch_sub(1, std::memory_order_seq_cst);
    }
    core_.AfterOp();
    executor.Release();
  }
  return true;
}

bool AsyncQueue::RunWaiting(bool wait, absl::FunctionRef<bool()> keep_going) {
  if (!HasWork() || running_.exchange(true, std::memory_order_acquire)) return HasWork();
  // There may be none left: another thread had the role until now.
  for (size_t left = waiting(); left != 0 && RunFirst(wait); --left) {
    if (!keep_going()) break;
  }
  running_.store(false, std::memory_order_release);
  return HasWork();
}

void AsyncQueue::CancelWaiting() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  while (std::unique_ptr<Call> call = Pop()) {
    call->Cancel();
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
    core_.delivery().Post(std::move(call));
  }
}

void AsyncQueue::Abandon() { first_ = last_ = nullptr; }

}  // namespace larder::inline v0::core
