// Buffers for bytes between the engine and a caller's container. Part of the public headers' machinery, not of the API.
//
// The engine fills these without exceptions and without the caller's allocator. Inline code of the public headers,
// which is compiled with the user's flags, then makes std::strings of them. So a bad_alloc never passes through the
// engine.
#ifndef LARDER_INTERNAL_FETCHED_H_
#define LARDER_INTERNAL_FETCHED_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <larder/export.h>

namespace larder::inline v0::internal {

// One value. A short one is copied while the executor is held, to the caller's target if that is large enough, else
// into this. A long one is pinned, and copied afterwards.
class LARDER_API Fetched {
 public:
  static constexpr size_t kRoomBytes = 1024;

  Fetched() {}  // NOLINT: room_ stays unset on purpose
  // `target` has `size` bytes that may be overwritten if a value is found.
  Fetched(char* target, size_t size) : target_(target), target_size_(size) {}  // NOLINT
  ~Fetched() {
    if (pin_ != nullptr) Unpin();
  }
  Fetched(const Fetched&) = delete;
  Fetched& operator=(const Fetched&) = delete;

  bool found() const { return found_; }
  bool in_target() const { return data_ == target_; }
  std::string_view view() const { return {data_, size_}; }

  // The engine's side.
  // Returns where to copy `size` bytes, or nullptr if they are too many.
  char* Place(size_t size) {
    char* const to = size <= target_size_ && target_ != nullptr ? target_ : size <= kRoomBytes ? room_ : nullptr;
    if (to == nullptr) return nullptr;
    found_ = true;
    data_ = to;
    size_ = size;
    return to;
  }
  void SetPinned(void* block, std::string_view bytes) {
    found_ = true;
    pin_ = block;
    data_ = bytes.data();
    size_ = bytes.size();
  }

 private:
  void Unpin();

  bool found_ = false;
  size_t size_ = 0;
  const char* data_ = nullptr;
  void* pin_ = nullptr;
  char* target_ = nullptr;
  size_t target_size_ = 0;
  char room_[kRoomBytes];
};

// Several values, one after the other; long ones are pinned. For a window of short values its own memory is enough.
class LARDER_API FetchedList {
 public:
  FetchedList() {}  // NOLINT: the rooms stay unset on purpose
  ~FetchedList() { Clear(); }
  FetchedList(FetchedList&& other) noexcept { Take(other); }
  FetchedList& operator=(FetchedList&& other) noexcept {
    if (this == &other) return *this;
    Clear();
    Take(other);
    return *this;
  }

  size_t size() const { return size_; }
  bool found(size_t i) const { return items_[i].found; }
  std::string_view view(size_t i) const {
    const Item& item = items_[i];
    return {item.pin != nullptr ? item.pinned : bytes_ + item.at, item.size};
  }
  // What it takes, itself included; not what it has pinned.
  size_t memory() const {
    return sizeof(*this) + (items_ != room_items_ ? capacity_ * sizeof(Item) : 0) +
           (bytes_ != room_ ? bytes_capacity_ : 0);
  }
  void Clear();

  // The engine's side. They return false if there is no memory.
  bool Add(std::string_view bytes);
  bool AddPinned(void* block, std::string_view bytes);
  bool AddMissing();

 private:
  static constexpr size_t kRoomItems = 16;
  static constexpr size_t kRoomBytes = 2048;
  struct Item {
    bool found;
    size_t at;
    size_t size;
    void* pin;
    const char* pinned;
  };
  void Take(FetchedList& other) noexcept;
  Item* NewItem();

  Item* items_ = room_items_;
  size_t size_ = 0;
  size_t capacity_ = kRoomItems;
  char* bytes_ = room_;
  size_t bytes_size_ = 0;
  size_t bytes_capacity_ = kRoomBytes;
  Item room_items_[kRoomItems];
  char room_[kRoomBytes];
};

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_FETCHED_H_
