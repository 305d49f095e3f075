// The sorted set ops on sorted sets of each form: against a model, and with allocations of the arena refused one after
// another: what fails has changed nothing, and every byte is counted.
#include "lib/ops/zsets.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/zset_algebra.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Collection;
using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;
namespace zsets = ops::zsets;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = 0;
};

class ZsetsTest : public KeyspaceTest {
 protected:
  using Scores = std::vector<std::pair<double, std::string>>;

  ~ZsetsTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  static std::string MemberName(size_t i) { return "member" + std::to_string(i); }
  // A sorted set of so many members, in one call. Every fifth is long enough for a block of its own.
  void Make(std::string_view key, size_t members) {
    std::vector<std::string> names;
    for (size_t i = 0; i < members; ++i) {
      names.push_back(MemberName(i) + (members > 100 && i % 5 == 4 ? std::string(70, 'm') : ""));
    }
    std::vector<zsets::Scored> all;
    for (size_t i = 0; i < members; ++i) all.push_back({static_cast<double>(i % 50), names[i]});
    ASSERT_EQ(zsets::Add(db_, key, all, {}, {})->added, static_cast<int64_t>(members));
  }
  // In its order; and by its hashes it must be the same.
  Scores Read(std::string_view key) {
    const Collection zset = *zsets::Open(db_, key);
    Scores scores;
    zset.ForEach([&](const char* record) {
      scores.emplace_back(zsets::ScoreOf(zset, record), zsets::MemberOf(zset, record));
      return true;
    });
    Scores by_hash;
    const Collection hashed = zset.ByHash();
    hashed.ForEach([&](const char* record) {
      by_hash.emplace_back(zsets::ScoreOf(hashed, record), zsets::MemberOf(hashed, record));
      return true;
    });
    Scores sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    std::sort(by_hash.begin(), by_hash.end());
    EXPECT_EQ(scores, sorted);
    EXPECT_EQ(by_hash, sorted);
    if (zset.tree() != nullptr) {
      EXPECT_TRUE(zset.tree()->Valid());
      EXPECT_TRUE(hashed.tree()->Valid());
    }
    return scores;
  }
  std::string EncodingOf(std::string_view key) {
    const Entry* const entry = db_.FindUnchanged(key);
    return entry == nullptr ? "none" : entry->encoding() == Encoding::kListpack ? "listpack" : "skiplist";
  }
  void ExpectExact() {
    while (keyspace_->garbage().FreeStep()) {
    }
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
  }
};

struct Case {
  const char* name;
  std::function<Error(keyspace::Db&)> run;
};

std::vector<Case> Cases() {
  static const std::string long_text(700, 'x');
  static const std::string middling(100, 'y');
  const auto add = [](std::vector<zsets::Scored> members) {
    return [members](keyspace::Db& db) {
      base::AssertHolder();
      return zsets::Add(db, "z", members, {}, {}).error();
    };
  };
  const auto erase = [](std::vector<Bytes> members) {
    return [members](keyspace::Db& db) {
      base::AssertHolder();
      return zsets::Remove(db, "z", members, {}).error();
    };
  };
  const auto erase_range = [](size_t first, size_t count) {
    return [first, count](keyspace::Db& db) {
      base::AssertHolder();
      if (zsets::Open(db, "z")->size() < first + count) return kOk;
      return zsets::RemoveRange(db, "z", first, count, "zremrangebyrank", {});
    };
  };
  const auto store = [](zsets::Algebra what) {
    return [what](keyspace::Db& db) {
      base::AssertHolder();
      zsets::Sources sources;
      const Bytes keys[] = {"z", "other", "z"};
      LARDER_RETURN_IF_ERROR(sources.Open(db, std::span<const Bytes>(keys).first(what == zsets::Algebra::kDifference ? 2 : 3)));
      return zsets::StoreCombined(db, "z", what, sources.all(), zsets::Aggregate::kSum, "stored", {}).error();
    };
  };
  return {
      {"a new member", add({{7.5, "fresh"}})},
      {"another score", add({{100, "member1"}})},
      {"a near score", add({{1.5, "member1"}})},
      {"a middling member", add({{7.5, middling}})},
      {"a long member", add({{-1, long_text}})},
      {"several", add({{7.5, "fresh"}, {100, "member1"}, {-1, long_text}, {0, "member2"}, {5, "more"}})},
      {"counts", [](keyspace::Db& db) {
         base::AssertHolder();
         return zsets::Increment(db, "z", "member3", 20.5, {}, {}).error();
       }},
      {"a member goes", erase({"member1"})},
      {"several go", erase({"member1", "nothing", "member0", "member2"})},
      {"the first goes", erase_range(0, 1)},
      {"a range goes", erase_range(2, 90)},
      {"a union", store(zsets::Algebra::kUnion)},
      {"an intersection", store(zsets::Algebra::kIntersection)},
      {"a difference", store(zsets::Algebra::kDifference)},
      {"a range is stored", [](keyspace::Db& db) {
         base::AssertHolder();
         zsets::Range range;
         range.start = 2;
         const auto from = zsets::OpenLabelled(db, "z", Lookup::kRead);
         return zsets::StoreRange(db, "z", *from, range, {}).error();
       }},
  };
}

