// What the hash commands and the typed hash calls do, once for both; see ops/strings.h for what all ops share.
//
// Forms. A hash begins as "listpack" and answers in the order in which its fields came, up to hash-max-listpack-entries
// fields of hash-max-listpack-value bytes each; then it is a "hashtable" for ever, and its order is that of the table.
// How it is stored follows from its bytes: lib/keyspace/collection.h.
#ifndef LARDER_OPS_HASHES_H_
#define LARDER_OPS_HASHES_H_

#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::ops::hashes {

inline constexpr ds::RecordFormat kPackedPairs{0, 2, ds::RecordFormat::Order::kPosition};

// The hash at `key`, for reading; empty if there is none. Errors: kWrongType.
Result<keyspace::Collection> Open(keyspace::Db& db, Bytes key, keyspace::Lookup how) LARDER_REQUIRES_HOLDER;
inline Result<keyspace::Collection> Open(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER {
  return Open(db, key, keyspace::Lookup::kRead);
}
// A field's value. False if there is none.
bool Find(const keyspace::Collection& hash, Bytes field, Bytes* value);
inline Bytes FieldOf(const keyspace::Collection& hash, const char* record) { return hash.Part(record, 0); }
inline Bytes ValueOf(const keyspace::Collection& hash, const char* record) { return hash.Part(record, 1); }

// HSET ("hset"): field, value, field, value... How many fields are new. `command`: the change as a command.
Result<int64_t> Set(keyspace::Db& db, Bytes key, std::span<const Bytes> fields_and_values,
                    std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// HSETNX ("hset"). False if the field is there.
Result<bool> SetIfMissing(keyspace::Db& db, Bytes key, Bytes field, Bytes value) LARDER_REQUIRES_HOLDER;
// HDEL ("hdel", and "del" with the last field): how many there were.
Result<int64_t> Delete(keyspace::Db& db, Bytes key, std::span<const Bytes> fields, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

// HINCRBY ("hincrby"): the new value. Errors: kHashNotInteger, kOverflow.
Result<int64_t> IncrementBy(keyspace::Db& db, Bytes key, Bytes field, int64_t by) LARDER_REQUIRES_HOLDER;
// HINCRBYFLOAT ("hincrbyfloat"): the new value's text, in `digits`. Errors: kHashNotFloat, kNanOrInfinity.
Result<Bytes> IncrementByFloat(keyspace::Db& db, Bytes key, Bytes field, long double by, strings::FloatDigits& digits)
    LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::hashes

#endif  // LARDER_OPS_HASHES_H_
