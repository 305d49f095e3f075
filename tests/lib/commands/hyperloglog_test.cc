// The HyperLogLog family. Strings, error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

constexpr char kNotOne[] = "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr char kCorrupt[] = "INVALIDOBJ Corrupted HLL object detected";
const std::string kEmpty = "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff"s;
constexpr size_t kDense = 12304;

class HyperLogLogTest : public CommandTest {
 protected:
  explicit HyperLogLogTest(const std::function<void(Options&)>& change = nullptr) : CommandTest(change) {}
  std::string Get(std::string_view key) { return Run({"GET", key}).AsString(); }
  Reply Add(std::string_view key, int first, int last) {
    std::vector<std::string> argv = {"PFADD", std::string(key)};
    for (int i = first; i < last; ++i) argv.push_back(std::to_string(i));
    return Run(argv);
  }
};
LARDER_COMMAND_TEST(HyperLogLogTest);

TEST_P(HyperLogLogTest, TheStringIsRedisOwn) {
  EXPECT_THAT(Run({"PFADD", "k"}), IsInt(1));
  EXPECT_EQ(Get("k"), kEmpty);
  EXPECT_THAT(Run({"PFADD", "k"}), IsInt(0));
  EXPECT_THAT(Run({"PFADD", "k", "a"}), IsInt(1));
  EXPECT_EQ(Get("k"), "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80q\xa6\x84NW"s);
  EXPECT_THAT(Run({"PFADD", "k", "a"}), IsInt(0));
  EXPECT_THAT(Run({"PFCOUNT", "k"}), IsInt(1));
  EXPECT_EQ(Get("k"), "HYLL\1\0\0\0\1\0\0\0\0\0\0\0q\xa6\x84NW"s);
  EXPECT_THAT(Run({"PFADD", "k", "b", "c"}), IsInt(1));
  EXPECT_EQ(Get("k"), "HYLL\1\0\0\0\1\0\0\0\0\0\0\x80`\xf3\x80P\xb1\x84K\xfb\x80" "BZ"s);
  EXPECT_EQ(EncodingOf("k"), "raw");
}

TEST_P(HyperLogLogTest, WhatRedisHasWrittenIsRead) {
  Run({"SET", "k", "HYLL\1\0\0\0\1\0\0\0\0\0\0\x80`\xf3\x80P\xb1\x84K\xfb\x80" "BZ"s, "EX", "100"});
  EXPECT_THAT(Run({"PFADD", "k", "a", "b", "c"}), IsInt(0));
  EXPECT_THAT(Run({"PFCOUNT", "k"}), IsInt(3));
  EXPECT_EQ(TtlMs("k"), 100'000);
}

TEST_P(HyperLogLogTest, ManyElementsAreEstimated) {
  int64_t added = 0;
  // What Redis says of as many.
  const std::pair<int, int64_t> kCounts[] = {{10, 10}, {100, 100}, {1000, 1003}, {10'000, 10'008}, {30'000, 30'000}};
  for (const auto& [last, count] : kCounts) {
    for (; added < last; added += 10) Add("k", static_cast<int>(added), static_cast<int>(added) + 10);
    EXPECT_THAT(Run({"PFCOUNT", "k"}), IsInt(::testing::AllOf(::testing::Ge(count * 97 / 100),
                                                              ::testing::Le(count * 103 / 100))));
  }
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(kDense));
  EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "k"}), IsStatus("dense"));
}

TEST_P(HyperLogLogTest, SeveralAreCountedTogether) {
  Add("a", 0, 100);
  Add("b", 50, 150);
  Run({"PFDEBUG", "TODENSE", "b"});
  EXPECT_THAT(Run({"PFCOUNT", "a", "missing", "b"}), IsInt(::testing::AllOf(::testing::Ge(147), ::testing::Le(153))));
  EXPECT_THAT(Run({"PFCOUNT", "missing"}), IsInt(0));
  EXPECT_THAT(Run({"PFCOUNT", "missing", "other"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "missing"}), IsInt(0));
}

