// What the geo commands do. Places are members of a sorted set whose scores are their cells (geohash.h): they are added
// and removed as any others (zsets.h), and searched for here.
//
// A search looks through nine cells, of a size that they cover the shape: the one of its centre and those around it.
// Their order is Redis's, since it is the order of what is found. What Redis misses is missed here too: near the poles
// some of the cells are left out that parts of the shape are in.
#ifndef LARDER_OPS_GEO_H_
#define LARDER_OPS_GEO_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/ops/geohash.h"

namespace larder::inline v0::ops::geo {

// What is searched, in meters. A box has parallels and meridians for its sides.
struct Shape {
  enum Kind : uint8_t { kCircle, kBox };
  Kind kind = kCircle;
  double radius = 0;
  double width = 0;
  double height = 0;
};
struct Search {
  Point centre;
  Shape shape;
  size_t limit = 0;  // whatever is found first, up to so many; 0: all
};

// A member that was found: its record in the sorted set, of no use after the next change.
struct Found {
  const char* record;
  double distance;  // in meters, from the centre
};
class Findings {
 public:
  // Errors: kAllocationFailed.
  Error Run(const keyspace::Collection& zset, const Search& search);
  // The nearest first, or the farthest; no more than `count` of them are left. Those of one distance stay as they were;
  // if not all are left they are as Redis has them then.
  void Sort(bool ascending, size_t count);

  std::span<Found> all() { return {reinterpret_cast<Found*>(room_.data()), room_.size() / sizeof(Found)}; }

 private:
  base::Buffer room_;
};

// How many members a search would look at.
size_t CountCandidates(const keyspace::Collection& zset, const Search& search);

// Stores what was found as a sorted set (`event`, or "del" if it is nothing and something was there). Scores are cells
// or, if `unit` is not 0, distances, in units of so many meters.
Error Store(keyspace::Db& db, Bytes key, const keyspace::Collection& zset, std::span<const Found> found, double unit,
            Bytes event, std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::geo

#endif  // LARDER_OPS_GEO_H_
