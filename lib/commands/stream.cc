// Streams: entries. What reads several streams at once is in stream_read.cc, consumer groups are in stream_groups.cc,
// XINFO is in stream_info.cc.
#include <algorithm>

#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/stream_shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/stream_groups.h"

namespace larder::inline v0::commands {
namespace {

namespace streams = ops::streams;
using streams::Stream;
using streams::StreamId;

constexpr ErrorText kMaxLenNegative{absl::StatusCode::kInvalidArgument, "ERR The MAXLEN argument must be >= 0."};
constexpr ErrorText kLimitNegative{absl::StatusCode::kInvalidArgument, "ERR The LIMIT argument must be >= 0."};
constexpr ErrorText kTwoStrategies{
    absl::StatusCode::kInvalidArgument,
    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"};
constexpr ErrorText kLimitWithoutTrim{
    absl::StatusCode::kInvalidArgument,
    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"};
constexpr ErrorText kLimitOfExactTrim{absl::StatusCode::kInvalidArgument,
                                      "ERR syntax error, LIMIT cannot be used without the special ~ option"};
constexpr ErrorText kZeroId{absl::StatusCode::kInvalidArgument,
                            "ERR The ID specified in XADD must be greater than 0-0"};
constexpr ErrorText kAddedNegative{absl::StatusCode::kInvalidArgument, "ERR entries_added must be positive"};
constexpr ErrorText kWrongAddArity{absl::StatusCode::kInvalidArgument,
                                   "ERR wrong number of arguments for 'xadd' command"};

// ---- XADD, XTRIM ----------------------------------------------------------------------------------------------------

// How many entries a trim with ~ removes at most if it is not told.
uint64_t DefaultLimit(const keyspace::KeyspaceConfig& config) {
  constexpr uint64_t kNodes = 100;
  constexpr uint64_t kNoNodeLimit = 10'000;
  constexpr uint64_t kMost = 1'000'000;
  if (config.stream_node_entries_max == 0) return kNoNodeLimit;
  return std::min(config.stream_node_entries_max, kMost / kNodes) * kNodes;
}

struct AddOptions {
  streams::Trim trim;
  streams::NewId id;
  bool create = true;
};

// MAXLEN's or MINID's arguments: [=|~] threshold.
Error ParseStrategy(ArgReader& args, streams::Trim::Strategy strategy, streams::Trim* trim) {
  if (trim->strategy != streams::Trim::kNone) return kTwoStrategies;
  trim->strategy = strategy;
  if (args.remaining() >= 2) {
    if (args.Peek() == "~") {
      trim->approximate = true;
      args.Next();
    } else if (args.Peek() == "=") {
      trim->approximate = false;
      args.Next();
    }
  }
  if (strategy == streams::Trim::kMinId) {
    LARDER_ASSIGN_OR_RETURN(trim->id_min, ParseStreamId(args.Next(), 0));
    return kOk;
  }
  LARDER_ASSIGN_OR_RETURN(const int64_t length, args.Int());
  if (length < 0) return kMaxLenNegative;
  trim->length_max = static_cast<uint64_t>(length);
  return kOk;
}

// The options of XADD up to its ID, or all of XTRIM.
Error ParseAddOptions(const keyspace::KeyspaceConfig& config, bool adds, ArgReader& args, AddOptions* options) {
  int64_t limit = -1;
  streams::Trim& trim = options->trim;
  while (!args.done()) {
    const Bytes word = args.Next();
    const bool more = !args.done();
    if (adds && word == "*") {
      options->id.kind = streams::NewId::kAuto;
      break;
    }
    if (more && base::EqualsIgnoreCase(word, "maxlen")) {
      LARDER_RETURN_IF_ERROR(ParseStrategy(args, streams::Trim::kMaxLen, &trim));
    } else if (more && base::EqualsIgnoreCase(word, "minid")) {
      LARDER_RETURN_IF_ERROR(ParseStrategy(args, streams::Trim::kMinId, &trim));
    } else if (more && base::EqualsIgnoreCase(word, "limit")) {
      LARDER_ASSIGN_OR_RETURN(limit, args.Int());
      if (limit < 0) return kLimitNegative;
    } else if (adds && base::EqualsIgnoreCase(word, "nomkstream")) {
      options->create = false;
    } else if (adds) {
      bool auto_sequence = false;
      LARDER_ASSIGN_OR_RETURN(options->id.id, ParseNewStreamId(word, &auto_sequence));
      if (auto_sequence) options->id.kind = streams::NewId::kAutoSequence;
      break;
    } else {
      return errors::kSyntax;
    }
  }
  if (limit != -1 && trim.strategy == streams::Trim::kNone) return kLimitWithoutTrim;
  if (!adds && trim.strategy == streams::Trim::kNone) return errors::kSyntax;
  if (limit != -1 && !trim.approximate) return kLimitOfExactTrim;
  if (trim.approximate) trim.entries_max = limit != -1 ? static_cast<uint64_t>(limit) : DefaultLimit(config);
  return kOk;
}

Error XAdd(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  AddOptions options;
  LARDER_RETURN_IF_ERROR(ParseAddOptions(ctx.keyspace().config(), /*adds=*/true, args, &options));
  if (args.remaining() < 2 || args.remaining() % 2 != 0) return kWrongAddArity;
  if (options.id.kind == streams::NewId::kGiven && options.id.id.is_zero()) return kZeroId;
  bool added = false;
  LARDER_ASSIGN_OR_RETURN(const StreamId id, streams::Add(ctx.db(), key, options.id, options.create, options.trim,
                                                          args.rest(), &added));
  if (added) {
    ReplyStreamId(id, reply);
  } else {
    reply.Null();
  }
  return kOk;
}

Error XTrim(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  AddOptions options;
  LARDER_RETURN_IF_ERROR(ParseAddOptions(ctx.keyspace().config(), /*adds=*/false, args, &options));
  LARDER_ASSIGN_OR_RETURN(const int64_t trimmed, streams::TrimTo(ctx.db(), key, options.trim));
  reply.Int(trimmed);
  return kOk;
}

// Whether little would go.
bool TrimIsShort(CommandContext& ctx, std::span<const Bytes> argv, bool adds) {
  base::AssertHolder();  // who asks has the executor
  if (argv.size() < 3) return true;
  ArgReader args(argv, 2);
  AddOptions options;
  if (!ParseAddOptions(ctx.keyspace().config(), adds, args, &options).ok()) return true;
  const keyspace::Entry* const entry = ctx.db().FindUnchanged(argv[1]);
  if (options.trim.strategy == streams::Trim::kNone || entry == nullptr ||
      entry->type() != keyspace::Type::kStream) {
    return true;
  }
  constexpr uint64_t kFew = 4 * kShortElements;
  const Stream stream = streams::StreamAt(entry);
  return options.trim.strategy == streams::Trim::kMaxLen ? stream.length() <= options.trim.length_max + kFew
                                                         : stream.IndexOf(options.trim.id_min) <= kFew;
}
bool XAddIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return TrimIsShort(ctx, argv, true); }
bool XTrimIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return TrimIsShort(ctx, argv, false); }

// ---- The others -----------------------------------------------------------------------------------------------------

Error XLen(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), args.Key()));
  reply.Int(static_cast<int64_t>(stream.length()));
  return kOk;
}