TEST_P(HyperLogLogTest, AMergeIsWhatAddingAllWouldBe) {
  Add("a", 0, 100);
  Add("b", 50, 150);
  Add("all", 0, 150);
  EXPECT_THAT(Run({"PFMERGE", "d", "a", "b", "missing"}), IsOk());
  EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "d"}), IsStatus("sparse"));
  EXPECT_EQ(Run({"PFCOUNT", "d"}).integer(), Run({"PFCOUNT", "all"}).integer());
  Run({"PFDEBUG", "TODENSE", "b"});
  Run({"EXPIRE", "a", "100"});
  EXPECT_THAT(Run({"PFMERGE", "a", "b"}), IsOk());
  EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "a"}), IsStatus("dense"));
  EXPECT_EQ(TtlMs("a"), 100'000);
  Run({"PFDEBUG", "TODENSE", "all"});
  EXPECT_EQ(Get("a").substr(16), Get("all").substr(16));
}

TEST_P(HyperLogLogTest, AMergeOfNothingMakesAnEmptyOne) {
  EXPECT_THAT(Run({"PFMERGE", "d"}), IsOk());
  EXPECT_THAT(Run({"PFMERGE", "e", "missing"}), IsOk());
  EXPECT_EQ(Get("d"), kEmpty);
  EXPECT_EQ(Get("e"), kEmpty);
}

TEST_P(HyperLogLogTest, ADenseOneTakesNoMoreThanItsSize) {
  Add("k", 0, 3000);
  const int64_t before = Run({"PFCOUNT", "k"}).integer();
  EXPECT_GT(before, 2900);
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(kDense));
}

TEST_P(HyperLogLogTest, WhoWatchesIsToldOfEveryChangeAndOfAKeptCount) {
  Run({"PFADD", "k", "a"});
  EXPECT_FALSE(RunsAfter("k", {"PFADD", "k", "b"}));
  EXPECT_TRUE(RunsAfter("k", {"PFADD", "k", "b"}));
  EXPECT_FALSE(RunsAfter("k", {"PFCOUNT", "k"}));
  EXPECT_TRUE(RunsAfter("k", {"PFCOUNT", "k"}));
  Run({"PFADD", "k", "c"});
  EXPECT_TRUE(RunsAfter("k", {"PFCOUNT", "k", "missing"}));
  EXPECT_FALSE(RunsAfter("k", {"PFMERGE", "k"}));
  EXPECT_TRUE(RunsAfter("k", {"PFDEBUG", "GETREG", "k"}));
}

TEST_P(HyperLogLogTest, OtherStringsAreRefused) {
  const std::vector<std::string> others = {"", "abc", "123", "HYLL", kEmpty.substr(0, 15),
                                           "HYLL\2"s + kEmpty.substr(5), "HYLL\0"s + std::string(12298, '\0')};
  Run({"PFADD", "h", "x"});
  for (const std::string& other : others) {
    Run({"SET", "k", other});
    const std::vector<std::vector<std::string>> calls = {
        {"PFADD", "k"}, {"PFADD", "k", "x"}, {"PFCOUNT", "k"}, {"PFCOUNT", "h", "k"}, {"PFMERGE", "k", "h"},
        {"PFMERGE", "new", "h", "k"}, {"PFDEBUG", "FOO", "k"}, {"PFDEBUG", "TODENSE", "k"}};
    for (const auto& argv : calls) EXPECT_THAT(Run(argv), IsError(kNotOne)) << ::testing::PrintToString(argv);
    EXPECT_EQ(Get("k"), other);
  }
  EXPECT_THAT(Run({"EXISTS", "new"}), IsInt(0));
}

TEST_P(HyperLogLogTest, CorruptOnesAreFoundByWhatReadsThem) {
  const std::string kHeader = kEmpty.substr(0, 16);
  Run({"PFADD", "h", "x"});
  for (const std::string& body : {""s, "\x80"s, "\x7f"s, "\x7f\xfe"s, "\x7f\xff\0"s, "\x7f\xf0\x7f\xff"s}) {
    Run({"SET", "k", kHeader + body});
    const std::vector<std::vector<std::string>> calls = {
        {"PFCOUNT", "k"}, {"PFCOUNT", "h", "k"}, {"PFMERGE", "k", "h"}, {"PFMERGE", "new", "k"},
        {"PFDEBUG", "TODENSE", "k"}, {"PFDEBUG", "GETREG", "k"}};
    for (const auto& argv : calls) EXPECT_THAT(Run(argv), IsError(kCorrupt)) << ::testing::PrintToString(argv);
    EXPECT_EQ(Get("k"), kHeader + body);
    EXPECT_THAT(Run({"PFADD", "k"}), IsInt(0));  // which looks no further
    EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "k"}), IsStatus("sparse"));
  }
  Run({"SET", "k", kHeader});
  EXPECT_THAT(Run({"PFADD", "k", "x"}), IsError(kCorrupt));
  Run({"SET", "k", "HYLL\0"s + std::string(11, '\0') + std::string(12288, '\xff')});
  Run({"SETRANGE", "k", "15", "\x80"});
  EXPECT_THAT(Run({"PFCOUNT", "k"}), IsInt(INT64_MIN));
}

