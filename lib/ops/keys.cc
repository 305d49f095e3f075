#include "lib/ops/keys.h"

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/key_window.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::keys {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::Place;

void DeleteEntry(Db& db, const Place& entry, Bytes key) LARDER_REQUIRES_HOLDER {
  const Bytes command[] = {"DEL", key};
  db.Delete(entry, {EventClass::kGeneric, "del", command});
}

bool Allows(const ExpireOptions& options, int64_t current_ms, int64_t wanted_ms) {
  const bool none = current_ms == kNoExpiry;
  if (options.if_none && !none) return false;
  if (options.if_any && none) return false;
  // A key without an expiry counts as one that lives longest: never less, always greater.
  if (options.if_greater && (none || wanted_ms <= current_ms)) return false;
  if (options.if_less && !none && wanted_ms >= current_ms) return false;
  return true;
}

}  // namespace

int64_t Delete(Db& db, std::span<const Bytes> keys) {
  const keyspace::Effects::Group group(db.keyspace().effects());
  int64_t deleted = 0;
  auto window = keyspace::WindowOver(db, keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    const Place entry = window.Locate(i, Lookup::kRemove);
    if (entry == nullptr) {
      db.NoteAbsence(keys[i]);
      continue;
    }
    DeleteEntry(db, entry, keys[i]);
    ++deleted;
  }
  return deleted;
}

int64_t Count(Db& db, std::span<const Bytes> keys, Lookup how) {
  int64_t present = 0;
  auto window = keyspace::WindowOver(db, keys);
  for (size_t i = 0; i < keys.size(); ++i) present += window.Find(i, how) != nullptr;
  return present;
}

Result<bool> ExpireAt(Db& db, Bytes key, int64_t expiry_ms, const ExpireOptions& options) {
  const Place entry = db.Locate(key, Lookup::kWrite);
  if (entry == nullptr) {
    if (expiry_ms <= db.keyspace().now_ms()) db.NoteAbsence(key);
    return false;
  }
  return ExpireEntryAt(db, entry, key, expiry_ms, options);
}

Result<bool> ExpireEntryAt(Db& db, const Place& entry, Bytes key, int64_t expiry_ms, const ExpireOptions& options) {
  if (!Allows(options, entry->expiry_ms(), expiry_ms)) return false;
  if (expiry_ms <= db.keyspace().now_ms()) {
    DeleteEntry(db, entry, key);
    return true;
  }
  if (expiry_ms <= 0) return errors::kClockBefore1970;
  char digits[base::kIntChars];
  Bytes command[] = {"PEXPIREAT", key, {}};
  Change change = {EventClass::kGeneric, "expire"};
  if (db.keyspace().effects().wants(keyspace::Effects::kCommands)) {
    command[2] = base::FormatInt64(expiry_ms, digits);
    change.command = command;
  }
  LARDER_RETURN_IF_ERROR(db.SetExpiry(entry, expiry_ms, change).error());
  return true;
}

Result<bool> Persist(Db& db, Bytes key) {
  const Place entry = db.Locate(key, Lookup::kWrite);
  return entry == nullptr ? Result<bool>(false) : PersistEntry(db, entry, key);
}

Result<bool> PersistEntry(Db& db, const Place& entry, Bytes key) {
  if (!entry->has_expiry()) return false;
  const Bytes command[] = {"PERSIST", key};
  LARDER_RETURN_IF_ERROR(db.ClearExpiry(entry, {EventClass::kGeneric, "persist", command}).error());
  return true;
}

int64_t TtlMs(Db& db, Bytes key) {
  const Entry* entry = db.Find(key, Lookup::kInspect);
  if (entry == nullptr) return -2;
  if (!entry->has_expiry()) return -1;
  return entry->expiry_ms() - db.keyspace().now_ms();  // > 0: Find has dropped a key whose time has come
}

int64_t ExpireTimeMs(Db& db, Bytes key) {
  const Entry* entry = db.Find(key, Lookup::kInspect);
  if (entry == nullptr) return -2;
  return entry->has_expiry() ? entry->expiry_ms() : -1;
}

Result<bool> Rename(Db& db, Bytes from, Bytes to, bool if_missing) {
  const Place entry = db.Locate(from, Lookup::kWrite);
  if (entry == nullptr) {
    db.NoteAbsence(from);
    return errors::kNoSuchKey;
  }
  if (from == to) return !if_missing;
  const Place existing = db.Locate(to, Lookup::kWrite);
  if (existing != nullptr && if_missing) return false;
  // One command says both changes; it goes with the first.
  const Bytes command[] = {"RENAME", from, to};
  LARDER_RETURN_IF_ERROR(db.PutMoved(to, existing, db, entry, {EventClass::kGeneric, "rename_from", command},
                                      {EventClass::kGeneric, "rename_to"}).error());
  db.keyspace().effects().AdjustDirty(-1);
  return true;
}

Result<bool> Copy(Db& from_db, Bytes from, Db& to_db, Bytes to, bool replace) {
  const Entry* const entry = from_db.Find(from, Lookup::kRead);
  if (entry == nullptr) return false;
  const Place existing = to_db.Locate(to, Lookup::kWrite);
  if (existing != nullptr && !replace) return false;
  char digits[base::kIntChars];
  const Bytes here[] = {"COPY", from, to, "REPLACE"};
  const Bytes across[] = {"COPY", from, to, "DB", base::FormatInt64(to_db.index(), digits), "REPLACE"};
  Change change = {EventClass::kGeneric, "copy_to", here};
  if (&from_db != &to_db) change.command = across;
  LARDER_RETURN_IF_ERROR(to_db.PutCopy(to, existing, *entry, entry->expiry_ms(), change).error());
  return true;
}

Result<bool> Move(Db& from_db, Db& to_db, Bytes key) {
  const Place entry = from_db.Locate(key, Lookup::kWrite);
  if (entry == nullptr) {
    from_db.NoteAbsence(key);
    return false;
  }
  const Place place = to_db.Locate(key, Lookup::kWrite);
  if (place != nullptr) return false;
  char digits[base::kIntChars];
  const Bytes command[] = {"MOVE", key, base::FormatInt64(to_db.index(), digits)};
  LARDER_RETURN_IF_ERROR(to_db.PutMoved(key, place, from_db, entry, {EventClass::kGeneric, "move_from", command},
                                         {EventClass::kGeneric, "move_to"}).error());
  to_db.keyspace().effects().AdjustDirty(-1);
  return true;
}

}  // namespace larder::inline v0::ops::keys
