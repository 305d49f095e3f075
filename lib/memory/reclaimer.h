// Reclaimer: large values that later turns of the executor's holder free, a slice at a time.
//
// If a dropped value would take long to free (many megabytes, a collection of a million elements), its owner unlinks it
// in O(1), puts an Item into the dead value itself and hands that over. Nothing is allocated.
//
// Threads: the executor's holder.
#ifndef LARDER_MEMORY_RECLAIMER_H_
#define LARDER_MEMORY_RECLAIMER_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/monotonic.h"

namespace larder::inline v0::memory {

class Reclaimer {
 public:
  struct Item {
    // Frees at least some of it, and stops when base::MonotonicNs() reaches end_ns. Returns whether there is more; if
    // not, the item is gone. It frees many small pieces between two looks at the clock.
    bool (*free_some)(Item* item, int64_t end_ns);
    Item* next;
  };

  void Add(Item* item) {
    item->next = nullptr;
    *(last_ != nullptr ? &last_->next : &first_) = item;
    last_ = item;
  }
  bool empty() const { return first_ == nullptr; }

  // Frees for about so long, at least one slice. Returns whether there is more.
  bool ReclaimSome(int64_t budget_ns) {
    if (first_ == nullptr) return false;
    const int64_t end_ns = base::MonotonicNs() + budget_ns;
    do {
      Item* const next = first_->next;
      if (first_->free_some(first_, end_ns)) return true;
      first_ = next;
    } while (first_ != nullptr && base::MonotonicNs() < end_ns);
    if (first_ == nullptr) last_ = nullptr;
    return first_ != nullptr;
  }

 private:
  Item* first_ = nullptr;
  Item* last_ = nullptr;
};

}  // namespace larder::inline v0::memory

#endif  // LARDER_MEMORY_RECLAIMER_H_
