// The functions of the string family that do not stand in string.cc beside their rows.
#ifndef LARDER_COMMANDS_STRING_FAMILY_H_
#define LARDER_COMMANDS_STRING_FAMILY_H_

#include "lib/commands/family.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::commands {

// The string as a bulk, by reference if it is large; nil if it was not found.
void ReplyText(const ops::strings::Text& text, ReplyWriter& reply);
// The same before the string is changed: false, and nothing is written, if there is no memory for it.
bool ReplyTextFirst(const ops::strings::Text& text, ReplyWriter& reply);

// string_set.cc: all that make a key hold a string given whole, and those that take SET's options.
Error Set(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
// COMMAND GETKEYSANDFLAGS: with GET the key is read too.
bool SetKeysOf(std::span<const Bytes> argv, void (*add)(void* arg, size_t position, uint16_t flags), void* arg);
Error SetNx(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error SetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error PSetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error GetSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error GetEx(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error MSet(CommandContext& ctx, ArgReader args, ReplyWriter& reply);
Error MSetNx(CommandContext& ctx, ArgReader args, ReplyWriter& reply);

// string_lcs.cc
Error LcsOf(CommandContext& ctx, ArgReader args, ReplyWriter& reply);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_STRING_FAMILY_H_
