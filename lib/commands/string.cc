// Strings: reading, editing and counting. What makes a key hold a whole string is in string_set.cc, LCS in
// string_lcs.cc.
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/string_reply.h"
#include "lib/engine/short.h"
#include "lib/keyspace/key_window.h"

namespace larder::inline v0::commands {

using keyspace::Lookup;
using ops::strings::Digits;
using ops::strings::Text;

namespace {

Error Get(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), args.Key(), digits));
  ReplyText(text, reply);
  return kOk;
}

// A key of another type reads as missing here.
Error MGet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const std::span<const Bytes> keys = args.rest();
  reply.Array(keys.size());
  auto window = keyspace::WindowOver(ctx.db(), keys);
  for (size_t i = 0; i < keys.size() && !reply.output().failed(); ++i) {
    const keyspace::Entry* entry = window.Find(i, Lookup::kRead);
    Digits digits;
    const bool is_string = entry != nullptr && entry->type() == keyspace::Type::kString;
    ReplyText(is_string ? TextOf(*entry, digits) : Text{}, reply);
  }
  return kOk;
}

Error GetDel(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  keyspace::Entry* entry = ctx.db().Find(key, Lookup::kUpdate);
  if (entry == nullptr) {
    ctx.db().NoteAbsence(key);
    reply.Null();
    return kOk;
  }
  if (entry->type() != keyspace::Type::kString) return errors::kWrongType;
  Digits digits;
  if (!ReplyTextFirst(TextOf(*entry, digits), reply)) return errors::kAllocationFailed;
  const Bytes command[] = {"DEL", key};
  ctx.db().Delete(entry, {keyspace::EventClass::kGeneric, "del", command});
  return kOk;
}

Error StrLen(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), args.Key(), digits));
  reply.Int(static_cast<int64_t>(text.bytes.size()));
  return kOk;
}

// A missing key reads as an empty string, so this never replies nil.
Error GetRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t first, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t last, args.Int());
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), key, digits));
  const Bytes slice = ops::strings::SliceInclusive(text.bytes, first, last);
  if (text.block != nullptr && slice.size() >= resp::Output::kByReferenceMin) {
    const size_t from = static_cast<size_t>(slice.data() - text.bytes.data());
    reply.BulkBlock(memory::BlockRef::Share(text.block), from, slice.size());
  } else {
    reply.Bulk(slice);
  }
  return kOk;
}

Error SetRange(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t offset, args.Int());
  if (offset < 0) return errors::kOffsetOutOfRange;
  LARDER_ASSIGN_OR_RETURN(const int64_t length, ops::strings::SetRange(ctx.db(), key, offset, args.Next()));
  reply.Int(length);
  return kOk;
}

Error Append(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t length, ops::strings::Append(ctx.db(), key, args.Next()));
  reply.Int(length);
  return kOk;
}

Error Add(CommandContext& ctx, Bytes key, int64_t by, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const int64_t value, ops::strings::IncrementBy(ctx.db(), key, by));
  reply.Int(value);
  return kOk;
}

Error Incr(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Add(ctx, args.Key(), 1, reply); }

Error Decr(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Add(ctx, args.Key(), -1, reply); }

Error IncrBy(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t by, args.Int());
  return Add(ctx, key, by, reply);
}

Error DecrBy(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t by, args.Int());
  if (by == INT64_MIN) return errors::kDecrementOverflow;
  return Add(ctx, key, -by, reply);
}

Error IncrByFloat(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  long double by = 0;
  if (!base::ParseLongDouble(args.Next(), &by)) {
    // What is wrong at the key goes before what is wrong with the argument.
    Digits digits;
    LARDER_RETURN_IF_ERROR(ops::strings::Read(ctx.db(), key, digits, Lookup::kWrite).error());
    return errors::kNotFloat;
  }
  ops::strings::FloatDigits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, ops::strings::IncrementByFloat(ctx.db(), key, by, digits));
  reply.Bulk(text);
  return kOk;
}

// It makes the value as long as the offset says.
bool SetRangeIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  int64_t offset = 0;
  if (argv.size() > 2 && base::ParseInt64(argv[2], &offset) && offset > static_cast<int64_t>(kShortBytes)) return false;
  return ValueIsShort(ctx, argv);
}

void SetRangeGrowth(keyspace::Db*, uint64_t string_bytes_max, std::span<const Bytes> argv, keyspace::Growth* growth) {
  int64_t offset = 0;
  if (argv.size() != 4 || !base::ParseInt64(argv[2], &offset)) return;
  const size_t counted = growth->counted;
  *growth = ops::strings::GrowthOfSetRange(argv[1], offset, argv[3], string_bytes_max);
  growth->counted = counted;
}

