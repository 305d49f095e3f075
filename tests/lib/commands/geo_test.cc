// Geo. Error texts, digits and odd cases are what redis-server 7.0.15 replied when asked.
#include <string>
#include <string_view>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view kSyntax = "ERR syntax error";
constexpr std::string_view kNotFloat = "ERR value is not a valid float";
constexpr std::string_view kUnknownUnit = "ERR unsupported unit provided. please use M, KM, FT, MI";
constexpr std::string_view kNoSuchMember = "ERR could not decode requested zset member";

class GeoTest : public CommandTest {
 protected:
  using Argv = std::vector<std::string>;

  void AddSicily() {
    ASSERT_THAT(Run({"GEOADD", "g", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"}),
                IsInt(2));
  }
  // The elements of arrays as one line: "a b", "(a 1) (b 2)".
  static std::string TextOf(const ReplyView& reply, bool outermost = true) {
    if (reply.type() != ReplyView::Type::kArray) return reply.is_nil() ? "nil" : reply.AsString();
    std::string text;
    for (const ReplyView& element : ElementsOf(reply)) text += (text.empty() ? "" : " ") + TextOf(element, false);
    return outermost ? text : "(" + text + ")";
  }
  std::string Text(const Argv& argv) { return TextOf(Run(argv)); }
  void ExpectErrors(std::string_view error, const std::vector<Argv>& all) {
    for (const Argv& argv : all) EXPECT_THAT(Run(argv), IsError(error)) << ::testing::PrintToString(argv);
  }
  static Argv Words(std::string_view text) {
    Argv words;
    while (!text.empty()) {
      const size_t at = std::min(text.find(' '), text.size());
      words.emplace_back(text.substr(0, at));
      text.remove_prefix(std::min(at + 1, text.size()));
    }
    return words;
  }
  ReplyMatcher IsPoint(double longitude, double latitude) {
    return IsArray(ElementsAre(IsDouble(longitude), IsDouble(latitude)));
  }
};
LARDER_COMMAND_TEST(GeoTest);

TEST_P(GeoTest, PlacesAreScores) {
  AddSicily();
  EXPECT_EQ(Text({"ZRANGE", "g", "0", "-1", "WITHSCORES"}),
            protocol() == 2 ? "Palermo 3479099956230698 Catania 3479447370796909"
                            : "(Palermo 3479099956230698) (Catania 3479447370796909)");
  EXPECT_THAT(Run({"TYPE", "g"}), IsStatus("zset"));
  EXPECT_THAT(Run({"GEOPOS", "g", "Palermo", "nobody"}),
              IsArray(ElementsAre(IsPoint(13.36138933897018433, 38.11555639549629859), IsNil())));
  EXPECT_THAT(Run({"GEOHASH", "g", "Palermo", "nobody", "Catania"}),
              IsArray(ElementsAre(IsBulk("sqc8b49rny0"), IsNil(), IsBulk("sqdtr74hyu0"))));
  EXPECT_THAT(Run({"GEOPOS", "g"}), IsArray(IsEmpty()));
  EXPECT_THAT(Run({"GEOPOS", "none", "a", "b"}), IsArray(ElementsAre(IsNil(), IsNil())));
  EXPECT_THAT(Run({"GEOHASH", "none", "a"}), IsArray(ElementsAre(IsNil())));
}

TEST_P(GeoTest, AddingLeavesAloneWhomItIsTold) {
  EXPECT_THAT(Run({"GEOADD", "g", "XX", "1", "1", "a"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "g"}), IsInt(0));
  EXPECT_THAT(Run({"GEOADD", "g", "1", "1", "a", "2", "2", "b"}), IsInt(2));
  EXPECT_THAT(Run({"GEOADD", "g", "nx", "3", "3", "a", "3", "3", "c"}), IsInt(1));
  EXPECT_THAT(Run({"GEOADD", "g", "XX", "CH", "3", "3", "a", "3", "3", "d"}), IsInt(1));
  EXPECT_THAT(Run({"GEOADD", "g", "CH", "3", "3", "a"}), IsInt(0));
  EXPECT_THAT(Run({"GEODIST", "g", "a", "c"}), IsBulk("0.0000"));
  EXPECT_THAT(Run({"ZCARD", "g"}), IsInt(3));
  std::vector<std::string> many = {"GEOADD", "many"};
  for (int i = 0; i < 200; ++i) many.insert(many.end(), {"1.5", "2.5", "member" + std::to_string(i)});
  EXPECT_THAT(Run(many), IsInt(200));
}

TEST_P(GeoTest, AddingRefusesWhatIsNoPlace) {
  Run({"SET", "text", "x"});
  ExpectErrors(kSyntax, {Words("GEOADD g NX XX 0 0 x"), Words("GEOADD g NX 0 0 x 1"), Words("GEOADD g CH CH CH"),
                         Words("GEOADD g GT CH 1 0 c"), Words("GEOADD g INCR 1 0 c"), Words("GEOADD g 1 2 m 1 2")});
  ExpectErrors(kNotFloat, {Words("GEOADD g x 0 x"), Words("GEOADD g nan 0 x"), Words("GEOADD text x 0 x"),
                           Words("GEOADD g 1 2 m 1e400 2 k")});
  ExpectErrors("ERR invalid longitude,latitude pair 181.000000,0.000000", {Words("GEOADD g 181 0 x")});
  ExpectErrors("ERR invalid longitude,latitude pair 0.000000,85.051129",
               {Words("GEOADD g 0 85.05112879 x"), Words("GEOADD g 1 2 m 0 85.05112879 x")});
  ExpectErrors("ERR invalid longitude,latitude pair -inf,-inf", {Words("GEOADD g -inf -inf x")});
  EXPECT_THAT(Run({"GEOADD", "text", "0", "0", "x"}), IsError(kWrongType));
  EXPECT_THAT(Run({"EXISTS", "g"}), IsInt(0));
}

TEST_P(GeoTest, DistancesHaveFourDigits) {
  AddSicily();
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "Catania"}), IsBulk("166274.1516"));
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "Catania", "KM"}), IsBulk("166.2742"));
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "Catania", "ft"}), IsBulk("545518.8700"));
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "Catania", "Mi"}), IsBulk("103.3182"));
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "nobody"}), IsNil());
  EXPECT_THAT(Run({"GEODIST", "none", "a", "b"}), IsNil());
  Run({"SET", "text", "x"});
  ExpectErrors(kUnknownUnit, {Words("GEODIST g Palermo Catania x"), Words("GEODIST text a b x")});
  EXPECT_THAT(Run({"GEODIST", "g", "Palermo", "Catania", "m", "m"}), IsError(kSyntax));
  EXPECT_THAT(Run({"GEODIST", "text", "a", "b"}), IsError(kWrongType));
}

