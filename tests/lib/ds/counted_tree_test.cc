// CountedTree against a vector: every format, shared and not, with and without memory.
#include "lib/ds/counted_tree.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/holder.h"
#include "lib/base/random.h"
#include "lib/memory/block.h"
#include "lib/memory/heap.h"

namespace larder::testing {
namespace {

using ds::CountedTree;
using ds::RecordFormat;
using Order = RecordFormat::Order;

constexpr RecordFormat kList{0, 1, Order::kPosition};
constexpr RecordFormat kPairs{0, 2, Order::kPosition};
constexpr RecordFormat kHash{1, 2, Order::kHashOfPart};
constexpr RecordFormat kScored{8, 1, Order::kSorted};
constexpr RecordFormat kIds{16, 1, Order::kSorted};
constexpr RecordFormat kScores{12, 0, Order::kHashInPrefix};

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = SIZE_MAX;
};

class CountedTreeTest : public ::testing::Test {
 protected:
  CountedTreeTest() : heap_(memory::Heap::New()), seed_(5), random_(kSeed) {
    base::AssertHolder();
    heap_->arena().SetGate(&gate_);
  }
  static constexpr uint64_t kSeed = 20'261'202;

  uint64_t HashOf(const std::string& part) const { return base::HashBytes(part, seed_); }

  // A record in memory of the test's own; parts that are long have blocks.
  std::string Record(RecordFormat format, std::string prefix, const std::vector<std::string>& parts) {
    std::string record = std::move(prefix);
    EXPECT_EQ(record.size(), format.prefix);
    EXPECT_EQ(parts.size(), format.parts);
    for (const std::string& part : parts) {
      char room[ds::kPartBytesMax];
      const char* end;
      if (part.size() <= ds::kPartInlineMax) {
        end = ds::WritePart(room, part);
      } else {
        base::AssertHolder();
        const size_t left = std::exchange(gate_.left, SIZE_MAX);
        memory::Block* const block = heap_->New(part.size(), part.size());
        gate_.left = left;
        std::memcpy(block->data(), part.data(), part.size());
        end = ds::WritePart(room, block);
      }
      EXPECT_EQ(static_cast<size_t>(end - room), ds::PartBytes(part.size()));
      record.append(room, static_cast<size_t>(end - room));
    }
    return record;
  }
  void Drop(RecordFormat format, const std::string& record) {
    base::AssertHolder();
    const char* part = record.data() + format.prefix;
    for (int i = 0; i < format.parts; ++i, part = ds::SkipPart(part)) {
      if (ds::PartBlock(part) != nullptr) ds::PartBlock(part)->UnrefHeld();
    }
  }
  // What a record says, whatever its parts are kept in.
  static std::string Text(RecordFormat format, const char* record) {
    std::string text(record, format.prefix);
    for (int i = 0; i < format.parts; ++i) {
      const Bytes part = ds::PartOf(record, format, i);
      text += "<" + std::string(part) + ">";
    }
    return text;
  }
  static std::vector<std::string> Texts(const CountedTree& tree, bool backwards = false) {
    std::vector<std::string> all;
    if (tree.empty()) return all;
    tree.ForRange(backwards ? tree.size() - 1 : 0, tree.size(), backwards, [&](const char* record) {
      all.push_back(Text(tree.format(), record));
      return true;
    });
    return all;
  }
  void End(CountedTree& tree) {
    base::AssertHolder();
    size_t bytes = tree.bytes();
    while (bytes != 0) bytes -= tree.FreeSome(*heap_, 20);
    EXPECT_TRUE(tree.Valid());
  }
  ~CountedTreeTest() override {
    base::AssertHolder();
    EXPECT_EQ(heap_->arena().used(), 0u);
    EXPECT_EQ(heap_->blocks(), 0u);
  }
  std::string RandomPart() {
    const uint64_t kind = random_.Below(100);
    const size_t size = kind < 80 ? random_.Below(30) : kind < 95 ? random_.Below(200) : kind < 99 ? random_.Below(513)
                                                                                                   : random_.Below(2000);
    return std::string(size, static_cast<char>('a' + random_.Below(26)));
  }

