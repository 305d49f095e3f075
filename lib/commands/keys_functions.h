// The key family's functions and sub-rows that live in files of their own; its rows are in keys.cc.
#ifndef LARDER_COMMANDS_KEYS_FUNCTIONS_H_
#define LARDER_COMMANDS_KEYS_FUNCTIONS_H_

#include "lib/commands/family.h"
#include "lib/keyspace/entry.h"

namespace larder::inline v0::commands {

// keys_expire.cc
Error Expire(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error PExpire(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ExpireAt(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error PExpireAt(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error Ttl(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error PTtl(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error ExpireTime(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error PExpireTime(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error Persist(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);

// keys_scan.cc
Error Keys(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
Error Scan(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);
bool ScanIsShort(CommandContext& ctx, std::span<const Bytes> argv);
Error RandomKey(CommandContext& ctx, ArgReader args, resp::ReplyWriter& reply);

// "string", "list"...: as TYPE replies and SCAN's TYPE asks.
Bytes TypeName(keyspace::Type type);

// object.cc: what OBJECT and DEBUG OBJECT say of an entry.
Bytes EncodingName(keyspace::Encoding encoding);
int64_t References(CommandContext& ctx, const keyspace::Entry& entry);
extern const CommandSpec kObjectSubcommands[5];

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_KEYS_FUNCTIONS_H_
