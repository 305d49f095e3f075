// Sorted sets as trees: CollectionRoot::tree has the members by score, CollectionRoot::map has them by their hash, with
// their scores. What changes one changes the other here, or neither.
//
//   tree   score word, member              by score, then by member
//   map    tag, score word, member         by the member's hash: the way from a member to its score, and ZSCAN's order
//
// The member stands in both. A map of hashes and scores alone would take 12 bytes an element less than this one takes
// (for members of 16 bytes), but one could not scan it: where many members have one score nobody finds the one of some
// hash. A member that is longer than kMemberInlineMax stands in one block, which the tree owns and the map borrows.
//
// A sorted set that is packed has the records of the tree.
#ifndef LARDER_KEYSPACE_SCORED_H_
#define LARDER_KEYSPACE_SCORED_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/ds/counted_tree.h"
#include "lib/ds/packed.h"
#include "lib/ds/score_word.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

struct CollectionRoot;

inline constexpr ds::RecordFormat kScoredMembers{8, 1, ds::RecordFormat::Order::kSorted, /*scores=*/true};
inline constexpr ds::RecordFormat kMemberScores{9, 1, ds::RecordFormat::Order::kHashOfPart, /*scores=*/false,
                                                /*borrows=*/true};
inline constexpr size_t kMemberInlineMax = 64;

// Where a record with this score and member is searched for.
inline ds::SortedProbe ScoredProbe(uint64_t word, Bytes member) {
  return {.first = ds::ComparedWord(word), .second = 0, .part = member};
}

// The score of a member in the map. False if it is not there.
bool FindScoreWord(const ds::CountedTree& map, Bytes member, uint64_t* word);

// --- Changing. All return false when there is no memory, and no record of either tree has changed then. ---

// Puts a member at its place in the tree, to which `at` has been brought. `part` is as a record has it; its block, if it
// has one, is the tree's then.
bool InsertScored(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* at, uint64_t word,
                  const char* part) LARDER_REQUIRES_HOLDER;
// Gives the member at the cursor, which is `member`, another score. `member` is no part of the trees.
bool MoveScored(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* at, Bytes member, uint64_t word)
    LARDER_REQUIRES_HOLDER;
// The same, but a record that has to move leaves the one that the member had before, whose path is the tree's own then.
// If there is such a record at the new place already it becomes the member's again; *there_word: the score it had,
// which is equal, but may be another word.
enum class Rescored : uint8_t { kNoMemory, kInPlace, kMoved, kMovedBack };
Rescored RescoreAndKeep(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* at, Bytes member,
                        uint64_t word, uint64_t* there_word) LARDER_REQUIRES_HOLDER;
// Writes a score over that of a record, in one of the two trees. It stays in order.
bool SetTreeWord(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* in_tree,
                 uint64_t word) LARDER_REQUIRES_HOLDER;
bool SetMapWord(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* in_map,
                uint64_t word) LARDER_REQUIRES_HOLDER;
bool EraseScored(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* at) LARDER_REQUIRES_HOLDER;
// After it EraseScored of the member at the cursor cannot fail.
bool ReserveScored(memory::Heap& heap, CollectionRoot& root, ds::CountedTree::Cursor* at) LARDER_REQUIRES_HOLDER;
bool EraseScoredRange(memory::Heap& heap, CollectionRoot& root, size_t first, size_t count) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_SCORED_H_