Error Range(CommandContext& ctx, ArgReader args, bool backwards, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes left = args.Next();
  const Bytes right = args.Next();
  LARDER_ASSIGN_OR_RETURN(const StreamId start, ParseRangeStart(backwards ? right : left));
  LARDER_ASSIGN_OR_RETURN(const StreamId end, ParseRangeEnd(backwards ? left : right));
  int64_t count = -1;
  while (!args.done()) {
    if (!args.Take("count") || args.done()) return errors::kSyntax;
    LARDER_ASSIGN_OR_RETURN(count, args.Int());
    count = std::max<int64_t>(count, 0);
  }
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key));
  if (!stream.exists()) {
    reply.Array(0);
    return kOk;
  }
  if (count == 0) {
    reply.NullArray();
    return kOk;
  }
  const size_t first = stream.IndexOf(start);
  const size_t behind = stream.IndexBehind(end);
  size_t size = behind > first ? behind - first : 0;
  if (count > 0) size = std::min(size, static_cast<size_t>(count));
  ReplyEntries(stream, backwards && size != 0 ? behind - 1 : first, size, backwards, reply);
  return kOk;
}

Error XRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Range(ctx, args, false, reply); }
Error XRevRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Range(ctx, args, true, reply); }

bool RangeIsShort(CommandContext& ctx, std::span<const Bytes> argv) { return StreamCountIsShort(ctx, argv, 4); }

