// Buffer: bytes that grow by calls that can fail.
//
// Everything in lib that grows with data or with input uses this or the arena, never std::string, because a failed
// allocation must be an error reply and not an exception (DESIGN.md, rule 3).
//
// A failed Append leaves the bytes as they were and sets failed(), which stays set until Clear: a writer of many small
// pieces appends without looking and asks once at the end.
//
// Threads: the owner guards it. Growth doubles up to 1 MB and then adds at least 1 MB at a time, so appending n bytes
// costs O(n) and wastes at most 1 MB.
#ifndef LARDER_BASE_BUFFER_H_
#define LARDER_BASE_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace larder::inline v0::base {

class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { std::free(data_); }
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    Swap(taken);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }
  bool failed() const { return failed_; }

  // Makes room for `more` bytes behind the end, without changing size(). Without memory it returns false and sets
  // failed().
  bool Reserve(size_t more) {
    if (capacity_ - size_ >= more) return true;
    return Grow(more);
  }

  // Adds `n` unset bytes and returns their address, or nullptr if there is no memory. For n == 0 it may be nullptr too:
  // if `n` may be 0, ask failed().
  char* Extend(size_t n) {
    if (!Reserve(n)) return nullptr;
    char* start = data_ + size_;
    size_ += n;
    return start;
  }

  bool Append(std::string_view bytes) {
    char* to = Extend(bytes.size());
    if (to == nullptr && !bytes.empty()) return false;
    CopyBytes(to, bytes);
    return true;
  }

  // Replaces the content by these bytes, one text behind the other, in memory of their exact size: for texts that are
  // kept and do not grow.
  bool Assign(std::string_view first, std::string_view second = {}) {
    Free();
    const size_t size = first.size() + second.size();
    if (size == 0) return true;
    data_ = static_cast<char*>(std::malloc(size));
    if (data_ == nullptr) return Fail();
    capacity_ = size;
    return Append(first) && Append(second);
  }

  bool Append(char c) {
    char* to = Extend(1);
    if (to == nullptr) return false;
    *to = c;
    return true;
  }

  // REQUIRES: n <= size().
  void Truncate(size_t n) {
    LARDER_DCHECK(n <= size_);
    size_ = n;
  }

  // Drops the first n bytes by moving the rest down. REQUIRES: n <= size().
  void DropFront(size_t n) {
    LARDER_DCHECK(n <= size_);
    size_ -= n;
    if (size_ != 0 && n != 0) std::memmove(data_, data_ + n, size_);
  }

  // MarkFailed is for a writer that got no memory elsewhere, ClearFailed for one that has dealt with it.
  void MarkFailed() { failed_ = true; }
  void ClearFailed() { failed_ = false; }

  // Empties it and resets failed(), but keeps the memory.
  void Clear() {
    size_ = 0;
    failed_ = false;
  }

  // Empties it and gives the memory back.
  void Free() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
    failed_ = false;
  }

  void Swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(failed_, other.failed_);
  }

 private:
  static constexpr size_t kStepBytes = size_t{1} << 20;

  [[gnu::noinline]] bool Grow(size_t more) {
    const size_t need = size_ + more;
    if (need < size_) return Fail();
    size_t wanted = capacity_ < kStepBytes ? capacity_ * 2 : capacity_ + kStepBytes;
    if (wanted < need) wanted = need;
    if (wanted < 64) wanted = 64;
    void* grown = std::realloc(data_, wanted);
    if (grown == nullptr && wanted > need) {  // the exact size may still be had
      wanted = need;
      grown = std::realloc(data_, wanted);
    }
    if (grown == nullptr) return Fail();
    data_ = static_cast<char*>(grown);
    capacity_ = wanted;
    return true;
  }

  bool Fail() {
    failed_ = true;
    return false;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_BUFFER_H_
