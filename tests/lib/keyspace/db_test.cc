#include "lib/keyspace/db.h"

#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/random.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Change;
using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::StringSource;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

constexpr Change kSet{EventClass::kString, "set"};

class DbTest : public KeyspaceTest {
 protected:
  ~DbTest() override {
    // Nothing is lost: an empty database owns no memory.
    db_.Flush();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
    EXPECT_EQ(keyspace_->blocks().used(), 0u);
  }
  Entry* Edit(std::string_view key, size_t size, std::string_view text, size_t at) {
    auto edit = [&](char* bytes) { std::memcpy(bytes + at, text.data(), text.size()); };
    auto result = db_.EditBytes(key, Find(key), {}, size, edit, {EventClass::kString, "edit"});
    EXPECT_TRUE(result.ok());
    return *result;
  }
  // However many steps it takes.
  std::string RandomKey() {
    for (;;) {
      const auto entry = db_.RandomEntry();
      if (entry.ok()) return *entry == nullptr ? "none" : std::string((*entry)->key());
    }
  }
};

TEST_F(DbTest, TextThatIsAnIntegerIsStoredAsOne) {
  EXPECT_EQ(Put("k", "-12")->storage(), Entry::Storage::kInteger);
  EXPECT_EQ(Find("k")->encoding(), Encoding::kInt);
  for (const char* text : {"012", "+1", "-0", " 1", "1 ", "", "9223372036854775808", "1.0"}) {
    EXPECT_EQ(Put("k", text)->storage(), Entry::Storage::kInline) << text;
    EXPECT_THAT(Value("k"), Optional(std::string(text)));
  }
}

TEST_F(DbTest, SizeDecidesAboutLabelAndStorage) {
  EXPECT_EQ(Put("k", std::string(44, 'a'))->encoding(), Encoding::kEmbstr);
  EXPECT_EQ(Put("k", std::string(45, 'a'))->encoding(), Encoding::kRaw);
  EXPECT_EQ(Put("k", std::string(1024, 'a'))->storage(), Entry::Storage::kInline);
  EXPECT_EQ(Put("k", std::string(1025, 'a'))->storage(), Entry::Storage::kBlock);
}

TEST_F(DbTest, OverwritingKeepsTheLengthOfTheValueAndTheCount) {
  for (size_t size : {3, 0, 7, 30, 36, 29, 900, 2000, 2001, 10, 5000, 1}) {
    const std::string value(size, static_cast<char>('a' + size % 26));
    Put("k", value);
    EXPECT_THAT(Value("k"), Optional(value));
    EXPECT_EQ(db_.size(), 1u);
  }
}

TEST_F(DbTest, ALargeValueMayBeHandedOver) {
  memory::BlockRef block = memory::BlockRef::Adopt(keyspace_->blocks().New(3000, 3000));
  std::memset(block->data(), 'x', 3000);
  const char* where = block->data();
  ASSERT_TRUE(db_.PutString("k", Find("k"), StringSource::Of(&block), kNoExpiry, kSet).ok());
  EXPECT_FALSE(block);
  EXPECT_EQ(Find("k")->block()->data(), where);
}

TEST_F(DbTest, AReaderKeepsABlockThatIsOverwritten) {
  const std::string before(2000, 'a');
  Put("k", before);
  memory::BlockRef reader = memory::BlockRef::Share(Find("k")->block());
  Put("k", std::string(2000, 'b'));
  EXPECT_EQ(reader->view(), before);
}

TEST_F(DbTest, AReaderKeepsABlockThatIsEdited) {
  const std::string before(2000, 'a');
  Put("k", before);
  memory::BlockRef reader = memory::BlockRef::Share(Find("k")->block());
  Edit("k", 2000, "b", 0);
  EXPECT_EQ(reader->view(), before);
  EXPECT_THAT(Value("k"), Optional("b" + before.substr(1)));
}

