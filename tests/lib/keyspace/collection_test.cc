// CollectionEdit and Collection against a vector, from packed to tree and back to nothing: by position and sorted, with
// changes in place, several at once, and with old values asked for. Hashes have tests of their own (tests/lib/ops).
#include "lib/keyspace/collection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using ds::RecordFormat;
using keyspace::Collection;
using keyspace::CollectionEdit;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;

constexpr RecordFormat kList{0, 1, RecordFormat::Order::kPosition};
constexpr RecordFormat kScored{8, 1, RecordFormat::Order::kSorted};
constexpr keyspace::Change kChange{keyspace::EventClass::kList, "change"};
constexpr keyspace::Change kGone{keyspace::EventClass::kGeneric, "del"};

// In place, several changes that are a clone's, and a clone because somebody wants the old value.
enum class How { kInPlace, kSeveral, kSeen };

class CollectionTest : public KeyspaceTest, public ::testing::WithParamInterface<How> {
 protected:
  static constexpr uint64_t kSeed = 20'261'203;

  CollectionTest() {
    if (GetParam() == How::kSeen) recorder_.emplace(keyspace_->effects(), Effects::kOldValues);
  }
  ~CollectionTest() override {
    recorder_.reset();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u) << "the last change has emptied it";
  }
  CollectionEdit::Spot spot_;

  // One edit of the collection at "k".
  template <class F>
  void Edit(RecordFormat format, F&& change) {
    const keyspace::Place place = db_.Locate("k", Lookup::kWrite);
    CollectionEdit edit(db_, "k", place, {keyspace::Type::kList, keyspace::Encoding::kQuicklist}, format, format,
                        GetParam() == How::kSeveral);
    change(edit);
    ASSERT_TRUE(edit.Commit(kChange, kGone).ok());
  }
  // Forwards, backwards and one by one.
  void ExpectHolds(RecordFormat format, const std::vector<std::string>& model) {
    const Entry* const entry = db_.FindUnchanged("k");
    ASSERT_EQ(entry == nullptr, model.empty());
    const Collection read(entry, format);
    ASSERT_EQ(read.size(), model.size());
    std::vector<std::string> texts, backwards;
    read.ForEach([&](const char* record) {
      texts.emplace_back(read.Part(record, 0));
      return true;
    });
    ASSERT_EQ(texts, model);
    if (model.empty()) return;
    read.ForRange(model.size() - 1, model.size(), true, [&](const char* record) {
      backwards.emplace_back(read.Part(record, 0));
      return true;
    });
    ASSERT_EQ(backwards, std::vector<std::string>(model.rbegin(), model.rend()));
    const size_t middle = model.size() / 2;
    EXPECT_EQ(read.Part(read.At(middle), 0), model[middle]);
    EXPECT_EQ(db_.bytes(), Keyspace::BytesOf(*entry));
  }
  std::string Text(int step) {
    static constexpr size_t kSizes[] = {0, 10, 30, 200, 512, 513, 3000};
    return std::to_string(step) + std::string(kSizes[random_.Below(random_.Below(10) == 0 ? 7 : 3)], 'x');
  }

  base::Random random_{kSeed};
  std::optional<Recorder> recorder_;
};

INSTANTIATE_TEST_SUITE_P(How, CollectionTest, ::testing::Values(How::kInPlace, How::kSeveral, How::kSeen),
                         [](const auto& how) {
                           return how.param == How::kInPlace ? "InPlace" : how.param == How::kSeveral ? "Several" : "Seen";
                         });

TEST_P(CollectionTest, IsAVector) {
  base::AssertHolder();
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::vector<std::string> model;
  for (int step = 0; step < 1'500 || !model.empty(); ++step) {
    const bool grows = step < 1'000;
    const uint64_t kind = random_.Below(10);
    const size_t at = random_.Below(model.size() + 1);
    if (model.empty() || kind < (grows ? 6u : 1u)) {
      const std::string text = Text(step);
      Edit(kList, [&](CollectionEdit& edit) {
        base::AssertHolder();
        edit.At(at, &spot_);
        keyspace::RecordDraft draft = edit.Draft();
        ASSERT_TRUE(draft.Part(text));
        ASSERT_TRUE(edit.Insert(spot_, draft).ok());
      });
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), text);
    } else if (kind < 8 && at < model.size()) {
      const std::string text = Text(step);
      Edit(kList, [&](CollectionEdit& edit) {
        base::AssertHolder();
        ASSERT_TRUE(edit.Find(model[at], &spot_));
        keyspace::RecordDraft draft = edit.Draft();
        ASSERT_TRUE(draft.Part(text));
        ASSERT_TRUE(edit.Replace(spot_, draft).ok());
      });
      model[at] = text;
    } else {
      const size_t count = std::min(model.size() - at, random_.Below(grows ? 3 : 9));
      if (count == 0) continue;
      Edit(kList, [&](CollectionEdit& edit) {
        base::AssertHolder();
        ASSERT_TRUE(edit.EraseRange(at, count).ok());
      });
      const auto from = model.begin() + static_cast<std::ptrdiff_t>(at);
      model.erase(from, from + static_cast<std::ptrdiff_t>(count));
    }
    if (step % 50 == 0 || model.size() < 3) ExpectHolds(kList, model);
  }
  ExpectHolds(kList, model);
}

