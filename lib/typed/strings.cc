// The ops of the typed string calls except SET's. lib/typed/op.h tells how they are written.
#include "lib/ops/strings.h"

#include <larder/internal/string_ops.h>
#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/engine/short.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/keyspace/keyspace.h"
#include "lib/typed/fetch.h"
#include "lib/typed/op.h"
#include "lib/typed/run.h"

namespace larder::inline v0::typed {
namespace {

using internal::Fetched;
using internal::FetchedList;
using internal::KeySpan;
using internal::Viewer;
using keyspace::Entry;
using keyspace::Growth;
using keyspace::Lookup;

constexpr ErrorText kBadOffset{absl::StatusCode::kInvalidArgument, "SetRange: offset must not be negative"};

// ---- Reads ---------------------------------------------------------------------------------------------------------

// This is the hottest path of all. Inlined, all of it is one piece of code that calls nothing but memcpy.
[[gnu::always_inline]] inline Error Get(const OpAt& at, Fetched* to) {
  const Entry* entry = at.db().FindInline(at.key, at.hash, Lookup::kRead);
  if (entry == nullptr) return kOk;
  if (entry->is_inline_string()) [[likely]] {
    const Bytes value = entry->inline_value();
    if (char* place = to->Place(value.size()); place != nullptr) [[likely]] {
      base::CopyBytes(place, value);
      return kOk;
    }
  }
  return FetchString(*entry, to);
}
// The same outside of the hot path.
Error GetOutOfLine(const OpAt& at, Fetched* to) {
  const Entry* entry = at.db().FindHashed(at.key, at.hash, Lookup::kRead);
  return entry == nullptr ? kOk : FetchString(*entry, to);
}

bool FetchInto(const ops::strings::Text& text, FetchedList* to) {
  if (!text.found) return to->AddMissing();
  if (text.block == nullptr) return to->Add(text.bytes);
  if (!to->AddPinned(text.block, text.bytes)) return false;
  text.block->Ref();
  return true;
}

Error GetSeveral(const OpAt& at, KeySpan keys, FetchedList* to) {
  auto window = keyspace::WindowOver(at.db(), keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    const Entry* entry = window.Find(i, Lookup::kRead);
    ops::strings::Digits digits;
    ops::strings::Text text;
    if (entry != nullptr && entry->type() == keyspace::Type::kString) text = ops::strings::TextOf(*entry, digits);
    if (!FetchInto(text, to)) return internal::kNoMemoryForResult;
  }
  return kOk;
}

bool FewKeys(keyspace::Db&, Bytes, KeySpan keys, FetchedList*) { return keys.size() <= engine::kShortElements; }

Error GetRange(const OpAt& at, int64_t first, int64_t last, Fetched* to) {
  ops::strings::Digits digits;
  LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
  FetchPart(text, ops::strings::SliceInclusive(text.bytes, first, last), to);
  return kOk;
}

// View's function is user code, so this thread enters the executor for it.
const ErrorText* View(const Target& target, const OpRow&, Bytes key, Viewer fn) {
  core::CacheCore& core = *target.core;
  if (!target.held()) {
    const executor::Outcome outcome = core.executor().EnterUser();
    if (outcome != executor::Outcome::kRan) return core::CacheCore::ErrorOf(outcome);
  } else if (!core.MayTransact(target.transaction)) {
    return &kTransactionIsOver;
  }
  base::AssertHolder();
  target.db->keyspace().BeginTypedOp();
  if (core.monitored()) [[unlikely]] ShowToMonitors(core, target.index, internal::kView, key, fn);
  ops::strings::Digits digits;
  const Result<ops::strings::Text> text = ops::strings::Read(*target.db, key, digits);
  if (target.held()) core.PauseTransacting();  // a change could change the bytes that fn sees
  if (text.ok()) fn(text->found ? std::optional<std::string_view>(text->bytes) : std::nullopt);
  if (target.held()) {
    core.GoOnTransacting();
  } else {
    core.AfterOp();
    core.executor().LeaveUser();
  }
  return text.error().text();
}

// ---- Numbers -------------------------------------------------------------------------------------------------------

Error Increment(const OpAt& at, int64_t by, int64_t* value) {
  LARDER_ASSIGN_OR_RETURN(*value, ops::strings::IncrementBy(at.db(), at.key, by));
  return kOk;
}
Growth GrowthOfIncrement(core::CacheCore&, Bytes key, int64_t, int64_t*) { return GrowthOfEntry(key); }

Error IncrementFloat(const OpAt& at, double by, double* value) {
  ops::strings::FloatDigits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text,
                          ops::strings::IncrementByFloat(at.db(), at.key, static_cast<long double>(by), digits,
                                                         ops::strings::kDoubleMax));
  long double parsed = 0;
  LARDER_CHECK(base::ParseLongDouble(text, &parsed));
  *value = static_cast<double>(parsed);
  return kOk;
}
Growth GrowthOfIncrementFloat(core::CacheCore&, Bytes key, double, double*) { return GrowthOfEntry(key); }

// ---- Edits ---------------------------------------------------------------------------------------------------------

// Whether an edit is short: it may have to copy the string, and adds `bytes` to it.
bool EditIsShort(keyspace::Db& db, Bytes key, size_t bytes) LARDER_REQUIRES_HOLDER {
  return bytes <= engine::kShortBytes && db.BlockBytes(key) <= engine::kShortBytes;
}

Error Append(const OpAt& at, Bytes suffix, int64_t* length) {
  LARDER_ASSIGN_OR_RETURN(*length, ops::strings::Append(at.db(), at.key, suffix));
  return kOk;
}
Growth GrowthOfAppend(core::CacheCore&, Bytes key, Bytes suffix, int64_t*) {
  return {.bytes = key.size() + suffix.size(), .value_bytes = suffix.size()};
}
bool AppendIsShort(keyspace::Db& db, Bytes key, Bytes suffix, int64_t*) LARDER_REQUIRES_HOLDER {
  return EditIsShort(db, key, suffix.size());
}

const ErrorText* StartSetRange(const Target& target, const OpRow& row, Bytes key, int64_t offset, Bytes bytes,
                               int64_t* length) {
  if (offset < 0) return &kBadOffset;
  const std::tuple<int64_t, Bytes, int64_t*> args(offset, bytes, length);
  return GoOnWithRoom(target, row, key, &args);
}
Error SetRange(const OpAt& at, int64_t offset, Bytes bytes, int64_t* length) {
  LARDER_ASSIGN_OR_RETURN(*length, ops::strings::SetRange(at.db(), at.key, offset, bytes));
  return kOk;
}
Growth GrowthOfSetRange(core::CacheCore& core, Bytes key, int64_t offset, Bytes bytes, int64_t*) {
  return ops::strings::GrowthOfSetRange(key, offset, bytes,
                                        core.limits().bulk_bytes_max.load(std::memory_order_relaxed));
}
bool SetRangeIsShort(keyspace::Db& db, Bytes key, int64_t offset, Bytes bytes, int64_t*) LARDER_REQUIRES_HOLDER {
  return EditIsShort(db, key, static_cast<size_t>(offset) + bytes.size());
}

}  // namespace

