// Inbox: bytes for a session that do not answer a request of its own, such as MONITOR's lines. Large ones are blocks,
// which those who get the same share.
//
// The executor's holder brings them, on any thread, while the session's loop may be sending the session's output. So
// they wait here until the owner of the session moves them into the output: the loop does so before it sends, and the
// holder before it runs the session's next request. Bytes in the output are always older than bytes here, so all are
// sent in the order in which they came.
//
// Memory: an Append that fails leaves the inbox as it was. Its own bytes are counted in the keyspace's extra memory, and
// blocks by their heap.
// Threads: any thread may call it. The lock is held for as long as a copy takes.
#ifndef LARDER_SESSION_INBOX_H_
#define LARDER_SESSION_INBOX_H_

#include <atomic>
#include <cstddef>
#include <mutex>

#include "lib/base/bytes.h"
#include "lib/resp/output.h"

namespace larder::inline v0::session {

class Inbox {
 public:
  explicit Inbox(std::atomic<size_t>& extra_memory) : extra_memory_(extra_memory) { Account(); }
  ~Inbox() { extra_memory_.fetch_sub(accounted_.load(std::memory_order_relaxed), std::memory_order_relaxed); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  enum class Appended { kFirst, kMore, kNoMemory };  // kFirst: the inbox was empty, so the owner has to be told
  Appended Append(Bytes bytes) {
    return AppendBy([&] { return output_.bytes().Append(bytes); });
  }
  Appended Append(const resp::Output& output) {
    return AppendBy([&] { return output_.Append(output); });
  }

  // With what it keeps of blocks.
  size_t memory() const {
    return accounted_.load(std::memory_order_relaxed) + referenced_.load(std::memory_order_relaxed);
  }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

  // Returns false if `to` had no memory for it. `to` has failed then, and the bytes are lost.
  bool MoveTo(resp::Output& to) {
    resp::Output taken;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      taken.Swap(output_);
      Account();
    }
    return to.Append(taken);
  }

 private:
  template <class F>
  Appended AppendBy(F&& append) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool first = output_.empty();
    const size_t position = output_.Position();
    if (!append()) {
      output_.RewindFailed(position);
      return Appended::kNoMemory;
    }
    Account();
    return first ? Appended::kFirst : Appended::kMore;
  }
  void Account() {
    const size_t now = sizeof(Inbox) + output_.memory();
    extra_memory_.fetch_add(now - accounted_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    accounted_.store(now, std::memory_order_relaxed);
    referenced_.store(output_.referenced(), std::memory_order_relaxed);
    size_.store(output_.size(), std::memory_order_relaxed);
  }

  std::atomic<size_t>& extra_memory_;
  std::atomic<size_t> size_{0};
  std::mutex mutex_;
  resp::Output output_;
  std::atomic<size_t> accounted_{0};   // in extra_memory
  std::atomic<size_t> referenced_{0};  // in blocks
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_INBOX_H_
