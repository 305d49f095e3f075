// The part of Arena that decides which blocks move, and finds places for them.
#include "lib/memory/arena.h"

#include <algorithm>
#include <utility>

namespace larder::inline v0::memory {
namespace {

// The fill up to which a run is sparse, in 16ths; a pass picks one of these.
constexpr uint32_t kSparse[] = {4, 8, 12, 14};

// The waste that is tolerated: a 16th of the used bytes.
size_t Tolerated(size_t used, size_t least) { return std::max(used / 16, least); }

}  // namespace

// The free bytes of the runs of movable blocks in this bin and the emptier ones. A run counts as full as the middle of
// its bin.
size_t Arena::SparseRunsBytes(uint32_t first_bin) const {
  size_t eighths = 0;
  for (const Tenant tenant : {Tenant::kEntry, Tenant::kBlock}) {
    for (uint32_t bin = first_bin; bin < kBins; ++bin) {
      eighths += size_t{runs_in_bin_[static_cast<size_t>(tenant)][bin]} * (2 * bin + 1);
    }
  }
  return eighths * (kRunBytes / 8);
}

// The part of the waste that compaction can hope for. The sum by bins may be too high, for runs that lack only a block
// or two are in the first bin as well. The waste is exact, but includes the fixed and the current runs.
size_t Arena::Movable() const { return std::min(SparseRunsBytes(0), waste()); }

// It is called when a run has become emptier.
void Arena::NoteSparse() {
  if (sparse_16ths_ != 0) return;
  const size_t movable = Movable();
  const size_t tolerated = Tolerated(used_ - large_bytes_, kSparseMin);
  // The blocks that the last pass left may have gone since.
  bar_ = std::max(std::min(bar_, movable + tolerated / 2), tolerated);
  if (movable > bar_ && owner_ != nullptr) owner_->OnSparse();
}

void Arena::BeginCompaction(uint32_t runs) {
  emptied_before_ = emptied_runs_;
  RetireCurrents(true);  // current runs of classes no longer used may be sparse too
  const size_t movable = Movable();
  target_ = Tolerated(used_ - large_bytes_, kSparseMin) / 2;
  if (runs != 0) {
    const size_t wanted = runs * kRunBytes;
    target_ = std::min(target_, movable > wanted ? movable - wanted : 0);
    sparse_16ths_ = kSparse[3];
    return;
  }
  const size_t surplus = movable > target_ ? movable - target_ : 0;
  // To empty a run that is 3/4 full costs three moves for each place that it wins; a run that is 1/4 full costs a third
  // of one.
  int choice = 0;
  while (choice < 3 && SparseRunsBytes(kBins - 1 - static_cast<uint32_t>(choice)) < surplus) ++choice;
  sparse_16ths_ = kSparse[choice];
}

void Arena::EndCompaction() {
  sparse_16ths_ = 0;
  const size_t tolerated = Tolerated(used_ - large_bytes_, kSparseMin);
  const size_t won = size_t{emptied_runs_ - emptied_before_} * kRunBytes;
  bar_ = won > tolerated / 2 ? tolerated : std::max(tolerated, Movable() + tolerated / 2);
}

int Arena::CompactionUrgency() const {
  const size_t times = Movable() / Tolerated(used_ - large_bytes_, kSparseMin);
  return static_cast<int>(std::clamp<size_t>(times, 1, 4));
}

bool Arena::MayBeSparse(Tenant tenant) const {
  const uint32_t* const bins = runs_in_bin_[static_cast<size_t>(tenant)];
  return std::any_of(bins, bins + kBins, [](uint32_t runs) { return runs != 0; });
}

// The fullest other run of the same list that is not in an emptier bin than `from`, or nullptr.
Arena::Run* Arena::FullestBeside(const Run* from) const {
  for (uint32_t bin = 0; bin <= from->bin; ++bin) {
    Run* run = bins_[from->list][bin];
    if (run == from) run = run->next;
    if (run != nullptr) return run;
  }
  return nullptr;
}

void* Arena::AllocateForMove(const void* block) {
  const Run* const from = RunOf(block);
  LARDER_DCHECK(from->where == Where::kBin || from->where == Where::kEvacuated);
  if (gate_ != nullptr) {
    Run* const run = gate_->Allow(from->block_bytes) ? FullestBeside(from) : nullptr;
    if (run == nullptr) return nullptr;
    Unlink(run);
    void* const place = TakeBlock(run);
    Shelve(run);
    return place;
  }
  Run* const current = current_[from->list];
  if (void* const place = TakeBlock(current); place != nullptr) return place;
  Run* const run = FullestBeside(from);
  if (run == nullptr) return nullptr;
  Unlink(run);
  MakeCurrent(from->list, run);
  return TakeBlock(run);
}

// ---- One run at once ------------------------------------------------------------------------------------------------

// The sparsest run of entries for which other runs have room.
Arena::Run* Arena::SparsestEntries() const {
  Run* best = nullptr;
  for (size_t list = kSizeClassCount; list < 2 * kSizeClassCount; ++list) {
    for (uint32_t bin = kBins; bin-- > 0;) {
      Run* const run = bins_[list][bin];
      if (run == nullptr) continue;
      const bool has_room = !IsFull(current_[list]) || FullestBeside(run) != nullptr;
      if (has_room && (best == nullptr || run->used * best->capacity < best->used * run->capacity)) best = run;
      break;
    }
  }
  return best;
}

// Takes the run that is being emptied, or another; false if there is none. Its free blocks are marked anew each time,
// since others free some in between.
bool Arena::PickEvacuee(Evacuee* evacuee) {
  if (evacuee_ == nullptr) {
    evacuee_ = SparsestEntries();
    if (evacuee_ == nullptr) return false;
    Unlink(evacuee_);
    evacuee_->where = Where::kEvacuated;
    evacuee_->low = kNever;
    evacuee_at_ = 0;
  }
  Run* const run = evacuee_;
  Chunk* const chunk = ChunkOf(run);
  evacuee->begin = BeginOf(chunk, static_cast<uint32_t>(run - chunk->runs));
  evacuee->blocks = static_cast<uint32_t>((run->bump - evacuee->begin) / run->block_bytes);
  for (void* block = run->free; block != nullptr;) {
    const auto i = static_cast<uint32_t>((static_cast<char*>(block) - evacuee->begin) / run->block_bytes);
    evacuee->free[i / 64] |= uint64_t{1} << i % 64;
    Unpoison(block, sizeof(void*));
    void* const next = *static_cast<void**>(block);
    Poison(block, sizeof(void*));
    block = next;
  }
  return true;
}

bool Arena::ReadmitEvacuee() {
  Run* const run = std::exchange(evacuee_, nullptr);
  const bool empty = run->used == 0;
  Shelve(run);
  return empty;
}

}  // namespace larder::inline v0::memory