Error XDel(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const Stream stream, OpenForWrite(ctx, key));
  int64_t deleted = 0;
  if (stream.exists()) {
    base::Buffer ids;
    LARDER_RETURN_IF_ERROR(ParseStreamIds(args.rest(), &ids));
    LARDER_ASSIGN_OR_RETURN(deleted, streams::Delete(ctx.db(), key, args.remaining(),
                                                     [&](size_t i) { return streams::IdIn(ids, i); }, args.argv()));
  }
  reply.Int(deleted);
  return kOk;
}

Error XSetId(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const StreamId id, ParseStreamId(args.Next(), 0));
  int64_t added = -1;
  StreamId max_deleted;
  while (!args.done()) {
    const Bytes word = args.Next();
    if (!args.done() && base::EqualsIgnoreCase(word, "entriesadded")) {
      LARDER_ASSIGN_OR_RETURN(added, args.Int());
      if (added < 0) return kAddedNegative;
    } else if (!args.done() && base::EqualsIgnoreCase(word, "maxdeletedid")) {
      LARDER_ASSIGN_OR_RETURN(max_deleted, ParseStreamId(args.Next(), 0));
      if (id < max_deleted) return streams::kSetIdBelowDeleted;
    } else {
      return errors::kSyntax;
    }
  }
  LARDER_RETURN_IF_ERROR(streams::SetId(ctx.db(), key, id, added, max_deleted, args.argv()));
  reply.Ok();
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kTrimNotes = "UPDATE instead of INSERT because of the optional trimming feature";
constexpr KeySpec kAddedKey[] = {{.flags = kKeyReadWrite | kKeyUpdate, .index = 1, .notes = kTrimNotes}};
constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr ArgSpec kStrategies[] = {
    {.name = "maxlen", .type = ArgType::kPureToken, .token = "MAXLEN"},
    {.name = "minid", .type = ArgType::kPureToken, .token = "MINID", .since = "6.2.0"}};
constexpr ArgSpec kOperators[] = {{.name = "equal", .type = ArgType::kPureToken, .token = "="},
                                  {.name = "approximately", .type = ArgType::kPureToken, .token = "~"}};
constexpr ArgSpec kTrimArgs[] = {
    {.name = "strategy", .type = ArgType::kOneOf, .args = kStrategies},
    {.name = "operator", .type = ArgType::kOneOf, .optional = true, .args = kOperators},
    {.name = "threshold", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger, .token = "LIMIT", .since = "6.2.0", .optional = true}};
constexpr ArgSpec kIdOrAuto[] = {{.name = "auto_id", .type = ArgType::kPureToken, .token = "*"},
                                 {.name = "id", .type = ArgType::kString}};
constexpr ArgSpec kFieldValue[] = {{.name = "field", .type = ArgType::kString}, kValueArg};
constexpr ArgSpec kAddArgs[] = {
    kKeyArg,
    {.name = "nomkstream", .type = ArgType::kPureToken, .token = "NOMKSTREAM", .since = "6.2.0", .optional = true},
    {.name = "trim", .type = ArgType::kBlock, .optional = true, .args = kTrimArgs},
    {.name = "id_or_auto", .type = ArgType::kOneOf, .args = kIdOrAuto},
    {.name = "field_value", .type = ArgType::kBlock, .multiple = true, .args = kFieldValue}};
