// Members of sets in replies.
#ifndef LARDER_COMMANDS_SET_REPLY_H_
#define LARDER_COMMANDS_SET_REPLY_H_

#include "lib/commands/collection_reply.h"
#include "lib/ops/set_value.h"

namespace larder::inline v0::commands {

inline void ReplyMember(const ops::sets::Set& set, const char* record, resp::ReplyWriter& reply) {
  if (!set.has_numbers()) return ReplyPart(set.records(), record, 0, reply);
  ops::sets::Digits digits;
  reply.Bulk(set.TextAt(record, digits));
}

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_SET_REPLY_H_
