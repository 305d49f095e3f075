// Room: how a keyspace keeps within maxmemory (see Keyspace::Admit).
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

#include <cstddef>
#include <cstdint>

namespace larder::inline v0::keyspace {

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

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ROOM_H_
