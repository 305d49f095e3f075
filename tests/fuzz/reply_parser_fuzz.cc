// Replies from random bytes: no crash, pieces give what the whole gives, and what is accepted can be read and printed.
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/resp/reply_parser.h"
#include <larder/reply.h>

namespace {

void Walk(larder::ReplyView reply) {
  (void)reply.AsString();
  (void)reply.AsNumber();
  (void)reply.ToStatus();
  (void)reply.Find("1");
  for (larder::ReplyView element : reply) Walk(element);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const ssize_t length = larder::resp::ReplyLength(input);
  larder::resp::ReplyScanner scanner;
  for (size_t n = 1; n < size; n += 3) {
    const std::vector<char> piece(input.begin(), input.begin() + static_cast<ptrdiff_t>(n));
    const ssize_t early = scanner.Scan({piece.data(), n});
    LARDER_CHECK(early == 0 || early == length);
    if (early != 0) break;
  }
  absl::StatusOr<larder::Reply> reply = larder::Reply::FromResp(input);
  LARDER_CHECK(reply.ok() == (length > 0));
  if (!reply.ok()) return 0;
  Walk(*reply);
  (void)reply->DebugString();
  return 0;
}
