// HyperLogLogs: strings that estimate how many different elements were added to them.
#include <cmath>
#include <optional>

#include "lib/base/buffer.h"
#include "lib/base/numbers.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"
#include "lib/ops/hyperloglog.h"

namespace larder::inline v0::commands {
namespace {

namespace hll = ops::hll;

constexpr ErrorText kNoSuchHyperLogLog{absl::StatusCode::kNotFound, "ERR The specified key does not exist"};
constexpr ErrorText kNotSparse{absl::StatusCode::kFailedPrecondition, "ERR HLL encoding is not sparse"};

size_t SparseMax(CommandContext& ctx) { return ctx.engine().options().hll_sparse_max_bytes; }

Error PfAdd(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  LARDER_ASSIGN_OR_RETURN(const bool changed, hll::Add(ctx.db(), key, args.rest(), SparseMax(ctx), args.argv()));
  reply.Int(changed ? 1 : 0);
  return kOk;
}

Error PfCount(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const std::span<const Bytes> keys = args.rest();
  LARDER_ASSIGN_OR_RETURN(const int64_t count,
                          keys.size() == 1 ? hll::Count(ctx.db(), keys[0]) : hll::CountUnion(ctx.db(), keys));
  reply.Int(count);
  return kOk;
}

Error PfMerge(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_RETURN_IF_ERROR(hll::Merge(ctx.db(), args.rest(), SparseMax(ctx), args.argv()));
  reply.Ok();
  return kOk;
}

// A string takes some 10 us.
bool FewStrings(CommandContext&, std::span<const Bytes> argv) { return argv.size() <= 4; }

void PfAddGrowth(keyspace::Db* db, uint64_t, std::span<const Bytes> argv, keyspace::Growth* growth) {
  if (argv.size() < 2) return;
  const size_t counted = growth->counted;
  *growth = hll::GrowthOf(db, argv[1]);
  growth->counted = counted;
}

// ---- PFDEBUG --------------------------------------------------------------------------------------------------------

// Written before the string becomes dense, and taken back if it cannot.
Error GetRegisters(CommandContext& ctx, Bytes key, Bytes text, ReplyWriter& reply) {
  hll::Registers registers;
  if (!registers.Merge(text)) return errors::kCorruptHyperLogLog;
  const bool lost_before = reply.output().failed();
  const size_t mark = reply.Mark();
  reply.Array(hll::kRegisters);
  for (size_t i = 0; i < hll::kRegisters; ++i) reply.Int(registers[i]);
  if (reply.output().failed() && !lost_before) {
    reply.output().RewindFailed(mark);
    return errors::kAllocationFailed;
  }
  const Error error = hll::MakeDense(ctx.db(), key).error();
  if (!error.ok()) reply.Rewind(mark);
  return error;
}

void AppendNumber(uint64_t number, base::Buffer* to) {
  char digits[base::kIntChars];
  to->Append(base::FormatUint64(number, digits));
}

// "z:" a short run of zeros, "Z:" one that takes two bytes, "v:" a value and how often it follows.
Error Decode(Bytes text, ReplyWriter& reply) {
  if (hll::IsDense(text)) return kNotSparse;
  base::Buffer words;
  hll::ForEachRun(text, [&](const hll::Run& run) {
    if (!words.empty()) words.Append(' ');
    if (run.value == 0) {
      words.Append(run.bytes == 1 ? "z:" : "Z:");
    } else {
      words.Append("v:");
      AppendNumber(run.value, &words);
      words.Append(',');
    }
    AppendNumber(run.length, &words);
  });
  if (words.failed()) return errors::kAllocationFailed;
  reply.Bulk(words.view());
  return kOk;
}

Error PfDebug(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes what = args.Next();
  const Bytes key = args.Key();
  const keyspace::Place place = ctx.db().Locate(key, keyspace::Lookup::kWrite);
  if (place == nullptr) return kNoSuchHyperLogLog;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, hll::ReadForDebug(ctx.db(), key, place));
  if (base::EqualsIgnoreCase(what, "GETREG")) return GetRegisters(ctx, key, text, reply);
  if (base::EqualsIgnoreCase(what, "DECODE")) return Decode(text, reply);
  if (base::EqualsIgnoreCase(what, "ENCODING")) {
    reply.Simple(hll::IsDense(text) ? "dense" : "sparse");
    return kOk;
  }
  if (base::EqualsIgnoreCase(what, "TODENSE")) {
    LARDER_ASSIGN_OR_RETURN(const bool converted, hll::MakeDense(ctx.db(), key));
    reply.Int(converted ? 1 : 0);
    return kOk;
  }
  reply.Error({"ERR Unknown PFDEBUG subcommand '", UpToNul(what), "'"});
  return kReplied;
}

// ---- PFSELFTEST -----------------------------------------------------------------------------------------------------

// Adds elements to a dense and to a sparse string (that becomes dense on its way) until both have had some 100,000, and
// compares what they estimate with each other and with what it should be.
class SelfTest {
 public:
  // False without memory. All that Run needs is there then.
  bool Prepare() {
    return sparse_.MakeEmpty() && dense_.MakeEmpty() && dense_.MakeDense() == hll::Outcome::kRaised;
  }

