// The key family: what works on keys whatever they hold. Rows of all of it; expiry, scanning and OBJECT have their
// functions in keys_expire.cc, keys_scan.cc and object.cc.
#include "lib/commands/family.h"
#include "lib/commands/keys_functions.h"
#include "lib/engine/table.h"
#include "lib/ops/keys.h"

namespace larder::inline v0::commands {

Bytes TypeName(keyspace::Type type) {
  switch (type) {
    case keyspace::Type::kString: return "string";
    case keyspace::Type::kList: return "list";
    case keyspace::Type::kSet: return "set";
    case keyspace::Type::kZset: return "zset";
    case keyspace::Type::kHash: return "hash";
    case keyspace::Type::kStream: return "stream";
  }
  return "string";
}

namespace {

// DEL and UNLINK: values are freed in the same way whoever asks.
Error Delete(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(ops::keys::Delete(ctx.db(), args.rest()));
  return kOk;
}

Error Exists(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(ops::keys::Count(ctx.db(), args.rest(), keyspace::Lookup::kInspect));
  return kOk;
}

Error Touch(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(ops::keys::Count(ctx.db(), args.rest(), keyspace::Lookup::kRead));
  return kOk;
}

Error TypeOf(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = ctx.db().Find(args.Key(), keyspace::Lookup::kInspect);
  reply.Simple(entry == nullptr ? Bytes("none") : TypeName(entry->type()));
  return kOk;
}

Error Rename(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const Bytes from = args.Key();
  LARDER_RETURN_IF_ERROR(ops::keys::Rename(ctx.db(), from, args.Key(), false).error());
  reply.Ok();
  return kOk;
}

Error RenameNx(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const Bytes from = args.Key();
  LARDER_ASSIGN_OR_RETURN(const bool renamed, ops::keys::Rename(ctx.db(), from, args.Key(), true));
  reply.Int(renamed ? 1 : 0);
  return kOk;
}

// The database that an argument names.
Result<keyspace::Db*> ReadDb(CommandContext& ctx, ArgReader& args) {
  LARDER_ASSIGN_OR_RETURN(const int64_t index, args.Int());
  if (index < INT32_MIN || index > INT32_MAX) return errors::kNotInt32;
  if (index < 0 || index >= ctx.keyspace().config().databases) return errors::kDbOutOfRange;
  keyspace::Db* db = ctx.keyspace().db(static_cast<int>(index));
  if (db == nullptr) return errors::kAllocationFailed;
  return db;
}

Error Copy(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const Bytes from = args.Key();
  const Bytes to = args.Key();
  keyspace::Db* to_db = &ctx.db();
  bool replace = false;
  while (!args.done()) {
    if (args.Take("replace")) {
      replace = true;
    } else if (args.remaining() >= 2 && args.Take("db")) {
      LARDER_ASSIGN_OR_RETURN(to_db, ReadDb(ctx, args));
    } else {
      return errors::kSyntax;
    }
  }
  if (to_db == &ctx.db() && from == to) return errors::kSameObject;
  LARDER_ASSIGN_OR_RETURN(const bool copied, ops::keys::Copy(ctx.db(), from, *to_db, to, replace));
  reply.Int(copied ? 1 : 0);
  return kOk;
}

Error Move(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(keyspace::Db * to_db, ReadDb(ctx, args));
  if (to_db == &ctx.db()) return errors::kSameObject;
  LARDER_ASSIGN_OR_RETURN(const bool moved, ops::keys::Move(ctx.db(), *to_db, key));
  reply.Int(moved ? 1 : 0);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kVaries[] = {"nondeterministic_output"};
constexpr std::string_view kSums[] = {"request_policy:multi_shard", "response_policy:agg_sum"};
constexpr std::string_view kAllShardsAnyOrder[] = {"request_policy:all_shards", "nondeterministic_output_order"};
constexpr std::string_view kAllShardsVaries[] = {"request_policy:all_shards", "nondeterministic_output"};
constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};

constexpr KeySpec kReadKey[] = {OneKey(1, kKeyReadOnly)};
constexpr KeySpec kReadKeys[] = {KeyRange(1, -1, 1, kKeyReadOnly)};
constexpr KeySpec kAccessKey[] = {OneKey(1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kUpdateKey[] = {OneKey(1, kKeyReadWrite | kKeyUpdate)};
constexpr KeySpec kRemoveKeys[] = {KeyRange(1, -1, 1, kKeyRemove | kKeyDelete)};
constexpr KeySpec kMoveKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)};
constexpr KeySpec kCopyKeys[] = {OneKey(1, kKeyReadOnly | kKeyAccess), OneKey(2, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kRenameKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                   OneKey(2, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kRenameNxKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                     OneKey(2, kKeyOverwrite | kKeyInsert)};

constexpr ArgSpec kKeyArg[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0}};
constexpr ArgSpec kKeysArg[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true}};
constexpr ArgSpec kPatternArg[] = {{.name = "pattern", .type = ArgType::kPattern}};
constexpr ArgSpec kMoveArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                 {.name = "db", .type = ArgType::kInteger}};
constexpr ArgSpec kRenameArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                   {.name = "newkey", .type = ArgType::kKey, .key_spec = 1}};
constexpr ArgSpec kCopyArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec = 1},
    {.name = "destination-db", .type = ArgType::kInteger, .token = "DB", .optional = true},
    {.name = "replace", .type = ArgType::kPureToken, .token = "REPLACE", .optional = true}};
