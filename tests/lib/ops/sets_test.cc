// The set ops on sets of each form, against a model, and with allocations of the arena refused one after another: what
// fails has changed nothing, and every byte is counted.
#include "lib/ops/sets.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/set_algebra.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;
using ops::sets::Set;
namespace sets = ops::sets;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Lets so many allocations of the arena's pass.
class FailSetsAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = 0;
};

class SetsTest : public KeyspaceTest {
 protected:
  using Model = std::set<std::string>;

  ~SetsTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  static std::vector<Bytes> WordsOf(const Model& texts) { return {texts.begin(), texts.end()}; }
  // prefix + from, from + 1... .
  static Model Some(const std::string& prefix, int from, int count) {
    Model some;
    for (int i = from; i < from + count; ++i) some.insert(prefix + std::to_string(i));
    return some;
  }
  void Make(Bytes key, const Model& members) {
    if (members.empty()) return;
    ASSERT_EQ(*sets::Add(db_, key, WordsOf(members), {}), static_cast<int64_t>(members.size()));
  }
  // In order.
  std::vector<std::string> List(Bytes key) {
    const Set set = *sets::Open(db_, key, Lookup::kPeek);
    std::vector<std::string> members;
    set.records().ForEach([&](const char* record) {
      sets::Digits digits;
      members.emplace_back(set.TextAt(record, digits));
      return true;
    });
    return members;
  }
  Model Read(Bytes key) {
    const std::vector<std::string> list = List(key);
    Model members(list.begin(), list.end());
    EXPECT_EQ(members.size(), list.size());
    return members;
  }
  std::string EncodingOf(Bytes key) {
    const Entry* const entry = db_.FindUnchanged(key);
    return entry == nullptr ? "none" : entry->encoding() == Encoding::kIntset ? "intset" : "hashtable";
  }
  void ExpectExact() {
    while (keyspace_->garbage().FreeStep()) {
    }
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
  }
  void DeleteAll() {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
  }
};

struct SetCase {
  const char* name;
  std::function<Error(keyspace::Db&)> run;
};

std::vector<SetCase> SetCases() {
  static const std::string long_text(700, 'x');
  static const Bytes kKeys[] = {"s", "other", "none"};
  static const Bytes kBack[] = {"other", "s"};
  const auto add = [](std::vector<Bytes> members) {
    return [members](keyspace::Db& db) {
      base::AssertHolder();
      return sets::Add(db, "s", members, {}).error();
    };
  };
  const auto remove = [](std::vector<Bytes> members) {
    return [members](keyspace::Db& db) {
      base::AssertHolder();
      return sets::Remove(db, "s", members, {}).error();
    };
  };
  const auto pop = [](size_t count) {
    return [count](keyspace::Db& db) {
      base::AssertHolder();
      return sets::Pop(
          db, "s", count, [](size_t) {}, [](const Set&, const char*) {});
    };
  };
  const auto move = [](Bytes from, Bytes to, Bytes member) {
    return [=](keyspace::Db& db) {
      base::AssertHolder();
      return sets::Move(db, from, to, member).error();
    };
  };
  const auto store = [](auto function, Bytes to, std::span<const Bytes> keys) {
    return [=](keyspace::Db& db) {
      base::AssertHolder();
      return function(db, to, keys, std::span<const Bytes>()).error();
    };
  };
  return {
      {"a text", add({"fresh"})},
      {"a long text", add({long_text})},
      {"a wide integer", add({"1000000000000"})},
      {"several", add({"77777", "fresh", "more", long_text, "12"})},
      {"one goes", remove({"7"})},
      {"several go", remove({"7", "member1", "nothing", "1", "member2", "2"})},
      {"one is popped", pop(1)},
      {"some are popped", pop(3)},
      {"most are popped", pop(600)},
      {"all are popped", pop(100'000)},
      {"moved away", move("s", "target", "1")},
      {"moved there", move("other", "s", "other1")},
      {"moved to a new key", move("s", "a new key", "member1")},
      {"moved where it is", move("s", "other", "member2")},
      {"the last is moved", move("single", "s", "one")},
      {"intersection", store(sets::StoreIntersection, "target", kBack)},
      {"union", store(sets::StoreUnion, "target", kKeys)},
      {"union, put there", store(sets::StoreUnion, "s", kBack)},
      {"difference", store(sets::StoreDifference, "target", kKeys)},
      {"difference, put there", store(sets::StoreDifference, "s", kKeys)},
  };
}

TEST_F(SetsTest, AFailingAllocationAtAnyPointChangesNothing) {
  // Nothing; integers packed, as many as there may be, and as a tree; texts packed, packed and full, and as trees. Each
  // alone, sharing its nodes with a copy, and with somebody who wants old values and commands.
  constexpr size_t kIntsetMax = 512;
  const std::vector<Model> forms = {{},
                                    {"1"},
                                    Some("", 0, 3),
                                    Some("", 0, kIntsetMax),
                                    Some("20000000000", 100, 260),
                                    Some("member", 0, 3),
                                    Some("member", 0, 128),
                                    Some("member", 0, 300)};
  const Model other = {"other1", "member2", "2", "7", "member200"};
  int failures = 0;
  for (const Model& form : forms) {
    for (const bool shared : {false, true}) {
      for (const bool seen : {false, true}) {
        if (form.size() == kIntsetMax && (shared || seen)) continue;  // the others show what that does
        for (const SetCase& one : SetCases()) {
          SCOPED_TRACE(::testing::Message()
                       << one.name << ", " << form.size() << " members" << (form.empty() ? "" : ", " + *form.begin())
                       << ", shared " << shared << ", seen " << seen);
          std::optional<Recorder> recorder;
          if (seen) recorder.emplace(keyspace_->effects(), Effects::kOldValues | Effects::kCommands);
          Make("s", form);
          Make("other", other);
          Make("single", {"one"});
          Make("target", {"5", "target"});
          if (shared && !form.empty()) {
            ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("s"), keyspace::kNoExpiry, {}).ok());
          }
          const char* const kAll[] = {"s", "other", "single", "target", "a new key"};
          std::vector<std::pair<std::vector<std::string>, std::string>> before;
          const auto state = [&] {
            std::vector<std::pair<std::vector<std::string>, std::string>> all;
            for (const char* key : kAll) {
              std::vector<std::string> members = List(key);
              std::sort(members.begin(), members.end());
              all.emplace_back(std::move(members), EncodingOf(key));
            }
            return all;
          };
          before = state();
          const uint64_t changes = keyspace_->effects().changes();
          FailSetsAt gate;
          bool done = false;
          for (size_t allowed = 0; !done; ++allowed) {
            gate.left = allowed;
            keyspace_->arena().SetGate(&gate);
            const Error error = one.run(db_);
            keyspace_->arena().SetGate(nullptr);
            done = error.ok();
            ASSERT_TRUE(done || error == errors::kAllocationFailed);
            if (!done) {
              ++failures;
              ASSERT_EQ(state(), before);
              EXPECT_EQ(keyspace_->effects().changes(), changes);
            }
            ExpectExact();
          }
          if (shared && !form.empty()) {
            EXPECT_EQ(Read("copy"), form);
          }
          recorder.reset();
          DeleteAll();
        }
      }
    }
  }
  EXPECT_GT(failures, 500);
}

