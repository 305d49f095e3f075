// Inbox: bytes for a session that do not answer a request of its own, such as MONITOR's lines.
//
// The executor's holder brings them, on any thread, while the session's loop may be sending the session's output. So
// they wait here until the owner of the session moves them into the output: the loop does so before it sends, and the
// holder before it runs the session's next request. Bytes in the output are always older than bytes here, so all are
// sent in the order in which they came.
//
// Memory: an Append that fails leaves the inbox as it was. Its bytes are counted in the keyspace's extra memory.
// Threads: any thread may call it. The lock is held for as long as a copy takes.
#ifndef LARDER_SESSION_INBOX_H_
#define LARDER_SESSION_INBOX_H_

#include <atomic>
#include <cstddef>
#include <mutex>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

namespace larder::inline v0::session {

class Inbox {
 public:
  explicit Inbox(std::atomic<size_t>& extra_memory) : extra_memory_(extra_memory) { Account(sizeof(Inbox)); }
  ~Inbox() { extra_memory_.fetch_sub(memory(), std::memory_order_relaxed); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  enum class Appended { kFirst, kMore, kNoMemory };  // kFirst: the inbox was empty, so the owner has to be told
  Appended Append(Bytes bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool first = bytes_.empty();
    if (!bytes_.Append(bytes)) {
      bytes_.ClearFailed();
      return Appended::kNoMemory;
    }
    size_.store(bytes_.size(), std::memory_order_relaxed);
    Account(sizeof(Inbox) + bytes_.capacity());
    return first ? Appended::kFirst : Appended::kMore;
  }

  size_t memory() const { return accounted_.load(std::memory_order_relaxed); }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

  // Returns false if `to` had no memory for it. `to` has failed then, and the bytes are lost.
  bool MoveTo(base::Buffer& to) {
    base::Buffer taken;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      taken.Swap(bytes_);
      size_.store(0, std::memory_order_relaxed);
      Account(sizeof(Inbox));
    }
    return to.Append(taken.view());
  }

 private:
  void Account(size_t now) {
    extra_memory_.fetch_add(now - memory(), std::memory_order_relaxed);
    accounted_.store(now, std::memory_order_relaxed);
  }

  std::atomic<size_t>& extra_memory_;
  std::atomic<size_t> size_{0};
  std::mutex mutex_;
  base::Buffer bytes_;
  std::atomic<size_t> accounted_{0};
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_INBOX_H_