TEST_P(GeoTest, AnyScoreIsAPlace) {
  Run(Words("ZADD z 1 a -1 b inf c 1e300 d 1.5 e 9007199254740993 f -inf j"));
  EXPECT_EQ(Text({"GEOHASH", "z", "a", "b", "c", "d", "e", "f", "j"}),
            "00bh0hbj210 bp05b5048p0 00bh0hbj200 00bh0hbj200 00bh0hbj210 00bh0hbj200 00bh0hbj200");
  EXPECT_EQ(Text({"GEODIST", "z", "a", "b"}), "18919844.3072");
  EXPECT_EQ(Text({"GEODIST", "z", "a", "j"}), "0.2831");
  // The grid's cells have no scores but those from 0 to 2^52.
  EXPECT_EQ(Text(Words("GEOSEARCH z FROMLONLAT 0 0 BYRADIUS 100000 km WITHHASH")), "(a 1) (e 1)");
}

TEST_P(GeoTest, SearchesCirclesAndBoxes) {
  AddSicily();
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km")), "Palermo Catania");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km")), "Catania");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC")), "Catania Palermo");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 200 km")), "Catania");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km DESC WITHDIST")),
            "(Catania 166.2742) (Palermo 0.0000)");
  EXPECT_EQ(Text(Words("GEORADIUSBYMEMBER g Palermo 200 km")), "Palermo Catania");
  EXPECT_EQ(Text(Words("GEORADIUSBYMEMBER_RO g Palermo 1 mi")), "Palermo");
  EXPECT_EQ(Text(Words("GEORADIUS_RO g 15 37 200 km WITHHASH DESC")),
            "(Palermo 3479099956230698) (Catania 3479447370796909)");
  EXPECT_EQ(Text(Words("GEORADIUS g 15 37 200 km ASC")), "Catania Palermo");
  // In whatever order they are asked for.
  EXPECT_THAT(Run(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km WITHHASH WITHCOORD WITHDIST")),
              IsArray(ElementsAre(IsArray(ElementsAre(IsBulk("Catania"), IsBulk("56.4413"), IsInt(3479447370796909),
                                                      IsPoint(15.08726745843887329, 37.50266842333162032))))));
  for (const char* const from : {"FROMMEMBER nobody", "FROMLONLAT 1 1"}) {
    EXPECT_THAT(Run(Words("GEOSEARCH none " + std::string(from) + " BYRADIUS 1 km")), IsArray(IsEmpty()));
  }
  EXPECT_THAT(Run(Words("GEORADIUSBYMEMBER none nobody 1 parsec")), IsArray(IsEmpty()));
}

