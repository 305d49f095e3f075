// Bytes on their way from the engine to a caller's container. Part of the public headers' machinery, not of the API.
//
// The engine fills these without exceptions and without the caller's allocator; inline code of the public headers, which
// is compiled with the user's flags, then makes std::strings of them, so that bad_alloc never crosses the engine.
#ifndef LARDER_INTERNAL_FETCHED_H_
#define LARDER_INTERNAL_FETCHED_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <larder/export.h>

namespace larder::inline v0::internal {

// One value: short ones are copied here while the executor is held, long ones are pinned, and copied after.
class LARDER_API Fetched {
 public:
  static constexpr size_t kRoomBytes = 1024;

  Fetched() {}  // NOLINT: room_ stays unset on purpose
  ~Fetched() {
    if (pin_ != nullptr) Unpin();
  }
  Fetched(const Fetched&) = delete;
  Fetched& operator=(const Fetched&) = delete;

  bool found() const { return found_; }
  std::string_view view() const { return {data_, size_}; }

  // The engine's side.
  char* room() { return room_; }
  void SetRoom(size_t size) {
    found_ = true;
    data_ = room_;
    size_ = size;
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
  char room_[kRoomBytes];
};

// Several: bytes one behind the other in one block of memory, long ones pinned.
class LARDER_API FetchedList {
 public:
  FetchedList() = default;
  ~FetchedList() { Clear(); }
  FetchedList(FetchedList&& other) noexcept { Swap(other); }
  FetchedList& operator=(FetchedList&& other) noexcept {
    Swap(other);
    return *this;
  }

  size_t size() const { return size_; }
  bool found(size_t i) const { return items_[i].found; }
  std::string_view view(size_t i) const {
    const Item& item = items_[i];
    return {item.pin != nullptr ? item.pinned : bytes_ + item.at, item.size};
  }
  void Clear();

  // The engine's side. False when there is no memory.
  bool Add(std::string_view bytes);
  bool AddPinned(void* block, std::string_view bytes);
  bool AddMissing();

 private:
  struct Item {
    bool found;
    size_t at;
    size_t size;
    void* pin;
    const char* pinned;
  };
  void Swap(FetchedList& other) noexcept;
  Item* NewItem();

  Item* items_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  char* bytes_ = nullptr;
  size_t bytes_size_ = 0;
  size_t bytes_capacity_ = 0;
};

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_FETCHED_H_
