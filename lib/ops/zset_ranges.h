// Ranges of sorted sets: by rank, by score and by member, as ZRANGE and its like have them. What a range picks is found
// in steps of the tree's height, however far its LIMIT skips.
#ifndef LARDER_OPS_ZSET_RANGES_H_
#define LARDER_OPS_ZSET_RANGES_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/ops/zsets.h"

namespace larder::inline v0::ops::zsets {

struct ScoreBound {
  double score = 0;
  bool exclusive = false;
};
struct ScoreRange {
  ScoreBound min;
  ScoreBound max;
};

struct LexBound {
  enum Kind : uint8_t { kMin, kMax, kMember };
  Kind kind = kMember;
  bool exclusive = false;
  Bytes member;
};
struct LexRange {
  LexBound min;
  LexBound max;
};

struct Limit {
  int64_t offset = 0;  // less than 0: nothing is picked
  int64_t count = -1;  // less than 0: all
};

struct Range {
  enum By : uint8_t { kRank, kScore, kMember };
  By by = kRank;
  int64_t start = 0;  // kRank, as Redis counts: -1 is the last
  int64_t stop = -1;
  ScoreRange scores;
  LexRange members;
  bool reverse = false;
  Limit limit;  // kScore, kMember
};

// The members that a range picks: `count` of them from index `first` on, or, backwards, from there down.
struct Picked {
  size_t first = 0;
  size_t count = 0;
  bool backwards = false;

  // Of all of them.
  size_t least() const { return backwards ? first + 1 - count : first; }
};

// "5", "(5", "-inf" and what else C's strtod takes, leading blanks and the empty text included. Errors: kRangeNotFloat.
Result<ScoreRange> ParseScoreRange(Bytes min, Bytes max);
// "-", "+", "[member", "(member". Errors: kRangeNotLex.
Result<LexRange> ParseLexRange(Bytes min, Bytes max);

// Where members of different scores are asked for by member, the answer means nothing; for a "listpack" it is Redis's.
Picked Pick(const Opened& opened, const Range& range);

}  // namespace larder::inline v0::ops::zsets

#endif  // LARDER_OPS_ZSET_RANGES_H_
