#include "lib/commands/transaction.h"

#include <cstring>
#include <new>

#include "lib/base/check.h"
#include "lib/commands/dispatch.h"
#include "lib/commands/engine.h"
#include "lib/commands/short.h"

namespace larder::inline v0::commands {
namespace {

template <class T>
bool AppendRaw(base::Buffer& to, T value) {
  return to.Append(Bytes(reinterpret_cast<const char*>(&value), sizeof(value)));
}

template <class T>
T ReadRaw(Bytes from, size_t* at) {
  T value;
  std::memcpy(&value, from.data() + *at, sizeof(value));
  *at += sizeof(value);
  return value;
}

Error Multi(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (InMulti(ctx.client.transaction)) {
    reply.Error({"ERR MULTI calls can not be nested"});
    return kReplied;
  }
  Transaction* transaction = TransactionOf(ctx.client);
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
  DropTransaction(ctx.engine, ctx.client);
  reply.Ok();
  return kOk;
}

Error Exec(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  Transaction* transaction = ctx.client.transaction;
  if (!InMulti(transaction)) {
    reply.Error({"ERR EXEC without MULTI"});
    return kReplied;
  }
  if (transaction->broken) {
    DropTransaction(ctx.engine, ctx.client);
    reply.Error({"EXECABORT Transaction discarded because of previous errors."});
    return kReplied;
  }
  if (!transaction->changed) ctx.engine.watches().TouchAll(*transaction);
  if (transaction->changed) {
    DropTransaction(ctx.engine, ctx.client);
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
  ctx.engine.watches().RemoveAll(transaction);
  transaction->open = false;
  const size_t mark = reply.Mark();
  reply.Array(transaction->queued());
  if (ctx.client.reply_mode.silent()) reply.Rewind(mark);
  ctx.minded_reply_mode = true;  // each of them does: CLIENT REPLY may be among them
  transaction->ForEach(&room, [&](const CommandSpec& spec, const CommandSpec* parent, std::span<const Bytes> argv) {
    (void)Call(ctx.engine, ctx.client, spec, parent, argv, reply);
  });
  // A QUIT or RESET cannot be queued, so the transaction is still the client's.
  transaction->Reset();
  return kOk;
}

Error WatchKeys(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (InMulti(ctx.client.transaction)) {
    reply.Error({"ERR WATCH inside MULTI is not allowed"});
    return kReplied;
  }
  Transaction* transaction = TransactionOf(ctx.client);
  if (transaction == nullptr) return errors::kAllocationFailed;
  if (!transaction->changed) {  // once a watched key has changed, EXEC fails whatever else is watched
    while (!args.done()) {
      if (!ctx.engine.watches().Add(transaction, ctx.db(), args.Key())) return errors::kAllocationFailed;
    }
  }
  reply.Ok();
  return kOk;
}

Error Unwatch(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  if (ctx.client.transaction != nullptr) {
    ctx.engine.watches().RemoveAll(ctx.client.transaction);
    ctx.client.transaction->changed = false;
  }
  reply.Ok();
  return kOk;
}

}  // namespace

bool Transaction::Queue(const CommandSpec& spec, const CommandSpec* parent, std::span<const Bytes> argv) {
  const size_t before = queue_.size();
  AppendRaw(queue_, &spec);
  AppendRaw(queue_, parent);
  AppendRaw(queue_, argv.size());
  for (Bytes arg : argv) AppendRaw(queue_, arg.size());
  for (Bytes arg : argv) queue_.Append(arg);
  if (queue_.failed()) {
    queue_.Truncate(before);
    queue_.ClearFailed();
    return false;
  }
  ++queued_;
  argc_sum_ += argv.size();
  all_short_ &= (spec.flags & kCmdShort) != 0 && spec.is_short == nullptr;
  if (argv.size() > argc_max_) argc_max_ = argv.size();
  flags |= spec.flags;
  return true;
}

bool Transaction::IsShort() const {
  return all_short_ && argc_sum_ <= 3 * kShortElements && queue_.size() <= kShortBytes && watch_count <= kShortElements;
}

bool Transaction::MakeRoom(resp::ArgVector* argv) const {
  while (argv->size() < argc_max_) {
    if (!argv->Append({})) return false;
  }
  return true;
}

void Transaction::Decode(size_t* at, const CommandSpec** spec, const CommandSpec** parent,
                         resp::ArgVector* argv) const {
  const Bytes queue = queue_.view();
  *spec = ReadRaw<const CommandSpec*>(queue, at);
  *parent = ReadRaw<const CommandSpec*>(queue, at);
  const size_t argc = ReadRaw<size_t>(queue, at);
  size_t text = *at + argc * sizeof(size_t);
  argv->Clear(SIZE_MAX);
  for (size_t i = 0; i < argc; ++i) {
    const size_t size = ReadRaw<size_t>(queue, at);
    const bool had_room = argv->Append(queue.substr(text, size));
    LARDER_CHECK(had_room);
    text += size;
  }
  *at = text;
}

void Transaction::Reset() {
  open = broken = changed = false;
  flags = 0;
  queued_ = argc_max_ = argc_sum_ = 0;
  all_short_ = true;
  queue_.Free();
}

Transaction* TransactionOf(ClientState& client) {
  if (client.transaction == nullptr) client.transaction = new (std::nothrow) Transaction();
  return client.transaction;
}

void DropTransaction(Engine& engine, ClientState& client) {
  if (client.transaction == nullptr) return;
  engine.watches().RemoveAll(client.transaction);
  client.transaction->Reset();
}

namespace {

constexpr KeySpec kWatchKeyRange[] = {KeyRange(1, -1, 1, kKeyReadOnly)};
constexpr ArgSpec kWatchArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true}};

constexpr uint32_t kAlways = kCmdNoscript | kCmdLoading | kCmdStale | kCmdNeedsSession | kCmdShort;

bool ExecIsShort(CommandContext& ctx, std::span<const Bytes>) {
  return ctx.client.transaction == nullptr || ctx.client.transaction->IsShort();
}

constexpr CommandSpec kCommands[] = {
    {.name = "multi", .run = Multi, .arity = Exactly(1), .flags = kAlways | kCmdFast | kCmdAllowBusy,
     .categories = kAclTransaction, .summary = "Starts a transaction: what follows is queued until EXEC.",
     .complexity = "O(1)", .group = Group::kTransactions, .since = "1.2.0"},
    {.name = "exec", .run = Exec, .arity = Exactly(1), .flags = kAlways | kCmdSkipSlowlog,
     .categories = kAclTransaction, .summary = "Runs all queued commands, with no other client's in between.",
     .complexity = "That of the queued commands", .group = Group::kTransactions, .since = "1.2.0",
     .is_short = ExecIsShort},
    {.name = "discard", .run = Discard, .arity = Exactly(1), .flags = kAlways | kCmdFast | kCmdAllowBusy,
     .categories = kAclTransaction, .summary = "Forgets all queued commands and ends the transaction.",
     .complexity = "O(N), N = queued commands", .group = Group::kTransactions, .since = "2.0.0",
     .is_short = WatchesFew},
    {.name = "watch", .run = WatchKeys, .arity = AtLeast(2), .flags = kAlways | kCmdFast | kCmdAllowBusy,
     .categories = kAclTransaction, .keys = kWatchKeyRange, .args = kWatchArgs,
     .summary = "Makes the next EXEC fail if one of the keys is changed before it.",
     .complexity = "O(1) a key", .group = Group::kTransactions, .since = "2.2.0"},
    {.name = "unwatch", .run = Unwatch, .arity = Exactly(1), .flags = kAlways | kCmdFast | kCmdAllowBusy,
     .categories = kAclTransaction, .summary = "Forgets all watched keys.", .complexity = "O(1)",
     .group = Group::kTransactions, .since = "2.2.0", .is_short = WatchesFew},
};

}  // namespace

std::span<const CommandSpec> TransactionCommands() { return kCommands; }

}  // namespace larder::inline v0::commands