TEST_F(DbTest, EditingFillsWithZerosKeepsTheExpiryAndLeavesRaw) {
  const int64_t expiry = now_ms() + 5000;
  Put("k", "12", expiry);
  Edit("k", 6, "x", 5);
  EXPECT_THAT(Value("k"), Optional(std::string("12\0\0\0x", 6)));
  EXPECT_EQ(Find("k")->expiry_ms(), expiry);
  EXPECT_EQ(Find("k")->encoding(), Encoding::kRaw);
  Edit("new", 3, "y", 1);
  EXPECT_THAT(Value("new"), Optional(std::string("\0y\0", 3)));
}

TEST_F(DbTest, AGrowingBlockIsSeldomMoved) {
  Put("k", std::string(2000, 'a'));
  int moves = 0;
  const char* where = nullptr;
  for (size_t size = 2001; size < 40000; ++size) {
    Edit("k", size, "b", size - 1);
    if (Find("k")->block()->data() != where) ++moves;
    where = Find("k")->block()->data();
  }
  EXPECT_LE(moves, 6);
  EXPECT_EQ(Value("k"), std::string(2000, 'a') + std::string(40000 - 2001, 'b'));
}

TEST_F(DbTest, ACopySharesItsBlockUntilOneOfThemIsEdited) {
  Put("k", std::string(2000, 'a'));
  ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("k"), kNoExpiry, kSet).ok());
  EXPECT_EQ(Find("copy")->block(), Find("k")->block());
  Edit("copy", 2000, "b", 0);
  EXPECT_EQ(Value("k"), std::string(2000, 'a'));
  EXPECT_EQ(Value("copy"), "b" + std::string(1999, 'a'));
}

TEST_F(DbTest, AKeyReadsAsMissingFromItsMillisecondOn) {
  Put("k", "v", now_ms() + 10);
  Advance(absl::Milliseconds(9));
  EXPECT_NE(Find("k"), nullptr);
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(db_.size(), 1u);  // nobody has looked yet
  Recorder recorder(keyspace_->effects(), Effects::kCommands | Effects::kOldValues);
  EXPECT_EQ(Find("k"), nullptr);
  EXPECT_THAT(recorder.Take(), ElementsAre("xexpired db0 k [DEL k] was 'v'"));
  EXPECT_EQ(db_.size(), 0u);
  EXPECT_EQ(keyspace_->stats().expired, 1u);
}

TEST_F(DbTest, TimeStandsStillWithinAnOp) {
  Put("k", "v", now_ms() + 10);
  keyspace_->BeginOp(now_ms());
  clock_.Advance(absl::Seconds(1));
  EXPECT_NE(Find("k"), nullptr);
  keyspace_->BeginOp(0);
  EXPECT_EQ(Find("k"), nullptr);
}

TEST_F(DbTest, ExpireDueDeletesWhatIsDueAndNothingElse) {
  for (int i = 0; i < 10; ++i) Put("k" + std::to_string(i), "v", now_ms() + 10 * (10 - i));
  Put("stays", "v");
  Advance(absl::Milliseconds(55));
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  while (db_.ExpireDue(100)) {
  }
  EXPECT_THAT(recorder.Take(), UnorderedElementsAre("xexpired db0 k9", "xexpired db0 k8", "xexpired db0 k7",
                                                    "xexpired db0 k6", "xexpired db0 k5"));
  EXPECT_EQ(db_.size(), 6u);
  EXPECT_EQ(db_.expiring(), 5u);
  EXPECT_EQ(keyspace_->stats().expired, 5u);
}

TEST_F(DbTest, OneStepOfExpiryIsBounded) {
  for (int i = 0; i < 10000; ++i) Put("k" + std::to_string(i), "v", now_ms() + 10);
  Advance(absl::Milliseconds(10));
  size_t before = db_.size();
  int steps = 0;
  for (bool more = true; more; ++steps) {
    more = db_.ExpireDue(64);
    EXPECT_LE(before - db_.size(), 64u + 8u);  // the bucket that crosses the bound is finished
    before = db_.size();
  }
  EXPECT_GT(steps, 100);
  EXPECT_EQ(db_.size(), 0u);
}

