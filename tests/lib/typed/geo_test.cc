// The typed geo calls: what each answers and changes. The places and figures are those of Redis's own documentation.
#include <larder/cache.h>
#include <larder/geo.h>
#include <larder/sorted_set.h>

#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;
using Code = absl::StatusCode;
using Order = GeoSearch::Order;

constexpr GeoPoint kPalermo{13.361389, 38.115556};
constexpr GeoPoint kCatania{15.087269, 37.502669};
constexpr GeoPoint kRome{12.4964, 41.9028};
constexpr GeoPoint kBetween{15, 37};

std::vector<std::string> NamesOf(const absl::StatusOr<std::vector<GeoFound>>& found) {
  std::vector<std::string> names;
  EXPECT_TRUE(found.ok()) << found.status();
  if (found.ok()) {
    for (const GeoFound& each : *found) names.push_back(each.member);
  }
  return names;
}

class GeoTest : public ::testing::Test {
 protected:
  GeoTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}
  void Fill() {
    EXPECT_EQ(*cities_.Add({{"Palermo", kPalermo}, {"Catania", kCatania}, {"Rome", kRome}}), 3);
  }

  std::unique_ptr<Cache> cache_;
  Geo cities_{*cache_, "cities"};
};

TEST_F(GeoTest, AddsAndMoves) {
  EXPECT_TRUE(*cities_.Add("Palermo", kRome));
  EXPECT_FALSE(*cities_.Add("Palermo", kPalermo));
  EXPECT_EQ(*cities_.Add({}), 0);
  EXPECT_EQ(*cities_.Add({{"Palermo", kRome}, {"Catania", kCatania}}, {.condition = SetOptions::If::kMissing}), 1);
  EXPECT_NEAR((*cities_.Position("Palermo"))->latitude, kPalermo.latitude, 1e-5);
  EXPECT_EQ(*cities_.Add({{"Palermo", kRome}, {"Rome", kRome}},
                         {.condition = SetOptions::If::kPresent, .count_changed = true}), 1);
  EXPECT_EQ(*SortedSet(*cache_, "cities").Size(), 2);
}

