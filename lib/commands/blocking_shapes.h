// What the rows and functions of commands that wait share: see lib/engine/blocking.h.
#ifndef LARDER_COMMANDS_BLOCKING_SHAPES_H_
#define LARDER_COMMANDS_BLOCKING_SHAPES_H_

#include <cmath>
#include <cstdint>

#include "lib/base/error.h"
#include "lib/base/numbers.h"
#include "lib/commands/shapes.h"
#include "lib/engine/blocking.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::commands {

using engine::ReadyKey;

// Redis's "blocking", for those that give their time in seconds and are for no script.
inline constexpr uint32_t kBlocks = kCmdBlocking | kCmdWaits;
inline constexpr uint32_t kBlocksNoscript = kBlocks | kCmdNoscript;

// A time limit in seconds, in ms: rounded up, so that a time that is not 0 does not become for ever. What is too much
// for 64 bits counts as negative, as in Redis.
inline Result<int64_t> ParseSeconds(Bytes text) {
  long double seconds = 0;
  if (!base::ParseLongDouble(text, &seconds)) return errors::kTimeoutNotFloat;
  const long double ms = std::ceil(seconds * 1000);
  if (ms < 0 || ms >= 9223372036854775808.0L) return errors::kTimeoutNegative;
  return static_cast<int64_t>(ms);
}

inline constexpr KeySpec kAwaitedKeys[] = {KeyRange(1, -2, 1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
inline constexpr KeySpec kAwaitedCountedKeys[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyDelete, .index = 2,
                                                   .find = KeySpec::kKeyNum, .key_num = 0, .first_key = 1}};
inline constexpr ArgSpec kTimeoutArg = {.name = "timeout", .type = ArgType::kDouble};
inline constexpr ArgSpec kAwaitArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true}, kTimeoutArg};
inline constexpr HistoryItem kTimeoutHistory[] = {{"6.0.0", "`timeout` may be a fraction."}};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_BLOCKING_SHAPES_H_