TEST_P(CollectionTest, SortedIsSorted) {
  base::AssertHolder();
  std::vector<std::pair<uint64_t, std::string>> model;
  const auto texts = [&] {
    std::vector<std::string> all;
    for (const auto& each : model) all.push_back(each.second);
    return all;
  };
  for (int step = 0; step < 900 || !model.empty(); ++step) {
    std::pair<uint64_t, std::string> wanted(random_.Below(20), "m" + std::to_string(random_.Below(40)));
    if (step >= 900) wanted = model[random_.Below(model.size())];  // until nothing is left
    const auto at = std::lower_bound(model.begin(), model.end(), wanted);
    const bool there = at != model.end() && *at == wanted;
    Edit(kScored, [&](CollectionEdit& edit) {
      base::AssertHolder();
      ASSERT_EQ(edit.FindSorted({wanted.first, 0, wanted.second}, &spot_), there);
      if (there) {
        ASSERT_TRUE(edit.Erase(spot_).ok());
        return;
      }
      keyspace::RecordDraft draft = edit.Draft();
      draft.Prefix(wanted.first);
      ASSERT_TRUE(draft.Part(wanted.second));
      ASSERT_TRUE(edit.Insert(spot_, draft).ok());
    });
    there ? (void)model.erase(at) : (void)model.insert(at, wanted);
    if (step % 50 == 0 || model.size() < 3) ExpectHolds(kScored, texts());
  }
}

// Records that are nothing but a word, in both forms, forwards and backwards.
TEST_P(CollectionTest, WordsAreReachedFromBothEnds) {
  base::AssertHolder();
  constexpr RecordFormat kWords{4, 0, RecordFormat::Order::kSorted};
  for (uint32_t size = 1; size <= 1200; ++size) {
    const uint32_t word = size * 2;
    Edit(kWords, [&](CollectionEdit& edit) {
      base::AssertHolder();
      ASSERT_FALSE(edit.FindSorted({.first = word}, &spot_));
      keyspace::RecordDraft draft = edit.Draft();
      draft.Prefix(word);
      ASSERT_TRUE(edit.Insert(spot_, draft).ok());
    });
    if (size % 100 != 0) continue;
    const Collection read(db_.FindUnchanged("k"), kWords);
    ASSERT_EQ(read.size(), size);
    EXPECT_EQ(read.tree() == nullptr, size * sizeof(word) <= keyspace::kPackedBytes);
    uint32_t next = 2;
    read.ForEach([&](const char* record) {
      EXPECT_EQ(ds::PrefixOf<uint32_t>(record), next);
      next += 2;
      return true;
    });
    EXPECT_EQ(next, word + 2);
    read.ForRange(size - 10, 20, true, [&](const char* record) {
      next -= 2;
      EXPECT_EQ(ds::PrefixOf<uint32_t>(record), next - 18);
      return true;
    });
    EXPECT_EQ(next, word + 2 - 40);
  }
  Edit(kWords, [&](CollectionEdit& edit) {
    base::AssertHolder();
    ASSERT_TRUE(edit.EraseRange(0, edit.size()).ok());
  });
}

// What begins anew knows nothing of what is there, and leaves it there until it is put in its place.
TEST_P(CollectionTest, AnewReplacesAnyValue) {
  base::AssertHolder();
  ASSERT_TRUE(db_.PutString("k", db_.Locate("k", Lookup::kWrite), keyspace::StringSource::Of("a string"), 5'000, {}).ok());
  for (const int elements : {3, 400, 0}) {
    const keyspace::Place place = db_.Locate("k", Lookup::kWrite);
    for (const bool commits : {false, true}) {
      CollectionEdit edit(db_, "k", place, {keyspace::Type::kList, keyspace::Encoding::kQuicklist}, kList, kList,
                          CollectionEdit::Anew{elements == 3 ? keyspace::kNoExpiry : 7'000});
      EXPECT_EQ(edit.size(), 0u);
      for (int i = 0; i < elements; ++i) {
        keyspace::RecordDraft draft = edit.Draft();
        ASSERT_TRUE(draft.Part("element" + std::to_string(i)));
        edit.At(edit.size(), &spot_);
        ASSERT_TRUE(edit.Insert(spot_, draft).ok());
      }
      if (commits) {
        ASSERT_TRUE(edit.Commit(kChange, kGone).ok());
      }
    }
    const Entry* const entry = db_.FindUnchanged("k");
    ASSERT_EQ(entry == nullptr, elements == 0);
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->type(), keyspace::Type::kList);
    EXPECT_EQ(entry->expiry_ms(), elements == 3 ? keyspace::kNoExpiry : 7'000);
    EXPECT_EQ(Collection(entry, kList).size(), static_cast<size_t>(elements));
  }
}

}  // namespace
}  // namespace larder::testing
