// ExpiryHeap: the entries of a database that have an expiry, soonest first.
//
// A binary heap of entry pointers; an entry knows its slot, so that changing or dropping an expiry costs O(log n).
// Active expiry pops what is due and visits nothing else. Plain: issue-sized databases want the timing wheel of
// DESIGN.md, which takes the place of this class behind the same calls.
//
// Memory: 8 bytes an entry with an expiry, here, and 12 in the entry. Reserve can fail; the other calls cannot.
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_EXPIRY_H_
#define LARDER_KEYSPACE_EXPIRY_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::keyspace {

class ExpiryHeap {
 public:
  explicit ExpiryHeap(memory::Arena* arena) : arena_(arena) {}
  ExpiryHeap(const ExpiryHeap&) = delete;
  ExpiryHeap& operator=(const ExpiryHeap&) = delete;
  ~ExpiryHeap() { Clear(); }

  // Makes sure that the next Add has room. False when there is no memory.
  bool Reserve();
  // REQUIRES: Reserve() has succeeded since the last Add; entry->has_expiry().
  void Add(Entry* entry);
  void Remove(Entry* entry);
  // After entry->set_expiry_ms.
  void Update(Entry* entry);
  // `now` takes the place of `before`, which may differ in its expiry.
  void Replace(Entry* before, Entry* now);
  void Clear();
  void Swap(ExpiryHeap& other);

  size_t size() const { return size_; }
  Entry* soonest() const { return size_ == 0 ? nullptr : heap_[0]; }
  // REQUIRES: i < size(). In no particular order.
  Entry* at(size_t i) const {
    LARDER_DCHECK(i < size_);
    return heap_[i];
  }

 private:
  void Place(size_t slot, Entry* entry) {
    heap_[slot] = entry;
    entry->set_expiry_slot(static_cast<uint32_t>(slot));
  }
  void Up(size_t slot, Entry* entry);
  void Down(size_t slot, Entry* entry);
  void Settle(size_t slot, Entry* entry);

  memory::Arena* arena_;
  Entry** heap_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EXPIRY_H_
