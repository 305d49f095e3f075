// The list ops on lists of each form, with allocations of the arena refused one after another: what fails has changed
// nothing, and every byte is counted. And against a deque.
#include "lib/ops/lists.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Collection;
using keyspace::Db;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;
namespace lists = ops::lists;
using lists::End;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = SIZE_MAX;
};

const std::string& LongText() {
  static const std::string text(700, 'x');
  return text;
}

class ListsTest : public KeyspaceTest {
 protected:
  using Texts = std::vector<std::string>;

  ~ListsTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  // Every fourth element is "same", some are long.
  static Texts Elements(size_t count) {
    Texts texts;
    for (size_t i = 0; i < count; ++i) {
      texts.push_back(i % 4 == 1 ? "same" : i % 100 == 99 && count > 150 ? LongText() : "element" + std::to_string(i));
    }
    return texts;
  }
  void Make(std::string_view key, size_t count) {
    if (count == 0) return;
    const Texts texts = Elements(count);
    const std::vector<Bytes> words(texts.begin(), texts.end());
    ASSERT_EQ(*lists::Push(db_, key, End::kRight, words, false, {}), static_cast<int64_t>(count));
  }
  Texts Read(std::string_view key) {
    const Entry* const entry = db_.FindUnchanged(key);
    const Collection list(entry, lists::kElements);
    EXPECT_TRUE(list.tree() == nullptr || list.tree()->Valid());
    Texts texts;
    list.ForEach([&](const char* record) {
      texts.emplace_back(lists::ElementOf(list, record));
      return true;
    });
    return texts;
  }
  void Drop(std::string_view key) {
    if (Entry* const entry = db_.Find(key, Lookup::kPeek)) db_.Delete(entry, {});
  }
  void ExpectExact() {
    while (keyspace_->garbage().FreeStep()) {
    }
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
  }
  static bool TakeAll(const lists::Popped&) { return true; }

  FailAt gate_;
};

struct Case {
  const char* name;
  std::function<Error(Db&)> run;
};

std::vector<Case> Cases() {
  using keyspace::Place;
  const auto push = [](End end, std::vector<Bytes> elements) {
    return [end, elements](Db& db) {
      base::AssertHolder();
      return lists::Push(db, "l", end, elements, false, {}).error();
    };
  };
  const auto pop = [](End end, size_t count) {
    return [end, count](Db& db) {
      base::AssertHolder();
      return lists::Pop(db, "l", end, count, [](const lists::Popped&) { return true; }).error();
    };
  };
  const auto move = [](Bytes from, Bytes to, End from_end, End to_end) {
    return [=](Db& db) {
      base::AssertHolder();
      return lists::Move(db, from, to, from_end, to_end, [](const lists::Popped&) { return true; }).error();
    };
  };
  const auto insert = [](bool before, Bytes element) {
    return [=](Db& db) {
      base::AssertHolder();
      return lists::Insert(db, "l", before, "same", element).error();
    };
  };
  const auto remove = [](int64_t count) {
    return [=](Db& db) {
      base::AssertHolder();
      return lists::Remove(db, "l", count, "same").error();
    };
  };
  const auto trim = [](int64_t start, int64_t stop) {
    return [=](Db& db) {
      base::AssertHolder();
      return lists::Trim(db, "l", start, stop);
    };
  };
  const auto set = [](int64_t index, Bytes element) {
    return [=](Db& db) -> Error {
      base::AssertHolder();
      const Place place = *lists::Locate(db, "l");
      return place == nullptr ? kOk : lists::Set(db, "l", place, index, element);
    };
  };
  std::vector<Bytes> many(300, "one of many");
  return {
      {"left", push(End::kLeft, {"fresh"})},
      {"right", push(End::kRight, {"fresh"})},
      {"long", push(End::kRight, {LongText()})},
      {"several", push(End::kLeft, {"a", LongText(), "b", LongText()})},
      {"many", push(End::kRight, many)},
      {"pop", pop(End::kLeft, 1)},
      {"pop the last", pop(End::kRight, 1)},
      {"pop some", pop(End::kLeft, 90)},
      {"pop many", pop(End::kRight, 700)},
      {"to another", move("l", "d", End::kLeft, End::kRight)},
      {"from another", move("d", "l", End::kRight, End::kLeft)},
      {"to its copy", move("l", "copy", End::kRight, End::kLeft)},
      {"round", move("l", "l", End::kLeft, End::kRight)},
      {"back", move("l", "l", End::kRight, End::kLeft)},
      {"before", insert(true, LongText())},
      {"after", insert(false, "fresh")},
      {"removed one", remove(-1)},
      {"removed some", remove(5)},
      {"removed all", remove(0)},
      {"trimmed", trim(1, -2)},
      {"trimmed before", trim(100, -1)},
      {"trimmed to one", trim(-1, -1)},
      {"set", set(0, "another element, a longer one")},
      {"set, long", set(-1, LongText())},
  };
}

