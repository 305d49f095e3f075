// Several changes of a large hash or sorted set by one edit: committed, given up after some of them, and with each
// allocation refused, of the arena's and of the notes'. What is not committed has changed no record, what is shared
// with a copy stays as it was, and every byte is counted.
#include "lib/keyspace/collection_undo.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"
#include "tests/lib/ops/malloc_faults.h"

namespace larder::testing {
namespace {

using ds::RecordFormat;
using keyspace::Collection;
using keyspace::CollectionEdit;
using keyspace::CollectionRoot;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;

constexpr RecordFormat kPairs{1, 2, RecordFormat::Order::kHashOfPart};
constexpr RecordFormat kPackedPairs{0, 2, RecordFormat::Order::kPosition};
constexpr keyspace::Change kChange{keyspace::EventClass::kHash, "change"};
constexpr keyspace::Change kGone{keyspace::EventClass::kGeneric, "del"};

// Lets so many allocations of the arena's pass, and refuses the next one, or all that follow.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override {
    if (left != 0) {
      --left;
      return true;
    }
    if (once) left = SIZE_MAX;
    return false;
  }
  size_t left = 0;
  bool once = false;
};

enum class Refuse { kArenaOnce, kArenaFromOn, kMalloc };

// A field's value, or the word of a member's score.
using Model = std::map<std::string, std::string>;
// The first part, and what is to stand with it.
struct Step {
  std::string part;
  std::string value;
};
using Steps = std::vector<Step>;

std::string WordText(uint64_t word) { return {reinterpret_cast<const char*>(&word), sizeof(word)}; }
uint64_t WordOf(const std::string& text) { return ds::PrefixOf<uint64_t>(text.data()); }
std::string ScoreText(double score) { return WordText(ds::ScoreWord(score)); }

