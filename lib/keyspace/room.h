// Room: how a keyspace keeps within maxmemory.
//
// A write that finds memory over the limit evicts one slice and runs, though memory may still be over, as in Redis:
// nobody waits for the whole of it. A slice is some 100 us of CPU, and at least the bytes that the write adds, so that
// memory that is over the limit does not grow: it never exceeds the limit, or what it was when the limit was lowered,
// by more than one write. What is left over is worked off in the background (EvictStep). Reads evict nothing.
//
// What has been flushed and waits to be freed counts as gone at once, up to an eighth of the limit: nobody is evicted
// for it. Where there is more of it, a write that finds memory over the limit frees at least twice the bytes that it
// adds first, so that it gets less, and still nobody is evicted. So memory is at most an eighth over the limit for its
// sake. (Blocks that were dropped by threads beside the executor are collected then; very large ones are not counted
// from when they are dropped.)
//
// What a write's arguments take already, in a block or in a client's input, is not a reason to evict for it: it will be
// the value's, or be freed.
//
// A write of more than kSliceBytes would make its slice long: whoever can let others have their turn in between makes
// room ahead of it, in slices (CacheCore::MakeRoomAhead), and the write itself then evicts no more than others do.
//
// A MemorySource may be full before maxmemory is reached. What fails for want of it searches for room (SearchRoom), a
// step of less than 100 us a time, after each of which it is tried again:
//   1. evict until the arena has a free block of the size, at most 16 times what was asked for;
//   2. move the entries of the sparsest run to others, which makes 64 KB free for blocks of any size; then evict so much as
//      makes the holes for another run, up to 384 KB in all;
//   3. one pass of compaction that goes on until it has won two runs, wherever they are: those of values beyond 1 KB, too.
// Where there is so much waste that a pass is worth while, that pass comes first.
// 2 and 3 are for blocks of the arena, up to 16 KB. A larger one has its pages from the source: instead of them, what
// has become free is given back to that. Values of other sizes that lie scattered let little become free, so that the
// first large ones in a source full of small ones may be refused.
// Who runs a single call or request leaves the executor between two steps, so that others have their turn. Inside
// Atomically or EXEC it cannot: there 1 and 2 are done in one hold, which may then take a millisecond, and 3 is not
// done.
//
// Refused are: a write when memory is over the limit and nothing may be evicted; a value that alone is larger than the
// limit, before anything is evicted for it.
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

// So many bytes a slice evicts in any case: 128 to 256 small entries.
inline constexpr size_t kSliceBytes = size_t{16} << 10;

// What a write is about to add.
struct Growth {
  size_t bytes = 0;         // about
  size_t value_bytes = 0;   // of its largest value
  size_t counted = 0;       // of `bytes`, in used_memory() already
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
  uint8_t passes = 0;          // to be made yet, if that is counted
  bool at_once = false;  // the caller cannot leave the executor: no pass
  size_t wanted = 0;     // bytes in one piece
  size_t evicted = 0;    // for its sake, so far
  size_t run_goal = 0;   // in kEvictForRun: of `evicted`
};

// maxmemory of one keyspace, and the room that is made under it.
class MemoryLimit {
 public:
  explicit MemoryLimit(Keyspace& keyspace) : keyspace_(keyspace) {}

  // `bytes`: maxmemory, 0: none. `may_evict`: whether the policy lets keys go.
  void Configure(size_t bytes, bool may_evict) LARDER_REQUIRES_HOLDER;
  bool may_evict() const LARDER_REQUIRES_HOLDER { return may_evict_; }

  // Whether a write may run; if memory is over the limit, a slice is evicted first.
  // Errors: kOutOfMemory, kLargerThanMaxmemory.
  Error Admit(const Growth& growth) LARDER_REQUIRES_HOLDER {
    if (bytes_ == 0) [[likely]] return kOk;
    return AdmitSlow(growth);
  }
  // The slice alone.
  Room MakeRoom(const Growth& growth) LARDER_REQUIRES_HOLDER;
  // What MakeRoom has evicted and freed so far, in bytes.
  uint64_t room_made() const LARDER_REQUIRES_HOLDER { return room_made_; }
  // Whether more is used than the limit, without `counted` bytes of it.
  bool Exceeded(size_t counted = 0) const LARDER_REQUIRES_HOLDER;
  // For the evictor: whether it may stop.
  bool Fits() const LARDER_REQUIRES_HOLDER { return source_goal_ == 0 ? !Exceeded(counted_) : SourceHasRoom(); }
  // A slice, if memory is over the limit: for the background. True if there is more to do.
  bool EvictStep() LARDER_REQUIRES_HOLDER;
  // Whether MakeRoom, Configure or EvictStep have left over what may be evicted.
  bool owes_eviction() const LARDER_REQUIRES_HOLDER { return owes_eviction_; }

  // After a call has failed, changing nothing, with kAllocationFailed: a step of what may make room in a source that is
  // full. True if the call should be tried again. Not inside an op, since entries change their places.
  bool SearchRoom(SourceSearch* search) LARDER_REQUIRES_HOLDER;
  // The same over and over: `op` is what has ended with `error`, and returns another. For who cannot let others have
  // their turn in between.
  template <class Op>
  Error RetryWithRoom(Error error, Op&& op) LARDER_REQUIRES_HOLDER {
    SourceSearch search{.at_once = true};
    while (error == errors::kAllocationFailed && SearchRoom(&search)) error = op();
    return error;
  }

  // Arguments that arrive and are larger than the limit, in bytes: they will be refused, so that nobody is evicted for
  // them. Any thread.
  std::atomic<size_t>& doomed_arguments() { return doomed_arguments_; }

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
  bool source_fits_ LARDER_GUARDED_BY_HOLDER = false;  // while SearchRoom runs: it may stop early, if the arena has room
  std::atomic<size_t> doomed_arguments_{0};
  size_t counted_ LARDER_GUARDED_BY_HOLDER = 0;  // while MakeRoom runs: what the write has counted already
  uint64_t room_made_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t source_goal_ LARDER_GUARDED_BY_HOLDER = 0;  // while SearchRoom runs: of the evictor's evicted_bytes()
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ROOM_H_
