// KEYS, SCAN and RANDOMKEY.

#include "lib/base/glob.h"
#include "lib/commands/entry_text.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"

namespace larder::inline v0::commands {
namespace {

struct ScanOptions {
  Bytes pattern;
  bool any_key = true;
  int64_t count = 10;
  Bytes type;
  bool any_type = true;

  bool Matches(const keyspace::Entry& entry) const { return any_key || base::GlobMatch(pattern, entry.key()); }
  bool HasType(const keyspace::Entry& entry) const {
    return any_type || base::EqualsIgnoreCase(TypeName(entry.type()), type);
  }
};

// A cursor as Redis reads it, which is as C's strtoul does without leading blanks: a sign, leading zeros and the empty
// text are taken, "-1" is 2^64 - 1, and what follows a NUL is not seen.
bool ParseCursor(Bytes text, uint64_t* cursor) {
  text = text.substr(0, text.find('\0'));
  *cursor = 0;
  if (text.empty()) return true;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) {
      return false;
    }
  }
  *cursor = negative ? uint64_t{0} - value : value;
  return true;
}

Error ParseScanOptions(ArgReader& args, ScanOptions* options) {
  while (!args.done()) {
    if (args.remaining() >= 2 && args.Take("count")) {
      LARDER_ASSIGN_OR_RETURN(options->count, args.Int());
      if (options->count < 1) return errors::kSyntax;
    } else if (args.remaining() >= 2 && args.Take("match")) {
      options->pattern = args.Next();
      options->any_key = base::GlobMatchesAll(options->pattern);
    } else if (args.remaining() >= 2 && args.Take("type")) {
      options->type = args.Next();
      options->any_type = false;
    } else {
      return errors::kSyntax;
    }
  }
  return kOk;
}

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
  LARDER_RETURN_IF_ERROR(ParseScanOptions(args, &options));
  base::Buffer room;
  options.pattern = base::GlobShortened(options.pattern, room);
  // The cursor comes first in the reply and is known last, so the keys wait beside it.
  resp::Output keys;
  resp::ReplyWriter keys_reply(keys, reply.protocol());
  size_t found = 0;
  cursor = ctx.db().Scan(cursor, static_cast<size_t>(options.count), [&](keyspace::Entry& entry) {
    if (keys.failed() || !options.Matches(entry)) return;
    if (!options.any_type) ++ctx.keyspace().reads().holder().hits;  // asking for a type is a lookup to Redis
    if (!options.HasType(entry)) return;
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

// A pattern is matched with each key.
bool ScanIsShort(CommandContext&, std::span<const Bytes> argv) {
  constexpr size_t kPatternMax = 256;
  for (size_t i = 2; i + 1 < argv.size(); i += 2) {
    int64_t count = 0;
    if (argv[i + 1].size() > kPatternMax) return false;
    if (base::EqualsIgnoreCase(argv[i], "count") && base::ParseInt64(argv[i + 1], &count) &&
        count > static_cast<int64_t>(kShortElements)) {
      return false;
    }
  }
  return true;
}

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
