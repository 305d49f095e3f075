// Compactor: moves entries and values out of runs of the arena that have become nearly empty, so that the runs can
// serve other sizes, or go back.
//
// A pass walks all tables in hash order. Of an element it looks at the pointer, and through it at the header of the run
// that the pointer is in (of which 32 share two pages): only what is to move is read, and entries whose value is a
// block of its own while runs of those are sparse. An entry is copied as it is, key, value, expiry, access data and
// marks, and its slot gets the new address. Nobody is told, since nothing has changed: no effect, no use, no other
// order of eviction (its pool and queue know keys by their hash). A value's block moves if nobody else has a reference
// to it. Blocks of a structure are moved by its kind, one after the other, over as many steps as they take.
//
//   arena: the waste is over its bar ──OnSparse──► Keyspace owes kOwesCompaction ──► CompactSome, a hold each ──► done
//
// A step takes some 35 us. Between steps anything may happen to the tables; what the walk misses then is left for
// another pass. No step asks for memory: a copy goes into a run that is there.
//
// Costs: 0.6 to 1 us for an entry that moves, what the walk passes by on the way included: see lib/notes/compaction.md.
// Not inside an op: entries move.
#ifndef LARDER_KEYSPACE_COMPACTOR_H_
#define LARDER_KEYSPACE_COMPACTOR_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/arena.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

class Keyspace;

class Compactor {
 public:
  explicit Compactor(Keyspace& keyspace) : keyspace_(keyspace) {}
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;

  // Whether there is something to do, a pass to be finished or begun.
  bool wanted() const LARDER_REQUIRES_HOLDER;
  // One step of it. Returns wanted().
  bool CompactSome() LARDER_REQUIRES_HOLDER;
  // The next part of moving the entries of the sparsest run that holds entries into others, as long as a step;
  // kEmptied: it has become free, for blocks of any size. For who needs memory and can get none from the source; what
  // he does not finish, steps do.
  memory::Arena::Evacuated EmptyRunStep() LARDER_REQUIRES_HOLDER;
  // Begins a pass, unless there is one: if none is worth while, one that goes on until two runs have become free,
  // however much that moves.
  void BeginPassForRuns() LARDER_REQUIRES_HOLDER;
  bool in_pass() const LARDER_REQUIRES_HOLDER { return in_pass_; }

 private:
  class Budget;

  bool MoveFrom(Db::Table::Offered& slot, bool blocks, Budget& budget) LARDER_REQUIRES_HOLDER;
  void MoveBlock(Db::Table::Offered& slot, Budget& budget) LARDER_REQUIRES_HOLDER;
  bool MoveStructure(Db::Table::Offered& slot, Budget& budget) LARDER_REQUIRES_HOLDER;
  Entry* CopyFor(const Entry* entry) LARDER_REQUIRES_HOLDER;
  Db* OwnerOf(Entry* entry, uint64_t hash, Db* first) LARDER_REQUIRES_HOLDER;
  void BeginPass(uint32_t runs) LARDER_REQUIRES_HOLDER;
  static bool InArena(const Entry* entry);

  static constexpr uint32_t kEvacuatedAtOnce = 64;

  Keyspace& keyspace_;
  bool in_pass_ LARDER_GUARDED_BY_HOLDER = false;
  int db_ LARDER_GUARDED_BY_HOLDER = 0;             // where the pass is
  uint64_t position_ LARDER_GUARDED_BY_HOLDER = 0;  // in that table
  // A step has ended within this structure: its bucket is offered again, and what comes before it there has been seen.
  const Structure* resume_ LARDER_GUARDED_BY_HOLDER = nullptr;
  uint64_t resume_at_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_COMPACTOR_H_
