// SET and its relatives. They share the grammar of SET's options and its order of complaints: first the syntax of all
// options, then the expiry's value, then what is at the key.
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/string_reply.h"
#include "lib/ops/keys.h"

namespace larder::inline v0::commands {
namespace {

using keyspace::Entry;
using keyspace::Lookup;
using keyspace::StringSource;
using ops::strings::Digits;
using ops::strings::SetOptions;
using ops::strings::Text;

enum class ExpiryUnit : uint8_t { kNone, kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };

struct Modifiers {
  SetOptions::Condition condition = SetOptions::Condition::kAlways;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;
  ExpiryUnit unit = ExpiryUnit::kNone;
  Bytes expiry;  // if unit is not kNone
};

ExpiryUnit TakeUnit(ArgReader& args) {
  if (args.Take("EX")) return ExpiryUnit::kSeconds;
  if (args.Take("PX")) return ExpiryUnit::kMilliseconds;
  if (args.Take("EXAT")) return ExpiryUnit::kUnixSeconds;
  if (args.Take("PXAT")) return ExpiryUnit::kUnixMilliseconds;
  return ExpiryUnit::kNone;
}

// One option of SET. False if it is none, or contradicts one before it. The same option twice is no contradiction.
bool TakeSetOption(ArgReader& args, Modifiers* modifiers) {
  using Condition = SetOptions::Condition;
  if (args.Take("NX")) {
    if (modifiers->condition == Condition::kIfPresent) return false;
    modifiers->condition = Condition::kIfMissing;
    return true;
  }
  if (args.Take("XX")) {
    if (modifiers->condition == Condition::kIfMissing) return false;
    modifiers->condition = Condition::kIfPresent;
    return true;
  }
  if (args.Take("GET")) return modifiers->get = true;
  if (args.Take("KEEPTTL")) {
    modifiers->keep_ttl = true;
    return modifiers->unit == ExpiryUnit::kNone;
  }
  return false;
}

// `for_getex`: the grammar of GETEX (PERSIST or an expiry) in place of SET's.
Error ReadModifiers(ArgReader args, bool for_getex, Modifiers* modifiers) {
  while (!args.done()) {
    const ExpiryUnit unit = TakeUnit(args);
    if (unit != ExpiryUnit::kNone) {
      const bool other = modifiers->unit != ExpiryUnit::kNone && modifiers->unit != unit;
      if (other || modifiers->keep_ttl || modifiers->persist || args.done()) return errors::kSyntax;
      modifiers->unit = unit;
      modifiers->expiry = args.Next();
    } else if (for_getex) {
      if (!args.Take("PERSIST") || modifiers->unit != ExpiryUnit::kNone) return errors::kSyntax;
      modifiers->persist = true;
    } else if (!TakeSetOption(args, modifiers)) {
      return errors::kSyntax;
    }
  }
  return kOk;
}

// The absolute time in ms that `text` means. Errors: kNotInteger, or one written that names the command.
Result<int64_t> ReadExpiry(CommandContext& ctx, ExpiryUnit unit, Bytes text, ReplyWriter& reply) {
  int64_t time = 0;
  if (!base::ParseInt64(text, &time)) return errors::kNotInteger;
  bool fits = time > 0;
  if (fits && (unit == ExpiryUnit::kSeconds || unit == ExpiryUnit::kUnixSeconds)) {
    fits = !__builtin_mul_overflow(time, 1000, &time);
  }
  if (fits && (unit == ExpiryUnit::kSeconds || unit == ExpiryUnit::kMilliseconds)) {
    fits = !__builtin_add_overflow(time, ctx.now_ms(), &time) && time > 0;  // the clock may be before 1970
  }
  if (fits) return time;
  reply.Error({"ERR invalid expire time in '", ctx.spec.name, "' command"});
  return kReplied;
}

// Whether GETEX, had there been a key, would have given it a time that has passed, which deletes it.
bool HasPassed(CommandContext& ctx, const Modifiers& modifiers) {
  int64_t time = 0;
  if (modifiers.unit != ExpiryUnit::kUnixSeconds && modifiers.unit != ExpiryUnit::kUnixMilliseconds) return false;
  if (!base::ParseInt64(modifiers.expiry, &time) || time <= 0) return false;
  if (modifiers.unit == ExpiryUnit::kUnixSeconds && __builtin_mul_overflow(time, 1000, &time)) return false;
  return time <= ctx.now_ms();
}

// What is to be stored: a large argument is kept in the block in which it came.
StringSource SourceOf(CommandContext& ctx, Bytes value) {
  memory::BlockRef* const arrived = ctx.client.large_argument;
  if (arrived == nullptr || !*arrived || (*arrived)->data() != value.data()) return StringSource::Of(value);
  return StringSource::Of(arrived);
}

// The old string is replied before it is overwritten, and taken back if that fails. Reading and overwriting it are two
// uses.
Error ReplyOldAndSet(CommandContext& ctx, Bytes key, Bytes value, const SetOptions& options, ReplyWriter& reply) {
  const keyspace::Place existing = ctx.db().Locate(key, Lookup::kUpdate);
  if (existing != nullptr && existing->type() != keyspace::Type::kString) return errors::kWrongType;
  const size_t mark = reply.Mark();
  Digits digits;
  const Text old_text = existing == nullptr ? Text{} : TextOf(*existing, digits);
  if (!ReplyTextFirst(old_text, reply)) return errors::kAllocationFailed;
  if (existing != nullptr) ctx.keyspace().Touch(*existing);
  const Error error = ops::strings::Set(ctx.db(), key, existing, SourceOf(ctx, value), options).error();
  if (!error.ok()) reply.Rewind(mark);
  return error;
}

Error SetWithTtl(CommandContext& ctx, ArgReader args, ExpiryUnit unit, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes expiry = args.Next();
  const Bytes value = args.Next();
  SetOptions options;
  LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ReadExpiry(ctx, unit, expiry, reply));
  const keyspace::Place existing = ctx.db().Locate(key, Lookup::kWrite);
  LARDER_RETURN_IF_ERROR(ops::strings::Set(ctx.db(), key, existing, SourceOf(ctx, value), options).error());
  reply.Ok();
  return kOk;
}

// The pairs of MSET and MSETNX.
Result<bool> SetPairs(CommandContext& ctx, ArgReader args, bool if_none, ReplyWriter& reply) {
  if (args.remaining() % 2 != 0) {
    reply.Error({"ERR wrong number of arguments for '", ctx.spec.name, "' command"});
    return kReplied;
  }
  return ops::strings::SetMany(ctx.db(), args.rest(), if_none);
}

Error Set(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes value = args.Next();
  SetOptions options;
  if (!args.done()) {
    Modifiers modifiers;
    LARDER_RETURN_IF_ERROR(ReadModifiers(args, false, &modifiers));
    options.condition = modifiers.condition;
    options.keep_ttl = modifiers.keep_ttl;
    if (modifiers.unit != ExpiryUnit::kNone) {
      LARDER_ASSIGN_OR_RETURN(options.expiry_ms, ReadExpiry(ctx, modifiers.unit, modifiers.expiry, reply));
    }
    if (modifiers.get) return ReplyOldAndSet(ctx, key, value, options, reply);
  }
  const keyspace::Place existing = ctx.db().Locate(key, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(const bool set,
                          ops::strings::Set(ctx.db(), key, existing, SourceOf(ctx, value), options));
  set ? reply.Ok() : reply.Null();
  return kOk;
}

Error SetNx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const keyspace::Place existing = ctx.db().Locate(key, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(const bool set,
                          ops::strings::Set(ctx.db(), key, existing, SourceOf(ctx, args.Next()),
                                            {.condition = SetOptions::Condition::kIfMissing}));
  reply.Int(set ? 1 : 0);
  return kOk;
}

Error SetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return SetWithTtl(ctx, args, ExpiryUnit::kSeconds, reply);
}

Error PSetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return SetWithTtl(ctx, args, ExpiryUnit::kMilliseconds, reply);
}

