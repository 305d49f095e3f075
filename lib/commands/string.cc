// The string family: reading, editing and counting, and the rows of the whole family.
#include "lib/commands/string_args.h"
#include "lib/commands/string_family.h"
#include "lib/engine/short.h"
#include "lib/keyspace/key_window.h"

namespace larder::inline v0::commands {

using keyspace::Lookup;
using ops::strings::Digits;
using ops::strings::Text;

void ReplyText(const Text& text, ReplyWriter& reply) {
  if (!text.found) {
    reply.Null();
  } else if (text.block != nullptr && text.bytes.size() >= resp::Output::kByReferenceMin) {
    reply.BulkBlock(memory::BlockRef::Share(text.block), 0, text.bytes.size());
  } else {
    reply.Bulk(text.bytes);
  }
}

bool ReplyTextFirst(const Text& text, ReplyWriter& reply) {
  if (reply.output().failed()) return true;  // of an EXEC whose reply is lost already
  const size_t mark = reply.Mark();
  ReplyText(text, reply);
  if (!reply.output().failed()) return true;
  reply.output().RewindFailed(mark);
  return false;
}

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
  const size_t counted = growth->counted;
  *growth = ops::strings::GrowthOfAppend(*db, argv[1], argv[2], string_bytes_max);
  growth->counted = counted;
}

constexpr uint32_t kWriting = kCmdWrite | kCmdDenyOom | kCmdShort;
constexpr uint32_t kFastWriting = kWriting | kCmdFast;
constexpr uint32_t kFastReading = kCmdReadOnly | kCmdFast | kCmdShort;

