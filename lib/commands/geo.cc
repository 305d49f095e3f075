// Geo: members of sorted sets as places on the map.
#include <new>

#include "lib/base/buffer.h"
#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"
#include "lib/ops/geo.h"
#include "lib/ops/zsets.h"

namespace larder::inline v0::commands {

using keyspace::Collection;
using keyspace::Lookup;
namespace geo = ops::geo;
namespace zsets = ops::zsets;
using geo::Point;

namespace {

constexpr ErrorText kUnknownUnit{absl::StatusCode::kInvalidArgument,
                                 "ERR unsupported unit provided. please use M, KM, FT, MI"};
constexpr ErrorText kNoSuchMember{absl::StatusCode::kNotFound, "ERR could not decode requested zset member"};
constexpr ErrorText kRadiusNotNumber{absl::StatusCode::kInvalidArgument, "ERR need numeric radius"};
constexpr ErrorText kNegativeRadius{absl::StatusCode::kInvalidArgument, "ERR radius cannot be negative"};
constexpr ErrorText kWidthNotNumber{absl::StatusCode::kInvalidArgument, "ERR need numeric width"};
constexpr ErrorText kHeightNotNumber{absl::StatusCode::kInvalidArgument, "ERR need numeric height"};
constexpr ErrorText kNegativeBox{absl::StatusCode::kInvalidArgument, "ERR height or width cannot be negative"};
constexpr ErrorText kAnyWithoutCount{absl::StatusCode::kInvalidArgument,
                                     "ERR the ANY argument requires COUNT argument"};

// ---- Points and distances -------------------------------------------------------------------------------------------

// longitude latitude
Error ParsePoint(ArgReader& args, Point* point, ReplyWriter& reply) {
  const Bytes longitude = args.Next();
  const Bytes latitude = args.Next();
  if (!base::ParseDouble(longitude, &point->longitude)) return errors::kNotFloat;
  if (!base::ParseDouble(latitude, &point->latitude)) return errors::kNotFloat;
  if (geo::IsOnMap(*point)) return kOk;
  base::Buffer text;
  TextWriter(text).Fixed(point->longitude, 6) << ',';
  TextWriter(text).Fixed(point->latitude, 6);
  if (text.failed()) return errors::kAllocationFailed;
  reply.Error({"ERR invalid longitude,latitude pair ", text.view()});
  return kReplied;
}

// How many meters it has.
Result<double> ParseUnit(Bytes word) {
  struct Unit {
    Bytes name;
    double meters;
  };
  constexpr Unit kUnits[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
  for (const Unit& unit : kUnits) {
    if (base::EqualsIgnoreCase(word, unit.name)) return unit.meters;
  }
  return kUnknownUnit;
}

// With four digits behind the point, halves rounded to even. REQUIRES: it is a distance on the earth.
void ReplyDistance(double distance, ReplyWriter& reply) {
  constexpr uint64_t kUnit = 10000;
  const double scaled = distance * static_cast<double>(kUnit);
  uint64_t whole = static_cast<uint64_t>(scaled);
  const double rest = scaled - static_cast<double>(whole);
  if (rest > 0.5 || (rest == 0.5 && whole % 2 != 0)) ++whole;
  char text[base::kIntChars + 1];
  char* end = base::WriteUint64(whole / kUnit, text);
  *end++ = '.';
  // A digit more, so that no zero in front is lost; the point takes its place.
  char digits[base::kIntChars];
  const Bytes fraction = base::FormatUint64(kUnit + whole % kUnit, digits).substr(1);
  base::CopyBytes(end, fraction);
  reply.Bulk({text, static_cast<size_t>(end - text) + fraction.size()});
}

// As INCRBYFLOAT writes numbers, but in RESP3 as a double.
void ReplyCoordinate(double value, ReplyWriter& reply) {
  if (reply.protocol() == 2) return reply.LongDoubleBulk(value);
  char digits[base::kLongDoubleChars];
  reply.Raw(",");
  reply.Raw(base::FormatLongDoubleHuman(value, digits));
  reply.Raw("\r\n");
}

void ReplyPoint(const Point& point, ReplyWriter& reply) {
  reply.Array(2);
  ReplyCoordinate(point.longitude, reply);
  ReplyCoordinate(point.latitude, reply);
}

// ---- Adding and asking ----------------------------------------------------------------------------------------------

struct AddOptions {
  zsets::AddRule rule;
  bool counts_changed = false;  // CH
};

AddOptions ParseAddOptions(ArgReader& args) {
  AddOptions options;
  while (!args.done()) {
    if (args.Take("nx")) options.rule.only_new = true;
    else if (args.Take("xx")) options.rule.only_old = true;
    else if (args.Take("ch")) options.counts_changed = true;
    else break;
  }
  return options;
}

Error GeoAdd(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const AddOptions options = ParseAddOptions(args);
  const size_t count = args.remaining() / 3;
  if (count == 0 || args.remaining() % 3 != 0) return errors::kSyntax;
  if (options.rule.only_new && options.rule.only_old) return errors::kSyntax;
  constexpr size_t kFew = 8;
  zsets::Scored few[kFew];
  base::Buffer room;
  zsets::Scored* members = few;
  if (count > kFew) {
    char* const bytes = room.Extend(count * sizeof(zsets::Scored));
    if (bytes == nullptr) return errors::kAllocationFailed;
    members = reinterpret_cast<zsets::Scored*>(bytes);
  }
  for (size_t i = 0; i < count; ++i) {
    Point point;
    LARDER_RETURN_IF_ERROR(ParsePoint(args, &point, reply));
    new (members + i) zsets::Scored{geo::ScoreOfPoint(point), args.Next()};
  }
  LARDER_ASSIGN_OR_RETURN(const zsets::Added added,
                          zsets::Add(ctx.db(), key, {members, count}, options.rule, args.argv()));
  reply.Int(options.counts_changed ? added.added + added.changed : added.added);
  return kOk;
}

Error GeoDist(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes from = args.Next();
  const Bytes to = args.Next();
  if (args.remaining() > 1) return errors::kSyntax;
  double unit = 1;
  if (!args.done()) {
    LARDER_ASSIGN_OR_RETURN(unit, ParseUnit(args.Next()));
  }
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), key));
  double from_score = 0;
  double to_score = 0;
  if (!zsets::Score(zset, from, &from_score) || !zsets::Score(zset, to, &to_score)) {
    reply.Null();
  } else {
    ReplyDistance(geo::Distance(geo::PointOfScore(from_score), geo::PointOfScore(to_score)) / unit, reply);
  }
  return kOk;
}

