// Values that are structures, proved with a kind that only tests have: they move, are cloned, edited, freed in steps
// and compacted.
#include "lib/keyspace/structure.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/lib/keyspace/array_structure.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::Form;
using keyspace::Keyspace;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::Structure;
using ::testing::ElementsAre;

constexpr Change kChange{EventClass::kList, "change"};
constexpr Form kList{keyspace::Type::kList, keyspace::Encoding::kRaw};

class StructureTest : public KeyspaceTest {
 protected:
  ~StructureTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
    EXPECT_EQ(keyspace_->garbage().bytes(), 0u);
  }
  memory::Heap& heap() { return keyspace_->blocks(); }
  static std::string Text(size_t i) { return "element " + std::to_string(i); }
  Structure* Make(size_t elements, size_t from = 0) {
    Structure* const root = ArrayKind::New(heap());
    for (size_t i = 0; i < elements; ++i) EXPECT_TRUE(ArrayKind::Append(heap(), root, Text(from + i)));
    return root;
  }
  void PutIn(Db& db, std::string_view key, size_t elements, size_t from = 0, int64_t expiry_ms = kNoExpiry) {
    ASSERT_TRUE(
        db.PutStructure(key, db.Locate(key, Lookup::kWrite), kList, Make(elements, from), expiry_ms, kChange).ok());
  }
  void PutList(std::string_view key, size_t elements, size_t from = 0) { PutIn(db_, key, elements, from); }
  static std::vector<std::string> Elements(const Entry& entry) { return ArrayKind::Elements(*entry.structure()); }
  std::vector<std::string> Texts(size_t count, size_t from = 0) {
    std::vector<std::string> all;
    for (size_t i = 0; i < count; ++i) all.push_back(Text(from + i));
    return all;
  }
  void ExpectExact() {
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
    EXPECT_EQ(keyspace_->arena().used(), entries + db_.table().memory() + keyspace_->garbage().bytes());
  }
};

TEST_F(StructureTest, TakesWhatItsRootSays) {
  PutList("k", 100);
  EXPECT_EQ(Find("k")->type(), keyspace::Type::kList);
  EXPECT_EQ(Elements(*Find("k")), Texts(100));
  EXPECT_GT(Keyspace::BytesOf(*Find("k")), 100 * Text(1).size());
  ExpectExact();
}

TEST_F(StructureTest, ExpireAndRenameHandItOnAndCopyClonesIt) {
  PutList("k", 500);
  const Structure* const root = Find("k")->structure();
  const size_t blocks = keyspace_->arena().blocks();
  for (const bool watched : {false, true}) {
    std::optional<Recorder> recorder;
    if (watched) recorder.emplace(keyspace_->effects(), Effects::kOldValues);
    ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 1000, kChange).ok());
    ASSERT_TRUE(db_.SetExpiry(Find("k"), now_ms() + 2000, kChange).ok());
    ASSERT_TRUE(db_.PutMoved("l", Find("l"), db_, Find("k"), kChange, kChange).ok());
    ASSERT_TRUE(db_.PutMoved("k", Find("k"), db_, Find("l"), kChange, kChange).ok());
    ASSERT_TRUE(db_.ClearExpiry(Find("k"), kChange).ok());
    EXPECT_EQ(Find("k")->structure(), root);
    EXPECT_EQ(keyspace_->arena().blocks(), blocks);
    ExpectExact();
  }
  ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("k"), kNoExpiry, kChange).ok());
  EXPECT_NE(Find("copy")->structure(), root);
  EXPECT_EQ(Elements(*Find("copy")), Texts(500));
  ExpectExact();
  // What a move puts an end to is freed; what moves is not.
  ASSERT_TRUE(db_.PutMoved("copy", Find("copy"), db_, Find("k"), kChange, kChange).ok());
  EXPECT_EQ(Find("copy")->structure(), root);
  while (keyspace_->garbage().FreeStep()) {
  }
  ExpectExact();
  EXPECT_EQ(keyspace_->arena().blocks(), blocks);
}

TEST_F(StructureTest, IsOverwrittenByStringsInPlaceAndOtherwise) {
  for (const std::string& value :
       {std::string("12345"), std::string(8, 'v'), std::string(500, 'v'), std::string(3000, 'v')}) {
    PutList("k", 50);
    Put("k", value);
    EXPECT_EQ(Value("k"), value);
    PutList("k", 50);
    const std::pair<Bytes, Bytes> pair("k", value);
    ASSERT_TRUE(db_.PutStrings(1, [&](size_t) { return pair; }, "set").ok());
    EXPECT_EQ(Value("k"), value);
    PutList("k", 3);  // over a string
    EXPECT_EQ(Elements(*Find("k")), Texts(3));
    ExpectExact();
  }
  EXPECT_EQ(keyspace_->garbage().bytes(), 0u) << "small ones are freed at once";
}

