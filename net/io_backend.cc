#include "net/io_backend.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/base/check.h"

namespace larder::inline v0::net {
namespace {

ssize_t Send(const WriteOp& op) {
  // One piece is the common case, and send is cheaper than sendmsg.
  if (op.pieces_count == 1) return send(op.fd, op.pieces[0].iov_base, op.pieces[0].iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(op.pieces);
  message.msg_iovlen = op.pieces_count;
  return sendmsg(op.fd, &message, MSG_NOSIGNAL);
}

}  // namespace

void SystemCallBackend::ReadReady(std::span<ReadOp> ops) {
  for (ReadOp& op : ops) {
    do {
      op.result = recv(op.fd, op.data, op.size, 0);
    } while (op.result < 0 && errno == EINTR);
    if (op.result < 0) op.result = -errno;
  }
}

void SystemCallBackend::WriteAll(std::span<WriteOp> ops) {
  for (WriteOp& op : ops) {
    LARDER_DCHECK(op.pieces_count <= kPiecesMax);
    do {
      op.result = Send(op);
    } while (op.result < 0 && errno == EINTR);
    if (op.result < 0) op.result = -errno;
  }
}

}  // namespace larder::inline v0::net
