#include <larder/internal/fetched.h>

#include <cstdlib>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/memory/block.h"

namespace larder::inline v0::internal {

void Fetched::Unpin() { static_cast<memory::Block*>(pin_)->Unref(); }

void FetchedList::Clear() {
  for (size_t i = 0; i < size_; ++i) {
    if (items_[i].pin != nullptr) static_cast<memory::Block*>(items_[i].pin)->Unref();
  }
  std::free(items_);
  std::free(bytes_);
  items_ = nullptr;
  bytes_ = nullptr;
  size_ = capacity_ = bytes_size_ = bytes_capacity_ = 0;
}

FetchedList::Item* FetchedList::NewItem() {
  if (size_ == capacity_) {
    const size_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
    void* grown = std::realloc(static_cast<void*>(items_), capacity * sizeof(Item));
    if (grown == nullptr) return nullptr;
    items_ = static_cast<Item*>(grown);
    capacity_ = capacity;
  }
  items_[size_] = Item{};
  return &items_[size_];
}

bool FetchedList::Add(std::string_view bytes) {
  Item* item = NewItem();
  if (item == nullptr) return false;
  if (bytes_capacity_ - bytes_size_ < bytes.size()) {
    const size_t capacity = (bytes_size_ + bytes.size()) * 2;
    void* grown = std::realloc(bytes_, capacity);
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

void FetchedList::Swap(FetchedList& other) noexcept {
  std::swap(items_, other.items_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(bytes_, other.bytes_);
  std::swap(bytes_size_, other.bytes_size_);
  std::swap(bytes_capacity_, other.bytes_capacity_);
}

}  // namespace larder::inline v0::internal