  FailAt gate_;
  memory::Heap::Ptr heap_;
  base::HashSeed seed_;
  base::Random random_;
};

TEST_F(CountedTreeTest, PartsAreReadAsTheyWereWritten) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{127}, size_t{128}, size_t{255}, size_t{256}, size_t{512}}) {
    char room[ds::kPartBytesMax + 1];
    const std::string text(size, 'x');
    char* const end = ds::WritePart(room, text);
    EXPECT_EQ(static_cast<size_t>(end - room), ds::PartBytes(size));
    Bytes read;
    EXPECT_EQ(ds::ReadPart(room, &read), end);
    EXPECT_EQ(read, text);
    EXPECT_EQ(ds::SkipPart(room), end);
    EXPECT_EQ(ds::PartBlock(room), nullptr);
  }
}

// Random changes at random places, with clones of which each keeps what it had.
class ModelTest : public CountedTreeTest {
 protected:
  struct Snapshot {
    CountedTree tree;
    std::vector<std::string> texts;
  };

  void MaybeClone(CountedTree& tree, const std::vector<std::string>& model) {
    base::AssertHolder();
    if (random_.Below(300) == 0 && clones_.size() < 4) clones_.push_back({tree.Clone(), model});
    if (random_.Below(300) == 0 && !clones_.empty()) {
      EXPECT_EQ(Texts(clones_.front().tree), clones_.front().texts);
      End(clones_.front().tree);
      clones_.pop_front();
    }
  }
  void EndAll(CountedTree& tree) {
    for (Snapshot& clone : clones_) {
      EXPECT_TRUE(clone.tree.Valid());
      EXPECT_EQ(Texts(clone.tree), clone.texts);
      End(clone.tree);
    }
    clones_.clear();
    End(tree);
  }
  // Whether this change is to fail somewhere.
  void SetGate() { gate_.left = random_.Below(4) == 0 ? random_.Below(6) : SIZE_MAX; }
  void OpenGate() { gate_.left = SIZE_MAX; }

  std::deque<Snapshot> clones_;
};

class PositionModelTest : public ModelTest, public ::testing::WithParamInterface<RecordFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, PositionModelTest, ::testing::Values(kList, kPairs), [](const auto& format) {
  return "Parts" + std::to_string(format.param.parts);
});

TEST_P(PositionModelTest, IsAVector) {
  base::AssertHolder();
  const RecordFormat format = GetParam();
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  CountedTree tree(format, nullptr);
  std::vector<std::string> model;
  int failures = 0;
  for (int step = 0; step < 30'000; ++step) {
    MaybeClone(tree, model);
    // Grows, shrinks, grows again.
    const bool grows = (step / 6'000) % 2 == 0;
    const uint64_t kind = random_.Below(1'000);
    if (model.empty() || kind < (grows ? 650u : 250u)) {
      const uint64_t where = random_.Below(4);
      const size_t at = where == 0 ? 0 : where == 1 ? model.size() : random_.Below(model.size() + 1);
      const std::string record =
          Record(format, "", std::vector<std::string>(format.parts, RandomPart() + std::to_string(step)));
      CountedTree::Cursor cursor = tree.At(at);
      EXPECT_EQ(tree.Rank(cursor), at);
      SetGate();
      const bool ok = tree.Insert(*heap_, &cursor, record, 0);
      OpenGate();
      if (ok) {
        model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), Text(format, record.data()));
      } else {
        Drop(format, record);
        ++failures;
      }
    } else if (kind < 700) {
      const size_t at = random_.Below(model.size());
      const std::string record =
          Record(format, "", std::vector<std::string>(format.parts, RandomPart() + std::to_string(step)));
      CountedTree::Cursor cursor = tree.At(at);
      EXPECT_EQ(Text(format, cursor.record()), model[at]);
      SetGate();
      const bool ok = tree.Replace(*heap_, &cursor, record);
      OpenGate();
      if (ok) {
        model[at] = Text(format, record.data());
      } else {
        Drop(format, record);
        ++failures;
      }
    } else if (kind < 998) {
      const size_t at = random_.Below(3) == 0 ? model.size() - 1 : random_.Below(model.size());
      CountedTree::Cursor cursor = tree.At(at);
      SetGate();
      const bool ok = tree.Erase(*heap_, &cursor);
      OpenGate();
      if (ok) model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
      failures += !ok;
    } else {
      const size_t at = random_.Below(model.size());
      const size_t count = random_.Below(std::min<size_t>(model.size() - at, 300) + 1);
      const size_t before = tree.size();
      SetGate();
      const bool ok = tree.EraseRange(*heap_, at, count);
      OpenGate();
      EXPECT_EQ(before - tree.size(), ok ? count : 0);
      const auto from = model.begin() + static_cast<std::ptrdiff_t>(at);
      if (ok) model.erase(from, from + static_cast<std::ptrdiff_t>(count));
      failures += !ok;
    }
    ASSERT_EQ(tree.size(), model.size()) << step;
    if (step % 500 == 0) {
      ASSERT_TRUE(tree.Valid()) << step;
      ASSERT_EQ(Texts(tree), model) << step;
      std::vector<std::string> reversed(model.rbegin(), model.rend());
      ASSERT_EQ(Texts(tree, true), reversed) << step;
    }
  }
  EXPECT_TRUE(tree.Valid());
  EXPECT_GT(failures, 100);
  EndAll(tree);
}

