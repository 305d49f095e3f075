// Hashes.
#include <algorithm>
#include <cmath>

#include "lib/commands/collection_reply.h"
#include "lib/commands/families.h"
#include "lib/commands/scan_options.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/hashes.h"
#include "lib/ops/sampling.h"

namespace larder::inline v0::commands {

using keyspace::Collection;
using keyspace::Lookup;
namespace hashes = ops::hashes;

namespace {

Error SetFields(CommandContext& ctx, ArgReader args, ReplyWriter& reply, bool counts) {
  if (args.remaining() % 2 == 0) return WrongArity(args, reply);
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t added, hashes::Set(ctx.db(), key, args.rest(), args.argv()));
  if (counts) {
    reply.Int(added);
  } else {
    reply.Ok();
  }
  return kOk;
}

Error HSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return SetFields(ctx, args, reply, true); }
Error HMSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return SetFields(ctx, args, reply, false); }

Error HSetNx(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes field = args.Next();
  LARDER_ASSIGN_OR_RETURN(const bool set, hashes::SetIfMissing(ctx.db(), key, field, args.Next()));
  reply.Int(set);
  return kOk;
}

void ReplyField(const Collection& hash, Bytes field, ReplyWriter& reply) {
  const char* const record = hash.Find(field);
  if (record == nullptr) {
    reply.Null();
  } else {
    ReplyPart(hash, record, 1, reply);
  }
}

Error HGet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  ReplyField(hash, args.Next(), reply);
  return kOk;
}

Error HMGet(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  reply.Array(args.remaining());
  while (!args.done() && !reply.output().failed()) ReplyField(hash, args.Next(), reply);
  return kOk;
}

Error HExists(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  reply.Int(hash.Find(args.Next()) != nullptr);
  return kOk;
}

Error HStrLen(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  Bytes value;
  reply.Int(hashes::Find(hash, args.Next(), &value) ? static_cast<int64_t>(value.size()) : 0);
  return kOk;
}

Error HLen(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  reply.Int(static_cast<int64_t>(hash.size()));
  return kOk;
}

Error ReplyAll(CommandContext& ctx, ArgReader args, bool fields, bool values, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), args.Key()));
  if (fields && values) {
    reply.Map(hash.size());
  } else {
    reply.Array(hash.size());
  }
  hash.ForEach([&](const char* record) {
    if (fields) ReplyPart(hash, record, 0, reply);
    if (values) ReplyPart(hash, record, 1, reply);
    return !reply.output().failed();
  });
  return kOk;
}

Error HGetAll(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return ReplyAll(ctx, args, true, true, reply); }
Error HKeys(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return ReplyAll(ctx, args, true, false, reply); }
Error HVals(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return ReplyAll(ctx, args, false, true, reply); }

Error HDel(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t deleted, hashes::Delete(ctx.db(), key, args.rest(), args.argv()));
  reply.Int(deleted);
  return kOk;
}

Error HIncrBy(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes field = args.Next();
  LARDER_ASSIGN_OR_RETURN(const int64_t by, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t value, hashes::IncrementBy(ctx.db(), key, field, by));
  reply.Int(value);
  return kOk;
}

Error HIncrByFloat(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  const Bytes field = args.Next();
  long double by = 0;
  if (!base::ParseLongDouble(args.Next(), &by)) return errors::kNotFloat;
  if (!std::isfinite(by)) return errors::kNotNumber;
  ops::strings::FloatDigits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, hashes::IncrementByFloat(ctx.db(), key, field, by, digits));
  reply.Bulk(text);
  return kOk;
}

// Some pairs, of which each has its own array in RESP3.
class RandomFields {
 public:
  RandomFields(const Collection& hash, bool with_values, size_t count, ReplyWriter& reply)
      : hash_(hash), with_values_(with_values), reply_(reply) {
    reply.Array(with_values && reply.protocol() == 2 ? count * 2 : count);
  }
  void Add(const char* record) {
    if (reply_.output().failed()) return;
    if (with_values_ && reply_.protocol() > 2) reply_.Array(2);
    ReplyPart(hash_, record, 0, reply_);
    if (with_values_) ReplyPart(hash_, record, 1, reply_);
  }

 private:
  const Collection& hash_;
  const bool with_values_;
  ReplyWriter& reply_;
};

