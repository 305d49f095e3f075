// WAIT: until so many replicas have what this client has written. There are none, so that it waits for its time alone.
#include "lib/commands/blocking_shapes.h"
#include "lib/commands/families.h"

namespace larder::inline v0::commands {
namespace {

Error Wait(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  LARDER_ASSIGN_OR_RETURN(const int64_t replicas, args.Int());
  LARDER_ASSIGN_OR_RETURN(const int64_t timeout_ms, args.Int(errors::kTimeoutNotInteger));
  if (timeout_ms < 0) return errors::kTimeoutNegative;
  if (replicas > 0 && engine::Blocking::MayWait(ctx.client)) {
    return ctx.engine().blocking().Add(ctx, {.timeout_ms = timeout_ms, .counts = true});
  }
  reply.Int(0);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kLeastOfShards[] = {"request_policy:all_shards", "response_policy:agg_min"};
constexpr ArgSpec kWaitArgs[] = {{.name = "numreplicas", .type = ArgType::kInteger},
                                 {.name = "timeout", .type = ArgType::kInteger}};

constexpr auto kRows = Rows({.group = Group::kGeneric, .categories = kAclConnection}, {
    {.name = "wait", .run = Wait, .arity = Exactly(3), .flags = kCmdNoscript | kCmdWaits | kCmdShort,
     .tips = kLeastOfShards, .args = kWaitArgs,
     .summary = "Waits until replicas have what this client has written, or for some time.", .complexity = "O(1)",
     .since = "3.0.0"},
});

}  // namespace

constinit const Family kWaitFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
