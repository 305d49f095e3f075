// Key specs, argument trees, tips and history of the string family's rows.
#ifndef LARDER_COMMANDS_STRING_ARGS_H_
#define LARDER_COMMANDS_STRING_ARGS_H_

#include "lib/commands/family.h"

namespace larder::inline v0::commands {

inline constexpr KeySpec kReadKey[] = {OneKey(1, kKeyReadOnly | kKeyAccess)};
inline constexpr KeySpec kMeasuredKey[] = {OneKey(1, kKeyReadOnly)};
inline constexpr KeySpec kInsertingKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
inline constexpr KeySpec kUpdatingKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)};
inline constexpr KeySpec kTakenKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
inline constexpr KeySpec kOverwrittenKey[] = {OneKey(1, kKeyOverwrite | kKeyUpdate)};
inline constexpr KeySpec kSetNxKey[] = {OneKey(1, kKeyOverwrite | kKeyInsert)};
inline constexpr KeySpec kSetRangeKey[] = {OneKey(1, kKeyReadWrite | kKeyUpdate)};
inline constexpr KeySpec kGetExKey[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyUpdate, .index = 1,
                                         .notes = "Updates as well as reads, because the expiry may change"}};
inline constexpr KeySpec kSetKey[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
                                       .index = 1, .notes = "Reads as well as writes, because of the `GET` option"}};
inline constexpr KeySpec kLcsKeys[] = {KeyRange(1, 1, 1, kKeyReadOnly | kKeyAccess)};
inline constexpr KeySpec kMGetKeys[] = {KeyRange(1, -1, 1, kKeyReadOnly | kKeyAccess)};
inline constexpr KeySpec kMSetKeys[] = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyUpdate)};
inline constexpr KeySpec kMSetNxKeys[] = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyInsert)};

inline constexpr std::string_view kMGetTips[] = {"request_policy:multi_shard"};
inline constexpr std::string_view kMSetTips[] = {"request_policy:multi_shard", "response_policy:all_succeeded"};
inline constexpr std::string_view kMSetNxTips[] = {"request_policy:multi_shard", "response_policy:agg_min"};

inline constexpr ArgSpec kKeyArg = {.name = "key", .type = ArgType::kKey, .key_spec = 0};
inline constexpr ArgSpec kValueArg = {.name = "value", .type = ArgType::kString};

inline constexpr ArgSpec kKeyArgs[] = {kKeyArg};
inline constexpr ArgSpec kKeyValueArgs[] = {kKeyArg, kValueArg};
inline constexpr ArgSpec kDecrByArgs[] = {kKeyArg, {.name = "decrement", .type = ArgType::kInteger}};
inline constexpr ArgSpec kIncrByArgs[] = {kKeyArg, {.name = "increment", .type = ArgType::kInteger}};
inline constexpr ArgSpec kIncrByFloatArgs[] = {kKeyArg, {.name = "increment", .type = ArgType::kDouble}};
inline constexpr ArgSpec kRangeArgs[] = {
    kKeyArg, {.name = "start", .type = ArgType::kInteger}, {.name = "end", .type = ArgType::kInteger}};
inline constexpr ArgSpec kSetRangeArgs[] = {kKeyArg, {.name = "offset", .type = ArgType::kInteger}, kValueArg};
inline constexpr ArgSpec kSetExArgs[] = {kKeyArg, {.name = "seconds", .type = ArgType::kInteger}, kValueArg};
inline constexpr ArgSpec kPSetExArgs[] = {kKeyArg, {.name = "milliseconds", .type = ArgType::kInteger}, kValueArg};

inline constexpr ArgSpec kMGetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true}};
inline constexpr ArgSpec kMSetArgs[] = {
    {.name = "key_value", .type = ArgType::kBlock, .multiple = true, .args = kKeyValueArgs}};

inline constexpr ArgSpec kLcsArgs[] = {
    {.name = "key1", .type = ArgType::kKey, .key_spec = 0},
    {.name = "key2", .type = ArgType::kKey, .key_spec = 0},
    {.name = "len", .type = ArgType::kPureToken, .token = "LEN", .optional = true},
    {.name = "idx", .type = ArgType::kPureToken, .token = "IDX", .optional = true},
    {.name = "len", .type = ArgType::kInteger, .token = "MINMATCHLEN", .optional = true},
    {.name = "withmatchlen", .type = ArgType::kPureToken, .token = "WITHMATCHLEN", .optional = true},
};

inline constexpr ArgSpec kGetExExpirationArgs[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "persist", .type = ArgType::kPureToken, .token = "PERSIST"},
};
inline constexpr ArgSpec kGetExArgs[] = {
    kKeyArg, {.name = "expiration", .type = ArgType::kOneOf, .optional = true, .args = kGetExExpirationArgs}};

inline constexpr ArgSpec kSetConditionArgs[] = {
    {.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
};
inline constexpr ArgSpec kSetExpirationArgs[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT", .since = "6.2.0"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT", .since = "6.2.0"},
    {.name = "keepttl", .type = ArgType::kPureToken, .token = "KEEPTTL", .since = "6.0.0"},
};
inline constexpr ArgSpec kSetArgs[] = {
    kKeyArg,
    kValueArg,
    {.name = "condition", .type = ArgType::kOneOf, .since = "2.6.12", .optional = true, .args = kSetConditionArgs},
    {.name = "get", .type = ArgType::kPureToken, .token = "GET", .since = "6.2.0", .optional = true},
    {.name = "expiration", .type = ArgType::kOneOf, .optional = true, .args = kSetExpirationArgs},
};
inline constexpr HistoryItem kSetHistory[] = {
    {"2.6.12", "Options `EX`, `PX`, `NX` and `XX`."},
    {"6.0.0", "Option `KEEPTTL`."},
    {"6.2.0", "Options `GET`, `EXAT` and `PXAT`."},
    {"7.0.0", "`NX` and `GET` may stand together."},
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_STRING_ARGS_H_