TEST_F(ZsetsTest, AFailingAllocationAtAnyPointChangesNothing) {
  // Nothing, packed, packed and full, trees; each alone, sharing its nodes with a copy, and with somebody who wants old
  // values.
  int failures = 0;
  for (const size_t members : {0u, 3u, 90u, 128u, 400u}) {
    for (const bool shared : {false, true}) {
      for (const bool seen : {false, true}) {
        for (const Case& one : Cases()) {
          SCOPED_TRACE(::testing::Message()
                       << one.name << ", members " << members << ", shared " << shared << ", seen " << seen);
          std::optional<Recorder> recorder;
          if (seen) recorder.emplace(keyspace_->effects(), Effects::kOldValues);
          if (members != 0) Make("z", members);
          Make("other", members / 2 + 1);
          if (shared && members != 0) {
            ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("z"), keyspace::kNoExpiry, {}).ok());
          }
          const Scores before = Read("z");
          const std::string encoding = EncodingOf("z");
          const uint64_t changes = keyspace_->effects().changes();
          FailAt gate;
          bool done = false;
          for (size_t allowed = 0; !done; allowed += allowed < 40 ? 1 : allowed / 8) {
            gate.left = allowed;
            keyspace_->arena().SetGate(&gate);
            const Error error = one.run(db_);
            keyspace_->arena().SetGate(nullptr);
            done = error.ok();
            ASSERT_TRUE(done || error == errors::kAllocationFailed);
            if (done) {
              EXPECT_LE(keyspace_->effects().changes() - changes, 1u);
              EXPECT_GE(keyspace_->effects().changes() - changes, Read("z") == before ? 0u : 1u);
            } else {
              ++failures;
              ASSERT_EQ(Read("z"), before);
              EXPECT_EQ(EncodingOf("z"), encoding);
              EXPECT_EQ(keyspace_->effects().changes(), changes);
            }
            ExpectExact();
          }
          if (shared && members != 0) {
            EXPECT_EQ(Read("copy"), before);
          }
          for (const char* key : {"z", "copy", "other"}) {
            if (keyspace::Entry* const entry = db_.Find(key, Lookup::kPeek)) db_.Delete(entry, {});
          }
        }
      }
    }
  }
  EXPECT_GT(failures, 1000);
}

// Many equal scores, members of all sizes, growing past both borders and shrinking again, with a copy taken at times.
TEST_F(ZsetsTest, IsWhatItsModelIs) {
  constexpr uint64_t kSeed = 20'261'202;
  base::Random random(kSeed);
  using Model = std::map<std::string, double>;
  Model model, copied;
  const auto ordered = [](const Model& of) {
    Scores scores;
    for (const auto& [member, score] : of) scores.emplace_back(score, member);
    std::sort(scores.begin(), scores.end());
    return scores;
  };
  for (int step = 0; step < 20'000; ++step) {
    const bool growing = step % 5000 < 3000;
    std::string member = MemberName(random.Below(1000));
    if (random.Below(20) == 0) member += std::string(random.Below(30) == 0 ? 600 : 90, 'l');
    const double score = static_cast<double>(random.Below(random.Below(2) == 0 ? 5 : 100'000)) / 4;
    const uint64_t kind = random.Below(100);
    if (kind < (growing ? 60u : 15u)) {
      const zsets::Scored one[] = {{score, member}};
      ASSERT_TRUE(zsets::Add(db_, "z", one, {}, {}).ok());
      model[member] = score;
    } else if (kind < 75) {
      const Bytes words[] = {member};
      ASSERT_EQ(*zsets::Remove(db_, "z", words, {}), static_cast<int64_t>(model.erase(member)));
    } else if (kind < 85) {
      const auto sum = zsets::Increment(db_, "z", member, score, {.only_old = true}, {});
      ASSERT_TRUE(sum.ok());
      ASSERT_EQ(sum->has_value(), model.count(member) == 1);
      if (sum->has_value()) model[member] += score;
    } else if (kind < 90 && !growing && model.size() > 4) {
      const Scores all = ordered(model);
      const size_t first = random.Below(all.size());
      const size_t count = std::min<size_t>(1 + random.Below(30), all.size() - first);
      ASSERT_TRUE(zsets::RemoveRange(db_, "z", first, count, "x", {}).ok());
      for (size_t i = first; i < first + count; ++i) model.erase(all[i].second);
    } else if (kind < 97) {
      const Collection zset = *zsets::Open(db_, "z");
      double found = 0;
      size_t rank = 0;
      const auto there = model.find(member);
      ASSERT_EQ(zsets::Score(zset, member, &found), there != model.end());
      if (there != model.end() && step % 16 == 0) {
        ASSERT_EQ(found, there->second);
        ASSERT_TRUE(zsets::Rank(zset, member, &rank));
        const Scores all = ordered(model);
        ASSERT_EQ(all[rank], (std::pair<double, std::string>(found, member)));
      }
    } else if (kind == 99 && !model.empty()) {
      ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("z"), keyspace::kNoExpiry, {}).ok());
      copied = model;
    }
    if (step % 250 == 0) {
      ASSERT_EQ(Read("z"), ordered(model)) << step;
      ASSERT_EQ(Read("copy"), ordered(copied)) << step;
      ExpectExact();
    }
  }
}

