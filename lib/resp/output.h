// Output: what a session has still to send.
//
// A stream of bytes, most of it in one Buffer; large values lie between as references to pinned blocks, so that a value
// of 100 MB is sent without a copy and stays valid while the key is overwritten:
//
//     bytes_   |consumed|$5\r\nhello\r\n$20000\r\n|\r\n+OK\r\n|
//                       ^head_                    ^at
//     parts_                                      {at, block, from, length}
//
// A part's bytes go out before the byte of bytes_ at its `at`. Without references it is a Buffer with a head offset.
//
// Memory: a failed append sets failed(), which stays until Clear; the stream is then incomplete and the session must
// close.
// Positions (size_t at, from Position()) count in bytes_ from its physical start. They hold until the next Consume or
// Clear.
// Threads: none of its own. Dropping a reference is safe on any thread.
#ifndef LARDER_RESP_OUTPUT_H_
#define LARDER_RESP_OUTPUT_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/memory/block.h"

namespace larder::inline v0::resp {

class Output {
 public:
  // Blocks' bytes below this are copied: a reference costs an iovec, two atomics and a cold line later.
  static constexpr size_t kByReferenceMin = 16 * 1024;

  Output() = default;
  ~Output() { DropParts(0); std::free(parts_); }
  Output(Output&& other) noexcept { Swap(other); }
  Output& operator=(Output&& other) noexcept {
    Output taken(std::move(other));
    Swap(taken);
    return *this;
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  void Swap(Output& other) noexcept;

  // Where replies are appended. Append, Extend and Reserve only: its front may hold bytes already sent.
  base::Buffer& bytes() { return bytes_; }

  // `length` bytes of the block from `from` on, by reference if they are many. False, and failed(), without memory.
  // REQUIRES: from + length <= block->size(); something is appended to bytes() before the next Position() is taken
  // (a bulk's final CRLF), so that a position never coincides with a reference before it.
  bool AppendBlock(memory::BlockRef block, size_t from, size_t length);

  // What another one has still to send, whose blocks both refer to from then on. False, and failed(), without memory:
  // RewindFailed takes back what was appended. REQUIRES: that one ends with bytes, not with a block.
  bool Append(const Output& other);

  // Bytes still to send, those in blocks included.
  size_t size() const { return bytes_.size() - head_ + referenced_; }
  bool empty() const { return size() == 0; }
  // Of them, those in blocks: what it keeps from being freed.
  size_t referenced() const { return referenced_; }
  // Bytes of memory that are this object's own. Blocks are counted by their Heap.
  size_t memory() const { return bytes_.capacity() + parts_capacity_ * sizeof(Part); }
  bool failed() const { return bytes_.failed() || failed_; }
  bool has_references() const { return first_part_ != parts_count_; }

  // The next pieces to send, at most `max`; returns how many. Valid until the object changes.
  size_t Iovecs(struct iovec* out, size_t max) const;

  // The first n bytes are sent. Amortised O(1) a byte. REQUIRES: n <= size().
  void Consume(size_t n);

  // Everything pending, appended to `to` in one piece. False if `to` had no memory.
  bool AppendTo(base::Buffer& to) const;

  // The pending bytes as one piece. REQUIRES: !has_references().
  Bytes view() const {
    LARDER_DCHECK(!has_references());
    return bytes_.view().substr(head_);
  }

  // Empty, not failed; the buffer's memory is kept unless it is over `keep_max`.
  void Clear(size_t keep_max = SIZE_MAX);

  size_t Position() const { return bytes_.size(); }
  // Drops what was appended since `position` was taken. REQUIRES: no Consume since.
  void Rewind(size_t position);
  // The same after an append that failed, which is forgotten. REQUIRES: nothing had failed when `position` was taken.
  void RewindFailed(size_t position) {
    Rewind(position);
    bytes_.ClearFailed();
    failed_ = false;
  }
  // Puts `text` at `position`, in front of what was appended since. Costs a move of that. False without memory.
  bool Insert(size_t position, Bytes text);

 private:
  struct Part {
    size_t at;
    memory::Block* block;  // one reference
    size_t from;
    size_t length;
  };

  void DropParts(size_t from_index);
  void Compact();
  void ConsumeAcrossParts(size_t n);

  base::Buffer bytes_;
  size_t head_ = 0;
  size_t referenced_ = 0;  // bytes in parts
  Part* parts_ = nullptr;
  uint32_t first_part_ = 0;
  uint32_t parts_count_ = 0;
  uint32_t parts_capacity_ = 0;
  bool failed_ = false;
};

}  // namespace larder::inline v0::resp

#endif  // LARDER_RESP_OUTPUT_H_
