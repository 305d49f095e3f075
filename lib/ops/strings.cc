// The string ops.
//
// Encodings are Redis's labels and depend on the op, not on the bytes alone: SET, GETSET, MSET, INCRBY and APPEND to a
// missing key store an integer's exact text as "int"; INCRBYFLOAT never does; APPEND to a key and SETRANGE leave "raw"
// whatever the size. OBJECT ENCODING shows it, so clients can tell.
//
// Canonical commands are what a replica would need: absolute expiries, results in place of arguments where the
// arithmetic may differ elsewhere (INCRBYFLOAT), one command a key (MSET).
#include "lib/ops/strings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/functional/function_ref.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::strings {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Effects;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::StringSource;

bool WantsCommands(Db& db) LARDER_REQUIRES_HOLDER { return db.keyspace().effects().wants(Effects::kCommands); }

Change StringChange(Bytes event, std::span<const Bytes> command) { return {EventClass::kString, event, command}; }

Bytes TextOf(const StringSource& value, Digits& digits) {
  return value.storage == Entry::Storage::kInteger ? base::FormatInt64(value.integer, digits.room) : value.bytes;
}

bool IsString(const Entry& entry) { return entry.type() == keyspace::Type::kString; }

// SET with an expiry.
constexpr keyspace::Event kThenExpire[] = {{EventClass::kGeneric, "expire"}};

}  // namespace

Error CheckLength(Db& db, uint64_t size) {
  const keyspace::KeyspaceConfig& config = db.keyspace().config();
  if (size > config.string_bytes_max) return errors::kStringTooLong;
  if (config.maxmemory != 0 && size > config.maxmemory) return errors::kLargerThanMaxmemory;
  return kOk;
}

Text TextOf(const Entry& entry, Digits& digits) {
  switch (entry.storage()) {
    case Entry::Storage::kInteger: return {true, base::FormatInt64(entry.integer(), digits.room), nullptr};
    case Entry::Storage::kInline: return {true, entry.inline_value(), nullptr};
    case Entry::Storage::kBlock: return {true, entry.block()->view(), entry.block()};
    case Entry::Storage::kStructure: break;  // no string's
  }
  return {};
}

Result<Text> Read(Db& db, Bytes key, Digits& digits, Lookup how) {
  const Entry* entry = db.Find(key, how);
  if (entry == nullptr) return Text{};
  if (!IsString(*entry)) return errors::kWrongType;
  return TextOf(*entry, digits);
}

Result<bool> Set(Db& db, Bytes key, const Place& existing, const StringSource& value, const SetOptions& options) {
  using Condition = SetOptions::Condition;
  if (options.condition == Condition::kIfMissing && existing != nullptr) return false;
  if (options.condition == Condition::kIfPresent && existing == nullptr) return false;
  if (value.storage == Entry::Storage::kBlock) LARDER_RETURN_IF_ERROR(CheckLength(db, value.bytes.size()));
  LARDER_DCHECK(!options.keep_ttl || options.expiry_ms == kNoExpiry);
  int64_t expiry_ms = options.expiry_ms;
  if (options.keep_ttl && existing != nullptr) expiry_ms = existing->expiry_ms();

  Digits digits, expiry_digits;
  Bytes command[5];
  size_t words = 0;
  if (WantsCommands(db)) {
    command[words++] = "SET";
    command[words++] = key;
    command[words++] = TextOf(value, digits);
    if (options.keep_ttl) {
      command[words++] = "KEEPTTL";
    } else if (expiry_ms != kNoExpiry) {
      command[words++] = "PXAT";
      command[words++] = base::FormatInt64(expiry_ms, expiry_digits.room);
    }
  }
  Change change = StringChange("set", {command, words});
  if (options.expiry_ms != kNoExpiry) change.more = kThenExpire;
  LARDER_RETURN_IF_ERROR(db.PutString(key, existing, value, expiry_ms, change).error());
  return true;
}

namespace {

using Pair = std::pair<Bytes, Bytes>;

Result<bool> SetPairs(Db& db, size_t count, Db::PairAt at, bool if_none) LARDER_REQUIRES_HOLDER {
  if (if_none) {
    keyspace::KeyWindow window(db, count, [&](size_t i) { return at(i).first; });
    for (size_t i = 0; i < count; ++i) {
      if (window.Find(i, Lookup::kWrite) != nullptr) return false;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const auto [key, value] = at(i);
    LARDER_RETURN_IF_ERROR(CheckLength(db, value.size()));
    if (key.size() > db.keyspace().config().string_bytes_max) return errors::kStringTooLong;
  }
  LARDER_RETURN_IF_ERROR(db.PutStrings(count, at, "set"));
  return true;
}

}  // namespace

Result<bool> SetMany(Db& db, std::span<const Bytes> keys_and_values, bool if_none) {
  LARDER_DCHECK(keys_and_values.size() % 2 == 0);
  auto at = [&](size_t i) { return Pair(keys_and_values[2 * i], keys_and_values[2 * i + 1]); };
  return SetPairs(db, keys_and_values.size() / 2, at, if_none);
}

Result<bool> SetMany(Db& db, std::span<const Pair> pairs, bool if_none) {
  auto at = [&](size_t i) { return pairs[i]; };
  return SetPairs(db, pairs.size(), at, if_none);
}

Result<int64_t> Append(Db& db, Bytes key, Bytes suffix) {
  const Place existing = db.Locate(key, Lookup::kWrite);
  const Bytes command[] = {"APPEND", key, suffix};
  const Change change = StringChange("append", command);
  if (existing == nullptr) {
    LARDER_RETURN_IF_ERROR(CheckLength(db, suffix.size()));
    LARDER_RETURN_IF_ERROR(db.PutString(key, existing, StringSource::Of(suffix), kNoExpiry, change).error());
    return static_cast<int64_t>(suffix.size());
  }
  if (!IsString(*existing)) return errors::kWrongType;
  Digits digits;
  const size_t old_size = TextOf(*existing, digits).bytes.size();
  const size_t new_size = old_size + suffix.size();
  LARDER_RETURN_IF_ERROR(CheckLength(db, new_size));
  auto edit = [&](char* bytes) { base::CopyBytes(bytes + old_size, suffix); };
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, existing, kRawString, new_size, edit, change).error());
  return static_cast<int64_t>(new_size);
}