Error HRandField(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  if (args.done()) {
    LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), key));
    if (hash.empty()) {
      reply.Null();
    } else {
      ReplyPart(hash, hash.At(ctx.keyspace().random().Below(hash.size())), 0, reply);
    }
    return kOk;
  }
  bool with_values = false;
  LARDER_ASSIGN_OR_RETURN(const int64_t count, ParseRandomCount(args, "withvalues", &with_values));
  LARDER_ASSIGN_OR_RETURN(const Collection hash, hashes::Open(ctx.db(), key));
  if (count == 0 || hash.empty()) {
    reply.Array(0);
    return kOk;
  }
  base::Random& random = ctx.keyspace().random();
  LARDER_RETURN_IF_ERROR(CheckRandomCount(count));
  if (count < 0) {
    RandomFields fields(hash, with_values, static_cast<size_t>(-count), reply);
    for (int64_t i = count; i < 0 && !reply.output().failed(); ++i) fields.Add(hash.At(random.Below(hash.size())));
    return kOk;
  }
  const size_t most = std::min(static_cast<size_t>(count), hash.size());
  const size_t mark = reply.Mark();
  RandomFields fields(hash, with_values, most, reply);
  if (ops::SampleRecords(hash, most, random, [&](const char* record) { fields.Add(record); })) return kOk;
  reply.Rewind(mark);
  return errors::kAllocationFailed;
}

bool RandomIsShort(CommandContext&, std::span<const Bytes> argv) {
  int64_t count = 0;
  if (argv.size() < 3 || !base::ParseInt64(argv[2], &count)) return true;
  return count >= -static_cast<int64_t>(kShortElements) && count <= static_cast<int64_t>(kShortElements);
}

Error HScan(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  uint64_t cursor = 0;
  if (!ParseCursor(args.Next(), &cursor)) return errors::kInvalidCursor;
  const keyspace::Entry* const entry = ctx.db().Find(key, Lookup::kRead);
  if (entry != nullptr && entry->type() != keyspace::Type::kHash) return errors::kWrongType;
  const Collection hash(entry, hashes::kPackedPairs);
  ScanOptions options;
  base::Buffer room;
  if (entry != nullptr) LARDER_RETURN_IF_ERROR(ParseScanOptions(args, /*of_keys=*/false, &options, room));
  const bool packed = entry == nullptr || entry->encoding() == keyspace::Encoding::kListpack;
  return ReplyScan(
      hash, packed, cursor, options, 2,
      [&](const char* record, ReplyWriter& to) {
        ReplyPart(hash, record, 0, to);
        ReplyPart(hash, record, 1, to);
      },
      reply);
}

bool HScanIsShort(CommandContext&, std::span<const Bytes> argv) { return ScanOptionsAreShort(argv, 3); }

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kInsertedKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kPrunedKey[] = {OneKey(1, kKeyReadWrite | kKeyDelete)};
constexpr ArgSpec kField = {.name = "field", .type = ArgType::kString};
constexpr ArgSpec kFieldValue[] = {kField, kValueArg};
constexpr ArgSpec kSetArgs[] = {
    kKeyArg, {.name = "field_value", .type = ArgType::kBlock, .multiple = true, .args = kFieldValue}};
