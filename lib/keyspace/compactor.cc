#include "lib/keyspace/compactor.h"

#include <cstring>
#include <utility>

#include "lib/base/monotonic.h"
#include "lib/base/steps.h"
#include "lib/keyspace/keyspace.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::keyspace {

// The work that a step may do. The clock is read each time after as many bytes as are copied in some microseconds.
class Compactor::Budget {
 public:
  explicit Budget(base::StepTimer& timer) : timer_(timer), end_ns_(base::MonotonicNs() + kStepNs) {}

  void Moved(size_t bytes) {
    timer_.Add(1, bytes);
    Spend(kMoveWork + bytes / 8);
  }
  void Passed() { Spend(kPassWork); }
  bool spent() const { return spent_; }

 private:
  static constexpr int64_t kStepNs = 30'000;
  static constexpr size_t kMoveWork = 100;  // roughly in ns; it need not be exact
  static constexpr size_t kPassWork = 20;
  static constexpr size_t kLookAfter = 2000;

  void Spend(size_t work) {
    work_ += work;
    if (work_ < kLookAfter) return;
    work_ = 0;
    spent_ = base::MonotonicNs() >= end_ns_;
  }

  base::StepTimer& timer_;
  const int64_t end_ns_;
  size_t work_ = 0;
  bool spent_ = false;
};

bool Compactor::wanted() const {
  return in_pass_ || keyspace_.arena().evacuating() || keyspace_.arena().WantsCompaction();
}

void Compactor::BeginPass(uint32_t runs) {
  LARDER_DCHECK(!in_pass_);
  keyspace_.arena().BeginCompaction(runs);
  in_pass_ = true;
  db_ = 0;
  position_ = 0;
  resume_ = nullptr;
}

void Compactor::BeginPassForRuns() {
  if (!in_pass_) BeginPass(keyspace_.arena().WantsCompaction() ? 0 : 2);
}

bool Compactor::CompactSome() {
  memory::Arena& arena = keyspace_.arena();
  if (arena.evacuating()) {
    EmptyRunStep();
    return wanted();
  }
  if (!in_pass_) {
    if (!arena.WantsCompaction()) return false;
    BeginPass(0);
  }
  base::StepTimer timer(keyspace_.steps(), base::Step::kCompact);
  Budget budget(timer);
  const bool blocks = arena.MayBeSparse(memory::Tenant::kBlock);
  // The loop ends when enough has been won, or everything was seen.
  while (arena.WantsCompaction() && db_ < keyspace_.made_dbs()) {
    if (budget.spent()) return true;
    budget.Passed();
    Db* const db = keyspace_.made_db(db_);
    const auto move = [&](Db::Table::Offered& slot) {
      base::AssertHolder();
      return MoveFrom(slot, blocks, budget);
    };
    const uint64_t before = position_;
    const bool more = db->table().Relocate(&position_, move);
    // If the structure has gone meanwhile, the rest of its bucket is left for another pass.
    if (position_ != before) resume_ = nullptr;
    if (more) continue;
    ++db_;
    position_ = 0;
    resume_ = nullptr;
  }
  arena.EndCompaction();
  in_pass_ = false;
  return wanted();
}

// Whether the entry is in a run. Entries too large for a run have pages of their own; nearly all others are known by an
// address within a page.
bool Compactor::InArena(const Entry* entry) {
  return reinterpret_cast<uintptr_t>(entry) % memory::kPageBytes != 0 || entry->footprint() <= memory::kSmallMax;
}