constexpr ArgSpec kScanArgs[] = {
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true},
    {.name = "type", .type = ArgType::kString, .token = "TYPE", .since = "6.0.0", .optional = true}};

constexpr ArgSpec kConditionArgs[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                      {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
                                      {.name = "gt", .type = ArgType::kPureToken, .token = "GT"},
                                      {.name = "lt", .type = ArgType::kPureToken, .token = "LT"}};
constexpr ArgSpec kCondition = {.name = "condition", .type = ArgType::kOneOf, .since = "7.0.0", .optional = true,
                                .args = kConditionArgs};
constexpr ArgSpec kExpireArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                   {.name = "seconds", .type = ArgType::kInteger}, kCondition};
constexpr ArgSpec kPExpireArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                    {.name = "milliseconds", .type = ArgType::kInteger}, kCondition};
constexpr ArgSpec kExpireAtArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                     {.name = "unix-time-seconds", .type = ArgType::kUnixTime}, kCondition};
constexpr ArgSpec kPExpireAtArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0},
                                      {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime}, kCondition};

constexpr HistoryItem kExistsHistory[] = {{"3.0.3", "Takes several keys."}};
constexpr HistoryItem kExpireHistory[] = {{"7.0.0", "Conditions `NX`, `XX`, `GT` and `LT`."}};
constexpr HistoryItem kTtlHistory[] = {{"2.8.0", "Replies -2 when there is no such key."}};
constexpr HistoryItem kRenameNxHistory[] = {{"3.2.0", "The same name twice is no error any more."}};
constexpr HistoryItem kScanHistory[] = {{"6.0.0", "Option `TYPE`."}};

constexpr uint32_t kFastWrite = kCmdWrite | kCmdFast | kCmdShort;
constexpr uint32_t kFastRead = kCmdReadOnly | kCmdFast | kCmdShort;