TEST_F(DbTest, SettingAndClearingAnExpiryKeepsValueEncodingAndAccess) {
  Put("k", "v");
  Edit("k", 2, "w", 1);
  keyspace::EntryStamp(*Find("k")).set_access_data(17);
  ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 100, kSet).ok());
  EXPECT_EQ(db_.expiring(), 1u);
  EXPECT_EQ(Find("k")->access_data(), 17u);
  ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 200, kSet).ok());
  EXPECT_EQ(Find("k")->expiry_ms(), now_ms() + 200);
  ASSERT_TRUE(db_.ClearExpiry(Find("k"), kSet).ok());
  EXPECT_EQ(db_.expiring(), 0u);
  EXPECT_EQ(Find("k")->access_data(), 17u);
  EXPECT_EQ(Find("k")->encoding(), Encoding::kRaw);
  EXPECT_THAT(Value("k"), Optional(std::string("vw")));
}

TEST_F(DbTest, AFarExpiryIsLegal) {
  Put("k", "v", INT64_MAX);
  Advance(absl::Hours(24 * 365 * 100));
  EXPECT_THAT(Value("k"), Optional(std::string("v")));
}

TEST_F(DbTest, LookupsCountAndMarkAsTheySay) {
  Put("k", "v");
  auto& stats = keyspace_->reads().holder();
  keyspace_->set_access_clock_ms(now_ms() + 5000);
  EXPECT_NE(db_.Find("k", Lookup::kPeek), nullptr);
  EXPECT_EQ(db_.Find("missing", Lookup::kPeek), nullptr);
  EXPECT_EQ(stats.hits + stats.misses, 0u);
  EXPECT_EQ(keyspace_->IdleSeconds(*Find("k")), 5);
  db_.Find("k", Lookup::kInspect);
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(keyspace_->IdleSeconds(*Find("k")), 5);
  db_.Find("k", Lookup::kWrite);
  db_.Find("missing", Lookup::kWrite);
  EXPECT_EQ(stats.hits + stats.misses, 1u);
  EXPECT_EQ(keyspace_->IdleSeconds(*Find("k")), 0);
  db_.Find("k", Lookup::kRead);
  db_.Find("missing", Lookup::kRead);
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.misses, 1u);
}

TEST_F(DbTest, ScanVisitsWhatHasNotExpired) {
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "k" + std::to_string(i);
    Put(key, "v", i % 3 == 0 ? now_ms() + 10 : kNoExpiry);
    if (i % 3 != 0) expected.insert(key);
  }
  Advance(absl::Milliseconds(10));
  std::multiset<std::string> seen;
  uint64_t cursor = 0;
  int calls = 0;
  do {
    cursor = db_.Scan(cursor, 10, [&](Entry& entry) { seen.insert(std::string(entry.key())); });
    ASSERT_LT(cursor, uint64_t{1} << 48);
    ++calls;
  } while (cursor != 0);
  EXPECT_EQ(seen, std::multiset<std::string>(expected.begin(), expected.end()));
  EXPECT_GT(calls, 10);
  std::set<std::string> all;
  db_.ForEach([&](Entry& entry) { all.insert(std::string(entry.key())); });
  EXPECT_EQ(all, expected);
}

TEST_F(DbTest, ARandomEntryIsNeverAnExpiredOne) {
  EXPECT_EQ(*db_.RandomEntry(), nullptr);
  for (int i = 0; i < 100; ++i) Put("k" + std::to_string(i), "v", now_ms() + 10);
  Put("stays", "v");
  Advance(absl::Milliseconds(10));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(RandomKey(), "stays");
  db_.Delete(Find("stays"), {EventClass::kGeneric, "del"});
  EXPECT_EQ(RandomKey(), "none");
}

TEST_F(DbTest, AStepOfLookingForARandomEntryIsBounded) {
  constexpr size_t kKeys = 5'000;
  for (size_t i = 0; i < kKeys; ++i) Put("k" + std::to_string(i), "v", now_ms() + 10);
  Put("stays", "v");
  Advance(absl::Milliseconds(10));
  while (!db_.RandomEntry().ok()) {
  }
  EXPECT_EQ(RandomKey(), "stays");
  EXPECT_GT(db_.size(), kKeys / 2) << "it need not delete all others for that";
  db_.Delete(Find("stays"), {EventClass::kGeneric, "del"});
  for (size_t before = db_.size(); !db_.RandomEntry().ok(); before = db_.size()) {
    ASSERT_LE(before - db_.size(), 32u);
  }
  EXPECT_EQ(db_.size(), 0u);
  EXPECT_EQ(RandomKey(), "none");
}

