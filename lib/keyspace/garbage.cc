#include "lib/keyspace/garbage.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/monotonic.h"
#include "lib/base/steps.h"
#include "lib/keyspace/keyspace.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::keyspace {
namespace {

// The limits of one step of freeing, after which others have their turn: 50 us for cold entries on a slow machine.
constexpr size_t kFreeEntries = 128;
constexpr int64_t kFreeNs = 40'000;
// How many structures may wait before those who leave one more help to free them.
constexpr size_t kDroppedMax = 16;

}  // namespace

// A table that nobody can reach any more.
struct Garbage::Grave {
  Grave(Keyspace& keyspace, const Db::Policy& policy) : table(policy, &keyspace.arena(), &keyspace.steps()) {}
  Db::Table table;
  Grave* next = nullptr;
};

void Garbage::DropValue(Entry::Outside outside) {
  switch (outside.storage) {
    case Entry::Storage::kInteger:
    case Entry::Storage::kInline: break;
    case Entry::Storage::kBlock: Drop(static_cast<memory::Block*>(outside.what)); break;
    case Entry::Storage::kStructure: {
      auto* const root = static_cast<Structure*>(outside.what);
      Detach(root);
      if (root->kind->Count(*root) <= kFreeEntries) FreeSomeDropped();
      if (dropped_ != nullptr) keyspace_.Owe(kOwesFreeing);
      break;
    }
  }
}

void Garbage::Detach(Structure* root) {
  LARDER_DCHECK(root->next_garbage == nullptr && root != dropped_);
  root->next_garbage = std::exchange(dropped_, root);
  ++dropped_count_;
  bytes_ += root->bytes;
}

void Garbage::CatchUp() {
  if (dropped_count_ <= kDroppedMax) [[likely]] return;
  const int64_t end_ns = base::MonotonicNs() + kFreeNs;
  do FreeSomeDropped();
  while (dropped_count_ > kDroppedMax && base::MonotonicNs() < end_ns);
}

// Frees a part of the structures that were dropped last.
void Garbage::FreeSomeDropped() {
  base::StepTimer timer(keyspace_.steps(), base::Step::kFree);
  for (size_t left = kFreeEntries; left != 0 && dropped_ != nullptr;) {
    Structure* const root = dropped_;
    Structure* const next = root->next_garbage;
    const size_t elements = std::clamp(root->kind->Count(*root), size_t{1}, left);
    bool done = false;
    const size_t freed = root->kind->FreeSome(heap_, root, elements, &done);
    timer.Add(elements, freed);
    LARDER_CHECK(bytes_ >= freed);  // otherwise the kind does not keep `bytes` exact
    bytes_ -= freed;
    left -= elements;
    if (!done) continue;
    dropped_ = next;
    --dropped_count_;
  }
}

void Garbage::Drop(memory::Block* block) {
  block->UnrefHeld();
  if (heap_.WantsMaintenance()) keyspace_.Owe(kOwesFreeing);
}

void Garbage::DiscardTable(Db::Table& table, size_t bytes) {
  if (table.empty()) return;
  Grave* grave = new (std::nothrow) Grave(keyspace_, table.policy());
  if (grave == nullptr) {
    // There is no memory even for a grave, so all is freed at once, however long that takes.
    table.ForEach([this](Entry* entry) {
      base::AssertHolder();
      keyspace_.EndHistory(*entry);
      Free(entry);
    });
    table.Clear();
    return;
  }
  grave->table.Swap(table);
  bytes_ += bytes + grave->table.memory();
  grave->next = std::exchange(graves_, grave);
  if (FreeStep()) keyspace_.Owe(kOwesFreeing);  // few keys are freed at once
}

// Returns true if nothing is left in it. *freed: the bytes of the freed entries and of the table, as DiscardTable
// counts them.
bool Garbage::FreeSome(Db::Table& table, size_t* freed) {
  base::StepTimer timer(keyspace_.steps(), base::Step::kFree);
  const size_t memory = table.memory();
  size_t bytes = 0;
  const bool all = table.FreeSome(kFreeEntries, [&](Entry* entry) {
    base::AssertHolder();
    const size_t entry_bytes = Keyspace::BytesOf(*entry);
    bytes += entry_bytes;
    timer.Add(1, entry_bytes);
    keyspace_.EndHistory(*entry);
    if (entry->storage() == Entry::Storage::kStructure) [[unlikely]] {  // a hundred of them would make a long step
      Detach(entry->structure());
      FreeShell(entry);
    } else {
      Free(entry);
    }
  });
  *freed = bytes + memory - table.memory();
  return all;
}

bool Garbage::FreeStep() {
  if (dropped_ != nullptr) {
    FreeSomeDropped();
  } else if (Grave* grave = graves_; grave != nullptr) {
    size_t freed = 0;
    const bool all = FreeSome(grave->table, &freed);
    LARDER_CHECK(bytes_ >= freed);
    bytes_ -= freed;
    if (all) {
      graves_ = grave->next;
      delete grave;
      LARDER_DCHECK(graves_ != nullptr || dropped_ != nullptr || bytes_ == 0);
    }
  } else if (heap_.WantsMaintenance()) {
    base::StepTimer timer(keyspace_.steps(), base::Step::kFree);
    const size_t held = heap_.held();
    heap_.Maintain(kFreeNs);
    // Meanwhile other threads may have taken more than this gave back.
    const size_t left = heap_.held();
    timer.Add(1, left < held ? held - left : 0);
  }
  return any();
}

bool Garbage::any() const {
  return graves_ != nullptr || dropped_ != nullptr || heap_.WantsMaintenance();
}

}  // namespace larder::inline v0::keyspace