Error GeoHash(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  reply.Array(args.remaining());
  while (!args.done()) {
    double score = 0;
    char text[geo::kGeohashChars];
    if (zsets::Score(zset, args.Next(), &score)) reply.Bulk(geo::Geohash(score, text));
    else reply.Null();
  }
  return kOk;
}

Error GeoPos(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  reply.Array(args.remaining());
  while (!args.done()) {
    double score = 0;
    if (zsets::Score(zset, args.Next(), &score)) ReplyPoint(geo::PointOfScore(score), reply);
    else reply.NullArray();
  }
  return kOk;
}

// ---- Searching ------------------------------------------------------------------------------------------------------

// What a command's name says of its search.
struct SearchGrammar {
  enum From : uint8_t { kPoint, kMember, kOption } from = kOption;  // kOption: FROM... and BY... say centre and shape
  bool has_destination = false;  // its first key
  bool may_store = false;        // STORE, STOREDIST with a key
};

struct SearchRequest {
  geo::Search search;
  double unit = 1;  // in meters
  bool has_centre = false;
  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  enum Order : uint8_t { kUnsorted, kAscending, kDescending } order = kUnsorted;
  int64_t count = 0;
  bool any = false;
  bool stores = false;
  bool stores_distance = false;
  Bytes destination = {};

  bool has_with() const { return with_distance || with_hash || with_point; }
};

// The centre is a member. Where there is no sorted set it is not looked for, and nothing will be found.
Error TakeMember(const Collection& zset, Bytes member, SearchRequest* request) {
  request->has_centre = true;
  if (zset.empty()) return kOk;
  double score = 0;
  if (!zsets::Score(zset, member, &score)) return kNoSuchMember;
  request->search.centre = geo::PointOfScore(score);
  return kOk;
}

