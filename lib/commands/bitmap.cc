// Bitmaps: strings whose bits are addressed one by one, or as numbers of some bits.
//
// The order of complaints is Redis's: SETBIT and BITPOS look at their own arguments before they look at the key,
// BITCOUNT and BITPOS look for the key before they look at their range (a missing key has an answer whatever the range
// says), BITFIELD reads its whole program first.
#include <algorithm>
#include <iterator>

#include "lib/base/buffer.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/ops/bits.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::commands {
namespace {

using ops::bits::FieldStep;
using ops::bits::Operation;
using ops::strings::Digits;
using ops::strings::Text;

constexpr ErrorText kBadBitOffset{absl::StatusCode::kInvalidArgument,
                                  "ERR bit offset is not an integer or out of range"};
constexpr ErrorText kBadBit{absl::StatusCode::kInvalidArgument, "ERR bit is not an integer or out of range"};
constexpr ErrorText kNotABit{absl::StatusCode::kInvalidArgument, "ERR The bit argument must be 1 or 0."};
constexpr ErrorText kNotOfOneKey{absl::StatusCode::kInvalidArgument,
                                 "ERR BITOP NOT must be called with a single source key."};
constexpr ErrorText kBadFieldType{
    absl::StatusCode::kInvalidArgument,
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."};
constexpr ErrorText kBadOverflow{absl::StatusCode::kInvalidArgument, "ERR Invalid OVERFLOW type specified"};
constexpr ErrorText kOnlyGet{absl::StatusCode::kInvalidArgument, "ERR BITFIELD_RO only supports the GET subcommand"};

// A bit's position in a string that is no longer than the limit.
Result<uint64_t> ParseBitOffset(Bytes text, uint64_t string_bytes_max) {
  int64_t offset = 0;
  if (!base::ParseInt64(text, &offset) || offset < 0) return kBadBitOffset;
  if (static_cast<uint64_t>(offset) / 8 >= string_bytes_max) return kBadBitOffset;
  return static_cast<uint64_t>(offset);
}

uint64_t LimitOf(CommandContext& ctx) { return ctx.keyspace().config().string_bytes_max; }

// ---- GETBIT and SETBIT ----------------------------------------------------------------------------------------------

Error GetBit(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const uint64_t offset, ParseBitOffset(args.Next(), LimitOf(ctx)));
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), key, digits));
  reply.Int(static_cast<int64_t>(ops::bits::LoadBits(text.bytes, offset, 1)));
  return kOk;
}

Error SetBit(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const uint64_t offset, ParseBitOffset(args.Next(), LimitOf(ctx)));
  LARDER_ASSIGN_OR_RETURN(const int64_t bit, args.Int(kBadBit));
  if (bit != 0 && bit != 1) return kBadBit;
  LARDER_ASSIGN_OR_RETURN(const bool before, ops::bits::Set(ctx.db(), key, offset, bit == 1));
  reply.Int(before ? 1 : 0);
  return kOk;
}

// ---- BITCOUNT and BITPOS --------------------------------------------------------------------------------------------

// Bits `first` to `last` of a string; none if first > last.
struct BitRange {
  int64_t first = 0;
  int64_t last = -1;
  bool empty() const { return first > last; }
};

// `start` and `end` are inclusive, negative from the end, in bits or in bytes.
BitRange RangeOf(int64_t start, int64_t end, bool in_bits, size_t bytes) {
  const int64_t unit = in_bits ? 1 : 8;
  const int64_t units = static_cast<int64_t>(bytes) * 8 / unit;
  if (start < 0) start = std::max<int64_t>(start + units, 0);
  if (end < 0) end = std::max<int64_t>(end + units, 0);
  end = std::min(end, units - 1);
  if (start > end) return {};
  return {start * unit, end * unit + unit - 1};
}

