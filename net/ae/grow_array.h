// An array that grows by a call that can fail. The loop's tables of descriptors and timers grow with the number of
// clients, so they must not be containers that throw.
#ifndef LARDER_NET_AE_GROW_ARRAY_H_
#define LARDER_NET_AE_GROW_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "lib/base/check.h"

namespace larder::inline v0::ae {

// New elements are all zero bytes, which must be T's empty state.
template <typename T>
class GrowArray {
  static_assert(std::is_trivially_copyable_v<T>, "elements are moved by realloc");

 public:
  GrowArray() = default;
  GrowArray(const GrowArray&) = delete;
  GrowArray& operator=(const GrowArray&) = delete;
  ~GrowArray() { free(data_); }

  // Returns false if there is no memory; nothing has changed then.
  [[nodiscard]] bool Grow(size_t size) {
    if (size <= size_) return true;
    if (size > PTRDIFF_MAX / sizeof(T)) return false;
    void* grown = realloc(static_cast<void*>(data_), size * sizeof(T));
    if (grown == nullptr) return false;
    data_ = static_cast<T*>(grown);
    memset(static_cast<void*>(data_ + size_), 0, (size - size_) * sizeof(T));
    size_ = size;
    return true;
  }

  void Swap(GrowArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) {
    LARDER_DCHECK(i < size_);
    return data_[i];
  }
  const T& operator[](size_t i) const {
    LARDER_DCHECK(i < size_);
    return data_[i];
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_GROW_ARRAY_H_