TEST_P(GeoTest, TheLastOfOneKindCounts) {
  AddSicily();
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMMEMBER Catania FROMMEMBER Palermo BYRADIUS 900 km BYRADIUS 1 km")), "Palermo");
  EXPECT_EQ(Text(Words("GEOSEARCH g BYBOX 900 900 km BYBOX 2 2 km FROMMEMBER Palermo DESC ASC")), "Palermo");
  ExpectErrors(kSyntax, {Words("GEOSEARCH g FROMLONLAT 0 0 FROMMEMBER Palermo BYRADIUS 1 km"),
                         Words("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km BYBOX 1 1 km")});
}

TEST_P(GeoTest, CountMeansTheNearestUnlessAnyWillDo) {
  AddSicily();
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1")), "Catania");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 DESC")), "Palermo");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY")), "Palermo");
  EXPECT_EQ(Text(Words("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ANY ASC COUNT 1")), "Palermo");
  EXPECT_EQ(Text(Words("GEORADIUS g 15 37 200 km COUNT 9223372036854775807")), "Catania Palermo");
  ExpectErrors("ERR COUNT must be > 0", {Words("GEOSEARCH g BYBOX 1 1 km ASC COUNT 0"),
                                         Words("GEORADIUS g 15 37 200 km COUNT -1")});
  ExpectErrors("ERR value is not an integer or out of range",
               {Words("GEORADIUS g 15 37 200 km COUNT 9223372036854775808")});
  ExpectErrors("ERR the ANY argument requires COUNT argument",
               {Words("GEOSEARCH g FROMMEMBER Palermo BYBOX 1 1 km ANY"), Words("GEORADIUS none 1 1 1 km ANY")});
}

TEST_P(GeoTest, SearchesSayWhatIsWrongFirst) {
  AddSicily();
  Run({"SET", "text", "x"});
  ExpectErrors(kWrongType, {Words("GEOSEARCH text FROMLONLAT x 0 BYRADIUS 1 km"), Words("GEORADIUS text 999 0 1 km"),
                            Words("GEOSEARCHSTORE d text FROMMEMBER a ANY ANY ANY")});
  ExpectErrors(kNotFloat, {Words("GEOSEARCH g FROMLONLAT x 0 BYRADIUS 1 km"), Words("GEORADIUS g x 0 x x")});
  ExpectErrors("ERR invalid longitude,latitude pair 999.000000,0.000000",
               {Words("GEOSEARCH g FROMLONLAT 999 0 BYRADIUS x km"), Words("GEORADIUS none 999 0 1 km")});
  ExpectErrors("ERR need numeric radius", {Words("GEOSEARCH g BYRADIUS x km FROMLONLAT 999 0"),
                                           Words("GEORADIUSBYMEMBER g Palermo nan km")});
  ExpectErrors("ERR radius cannot be negative", {Words("GEORADIUS g 0 0 -1 x")});
  ExpectErrors("ERR need numeric width", {Words("GEOSEARCH g FROMLONLAT 0 0 BYBOX x x km")});
  ExpectErrors("ERR need numeric height", {Words("GEOSEARCH g FROMLONLAT 0 0 BYBOX -1 x km")});
  ExpectErrors("ERR height or width cannot be negative", {Words("GEOSEARCH g FROMLONLAT 0 0 BYBOX 1 -1 x")});
  ExpectErrors(kUnknownUnit, {Words("GEOSEARCH g FROMLONLAT 0 0 BYBOX 1 1 x"), Words("GEORADIUS g 0 0 1 x")});
  ExpectErrors(kNoSuchMember, {Words("GEOSEARCH g FROMMEMBER nobody BYRADIUS x km FOO"),
                               Words("GEORADIUSBYMEMBER g nobody x km")});
  ExpectErrors("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch",
               {Words("geosearch g BYBOX 1 1 km ANY ANY"), Words("geosearch none ASC ASC ASC ASC ASC")});
  ExpectErrors("ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCHSTORE",
               {Words("GEOSEARCHSTORE d g FROMMEMBER Palermo STOREDIST ANY ANY ANY")});
  ExpectErrors(kSyntax, {Words("GEOSEARCH g FROMLONLAT 0 0 BYBOX 1 1"), Words("GEORADIUS g 0 0 1 m COUNT"),
                         Words("GEORADIUSBYMEMBER none nobody 1 km FOO"), Words("GEORADIUS_RO g 1 1 1 km STORE d"),
                         Words("GEORADIUSBYMEMBER_RO g Palermo 1 km STOREDIST d"), Words("GEORADIUS g 0 0 1 m STORE"),
                         Words("GEOSEARCH g FROMMEMBER Palermo BYBOX 1 1 km STOREDIST")});
}