// BYTE or BIT, the last argument, if it is there.
Error ReadUnit(ArgReader args, bool* in_bits) {
  if (args.done()) return kOk;
  *in_bits = args.Take("BIT");
  if (!*in_bits && !args.Take("BYTE")) return errors::kSyntax;
  return args.done() ? kOk : Error(errors::kSyntax);
}

Error BitCount(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), args.Key(), digits));
  if (!text.found || args.done()) {
    reply.Int(static_cast<int64_t>(ops::bits::CountOnes(text.bytes)));
    return kOk;
  }
  if (args.remaining() == 1 || args.remaining() > 3) return errors::kSyntax;
  LARDER_ASSIGN_OR_RETURN(const int64_t start, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t end, args.Int());
  bool in_bits = false;
  LARDER_RETURN_IF_ERROR(ReadUnit(args, &in_bits));
  const bool backwards = start < 0 && end < 0 && start > end;  // even where both are before the beginning
  const BitRange range = backwards ? BitRange{} : RangeOf(start, end, in_bits, text.bytes.size());
  const auto first = static_cast<uint64_t>(range.first), last = static_cast<uint64_t>(range.last);
  reply.Int(range.empty() ? 0 : static_cast<int64_t>(ops::bits::CountOnes(text.bytes, first, last)));
  return kOk;
}

Error BitPos(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const int64_t bit, args.Int());
  if (bit != 0 && bit != 1) return kNotABit;
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Text text, ops::strings::Read(ctx.db(), key, digits));
  if (!text.found) {  // as if it were zeros without end
    reply.Int(bit == 1 ? -1 : 0);
    return kOk;
  }
  if (args.remaining() > 3) return errors::kSyntax;
  const bool open_end = args.remaining() < 2;
  int64_t start = 0, end = -1;
  bool in_bits = false;
  if (!args.done()) {
    LARDER_ASSIGN_OR_RETURN(start, args.Int());
  }
  if (!args.done()) {
    const Bytes end_text = args.Next();
    LARDER_RETURN_IF_ERROR(ReadUnit(args, &in_bits));
    if (!base::ParseInt64(end_text, &end)) return errors::kNotInteger;
  }
  const BitRange range = RangeOf(start, end, in_bits, text.bytes.size());
  int64_t position = -1;
  if (!range.empty()) {
    const auto first = static_cast<uint64_t>(range.first), last = static_cast<uint64_t>(range.last);
    const std::optional<uint64_t> found = ops::bits::FindBit(text.bytes, bit == 1, first, last);
    if (found.has_value()) {
      position = static_cast<int64_t>(*found);
    } else if (bit == 0 && open_end) {  // zeros follow a string of ones
      position = static_cast<int64_t>(text.bytes.size()) * 8;
    }
  }
  reply.Int(position);
  return kOk;
}

// ---- BITOP ----------------------------------------------------------------------------------------------------------

Result<Operation> ParseOperation(Bytes word) {
  if (base::EqualsIgnoreCase(word, "AND")) return Operation::kAnd;
  if (base::EqualsIgnoreCase(word, "OR")) return Operation::kOr;
  if (base::EqualsIgnoreCase(word, "XOR")) return Operation::kXor;
  if (base::EqualsIgnoreCase(word, "NOT")) return Operation::kNot;
  return errors::kSyntax;
}

Error BitOp(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const Operation operation, ParseOperation(args.Next()));
  const Bytes destination = args.Key();
  if (operation == Operation::kNot && args.remaining() != 1) return kNotOfOneKey;
  LARDER_ASSIGN_OR_RETURN(const int64_t size,
                          ops::bits::Combine(ctx.db(), operation, destination, args.rest(), args.argv()));
  reply.Int(size);
  return kOk;
}

// Of the sources' blocks.
struct BlockSizes {
  size_t largest = 0;
  size_t sum = 0;
};

BlockSizes SourceSizes(keyspace::Db& db, std::span<const Bytes> argv) LARDER_REQUIRES_HOLDER {
  BlockSizes sizes;
  for (size_t i = 3; i < argv.size(); ++i) {
    const size_t size = db.BlockBytes(argv[i]);
    sizes.largest = std::max(sizes.largest, size);
    sizes.sum += size;
  }
  return sizes;
}