// Returns false if the step is over before this entry has had its turn.
bool Compactor::MoveFrom(Db::Table::Offered& slot, bool blocks, Budget& budget) {
  if (budget.spent()) return false;
  memory::Arena& arena = keyspace_.arena();
  Entry* const entry = slot.element();
  if (!InArena(entry)) return true;
  if (arena.IsSparse(entry)) {
    if (Entry* const made = CopyFor(entry); made != nullptr) {
      const size_t bytes = memory::Arena::BytesOf(entry);
      slot.Put(made);
      arena.Free(entry, bytes);
      budget.Moved(bytes);
    }
  }
  if (!blocks) return true;
  if (slot.element()->storage() == Entry::Storage::kBlock) MoveBlock(slot, budget);
  return slot.element()->storage() != Entry::Storage::kStructure || MoveStructure(slot, budget);
}

void Compactor::MoveBlock(Db::Table::Offered& slot, Budget& budget) {
  EntryEdit store(slot.home(), slot.element());  // the old block is freed within it
  memory::Block* const made = keyspace_.blocks().Move(slot.element()->block());
  if (made == nullptr) return;
  store.set_block(made);
  budget.Moved(made->footprint());
}

// Returns false if the step is over before all of the structure has moved.
bool Compactor::MoveStructure(Db::Table::Offered& slot, Budget& budget) {
  Structure* root = slot.element()->structure();
  if (resume_ != nullptr && root != resume_) return true;
  uint64_t position = std::exchange(resume_, nullptr) != nullptr ? resume_at_ : 0;
  memory::Arena& arena = keyspace_.arena();
  const auto move = [&](const void* block) -> void* {
    void* const made = arena.IsSparse(block) ? arena.AllocateForMove(block) : nullptr;
    if (made == nullptr) return nullptr;
    std::memcpy(made, block, memory::Arena::BytesOf(block));
    budget.Moved(memory::Arena::BytesOf(block));
    return made;
  };
  const auto end = [&](void* block) { arena.Free(block, memory::Arena::BytesOf(block)); };
  LARDER_DCHECK(in_pass_);
  EntryEdit store(slot.home(), slot.element());
  for (bool more = true; more;) {
    if (budget.spent()) {
      resume_ = root;
      resume_at_ = position;
      return false;
    }
    budget.Passed();
    more = root->kind->MoveNext(&root, &position, move, end);
    store.set_structure(root);
  }
  return true;
}

// Copies the entry, byte by byte, for its slot; nullptr if there is no place for a copy.
Entry* Compactor::CopyFor(const Entry* entry) {
  void* const place = keyspace_.arena().AllocateForMove(entry);
  if (place == nullptr) return nullptr;
  std::memcpy(place, static_cast<const void*>(entry), memory::Arena::BytesOf(entry));
  return static_cast<Entry*>(place);
}

// The database whose table holds the entry; nullptr if none does: it has been flushed and waits to be freed.
Db* Compactor::OwnerOf(Entry* entry, uint64_t hash, Db* first) {
  const Bytes key = entry->key();
  if (first != nullptr && first->table().Find(key, hash) == entry) return first;
  for (int i = 0; i < keyspace_.made_dbs(); ++i) {
    Db* const db = keyspace_.made_db(i);
    if (db != first && db->table().Find(key, hash) == entry) return db;
  }
  return nullptr;
}

memory::Arena::Evacuated Compactor::EmptyRunStep() {
  base::StepTimer timer(keyspace_.steps(), base::Step::kCompact);
  Db* owner = nullptr;
  return keyspace_.arena().EvacuateSparsest(kEvacuatedAtOnce, [&](void* block) {
    base::AssertHolder();
    auto* const entry = static_cast<Entry*>(block);
    const uint64_t hash = base::HashBytes(entry->key(), keyspace_.hash_seed());
    Db* const db = OwnerOf(entry, hash, owner);
    if (db == nullptr) return;
    owner = db;
    memory::Arena& arena = keyspace_.arena();
    Entry* const made = CopyFor(entry);
    if (made == nullptr) return;
    const size_t bytes = memory::Arena::BytesOf(entry);
    db->table().Moved(entry, made, hash);
    arena.Free(entry, bytes);
    timer.Add(1, bytes);
  });
}

}  // namespace larder::inline v0::keyspace
