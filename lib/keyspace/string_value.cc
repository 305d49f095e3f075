#include "lib/keyspace/string_value.h"

#include <cstring>

#include "lib/base/numbers.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {
namespace {

// The longest text of an int64, as Redis limits its attempt to store text as an integer.
constexpr size_t kIntegerTextMax = 20;

// A block that holds value.bytes: the caller's own if it offered one.
memory::Block* TakeBlock(memory::Heap& source, const StringSource& value) {
  if (value.block != nullptr && *value.block) return value.block->Release();
  memory::Block* block = source.New(value.bytes.size(), value.bytes.size());
  if (block != nullptr) base::CopyBytes(block->data(), value.bytes);
  return block;
}

}  // namespace

StringSource StringSource::Of(Bytes bytes) {
  int64_t integer = 0;
  if (bytes.size() <= kIntegerTextMax && base::ParseInt64(bytes, &integer)) return Of(integer);
  return Text(bytes);
}

StringSource StringSource::Of(memory::BlockRef* block) {
  StringSource source = Of(block->get()->view());
  if (source.storage == Entry::Storage::kBlock) source.block = block;
  return source;
}

StringSource StringSource::Text(Bytes bytes) {
  const Encoding encoding = bytes.size() <= kEmbstrMax ? Encoding::kEmbstr : Encoding::kRaw;
  const auto storage = bytes.size() <= memory::kInlineValueMax ? Entry::Storage::kInline : Entry::Storage::kBlock;
  return {storage, encoding, 0, bytes, nullptr};
}

Entry* Db::NewString(Bytes key, const StringSource& value, int64_t expiry_ms) {
  memory::Block* block = nullptr;
  if (value.storage == Entry::Storage::kBlock) {
    block = TakeBlock(keyspace_.blocks(), value);
    if (block == nullptr) return nullptr;
  }
  const bool with_expiry = expiry_ms != kNoExpiry;
  Entry* entry = Entry::New(arena(), key, value.storage, value.inline_size(), with_expiry);
  if (entry == nullptr) {
    if (block != nullptr) keyspace_.Drop(block);
    return nullptr;
  }
  if (with_expiry) entry->set_expiry_ms(expiry_ms);
  WriteValue(entry, value, block);
  return entry;
}

void Db::WriteValue(Entry* entry, const StringSource& value, memory::Block* block) {
  switch (value.storage) {
    case Entry::Storage::kInteger: entry->set_integer(value.integer); break;
    case Entry::Storage::kInline:
      if (!value.bytes.empty()) std::memcpy(entry->inline_data(), value.bytes.data(), value.bytes.size());
      break;
    case Entry::Storage::kBlock: entry->set_block(block); break;
  }
  entry->set_kind(Type::kString, value.encoding);
}

Result<Entry*> Db::PutString(Bytes key, Entry* existing, const StringSource& value, int64_t expiry_ms,
                             const Change& change) {
  const bool in_place = existing != nullptr && !keyspace_.effects().wants(Effects::kOldValues) &&
                        existing->FitsInPlace(value.storage, value.inline_size(), expiry_ms != kNoExpiry);
  if (!in_place) {
    Entry* entry = NewString(key, value, expiry_ms);
    if (entry == nullptr) return errors::kAllocationFailed;
    return Install(existing, entry, change);
  }
  memory::Block* block = nullptr;
  if (value.storage == Entry::Storage::kBlock) {
    block = TakeBlock(keyspace_.blocks(), value);
    if (block == nullptr) return errors::kAllocationFailed;
  }
  // Only a block makes it take more or less than before.
  size_t before = 0;
  const bool resized = block != nullptr || existing->storage() == Entry::Storage::kBlock;
  if (resized) [[unlikely]] {
    before = Keyspace::BytesOf(*existing);
    if (existing->storage() == Entry::Storage::kBlock) keyspace_.Drop(existing->block());
  }
  existing->Restore(value.storage, value.inline_size());
  WriteValue(existing, value, block);
  if (resized) [[unlikely]] keyspace_.Resized(*existing, before);
  if (expiry_ms != kNoExpiry) {
    existing->set_expiry_ms(expiry_ms);
    table_.ExpiryChanged(existing, Hash(key));
    keyspace_.NoteExpiry(expiry_ms);
  }
  Emit(key, nullptr, change);
  return existing;
}

}  // namespace larder::inline v0::keyspace