bool BitOpIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return SourceSizes(ctx.db(), argv).sum <= kShortBytes;
}

void BitOpGrowth(keyspace::Db* db, uint64_t, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() < 4 || db == nullptr) return;
  base::AssertHolder();  // who gives a database has the executor
  const size_t largest = SourceSizes(*db, argv).largest;
  growth->bytes += largest;
  growth->value_bytes = std::max(growth->value_bytes, largest);
}

// ---- BITFIELD -------------------------------------------------------------------------------------------------------

// The steps that a request asks for.
class FieldProgram {
 public:
  // One step after another; `args` stands behind the key.
  Error Read(ArgReader args, uint64_t string_bytes_max) {
    FieldStep::Overflow overflow = FieldStep::Overflow::kWrap;
    while (!args.done()) {
      FieldStep step;
      if (args.remaining() > 1 && args.Take("OVERFLOW")) {
        LARDER_RETURN_IF_ERROR(ReadOverflow(args.Next(), &overflow));
        continue;
      }
      if (args.remaining() > 2 && args.Take("GET")) {
        step.kind = FieldStep::Kind::kGet;
      } else if (args.remaining() > 3 && args.Take("SET")) {
        step.kind = FieldStep::Kind::kSet;
      } else if (args.remaining() > 3 && args.Take("INCRBY")) {
        step.kind = FieldStep::Kind::kIncrement;
      } else {
        return errors::kSyntax;
      }
      step.overflow = overflow;
      LARDER_RETURN_IF_ERROR(ReadField(args, string_bytes_max, &step));
      if (!Add(step)) return errors::kAllocationFailed;
    }
    return kOk;
  }

  std::span<const FieldStep> steps() const {
    if (many_.empty()) return {few_, count_};
    return {reinterpret_cast<const FieldStep*>(many_.data()), count_};
  }
  bool writes() const { return bytes_needed_ != 0; }
  // Of the string, for all that is written.
  uint64_t bytes_needed() const { return bytes_needed_; }

 private:
  static Error ReadOverflow(Bytes word, FieldStep::Overflow* overflow) {
    if (base::EqualsIgnoreCase(word, "WRAP")) {
      *overflow = FieldStep::Overflow::kWrap;
    } else if (base::EqualsIgnoreCase(word, "SAT")) {
      *overflow = FieldStep::Overflow::kSaturate;
    } else if (base::EqualsIgnoreCase(word, "FAIL")) {
      *overflow = FieldStep::Overflow::kFail;
    } else {
      return kBadOverflow;
    }
    return kOk;
  }

  // "u8", then "5" or "#5" (in units of the width), then a value.
  static Error ReadField(ArgReader& args, uint64_t string_bytes_max, FieldStep* step) {
    const Bytes type = args.Next();
    const Bytes offset = args.Next();
    int64_t width = 0;
    step->is_signed = type.starts_with('i');
    if ((!step->is_signed && !type.starts_with('u')) || !base::ParseInt64(type.substr(1), &width) || width < 1 ||
        width > (step->is_signed ? 64 : 63)) {
      return kBadFieldType;
    }
    step->width = static_cast<uint8_t>(width);
    int64_t number = 0;
    const bool in_fields = offset.starts_with('#');
    if (!base::ParseInt64(offset.substr(in_fields ? 1 : 0), &number) || number < 0 ||
        (in_fields && __builtin_mul_overflow(number, width, &number)) ||
        static_cast<uint64_t>(number) / 8 >= string_bytes_max) {
      return kBadBitOffset;
    }
    step->offset = static_cast<uint64_t>(number);
    if (step->kind == FieldStep::Kind::kGet) return kOk;
    LARDER_ASSIGN_OR_RETURN(step->value, args.Int());
    return kOk;
  }