TEST_F(ListsTest, AFailingAllocationAtAnyPointChangesNothing) {
  // Nothing, one, packed, packed and full, trees; each alone, sharing its nodes with a copy, and with somebody who wants
  // old values; beside another list of each form.
  int failures = 0;
  for (const size_t elements : {0u, 1u, 3u, 128u, 200u, 900u}) {
    for (const size_t others : {0u, 1u, 100u, 400u}) {
      for (const int how : {0, 1, 2, 3}) {
        const bool shared = how % 2 == 1;
        std::optional<Recorder> recorder;
        if (how >= 2) recorder.emplace(keyspace_->effects(), Effects::kOldValues);
        for (const Case& one : Cases()) {
          SCOPED_TRACE(::testing::Message() << one.name << ", " << elements << " and " << others << ", how " << how);
          Make("l", elements);
          Make("d", others);
          if (shared && elements != 0) {
            ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("l"), keyspace::kNoExpiry, {}).ok());
          }
          const std::vector<Texts> before = {Read("l"), Read("d"), Read("copy")};
          const uint64_t changes = keyspace_->effects().changes();
          bool done = false;
          for (size_t allowed = 0; !done; ++allowed) {
            gate_.left = allowed;
            keyspace_->arena().SetGate(&gate_);
            const Error error = one.run(db_);
            keyspace_->arena().SetGate(nullptr);
            done = error.ok() || error == errors::kIndexOutOfRange;
            ASSERT_TRUE(done || error == errors::kAllocationFailed);
            if (!done) {
              ++failures;
              ASSERT_THAT((std::vector<Texts>{Read("l"), Read("d"), Read("copy")}), before);
              EXPECT_EQ(keyspace_->effects().changes(), changes);
            }
            ExpectExact();
          }
          for (const char* key : {"l", "d", "copy"}) Drop(key);
        }
      }
    }
  }
  EXPECT_GT(failures, 3000);
}

