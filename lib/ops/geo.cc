#include "lib/ops/geo.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>
#include <utility>

#include "lib/keyspace/errors.h"
#include "lib/ops/zset_edit.h"
#include "lib/ops/zsets.h"

namespace larder::inline v0::ops::geo {
namespace {

using keyspace::Change;
using keyspace::Collection;
using keyspace::EventClass;

// ---- The cells of a search ------------------------------------------------------------------------------------------

struct Direction {
  int east;
  int north;
};
constexpr Direction kDirections[] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                     {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
constexpr size_t kCellsMax = std::size(kDirections);

// Half the width and height of what surrounds a shape.
struct Extent {
  double width;
  double height;
  double radius;  // of the circle around it
};
Extent ExtentOf(const Shape& shape) {
  if (shape.kind == Shape::kCircle) return {shape.radius, shape.radius, shape.radius};
  const double width = shape.width / 2;
  const double height = shape.height / 2;
  return {width, height, std::sqrt(width * width + height * height)};
}

// The parallels and meridians around it. A degree of longitude is shortest at the side that is nearest to a pole; a
// shape that reaches beyond the pole has no such side, and its bounds mean nothing then.
Bounds BoundsAround(const Point& centre, const Extent& extent) {
  const double north = ToDegrees(extent.height / kEarthRadius);
  const double side = centre.latitude < 0 ? centre.latitude - north : centre.latitude + north;
  const double east = ToDegrees(extent.width / kEarthRadius / std::cos(ToRadians(side)));
  return {{centre.longitude - east, centre.latitude - north}, {centre.longitude + east, centre.latitude + north}};
}

// The smallest cells that are at least as wide as the radius, measured on Mercator's map; larger near the poles, where
// meridians come together.
int StepFor(double radius, double latitude) {
  constexpr double kHalfEquator = 20037726.37;  // of the map, in meters
  constexpr int kEnough = 40;
  int step = -1;
  for (double reach = radius; reach < kHalfEquator && step < kEnough; reach *= 2) ++step;
  if (std::abs(latitude) > 66) --step;
  if (std::abs(latitude) > 80) --step;
  return std::clamp(step, 1, kStepMax);
}

// Whether the cells around this one reach as far as the bounds do. On the other side of the 180th meridian they do not.
bool Covers(Cell cell, const Bounds& bounds) {
  return !(BoundsOf(Neighbour(cell, 0, 1)).max.latitude < bounds.max.latitude ||
           BoundsOf(Neighbour(cell, 0, -1)).min.latitude > bounds.min.latitude ||
           BoundsOf(Neighbour(cell, 1, 0)).max.longitude < bounds.max.longitude ||
           BoundsOf(Neighbour(cell, -1, 0)).min.longitude > bounds.min.longitude);
}

class Cells {
 public:
  explicit Cells(const Search& search) {
    const Extent extent = ExtentOf(search.shape);
    const Bounds bounds = BoundsAround(search.centre, extent);
    int step = StepFor(extent.radius, search.centre.latitude);
    if (step > 1 && !Covers(CellOf(search.centre, step), bounds)) --step;
    const Cell middle = CellOf(search.centre, step);
    for (const Direction direction : kDirections) {
      if (step >= 2 && IsBeside(BoundsOf(middle), bounds, direction)) continue;
      const Cell cell = Neighbour(middle, direction.east, direction.north);
      // Where there are but two cells in a row, the neighbours on both sides are one.
      if (count_ == 0 || !(cells_[count_ - 1] == cell)) cells_[count_++] = cell;
    }
  }
  std::span<const Cell> all() const { return {cells_, count_}; }

 private:
  // Whether the middle cell reaches beyond the bounds on this side, so that nothing of its neighbour there is needed.
  static bool IsBeside(const Bounds& middle, const Bounds& bounds, Direction to) {
    return (to.north > 0 && middle.max.latitude > bounds.max.latitude) ||
           (to.north < 0 && middle.min.latitude < bounds.min.latitude) ||
           (to.east > 0 && middle.max.longitude > bounds.max.longitude) ||
           (to.east < 0 && middle.min.longitude < bounds.min.longitude);
  }

  Cell cells_[kCellsMax];
  size_t count_ = 0;
};

// The indexes of the members in a cell.
struct Indexes {
  size_t first;
  size_t count;
};
Indexes MembersIn(const Collection& zset, Cell cell) {
  const size_t first = zset.CountLess(keyspace::ScoredProbe(ds::ScoreWord(cell.FirstScore()), {}));
  const size_t end = zset.CountLess(keyspace::ScoredProbe(ds::ScoreWord(cell.EndScore()), {}));
  return {first, end - first};
}

// The distance from the centre, if the point is in the shape.
bool IsInside(const Search& search, const Point& point, double* distance) {
  const Point& centre = search.centre;
  const Shape& shape = search.shape;
  if (shape.kind == Shape::kBox) {
    if (LatitudeDistance(centre.latitude, point.latitude) > shape.height / 2) return false;
    if (Distance(point, {centre.longitude, point.latitude}) > shape.width / 2) return false;
  }
  *distance = Distance(centre, point);
  return shape.kind == Shape::kBox || *distance <= shape.radius;
}

// ---- Sorting --------------------------------------------------------------------------------------------------------

// Brings what belongs into the first `wanted` places there, in order. Which of several members of one distance comes
// first is seen in the reply: so this is the quicksort whose result Redis's has, that of J. Bentley and M. McIlroy,
// "Engineering a Sort Function" (1993), which leaves alone what is beyond the wanted places.
class NearestFirst {
 public:
  NearestFirst(std::span<Found> all, size_t wanted, bool ascending)
      : all_(all.data()), size_(all.size()), wanted_(wanted), ascending_(ascending) {}

  void Run() { Sort(0, size_, 2 * static_cast<int>(std::bit_width(size_))); }

 private:
  // Less than 0, 0, or more, as one is before, equal to or behind the other.
  int Compare(size_t a, size_t b) const {
    const double difference = all_[a].distance - all_[b].distance;
    const int order = difference < 0 ? -1 : difference > 0 ? 1 : 0;
    return ascending_ ? order : -order;
  }
  void Swap(size_t a, size_t b) { std::swap(all_[a], all_[b]); }
  void SwapRuns(size_t a, size_t b, size_t count) {
    for (size_t i = 0; i < count; ++i) Swap(a + i, b + i);
  }

  void Insert(size_t from, size_t count) {
    for (size_t i = from + 1; i < from + count; ++i) {
      for (size_t j = i; j > from && Compare(j - 1, j) > 0; --j) Swap(j - 1, j);
    }
  }

  size_t Median(size_t a, size_t b, size_t c) const {
    if (Compare(a, b) < 0) return Compare(b, c) < 0 ? b : Compare(a, c) < 0 ? c : a;
    return Compare(b, c) > 0 ? b : Compare(a, c) < 0 ? a : c;
  }

  size_t Pivot(size_t from, size_t count) const {
    size_t low = from;
    size_t middle = from + count / 2;
    size_t high = from + count - 1;
    if (count <= 7) return middle;
    if (count > 40) {
      const size_t eighth = count / 8;
      low = Median(low, low + eighth, low + 2 * eighth);
      middle = Median(middle - eighth, middle, middle + eighth);
      high = Median(high - 2 * eighth, high - eighth, high);
    }
    return Median(low, middle, high);
  }

  // What is equal to the pivot is collected at both ends, and then brought between the two parts.
  struct Parts {
    size_t less;  // how many
    size_t greater;
  };
  Parts Partition(size_t from, size_t count) {
    Swap(from, Pivot(from, count));
    const size_t end = from + count;
    size_t equal_low = from + 1;
    size_t low = from + 1;
    size_t high = end;        // behind what has not been looked at
    size_t equal_high = end;  // from here on they are equal
    while (true) {
      for (int order; low < high && (order = Compare(low, from)) <= 0; ++low) {
        if (order == 0) Swap(equal_low++, low);
      }
      for (int order; low < high && (order = Compare(high - 1, from)) >= 0; --high) {
        if (order == 0) Swap(high - 1, --equal_high);
      }
      if (low >= high) break;
      Swap(low++, --high);
    }
    const Parts parts{low - equal_low, equal_high - high};
    const size_t left = std::min(equal_low - from, parts.less);
    SwapRuns(from, low - left, left);
    const size_t right = std::min(parts.greater, end - equal_high);
    SwapRuns(low, end - right, right);
    return parts;
  }

  // `depth`: how often it may halve before it has met a series that it cannot halve well.
  void Sort(size_t from, size_t count, int depth) {
    while (count >= 7) {
      if (depth-- == 0) {
        const auto before = [&](const Found& a, const Found& b) {
          return ascending_ ? a.distance < b.distance : b.distance < a.distance;
        };
        std::sort(all_ + from, all_ + from + count, before);
        return;
      }
      const Parts parts = Partition(from, count);
      if (parts.less > 1) Sort(from, parts.less, depth);
      from += count - parts.greater;
      count = parts.greater;
      if (from >= wanted_) return;
    }
    Insert(from, count);
  }

  Found* const all_;
  const size_t size_;
  const size_t wanted_;
  const bool ascending_;
};

}  // namespace

Error Findings::Run(const Collection& zset, const Search& search) {
  room_.Clear();
  Error error;
  const Cells cells(search);
  for (const Cell cell : cells.all()) {
    const auto [first, count] = MembersIn(zset, cell);
    bool full = false;
    if (count == 0) continue;
    zset.ForRange(first, count, false, [&](const char* record) {
      double distance = 0;
      if (!IsInside(search, PointOfScore(zsets::ScoreOf(zset, record)), &distance)) return true;
      char* const room = room_.Extend(sizeof(Found));
      if (room == nullptr) {
        error = errors::kAllocationFailed;
        return false;
      }
      new (room) Found{record, distance};
      full = search.limit != 0 && all().size() >= search.limit;
      return !full;
    });
    LARDER_RETURN_IF_ERROR(error);
    if (full) break;
  }
  return kOk;
}

void Findings::Sort(bool ascending, size_t count) {
  const std::span<Found> found = all();
  if (count < found.size()) {
    NearestFirst(found, count, ascending).Run();
    room_.Truncate(count * sizeof(Found));
    return;
  }
  // Without memory for a copy it makes do.
  std::stable_sort(found.begin(), found.end(), [ascending](const Found& a, const Found& b) {
    return ascending ? a.distance < b.distance : b.distance < a.distance;
  });
}

size_t CountCandidates(const Collection& zset, const Search& search) {
  size_t count = 0;
  const Cells cells(search);
  for (const Cell cell : cells.all()) count += MembersIn(zset, cell).count;
  return count;
}

Error Store(keyspace::Db& db, Bytes key, const Collection& zset, std::span<const Found> found, double unit, Bytes event,
            std::span<const Bytes> command) {
  const keyspace::Place place = db.Locate(key, keyspace::Lookup::kWrite);
  if (found.empty()) {
    db.DeleteAny(key, Change{EventClass::kGeneric, "del", command});
    return kOk;
  }
  zsets::ZsetEdit made(db, key, place, zsets::ZsetEdit::Anew::kSkiplist);
  for (const Found& one : found) {
    const double score = unit == 0 ? zsets::ScoreOf(zset, one.record) : one.distance / unit;
    LARDER_RETURN_IF_ERROR(made.Insert(zsets::MemberOf(zset, one.record), score));
  }
  LARDER_RETURN_IF_ERROR(made.ShrinkLabel());
  return made.Commit(Change{EventClass::kZset, event, command});
}

}  // namespace larder::inline v0::ops::geo
