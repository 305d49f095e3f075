// The transaction family: MULTI, EXEC, DISCARD, WATCH and UNWATCH.
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/short.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::commands {
namespace {

Error Multi(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (InMulti(ctx.client.transaction)) {
    reply.Error({"ERR MULTI calls can not be nested"});
    return kReplied;
  }
  MultiState* transaction = MultiStateOf(ctx.client);
  if (transaction == nullptr) return errors::kAllocationFailed;
  transaction->open = true;
  reply.Ok();
  return kOk;
}

Error Discard(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (!InMulti(ctx.client.transaction)) {
    reply.Error({"ERR DISCARD without MULTI"});
    return kReplied;
  }
  DropMultiState(ctx.engine(), ctx.client);
  reply.Ok();
  return kOk;
}

Error Exec(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  MultiState* transaction = ctx.client.transaction;
  if (!InMulti(transaction)) {
    reply.Error({"ERR EXEC without MULTI"});
    return kReplied;
  }
  if (transaction->broken) {
    DropMultiState(ctx.engine(), ctx.client);
    reply.Error({"EXECABORT Transaction discarded because of previous errors."});
    return kReplied;
  }
  if (!transaction->changed) ctx.engine().watches().TouchAll(*transaction);
  if (transaction->changed) {
    DropMultiState(ctx.engine(), ctx.client);
    reply.NullArray();
    return kOk;
  }
  // All get their turn or none: each finds room for its arguments and to be answered, and what needs more refuses
  // itself.
  resp::ArgVector room;
  if (!transaction->MakeRoom(&room) ||
      !reply.output().bytes().Reserve((transaction->queued() + 1) * kShortReplyBytes)) {
    return errors::kAllocationFailed;
  }
  // The commands run with the transaction closed, as Redis runs them, and what is watched no longer matters.
  ctx.engine().watches().RemoveAll(transaction);
  transaction->open = false;
  const size_t mark = reply.Mark();
  reply.Array(transaction->queued());
  if (ctx.client.reply_mode.silent()) reply.Rewind(mark);
  const keyspace::Effects::Group group(ctx.engine().keyspace().effects());
  ctx.client.in_exec = true;
  ctx.minded_reply_mode = true;  // each of them does: CLIENT REPLY may be among them
  transaction->ForEach(&room, [&](const CommandRow& row, std::span<const Bytes> argv) {
    (void)Call(ctx.engine(), ctx.client, row, argv, reply);
  });
  ctx.client.in_exec = false;
  // A QUIT or RESET cannot be queued, so the transaction is still the client's.
  transaction->Reset();
  return kOk;
}

Error WatchKeys(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (InMulti(ctx.client.transaction)) {
    reply.Error({"ERR WATCH inside MULTI is not allowed"});
    return kReplied;
  }
  MultiState* transaction = MultiStateOf(ctx.client);
  if (transaction == nullptr) return errors::kAllocationFailed;
  if (!transaction->changed) {  // once a watched key has changed, EXEC fails whatever else is watched
    while (!args.done()) {
      if (!ctx.engine().watches().Add(transaction, ctx.db(), args.Key())) return errors::kAllocationFailed;
    }
  }
  reply.Ok();
  return kOk;
}

Error Unwatch(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (ctx.client.transaction != nullptr) {
    ctx.engine().watches().RemoveAll(ctx.client.transaction);
    ctx.client.transaction->changed = false;
  }
  reply.Ok();
  return kOk;
}

constexpr uint32_t kAlways = kCmdNoscript | kCmdLoading | kCmdStale | kCmdNeedsSession | kCmdShort;

bool ExecIsShort(CommandContext& ctx, std::span<const Bytes>) {
  return ctx.client.transaction == nullptr || ctx.client.transaction->IsShort();
}

constexpr auto kRows = Rows({.group = Group::kTransactions, .categories = kAclTransaction}, {
    {.name = "multi", .run = Multi, .arity = Exactly(1), .flags = kAlways | kCmdFast | kCmdAllowBusy | kCmdRunsInMulti,
     .summary = "Starts a transaction: what follows is queued until EXEC.", .complexity = "O(1)", .since = "1.2.0"},
    {.name = "exec", .run = Exec, .arity = Exactly(1),
     .flags = kAlways | kCmdSkipSlowlog | kCmdRunsInMulti | kCmdEndsMulti | kCmdRunsQueue,
     .summary = "Runs all queued commands, with no other client's in between.",
     .complexity = "That of the queued commands", .since = "1.2.0", .is_short = ExecIsShort},
    {.name = "discard", .run = Discard, .arity = Exactly(1),
     .flags = kAlways | kCmdFast | kCmdAllowBusy | kCmdRunsInMulti | kCmdEndsMulti,
     .summary = "Forgets all queued commands and ends the transaction.", .complexity = "O(N), N = queued commands",
     .since = "2.0.0", .is_short = WatchesFew},
    {.name = "watch", .run = WatchKeys, .arity = AtLeast(2),
     .flags = kAlways | kCmdFast | kCmdAllowBusy | kCmdRunsInMulti, .keys = kExaminedKeys, .args = kKeysArgs,
     .summary = "Makes the next EXEC fail if one of the keys is changed before it.", .complexity = "O(1) a key",
     .since = "2.2.0"},
    {.name = "unwatch", .run = Unwatch, .arity = Exactly(1), .flags = kAlways | kCmdFast | kCmdAllowBusy,
     .summary = "Forgets all watched keys.", .complexity = "O(1)", .since = "2.2.0", .is_short = WatchesFew},
});

}  // namespace

constinit const Family kMultiFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
