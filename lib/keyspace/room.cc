#include "lib/keyspace/room.h"

#include <algorithm>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {
namespace {

constexpr uint64_t kEvictNs = 80'000;  // 100 us on a machine whose clock is slow to read
constexpr size_t kCollectedAtOnce = 256;
// For a search in a full source: the CPU of a step, and how many times the wanted bytes may be evicted at first.
constexpr uint64_t kSearchNs = 60'000;
constexpr size_t kSourceTimes = 16;
constexpr size_t kAtOnceMax = size_t{256} << 10;  // in one hold: at most this, or the wanted bytes if they are more
constexpr int64_t kGiveBackNs = 40'000;
// Evicting so much makes enough holes to empty one run of 64 KB of entries into them. If entries are spread over
// several sizes, it takes some times as much.
constexpr size_t kSourceRunBytes = size_t{96} << 10;
constexpr size_t kSourceRunsMax = 4 * kSourceRunBytes;

}  // namespace

void MemoryLimit::Configure(size_t bytes, bool may_evict) {
  bytes_ = bytes;
  may_evict_ = may_evict;
  if (may_evict && Exceeded()) OweEviction();
}

bool MemoryLimit::Exceeded(size_t counted) const {
  if (bytes_ == 0) return false;
  const size_t gone = std::min(keyspace_.garbage_.bytes(), GarbageMax());
  const size_t ignored = counted + gone + doomed_arguments_.load(std::memory_order_relaxed) +
                         told_later_.load(std::memory_order_relaxed) + keyspace_.heap_->arena().returned_bytes();
  const size_t used = keyspace_.used_memory();
  return used > ignored && used - ignored > bytes_;
}

Error MemoryLimit::AdmitSlow(const Growth& growth) {
  // Returned blocks count as gone, so somebody has to see to it that they go.
  if (keyspace_.heap_->arena().has_returned()) keyspace_.heap_->CollectReturned(kCollectedAtOnce);
  const bool over = Exceeded(growth.counted);
  if (growth.value_bytes > bytes_) {
    return over && !may_evict_ ? errors::kOutOfMemory : errors::kLargerThanMaxmemory;
  }
  if (!over) return kOk;
  return MakeRoom(growth) == Room::kNone ? Error(errors::kOutOfMemory) : kOk;
}

Room MemoryLimit::MakeRoom(const Growth& growth) {
  if (!Exceeded(growth.counted)) return Room::kFits;
  const size_t bytes_min = growth.at_once ? growth.bytes : std::min(growth.bytes, kSliceBytes);
  LARDER_DCHECK(counted_ == 0 && source_goal_ == 0);  // MakeRoom and SearchRoom do not nest
  counted_ = growth.counted;
  const Room room = MakeRoomOf(bytes_min);
  counted_ = 0;
  if (room == Room::kOver) OweEviction();
  return room;
}

// As long as there is more garbage than counts as gone, no key is evicted, and the garbage gets less with each write.
Room MemoryLimit::MakeRoomOf(size_t bytes_min) {
  const size_t freed = FreeGarbage(2 * bytes_min);
  room_made_ += freed;
  if (!Exceeded(counted_)) return Room::kFits;
  if (keyspace_.garbage_.bytes() > GarbageMax()) return Room::kOver;
  const Evictor::Outcome outcome = EvictSlice(freed < bytes_min ? bytes_min - freed : 0);
  switch (outcome) {
    case Evictor::Outcome::kFits: return Room::kFits;
    case Evictor::Outcome::kMore: return Room::kOver;
    case Evictor::Outcome::kCannot: break;
  }
  // The last key that could go may be a large structure, which is garbage now.
  return keyspace_.garbage_.bytes() > GarbageMax() ? Room::kOver : Room::kNone;
}

// Frees at least `bytes_min` of the garbage that does not count as gone, if there is so much; it frees more only to
// finish a step. Returns the bytes that it freed.
size_t MemoryLimit::FreeGarbage(size_t bytes_min) {
  const size_t before = keyspace_.heap_->used();
  const auto freed = [&]() LARDER_REQUIRES_HOLDER {
    const size_t now = keyspace_.heap_->used();
    return now < before ? before - now : 0;  // other threads may have taken memory meanwhile
  };
  if (keyspace_.heap_->arena().has_returned()) keyspace_.heap_->CollectReturned(kCollectedAtOnce);
  for (bool first = true; keyspace_.garbage_.bytes() > GarbageMax() && (first || freed() < bytes_min); first = false) {
    if (!Exceeded(counted_)) break;
    keyspace_.garbage_.FreeStep();
  }
  return freed();
}

Evictor::Outcome MemoryLimit::EvictSlice(size_t bytes_min) {
  base::StepTimer timer(keyspace_.steps_, base::Step::kEvict, base::StepTimer::kUntimed);
  const uint64_t evicted = keyspace_.evictor_.evicted();
  // The difference of used_memory() would not do: it may rise meanwhile, by the evictor's own tables and other threads'
  // blocks.
  const uint64_t bytes = keyspace_.evictor_.evicted_bytes();
  const Evictor::Outcome outcome = keyspace_.evictor_.Evict({.cpu_ns_max = kEvictNs, .bytes_min = bytes_min});
  timer.Add(keyspace_.evictor_.evicted() - evicted, keyspace_.evictor_.evicted_bytes() - bytes);
  room_made_ += keyspace_.evictor_.evicted_bytes() - bytes;
  return outcome;
}

