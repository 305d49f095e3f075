// The ops of the typed set calls. lib/typed/op.h tells how they are written.
#include "lib/ops/sets.h"

#include <algorithm>

#include <larder/internal/set_ops.h>
#include "lib/keyspace/errors.h"
#include "lib/ops/sampling.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {

bool AddSetMember(const keyspace::Collection& records, const char* record, FetchedList* to) {
  if (!records.format().fixed_size()) return AddRecordPart(records, record, 0, to);
  ops::sets::Digits digits;
  return to->Add(ops::sets::Set(records).TextAt(record, digits));
}

namespace {

using keyspace::Collection;
using keyspace::Growth;
namespace sets = ops::sets;

Error PinSet(const OpAt& at, core::CacheCore* core, internal::CollectionPin* pin, size_t* size, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  return PinCollection(at, set.entry(), set.records(), AddSetMember, core, pin, size, to);
}

// ---- Reads ----------------------------------------------------------------------------------------------------------

Error SetContains(const OpAt& at, Bytes member, bool* contains) {
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  *contains = set.Has(member);
  return kOk;
}

Error SetContainsSeveral(const OpAt& at, WordSpan members, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  for (const Bytes member : members) {
    const bool added = set.Has(member) ? to->Add({}) : to->AddMissing();
    if (!added) return internal::kNoMemoryForResult;
  }
  return kOk;
}
bool FewMembers(keyspace::Db&, Bytes, WordSpan members, FetchedList*) {
  return members.size() <= engine::kShortElements;
}

Error SetSize(const OpAt& at, int64_t* size) {
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  *size = static_cast<int64_t>(set.size());
  return kOk;
}

Error SetMembers(const OpAt& at, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  bool filled = true;
  set.records().ForEach([&](const char* record) { return filled = AddSetMember(set.records(), record, to); });
  return FilledError(filled);
}
bool SetMembersAreShort(keyspace::Db& db, Bytes key, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}

Error SetRandom(const OpAt& at, int64_t count, FetchedList* to) {
  if (count < 0) return errors::kNotPositive;
  LARDER_ASSIGN_OR_RETURN(const sets::Set set, sets::Open(at.db(), at.key));
  const size_t most = std::min(static_cast<size_t>(count), set.size());
  bool filled = true;
  const bool sampled = ops::SampleRecords(set.records(), most, at.db().keyspace().random(), [&](const char* record) {
    filled = filled && AddSetMember(set.records(), record, to);
  });
  return FilledError(sampled && filled);
}
bool SetPickIsShort(keyspace::Db& db, Bytes key, int64_t count, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CountIsShort(count) || CollectionIsShort(db, key);
}

// ---- Changes --------------------------------------------------------------------------------------------------------

Error SetAdd(const OpAt& at, Bytes member, bool* is_new) {
  const Bytes command[] = {"SADD", at.key, member};
  LARDER_ASSIGN_OR_RETURN(const int64_t added, sets::Add(at.db(), at.key, std::span(command).subspan(2), command));
  *is_new = added != 0;
  return kOk;
}
Growth GrowthOfSetAdd(core::CacheCore&, Bytes key, Bytes member, bool*) { return GrowthOfElement(key, member); }
bool SetAddIsShort(keyspace::Db&, Bytes, Bytes member, bool*) { return member.size() <= engine::kShortBytes; }

Error SetAddSeveral(const OpAt& at, WordSpan members, const WordSpan* command, int64_t* added) {
  LARDER_ASSIGN_OR_RETURN(*added, sets::Add(at.db(), at.key, members, *command));
  return kOk;
}

Error SetRemove(const OpAt& at, Bytes member, bool* removed) {
  const Bytes command[] = {"SREM", at.key, member};
  LARDER_ASSIGN_OR_RETURN(const int64_t count, sets::Remove(at.db(), at.key, std::span(command).subspan(2), command));
  *removed = count != 0;
  return kOk;
}

Error SetRemoveSeveral(const OpAt& at, WordSpan members, const WordSpan* command, int64_t* removed) {
  LARDER_ASSIGN_OR_RETURN(*removed, sets::Remove(at.db(), at.key, members, *command));
  return kOk;
}

Error SetPop(const OpAt& at, Fetched* to) {
  return sets::Pop(at.db(), at.key, 1, [](size_t) {}, [&](const sets::Set& set, const char* record) {
    if (!set.has_numbers()) return FetchRecordPart(set.records(), record, 0, to);
    sets::Digits digits;
    const Bytes text = set.TextAt(record, digits);
    base::CopyBytes(to->Place(text.size()), text);
  });
}

Error SetPopSeveral(const OpAt& at, int64_t count, FetchedList* to) {
  if (count < 0) return errors::kNotPositive;
  bool filled = true;
  const Error error = sets::Pop(at.db(), at.key, static_cast<size_t>(count), [](size_t) {},
                                [&](const sets::Set& set, const char* record) {
                                  filled = filled && AddSetMember(set.records(), record, to);
                                });
  if (error.ok() && !filled) return internal::kResultLost;
  return error;
}

Error SetMove(const OpAt& at, Bytes destination, Bytes member, bool* moved) {
  LARDER_ASSIGN_OR_RETURN(*moved, sets::Move(at.db(), at.key, destination, member));
  return kOk;
}
void ShowSetMove(engine::Monitors& to, Bytes key, Bytes destination, Bytes member, bool*) {
  to.Add(key);
  to.Add(destination);
  to.Add(member);
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<Bytes, bool*> kSetAdd = OpOf<Bytes, bool*>(
    {.name = "SADD", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SetAdd>,
     .growth = By<typed::GrowthOfSetAdd>, .is_short = By<typed::SetAddIsShort>});
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kSetAddSeveral = OpOf<WordSpan, const WordSpan*, int64_t*>(
    {.name = "SADD", .access = Access::kWrites, .keys = KeyCount::kOne, .makes_room_ahead = true,
     .run = By<typed::SetAddSeveral>, .growth = By<typed::GrowthOfWords>, .is_short = By<typed::WordsAreShort>});
constexpr TypedOp<Bytes, bool*> kSetRemove = OpOf<Bytes, bool*>(
    {.name = "SREM", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SetRemove>});
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kSetRemoveSeveral = OpOf<WordSpan, const WordSpan*, int64_t*>(
    {.name = "SREM", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SetRemoveSeveral>,
     .is_short = By<typed::WordsAreShort>});
constexpr TypedOp<Bytes, bool*> kSetContains = OpOf<Bytes, bool*>(
    {.name = "SISMEMBER", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SetContains>});
constexpr TypedOp<WordSpan, FetchedList*> kSetContainsSeveral = OpOf<WordSpan, FetchedList*>(
    {.name = "SMISMEMBER", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SetContainsSeveral>,
     .is_short = By<typed::FewMembers>});
constexpr TypedOp<int64_t*> kSetSize = OpOf<int64_t*>(
    {.name = "SCARD", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SetSize>});
constexpr TypedOp<FetchedList*> kSetMembers = OpOf<FetchedList*>(
    {.name = "SMEMBERS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SetMembers>,
     .is_short = By<typed::SetMembersAreShort>});
constexpr TypedOp<Fetched*> kSetPop = OpOf<Fetched*>(
    {.name = "SPOP", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SetPop>});
constexpr TypedOp<int64_t, FetchedList*> kSetPopSeveral = OpOf<int64_t, FetchedList*>(
    {.name = "SPOP", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SetPopSeveral>,
     .is_short = By<typed::SetPickIsShort>});
constexpr TypedOp<int64_t, FetchedList*> kSetRandom = OpOf<int64_t, FetchedList*>(
    {.name = "SRANDMEMBER", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SetRandom>,
     .is_short = By<typed::SetPickIsShort>});
constexpr TypedOp<Bytes, Bytes, bool*> kSetMove = OpOf<Bytes, Bytes, bool*>(
    {.name = "SMOVE", .access = Access::kWrites, .keys = KeyCount::kSeveral, .run = By<typed::SetMove>,
     .show = By<typed::ShowSetMove>});

constexpr PinOp kPinSet = OpOf<core::CacheCore*, CollectionPin*, size_t*, FetchedList*>(
    {.name = "SMEMBERS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::PinSet>});

}  // namespace larder::inline v0::internal