TEST_F(StructureTest, ALargeOneIsDetachedAtOnceAndFreedInSteps) {
  PutList("large", 1'500);
  const size_t bytes = Find("large")->structure()->bytes;
  const size_t used = keyspace_->used_memory();
  db_.Delete(Find("large"), kChange);
  EXPECT_EQ(db_.bytes(), 0u);
  EXPECT_EQ(keyspace_->garbage().bytes(), bytes);
  EXPECT_GT(keyspace_->used_memory() + 1000, used);
  EXPECT_NE(keyspace_->owed() & keyspace::kOwesFreeing, 0u);
  ExpectExact();
  int steps = 1;
  for (; keyspace_->garbage().FreeStep(); ++steps) ExpectExact();
  EXPECT_GE(steps, 1'500 / 128);
  EXPECT_LE(keyspace_->steps()[base::Step::kFree].entries_max, 128u);
}

TEST_F(StructureTest, AFlushedOneIsGarbageUntilItIsFreed) {
  for (size_t i = 0; i < 20; ++i) PutList("k" + std::to_string(i), i * 60);
  PutIn(*keyspace_->db(1), "stays", 10);
  keyspace_->FlushDb(db_);
  EXPECT_EQ(db_.bytes(), 0u);
  const size_t stays = keyspace_->db(1)->bytes() + keyspace_->db(1)->table().memory();
  do {
    // Beside it there are the records of the flushed table only.
    ASSERT_EQ(keyspace_->arena().used(), keyspace_->garbage().bytes() + stays);
  } while (keyspace_->garbage().FreeStep());
  EXPECT_LE(keyspace_->steps()[base::Step::kFree].entries_max, 128u);
  EXPECT_EQ(Elements(*keyspace_->db(1)->Find("stays", Lookup::kPeek)), Texts(10));
}

TEST_F(StructureTest, AFailingAllocationAtAnyPointChangesNothing) {
  class FailAt final : public memory::Arena::Gate {
   public:
    bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
    size_t left = 0;
  } gate;
  PutList("k", 40);
  int failures = 0;
  bool copied = false;
  for (size_t allowed = 0; !copied; ++allowed) {
    gate.left = allowed;
    keyspace_->arena().SetGate(&gate);
    copied = db_.PutCopy("copy", Find("copy"), *Find("k"), kNoExpiry, kChange).ok();
    keyspace_->arena().SetGate(nullptr);
    failures += !copied;
    ExpectExact();
  }
  EXPECT_GE(failures, 42);
  EXPECT_EQ(Elements(*Find("copy")), Texts(40));

  // A root that was offered and not taken is still the caller's.
  Structure* const root = Make(5);
  gate.left = 0;
  keyspace_->arena().SetGate(&gate);
  EXPECT_FALSE(db_.PutStructure("new", Find("new"), kList, root, kNoExpiry, kChange).ok());
  keyspace_->arena().SetGate(nullptr);
  EXPECT_EQ(ArrayKind::Elements(*root), Texts(5));
  EXPECT_TRUE(db_.PutStructure("new", Find("new"), kList, root, kNoExpiry, kChange).ok());
  ExpectExact();
}

TEST_F(StructureTest, CompactionMovesItsBlocksOverSeveralSteps) {
  constexpr size_t kStructures = 60;
  std::vector<Structure*> roots;
  for (size_t i = 0; i < kStructures; ++i) roots.push_back(ArrayKind::New(heap()));
  // Their elements lie among others, which go.
  for (size_t e = 0; e < 1'000; ++e) {
    for (size_t i = 0; i < kStructures; ++i) ASSERT_TRUE(ArrayKind::Append(heap(), roots[i], Text(e)));
  }
  for (size_t i = 0; i < kStructures; ++i) {
    const std::string key = "k" + std::to_string(i);
    ASSERT_TRUE(db_.PutStructure(key, Find(key), kList, roots[i], kNoExpiry, kChange).ok());
  }
  for (size_t i = 0; i < kStructures; ++i) {
    if (i % 12 != 0) db_.Delete(Find("k" + std::to_string(i)), kChange);
  }
  while (keyspace_->garbage().FreeStep()) {
  }
  const size_t waste = keyspace_->arena().waste();
  size_t used = keyspace_->used_memory();
  ASSERT_TRUE(keyspace_->WantsCompaction());
  int steps = 0;
  for (; keyspace_->CompactStep(); ++steps) {
    ASSERT_EQ(keyspace_->used_memory(), used);
    // A structure may go in the middle of its move.
    if (steps == 2) PutList("k0", 7);
    used = keyspace_->used_memory();
  }
  EXPECT_GT(steps, 4);
  while (keyspace_->garbage().FreeStep()) {
  }
  EXPECT_TRUE(keyspace_->arena().Valid());
  EXPECT_LT(keyspace_->arena().waste(), waste / 2);
  EXPECT_GT(keyspace_->steps()[base::Step::kCompact].entries, 2'000u);
  for (size_t i = 12; i < kStructures; i += 12) {
    EXPECT_EQ(Elements(*Find("k" + std::to_string(i))), Texts(1'000)) << i;
  }
  ExpectExact();
}

}  // namespace
}  // namespace larder::testing