// One kind of collection at "k", and its copy at "copy".
class CollectionUndoTest : public KeyspaceTest {
 protected:
  ~CollectionUndoTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }

  struct Edit {
    Edit(CollectionUndoTest& test) LARDER_REQUIRES_HOLDER  // NOLINT
        : place(test.db_.Locate("k", Lookup::kWrite)),
          edit(test.db_, "k", place, {test.type_, test.encoding_}, test.packed_, test.large_, /*several=*/true) {}
    keyspace::Place place;
    CollectionEdit edit;
  };

  void BeHash() {
    type_ = keyspace::Type::kHash;
    encoding_ = keyspace::Encoding::kHashtable;
    packed_ = kPackedPairs;
    large_ = kPairs;
  }
  void BeSortedSet() {
    type_ = keyspace::Type::kZset;
    encoding_ = keyspace::Encoding::kSkiplist;
    packed_ = large_ = keyspace::kScoredMembers;
  }
  bool is_hash() const { return type_ == keyspace::Type::kHash; }

  Error SetField(CollectionEdit& edit, const Step& step) LARDER_REQUIRES_HOLDER {
    CollectionEdit::Spot spot;
    const bool there = edit.Find(step.part, &spot);
    keyspace::RecordDraft draft = edit.Draft();
    if (!draft.Part(step.part) || !draft.Part(step.value)) return errors::kAllocationFailed;
    return there ? edit.Replace(spot, draft) : edit.Insert(spot, draft);
  }
  Error SetScore(CollectionEdit& edit, const Step& step) LARDER_REQUIRES_HOLDER {
    CollectionEdit::Spot spot;
    const uint64_t word = WordOf(step.value);
    if (edit.Find(step.part, &spot)) return edit.Rescore(spot, step.part, word);
    keyspace::RecordDraft draft = edit.Draft();
    draft.Prefix(word);
    if (!draft.Part(step.part)) return errors::kAllocationFailed;
    edit.FindSorted(keyspace::ScoredProbe(word, step.part), &spot);
    return edit.Insert(spot, draft);
  }
  Error Do(CollectionEdit& edit, const Steps& steps) LARDER_REQUIRES_HOLDER {
    for (const Step& step : steps) LARDER_RETURN_IF_ERROR(is_hash() ? SetField(edit, step) : SetScore(edit, step));
    return kOk;
  }
  Error DoAndCommit(const Steps& steps) LARDER_REQUIRES_HOLDER {
    Edit made(*this);
    LARDER_RETURN_IF_ERROR(Do(made.edit, steps));
    return made.edit.Commit(kChange, kGone);
  }
  Error EraseAll(const std::vector<std::string>& parts, size_t* erased) LARDER_REQUIRES_HOLDER {
    Edit made(*this);
    const std::vector<Bytes> words(parts.begin(), parts.end());
    LARDER_ASSIGN_OR_RETURN(const int64_t count, made.edit.EraseAll(words));
    *erased = static_cast<size_t>(count);
    return made.edit.Commit(kChange, kGone);
  }
  Error EraseRange(size_t first, size_t count) LARDER_REQUIRES_HOLDER {
    Edit made(*this);
    LARDER_RETURN_IF_ERROR(made.edit.EraseRange(first, count));
    return made.edit.Commit(kChange, kGone);
  }
  // One at a time, until it is a tree.
  void Make(const Steps& steps) {
    base::AssertHolder();
    for (const Step& step : steps) ASSERT_TRUE(DoAndCommit({step}).ok());
    ASSERT_NE(Collection(db_.FindUnchanged("k"), packed_).tree(), nullptr);
  }
  void Copy() {
    base::AssertHolder();
    ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("k"), keyspace::kNoExpiry, {}).ok());
  }

  Model Read(std::string_view key) {
    base::AssertHolder();
    Model model;
    const Entry* const entry = db_.FindUnchanged(key);
    if (entry == nullptr) return model;
    const auto& root = static_cast<const CollectionRoot&>(*entry->structure());
    root.tree.ForRange(0, root.tree.size(), false, [&](const char* record) {
      const std::string part(ds::PartOf(record, large_, 0));
      const std::string value(is_hash() ? ds::PartOf(record, large_, 1) : Bytes(record, sizeof(uint64_t)));
      EXPECT_TRUE(model.emplace(part, value).second) << "twice: " << part;
      return true;
    });
    return model;
  }
  // Its nodes, the order of its records, the way from each member to its score, and all bytes.
  void ExpectSound(std::string_view key) {
    base::AssertHolder();
    const Entry* const entry = db_.FindUnchanged(key);
    if (entry == nullptr) return;
    auto root = static_cast<const CollectionRoot&>(*entry->structure());
    EXPECT_TRUE(root.tree.Valid());
    EXPECT_TRUE(root.map.Valid());
    const size_t bytes = root.bytes;
    root.CountBytes();
    EXPECT_EQ(bytes, root.bytes);
    if (is_hash()) return;
    EXPECT_EQ(root.map.size(), root.tree.size());
    std::pair<uint64_t, std::string> before;
    root.tree.ForRange(0, root.tree.size(), false, [&](const char* record) {
      const std::pair<uint64_t, std::string> here(ds::FirstWord(record, large_), ds::PartOf(record, large_, 0));
      EXPECT_LT(before, here);
      uint64_t word = 0;
      EXPECT_TRUE(keyspace::FindScoreWord(root.map, here.second, &word));
      EXPECT_EQ(word, ds::PrefixOf<uint64_t>(record));
      before = here;
      return true;
    });
  }
  void ExpectHolds(const Model& model) {
    base::AssertHolder();
    while (keyspace_->garbage().FreeStep()) {
    }
    ASSERT_EQ(Read("k"), model);
    ExpectSound("k");
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
  }

  // Runs it with each allocation refused in turn, until it succeeds. How often it has failed, with nothing changed.
  int FailEach(Refuse refuse, const std::function<Error()>& run) {
    base::AssertHolder();
    const Model before = Read("k");
    for (size_t allowed = 0;; ++allowed) {
      gate_.once = refuse == Refuse::kArenaOnce;
      gate_.left = refuse == Refuse::kMalloc ? SIZE_MAX : allowed;
      keyspace_->arena().SetGate(&gate_);
      if (refuse == Refuse::kMalloc) MallocFaults::FailFrom(allowed);
      const Error error = run();
      MallocFaults::Off();
      keyspace_->arena().SetGate(nullptr);
      if (error.ok()) return static_cast<int>(allowed);
      EXPECT_EQ(error, errors::kAllocationFailed);
      ExpectHolds(before);
      if (HasFailure()) return 0;
    }
  }

  static void Apply(Model& model, const Steps& steps) {
    for (const Step& step : steps) model[step.part] = step.value;
  }

  keyspace::Type type_ = keyspace::Type::kHash;
  keyspace::Encoding encoding_ = keyspace::Encoding::kHashtable;
  RecordFormat packed_;
  RecordFormat large_;
  FailAt gate_;
};

// ---- At random ------------------------------------------------------------------------------------------------------