TEST_F(ListsTest, IsADequeOfAnySize) {
  constexpr uint64_t kSeed = 20'261'204;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  base::Random random(kSeed);
  std::deque<std::string> model;
  std::deque<std::string> other;
  const auto text = [&](int step) {
    const uint64_t kind = random.Below(50);
    return kind < 20 ? "m" + std::to_string(random.Below(6)) : std::to_string(step) + std::string(kind == 49 ? 600 : kind, 'x');
  };
  int failures = 0;
  for (int step = 0; step < 6'000; ++step) {
    const bool grows = (step / 1'000) % 2 == 0;
    const End end = random.Below(2) == 0 ? End::kLeft : End::kRight;
    const End to = random.Below(2) == 0 ? End::kLeft : End::kRight;
    gate_.left = random.Below(4) == 0 ? random.Below(6) : SIZE_MAX;
    keyspace_->arena().SetGate(&gate_);
    Error error = kOk;
    const uint64_t kind = random.Below(20);
    if (kind < (grows ? 9u : 3u)) {
      Texts texts;
      for (uint64_t i = random.Below(4) + 1; i > 0; --i) texts.push_back(text(step));
      const std::vector<Bytes> words(texts.begin(), texts.end());
      error = lists::Push(db_, "l", end, words, false, {}).error();
      for (const std::string& each : texts) {
        if (error.ok()) end == End::kLeft ? model.push_front(each) : model.push_back(each);
      }
    } else if (kind < (grows ? 11u : 13u)) {
      const size_t count = random.Below(grows ? 3 : 9);
      Texts popped, wanted;
      error = lists::Pop(db_, "l", end, count, [&](const lists::Popped& all) {
                popped.clear();
                all.ForEach([&](const char* record) {
                  popped.emplace_back(lists::ElementOf(all.list, record));
                  return true;
                });
                return true;
              }).error();
      if (error.ok()) {
        for (size_t i = 0; i < count && !model.empty(); ++i) {
          wanted.push_back(end == End::kLeft ? model.front() : model.back());
          end == End::kLeft ? model.pop_front() : model.pop_back();
        }
        ASSERT_EQ(popped, wanted);
      }
    } else if (kind == 13 && !model.empty()) {
      const size_t index = random.Below(model.size());
      const std::string element = text(step);
      error = lists::Set(db_, "l", *lists::Locate(db_, "l"), static_cast<int64_t>(index), element);
      if (error.ok()) model[index] = element;
    } else if (kind == 14) {
      const std::string pivot = text(step);
      const bool before = random.Below(2) == 0;
      const auto at = std::find(model.begin(), model.end(), pivot);
      const Result<int64_t> size = lists::Insert(db_, "l", before, pivot, "inserted");
      error = size.error();
      if (error.ok()) {
        ASSERT_EQ(*size, model.empty() ? 0 : at == model.end() ? -1 : static_cast<int64_t>(model.size()) + 1);
        if (at != model.end()) model.insert(before ? at : at + 1, "inserted");
      }
    } else if (kind == 15) {
      const std::string element = text(step);
      const int64_t count = static_cast<int64_t>(random.Below(7)) - 3;
      const Result<int64_t> removed = lists::Remove(db_, "l", count, element);
      error = removed.error();
      if (error.ok()) {
        int64_t gone = 0;
        for (; count == 0 || gone < std::abs(count); ++gone) {
          const auto last = std::find(model.rbegin(), model.rend(), element);
          if (last == model.rend()) break;
          model.erase(count < 0 ? std::prev(last.base()) : std::find(model.begin(), model.end(), element));
        }
        ASSERT_EQ(*removed, gone);
      }
    } else if (kind < 18) {
      const bool back = kind == 17;
      auto& from = back ? other : model;
      const bool same = random.Below(4) == 0;
      const Bytes from_key = back ? "d" : "l";
      const Bytes to_key = same ? from_key : back ? "l" : "d";
      error = lists::Move(db_, from_key, to_key, end, to, TakeAll).error();
      if (error.ok() && !from.empty()) {
        const std::string element = end == End::kLeft ? from.front() : from.back();
        end == End::kLeft ? from.pop_front() : from.pop_back();
        auto& into = same ? from : back ? model : other;
        to == End::kLeft ? into.push_front(element) : into.push_back(element);
      }
    } else if (kind == 18 && !grows) {
      const int64_t start = static_cast<int64_t>(random.Below(4));
      const int64_t stop = -1 - static_cast<int64_t>(random.Below(4));
      error = lists::Trim(db_, "l", start, stop);
      if (error.ok()) {
        const lists::Range kept = lists::RangeOf(start, stop, model.size());
        const auto first = model.begin() + static_cast<std::ptrdiff_t>(kept.first);
        model = std::deque<std::string>(first, first + static_cast<std::ptrdiff_t>(kept.count));
      }
    } else if (kind == 19 && step % 5 == 0 && !model.empty()) {
      keyspace_->arena().SetGate(nullptr);
      ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("l"), keyspace::kNoExpiry, {}).ok());
    }
    keyspace_->arena().SetGate(nullptr);
    failures += !error.ok();
    ASSERT_TRUE(error.ok() || error == errors::kAllocationFailed);
    if (step % 20 == 0) {
      ASSERT_EQ(Read("l"), Texts(model.begin(), model.end())) << step;
      ASSERT_EQ(Read("d"), Texts(other.begin(), other.end())) << step;
      ExpectExact();
    }
  }
  EXPECT_GT(failures, 50);
}

