// A string in a reply.
#ifndef LARDER_COMMANDS_STRING_REPLY_H_
#define LARDER_COMMANDS_STRING_REPLY_H_

#include "lib/commands/family.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::commands {

// As a bulk, by reference if it is large; nil if it was not found.
inline void ReplyText(const ops::strings::Text& text, ReplyWriter& reply) {
  if (!text.found) {
    reply.Null();
  } else if (text.block != nullptr && text.bytes.size() >= resp::Output::kByReferenceMin) {
    reply.BulkBlock(memory::BlockRef::Share(text.block), 0, text.bytes.size());
  } else {
    reply.Bulk(text.bytes);
  }
}

// The same before the string is changed: false, and nothing is written, if there is no memory for it.
inline bool ReplyTextFirst(const ops::strings::Text& text, ReplyWriter& reply) {
  if (reply.output().failed()) return true;  // of an EXEC whose reply is lost already
  const size_t mark = reply.Mark();
  ReplyText(text, reply);
  if (!reply.output().failed()) return true;
  reply.output().RewindFailed(mark);
  return false;
}

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_STRING_REPLY_H_
