// What the bitmap commands do, once for them and for typed calls. See each command's page for its meaning; this header
// says what is ours: which errors, which effects (event name in quotes).
//
// Errors: kWrongType if another type is at a key, kAllocationFailed if memory is short; nothing has changed then.
// Threads: the executor's holder; the caller has called Keyspace::BeginOp, and MakeRoom for what grows.
#ifndef LARDER_OPS_BITS_H_
#define LARDER_OPS_BITS_H_

#include <cstdint>
#include <optional>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"
#include "lib/ops/bit_words.h"

namespace larder::inline v0::ops::bits {

// SETBIT ("setbit" unless all is as it was): the bit that was there. Error: kLargerThanMaxmemory.
Result<bool> Set(keyspace::Db& db, Bytes key, uint64_t offset, bool bit) LARDER_REQUIRES_HOLDER;

// BITOP ("set"; "del" if a key is gone because all sources are empty): the size of what is at `destination` then.
// `command` is what was asked for, for logs. REQUIRES: kNot has one source.
Result<int64_t> Combine(keyspace::Db& db, Operation operation, Bytes destination, std::span<const Bytes> sources,
                        std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

// One step of BITFIELD.
struct FieldStep {
  enum class Kind : uint8_t { kGet, kSet, kIncrement } kind = Kind::kGet;
  enum class Overflow : uint8_t { kWrap, kSaturate, kFail } overflow = Overflow::kWrap;
  bool is_signed = false;
  uint8_t width = 0;    // in bits: up to 64 with a sign, up to 63 without
  uint64_t offset = 0;  // of its first bit
  int64_t value = 0;    // what is set, or added

  // Bytes that a string has to have for a step that writes, 0 for one that does not.
  uint64_t bytes_needed() const { return kind == Kind::kGet ? 0 : (offset + width - 1) / 8 + 1; }
};
// What a step gives; nullopt if it has failed (kFail).
using FieldResult = absl::FunctionRef<void(std::optional<int64_t> value)>;

// BITFIELD ("setbit" if something has changed): all steps one after another, a result for each. Results may have been
// given before an error. A string that is too short is made longer even if then nothing is written into it; if that is
// all there is no effect, and whoever watches the key is not told, as in Redis. `command` as above. Error:
// kLargerThanMaxmemory.
Error RunFields(keyspace::Db& db, Bytes key, std::span<const FieldStep> steps, std::span<const Bytes> command,
                FieldResult result) LARDER_REQUIRES_HOLDER;

// What writing up to byte `end` (not included) may add; exact with a database, for what that holds now.
keyspace::Growth GrowthOf(keyspace::Db* db, Bytes key, uint64_t end, uint64_t string_bytes_max);

}  // namespace larder::inline v0::ops::bits

#endif  // LARDER_OPS_BITS_H_