Error GetSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  return ReplyOldAndSet(ctx, key, args.Next(), SetOptions{}, reply);
}

Error GetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  Modifiers modifiers;
  LARDER_RETURN_IF_ERROR(ReadModifiers(args, true, &modifiers));
  const keyspace::Place entry = ctx.db().Locate(key, Lookup::kUpdate);
  if (entry == nullptr) {
    if (HasPassed(ctx, modifiers)) ctx.db().NoteAbsence(key);
    reply.Null();
    return kOk;
  }
  if (entry->type() != keyspace::Type::kString) return errors::kWrongType;
  int64_t expiry_ms = keyspace::kNoExpiry;
  if (modifiers.unit != ExpiryUnit::kNone) {
    LARDER_ASSIGN_OR_RETURN(expiry_ms, ReadExpiry(ctx, modifiers.unit, modifiers.expiry, reply));
  }
  const size_t mark = reply.Mark();
  Digits digits;
  if (!ReplyTextFirst(TextOf(*entry, digits), reply)) return errors::kAllocationFailed;
  Error error = kOk;
  if (expiry_ms != keyspace::kNoExpiry) error = ops::keys::ExpireEntryAt(ctx.db(), entry, key, expiry_ms).error();
  if (modifiers.persist) error = ops::keys::PersistEntry(ctx.db(), entry, key).error();
  if (!error.ok()) reply.Rewind(mark);
  return error;
}

