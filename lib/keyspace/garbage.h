// Garbage: frees entries and their values. Emptied tables and large structures wait here to be freed in steps.
//
//   Free, DropValue, Drop ──► at once, but for a large structure ─┐
//   DiscardTable ──► a first step at once, the rest of many keys ─┴─► FreeStep, again and again (owed as kOwesFreeing)
//
// The waiting bytes are part of Keyspace::used_memory(). Where memory is compared with maxmemory they count as gone, up
// to an eighth of that: see lib/keyspace/room.h.
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

  // Frees an entry that is in no table, and its value.
  void Free(Entry* entry) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(entry != nullptr);
    if (entry->has_outside()) [[unlikely]] DropValue(entry->outside());
    FreeShell(entry);
  }
  // Frees an entry whose value another entry has taken over.
  void FreeShell(Entry* entry) LARDER_REQUIRES_HOLDER { heap_.arena().Free(entry, entry->footprint()); }
  // Frees the part of a value that is outside of its entry. A large structure is freed in steps.
  void DropValue(Entry::Outside outside) LARDER_REQUIRES_HOLDER;
  // Drops a reference to a block that the holder has.
  void Drop(memory::Block* block) LARDER_REQUIRES_HOLDER;
  // For a write that leaves a structure behind each time, though others may be as large as it: if many structures wait,
  // frees for some time, so that writers do not leave more than is freed.
  void CatchUp() LARDER_REQUIRES_HOLDER;
  // Takes all entries out of a table, to free them in steps. `bytes`: their Keyspace::BytesOf.
  void DiscardTable(Db::Table& table, size_t bytes) LARDER_REQUIRES_HOLDER;

  // The bytes that wait to be freed, including the tables' own.
  size_t bytes() const LARDER_REQUIRES_HOLDER { return bytes_; }
  // Whether nothing waits.
  bool empty() const LARDER_REQUIRES_HOLDER { return graves_ == nullptr && dropped_ == nullptr; }
  // Whether FreeStep has anything to do, including the heap's own maintenance.
  bool any() const LARDER_REQUIRES_HOLDER;
  // Takes one step of freeing. Returns true if there is more.
  bool FreeStep() LARDER_REQUIRES_HOLDER;
  // Takes one step of freeing a table that nobody can reach any more. Returns true if nothing is left in it. *freed:
  // the bytes of the freed entries and of the table, as DiscardTable counts them.
  bool FreeSome(Db::Table& table, size_t* freed) LARDER_REQUIRES_HOLDER;

 private:
  struct Grave;
  void Detach(Structure* root) LARDER_REQUIRES_HOLDER;
  void FreeSomeDropped() LARDER_REQUIRES_HOLDER;

  Keyspace& keyspace_;
  memory::Heap& heap_;
  Grave* graves_ LARDER_GUARDED_BY_HOLDER = nullptr;
  Structure* dropped_ LARDER_GUARDED_BY_HOLDER = nullptr;  // large structures, detached
  size_t dropped_count_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t bytes_ LARDER_GUARDED_BY_HOLDER = 0;              // in tables and structures
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_GARBAGE_H_