void AppendGrowth(keyspace::Db* db, uint64_t string_bytes_max, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() != 3 || db == nullptr) return;
  base::AssertHolder();  // who gives a database has the executor
  const size_t counted = growth->counted;
  *growth = ops::strings::GrowthOfAppend(*db, argv[1], argv[2], string_bytes_max);
  growth->counted = counted;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kAppendedKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kTakenKey[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)};
constexpr std::string_view kMGetTips[] = {"request_policy:multi_shard"};
constexpr ArgSpec kDecrByArgs[] = {kKeyArg, {.name = "decrement", .type = ArgType::kInteger}};
constexpr ArgSpec kIncrByArgs[] = {kKeyArg, {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kIncrByFloatArgs[] = {kKeyArg, {.name = "increment", .type = ArgType::kDouble}};
constexpr ArgSpec kRangeArgs[] = {
    kKeyArg, {.name = "start", .type = ArgType::kInteger}, {.name = "end", .type = ArgType::kInteger}};
constexpr ArgSpec kSetRangeArgs[] = {kKeyArg, {.name = "offset", .type = ArgType::kInteger}, kValueArg};

constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
    {.name = "append", .run = Append, .arity = Exactly(3), .flags = kFastGrows, .keys = kAppendedKey,
     .args = kKeyValueArgs, .summary = "Adds bytes to the end of a string; a missing key counts as an empty one.",
     .complexity = "O(N), N = bytes added, averaged over many calls", .since = "2.0.0", .is_short = ValueIsShort,
     .growth = AppendGrowth},
    {.name = "decr", .run = Decr, .arity = Exactly(2), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kKeyArgs, .summary = "Takes one from the integer at a key.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "decrby", .run = DecrBy, .arity = Exactly(3), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kDecrByArgs, .summary = "Takes a number from the integer at a key.", .complexity = "O(1)",
     .since = "1.0.0"},
    {.name = "get", .run = Get, .arity = Exactly(2), .flags = kFastReads, .keys = kReadKey, .args = kKeyArgs,
     .summary = "The string at a key.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "getdel", .run = GetDel, .arity = Exactly(2), .flags = kFastWrites, .keys = kTakenKey,
     .args = kKeyArgs, .summary = "The string at a key, which is deleted.", .complexity = "O(1)", .since = "6.2.0"},
    {.name = "getrange", .run = GetRange, .arity = Exactly(4), .flags = kReads, .keys = kReadKey,
     .args = kRangeArgs, .summary = "Bytes start to end of the string at a key; negative positions count from the end.",
     .complexity = "O(N), N = bytes returned", .since = "2.4.0"},
    {.name = "incr", .run = Incr, .arity = Exactly(2), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kKeyArgs, .summary = "Adds one to the integer at a key.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "incrby", .run = IncrBy, .arity = Exactly(3), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kIncrByArgs, .summary = "Adds a number to the integer at a key.", .complexity = "O(1)", .since = "1.0.0"},
    {.name = "incrbyfloat", .run = IncrByFloat, .arity = Exactly(3), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kIncrByFloatArgs, .summary = "Adds a number, whole or not, to the one at a key.", .complexity = "O(1)",
     .since = "2.6.0"},
    {.name = "mget", .run = MGet, .arity = AtLeast(2), .flags = kFastReads, .tips = kMGetTips, .keys = kReadKeys,
     .args = kKeysArgs, .summary = "The strings at all of the keys.", .complexity = "O(N), N = keys", .since = "1.0.0"},
    {.name = "setrange", .run = SetRange, .arity = Exactly(4), .flags = kGrows, .keys = kUpdatedKey,
     .args = kSetRangeArgs,
     .summary = "Overwrites bytes of the string at a key from an offset on; zeros fill what lies between.",
     .complexity = "O(N), N = bytes written and skipped", .since = "2.2.0", .is_short = SetRangeIsShort,
     .growth = SetRangeGrowth},
    {.name = "strlen", .run = StrLen, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many bytes the string at a key has.", .complexity = "O(1)", .since = "2.2.0"},
    {.name = "substr", .run = GetRange, .arity = Exactly(4), .flags = kReads, .keys = kReadKey,
     .args = kRangeArgs, .summary = "An old name of GETRANGE.", .complexity = "O(N), N = bytes returned",
     .since = "1.0.0", .deprecated_since = "2.0.0", .replaced_by = "`GETRANGE`"},
});

}  // namespace

constinit const Family kStringFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