Error MSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(SetPairs(ctx, args, false, reply).error());
  reply.Ok();
  return kOk;
}

Error MSetNx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const bool set, SetPairs(ctx, args, true, reply));
  reply.Int(set ? 1 : 0);
  return kOk;
}

// COMMAND GETKEYSANDFLAGS: with GET the key is read too.
bool SetKeysOf(std::span<const Bytes> argv, void (*add)(void* arg, size_t position, uint16_t flags), void* arg) {
  uint16_t flags = kKeyOverwrite | kKeyUpdate;
  for (Bytes option : argv.subspan(3)) {
    if (base::EqualsIgnoreCase(option, "get")) flags = kKeyReadWrite | kKeyAccess | kKeyUpdate;
  }
  add(arg, 1, flags);
  return true;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kOverwrittenKey[] = {OneKey(1, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kSetNxKey[] = {OneKey(1, kKeyOverwrite | kKeyInsert)};
constexpr KeySpec kGetExKey[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyUpdate, .index = 1,
                                         .notes = "Updates as well as reads, because the expiry may change"}};
constexpr KeySpec kSetKey[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
                                       .index = 1, .notes = "Reads as well as writes, because of the `GET` option"}};
constexpr KeySpec kMSetKeys[] = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyUpdate)};
constexpr KeySpec kMSetNxKeys[] = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyInsert)};
constexpr std::string_view kMSetTips[] = {"request_policy:multi_shard", "response_policy:all_succeeded"};
constexpr std::string_view kMSetNxTips[] = {"request_policy:multi_shard", "response_policy:agg_min"};
constexpr ArgSpec kSetExArgs[] = {kKeyArg, {.name = "seconds", .type = ArgType::kInteger}, kValueArg};
constexpr ArgSpec kPSetExArgs[] = {kKeyArg, {.name = "milliseconds", .type = ArgType::kInteger}, kValueArg};
constexpr ArgSpec kMSetArgs[] = {
    {.name = "key_value", .type = ArgType::kBlock, .multiple = true, .args = kKeyValueArgs}};
