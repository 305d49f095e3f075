// What each key op leaves, and what it tells the listeners: event, canonical command, old value.
#include "lib/ops/keys.h"

#include <map>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Change;
using keyspace::Effects;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::StringSource;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeyOpsTest : public KeyspaceTest {
 protected:
  static int64_t Delete(keyspace::Db& db, Bytes key) { return ops::keys::Delete(db, std::span<const Bytes>(&key, 1)); }
  ~KeyOpsTest() override {
    keyspace_->FlushAll();
    EXPECT_EQ(keyspace_->used_memory(), 0u);
  }
  // Puts a string without telling anybody.
  void Put(keyspace::Db& db, std::string_view key, std::string_view value, int64_t expiry_ms = kNoExpiry) {
    const keyspace::Place existing = db.Locate(key, Lookup::kPeek);
    ASSERT_TRUE(db.PutString(key, existing, StringSource::Of(Bytes(value)), expiry_ms, Change{}).ok());
  }
  void Put(std::string_view key, std::string_view value, int64_t expiry_ms = kNoExpiry) {
    Put(db_, key, value, expiry_ms);
  }
  std::vector<std::string> Told() { return recorder_.Take(); }
  std::string At(int64_t ms) { return std::to_string(ms); }
  bool Holds(keyspace::Db& db, std::string_view key, std::string_view value, int64_t expiry_ms = kNoExpiry) {
    const keyspace::Entry* entry = db.Find(key, Lookup::kPeek);
    return entry != nullptr && ValueOf(*entry) == value && entry->expiry_ms() == expiry_ms;
  }

  keyspace::Db& other_ = *keyspace_->db(1);
  Recorder recorder_{keyspace_->effects(), Effects::kCommands | Effects::kOldValues};
};

TEST_F(KeyOpsTest, DeleteTellsOnceAndOnlyOfAKeyThatWas) {
  Put("k", "v");
  EXPECT_EQ(Delete(db_, "k"), 1);
  EXPECT_EQ(Delete(db_, "k"), 0);
  EXPECT_THAT(Told(), ElementsAre("gdel db0 k [DEL k] was 'v'"));
}

TEST_F(KeyOpsTest, ExpireIsToldAsAnAbsoluteTime) {
  const int64_t at = now_ms() + 1500;
  Put("k", "v");
  EXPECT_TRUE(*ops::keys::ExpireAt(db_, "k", at));
  EXPECT_THAT(Told(), ElementsAre("gexpire db0 k [PEXPIREAT k " + At(at) + "] was 'v'"));
  EXPECT_TRUE(Holds(db_, "k", "v", at));
  EXPECT_EQ(ops::keys::TtlMs(db_, "k"), 1500);
  EXPECT_EQ(ops::keys::ExpireTimeMs(db_, "k"), at);
}

TEST_F(KeyOpsTest, ExpireAtATimeThatHasComeDeletes) {
  for (const int64_t at : {now_ms(), now_ms() - 1, int64_t{0}, int64_t{-5}}) {
    Put("k", "v");
    EXPECT_TRUE(*ops::keys::ExpireAt(db_, "k", at));
    EXPECT_THAT(Told(), ElementsAre("gdel db0 k [DEL k] was 'v'"));
    EXPECT_EQ(Find("k"), nullptr);
  }
}

TEST_F(KeyOpsTest, ExpireConditionsTakeNoExpiryForTheLatest) {
  const int64_t at = now_ms() + 1000;
  auto allowed = [&](int64_t current, const ops::keys::ExpireOptions& options, int64_t wanted) {
    Put("k", "v", current);
    return *ops::keys::ExpireAt(db_, "k", wanted, options);
  };
  EXPECT_TRUE(allowed(kNoExpiry, {.if_none = true}, at));
  EXPECT_FALSE(allowed(at, {.if_none = true}, at + 1));
  EXPECT_FALSE(allowed(kNoExpiry, {.if_any = true}, at));
  EXPECT_TRUE(allowed(at, {.if_any = true}, at + 1));
  EXPECT_FALSE(allowed(kNoExpiry, {.if_greater = true}, at));
  EXPECT_FALSE(allowed(at, {.if_greater = true}, at));
  EXPECT_TRUE(allowed(at, {.if_greater = true}, at + 1));
  EXPECT_TRUE(allowed(kNoExpiry, {.if_less = true}, at));
  EXPECT_FALSE(allowed(at, {.if_less = true}, at));
  EXPECT_TRUE(allowed(at, {.if_less = true}, at - 1));
  EXPECT_FALSE(allowed(kNoExpiry, {.if_any = true, .if_less = true}, at));
  EXPECT_FALSE(*ops::keys::ExpireAt(db_, "missing", at));
}

TEST_F(KeyOpsTest, ARefusedExpireTellsNothing) {
  Put("k", "v", now_ms() + 10);
  EXPECT_FALSE(*ops::keys::ExpireAt(db_, "k", now_ms() - 1, {.if_none = true}));
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_TRUE(Holds(db_, "k", "v", now_ms() + 10));
}

