// The ops of the typed hash calls. lib/typed/op.h tells how they are written.
#include "lib/ops/hashes.h"

#include <larder/internal/hash_ops.h>
#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/sampling.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {

bool AddHashPair(const keyspace::Collection& hash, const char* record, FetchedList* to) {
  return AddRecordPart(hash, record, 0, to) && AddRecordPart(hash, record, 1, to);
}

namespace {

using keyspace::Collection;
using keyspace::Growth;
namespace hashes = ops::hashes;

// ---- Reads ----------------------------------------------------------------------------------------------------------

Error HashGet(const OpAt& at, Bytes field, Fetched* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  const char* const record = hash.Find(field);
  if (record != nullptr) FetchRecordPart(hash, record, 1, to);
  return kOk;
}

Error HashGetSeveral(const OpAt& at, WordSpan fields, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  for (const Bytes field : fields) {
    const char* const record = hash.Find(field);
    const bool added = record != nullptr ? AddRecordPart(hash, record, 1, to) : to->AddMissing();
    if (!added) return internal::kNoMemoryForResult;
  }
  return kOk;
}
bool FewFields(keyspace::Db&, Bytes, WordSpan fields, FetchedList*) { return fields.size() <= engine::kShortElements; }

Error HashContains(const OpAt& at, Bytes field, bool* contains) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  *contains = hash.Find(field) != nullptr;
  return kOk;
}

Error HashValueSize(const OpAt& at, Bytes field, int64_t* size) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  Bytes value;
  *size = hashes::Find(hash, field, &value) ? static_cast<int64_t>(value.size()) : 0;
  return kOk;
}

Error HashSize(const OpAt& at, int64_t* size) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  *size = static_cast<int64_t>(hash.size());
  return kOk;
}

bool AddField(const Collection& hash, const char* record, FetchedList* to) { return AddRecordPart(hash, record, 0, to); }
bool AddValue(const Collection& hash, const char* record, FetchedList* to) { return AddRecordPart(hash, record, 1, to); }

template <AddRecord kAdd>
Error HashAll(const OpAt& at, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  bool filled = true;
  hash.ForEach([&](const char* record) { return filled = kAdd(hash, record, to); });
  return FilledError(filled);
}
bool HashAllIsShort(keyspace::Db& db, Bytes key, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}

Error HashRandom(const OpAt& at, int64_t count, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(at.db(), at.key));
  if (count < 0) return errors::kNotPositive;
  const size_t most = std::min(static_cast<size_t>(count), hash.size());
  bool filled = true;
  const bool sampled = ops::SampleRecords(hash, most, at.db().keyspace().random(), [&](const char* record) {
    filled = filled && AddHashPair(hash, record, to);
  });
  return FilledError(sampled && filled);
}
bool HashRandomIsShort(keyspace::Db&, Bytes, int64_t count, FetchedList*) { return CountIsShort(count); }

// ---- Changes --------------------------------------------------------------------------------------------------------

Error HashSet(const OpAt& at, Bytes field, Bytes value, bool* is_new) {
  const Bytes command[] = {"HSET", at.key, field, value};
  LARDER_ASSIGN_OR_RETURN(const int64_t added,
                          hashes::Set(at.db(), at.key, std::span(command).subspan(2), command));
  *is_new = added != 0;
  return kOk;
}
Growth GrowthOfHashSet(core::CacheCore&, Bytes key, Bytes field, Bytes value, bool*) {
  return GrowthOfElement(key, field, value);
}
bool HashSetIsShort(keyspace::Db&, Bytes, Bytes field, Bytes value, bool*) {
  return field.size() + value.size() <= engine::kShortBytes;
}

Error HashSetIfMissing(const OpAt& at, Bytes field, Bytes value, bool* set) {
  LARDER_ASSIGN_OR_RETURN(*set, hashes::SetIfMissing(at.db(), at.key, field, value));
  return kOk;
}

Error HashSetSeveral(const OpAt& at, WordSpan words, const WordSpan* command, int64_t* added) {
  LARDER_ASSIGN_OR_RETURN(*added, hashes::Set(at.db(), at.key, words, *command));
  return kOk;
}

Error HashDelete(const OpAt& at, Bytes field, bool* deleted) {
  const Bytes command[] = {"HDEL", at.key, field};
  LARDER_ASSIGN_OR_RETURN(const int64_t count,
                          hashes::Delete(at.db(), at.key, std::span(command).subspan(2), command));
  *deleted = count != 0;
  return kOk;
}
Error HashDeleteSeveral(const OpAt& at, WordSpan fields, const WordSpan* command, int64_t* deleted) {
  LARDER_ASSIGN_OR_RETURN(*deleted, hashes::Delete(at.db(), at.key, fields, *command));
  return kOk;
}

