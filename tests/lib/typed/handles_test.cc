// The handles of types: what each call answers and changes, by every kind of database, what MONITOR is shown, and what
// happens with another type at the key, without memory, and after a Transaction. That a call does what its command does
// is compared with the command itself.
#include <larder/bitmap.h>
#include <larder/cache.h>
#include <larder/hash.h>
#include <larder/hyperloglog.h>
#include <larder/list.h>
#include <larder/set.h>
#include <larder/sort.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>

#include <algorithm>
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Code = absl::StatusCode;

MATCHER_P(Scores, expected, "") {
  std::string text;
  for (const ScoredMember& each : arg) {
    text += (text.empty() ? "" : " ") + each.member + "=" + std::to_string(each.score).substr(0, 3);
  }
  *result_listener << text;
  return text == expected;
}

class HandlesTest : public ::testing::Test {
 protected:
  HandlesTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}

  void Listen() {
    monitor_ = *cache_->NewConnection();
    EXPECT_TRUE(monitor_->Feed("MONITOR\r\n").ok());
    monitor_->ConsumeOutput(monitor_->output().size());
  }
  // What MONITOR has shown since, without times and addresses: a line a call.
  std::vector<std::string> Said() {
    std::vector<std::string> lines;
    std::string said(monitor_->output());
    monitor_->ConsumeOutput(said.size());
    for (size_t at = 0; (at = said.find("] ", at)) != std::string::npos;) {
      const size_t end = said.find("\r\n", at);
      lines.push_back(said.substr(at + 2, end - at - 2));
      at = end;
    }
    return lines;
  }
  std::string Text(std::initializer_list<std::string_view> argv) {
    absl::StatusOr<Reply> reply = cache_->Execute(argv);
    return reply.ok() ? reply->DebugString() : std::string(reply.status().message());
  }

  std::unique_ptr<Cache> cache_;
  std::unique_ptr<RespConnection> monitor_;
};

