// Geo: a handle on a sorted set of places, Redis's geospatial index: members with a longitude and a latitude, found by
// their distance.
//
//   larder::Geo cities(cache, "cities");
//   absl::StatusOr<bool> is_new = cities.Add("Palermo", {13.361389, 38.115556});
//   absl::StatusOr<int64_t> more = cities.Add({{"Catania", {15.087269, 37.502669}}, {"Rome", {12.4964, 41.9028}}});
//   absl::StatusOr<std::optional<double>> km = cities.Distance("Palermo", "Catania", larder::GeoUnit::kKilometers);
//   absl::StatusOr<std::vector<larder::GeoFound>> near = cities.Search(
//       {.from_point = larder::GeoPoint{15, 37}, .radius = 200, .unit = larder::GeoUnit::kKilometers,
//        .order = larder::GeoSearch::Order::kNearestFirst, .with_distance = true});
//
// It is a sorted set whose scores are geohashes of 52 bits: a place is kept to about half a metre, and distances are
// those on a sphere. larder::SortedSet removes members, counts them and walks through them.
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at a key;
// INVALID_ARGUMENT for a longitude beyond 180 degrees or a latitude beyond 85.05112878, and for a search from a member
// that is not there.
// Costs: O(log N) for a member; a search looks at the members of the cells around its area, and others wait meanwhile.
// A call is a command, whose reply is parsed.
#ifndef LARDER_GEO_H_
#define LARDER_GEO_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>

namespace larder::inline v0 {

// In degrees.
struct GeoPoint {
  double longitude = 0;
  double latitude = 0;

  friend bool operator==(const GeoPoint&, const GeoPoint&) = default;
};

enum class GeoUnit : uint8_t { kMeters, kKilometers, kFeet, kMiles };

struct GeoBox {
  double width = 0;
  double height = 0;
};

// Which members are looked for. One centre and one shape must be given.
struct GeoSearch {
  enum class Order : uint8_t { kNone, kNearestFirst, kFarthestFirst };

  std::optional<std::string_view> from_member = std::nullopt;  // FROMMEMBER
  std::optional<GeoPoint> from_point = std::nullopt;           // FROMLONLAT
  std::optional<double> radius = std::nullopt;                 // BYRADIUS
  std::optional<GeoBox> box = std::nullopt;                    // BYBOX: around the centre
  GeoUnit unit = GeoUnit::kMeters;                             // of the shape, and of distances
  Order order = Order::kNone;                                  // ASC, DESC
  int64_t count = -1;                                          // COUNT: the nearest ones, unless `any`; -1: all
  bool any = false;                                            // ANY: whichever are found first
  bool with_distance = false;                                  // what GeoFound tells; nothing to StoreSearch
  bool with_point = false;
  bool with_hash = false;
};

struct GeoFound {
  std::string member;
  std::optional<double> distance = std::nullopt;  // from the centre
  std::optional<GeoPoint> point = std::nullopt;
  std::optional<uint64_t> hash = std::nullopt;  // 52 bits: the score
};

class Geo : public internal::KeyHandle {
  using Members = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;

 public:
  struct Place {
    std::string_view member;
    GeoPoint point;
  };
  struct AddOptions {
    SetOptions::If condition = SetOptions::If::kAlways;  // NX: only new members; XX: only those that are there
    bool count_changed = false;                          // CH: those that have moved are counted too
  };