  // What has failed, or nullptr.
  const char* Run() {
    uint64_t added = 0;
    for (const uint64_t goal : {1, 10, 100, 1000, 10'000, 100'000}) {
      for (; added < goal; ++added) {
        if (!Add(added)) return "registers differ";
      }
      if (const char* fault = Check(static_cast<double>(added)); fault != nullptr) return fault;
    }
    return nullptr;
  }

 private:
  bool Add(uint64_t number) {
    constexpr size_t kSparseMax = 3000;
    char digits[base::kIntChars];
    const hll::Element element = hll::ElementOf(base::FormatUint64(number, digits));
    return sparse_.Raise(element, kSparseMax) == dense_.Raise(element, kSparseMax);
  }

  const char* Check(double added) const {
    constexpr double kErrorMax = 5 * 1.04 / 128;  // five times the standard error
    hll::Registers dense, sparse;
    if (!dense.Merge(dense_.text()) || !sparse.Merge(sparse_.text())) return "a string cannot be read";
    for (size_t i = 0; i < hll::kRegisters; ++i) {
      if (dense[i] != sparse[i]) return "registers differ";
    }
    const std::optional<int64_t> estimate = hll::Estimate(sparse_.text());
    if (estimate != hll::Estimate(dense_.text()) || estimate != dense.Estimate()) return "estimates differ";
    if (std::abs(static_cast<double>(*estimate) - added) > std::ceil(added * kErrorMax)) return "an estimate is wrong";
    return nullptr;
  }

  hll::Sketch sparse_, dense_;
};

Error PfSelfTest(CommandContext&, ArgReader, ReplyWriter& reply) {
  SelfTest test;
  if (!test.Prepare()) return errors::kAllocationFailed;
  const char* const fault = test.Run();
  if (fault == nullptr) {
    reply.Ok();
    return kOk;
  }
  reply.Error({"TESTFAILED ", fault});
  return kReplied;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kAddedToKey[] = {OneKey(1, kKeyReadWrite | kKeyInsert)};
constexpr KeySpec kCountedKeys[] = {{.flags = kKeyReadWrite | kKeyAccess, .index = 1, .last = -1,
                                     .notes = "Written too, as the estimate is kept in the value"}};
constexpr KeySpec kMergedKeys[] = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyInsert),
                                   KeyRange(2, -1, 1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpec kDebuggedKey[] = {OneKey(2, kKeyReadWrite | kKeyAccess)};
constexpr ArgSpec kPfAddArgs[] = {
    kKeyArg, {.name = "element", .type = ArgType::kString, .optional = true, .multiple = true}};
constexpr ArgSpec kPfMergeArgs[] = {
    {.name = "destkey", .type = ArgType::kKey, .key_spec = 0},
    {.name = "sourcekey", .type = ArgType::kKey, .key_spec = 1, .multiple = true},
};
constexpr ArgSpec kPfDebugArgs[] = {{.name = "subcommand", .type = ArgType::kString}, kKeyArg};

constexpr auto kRows = Rows({.group = Group::kHyperLogLog, .categories = kAclHyperLogLog}, {
    {.name = "pfadd", .run = PfAdd, .arity = AtLeast(2), .flags = kFastGrows, .keys = kAddedToKey,
     .args = kPfAddArgs, .summary = "Adds elements to a HyperLogLog, which is made if there is none.",
     .complexity = "O(1) an element", .since = "2.8.9", .growth = PfAddGrowth},
    {.name = "pfcount", .run = PfCount, .arity = AtLeast(2), .flags = kReads | kCmdKeepsResult, .keys = kCountedKeys,
     .args = kKeysArgs, .summary = "An estimate of how many different elements were added to HyperLogLogs.",
     .complexity = "O(1) of one key, kept until it changes; O(N) of N keys", .since = "2.8.9",
     .is_short = FewStrings},
    {.name = "pfdebug", .run = PfDebug, .arity = Exactly(3), .flags = kCmdWrite | kCmdDenyOom | kCmdAdmin | kCmdSystem,
     .keys = kDebuggedKey, .args = kPfDebugArgs, .summary = "Shows what a HyperLogLog is made of.",
     .complexity = "N/A", .since = "2.8.9"},
    {.name = "pfmerge", .run = PfMerge, .arity = AtLeast(2), .flags = kCmdWrite | kCmdDenyOom, .keys = kMergedKeys,
     .args = kPfMergeArgs, .summary = "Stores the union of HyperLogLogs.", .complexity = "O(N), N = HyperLogLogs",
     .since = "2.8.9", .growth = PfAddGrowth},
    {.name = "pfselftest", .run = PfSelfTest, .arity = Exactly(1), .flags = kCmdAdmin | kCmdSystem,
     .summary = "Adds elements to a HyperLogLog of its own and checks its estimates.", .complexity = "N/A",
     .since = "2.8.9"},
});

}  // namespace

constinit const Family kHyperLogLogFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
