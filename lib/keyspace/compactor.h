// Compactor: moves entries and values out of nearly empty runs of the arena, so that the runs can serve other sizes, or
// go back to the system.
//
// A pass walks all tables in hash order. Of an element it looks at the pointer, and through it at the header of its run
// (32 headers share two pages). It reads only elements that are to move and, while runs of value blocks are sparse,
// entries with such a block. An entry is copied as it is, with key, value, expiry, access data and marks, and its slot
// gets the new address. Nobody is told, since nothing has changed: no effect, no use, and not the order of eviction
// (the evictor's pool and queue know keys by their hash). A value's block moves if nobody else has a reference to it.
// The kind of a structure moves its blocks, one after the other, over as many steps as they take.
//
//   arena: the waste is over its bar ──OnSparse──► Keyspace owes kOwesCompaction ──► CompactSome, a hold each ──► done
//
// A step takes some 35 us. Between steps anything may happen to the tables; elements that the walk misses then are left
// for another pass. No step asks for memory: a copy goes into an existing run.
//
// Costs: 0.6 to 1 us for an entry that moves, including the elements that the walk passes by: see
// lib/notes/compaction.md. REQUIRES: the caller is not inside an op, since entries move.
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

  // Whether there is a pass to finish or to begin.
  bool wanted() const LARDER_REQUIRES_HOLDER;
  // Takes one step of a pass. Returns wanted().
  bool CompactSome() LARDER_REQUIRES_HOLDER;
  // Moves some entries of the sparsest run of entries into other runs, for as long as a step takes. kEmptied: the run
  // has become free, for blocks of any size. It is for a caller that needs memory and can get none from the source. If
  // the caller does not finish it, later steps do.
  memory::Arena::Evacuated EmptyRunStep() LARDER_REQUIRES_HOLDER;
  // Begins a pass, unless there is one. If no pass is worth while, it begins one that goes on until two runs have
  // become free, however much that moves.
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
  int db_ LARDER_GUARDED_BY_HOLDER = 0;             // the pass is in this database
  uint64_t position_ LARDER_GUARDED_BY_HOLDER = 0;  // and at this position of its table
  // The structure within which a step has ended: its bucket is offered again, and the elements before it there have
  // been seen.
  const Structure* resume_ LARDER_GUARDED_BY_HOLDER = nullptr;
  uint64_t resume_at_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_COMPACTOR_H_
