// Places on the map as 52-bit numbers, which is how a sorted set keeps them: as scores.
//
// Longitude and latitude are each a whole number of 2^26 equal parts of their range. A place is the two numbers with
// their bits interleaved, the longitude's first: a square cell of about 0.6 m. Without the last two bits it is the cell
// of twice the size that this one is a quarter of; so a cell of any size is one range of scores, from cell << n up to
// the next. The number is a Morton code, and with it a geohash in other letters.
//
// Latitudes end at 85.05 degrees, where Web Mercator's map is square. The earth is a sphere here.
#ifndef LARDER_OPS_GEOHASH_H_
#define LARDER_OPS_GEOHASH_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"

namespace larder::inline v0::ops::geo {

inline constexpr double kLongitudeMax = 180;
inline constexpr double kLatitudeMax = 85.05112878;
inline constexpr int kStepMax = 26;  // bits of each of the two numbers
inline constexpr double kEarthRadius = 6372797.560856;  // in meters

// In degrees.
struct Point {
  double longitude = 0;
  double latitude = 0;
};

constexpr bool IsOnMap(const Point& point) {
  return point.longitude >= -kLongitudeMax && point.longitude <= kLongitudeMax && point.latitude >= -kLatitudeMax &&
         point.latitude <= kLatitudeMax;
}
double ToRadians(double degrees);
double ToDegrees(double radians);

// A cell of the grid whose cells have `step` bits of each number.
struct Cell {
  uint64_t bits = 0;
  int step = 0;

  friend bool operator==(const Cell&, const Cell&) = default;
  // The scores in it: from FirstScore on, less than EndScore.
  double FirstScore() const { return static_cast<double>(bits << (2 * (kStepMax - step))); }
  double EndScore() const { return static_cast<double>((bits + 1) << (2 * (kStepMax - step))); }
};
struct Bounds {
  Point min;
  Point max;
};

// The cell that a point is in. At the very edge of the map, 180 or 85.05112878, it is one beyond the grid. REQUIRES:
// the point is on the map.
Cell CellOf(const Point& point, int step);
// So many cells to the east and to the north, each -1, 0 or 1; the grid has no edges.
Cell Neighbour(Cell cell, int east, int north);
Bounds BoundsOf(Cell cell);

// The score of a point. REQUIRES: it is on the map.
double ScoreOfPoint(const Point& point);
// The middle of the cell that a score is, or the point of the map nearest to it. Any score will do: a fraction is cut
// off, and what no 64 bits hold is converted as x86's processors do it.
Point PointOfScore(double score);
// The score as an integer, by the same rule.
uint64_t BitsOfScore(double score);

// In meters.
double Distance(const Point& a, const Point& b);
double LatitudeDistance(double a, double b);

// The standard geohash of a score's point: latitudes reach up to 90 degrees there. 52 bits are ten letters; the
// eleventh is always 0.
inline constexpr size_t kGeohashChars = 11;
Bytes Geohash(double score, char (&out)[kGeohashChars]);

}  // namespace larder::inline v0::ops::geo

#endif  // LARDER_OPS_GEOHASH_H_