constexpr CommandSpec kCommands[] = {
    {.name = "append", .run = Append, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kInsertingKey, .args = kKeyValueArgs,
     .summary = "Adds bytes to the end of a string; a missing key counts as an empty one.",
     .complexity = "O(N), N = bytes added, averaged over many calls", .group = Group::kString, .since = "2.0.0", .is_short = ValueIsShort,
     .growth = AppendGrowth},
    {.name = "decr", .run = Decr, .arity = Exactly(2), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kKeyArgs, .summary = "Takes one from the integer at a key.", .complexity = "O(1)",
     .group = Group::kString, .since = "1.0.0"},
    {.name = "decrby", .run = DecrBy, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kDecrByArgs, .summary = "Takes a number from the integer at a key.",
     .complexity = "O(1)", .group = Group::kString, .since = "1.0.0"},
    {.name = "get", .run = Get, .arity = Exactly(2), .flags = kFastReading, .categories = kAclString,
     .keys = kReadKey, .args = kKeyArgs, .summary = "The string at a key.", .complexity = "O(1)",
     .group = Group::kString, .since = "1.0.0"},
    {.name = "getdel", .run = GetDel, .arity = Exactly(2), .flags = kCmdWrite | kCmdFast | kCmdShort, .categories = kAclString,
     .keys = kTakenKey, .args = kKeyArgs, .summary = "The string at a key, which is deleted.", .complexity = "O(1)",
     .group = Group::kString, .since = "6.2.0"},
    {.name = "getex", .run = GetEx, .arity = AtLeast(2), .flags = kCmdWrite | kCmdFast | kCmdShort, .categories = kAclString,
     .keys = kGetExKey, .args = kGetExArgs, .summary = "The string at a key, whose expiry may be set or removed.",
     .complexity = "O(1)", .group = Group::kString, .since = "6.2.0"},
    {.name = "getrange", .run = GetRange, .arity = Exactly(4), .flags = kCmdReadOnly | kCmdShort, .categories = kAclString,
     .keys = kReadKey, .args = kRangeArgs,
     .summary = "Bytes start to end of the string at a key; negative positions count from the end.",
     .complexity = "O(N), N = bytes returned", .group = Group::kString, .since = "2.4.0"},
    {.name = "getset", .run = GetSet, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kKeyValueArgs, .summary = "Sets the string at a key and returns the one before.",
     .complexity = "O(1)", .group = Group::kString, .since = "1.0.0", .deprecated_since = "6.2.0",
     .replaced_by = "`SET` with its `GET` option"},
    {.name = "incr", .run = Incr, .arity = Exactly(2), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kKeyArgs, .summary = "Adds one to the integer at a key.", .complexity = "O(1)",
     .group = Group::kString, .since = "1.0.0"},
    {.name = "incrby", .run = IncrBy, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kIncrByArgs, .summary = "Adds a number to the integer at a key.",
     .complexity = "O(1)", .group = Group::kString, .since = "1.0.0"},
    {.name = "incrbyfloat", .run = IncrByFloat, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kUpdatingKey, .args = kIncrByFloatArgs, .summary = "Adds a number, whole or not, to the one at a key.",
     .complexity = "O(1)", .group = Group::kString, .since = "2.6.0"},
    {.name = "lcs", .run = LcsOf, .arity = AtLeast(3), .flags = kCmdReadOnly, .categories = kAclString,
     .keys = kLcsKeys, .args = kLcsArgs, .summary = "The longest subsequence that two strings have in common.",
     .complexity = "O(N*M), N and M = lengths of the strings", .group = Group::kString, .since = "7.0.0"},
    {.name = "mget", .run = MGet, .arity = AtLeast(2), .flags = kFastReading, .categories = kAclString,
     .tips = kMGetTips, .keys = kMGetKeys, .args = kMGetArgs, .summary = "The strings at all of the keys.",
     .complexity = "O(N), N = keys", .group = Group::kString, .since = "1.0.0"},
    {.name = "mset", .run = MSet, .arity = AtLeast(3), .flags = kWriting, .categories = kAclString,
     .tips = kMSetTips, .keys = kMSetKeys, .args = kMSetArgs, .summary = "Sets the strings at several keys.",
     .complexity = "O(N), N = keys", .group = Group::kString, .since = "1.0.1"},
    {.name = "msetnx", .run = MSetNx, .arity = AtLeast(3), .flags = kWriting, .categories = kAclString,
     .tips = kMSetNxTips, .keys = kMSetNxKeys, .args = kMSetArgs,
     .summary = "Sets the strings at several keys if none of these exists.", .complexity = "O(N), N = keys",
     .group = Group::kString, .since = "1.0.1"},
    {.name = "psetex", .run = PSetEx, .arity = Exactly(4), .flags = kWriting, .categories = kAclString,
     .keys = kOverwrittenKey, .args = kPSetExArgs,
     .summary = "Sets the string at a key, which expires after some milliseconds.", .complexity = "O(1)",
     .group = Group::kString, .since = "2.6.0"},
    {.name = "set", .run = Set, .arity = AtLeast(3), .flags = kWriting, .categories = kAclString, .keys = kSetKey,
     .args = kSetArgs, .summary = "Sets the string at a key, whatever was there.", .complexity = "O(1)",
     .group = Group::kString, .since = "1.0.0", .history = kSetHistory, .get_keys = SetKeysOf},
    {.name = "setex", .run = SetEx, .arity = Exactly(4), .flags = kWriting, .categories = kAclString,
     .keys = kOverwrittenKey, .args = kSetExArgs,
     .summary = "Sets the string at a key, which expires after some seconds.", .complexity = "O(1)",
     .group = Group::kString, .since = "2.0.0"},
    {.name = "setnx", .run = SetNx, .arity = Exactly(3), .flags = kFastWriting, .categories = kAclString,
     .keys = kSetNxKey, .args = kKeyValueArgs, .summary = "Sets the string at a key if the key does not exist.",
     .complexity = "O(1)", .group = Group::kString, .since = "1.0.0"},
    {.name = "setrange", .run = SetRange, .arity = Exactly(4), .flags = kWriting, .categories = kAclString,
     .keys = kSetRangeKey, .args = kSetRangeArgs,
     .summary = "Overwrites bytes of the string at a key from an offset on; zeros fill what lies between.",
     .complexity = "O(N), N = bytes written and skipped", .group = Group::kString, .since = "2.2.0", .is_short = SetRangeIsShort,
     .growth = SetRangeGrowth},
    {.name = "strlen", .run = StrLen, .arity = Exactly(2), .flags = kFastReading, .categories = kAclString,
     .keys = kMeasuredKey, .args = kKeyArgs, .summary = "How many bytes the string at a key has.",
     .complexity = "O(1)", .group = Group::kString, .since = "2.2.0"},
    {.name = "substr", .run = GetRange, .arity = Exactly(4), .flags = kCmdReadOnly | kCmdShort, .categories = kAclString,
     .keys = kReadKey, .args = kRangeArgs, .summary = "An old name of GETRANGE.",
     .complexity = "O(N), N = bytes returned", .group = Group::kString, .since = "1.0.0",
     .deprecated_since = "2.0.0", .replaced_by = "`GETRANGE`"},
};

}  // namespace

std::span<const CommandSpec> StringCommands() { return kCommands; }

}  // namespace larder::inline v0::commands