bool MemoryLimit::EvictStep() {
  // FreeStep's work comes first if there is more garbage than counts as gone.
  const bool garbage = keyspace_.garbage_.bytes() > GarbageMax();
  const bool more = may_evict_ && Exceeded() && (garbage || EvictSlice(0) == Evictor::Outcome::kMore);
  owes_eviction_ = more;
  return more;
}

bool MemoryLimit::SourceHasRoom() const {
  return keyspace_.evictor_.evicted_bytes() >= source_goal_ || (source_fits_ && keyspace_.heap_->arena().HasRoomForFailed());
}

// Evicts a slice of `bytes`, at least one key: the arena may not know whether there is room now, as for a block beyond
// it, so only another try can tell. With `fits` it stops as soon as the arena has room. Returns false if no key may be
// evicted.
bool MemoryLimit::EvictForSearch(SourceSearch* search, size_t bytes, bool fits) {
  const uint64_t before = keyspace_.evictor_.evicted_bytes();
  const uint64_t evicted = keyspace_.evictor_.evicted();
  base::StepTimer timer(keyspace_.steps_, base::Step::kEvict);
  LARDER_DCHECK(source_goal_ == 0 && counted_ == 0);
  source_fits_ = false;
  source_goal_ = before + 1;
  Evictor::Outcome outcome = keyspace_.evictor_.Evict({});
  if (outcome == Evictor::Outcome::kFits) {
    source_fits_ = fits;
    source_goal_ = before + bytes;
    outcome = keyspace_.evictor_.Evict({.cpu_ns_max = kSearchNs});
  }
  source_goal_ = 0;
  timer.Add(keyspace_.evictor_.evicted() - evicted, keyspace_.evictor_.evicted_bytes() - before);
  search->evicted += keyspace_.evictor_.evicted_bytes() - before;
  return outcome != Evictor::Outcome::kCannot;
}

void MemoryLimit::BeginPass(SourceSearch* search) {
  keyspace_.compactor_.BeginPassForRuns();
  keyspace_.Owe(kOwesCompaction);
  search->phase = SourceSearch::Phase::kPass;
}

// As long as a pass would win waste back, it comes before more evictions.
bool MemoryLimit::BeginPassForSearch(SourceSearch* search) {
  if (search->at_once || !keyspace_.WantsCompaction()) return false;
  search->after = search->phase;
  BeginPass(search);
  return true;
}

// Nobody holds a pointer to an Entry now: the op that failed is over, and begins anew.
bool MemoryLimit::SearchRoom(SourceSearch* search) {
  using Phase = SourceSearch::Phase;
  using Evacuated = memory::Arena::Evacuated;
  const size_t refused = keyspace_.heap_->TakeFailedBytes();
  if (refused == 0 || !may_evict_) return false;
  search->wanted = std::max(search->wanted, refused);
  const bool in_arena = search->wanted <= memory::Heap::kArenaMax;
  keyspace_.heap_->CollectReturned(kCollectedAtOnce);
  switch (search->phase) {
    case Phase::kBegin:
      search->phase = Phase::kEvict;
      if (in_arena && BeginPassForSearch(search)) return true;
      [[fallthrough]];
    case Phase::kEvict: {
      const size_t times = search->wanted * kSourceTimes;
      const size_t most = search->at_once ? std::max(search->wanted, std::min(times, kAtOnceMax)) : times;
      const size_t left = search->evicted < most ? most - search->evicted : 0;
      const bool more = left != 0 && EvictForSearch(search, in_arena ? left : std::min(left, search->wanted), in_arena);
      if (more && in_arena) return true;
      search->phase = in_arena ? Phase::kEmptyRun : Phase::kGiveBack;
      search->after = more ? Phase::kEvict : Phase::kOver;
      return true;
    }
    case Phase::kGiveBack:
      if (!keyspace_.heap_->GiveBack(kGiveBackNs)) search->phase = search->after;
      return true;
    case Phase::kEmptyRun:
      if (const Evacuated run = keyspace_.compactor_.EmptyRunStep(); run == Evacuated::kMore) keyspace_.Owe(kOwesCompaction);
      else if (run == Evacuated::kNot) search->phase = Phase::kEvictForRun;
      search->run_goal = search->evicted + kSourceRunBytes;
      if (search->phase == Phase::kEvictForRun) BeginPassForSearch(search);
      return true;
    case Phase::kEvictForRun:
      if (search->run_goal <= kSourceRunsMax && EvictForSearch(search, search->run_goal - search->evicted, false)) {
        if (search->evicted >= search->run_goal) search->phase = Phase::kEmptyRun;
        return true;
      }
      if (search->at_once) break;
      search->passes = keyspace_.compactor_.in_pass() ? 2 : 1;  // one whole pass
      search->after = Phase::kOver;
      BeginPass(search);
      [[fallthrough]];
    case Phase::kPass:
      keyspace_.compactor_.CompactSome();
      if (keyspace_.compactor_.in_pass()) return true;
      if (search->passes > 0 && --search->passes > 0) BeginPass(search);
      else search->phase = search->after == Phase::kOver ? Phase::kGiveBack : search->after;
      return true;
    case Phase::kOver: break;
  }
  search->phase = Phase::kOver;
  return false;
}

void MemoryLimit::OweEviction() {
  owes_eviction_ = true;
  keyspace_.Owe(kOwesEviction);
}

}  // namespace larder::inline v0::keyspace
