// What the rows of many families share: flags, which arguments are keys, argument trees, tips. One name means one thing
// everywhere; what only one file needs stands in that file.
#ifndef LARDER_COMMANDS_SHAPES_H_
#define LARDER_COMMANDS_SHAPES_H_

#include <cstdint>
#include <string_view>

#include "lib/commands/family.h"

namespace larder::inline v0::commands {

// ---- Flags ----------------------------------------------------------------------------------------------------------

inline constexpr uint32_t kReads = kCmdReadOnly | kCmdShort;
inline constexpr uint32_t kFastReads = kReads | kCmdFast;
// Needs no more memory than there was.
inline constexpr uint32_t kWrites = kCmdWrite | kCmdShort;
inline constexpr uint32_t kFastWrites = kWrites | kCmdFast;
// May need more memory.
inline constexpr uint32_t kGrows = kWrites | kCmdDenyOom;
inline constexpr uint32_t kFastGrows = kGrows | kCmdFast;

// For administrators, at any time.
inline constexpr uint32_t kAdmin = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale;

// ---- Keys -----------------------------------------------------------------------------------------------------------

// Says what is in the value.
inline constexpr KeySpec kReadKey[] = {OneKey(1, kKeyReadOnly | kKeyAccess)};
inline constexpr KeySpec kReadKeys[] = {KeyRange(1, -1, 1, kKeyReadOnly | kKeyAccess)};
// Says something about the key or the value, such as its type.
inline constexpr KeySpec kExaminedKey[] = {OneKey(1, kKeyReadOnly)};
inline constexpr KeySpec kExaminedKeys[] = {KeyRange(1, -1, 1, kKeyReadOnly)};
// Changes a part of what is there, and does not say what that was.
inline constexpr KeySpec kUpdatedKey[] = {OneKey(1, kKeyReadWrite | kKeyUpdate)};
// Changes it and says something of it.
inline constexpr KeySpec kReadAndUpdatedKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)};

// ---- Arguments ------------------------------------------------------------------------------------------------------

inline constexpr ArgSpec kKeyArg = {.name = "key", .type = ArgType::kKey, .key_spec = 0};
inline constexpr ArgSpec kValueArg = {.name = "value", .type = ArgType::kString};

inline constexpr ArgSpec kKeyArgs[] = {kKeyArg};
inline constexpr ArgSpec kKeysArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true}};
inline constexpr ArgSpec kKeyValueArgs[] = {kKeyArg, kValueArg};

// ---- Tips -----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kVaries[] = {"nondeterministic_output"};
inline constexpr std::string_view kAnyOrder[] = {"nondeterministic_output_order"};
inline constexpr std::string_view kAllShards[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
inline constexpr std::string_view kSumOfShards[] = {"request_policy:multi_shard", "response_policy:agg_sum"};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_SHAPES_H_
