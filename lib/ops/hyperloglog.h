// What the HyperLogLog commands do to keys, once for them and for typed calls. What the strings are made of is in
// hll_format.h; this header says what is ours: which errors, which effects (event name in quotes).
//
// Errors: kWrongType if another type is at a key, kNotHyperLogLog if another string is, kCorruptHyperLogLog if it begins
// as one, kAllocationFailed if memory is short; nothing has changed then.
// Threads: the executor's holder; the caller has called Keyspace::BeginOp, and MakeRoom for what grows.
#ifndef LARDER_OPS_HYPERLOGLOG_H_
#define LARDER_OPS_HYPERLOGLOG_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"
#include "lib/ops/hll_format.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::ops::hll {

// PFADD ("pfadd" if it is true): whether a register was raised, or a HyperLogLog made. `command` is what was asked for,
// for logs. `sparse_bytes_max`: hll-sparse-max-bytes.
Result<bool> Add(keyspace::Db& db, Bytes key, std::span<const Bytes> elements, size_t sparse_bytes_max,
                 std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

// PFCOUNT of one key, which keeps the estimate in the string: if it was stale, that is a change, of which no event
// tells.
Result<int64_t> Count(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;
// PFCOUNT of the union of several, which keeps nothing.
Result<int64_t> CountUnion(keyspace::Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER;

// PFMERGE ("pfadd" in any case), of all keys: the first is the destination.
Error Merge(keyspace::Db& db, std::span<const Bytes> keys, size_t sparse_bytes_max, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

// The string at a place where something is. Its encoding becomes "raw" first, as in Redis, which invalidates `place`.
// The bytes are valid until the next change of the keyspace.
Result<Bytes> ReadForDebug(keyspace::Db& db, Bytes key, const keyspace::Place& place) LARDER_REQUIRES_HOLDER;
// Makes a sparse one dense: true, or false if it is that already. Not an effect, as it means the same as before.
Result<bool> MakeDense(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

// What adding to `key` may add; exact with a database, for what that holds now.
keyspace::Growth GrowthOf(keyspace::Db* db, Bytes key);

}  // namespace larder::inline v0::ops::hll

#endif  // LARDER_OPS_HYPERLOGLOG_H_