class CollectionUndoModelTest : public CollectionUndoTest {
 protected:
  std::string Name(size_t names) {
    const size_t i = random_.Below(names);
    const size_t more = i % 11 == 0 ? 70 : i % 29 == 0 ? 600 : 0;  // a member in a block of its own; a long part
    return "name" + std::to_string(i) + std::string(more, 'n');
  }
  std::string Value() {
    if (is_hash()) {
      const uint64_t kind = random_.Below(12);
      const size_t size = kind == 0  ? 513 + random_.Below(2000)
                          : kind < 3 ? 90 + random_.Below(420)
                                     : random_.Below(40);
      return std::string(size, static_cast<char>('a' + random_.Below(26)));
    }
    switch (random_.Below(4)) {
      case 0:
        return ScoreText(-0.0);
      case 1:
        return ScoreText(0);
      case 2:
        return ScoreText(static_cast<double>(random_.Below(4)));
      default:
        return ScoreText(static_cast<double>(random_.Below(1000)) - 500);
    }
  }
  // Of which some name the same, and give it back what it had.
  Steps Some(size_t names, const Model& model) {
    Steps steps(1 + random_.Below(14));
    for (size_t i = 0; i < steps.size(); ++i) {
      steps[i] = {i != 0 && random_.Below(3) == 0 ? steps[random_.Below(i)].part : Name(names), Value()};
      const auto was = model.find(steps[i].part);
      if (was != model.end() && random_.Below(3) == 0) steps[i].value = was->second;
    }
    return steps;
  }
  std::vector<std::string> SomeNames(size_t names) {
    std::vector<std::string> parts;
    for (size_t i = 2 + random_.Below(9); i > 0; --i) parts.push_back(Name(names));
    parts.push_back(parts[0]);
    return parts;
  }

  void Round(size_t names, Model& model);
  void Rounds();

  static constexpr uint64_t kSeed = 20'261'203;
  base::Random random_{kSeed};
  int failures_[3] = {};  // by what was refused
};

void CollectionUndoModelTest::Round(size_t names, Model& model) {
  base::AssertHolder();
  const Refuse refuse = static_cast<Refuse>(random_.Below(3));
  int& failures = failures_[static_cast<int>(refuse)];
  const uint64_t kind = random_.Below(10);
  if (kind < 3) {  // given up
    {
      Edit given_up(*this);
      ASSERT_TRUE(Do(given_up.edit, Some(names, model)).ok());
    }
    ExpectHolds(model);
  } else if (kind < 8) {
    const Steps steps = Some(names, model);
    failures += FailEach(refuse, [&] {
      base::AssertHolder();
      return DoAndCommit(steps);
    });
    Apply(model, steps);
  } else if (kind == 8 || is_hash()) {
    const std::vector<std::string> parts = SomeNames(names);
    size_t erased = 0;
    failures += FailEach(refuse, [&] {
      base::AssertHolder();
      return EraseAll(parts, &erased);
    });
    size_t expected = 0;
    for (const std::string& part : parts) expected += model.erase(part);
    EXPECT_EQ(erased, expected);
  } else {
    const size_t count = 1 + random_.Below(random_.Below(4) == 0 ? 90 : 12);
    const size_t first = random_.Below(model.size() - count);
    failures += FailEach(refuse, [&] {
      base::AssertHolder();
      return EraseRange(first, count);
    });
    std::vector<std::pair<std::pair<uint64_t, std::string>, std::string>> order;
    for (const auto& [part, word] : model) order.push_back({{ds::ComparedWord(WordOf(word)), part}, part});
    std::sort(order.begin(), order.end());
    for (size_t i = first; i < first + count; ++i) model.erase(order[i].second);
  }
  ExpectHolds(model);
}

// With a copy, taken anew at times, that shares nodes with it.
void CollectionUndoModelTest::Rounds() {
  base::AssertHolder();
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  constexpr size_t kNames = 900;
  Steps steps;
  for (size_t i = 0; i < 400; ++i) steps.push_back({Name(kNames), Value()});
  Make(steps);
  Model model, copied;
  Apply(model, steps);
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE(::testing::Message() << "round " << round);
    const bool has_copy = round % 8 < 5;
    if (round % 8 == 0) {
      Copy();
      copied = model;
    }
    // Few names at times: then most steps meet what another has done.
    Round(round % 5 == 0 ? 30 : kNames, model);
    if (has_copy && round % 8 == 4) {
      ASSERT_EQ(Read("copy"), copied);
      ExpectSound("copy");
      db_.Delete(Find("copy"), kGone);
    }
    if (HasFailure()) return;
  }
  for (const int failures : failures_) EXPECT_GT(failures, 50);
}

TEST_F(CollectionUndoModelTest, AHashIsAsItWasOrWhatWasWanted) {
  BeHash();
  Rounds();
}

TEST_F(CollectionUndoModelTest, ASortedSetIsAsItWasOrWhatWasWanted) {
  BeSortedSet();
  Rounds();
}

// ---- One by one -----------------------------------------------------------------------------------------------------