Result<int64_t> SetRange(Db& db, Bytes key, int64_t offset, Bytes bytes) {
  LARDER_DCHECK(offset >= 0);
  const Place existing = db.Locate(key, Lookup::kWrite);
  if (existing != nullptr && !IsString(*existing)) return errors::kWrongType;
  Digits digits;
  const size_t old_size = existing == nullptr ? 0 : TextOf(*existing, digits).bytes.size();
  if (bytes.empty()) return static_cast<int64_t>(old_size);
  const uint64_t end = static_cast<uint64_t>(offset) + bytes.size();
  LARDER_RETURN_IF_ERROR(CheckLength(db, end));
  const size_t new_size = end > old_size ? end : old_size;
  Digits offset_digits;
  const Bytes command[] = {"SETRANGE", key, WantsCommands(db) ? base::FormatInt64(offset, offset_digits.room) : Bytes(),
                           bytes};
  auto edit = [&](char* to) { base::CopyBytes(to + offset, bytes); };
  const Change change = StringChange("setrange", command);
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, existing, kRawString, new_size, edit, change).error());
  return static_cast<int64_t>(new_size);
}

keyspace::Growth GrowthOfSetRange(Bytes key, int64_t offset, Bytes bytes, uint64_t string_bytes_max) {
  const uint64_t end = offset < 0 || bytes.empty() ? 0 : static_cast<uint64_t>(offset) + bytes.size();
  const size_t value_bytes = end > string_bytes_max ? bytes.size() : std::max<size_t>(end, bytes.size());
  if (value_bytes == bytes.size()) return {.bytes = key.size() + value_bytes, .value_bytes = value_bytes};
  // A string that is there is given room to grow, see Db::EditBytes.
  return {.bytes = key.size() + value_bytes + std::min(value_bytes, size_t{1} << 20), .value_bytes = value_bytes};
}

keyspace::Growth GrowthOfAppend(Db& db, Bytes key, Bytes suffix, uint64_t string_bytes_max) {
  const size_t end = db.Look(key) == Db::Presence::kThere ? db.BlockBytes(key) + suffix.size() : suffix.size();
  if (end > string_bytes_max) return {.bytes = key.size() + suffix.size(), .value_bytes = suffix.size()};
  return {.bytes = key.size() + std::max(suffix.size(), db.BytesToEdit(key, end)), .value_bytes = end};
}

Bytes SliceInclusive(Bytes text, int64_t first, int64_t last) {
  const int64_t size = static_cast<int64_t>(text.size());
  if (first < 0 && last < 0 && first > last) return {};
  if (first < 0) first = first + size < 0 ? 0 : first + size;
  if (last < 0) last = last + size < 0 ? 0 : last + size;
  if (last >= size) last = size - 1;
  if (first > last) return {};
  return text.substr(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
}

Result<int64_t> IncrementBy(Db& db, Bytes key, int64_t by) {
  const Place existing = db.Locate(key, Lookup::kWrite);
  int64_t value = 0;
  int64_t expiry_ms = kNoExpiry;
  if (existing != nullptr) {
    if (!IsString(*existing)) return errors::kWrongType;
    Digits unused;
    if (existing->storage() == Entry::Storage::kInteger) {
      value = existing->integer();
    } else if (!base::ParseInt64(TextOf(*existing, unused).bytes, &value)) {
      return errors::kNotInteger;
    }
    expiry_ms = existing->expiry_ms();
  }
  if (__builtin_add_overflow(value, by, &value)) return errors::kOverflow;
  Digits digits;
  const Bytes command[] = {"INCRBY", key, WantsCommands(db) ? base::FormatInt64(by, digits.room) : Bytes()};
  LARDER_RETURN_IF_ERROR(
      db.PutString(key, existing, StringSource::Of(value), expiry_ms, StringChange("incrby", command)).error());
  return value;
}

Result<Bytes> IncrementByFloat(Db& db, Bytes key, long double by, FloatDigits& digits, long double most) {
  const Place existing = db.Locate(key, Lookup::kWrite);
  long double value = 0;
  int64_t expiry_ms = kNoExpiry;
  if (existing != nullptr) {
    if (!IsString(*existing)) return errors::kWrongType;
    Digits unused;
    if (existing->storage() == Entry::Storage::kInteger) {
      value = static_cast<long double>(existing->integer());
    } else if (!base::ParseLongDouble(TextOf(*existing, unused).bytes, &value)) {
      return errors::kNotFloat;
    }
    expiry_ms = existing->expiry_ms();
  }
  value += by;
  if (!std::isfinite(value) || std::fabs(value) > most) return errors::kNanOrInfinity;
  const Bytes text = base::FormatLongDoubleHuman(value, digits.room);
  const Bytes command[] = {"SET", key, text, "KEEPTTL"};
  LARDER_RETURN_IF_ERROR(
      db.PutString(key, existing, StringSource::Text(text), expiry_ms, StringChange("incrbyfloat", command)).error());
  return text;
}

}  // namespace larder::inline v0::ops::strings