TEST_F(DbTest, WhileExpiryIsHeldARandomEntryIsFoundAmongHundredsThatHaveExpired) {
  for (int i = 0; i < 500; ++i) Put("k" + std::to_string(i), "v", now_ms() + 10);
  Put("stays", "v");
  Advance(absl::Milliseconds(10));
  keyspace_->HoldExpiry(now_ms() + 1000);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(RandomKey(), "stays");
  EXPECT_EQ(db_.size(), 501u);
  db_.Delete(Find("stays"), {EventClass::kGeneric, "del"});
  EXPECT_EQ(RandomKey(), "none");
  EXPECT_EQ(db_.size(), 500u);
  keyspace_->HoldExpiry(0);
}

TEST_F(DbTest, FlushEmptiesAndCounts) {
  for (int i = 0; i < 100; ++i)
    Put("k" + std::to_string(i), std::string(i * 30, 'v'), i % 2 ? now_ms() + 9 : kNoExpiry);
  EXPECT_EQ(db_.Flush(), 100u);
  EXPECT_EQ(db_.size(), 0u);
  EXPECT_EQ(db_.expiring(), 0u);
  EXPECT_EQ(Find("k1"), nullptr);
  EXPECT_EQ(keyspace_->used_memory(), 0u);
}

TEST_F(DbTest, SwappedDatabasesExchangeKeysAndExpiries) {
  keyspace::Db& other = *keyspace_->db(5);
  Put("a", "1", now_ms() + 10);
  PutIn(other, "b", "2");
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  keyspace_->SwapDbs(0, 5);
  EXPECT_THAT(recorder.Take(), ElementsAre("swap db0 db5"));
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_THAT(Value("b"), Optional(std::string("2")));
  EXPECT_EQ(other.expiring(), 1u);
  Put("c", "3");
  Advance(absl::Milliseconds(10));
  EXPECT_EQ(other.Find("a", Lookup::kPeek), nullptr);
  EXPECT_THAT(Value("c"), Optional(std::string("3")));
  other.Flush();
}

// All calls of a Db against two maps, effects of removal included, under a clock that moves.
// ---- Values that move -----------------------------------------------------------------------------------------------

// Checks at each effect that nobody but one entry has the value, and that the old one is still to be seen.
class SoleOwner final : public keyspace::EffectListener {
 public:
  SoleOwner(Effects& effects, const memory::Block* block) : effects_(effects), block_(block) {
    effects.Add(this, Effects::kOldValues);
  }
  ~SoleOwner() { effects_.Remove(this); }
  void OnEffect(const keyspace::Effect& effect) override {
    ++effects_seen;
    EXPECT_TRUE(block_->unique());
    if (effect.old_value == nullptr) return;
    EXPECT_EQ(effect.old_value->block(), block_);
  }
  int effects_seen = 0;

 private:
  Effects& effects_;
  const memory::Block* block_;
};

