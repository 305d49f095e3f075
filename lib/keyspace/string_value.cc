#include "lib/keyspace/string_value.h"

#include <cstring>

#include "lib/base/check.h"
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
  LARDER_DCHECK(value.storage == Entry::Storage::kBlock);
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

EntryDraft Db::NewString(Bytes key, const StringSource& value, int64_t expiry_ms) {
  memory::Block* block = nullptr;
  if (value.storage == Entry::Storage::kBlock) {
    block = TakeBlock(keyspace_.blocks(), value);
    if (block == nullptr) return {};
  }
  const bool with_expiry = expiry_ms != kNoExpiry;
  EntryDraft entry = EntryDraft::New(arena(), key, value.storage, value.inline_size(), with_expiry);
  if (!entry) {
    if (block != nullptr) keyspace_.garbage().Drop(block);
    return entry;
  }
  if (with_expiry) entry.set_expiry_ms(expiry_ms);
  WriteValue(entry, value, block);
  entry.set_form({value.type, value.encoding});
  return entry;
}

void Db::WriteValue(EntryWriter& writer, const StringSource& value, memory::Block* block) {
  switch (value.storage) {
    case Entry::Storage::kInteger: writer.set_integer(value.integer); break;
    case Entry::Storage::kInline:
      if (!value.bytes.empty()) std::memcpy(writer.inline_data(), value.bytes.data(), value.bytes.size());
      break;
    case Entry::Storage::kBlock: writer.set_block(block); break;
    case Entry::Storage::kStructure: LARDER_CHECK(false);  // no string's
  }
}

Result<Entry*> Db::PutString(Bytes key, const Place& place, const StringSource& value, int64_t expiry_ms,
                             const Change& change) {
  Entry* const existing = place;
  const bool in_place = existing != nullptr && !keyspace_.effects().wants(Effects::kOldValues) &&
                        existing->FitsInPlace(value.storage, value.inline_size(), expiry_ms != kNoExpiry);
  if (!in_place) {
    EntryDraft made = NewString(key, value, expiry_ms);
    if (!made) return errors::kAllocationFailed;
    return Install(place, made.Finish(), change);
  }
  memory::Block* block = nullptr;
  if (value.storage == Entry::Storage::kBlock) {
    block = TakeBlock(keyspace_.blocks(), value);
    if (block == nullptr) return errors::kAllocationFailed;
  }
  // Only what is outside of the entry makes it take more or less than before.
  const Entry::Outside old = existing->outside();
  const bool resized = block != nullptr || old;
  const size_t before = resized ? Keyspace::BytesOf(*existing) : 0;
  {
    EntryEdit store = Edit(place);
    store.Restore({value.type, value.encoding}, value.storage, value.inline_size());
    WriteValue(store, value, block);
    if (expiry_ms != kNoExpiry) {
      store.set_expiry_ms(expiry_ms);
      table_.ExpiryChanged(place);
    }
  }
  if (resized) [[unlikely]] {
    keyspace_.garbage().DropValue(old);
    Resized(*existing, before);
  }
  if (expiry_ms != kNoExpiry) keyspace_.NoteExpiry(expiry_ms);
  Emit(key, nullptr, false, change);
  return existing;
}

Result<Entry*> Db::PutPacked(Bytes key, const Place& place, Form form, Bytes packed, int64_t expiry_ms,
                             const Change& change) {
  const auto storage = packed.size() <= memory::kInlineValueMax ? Entry::Storage::kInline : Entry::Storage::kBlock;
  const StringSource value{storage, form.encoding, 0, packed, nullptr, form.type};
  return PutString(key, place, value, expiry_ms, change);
}

}  // namespace larder::inline v0::keyspace
