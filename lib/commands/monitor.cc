// MONITOR: see lib/engine/monitor.h.
#include "lib/commands/family.h"
#include "lib/commands/server_commands.h"
#include "lib/engine/transaction.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kNotInExec{absl::StatusCode::kFailedPrecondition,
                               "ERR MONITOR isn't allowed for DENY BLOCKING client"};
constexpr ErrorText kNoConnection{absl::StatusCode::kFailedPrecondition,
                                  "ERR MONITOR needs a connection that can be sent lines: a listener's, or one of "
                                  "cache.NewConnection()"};

}  // namespace

// Asked twice it says nothing, as Redis.
Error Monitor(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  ClientState& client = ctx.client;
  if (client.transaction != nullptr && client.transaction->queued() != 0) return kNotInExec;
  if (client.monitor) return kOk;
  if (client.io == nullptr) return kNoConnection;
  if (!client.io->PreparePush()) return errors::kAllocationFailed;
  ctx.engine.monitors().Add(client);
  reply.Ok();
  return kOk;
}

}  // namespace larder::inline v0::commands