TEST_F(DbTest, ExpireRenameAndMoveMoveALargeValue) {
  const std::string large(10'000'000, 'L');
  Put("k", large);
  const memory::Block* const block = Find("k")->block();
  memory::Heap& heap = keyspace_->blocks();
  const size_t large_bytes = heap.large_used();
  keyspace::Db& other = *keyspace_->db(1);
  for (const bool watched : {false, true}) {
    std::optional<SoleOwner> owner;
    if (watched) owner.emplace(keyspace_->effects(), block);
    ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 1'000, kSet).ok());
    ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 2'000, kSet).ok());
    ASSERT_TRUE(db_.ClearExpiry(Find("k"), kSet).ok());
    ASSERT_TRUE(db_.PutMoved("l", Find("l"), db_, Find("k"), kSet, kSet).ok());
    ASSERT_TRUE(other.PutMoved("l", other.Locate("l", Lookup::kWrite), db_, Find("l"), kSet, kSet).ok());
    EXPECT_EQ(db_.bytes(), 0u);
    EXPECT_GT(other.bytes(), large.size());
    ASSERT_TRUE(db_.PutMoved("k", Find("k"), other, other.Locate("l", Lookup::kWrite), kSet, kSet).ok());
    EXPECT_EQ(watched ? owner->effects_seen : 9, 9);
    EXPECT_EQ(Find("k")->block(), block);
    EXPECT_TRUE(Find("k")->block()->unique());
    EXPECT_EQ(heap.large_used(), large_bytes);
    EXPECT_EQ(heap.large_blocks(), 1u);
  }
  EXPECT_EQ(Value("k"), large);
  // Over a value of its own, which ends.
  Put("over", std::string(2'000'000, 'o'));
  ASSERT_TRUE(db_.PutMoved("over", Find("over"), db_, Find("k"), kSet, kSet).ok());
  EXPECT_EQ(heap.large_used(), large_bytes);
  EXPECT_EQ(Value("over"), large);
  // A copy shares the bytes until one of both is edited.
  ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("over"), kNoExpiry, kSet).ok());
  EXPECT_FALSE(Find("copy")->block()->unique());
  EXPECT_EQ(heap.large_used(), large_bytes);
}