TEST_P(HyperLogLogTest, DebuggingShowsRunsAndRegisters) {
  Run({"PFADD", "k", "a", "b", "c"});
  EXPECT_THAT(Run({"PFDEBUG", "decode", "k"}), IsBulk("Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"));
  Run({"PFDEBUG", "DECODE", "k"});
  const Reply registers = Run({"PFDEBUG", "GETREG", "k"});
  const std::vector<ReplyView> all = ElementsOf(registers);
  ASSERT_EQ(all.size(), 16384u);
  EXPECT_THAT(all[8436], IsInt(1));
  EXPECT_THAT(all[12711], IsInt(2));
  EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "k"}), IsStatus("dense"));
  EXPECT_THAT(Run({"PFDEBUG", "TODENSE", "k"}), IsInt(0));
  EXPECT_THAT(Run({"PFDEBUG", "DECODE", "k"}), IsError("ERR HLL encoding is not sparse"));
  EXPECT_THAT(Run({"PFDEBUG", "FOO", "k"}), IsError("ERR Unknown PFDEBUG subcommand 'FOO'"));
  EXPECT_THAT(Run({"PFDEBUG", "FOO", "missing"}), IsError("ERR The specified key does not exist"));
  EXPECT_THAT(Run({"PFADD", "s", "a"}), IsInt(1));
  EXPECT_THAT(Run({"PFDEBUG", "TODENSE", "s"}), IsInt(1));
}

TEST_P(HyperLogLogTest, TheSelfTestPasses) { EXPECT_THAT(Run({"PFSELFTEST"}), IsOk()); }

TEST_P(HyperLogLogTest, ACountThatIsKeptIsHeldAsWritesAre) {
  if (via() == Via::kDirect) return;  // a thread's call would wait
  Run({"PFADD", "k", "a"});
  const auto other = Connect();
  Run({"CLIENT", "PAUSE", "1000", "WRITE"});
  const std::string_view argv[] = {"PFCOUNT", "k"};
  EXPECT_EQ(other->Send(EncodeRequest(argv)), "");
  Run({"CLIENT", "UNPAUSE"});
  EXPECT_EQ(other->Take(), ":1\r\n");
}

// --- hll-sparse-max-bytes ---------------------------------------------------------------------------------------------

TEST_P(HyperLogLogTest, TheSizeAtWhichOneBecomesDenseIsAnOption) {
  Run({"CONFIG", "SET", "hll-sparse-max-bytes", "21"});
  Run({"PFADD", "k", "a"});
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(21));
  Run({"PFADD", "k", "b"});
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(kDense));
  Run({"CONFIG", "SET", "hll-sparse-max-bytes", "1gb"});
  Add("long", 0, 5000);
  EXPECT_THAT(Run({"PFDEBUG", "ENCODING", "long"}), IsStatus("sparse"));
}

class DenseHyperLogLogTest : public HyperLogLogTest {
 protected:
  DenseHyperLogLogTest() : HyperLogLogTest([](Options& options) { options.hll_sparse_max_bytes = 0; }) {}
};
LARDER_COMMAND_TEST(DenseHyperLogLogTest);

TEST_P(DenseHyperLogLogTest, TheFirstElementMakesItDense) {
  Run({"PFADD", "k"});
  EXPECT_EQ(Get("k"), kEmpty);
  Run({"PFADD", "k", "a"});
  EXPECT_THAT(Run({"STRLEN", "k"}), IsInt(kDense));
  EXPECT_THAT(Run({"CONFIG", "GET", "hll-sparse-max-bytes"}),
              IsMap(ElementsAre(::testing::Pair(IsBulk("hll-sparse-max-bytes"), IsBulk("0")))));
}

}  // namespace
}  // namespace larder::testing
