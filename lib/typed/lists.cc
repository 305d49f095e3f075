// The ops of the typed list calls. lib/typed/op.h tells how they are written.
#include "lib/ops/lists.h"

#include <larder/internal/list_ops.h>
#include "lib/keyspace/errors.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {

bool AddListElement(const keyspace::Collection& list, const char* record, FetchedList* to) {
  return AddRecordPart(list, record, 0, to);
}

namespace {

using keyspace::Collection;
using keyspace::Growth;
namespace lists = ops::lists;
using lists::End;

void ShowPinRange(engine::Monitors& to, Bytes key, core::CacheCore*, internal::CollectionPin*, size_t*, FetchedList*) {
  to.Add(key);
  to.Add("0");
  to.Add("-1");
}

// ---- Pushing --------------------------------------------------------------------------------------------------------

template <End kEnd, bool kOnlyIfThere>
Error ListPush(const OpAt& at, Bytes element, int64_t* length) {
  constexpr Bytes kName = kEnd == End::kLeft ? "LPUSH" : "RPUSH";
  const Bytes command[] = {kName, at.key, element};
  LARDER_ASSIGN_OR_RETURN(*length, lists::Push(at.db(), at.key, kEnd, std::span(command).subspan(2), kOnlyIfThere,
                                               command));
  return kOk;
}
Growth GrowthOfListPush(core::CacheCore&, Bytes key, Bytes element, int64_t*) { return GrowthOfElement(key, element); }
bool ListPushIsShort(keyspace::Db&, Bytes, Bytes element, int64_t*) { return element.size() <= engine::kShortBytes; }

template <End kEnd>
Error ListPushSeveral(const OpAt& at, WordSpan elements, const WordSpan* command, int64_t* length) {
  LARDER_ASSIGN_OR_RETURN(*length, lists::Push(at.db(), at.key, kEnd, elements, false, *command));
  return kOk;
}

// ---- Popping --------------------------------------------------------------------------------------------------------

template <End kEnd>
Error ListPop(const OpAt& at, Fetched* to) {
  return lists::Pop(at.db(), at.key, kEnd, 1, [to](const lists::Popped& popped) {
           popped.ForEach([&](const char* record) {
             FetchRecordPart(popped.list, record, 0, to);
             return false;
           });
           return true;
         }).error();
}

template <End kEnd>
Error ListPopSeveral(const OpAt& at, int64_t count, FetchedList* to) {
  if (count < 0) return errors::kNotPositive;
  bool filled = true;
  const Error error =
      lists::Pop(at.db(), at.key, kEnd, static_cast<size_t>(count), [&](const lists::Popped& popped) {
        popped.ForEach([&](const char* record) { return filled = AddListElement(popped.list, record, to); });
        return filled;
      }).error();
  return filled ? error : Error(internal::kNoMemoryForResult);
}
bool ListPopIsShort(keyspace::Db& db, Bytes key, int64_t count, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CountIsShort(count) || CollectionIsShort(db, key);
}

Error ListMove(const OpAt& at, Bytes destination, bool from_front, bool to_front, Fetched* fetched) {
  const auto end = [](bool front) { return front ? End::kLeft : End::kRight; };
  return lists::Move(at.db(), at.key, destination, end(from_front), end(to_front), [&](const lists::Popped& popped) {
           popped.ForEach([&](const char* record) {
             FetchRecordPart(popped.list, record, 0, fetched);
             return false;
           });
           return true;
         }).error();
}
void ShowListMove(engine::Monitors& to, Bytes key, Bytes destination, bool from_front, bool to_front, Fetched*) {
  to.Add(key);
  to.Add(destination);
  to.Add(from_front ? "LEFT" : "RIGHT");
  to.Add(to_front ? "LEFT" : "RIGHT");
}

// ---- Reads ----------------------------------------------------------------------------------------------------------

Error ListSize(const OpAt& at, int64_t* size) {
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(at.db(), at.key));
  *size = static_cast<int64_t>(list.size());
  return kOk;
}

Error ListAt(const OpAt& at, int64_t index, Fetched* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(at.db(), at.key));
  size_t found = 0;
  if (lists::IndexOf(index, list.size(), &found)) FetchRecordPart(list, list.At(found), 0, to);
  return kOk;
}