// radius unit
Error ParseRadius(ArgReader& args, SearchRequest* request) {
  double radius = 0;
  if (!base::ParseDouble(args.Next(), &radius)) return kRadiusNotNumber;
  if (radius < 0) return kNegativeRadius;
  LARDER_ASSIGN_OR_RETURN(request->unit, ParseUnit(args.Next()));
  request->search.shape = {.kind = geo::Shape::kCircle, .radius = radius * request->unit};
  return kOk;
}

// width height unit
Error ParseBox(ArgReader& args, SearchRequest* request) {
  double width = 0;
  double height = 0;
  if (!base::ParseDouble(args.Next(), &width)) return kWidthNotNumber;
  if (!base::ParseDouble(args.Next(), &height)) return kHeightNotNumber;
  if (width < 0 || height < 0) return kNegativeBox;
  LARDER_ASSIGN_OR_RETURN(request->unit, ParseUnit(args.Next()));
  request->search.shape = {
      .kind = geo::Shape::kBox, .width = width * request->unit, .height = height * request->unit};
  return kOk;
}

// Takes an option of all searches, or nothing. Errors: kSyntax if it is none.
Error ParseCommonOption(ArgReader& args, SearchRequest* request) {
  if (args.Take("withdist")) request->with_distance = true;
  else if (args.Take("withhash")) request->with_hash = true;
  else if (args.Take("withcoord")) request->with_point = true;
  else if (args.Take("any")) request->any = true;
  else if (args.Take("asc")) request->order = SearchRequest::kAscending;
  else if (args.Take("desc")) request->order = SearchRequest::kDescending;
  else if (args.remaining() > 1 && args.Take("count")) {
    LARDER_ASSIGN_OR_RETURN(request->count, args.Int());
    if (request->count <= 0) return kCountMustBePositive;
  } else {
    return errors::kSyntax;
  }
  return kOk;
}

struct SearchParts {
  bool from_point = false;
  bool from_member = false;
  bool circle = false;
  bool box = false;
};

// The options of GEOSEARCH and GEOSEARCHSTORE alone. Each kind of centre and of shape may be there more than once, but
// not two of them.
Error ParseSearchOption(const Collection& zset, ArgReader& args, SearchGrammar grammar, SearchRequest* request,
                        SearchParts* parts, ReplyWriter& reply) {
  const size_t more = args.remaining() - 1;
  if (more >= 1 && !parts->from_point && args.Take("frommember")) {
    parts->from_member = true;
    return TakeMember(zset, args.Next(), request);
  }
  if (more >= 2 && !parts->from_member && args.Take("fromlonlat")) {
    parts->from_point = request->has_centre = true;
    return ParsePoint(args, &request->search.centre, reply);
  }
  if (more >= 2 && !parts->box && args.Take("byradius")) {
    parts->circle = true;
    return ParseRadius(args, request);
  }
  if (more >= 3 && !parts->circle && args.Take("bybox")) {
    parts->box = true;
    return ParseBox(args, request);
  }
  if (grammar.has_destination && args.Take("storedist")) {
    request->stores_distance = true;
    return kOk;
  }
  return ParseCommonOption(args, request);
}

Error ParseRadiusOption(ArgReader& args, SearchGrammar grammar, SearchRequest* request) {
  if (grammar.may_store && args.remaining() > 1) {
    const bool as_distance = args.Take("storedist");
    if (as_distance || args.Take("store")) {
      request->stores = true;
      request->stores_distance = as_distance;
      request->destination = args.Next();
      return kOk;
    }
  }
  return ParseCommonOption(args, request);
}

Error CheckSearch(ArgReader args, SearchGrammar grammar, const SearchRequest& request, const SearchParts& parts,
                  ReplyWriter& reply) {
  const bool is_search = grammar.from == SearchGrammar::kOption;
  if (request.stores && request.has_with()) {
    reply.Error({"ERR ", is_search ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS",
                 " is not compatible with WITHDIST, WITHHASH and WITHCOORD options"});
    return kReplied;
  }
  const Bytes name = args.argv()[0];
  if (is_search && !request.has_centre) {
    reply.Error({"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ", name});
    return kReplied;
  }
  if (is_search && !parts.circle && !parts.box) {
    reply.Error({"ERR exactly one of BYRADIUS and BYBOX can be specified for ", name});
    return kReplied;
  }
  if (request.any && request.count == 0) return kAnyWithoutCount;
  return kOk;
}