TEST_F(KeyOpsTest, PersistTellsOnlyIfThereWasAnExpiry) {
  Put("k", "v", now_ms() + 10);
  EXPECT_TRUE(*ops::keys::Persist(db_, "k"));
  EXPECT_FALSE(*ops::keys::Persist(db_, "k"));
  EXPECT_FALSE(*ops::keys::Persist(db_, "missing"));
  EXPECT_THAT(Told(), ElementsAre("gpersist db0 k [PERSIST k] was 'v'"));
  EXPECT_EQ(ops::keys::TtlMs(db_, "k"), -1);
  EXPECT_EQ(ops::keys::TtlMs(db_, "missing"), -2);
}

TEST_F(KeyOpsTest, AKeyWhoseTimeHasComeIsMissingToAll) {
  Put("k", "v", now_ms() + 10);
  Advance(absl::Milliseconds(10));
  EXPECT_EQ(ops::keys::TtlMs(db_, "k"), -2);
  EXPECT_THAT(Told(), ElementsAre("xexpired db0 k [DEL k] was 'v'"));
  EXPECT_EQ(ops::keys::ExpireTimeMs(db_, "k"), -2);
  EXPECT_EQ(Delete(db_, "k"), 0);
  EXPECT_TRUE(ops::keys::Rename(db_, "k", "l", false).error() == errors::kNoSuchKey);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(KeyOpsTest, RenameTellsOfBothKeysWhenBothHaveChanged) {
  struct : keyspace::EffectListener {
    void OnEffect(const keyspace::Effect& effect) override {
      if (effect.event != "rename_from" && effect.event != "rename_to") return;
      from_was_there += db->Find("from", Lookup::kPeek) != nullptr;
      to_was_new += ValueOf(*db->Find("to", Lookup::kPeek)) == "new";
    }
    keyspace::Db* db;
    int from_was_there = 0;
    int to_was_new = 0;
  } looker;
  looker.db = &db_;
  keyspace_->effects().Add(&looker, Effects::kEvents);
  const int64_t at = now_ms() + 10;
  Put("from", "new", at);
  Put("to", "old");
  EXPECT_TRUE(*ops::keys::Rename(db_, "from", "to", false));
  EXPECT_THAT(Told(), ElementsAre("grename_from db0 from [RENAME from to] was 'new'", "grename_to db0 to was 'old'"));
  EXPECT_TRUE(Holds(db_, "to", "new", at));
  EXPECT_EQ(looker.from_was_there, 0);
  EXPECT_EQ(looker.to_was_new, 2);
  keyspace_->effects().Remove(&looker);
}

TEST_F(KeyOpsTest, RenameToItselfChangesNothing) {
  Put("k", "v");
  EXPECT_TRUE(*ops::keys::Rename(db_, "k", "k", false));
  EXPECT_FALSE(*ops::keys::Rename(db_, "k", "k", true));
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_TRUE(Holds(db_, "k", "v"));
}

TEST_F(KeyOpsTest, RenameIfMissingLeavesWhatIsThere) {
  Put("from", "new");
  Put("to", "old");
  EXPECT_FALSE(*ops::keys::Rename(db_, "from", "to", true));
  EXPECT_TRUE(Holds(db_, "from", "new"));
  EXPECT_TRUE(Holds(db_, "to", "old"));
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(KeyOpsTest, CopySharesALargeValueUntilOneIsEdited) {
  const std::string large(100'000, 'x');
  Put("k", large);
  const size_t before = keyspace_->used_memory();
  EXPECT_TRUE(*ops::keys::Copy(db_, "k", db_, "copy", false));
  EXPECT_LT(keyspace_->used_memory() - before, 1000u);
  ASSERT_TRUE(db_.EditBytes(
                     "copy", Find("copy"), {}, large.size(), [](char* bytes) { bytes[0] = 'y'; }, Change{})
                  .ok());
  EXPECT_TRUE(Holds(db_, "k", large));
  EXPECT_EQ(ValueOf(*Find("copy"))[0], 'y');
}

TEST_F(KeyOpsTest, CopyTakesTheExpiryAlongAndOverwritesOnlyIfTold) {
  const int64_t at = now_ms() + 10;
  Put("k", "v", at);
  EXPECT_TRUE(*ops::keys::Copy(db_, "k", other_, "k", false));
  EXPECT_THAT(Told(), ElementsAre("gcopy_to db1 k [COPY k k DB 1 REPLACE] was nothing"));
  EXPECT_TRUE(Holds(other_, "k", "v", at));
  Put("old", "x");
  EXPECT_FALSE(*ops::keys::Copy(db_, "k", db_, "old", false));
  EXPECT_TRUE(*ops::keys::Copy(db_, "k", db_, "old", true));
  EXPECT_THAT(Told(), ElementsAre("gcopy_to db0 old [COPY k old REPLACE] was 'x'"));
  EXPECT_FALSE(*ops::keys::Copy(db_, "missing", db_, "old", true));
}

TEST_F(KeyOpsTest, MoveTellsBothDatabases) {
  const int64_t at = now_ms() + 10;
  Put("k", "v", at);
  EXPECT_TRUE(*ops::keys::Move(db_, other_, "k"));
  EXPECT_THAT(Told(), ElementsAre("gmove_from db0 k [MOVE k 1] was 'v'", "gmove_to db1 k was nothing"));
  EXPECT_EQ(Find("k"), nullptr);
  EXPECT_TRUE(Holds(other_, "k", "v", at));
  EXPECT_EQ(other_.expiring(), 1u);
  EXPECT_EQ(db_.expiring(), 0u);
  Put("k", "w");
  EXPECT_FALSE(*ops::keys::Move(db_, other_, "k"));
  EXPECT_TRUE(Holds(db_, "k", "w"));
}

// Random work against a model of two maps; the expiry heap must keep count through every move.
TEST_F(KeyOpsTest, RandomWorkAgreesWithAModel) {
  struct Held {
    std::string value;
    int64_t expiry_ms;
    bool operator==(const Held&) const = default;
  };
  constexpr uint64_t kSeed = 7;
  base::Random random(kSeed);
  std::map<std::string, Held> models[2];
  keyspace::Db* dbs[2] = {&db_, &other_};
  for (int i = 0; i < 20'000; ++i) {
    if (i == 10'000) keyspace_->effects().Remove(&recorder_);  // nobody wants old values: changes in place from here on
    const size_t d = random.Below(2);
    std::map<std::string, Held>& model = models[d];
    const std::string a(1, static_cast<char>('a' + random.Below(6)));
    const std::string b(1, static_cast<char>('a' + random.Below(6)));
    const int64_t at = now_ms() + 1 + static_cast<int64_t>(random.Below(1000));
    switch (random.Below(8)) {
      case 0: case 1: {
        const std::string value(random.Below(3) == 0 ? 2000 : 3, static_cast<char>('a' + random.Below(26)));
        const int64_t expiry = random.Below(2) == 0 ? at : kNoExpiry;
        Put(*dbs[d], a, value, expiry);
        model[a] = {value, expiry};
        break;
      }
      case 2: EXPECT_EQ(Delete(*dbs[d], a), static_cast<int64_t>(model.erase(a))); break;
      case 3:
        EXPECT_EQ(*ops::keys::ExpireAt(*dbs[d], a, at), model.count(a) == 1);
        if (model.count(a) == 1) model[a].expiry_ms = at;
        break;
      case 4:
        EXPECT_EQ(*ops::keys::Persist(*dbs[d], a), model.count(a) == 1 && model[a].expiry_ms != kNoExpiry);
        if (model.count(a) == 1) model[a].expiry_ms = kNoExpiry;
        break;
      case 5: {
        const auto renamed = ops::keys::Rename(*dbs[d], a, b, false);
        EXPECT_EQ(renamed.ok(), model.count(a) == 1);
        if (model.count(a) == 0 || a == b) break;
        model[b] = model[a];
        model.erase(a);
        break;
      }
      case 6: {
        const bool fits = model.count(a) == 1 && models[1 - d].count(a) == 0;
        EXPECT_EQ(*ops::keys::Move(*dbs[d], *dbs[1 - d], a), fits);
        if (!fits) break;
        models[1 - d][a] = model[a];
        model.erase(a);
        break;
      }
      default: {
        if (a == b) break;
        EXPECT_EQ(*ops::keys::Copy(*dbs[d], a, *dbs[d], b, true), model.count(a) == 1);
        if (model.count(a) == 1) model[b] = model[a];
        break;
      }
    }
    if (random.Below(50) == 0) {
      Advance(absl::Milliseconds(static_cast<int64_t>(random.Below(200))));
      for (auto& each : models) std::erase_if(each, [&](const auto& item) {
        return item.second.expiry_ms != kNoExpiry && item.second.expiry_ms <= now_ms();
      });
      while (keyspace_->ExpireDue()) {
      }
    }
    for (size_t side = 0; side < 2; ++side) {
      size_t expiring = 0;
      for (const auto& [key, held] : models[side]) expiring += held.expiry_ms != kNoExpiry;
      ASSERT_EQ(dbs[side]->size(), models[side].size()) << "seed " << kSeed << " step " << i;
      ASSERT_EQ(dbs[side]->expiring(), expiring) << "seed " << kSeed << " step " << i;
    }
    Told();  // or it would hold all of them
  }
  for (size_t side = 0; side < 2; ++side) {
    for (const auto& [key, held] : models[side]) EXPECT_TRUE(Holds(*dbs[side], key, held.value, held.expiry_ms)) << key;
  }
}

}  // namespace
}  // namespace larder::testing
