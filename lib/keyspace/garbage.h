// Garbage: the ends of entries and their values, and what waits to be freed in steps: tables that were emptied, and large
// structures.
//
//   Free, DropValue, Drop ──► at once, but for a large structure ─┐
//   DiscardTable ──► a first step at once, the rest of many keys ─┴─► FreeStep, again and again (owed as kOwesFreeing)
//
// What waits here is a part of Keyspace::used_memory() that counts as gone where memory is compared with maxmemory, up to
// an eighth of that: see lib/keyspace/room.h.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_GARBAGE_H_
#define LARDER_KEYSPACE_GARBAGE_H_

#include <cstddef>

#include "lib/base/check.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

class Garbage {
 public:
  Garbage(Keyspace& keyspace, memory::Heap& heap) : keyspace_(keyspace), heap_(heap) {}
  // REQUIRES: nothing waits.
  ~Garbage() { LARDER_DCHECK(empty()); }
  Garbage(const Garbage&) = delete;
  Garbage& operator=(const Garbage&) = delete;

  // Ends an entry that is in no table, and its value.
  void Free(Entry* entry) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(entry != nullptr);
    if (entry->has_outside()) [[unlikely]] DropValue(entry->outside());
    FreeShell(entry);
  }
  // The same for one whose value another entry has taken over.
  void FreeShell(Entry* entry) LARDER_REQUIRES_HOLDER { heap_.arena().Free(entry, entry->footprint()); }
  // Ends what an entry's value had outside of the entry. A large structure is freed in steps.
  void DropValue(Entry::Outside outside) LARDER_REQUIRES_HOLDER;
  // Ends a reference to a block that the holder has.
  void Drop(memory::Block* block) LARDER_REQUIRES_HOLDER;
  // Takes over what a table holds, entries of so many bytes (Keyspace::BytesOf), to be freed in steps; the table is empty
  // then.
  void DiscardTable(Db::Table& table, size_t bytes) LARDER_REQUIRES_HOLDER;

  // What waits to be freed, tables included.
  size_t bytes() const LARDER_REQUIRES_HOLDER { return bytes_; }
  // Whether nothing waits.
  bool empty() const LARDER_REQUIRES_HOLDER { return graves_ == nullptr && dropped_ == nullptr; }
  // Whether FreeStep has anything to do, the heap's own maintenance included.
  bool any() const LARDER_REQUIRES_HOLDER;
  // One step of freeing. True if there is more.
  bool FreeStep() LARDER_REQUIRES_HOLDER;
  // One step of freeing a table that nobody looks at any more. True if nothing is left in it. *freed: what its entries
  // and its memory have been, as DiscardTable counts them.
  bool FreeSome(Db::Table& table, size_t* freed) LARDER_REQUIRES_HOLDER;

 private:
  struct Grave;
  void Detach(Structure* root) LARDER_REQUIRES_HOLDER;
  void FreeSomeDropped() LARDER_REQUIRES_HOLDER;

  Keyspace& keyspace_;
  memory::Heap& heap_;
  Grave* graves_ LARDER_GUARDED_BY_HOLDER = nullptr;
  Structure* dropped_ LARDER_GUARDED_BY_HOLDER = nullptr;  // large ones, detached
  size_t bytes_ LARDER_GUARDED_BY_HOLDER = 0;              // in both
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_GARBAGE_H_
