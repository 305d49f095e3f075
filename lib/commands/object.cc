// OBJECT: how a value is kept and when it was last used.
#include "lib/commands/entry_text.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kLfuSelected{
    absl::StatusCode::kFailedPrecondition,
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies "
    "at runtime LRU and LFU data will take some time to adjust."};
constexpr ErrorText kLfuNotSelected{
    absl::StatusCode::kFailedPrecondition,
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    "between policies at runtime LRU and LFU data will take some time to adjust."};

// The entry, or nullptr after a null reply.
const keyspace::Entry* FindOrNull(CommandContext& ctx, ArgReader& args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = ctx.db().Find(args.Key(), keyspace::Lookup::kInspectQuietly);
  if (entry == nullptr) reply.Null();
  return entry;
}

Error ObjectEncoding(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = FindOrNull(ctx, args, reply);
  if (entry != nullptr) reply.Bulk(EncodingName(entry->encoding()));
  return kOk;
}

Error ObjectFreq(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = FindOrNull(ctx, args, reply);
  if (entry == nullptr) return kOk;
  if (!IsLfu(ctx.engine().options().maxmemory_policy)) return kLfuNotSelected;
  reply.Int(ctx.keyspace().Frequency(*entry));
  return kOk;
}

Error ObjectIdleTime(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = FindOrNull(ctx, args, reply);
  if (entry == nullptr) return kOk;
  if (IsLfu(ctx.engine().options().maxmemory_policy)) return kLfuSelected;
  reply.Int(ctx.keyspace().IdleSeconds(*entry));
  return kOk;
}

Error ObjectRefCount(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  const keyspace::Entry* entry = FindOrNull(ctx, args, reply);
  if (entry != nullptr) reply.Int(References(ctx.engine().options(), *entry));
  return kOk;
}

Error ObjectHelp(CommandContext&, ArgReader, resp::ReplyWriter& reply) {
  constexpr Bytes kLines[] = {
      "ENCODING <key>",
      "    Name how the value at <key> is kept in memory.",
      "FREQ <key>",
      "    Tell how often <key> was used of late, as a counter that grows with the",
      "    logarithm of the uses. Only under an LFU eviction policy.",
      "IDLETIME <key>",
      "    Tell for about how many seconds nobody has used <key>. Not under an LFU",
      "    eviction policy.",
      "REFCOUNT <key>",
      "    Count the references to the value at <key>.",
  };
  WriteHelp(reply, "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

constexpr KeySpec kKey[] = {OneKey(2, kKeyReadOnly)};

constexpr auto kSubcommands = Rows({.group = Group::kGeneric, .categories = kAclKeyspace}, {
    {.name = "encoding", .run = ObjectEncoding, .arity = Exactly(3), .flags = kReads, .tips = kVaries, .keys = kKey,
     .args = kKeyArgs, .summary = "How the value at a key is kept in memory.", .complexity = "O(1)", .since = "2.2.3"},
    {.name = "freq", .run = ObjectFreq, .arity = Exactly(3), .flags = kReads, .tips = kVaries, .keys = kKey,
     .args = kKeyArgs, .summary = "How often a key was used of late, on a logarithmic scale.", .complexity = "O(1)",
     .since = "4.0.0"},
    {.name = "help", .run = ObjectHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "6.2.0"},
    {.name = "idletime", .run = ObjectIdleTime, .arity = Exactly(3), .flags = kReads, .tips = kVaries, .keys = kKey,
     .args = kKeyArgs, .summary = "Seconds since a key was last used.", .complexity = "O(1)", .since = "2.2.3"},
    {.name = "refcount", .run = ObjectRefCount, .arity = Exactly(3), .flags = kReads, .tips = kVaries, .keys = kKey,
     .args = kKeyArgs, .summary = "How many references there are to the value at a key.", .complexity = "O(1)",
     .since = "2.2.3"},
});

constexpr auto kRows = Rows({.group = Group::kGeneric}, {
    {.name = "object", .arity = AtLeast(2),
     .summary = "How values are kept and when they were used; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "2.2.3"},
});

}  // namespace

constinit const Family kObjectFamily = {.commands = kRows, .container = "object", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
