// Members and scores of sorted sets in replies.
#ifndef LARDER_COMMANDS_ZSET_REPLY_H_
#define LARDER_COMMANDS_ZSET_REPLY_H_

#include <cstddef>

#include "lib/commands/collection_reply.h"
#include "lib/ops/zset_ranges.h"
#include "lib/ops/zsets.h"

namespace larder::inline v0::commands {

// Some members, with their scores or without: one list in RESP2; in RESP3 each pair has an array of its own.
class MembersReply {
 public:
  // kWithinReply: they are the rest of a list that has been begun.
  enum class Pairs : uint8_t { kByProtocol, kFlat, kNested, kWithinReply };
  MembersReply(const keyspace::Collection& zset, bool with_scores, size_t count, resp::ReplyWriter& reply,
               Pairs pairs = Pairs::kByProtocol)
      : zset_(zset), with_scores_(with_scores), reply_(reply),
        nested_(with_scores && (pairs == Pairs::kNested || (pairs == Pairs::kByProtocol && reply.protocol() > 2))) {
    if (pairs != Pairs::kWithinReply) reply.Array(with_scores && !nested_ ? count * 2 : count);
  }

  // False once the reply has failed.
  bool Add(const char* record) {
    if (nested_) reply_.Array(2);
    ReplyPart(zset_, record, 0, reply_);
    if (with_scores_) reply_.Double(ops::zsets::ScoreOf(zset_, record));
    return !reply_.output().failed();
  }
  void Add(const ops::zsets::Picked& picked) {
    zset_.ForRange(picked.first, picked.count, picked.backwards, [&](const char* record) { return Add(record); });
  }

 private:
  const keyspace::Collection& zset_;
  const bool with_scores_;
  resp::ReplyWriter& reply_;
  const bool nested_;
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_ZSET_REPLY_H_
