// What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options, and how a collection is scanned.
#ifndef LARDER_COMMANDS_SCAN_OPTIONS_H_
#define LARDER_COMMANDS_SCAN_OPTIONS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/commands/family.h"
#include "lib/keyspace/collection.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::commands {

struct ScanOptions {
  Bytes pattern;
  bool any_key = true;
  int64_t count = 10;
  Bytes type;
  bool any_type = true;

  bool Matches(Bytes text) const;
};

// A cursor as Redis reads it, which is as C's strtoul does without leading blanks: a sign, leading zeros and the empty
// text are taken, "-1" is 2^64 - 1, and what follows a NUL is not seen.
bool ParseCursor(Bytes text, uint64_t* cursor);
// MATCH, COUNT, and, of keys, TYPE. The pattern may end up in `room`.
Error ParseScanOptions(ArgReader& args, bool of_keys, ScanOptions* options, base::Buffer& room);
// `skip`: at which argument the options begin.
bool ScanOptionsAreShort(std::span<const Bytes> argv, size_t skip);

// The whole reply of HSCAN and its like: the cursor, and what `add` writes for each record whose first part matches:
// `per_record` replies. What Redis keeps packed comes all at once.
using AddRecord = absl::FunctionRef<void(const char* record, resp::ReplyWriter& reply)>;
Error ReplyScan(const keyspace::Collection& collection, bool all_at_once, uint64_t cursor, const ScanOptions& options,
                size_t per_record, AddRecord add, resp::ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_SCAN_OPTIONS_H_