// Long values become nothing, and their leaves are split again and again by what comes after them: there is still room
// for them.
TEST_F(CollectionUndoTest, ThereIsRoomForWhatHasBecomeShorter) {
  base::AssertHolder();
  BeHash();
  Steps steps;
  for (size_t i = 0; i < 200; ++i)
    steps.push_back({"field" + std::to_string(i), std::string(i % 2 == 0 ? 300 : 12, 'l')});
  Make(steps);
  const Model before = Read("k");
  {
    Edit given_up(*this);
    for (size_t i = 0; i < 200; i += 2) steps[i].value.clear();
    for (size_t i = 0; i < 2000; ++i) steps.push_back({"another" + std::to_string(i), "v"});
    ASSERT_TRUE(Do(given_up.edit, steps).ok());
    EXPECT_TRUE(given_up.edit.in_place());
  }
  ExpectHolds(before);
}

// A score goes, and comes back, and goes again, by one edit.
TEST_F(CollectionUndoTest, AScoreComesBack) {
  base::AssertHolder();
  BeSortedSet();
  Steps steps;
  for (int i = 0; i < 400; ++i) steps.push_back({"member" + std::to_string(i), ScoreText(i % 40)});
  const std::string member = "member0" + std::string(100, 'm');
  steps.push_back({member, ScoreText(-0.0)});
  Make(steps);
  const Model before = Read("k");
  ASSERT_EQ(before.at(member), ScoreText(-0.0));
  const std::vector<std::vector<double>> ways = {
      {7, 0},    {7, -0.0},    {0},    {0, 7, 0},     {7, 0, 7},         {7, 0, 8, -0.0, 7},
      {7, 8, 7}, {7, -0.0, 7}, {7, 7}, {1e9, 1, 1e9}, {-1, 0, -1, -0.0}, {-1, -2, -1, 0},
  };
  for (const std::vector<double>& way : ways) {
    Steps changes;
    for (const double score : way) changes.push_back({member, ScoreText(score)});
    for (const bool commits : {false, true}) {
      {
        Edit edit(*this);
        ASSERT_TRUE(Do(edit.edit, changes).ok());
        EXPECT_TRUE(edit.edit.in_place());
        EXPECT_EQ(edit.edit.size(), before.size());
        if (commits) {
          ASSERT_TRUE(edit.edit.Commit(kChange, kGone).ok());
        }
      }
      Model wanted = before;
      if (commits) wanted[member] = changes.back().value;
      ExpectHolds(wanted);
    }
    ASSERT_TRUE(DoAndCommit({{member, ScoreText(-0.0)}}).ok());
  }
  ExpectHolds(before);
}

// What has been made by the edit itself is changed by it as well.
TEST_F(CollectionUndoTest, WhatIsNewIsChangedAgain) {
  base::AssertHolder();
  const std::string long_text(900, 'l');
  const std::string other_text(700, 'o');
  for (const bool hash : {true, false}) {
    hash ? BeHash() : BeSortedSet();
    Steps steps;
    for (int i = 0; i < 300; ++i) steps.push_back({"name" + std::to_string(i), ScoreText(i)});
    Make(steps);
    Copy();
    const Model before = Read("k");
    Steps changes = {
        {"new", ScoreText(5)}, {long_text, ScoreText(6)}, {"new", ScoreText(70)}, {long_text, ScoreText(80)}};
    if (hash)
      changes.insert(changes.end(), {{"new", long_text}, {"new", "x"}, {long_text, long_text}, {"new", other_text}});
    {
      Edit given_up(*this);
      ASSERT_TRUE(Do(given_up.edit, changes).ok());
      EXPECT_EQ(given_up.edit.size(), before.size() + 2);
    }
    ExpectHolds(before);
    ASSERT_TRUE(DoAndCommit(changes).ok());
    Model wanted = before;
    Apply(wanted, changes);
    ExpectHolds(wanted);
    size_t erased = 0;
    ASSERT_TRUE(EraseAll({"new", long_text, "nothing", "new"}, &erased).ok());
    EXPECT_EQ(erased, 2u);
    ExpectHolds(before);
    EXPECT_EQ(Read("copy"), before);
    for (const char* key : {"k", "copy"}) db_.Delete(Find(key), kGone);
  }
}

// All of it, by one edit: then the key goes.
TEST_F(CollectionUndoTest, NothingIsLeftOfAKeyWhoseElementsAllGo) {
  base::AssertHolder();
  for (const bool hash : {true, false}) {
    hash ? BeHash() : BeSortedSet();
    Steps steps;
    std::vector<std::string> parts;
    for (int i = 0; i < 300; ++i) {
      steps.push_back({"name" + std::to_string(i), ScoreText(i)});
      parts.push_back(steps.back().part);
    }
    Make(steps);
    size_t erased = 0;
    ASSERT_TRUE(EraseAll(parts, &erased).ok());
    EXPECT_EQ(erased, parts.size());
    EXPECT_EQ(db_.FindUnchanged("k"), nullptr);
    ExpectHolds({});
  }
}

}  // namespace
}  // namespace larder::testing