TEST_P(GeoTest, StoresCellsOrDistances) {
  AddSicily();
  EXPECT_THAT(Run(Words("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km")), IsInt(2));
  EXPECT_THAT(Run({"ZSCORE", "d", "Palermo"}), IsDouble(3479099956230698));
  EXPECT_THAT(Run(Words("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST COUNT 1")), IsInt(1));
  EXPECT_THAT(Run({"ZSCORE", "d", "Catania"}), IsDouble(56.441257870158204));
  EXPECT_THAT(Run({"ZCARD", "d"}), IsInt(1));
  EXPECT_THAT(Run({"OBJECT", "ENCODING", "d"}), IsBulk("listpack"));
  EXPECT_THAT(Run(Words("GEORADIUS g 15 37 200 km STOREDIST a STORE b")), IsInt(2));
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
  EXPECT_THAT(Run({"ZSCORE", "b", "Catania"}), IsDouble(3479447370796909));
  Run({"SET", "text", "x"});
  EXPECT_THAT(Run(Words("GEORADIUSBYMEMBER g Palermo 1 km STOREDIST text")), IsInt(1));
  EXPECT_THAT(Run({"ZSCORE", "text", "Palermo"}), IsDouble(0));
  EXPECT_THAT(Run(Words("GEOSEARCHSTORE text g FROMLONLAT 100 37 BYRADIUS 1 km")), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "text"}), IsInt(0));
  EXPECT_THAT(Run(Words("GEORADIUS none 15 37 200 km STORE b")), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "b"}), IsInt(0));
  EXPECT_THAT(Run(Words("GEORADIUS g 15 37 100 km STORE g")), IsInt(1));
  EXPECT_EQ(Text({"ZRANGE", "g", "0", "-1"}), "Catania");
  ExpectErrors("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
               {Words("GEOSEARCHSTORE d g FROMMEMBER Catania BYBOX 1 1 km WITHDIST"),
                Words("GEOSEARCHSTORE d g FROMMEMBER Catania WITHHASH ANY ANY ANY")});
  ExpectErrors("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
               {Words("GEORADIUSBYMEMBER g Catania 1 km STORE d WITHCOORD ANY")});
}

TEST_P(GeoTest, LimitsSayTheLabelOfWhatIsStored) {
  Run({"CONFIG", "SET", "zset-max-listpack-entries", "3"});
  for (int i = 0; i < 10; ++i) Run({"GEOADD", "g", std::to_string(i), "0", "m" + std::to_string(i)});
  EXPECT_THAT(Run(Words("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 3000 km COUNT 3")), IsInt(3));
  EXPECT_THAT(Run({"OBJECT", "ENCODING", "d"}), IsBulk("listpack"));
  EXPECT_THAT(Run(Words("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 3000 km COUNT 4")), IsInt(4));
  EXPECT_THAT(Run({"OBJECT", "ENCODING", "d"}), IsBulk("skiplist"));
}

TEST_P(GeoTest, KeysOfStoresAreFound) {
  EXPECT_EQ(Text(Words("COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE a STOREDIST b")), "g a b");
  EXPECT_EQ(Text(Words("COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE")), "g");
  EXPECT_EQ(Text(Words("COMMAND GETKEYS GEORADIUSBYMEMBER g STORE 200 km STOREDIST b")), "g b");
  EXPECT_EQ(Text(Words("COMMAND GETKEYS GEOSEARCHSTORE a b FROMMEMBER d BYRADIUS 1 m")), "a b");
}

}  // namespace
}  // namespace larder::testing
