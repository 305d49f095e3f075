// Room: keeps a keyspace within maxmemory.
//
// A write that finds memory over the limit evicts one slice and then runs, though memory may still be over the limit,
// as in Redis: nobody waits for all of it. A slice is some 100 us of CPU, and at least the bytes that the write adds.
// So memory over the limit does not grow: it never exceeds the limit, or the memory at the time when the limit was
// lowered, by more than one write. The background evicts the rest (EvictStep). Reads evict nothing.
//
// Garbage (flushed data that waits to be freed) counts as gone at once, up to an eighth of the limit: no key is evicted
// for it. If there is more garbage, a write that finds memory over the limit first frees at least twice the bytes that
// it adds. So the garbage gets less, and still no key is evicted. Garbage brings memory at most an eighth over the
// limit.
//
// Blocks that threads beside the executor have dropped count as gone too, until the holder has collected them: each
// write that may add memory collects some, and the background all. Very large ones are not counted once they are
// dropped.
//
// The memory that a write's arguments take already, in a block or in a client's input, is no reason to evict for the
// write: it will be the value's, or be freed.
//
// A write of more than kSliceBytes would make its slice long. A caller that can let others have their turn in between
// makes room ahead of it, in slices (CacheCore::MakeRoomAhead), and the write itself then evicts no more than others
// do.
//
// A MemorySource may be full before maxmemory is reached. A call that fails for that searches for room (SearchRoom) in
// steps of less than 100 us, and is tried again after each:
//   1. evict until the arena has a free block of the size, at most 16 times the bytes that were asked for;
//   2. move the entries of the sparsest run to others, which makes 64 KB free for blocks of any size; then evict enough
//      to make the holes for another run, up to 384 KB in all;
//   3. make one pass of compaction that goes on until it has won two runs, also those of values beyond 1 KB.
// If there is so much waste that a pass is worth while, that pass comes first. Steps 2 and 3 are for blocks of the
// arena, up to 16 KB. A larger block has its pages from the source, so instead free memory is given back to the source.
// Scattered values of other sizes let little memory become free, so the first large values in a source full of small
// ones may be refused. A single call or request leaves the executor between two steps, so that others have their turn.
// Inside Atomically or EXEC it cannot: there 1 and 2 are done in one hold, which may then take a millisecond, and 3 is
// not done.
//
// A write is refused if memory is over the limit and nothing may be evicted. A value that alone is larger than the
// limit is refused before anything is evicted for it.
#ifndef LARDER_KEYSPACE_ROOM_H_
#define LARDER_KEYSPACE_ROOM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/evictor.h"

namespace larder::inline v0::keyspace {

class Keyspace;

// A slice evicts so many bytes in any case: 128 to 256 small entries.
inline constexpr size_t kSliceBytes = size_t{16} << 10;

// The memory that a write is about to add.
struct Growth {
  size_t bytes = 0;         // about
  size_t value_bytes = 0;   // bytes of its largest value
  size_t counted = 0;       // the part of `bytes` that is in used_memory() already
  bool at_once = false;  // the caller cannot let others in between: evict as much as it adds, however long that takes
};

// Whether there is room for a write.
enum class Room : uint8_t {
  kFits,
  kOver,  // memory is over the limit, but this slice is over too: let the write run
  kNone,  // memory is over the limit, and nothing more may be evicted
};

// The search of one call for memory that the source has refused.
struct SourceSearch {
  enum class Phase : uint8_t { kBegin, kEvict, kGiveBack, kEmptyRun, kEvictForRun, kPass, kOver };
  Phase phase = Phase::kBegin;
  Phase after = Phase::kOver;  // kPass or kGiveBack
  uint8_t passes = 0;          // passes still to make, if they are counted
  bool at_once = false;  // the caller cannot leave the executor: no pass
  size_t wanted = 0;     // bytes in one piece
  size_t evicted = 0;    // evicted for this search so far
  size_t run_goal = 0;   // in kEvictForRun: the goal for `evicted`
};

// maxmemory of one keyspace, and the eviction under it.
class MemoryLimit {
 public:
  explicit MemoryLimit(Keyspace& keyspace) : keyspace_(keyspace) {}

  // `bytes`: maxmemory, 0: none. `may_evict`: whether the policy lets keys go.
  void Configure(size_t bytes, bool may_evict) LARDER_REQUIRES_HOLDER;
  bool may_evict() const LARDER_REQUIRES_HOLDER { return may_evict_; }