  // False without memory.
  bool Add(const FieldStep& step) {
    bytes_needed_ = std::max(bytes_needed_, step.bytes_needed());
    if (count_ < std::size(few_)) {
      few_[count_++] = step;
      return true;
    }
    auto append = [&](const FieldStep* from, size_t n) {
      return many_.Append({reinterpret_cast<const char*>(from), n * sizeof(FieldStep)});
    };
    if (many_.empty() && !append(few_, count_)) return false;
    ++count_;
    return append(&step, 1);
  }

  FieldStep few_[8];
  base::Buffer many_;  // all of them, if they are more
  size_t count_ = 0;
  uint64_t bytes_needed_ = 0;
};

// Makes sure that so many integers can be replied, since what they tell cannot be undone. (If a reply is lost already,
// an EXEC's, the command runs all the same.)
bool ReserveIntegers(size_t count, ReplyWriter& reply) {
  constexpr size_t kIntegerBytes = 32;  // with what the writer asks for beyond it
  if (reply.output().failed()) return true;
  const size_t mark = reply.Mark();
  if (reply.output().bytes().Reserve((count + 1) * kIntegerBytes)) return true;
  reply.output().RewindFailed(mark);
  return false;
}

Error RunProgram(CommandContext& ctx, Bytes key, const FieldProgram& program, ArgReader args, ReplyWriter& reply) {
  if (program.writes() && !ReserveIntegers(program.steps().size(), reply)) return errors::kAllocationFailed;
  const size_t mark = reply.Mark();
  reply.Array(program.steps().size());
  const Error error = ops::bits::RunFields(
      ctx.db(), key, program.steps(), args.argv(),
      [&](std::optional<int64_t> value) { value.has_value() ? reply.Int(*value) : reply.Null(); });
  if (!error.ok()) reply.Rewind(mark);
  return error;
}

Error BitField(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  FieldProgram program;
  LARDER_RETURN_IF_ERROR(program.Read(args, LimitOf(ctx)));
  return RunProgram(ctx, key, program, args, reply);
}

Error BitFieldRo(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  FieldProgram program;
  LARDER_RETURN_IF_ERROR(program.Read(args, LimitOf(ctx)));
  if (program.writes()) return kOnlyGet;
  return RunProgram(ctx, key, program, args, reply);
}

// Whether the words from `at` on only read, as far as COMMAND GETKEYSANDFLAGS looks: at their first words and number.
bool OnlyReads(std::span<const Bytes> argv, size_t at) {
  while (at < argv.size()) {
    const size_t left = argv.size() - at - 1;
    if (base::EqualsIgnoreCase(argv[at], "get") && left >= 2) {
      at += 3;
    } else if (base::EqualsIgnoreCase(argv[at], "overflow") && left >= 1) {
      at += 2;
    } else {
      return false;
    }
  }
  return true;
}

bool BitFieldKeysOf(std::span<const Bytes> argv, void (*add)(void* arg, size_t position, uint16_t flags), void* arg) {
  add(arg, 1, OnlyReads(argv, 2) ? kKeyReadOnly | kKeyAccess : kKeyReadWrite | kKeyAccess | kKeyUpdate);
  return true;
}

// ---- What edits cost ------------------------------------------------------------------------------------------------

// The bytes that the string will have at least; 0 if the command writes nothing, or will be refused.
using BytesNeeded = uint64_t (*)(std::span<const Bytes> argv, uint64_t string_bytes_max);

uint64_t SetBitNeeds(std::span<const Bytes> argv, uint64_t string_bytes_max) {
  if (argv.size() < 3) return 0;
  const Result<uint64_t> offset = ParseBitOffset(argv[2], string_bytes_max);
  return offset.ok() ? *offset / 8 + 1 : 0;
}

uint64_t BitFieldNeeds(std::span<const Bytes> argv, uint64_t string_bytes_max) {
  FieldProgram program;
  return program.Read(ArgReader(argv, 2), string_bytes_max).ok() ? program.bytes_needed() : 0;
}

