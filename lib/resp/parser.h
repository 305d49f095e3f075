// RequestParser: requests out of a client's bytes, however they were cut. No sockets, no copies.
//
// A request is an array of bulks ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") or an inline line ("GET k\r\n", words as a shell
// would quote them). What is accepted, and how the rest is refused, is Redis 7.0.15's, oddities included: any byte
// stands for the LF after a CR, the two bytes behind a bulk are not looked at, empty requests are skipped, and a NUL in
// a header or an inline line hides what follows, so that the line never ends and is refused as too big.
//
// The caller owns the input: it keeps the bytes from the last `consumed` on, appends what arrives, may move them, and
// calls Next again. The parser remembers how far it came, so that no byte is looked at twice and a bulk of 512 MB in
// pieces of 16 KB costs one step a piece. Arguments are views into the input of the call that returned kRequest; they
// hold as long as the caller leaves those bytes in place.
//
//   RequestParser parser;
//   size_t from = 0, consumed = 0;
//   while (parser.Next(input.substr(from), &consumed, &argv) == RequestParser::kRequest) {
//     from += consumed;
//     Run(argv);
//   }
//   from += consumed;  // blank requests before the one that is not complete
//
// Memory grows with the arguments that arrived, never with the number that a header claims. If it is refused, Next
// returns kError with an error text like any other, since this client's request cannot be had.
#ifndef LARDER_RESP_PARSER_H_
#define LARDER_RESP_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/resp/argv.h"

namespace larder::inline v0::resp {

class RequestParser {
 public:
  enum Status { kNeedMore, kRequest, kError };

  static constexpr size_t kInlineMax = 64 * 1024;
  static constexpr uint64_t kDefaultBulkMax = 512u << 20;
  static constexpr int64_t kUnauthenticatedArgsMax = 10;
  static constexpr uint64_t kUnauthenticatedBulkMax = 16384;
  // Bulks from this size on are worth a place of their own: see LargeBulk and TakeBulk.
  static constexpr size_t kLargeBulk = 32 * 1024;

  RequestParser() = default;

  // proto-max-bulk-len. Applies from the next bulk header on.
  void set_bulk_max(uint64_t bytes) { bulk_max_ = bytes; }
  // A client that has still to authenticate gets tighter limits. A client that may do everything is the default.
  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }

  // The next request of `input`, which begins where the caller's last `consumed` bytes ended.
  //   kRequest:  *argv holds it (at least one argument), *consumed its length and that of blank requests before it.
  //   kNeedMore: *consumed covers blank requests only; *argv is empty.
  //   kError:    error() says why, for good; the client is to be told and closed.
  Status Next(Bytes input, size_t* consumed, ArgVector* argv);

  // "ERR Protocol error: ..." after kError. `room` is where it is put together, if it has to be.
  static constexpr size_t kErrorMax = 64;
  Bytes error(std::span<char, kErrorMax> room) const;

  // After kNeedMore: how many bytes are missing of the bulk that is arriving, its CRLF included; 0 when that is not
  // known. The connection sizes its next read by it when it is large.
  size_t BytesWanted() const { return wanted_; }
  // After kNeedMore: the size of the bulk that is arriving if it is at least kLargeBulk, else 0.
  size_t LargeBulk() const {
    return bulk_length_ >= static_cast<int64_t>(kLargeBulk) ? static_cast<size_t>(bulk_length_) : 0;
  }

  // After kNeedMore: how much of the input belongs to the request so far, a bulk that is arriving not included.
  size_t ParsedBytes() const { return pos_; }
  // The bulk that LargeBulk told of has arrived elsewhere, its CRLF too: `bulk`, which stays where it is until the
  // request has run. `input` is Next's, without any byte of it.
  void TakeBulk(Bytes input, Bytes bulk);

  // Whether blank requests have been skipped since the last request; forgets it. (To CLIENT REPLY SKIP one is a
  // command.)
  bool TakeBlank() { return std::exchange(blank_, false); }

  // In the middle of a request, so that the end of input here is a cut request.
  bool InRequest() const { return args_left_ > 0; }

  // Bytes of memory held for a request that is not complete.
  size_t memory() const { return partial_ != nullptr ? sizeof(ArgVector) + partial_->memory() : 0; }

  // As new, limits kept.
  void Reset();

 private:
  Status ParseInline(Bytes input, ArgVector* argv);
  Status ParseCount(Bytes input);
  Status ParseBulks(Bytes input, ArgVector* argv);
  bool ParseWholeBulks(Bytes input, ArgVector* argv);
  Status ParseBulkHeader(Bytes input);
  bool ReadLength(Bytes input, int64_t* length, Status* status, bool bulk);
  size_t FindLineEnd(Bytes input, char wanted);
  Status Fail(const char* text, char character = 0);
  Status Suspend(Bytes input, ArgVector* argv);
  bool MakePartial();

  // Where the request that is arriving has come to, as offsets from its first byte.
  size_t pos_ = 0;            // everything before is parsed
  size_t scanned_ = 0;        // no line end before here
  int64_t args_left_ = 0;     // 0: between requests
  int64_t bulk_length_ = -1;  // -1: a header is next
  size_t wanted_ = 0;
  const char* base_ = nullptr;  // the input when partial_ was filled
  std::unique_ptr<ArgVector> partial_;  // made when a request first comes in parts, and kept

  uint64_t bulk_max_ = kDefaultBulkMax;
  const char* error_ =
      nullptr;  // one per connection, most of them idle: the text itself would be a tenth of its memory
  bool authenticated_ = true;
  char error_character_ = 0;     // behind the text, in quotes
  bool blank_ = false;
};

}  // namespace larder::inline v0::resp

#endif  // LARDER_RESP_PARSER_H_
