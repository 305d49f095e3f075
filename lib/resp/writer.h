// ReplyWriter: replies in RESP2 or RESP3, appended to an Output.
//
// A command says what it replies (a map, a double, null); the protocol that the session negotiated decides how it is
// spelled. Where RESP2 has no such type it gets what Redis 7.0 sends: maps become arrays of 2n, sets and pushes arrays,
// booleans 1 and 0, doubles, big numbers and verbatim strings bulks.
//
// Memory: when there is none, the Output is marked failed and the writer goes on harmlessly; the session looks once at
// the end.
#ifndef LARDER_RESP_WRITER_H_
#define LARDER_RESP_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/numbers.h"
#include "lib/memory/block.h"
#include "lib/resp/output.h"

namespace larder::inline v0::resp {

class ReplyWriter {
 public:
  ReplyWriter(Output& out, int protocol) : out_(&out), protocol_(protocol) {}

  Output& output() { return *out_; }
  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }

  void Ok() { Literal("+OK\r\n"); }
  void Queued() { Literal("+QUEUED\r\n"); }
  // REQUIRES: no CR or LF in `text`.
  void Simple(Bytes text);

  void Bulk(Bytes text);
  // Part of a block, by reference when it is large.
  void BulkBlock(const memory::BlockRef& block, size_t from, size_t length);
  void BulkInt(int64_t value);

  void Null() { protocol_ == 2 ? Literal("$-1\r\n") : Literal("_\r\n"); }
  void NullArray() { protocol_ == 2 ? Literal("*-1\r\n") : Literal("_\r\n"); }
  void Int(int64_t value);
  void Bool(bool value);
  void Double(double value);
  // A bulk in both protocols, as INCRBYFLOAT replies.
  void LongDoubleBulk(long double value);

  // The caller writes n elements next; for Map, `pairs` times a key and a value.
  void Array(size_t n) { Header('*', n); }
  void Map(size_t pairs) { protocol_ == 2 ? Header('*', pairs * 2) : Header('%', pairs); }
  void Set(size_t n) { Header(protocol_ == 2 ? '*' : '~', n); }
  void Push(size_t n) { Header(protocol_ == 2 ? '*' : '>', n); }
  // REQUIRES: protocol() is 3; RESP2 has no attributes and a client would take them for replies.
  void Attribute(size_t pairs);

  // `format` has three letters, such as "txt".
  void Verbatim(Bytes format, Bytes text);
  void BigNumber(Bytes digits);

  // The constant text as an error reply; nothing for kOk and kReplied.
  void Error(larder::Error error);
  // "-" + parts + CRLF. The first part begins with the code ("ERR "). CR and LF inside become blanks, those at
  // the end go, as in Redis, since parts may come from the client.
  void Error(std::initializer_list<Bytes> parts);
  // Errors written so far by this writer; not reduced by Rewind.
  size_t error_count() const { return errors_; }

  // A reply already in the session's protocol.
  void Raw(Bytes resp);

  // For aggregates whose length is known only afterwards:  mark = BeginDeferred(); elements...; EndDeferredArray(mark,
  // n). May nest. The cost is a move of what was written since.
  size_t BeginDeferred() const { return out_->Position(); }
  void EndDeferredArray(size_t mark, size_t n) { InsertHeader(mark, '*', n); }
  void EndDeferredMap(size_t mark, size_t pairs) {
    protocol_ == 2 ? InsertHeader(mark, '*', pairs * 2) : InsertHeader(mark, '%', pairs);
  }
  void EndDeferredSet(size_t mark, size_t n) { InsertHeader(mark, protocol_ == 2 ? '*' : '~', n); }

  // Rewind(Mark()) takes back what was written between. REQUIRES: the output was not consumed between.
  size_t Mark() const { return out_->Position(); }
  void Rewind(size_t mark) { out_->Rewind(mark); }

 private:
  // Type byte, up to 20 digits, CRLF, with the excess that word-wise copies may write.
  static constexpr size_t kHeaderMax = 32;

  template <size_t n>
  void Literal(const char (&text)[n]) {
    char* to = out_->bytes().Extend(n - 1);
    if (to != nullptr) std::memcpy(to, text, n - 1);
  }
  void Header(char type, uint64_t n);
  void InsertHeader(size_t mark, char type, uint64_t n);

  Output* out_;
  int protocol_;
  size_t errors_ = 0;
};

}  // namespace larder::inline v0::resp

namespace larder::inline v0 {
using resp::ReplyWriter;
}  // namespace larder::inline v0

#endif  // LARDER_RESP_WRITER_H_
