#include "lib/keyspace/entry.h"

#include <string>

#include "gtest/gtest.h"

namespace larder {
namespace {

using keyspace::Encoding;
using keyspace::Entry;
using keyspace::kNoExpiry;
using keyspace::Type;

class EntryTest : public testing::TestWithParam<bool> {  // with an expiry, or without
 protected:
  ~EntryTest() override {
    EXPECT_EQ(arena_.used(), 0u);
    EXPECT_EQ(blocks_.used(), 0u);
  }
  Entry* New(std::string_view key, Entry::Storage storage, size_t size) {
    Entry* entry = Entry::New(arena_, key, storage, size, GetParam());
    entry->set_kind(Type::kString, Encoding::kRaw);
    if (GetParam()) {
      entry->set_expiry_ms(int64_t{4611686018427387904});
      entry->set_expiry_slot(77);
    }
    return entry;
  }
  void ExpectHeader(const Entry& entry, std::string_view key) {
    EXPECT_EQ(entry.key(), key);
    EXPECT_EQ(entry.type(), Type::kString);
    EXPECT_EQ(entry.has_expiry(), GetParam());
    EXPECT_EQ(entry.expiry_ms(), GetParam() ? int64_t{4611686018427387904} : kNoExpiry);
    EXPECT_EQ(GetParam() ? entry.expiry_slot() : 77u, 77u);
    EXPECT_EQ(entry.access_data(), 0u);
  }
  memory::Arena arena_;
  memory::BlockSource blocks_;
};

TEST_P(EntryTest, AnIntegerIsStoredAsSuch) {
  for (int64_t n : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    Entry* entry = New("key", Entry::Storage::kInteger, 8);
    entry->set_integer(n);
    EXPECT_EQ(entry->integer(), n);
    ExpectHeader(*entry, "key");
    Entry::Delete(arena_, entry);
  }
}

TEST_P(EntryTest, BytesLieInsideTheEntryBehindTheKey) {
  for (size_t size : {0, 1, 44, 1024}) {
    const std::string value(size, 'v');
    Entry* entry = New("", Entry::Storage::kInline, size);
    base::CopyBytes(entry->value_data(), value);
    EXPECT_EQ(entry->inline_value(), value);
    ExpectHeader(*entry, "");
    Entry::Delete(arena_, entry);
  }
}

TEST_P(EntryTest, ABlockIsReferencedOnce) {
  memory::Block* block = blocks_.New(2000, 2000);
  memory::BlockRef reader = memory::BlockRef::Share(block);
  const std::string key(300, 'k');
  Entry* entry = New(key, Entry::Storage::kBlock, sizeof(memory::Block*));
  entry->set_block(block);
  EXPECT_EQ(entry->block(), block);
  EXPECT_FALSE(block->unique());
  ExpectHeader(*entry, key);
  Entry::Delete(arena_, entry);
  EXPECT_TRUE(block->unique());  // the reader's
}

TEST_P(EntryTest, TheAccessTimeHas24Bits) {
  Entry* entry = New("key", Entry::Storage::kInteger, 8);
  entry->set_integer(-2);
  entry->set_access_data(0xabcdef);
  EXPECT_EQ(entry->access_data(), 0xabcdefu);
  EXPECT_EQ(entry->integer(), -2);
  EXPECT_EQ(entry->key(), "key");
  Entry::Delete(arena_, entry);
}

INSTANTIATE_TEST_SUITE_P(Expiry, EntryTest, testing::Bool(), [](const testing::TestParamInfo<bool>& info) {
  return info.param ? "WithExpiry" : "WithoutExpiry";
});

}  // namespace
}  // namespace larder