class SortedModelTest : public ModelTest, public ::testing::WithParamInterface<RecordFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, SortedModelTest, ::testing::Values(kScored, kIds), [](const auto& format) {
  return "Prefix" + std::to_string(format.param.prefix);
});

TEST_P(SortedModelTest, IsASortedVector) {
  base::AssertHolder();
  const RecordFormat format = GetParam();
  CountedTree tree(format, nullptr);
  using Key = std::pair<uint64_t, std::string>;
  std::vector<Key> model;  // first word, then second or part
  std::vector<std::string> texts;
  int found = 0;
  for (int step = 0; step < 12'000; ++step) {
    MaybeClone(tree, texts);
    const bool grows = (step / 2'400) % 2 == 0;
    // Few first words in some phases, so that many records share one.
    const uint64_t first = random_.Below((step / 1'200) % 2 == 0 ? 3 : 100'000);
    const uint64_t second = random_.Below(3'000);
    std::string prefix(reinterpret_cast<const char*>(&first), 8);
    std::string part;
    std::string tie;
    if (format.prefix == 16) {
      prefix.append(reinterpret_cast<const char*>(&second), 8);
      const uint64_t big = __builtin_bswap64(second);
      tie.assign(reinterpret_cast<const char*>(&big), 8);
      part = RandomPart();
    } else {
      tie = std::to_string(second) + std::string(second % 20, 'x');
      part = tie;
    }
    const Key key(first, tie);
    const auto at = std::lower_bound(model.begin(), model.end(), key);
    const bool there = at != model.end() && *at == key;
    const size_t rank = static_cast<size_t>(at - model.begin());
    CountedTree::Cursor cursor;
    const bool equal = tree.FindSorted({first, second, part}, &cursor);
    ASSERT_EQ(equal, there);
    ASSERT_EQ(tree.Rank(cursor), rank);
    found += there;
    if (there || (!grows && !model.empty())) {
      const size_t gone = there ? rank : std::min(rank, model.size() - 1);
      if (!there && !tree.ToRecord(&cursor)) cursor = tree.At(gone);
      SetGate();
      const bool ok = tree.Erase(*heap_, &cursor);
      OpenGate();
      if (ok) {
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(gone));
        texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(gone));
      }
    } else {
      const std::string record = Record(format, prefix, {part});
      SetGate();
      const bool ok = tree.Insert(*heap_, &cursor, record, first);
      OpenGate();
      if (ok) {
        model.insert(at, key);
        texts.insert(texts.begin() + static_cast<std::ptrdiff_t>(rank), Text(format, record.data()));
      } else {
        Drop(format, record);
      }
    }
    ASSERT_EQ(tree.size(), model.size());
    if (step % 500 == 0) {
      ASSERT_TRUE(tree.Valid()) << step;
      ASSERT_EQ(Texts(tree), texts) << step;
    }
  }
  EXPECT_GT(found, 100);
  EndAll(tree);
}

// Records that are nothing but a word, of which a leaf has as many as fit.
class WordsModelTest : public ModelTest, public ::testing::WithParamInterface<uint8_t> {};
INSTANTIATE_TEST_SUITE_P(Widths, WordsModelTest, ::testing::Values(2, 4, 8), [](const auto& width) {
  return "Bytes" + std::to_string(width.param);
});

TEST_P(WordsModelTest, IsASortedVector) {
  base::AssertHolder();
  const RecordFormat format{GetParam(), 0, Order::kSorted};
  CountedTree tree(format, nullptr);
  std::vector<uint64_t> model;
  std::vector<std::string> texts;
  int failures = 0;
  size_t most = 0;
  for (int step = 0; step < 10'000; ++step) {
    MaybeClone(tree, texts);
    // At the end for a while, as those who count do.
    const uint64_t word = step < 3'000 ? static_cast<uint64_t>(step) : random_.Below(60'000);
    const std::string record(reinterpret_cast<const char*>(&word), format.prefix);  // little-endian
    const auto at = std::lower_bound(model.begin(), model.end(), word);
    const bool there = at != model.end() && *at == word;
    const std::ptrdiff_t rank = at - model.begin();
    CountedTree::Cursor cursor;
    ASSERT_EQ(tree.FindSorted({.first = word}, &cursor), there);
    ASSERT_EQ(tree.Rank(cursor), static_cast<size_t>(rank));
    const bool erases = there || (step > 6'000 && rank < static_cast<std::ptrdiff_t>(model.size()));
    if (erases && !there && !tree.ToRecord(&cursor)) continue;
    SetGate();
    const bool ok = erases ? tree.Erase(*heap_, &cursor) : tree.Insert(*heap_, &cursor, record, word);
    OpenGate();
    failures += !ok;
    if (ok && erases) {
      model.erase(model.begin() + rank);
      texts.erase(texts.begin() + rank);
    } else if (ok) {
      model.insert(model.begin() + rank, word);
      texts.insert(texts.begin() + rank, record);
      most = std::max(most, cursor.leaf().count);
    }
    if (step % 1000 == 0) {
      ASSERT_TRUE(tree.Valid()) << step;
      ASSERT_EQ(Texts(tree), texts) << step;
      ASSERT_EQ(Texts(tree, true), std::vector<std::string>(texts.rbegin(), texts.rend())) << step;
    }
  }
  EXPECT_GT(failures, 10);
  EXPECT_GT(most, CountedTree::kLeafBytes / format.prefix * 9 / 10);
  EndAll(tree);
}

TEST_F(ModelTest, HashedIsASet) {
  base::AssertHolder();
  CountedTree tree(kHash, &seed_);
  std::vector<std::pair<std::string, std::string>> model;  // unsorted
  int replaced = 0;
  for (int step = 0; step < 40'000; ++step) {
    const bool grows = (step / 8'000) % 2 == 0;
    if (random_.Below(300) == 0 && clones_.size() < 4) clones_.push_back({tree.Clone(), Texts(tree)});
    if (random_.Below(300) == 0 && !clones_.empty()) {
      EXPECT_EQ(Texts(clones_.front().tree), clones_.front().texts);
      End(clones_.front().tree);
      clones_.pop_front();
    }
    const bool old = !model.empty() && random_.Below(grows ? 3 : 2) != 0;
    const size_t index = model.empty() ? 0 : random_.Below(model.size());
    const std::string field = old ? model[index].first : "field" + std::to_string(random_.Below(1'000'000'000));
    const uint64_t hash = HashOf(field);
    CountedTree::Cursor cursor;
    ASSERT_EQ(tree.FindHashed(hash, field, &cursor), old);
    const std::string value = RandomPart();
    if (old && random_.Below(grows ? 4 : 1) != 0) {
      const std::string record = Record(kHash, std::string(1, static_cast<char>(hash & 255)), {field, value});
      SetGate();
      const bool ok = tree.Replace(*heap_, &cursor, record);
      OpenGate();
      if (ok) model[index].second = value;
      else Drop(kHash, record);
      ++replaced;
    } else if (old) {
      SetGate();
      const bool ok = tree.Erase(*heap_, &cursor);
      OpenGate();
      if (ok) {
        std::swap(model[index], model.back());
        model.pop_back();
      }
    } else {
      const std::string record = Record(kHash, std::string(1, static_cast<char>(hash & 255)), {field, value});
      SetGate();
      const bool ok = tree.Insert(*heap_, &cursor, record, hash);
      OpenGate();
      if (ok) model.emplace_back(field, value);
      else Drop(kHash, record);
    }
    ASSERT_EQ(tree.size(), model.size());
    if (step % 1000 == 0) {
      ASSERT_TRUE(tree.Valid()) << step;
      for (const auto& [name, text] : model) {
        ASSERT_TRUE(tree.FindHashed(HashOf(name), name, &cursor));
        ASSERT_EQ(ds::PartOf(cursor.record(), kHash, 1), text);
        ASSERT_LT(tree.Rank(cursor), tree.size());
      }
    }
  }
  EXPECT_GT(replaced, 100);
  // From a hash on, each leaf once.
  size_t seen = 0;
  uint64_t hash = 0;
  do {
    tree.ForLeaves(hash, [&](const ds::PackedRecords& records, uint64_t next) {
      seen += records.count;
      hash = next;
      return false;
    });
  } while (hash != 0);
  EXPECT_EQ(seen, tree.size());
  EndAll(tree);
}

// A sorted set's members by hash, a few of which are the same in 32 bits.
TEST_F(ModelTest, RecordsOfOneHashStayTogether) {
  base::AssertHolder();
  CountedTree tree(kScores, &seed_);
  std::vector<std::pair<uint32_t, double>> model;
  for (int step = 0; step < 20'000; ++step) {
    const uint32_t hash = static_cast<uint32_t>(random_.Below(3) == 0 ? random_.Below(5) << 20 : random_.Next());
    const double score = step;
    std::string record(reinterpret_cast<const char*>(&hash), 4);
    record.append(reinterpret_cast<const char*>(&score), 8);
    const uint64_t key = static_cast<uint64_t>(hash) << 32;
    CountedTree::Cursor cursor = tree.LeafOf(key);
    ASSERT_TRUE(tree.Insert(*heap_, &cursor, record, key));
    model.emplace_back(hash, score);
  }
  EXPECT_TRUE(tree.Valid());
  for (size_t i = 0; i < model.size(); i += 37) {
    const ds::PackedRecords leaf = tree.LeafOf(static_cast<uint64_t>(model[i].first) << 32).leaf();
    bool found = false;
    const char* record = leaf.begin;
    for (size_t j = 0; j < leaf.count; ++j, record += 12) {
      found = found || (ds::PrefixOf<uint32_t>(record) == model[i].first && ds::PrefixOf<double>(record, 4) == model[i].second);
    }
    EXPECT_TRUE(found) << i;
  }
  End(tree);
}

// Trees of three inner levels, so that whole branches go, of which clones have some.
class RangeModelTest : public ModelTest, public ::testing::WithParamInterface<RecordFormat> {
 protected:
  CountedTree Filled(size_t records) {
    base::AssertHolder();
    const RecordFormat format = GetParam();
    CountedTree tree(format, &seed_);
    for (size_t i = 0; i < records; ++i) {
      const uint64_t number = i * 7919 % records;
      std::string part = std::to_string(number);
      part.resize(number % 500 == 0 ? 600 : 100, 'x');
      std::string prefix(reinterpret_cast<const char*>(&number), 8);
      uint64_t key = number;
      CountedTree::Cursor cursor = tree.At(tree.size());
      if (format.order == Order::kHashOfPart) {
        key = HashOf(part);
        prefix = static_cast<char>(key & 255);
        cursor = tree.LeafOf(key);
      } else if (format.order == Order::kSorted) {
        EXPECT_FALSE(tree.FindSorted({number, 0, part}, &cursor));
        prefix.resize(format.prefix);
      } else {
        prefix.clear();
      }
      EXPECT_TRUE(tree.Insert(*heap_, &cursor, Record(format, prefix, std::vector<std::string>(format.parts, part)), key));
    }
    return tree;
  }
};
INSTANTIATE_TEST_SUITE_P(Formats, RangeModelTest, ::testing::Values(kList, kHash, kScored, kIds), [](const auto& format) {
  return "Prefix" + std::to_string(format.param.prefix);
});

TEST_P(RangeModelTest, RangesGoAtOnceOrNotAtAll) {
  base::AssertHolder();
  int failures = 0;
  for (int round = 0; round < 2; ++round) {
    CountedTree tree = Filled(45'000);
    ASSERT_TRUE(tree.Valid());
    std::vector<std::string> model = Texts(tree);
    for (int step = 0; !model.empty(); ++step) {
      if (step % 7 == 0 && clones_.size() < 3) clones_.push_back({tree.Clone(), model});
      if (step % 17 == 0 && !clones_.empty()) {
        EXPECT_EQ(Texts(clones_.front().tree), clones_.front().texts);
        End(clones_.front().tree);
        clones_.pop_front();
      }
      const size_t kind = random_.Below(20);
      const size_t most = kind < 12 ? 300 : kind < 19 ? 4'000 : model.size();
      const size_t count = std::min<size_t>(model.size(), 1 + random_.Below(most));
      const size_t where = random_.Below(4);
      const size_t last = model.size() - count;
      const size_t at = where == 0 ? 0 : where == 1 ? last : random_.Below(last + 1);
      gate_.left = random_.Below(2) == 0 ? random_.Below(8) : SIZE_MAX;
      const bool ok = tree.EraseRange(*heap_, at, count);
      OpenGate();
      failures += !ok;
      const auto from = model.begin() + static_cast<std::ptrdiff_t>(at);
      if (ok) model.erase(from, from + static_cast<std::ptrdiff_t>(count));
      ASSERT_EQ(tree.size(), model.size());
      ASSERT_TRUE(tree.Valid()) << step;
      if (step % 5 == 0) {
        ASSERT_EQ(Texts(tree), model) << step;
      }
    }
    EXPECT_EQ(tree.bytes(), 0u);
    EndAll(tree);
  }
  EXPECT_GT(failures, 3);
}

TEST_F(CountedTreeTest, WhatGrowsAtAnEndIsFull) {
  base::AssertHolder();
  for (const bool front : {false, true}) {
    CountedTree tree(kList, nullptr);
    for (int i = 0; i < 100'000; ++i) {
      const std::string record = Record(kList, "", {"sixteen bytes..."});
      CountedTree::Cursor cursor = tree.At(front ? 0 : tree.size());
      ASSERT_TRUE(tree.Insert(*heap_, &cursor, record, 0));
    }
    EXPECT_TRUE(tree.Valid());
    EXPECT_LT(tree.bytes(), 100'000u * 18);
    End(tree);
  }
}

TEST_F(CountedTreeTest, PairsTakeLittleMoreThanTheirBytes) {
  base::AssertHolder();
  constexpr size_t kPairs = 100'000;
  CountedTree tree(kHash, &seed_);
  for (size_t i = 0; i < kPairs; ++i) {
    const std::string field = std::to_string(1'000'000'000'000'000 + i);
    const uint64_t hash = HashOf(field);
    const std::string record = Record(kHash, std::string(1, static_cast<char>(hash & 255)), {field, field});
    CountedTree::Cursor cursor = tree.LeafOf(hash);
    ASSERT_TRUE(tree.Insert(*heap_, &cursor, record, hash));
  }
  EXPECT_TRUE(tree.Valid());
  RecordProperty("bytes_for_100k_pairs_of_32", static_cast<int>(tree.bytes()));
  EXPECT_LT(tree.bytes(), kPairs * 40);  // 39.2, as lib/ds/counted_tree.h says
  End(tree);
}

TEST_F(CountedTreeTest, BlocksMoveOneAtATimeAndSharedOnesStay) {
  base::AssertHolder();
  CountedTree tree(kScored, nullptr);
  for (uint64_t i = 0; i < 20'000; ++i) {
    const uint64_t score = i * 7919 % 20'000;
    const std::string record = Record(kScored, std::string(reinterpret_cast<const char*>(&score), 8), {"member"});
    CountedTree::Cursor cursor;
    ASSERT_FALSE(tree.FindSorted({score, 0, "member"}, &cursor));
    ASSERT_TRUE(tree.Insert(*heap_, &cursor, record, score));
  }
  const std::vector<std::string> texts = Texts(tree);
  const auto walk = [&](bool moves) {
    base::AssertHolder();
    uint64_t position = 0;
    size_t offered = 0;
    while (tree.MoveNext(&position,
                         [&](const void* block) -> void* {
                           base::AssertHolder();
                           offered += memory::Arena::BytesOf(block);
                           if (!moves) return nullptr;
                           void* const made = heap_->arena().Allocate(memory::Arena::BytesOf(block), memory::Tenant::kBlock);
                           std::memcpy(made, block, memory::Arena::BytesOf(block));
                           return made;
                         },
                         [&](void* block) {
                           base::AssertHolder();
                           heap_->arena().Free(block, memory::Arena::BytesOf(block));
                         })) {
    }
    return offered;
  };
  EXPECT_EQ(walk(true), tree.bytes());
  EXPECT_TRUE(tree.Valid());
  EXPECT_EQ(Texts(tree), texts);
  EXPECT_EQ(walk(false), tree.bytes());
  CountedTree clone = tree.Clone();
  EXPECT_EQ(walk(true), 0u);
  CountedTree::Cursor cursor = tree.At(10'000);
  ASSERT_TRUE(tree.Erase(*heap_, &cursor));
  EXPECT_LT(walk(true), 10'000u) << "what it has copied is its own";
  EXPECT_EQ(Texts(clone), texts);
  End(clone);
  EXPECT_EQ(walk(true), tree.bytes());
  End(tree);
}

TEST_F(CountedTreeTest, NumbersTakeAsFewBytesAsTheyNeedAndKeepTheirOrder) {
  base::AssertHolder();
  constexpr RecordFormat kNumbered{0, 1, Order::kNumbers};
  const uint64_t kEdges[] = {0, 1, 255, 256, 4094, 4095, 4096, 65535, 65536, (uint64_t{1} << 40) - 2,
                             (uint64_t{1} << 40) - 1, uint64_t{1} << 40, (uint64_t{1} << 48) - 1, uint64_t{1} << 48,
                             uint64_t{1} << 56, UINT64_MAX};
  std::vector<ds::Numbers> all;
  for (const uint64_t major : kEdges) {
    for (const uint64_t minor : kEdges) {
      for (const uint64_t space : {uint64_t{0}, uint64_t{1}, uint64_t{4094}, uint64_t{4095}, uint64_t{70'000}}) {
        all.push_back({space, major, minor});
      }
    }
  }
  for (size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random_.Below(i)]);
  CountedTree tree(kNumbered, &seed_);
  for (const ds::Numbers& numbers : all) {
    char part[ds::kNumbersBytesMax + 1];
    char* const end = ds::WriteNumbers(part, numbers);
    *end = 'x';  // what is behind them is no part of their order
    char record[1 + sizeof(part)];
    const char* const record_end = ds::WritePart(record, {part, static_cast<size_t>(end - part) + 1});
    EXPECT_EQ(ds::NumbersOf(record), numbers);
    CountedTree::Cursor cursor;
    ASSERT_FALSE(tree.FindSorted(ds::ProbeOf(numbers), &cursor));
    ASSERT_TRUE(tree.Insert(*heap_, &cursor, {record, static_cast<size_t>(record_end - record)}, ds::NumbersKey(numbers)));
  }
  ASSERT_TRUE(tree.Valid());
  std::sort(all.begin(), all.end());
  size_t index = 0;
  tree.ForRange(0, tree.size(), false, [&](const char* record) {
    EXPECT_EQ(ds::NumbersOf(record), all[index]);
    return ++index < all.size();
  });
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_LE(i == 0 ? 0 : ds::NumbersKey(all[i - 1]), ds::NumbersKey(all[i]));
    CountedTree::Cursor cursor;
    ASSERT_TRUE(tree.FindSorted(ds::ProbeOf(all[i]), &cursor));
    EXPECT_EQ(tree.Rank(cursor), i);
  }
  // What OwnRange has made the tree's own needs no memory to be changed or erased.
  CountedTree clone = tree.Clone();
  ASSERT_TRUE(tree.OwnRange(*heap_, 100, 300));
  gate_.left = 0;
  CountedTree::Cursor cursor = tree.At(120);
  char* const record = tree.Mutable(*heap_, &cursor);
  ASSERT_NE(record, nullptr);
  Bytes part = ds::PartOf(record, kNumbered, 0);
  const_cast<char*>(part.data())[part.size() - 1] = 'y';
  EXPECT_EQ(ds::PartOf(clone.At(120).record(), kNumbered, 0).back(), 'x');
  EXPECT_TRUE(tree.EraseRange(*heap_, 100, 300));
  gate_.left = SIZE_MAX;
  EXPECT_TRUE(tree.Valid());
  EXPECT_EQ(tree.size(), all.size() - 300);
  EXPECT_EQ(clone.size(), all.size());
  End(tree);
  End(clone);
}

}  // namespace
}  // namespace larder::testing