// A write makes the value as long as it needs, and may have to copy it.
template <BytesNeeded kNeeds>
bool EditIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  const uint64_t needed = kNeeds(argv, LimitOf(ctx));
  return needed == 0 || (needed <= kShortBytes && ValueIsShort(ctx, argv));
}

template <BytesNeeded kNeeds>
void EditGrowth(keyspace::Db* db, uint64_t string_bytes_max, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() < 2) return;
  const size_t counted = growth->counted;
  *growth = ops::bits::GrowthOf(db, argv[1], kNeeds(argv, string_bytes_max), string_bytes_max);
  growth->counted = counted;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kBitOpKeys[] = {OneKey(2, kKeyOverwrite | kKeyUpdate),
                                  KeyRange(3, -1, 1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kBitFieldKey[] = {{.flags = kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags, .index = 1,
                                     .notes = "Whether it is written follows from the steps"}};

constexpr ArgSpec kOffsetArg = {.name = "offset", .type = ArgType::kInteger};
constexpr ArgSpec kEncodingArg = {.name = "encoding", .type = ArgType::kString};
constexpr ArgSpec kEndArg = {.name = "end", .type = ArgType::kInteger};
constexpr ArgSpec kGetBitArgs[] = {kKeyArg, kOffsetArg};
constexpr ArgSpec kSetBitArgs[] = {kKeyArg, kOffsetArg, {.name = "value", .type = ArgType::kInteger}};
constexpr ArgSpec kUnitArgs[] = {
    {.name = "byte", .type = ArgType::kPureToken, .token = "BYTE"},
    {.name = "bit", .type = ArgType::kPureToken, .token = "BIT"},
};
constexpr ArgSpec kUnitArg = {
    .name = "index_unit", .type = ArgType::kOneOf, .since = "7.0.0", .optional = true, .args = kUnitArgs};
constexpr ArgSpec kCountRangeArgs[] = {{.name = "start", .type = ArgType::kInteger}, kEndArg, kUnitArg};
constexpr ArgSpec kBitCountArgs[] = {
    kKeyArg, {.name = "index", .type = ArgType::kBlock, .optional = true, .args = kCountRangeArgs}};
constexpr ArgSpec kEndAndUnitArgs[] = {kEndArg, kUnitArg};
constexpr ArgSpec kFindRangeArgs[] = {
    {.name = "start", .type = ArgType::kInteger},
    {.name = "end_index", .type = ArgType::kBlock, .optional = true, .args = kEndAndUnitArgs},
};
constexpr ArgSpec kBitPosArgs[] = {
    kKeyArg,
    {.name = "bit", .type = ArgType::kInteger},
    {.name = "index", .type = ArgType::kBlock, .optional = true, .args = kFindRangeArgs},
};
constexpr ArgSpec kBitOpArgs[] = {
    {.name = "operation", .type = ArgType::kString},
    {.name = "destkey", .type = ArgType::kKey, .key_spec = 0},
    {.name = "key", .type = ArgType::kKey, .key_spec = 1, .multiple = true},
};
constexpr ArgSpec kFieldArgs[] = {kEncodingArg, kOffsetArg};
constexpr ArgSpec kFieldSetArgs[] = {kEncodingArg, kOffsetArg, {.name = "value", .type = ArgType::kInteger}};
constexpr ArgSpec kFieldIncrByArgs[] = {kEncodingArg, kOffsetArg, {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kOverflowArgs[] = {
    {.name = "wrap", .type = ArgType::kPureToken, .token = "WRAP"},
    {.name = "sat", .type = ArgType::kPureToken, .token = "SAT"},
    {.name = "fail", .type = ArgType::kPureToken, .token = "FAIL"},
};
constexpr ArgSpec kWriteOperationArgs[] = {
    {.name = "encoding_offset_value", .type = ArgType::kBlock, .token = "SET", .args = kFieldSetArgs},
    {.name = "encoding_offset_increment", .type = ArgType::kBlock, .token = "INCRBY", .args = kFieldIncrByArgs},
};
constexpr ArgSpec kFieldWriteArgs[] = {
    {.name = "wrap_sat_fail", .type = ArgType::kOneOf, .token = "OVERFLOW", .optional = true, .args = kOverflowArgs},
    {.name = "write_operation", .type = ArgType::kOneOf, .args = kWriteOperationArgs},
};
constexpr ArgSpec kFieldOperationArgs[] = {
    {.name = "encoding_offset", .type = ArgType::kBlock, .token = "GET", .args = kFieldArgs},
    {.name = "write", .type = ArgType::kBlock, .args = kFieldWriteArgs},
};
constexpr ArgSpec kBitFieldArgs[] = {
    kKeyArg,
    {.name = "operation", .type = ArgType::kOneOf, .optional = true, .multiple = true, .args = kFieldOperationArgs},
};
constexpr ArgSpec kBitFieldRoArgs[] = {
    kKeyArg,
    {.name = "encoding_offset", .type = ArgType::kBlock, .token = "GET", .optional = true, .multiple = true,
     .multiple_token = true, .args = kFieldArgs},
};
constexpr HistoryItem kUnitHistory[] = {{"7.0.0", "`BYTE` and `BIT` say what a range counts."}};

constexpr auto kRows = Rows({.group = Group::kBitmap, .categories = kAclBitmap}, {
    {.name = "bitcount", .run = BitCount, .arity = AtLeast(2), .flags = kReads, .keys = kReadKey,
     .args = kBitCountArgs, .summary = "How many bits are set in the string at a key, or in a part of it.",
     .complexity = "O(N), N = bytes looked at", .since = "2.6.0", .history = kUnitHistory, .is_short = ValueIsShort},
    {.name = "bitfield", .run = BitField, .arity = AtLeast(2), .flags = kGrows, .keys = kBitFieldKey,
     .args = kBitFieldArgs, .summary = "Reads, sets and adds to numbers of some bits in the string at a key.",
     .complexity = "O(1) a step", .since = "3.2.0", .get_keys = BitFieldKeysOf,
     .is_short = EditIsShort<BitFieldNeeds>, .growth = EditGrowth<BitFieldNeeds>},
    {.name = "bitfield_ro", .run = BitFieldRo, .arity = AtLeast(2), .flags = kFastReads, .keys = kReadKey,
     .args = kBitFieldRoArgs, .summary = "Reads numbers of some bits in the string at a key.",
     .complexity = "O(1) a step", .since = "6.0.0"},
    {.name = "bitop", .run = BitOp, .arity = AtLeast(4), .flags = kGrows, .keys = kBitOpKeys, .args = kBitOpArgs,
     .summary = "Combines strings bit by bit, and stores the result.",
     .complexity = "O(N), N = bytes of the strings", .since = "2.6.0", .is_short = BitOpIsShort,
     .growth = BitOpGrowth},
    {.name = "bitpos", .run = BitPos, .arity = AtLeast(3), .flags = kReads, .keys = kReadKey, .args = kBitPosArgs,
     .summary = "Where the first bit that is set, or the first that is not, stands in the string at a key.",
     .complexity = "O(N), N = bytes looked at", .since = "2.8.7", .history = kUnitHistory, .is_short = ValueIsShort},
    {.name = "getbit", .run = GetBit, .arity = Exactly(3), .flags = kFastReads, .keys = kReadKey, .args = kGetBitArgs,
     .summary = "The bit at an offset of the string at a key.", .complexity = "O(1)", .since = "2.2.0"},
    {.name = "setbit", .run = SetBit, .arity = Exactly(4), .flags = kGrows, .keys = kReadAndUpdatedKey,
     .args = kSetBitArgs, .summary = "Sets or clears the bit at an offset of the string at a key.",
     .complexity = "O(1)", .since = "2.2.0", .is_short = EditIsShort<SetBitNeeds>,
     .growth = EditGrowth<SetBitNeeds>},
});

}  // namespace

constinit const Family kBitmapFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