TEST_F(GeoTest, TellsPlacesAndDistances) {
  Fill();
  EXPECT_THAT(*cities_.Distance("Palermo", "Catania"), Optional(166274.1516));
  EXPECT_THAT(*cities_.Distance("Palermo", "Catania", GeoUnit::kKilometers), Optional(166.2742));
  EXPECT_THAT(*cities_.Distance("Palermo", "Catania", GeoUnit::kMiles), Optional(103.3182));
  EXPECT_GT(**cities_.Distance("Palermo", "Catania", GeoUnit::kFeet), 500'000);
  EXPECT_EQ(*cities_.Distance("Palermo", "Atlantis"), std::nullopt);
  EXPECT_NEAR((*cities_.Position("Catania"))->longitude, kCatania.longitude, 1e-5);
  EXPECT_EQ(*cities_.Position("Atlantis"), std::nullopt);
  const auto positions = *cities_.Positions({"Atlantis", "Rome"});
  ASSERT_EQ(positions.size(), 2u);
  EXPECT_EQ(positions[0], std::nullopt);
  EXPECT_NEAR(positions[1]->latitude, kRome.latitude, 1e-5);
  EXPECT_THAT(*cities_.Hash("Palermo"), Optional(std::string("sqc8b49rny0")));
  EXPECT_THAT(*cities_.Hashes({"Catania", "Atlantis"}), ElementsAre(std::string("sqdtr74hyu0"), std::nullopt));
  const Geo none(*cache_, "none");
  EXPECT_EQ(*none.Position("x"), std::nullopt);
  EXPECT_EQ(*none.Hash("x"), std::nullopt);
  EXPECT_EQ(*none.Distance("x", "y"), std::nullopt);
  EXPECT_THAT(*none.Positions({"x"}), ElementsAre(std::nullopt));
}

TEST_F(GeoTest, Searches) {
  Fill();
  constexpr GeoUnit kKm = GeoUnit::kKilometers;
  EXPECT_THAT(NamesOf(cities_.Search({.from_point = kBetween, .radius = 200, .unit = kKm,
                                      .order = Order::kNearestFirst})), ElementsAre("Catania", "Palermo"));
  EXPECT_THAT(NamesOf(cities_.Search({.from_point = kBetween, .radius = 200, .unit = kKm,
                                      .order = Order::kFarthestFirst})), ElementsAre("Palermo", "Catania"));
  EXPECT_THAT(NamesOf(cities_.Search({.from_member = "Rome", .radius = 1000, .unit = kKm})),
              UnorderedElementsAre("Palermo", "Catania", "Rome"));
  EXPECT_THAT(NamesOf(cities_.Search({.from_member = "Palermo", .box = GeoBox{400, 400}, .unit = kKm, .count = 1})),
              ElementsAre("Palermo"));
  EXPECT_EQ(NamesOf(cities_.Search({.from_point = kBetween, .radius = 1e6, .count = 2, .any = true})).size(), 2u);
  EXPECT_THAT(NamesOf(cities_.Search({.from_point = kBetween, .box = GeoBox{1, 1}})), IsEmpty());
  EXPECT_THAT(NamesOf(Geo(*cache_, "none").Search({.from_point = kBetween, .radius = 1})), IsEmpty());
}

TEST_F(GeoTest, SearchesTellWhatIsAskedFor) {
  Fill();
  GeoSearch search{.from_point = kBetween, .radius = 100, .unit = GeoUnit::kKilometers};
  GeoFound found = cities_.Search(search)->at(0);
  EXPECT_EQ(found.member, "Catania");
  EXPECT_FALSE(found.distance.has_value() || found.point.has_value() || found.hash.has_value());
  search.with_distance = true;
  EXPECT_THAT(cities_.Search(search)->at(0).distance, Optional(56.4413));
  search.with_distance = false;
  search.with_point = true;
  EXPECT_NEAR(cities_.Search(search)->at(0).point->longitude, kCatania.longitude, 1e-5);
  search.with_distance = search.with_hash = true;
  found = cities_.Search(search)->at(0);
  EXPECT_THAT(found.distance, Optional(56.4413));
  EXPECT_NEAR(found.point->latitude, kCatania.latitude, 1e-5);
  EXPECT_THAT(found.hash, Optional(uint64_t{3479447370796909}));
  EXPECT_EQ(static_cast<double>(*found.hash), **SortedSet(*cache_, "cities").Score("Catania"));
}

TEST_F(GeoTest, StoresWhatItFinds) {
  Fill();
  const Geo near(*cache_, "near");
  const GeoSearch search{.from_point = kBetween, .radius = 200, .unit = GeoUnit::kKilometers};
  EXPECT_EQ(*near.StoreSearch("cities", search), 2);
  EXPECT_EQ(*near.Hash("Palermo"), *cities_.Hash("Palermo"));
  EXPECT_EQ(*near.StoreDistances("cities", search), 2);
  EXPECT_NEAR(**SortedSet(*cache_, "near").Score("Catania"), 56.4413, 1e-4);
  EXPECT_EQ(*near.StoreSearch("none", search), 0);
  EXPECT_FALSE(*cache_->Exists("near"));
}

TEST_F(GeoTest, Errors) {
  Fill();
  const auto code = [&](const GeoSearch& search) { return cities_.Search(search).status().code(); };
  EXPECT_EQ(code({.radius = 1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_point = kBetween}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_member = "Rome", .from_point = kBetween, .radius = 1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_point = kBetween, .radius = 1, .box = GeoBox{1, 1}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_member = "Atlantis", .radius = 1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_point = kBetween, .radius = -1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_point = kBetween, .radius = 1, .any = true}), Code::kInvalidArgument);
  EXPECT_EQ(code({.from_point = kBetween, .radius = 1, .count = 0}), Code::kInvalidArgument);
  EXPECT_EQ(cities_.Add("x", {181, 0}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(cities_.Add("x", {0, 86}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(cities_.Add("x", {std::numeric_limits<double>::quiet_NaN(), 0}).status().code(), Code::kInvalidArgument);
  // All or none.
  EXPECT_FALSE(cities_.Add({{"y", kRome}, {"x", {0, 86}}}).ok());
  EXPECT_EQ(*SortedSet(*cache_, "cities").Size(), 3);
  ASSERT_TRUE(cache_->Set("text", "x").ok());
  const Geo text(*cache_, "text");
  EXPECT_EQ(text.Add("x", kRome).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(text.Position("x").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(text.Search({.from_point = kRome, .radius = 1}).status().code(), Code::kFailedPrecondition);
}

TEST_F(GeoTest, InATransactionItIsTheTransactions) {
  std::optional<Geo> kept;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      kept.emplace(transaction, "cities");
                      EXPECT_TRUE(*kept->Add("Rome", kRome));
                      EXPECT_THAT(*kept->Distance("Rome", "Rome"), Optional(0.0));
                    }).ok());
  EXPECT_EQ(kept->Position("Rome").status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(cities_.Position("Rome")->has_value());
}

}  // namespace
}  // namespace larder::testing