Error ListRange(const OpAt& at, int64_t first, int64_t last, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(at.db(), at.key));
  const lists::Range range = lists::RangeOf(first, last, list.size());
  bool filled = true;
  list.ForRange(range.first, range.count, false,
                [&](const char* record) { return filled = AddListElement(list, record, to); });
  return FilledError(filled);
}
bool ListRangeIsShort(keyspace::Db& db, Bytes key, int64_t first, int64_t last, FetchedList*)
    LARDER_REQUIRES_HOLDER {
  const keyspace::Entry* const entry = db.FindUnchanged(key);
  if (entry == nullptr || entry->type() != keyspace::Type::kList) return true;
  return lists::RangeOf(first, last, Collection(entry, lists::kElements).size()).count <= engine::kShortElements;
}

Error ListFind(const OpAt& at, Bytes element, int64_t rank, int64_t count, FetchedList* to) {
  if (rank == 0) return errors::kZeroRank;
  if (count < 0) return errors::kNegativeCount;
  LARDER_ASSIGN_OR_RETURN(const Collection list, lists::Open(at.db(), at.key));
  bool filled = true;
  lists::ForPositions(list, element, {.rank = rank == INT64_MIN ? -INT64_MAX : rank, .count = static_cast<uint64_t>(count)},
                      [&](size_t index) {
                        const auto number = static_cast<int64_t>(index);
                        filled = to->Add({reinterpret_cast<const char*>(&number), sizeof(number)});
                        return filled;
                      });
  return FilledError(filled);
}
bool ListFindIsShort(keyspace::Db& db, Bytes key, Bytes, int64_t, int64_t, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}
void ShowListFind(engine::Monitors& to, Bytes key, Bytes element, int64_t rank, int64_t count, FetchedList*) {
  to.Add(key);
  to.Add(element);
  if (rank != 1) {
    to.Add("RANK");
    to.Add(rank);
  }
  if (count != 1) {
    to.Add("COUNT");
    to.Add(count);
  }
}

// ---- Changes --------------------------------------------------------------------------------------------------------

Error ListSet(const OpAt& at, int64_t index, Bytes element) {
  LARDER_ASSIGN_OR_RETURN(const keyspace::Place place, lists::Locate(at.db(), at.key));
  if (place == nullptr) return errors::kNoSuchKey;
  return lists::Set(at.db(), at.key, place, index, element);
}
Growth GrowthOfListSet(core::CacheCore&, Bytes key, int64_t, Bytes element) { return GrowthOfElement(key, element); }
bool ListSetIsShort(keyspace::Db&, Bytes, int64_t, Bytes element) { return element.size() <= engine::kShortBytes; }

Error ListInsert(const OpAt& at, bool before, Bytes pivot, Bytes element, int64_t* length) {
  LARDER_ASSIGN_OR_RETURN(*length, lists::Insert(at.db(), at.key, before, pivot, element));
  return kOk;
}
Growth GrowthOfListInsert(core::CacheCore&, Bytes key, bool, Bytes, Bytes element, int64_t*) {
  return GrowthOfElement(key, element);
}
bool ListInsertIsShort(keyspace::Db& db, Bytes key, bool, Bytes, Bytes element, int64_t*) LARDER_REQUIRES_HOLDER {
  return element.size() <= engine::kShortBytes && CollectionIsShort(db, key);
}
void ShowListInsert(engine::Monitors& to, Bytes key, bool before, Bytes pivot, Bytes element, int64_t*) {
  to.Add(key);
  to.Add(before ? "BEFORE" : "AFTER");
  to.Add(pivot);
  to.Add(element);
}

Error ListRemove(const OpAt& at, int64_t count, Bytes element, int64_t* removed) {
  LARDER_ASSIGN_OR_RETURN(*removed, lists::Remove(at.db(), at.key, count, element));
  return kOk;
}
bool ListRemoveIsShort(keyspace::Db& db, Bytes key, int64_t, Bytes, int64_t*) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}

Error ListTrim(const OpAt& at, int64_t first, int64_t last) { return lists::Trim(at.db(), at.key, first, last); }
bool ListTrimIsShort(keyspace::Db& db, Bytes key, int64_t, int64_t) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

