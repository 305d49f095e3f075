// What the string commands and the typed string calls do, once for both. See each command's page for its meaning; this
// header says what is ours: which errors, which effects (event name in quotes).
//
// Errors: kWrongType if another type is at the key, kAllocationFailed if memory is short; nothing has changed then.
// Threads: the executor's holder; the caller has called Keyspace::BeginOp, and MakeRoom for what grows.
#ifndef LARDER_OPS_STRINGS_H_
#define LARDER_OPS_STRINGS_H_

#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"
#include "lib/memory/block.h"

namespace larder::inline v0::ops::strings {

// What an edit in place leaves.
inline constexpr keyspace::Form kRawString{keyspace::Type::kString, keyspace::Encoding::kRaw};

// A string as it is read in place: valid until the next change of the keyspace. If `block` is set the bytes are in it,
// and a reference to it keeps them.
struct Text {
  bool found = false;
  Bytes bytes;
  memory::Block* block = nullptr;
};

// Room for the digits of an integer-encoded value; lives as long as the Text that uses it.
struct Digits {
  char room[base::kIntChars];
};

// The bytes of an entry that holds a string.
Text TextOf(const keyspace::Entry& entry, Digits& digits);

// Whether a string may become so long. (What is stored in an entry is short enough for any limit that there may be.)
// Errors: kStringTooLong, kLargerThanMaxmemory.
Error CheckLength(keyspace::Db& db, uint64_t size) LARDER_REQUIRES_HOLDER;

// GET: found == false for a missing key.
Result<Text> Read(keyspace::Db& db, Bytes key, Digits& digits, keyspace::Lookup how = keyspace::Lookup::kRead)
    LARDER_REQUIRES_HOLDER;

struct SetOptions {
  enum class Condition : uint8_t { kAlways, kIfMissing, kIfPresent } condition = Condition::kAlways;
  bool keep_ttl = false;
  // Absolute. One that has passed is stored as any other, as in Redis: the key reads as missing and soon expires.
  int64_t expiry_ms = keyspace::kNoExpiry;
};

// SET ("set", then "expire" with an expiry). False if the condition did not hold. The old value is the caller's to read
// first: `place` is what Locate gave just now, with a value of any type.
Result<bool> Set(keyspace::Db& db, Bytes key, const keyspace::Place& place, const keyspace::StringSource& value,
                 const SetOptions& options) LARDER_REQUIRES_HOLDER;

// MSET and MSETNX ("set" for each), of key, value, key, value... or of pairs. False, and nothing set, if `if_none` and
// one of the keys exists. kAllocationFailed leaves nothing set.
Result<bool> SetMany(keyspace::Db& db, std::span<const Bytes> keys_and_values, bool if_none) LARDER_REQUIRES_HOLDER;
Result<bool> SetMany(keyspace::Db& db, std::span<const std::pair<Bytes, Bytes>> pairs, bool if_none)
    LARDER_REQUIRES_HOLDER;

// APPEND ("append"): the new length. Error: kStringTooLong.
Result<int64_t> Append(keyspace::Db& db, Bytes key, Bytes suffix) LARDER_REQUIRES_HOLDER;

// SETRANGE ("setrange"): the new length. Error: kStringTooLong. REQUIRES: offset >= 0.
Result<int64_t> SetRange(keyspace::Db& db, Bytes key, int64_t offset, Bytes bytes) LARDER_REQUIRES_HOLDER;

// What such a call may add: all up to its end, as the string there may be short, missing, or shared with a reader. The
// second is exact, for what `db` holds now. One that will be refused adds no more than its bytes.
keyspace::Growth GrowthOfSetRange(Bytes key, int64_t offset, Bytes bytes, uint64_t string_bytes_max);
keyspace::Growth GrowthOfAppend(keyspace::Db& db, Bytes key, Bytes suffix, uint64_t string_bytes_max)
    LARDER_REQUIRES_HOLDER;

// GETRANGE's part of a string: `first` and `last` inclusive, negative from the end, before the beginning is the first
// byte (so -9 to -8 of "abc" is "a").
Bytes SliceInclusive(Bytes text, int64_t first, int64_t last);

// INCRBY ("incrby"): the new value. Errors: kNotInteger, kOverflow.
Result<int64_t> IncrementBy(keyspace::Db& db, Bytes key, int64_t by) LARDER_REQUIRES_HOLDER;

// INCRBYFLOAT ("incrbyfloat"): the new value's text, in `digits`. Errors: kNotFloat, kNanOrInfinity, the latter also if
// the sum is beyond `most`: kDoubleMax for who wants it as a double.
inline constexpr long double kDoubleMax = std::numeric_limits<double>::max();
struct FloatDigits {
  char room[base::kLongDoubleChars];
};
Result<Bytes> IncrementByFloat(keyspace::Db& db, Bytes key, long double by, FloatDigits& digits,
                               long double most = std::numeric_limits<long double>::max()) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::strings

#endif  // LARDER_OPS_STRINGS_H_
