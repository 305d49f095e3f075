// Keys, whatever they hold. Expiry is in keys_expire.cc, what goes over all keys in keys_scan.cc, OBJECT in object.cc.
#include "lib/commands/db_argument.h"
#include "lib/commands/entry_text.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/ops/keys.h"

namespace larder::inline v0::commands {

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

constexpr KeySpec kRemovedKeys[] = {KeyRange(1, -1, 1, kKeyRemove | kKeyDelete)};
constexpr KeySpec kCopyKeys[] = {OneKey(1, kKeyReadOnly | kKeyAccess), OneKey(2, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kRenameKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                   OneKey(2, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kRenameNxKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete),
                                     OneKey(2, kKeyOverwrite | kKeyInsert)};
constexpr ArgSpec kMoveArgs[] = {kKeyArg,
                                 {.name = "db", .type = ArgType::kInteger}};
constexpr ArgSpec kRenameArgs[] = {kKeyArg,
                                   {.name = "newkey", .type = ArgType::kKey, .key_spec = 1}};
constexpr ArgSpec kCopyArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec = 1},
    {.name = "destination-db", .type = ArgType::kInteger, .token = "DB", .optional = true},
    {.name = "replace", .type = ArgType::kPureToken, .token = "REPLACE", .optional = true}};
constexpr HistoryItem kExistsHistory[] = {{"3.0.3", "Takes several keys."}};
constexpr HistoryItem kRenameNxHistory[] = {{"3.2.0", "The same name twice is no error any more."}};

constexpr auto kRows = Rows({.group = Group::kGeneric, .categories = kAclKeyspace}, {
    {.name = "copy", .run = Copy, .arity = AtLeast(3), .flags = kGrows, .keys = kCopyKeys, .args = kCopyArgs,
     .summary = "Copies a value with its expiry to another key, here or in another database.",
     .complexity = "O(1) for strings, O(N) for a collection of N elements.", .since = "6.2.0"},
    {.name = "del", .run = Delete, .arity = AtLeast(2), .flags = kWrites, .tips = kSumOfShards, .keys = kRemovedKeys,
     .args = kKeysArgs, .summary = "Deletes keys.",
     .complexity = "O(N), N = keys; a collection costs another O(M) for its M elements.", .since = "1.0.0"},
    {.name = "exists", .run = Exists, .arity = AtLeast(2), .flags = kFastReads, .tips = kSumOfShards,
     .keys = kExaminedKeys, .args = kKeysArgs, .summary = "Counts which of the named keys exist.",
     .complexity = "O(N), N = keys.", .since = "1.0.0", .history = kExistsHistory},
    {.name = "move", .run = Move, .arity = Exactly(3), .flags = kFastWrites, .keys = kReadAndUpdatedKey,
     .args = kMoveArgs, .summary = "Moves a key to another database, if it is free there.", .complexity = "O(1)",
     .since = "1.0.0"},
    {.name = "rename", .run = Rename, .arity = Exactly(3), .flags = kWrites, .keys = kRenameKeys, .args = kRenameArgs,
     .summary = "Gives a key another name, over whatever is there.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "renamenx", .run = RenameNx, .arity = Exactly(3), .flags = kFastWrites, .keys = kRenameNxKeys,
     .args = kRenameArgs, .summary = "Gives a key another name, if that name is free.", .complexity = "O(1)",
     .since = "1.0.0", .history = kRenameNxHistory},
    {.name = "touch", .run = Touch, .arity = AtLeast(2), .flags = kFastReads, .tips = kSumOfShards,
     .keys = kExaminedKeys, .args = kKeysArgs, .summary = "Marks keys as used now, and counts which of them exist.",
     .complexity = "O(N), N = keys.", .since = "3.2.1"},
    {.name = "type", .run = TypeOf, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "Which type of value a key holds.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "unlink", .run = Delete, .arity = AtLeast(2), .flags = kFastWrites, .tips = kSumOfShards,
     .keys = kRemovedKeys, .args = kKeysArgs, .summary = "Deletes keys, and frees what is large in the background.",
     .complexity = "O(1) a key; freeing is the background's.", .since = "4.0.0"},
});

}  // namespace

constinit const Family kKeyFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