Error HashIncrement(const OpAt& at, Bytes field, int64_t by, int64_t* value) {
  LARDER_ASSIGN_OR_RETURN(*value, hashes::IncrementBy(at.db(), at.key, field, by));
  return kOk;
}
Growth GrowthOfHashIncrement(core::CacheCore&, Bytes key, Bytes field, int64_t, int64_t*) {
  return GrowthOfElement(key, field);
}

Error HashIncrementFloat(const OpAt& at, Bytes field, double by, double* value) {
  ops::strings::FloatDigits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, hashes::IncrementByFloat(at.db(), at.key, field, by, digits));
  long double parsed = 0;
  LARDER_CHECK(base::ParseLongDouble(text, &parsed));
  *value = static_cast<double>(parsed);
  return kOk;
}
Growth GrowthOfHashIncrementFloat(core::CacheCore&, Bytes key, Bytes field, double, double*) {
  return GrowthOfElement(key, field);
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<Bytes, Fetched*> kHashGet = OpOf<Bytes, Fetched*>(
    {.name = "HGET", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashGet>});

constexpr TypedOp<WordSpan, FetchedList*> kHashGetSeveral = OpOf<WordSpan, FetchedList*>(
    {.name = "HMGET", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashGetSeveral>,
     .is_short = By<typed::FewFields>});

constexpr TypedOp<Bytes, bool*> kHashContains = OpOf<Bytes, bool*>(
    {.name = "HEXISTS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashContains>});

constexpr TypedOp<Bytes, int64_t*> kHashValueSize = OpOf<Bytes, int64_t*>(
    {.name = "HSTRLEN", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashValueSize>});

constexpr TypedOp<int64_t*> kHashSize = OpOf<int64_t*>(
    {.name = "HLEN", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashSize>});

constexpr TypedOp<Bytes, Bytes, bool*> kHashSet = OpOf<Bytes, Bytes, bool*>(
    {.name = "HSET", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashSet>,
     .growth = By<typed::GrowthOfHashSet>, .is_short = By<typed::HashSetIsShort>});

constexpr TypedOp<Bytes, Bytes, bool*> kHashSetIfMissing = OpOf<Bytes, Bytes, bool*>(
    {.name = "HSETNX", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashSetIfMissing>,
     .growth = By<typed::GrowthOfHashSet>, .is_short = By<typed::HashSetIsShort>});

constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kHashSetSeveral = OpOf<WordSpan, const WordSpan*, int64_t*>(
    {.name = "HSET", .access = Access::kWrites, .keys = KeyCount::kOne, .makes_room_ahead = true,
     .run = By<typed::HashSetSeveral>, .growth = By<typed::GrowthOfWords>, .is_short = By<typed::WordsAreShort>});

constexpr TypedOp<Bytes, bool*> kHashDelete = OpOf<Bytes, bool*>(
    {.name = "HDEL", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashDelete>});

constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kHashDeleteSeveral = OpOf<WordSpan, const WordSpan*, int64_t*>(
    {.name = "HDEL", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashDeleteSeveral>,
     .is_short = By<typed::WordsAreShort>});

constexpr TypedOp<Bytes, int64_t, int64_t*> kHashIncrement = OpOf<Bytes, int64_t, int64_t*>(
    {.name = "HINCRBY", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashIncrement>,
     .growth = By<typed::GrowthOfHashIncrement>});

constexpr TypedOp<Bytes, double, double*> kHashIncrementFloat = OpOf<Bytes, double, double*>(
    {.name = "HINCRBYFLOAT", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HashIncrementFloat>,
     .growth = By<typed::GrowthOfHashIncrementFloat>});

constexpr TypedOp<FetchedList*> kHashEntries = OpOf<FetchedList*>(
    {.name = "HGETALL", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashAll<typed::AddHashPair>>,
     .is_short = By<typed::HashAllIsShort>});

constexpr TypedOp<FetchedList*> kHashFields = OpOf<FetchedList*>(
    {.name = "HKEYS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashAll<typed::AddField>>,
     .is_short = By<typed::HashAllIsShort>});

constexpr TypedOp<FetchedList*> kHashValues = OpOf<FetchedList*>(
    {.name = "HVALS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashAll<typed::AddValue>>,
     .is_short = By<typed::HashAllIsShort>});

constexpr TypedOp<int64_t, FetchedList*> kHashRandom = OpOf<int64_t, FetchedList*>(
    {.name = "HRANDFIELD", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::HashRandom>,
     .is_short = By<typed::HashRandomIsShort>});

constexpr PinOp kPinHash = OpOf<core::CacheCore*, CollectionPin*, size_t*, FetchedList*>(
    {.name = "HGETALL", .access = Access::kReads, .keys = KeyCount::kOne,
     .run = By<typed::Pin<keyspace::Type::kHash, ops::hashes::kPackedPairs, typed::AddHashPair>>});

}  // namespace larder::inline v0::internal
