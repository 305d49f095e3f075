// What the ops of hashes, lists, sets and sorted sets need: elements fetched, growth and length of words, and pins.
#ifndef LARDER_TYPED_COLLECTIONS_H_
#define LARDER_TYPED_COLLECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>

#include <larder/internal/collection_walk.h>
#include <larder/internal/fetched.h>
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/core/core.h"
#include "lib/engine/short.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/keyspace/room.h"
#include "lib/keyspace/structure.h"
#include "lib/memory/block.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {

using WordSpan = std::span<const Bytes>;
using internal::Fetched;
using internal::FetchedList;

// Fetches part `i` of a record.
void FetchRecordPart(const keyspace::Collection& collection, const char* record, int i, Fetched* to);
// The same, as the list's next. Up to 8 KB are copied, longer ones pinned. False without memory.
bool AddRecordPart(const keyspace::Collection& collection, const char* record, int i, FetchedList* to);
// The same of any bytes, which are in `block` if that is not null.
bool AddCopiedOrPinned(Bytes bytes, memory::Block* block, FetchedList* to);
// Bytes that are in no block.
inline bool AddText(Bytes text, FetchedList* to) { return to->Add(text); }
inline bool AddScore(double score, FetchedList* to) {
  return to->Add({reinterpret_cast<const char*>(&score), sizeof(score)});
}
// What an op says whose list could not be filled.
inline Error FilledError(bool filled) { return filled ? kOk : Error(internal::kNoMemoryForResult); }

// ---- Growth, and what is short --------------------------------------------------------------------------------------

// What an element of these parts may add.
template <class... Texts>
keyspace::Growth GrowthOfElement(Bytes key, Texts... texts) {
  const Bytes parts[] = {texts...};
  keyspace::Growth growth = {.bytes = key.size() + 64};
  for (const Bytes part : parts) {
    growth.bytes += part.size() + 16;
    if (part.size() > growth.value_bytes) growth.value_bytes = part.size();
  }
  return growth;
}
keyspace::Growth GrowthOfWords(core::CacheCore& core, Bytes key, WordSpan words, const WordSpan* command,
                               int64_t* result);
bool WordsAreShort(keyspace::Db& db, Bytes key, WordSpan words, const WordSpan* command, int64_t* result);
// Whether the collection at a key, of whatever type, has few elements.
bool CollectionIsShort(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;
inline bool CountIsShort(int64_t count) { return count <= static_cast<int64_t>(engine::kShortElements); }

// ---- Pins -----------------------------------------------------------------------------------------------------------

// Adds the record's parts to a list. False without memory.
using AddRecord = bool (*)(const keyspace::Collection& collection, const char* record, FetchedList* to);
// A batch of a walk ends when it has so many bytes.
inline constexpr size_t kWalkBatchBytes = size_t{64} << 10;
// Pins a clone of a structure, which shares what both only read. `add` is for ReadPinned, of collections.
Error PinClone(const OpAt& at, const keyspace::Structure& root, AddRecord add, core::CacheCore* core,
               internal::CollectionPin* pin) LARDER_REQUIRES_HOLDER;
const keyspace::Structure& PinnedRoot(const internal::CollectionPin& pin);
// The start of an op that reads what is pinned: callbacks that are delivered by Close may still read old values.
template <class... Args>
const ErrorText* StartReadPinned(const Target& target, const OpRow& row, Bytes key, Args... args) {
  const std::tuple<Args...> packed(args...);
  if (!target.core->InLastCallbacks()) return GoOn(target, row, key, &packed);
  base::AssertHolder();  // the executor is closed
  return row.run(*target.db, key, 0, &packed);
}
// Pins the collection that `entry` holds (nullptr: none), or adds all of it to the list if it is small.
Error PinCollection(const OpAt& at, const keyspace::Entry* entry, const keyspace::Collection& collection, AddRecord add,
                    core::CacheCore* core, internal::CollectionPin* pin, size_t* size, FetchedList* to)
    LARDER_REQUIRES_HOLDER;

// Each adds an element of its type.
bool AddHashPair(const keyspace::Collection& hash, const char* record, FetchedList* to);
bool AddListElement(const keyspace::Collection& list, const char* record, FetchedList* to);
bool AddSetMember(const keyspace::Collection& set, const char* record, FetchedList* to);
bool AddScoredMember(const keyspace::Collection& zset, const char* record, FetchedList* to);
// Pins the stream that `entry` holds and adds its first entries to the list, or all if they are few: *fetched of *size.
Error PinStreamValue(const OpAt& at, const keyspace::Entry& entry, core::CacheCore* core, internal::CollectionPin* pin,
                     size_t* size, size_t* fetched, FetchedList* to) LARDER_REQUIRES_HOLDER;

// The op that pins, of a type whose packed records are always made up in the same way.
template <keyspace::Type kType, const ds::RecordFormat& kPacked, AddRecord kAdd>
Error Pin(const OpAt& at, core::CacheCore* core, internal::CollectionPin* pin, size_t* size, FetchedList* to) {
  const keyspace::Entry* const entry = at.db().Find(at.key, keyspace::Lookup::kRead);
  if (entry != nullptr && entry->type() != kType) return errors::kWrongType;
  return PinCollection(at, entry, keyspace::Collection(entry, kPacked), kAdd, core, pin, size, to);
}

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_COLLECTIONS_H_
