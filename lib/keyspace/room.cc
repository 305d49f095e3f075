#include "lib/keyspace/room.h"

#include <algorithm>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {
namespace {

constexpr uint64_t kEvictNs = 80'000;  // 100 us on a machine whose clock is slow to read
constexpr size_t kCollectedAtOnce = 256;
// What a call may evict because the source is full: so many times what it asked for, and no more than that at once, since
// it does so in one hold; but as much as it asked for in any case.
constexpr size_t kSourceTimes = 16;
constexpr size_t kSourceBytesMax = size_t{256} << 10;
constexpr int64_t kMaintainNs = 40'000;

}  // namespace

bool Keyspace::OverLimit(size_t counted) const {
  if (config_.maxmemory == 0) return false;
  const size_t ignored = counted + doomed_arguments_.load(std::memory_order_relaxed);
  const size_t used = used_memory();
  return used > ignored && used - ignored > config_.maxmemory;
}

Error Keyspace::AdmitSlow(const Growth& growth) {
  const bool over = OverLimit(growth.counted);
  if (growth.value_bytes > config_.maxmemory) {
    return over && !MayEvict() ? errors::kOutOfMemory : errors::kLargerThanMaxmemory;
  }
  if (!over) return kOk;
  return MakeRoom(growth) == Room::kNone ? Error(errors::kOutOfMemory) : kOk;
}

Room Keyspace::MakeRoom(const Growth& growth) {
  if (!OverLimit(growth.counted)) return Room::kFits;
  const size_t bytes_min = growth.at_once ? growth.bytes : std::min(growth.bytes, kSliceBytes);
  room_counted_ = growth.counted;
  const Room room = MakeRoomOf(bytes_min);
  room_counted_ = 0;
  if (room == Room::kOver) OweEviction();
  return room;
}

// What has been deleted goes first, and as long as there is some of that nobody is evicted.
Room Keyspace::MakeRoomOf(size_t bytes_min) {
  const size_t freed = FreeDeleted(bytes_min);
  room_made_ += freed;
  if (!OverLimit(room_counted_)) return Room::kFits;
  if (graves_ != nullptr) return Room::kOver;
  const Evictor::Outcome outcome = EvictSlice(freed < bytes_min ? bytes_min - freed : 0);
  switch (outcome) {
    case Evictor::Outcome::kFits: return Room::kFits;
    case Evictor::Outcome::kMore: return Room::kOver;
    case Evictor::Outcome::kCannot: break;
  }
  return Room::kNone;
}

// At least `bytes_min` if there is so much, more than that only to finish a step. Returns how much.
size_t Keyspace::FreeDeleted(size_t bytes_min) {
  const size_t before = heap_->used();
  const auto freed = [&] {
    const size_t now = heap_->used();
    return now < before ? before - now : 0;  // other threads may take memory meanwhile
  };
  if (heap_->arena().has_returned()) heap_->CollectReturned(kCollectedAtOnce);
  for (bool first = true; graves_ != nullptr && (first || freed() < bytes_min); first = false) {
    if (!OverLimit(room_counted_)) break;
    FreeStep();
  }
  return freed();
}

Evictor::Outcome Keyspace::EvictSlice(size_t bytes_min) {
  base::StepTimer timer(steps_, base::Step::kEvict, base::StepTimer::kUntimed);
  const uint64_t evicted = evictor_.evicted();
  // Not the difference of used_memory(): that may rise meanwhile, by the evictor's own tables and other threads'
  // blocks.
  const uint64_t bytes = evictor_.evicted_bytes();
  const Evictor::Outcome outcome = evictor_.Evict({.cpu_ns_max = kEvictNs, .bytes_min = bytes_min});
  timer.Add(evictor_.evicted() - evicted, evictor_.evicted_bytes() - bytes);
  room_made_ += evictor_.evicted_bytes() - bytes;
  return outcome;
}

bool Keyspace::EvictStep() {
  // FreeStep's work comes first.
  const bool more = MayEvict() && OverLimit() && (graves_ != nullptr || EvictSlice(0) == Evictor::Outcome::kMore);
  owes_eviction_ = more;
  return more;
}

bool Keyspace::SourceHasRoom() const {
  return evictor_.evicted_bytes() >= source_goal_ || heap_->arena().HasRoom(source_wanted_);
}

// In rounds, each of which evicts as much as all before it, the first what is wanted: where the arena cannot tell whether
// that has made room, as for a block beyond it, only another try can.
bool Keyspace::EvictForSource(SourceSearch* search) {
  const size_t refused = heap_->TakeRefused();
  if (refused == 0 || !MayEvict()) return false;
  search->wanted = std::max(search->wanted, refused);
  const size_t most = std::max(search->wanted, std::min(search->wanted * kSourceTimes, kSourceBytesMax));
  if (search->evicted >= most) return false;
  const size_t bytes = std::min(std::max(search->wanted, search->evicted), most - search->evicted);
  heap_->CollectReturned();
  source_wanted_ = search->wanted;
  source_goal_ = evictor_.evicted_bytes() + bytes;
  const uint64_t before = evictor_.evicted_bytes();
  base::StepTimer timer(steps_, base::Step::kEvict);
  const uint64_t evicted = evictor_.evicted();
  const Evictor::Outcome outcome = evictor_.Evict({});
  source_goal_ = 0;
  timer.Add(evictor_.evicted() - evicted, evictor_.evicted_bytes() - before);
  search->evicted += evictor_.evicted_bytes() - before;
  if (search->wanted > memory::Heap::kArenaMax) heap_->Maintain(kMaintainNs);
  return outcome == Evictor::Outcome::kFits;
}

void Keyspace::OweEviction() {
  owes_eviction_ = true;
  Owe(kOwesEviction);
}

}  // namespace larder::inline v0::keyspace
