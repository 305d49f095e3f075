// ArgVector: the arguments of one request, as views.
//
// Eight fit inside the object, which covers nearly all requests; more go to malloc memory that may be refused. Views
// point into the connection's input, or, for inline words that had to be unquoted, into text that the vector owns.
#ifndef LARDER_RESP_ARGV_H_
#define LARDER_RESP_ARGV_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace larder::inline v0::resp {

class ArgVector {
 public:
  static constexpr size_t kInline = 8;

  ArgVector() = default;
  ~ArgVector() { std::free(heap_); }
  ArgVector(ArgVector&& other) noexcept { Take(other); }
  ArgVector& operator=(ArgVector&& other) noexcept {
    if (this == &other) return *this;
    std::free(heap_);
    Take(other);
    return *this;
  }
  ArgVector(const ArgVector&) = delete;
  ArgVector& operator=(const ArgVector&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Bytes* data() { return heap_ != nullptr ? heap_ : inline_; }
  const Bytes* data() const { return heap_ != nullptr ? heap_ : inline_; }
  Bytes operator[](size_t i) const {
    LARDER_DCHECK(i < size_);
    return data()[i];
  }
  const Bytes* begin() const { return data(); }
  const Bytes* end() const { return data() + size_; }
  std::span<const Bytes> span() const { return {data(), size_}; }
  operator std::span<const Bytes>() const { return span(); }  // NOLINT: it is one

  // False, and unchanged, when there is no memory.
  bool Append(Bytes arg) {
    if (size_ == capacity_ && !Grow()) return false;
    data()[size_++] = arg;
    return true;
  }

  // Empty; memory is kept up to `keep_max` arguments.
  void Clear(size_t keep_max = 1024) {
    size_ = 0;
    text_.Clear();
    if (capacity_ > keep_max && heap_ != nullptr) {
      std::free(std::exchange(heap_, nullptr));
      capacity_ = kInline;
    }
    if (text_.capacity() > 4096) text_.Free();
  }

  // Bytes of memory beyond the object itself.
  size_t memory() const { return (heap_ != nullptr ? capacity_ * sizeof(Bytes) : 0) + text_.capacity(); }

  // Owned text that views may point into. Never grown while views into it exist.
  base::Buffer& text() { return text_; }

  // The input moved from `from` to `to`: views into it follow. Both are addresses of the input's first byte, `length`
  // how much of it there is.
  void Rebase(const char* from, const char* to, size_t length);

 private:
  [[gnu::noinline]] bool Grow() {
    if (capacity_ > SIZE_MAX / (2 * sizeof(Bytes))) return false;
    void* grown = std::realloc(static_cast<void*>(heap_), capacity_ * 2 * sizeof(Bytes));
    if (grown == nullptr) return false;
    if (heap_ == nullptr) std::memcpy(grown, static_cast<const void*>(inline_), sizeof(inline_));
    heap_ = static_cast<Bytes*>(grown);
    capacity_ *= 2;
    return true;
  }

  void Take(ArgVector& other) {
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, kInline);
    heap_ = std::exchange(other.heap_, nullptr);
    text_ = std::move(other.text_);
    if (heap_ == nullptr) {
      for (size_t i = 0; i < size_; ++i) inline_[i] = other.inline_[i];
    }
  }

  size_t size_ = 0;
  size_t capacity_ = kInline;
  Bytes* heap_ = nullptr;
  Bytes inline_[kInline];
  base::Buffer text_;
};

}  // namespace larder::inline v0::resp

#endif  // LARDER_RESP_ARGV_H_