  Geo(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // GEOADD: adds members, or moves them: whether it is new; how many are. All are done, or none.
  absl::StatusOr<bool> Add(std::string_view member, const GeoPoint& point) const {
    const Place place{member, point};
    const absl::StatusOr<int64_t> added = Add(std::span(&place, 1), AddOptions());
    if (!added.ok()) return added.status();
    return *added != 0;
  }
  absl::StatusOr<int64_t> Add(std::span<const Place> places) const { return Add(places, AddOptions()); }
  absl::StatusOr<int64_t> Add(std::span<const Place> places, const AddOptions& options) const;
  absl::StatusOr<int64_t> Add(std::initializer_list<Place> places) const { return Add(places, AddOptions()); }
  absl::StatusOr<int64_t> Add(std::initializer_list<Place> places, const AddOptions& options) const {
    return Add(std::span(places.begin(), places.size()), options);
  }

  // GEODIST, to four decimals; nullopt if one of them is not there.
  absl::StatusOr<std::optional<double>> Distance(std::string_view from, std::string_view to,
                                                 GeoUnit unit = GeoUnit::kMeters) const;
  // GEOPOS; nullopt for a member that is not there.
  absl::StatusOr<std::optional<GeoPoint>> Position(std::string_view member) const;
  absl::StatusOr<std::vector<std::optional<GeoPoint>>> Positions(Members members) const;
  absl::StatusOr<std::vector<std::optional<GeoPoint>>> Positions(Listed members) const {
    return Positions(Members(members.begin(), members.size()));
  }
  // GEOHASH: the standard geohash, of 11 letters.
  absl::StatusOr<std::optional<std::string>> Hash(std::string_view member) const;
  absl::StatusOr<std::vector<std::optional<std::string>>> Hashes(Members members) const;
  absl::StatusOr<std::vector<std::optional<std::string>>> Hashes(Listed members) const {
    return Hashes(Members(members.begin(), members.size()));
  }

  // GEOSEARCH. INVALID_ARGUMENT if there is not one centre and one shape, for `any` without a count, or a count below 1
  // that is not -1.
  absl::StatusOr<std::vector<GeoFound>> Search(const GeoSearch& search) const;
  // GEOSEARCHSTORE: this key becomes what is found at `source`, whatever it was; its size. Its scores are those of
  // `source` or, if that is wanted, distances from the centre.
  absl::StatusOr<int64_t> StoreSearch(std::string_view source, const GeoSearch& search) const {
    return Store(source, search, false);
  }
  absl::StatusOr<int64_t> StoreDistances(std::string_view source, const GeoSearch& search) const {
    return Store(source, search, true);
  }

 private:
  absl::StatusOr<int64_t> Store(std::string_view source, const GeoSearch& search, bool distances) const;
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

namespace internal {

inline namespace LARDER_INTERNAL_FLAVOR {

inline std::string_view WordOf(GeoUnit unit) {
  constexpr std::string_view kWords[] = {"M", "KM", "FT", "MI"};
  return kWords[static_cast<size_t>(unit)];
}

// The numbers of a search, as words.
class GeoNumbers {
 public:
  explicit GeoNumbers(const GeoSearch& search)
      : longitude_(search.from_point.value_or(GeoPoint()).longitude),
        latitude_(search.from_point.value_or(GeoPoint()).latitude),
        radius_(search.radius.value_or(0)),
        width_(search.box.value_or(GeoBox()).width),
        height_(search.box.value_or(GeoBox()).height),
        count_(search.count) {}

  // What GEOSEARCH and GEOSEARCHSTORE have in common.
  void Add(const GeoSearch& search, Words* words) const {
    if (search.from_member.has_value()) AddAll(words, {"FROMMEMBER", *search.from_member});
    if (search.from_point.has_value()) AddAll(words, {"FROMLONLAT", longitude_.view(), latitude_.view()});
    if (search.radius.has_value()) AddAll(words, {"BYRADIUS", radius_.view(), WordOf(search.unit)});
    if (search.box.has_value()) AddAll(words, {"BYBOX", width_.view(), height_.view(), WordOf(search.unit)});
    if (search.order == GeoSearch::Order::kNearestFirst) words->Add("ASC");
    if (search.order == GeoSearch::Order::kFarthestFirst) words->Add("DESC");
    if (search.count != -1) AddAll(words, {"COUNT", count_.view()});
    if (search.any) words->Add("ANY");
  }

 private:
  static void AddAll(Words* words, std::initializer_list<std::string_view> more) { words->AddAll(more); }

  Digits longitude_, latitude_, radius_, width_, height_, count_;
};

inline std::optional<GeoPoint> GeoPointOf(ReplyView reply) {
  if (reply.is_nil()) return std::nullopt;
  return GeoPoint{reply[0].number(), reply[1].number()};
}
// A member, or [member, distance, hash, point] with what was asked for.
inline GeoFound GeoFoundOf(ReplyView reply, const GeoSearch& search) {
  if (!reply.is_aggregate()) return {.member = std::string(reply.string_view())};
  GeoFound found{.member = std::string(reply[0].string_view())};
  size_t at = 1;
  if (search.with_distance) found.distance = reply[at++].number();
  if (search.with_hash) found.hash = static_cast<uint64_t>(reply[at++].integer());
  if (search.with_point) found.point = GeoPointOf(reply[at]);
  return found;
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal

inline absl::StatusOr<int64_t> Geo::Add(std::span<const Place> places, const AddOptions& options) const {
  if (places.empty()) return 0;
  std::vector<internal::Digits> digits;
  absl::Status filled = internal::FillResult([&] {
    digits.reserve(places.size() * 2);
    for (const Place& place : places) {
      digits.emplace_back(place.point.longitude);
      digits.emplace_back(place.point.latitude);
    }
  });
  if (!filled.ok()) return filled;
  internal::Words words("GEOADD", key_);
  if (options.condition == SetOptions::If::kMissing) words.Add("NX");
  if (options.condition == SetOptions::If::kPresent) words.Add("XX");
  if (options.count_changed) words.Add("CH");
  for (size_t i = 0; i < places.size(); ++i) {
    words.Add(digits[2 * i].view());
    words.Add(digits[2 * i + 1].view());
    words.Add(places[i].member);
  }
  return internal::IntegerOf(internal::Execute(target_, words));
}

inline absl::StatusOr<std::optional<double>> Geo::Distance(std::string_view from, std::string_view to,
                                                           GeoUnit unit) const {
  internal::Words words("GEODIST", key_);
  words.Add(from);
  words.Add(to);
  words.Add(internal::WordOf(unit));
  return internal::OptionalDoubleOf(internal::Execute(target_, words));
}

inline absl::StatusOr<std::optional<GeoPoint>> Geo::Position(std::string_view member) const {
  internal::Words words("GEOPOS", key_);
  words.Add(member);
  const absl::StatusOr<Reply> reply = internal::Execute(target_, words);
  if (!reply.ok()) return reply.status();
  return internal::GeoPointOf((*reply)[0]);
}
inline absl::StatusOr<std::vector<std::optional<GeoPoint>>> Geo::Positions(Members members) const {
  internal::Words words("GEOPOS", key_);
  words.AddAll(members);
  return internal::VectorOf<std::optional<GeoPoint>>(internal::Execute(target_, words), internal::GeoPointOf);
}

inline absl::StatusOr<std::optional<std::string>> Geo::Hash(std::string_view member) const {
  internal::Words words("GEOHASH", key_);
  words.Add(member);
  const absl::StatusOr<Reply> reply = internal::Execute(target_, words);
  if (!reply.ok()) return reply.status();
  std::optional<std::string> result;
  absl::Status filled = internal::FillResult([&] {
    if (!(*reply)[0].is_nil()) result.emplace((*reply)[0].string_view());
  });
  if (!filled.ok()) return filled;
  return result;
}
inline absl::StatusOr<std::vector<std::optional<std::string>>> Geo::Hashes(Members members) const {
  internal::Words words("GEOHASH", key_);
  words.AddAll(members);
  return internal::VectorOf<std::optional<std::string>>(internal::Execute(target_, words), [](ReplyView hash) {
    return hash.is_nil() ? std::optional<std::string>() : std::optional<std::string>(hash.string_view());
  });
}

inline absl::StatusOr<std::vector<GeoFound>> Geo::Search(const GeoSearch& search) const {
  const internal::GeoNumbers numbers(search);
  internal::Words words("GEOSEARCH", key_);
  numbers.Add(search, &words);
  if (search.with_distance) words.Add("WITHDIST");
  if (search.with_hash) words.Add("WITHHASH");
  if (search.with_point) words.Add("WITHCOORD");
  return internal::VectorOf<GeoFound>(internal::Execute(target_, words),
                                      [&](ReplyView found) { return internal::GeoFoundOf(found, search); });
}

inline absl::StatusOr<int64_t> Geo::Store(std::string_view source, const GeoSearch& search, bool distances) const {
  const internal::GeoNumbers numbers(search);
  internal::Words words("GEOSEARCHSTORE", key_);
  words.Add(source);
  numbers.Add(search, &words);
  if (distances) words.Add("STOREDIST");
  return internal::IntegerOf(internal::Execute(target_, words));
}

}  // namespace larder::inline v0

#endif  // LARDER_GEO_H_