TEST_F(ZsetsTest, RangesAreWhatTheirModelsAre) {
  base::Random random(7);
  for (const size_t members : {20u, 120u, 1000u}) {
    Make("z", members);
    const Scores all = Read("z");
    const zsets::Opened opened = *zsets::OpenLabelled(db_, "z", Lookup::kRead);
    for (int round = 0; round < 500; ++round) {
      zsets::Range range;
      range.by = zsets::Range::kScore;
      range.scores.min = {static_cast<double>(random.Below(52)) - 1, random.Below(2) == 0};
      range.scores.max = {static_cast<double>(random.Below(52)) - 1, random.Below(2) == 0};
      range.reverse = random.Below(2) == 0;
      range.limit = {static_cast<int64_t>(random.Below(30)) - 1, static_cast<int64_t>(random.Below(30)) - 5};
      std::vector<size_t> expected;
      for (size_t i = 0; i < all.size(); ++i) {
        const double score = all[i].first;
        const bool above = range.scores.min.exclusive ? score > range.scores.min.score : score >= range.scores.min.score;
        const bool below = range.scores.max.exclusive ? score < range.scores.max.score : score <= range.scores.max.score;
        if (above && below) expected.push_back(i);
      }
      if (range.reverse) std::reverse(expected.begin(), expected.end());
      const size_t skipped = range.limit.offset < 0 ? expected.size()
                                                    : std::min<size_t>(static_cast<size_t>(range.limit.offset), expected.size());
      expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(skipped));
      if (range.limit.count >= 0 && expected.size() > static_cast<size_t>(range.limit.count)) {
        expected.resize(static_cast<size_t>(range.limit.count));
      }
      const zsets::Picked picked = zsets::Pick(opened, range);
      ASSERT_EQ(picked.count, expected.size());
      if (expected.empty()) continue;
      ASSERT_EQ(picked.first, expected[0]);
      ASSERT_EQ(picked.least(), *std::min_element(expected.begin(), expected.end()));
    }
    db_.Delete(db_.Find("z", Lookup::kPeek), {});
  }
}

TEST_F(ZsetsTest, OneEffectTellsOfAChange) {
  Recorder recorder(keyspace_->effects(), Effects::kCommands);
  const zsets::Scored two[] = {{1, "a"}, {2, "b"}};
  const Bytes command[] = {"ZADD", "z", "1", "a", "2", "b"};
  ASSERT_TRUE(zsets::Add(db_, "z", two, {}, command).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("zzadd db0 z [ZADD z 1 a 2 b]"));
  ASSERT_TRUE(zsets::Add(db_, "z", two, {}, command).ok());
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_EQ(**zsets::Increment(db_, "z", "a", 6, {}, {}), 7);
  EXPECT_THAT(recorder.Take(), ElementsAre("zzincr db0 z"));
  ASSERT_EQ(**zsets::Increment(db_, "z", "a", 0, {}, {}), 7);
  EXPECT_THAT(recorder.Take(), IsEmpty());
  zsets::Sources sources;
  const Bytes keys[] = {"z"};
  ASSERT_TRUE(sources.Open(db_, keys).ok());
  ASSERT_TRUE(zsets::StoreCombined(db_, "to", zsets::Algebra::kUnion, sources.all(), zsets::Aggregate::kSum,
                                   "zunionstore", {}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("zzunionstore db0 to"));
  const auto from = zsets::OpenLabelled(db_, "z", Lookup::kRead);
  ASSERT_TRUE(zsets::StoreRange(db_, "to", *from, {}, {}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("zzrangestore db0 to"));
  zsets::Range nothing;
  nothing.start = 5;
  ASSERT_EQ(*zsets::StoreRange(db_, "to", *from, nothing, {}), 0u);
  EXPECT_THAT(recorder.Take(), ElementsAre("gdel db0 to"));
  ASSERT_EQ(*zsets::StoreRange(db_, "to", *from, nothing, {}), 0u);
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_TRUE(zsets::RemoveRange(db_, "z", 0, 1, "zpopmin", {}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("zzpopmin db0 z"));
  ASSERT_TRUE(zsets::RemoveRange(db_, "z", 0, 1, "zpopmax", {}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("zzpopmax db0 z", "gdel db0 z"));
  ASSERT_TRUE(zsets::Add(db_, "z", two, {}, {}).ok());
  recorder.Take();
  const Bytes both[] = {"a", "b", "c"};
  ASSERT_EQ(*zsets::Remove(db_, "z", both, {}), 2);
  EXPECT_THAT(recorder.Take(), ElementsAre("zzrem db0 z", "gdel db0 z"));
  EXPECT_EQ(db_.FindUnchanged("z"), nullptr);
}

}  // namespace
}  // namespace larder::testing
