// KEYS, SCAN and RANDOMKEY.

#include "lib/base/glob.h"
#include "lib/commands/entry_text.h"
#include "lib/commands/families.h"
#include "lib/commands/scan_options.h"
#include "lib/commands/shapes.h"

namespace larder::inline v0::commands {
namespace {

Error Keys(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  base::Buffer room;
  const Bytes pattern = base::GlobShortened(args.Next(), room);
  const bool all = base::GlobMatchesAll(pattern);
  const size_t mark = reply.BeginDeferred();
  size_t found = 0;
  // In pieces, so that the first reply that finds no memory is the last: for a million keys that would take a second.
  constexpr size_t kAtOnce = 512;
  uint64_t cursor = 0;
  do {
    cursor = ctx.db().Scan(cursor, kAtOnce, [&](keyspace::Entry& entry) {
      if (!all && !base::GlobMatch(pattern, entry.key())) return;
      reply.Bulk(entry.key());
      ++found;
    });
  } while (cursor != 0 && !reply.output().failed());
  reply.EndDeferredArray(mark, found);
  return kOk;
}

Error Scan(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  uint64_t cursor = 0;
  if (!ParseCursor(args.Next(), &cursor)) return errors::kInvalidCursor;
  ScanOptions options;
  base::Buffer room;
  LARDER_RETURN_IF_ERROR(ParseScanOptions(args, /*of_keys=*/true, &options, room));
  // The cursor comes first in the reply and is known last, so the keys wait beside it.
  resp::Output keys;
  resp::ReplyWriter keys_reply(keys, reply.protocol());
  size_t found = 0;
  cursor = ctx.db().Scan(cursor, static_cast<size_t>(options.count), [&](keyspace::Entry& entry) {
    if (keys.failed() || !options.Matches(entry.key())) return;
    if (!options.any_type) ++ctx.keyspace().reads().holder().hits;  // asking for a type is a lookup to Redis
    if (!options.any_type && !base::EqualsIgnoreCase(TypeName(entry.type()), options.type)) return;
    keys_reply.Bulk(entry.key());
    ++found;
  });
  if (keys.failed()) return errors::kAllocationFailed;
  char digits[base::kIntChars];
  reply.Array(2);
  reply.Bulk(base::FormatUint64(cursor, digits));
  reply.Array(found);
  reply.Raw(keys.view());
  return kOk;
}

bool ScanIsShort(CommandContext&, std::span<const Bytes> argv) { return ScanOptionsAreShort(argv, 2); }

Error RandomKey(CommandContext& ctx, ArgReader, resp::ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const keyspace::Entry* const entry, ctx.db().RandomEntry());
  if (entry == nullptr) {
    reply.Null();
  } else {
    reply.Bulk(entry->key());
  }
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kAllShardsAnyOrder[] = {"request_policy:all_shards", "nondeterministic_output_order"};
constexpr std::string_view kAllShardsVaries[] = {"request_policy:all_shards", "nondeterministic_output"};
constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};
constexpr ArgSpec kPatternArg[] = {{.name = "pattern", .type = ArgType::kPattern}};
constexpr ArgSpec kScanArgs[] = {
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true},
    {.name = "type", .type = ArgType::kString, .token = "TYPE", .since = "6.0.0", .optional = true}};
constexpr HistoryItem kScanHistory[] = {{"6.0.0", "Option `TYPE`."}};

constexpr auto kRows = Rows({.group = Group::kGeneric, .categories = kAclKeyspace}, {
    {.name = "keys", .run = Keys, .arity = Exactly(2), .flags = kCmdReadOnly, .categories = kAclDangerous,
     .tips = kAllShardsAnyOrder, .args = kPatternArg, .summary = "All keys that match a glob pattern.",
     .complexity = "O(N), N = keys in the database.", .since = "1.0.0"},
    {.name = "randomkey", .run = RandomKey, .arity = Exactly(1), .flags = kReads, .tips = kAllShardsVaries,
     .summary = "Some key of the database, picked at random.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "scan", .run = Scan, .arity = AtLeast(2), .flags = kReads, .tips = kScanTips, .args = kScanArgs,
     .summary = "Some keys of the database, and the cursor to go on from.",
     .complexity = "O(1) a call, O(N) for all N keys.", .since = "2.8.0", .history = kScanHistory,
     .is_short = ScanIsShort},
});

}  // namespace

constinit const Family kScanFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
