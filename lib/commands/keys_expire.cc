// EXPIRE and its three relatives, TTL and its three, PERSIST. Their rows are in keys.cc.
#include <climits>

#include "lib/commands/family.h"
#include "lib/commands/keys_functions.h"
#include "lib/engine/text.h"
#include "lib/ops/keys.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kNxWithOthers{absl::StatusCode::kInvalidArgument,
                                  "ERR NX and XX, GT or LT options at the same time are not compatible"};
constexpr ErrorText kGtWithLt{absl::StatusCode::kInvalidArgument,
                              "ERR GT and LT options at the same time are not compatible"};

Error ParseConditions(ArgReader& args, ops::keys::ExpireOptions* options, resp::ReplyWriter& reply) {
  while (!args.done()) {
    if (args.Take("nx")) {
      options->if_none = true;
    } else if (args.Take("xx")) {
      options->if_any = true;
    } else if (args.Take("gt")) {
      options->if_greater = true;
    } else if (args.Take("lt")) {
      options->if_less = true;
    } else {
      reply.Error({"ERR Unsupported option ", UpToNul(args.Peek())});
      return kReplied;
    }
  }
  if (options->if_none && (options->if_any || options->if_greater || options->if_less)) return kNxWithOthers;
  if (options->if_greater && options->if_less) return kGtWithLt;
  return kOk;
}

// `base_ms` is what the argument counts from, `unit_ms` what it counts in.
Error SetExpiry(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply, int64_t base_ms, int64_t unit_ms) {
  const Bytes key = args.Key();
  const Bytes when_text = args.Next();
  ops::keys::ExpireOptions options;
  LARDER_RETURN_IF_ERROR(ParseConditions(args, &options, reply));  // before the time, as Redis has it
  int64_t when = 0;
  if (!base::ParseInt64(when_text, &when)) return errors::kNotInteger;
  if (__builtin_mul_overflow(when, unit_ms, &when) || __builtin_add_overflow(when, base_ms, &when)) {
    reply.Error({"ERR invalid expire time in '", ctx.spec.name, "' command"});
    return kReplied;
  }
  LARDER_ASSIGN_OR_RETURN(const bool changed, ops::keys::ExpireAt(ctx.db(), key, when, options));
  reply.Int(changed ? 1 : 0);
  return kOk;
}

// Milliseconds as seconds, the nearest; the sum is unsigned since ms may be the largest there is.
int64_t Seconds(int64_t ms) { return ms < 0 ? ms : static_cast<int64_t>((static_cast<uint64_t>(ms) + 500) / 1000); }

}  // namespace

Error Expire(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  return SetExpiry(ctx, args, reply, ctx.now_ms(), 1000);
}

Error PExpire(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  return SetExpiry(ctx, args, reply, ctx.now_ms(), 1);
}

Error ExpireAt(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  return SetExpiry(ctx, args, reply, 0, 1000);
}

Error PExpireAt(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  return SetExpiry(ctx, args, reply, 0, 1);
}

Error Ttl(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(Seconds(ops::keys::TtlMs(ctx.db(), args.Key())));
  return kOk;
}

Error PTtl(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(ops::keys::TtlMs(ctx.db(), args.Key()));
  return kOk;
}

Error ExpireTime(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(Seconds(ops::keys::ExpireTimeMs(ctx.db(), args.Key())));
  return kOk;
}

Error PExpireTime(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  reply.Int(ops::keys::ExpireTimeMs(ctx.db(), args.Key()));
  return kOk;
}

Error Persist(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const bool changed, ops::keys::Persist(ctx.db(), args.Key()));
  reply.Int(changed ? 1 : 0);
  return kOk;
}

}  // namespace larder::inline v0::commands