constexpr ArgSpec kXTrimArgs[] = {kKeyArg, {.name = "trim", .type = ArgType::kBlock, .args = kTrimArgs}};
constexpr ArgSpec kCountArg = {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true};
constexpr ArgSpec kStartArg = {.name = "start", .type = ArgType::kString};
constexpr ArgSpec kEndArg = {.name = "end", .type = ArgType::kString};
constexpr ArgSpec kRangeArgs[] = {kKeyArg, kStartArg, kEndArg, kCountArg};
constexpr ArgSpec kRevRangeArgs[] = {kKeyArg, kEndArg, kStartArg, kCountArg};
constexpr ArgSpec kIdsArgs[] = {kKeyArg, {.name = "id", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kSetIdArgs[] = {
    kKeyArg,
    {.name = "last-id", .type = ArgType::kString},
    {.name = "entries_added", .type = ArgType::kInteger, .token = "ENTRIESADDED", .since = "7.0.0", .optional = true},
    {.name = "max_deleted_entry_id", .type = ArgType::kString, .token = "MAXDELETEDID", .since = "7.0.0",
     .optional = true}};
constexpr HistoryItem kAddHistory[] = {{"6.2.0", "NOMKSTREAM, trimming by MINID, and LIMIT."},
                                       {"7.0.0", "IDs of which only the milliseconds are given."}};
constexpr HistoryItem kTrimHistory[] = {{"6.2.0", "Trimming by MINID, and LIMIT."}};
constexpr HistoryItem kRangeHistory[] = {{"6.2.0", "IDs that do not belong to the range."}};
constexpr HistoryItem kSetIdHistory[] = {{"7.0.0", "ENTRIESADDED and MAXDELETEDID."}};

constexpr auto kRows = Rows({.group = Group::kStream, .categories = kAclStream}, {
    {.name = "xadd", .run = XAdd, .arity = AtLeast(5), .flags = kFastGrows, .tips = kVaries, .keys = kAddedKey,
     .args = kAddArgs, .summary = "Appends an entry to a stream, and may trim it.",
     .complexity = "O(log N) to append, O(M) for M entries that are trimmed", .since = "5.0.0",
     .history = kAddHistory, .is_short = XAddIsShort},
    {.name = "xdel", .run = XDel, .arity = AtLeast(3), .flags = kFastWrites, .keys = kPrunedKey, .args = kIdsArgs,
     .summary = "Deletes entries of a stream.", .complexity = "O(log N) for each ID", .since = "5.0.0"},
    {.name = "xlen", .run = XLen, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many entries a stream has.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "xrange", .run = XRange, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey, .args = kRangeArgs,
     .summary = "The entries of a stream with IDs from start to end.",
     .complexity = "O(log N + M), M = entries returned", .since = "5.0.0", .history = kRangeHistory,
     .is_short = RangeIsShort},
    {.name = "xrevrange", .run = XRevRange, .arity = AtLeast(4), .flags = kReads, .keys = kReadKey,
     .args = kRevRangeArgs, .summary = "The entries of a stream with IDs from end down to start.",
     .complexity = "O(log N + M), M = entries returned", .since = "5.0.0", .history = kRangeHistory,
     .is_short = RangeIsShort},
    {.name = "xsetid", .run = XSetId, .arity = AtLeast(3), .flags = kFastGrows, .keys = kUpdatedKey,
     .args = kSetIdArgs, .summary = "Sets a stream's last ID; for copies of a stream.", .complexity = "O(1)",
     .since = "5.0.0", .history = kSetIdHistory},
    {.name = "xtrim", .run = XTrim, .arity = AtLeast(4), .flags = kWrites, .tips = kVaries, .keys = kPrunedKey,
     .args = kXTrimArgs, .summary = "Removes a stream's oldest entries.", .complexity = "O(N), N = entries removed",
     .since = "5.0.0", .history = kTrimHistory, .is_short = XTrimIsShort},
});

}  // namespace

constinit const Family kStreamFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