constexpr CommandSpec kCommands[] = {
    {.name = "copy", .run = Copy, .arity = AtLeast(3), .flags = kCmdWrite | kCmdDenyOom | kCmdShort, .categories = kAclKeyspace,
     .keys = kCopyKeys, .args = kCopyArgs,
     .summary = "Copies a value with its expiry to another key, here or in another database.",
     .complexity = "O(1) for strings, O(N) for a collection of N elements.", .group = Group::kGeneric,
     .since = "6.2.0"},
    {.name = "del", .run = Delete, .arity = AtLeast(2), .flags = kCmdWrite | kCmdShort, .categories = kAclKeyspace, .tips = kSums,
     .keys = kRemoveKeys, .args = kKeysArg,
     .summary = "Deletes keys.",
     .complexity = "O(N), N = keys; a collection costs another O(M) for its M elements.", .group = Group::kGeneric,
     .since = "1.0.0"},
    {.name = "exists", .run = Exists, .arity = AtLeast(2), .flags = kFastRead, .categories = kAclKeyspace,
     .tips = kSums, .keys = kReadKeys, .args = kKeysArg,
     .summary = "Counts which of the named keys exist.",
     .complexity = "O(N), N = keys.", .group = Group::kGeneric, .since = "1.0.0", .history = kExistsHistory},
    {.name = "expire", .run = Expire, .arity = AtLeast(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kUpdateKey, .args = kExpireArgs,
     .summary = "Lets a key end after so many seconds.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0", .history = kExpireHistory},
    {.name = "expireat", .run = ExpireAt, .arity = AtLeast(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kUpdateKey, .args = kExpireAtArgs,
     .summary = "Lets a key end at a Unix time in seconds.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.2.0", .history = kExpireHistory},
    {.name = "expiretime", .run = ExpireTime, .arity = Exactly(2), .flags = kFastRead, .categories = kAclKeyspace,
     .keys = kAccessKey, .args = kKeyArg,
     .summary = "The Unix time in seconds at which a key ends.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "7.0.0"},
    {.name = "keys", .run = Keys, .arity = Exactly(2), .flags = kCmdReadOnly,
     .categories = kAclKeyspace | kAclDangerous, .tips = kAllShardsAnyOrder, .args = kPatternArg,
     .summary = "All keys that match a glob pattern.",
     .complexity = "O(N), N = keys in the database.", .group = Group::kGeneric, .since = "1.0.0"},
    {.name = "move", .run = Move, .arity = Exactly(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kMoveKey, .args = kMoveArgs,
     .summary = "Moves a key to another database, if it is free there.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0"},
    {.name = "object", .arity = AtLeast(2), .subcommands = kObjectSubcommands,
     .summary = "How values are kept and when they were used; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .group = Group::kGeneric, .since = "2.2.3"},
    {.name = "persist", .run = Persist, .arity = Exactly(2), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kUpdateKey, .args = kKeyArg,
     .summary = "Takes a key's expiry away.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "2.2.0"},
    {.name = "pexpire", .run = PExpire, .arity = AtLeast(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kUpdateKey, .args = kPExpireArgs,
     .summary = "Lets a key end after so many milliseconds.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "2.6.0", .history = kExpireHistory},
    {.name = "pexpireat", .run = PExpireAt, .arity = AtLeast(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kUpdateKey, .args = kPExpireAtArgs,
     .summary = "Lets a key end at a Unix time in milliseconds.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "2.6.0", .history = kExpireHistory},
    {.name = "pexpiretime", .run = PExpireTime, .arity = Exactly(2), .flags = kFastRead, .categories = kAclKeyspace,
     .keys = kAccessKey, .args = kKeyArg,
     .summary = "The Unix time in milliseconds at which a key ends.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "7.0.0"},
    {.name = "pttl", .run = PTtl, .arity = Exactly(2), .flags = kFastRead, .categories = kAclKeyspace,
     .tips = kVaries, .keys = kAccessKey, .args = kKeyArg,
     .summary = "Milliseconds until a key ends.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "2.6.0", .history = kTtlHistory},
    {.name = "randomkey", .run = RandomKey, .arity = Exactly(1), .flags = kCmdReadOnly | kCmdShort, .categories = kAclKeyspace,
     .tips = kAllShardsVaries,
     .summary = "Some key of the database, picked at random.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0"},
    {.name = "rename", .run = Rename, .arity = Exactly(3), .flags = kCmdWrite | kCmdShort, .categories = kAclKeyspace,
     .keys = kRenameKeys, .args = kRenameArgs,
     .summary = "Gives a key another name, over whatever is there.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0"},
    {.name = "renamenx", .run = RenameNx, .arity = Exactly(3), .flags = kFastWrite, .categories = kAclKeyspace,
     .keys = kRenameNxKeys, .args = kRenameArgs,
     .summary = "Gives a key another name, if that name is free.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0", .history = kRenameNxHistory},
    {.name = "scan", .run = Scan, .arity = AtLeast(2), .flags = kCmdReadOnly | kCmdShort, .categories = kAclKeyspace,
     .tips = kScanTips, .args = kScanArgs,
     .summary = "Some keys of the database, and the cursor to go on from.",
     .complexity = "O(1) a call, O(N) for all N keys.", .group = Group::kGeneric, .since = "2.8.0",
     .history = kScanHistory, .is_short = ScanIsShort},
    {.name = "touch", .run = Touch, .arity = AtLeast(2), .flags = kFastRead, .categories = kAclKeyspace,
     .tips = kSums, .keys = kReadKeys, .args = kKeysArg,
     .summary = "Marks keys as used now, and counts which of them exist.",
     .complexity = "O(N), N = keys.", .group = Group::kGeneric, .since = "3.2.1"},
    {.name = "ttl", .run = Ttl, .arity = Exactly(2), .flags = kFastRead, .categories = kAclKeyspace, .tips = kVaries,
     .keys = kAccessKey, .args = kKeyArg,
     .summary = "Seconds until a key ends.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0", .history = kTtlHistory},
    {.name = "type", .run = TypeOf, .arity = Exactly(2), .flags = kFastRead, .categories = kAclKeyspace,
     .keys = kReadKey, .args = kKeyArg,
     .summary = "Which type of value a key holds.",
     .complexity = "O(1)", .group = Group::kGeneric, .since = "1.0.0"},
    {.name = "unlink", .run = Delete, .arity = AtLeast(2), .flags = kFastWrite, .categories = kAclKeyspace,
     .tips = kSums, .keys = kRemoveKeys, .args = kKeysArg,
     .summary = "Deletes keys, and frees what is large in the background.",
     .complexity = "O(1) a key; freeing is the background's.", .group = Group::kGeneric, .since = "4.0.0"},
};

}  // namespace

std::span<const CommandSpec> KeyCommands() { return kCommands; }

}  // namespace larder::inline v0::commands