TEST_F(ListsTest, OneEffectAKeyTellsOfAChange) {
  Recorder recorder(keyspace_->effects(), Effects::kCommands);
  const Bytes two[] = {"a", "b"};
  const Bytes command[] = {"RPUSH", "l", "a", "b"};
  ASSERT_EQ(*lists::Push(db_, "l", End::kRight, two, false, command), 2);
  EXPECT_THAT(recorder.Take(), ElementsAre("lrpush db0 l [RPUSH l a b]"));
  ASSERT_EQ(*lists::Push(db_, "none", End::kLeft, two, true, command), 0);
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_EQ(*lists::Insert(db_, "l", true, "b", "x"), 3);
  EXPECT_THAT(recorder.Take(), ElementsAre("llinsert db0 l [LINSERT l BEFORE b x]"));
  ASSERT_TRUE(lists::Set(db_, "l", *lists::Locate(db_, "l"), -1, "c").ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("llset db0 l [LSET l -1 c]"));
  ASSERT_TRUE(*lists::Move(db_, "l", "d", End::kLeft, End::kRight, TakeAll));
  EXPECT_THAT(recorder.Take(), ElementsAre("lrpush db0 d [RPUSH d a]", "llpop db0 l [LPOP l]"));
  ASSERT_TRUE(*lists::Move(db_, "d", "l", End::kRight, End::kLeft, TakeAll));
  EXPECT_THAT(recorder.Take(), ElementsAre("llpush db0 l [LPUSH l a]", "lrpop db0 d [RPOP d]", "gdel db0 d"));
  ASSERT_TRUE(*lists::Move(db_, "l", "l", End::kLeft, End::kRight, TakeAll));
  EXPECT_THAT(recorder.Take(), ElementsAre("lrpush db0 l [LMOVE l l LEFT RIGHT]", "llpop db0 l"));
  ASSERT_TRUE(lists::Trim(db_, "l", 0, -1).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("lltrim db0 l [LTRIM l 0 -1]"));
  ASSERT_EQ(*lists::Remove(db_, "l", 0, "x"), 1);
  EXPECT_THAT(recorder.Take(), ElementsAre("llrem db0 l [LREM l 0 x]"));
  ASSERT_TRUE(*lists::Pop(db_, "l", End::kLeft, 0, TakeAll));
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_TRUE(*lists::Pop(db_, "l", End::kRight, 9, TakeAll));
  EXPECT_THAT(recorder.Take(), ElementsAre("lrpop db0 l [RPOP l 2]", "gdel db0 l"));
  EXPECT_FALSE(*lists::Pop(db_, "l", End::kRight, 9, TakeAll));
  ASSERT_EQ(*lists::Push(db_, "l", End::kLeft, two, false, command), 2);
  recorder.Take();
  ASSERT_TRUE(lists::Trim(db_, "l", 5, 9).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("lltrim db0 l [LTRIM l 5 9]", "gdel db0 l"));
}

TEST_F(ListsTest, WhatCannotBeTakenStays) {
  Make("l", 5);
  const Texts before = Read("l");
  const auto refuse = [](const lists::Popped&) { return false; };
  EXPECT_EQ(lists::Pop(db_, "l", End::kLeft, 2, refuse).error(), errors::kAllocationFailed);
  EXPECT_EQ(lists::Move(db_, "l", "d", End::kLeft, End::kLeft, refuse).error(), errors::kAllocationFailed);
  EXPECT_EQ(lists::Move(db_, "l", "l", End::kLeft, End::kLeft, refuse).error(), errors::kAllocationFailed);
  EXPECT_EQ(Read("l"), before);
  EXPECT_EQ(db_.FindUnchanged("d"), nullptr);
}

}  // namespace
}  // namespace larder::testing
