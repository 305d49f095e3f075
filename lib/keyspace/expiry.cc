#include "lib/keyspace/expiry.h"

#include <cstring>
#include <utility>

namespace larder::inline v0::keyspace {

bool ExpiryHeap::Reserve() {
  if (size_ < capacity_) return true;
  if (size_ >= UINT32_MAX / 2) return false;  // slots are 32 bits
  const size_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
  void* memory = arena_->Allocate(capacity * sizeof(Entry*));
  if (memory == nullptr) return false;
  if (size_ != 0) std::memcpy(memory, heap_, size_ * sizeof(Entry*));
  arena_->Free(heap_, capacity_ * sizeof(Entry*));
  heap_ = static_cast<Entry**>(memory);
  capacity_ = capacity;
  return true;
}

void ExpiryHeap::Add(Entry* entry) {
  LARDER_CHECK(size_ < capacity_);
  ++size_;
  Up(size_ - 1, entry);
}

void ExpiryHeap::Remove(Entry* entry) {
  const size_t slot = entry->expiry_slot();
  LARDER_DCHECK(slot < size_ && heap_[slot] == entry);
  --size_;
  if (slot != size_) Settle(slot, heap_[size_]);
  if (size_ == 0) Clear();
}

void ExpiryHeap::Update(Entry* entry) { Settle(entry->expiry_slot(), entry); }

void ExpiryHeap::Replace(Entry* before, Entry* now) {
  const size_t slot = before->expiry_slot();
  LARDER_DCHECK(slot < size_ && heap_[slot] == before);
  Settle(slot, now);
}

void ExpiryHeap::Clear() {
  arena_->Free(heap_, capacity_ * sizeof(Entry*));
  heap_ = nullptr;
  size_ = capacity_ = 0;
}

void ExpiryHeap::Swap(ExpiryHeap& other) {
  std::swap(arena_, other.arena_);
  std::swap(heap_, other.heap_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
}

void ExpiryHeap::Settle(size_t slot, Entry* entry) {
  if (slot > 0 && entry->expiry_ms() < heap_[(slot - 1) / 2]->expiry_ms()) {
    Up(slot, entry);
  } else {
    Down(slot, entry);
  }
}

void ExpiryHeap::Up(size_t slot, Entry* entry) {
  while (slot > 0) {
    Entry* parent = heap_[(slot - 1) / 2];
    if (parent->expiry_ms() <= entry->expiry_ms()) break;
    Place(slot, parent);
    slot = (slot - 1) / 2;
  }
  Place(slot, entry);
}

void ExpiryHeap::Down(size_t slot, Entry* entry) {
  for (;;) {
    size_t child = slot * 2 + 1;
    if (child >= size_) break;
    if (child + 1 < size_ && heap_[child + 1]->expiry_ms() < heap_[child]->expiry_ms()) ++child;
    if (heap_[child]->expiry_ms() >= entry->expiry_ms()) break;
    Place(slot, heap_[child]);
    slot = child;
  }
  Place(slot, entry);
}

}  // namespace larder::inline v0::keyspace
