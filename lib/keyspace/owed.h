// OwedWork: the work that ops have left for the background.
//
// An op only notes that there is work (Owe). It does not know who does the work, and wakes nobody. Every path that ends
// a hold on the executor then calls CacheCore::AfterOp, which looks at one word and passes it on if it is not 0. So no
// op has to remember it, and the work that a callback, a batch or background work itself leaves is treated in the same
// way.
//
//     op: Owe(flag) ──► untold ──AfterOp: Told(), and a wake-up──► told ──the last hold of a round: Clear()──► nothing
//
// Work of which the background was told wakes it no second time, until it has looked.
#ifndef LARDER_KEYSPACE_OWED_H_
#define LARDER_KEYSPACE_OWED_H_

#include <cstdint>

#include "lib/base/holder.h"

namespace larder::inline v0::keyspace {

enum Owed : uint32_t {
  kOwesSoonerExpiry = 1,  // a key is due sooner than the background expects, or expiry that stood still may go on
  kOwesFreeing = 2,       // there is garbage
  kOwesEviction = 4,      // memory is over maxmemory
  kOwesCompaction = 8,    // memory is spread over many runs
  kOwesWaiters = 16,      // clients wait for keys that are there now; it is the holder's own work, at once
};

class OwedWork {
 public:
  void Owe(uint32_t flags) LARDER_REQUIRES_HOLDER { untold_ |= flags & ~told_; }

  // The work of which the background has not been told yet.
  uint32_t untold() const LARDER_REQUIRES_HOLDER { return untold_; }
  // The background has been woken.
  void Told() LARDER_REQUIRES_HOLDER {
    told_ |= untold_;
    untold_ = 0;
  }
  // Work that the holder has done itself.
  void Done(uint32_t flags) LARDER_REQUIRES_HOLDER { untold_ &= ~flags; }
  // The background has seen all the work, under the same hold, and knows itself when to come again.
  void Clear() LARDER_REQUIRES_HOLDER { untold_ = told_ = 0; }

 private:
  uint32_t untold_ LARDER_GUARDED_BY_HOLDER = 0;
  uint32_t told_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_OWED_H_
