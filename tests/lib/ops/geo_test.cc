// Places and searches: against a model that looks at everybody, and with allocations of the arena refused one after
// another.
#include "lib/ops/geo.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/zsets.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Collection;
using keyspace::Lookup;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
namespace geo = ops::geo;
namespace zsets = ops::zsets;

TEST(GeohashTest, CellsAreQuarteredStepByStep) {
  const geo::Point palermo{13.361389, 38.115556};
  geo::Cell cell = geo::CellOf(palermo, geo::kStepMax);
  EXPECT_EQ(cell.bits, 3479099956230698u);
  for (int step = geo::kStepMax - 1; step >= 1; --step) {
    EXPECT_EQ(geo::CellOf(palermo, step).bits, cell.bits >> 2 * (geo::kStepMax - step));
    const geo::Bounds bounds = geo::BoundsOf(geo::CellOf(palermo, step));
    EXPECT_LE(bounds.min.longitude, palermo.longitude);
    EXPECT_GT(bounds.max.longitude, palermo.longitude);
    EXPECT_LE(bounds.min.latitude, palermo.latitude);
    EXPECT_GT(bounds.max.latitude, palermo.latitude);
    EXPECT_DOUBLE_EQ(bounds.max.longitude - bounds.min.longitude, 360.0 / static_cast<double>(1u << step));
  }
}

TEST(GeohashTest, NeighboursShareASideAndTheGridHasNoEdges) {
  const geo::Cell cell = geo::CellOf({13.361389, 38.115556}, 12);
  const geo::Bounds bounds = geo::BoundsOf(cell);
  EXPECT_EQ(geo::BoundsOf(geo::Neighbour(cell, 1, 0)).min.longitude, bounds.max.longitude);
  EXPECT_EQ(geo::BoundsOf(geo::Neighbour(cell, -1, 0)).max.longitude, bounds.min.longitude);
  EXPECT_EQ(geo::BoundsOf(geo::Neighbour(cell, 0, 1)).min.latitude, bounds.max.latitude);
  EXPECT_EQ(geo::BoundsOf(geo::Neighbour(cell, -1, -1)).max.latitude, bounds.min.latitude);
  EXPECT_EQ(geo::Neighbour(geo::Neighbour(cell, 1, -1), -1, 1), cell);
  const geo::Cell west = geo::CellOf({-179.99, 0}, 12);
  EXPECT_EQ(geo::Neighbour(west, -1, 0), geo::CellOf({179.99, 0}, 12));
}