  // Whether a write may run. If memory is over the limit, it evicts a slice first.
  // Errors: kOutOfMemory, kLargerThanMaxmemory.
  Error Admit(const Growth& growth) LARDER_REQUIRES_HOLDER {
    if (bytes_ == 0) [[likely]] return kOk;
    return AdmitSlow(growth);
  }
  // The slice alone.
  Room MakeRoom(const Growth& growth) LARDER_REQUIRES_HOLDER;
  // The bytes that MakeRoom has evicted and freed so far.
  uint64_t room_made() const LARDER_REQUIRES_HOLDER { return room_made_; }
  // Whether used memory, less `counted` bytes, is over the limit.
  bool Exceeded(size_t counted = 0) const LARDER_REQUIRES_HOLDER;
  // For the evictor: whether it may stop.
  bool Fits() const LARDER_REQUIRES_HOLDER { return source_goal_ == 0 ? !Exceeded(counted_) : SourceHasRoom(); }
  // For the background: evicts a slice if memory is over the limit. Returns true if there is more to do.
  bool EvictStep() LARDER_REQUIRES_HOLDER;
  // Whether MakeRoom, Configure or EvictStep have left more to evict.
  bool owes_eviction() const LARDER_REQUIRES_HOLDER { return owes_eviction_; }

  // For a call that has failed with kAllocationFailed and changed nothing: takes one step to make room in a full
  // source. Returns true if the call should be tried again. REQUIRES: the caller is not inside an op, since entries
  // change their places.
  bool SearchRoom(SourceSearch* search) LARDER_REQUIRES_HOLDER;
  // The same again and again: `op` has ended with `error`, and returns its next error. It is for callers that cannot
  // let others have their turn in between.
  template <class Op>
  Error RetryWithRoom(Error error, Op&& op) LARDER_REQUIRES_HOLDER {
    SourceSearch search{.at_once = true};
    while (error == errors::kAllocationFailed && SearchRoom(&search)) error = op();
    return error;
  }

  // The bytes of arriving arguments that are larger than the limit. They will be refused, so no key is evicted for
  // them. Any thread may use it.
  std::atomic<size_t>& doomed_arguments() { return doomed_arguments_; }
  // The bytes that wait for listeners to be told what has become of keys. They are bounded elsewhere: no key is evicted
  // for them, whose eviction would be told as well. Any thread may use it.
  std::atomic<size_t>& told_later() { return told_later_; }

 private:
  size_t GarbageMax() const LARDER_REQUIRES_HOLDER { return bytes_ / 8; }
  Error AdmitSlow(const Growth& growth) LARDER_REQUIRES_HOLDER;
  Room MakeRoomOf(size_t bytes_min) LARDER_REQUIRES_HOLDER;
  size_t FreeGarbage(size_t bytes_min) LARDER_REQUIRES_HOLDER;
  Evictor::Outcome EvictSlice(size_t bytes_min) LARDER_REQUIRES_HOLDER;
  void OweEviction() LARDER_REQUIRES_HOLDER;
  bool SourceHasRoom() const LARDER_REQUIRES_HOLDER;
  bool EvictForSearch(SourceSearch* search, size_t bytes, bool fits) LARDER_REQUIRES_HOLDER;
  void BeginPass(SourceSearch* search) LARDER_REQUIRES_HOLDER;
  bool BeginPassForSearch(SourceSearch* search) LARDER_REQUIRES_HOLDER;

  Keyspace& keyspace_;
  size_t bytes_ LARDER_GUARDED_BY_HOLDER = 0;
  bool may_evict_ LARDER_GUARDED_BY_HOLDER = false;
  bool owes_eviction_ LARDER_GUARDED_BY_HOLDER = false;
  bool source_fits_ LARDER_GUARDED_BY_HOLDER = false;  // while SearchRoom runs: the evictor may stop early
  std::atomic<size_t> doomed_arguments_{0};
  std::atomic<size_t> told_later_{0};
  size_t counted_ LARDER_GUARDED_BY_HOLDER = 0;  // while MakeRoom runs: Growth::counted of the write
  uint64_t room_made_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t source_goal_ LARDER_GUARDED_BY_HOLDER = 0;  // while SearchRoom runs: goal for evicted_bytes()
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ROOM_H_