// What GEORADIUS and its like have in front of their options: the centre, and the radius.
Error ParseRadiusCommand(const Collection& zset, ArgReader& args, SearchGrammar grammar, SearchRequest* request,
                         ReplyWriter& reply) {
  if (grammar.from == SearchGrammar::kMember) {
    const Bytes member = args.Next();
    if (zset.empty()) {  // then nothing is said of the radius either
      args.Next();
      args.Next();
      return kOk;
    }
    LARDER_RETURN_IF_ERROR(TakeMember(zset, member, request));
  } else {
    LARDER_RETURN_IF_ERROR(ParsePoint(args, &request->search.centre, reply));
  }
  return ParseRadius(args, request);
}

// What is behind the source's key.
Error ParseSearch(const Collection& zset, ArgReader args, SearchGrammar grammar, SearchRequest* request,
                  ReplyWriter& reply) {
  SearchParts parts;
  request->stores = grammar.has_destination;
  if (grammar.from != SearchGrammar::kOption) {
    LARDER_RETURN_IF_ERROR(ParseRadiusCommand(zset, args, grammar, request, reply));
    while (!args.done()) LARDER_RETURN_IF_ERROR(ParseRadiusOption(args, grammar, request));
  } else {
    while (!args.done()) LARDER_RETURN_IF_ERROR(ParseSearchOption(zset, args, grammar, request, &parts, reply));
  }
  LARDER_RETURN_IF_ERROR(CheckSearch(args, grammar, *request, parts, reply));
  // The nearest are meant, unless any will do.
  if (request->count != 0 && !request->any && request->order == SearchRequest::kUnsorted) {
    request->order = SearchRequest::kAscending;
  }
  if (request->any) request->search.limit = static_cast<size_t>(request->count);
  return kOk;
}

void ReplyFound(const Collection& zset, const geo::Found& found, const SearchRequest& request, ReplyWriter& reply) {
  if (request.has_with()) {
    reply.Array(size_t{1} + request.with_distance + request.with_hash + request.with_point);
  }
  ReplyPart(zset, found.record, 0, reply);
  const double score = zsets::ScoreOf(zset, found.record);
  if (request.with_distance) ReplyDistance(found.distance / request.unit, reply);
  if (request.with_hash) reply.Int(static_cast<int64_t>(geo::BitsOfScore(score)));
  if (request.with_point) ReplyPoint(geo::PointOfScore(score), reply);
}

// With no sorted set nothing is found, but what the command says is looked at first.
template <const SearchGrammar& grammar>
Error RunSearch(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  SearchRequest request;
  if (grammar.has_destination) request.destination = args.Key();
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(ctx.db(), args.Key()));
  LARDER_RETURN_IF_ERROR(ParseSearch(zset, args, grammar, &request, reply));
  geo::Findings findings;
  if (!zset.empty()) LARDER_RETURN_IF_ERROR(findings.Run(zset, request.search));
  const size_t count = request.count == 0 ? SIZE_MAX : static_cast<size_t>(request.count);
  if (request.order != SearchRequest::kUnsorted) findings.Sort(request.order == SearchRequest::kAscending, count);
  const std::span<geo::Found> found = findings.all();
  if (request.stores) {
    LARDER_RETURN_IF_ERROR(geo::Store(ctx.db(), request.destination, zset, found,
                                      request.stores_distance ? request.unit : 0,
                                      grammar.has_destination ? "geosearchstore" : "georadiusstore", args.argv()));
    reply.Int(static_cast<int64_t>(found.size()));
    return kOk;
  }
  reply.Array(found.size());
  for (const geo::Found& one : found) {
    if (reply.output().failed()) break;
    ReplyFound(zset, one, request, reply);
  }
  return kOk;
}