TEST(GeohashTest, AScoreIsThePlaceThatItCameFrom) {
  base::Random random(11);
  for (int i = 0; i < 10'000; ++i) {
    const auto share = [&] { return static_cast<double>(random.Below(1'000'000'001)) / 1e9 * 2 - 1; };
    const geo::Point point{share() * geo::kLongitudeMax, share() * geo::kLatitudeMax};
    const geo::Point read = geo::PointOfScore(geo::ScoreOfPoint(point));
    EXPECT_NEAR(read.longitude, point.longitude, 360.0 / (1 << 26));
    EXPECT_NEAR(read.latitude, point.latitude, 180.0 / (1 << 26));
    EXPECT_LT(geo::Distance(point, read), 0.6);
  }
}

TEST(GeohashTest, ScoresThatAreNoPlacesAreConverted) {
  EXPECT_EQ(geo::BitsOfScore(1.5), 1u);
  EXPECT_EQ(geo::BitsOfScore(-1), UINT64_MAX);
  EXPECT_EQ(geo::BitsOfScore(0x1p63), uint64_t{1} << 63);
  EXPECT_EQ(geo::BitsOfScore(HUGE_VAL), 0u);
  EXPECT_EQ(geo::BitsOfScore(1e300), 0u);
  EXPECT_EQ(geo::BitsOfScore(-HUGE_VAL), uint64_t{1} << 63);
  EXPECT_EQ(geo::PointOfScore(-1).longitude, geo::kLongitudeMax);
  EXPECT_EQ(geo::PointOfScore(-1).latitude, geo::kLatitudeMax);
}

TEST(GeohashTest, DistancesAreThoseOfASphere) {
  const double quarter = geo::kEarthRadius * std::acos(-1) / 2;
  EXPECT_NEAR(geo::Distance({0, 0}, {90, 0}), quarter, 1e-6);
  EXPECT_NEAR(geo::Distance({0, 0}, {180, 0}), 2 * quarter, 1e-6);
  EXPECT_NEAR(geo::Distance({17, 0}, {17, 45}), quarter / 2, 1e-6);
  EXPECT_EQ(geo::Distance({17, 1}, {17, 45}), geo::LatitudeDistance(45, 1));
  EXPECT_NEAR(geo::Distance({179.5, 0}, {-179.5, 0}), quarter / 90, 1e-6);
}

class GeoOpsTest : public KeyspaceTest {
 protected:
  using Found = std::pair<std::string, double>;

  ~GeoOpsTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  void Add(std::string_view key, const std::map<std::string, geo::Point>& points) {
    std::vector<zsets::Scored> all;
    for (const auto& [member, point] : points) all.push_back({geo::ScoreOfPoint(point), member});
    ASSERT_TRUE(zsets::Add(db_, key, all, {}, {}).ok());
  }
  // Points within so many degrees of another.
  std::map<std::string, geo::Point> Around(geo::Point centre, double degrees, int count) {
    const auto near = [&](double value) {
      return value + degrees * (static_cast<double>(random_.Below(2001)) / 1000 - 1);
    };
    std::map<std::string, geo::Point> points;
    for (int i = 0; i < count; ++i) {
      points["m" + std::to_string(i)] = {near(centre.longitude), near(centre.latitude)};
    }
    return points;
  }
  std::vector<Found> Text(const Collection& zset, std::span<const geo::Found> found) {
    std::vector<Found> text;
    for (const geo::Found& one : found) text.emplace_back(zsets::MemberOf(zset, one.record), one.distance);
    return text;
  }
  std::vector<std::pair<std::string, double>> Read(std::string_view key) {
    std::vector<std::pair<std::string, double>> scores;
    const Collection zset = *zsets::Open(db_, key);
    zset.ForEach([&](const char* record) {
      scores.emplace_back(zsets::MemberOf(zset, record), zsets::ScoreOf(zset, record));
      return true;
    });
    return scores;
  }

  base::Random random_{20'261'202};
};

// Far from the poles and from the 180th meridian, where nobody is missed.
TEST_F(GeoOpsTest, FindsWhoeverIsInside) {
  for (const int count : {5, 100, 3000}) {
    for (int round = 0; round < 60; ++round) {
      const geo::Point centre{static_cast<double>(random_.Below(200)) - 100,
                              static_cast<double>(random_.Below(100)) - 50};
      const double degrees = std::pow(10, -static_cast<double>(random_.Below(5)));
      Add("g", Around(centre, degrees, count));
      const Collection zset = *zsets::Open(db_, "g");
      geo::Search search;
      search.centre = centre;
      const double size = degrees * 100'000 * (0.1 + static_cast<double>(random_.Below(10)) / 10);
      if (round % 2 == 0) search.shape = {.kind = geo::Shape::kCircle, .radius = size};
      else search.shape = {.kind = geo::Shape::kBox, .width = size, .height = size / 3};
      std::map<std::string, double> expected;
      zset.ForEach([&](const char* record) {
        const geo::Point point = geo::PointOfScore(zsets::ScoreOf(zset, record));
        const double distance = geo::Distance(centre, point);
        const bool inside =
            round % 2 == 0 ? distance <= size
                           : geo::LatitudeDistance(centre.latitude, point.latitude) <= size / 6 &&
                                 geo::Distance({centre.longitude, point.latitude}, point) <= size / 2;
        if (inside) expected[std::string(zsets::MemberOf(zset, record))] = distance;
        return true;
      });
      geo::Findings findings;
      ASSERT_TRUE(findings.Run(zset, search).ok());
      const std::vector<Found> found = Text(zset, findings.all());
      EXPECT_EQ((std::map<std::string, double>(found.begin(), found.end())), expected);
      EXPECT_EQ(found.size(), expected.size());
      EXPECT_GE(geo::CountCandidates(zset, search), found.size());
      // Whatever comes first.
      search.limit = 7;
      ASSERT_TRUE(findings.Run(zset, search).ok());
      EXPECT_THAT(Text(zset, findings.all()),
                  ElementsAreArray(found.data(), std::min<size_t>(7, found.size())));
      db_.Delete(db_.Find("g", Lookup::kPeek), {});
    }
  }
}

// Asked of redis-server 7.0.15. The cells of this box are 11.25 degrees wide, and one place is in each.
TEST_F(GeoOpsTest, CellsComeInRedisOrder) {
  const double west = -0.075, middle = 5.625, east = 11.325;
  Add("g", {{"middle", {middle, 61.13}}, {"north", {middle, 63.88}}, {"south", {middle, 58.38}},
            {"east", {east, 61.13}}, {"west", {west, 61.13}},
            {"north east", {east, 63.88}}, {"north west", {west, 63.88}},
            {"south east", {east, 58.38}}, {"south west", {west, 58.38}}});
  const Collection zset = *zsets::Open(db_, "g");
  geo::Findings findings;
  const geo::Search search{.centre = {middle, 61.13},
                           .shape = {.kind = geo::Shape::kBox, .width = 680'000, .height = 640'000}};
  ASSERT_TRUE(findings.Run(zset, search).ok());
  std::vector<std::string> names;
  for (const Found& found : Text(zset, findings.all())) names.push_back(found.first);
  EXPECT_THAT(names, ElementsAre("middle", "north", "south", "east", "west", "north east", "north west", "south east",
                                 "south west"));
}

TEST_F(GeoOpsTest, TheNearestComeFirst) {
  for (const int count : {1, 6, 7, 40, 41, 500}) {
    for (int round = 0; round < 40; ++round) {
      std::map<std::string, geo::Point> points = Around({10, 20}, 0.5, count);
      const bool equal = round % 3 == 0;  // many of them are at few places
      if (equal) {
        for (auto& [member, point] : points) point = {10.1 + static_cast<double>(random_.Below(3)) / 10, 20};
      }
      Add("g", points);
      const Collection zset = *zsets::Open(db_, "g");
      const geo::Search search{.centre = {10, 20}, .shape = {.radius = 1e6}};
      geo::Findings all;
      ASSERT_TRUE(all.Run(zset, search).ok());
      ASSERT_EQ(all.all().size(), points.size());
      for (const bool ascending : {true, false}) {
        std::vector<Found> sorted = Text(zset, all.all());
        std::stable_sort(sorted.begin(), sorted.end(), [&](const Found& a, const Found& b) {
          return ascending ? a.second < b.second : b.second < a.second;
        });
        geo::Findings findings;
        ASSERT_TRUE(findings.Run(zset, search).ok());
        findings.Sort(ascending, SIZE_MAX);
        EXPECT_EQ(Text(zset, findings.all()), sorted);
        const size_t wanted = 1 + random_.Below(points.size());
        ASSERT_TRUE(findings.Run(zset, search).ok());
        findings.Sort(ascending, wanted);
        std::vector<Found> nearest = Text(zset, findings.all());
        ASSERT_EQ(nearest.size(), std::min(wanted, points.size()));
        std::set<std::string> members;
        for (size_t i = 0; i < nearest.size(); ++i) {
          EXPECT_EQ(nearest[i].second, sorted[i].second);
          if (!equal) {
            EXPECT_EQ(nearest[i].first, sorted[i].first);
          }
          members.insert(nearest[i].first);
        }
        EXPECT_EQ(members.size(), nearest.size());
      }
      db_.Delete(db_.Find("g", Lookup::kPeek), {});
    }
  }
}

// What redis-server 7.0.15 makes of those of one distance if not all are wanted.
TEST_F(GeoOpsTest, OfOneDistanceSomeAreLeftAsInRedis) {
  std::map<std::string, geo::Point> points;
  for (int i = 10; i < 22; ++i) points["m" + std::to_string(i)] = {10.1, 20};
  points["near"] = {10.05, 20};
  const auto nearest = [&](bool ascending, size_t count) {
    const Collection zset = *zsets::Open(db_, "g");
    geo::Findings findings;
    EXPECT_TRUE(findings.Run(zset, {.centre = {10, 20}, .shape = {.radius = 1e6}}).ok());
    findings.Sort(ascending, count);
    std::string names;
    for (const Found& found : Text(zset, findings.all())) names += found.first + " ";
    return names;
  };
  Add("g", points);
  EXPECT_EQ(nearest(false, 5), "m21 m10 m11 m12 m13 ");
  Add("g", {{"far", {10.2, 20}}});
  EXPECT_EQ(nearest(true, 9), "near m10 m11 m12 m13 m14 m15 m17 m18 ");
}

TEST_F(GeoOpsTest, StoresWhatWasFound) {
  Recorder recorder(keyspace_->effects(), keyspace::Effects::kCommands);
  Add("g", {{"a", {1, 1}}, {"b", {2, 2}}});
  recorder.Take();
  const Collection zset = *zsets::Open(db_, "g");
  geo::Findings findings;
  ASSERT_TRUE(findings.Run(zset, {.centre = {1, 1}, .shape = {.radius = 1e6}}).ok());
  ASSERT_TRUE(geo::Store(db_, "to", zset, findings.all(), 0, "geosearchstore", {}).ok());
  EXPECT_EQ(Read("to"), Read("g"));
  EXPECT_THAT(recorder.Take(), ElementsAre("zgeosearchstore db0 to"));
  ASSERT_TRUE(geo::Store(db_, "to", zset, findings.all(), 1000, "georadiusstore", {}).ok());
  EXPECT_NEAR(Read("to")[1].second, 157.3, 0.1);
  EXPECT_THAT(recorder.Take(), ElementsAre("zgeoradiusstore db0 to"));
  ASSERT_TRUE(geo::Store(db_, "to", zset, {}, 1000, "georadiusstore", {}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("gdel db0 to"));
  ASSERT_TRUE(geo::Store(db_, "to", zset, {}, 1000, "georadiusstore", {}).ok());
  EXPECT_THAT(recorder.Take(), IsEmpty());
}

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = 0;
};

TEST_F(GeoOpsTest, AFailingAllocationStoresNothing) {
  int failures = 0;
  for (const int members : {3, 90, 400}) {
    for (const char* const to : {"fresh", "g", "old"}) {
      Add("g", Around({10, 20}, 0.5, members));
      Add("old", Around({10, 20}, 0.5, 200));
      const auto places = Read("g");
      const auto before = Read(to);
      FailAt gate;
      bool done = false;
      for (size_t allowed = 0; !done; allowed += allowed < 40 ? 1 : allowed / 8) {
        gate.left = allowed;
        const Collection zset = *zsets::Open(db_, "g");
        geo::Findings findings;
        ASSERT_TRUE(findings.Run(zset, {.centre = {10, 20}, .shape = {.radius = 1e6}}).ok());
        keyspace_->arena().SetGate(&gate);
        const Error error = geo::Store(db_, to, zset, findings.all(), 0, "geosearchstore", {});
        keyspace_->arena().SetGate(nullptr);
        done = error.ok();
        ASSERT_TRUE(done || error == errors::kAllocationFailed);
        failures += !done;
        EXPECT_EQ(Read(to), done ? places : before);
      }
      for (const char* key : {"g", "fresh", "old"}) {
        if (keyspace::Entry* const entry = db_.Find(key, Lookup::kPeek)) db_.Delete(entry, {});
      }
    }
  }
  EXPECT_GT(failures, 20);
}

}  // namespace
}  // namespace larder::testing
