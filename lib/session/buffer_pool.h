// BufferPool: the buffers that the clients of one loop share.
//
// A client needs room to read into and to answer into only while it is served, and few are served at once: of 10,000
// connections most hold nothing. One that has been answered gives its buffers back, and the next one gets those that
// are still in the processor's cache.
//
// A buffer that outgrew the pool's size (by a large argument or a long reply) is freed when its client gives it back.
//
// Accounting: the pool counts kBytes in `counted` for each buffer that it made, whether it is lent or not. A client
// counts by how much a buffer that was lent to it has grown beyond that.
//
// Threads: the pool belongs to the loop's thread.
#ifndef LARDER_SESSION_BUFFER_POOL_H_
#define LARDER_SESSION_BUFFER_POOL_H_

#include <atomic>
#include <cstddef>

#include "lib/base/buffer.h"
#include "lib/base/check.h"

namespace larder::inline v0::session {

class BufferPool {
 public:
  // The room of one read. A value of 16 KB should come whole, with its header.
  static constexpr size_t kBytes = 20 * 1024;
  static constexpr size_t kKeptMax = 64;

  explicit BufferPool(std::atomic<size_t>& counted) : counted_(counted) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  // REQUIRES: nothing is lent.
  ~BufferPool() {
    LARDER_DCHECK(lent_ == 0);
    Uncount(kept_count_);
  }

  // Returns false if there is no memory. REQUIRES: the buffer has none.
  bool Lend(base::Buffer& buffer) {
    LARDER_DCHECK(buffer.capacity() == 0);
    if (kept_count_ != 0) {
      buffer.Swap(kept_[--kept_count_]);
    } else {
      if (!buffer.Reserve(kBytes)) {
        buffer.ClearFailed();
        return false;
      }
      counted_.fetch_add(kBytes, std::memory_order_relaxed);
    }
    ++lent_;
    return true;
  }

  // Forgets the buffer's content. REQUIRES: the buffer was lent.
  void TakeBack(base::Buffer& buffer) {
    --lent_;
    if (buffer.capacity() != kBytes || kept_count_ == kKeptMax) {
      buffer.Free();
      Uncount(1);
      return;
    }
    buffer.Clear();
    kept_[kept_count_++].Swap(buffer);
  }

  size_t lent() const { return lent_; }
  size_t kept() const { return kept_count_; }

 private:
  void Uncount(size_t buffers) { counted_.fetch_sub(buffers * kBytes, std::memory_order_relaxed); }

  std::atomic<size_t>& counted_;
  size_t lent_ = 0;
  size_t kept_count_ = 0;
  base::Buffer kept_[kKeptMax];
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_BUFFER_POOL_H_