template <End kEnd, bool kOnlyIfThere = false>
constexpr TypedOp<Bytes, int64_t*> PushRow(Bytes name) {
  return OpOf<Bytes, int64_t*>({.name = name, .access = Access::kWrites, .keys = KeyCount::kOne,
                                .run = By<ListPush<kEnd, kOnlyIfThere>>, .growth = By<GrowthOfListPush>,
                                .is_short = By<ListPushIsShort>});
}
template <End kEnd>
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> PushSeveralRow(Bytes name) {
  return OpOf<WordSpan, const WordSpan*, int64_t*>(
      {.name = name, .access = Access::kWrites, .keys = KeyCount::kOne, .makes_room_ahead = true,
       .run = By<ListPushSeveral<kEnd>>, .growth = By<GrowthOfWords>, .is_short = By<WordsAreShort>});
}
template <End kEnd>
constexpr TypedOp<Fetched*> PopRow(Bytes name) {
  return OpOf<Fetched*>({.name = name, .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<ListPop<kEnd>>});
}
template <End kEnd>
constexpr TypedOp<int64_t, FetchedList*> PopSeveralRow(Bytes name) {
  return OpOf<int64_t, FetchedList*>({.name = name, .access = Access::kWrites, .keys = KeyCount::kOne,
                                      .run = By<ListPopSeveral<kEnd>>, .is_short = By<ListPopIsShort>});
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using ops::lists::End;
using typed::By;
using typed::OpOf;

constexpr TypedOp<Bytes, int64_t*> kListPushFront = typed::PushRow<End::kLeft>("LPUSH");
constexpr TypedOp<Bytes, int64_t*> kListPushBack = typed::PushRow<End::kRight>("RPUSH");
constexpr TypedOp<Bytes, int64_t*> kListPushFrontIfPresent = typed::PushRow<End::kLeft, true>("LPUSHX");
constexpr TypedOp<Bytes, int64_t*> kListPushBackIfPresent = typed::PushRow<End::kRight, true>("RPUSHX");
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kListPushFrontSeveral = typed::PushSeveralRow<End::kLeft>("LPUSH");
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kListPushBackSeveral = typed::PushSeveralRow<End::kRight>("RPUSH");
constexpr TypedOp<Fetched*> kListPopFront = typed::PopRow<End::kLeft>("LPOP");
constexpr TypedOp<Fetched*> kListPopBack = typed::PopRow<End::kRight>("RPOP");
constexpr TypedOp<int64_t, FetchedList*> kListPopFrontSeveral = typed::PopSeveralRow<End::kLeft>("LPOP");
constexpr TypedOp<int64_t, FetchedList*> kListPopBackSeveral = typed::PopSeveralRow<End::kRight>("RPOP");

constexpr TypedOp<Bytes, bool, bool, Fetched*> kListMove = OpOf<Bytes, bool, bool, Fetched*>(
    {.name = "LMOVE", .access = Access::kWrites, .keys = KeyCount::kSeveral, .run = By<typed::ListMove>,
     .show = By<typed::ShowListMove>});

constexpr TypedOp<int64_t*> kListSize = OpOf<int64_t*>(
    {.name = "LLEN", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::ListSize>});
constexpr TypedOp<int64_t, Fetched*> kListAt = OpOf<int64_t, Fetched*>(
    {.name = "LINDEX", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::ListAt>});
constexpr TypedOp<int64_t, int64_t, FetchedList*> kListRange = OpOf<int64_t, int64_t, FetchedList*>(
    {.name = "LRANGE", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::ListRange>,
     .is_short = By<typed::ListRangeIsShort>});
constexpr TypedOp<Bytes, int64_t, int64_t, FetchedList*> kListFind = OpOf<Bytes, int64_t, int64_t, FetchedList*>(
    {.name = "LPOS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::ListFind>,
     .is_short = By<typed::ListFindIsShort>, .show = By<typed::ShowListFind>});

constexpr TypedOp<int64_t, Bytes> kListSet = OpOf<int64_t, Bytes>(
    {.name = "LSET", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::ListSet>,
     .growth = By<typed::GrowthOfListSet>, .is_short = By<typed::ListSetIsShort>});
constexpr TypedOp<bool, Bytes, Bytes, int64_t*> kListInsert = OpOf<bool, Bytes, Bytes, int64_t*>(
    {.name = "LINSERT", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::ListInsert>,
     .growth = By<typed::GrowthOfListInsert>, .is_short = By<typed::ListInsertIsShort>,
     .show = By<typed::ShowListInsert>});
constexpr TypedOp<int64_t, Bytes, int64_t*> kListRemove = OpOf<int64_t, Bytes, int64_t*>(
    {.name = "LREM", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::ListRemove>,
     .is_short = By<typed::ListRemoveIsShort>});
constexpr TypedOp<int64_t, int64_t> kListTrim = OpOf<int64_t, int64_t>(
    {.name = "LTRIM", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::ListTrim>,
     .is_short = By<typed::ListTrimIsShort>});

constexpr PinOp kPinList = OpOf<core::CacheCore*, CollectionPin*, size_t*, FetchedList*>(
    {.name = "LRANGE", .access = Access::kReads, .keys = KeyCount::kOne,
     .run = By<typed::Pin<keyspace::Type::kList, ops::lists::kElements, typed::AddListElement>>,
     .show = By<typed::ShowPinRange>});

}  // namespace larder::inline v0::internal
