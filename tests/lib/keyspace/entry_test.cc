#include "lib/keyspace/entry.h"

#include <memory>
#include <string>
#include <type_traits>

#include "gtest/gtest.h"
#include <larder/clock.h>
#include "lib/keyspace/keyspace.h"

namespace larder {
namespace {

using keyspace::Encoding;
using keyspace::Entry;
using keyspace::EntryDraft;
using keyspace::EntryEdit;
using keyspace::EntryStamp;
using keyspace::kNoExpiry;
using keyspace::Type;

class EntryTest : public testing::TestWithParam<bool> {  // with an expiry, or without
 protected:
  EntryTest()
      : keyspace_(keyspace::Keyspace::Create({}, clock_)), arena_(keyspace_->arena()), blocks_(keyspace_->blocks()) {}
  ~EntryTest() override {
    while (keyspace_->garbage().FreeStep()) {  // what readers have given back
    }
    EXPECT_EQ(arena_.used(), 0u);
    EXPECT_EQ(blocks_.blocks(), 0u);
  }
  void Delete(EntryDraft entry) { keyspace_->garbage().Free(entry.Finish()); }
  EntryDraft New(std::string_view key, Entry::Storage storage, size_t size) {
    EntryDraft entry = EntryDraft::New(arena_, key, storage, size, GetParam());
    entry.set_form({Type::kString, Encoding::kRaw});
    if (GetParam()) entry.set_expiry_ms(int64_t{4611686018427387904});
    return entry;
  }
  void ExpectHeader(const Entry& entry, std::string_view key) {
    EXPECT_EQ(entry.key(), key);
    EXPECT_EQ(entry.type(), Type::kString);
    EXPECT_EQ(entry.has_expiry(), GetParam());
    EXPECT_EQ(entry.expiry_ms(), GetParam() ? int64_t{4611686018427387904} : kNoExpiry);
    EXPECT_TRUE(entry.KeyIs(key));
    EXPECT_FALSE(entry.KeyIs(std::string(key) + "x"));
    if (!key.empty()) {
      EXPECT_FALSE(entry.KeyIs(std::string(key.size(), '?')));
    }
    EXPECT_EQ(entry.access_data(), 0u);
  }
  ManualClock clock_;
  std::unique_ptr<keyspace::Keyspace> keyspace_;
  memory::Arena& arena_;
  memory::Heap& blocks_;
};

TEST_P(EntryTest, AnIntegerIsStoredAsSuch) {
  for (int64_t n : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EntryDraft entry = New("key", Entry::Storage::kInteger, 8);
    entry.set_integer(n);
    EXPECT_EQ(entry->integer(), n);
    ExpectHeader(*entry, "key");
    Delete(entry);
  }
}

TEST_P(EntryTest, BytesLieInsideTheEntryBehindTheKey) {
  for (size_t size : {0, 1, 44, 127, 128, 1024}) {
    const std::string value(size, 'v');
    EntryDraft entry = New("", Entry::Storage::kInline, size);
    base::CopyBytes(entry.inline_data(), value);
    EXPECT_EQ(entry->inline_value(), value);
    ExpectHeader(*entry, "");
    Delete(entry);
  }
}

TEST_P(EntryTest, ABlockIsReferencedOnce) {
  memory::Block* block = blocks_.New(2000, 2000);
  memory::BlockRef reader = memory::BlockRef::Share(block);
  const std::string key(300, 'k');
  EntryDraft entry = New(key, Entry::Storage::kBlock, sizeof(memory::Block*));
  entry.set_block(block);
  EXPECT_EQ(entry->block(), block);
  EXPECT_FALSE(block->unique());
  ExpectHeader(*entry, key);
  Delete(entry);
  EXPECT_TRUE(block->unique());  // the reader's
}

TEST_P(EntryTest, TheAccessTimeHas24Bits) {
  EntryDraft draft = New("key", Entry::Storage::kInteger, 8);
  draft.set_integer(-2);
  Entry* const entry = draft.Finish();
  EntryStamp(*entry).set_access_data(0xabcdef);
  EXPECT_EQ(entry->access_data(), 0xabcdefu);
  EXPECT_EQ(entry->integer(), -2);
  EXPECT_EQ(entry->key(), "key");
  EntryStamp(*entry).set_use(0x123456, 5);
  EXPECT_EQ(entry->access_data(), 0x123456u);
  EXPECT_EQ(entry->use_phase(), 5);
  EXPECT_EQ(entry->integer(), -2);
  EXPECT_EQ(entry->key(), "key");
  EXPECT_EQ(entry->has_expiry(), GetParam());
  keyspace_->garbage().Free(entry);
}

TEST_P(EntryTest, ThePromisedSizes) {
  EntryDraft entry = New("key:000000000001", Entry::Storage::kInline, 64);
  EXPECT_EQ(entry->footprint(), GetParam() ? 95u : 87u);
  EXPECT_EQ(memory::Arena::RoundUp(entry->footprint()), GetParam() ? 96u : 88u);
  Delete(entry);
}

TEST_P(EntryTest, KeysOfEveryLengthAreFoundAgain) {
  for (size_t size : {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 100, 127, 128, 129, 16383, 16384, 100000}) {
    std::string key(size, 'k');
    for (size_t i = 0; i < size; ++i) key[i] = static_cast<char>('a' + i % 23);
    EntryDraft entry = New(key, Entry::Storage::kInteger, 0);
    entry.set_integer(static_cast<int64_t>(size));
    ExpectHeader(*entry, key);
    for (size_t at : {size_t{0}, size / 2, size - 1}) {
      if (size == 0) break;
      std::string other = key;
      other[at] ^= 1;
      EXPECT_FALSE(entry->KeyIs(other)) << size << " at " << at;
    }
    EXPECT_EQ(entry->integer(), static_cast<int64_t>(size));
    Delete(entry);
  }
}

TEST_P(EntryTest, AValueIsRestoredWithinItsBlock) {
  EntryDraft entry = New("k", Entry::Storage::kInline, 4);
  base::CopyBytes(entry.inline_data(), "abcd");
  ASSERT_TRUE(entry->FitsInPlace(Entry::Storage::kInline, 5, GetParam()));
  EXPECT_FALSE(entry->FitsInPlace(Entry::Storage::kInline, 5, !GetParam()));
  EXPECT_FALSE(entry->FitsInPlace(Entry::Storage::kInline, 100, GetParam()));
  entry.ResizeInline(5);
  EXPECT_EQ(entry->inline_value().substr(0, 4), "abcd");
  EXPECT_EQ(entry->inline_value().size(), 5u);
  ASSERT_TRUE(entry->FitsInPlace(Entry::Storage::kInteger, 0, GetParam()));
  entry.Restore({Type::kString, Encoding::kInt}, Entry::Storage::kInteger, 0);
  EXPECT_EQ(entry->encoding(), Encoding::kInt);
  entry.set_integer(-7);
  EXPECT_EQ(entry->integer(), -7);
  ExpectHeader(*entry, "k");
  Delete(entry);
}

// A size that takes one byte more moves the value by one.
TEST_P(EntryTest, AValueKeepsItsBytesWhenItsSizeGetsLonger) {
  const std::string value(127, 'v');
  EntryDraft entry = New("key", Entry::Storage::kInline, value.size());
  base::CopyBytes(entry.inline_data(), value);
  ASSERT_TRUE(entry->FitsInPlace(Entry::Storage::kInline, 128, GetParam()));
  entry.ResizeInline(128);
  EXPECT_EQ(entry->inline_value().substr(0, 127), value);
  entry.ResizeInline(127);
  EXPECT_EQ(entry->inline_value(), value);
  Delete(entry);
}

TEST_P(EntryTest, MarksAreIndependent) {
  EntryDraft draft = New("key", Entry::Storage::kInteger, 0);
  draft.set_integer(5);
  Entry* const entry = draft.Finish();
  EntryStamp(*entry).set_mark(Entry::kInSmall, true);
  EXPECT_FALSE(entry->marked(Entry::kClaimed));
  EntryStamp(*entry).set_mark(Entry::kClaimed, true);
  EntryStamp(*entry).set_mark(Entry::kInSmall, false);
  EXPECT_TRUE(entry->marked(Entry::kClaimed));
  EXPECT_EQ(entry->storage(), Entry::Storage::kInteger);
  ExpectHeader(*entry, "key");
  keyspace_->garbage().Free(entry);
}

// What must not compile: an edit that no database has opened, a draft of an entry that may be in a table, a store
// without either.
template <class T>
concept HasSetters = requires(T entry) { entry.set_integer(1); } || requires(T entry) { entry.set_block(nullptr); } ||
                     requires(T entry) { entry.set_expiry_ms(1); } || requires(T entry) { entry.set_form({}); } ||
                     requires(T entry) { entry.inline_data(); } || requires(T entry) { entry.set_access_data(1u); } ||
                     requires(T entry) { entry.set_mark(Entry::kInSmall, true); };
static_assert(!HasSetters<Entry&>);
static_assert(HasSetters<EntryDraft>);
static_assert(!std::is_constructible_v<EntryEdit, ds::Bucket*, Entry*> && !std::is_copy_constructible_v<EntryEdit>);
static_assert(!std::is_constructible_v<EntryDraft, Entry*> && !std::is_constructible_v<keyspace::EntryWriter, Entry*>);

INSTANTIATE_TEST_SUITE_P(Expiry, EntryTest, testing::Bool(), [](const testing::TestParamInfo<bool>& info) {
  return info.param ? "WithExpiry" : "WithoutExpiry";
});

}  // namespace
}  // namespace larder
