// What the commands on one set (and SMOVE) and the typed set calls do, once for both; see ops/strings.h for what all
// ops share, and ops/set_value.h for what a set is. Reading is by sets::Open.
#ifndef LARDER_OPS_SETS_H_
#define LARDER_OPS_SETS_H_

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/ops/set_value.h"

namespace larder::inline v0::ops::sets {

// SADD ("sadd"): how many members are new. `command`: the change as a command.
Result<int64_t> Add(keyspace::Db& db, Bytes key, std::span<const Bytes> members,
                    std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// SREM ("srem", and "del" with the last member): how many there were.
Result<int64_t> Remove(keyspace::Db& db, Bytes key, std::span<const Bytes> members,
                       std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

// SPOP ("spop", and "del" with the last member): takes out so many members, each of equal chance, or all. `begin` is
// told how many there will be, `visit` meets each of them, while they are there. After an error they have been met, and
// stay.
Error Pop(keyspace::Db& db, Bytes key, size_t count, absl::FunctionRef<void(size_t count)> begin,
          absl::FunctionRef<void(const Set& set, const char* record)> visit) LARDER_REQUIRES_HOLDER;

// SMOVE ("srem" of the source, and "del" with its last member, then "sadd" of the destination if it is new there).
// False if the source has no such member. Errors: kWrongType of either, but not of the destination if there is no
// source.
Result<bool> Move(keyspace::Db& db, Bytes from, Bytes to, Bytes member) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::sets

#endif  // LARDER_OPS_SETS_H_
