// Replies read back: for Reply, for tests and for clients written on top of lib.
//
// ReplyScanner finds where a reply ends while it arrives; ReadItem takes complete replies apart, one header or scalar
// at a time. Both know RESP2 and RESP3. They accept well-formed replies only and never look at a byte twice.
#ifndef LARDER_RESP_REPLY_PARSER_H_
#define LARDER_RESP_REPLY_PARSER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"

namespace larder::inline v0::resp {

// Aggregates within aggregates; deeper replies are refused.
inline constexpr int kReplyDepthMax = 128;

// One element of a reply: a scalar, or the header of an aggregate whose `count` elements follow.
struct ReplyItem {
  enum Kind : uint8_t {
    kNil, kBulk, kSimple, kError, kInteger, kDouble, kBoolean, kBigNumber, kVerbatim,
    kArray, kMap, kSet, kPush, kAttribute,
  };
  Kind kind = kNil;
  Bytes text;           // payload of bulk, simple, error, big number, verbatim (its "txt:" included); the number's text
  int64_t integer = 0;  // kInteger, kBoolean
  double number = 0;    // kDouble
  uint64_t count = 0;   // aggregates: elements that follow, so twice the pairs for a map or an attribute
};

// Reads the item at the front of `input`. Returns its length (for an aggregate, of its header), 0 if it is not
// complete, -1 if it is malformed. For a bulk that is not complete, *missing (if given) is how many bytes are wanted.
ssize_t ReadItem(Bytes input, ReplyItem* item, size_t* missing = nullptr);

// The length of the reply at the front of `input`, 0 if it is not complete, -1 if it is malformed or nested too deep.
// Attributes before or inside a reply belong to it.
ssize_t ReplyLength(Bytes input);

// The same for input that arrives in pieces, linear in its length altogether. Feed it all the bytes of the reply so
// far.
class ReplyScanner {
 public:
  ssize_t Scan(Bytes input);
  // Ready for the next reply.
  void Reset() {
    pos_ = skip_ = 0;
    depth_ = 0;
    left_[0] = 1;
  }

 private:
  size_t pos_ = 0;
  size_t skip_ = 0;  // less input than this is not worth a look
  int depth_ = 0;
  uint64_t left_[kReplyDepthMax + 1] = {1};  // elements left at each depth; left_[0] is the reply itself
};

}  // namespace larder::inline v0::resp

#endif  // LARDER_RESP_REPLY_PARSER_H_