// Against std::set, over all forms: grows, is changed at random, and shrinks to nothing.
TEST_F(SetsTest, IsASet) {
  constexpr uint64_t kSeed = 20'261'202;
  base::Random random(kSeed);
  const auto pick = [&](int kind) -> std::string {
    const int64_t n = static_cast<int64_t>(random.Below(700));
    switch (kind) {
      case 0:
        return std::to_string(n);
      case 1:
        return std::to_string(n * 100'000);
      case 2:
        return std::to_string((n - 350) * 1'000'000'000'000);
      case 3:
        return "member" + std::to_string(n);
      default:
        return std::string(static_cast<size_t>(n) * 2, 'x');
    }
  };
  for (int round = 0; round < 40; ++round) {
    Model model;
    const int kinds = 1 + round % 5;
    const size_t most = round % 3 == 0 ? 40 : round % 3 == 1 ? 250 : 900;
    bool numbers = true;
    for (int step = 0; step < 2500; ++step) {
      const std::string member = pick(static_cast<int>(random.Below(static_cast<uint64_t>(kinds))));
      const Bytes word[] = {member};
      const bool grows = step < 1800 ? model.size() < most && random.Below(4) != 0 : random.Below(8) == 0;
      if (grows) {
        ASSERT_EQ(*sets::Add(db_, "s", word, {}), model.insert(member).second) << "seed " << kSeed;
      } else if (random.Below(2) == 0) {
        ASSERT_EQ(*sets::Remove(db_, "s", word, {}), static_cast<int64_t>(model.erase(member)));
      } else {
        std::vector<std::string> popped;
        const auto visit = [&](const Set& set, const char* record) {
          sets::Digits digits;
          popped.emplace_back(set.TextAt(record, digits));
        };
        const size_t count = random.Below(10) == 0 ? random.Below(8) : 1;
        ASSERT_TRUE(sets::Pop(
                        db_, "s", count, [](size_t) {}, visit)
                        .ok());
        ASSERT_EQ(popped.size(), std::min(count, model.size()));
        for (const std::string& gone : popped) ASSERT_EQ(model.erase(gone), 1u) << gone;
        if (count > 1) numbers = EncodingOf("s") != "hashtable";  // what is left may have been made anew
      }
      if (model.empty()) numbers = true;
      const Set set = *sets::Open(db_, "s", Lookup::kPeek);
      ASSERT_EQ(set.size(), model.size());
      ASSERT_EQ(set.Has(member), model.count(member) == 1);
      if (!model.empty()) {
        int64_t unused = 0;
        numbers = numbers && model.size() <= 512 && (model.count(member) == 0 || base::ParseInt64(member, &unused));
        ASSERT_EQ(EncodingOf("s"), numbers ? "intset" : "hashtable");
      }
      if (step % 100 == 0) {
        ASSERT_EQ(Read("s"), model);
        if (numbers) {
          const std::vector<std::string> list = List("s");
          ASSERT_TRUE(std::is_sorted(list.begin(), list.end(), [](const std::string& a, const std::string& b) {
            return std::stoll(a) < std::stoll(b);
          }));
        }
        if (set.records().tree() != nullptr) {
          ASSERT_TRUE(set.records().tree()->Valid());
        }
        ExpectExact();
      }
    }
    DeleteAll();
  }
}

TEST_F(SetsTest, OneEffectTellsOfAChangeOfAKey) {
  Recorder recorder(keyspace_->effects(), Effects::kCommands);
  const Bytes members[] = {"1", "a"};
  const Bytes command[] = {"SADD", "s", "1", "a"};
  ASSERT_EQ(*sets::Add(db_, "s", members, command), 2);
  EXPECT_THAT(recorder.Take(), ElementsAre("ssadd db0 s [SADD s 1 a]"));
  ASSERT_EQ(*sets::Add(db_, "s", members, command), 0);
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_TRUE(*sets::Move(db_, "s", "t", "a"));
  EXPECT_THAT(recorder.Take(), ElementsAre("ssrem db0 s [SMOVE s t a]", "ssadd db0 t"));
  ASSERT_TRUE(*sets::Move(db_, "s", "t", "1"));
  EXPECT_THAT(recorder.Take(), ElementsAre("ssrem db0 s [SMOVE s t 1]", "gdel db0 s", "ssadd db0 t"));
  Make("s", {"1", "2"});
  recorder.Take();
  ASSERT_TRUE(*sets::Move(db_, "s", "t", "1"));
  EXPECT_THAT(recorder.Take(), ElementsAre("ssrem db0 s [SMOVE s t 1]"));
  ASSERT_TRUE(*sets::Move(db_, "t", "t", "1"));
  EXPECT_THAT(recorder.Take(), IsEmpty());
  const auto pop = [&](size_t count) {
    base::AssertHolder();
    EXPECT_TRUE(sets::Pop(
                    db_, "s", count, [](size_t) {}, [](const Set&, const char*) {})
                    .ok());
  };
  pop(0);
  EXPECT_THAT(recorder.Take(), IsEmpty());
  pop(1);
  EXPECT_THAT(recorder.Take(), ElementsAre("sspop db0 s [DEL s]", "gdel db0 s"));
  const Bytes keys[] = {"t", "none"};
  const Bytes store[] = {"SUNIONSTORE", "s", "t", "none"};
  ASSERT_EQ(*sets::StoreUnion(db_, "s", keys, store), 2);
  EXPECT_THAT(recorder.Take(), ElementsAre("ssunionstore db0 s [SUNIONSTORE s t none]"));
  ASSERT_EQ(*sets::StoreIntersection(db_, "s", keys, store), 0);
  EXPECT_THAT(recorder.Take(), ElementsAre("gdel db0 s [SUNIONSTORE s t none]"));
  ASSERT_EQ(*sets::StoreIntersection(db_, "s", keys, store), 0);
  EXPECT_THAT(recorder.Take(), IsEmpty());
}

// What is popped is told by name, as it went.
TEST_F(SetsTest, PoppedMembersAreInTheCommand) {
  for (const std::string prefix : {"", "member"}) {
    Make("s", Some(prefix, 0, 50));
    Recorder recorder(keyspace_->effects(), Effects::kCommands);
    for (const size_t count : {1u, 3u, 40u}) {
      std::string expected = "sspop db0 s [SREM s";
      const auto visit = [&](const Set& set, const char* record) {
        sets::Digits digits;
        expected += " " + std::string(set.TextAt(record, digits));
      };
      ASSERT_TRUE(sets::Pop(
                      db_, "s", count, [](size_t) {}, visit)
                      .ok());
      EXPECT_THAT(recorder.Take(), ElementsAre(expected + "]"));
    }
    DeleteAll();
    recorder.Take();
  }
}

TEST_F(SetsTest, RandomMembersAreOfEqualChance) {
  Make("s", Some("member", 0, 600));
  const Set set = *sets::Open(db_, "s", Lookup::kPeek);
  std::vector<int> met(600);
  base::Random random(7);
  for (int i = 0; i < 60'000; ++i) {
    ++met[std::stoul(std::string(set.records().Part(set.records().At(random.Below(set.size())), 0).substr(6)))];
  }
  // 100 each, with a deviation of 10.
  EXPECT_GT(*std::min_element(met.begin(), met.end()), 50);
  EXPECT_LT(*std::max_element(met.begin(), met.end()), 160);
}

}  // namespace
}  // namespace larder::testing
