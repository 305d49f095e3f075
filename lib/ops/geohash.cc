#include "lib/ops/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace larder::inline v0::ops::geo {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180;
constexpr double kGeohashLatitudeMax = 90;

// The bits of `value` at 0, 2, 4...
constexpr uint64_t Spread(uint64_t value) {
  value = (value | value << 16) & 0x0000ffff0000ffff;
  value = (value | value << 8) & 0x00ff00ff00ff00ff;
  value = (value | value << 4) & 0x0f0f0f0f0f0f0f0f;
  value = (value | value << 2) & 0x3333333333333333;
  return (value | value << 1) & 0x5555555555555555;
}

// What Spread has made of it.
constexpr uint64_t Gather(uint64_t value) {
  value &= 0x5555555555555555;
  value = (value | value >> 1) & 0x3333333333333333;
  value = (value | value >> 2) & 0x0f0f0f0f0f0f0f0f;
  value = (value | value >> 4) & 0x00ff00ff00ff00ff;
  value = (value | value >> 8) & 0x0000ffff0000ffff;
  return (value | value >> 16) & 0x00000000ffffffff;
}
static_assert(Gather(Spread(0xfedcba98)) == 0xfedcba98);

constexpr uint64_t Interleave(uint64_t longitude, uint64_t latitude) {
  return Spread(longitude) << 1 | Spread(latitude);
}

// Which of 2^step parts of the range from -max to max it is in.
uint64_t PartOf(double value, double max, int step) {
  const double share = (value + max) / (max * 2);
  return static_cast<uint64_t>(share * static_cast<double>(uint64_t{1} << step));
}

// Where a part begins.
double StartOf(uint64_t part, double max, int step) {
  const double share = static_cast<double>(part) / static_cast<double>(uint64_t{1} << step);
  return -max + share * (max * 2);
}

// What x86's cvttsd2si makes of it, for values below 2^63.
uint64_t Truncated(double value) {
  constexpr double kLimit = 0x1p63;
  if (value >= -kLimit && value < kLimit) return static_cast<uint64_t>(static_cast<int64_t>(value));
  return uint64_t{1} << 63;
}

double Middle(double min, double max, double limit) { return std::clamp((min + max) / 2, -limit, limit); }

}  // namespace

double ToRadians(double degrees) { return degrees * kRadiansPerDegree; }
double ToDegrees(double radians) { return radians / kRadiansPerDegree; }

Cell CellOf(const Point& point, int step) {
  return {Interleave(PartOf(point.longitude, kLongitudeMax, step), PartOf(point.latitude, kLatitudeMax, step)), step};
}

Cell Neighbour(Cell cell, int east, int north) {
  const uint64_t mask = (uint64_t{1} << cell.step) - 1;
  uint64_t x = Gather(cell.bits >> 1);
  uint64_t y = Gather(cell.bits);
  if (east != 0) x = (x + static_cast<uint64_t>(east)) & mask;
  if (north != 0) y = (y + static_cast<uint64_t>(north)) & mask;
  return {Interleave(x, y), cell.step};
}

Bounds BoundsOf(Cell cell) {
  const uint64_t x = Gather(cell.bits >> 1);
  const uint64_t y = Gather(cell.bits);
  return {{StartOf(x, kLongitudeMax, cell.step), StartOf(y, kLatitudeMax, cell.step)},
          {StartOf(x + 1, kLongitudeMax, cell.step), StartOf(y + 1, kLatitudeMax, cell.step)}};
}

double ScoreOfPoint(const Point& point) { return static_cast<double>(CellOf(point, kStepMax).bits); }

uint64_t BitsOfScore(double score) {
  constexpr double kHalf = 0x1p63;
  return score < kHalf ? Truncated(score) : Truncated(score - kHalf) ^ uint64_t{1} << 63;
}

Point PointOfScore(double score) {
  const Bounds bounds = BoundsOf({BitsOfScore(score), kStepMax});
  return {Middle(bounds.min.longitude, bounds.max.longitude, kLongitudeMax),
          Middle(bounds.min.latitude, bounds.max.latitude, kLatitudeMax)};
}

// The haversine formula. Where it is about latitudes alone it gives way to the simpler one, as in Redis: they differ in
// the last digits.
double Distance(const Point& a, const Point& b) {
  const double v = std::sin((ToRadians(b.longitude) - ToRadians(a.longitude)) / 2);
  if (v == 0) return LatitudeDistance(a.latitude, b.latitude);
  const double from = ToRadians(a.latitude);
  const double to = ToRadians(b.latitude);
  const double u = std::sin((to - from) / 2);
  return 2 * kEarthRadius * std::asin(std::sqrt(u * u + std::cos(from) * std::cos(to) * v * v));
}

double LatitudeDistance(double a, double b) { return kEarthRadius * std::abs(ToRadians(b) - ToRadians(a)); }

Bytes Geohash(double score, char (&out)[kGeohashChars]) {
  constexpr Bytes kLetters = "0123456789bcdefghjkmnpqrstuvwxyz";
  const Point point = PointOfScore(score);
  const uint64_t bits = Interleave(PartOf(point.longitude, kLongitudeMax, kStepMax),
                                   PartOf(point.latitude, kGeohashLatitudeMax, kStepMax));
  for (size_t i = 0; i + 1 < kGeohashChars; ++i) out[i] = kLetters[bits >> (2 * kStepMax - 5 * (i + 1)) & 31];
  out[kGeohashChars - 1] = '0';
  return {out, kGeohashChars};
}

}  // namespace larder::inline v0::ops::geo