// Where there is no memory for the other entry, or none in the table, the value stays with the entry that has it.
TEST_F(DbTest, AMoveThatFailsLeavesTheValueWhereItIs) {
  class FailAt final : public memory::Arena::Gate {
   public:
    bool Allow(size_t) override { return left-- != 0; }
    size_t left = 0;
  };
  const std::string value(3'000, 'v');
  Put("k", value);
  FailAt gate;
  bool done = false;
  int failures = 0;
  keyspace::Db& empty = *keyspace_->db(7);
  for (size_t allowed = 0; !done; ++allowed) {
    const keyspace::Place from = Find("k");
    const keyspace::Place to = empty.Locate("k", Lookup::kWrite);
    gate.left = allowed;
    keyspace_->arena().SetGate(&gate);
    done = empty.PutMoved("k", to, db_, from, kSet, kSet).ok();
    keyspace_->arena().SetGate(nullptr);
    failures += !done;
    ASSERT_EQ(Value("k").has_value(), !done);
    if (!done) {
      EXPECT_EQ(Value("k"), value);
      EXPECT_TRUE(Find("k")->block()->unique());
      EXPECT_EQ(empty.bytes(), 0u);
    }
  }
  EXPECT_EQ(failures, 2) << "an entry, and the table's first segment";
  EXPECT_EQ(ValueOf(*empty.Find("k", Lookup::kPeek)), value);
  empty.Flush();
}

// Of another type as well, and with whatever label.
TEST_F(DbTest, BytesOfAnyFormAreEdited) {
  const keyspace::Form list{keyspace::Type::kList, Encoding::kRaw};
  Put("k", "12345", now_ms() + 1000);
  const auto text = [](char* bytes) { std::memcpy(bytes + 5, "+list", 5); };
  ASSERT_TRUE(db_.EditBytes("k", Find("k"), list, 10, text, kSet).ok());
  EXPECT_EQ(Find("k")->type(), keyspace::Type::kList);
  EXPECT_EQ(Value("k"), "12345+list") << "an integer's digits stay";
  EXPECT_EQ(Find("k")->expiry_ms(), now_ms() + 1000);
  for (const size_t size : {size_t{2000}, size_t{1500}, size_t{7}}) {
    ASSERT_TRUE(db_.EditBytes("k", Find("k"), list, size, [](char* bytes) { bytes[0] = 'x'; }, kSet).ok());
    EXPECT_EQ(Find("k")->type(), keyspace::Type::kList);
    EXPECT_EQ(Value("k")->substr(0, 7), "x2345+l");
    EXPECT_EQ(Value("k")->size(), size);
  }
  ASSERT_TRUE(db_.EditBytes(
                     "new", Find("new"), {keyspace::Type::kHash, Encoding::kEmbstr}, 0, [](char*) {}, kSet)
                  .ok());
  EXPECT_EQ(Find("new")->type(), keyspace::Type::kHash);
  EXPECT_EQ(Find("new")->encoding(), Encoding::kEmbstr);
  EXPECT_EQ(Value("new"), "");
}

TEST_F(DbTest, RandomWorkAgreesWithAModel) {
  struct Held {
    std::string value;
    int64_t expiry_ms;
  };
  const uint64_t seed = 4711;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  base::Random random(seed);
  std::map<std::string, Held> model;
  // Half of the run with a listener that wants old values, since these switch editing in place off.
  std::unique_ptr<Recorder> recorder;
  for (int step = 0; step < 40000; ++step) {
    if (step == 20000) recorder = std::make_unique<Recorder>(keyspace_->effects(), Effects::kOldValues);
    const std::string key = "key:" + std::to_string(random.Below(200));
    const int64_t expiry = random.Below(3) == 0 ? now_ms() + static_cast<int64_t>(random.Below(400)) + 1 : kNoExpiry;
    const size_t size = random.Below(8) == 0 ? random.Below(5000) : random.Below(60);
    std::erase_if(model, [&](const auto& item) { return item.second.expiry_ms != kNoExpiry &&
                                                        item.second.expiry_ms <= now_ms(); });
    auto it = model.find(key);
    const keyspace::Place entry = Find(key);
    ASSERT_EQ(entry != nullptr, it != model.end()) << "step " << step;
    switch (random.Below(8)) {
      case 0:
      case 1: {
        const std::string value = random.Below(4) == 0 ? std::to_string(static_cast<int64_t>(random.Next()))
                                                       : std::string(size, static_cast<char>('a' + step % 26));
        Put(key, value, expiry);
        model[key] = {value, expiry};
        break;
      }
      case 2: {
        const size_t wanted = size + 3;
        Edit(key, wanted, "EDT", wanted - 3);
        std::string value = it == model.end() ? "" : it->second.value;
        value.resize(wanted);
        value.replace(wanted - 3, 3, "EDT");
        model[key] = {value, it == model.end() ? kNoExpiry : it->second.expiry_ms};
        break;
      }
      case 3:
        if (entry == nullptr) break;
        ASSERT_TRUE(db_.SetExpiry(entry, now_ms() + 300, kSet).ok());
        it->second.expiry_ms = now_ms() + 300;
        break;
      case 4:
        if (entry == nullptr) break;
        ASSERT_TRUE(db_.ClearExpiry(entry, kSet).ok());
        it->second.expiry_ms = kNoExpiry;
        break;
      case 5:
        if (entry == nullptr) break;
        db_.Delete(entry, kSet);
        model.erase(it);
        break;
      case 6: {
        if (entry == nullptr) break;
        const std::string to = "key:" + std::to_string(random.Below(200));
        if (to == key) break;
        const keyspace::Place existing = Find(to);
        ASSERT_TRUE(db_.PutCopy(to, existing, *entry, expiry, kSet).ok());
        model[to] = {it->second.value, expiry};
        break;
      }
      case 7: Advance(absl::Milliseconds(random.Below(5))); break;
    }
    if (step % 500 != 0) continue;
    while (db_.ExpireDue(1000)) {
    }
    std::erase_if(model, [&](const auto& item) { return item.second.expiry_ms != kNoExpiry &&
                                                        item.second.expiry_ms <= now_ms(); });
    ASSERT_EQ(db_.size(), model.size()) << "step " << step;
    size_t expiring = 0;
    for (const auto& [name, held] : model) {
      ASSERT_EQ(Value(name), held.value) << name << " at step " << step;
      ASSERT_EQ(Find(name)->expiry_ms(), held.expiry_ms) << name << " at step " << step;
      expiring += held.expiry_ms != kNoExpiry;
    }
    ASSERT_EQ(db_.expiring(), expiring);
  }
}

}  // namespace
}  // namespace larder::testing
