// What the key commands and the typed key calls do, once for both; see ops/strings.h for what all ops share.
#ifndef LARDER_OPS_KEYS_H_
#define LARDER_OPS_KEYS_H_

#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"

namespace larder::inline v0::ops::keys {

// DEL, UNLINK ("del" for each): how many there were.
int64_t Delete(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;

// EXISTS (kInspect) and TOUCH (kRead): how many of the keys are there. One that is named twice counts twice.
int64_t Count(keyspace::Db& db, std::span<const Bytes> keys, keyspace::Lookup how) LARDER_REQUIRES_HOLDER;

struct ExpireOptions {
  bool if_none = false;     // NX
  bool if_any = false;      // XX
  bool if_greater = false;  // GT
  bool if_less = false;     // LT
};
// EXPIRE and its like, with an absolute time in ms ("expire"; "del" if the time has passed). False if there is no such
// key or the condition does not hold.
Result<bool> ExpireAt(keyspace::Db& db, Bytes key, int64_t expiry_ms, const ExpireOptions& options = {})
    LARDER_REQUIRES_HOLDER;

// PERSIST ("persist"). False if there was no expiry to remove.
Result<bool> Persist(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

// The same for a key that Locate has found for writing just now, which is not looked up, and so not used, once more.
Result<bool> ExpireEntryAt(keyspace::Db& db, const keyspace::Place& place, Bytes key, int64_t expiry_ms,
                           const ExpireOptions& options = {}) LARDER_REQUIRES_HOLDER;
Result<bool> PersistEntry(keyspace::Db& db, const keyspace::Place& place, Bytes key) LARDER_REQUIRES_HOLDER;

// PTTL: ms left, -1 without an expiry, -2 without a key. ExpireTime: the absolute time in ms, likewise.
int64_t TtlMs(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;
int64_t ExpireTimeMs(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

// RENAME ("rename_from", "rename_to"). `if_missing`: only if `to` does not exist; false if it does. Error: kNoSuchKey.
Result<bool> Rename(keyspace::Db& db, Bytes from, Bytes to, bool if_missing) LARDER_REQUIRES_HOLDER;

// COPY ("copy_to"): value and expiry. False if there is nothing to copy, or `to` exists and not `replace`.
Result<bool> Copy(keyspace::Db& from_db, Bytes from, keyspace::Db& to_db, Bytes to, bool replace)
    LARDER_REQUIRES_HOLDER;

// MOVE ("move_from", "move_to"). False if there is nothing to move or the key exists in `to_db`.
Result<bool> Move(keyspace::Db& from_db, keyspace::Db& to_db, Bytes key) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::keys

#endif  // LARDER_OPS_KEYS_H_