// Whether it looks at few members.
template <const SearchGrammar& grammar>
bool SearchIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();  // who asks has the executor
  const size_t key = grammar.has_destination ? 2 : 1;
  const size_t fixed = grammar.from == SearchGrammar::kOption ? 0 : grammar.from == SearchGrammar::kMember ? 3 : 4;
  if (argv.size() < key + 1 + fixed) return true;
  const keyspace::Entry* const entry = ctx.db().FindUnchanged(argv[key]);
  if (entry == nullptr || entry->type() != keyspace::Type::kZset) return true;
  const Collection zset(entry, keyspace::kScoredMembers);
  if (zset.size() <= kShortElements) return true;
  SearchRequest request;
  resp::Output unused;
  ReplyWriter errors(unused, 2);
  if (!ParseSearch(zset, ArgReader(argv, key + 1), grammar, &request, errors).ok()) return true;
  return geo::CountCandidates(zset, request.search) <= kShortElements;
}

constexpr SearchGrammar kSearch = {};
constexpr SearchGrammar kSearchStore = {.has_destination = true};
constexpr SearchGrammar kRadius = {.from = SearchGrammar::kPoint, .may_store = true};
constexpr SearchGrammar kRadiusRo = {.from = SearchGrammar::kPoint};
constexpr SearchGrammar kByMember = {.from = SearchGrammar::kMember, .may_store = true};
constexpr SearchGrammar kByMemberRo = {.from = SearchGrammar::kMember};

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr uint16_t kDestinationFlags = kKeyOverwrite | kKeyUpdate;
constexpr KeySpec kStoredKeys[] = {OneKey(1, kDestinationFlags), OneKey(2, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kRadiusKeys[] = {
    OneKey(1, kKeyReadOnly | kKeyAccess),
    {.flags = kDestinationFlags, .begin = KeySpec::kKeyword, .keyword = "STORE", .start_from = 6},
    {.flags = kDestinationFlags, .begin = KeySpec::kKeyword, .keyword = "STOREDIST", .start_from = 6}};
constexpr KeySpec kByMemberKeys[] = {
    OneKey(1, kKeyReadOnly | kKeyAccess),
    {.flags = kDestinationFlags, .begin = KeySpec::kKeyword, .keyword = "STORE", .start_from = 5},
    {.flags = kDestinationFlags, .begin = KeySpec::kKeyword, .keyword = "STOREDIST", .start_from = 5}};

constexpr ArgSpec Token(std::string_view name, std::string_view token, std::string_view since = {}) {
  return {.name = name, .type = ArgType::kPureToken, .token = token, .since = since, .optional = true};
}
constexpr ArgSpec kLongitude = {.name = "longitude", .type = ArgType::kDouble};
constexpr ArgSpec kLatitude = {.name = "latitude", .type = ArgType::kDouble};
constexpr ArgSpec kMember = {.name = "member", .type = ArgType::kString};
constexpr ArgSpec kRadiusArg = {.name = "radius", .type = ArgType::kDouble};
constexpr ArgSpec kConditions[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                   {.name = "xx", .type = ArgType::kPureToken, .token = "XX"}};
constexpr ArgSpec kPlace[] = {kLongitude, kLatitude, kMember};
constexpr ArgSpec kAddArgs[] = {
    kKeyArg,
    {.name = "condition", .type = ArgType::kOneOf, .since = "6.2.0", .optional = true, .args = kConditions},
    Token("change", "CH", "6.2.0"),
    {.name = "longitude_latitude_member", .type = ArgType::kBlock, .multiple = true, .args = kPlace}};
constexpr ArgSpec kMembersArgs[] = {kKeyArg, {.name = "member", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kUnits[] = {{.name = "m", .type = ArgType::kPureToken, .token = "M"},
                              {.name = "km", .type = ArgType::kPureToken, .token = "KM"},
                              {.name = "ft", .type = ArgType::kPureToken, .token = "FT"},
                              {.name = "mi", .type = ArgType::kPureToken, .token = "MI"}};
constexpr ArgSpec kUnit = {.name = "unit", .type = ArgType::kOneOf, .args = kUnits};
constexpr ArgSpec kDistArgs[] = {
    kKeyArg,
    {.name = "member1", .type = ArgType::kString},
    {.name = "member2", .type = ArgType::kString},
    {.name = "unit", .type = ArgType::kOneOf, .optional = true, .args = kUnits}};
constexpr ArgSpec kPointArgs[] = {kLongitude, kLatitude};
constexpr ArgSpec kFroms[] = {
    {.name = "member", .type = ArgType::kString, .token = "FROMMEMBER"},
    {.name = "longitude_latitude", .type = ArgType::kBlock, .token = "FROMLONLAT", .args = kPointArgs}};
constexpr ArgSpec kCircle[] = {{.name = "radius", .type = ArgType::kDouble, .token = "BYRADIUS"}, kUnit};
constexpr ArgSpec kBox[] = {{.name = "width", .type = ArgType::kDouble, .token = "BYBOX"},
                            {.name = "height", .type = ArgType::kDouble},
                            kUnit};
constexpr ArgSpec kBys[] = {{.name = "circle", .type = ArgType::kBlock, .args = kCircle},
                            {.name = "box", .type = ArgType::kBlock, .args = kBox}};
constexpr ArgSpec kOrders[] = {{.name = "asc", .type = ArgType::kPureToken, .token = "ASC"},
                               {.name = "desc", .type = ArgType::kPureToken, .token = "DESC"}};
constexpr ArgSpec kCounts[] = {{.name = "count", .type = ArgType::kInteger, .token = "COUNT"}, Token("any", "ANY")};
constexpr ArgSpec kLaterCounts[] = {{.name = "count", .type = ArgType::kInteger, .token = "COUNT"},
                                    Token("any", "ANY", "6.2.0")};
constexpr ArgSpec kFrom = {.name = "from", .type = ArgType::kOneOf, .args = kFroms};
constexpr ArgSpec kBy = {.name = "by", .type = ArgType::kOneOf, .args = kBys};
constexpr ArgSpec kOrder = {.name = "order", .type = ArgType::kOneOf, .optional = true, .args = kOrders};
constexpr ArgSpec kCount = {.name = "count", .type = ArgType::kBlock, .optional = true, .args = kCounts};
constexpr ArgSpec kLaterCount = {.name = "count", .type = ArgType::kBlock, .optional = true, .args = kLaterCounts};
constexpr ArgSpec kWithCoord = Token("withcoord", "WITHCOORD");
constexpr ArgSpec kWithDist = Token("withdist", "WITHDIST");
constexpr ArgSpec kWithHash = Token("withhash", "WITHHASH");
constexpr ArgSpec kStore = {.name = "key", .type = ArgType::kKey, .key_spec = 1, .token = "STORE", .optional = true};
constexpr ArgSpec kStoreDist = {
    .name = "key", .type = ArgType::kKey, .key_spec = 2, .token = "STOREDIST", .optional = true};
constexpr ArgSpec kSearchArgs[] = {kKeyArg, kFrom, kBy, kOrder, kCount, kWithCoord, kWithDist, kWithHash};
constexpr ArgSpec kSearchStoreArgs[] = {
    {.name = "destination", .type = ArgType::kKey, .key_spec = 0},
    {.name = "source", .type = ArgType::kKey, .key_spec = 1},
    kFrom, kBy, kOrder, kCount, Token("storedist", "STOREDIST")};
constexpr ArgSpec kRadiusArgs[] = {kKeyArg,   kLongitude,  kLatitude, kRadiusArg, kUnit,     kWithCoord,
                                   kWithDist, kWithHash, kLaterCount, kOrder,     kStore,    kStoreDist};
constexpr ArgSpec kRadiusRoArgs[] = {kKeyArg,    kLongitude, kLatitude, kRadiusArg,  kUnit,
                                     kWithCoord, kWithDist,  kWithHash, kLaterCount, kOrder};
constexpr ArgSpec kByMemberArgs[] = {kKeyArg,   kMember, kRadiusArg, kUnit,  kWithCoord, kWithDist,
                                     kWithHash, kCount,  kOrder,     kStore, kStoreDist};
constexpr ArgSpec kByMemberRoArgs[] = {kKeyArg,    kMember,   kRadiusArg, kUnit, kWithCoord,
                                       kWithDist, kWithHash, kCount,     kOrder};

constexpr HistoryItem kAddHistory[] = {{"6.2.0", "`CH`, `NX` and `XX`."}};
constexpr HistoryItem kUnitHistory[] = {{"7.0.0", "Units in capitals."}};
constexpr HistoryItem kAnyHistory[] = {{"6.2.0", "`COUNT` with `ANY`."}};
constexpr HistoryItem kRadiusHistory[] = {{"6.2.0", "`COUNT` with `ANY`."}, {"7.0.0", "Units in capitals."}};
constexpr std::string_view kSearchCost = "O(N + log M), N = members in the cells around the shape, M = those found";
constexpr uint32_t kRadiusFlags = kGrows | kCmdMovableKeys;

constexpr auto kRows = Rows({.group = Group::kGeo, .categories = kAclGeo}, {
    {.name = "geoadd", .run = GeoAdd, .arity = AtLeast(5), .flags = kGrows, .keys = kUpdatedKey, .args = kAddArgs,
     .summary = "Adds members with their places on the map, or moves them.",
     .complexity = "O(log N) a member, N = members there", .since = "3.2.0", .history = kAddHistory},
    {.name = "geodist", .run = GeoDist, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey, .args = kDistArgs,
     .summary = "How far two members are from each other.", .complexity = "O(1)", .since = "3.2.0"},
    {.name = "geohash", .run = GeoHash, .arity = AtLeast(2), .flags = kReads, .keys = kReadKey, .args = kMembersArgs,
     .summary = "The places of members as standard geohashes.", .complexity = "O(N), N = members asked",
     .since = "3.2.0"},
    {.name = "geopos", .run = GeoPos, .arity = AtLeast(2), .flags = kReads, .keys = kReadKey, .args = kMembersArgs,
     .summary = "The places of members: longitude and latitude.", .complexity = "O(N), N = members asked",
     .since = "3.2.0"},
    {.name = "georadius", .run = RunSearch<kRadius>, .arity = AtLeast(6), .flags = kRadiusFlags, .keys = kRadiusKeys,
     .args = kRadiusArgs, .summary = "Members in a circle, or as many as are stored.", .complexity = kSearchCost,
     .since = "3.2.0", .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS`", .history = kRadiusHistory,
     .is_short = SearchIsShort<kRadius>},
    {.name = "georadius_ro", .run = RunSearch<kRadiusRo>, .arity = AtLeast(6), .flags = kReads, .keys = kReadKey,
     .args = kRadiusRoArgs, .summary = "Members in a circle.", .complexity = kSearchCost, .since = "3.2.10",
     .deprecated_since = "6.2.0", .replaced_by = "`GEOSEARCH` with `BYRADIUS`", .history = kAnyHistory,
     .is_short = SearchIsShort<kRadiusRo>},
    {.name = "georadiusbymember", .run = RunSearch<kByMember>, .arity = AtLeast(5), .flags = kRadiusFlags,
     .keys = kByMemberKeys, .args = kByMemberArgs,
     .summary = "Members in a circle around one of them, or as many as are stored.", .complexity = kSearchCost,
     .since = "3.2.0", .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS` and `FROMMEMBER`", .history = kUnitHistory,
     .is_short = SearchIsShort<kByMember>},
    {.name = "georadiusbymember_ro", .run = RunSearch<kByMemberRo>, .arity = AtLeast(5), .flags = kReads,
     .keys = kReadKey, .args = kByMemberRoArgs, .summary = "Members in a circle around one of them.",
     .complexity = kSearchCost, .since = "3.2.10", .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` with `BYRADIUS` and `FROMMEMBER`", .is_short = SearchIsShort<kByMemberRo>},
    {.name = "geosearch", .run = RunSearch<kSearch>, .arity = AtLeast(7), .flags = kReads, .keys = kReadKey,
     .args = kSearchArgs, .summary = "Members in a circle or a box.", .complexity = kSearchCost, .since = "6.2.0",
     .history = kUnitHistory, .is_short = SearchIsShort<kSearch>},
    {.name = "geosearchstore", .run = RunSearch<kSearchStore>, .arity = AtLeast(8), .flags = kGrows,
     .keys = kStoredKeys, .args = kSearchStoreArgs, .summary = "Stores the members in a circle or a box.",
     .complexity = kSearchCost, .since = "6.2.0", .history = kUnitHistory, .is_short = SearchIsShort<kSearchStore>},
});

}  // namespace

constinit const Family kGeoFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
