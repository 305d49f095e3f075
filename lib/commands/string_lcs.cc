#include "lib/base/buffer.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/ops/strings.h"
#include "lib/ops/lcs.h"

namespace larder::inline v0::commands {
namespace {

using ops::Lcs;
using ops::strings::Digits;

constexpr ErrorText kLengthAndIndexes{absl::StatusCode::kInvalidArgument,
                                      "ERR If you want both the length and indexes, please just use IDX."};

struct LcsOptions {
  bool length = false;
  bool indexes = false;
  bool with_match_length = false;
  int64_t match_length_min = 0;
};

Error ReadOptions(ArgReader args, LcsOptions* options) {
  while (!args.done()) {
    if (args.Take("IDX")) {
      options->indexes = true;
    } else if (args.Take("LEN")) {
      options->length = true;
    } else if (args.Take("WITHMATCHLEN")) {
      options->with_match_length = true;
    } else if (args.Take("MINMATCHLEN") && !args.done()) {
      LARDER_ASSIGN_OR_RETURN(options->match_length_min, args.Int());
    } else {
      return errors::kSyntax;
    }
  }
  return options->length && options->indexes ? Error(kLengthAndIndexes) : kOk;
}

void ReplyIndexes(const Lcs& lcs, const LcsOptions& options, ReplyWriter& reply) {
  auto wanted = [&](const Lcs::Match& match) {
    return static_cast<int64_t>(match.length()) >= options.match_length_min;
  };
  size_t matches = 0;
  lcs.Walk([&](const Lcs::Match& match) { matches += wanted(match); });
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(matches);
  lcs.Walk([&](const Lcs::Match& match) {
    if (!wanted(match)) return;
    reply.Array(options.with_match_length ? 3 : 2);
    reply.Array(2);
    reply.Int(static_cast<int64_t>(match.a_first));
    reply.Int(static_cast<int64_t>(match.a_last));
    reply.Array(2);
    reply.Int(static_cast<int64_t>(match.b_first));
    reply.Int(static_cast<int64_t>(match.b_last));
    if (options.with_match_length) reply.Int(static_cast<int64_t>(match.length()));
  });
  reply.Bulk("len");
  reply.Int(static_cast<int64_t>(lcs.length()));
}

// The walk goes from the end to the beginning, so the text is filled that way.
Error ReplySubsequence(const Lcs& lcs, Bytes a, ReplyWriter& reply) {
  base::Buffer text;
  char* end = text.Extend(lcs.length());
  if (text.failed()) return errors::kAllocationFailed;
  end += lcs.length();
  lcs.Walk([&](const Lcs::Match& match) {
    end -= match.length();
    base::CopyBytes(end, a.substr(match.a_first, match.length()));
  });
  reply.Bulk(text.view());
  return kOk;
}

// Both keys are looked at before the options are, so a wrong type wins over a syntax error.
Error LcsOf(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes a_key = args.Key();
  const Bytes b_key = args.Key();
  Digits a_digits, b_digits;
  // Finding b may delete it, if it has expired, but never moves a.
  const auto a = ops::strings::Read(ctx.db(), a_key, a_digits);
  const auto b = ops::strings::Read(ctx.db(), b_key, b_digits);
  if (!a.ok() || !b.ok()) return errors::kLcsNotStrings;
  LcsOptions options;
  LARDER_RETURN_IF_ERROR(ReadOptions(args, &options));
  Lcs lcs;
  LARDER_RETURN_IF_ERROR(
      lcs.Compute((*a).bytes, (*b).bytes, ctx.keyspace().config().string_bytes_max, options.length));
  if (options.length) {
    reply.Int(static_cast<int64_t>(lcs.length()));
    return kOk;
  }
  if (!options.indexes) return ReplySubsequence(lcs, (*a).bytes, reply);
  ReplyIndexes(lcs, options, reply);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kLcsKeys[] = {KeyRange(1, 1, 1, kKeyReadOnly | kKeyAccess)};
constexpr ArgSpec kLcsArgs[] = {
    {.name = "key1", .type = ArgType::kKey, .key_spec = 0},
    {.name = "key2", .type = ArgType::kKey, .key_spec = 0},
    {.name = "len", .type = ArgType::kPureToken, .token = "LEN", .optional = true},
    {.name = "idx", .type = ArgType::kPureToken, .token = "IDX", .optional = true},
    {.name = "len", .type = ArgType::kInteger, .token = "MINMATCHLEN", .optional = true},
    {.name = "withmatchlen", .type = ArgType::kPureToken, .token = "WITHMATCHLEN", .optional = true},
};

constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
    {.name = "lcs", .run = LcsOf, .arity = AtLeast(3), .flags = kCmdReadOnly, .keys = kLcsKeys, .args = kLcsArgs,
     .summary = "The longest subsequence that two strings have in common.",
     .complexity = "O(N*M), N and M = lengths of the strings", .since = "7.0.0"},
});

}  // namespace

constinit const Family kLcsFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