// ---- Hash -----------------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, HashSetsReadsAndDeletesFields) {
  const Hash hash(*cache_, "h");
  EXPECT_EQ(hash.key(), "h");
  EXPECT_EQ(*hash.Size(), 0);
  EXPECT_EQ(*hash.Get("a"), std::nullopt);
  EXPECT_TRUE(*hash.Set("a", "1"));
  EXPECT_FALSE(*hash.Set("a", "2"));
  EXPECT_EQ(*hash.Set({{"b", "x"}, {"c", "y"}, {"a", "3"}}), 2);
  EXPECT_THAT(*hash.Get("a"), Optional(std::string("3")));
  EXPECT_THAT(*hash.Get({"c", "none", "b"}), ElementsAre("y", std::nullopt, "x"));
  EXPECT_TRUE(*hash.Contains("b"));
  EXPECT_FALSE(*hash.Contains("none"));
  EXPECT_EQ(*hash.ValueSize("c"), 1);
  EXPECT_EQ(*hash.ValueSize("none"), 0);
  EXPECT_FALSE(*hash.SetIfMissing("a", "9"));
  EXPECT_TRUE(*hash.SetIfMissing("d", "9"));
  EXPECT_THAT(*hash.Entries(), ElementsAre(Pair("a", "3"), Pair("b", "x"), Pair("c", "y"), Pair("d", "9")));
  EXPECT_THAT(*hash.Fields(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(*hash.Values(), ElementsAre("3", "x", "y", "9"));
  EXPECT_TRUE(*hash.Delete("d"));
  EXPECT_FALSE(*hash.Delete("d"));
  EXPECT_EQ(*hash.Delete({"a", "none", "b"}), 2);
  EXPECT_EQ(*hash.Set(std::span<const std::pair<std::string_view, std::string_view>>()), 0);
  EXPECT_EQ(*hash.Size(), 1);
  EXPECT_EQ(Text({"HGETALL", "h"}), "1# \"c\" => \"y\"");
  EXPECT_TRUE(*hash.Delete("c"));
  EXPECT_FALSE(*cache_->Exists("h"));
}

TEST_F(HandlesTest, HashCountsInFields) {
  const Hash hash(*cache_, "h");
  EXPECT_EQ(*hash.Increment("n"), 1);
  EXPECT_EQ(*hash.Increment("n", -3), -2);
  EXPECT_EQ(*hash.IncrementFloat("f", 0.5), 0.5);
  EXPECT_EQ(*hash.IncrementFloat("f", 1), 1.5);
  ASSERT_TRUE(hash.Set("t", "text").ok());
  EXPECT_EQ(hash.Increment("t").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(hash.IncrementFloat("t", 1).status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(hash.Set("m", "9223372036854775807").ok());
  EXPECT_EQ(hash.Increment("m").status().code(), Code::kOutOfRange);
  EXPECT_THAT(*hash.Get("m"), Optional(std::string("9223372036854775807")));
}

TEST_F(HandlesTest, HashPicksDifferentFieldsAtRandom) {
  const Hash hash(*cache_, "h");
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(hash.Set(std::to_string(i), "v").ok());
  EXPECT_THAT(*hash.Random(0), IsEmpty());
  std::vector<Hash::Entry> some = *hash.Random(20);
  EXPECT_EQ(some.size(), 20u);
  std::sort(some.begin(), some.end());
  EXPECT_EQ(std::unique(some.begin(), some.end()), some.end());
  EXPECT_EQ(hash.Random(1000)->size(), 300u);
  EXPECT_EQ(hash.Random(-1).status().code(), Code::kOutOfRange);
}

TEST_F(HandlesTest, LongValuesAreReturnedWhole) {
  const std::string value(100'000, 'v'), medium(5000, 'm');
  const Hash hash(*cache_, "h");
  ASSERT_TRUE(hash.Set({{"long", value}, {"medium", medium}}).ok());
  EXPECT_THAT(*hash.Get("long"), Optional(value));
  EXPECT_THAT(*hash.Get({"medium", "long"}), ElementsAre(medium, value));
  const List list(*cache_, "l");
  ASSERT_TRUE(list.PushBack({value, medium}).ok());
  EXPECT_THAT(*list.PopFront(), Optional(value));
  EXPECT_THAT(*list.PopBack(1), ElementsAre(medium));
}

// ---- List -----------------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, ListPushesAndPopsAtBothEnds) {
  const List list(*cache_, "l");
  EXPECT_EQ(*list.PushFrontIfPresent("x"), 0);
  EXPECT_EQ(*list.PushBackIfPresent("x"), 0);
  EXPECT_EQ(*list.PushBack("c"), 1);
  EXPECT_EQ(*list.PushFront("b"), 2);
  EXPECT_EQ(*list.PushFront({"a2", "a1"}), 4);
  EXPECT_EQ(*list.PushBack({"d", "e"}), 6);
  EXPECT_EQ(*list.PushBackIfPresent("f"), 7);
  EXPECT_EQ(*list.PushFrontIfPresent("z"), 8);
  EXPECT_EQ(*list.PushBack(std::span<const std::string_view>()), 8);
  EXPECT_THAT(*list.Range(0, -1), ElementsAre("z", "a1", "a2", "b", "c", "d", "e", "f"));
  EXPECT_THAT(*list.PopFront(), Optional(std::string("z")));
  EXPECT_THAT(*list.PopBack(), Optional(std::string("f")));
  EXPECT_THAT(*list.PopFront(2), ElementsAre("a1", "a2"));
  EXPECT_THAT(*list.PopBack(2), ElementsAre("e", "d"));
  EXPECT_EQ(list.PopBack(-1).status().code(), Code::kOutOfRange);
  EXPECT_THAT(*list.PopFront(9), ElementsAre("b", "c"));
  EXPECT_EQ(*list.PopFront(), std::nullopt);
  EXPECT_THAT(*list.PopFront(3), IsEmpty());
  EXPECT_FALSE(*cache_->Exists("l"));
}

TEST_F(HandlesTest, ListReadsFindsAndChanges) {
  const List list(*cache_, "l");
  ASSERT_TRUE(list.PushBack({"a", "b", "a", "c", "a"}).ok());
  EXPECT_EQ(*list.Size(), 5);
  EXPECT_THAT(*list.At(1), Optional(std::string("b")));
  EXPECT_THAT(*list.At(-2), Optional(std::string("c")));
  EXPECT_EQ(*list.At(5), std::nullopt);
  EXPECT_THAT(*list.Find("a"), Optional(0));
  EXPECT_THAT(*list.Find("a", 2), Optional(2));
  EXPECT_THAT(*list.Find("a", -1), Optional(4));
  EXPECT_EQ(*list.Find("none"), std::nullopt);
  EXPECT_EQ(list.Find("a", 0).status().code(), Code::kInvalidArgument);
  EXPECT_THAT(*list.FindAll("a"), ElementsAre(0, 2, 4));
  EXPECT_THAT(*list.FindAll("a", 2), ElementsAre(0, 2));
  EXPECT_TRUE(list.Set(1, "B").ok());
  EXPECT_EQ(list.Set(9, "x").code(), Code::kOutOfRange);
  EXPECT_EQ(List(*cache_, "none").Set(0, "x").code(), Code::kNotFound);
  EXPECT_TRUE(*list.InsertBefore("B", "before"));
  EXPECT_TRUE(*list.InsertAfter("B", "after"));
  EXPECT_FALSE(*list.InsertAfter("none", "x"));
  EXPECT_THAT(*list.Range(0, 4), ElementsAre("a", "before", "B", "after", "a"));
  EXPECT_EQ(*list.Remove("a", -1), 1);
  EXPECT_EQ(*list.Remove("a"), 2);
  EXPECT_TRUE(list.Trim(1, 2).ok());
  EXPECT_THAT(*list.Range(0, -1), ElementsAre("B", "after"));
  EXPECT_THAT(*list.MoveTo("m", List::End::kFront, List::End::kBack), Optional(std::string("B")));
  EXPECT_THAT(*list.MoveTo("m", List::End::kBack, List::End::kFront), Optional(std::string("after")));
  EXPECT_EQ(*list.MoveTo("m", List::End::kBack, List::End::kFront), std::nullopt);
  EXPECT_THAT(*List(*cache_, "m").Range(0, -1), ElementsAre("after", "B"));
}

// ---- Set ------------------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, SetAddsRemovesAndTells) {
  const Set set(*cache_, "s");
  EXPECT_TRUE(*set.Add("a"));
  EXPECT_FALSE(*set.Add("a"));
  EXPECT_EQ(*set.Add({"b", "a", "c"}), 2);
  EXPECT_EQ(*set.Size(), 3);
  EXPECT_TRUE(*set.Contains("b"));
  EXPECT_THAT(*set.Contains({"c", "none", "a"}), ElementsAre(true, false, true));
  EXPECT_THAT(*set.Members(), UnorderedElementsAre("a", "b", "c"));
  EXPECT_TRUE(*set.Remove("b"));
  EXPECT_FALSE(*set.Remove("b"));
  EXPECT_EQ(*set.Remove({"a", "none"}), 1);
  EXPECT_TRUE(*set.MoveTo("t", "c"));
  EXPECT_FALSE(*set.MoveTo("t", "c"));
  EXPECT_FALSE(*cache_->Exists("s"));
  EXPECT_THAT(*Set(*cache_, "t").Members(), ElementsAre("c"));
}

TEST_F(HandlesTest, SetsOfIntegersAnswerInOrder) {
  const Set set(*cache_, "s");
  ASSERT_TRUE(set.Add({"30", "-1", "7"}).ok());
  EXPECT_THAT(*set.Members(), ElementsAre("-1", "7", "30"));
  EXPECT_THAT(*set.Pop(2), ::testing::SizeIs(2));
  EXPECT_TRUE((*set.Pop()).has_value());
  EXPECT_EQ(*set.Pop(), std::nullopt);
  EXPECT_THAT(*set.Pop(3), IsEmpty());
  EXPECT_EQ(set.Pop(-1).status().code(), Code::kOutOfRange);
  EXPECT_EQ(set.Random(-1).status().code(), Code::kOutOfRange);
}

TEST_F(HandlesTest, SetsCombine) {
  const Set a(*cache_, "a");
  ASSERT_TRUE(a.Add({"1", "2", "3"}).ok());
  ASSERT_TRUE(Set(*cache_, "b").Add({"2", "3", "4"}).ok());
  EXPECT_THAT(*a.Union({"b", "none"}), UnorderedElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(*a.Intersection({"b"}), UnorderedElementsAre("2", "3"));
  EXPECT_THAT(*a.Difference({"b"}), ElementsAre("1"));
  EXPECT_EQ(*a.IntersectionSize({"b"}), 2);
  EXPECT_EQ(*a.IntersectionSize({"b"}, 1), 1);
  const Set to(*cache_, "to");
  EXPECT_EQ(*to.StoreUnion({"a", "b"}), 4);
  EXPECT_EQ(*to.StoreIntersection({"a", "b"}), 2);
  EXPECT_EQ(*to.StoreDifference({"b", "a"}), 1);
  EXPECT_THAT(*to.Members(), ElementsAre("4"));
}

// ---- SortedSet ------------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, SortedSetAddsScoresAndRanks) {
  const SortedSet zset(*cache_, "z");
  EXPECT_TRUE(*zset.Add("b", 2));
  EXPECT_FALSE(*zset.Add("b", 2.5));
  const SortedSet::AddResult added = *zset.Add({{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(added.added, 2);
  EXPECT_EQ(added.changed, 1);
  EXPECT_THAT(*zset.Score("b"), Optional(2.0));
  EXPECT_EQ(*zset.Score("none"), std::nullopt);
  EXPECT_THAT(*zset.Rank("c"), Optional(2));
  EXPECT_THAT(*zset.ReverseRank("c"), Optional(0));
  EXPECT_EQ(*zset.Rank("none"), std::nullopt);
  EXPECT_EQ(*zset.Increment("a", 10), 11);
  EXPECT_EQ(*zset.Increment("new"), 1);
  EXPECT_EQ(*zset.Size(), 4);
  EXPECT_TRUE(*zset.Remove("new"));
  EXPECT_EQ(*zset.Remove({"a", "none"}), 1);
  EXPECT_EQ(Text({"ZRANGE", "z", "0", "-1"}), "1) \"b\"\n2) \"c\"");
  EXPECT_EQ(*SortedSet(*cache_, "none").Score("a"), std::nullopt);
  EXPECT_EQ(*SortedSet(*cache_, "none").Rank("a"), std::nullopt);
}

TEST_F(HandlesTest, SortedSetAddsByRules) {
  const SortedSet zset(*cache_, "z");
  ASSERT_TRUE(zset.Add("a", 5).ok());
  EXPECT_EQ(zset.Add({{"a", 9}, {"b", 1}}, {.condition = SetOptions::If::kMissing})->added, 1);
  EXPECT_THAT(*zset.Score("a"), Optional(5.0));
  EXPECT_FALSE(*zset.Add("c", 1, {.condition = SetOptions::If::kPresent}));
  EXPECT_EQ(*zset.Score("c"), std::nullopt);
  EXPECT_FALSE(*zset.Add("a", 4, {.only_greater = true}));
  EXPECT_THAT(*zset.Score("a"), Optional(5.0));
  EXPECT_FALSE(*zset.Add("a", 4, {.only_less = true}));
  EXPECT_THAT(*zset.Score("a"), Optional(4.0));
  EXPECT_EQ(zset.Add("a", 4, {.only_greater = true, .only_less = true}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(zset.Add("a", 4, {.condition = SetOptions::If::kMissing, .only_less = true}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(zset.Add("a", std::nan("")).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(zset.Add({{"x", 1}, {"y", std::nan("")}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(*zset.Score("x"), std::nullopt);
  EXPECT_EQ(zset.Increment("a", std::nan("")).status().code(), Code::kInvalidArgument);
}

TEST_F(HandlesTest, SortedSetRanges) {
  const SortedSet zset(*cache_, "z");
  ASSERT_TRUE(zset.Add({{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}).ok());
  EXPECT_THAT(*zset.Range(0, 1), Scores("a=1.0 b=2.0"));
  EXPECT_THAT(*zset.Range(0, 1, {.reverse = true}), Scores("d=4.0 c=3.0"));
  EXPECT_THAT(*zset.Range({.min = 2, .max = 3}), Scores("b=2.0 c=3.0"));
  EXPECT_THAT(*zset.Range({.min = 2, .without_min = true}), Scores("c=3.0 d=4.0"));
  EXPECT_THAT(*zset.Range(ScoreRange(), {.reverse = true, .offset = 1, .count = 2}), Scores("c=3.0 b=2.0"));
  EXPECT_EQ(zset.Range({.min = std::nan("")}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(*zset.Count(ScoreRange{.max = 3, .without_max = true}), 2);
  EXPECT_EQ(*zset.RemoveRange(ScoreRange{.max = 1}), 1);
  EXPECT_EQ(*zset.RemoveRange(-1, -1), 1);
  EXPECT_EQ(*zset.RemoveRange(5, 9), 0);
  EXPECT_THAT(*zset.Range(0, -1), Scores("b=2.0 c=3.0"));

  const SortedSet words(*cache_, "w");
  ASSERT_TRUE(words.Add({{"ant", 0}, {"bee", 0}, {"cow", 0}}).ok());
  EXPECT_THAT(*words.Range(MemberRange{.min = "b"}), Scores("bee=0.0 cow=0.0"));
  EXPECT_THAT(*words.Range(MemberRange{.max = "cow", .without_max = true}, {.reverse = true}),
              Scores("bee=0.0 ant=0.0"));
  EXPECT_EQ(*words.Count(MemberRange()), 3);
  EXPECT_EQ(*words.RemoveRange(MemberRange{.min = "bee", .without_min = true}), 1);
  EXPECT_EQ(*words.Size(), 2);
}

TEST_F(HandlesTest, SortedSetPopsAndPicks) {
  const SortedSet zset(*cache_, "z");
  EXPECT_THAT(*zset.PopMin(), IsEmpty());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(zset.Add(std::to_string(i), i).ok());
  EXPECT_THAT(*zset.PopMin(2), Scores("0=0.0 1=1.0"));
  EXPECT_THAT(*zset.PopMax(), Scores("299=299"));
  EXPECT_EQ(zset.PopMin(-1).status().code(), Code::kOutOfRange);
  EXPECT_EQ(zset.Random(10)->size(), 10u);
  EXPECT_EQ(zset.Random(1000)->size(), 297u);
  const SortedSet to(*cache_, "to");
  EXPECT_EQ(*to.StoreUnion({"z"}), 297);
  EXPECT_EQ(*to.StoreIntersection({"z", "z"}), 297);
  EXPECT_THAT(*to.Score("5"), Optional(10.0));
  EXPECT_EQ(*to.StoreDifference({"z", "z"}), 0);
}

// ---- Strings that are more: bitmaps, HyperLogLogs ------------------------------------------------------------------------

TEST_F(HandlesTest, BitmapSetsCountsAndFinds) {
  const Bitmap bitmap(*cache_, "b");
  EXPECT_FALSE(*bitmap.Get(7));
  EXPECT_FALSE(*bitmap.Set(7));
  EXPECT_TRUE(*bitmap.Set(7));
  EXPECT_FALSE(*bitmap.Set(100));
  EXPECT_TRUE(*bitmap.Set(100, false));
  EXPECT_FALSE(*bitmap.Set(20));
  EXPECT_EQ(*bitmap.Count(), 2);
  EXPECT_EQ(*bitmap.Count(8, -1), 1);
  EXPECT_EQ(*bitmap.Count(50, 3), 0);
  EXPECT_THAT(*bitmap.Find(true), Optional(7));
  EXPECT_THAT(*bitmap.Find(true, 8), Optional(20));
  EXPECT_EQ(*bitmap.Find(true, 21), std::nullopt);
  EXPECT_THAT(*bitmap.Find(false), Optional(0));
  EXPECT_THAT(*bitmap.Find(false, 500), Optional(500));
  for (const int64_t bad : {int64_t{-1}, INT64_MAX}) {
    EXPECT_EQ(bitmap.Get(bad).status().code(), Code::kInvalidArgument) << bad;
    EXPECT_EQ(bitmap.Set(bad).status().code(), Code::kInvalidArgument) << bad;
  }
  const Bitmap to(*cache_, "to");
  EXPECT_EQ(*to.StoreOr({"b", "none"}), 13);
  EXPECT_EQ(*to.StoreAnd({"b", "none"}), 13);
  EXPECT_EQ(*to.Count(), 0);
  EXPECT_EQ(*to.StoreNot("to"), 13);
  EXPECT_EQ(*to.Count(), 104);
  EXPECT_THAT(*to.Find(false), Optional(104));
  EXPECT_EQ(*to.StoreXor({"to", "b"}), 13);
  EXPECT_EQ(*to.Count(), 102);
}

TEST_F(HandlesTest, HyperLogLogEstimates) {
  const HyperLogLog hll(*cache_, "p");
  EXPECT_EQ(*hll.Count(), 0);
  EXPECT_TRUE(*hll.Add("a"));
  EXPECT_FALSE(*hll.Add("a"));
  EXPECT_TRUE(*hll.Add({"b", "c"}));
  EXPECT_EQ(*hll.Count(), 3);
  ASSERT_TRUE(HyperLogLog(*cache_, "q").Add({"c", "d"}).ok());
  EXPECT_EQ(*hll.CountUnion({"q"}), 4);
  EXPECT_TRUE(hll.Merge({"q"}).ok());
  EXPECT_EQ(*hll.Count(), 4);
  ASSERT_TRUE(cache_->Set("text", "no").ok());
  EXPECT_EQ(HyperLogLog(*cache_, "text").Count().status().code(), Code::kFailedPrecondition);
}

// ---- Stream, Sort ---------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, StreamAddsAndReads) {
  const Stream stream(*cache_, "x");
  EXPECT_EQ(*stream.Add({{"f", "v"}}, {.create = false}), StreamId());
  EXPECT_EQ(*stream.Add({{"f", "v"}}, {.id = StreamId{5, 1}}), (StreamId{5, 1}));
  EXPECT_EQ(stream.Add({{"f", "v"}}, {.id = StreamId{5, 1}}).status().code(), Code::kInvalidArgument);
  const StreamId second = *stream.Add({{"g", "w"}, {"f", "u"}});
  EXPECT_GT(second, (StreamId{5, 1}));
  EXPECT_EQ(*stream.Size(), 2);
  const std::vector<StreamEntry> all = *stream.Range();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].id, second);
  EXPECT_THAT(all[1].fields, ElementsAre(Pair("g", "w"), Pair("f", "u")));
  EXPECT_THAT(all[1].Find("f"), Optional(std::string_view("u")));
  EXPECT_EQ(all[1].Find("none"), std::nullopt);
  EXPECT_EQ((*stream.ReverseRange(StreamId::Max(), {}, 1))[0].id, second);
  EXPECT_EQ((*stream.ReadAfter({5, 1}))[0].id, second);
  EXPECT_THAT(*stream.ReadAfter(second), IsEmpty());
  EXPECT_EQ(*stream.Delete({StreamId{5, 1}, StreamId{7, 7}}), 1);
  EXPECT_EQ(*stream.Trim(0), 1);
  EXPECT_EQ(*stream.Size(), 0);
  EXPECT_TRUE(*cache_->Exists("x"));
}

TEST_F(HandlesTest, StreamGroupsShareOutEntries) {
  const Stream stream(*cache_, "x");
  ASSERT_TRUE(stream.CreateGroup("g", StreamId()).ok());
  EXPECT_EQ(stream.CreateGroup("g", StreamId()).code(), Code::kInvalidArgument);
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(stream.Add({{"n", std::to_string(i)}}, {.id = StreamId{i, 0}}).ok());
  EXPECT_EQ(stream.ReadGroup("g", "one", 2)->size(), 2u);
  EXPECT_EQ(stream.ReadGroup("g", "two")->size(), 1u);
  EXPECT_THAT(*stream.ReadGroup("g", "two"), IsEmpty());
  EXPECT_EQ(stream.ReadPending("g", "one")->size(), 2u);
  EXPECT_EQ(*stream.Acknowledge("g", {{1, 0}, {9, 9}}), 1);
  const std::vector<PendingEntry> pending = *stream.Pending("g", 10);
  ASSERT_EQ(pending.size(), 2u);
  EXPECT_EQ(pending[0].id, (StreamId{2, 0}));
  EXPECT_EQ(pending[0].consumer, "one");
  EXPECT_EQ(pending[0].deliveries, 2);  // ReadPending is one too
  EXPECT_EQ(stream.Claim("g", "two", absl::ZeroDuration(), 10)->size(), 2u);
  EXPECT_EQ(stream.ReadPending("g", "two")->size(), 2u);
  EXPECT_EQ(stream.ReadGroup("none", "one").status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(*stream.DestroyGroup("g"));
  EXPECT_FALSE(*stream.DestroyGroup("g"));
}

TEST_F(HandlesTest, SortsByOwnAndOtherKeys) {
  ASSERT_TRUE(List(*cache_, "l").PushBack({"3", "1", "2"}).ok());
  EXPECT_THAT(*Sort(*cache_, "l"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(*Sort(*cache_, "l", {.descending = true, .offset = 1, .count = 1}), ElementsAre("2"));
  ASSERT_TRUE(cache_->MSet({{"w1", "30"}, {"w2", "10"}, {"w3", "20"}, {"n1", "one"}}).ok());
  EXPECT_THAT(*Sort(*cache_, "l", {.by = "w*", .get = {"#", "n*"}}),
              ElementsAre("2", std::nullopt, "3", std::nullopt, "1", "one"));
  EXPECT_EQ(*SortInto(*cache_, "l", "to", {.alpha = true}), 3);
  EXPECT_THAT(*List(*cache_, "to").Range(0, -1), ElementsAre("1", "2", "3"));
  ASSERT_TRUE(List(*cache_, "l").PushBack("text").ok());
  EXPECT_EQ(Sort(*cache_, "l").status().code(), Code::kInvalidArgument);
}

// ---- All of them ----------------------------------------------------------------------------------------------------

TEST_F(HandlesTest, AnotherTypeAtTheKeyIsRefused) {
  ASSERT_TRUE(cache_->Set("s", "string").ok());
  ASSERT_TRUE(List(*cache_, "l").PushBack("x").ok());
  EXPECT_EQ(Hash(*cache_, "s").Get("f").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Hash(*cache_, "s").Set("f", "v").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(List(*cache_, "s").PushBack("v").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Set(*cache_, "s").Add("v").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(SortedSet(*cache_, "s").Add("v", 1).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Stream(*cache_, "s").Size().status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Bitmap(*cache_, "l").Get(0).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(HyperLogLog(*cache_, "l").Add("x").status().code(), Code::kFailedPrecondition);
}

// A cache that is full, and evicts nothing, still lets go of what it has.
TEST_F(HandlesTest, WhatTakesOutIsDoneOverMaxmemory) {
  const Hash hash(*cache_, "h");
  const List list(*cache_, "l");
  const Set set(*cache_, "s");
  const SortedSet zset(*cache_, "z");
  ASSERT_TRUE(hash.Set({{"a", "1"}, {"b", "2"}, {"c", "3"}}).ok() && list.PushBack({"a", "b", "c"}).ok() &&
              set.Add({"a", "b", "c"}).ok() && zset.Add({{"a", 1}, {"b", 2}, {"c", 3}}).ok());
  ASSERT_TRUE(cache_->Execute({"CONFIG", "SET", "maxmemory", "1"})->is_ok());
  EXPECT_EQ(hash.Set("d", "4").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(list.PushBack("d").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(set.Add("d").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(zset.Add("d", 4).status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(*hash.Delete("a"));
  EXPECT_EQ(*hash.Delete({"b", "none"}), 1);
  EXPECT_THAT(*list.PopFront(), Optional(std::string("a")));
  EXPECT_EQ(*list.Remove("b"), 1);
  EXPECT_TRUE(*set.Remove("a"));
  EXPECT_TRUE((*set.Pop()).has_value());
  EXPECT_TRUE(*zset.Remove("a"));
  EXPECT_THAT(*zset.PopMin(), Scores("b=2.0"));
}

TEST_F(HandlesTest, EveryDatabaseHasItsOwn) {
  const Database other = *cache_->Db(3);
  ASSERT_TRUE(Hash(other, "h").Set("f", "v").ok());
  EXPECT_EQ(*Hash(*cache_, "h").Size(), 0);
  EXPECT_EQ(*Hash(other, "h").Size(), 1);
  EXPECT_EQ(*Stream(other, "x").Add({{"f", "v"}}, {.id = StreamId{1, 1}}), (StreamId{1, 1}));
  EXPECT_EQ(*Stream(*cache_, "x").Size(), 0);
}

TEST_F(HandlesTest, ATransactionsHandlesEndWithIt) {
  std::optional<Hash> kept;
  std::optional<Stream> kept_stream;
  ASSERT_TRUE(cache_->Atomically([&](Transaction& transaction) {
                      kept.emplace(transaction, "h");
                      kept_stream.emplace(transaction, "x");
                      EXPECT_TRUE(*kept->Set("f", "v"));
                      EXPECT_EQ(*kept->Size(), 1);
                      EXPECT_TRUE(kept_stream->Add({{"f", "v"}}).ok());
                      EXPECT_EQ(Hash(*cache_, "h").Size().status().code(), Code::kFailedPrecondition);
                    }).ok());
  EXPECT_EQ(kept->Size().status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(kept_stream->Size().status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(*Hash(*cache_, "h").Size(), 1);
  EXPECT_EQ(*Stream(*cache_, "x").Size(), 1);
}

TEST_F(HandlesTest, MonitorIsShownEachCallAsItsCommand) {
  Listen();
  const Hash hash(*cache_, "h");
  ASSERT_TRUE(hash.Set("f", "v").ok() && hash.Set({{"g", "w"}}).ok() && hash.Get({"f", "g"}).ok() &&
              hash.Increment("n", 2).ok());
  const List list(*cache_, "l");
  ASSERT_TRUE(list.PushFront("a").ok() && list.InsertAfter("a", "b").ok() && list.Find("b", -1).ok() &&
              list.MoveTo("m", List::End::kFront, List::End::kBack).ok());
  const SortedSet zset(*cache_, "z");
  ASSERT_TRUE(zset.Add("a", 1.5, {.only_greater = true}).ok() && zset.Range(ScoreRange{.without_min = true}).ok() &&
              zset.RemoveRange(MemberRange{.min = "b", .without_min = true}).ok());
  ASSERT_TRUE(Bitmap(*cache_, "b").Set(3).ok());
  EXPECT_THAT(Said(),
              ElementsAre("\"HSET\" \"h\" \"f\" \"v\"", "\"HSET\" \"h\" \"g\" \"w\"", "\"HMGET\" \"h\" \"f\" \"g\"",
                          "\"HINCRBY\" \"h\" \"n\" \"2\"", "\"LPUSH\" \"l\" \"a\"",
                          "\"LINSERT\" \"l\" \"AFTER\" \"a\" \"b\"", "\"LPOS\" \"l\" \"b\" \"RANK\" \"-1\"",
                          "\"LMOVE\" \"l\" \"m\" \"LEFT\" \"RIGHT\"", "\"ZADD\" \"z\" \"GT\" \"1.5\" \"a\"",
                          "\"ZRANGE\" \"z\" \"(-inf\" \"inf\" \"BYSCORE\" \"WITHSCORES\"",
                          "\"ZREMRANGEBYLEX\" \"z\" \"(b\" \"+\"", "\"SETBIT\" \"b\" \"3\" \"1\""));
}

// A change of several elements of a large collection is made in a clone, and leaves the old root to be freed. Writers must
// not leave more than is freed, though the background has no turn.
TEST(HandlesMemoryTest, ChangesOfSeveralElementsLeaveLittleBehind) {
  const std::unique_ptr<Cache> cache = *Cache::Open({.seed = 7, .background = Background::kTick});
  const Hash hash(*cache, "h");
  const SortedSet zset(*cache, "z");
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(hash.Set("field" + std::to_string(i), "value").ok());
    ASSERT_TRUE(cache->Execute({"ZADD", "z", std::to_string(i), "member" + std::to_string(i)}).ok());
  }
  ASSERT_TRUE(cache->Tick(absl::InfiniteFuture()).ok());
  const uint64_t before = cache->Stats()->used_memory;
  for (int i = 0; i < 3000; ++i) {
    const auto name = [&](const char* kind, int j) { return kind + std::to_string((i * 7919 + j * 2003) % 20'000); };
    std::vector<std::string> hset = {"HSET", "h"};
    std::vector<std::string> zadd = {"ZADD", "z"};
    for (int j = 0; j < 10; ++j) {
      hset.insert(hset.end(), {name("field", j), "other"});
      zadd.insert(zadd.end(), {std::to_string(j), name("member", j)});
    }
    ASSERT_FALSE(cache->Execute(hset)->is_error());
    ASSERT_FALSE(cache->Execute(zadd)->is_error());
  }
  EXPECT_LT(cache->Stats()->used_memory, before + (16 << 20));
}

}  // namespace
}  // namespace larder::testing
