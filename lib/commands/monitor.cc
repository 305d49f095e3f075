// MONITOR: see lib/engine/monitor.h.
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kNotInExec{absl::StatusCode::kFailedPrecondition,
                               "ERR MONITOR isn't allowed for DENY BLOCKING client"};
constexpr ErrorText kNoConnection{absl::StatusCode::kFailedPrecondition,
                                  "ERR MONITOR needs a connection that can be sent lines: a listener's, or one of "
                                  "cache.NewConnection()"};

// Asked twice it says nothing, as Redis.
Error Monitor(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  if (client.transaction != nullptr && client.transaction->queued() != 0) return kNotInExec;
  if (client.monitor) return kOk;
  if (client.io == nullptr) return kNoConnection;
  if (!client.io->PreparePush()) return errors::kAllocationFailed;
  ctx.engine().monitors().Add(client);
  reply.Ok();
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "monitor", .run = Monitor, .arity = Exactly(1), .flags = kAdmin | kCmdNeedsSession,
     .summary = "Sends this client every command that runs from now on, as it runs.", .since = "1.0.0"},
});

}  // namespace

constinit const Family kMonitorFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