constexpr ArgSpec kFieldArgs[] = {kKeyArg, kField};
constexpr ArgSpec kFieldsArgs[] = {kKeyArg, {.name = "field", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kSetNxArgs[] = {kKeyArg, kField, kValueArg};
constexpr ArgSpec kIncrArgs[] = {kKeyArg, kField, {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kIncrFloatArgs[] = {kKeyArg, kField, {.name = "increment", .type = ArgType::kDouble}};
constexpr ArgSpec kRandomOptions[] = {
    {.name = "count", .type = ArgType::kInteger},
    {.name = "withvalues", .type = ArgType::kPureToken, .token = "WITHVALUES", .optional = true}};
constexpr ArgSpec kRandomArgs[] = {
    kKeyArg, {.name = "options", .type = ArgType::kBlock, .optional = true, .args = kRandomOptions}};
constexpr ArgSpec kScanArgs[] = {
    kKeyArg,
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true}};
constexpr HistoryItem kSetHistory[] = {{"4.0.0", "Several fields in one call."}};
constexpr HistoryItem kDelHistory[] = {{"2.4.0", "Several fields in one call."}};

constexpr auto kRows = Rows({.group = Group::kHash, .categories = kAclHash}, {
    {.name = "hdel", .run = HDel, .arity = AtLeast(3), .flags = kFastWrites, .keys = kPrunedKey, .args = kFieldsArgs,
     .summary = "Removes fields of a hash; with its last field the hash goes too.", .complexity = "O(N), N = fields",
     .since = "2.0.0", .history = kDelHistory},
    {.name = "hexists", .run = HExists, .arity = Exactly(3), .flags = kFastReads, .keys = kExaminedKey,
     .args = kFieldArgs, .summary = "Whether a hash has a field.", .complexity = "O(1)", .since = "2.0.0"},
    {.name = "hget", .run = HGet, .arity = Exactly(3), .flags = kFastReads, .keys = kReadKey, .args = kFieldArgs,
     .summary = "The value of a field of a hash.", .complexity = "O(1)", .since = "2.0.0"},
    {.name = "hgetall", .run = HGetAll, .arity = Exactly(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKey,
     .args = kKeyArgs, .summary = "All fields of a hash with their values.", .complexity = "O(N), N = fields",
     .since = "2.0.0", .is_short = CollectionIsShort},
    {.name = "hincrby", .run = HIncrBy, .arity = Exactly(4), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kIncrArgs, .summary = "Adds a number to the integer in a field of a hash.", .complexity = "O(1)",
     .since = "2.0.0"},
    {.name = "hincrbyfloat", .run = HIncrByFloat, .arity = Exactly(4), .flags = kFastGrows, .keys = kReadAndUpdatedKey,
     .args = kIncrFloatArgs, .summary = "Adds a number, whole or not, to the one in a field of a hash.",
     .complexity = "O(1)", .since = "2.6.0"},
    {.name = "hkeys", .run = HKeys, .arity = Exactly(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKey,
     .args = kKeyArgs, .summary = "All fields of a hash.", .complexity = "O(N), N = fields", .since = "2.0.0",
     .is_short = CollectionIsShort},
    {.name = "hlen", .run = HLen, .arity = Exactly(2), .flags = kFastReads, .keys = kExaminedKey, .args = kKeyArgs,
     .summary = "How many fields a hash has.", .complexity = "O(1)", .since = "2.0.0"},
    {.name = "hmget", .run = HMGet, .arity = AtLeast(3), .flags = kFastReads, .keys = kReadKey, .args = kFieldsArgs,
     .summary = "The values of several fields of a hash.", .complexity = "O(N), N = fields", .since = "2.0.0"},
    {.name = "hmset", .run = HMSet, .arity = AtLeast(4), .flags = kFastGrows, .keys = kUpdatedKey, .args = kSetArgs,
     .summary = "Sets fields of a hash; an older form of HSET.", .complexity = "O(N), N = fields", .since = "2.0.0",
     .deprecated_since = "4.0.0", .replaced_by = "`HSET` with several pairs"},
    {.name = "hrandfield", .run = HRandField, .arity = AtLeast(2), .flags = kReads, .tips = kVaries, .keys = kReadKey,
     .args = kRandomArgs, .summary = "Fields of a hash picked at random.", .complexity = "O(N), N = fields returned",
     .since = "6.2.0", .is_short = RandomIsShort},
    {.name = "hscan", .run = HScan, .arity = AtLeast(3), .flags = kReads, .tips = kVaries, .keys = kReadKey,
     .args = kScanArgs, .summary = "Some fields and values of a hash, and the cursor to go on from.",
     .complexity = "O(1) a call, O(N) for all N fields.", .since = "2.8.0", .is_short = HScanIsShort},
    {.name = "hset", .run = HSet, .arity = AtLeast(4), .flags = kFastGrows, .keys = kUpdatedKey, .args = kSetArgs,
     .summary = "Sets fields of a hash; what is missing is made.", .complexity = "O(N), N = fields", .since = "2.0.0",
     .history = kSetHistory},
    {.name = "hsetnx", .run = HSetNx, .arity = Exactly(4), .flags = kFastGrows, .keys = kInsertedKey,
     .args = kSetNxArgs, .summary = "Sets a field of a hash if it is not there.", .complexity = "O(1)",
     .since = "2.0.0"},
    {.name = "hstrlen", .run = HStrLen, .arity = Exactly(3), .flags = kFastReads, .keys = kExaminedKey,
     .args = kFieldArgs, .summary = "How many bytes the value of a field has.", .complexity = "O(1)", .since = "3.2.0"},
    {.name = "hvals", .run = HVals, .arity = Exactly(2), .flags = kReads, .tips = kAnyOrder, .keys = kReadKey,
     .args = kKeyArgs, .summary = "All values of a hash.", .complexity = "O(N), N = fields", .since = "2.0.0",
     .is_short = CollectionIsShort},
});

}  // namespace

constinit const Family kHashFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
