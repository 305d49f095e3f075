#include <larder/internal/fetched.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/memory/block.h"

namespace larder::inline v0::internal {

void Fetched::Unpin() { static_cast<memory::Block*>(pin_)->Unref(); }

void FetchedList::Clear() {
  for (size_t i = 0; i < size_; ++i) {
    if (items_[i].pin != nullptr) static_cast<memory::Block*>(items_[i].pin)->Unref();
  }
  if (items_ != room_items_) std::free(items_);
  if (bytes_ != room_) std::free(bytes_);
  items_ = room_items_;
  capacity_ = kRoomItems;
  bytes_ = room_;
  bytes_capacity_ = kRoomBytes;
  size_ = bytes_size_ = 0;
}

namespace {

// Memory for `capacity` bytes with the first `used` of `old`, which is freed unless it is `room`; or nullptr.
void* Grown(void* old, void* room, size_t used, size_t capacity) {
  if (old != room) return std::realloc(old, capacity);
  void* grown = std::malloc(capacity);
  if (grown != nullptr && used != 0) std::memcpy(grown, old, used);
  return grown;
}

}  // namespace

FetchedList::Item* FetchedList::NewItem() {
  if (size_ == capacity_) {
    void* grown = Grown(items_, room_items_, size_ * sizeof(Item), capacity_ * 2 * sizeof(Item));
    if (grown == nullptr) return nullptr;
    items_ = static_cast<Item*>(grown);
    capacity_ *= 2;
  }
  items_[size_] = Item{};
  return &items_[size_];
}

bool FetchedList::Add(std::string_view bytes) {
  Item* item = NewItem();
  if (item == nullptr) return false;
  if (bytes_capacity_ - bytes_size_ < bytes.size()) {
    const size_t capacity = (bytes_size_ + bytes.size()) * 2;
    void* grown = Grown(bytes_, room_, bytes_size_, capacity);
    if (grown == nullptr) return false;
    bytes_ = static_cast<char*>(grown);
    bytes_capacity_ = capacity;
  }
  base::CopyBytes(bytes_ + bytes_size_, bytes);
  item->found = true;
  item->at = bytes_size_;
  item->size = bytes.size();
  bytes_size_ += bytes.size();
  ++size_;
  return true;
}

bool FetchedList::AddPinned(void* block, std::string_view bytes) {
  Item* item = NewItem();
  if (item == nullptr) return false;
  *item = Item{true, 0, bytes.size(), block, bytes.data()};
  ++size_;
  return true;
}

bool FetchedList::AddMissing() {
  if (NewItem() == nullptr) return false;
  ++size_;
  return true;
}

// REQUIRES: this list is empty.
void FetchedList::Take(FetchedList& other) noexcept {
  if (other.items_ != other.room_items_) {
    items_ = std::exchange(other.items_, other.room_items_);
    capacity_ = std::exchange(other.capacity_, kRoomItems);
  } else {
    std::copy_n(other.room_items_, other.size_, room_items_);
  }
  if (other.bytes_ != other.room_) {
    bytes_ = std::exchange(other.bytes_, other.room_);
    bytes_capacity_ = std::exchange(other.bytes_capacity_, kRoomBytes);
  } else {
    std::copy_n(other.room_, other.bytes_size_, room_);
  }
  size_ = std::exchange(other.size_, 0);
  bytes_size_ = std::exchange(other.bytes_size_, 0);
}

}  // namespace larder::inline v0::internal