Error FetchString(const Entry& entry, Fetched* to) {
  if (entry.type() != keyspace::Type::kString) return errors::kWrongType;
  ops::strings::Digits digits;
  const ops::strings::Text text = ops::strings::TextOf(entry, digits);
  FetchPart(text, text.bytes, to);
  return kOk;
}

}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<Fetched*> kGet = OpOf<Fetched*>(
    {.name = "GET", .access = Access::kReads, .keys = KeyCount::kOne, .hashes = true,
     .run = By<typed::GetOutOfLine>, .start = By<typed::RunInlined<kGet, typed::Get, Fetched*>>});

constexpr TypedOp<KeySpan, FetchedList*> kGetSeveral = OpOf<KeySpan, FetchedList*>(
    {.name = "MGET", .access = Access::kReads, .keys = KeyCount::kSeveral,
     .run = By<typed::GetSeveral>, .is_short = By<typed::FewKeys>});

constexpr TypedOp<int64_t, int64_t, Fetched*> kGetRange = OpOf<int64_t, int64_t, Fetched*>(
    {.name = "GETRANGE", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::GetRange>});

constexpr TypedOp<Viewer> kView = OpOf<Viewer>(
    {.name = "GET", .access = Access::kReads, .keys = KeyCount::kOne, .start = By<typed::View>});

constexpr TypedOp<int64_t, int64_t*> kIncrement = OpOf<int64_t, int64_t*>(
    {.name = "INCRBY", .access = Access::kWrites, .keys = KeyCount::kOne,
     .run = By<typed::Increment>, .growth = By<typed::GrowthOfIncrement>});

constexpr TypedOp<double, double*> kIncrementFloat = OpOf<double, double*>(
    {.name = "INCRBYFLOAT", .access = Access::kWrites, .keys = KeyCount::kOne,
     .run = By<typed::IncrementFloat>, .growth = By<typed::GrowthOfIncrementFloat>});

constexpr TypedOp<Bytes, int64_t*> kAppend = OpOf<Bytes, int64_t*>(
    {.name = "APPEND", .access = Access::kWrites, .keys = KeyCount::kOne, .makes_room_ahead = true,
     .run = By<typed::Append>, .growth = By<typed::GrowthOfAppend>, .is_short = By<typed::AppendIsShort>});

constexpr TypedOp<int64_t, Bytes, int64_t*> kSetRange = OpOf<int64_t, Bytes, int64_t*>(
    {.name = "SETRANGE", .access = Access::kWrites, .keys = KeyCount::kOne,
     .run = By<typed::SetRange>, .start = By<typed::StartSetRange>, .growth = By<typed::GrowthOfSetRange>,
     .is_short = By<typed::SetRangeIsShort>});

}  // namespace larder::inline v0::internal