constexpr ArgSpec kGetExExpirationArgs[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "persist", .type = ArgType::kPureToken, .token = "PERSIST"},
};
constexpr ArgSpec kGetExArgs[] = {
    kKeyArg, {.name = "expiration", .type = ArgType::kOneOf, .optional = true, .args = kGetExExpirationArgs}};
constexpr ArgSpec kSetConditionArgs[] = {
    {.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
};
constexpr ArgSpec kSetExpirationArgs[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT", .since = "6.2.0"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT", .since = "6.2.0"},
    {.name = "keepttl", .type = ArgType::kPureToken, .token = "KEEPTTL", .since = "6.0.0"},
};
constexpr ArgSpec kSetArgs[] = {
    kKeyArg,
    kValueArg,
    {.name = "condition", .type = ArgType::kOneOf, .since = "2.6.12", .optional = true, .args = kSetConditionArgs},
    {.name = "get", .type = ArgType::kPureToken, .token = "GET", .since = "6.2.0", .optional = true},
    {.name = "expiration", .type = ArgType::kOneOf, .optional = true, .args = kSetExpirationArgs},
};
constexpr HistoryItem kSetHistory[] = {
    {"2.6.12", "Options `EX`, `PX`, `NX` and `XX`."},
    {"6.0.0", "Option `KEEPTTL`."},
    {"6.2.0", "Options `GET`, `EXAT` and `PXAT`."},
    {"7.0.0", "`NX` and `GET` may stand together."},
};

constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
    {.name = "getex", .run = GetEx, .arity = AtLeast(2), .flags = kFastWrites, .keys = kGetExKey,
     .args = kGetExArgs, .summary = "The string at a key, whose expiry may be set or removed.", .complexity = "O(1)",
     .since = "6.2.0"},
    {.name = "getset", .run = GetSet, .arity = Exactly(3), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kKeyValueArgs, .summary = "Sets the string at a key and returns the one before.", .complexity = "O(1)",
     .since = "1.0.0", .deprecated_since = "6.2.0", .replaced_by = "`SET` with its `GET` option"},
    {.name = "mset", .run = MSet, .arity = AtLeast(3), .flags = kGrows, .tips = kMSetTips, .keys = kMSetKeys,
     .args = kMSetArgs, .summary = "Sets the strings at several keys.", .complexity = "O(N), N = keys",
     .since = "1.0.1"},
    {.name = "msetnx", .run = MSetNx, .arity = AtLeast(3), .flags = kGrows, .tips = kMSetNxTips, .keys = kMSetNxKeys,
     .args = kMSetArgs, .summary = "Sets the strings at several keys if none of these exists.",
     .complexity = "O(N), N = keys", .since = "1.0.1"},
    {.name = "psetex", .run = PSetEx, .arity = Exactly(4), .flags = kGrows, .keys = kOverwrittenKey,
     .args = kPSetExArgs, .summary = "Sets the string at a key, which expires after some milliseconds.",
     .complexity = "O(1)", .since = "2.6.0"},
    {.name = "set", .run = Set, .arity = AtLeast(3), .flags = kGrows, .keys = kSetKey, .args = kSetArgs,
     .summary = "Sets the string at a key, whatever was there.", .complexity = "O(1)", .since = "1.0.0",
     .history = kSetHistory, .get_keys = SetKeysOf},
    {.name = "setex", .run = SetEx, .arity = Exactly(4), .flags = kGrows, .keys = kOverwrittenKey, .args = kSetExArgs,
     .summary = "Sets the string at a key, which expires after some seconds.", .complexity = "O(1)", .since = "2.0.0"},
    {.name = "setnx", .run = SetNx, .arity = Exactly(3), .flags = kFastGrows, .keys = kSetNxKey, .args = kKeyValueArgs,
     .summary = "Sets the string at a key if the key does not exist.", .complexity = "O(1)", .since = "1.0.0"},
});

}  // namespace

constinit const Family kStringSetFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
